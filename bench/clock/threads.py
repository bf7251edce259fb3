"""Threads of a collector as actors: `threading.Thread` and all that is made of it.

Only how a thread is started and joined is replaced. The OS thread is a daemon, whatever the program made of it, so that
one that never ends cannot keep this process from ending; which of the program's threads are daemons the kernel knows.
"""

from __future__ import annotations

import _thread
import itertools
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import thread as pool_module
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from bench.clock.kernel import BenchFailure, CollectorHung, DayOver, Kernel, adopt, current, end_of
from bench.clock.locks import deadline_of, real_timeout

CORES: Final = 4
"""How many processors the machine of a collector in simulated time has: pools size themselves by it."""

_START_NAME: Final = "_start_joinable_thread" if hasattr(threading, "_start_joinable_thread") else "_start_new_thread"
"""3.13 has the former."""

_ENDS: Final = (DayOver, BenchFailure, CollectorHung)
"""What ends a thread without being its own fault: the program's main thread is told of it."""

_ACTOR: Final = "_hallbench_actor"


def _as_actor(kernel: Kernel, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The function as it is to run in a new OS thread: as an actor of its own."""
    thread = getattr(function, "__self__", None)
    is_thread = isinstance(thread, threading.Thread)
    actor = kernel.new_actor(
        thread.name if is_thread else getattr(function, "__name__", "thread"),  # type: ignore[union-attr]
        daemon=thread.daemon if is_thread else True,  # type: ignore[union-attr]
    )
    if is_thread:
        setattr(thread, _ACTOR, actor)
        actor.at_burial.append(partial(_not_at_shutdown, thread))  # type: ignore[arg-type]
        tell = thread._invoke_excepthook  # type: ignore[union-attr]  # noqa: SLF001
        thread._invoke_excepthook = lambda it: None if isinstance(sys.exc_info()[1], _ENDS) else tell(it)  # type: ignore[union-attr]  # noqa: SLF001

    job = [(function, args, kwargs, thread if is_thread else None)]

    def run() -> None:
        kernel.enter_thread(actor)
        _work(job)
        kernel.leave_thread(actor)

    return run


def _work(job: list[Any]) -> None:
    """Do it, and keep nothing of it: what it holds is finalised while the actor still has the baton."""
    function, args, kwargs, thread = job.pop()
    try:
        function(*args, **kwargs)
    except SystemExit:
        pass
    except BaseException:  # a raw thread: `threading` has told of its own already
        traceback.print_exc()
    if thread is not None:
        _not_at_shutdown(thread)


def _not_at_shutdown(thread: threading.Thread) -> None:
    """3.11 and 3.12: the interpreter does not wait for this thread at its exit (3.13 is told when it starts)."""
    locks = getattr(threading, "_shutdown_locks", None)
    lock = getattr(thread, "_tstate_lock", None)
    if locks is not None and lock is not None:
        locks.discard(lock)


class _Start:
    """Stand-in for the function that starts OS threads."""

    def __init__(self, real: Callable[..., Any]) -> None:
        self._real = real
        self._joinable = real.__name__ == "start_joinable_thread"

    def __call__(self, function: Callable[..., Any], *rest: Any, **named: Any) -> Any:
        clock = current()
        ours = str(getattr(function, "__module__", "")).startswith("bench.")
        if clock is None or (ours and not isinstance(getattr(function, "__self__", None), threading.Thread)):
            return self._real(function, *rest, **named)
        args = () if self._joinable or not rest else rest[0]
        kwargs = rest[1] if len(rest) > 1 and not self._joinable else {}
        if clock.virtual:
            if clock.stepping:
                return self._real(function, *rest, **named)
            run = _as_actor(clock, function, args, kwargs)
        else:
            run = _in_scaled_time(clock, function, args, kwargs)
        return self._real(run, **{**named, "daemon": True}) if self._joinable else self._real(run, ())


def _in_scaled_time(clock: Any, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    def run() -> None:
        adopt(clock)
        function(*args, **kwargs)

    return run


def _join(thread: threading.Thread, timeout: float | None, real: Callable[..., None]) -> None:
    clock = current()
    actor = getattr(thread, _ACTOR, None)
    if clock is None or not clock.virtual or actor is None:
        real(thread, timeout if timeout is None else real_timeout(clock, timeout))
        return
    if thread is threading.current_thread():
        raise RuntimeError("cannot join current thread")
    deadline = deadline_of(clock, max(timeout, 0) if timeout is not None else None)
    me, awaited = clock.actor, end_of(thread.name)
    while not actor.done:
        if clock.clockwork.now >= deadline:
            return
        actor.joiners.append(me)
        try:
            clock.park(deadline, awaited)
        finally:
            if me in actor.joiners:
                actor.joiners.remove(me)
    if not actor.buried:
        real(thread, None)  # its OS thread is about to end


@contextmanager
def installed() -> Iterator[None]:
    """Keep the start and the end of threads replaced for the block."""
    real_join, real_alive = threading.Thread.join, threading.Thread.is_alive
    real_start, raw_start = getattr(threading, _START_NAME), _thread.start_new_thread

    def join(self: threading.Thread, timeout: float | None = None) -> None:
        _join(self, timeout, real_join)

    def is_alive(self: threading.Thread) -> bool:
        actor = getattr(self, _ACTOR, None)
        return not (actor is not None and actor.done) and real_alive(self)

    setattr(threading, _START_NAME, _Start(real_start))
    _thread.start_new_thread = _Start(raw_start)
    threading.Thread.join, threading.Thread.is_alive = join, is_alive  # type: ignore[method-assign]
    try:
        with _cores():
            yield
    finally:
        setattr(threading, _START_NAME, real_start)
        _thread.start_new_thread = raw_start
        threading.Thread.join, threading.Thread.is_alive = real_join, real_alive  # type: ignore[method-assign]


@contextmanager
def _cores() -> Iterator[None]:
    """A collector's machine has `CORES` processors: pools (and so the order of things) do not depend on this one."""
    real = {name: getattr(os, name) for name in ("cpu_count", "process_cpu_count") if hasattr(os, name)}

    def stand_in(name: str) -> Callable[[], int | None]:
        def count() -> int | None:
            return CORES if current() is not None else real[name]()

        return count

    for name in real:
        setattr(os, name, stand_in(name))
    try:
        yield
    finally:
        for name, function in real.items():
            setattr(os, name, function)


@contextmanager
def numbered_afresh() -> Iterator[None]:
    """Let the names of threads and pools begin with 1 again: they are in log lines."""
    threads, pools = threading._counter, ThreadPoolExecutor._counter  # type: ignore[attr-defined]  # noqa: SLF001
    threading._counter = itertools.count(1).__next__  # type: ignore[attr-defined]  # noqa: SLF001
    ThreadPoolExecutor._counter = itertools.count().__next__  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        yield
    finally:
        threading._counter, ThreadPoolExecutor._counter = threads, pools  # type: ignore[attr-defined]  # noqa: SLF001


@contextmanager
def pools_closing() -> Iterator[None]:
    """As at an interpreter's exit: thread pools of the program's take no more work, and their idle threads end.

    Raises nothing; what pools outside the world do is not disturbed but for new work during the block.
    """
    pool_module._shutdown = True  # noqa: SLF001
    for thread, work in list(pool_module._threads_queues.items()):  # noqa: SLF001
        actor = getattr(thread, _ACTOR, None)
        if actor is not None and not actor.done:
            work.put(None)
    try:
        yield
    finally:
        pool_module._shutdown = False  # noqa: SLF001
