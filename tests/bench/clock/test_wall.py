"""Wall time, on an event loop whose clock the test moves: in order, never early, and what is late is counted."""

from __future__ import annotations

import asyncio
import selectors

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clock.clockwork import Clockwork
from bench.clock.lateness import Lateness
from bench.clock.wall import SELECT_UP_TO, WallDriver, distortion, make_loop
from firmware_sim.device import NS

MS = 1_000_000


class FakeSelector(selectors.SelectSelector):
    """Waits by moving the loop's clock; `late` seconds too long each time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.late = 0.0

    def select(self, timeout=None):
        if timeout is None:
            raise AssertionError("the loop would wait for ever: nothing is due")
        if timeout > 0:
            self.now += timeout + self.late
        return super().select(0)


class FakeLoop(asyncio.SelectorEventLoop):
    """A loop on that selector; each look at its clock takes a microsecond, so that waiting on the processor ends."""

    def __init__(self) -> None:
        self.fake = FakeSelector()
        super().__init__(self.fake)

    def time(self) -> float:
        self.fake.now += 1e-6
        return self.fake.now


@pytest.fixture
def loop():
    loop = FakeLoop()
    yield loop
    loop.close()


@pytest.fixture
def clock():
    return Clockwork(36_000 * NS)


def at(clock: Clockwork, ms: float) -> int:
    return 36_000 * NS + round(ms * MS)


def test_everything_due_happens_in_order_and_never_early(loop, clock):
    """Events happen in their order, each at a real time not before it is due."""
    driver = WallDriver(clock, loop)
    seen = []
    began = loop.fake.now
    for ms in (5, 1, 30, 30.5, 1):
        clock.call_at(at(clock, ms), lambda ms=ms: seen.append((ms, clock.now, loop.fake.now - began)))
    assert loop.run_until_complete(driver.run(at(clock, 100))) == at(clock, 100)
    assert [ms for ms, _, _ in seen] == [1, 1, 5, 30, 30.5]
    for ms, now, real in seen:
        assert now == at(clock, ms)
        assert real >= ms / 1000


def test_late_wake_ups_delay_nothing_after_them(loop, clock):
    """Deadlines are absolute: 100 wake-ups 4 ms late each do not add up."""
    loop.fake.late = 0.004
    driver = WallDriver(clock, loop)
    for n in range(100):
        clock.call_at(at(clock, 10 * n), lambda: None)
    began = loop.fake.now
    loop.run_until_complete(driver.run(at(clock, 1000)))
    assert loop.fake.now - began == pytest.approx(1.004, abs=0.002)
    assert driver.pumps.quantile(0.5) == pytest.approx(0.004, rel=0.2)


@pytest.mark.parametrize("speed", [0.5, 1.0, 60.0])
def test_speed_scales_the_wall(loop, clock, speed):
    """At 60x a minute of the hall takes a second."""
    driver = WallDriver(clock, loop, speed=speed)
    began = loop.fake.now
    loop.run_until_complete(driver.run(at(clock, 60_000)))
    assert loop.fake.now - began == pytest.approx(60 / speed, abs=0.01)


def test_a_stimulus_finds_the_present(loop, clock):
    """What comes from outside happens after everything that was due before it, at the present instant."""
    driver = WallDriver(clock, loop)
    order = []
    clock.call_at(at(clock, 7), order.append, "due")
    driver.start()
    loop.fake.now += 0.010
    answer = driver.stimulus(lambda x: order.append(x) or clock.now, "outside")
    assert order == ["due", "outside"]
    assert answer == pytest.approx(at(clock, 10), abs=MS)
    driver.stop()


def test_a_stimulus_wakes_up_for_what_it_caused(loop, clock):
    """An event that a stimulus schedules is not missed, though the loop waited for a later one."""
    driver = WallDriver(clock, loop)
    seen = []
    clock.call_at(at(clock, 500), seen.append, "late")

    async def main():
        task = asyncio.ensure_future(driver.run(at(clock, 1000)))
        await asyncio.sleep(0.01)
        driver.stimulus(lambda: clock.call_at(clock.now + 5 * MS, seen.append, "soon"))
        await asyncio.sleep(0.01)
        assert seen == ["soon"]
        await task

    loop.run_until_complete(main())
    assert seen == ["soon", "late"]


def test_it_joins_a_clockwork_wherever_that_stands(loop, clock):
    """A clockwork that has run virtually to 10:30 goes on from there; what it ran is not run again."""
    seen = []
    clock.call_at(at(clock, 100), seen.append, "virtual")
    clock.call_at(at(clock, 1_800_100), seen.append, "wall")
    clock.advance_to(at(clock, 1_800_000))
    driver = WallDriver(clock, loop)
    began = loop.fake.now
    loop.run_until_complete(driver.run(at(clock, 1_800_200)))
    assert seen == ["virtual", "wall"]
    assert loop.fake.now - began < 1


def test_a_clockwork_moved_after_the_driver_was_made(loop, clock):
    """The wall joins where the clockwork stands when the clock starts."""
    driver = WallDriver(clock, loop)
    clock.advance_to(at(clock, 90_000))
    driver.start()
    assert at(clock, 90_000) <= driver.now_ns() < at(clock, 90_001)
    driver.stop()


def test_pause_and_resume(loop, clock):
    """While paused nothing falls due and time stands; afterwards it goes on as if nothing had been."""
    driver = WallDriver(clock, loop)
    seen = []
    clock.call_at(at(clock, 20), seen.append, "x")

    async def main():
        driver.start()
        await asyncio.sleep(0.01)
        driver.pause()
        stood = driver.now_ns()
        await asyncio.sleep(5)
        assert driver.now_ns() == stood
        assert not seen
        assert driver.stimulus(lambda: clock.now) == stood
        driver.resume()
        await asyncio.sleep(0.009)
        assert not seen
        await asyncio.sleep(0.003)
        assert seen == ["x"]
        driver.stop()

    loop.run_until_complete(main())


def test_speed_can_change_on_the_way(loop, clock):
    """The hall's time never jumps when the speed changes."""
    driver = WallDriver(clock, loop)

    async def main():
        driver.start()
        await asyncio.sleep(1)
        before = driver.now_ns()
        driver.set_speed(10)
        assert driver.now_ns() - before < MS
        await asyncio.sleep(1)
        assert driver.now_ns() - before == pytest.approx(10 * NS, rel=0.01)
        driver.stop()

    loop.run_until_complete(main())


def test_stop_at_ends_the_time(loop, clock):
    """What is due at the stop happens, what is due after it never does, and the clock stands there for good."""
    driver = WallDriver(clock, loop)
    seen = []
    clock.call_at(at(clock, 50), seen.append, "at the stop")
    clock.call_at(at(clock, 51), seen.append, "after")
    assert loop.run_until_complete(driver.run(at(clock, 50))) == at(clock, 50)
    assert seen == ["at the stop"]
    driver.start()
    assert not driver.running
    assert driver.now_ns() == clock.now == at(clock, 50)


def test_a_stop_in_the_past_is_refused(loop, clock):
    """The clock cannot be stopped at an instant that has gone by."""
    with pytest.raises(ValueError, match=r"cannot stop at 09:59: it is 10:00:00\.000"):
        WallDriver(clock, loop).stop_at(at(clock, -1000))


def test_a_failing_model_ends_the_run(loop, clock):
    """An error inside the hall stops its clock and is raised to whoever waits for the end."""
    driver = WallDriver(clock, loop)

    def fails() -> None:
        raise RuntimeError("model")

    clock.call_at(at(clock, 5), fails)
    clock.call_at(at(clock, 6), fails)
    with pytest.raises(RuntimeError, match="model"):
        loop.run_until_complete(driver.run(at(clock, 100)))
    assert not driver.running
    driver.start()
    assert not driver.running


def test_an_error_of_a_stimulus_is_its_callers(loop, clock):
    """What a stimulus itself raises goes to its caller, and the clock goes on."""
    driver = WallDriver(clock, loop)
    driver.start()
    with pytest.raises(KeyError):
        driver.stimulus({}.__getitem__, "nobody")
    assert driver.running
    assert driver.failure is None
    driver.stop()


def test_frames_are_counted_by_their_own_deadline(loop, clock):
    """The lateness of a frame is real time past the instant it was due, at any speed."""
    driver = WallDriver(clock, loop, speed=10)
    driver.start()
    loop.fake.now += 0.003
    driver.frame_left(clock.now)
    assert driver.lateness.count == 1
    assert driver.lateness.max_us == pytest.approx(3000, abs=50)
    driver.stop()


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=300), st.sampled_from([0.0, 0.1, 0.5, 0.9, 0.99, 1.0]))
def test_quantiles_are_right_to_an_eighth(values, q):
    """A quantile is never below the true one and at most an eighth (and a microsecond) above it."""
    late = Lateness()
    for value in values:
        late.record(value)
    ordered = sorted(int(v * 1e6) for v in values)
    true = next((v for i, v in enumerate(ordered) if i + 1 >= q * len(ordered)), 0)
    found = round(late.quantile(q) * 1e6)
    assert true <= found <= max(true + 1, true * 9 // 8 + 1)
    assert late.count == len(values)
    assert late.max_us == ordered[-1]


def test_lateness_of_nothing():
    """No values: zeros, not errors."""
    assert Lateness().as_dict() == {"count": 0, "mean_ms": 0.0, "p50_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0}


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_a_speed_is_positive(loop, clock, speed):
    """Time that stands, runs backwards or all at once is not a clock's speed."""
    with pytest.raises(ValueError, match="positive"):
        WallDriver(clock, loop, speed=speed)


def test_a_scaled_clock_says_what_it_distorts(loop, clock):
    """Wall time distorts nothing; a scaled clock says so in words with its factor."""
    assert distortion(1) == ""
    assert "60x" in distortion(60)
    driver = WallDriver(clock, loop, speed=60)
    assert driver.describe()["clock"] == "60x"
    assert driver.describe()["distortion"] == distortion(60)


@pytest.mark.parametrize("ports, select", [(1, True), (SELECT_UP_TO - 1, True), (SELECT_UP_TO, False), (500, False)])
def test_few_ports_get_select(ports, select):
    """Below 100 ports the loop wakes to the microsecond; beyond, it takes any number of descriptors."""
    loop = make_loop(ports)
    try:
        assert isinstance(loop._selector, selectors.SelectSelector) is select
    finally:
        loop.close()
