"""How fast a history is judged, and in how much memory: a made history of so many records of a hall that misbehaves.

Every exchange is kept burst by burst, a keypad of 32 is pressed now and then, some replies are damaged, missing or
late: the judge has to look at every line. `python benchmarks/judging.py 10000000` judges ten million records.

History and rows are written as they are made, and judged by a process of its own, so what is measured is the judge's:
seconds of processor time, which a busy machine does not change, and the most memory that it had at any time.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, TextIO

from bench.judge.history import HistoryWriter, read_history
from bench.judge.records import Mapped, Row, read
from bench.judge.verdict import judge
from protocol.checks import crc16_modbus

NS = 1_000_000_000
EPOCH_S = 1_741_539_600
KEYPADS = 32
TARGET_S = 10.0
HISTORY, ROWS = "history.ndjson", "rows.jsonl"


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


def make(folder: Path, records: int) -> None:
    """Write a history of so many records, and the rows that a correct collector stores, as they come."""
    with (folder / HISTORY).open("wb") as file, (folder / ROWS).open("w") as rows:
        history = HistoryWriter(file, _header())
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
        history.close()


def _press(put: Any, t: int, unit: int, seqs: list[int], rows: TextIO) -> int:
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
    row = Row(0, device, 1, None, value, at, epoch, seq, EPOCH_S + (begin - 5_000_000) / NS)
    rows.write(json.dumps({name: value for name, value in row._asdict().items() if name != "n"}) + "\n")
    return begin + 30_000_000


def judged(folder: Path) -> dict[str, Any]:
    """Judge what `make` wrote: seconds of processor time, megabytes this process had at most, the verdict."""
    began = time.process_time()
    verdict = judge(read_history(folder / HISTORY), read(folder / ROWS, Mapped(kind="jsonl")))
    return {
        "seconds": time.process_time() - began,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "verdict": verdict.sentence(),
    }


def measure(records: int) -> dict[str, Any]:
    """The same of a history of so many records, judged by a process of its own."""
    with tempfile.TemporaryDirectory() as where:
        make(Path(where), records)
        command = [sys.executable, __file__, "--judge", where]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(json.loads(told))


def rows() -> list[dict[str, Any]]:
    """The rows for `benchmarks/everything.py`."""
    told = measure(1_000_000)
    took, peak = told["seconds"], told["megabytes"]
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
    if sys.argv[1:2] == ["--judge"]:
        print(json.dumps(judged(Path(sys.argv[2]))))
    elif len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]))))
    else:
        print(json.dumps(rows()))
