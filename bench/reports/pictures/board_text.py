"""A board or display as text for a terminal: half blocks for dots, lines for segments. Needs no picture library."""

from __future__ import annotations

from itertools import groupby

from bench.reports.pictures.panel import Matrix, Panel, Segments
from firmware_sim.devices.segments import Digit

_HALVES = " ▀▄█"
_ANSI = ("", "91", "92", "93", "31", "32", "33", "38;5;208", "93")
"""Colour of a dot -> the terminal's colour."""

_RESET = "\x1b[0m"
_A, _B, _C, _D, _E, _F, _G = (1 << bit for bit in range(7))


def render(panel: Panel, *, colour: bool = False, frame: bool = True) -> str:
    """A panel as lines of text.

    Args:
        panel: what is shown.
        colour: with the terminal's colours (escape sequences).
        frame: with a border around it.
    """
    lines = _segments(panel) if isinstance(panel, Segments) else _matrix(panel, colour=colour)
    width = _width(panel)
    if not frame:
        return "\n".join(line if colour else line.rstrip() for line in lines)
    return "\n".join([f"┌{'─' * width}┐", *(f"│{line}│" for line in lines), f"└{'─' * width}┘"])


def _width(panel: Panel) -> int:
    if isinstance(panel, Segments):
        return 4 * len(panel.digits)
    return max(map(len, panel.dots), default=0)


def _segments(panel: Segments) -> list[str]:
    """Three lines: a digit is three characters wide, and its point stands behind it."""
    lines = ["", "", ""]
    for digit in panel.digits:
        for place, part in enumerate(_strokes(digit)):
            lines[place] += part
    return lines


def _strokes(digit: Digit) -> tuple[str, str, str]:
    def stroke(bit: int, char: str) -> str:
        return char if digit.mask & bit else " "

    return (
        f" {stroke(_A, '_')}  ",
        f"{stroke(_F, '|')}{stroke(_G, '_')}{stroke(_B, '|')} ",
        f"{stroke(_E, '|')}{stroke(_D, '_')}{stroke(_C, '|')}{'.' if digit.point else ' '}",
    )


def _matrix(panel: Matrix, *, colour: bool) -> list[str]:
    """Two rows of dots a line."""
    rows = list(panel.dots)
    if len(rows) % 2:
        rows.append(bytes(_width(panel)))
    lines: list[str] = []
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        cells = list(zip(upper, lower, strict=True))
        if not colour:
            lines.append("".join(_HALVES[bool(a) | bool(b) << 1] for a, b in cells))
            continue
        lines.append("".join(_coloured(pair, len(list(some))) for pair, some in groupby(cells)))
    return lines


def _coloured(pair: tuple[int, int], count: int) -> str:
    upper, lower = pair
    if not upper and not lower:
        return " " * count
    if upper and lower and upper != lower:
        return f"\x1b[{_ANSI[upper]};{_background(lower)}m{'▀' * count}{_RESET}"
    return f"\x1b[{_ANSI[upper or lower]}m{_HALVES[bool(upper) | bool(lower) << 1] * count}{_RESET}"


def _background(colour: int) -> str:
    code = _ANSI[colour]
    if code.startswith("38;"):
        return "4" + code[1:]
    return str(int(code) + 10)
