"""Descriptors in simulated time: `select`, `poll` and `selectors` on ports and sockets of the hall.

A port or socket of the hall that is asked for its `fileno()` gets a real descriptor (of the null device, of an
unconnected socket) as a handle; `FDS` knows what is behind it. Waiting for such handles parks the actor. Waiting for
descriptors that are all real waits in real time, as the world stands still meanwhile, and is noticed.
"""

from __future__ import annotations

import os
import select
import selectors
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

from bench.clock import real_io
from bench.clock.actors import NEVER, Actor
from bench.clock.kernel import Kernel, current, virtual
from bench.clock.locks import deadline_of, real_timeout
from firmware_sim.device import NS

READ: Final = selectors.EVENT_READ
WRITE: Final = selectors.EVENT_WRITE


class Pollable(Protocol):
    """What is behind a handle."""

    def readable_at(self, now: int) -> int:
        """Instant from which a read gives something, as far as is known; NEVER if nothing is."""
        ...

    def writable_at(self, now: int) -> int:
        """The same for a write."""
        ...

    def watch(self, actor: Actor) -> None:
        """Wake or hasten this actor when one of these instants changes."""
        ...

    def unwatch(self, actor: Actor) -> None:
        """Not any more."""
        ...


FDS: dict[int, Pollable] = {}
"""Handle -> what is behind it."""


def new_handle(pollable: Pollable) -> int:
    """A descriptor that means `pollable`."""
    fd = os.open(os.devnull, os.O_RDWR)
    FDS[fd] = pollable
    return fd


def drop_handle(fd: int) -> None:
    """Give a handle of `new_handle` back."""
    if FDS.pop(fd, None) is not None:
        os.close(fd)


def ready(wanted: Mapping[int, int], now: int) -> tuple[dict[int, int], int]:
    """What of `wanted` (handle -> events) is ready now, and the next instant at which something will be."""
    found: dict[int, int] = {}
    at = NEVER
    for fd, events in wanted.items():
        pollable = FDS.get(fd)
        if pollable is None:
            continue
        got = 0
        if events & READ:
            when = pollable.readable_at(now)
            if when <= now:
                got = READ
            elif when < at:
                at = when
        if events & WRITE:
            when = pollable.writable_at(now)
            if when <= now:
                got |= WRITE
            elif when < at:
                at = when
        if got:
            found[fd] = got
    return found, at


def wait(kernel: Kernel, wanted: Mapping[int, int], deadline: int) -> dict[int, int]:
    """Wait until something of `wanted` (handle -> events) is ready, or the instant `deadline` comes."""
    clockwork = kernel.clockwork
    while True:
        now = clockwork.now
        found, at = ready(wanted, now)
        if found or now >= deadline:
            return found
        me = kernel.actor
        watched = [FDS[fd] for fd in wanted if fd in FDS]
        for pollable in watched:
            pollable.watch(me)
        try:
            kernel.park(min(at, deadline), "a descriptor that is ready")
        finally:
            for pollable in watched:
                pollable.unwatch(me)


def deadline_after(kernel: Kernel, timeout: float | None) -> int:
    """The instant at which a wait of so many seconds (more than none) ends."""
    return NEVER if timeout is None else kernel.clockwork.now + max(1, round(timeout * NS))


def number_of(thing: Any) -> int:
    """The descriptor's number of what `select` takes: a number, or a thing with `fileno`."""
    return thing if isinstance(thing, int) else int(thing.fileno())


class _Select:
    """Stand-in for `select.select`."""

    __name__ = __qualname__ = "select"

    def __init__(self, real: Callable[..., Any]) -> None:
        self._real = real

    def __call__(self, rlist: Iterable[Any], wlist: Iterable[Any], xlist: Iterable[Any], timeout: Any = None) -> Any:
        clock = current()
        if clock is None:
            return self._real(rlist, wlist, xlist, timeout)
        if not clock.virtual:
            return self._real(rlist, wlist, xlist, timeout if timeout is None else real_timeout(clock, timeout))
        readers, writers, others = list(rlist), list(wlist), list(xlist)
        wanted: dict[int, int] = {}
        for things, event in ((readers, READ), (writers, WRITE)):
            for thing in things:
                fd = number_of(thing)
                if fd in FDS:
                    wanted[fd] = wanted.get(fd, 0) | event
        if not wanted and (readers or writers or others):
            if timeout != 0:
                real_io.notice("select on real descriptors")
            return self._real(readers, writers, others, timeout)
        if timeout is not None and timeout <= 0:
            clock.spin()
        found = wait(clock, wanted, deadline_of(clock, timeout if timeout is None else max(0, timeout)))
        return (
            [thing for thing in readers if found.get(number_of(thing), 0) & READ],
            [thing for thing in writers if found.get(number_of(thing), 0) & WRITE],
            [],
        )


class VirtualSelector(selectors._BaseSelectorImpl):  # noqa: SLF001
    """A selector whose `select` parks."""

    _selector_cls: Any = object  # asked for by the rest of the `__init__` of the kind that this was made as

    def __init__(self, kernel: Kernel | None = None) -> None:
        super().__init__()
        self.take(kernel or current())

    def take(self, kernel: Any) -> None:
        """Set up for a kernel (also of a selector that was made as another kind)."""
        self.kernel = kernel
        self.wanted: dict[int, int] = {}
        self.real: set[int] = set()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As `selectors.BaseSelector.register`."""
        key = super().register(fileobj, events, data)
        if key.fd in FDS:
            self.wanted[key.fd] = events
        else:
            self.real.add(key.fd)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """As `selectors.BaseSelector.unregister`."""
        key = super().unregister(fileobj)
        self.wanted.pop(key.fd, None)
        self.real.discard(key.fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As `selectors.BaseSelector.modify`."""
        key = super().modify(fileobj, events, data)
        if key.fd in FDS:
            self.wanted[key.fd] = events
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As `selectors.BaseSelector.select`, in simulated time."""
        kernel: Kernel = self.kernel
        if self.real and not self.wanted:
            real_io.notice("select on real descriptors")
            return self.really(timeout)
        if timeout is not None and timeout <= 0:
            kernel.spin()
            kernel.let_others()
            found = ready(self.wanted, kernel.clockwork.now)[0]
        else:
            found = wait(kernel, self.wanted, deadline_after(kernel, timeout))
        if not found and not self.real:
            return []
        keys: dict[int, selectors.SelectorKey] = self._fd_to_key  # type: ignore[attr-defined]
        result = [(keys[fd], got & keys[fd].events) for fd, got in found.items()]
        return result + self.really(0) if self.real else result

    def really(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        """What of the real descriptors is ready."""
        known: dict[int, selectors.SelectorKey] = self._fd_to_key  # type: ignore[attr-defined]
        keys = [known[fd] for fd in self.real]
        readers = [key.fd for key in keys if key.events & READ]
        writers = [key.fd for key in keys if key.events & WRITE]
        can_read, can_write, _ = _REAL_SELECT(readers, writers, [], timeout)
        return [
            (key, got)
            for key in keys
            if (got := (READ if key.fd in can_read else 0) | (WRITE if key.fd in can_write else 0))
        ]


_REAL_SELECT: Final = select.select


class VirtualPoll:
    """`select.poll()` (and `epoll`, as far as pollers use it alike) on handles of the hall."""

    def __init__(self, kernel: Kernel, real: Any) -> None:
        self._kernel = kernel
        self._real = real
        self._wanted: dict[int, int] = {}
        self._others: set[int] = set()

    def register(self, fd: Any, eventmask: int = select.POLLIN if hasattr(select, "POLLIN") else 1) -> None:
        """As `select.poll.register`."""
        number = number_of(fd)
        if number in FDS:
            self._wanted[number] = (READ if eventmask & 1 else 0) | (WRITE if eventmask & 4 else 0)
        else:
            self._others.add(number)
            self._real.register(fd, eventmask)

    modify = register

    def unregister(self, fd: Any) -> None:
        """As `select.poll.unregister`."""
        number = number_of(fd)
        if self._wanted.pop(number, None) is None:
            self._real.unregister(fd)
            self._others.discard(number)

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        """As `select.poll.poll`: milliseconds."""
        if self._others and not self._wanted:
            real_io.notice("poll on real descriptors")
            return list(self._real.poll(timeout))
        limit = None if timeout is None or timeout < 0 else timeout / 1000
        if limit == 0:
            self._kernel.spin()
        found = wait(self._kernel, self._wanted, deadline_of(self._kernel, limit))
        return [(fd, (1 if got & READ else 0) | (4 if got & WRITE else 0)) for fd, got in found.items()]


@contextmanager
def installed() -> Iterator[None]:
    """Keep `select.select`, `select.poll` and the selectors replaced for the block."""
    impl: Any = selectors._BaseSelectorImpl  # noqa: SLF001
    module: Any = select
    real_init, real_poll = impl.__init__, getattr(select, "poll", None)
    kinds = [getattr(selectors, f"{name}Selector", None) for name in ("Select", "Poll", "Epoll", "Kqueue", "Devpoll")]

    def init(self: Any) -> None:
        real_init(self)
        kernel = virtual()
        if kernel is not None and type(self) in kinds:
            self.__class__ = VirtualSelector
            self.take(kernel)

    def poll() -> Any:
        kernel = virtual()
        assert real_poll is not None
        return real_poll() if kernel is None else VirtualPoll(kernel, real_poll())

    impl.__init__ = init
    if real_poll is not None:
        module.poll = poll
    module.select = _Select(_REAL_SELECT)
    try:
        yield
    finally:
        impl.__init__ = real_init
        module.select = _REAL_SELECT
        if real_poll is not None:
            module.poll = real_poll
