"""Benchmarks of halls in tests: what a fixture costs after the first. `python benchmarks/testing.py` tells.

CPU time, the best of a few runs, each in a process of its own, as in benchmarks/run.py. Nothing here is a test.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import process_time

from figures import in_processes

HALLS = 50
TESTS = 100


def start_ms() -> dict[str, float]:
    """One hall, from its arguments to where the test has it, and its end. The first one is not counted."""
    from bench.testing.face import make

    begun, ended = 0.0, 0.0
    for n in range(HALLS + 1):
        start = process_time()
        hall = make("tan_hoi", seed=n, ports={"/dev/ttyUSB0": "keypads"}, start="10:39")
        hall.open()
        there = process_time()
        hall.check()
        hall.close()
        gone = process_time()
        if n:
            begun, ended = begun + there - start, ended + gone - there
    return {"hall_fixture_start_ms": 1000 * begun / HALLS, "hall_fixture_end_ms": 1000 * ended / HALLS}


CONFTEST = """
import json
TOOK = []

def pytest_runtest_logreport(report):
    if report.when == "setup":
        TOOK.append(report.duration)

def pytest_sessionfinish():
    open("took.json", "w").write(json.dumps(TOOK))
"""


def _pytest(body: str) -> float:
    """Median of the tests' setups, ms."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "conftest.py").write_text(CONFTEST, encoding="utf-8")
        Path(folder, "test_it.py").write_text(f"import pytest\n{body}", encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
        return 1000 * median(json.loads(Path(folder, "took.json").read_text()))


def in_pytest() -> dict[str, float]:
    """The median setup of a test that uses the fixture, as pytest itself measures it (real time)."""
    body = f"@pytest.mark.parametrize('n', range({TESTS}))\ndef test_it(hall, n):\n    hall.run_for(1)\n"
    return {"hall_fixture_in_pytest_ms": _pytest(body)}


def collector_minute() -> dict[str, float]:
    """A minute of the example collector beside a test: four keypads polled twice a second, two ratings."""
    from bench.testing.face import hall

    root = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        best = 1e9
        for n in range(4):
            start = process_time()
            with hall("tan_hoi", ports={"/dev/ttyUSB0": "keypads"}, start="10:39") as h:
                h.start(root / "examples" / "collector.py", "/dev/ttyUSB0", f"{folder}/{n}.sqlite")
                h.run_for(30)
                h.keypad(2).press(4)
                h.keypad(3).press(5)
                h.run_for(30)
                h.verdict(records=f"{folder}/{n}.sqlite").must_hold()
            best = min(best, process_time() - start)
    return {"collector_minute_ms": 1000 * best}


MEASUREMENTS = {"start_ms": (start_ms, 3), "in_pytest": (in_pytest, 3), "collector_minute": (collector_minute, 2)}

TARGETS = {
    "hall_fixture_start_ms": ("ms of CPU", "<=", 10),
    "hall_fixture_end_ms": ("ms of CPU", "<=", 10),
    "hall_fixture_in_pytest_ms": ("ms", "<=", 10),
    "collector_minute_ms": ("ms of CPU", "<=", 1000),
}

if __name__ == "__main__":
    in_processes(__file__, MEASUREMENTS, TARGETS, ("pytest", "simpy", "pyserial", "hallbench"))
