"""Locks that an actor waits for in simulated time.

The lock is the only primitive of `threading`: Condition, Event, Semaphore, Queue, Barrier, Timer and RLock are made of
it, so they work untouched once `threading` makes these (virtual-time.md section 2). Each holds a native lock, so that a
thread outside the world may share it. Who releases a lock gives it to the actor that has waited longest: whoever takes
it again at once would otherwise keep it for ever, as no clock ticks in between.
"""

from __future__ import annotations

import _thread
import sys
from collections import deque
from collections.abc import Callable
from queue import Empty
from queue import SimpleQueue as NativeQueue
from types import GenericAlias
from typing import Any, ClassVar, Final

from bench.clock.actors import NATIVE_LOCK, NEVER, Actor
from bench.clock.kernel import Kernel, current
from firmware_sim.device import NS

NATIVE_TYPES: Final[tuple[type, ...]] = (type(NATIVE_LOCK()), _thread.RLock)


def deadline_of(kernel: Kernel, timeout: float | None) -> int:
    """The instant at which a time-out of so many seconds ends; None and -1 never do."""
    if timeout is None or timeout < 0:
        return NEVER
    return kernel.clockwork.now + round(timeout * NS)


def real_timeout(clock: Any, timeout: float) -> float:
    """Real seconds of a time-out under a scaled clock; as it is without one."""
    return timeout if clock is None or clock.virtual or timeout <= 0 else float(clock.real_seconds(timeout))


class _Waiter:
    """An actor in a lock's queue."""

    __slots__ = ("actor", "granted", "kernel")

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.actor = kernel.actor
        self.granted = False


class Lock:
    """`threading.Lock`."""

    __slots__ = ("__weakref__", "_owner", "_real", "_waiters")

    inner_wait: ClassVar[bool] = True

    def __init__(self) -> None:
        self._real = NATIVE_LOCK()
        self._waiters: deque[_Waiter] | None = None
        self._owner: Actor | None = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As `threading.Lock.acquire`."""
        if self._real.acquire(False):
            return True
        clock = current()
        if clock is None or not clock.virtual or not blocking or (timeout < 0 and timeout != -1):
            if not blocking and timeout == -1 and clock is not None and clock.virtual:
                clock.spin()
                return self._real.acquire(False)
            return self._real.acquire(blocking, real_timeout(clock, timeout))  # also raises what is wrong with these
        return self._wait(clock, timeout)

    def _wait(self, kernel: Kernel, timeout: float) -> bool:
        waiters = self._waiters
        if waiters is None:
            waiters = self._waiters = deque()
        deadline = deadline_of(kernel, timeout)
        waiter = _Waiter(kernel)
        waiters.append(waiter)
        try:
            while not waiter.granted:
                if self._real.acquire(False):
                    return True
                if kernel.clockwork.now >= deadline:
                    return False
                kernel.park(deadline, self)
            waiter.granted = False
            return True
        finally:
            if waiter in waiters:
                waiters.remove(waiter)
            if waiter.granted:  # the wait was broken off by an exception after the lock had been given
                self.release()

    def release(self) -> None:
        """As `threading.Lock.release`; the actor that has waited longest gets it."""
        waiters = self._waiters
        while waiters:
            if not self._real.locked():
                break
            waiter = waiters.popleft()
            if not waiter.actor.buried:
                waiter.granted = True
                waiter.kernel.wake(waiter.actor)
                return
        self._real.release()

    def locked(self) -> bool:
        """As `threading.Lock.locked`."""
        return self._real.locked()

    acquire_lock, release_lock, locked_lock = acquire, release, locked

    def _at_fork_reinit(self) -> None:
        self._real = NATIVE_LOCK()
        self._waiters = None

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{'locked' if self._real.locked() else 'unlocked'} lock at {id(self):#x}>"

    def __str__(self) -> str:
        return "a lock"


class Wrapped:
    """A lock that was made before there were stand-ins, so that waiting for it moves the clock too.

    Whoever still has the native lock itself shares it.

    Args:
        native: a `_thread.lock` or `_thread.RLock`.
    """

    __slots__ = ("__weakref__", "_waiters", "native")

    inner_wait: ClassVar[bool] = True

    def __init__(self, native: Any) -> None:
        self.native = native
        self._waiters: deque[_Waiter] = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As the native lock's."""
        native = self.native
        if native.acquire(False):
            return True
        clock = current()
        if clock is None or not clock.virtual or not blocking or (timeout < 0 and timeout != -1):
            return bool(native.acquire(blocking, real_timeout(clock, timeout)))
        deadline = deadline_of(clock, timeout)
        waiter = _Waiter(clock)
        self._waiters.append(waiter)
        try:
            while not native.acquire(False):
                if clock.clockwork.now >= deadline:
                    return False
                clock.park(deadline, self)
            return True
        finally:
            self._waiters.remove(waiter)

    def release(self) -> None:
        """As the native lock's."""
        self.native.release()
        for waiter in self._waiters:
            if not waiter.actor.buried:
                waiter.kernel.wake(waiter.actor)
                break

    def _release_save(self) -> Any:
        state = self.native._release_save()  # noqa: SLF001 - what threading.Condition asks of a lock
        for waiter in self._waiters:
            waiter.kernel.wake(waiter.actor)
        return state

    def _acquire_restore(self, state: Any) -> None:
        self.acquire()
        for _ in range(state[0] - 1):
            self.native.acquire()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.native, name)

    def __str__(self) -> str:
        return f"a lock made before the world ({self.native!r})"


class SimpleQueue:
    """`queue.SimpleQueue`; `put` may be called from a finaliser, as the real one's."""

    __slots__ = ("__weakref__", "_items", "_waiters")

    inner_wait: ClassVar[bool] = True

    def __init__(self) -> None:
        self._items: Any = NativeQueue()
        self._waiters: deque[_Waiter] = deque()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put an item; never waits."""
        self._items.put(item)
        for waiter in self._waiters:
            if not waiter.granted and not waiter.actor.buried:
                waiter.granted = True
                waiter.kernel.wake(waiter.actor)
                break

    put_nowait = put

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """As `queue.SimpleQueue.get`."""
        clock = current()
        if clock is None or not clock.virtual or (timeout is not None and timeout < 0):
            return self._items.get(block, timeout if timeout is None else real_timeout(clock, timeout))
        waiter: _Waiter | None = None
        deadline = deadline_of(clock, timeout)
        try:
            while True:
                try:
                    return self._items.get_nowait()
                except Empty:
                    if not block or clock.clockwork.now >= deadline:
                        clock.spin()
                        raise
                if waiter is None:
                    waiter = _Waiter(clock)
                    self._waiters.append(waiter)
                waiter.granted = False
                clock.park(deadline, self)
        finally:
            if waiter is not None:
                self._waiters.remove(waiter)

    def get_nowait(self) -> Any:
        """As `queue.SimpleQueue.get_nowait`."""
        return self.get(block=False)

    def empty(self) -> bool:
        """Nothing is in it."""
        return bool(self._items.empty())

    def qsize(self) -> int:
        """How much is in it."""
        return int(self._items.qsize())

    __class_getitem__: Any = classmethod(GenericAlias)

    def __str__(self) -> str:
        return "an item in a queue"


def stand_ins() -> dict[int, Any]:
    """id(real thing) -> stand-in, for every name under which a module may hold it."""
    import threading

    made: list[tuple[Any, Any]] = [
        (NATIVE_LOCK, Lock),
        (threading.Lock, Lock),
        (threading.RLock, threading._PyRLock),  # type: ignore[attr-defined]  # noqa: SLF001 - it is made of Lock
        (_thread.RLock, threading._PyRLock),  # type: ignore[attr-defined]  # noqa: SLF001
        (NativeQueue, SimpleQueue),
    ]
    return {id(real): stand_in for real, stand_in in made}


def wrap_module_locks(skip: Callable[[str], bool]) -> list[tuple[Any, str, Any]]:
    """Put `Wrapped` in the place of each native lock that a module, or a class in one, keeps under a name.

    Args:
        skip: tells of a module's name whether it is left alone.

    Returns:
        What was there: (module or class, name, lock).
    """
    wrapped: dict[int, Wrapped] = {}
    natives = frozenset(NATIVE_TYPES)
    done: list[tuple[Any, str, Any]] = []
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if not isinstance(names, dict) or skip(module.__name__):
            continue
        owners = [module, *(v for v in names.values() if isinstance(v, type) and v.__module__ == module.__name__)]
        for owner in owners:
            if natives.isdisjoint(map(type, vars(owner).values())):
                continue
            for name, value in list(vars(owner).items()):
                if type(value) in natives:
                    done.append((owner, name, value))
                    setattr(owner, name, wrapped.setdefault(id(value), Wrapped(value)))
    return done
