"""One day, drawn once: everything random of a run, before it starts.

Every purpose has a named stream of its own, `SeedSequence(entropy=seed, spawn_key=(replication, purpose))`, so that a
new purpose, or more draws of one, never shifts the others: two designs that differ in one thing see the same visitors.
Draws use the Generator's own methods and scalar `math` (array `log` and `exp` differ between processors) and are
rounded to whole nanoseconds, so the same seed gives the same day on every machine (architecture.md sections 4 and 5).

Arrivals are a Poisson process whose intensity is linear between the points of the scenario's shape and zero outside the
opening hours, by exact inversion of its integral (queueing.md section 0, point 6: the next gap at the rate of now would
lose the peak). The mean of the day is `visitors` times a gamma busyness of mean 1; the number of visitors follows.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from bench.hall import recorded, watermark
from bench.scenario.model import Lognormal, Scenario
from bench.scenario.times import MINUTE, NS

PURPOSES: Mapping[str, int] = {
    "busyness": 1,
    "arrivals": 2,
    "errands": 3,
    "services": 4,
    "rates": 5,
    "values": 6,
    "delays": 7,
    "watermarks": 8,
}
"""Number of each purpose's stream; a number is never used again for something else."""

_ALIKE = 1e-6
"""A coefficient of variation below this moves no visitor, and its square may be too small for a float."""

_NORMAL = NormalDist()
_Z90 = _NORMAL.inv_cdf(0.9)


@dataclass(frozen=True, slots=True)
class Visitor:
    """One visitor. Instants are ns since local midnight, durations ns.

    Attributes:
        number: 1, 2, 3 ... in order of arrival.
        arrives: instant at which the visitor comes to the kiosk (of a recorded day: the ticket's issue).
        errand: place in `Scenario.errands`.
        service: time at the counter.
        rating: key pressed, 1..5; 0 when the visitor does not rate. In watermark mode any number above 0 means "rates",
            and the value is the next one of the counter's watermark.
        rating_delay: from the end of the service to the press, shorter than the rating window.
        recorded_call: instant of the call in a recorded log; None when drawn, or never called.
    """

    number: int
    arrives: int
    errand: int
    service: int
    rating: int
    rating_delay: int
    recorded_call: int | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """A drawn day.

    Attributes:
        scenario: name of the scenario.
        sha256: hash of the scenario the day was drawn from.
        seed: with `replication`, what it was drawn with.
        replication: number of the day in a study.
        visitors: in order of arrival.
        watermarks: by counter, the values its keypad shall see, used from the beginning again when they are used up;
            empty when ratings are drawn.
    """

    scenario: str
    sha256: str
    seed: int
    replication: int
    visitors: tuple[Visitor, ...]
    watermarks: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict; `from_json` gives the equal day back."""
        return {
            "schema_version": 1,
            "scenario": self.scenario,
            "sha256": self.sha256,
            "seed": self.seed,
            "replication": self.replication,
            "columns": list(_COLUMNS),
            "visitors": [[getattr(visitor, name) for name in _COLUMNS] for visitor in self.visitors],
            "watermarks": {str(counter): list(values) for counter, values in self.watermarks.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Day:
        """The day that `to_json` wrote.

        Raises:
            ValueError: it is not such a dict; says what is wrong.
        """
        if data.get("schema_version") != 1:
            raise ValueError(
                f"schema_version of the stored day is {data.get('schema_version')!r}; this program reads 1"
            )
        try:
            return cls(
                data["scenario"],
                data["sha256"],
                data["seed"],
                data["replication"],
                tuple(Visitor(**dict(zip(data["columns"], row, strict=True))) for row in data["visitors"]),
                {int(counter): tuple(values) for counter, values in data["watermarks"].items()},
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"this is not a stored day: {error!r}") from error


_COLUMNS = ("number", "arrives", "errand", "service", "rating", "rating_delay", "recorded_call")


class _Comer(NamedTuple):
    """A visitor before ratings are drawn."""

    arrives: int
    errand: int
    service: int
    recorded_call: int | None = None


def stream(seed: int, replication: int, purpose: str, *which: int) -> np.random.Generator:
    """The random stream of one purpose of one day (of one thing of that purpose, such as a counter's number)."""
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=(replication, PURPOSES[purpose], *which))
    return np.random.Generator(np.random.PCG64(sequence))


def draw(scenario: Scenario, seed: int, replication: int = 0) -> Day:
    """The day of these numbers: drawn, or from the scenario's recorded log (then only ratings are drawn).

    Args:
        scenario: a loaded scenario.
        seed: 0 or more.
        replication: number of the day, 0 or more; other numbers give independent days.

    Raises:
        ValueError: a negative seed or replication.
    """
    if seed < 0 or replication < 0:
        raise ValueError(f"seed {seed} and replication {replication} must not be negative")
    if scenario.log:
        comers = [_Comer(*fitted) for fitted in recorded.fit(scenario)]
    else:
        comers = _comers(scenario, seed, replication)
    rates, values, delays = (stream(seed, replication, purpose) for purpose in ("rates", "values", "delays"))
    pick = _Weighted(scenario.rating_values)
    wait = _Delay(scenario.rating_delay_s, scenario.rating_window_s)
    visitors = []
    for number, comer in enumerate(comers, start=1):
        presses = float(rates.random()) < scenario.rating_share
        value, delay = pick(values), wait(delays)
        visitors.append(
            Visitor(
                number,
                comer.arrives,
                comer.errand,
                comer.service,
                value if presses else 0,
                delay if presses else 0,
                comer.recorded_call,
            )
        )
    return Day(
        scenario.name,
        scenario.sha256,
        seed,
        replication,
        tuple(visitors),
        _watermarks(scenario, visitors, (seed, replication)),
    )


def _comers(scenario: Scenario, seed: int, replication: int) -> list[_Comer]:
    """Arrivals, errands and services of a drawn day."""
    arrivals = scenario.arrivals
    mean = (arrivals.visitors or 0.0) * _busyness(arrivals.busyness_cv, stream(seed, replication, "busyness"))
    errands, services = stream(seed, replication, "errands"), stream(seed, replication, "services")
    pick = _Weighted({index: errand.share or 0.0 for index, errand in enumerate(scenario.errands)})
    comers = []
    for arrives in _arrivals(scenario, mean, stream(seed, replication, "arrivals")):
        errand = pick(errands)
        z = float(services.standard_normal())
        minutes = scenario.errands[errand].minutes
        if minutes is None:
            raise ValueError(f'errand "{scenario.errands[errand].name}" has no service time; load() would have said so')
        comers.append(_Comer(arrives, errand, max(1, round(_lognormal(minutes, z) * MINUTE))))
    return comers


def _busyness(cv: float, random: np.random.Generator) -> float:
    """Gamma with mean 1 and coefficient of variation `cv`; 1 when `cv` is 0."""
    shape = 1 / (cv * cv) if cv >= _ALIKE else 0.0
    return float(random.standard_gamma(shape)) / shape if shape else 1.0


def intensity(scenario: Scenario) -> Iterator[tuple[float, float, float, float]]:
    """Pieces (start, end, weight at start, weight at end) of the shape inside the opening hours; times in ns."""
    points = list(scenario.arrivals.shape.items())
    for span in scenario.hours.open:
        for (t0, w0), (t1, w1) in pairwise(points):
            start, end = max(t0, span.start), min(t1, span.end)
            if start < end:
                slope = (w1 - w0) / (t1 - t0)
                yield float(start), float(end), w0 + slope * (start - t0), w0 + slope * (end - t0)


def _arrivals(scenario: Scenario, mean: float, random: np.random.Generator) -> Iterator[int]:
    """Instants of a Poisson process with this mean number and the scenario's intensity."""
    pieces = list(intensity(scenario))
    areas = [(end - start) * (w0 + w1) / 2 for start, end, w0, w1 in pieces]
    upto = [0.0, *accumulate(areas)]
    scale = mean / upto[-1]
    reached = float(random.standard_exponential())
    while reached < mean:
        target = reached / scale
        index = min(bisect_right(upto, target) - 1, len(pieces) - 1)
        yield round(_inverse(pieces[index], target - upto[index]))
        reached += float(random.standard_exponential())


def _inverse(piece: tuple[float, float, float, float], area: float) -> float:
    """The instant up to which a piece of linear weight has this area."""
    start, end, w0, w1 = piece
    slope = (w1 - w0) / (end - start)
    # The root of w0 x + slope x^2 / 2 = area in the form that stays exact when the slope is small or zero.
    below = w0 + math.sqrt(max(0.0, w0 * w0 + 2 * slope * area))
    return min(end, start + (2 * area / below if below else 0.0))


def _lognormal(time: Lognormal, z: float) -> float:
    """The lognormal time at the standard normal value `z`, in the unit of `time`."""
    return time.median * math.exp(math.log(time.p90 / time.median) / _Z90 * z)


class _Weighted:
    """Draws a key with probability proportional to its weight, one uniform number each."""

    def __init__(self, weights: Mapping[int, float]) -> None:
        self._keys = [key for key, weight in weights.items() if weight > 0]
        self._upto = list(accumulate(weights[key] for key in self._keys))

    def __call__(self, random: np.random.Generator) -> int:
        at = bisect_right(self._upto, float(random.random()) * self._upto[-1])
        return self._keys[min(at, len(self._keys) - 1)]


class _Delay:
    """Draws a lognormal delay cut off at the rating window, one uniform number each; ns."""

    def __init__(self, delay: Lognormal, window_s: float) -> None:
        self._delay = delay
        self._window = round(window_s * NS)
        sigma = math.log(delay.p90 / delay.median) / _Z90
        beyond = math.log(window_s / delay.median)
        self._share = _NORMAL.cdf(beyond / sigma) if sigma else 1.0

    def __call__(self, random: np.random.Generator) -> int:
        quantile = (1.0 - float(random.random())) * self._share
        z = _NORMAL.inv_cdf(quantile) if 0.0 < quantile < 1.0 else 0.0
        return max(1, min(round(_lognormal(self._delay, z) * NS), self._window - 1))


def _watermarks(scenario: Scenario, visitors: list[Visitor], day: tuple[int, int]) -> dict[int, tuple[int, ...]]:
    """A sequence per counter, as long as the number of visitors who rate and could come to it."""
    if scenario.ratings != "watermark":
        return {}
    raters = [0] * len(scenario.errands)
    for visitor in visitors:
        raters[visitor.errand] += visitor.rating > 0
    sequences = {}
    for counter, errands in sorted(scenario.skills.items()):
        random = stream(*day, "watermarks", counter)
        length = sum(raters[errand] for errand in errands)
        sequences[counter] = watermark.sequence(length, _shuffler(random))
    return sequences


def _shuffler(random: np.random.Generator) -> Callable[[Sequence[int]], list[int]]:
    return lambda values: [int(value) for value in random.permutation(values)]
