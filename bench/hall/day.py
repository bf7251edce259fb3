"""One day, drawn once: everything random of a run, before it starts.

Every purpose has a named stream of its own, `SeedSequence(entropy=seed, spawn_key=(replication, purpose))`, so that a
new purpose, or more draws of one, never shifts the others: two designs that differ in one thing see the same visitors.
Draws use the Generator's own methods and scalar `math` (array `log` and `exp` differ between processors) and are
rounded to whole nanoseconds, so the same seed gives the same day on every machine (architecture.md sections 4 and 5);
how a whole column is drawn at once stands in `bench.hall.columns`.

Arrivals are a Poisson process whose intensity is linear between the points of the scenario's shape and zero outside the
opening hours, by exact inversion of its integral (queueing.md section 0, point 6: the next gap at the rate of now would
lose the peak). The mean of the day is `visitors` times a gamma busyness of mean 1; the number of visitors follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

import numpy as np

from bench.hall import columns as sampling
from bench.hall import recorded, watermark
from bench.hall.appointments import with_appointments
from bench.hall.columns import COMES, DIVERTED, NO_SHOW, ONLINE, Columns, People
from bench.scenario.model import Scenario
from bench.scenario.people import Lognormal
from bench.scenario.times import MINUTE

PURPOSES: Mapping[str, int] = {
    "busyness": 1,
    "arrivals": 2,
    "errands": 3,
    "services": 4,
    "rates": 5,
    "values": 6,
    "delays": 7,
    "watermarks": 8,
    "classes": 9,
    "ways": 10,
    "patience": 11,
    "limits": 12,
    "seconds": 13,
    "appointments": 14,
}
"""Number of each purpose's stream; a number is never used again for something else."""

_ALIKE = 1e-6
"""A coefficient of variation below this moves no visitor, and its square may be too small for a float."""


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
        visitor_class: place in `Scenario.visitor_classes`; -1 for none.
        way: COMES; ONLINE = stays at home; DIVERTED = the greeter helps, no ticket; NO_SHOW = leaves with the ticket;
            MISSED = has an appointment and does not come.
        patience: from the ticket in hand to giving up, ns; 0 for whoever stays.
        limit: leaves at once when the ticket says that more people than this wait before; -1 for whoever does not mind.
        second: time at the counter of the errand that follows, ns; 0 when none does.
        agreed: instant of the appointment, before which nobody takes a ticket; 0 for whoever has none.
    """

    number: int
    arrives: int
    errand: int
    service: int
    rating: int
    rating_delay: int
    recorded_call: int | None = None
    visitor_class: int = -1
    way: int = COMES
    patience: int = 0
    limit: int = -1
    second: int = 0
    agreed: int = 0


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
        """A JSON-able dict; `from_json` gives the equal day back. Columns in which nobody differs are left out."""
        plain = Visitor(0, 0, 0, 0, 0, 0)
        some = (n for n in _OPTIONAL if any(getattr(v, n) != getattr(plain, n) for v in self.visitors))
        written = (*_COLUMNS, *some)
        return {
            "schema_version": 1,
            "scenario": self.scenario,
            "sha256": self.sha256,
            "seed": self.seed,
            "replication": self.replication,
            "columns": list(written),
            "visitors": [[getattr(visitor, name) for name in written] for visitor in self.visitors],
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
_OPTIONAL = ("visitor_class", "way", "patience", "limit", "second", "agreed")


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
    found = columns(scenario, seed, replication)
    recorded_calls = found.recorded or (None,) * len(found.arrives)
    rows = [column.tolist() for column in found.plain()]
    people = [] if found.people is None else [column.tolist() for column in found.people]
    visitors = list(map(Visitor, count(1), *rows, recorded_calls, *people))
    return Day(
        scenario.name,
        scenario.sha256,
        seed,
        replication,
        tuple(visitors),
        _watermarks(scenario, visitors, (seed, replication)),
    )


def columns(scenario: Scenario, seed: int, replication: int = 0) -> Columns:
    """The visitors of that day as columns, for whoever needs no watermarks and no objects.

    Args:
        scenario: a loaded scenario.
        seed: 0 or more.
        replication: number of the day, 0 or more.

    Raises:
        ValueError: a negative seed or replication.
    """
    if seed < 0 or replication < 0:
        raise ValueError(f"seed {seed} and replication {replication} must not be negative")
    if scenario.log:
        fitted = recorded.fit(scenario)
        arrives, errands, services = np.array([ticket[:3] for ticket in fitted], np.int64).reshape(-1, 3).T
        calls = tuple(ticket.recorded_call for ticket in fitted)
    else:
        arrives, errands, services = _comers(scenario, seed, replication)
        calls = ()
    people = _people(scenario, errands, (seed, replication))
    if people is not None and scenario.visitor_classes:
        services = _times(services, people.classes, [found.service_factor for found in scenario.visitor_classes])
    rates, values, delays = (stream(seed, replication, purpose) for purpose in ("rates", "values", "delays"))
    many = len(arrives)
    presses = rates.random(many) < scenario.rating_share
    pressed = np.where(presses, sampling.pick(scenario.rating_values, many, values), 0)
    waits = np.zeros(many, np.int64)
    waits[presses] = sampling.delays(scenario.rating_delay_s, scenario.rating_window_s, delays.random(many)[presses])
    found = Columns(arrives, errands, services, pressed, waits, calls, people)
    return with_appointments(scenario, found, lambda errand: stream(seed, replication, "appointments", errand))


def _people(scenario: Scenario, errands: sampling.Whole, day: tuple[int, int]) -> People | None:
    """What a scenario says of its people, drawn; None when it says nothing. Each purpose has a stream of its own."""
    classes, patience = scenario.visitor_classes, scenario.patience
    online, greeter = scenario.arrivals.online_share, scenario.greeter
    follows = scenario.next_errand
    if not (classes or patience or online or greeter or follows):
        return None
    many = len(errands)
    none = np.full(many, -1, np.int64)
    of_class, ways, ends = none, np.zeros(many, np.int64), np.zeros(many, np.int64)
    limits, seconds = none, np.zeros(many, np.int64)
    if classes:
        upto = np.cumsum([found.share for found in classes])
        drawn = np.searchsorted(upto, stream(*day, "classes").random(many), side="right")
        of_class = np.where(drawn < len(classes), drawn, -1).astype(np.int64)
    at_home, helped, leaves = stream(*day, "ways").random((3, many))
    ways[leaves < (patience.no_show if patience else 0.0)] = NO_SHOW
    ways[helped < (greeter.share if greeter else 0.0)] = DIVERTED
    ways[at_home < online] = ONLINE
    if patience is not None and (patience.minutes or patience.observed):
        random = stream(*day, "patience")
        loses = random.random(many) < patience.share
        if patience.minutes is not None:
            times = sampling.lognormal(*_alike(patience.minutes, many), random.standard_normal(many))
        else:
            times = np.array(patience.observed, float)[random.integers(len(patience.observed), size=many)]
        found = np.maximum(1, sampling.whole(times * MINUTE))
        found = _times(found, of_class, [one.patience_factor for one in classes])
        ends = np.where(loses, found, 0)
    if patience is not None and patience.queue is not None:
        z = stream(*day, "limits").standard_normal(many)
        limits = np.floor(sampling.lognormal(*_alike(patience.queue, many), z)).astype(np.int64)
    if follows:
        random = stream(*day, "seconds")
        on, z = random.random(many), random.standard_normal(many)
        for errand, following in follows.items():
            then = scenario.errands[errand].then
            minutes = None if then is None else then.minutes or scenario.errands[following].minutes
            if then is None or minutes is None:
                raise ValueError(f'errand "{scenario.errands[following].name}" has no service time')
            mine = (errands == errand) & (on < then.share)
            times = sampling.lognormal(*_alike(minutes, int(mine.sum())), z[mine])
            seconds[mine] = np.maximum(1, sampling.whole(times * MINUTE))
        seconds = np.where(seconds > 0, _times(seconds, of_class, [one.service_factor for one in classes]), 0)
    return People(of_class, ways, ends, limits, seconds, np.zeros(many, np.int64))


def _alike(time: Lognormal, many: int) -> tuple[sampling.Real, sampling.Real]:
    """Medians and spreads of so many draws of one time."""
    return np.full(many, time.median), np.full(many, sampling.spread(time))


def _times(values: sampling.Whole, classes: sampling.Whole, factors: Sequence[float]) -> sampling.Whole:
    """Durations by the factors of classes, at least 1 ns."""
    by = np.array([*factors, 1.0])[classes]
    return np.where(by == 1, values, np.maximum(1, sampling.whole(values * by)))


def _comers(scenario: Scenario, seed: int, replication: int) -> tuple[sampling.Whole, ...]:
    """Arrivals, errands and services of a drawn day."""
    of_day = scenario.arrivals
    mean = (of_day.visitors or 0.0) * _busyness(of_day.busyness_cv, stream(seed, replication, "busyness"))
    times = [errand.minutes for errand in scenario.errands]
    for errand, minutes in zip(scenario.errands, times, strict=True):
        if minutes is None:
            raise ValueError(f'errand "{errand.name}" has no service time; load() would have said so')
    arrives = sampling.arrivals(list(intensity(scenario)), mean, stream(seed, replication, "arrivals"))
    shares = {index: errand.share or 0.0 for index, errand in enumerate(scenario.errands)}
    errands = sampling.pick(shares, len(arrives), stream(seed, replication, "errands"))
    medians = np.array([minutes.median for minutes in times if minutes])
    spreads = np.array([sampling.spread(minutes) for minutes in times if minutes])
    z = stream(seed, replication, "services").standard_normal(len(arrives))
    services = sampling.whole(sampling.lognormal(medians[errands], spreads[errands], z) * MINUTE)
    return arrives, errands, np.maximum(1, services)


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
