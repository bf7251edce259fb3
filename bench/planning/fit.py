"""A hall fitted to a ticket log: arrivals, services, patience; each fit shown beside what was observed.

- Arrivals: tickets by half-hour over the log's days become an intensity that is linear between the middles of the
  half-hours, corrected until its integrals are the observed counts. The day-to-day variance beyond Poisson's becomes
  the busyness. Variance over mean of the half-hours, with each day's busyness taken out, tells how Poisson they are.
- Services: from the call to the end, by class, lognormal by the mean and deviation of the logarithm, with the distance
  of Kolmogorov and Smirnov to it and the mean beside the fitted one.
- Patience: Kaplan and Meier's estimate from who left and who was called (censored). It is shown; a scenario has no
  patience, and a plan plays everybody as patient.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import NormalDist, fmean, pvariance, stdev, variance
from typing import Any, Final, NamedTuple

from bench.planning.ticket_table import Row, Table, TableError
from bench.scenario.times import HOUR, MINUTE, Span

SLOT: Final = 30 * MINUTE
LEAST_SERVICES: Final = 20
"""A class with fewer services is fitted with those of all classes."""

NORMAL: Final = NormalDist()
ROUNDS: Final = 30
"""Corrections of the intensity; each divides the observed counts by the fitted ones."""


class Service(NamedTuple):
    """A class's service time.

    Attributes:
        kind: the class.
        share: of the tickets.
        fitted: services that were fitted.
        median, p90: of the lognormal, minutes.
        mean, fitted_mean: observed, and of the lognormal, minutes.
        distance: Kolmogorov and Smirnov's, 0 (alike) to 1.
        pooled: whether it has too few of its own, and those of all classes stand for it.
    """

    kind: str
    share: float
    fitted: int
    median: float
    p90: float
    mean: float
    fitted_mean: float
    distance: float
    pooled: bool


class Fit(NamedTuple):
    """A fitted hall.

    Attributes:
        days: in the log.
        open: spans of half-hours in which tickets were taken (ns); a half-hour without any on all days parts them.
        visitors: mean of a day.
        busyness_cv: beyond Poisson.
        dispersion: variance over mean of the half-hours' counts; 1 is Poisson; None with too few days.
        shape: instants (ns) -> intensity.
        slots: (start, observed mean, fitted mean) of each half-hour.
        services: by class, most frequent first.
        patience: (minutes, share still waiting) where somebody left; empty without a column `left`.
    """

    days: int
    open: tuple[Span, ...]
    visitors: float
    busyness_cv: float
    dispersion: float | None
    shape: Mapping[int, float]
    slots: tuple[tuple[int, float, float], ...]
    services: tuple[Service, ...]
    patience: tuple[tuple[float, float], ...]


def fit(table: Table) -> Fit:
    """Fit a hall.

    Raises:
        TableError: the log has no ends of services, or too few.
    """
    days = table.days
    opens = min(row.issued for row in table.rows) // SLOT * SLOT
    closes = (max(row.issued for row in table.rows) // SLOT + 1) * SLOT
    starts = range(opens, closes, SLOT)
    counts = {day: [0] * len(starts) for day in days}
    for row in table.rows:
        counts[row.day][(row.issued - opens) // SLOT] += 1
    totals = [sum(found) for found in counts.values()]
    mean = fmean(totals)
    observed = [fmean(found[i] for found in counts.values()) for i in range(len(starts))]
    spans: list[Span] = []
    shape: dict[int, float] = {}
    fitted: list[float] = []
    for taken, group in groupby(range(len(starts)), key=lambda i: observed[i] > 0):
        places = list(group)
        if not taken:
            fitted += [0.0] * len(places)
            continue
        run = starts[places[0] : places[-1] + 1]
        weights = _weights([observed[i] for i in places])
        spans.append(Span(run[0], run[-1] + SLOT))
        middles = [start + SLOT // 2 for start in run]
        shape |= dict(zip([run[0], *middles, run[-1] + SLOT], [weights[0], *weights, weights[-1]], strict=True))
        fitted += _integrals(weights)
    return Fit(
        len(days),
        tuple(spans),
        mean,
        math.sqrt(max(0.0, variance(totals) - mean)) / mean if len(days) > 1 else 0.0,
        _dispersion(list(counts.values()), observed),
        shape,
        tuple(zip(starts, observed, fitted, strict=True)),
        tuple(services(table.rows)),
        tuple(kaplan_meier(table.rows)),
    )


def _integrals(weights: Sequence[float]) -> list[float]:
    """Counts by slot of an intensity that is linear between the middles of slots, and flat before and after them."""
    padded = [weights[0], *weights, weights[-1]]
    return [(before + 6 * at + after) / 8 for before, at, after in zip(padded, weights, padded[2:], strict=False)]


def _weights(observed: Sequence[float]) -> list[float]:
    """Intensities at the middles of slots whose integrals are the observed counts, as nearly as none below 0 can."""
    least = max(observed) * 1e-4
    weights = [max(value, least) for value in observed]
    for _ in range(ROUNDS):
        got = _integrals(weights)
        weights = [max(least, at * (want / found)) for at, want, found in zip(weights, observed, got, strict=True)]
    return weights


def _dispersion(counts: Sequence[Sequence[int]], observed: Sequence[float]) -> float | None:
    """Variance over mean of half-hours with 5 tickets or more, the day's busyness taken out."""
    if len(counts) < 5:
        return None
    whole = sum(observed)
    ratios = []
    for slot, mean in enumerate(observed):
        if mean >= 5:
            rest = [day[slot] - mean * sum(day) / whole for day in counts]
            ratios.append(fmean(value * value for value in rest) * len(counts) / (len(counts) - 1) / mean)
    return fmean(ratios) if ratios else None


def services(rows: Sequence[Row]) -> list[Service]:
    """Fits of the service times by class.

    Raises:
        TableError: there are fewer than `LEAST_SERVICES` in all.
    """
    by_kind: dict[str, list[float]] = {}
    arrived: dict[str, int] = {}
    for row in rows:
        arrived[row.kind] = arrived.get(row.kind, 0) + 1
        if row.called is not None and row.done is not None and row.done > row.called:
            by_kind.setdefault(row.kind, []).append((row.done - row.called) / MINUTE)
    every = [time for times in by_kind.values() for time in times]
    if len(every) < LEAST_SERVICES:
        raise TableError(
            f"the log has {len(every)} services with a call and an end, and {LEAST_SERVICES} are the least for a fit; "
            "say which column is the end of the service: --columns done=COLUMN"
        )
    found = []
    for kind, count in sorted(arrived.items(), key=lambda item: (-item[1], item[0])):
        own = by_kind.get(kind, [])
        times = own if len(own) >= LEAST_SERVICES else every
        found.append(lognormal(kind, count / len(rows), len(own), times, pooled=times is not own))
    return found


def lognormal(kind: str, share: float, count: int, times: Sequence[float], *, pooled: bool) -> Service:
    """The lognormal of these times (minutes, above 0), and how well it fits; the other arguments are told with it."""
    logs = sorted(map(math.log, times))
    middle = fmean(logs)
    spread = min(max(math.sqrt(pvariance(logs, middle)), 1e-3), 3.5)
    n = len(logs)
    distance = 0.0
    for place, value in enumerate(logs):
        at = NORMAL.cdf((value - middle) / spread)
        distance = max(distance, at - place / n, (place + 1) / n - at)
    median = math.exp(middle)
    p90 = median * math.exp(NORMAL.inv_cdf(0.9) * spread)
    return Service(
        kind, share, count, median, p90, fmean(times), median * math.exp(spread * spread / 2), distance, pooled
    )


def kaplan_meier(rows: Sequence[Row]) -> list[tuple[float, float]]:
    """(minutes of waiting, share that would still wait), at each wait after which somebody left."""
    spells = []
    for row in rows:
        until = row.left if row.left is not None else row.called
        if until is not None and until >= row.issued:
            spells.append(((until - row.issued) / MINUTE, row.left is not None))
    spells.sort(key=lambda spell: (spell[0], not spell[1]))
    found: list[tuple[float, float]] = []
    share, at_risk = 1.0, len(spells)
    for wait, gone in spells:
        if gone:
            share *= 1 - 1 / at_risk
            if found and found[-1][0] == wait:
                found.pop()
            found.append((wait, share))
        at_risk -= 1
    return found


def half_width(values: Sequence[float]) -> float:
    """Of a 95 % interval by the normal quantile; 0 for a single value."""
    return 1.96 * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def to_json(found: Fit, table: Table) -> dict[str, Any]:
    """The fit and the log's problems as a JSON-able dict; times of day in minutes after midnight."""
    return {
        "columns": dict(table.columns),
        "tickets": len(table.rows),
        "days": found.days,
        "open": [str(span) for span in found.open],
        "visitors": found.visitors,
        "busyness_cv": found.busyness_cv,
        "dispersion": found.dispersion,
        "half_hours": [
            {"start_h": start / HOUR, "observed": observed, "fitted": fitted} for start, observed, fitted in found.slots
        ],
        "services": [service._asdict() for service in found.services],
        "patience": [list(step) for step in found.patience],
        "problems": [{**finding._asdict(), "lines": list(finding.lines)} for finding in table.findings],
    }
