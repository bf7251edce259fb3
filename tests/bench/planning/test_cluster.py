"""Days by a cluster: the same as in one process, whatever happens to a worker."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Iterator

import pytest
from distributed import LocalCluster

from bench.planning.cluster import CHUNK, ClusterError, days_by
from bench.planning.days import Asked, DayFigures
from bench.planning.engine import people
from bench.planning.study import Job
from bench.scenario.load import load

DAYS = 12 * CHUNK


@pytest.fixture(scope="module")
def two_workers() -> Iterator[LocalCluster]:
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1", silence_logs=60
    )
    with cluster:
        yield cluster


@pytest.fixture(scope="module")
def job() -> Job:
    scenario = load("tan_hoi")
    return Job(scenario, ((scenario, people(scenario)),), 3, Asked(), "python")


@pytest.fixture(scope="module")
def alone(job: Job) -> list[list[DayFigures]]:
    return list(job.days(range(DAYS)))


def taken(cluster: LocalCluster, job: Job, after_first: object = None) -> list[list[DayFigures]]:
    """The first days by the cluster; `after_first` is called once the first has come."""
    source = days_by(cluster.scheduler_address, patience=60)(job)
    days = []
    try:
        for figures in source:
            days.append(figures)
            if len(days) == 1 and callable(after_first):
                after_first()
            if len(days) == DAYS:
                break
    finally:
        source.close()
    return days


def test_a_cluster_makes_the_days_of_one_process(
    two_workers: LocalCluster, job: Job, alone: list[list[DayFigures]]
) -> None:
    """Figures of two worker processes equal those made here, day by day."""
    assert taken(two_workers, job) == alone


def test_a_worker_killed_in_mid_run_loses_nothing(
    two_workers: LocalCluster, job: Job, alone: list[list[DayFigures]]
) -> None:
    """One of two workers is killed while chunks are under way: every day comes, once, in order, as before."""
    process = next(iter(two_workers.workers.values())).process.process
    before = process.pid

    def kill() -> None:
        os.kill(before, signal.SIGKILL)

    assert taken(two_workers, job, kill) == alone
    assert not process.is_alive() or process.pid != before


def test_a_cluster_that_is_not_there_is_told_within_seconds(job: Job) -> None:
    """Nobody listens at the address: an error that names it and says what to start, not a wait for ever."""
    begun = time.monotonic()
    with pytest.raises(ClusterError, match=r"tcp://127\.0\.0\.1:9 .*dask scheduler"):
        next(days_by("tcp://127.0.0.1:9", patience=1.0)(job))
    assert time.monotonic() - begun < 60  # the time-out was kept; generous, for a slow machine


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("address", ["", "nonsense", "gopher://x:1", "tcp://[::1"])
def test_an_address_that_is_none_is_told(job: Job, address: str) -> None:
    """Whatever stands for an address ends in the same kind of error, and in nothing else."""
    with pytest.raises(ClusterError, match="no address of a dask scheduler"):
        next(days_by(address, patience=0.5)(job))
    gc.collect()
