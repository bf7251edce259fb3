"""Where Windows' interpreter lacks modules and names: all can be imported, a day runs, the rest is told plainly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests/support/like_windows.py"


def like_windows(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `hallbench WORDS` (no words: import everything) in an interpreter that lacks what Windows lacks."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, PROGRAM, *words], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.timeout(400)
def test_every_module_but_the_pty_can_be_imported(tmp_path: Path) -> None:
    """No module of the three packages needs termios, fcntl, pty, fork or a signal of Unix to be imported."""
    ended = like_windows(cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    modules = [path for name in ("protocol", "firmware_sim", "bench") for path in (ROOT / name).rglob("*.py")]
    assert int(ended.stdout.split()[0]) >= len(modules) - 5


@pytest.mark.timeout(400)
def test_an_import_that_needs_unix_is_found(tmp_path: Path) -> None:
    """The test above can fail: the pty port is such a module, and the names are really gone."""
    look = "import like_windows as w; w.take_away(); w.UNIX_ONLY = (); w.import_everything()"
    env = {**os.environ, "PYTHONPATH": f"{PROGRAM.parent}{os.pathsep}{ROOT}"}
    ended = subprocess.run(
        [sys.executable, "-c", look], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("bench.ports.pty: ModuleNotFoundError: import of fcntl halted")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.timeout(400)
def test_a_day_in_simulated_time_runs_and_is_the_same_as_here(tmp_path: Path) -> None:
    """The history has the bytes that it has with everything in place."""
    collector = ROOT / "examples/collector.py"
    hall = str(ROOT / "tests/support/small.toml")
    words = ("day", hall, "--json", "--no-report", "--", "python", str(collector), "{port:keypads}", "{records}")
    told = []
    for run in ("there", "here"):
        place = tmp_path / run
        place.mkdir()
        if run == "there":
            ended = like_windows(*words, cwd=place)
        else:
            command = [sys.executable, "-m", "bench.cli", *words]
            env = {**os.environ, "PYTHONPATH": str(ROOT)}
            ended = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        told.append(json.loads(ended.stdout)["verdict"])
    assert told[0] == told[1]
    histories = [(tmp_path / run / "runs/small-seed1/history.ndjson").read_bytes() for run in ("there", "here")]
    assert histories[0].splitlines()[1:-1] == histories[1].splitlines()[1:-1]


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("up", "--only", "keypads"), 4, "serve the line on TCP: --serve keypads=rfc2217"),
        (("day", "--clock", "wall", "--", "sleep", "1"), 2, "a program on real ports needs Linux or macOS"),
        (("hunt", "tan_hoi", "--", "python", "x.py"), 2, "hallbench hunt needs Linux or macOS"),
        (("decode", "modbus_rtu", "01 03 00 00 00 02 C4 0B"), 0, ""),
        (("check", "rating_keypad", "--emulated", "rating_keypad"), 0, ""),
    ],
    ids=["up", "wall", "hunt", "decode", "check"],
)
def test_commands_work_or_say_why_not(words: tuple[str, ...], code: int, says: str, tmp_path: Path) -> None:
    """What cannot be had ends with its exit code and a way out, never with an internal error."""
    ended = like_windows(*words, cwd=tmp_path)
    assert ended.returncode == code, ended.stderr
    assert says in ended.stderr
