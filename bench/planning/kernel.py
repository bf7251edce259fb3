"""The compiled kernel: the day of `bench.planning.engine` in machine code, with the same waits to the nanosecond.

It is that engine's algorithm on int64 arrays: the same heap of instants with the same order at one instant, the same
queues by errand whose heads are compared, the same pauses. Only what they are written in differs. Tests hold the two
against each other (difference exactly 0) on random halls and on shipped ones.

Importing this module imports numba (extra `fast`), which takes about a second; the compiled code is kept beside this
file or in the user's cache, so that it is compiled once a machine (`NUMBA_CACHE_DIR` puts it elsewhere).
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any, Final, TypeVar, cast

import numpy as np
from numba import njit

from bench.hall.columns import Whole

NEVER: Final = 1 << 62
NOBODY: Final = -1
PACKED: Final = 10
"""Bits of a packed instant that say whose it is: at most 1,024 counters."""

LATEST: Final = 1 << 52
"""Packed instants are below this (52 days in ns); it stands for a counter that is not free any more."""

_NEXT, _PAUSE, _GROWS = 0, 1, 2

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """The function in machine code, kept for the next process."""
    return cast("_Function", njit(cache=True, nogil=True)(function))


@compiled
def _heard(poll: Any, at: int) -> int:
    """`engine.heard`; a period of 0 is no poll."""
    first, period, latency = poll
    if period == 0:
        return at
    return int(first + max(0, -((first - at) // period)) * period + latency)


@compiled
def _free_from(off: Any, times: Any, key: int, counter: int, at: int) -> tuple[int, int]:
    """`_Play._free_from`: (instant or -1, when the first pause on the way began or 0)."""
    first, starts, ends = off
    opens, end = times
    went = 0
    while True:
        able = max(at, opens)
        for i in range(first[counter], first[counter + 1]):
            if starts[i] <= able < ends[i]:
                able = ends[i]
        if able >= end:
            return NOBODY, (went if key else 0)
        if able <= at:
            return at, (went if key else 0)
        if went == 0:
            went = at + key
        at = max(able, at + key) + key


@compiled
def _next_pause(off: Any, times: Any, counter: int, at: int) -> int:
    """`_Play._next_pause`."""
    first, starts, ends = off
    opens, end = times
    while True:
        able = max(at, opens)
        for i in range(first[counter], first[counter + 1]):
            if starts[i] <= able < ends[i]:
                able = ends[i]
        if at < able < end:
            return at
        following = NEVER
        for i in range(first[counter], first[counter + 1]):
            if at < starts[i] < following:
                following = starts[i]
        if following == NEVER:
            return NEVER
        at = following


@compiled
def _room(limits: Any, at_work: int, now: int) -> bool:
    """Whether one more counter may be at work."""
    since, most = limits
    place = np.searchsorted(since, now, side="right") - 1
    return bool(place < 0 or at_work < most[place])


@compiled
def _before(keys: Any, one: int, other: int) -> bool:
    """Whether one visitor is called before the other: `keys` are columns, of which the first that differs decides."""
    for i in range(len(keys)):
        if keys[i][one] != keys[i][other]:
            return bool(keys[i][one] < keys[i][other])
    return False


@compiled
def _choose(counter: int, now: int, load: Any, skills: Any, queues: Any) -> int:
    """`_Play._choose`: place of the visitor or -1."""
    joins, errands, _, _, keys, patience = load
    heads, following, lengths = queues
    first, served = skills
    best = NOBODY
    for i in range(first[counter], first[counter + 1]):
        errand = served[i]
        head = heads[errand]
        if patience.size:
            while head != NOBODY and joins[head] + patience[head] < now:
                head = following[head]
                lengths[errand] -= 1
            heads[errand] = head
        if head != NOBODY and (best == NOBODY or _before(keys, head, best)):
            best = head
    if best != NOBODY:
        heads[errands[best]] = following[best]
        lengths[errands[best]] -= 1
    return best


@compiled
def play(  # noqa: C901 - one loop over one state, which functions would have to hand to and fro
    load: Any,
    skills: Any,
    able: Any,
    off: Any,
    rated: Any,
    limits: Any,
    times: Any,
    delays: Any,
    polls: Any,
    speeds: Any,
) -> Any:
    """A day.

    Args:
        load: int64 arrays by place: joins, errands, holds, stays, keys (a tuple of arrays: the order of calling, as
            `_before` compares them), patience (or empty).
        skills: (first, errands): what counter c serves is `errands[first[c]:first[c + 1]]`, ascending.
        able: able[c, errand].
        off: (first, starts, ends), by counter as `skills`.
        rated: by counter, whether it has a rating keypad.
        limits: (since, most): counters that may be at work.
        times: (opens, end, until).
        delays: (key, call, show, walk, done, clerk, log_in).
        polls: polls[c] is the poll of counter c's console.
        speeds: by counter.

    Returns:
        (counter, called, starts, leaves, order) by place; counter is -1 for whoever was never called, and order has the
        places in order of their calls.
    """
    joins, errands, holds, stays, _, _ = load
    opens, end, until = times
    hours = (opens, end)
    key, call, show, walk, done, clerk, log_in = delays
    count, counters = joins.size, rated.size
    by = np.full(count, NOBODY, np.int64)
    called, starts, leaves = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.int64)
    order = np.empty(count, np.int64)
    heads = np.full(able.shape[1], NOBODY, np.int64)
    tails = np.full(able.shape[1], NOBODY, np.int64)
    queues = heads, np.full(count, NOBODY, np.int64), np.zeros(able.shape[1], np.int64)
    _, following, lengths = queues
    served = np.zeros(able.shape[1], np.bool_)
    for c in range(counters):
        served |= able[c]
    spell_of, since = np.zeros(counters, np.int64), np.zeros(counters, np.int64)
    pause_at = np.full(counters, NEVER, np.int64)
    idle = np.empty(counters, np.int64)  # in order of (since, counter)
    idlers = visits = at_work = spells = place = 0
    stirred_at = stirred = 0
    heap = [(0, 0, 0, 0, 0, 0) for _ in range(0)]
    for c in range(counters):
        free, went = _free_from(off, hours, key, c, opens + log_in)
        if free != NOBODY:
            heap.append((_heard(polls[c], free + key), went, 0, c, _NEXT, 0))
    for i in range(limits[0].size):
        if i and limits[1][i] > limits[1][i - 1]:
            heap.append((limits[0][i], 0, 0, -1, _GROWS, 0))  # noqa: PERF401 - as numba takes it
    heapify(heap)
    while True:
        join = joins[place] if place < count else NEVER
        caller, who, when = NOBODY, NOBODY, 0  # of a call that this event leads to
        growing = False
        if len(heap) and heap[0][0] < join:
            if place == count and not lengths.any():
                break
            now, _, _, rank, kind, spell = heappop(heap)
            if now >= until:
                break
            if kind == _PAUSE:
                if spell_of[rank] != spell:
                    continue
                for i in range(idlers):
                    if idle[i] == rank:
                        idle[i : idlers - 1] = idle[i + 1 : idlers]
                        break
                idlers -= 1
                spell_of[rank] = 0
                at = pause_at[rank]
                if key and stirred_at != at:
                    stirred_at, stirred = at, 0
                    for i in range(visits):
                        if stirred < leaves[order[i]] <= at:
                            stirred = leaves[order[i]]
                free, went = _free_from(off, hours, key, rank, at)
                if free != NOBODY:
                    turned = max(since[rank], stirred) if key else 0
                    heappush(heap, (_heard(polls[rank], free + key), went, turned, rank, _NEXT, 0))
                continue
            if kind == _NEXT:
                at_work -= spell
                if _room(limits, at_work, now):
                    who = _choose(rank, now, load, skills, queues)
                if who == NOBODY:
                    spells += 1
                    spell_of[rank], since[rank] = spells, now
                    i = idlers
                    while i and (since[idle[i - 1]] > now or (since[idle[i - 1]] == now and idle[i - 1] > rank)):
                        idle[i] = idle[i - 1]
                        i -= 1
                    idle[i] = rank
                    idlers += 1
                    pause_at[rank] = _next_pause(off, hours, rank, now)
                    if pause_at[rank] < NEVER:
                        at = _heard(polls[rank], pause_at[rank] + key)
                        heappush(heap, (at, 0, now, rank, _PAUSE, spells))
                    continue
                pause_at[rank] = NEVER
                caller, when = rank, now + call
            else:
                growing = True
        else:
            if join >= until:
                break
            now = join
            errand = errands[place]
            if idlers and _room(limits, at_work, now):
                for i in range(idlers):
                    if able[idle[i], errand]:
                        caller, who, when = idle[i], place, now + show
                        idle[i : idlers - 1] = idle[i + 1 : idlers]
                        idlers -= 1
                        spell_of[caller] = 0
                        break
            if caller == NOBODY and served[errand]:
                if heads[errand] == NOBODY:
                    heads[errand] = place
                else:
                    following[tails[errand]] = place
                tails[errand] = place
                lengths[errand] += 1
            place += 1
        turn = 0
        while True:
            if growing:  # idle counters in their order, as far as there is room and somebody waits
                caller = NOBODY
                while turn < idlers and caller == NOBODY:
                    who = NOBODY
                    if _room(limits, at_work, now):
                        who = _choose(idle[turn], now, load, skills, queues)
                    if who == NOBODY:
                        turn += 1
                        continue
                    caller, when = idle[turn], now + call
                    idle[turn : idlers - 1] = idle[turn + 1 : idlers]
                    idlers -= 1
                    spell_of[caller] = 0
            if caller == NOBODY:
                break
            begins = when + walk
            if pause_at[caller] <= now:
                back, _ = _free_from(off, hours, key, caller, pause_at[caller])
                if back != NOBODY:
                    begins = max(begins, back)
            held = holds[who]
            if speeds[caller] != 1.0:  # `discipline.at_speed`
                held = max(1, int(np.rint(held / speeds[caller])))
            ends = begins + held + done
            if rated[caller]:
                ends += stays[who]
            by[who], called[who], starts[who], leaves[who] = caller, when, begins, ends
            order[visits] = who
            visits += 1
            at_work += 1
            free, went = _free_from(off, hours, key, caller, ends + clerk)
            if free != NOBODY:
                at = _heard(polls[caller], free + key)
                heappush(heap, (at, went, ends if key else 0, caller, _NEXT, 1))
            if not growing:
                break
    return by, called, starts, leaves, order[:visits]


@compiled
def tickets(arrives: Whole, errands: Whole, offers: Any, takes: int, paper: int, polls: Any) -> Whole:
    """When each visitor holds a ticket, -1 for never: `scenario_day.tickets`; offers[kiosk, errand], polls[kiosk]."""
    count, kiosks = arrives.size, offers.shape[0]
    dones = np.empty((kiosks, count), np.int64)
    first, last = np.zeros(kiosks, np.int64), np.zeros(kiosks, np.int64)
    found = np.full(count, NOBODY, np.int64)
    for place in range(count):
        best = NOBODY
        for k in range(kiosks):
            if not offers[k, errands[place]]:
                continue
            while first[k] < last[k] and dones[k, first[k]] <= arrives[place]:
                first[k] += 1
            if best == NOBODY or last[k] - first[k] < last[best] - first[best]:
                best = k
        if best == NOBODY:
            continue
        at = arrives[place]
        if first[best] < last[best]:
            at = max(at, dones[best, last[best] - 1])
        dones[best, last[best]] = found[place] = _heard(polls[best], at + takes) + paper
        last[best] += 1
    return found


@compiled
def pool(load: Any, rated: Any, times: Any, delays: Any) -> Any:
    """A day of counters that are all alike, never pause and call in order of joining; arguments as `play`'s.

    Then no heap and no queue is needed: the next visitor goes to the counter that is free first (Kiefer and Wolfowitz),
    of several that are free since one instant to the lowest number, as in `play`. Which that is stands at the top of a
    tournament: a tree of minima over the counters, in which a visit changes one path and nothing is moved.

    Returns:
        (counter, called, starts, leaves) as rows of one array, by place: one array, because memory for four costs more
        than their numbers. The order of the calls is that of the places.
    """
    joins, _, holds, stays, _, _ = load
    opens, end, until = times
    key, call, show, walk, done, clerk, log_in = delays
    count, counters = joins.size, rated.size
    found = np.empty((4, count), np.int64)
    by, called, starts, leaves = found[0], found[1], found[2], found[3]
    leaf = 1
    while leaf < counters:
        leaf *= 2
    # (instant at which it is free, its rank), packed so that one comparison orders them; node i is over 2i and 2i + 1
    tree = np.empty(2 * leaf, np.int64)
    for counter in range(leaf):
        free = opens + log_in + key if counter < counters and opens + log_in < end else LATEST
        tree[leaf + counter] = (free << PACKED) + counter
    for node in range(leaf - 1, 0, -1):
        tree[node] = min(tree[2 * node], tree[2 * node + 1])
    best, visits, last = tree[1], count, min(until, LATEST)
    for place in range(count):
        join, at, counter = joins[place], best >> PACKED, best & ((1 << PACKED) - 1)
        if max(join, at) >= last:
            visits = place
            break
        when = at + call if at >= join else join + show
        begins = when + walk
        ends = begins + holds[place] + done
        if rated[counter]:
            ends += stays[place]
        by[place], called[place], starts[place], leaves[place] = counter, when, begins, ends
        then = ends + clerk
        best = ((then + key if then < end else LATEST) << PACKED) + counter
        node = leaf + counter
        while node > 1:
            tree[node] = best
            best = min(best, tree[node ^ 1])
            node >>= 1
    by[visits:], called[visits:], starts[visits:], leaves[visits:] = NOBODY, 0, 0, 0
    return found
