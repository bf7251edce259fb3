"""Where the keys of a keypad are in its tile: the same cells for drawing them and for a click on one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.tui.hands import keys_of
from bench.tui.text import fit, plain

__all__ = ["key_at", "key_cells", "key_rows"]


def key_rows(state: Mapping[str, Any]) -> int:
    """Rows that the keys of a keypad without lamps take."""
    count = len(state.get("key_names") or ())
    return 0 if not count else 1 if count < 10 else 2


def key_cells(state: Mapping[str, Any], columns: int) -> list[tuple[int, int, int | str, str]]:
    """Where the keys of a keypad are: (row, first column, key, text); those with lamps show them."""
    if "lamps" not in state:
        keys, rows = keys_of(state), max(1, key_rows(state))
        each = -(-len(keys) // rows)
        wide = max(2, min(4, columns // max(1, each)))
        places = [(number // each, number % each * wide, key) for number, key in enumerate(keys)]
        return [(row, first, key, fit(plain(key, 8), wide)) for row, first, key in places]
    count = int(state.get("keys") or 0)
    choices = (6, 4, 3, 2) if count < 10 else (5, 4, 3)
    rows = 1 if count < 10 else 2
    wide = next((cell for cell in choices if count <= columns // cell * rows), choices[-1])
    each = max(1, columns // wide)
    lamps = state.get("lamps") or ()
    cells: list[tuple[int, int, int | str, str]] = []
    for key in range(1, count + 1):
        lit = key <= len(lamps) and lamps[key - 1]
        text = fit(f"{'●' if lit else '○'}{' ' if wide == 6 else ''}{key}", wide)
        cells.append(((key - 1) // each, (key - 1) % each * wide, key, text))
    return cells


def key_at(state: Mapping[str, Any], columns: int, row: int, column: int, height: int = 0) -> int | str | None:
    """The key that is drawn at a place of the tile (row 0 is the head); None when none is.

    Keys with lamps stand under the head, others at the bottom of a tile of that height.
    """
    top = 1
    if "lamps" not in state:
        top = height - key_rows(state)
        if top < (3 if "shows" in state else 2):
            return None
    for line, first, key, text in key_cells(state, columns):
        if line + top == row and first <= column < first + len(text.rstrip()):
            return key
    return None
