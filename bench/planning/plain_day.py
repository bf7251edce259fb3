"""The days that most plans consist of, in one loop: everybody stays, has one errand, and all counters may be at work.

It is `bench.planning.engine` without what such a day does not have, written for speed: state in local names, tickets
queued by their rank (so that the head of a queue is compared as one integer), a counter's next event put in the place
of the one that it follows from. Same heap, same order at one instant, same pauses; tests hold the two against each
other, difference exactly 0.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from heapq import heapify, heappop, heappush, heapreplace
from typing import TYPE_CHECKING, NamedTuple

from bench.hall.discipline import at_speed
from bench.planning.inputs import NEVER, Visit, free_from, heard, pause_from

if TYPE_CHECKING:
    from bench.planning.inputs import Counters, Delays, Load

_NEXT, _PAUSE = range(2)


class Calls(NamedTuple):
    """The visits of a day as columns, in order of the calls; see `Visit`."""

    places: list[int]
    counters: list[int]
    called: list[int]
    starts: list[int]
    leaves: list[int]


def fits(load: Load, counters: Counters) -> bool:
    """Whether a day is as plain as this module takes it."""
    return load.leaving is None and load.patience is None and not counters.limits


def visits_of(load: Load, counters: Counters, delays: Delays) -> list[Visit]:
    """All visits of a day, in order of their calls."""
    return list(map(Visit, *play(load, counters, delays)))


def play(load: Load, counters: Counters, delays: Delays) -> Calls:  # noqa: C901 - one loop over one state, for speed
    """Play a plain day; see `engine.simulate`."""
    joins, errands, stays, until, key = load.joins, load.errands, load.stays, counters.until, delays.key
    holds, call, show, walk, done, clerk = load.holds, delays.call, delays.show, delays.walk, delays.done, delays.clerk
    count, hours, end = len(joins), (counters.opens, counters.end), counters.end
    place_of = sorted(range(count), key=load.keys.__getitem__)
    ranks = [0] * count
    for rank, place in enumerate(place_of):
        ranks[place] = rank
    numbers = sorted(counters.skills)
    able = [counters.skills[number] for number in numbers]
    off = [counters.off.get(number, ()) for number in numbers]
    polls = [counters.polls.get(number) for number in numbers]
    speeds = [counters.speeds.get(number, 1.0) for number in numbers]
    rated = [number in counters.rated for number in numbers]
    queues: dict[int, deque[int]] = {errand: deque() for skills in able for errand in skills}
    mine = [[queues[errand] for errand in skills] for skills in able]
    pauses, spell_of, since_of = [NEVER] * len(numbers), [0] * len(numbers), [0] * len(numbers)
    idle: list[tuple[int, int]] = []  # (since, counter), in the order of `discipline.first_idle`
    waiting = spells = place = stirred = 0
    stirred_at = -1
    places, by, called, begun, left = Calls([], [], [], [], [])
    heap: list[tuple[int, int, int, int, int, int]] = []
    for c in range(len(numbers)):
        free, went = free_from(off[c], hours, key, counters.opens + delays.log_in)
        if free is not None:
            heap.append((heard(polls[c], free + key), went, 0, c, _NEXT, 0))
    heapify(heap)
    join = joins[0] if count else NEVER
    while True:
        if heap and heap[0][0] < join:
            now, _, _, c, kind, spell = heap[0]
            if (place == count and not waiting) or now >= until:
                break
            if kind == _PAUSE:
                heappop(heap)
                if spell_of[c] != spell:
                    continue
                idle.remove((since_of[c], c))
                spell_of[c], at = 0, pauses[c]
                if key and stirred_at != at:
                    stirred_at, stirred = at, max((leaves for leaves in left if leaves <= at), default=0)
                free, went = free_from(off[c], hours, key, at)
                if free is not None:
                    turned = max(since_of[c], stirred) if key else 0
                    heappush(heap, (heard(polls[c], free + key), went, turned, c, _NEXT, 0))
                continue
            best, source = count, None
            if waiting:
                for queue in mine[c]:
                    if queue and queue[0] < best:
                        best, source = queue[0], queue
            if source is None:
                spells += 1
                spell_of[c], since_of[c] = spells, now
                insort(idle, (now, c))
                pause = pauses[c] = pause_from(off[c], hours, now)
                if pause < NEVER:
                    heapreplace(heap, (heard(polls[c], pause + key), 0, now, c, _PAUSE, spells))
                else:
                    heappop(heap)
                continue
            source.popleft()
            waiting -= 1
            pauses[c] = NEVER
            who, when = place_of[best], now + call
            starts = when + walk
            caller_waits = False
        else:
            if join >= until:
                break
            now, who, errand = join, place, errands[place]
            place += 1
            join = joins[place] if place < count else NEVER
            for i, (_, c) in enumerate(idle):
                if errand in able[c]:
                    del idle[i]
                    break
            else:
                if errand in queues:
                    queues[errand].append(ranks[who])
                    waiting += 1
                continue
            spell_of[c], when = 0, now + show
            starts = when + walk
            if pauses[c] <= now:  # between the break's beginning and the key "pause": served after the break
                back, _ = free_from(off[c], hours, key, pauses[c])
                starts = max(starts, back) if back is not None else starts
            caller_waits = True
        leaves = starts + (holds[who] if speeds[c] == 1.0 else at_speed(holds[who], speeds[c])) + done
        if rated[c]:
            leaves += stays[who]
        places.append(who)
        by.append(numbers[c])
        called.append(when)
        begun.append(starts)
        left.append(leaves)
        at, went = leaves + clerk, 0
        if off[c] or not hours[0] <= at < end:
            free, went = free_from(off[c], hours, key, at)
            if free is None:
                if not caller_waits:
                    heappop(heap)
                continue
            at = free
        at += key
        poll = polls[c]
        if poll is not None:
            at = heard(poll, at)
        event = (at, went, leaves if key else 0, c, _NEXT, 1)
        if caller_waits:
            heappush(heap, event)
        else:
            heapreplace(heap, event)
    return Calls(places, by, called, begun, left)
