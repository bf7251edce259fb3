"""Wall and scaled time: an asyncio loop moves the `Clockwork` to the wall's instant, and no further.

Everything that comes from outside (characters from a collector, a key that a person presses) is a *stimulus*: the
clockwork is first brought to the present, then the stimulus happens, so that it never lands in the clockwork's past.
Between stimuli one timer of the loop waits for the next event. Deadlines are absolute, so a late wake-up delays what
was due and nothing after it. `simpy.rt` is not used: it sleeps blockingly and no input can wake it
(virtual-time.md section 2).

A clockwork may have run virtually before: `start` joins it to the wall at whatever instant it stands at.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import selectors
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, thread_time
from typing import Any, Final, ParamSpec, TypeVar

from bench.clock.awake import Awake
from bench.clock.clockwork import Clockwork
from bench.clock.lateness import Lateness
from bench.daytime import clock_text
from firmware_sim.device import NS

SHARP_UP_TO: Final = 100
"""Ports up to which the loop wakes to the microsecond; beyond, to the millisecond, which costs less."""

SPIN_S: Final = 0.0003
"""How long before a frame leaves the loop is woken, to make it ready and wait out the rest on the processor: a sleeping
machine wakes some tenths of a millisecond late, and its caches are cold then."""
SPIN_FOR: Final = 4
"""... while no more than so many frames are under way; on a busy bench nothing sleeps, and the processor is needed."""

LONG_S: Final = 0.02
"""A time-out beyond this need not be kept to the microsecond at first: one call of the system is spared."""

AT_ONCE: Final = 8
"""How often the clockwork is moved in one go before the loop gets its turn."""

AT_MOST_S: Final = 0.2
"""How long a fast clock's clockwork is moved in one go, s of this thread's work, before it is let fall behind: a hall
that costs more than its speed leaves would else have more to catch up with each time, and nobody could ask for less."""
SLICE: Final = 10 * NS
"""How much of the hall's time is moved between two looks at that."""

P = ParamSpec("P")
T = TypeVar("T")


class Selector(selectors.DefaultSelector):  # epoll on Linux
    """The system's best selector, and when it last returned.

    Attributes:
        woke: the instant at which it last returned (`time.monotonic`, s): what is read then had come.
    """

    woke = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As any selector."""
        ready = super().select(timeout)
        self.woke = monotonic()
        return ready


class SharpSelector(Selector):
    """One that wakes to the microsecond: `select` waits, for the one descriptor that tells of all others.

    A long time-out returns before its end, with nothing, as `selectors` allows; the loop then asks for the rest.

    `select` alone takes no descriptor above 1023 and ends the loop when there is one: a crowd of connections would.
    """

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As any selector."""
        if timeout is not None and timeout > 0:
            if timeout > LONG_S:  # not yet sharply: what is left of it comes as a time-out of its own
                timeout -= LONG_S / 2
            else:
                select.select((self.fileno(),), (), (), timeout)
                timeout = 0
        ready = selectors.DefaultSelector.select(self, timeout)
        self.woke = monotonic()
        return ready


class PortLoop(asyncio.SelectorEventLoop):
    """An event loop that tells since when what it reads was there to be read."""

    def __init__(self, selector: Selector) -> None:
        super().__init__(selector)
        self.selector = selector


def make_loop(ports: int) -> PortLoop:
    """An event loop that suits a bench with so many ports.

    The time-outs of epoll are rounded up to whole milliseconds, and those of `select` are not. On a bench of many
    ports the rounding spares wake-ups: what falls due within a millisecond is done together.
    """
    sharp = ports < SHARP_UP_TO and hasattr(Selector, "fileno")
    return PortLoop(SharpSelector() if sharp else Selector())


def sharpen_timers() -> None:
    """Ask Linux to wake this thread when its timers are due and not up to 50 us later; elsewhere, nothing."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{threading.get_native_id()}/timerslack_ns").write_text("1", encoding="ascii")


def distortion(speed: float, *, scaled_program: bool = False) -> str:
    """What a scaled clock does to what is seen in it, in two sentences; empty at speed 1.

    Args:
        speed: seconds of the hall in one real second.
        scaled_program: the collector's own clocks run at that speed too.
    """
    if speed == 1:
        return ""
    if scaled_program:
        return (
            f"At {speed:g}x the hall's clock and the collector's own (sleeps, time-outs, calendar) are scaled, but the "
            "delays of the operating system and of both programs are not: each real millisecond of theirs counts as "
            f"{speed:g} ms in the hall (a 42 ms poll was measured as 74 ms at 60x). Use a scaled clock to demonstrate "
            "and to soak, not to judge times or losses."
        )
    return (
        f"At {speed:g}x the hall's clock is scaled, but the collector's own clock, its time-outs, the delays of the "
        f"operating system and of this process are not: each real millisecond of theirs counts as {speed:g} ms in the "
        "hall. Poll cycles look longer than they are (a 34 ms poll was measured as 143 ms at 10x, 706 ms at 60x) and "
        "time-outs come late: use a scaled clock to demonstrate and to soak, not to judge times or losses."
    )


class WallDriver:
    """Moves a clockwork by the loop's clock.

    Args:
        clockwork: what to move. Nobody else may move it while this runs.
        loop: the loop whose clock and timers are used, and in whose thread every method must be called.
        speed: seconds of the hall in one real second: 1 is wall time, anything else scaled time.

    Attributes:
        lateness: how late frames reached their port, in real seconds, one value a frame.
        pumps: how late the loop's timer came, in real seconds, one value a wake-up.
        running: the hall's time passes.
        behind: how much of the hall's time was not kept up with, ns: it passed later than its speed says.
        failure: what a device or the hall raised; the clock stands since then.
        awake: keeps the machine from falling asleep while a program talks; None on a bench of many ports, which does
            not come to sleep, or of a loop that is not ours.
    """

    def __init__(self, clockwork: Clockwork, loop: asyncio.AbstractEventLoop, *, speed: float = 1.0) -> None:
        self._check_speed(speed)
        self.clockwork = clockwork
        self.loop = loop
        self.lateness = Lateness()
        self.pumps = Lateness()
        self.running = False
        self.behind = 0
        self._anchored = False
        self._worked = thread_time
        self.failure: BaseException | None = None
        self._speed = speed
        self._ns_per_s = speed * NS
        self._base = clockwork.now
        self._origin = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._armed: float = float("inf")
        self._until: float = float("inf")
        self._moving = False
        self._frames: set[int] = set()
        self._leaves_at = 0.0
        self._time = loop.time
        self._selector: Selector | None = getattr(loop, "selector", None)
        self._ended: asyncio.Future[int] | None = None
        self.awake = Awake(loop) if isinstance(self._selector, SharpSelector) else None

    @staticmethod
    def _check_speed(speed: float) -> None:
        if not 0 < speed < float("inf"):
            raise ValueError(f"a clock's speed is a positive number, not {speed}")

    # -- the clock --------------------------------------------------------------------------------------------------
    @property
    def speed(self) -> float:
        """Seconds of the hall in one real second."""
        return self._speed

    @property
    def distortion(self) -> str:
        """What this clock's speed does to what is seen; empty at speed 1."""
        return distortion(self._speed)

    def now_ns(self) -> int:
        """The hall's present instant, ns; stands while the clock does, and never goes past the stop."""
        if not self.running:
            return self._base
        now = self._base + int((self._time() - self._origin) * self._ns_per_s)
        return int(self._until) if now > self._until else now

    @property
    def anchor(self) -> tuple[float, int]:
        """An instant of the loop's clock (`time.monotonic`, s), and which instant of the hall (ns) it was.

        It is asked for by whoever runs another clock by it: from then on the hall is never let fall behind.
        """
        self._anchored = True
        return self._origin, self._base

    def real_time(self, at: int) -> float:
        """The loop's time at which the hall's instant `at` is due (as the clock runs now)."""
        return self._origin + (at - self._base) / self._ns_per_s

    def start(self) -> None:
        """Let time pass, from the instant the clockwork stands at."""
        if self.running or self.failure is not None or self.clockwork.now >= self._until:
            return
        sharpen_timers()
        self._base = max(self._base, self.clockwork.now)
        self._origin = self.loop.time()
        self.running = True
        self._arm()

    resume = start

    def pause(self) -> None:
        """Let the hall's time stand, once what is due has happened. Stimuli still happen, at that instant."""
        if not self.running:
            return
        self._catch_up(self.now_ns())
        self._halt()

    def set_speed(self, speed: float) -> None:
        """Go on at another speed from now."""
        self._check_speed(speed)
        running = self.running
        self.pause()
        self._speed = speed
        self._ns_per_s = speed * NS
        if running:
            self.start()

    def step(self, ns: int) -> int:
        """While the clock stands: let the next `ns` of the hall's time happen at once; returns the new instant.

        Raises:
            ValueError: the clock runs, or the step goes back.
        """
        if self.running or self._moving:
            raise ValueError("the clock runs by the wall: pause it before a step")
        if ns < 0:
            raise ValueError("what has happened cannot be taken back: a step goes forward")
        if self.failure is not None:
            raise ValueError(f"the clock stands for good: {self.failure}")
        self._moving = True
        try:
            self.clockwork.advance_to(int(min(self.clockwork.now + ns, self._until)))
        except Exception as exc:  # a model failed, as in `_catch_up`
            self.fail(exc)
        finally:
            self._moving = False
        self._base = self.clockwork.now
        return self._base

    def stop_at(self, at: int) -> None:
        """Let time end at the hall's instant `at`: everything due by then happens, then the clock stands for good.

        Raises:
            ValueError: that instant is past.
        """
        if at < self.clockwork.now:
            raise ValueError(
                f"the clock cannot stop at {clock_text(at)}: it is {clock_text(self.clockwork.now, millis=True)}"
            )
        self._until = at
        if self.running:
            self._cancel()
            self._arm()

    def stop(self) -> None:
        """Let time end now."""
        self._catch_up(self.now_ns())
        self._until = self.clockwork.now
        self._finish()

    async def run(self, until: int | None = None) -> int:
        """Start, and wait until time has ended (at `until`, or by `stop_at` or `stop`); returns that instant.

        Raises:
            Whatever a device or the hall raised in a step: the bench cannot go on after it.
        """
        if until is not None:
            self.stop_at(until)
        self._ended = self.loop.create_future()
        self.start()
        if self.failure is not None:
            self.fail(self.failure)
        elif self.clockwork.now >= self._until:
            self._finish()
        return await self._ended

    # -- moving the clockwork ---------------------------------------------------------------------------------------
    def stimulus(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Bring the hall to the present, then do `fn(*args)`: the one way in for everything outside the clockwork.

        An error of `fn` is the caller's and is raised here; an error of the hall on the way to the present is a
        failure of the bench (see `failure`), and then `fn` still happens, in a hall that stands.
        """
        if self._moving:  # from inside a step: this is the present
            return fn(*args, **kwargs)
        return self._happen(self.now_ns(), fn, *args, **kwargs)

    def arrival(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`stimulus`, for what the loop has just read: it happens at the instant at which the loop woke for it.

        Reading takes its time, on a machine that has slept a tenth of a millisecond; what was read had come before.
        """
        if self._moving:
            return fn(*args, **kwargs)
        if self.awake is not None:
            self.awake.stir()
        if not self.running or self._selector is None:
            return self._happen(self.now_ns(), fn, *args, **kwargs)
        at = self._base + int((self._selector.woke - self._origin) * self._ns_per_s)
        return self._happen(at if at < self._until else int(self._until), fn, *args, **kwargs)

    def _happen(self, at: int, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        self._moving = True
        try:
            if self.running:
                self._advance(at)
            return fn(*args, **kwargs)
        finally:
            self._moving = False
            self._settle()

    def fail(self, exc: BaseException) -> None:
        """Stop the clock for good because the bench itself failed."""
        self.failure = self.failure or exc
        self._halt()
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(self.failure)

    def frame_due(self, due: int) -> None:
        """A port will hand over a frame at the hall's instant `due`: while few do, the wake-up is made early."""
        self._frames.add(due)

    def frame_came(self, due: int) -> None:
        """The hall is at the instant `due` of `frame_due`, whether or not anything is handed over."""
        self._frames.discard(due)

    def until_due(self) -> None:
        """Wait, on the processor, for the instant at which the frame that is about to be handed over is due.

        The hall is brought to that instant up to `SPIN_S` before it, so that nothing is left to do then but to write.
        """
        at = self._leaves_at
        if at:
            time = self._time
            while time() < at:
                pass

    def frame_left(self, due: int) -> None:
        """Record that a frame which was due at the hall's instant `due` has just reached its port."""
        if self.running:
            self.lateness.record(self._time() - self._origin - (due - self._base) / self._ns_per_s)

    def _catch_up(self, at: int) -> None:
        """Run what is due up to `at`; what has happened later already has happened."""
        if not self.running or self._moving:
            return
        self._moving = True
        try:
            self._advance(at)
        finally:
            self._moving = False

    def _advance(self, at: int) -> None:
        try:
            if self._speed > 1 and at - self.clockwork.now > SLICE and not self._anchored:
                self._hasten(at)
            else:
                self.clockwork.advance_to(at)
        except Exception as exc:  # a model failed; whoever awaits `run` gets it
            self.fail(exc)

    def _hasten(self, at: int) -> None:
        """Run what is due up to `at`, or as far as there is time for it: the hall's present is there then."""
        clockwork = self.clockwork
        over = self._worked() + AT_MOST_S
        while clockwork.now < at:
            clockwork.advance_to(min(at, clockwork.now + SLICE))
            if self._worked() > over and clockwork.now < at:
                self.behind += at - clockwork.now
                self._base, self._origin = clockwork.now, self._time()
                self._cancel()  # what is waited for comes later than it would have
                return

    def _pump(self) -> None:
        self._timer = None
        due, self._armed = int(self._armed), float("inf")
        came, at = self._time(), self.real_time(due)
        self._leaves_at = at
        if due in self._frames:
            self._catch_up(due)
        self.until_due()  # a frame has waited for it already; one that nobody was left to take has not
        self._leaves_at = 0.0
        self.pumps.record(came - at)
        self._catch_up(max(due, self.now_ns()))  # by the rounding of seconds, the present may seem some ns before it
        if self.running and self.clockwork.now >= self._until:
            self._finish()
        self._settle()

    def _settle(self) -> None:
        """Do what has fallen due meanwhile (a fast clock, a slow machine), a few times over; then wait for the next."""
        peek = self.clockwork.peek
        for _ in range(AT_ONCE):
            if not self.running:
                return
            now = self.now_ns()
            if peek() > now:
                break
            self._catch_up(now)
        self._arm()

    def _arm(self) -> None:
        if not self.running:
            return
        due = min(self.clockwork.peek(), self._until)
        if due >= self._armed or due == float("inf"):
            return
        self._cancel()
        self._armed = due
        at = self.real_time(int(due))
        if due in self._frames and len(self._frames) <= SPIN_FOR:
            at -= SPIN_S
        self._timer = self.loop.call_at(at, self._pump)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._armed = float("inf")

    def _halt(self) -> None:
        self._base = self.clockwork.now
        self.running = False
        self._cancel()
        if self.awake is not None:
            self.awake.release()

    def _finish(self) -> None:
        self._halt()
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(self.clockwork.now)

    def describe(self) -> dict[str, Any]:
        """Speed, instant and lateness, for display and for run.json."""
        return {
            "clock": "wall" if self._speed == 1 else f"{self._speed:g}x",
            "running": self.running,
            "now": self.now_ns(),
            "frames": self.lateness.as_dict(),
            "wake_ups": self.pumps.as_dict(),
            "kept_awake": self.awake is not None and self.awake.spells > 0,
            **({"behind_s": round(self.behind / NS, 1)} if self.behind else {}),
            **({"distortion": self.distortion} if self._speed != 1 else {}),
        }
