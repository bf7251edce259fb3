"""The hall on real ports, as its user starts it: `up`, and days in wall time, with programs of any kind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import serial

import live_up
from protocol.modbus.requests import read_registers

pytest.importorskip("termios", reason="this system has no pseudo-terminals")

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "support" / "small.toml"
COLLECTOR = ROOT / "examples" / "collector.py"


def up(cwd: Path, *args: object) -> AbstractContextManager[Any]:
    """`hallbench up` of the small hall."""
    return live_up.up(cwd, SMALL, *args)


def exchange(port: serial.SerialBase, unit: int = 1) -> bytes:
    port.write(read_registers(unit, 4, 0, 10))
    return bytes(port.read(25))


def test_up_tells_its_ports_in_one_line_and_serves_them(tmp_path):
    """Contract of cli.md: one line when every port is ready; each path answers; the end leaves nothing behind."""
    with up(tmp_path, "--ports", tmp_path / "p") as (process, told):
        assert told["schema_version"] == 1
        assert told["clock"] == "wall"
        (port,) = told["ports"]
        assert {"line", "path", "url", "baud", "format", "devices"} <= set(port)
        assert (port["line"], port["baud"], port["format"], port["url"]) == ("keypads", 9600, "8N1", None)
        assert [(d["name"], d["kind"], d["unit"], d["counter"]) for d in port["devices"]] == [
            ("keypad-1", "rating_keypad", 1, 1),
            ("keypad-2", "rating_keypad", 2, 2),
        ]
        with serial.Serial(str(tmp_path / port["path"]), 9600, timeout=60) as opened:
            assert len(exchange(opened)) == 25
    assert process.returncode == 0
    assert not any((tmp_path / "p").iterdir())


def test_a_second_up_on_the_same_ports_names_who_holds_them(tmp_path, hallbench):
    """Two benches never share a port: the second says which process has it, exits 4 and takes nothing away."""
    with up(tmp_path, "--ports", tmp_path / "p") as (process, told):
        second = hallbench("up", SMALL, "--ports", tmp_path / "p", "--json")
        assert second.code == 4
        assert str(process.pid) in second.err
        with serial.Serial(told["ports"][0]["path"], 9600, timeout=60) as opened:
            assert len(exchange(opened, 2)) == 25


def test_leftovers_of_a_killed_bench_are_cleaned_by_the_next(tmp_path):
    """SIGKILL leaves a link that leads nowhere; the next start takes its place and goes as cleanly as ever."""
    with up(tmp_path, "--ports", tmp_path / "p") as (process, told):
        process.kill()
        process.wait(10)
    assert os.path.lexists(told["ports"][0]["path"])
    with (
        up(tmp_path, "--ports", tmp_path / "p") as (_, told),
        serial.Serial(told["ports"][0]["path"], 9600, timeout=60) as opened,
    ):
        assert len(exchange(opened)) == 25
    assert not any((tmp_path / "p").iterdir())


def test_a_line_on_tcp_has_a_url(tmp_path):
    """A line served on TCP has a `url` in place of a `path`, which pyserial opens as it stands."""
    with up(tmp_path, "--ports", tmp_path / "p", "--serve", "keypads=tcp") as (_, told):
        (port,) = told["ports"]
        assert port["path"] is None
        with serial.serial_for_url(port["url"], timeout=60) as opened:
            assert len(exchange(opened)) == 25


def test_only_and_all_choose_the_lines(tmp_path):
    """`--only LINE` serves a part, also a line of the house; `--all` serves every line."""
    with up(tmp_path, "--ports", tmp_path / "p", "--only", "hall") as (_, told):
        assert [port["line"] for port in told["ports"]] == ["hall"]
    with up(tmp_path, "--ports", tmp_path / "p", "--all") as (_, told):
        assert {port["line"] for port in told["ports"]} >= {"keypads", "hall"}


def test_a_window_of_the_day_in_wall_time(hallbench):
    """Virtual up to the window, wall inside it: the collector, a process of its own, is judged for the window alone."""
    options = ("--clock", "wall", "--window", "08:20-08:20:20")  # ten times what a program needs to begin
    ended = hallbench.day(sys.executable, COLLECTOR, "{port:keypads}", "{records}", options=options)
    assert "ran to the end of the day" in ended.out, ended.err
    records = hallbench.records()
    kinds = [(r.get("src"), r.get("k")) for r in records]
    handover = kinds.index(("run", "handover"))
    assert records[handover]["t"] == (8 * 3600 + 20 * 60) * 10**9
    assert not [r for r in records[:handover] if r.get("src") == "collector"]
    run = json.loads((hallbench.cwd / "run" / "run.json").read_text())
    assert run["clock"] == "wall"
    assert run["timing"]["frames"]["count"] > 10
    assert [port["opened"] for port in run["ports"]] == [1]
    verdict = json.loads((hallbench.cwd / "run" / "verdict.json").read_text())
    assert verdict["counts"]["lost"] == 0
    assert verdict["counts"]["phantom"] == 0
    assert "outside the run" not in ended.out  # stored_at is of the collector's own clock
    # earlier presses were fetched by the stand-in and are nobody's loss
    presses = [r for r in records[:handover] if r.get("k") == "press"]
    assert presses
    assert verdict["counts"]["presses"] < len(presses)


def test_any_program_and_one_that_never_opens_its_port(hallbench):
    """A shell script is a program like any other; one that opens no port is told so, with exit code 6."""
    options = ("--clock", "wall", "--window", "08:20-08:20:05")
    ended = hallbench.day("sh", "-c", "echo collecting; sleep 60", options=options)
    assert ended.code == 6
    assert "never opened a port" in ended.out
    assert (hallbench.cwd / "run" / "collector.log").read_text() == "collecting\n"


def test_a_program_that_ends_by_itself_does_not_stop_the_day(hallbench):
    """When the program has gone, the rest of the day runs in simulated time, and its loss is judged."""
    ended = hallbench.day("sh", "-c", "exit 3", options=("--clock", "wall"))
    assert ended.code == 6
    assert "ended by itself with status 3" in ended.out
    assert [r["why"] for r in hallbench.records() if r.get("k") == "run_end"] == ["everybody has left"]


FAULTS = """
[[fault]]
name = "port_vanish"
line = "keypads"
where = "request"
nth = 4
after = "08:20"
for_s = 1

[[fault]]
name = "pause"
line = "keypads"
where = "request"
nth = 12
after = "08:20"
for_s = 0.5

[[fault]]
name = "kill"
line = "keypads"
where = "request"
nth = 20
after = "08:20"
"""

# Ends by itself when it was started a second time and has its port again, so that the window is a limit and no wait.
REOPENS = """
    import pathlib, sys, time, serial
    mark = pathlib.Path(sys.argv[0] + ".begun")
    again = mark.exists()
    mark.touch()
    print("begun", flush=True)
    while True:
        try:
            with serial.Serial(sys.argv[1], 9600, timeout=0.3) as port:
                print("open", flush=True)
                while not again:
                    port.write(bytes.fromhex("010400000001") + b"\\x31\\xca")
                    port.read(7)
                    time.sleep(0.1)
                sys.exit(0)
        except (serial.SerialException, OSError):
            time.sleep(0.1)
"""


def test_faults_strike_a_program_on_real_ports(hallbench):
    """A port that vanishes and returns, a pause, a kill with a fresh start: each strikes a process, and is recorded."""
    scenario = hallbench.cwd / "faulty.toml"
    scenario.write_text(SMALL.read_text(encoding="utf-8") + FAULTS, encoding="utf-8")
    script = hallbench.script("reopens.py", textwrap.dedent(REOPENS))
    wall = ("--clock", "wall", "--window", "08:20-08:23", "--out", "run", "--no-report")
    hallbench("day", scenario, *wall, "--", sys.executable, script, "{port:keypads}")
    faults = [(r["name"], r["t"] // 10**9 - 30_000) for r in hallbench.records() if r.get("k") == "fault"]
    assert [name for name, _ in faults] == ["port_vanish", "pause", "kill"]
    log = (hallbench.cwd / "run" / "collector.log").read_text()
    assert log.split() == ["begun", "open", "open", "begun", "open"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--window", "08:20-08:30"), "--clock wall"),
        (("--clock", "wall", "--window", "08:30-08:20"), "ends before it begins"),
        (("--clock", "wall", "--window", "23:00-23:10"), "not inside the day"),
        (("--clock", "wall", "--window", "half past"), "write FROM-TO"),
        (("--clock", "0x"), "is no clock"),
        (("--clock", "wall", "--serve", "hall=tcp"), "there is no line 'hall'"),
        (("--clock", "wall", "--serve", "keypads=usb"), "not as 'usb'"),
    ],
)
def test_bad_usage_is_told(hallbench, options, said):
    """A clock, a window or a port that cannot be is told before anything runs, with exit code 2."""
    ended = hallbench.day("sh", "-c", "true", options=options)
    assert ended.code == 2
    assert said in ended.err.replace("\n", " ")


def test_a_program_that_is_not_there(hallbench):
    """A command that cannot be run is told before the clock starts."""
    ended = hallbench.day("./no_such_program", options=("--clock", "wall"))
    assert ended.code == 2
    assert "no such program" in ended.err


def test_an_interrupted_day_keeps_its_history(hallbench):
    """SIGINT ends a day in wall time with 130; the history so far is kept and never taken for whole."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.cli", "day", SMALL, "--clock", "wall", "--out", "run", "--", "sleep", "60"],
        cwd=hallbench.cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 100
    while not (hallbench.cwd / "run" / "ports" / "keypads").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=100)
    assert process.returncode == 130
    assert not any((hallbench.cwd / "run" / "ports").iterdir())
    assert hallbench.records()[-1]["k"] == "broken_off"
    assert hallbench("judge", "run").code != 0
