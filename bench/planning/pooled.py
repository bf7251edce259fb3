"""Percentiles of the waits of all visitors of all days together, with an interval from resampling whole days.

The mean over days of each day's percentile (`statistics.estimate`) says what a day is like; the pooled percentile says
what a visitor meets, and a busy day has more visitors. Its interval resamples days, not visitors: those of one day wait
in the same queue. A day keeps its waits as counts in bins of `BIN` seconds; within a bin a percentile is linear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.planning.statistics import Estimate

BIN: Final = 15.0
"""Seconds; a pooled percentile is exact to less than this."""

RESAMPLES: Final = 400


def bins(waits: Sequence[float]) -> dict[int, int]:
    """Number of a bin -> waits (s) in it."""
    found, counts = np.unique(np.floor_divide(waits, BIN).astype(np.int64), return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def percentiles(
    days: Sequence[Mapping[int, int]], levels: Sequence[float], seed: int, confidence: float = 0.95
) -> dict[float, Estimate | None]:
    """Pooled percentiles by level, seconds, with the bootstrap's percentile interval over days.

    Args:
        days: of each day, what `bins` gave.
        levels: 0 to 100.
        seed: of the resampling: the same days give the same interval.
        confidence: of the interval; with one day there is none.
    """
    last = max((number for day in days for number in day), default=-1)
    if last < 0:
        return dict.fromkeys(levels)
    table = np.zeros((len(days), last + 1))
    for place, day in enumerate(days):
        table[place, list(day)] = list(day.values())
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(len(days),))))
    picks = random.multinomial(len(days), np.full(len(days), 1 / len(days)), RESAMPLES)
    resampled = picks.astype(np.float64) @ table
    whole = table.sum(axis=0)
    found: dict[float, Estimate | None] = {}
    for level in levels:
        mean = _level(whole, level)
        if len(days) < 2:
            found[level] = Estimate(mean, None, None, len(days))
            continue
        values = sorted(_level(counts, level) for counts in resampled if counts.any())
        tail = (1 - confidence) / 2
        low, high = (values[round(share * (len(values) - 1))] for share in (tail, 1 - tail))
        found[level] = Estimate(mean, low, high, len(days))
    return found


def _level(counts: NDArray[np.float64], level: float) -> float:
    """Seconds below which `level` per cent of the counted waits lie."""
    upto = np.cumsum(counts)
    target = upto[-1] * level / 100
    place = int(np.searchsorted(upto, target, side="left"))
    before = float(upto[place - 1]) if place else 0.0
    inside = float(counts[place])
    return BIN * (place + ((target - before) / inside if inside else 0.0))
