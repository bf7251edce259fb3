"""The days that most plans consist of, on SimPy: everybody stays, has one errand, and all counters may be at work.

It is `bench.planning.engine` without what such a day does not have, written for speed: handlers over local names, state
in the slots of each counter's event, tickets queued by their rank (so that the head of a queue is compared as one
integer). A ticket is an event only while a counter is idle: otherwise it would but join its queue, and the next counter
that is ready puts it there before it looks. Same order at one instant, same pauses; tests hold the two engines against
each other, difference exactly 0.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from heapq import heappush
from typing import TYPE_CHECKING, Any, Final

import simpy

from bench.hall.discipline import at_speed
from bench.planning.events import TICKET, Reusable, agenda
from bench.planning.inputs import NEVER, Visit, free_from, heard, pause_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.planning.inputs import Counters, Delays, Load

NUMBERS: Final = len(Visit._fields)
"""Numbers that `play` tells of each visit."""

_NOBODY = -1


class _Counter(Reusable):
    """A counter, and the event of its being ready. `idle` is the number of its spell of idleness, 0 when at work."""

    __slots__ = ("able", "idle", "number", "off", "pause", "poll", "queues", "rank", "rated", "since", "speed")

    def __init__(self, env: simpy.Environment, ready: Callable[[Any], None], number: int, counters: Counters) -> None:
        super().__init__(env, ready)
        self.number, self.rank = number, 0
        self.able = counters.skills[number]
        self.queues: list[deque[int]] = []
        self.off = counters.off.get(number, ())
        self.poll = counters.polls.get(number)
        self.speed, self.rated = counters.speeds.get(number, 1.0), number in counters.rated
        self.idle, self.since, self.pause = 0, 0, NEVER


class _Pause(Reusable):
    """The event of an idle clerk's pressing "pause"; void when that spell of idleness has ended before."""

    __slots__ = ("counter", "spell")

    def __init__(self, env: simpy.Environment, pauses: Callable[[Any], None], counter: _Counter) -> None:
        super().__init__(env, pauses)
        self.counter, self.spell = counter, counter.idle


def fits(load: Load, counters: Counters) -> bool:
    """Whether a day is as plain as this module takes it."""
    return load.leaving is None and load.patience is None and not counters.limits


def visits_of(load: Load, counters: Counters, delays: Delays) -> list[Visit]:
    """All visits of a day, in order of their calls."""
    told = play(load, counters, delays)
    return list(map(Visit, *(told[column::NUMBERS] for column in range(NUMBERS))))


def play(load: Load, counters: Counters, delays: Delays) -> list[int]:  # noqa: C901 - handlers over one state, for speed
    """Play a plain day; see `engine.simulate`.

    Returns:
        The visits in order of their calls, one after the other, each as the numbers of `Visit`.
    """
    joins, errands, stays, until, key = [*load.joins, NEVER], load.errands, load.stays, counters.until, delays.key
    holds, call, show, walk, done, clerk = load.holds, delays.call, delays.show, delays.walk, delays.done, delays.clerk
    count, hours, opens, end = len(load.joins), (counters.opens, counters.end), counters.opens, counters.end
    place_of = sorted(range(count), key=load.keys.__getitem__)
    ranks = [0] * count
    for rank, place in enumerate(place_of):
        ranks[place] = rank
    queues: dict[int, deque[int]] = {errand: deque() for errand in errands}
    empty: deque[int] = deque()
    idle: list[tuple[int, int, _Counter]] = []  # (since, rank, counter), in the order of `discipline.first_idle`
    place = spells = stirred = 0
    stirred_at = -1
    told: list[int] = []
    tell = told.extend
    env: Any = simpy.Environment(0)  # its instants are ints here
    due, eid = agenda(env)

    def put(event: Reusable, order: tuple[int, ...], at: int) -> None:
        if at < until:
            event.callbacks = event.does
            heappush(due, (at, order, eid(), event))

    def joined(tickets: Reusable) -> None:
        """Tickets join while a counter is idle, as long as nothing else is due: it takes them, or they wait."""
        nonlocal place
        while idle:
            at, who = joins[place], place
            if due and due[0][0] < at:
                put(tickets, TICKET, at)
                return
            if at >= until:
                return
            place += 1
            errand = errands[who]
            for index, (_, _, counter) in enumerate(idle):
                if errand in counter.able:
                    del idle[index]
                    ready(counter, who)
                    break
            else:
                queues[errand].append(ranks[who])

    def ready(counter: _Counter, who: int = _NOBODY) -> None:
        """The key "next" is known: the counter calls whoever is first, or is idle. If it was idle, it is for `who`."""
        nonlocal place
        if who < 0:
            now: int = env._now  # noqa: SLF001 - a property would cost a call for each event
            while joins[place] <= now:
                queues[errands[place]].append(ranks[place])
                place += 1
            best, source = count, empty
            for queue in counter.queues:
                if queue and queue[0] < best:
                    best, source = queue[0], queue
            if best == count:
                if place < count:
                    rest(counter, now)
                return
            source.popleft()
            who, when = place_of[best], now + call
            starts = when + walk
        else:
            now = joins[who]
            counter.idle, when = 0, now + show
            starts = when + walk
            if counter.pause <= now:  # between the break's beginning and the key "pause": served after the break
                back, _ = free_from(counter.off, hours, key, counter.pause)
                starts = max(starts, back) if back is not None else starts
        leaves = starts + (holds[who] if counter.speed == 1.0 else at_speed(holds[who], counter.speed)) + done
        if counter.rated:
            leaves += stays[who]
        tell((who, counter.number, when, starts, leaves))
        at, went = leaves + clerk, 0
        if counter.off or not opens <= at < end:
            free, went = free_from(counter.off, hours, key, at)
            if free is None:
                return
            at = free
        at += key
        if counter.poll is not None:
            at = heard(counter.poll, at)
        if at < until:  # `put`, without a call
            counter.callbacks = counter.does
            heappush(due, (at, (went, leaves if key else 0, counter.rank), eid(), counter))

    def rest(counter: _Counter, now: int) -> None:
        """Nobody waits for the counter, which is idle from now on."""
        nonlocal spells
        spells += 1
        counter.idle, counter.since = spells, now
        insort(idle, (now, counter.rank, counter))
        counter.pause = pause_from(counter.off, hours, now)
        if counter.pause < NEVER:
            put(_Pause(env, pauses, counter), (0, now, counter.rank), heard(counter.poll, counter.pause + key))
        if tickets.callbacks is None:
            joined(tickets)

    def pauses(event: _Pause) -> None:
        """An idle clerk has pressed "pause"."""
        nonlocal stirred, stirred_at
        counter = event.counter
        if counter.idle != event.spell:
            return
        idle.remove((counter.since, counter.rank, counter))
        counter.idle, at = 0, counter.pause
        if key and stirred_at != at:
            stirred_at, stirred = at, max((left for left in told[NUMBERS - 1 :: NUMBERS] if left <= at), default=0)
        free, went = free_from(counter.off, hours, key, at)
        if free is not None:
            order = (went, max(counter.since, stirred) if key else 0, counter.rank)
            put(counter, order, heard(counter.poll, free + key))

    tickets = Reusable(env, joined)
    for rank, number in enumerate(sorted(counters.skills)):
        counter = _Counter(env, ready, number, counters)
        counter.rank = rank
        counter.queues = [queues[errand] for errand in counter.able if errand in queues]
        free, went = free_from(counter.off, hours, key, opens + delays.log_in)
        if free is not None:
            put(counter, (went, 0, rank), heard(counter.poll, free + key))
    env.run()
    return told
