"""The compiled form of `bench.planning.engine.course`: visitors leave unserved or go on to a second desk.

Beside `bench.planning.kernel`, as `Leaving` stands beside a plain load: tickets of people who have left are called in
vain, second visits join while the day is played, and after closing a clerk stays as long as somebody is in the hall for
that counter. Each function is the method of `engine._Play` that its docstring names, with the same order at one
instant; tests hold the two against each other (difference exactly 0).

Numba looks only at this file to see whether its code is up to date: after a change in a helper of
`bench.planning.kernel` the kept code of this one has to be removed (`__pycache__/kernel_course*.nb*`).
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from bench.hall.counters import NO_SHOW_AFTER
from bench.planning.kernel import NEVER, NOBODY, _choose, _free_from, _heard, _next_pause, _room, compiled

_NEXT, _PAUSE, _GROWS, _JOIN, _TURN, _GIVES_UP = range(6)

_AT_WORK, _COMING, _SECONDS, _SPELLS, _IDLERS, _VISITS, _STIRRED_AT, _STIRRED, _HERE = range(9)
"""Places in the state, an array of whole numbers. `_HERE`: all visitors before this place have left the hall."""


class Rules(NamedTuple):
    """What does not change: arguments of `kernel.play`, and when clerks go home."""

    skills: Any
    able: Any
    off: Any
    rated: Any
    limits: Any
    hours: Any
    closes: Any
    delays: Any
    polls: Any
    speeds: Any


class Tickets(NamedTuple):
    """Visits by place, second ones behind all others: what is known of them, and what became of them."""

    load: Any
    queues: Any
    tails: Any
    goes: Any
    following: Any
    first: Any
    by: Any
    called: Any
    starts: Any
    leaves: Any
    order: Any
    seconds: Any
    departures: Any


class Clerks(NamedTuple):
    """The counters while the day is played; see `engine._Counter`. `idle` is in order of (since, counter)."""

    spell: Any
    since: Any
    pause: Any
    went: Any
    turned: Any
    idle: Any


@compiled
def _left(tickets: Any, place: int) -> int:
    """When whoever has a ticket leaves the hall, as far as it is known; NEVER where a second visit follows."""
    if tickets.by[place] == NOBODY:
        return int(tickets.goes[place])
    return NEVER if tickets.seconds[place] != NOBODY else int(tickets.leaves[place])


@compiled
def _stirred(rules: Any, tickets: Any, state: Any, at: int) -> int:
    """`_Play._stirred`."""
    if rules.delays[0] and state[_STIRRED_AT] != at:
        last = 0
        for place in range(tickets.first + state[_SECONDS]):
            left = _left(tickets, place)
            if last < left <= at:
                last = left
        for left in tickets.departures:
            if last < left <= at:
                last = left
        state[_STIRRED_AT], state[_STIRRED] = at, last
    return int(state[_STIRRED])


@compiled
def _somebody_left(tickets: Any, state: Any, start: int, end: int) -> bool:
    """Whether anybody leaves the hall between two instants, as far as it is known."""
    for place in range(tickets.first + state[_SECONDS]):
        if start < _left(tickets, place) < end:
            return True
    return bool(np.any((start < tickets.departures) & (tickets.departures < end)))


@compiled
def _turn(heap: Any, rules: Any, counter: int, at: int, since: int, at_work: int, went: int) -> None:
    """`_Play._turn`."""
    key = rules.delays[0]
    free, lately = _free_from(rules.off, rules.hours, key, counter, at)
    if free == NOBODY:
        return
    went = lately or went
    since = since if key else 0
    if free >= rules.closes:
        heappush(heap, (free, went, since, counter, _TURN, at_work))
    else:
        heappush(heap, (_heard(rules.polls[counter], free + key), went, since, counter, _NEXT, at_work))


@compiled
def _somebody_for(rules: Any, tickets: Any, state: Any, counter: int, now: int) -> bool:
    """`_Play._somebody_for`. Who has left by now is passed over once and for all, as far as they stand in front."""
    able, errands = rules.able, tickets.load[1]
    in_front = True
    for place in range(state[_HERE], tickets.first + state[_SECONDS]):
        served = tickets.by[place] != NOBODY
        until = tickets.starts[place] if served else tickets.goes[place]
        if until <= now:
            if in_front:
                state[_HERE] = place + 1
            continue
        in_front = False
        if able[counter, errands[place]]:
            return True
        if place < tickets.first and not served:
            following = tickets.following[place]
            if following >= 0 and able[counter, following]:
                return True
    return False


@compiled
def _call(
    heap: Any, rules: Any, tickets: Any, clerks: Any, state: Any, seconds: Any, place: int, counter: int, now: int,
    called: int,
) -> None:  # fmt: skip
    """`_Play._call`, with `_call_in_vain` and `_second`; `seconds` is what `course` has of second visits."""
    key, _, _, walk, done, clerk, _, no_show = rules.delays
    pause = clerks.pause[counter]
    state[_AT_WORK] += 1
    if tickets.goes[place] <= called:
        if pause <= now:
            turned = max(clerks.since[counter], _stirred(rules, tickets, state, pause))
            _turn(heap, rules, counter, pause, turned, 1, 0)
        else:
            heappush(heap, (called + max(0, no_show - key), 0, 0, counter, _GIVES_UP, 0))
        return
    joins, errands, holds, stays, keys, _ = tickets.load
    starts = called + walk
    if pause <= now:  # between the break's beginning and the key "pause": served after the break
        back, _ = _free_from(rules.off, rules.hours, key, counter, pause)
        if back != NOBODY:
            starts = max(starts, back)
    held = holds[place]
    if rules.speeds[counter] != 1.0:  # `discipline.at_speed`
        held = max(1, int(np.rint(held / rules.speeds[counter])))
    leaves = starts + held + done
    if rules.rated[counter]:
        leaves += stays[place]
    tickets.by[place], tickets.called[place] = counter, called
    tickets.starts[place], tickets.leaves[place] = starts, leaves
    tickets.order[state[_VISITS]] = place
    state[_VISITS] += 1
    if place < tickets.first and tickets.following[place] >= 0:
        second = tickets.first + state[_SECONDS]
        state[_SECONDS] += 1
        state[_COMING] += 1
        tickets.seconds[place] = second
        of_second, stay, priority, ticket = seconds
        joins[second], errands[second] = leaves, tickets.following[place]
        holds[second], stays[second] = of_second[place], stay[place]
        keys[0][second], keys[1][second], keys[2][second] = priority[place], leaves, ticket[place]
        heappush(heap, (leaves, -1, 0, -1, _JOIN, second))
    _turn(heap, rules, counter, leaves + clerk, leaves, 1, 0)


@compiled
def _take_from_idle(clerks: Any, state: Any, place: int) -> int:
    """The counter at this place among the idle ones, which is idle no more."""
    counter = clerks.idle[place]
    for i in range(place, state[_IDLERS] - 1):
        clerks.idle[i] = clerks.idle[i + 1]
    state[_IDLERS] -= 1
    clerks.spell[counter] = 0
    return int(counter)


@compiled
def _taker(rules: Any, tickets: Any, clerks: Any, state: Any, place: int, now: int) -> int:
    """`_Play._join` but for balking: the idle counter that takes the ticket, or -1 and the ticket waits."""
    errand = tickets.load[1][place]
    if state[_IDLERS] and _room(rules.limits, state[_AT_WORK], now):
        for i in range(state[_IDLERS]):
            if rules.able[clerks.idle[i], errand]:
                return int(_take_from_idle(clerks, state, i))
    if rules.able[:, errand].any():
        heads, following, lengths = tickets.queues
        if heads[errand] == NOBODY:
            heads[errand] = place
        else:
            following[tickets.tails[errand]] = place
        tickets.tails[errand] = place
        lengths[errand] += 1
    return NOBODY


@compiled
def _rest(heap: Any, rules: Any, clerks: Any, state: Any, counter: int, now: int) -> None:
    """The second half of `_Play._next`: nobody waits for the counter, which is idle from now on."""
    state[_SPELLS] += 1
    clerks.spell[counter], clerks.since[counter] = state[_SPELLS], now
    idle, i = clerks.idle, state[_IDLERS]
    while i and (
        clerks.since[idle[i - 1]] > now or (clerks.since[idle[i - 1]] == now and idle[i - 1] > counter)
    ):  # fmt: skip
        idle[i] = idle[i - 1]
        i -= 1
    idle[i] = counter
    state[_IDLERS] += 1
    pause = _next_pause(rules.off, rules.hours, counter, now)
    clerks.pause[counter] = pause
    if pause < NEVER:
        at = _heard(rules.polls[counter], pause + rules.delays[0])
        heappush(heap, (at, 0, now, counter, _PAUSE, state[_SPELLS]))


@compiled
def _give_up(heap: Any, rules: Any, tickets: Any, clerks: Any, state: Any, counter: int, now: int) -> None:
    """`_Play._give_up`."""
    key, no_show = rules.delays[0], rules.delays[7]
    went, since = clerks.went[counter], clerks.turned[counter]
    if key:
        recalled = now - NO_SHOW_AFTER
        if _somebody_left(tickets, state, recalled - key - NO_SHOW_AFTER, recalled - key) or _somebody_left(
            tickets, state, recalled, now
        ):
            went = since = 0
    _turn(heap, rules, counter, now + min(key, no_show), since, 1, went)


@compiled
def _no_events() -> Any:
    """An empty heap. In a function of its own: beside a comprehension numba 0.68 drops stores to arrays of a tuple."""
    return [(0, 0, 0, 0, 0, 0) for _ in range(0)]


@compiled
def course(  # noqa: C901 - one loop over one state
    load: Any, leaving: Any, skills: Any, able: Any, off: Any, rated: Any, limits: Any, times: Any, delays: Any,
    polls: Any, speeds: Any, levels: int,
) -> Any:  # fmt: skip
    """A day.

    Args:
        load: as `kernel.play` takes it; its keys are (priority, instant of joining, order of tickets), lowest first.
            Its columns have room behind for as many second visits as there may be, and are written to.
        leaving: the columns of `Leaving` but for its keys: goes, limits, following, seconds, stays, departures; then of
            the key of each second visit the priority and the order of tickets. Goes has room behind too (of NEVER).
        skills: as `kernel.play` takes it, and so are able, off, rated, limits, polls and speeds.
        able: see there; it has columns for the queues of second visits too.
        off: see there.
        rated: see there.
        limits: see there.
        times: (opens, end, until, closes).
        delays: (key, call, show, walk, done, clerk, log_in, no_show).
        polls: see there.
        speeds: see there.
        levels: queues of an errand.

    Returns:
        (counter, called, starts, leaves, order, goes, balked, seconds, joins, errands). `order` has the places in order
        of their calls, `seconds` by place that of the second visit or -1; all others are by place, second visits behind
        in the order of `Course.seconds`.
    """
    goes, balks_at, following, of_second, second_stays, departures, priority, ticket = leaving
    opens, end, until, closes = times
    key, call, show, _, _, _, log_in, _ = delays
    joins, errands = load[0], load[1]
    count, whole, counters, queues = following.size, joins.size, rated.size, able.shape[1]
    balked = np.zeros(whole, np.bool_)
    heads, lengths = np.full(queues, NOBODY, np.int64), np.zeros(queues, np.int64)
    tickets = Tickets(
        load, (heads, np.full(whole, NOBODY, np.int64), lengths), np.full(queues, NOBODY, np.int64), goes, following,
        count, np.full(whole, NOBODY, np.int64), np.zeros(whole, np.int64), np.zeros(whole, np.int64),
        np.zeros(whole, np.int64), np.empty(whole, np.int64), np.full(whole, NOBODY, np.int64), departures,
    )  # fmt: skip
    rules = Rules(skills, able, off, rated, limits, (opens, end), closes, delays, polls, speeds)
    clerks = Clerks(
        np.zeros(counters, np.int64), np.zeros(counters, np.int64), np.full(counters, NEVER, np.int64),
        np.zeros(counters, np.int64), np.zeros(counters, np.int64), np.empty(counters, np.int64),
    )  # fmt: skip
    state = np.zeros(9, np.int64)
    seconds = (of_second, second_stays, priority, ticket)
    heap = _no_events()
    for c in range(counters):
        _turn(heap, rules, c, opens + log_in, 0, 0, 0)
    for i in range(limits[0].size):
        if i and limits[1][i] > limits[1][i - 1]:
            heap.append((limits[0][i], 0, 0, -1, _GROWS, 0))
    heapify(heap)
    place = 0
    while True:
        join = joins[place] if place < count else NEVER
        newcomer = NOBODY
        if len(heap) and heap[0][0] < join:
            if place == count and not lengths.any() and not state[_COMING]:
                break
            now, went, since, c, kind, spell = heappop(heap)
            if now >= until:
                break
            if kind == _NEXT:
                state[_AT_WORK] -= spell
                clerks.went[c], clerks.turned[c] = went, since
                who = NOBODY
                if _room(limits, state[_AT_WORK], now):
                    who = _choose(c, now, load, skills, tickets.queues)
                if who == NOBODY:
                    _rest(heap, rules, clerks, state, c, now)
                else:
                    clerks.pause[c] = NEVER
                    _call(heap, rules, tickets, clerks, state, seconds, who, c, now, now + call)
            elif kind == _GROWS:
                turn = 0
                while turn < state[_IDLERS]:
                    who = NOBODY
                    if _room(limits, state[_AT_WORK], now):
                        who = _choose(clerks.idle[turn], now, load, skills, tickets.queues)
                    if who == NOBODY:
                        turn += 1
                    else:
                        c = _take_from_idle(clerks, state, turn)
                        _call(heap, rules, tickets, clerks, state, seconds, who, c, now, now + call)
            elif kind == _JOIN:
                state[_COMING] -= 1
                newcomer = spell
            elif kind == _GIVES_UP:
                _give_up(heap, rules, tickets, clerks, state, c, now)
            elif kind == _TURN:
                state[_AT_WORK] -= spell
                if _somebody_for(rules, tickets, state, c, now):
                    heappush(heap, (_heard(polls[c], now + key), 0, 0, c, _NEXT, 0))
            elif clerks.spell[c] == spell:
                for i in range(state[_IDLERS]):
                    if clerks.idle[i] == c:
                        _take_from_idle(clerks, state, i)
                        break
                at = clerks.pause[c]
                _turn(heap, rules, c, at, max(clerks.since[c], _stirred(rules, tickets, state, at)), 0, 0)
        else:
            if join >= until:
                break
            now, newcomer = join, place
            if balks_at[place] >= 0:
                before = errands[place] - errands[place] % levels
                if lengths[before : before + levels].sum() > balks_at[place]:
                    balked[place], goes[place] = True, now
            place += 1
        if newcomer != NOBODY:
            c = _taker(rules, tickets, clerks, state, newcomer, now)
            if c != NOBODY:
                _call(heap, rules, tickets, clerks, state, seconds, newcomer, c, now, now + show)
    played = count + state[_SECONDS]
    return (
        tickets.by[:played], tickets.called[:played], tickets.starts[:played], tickets.leaves[:played],
        tickets.order[: state[_VISITS]], goes[:played], balked[:played], tickets.seconds[:count], joins[:played],
        errands[:played],
    )  # fmt: skip
