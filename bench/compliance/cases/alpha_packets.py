"""Alpha signs: packets, checksums, addressees, replies (form 9708-8061, protocols.md 2.2)."""

from __future__ import annotations

from typing import Final

from bench.compliance.alpha_bench import PAUSE, AlphaBench, codes_of
from bench.compliance.case import Case, Failed, Lost
from bench.compliance.steps import Play
from firmware_sim.device import MS
from protocol.alpha import codes, write
from protocol.alpha.packet import checksum

__all__ = ["CASES"]

_TEXT: Final = codes.WRITE_TEXT


def _new(b: AlphaBench) -> tuple[bytes, tuple[int, bytes]]:
    data = codes_of(b.word())
    return data, (_TEXT, b"A" + data)


def _with_sum(packet: bytes, total: int) -> bytes:
    return packet[:-5] + b"%04X" % (total & 0xFFFF) + packet[-1:]


# -- checksums --------------------------------------------------------------------------------------------------------
def check_good(b: AlphaBench) -> Play:
    """A right checksum is taken."""
    data, command = _new(b)
    yield from b.written(data, "a write with a right checksum", (0, b.packet(command, check=True)), holds=True)


def check_span(b: AlphaBench) -> Play:
    """One that begins at SOH is wrong."""
    data, command = _new(b)
    packet = b.packet(command, check=True)
    total = checksum(packet[packet.index(b"\x01") : packet.index(b"\x03") + 1])
    yield from b.written(data, "a checksum that begins at SOH", (0, _with_sum(packet, total)), holds=False)


def check_bad(b: AlphaBench) -> Play:
    """A wrong checksum drops the command."""
    data, command = _new(b)
    packet = b.packet(command, check=True)
    wrong = int(packet[-5:-1], 16) + b.rng.randrange(1, 200)
    yield from b.written(data, "a wrong checksum", (0, _with_sum(packet, wrong)), holds=False)


def check_none(b: AlphaBench) -> Play:
    """The checksum may be left out."""
    data, command = _new(b)
    yield from b.written(data, "a write without checksum", (0, b.packet(command)), holds=True, check=True)


# -- to whom ----------------------------------------------------------------------------------------------------------
def type_all(b: AlphaBench) -> Play:
    """Type Z is every sign."""
    data, command = _new(b)
    yield from b.written(data, "a packet of type Z", (0, b.packet(command, type_code=ord("Z"))), holds=True)


def type_other(b: AlphaBench) -> Play:
    """Another type code is another sign."""
    data, command = _new(b)
    other = ord(str(b.declaration.extra.get("other_type", "e")))
    yield from b.written(data, f"a packet of type {chr(other)}", (0, b.packet(command, type_code=other)), holds=False)


def address_all(b: AlphaBench) -> Play:
    """Address 00 is every sign."""
    data, command = _new(b)
    yield from b.written(data, "a packet to address 00", (0, b.packet(command, address=b"00")), holds=True)


def address_other(b: AlphaBench) -> Play:
    """Another address is another sign."""
    data, command = _new(b)
    free = [n for n in range(1, 255) if n != b.unit and n not in b.neighbours]
    address = b"%02X" % b.rng.choice(free)
    yield from b.written(
        data, f"a packet to address {address.decode()}", (0, b.packet(command, address=address)), holds=False
    )


def address_any(b: AlphaBench) -> Play:
    """A question mark is any digit."""
    data, command = _new(b)
    mask = b.rng.choice((b"?" + b.address[1:], b.address[:1] + b"?"))
    yield from b.written(data, f"a packet to address {mask.decode()}", (0, b.packet(command, address=mask)), holds=True)


def address_mask_other(b: AlphaBench) -> Play:
    """The digit beside the question mark counts."""
    data, command = _new(b)
    digit = b.rng.choice([c for c in b"0123456789ABCDEF" if c != b.address[1]])
    mask = b"?" + bytes((digit,))
    yield from b.written(
        data, f"a packet to address {mask.decode()}", (0, b.packet(command, address=mask)), holds=False
    )


# -- replies ----------------------------------------------------------------------------------------------------------
def _asked(b: AlphaBench) -> Play:
    """Read TEXT A; what came is in `b.got`."""
    b.got = yield from b.send(b.packet(write.read_text("A")), "reads TEXT A")
    if b.got.command is None:
        raise Lost(f"no reply packet: {b.got.text}", b.got.heard)


def reply_check(b: AlphaBench) -> Play:
    """A reply has a right checksum."""
    yield from _asked(b)
    if b.got.command.check != "good":
        raise Failed(f"the reply's checksum is {b.got.command.check}: {b.got.text}", b.got.heard)
    b.saw(b.got.heard)


def reply_header(b: AlphaBench) -> Play:
    """A reply is of type 0, to address 00."""
    yield from _asked(b)
    target = b.got.started.targets[0] if b.got.started and b.got.started.targets else None
    if target is None or target.type != codes.RESPONSE or target.address != b"00":
        raise Failed(f"a reply is of type 0 to address 00: {b.got.text}", b.got.heard)
    b.saw(b.got.heard)


def reply_code(b: AlphaBench) -> Play:
    """A reply names the write command of what was read."""
    yield from _asked(b)
    if b.got.command.code != _TEXT:
        raise Failed(f"a read of TEXT is answered by command A, not {chr(b.got.command.code)!r}", b.got.heard)
    b.saw(b.got.heard)


def reply_nuls(b: AlphaBench) -> Play:
    """Twenty NULs stand before a reply."""
    yield from _asked(b)
    count = len(b.got.heard.data) - len(b.got.heard.data.lstrip(b"\x00"))
    if count < codes.REPLY_WAKE_UP:
        raise Failed(f"{count} NULs stand before the reply, 20 are due", b.got.heard)
    b.saw(b.got.heard)


# -- pieces -----------------------------------------------------------------------------------------------------------
def _nested(b: AlphaBench, pause: int) -> Play:
    """Two STRING files written in one packet, with this silence after each STX; then both are read."""
    yield from b.table()
    one, two = b.word(), b.word()
    packet = b.packet(write.string("B", one), write.string("C", two), check=True)
    first = packet.index(b"\x02") + 1
    second = packet.index(b"\x02", first) + 1
    parts = (packet[:first], packet[first:second], packet[second:])
    yield from b.do(write.clear_errors())
    yield from b.raw(*((pause if n else 0, part) for n, part in enumerate(parts)), note="two commands in one packet")
    b.found = ((yield from b.string("B")) == one, (yield from b.string("C")) == two)


def nested(b: AlphaBench) -> Play:
    """Both are carried out."""
    yield from _nested(b, PAUSE)
    if b.found != (True, True):
        raise Failed(f"two commands in one packet, 100 ms after each STX: carried out {b.found}")


def nested_hurried(b: AlphaBench) -> Play:
    """Without the pause nothing is lost in silence."""
    yield from _nested(b, 0)
    if b.found == (True, True):
        return
    status = yield from b.status()
    if status == codes.STATUS_ALWAYS:
        raise Failed(f"two commands without the pause after STX: carried out {b.found}, and the status tells no error")


def back_to_back(b: AlphaBench) -> Play:
    """Two packets without a pause are both taken."""
    yield from b.table()
    one, two = b.word(), b.word()
    data = b.packet(write.string("B", one)) + b.packet(write.string("C", two))
    yield from b.send(data, "two packets back to back")
    found = ((yield from b.string("B")) == one, (yield from b.string("C")) == two)
    if found != (True, True):
        raise Failed(f"two packets back to back: carried out {found}")


def slow(b: AlphaBench) -> Play:
    """Silences of less than a second inside are nothing."""
    data, command = _new(b)
    packet = b.packet(command)
    parts = ((0, packet[:-9]), (500 * MS, packet[-9:-3]), (500 * MS, packet[-3:]))
    yield from b.written(data, "a packet with silences of 0.5 s", *parts, holds=True)


def gap(b: AlphaBench) -> Play:
    """A silence of more than a second ends a packet."""
    data, command = _new(b)
    packet = b.packet(command)
    yield from b.written(
        data, "a packet with a silence of 1.5 s", (0, packet[:-5]), (1_500 * MS, packet[-5:]), holds=False
    )


def restart(b: AlphaBench) -> Play:
    """SOH begins anew."""
    data, command = _new(b)
    packet = b.packet(command)
    yield from b.written(
        data,
        "half a header, then a whole packet",
        (0, packet[: packet.index(b"\x01") + 3]),
        (20 * MS, packet),
        holds=True,
    )


def noise(b: AlphaBench) -> Play:
    """Characters before SOH are nothing."""
    data, command = _new(b)
    junk = bytes(b.rng.randrange(0x20, 0x7F) for _ in range(12))
    yield from b.written(data, "characters before SOH", (0, junk + b.packet(command)), holds=True)


def five_nuls(b: AlphaBench) -> Play:
    """Five NULs are enough."""
    data, command = _new(b)
    yield from b.written(data, "five NULs before SOH", (0, b.packet(command, nuls=5)), holds=True)


CASES: Final = (
    Case("al.dev.check-good", 1, "ALP-3.3-R1", "a right checksum is taken", check_good, applies="checks"),
    Case("al.dev.check-span", 1, "ALP-3.3-R2", "the checksum begins at STX", check_span, applies="checks"),
    Case("al.dev.check-bad", 1, "ALP-3.3-R3", "a wrong checksum drops the command", check_bad, applies="checks"),
    Case("al.dev.check-none", 1, "ALP-3.3-R4", "the checksum may be left out", check_none, applies="checks", bare=True),
    Case("al.dev.type-all", 1, "ALP-3.1-R1", "type Z is every sign", type_all),
    Case("al.dev.type-other", 1, "ALP-3.1-R2", "another type code is another sign", type_other),
    Case("al.dev.address-all", 1, "ALP-3.1-R3", "address 00 is every sign", address_all),
    Case("al.dev.address-other", 1, "ALP-3.1-R4", "another address is another sign", address_other),
    Case("al.dev.address-any", 1, "ALP-3.1-R5", "a question mark is any digit", address_any, applies="wildcard"),
    Case(
        "al.dev.address-mask-other",
        1,
        "ALP-3.1-R5",
        "the digit beside it counts",
        address_mask_other,
        applies="wildcard",
    ),
    Case("al.dev.reply-check", 1, "ALP-6.2.2-R1", "a reply's checksum is right", reply_check),
    Case("al.dev.reply-header", 1, "ALP-6.2.2-R2", "a reply is of type 0 to address 00", reply_header, bare=True),
    Case("al.dev.reply-code", 1, "ALP-6.2.2-R3", "a reply names the write command", reply_code, bare=True),
    Case("al.dev.reply-nuls", 1, "ALP-6.2.2-R4", "twenty NULs before a reply", reply_nuls),
    Case("al.dev.nested", 1, "ALP-3.4-R1", "several commands in one packet", nested, applies="nested and strings"),
    Case(
        "al.dev.nested-hurried",
        1,
        "ALP-3.4-R2",
        "without the pause nothing is lost in silence",
        nested_hurried,
        applies="nested and strings and status_register",
    ),
    Case("al.dev.back-to-back", 1, "ALP-3.1-R6", "two packets back to back", back_to_back, applies="strings"),
    Case("al.dev.slow", 1, "ALP-3.1-R7", "silences below a second inside a packet", slow, timing_class="coarse"),
    Case(
        "al.dev.gap",
        1,
        "ALP-3.1-R8",
        "a silence of more than a second ends a packet",
        gap,
        applies="gap",
        timing_class="coarse",
    ),
    Case("al.dev.restart", 1, "ALP-3.1-R9", "SOH begins anew", restart),
    Case("al.dev.noise", 1, "ALP-3.1-R10", "characters before SOH are nothing", noise),
    Case("al.dev.five-nuls", 1, "ALP-3.1-R11", "five NULs before SOH are enough", five_nuls),
)
