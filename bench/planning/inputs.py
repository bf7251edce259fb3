"""What the planning engines take and give: tickets, counters, what a visit costs, visits. Instants are int64 ns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from bench.hall.counters import KEY, NO_SHOW_AFTER
from bench.hall.discipline import next_start, open_from
from bench.scenario.times import NS

if TYPE_CHECKING:
    from bench.scenario.model import Scenario

NEVER: Final = 1 << 62
LONGEST_WALK: Final = NO_SHOW_AFTER
"""A walk at least this long would make a clerk recall the ticket, ns."""

Poll: TypeAlias = tuple[int, int, int]
"""(first instant, period, latency) in ns: a key is read at the first of these instants from its press on, and known
the latency later."""


class Polls(NamedTuple):
    """When the keys of consoles and kiosks are noticed; who is not named notices at once.

    Attributes:
        counters: by number of the counter.
        kiosks: by name of the kiosk.
        others: of counters that a design adds, which have no line; None: at once.
    """

    counters: Mapping[int, Poll] = MappingProxyType({})
    kiosks: Mapping[str, Poll] = MappingProxyType({})
    others: Poll | None = None

    def __reduce__(self) -> tuple[type[Polls], tuple[Any, ...]]:
        """A read-only mapping cannot be sent to another process; a dict can."""
        return Polls, (dict(self.counters), dict(self.kiosks), self.others)


def heard(poll: Poll | None, at: int) -> int:
    """When a key pressed at an instant is known: skips all the polls that find nothing."""
    if poll is None:
        return at
    first, period, latency = poll
    return first + max(0, -((first - at) // period)) * period + latency


class Delays(NamedTuple):
    """What a visit costs besides the service, ns; all known when the visit begins.

    Attributes:
        kiosk: at the kiosk, from the visitor's turn to the button (without `polls`: to the ticket in hand).
        key: a clerk's way to a key of the console.
        call: from the key "next" to the call being seen in the hall.
        show: from a ticket joining the queue of a ready counter to the call being seen.
        walk: from the call to the counter.
        done: from the end of the service to the clerk's being done with it (the key "done").
        clerk: from the visitor's leaving to the clerk's turning to the next.
        rated: whether visitors stay for the rating.
        log_in: from opening to the clerk's being logged in.
        paper: from the button's being known to the ticket in hand.
        polls: when keys are noticed.
        no_show: from the call of a ticket whose visitor has left to the clerk's giving it up, recalled once.
    """

    kiosk: int = 0
    key: int = 0
    call: int = 0
    show: int = 0
    walk: int = 0
    done: int = 0
    clerk: int = 0
    rated: bool = False
    log_in: int = 0
    paper: int = 0
    polls: Polls = Polls()
    no_show: int = 0


NO_DELAYS: Final = Delays()


def people(scenario: Scenario) -> Delays:
    """The seconds that people take, with devices that take none."""
    pace = scenario.pace
    return Delays(
        kiosk=round(pace.kiosk_s * NS),
        key=KEY,
        walk=round(pace.walk_s * NS),
        done=KEY,
        clerk=round(pace.clerk_s * NS),
        rated=True,
        log_in=KEY,
        no_show=2 * (NO_SHOW_AFTER + KEY),
    )


@dataclass(frozen=True, slots=True)
class Leaving:
    """Visitors who leave unserved, and those with a second errand; lists have one entry a visitor.

    Attributes:
        goes: instant at which the visitor leaves if not called before, NEVER for whoever stays.
        limits: leaves at once when more wait before; -1 for whoever does not mind.
        following: queue of the second visit, -1 for none.
        seconds: ns of the service there.
        stays: ns for which the visitor stays for the rating there.
        keys: as those of a `Load`, of the second visit; its instant of joining stands in the place of theirs.
        departures: instants at which others leave, who have no ticket.
    """

    goes: Sequence[int]
    limits: Sequence[int]
    following: Sequence[int]
    seconds: Sequence[int]
    stays: Sequence[int]
    keys: Sequence[tuple[int | str, ...]]
    departures: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """Who comes, as the engine takes them: all lists have one entry a visitor, in order of joining.

    Attributes:
        joins: instants at which the tickets join their queues, ascending, ns.
        errands: the queue of each: the place of its errand in the hall's errands, times `levels`, plus what its class
            adds to the priority, as a place among those levels.
        holds: ns of the service.
        stays: ns for which the visitor then stays for the rating, at a counter that has a keypad.
        keys: what decides between visitors: (-priority, instant of joining, ticket order), or its rank in that order.
        patience: ns after which a waiting visitor goes and takes the ticket out of its queue; None: they stay. At a
            second desk they stay.
        levels: queues of an errand.
        leaving: who leaves the ticket in its queue, and who has a second visit; None: nobody.
    """

    joins: Sequence[int]
    errands: Sequence[int]
    holds: Sequence[int]
    stays: Sequence[int]
    keys: Sequence[tuple[int | str, ...]] | Sequence[int]
    patience: Sequence[int] | None = None
    levels: int = 1
    leaving: Leaving | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters: who serves what, and when they may call.

    Attributes:
        skills: number of a counter -> errands.
        opens: the clerks' first instant, ns.
        until: no call from this instant on, ns.
        off: number of a counter -> spans in which it calls nobody (`bench.hall.discipline.Roster.off`); none: never.
        end: no counter begins to call from this instant on (`Roster.end`).
        rated: counters with a rating keypad.
        limits: (from this instant on, most counters that may be at work), ascending; whoever is at work finishes.
            Before the first of them, and without any, all may be.
        polls: number of a counter -> when its clerk's keys are noticed; none: at once.
        speeds: number of a counter -> its speed, of those that are not 1.
        closes: from this instant on a clerk goes home when nobody is in the hall whom the counter could serve. It shows
            only where tickets of visitors who have left are still in the queues.
    """

    skills: Mapping[int, frozenset[int]]
    opens: int
    until: int
    off: Mapping[int, Sequence[tuple[int, int]]] = field(default_factory=dict)
    end: int = NEVER
    rated: frozenset[int] = frozenset()
    limits: Sequence[tuple[int, int]] = ()
    polls: Mapping[int, Poll] = field(default_factory=dict)
    speeds: Mapping[int, float] = field(default_factory=dict)
    closes: int = NEVER

    def grows(self) -> list[int]:
        """Instants at which more counters than before may be at work."""
        return [at for (_, before), (at, now) in pairwise(((0, NEVER), *self.limits)) if now > before]


class Visit(NamedTuple):
    """A call and what follows: ns since midnight.

    Attributes:
        place: of the visitor in the `Load`.
        counter: number of the counter.
        called: the call is seen in the hall.
        starts: the service begins.
        leaves: the visitor leaves, or goes on to the second desk.
    """

    place: int
    counter: int
    called: int
    starts: int
    leaves: int


class Course(NamedTuple):
    """A day of a load with `Leaving`.

    Attributes:
        visits: in order of their calls; a second visit has a place behind all others, in order of `seconds`.
        seconds: (place of the first visit, instant of joining, queue) of each second visit.
        balked: places of those who left because of the queue.
        goes: instant at which a visitor leaves unserved, by place, second visits included; NEVER for whoever stays.
    """

    visits: list[Visit]
    seconds: list[tuple[int, int, int]]
    balked: frozenset[int]
    goes: list[int]


def free_from(off: Sequence[tuple[int, int]], hours: tuple[int, int], key: int, at: int) -> tuple[int | None, int]:
    """(instant from `at` on at which the clerk is at work, when the first pause on the way began or 0).

    Each pause costs a key before and one after it; the instant is None when there is none any more. `hours` are the
    first instant of calling and the end of it.
    """
    opens, end = hours
    if not off and opens <= at < end:
        return at, 0
    went = 0
    while (able := open_from(off, opens, end, at)) is not None and able > at:
        went = went or at + key
        at = max(able, at + key) + key
    return (None if able is None else at), went if key else 0


def pause_from(off: Sequence[tuple[int, int]], hours: tuple[int, int], now: int) -> int:
    """The first instant from now on at which a counter is in a pause."""
    opens, end = hours
    at: int | None = now
    if not off and opens <= now:
        return NEVER
    while at is not None:
        able = open_from(off, opens, end, at)
        if able is not None and able > at:
            return at
        at = next_start(off, at)
    return NEVER
