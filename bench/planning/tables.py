"""Counters and tickets as the compiled kernel takes them, and days of `bench.planning.inputs` played by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from bench.hall.columns import Whole
from bench.planning.inputs import NEVER, NO_DELAYS, Counters, Course, Delays, Leaving, Load, Poll, Visit

MOST_ALIKE: Final = 1 << 10
"""Counters that are alike and more than these are played on a heap: an instant and a counter are one packed number."""

NOTHING: Final = np.zeros(0, np.int64)


def simulate(load: Load, counters: Counters, delays: Delays = NO_DELAYS) -> list[Visit]:
    """`engine.simulate` by the compiled kernel."""
    if load.leaving is not None:
        return course(load, counters, delays).visits
    tables = Tables(counters, delays)
    return _visits(tables, *run(_columns(load), tables))


def course(load: Load, counters: Counters, delays: Delays = NO_DELAYS) -> Course:
    """`engine.course` by the compiled kernel. `keys` of a load with `Leaving` are never ranks.

    Raises:
        ValueError: the load has no `Leaving`.
    """
    leaving = load.leaving
    if leaving is None:
        raise ValueError("nobody leaves in this load: it has no course; play it by `simulate`")
    tables = Tables(counters, delays)
    told = run_course(_columns(load), _leaving(load, leaving), tables, load.levels)
    by, called, starts, leaves, order, goes, balked, seconds, joins, errands = told
    first = np.flatnonzero(seconds >= 0)
    first = first[np.argsort(seconds[first])]
    visits = _visits(tables, by, called, starts, leaves, order)
    behind = [column[len(load.joins) :].tolist() for column in (joins, errands)]
    passed_on = list(zip(first.tolist(), *behind, strict=True))
    return Course(visits, passed_on, frozenset(np.flatnonzero(balked).tolist()), goes.tolist())


def _visits(tables: Tables, by: Whole, called: Whole, starts: Whole, leaves: Whole, order: Whole | None) -> list[Visit]:
    order = np.flatnonzero(by >= 0) if order is None else order
    numbers = tables.numbers[by[order]]
    columns = (order, numbers, called[order], starts[order], leaves[order])
    return list(map(Visit, *(column.tolist() for column in columns)))


def _columns(load: Load) -> tuple[Any, ...]:
    """A load as `kernel.play` takes it, or as `kernel_course.course` does."""
    columns = [np.asarray(column, np.int64) for column in (load.joins, load.errands, load.holds, load.stays)]
    patience = NOTHING if load.patience is None else np.asarray(load.patience, np.int64)
    keys: tuple[Whole, ...]
    if load.leaving is None:
        keys = (_ranks(load.keys),)
    else:
        orders = _ranks([_ticket(key) for key in (*load.keys, *load.leaving.keys)])[: len(load.joins)]
        keys = (*(np.array([key[i] for key in load.keys], np.int64) for i in range(2)), orders)  # type: ignore[index]
    return (*columns, keys, patience)


def _leaving(load: Load, leaving: Leaving) -> tuple[Whole, ...]:
    """The columns of second visits and of leaving as `kernel_course.course` takes them."""
    columns = (leaving.goes, leaving.limits, leaving.following, leaving.seconds, leaving.stays, leaving.departures)
    orders = _ranks([_ticket(key) for key in (*load.keys, *leaving.keys)])[len(load.joins) :]
    priorities = [key[0] for key in leaving.keys]
    return (*(np.asarray(column, np.int64) for column in (*columns, priorities)), orders)


def _ticket(key: Any) -> tuple[int | str, ...]:
    """What of a key of calling is the ticket's: all behind the priority and the instant of joining."""
    return tuple(key[2:])


def _ranks(keys: Sequence[Any]) -> Whole:
    """The place of each key among them in order; equal keys have equal ones."""
    place = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    return np.array([place[key] for key in keys], np.int64)


class Tables:
    """Counters, and what a visit costs at them, as the kernel takes them."""

    def __init__(self, counters: Counters, delays: Delays) -> None:
        numbers = sorted(counters.skills)
        errands = 1 + max((e for skills in counters.skills.values() for e in skills), default=0)
        self.numbers = np.array([*numbers, -1], np.int64)  # the last one: of whoever was never called
        self.skills = _rows([sorted(counters.skills[number]) for number in numbers])
        self.able = np.zeros((len(numbers), errands), np.bool_)
        for rank, number in enumerate(numbers):
            self.able[rank, list(counters.skills[number])] = True
        spans = [counters.off.get(number, ()) for number in numbers]
        first, starts = _rows([[start for start, _ in found] for found in spans])
        self.off = first, starts, _rows([[end for _, end in found] for found in spans])[1]
        self.rated = np.array([number in counters.rated for number in numbers], np.bool_)
        self.limits = tuple(np.array([limit[i] for limit in counters.limits], np.int64) for i in range(2))
        self.times = counters.opens, counters.end, counters.until
        self.alike = len(numbers) <= MOST_ALIKE and len(set(counters.skills.values())) == 1
        self.alike = (
            self.alike and not any(spans) and not counters.limits and not counters.polls and not counters.speeds
        )
        self.speeds = np.array([counters.speeds.get(number, 1.0) for number in numbers], np.float64)
        self.polls = polls_of([counters.polls.get(number) for number in numbers])
        self.closes, self.no_show = counters.closes, delays.no_show
        self.delays = delays.key, delays.call, delays.show, delays.walk, delays.done, delays.clerk, delays.log_in

    def widened(self, errands: int) -> Any:
        """Which counter is able to do what, with a column for errands up to that number that nobody serves."""
        lacking = errands - self.able.shape[1]
        return np.pad(self.able, ((0, 0), (0, lacking))) if lacking > 0 else self.able


def polls_of(polls: Sequence[Poll | None]) -> Whole:
    """As rows (first, period, latency); of zeros where there is none."""
    return np.array([poll or (0, 0, 0) for poll in polls], np.int64).reshape(-1, 3)


def _rows(rows: Sequence[Sequence[int]]) -> tuple[Whole, Whole]:
    """(first, all): row r is all[first[r]:first[r + 1]]."""
    first = np.cumsum([0, *map(len, rows)])
    return first.astype(np.int64), np.array([value for row in rows for value in row], np.int64)


def _latest(load: tuple[Any, ...], tables: Tables) -> int:
    """An instant before which everybody has left, ns: all one after the other."""
    joins, _, holds, stays, _, _ = load
    last = int(joins.max(initial=0)) + tables.times[0] + (1 + len(joins)) * sum(tables.delays)
    for column in (holds, stays):
        fits = int(column.max(initial=0)) * len(column) < NEVER
        last += int(column.sum() if fits else column.sum(dtype=np.float64))
    return last


def run(load: tuple[Any, ...], tables: Tables) -> Any:
    """A day in which everybody stays: arguments and result as those of `kernel.play`; no order: that of the places."""
    from bench.planning import kernel

    _, errands, _, _, keys, patience = load
    able = tables.widened(int(errands.max(initial=0)) + 1)
    first_come = tables.alike and not patience.size and bool((keys[0][1:] > keys[0][:-1]).all())
    first_come = first_come and bool(able[0].all() or able[0][errands].all())
    if first_come and _latest(load, tables) < kernel.LATEST:
        return (*kernel.pool(load, tables.rated, tables.times, tables.delays), None)
    return kernel.play(
        load, tables.skills, able, tables.off, tables.rated, tables.limits, tables.times, tables.delays, tables.polls,
        tables.speeds,
    )  # fmt: skip


def _longer(column: Whole, more: int, filled: int) -> Whole:
    """A copy with room for so many more."""
    found = np.full(len(column) + more, filled, np.int64)
    found[: len(column)] = column
    return found


def run_course(load: tuple[Any, ...], leaving: tuple[Whole, ...], tables: Tables, levels: int) -> Any:
    """A day with `Leaving`: arguments and result as those of `kernel_course.course`."""
    from bench.planning import kernel_course

    queues = max(int(load[1].max(initial=0)), int(leaving[2].max(initial=0))) + 1
    able = tables.widened(queues + -queues % levels)
    times, delays = (*tables.times, tables.closes), (*tables.delays, tables.no_show)
    more = int(np.count_nonzero(leaving[2] >= 0))
    joins, errands, holds, stays, keys, patience = load
    columns = [_longer(column, more, 0) for column in (joins, errands, holds, stays)]
    keys = tuple(_longer(column, more, 0) for column in keys)
    load = (*columns, keys, _longer(patience, more, NEVER) if patience.size else patience)
    leaving = (_longer(leaving[0], more, NEVER), *leaving[1:])
    return kernel_course.course(
        load, leaving, tables.skills, able, tables.off, tables.rated, tables.limits, times, delays, tables.polls,
        tables.speeds, levels,
    )  # fmt: skip
