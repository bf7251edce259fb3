"""Benchmarks of the control API: how soon a bench is up with it, and what a second of it carries.

`python benchmarks/control.py` prints a row for each figure; `rows()` returns them for benchmarks/results.json. The
bench runs in a process of its own, as it does in use.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from figures import rows_of  # noqa: E402

from bench.control.client import Client, Watcher, find  # noqa: E402
from bench.control.events import EventLog  # noqa: E402

Row = dict[str, Any]

TARGETS: dict[str, tuple[str, str, float | None]] = {
    "control_start_s": ("s to the line of `up tan_hoi --json`", "<=", 1.5),
    "control_start_without_s": ("s, with --no-control", "", None),
    "control_batch_presses": ("presses/s in batches", ">=", 2000.0),
    "control_single_presses": ("presses/s, a request each", "", None),
    "control_press_ms": ("ms from the request to its answer, p50", "", None),
    "control_event_ms": ("ms from a press to its event at a watcher, p50", "", None),
    "control_event_cost_us": ("us to add an event that nobody reads", "<=", 20.0),
}


@contextmanager
def up(*args: str) -> Iterator[tuple[float, dict[str, Any]]]:
    """A bench; gives the seconds to its line, and the line."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        run.mkdir(mode=0o700)
        os.environ["HALLBENCH_RUNTIME_DIR"] = str(run)
        command = [sys.executable, "-m", "bench.cli", "up", "tan_hoi", "--json", "--ports", f"{folder}/ports", *args]
        begun = perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
        ) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            seconds = perf_counter() - begun
            try:
                yield seconds, json.loads(line)
            finally:
                process.terminate()
                process.wait(10)


BATCHES = 12


def _batch(n: int) -> dict[str, Any]:
    return {"acts": [{"device": f"keypad-{1 + i % 4}", "action": "press", "key": 1 + i % 5} for i in range(n)]}


async def _event_delays(count: int) -> list[float]:
    delays = []
    async with Watcher(find()) as watcher:
        stream = watcher.events(since="now", kinds="act")
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.3)
        for _ in range(count):
            begun = perf_counter()
            await watcher.post("/v1/devices/keypad-1/log_in", {"clerk": 1})
            await waiting
            delays.append(perf_counter() - begun)
            waiting = asyncio.ensure_future(anext(stream))
        waiting.cancel()
    return delays


def measure() -> dict[str, float]:
    """All figures."""
    found: dict[str, float] = {}
    for key, args in (("control_start_s", ()), ("control_start_without_s", ("--no-control",))):
        times = []
        for _ in range(3):
            with up(*args) as (seconds, _):
                times.append(seconds)
        found[key] = round(statistics.median(times), 3)
    with up("--no-people"), Client(find()) as client:
        # A fixed number, inside the burst that the rate limit allows: a quick machine would be refused otherwise.
        begun = perf_counter()
        pressed = sum(client.post("/v1/acts", _batch(500))["done"] for _ in range(BATCHES))
        found["control_batch_presses"] = round(pressed / (perf_counter() - begun))
        sleep(1)
        times = []
        for n in range(600):
            at = perf_counter()
            client.post(f"/v1/devices/keypad-{1 + n % 4}/press", {"key": 1 + n % 5})
            times.append(perf_counter() - at)
        found["control_single_presses"] = round(len(times) / sum(times))
        found["control_press_ms"] = round(statistics.median(times) * 1000, 3)
        found["control_event_ms"] = round(statistics.median(asyncio.run(_event_delays(30))) * 1000, 3)
    log = EventLog(None, lambda: 0)
    begun = perf_counter()
    for n in range(50_000):
        log.burst(n, "keypads", "port", b"\x01\x04\x00\x02\x00\x06", 0, n)
    found["control_event_cost_us"] = round((perf_counter() - begun) / 50_000 * 1e6, 3)
    return found


def rows() -> list[Row]:
    """Every figure as a row of benchmarks/results.json."""
    return rows_of(measure(), TARGETS, "aiohttp")


if __name__ == "__main__":
    for row in rows():
        print(f"{row['id']:28} {row['value']:>10} {row['unit']:48} {row['target']:10} holds: {row['holds']}")
