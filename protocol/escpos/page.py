"""Page mode: areas of a page that is put together in the printer and printed in one go.

Rules from the TM-T88III specification, section 3.12.3 and ESC L, ESC W, ESC T, FF [S]: the print position is a base
line that begins one normal character's height below the area's upper edge; pictures and codes stand on it; what is
higher than the area, or goes on below it, is not printed; a full line goes on in the next one. Positions are in the
reader's own directions, whichever way the area is turned.

How far FF moves the paper is not written there; here it is to the lower edge of the lowest area that holds anything
(assumed).
"""

from __future__ import annotations

from typing import NamedTuple

from protocol.escpos.paper import Advance, Barcode, Bits, Page, Panel, Row, Run, Spot, Symbol

MOST_SPOTS = 4096
"""Pieces on one page; a real printer keeps dots and has no such limit."""

MOST_BITS = 256 * 1024
"""Bytes of pictures on one page; a real page of 576 x 1662 dots has 119,664."""


class Area(NamedTuple):
    """A printing area on the page, dots (ESC W)."""

    x: int
    y: int
    dx: int
    dy: int


class PageBuffer:
    """A page being put together.

    Args:
        area: where printing begins.
        turn: direction, n of ESC T.
        line: height of a normal character, dots: where the first base line is.
        width: printable width of the paper, dots.

    Attributes:
        x: print position along the line, dots.
        y: base line, dots from the area's upper edge as the reader sees it.
    """

    __slots__ = ("_areas", "_bits", "_line", "_spots", "_width", "area", "turn", "x", "y")

    def __init__(self, area: Area, turn: int, line: int, width: int) -> None:
        self._areas: dict[tuple[Area, int], list[Spot]] = {}
        self._spots = self._bits = 0
        self._line = line
        self._width = width
        self.area = area
        self.turn = turn
        self.x = 0
        self.y = line

    @property
    def across(self) -> int:
        """Dots in a line of text."""
        return self.area.dy if self.turn & 1 else self.area.dx

    @property
    def down(self) -> int:
        """Dots from the first line's upper edge to the area's end."""
        return self.area.dx if self.turn & 1 else self.area.dy

    def begin(self, area: Area, turn: int) -> None:
        """Go on in another area or direction, at its beginning."""
        self.area = area
        self.turn = turn
        self.x = 0
        self.y = self._line

    def put(self, piece: Run | Bits | Symbol | Barcode, x: int, end: int) -> bool:
        """Stand a piece on a base line, `end` dots down; False when the page holds no more."""
        bits = len(piece.data) if isinstance(piece, Bits) else 0
        if self._spots >= MOST_SPOTS or self._bits + bits > MOST_BITS:
            return False
        top = end - piece.height
        if top < self.down and end > 0 and x < self.across:
            self._areas.setdefault((self.area, self.turn), []).append(Spot(x, top, piece))
            self._spots += 1
            self._bits += bits
        return True

    def forget_area(self) -> None:
        """CAN: what was put into the present area is gone, in whatever direction."""
        for key in [key for key in self._areas if key[0] == self.area]:
            gone = self._areas.pop(key)
            self._spots -= len(gone)
            self._bits -= sum(len(spot.piece.data) for spot in gone if isinstance(spot.piece, Bits))
        self.begin(self.area, self.turn)

    def printed(self) -> list[Advance]:
        """What FF makes the mechanism do; nothing for an empty page."""
        panels = tuple(Panel(*area, turn, tuple(spots)) for (area, turn), spots in self._areas.items() if spots)
        if not panels:
            return []
        height = max(panel.y + panel.dy for panel in panels)
        return [Advance(height, Row(height, (Page(0, self._width, height, panels),)))]


def fit_area(words: tuple[int, int, int, int], width: int, height: int) -> Area | None:
    """The area that ESC W sets, cut to what can be printed; None when none of it can (then nothing changes).

    Args:
        words: x, y, dx, dy in dots.
        width: printable width, dots.
        height: most dots a page has down the paper.
    """
    x, y, dx, dy = words
    if x >= width or y >= height or not dx or not dy:
        return None
    return Area(x, y, min(dx, width - x), min(dy, height - y))
