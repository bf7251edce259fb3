"""Seven segments: text as lit segments, and what a person reads of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from protocol.modbus.maps.led485 import READINGS, SHAPES

UNREADABLE = "?"


class Digit(NamedTuple):
    """One digit: its lit segments, bit 0 = a .. bit 6 = g, and its decimal point."""

    mask: int = 0
    point: bool = False


DARK = Digit()
DASH = Digit(SHAPES["-"])


def lit(text: str) -> list[Digit]:
    """Text as digits. A point folds into the digit before it."""
    digits: list[Digit] = []
    for char in text.upper():
        if char == "." and digits and not digits[-1].point:
            digits[-1] = digits[-1]._replace(point=True)
        elif char == ".":
            digits.append(Digit(0, point=True))
        else:
            digits.append(Digit(SHAPES.get(char, 0)))
    return digits


def left(digits: list[Digit], count: int) -> tuple[Digit, ...]:
    """Digits from the left of a display, cut or filled with dark ones."""
    return tuple((digits + [DARK] * count)[:count])


def right(digits: list[Digit], count: int) -> tuple[Digit, ...]:
    """Digits at the right of a display; dashes when there are too many."""
    dark = count - len(digits)
    return (*[DARK] * dark, *digits) if dark >= 0 else (DASH,) * count


def number(value: int, decimals: int) -> str:
    """A number that was given without its point."""
    text = f"{abs(value):0{decimals + 1}d}"
    if decimals:
        text = f"{text[:-decimals]}.{text[-decimals:]}"
    return "-" + text if value < 0 else text


def read(digits: Iterable[Digit]) -> str:
    """What a person reads, without the dark digits around; "?" for a shape that is no character."""
    return "".join(READINGS.get(mask, UNREADABLE) + ("." if point else "") for mask, point in digits).strip()
