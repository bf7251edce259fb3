"""A program that can be killed: it runs in a thread of its own, which is just left where it is when that happens.

Python can end no thread from outside, and nothing but an exception leaves a function, which runs its `finally` blocks.
SIGKILL runs none. So a program that is to be killed is the main actor of the kernel in a thread that nobody needs
afterwards; it and its other threads are never resumed, their databases are closed without a commit, and their files are
led to nowhere, so that nothing that they had buffered is written later.

Such a thread is not the process's main one, to which signal handlers belong: they are kept in a table for it, and the
kernel calls the handler of SIGTERM at the end of the day.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Generic, TypeVar

from bench.clock.actors import NATIVE_LOCK
from bench.clock.kernel import Kernel, current

T = TypeVar("T")

GRAVEYARD: Final[list[object]] = []
"""Modules of killed programs: were they freed, finalisers of the program would run after its death."""


class Killed(Exception):
    """The program was killed."""


class _Outcome(Generic[T]):
    def __init__(self) -> None:
        self.value: T | None = None
        self.error: BaseException | None = None
        self.ended = False


def run_expendable(kernel: Kernel, body: Callable[[], T]) -> T:
    """Run `body` in a thread of its own, as the main actor of `kernel`, until it ends or is killed.

    Args:
        kernel: not entered by anybody yet; `body` enters it.
        body: the program.

    Raises:
        Killed: `Kernel.kill` was called.
        BaseException: what `body` raised.
    """
    over = NATIVE_LOCK()
    over.acquire()
    outcome: _Outcome[T] = _Outcome()

    def run() -> None:
        thread._daemonic = False  # type: ignore[attr-defined]  # noqa: SLF001 - its own threads inherit that
        try:
            outcome.value = body()
        except BaseException as exc:
            outcome.error = exc
        outcome.ended = True
        over.release()

    before = _open_files()
    kernel.expendable = over.release
    thread = threading.Thread(target=run, name="MainThread", daemon=True)
    modules = dict(sys.modules)
    try:
        with _is_main(thread), _own_signals(kernel, thread):
            thread.start()
            _wait(over, kernel)
            if not outcome.ended:
                kernel.forget_killed()
                GRAVEYARD.append([module for name, module in sys.modules.items() if modules.get(name) is not module])
                _lead_to_nowhere(before)
                raise Killed
            thread.join()
    finally:
        kernel.expendable = None
    if outcome.error is not None:
        raise outcome.error
    return outcome.value  # type: ignore[return-value]


def _wait(over: Any, kernel: Kernel) -> None:
    """Wait for the program; Ctrl-C, which comes to this thread, is handed to it."""
    while True:
        try:
            over.acquire()
            return
        except KeyboardInterrupt as exc:
            if not kernel.actors:
                raise
            kernel.main.pending = exc
            kernel.wake()


def _open_files() -> weakref.WeakSet[io.FileIO]:
    return weakref.WeakSet(thing for thing in gc.get_objects() if isinstance(thing, io.FileIO))


def _lead_to_nowhere(before: weakref.WeakSet[io.FileIO]) -> None:
    """Let the descriptors of files that the program opened mean the null device; locks on them are gone with that."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    try:
        for thing in gc.get_objects():
            if isinstance(thing, io.FileIO) and thing not in before and not thing.closed:
                with suppress(OSError, ValueError):
                    os.dup2(nowhere, thing.fileno(), inheritable=False)
    finally:
        os.close(nowhere)


@contextmanager
def _is_main(thread: threading.Thread) -> Iterator[None]:
    """In simulated time `threading.main_thread()` is the program's."""
    real = threading.main_thread

    def main_thread() -> threading.Thread:
        return thread if current() is not None else real()

    threading.main_thread = main_thread
    try:
        yield
    finally:
        threading.main_thread = real


@contextmanager
def _own_signals(kernel: Kernel, thread: threading.Thread) -> Iterator[None]:
    """The program's signal handlers are kept for it; of all signals only SIGTERM ever comes."""
    module: Any = signal
    real_set, real_get = signal.signal, signal.getsignal
    handlers: dict[int, Any] = {}

    def set_handler(number: int, handler: Any) -> Any:
        if current() is not kernel:
            return real_set(number, handler)
        if threading.get_ident() != thread.ident:
            raise ValueError("signal only works in main thread of the main interpreter")
        before = get_handler(number)
        handlers[int(number)] = handler
        return before

    def get_handler(number: int) -> Any:
        if current() is not kernel:
            return real_get(number)
        default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        return handlers.get(int(number), default)

    module.signal, module.getsignal = set_handler, get_handler
    sigterm, kernel.sigterm = kernel.sigterm, lambda: handlers.get(int(signal.SIGTERM))
    try:
        yield
    finally:
        module.signal, module.getsignal = real_set, real_get
        kernel.sigterm = sigterm
