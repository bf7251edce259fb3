"""A day's visitors as columns: the draws of each stream at once, with the same bits as one by one.

A Generator gives the same numbers in an array as one after the other, and additions, products, quotients, square roots
and cumulative sums of float64 arrays are those of single floats. Logarithms and exponentials are not (their array forms
differ between processors), so these are taken one by one with `math`. What comes out is rounded to whole nanoseconds.

The functions take their random stream as an argument; which stream is whose stands in `bench.hall.day`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from statistics import NormalDist
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.scenario.times import NS

if TYPE_CHECKING:
    from bench.scenario.people import Lognormal

Whole: TypeAlias = NDArray[np.int64]
Real: TypeAlias = NDArray[np.float64]
Piece: TypeAlias = tuple[float, float, float, float]
"""(start, end, weight at the start, weight at the end) of an intensity that is linear in between; times in ns."""

COMES: Final = 0
ONLINE: Final = 1
DIVERTED: Final = 2
NO_SHOW: Final = 3
MISSED: Final = 4
"""These say what becomes of a visitor before the queue does anything: `Visitor.way`."""

WAYS: Final = ("comes", "online", "diverted", "no show", "missed the appointment")
"""The words for them."""

LONGEST: Final = 1 << 60
"""No drawn time is longer, ns (36 years): sums of times stay within 64 bits."""

NORMAL: Final = NormalDist()
Z90: Final = NORMAL.inv_cdf(0.9)


class People(NamedTuple):
    """What of visitors only some scenarios have; fields as those of `bench.hall.day.Visitor`."""

    classes: Whole
    ways: Whole
    patience: Whole
    limits: Whole
    seconds: Whole
    agreed: Whole


class Columns(NamedTuple):
    """Visitors in order of arrival, one array entry each; instants are ns since local midnight, durations ns.

    Attributes:
        arrives: instants of arrival.
        errands: places in `Scenario.errands`.
        services: times at the counter.
        ratings: key pressed, 0 when the visitor does not rate.
        delays: from the end of the service to the press, 0 when there is none.
        recorded: instants of the call in a recorded log; empty when the day is drawn.
        people: what the scenario says of its people; None when it says nothing.
    """

    arrives: Whole
    errands: Whole
    services: Whole
    ratings: Whole
    delays: Whole
    recorded: tuple[int | None, ...] = ()
    people: People | None = None

    def plain(self) -> tuple[Whole, Whole, Whole, Whole, Whole]:
        """The columns that every day has."""
        return self.arrives, self.errands, self.services, self.ratings, self.delays


def whole(values: Real) -> Whole:
    """Rounded to integers as Python rounds (half to even), at most `LONGEST`."""
    rounded: Whole = np.rint(np.minimum(values, float(LONGEST))).astype(np.int64)
    return rounded


def arrivals(pieces: Sequence[Piece], mean: float, random: np.random.Generator) -> Whole:
    """Instants of a Poisson process with this mean number and this intensity, by inversion of its integral."""
    starts, ends, first, last = (np.array(column, float) for column in zip(*pieces, strict=True))
    areas = (ends - starts) * (first + last) / 2
    upto = np.array([0.0, *accumulate(areas.tolist())])
    scale = mean / float(upto[-1])
    drawn = [random.standard_exponential(math.ceil(mean + 6 * math.sqrt(mean)) + 16)]
    reached = np.cumsum(drawn[0])
    while reached[-1] < mean:
        drawn.append(random.standard_exponential(64))
        reached = np.cumsum(np.concatenate(drawn))
    target = reached[: int(np.searchsorted(reached, mean, side="left"))] / scale
    index = np.minimum(np.searchsorted(upto, target, side="right") - 1, len(pieces) - 1)
    return whole(inverse(starts[index], ends[index], first[index], last[index], target - upto[index]))


def inverse(start: Real, end: Real, first: Real, last: Real, area: Real) -> Real:
    """The instants up to which pieces of linear weight have these areas; weights change from `first` to `last`."""
    slope = (last - first) / (end - start)
    # The root of first x + slope x^2 / 2 = area in the form that stays exact when the slope is small or zero.
    below = first + np.sqrt(np.maximum(0.0, first * first + 2 * slope * area))
    some = below != 0
    way = np.where(some, 2 * area / np.where(some, below, 1.0), 0.0)
    instants: Real = np.minimum(end, start + way)
    return instants


def pick(weights: Mapping[int, float], count: int, random: np.random.Generator) -> Whole:
    """Keys with probability proportional to their weight, one uniform number each."""
    keys = np.array([key for key, weight in weights.items() if weight > 0], np.int64)
    upto = np.array(list(accumulate(weight for weight in weights.values() if weight > 0)))
    at = np.searchsorted(upto, random.random(count) * upto[-1], side="right")
    chosen: Whole = keys[np.minimum(at, len(keys) - 1)]
    return chosen


def spread(time: Lognormal) -> float:
    """Standard deviation of the logarithm."""
    return math.log(time.p90 / time.median) / Z90


def lognormal(medians: Real, spreads: Real, z: Real) -> Real:
    """The lognormal times at these standard normal values, in the unit of their medians."""
    times: Real = medians * np.array(list(map(math.exp, (spreads * z).tolist())), float)
    return times


def delays(delay: Lognormal, window_s: float, uniform: Real) -> Whole:
    """Lognormal delays cut off at the rating window, one uniform number each; ns."""
    window, sigma = round(window_s * NS), spread(delay)
    share = NORMAL.cdf(math.log(window_s / delay.median) / sigma) if sigma else 1.0
    quantiles = ((1.0 - uniform) * share).tolist()
    z = np.array([NORMAL.inv_cdf(q) if 0.0 < q < 1.0 else 0.0 for q in quantiles], float)
    times = whole(lognormal(np.full(len(z), delay.median), np.full(len(z), sigma), z) * NS)
    cut: Whole = np.maximum(1, np.minimum(times, window - 1))
    return cut
