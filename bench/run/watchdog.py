"""A real-time watchdog over a collector in simulated time.

Simulated time stands still while the collector computes, so a loop that calls nothing would stop the day for ever. The
watchdog is a thread on the real clock: when the kernel shows no sign of life for `patience` real seconds it raises
`CollectorHung` in the collector's thread, and when even that is not taken (blocking C code, a bare `except` around the
loop) it ends the run by force (virtual-time.md pitfall 4).
"""

from __future__ import annotations

import ctypes
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Self

from bench.clock.kernel import Kernel
from bench.clock.standins import REAL


class CollectorHung(BaseException):
    """The collector neither waited nor read a clock for too long; raised in its own thread."""


class Watchdog:
    """Watches the thread that creates it, for the length of a `with` block.

    Args:
        kernel: whose beats and clock are the signs of life.
        patience: real seconds without a sign of life before it acts.
        give_up: called from the watchdog's thread, with what is known, when the collector does not react at all; it
            must end the process.
    """

    def __init__(self, kernel: Kernel, patience: float, give_up: Callable[[str], None]) -> None:
        self._kernel = kernel
        self._patience = patience
        self._give_up = give_up
        self._thread_id = threading.get_ident()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="hallbench-watchdog", daemon=True)
        self.found = ""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()

    def _pulse(self) -> tuple[int, int]:
        return self._kernel.beats, self._kernel.clockwork.now

    def _watch(self) -> None:
        clock = REAL["monotonic"]
        last, since, raised = self._pulse(), clock(), 0
        while not self._done.wait(min(0.5, self._patience / 4)):
            pulse = self._pulse()
            if pulse != last:
                last, since, raised = pulse, clock(), 0
                continue
            if clock() - since < self._patience * (1 + raised / 4):
                continue
            if raised == 8:
                self._give_up(self.found)
                return
            self.found = self._where()
            self._raise_in_collector()
            raised += 1

    def _where(self) -> str:
        frame = sys._current_frames().get(self._thread_id)  # noqa: SLF001 - the documented way to see another thread
        stack = traceback.extract_stack(frame)[-6:] if frame is not None else []
        lines = "".join(traceback.format_list(stack)).rstrip()
        return (
            f"the collector neither waited nor read a clock for {self._patience:g} real seconds; it was here:\n{lines}"
        )

    def _raise_in_collector(self) -> None:
        hung = type("CollectorHung", (CollectorHung,), {"__str__": lambda _self: self.found})
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread_id), ctypes.py_object(hung))
