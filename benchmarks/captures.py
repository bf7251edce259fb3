"""Benchmarks of captures: `python benchmarks/captures.py` prints a row for each figure, `rows()` gives them.

CPU time, the best of a few runs. The day is a busy one of 200,000 frames that was written by hand, so that nothing of
the hall is in the figures; the share of a run is taken of a real day.
"""

from __future__ import annotations

import io
import platform
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from bench.captures.export import export_pcapng, write_wire
from bench.captures.frames import Capture
from bench.captures.pcapng import PcapngWriter
from bench.captures.pcapng_reader import PcapngReader
from bench.captures.vcd import write_vcd
from bench.hall.day import draw
from bench.run.day import run_day
from bench.run.options import DayOptions
from bench.scenario.load import load
from capture_runs import ASK, IDLE, NEWS, polls, run_dir

REPEATS = 3
FRAMES = 200_000


def _best(work: Callable[[], Any]) -> float:
    """CPU seconds of the quickest of a few runs."""
    times = []
    for _ in range(REPEATS):
        began = process_time()
        work()
        times.append(process_time() - began)
    return min(times)


class _Nowhere(io.RawIOBase):
    def write(self, data: Any) -> int:
        return len(data)


def _writer_us() -> float:
    def work() -> None:
        writer = PcapngWriter(_Nowhere(), tool="benchmark")  # type: ignore[arg-type]
        line = writer.add_interface("line", dissector="mbrtu")
        for at in range(FRAMES):
            writer.packet(line, at, ASK, inbound=False)

    return _best(work) / FRAMES * 1e6


def _folder(where: Path) -> Path:
    half = FRAMES // 4
    bursts = [pair for n in range(half) for pair in polls(1, reply=(IDLE, NEWS)[n % 2], start=n * 100)]
    return run_dir(where, bursts, evidence="full")


def _peak(folder: Path) -> float:
    tracemalloc.start()
    export_pcapng(Capture(folder), _Nowhere())  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def _share_of_a_day(where: Path) -> float:
    scenario = load("tan_hoi")
    began = process_time()
    result = run_day(DayOptions(scenario, draw(scenario, 1), out=where))
    whole = process_time() - began
    return 100 * _best(lambda: write_wire(result.directory.path)) / whole


def rows() -> list[dict[str, Any]]:
    """Measure, print, and return the rows as benchmarks/results.json has them."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = _folder(Path(temporary) / "made")
        count = FRAMES // 2
        wire = write_wire(folder)
        assert wire is not None

        def read() -> None:
            with wire.open("rb") as file:
                assert sum(1 for _ in PcapngReader(file, "wire").packets()) == count

        def dump() -> None:
            capture = Capture(folder)
            write_vcd(_Text(), capture.frames(), capture.lines)

        found = [
            ("captures_write_us", _writer_us(), "us a packet", "<=", 10.0),
            ("captures_export_us", _best(lambda: write_wire(folder)) / count * 1e6, "us a frame", "<=", 40.0),
            ("captures_read_us", _best(read) / count * 1e6, "us a packet", "<=", 20.0),
            ("captures_vcd_us", _best(dump) / count * 1e6, "us a frame", "", None),
            ("captures_export_mb", _peak(folder), "MB at most", "<=", 64.0),
            ("captures_share_of_day", _share_of_a_day(Path(temporary) / "day"), "% of a day's CPU", "<=", 5.0),
        ]
    versions = {"python": platform.python_version(), "hallbench": version("hallbench")}
    told = []
    for key, value, unit, sense, target in found:
        holds = target is None or value <= target
        wanted = f"{sense} {target:g}" if target is not None else "stated"
        print(f"{key:32} {value:10.3f} {unit:20} target {wanted:10} {'holds' if holds else 'MISSED'}")
        told.append(
            {"id": key, "value": round(value, 3), "unit": unit, "target": wanted, "holds": holds, "versions": versions}
        )
    return told


class _Text(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


if __name__ == "__main__":
    rows()
