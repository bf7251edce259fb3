"""What the collector stored, read from its database as it stands there.

`read` opens the database (SQLite file or any SQLAlchemy URL) without changing it, finds the table and the columns that
the scenario's `[records]` names, and returns the rows uninterpreted. Every mistake of the mapping is told at once, with
what was found instead. What the values mean, and which of them cannot be, is `claims`' business: a wrong value is a
finding about the collector, not an error of the bench.
"""

from __future__ import annotations

import datetime as dt
import difflib
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

__all__ = ["FIELDS", "Mapped", "RecordsError", "Row", "Rows", "Scalar", "read"]

Scalar: TypeAlias = str | int | float | None
"""A value as it stands in a row: what JSON can say."""

FIELDS: Final = ("device", "clerk", "ticket", "value", "at", "epoch", "seq", "stored_at")
"""What a row can tell, in the order of a `Row`."""

OPTIONAL: Final = frozenset({"ticket", "epoch", "seq", "stored_at"})
"""Columns that may be missing, unless the scenario names them (cli.md)."""

_SQLITE_MAGIC = b"SQLite format 3\x00"


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


class Rows(list[Row]):
    """The stored ratings, in the order of storing.

    Args:
        rows: the rows.
        source: where they come from, for people; holds no password.
        fields: the columns that exist.
        order: what the order of the rows rests on ("rowid", a primary key ...); None when the database has none.
    """

    def __init__(
        self,
        rows: Iterable[Row] = (),
        *,
        source: str = "",
        fields: Iterable[str] = FIELDS,
        order: str | None = "as given",
    ) -> None:
        super().__init__(rows)
        self.source = source
        self.fields = tuple(name for name in FIELDS if name in frozenset(fields))
        self.order = order

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
                    f"record {n}: {unknown[0]!r} is not a field of a record{_meant(unknown[0], FIELDS)}; "
                    f"the fields are {', '.join(FIELDS)}"
                )
            fields.update(told)
            made.append(Row(n, **{name: _scalar(value) for name, value in told.items()}))
        return cls(made, fields=fields)


@dataclass(frozen=True, slots=True)
class Mapped:
    """Where the ratings stand in the collector's database: the scenario's `[records]`.

    Args:
        table: name of the table, or "schema.table".
        columns: column of each of `FIELDS`; None means that the collector does not keep it.
        named: fields whose column the scenario names; a column that is named must exist.
    """

    table: str = "ratings"
    columns: Mapping[str, str | None] = field(default_factory=lambda: {name: name for name in FIELDS})
    named: frozenset[str] = frozenset()

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
            f"  {name!r} is not a field of a record{_meant(name, FIELDS)}" for name in given if name not in FIELDS
        ]
        if unknown:
            raise RecordsError("\n".join(["[records] columns:", *unknown, f"  the fields are {', '.join(FIELDS)}"]))
        named = frozenset(
            name for name, column in given.items() if column is not None and (from_file or column != name)
        )
        return cls(mapping.get("table") or "ratings", {name: given.get(name, name) for name in FIELDS}, named)


def read(url_or_path: str | Path, mapping: Any = None) -> Rows:
    """Read what the collector stored.

    Args:
        url_or_path: SQLite file, or SQLAlchemy URL ("sqlite:///ratings.db", "postgresql+psycopg://...").
        mapping: `Mapped`, the scenario's `records`, or a dict of that shape; None for the default table.

    Returns:
        All rows in the order of storing: by rowid in SQLite, by the primary key elsewhere, else as they come.

    Raises:
        RecordsError: no database, no such table, columns that are not there, or the database refuses.
    """
    mapped = Mapped.of(mapping)
    url = _url(url_or_path)
    source = url.render_as_string(hide_password=True)
    try:
        engine = sa.create_engine(_read_only(url), poolclass=sa.NullPool)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise RecordsError(
            f"{source}: there is no driver for it here ({error}); install the driver (PostgreSQL: "
            "pip install 'hallbench[postgres]'), or give a SQLite file"
        ) from error
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":  # text that is no UTF-8 is a finding, not the end of the reading
                driver: Any = connection.connection.driver_connection
                driver.text_factory = lambda text: text.decode("utf-8", "backslashreplace")
            return _read(connection, mapped, source)
    except SQLAlchemyError as error:
        reason = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        raise RecordsError(
            f"{source}: the database refuses to be read: {reason}. If a program still holds it, end that program; if "
            "it is damaged, look at it with the database's own tool"
        ) from error
    finally:
        engine.dispose()


def _url(text: str | Path) -> sa.URL:
    if isinstance(text, Path) or "://" not in text:
        return sa.URL.create("sqlite", database=str(text))
    try:
        return sa.make_url(text)
    except ArgumentError as error:
        raise RecordsError(
            f"{text!r} is not a database: expected a SQLite file or a URL such as sqlite:///ratings.db ({error})"
        ) from error


def _read_only(url: sa.URL) -> sa.URL:
    """For SQLite: see that the file is there and a database, and open it so that it cannot be changed."""
    if url.get_backend_name() != "sqlite":
        return url
    database = url.database or ""
    if database.startswith("file:"):
        return url
    path = Path(database)
    if database in ("", ":memory:"):
        raise RecordsError(f"{url!s}: a database in memory ends with its program; the collector has to write a file")
    try:
        with path.open("rb") as file:
            begin = file.read(16)
    except FileNotFoundError as error:
        beside = sorted(p.name for p in path.parent.iterdir())[:8] if path.parent.is_dir() else []
        found = f"the folder has {', '.join(beside)}" if beside else "its folder is empty or missing"
        raise RecordsError(
            f"{path}: there is no such database; {found}. Expected the file that the collector writes its ratings to: "
            "it is told where in HALLBENCH_RECORDS and {records}"
        ) from error
    except OSError as error:
        raise RecordsError(f"{path}: cannot be read ({error.strerror}); expected a SQLite file") from error
    if not begin:
        raise RecordsError(f"{path}: the file is empty: the collector opened it and never made a table")
    if begin != _SQLITE_MAGIC:
        raise RecordsError(f"{path}: this is not a SQLite database (it begins with {begin[:16]!r})")
    return sa.URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})


def _read(connection: sa.Connection, mapped: Mapped, source: str) -> Rows:
    inspector = sa.inspect(connection)
    schema, table = _find_table(inspector, mapped, source)
    found = [str(column["name"]) for column in inspector.get_columns(table, schema=schema)]
    columns = _find_columns(mapped, found, table, source)
    order = _order(connection, inspector, table, schema, columns)
    chosen: Any = sa.select(*(sa.column(column).label(name) for name, column in columns.items()))
    query = chosen.select_from(sa.table(table, schema=schema))
    if order is not None:
        query = query.order_by(sa.column(order))
    empty = Row(0)
    rows = (
        empty._replace(n=n, **{name: _scalar(value) for name, value in zip(columns, row, strict=True)})
        for n, row in enumerate(connection.execute(query), 1)
    )
    return Rows(rows, source=f"{source} table {table}", fields=columns, order=order)


def _find_table(inspector: sa.Inspector, mapped: Mapped, source: str) -> tuple[str | None, str]:
    schema, _, name = mapped.table.rpartition(".")
    tables = [*inspector.get_table_names(schema=schema or None), *inspector.get_view_names(schema=schema or None)]
    if name in tables:
        return schema or None, name
    alike = [table for table in tables if table.casefold() == name.casefold()]
    if len(alike) == 1:
        return schema or None, alike[0]
    if not tables:
        raise RecordsError(f"{source}: the database has no table at all: the collector opened it and stored nothing")
    raise RecordsError(
        f"{source}: there is no table {mapped.table!r}{_meant(name, tables)}\n"
        f"  tables found: {', '.join(sorted(tables))}\n"
        "  name the right one in the scenario under [records] table"
    )


def _find_columns(mapped: Mapped, found: Sequence[str], table: str, source: str) -> dict[str, str]:
    """Field -> column, for every field that the table has."""
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
            missing.append(f"  no column {column!r} for the {_MEANING[name]}{_meant(column, found)}")
    if missing:
        raise RecordsError(
            "\n".join(
                (
                    f"{source}: table {table!r} is not as [records] columns says:",
                    *missing,
                    f"  columns found: {', '.join(found)}",
                    f"  say which is which, e.g. columns = {{ {missing_example(found)} }}",
                )
            )
        )
    if not {"device", "value"} <= columns.keys():
        raise RecordsError(
            f"{source}: without a column for the device and one for the value no rating can be recognised; "
            f"columns found: {', '.join(found)}"
        )
    return columns


_MEANING: Final = {
    "device": "device (its name or unit)",
    "clerk": "clerk (name or code)",
    "ticket": "ticket",
    "value": "value (1..5)",
    "at": "instant of the press (ISO 8601 or Unix seconds)",
    "epoch": "boot epoch",
    "seq": "sequence number",
    "stored_at": "instant of storing",
}


def missing_example(found: Sequence[str]) -> str:
    """An example of a mapping, made of columns that exist."""
    return f'device = "{found[0]}", value = "{found[-1]}"' if found else 'device = "..."'


def _order(
    connection: sa.Connection, inspector: sa.Inspector, table: str, schema: str | None, columns: Mapping[str, str]
) -> str | None:
    """The column that tells the order of storing; None if nothing does."""
    if connection.dialect.name == "sqlite" and table not in inspector.get_view_names(schema=schema):
        try:
            connection.execute(sa.select(sa.column("rowid")).select_from(sa.table(table, schema=schema)).limit(1))
        except DBAPIError:
            pass  # a table WITHOUT ROWID
        else:
            return "rowid"
    key = inspector.get_pk_constraint(table, schema=schema).get("constrained_columns") or []
    if len(key) == 1:
        return str(key[0])
    return columns.get("stored_at")


def _scalar(value: Any) -> Scalar:
    """A database value as JSON can say it, without losing what was stored."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        whole = value.is_finite() and value == value.to_integral_value() and abs(value) < 1 << 53
        return int(value) if whole else _scalar(float(value))
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return f"0x{bytes(value).hex()}"
    if isinstance(value, uuid.UUID):
        return str(value)
    return repr(value)


def _meant(name: str, known: Iterable[str]) -> str:
    known = list(known)
    folded = {other.casefold(): other for other in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    inside = [other for other in known if name.casefold() in other.casefold() or other.casefold() in name.casefold()]
    guess = folded[near[0]] if near else (inside[0] if inside else "")
    return f" (did you mean {guess!r}?)" if guess else ""
