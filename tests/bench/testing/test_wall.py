"""The same hall on real ports, in wall time: a few real seconds."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from bench.testing import LostAtEnd, NotSeen, ProgramFailed, hall

pytest.importorskip("termios")

SMALL = Path(__file__).parents[2] / "support" / "small.toml"
COLLECTOR = Path(__file__).parents[3] / "examples" / "collector.py"


def test_a_script_is_a_process_on_a_real_port(tmp_path):
    """The collector polls a pseudo-terminal as a process of its own; a press is stored, and judged."""
    path = tmp_path / "r.sqlite"
    with hall(SMALL, clock="wall", start="08:10") as h:
        port = h.line("keypads").port
        assert os.path.exists(port)  # noqa: PTH110 - what a program opens is a string
        program = h.start(COLLECTOR, port, path, "--units", "1-2")
        h.wait_for(lambda: h.frames("keypads"), timeout=60)
        h.keypad(2).press(4)
        h.wait_for("ack", device="keypad-2", timeout=60)
        h.stop()
        assert program.exit.how == "asked to end"
        h.verdict(records=path).must_hold()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT device, value FROM ratings").fetchall() == [("keypad-2", 4)]
    assert not os.path.exists(port)  # noqa: PTH110


def test_time_is_real(tmp_path):
    """Waiting takes as long as it says; the hall's day goes on from where it stood."""
    with hall(SMALL, clock="wall", start="08:10") as h:
        begun, at = time.monotonic(), h.now_ns
        h.run_for(0.3)
        assert time.monotonic() - begun >= 0.3
        assert h.now_ns - at >= 300_000_000
        with pytest.raises(NotSeen):
            h.wait_for("press", timeout=0.1)


def test_a_killed_process_and_a_crashed_one(tmp_path):
    """SIGKILL is no failure of the test's; a crash is, with the last lines of the process's output."""
    sleeper, broken = tmp_path / "sleeper.py", tmp_path / "broken.py"
    sleeper.write_text("import time\ntime.sleep(60)\n")
    broken.write_text("raise RuntimeError('no such port')\n")
    with hall(SMALL, clock="wall", start="08:10") as h:
        program = h.start(sleeper)
        h.kill()
        assert (program.exit.how, program.exit.status) == ("killed", 137)
        with pytest.raises(ProgramFailed, match="RuntimeError: no such port"):
            h.run(broken, for_=60)


def test_what_wall_time_cannot_do_is_told():
    """The clock of a real process is not ours: the fault hits nothing, and the end says why."""
    with (
        pytest.raises(LostAtEnd, match="nobody here can set the collector's clock"),
        hall(SMALL, clock="wall", start="08:10") as h,
    ):
        h.fault("clock_jump", seconds=5)


def test_a_port_vanishes_and_returns():
    """The name of a port goes away and comes back, as when an adapter is pulled."""
    with hall(SMALL, clock="wall", start="08:10") as h:
        port = h.line("keypads").port
        assert os.path.exists(port)  # noqa: PTH110
        h.fault("port_vanish", line="keypads", for_s=4)
        h.wait_for(lambda: not os.path.exists(port), timeout=60)  # noqa: PTH110
        h.wait_for(lambda: os.path.exists(port), timeout=60)  # noqa: PTH110


def test_a_function_is_a_thread(tmp_path):
    """A function runs beside the test in real time; its error is the test's at the next wait."""
    with hall(SMALL, clock="wall", start="08:10") as h:
        assert h.run(time.sleep, 0.1, for_=30).how == "returned"
        with pytest.raises(ProgramFailed, match="the program fromhex crashed with status 1:\nValueError: non-hexa"):
            h.run(bytes.fromhex, "no number", for_=30)


def test_a_function_cannot_be_ended_from_outside():
    """Nobody can end a thread: neither `stop` nor `kill` pretends to."""
    go_on = threading.Event()
    with hall(SMALL, clock="wall", start="08:10") as h:
        program = h.start(go_on.wait)
        for end in (h.stop, h.kill):
            with pytest.raises(ProgramFailed, match="the function wait cannot be ended from outside in wall time"):
                end()
        go_on.set()
        h.wait_for(lambda: not program.alive, timeout=30)
        h.stop()  # it has ended
        h.kill()


def test_an_action_of_the_halls_own_thread():
    """What `at` schedules happens in the hall's thread, and may touch devices there."""
    with hall(SMALL, clock="wall", start="08:10") as h:
        h.at("08:10:00.200", lambda: h.keypad(1).press(5))
        h.wait_for("press", device="keypad-1", timeout=30)
    assert [press.value for press in h.keypad(1).waiting] == [5]


def test_a_script_that_still_runs_is_ended_with_the_hall(tmp_path):
    """A hall that closes asks its scripts to end."""
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import time\ntime.sleep(600)\n")
    with hall(SMALL, clock="wall", start="08:10") as h:
        program = h.start(sleeper)
        assert program.alive
    assert program.exit.how == "asked to end"


def test_waiting_in_a_coroutine_lets_its_loop_go_on():
    """The loop's other tasks run while a coroutine waits for the hall; what does not come is told."""

    async def test() -> int:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        beside = asyncio.create_task(tick())
        await h.arun_for(0.2)
        with pytest.raises(NotSeen, match="'press' of any device did not come"):
            await h.await_for("press", timeout=0.1)
        beside.cancel()
        return ticks

    with hall(SMALL, clock="wall", start="08:10") as h:
        assert asyncio.run(test()) > 2
