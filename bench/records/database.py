"""Ratings in a database: a SQLite file, or whatever SQLAlchemy has a driver for (PostgreSQL first of all).

The database is only read: SQLite is opened read-only, PostgreSQL in a read-only transaction, and a query of the
scenario's must be a SELECT.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from bench.judge.records import Gap, Health, Mapped, RecordsError, Row, Rows, meant, scalar
from bench.records.columns import find_columns
from bench.records.secrets import hide

__all__ = ["find_table", "missing_file", "read_database"]

_MAGIC: Final = b"SQLite format 3\x00"

Told = TypeVar("Told", Gap, Health)


def read_database(url_or_path: str | Path, mapped: Mapped) -> Rows:
    """Read the ratings of a database.

    Args:
        url_or_path: SQLite file, or SQLAlchemy URL.
        mapped: table or query, and columns.

    Raises:
        RecordsError: it cannot be read so; holds no password.
    """
    url = _url(url_or_path)
    source = hide(url.render_as_string(hide_password=True))
    try:
        engine = sa.create_engine(_read_only(url), poolclass=sa.NullPool)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise RecordsError(
            f"{source}: there is no driver for it here ({_plain(error, url)}); install the driver (PostgreSQL: "
            "pip install 'hallbench[postgres]'), or give a SQLite file"
        ) from None
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":  # text that is no UTF-8 is a finding, not the end of the reading
                driver: Any = connection.connection.driver_connection
                driver.text_factory = lambda text: text.decode("utf-8", "backslashreplace")
            elif connection.dialect.name == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)
            return _read(connection, mapped, source)
    except SQLAlchemyError as error:
        # the driver's own message and its causes may quote the whole address: they are not chained
        raise RecordsError(
            f"{source}: the database refuses to be read: {_plain(error, url)}. If a program still holds it, end that "
            "program; if it is damaged, look at it with the database's own tool"
        ) from None
    finally:
        engine.dispose()


def _plain(error: BaseException, url: sa.URL) -> str:
    """What went wrong, in the driver's words, without the password."""
    text = hide(str(error.orig) if isinstance(error, DBAPIError) else str(error)).strip()
    password = str(url.password or "")
    for secret in (password, quote(password, safe="")):
        if secret:
            text = text.replace(secret, "***")
    return text


def _url(text: str | Path) -> sa.URL:
    if isinstance(text, Path) or "://" not in text:
        return sa.URL.create("sqlite", database=str(text))
    try:
        return sa.make_url(text)
    except (ArgumentError, ValueError) as error:
        raise RecordsError(
            f"{hide(text)!r} is not a database: expected a SQLite file or a URL such as sqlite:///ratings.db "
            f"({hide(str(error))})"
        ) from None


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
        raise missing_file(path, "database") from error
    except OSError as error:
        raise RecordsError(f"{path}: cannot be read ({error.strerror}); expected a SQLite file") from error
    if not begin:
        raise RecordsError(f"{path}: the file is empty: the collector opened it and never made a table")
    if begin != _MAGIC:
        raise RecordsError(
            f"{path}: this is not a SQLite database (it begins with {begin[:16]!r}); for CSV or JSON Lines say so in "
            'the scenario under [records], e.g. kind = "csv"'
        )
    return sa.URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})


def missing_file(path: Path, what: str) -> RecordsError:
    """The error for a file that is not there, with what is there instead."""
    beside = sorted(p.name for p in path.parent.iterdir())[:8] if path.parent.is_dir() else []
    found = f"the folder has {', '.join(beside)}" if beside else "its folder is empty or missing"
    return RecordsError(
        f"{path}: there is no such {what}; {found}. Expected the file that the collector writes its ratings to: "
        "it is told where in HALLBENCH_RECORDS and {records}"
    )


def _read(connection: sa.Connection, mapped: Mapped, source: str) -> Rows:
    inspector = sa.inspect(connection)
    gaps = _told(connection, inspector, mapped.gaps, Gap)
    health = _told(connection, inspector, mapped.health, Health)
    if mapped.query is not None:
        result = connection.execute(_select(mapped.query))
        columns = find_columns(mapped, list(result.keys()), f"{source}: the query")
        places = {name: list(result.keys()).index(column) for name, column in columns.items()}
        told = ({name: row[place] for name, place in places.items()} for row in result)
        return _rows(told, f"{source} query", columns, "query", gaps, health)
    schema, table = find_table(inspector, mapped, source)
    found = [str(column["name"]) for column in inspector.get_columns(table, schema=schema)]
    columns = find_columns(mapped, found, f"{source}: table {table!r}")
    order = _order(connection, inspector, table, schema, columns)
    chosen: Any = sa.select(*(sa.column(column).label(name) for name, column in columns.items()))
    query = chosen.select_from(sa.table(table, schema=schema))
    if order is not None:
        query = query.order_by(sa.column(order))
    told = (dict(zip(columns, row, strict=True)) for row in connection.execute(query))
    return _rows(told, f"{source} table {table}", columns, order, gaps, health)


def _rows(told: Any, source: str, fields: Mapping[str, str], order: str | None, gaps: Any, health: Any) -> Rows:
    rows = (Row(n, **{name: scalar(value) for name, value in row.items()}) for n, row in enumerate(told, 1))
    return Rows(rows, source=source, fields=fields, order=order, gaps=gaps, health=health)


def _select(query: str) -> sa.TextClause:
    """The scenario's query; one that is no SELECT is refused before the database sees it."""
    text = query.strip().rstrip(";")
    first = text.split(None, 1)[0].lower() if text else ""
    if first not in ("select", "with") or ";" in text:
        raise RecordsError(
            f"[records] query begins with {first!r}: expected one SELECT whose columns are "
            "those of [records] columns, in the order of storing"
        )
    return sa.text(text.replace(":", r"\:"))


def find_table(inspector: sa.Inspector, mapped: Mapped, source: str) -> tuple[str | None, str]:
    """Schema and name of the table of ratings; the case of letters does not matter where only one fits.

    Raises:
        RecordsError: there is none; names those that there are.
    """
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
        f"{source}: there is no table {mapped.table!r}{meant(name, tables)}\n"
        f"  tables found: {', '.join(sorted(tables))}\n"
        "  name the right one in the scenario under [records] table"
    )


def _told(connection: sa.Connection, inspector: sa.Inspector, table: str, shape: type[Told]) -> tuple[Told, ...] | None:
    """What a collector tells of gaps or health; None where it has no table for it with those columns."""
    schema, _, name = table.rpartition(".")
    if not inspector.has_table(name, schema=schema or None):
        return None
    found = {str(column["name"]) for column in inspector.get_columns(name, schema=schema or None)}
    wanted = [field for field in shape._fields[1:] if field in found]
    if "device" not in wanted or "at" not in wanted:
        return None
    chosen: Any = sa.select(*(sa.column(column) for column in wanted))
    query = chosen.select_from(sa.table(name, schema=schema or None))
    order = _order(connection, inspector, name, schema or None, {})
    query = query.order_by(sa.column(order if order is not None else "at"))
    return tuple(
        shape(n, **{key: scalar(value) for key, value in zip(wanted, row, strict=True)})
        for n, row in enumerate(connection.execute(query), 1)
    )


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
