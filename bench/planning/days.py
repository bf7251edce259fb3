"""One day of one design as figures: what a worker sends back instead of thousands of visitors.

Times are seconds. A visitor who holds a ticket and is not called before the hall ends counts with the wait so far: a
lower bound of a wait that nobody saw the end of. So a design that leaves people unserved cannot look good.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.planning.engine import Delays, Played, play
from bench.planning.statistics import percentile
from bench.scenario.times import MINUTE, NS, Span

if TYPE_CHECKING:
    from bench.hall.day import Day
    from bench.scenario.model import Scenario

HALF_HOUR: Final = 30 * MINUTE
GRID: Final = 5 * MINUTE
LEVELS: Final = (50, 80, 90, 95)
"""Percentiles of a day's waits that are always kept."""


class Asked(NamedTuple):
    """What a study keeps of each day: percentiles, and within how many minutes people should be called."""

    levels: tuple[float, ...] = LEVELS
    within_minutes: tuple[float, ...] = (15.0,)


class DayFigures(NamedTuple):
    """A day of a design; None where nobody waited.

    Attributes:
        visitors: who took a ticket.
        unserved: of them, never called.
        wait_mean: seconds.
        percentiles: by level.
        within: minutes -> share called within them.
        overtime: seconds from the last closing to the last visitor's leaving.
        utilisation: busy over paid time of all counters.
        by_counter: number -> its utilisation; None when it was never paid.
        half_hours: start of a half-hour of joining (ns) -> (visitors, mean wait).
        errands: place of an errand -> (visitors, mean wait, p90).
        queue: visitors waiting at each instant of the grid, from opening on.
        longest: the longest queue at any instant.
    """

    visitors: int
    unserved: int
    wait_mean: float | None
    percentiles: Mapping[float, float | None]
    within: Mapping[float, float | None]
    overtime: float
    utilisation: float | None
    by_counter: Mapping[int, float | None]
    half_hours: Mapping[int, tuple[int, float]]
    errands: Mapping[int, tuple[int, float, float]]
    queue: tuple[int, ...]
    longest: int


def figures_of(scenario: Scenario, day: Day, delays: Delays, asked: Asked) -> DayFigures:
    """Play a day and reduce it to its figures."""
    return reduce(scenario, play(scenario, day, delays), asked)


def reduce(scenario: Scenario, played: Played, asked: Asked) -> DayFigures:
    """The figures of a played day."""
    load, visits = played.load, played.visits
    hours = scenario.hours
    end = min(scenario.horizon, hours.closes) if hours.after_closing == "send_home" else scenario.horizon
    until: dict[int, int] = {visit.place: visit.called for visit in visits}
    waits = [(until.get(place, max(end, joined)) - joined) / NS for place, joined in enumerate(load.joins)]
    ordered = sorted(waits)
    last = max((visit.leaves for visit in visits), default=hours.closes)
    by_half: dict[int, list[float]] = defaultdict(list)
    by_errand: dict[int, list[float]] = defaultdict(list)
    for place, wait in enumerate(waits):
        by_half[load.joins[place] // HALF_HOUR * HALF_HOUR].append(wait)
        by_errand[load.errands[place]].append(wait)
    utilisation, by_counter = _utilisation(scenario, played)
    starts = load.joins
    ends = sorted(until.get(place, max(end, joined)) for place, joined in enumerate(load.joins))
    grid = range(hours.opens, scenario.horizon + 1, GRID)
    return DayFigures(
        visitors=len(waits),
        unserved=len(waits) - len(visits),
        wait_mean=fmean(waits) if waits else None,
        percentiles={level: percentile(ordered, level) for level in asked.levels},
        within={
            minutes: bisect_right(ordered, minutes * 60) / len(ordered) if ordered else None
            for minutes in asked.within_minutes
        },
        overtime=max(0, last - hours.closes) / NS,
        utilisation=utilisation,
        by_counter=by_counter,
        half_hours={start: (len(found), fmean(found)) for start, found in sorted(by_half.items())},
        errands={
            errand: (len(found), fmean(found), percentile(sorted(found), 90) or 0.0)
            for errand, found in sorted(by_errand.items())
        },
        queue=tuple(bisect_right(starts, at) - bisect_right(ends, at) for at in grid),
        longest=_longest(starts, ends),
    )


def _longest(starts: Sequence[int], ends: Sequence[int]) -> int:
    """The most visitors who waited at one instant; who is called at once never waits."""
    longest = gone = 0
    for joined, start in enumerate(starts, start=1):
        while gone < len(ends) and ends[gone] <= start:
            gone += 1
        longest = max(longest, joined - gone)
    return longest


def paid_spans(scenario: Scenario, breaks: Sequence[Span]) -> list[Span]:
    """Opening hours without the breaks."""
    spans = list(scenario.hours.open)
    for pause in breaks:
        cut = []
        for span in spans:
            before, after = Span(span.start, min(span.end, pause.start)), Span(max(span.start, pause.end), span.end)
            cut += [part for part in (before, after) if part.start < part.end]
        spans = cut
    return spans


def _utilisation(scenario: Scenario, played: Played) -> tuple[float | None, dict[int, float | None]]:
    """Busy over paid time, of all counters and of each.

    A counter is busy from a call to the visitor's leaving, and paid in its hours and whenever it is busy outside them.
    """
    busy: dict[int, int] = dict.fromkeys(scenario.skills, 0)
    extra: dict[int, int] = dict.fromkeys(scenario.skills, 0)
    spans = {counter.number: paid_spans(scenario, counter.breaks) for counter in scenario.counters}
    for visit in played.visits:
        length = visit.leaves - visit.called
        busy[visit.counter] += length
        extra[visit.counter] += length - sum(
            max(0, min(span.end, visit.leaves) - max(span.start, visit.called)) for span in spans[visit.counter]
        )
    paid = {number: sum(s.end - s.start for s in found) + extra[number] for number, found in spans.items()}
    whole = sum(paid.values())
    return (
        sum(busy.values()) / whole if whole else None,
        {number: busy[number] / paid[number] if paid[number] else None for number in busy},
    )
