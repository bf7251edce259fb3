"""Where the house keeps its records: SQLAlchemy Core, SQLite by default.

One `commit` is one transaction; when it returns the rows are on the disk (SQLite: in the write-ahead log, which a crash
of the program does not lose). A rating is identified by (device, epoch, seq): storing it again changes nothing and is
told, so that events read twice, also across a restart of the controller, are in the table once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from bench.controller.rows import Row, StoreFailed

__all__ = ["METADATA", "Store", "StoreFailed"]

METADATA = MetaData()

RATINGS = Table(
    "ratings",
    METADATA,
    Column("device", String(40), nullable=False),
    Column("clerk", String(40)),
    Column("ticket", String(8)),
    Column("value", Integer, nullable=False),
    Column("at", Float(53), nullable=False, comment="Unix seconds of the press, by the keypad's clock"),
    Column("epoch", Integer),
    Column("seq", Integer),
    Column("stored_at", Float(53), nullable=False, comment="Unix seconds of the commit"),
    UniqueConstraint("device", "epoch", "seq"),
)
TICKETS = Table(
    "tickets",
    METADATA,
    Column("ticket", String(8), nullable=False),
    Column("errand", String(200), nullable=False),
    Column("kiosk", String(40), nullable=False),
    Column("issued_at", Float(53), nullable=False),
    Column("confirmed_at", Float(53), comment="Unix seconds at which the printer confirmed it; empty until then"),
    UniqueConstraint("ticket", "issued_at"),
)
CALLS = Table(
    "calls",
    METADATA,
    Column("ticket", String(8), nullable=False),
    Column("counter", Integer, nullable=False),
    Column("clerk", String(40)),
    Column("at", Float(53), nullable=False),
)

_CONFIRM = update(TICKETS)
_INSERT = {table.name: insert(table) for table in METADATA.sorted_tables}


class Store:
    """An open database.

    Args:
        url: an SQLAlchemy URL, e.g. "sqlite:///records.sqlite"; for a path that may have any characters in it, the
            object (`URL.create("sqlite", database=path)`).

    Raises:
        StoreFailed: it cannot be opened, or its tables cannot be made.
    """

    def __init__(self, url: str | URL) -> None:
        self.url = url.render_as_string() if isinstance(url, URL) else url
        try:
            self._engine = _engine(url)
            METADATA.create_all(self._engine)
            self._connection: Connection = self._engine.connect()
        except (SQLAlchemyError, ImportError, OSError) as failure:
            raise StoreFailed(f"the records at {self.url} cannot be opened: {_short(failure)}") from failure

    def commit(self, rows: Sequence[Row]) -> Collection[int]:
        """Store rows in one transaction.

        Args:
            rows: (table, column -> value). A ticket that was stored before gets its `confirmed_at`.

        Returns:
            The places in `rows` of ratings that were stored before; these are left as they were.

        Raises:
            StoreFailed: nothing was stored.
        """
        try:
            with self._connection.begin():
                for table, row in rows:
                    self._put(table, row)
            return ()
        except IntegrityError:
            return self._commit_singly(rows)
        except (SQLAlchemyError, OSError) as failure:
            raise StoreFailed(f"{len(rows)} rows were not stored at {self.url}: {_short(failure)}") from failure

    __call__ = commit

    def close(self) -> None:
        """Close the database; a SQLite file is left without its write-ahead log."""
        self._connection.close()
        self._engine.dispose()

    def _commit_singly(self, rows: Sequence[Row]) -> Collection[int]:
        """Some row is there already: find out which, still in one transaction."""
        known: list[int] = []
        try:
            with self._connection.begin():
                for place, (table, row) in enumerate(rows):
                    try:
                        with self._connection.begin_nested():
                            self._put(table, row)
                    except IntegrityError:
                        if table != "ratings" or not self._is_stored(row):
                            raise
                        known.append(place)
        except (SQLAlchemyError, OSError) as failure:
            raise StoreFailed(f"{len(rows)} rows were not stored at {self.url}: {_short(failure)}") from failure
        return known

    def _is_stored(self, row: Mapping[str, Any]) -> bool:
        same = (RATINGS.c[name] == row[name] for name in ("device", "epoch", "seq"))
        return self._connection.execute(select(RATINGS.c.seq).where(*same)).first() is not None

    def _put(self, table: str, row: Mapping[str, Any]) -> None:
        if table == "tickets" and row["confirmed_at"] is not None:
            which = (TICKETS.c.ticket == row["ticket"]) & (TICKETS.c.issued_at == row["issued_at"])
            if self._connection.execute(_CONFIRM.where(which).values(confirmed_at=row["confirmed_at"])).rowcount:
                return
        self._connection.execute(_INSERT[table], row)


def _engine(url: str | URL) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url)
    # One connection for good: the bench uses it from whichever thread drives the clock, one at a time.
    # A locked file is not waited for: the event stays in its device and is stored with the next attempt.
    arguments = {"check_same_thread": False, "timeout": 0.1}
    engine = create_engine(url, poolclass=StaticPool, connect_args=arguments)
    event.listen(engine, "connect", _tune_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _tune_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # Python's own idea of when to BEGIN leaves savepoints outside transactions
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _short(failure: BaseException) -> str:
    """The database's own sentence, without the statement and the link that SQLAlchemy adds."""
    return str(getattr(failure, "orig", None) or failure).splitlines()[0]
