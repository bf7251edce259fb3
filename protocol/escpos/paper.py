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
    """How characters look: font, enlargement, and what else is set; `turned` is a quarter turn clockwise (ESC V)."""

    font: str = "A"
    width: int = 1
    height: int = 1
    bold: bool = False
    underline: int = 0
    reverse: bool = False
    upside_down: bool = False
    spacing: int = 0
    turned: bool = False


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
    """A one-dimensional code: the number of its system (m of GS k), its data, and its bars.

    `bars` are widths in dots: a bar, a space, a bar ... from the left, ending with a bar.
    """

    x: int
    system: int
    data: bytes
    width: int
    height: int
    bars: tuple[int, ...] = ()


class Spot(NamedTuple):
    """A piece in a page's area, its upper left corner `x`, `y` dots from where the area's text begins."""

    x: int
    y: int
    piece: Run | Bits | Symbol | Barcode


class Panel(NamedTuple):
    """One printing area of a page (ESC W) in one direction (ESC T), and what was put into it.

    Attributes:
        x: dots from the printable width's left edge to the area.
        y: dots from the page's upper edge.
        dx: its width on the paper.
        dy: its height on the paper.
        turn: 0 reads left to right, 1 upwards, 2 upside down, 3 downwards; as n of ESC T.
        spots: pieces, placed in the reader's own directions; what leaves the area is not printed.
    """

    x: int
    y: int
    dx: int
    dy: int
    turn: int
    spots: tuple[Spot, ...]

    @property
    def across(self) -> int:
        """Dots in a line of text."""
        return self.dy if self.turn & 1 else self.dx

    @property
    def down(self) -> int:
        """Dots from the first line's upper edge to the end of the area."""
        return self.dx if self.turn & 1 else self.dy


class Page(NamedTuple):
    """What page mode puts on paper in one go (FF): all its areas."""

    x: int
    width: int
    height: int
    panels: tuple[Panel, ...]


Piece: TypeAlias = Run | Bits | Symbol | Barcode | Page


def _read(runs: Iterable[Run]) -> str:
    """Characters in reading order; a gap reads as the spaces that would fill it."""
    # What is printed upside down is read from the right.
    placed = [(-(run.x + run.width) if run.style.upside_down else run.x, run) for run in runs]
    out: list[str] = []
    end: int | None = None
    for x, run in sorted(placed, key=lambda p: p[0]):
        if end is not None and x > end:
            out.append(" " * max(1, (x - end) // run.cell))
        out.append(run.text)
        end = x + run.width
    return "".join(out).rstrip()


class Row(NamedTuple):
    """What is burned in one go: pieces that stand on one base line, `height` dots above it."""

    height: int
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The characters of its line, without those of a page."""
        return _read(p for p in self.pieces if isinstance(p, Run))

    @property
    def texts(self) -> list[tuple[int, str]]:
        """Its lines of text, a page's too, each with the dots from the row's upper edge to the line's middle."""
        own = self.text
        found = [(self.height // 2, own)] if own else []
        for piece in self.pieces:
            if isinstance(piece, Page):
                for panel in piece.panels:
                    found += _panel_texts(panel)
        return found


def _panel_texts(panel: Panel) -> list[tuple[int, str]]:
    lines: dict[int, list[Run]] = {}
    for spot in panel.spots:
        if isinstance(spot.piece, Run):
            lines.setdefault(spot.y + spot.piece.height, []).append(spot.piece._replace(x=spot.x))
    found = []
    for end, runs in sorted(lines.items()):
        text = _read(runs)
        middle = end - max(run.height for run in runs) // 2
        # Turned text has no one height on the paper: its area's middle says on which side of a cut it is.
        at = {0: middle, 2: panel.dy - middle}.get(panel.turn, panel.dy // 2)
        if text:
            found.append((panel.y + at, text))
    return found


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
        return [text for y, row in self.rows for at, text in row.texts if 0 <= y + at < self.height]

    @property
    def mm(self) -> int:
        """Length in whole millimetres."""
        return round(self.height / self.per_mm)

    @property
    def symbols(self) -> list[bytes]:
        """What its QR symbols hold."""
        return [piece.data for piece in self.pieces if isinstance(piece, Symbol)]

    @property
    def barcodes(self) -> list[tuple[int, bytes]]:
        """System (m of GS k, 65 and up) and data of its one-dimensional codes."""
        return [(piece.system, piece.data) for piece in self.pieces if isinstance(piece, Barcode)]

    @property
    def pieces(self) -> list[Piece]:
        """All pieces on it, those of pages too, from above."""
        found: list[Piece] = []
        for _, row in self.rows:
            for piece in row.pieces:
                if isinstance(piece, Page):
                    found += [spot.piece for panel in piece.panels for spot in panel.spots]
                else:
                    found.append(piece)
        return found


def _readable(row: Row) -> Row | None:
    """A row with its text alone; None when it has none."""
    kept: list[Piece] = []
    for piece in row.pieces:
        if isinstance(piece, Run):
            kept.append(piece)
        elif isinstance(piece, Page):
            panels = [
                panel._replace(spots=tuple(spot for spot in panel.spots if isinstance(spot.piece, Run)))
                for panel in piece.panels
            ]
            kept.append(piece._replace(panels=tuple(panel for panel in panels if panel.spots)))
    return row if len(kept) == len(row.pieces) else Row(row.height, tuple(kept)) if kept else None


def _weight(row: Row) -> int:
    return sum(
        1 + sum(len(panel.spots) for panel in piece.panels) if isinstance(piece, Page) else 1 for piece in row.pieces
    )


class Roll:
    """Paper passing head and knife: takes actions, gives a sheet at each cut.

    Args:
        profile: the printer.
        text_only: keep only what can be read (a device that prints for days), not pictures.
        most_pieces: pieces kept on one sheet; rows that bring more are left out and counted in `dropped`.
    """

    __slots__ = ("_pieces", "_profile", "_rows", "_text_only", "dropped", "head", "most_pieces")

    def __init__(
        self, profile: PrinterProfile = TM_T88, *, text_only: bool = False, most_pieces: int = 1 << 20
    ) -> None:
        self._profile = profile
        self._text_only = text_only
        self.most_pieces = most_pieces
        self._pieces = 0
        self._rows: list[Placed] = []
        self.head = profile.cutter_dots
        self.dropped = 0

    def add(self, action: Action) -> Sheet | None:
        """Carry out an action; the sheet that a cut frees."""
        if isinstance(action, Advance):
            row = _readable(action.row) if self._text_only and action.row is not None else action.row
            if row is not None:
                weight = _weight(row)
                if self._pieces + weight <= self.most_pieces:
                    self._rows.append(Placed(self.head, row))
                    self._pieces += weight
                else:
                    self.dropped += 1
            self.head += action.dots
            return None
        knife = self.head - self._profile.cutter_dots
        rows = tuple(placed for placed in self._rows if placed.y < knife)
        self._rows = [Placed(y - knife, row) for y, row in self._rows if y + row.height > knife]
        self._pieces = sum(_weight(row) for _, row in self._rows)
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
