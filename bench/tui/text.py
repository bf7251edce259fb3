"""Text that is safe to draw: nothing that a device sends moves the cursor, is read as markup, or widens a tile.

Devices, collectors and scenarios are hostile here. Everything they say passes through `plain`, and is only ever put
into `rich.text.Text` or `rich.segment.Segment`, never into a string that Textual or Rich would parse for markup.
"""

from __future__ import annotations

from typing import Any, Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from bench.reports.wording import printable

__all__ = ["bar", "centred", "fit", "joined", "plain", "scrolled", "span", "spark", "width"]

_LONGEST: Final = 4096
_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
_PARTS: Final = " ▏▎▍▌▋▊▉█"


def plain(value: Any, most: int = _LONGEST) -> str:
    r"""A value as one line of printable characters: escapes, controls and bidirectional marks are spelled out.

    Args:
        value: anything that came from the bench.
        most: characters at most; what is cut is marked with "…".
    """
    text = value if isinstance(value, str) else str(value)
    if len(text) > most:
        text = text[:most] + "…"
    return printable(text)


def width(text: str) -> int:
    """Columns that the text takes in a terminal."""
    return cell_len(text)


def fit(text: str, columns: int) -> str:
    """The text in exactly so many columns: filled with blanks, or cut with "…"."""
    if columns <= 0:
        return ""
    if cell_len(text) <= columns:
        return set_cell_size(text, columns)
    return set_cell_size(text, columns - 1) + "…"


def centred(text: str, columns: int) -> str:
    """The text in the middle of so many columns."""
    room = columns - cell_len(text)
    return fit(text, columns) if room <= 0 else fit(" " * (room // 2) + text, columns)


def scrolled(text: str, columns: int, steps: int) -> str:
    """So many columns of a text that runs to the left when it is too long, `steps` columns after its start."""
    if cell_len(text) <= columns:
        return fit(text, columns)
    ring = text + "   •   "
    at = steps % len(ring)
    return set_cell_size((ring + ring)[at : at + columns], columns)


def span(seconds: Any) -> str:
    """A duration in any language: "0:07", "11:20", "2:03:00"; "-" when there is none."""
    if not isinstance(seconds, (int, float)):
        return "-"
    whole = int(seconds)
    return (
        f"{whole // 60}:{whole % 60:02}" if whole < 3600 else f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    )


def spark(values: list[float], columns: int, top: float | None = None) -> str:
    """The last values as bars of one line, oldest first; `top` is a full bar, else the greatest value is."""
    shown = values[-columns:] if columns > 0 else []
    highest = top if top is not None else max(shown, default=0.0)
    if highest <= 0:
        return "▁" * len(shown)
    return "".join(_EIGHTHS[max(1, min(8, round(value / highest * 8)))] for value in shown)


def bar(part: float, columns: int) -> str:
    """A share from 0 to 1 as a bar of so many columns."""
    eighths = round(max(0.0, min(1.0, part)) * columns * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_PARTS[rest] if rest else ""))[:columns].ljust(columns)


def joined(parts: list[tuple[str, str]]) -> Text:
    """One line of (text, style) pairs; the texts are not parsed."""
    line = Text(no_wrap=True, end="")
    for text, style in parts:
        line.append(text, style or None)
    return line
