"""A played day as columns, from either engine, and which engine plays.

`Hall` holds what of a scenario a day needs, worked out once for all its days; `Hall.play` plays columns of visitors
with the compiled kernel or with the engine in Python. Both give equal columns, so nothing that is made of them depends
on which it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from bench.hall.appointments import instants_at_kiosk
from bench.hall.columns import COMES, NO_SHOW, Columns, People, Whole
from bench.hall.day import Visitor
from bench.planning import engine, plain_day, scenario_day
from bench.planning.engine import NEVER, NO_DELAYS, Delays, Desks, Load, Visit
from bench.planning.scenario_day import leaves_unserved, load_of
from bench.scenario.times import NS

if TYPE_CHECKING:
    from bench.scenario.model import Scenario

WHYS: Final = ("", "lost patience", "balked", "no show")
"""Why a visitor with a ticket left unserved, in the words of the hall."""

ENGINES: Final = ("auto", "kernel", "python")
NO_NUMBA: Final = "the compiled kernel needs numba: pip install 'hallbench[fast]', or --engine python"
MOST_ALIKE: Final = 200
"""More counters than this that are alike are quicker on a heap."""

_NOTHING: Final = np.zeros(0, np.int64)


class EngineError(ValueError):
    """The engine that was asked for cannot be had."""


def engine_named(name: str) -> str:
    """Either "kernel" or "python" for a name of `ENGINES`; auto is the kernel where numba is installed.

    Raises:
        EngineError: the kernel is asked for and there is no numba, or the name is unknown.
    """
    if name not in ENGINES:
        raise EngineError(f"there is no engine {name!r}; there is {', '.join(ENGINES)}")
    there = find_spec("numba") is not None
    if name == "kernel" and not there:
        raise EngineError(NO_NUMBA)
    return "kernel" if there and name != "python" else "python"


class Outcome(NamedTuple):
    """A played day, one entry a ticket in order of joining; instants in ns since midnight.

    Attributes:
        places: of the visitors in the day's columns.
        joins: the ticket joins its queue.
        errands: places in the hall's errands.
        counters: number of the counter, -1 for whoever was never called.
        called, starts, leaves: of the visit; 0 where there was none.
        gone: the instant at which the visitor left unserved; 0 for whoever did not.
        whys: why: a place in `WHYS`.
        second: whether it is the second visit of a chained errand, which has no ticket of its own.
    """

    places: Whole
    joins: Whole
    errands: Whole
    counters: Whole
    called: Whole
    starts: Whole
    leaves: Whole
    gone: Whole
    whys: Whole
    second: Whole


def simulate(load: Load, desks: Desks, delays: Delays = NO_DELAYS) -> list[Visit]:
    """`engine.simulate` by the compiled kernel.

    Raises:
        EngineError: visitors leave unserved or go on to a second desk, which the kernel does not play.
    """
    if load.leaving is not None:
        raise EngineError("the compiled kernel plays neither visitors who leave nor second desks: use --engine python")
    by, called, starts, leaves, order = _kernel(load, _Desks(desks, delays))
    numbers = sorted(desks.skills)
    columns = (order, by[order], called[order], starts[order], leaves[order])
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [Visit(place, numbers[counter], *rest) for place, counter, *rest in rows]


class _Desks:
    """Counters as the kernel takes them."""

    def __init__(self, desks: Desks, delays: Delays) -> None:
        numbers = sorted(desks.skills)
        errands = 1 + max((e for skills in desks.skills.values() for e in skills), default=0)
        self.numbers = np.array([*numbers, -1], np.int64)  # the last one: of whoever was never called
        self.skills = _rows([sorted(desks.skills[number]) for number in numbers])
        self.able = np.zeros((len(numbers), errands), np.bool_)
        for rank, number in enumerate(numbers):
            self.able[rank, list(desks.skills[number])] = True
        spans = [desks.off.get(number, ()) for number in numbers]
        first, starts = _rows([[start for start, _ in found] for found in spans])
        self.off = first, starts, _rows([[end for _, end in found] for found in spans])[1]
        self.rated = np.array([number in desks.rated for number in numbers], np.bool_)
        self.limits = tuple(np.array([limit[i] for limit in desks.limits], np.int64) for i in range(2))
        self.times = desks.opens, desks.end, desks.until
        self.alike = len(numbers) <= MOST_ALIKE and len(set(desks.skills.values())) == 1
        self.alike = self.alike and not any(spans) and not desks.limits and not desks.polls and not desks.speeds
        self.speeds = np.array([desks.speeds.get(number, 1.0) for number in numbers], np.float64)
        self.polls = _polls([desks.polls.get(number) for number in numbers])
        self.delays = delays.key, delays.call, delays.show, delays.walk, delays.done, delays.clerk, delays.log_in

    def widened(self, errands: int) -> Any:
        """Which counter is able to do what, with a column for errands up to that number that nobody serves."""
        lacking = errands - self.able.shape[1]
        return np.pad(self.able, ((0, 0), (0, lacking))) if lacking > 0 else self.able


def _polls(polls: Sequence[engine.Poll | None]) -> Whole:
    """As rows (first, period, latency); of zeros where there is none."""
    return np.array([poll or (0, 0, 0) for poll in polls], np.int64).reshape(-1, 3)


def _rows(rows: Sequence[Sequence[int]]) -> tuple[Whole, Whole]:
    """(first, all): row r is all[first[r]:first[r + 1]]."""
    first = np.cumsum([0, *map(len, rows)])
    return first.astype(np.int64), np.array([value for row in rows for value in row], np.int64)


def _kernel(load: Load, desks: _Desks) -> Any:
    ranks = np.zeros(len(load.joins), np.int64)
    ranks[sorted(range(len(load.keys)), key=load.keys.__getitem__)] = np.arange(len(load.keys))
    columns = [np.asarray(column, np.int64) for column in (load.joins, load.errands, load.holds, load.stays)]
    patience = _NOTHING if load.patience is None else np.asarray(load.patience, np.int64)
    return _run((*columns, ranks, patience), desks)


def _latest(load: tuple[Whole, ...], desks: _Desks) -> int:
    """An instant before which everybody has left, ns: all one after the other."""
    joins, _, holds, stays, _, _ = load
    last = int(joins.max(initial=0)) + desks.times[0] + sum(desks.delays)
    return last + int(holds.sum(dtype=np.float64) + stays.sum(dtype=np.float64)) + len(joins) * sum(desks.delays)


def _run(load: tuple[Whole, ...], desks: _Desks) -> Any:
    from bench.planning import kernel

    errands, ranks, patience = load[1], load[4], load[5]
    able = desks.widened(int(errands.max(initial=0)) + 1)
    first_come = not patience.size and able[0][errands].all() and (ranks[1:] > ranks[:-1]).all()
    if desks.alike and first_come and _latest(load, desks) < kernel.LATEST:
        return kernel.pool(load, desks.rated, desks.times, desks.delays)
    able = desks.widened(int(load[1].max(initial=0)) + 1)
    return kernel.play(
        load, desks.skills, able, desks.off, desks.rated, desks.limits, desks.times, desks.delays, desks.polls,
        desks.speeds,
    )  # fmt: skip


@dataclass(frozen=True)
class Hall:
    """A hall with its delays, ready for many days.

    Attributes:
        scenario: hours, errands, counters and kiosks.
        delays: see `engine.people`.
        engine: "kernel" or "python".
        limits: (from this instant on, most counters that may be at work), as `Desks.limits`.
    """

    scenario: Scenario
    delays: Delays
    engine: str = "python"
    limits: tuple[tuple[int, int], ...] = ()

    @cached_property
    def _desks(self) -> Desks:
        return replace(scenario_day.desks_of(self.scenario, self.delays), limits=self.limits)

    @cached_property
    def _tables(self) -> _Desks:
        return _Desks(self._desks, self.delays)

    @cached_property
    def _offers(self) -> Any:
        keys = list(self.scenario.kiosk_keys.values())
        # the last column is that of visitors who do not come to a kiosk
        return np.array([[e in mine for e in range(len(self.scenario.errands) + 1)] for mine in keys], np.bool_)

    @cached_property
    def engine_used(self) -> str:
        """The engine that plays: "python" also where the kernel was asked for and does not know what the hall has."""
        return "python" if leaves_unserved(self.scenario) else self.engine

    @cached_property
    def _called_as(self) -> tuple[Whole, Whole]:
        """By errand: what goes first (low), and the place of its letter among the letters."""
        letters = sorted({errand.letter for errand in self.scenario.errands})
        errands = self.scenario.errands
        return np.array([-e.priority for e in errands]), np.array([letters.index(e.letter) for e in errands])

    @cached_property
    def overhead(self) -> int:
        """What a fit took off each service of a recorded log, and ideal devices and people do not use, ns."""
        scenario = self.scenario
        return round(scenario.arrivals.overhead_s * NS) if scenario.log and self.delays == NO_DELAYS else 0

    @cached_property
    def end(self) -> int:
        """The instant up to which whoever is not called counts as waiting, ns."""
        return self._desks.until

    def tickets(self, day: Columns) -> Whole:
        """When each visitor holds a ticket, ns; -1 for never."""
        if day.people is None or not day.people.agreed.any():
            return self._tickets(day)
        instants = instants_at_kiosk(day.arrives, day.people.agreed)
        order = np.argsort(instants, kind="stable")
        people = People(*(column[order] for column in day.people))
        found = np.empty(len(order), np.int64)
        found[order] = self._tickets(day._replace(arrives=instants[order], errands=day.errands[order], people=people))
        return found

    def _tickets(self, day: Columns) -> Whole:
        """The same of visitors in order of coming to the kiosk."""
        takes, scenario = self.delays.kiosk, self.scenario
        comes = np.ones(len(day.arrives), np.bool_)
        if day.people is not None:
            comes = (day.people.ways == COMES) | (day.people.ways == NO_SHOW)
        if not scenario.kiosk_keys or not takes:
            return np.where(comes, day.arrives, -1)
        if self.engine_used == "kernel":
            from bench.planning import kernel

            polls = _polls([self.delays.polls.kiosks.get(name) for name in scenario.kiosk_keys])
            errands = np.where(comes, day.errands, len(scenario.errands))
            found: Whole = kernel.tickets(day.arrives, errands, self._offers, takes, self.delays.paper, polls)
            return found
        arrives, errands = day.arrives.tolist(), day.errands.tolist()
        return np.array(scenario_day.tickets(scenario, arrives, errands, self.delays, comes.tolist()), np.int64)

    def play(self, day: Columns) -> Outcome:
        """Play a day."""
        at = self.tickets(day)
        places = np.argsort(at, kind="stable")
        places = places[int(np.searchsorted(at[places], 0)) :]
        if leaves_unserved(self.scenario):
            return self._course(day, at, places)
        joins, errands = at[places], day.errands[places]
        holds = day.services[places] + self.overhead
        stays = np.where(day.ratings[places] > 0, day.delays[places], 0)
        priority, letter = self._called_as
        first, queues, lifts = priority[errands], errands, self.scenario.lifts
        if lifts and day.people is not None:
            of_class = np.array([*(found.priority for found in self.scenario.visitor_classes), 0], np.int64)
            lift = of_class[day.people.classes[places]]
            first = first - lift
            queues = errands * (1 + len(lifts)) + np.searchsorted(np.array([0, *lifts]), lift)
        counts = np.zeros(len(joins), np.int64)
        for errand in range(len(self.scenario.errands)):
            mine = errands == errand
            counts[mine] = np.arange(1, int(mine.sum()) + 1)
        none = np.zeros(len(joins), np.int64)
        ranks = np.empty(len(joins), np.int64)
        ranks[np.lexsort((counts, letter[errands], joins, first))] = np.arange(len(joins))
        if self.engine == "kernel":
            by, called, starts, leaves, _ = _run((joins, queues, holds, stays, ranks, _NOTHING), self._tables)
            numbers = self._tables.numbers[by]
            return Outcome(places, joins, errands, numbers, called, starts, leaves, none, none, none)
        load = Load(joins.tolist(), queues.tolist(), holds.tolist(), stays.tolist(), ranks.tolist())
        told = np.zeros((4, len(joins)), np.int64)
        told[0] = -1
        if plain_day.fits(load, self._desks):
            called_first, *rows = plain_day.play(load, self._desks, self.delays)
            told[:, called_first] = rows
        elif visits := engine.simulate(load, self._desks, self.delays):
            found = np.array(visits, np.int64).T
            told[:, found[0]] = found[1:]
        numbers, called, starts, leaves = told
        return Outcome(places, joins, errands, numbers, called, starts, leaves, none, none, none)

    def _course(self, day: Columns, at: Whole, places: Whole) -> Outcome:
        """A day in which visitors leave unserved or go on to a second desk; rows in order of joining."""
        visitors = visitors_of(day)
        load = load_of(self.scenario, visitors, [(int(at[place]), int(place)) for place in places], self.delays)
        told = engine.course(load, self._desks, self.delays)
        many, levels = len(places), load.levels
        seconds = np.array(told.seconds, np.int64).reshape(-1, 3)
        # second visits whose instant of joining lies behind the end never came to be
        rows = np.zeros((10, many + len(seconds)), np.int64)
        rows[0] = np.concatenate([places, places[seconds[:, 0]]])
        rows[1] = np.concatenate([at[places], seconds[:, 1]])
        rows[2] = np.concatenate([day.errands[places], seconds[:, 2] // levels])
        rows[3] = -1
        if told.visits:
            found = np.array(told.visits, np.int64).T
            rows[3:7, found[0]] = found[1:]
        goes = np.array(told.goes, np.int64)
        gone = (goes < NEVER) & (rows[3] < 0)
        rows[7] = np.where(gone, np.maximum(goes, 1), 0)
        rows[8, gone] = 1
        rows[8, sorted(told.balked)] = 2
        if day.people is not None:
            rows[8, :many][day.people.ways[places] == NO_SHOW] = 3
        rows[9, many:] = 1
        rows = rows[:, np.argsort(rows[1], kind="stable")]
        return Outcome._make(rows[column] for column in range(len(rows)))


def visitors_of(day: Columns) -> list[Visitor]:
    """The visitors of a day's columns."""
    calls = day.recorded or (None,) * len(day.arrives)
    people = [] if day.people is None else [column.tolist() for column in day.people]
    return list(map(Visitor, count(1), *(column.tolist() for column in day.plain()), calls, *people))
