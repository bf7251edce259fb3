"""Stored ratings as tests have them: the house's own, kept in memory, and whatever a test hands to the judge."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from bench.controller.rows import Row

__all__ = ["HouseRows", "Records", "rows_of"]

Records: TypeAlias = "str | os.PathLike[str] | sqlite3.Connection | Iterable[Mapping[str, Any]] | None"
"""Ratings for the judge: a SQLite file, a database URL, an open SQLite connection, or rows as mappings."""


class HouseRows:
    """A store for the house controller in memory: as durable as a test needs, and without a database's import.

    Attributes:
        ratings, tickets, calls: the rows, column -> value, in the order of storing.
    """

    def __init__(self) -> None:
        self.ratings: list[dict[str, Any]] = []
        self.tickets: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        self._known: set[tuple[Any, Any, Any]] = set()

    def __call__(self, rows: Sequence[Row]) -> Collection[int]:
        """Store rows; returns the places of ratings that were stored before."""
        again = []
        for place, (table, row) in enumerate(rows):
            if table == "ratings":
                key = (row["device"], row["epoch"], row["seq"])
                if key in self._known:
                    again.append(place)
                    continue
                self._known.add(key)
            elif table == "tickets" and row["confirmed_at"] is not None and self._confirm(row):
                continue
            kept: list[dict[str, Any]] = getattr(self, table)
            kept.append(dict(row))
        return again

    def _confirm(self, row: Mapping[str, Any]) -> bool:
        for ticket in self.tickets:
            if (ticket["ticket"], ticket["issued_at"]) == (row["ticket"], row["issued_at"]):
                ticket["confirmed_at"] = row["confirmed_at"]
                return True
        return False


def rows_of(records: Records, mapping: Any) -> tuple[Any, str]:
    """Rows as the judge takes them.

    Args:
        records: what a test gave.
        mapping: the scenario's `[records]`: table and columns.

    Returns:
        The rows and "", or None and why there are none that could be judged.
    """
    from bench.judge.records import Mapped, RecordsError, read

    try:
        if isinstance(records, sqlite3.Connection):
            return _from_connection(records, Mapped.of(mapping)), ""
        if isinstance(records, (str, os.PathLike)):
            given = os.fspath(records)
            if "://" not in given and not Path(given).exists():
                return None, f"there are no records: {given} does not exist"
            return read(given, mapping), ""
    except RecordsError as error:
        return None, str(error)
    return None if records is None else [dict(row) for row in records], "the test gave no records to judge"


def _from_connection(db: sqlite3.Connection, mapped: Any) -> list[dict[str, Any]]:
    """The rows that a connection sees, the collector's uncommitted ones too (use another connection for none)."""
    from bench.judge.records import RecordsError

    table = ".".join('"' + part.replace('"', '""') + '"' for part in mapped.table.split("."))
    try:
        cursor = db.execute(f"SELECT * FROM {table}")
    except sqlite3.Error as error:
        raise RecordsError(f"the connection has no table {mapped.table!r} to read ({error})") from error
    names = [column[0] for column in cursor.description]
    fields = {column: name for name, column in mapped.columns.items() if column is not None}
    missing = [mapped.columns[name] for name in ("device", "value") if mapped.columns[name] not in names]
    if missing:
        raise RecordsError(f"table {mapped.table!r} has no column {missing[0]!r}; it has {', '.join(names)}")
    return [
        {fields[name]: value for name, value in zip(names, row, strict=True) if name in fields}
        for row in cursor.fetchall()
    ]
