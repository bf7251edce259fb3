"""The kernel of virtual time: the collector's own waiting drives the clock.

Everything in a collector that can wait (a blocking read, `time.sleep`, a flush) is reduced to one primitive, `park`:
the *actor* that would block runs the environment until it is woken or its deadline comes. There is no scheduler thread,
so a single-threaded collector never switches threads. Deadlines are compared with the next event and are never events
themselves, so a day leaves no litter (virtual-time.md sections 0 and 2).

This kernel has one actor: the thread that entered it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from heapq import heappop
from types import TracebackType
from typing import Any, Final, NoReturn, Self

from bench.clock.clockwork import BARE_CALL, Clockwork, clock_text
from firmware_sim.device import NS

NEVER: Final = 1 << 62
"""An instant after every other."""

SPIN_FREE: Final = 64
"""Clock reads and polls in a row that cost nothing ..."""
SPIN_NS: Final = 20_000
"""... then each further one costs 20 us of simulated time, so that a busy loop cannot stop the clock."""
STUBBORN: Final = 200
"""How often a collector may swallow the end of the day before it is taken away by force."""


class DayOver(SystemExit):
    """The hall's day has ended while the collector was waiting: the program is asked to end.

    A `SystemExit`, as the default action of SIGTERM would be: `finally` blocks run, `except Exception` does not see it.
    """


class VirtualDeadlock(RuntimeError):
    """The collector waits without a time-out and nothing is scheduled that could ever wake it."""


class BenchFailure(BaseException):
    """The bench itself failed inside a step; no `except Exception` of a collector may hide it."""


class StubbornCollector(BaseException):
    """The collector went on after being asked to end, again and again."""

    def __str__(self) -> str:
        return f"the collector swallowed the end of the day {STUBBORN} times and went on"


_tls = threading.local()


def current() -> Kernel | None:
    """The kernel whose actor the calling thread is; None in every other thread."""
    return getattr(_tls, "kernel", None)


class Kernel:
    """Drives a `Clockwork` by the waiting of one actor.

    Args:
        clockwork: the environment to drive.
        epoch_ns: Unix time in ns of the clockwork's instant 0.
        until: the end of the day; an actor that waits past it is asked to end.
        grace: ns that a collector with a SIGTERM handler of its own gets after that handler ran.

    Attributes:
        beats: signs of life, for a watchdog. There are none any more once the bench has failed, or the collector has
            swallowed its end too often: then it is taken away.
        failure: what a device, the hall or the bench raised inside a step; the run cannot go on after it.
        over: the program was asked to end.
        stepping: something of the bench runs just now, which must not wait.
        insist: called before an end is raised that was swallowed before, to make it harder to swallow.
    """

    def __init__(self, clockwork: Clockwork, epoch_ns: int, *, until: int = NEVER, grace: int = 30 * NS) -> None:
        self.clockwork = clockwork
        self.epoch_ns = epoch_ns
        self.until = until
        self.grace = grace
        self.beats = 0
        self.failure: BaseException | None = None
        self.waiting_on: object = None
        self.over = False
        self.insist: Callable[[], None] = self.ask
        self._woken = False
        self._limit = NEVER
        self.stepping = False
        self._spins = 0
        self._refused = 0
        self._lost = False
        self._asked = False
        self._host_handler: object = None
        self._outer: Kernel | None = None

    # -- the actor --------------------------------------------------------------------------------------------------
    def __enter__(self) -> Self:
        self._outer = current()
        _tls.kernel = self
        self._host_handler = _sigterm_handler()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        _tls.kernel = self._outer

    def wake(self) -> None:
        """Make the parked actor runnable; the step in progress ends first."""
        self._woken = True

    def shorten(self, at: int) -> None:
        """Let the wait in progress end at `at`, if that is before its deadline."""
        self._limit = min(self._limit, at)

    # -- the one blocking primitive ---------------------------------------------------------------------------------
    def park(self, deadline: int = NEVER, on: object = None) -> bool:
        """Wait until somebody calls `wake` (True) or the instant `deadline` comes (False).

        A wait that was shortened ends like one whose deadline came, and one that a signal handler of the collector
        interrupted like one that was woken: callers look at the clock and at what they wait for.

        Raises:
            DayOver: the day ended first.
            VirtualDeadlock: nothing is scheduled and there is no deadline.
            BenchFailure: a device or the hall failed; its own error is the cause.
            StubbornCollector: the end was swallowed too often.
        """
        if self._lost:
            self._refuse()
        if self.stepping:
            raise BenchFailure("a device model tried to wait: models are sans-IO (architecture.md section 4)")
        self.beats += 1
        self._spins = 0
        self._woken = False
        self.waiting_on = on
        clockwork = self.clockwork
        self._limit = min(deadline, self.until)
        self.stepping = True
        try:
            self._run()
        except BaseException as exc:
            raise self._failed(exc) from exc
        finally:
            self.stepping = False
        if self._woken:
            return True
        limit = self._limit
        if limit >= NEVER:
            raise VirtualDeadlock(
                f"the collector waits on {on} without a time-out and nothing is scheduled that could wake it"
            )
        clockwork._now = max(clockwork._now, limit)  # noqa: SLF001 - everything due by then has run
        if limit == self.until and deadline > limit:
            self._end_of_day()
            return True
        return False

    def _end_of_day(self) -> None:
        """Ask the program to end, as a service manager would: SIGTERM first, then without asking."""
        self.over = True
        handler: Any = _sigterm_handler()
        if callable(handler) and handler is not self._host_handler and not self._asked:
            self._asked = True
            self.until += self.grace
            handler(signal.SIGTERM, None)
            return
        self._refused += 1
        if self._refused > STUBBORN:
            self._lost = True
            self._refuse()
        raise DayOver(0)

    def ask(self) -> None:
        """Insist on nothing: the end is just raised."""

    def _refuse(self) -> NoReturn:
        """Raise the end once more, to a collector that swallowed it; a bare `except` may be in a loop with no wait."""
        self.insist()
        if self.failure is not None:
            raise self.lost() from self.failure
        raise StubbornCollector

    # -- what the stand-ins are made of -----------------------------------------------------------------------------
    def sleep(self, seconds: float) -> None:
        """`time.sleep` in simulated time; a sleep of 0 is a poll."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        if seconds == 0:
            self.spin()
            return
        deadline = self.clockwork._now + max(1, round(seconds * NS))  # noqa: SLF001
        while self.park(deadline, "sleep"):
            pass

    def spin(self) -> None:
        """A clock read or a poll: free at first, then it costs time, so that a busy loop goes on living."""
        if self.stepping:  # a log line inside a device model reads the clock for nothing
            return
        if self._lost:
            self._refuse()
        self.beats += 1
        self._spins += 1
        if self._spins > SPIN_FREE:
            count = self._spins
            deadline = self.clockwork._now + SPIN_NS  # noqa: SLF001
            while self.park(deadline, "a busy loop"):
                pass
            self._spins = count

    def now_ns(self) -> int:
        """The present instant as a collector's clock reads it (counts as a poll)."""
        self.spin()
        return self.clockwork._now  # noqa: SLF001

    def unix_ns(self) -> int:
        """Unix time in ns as a collector's clock reads it."""
        return self.epoch_ns + self.now_ns()

    def end_at(self, at: int) -> None:
        """Let the day end at instant `at`, also for a wait in progress."""
        self.until = at
        self._limit = min(self._limit, at)

    def drive(self) -> None:
        """Run the environment to the end of the day with no collector waiting (it has ended, or there is none)."""
        if self.failure is not None:
            raise self.lost() from self.failure
        self._woken = False
        self._limit = self.until
        self.stepping = True
        try:
            self._run()
            self.clockwork.advance_to(self.until)
        except BaseException as exc:
            raise self._failed(exc) from exc
        finally:
            self.stepping = False

    def _run(self) -> None:
        """Run what is due up to the limit of the wait, or until a wake-up.

        `Clockwork.step` is written out here: a method call for each event is a tenth of a day's cost.
        """
        clockwork: Any = self.clockwork
        queue = clockwork._queue  # noqa: SLF001
        while queue:
            entry = queue[0]
            if entry[0] > self._limit:
                return
            if len(entry) == BARE_CALL:
                heappop(queue)
                clockwork._now, _, _, fn, args = entry  # noqa: SLF001
                fn(*args)
            else:
                clockwork.step()
            if self._woken:
                return

    def _failed(self, exc: BaseException) -> BaseException:
        self.failure = exc
        self._lost = True
        return self.lost()

    def lost(self) -> BaseException:
        """What is raised of the `failure`; Ctrl-C is nobody's failure, but it breaks a step off too."""
        exc = self.failure
        if isinstance(exc, KeyboardInterrupt):
            return KeyboardInterrupt()
        at = clock_text(self.clockwork.now, millis=True)
        return BenchFailure(f"the bench failed at {at}: {type(exc).__name__}: {exc}")


def _sigterm_handler() -> object:
    """What handles SIGTERM now; None outside the main thread, where nothing may be asked of it."""
    return signal.getsignal(signal.SIGTERM) if threading.current_thread() is threading.main_thread() else None
