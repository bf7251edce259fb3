"""Worker processes that play trials: warm, independent of each other, replaced when a program takes one down with it.

Trials are handed out in order and their outcomes come back in order, so what a hunt finds does not depend on how many
workers there are. Workers are in sessions of their own: an interrupt at the keyboard reaches the hunt alone, which ends
them.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final, Self

from bench.hunt.trial import RUNNING, Outcome, Trial

__all__ = ["Crew", "at_most"]

_BY_FORCE: Final = 6
_GRACE_S: Final = 3.0


def at_most() -> int:
    """Workers by default: one for each processor that this process may use."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _work(pipe: Connection, job: Any) -> None:
    """A worker's life: trials in, outcomes out, until the pipe is closed."""
    with contextlib.suppress(OSError):
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    from bench.hunt.play import play

    os.dup2(null, 2)  # what the program prints is in its log, and what fails is in the outcome
    while True:
        try:
            number, trial, keep = pipe.recv()
        except (EOFError, OSError):
            return
        outcome = play(job, trial, keep)
        try:
            pipe.send((number, outcome))
        except OSError:
            return


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    number: int | None = None
    trial: Trial | None = None


class Crew:
    """So many workers; a context manager that ends them.

    Args:
        job: what all trials share.
        workers: how many, 1 or more.
    """

    def __init__(self, job: Any, workers: int) -> None:
        self.job = job
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._wanted = max(1, workers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            self._end(worker)
        self._workers.clear()

    def _hire(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self.job))
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until it has left our session
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _end(self, worker: _Worker) -> None:
        with contextlib.suppress(OSError):
            worker.pipe.close()
        if worker.trial is not None:
            worker.process.terminate()
        worker.process.join(_GRACE_S)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join(_GRACE_S)

    # -- playing ----------------------------------------------------------------------------------------------------
    def one(self, trial: Trial, keep: Path | None = None) -> Outcome:
        """Play one trial."""
        return next(self.all([trial], keep))[2]

    def all(
        self, trials: Iterable[Trial], keep: Path | None = None, until: float | None = None
    ) -> Iterator[tuple[int, Trial, Outcome]]:
        """Play trials; yields (number from 0, trial, outcome) in their order.

        Args:
            trials: taken one by one, as workers become free.
            keep: where the run directory of each is left.
            until: instant of `time.monotonic` after which no further trial is begun.
        """
        coming = enumerate(trials)
        done: dict[int, tuple[Trial, Outcome]] = {}
        following, exhausted = 0, False
        try:
            while True:
                while not exhausted and (worker := self._free()) is not None:
                    late = until is not None and time.monotonic() >= until
                    given = None if late else next(coming, None)
                    if given is None:
                        exhausted = True
                        break
                    worker.number, worker.trial = given
                    worker.pipe.send((*given, keep))
                busy = [worker for worker in self._workers if worker.trial is not None]
                if not busy:
                    return
                self._gather(busy, done)
                while following in done:
                    yield following, *done.pop(following)
                    following += 1
        finally:
            for worker in [worker for worker in self._workers if worker.trial is not None]:
                self._workers.remove(worker)  # nobody wants to know any more
                self._end(worker)

    def _free(self) -> _Worker | None:
        for worker in self._workers:
            if worker.trial is None:
                return worker
        return self._hire() if len(self._workers) < self._wanted else None

    def _gather(self, busy: list[_Worker], done: dict[int, tuple[Trial, Outcome]]) -> None:
        ready = wait([worker.pipe for worker in busy])
        for worker in busy:
            if worker.pipe not in ready:
                continue
            assert worker.trial is not None
            try:
                number, outcome = worker.pipe.recv()
            except (EOFError, OSError):
                assert worker.number is not None
                number, outcome = worker.number, self._lost(worker)
            done[number] = worker.trial, outcome
            worker.number = worker.trial = None

    def _lost(self, worker: _Worker) -> Outcome:
        """A worker is gone: the program took it down, or it had to be ended by force."""
        worker.process.join(_GRACE_S)
        status = worker.process.exitcode
        self._workers.remove(worker)
        worker.pipe.close()
        if status == _BY_FORCE:
            told = "the program hung, and did not react to being interrupted"
        else:
            told = f"the program took the process down that it ran in (exit status {status})"
        return Outcome(
            violated={RUNNING: 1},
            stories={RUNNING: [told]},
            sentence=f"VIOLATED: {told}",
            collector={"how": "hung", "status": 1, "detail": told},
        )
