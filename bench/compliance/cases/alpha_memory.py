"""Alpha signs: files, memory configuration, status register, ACK and NAK, power (form 9708-8061, protocols.md 2.2)."""

from __future__ import annotations

from typing import Final

from bench.compliance.alpha_bench import AlphaBench, codes_of
from bench.compliance.case import Case, Failed, Lost
from bench.compliance.steps import Ask, Play
from firmware_sim.device import MS
from protocol.alpha import codes, write
from protocol.alpha.memory import string_file, text_file

__all__ = ["CASES"]


def _must(good: bool, why: str) -> None:
    if not good:
        raise Failed(why)


# -- files ------------------------------------------------------------------------------------------------------------
def text_back(b: AlphaBench) -> Play:
    """A TEXT file reads as it was written, control codes and all."""
    data = b"\x1b\x20a\x1c1" + b.word() + b"\x0d\x1a3" + b.word() + b"\x0c\x13"
    yield from b.do((codes.WRITE_TEXT, b"A" + data))
    found = yield from b.text()
    _must(found == data, f"TEXT file A reads {found!r}, {data!r} was written")


def string_back(b: AlphaBench) -> Play:
    """Two STRING files keep apart."""
    yield from b.table()
    one, two = b.word(), b"\x1c2" + b.word()
    yield from b.put("B", one)
    yield from b.put("C", two)
    found = ((yield from b.string("B")), (yield from b.string("C")))
    _must(found == (one, two), f"STRING files B and C read {found}, {(one, two)} was written")


def string_room(b: AlphaBench) -> Play:
    """A STRING file never holds more than it was given."""
    room = b.rng.randrange(8, 20)
    yield from b.table(room=room)
    neighbour = b.word(room - 2)
    yield from b.put("C", neighbour)
    yield from b.put("B", b.word(room + 10))
    found = yield from b.string("B")
    beside = yield from b.string("C")
    _must(len(found) <= room, f"STRING file B was given {room} characters and holds {len(found)}")
    _must(beside == neighbour, f"STRING file C reads {beside!r} after file B was overfilled, {neighbour!r} was written")


def string_update(b: AlphaBench) -> Play:
    """A second write replaces the first."""
    yield from b.table()
    short = b.word(3)
    yield from b.put("B", b.word(12))
    yield from b.put("B", short)
    found = yield from b.string("B")
    _must(found == short, f"STRING file B reads {found!r} after {short!r} was written over a longer text")


def unallocated(b: AlphaBench) -> Play:
    """A write to a label that has no file is not kept."""
    yield from b.table()
    word = b.word()
    yield from b.put("Q", word)
    got = yield from b.send(b.packet(write.read_string("Q")), "reads a file that is not there")
    held = got.command is not None and word in got.command.data
    _must(not held, f"STRING file Q was never allocated, and reads as written: {got.text}")


def unallocated_told(b: AlphaBench) -> Play:
    """And the status tells it."""
    yield from b.table()
    yield from b.do(write.clear_errors())
    yield from b.put("Q", b.word())
    status = yield from b.status()
    _must(bool(status & codes.STATUS_ILLEGAL), f"a write to a label without a file: status {status:02X}, bit 20 is due")


# -- the priority file ------------------------------------------------------------------------------------------------
def _release(b: AlphaBench) -> None:
    b.undo.append(Ask(((0, b.packet(write.release())),), 200 * MS, None, "priority file released"))


def priority(b: AlphaBench) -> Play:
    """The priority file is a file of its own."""
    own, urgent = codes_of(b.word()), codes_of(b.word())
    yield from b.do((codes.WRITE_TEXT, b"A" + own))
    _release(b)
    yield from b.do((codes.WRITE_TEXT, b"0" + urgent))
    found = ((yield from b.text("0")), (yield from b.text("A")))
    _must(found[1] == own, f"TEXT file A reads {found[1]!r} after the priority file was written, {own!r} is due")
    _must(found[0] == urgent, f"the priority file reads {found[0]!r}, {urgent!r} was written")


def priority_released(b: AlphaBench) -> Play:
    """A write with nothing after the label lets go of it."""
    _release(b)
    yield from b.do((codes.WRITE_TEXT, b"0" + codes_of(b.word())))
    yield from b.do(write.release())
    found = yield from b.text("0")
    _must(not found, f"the priority file was released and still reads {found!r}")


def priority_room(b: AlphaBench) -> Play:
    """It takes at most 125 characters."""
    _release(b)
    yield from b.do((codes.WRITE_TEXT, b"0" + codes_of(b.word(150))))
    found = yield from b.text("0")
    _must(len(found) <= codes.SHORT_FILE, f"the priority file holds {len(found)} characters, 125 at most are due")


# -- memory -----------------------------------------------------------------------------------------------------------
def memory_back(b: AlphaBench) -> Play:
    """The configuration reads as it was written."""
    rows = (text_file("A", b.rng.randrange(0x20, 0x90)), string_file("B", b.rng.randrange(8, 99)), string_file("K", 33))
    yield from b.do(write.memory(rows))
    found = yield from b.body(write.read_memory())
    wanted = b"".join(row.encode() for row in rows)
    _must(found == wanted, f"the memory configuration reads {found!r}, {wanted!r} was written")


def memory_clears(b: AlphaBench) -> Play:
    """Configuring the memory empties all files."""
    yield from b.table()
    yield from b.put("B", b.word())
    yield from b.table()
    found = yield from b.string("B")
    _must(not found, f"the memory was configured anew, and STRING file B reads {found!r}")


def sequence_back(b: AlphaBench) -> Play:
    """The run sequence reads as it was written."""
    yield from b.table(text_file("D", 0x20))
    order = b.rng.choice(("AD", "DA"))
    yield from b.do(write.sequence(order))
    b.undo.append(Ask(((0, b.packet(write.sequence("A", kind="T"))),), 200 * MS, None, "run sequence A"))
    found = yield from b.body((codes.READ_SPECIAL, bytes((codes.SEQUENCE,))))
    _must(found[2:] == order.encode(), f"the run sequence reads {found!r}, {order} was written")


def time_back(b: AlphaBench) -> Play:
    """The clock runs from what it was set to."""
    hour, minute = b.rng.randrange(24), b.rng.randrange(58)
    yield from b.do((codes.WRITE_SPECIAL, bytes((codes.TIME,)) + b"%02d%02d" % (hour, minute)))
    found = yield from b.body((codes.READ_SPECIAL, bytes((codes.TIME,))))
    good = {b"%02d%02d" % (hour, minute), b"%02d%02d" % (hour, minute + 1)}
    _must(found in good, f"the clock was set to {hour:02}{minute:02} and reads {found!r}")


def power_keeps(b: AlphaBench) -> Play:
    """Files outlive the power."""
    yield from b.table()
    word = b.word()
    yield from b.put("B", word)
    yield from b.operator("power_cycle", text="switch the sign off, wait two seconds, and switch it on")
    yield from b.listen(round(float(b.declaration.capabilities.get("busy_ms", 8000)) * MS), "until it is up")
    found = yield from b.string("B")
    _must(found == word, f"STRING file B reads {found!r} after power-on, {word!r} was written")


# -- status, ACK and NAK ----------------------------------------------------------------------------------------------
def _bad(b: AlphaBench) -> bytes:
    packet = b.packet((codes.WRITE_TEXT, b"A" + codes_of(b.word())), check=True)
    return packet[:-5] + b"%04X" % ((int(packet[-5:-1], 16) + 5) & 0xFFFF) + packet[-1:]


def status_form(b: AlphaBench) -> Play:
    """Bit 40 always, and nothing else when all is well."""
    yield from b.do(write.clear_errors())
    status = yield from b.status()
    _must(status == codes.STATUS_ALWAYS, f"the status register reads {status:02X} without an error, 40 is due")


def status_check(b: AlphaBench) -> Play:
    """A wrong checksum is told."""
    yield from b.do(write.clear_errors())
    yield from b.send(_bad(b), "a wrong checksum")
    status = yield from b.status()
    _must(bool(status & codes.STATUS_CHECKSUM), f"a wrong checksum: status {status:02X}, bit 10 is due")


def status_illegal(b: AlphaBench) -> Play:
    """A command that nobody knows is told, and leaves no trace."""
    yield from b.do(write.clear_errors())
    yield from b.do((ord("Y"), b"Z" + b.word()), note="a command that is none")
    status = yield from b.status()
    _must(bool(status & codes.STATUS_ILLEGAL), f"a command that is none: status {status:02X}, bit 20 is due")


def status_cleared(b: AlphaBench) -> Play:
    """Clearing takes the bits away."""
    yield from b.send(_bad(b), "a wrong checksum")
    before = yield from b.status()
    if before == codes.STATUS_ALWAYS:
        raise Lost("the status register tells no error that could be cleared")
    yield from b.do(write.clear_errors())
    status = yield from b.status()
    _must(not status & codes.STATUS_CHECKSUM, f"the status register was cleared and reads {status:02X}")


def _acknowledged(b: AlphaBench) -> Play:
    b.undo.append(Ask(((0, b.packet(write.acknowledge(on=False))),), 200 * MS, None, "ACK and NAK off"))
    yield from b.do(write.clear_errors(), write.acknowledge(on=True))


def ack(b: AlphaBench) -> Play:
    """Switched on, a good write draws ACK and the status."""
    yield from _acknowledged(b)
    got = yield from b.do((codes.WRITE_TEXT, b"A" + codes_of(b.word())))
    good = got.answer is not None and got.answer.good and bool(got.answer.status & codes.STATUS_ALWAYS)
    _must(good, f"a good write with ACK on: 06 and a status with bit 40 are due, {got.text} came")
    b.saw(got.heard)


def nak(b: AlphaBench) -> Play:
    """A wrong checksum draws NAK."""
    yield from _acknowledged(b)
    got = yield from b.send(_bad(b), "a wrong checksum")
    good = got.answer is not None and not got.answer.good
    _must(good, f"a wrong checksum with ACK on: 15 and a status are due, {got.text} came")
    b.saw(got.heard)


def ack_off(b: AlphaBench) -> Play:
    """Switched off, a write draws nothing."""
    yield from _acknowledged(b)
    yield from b.restore()
    got = yield from b.do((codes.WRITE_TEXT, b"A" + codes_of(b.word())))
    _must(not got.heard.data, f"ACK is off, and a write drew {got.text}")


CASES: Final = (
    Case("al.dev.text-back", 1, "ALP-6.1-R1", "a TEXT file reads as written", text_back),
    Case("al.dev.string-back", 1, "ALP-6.3-R1", "STRING files read as written", string_back, applies="strings"),
    Case("al.dev.string-room", 1, "ALP-6.3-R2", "a STRING file keeps to its size", string_room, applies="strings"),
    Case(
        "al.dev.string-update", 1, "ALP-6.3-R3", "a second write replaces the first", string_update, applies="strings"
    ),
    Case("al.dev.unallocated", 1, "ALP-6.2-R1", "a write without a file is not kept", unallocated, applies="strings"),
    Case(
        "al.dev.unallocated-told",
        1,
        "ALP-6.2-R2",
        "and the status tells it",
        unallocated_told,
        applies="strings and status_register",
    ),
    Case("al.dev.priority", 1, "ALP-6.1.3-R1", "the priority file is one of its own", priority, applies="priority"),
    Case(
        "al.dev.priority-released",
        1,
        "ALP-6.1.3-R2",
        "the priority file is released",
        priority_released,
        applies="priority",
    ),
    Case(
        "al.dev.priority-room",
        1,
        "ALP-6.1.3-R3",
        "the priority file takes 125 characters",
        priority_room,
        applies="priority",
    ),
    Case(
        "al.dev.memory-back",
        1,
        "ALP-6.2-R3",
        "the memory configuration reads as written",
        memory_back,
        applies="reconfigure",
    ),
    Case(
        "al.dev.memory-clears",
        1,
        "ALP-6.2-R4",
        "a new configuration empties all files",
        memory_clears,
        applies="strings",
    ),
    Case(
        "al.dev.sequence-back",
        1,
        "ALP-6.2-R5",
        "the run sequence reads as written",
        sequence_back,
        applies="special and reconfigure",
    ),
    Case("al.dev.time-back", 1, "ALP-6.2-R6", "the clock reads as set", time_back, applies="special"),
    Case(
        "al.dev.status-form",
        1,
        "ALP-6.2-R7",
        "the status register without an error is 40",
        status_form,
        applies="status_register",
    ),
    Case(
        "al.dev.status-check",
        1,
        "ALP-6.2-R8",
        "a wrong checksum sets bit 10",
        status_check,
        applies="status_register and checks",
    ),
    Case(
        "al.dev.status-illegal",
        1,
        "ALP-6.2-R9",
        "an unknown command sets bit 20",
        status_illegal,
        applies="status_register",
    ),
    Case(
        "al.dev.status-cleared",
        1,
        "ALP-6.2-R10",
        "the status register is cleared",
        status_cleared,
        applies="status_register and checks",
    ),
    Case("al.dev.ack", 1, "ALP-6.2-R11", "ACK and status for a good write", ack, applies="acknowledge"),
    Case("al.dev.nak", 1, "ALP-6.2-R12", "NAK for a wrong checksum", nak, applies="acknowledge and checks"),
    Case("al.dev.ack-off", 1, "ALP-6.2-R13", "ACK and NAK end when switched off", ack_off, applies="acknowledge"),
    Case(
        "al.dev.power-keeps",
        1,
        "ALP-6.2-R14",
        "files outlive the power",
        power_keeps,
        applies="persistent and strings",
        needs="operator",
    ),
)
