"""An actor: one thread of the collector, as the kernel sees it.

At most one actor runs at a time: the holder of the baton. The others sit in `Baton.wait` on a native lock, so handing
over costs one release and one acquire. A process with several actors is kept on one core meanwhile: a hand-over between
cores costs twice as much (virtual-time.md section 1).
"""

from __future__ import annotations

import _thread
import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

NATIVE_LOCK: Final = _thread.allocate_lock
"""The interpreter's own lock, for what is no business of simulated time."""

NEVER: Final = 1 << 62
"""An instant after every other."""


class Buried(BaseException):
    """Raised in the wait of an actor that is buried, for code of ours that has something to put in order there."""


class Actor:
    """A thread that waits in simulated time.

    Attributes:
        name: of its thread.
        ident: of its OS thread; 0 before it runs.
        daemon: the program does not wait for it to end.
        deadline: of its wait, ns.
        waiting_on: what it waits for, for messages.
        ready: it is in the run queue, or runs.
        timed_out: its wait was ended by its deadline.
        ending: the day's end is to be raised when it resumes.
        signalled: a signal of the collector's is to be handled when it resumes (the main actor's).
        pending: what is to be raised when it resumes.
        refused: how often it swallowed the end of the day.
        buried: it never runs the collector's code again.
        done: it has ended.
        joiners: actors that wait for its end.
        unwinds: C code that must return is below its wait: when it is buried there, `Buried` is raised in the wait.
        at_burial: what its own thread is to do when it is buried (close its databases without commit).
    """

    __slots__ = (
        "at_burial",
        "baton",
        "buried",
        "daemon",
        "deadline",
        "done",
        "ending",
        "ident",
        "joiners",
        "name",
        "pending",
        "ready",
        "refused",
        "signalled",
        "timed_out",
        "unwinds",
        "waiting_on",
    )

    def __init__(self, name: str, *, daemon: bool = False, ident: int = 0) -> None:
        self.name = name
        self.ident = ident
        self.daemon = daemon
        self.baton = NATIVE_LOCK()
        self.baton.acquire()
        self.deadline = NEVER
        self.waiting_on: object = None
        self.ready = self.timed_out = self.ending = self.buried = self.done = self.unwinds = False
        self.signalled: int | None = None
        self.pending: BaseException | None = None
        self.refused = 0
        self.joiners: list[Actor] = []
        self.at_burial: list[Callable[[], Any]] = []

    def what(self) -> str:
        """On what it waits, in words."""
        return f"{self.name} waits for {self.waiting_on}" + ("" if self.deadline >= NEVER else " (with a time-out)")

    def rest(self) -> NoReturn:
        """Never return: the thread stays where it is until the process ends."""
        grave = NATIVE_LOCK()
        grave.acquire()
        while True:
            grave.acquire()


@contextmanager
def one_core() -> Iterator[None]:
    """Keep the calling thread, and the threads it starts, on the core it runs on (Linux)."""
    try:
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {_core(before)})
    except (AttributeError, OSError):
        yield
        return
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _core(allowed: set[int]) -> int:
    try:
        here = int(ctypes.CDLL(None).sched_getcpu())
    except (AttributeError, OSError):
        here = -1
    return here if here in allowed else min(allowed)
