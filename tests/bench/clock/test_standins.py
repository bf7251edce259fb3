"""Stand-ins: all clocks of the actor's thread are the hall's, every other thread keeps real time."""

from __future__ import annotations

import datetime as dt
import threading
import time
from time import monotonic as early_monotonic

import pytest

from bench.clock.clockwork import Clockwork
from bench.clock.kernel import Kernel
from bench.clock.standins import installed
from firmware_sim.device import NS

EPOCH = 1_741_539_600  # 2025-03-10 00:00 in Viet Nam


@pytest.fixture
def world():
    kernel = Kernel(Clockwork(7 * 3600 * NS), epoch_ns=EPOCH * NS)
    with installed():
        yield kernel


def test_every_clock_agrees(world):
    """time, monotonic, perf_counter, clock_gettime and the calendar stand at the hall's instant."""
    with world:
        assert time.time() == EPOCH + 7 * 3600
        assert time.time_ns() == (EPOCH + 7 * 3600) * NS
        assert time.monotonic() == time.perf_counter() == early_monotonic() == 7 * 3600
        assert time.clock_gettime(time.CLOCK_MONOTONIC) == 7 * 3600
        assert time.clock_gettime_ns(time.CLOCK_REALTIME) == time.time_ns()
        assert dt.datetime.now(dt.UTC).timestamp() == EPOCH + 7 * 3600
        assert time.gmtime()[:5] == (2025, 3, 10, 0, 0)


def test_sleep_costs_no_real_time(world):
    """An hour's sleep moves every clock by an hour, exactly."""
    with world:
        before = dt.datetime.now(dt.UTC)
        time.sleep(3600.5)
        assert time.monotonic() == 7 * 3600 + 3600.5
        assert (dt.datetime.now(dt.UTC) - before).total_seconds() == 3600.5


def test_stand_ins_are_no_methods(world):
    """`class T: TIME = time.monotonic` (as in pyserial) must not bind the instance."""

    class Timeout:
        TIME = time.monotonic

    with world:
        assert Timeout().TIME() == 7 * 3600


def test_other_threads_keep_real_time(world):
    """A thread outside the world reads and sleeps real time, also while the actor is inside."""
    real = []

    def outside():
        start = time.time()
        time.sleep(0.01)
        real.append((start, time.time() - start))

    thread = threading.Thread(target=outside)
    thread.start()
    with world:
        time.sleep(1000)
    thread.join()
    assert abs(real[0][0] - EPOCH) > 1_000_000
    assert real[0][1] >= 0.009


def test_a_thread_of_the_collector_is_told_about(world):
    """A thread started by the actor runs in real time, and a warning says so."""
    thread = threading.Thread(target=lambda: None)
    with world, pytest.warns(RuntimeWarning, match="runs in real time"):
        thread.start()
    thread.join()


def test_everything_is_put_back():
    """After the block the real functions are where they were."""
    sleep, now = time.sleep, time.time
    with installed():
        assert time.sleep is not sleep
    assert time.sleep is sleep
    assert time.time is now
    assert early_monotonic is time.monotonic
