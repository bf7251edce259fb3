"""`Clockwork`: SimPy's environment in integer nanoseconds, which can also be moved to an instant.

It is the only scheduler of a bench. Who moves it differs: under virtual time the collector's own waiting does
(`bench.clock.kernel`), under wall time a driver does. `simpy.rt` serves neither: it sleeps blockingly and cannot be
woken by input (virtual-time.md section 2).
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

import simpy
from simpy.events import NORMAL

from firmware_sim.device import NS

BARE_CALL = 5
"""Length of a bare call in SimPy's queue: (instant, priority, order, fn, args). It is no event: nobody waits for it."""


class Clockwork(simpy.Environment):
    """A `simpy.Environment` whose `now` is integer nanoseconds since the local midnight of the hall's day."""

    __slots__ = ("_now",)

    _now: int

    @property
    def now(self) -> int:
        """The present instant, ns."""
        return self._now

    def __init__(self, start: int = 0) -> None:
        super().__init__(start)
        self.foresight: Callable[[], int] = self._none
        """Tells the instant before which nothing happens but what is in the queue, and what follows from it.

        Whoever moves the clockwork sets it for as long as it does; by default nothing is known of what comes next.
        """

    def _none(self) -> int:
        return self._now

    def horizon(self, ignored: Callable[..., Any]) -> int:
        """The instant before which nothing happens, calls of the very object `ignored` apart."""
        queue: Any = self._queue
        horizon, size = self.foresight(), len(queue)
        places = [0]
        while places:
            place = places.pop()
            if place < size and queue[place][0] < horizon:
                if queue[place][3] is ignored:
                    places += (2 * place + 1, 2 * place + 2)  # what stands below it in the heap is not earlier
                else:
                    horizon = queue[place][0]
        return horizon

    def number(self) -> int:
        """The next number of the count that keeps what is due at one instant in order."""
        return next(self._eid)

    def call_as(self, number: int, at: int, fn: Callable[..., Any], *args: Any) -> None:
        """`call_at` in the place of a call that was made when `number` was drawn."""
        heappush(self._queue, (at, NORMAL, number, fn, args))  # type: ignore[misc]

    def call_at(self, at: int, fn: Callable[..., Any], *args: Any) -> None:
        """Call `fn(*args)` at instant `at` (never before now); calls for one instant keep their order."""
        if at < self._now:
            raise ValueError(f"call_at({at}): that instant is past, it is {self._now} now")
        heappush(self._queue, (at, NORMAL, next(self._eid), fn, args))  # type: ignore[misc]

    def step(self) -> None:
        """Run the next event: a bare call at once, anything else as SimPy does."""
        queue: Any = self._queue
        if queue and len(queue[0]) == BARE_CALL:
            self._now, _, _, fn, args = heappop(queue)
            fn(*args)
        else:
            super().step()

    def advance_to(self, at: int) -> None:
        """Run everything due at or before `at`, then stand at `at`.

        `run(until=at)` is public but 30 times dearer, does not run what is due *at* `at`, and refuses `at == now`.
        """
        queue = self._queue
        before, self.foresight = self.foresight, lambda: at
        try:
            while queue and queue[0][0] <= at:
                self.step()
        finally:
            self.foresight = before
        self._now = max(self._now, at)


Clockwork.now = Clockwork._now  # type: ignore[method-assign,assignment]  # noqa: SLF001
"""The slot itself: a property costs a call, ten for each poll."""


def seconds(value: float) -> int:
    """Seconds to nanoseconds, rounded."""
    return round(value * NS)
