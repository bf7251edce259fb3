"""What is on the paper: rows of dots as a printer burned them, gathered into sheets (protocols.md 4).

Lengths are in dots (8 to the millimetre at 203 dpi), down from the sheet's upper edge. The knife sits `cutter_dots`
above the head, so a sheet begins with that much blank paper, and a cut without a feed leaves what was printed last
inside the printer, at the top of the next sheet: as on the real machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from protocol.escpos.profiles import TM_T88, PrinterProfile


class Style(NamedTuple):
    """How characters look: font, enlargement, and what else is set."""

    font: str = "A"
    width: int = 1
    height: int = 1
    bold: bool = False
    underline: int = 0
    reverse: bool = False
    upside_down: bool = False
    spacing: int = 0


class Run(NamedTuple):
    """Characters of one style side by side; `x` dots from the left edge of the printable width, `cell` dots each."""

    x: int
    text: str
    style: Style
    cell: int
    height: int

    @property
    def width(self) -> int:
        """Dots across."""
        return len(self.text) * self.cell


class Bits(NamedTuple):
    """A picture: `rows` rows of `stride` bytes, most significant bit left; each dot drawn scale_x by scale_y."""

    x: int
    stride: int
    rows: int
    data: bytes
    scale_x: int = 1
    scale_y: int = 1

    @property
    def width(self) -> int:
        """Dots across."""
        return self.stride * 8 * self.scale_x

    @property
    def height(self) -> int:
        """Dots down."""
        return self.rows * self.scale_y


class Symbol(NamedTuple):
    """A QR symbol; `module` dots an edge of each of its modules."""

    x: int
    data: bytes
    version: int
    mode: str
    level: str
    modules: int
    module: int

    @property
    def width(self) -> int:
        """Dots across."""
        return self.modules * self.module

    @property
    def height(self) -> int:
        """Dots down."""
        return self.modules * self.module


class Barcode(NamedTuple):
    """A one-dimensional code: the number of its system (m of GS k) and its data."""

    x: int
    system: int
    data: bytes
    width: int
    height: int


Piece: TypeAlias = Run | Bits | Symbol | Barcode


class Row(NamedTuple):
    """What is burned in one go: pieces that stand on one base line, `height` dots above it."""

    height: int
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The characters from left to right; a gap reads as the spaces that would fill it."""
        out: list[str] = []
        end: int | None = None
        for piece in sorted((p for p in self.pieces if isinstance(p, Run)), key=lambda p: p.x):
            if end is not None and piece.x > end:
                out.append(" " * max(1, (piece.x - end) // piece.cell))
            out.append(piece.text)
            end = piece.x + piece.width
        return "".join(out).rstrip()


class Advance(NamedTuple):
    """The paper moves `dots` on while `row` (None: nothing) is burned."""

    dots: int
    row: Row | None = None


class Cut(NamedTuple):
    """The knife falls; `partial` leaves a point uncut."""

    partial: bool = False


Action: TypeAlias = Advance | Cut


class Placed(NamedTuple):
    """A row on a sheet, its upper edge `y` dots down; negative when a cut went through it."""

    y: int
    row: Row


class Sheet(NamedTuple):
    """A piece of paper.

    Attributes:
        rows: what is on it, from above.
        height: dots from edge to edge.
        cut: "full", "partial", or "" for paper that still hangs in the printer.
        per_mm: dots in a millimetre.
    """

    rows: tuple[Placed, ...]
    height: int
    cut: str
    per_mm: int = 8

    @property
    def lines(self) -> list[str]:
        """The lines of text that can be read on it (more than half of their height is there)."""
        return [text for y, row in self.rows if 0 <= y + row.height // 2 < self.height for text in (row.text,) if text]

    @property
    def mm(self) -> int:
        """Length in whole millimetres."""
        return round(self.height / self.per_mm)

    @property
    def symbols(self) -> list[bytes]:
        """What its QR symbols hold."""
        return [p.data for _, row in self.rows for p in row.pieces if isinstance(p, Symbol)]


class Roll:
    """Paper passing head and knife: takes actions, gives a sheet at each cut.

    Args:
        profile: the printer.
        text_only: keep only what can be read (a device that prints for days), not pictures.
        most_rows: rows kept on one sheet; later ones are counted in `dropped`.
    """

    __slots__ = ("_profile", "_rows", "_text_only", "dropped", "head", "most_rows")

    def __init__(self, profile: PrinterProfile = TM_T88, *, text_only: bool = False, most_rows: int = 1 << 20) -> None:
        self._profile = profile
        self._text_only = text_only
        self.most_rows = most_rows
        self._rows: list[Placed] = []
        self.head = profile.cutter_dots
        self.dropped = 0

    def add(self, action: Action) -> Sheet | None:
        """Carry out an action; the sheet that a cut frees."""
        if isinstance(action, Advance):
            row = action.row
            if row is not None and (not self._text_only or any(isinstance(p, Run) for p in row.pieces)):
                if len(self._rows) < self.most_rows:
                    self._rows.append(Placed(self.head, row))
                else:
                    self.dropped += 1
            self.head += action.dots
            return None
        knife = self.head - self._profile.cutter_dots
        rows = tuple(placed for placed in self._rows if placed.y < knife)
        self._rows = [Placed(y - knife, row) for y, row in self._rows if y + row.height > knife]
        self.head = self._profile.cutter_dots
        self.dropped = 0
        return Sheet(rows, knife, "partial" if action.partial else "full", self._profile.dots_per_mm)

    def hanging(self) -> Sheet:
        """The paper that has not been cut, down to the head."""
        return Sheet(tuple(self._rows), self.head, "", self._profile.dots_per_mm)


def sheets(actions: Iterable[Action], profile: PrinterProfile = TM_T88) -> list[Sheet]:
    """All sheets of a finished job; paper that was not cut comes last, if anything is on it."""
    roll = Roll(profile)
    found = [sheet for action in actions if (sheet := roll.add(action)) is not None]
    hanging = roll.hanging()
    return [*found, hanging] if hanging.rows else found
