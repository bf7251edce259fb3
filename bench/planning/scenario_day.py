"""A drawn day of a scenario as the engines take it: tickets, queues, counters, and who leaves unserved."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.hall.appointments import comes_to_kiosk
from bench.hall.columns import COMES, DIVERTED, NO_SHOW
from bench.hall.discipline import Roster
from bench.planning.engine import NEVER, NO_DELAYS, Counters, Delays, Leaving, Load, Visit, course, heard, simulate
from bench.scenario.times import NS

if TYPE_CHECKING:
    from bench.hall.day import Day, Visitor
    from bench.scenario.model import Scenario


@dataclass(frozen=True, slots=True)
class Played:
    """A day as it was played.

    Attributes:
        numbers: of the visitors, by place in `load`; second visits behind.
        joins: instants of joining, by place.
        load: who came when to the queues.
        visits: by `engine.simulate` or `engine.course`.
        gone_home: places of visitors who got their ticket after a closing that sends home.
        balked: places of visitors who left because of the queue.
        goes: by place, when a visitor leaves if not called; empty where everybody stays.
    """

    numbers: tuple[int, ...]
    joins: tuple[int, ...]
    load: Load
    visits: list[Visit]
    gone_home: frozenset[int]
    balked: frozenset[int] = frozenset()
    goes: tuple[int, ...] = ()

    def waits(self) -> list[tuple[int, int]]:
        """(number of the visitor, wait in ns) of each call, by number: from the ticket, or from being passed on."""
        return sorted((self.numbers[v.place], v.called - self.joins[v.place]) for v in self.visits)


def play(scenario: Scenario, day: Day, delays: Delays) -> Played:
    """Play a drawn day.

    Args:
        scenario: hours, errands and counters; may have other counters than the one the day was drawn from.
        day: who comes.
        delays: see `people`.
    """
    visitors = day.visitors
    instants = [comes_to_kiosk(v.arrives, v.agreed) for v in visitors]
    order = sorted(range(len(visitors)), key=instants.__getitem__)
    comes = [visitors[place].way in (COMES, NO_SHOW) for place in order]
    errands = [visitors[place].errand for place in order]
    found = tickets(scenario, [instants[place] for place in order], errands, delays, comes)
    joined = sorted((at, place) for place, at in zip(order, found, strict=True) if at >= 0)
    load = load_of(scenario, visitors, joined, delays)
    counters = counters_of(scenario, delays)
    hours = scenario.hours
    joins, numbers = [at for at, _ in joined], [visitors[place].number for _, place in joined]
    late: frozenset[int] = frozenset()
    if hours.after_closing == "send_home":
        late = frozenset(place for place, at in enumerate(joins) if at >= hours.closes)
    if load.leaving is None:
        return Played(tuple(numbers), tuple(joins), load, simulate(load, counters, delays), late)
    told = course(load, counters, delays)
    numbers += [numbers[first] for first, _, _ in told.seconds]
    joins += [at for _, at, _ in told.seconds]
    return Played(tuple(numbers), tuple(joins), load, told.visits, late, told.balked, tuple(told.goes))


def lift_of(scenario: Scenario, visitor: Visitor) -> int:
    """What the visitor's class adds to the priority."""
    return scenario.visitor_classes[visitor.visitor_class].priority if visitor.visitor_class >= 0 else 0


def load_of(scenario: Scenario, visitors: Sequence[Visitor], joined: Sequence[tuple[int, int]], delays: Delays) -> Load:
    """The load of a day from its visitors and (instant of joining, place) in order."""
    letters = [errand.letter for errand in scenario.errands]
    priorities = [errand.priority for errand in scenario.errands]
    levels = (0, *scenario.lifts)
    overhead = round(scenario.arrivals.overhead_s * NS) if scenario.log and delays == NO_DELAYS else 0
    counts = [0] * len(letters)
    joins, queues, holds, stays = [], [], [], []
    keys: list[tuple[int | str, ...]] = []
    goes, limits, following, seconds, later = [], [], [], [], []
    again: list[tuple[int | str, ...]] = []
    for at, place in joined:
        visitor = visitors[place]
        errand, lift = visitor.errand, lift_of(scenario, visitor)
        level = levels.index(lift)
        counts[errand] += 1
        joins.append(at)
        queues.append(errand * len(levels) + level)
        holds.append(visitor.service + overhead)
        stay = visitor.rating_delay if visitor.rating else 0
        second = scenario.next_errand.get(errand, -1) if visitor.second else -1
        stays.append(stay if second < 0 else 0)
        keys.append((-priorities[errand] - lift, at, letters[errand], counts[errand]))
        no_show = at if visitor.way == NO_SHOW else NEVER
        goes.append(min(no_show, at + visitor.patience if visitor.patience else NEVER))
        limits.append(-1 if visitor.way == NO_SHOW else visitor.limit)
        following.append(second * len(levels) + level if second >= 0 else -1)
        seconds.append(visitor.second)
        later.append(stay)
        again.append((-priorities[second] - lift, at, letters[errand], counts[errand]))
    if not leaves_unserved(scenario):
        return Load(joins, queues, holds, stays, keys, levels=len(levels))
    talk = round(scenario.greeter.seconds * NS) if scenario.greeter else 0
    helped = [visitor.arrives + talk for visitor in visitors if visitor.way == DIVERTED]
    leaving = Leaving(goes, limits, following, seconds, later, again, helped)
    return Load(joins, queues, holds, stays, keys, levels=len(levels), leaving=leaving)


def leaves_unserved(scenario: Scenario) -> bool:
    """Whether visitors may leave unserved or go on to a second desk: `engine.course` then plays the days."""
    return bool(scenario.patience or scenario.greeter or scenario.next_errand)


def counters_of(scenario: Scenario, delays: Delays) -> Counters:
    """The counters of a scenario."""
    roster, hours = Roster(scenario), scenario.hours
    until = min(scenario.horizon, hours.closes) if hours.after_closing == "send_home" else scenario.horizon
    rated = frozenset(scenario.skills) - without_keypad(scenario) if delays.rated else frozenset[int]()
    known, others = delays.polls.counters, delays.polls.others
    polls = {n: poll for n in scenario.skills if (poll := known.get(n, others)) is not None}
    levels = 1 + len(scenario.lifts)
    skills = {n: frozenset(e * levels + i for e in able for i in range(levels)) for n, able in scenario.skills.items()}
    stay = NEVER if hours.after_closing == "send_home" else hours.closes
    off, end, speeds = roster.off, roster.end, scenario.speeds
    return Counters(skills, hours.opens, until, off, end, rated, polls=polls, speeds=speeds, closes=stay)


def without_keypad(scenario: Scenario) -> frozenset[int]:
    """Counters at which nobody can rate. A counter that a plan adds has no devices; it counts as one with a keypad.

    So it does too when the hall has other counters' keypads only on paper: a hall without any keypad has no ratings.
    """
    keypads = {device.counter for _, device in scenario.placed if device.acts_as == "rating_keypad"}  # type: ignore[union-attr]
    known = {device.counter for _, device in scenario.placed if device.acts_as == "clerk_console"}  # type: ignore[union-attr]
    return frozenset(number for number in scenario.skills if number not in keypads and (number in known or not keypads))


def tickets(
    scenario: Scenario, arrives: Sequence[int], errands: Sequence[int], delays: Delays, comes: Sequence[bool]
) -> list[int]:
    """When each visitor, in order of coming, holds a ticket: first come first served at the least crowded kiosk.

    -1 for a visitor who does not come to a kiosk (`comes`), or whose errand no kiosk offers. Without any kiosk
    everybody who comes has a ticket on arrival.
    """
    takes, paper = delays.kiosk, delays.paper
    if not scenario.kiosk_keys or not takes:
        return [at if here else -1 for at, here in zip(arrives, comes, strict=True)]
    kiosks: list[deque[int]] = [deque() for _ in scenario.kiosk_keys]
    polls = [delays.polls.kiosks.get(name) for name in scenario.kiosk_keys]
    offering = {
        errand: [index for index, keys in enumerate(scenario.kiosk_keys.values()) if errand in keys]
        for errand in range(len(scenario.errands))
    }
    found: list[int] = []
    for arrived, errand, here in zip(arrives, errands, comes, strict=True):
        mine = offering[errand] if here else []
        for index in mine:
            while kiosks[index] and kiosks[index][0] <= arrived:
                kiosks[index].popleft()
        if not mine:
            found.append(-1)
            continue
        best = min(mine, key=lambda index: len(kiosks[index]))
        kiosk = kiosks[best]
        done = heard(polls[best], max(arrived, kiosk[-1] if kiosk else 0) + takes) + paper
        kiosk.append(done)
        found.append(done)
    return found
