"""What a board or display shows, as a value that can be drawn: digits of seven segments, or a matrix of dots.

A panel is made from a device as it stands at an instant (`panel_of`), or from texts that were noted (`from_texts`,
`from_text`). Nothing is added to it: what the bytes did not say is dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from firmware_sim.devices import dot_font
from firmware_sim.devices.segments import Digit, left, lit

PITCH = dot_font.HEIGHT + 1
"""Rows of dots from one line of text to the next."""

RED = 1


class Segments(NamedTuple):
    """Digits from the left."""

    digits: tuple[Digit, ...]


class Matrix(NamedTuple):
    """Rows of dots from the top.

    Each dot is a colour: 0 dark, 1 red, 2 green, 3 amber, 4 dim red, 5 dim green, 6 brown, 7 orange, 8 yellow.
    """

    dots: tuple[bytes, ...]


Panel: TypeAlias = Segments | Matrix


def panel_of(device: Any, now: int) -> Panel:
    """What a device shows at an instant, ns.

    Args:
        device: a counter display, main board or Alpha board of `firmware_sim.devices`, or a declared one.
        now: not before the last instant that the device was told.

    Raises:
        TypeError: it is something that shows nothing.
    """
    if hasattr(device, "shown"):
        return Matrix(device.shown(now).dots)
    if hasattr(device, "lit_at"):
        return Segments(device.lit_at(now))
    if hasattr(device, "lit"):
        return Segments(device.lit)
    if hasattr(device, "texts"):
        return from_texts(device.texts)
    if getattr(getattr(device, "declaration", None), "role", "") in ("display", "board"):
        return from_texts(device.rows or [""])
    raise TypeError(f"{getattr(device, 'name', device)!r} is no board and no display: there is nothing to draw")


def from_text(text: str, digits: int) -> Segments:
    """A text on a display of so many digits, from the left."""
    return Segments(left(lit(text), digits))


def from_texts(texts: Sequence[str], columns: int = 96, colour: int = RED) -> Matrix:
    """Texts, one a row, on a matrix of so many columns of dots, from the left; what is too long is cut."""
    rows: list[bytes] = []
    for place, text in enumerate(texts):
        if place:
            rows.append(bytes(columns))
        cols = [col for char in text for col in dot_font.columns(char)][:columns]
        rows += [
            bytes(colour if col >> y & 1 else 0 for col in cols).ljust(columns, b"\0") for y in range(dot_font.HEIGHT)
        ]
    return Matrix(tuple(rows))
