"""A heap that moves time: the smallest thing a line can run on, for tests."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

from firmware_sim.device import Effect, Flaws, Note, Watch


class Loop:
    """`Timers` by a heap; calls for one instant keep their order."""

    def __init__(self, now: int = 0) -> None:
        self.now = now
        self._heap: list[tuple[int, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._order = count()

    def call_at(self, at: int, fn: Callable[..., Any], *args: Any) -> None:
        assert at >= self.now, f"{at} is past, it is {self.now}"
        heapq.heappush(self._heap, (at, next(self._order), fn, args))

    def run(self, until: int | None = None) -> None:
        """Run all that is due (up to `until`)."""
        while self._heap and (until is None or self._heap[0][0] <= until):
            self.now, _, fn, args = heapq.heappop(self._heap)
            fn(*args)
        if until is not None:
            self.now = max(self.now, until)


class Ear:
    """A device that writes down what it hears, and can be told what to do then."""

    def __init__(self, name: str = "ear", watch: Watch | None = None) -> None:
        self.name = name
        self.watch = watch
        self.heard: list[tuple[int, bytes, int, int, dict[int, int]]] = []
        self.woken: list[tuple[int, str]] = []
        self.answer: Callable[[int, bytes], Iterable[Effect]] = lambda _now, _data: ()

    @property
    def bytes(self) -> bytes:
        return b"".join(data for _, data, _, _, _ in self.heard)

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        self.heard.append((now, data, first, last, dict(flaws or {})))
        return self.answer(now, data)

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        self.woken.append((now, tag))
        return (Note("woken", {"tag": tag}),)


class PortStub:
    """A collector's end that keeps the bursts it is told of."""

    def __init__(self, settings: Any, *, xonxoff: bool = False) -> None:
        self.settings = settings
        self.xonxoff_in_force = xonxoff
        self.bursts: list[Any] = []
        self.drains = 0

    def incoming(self, burst: Any) -> None:
        self.bursts.append(burst)

    def transmitted(self) -> None:
        self.drains += 1

    @property
    def bytes(self) -> bytes:
        return b"".join(burst.data for burst in self.bursts)
