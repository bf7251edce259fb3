"""The columns of a source against what the scenario says of them; every mistake is told at once, with what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bench.judge.records import FIELDS, OPTIONAL, Mapped, RecordsError, meant

__all__ = ["find_columns"]

_MEANING: Final[Mapping[str, str]] = {
    "device": "device (its name or unit)",
    "clerk": "clerk (name or code)",
    "ticket": "ticket",
    "value": "value (1..5)",
    "at": "instant of the press (ISO 8601 or Unix seconds)",
    "epoch": "boot epoch",
    "seq": "sequence number",
    "stored_at": "instant of storing",
}


def find_columns(mapped: Mapped, found: Sequence[str], what: str) -> dict[str, str]:
    """Field -> column, for every field that there is a column for; the case of letters does not matter.

    Args:
        mapped: what the scenario says.
        found: the columns that there are.
        what: the source and its table, for messages.

    Raises:
        RecordsError: columns are missing; names all of them, with a guess, and those that were found.
    """
    by_fold = {column.casefold(): column for column in reversed(found)}
    columns: dict[str, str] = {}
    missing: list[str] = []
    for name in FIELDS:
        column = mapped.columns.get(name)
        if column is None:
            continue
        there = column if column in found else by_fold.get(column.casefold())
        if there is not None:
            columns[name] = there
        elif name not in OPTIONAL or name in mapped.named:
            missing.append(f"  no column {column!r} for the {_MEANING[name]}{meant(column, found)}")
    if missing:
        raise RecordsError(
            "\n".join(
                (
                    f"{what} is not as [records] columns says:",
                    *missing,
                    f"  columns found: {', '.join(found)}",
                    f"  say which is which, e.g. columns = {{ {_example(found)} }}",
                )
            )
        )
    if not {"device", "value"} <= columns.keys():
        raise RecordsError(
            f"{what}: without a column for the device and one for the value no rating can be recognised; "
            f"columns found: {', '.join(found)}"
        )
    return columns


def _example(found: Sequence[str]) -> str:
    """An example of a mapping, made of columns that exist."""
    return f'device = "{found[0]}", value = "{found[-1]}"' if found else 'device = "..."'
