"""The kernel: waiting moves the clock, deadlines are exact, a day always ends."""

from __future__ import annotations

import signal

import pytest

from bench.clock.clockwork import Clockwork, clock_text, seconds
from bench.clock.kernel import (
    SPIN_FREE,
    SPIN_NS,
    STUBBORN,
    BenchFailure,
    DayOver,
    Kernel,
    StubbornCollector,
    VirtualDeadlock,
)
from firmware_sim.device import NS


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
    """A program with a handler of its own is asked by it first, and then has time to finish."""
    asked = []
    kernel.until, kernel.grace = 1_000, 400
    before = signal.signal(signal.SIGTERM, lambda *_: asked.append(kernel.clockwork.now))
    try:
        with kernel:
            assert kernel.park(1_300) is False
            with pytest.raises(DayOver):
                kernel.park(2_000)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert asked == [1_000]
    assert kernel.clockwork.now == 1_400


def test_a_busy_loop_costs_time(kernel):
    """After some free clock reads each further one moves the clock: `while time.time() - t < x` ends."""
    with kernel:
        start = kernel.now_ns()
        for _ in range(SPIN_FREE + 10):
            kernel.now_ns()
        assert kernel.clockwork.now - start == 11 * SPIN_NS


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


def test_instants_as_people_read_them():
    """Instants print as time of day."""
    assert clock_text(seconds(10 * 3600 + 41 * 60 + 7.25), millis=True) == "10:41:07.250"
    assert clock_text(seconds(7.5 * 3600)) == "07:30"
