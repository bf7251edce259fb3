"""A capacity study: designs over the same days, in this process or in several, until the answer is narrow enough.

Every design sees the same drawn days (common random numbers), numbered from 0. Days are made in chunks of a fixed size
and taken in order, and the stop rule looks at them in that order: the result is the same for any number of workers.
Whoever interrupts a study gets what is done.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from bench.hall.day import columns
from bench.planning.days import Asked, DayFigures, figures_of
from bench.planning.designs import Design
from bench.planning.engine import Delays
from bench.planning.outcome import Hall, engine_named
from bench.planning.statistics import LEAST_DAYS, Precision, Running

if TYPE_CHECKING:
    from bench.scenario.model import Scenario

CHUNK: Final = 10
"""Days a worker makes at once; the same for any number of workers."""

MOST_DAYS: Final = 1000
"""Days after which `auto` gives up on the precision, and says so."""


@dataclass(frozen=True, slots=True)
class Job:
    """What workers need.

    Attributes:
        base: the scenario from which days are drawn.
        designs: what is tried on each day, with the delays of each.
        seed: of the days.
        asked: what is kept of each day.
        engine: as `outcome.engine_named` takes it; found where the days are made.
        most: days from this number on are not needed.
    """

    base: Scenario
    designs: tuple[tuple[Scenario, Delays], ...]
    seed: int
    asked: Asked
    engine: str = "auto"
    most: int = MOST_DAYS

    def days(self, numbers: Iterable[int]) -> Iterator[list[DayFigures]]:
        """Figures by day, then by design."""
        engine = engine_named(self.engine)
        halls = [Hall(scenario, delays, engine) for scenario, delays in self.designs]
        fixed = columns(self.base, self.seed) if self.base.log and not self.base.rating_share else None
        for number in numbers:
            day = columns(self.base, self.seed, number) if fixed is None else fixed
            yield [figures_of(hall, day, self.asked) for hall in halls]


@dataclass(slots=True)
class Study:
    """What a study found.

    Attributes:
        designs: in the order in which they were asked for.
        days: by design, the figures of the days 0, 1, 2 ...
        why: "precision reached", "as many days as asked", "budget used up" or "interrupted".
        seed: of the days.
    """

    designs: tuple[Design, ...]
    days: list[list[DayFigures]] = field(default_factory=list)
    why: str = ""
    seed: int = 0

    @property
    def count(self) -> int:
        """Days that were made."""
        return len(self.days[0]) if self.days else 0


_JOB: Job | None = None


def _begin(job: Job) -> None:
    global _JOB  # a worker process has one job for its life, sent once
    _JOB = job
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means


def _chunk(first: int) -> list[list[DayFigures]]:
    assert _JOB is not None
    return list(_JOB.days(range(first, min(first + CHUNK, _JOB.most))))


def _made_here(job: Job) -> Generator[list[DayFigures], None, None]:
    yield from job.days(range(job.most))


def _made_by(job: Job, workers: int) -> Generator[list[DayFigures], None, None]:
    """Days in order from several processes, a few chunks ahead of whoever takes them."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(job,))
    ahead: deque[Future[list[list[DayFigures]]]] = deque()
    try:
        for first in range(0, job.most, CHUNK):
            ahead.append(pool.submit(_chunk, first))
            if len(ahead) > 2 * workers:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def run(
    base: Scenario,
    designs: Sequence[Design],
    delays: Callable[[Scenario], Delays],
    *,
    seed: int,
    asked: Asked,
    measure: Callable[[DayFigures], float | None],
    precision: Precision,
    days: int | None = None,
    most: int = MOST_DAYS,
    workers: int = 1,
    engine: str = "auto",
    source: Callable[[Job], Generator[list[DayFigures], None, None]] | None = None,
    progress: Callable[[float, str], None] = lambda _fraction, _text: None,
) -> Study:
    """Run a study.

    Args:
        base: the scenario from which days are drawn.
        designs: what to try.
        delays: what a visit costs in a hall besides the service.
        seed: of the days.
        asked: what is kept of each day.
        measure: the figure whose interval decides when it is enough.
        precision: how narrow.
        days: exactly so many; None lets the precision decide.
        most: where `days` is None, no more than so many.
        workers: processes; 1 makes the days in this one.
        engine: see `outcome.engine_named`.
        source: makes the days of a job in order, in place of this machine's processes (`bench.planning.cluster`).
        progress: told (fraction, text) now and then.
    """
    limit = days if days is not None else max(most, LEAST_DAYS)
    job = Job(base, tuple((design.scenario, delays(design.scenario)) for design in designs), seed, asked, engine, limit)
    study = Study(tuple(designs), [[] for _ in designs], seed=seed)
    rules = [Running(precision) for _ in designs]
    if workers > 1 and source is None and engine_named(engine) == "kernel":
        progress(0.0, "the compiled kernel is made ready")
        next(job.days([0]))  # compiled once, here, and not by every worker at the same time
    made = source(job) if source else _made_here(job) if workers == 1 else _made_by(job, workers)
    try:
        for figures in islice(made, limit):
            for place, found in enumerate(figures):
                study.days[place].append(found)
                rules[place].add(measure(found))
            progress(study.count / limit, f"{study.count} days")
            if days is None and all(rule.enough is not None for rule in rules):
                study.why = "precision reached"
                break
        else:
            study.why = "as many days as asked" if days is not None else "budget used up"
    except KeyboardInterrupt:
        study.why = "interrupted"
        whole = min(map(len, study.days))
        study.days = [found[:whole] for found in study.days]
    finally:
        made.close()
    return study
