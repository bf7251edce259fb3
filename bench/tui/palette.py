"""Colours of the view, in one place: what each state of a thing looks like, on dark and on light ground.

One accent for each state (idle grey, busy blue, attention amber, wrong red), and each state has its sign beside its
colour, so that nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from textual.theme import Theme

__all__ = ["DOT", "SIGN", "THEMES", "Colours", "Level", "colours"]


class Level(IntEnum):
    """How much a thing wants to be looked at; a greater one comes first."""

    IDLE = 0
    BUSY = 1
    ATTENTION = 2
    WRONG = 3


SIGN: Final[Mapping[Level, str]] = MappingProxyType(
    {Level.IDLE: "·", Level.BUSY: "▸", Level.ATTENTION: "▲", Level.WRONG: "✖"}
)
"""Sign of each level: the same thing without colour."""


class Colours(NamedTuple):
    """Colours that faces draw with; each is a Rich colour."""

    idle: str
    busy: str
    attention: str
    wrong: str
    text: str
    dim: str
    good: str
    accent: str
    lit: str
    unlit: str
    panel: str
    led: str
    paper: str
    ink: str

    def of(self, level: Level) -> str:
        """Colour of a level."""
        return (self.idle, self.busy, self.attention, self.wrong)[level]


_DARK: Final = Colours(
    idle="#7d8794",
    busy="#5ab0ff",
    attention="#ffb454",
    wrong="#ff5d5d",
    text="#e3e8ef",
    dim="#8a94a3",
    good="#6bd490",
    accent="#7fd1c7",
    lit="#ff4a3d",
    unlit="#33161a",
    panel="#0c0f14",
    led="#ffb02e",
    paper="#f3efe2",
    ink="#23211c",
)
_LIGHT: Final = Colours(
    idle="#59626f",
    busy="#0b5cad",
    attention="#8a5200",
    wrong="#b3161b",
    text="#1b222c",
    dim="#55606e",
    good="#11703a",
    accent="#0d6b61",
    lit="#ff4a3d",
    unlit="#3a1a1d",
    panel="#14171c",
    led="#ffb02e",
    paper="#fffdf4",
    ink="#23211c",
)

DOT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "1": "#ff3b30",
        "2": "#4cd964",
        "3": "#ffb02e",
        "4": "#a8281f",
        "5": "#2f8a40",
        "6": "#b8742a",
        "7": "#ff8a2e",
        "8": "#ffe14a",
    }
)
"""Colour of a dot of a board by its hexadecimal digit; one that is not here is drawn amber."""

THEMES: Final[tuple[Theme, ...]] = (
    Theme(
        name="hallbench-dark",
        primary="#5ab0ff",
        secondary="#7fd1c7",
        accent="#7fd1c7",
        warning="#ffb454",
        error="#ff5d5d",
        success="#6bd490",
        foreground="#e3e8ef",
        background="#11151c",
        surface="#161b24",
        panel="#1e2530",
        dark=True,
    ),
    Theme(
        name="hallbench-light",
        primary="#0b5cad",
        secondary="#0d6b61",
        accent="#0d6b61",
        warning="#8a5200",
        error="#b3161b",
        success="#11703a",
        foreground="#1b222c",
        background="#f4f5f7",
        surface="#ffffff",
        panel="#e6e9ee",
        dark=False,
    ),
)
"""The themes of the view; Textual's own can be chosen too."""


def colours(dark: bool) -> Colours:
    """The colours for dark or light ground."""
    return _DARK if dark else _LIGHT
