"""Clerks at their counters: log in, call, serve, pause, go home.

A clerk works the console and nothing else: who is called is the controller's business, who comes is decided by what the
hall's displays show. Breaks and closing are kept when no visitor stands at the counter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import simpy

from bench.hall.discipline import at_speed
from firmware_sim.device import NS

if TYPE_CHECKING:
    from bench.hall.hall import Hall, Person

NEXT, RECALL, NO_SHOW, TRANSFER, PAUSE, RESUME, DONE, LOG_IN = range(1, 9)
"""Keys of a clerk console (reference-keypad.md, last paragraph but one)."""

KEY = 600_000_000
"""A person takes this long from one key to the next, ns (assumed); two keys at once are one press to a console."""

NO_SHOW_AFTER = 60 * NS
"""A clerk recalls after this long with nobody at the counter, and gives the ticket up after as long again."""


class CounterDesk:
    """One counter: its clerk's process, its devices, and who stands at it."""

    def __init__(self, hall: Hall, number: int) -> None:
        spec = next(c for c in hall.scenario.counters if c.number == number)
        self.hall = hall
        self.number = number
        self.clerk = spec.clerk
        self.clerk_code = spec.clerk_code
        self.speed = spec.speed
        self.skills = hall.scenario.skills[number]
        self.console = hall.device_at(number, "clerk_console")
        self.keypad = hall.device_at(number, "rating_keypad")
        self.standing: deque[Person] = deque()
        self.shows: str | None = None
        self._news: simpy.Event | None = None
        self.ratings = 0

    # -- what happens at the counter --------------------------------------------------------------------------------
    def arrive(self, person: Person) -> None:
        """A visitor stands at the counter."""
        self.standing.append(person)
        self.poke()

    def poke(self) -> None:
        """Something changed that the clerk may be waiting for."""
        if self._news is not None and not self._news.triggered:
            self._news.succeed()

    def show(self, text: str) -> None:
        """The counter's display changed."""
        self.shows = text or None
        self.poke()

    # -- the clerk --------------------------------------------------------------------------------------------------
    def work(self) -> Generator[simpy.Event, Any, None]:
        """The clerk's day, as a SimPy process."""
        hall = self.hall
        clock = hall.clockwork
        yield from hall.until(hall.scenario.hours.opens)
        yield from self._log_in()
        while not self._may_go_home():
            pause = self._pause_now()
            if pause > clock.now:
                yield from self._press(PAUSE)
                yield from hall.until(pause)
                yield from self._press(RESUME)
                continue
            if not self.standing:
                if hall.roster.may_call(self.number, clock.now) == clock.now:
                    yield from self._press(NEXT)
                yield from self._await_visitor()
            while self.standing:
                yield from self._serve(self.standing.popleft())
                yield clock.timeout(hall.pace_clerk)
        yield from self._press(PAUSE)
        hall.record("clerk_leaves", {"clerk": self.clerk, "counter": self.number})

    def _log_in(self) -> Generator[simpy.Event, Any, None]:
        if self.keypad:
            self.hall.hands(self.keypad, "log_in", self.clerk_code)
        if self.console:
            yield self.hall.clockwork.timeout(KEY)
            self.hall.hands(self.console, "log_in", self.clerk_code)
        self.hall.record("clerk_comes", {"clerk": self.clerk, "counter": self.number})

    def _press(self, key: int) -> Generator[simpy.Event, Any, None]:
        if self.console:
            yield self.hall.clockwork.timeout(KEY)
            self.hall.hands(self.console, "press", key)

    def _await_visitor(self) -> Generator[simpy.Event, Any, None]:
        """Wait for whoever comes; recall and give up a ticket that nobody brings; leave off for a break or at close."""
        hall = self.hall
        clock = hall.clockwork
        called: str | None = None
        patience = recalled = 0
        while not self.standing:
            if self.shows is not None and self.shows != called:  # dark is no news: a recalled ticket blinks
                called, patience, recalled = self.shows, clock.now + NO_SHOW_AFTER, 0
            if called is not None and self.shows is None and clock.now >= patience:
                called = None  # it was taken off the display
            if called is None and (self._pause_now() > clock.now or self._may_go_home()):
                return
            if called is not None and clock.now >= patience:
                if recalled:
                    yield from self._press(NO_SHOW)
                    self.shows = None
                    return
                yield from self._press(RECALL)
                recalled, patience = 1, clock.now + NO_SHOW_AFTER
            limit = patience if called is not None else self._next_change()
            self._news = clock.event()
            if limit is None:
                yield self._news
            else:
                yield self._news | clock.timeout(limit - clock.now)
            self._news = None

    def _serve(self, person: Person) -> Generator[simpy.Event, Any, None]:
        hall = self.hall
        facts = {"visitor": person.visitor.number, "ticket": person.ticket, "counter": self.number}
        hall.record("start", facts)
        yield hall.clockwork.timeout(at_speed(person.service, self.speed))
        hall.record("end", facts)
        if person.passed_on:
            yield from self._press(TRANSFER)
            person.left.succeed()
            return
        yield from self._press(DONE)
        value = person.visitor.rating
        if value and self.keypad:
            yield hall.clockwork.timeout(person.visitor.rating_delay)
            marks = hall.day.watermarks.get(self.number)
            hall.hands(self.keypad, "press", marks[self.ratings % len(marks)] if marks else value)
            self.ratings += 1
        person.left.succeed()

    # -- hours ------------------------------------------------------------------------------------------------------
    def _pause_now(self) -> int:
        """End of the break or closed span we are in, or 0."""
        now = self.hall.clockwork.now
        at = self.hall.roster.may_call(self.number, now)
        return at if at is not None and at > now else 0

    def _next_change(self) -> int | None:
        """The next instant at which a waiting clerk would stop waiting: a break begins, or the hall closes."""
        now, closes = self.hall.clockwork.now, self.hall.scenario.hours.closes
        changes = [self.hall.roster.next_pause(self.number, now), closes if now < closes else None]
        return min((at for at in changes if at is not None), default=None)

    def _may_go_home(self) -> bool:
        hall = self.hall
        if hall.clockwork.now < hall.scenario.hours.closes or self.standing:
            return False
        return not hall.somebody_for(self.skills)
