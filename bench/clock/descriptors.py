"""Descriptors in simulated time: `select`, `poll` and `selectors` on ports and sockets of the hall.

A port or socket of the hall that is asked for its `fileno()` gets a real descriptor (of the null device, of an
unconnected socket) as a handle; `FDS` knows what is behind it. Waiting for such handles parks the actor. Waiting for
descriptors that are all real waits in real time, as the world stands still meanwhile, and is noticed.

Waiting for both kinds parks, and what is ready of either ends it. What another thread of the program does to a real
descriptor (the pipe by which it wakes this one) is seen at the instant at which it does it. What comes from outside the
program is looked for each tenth of a second of the hall's time: when that is, is not the hall's to say.
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


LOOK_EVERY: Final = NS // 10
"""How often a wait looks whether something outside the program has made a real descriptor ready."""


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


def wait(
    kernel: Kernel, wanted: Mapping[int, int], deadline: int, really: Callable[[], Any] | None = None
) -> dict[int, int]:
    """Wait until something of `wanted` (handle -> events) is ready, or the instant `deadline` comes.

    Args:
        kernel: whose actor waits.
        wanted: handle -> events.
        deadline: ns.
        really: gives what of the real descriptors that are waited for as well is ready at this moment, without waiting;
            None when there are none. Something of these ends the wait too.
    """
    clockwork = kernel.clockwork
    while True:
        now = clockwork.now
        found, at = ready(wanted, now)
        if found or now >= deadline or (really is not None and really()):
            return found
        me = kernel.actor
        watched = [FDS[fd] for fd in wanted if fd in FDS]
        for pollable in watched:
            pollable.watch(me)
        try:
            if really is None:
                kernel.park(min(at, deadline), "a descriptor that is ready")
            else:
                park_beside(kernel, min(at, deadline), "a descriptor that is ready", really)
        finally:
            for pollable in watched:
                pollable.unwatch(me)


def park_beside(kernel: Kernel, deadline: int, on: str, really: Callable[[], Any]) -> bool:
    """Park while real descriptors are waited for as well; True when the wait may be over before its deadline.

    The caller looks at what it waits for, and comes again when that is not ready.
    """
    clockwork = kernel.clockwork
    slice_end = clockwork.now + LOOK_EVERY
    if deadline >= NEVER and kernel.until >= NEVER and not clockwork._queue:  # noqa: SLF001
        slice_end = NEVER  # nothing is scheduled: a wait that nobody ends is told, and not gone on with for ever
    me = kernel.actor
    kernel.outside[me] = lambda: _is_ready(really)
    try:
        return kernel.park(min(deadline, slice_end), on)
    finally:
        kernel.outside.pop(me, None)


def _is_ready(really: Callable[[], Any]) -> bool:
    """Asked in another actor's turn: a descriptor that was closed is for its own actor to find out."""
    try:
        return bool(really())
    except (OSError, ValueError):
        return True


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
        deadline = deadline_of(clock, timeout if timeout is None else max(0, timeout))
        outside = [[thing for thing in things if number_of(thing) not in FDS] for things in (readers, writers, others)]
        if not any(outside):
            found = wait(clock, wanted, deadline)
            return (
                [thing for thing in readers if found.get(number_of(thing), 0) & READ],
                [thing for thing in writers if found.get(number_of(thing), 0) & WRITE],
                [],
            )

        def really() -> list[set[int]]:
            got = [{number_of(thing) for thing in things} for things in self._real(*outside, 0)]
            return got if any(got) else []

        found = wait(clock, wanted, deadline, really)
        can_read, can_write, can_else = really() or (set(), set(), set())
        can_read |= {fd for fd, got in found.items() if got & READ}
        can_write |= {fd for fd, got in found.items() if got & WRITE}
        return (
            [thing for thing in readers if number_of(thing) in can_read],
            [thing for thing in writers if number_of(thing) in can_write],
            [thing for thing in others if number_of(thing) in can_else],
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
            found = wait(kernel, self.wanted, deadline_after(kernel, timeout), self._now_really if self.real else None)
        if not found and not self.real:
            return []
        keys: dict[int, selectors.SelectorKey] = self._fd_to_key  # type: ignore[attr-defined]
        result = [(keys[fd], got & keys[fd].events) for fd, got in found.items()]
        return result + self.really(0) if self.real else result

    def _now_really(self) -> Any:
        """Something of the real descriptors is ready at this moment."""
        return self.really(0)

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
        deadline = deadline_of(self._kernel, limit)
        if not self._others:
            return _as_polled(wait(self._kernel, self._wanted, deadline))
        found = wait(self._kernel, self._wanted, deadline, self._now_really)
        return [*_as_polled(found), *self._now_really()]

    def _now_really(self) -> Any:
        """What of the real descriptors is ready at this moment."""
        return self._real.poll(0)


def _as_polled(found: Mapping[int, int]) -> list[tuple[int, int]]:
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
