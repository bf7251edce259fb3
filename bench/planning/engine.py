"""The fast engine: one drawn day of a hall without devices, on SimPy's environment, in int64 nanoseconds.

It plays what `bench.hall.hall` and `bench.controller.office` play with devices that take no time: the same visitors of
the same `Day`, the same discipline, the same seconds of people (kiosk, walk, keys, clerk, rating). Its waits are those
of that replay, to the nanosecond; with `NO_DELAYS` they are those of `bench.hall.ideal`. Three things make it fast
(queueing.md section 2, points 4, 6 and 7): events are used again (`bench.planning.events`), a visit whose end is known
when it begins is one event, and the kiosks are a recursion that is computed before.

The rule of `discipline.choose` (priority, then the longest wait, then ticket order) is kept by comparing the heads of
the queues only: within an errand, tickets join in ticket order. Of idle counters the one idle longest takes a newcomer.

What it leaves out, against the replay with people: a clerk's patience. A visitor whose walk takes longer than
`LONGEST_WALK` would be recalled and given up there; here the clerk waits.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable
from typing import Any

import simpy

from bench.hall.counters import NO_SHOW_AFTER
from bench.hall.discipline import at_speed
from bench.planning import plain_day
from bench.planning.events import SECOND, TICKET, Reusable
from bench.planning.inputs import (
    LONGEST_WALK,
    NEVER,
    NO_DELAYS,
    Counters,
    Course,
    Delays,
    Leaving,
    Load,
    Poll,
    Polls,
    Visit,
    free_from,
    heard,
    pause_from,
    people,
)

__all__ = [
    "LONGEST_WALK",
    "NEVER",
    "NO_DELAYS",
    "Counters",
    "Course",
    "Delays",
    "Leaving",
    "Load",
    "Poll",
    "Polls",
    "Visit",
    "course",
    "heard",
    "people",
    "simulate",
]


def simulate(load: Load, counters: Counters, delays: Delays = NO_DELAYS) -> list[Visit]:
    """All visits of a day, in order of their calls. Who is not in them was never called (or left before)."""
    if plain_day.fits(load, counters):
        return plain_day.visits_of(load, counters, delays)
    return _Play(load, counters, delays).run()


def course(load: Load, counters: Counters, delays: Delays = NO_DELAYS) -> Course:
    """A day in which visitors may leave unserved or go on to a second desk."""
    play_ = _Play(load, counters, delays)
    visits = play_.run()
    return Course(visits, play_.seconds, frozenset(play_.balked), play_.goes)


class _Counter:
    """A counter while the day is played. `pause` is when its next break begins, while it is idle.

    Attributes:
        ready, turned, gives_up: the events of its clerk, of which at most one is due: the key "next" is known; a visit
            is over after closing; nobody came.
    """

    __slots__ = (
        "able", "came", "gives_up", "idle", "number", "off", "pause", "poll", "rank", "rated", "ready", "since",
        "skills", "speed", "turned",
    )  # fmt: skip

    ready: _Due
    turned: _Due
    gives_up: _Due

    def __init__(self, number: int, rank: int, counters: Counters) -> None:
        self.number, self.rank = number, rank
        self.able = counters.skills[number]
        self.skills = tuple(sorted(self.able))
        self.off = counters.off.get(number, ())
        self.poll = counters.polls.get(number)
        self.speed = counters.speeds.get(number, 1.0)
        self.rated = number in counters.rated
        self.idle = 0  # number of the spell of idleness, 0 when at work or away
        self.since = 0  # of that spell
        self.pause = NEVER
        self.came = (0, 0)  # what put it in order among those who pressed "next" at the same instant, lately


class _Due(Reusable):
    """What a clerk will have done.

    Attributes:
        at: the instant, ns.
        order: what puts it in order there: (gone into a break at, idle or busy until, rank). Of clerks who come out of
            a break at one instant, whoever went first is first; with people this is the order of their keys.
        ends: whether a visit ends with it, 0 or 1; of a pause, the spell of idleness that it ends.
    """

    __slots__ = ("at", "counter", "ends", "order")

    def __init__(self, env: simpy.Environment, does: Callable[[_Due], None], counter: _Counter) -> None:
        super().__init__(env, does)
        self.counter, self.at, self.order, self.ends = counter, 0, (0, 0, 0), 0


class _Joins(Reusable):
    """A ticket joins a second queue."""

    __slots__ = ("at", "place")

    def __init__(self, env: simpy.Environment, does: Callable[[_Joins], None], place: int, at: int) -> None:
        super().__init__(env, does)
        self.place, self.at = place, at


def _idle_longest(counter: _Counter) -> tuple[int, int]:
    """The order of `discipline.first_idle`."""
    return counter.since, counter.number


class _Play:
    """One run of the engine."""

    def __init__(self, load: Load, counters: Counters, delays: Delays) -> None:
        self.load, self.counters, self.delays = load, counters, delays
        self.leaving = load.leaving
        self.seconds: list[tuple[int, int, int]] = []
        self.coming = 0  # second visits that have not joined yet
        self.balked: set[int] = set()
        self.starts: dict[int, int] = {}  # by place, where somebody may leave
        self.goes: list[int] = []
        self.joins, self.queue_of = list(load.joins), list(load.errands)
        self.holds, self.stays = list(load.holds), list(load.stays)
        self.keys: list[Any] = list(load.keys)
        self.patience = None if load.patience is None else list(load.patience)
        if self.leaving is not None:
            self.goes = list(self.leaving.goes)
        self.visits: list[Visit] = []
        self.queues: dict[int, deque[int]] = {e: deque() for skills in counters.skills.values() for e in skills}
        self.idle: list[_Counter] = []  # in order of (since, number)
        self.waiting = 0
        self.at_work = 0
        self.spells = 0
        self.stirred = (0, 0)
        self.place = 0  # of the next ticket that joins
        self.env = simpy.Environment(0)
        self.schedule: Any = self.env.schedule  # its priorities are tuples here
        self.tickets = Reusable(self.env, self._tickets_join)

    def run(self) -> list[Visit]:
        """Play to the end; at one instant whoever joins comes before what counters do."""
        counters, env = self.counters, self.env
        for rank, number in enumerate(sorted(counters.skills)):
            counter = _Counter(number, rank, counters)
            counter.ready, counter.turned = _Due(env, self._ready, counter), _Due(env, self._turned, counter)
            counter.gives_up = _Due(env, self._gives_up, counter)
            self._turn(counter, counters.opens + self.delays.log_in, 0)
        for at in counters.grows():
            self._put(Reusable(env, self._grows), (0, 0, -1), at)
        self._tickets_join(self.tickets)
        env.run()
        return self.visits

    # -- events -----------------------------------------------------------------------------------------------------
    def _put(self, event: Reusable, order: tuple[int, ...], at: int) -> None:
        """Schedule an event; nothing happens from the end of the day on."""
        if at < self.counters.until:
            event.callbacks = event.does
            self.schedule(event, order, at - self.env.now)

    def _due(self, event: _Due, order: tuple[int, int, int], at: int, ends: int = 0) -> None:
        event.order, event.at, event.ends = order, at, ends
        self._put(event, order, at)

    def _tickets_join(self, tickets: Reusable) -> None:
        """Tickets join, as long as nothing else is due: then they are one event."""
        joins, until = self.load.joins, self.counters.until
        while self.place < len(joins) and (at := joins[self.place]) < until:
            if self.env.peek() < at:
                self._put(tickets, TICKET, at)
                return
            self.place += 1
            self._join(self.place - 1, at)

    def _joins_again(self, event: _Joins) -> None:
        self.coming -= 1
        self._join(event.place, event.at)

    def _ready(self, event: _Due) -> None:
        """The key "next" is known; it leads to nothing when nobody waits and nobody will."""
        if self.waiting or self.coming or self.place < len(self.load.joins):
            self.at_work -= event.ends
            event.counter.came = event.order[:2]
            self._next(event.counter, event.at)

    def _turned(self, event: _Due) -> None:
        self._stay_or_go_home(event.counter, event.at, event.ends)

    def _gives_up(self, event: _Due) -> None:
        self._give_up(event.counter, event.at)

    def _pauses(self, event: _Due) -> None:
        """An idle clerk has pressed "pause"; void when that spell of idleness has ended before."""
        if event.counter.idle == event.ends:
            self._pause(event.counter)

    # -- visitors ---------------------------------------------------------------------------------------------------
    def _room(self, now: int) -> bool:
        """Whether one more counter may be at work."""
        limits = self.counters.limits
        if not limits or now < limits[0][0]:
            return True
        return self.at_work < limits[bisect_right(limits, (now, NEVER)) - 1][1]

    def _join(self, place: int, now: int) -> None:
        """A ticket joins: the idle counter that has been idle longest takes it, or it waits."""
        errand = self.queue_of[place]
        if self.leaving is not None and place < len(self.load.joins) and self.leaving.limits[place] >= 0:
            levels = self.load.levels
            first = errand - errand % levels
            if sum(len(self.queues.get(e, ())) for e in range(first, first + levels)) > self.leaving.limits[place]:
                self.balked.add(place)
                self.goes[place] = now
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

    def _grows(self, _event: Reusable) -> None:
        """More counters may be at work: idle ones call whoever waits."""
        now = int(self.env.now)
        for counter in list(self.idle):
            place = self._choose(counter, now) if self._room(now) else None
            if place is not None:
                self.idle.remove(counter)
                counter.idle = 0
                self._call(place, counter, now, now + self.delays.call)

    # -- counters ---------------------------------------------------------------------------------------------------
    def _free_from(self, counter: _Counter, at: int) -> tuple[int | None, int]:
        return free_from(counter.off, (self.counters.opens, self.counters.end), self.delays.key, at)

    def _turn(self, counter: _Counter, at: int, since: int, at_work: int = 0, went: int = 0) -> None:
        """The clerk, free at `at`, will press "next", after a break if there is one.

        `at_work` is 1 when a visit ends with it.
        """
        free, lately = self._free_from(counter, at)
        went = lately or went
        if free is not None:
            since = since if self.delays.key else 0
            if self.leaving is not None and free >= self.counters.closes:
                self._due(counter.turned, (went, since, counter.rank), free, at_work)
                return
            at = free + self.delays.key
            if counter.poll is not None:
                at = heard(counter.poll, at)
            self._due(counter.ready, (went, since, counter.rank), at, at_work)

    def _stay_or_go_home(self, counter: _Counter, now: int, at_work: int) -> None:
        """After closing: the clerk presses "next" as long as somebody is in the hall for this counter."""
        self.at_work -= at_work
        if self._somebody_for(counter, now):
            at = now + self.delays.key
            self._due(counter.ready, (0, 0, counter.rank), heard(counter.poll, at))

    def _somebody_for(self, counter: _Counter, now: int) -> bool:
        """Whether anybody is in the hall, now, who is not at a counter yet for an errand of this one."""
        assert self.leaving is not None
        served = self.starts
        for place, goes in enumerate(self.goes):
            if self.queue_of[place] in counter.able and served.get(place, goes) > now:
                return True
            if place < len(self.load.joins) and self.leaving.following[place] in counter.able:
                passed_on = place in served  # then there is a second visit, looked at for itself
                if not passed_on and goes > now:
                    return True
        return False

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
        counter.pause = pause_from(counter.off, (self.counters.opens, self.counters.end), now)
        if counter.pause < NEVER:
            at = heard(counter.poll, counter.pause + self.delays.key)
            pause = _Due(self.env, self._pauses, counter)
            self._due(pause, (0, now, counter.rank), at, counter.idle)

    def _pause(self, counter: _Counter) -> None:
        """An idle clerk has pressed "pause"."""
        self.idle.remove(counter)
        counter.idle = 0
        self._turn(counter, counter.pause, max(counter.since, self._stirred(counter.pause)))

    def _stirred(self, at: int) -> int:
        """The last instant up to `at` at which a visitor left: idle clerks look up then, in order of their counters."""
        if self.delays.key and self.stirred[0] != at:
            self.stirred = at, max((visit.leaves for visit in self.visits if visit.leaves <= at), default=0)
            if self.leaving is not None:
                self.stirred = at, self._last_to_leave(at)
        return self.stirred[1]

    def _last_to_leave(self, at: int) -> int:
        """The last instant up to `at` at which anybody left the hall."""
        return max((left for left in self._departures() if left <= at), default=0)

    def _departures(self) -> list[int]:
        """When people leave the hall, as far as it is known now."""
        assert self.leaving is not None
        passed_on = {place for place, _, _ in self.seconds}
        found = [visit.leaves for visit in self.visits if visit.place not in passed_on]
        found += (goes for place, goes in enumerate(self.goes) if place not in self.starts)
        found += self.leaving.departures
        return found

    def _choose(self, counter: _Counter, now: int) -> int | None:
        """The waiting visitor whom the counter calls: `discipline.choose` over the heads of its queues."""
        keys, patience, joins = self.keys, self.patience, self.joins
        best: int | None = None
        for errand in counter.skills:
            queue = self.queues[errand]
            if patience is not None:
                while queue and joins[queue[0]] + patience[queue[0]] < now:
                    queue.popleft()
                    self.waiting -= 1
            if queue and (best is None or keys[queue[0]] < keys[best]):
                best = queue[0]
        if best is not None:
            self.queues[self.queue_of[best]].popleft()
            self.waiting -= 1
        return best

    def _call(self, place: int, counter: _Counter, now: int, called: int) -> None:
        if self.goes and self.goes[place] <= called:
            self._call_in_vain(counter, now, called)
            return
        starts = called + self.delays.walk
        if counter.pause <= now:  # between the break's beginning and the key "pause": served after the break
            back, _ = self._free_from(counter, counter.pause)
            starts = max(starts, back if back is not None else starts)
        leaves = starts + at_speed(self.holds[place], counter.speed) + self.delays.done
        if counter.rated:
            leaves += self.stays[place]
        self.visits.append(Visit(place, counter.number, called, starts, leaves))
        self.at_work += 1
        if self.leaving is not None:
            self.starts[place] = starts
            self._second(place, leaves)
        self._turn(counter, leaves + self.delays.clerk, leaves, 1)

    def _call_in_vain(self, counter: _Counter, now: int, called: int) -> None:
        """The visitor has left: the clerk waits, recalls, waits, and gives the ticket up.

        A clerk on the way to a break at that instant takes the break, and the next key "next" gives the ticket up.
        """
        self.at_work += 1
        if counter.pause <= now:
            self._turn(counter, counter.pause, max(counter.since, self._stirred(counter.pause)), 1)
        else:
            at = called + max(0, self.delays.no_show - self.delays.key)
            self._due(counter.gives_up, (0, 0, counter.rank), at)

    def _give_up(self, counter: _Counter, now: int) -> None:
        """A clerk who called in vain begins to press the key "no show".

        Clerks who called in vain at one instant keep their order, unless somebody left meanwhile: then they looked up,
        in order of their counters.
        """
        key = self.delays.key
        went, since = counter.came
        if key:
            recalled = now - NO_SHOW_AFTER
            waits = ((recalled - key - NO_SHOW_AFTER, recalled - key), (recalled, now))
            if any(start < left < end for left in self._departures() for start, end in waits):
                went = since = 0
        self._turn(counter, now + min(key, self.delays.no_show), since, 1, went)

    def _second(self, place: int, leaves: int) -> None:
        """A visitor whose first errand ends goes on to the second, with the same ticket."""
        assert self.leaving is not None
        if place >= len(self.load.joins) or self.leaving.following[place] < 0:
            return
        second, queue = len(self.joins), self.leaving.following[place]
        self.seconds.append((place, leaves, queue))
        self.coming += 1
        priority, _, *rest = self.leaving.keys[place]
        self.joins.append(leaves)
        self.queue_of.append(queue)
        self.holds.append(self.leaving.seconds[place])
        self.stays.append(self.leaving.stays[place])
        self.keys.append((priority, leaves, *rest))
        if self.patience is not None:
            self.patience.append(NEVER)
        self.goes.append(NEVER)
        self._put(_Joins(self.env, self._joins_again, second, leaves), SECOND, leaves)
