"""Collectors of several makes, each unmodified, through a day of the small hall."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "support" / "small.toml"

STORE = """
    db = sqlite3.connect(sys.argv[2])
    db.execute("CREATE TABLE ratings (device, clerk INTEGER, ticket INTEGER, value INTEGER, at REAL, epoch, seq)")
"""

PYMODBUS = (
    """
    import datetime, logging, os, sqlite3, sys, time, json
    from pymodbus.client import ModbusSerialClient

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    info = json.load(open(os.environ["HALLBENCH_DEVICES"]))
    registers = info["registers"]["rating_keypad"]
    waiting, events = registers["waiting"]["address"], registers["events"]["address"]
"""
    + STORE
    + """
    client = ModbusSerialClient(sys.argv[1], baudrate=9600, timeout=0.3)
    assert client.connect()
    logging.info("started at %s", datetime.datetime.now().isoformat(timespec="seconds"))
    while True:
        for device in info["devices"]:
            unit = device["unit"]
            answer = client.read_input_registers(waiting, count=1, device_id=unit)
            count = 0 if answer.isError() else min(15, answer.registers[0])
            if count:
                block = client.read_input_registers(events, count=8 * count, device_id=unit).registers
                for i in range(count):
                    epoch, seq, flags, hi, lo, ms, clerk, ticket = block[8 * i : 8 * i + 8]
                    db.execute("INSERT INTO ratings VALUES (?,?,?,?,?,?,?)",
                               (device["name"], clerk, ticket, flags & 0xFF, (hi << 16 | lo) + ms / 1000, epoch, seq))
                db.commit()
                client.write_registers(0, [epoch, seq], device_id=unit)
        time.sleep(1)
"""
)


def test_pymodbus_on_a_device_path(hallbench):
    """pymodbus's synchronous client on /dev/ttyUSB0, addresses from {devices}, the hall's time in its log."""
    script = hallbench.script("with_pymodbus.py", textwrap.dedent(PYMODBUS))
    ended = hallbench.day("python", script, "/dev/ttyUSB0", "{records}")
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.startswith("HOLDS: all ")
    log = (hallbench.cwd / "run" / "collector.log").read_text()
    assert "started at 2025-03-10T07:59:00" in log
    assert log.startswith("2025-03-10 07:59:0")


def test_a_sigterm_handler_ends_the_program_its_own_way(hallbench):
    """At the end of the day a program with a SIGTERM handler gets the signal and time to finish."""
    script = hallbench.script(
        "graceful.py",
        textwrap.dedent(
            """
            import serial, signal, sys, time
            running = True
            def stop(number, frame):
                global running
                running = False
            signal.signal(signal.SIGTERM, stop)
            port = serial.Serial(sys.argv[1], timeout=0.1)
            while running:
                time.sleep(5)
            time.sleep(2)
            print("finished in order")
            sys.exit(0)
            """
        ),
    )
    ended = hallbench.day("python", script, "{port:keypads}")
    assert "finished in order" in (hallbench.cwd / "run" / "collector.log").read_text()
    assert json.loads((hallbench.cwd / "run" / "run.json").read_text())["collector"] == {
        "status": 0,
        "how": "asked to end",
        "detail": "",
    }
    assert ended.code in {1, 5}  # it stored nothing: never a good verdict


@pytest.mark.parametrize("settings", ["baudrate=19200", "baudrate=9600, parity='E'"])
def test_wrong_line_settings_are_heard_as_garbage(hallbench, settings):
    """A collector at another speed or format gets no sound reply all day: its ratings are lost, nothing hangs."""
    example = (ROOT / "examples" / "collector.py").read_text()
    script = hallbench.script("wrong.py", example.replace("options.port, 9600,", f"options.port, {settings},"))
    ended = hallbench.day("python", script, "{port:keypads}", "{records}", "--units", "1-2", options=("--json",))
    assert ended.code == 1
    assert ended.json["counts"]["recorded"] == 0
    assert ended.json["counts"]["lost"] == ended.json["counts"]["presses"] > 0


def test_acknowledging_before_storing_is_harmless_until_it_dies(hallbench):
    """A collector that dies between acknowledgement and commit has lost what it acknowledged: the judge says which."""
    example = (ROOT / "examples" / "collector.py").read_text()
    ack = '    ask(port, unit, struct.pack(">BHHBHH", 0x10, 0x0000, 2, 4, epoch, seq), 5)\n'
    assert ack in example
    dies = example.replace(ack, "").replace(
        "    db.commit()\n", f"{ack}    if len(seen) >= 5:\n        raise SystemExit('power cut')\n    db.commit()\n"
    )
    script = hallbench.script("dies.py", dies)
    ended = hallbench.day("python", script, "{port:keypads}", "{records}", "--units", "1-2", options=("--json",))
    assert ended.code == 6
    verdict = ended.json
    assert verdict["verdict"] == "VIOLATED"
    assert verdict["counts"]["recorded"] == 4
    assert verdict["counts"]["lost"] == verdict["counts"]["presses"] - 4


def test_ratings_under_other_names(hallbench):
    """A table of the collector's own, mapped in the scenario, without epoch and seq: matched by value and time."""
    scenario = hallbench.cwd / "mapped.toml"
    scenario.write_text(
        SMALL.read_text(encoding="utf-8")
        + textwrap.dedent(
            """
            [records]
            table = "danh_gia"
            columns = { device = "may", clerk = "can_bo", value = "diem", at = "luc" }
            """
        ),
        encoding="utf-8",
    )
    source = (ROOT / "examples" / "collector.py").read_text()
    old_row = (
        'row = (f"keypad-{unit}", clerk, ticket, flags & 0xFF, (hi << 16 | lo) + ms / 1000, epoch, seq, time.time())'
    )
    at = '__import__("datetime").datetime.fromtimestamp((hi << 16 | lo) + ms / 1000).isoformat()'
    changes = {
        "CREATE TABLE IF NOT EXISTS ratings (device TEXT, clerk INTEGER, ticket INTEGER, value INTEGER, at REAL,\n"
        "            epoch INTEGER, seq INTEGER, stored_at REAL)": "CREATE TABLE danh_gia (may, can_bo, diem, luc)",
        old_row: f'row = (str(unit), f"C{{clerk:02}}", flags & 0xFF, {at})',
        "INSERT INTO ratings VALUES (?, ?, ?, ?, ?, ?, ?, ?)": "INSERT INTO danh_gia VALUES (?, ?, ?, ?)",
        'set(db.execute("SELECT CAST(substr(device, 8) AS INTEGER), epoch, seq FROM ratings"))': "set()",
    }
    for old, new in changes.items():
        assert old in source, old
        source = source.replace(old, new)
    script = hallbench.script("other_names.py", source)
    command = ("--out", "run", "--no-report", "--", "python", script, "{port:keypads}", "{records}", "--units", "1-2")
    ended = hallbench("day", scenario, *command)
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.startswith("HOLDS: all ")


@pytest.mark.parametrize("collector", [False, True])
def test_interrupting_a_run(hallbench, collector):
    """Ctrl-C ends a run at once with 130, also when the collector catches it; what was recorded stays, and is never
    taken for a whole day."""
    command = [sys.executable, "-m", "bench.cli", "day", "warsaw_peak", "--out", "run", "--evidence", "full"]
    if collector:
        source = """
            import serial, sys
            port = serial.Serial(sys.argv[1], timeout=0.1)
            try:
                while True:
                    port.write(b"x")
                    port.read(1)
            except KeyboardInterrupt:
                print("interrupted, and glad of it")
        """
        script = hallbench.script("glad.py", textwrap.dedent(source))
        command += ["--", "python", str(script), "{port:keypads-1}"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(command, cwd=hallbench.cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    history = hallbench.cwd / "run" / "history.ndjson"
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline and not (history.exists() and history.stat().st_size > 300_000):
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=100)
    assert running.returncode == 130, err
    assert b"Traceback" not in err
    judged = hallbench("judge", "run")
    assert judged.code == 5
    assert json.loads((hallbench.cwd / "run" / "run.json").read_text())["ended"] == "interrupted"
