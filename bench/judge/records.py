"""What the collector stored: rows, gaps and health as they stand there, and where the scenario says they are.

`read` takes them from wherever they are (`bench.records` has a module for each kind of source) and returns them
uninterpreted. Every mistake of the mapping is told at once, with what was found instead. What the values mean, and
which of them cannot be, is `claims`' business: a wrong value is a finding about the collector, not an error of the
bench.
"""

from __future__ import annotations

import datetime as dt
import difflib
import math
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

__all__ = ["FIELDS", "Gap", "Health", "Mapped", "RecordsError", "Row", "Rows", "Scalar", "meant", "read", "scalar"]

Scalar: TypeAlias = str | int | float | None
"""A value as it stands in a row: what JSON can say."""

FIELDS: Final = ("device", "clerk", "ticket", "value", "at", "epoch", "seq", "stored_at")
"""What a row can tell, in the order of a `Row`."""

OPTIONAL: Final = frozenset({"ticket", "epoch", "seq", "stored_at"})
"""Columns that may be missing, unless the scenario names them (cli.md)."""


class RecordsError(Exception):
    """The records cannot be read as the scenario says; the message tells what was found and what to do."""


class Row(NamedTuple):
    """One stored rating, uninterpreted.

    Args:
        n: place in the order of storing, 1 for the first.
        device, clerk, ticket, value, at, epoch, seq, stored_at: the columns; None where the row has NULL and where
            the table has no such column.
    """

    n: int
    device: Scalar = None
    clerk: Scalar = None
    ticket: Scalar = None
    value: Scalar = None
    at: Scalar = None
    epoch: Scalar = None
    seq: Scalar = None
    stored_at: Scalar = None


class Gap(NamedTuple):
    """The collector says that ratings of a device are missing, uninterpreted.

    Args:
        n: place in the order of storing, 1 for the first.
        device: name or unit.
        at: instant at which it told so.
        lost: how many, if it knows.
    """

    n: int
    device: Scalar = None
    at: Scalar = None
    lost: Scalar = None


class Health(NamedTuple):
    """The collector says that a device is up, or down, from an instant on, uninterpreted.

    Args:
        n: place in the order of storing, 1 for the first.
        device: name or unit.
        at: instant from which it says so.
        up: 1 or 0.
    """

    n: int
    device: Scalar = None
    at: Scalar = None
    up: Scalar = None


class Rows(list[Row]):
    """The stored ratings, in the order of storing.

    Args:
        rows: the rows.
        source: where they come from, for people; holds no password.
        fields: the columns that exist.
        order: what the order of the rows rests on ("rowid", a primary key ...); None when the database has none.
        gaps: what the collector says is missing; None when it keeps no such table.
        health: what it says of the devices; None when it keeps no such table.
    """

    def __init__(
        self,
        rows: Iterable[Row] = (),
        *,
        source: str = "",
        fields: Iterable[str] = FIELDS,
        order: str | None = "as given",
        gaps: Iterable[Gap] | None = None,
        health: Iterable[Health] | None = None,
    ) -> None:
        super().__init__(rows)
        self.source = source
        self.fields = tuple(name for name in FIELDS if name in frozenset(fields))
        self.order = order
        self.gaps = None if gaps is None else tuple(gaps)
        self.health = None if health is None else tuple(health)

    @classmethod
    def of(cls, rows: Iterable[Row | Mapping[str, Any]]) -> Rows:
        """Rows that did not come out of `read`: numbered as they come, with the fields that some row has.

        Args:
            rows: `Row`s, or mappings of `FIELDS` to values; already `Rows`, they are returned as they are.

        Raises:
            RecordsError: a mapping has a field that no record has.
        """
        if isinstance(rows, cls):
            return rows
        fields = {"device", "value"}
        made: list[Row] = []
        for n, given in enumerate(rows, 1):
            told = given._asdict() if isinstance(given, Row) else dict(given)
            if isinstance(given, Row):
                told = {name: value for name, value in told.items() if value is not None}
            told.pop("n", None)
            unknown = [name for name in told if name not in FIELDS]
            if unknown:
                raise RecordsError(
                    f"record {n}: {unknown[0]!r} is not a field of a record{meant(unknown[0], FIELDS)}; "
                    f"the fields are {', '.join(FIELDS)}"
                )
            fields.update(told)
            made.append(Row(n, **{name: scalar(value) for name, value in told.items()}))
        return cls(made, fields=fields)


@dataclass(frozen=True, slots=True)
class Mapped:
    """Where the ratings stand in what the collector stored: the scenario's `[records]`.

    Args:
        table: name of the table, or "schema.table".
        columns: column of each of `FIELDS`; None means that the collector does not keep it.
        named: fields whose column the scenario names; a column that is named must exist.
        kind: "sqlite", "database", "csv", "jsonl" or "http".
        query: a SELECT that gives the rows, in the order of storing, in the place of the table.
        gaps: table of `Gap`s.
        health: table of `Health`.
    """

    table: str = "ratings"
    columns: Mapping[str, str | None] = field(default_factory=lambda: {name: name for name in FIELDS})
    named: frozenset[str] = frozenset()
    kind: str = "sqlite"
    query: str | None = None
    gaps: str = "gaps"
    health: str = "health"

    @classmethod
    def of(cls, mapping: Any = None) -> Mapped:
        """Make one from a scenario's records, from a dict `{"table": ..., "columns": {...}}`, or from nothing.

        Raises:
            RecordsError: a field is not one of `FIELDS`.
        """
        if isinstance(mapping, cls):
            return mapping
        if mapping is None:
            return cls()
        from_file = not isinstance(mapping, Mapping)
        if from_file:  # a pydantic model: what the file named is what was set
            mapping = mapping.model_dump(exclude_unset=True)
        given: Mapping[str, str | None] = mapping.get("columns") or {}
        unknown = [
            f"  {name!r} is not a field of a record{meant(name, FIELDS)}" for name in given if name not in FIELDS
        ]
        if unknown:
            raise RecordsError("\n".join(["[records] columns:", *unknown, f"  the fields are {', '.join(FIELDS)}"]))
        named = frozenset(
            name for name, column in given.items() if column is not None and (from_file or column != name)
        )
        return cls(
            mapping.get("table") or "ratings",
            {name: given.get(name, name) for name in FIELDS},
            named,
            mapping.get("kind") or "sqlite",
            mapping.get("query"),
            mapping.get("gaps") or "gaps",
            mapping.get("health") or "health",
        )


def read(url_or_path: str | Path, mapping: Any = None) -> Rows:
    """Read what the collector stored.

    Args:
        url_or_path: SQLite file, SQLAlchemy URL ("sqlite:///ratings.db", "postgresql+psycopg://..."), CSV or JSON Lines
            file.
        mapping: `Mapped`, the scenario's `records`, or a dict of that shape; None for the default table.

    Returns:
        All rows in the order of storing: by rowid in SQLite, by the primary key elsewhere, line by line in files, else
        as they come.

    Raises:
        RecordsError: there is nothing, or no such table, columns that are not there, a file with damage, or the
            database refuses.
    """
    from bench.records.source import read_from

    return read_from(url_or_path, Mapped.of(mapping))


def scalar(value: Any) -> Scalar:
    """A stored value as JSON can say it, without losing what was stored."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        whole = value.is_finite() and value == value.to_integral_value() and abs(value) < 1 << 53
        return int(value) if whole else scalar(float(value))
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return f"0x{bytes(value).hex()}"
    if isinstance(value, uuid.UUID):
        return str(value)
    return repr(value)


def meant(name: str, known: Iterable[str]) -> str:
    """What was meant by a name that is not known, as the end of a sentence; empty when nothing is like it."""
    known = list(known)
    folded = {other.casefold(): other for other in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    inside = [other for other in known if name.casefold() in other.casefold() or other.casefold() in name.casefold()]
    guess = folded[near[0]] if near else (inside[0] if inside else "")
    return f" (did you mean {guess!r}?)" if guess else ""
