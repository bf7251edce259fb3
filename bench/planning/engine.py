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
from heapq import heapify, heappop, heappush
from typing import Any

from bench.hall.counters import NO_SHOW_AFTER
from bench.hall.discipline import at_speed
from bench.planning import plain_day
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

_NEXT, _PAUSE, _GROWS, _JOIN, _TURN, _GIVES_UP = range(6)


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
    """A counter while the day is played. `pause` is when its next break begins, while it is idle."""

    __slots__ = ("able", "came", "idle", "number", "off", "pause", "poll", "rank", "rated", "since", "skills", "speed")

    def __init__(self, number: int, rank: int, skills: frozenset[int], counters: Counters) -> None:
        self.number, self.rank = number, rank
        self.able = skills
        self.skills = tuple(sorted(skills))
        self.off = counters.off.get(number, ())
        self.poll = counters.polls.get(number)
        self.speed = counters.speeds.get(number, 1.0)
        self.rated = number in counters.rated
        self.idle = 0  # number of the spell of idleness, 0 when at work or away
        self.since = 0  # of that spell
        self.pause = NEVER
        self.came = (0, 0)  # what put it in order among those who pressed "next" at the same instant, lately


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
        # (instant, gone into a break at, idle or busy until, rank, kind, spell, counter): of clerks who come out of a
        # break at one instant, whoever went first is first; with people this is the order of their keys.
        self.heap: list[tuple[int, int, int, int, int, int, _Counter]] = []
        for rank, number in enumerate(sorted(counters.skills)):
            self._turn(_Counter(number, rank, counters.skills[number], counters), counters.opens + delays.log_in, 0)
        nobody = _Counter(0, -1, frozenset(), counters)
        self.heap += ((at, 0, 0, -1, _GROWS, 0, nobody) for at in counters.grows())
        heapify(self.heap)

    def run(self) -> list[Visit]:
        """Play to the end; at one instant whoever joins comes before what counters do."""
        joins, until = self.load.joins, self.counters.until
        heap, count = self.heap, len(joins)
        place = 0
        while True:
            join = joins[place] if place < count else NEVER
            if heap and heap[0][0] < join:
                if place == count and not self.waiting and not self.coming:
                    break
                now, went, since, _, kind, spell, counter = heappop(heap)
                if now >= until:
                    break
                if kind == _NEXT:
                    self.at_work -= spell
                    counter.came = went, since
                    self._next(counter, now)
                elif kind == _GROWS:
                    self._grow(now)
                elif kind == _JOIN:
                    self.coming -= 1
                    self._join(spell, now)
                elif kind == _GIVES_UP:
                    self._give_up(counter, now)
                elif kind == _TURN:
                    self._stay_or_go_home(counter, now, spell)
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
        return free_from(counter.off, (self.counters.opens, self.counters.end), self.delays.key, at)

    def _turn(self, counter: _Counter, at: int, since: int, at_work: int = 0, went: int = 0) -> None:
        """The clerk, free at `at`, will press "next", after a break if there is one.

        `at_work` is 1 when a visit ends with it (it stands where other events have the number of a spell).
        """
        free, lately = self._free_from(counter, at)
        went = lately or went
        if free is not None:
            since = since if self.delays.key else 0
            if self.leaving is not None and free >= self.counters.closes:
                heappush(self.heap, (free, went, since, counter.rank, _TURN, at_work, counter))
                return
            at = free + self.delays.key
            if counter.poll is not None:
                at = heard(counter.poll, at)
            heappush(self.heap, (at, went, since, counter.rank, _NEXT, at_work, counter))

    def _stay_or_go_home(self, counter: _Counter, now: int, at_work: int) -> None:
        """After closing: the clerk presses "next" as long as somebody is in the hall for this counter."""
        self.at_work -= at_work
        if self._somebody_for(counter, now):
            at = now + self.delays.key
            heappush(self.heap, (heard(counter.poll, at), 0, 0, counter.rank, _NEXT, 0, counter))

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
            heappush(self.heap, (at, 0, now, counter.rank, _PAUSE, counter.idle, counter))

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
            heappush(self.heap, (at, 0, 0, counter.rank, _GIVES_UP, 0, counter))

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
        nobody = _Counter(0, -1, frozenset(), self.counters)
        heappush(self.heap, (leaves, -1, 0, -1, _JOIN, second, nobody))
