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
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from heapq import heappop
from importlib.abc import MetaPathFinder
from typing import Any, Final

from bench.clock import real_io
from bench.clock.actors import NEVER, Actor
from bench.clock.descriptors import FDS, READ, WRITE, VirtualSelector, number_of, ready
from bench.clock.kernel import Kernel, current, virtual
from bench.clock.locks import real_timeout
from bench.clock.sockets import addresses
from firmware_sim.device import NS

UVLOOP: Final = (
    "uvloop runs its own loop on the real clock, in C: it cannot take part in simulated time. "
    "Here it is not to be had; asyncio's own loop serves (or use --clock wall)"
)


class LoopSelector(VirtualSelector):
    """What a `VirtualLoop` waits in; callbacks for ports and sockets of the hall go straight to the loop.

    Attributes:
        readers: handle -> what the loop is to call when it is readable.
        writers: the same for writable.
        sleeper: the actor that waits in here.
        quiet_at: the last instant at which nothing was readable (and until time passes, nothing will be).
    """

    def take(self, kernel: Any) -> None:
        """Set up for a kernel."""
        super().take(kernel)
        self.readers: dict[int, asyncio.Handle] = {}
        self.writers: dict[int, asyncio.Handle] = {}
        self.sleeper: Actor | None = None
        self.quiet_at = -1
        self.call: Callable[[asyncio.Handle], Any] = lambda _handle: None

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        """Only real descriptors come here."""
        real_io.notice("an event loop on real descriptors")
        return super().register(fileobj, events, data)

    def want(self, table: dict[int, asyncio.Handle], event: int, fd: int, handle: asyncio.Handle | None) -> bool:
        """Call `handle` when `fd` is ready for `event`, or (None) not any more; True if something was called before."""
        before = table.pop(fd, None)
        if before is not None:
            before.cancel()
        events = self.wanted.get(fd, 0)
        if handle is not None:
            table[fd] = handle
            self.wanted[fd] = events | event
        elif events & ~event:
            self.wanted[fd] = events & ~event
        else:
            self.wanted.pop(fd, None)
        return before is not None

    def select(self, timeout: float | None = None) -> list[Any]:
        """Park until something is to be done."""
        kernel, wanted = self.kernel, self.wanted
        clockwork = kernel.clockwork
        if timeout is not None and timeout <= 0:
            kernel.spin()
            kernel.let_others()
            now = clockwork._now  # noqa: SLF001 - four times a poll, a million polls a day
            if self.writers or now != self.quiet_at:
                self._deliver(ready(wanted, now)[0], now)
            return self.really(0) if self.real else []
        now = clockwork._now  # noqa: SLF001
        found, at = ready(wanted, now)
        if not found:
            me = self.sleeper = kernel.actor
            watched = [FDS[fd] for fd in wanted if fd in FDS]
            for pollable in watched:
                pollable.watch(me)
            try:
                deadline = NEVER if timeout is None else now + max(1, round(timeout * NS))
                kernel.park(at if at < deadline else deadline, "what an event loop waits for")  # noqa: FURB136
            finally:
                self.sleeper = None
                for pollable in watched:
                    pollable.unwatch(me)
            now = clockwork._now  # noqa: SLF001
            found, _ = ready(wanted, now)
        else:
            kernel.spin()
        self._deliver(found, now)
        return self.really(0) if self.real else []

    def _deliver(self, found: dict[int, int], now: int) -> None:
        if not found:
            self.quiet_at = now  # nothing more becomes readable at this instant, unless somebody else runs
            return
        for fd, events in found.items():
            if events & READ and fd in self.readers:
                self.call(self.readers[fd])
            if events & WRITE and fd in self.writers:
                self.call(self.writers[fd])


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in the time of the kernel whose actor makes it."""

    _selector: LoopSelector

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
        chosen.call = self._ready.append  # type: ignore[attr-defined]
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """The kernel's steady clock, s; not counted as a poll."""
        return self._clockwork._now / NS  # noqa: SLF001 - seven times a poll

    def _run_once(self) -> None:
        """One round, as asyncio's; but while callbacks follow each other at one instant, nothing is asked of ports.

        Three of four rounds of a Modbus client are of that kind, and a day has millions.
        """
        loop: Any = self
        ready, selector = loop._ready, self._selector  # noqa: SLF001
        quiet = selector.quiet_at
        if not ready or self._clockwork._now != quiet or selector.writers or selector.real or loop._debug:  # noqa: SLF001
            super()._run_once()  # type: ignore[misc]
            return
        self._kernel.spin()
        self._kernel.let_others()
        scheduled = loop._scheduled  # noqa: SLF001
        if scheduled:
            end = self.time() + self._clock_resolution
            while scheduled and (scheduled[0]._cancelled or scheduled[0]._when < end):  # noqa: SLF001
                handle = heappop(scheduled)
                handle._scheduled = False  # noqa: SLF001
                if handle._cancelled:  # noqa: SLF001
                    loop._timer_cancelled_count -= 1  # noqa: SLF001
                else:
                    ready.append(handle)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:  # noqa: SLF001
                handle._run()  # noqa: SLF001

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
    def _add_reader(self, fd: Any, callback: Any, *args: Any) -> Any:
        number = number_of(fd)
        if number not in FDS:
            return super()._add_reader(fd, callback, *args)  # type: ignore[misc]
        self._check_closed()  # type: ignore[attr-defined]
        handle = asyncio.Handle(callback, args, self, None)
        self._selector.want(self._selector.readers, READ, number, handle)
        return handle

    def _remove_reader(self, fd: Any) -> bool:
        number = number_of(fd)
        if number not in self._selector.readers:
            return bool(super()._remove_reader(fd))  # type: ignore[misc]
        return self._selector.want(self._selector.readers, READ, number, None)

    def _add_writer(self, fd: Any, callback: Any, *args: Any) -> Any:
        number = number_of(fd)
        if number not in FDS:
            return super()._add_writer(fd, callback, *args)  # type: ignore[misc]
        self._check_closed()  # type: ignore[attr-defined]
        handle = asyncio.Handle(callback, args, self, None)
        self._selector.want(self._selector.writers, WRITE, number, handle)
        return handle

    def _remove_writer(self, fd: Any) -> bool:
        number = number_of(fd)
        if number not in self._selector.writers:
            return bool(super()._remove_writer(fd))  # type: ignore[misc]
        return self._selector.want(self._selector.writers, WRITE, number, None)

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
    before = events._event_loop_policy  # noqa: SLF001
    events._event_loop_policy = None  # noqa: SLF001
    try:
        yield
    finally:
        events._event_loop_policy = before  # noqa: SLF001
