"""Modbus devices and their registers: FC 0x03, 0x04, 0x06, 0x10, 0x16, 0x17 (Application Protocol V1.1b3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bench.compliance.case import Case, Failed, Lost, frames_text
from bench.compliance.modbus_bench import ModbusBench, words, write_many
from bench.compliance.steps import Play
from protocol.modbus.pdu import FC, unpack_registers

__all__ = ["CASES"]

TABLE: Final = {1: "coils", 2: "discretes", 3: "holding", 4: "inputs"}
MOST: Final = {1: 2000, 2: 2000, 3: 125, 4: 125}
Run = Callable[[ModbusBench], Play]


def read_pdu(code: int, start: int, count: int) -> bytes:
    """PDU of FC 0x01 to 0x04."""
    return bytes((code,)) + words(start, count)


# -- reading, for all four tables -------------------------------------------------------------------------------------
def quantity_range(code: int) -> Run:
    """Quantities of 0 and above the limit draw exception 03."""

    def run(b: ModbusBench) -> Play:
        start, count = b.declaration.map[TABLE[code]][0]
        codes = (3,) if count > MOST[code] else (3, 2)
        yield from b.refused(read_pdu(code, start, 0), 3, what="a quantity of 0")
        yield from b.refused(read_pdu(code, start, MOST[code] + 1), *codes, what=f"a quantity of {MOST[code] + 1}")
        yield from b.refused(read_pdu(code, start, 0xFFFF), 3, 2, what="a quantity of 65535")

    return run


def absent_address(code: int) -> Run:
    """A start address that does not exist draws exception 02."""

    def run(b: ModbusBench) -> Play:
        absent = b.declaration.absent(TABLE[code])
        if absent is None:
            raise Lost("the declaration names no address that does not exist")
        yield from b.refused(read_pdu(code, absent, 1), 2, what=f"reading 0x{absent:04X}, which does not exist")

    return run


def past_end(code: int) -> Run:
    """A range that runs past the end draws exception 02."""

    def run(b: ModbusBench) -> Play:
        absent = b.declaration.absent(TABLE[code])
        if absent is None:
            raise Lost("the declaration names no end of the table")
        yield from b.refused(read_pdu(code, absent - 1, 2), 2, what=f"reading past 0x{absent - 1:04X}, the last one")
        yield from b.refused(read_pdu(code, 0xFFFF, 2), 2, 3, what="reading past 0xFFFF")

    return run


def byte_count(code: int) -> Run:
    """The byte count of a reply fits the quantity."""

    def run(b: ModbusBench) -> Play:
        start, count = max(b.declaration.map[TABLE[code]], key=lambda run: run[1])
        sizes = sorted({min(count, size) for size in (1, 3, 8, 9, 17)} | {b.rng.randint(1, min(count, MOST[code]))})
        for size in sizes:
            pdu = read_pdu(code, start, size)
            heard = yield from b.say(pdu)
            reply = b.reply(heard, pdu)
            if reply.exception:
                raise Lost(f"exception {reply.exception:02X} to a read it should serve", heard)
            wanted = 2 * size if code > 2 else (size + 7) // 8
            if len(reply.pdu) != 2 + wanted and reply.pdu[1] == wanted:
                raise Lost(f"{len(reply.pdu) - 2} characters of data, {wanted} wanted", heard)
            if reply.pdu[1] != wanted:
                raise Failed(
                    f"the byte count for a quantity of {size} is {reply.pdu[1]}, {wanted} expected", heard, (2, 3)
                )
            b.saw(heard)

    return run


def most_registers(code: int) -> Run:
    """125 registers are given in one reply."""

    def run(b: ModbusBench) -> Play:
        start, _ = max(b.declaration.map[TABLE[code]], key=lambda run: run[1])
        heard = yield from b.say(read_pdu(code, start, 125))
        if not heard.data:
            yield from b.probe()
            raise Failed("a read of 125 registers stays unanswered")
        reply = b.reply(heard, read_pdu(code, start, 125))
        if reply.exception:
            raise Failed(f"a read of 125 registers draws exception {reply.exception:02X}", heard, (1, 3))
        if len(reply.pdu) != 252:
            raise Failed(f"125 registers asked, {len(reply.pdu) - 2} characters came", heard)
        b.saw(heard)

    return run


def big_endian(b: ModbusBench) -> Play:
    """Words are sent high byte first."""
    code, address, value = b.declaration.extra["constant"]
    pdu = read_pdu(code, address, 1)
    heard = yield from b.say(pdu)
    reply = b.reply(heard, pdu)
    if len(reply.pdu) != 4:
        raise Lost(f"one register asked, the reply is {frames_text(heard.frames)}", heard)
    (found,) = unpack_registers(reply.pdu[2:])
    if found == (value >> 8 | (value & 0xFF) << 8) != value:
        raise Failed(f"0x{address:04X} reads {found:04X}, {value:04X} is declared: low byte first", heard, (3, 5))
    if found != value:
        raise Lost(f"0x{address:04X} reads {found:04X}, {value:04X} is declared", heard)
    b.saw(heard)


# -- FC 0x06 ----------------------------------------------------------------------------------------------------------
def single_echo(b: ModbusBench) -> Play:
    """The reply to a write of one register repeats it."""
    start, count = b.declaration.scratch
    for _ in range(2):
        pdu = b"\x06" + words(start + b.rng.randrange(count), *b.draw())
        yield from b.echoed(pdu, 5, "a write of one register")


def single_written(b: ModbusBench) -> Play:
    """The register takes each value."""
    start, count = b.declaration.scratch
    address = start + b.rng.randrange(count)
    for value in (*b.draw(2), 0x0001, 0xFFFF, 0x8000):
        yield from b.good(b"\x06" + words(address, value))
        yield from b.holds(address, (value,), f"after writing {value:04X}")


def single_absent(b: ModbusBench) -> Play:
    """A register that does not exist draws exception 02."""
    absent = b.declaration.absent("holding")
    if absent is None:
        raise Lost("the declaration names no register that does not exist")
    yield from b.refused(b"\x06" + words(absent, 1), 2, what=f"writing 0x{absent:04X}, which does not exist")


# -- FC 0x10 ----------------------------------------------------------------------------------------------------------
def many_byte_count(b: ModbusBench) -> Play:
    """A byte count that does not fit the quantity draws exception 03, and nothing is written."""
    start, _ = b.declaration.scratch
    (kept, other) = b.draw(2)
    yield from b.put(start, kept)
    for count, data in ((1, words(other)), (3, words(other, 0)[:3])):
        pdu = b"\x10" + words(start, 1) + bytes((count,)) + (words(other) if count == 1 else data)
        yield from b.refused(pdu, 3, what=f"a byte count of {count} for one register")
    yield from b.holds(start, (kept,), "after a write that was refused")


def many_quantity(b: ModbusBench) -> Play:
    """A quantity of 0, or above 123, draws exception 03."""
    start, _ = b.declaration.scratch
    yield from b.refused(b"\x10" + words(start, 0) + b"\x00", 3, what="writing 0 registers")
    pdu = b"\x10" + words(start, 124) + b"\xf8" + words(*b.draw(123))
    yield from b.refused(pdu, 3, what="a quantity of 124")


def many_reply(b: ModbusBench) -> Play:
    """The reply has start and quantity of the request."""
    start, count = b.declaration.scratch
    size = b.rng.randint(1, min(count, 5))
    first = start + b.rng.randrange(count - size + 1)
    yield from b.echoed(write_many(first, b.draw(size)), 5, "a write of registers")


def many_written(b: ModbusBench) -> Play:
    """Each register of the range takes its value."""
    start, count = b.declaration.scratch
    size = min(count, 7)
    values = b.draw(size)
    yield from b.good(write_many(start, values))
    yield from b.holds(start, values, f"after a write of {size} registers")


def many_absent(b: ModbusBench) -> Play:
    """A range that does not exist draws exception 02."""
    absent = b.declaration.absent("holding")
    if absent is None:
        raise Lost("the declaration names no register that does not exist")
    yield from b.refused(write_many(absent, b.draw(2)), 2, what=f"writing two registers from 0x{absent:04X}")


def many_atomic(b: ModbusBench) -> Play:
    """A write with one bad value in it changes nothing."""
    picky, _, refused = b.declaration.extra["picky"]
    start, count = b.declaration.scratch
    last = start + count - 1
    (kept, other) = b.draw(2)
    yield from b.put(last, kept)
    yield from b.refused(write_many(last, (other, refused)), 3, what=f"writing {refused} into 0x{picky:04X}")
    yield from b.holds(last, (kept,), "after a write that was refused")


# -- FC 0x16, 0x17 ----------------------------------------------------------------------------------------------------
def mask_formula(b: ModbusBench) -> Play:
    """(register AND and-mask) OR (or-mask AND NOT and-mask)."""
    start, _ = b.declaration.scratch
    for _ in range(3):
        before, keep, put = b.rng.randrange(0x10000), b.rng.randrange(0x10000), b.rng.randrange(0x10000)
        put |= keep & -keep or 1  # a bit of the or-mask that the and-mask rules out
        yield from b.put(start, before)
        yield from b.good(b"\x16" + words(start, keep, put))
        yield from b.holds(start, ((before & keep | put & ~keep) & 0xFFFF,), "after a mask write")


def write_first(b: ModbusBench) -> Play:
    """FC 0x17 writes before it reads."""
    start, _ = b.declaration.scratch
    (old, new) = b.draw(2)
    yield from b.put(start, old)
    reply = yield from b.good(b"\x17" + words(start, 1, start, 1) + b"\x02" + words(new))
    found = unpack_registers(reply.pdu[2:4])
    if found != (new,):
        raise Failed(f"the reply says {found[0]:04X}, {new:04X} was written just before", reply.heard, (3, 5))


def read_write_quantity(b: ModbusBench) -> Play:
    """FC 0x17 with a quantity outside its limits draws exception 03."""
    start, _ = b.declaration.scratch
    (value,) = b.draw()
    for read in (0, 126):
        pdu = b"\x17" + words(start, read, start, 1) + b"\x02" + words(value)
        yield from b.refused(pdu, 3, what=f"reading {read} registers by FC 0x17")
    yield from b.refused(b"\x17" + words(start, 1, start, 0) + b"\x00", 3, what="writing 0 registers by FC 0x17")


def _reading(code: int, spec: str, slug: str, names: str) -> tuple[Case, ...]:
    has = f"fc{code:02x} and {TABLE[code]}"
    cases = [
        Case(
            f"rtu.dev.{slug}-quantity",
            1,
            f"{spec}-R1",
            f"Quantities of {names} outside the limits draw exception 03",
            quantity_range(code),
            applies=has,
            cost=(3, 0),
        ),
        Case(
            f"rtu.dev.{slug}-absent",
            1,
            f"{spec}-R2",
            f"Absent {names} draw exception 02",
            absent_address(code),
            applies=has,
            cost=(1, 0),
            wild=("modbus-esp8266 #255",),
        ),
        Case(
            f"rtu.dev.{slug}-past-end",
            1,
            f"{spec}-R3",
            f"A range of {names} past the end draws exception 02",
            past_end(code),
            applies=has,
            cost=(2, 0),
        ),
        Case(
            f"rtu.dev.{slug}-byte-count",
            1,
            f"{spec}-R4",
            f"The byte count of {names} fits the quantity",
            byte_count(code),
            applies=has,
            cost=(5, 0),
            bare=True,
        ),
    ]
    if code > 2:
        run = f"{TABLE[code]}_run >= 125 and fc{code:02x}"
        title = f"125 {names} are given in one reply"
        cases.append(
            Case(f"rtu.dev.{slug}-most", 1, f"{spec}-R5", title, most_registers(code), applies=run, cost=(1, 0))
        )
    return tuple(cases)


READING: Final = _reading
_S6: Final = "fc03 and sw06"
_S10: Final = "fc03 and sw10"

CASES: Final = (
    Case(
        "rtu.dev.big-endian",
        1,
        "MBA-4.2-R1",
        "Words are sent high byte first",
        big_endian,
        applies="constant",
        bare=True,
        cost=(1, 0),
    ),
    *_reading(FC.READ_HOLDING, "MBA-6.3", "fc03", "holding registers"),
    *_reading(FC.READ_INPUTS, "MBA-6.4", "fc04", "input registers"),
    Case(
        "rtu.dev.fc06-echo",
        1,
        "MBA-6.6-R1",
        "The reply to FC 0x06 repeats the request",
        single_echo,
        applies=_S6,
        cost=(2, 0),
    ),
    Case(
        "rtu.dev.fc06-written",
        1,
        "MBA-6.6-R2",
        "FC 0x06 writes the value",
        single_written,
        applies=_S6,
        bare=True,
        cost=(10, 0),
    ),
    Case(
        "rtu.dev.fc06-absent",
        1,
        "MBA-6.6-R3",
        "FC 0x06 to an absent register draws exception 02",
        single_absent,
        applies="fc06 and holding",
        cost=(1, 0),
    ),
    Case(
        "rtu.dev.fc10-byte-count",
        1,
        "MBA-6.12-R1",
        "A byte count that does not fit draws exception 03",
        many_byte_count,
        applies=_S10,
        cost=(4, 0),
        wild=("nanoMODBUS #116",),
    ),
    Case(
        "rtu.dev.fc10-quantity",
        1,
        "MBA-6.12-R2",
        "Quantities outside 1..123 draw exception 03",
        many_quantity,
        applies=_S10,
        cost=(2, 0),
    ),
    Case(
        "rtu.dev.fc10-reply",
        1,
        "MBA-6.12-R3",
        "The reply to FC 0x10 has start and quantity",
        many_reply,
        applies=_S10,
        cost=(1, 0),
    ),
    Case(
        "rtu.dev.fc10-written", 1, "MBA-6.12-R4", "FC 0x10 writes each value", many_written, applies=_S10, cost=(2, 0)
    ),
    Case(
        "rtu.dev.fc10-absent",
        1,
        "MBA-6.12-R6",
        "FC 0x10 to absent registers draws exception 02",
        many_absent,
        applies="fc10 and holding",
        cost=(1, 0),
    ),
    Case(
        "rtu.dev.fc10-atomic",
        1,
        "MBA-6.12-R5",
        "A write with a bad value changes nothing",
        many_atomic,
        applies="fc03 and sw10 and picky and atomic_writes",
        cost=(3, 0),
    ),
    Case(
        "rtu.dev.fc16-formula",
        1,
        "MBA-6.16-R1",
        "A mask write follows its formula",
        mask_formula,
        applies="fc03 and fc16 and scratch",
        cost=(9, 0),
    ),
    Case(
        "rtu.dev.fc17-write-first",
        1,
        "MBA-6.17-R1",
        "FC 0x17 writes before it reads",
        write_first,
        applies="fc03 and fc17 and scratch",
        cost=(2, 0),
    ),
    Case(
        "rtu.dev.fc17-quantity",
        1,
        "MBA-6.17-R2",
        "Quantities of FC 0x17 outside the limits draw exception 03",
        read_write_quantity,
        applies="fc17 and scratch",
        cost=(3, 0),
    ),
)
"""Cases of registers, in the order in which they run."""
