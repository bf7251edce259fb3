"""A Python program in a process of its own whose clocks run with a scaled hall's."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from bench.run.scaled_program import can_be_scaled, scaled_words

EPOCH = 1_741_539_600 * 10**9
SPEED = 600.0
PROGRAM = """
import json, sys, time, threading
import bench
began = time.time(), time.monotonic()
time.sleep(60)
threading.Event().wait(60)
print(json.dumps({"unix": began[0], "took": time.monotonic() - began[1], "argv": sys.argv[1:], "bench": bench.MINE,
                  "name": __name__}))
raise SystemExit(7)
"""


@pytest.mark.parametrize(
    ("words", "can"),
    [
        ([sys.executable, "collector.py"], True),
        ([sys.executable, "-u", "-m", "collector"], True),
        ([sys.executable], False),
        (["/usr/bin/another-python", "collector.py"], False),
        (["./collector"], False),
        ([], False),
    ],
)
def test_only_programs_of_this_interpreter_can_be_scaled(words, can):
    """Clocks of another interpreter, or of a program in another language, are out of reach."""
    assert can_be_scaled(words) is can


def test_the_program_lives_in_the_halls_time(tmp_path):
    """Two minutes of sleep take a fifth of a second; calendar, arguments, own modules and exit status are its own."""
    (tmp_path / "collector.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "bench.py").write_text("MINE = True\n", encoding="utf-8")
    hour = 10 * 3600 * 10**9
    command = [sys.executable, "collector.py", "--units", "1-4"]
    began = time.monotonic()
    words = scaled_words(command, (began, hour), EPOCH, SPEED)
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    told = json.loads(done.stdout)
    assert told["argv"] == ["--units", "1-4"]
    assert told["bench"] is True
    assert told["name"] == "__main__"
    assert told["took"] >= 119.9
    assert 0 <= told["unix"] - (EPOCH + hour) / 1e9 <= (time.monotonic() - began) * SPEED
    assert (time.monotonic() - began) < 60
