"""Several halls at once, in wall time, each with a collector of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from bench.control.client import Client
from bench.control.registry import Entry
from live_up import up

pytest.importorskip("termios", reason="this system has no pseudo-terminals")

ROOT = Path(__file__).parents[2]
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}
POLL = textwrap.dedent(
    """
    import json, sys, time, serial
    from protocol.modbus.requests import read_registers
    from protocol.modbus.rtu import is_sound

    polls = bad = 0
    end = time.monotonic() + float(sys.argv[2])
    with serial.Serial(sys.argv[1], 9600, timeout=60) as port:
        while polls < int(sys.argv[4]) or time.monotonic() < end:
            unit = 1 + polls % int(sys.argv[3])
            port.write(read_registers(unit, 4, 0, 10))
            reply = port.read(25)
            polls += 1
            bad += not (len(reply) == 25 and is_sound(reply) and reply[0] == unit)
            time.sleep(0.005)
    print(json.dumps([polls, bad]))
    """
)


def polled(told: dict[str, Any], seconds: float, least: int) -> list[tuple[int, int]]:
    """Poll every hall at once, for so long and so often at least; (polls, bad replies) of each."""
    ports = [port for hall in told["halls"] for port in hall["ports"] if port["line"] == "keypads"]
    commands = [
        [sys.executable, "-c", POLL, port["path"], str(seconds), str(len(port["devices"])), str(least)]
        for port in ports
    ]
    running = [subprocess.Popen(command, env=ENV, stdout=subprocess.PIPE, text=True) for command in commands]
    return [tuple(json.loads(process.communicate(timeout=seconds + 200)[0])) for process in running]


def write_province(folder: Path) -> Path:
    small = ROOT / "tests/support/small.toml"
    (folder / "small.toml").write_bytes(small.read_bytes())
    path = folder / "two.toml"
    rows = '{ name = "one", scenario = "small.toml" }, { name = "more", scenario = "small.toml", count = 2, seed = 5 }'
    path.write_text(f'title = "three halls"\nhall = [{rows}]\n', encoding="utf-8")
    return path


def test_each_hall_has_its_own_ports_and_evidence(tmp_path):
    """Three halls of two kinds: ports, control and a run directory each, all answering at once, gone at the end."""
    with up(tmp_path, write_province(tmp_path), "--ports", tmp_path / "p", "--out", tmp_path / "runs") as (_, told):
        assert [hall["hall"] for hall in told["halls"]] == ["one", "more-001", "more-002"]
        results = polled(told, 1.5, 6)
        for hall in told["halls"]:
            with Client(Entry(hall["hall"], 0, "", hall["control"], hall["token_file"])) as client:
                assert client.get("/v1/hall")["name"] == hall["hall"]
    assert [bad for _, bad in results] == [0, 0, 0]
    assert min(polls for polls, _ in results) > 5
    assert [path for path in (tmp_path / "p").rglob("*") if not path.is_dir()] == []
    days = [json.loads((tmp_path / "runs" / name / "day.json").read_text()) for name in ("one", "more-001", "more-002")]
    assert [day["seed"] for day in days] == [1, 5, 6]
    frames = json.loads((tmp_path / "runs/one/run.json").read_text())["timing"]["frames"]
    assert frames["count"] > 5


def test_one_hall_that_cannot_be_served_ends_them_all(tmp_path):
    """A port that is somebody's own file: exit 4, its name told, nothing of the other halls left."""
    (tmp_path / "p/more-002").mkdir(parents=True)
    (tmp_path / "p/more-002/keypads").write_text("mine", encoding="utf-8")
    command = [sys.executable, "-m", "bench.cli", "up", write_province(tmp_path), "--ports", tmp_path / "p"]
    done = subprocess.run(list(map(str, command)), cwd=tmp_path, env=ENV, capture_output=True, text=True, timeout=200)
    assert done.returncode == 4
    assert "more-002/keypads" in done.stderr
    assert [path.name for path in (tmp_path / "p").rglob("*") if not path.is_dir()] == ["keypads"]


@pytest.mark.gate
def test_sixteen_halls_on_one_machine(tmp_path):
    """dan_phuong: sixteen halls in wall time, each polled without a pause for half a minute, and no bad frame."""
    with up(tmp_path, "dan_phuong", "--ports", tmp_path / "p", "--out", tmp_path / "runs") as (_, told):
        results = polled(told, 30, 201)
    assert len(results) == 16
    assert sum(bad for _, bad in results) == 0
    assert min(polls for polls, _ in results) > 200
    for hall in told["halls"]:
        run = json.loads((tmp_path / "runs" / hall["hall"] / "run.json").read_text(encoding="utf-8"))
        assert run["timing"]["frames"]["p99_ms"] > 0
        print(hall["hall"], run["timing"]["frames"])
