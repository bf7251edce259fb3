"""A played day as columns, from either engine, and which engine plays.

`Hall` holds what of a scenario a day needs, worked out once for all its days; `Hall.play` plays columns of visitors
with the compiled kernel or with the engine in Python. Both give equal columns, so nothing that is made of them depends
on which it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from bench.hall.appointments import instants_at_kiosk
from bench.hall.columns import COMES, DIVERTED, NO_SHOW, Columns, People, Whole
from bench.hall.day import Visitor
from bench.planning import engine, plain_day, scenario_day
from bench.planning.engine import NEVER, NO_DELAYS, Counters, Delays, Load
from bench.planning.scenario_day import leaves_unserved, load_of
from bench.planning.tables import NOTHING, Tables, polls_of, run, run_course
from bench.scenario.times import NS

if TYPE_CHECKING:
    from bench.scenario.model import Scenario

WHYS: Final = ("", "lost patience", "balked", "no show")
"""Why a visitor with a ticket left unserved, in the words of the hall."""

ENGINES: Final = ("auto", "kernel", "python")
NO_NUMBA: Final = "the compiled kernel needs numba: pip install 'hallbench[fast]', or --engine python"


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


@dataclass(frozen=True)
class Hall:
    """A hall with its delays, ready for many days.

    Attributes:
        scenario: hours, errands, counters and kiosks.
        delays: see `engine.people`.
        engine: "kernel" or "python".
        limits: (from this instant on, most counters that may be at work), as `Counters.limits`.
    """

    scenario: Scenario
    delays: Delays
    engine: str = "python"
    limits: tuple[tuple[int, int], ...] = ()

    @cached_property
    def _counters(self) -> Counters:
        return replace(scenario_day.counters_of(self.scenario, self.delays), limits=self.limits)

    @cached_property
    def _tables(self) -> Tables:
        return Tables(self._counters, self.delays)

    @cached_property
    def _offers(self) -> Any:
        keys = list(self.scenario.kiosk_keys.values())
        # the last column is that of visitors who do not come to a kiosk
        return np.array([[e in mine for e in range(len(self.scenario.errands) + 1)] for mine in keys], np.bool_)

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
        return self._counters.until

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
        if self.engine == "kernel":
            from bench.planning import kernel

            polls = polls_of([self.delays.polls.kiosks.get(name) for name in scenario.kiosk_keys])
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
        joins, errands, queues, holds, stays, first, order = self._queued(day, at, places)
        none = np.zeros(len(joins), np.int64)
        ranks = np.empty(len(joins), np.int64)
        ranks[np.lexsort((order, joins, first))] = np.arange(len(joins))
        if self.engine == "kernel":
            by, called, starts, leaves, _ = run((joins, queues, holds, stays, (ranks,), NOTHING), self._tables)
            numbers = self._tables.numbers[by]
            return Outcome(places, joins, errands, numbers, called, starts, leaves, none, none, none)
        load = Load(joins.tolist(), queues.tolist(), holds.tolist(), stays.tolist(), ranks.tolist())
        told = np.zeros((4, len(joins)), np.int64)
        told[0] = -1
        if plain_day.fits(load, self._counters):
            played = np.array(plain_day.play(load, self._counters, self.delays), np.int64)
            found = played.reshape(-1, plain_day.NUMBERS).T
            told[:, found[0]] = found[1:]
        elif visits := engine.simulate(load, self._counters, self.delays):
            found = np.array(visits, np.int64).T
            told[:, found[0]] = found[1:]
        numbers, called, starts, leaves = told
        return Outcome(places, joins, errands, numbers, called, starts, leaves, none, none, none)

    def _queued(self, day: Columns, at: Whole, places: Whole) -> _Queued:
        """The tickets of a day in order of joining."""
        joins, errands = at[places], day.errands[places]
        holds = day.services[places] + self.overhead
        stays = np.where(day.ratings[places] > 0, day.delays[places], 0)
        priority, letter = self._called_as
        lifts = np.array([0, *self.scenario.lifts])
        lift = np.zeros(len(joins), np.int64)
        if len(lifts) > 1 and day.people is not None:
            of_class = np.array([*(found.priority for found in self.scenario.visitor_classes), 0], np.int64)
            lift = of_class[day.people.classes[places]]
        counts = np.zeros(len(joins), np.int64)
        for errand in range(len(self.scenario.errands)):
            mine = errands == errand
            counts[mine] = np.arange(1, int(mine.sum()) + 1)
        order = letter[errands] * (len(joins) + 1) + counts
        queues = errands * len(lifts) + np.searchsorted(lifts, lift)
        return _Queued(joins, errands, queues, holds, stays, priority[errands] - lift, order)

    def _course(self, day: Columns, at: Whole, places: Whole) -> Outcome:
        """A day in which visitors leave unserved or go on to a second desk; rows in order of joining."""
        course = self._course_compiled if self.engine == "kernel" else self._course_here
        played = course(day, at, places)
        by, called, starts, leaves, goes, balked, first, joins, queues = played
        many, levels = len(places), 1 + len(self.scenario.lifts)
        rows = np.zeros((10, len(by)), np.int64)
        rows[0] = np.concatenate([places, places[first]])
        rows[1] = np.concatenate([at[places], joins])
        rows[2] = np.concatenate([day.errands[places], queues // levels])
        rows[3:7] = by, called, starts, leaves
        gone = (goes < NEVER) & (by < 0)
        rows[7] = np.where(gone, np.maximum(goes, 1), 0)
        rows[8, gone] = 1
        rows[8, balked] = 2
        if day.people is not None:
            rows[8, :many][day.people.ways[places] == NO_SHOW] = 3
        rows[9, many:] = 1
        rows = rows[:, np.argsort(rows[1], kind="stable")]
        return Outcome._make(rows[column] for column in range(len(rows)))

    def _course_here(self, day: Columns, at: Whole, places: Whole) -> _Played:
        """By the engine in Python."""
        joined = list(zip(at[places].tolist(), places.tolist(), strict=True))
        load = load_of(self.scenario, visitors_of(day), joined, self.delays)
        told = engine.course(load, self._counters, self.delays)
        seconds = np.array(told.seconds, np.int64).reshape(-1, 3).T
        rows = np.zeros((4, len(told.goes)), np.int64)
        rows[0] = -1
        if told.visits:
            found = np.array(told.visits, np.int64).T
            rows[:, found[0]] = found[1:]
        balked = np.array(sorted(told.balked), np.int64)
        counters, called, starts, leaves = rows
        before, joins, queues = seconds
        return _Played(counters, called, starts, leaves, np.array(told.goes, np.int64), balked, before, joins, queues)

    def _course_compiled(self, day: Columns, at: Whole, places: Whole) -> _Played:
        """By the compiled kernel: what `scenario_day.load_of` says of one visitor after the other, in columns."""
        scenario, levels = self.scenario, 1 + len(self.scenario.lifts)
        joins, errands, queues, holds, stays, first, order = self._queued(day, at, places)
        people = day.people
        none = np.zeros(len(places), np.int64)
        goes, limits, seconds, departures = none + NEVER, none - 1, none, NOTHING
        if people is not None:
            patience, seconds, no_show = people.patience[places], people.seconds[places], people.ways[places] == NO_SHOW
            goes = np.where(no_show, joins, np.where(patience > 0, joins + patience, NEVER))
            limits = np.where(no_show, -1, people.limits[places])
            talk = round(scenario.greeter.seconds * NS) if scenario.greeter else 0
            departures = day.arrives[people.ways == DIVERTED] + talk
        second = np.array([scenario.next_errand.get(e, -1) for e in range(len(scenario.errands))], np.int64)[errands]
        goes_on = (second >= 0) & (seconds > 0)
        following = np.where(goes_on, second * levels + queues % levels, -1)
        priority, _ = self._called_as
        then = priority[second] + first - priority[errands]
        load = joins, queues, holds, np.where(goes_on, 0, stays), (first, joins, order), NOTHING
        leaving = goes, limits, following, seconds, stays, departures, then, order
        found = run_course(load, leaving, self._tables, levels)
        by, called, starts, leaves, _, goes, balked, passed_on, all_joins, all_queues = found
        before = np.flatnonzero(passed_on >= 0)
        before = before[np.argsort(passed_on[before])]
        behind = all_joins[len(places) :], all_queues[len(places) :]
        numbers = self._tables.numbers[by]
        return _Played(numbers, called, starts, leaves, goes, np.flatnonzero(balked), before, *behind)


class _Queued(NamedTuple):
    """Tickets in order of joining: `first` is what goes before (low), `order` follows the tickets' names."""

    joins: Whole
    errands: Whole
    queues: Whole
    holds: Whole
    stays: Whole
    first: Whole
    order: Whole


class _Played(NamedTuple):
    """A day of tickets in order of joining and of second visits behind them.

    `goes` is when somebody leaves if not called; `balked` has places; the last three are of the second visits: place of
    the first one, instant of joining, queue.
    """

    counters: Whole
    called: Whole
    starts: Whole
    leaves: Whole
    goes: Whole
    balked: Whole
    before: Whole
    joins: Whole
    queues: Whole


def visitors_of(day: Columns) -> list[Visitor]:
    """The visitors of a day's columns."""
    calls = day.recorded or (None,) * len(day.arrives)
    people = [] if day.people is None else [column.tolist() for column in day.people]
    return list(map(Visitor, count(1), *(column.tolist() for column in day.plain()), calls, *people))
