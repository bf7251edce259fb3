"""The kernel: waiting moves the clock, deadlines are exact, a day always ends."""

from __future__ import annotations

import signal
import threading

import pytest

from bench.clock.clockwork import Clockwork
from bench.clock.kernel import (
    SPIN_FREE,
    SPIN_MOST,
    SPIN_NS,
    STUBBORN,
    BenchFailure,
    DayOver,
    Kernel,
    StubbornCollector,
    VirtualDeadlock,
)
from bench.clock.standins import installed
from firmware_sim.device import NS


def forever(fn):
    while True:
        fn()


@pytest.fixture
def kernel():
    return Kernel(Clockwork(100), epoch_ns=1_700_000_000 * NS)


def test_calls_for_one_instant_keep_their_order():
    """call_at is first in, first out at equal instants, and refuses the past."""
    clock, seen = Clockwork(5), []
    for name in "abc":
        clock.call_at(7, seen.append, name)
    clock.call_at(6, seen.append, "first")
    clock.advance_to(7)
    assert seen == ["first", "a", "b", "c"]
    assert clock.now == 7
    with pytest.raises(ValueError, match="past"):
        clock.call_at(6, seen.append, "x")


def test_advance_to_runs_what_is_due_at_its_instant():
    """advance_to(t) runs events AT t, unlike run(until=t), and may stand still."""
    clock, seen = Clockwork(), []
    clock.call_at(10, seen.append, 1)
    clock.advance_to(10)
    clock.advance_to(10)
    assert (seen, clock.now) == ([1], 10)


def test_park_ends_at_its_deadline_exactly(kernel):
    """Without a wake-up the clock stands at the deadline afterwards."""
    with kernel:
        assert kernel.park(5_000) is False
    assert kernel.clockwork.now == 5_000


def test_park_ends_at_the_wake_up(kernel):
    """A wake-up ends the wait at its instant, after the step that made it; events at the deadline come before it."""
    kernel.clockwork.call_at(700, kernel.wake)
    with kernel:
        assert kernel.park(5_000) is True
        assert kernel.clockwork.now == 700
        kernel.clockwork.call_at(900, kernel.wake)
        assert kernel.park(900) is True


def test_a_wait_without_end_is_named(kernel):
    """Nothing scheduled and no deadline: an error that says on what it waited, instead of a hang."""
    with kernel, pytest.raises(VirtualDeadlock, match="port keypads"):
        kernel.park(on="port keypads")


def test_the_end_of_the_day_asks_the_program_to_end(kernel):
    """Waiting past the end raises DayOver, again and again, and at last something no handler expects."""
    kernel.until = 1_000
    with kernel:
        with pytest.raises(DayOver):
            kernel.park(2_000)
        assert kernel.clockwork.now == 1_000
        for _ in range(STUBBORN - 1):
            with pytest.raises(DayOver):
                kernel.park(2_000)
        with pytest.raises(StubbornCollector):
            kernel.park(2_000)


def test_the_day_can_end_during_a_wait(kernel):
    """end_at also shortens a wait that has begun."""
    kernel.clockwork.call_at(500, kernel.end_at, 600)
    with kernel, pytest.raises(DayOver):
        kernel.park(5_000)
    assert kernel.clockwork.now == 600


def test_a_sigterm_handler_gets_its_grace(kernel):
    """A program with a handler of its own is asked by it first, and then has time to finish; the wait that the handler
    interrupted is looked at again by who waits."""
    asked = []
    kernel.until, kernel.grace = 1_000, 400
    before = signal.getsignal(signal.SIGTERM)
    try:
        with kernel:
            signal.signal(signal.SIGTERM, lambda *_: asked.append(kernel.clockwork.now))
            assert kernel.park(1_300) is True
            assert kernel.clockwork.now == 1_000
            assert kernel.park(1_300) is False
            with pytest.raises(DayOver):
                kernel.park(2_000)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert asked == [1_000]
    assert kernel.clockwork.now == 1_400


def test_the_hosts_own_sigterm_handler_is_not_called(kernel):
    """A handler that was there before the collector is not the collector's: it is asked to end without it."""
    called = []
    before = signal.signal(signal.SIGTERM, lambda *_: called.append(1))
    kernel.until = 1_000
    try:
        with kernel, pytest.raises(DayOver):
            kernel.park(1_300)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert called == []


def test_a_handler_may_wait_and_may_exit(kernel):
    """A SIGTERM handler that sleeps and raises SystemExit ends the wait with its own status."""

    def handler(*_):
        kernel.sleep(100e-9)
        raise SystemExit(7)

    kernel.until, kernel.grace = 1_000, 400
    before = signal.getsignal(signal.SIGTERM)
    try:
        with kernel:
            signal.signal(signal.SIGTERM, handler)
            with pytest.raises(SystemExit) as caught:
                kernel.sleep(1)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert caught.value.code == 7
    assert not isinstance(caught.value, DayOver)
    assert kernel.clockwork.now == 1_100


def test_a_handler_that_wakes_ends_a_wait_on_an_event(kernel):
    """`while not stop.wait(5)` with `stop.set()` in the SIGTERM handler ends at the end of the day, not later."""
    stop = threading.Event()
    kernel.until, kernel.grace = 8 * NS, 60 * NS
    before = signal.getsignal(signal.SIGTERM)
    rounds = 0
    try:
        with installed(), kernel:
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            while not stop.wait(5):
                rounds += 1
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (rounds, kernel.clockwork.now) == (1, 8 * NS)


@pytest.mark.parametrize("broken", [ZeroDivisionError, SystemExit, DayOver, KeyboardInterrupt])
def test_after_a_failure_nothing_runs_any_more(kernel, broken):
    """A step that was broken off leaves a world that no later wait may go on with, whatever the collector swallows; and
    Ctrl-C stays Ctrl-C."""
    ran = []

    def fail():
        raise broken

    kernel.clockwork.call_at(200, fail)
    kernel.clockwork.call_at(300, ran.append, 1)
    expected = KeyboardInterrupt if broken is KeyboardInterrupt else BenchFailure
    with kernel:
        for wait in (lambda: kernel.park(1_000), lambda: kernel.sleep(1), kernel.now_ns):
            with pytest.raises(expected):
                wait()
    with pytest.raises(expected):
        kernel.drive()
    assert ran == []


def test_a_collector_that_will_not_end_shows_no_life(kernel):
    """Once the end was swallowed too often, further waits and clock reads are no sign of life to a watchdog."""
    kernel.until = 1_000
    with kernel:
        for _ in range(STUBBORN + 1):
            with pytest.raises((DayOver, StubbornCollector)):
                kernel.park(2_000)
        before = kernel.beats
        for wait in (lambda: kernel.park(2_000), kernel.now_ns):
            with pytest.raises(StubbornCollector, match="swallowed the end of the day 200 times"):
                wait()
    assert kernel.beats == before


def test_a_busy_loop_costs_time(kernel):
    """After some free clock reads each further one moves the clock: `while time.time() - t < x` ends."""
    with kernel:
        start = kernel.now_ns()
        for _ in range(SPIN_FREE + 10):
            kernel.now_ns()
        assert kernel.clockwork.now - start == 11 * SPIN_NS


def test_a_busy_loop_costs_more_the_longer_it_lasts(kernel):
    """The price grows with the time that was spent, so an hour is soon over, and a wait by the clock ends within a
    256th of its length, or 10 ms when that is less."""
    with kernel:
        for length in (50_000_000, 3 * NS, 3600 * NS):
            kernel.sleep(1)
            start, reads = kernel.now_ns(), 0
            while kernel.now_ns() - start < length:
                reads += 1
            late = kernel.clockwork.now - start - length
            assert 0 <= late <= max(SPIN_NS, min(length // 256, SPIN_MOST))
    assert reads < 400_000


def test_a_busy_loop_never_passes_an_event(kernel):
    """Each event of the hall ends the price of a look at its own instant."""
    seen = []
    for at in range(1000, 5 * NS, 777_777):
        kernel.clockwork.call_at(at, lambda at=at: seen.append((at, kernel.clockwork.now)))
    looks = set()
    with kernel:
        while kernel.now_ns() < 5 * NS:
            looks.add(kernel.clockwork.now)
    late = [at for at, _ in seen[100:] if at not in looks]
    assert late == []


def test_a_failing_model_fails_the_bench_not_the_collector(kernel):
    """An exception inside a step is no Exception in the collector: no `except Exception` may hide it."""

    def broken():
        raise ZeroDivisionError("model")

    kernel.clockwork.call_at(200, broken)
    with kernel, pytest.raises(BenchFailure, match="ZeroDivisionError: model"):
        kernel.park(1_000)
    assert not issubclass(BenchFailure, Exception)


def test_models_must_not_wait(kernel):
    """A device model that parks is told so: models are sans-IO."""
    kernel.clockwork.call_at(200, lambda: kernel.park(300))
    with kernel, pytest.raises(BenchFailure, match="sans-IO"):
        kernel.park(1_000)


def test_drive_runs_to_an_end_that_moves(kernel):
    """Without a collector the environment runs to the end, also when the end comes nearer on the way."""
    seen = []
    for at in (300, 400, 900):
        kernel.clockwork.call_at(at, seen.append, at)
    kernel.clockwork.call_at(350, kernel.end_at, 500)
    kernel.until = 10_000
    kernel.drive()
    assert (seen, kernel.clockwork.now) == ([300, 400], 500)


@pytest.mark.parametrize(
    ("seconds_", "error"), [(-1, ValueError), (float("nan"), ValueError), (float("inf"), OverflowError)]
)
def test_impossible_sleeps_raise_what_the_real_ones_raise(kernel, seconds_, error):
    """Negative, NaN and infinite lengths are refused with the type that time.sleep uses; the clock stands still."""
    with kernel, pytest.raises(error):
        kernel.sleep(seconds_)
    assert kernel.clockwork.now == 100


def test_the_longest_and_the_shortest_sleep(kernel):
    """A sleep of less than a nanosecond lasts one; one of thirty years ends with the day."""
    kernel.until = 1_000
    with kernel:
        kernel.sleep(1e-12)
        assert kernel.clockwork.now == 101
        with pytest.raises(DayOver):
            kernel.sleep(1e9)


def test_a_deadline_at_an_events_instant_sees_the_event(kernel):
    """What is due at the deadline has run when the wait ends, and a shortened wait ends at the earliest of all."""
    seen = []
    kernel.clockwork.call_at(500, seen.append, "event")
    kernel.clockwork.call_at(300, kernel.shorten, 450)
    kernel.clockwork.call_at(310, kernel.shorten, 480)
    with kernel:
        assert kernel.park(500) is False
        assert (kernel.clockwork.now, seen) == (450, [])
        assert kernel.park(500) is False
    assert (kernel.clockwork.now, seen) == (500, ["event"])


def test_the_end_of_the_day_inside_a_busy_loop(kernel):
    """A program that only reads the clock is asked to end too."""
    kernel.until = 200_000
    with kernel, pytest.raises(DayOver):
        forever(kernel.now_ns)
