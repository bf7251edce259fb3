"""What ends a collector's wait, or its life, besides what it waits for."""

from __future__ import annotations

from typing import Final

STUBBORN: Final = 200
"""How often a collector may swallow the end of the day before it is taken away by force."""


class DayOver(SystemExit):
    """The hall's day has ended while the collector was waiting: the program is asked to end.

    A `SystemExit`, as the default action of SIGTERM would be: `finally` blocks run, `except Exception` does not see it.
    """


class VirtualDeadlock(RuntimeError):
    """All threads of the collector wait without a time-out and nothing is scheduled that could ever wake one."""


class BenchFailure(BaseException):
    """The bench itself failed inside a step; no `except Exception` of a collector may hide it."""


class StubbornCollector(BaseException):
    """The collector went on after being asked to end, again and again."""

    def __str__(self) -> str:
        return f"the collector swallowed the end of the day {STUBBORN} times and went on"


class CollectorHung(BaseException):
    """The collector neither waited nor read a clock for too long; raised in its own thread."""


class RealBlocking(RuntimeError):
    """Strict mode: the collector did something that waits in real time (`bench.clock.real_io`)."""


class KillRefused(RuntimeError):
    """`Kernel.kill` on a program that was not started so that it can be killed."""
