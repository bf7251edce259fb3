"""Run directories with a history that was written by hand, for captures."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.judge.folding import WireLog
from bench.judge.history import HistoryWriter
from firmware_sim.burst import LineSettings
from protocol.modbus.rtu import seal

MS = 1_000_000
START = 8 * 3600 * 1000 * MS
SETTINGS = LineSettings.parse("9600 8E1")
EPOCH = 1_741_539_600_000_000_000  # 2025-03-10 in Ho Chi Minh City

ASK = seal(bytes.fromhex("010400020006"))
IDLE = seal(bytes.fromhex("01040c000100000000ffffffff0000"))
NEWS = seal(bytes.fromhex("01040c000100000001000100010000"))

Burst = tuple[int, str, bytes]


def run_dir(
    folder: Path,
    bursts: Iterable[Burst],
    *,
    line: str = "keypads",
    evidence: str = "folded",
    faults: Iterable[dict[str, Any]] = (),
    settings: str | None = "9600 8E1",
    device: str = "keypad-1",
    footer: bool = True,
) -> Path:
    """A run directory with these bursts of (ms after 08:00, sender, characters) on one line."""
    folder.mkdir(parents=True, exist_ok=True)
    header = {
        "scenario": "made",
        "seed": 1,
        "date": "2025-03-10",
        "epoch_ns": EPOCH,
        "clock": "virtual",
        "evidence": evidence,
        "devices": [
            {"name": device, "kind": "rating_keypad", "protocol": "modbus_rtu", "line": line, "unit": 1},
        ],
    }
    writer = HistoryWriter(folder / "history.ndjson", header)
    log = WireLog(writer, evidence)
    waiting = sorted(faults, key=lambda fault: fault["ms"])
    for ms, by, data in bursts:
        while waiting and waiting[0]["ms"] <= ms:
            fault = dict(waiting.pop(0))
            at = START + round(fault.pop("ms") * MS)
            writer.record(at, "fault", "fault", {"line": line, **fault})
        at = START + round(ms * MS)
        flaws = 1 if by.endswith("!") else 0
        log.burst(at, line, by.rstrip("!"), data, flaws, at + SETTINGS.duration(len(data)))
    for fault in waiting:
        at = START + round(fault.pop("ms") * MS)
        writer.record(at, "fault", "fault", {"line": line, **fault})
    log.close()
    if footer:
        writer.close()
    else:
        writer.abandon()
    if settings is not None:
        row = {"line": line, "settings": settings, "bursts": 1}
        (folder / "run.json").write_text(json.dumps({"schema_version": 1, "hallbench": "0", "lines": [row]}))
    return folder


def polls(count: int, every: int = 100, reply: bytes = IDLE, start: int = 0) -> list[Burst]:
    """The same poll again and again, with its reply 20 ms after."""
    return [
        burst
        for n in range(count)
        for burst in (
            (start + n * every, "house/keypads", ASK),
            (start + n * every + 20, "slaves", reply),
        )
    ]
