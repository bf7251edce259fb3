"""A TEXT file set in dots: parts, pages and lines, with colours, fonts, calls of STRING files and pictures.

What the document leaves to the sign, and so to us (assumed): letters are five by seven dots with proportional spacing,
lines are eight dots apart and stand in the middle, or left when the spacing is fixed [C, measured]; a line that is too
long is broken at a space; a picture is seven dots high at most. Rainbow colours are drawn in bands, "mix" letter by
letter, "automatic" as amber. "Top" is the upper rows but the last, "bottom" the last row; the others are all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from firmware_sim.devices import dot_font
from protocol.alpha.codes import BOTTOM, SPECIAL_MODE, SPECIAL_MODES, TOP
from protocol.alpha.codes import MODES as MODE_NAMES
from protocol.alpha.text import Part, Piece, parts, pieces_of

PITCH: Final = 8
"""Dots from one line to the next."""

RED, GREEN, AMBER = 1, 2, 3
DEFAULT_SPEED: Final = 4
MOVING: Final = frozenset({"rotate", "compressed rotate"})
"""Modes in which a text travels through the display instead of standing in it."""

_NEW_PAGE, _NEW_LINE = 0x0C, 0x0D
_MOST_COLUMNS: Final = 16_384
"""Columns and codes of one file that are set: what calls of STRING files can blow up has an end."""


class Column(NamedTuple):
    """Seven dots from the top, each a colour (0 dark, 1 red .. 8 yellow), and whether they flash."""

    dots: bytes
    flash: bool = False


DARK: Final = Column(bytes(dot_font.HEIGHT))


class Line(NamedTuple):
    """A line set in columns, and what a person reads in it."""

    columns: tuple[Column, ...] = ()
    text: str = ""


class Page(NamedTuple):
    """What is shown together.

    Args:
        mode: name of the mode by which it comes.
        first: the row in which its region begins, from 0.
        lines: a line for each row of the region; a moving text has one, however long.
        speed: 1 slow .. 5 fast; 0 goes on without holding it.
        left: lines stand at the left.
        clock: it shows the time or the date.
    """

    mode: str
    first: int
    lines: tuple[Line, ...]
    speed: int
    left: bool = False
    clock: bool = False


class Contents(NamedTuple):
    """Where calls in a text lead: STRING files, pictures, and the clock's texts by control code and parameter."""

    string: Callable[[int], bytes]
    picture: Callable[[int], Sequence[bytes]]
    clock: Callable[[int, bytes], str]


class _Item(NamedTuple):
    """A character set, a picture, or a break (no columns; text is a line feed or a form feed)."""

    columns: tuple[Column, ...]
    text: str


@dataclass(slots=True)
class _Pen:
    """How the next character is drawn; a STRING file leaves it as it set it [C, measured]."""

    colour: bytes = b"1"
    style: dot_font.Style = dot_font.PLAIN
    flash: bool = False
    speed: int = DEFAULT_SPEED
    clock: bool = False
    drawn: int = 0
    items: list[_Item] = field(default_factory=list)


def pages(data: bytes, contents: Contents, rows: int, width: int) -> list[Page]:
    """The pages of a TEXT file, in order; one blank page when it shows nothing.

    Args:
        data: the file, mode fields included.
        contents: what is called in it.
        rows: lines of the display.
        width: its columns of dots.
    """
    pen = _Pen()
    found: list[Page] = []
    for part in parts(data):
        pen.items = []
        pen.clock = False
        _set(part.pieces, pen, contents)
        found += _pages_of(part, pen, rows, width)
    return found or [Page("hold", 0, (Line(),) * rows, DEFAULT_SPEED)]


def mode_name(mode: int, special: int) -> str:
    """Name of a mode by its bytes; an unknown special mode is interlock [C, measured], another unknown one hold."""
    if mode == SPECIAL_MODE:
        return SPECIAL_MODES.get(special, "interlock")
    return MODE_NAMES.get(mode, "hold")


def _region(position: int, rows: int) -> tuple[int, int]:
    """First row and number of rows of a position."""
    if rows == 1:
        return 0, 1
    if position == TOP:
        return 0, rows - 1
    return (rows - 1, 1) if position == BOTTOM else (0, rows)


def _pages_of(part: Part, pen: _Pen, rows: int, width: int) -> list[Page]:
    mode = mode_name(part.mode, part.special)
    first, height = _region(part.position, rows)
    if mode in MOVING:
        strip = [column for item in pen.items for column in item.columns or (DARK,) * 3]
        text = "".join(item.text if item.columns else " " for item in pen.items)
        line = Line(tuple(strip[:_MOST_COLUMNS]), text.strip())
        return [Page(mode, first + (height - 1) // 2, (line,), pen.speed or DEFAULT_SPEED, clock=pen.clock)]
    found: list[Page] = []
    if mode == "scroll":  # pushes all lines up, whatever the position (assumed)
        first, height = 0, 1
    for block in _blocks(pen.items):
        lines = _lines(block, width)
        for at in range(0, len(lines), height):
            some = lines[at : at + height]
            above = (height - len(some)) // 2
            filled = (Line(),) * above + tuple(some) + (Line(),) * (height - len(some) - above)
            found.append(Page(mode, first, filled, pen.speed, pen.style.fixed, pen.clock))
    return found


def _blocks(items: Iterable[_Item]) -> list[list[_Item]]:
    """Items between new pages."""
    blocks: list[list[_Item]] = [[]]
    for item in items:
        if item.text == "\f":
            blocks.append([])
        else:
            blocks[-1].append(item)
    return blocks


def _lines(items: Sequence[_Item], width: int) -> list[Line]:
    """Items set in lines that are no longer than the display is wide."""
    lines: list[Line] = []
    line: list[_Item] = []
    used = 0
    for item in items:
        if item.text == "\n":
            lines.append(_line(line))
            line, used = [], 0
            continue
        size = len(item.columns)
        if line and used + size - dot_font.GAP > width:
            at = max((i for i, before in enumerate(line) if before.text == " "), default=-1)
            whole = item.text == " " or at < 0
            lines.append(_line(line if whole else line[:at]))
            line = [] if whole else line[at + 1 :]
            if item.text == " ":
                used = 0
                continue
            used = sum(len(before.columns) for before in line)
        line.append(item)
        used += size
    return [*lines, _line(line)]


def _line(items: Sequence[_Item]) -> Line:
    return Line(tuple(column for item in items for column in item.columns), "".join(i.text for i in items).strip())


def _set(pieces: Iterable[Piece], pen: _Pen, contents: Contents, *, inside: bool = False) -> None:
    for piece in pieces:
        if pen.drawn > _MOST_COLUMNS:
            return
        pen.drawn += 1
        if not piece.code:
            _draw(piece.text, pen)
        elif piece.code == 0x10:  # STRING
            if inside:
                _draw(chr(piece.data[0]), pen)  # a STRING in a STRING draws its label [C, measured]
            else:
                _set(pieces_of(contents.string(piece.data[0])), pen, contents, inside=True)
        elif piece.code in _ACTS:
            _ACTS[piece.code](piece, pen, contents)


def _draw(text: str, pen: _Pen) -> None:
    for char in text:
        colours = _colours(pen)
        cols = tuple(
            Column(bytes(colours(x, y) if col >> y & 1 else 0 for y in range(dot_font.HEIGHT)), pen.flash)
            for x, col in enumerate(dot_font.columns(char, pen.style))
        )
        pen.items.append(_Item(cols, char if not char.isspace() else " "))
        pen.drawn += len(cols)


_BANDS: Final = (RED, RED, AMBER, AMBER, GREEN, GREEN, GREEN)
_CYCLE: Final = (RED, AMBER, GREEN)


def _colours(pen: _Pen) -> Callable[[int, int], int]:
    """Column and row of a character -> colour."""
    code = pen.colour[0]
    if ord("1") <= code <= ord("8"):
        return lambda _x, _y: code - ord("0")
    if code == ord("9"):
        return lambda _x, y: _BANDS[y]
    if code == ord("A"):
        return lambda x, _y: _CYCLE[x // 2 % 3]
    if code == ord("B"):
        colour = _CYCLE[len(pen.items) % 3]
        return lambda _x, _y: colour
    if code in b"YZ":
        red, green = (int(pen.colour[at : at + 2], 16) for at in (1, 3))
        nearest = AMBER if min(red, green) > max(red, green) // 2 else RED if red >= green else GREEN
        return lambda _x, _y: nearest
    return lambda _x, _y: AMBER


# -- control codes ----------------------------------------------------------------------------------------------------
_Act = Callable[[Piece, _Pen, Contents], None]


def _flag(name: str) -> _Act:
    def act(piece: Piece, pen: _Pen, _contents: Contents) -> None:
        pen.style = pen.style._replace(**{name: piece.data[:1] == b"1"})

    return act


def _wide(*, on: bool) -> _Act:
    def act(_piece: Piece, pen: _Pen, _contents: Contents) -> None:
        pen.style = pen.style._replace(wide=on)

    return act


def _flash(piece: Piece, pen: _Pen, _contents: Contents) -> None:
    pen.flash = piece.data == b"1"


def _speed(piece: Piece, pen: _Pen, _contents: Contents) -> None:
    pen.speed = piece.code - 0x14


def _no_hold(_piece: Piece, pen: _Pen, _contents: Contents) -> None:
    pen.speed = 0


def _speed_control(piece: Piece, pen: _Pen, _contents: Contents) -> None:
    if piece.data in (b"1", b"2", b"3", b"4", b"5"):
        pen.speed = int(piece.data)


def _character_set(piece: Piece, pen: _Pen, _contents: Contents) -> None:
    pen.style = pen.style._replace(low=piece.data in b"12", wide=piece.data in b"58;<=>")


def _colour(piece: Piece, pen: _Pen, _contents: Contents) -> None:
    if piece.data[:1] in (b"Y", b"Z"):
        try:
            int(piece.data[1:], 16)
        except ValueError:
            return
    pen.colour = piece.data


def _attribute(piece: Piece, pen: _Pen, contents: Contents) -> None:
    name = {b"0": "bold", b"1": "wide", b"4": "fixed"}.get(piece.data[:1])
    if name is not None:
        _flag(name)(Piece(piece.code, data=piece.data[1:]), pen, contents)


def _break(piece: Piece, pen: _Pen, _contents: Contents) -> None:
    pen.items.append(_Item((), "\f" if piece.code == _NEW_PAGE else "\n"))


def _clock(piece: Piece, pen: _Pen, contents: Contents) -> None:
    pen.clock = True
    _draw(contents.clock(piece.code, piece.data), pen)


def _picture(piece: Piece, pen: _Pen, contents: Contents) -> None:
    rows = contents.picture(piece.data[0])[: dot_font.HEIGHT]
    if not rows:
        return
    blank = bytes(dot_font.HEIGHT - len(rows))
    cols = tuple(
        Column(bytes(row[x] - ord("0") for row in rows) + blank, pen.flash) for x in range(min(map(len, rows)))
    )
    pen.items.append(_Item(cols, "\u25a6"))
    pen.drawn += len(cols)


_ACTS: Final[dict[int, _Act]] = {
    0x07: _flash,
    0x09: _no_hold,
    0x0B: _clock,
    0x0C: _break,
    0x0D: _break,
    0x0F: _speed_control,
    0x11: _wide(on=False),
    0x12: _wide(on=True),
    0x13: _clock,
    0x14: _picture,
    **dict.fromkeys(range(0x15, 0x1A), _speed),
    0x1A: _character_set,
    0x1C: _colour,
    0x1D: _attribute,
    0x1E: _flag("fixed"),
}
"""Control code -> what it does. Double height, descenders, counters, temperature and animations do nothing."""
