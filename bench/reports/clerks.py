"""The table of ratings: for each clerk what was pressed and what was stored, and both totals."""

from __future__ import annotations

from typing import Any

from bench.reports.figures import ClerkRatings, Figures
from bench.reports.wording import count


def ratings_context(figures: Figures) -> dict[str, Any]:
    """What the page shows of the ratings: rows, their total, the columns, and a sentence."""
    others = any(row.other_pressed or row.other_stored for row in figures.ratings)
    rows = [_row(row.clerk, row, others) for row in figures.ratings]
    return {
        "ratings": rows,
        "ratings_total": _row("All", total(figures), others),
        "rating_columns": ["1", "2", "3", "4", "5", *(["other"] if others else [])],
        "ratings_sentence": _sentence(figures),
    }


def total(figures: Figures) -> ClerkRatings:
    """All clerks together: what was pressed is every counted press, what was stored every row."""
    stored = [row.stored for row in figures.ratings if row.stored is not None]
    return ClerkRatings(
        "All",
        tuple(map(sum, zip(*(row.pressed for row in figures.ratings), strict=True))) or (0,) * 5,
        None if len(stored) < len(figures.ratings) else tuple(map(sum, zip(*stored, strict=True))) or (0,) * 5,
        sum(row.other_pressed for row in figures.ratings),
        sum(row.other_stored for row in figures.ratings),
    )


def _row(name: str, row: ClerkRatings, others: bool) -> dict[str, Any]:
    pressed = _values(row.pressed, row.other_pressed, others)
    return {
        "clerk": name,
        "name": "pressed and stored" if row.agrees and row.stored is not None else "pressed",
        "agrees": row.agrees,
        "pressed": pressed,
        "stored": pressed if row.stored is None else _values(row.stored, row.other_stored, others),
    }


def _values(values: tuple[int, ...], other: int, others: bool) -> dict[str, Any]:
    return {"of_value": [*values, *([other] if others else [])], "all": sum(values) + other}


def _sentence(figures: Figures) -> str:
    whole = total(figures)
    pressed = sum(whole.pressed) + whole.other_pressed
    if whole.stored is None:
        return f"What was pressed, {count(pressed, 'rating')} in all; what was stored is not known."
    stored = sum(whole.stored) + whole.other_stored
    wrong = [row.clerk for row in figures.ratings if not row.agrees]
    if not wrong:
        return f"What was stored for each clerk equals what was pressed: {count(pressed, 'rating')}."
    names = ", ".join(wrong[:8]) + (f" and {len(wrong) - 8} more" if len(wrong) > 8 else "")
    return f"{pressed:,} pressed, {stored:,} stored. What was stored differs from what was pressed for {names}."
