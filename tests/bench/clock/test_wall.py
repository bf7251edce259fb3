"""Wall time, on an event loop whose clock the test moves: in order, never early, and what is late is counted."""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import os
import resource
import selectors
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clock.clockwork import Clockwork
from bench.clock.lateness import Lateness
from bench.clock.wall import AT_MOST_S, SHARP_UP_TO, SPIN_FOR, SharpSelector, WallDriver, distortion, make_loop
from fake_loop import FakeLoop
from firmware_sim.device import NS

MS = 1_000_000


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


@pytest.mark.parametrize("ports, sharp", [(1, True), (SHARP_UP_TO - 1, True), (SHARP_UP_TO, False), (500, False)])
def test_few_ports_wake_to_the_microsecond(ports, sharp):
    """Below 100 ports the loop wakes to the microsecond; beyond, to the millisecond, which costs less."""
    loop = make_loop(ports)
    try:
        assert isinstance(loop.selector, SharpSelector) is sharp
    finally:
        loop.close()


def test_a_sharp_selector_waits_and_is_woken():
    """It waits out its time-out, returns at once with what can be read, and does not wait when told not to."""
    with SharpSelector() as selector:
        began = time.monotonic()
        assert selector.select(0.0123) == []
        assert selector.woke - began >= 0.0123
        assert selector.select(0) == selector.select(-1) == []
        ours, theirs = socket.socketpair()
        with ours, theirs:
            selector.register(ours, selectors.EVENT_READ, "it")
            theirs.send(b"x")
            assert [key.data for key, _ in selector.select(60)] == ["it"]
            assert [key.data for key, _ in selector.select(None)] == ["it"]
            selector.unregister(ours)


def test_a_crowd_of_descriptors_does_not_end_the_loop():
    """Descriptors beyond 1023, which `select` alone does not take, are served as any other."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] != resource.RLIM_INFINITY and limits[1] < 1300:
        pytest.skip("this system allows too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(1300, limits[0]), limits[1]))
    loop = make_loop(1)
    ours, theirs = socket.socketpair()
    high = -1
    try:
        high = fcntl.fcntl(ours, fcntl.F_DUPFD, 1200)
        read = loop.create_future()
        loop.add_reader(high, lambda: read.set_result(os.read(high, 10)))
        theirs.send(b"here")
        assert loop.run_until_complete(asyncio.wait_for(read, 20)) == b"here"
        loop.remove_reader(high)
    finally:
        loop.close()
        ours.close()
        theirs.close()
        os.close(high)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


class WokenLoop(FakeLoop):
    """A loop that reads something some time after it woke for it."""

    class Woken:
        woke = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.selector = self.Woken()


@pytest.fixture
def woken():
    loop = WokenLoop()
    yield loop
    loop.close()


def test_what_was_read_happens_when_the_loop_woke(woken, clock):
    """An arrival is put at the instant at which the loop woke; what is due after that, and up to now, follows it."""
    driver = WallDriver(clock, woken)
    order = []
    clock.call_at(at(clock, 7), order.append, "before")
    clock.call_at(at(clock, 9), order.append, "after")
    driver.start()
    woken.selector.woke = woken.fake.now + 0.008
    woken.fake.now += 0.010
    assert driver.arrival(lambda: order.append("read") or clock.now) == pytest.approx(at(clock, 8), abs=MS // 10)
    assert order == ["before", "read", "after"]
    driver.stop()


def test_an_arrival_is_never_in_the_past_of_the_hall(woken, clock):
    """What was read happens now when the hall has gone on since the loop woke, or started only then, or has stopped."""
    driver = WallDriver(clock, woken)
    woken.selector.woke = woken.fake.now - 5
    driver.start()
    began = clock.now
    assert driver.arrival(lambda: clock.now) == began
    woken.fake.now += 0.010
    present = driver.stimulus(lambda: clock.now)
    assert driver.arrival(lambda: clock.now) == present
    driver.stop_at(at(clock, 15))
    woken.fake.now += 1
    woken.selector.woke = woken.fake.now
    assert driver.arrival(lambda: clock.now) == at(clock, 15)
    driver.stop()
    assert driver.arrival(lambda: clock.now) == at(clock, 15)


@pytest.mark.parametrize("frames", [1, SPIN_FOR, SPIN_FOR + 1, 3 * SPIN_FOR])
def test_a_frame_is_made_ready_early_and_never_leaves_early(loop, clock, frames):
    """While few frames are under way the hall is brought to their instant before it; they leave at it, all the same."""
    driver = WallDriver(clock, loop)
    began = loop.fake.now
    ready, left = [], []

    def leaves(due: int) -> None:
        ready.append(loop.fake.now - began)
        driver.frame_came(due)
        driver.until_due()
        left.append((due, loop.fake.now - began))
        driver.frame_left(due)

    for n in range(frames):
        due = at(clock, 20 + n / 100)
        driver.frame_due(due)
        clock.call_at(due, leaves, due)
    loop.run_until_complete(driver.run(at(clock, 50)))
    assert len(left) == frames
    for due, when in left:
        assert when >= (due - at(clock, 0)) / NS
    assert (ready[0] < 0.020) is (frames <= SPIN_FOR)
    assert driver.lateness.count == frames


def test_a_frame_that_nobody_took_leaves_the_clock_right(loop, clock):
    """A hall that was brought to a frame's instant early waits for it, also when the frame is not handed over."""
    driver = WallDriver(clock, loop)
    began = loop.fake.now
    driver.frame_due(at(clock, 20))
    seen = []
    clock.call_at(at(clock, 20), lambda: seen.append(loop.fake.now - began))
    clock.call_at(at(clock, 20.05), lambda: seen.append(loop.fake.now - began))
    loop.run_until_complete(driver.run(at(clock, 50)))
    assert 0.019 < seen[0] < 0.020
    assert seen[1] >= 0.02005


def test_a_late_wake_up_loses_nothing_before_the_stop(loop, clock):
    """What is due by the stop happens, also when the machine wakes only after it, or crosses it while it works."""
    for late in (0.0, 0.1):
        loop.fake.late = late
        driver = WallDriver(clock, loop)
        start, seen = clock.now, []
        for ms in (10, 12, 14.99, 15):
            clock.call_at(start + round(ms * MS), seen.append, ms)
        clock.call_at(start + 12 * MS, lambda: setattr(loop.fake, "now", loop.fake.now + 0.0031))
        loop.run_until_complete(driver.run(start + 15 * MS))
        assert seen == [10, 12, 14.99, 15]
        assert clock.now == start + 15 * MS


def costly(clock: Clockwork, loop: FakeLoop) -> None:
    """A hall of which each second takes a hundredth of a real one: it can be had a hundred times as fast, not more."""

    def second() -> None:
        loop.fake.now += 0.01
        clock.call_at(clock.now + NS, second)

    clock.call_at(clock.now + NS, second)


def test_a_hall_that_cannot_be_had_so_fast_falls_behind_and_answers(loop, clock):
    """At ten times what the machine can do the loop still gets its turns, the hall is as fast as it can be, and how far
    it fell behind is told; at a speed that can be had it keeps it again."""
    driver = WallDriver(clock, loop, speed=1000)
    driver._worked = lambda: loop.fake.now
    costly(clock, loop)
    turns = []

    async def main():
        began = clock.now
        driver.start()
        for _ in range(20):
            await asyncio.sleep(0.1)
            turns.append(loop.fake.now)
        took = turns[-1] - turns[0]
        assert max(after - before for before, after in itertools.pairwise(turns)) < 0.1 + 3 * AT_MOST_S
        assert driver.stimulus(lambda: clock.now) - began > 0.5 * 100 * took * NS
        assert driver.describe()["behind_s"] > 0
        driver.set_speed(10)
        behind, before, at_first = driver.behind, clock.now, loop.fake.now
        await asyncio.sleep(10)
        assert driver.stimulus(lambda: clock.now) - before == pytest.approx(
            (loop.fake.now - at_first) * 10 * NS, rel=0.01
        )
        assert driver.behind == behind
        driver.stop()

    loop.run_until_complete(main())


@pytest.mark.parametrize("speed", [1, 60])
def test_by_which_another_clock_runs_never_falls_behind(loop, clock, speed):
    """However long the machine stood still, the hall is at the wall's instant afterwards in wall time, and in scaled
    time when a program's clock was set by it."""
    driver = WallDriver(clock, loop, speed=speed)
    driver._worked = lambda: loop.fake.now
    costly(clock, loop)
    driver.start()
    if speed > 1:
        assert driver.anchor[1] == clock.now
    began = clock.now
    loop.fake.now += 100
    assert driver.stimulus(lambda: clock.now) - began == pytest.approx(100 * speed * NS, abs=speed * MS)
    assert driver.behind == 0
    assert "behind_s" not in driver.describe()
    driver.stop()
