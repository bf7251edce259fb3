"""Benchmarks of the day: `make speed` runs them all and writes benchmarks/results.json.

Machines are shared and noisy, so a figure is CPU time where the work is all ours, the best of a few runs, beside
its target. Nothing here is a test. Every measurement runs in a process of its own: `python benchmarks/run.py NAME`.
"""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

from figures import in_processes

REPEATS = 3
NS = 1_000_000_000


def rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def transaction_us() -> dict[str, float]:
    """Device side of one RTU transaction: hear 8 characters, t3.5, check, read 10 registers, build 25 characters."""
    from firmware_sim.burst import LineSettings
    from firmware_sim.devices.rating_keypad import RatingKeypad
    from firmware_sim.modbus_line import ModbusLine
    from protocol.modbus.requests import read_registers

    station = ModbusLine("slaves", LineSettings())
    for unit in range(1, 33):
        station.attach(RatingKeypad(f"keypad-{unit}"), unit)
    frames = [read_registers(unit, 0x04, 0, 10) for unit in range(1, 33)]
    count, now, gap = 60_000, 10 * NS, 40_000_000
    for frame in frames:
        list(station.hear(now, frame, now - 8_333_334, now, None))
        assert list(station.wake(now + station.t35, "")), "no reply"
        now += gap
    start = process_time()
    for i in range(count):
        frame = frames[i & 31]
        station.hear(now, frame, now - 8_333_334, now, None)
        station.wake(now + station.t35, "")
        now += gap
    return {"device_transaction_us": (process_time() - start) / count * 1e6}


def _polling(hours: float, history: Path | None) -> dict[str, float]:
    """Raw pyserial polling of 32 keypads at 9600 8N1 without a pause, through `hall://`, in simulated time."""
    import time

    import serial

    from bench.clock.clockwork import Clockwork
    from bench.clock.kernel import Kernel
    from bench.clock.standins import installed
    from bench.judge.folding import WireLog
    from bench.judge.history import HistoryWriter
    from bench.ports.mounts import mounted
    from bench.ports.patch import redirected
    from firmware_sim.burst import LineSettings
    from firmware_sim.devices.rating_keypad import RatingKeypad
    from firmware_sim.line import Line
    from firmware_sim.modbus_line import ModbusLine
    from protocol.modbus.requests import read_registers

    end = int(hours * 3600 * NS)
    clock = Clockwork()
    kernel = Kernel(clock, 0, until=end + NS)
    settings = LineSettings()
    line = Line("keypads", clock, settings)
    station = ModbusLine("slaves", settings)
    line.attach(station)
    for unit in range(1, 33):
        station.attach(RatingKeypad(f"keypad-{unit}"), unit)
    sha = hashlib.sha256()
    if history is None:
        line.on_burst(
            lambda t, _line, src, data, flaws, e: sha.update(b"%d %d %b %d %b\n" % (t, e, src.encode(), flaws, data))
        )
    else:
        writer = HistoryWriter(history, {"clock": "virtual"})
        wire = WireLog(writer, "full")
        line.on_burst(wire.burst)
    requests = [read_registers(unit, 0x04, 4, 4) for unit in range(1, 33)]
    good = polls = 0
    start = process_time()
    with installed(), redirected(), mounted({"keypads": line}, kernel, {}), kernel:
        port = serial.serial_for_url("hall://keypads", baudrate=9600, timeout=0.1)
        write, read, sleep = port.write, port.read, time.sleep
        while clock.now < end:
            write(requests[polls & 31])
            good += len(read(13)) == 13
            polls += 1
            sleep(0.004)
    cpu = process_time() - start
    if history is not None:
        wire.close()
        writer.close()
    assert good == polls, f"{polls - good} of {polls} polls failed"
    return {"speedup": clock.now / NS / cpu, "polls": polls, "cpu_s": cpu, "rss_mb": rss_mb()}


def polling_hashed() -> dict[str, float]:
    found = _polling(8, None)
    return {"polling_hashed_speedup": found["speedup"], "polling_rss_mb": found["rss_mb"]}


def polling_full_history() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        found = _polling(8, Path(folder) / "history.ndjson")
    return {"polling_full_history_speedup": found["speedup"], "polling_full_history_rss_mb": found["rss_mb"]}


def _day(scenario: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        ended = subprocess.run(
            [sys.executable, "-m", "bench.cli", "day", scenario, "--out", f"{folder}/run", "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = perf_counter() - start
    assert ended.returncode == 0, ended.stderr[-2000:]
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def tan_hoi_day() -> dict[str, float]:
    return {"tan_hoi_day_s": _day("tan_hoi")[0]}


def ca_mau_day() -> dict[str, float]:
    seconds, mb = _day("ca_mau")
    return {"ca_mau_day_s": seconds, "ca_mau_rss_mb": mb}


def help_cpu() -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    hallbench = Path(sys.executable).with_name("hallbench")
    subprocess.run([hallbench, "--help"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"help_cpu_ms": 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)}


MEASUREMENTS = {
    "transaction_us": (transaction_us, 5),
    "polling_hashed": (polling_hashed, REPEATS),
    "polling_full_history": (polling_full_history, 2),
    "help_cpu": (help_cpu, 5),
    "tan_hoi_day": (tan_hoi_day, 2),
    "ca_mau_day": (ca_mau_day, 1),
}

TARGETS = {
    "device_transaction_us": ("us", "<=", 10),
    "polling_hashed_speedup": ("x real time", ">=", 1000),
    "polling_rss_mb": ("MB", "<=", 64),
    "polling_full_history_speedup": ("x real time", ">=", 500),
    "polling_full_history_rss_mb": ("MB", "<=", 64),
    "help_cpu_ms": ("ms of CPU", "<=", 150),
    "tan_hoi_day_s": ("s", "<=", 10),
    "ca_mau_day_s": ("s", "<=", 120),
    "ca_mau_rss_mb": ("MB", "<=", 300),
}

if __name__ == "__main__":
    in_processes(__file__, MEASUREMENTS, TARGETS, ("simpy", "pyserial", "hallbench"))
