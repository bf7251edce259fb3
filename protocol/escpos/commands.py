"""The commands of ESC/POS as a table: a new command is a new row (protocols.md 4.1).

A row says how a command begins, how many fixed parameter bytes follow, and how much data after them. `FAMILIES` (the
third byte is part of the name) include every `GS (`, `ESC (` and `FS (` function: they are skipped by their length
whether they are known or not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

NUL_ENDED = -1
"""Size of data that ends with the first NUL."""


class Row(NamedTuple):
    """How one command is cut out of a stream.

    Attributes:
        name: what its token is called; in a family the third byte is added.
        prefix: how it begins.
        head: number of fixed parameter bytes (in a family the third byte counts).
        meaning: one line for people.
        grow: more parameter bytes, when the first ones say so: given `head` bytes, the final number.
        size: bytes of data after the parameters, from the parameters; `NUL_ENDED` for data up to a NUL.
        limit: most bytes of NUL-ended data; the command ends there if no NUL comes.
        family: the third byte belongs to the name.
        records: what repeats after the parameters: (how many times, the row of one).
    """

    name: str
    prefix: bytes
    head: int
    meaning: str
    grow: Callable[[bytes], int] | None = None
    size: Callable[[bytes], int] | None = None
    limit: int = 255
    family: bool = False
    records: Callable[[bytes], tuple[int, Row]] | None = None


def _word(at: int) -> Callable[[bytes], int]:
    return lambda head: head[at] | head[at + 1] << 8


def _long(head: bytes) -> int:
    return int.from_bytes(head[1:5], "little")


def _picture_8x8(head: bytes) -> int:
    return head[0] * head[1] * 8


def _columns(head: bytes) -> int:
    if len(head) < 3:
        return 0  # a mode that does not exist has no data
    return (head[1] | head[2] << 8) * (1 if head[0] in (0, 1) else 3)


def _raster(head: bytes) -> int:
    if len(head) < 6:
        return 0
    return (head[2] | head[3] << 8) * (head[4] | head[5] << 8)


def _barcode(head: bytes) -> int:
    if len(head) == 2:
        return head[1]
    return NUL_ENDED if head[0] <= 6 else 0


def _memory(head: bytes) -> int:
    return head[6] | head[7] << 8 if len(head) == 8 and head[0] == 0x31 else 0


def _nv_image(head: bytes) -> tuple[int, Row]:
    return head[0], NV_IMAGE


def _user_characters(head: bytes) -> tuple[int, Row]:
    rows = head[0]
    return max(0, head[2] - head[1] + 1), Row(
        "ESC & character", b"", 1, "one user-defined character", size=lambda x: x[0] * rows
    )


def _to(count: int, *firsts: int) -> Callable[[bytes], int]:
    """`count` parameter bytes if the first one is among `firsts`, else one."""
    return lambda head: count if head[0] in firsts else 1


_DC4 = {1: 3, 2: 3, 3: 6, 7: 2, 8: 8}
_EJECTOR = {3: 2, 32: 3}
_COUNTERS = {0x30: 3, 0x31: 7, 0x32: 3}
_NV_MEMORY = {0x30: 4, 0x32: 4}

NV_IMAGE = Row("FS q image", b"", 4, "one NV logo", size=lambda h: (h[0] | h[1] << 8) * (h[2] | h[3] << 8) * 8)


def _simple(prefix: int, rows: str) -> list[Row]:
    """Rows with nothing but fixed parameters, one a line: character, number of bytes, meaning."""
    lead = {0x1B: "ESC", 0x1D: "GS", 0x1C: "FS"}[prefix]
    out = []
    for line in rows.strip().splitlines():
        char, head, meaning = line.strip().split(" ", 2)
        char = {"SP": " ", "FF": "\x0c", "RS": "\x1e"}.get(char, char)
        label = {" ": "SP", "\x0c": "FF", "\x1e": "RS"}.get(char, char)
        out.append(Row(f"{lead} {label}", bytes([prefix, ord(char)]), int(head), meaning))
    return out


ROWS: tuple[Row, ...] = (
    Row("NUL", b"\x00", 0, "nothing"),
    Row("HT", b"\x09", 0, "to the next tab"),
    Row("LF", b"\x0a", 0, "print and feed one line"),
    Row("FF", b"\x0c", 0, "print the page (page mode)"),
    Row("CR", b"\x0d", 0, "nothing, unless automatic line feed is on"),
    Row("CAN", b"\x18", 0, "forget the page (page mode)"),
    Row("DLE EOT", b"\x10\x04", 1, "status at once", grow=_to(2, 7, 8, 18)),
    Row("DLE ENQ", b"\x10\x05", 1, "recover from an error at once"),
    Row("DLE DC4", b"\x10\x14", 1, "pulse, power off, clear buffers at once", grow=lambda h: _DC4.get(h[0], 1)),
    *_simple(
        0x1B,
        """
        @ 0 settings of power-on
        ! 1 print mode
        - 1 underline
        E 1 bold
        G 1 double strike
        M 1 font
        a 1 alignment
        V 1 rotate a quarter turn
        { 1 upside down
        SP 1 space right of characters
        2 0 default line spacing
        3 1 line spacing
        J 1 print and feed dots
        K 1 print and feed dots back
        d 1 print and feed lines
        e 1 print and feed lines back
        R 1 international characters
        t 1 character table
        r 1 colour
        $ 2 absolute position
        \\ 2 relative position
        p 3 drawer pulse
        = 1 select peripheral
        v 0 paper status (old)
        u 1 peripheral status (old)
        i 0 cut, one point left (old)
        m 0 cut, three points left (old)
        L 0 page mode
        S 0 standard mode
        FF 0 print the page, keep it
        T 1 direction in page mode
        W 8 area in page mode
        U 1 one-way printing
        % 1 user-defined characters
        ? 1 forget a user-defined character
        B 2 buzzer
        < 0 return home
        RS 0 two colours off
        """,
    ),
    Row("ESC *", b"\x1b*", 1, "bit image", grow=_to(3, 0, 1, 32, 33), size=_columns),
    Row("ESC D", b"\x1bD", 0, "tabs", size=lambda _: NUL_ENDED, limit=32),
    Row("ESC &", b"\x1b&", 3, "define characters", records=_user_characters),
    Row("ESC Z", b"\x1bZ", 5, "two-dimensional code (clones)", size=_word(3)),
    Row("ESC c", b"\x1bc", 2, "paper sensors and panel button", family=True),
    Row("ESC (", b"\x1b(", 3, "extended function", size=_word(1), family=True),
    *_simple(
        0x1D,
        """
        ! 1 character size
        B 1 white on black
        b 1 smoothing
        f 1 font of barcode text
        h 1 barcode height
        w 1 barcode module width
        x 1 barcode left space
        H 1 where the barcode text is
        L 2 left margin
        W 2 width of the printing area
        P 2 motion units
        $ 2 vertical position in page mode
        \\ 2 relative vertical position in page mode
        T 1 to the beginning of the line
        a 1 automatic status
        j 1 automatic status of ink
        r 1 status
        I 1 identity
        / 1 print the downloaded image
        ^ 3 run the macro
        : 0 begin or end the macro
        c 0 print the counter
        E 1 head control
        FF 0 to the mark
        """,
    ),
    Row("GS e", b"\x1de", 1, "ejector of a kiosk printer", grow=lambda h: _EJECTOR.get(h[0], 1)),
    Row("GS V", b"\x1dV", 1, "cut", grow=_to(2, 65, 66, 97, 98, 103, 104)),
    Row("GS k", b"\x1dk", 1, "barcode", grow=_to(2, *range(65, 80)), size=_barcode),
    Row("GS *", b"\x1d*", 2, "download an image", size=_picture_8x8),
    Row("GS v", b"\x1dv", 1, "raster image", grow=_to(6, 0x30), size=_raster, family=True),
    Row("GS (", b"\x1d(", 3, "extended function", size=_word(1), family=True),
    Row("GS 8", b"\x1d8", 5, "extended function, long", size=_long, family=True),
    Row("GS g", b"\x1dg", 1, "maintenance counter", grow=lambda h: _NV_MEMORY.get(h[0], 1), family=True),
    Row("GS C", b"\x1dC", 1, "counter", grow=lambda h: _COUNTERS.get(h[0], 1), family=True),
    Row("GS z", b"\x1dz", 1, "on-line recovery wait", grow=_to(3, 0x30), family=True),
    *_simple(
        0x1C,
        """
        p 2 print a NV logo
        ! 1 Kanji print mode
        & 0 Kanji on
        . 0 Kanji off
        - 1 Kanji underline
        C 1 Kanji code system
        S 2 Kanji spacing
        W 1 Kanji quadruple size
        ? 2 forget a user-defined Kanji
        """,
    ),
    Row("FS q", b"\x1cq", 1, "define NV logos", records=_nv_image),
    Row("FS 2", b"\x1c2", 2, "define a Kanji", size=lambda _: 72),
    Row("FS (", b"\x1c(", 3, "extended function", size=_word(1), family=True),
    Row("FS g", b"\x1cg", 1, "user memory", grow=_to(8, 0x31, 0x32), size=_memory, family=True),
)


TABLE: dict[bytes, Row] = {row.prefix: row for row in ROWS}
"""Rows by their first bytes."""

LEADS = frozenset(b"\x10\x1b\x1c\x1d")
"""First bytes of longer commands: DLE ESC FS GS."""
