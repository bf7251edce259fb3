"""A small hall of which histories are made by hand: keypads of the collector and of the house, a display, printers."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from bench.judge.history import History, HistoryWriter
from bench.judge.records import Row
from bench.judge.verdict import Verdict, judge
from protocol.checks import crc16_modbus

NS = 1_000_000_000
EPOCH_S = 1_741_539_600  # 2025-03-10 00:00 in Ho Chi Minh City, Unix seconds

Made = tuple[float, str, str, dict[str, Any]]


def ns(seconds: float) -> int:
    return round(seconds * 1000) * 1_000_000


class Kit:
    """Makes histories and rows; instants are given in seconds since local midnight."""

    NS = NS
    EPOCH_S = EPOCH_S
    ALL = (
        "loss",
        "silent_loss",
        "duplication",
        "attribution",
        "phantom",
        "order",
        "lateness",
        "ghosts",
        "time",
        "health",
        "late_reply",
        "unexpected_unit",
        "fairness",
        "acknowledge",
        "manners",
        "convergence",
        "reconfiguration",
        "resources",
        "tickets",
        "calls",
    )
    RATINGS = ("loss", "duplication", "attribution", "phantom", "order", "lateness", "time")

    def header(self, **changes: Any) -> dict[str, Any]:
        def device(
            name: str, kind: str, line: str, unit: int | None, counter: int | None, owner: str
        ) -> dict[str, Any]:
            return {
                "name": name,
                "kind": kind,
                "protocol": "modbus_rtu",
                "line": line,
                "unit": unit,
                "counter": counter,
                "owner": owner,
            }

        return {
            "schema_version": 1,
            "scenario": "made by hand",
            "timezone": "Asia/Ho_Chi_Minh",
            "epoch_ns": EPOCH_S * NS,
            "start": 27_000 * NS,
            "must_exercise": ["loss", "duplication", "attribution"],
            "devices": [
                device("keypad-1", "rating_keypad", "keypads", 1, 1, "collector"),
                device("keypad-2", "rating_keypad", "keypads", 2, 2, "collector"),
                device("keypad-3", "rating_keypad", "housebus", 1, 3, "house"),
                device("display-1", "counter_display", "housebus", 11, 1, "house"),
                device("printer-1", "ticket_printer", "ticket", None, None, "house"),
                device("printer-2", "ticket_printer", "ticket2", None, None, "house"),
            ],
            "clerks": {"C01": 1, "C02": 2},
            "program": "collector",
            **changes,
        }

    def press(
        self,
        t: float,
        seq: int,
        value: int = 5,
        *,
        device: str = "keypad-1",
        clerk: int | None = None,
        ticket: int = 0,
        epoch: int = 1,
        clock: float | None = None,
    ) -> Made:
        facts = {
            "device": device,
            "value": value,
            "clerk": int(device[-1]) if clerk is None else clerk,
            "ticket": ticket,
            "epoch": epoch,
            "seq": seq,
            "flags": 4,
            "at_ms": round((EPOCH_S + (t if clock is None else clock)) * 1000),
        }
        return (t, "dev", "press", facts)

    def frame(self, *data: int) -> str:
        """A Modbus frame with its CRC, in hexadecimal."""
        raw = bytes(data)
        return (raw + crc16_modbus(raw).to_bytes(2, "little")).hex()

    def tx(self, t: float, by: str, hexa: str, *, line: str = "keypads", **more: Any) -> Made:
        """A burst at 9600 8E1: 11 bits, so 1.146 ms, for each character."""
        end = ns(t) + len(hexa) // 2 * 1_145_833
        return (t, "line", "tx", {"line": line, "by": by, "hex": hexa, "end": end, **more})

    def poll(self, t: float, unit: int = 1, *, reply: bool = True) -> list[Made]:
        """The status of a keypad is asked, and told."""
        made = [self.tx(t, "port", self.frame(unit, 4, 0, 2, 0, 6))]
        if reply:
            answer = self.frame(unit, 4, 12, 0, 1, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0)
            made.append(self.tx(t + 0.012, "slaves", answer))
        return made

    def fetch(self, t: float, press: Made, *, asked: int | None = None, after: float = 0.012, **more: Any) -> list[Any]:
        """The event of a press is read; the reply comes `after` seconds after the request, with `more` facts."""
        facts = press[3]
        unit = int(facts["device"][-1])
        words = (facts["epoch"], facts["seq"], 4 << 8 | facts["value"], 0, 0, 0, facts["clerk"], facts["ticket"])
        data = [byte for word in words for byte in (word >> 8, word & 255)]
        request = self.tx(t, "port", self.frame(asked or unit, 4, 1, 0, 0, 8))
        return [request, self.tx(t + after, "slaves", self.frame(unit, 4, 16, *data), **more)]

    def ack(self, t: float, seq: int, *, device: str = "keypad-1", epoch: int = 1, freed: int = 1) -> Made:
        return (t, "dev", "ack", {"device": device, "epoch": epoch, "seq": seq, "freed": freed})

    def end(self, t: float = 61_200.0) -> Made:
        return (t, "run", "run_end", {"why": "horizon"})

    def data(self, records: Iterable[Made], header: Mapping[str, Any] | None = None) -> bytes:
        """The bytes of a complete history, records in the order of time."""
        file = io.BytesIO()
        writer = HistoryWriter(file, self.header() if header is None else header)
        for t, src, kind, facts in sorted(records, key=lambda record: record[0]):
            writer.record(ns(t), src, kind, facts)
        writer.close()
        return file.getvalue()

    def history(self, records: Iterable[Made], **header: Any) -> History:
        return History.of_bytes(self.data(records, self.header(**header)))

    def row(self, press: Made, n: int = 0, **changes: Any) -> Row:
        """The row that a correct collector stores for a press."""
        facts = press[3]
        told = {
            "n": n,
            "device": facts["device"],
            "clerk": facts["clerk"],
            "ticket": facts["ticket"] or None,
            "value": facts["value"],
            "at": EPOCH_S + int(press[0]),
            "epoch": facts["epoch"],
            "seq": facts["seq"],
            **changes,
        }
        return Row(**told)

    def rows(self, presses: Iterable[Made], **changes: Any) -> list[Row]:
        return [self.row(press, n, **changes) for n, press in enumerate(presses, 1)]

    def unkeyed(self, rows: Iterable[Row]) -> list[Row]:
        return [row._replace(epoch=None, seq=None) for row in rows]

    def judge(self, records: Iterable[Made], rows: Iterable[Row] | None, **header: Any) -> Verdict:
        return judge(self.history([*records, self.end()], **header), None if rows is None else list(rows))

    def words(self, verdict: Verdict) -> dict[str, str]:
        return {name: finding.verdict for name, finding in verdict.findings.items()}


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit()
