"""What may be said of a number of simulated days: intervals over days, paired differences, when to stop.

The unit is the day, never the visitor: visitors of one day wait in the same queue, and an interval over pooled visitors
would be far too narrow (queueing.md section 4). A value of a day may be missing (a half-hour in which nobody came); it
is left out. Days are in order of their number, so nothing here depends on how many workers made them.

Only arithmetic: no clock, no port, no random draw. Student's t is computed here, so that no library is needed for one
quantile: the incomplete beta function by its continued fraction (Numerical Recipes 6.4 [K]), inverted by bisection.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import fmean, stdev, variance
from typing import Final, NamedTuple

LEAST_DAYS: Final = 10
"""A stop rule looks at no fewer days."""

LOOK_AHEAD: Final = 5
"""kLimit of Hoad, Robinson and Davies (JORS 61(11), 2010): so many days more must stay within the precision."""

CONFIDENCE: Final = 0.95


class Estimate(NamedTuple):
    """A mean over days with its confidence interval; without two days the interval is unknown (None)."""

    mean: float
    low: float | None
    high: float | None
    days: int

    @property
    def half(self) -> float | None:
        """Half of the interval's width."""
        return None if self.high is None else self.high - self.mean


class Paired(NamedTuple):
    """The mean difference of two designs over the same days, and what pairing was worth.

    Attributes:
        difference: second minus first.
        variance_ratio: variance of an unpaired difference over that of the paired one; None when it is not defined.
    """

    difference: Estimate
    variance_ratio: float | None


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function (modified Lentz)."""
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    result = d
    for m in range(1, 400):
        for factor in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + factor * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + factor / c
            c = c if abs(c) > tiny else tiny
            result *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return result


def t_cdf(t: float, df: int) -> float:
    """Probability that Student's t with `df` degrees of freedom is at most `t`."""
    a, b, x = df / 2, 0.5, df / (df + t * t)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + (b * math.log1p(-x) if x < 1 else 0.0)
    )
    if x == 1:
        tail = 1.0
    elif x < (a + 1) / (a + b + 2):
        tail = front * _fraction(a, b, x) / a
    else:
        tail = 1 - front * _fraction(b, a, 1 - x) / b
    return 1 - tail / 2 if t > 0 else tail / 2


@lru_cache(maxsize=4096)
def t_quantile(p: float, df: int) -> float:
    """The quantile of Student's t, for 0.5 <= p < 1.

    Raises:
        ValueError: p is out of that range, or there is no degree of freedom.
    """
    if not 0.5 <= p < 1 or df < 1:
        raise ValueError(f"a quantile of t needs 0.5 <= p < 1 and df >= 1, not p = {p}, df = {df}")
    low, high = 0.0, 1.0
    while t_cdf(high, df) < p:
        low, high = high, high * 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, df) < p else (low, middle)
    return (low + high) / 2


def estimate(values: Sequence[float | None], confidence: float = CONFIDENCE) -> Estimate | None:
    """Mean over days and its t interval; None when no day has a value."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    mean = fmean(known)
    if len(known) < 2:
        return Estimate(mean, None, None, len(known))
    half = t_quantile(0.5 + confidence / 2, len(known) - 1) * stdev(known) / math.sqrt(len(known))
    return Estimate(mean, mean - half, mean + half, len(known))


def paired(
    first: Sequence[float | None], second: Sequence[float | None], confidence: float = CONFIDENCE
) -> Paired | None:
    """The difference of two designs, day by day; days that lack one of the values are left out."""
    both = [(a, b) for a, b in zip(first, second, strict=False) if a is not None and b is not None]
    differences = [b - a for a, b in both]
    told = estimate(differences, confidence)
    if told is None:
        return None
    ratio = None
    if len(both) > 1 and variance(differences):
        ratio = (variance([a for a, _ in both]) + variance([b for _, b in both])) / variance(differences)
    return Paired(told, ratio)


def percentile(ordered: Sequence[float], p: float) -> float | None:
    """The p-th percentile (0..100) of ascending values, linear between ranks; None when there are none."""
    if not ordered:
        return None
    place = (len(ordered) - 1) * p / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


class Precision(NamedTuple):
    """When the interval of a measure is narrow enough.

    Attributes:
        relative: half-width over mean.
        absolute: a half-width at most this is enough whatever the mean: a mean near 0 needs no 5 per cent.
    """

    relative: float = 0.05
    absolute: float = 0.0


class Running:
    """The stop rule of one measure, fed day by day in order of their number.

    Precision is reached at day n when the half-width is within it at n, and stays so for the days that follow up to
    n + LOOK_AHEAD x max(n, 100) / 100 (Hoad, Robinson, Davies). `enough` then says how many days that makes.
    """

    def __init__(self, precision: Precision, confidence: float = CONFIDENCE) -> None:
        self.precision, self.confidence = precision, confidence
        self.days = 0
        self.enough: int | None = None
        self._known = 0
        self._mean = self._squares = 0.0
        self._since: int | None = None

    def add(self, value: float | None) -> None:
        """The next day's value, None when it has none."""
        self.days += 1
        if value is not None:
            self._known += 1
            step = value - self._mean
            self._mean += step / self._known
            self._squares += step * (value - self._mean)
        if self.enough is not None or self.days < LEAST_DAYS:
            return
        if not self.within():
            self._since = None
            return
        self._since = self.days if self._since is None else self._since
        if self.days >= self._since + math.ceil(LOOK_AHEAD * max(self._since, 100) / 100):
            self.enough = self.days

    def within(self) -> bool:
        """Whether the interval of the days so far is narrow enough."""
        if self._known < 2:
            return False
        deviation = math.sqrt(max(self._squares, 0.0) / (self._known - 1))
        half = t_quantile(0.5 + self.confidence / 2, self._known - 1) * deviation / math.sqrt(self._known)
        return half <= max(self.precision.relative * abs(self._mean), self.precision.absolute)
