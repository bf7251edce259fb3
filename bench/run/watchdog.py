"""A real-time watchdog over a collector in simulated time.

Simulated time stands still while the collector computes, so a loop that calls nothing would stop the day for ever. The
watchdog is a thread on the real clock: when the kernel shows no sign of life for `patience` real seconds it raises
`CollectorHung` in the thread that has the baton, and when even that is not taken (blocking C code, a bare `except`
around the loop) it ends the run by force (virtual-time.md pitfall 4).
"""

from __future__ import annotations

import ctypes
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from bench.clock.actors import NATIVE_LOCK
from bench.clock.kernel import CollectorHung, Kernel
from bench.clock.standins import REAL

__all__ = ["CollectorHung", "Watchdog"]


SHOWN = 8
"""Stacks of waiting threads that are shown."""

LOOKS = 2
"""A look that comes later than so many of its times counts as one that came then: the process stood still itself (it
was stopped, its machine was busy or asleep), and the collector could not have gone on."""

_NOT_ITS = (str(Path(__file__).parents[1]), threading.__file__, "<frozen runpy>")
"""Files whose lines in a stack tell nothing of the collector: ours, and what starts threads and programs."""


class Watchdog:
    """Watches the collector's threads (or the thread that creates it), for the length of a `with` block.

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
        self._acting = NATIVE_LOCK()
        self._thread = threading.Thread(target=self._watch, name="hallbench-watchdog", daemon=True)
        self.found = ""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        # What was raised and not taken yet arrives here, and is not for who comes after the collector. It is not taken
        # back with a NULL: CPython 3.11 then looks for it for ever, and what `insist` traces is traced no more.
        while self._thread.is_alive():
            try:
                with self._acting:
                    self._done.set()
                self._thread.join()
            except CollectorHung:
                continue

    def _pulse(self) -> tuple[int, int]:
        return self._kernel.beats, self._kernel.clockwork.now

    def _watch(self) -> None:
        clock = REAL["monotonic"]
        every = min(0.5, self._patience / 4)
        last, silent, raised, looked = self._pulse(), 0.0, 0, clock()
        while not self._done.wait(every):
            now = clock()
            silent += min(now - looked, LOOKS * every)
            looked = now
            pulse = self._pulse()
            if pulse != last:
                last, silent, raised = pulse, 0.0, 0
                continue
            if silent < self._patience * (1 + raised / 4):
                continue
            if raised >= 8 and self._kernel.actors:
                self._give_up(self.found)
                return
            with self._acting:
                if self._done.is_set():
                    return
                if self._kernel.actors:  # else it has just ended
                    self.found = self._where()
                    self._raise_in_collector()
                    raised += 1

    def _runner(self) -> int:
        """The thread that has the baton: the one that hangs, whoever else waits."""
        kernel = self._kernel
        return kernel.actor.ident if kernel.actors and kernel.actor.ident else self._thread_id

    def _where(self) -> str:
        kernel = self._kernel
        frames = sys._current_frames()  # noqa: SLF001 - the documented way to see another thread
        runner = self._runner()
        name = f" (thread {kernel.actor.name})" if len(kernel.actors) > 1 else ""
        found = (
            f"the collector neither waited nor read a clock for {self._patience:g} real seconds{name}; it was here:\n"
            f"{_stack(frames.get(runner))}"
        )
        others = [actor for actor in kernel.actors if actor.ident != runner and actor.ident in frames]
        for actor in others[:SHOWN]:
            found += f"\n{actor.what()}:\n{_stack(frames[actor.ident])}"
        if others:
            found += (
                "\nIf it waits for a lock that another of them holds, that lock was made before simulated time began "
                "(by a module imported earlier), so waiting for it moves no clock: let the collector import that module"
            )
        return found

    def _raise_in_collector(self) -> None:
        hung = type("CollectorHung", (CollectorHung,), {"__str__": lambda _self: self.found})
        kernel, runner = self._kernel, self._runner()
        if kernel.actors and runner != kernel.main.ident:  # the program is told, not only the thread
            kernel.main.pending = hung()
            kernel.wake()
        self._raise(hung, runner)

    def _raise(self, exc: type[BaseException], thread: int) -> None:
        """Raise an exception in a thread, at its next instruction.

        The watchdog's own thread is not traced any more then (coverage, a debugger, a profiler): until the other thread
        has taken its exception, a traced thread of CPython 3.11 that enters a function looks for it there for ever.
        """
        sys.settrace(None)
        sys.setprofile(None)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(exc))


def _stack(frame: FrameType | None) -> str:
    """The last lines of a stack, those that are the collector's business."""
    stack = traceback.extract_stack(frame) if frame is not None else []
    its = [line for line in stack if not line.filename.startswith(_NOT_ITS)]
    return "".join(traceback.format_list((its or stack)[-6:])).rstrip()
