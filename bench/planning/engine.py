"""The fast engine: one drawn day of a hall without devices, as a heap of instants in int64 nanoseconds.

It plays what `bench.hall.hall` and `bench.controller.office` play with devices that take no time: the same visitors of
the same `Day`, the same discipline, the same seconds of people (kiosk, walk, keys, clerk, rating). Its waits are those
of that replay, to the nanosecond; with `NO_DELAYS` they are those of `bench.hall.ideal`. Two things make it fast
(queueing.md section 2, points 6 and 7): a visit whose end is known when it begins is one event, and the kiosks are a
recursion that is computed before.

The rule of `discipline.choose` (priority, then the longest wait, then ticket order) is kept by comparing the heads of
the queues only: within an errand, tickets join in ticket order. Of idle counters the one idle longest takes a newcomer.

What it leaves out, against the replay with people: a clerk's patience. A visitor whose walk takes longer than
`LONGEST_WALK` would be recalled and given up there; here the clerk waits.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from bench.hall.counters import KEY, NO_SHOW_AFTER
from bench.hall.discipline import Roster, next_start, open_from
from bench.scenario.times import NS

if TYPE_CHECKING:
    from bench.hall.day import Day
    from bench.scenario.model import Scenario

NEVER: Final = 1 << 62
LONGEST_WALK: Final = NO_SHOW_AFTER
"""A walk at least this long would make a clerk recall the ticket, ns."""

_NEXT, _PAUSE, _GROWS = 0, 1, 2


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
    )


@dataclass(frozen=True, slots=True)
class Load:
    """Who comes, as the engine takes them: all lists have one entry a visitor, in order of joining.

    Attributes:
        joins: instants at which the tickets join their queues, ascending, ns.
        errands: places in the hall's errands.
        holds: ns of the service.
        stays: ns for which the visitor then stays for the rating, at a counter that has a keypad.
        keys: what decides between visitors: (-priority, instant of joining, ticket order).
        patience: ns after which a waiting visitor goes; None: they stay.
    """

    joins: Sequence[int]
    errands: Sequence[int]
    holds: Sequence[int]
    stays: Sequence[int]
    keys: Sequence[tuple[int | str, ...]]
    patience: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class Desks:
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
    """

    skills: Mapping[int, frozenset[int]]
    opens: int
    until: int
    off: Mapping[int, Sequence[tuple[int, int]]] = field(default_factory=dict)
    end: int = NEVER
    rated: frozenset[int] = frozenset()
    limits: Sequence[tuple[int, int]] = ()
    polls: Mapping[int, Poll] = field(default_factory=dict)

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
        leaves: the visitor leaves.
    """

    place: int
    counter: int
    called: int
    starts: int
    leaves: int


def simulate(load: Load, desks: Desks, delays: Delays = NO_DELAYS) -> list[Visit]:
    """All visits of a day, in order of their calls. Who is not in them was never called (or lost patience)."""
    return _Play(load, desks, delays).run()


class _Counter:
    """A counter while the day is played. `pause` is when its next break begins, while it is idle."""

    __slots__ = ("able", "idle", "number", "off", "pause", "poll", "rank", "rated", "since", "skills")

    def __init__(self, number: int, rank: int, skills: frozenset[int], desks: Desks) -> None:
        self.number, self.rank = number, rank
        self.able = skills
        self.skills = tuple(sorted(skills))
        self.off = desks.off.get(number, ())
        self.poll = desks.polls.get(number)
        self.rated = number in desks.rated
        self.idle = 0  # number of the spell of idleness, 0 when at work or away
        self.since = 0  # of that spell
        self.pause = NEVER


def _idle_longest(counter: _Counter) -> tuple[int, int]:
    """The order of `discipline.first_idle`."""
    return counter.since, counter.number


class _Play:
    """One run of the engine."""

    def __init__(self, load: Load, desks: Desks, delays: Delays) -> None:
        self.load, self.desks, self.delays = load, desks, delays
        self.visits: list[Visit] = []
        self.queues: dict[int, deque[int]] = {e: deque() for skills in desks.skills.values() for e in skills}
        self.idle: list[_Counter] = []  # in order of (since, number)
        self.waiting = 0
        self.at_work = 0
        self.spells = 0
        self.stirred = (0, 0)
        # (instant, gone into a break at, idle or busy until, rank, kind, spell, counter): of clerks who come out of a
        # break at one instant, whoever went first is first; with people this is the order of their keys.
        self.heap: list[tuple[int, int, int, int, int, int, _Counter]] = []
        for rank, number in enumerate(sorted(desks.skills)):
            self._turn(_Counter(number, rank, desks.skills[number], desks), desks.opens + delays.log_in, 0)
        nobody = _Counter(0, -1, frozenset(), desks)
        self.heap += ((at, 0, 0, -1, _GROWS, 0, nobody) for at in desks.grows())
        heapify(self.heap)

    def run(self) -> list[Visit]:
        """Play to the end; at one instant whoever joins comes before what counters do."""
        joins, until = self.load.joins, self.desks.until
        heap, count = self.heap, len(joins)
        place = 0
        while True:
            join = joins[place] if place < count else NEVER
            if heap and heap[0][0] < join:
                if place == count and not self.waiting:
                    break
                now, _, _, _, kind, spell, counter = heappop(heap)
                if now >= until:
                    break
                if kind == _NEXT:
                    self.at_work -= spell
                    self._next(counter, now)
                elif kind == _GROWS:
                    self._grow(now)
                elif counter.idle == spell:
                    self._pause(counter)
                continue
            if join >= until:
                break
            self._join(place, join)
            place += 1
        return self.visits

    def _room(self, now: int) -> bool:
        """Whether one more counter may be at work."""
        limits = self.desks.limits
        if not limits or now < limits[0][0]:
            return True
        return self.at_work < limits[bisect_right(limits, (now, NEVER)) - 1][1]

    def _join(self, place: int, now: int) -> None:
        """A ticket joins: the idle counter that has been idle longest takes it, or it waits."""
        errand = self.load.errands[place]
        if self.idle and self._room(now):
            for index, counter in enumerate(self.idle):
                if errand in counter.able:
                    del self.idle[index]
                    counter.idle = 0
                    self._call(place, counter, now, now + self.delays.show)
                    return
        if errand in self.queues:
            self.queues[errand].append(place)
            self.waiting += 1

    def _grow(self, now: int) -> None:
        """More counters may be at work: idle ones call whoever waits."""
        for counter in list(self.idle):
            place = self._choose(counter, now) if self._room(now) else None
            if place is not None:
                self.idle.remove(counter)
                counter.idle = 0
                self._call(place, counter, now, now + self.delays.call)

    # -- counters ---------------------------------------------------------------------------------------------------
    def _free_from(self, counter: _Counter, at: int) -> tuple[int | None, int]:
        """(instant from `at` on at which the clerk is at work, when the first pause on the way began or 0).

        Each pause costs a key before and one after it; the instant is None when there is none any more.
        """
        if not counter.off and self.desks.opens <= at < self.desks.end:
            return at, 0
        key, went = self.delays.key, 0
        while (able := open_from(counter.off, self.desks.opens, self.desks.end, at)) is not None and able > at:
            went = went or at + key
            at = max(able, at + key) + key
        return (None if able is None else at), went if key else 0

    def _turn(self, counter: _Counter, at: int, since: int, at_work: int = 0) -> None:
        """The clerk, free at `at`, will press "next", after a break if there is one.

        `at_work` is 1 when a visit ends with it (it stands where other events have the number of a spell).
        """
        free, went = self._free_from(counter, at)
        if free is not None:
            since = since if self.delays.key else 0
            at = free + self.delays.key
            if counter.poll is not None:
                at = heard(counter.poll, at)
            heappush(self.heap, (at, went, since, counter.rank, _NEXT, at_work, counter))

    def _next(self, counter: _Counter, now: int) -> None:
        place = self._choose(counter, now) if self.waiting and self._room(now) else None
        if place is not None:
            counter.pause = NEVER
            self._call(place, counter, now, now + self.delays.call)
            return
        self.spells += 1
        counter.idle = self.spells
        counter.since = now
        insort(self.idle, counter, key=_idle_longest)
        counter.pause = self._next_pause(counter, now)
        if counter.pause < NEVER:
            at = heard(counter.poll, counter.pause + self.delays.key)
            heappush(self.heap, (at, 0, now, counter.rank, _PAUSE, counter.idle, counter))

    def _next_pause(self, counter: _Counter, now: int) -> int:
        """The first instant from now on at which the counter is in a pause."""
        at: int | None = now
        off = counter.off
        if not off and self.desks.opens <= now:
            return NEVER
        while at is not None:
            able = open_from(off, self.desks.opens, self.desks.end, at)
            if able is not None and able > at:
                return at
            at = next_start(off, at)
        return NEVER

    def _pause(self, counter: _Counter) -> None:
        """An idle clerk has pressed "pause"."""
        self.idle.remove(counter)
        counter.idle = 0
        self._turn(counter, counter.pause, max(counter.since, self._stirred(counter.pause)))

    def _stirred(self, at: int) -> int:
        """The last instant up to `at` at which a visitor left: idle clerks look up then, in order of their counters."""
        if self.delays.key and self.stirred[0] != at:
            self.stirred = at, max((visit.leaves for visit in self.visits if visit.leaves <= at), default=0)
        return self.stirred[1]

    def _choose(self, counter: _Counter, now: int) -> int | None:
        """The waiting visitor whom the counter calls: `discipline.choose` over the heads of its queues."""
        keys, patience = self.load.keys, self.load.patience
        best: int | None = None
        for errand in counter.skills:
            queue = self.queues[errand]
            if patience is not None:
                while queue and self.load.joins[queue[0]] + patience[queue[0]] < now:
                    queue.popleft()
                    self.waiting -= 1
            if queue and (best is None or keys[queue[0]] < keys[best]):
                best = queue[0]
        if best is not None:
            self.queues[self.load.errands[best]].popleft()
            self.waiting -= 1
        return best

    def _call(self, place: int, counter: _Counter, now: int, called: int) -> None:
        starts = called + self.delays.walk
        if counter.pause <= now:  # between the break's beginning and the key "pause": served after the break
            back, _ = self._free_from(counter, counter.pause)
            starts = max(starts, back if back is not None else starts)
        leaves = starts + self.load.holds[place] + self.delays.done
        if counter.rated:
            leaves += self.load.stays[place]
        self.visits.append(Visit(place, counter.number, called, starts, leaves))
        self.at_work += 1
        self._turn(counter, leaves + self.delays.clerk, leaves, 1)


# -- a day of a scenario ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Played:
    """A day as it was played.

    Attributes:
        numbers: of the visitors, by place in `load`.
        arrives: instants of arrival, by place.
        load: who came when to the queues.
        visits: by `simulate`.
        gone_home: places of visitors who got their ticket after a closing that sends home.
    """

    numbers: tuple[int, ...]
    arrives: tuple[int, ...]
    load: Load
    visits: list[Visit]
    gone_home: frozenset[int]

    def waits(self) -> list[tuple[int, int]]:
        """(number of the visitor, wait from the ticket to the call in ns) of everybody who was called, by number."""
        return sorted((self.numbers[v.place], v.called - self.load.joins[v.place]) for v in self.visits)


def play(scenario: Scenario, day: Day, delays: Delays) -> Played:
    """Play a drawn day.

    Args:
        scenario: hours, errands and counters; may have other counters than the one the day was drawn from.
        day: who comes.
        delays: see `people`.
    """
    arrived, wants = [v.arrives for v in day.visitors], [v.errand for v in day.visitors]
    found = tickets(scenario, arrived, wants, delays)
    joined = sorted((at, place) for place, at in enumerate(found) if at >= 0)
    letters = [errand.letter for errand in scenario.errands]
    priorities = [-errand.priority for errand in scenario.errands]
    overhead = round(scenario.arrivals.overhead_s * NS) if scenario.log and delays == NO_DELAYS else 0
    counts = [0] * len(letters)
    joins, errands, holds, stays, numbers, arrives = [], [], [], [], [], []
    keys: list[tuple[int | str, ...]] = []
    for at, place in joined:
        visitor = day.visitors[place]
        errand = visitor.errand
        counts[errand] += 1
        joins.append(at)
        errands.append(errand)
        holds.append(visitor.service + overhead)
        stays.append(visitor.rating_delay if visitor.rating else 0)
        keys.append((priorities[errand], at, letters[errand], counts[errand]))
        numbers.append(visitor.number)
        arrives.append(visitor.arrives)
    load = Load(joins, errands, holds, stays, keys)
    desks = desks_of(scenario, delays)
    hours = scenario.hours
    sends_home = hours.after_closing == "send_home"
    late = frozenset(place for place, at in enumerate(joins) if at >= hours.closes) if sends_home else frozenset()
    return Played(tuple(numbers), tuple(arrives), load, simulate(load, desks, delays), late)


def desks_of(scenario: Scenario, delays: Delays) -> Desks:
    """The counters of a scenario."""
    roster, hours = Roster(scenario), scenario.hours
    until = min(scenario.horizon, hours.closes) if hours.after_closing == "send_home" else scenario.horizon
    rated = frozenset(scenario.skills) - without_keypad(scenario) if delays.rated else frozenset[int]()
    known, others = delays.polls.counters, delays.polls.others
    polls = {n: poll for n in scenario.skills if (poll := known.get(n, others)) is not None}
    return Desks(scenario.skills, hours.opens, until, roster.off, roster.end, rated, polls=polls)


def without_keypad(scenario: Scenario) -> frozenset[int]:
    """Counters at which nobody can rate. A counter that a plan adds has no devices; it counts as one with a keypad.

    So it does too when the hall has other counters' keypads only on paper: a hall without any keypad has no ratings.
    """
    keypads = {device.counter for _, device in scenario.placed if device.acts_as == "rating_keypad"}  # type: ignore[union-attr]
    known = {device.counter for _, device in scenario.placed if device.acts_as == "clerk_console"}  # type: ignore[union-attr]
    return frozenset(number for number in scenario.skills if number not in keypads and (number in known or not keypads))


def tickets(scenario: Scenario, arrives: Sequence[int], errands: Sequence[int], delays: Delays) -> list[int]:
    """When each visitor holds a ticket: first come first served at the least crowded kiosk that offers the errand.

    -1 for a visitor whose errand no kiosk offers. Without any kiosk everybody has a ticket on arrival.
    """
    takes, paper = delays.kiosk, delays.paper
    if not scenario.kiosk_keys or not takes:
        return list(arrives)
    kiosks: list[deque[int]] = [deque() for _ in scenario.kiosk_keys]
    polls = [delays.polls.kiosks.get(name) for name in scenario.kiosk_keys]
    offering = {
        errand: [index for index, keys in enumerate(scenario.kiosk_keys.values()) if errand in keys]
        for errand in range(len(scenario.errands))
    }
    found: list[int] = []
    for arrived, errand in zip(arrives, errands, strict=True):
        mine = offering[errand]
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
