# ruff: noqa: SLF001 - asyncio's handles keep all they have private, and a `now` is read a dozen times a poll
"""What an event loop in simulated time waits in, and the handles of what it is to call.

All of this runs several times for each poll of a Modbus client, a million polls a day: it is written for speed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import copy_context
from typing import Any

from bench.clock import real_io
from bench.clock.actors import NEVER, Actor
from bench.clock.descriptors import FDS, READ, WRITE, Pollable, VirtualSelector, deadline_after, park_beside


class Handle(asyncio.Handle):
    """A callback, set up in one step: five of them are made for each poll. Debug mode uses asyncio's own."""

    __slots__ = ()

    def __init__(self, callback: Any, args: Any, loop: Any, context: Any = None) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = self._source_traceback = None

    def cancel(self) -> None:
        """As asyncio does it."""
        if self._cancelled or self._loop._debug:
            super().cancel()
            return
        self._cancelled = True
        self._callback = self._args = None  # type: ignore[assignment]


class TimerHandle(asyncio.TimerHandle):
    """A callback at an instant, set up and cancelled in one step."""

    __slots__ = ()

    def __init__(self, when: float, callback: Any, args: Any, loop: Any, context: Any = None) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = self._source_traceback = None
        self._when = when
        self._scheduled = False

    def cancel(self) -> None:
        """As asyncio does it."""
        loop: Any = self._loop
        if self._cancelled or loop._debug:
            super().cancel()
            return
        self._cancelled = True
        if self._scheduled:
            loop._timer_cancelled_count += 1
        self._callback = self._args = None  # type: ignore[assignment]


class LoopSelector(VirtualSelector):
    """What a `VirtualLoop` waits in; callbacks for ports and sockets of the hall go straight to the loop.

    Attributes:
        readers: handle -> what the loop is to call when it is readable.
        writers: the same for writable.
        sleeper: the actor that waits in here.
        quiet_at: the last instant at which nothing was readable (and until time passes, nothing will be).
        next_at: the next instant at which something will be ready, as `look` found it.
    """

    def take(self, kernel: Any) -> None:
        """Set up for a kernel."""
        super().take(kernel)
        self.readers: dict[int, asyncio.Handle] = {}
        self.writers: dict[int, asyncio.Handle] = {}
        self.sleeper: Actor | None = None
        self.quiet_at = -1
        self.next_at = NEVER
        self.ready: deque[asyncio.Handle] = deque()

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        """Only real descriptors come here."""
        real_io.notice("an event loop on real descriptors")
        return super().register(fileobj, events, data)

    def want(self, table: dict[int, asyncio.Handle], event: int, fd: int, handle: asyncio.Handle | None) -> bool:
        """Call `handle` when `fd` is ready for `event`, or (None) not any more; True if something was called before."""
        before = table.pop(fd, None)
        if before is not None:
            before.cancel()
        wanted = self.wanted
        events = wanted.get(fd, 0)
        if handle is not None:
            table[fd] = handle
            wanted[fd] = events | event
        elif events & ~event:
            wanted[fd] = events & ~event
        else:
            wanted.pop(fd, None)
        return before is not None

    def select(self, timeout: float | None = None) -> list[Any]:
        """Park until something is to be done; for a loop that runs asyncio's own rounds."""
        if timeout is not None and timeout <= 0:
            if self.real:
                self.quiet_at = -1  # who waits for both kinds is told of both in one round
            self.glance()
        else:
            deadline = deadline_after(self.kernel, timeout)
            if self.real:
                self._sleep_beside(deadline)
            else:
                self.sleep(deadline)
        return self.really(0) if self.real else []

    def _sleep_beside(self, deadline: int) -> None:
        """`sleep` until a real descriptor is ready, if that is sooner."""
        kernel = self.kernel
        clockwork = kernel.clockwork
        while True:
            if found := self.look(clockwork.now):
                kernel.spin()
                self.ready += found
                return
            if self.ready or self.really(0):
                return
            me = self.sleeper = kernel.actor
            watched = [FDS[fd] for fd in self.wanted if fd in FDS]
            for pollable in watched:
                pollable.watch(me)
            try:
                at = min(self.next_at, deadline)
                woken = park_beside(kernel, at, "what an event loop waits for", lambda: self.really(0))
            finally:
                self.sleeper = None
                for pollable in watched:
                    pollable.unwatch(me)
            if woken or clockwork.now >= deadline:
                self.ready += self.look(clockwork.now)
                return

    def look(self, now: int) -> list[asyncio.Handle]:
        """What is to be called now; `next_at` is the instant at which more will be, as far as is known."""
        at = NEVER
        found: list[asyncio.Handle] = []
        for fd, events in self.wanted.items():
            if fd not in FDS:
                continue
            pollable = FDS[fd]
            if events & READ:
                when = pollable.readable_at(now)
                if when <= now:
                    found.append(self.readers[fd])
                elif when < at:
                    at = when
            if events & WRITE:
                when = pollable.writable_at(now)
                if when <= now:
                    found.append(self.writers[fd])
                elif when < at:
                    at = when
        self.next_at = at
        return found

    def glance(self) -> None:
        """Call what is ready, after a turn of the other actors."""
        kernel = self.kernel
        kernel.turn()
        now = kernel.clockwork._now
        if self.writers or now != self.quiet_at:
            if found := self.look(now):
                self.ready += found
            else:
                self.quiet_at = now  # nothing more becomes readable at this instant, unless somebody else runs

    def only_look(self) -> bool:
        """Call what is ready, if anything is, as `sleep` would."""
        found = self.look(self.kernel.clockwork._now)
        if not found:
            return False
        self.kernel.spin()
        self.ready += found
        return True

    def sleep(self, deadline: int) -> None:
        """Park until something is to be called, or the instant `deadline`."""
        kernel = self.kernel
        clockwork = kernel.clockwork
        now = clockwork._now
        wanted = self.wanted
        if len(wanted) == 1:
            ((fd, events),) = wanted.items()
            if events == READ and fd in FDS:
                self._sleep_for_one(deadline, fd, FDS[fd])
                return
        found = self.look(now)
        if found:
            kernel.spin()
        else:
            at = self.next_at
            me = self.sleeper = kernel.actor
            watched = []
            for fd in self.wanted:
                if fd in FDS:
                    pollable = FDS[fd]
                    pollable.watch(me)
                    watched.append(pollable)
            try:
                kernel.park(at if at < deadline else deadline, "what an event loop waits for")  # noqa: FURB136
            finally:
                self.sleeper = None
                for pollable in watched:
                    pollable.unwatch(me)
            now = clockwork._now
            found = self.look(now)
        if found:
            self.ready += found
        else:
            self.quiet_at = now

    def _sleep_for_one(self, deadline: int, fd: int, pollable: Pollable) -> None:
        """`sleep` when the only thing that can happen is that `fd` is readable: as a client of one line does."""
        kernel = self.kernel
        clockwork = kernel.clockwork
        now = clockwork._now
        at = pollable.readable_at(now)
        if at <= now:
            kernel.spin()
            self.ready.append(self.readers[fd])
            return
        me = self.sleeper = kernel.actor
        pollable.watch(me)
        try:
            kernel.park(at if at < deadline else deadline, "what an event loop waits for")  # noqa: FURB136
        finally:
            self.sleeper = None
            pollable.unwatch(me)
        now = clockwork._now
        if len(self.wanted) != 1 or self.wanted.get(fd) != READ or FDS.get(fd) is not pollable:
            if found := self.look(now):  # a port was closed meanwhile
                self.ready += found
            else:
                self.quiet_at = now
        elif pollable.readable_at(now) <= now:
            self.ready.append(self.readers[fd])
        else:
            self.quiet_at = now
