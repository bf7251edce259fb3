"""A sample of durations described: what the report, the terminal and `--json` say of waits and services."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from firmware_sim.device import NS

MINUTE: Final = 60 * NS
HALF_HOUR: Final = 30 * MINUTE

BIN_MINUTES: Final = (0.25, 0.5, 1, 2, 5, 10, 15, 30, 60)
"""Widths that a bar of a histogram may have."""


def quantile(ordered: Sequence[int], p: float) -> float:
    """Quantile of sorted nanoseconds, in seconds.

    Linear interpolation between order statistics (Hyndman and Fan's type 7, what numpy and R do unless told otherwise).
    """
    place = p * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return round((ordered[low] + (ordered[high] - ordered[low]) * (place - low)) / NS, 6)


@dataclass(frozen=True, slots=True)
class Distribution:
    """A sample of durations, seconds. All zero when it is empty: look at `n` first."""

    n: int = 0
    mean: float = 0.0
    p50: float = 0.0
    p90: float = 0.0
    p99: float = 0.0
    longest: float = 0.0

    @classmethod
    def of(cls, durations: Iterable[int]) -> Distribution:
        """Describe durations given in nanoseconds (exact sums: the order does not matter)."""
        values = sorted(durations)
        if not values:
            return cls()
        return cls(
            n=len(values),
            mean=round(sum(values) / len(values) / NS, 6),
            p50=quantile(values, 0.5),
            p90=quantile(values, 0.9),
            p99=quantile(values, 0.99),
            longest=round(values[-1] / NS, 6),
        )


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts in bars of equal width from 0 on; the last bar is the one with the longest duration."""

    minutes: float
    counts: tuple[int, ...]

    @classmethod
    def of(cls, durations: Iterable[int], bars: int = 24) -> Histogram:
        """Count durations (ns, not negative) in the narrowest bars of `BIN_MINUTES` of which `bars` are enough."""
        values = list(durations)
        most = max(values, default=0)
        width = next((w for w in BIN_MINUTES if most < w * MINUTE * bars), BIN_MINUTES[-1])
        if not values:
            return cls(width, ())
        step = int(width * MINUTE)
        counts = [0] * (most // step + 1)
        for value in values:
            counts[value // step] += 1
        return cls(width, tuple(counts))
