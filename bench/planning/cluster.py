"""Days made by a dask cluster: the workers of a scheduler at an address (extra `cluster`).

A chunk is a range of day numbers, so any worker makes any day alone and the result is that of one process. The job goes
to the scheduler once, as a task whose result every chunk needs: whoever takes a chunk fetches it, and when the worker
that held it is gone the scheduler makes it again. A worker that is lost loses nothing: its chunks are made again by the
others. Chunks are handed out a few ahead of whoever takes the days, so a study that stops early wastes little.
"""

from __future__ import annotations

import platform
from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from bench.planning.days import DayFigures
from bench.planning.study import Job

CHUNK: Final = 25
"""Days a worker makes at once: a task costs the scheduler 2 to 3 ms (queueing.md section 3)."""

PATIENCE: Final = 5.0
"""Seconds after which a scheduler that does not answer is told to be not there."""

_MUST_AGREE: Final = ("hallbench", "numpy")


class ClusterError(RuntimeError):
    """The cluster cannot be used; says why and what to do."""


def versions() -> dict[str, str]:
    """What has to be the same everywhere for equal days: hallbench, numpy and Python."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in _MUST_AGREE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _same(job: Job) -> Job:
    return job


def _chunk(job: Job, first: int) -> list[list[DayFigures]]:
    return list(job.days(range(first, min(first + CHUNK, job.most))))


def days_by(address: str, patience: float = PATIENCE) -> Callable[[Job], Generator[list[DayFigures], None, None]]:
    """What `study.run` takes as `source`: days by the cluster at an address such as `tcp://10.0.0.5:8786`.

    Raises:
        ClusterError: from the first day on, when the extra is not installed, nobody answers, there is no worker, or
            the workers run other versions.
    """

    def made(job: Job) -> Generator[list[DayFigures], None, None]:
        client = _connected(address, patience)
        try:
            _check(client, address)
            yield from _days(client, job)
        finally:
            with suppress(Exception):  # a scheduler that has gone away cannot be told goodbye
                client.close(timeout=2)

    return made


def _connected(address: str, patience: float) -> Any:
    try:
        from distributed import Client
    except ImportError as exc:
        raise ClusterError("a cluster needs dask.distributed: pip install 'hallbench[cluster]'") from exc
    _must_be_address(address)
    try:
        return Client(address, timeout=patience, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TypeError, TimeoutError, AssertionError) as exc:  # its own loop did not start
        raise ClusterError(
            f"no dask scheduler answers at {address} within {patience:g} s ({type(exc).__name__}); start one with "
            "`dask scheduler`, workers with `dask worker ADDRESS`, and give its address as tcp://HOST:8786"
        ) from exc


def _must_be_address(address: str) -> None:
    """Told before a client is made of it: one that never began makes a noise when it is thrown away."""
    from distributed.comm.addressing import parse_address, parse_host_port
    from distributed.comm.registry import get_backend

    try:
        scheme, place = parse_address(address)
        get_backend(scheme)
        parse_host_port(place)
    except ValueError as exc:
        told = f"{address!r} is no address of a dask scheduler ({exc}); give it as tcp://HOST:8786"
        raise ClusterError(told) from exc


def _check(client: Any, address: str) -> None:
    """There is a worker, and each has the versions of this process."""
    if not client.scheduler_info().get("workers"):
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as exc:
            raise ClusterError(
                f"the scheduler at {address} has no worker; start one with `dask worker {address}`"
            ) from exc
    mine = versions()
    try:
        theirs: dict[str, dict[str, str]] = client.run(versions)
    except Exception as exc:  # whatever a worker without hallbench says
        raise ClusterError(f"the workers of {address} cannot run hallbench ({exc}); install it there too") from exc
    for worker, found in theirs.items():
        if found != mine:
            other = ", ".join(f"{name} {found.get(name)} (here {mine[name]})" for name in mine if found != mine)
            raise ClusterError(f"worker {worker} has other versions, so its days might differ: {other}")


def _days(client: Any, job: Job) -> Generator[list[DayFigures], None, None]:
    from distributed import CancelledError, KilledWorker
    from distributed.comm.core import CommClosedError

    kept = client.submit(_same, job, pure=False)
    ahead: deque[Any] = deque()
    try:
        for first in range(0, job.most, CHUNK):
            ahead.append(client.submit(_chunk, kept, first, pure=False, retries=3))
            if len(ahead) > 2 * max(1, len(client.scheduler_info(n_workers=-1)["workers"])):
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()
    except (CancelledError, KilledWorker, CommClosedError, OSError) as exc:
        raise ClusterError(
            f"the cluster was lost in mid-study ({type(exc).__name__}): is the scheduler still there, and are the "
            "workers killed for want of memory? What was done is lost with it; run the study again"
        ) from exc
    finally:
        with suppress(Exception):
            client.cancel([*ahead, kept])
