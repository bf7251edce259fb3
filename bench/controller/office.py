"""The queue office: tickets, queues, counters, calls. What happens to it are events; what it wants done are hands.

It knows neither lines nor devices: kiosks, consoles and keypads reach it as named events, and it acts through `Hands`.
A ticket joins its queue when the printer confirmed it, not before. Who is called next is decided by
`bench.hall.discipline`, which every engine of the workbench shares.

Ratings are stored before they are acknowledged. Tickets and calls are told to the hall at once and stored behind it:
when the store fails, they wait here and are stored with the next attempt.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from bench.controller.conversation import Tell
from bench.controller.plan import ControllerPlan, CounterPlan
from bench.controller.rows import Commit, Row, StoreFailed, call_row, rating_row, ticket_row, unix
from bench.hall.discipline import Idle, Waiting, choose, first_idle, ticket_name
from firmware_sim.device import NS
from protocol.modbus.maps.reference_keypad import FLAG_CLOCK_SET, Event

LATEST_CALLS: Final = 9
"""Calls kept for the main boards: the most rows a board has."""

_AHEAD_OF_US: Final = 2 * NS
"""A device clock that far in the future is not believed."""

_WIRE_TICKETS: Final = 0xFFFF


class Hands(Protocol):
    """What the office wants done in the hall. Every call returns at once; the masters see to it that it happens."""

    def show_counter(self, now: int, counter: int, text: str, *, blink: bool = False) -> None:
        """Show a text on a counter's display."""
        ...

    def show_calls(self, now: int, calls: Sequence[tuple[str, int]]) -> None:
        """Show the latest calls (ticket, counter), newest first, on every board."""
        ...

    def open_window(self, now: int, counter: int, number: int, until: int) -> None:
        """Open the rating window of a counter's keypad for a ticket, by its number on the wire."""
        ...

    def clerk_is(self, now: int, counter: int, code: int) -> None:
        """Tell a counter's keypad who the clerk is."""
        ...

    def announce(self, now: int, ticket: str, counter: int, *, again: bool = False) -> None:
        """Speak a call, or a repeated one."""
        ...

    def print_ticket(self, now: int, printer: str, ticket: str, errand: int, ahead: int) -> None:
        """Print a ticket; `confirmed` or `failed` is called when its fate is known."""
        ...


@dataclass(slots=True)
class Ticket:
    """A ticket of the day."""

    label: str
    number: int
    errand: int
    kiosk: str
    printer: str | None
    issued: int
    lift: int = 0
    """Added to the priority of its errand."""


@dataclass(slots=True)
class Counter:
    """A counter's state.

    Attributes:
        current: the ticket called and not yet served or given up.
        ready_since: the clerk pressed "next" and nobody waited: instant of that; None otherwise.
        away: tickets this counter passed on to another.
    """

    plan: CounterPlan
    clerk: int = 0
    current: Ticket | None = None
    ready_since: int | None = None
    paused: bool = False
    away: set[str] = field(default_factory=set)


class Office:
    """Queues, counters and tickets of one hall for one day.

    Args:
        plan: the hall.
        hands: what carries out its wishes.
        commit: stores rows.
        tell: where notes go: `ticket_issued` {ticket, number, errand, kiosk, printer; number is the ticket's on the
            wire}, `ticket_confirmed` {ticket, printer}, `ticket_failed` {ticket, why}, `call` {ticket, counter,
            clerk}, `recall`, `no_show`, `served`, `transfer` {ticket, counter}, `paused`, `resumed` {counter}, `row`
            {device, clerk, ticket, value, at, epoch, seq}, `ignored_event` {device, value, epoch, seq, why}.
        clock_offset: ns to add to an instant to have Unix ns.
    """

    def __init__(self, plan: ControllerPlan, hands: Hands, commit: Commit, tell: Tell, clock_offset: int) -> None:
        self.plan = plan
        self._hands = hands
        self._commit = commit
        self._tell = tell
        self._offset = clock_offset
        self._clerks = plan.clerks()
        self._kiosks = {kiosk.name: kiosk for kiosk in plan.kiosks}
        self._skills = {counter.number: counter.errands for counter in plan.counters}
        self.counters = {counter.number: Counter(counter) for counter in plan.counters}
        self.queues: dict[int, list[Waiting]] = {index: [] for index in range(len(plan.errands))}
        self.tickets: dict[str, Ticket] = {}
        self._by_number: dict[int, Ticket] = {}
        self._issued: dict[str, int] = {}
        self._lifted: dict[str, int] = {}  # kiosk -> what the next ticket's priority is lifted by
        self._calls: deque[tuple[str, int]] = deque(maxlen=LATEST_CALLS)
        self._backlog: list[Row] = []
        self._keys = {
            1: self._next,
            2: self._recall,
            3: self._no_show,
            4: self._transfer,
            5: self._pause,
            6: self._resume,
            7: self._done,
        }

    # -- kiosk and printer ------------------------------------------------------------------------------------------
    def kiosk_key(self, now: int, kiosk: str, event: Event) -> None:
        """A visitor chose an errand at a kiosk: issue the next ticket of its letter."""
        plan = self._kiosks[kiosk]
        lift = event.value - len(plan.errands)
        if 1 <= lift <= len(self.plan.lifts):
            self._lifted[kiosk] = self.plan.lifts[lift - 1]
            return
        if not 1 <= event.value <= len(plan.errands):
            self._ignored(now, kiosk, event, f"the kiosk has {len(plan.errands)} errands")
            return
        index = plan.errands[event.value - 1]
        errand = self.plan.errands[index]
        count = self._issued[errand.letter] = self._issued.get(errand.letter, 0) + 1
        number = len(self.tickets) % _WIRE_TICKETS + 1
        ticket = Ticket(
            ticket_name(errand.letter, count), number, index, kiosk, plan.printer, now, self._lifted.pop(kiosk, 0)
        )
        self.tickets[ticket.label] = ticket
        self._by_number[number] = ticket
        facts = {"ticket": ticket.label, "number": number, "errand": errand.name}
        self._tell(now, "ticket_issued", {**facts, "kiosk": kiosk, "printer": plan.printer})
        self._keep(now, self._ticket_row(ticket, None))
        if plan.printer is None:
            self._join(now, ticket)
        else:
            self._hands.print_ticket(now, plan.printer, ticket.label, index, len(self.queues[index]))

    def confirmed(self, now: int, label: str) -> None:
        """The printer has the ticket on paper: it waits from now on."""
        ticket = self.tickets[label]
        self._tell(now, "ticket_confirmed", {"ticket": label, "printer": ticket.printer})
        self._keep(now, self._ticket_row(ticket, now))
        self._join(now, ticket)

    def failed(self, now: int, label: str, why: str) -> None:
        """The printer could not be brought to print the ticket: nobody holds it, nobody will call it."""
        self._tell(now, "ticket_failed", {"ticket": label, "why": why})

    def _ticket_row(self, ticket: Ticket, confirmed: int | None) -> Row:
        at = None if confirmed is None else unix(confirmed + self._offset)
        errand = self.plan.errands[ticket.errand].name
        return ticket_row(ticket.label, errand, ticket.kiosk, unix(ticket.issued + self._offset), at)

    # -- queues -----------------------------------------------------------------------------------------------------
    def _join(self, now: int, ticket: Ticket) -> None:
        """A ticket waits; a counter that is ready takes it at once."""
        ready = [
            Idle(counter.plan.number, counter.ready_since)
            for counter in self.counters.values()
            if counter.ready_since is not None and ticket.label not in counter.away
        ]
        idle = first_idle(ready, ticket.errand, self._skills)
        if idle is None:
            priority = self.plan.errands[ticket.errand].priority + ticket.lift
            self.queues[ticket.errand].append(Waiting(ticket.label, ticket.errand, now, priority))
        else:
            self._call(now, self.counters[idle.counter], ticket)

    def _call(self, now: int, counter: Counter, ticket: Ticket) -> None:
        number = counter.plan.number
        counter.current = ticket
        counter.ready_since = None
        clerk = self._clerk(counter.clerk) or counter.plan.clerk
        self._tell(now, "call", {"ticket": ticket.label, "counter": number, "clerk": clerk})
        self._calls.appendleft((ticket.label, number))
        self._hands.show_counter(now, number, ticket.label)
        self._hands.show_calls(now, tuple(self._calls))
        self._hands.announce(now, ticket.label, number)
        self._keep(now, call_row(ticket.label, number, clerk, unix(now + self._offset)))

    def plain_key(self, now: int, number: int, key: int) -> None:
        """A key of a console whose protocol has no numbers, no clerk and no key to resume: pause twice resumes."""
        counter = self.counters[number]
        if not counter.clerk:
            counter.clerk = counter.plan.clerk_code
            self._hands.clerk_is(now, number, counter.clerk)
        act = self._keys.get(6 if key == 5 and counter.paused else key)
        if act is not None:
            act(now, counter)

    # -- consoles ---------------------------------------------------------------------------------------------------
    def console_key(self, now: int, number: int, console: str, event: Event) -> None:
        """A clerk pressed a key."""
        counter = self.counters[number]
        if event.clerk and event.clerk != counter.clerk:
            counter.clerk = event.clerk
            self._hands.clerk_is(now, number, event.clerk)
        act = self._keys.get(event.value)
        if act is not None:
            act(now, counter)
        elif event.value != 8:  # log in: the clerk was taken from the event
            self._ignored(now, console, event, "no such key")

    def _next(self, now: int, counter: Counter) -> None:
        self._served(now, counter)
        if counter.paused:
            self._resume(now, counter)
        queues: dict[int, list[Waiting]] = self.queues
        if counter.away:
            queues = {e: [w for w in queue if w.ticket not in counter.away] for e, queue in queues.items()}
        chosen = choose(queues, counter.plan.errands)
        if chosen is None:
            counter.ready_since = now
            self._hands.show_counter(now, counter.plan.number, "")
            return
        self.queues[chosen.errand].remove(chosen)
        self._call(now, counter, self.tickets[chosen.ticket])

    def _recall(self, now: int, counter: Counter) -> None:
        if counter.current is None:
            return
        label, number = counter.current.label, counter.plan.number
        self._tell(now, "recall", {"ticket": label, "counter": number})
        self._forget_call(label, number)
        self._calls.appendleft((label, number))
        self._hands.show_counter(now, number, label, blink=True)
        self._hands.show_calls(now, tuple(self._calls))
        self._hands.announce(now, label, number, again=True)

    def _no_show(self, now: int, counter: Counter) -> None:
        ticket = self._leave(now, counter, "no_show")
        if ticket is not None and self._forget_call(ticket.label, counter.plan.number):
            self._hands.show_calls(now, tuple(self._calls))

    def _transfer(self, now: int, counter: Counter) -> None:
        """The visitor waits again: for what follows the errand; else for another counter if any other serves it."""
        ticket = self._leave(now, counter, "transfer")
        if ticket is None:
            return
        number = counter.plan.number
        then = self.plan.errands[ticket.errand].then
        if then is not None:
            ticket.errand = then
        elif any(ticket.errand in skills for other, skills in self._skills.items() if other != number):
            counter.away.add(ticket.label)
        if self._forget_call(ticket.label, number):
            self._hands.show_calls(now, tuple(self._calls))
        self._join(now, ticket)

    def _forget_call(self, label: str, counter: int) -> bool:
        """Take a call off the boards; tells whether it was there."""
        if (label, counter) not in self._calls:
            return False
        self._calls.remove((label, counter))
        return True

    def _done(self, now: int, counter: Counter) -> None:
        ticket = self._served(now, counter)
        if ticket is not None and counter.plan.keypad is not None:
            until = now + self.plan.rating_window
            self._hands.open_window(now, counter.plan.number, ticket.number, until)

    def _served(self, now: int, counter: Counter) -> Ticket | None:
        return self._leave(now, counter, "served")

    def _leave(self, now: int, counter: Counter, kind: str) -> Ticket | None:
        """The counter's ticket is no longer its own; None when it has none."""
        ticket = counter.current
        if ticket is None:
            return None
        counter.current = None
        self._tell(now, kind, {"ticket": ticket.label, "counter": counter.plan.number})
        self._show_state(now, counter)
        return ticket

    def _pause(self, now: int, counter: Counter) -> None:
        counter.ready_since = None
        if not counter.paused:
            counter.paused = True
            self._tell(now, "paused", {"counter": counter.plan.number})
            self._show_state(now, counter)

    def _resume(self, now: int, counter: Counter) -> None:
        if counter.paused:
            counter.paused = False
            self._tell(now, "resumed", {"counter": counter.plan.number})
            self._show_state(now, counter)

    def _show_state(self, now: int, counter: Counter) -> None:
        """A called ticket stays on the display through a pause: its visitor is on the way, or is being served."""
        if counter.current is None:
            self._hands.show_counter(now, counter.plan.number, "--------" if counter.paused else "")

    # -- keypads ----------------------------------------------------------------------------------------------------
    def ratings(self, now: int, device: str, events: Sequence[Event]) -> None:
        """Store ratings, all or none.

        Raises:
            StoreFailed: none of them is stored, none may be acknowledged.
        """
        rows = [self._rating(now, device, event) for event in events]
        known = self._commit(rows) or ()
        for place, (_, row) in enumerate(rows):
            if place not in known:
                self._tell(now, "row", {key: value for key, value in row.items() if key != "stored_at"})

    def plain_rating(self, now: int, device: str, number: int, value: int) -> None:
        """Store a rating that came without a number, a clerk or a ticket: at this instant, of the counter's clerk.

        Raises:
            StoreFailed: it is not stored, and may not be acknowledged.
        """
        counter = self.counters.get(number)
        clerk = None if counter is None else self._clerk(counter.clerk or counter.plan.clerk_code)
        at = unix(now + self._offset)
        row = rating_row(device, clerk, None, value, at, None, None, at)
        self._commit([row])
        self._tell(now, "row", {key: told for key, told in row[1].items() if key != "stored_at"})

    def _rating(self, now: int, device: str, event: Event) -> Row:
        at = event.at_ms * 1_000_000 - self._offset
        if not event.flags & FLAG_CLOCK_SET or at > now + _AHEAD_OF_US:
            at = now  # the best that is known: it was pressed before it was read
        ticket = self._by_number.get(event.ticket)
        return rating_row(
            device,
            self._clerk(event.clerk),
            None if ticket is None else ticket.label,
            event.value,
            unix(at + self._offset),
            event.epoch,
            event.sequence,
            unix(now + self._offset),
        )

    def _clerk(self, code: int) -> str | None:
        """Name of a clerk by the code on the wire: the code itself for a stranger, None for nobody."""
        return self._clerks.get(code, str(code)) if code else None

    # -- records behind the hall ------------------------------------------------------------------------------------
    @property
    def unstored(self) -> int:
        """Rows of tickets and calls that wait for the store."""
        return len(self._backlog)

    def flush(self, now: int) -> None:
        """Try again to store what waits."""
        if not self._backlog:
            return
        try:
            self._commit(self._backlog)
        except StoreFailed:
            return
        self._backlog = []

    def _keep(self, now: int, row: Row) -> None:
        self._backlog.append(row)
        if len(self._backlog) == 1:  # otherwise the store has just failed: the next attempt is the chore's
            self.flush(now)

    def _ignored(self, now: int, device: str, event: Event, why: str) -> None:
        facts: dict[str, Any] = {"device": device, "value": event.value, "epoch": event.epoch, "seq": event.sequence}
        self._tell(now, "ignored_event", {**facts, "why": why})
