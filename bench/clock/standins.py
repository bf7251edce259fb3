"""Thread-dispatched stand-ins for all in a collector that has to do with time.

Installed once, a stand-in asks "is this thread a kernel's actor?" and otherwise calls the real function, so pytest,
log handlers and the rest of the process keep real time. They are objects, not functions: `class Timeout: TIME =
time.monotonic` (pyserial) must not turn them into methods. Names bound early (`from time import monotonic`, that
`TIME`) are found by identity in every loaded module and its classes. Calendar time (`datetime.now()`, `localtime()`,
`strftime()`) goes through time-machine's C hooks with its clock replaced by ours (virtual-time.md section 2 and
pitfalls 1, 6, 11).

Here are the clocks and the assembly; locks, threads, descriptors, sockets, event loops and SQLite have modules of their
own beside this one. docs/virtual_time.md says what is virtual and what is not.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from bench.clock import descriptors, locks, loop, real_io, sockets, sqlite, threads
from bench.clock.kernel import Clock, current
from firmware_sim.device import NS

REAL: dict[str, Callable[..., Any]] = {
    name: getattr(time, name)
    for name in (
        "sleep",
        "time",
        "time_ns",
        "monotonic",
        "monotonic_ns",
        "perf_counter",
        "perf_counter_ns",
        "clock_gettime",
        "clock_gettime_ns",
        "ctime",
        "asctime",
    )
    if hasattr(time, name)
}
"""The real functions, for the bench's own watchdogs and progress."""

_CALENDAR = {getattr(time, "CLOCK_REALTIME", None)}
_STEADY = {getattr(time, name, None) for name in ("CLOCK_MONOTONIC", "CLOCK_MONOTONIC_RAW", "CLOCK_BOOTTIME")}

_RULES: dict[str, Callable[[Clock], Any]] = {
    "time": lambda clock: clock.unix_ns() / NS,
    "time_ns": lambda clock: clock.unix_ns(),
    "monotonic": lambda clock: clock.now_ns() / NS,
    "monotonic_ns": lambda clock: clock.now_ns(),
    "perf_counter": lambda clock: clock.now_ns() / NS,
    "perf_counter_ns": lambda clock: clock.now_ns(),
}


class _Clock:
    """Stand-in for one clock function of `time`."""

    def __init__(self, name: str) -> None:
        self.__name__ = self.__qualname__ = name
        self.__doc__ = REAL[name].__doc__
        self._rule = _RULES[name]
        self._real = REAL[name]

    def __call__(self) -> Any:
        kernel = current()
        return self._real() if kernel is None else self._rule(kernel)


class _Sleep:
    """Stand-in for `time.sleep`."""

    __name__ = __qualname__ = "sleep"

    def __call__(self, seconds: float) -> None:
        kernel = current()
        if kernel is None:
            REAL["sleep"](seconds)
        else:
            kernel.sleep(seconds)


class _Written:
    """Stand-in for `time.ctime` and `time.asctime`, which write the present when they are given no instant."""

    def __init__(self, name: str, present: Callable[[Clock], Any]) -> None:
        self.__name__ = self.__qualname__ = name
        self._present = present

    def __call__(self, instant: Any = None) -> str:
        kernel = current()
        if instant is None and kernel is not None:
            instant = self._present(kernel)
        return str(REAL[self.__name__](*(() if instant is None else (instant,))))


class _GetTime:
    """Stand-in for `time.clock_gettime` (scale 1e9) and `clock_gettime_ns` (scale 1)."""

    def __init__(self, name: str, scale: int) -> None:
        self.__name__ = self.__qualname__ = name
        self._scale = scale

    def __call__(self, clock: int) -> Any:
        kernel = current()
        if kernel is not None and clock in _CALENDAR:
            return kernel.unix_ns() / self._scale if self._scale > 1 else kernel.unix_ns()
        if kernel is not None and clock in _STEADY:
            return kernel.now_ns() / self._scale if self._scale > 1 else kernel.now_ns()
        return REAL[self.__name__](clock)


def _stand_ins() -> dict[str, Any]:
    table: dict[str, Any] = {name: _Clock(name) for name in _RULES}
    table["sleep"] = _Sleep()
    table["ctime"] = _Written("ctime", lambda kernel: kernel.unix_ns() / NS)
    table["asctime"] = _Written("asctime", lambda kernel: time.localtime(kernel.unix_ns() / NS))
    if "clock_gettime" in REAL:
        table["clock_gettime"] = _GetTime("clock_gettime", NS)
        table["clock_gettime_ns"] = _GetTime("clock_gettime_ns", 1)
    return table


_LEFT_ALONE = ("bench.clock.", "time_machine", "_time_machine")
"""Beginnings of the names of modules that have the real functions."""

_TYPE_NAMES = {"LockType", "_LockType", "lock"}
"""Names that mean the type, not "make me one" (3.13 has one object for both)."""


def _swap(table: dict[int, Any]) -> list[tuple[Any, str, Any]]:
    """Replace every name of a module, or of a class in one, that is one of the keys (by identity).

    Returns:
        What was there: (module or class, name, value).
    """
    done: list[tuple[Any, str, Any]] = []
    wanted = frozenset(table)
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if not isinstance(names, dict) or str(getattr(module, "__name__", "")).startswith(_LEFT_ALONE):
            continue
        owners = [module, *(v for v in list(names.values()) if isinstance(v, type) and _home(v) == module.__name__)]
        for owner in owners:
            if wanted.isdisjoint(map(id, vars(owner).values())):  # nearly all: ten times quicker than the loop
                continue
            for name, value in list(vars(owner).items()):
                stand_in = table.get(id(value))
                if stand_in is not None and name not in _TYPE_NAMES:
                    done.append((owner, name, value))
                    setattr(owner, name, stand_in)
    return done


def _home(cls: type) -> str:
    return str(getattr(cls, "__module__", ""))


FORGET: dict[str, Callable[[Any], Any]] = {
    "minimalmodbus": lambda module: (module._latest_read_times.clear(), module._serialports.clear()),  # noqa: SLF001
    "modbus_tk.modbus_tcp": lambda module: setattr(module.TcpQuery, "_last_transaction_id", 0),
}
"""Module -> clears what it would carry from one world into the next (pitfall 2)."""


def forget() -> None:
    """Clear third parties' module state that would carry one world's instants into the next."""
    for name, clear in FORGET.items():
        module = sys.modules.get(name)
        if module is not None:
            with suppress(AttributeError):  # another version keeps it elsewhere
                clear(module)


_depth = 0
_WHOLE = threading.Lock()


@contextmanager
def installed() -> Iterator[None]:
    """Keep the stand-ins in place for the block; cheap when they are in place already.

    Install before a collector's modules are imported: locks that they make at import would be native else (those they
    keep under a name in a module or class are found).
    """
    global _depth
    forget()
    with _WHOLE:
        _depth += 1
        if _depth == 1:
            _kept.enter_context(_in_place())
    try:
        yield
    finally:
        with _WHOLE:
            _depth -= 1
            if _depth == 0:
                _kept.close()


_kept = ExitStack()


@contextmanager
def _in_place() -> Iterator[None]:
    import time_machine  # noqa: F401 - it takes the real functions when it is imported, and must not find ours

    table = _stand_ins()
    by_identity = {id(REAL[name]): stand_in for name, stand_in in table.items()}
    by_identity |= locks.stand_ins()
    by_identity |= sqlite.stand_ins()
    done = _swap(by_identity)
    done += locks.wrap_module_locks(_keeps_native_locks)
    with ExitStack() as stack:
        stack.callback(_put_back, done, {id(stand_in): REAL[name] for name, stand_in in table.items()})
        stack.enter_context(_calendar())
        for part in (threads, descriptors, sockets, loop, real_io):
            stack.enter_context(part.installed())
        yield


def _put_back(done: list[tuple[Any, str, Any]], bound_since: dict[int, Any]) -> None:
    for owner, name, value in done:
        setattr(owner, name, value)
    _swap(bound_since)


def _keeps_native_locks(module: str) -> bool:
    """Modules whose own locks are part of the machinery, held for moments and never across a wait."""
    return module.startswith(("bench.clock.", "threading", "_thread", "importlib", "_frozen"))


@contextmanager
def _calendar() -> Iterator[None]:
    """time-machine patches the C functions; its clock then asks us, thread by thread."""
    import time_machine

    traveller: Any = time_machine.travel(0, tick=False)
    real_unix_ns = time_machine.escape_hatch.time.time_ns
    trip = traveller.start()

    def unix_ns() -> int:
        kernel = current()
        return real_unix_ns() if kernel is None else kernel.unix_ns()

    trip.time_ns = unix_ns
    trip.time = lambda: unix_ns() / NS
    try:
        yield
    finally:
        traveller.stop()
