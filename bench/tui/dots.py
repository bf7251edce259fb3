"""Lights as characters: seven-segment digits and dot boards, in half blocks (two dots each) or braille (eight)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final, TypeAlias

from rich.text import Text

from bench.tui.palette import DOT, Colours
from bench.tui.text import joined

__all__ = ["board", "digits", "digits_width"]

Run: TypeAlias = tuple[str, str]
"""Characters and their style."""

_LARGE: Final = {
    0: [(1, 0), (2, 0), (3, 0)],
    1: [(4, 1), (4, 2)],
    2: [(4, 4), (4, 5)],
    3: [(1, 6), (2, 6), (3, 6)],
    4: [(0, 4), (0, 5)],
    5: [(0, 1), (0, 2)],
    6: [(1, 3), (2, 3), (3, 3)],
}
_SMALL: Final = {
    0: [(0, 0), (1, 0), (2, 0)],
    1: [(2, 0), (2, 1), (2, 2)],
    2: [(2, 2), (2, 3), (2, 4)],
    3: [(0, 4), (1, 4), (2, 4)],
    4: [(0, 2), (0, 3), (0, 4)],
    5: [(0, 0), (0, 1), (0, 2)],
    6: [(0, 2), (1, 2), (2, 2)],
}
"""Segment (bit 0 = a ... 6 = g) -> its dots (column, row); the large digit is 5 x 7 dots, the small one 3 x 5."""

_BRAILLE: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


def digits_width(count: int, large: bool) -> int:
    """Columns that so many digits take."""
    return count * (6 if large else 5)


def digits(segments: Sequence[Sequence[int]], colours: Colours, *, large: bool, powered: bool = True) -> list[Text]:
    """Seven-segment digits as lines of text: lit segments glow, the others can just be seen.

    Args:
        segments: of each digit its mask (bit 0 = a ... bit 6 = g) and whether its point is lit.
        colours: to draw with.
        large: four lines with gaps between the segments, else three without.
        powered: without power all are dark.
    """
    shapes = [_digit(int(mask), bool(pointed), colours, large, powered) for mask, pointed in segments]
    if not shapes:
        return []
    return [joined([run for shape in shapes for run in shape[row]]) for row in range(len(shapes[0]))]


@lru_cache(maxsize=1024)
def _digit(mask: int, pointed: bool, colours: Colours, large: bool, powered: bool) -> tuple[tuple[Run, ...], ...]:
    """One digit, line by line: there are few different ones."""
    table, tall, pitch, point = (_LARGE, 7, 6, (5, 6)) if large else (_SMALL, 5, 5, (3, 4))
    grid: list[list[str]] = [[""] * pitch for _ in range(tall + 1)]
    for segment, dots in table.items():
        lit = powered and mask >> segment & 1
        for x, y in dots:
            if lit or not grid[y][x]:
                grid[y][x] = colours.lit if lit else colours.unlit
    grid[point[1]][point[0]] = colours.lit if pointed and powered else ""
    return tuple(_halves(grid, colours.panel))


def board(pixels: Sequence[str], columns: int, colours: Colours) -> list[Text]:
    """Dots of a board: half blocks in their colours where they fit, else braille in one colour.

    Args:
        pixels: a string a row of dots; a hexadecimal digit a dot, "0" is dark.
        columns: how many there are; what does not fit even in braille is cut.
        colours: to draw with.
    """
    wide = max(map(len, pixels), default=0)
    if wide <= columns:
        colour: Callable[[str], str] = lambda dot: DOT.get(dot, colours.led) if dot != "0" else ""  # noqa: E731
        halves = _halves([[colour(dot) for dot in row.ljust(wide, "0")] for row in pixels], colours.panel)
        return [joined(list(line)) for line in halves]
    lines = []
    for top in range(0, len(pixels), 4):
        cells = [0x2800] * ((wide + 1) // 2)
        for y, row in enumerate(pixels[top : top + 4]):
            for x, dot in enumerate(row):
                if dot != "0":
                    cells[x // 2] |= _BRAILLE[y][x % 2]
        lines.append(Text("".join(map(chr, cells[:columns])), style=f"{colours.led} on {colours.panel}", no_wrap=True))
    return lines


def _halves(grid: list[list[str]], ground: str) -> list[tuple[Run, ...]]:
    """A grid of colours ("" is dark), two rows to a line of half blocks; dots that look the same are one run."""
    lines = []
    for y in range(0, len(grid) - len(grid) % 2 if not any(grid[-1]) else len(grid), 2):
        upper = grid[y]
        lower = grid[y + 1] if y + 1 < len(grid) else [""] * len(upper)
        runs = groupby(zip(upper, lower, strict=True))
        lines.append(tuple(_half(*dots, len(list(same)), ground) for dots, same in runs))
    return lines


def _half(top: str, bottom: str, count: int, ground: str) -> Run:
    """So many cells with these two dots."""
    if top == bottom:
        return ("█" * count, f"{top} on {ground}") if top else (" " * count, f"on {ground}")
    return ("▀" * count, f"{top} on {bottom or ground}") if top else ("▄" * count, f"{bottom} on {ground}")
