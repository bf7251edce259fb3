"""The fault `sink_failure` where a program's records are: nobody can write there for a while (conformance.md 4.6, N39).

| records | what happens | what the program sees |
| --- | --- | --- |
| a SQLite file | another connection holds the file's write lock | "database is locked", after its own patience |
| PostgreSQL | another session holds the table's EXCLUSIVE lock | it waits; with `lock_timeout` it gets SQLSTATE 55P03 |
| a text file, program in this process | the disk is full (`full_disk`) | `OSError` ENOSPC where it writes |
| a text file, program elsewhere | a folder stands in the file's place | EISDIR where it opens the file |

The HTTP sink has a lock of its own (`bench.records.intake`). A lock ends with the bench that holds it, whatever becomes
of that, and nothing is ever written.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bench.faults.acts import Busy, CannotStrike
from bench.faults.full_disk import FullDisk
from bench.judge.records import Mapped, RecordsError
from bench.records.secrets import hide
from bench.records.source import place_of

__all__ = ["LOCK_TIMEOUT", "RecordsLock", "lock_of"]

LOCK_TIMEOUT: Final = "PGOPTIONS", "-c lock_timeout=5ms"
"""Variable of the environment for a program whose statements wait in real time while simulated time stands still: a
statement that finds its table locked is given up after this, in real time."""

_TEXT: Final = frozenset({"csv", "jsonl"})


class RecordsLock:
    """Keeps everybody from writing where a program stores its ratings.

    Args:
        where: the file, or a function that gives it (or a database's URL) when it is needed.
        mapped: the scenario's `[records]`, or what `Mapped.of` makes one of; None for the default.
        inside: the program runs in this process, between the ends of `installed`.
    """

    def __init__(self, where: Callable[[], str | Path], mapped: Any = None, *, inside: bool = False) -> None:
        self._where = where
        self._mapped = Mapped.of(mapped)
        self._full = FullDisk() if inside and self._mapped.kind in _TEXT else None
        self._held: list[Callable[[], Any]] = []
        self.env: Mapping[str, str] = dict([LOCK_TIMEOUT]) if inside and self._mapped.kind == "database" else {}
        """For the environment of the program."""

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Be ready for the length of a block; whatever is held is let go at its end."""
        with self._full.installed(Path(self._where())) if self._full is not None else contextlib.nullcontext():
            try:
                yield
            finally:
                self(False)

    def __call__(self, locked: bool) -> None:
        """Lock, or let go.

        Raises:
            Busy: somebody writes there at this very moment.
            CannotStrike: it cannot be locked; says why.
        """
        while self._held:
            self._held.pop()()
        if not locked:
            return
        where = self._where()
        if isinstance(where, str) and "://" in where and not where.startswith("sqlite:///"):
            self._held.append(_database(where, self._mapped))
            return
        path = Path(where.removeprefix("sqlite:///") if isinstance(where, str) else where)
        if self._full is not None:
            self._full.full = True
            self._held.append(self._full.empty)
        elif self._mapped.kind in _TEXT or path.suffix.lower() in (".csv", ".tsv", ".jsonl", ".ndjson"):
            self._held.append(_in_its_place(path))
        else:
            self._held.append(_sqlite(path))


def lock_of(records: Any, folder: Path, *, inside: bool) -> RecordsLock | None:
    """The lock for the records of a run in `folder`; None for those that the bench itself takes (`http`).

    Args:
        records: the scenario's `[records]`.
        folder: the run directory.
        inside: the program runs in this process.
    """
    if records.kind == "http":
        return None
    return RecordsLock(lambda: place_of(records, folder), records, inside=inside)


def _sqlite(path: Path) -> Callable[[], Any]:
    if not path.is_file():
        raise CannotStrike(f"there is no SQLite file {path.name} of the program's yet that could be locked")
    # the class and not `connect`, which in simulated time makes a connection that ends with the calling program;
    # whichever thread moves the clock lets go of it again
    held = sqlite3.Connection(str(path), timeout=0, isolation_level=None, check_same_thread=False)
    try:
        try:
            held.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:  # somebody reads it: then writing alone is kept from them
            held.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        held.close()
        kind = Busy if getattr(error, "sqlite_errorcode", 0) in (5, 6) else CannotStrike
        raise kind(f"{path.name} cannot be locked: {error}") from error
    return held.close


def _database(url: str, mapped: Mapped) -> Callable[[], Any]:
    import sqlalchemy as sa
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    from bench.records.database import find_table

    shown = hide(url)
    if mapped.query is not None:
        raise CannotStrike("[records] has a query, so which table the program writes to is not known")
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        if engine.dialect.name != "postgresql":
            raise CannotStrike(f"how to lock a table of {engine.dialect.name} is not known here, only of PostgreSQL")
        connection = engine.connect()
    except (SQLAlchemyError, ImportError) as error:
        raise CannotStrike(f"{shown} cannot be reached to be locked: {hide(str(error)).splitlines()[0]}") from None
    try:
        schema, table = find_table(sa.inspect(connection), mapped, shown)
        quote = connection.dialect.identifier_preparer.quote
        named = ".".join(quote(part) for part in (schema, table) if part)
        connection.execute(sa.text(f"LOCK TABLE {named} IN EXCLUSIVE MODE NOWAIT"))
    except RecordsError as error:
        connection.close()
        raise CannotStrike(str(error).splitlines()[0]) from None
    except SQLAlchemyError as error:
        connection.close()
        taken = isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") == "55P03"
        told = hide(str(getattr(error, "orig", error))).splitlines()[0]
        raise (Busy if taken else CannotStrike)(f"{mapped.table} cannot be locked: {told}") from None
    return connection.close


def _in_its_place(path: Path) -> Callable[[], Any]:
    """A folder in the place of a text file: nobody can open it, whoever they are, and what is in it waits beside it.

    A program that holds the file open would go on writing to it: that cannot be kept from outside.
    """
    away = path.with_name(f"{path.name}.away")
    if path.is_file():
        holder = _writer_of(path)
        if holder:
            raise CannotStrike(
                f"process {holder} holds {path.name} open; what a program of its own holds open cannot be made to fail"
            )
        path.rename(away)
    try:
        path.mkdir()
    except OSError as error:
        if away.is_file():
            away.rename(path)
        raise CannotStrike(f"{path.name} cannot be kept from the program: {error.strerror}") from error

    def back() -> None:
        with contextlib.suppress(OSError):
            path.rmdir()
        if away.is_file():
            away.rename(path)

    return back


def _writer_of(path: Path) -> str:
    """A process that has the file open, as far as Linux tells; "" for none."""
    try:
        processes = [folder for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    except OSError:
        return ""
    for folder in processes:
        with contextlib.suppress(OSError):
            for descriptor in (folder / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if descriptor.samefile(path):
                        return folder.name
    return ""
