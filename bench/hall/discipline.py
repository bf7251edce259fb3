"""Who is called next, by which counter, and when a counter may call at all: pure functions that every engine shares.

The device-level hall, the ideal replay and the planning engines must agree to the last nanosecond, so the rules stand
here once. Instants are ns since local midnight; errands are places in `Scenario.errands`; counters are their numbers.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bench.scenario.model import Counter, Scenario
from bench.scenario.times import Span


class Waiting(NamedTuple):
    """A ticket in the hall: its errand, the instant since which it waits, and its priority (higher goes first)."""

    ticket: str
    errand: int
    since: int
    priority: int = 0


class Idle(NamedTuple):
    """A counter with nobody at it, and the instant since which that is so."""

    counter: int
    since: int


_TICKET = re.compile(r"(\D*)(\d*)")


def ticket_name(letter: str, number: int) -> str:
    """The ticket as printed and shown: `A001`; numbers above 999 get longer."""
    return f"{letter}{number:03d}"


def ticket_order(ticket: str) -> tuple[str, int]:
    """Sort key in which A999 comes before A1000, and A before B."""
    match = _TICKET.match(ticket)
    prefix, digits = match.groups() if match else (ticket, "")
    return prefix, int(digits or 0)


def choose(queues: Mapping[int, Sequence[Waiting]], skills: Iterable[int]) -> Waiting | None:
    """The ticket that a counter with these skills calls next; None when nobody waits for it.

    The highest priority first, then who has waited longest, then ticket order. So within an errand and priority the
    order of arrival is kept, and no errand is passed over for ever by another of its priority.

    Args:
        queues: the waiting tickets by errand, in any order.
        skills: the errands that the counter serves.
    """
    mine = (waiting for errand in skills for waiting in queues.get(errand, ()))
    return min(mine, key=lambda w: (-w.priority, w.since, ticket_order(w.ticket)), default=None)


def first_idle(idle: Iterable[Idle], errand: int, skills: Mapping[int, frozenset[int]]) -> Idle | None:
    """The idle counter that takes a newcomer: the one that has been idle longest, ties by number."""
    able = (counter for counter in idle if errand in skills[counter.counter])
    return min(able, key=lambda c: (c.since, c.counter), default=None)


def open_from(off: Sequence[tuple[int, int]], opens: int, end: int, at: int) -> int | None:
    """The earliest instant from `at` on that lies in [opens, end) and outside the spans `off`; None: there is none."""
    at = max(at, opens)
    for start, stop in off:
        if start <= at < stop:
            at = stop
    return at if at < end else None


def next_start(off: Sequence[tuple[int, int]], after: int) -> int | None:
    """The first beginning of a span after the instant `after`; None when there is none."""
    return min((start for start, _ in off if start > after), default=None)


def at_speed(service: int, speed: float) -> int:
    """The time that a service takes at a counter of this speed, ns; at least 1."""
    return service if speed == 1 else max(1, round(service / speed))


def away(shifts: Sequence[Span], opens: int, end: int) -> list[Span]:
    """The spans between the first opening and the end in which a clerk with these shifts is not there.

    The last one ends 1 ns before the end of all calling, so that it is a pause like the others; nobody is called then.
    """
    found = []
    for span in shifts:
        if opens < span.start:
            found.append(Span(opens, span.start))
        opens = max(opens, span.end)
    return [*found, Span(opens, end - 1)] if opens < end - 1 else found


class Roster:
    """When each counter may call: opening hours, shifts, breaks, and what happens at the last closing.

    With `until_queue_empty` a counter goes on calling after a span of opening hours has ended, as long as somebody
    waits: clerks leave when the work is done (scenarios.md, Đức Hòa). With `send_home` it calls within opening hours
    only. In both cases nothing is called during a break, before the first opening, or from the horizon on.
    """

    def __init__(self, scenario: Scenario) -> None:
        """Roster of the counters of `scenario`."""
        self._opens, self._closes = scenario.hours.opens, scenario.hours.closes
        self._end = scenario.horizon
        closed: list[Span] = []
        if scenario.hours.after_closing == "send_home":
            spans = scenario.hours.open
            self._end = min(self._end, scenario.hours.closes)
            closed = [Span(a.end, b.start) for a, b in itertools.pairwise(spans) if a.end < b.start]
        self._off = {c.number: tuple(sorted([*c.breaks, *closed, *self._away(c)])) for c in scenario.counters}

    def _away(self, counter: Counter) -> list[Span]:
        """A shift that lasts to the closing has no end: its clerk stays while somebody waits."""
        stays = bool(counter.shifts) and counter.shifts[-1].end >= self._closes
        shifts = [*counter.shifts[:-1], Span(counter.shifts[-1].start, self._end)] if stays else counter.shifts
        return away(shifts, self._opens, self._end) if shifts else []

    @property
    def opens(self) -> int:
        """The first instant at which a counter may call, ns."""
        return self._opens

    @property
    def end(self) -> int:
        """No counter calls from this instant on, ns."""
        return self._end

    @property
    def off(self) -> Mapping[int, tuple[Span, ...]]:
        """Number of a counter -> spans in which it calls nobody, in order of their beginning; they may overlap."""
        return self._off

    def may_call(self, counter: int, at: int) -> int | None:
        """The earliest instant from `at` on at which the counter may call; None when there is none any more."""
        return open_from(self._off[counter], self._opens, self._end, at)

    def next_pause(self, counter: int, after: int) -> int | None:
        """The next instant after `after` at which the counter stops calling for a while; None when there is none."""
        return next_start(self._off[counter], after)
