"""Time in a test's hall: letting it pass, and waiting for something to happen in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from bench.clock.clockwork import seconds as ns_of
from bench.clock.kernel import DayOver
from bench.daytime import clock_text
from bench.testing.build import instant
from bench.testing.expect import NoteWanted, NotSeen
from bench.testing.stage import Stage
from bench.testing.traffic import Happening

__all__ = ["HallOver", "Passing"]


class HallOver(AssertionError):
    """The test waited on until the hall's day had ended."""


class _Search:
    """One wait for something, and what came near it."""

    def __init__(self, hall: Passing, what: str | Callable[[], Any], device: str | None, facts: dict[str, Any]) -> None:
        self._hall = hall
        self._what = what
        self._wanted = NoteWanted(what, device, facts) if isinstance(what, str) else None
        self._seen = hall.tape.noted
        self._since = hall.now_ns
        self.found: Any = None

    def look(self) -> bool:
        """Whether it is there."""
        if self._wanted is None:
            assert callable(self._what)
            self.found = self._what()
            return bool(self.found)
        for told in self._new():
            if self._wanted.matches(told):
                self.found = told
                return True
        return False

    def _new(self) -> list[Happening]:
        tape = self._hall.tape
        new = min(tape.noted - self._seen, len(tape.notes))
        return [tape.notes[place] for place in range(len(tape.notes) - new, len(tape.notes))]

    def missed(self, timeout: float) -> str:
        """Why it was not found, with what came closest."""
        if self._wanted is None:
            name = getattr(self._what, "__name__", repr(self._what))
            name = "what the test waits for" if name == "<lambda>" else f"{name}()"
            return f"{name} did not become true within {timeout:g} s (it gave {self.found!r} last)"
        since = self._new()
        before = [told for told in self._hall.tape.notes if told.at <= self._since and self._wanted.matches(told)]
        early = f"; one came before the wait began, at {clock_text(before[-1].at, millis=True)}" if before else ""
        return f"{self._wanted} did not come within {timeout:g} s: {self._wanted.closest(since)}{early}"


class Passing(Stage):
    """A stage on which time passes."""

    _trouble: BaseException | None = None

    @property
    def now(self) -> dt.datetime:
        """The present instant, in the hall's time zone."""
        micros = (self.scenario.epoch_ns + self.now_ns) // 1000
        utc = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros)
        return utc.astimezone(ZoneInfo(self.scenario.timezone))

    def run_for(self, seconds: float) -> None:
        """Let so many seconds pass in the hall."""
        __tracebackhide__ = True
        self._wait(self.now_ns + ns_of(seconds), None)

    def run_until(self, when: object) -> None:
        """Let time pass until a time of the day ("10:40", "10:40:07.250"); not at all when that is past."""
        __tracebackhide__ = True
        self._wait(instant(when, self.scenario), None)

    def wait_until(self, seen: Callable[[], Any], within: float) -> bool:
        """Let time pass until `seen()` is true, for so many seconds at most; returns whether it became so."""
        __tracebackhide__ = True
        return self._wait(self.now_ns + ns_of(within), lambda: bool(seen()))

    def wait_for(
        self, what: str | Callable[[], Any], *, timeout: float = 60.0, device: str | None = None, **facts: Any
    ) -> Any:
        """Wait for a note of a device, or until something is true.

        Args:
            what: the kind of a note ("ack", "shown", "printed" ...), or a function that is asked again and again.
            timeout: seconds in the hall.
            device: of this device only.
            facts: that the note has to have: `wait_for("shown", device="display-1", text="7")`.

        Returns:
            The note, or what the function returned.

        Raises:
            NotSeen: it did not come; the message says what came closest.
        """
        __tracebackhide__ = True
        search = self._search(what, device, facts)
        if not self.wait_until(search.look, timeout):
            raise NotSeen(search.missed(timeout))
        return search.found

    async def arun_for(self, seconds: float) -> None:
        """`run_for` in a coroutine: the loop's other tasks go on meanwhile."""
        await self._await(self.now_ns + ns_of(seconds), None)

    async def arun_until(self, when: object) -> None:
        """`run_until` in a coroutine."""
        await self._await(instant(when, self.scenario), None)

    async def await_for(
        self, what: str | Callable[[], Any], *, timeout: float = 60.0, device: str | None = None, **facts: Any
    ) -> Any:
        """`wait_for` in a coroutine."""
        search = self._search(what, device, facts)
        if not await self._await(self.now_ns + ns_of(timeout), search.look):
            raise NotSeen(search.missed(timeout))
        return search.found

    # -- underneath -------------------------------------------------------------------------------------------------
    def _search(self, what: str | Callable[[], Any], device: str | None, facts: dict[str, Any]) -> _Search:
        return _Search(self, what, device, facts)

    def _wait(self, at: int, seen: Callable[[], bool] | None) -> bool:
        __tracebackhide__ = True
        self._tell_trouble()
        try:
            came = self.drive.wait(at, seen)
        except DayOver:
            raise HallOver(self.day_is_over()) from None
        self._tell_trouble()
        return came

    async def _await(self, at: int, seen: Callable[[], bool] | None) -> bool:
        self._tell_trouble()
        came = await self.drive.wait_async(at, seen)
        self._tell_trouble()
        return came

    def _tell_trouble(self) -> None:
        """Raise what went wrong in a scheduled action or a program, where the test can see it."""
        __tracebackhide__ = True
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            raise trouble

    def day_is_over(self) -> str:
        """What to say of a wait that lasted to the end of the day."""
        return (
            f"the test waited until {clock_text(self.now_ns)}, when the day of {self.scenario.name} ended: something "
            "in it waits for ever (a read without a time-out, a loop that never ends?)"
        )

    def at(self, when: object, action: Callable[..., Any], *args: Any) -> None:
        """Do something at a time of the day, while the test waits or a program runs.

        Args:
            when: "10:40", "10:40:07.250".
            action: called with `args`; it may act on devices and arm faults, and must not wait.
            args: for `action`.

        Raises:
            ValueError: that time is past.
        """
        at = instant(when, self.scenario)
        self.drive.do(lambda: self.world.clockwork.call_at(at, self._try, lambda: action(*args)))

    def _try(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except Exception as exc:
            self._trouble = self._trouble or exc
            self.drive.interrupt()
