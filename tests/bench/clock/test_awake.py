"""Laws of `bench.clock.awake`: a machine is kept awake while a program talks, and never longer or against its will."""

import asyncio

import pytest

from bench.clock.awake import AT_ONCE, SWITCH, Awake
from bench.clock.clockwork import Clockwork
from bench.clock.wall import SHARP_UP_TO, WallDriver, make_loop
from fake_loop import FakeLoop


@pytest.fixture
def loop():
    made = make_loop(1)
    yield made
    made.close()


@pytest.fixture
def device(tmp_path, monkeypatch):
    """A file in the place of the device; what is asked for can be read in it."""
    path = tmp_path / "latency"
    path.touch()
    monkeypatch.delenv(SWITCH, raising=False)
    return path


@pytest.fixture
def fake():
    made = FakeLoop()
    yield made
    made.close()


async def _until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


def test_it_is_asked_for_once_and_let_go_after_a_silence(fake, device):
    """Held from the first word on, through every further one, and let go when nothing is said any more; then again."""
    held = Awake(fake, device, linger=0.02)

    async def talk():
        for _ in range(8):
            held.stir()
            assert held.held
            assert device.read_bytes() == AT_ONCE
            await asyncio.sleep(0.008)
        assert held.spells == 1
        await _until(lambda: not held.held)
        held.stir()
        assert held.held

    fake.run_until_complete(talk())
    assert held.spells == 2
    held.release()
    assert not held.held


def test_who_may_not_ask_goes_without(loop, device, tmp_path):
    """A device that is not there or may not be written is tried once; the reason is kept, and nothing fails."""
    held = Awake(loop, tmp_path / "none" / "latency")
    held.stir()
    held.stir()
    assert not held.held
    assert held.spells == 0
    assert "No such file" in held.refused


def test_a_device_that_refuses_is_closed_again(loop, device):
    """Where the system takes the opening and not the request, no descriptor is left behind."""
    held = Awake(loop, device.parent)  # a folder cannot be opened for writing
    held.stir()
    assert "directory" in held.refused
    full = Awake(loop, device.__class__("/dev/full"))
    full.stir()
    assert "No space" in full.refused
    assert not full.held


def test_the_switch_keeps_it_off(loop, device, monkeypatch):
    """`HALLBENCH_AWAKE=no`: nothing is opened."""
    monkeypatch.setenv(SWITCH, "no")
    held = Awake(loop, device, linger=0.02)
    held.stir()
    assert not held.held
    assert device.read_bytes() == b""
    assert held.refused == f"{SWITCH}=no"


def test_a_program_that_talks_keeps_the_machine_awake_and_the_end_lets_it_sleep(loop, device):
    """Characters from a collector are a reason, what the hall does is none, and with the clock the hold ends."""
    driver = WallDriver(Clockwork(), loop)
    driver.awake = Awake(loop, device, linger=0.02)

    async def day():
        driver.start()
        driver.stimulus(lambda: None)
        assert not driver.awake.held
        driver.arrival(lambda: None)
        assert driver.awake.held
        assert driver.describe()["kept_awake"]
        driver.pause()
        assert not driver.awake.held

    loop.run_until_complete(day())


def test_a_bench_of_many_ports_asks_for_nothing():
    """A loop that does not wake to the microsecond has no use for it."""
    many = make_loop(SHARP_UP_TO)
    try:
        assert WallDriver(Clockwork(), many).awake is None
    finally:
        many.close()
