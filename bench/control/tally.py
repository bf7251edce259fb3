"""The figures of a running hall, kept up as things happen: who waits, what counters do, what devices hold.

Fed by the world's tap and by the lines' bursts, like the event log; nothing here touches a device.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from firmware_sim.device import NS

__all__ = ["LineTally", "Tally"]

SECONDS: Final = 60
"""Seconds of a line's load that are kept, and minutes of the queue."""

SHEETS: Final = 5
"""Tickets of each printer that are kept."""

RECENT: Final = 10
"""Seconds over which the present load is taken."""

_PAUSE, _RESUME = 5, 6
"""Keys of a clerk console (reference-keypad.md)."""


@dataclass(slots=True)
class _Bin:
    number: int
    busy: int = 0
    frames: int = 0
    flaws: int = 0


class LineTally:
    """What one line did lately, a bin for each second of the hall's time."""

    def __init__(self) -> None:
        self.bins: deque[_Bin] = deque(maxlen=SECONDS)
        self.frames = 0
        self.damaged = 0

    def add(self, start: int, end: int, flaws: int) -> None:
        """A burst went by."""
        number = end // NS
        if not self.bins or self.bins[-1].number != number:
            self.bins.append(_Bin(number))
        last = self.bins[-1]
        last.busy += end - start
        last.frames += 1
        last.flaws += flaws > 0
        self.frames += 1
        self.damaged += flaws > 0

    def describe(self, now: int) -> dict[str, Any]:
        """Load and frames a second over the last ten whole seconds, and the load of each of the last sixty."""
        second = now // NS
        known = {one.number: one for one in self.bins}
        recent = [known[n] for n in range(second - RECENT, second) if n in known]
        loads = [min(1.0, round(known[n].busy / NS, 4)) if n in known else 0.0 for n in range(second - SECONDS, second)]
        return {
            "utilisation": min(1.0, round(sum(one.busy for one in recent) / (RECENT * NS), 4)),
            "frames_per_s": round(sum(one.frames for one in recent) / RECENT, 2),
            "frames": self.frames,
            "damaged": self.damaged,
            "loads": loads,
        }


@dataclass(slots=True)
class _Counter:
    state: str = "closed"
    since: int = 0
    clerk: str = ""
    ticket: str = ""


@dataclass(slots=True)
class Tally:
    """The figures.

    Attributes:
        keypads: names of the rating keypads.
        consoles: clerk console -> its counter.
        lines: line -> its load.
        online, missed: who did not come: the errand was done at home, or the appointment was not kept. They are not
            among those who arrived.
        sheets: printer -> the last tickets that it cut off: {"at", "lines", "mm"}.
    """

    keypads: frozenset[str]
    consoles: Mapping[str, int]
    lines: dict[str, LineTally]
    arrived: int = 0
    online: int = 0
    missed: int = 0
    left: int = 0
    served: int = 0
    tickets: int = 0
    calls: int = 0
    presses: int = 0
    acknowledged: int = 0
    overflowed: int = 0
    faults_hit: int = 0
    sheets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _waiting: dict[int, tuple[int, str]] = field(default_factory=dict)
    _waits: list[int] = field(default_factory=list)
    _counters: dict[int, _Counter] = field(default_factory=dict)
    _held: dict[str, deque[int]] = field(default_factory=dict)
    _windows: dict[str, tuple[int, int]] = field(default_factory=dict)
    _minutes: deque[list[int]] = field(default_factory=lambda: deque(maxlen=SECONDS))

    # -- what happens -----------------------------------------------------------------------------------------------
    def burst(self, start: int, line: str, _src: str, _data: bytes, flaws: int, end: int) -> None:
        """A frame has ended on a line."""
        self.lines[line].add(start, end, flaws)

    def record(self, t: int, src: str, kind: str, facts: Mapping[str, Any]) -> None:
        """A record of the history."""
        react = _REACTIONS.get((src, kind))
        if react is not None:
            react(self, t, facts)

    def _arrives(self, _t: int, _facts: Mapping[str, Any]) -> None:
        self.arrived += 1

    def _at_home(self, _t: int, _facts: Mapping[str, Any]) -> None:
        self.online += 1

    def _misses(self, _t: int, _facts: Mapping[str, Any]) -> None:
        self.missed += 1

    def _takes(self, t: int, facts: Mapping[str, Any]) -> None:
        self.tickets += 1
        self._waiting[facts["visitor"]] = (t, str(facts["ticket"]))
        self._sample(t)

    def _goes(self, t: int, facts: Mapping[str, Any]) -> None:
        self.calls += 1
        taken = self._waiting.pop(facts["visitor"], None)
        if taken is not None:
            self._waits.append(t - taken[0])
        self._at(facts["counter"], t, "called", ticket=str(facts["ticket"]))
        self._sample(t)

    def _leaves(self, t: int, facts: Mapping[str, Any]) -> None:
        self.left += 1
        self.served += facts.get("why") == "served"
        self._waiting.pop(facts["visitor"], None)
        self._sample(t)

    def _starts(self, t: int, facts: Mapping[str, Any]) -> None:
        self._at(facts["counter"], t, "serving", ticket=str(facts["ticket"]))

    def _ends(self, t: int, facts: Mapping[str, Any]) -> None:
        self._at(facts["counter"], t, "free")

    def _clerk(self, t: int, facts: Mapping[str, Any]) -> None:
        self._at(facts["counter"], t, "free", clerk=str(facts["clerk"]))

    def _clerk_gone(self, t: int, facts: Mapping[str, Any]) -> None:
        self._at(facts["counter"], t, "closed")

    def _at(self, number: int, t: int, state: str, ticket: str = "", clerk: str = "") -> None:
        counter = self._counters.setdefault(number, _Counter())
        counter.state, counter.since, counter.ticket = state, t, ticket
        counter.clerk = clerk or counter.clerk

    def _sample(self, t: int) -> None:
        minute = t // (60 * NS)
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append([minute, 0])
        last = self._minutes[-1]
        last[1] = max(last[1], len(self._waiting))

    def _pressed(self, t: int, facts: Mapping[str, Any]) -> None:
        device = facts["device"]
        self.presses += device in self.keypads
        self._held.setdefault(device, deque()).append(t)

    def _key(self, t: int, facts: Mapping[str, Any]) -> None:
        self._held.setdefault(facts["device"], deque()).append(t)
        counter = self.consoles.get(facts["device"])
        if counter is not None and facts.get("value") in (_PAUSE, _RESUME):
            self._at(counter, t, "break" if facts["value"] == _PAUSE else "free")

    def _acked(self, _t: int, facts: Mapping[str, Any]) -> None:
        held = self._held.get(facts["device"], deque())
        freed = min(int(facts.get("freed", 1)), len(held))
        for _ in range(freed):
            held.popleft()
        self.acknowledged += freed if facts["device"] in self.keypads else 0

    def _overflow(self, _t: int, facts: Mapping[str, Any]) -> None:
        held = self._held.get(facts["device"])
        if held:
            held.popleft()
        self.overflowed += facts["device"] in self.keypads

    def _window(self, t: int, facts: Mapping[str, Any]) -> None:
        if facts["ticket"]:
            self._windows[facts["device"]] = (facts["ticket"], t + facts["seconds"] * NS)
        else:
            self._windows.pop(facts["device"], None)

    def _printed(self, t: int, facts: Mapping[str, Any]) -> None:
        sheets = self.sheets.setdefault(facts["device"], [])
        sheets.append({"at": t, "lines": [str(line) for line in facts["lines"]], "mm": facts["mm"]})
        del sheets[:-SHEETS]

    def _hit(self, _t: int, _facts: Mapping[str, Any]) -> None:
        self.faults_hit += 1

    # -- asking -----------------------------------------------------------------------------------------------------
    def window(self, device: str, now: int) -> dict[str, Any] | None:
        """The rating window that is open on a keypad."""
        found = self._windows.get(device)
        if found is None or found[1] <= now:
            return None
        return {"ticket": found[0], "closes_at": found[1], "left_s": round((found[1] - now) / NS, 3)}

    def held(self, device: str) -> int:
        """Events that a device keeps because nobody has fetched them."""
        return len(self._held.get(device, ()))

    def describe(self, now: int, counters: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
        """All figures; `counters` gives what is known of each counter beforehand."""
        waiting = sorted(self._waiting.values())
        held = [at for queue in self._held.values() for at in queue]
        waits = sorted(self._waits)
        shown = []
        for number, facts in counters.items():
            counter = self._counters.get(number, _Counter())
            shown.append(
                {
                    "number": number,
                    **facts,
                    "state": counter.state,
                    "since": counter.since,
                    "for_s": round((now - counter.since) / NS, 3) if counter.since else 0.0,
                    "ticket": counter.ticket,
                }
            )
        minute = now // (60 * NS)
        known = {row[0]: row[1] for row in self._minutes}
        return {
            "at": now,
            "visitors": {
                "arrived": self.arrived,
                "online": self.online,
                "missed_appointments": self.missed,
                "left": self.left,
                "served": self.served,
                "inside": self.arrived - self.left,
                "waiting": len(waiting),
                "longest_wait_s": round((now - waiting[0][0]) / NS, 3) if waiting else 0.0,
                "next_tickets": [ticket for _, ticket in waiting[:10]],
                "waiting_by_minute": [known.get(n, 0) for n in range(minute - 29, minute + 1)],
            },
            "waits_s": {
                "count": len(waits),
                "mean": round(sum(waits) / len(waits) / NS, 3) if waits else 0.0,
                "p90": round(waits[min(len(waits) - 1, len(waits) * 9 // 10)] / NS, 3) if waits else 0.0,
                "max": round(waits[-1] / NS, 3) if waits else 0.0,
            },
            "counters": shown,
            "tickets": self.tickets,
            "calls": self.calls,
            "ratings": {
                "pressed": self.presses,
                "acknowledged": self.acknowledged,
                "overflowed": self.overflowed,
                "open_windows": [
                    {"device": device, **found}
                    for device in self._windows
                    if (found := self.window(device, now)) is not None
                ],
            },
            "held": {"events": len(held), "oldest_s": round((now - min(held)) / NS, 3) if held else 0.0},
            "faults_hit": self.faults_hit,
        }


_REACTIONS: Final[Mapping[tuple[str, str], Callable[[Tally, int, Mapping[str, Any]], None]]] = {
    ("hall", "arrive"): Tally._arrives,  # noqa: SLF001 - the tally's own table
    ("hall", "online"): Tally._at_home,  # noqa: SLF001
    ("hall", "missed"): Tally._misses,  # noqa: SLF001
    ("hall", "ticket_taken"): Tally._takes,  # noqa: SLF001
    ("hall", "goes"): Tally._goes,  # noqa: SLF001
    ("hall", "leaves"): Tally._leaves,  # noqa: SLF001
    ("hall", "start"): Tally._starts,  # noqa: SLF001
    ("hall", "end"): Tally._ends,  # noqa: SLF001
    ("hall", "clerk_comes"): Tally._clerk,  # noqa: SLF001
    ("hall", "clerk_leaves"): Tally._clerk_gone,  # noqa: SLF001
    ("dev", "press"): Tally._pressed,  # noqa: SLF001
    ("dev", "key"): Tally._key,  # noqa: SLF001
    ("dev", "ack"): Tally._acked,  # noqa: SLF001
    ("dev", "overflow"): Tally._overflow,  # noqa: SLF001
    ("dev", "window"): Tally._window,  # noqa: SLF001
    ("dev", "printed"): Tally._printed,  # noqa: SLF001
    ("fault", "fault"): Tally._hit,  # noqa: SLF001
}
"""(who tells, what) -> what becomes of the figures."""
