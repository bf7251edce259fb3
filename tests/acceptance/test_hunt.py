"""`hallbench hunt` and `hallbench replay` as their user starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.conftest import ROOT, SMALL, Hallbench

MISTAKE = ROOT / "examples" / "collector_with_a_mistake.py"
GOOD = ROOT / "examples" / "collector.py"
CAREFUL = ROOT / "examples" / "careful_collector.py"
ARGS = ("{port:keypads}", "{records}", "--units", "1-2")

NEVER = "import time\nwhile True:\n    time.sleep(1)\n"
IDLE = """
import sys, time, serial
with open(sys.argv[2], "a") as starts:
    starts.write("x")
port = serial.Serial(sys.argv[1], 9600)
while True:
    time.sleep(1)
"""


def hunt(hallbench: Hallbench, *program: object, options: tuple[object, ...] = (), **kwargs):
    return hallbench("hunt", SMALL, *options, "--", "python", *program, *ARGS, **kwargs)


def test_a_mistake_is_found_shrunk_stored_and_fixed(hallbench: Hallbench) -> None:
    """The whole way: found, shrunk to two presses, stored, still failing, and fixed by the right program."""
    ended = hunt(hallbench, MISTAKE, options=("--workers", 2))
    assert ended.code == 1, ended.err
    assert "VIOLATED: loss" in ended.out
    path = ended.out.split("hallbench replay ")[1].split()[0]
    facts = json.loads((hallbench.cwd / path / "failure.json").read_text())
    assert len(facts["trial"]["acts"]) <= 5
    assert len(facts["trial"]["faults"]) <= 3
    assert {"scenario.toml", "failure.json", "run"} <= {entry.name for entry in (hallbench.cwd / path).iterdir()}
    assert hallbench("judge", f"{path}/run").code == 1

    again = hallbench("replay", path)
    assert (again.code, again.out.splitlines()[0][:18]) == (1, "STILL FAILS: loss:")
    fixed = hallbench("replay", path, "--json", "--", "python", GOOD, *ARGS)
    assert (fixed.code, fixed.json["result"]) == (0, "FIXED")
    every = hallbench("replay", "--all", "failures")
    assert every.code == 1
    assert "1 failures played, 1 still fail" in every.out


@pytest.mark.gate
def test_two_hunts_print_the_same_whatever_the_workers(hallbench: Hallbench) -> None:
    """One seed gives one output, to the byte, with one worker and with two: with a find, and without."""
    for program, options in ((MISTAKE, ("--seed", 3)), (CAREFUL, ("--runs", 6, "--only", "running"))):
        one = hunt(hallbench, program, options=(*options, "--workers", 1))
        two = hunt(hallbench, program, options=(*options, "--workers", 2))
        assert one.code == (1 if program == MISTAKE else 0), (one.out, one.err)
        assert (one.code, one.out) == (two.code, two.out)


@pytest.mark.gate
def test_the_table_of_what_was_seen_begins_with_zeros(hallbench: Hallbench) -> None:
    """A campaign without a find lists every fault and branch, those that never came first, also in JSON."""
    ended = hunt(hallbench, CAREFUL, options=("--runs", 7, "--only", "running", "--json", "--workers", 2))
    assert ended.code == 0, (ended.out, ended.err)
    rows = ended.json["sometimes"]
    assert ended.json["runs"] == 7
    assert ended.json["verdict"] == "HOLDS"
    counts = [row["count"] for row in rows]
    assert counts[0] == 0
    assert [count > 0 for count in counts] == sorted(count > 0 for count in counts)
    assert {"retry taken", "overflow flag seen", "sequence wrapped", "stale bytes"} <= {row["name"] for row in rows}
    assert {row["name"] for row in rows if row["kind"] == "fault"} >= {"bit_flip", "reboot", "kill"}


def test_endings_are_honest(hallbench: Hallbench) -> None:
    """No fault struck: 5. A port that is never opened: 6. A mistake in the command or the scenario: 2 and 3."""
    assert hunt(hallbench, GOOD, options=("--runs", 1)).code == 5
    never = hunt(hallbench, hallbench.script("never.py", NEVER))
    assert never.code == 6
    assert "never opened a port" in never.err
    assert hunt(hallbench, "nothing.py").code == 2
    assert hallbench("hunt", "no_such_hall", "--", "python", GOOD).code == 3
    assert hallbench("hunt", SMALL, "--", "./any_program").code == 2
    assert hunt(hallbench, GOOD, options=("--only", "nonsense")).code == 2
    assert hallbench("replay", "nowhere").code == 3


@pytest.mark.gate
def test_a_run_is_identical_or_differs_at_a_record(hallbench: Hallbench) -> None:
    """A run directory played again is the same to the byte; what was changed in it is shown as it was and as it is."""
    assert hallbench.day("python", GOOD, *ARGS).code == 0
    same = hallbench("replay", "run")
    assert same.code == 0, (same.out, same.err)
    assert same.out.startswith("identical: all")
    history = hallbench.cwd / "run" / "history.ndjson"
    lines = history.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[20] = lines[20].replace('"t":', '"t":1', 1)
    history.write_text("".join(lines), encoding="utf-8")
    changed = hallbench("replay", "run", "--json")
    assert changed.code == 1
    assert changed.json["difference"]["number"] == 20
    assert changed.json["difference"]["before"] == lines[20].rstrip("\n")
    assert changed.json["difference"]["now"] != changed.json["difference"]["before"]


def test_an_interrupted_hunt_tells_how_far_it_came(hallbench: Hallbench) -> None:
    """Ctrl-C: exit code 130, what was counted is printed, and no worker is left behind."""
    script, starts = hallbench.script("idle.py", IDLE), hallbench.cwd / "starts"
    command = [sys.executable, "-m", "bench.cli", "hunt", str(SMALL), "--ignore", "loss", "--workers", "1"]
    process = subprocess.Popen(
        [*command, "--", "python", str(script), "{port:keypads}", str(starts)],
        cwd=hallbench.cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        limit = time.monotonic() + 100
        while time.monotonic() < limit and not (starts.exists() and starts.stat().st_size > 2):
            time.sleep(0.05)  # the third run has begun, so two are counted
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=100)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert int(err.split("interrupted after ")[1].split()[0]) >= 2
    assert "times" in out
    assert "Traceback" not in err


def test_a_broken_failure_is_an_invalid_file(hallbench: Hallbench) -> None:
    """A stored failure that is not whole is exit code 3, and says which file."""
    folder = Path(hallbench.cwd / "broken")
    folder.mkdir()
    (folder / "failure.json").write_text('{"schema_version": 1, "trial": 7}')
    ended = hallbench("replay", folder)
    assert ended.code == 3
    assert "failure.json" in ended.err


@pytest.mark.gate
@pytest.mark.timeout(600)
def test_a_real_port_is_hunted_on(hallbench: Hallbench) -> None:
    """`--clock wall`: a program in a process of its own, on a pty, with its port pulled and its process killed."""
    ended = hunt(hallbench, GOOD, options=("--clock", "wall", "--runs", 2, "--workers", 2, "--json"), timeout=400)
    assert ended.code in (0, 1, 5), ended.err
    assert ended.json["clock"] == "wall"
    assert ended.json["runs"] == 2
    seen = {row["name"]: row["count"] for row in ended.json["sometimes"]}
    assert "stale bytes" not in seen  # what nobody can see on a real port is not shown as a zero
