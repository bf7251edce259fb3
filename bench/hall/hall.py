"""The hall as people live it: visitors, kiosks, counters, on the same clock as the devices.

Visitors follow what the hall really shows. They press the kiosk's button, read their number on the paper that comes
out, and go to a counter because a display or a board said so. No device class is known here: people touch devices
through `hands(device, action, ...)`, and what devices do reaches them as notes (architecture.md section 4).

Who leaves unserved leaves the ticket in the queue: it is called like any other, nobody comes, the clerk recalls it and
gives it up (`bench.hall.counters`). Who has a second errand keeps the ticket: the clerk passes it on, and it is called
once more, to the other desk; that visitor rates there.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import simpy

from bench.clock.clockwork import Clockwork, seconds
from bench.hall.appointments import comes_to_kiosk
from bench.hall.columns import DIVERTED, MISSED, NO_SHOW, ONLINE
from bench.hall.counters import KEY, CounterDesk
from bench.hall.discipline import Roster
from firmware_sim.device import NS, Note

if TYPE_CHECKING:
    from bench.hall.day import Day, Visitor
    from bench.scenario.model import Scenario

TICKET = re.compile(r"(?<![A-Z0-9])([A-Z]{1,2}\d{3,5})(?![A-Z0-9])")
"""A ticket as printed and shown: letters of the errand, then the number."""

AHEAD = re.compile(r":\s*(\d+)\s*$")
"""How many wait before, as printed: the number at the end of its line."""

PAPER_CHANGE = 120 * NS
"""How long the greeter takes to notice an empty printer and put a new roll in (assumed)."""

NO_TICKET_AFTER = 600 * NS
"""A visitor who has pressed the button and holds no ticket after this long goes home (assumed)."""

_AT_HOME: Mapping[int, str] = {ONLINE: "online", MISSED: "missed"}
"""Ways of visitors who do not come, and what the history says of them."""

Hands = Callable[..., None]
"""`hands(device, action, *args)`: a person does something to a device."""


@dataclass(slots=True, eq=False)
class Person:
    """A visitor of the day, on foot."""

    visitor: Visitor
    left: simpy.Event
    called: simpy.Event
    ticket: str = ""
    ahead: int = 0
    service: int = 0
    passed_on: bool = False
    """After this service the clerk passes the ticket on to a second desk."""


class Kiosk:
    """A ticket kiosk: one visitor at a time, a button unit and the printer in it."""

    def __init__(self, clockwork: Clockwork, name: str, printer: str, keys: tuple[int, ...]) -> None:
        self.name = name
        self.printer = printer
        self.keys = keys
        self.place = simpy.Resource(clockwork, capacity=1)
        self.paper: deque[tuple[str, int]] = deque()
        self.at_kiosk: simpy.Event | None = None

    @property
    def crowd(self) -> int:
        """People at and before the kiosk."""
        return self.place.count + len(self.place.queue)


class Hall:
    """Everybody in the hall, for one day.

    Args:
        clockwork: the clock that devices run on too.
        scenario: hours, pace, counters, devices.
        day: what was drawn for the visitors.
        hands: performs a human action on a device.
        record: takes (kind, facts) for the history.
        finished: called once when the last visitor has left after closing (or none is left to come).
    """

    def __init__(
        self,
        clockwork: Clockwork,
        scenario: Scenario,
        day: Day,
        hands: Hands,
        record: Callable[[str, Mapping[str, Any]], Any],
        finished: Callable[[], None],
    ) -> None:
        self.clockwork = clockwork
        self.scenario = scenario
        self.day = day
        self.hands = hands
        self.record = record
        self._finished = finished
        self.pace_clerk = seconds(scenario.pace.clerk_s)
        self._kinds = {device.name: device.acts_as for _, device in scenario.placed}
        at_counter = {device.name: getattr(device, "counter", None) for _, device in scenario.placed}
        self._counter_of = {name: number for name, number in at_counter.items() if number is not None}
        self.roster = Roster(scenario)
        self._sends_home = scenario.hours.after_closing == "send_home"
        self.counters = {c.number: CounterDesk(self, c.number) for c in scenario.counters}
        self.kiosks = [
            Kiosk(clockwork, d.name, d.printer, scenario.kiosk_keys[d.name])
            for _, d in scenario.placed
            if d.kind == "kiosk_button"
        ]
        self._printers = {kiosk.printer: kiosk for kiosk in self.kiosks}
        self._waiting: dict[str, list[Person]] = {}  # by ticket: two may hold one that was printed twice
        self._rows: dict[tuple[str, Any], tuple[str, int]] = {}  # (device, row) -> the call that stands there now
        self._inside: Counter[int] = Counter()  # errand -> people who are not at a counter yet
        self._not_left = len(day.visitors)
        self._ended = False
        self.tickets = 0
        self._reactions: dict[str, Callable[[str, Mapping[str, Any]], None]] = {
            "shown": self._on_shown,
            "printed": self._on_printed,
            "paper": self._on_paper,
            "spoken": self._on_spoken,
        }

    def device_at(self, counter: int, kind: str) -> str | None:
        """Name of the counter's device of that kind, or None."""
        return next((n for n, c in self._counter_of.items() if c == counter and self._kinds[n] == kind), None)

    def open(self) -> None:
        """Start everybody's day."""
        for counter in self.counters.values():
            self.clockwork.process(counter.work())
        self.clockwork.process(self._door())
        if self._sends_home:
            self.clockwork.process(self._send_home())

    def until(self, at: int) -> Generator[simpy.Event, Any, None]:
        """Wait until instant `at` (not at all when it is past)."""
        if at > self.clockwork.now:
            yield self.clockwork.timeout(at - self.clockwork.now)

    def somebody_for(self, skills: frozenset[int]) -> bool:
        """Whether anybody in the hall still waits for one of these errands."""
        return any(self._inside[errand] for errand in skills)

    # -- visitors ---------------------------------------------------------------------------------------------------
    def _door(self) -> Generator[simpy.Event, Any, None]:
        for visitor in self.day.visitors:
            yield from self.until(visitor.arrives)
            if visitor.way in _AT_HOME:
                self._not_left -= 1
                self.record(_AT_HOME[visitor.way], {"visitor": visitor.number, "errand": visitor.errand})
                continue
            for errand in self._desks(visitor):
                self._inside[errand] += 1
            self.clockwork.process(self._visit(visitor))
        yield from self.until(self.scenario.hours.closes)
        self._perhaps_finished()

    def _desks(self, visitor: Visitor) -> list[int]:
        """The errands of a visitor: one, or two at two desks."""
        following = self.scenario.next_errand.get(visitor.errand) if visitor.second else None
        return [visitor.errand] if following is None else [visitor.errand, following]

    def _visit(self, visitor: Visitor) -> Generator[simpy.Event, Any, None]:
        clock = self.clockwork
        self.record("arrive", {"visitor": visitor.number, "errand": visitor.errand})
        person = Person(visitor, clock.event(), clock.event())
        ahead = self._desks(visitor)
        if visitor.way == DIVERTED and self.scenario.greeter is not None:
            yield clock.timeout(seconds(self.scenario.greeter.seconds))
            why = "diverted"
        else:
            if visitor.agreed > clock.now:
                yield from self.until(comes_to_kiosk(visitor.arrives, visitor.agreed))
                self.record("to_kiosk", {"visitor": visitor.number, "agreed": visitor.agreed})
            why = yield from self._take_ticket(person)
        if not why:
            why = yield from self._desk_by_desk(person, ahead)
        for errand in ahead:
            self._inside[errand] -= 1
        self._not_left -= 1
        self.record("leaves", {"visitor": visitor.number, "why": why})
        self._perhaps_finished()

    def _desk_by_desk(self, person: Person, ahead: list[int]) -> Generator[simpy.Event, Any, str]:
        """From the ticket in hand to the end; takes the errands that are begun off `ahead`. Returns why it ended."""
        clock, visitor = self.clockwork, person.visitor
        person.service = visitor.service
        deadline = clock.now + visitor.patience if visitor.patience else None
        while True:
            counter = yield from self._call(person, deadline)
            if isinstance(counter, str):
                return counter
            self.record("goes", {"visitor": visitor.number, "ticket": person.ticket, "counter": counter})
            yield clock.timeout(seconds(self.scenario.pace.walk_s))
            self._inside[ahead.pop(0)] -= 1
            person.passed_on = bool(ahead)
            self.counters[counter].arrive(person)
            yield person.left
            if not ahead:
                return "served"
            self.record("goes_on", {"visitor": visitor.number, "ticket": person.ticket, "errand": ahead[0]})
            if self._sends_home and clock.now >= self.scenario.hours.closes:
                return "closed"
            person.left, person.called = clock.event(), clock.event()
            person.service, deadline = visitor.second, None
            self._wait(person, besides=counter)

    def _call(self, person: Person, deadline: int | None) -> Generator[simpy.Event, Any, int | str]:
        """The counter at which the ticket is called, or why the visitor goes home first."""
        clock = self.clockwork
        if deadline is None:
            called = yield person.called
            return "closed" if called is None else int(called)
        yield person.called | clock.timeout(deadline - clock.now)
        closed = person.called.triggered and person.called.value is None
        if clock.now >= deadline and not closed:
            waiting = self._waiting.get(person.ticket, [])
            if person in waiting:
                waiting.remove(person)
            return "lost patience"
        called = person.called.value
        return "closed" if called is None else int(called)

    def _wait(self, person: Person, besides: int | None = None) -> None:
        """Wait to be called; goes at once when a counter other than `besides` shows the ticket already."""
        self._waiting.setdefault(person.ticket, []).append(person)
        called = self._shown.get(person.ticket)
        if called is not None and called != besides:  # the display was faster than the paper
            self._tell(person.ticket, called)

    def _take_ticket(self, person: Person) -> Generator[simpy.Event, Any, str]:
        """At the kiosk: returns "" with a ticket in hand, or why the visitor goes home."""
        clock = self.clockwork
        visitor = person.visitor
        offering = [kiosk for kiosk in self.kiosks if visitor.errand in kiosk.keys]
        if not offering:
            return "no kiosk offers the errand"
        kiosk = min(offering, key=lambda k: k.crowd)
        with kiosk.place.request() as turn:
            yield turn
            lift = self._lift(visitor)
            takes = seconds(self.scenario.pace.kiosk_s)
            first = max(0, takes - KEY) if lift else takes
            yield clock.timeout(first)
            if lift:
                self.hands(kiosk.name, "press", len(kiosk.keys) + self.scenario.lifts.index(lift) + 1)
                yield clock.timeout(takes - first)
            kiosk.paper.clear()
            self.hands(kiosk.name, "press", kiosk.keys.index(visitor.errand) + 1)
            deadline = clock.timeout(NO_TICKET_AFTER)
            while not kiosk.paper:
                kiosk.at_kiosk = clock.event()
                yield kiosk.at_kiosk | deadline
                if deadline.processed and not kiosk.paper:
                    return "no ticket came"
            person.ticket, person.ahead = kiosk.paper.popleft()
            kiosk.at_kiosk = None
            self.hands(kiosk.printer, "take_paper")
        self.tickets += 1
        self.record("ticket_taken", {"visitor": visitor.number, "ticket": person.ticket})
        if self._sends_home and clock.now >= self.scenario.hours.closes:
            return "closed"
        if visitor.way == NO_SHOW:
            return "no show"
        if 0 <= visitor.limit < person.ahead:
            return "balked"
        self._wait(person)
        return ""

    def _lift(self, visitor: Visitor) -> int:
        """The priority that the visitor's class adds."""
        return self.scenario.visitor_classes[visitor.visitor_class].priority if visitor.visitor_class >= 0 else 0

    def _send_home(self) -> Generator[simpy.Event, Any, None]:
        yield from self.until(self.scenario.hours.closes)
        for ticket in list(self._waiting):
            self._tell(ticket, None)

    def _perhaps_finished(self) -> None:
        for counter in self.counters.values():
            counter.poke()
        if self._ended or self._not_left or self.clockwork.now < self.scenario.hours.closes:
            return
        self._ended = True
        self._finished()

    # -- what devices show and do -----------------------------------------------------------------------------------
    def on_note(self, device: str, _at: int, note: Note) -> None:
        """A device did something that people in the hall can see."""
        react = self._reactions.get(note.kind)
        if react is not None:
            react(device, note.facts)

    def _on_shown(self, device: str, facts: Mapping[str, Any]) -> None:
        text = str(facts["text"])
        found = TICKET.search(text)
        ticket, number = found.group(1) if found else "", 0
        if self._kinds.get(device) == "counter_display" and device in self._counter_of:
            number = self._counter_of[device]
            self.counters[number].show(ticket)
        elif found:
            digits = re.search(r"\d+", text[found.end() :])
            number = int(digits.group()) if digits else 0
        row = (device, facts.get("row"))
        self._rows.pop(row, None)
        if ticket and number in self.counters:
            self._rows[row] = ticket, number
            self._tell(ticket, number)

    def _on_spoken(self, _device: str, facts: Mapping[str, Any]) -> None:
        """Who has not seen the call hears it: the ticket, then the number of the counter."""
        text = str(facts["text"])
        found = TICKET.search(text)
        number = re.search(r"\d+", text[found.end() :]) if found else None
        if found and number and int(number.group()) in self.counters:
            self._tell(found.group(1), int(number.group()))

    @property
    def _shown(self) -> Mapping[str, int]:
        """The calls that stand on a display or board now: ticket -> counter."""
        return dict(self._rows.values())

    def _tell(self, ticket: str, counter: int | None) -> None:
        """Whoever waits with this ticket goes to the counter, or home (None)."""
        for person in self._waiting.pop(ticket, ()):
            person.called.succeed(counter)

    def _on_printed(self, device: str, facts: Mapping[str, Any]) -> None:
        kiosk = self._printers.get(device)
        found = TICKET.search("\n".join(map(str, facts["lines"])))
        if kiosk is None or found is None:
            return
        ahead = next((int(told.group(1)) for line in facts["lines"] if (told := AHEAD.search(str(line)))), 0)
        kiosk.paper.append((found.group(1), ahead))
        if kiosk.at_kiosk is not None and not kiosk.at_kiosk.triggered:
            kiosk.at_kiosk.succeed()

    def _on_paper(self, device: str, facts: Mapping[str, Any]) -> None:
        if facts["state"] == "out":
            self.clockwork.process(self._new_roll(device))

    def _new_roll(self, device: str) -> Generator[simpy.Event, Any, None]:
        yield self.clockwork.timeout(PAPER_CHANGE)
        self.record("new_roll", {"printer": device})
        spec = next(d for _, d in self.scenario.placed if d.name == device)
        self.hands(device, "load_paper", round(spec.paper_m * 1000))  # type: ignore[union-attr]
