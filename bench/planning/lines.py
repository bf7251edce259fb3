"""The lines of a hall by arithmetic: how long a poll takes, how often a device is asked, what waits when nobody asks.

For a bus of RK-1 devices each exchange is known to the bit (reference-keypad.md, protocols.md 1.1 [K]): the request,
the silence of 3.5 characters by which the slave knows its end, its turnaround, the reply, and the silence before the
next request. Nothing is simulated. What is reckoned is a line at rest; displays that are written to and events that are
fetched come on top and are given as the time of one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.controller.plan import EVENT_KINDS, LinePlan, from_scenario
from bench.controller.tickets import profile_of, ticket_text
from bench.planning.designs import busiest
from bench.planning.engine import Delays, Poll, Polls, people
from bench.scenario.times import NS
from protocol.modbus.maps.reference_keypad import QUEUE_DEPTH
from protocol.modbus.rtu import t35

if TYPE_CHECKING:
    from bench.scenario.model import Scenario

STATUS: Final = (8, 17)
"""Characters of a status poll and of its reply: six registers."""

READ_EVENT: Final = (8, 21)
"""Of reading one event: eight registers."""

ACKNOWLEDGE: Final = (13, 8)
"""Of acknowledging: two registers written."""

SHOW: Final = (13, 8)
"""Of writing four characters to a counter display."""

OSDP_POLL: Final = (8, 8)
"""Of an OSDP poll and its ACK with a CRC (protocols.md 3.2 [C])."""

FEEDING: Final = 350_000_000
"""From the last character of a ticket to its cut, ns: about 50 mm of paper at 150 mm/s, as the emulated printers do."""


ADDRESSES: Final = 247
"""Devices on a Modbus bus (protocols.md 1.1)."""


class LineBudget(NamedTuple):
    """A line's arithmetic, times in seconds; None where the line is not polled.

    Attributes:
        name, owner, settings: as in the scenario.
        polled: devices that are asked in turn.
        poll_s: one exchange with a device that has nothing to tell.
        sweep_s: all of them once, back to back: no poll cycle of this line can be shorter.
        cycle_s: how often a device is asked: the scenario's period, or the sweep if that is longer.
        load: share of the time for which the idle line is in use.
        fetch_s: reading one event and acknowledging it.
        reach_mean_s, reach_worst_s: from a press to the event being read.
        keypads: rating keypads among them.
        peak_per_hour: ratings an hour at one keypad in the busiest half-hour.
        depth: ratings that a keypad keeps.
        fills_h: hours without a poll after which a keypad's queue is full at that rate; None when there are no ratings.
        loss_risk: probability that more ratings than the queue holds come within one cycle.
        remark: what is not reckoned.
    """

    name: str
    owner: str
    settings: str
    polled: int
    poll_s: float | None
    sweep_s: float | None
    cycle_s: float | None
    load: float | None
    fetch_s: float | None
    reach_mean_s: float | None
    reach_worst_s: float | None
    keypads: int
    peak_per_hour: float
    depth: int | None
    fills_h: float | None
    loss_risk: float | None
    remark: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict."""
        return self._asdict()


def budget(scenario: Scenario) -> list[LineBudget]:
    """The budget of every line, those of the program under test included, as the house would poll them."""
    plans = _all_lines(scenario)
    keypads = sum(device.acts_as == "rating_keypad" for _, device in scenario.placed)
    _, arrivals = busiest(scenario)
    rate = 2 * arrivals * scenario.rating_share / keypads if keypads else 0.0  # an hour, one keypad
    return [_line(plans.get(spec.name), spec, scenario, rate) for spec in scenario.lines]


def _all_lines(scenario: Scenario) -> Mapping[str, LinePlan]:
    lines = tuple(line.model_copy(update={"owner": "house"}) for line in scenario.lines)
    return {line.name: line for line in from_scenario(scenario.model_copy(update={"lines": lines})).lines}


def most_keypads(line: LineBudget, within_s: float) -> int | None:
    """The most rating keypads of which each rating is read within so many seconds of its press, at worst.

    They are polled back to back, with the other polled devices that the line has; None for a line without keypads that
    are polled. At most as many as the bus has addresses.
    """
    if not line.keypads or line.poll_s is None or line.fetch_s is None:
        return None
    others = line.polled - line.keypads
    polls = math.floor((within_s - line.fetch_s - line.poll_s) / line.poll_s + 1e-9)
    return max(0, min(polls, ADDRESSES) - others)


def exchange(plan: LinePlan, characters: tuple[int, int]) -> int:
    """Nanoseconds of one exchange of these characters on a Modbus line, with the silence that ends it."""
    settings = plan.settings
    silence = t35(settings.baud, settings.char_bits)
    asked, told = (settings.duration(n) for n in characters)
    return asked + silence + plan.turnaround + told + silence + settings.duration(1)


def _line(plan: LinePlan | None, spec: Any, scenario: Scenario, rate: float) -> LineBudget:
    keypads = sum(device.acts_as == "rating_keypad" for device in spec.devices)
    none = LineBudget(
        spec.name, spec.owner, spec.settings, 0, *(None,) * 7, keypads, rate if keypads else 0.0, None, None, None
    )
    if plan is None:
        return none._replace(remark="by a declaration that does not say how it is driven: not reckoned")
    if plan.printer is not None:
        whole = ticket_seconds(plan, scenario)
        return none._replace(remark=f"a ticket takes {whole:.2f} s on the line")
    if plan.voice is not None:
        return none._replace(remark="speaks when it is told to; not polled")
    polled = [unit for unit in plan.units if unit.kind in EVENT_KINDS or plan.language == "osdp"]
    if plan.language not in ("modbus", "osdp") or not polled:
        return none._replace(remark="devices speak by themselves or are written to; not polled")
    characters = STATUS if plan.language == "modbus" else OSDP_POLL
    poll = exchange(plan, characters)
    fetch = exchange(plan, READ_EVENT) + exchange(plan, ACKNOWLEDGE) if plan.language == "modbus" else 0
    sweep = poll * len(polled)
    cycle = max(plan.poll, sweep)
    depth = QUEUE_DEPTH if keypads and plan.language == "modbus" else None
    expected = rate * cycle / NS / 3600
    return none._replace(
        polled=len(polled),
        poll_s=poll / NS,
        sweep_s=sweep / NS,
        cycle_s=cycle / NS,
        load=sweep / cycle,
        fetch_s=fetch / NS,
        reach_mean_s=(cycle / 2 + poll + fetch) / NS,
        reach_worst_s=(cycle + poll + fetch) / NS,
        depth=depth,
        fills_h=depth / rate if depth and rate else None,
        loss_risk=more_than(depth, expected) if depth is not None and keypads else None,
        remark="the program under test decides how often it asks; this is the scenario's period"
        if spec.owner == "collector"
        else "",
    )


def more_than(depth: int, expected: float) -> float:
    """Probability that a Poisson count of this mean is above `depth`, summed from its own tail: small but not 0."""
    if expected <= 0:
        return 0.0
    term = math.exp((depth + 1) * math.log(expected) - expected - math.lgamma(depth + 2))
    total, n = 0.0, depth + 1
    while term > total * 1e-17:
        total += term
        n += 1
        term *= expected / n
        if n > depth + 1_000_000:
            break
    return min(1.0, total)


def ticket_seconds(plan: LinePlan, scenario: Scenario) -> float:
    """Seconds for which the first ticket of the day is on a printer's line."""
    if plan.printer is None:
        return 0.0
    house = from_scenario(scenario)
    profile = profile_of(plan.printer.profile)
    text = ticket_text(house, profile, f"{house.errands[0].letter}001", 0, scenario.hours.opens, 0)
    return plan.settings.duration(len(text)) / NS


def polls(scenario: Scenario) -> Polls:
    """When the keys of each console and kiosk are noticed: the house asks the units of a line in turn.

    The first polls are spread over one period from power-on, each unit keeps its place in it, and an event is known
    when it has been read, after the status that told of it. What a line's other business (displays, acknowledgements)
    moves a poll by is left out: milliseconds.
    """
    counters: dict[int, Poll] = {}
    kiosks: dict[str, Poll] = {}
    for plan in _all_lines(scenario).values():
        if plan.language != "modbus":
            continue
        silence = t35(plan.settings.baud, plan.settings.char_bits) + plan.settings.duration(1)
        latency = exchange(plan, STATUS) + exchange(plan, READ_EVENT) - silence
        sweep = exchange(plan, STATUS) * sum(unit.kind in EVENT_KINDS for unit in plan.units)
        period = max(plan.poll, sweep)
        for place, unit in enumerate(plan.units):
            poll = scenario.start + period * place // len(plan.units), period, latency
            if unit.kind == "clerk_console" and unit.counter:
                counters[unit.counter] = poll
            elif unit.kind == "kiosk_button":
                kiosks[unit.name] = poll
    others = None
    if counters:
        found = list(counters.values())
        others = found[0][0], max(period for _, period, _ in found), max(latency for *_, latency in found)
    return Polls(counters, kiosks, others)


def with_devices(scenario: Scenario) -> Delays:
    """The people's seconds, and what the lines add to them.

    A key of a console or kiosk on a Modbus line is noticed at its next poll (`polls`); on a line of another language
    half a cycle later, the mean, for consoles. A call stands on a display after one write; a ticket takes its
    characters on the printer's line, the feed and the cut. One device waiting for another's exchange is left out.
    """
    delays = people(scenario)
    plans = _all_lines(scenario)
    known = polls(scenario)
    slow, shows, prints = [], [], []
    for line in budget(scenario):
        plan = plans.get(line.name)
        if plan is None:
            continue
        consoles = [unit for unit in plan.units if unit.kind == "clerk_console" and unit.counter not in known.counters]
        slow += [line.reach_mean_s or 0.0 for _ in consoles]
        if plan.language == "modbus":
            shows += [exchange(plan, SHOW) / NS for unit in plan.units if unit.kind == "counter_display"]
        if plan.printer is not None:
            cut = profile_of(plan.printer.profile).cut_ns
            prints.append(ticket_seconds(plan, scenario) + (FEEDING + cut) / NS)

    def mean(values: list[float]) -> int:
        return round(sum(values) / len(values) * NS) if values else 0

    show = mean(shows)
    return delays._replace(paper=mean(prints), call=mean(slow) + show, show=show, polls=known)
