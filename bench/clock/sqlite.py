"""SQLite between actors: who finds a database locked waits in simulated time, as its busy handler would in real time.

Only one actor runs, so an actor that slept in SQLite's own busy handler would keep from running the one that holds the
lock: after five real seconds the error "database is locked" would come, which the program does not have. The busy
handler of each connection is one of ours, with SQLite's own delays, set through the C interface; SQLite decides when to
call it, so a deadlock between two upgrades of a read transaction is an error at once, as it really is. Where the C
interface cannot be reached the statement is tried again instead.
"""

from __future__ import annotations

import ctypes
import itertools
import sqlite3
import sys
import weakref
from collections.abc import Callable
from typing import Any, Final

from bench.clock.actors import Actor, Buried
from bench.clock.kernel import Kernel, virtual

DELAYS_MS: Final = (1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100)
"""SQLite's waits between two tries (sqliteDefaultBusyCallback)."""

_BUSY_CODES: Final = {5}
"""SQLITE_BUSY; its extended codes are no matter of waiting."""

MS: Final = 1_000_000
_REAL: Final[Callable[..., Any]] = sqlite3.connect


def _c_interface() -> Any:
    """`sqlite3_busy_handler` of the library that Python's module uses; None where it cannot be found."""
    if sys.implementation.name != "cpython" or sys.version_info[:2] > (3, 14):
        return None  # where the connection's handle is kept is only known for these
    try:
        import _sqlite3

        function = ctypes.CDLL(_sqlite3.__file__).sqlite3_busy_handler
    except (ImportError, OSError, AttributeError):
        return None
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    return function


_SET_HANDLER: Final = _c_interface()


class _Busy:
    """How long one connection waits for a lock, and what became of a wait that was broken off."""

    __slots__ = ("guarded", "kernel", "key", "pending", "timeout")

    def __init__(self, kernel: Kernel, timeout: float) -> None:
        self.kernel = kernel
        self.timeout = round(max(0.0, timeout) * 1000)
        self.key = next(_keys)
        self.pending: BaseException | None = None
        self.guarded = 0
        _BUSY[self.key] = self

    def wait(self, count: int) -> bool:
        """One wait of the handler; False when the time-out has come or the wait was broken off."""
        last = len(DELAYS_MS) - 1
        prior = sum(DELAYS_MS[:count]) if count <= last else sum(DELAYS_MS) + (count - last - 1) * DELAYS_MS[last]
        delay = min(DELAYS_MS[min(count, last)], self.timeout - prior)
        kernel = virtual()
        if delay <= 0 or kernel is not self.kernel or not self.guarded:
            return False
        me = kernel.actor
        deadline = kernel.clockwork.now + delay * MS
        before, me.unwinds = me.unwinds, True
        try:
            while kernel.park(deadline, "a lock of a database") and kernel.clockwork.now < deadline:
                pass
        except BaseException as exc:  # it cannot pass through SQLite: raised again when that has returned
            self.pending = exc
            return False
        finally:
            me.unwinds = before
        return True


_keys = itertools.count(1)
_BUSY: dict[int, _Busy] = {}


def _on_busy(key: int | None, count: int) -> int:
    busy = _BUSY.get(key or 0)
    return int(busy is not None and busy.wait(count))


_CALLBACK: Final = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)(_on_busy)


class _Cursor(sqlite3.Cursor):
    """A cursor whose statements wait in simulated time."""

    def execute(self, sql: str, *args: Any) -> Any:
        """As `sqlite3.Cursor.execute`."""
        connection: Any = self.connection
        result = connection._guard(super().execute, sql, *args)  # noqa: SLF001
        if "busy_timeout" in sql:
            connection._take_timeout(super().execute)  # noqa: SLF001
        return result

    def executemany(self, sql: str, parameters: Any) -> Any:
        """As `sqlite3.Cursor.executemany`."""
        return self.connection._guard(super().executemany, sql, parameters)  # type: ignore[attr-defined]  # noqa: SLF001

    def executescript(self, script: str) -> Any:
        """As `sqlite3.Cursor.executescript`."""
        return self.connection._guard(super().executescript, script)  # type: ignore[attr-defined]  # noqa: SLF001


class HallConnection(sqlite3.Connection):
    """A connection that an actor opened."""

    _busy: _Busy

    def _join_hall(self, kernel: Kernel, timeout: float) -> None:
        self._busy = _Busy(kernel, timeout)
        weakref.finalize(self, _BUSY.pop, self._busy.key, None)
        self._set_handler()
        _closer(kernel.actor).connections.add(self)

    def _set_handler(self) -> None:
        if _SET_HANDLER is not None:
            handle = ctypes.c_void_p.from_address(id(self) + object.__basicsize__).value
            _SET_HANDLER(handle, _CALLBACK, self._busy.key)

    def _take_timeout(self, execute: Callable[..., Any]) -> None:
        """`PRAGMA busy_timeout = N` has put SQLite's own handler in the place of ours."""
        cursor = execute("PRAGMA busy_timeout")
        row = cursor.fetchone()
        if row and row[0]:
            self._busy.timeout = int(row[0])
            self._set_handler()

    def _guard(self, call: Callable[..., Any], *args: Any) -> Any:
        """Call into SQLite; what broke a wait in it off is raised when it has returned."""
        busy = self.__dict__.get("_busy")
        if busy is None:
            return call(*args)
        busy.guarded += 1
        count, changes = 0, self.total_changes
        try:
            while True:
                try:
                    return call(*args)
                except sqlite3.OperationalError as exc:
                    if busy.pending is not None:
                        pending, busy.pending = busy.pending, None
                        raise pending from None
                    if _SET_HANDLER is not None or exc.sqlite_errorcode not in _BUSY_CODES:
                        raise
                    if self.total_changes != changes or not busy.wait(count):
                        raise
                    count += 1
        except Buried:
            busy.guarded = 0
            busy.kernel.rest_in_peace()
        finally:
            busy.guarded = max(0, busy.guarded - 1)

    def cursor(self, factory: Any = None) -> Any:
        """As `sqlite3.Connection.cursor`."""
        return super().cursor(_Cursor if factory is None else factory)

    def execute(self, *args: Any) -> Any:
        """As `sqlite3.Connection.execute`."""
        return self.cursor().execute(*args)

    def executemany(self, *args: Any) -> Any:
        """As `sqlite3.Connection.executemany`."""
        return self.cursor().executemany(*args)

    def executescript(self, script: str) -> Any:
        """As `sqlite3.Connection.executescript`."""
        return self.cursor().executescript(script)

    def commit(self) -> None:
        """As `sqlite3.Connection.commit`."""
        self._guard(super().commit)

    def __exit__(self, *args: object) -> Any:
        return self._guard(super().__exit__, *args)

    def backup(self, target: Any, **kwargs: Any) -> None:
        """As `sqlite3.Connection.backup`."""
        self._guard(lambda: super(HallConnection, self).backup(target, **kwargs))


class _Closer:
    """What closes an actor's connections, without a commit, when it is buried."""

    def __init__(self) -> None:
        self.connections: weakref.WeakSet[HallConnection] = weakref.WeakSet()

    def __call__(self) -> None:
        for connection in list(self.connections):
            if not connection._busy.guarded:  # noqa: SLF001 - SQLite itself is on the stack below us
                connection.close()


def _closer(actor: Actor) -> _Closer:
    for task in actor.at_burial:
        if isinstance(task, _Closer):
            return task
    closer = _Closer()
    actor.at_burial.insert(0, closer)
    return closer


_classes: dict[type, type] = {sqlite3.Connection: HallConnection}


class _Connect:
    """Stand-in for `sqlite3.connect`."""

    __name__ = __qualname__ = "connect"

    def __call__(self, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        kernel = virtual()
        if kernel is None:
            return _REAL(*args, **kwargs)  # type: ignore[no-any-return]
        given = (
            dict(
                zip(
                    (
                        "database",
                        "timeout",
                        "detect_types",
                        "isolation_level",
                        "check_same_thread",
                        "factory",
                        "cached_statements",
                        "uri",
                    ),
                    args,
                    strict=False,
                )
            )
            | kwargs
        )
        timeout = float(given.pop("timeout", 5.0))
        factory = given.pop("factory", sqlite3.Connection)
        if isinstance(factory, type) and factory not in _classes:
            _classes[factory] = type(factory.__name__, (factory, HallConnection), {})
        # The real time-out is none: SQLite must never sleep while it holds the baton.
        connection = _REAL(**given, timeout=0, factory=_classes.get(factory, factory))
        if isinstance(connection, HallConnection):
            connection._join_hall(kernel, timeout)  # noqa: SLF001
        return connection  # type: ignore[no-any-return]


def stand_ins() -> dict[int, Any]:
    """id(real thing) -> stand-in."""
    return {id(_REAL): _Connect()}
