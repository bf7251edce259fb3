# ruff: noqa: SLF001 - what asyncio's loops are made of is private
"""asyncio in simulated time: a loop that is an actor whose selector parks.

Every plain `SelectorEventLoop` that is made by an actor (`asyncio.run`, a policy, by name) becomes a `VirtualLoop`, so
a collector knows nothing of it. There is no self-pipe: a call from another thread wakes the actor. uvloop's loop is C
code on the real clock; it cannot be virtual, so an actor that imports it is told that it is not there.
"""

from __future__ import annotations

import asyncio
import asyncio.events
import itertools
import signal
import sys
from collections import deque
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from heapq import heapify, heappop, heappush
from importlib.abc import MetaPathFinder
from typing import Any, Final

from bench.clock.actors import NEVER
from bench.clock.descriptors import FDS, READ, WRITE, number_of
from bench.clock.kernel import Kernel, current, virtual
from bench.clock.locks import real_timeout
from bench.clock.loop_selector import Handle, LoopSelector, TimerHandle
from bench.clock.sockets import addresses
from firmware_sim.device import NS

UVLOOP: Final = (
    "uvloop runs its own loop on the real clock, in C: it cannot take part in simulated time. "
    "Here it is not to be had; asyncio's own loop serves (or use --clock wall)"
)


RESOLUTION: Final = 1e-9
"""Timers that are due within so many seconds are called at once: an instant is a whole number of them."""

LONGEST: Final = 24 * 3600
"""Seconds that a loop sleeps without a look at its timers, as asyncio's does."""

MANY: Final = 100
TOO_MANY: Final = 0.5
"""More timers than that, and more than that share of them cancelled: all of these are dropped, as asyncio does it."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in the time of the kernel whose actor makes it."""

    _selector: LoopSelector
    # What asyncio's loops have and its types do not tell of.
    _debug: bool
    _ready: deque[asyncio.Handle]
    _scheduled: list[Any]
    _stopping: bool
    _closed: bool = True  # until asyncio's __init__: one that is refused before has nothing to be closed
    _timer_cancelled_count: int
    _transports: Any

    def __init__(self, selector: Any = None) -> None:
        kernel: Kernel | None = virtual()
        if kernel is None:
            raise RuntimeError("a loop in simulated time is made by an actor of a kernel: enter one first")
        self._kernel = kernel
        self._clockwork = kernel.clockwork
        self._names = itertools.count(1)
        self._handled: set[int] = set()
        chosen = LoopSelector(kernel)
        super().__init__(chosen)
        chosen.ready = self._ready
        self._clock_resolution = RESOLUTION

    def time(self) -> float:
        """The kernel's steady clock, s; not counted as a poll."""
        return self._clockwork._now / NS

    def _run_once(self) -> None:  # noqa: C901 - a call for a part of it would be made three times a poll
        """One round, as asyncio's, and those that follow it at the same instant.

        While callbacks follow each other at one instant, nothing is asked of ports: three of four rounds of a Modbus
        client are of that kind, and a day has millions. Nothing here differs from asyncio's rounds but what it costs.
        """
        selector = self._selector
        if selector.real or self._debug:
            super()._run_once()  # type: ignore[misc]
            return
        ready, clockwork, scheduled = self._ready, self._clockwork, self._scheduled
        if not ready or clockwork._now != selector.quiet_at or selector.writers:
            if scheduled and (scheduled[0]._cancelled or len(scheduled) > MANY):
                self._forget_cancelled()
                scheduled = self._scheduled
            if ready or self._stopping:
                selector.glance()
            elif not scheduled:
                selector.sleep(NEVER)
            else:
                now = clockwork._now
                seconds = scheduled[0]._when - now / NS
                if seconds > 0:
                    if seconds > LONGEST:
                        seconds = LONGEST
                    selector.sleep(now + (round(seconds * NS) or 1))
                else:
                    selector.glance()
            if scheduled:
                end = clockwork._now / NS + RESOLUTION
                while scheduled and scheduled[0]._when < end:
                    handle = heappop(scheduled)
                    handle._scheduled = False
                    ready.append(handle)
            for _ in range(len(ready)):
                handle = ready.popleft()
                if not handle._cancelled:
                    handle._run()
        turn, writers = self._kernel.turn, selector.writers
        while (ready or writers) and not (self._stopping or selector.real or self._debug):
            if clockwork._now != selector.quiet_at:
                if not ready or len(scheduled) > MANY:
                    return
                selector.glance()
            elif not writers:
                turn()
            elif ready or (scheduled and scheduled[0]._when <= clockwork._now / NS) or not selector.only_look():
                return
            if scheduled:
                end = clockwork._now / NS + RESOLUTION
                while scheduled and (scheduled[0]._cancelled or scheduled[0]._when < end):
                    handle = heappop(scheduled)
                    handle._scheduled = False
                    if handle._cancelled:
                        self._timer_cancelled_count -= 1
                    else:
                        ready.append(handle)
            for _ in range(len(ready)):
                handle = ready.popleft()
                if not handle._cancelled:
                    handle._run()

    def _forget_cancelled(self) -> None:
        """Drop timers that were cancelled: those that are due first, or all when they are many."""
        scheduled = self._scheduled
        if len(scheduled) > MANY and self._timer_cancelled_count / len(scheduled) > TOO_MANY:
            for handle in scheduled:
                if handle._cancelled:
                    handle._scheduled = False
            self._scheduled = [handle for handle in scheduled if not handle._cancelled]
            heapify(self._scheduled)
            self._timer_cancelled_count = 0
            return
        while scheduled and scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1
            heappop(scheduled)._scheduled = False

    # -- what is to be called ---------------------------------------------------------------------------------------
    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        """As asyncio does it."""
        if self._debug or self._closed:
            return super().call_soon(callback, *args, context=context)
        handle = Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:  # type: ignore[override]
        """As asyncio does it."""
        if self._debug or self._closed or delay is None:
            return super().call_later(delay, callback, *args, context=context)
        timer = TimerHandle(self._clockwork._now / NS + delay, callback, args, self, context)
        heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:  # type: ignore[override]
        """As asyncio does it."""
        if self._debug or self._closed or when is None:
            return super().call_at(when, callback, *args, context=context)
        timer = TimerHandle(when, callback, args, self, context)
        heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    def create_task(self, coro: Coroutine[Any, Any, Any], **kwargs: Any) -> Any:  # type: ignore[override]
        """As asyncio does it, with names that are counted in this loop and not in the process."""
        if kwargs.get("name") is None:
            kwargs["name"] = f"Task-{next(self._names)}"
        return super().create_task(coro, **kwargs)

    # -- waking up --------------------------------------------------------------------------------------------------
    def _make_self_pipe(self) -> None:
        self._ssock = self._csock = None
        self._internal_fds = 0

    def _close_self_pipe(self) -> None:
        """There is none."""

    def _write_to_self(self) -> None:
        sleeper = self._selector.sleeper
        if sleeper is not None:
            self._kernel.wake(sleeper)

    # -- ports and sockets of the hall ------------------------------------------------------------------------------
    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:  # type: ignore[override]
        """As asyncio does it."""
        if type(fd) is int and fd in FDS and not self._transports.data:
            self._add_reader(fd, callback, *args)
        else:
            super().add_reader(fd, callback, *args)

    def add_writer(self, fd: Any, callback: Any, *args: Any) -> None:  # type: ignore[override]
        """As asyncio does it."""
        if type(fd) is int and fd in FDS and not (self._transports.data or self._closed or self._debug):
            selector = self._selector
            selector.want(selector.writers, WRITE, fd, Handle(callback, args, self))
        else:
            super().add_writer(fd, callback, *args)

    def remove_writer(self, fd: Any) -> bool:
        """As asyncio does it."""
        selector = self._selector
        if type(fd) is int and not self._closed and fd in selector.writers and not self._transports.data:
            return selector.want(selector.writers, WRITE, fd, None)
        return super().remove_writer(fd)

    def _add_reader(self, fd: Any, callback: Any, *args: Any) -> Any:
        number = number_of(fd)
        if number not in FDS:
            return super()._add_reader(fd, callback, *args)  # type: ignore[misc]
        return self._call_when(READ, number, callback, args)

    def _remove_reader(self, fd: Any) -> bool:
        number = number_of(fd)
        if self._closed or number not in self._selector.readers:
            return bool(super()._remove_reader(fd))  # type: ignore[misc]
        return self._selector.want(self._selector.readers, READ, number, None)

    def _add_writer(self, fd: Any, callback: Any, *args: Any) -> Any:
        number = number_of(fd)
        if number not in FDS:
            return super()._add_writer(fd, callback, *args)  # type: ignore[misc]
        return self._call_when(WRITE, number, callback, args)

    def _remove_writer(self, fd: Any) -> bool:
        number = number_of(fd)
        if self._closed or number not in self._selector.writers:
            return bool(super()._remove_writer(fd))  # type: ignore[misc]
        return self._selector.want(self._selector.writers, WRITE, number, None)

    def _call_when(self, event: int, fd: int, callback: Any, args: Any) -> Any:
        self._check_closed()  # type: ignore[attr-defined]
        table = self._selector.readers if event == READ else self._selector.writers
        handle = (asyncio.Handle if self._debug else Handle)(callback, args, self, None)
        self._selector.want(table, event, fd, handle)
        return handle

    # -- signals ----------------------------------------------------------------------------------------------------
    def add_signal_handler(self, sig: int, callback: Any, *args: Any) -> None:  # type: ignore[override]
        """Call `callback(*args)` in the loop when the signal comes (SIGTERM does at the end of the day)."""
        signal.signal(sig, lambda _number, _frame: self.call_soon_threadsafe(callback, *args) and None)
        self._handled.add(sig)

    def remove_signal_handler(self, sig: int) -> bool:
        """Back to the default."""
        if sig not in self._handled:
            return False
        self._handled.remove(sig)
        signal.signal(sig, signal.default_int_handler if sig == signal.SIGINT else signal.SIG_DFL)
        return True

    def close(self) -> None:
        """As asyncio does it; handlers of signals go with the loop."""
        for sig in sorted(self._handled):
            self.remove_signal_handler(sig)
        super().close()

    # -- addresses --------------------------------------------------------------------------------------------------
    async def getaddrinfo(self, host: Any, port: Any, **kwargs: Any) -> Any:
        """The hall's addresses are known at once."""
        found = addresses(host, port)
        return found if found is not None else await super().getaddrinfo(host, port, **kwargs)


class _ScaledSelector:
    """A real selector under a scaled clock: its time-outs are the hall's, so they are over sooner."""

    def __init__(self, real: Any, clock: Any) -> None:
        self._real = real
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        return self._real.select(timeout if timeout is None else real_timeout(self._clock, timeout))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _NoUvloop(MetaPathFinder):
    """Tells an actor that there is no uvloop."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> None:
        if fullname == "uvloop" and virtual() is not None:
            raise ImportError(UVLOOP, name="uvloop")


@contextmanager
def installed() -> Iterator[None]:
    """Let actors make virtual loops, for the block."""
    native: Any = asyncio.SelectorEventLoop
    real_init = native.__init__
    real_set = asyncio.events.set_event_loop
    classes: dict[type, type] = {native: VirtualLoop}

    def init(self: Any, selector: Any = None) -> None:
        clock = current()
        if clock is not None and not clock.virtual:
            real_init(self, selector)
            self._selector = _ScaledSelector(self._selector, clock)
        elif isinstance(self, VirtualLoop) or virtual() is None:
            real_init(self, selector)
        else:
            cls = type(self)
            if cls not in classes:
                classes[cls] = type(cls.__name__, (cls, VirtualLoop), {})
            self.__class__ = classes[cls]
            VirtualLoop.__init__(self, selector)

    def set_event_loop(loop: Any) -> None:
        if loop is not None and type(loop).__module__.partition(".")[0] == "uvloop" and virtual() is not None:
            raise RuntimeError(UVLOOP)
        real_set(loop)

    finder = _NoUvloop()
    native.__init__ = init
    asyncio.set_event_loop = asyncio.events.set_event_loop = set_event_loop
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        native.__init__ = real_init
        asyncio.set_event_loop = asyncio.events.set_event_loop = real_set
        sys.meta_path.remove(finder)


@contextmanager
def fresh_policy() -> Iterator[None]:
    """A collector finds no event loop policy and no loop of the process around it, and leaves none."""
    events: Any = asyncio.events
    before = events._event_loop_policy
    events._event_loop_policy = None
    try:
        yield
    finally:
        events._event_loop_policy = before
