"""A day whose collector stores its ratings in a file, or posts them to the bench, is judged like any other."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.hall.day import draw
from bench.judge.verdict import Verdict
from bench.run.collector import parse_command
from bench.run.day import DayOptions, run_day
from bench.run.verdict import judge_run
from bench.run.wall_day import Wall, run_wall_day
from bench.scenario.load import parse
from tests.support.halls import hall

KEYPADS = """
[[line]]
name = "keypads"
owner = "collector"
path = "/dev/ttyUSB0"
devices = [
  { kind = "rating_keypad", unit = 1, counter = 1 },
  { kind = "rating_keypad", unit = 2, counter = 2 },
]
"""

COLLECTOR = """
import struct, sys, time
import serial
sys.path.insert(0, EXAMPLES)
from collector import ask

NAMES = ("device", "clerk", "ticket", "value", "at", "epoch", "seq")

def rows(port, unit):
    waiting = ask(port, unit, struct.pack(">BHH", 4, 4, 1), 4)
    count = min(15, struct.unpack(">H", waiting[2:])[0]) if waiting else 0
    blocks = ask(port, unit, struct.pack(">BHH", 4, 0x100, 8 * count), 2 + 16 * count) if count else None
    for i in range(count if blocks else 0):
        epoch, seq, flags, hi, lo, ms, clerk, ticket = struct.unpack_from(">8H", blocks, 2 + 16 * i)
        at = (hi << 16 | lo) + ms / 1000
        yield dict(zip(NAMES, (f"keypad-{unit}", clerk, ticket, flags & 255, at, epoch, seq)))

with serial.Serial(sys.argv[1], 9600, timeout=0.2) as port:
    while True:
        for unit in (1, 2):
            found = list(rows(port, unit))
            if found and store(found):
                ask(port, unit, struct.pack(">BHHBHH", 16, 0, 2, 4, found[-1]["epoch"], found[-1]["seq"]), 5)
        time.sleep(1)
"""

STORES = {
    "csv": """
import atexit, csv
file = open(sys.argv[2], "w", newline="")
atexit.register(file.close)
writer = csv.DictWriter(file, NAMES, delimiter=";")
writer.writeheader()
def store(found):
    writer.writerows(found)
    file.flush()
    return True
""",
    "jsonl": """
import json
def store(found):
    with open(sys.argv[2], "a") as file:
        file.writelines(json.dumps(row) + "\\n" for row in found)
    return True
""",
    "urllib": """
import json, urllib.request
def store(found):
    data = json.dumps(found).encode()
    asked = urllib.request.Request(sys.argv[2], data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=5) as reply:
        return reply.status == 201 and json.load(reply) == {"stored": len(found)}
""",
    "http.client": """
import atexit, http.client, json
from urllib.parse import urlsplit
connection = http.client.HTTPConnection(urlsplit(sys.argv[2]).netloc, timeout=5)
atexit.register(connection.close)
def store(found):
    for row in found:
        connection.request("POST", "/ratings", json.dumps(row), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        reply.read()
        if reply.status != 201:
            return False
    return True
""",
    "requests": """
import atexit, os
import requests
session = requests.Session()
atexit.register(session.close)
def store(found):
    return session.post(os.environ["HALLBENCH_RECORDS"], json=found, timeout=5).status_code == 201
""",
}


def run(tmp_path: Path, store: str, kind: str, more: str = "") -> tuple[Verdict, dict[str, Any]]:
    """A day with a collector that stores in one of the ways above."""
    examples = str(Path(__file__).parents[3] / "examples")
    program = tmp_path / "collector.py"
    before, loop, after = COLLECTOR.partition("with serial")
    program.write_text(f"EXAMPLES = {examples!r}\n{before}\n{store}\n{loop}{after}")
    text = hall(KEYPADS) + f'\n[records]\nkind = "{kind}"\n{more}'
    scenario = parse(text.encode(), "hall.toml", lambda _beside: b"")
    command = [sys.executable, str(program), "{port:keypads}", "{records}"]
    out = tmp_path / "run"
    made = DayOptions(scenario, draw(scenario, 3), program=parse_command(command), command=command, out=out)
    result = run_day(made)
    assert result.exit is not None
    assert result.exit.good, result.exit
    verdict = judge_run(out, scenario.records)
    return verdict, json.loads((out / "run.json").read_bytes())


@pytest.mark.parametrize(
    ("store", "kind"), [("csv", "csv"), ("jsonl", "jsonl"), ("urllib", "http"), ("http.client", "http")]
)
def test_a_day_with_records_of_every_kind(tmp_path: Path, store: str, kind: str) -> None:
    """Every rating is found where the scenario says, and nothing of the day depends on it."""
    verdict, facts = run(tmp_path, STORES[store], kind)
    verdict.must_hold()
    assert verdict.counts["recorded"] == verdict.counts["presses"] > 5
    assert facts["records"]["kind"] == kind


def test_requests_in_simulated_time(tmp_path: Path) -> None:
    """The library `requests`, with its kept connection, reaches the sink in simulated time too."""
    pytest.importorskip("requests")
    verdict, _ = run(tmp_path, STORES["requests"], "http")
    verdict.must_hold()
    assert verdict.latency["p99"] is not None  # the sink notes when each row came


def test_a_sink_that_fails_for_a_while(tmp_path: Path) -> None:
    """While sink_failure strikes the sink refuses rows; who acknowledges only what was taken loses none."""
    fault = '[[fault]]\nname = "sink_failure"\nat = "08:10"\nfor_s = 300\n'
    careful = STORES["http.client"]
    verdict, facts = run(tmp_path, careful, "http", fault)
    assert verdict.findings["loss"].verdict == "HOLDS"
    assert facts["faults"]


POSTER = """
import json, sys, urllib.request
row = {"device": "keypad-1", "clerk": 1, "value": 5, "at": 1741573800}
asked = urllib.request.Request(sys.argv[1], json.dumps(row).encode(), {"Content-Type": "application/json"})
print(urllib.request.urlopen(asked, timeout=10).read().decode())
"""


def test_a_process_reaches_the_sink_in_wall_time(tmp_path: Path) -> None:
    """In a window of wall time a process of its own posts to the address that it is given."""
    program = tmp_path / "poster.py"
    program.write_text(POSTER)
    scenario = parse((hall(KEYPADS) + '\n[records]\nkind = "http"\n').encode(), "hall.toml", lambda _beside: b"")
    command = [sys.executable, str(program), "{records}"]
    out = tmp_path / "run"
    begin = scenario.start + 60 * 10**9
    result = run_wall_day(
        DayOptions(scenario, draw(scenario, 3), command=command, out=out), Wall(window=(begin, begin + 20 * 10**9))
    )
    assert result.exit is not None
    assert result.exit.status == 0, (out / "collector.log").read_text()
    verdict = judge_run(out, scenario.records)
    assert verdict.rows["count"] == 1
    assert verdict.findings["phantom"].violations == 1  # nobody pressed it
