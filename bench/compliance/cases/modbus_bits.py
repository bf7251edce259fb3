"""Modbus devices and their coils and discrete inputs: FC 0x01, 0x02, 0x05, 0x0F (Application Protocol V1.1b3)."""

from __future__ import annotations

from typing import Final

from bench.compliance.case import Case, Failed, Lost
from bench.compliance.cases.modbus_registers import READING, TABLE, Run, read_pdu
from bench.compliance.modbus_bench import ModbusBench, words
from bench.compliance.steps import Play
from protocol.modbus.pdu import FC, pack_bits, unpack_bits

__all__ = ["CASES"]


def _bit_values(b: ModbusBench, count: int) -> tuple[int, ...]:
    """Drawn bits that are not the same backwards."""
    bits = [b.rng.randrange(2) for _ in range(count)]
    bits[0], bits[-1] = 1, 0
    return tuple(bits)


def coil_pdu(address: int, value: int) -> bytes:
    """PDU of FC 0x05."""
    return b"\x05" + words(address, value)


def packing(b: ModbusBench) -> Play:
    """The first coil is the least significant bit."""
    start, _ = b.declaration.coil_scratch
    wanted = _bit_values(b, 8)
    for offset, bit in enumerate(wanted):
        yield from b.good(coil_pdu(start + offset, 0xFF00 * bit))
    reply = yield from b.good(read_pdu(1, start, 8))
    if len(reply.pdu) != 3:
        raise Lost("eight coils asked, the reply has another length", reply.heard)
    found = unpack_bits(reply.pdu[2:], 8)
    if found != wanted:
        raise Failed(f"coils written as {wanted} read back as {found}", reply.heard, (3, 4))


def padding(code: int) -> Run:
    """Unused high bits of the last character are zero."""

    def run(b: ModbusBench) -> Play:
        start, count = max(b.declaration.map[TABLE[code]], key=lambda run: run[1])
        scratch, coils = b.declaration.coil_scratch
        if code == 1 and coils >= 8 and FC.WRITE_COIL in b.declaration.functions:
            start = scratch
            for offset in range(8):
                yield from b.good(coil_pdu(start + offset, 0xFF00))
        for size in (1, 3, min(count, 11)):
            reply = yield from b.good(read_pdu(code, start, size))
            if len(reply.pdu) != 2 + (size + 7) // 8:
                raise Lost(f"{size} bits asked, the reply has another length", reply.heard)
            if size % 8 and reply.pdu[-1] >> size % 8:
                at = len(reply.heard.frames[0].data) - 3
                raise Failed(
                    f"bits beyond the {size} asked for are set: {reply.pdu[-1]:02X}", reply.heard, (at, at + 1)
                )

    return run


def inputs_packing(b: ModbusBench) -> Play:
    """Any two reads of discrete inputs agree bit by bit."""
    start, count = b.declaration.map["discretes"][0]
    size = min(count, 16)
    whole = yield from b.bits(start, size, 2)
    for offset in range(size):
        reply = yield from b.good(read_pdu(2, start + offset, 1))
        if (reply.pdu[2] & 1) != whole[offset]:
            raise Failed(
                f"input {start + offset} reads {reply.pdu[2] & 1} alone and {whole[offset]} with others",
                reply.heard,
                (3, 4),
            )


def one_values(b: ModbusBench) -> Play:
    """A coil value other than FF00 and 0000 draws exception 03."""
    start, _ = b.declaration.coil_scratch
    yield from b.good(coil_pdu(start, 0))
    for value in (0x0001, 0x00FF, 0xFF01, 0x0100):
        yield from b.refused(coil_pdu(start, value), 3, what=f"coil value {value:04X}")


def one_echo(b: ModbusBench) -> Play:
    """The reply to FC 0x05 repeats the request."""
    start, count = b.declaration.coil_scratch
    for value in (0xFF00, 0x0000):
        yield from b.echoed(coil_pdu(start + b.rng.randrange(count), value), 5, "a write of one coil")


def one_written(b: ModbusBench) -> Play:
    """A coil takes the value."""
    start, count = b.declaration.coil_scratch
    address = start + b.rng.randrange(count)
    for value in (0xFF00, 0x0000, 0xFF00):
        yield from b.good(coil_pdu(address, value))
        reply = yield from b.good(read_pdu(1, address, 1))
        if (reply.pdu[2] & 1) != (value >> 8 & 1):
            raise Failed(f"coil {address} reads {reply.pdu[2] & 1} after {value:04X}", reply.heard, (3, 4))


def one_absent(b: ModbusBench) -> Play:
    """A coil that does not exist draws exception 02."""
    absent = b.declaration.absent("coils")
    if absent is None:
        raise Lost("the declaration names no coil that does not exist")
    yield from b.refused(coil_pdu(absent, 0xFF00), 2, what=f"writing coil {absent}, which does not exist")


def many_pdu(start: int, bits: tuple[int, ...]) -> bytes:
    """PDU of FC 0x0F."""
    data = pack_bits(bits)
    return b"\x0f" + words(start, len(bits)) + bytes((len(data),)) + data


def many_limits(b: ModbusBench) -> Play:
    """FC 0x0F: quantity 0, or a byte count that does not fit, draws exception 03."""
    start, _ = b.declaration.coil_scratch
    yield from b.refused(b"\x0f" + words(start, 0) + b"\x00", 3, what="writing 0 coils")
    yield from b.refused(b"\x0f" + words(start, 9) + b"\x01\x55", 3, what="a byte count of 1 for nine coils")
    yield from b.refused(b"\x0f" + words(start, 3) + b"\x02\x55\x55", 3, what="a byte count of 2 for three coils")


def many_reply(b: ModbusBench) -> Play:
    """The reply to FC 0x0F has start and quantity."""
    start, count = b.declaration.coil_scratch
    yield from b.echoed(many_pdu(start, _bit_values(b, min(count, 10))), 5, "a write of coils")


def many_written(b: ModbusBench) -> Play:
    """Each coil takes its bit, the next one does not change."""
    start, _ = b.declaration.coil_scratch
    bits = _bit_values(b, 10)
    for edge in (0, 1):
        yield from b.good(coil_pdu(start + 10, 0xFF00 * edge))
        yield from b.good(many_pdu(start, bits))
        found = yield from b.bits(start, 11)
        if found != (*bits, edge):
            raise Failed(f"coils written as {(*bits, edge)} read back as {found}")


_C: Final = "fc01 and coil_scratch >= 11 and fc05"

CASES: Final = (
    *READING(FC.READ_COILS, "MBA-6.1", "fc01", "coils"),
    Case(
        "rtu.dev.fc01-packing",
        1,
        "MBA-6.1-R5",
        "The first coil is the least significant bit",
        packing,
        applies=_C,
        cost=(9, 0),
    ),
    Case(
        "rtu.dev.fc01-padding",
        1,
        "MBA-6.1-R6",
        "Unused bits of the last character are zero",
        padding(1),
        applies="fc01 and coils",
        cost=(11, 0),
    ),
    *READING(FC.READ_DISCRETES, "MBA-6.2", "fc02", "discrete inputs"),
    Case(
        "rtu.dev.fc02-packing",
        1,
        "MBA-6.2-R5",
        "Discrete inputs alone and together agree",
        inputs_packing,
        applies="fc02 and discretes",
        cost=(17, 0),
    ),
    Case(
        "rtu.dev.fc02-padding",
        1,
        "MBA-6.2-R6",
        "Unused bits of the last character are zero",
        padding(2),
        applies="fc02 and discretes",
        cost=(3, 0),
    ),
    Case(
        "rtu.dev.fc05-values",
        1,
        "MBA-6.5-R1",
        "A coil value other than FF00 and 0000 draws exception 03",
        one_values,
        applies="fc05 and coil_scratch",
        cost=(5, 0),
    ),
    Case(
        "rtu.dev.fc05-echo",
        1,
        "MBA-6.5-R2",
        "The reply to FC 0x05 repeats the request",
        one_echo,
        applies="fc05 and coil_scratch",
        cost=(2, 0),
    ),
    Case(
        "rtu.dev.fc05-written",
        1,
        "MBA-6.5-R3",
        "A coil takes the value",
        one_written,
        applies="fc05 and fc01 and coil_scratch",
        cost=(6, 0),
    ),
    Case(
        "rtu.dev.fc05-absent",
        1,
        "MBA-6.5-R4",
        "FC 0x05 to an absent coil draws exception 02",
        one_absent,
        applies="fc05 and coils",
        cost=(1, 0),
    ),
    Case(
        "rtu.dev.fc0f-limits",
        1,
        "MBA-6.11-R1",
        "Quantity and byte count of FC 0x0F are checked",
        many_limits,
        applies="fc0f and coil_scratch >= 11",
        cost=(3, 0),
        wild=("nanoMODBUS #116",),
    ),
    Case(
        "rtu.dev.fc0f-reply",
        1,
        "MBA-6.11-R2",
        "The reply to FC 0x0F has start and quantity",
        many_reply,
        applies="fc0f and coil_scratch >= 11",
        cost=(1, 0),
    ),
    Case(
        "rtu.dev.fc0f-written",
        1,
        "MBA-6.11-R3",
        "FC 0x0F writes each coil and no other",
        many_written,
        applies=f"fc0f and {_C}",
        cost=(6, 0),
    ),
)
"""Cases of bits, in the order in which they run."""
