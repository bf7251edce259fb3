"""How fast a history is judged, and in how much memory: a made history of so many records of a hall that misbehaves.

Every exchange is kept burst by burst, a keypad of 32 is pressed now and then, some replies are damaged, missing or
late: the judge has to look at every line. `python benchmarks/judging.py 10000000` judges ten million records.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.judge.history import HistoryWriter, read_history
from bench.judge.records import Row
from bench.judge.verdict import judge
from protocol.checks import crc16_modbus

NS = 1_000_000_000
EPOCH_S = 1_741_539_600
KEYPADS = 32
TARGET_S = 10.0


def _frame(data: bytes) -> str:
    return (data + crc16_modbus(data).to_bytes(2, "little")).hex()


def _header() -> dict[str, Any]:
    devices = [
        {
            "name": f"keypad-{unit}",
            "kind": "rating_keypad",
            "protocol": "modbus_rtu",
            "line": "keypads",
            "unit": unit,
            "counter": unit,
            "owner": "collector",
        }
        for unit in range(1, KEYPADS + 1)
    ]
    return {
        "schema_version": 1,
        "scenario": "made by hand",
        "timezone": "Asia/Ho_Chi_Minh",
        "epoch_ns": EPOCH_S * NS,
        "start": 0,
        "devices": devices,
        "clerks": {"C01": 1},
        "program": "collector",
        "must_exercise": ["loss", "duplication", "attribution", "manners"],
    }


def make(path: Path, records: int) -> list[Row]:
    """Write a history of so many records; returns the rows that a correct collector stores."""
    rows: list[Row] = []
    with HistoryWriter(path, _header()) as history:
        put = history.record
        seqs = [0] * (KEYPADS + 1)
        t, unit, turn = NS, 0, 0
        while history.count < records - 12:
            unit, turn, t = unit % KEYPADS + 1, turn + 1, t + 30_000_000
            status = {"line": "keypads", "by": "port"}
            put(t, "line", "tx", {**status, "hex": _frame(bytes((unit, 4, 0, 2, 0, 6))), "end": t + 9_000_000})
            heard = {"line": "keypads", "by": "slaves"}
            if turn % 97 == 0:
                t += 200_000_000
                continue
            spoilt = {"flaws": 1} if turn % 53 == 0 else {}
            reply = _frame(bytes((unit, 4, 12, 0, 1, 0, 0, 0, turn % 2, 255, 255, 255, 255, 0, 0)))
            put(t + 12_000_000, "line", "tx", {**heard, "hex": reply, "end": t + 22_000_000, **spoilt})
            if turn % 40 == 0:
                t = _press(put, t + 40_000_000, unit, seqs, rows)
        put(t + NS, "run", "run_end", {"why": "made"})
    return rows


def _press(put: Any, t: int, unit: int, seqs: list[int], rows: list[Row]) -> int:
    seq, value = seqs[unit] % 0x10000, 1 + seqs[unit] % 5
    epoch = 1 + seqs[unit] // 0x10000
    seqs[unit] += 1
    device = f"keypad-{unit}"
    key = epoch.to_bytes(2, "big") + seq.to_bytes(2, "big")
    facts = {"device": device, "value": value, "clerk": 1, "ticket": 0, "epoch": epoch, "seq": seq, "flags": 0}
    put(t, "dev", "press", facts)
    asked, answered = {"line": "keypads", "by": "port"}, {"line": "keypads", "by": "slaves"}
    begin = t + 30_000_000
    put(begin, "line", "tx", {**asked, "hex": _frame(bytes((unit, 4, 1, 0, 0, 8))), "end": begin + 9_000_000})
    event = key + bytes((0, 4, 0, value)) + bytes(8)
    reply = _frame(bytes((unit, 4, 16)) + event)
    put(begin + 12_000_000, "line", "tx", {**answered, "hex": reply, "end": begin + 35_000_000})
    begin += 45_000_000
    write = bytes((unit, 16, 0, 0, 0, 2, 4)) + key
    put(begin, "line", "tx", {**asked, "hex": _frame(write), "end": begin + 15_000_000})
    put(begin + 15_000_000, "dev", "ack", {"device": device, "epoch": epoch, "seq": seq, "freed": 1})
    reply = _frame(bytes((unit, 16, 0, 0, 0, 2)))
    put(begin + 20_000_000, "line", "tx", {**answered, "hex": reply, "end": begin + 29_000_000})
    at = EPOCH_S + t / NS
    rows.append(Row(len(rows) + 1, device, 1, None, value, at, epoch, seq, EPOCH_S + (begin - 5_000_000) / NS))
    return begin + 30_000_000


def measure(records: int) -> tuple[float, float, str]:
    """(seconds of judging, peak megabytes of this process, the verdict)."""
    with tempfile.TemporaryDirectory() as where:
        path = Path(where) / "history.ndjson"
        rows = make(path, records)
        began = time.perf_counter()
        verdict = judge(read_history(path), rows)
        took = time.perf_counter() - began
    return took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, verdict.sentence()


def rows() -> list[dict[str, Any]]:
    """The rows for `benchmarks/everything.py`."""
    took, peak, _ = measure(1_000_000)
    return [
        {
            "id": "judge_1e6_records_s",
            "value": round(took, 2),
            "unit": "s",
            "target": f"< {TARGET_S:g}",
            "holds": took < TARGET_S,
        },
        {"id": "judge_1e6_records_mb", "value": round(peak, 1), "unit": "MB", "target": "< 400", "holds": peak < 400},
    ]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(measure(int(sys.argv[1])))
    else:
        print(json.dumps(rows()))
