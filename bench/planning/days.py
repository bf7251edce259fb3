"""One day of one design as figures: what a worker sends back instead of thousands of visitors.

Times are seconds. A visitor who holds a ticket and is not called before the hall ends counts with the wait so far: a
lower bound of a wait that nobody saw the end of. So a design that leaves people unserved cannot look good.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.hall.columns import DIVERTED, MISSED, ONLINE, WAYS, Columns, Real, Whole
from bench.planning.outcome import WHYS, Hall, Outcome
from bench.planning.pooled import bins
from bench.planning.statistics import percentile
from bench.scenario.times import MINUTE, NS, Span

if TYPE_CHECKING:
    from bench.scenario.model import Counter, Scenario

HALF_HOUR: Final = 30 * MINUTE
GRID: Final = 5 * MINUTE
LEVELS: Final = (50, 80, 90, 95)
"""Percentiles of a day's waits that are always kept."""


class Booked(NamedTuple):
    """The appointments of a day.

    Attributes:
        booked: how many there were.
        missed: of them, nobody came.
        late: came after the grace and took a ticket like others.
        wait_mean: seconds from the ticket to the call of those who kept theirs; None where nobody did.
        wait_p90: of them.
    """

    booked: int
    missed: int
    late: int
    wait_mean: float | None
    wait_p90: float | None


class Asked(NamedTuple):
    """What a study keeps of each day: percentiles, and within how many minutes people should be called."""

    levels: tuple[float, ...] = LEVELS
    within_minutes: tuple[float, ...] = (15.0,)


class DayFigures(NamedTuple):
    """A day of a design; None where nobody waited.

    Attributes:
        visitors: who took a ticket.
        unserved: of them, never called before the hall ended, though they stayed.
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
        bins: waits by `pooled.BIN` seconds: number of the bin -> visitors.
        left: how many left unserved or did not come, by why (`outcome.WHYS`, `columns.WAYS`); none that are 0.
        classes: place of a class (-1: of none) -> (visitors, mean wait, p90, how many left unserved).
        booked: appointments; None in a hall without.
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
    bins: Mapping[int, int] = MappingProxyType({})
    left: Mapping[str, int] = MappingProxyType({})
    classes: Mapping[int, tuple[int, float, float, int]] = MappingProxyType({})
    booked: Booked | None = None


def figures_of(hall: Hall, day: Columns, asked: Asked) -> DayFigures:
    """Play a day and reduce it to its figures."""
    return reduce(hall, hall.play(day), asked, day)


def reduce(hall: Hall, played: Outcome, asked: Asked, day: Columns) -> DayFigures:
    """The figures of a played day.

    A visitor who loses patience counts with the wait until then. Who balks, or does not come when called, waits for
    nothing and is in no wait. Each of the two visits of a chained errand has a wait.
    """
    hours, joins = hall.scenario.hours, played.joins
    served = played.counters >= 0
    ends = np.where(served, played.called, np.where(played.gone > 0, played.gone, np.maximum(hall.end, joins)))
    waits = (ends - joins) / NS
    counted = played.whys <= 1
    ordered = np.sort(waits[counted]).tolist()
    ends = np.sort(ends)
    last = int(played.leaves[served].max(initial=0)) if served.any() else hours.closes
    utilisation, by_counter = _utilisation(hall.scenario, played, served)
    grid = np.arange(hours.opens, hall.scenario.horizon + 1, GRID)
    queue = np.searchsorted(joins, grid, side="right") - np.searchsorted(ends, grid, side="right")
    # Who is called at once never waits: at each joining, those who have joined less those whose wait is over.
    crowd = np.arange(1, len(joins) + 1) - np.searchsorted(ends, joins, side="right")
    return DayFigures(
        visitors=int((played.second == 0).sum()),
        unserved=int((~served & (played.whys == 0)).sum()),
        wait_mean=fmean(ordered) if ordered else None,
        percentiles={level: percentile(ordered, level) for level in asked.levels},
        within={
            minutes: bisect_right(ordered, minutes * 60) / len(ordered) if ordered else None
            for minutes in asked.within_minutes
        },
        overtime=max(0, last - hours.closes) / NS,
        utilisation=utilisation,
        by_counter=by_counter,
        half_hours={
            start: (len(found), fmean(found))
            for start, found in _groups((joins // HALF_HOUR * HALF_HOUR)[counted], waits[counted])
        },
        errands={
            errand: (len(found), fmean(found), percentile(found, 90) or 0.0)
            for errand, found in _groups(played.errands[counted], waits[counted])
        },
        queue=tuple(queue.tolist()),
        longest=int(crowd.max(initial=0)),
        bins=bins(ordered),
        left=_left(played, day),
        classes=_classes(played, day, waits, counted),
        booked=_booked(hall.scenario, played, day, waits),
    )


def _booked(scenario: Scenario, played: Outcome, day: Columns, waits: Real) -> Booked | None:
    """Appointments: made, missed, lost by coming late, and the waits of those that were kept."""
    services = [place for place, errand in enumerate(scenario.errands) if errand.appointments is not None]
    if day.people is None or not services:
        return None
    agreed, missed = day.people.agreed > 0, day.people.ways == MISSED
    kept = np.isin(day.errands, services) & agreed & ~missed
    found = np.sort(waits[kept[played.places]]).tolist()
    late = int((agreed & ~missed & ~kept).sum())
    mean = fmean(found) if found else None
    return Booked(int(agreed.sum()), int((agreed & missed).sum()), late, mean, percentile(found, 90))


def _left(played: Outcome, day: Columns) -> dict[str, int]:
    """How many left unserved, or never took a ticket, by why."""
    counts = np.bincount(played.whys, minlength=len(WHYS)).tolist()
    found = {why: count for why, count in zip(WHYS[1:], counts[1:], strict=True) if count}
    if day.people is not None:
        for way in (ONLINE, DIVERTED, MISSED):
            if count := int((day.people.ways == way).sum()):
                found[WAYS[way]] = count
    return found


def _classes(
    played: Outcome, day: Columns, waits: Real, counted: NDArray[np.bool_]
) -> dict[int, tuple[int, float, float, int]]:
    """Waits and losses by class; empty where the hall has none."""
    if day.people is None or not (day.people.classes >= 0).any():
        return {}
    of_class = day.people.classes[played.places]
    lost = {number: int((of_class[played.whys > 0] == number).sum()) for number in set(of_class.tolist())}
    return {
        number: (len(found), fmean(found), percentile(found, 90) or 0.0, lost[number])
        for number, found in _groups(of_class[counted], waits[counted])
    }


def _groups(keys: Whole, values: Real) -> Iterator[tuple[int, list[float]]]:
    """(key, its values in ascending order) for each key, in order of the keys."""
    order = np.lexsort((values, keys))
    found, first = np.unique(keys[order], return_index=True)
    for key, group in zip(found.tolist(), np.split(values[order], first[1:]), strict=False):
        yield key, group.tolist()


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


def paid_of(scenario: Scenario, counter: Counter) -> list[Span]:
    """When a counter's clerk is paid: opening hours, of the shifts only, without the breaks."""
    spans = paid_spans(scenario, counter.breaks)
    if not counter.shifts:
        return spans
    both = [Span(max(a.start, b.start), min(a.end, b.end)) for a in spans for b in counter.shifts]
    return [span for span in both if span.start < span.end]


def _utilisation(
    scenario: Scenario, played: Outcome, served: NDArray[np.bool_]
) -> tuple[float | None, dict[int, float | None]]:
    """Busy over paid time, of all counters and of each.

    A counter is busy from a call to the visitor's leaving, and paid in its hours and whenever it is busy outside them.
    """
    spans = {counter.number: paid_of(scenario, counter) for counter in scenario.counters}
    numbers = sorted(spans)
    most = max(map(len, spans.values()))
    bounds = np.zeros((2, len(numbers), most), np.int64)  # spans that a counter lacks are empty
    for rank, number in enumerate(numbers):
        for place, span in enumerate(spans[number]):
            bounds[:, rank, place] = span
    called, leaves = played.called[served], played.leaves[served]
    ranks = np.searchsorted(numbers, played.counters[served])
    lengths = leaves - called
    within = np.minimum(bounds[1][ranks], leaves[:, None]) - np.maximum(bounds[0][ranks], called[:, None])
    outside = lengths - np.maximum(0, within).sum(axis=1)
    busy, extra = np.zeros(len(numbers), np.int64), np.zeros(len(numbers), np.int64)
    np.add.at(busy, ranks, lengths)
    np.add.at(extra, ranks, outside)
    paid = ((bounds[1] - bounds[0]).sum(axis=1) + extra).tolist()
    worked, whole = busy.tolist(), sum(paid)
    return (
        sum(worked) / whole if whole else None,
        {number: worked[i] / paid[i] if paid[i] else None for i, number in enumerate(numbers)},
    )
