"""The same hall on real ports, in wall time: a few real seconds."""

from __future__ import annotations

import os
import sqlite3
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
        h.wait_for(lambda: h.frames("keypads"), timeout=30)
        h.keypad(2).press(4)
        h.wait_for("ack", device="keypad-2", timeout=30)
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
            h.run(broken, for_=30)


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
        h.fault("port_vanish", line="keypads", for_s=0.5)
        h.wait_for(lambda: not os.path.exists(port), timeout=5)  # noqa: PTH110
        h.wait_for(lambda: os.path.exists(port), timeout=5)  # noqa: PTH110
