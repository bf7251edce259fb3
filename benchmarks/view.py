"""Benchmarks of the live view: how often it redraws while the wire floods it, and what a wall of tiles costs.

`python benchmarks/view.py` prints a row for each figure; `rows()` returns them for benchmarks/results.json. The view
runs headless on stored answers, so that the bench costs nothing here.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from figures import rows_of  # noqa: E402

from bench.control.client import Batch  # noqa: E402
from bench.tui.tile import Tile  # noqa: E402
from bench.tui.view import HallView  # noqa: E402

Row = dict[str, Any]

TARGETS: dict[str, tuple[str, str, float | None]] = {
    "view_flood_frames": ("frames/s taken in of 100,000 offered, the log follows", ">=", 99_000.0),
    "view_flood_redraws": ("redraws/s of the interface meanwhile", ">=", 10.0),
    "view_flood_filtered_redraws": ("the same with a filter set", "", None),
    "view_flood_kept": ("rows in memory after it", "<=", 25_000.0),
    "view_64_tiles_cpu": ("% of a core for 64 tiles that all change 4 times a second", "<=", 40.0),
    "view_idle_cpu": ("% of a core when nothing changes but the clock", "", None),
}
_SECONDS = 5.0
_STORED = ROOT / "tests" / "bench" / "tui" / "stored.json"


class _Peer:
    """A bench of stored answers whose keypads change at each look."""

    def __init__(self, stored: dict[str, Any], changing: bool) -> None:
        self.stored = stored
        self.changing = changing
        self.looks = 0

    async def get(self, path: str) -> Any:
        told = self.stored.get(path.rpartition("/")[2], {})
        if path == "/v1/devices":
            self.looks += 1
            told = copy.deepcopy(told)
            for number, one in enumerate(told["devices"] if self.changing else ()):
                if "lamps" in one:
                    one["lamps"] = [(self.looks + key) % 2 == 0 for key in range(len(one["lamps"]))]
                elif "segments" in one.get("shows", {}):
                    one["shows"]["segments"] = [[(self.looks * 37 + number * 11 + n) % 128, False] for n in range(4)]
        elif path == "/v1/clock":
            told = {**told, "now": told["now"] + self.looks * 250_000_000}
        return told

    async def post(self, path: str, body: Any = None) -> Any:
        return {}

    async def delete(self, path: str) -> Any:
        return {}

    async def events(self, since: int | str = "now") -> AsyncIterator[Batch]:
        yield Batch([], 0, 0)
        await asyncio.Event().wait()


class _Source:
    def __init__(self, peer: _Peer) -> None:
        self.peer = peer

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[_Peer]:
        yield self.peer


def _stored(tiles: int) -> dict[str, Any]:
    stored = json.loads(_STORED.read_text(encoding="utf-8"))
    if tiles:
        made, halls = [], []
        for number in range(tiles):
            pattern = next(
                one
                for one in stored["devices"]["devices"]
                if ("lamps" in one) == bool(number % 2) and ("segments" in one.get("shows", {}) or "lamps" in one)
            )
            made.append({**copy.deepcopy(pattern), "name": f"device-{number}", "counter": 1 + number // 2})
            halls.append({"name": f"device-{number}", "counter": 1 + number // 2})
        stored["devices"], stored["hall"]["devices"] = {"devices": made}, halls
    return stored


async def _flood(filtered: str) -> tuple[float, float, int]:
    """100,000 frames a second in batches of 500, as the API sends them, for some seconds."""
    peer = _Peer(_stored(0), changing=False)
    frames = [event for event in peer.stored["events"]["events"] if event["kind"] == "frame"]
    batch = Batch((frames * 20)[:500], 0, 0)
    view = HallView(_Source(peer))
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.5)
        view.wire.filter(filtered)
        redraws, total = 0, 0
        drawn = view.screen._compositor_refresh

        def counted() -> None:
            nonlocal redraws
            redraws += 1
            drawn()

        view.screen._compositor_refresh = counted
        view.wire.seen = 0
        begun = perf_counter()
        while (now := perf_counter() - begun) < _SECONDS:
            while total < now * 100_000:
                view.link.batches.append(batch)
                total += len(batch.events)
            await asyncio.sleep(0.002)
        view.drain()
        seconds = perf_counter() - begun
        return view.wire.seen / seconds, redraws / seconds, view.wire.kept


async def _tiles(count: int, changing: bool) -> float:
    """Processor time of the view in percent of a core."""
    view = HallView(_Source(_Peer(_stored(count), changing)))
    async with view.run_test(size=(200, 60)) as pilot:
        await pilot.pause(1.0)
        if changing and len(view.query(Tile)) != count:
            raise SystemExit(f"{len(view.query(Tile))} tiles, not {count}")
        begun, used = perf_counter(), process_time()
        await asyncio.sleep(_SECONDS)
        return (process_time() - used) / (perf_counter() - begun) * 100


def measure() -> dict[str, float]:
    """Every figure."""
    frames, redraws, kept = asyncio.run(_flood(""))
    _, filtered, _ = asyncio.run(_flood("keypad-1"))
    return {
        "view_flood_frames": round(frames),
        "view_flood_redraws": round(redraws, 1),
        "view_flood_filtered_redraws": round(filtered, 1),
        "view_flood_kept": kept,
        "view_64_tiles_cpu": round(asyncio.run(_tiles(64, changing=True)), 1),
        "view_idle_cpu": round(asyncio.run(_tiles(0, changing=False)), 1),
    }


def rows() -> list[Row]:
    """Every figure as a row of benchmarks/results.json."""
    return rows_of(measure(), TARGETS, "textual")


if __name__ == "__main__":
    for row in rows():
        print(f"{row['id']:28} {row['value']:>10} {row['unit']:58} {row['target']:10} holds: {row['holds']}")
