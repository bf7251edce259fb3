"""The kernel of virtual time: the collector's own waiting drives the clock.

Everything in a collector that can wait (a blocking read, `time.sleep`, a contended lock, an event loop's select) is
reduced to one primitive, `park`: the *actor* that would block runs the environment until some actor can go on, and
hands that one the baton. There is no scheduler thread, and a single-threaded collector never switches threads.
Deadlines are compared with the next event and are never events themselves, so a day leaves no litter
(virtual-time.md sections 0 and 2).

What makes it deterministic: the run queue is first in, first out; at equal instants events of the hall come before
deadlines; deadlines of one instant end in the order in which their waits began.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from heapq import heappop
from operator import attrgetter
from types import TracebackType
from typing import Any, ClassVar, Final, NoReturn, Self

from bench.clock.actors import NEVER, Actor
from bench.clock.clockwork import BARE_CALL, Clockwork
from bench.clock.crew import Clock, Crew, adopt, current, end_of
from bench.clock.endings import (
    STUBBORN,
    BenchFailure,
    CollectorHung,
    DayOver,
    KillRefused,
    RealBlocking,
    StubbornCollector,
    VirtualDeadlock,
)
from bench.daytime import clock_text
from firmware_sim.device import NS

__all__ = [
    "NEVER",
    "SPIN_FREE",
    "SPIN_MOST",
    "SPIN_NS",
    "STUBBORN",
    "BenchFailure",
    "Clock",
    "CollectorHung",
    "DayOver",
    "Kernel",
    "KillRefused",
    "RealBlocking",
    "StubbornCollector",
    "VirtualDeadlock",
    "adopt",
    "current",
    "end_of",
    "virtual",
]

SPIN_FREE: Final = 64
"""Clock reads and polls in a row that cost nothing ..."""
SPIN_NS: Final = 20_000
"""... then each further one costs 20 us of simulated time, so that a busy loop cannot stop the clock ..."""
SPIN_SHARE: Final = 8
"""... or a 256th (2**-8) of the time that the loop has been busy, when that is more ..."""
SPIN_MOST: Final = 10_000_000
"""... but 10 ms at most: a whole day of it is some three million steps."""

_deadline = attrgetter("deadline")


def virtual() -> Kernel | None:
    """The kernel whose actor the calling thread is and may wait: None elsewhere, and inside a step of the bench."""
    kernel: Any = current()
    return kernel if kernel is not None and kernel.virtual and not kernel.stepping else None


class Kernel(Crew):
    """Drives a `Clockwork` by the waiting of actors.

    Args:
        clockwork: the environment to drive.
        epoch_ns: Unix time in ns of the clockwork's instant 0.
        until: the end of the day; an actor that waits past it is asked to end.
        grace: ns that a collector with a SIGTERM handler of its own gets after that handler ran.
        strict: waiting in real time raises `RealBlocking` instead of being noticed.

    Attributes:
        beats: signs of life, for a watchdog. There are none any more once the bench has failed, or the collector has
            swallowed its end too often: then it is taken away.
        failure: what a device, the hall or the bench raised inside a step; the run cannot go on after it.
        over: the program was asked to end.
        stepping: something of the bench runs just now, which must not wait.
        stuck: at the end of the day every thread waited for another: who for what, since when; else empty.
        noticed: what of the collector waited in real time -> how often.
        insist: called before an end is raised that was swallowed before, to make it harder to swallow.
        sigterm: the handler of SIGTERM that the program has set.
    """

    virtual: ClassVar[bool] = True

    def __init__(
        self, clockwork: Clockwork, epoch_ns: int, *, until: int = NEVER, grace: int = 30 * NS, strict: bool = False
    ) -> None:
        super().__init__()
        self.clockwork = clockwork
        self.epoch_ns = epoch_ns
        self.until = until
        self.grace = grace
        self.strict = strict
        self.beats = 0
        self.failure: BaseException | None = None
        self.over = False
        self.stepping = False
        self.stuck = ""
        self.noticed: dict[str, int] = {}
        self.insist: Callable[[], None] = self.ask
        self.sigterm: Callable[[], object] = self._signal_handler
        self._limit = NEVER
        self._spins = 0
        self._spun_since = 0
        self._silent_since: int | None = None
        self._asked = False
        self._host_handler: object = None
        self._outer: Clock | None = None

    # -- being in it ------------------------------------------------------------------------------------------------
    def __enter__(self) -> Self:
        if self.actors:
            raise RuntimeError("this kernel has been entered already: a world has one program at a time")
        self._outer = adopt(self)
        self._muster()
        self._host_handler = self.sigterm()
        self.over = self._asked = False
        self.stuck = ""
        self._lost = self.failure is not None
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        try:
            if self._others:
                self.dismiss()
        finally:
            self._disband()
            adopt(self._outer)

    def shorten(self, at: int, actor: Actor | None = None) -> None:
        """Let the wait of an actor end at `at`, if that is before its deadline."""
        if at < self._limit:
            self._limit = at
        if actor is not None and at < actor.deadline:
            actor.deadline = at

    # -- the one blocking primitive ---------------------------------------------------------------------------------
    def park(self, deadline: int = NEVER, on: object = None) -> bool:
        """Wait until somebody wakes this actor (True) or the instant `deadline` comes (False).

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
        me = self.actor
        me.waiting_on = on
        me.deadline = deadline
        if self._others:
            return self._park_among(me)
        self._woken = False
        clockwork = self.clockwork
        until = self.until
        self._limit = deadline if deadline < until else until  # noqa: FURB136 - a call costs three times as much
        if deadline >= NEVER:
            self._silent_since = clockwork._now  # noqa: SLF001
        self.stepping = True
        try:
            self._run()
        except BaseException as exc:
            raise self._failed(exc) from exc
        finally:
            self.stepping = False
        if self._woken:
            if self.killed:
                self._die(me)
            if me.pending is not None:
                self._raise_pending(me)
            return True
        limit = self._limit
        if limit >= NEVER:
            raise VirtualDeadlock(
                f"{me.name} waits for {on} without a time-out and nothing is scheduled that could wake it"
            )
        if limit > clockwork._now:  # noqa: SLF001
            clockwork._now = limit  # noqa: SLF001 - everything due by then has run
        if limit == self.until and deadline > limit:
            self._note_stuck()
            self._end_of_day(me)
            return True
        return False

    def _park_among(self, me: Actor) -> bool:
        """`park` when there are other actors: whoever waits drives until somebody can go on."""
        me.ready = False
        self._waiting[me] = None
        return self._wait_for_turn(me)

    def _wait_for_turn(self, me: Actor) -> bool:
        self._hand_over(me)
        self._spins = 0
        if me.buried:
            self._bury_me(me)
        if me.pending is not None:
            self._raise_pending(me)
        if self.failure is not None:
            raise self.lost() from self.failure  # the first time it is just raised; who swallows it is insisted on
        if me.signalled is not None:
            self._handle_signal(me)
            return True
        if me.ending:
            me.ending = False
            self._end_of_day(me)
            return True
        return not me.timed_out

    def _drive(self) -> None:
        clockwork, waiting, runnable = self.clockwork, self._waiting, self._runnable
        while waiting and not runnable:
            if self.outside:
                self._look_outside()
                if runnable:
                    break
            first = min(waiting, key=_deadline)
            self._woken = False
            until = self.until
            self._limit = min(until, first.deadline)
            if first.deadline >= NEVER and self._silent_since is None:
                self._silent_since = clockwork.now
            self.stepping = True
            try:
                self._run()
            except BaseException as exc:  # who drives need not be to blame: the main actor is told
                self._failed(exc)
                self._make_ready(self.main)
                return
            finally:
                self.stepping = False
            if runnable or self.killed:
                break
            if self._woken:
                continue
            limit = self._limit
            if limit >= NEVER:
                self.main.pending = VirtualDeadlock(
                    "all threads of the collector wait and nothing is scheduled that could wake one: "
                    + "; ".join(actor.what() for actor in waiting)
                )
                self._make_ready(self.main)
                return
            if limit > clockwork._now:  # noqa: SLF001
                clockwork._now = limit  # noqa: SLF001
            first = min(waiting, key=_deadline)
            if first.deadline <= limit:
                self._make_ready(first)
                first.timed_out = True
            else:
                self._note_stuck()
                self._ring_the_end()
        self._silent_since = None

    # -- the end of the day -----------------------------------------------------------------------------------------
    def _ring_the_end(self) -> None:
        """The day is over for several actors: a handler of SIGTERM runs in the main one, else all are asked to end."""
        self.over = True
        if self._has_own_handler() and not self._asked:
            self._asked = True
            self.until += self.grace
            self.main.signalled = signal.SIGTERM
            self._make_ready(self.main)
            return
        for actor in (self.main, *self._waiting):
            actor.ending = True
            self._make_ready(actor)

    def _signal_handler(self) -> object:
        """What handles SIGTERM now; None when the main actor is not the process's main thread, which runs handlers."""
        return signal.getsignal(signal.SIGTERM) if self.main.ident == threading.main_thread().ident else None

    def _has_own_handler(self) -> bool:
        handler = self.sigterm()
        return callable(handler) and handler is not self._host_handler

    def _handle_signal(self, me: Actor) -> None:
        number, me.signalled = me.signalled, None
        handler: Any = self.sigterm()
        if callable(handler):
            handler(number, None)

    def _end_of_day(self, me: Actor) -> None:
        """Ask an actor to end, as a service manager would: SIGTERM first, then without asking."""
        self.over = True
        if me is self.main and self._has_own_handler() and not self._asked:
            self._asked = True
            self.until += self.grace
            me.signalled = signal.SIGTERM
            self._handle_signal(me)
            return
        me.refused += 1
        if me.refused > STUBBORN:
            if me is not self.main:
                self._give_up(me)
            self._lost = True
            self._refuse()
        raise DayOver(0)

    def _note_stuck(self) -> None:
        waiting = list(self._waiting) or [self.actor]
        since = self._silent_since
        if since is not None and all(a.deadline >= NEVER and getattr(a.waiting_on, "inner_wait", 0) for a in waiting):
            self.stuck = f"since {clock_text(since, millis=True)} nothing of the collector could go on: " + "; ".join(
                actor.what() for actor in waiting
            )

    def ask(self) -> None:
        """Insist on nothing: the end is just raised."""

    def _refuse(self) -> NoReturn:
        """Raise the end once more, to a collector that swallowed it; a bare `except` may be in a loop with no wait."""
        if self.killed:
            self._die(self.actor)
        self.insist()
        if self.failure is not None:
            raise self.lost() from self.failure
        raise StubbornCollector

    # -- what the stand-ins are made of -----------------------------------------------------------------------------
    def sleep(self, seconds: float) -> None:
        """`time.sleep` in simulated time; a sleep of 0 is a poll, and lets others go first.

        Raises:
            ValueError: a negative length, as `time.sleep` has it.
        """
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        if seconds == 0:
            self.spin()
            self.let_others()
            return
        deadline = self.clockwork._now + max(1, round(seconds * NS))  # noqa: SLF001
        while self.park(deadline, "the end of a sleep"):
            pass

    def let_others(self) -> None:
        """Let the actors go on that can, then go on."""
        if self._runnable and not self.stepping:
            me = self.actor
            me.waiting_on, me.deadline = "its turn", self.clockwork.now
            me.ready, me.timed_out = True, False
            self._runnable.append(me)
            self._wait_for_turn(me)

    def spin(self, changes: Callable[[], int] | None = None) -> None:
        """A clock read or a poll: free at first, then it costs time, so that a busy loop goes on living.

        It never goes past the next event of the hall, another actor's deadline, or the end of the day.

        Args:
            changes: gives the next instant at which what is polled will change, as far as is known.
        """
        if self.stepping:  # a log line inside a device model reads the clock for nothing
            return
        if self._lost:
            self._refuse()
        self.beats += 1
        self._spins += 1
        if self._spins > SPIN_FREE:
            self._spend(changes)

    def turn(self) -> None:
        """A poll of an event loop with something to do: `spin`, and a turn for the others that can go on."""
        self.beats += 1
        self._spins = spins = self._spins + 1
        if spins > SPIN_FREE or self._lost or self.stepping:
            self._spins = spins - 1
            self.beats -= 1
            self.spin()
        if self._runnable:
            self.let_others()

    def _spend(self, changes: Callable[[], int] | None) -> None:
        count, now = self._spins, self.clockwork.now
        if count == SPIN_FREE + 1:
            self._spun_since = now
        since = self._spun_since
        at = now + min(max(SPIN_NS, (now - since) >> SPIN_SHARE), SPIN_MOST)
        queue: Any = self.clockwork._queue  # noqa: SLF001
        if queue and queue[0][0] < at:
            at = max(now, queue[0][0])
        if changes is not None and now < (change := changes()) < at:
            at = change
        for actor in self._waiting:
            if actor.deadline < at:
                at = max(now, actor.deadline)
        while self.park(at, "a busy loop's next look") and self.clockwork.now < at:
            pass
        self._spins = count
        self._spun_since = since

    def busy(self) -> None:
        """The collector did something (it read or wrote characters): a busy loop begins anew."""
        self._spins = 0

    def now_ns(self) -> int:
        """The present instant as a collector's clock reads it (counts as a poll)."""
        self.spin()
        return self.clockwork._now  # noqa: SLF001

    def unix_ns(self) -> int:
        """Unix time in ns as a collector's clock reads it."""
        return self.epoch_ns + self.now_ns()

    # -- the bench's side -------------------------------------------------------------------------------------------
    def end_at(self, at: int) -> None:
        """Let the day end at instant `at`, also for a wait in progress."""
        self.until = at
        self._limit = min(self._limit, at)

    def drive(self, upto: int = NEVER) -> None:
        """Run the environment to the end of the day, or to `upto`, with no collector."""
        if self.failure is not None:
            raise self.lost() from self.failure
        self._woken = False
        self._limit = min(upto, self.until)
        self.stepping = True
        try:
            self._run()
            self.clockwork.advance_to(min(upto, self.until))
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
        clockwork.foresight, before = self._foresight, clockwork.foresight
        try:
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
        finally:
            clockwork.foresight = before

    def _foresight(self) -> int:
        """Until the wait in progress ends, nothing happens but what the clockwork runs."""
        return self._limit

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
