"""The collectors of examples/: each keeps every rating, in simulated time, and the one in C on a real port."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.testing import Hall, hall

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "support" / "small.toml"
PYTHON = ["examples/collector.py", "examples/careful_collector.py", "examples/threaded/collector.py"]
PYTHON += ["examples/asyncio/collector.py"]
FAULTS = {"lose": {"where": "reply", "nth": 4, "count": 2}, "bit_flip": {"where": "reply", "nth": 9, "count": 3}}


@pytest.mark.parametrize("program", PYTHON)
def test_a_python_collector_keeps_every_rating(program: str, tmp_path: Path) -> None:
    """Presses of two keypads with equal numbers, a burst of them, replies lost and damaged: the verdict HOLDS."""
    database = tmp_path / "ratings.sqlite"
    with hall(SMALL, start="08:10", ports={"/dev/ttyUSB0": "keypads"}) as h:
        h.start(ROOT / program, "/dev/ttyUSB0", database, "--units", "1-2")
        h.run_for(5)
        faults = [h.fault(name, line="keypads", **given) for name, given in FAULTS.items()]
        for second in range(4):
            h.keypad(1).press(5 - second % 3)
            h.keypad(2).press(4)
            h.run_for(1.5 if second else 0.4)
        h.run_for(40)
        assert all(fault.hits for fault in faults)
        verdict = h.verdict(records=database)
        verdict.must_hold()
    assert verdict.counts["presses"] == verdict.counts["recorded"] == 8


@pytest.mark.gate
@pytest.mark.parametrize("program", PYTHON)
def test_a_python_collector_through_a_day(program: str, tmp_path: Path) -> None:
    """The same programs through an hour with people in it, started as a user starts them."""
    day = ["day", ROOT / "examples/one_hour.toml", "--out", tmp_path / "run"]
    ended = subprocess.run(
        [sys.executable, "-m", "bench.cli", *day, "--", "python", ROOT / program, "{port:keypads}", "{records}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.startswith("HOLDS")


def compiled(folder: Path) -> Path:
    """examples/c/collector.c, built; the test is skipped where gcc or libmodbus is not."""
    if shutil.which("gcc") is None or not Path("/usr/include/modbus/modbus.h").exists():
        if os.environ.get("HALLBENCH_PEERS") == "required":
            pytest.fail(
                "gcc or libmodbus is not here (HALLBENCH_PEERS=required); bash tests/outside/setup.sh gets them"
            )
        pytest.skip("gcc or libmodbus is not here; bash tests/outside/setup.sh gets them")
    program = folder / "collector"
    source = ROOT / "examples/c/collector.c"
    words = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-o", program, source, "-lmodbus"]
    built = subprocess.run(words, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return program


def until_all(hall: Hall, what: Callable[[], bool]) -> None:
    """Let the hall live until something is so, for 100 s at most."""
    limit = time.monotonic() + 100
    while not what() and time.monotonic() < limit:
        hall.run_for(0.3)


def test_the_collector_in_c_keeps_every_rating(tmp_path: Path) -> None:
    """On a pseudo-terminal in wall time, ended by SIGTERM and started again between two presses: the verdict HOLDS."""
    pytest.importorskip("termios", reason="this system has no pseudo-terminals")
    program, records = compiled(tmp_path), tmp_path / "ratings.csv"
    with hall(SMALL, start="08:10", clock="wall") as h:
        words = [str(program), h.ports["keypads"], str(records), "1-2"]
        for key in (5, 3):
            running = subprocess.Popen(words, stderr=subprocess.DEVNULL)
            try:
                presses = [h.keypad(1).press(key), h.keypad(2).press(key)]
                until_all(h, lambda: all(press is not None and press.acked for press in presses))  # noqa: B023
            finally:
                running.terminate()
                assert running.wait(60) == 0
        verdict = h.verdict(records=records)
        verdict.must_hold()
    assert verdict.counts["presses"] == verdict.counts["recorded"] == 4


def test_the_collector_in_c_survives_a_pulled_port(tmp_path: Path) -> None:
    """The port is pulled under it for two seconds: it opens it again, and what was pressed meanwhile is stored."""
    pytest.importorskip("termios", reason="this system has no pseudo-terminals")
    program, records = compiled(tmp_path), tmp_path / "ratings.csv"
    with hall(SMALL, start="08:10", clock="wall") as h, (tmp_path / "told").open("wb") as told:
        running = subprocess.Popen([str(program), h.ports["keypads"], str(records), "1-2"], stderr=told)
        try:
            until_all(h, lambda: any(frame.line == "keypads" for frame in h.frames()))
            fault = h.fault("port_vanish", line="keypads", for_s=2)
            h.run_for(1)
            press = h.keypad(1).press(5)
            until_all(h, lambda: press is not None and bool(press.acked))
        finally:
            running.terminate()
            assert running.wait(60) == 0
        assert fault.hits
        h.verdict(records=records).must_hold()
    assert "is open again" in (tmp_path / "told").read_text()
