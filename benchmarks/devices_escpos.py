"""Benchmarks of the ticket printer: `python benchmarks/devices_escpos.py` prints them and writes devices_escpos.json.

CPU time, the best of a few runs, beside its target, as in `run.py`. `rows()` gives the same rows to whoever collects
them.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any

from bench.reports.pictures import ticket
from firmware_sim.device import Alarm
from firmware_sim.devices.ticket_printer import TicketPrinter
from protocol.escpos import write
from protocol.escpos.composer import Composer
from protocol.escpos.profiles import TM_T88
from protocol.escpos.tokenizer import Tokenizer

REPEATS = 5
MEGABYTE = 1_000_000


def vietnamese() -> bytes:
    """A queue ticket in CP1258, without pictures."""
    return (
        write.init()
        + write.code_page(52)
        + write.align("center")
        + write.bold()
        + write.line("ỦY BAN NHÂN DÂN XÃ TÂN HỘI")
        + write.bold(False)
        + write.line("Số thứ tự của quý khách")
        + write.size(6, 6)
        + write.line("A027")
        + write.size(1, 1)
        + write.line("Lĩnh vực: Hộ tịch - Chứng thực, quầy 3, đang chờ 12 người")
        + write.feed(1)
        + write.qr("tan_hoi|2025-03-10|A027")
        + write.cut()
    )


def pictures() -> bytes:
    """A ticket of 576 x 1,200 dots sent as raster, as kiosks do that have no tables."""
    return (
        write.init()
        + write.raster(72, [bytes((i * j) & 0xFF for j in range(72)) for i in range(1200)])
        + write.line("A027")
        + write.cut()
    )


def columns() -> bytes:
    """The same in strips of ESC *."""
    strip = b"\x1b*\x21\x40\x02" + bytes(range(256)) * 6 + bytes(192) + b"\n"
    return b"\x1b3\x18" + strip * 50 + write.cut()


def best(work: Callable[[], None]) -> float:
    """CPU seconds of the fastest of a few runs."""
    took = []
    for _ in range(REPEATS):
        start = process_time()
        work()
        took.append(process_time() - start)
    return min(took)


def composed(data: bytes) -> float:
    """MB/s of tokens cut and executed, in pieces as a port would bring them."""

    def work() -> None:
        tokenizer, composer = Tokenizer(), Composer()
        for at in range(0, len(data), 4096):
            for token in tokenizer.feed(data[at : at + 4096]):
                composer.apply(token)

    return len(data) / MEGABYTE / best(work)


def printed(data: bytes) -> float:
    """MB/s of the whole device: receive buffer, flow control, mechanism, record, notes; paper at once."""

    def work() -> None:
        printer = TicketPrinter("p", paper_mm=10**9)
        now = 0
        for at in range(0, len(data), 1024):
            part = data[at : at + 1024]
            effects = list(printer.hear(now, part, now, now, None))
            while any(isinstance(effect, Alarm) for effect in effects):
                now += 1
                effects = list(printer.wake(now, "print"))

    return len(data) / MEGABYTE / best(work)


def repeated(job: bytes) -> bytes:
    return job * max(1, MEGABYTE // len(job))


def picture_ms(job: bytes) -> float:
    ticket.draw(job, TM_T88)  # the characters are set once
    return 1000 * best(lambda: ticket.draw(job, TM_T88) and None)


MIXED = repeated(vietnamese() * 40 + pictures())
MEASUREMENTS: tuple[tuple[str, Callable[[], float], str, str, float], ...] = (
    ("escpos_stream_mb_s", lambda: composed(MIXED), "MB/s of CPU", ">=", 2),
    ("escpos_text_mb_s", lambda: composed(repeated(vietnamese())), "MB/s of CPU", ">=", 1),
    ("escpos_raster_mb_s", lambda: composed(repeated(pictures())), "MB/s of CPU", ">=", 2),
    ("escpos_columns_mb_s", lambda: composed(repeated(columns())), "MB/s of CPU", ">=", 2),
    ("escpos_device_mb_s", lambda: printed(MIXED), "MB/s of CPU", ">=", 1),
    ("ticket_picture_ms", lambda: picture_ms(vietnamese() + b""), "ms of CPU", "<=", 100),
    ("ticket_picture_raster_ms", lambda: picture_ms(pictures()), "ms of CPU", "<=", 100),
)


def rows() -> list[dict[str, Any]]:
    """One row a measurement: id, value, unit, target, holds, against, versions."""
    versions = {"python": platform.python_version(), **{name: version(name) for name in ("pillow", "hallbench")}}
    out = []
    for key, measure, unit, sense, target in MEASUREMENTS:
        value = measure()
        out.append(
            {
                "id": key,
                "value": round(value, 3),
                "unit": unit,
                "target": f"{sense} {target:g}",
                "holds": value >= target if sense == ">=" else value <= target,
                "against": None,
                "versions": versions,
            }
        )
    return out


def main() -> None:
    found = rows()
    for row in found:
        holds = "holds" if row["holds"] else "MISSED"
        print(f"{row['id']:28} {row['value']:10.1f} {row['unit']:12} target {row['target']:8} {holds}")
    target = Path(__file__).with_suffix(".json")
    target.write_text(json.dumps(found, indent=1) + "\n")
    print(f"written to {target.name}")


if __name__ == "__main__":
    main()
