"""A scaled clock for a collector in this process: `--clock 60x` for it as well as for the hall.

On the real clock a collector's sleeps and time-outs are 60 times too long for a hall at 60x: a poll that takes 42 ms
was seen as 706 ms there. With its clocks scaled too the same poll is seen as 74 ms (virtual-time.md section 3); what is
left is the work of this machine, which nobody can hasten. So: to demonstrate and to soak, not to judge times.

It sits on the same seam as `Kernel`: the stand-ins ask `current()`. There are no actors: threads are real, locks and
`select` are real, with time-outs in the hall's seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar, Self

from bench.clock.crew import adopt
from bench.clock.standins import REAL


class ScaledKernel:
    """Gives the threads of a collector the hall's time.

    Args:
        now_ns: the hall's present instant (`WallDriver.now_ns`).
        epoch_ns: Unix time in ns of the hall's instant 0.
        speed: seconds of the hall in one real second.
    """

    virtual: ClassVar[bool] = False
    stepping: ClassVar[bool] = False

    def __init__(self, now_ns: Callable[[], int], epoch_ns: int, speed: float) -> None:
        if not 0 < speed < float("inf"):
            raise ValueError(f"a clock's speed is a positive number, not {speed}")
        self._now = now_ns
        self.epoch_ns = epoch_ns
        self.speed = speed
        self._outer: list[Any] = []

    def __enter__(self) -> Self:
        """The calling thread, and those it starts, live in the hall's time."""
        self._outer.append(adopt(self))
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        adopt(self._outer.pop())

    def now_ns(self) -> int:
        """The steady clocks, ns."""
        return self._now()

    def unix_ns(self) -> int:
        """The calendar clock, ns since 1970."""
        return self.epoch_ns + self._now()

    def sleep(self, seconds: float) -> None:
        """`time.sleep`, so many seconds of the hall."""
        REAL["sleep"](seconds / self.speed)

    def real_seconds(self, seconds: float) -> float:
        """How long a time-out of so many seconds of the hall really is."""
        return seconds / self.speed

    def end_program(self, exc: BaseException) -> None:
        """`os._exit` in a thread of the collector's."""
        raise exc
