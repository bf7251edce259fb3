"""ESC/POS printers: automatic status, GS a (protocols.md 4.3)."""

from __future__ import annotations

from typing import Final

from bench.compliance.case import Case, Failed, Lost
from bench.compliance.escpos_bench import EOT, EscposBench, Reply, joined, split
from bench.compliance.steps import Ask, Play
from bench.compliance.stream_bench import Talk
from firmware_sim.device import MS
from protocol.escpos.status import AutoStatus, RealTime

__all__ = ["CASES"]

_ALL: Final = 0x0E
"""Changes of on/off line, error, paper."""
_FIXED: Final = ((0x93, 0x10), (0x90, 0x00), (0x90, 0x00), (0x90, 0x00))


def _switch(mask: int) -> bytes:
    return b"\x1da" + bytes((mask,))


def _on(b: EscposBench, mask: int = _ALL) -> Talk:
    """Switch it on, to be off again when the case ends."""
    b.undo.append(Ask(((0, _switch(0)),), 50 * MS, None, "automatic status off"))
    heard = yield Ask(((0, _switch(mask)),), b.timeout, None, f"automatic status {mask:02X}")
    return heard


def _block(b: EscposBench, reply: Reply, what: str) -> bytes:
    """The last block.

    Raises:
        Lost: there is none that is whole; that is another case's business.
    """
    found = reply.all(AutoStatus)
    if not found:
        raise Lost(f"{what}: no block came that can be read: {reply.text}", reply.heard)
    b.saw(reply.heard)
    return found[-1].raw


def at_once(b: EscposBench) -> Play:
    """Switching it on tells the status at once, in four characters."""
    heard = yield from _on(b)
    reply = split(heard)
    b.must(heard.data, reply, "GS a tells the status at once; silence")
    data = bytes(c for c in heard.data if c not in (0x11, 0x13))
    b.must(len(data) % 4 == 0, reply, f"a block has four characters, {len(data)} came")


def form(b: EscposBench) -> Play:
    """The fixed bits of the four characters."""
    heard = yield from _on(b)
    data = bytes(c for c in heard.data if c not in (0x11, 0x13))
    if len(data) < 4:
        raise Lost(f"no block of four characters: {data.hex(' ')}", heard)
    for place, (mask, bits) in enumerate(_FIXED):
        if data[place] & mask != bits:
            raise Failed(
                f"character {place + 1} is {data[place]:02X}; 0xx1xx00 0xx0xxxx 0xx0xxxx 0xx0xxxx is required", heard
            )
    b.saw(heard)


def agrees(b: EscposBench) -> Play:
    """The block of a ready printer says what DLE EOT says."""
    heard = yield from _on(b)
    raw = _block(b, split(heard), "GS a")
    one = yield from b.real_time(1)
    four = yield from b.real_time(4)
    same = (
        (one & 0x0C == raw[0] & 0x0C)
        and bool(four & 0x0C) == bool(raw[2] & 3)
        and bool(four & 0x60) == bool(raw[2] & 12)
    )
    if not same:
        raise Failed(
            f"the block {raw.hex(' ').upper()} and DLE EOT 1 {one:02X}, 4 {four:02X} tell different things", heard
        )


def cover(b: EscposBench) -> Play:
    """Opening and closing the cover is told each time, with the right bits."""
    yield from _on(b)
    for _ in range(2):
        reply = yield from b.open_cover()
        raw = _block(b, reply, "the cover was opened")
        if raw[0] & 0x28 != 0x28:
            raise Failed(f"the cover is open, so the first character has bits 3 and 5; it is {raw[0]:02X}", reply.heard)
        yield from _closed(b)


def _closed(b: EscposBench) -> Play:
    close = b.undo.pop()
    yield close
    reply = yield from b.hear(300 * MS)
    raw = _block(b, reply, "the cover was closed")
    if raw[0] & 0x28:
        raise Failed(
            f"the cover is closed, so the first character has bits 3 and 5 clear; it is {raw[0]:02X}", reply.heard
        )


def each_change(b: EscposBench) -> Play:
    """A second change is told as well as the first."""
    yield from _on(b)
    for _ in range(2):
        reply = yield from b.open_cover()
        b.must(reply.all(AutoStatus), reply, "a change was not told")
        close = b.undo.pop()
        yield close
        reply = yield from b.hear(300 * MS)
        b.must(reply.all(AutoStatus), reply, "a change was not told")


def paper_near(b: EscposBench) -> Play:
    """A roll that ends soon: third character, bits 0 and 1."""
    yield from _on(b)
    reply = yield from b.near_end()
    raw = _block(b, reply, "the roll is nearly used up")
    if raw[2] & 0x0F != 0x03:
        raise Failed(f"the roll is nearly used up, so the third character ends in 3; it is {raw[2]:02X}", reply.heard)


def paper_gone(b: EscposBench) -> Play:
    """No paper: third character, bits 2 and 3, and off line."""
    yield from _on(b)
    reply = yield from b.paper_end()
    raw = _block(b, reply, "the paper is out")
    if raw[2] & 0x0C != 0x0C or not raw[0] & 0x08:
        raise Failed(
            f"there is no paper: bits 2 and 3 of the third, 3 of the first; it is {raw.hex(' ').upper()}", reply.heard
        )


def off(b: EscposBench) -> Play:
    """Switched off, nothing is told."""
    yield from _on(b)
    yield from b.restore()
    reply = yield from b.open_cover()
    closed = yield from b.close_cover()
    whole = joined(reply, closed)
    if whole.all(AutoStatus) or whole.asked:
        raise Failed(f"automatic status is off, and {whole.text} came", whole.heard)


def off_silent(b: EscposBench) -> Play:
    """Switching it off sends nothing."""
    yield from _on(b)
    reply = yield from b.say(_switch(0), "off")
    if reply.all(AutoStatus) or reply.asked:
        raise Failed(f"GS a 0 was answered: {reply.text}", reply.heard)
    b.undo.clear()


def classes(b: EscposBench) -> Play:
    """Only changes of the classes that were named are told."""
    yield from _on(b, 0x08)
    reply = yield from b.open_cover()
    if reply.all(AutoStatus):
        raise Failed(f"only paper was to be told, and the cover was: {reply.text}", reply.heard)


def whole(b: EscposBench) -> Play:
    """No other reply comes inside a block."""
    b.undo.append(Ask(((0, _switch(0)),), 50 * MS, None, "automatic status off"))
    for gap in (0, 2, 4):
        reply = yield from b.parts((0, _switch(_ALL)), (gap * MS, EOT + b"\x01"), note="a block and DLE EOT")
        good = reply.all(AutoStatus) and len(reply.all(RealTime)) == 1 and len(reply.asked) == 1 and not reply.rest
        b.must(good, reply, "a block and one answer are required, each whole")


CASES: Final = (
    Case(
        "esc.dev.asb-at-once",
        1,
        "EPS-GS_a-R1",
        "GS a tells the status at once, in four characters",
        at_once,
        applies="asb",
    ),
    Case("esc.dev.asb-form", 1, "EPS-GS_a-R2", "the fixed bits of the block", form, applies="asb"),
    Case(
        "esc.dev.asb-agrees",
        1,
        "EPS-GS_a-R6",
        "the block and DLE EOT tell the same",
        agrees,
        applies="asb and real_time",
    ),
    Case(
        "esc.dev.asb-whole",
        1,
        "EPS-GS_a-R7",
        "a block is not broken up by another answer",
        whole,
        applies="asb and real_time",
    ),
    Case(
        "esc.dev.asb-cover",
        1,
        "EPS-GS_a-R6",
        "the open cover is told with its bits",
        cover,
        applies="asb",
        needs="operator",
        also=("EPS-GS_a-R3",),
    ),
    Case(
        "esc.dev.asb-each-change", 1, "EPS-GS_a-R3", "each change is told", each_change, applies="asb", needs="operator"
    ),
    Case(
        "esc.dev.asb-near-end",
        1,
        "EPS-GS_a-R6",
        "near end is told with its bits",
        paper_near,
        applies="asb and near_end",
        needs="operator",
    ),
    Case(
        "esc.dev.asb-paper-end",
        1,
        "EPS-GS_a-R6",
        "paper end is told with its bits",
        paper_gone,
        applies="asb",
        needs="operator",
    ),
    Case(
        "esc.dev.asb-classes",
        1,
        "EPS-GS_a-R5",
        "changes that were not asked for are not told",
        classes,
        applies="asb",
        needs="operator",
    ),
    Case("esc.dev.asb-off", 1, "EPS-GS_a-R4", "GS a 0 ends it", off, applies="asb", needs="operator"),
    Case("esc.dev.asb-off-silent", 1, "EPS-GS_a-R8", "GS a 0 itself draws nothing", off_silent, applies="asb"),
)
