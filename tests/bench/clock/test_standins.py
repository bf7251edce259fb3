"""Stand-ins: all clocks of the actor's thread are the hall's, every other thread keeps real time."""

from __future__ import annotations

import datetime as dt
import queue
import sys
import threading
import time
from time import monotonic as early_monotonic
from types import ModuleType

import pytest
from serial.serialutil import Timeout

from bench.clock.clockwork import Clockwork
from bench.clock.kernel import DayOver, Kernel
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
        assert time.ctime() == time.asctime() == time.ctime(EPOCH + 7 * 3600)
        assert time.ctime(0).endswith("1970")


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


def test_a_thread_of_the_collectors_lives_in_simulated_time(world):
    """A thread started by the actor waits in the hall's time, and join waits for it there."""
    seen = []

    def work():
        time.sleep(100)
        seen.append(time.monotonic())

    with world:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(50)
        assert thread.is_alive()
        assert time.monotonic() == 7 * 3600 + 50
        thread.join()
        assert not thread.is_alive()
    assert seen == [7 * 3600 + 100]


def test_everything_is_put_back():
    """After the block the real functions are where they were."""
    sleep, now = time.sleep, time.time
    with installed():
        assert time.sleep is not sleep
    assert time.sleep is sleep
    assert time.time is now
    assert early_monotonic is time.monotonic


def test_a_class_that_bound_a_clock_early_is_found(world):
    """pyserial's `Timeout.TIME = time.monotonic` was bound at import: read_until measures with it."""
    with world:
        timeout = Timeout(5)
        time.sleep(4.5)
        assert not timeout.expired()
        time.sleep(1)
        assert timeout.expired()


def test_what_was_bound_inside_is_put_back_too():
    """A module (and a class in it) that bound stand-ins during the world has the real functions afterwards."""
    module = ModuleType("imported_in_the_world")
    sys.modules[module.__name__] = module
    real = time.sleep, time.monotonic, Timeout.TIME
    try:
        with installed():
            exec("from time import sleep\nimport time\nclass T:\n    TIME = time.monotonic", module.__dict__)
            assert module.sleep is not real[0]
        assert (module.sleep, module.T.TIME) == real[:2]
        assert Timeout.TIME is real[2]
    finally:
        del sys.modules[module.__name__]


def test_waits_on_events_and_queues_take_simulated_time(world):
    """With one thread nobody can notify: Event.wait, Queue.get and Condition.wait_for run into their time-outs, at
    once in real time and exactly in simulated time."""
    with world:
        start = time.monotonic()
        assert threading.Event().wait(600) is False
        with pytest.raises(queue.Empty):
            queue.Queue().get(timeout=300)
        condition = threading.Condition()
        with condition:
            assert condition.wait_for(lambda: False, timeout=100) is False
        assert time.monotonic() - start == 1000
        with pytest.raises(RuntimeError, match="un-acquired"):
            condition.wait(1)


def test_an_event_set_by_a_thread_ends_a_wait_at_its_instant(world):
    """Event.wait ends when another thread of the collector's sets it, with or without a time-out."""
    with world:
        for timeout in (30, None):
            done, start = threading.Event(), time.monotonic()
            threading.Timer(12, done.set).start()
            assert done.wait(timeout) is True
            assert time.monotonic() == start + 12


def test_worlds_in_worlds(world):
    """An inner world has its own clock; after it the outer one's is back."""
    inner = Kernel(Clockwork(0), epoch_ns=0)
    with world:
        with installed(), inner:
            time.sleep(5)
            assert (time.time(), dt.datetime.now(dt.UTC).timestamp()) == (5, 5)
        assert time.time() == dt.datetime.now(dt.UTC).timestamp() == EPOCH + 7 * 3600


def test_two_worlds_one_after_the_other_are_equal():
    """The same program reads the same instants in each."""

    def run():
        kernel, seen = Kernel(Clockwork(0), epoch_ns=0), []
        with installed(), kernel:
            for i in range(200):
                seen += [time.monotonic_ns(), time.time(), dt.datetime.now(dt.UTC)]
                time.sleep(i / 7)
        return seen

    assert run() == run()


def test_the_day_may_end_in_a_calendar_call(world):
    """A program that only asks datetime.now() is asked to end as well."""
    world.until = world.clockwork.now + NS

    def ask():
        while True:
            dt.datetime.now(dt.UTC)

    with world, pytest.raises(DayOver):
        ask()
