"""Modbus RTU devices on the line: checks, addresses, broadcasts (MODBUS over Serial Line V1.02)."""

from __future__ import annotations

from typing import Final

from bench.compliance.case import Case, Failed, Lost, frames_text
from bench.compliance.modbus_bench import ModbusBench, crc_from_zero, words, write_many
from bench.compliance.steps import Play
from protocol.modbus.pdu import FC, unpack_registers
from protocol.modbus.rtu import is_sound, seal

__all__ = ["CASES", "READ", "a_read"]

READ: Final = "fc03 and holding or fc04 and inputs or fc01 and coils or fc02 and discretes"
_SCRATCH: Final = "fc03 and scratch and (fc06 or fc10)"


def a_read(b: ModbusBench, most: int = 4) -> tuple[bytes, int]:
    """A drawn read that the device must serve: its PDU, and the byte count of its reply."""
    tables = {"holding": 3, "inputs": 4, "coils": 1, "discretes": 2}
    table = next(
        name for name, code in tables.items() if b.declaration.map.get(name) and code in b.declaration.functions
    )
    start, count = b.rng.choice(b.declaration.map[table])
    first = start + b.rng.randrange(count)
    size = b.rng.randint(1, min(most, start + count - first))
    code = tables[table]
    return bytes((code,)) + words(first, size), 2 * size if code > 2 else (size + 7) // 8


def a_write(b: ModbusBench, unit: int, *, broadcast: bool = False) -> tuple[bytes, int, int]:
    """A drawn write into the scratch register, as unit + PDU; its address and value."""
    start, count = b.declaration.scratch
    address, (value,) = start + b.rng.randrange(count), b.draw()
    if broadcast and "broadcast_scratch" in b.declaration.extra:
        address, *tail = b.declaration.extra["broadcast_scratch"]
        return bytes((unit,)) + write_many(address, (value, *tail)), address, value
    single = FC.WRITE_REGISTER in (b.declaration.broadcast if broadcast else b.declaration.functions)
    pdu = b"\x06" + words(address, value) if single else write_many(address, (value,))
    return bytes((unit,)) + pdu, address, value


# -- checks -----------------------------------------------------------------------------------------------------------
def crc_order(b: ModbusBench) -> Play:
    """The check of a reply is sent low byte first."""
    pdu, _ = a_read(b)
    heard = yield from b.say(pdu)
    data = heard.data
    size = len(data)
    if size >= 4 and seal(data[:-2]) == data[:-2] + data[:-3:-1] and data[-1] != data[-2]:
        check = data[-2:].hex(" ").upper()
        raise Failed(f"the check {check} is the right one high byte first", heard, (size - 2, size))
    reply = b.reply(heard, pdu)
    if reply.exception:
        raise Lost("an exception is no reply to judge the check by", heard)
    b.saw(heard)


def crc_value(b: ModbusBench) -> Play:
    """The check begins at 0xFFFF, of requests and of replies."""
    pdu, _ = a_read(b)
    heard = yield from b.say(pdu)
    data = heard.data
    if not data:
        body = bytes((b.unit,)) + pdu
        other = yield from b.raw(crc_from_zero(body), "CRC begun at 0")
        if other.data:
            raise Failed(
                f"a frame whose CRC begins at 0000 is answered, a right one is not: {frames_text(other.frames)}", other
            )
    elif len(data) >= 4 and crc_from_zero(data[:-2]) == data:
        raise Failed("the check of the reply begins at 0000 instead of FFFF", heard, (len(data) - 2, len(data)))
    elif not is_sound(data):
        refusal = yield from b.wrong_check()
        if refusal is not None and not is_sound(refusal.data[:-2] + refusal.data[:-3:-1]):  # the order: crc-order
            right, check = seal(refusal.data[:-2])[-2:], refusal.data[-2:]
            raise Failed(
                f"of a reply that is whole the check is {check.hex(' ').upper()}, right is {right.hex(' ').upper()}",
                refusal,
                (3, 5),
            )
    if b.reply(heard, pdu).exception:
        raise Lost("an exception is no reply to judge the check by", heard)
    b.saw(heard)


def bad_crc_silent(b: ModbusBench) -> Play:
    """A request with a wrong check is not answered."""
    pdu, _ = a_read(b)
    frame = seal(bytes((b.unit,)) + pdu)
    for flip in (0x0001, 0x8000, 0xFFFF):
        spoilt = frame[:-2] + (int.from_bytes(frame[-2:], "little") ^ flip).to_bytes(2, "little")
        heard = yield from b.raw(spoilt, "bad CRC", reply=False)
        b.must_be_silent(heard, "a request with a wrong check")


def bit_flip_silent(b: ModbusBench) -> Play:
    """One flipped bit anywhere in a request makes it unanswered."""
    pdu, _ = a_read(b)
    frame = seal(bytes((b.unit,)) + pdu)
    for index in range(1, len(frame)):
        bit = 1 << b.rng.randrange(8)
        spoilt = frame[:index] + bytes((frame[index] ^ bit,)) + frame[index + 1 :]
        if index % 2 == 0 or index == len(frame) - 1:
            heard = yield from b.raw(spoilt, f"bit {bit:02X} of character {index} flipped", reply=False)
            b.must_be_silent(heard, f"a request with a flipped bit in character {index}")


def bad_crc_no_write(b: ModbusBench) -> Play:
    """A write with a wrong check changes nothing."""
    body, address, value = a_write(b, b.unit)
    kept = value ^ 0x0101
    yield from b.put(address, kept)
    frame = seal(body)
    yield from b.raw(frame[:-1] + bytes((frame[-1] ^ 0x40,)), "bad CRC", reply=False)
    yield from b.holds(address, (kept,), "after a write with a wrong check")


def bad_crc_no_effect(b: ModbusBench) -> Play:
    """A read with a wrong check leaves the event where it is."""
    event = b.declaration.extra["event"]
    pdu = bytes((event["function"],)) + words(event["address"], 1)
    yield from b.good(pdu)
    yield from b.operator(event["action"], *event["args"], text=event["text"])
    frame = seal(bytes((b.unit,)) + pdu)
    yield from b.raw(frame[:-2] + bytes((frame[-2] ^ 0x10, frame[-1])), "bad CRC", reply=False)
    reply = yield from b.good(pdu)
    if not any(unpack_registers(reply.pdu[2:])):
        raise Failed("the event is gone after a read with a wrong check, which must change nothing", reply.heard)


# -- addresses --------------------------------------------------------------------------------------------------------
def other_unit_silent(b: ModbusBench) -> Play:
    """Requests for other units are not answered."""
    pdu, _ = a_read(b)
    for unit in (b.stranger(), b.stranger(), b.stranger()):
        heard = yield from b.say(pdu, unit, "for another unit", reply=False)
        b.must_be_silent(heard, f"a request for unit {unit} (if a device has that address, name it with --neighbours)")


def other_unit_no_write(b: ModbusBench) -> Play:
    """A write for another unit changes nothing."""
    other = b.stranger()
    body, address, value = a_write(b, other)
    yield from b.put(address, value ^ 0x0101)
    yield from b.raw(seal(body), "for another unit", reply=False)
    yield from b.holds(address, (value ^ 0x0101,), f"after a write for unit {other}")


def own_address(b: ModbusBench) -> Play:
    """The reply carries the unit's own address."""
    pdu, _ = a_read(b)
    heard = yield from b.say(pdu)
    data = heard.data
    if len(data) >= 5 and seal(data[:-2]) == data and data[0] != b.unit and data[1] == pdu[0]:
        raise Failed(f"the reply names unit {data[0]}, the device was asked as unit {b.unit}", heard, (0, 1))
    if b.reply(heard, pdu).exception:
        raise Lost("an exception is no reply to judge by", heard)
    b.saw(heard)


def reserved_silent(b: ModbusBench) -> Play:
    """The reserved addresses 248 to 255 are not answered."""
    pdu, _ = a_read(b)
    for unit in (248, 255):
        heard = yield from b.say(pdu, unit, "reserved address", reply=False)
        b.must_be_silent(heard, f"a request for the reserved address {unit}")


def foreign_reply(b: ModbusBench) -> Play:
    """Replies of other units do not spoil the next request."""
    pdu, _ = a_read(b)
    other = b.stranger()
    sayings = (
        bytes((other, 0x10)) + words(b.rng.randrange(200), 2),
        bytes((other, 3, 4)) + words(*b.draw(2)),
        bytes((other, 0x83, 2)),
    )
    for saying in sayings:
        heard = yield from b.raw(seal(saying), "another unit's reply", reply=False)
        b.must_be_silent(heard, "another unit's reply")
        heard = yield from b.say(pdu)
        if not heard.data:  # it answered the probe before
            raise Failed(f"a good request after another unit's reply ({saying.hex(' ').upper()} ..) stays unanswered")
        b.reply(heard, pdu)
        b.saw(heard)


# -- broadcast --------------------------------------------------------------------------------------------------------
def bcast_silent(b: ModbusBench) -> Play:
    """A broadcast write draws no reply."""
    body, _, _ = a_write(b, 0, broadcast=True)
    heard = yield from b.raw(seal(body), "broadcast", reply=False)
    b.must_be_silent(heard, "a broadcast write")


def bcast_exception_silent(b: ModbusBench) -> Play:
    """A broadcast that is wrong draws no exception."""
    absent = b.declaration.absent("holding")
    bad = [bytes((0, 6)) + words(0xFFF0 if absent is None else absent, 1), b"\x00\x06\x00", b"\x00\x42\x00\x00"]
    if "picky" in b.declaration.extra:
        address, _, refused = b.declaration.extra["picky"]
        bad.append(bytes((0, 6)) + words(address, refused))
    for body in bad:
        heard = yield from b.raw(seal(body), "bad broadcast", reply=False)
        b.must_be_silent(heard, f"a bad broadcast ({body.hex(' ').upper()})")


def bcast_executed(b: ModbusBench) -> Play:
    """A broadcast write is carried out."""
    body, address, value = a_write(b, 0, broadcast=True)
    tail = b.declaration.extra.get("broadcast_scratch", (0,))[1:]
    yield from b.put(address, value ^ 0x0101, *tail)
    yield from b.raw(seal(body), "broadcast", reply=False)
    yield from b.holds(address, (value,), "after a broadcast write")


def bcast_read_silent(b: ModbusBench) -> Play:
    """A broadcast read draws no reply."""
    pdu, _ = a_read(b)
    heard = yield from b.say(pdu, 0, "broadcast read", reply=False)
    b.must_be_silent(heard, "a broadcast read")


CASES: Final = (
    Case(
        "rtu.dev.crc-order",
        1,
        "MBS-2.5.1.2-R1",
        "The check of a reply is sent low byte first",
        crc_order,
        applies=READ,
        bare=True,
        cost=(1, 0),
    ),
    Case(
        "rtu.dev.crc-value",
        2,
        "MBS-2.5.1.2-R2",
        "The check begins at 0xFFFF, in and out",
        crc_value,
        applies=READ,
        bare=True,
        cost=(1, 0),
    ),
    Case(
        "rtu.dev.own-address",
        1,
        "MBS-2.2-R2",
        "A reply carries the unit's own address",
        own_address,
        applies=READ,
        bare=True,
        cost=(1, 0),
    ),
    Case(
        "rtu.dev.bad-crc-silent",
        1,
        "MBS-2.4.2-R1",
        "A request with a wrong check is not answered",
        bad_crc_silent,
        applies=READ,
        cost=(3, 3),
    ),
    Case(
        "rtu.dev.bit-flip-silent",
        1,
        "MBS-2.4.2-R1",
        "One flipped bit makes a request unanswered",
        bit_flip_silent,
        applies=READ,
        cost=(4, 4),
    ),
    Case(
        "rtu.dev.bad-crc-no-write",
        1,
        "MBS-2.4.2-R2",
        "A write with a wrong check changes nothing",
        bad_crc_no_write,
        applies=_SCRATCH,
        cost=(3, 1),
    ),
    Case(
        "rtu.dev.bad-crc-no-effect",
        1,
        "MBS-2.4.2-R2",
        "A read with a wrong check does not clear what a good one clears",
        bad_crc_no_effect,
        applies="event",
        needs="operator",
        cost=(3, 1),
    ),
    Case(
        "rtu.dev.other-unit-silent",
        1,
        "MBS-2.2-R1",
        "Requests for other units are not answered",
        other_unit_silent,
        applies=READ,
        cost=(3, 3),
    ),
    Case(
        "rtu.dev.other-unit-no-write",
        1,
        "MBS-2.2-R1",
        "A write for another unit changes nothing",
        other_unit_no_write,
        applies=_SCRATCH,
        cost=(3, 1),
    ),
    Case(
        "rtu.dev.reserved-silent",
        1,
        "MBS-2.2-R3",
        "Reserved addresses are not answered",
        reserved_silent,
        applies=READ,
        cost=(2, 2),
    ),
    Case(
        "rtu.dev.foreign-reply",
        1,
        "MBS-2.4.2-R3",
        "Replies of other units do not spoil the next request",
        foreign_reply,
        applies=READ,
        cost=(6, 3),
        wild=("libmodbus #83", "pymodbus #674"),
    ),
    Case(
        "rtu.dev.bcast-silent",
        1,
        "MBS-2.1-R1",
        "A broadcast write draws no reply",
        bcast_silent,
        applies="scratch and (bc06 or bc10)",
        cost=(1, 1),
        wild=("libmodbus #153",),
    ),
    Case(
        "rtu.dev.bcast-read-silent",
        1,
        "MBS-2.1-R1",
        "A broadcast read draws no reply",
        bcast_read_silent,
        applies=READ,
        cost=(1, 1),
    ),
    Case(
        "rtu.dev.bcast-exception-silent",
        1,
        "MBS-2.1-R2",
        "A broadcast that is wrong draws no exception",
        bcast_exception_silent,
        also=("MBS-2.1-R1",),
        applies=READ,
        cost=(4, 4),
        wild=("nanoMODBUS #101",),
    ),
    Case(
        "rtu.dev.bcast-executed",
        1,
        "MBS-2.1-R3",
        "A broadcast write is carried out",
        bcast_executed,
        applies="fc03 and scratch and (bc06 or bc10)",
        cost=(3, 1),
    ),
)
"""Cases of checks, addresses and broadcasts, in the order in which they run."""
