"""What happens to the program under test: its port goes and returns, it is killed, it is paused, its clock jumps."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from bench.cli.day import _tell
from bench.cli.exit_codes import ExitCode
from bench.hall.day import draw
from bench.judge.evidence import load_run
from bench.run.collector import Program
from bench.run.day import DayOptions, DayResult, run_day
from bench.scenario.load import parse
from firmware_sim.device import NS
from tests.support.faulty_hall import KEYPADS
from tests.support.halls import hall

COLLECTOR = """
import json, sys, time
import serial

ASK = bytes.fromhex("010400000008f1cc")


def tell(what, **more):
    with open(sys.argv[1], "a") as out:
        out.write(json.dumps({"what": what, "t": time.time(), **more}) + "\\n")


def opened():
    while True:
        try:
            return serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2)
        except serial.SerialException as exc:
            tell("closed", errno=exc.errno)
            time.sleep(1)


tell("start")
port = opened()
while True:
    try:
        port.reset_input_buffer()
        port.write(ASK)
        reply = port.read(21)
        tell("poll", n=len(reply))
        time.sleep(1)
    except serial.SerialException as exc:
        tell("lost", why=str(exc)[:20])
        port.close()
        port = opened()
"""


def day(tmp_path: Path, fault: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], DayResult]:
    """Run the collector through a day with one fault; returns what it told, the history, the result."""
    keypads = KEYPADS.replace('owner = "house"', 'owner = "collector"\npath = "/dev/ttyUSB0"')
    text = (hall(keypads) + "\n[[fault]]\n" + fault).replace('"08:00-08:45"', '"08:00-08:06"')
    made = parse(text.replace('"08:45" = 1', '"08:06" = 1').encode(), "x.toml", lambda _b: b"")
    script, told = tmp_path / "collector.py", tmp_path / "told.ndjson"
    script.write_text(COLLECTOR)
    program = Program("script", str(script), (str(told),))
    result = run_day(DayOptions(made, draw(made, 1), program=program, out=tmp_path / "day"))
    history = (result.directory.path / "history.ndjson").read_text().splitlines()
    return [json.loads(line) for line in told.read_text().splitlines()], [json.loads(line) for line in history], result


def fault_at(history: list[dict[str, Any]]) -> float:
    """Unix seconds of the one hit."""
    (hit,) = [record for record in history if record.get("src") == "fault" and record["k"] == "fault"]
    return (hit["t"] + history[0]["epoch_ns"]) / 1e9


def test_the_port_goes_and_comes_back(tmp_path):
    """What is done with an open port fails, opening it fails with ENOENT, and later it is there again."""
    told, history, _ = day(tmp_path, 'name = "port_vanish"\nline = "keypads"\nat = "08:03"\nfor_s = 5\n')
    at = fault_at(history)
    words = [row["what"] for row in told if at - 0.1 < row["t"] < at + 10]
    assert words.count("lost") == 1
    assert words.count("closed") >= 4
    assert all(row["errno"] == 2 for row in told if row["what"] == "closed")
    after = [row for row in told if row["what"] == "poll" and row["t"] > at + 5]
    assert after[0]["n"] == 21
    assert not [row for row in told if row["what"] == "poll" and at < row["t"] < at + 4.9]


def test_it_is_killed_as_it_sends_and_started_again(tmp_path):
    """What it was sending is not heard; a second later it begins anew."""
    told, history, result = day(tmp_path, 'name = "kill"\nline = "keypads"\nafter = "08:03"\n')
    at = fault_at(history)
    starts = [row["t"] for row in told if row["what"] == "start"]
    assert starts[1:] == [pytest.approx(at + 1, abs=0.01)]
    assert not [row for row in told if at < row["t"] < at + 0.99]
    life = [record["k"] for record in history if record.get("src") == "collector"]
    assert life == ["start", "killed", "start", "exit"]
    assert result.exit is not None
    assert result.exit.how == "asked to end"


def test_it_is_killed_when_the_day_is_all_but_over(tmp_path, capsys, monkeypatch):
    """The day ends before it would be started again: no failure of the program, and told in words."""
    monkeypatch.setattr("bench.run.day.RESTART", 86_400 * NS)
    _, history, result = day(tmp_path, 'name = "kill"\nline = "keypads"\nafter = "08:03"\n')
    assert [record["k"] for record in history if record.get("src") == "collector"] == ["start", "killed", "exit"]
    assert result.exit is not None
    assert result.exit.how == "killed"
    run = load_run(result.directory.path)
    assert run.failure == ""
    code = _tell(result, run.judge(), tested=True, as_json=False, report=False)
    assert code != ExitCode.COLLECTOR_FAILED
    assert "The collector was killed by a fault, and the day was over" in capsys.readouterr().out


def test_it_is_paused(tmp_path):
    """The program does not run, the hall does; it goes on where it was."""
    told, history, _ = day(tmp_path, 'name = "pause"\nat = "08:03"\nfor_s = 20\n')
    at = fault_at(history)
    assert not [row for row in told if at < row["t"] < at + 20]
    assert [row for row in told if at + 20 <= row["t"] < at + 22]
    assert [r for r in history if r.get("src") == "line" and at + 1 < (r["t"] + history[0]["epoch_ns"]) / 1e9 < at + 19]


def test_its_clock_jumps(tmp_path):
    """Its calendar clock, and nothing else."""
    told, history, _ = day(tmp_path, 'name = "clock_jump"\nat = "08:03"\nseconds = -3600\n')
    at = fault_at(history)
    steps = [b["t"] - a["t"] for a, b in itertools.pairwise(told)]
    assert min(steps) == pytest.approx(-3600, abs=2)
    assert sum(step < 0 for step in steps) == 1
    assert at > 0


TWO_PORTS = """
import json, sys, time
import serial

ports = {}
while True:
    for path in ("/dev/ttyUSB0", "/dev/ttyUSB1"):
        try:
            if path not in ports:
                ports[path] = serial.Serial(path, 9600, timeout=0.2)
            ports[path].write(bytes.fromhex("010400000008f1cc"))
            told = len(ports[path].read(21))
        except serial.SerialException:
            ports.pop(path).close()
            told = -1
        with open(sys.argv[1], "a") as out:
            out.write(json.dumps({"path": path, "n": told, "t": time.time()}) + "\\n")
    time.sleep(1)
"""


def test_two_ports_change_places(tmp_path):
    """Whoever has them open loses both; opened again, each is the other's line, until they change back."""
    line = (
        '[[line]]\nname = "{0}"\nowner = "collector"\npath = "{1}"\n'
        'devices = [{{ kind = "rating_keypad", unit = {2}, counter = {2} }}]\n'
    )
    lines = line.format("left", "/dev/ttyUSB0", 1) + line.format("right", "/dev/ttyUSB1", 2)
    fault = '[[fault]]\nname = "ports_swapped"\nline = "left"\nwith_line = "right"\nat = "08:03"\nfor_s = 60\n'
    text = (hall(lines) + fault).replace('"08:00-08:45"', '"08:00-08:06"').replace('"08:45" = 1', '"08:06" = 1')
    made = parse(text.encode(), "x.toml", lambda _b: b"")
    script, out = tmp_path / "collector.py", tmp_path / "told.ndjson"
    script.write_text(TWO_PORTS)
    program = Program("script", str(script), (str(out),))
    result = run_day(DayOptions(made, draw(made, 1), program=program, out=tmp_path / "day"))
    history = [json.loads(row) for row in (result.directory.path / "history.ndjson").read_text().splitlines()]
    at = fault_at(history)
    told = [json.loads(row) for row in out.read_text().splitlines()]

    def answers(path: str, begin: float, end: float) -> set[int]:
        return {row["n"] for row in told if row["path"] == path and begin < row["t"] < end}

    for path, before, after in (("/dev/ttyUSB0", 21, 0), ("/dev/ttyUSB1", 0, 21)):
        assert answers(path, 0, at) == answers(path, at + 65, at + 100) == {before}
        assert answers(path, at + 5, at + 55) == {after}
        assert answers(path, at - 0.01, at + 3) == {-1, after}
