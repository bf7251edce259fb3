"""Events that are used again and again on a SimPy environment as it comes: one for each counter, one for the tickets.

SimPy makes an event for everything that happens. In a hall the same few things happen thousands of times, so here an
event belongs to whoever acts and is put on the environment's schedule anew each time (queueing.md section 2, point 4).
The environment is `simpy.Environment`, not replaced and not derived from, and `run` is its own. An instant at or after
the end of a day is never put there, so the run ends by itself when nothing is left.

What is due at one instant is put in order by SimPy's priority, for which anything serves that compares. Here these are
tuples, so no event with a number for its priority (a `Timeout`, a process) may be in the same environment.

What is left to save per visit is in SimPy's `schedule`. `bench.planning.engine` calls it; `bench.planning.plain_day`
does what it does without the call (`agenda`), which is a seventh of a day's time. So four private names are relied on:
`_queue`, `_eid` and `_now` of the environment, `_ok` of the event. A test holds them against the public names, whatever
version of SimPy is installed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import simpy

TICKET: Final = (-2,)
"""Priority of the tickets that join: before all else at their instant."""

SECOND: Final = (-1,)
"""Priority of a ticket that joins a second queue: after the first ones, before what counters do."""

Agenda: TypeAlias = list[tuple[int, tuple[int, ...], int, simpy.Event]]
"""A heap of (instant, priority, number, event)."""


def agenda(env: simpy.Environment) -> tuple[Agenda, Callable[[], int]]:
    """What `Environment.schedule` uses: the heap of what is due, and what numbers it."""
    found: Any = env
    return found._queue, found._eid.__next__  # noqa: SLF001


class Reusable(simpy.Event):
    """An event that calls one handler each time it comes up. To schedule it, set `callbacks` to `does`.

    Attributes:
        does: the list with the handler. SimPy takes `callbacks` off an event when it runs it, never empties the list.
    """

    __slots__ = ("does",)

    def __init__(self, env: simpy.Environment, does: Callable[[Any], None]) -> None:
        """An event that is not scheduled yet; `does` is called with the event."""
        super().__init__(env)
        self._ok = True  # or `Environment.step` takes it for one that failed
        self.does: list[Callable[[Any], None]] = [does]
        self.callbacks = None  # type: ignore[assignment]  # as SimPy leaves an event that it has run
