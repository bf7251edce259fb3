"""Thread-dispatched stand-ins for the clocks of a collector.

Installed once, a stand-in asks "is this thread a kernel's actor?" and otherwise calls the real function, so pytest,
log handlers and the rest of the process keep real time. They are objects, not functions: `class Timeout: TIME =
time.monotonic` (pyserial) must not turn them into methods. Names bound early (`from time import monotonic`, that
`TIME`) are found by identity in every loaded module and its classes. Calendar time (`datetime.now()`, `localtime()`,
`strftime()`) goes through time-machine's C hooks with its clock replaced by ours (virtual-time.md section 2 and
pitfalls 1, 6, 11).

Virtual: `time.sleep`, `time`, `monotonic`, `perf_counter`, their `_ns` forms, `clock_gettime` of those clocks,
`datetime.now/utcnow/today`, `localtime`, `gmtime`, `strftime`, and time-outs of `Event`, `Condition` and `Queue` while
the collector has one thread (`bench.clock.waits`). Not virtual: threads, real sockets, subprocesses, `signal.alarm`,
`select` on real descriptors (and so asyncio), the file system's time stamps.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench.clock import waits
from bench.clock.kernel import Kernel, current
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

_RULES: dict[str, Callable[[Kernel], Any]] = {
    "time": lambda kernel: kernel.unix_ns() / NS,
    "time_ns": Kernel.unix_ns,
    "monotonic": lambda kernel: kernel.now_ns() / NS,
    "monotonic_ns": Kernel.now_ns,
    "perf_counter": lambda kernel: kernel.now_ns() / NS,
    "perf_counter_ns": Kernel.now_ns,
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

    def __init__(self, name: str, present: Callable[[Kernel], Any]) -> None:
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


def _swap(table: dict[int, Any], skip: set[str]) -> list[tuple[Any, str, Any]]:
    """Replace every name of a module, or of a class in one, that is one of the keys (by identity).

    Returns:
        What was there: (module or class, name, value).
    """
    done: list[tuple[Any, str, Any]] = []
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if not isinstance(names, dict) or getattr(module, "__name__", "") in skip:
            continue
        owners = [module, *(v for v in list(names.values()) if isinstance(v, type) and _home(v) == module.__name__)]
        for owner in owners:
            for name, value in list(vars(owner).items()):
                stand_in = table.get(id(value))
                if stand_in is not None:
                    done.append((owner, name, value))
                    setattr(owner, name, stand_in)
    return done


def _home(cls: type) -> str:
    return str(getattr(cls, "__module__", ""))


def _forget() -> None:
    """Clear third parties' module state that would carry one world's instants into the next (pitfall 2)."""
    minimalmodbus = sys.modules.get("minimalmodbus")
    if minimalmodbus is not None:
        minimalmodbus._latest_read_times.clear()  # noqa: SLF001
        minimalmodbus._serialports.clear()  # noqa: SLF001


@contextmanager
def installed() -> Iterator[None]:
    """Keep the stand-ins in place for the block."""
    import time_machine

    _forget()
    table = _stand_ins()
    by_identity = {id(REAL[name]): stand_in for name, stand_in in table.items()}
    done = _swap(by_identity, {__name__, "bench.clock.kernel", "time_machine", "_time_machine"})
    # time-machine patches the C functions; its clock then asks us, thread by thread.
    traveller: Any = time_machine.travel(0, tick=False)
    real_unix_ns = time_machine.escape_hatch.time.time_ns
    trip = traveller.start()

    def unix_ns() -> int:
        kernel = current()
        return real_unix_ns() if kernel is None else kernel.unix_ns()

    trip.time_ns = unix_ns
    trip.time = lambda: unix_ns() / NS
    try:
        with waits.installed():
            yield
    finally:
        traveller.stop()
        for owner, name, value in done:
            setattr(owner, name, value)
        _swap({id(stand_in): REAL[name] for name, stand_in in table.items()}, {__name__})
