"""Modbus devices and the rest: unknown functions, exceptions, diagnostics, identification, queues (V1.1b3)."""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise
from typing import Final

from bench.compliance.case import Case, Failed, Lost
from bench.compliance.cases.modbus_line import READ, a_read
from bench.compliance.cases.modbus_registers import Run
from bench.compliance.modbus_bench import UNASSIGNED, ModbusBench, words
from bench.compliance.steps import Heard, Play, Step
from protocol.modbus.pdu import FC, unpack_registers
from protocol.modbus.rtu import is_sound, seal

__all__ = ["CASES"]

_KNOWN: Final = (1, 2, 3, 4, 5, 6, 8, 0x0B, 0x0F, 0x10, 0x11, 0x14, 0x16, 0x17, 0x18, 0x2B)


def unsupported(b: ModbusBench) -> Play:
    """A function that is not supported draws exception 01."""
    codes = [code for code in UNASSIGNED if code not in b.declaration.functions]
    for code in b.rng.sample(codes, 3):
        yield from b.refused(bytes((code,)) + words(*b.draw(2)), 1, what=f"function 0x{code:02X}")


def exception_format(b: ModbusBench) -> Play:
    """An exception reply has the highest bit of the function set."""
    code = b.rng.choice([code for code in UNASSIGNED if code not in b.declaration.functions])
    pdus = [bytes((code,)) + words(0, 1)]
    if b.declaration.absent("holding") is not None and FC.READ_HOLDING in b.declaration.functions:
        pdus.append(b"\x03" + words(b.declaration.absent("holding") or 0, 1))
    for pdu in pdus:
        heard = yield from b.say(pdu)
        data = heard.data
        if len(data) == 5 and is_sound(data) and data[0] == b.unit and data[1] == pdu[0]:
            raise Failed(
                f"an exception reply with function {data[1]:02X} instead of {data[1] | 0x80:02X}", heard, (1, 2)
            )
        if not b.reply(heard, pdu).exception:
            raise Lost("a refusal was expected", heard)
        b.saw(heard)


def _sample(b: ModbusBench, code: int) -> bytes:
    """A request of a function that a device with it would serve or refuse by 02 or 03, but not by 01."""
    table = {1: "coils", 2: "discretes", 3: "holding", 4: "inputs"}.get(code)
    if table:
        start, _ = b.declaration.map.get(table, ((0, 1),))[0]
        return bytes((code,)) + words(start, 1)
    start, _ = b.declaration.scratch
    coil, _ = b.declaration.coil_scratch
    (value,) = b.draw()
    return {
        0x05: b"\x05" + words(coil, 0x0001),
        0x06: b"\x06" + words(start, value) if b.declaration.scratch[1] else b"\x06" + words(0xFFEF, value),
        0x08: b"\x08" + words(0, value),
        0x0F: b"\x0f" + words(coil, 0) + b"\x00",
        0x10: b"\x10" + words(start, 0) + b"\x00",
        0x16: b"\x16" + words(start if b.declaration.scratch[1] else 0xFFEF, 0xFFFF, 0),
        0x17: b"\x17" + words(start, 0, start, 0) + b"\x00",
        0x18: b"\x18" + words(b.declaration.extra.get("fifo", 0)),
        0x2B: b"\x2b\x0e\x01\x00",
    }.get(code, bytes((code,)))


def declared_served(b: ModbusBench) -> Play:
    """Every declared function is served."""
    for code in sorted(b.declaration.functions):
        reply = yield from b.ask(_sample(b, code))
        if reply.exception == 1:
            raise Failed(f"function 0x{code:02X} is declared, and draws exception 01", reply.heard, (1, 3))
        b.must_be_formed(reply, bytes((code,)))
        if not reply.exception:
            b.saw(reply.heard)


def undeclared_refused(b: ModbusBench) -> Play:
    """A function that is not declared is not served: else the declaration is wrong."""
    for code in sorted(set(_KNOWN) - b.declaration.functions):
        reply = yield from b.ask(_sample(b, code))
        b.must_be_formed(reply, bytes((code,)))
        if not reply.exception:
            raise Failed(f"function 0x{code:02X} is not declared, and is served", reply.heard)
        b.saw(reply.heard)


# -- FC 0x08, 0x0B, 0x11 ----------------------------------------------------------------------------------------------
def loopback(b: ModbusBench) -> Play:
    """Sub-function 0000 returns the data."""
    for _ in range(2):
        pdu = b"\x08" + words(0, *b.draw())
        yield from b.echoed(pdu, len(pdu), "a loopback")


def bad_sub(b: ModbusBench) -> Play:
    """A sub-function that is not supported draws exception 01."""
    yield from b.refused(b"\x08" + words(0x7FFF, 0), 1, 3, what="sub-function 7FFF")


def counter(b: ModbusBench, sub: int) -> Generator[Step, Heard, int]:
    """One diagnostic counter."""
    reply = yield from b.ask(b"\x08" + words(sub, 0))
    if reply.exception or len(reply.pdu) != 5:
        raise Lost(f"sub-function {sub:04X} is not served: no counter to judge by", reply.heard)
    b.saw(reply.heard)
    return unpack_registers(reply.pdu[3:5])[0]


def _grows(sub: int, what: str, least: int, most: int) -> Run:
    def run(b: ModbusBench) -> Play:
        before = yield from counter(b, sub)
        pdu, _ = a_read(b)
        if sub == 0x0C:
            frame = seal(bytes((b.unit,)) + pdu)
            for _ in range(3):
                yield from b.raw(frame[:-1] + bytes((frame[-1] ^ 1,)), "bad CRC", reply=False)
        elif sub == 0x0D:
            code = next(code for code in UNASSIGNED if code not in b.declaration.functions)
            for _ in range(3):
                yield from b.refused(bytes((code,)), 1, what=f"function 0x{code:02X}")
        else:
            for _ in range(3):
                yield from b.good(pdu)
        after = yield from counter(b, sub)
        grown = (after - before) & 0xFFFF
        if not least <= grown <= most:
            raise Failed(f"{what}: the counter grew by {grown}, {least} to {most} expected")

    return run


def listen_only(b: ModbusBench) -> Play:
    """In listen-only mode nothing is answered, until 0001 restarts it."""
    heard = yield from b.say(b"\x08" + words(4, 0), note="force listen-only", reply=False)
    data = heard.data
    if len(data) == 5 and data[1] == 0x88:
        raise Lost("sub-function 0004 is refused: there is no listen-only mode to judge", heard)
    try:
        b.must_be_silent(heard, "force listen-only mode")
        pdu, _ = a_read(b)
        heard = yield from b.say(pdu, note="in listen-only mode", reply=False)
        b.must_be_silent(heard, "a request in listen-only mode")
    finally:
        yield from b.say(b"\x08" + words(1, 0), note="restart", reply=False)
    yield from b.good(a_read(b)[0])


def event_counter(b: ModbusBench) -> Play:
    """The event counter counts requests, not its own reading."""
    counts = []
    for reads in (0, 0, 3):
        for _ in range(reads):
            yield from b.good(a_read(b)[0])
        reply = yield from b.good(b"\x0b")
        if len(reply.pdu) != 5:
            raise Failed("the reply has no status and counter", reply.heard)
        counts.append(unpack_registers(reply.pdu[3:5])[0])
    grown = [(two - one) & 0xFFFF for one, two in pairwise(counts)]
    if grown != [0, 3]:
        raise Failed(
            f"by reading it the counter grew by {grown[0]}, by three requests by {grown[1]}; 0 and 3 expected",
            reply.heard,
            (4, 6),
        )


def server_id(b: ModbusBench) -> Play:
    """The server id has a fitting byte count and a run indicator."""
    reply = yield from b.good(b"\x11")
    pdu = reply.pdu
    if len(pdu) < 3 or pdu[1] != len(pdu) - 2:
        raise Failed(f"the byte count is {pdu[1]}, {len(pdu) - 2} characters follow", reply.heard, (2, 3))
    if not {0x00, 0xFF} & set(pdu[2:]):
        raise Failed("no run indicator of 00 or FF is in the reply", reply.heard)


# -- FC 0x18, 0x2B ----------------------------------------------------------------------------------------------------
def queue_format(b: ModbusBench) -> Play:
    """Byte count and count of a queue fit."""
    reply = yield from b.good(b"\x18" + words(b.declaration.extra["fifo"]))
    pdu = reply.pdu
    size, count = unpack_registers(pdu[1:5]) if len(pdu) >= 5 else (0, 0)
    if len(pdu) != 5 + 2 * count or size != 2 + 2 * count or count > 31:
        raise Failed(
            f"byte count {size} and count {count} with {len(pdu) - 5} characters of words", reply.heard, (2, 6)
        )


def queue_kept(b: ModbusBench) -> Play:
    """Reading a queue does not clear it."""
    event = b.declaration.extra["event"]
    yield from b.operator(event["action"], *event["args"], text=event["text"])
    first = yield from b.good(b"\x18" + words(b.declaration.extra["fifo"]))
    second = yield from b.good(b"\x18" + words(b.declaration.extra["fifo"]))
    if len(first.pdu) < 7:
        raise Lost("nothing waits in the queue after an event", first.heard)
    if first.pdu != second.pdu:
        raise Failed("the queue reads otherwise the second time", second.heard)


def queue_absent(b: ModbusBench) -> Play:
    """A pointer without a queue draws exception 02."""
    pointer = (b.declaration.extra["fifo"] + 0x4321) & 0xFFFF
    yield from b.refused(b"\x18" + words(pointer), 2, what=f"the queue at 0x{pointer:04X}, which does not exist")


def identity(b: ModbusBench) -> Play:
    """Basic identification has objects 00, 01 and 02."""
    reply = yield from b.good(b"\x2b\x0e\x01\x00")
    found, pdu = [], reply.pdu
    at = 7
    while len(pdu) >= at + 2:
        found.append(pdu[at])
        at += 2 + pdu[at + 1]
    if at != len(pdu) or len(pdu) < 7 or pdu[6] != len(found):
        raise Failed("the objects do not fill the reply as their lengths and count say", reply.heard)
    if pdu[4] == 0 and not {0, 1, 2} <= set(found):
        raise Failed(f"basic identification has objects {found}; 0, 1 and 2 are mandatory", reply.heard)


def identity_code(b: ModbusBench) -> Play:
    """A read code outside 01 to 04 draws exception 03."""
    for code in (0, 5, 0x80):
        yield from b.refused(bytes((0x2B, 0x0E, code, 0)), 3, what=f"read code {code:02X}")


def identity_one(b: ModbusBench) -> Play:
    """One object by code 04 is that object alone."""
    reply = yield from b.good(b"\x2b\x0e\x04\x01")
    pdu = reply.pdu
    if len(pdu) < 9 or pdu[6] != 1 or pdu[7] != 1 or len(pdu) != 9 + pdu[8]:
        raise Failed("object 01 was asked, something else came", reply.heard)
    yield from b.refused(b"\x2b\x0e\x04\x6f", 2, what="identification object 6F, which does not exist")


_D: Final = f"fc08 and ({READ})"

CASES: Final = (
    Case(
        "rtu.dev.unsupported",
        1,
        "MBA-7-R1",
        "A function that is not supported draws exception 01",
        unsupported,
        cost=(3, 0),
    ),
    Case(
        "rtu.dev.exception-format",
        1,
        "MBA-7-R2",
        "An exception reply has the function's highest bit set",
        exception_format,
        cost=(2, 0),
    ),
    Case("rtu.dev.declared-served", 1, "MBA-7-R3", "Every declared function is served", declared_served, cost=(10, 0)),
    Case(
        "rtu.dev.undeclared-refused",
        1,
        "MBA-7-R4",
        "A function that is not declared is not served",
        undeclared_refused,
        applies="not (" + " and ".join(f"fc{code:02x}" for code in _KNOWN) + ")",
        cost=(8, 0),
    ),
    Case(
        "rtu.dev.fc08-loopback", 1, "MBA-6.8-R1", "A loopback returns its data", loopback, applies="fc08", cost=(2, 0)
    ),
    Case(
        "rtu.dev.fc08-bad-sub",
        1,
        "MBA-6.8-R2",
        "An unknown sub-function draws exception 01",
        bad_sub,
        applies="fc08",
        cost=(1, 0),
    ),
    Case(
        "rtu.dev.fc08-messages",
        1,
        "MBA-6.8-R3",
        "Counter 000B counts messages on the line",
        _grows(0x0B, "three requests", 4, 9),
        applies=_D,
        cost=(5, 0),
    ),
    Case(
        "rtu.dev.fc08-crc-errors",
        1,
        "MBA-6.8-R5",
        "Counter 000C counts wrong checks",
        _grows(0x0C, "three wrong checks", 3, 3),
        applies=_D,
        cost=(5, 3),
    ),
    Case(
        "rtu.dev.fc08-exceptions",
        1,
        "MBA-6.8-R6",
        "Counter 000D counts exceptions",
        _grows(0x0D, "three exceptions", 3, 3),
        applies="fc08",
        cost=(5, 0),
    ),
    Case(
        "rtu.dev.fc08-listen-only",
        1,
        "MBA-6.8-R4",
        "Listen-only mode is silent, and ends",
        listen_only,
        applies=_D,
        cost=(4, 3),
    ),
    Case(
        "rtu.dev.fc0b-counts",
        1,
        "MBA-6.9-R1",
        "The event counter counts requests, not its own reading",
        event_counter,
        applies=f"fc0b and ({READ})",
        cost=(6, 0),
    ),
    Case(
        "rtu.dev.fc11-format", 1, "MBA-6.13-R1", "The server id is well formed", server_id, applies="fc11", cost=(1, 0)
    ),
    Case(
        "rtu.dev.fc18-format",
        1,
        "MBA-6.18-R1",
        "Byte count and count of a queue fit",
        queue_format,
        applies="fc18 and fifo",
        cost=(1, 0),
    ),
    Case(
        "rtu.dev.fc18-kept",
        1,
        "MBA-6.18-R2",
        "Reading a queue does not clear it",
        queue_kept,
        applies="fc18 and fifo and event",
        needs="operator",
        cost=(2, 0),
    ),
    Case(
        "rtu.dev.fc18-absent",
        1,
        "MBA-6.18-R3",
        "A pointer without a queue draws exception 02",
        queue_absent,
        applies="fc18 and fifo",
        cost=(1, 0),
    ),
    Case(
        "rtu.dev.fc2b-basic",
        1,
        "MBA-6.21-R1",
        "Basic identification has its three objects",
        identity,
        applies="fc2b",
        cost=(1, 0),
    ),
    Case(
        "rtu.dev.fc2b-code",
        1,
        "MBA-6.21-R2",
        "A bad read code draws exception 03",
        identity_code,
        applies="fc2b",
        cost=(3, 0),
    ),
    Case(
        "rtu.dev.fc2b-one",
        1,
        "MBA-6.21-R3",
        "One object is that object alone",
        identity_one,
        applies="fc2b",
        cost=(2, 0),
    ),
)
"""Cases of services, in the order in which they run."""
