"""Modbus devices with a defect in what they answer (conformance.md 3.2, MB; MX are further ones)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from bench.compliance.modbus_bench import words
from bench.compliance.mutants.base import Mutant, Station, on_station, sound
from bench.compliance.reference import ReferenceSlave
from firmware_sim.device import Effect
from firmware_sim.modbus_slave import Table
from protocol.modbus.rtu import seal

__all__ = ["MUTANTS"]

Said = Callable[[bytes, bytes], bytes]


def _word(pdu: bytes, at: int) -> int:
    return int.from_bytes(pdu[at : at + 2], "big")


def _size(code: int, count: int) -> int:
    return 2 * count if code > 2 else (count + 7) // 8


def _reversed_bits(data: bytes) -> bytes:
    return bytes(int(f"{char:08b}"[::-1], 2) for char in data)


def _swapped(data: bytes) -> bytes:
    return b"".join(data[at : at + 2][::-1] for at in range(0, len(data), 2))


def _blank(code: int, count: int) -> bytes:
    size = _size(code, count)
    return bytes((code, size & 0xFF)) + bytes(min(size, 250))


def _refused(reply: bytes, code: int) -> bool:
    return bool(reply[0] & 0x80) and reply[1] == code


def _limits(q: bytes, r: bytes) -> bytes:
    wide = q[0] in (1, 2, 3, 4) and len(q) == 5 and _refused(r, 3)
    return _blank(q[0], _word(q, 3)) if wide else r


def _leaks(q: bytes, r: bytes) -> bytes:
    begins = _word(q, 1) < {1: 40, 2: 24, 3: 128, 4: 126}.get(q[0], 0)
    return _blank(q[0], _word(q, 3)) if begins and _refused(r, 2) else r


def _padded(q: bytes, r: bytes) -> bytes:
    if q[0] > 2 or r[0] & 0x80 or not _word(q, 3) % 8:
        return r
    return r[:-1] + bytes((r[-1] | 0xFF << _word(q, 3) % 8 & 0xFF,))


def _most(code: int) -> Said:
    return lambda q, r: bytes((code | 0x80, 3)) if q[0] == code and 100 < _word(q, 3) < 126 else r


def _on(code: int, edit: Callable[[bytes], bytes]) -> Said:
    """Edit the normal replies of one function."""
    return lambda q, r: edit(r) if r[0] == code else r


def _excused(code: int, number: int, reply: Callable[[bytes], bytes]) -> Said:
    """A normal reply where one function must be refused with an exception."""
    return lambda q, r: reply(q) if q[0] == code and _refused(r, number) else r


_TABLE: Final[tuple[tuple[str, str, str, Said, tuple[str, ...]], ...]] = (
    (
        "MB-11",
        "silence to an unsupported function",
        "MBA-7-R1",
        lambda q, r: b"" if _refused(r, 1) else r,
        ("fc08-exceptions", "fc08-bad-sub"),
    ),
    ("MB-12", "exception 03 where 02 is due", "MBA-6.3-R2", lambda q, r: r[:1] + b"\x03" if _refused(r, 2) else r, ()),
    ("MB-13", "quantities not checked", "MBA-6.3-R1", _limits, ("fc01-quantity", "fc02-quantity", "fc04-quantity")),
    ("MB-14", "reads past the end", "MBA-6.3-R3", _leaks, ("fc01-past-end", "fc02-past-end", "fc04-past-end")),
    (
        "MB-15",
        "exception without the highest bit",
        "MBA-7-R2",
        lambda q, r: bytes((r[0] & 0x7F,)) + r[1:] if r[0] & 0x80 else r,
        (),
    ),
    (
        "MB-16",
        "byte count is the register count",
        "MBA-6.3-R4",
        lambda q, r: r[:1] + bytes((r[1] // 2,)) + r[2:] if r[0] in (3, 4) else r,
        ("fc04-byte-count",),
    ),
    (
        "MB-17",
        "registers low byte first",
        "MBA-4.2-R1",
        lambda q, r: r[:2] + _swapped(r[2:]) if r[0] in (3, 4) else r,
        ("fc06-written",),
    ),
    (
        "MB-18",
        "coils packed from the highest bit",
        "MBA-6.1-R5",
        _on(1, lambda r: r[:2] + _reversed_bits(r[2:])),
        ("fc01-padding", "fc05-written", "fc0f-written"),
    ),
    (
        "MX-50",
        "byte count of bits rounded down",
        "MBA-6.1-R4",
        lambda q, r: r[:1] + bytes((_word(q, 3) // 8,)) + r[2:] if r[0] in (1, 2) else r,
        ("fc02-byte-count",),
    ),
    ("MX-15", "100 holding registers at most", "MBA-6.3-R5", _most(3), ()),
    ("MX-16", "100 input registers at most", "MBA-6.4-R5", _most(4), ()),
    ("MX-17", "reply to FC 0x06 with value 0", "MBA-6.6-R1", _on(6, lambda r: r[:3] + b"\x00\x00"), ()),
    ("MX-19", "FC 0x06 to an absent register accepted", "MBA-6.6-R3", _excused(6, 2, lambda q: q), ()),
    (
        "MX-20",
        "quantities of FC 0x10 not checked",
        "MBA-6.12-R2",
        lambda q, r: q[:5] if q[0] == 16 and _refused(r, 3) and _word(q, 3) not in range(1, 124) else r,
        (),
    ),
    ("MX-21", "reply to FC 0x10 without the quantity", "MBA-6.12-R3", _on(16, lambda r: r[:3] + b"\x00\x00"), ()),
    ("MX-23", "FC 0x10 to absent registers accepted", "MBA-6.12-R6", _excused(16, 2, lambda q: q[:5]), ()),
    ("MX-26", "quantities of FC 0x17 not checked", "MBA-6.17-R2", _excused(0x17, 3, lambda q: b"\x17\x02\x00\x00"), ()),
    ("MX-27", "quantities of coils not checked", "MBA-6.1-R1", lambda q, r: _limits(q, r) if q[0] == 1 else r, ()),
    (
        "MX-28",
        "quantities of discrete inputs not checked",
        "MBA-6.2-R1",
        lambda q, r: _limits(q, r) if q[0] == 2 else r,
        (),
    ),
    ("MX-29", "unused bits set", "MBA-6.1-R6", _padded, ("fc02-padding",)),
    (
        "MX-30",
        "discrete inputs packed from the highest bit",
        "MBA-6.2-R5",
        _on(2, lambda r: r[:2] + _reversed_bits(r[2:])),
        ("fc02-padding",),
    ),
    ("MX-31", "reply to FC 0x05 with value 0001", "MBA-6.5-R2", _on(5, lambda r: r[:3] + b"\x00\x01"), ()),
    ("MX-33", "byte count of FC 0x0F not checked", "MBA-6.11-R1", _excused(15, 3, lambda q: q[:5]), ()),
    ("MX-34", "reply to FC 0x0F without the quantity", "MBA-6.11-R2", _on(15, lambda r: r[:3] + b"\x00\x00"), ()),
    (
        "MX-36",
        "serves FC 0x14, which is not declared",
        "MBA-7-R4",
        lambda q, r: b"\x14\x04\x03\x06\x00\x00" if q[0] == 0x14 else r,
        (),
    ),
    ("MX-37", "FC 0x11 declared, and refused", "MBA-7-R3", lambda q, r: b"\x91\x01" if q[0] == 0x11 else r, ()),
    (
        "MX-38",
        "a loopback returns zeros",
        "MBA-6.8-R1",
        lambda q, r: r[:3] + bytes(len(r) - 3) if r[:3] == b"\x08\x00\x00" else r,
        (),
    ),
    ("MX-39", "unknown sub-functions of FC 0x08 echoed", "MBA-6.8-R2", _excused(8, 1, lambda q: q), ()),
    (
        "MX-40",
        "counters that do not count",
        "MBA-6.8-R3",
        lambda q, r: r[:3] + b"\x00\x00" if r[0] == 8 and r[2] in (11, 12, 13) else r,
        ("fc08-crc-errors", "fc08-exceptions"),
    ),
    (
        "MX-43",
        "byte count of the server id is wrong",
        "MBA-6.13-R1",
        _on(0x11, lambda r: r[:1] + bytes((r[1] + 1,)) + r[2:]),
        (),
    ),
    (
        "MX-44",
        "byte count of a queue forgets the count",
        "MBA-6.18-R1",
        _on(0x18, lambda r: r[:1] + words(_word(r, 1) - 2) + r[3:]),
        (),
    ),
    ("MX-46", "a queue at every pointer", "MBA-6.18-R3", _excused(0x18, 2, lambda q: b"\x18\x00\x02\x00\x00"), ()),
    (
        "MX-47",
        "basic identification of one object",
        "MBA-6.21-R1",
        lambda q, r: r[:6] + b"\x01" + r[7 : 9 + r[8]] if q[:3] == b"\x2b\x0e\x01" else r,
        (),
    ),
    (
        "MX-48",
        "read codes of identification not checked",
        "MBA-6.21-R2",
        lambda q, r: b"\x2b\x0e\x01\x81\x00\x00\x00" if q[0] == 0x2B and _refused(r, 3) else r,
        (),
    ),
    (
        "MX-49",
        "one object: object 00 whatever was asked",
        "MBA-6.21-R3",
        lambda q, r: r[:7] + b"\x00" + r[8:] if q[:3] == b"\x2b\x0e\x04" and not r[0] & 0x80 else r,
        (),
    ),
)
"""(id, title, requirement, edit of a reply, cases that may fail too)."""

_ALL_02: Final = (
    *(f"fc0{code}-{what}" for code in (1, 2, 3, 4) for what in ("absent", "past-end")),
    *("fc05-absent", "fc06-absent", "fc10-absent", "fc18-absent", "fc2b-one"),
)


class CoilFrom0001(Station):
    """MB-19."""

    asked = b""

    def cut(self, frame: bytes) -> bytes:
        self.asked = b""
        if sound(frame) and self.mine(frame) and frame[1] == 5 and frame[4:6] == b"\x00\x01":
            self.asked = frame[1:-2]
            return seal(frame[:4] + b"\xff\x00")
        return frame

    def said(self, request: bytes, reply: bytes) -> bytes:
        return self.asked or reply


class CountIgnored(Station):
    """MB-21."""

    def cut(self, frame: bytes) -> bytes:
        if not (sound(frame) and self.mine(frame) and frame[1] == 16 and len(frame) > 9):
            return frame
        size = 2 * _word(frame, 4)
        return (
            seal(frame[:6] + bytes((size & 0xFF,)) + frame[7:-2].ljust(size, b"\x00")[:size])
            if 0 < size < 248
            else frame
        )


class ListensOn(Station):
    """MX-41: silent to 0004, and answers on."""

    def said(self, request: bytes, reply: bytes) -> bytes:
        return b"" if request[:3] == b"\x08\x00\x04" else reply

    def _execute(self, now: int, servers: Any, frame: bytes) -> Iterable[Effect]:
        effects = super()._execute(now, servers, frame)
        for server in servers:
            server.listen_only = False
        return effects


class CountsItself(Station):
    """MX-42."""

    def _execute(self, now: int, servers: Any, frame: bytes) -> Iterable[Effect]:
        effects = super()._execute(now, servers, frame)
        if frame[1] == 0x0B:
            servers[0].events += 1
        return effects


class Partial(ReferenceSlave):
    """MB-20."""

    def write(
        self, now: int, table: Table, start: int, values: Sequence[int], function: int, broadcast: bool
    ) -> Iterable[Effect]:
        for address, value in enumerate(values, start):
            self.check(table, address, value)
            self.tables[table][address] = value
        return ()


def _keeping(keep: Callable[[Table, int, list[int]], list[int]]) -> type[ReferenceSlave]:
    """A slave that changes what it is told to store."""

    class Keeps(ReferenceSlave):
        def write(
            self, now: int, table: Table, start: int, values: Sequence[int], function: int, broadcast: bool
        ) -> Iterable[Effect]:
            old = list(self.read(now, table, start, len(values)))
            wanted = keep(table, function, [*values])
            return super().write(now, table, start, [*wanted, *old[len(wanted) :]], function, broadcast)

    return Keeps


class WholeBytes(ReferenceSlave):
    """MX-35: FC 0x0F writes whole characters."""

    def write(
        self, now: int, table: Table, start: int, values: Sequence[int], function: int, broadcast: bool
    ) -> Iterable[Effect]:
        super().write(now, table, start, values, function, broadcast)
        if function == 15:
            end = min(start + -(-len(values) // 8) * 8, 40)
            self.tables[table][start + len(values) : end] = [0] * (end - start - len(values))
        return ()


class MaskWrong(ReferenceSlave):
    """MX-24: the or-mask is not masked."""

    last = (0, 0)

    def write(
        self, now: int, table: Table, start: int, values: Sequence[int], function: int, broadcast: bool
    ) -> Iterable[Effect]:
        if function == 0x16:
            values = [values[0] ^ 0x0001]
        return super().write(now, table, start, values, function, broadcast)


class ReadFirst(ReferenceSlave):
    """MX-25: FC 0x17 reads before it writes."""

    stale: Sequence[int] | None = None

    def write(
        self, now: int, table: Table, start: int, values: Sequence[int], function: int, broadcast: bool
    ) -> Iterable[Effect]:
        if function == 0x17:
            self.stale = super().read(now, table, start, len(values))
        return super().write(now, table, start, values, function, broadcast)

    def read(self, now: int, table: Table, start: int, count: int) -> Sequence[int]:
        stale, self.stale = self.stale, None
        return stale if stale is not None and len(stale) == count else super().read(now, table, start, count)


class ClearingQueue(ReferenceSlave):
    """MX-45."""

    def fifo(self, now: int, pointer: int) -> Sequence[int]:
        waiting = super().fifo(now, pointer)
        self.queue = []
        return waiting


def _station(said: Said) -> type[Station]:
    class Edits(Station):
        chains = True

        def said(self, request: bytes, reply: bytes) -> bytes:
            reply = super().said(request, reply)
            return said(request, reply) if reply else reply

    return Edits


def _mutant(id_: str, title: str, requirement: str, build: Any, collateral: Iterable[str] = ()) -> Mutant:
    return Mutant(
        id_, title, build, requirement=requirement, collateral=frozenset(f"rtu.dev.{name}" for name in collateral)
    )


_SLAVES: Final = (
    ("MB-20", "a refused write is carried out in part", "MBA-6.12-R5", Partial, ()),
    (
        "MX-18",
        "FC 0x06 does not store",
        "MBA-6.6-R2",
        _keeping(lambda table, code, values: [] if code == 6 else values),
        (),
    ),
    (
        "MX-22",
        "FC 0x10 stores the first register only",
        "MBA-6.12-R4",
        _keeping(lambda table, code, values: values[:1] if code == 16 else values),
        ("longest", "fc10-atomic"),
    ),
    ("MX-24", "mask writes do not follow the formula", "MBA-6.16-R1", MaskWrong, ()),
    ("MX-25", "FC 0x17 reads first", "MBA-6.17-R1", ReadFirst, ()),
    (
        "MX-32",
        "FC 0x05 does not store",
        "MBA-6.5-R3",
        _keeping(lambda table, code, values: [] if code == 5 else values),
        ("fc01-packing", "fc0f-written"),
    ),
    ("MX-35", "FC 0x0F clears the coils after its last", "MBA-6.11-R3", WholeBytes, ()),
    ("MX-45", "reading the queue clears it", "MBA-6.18-R2", ClearingQueue, ()),
)

MUTANTS: Final = (
    *(
        _mutant(id_, title, requirement, on_station(_station(said)), _ALL_02 if id_ == "MB-12" else collateral)
        for id_, title, requirement, said, collateral in _TABLE
    ),
    _mutant("MB-19", "coil value 0001 taken for ON", "MBA-6.5-R1", on_station(CoilFrom0001)),
    _mutant("MB-21", "byte count of FC 0x10 not compared", "MBA-6.12-R1", on_station(CountIgnored)),
    _mutant("MX-41", "answers in listen-only mode", "MBA-6.8-R4", on_station(ListensOn)),
    _mutant("MX-42", "the event counter counts its own reading", "MBA-6.9-R1", on_station(CountsItself)),
    *(_mutant(id_, title, req, on_station(slave=slave), collateral) for id_, title, req, slave, collateral in _SLAVES),
)
"""Every mutant of the messages."""
