"""Everything that happens, numbered, in a ring: who reads slowly loses the oldest and is told how many.

Adding an event costs a tuple and a store; it is turned to JSON when somebody reads it, once for all readers. Nobody
who adds ever waits for somebody who reads.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from bench.daytime import clock_text
from bench.run.frames import Decoder, Frame

__all__ = ["KEPT", "KINDS", "Batch", "EventLog", "plain"]

KEPT: Final = 20_000
"""Events that are kept: at ten busy lines about twenty seconds of frames, at one bus some minutes."""

KINDS: Final = ("device", "frame", "fault", "house", "people", "act", "clock", "run", "collector")
"""Kinds of events, as `kinds=` takes them."""

_OF_SOURCE: Final[Mapping[str, str]] = {
    "dev": "device",
    "hall": "people",
    "house": "house",
    "fault": "fault",
    "run": "run",
    "collector": "collector",
}
"""Who tells a record of the history -> the kind of the event. Records of lines are frames and come by themselves."""

_LOOK: Final = 5000
"""Events that are looked at for one batch."""


class Batch(NamedTuple):
    """What a reader gets at once.

    Args:
        since: the number it asked from.
        last: the number to go on from.
        lost: how many events after `since` are not kept any more.
        events: JSON texts, oldest first.
    """

    since: int
    last: int
    lost: int
    events: list[str]

    def text(self) -> str:
        """The batch as one JSON object."""
        head = f'{{"since":{self.since},"last":{self.last},"lost":{self.lost},"events":['
        return head + ",".join(self.events) + "]}"


def plain(value: Any) -> Any:
    """What `json` does not know: mappings of other kinds, bytes, sets; anything else as text."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return str(value)


class _Event:
    __slots__ = ("at", "facts", "kind", "request", "seq", "text", "what", "who")

    def __init__(self, seq: int, at: int, kind: str, what: str, who: str, facts: Any, request: bytes | None) -> None:
        self.seq = seq
        self.at = at
        self.kind = kind
        self.what = what
        self.who = who  # the device, or the line of a frame
        self.facts = facts
        self.request = request  # of a frame: what it answers
        self.text: str | None = None


class EventLog:
    """The ring.

    Args:
        decoder: reads frames.
        now: the hall's present instant, ns.
        keep: most events that are kept.

    Attributes:
        last: number of the latest event; 0 before the first.
    """

    def __init__(self, decoder: Decoder | None, now: Callable[[], int], keep: int = KEPT) -> None:
        self._ring: list[_Event | None] = [None] * keep
        self._keep = keep
        self.decoder = decoder
        self.now = now
        self._asked: dict[str, bytes] = {}
        self._waiting: set[asyncio.Event] = set()
        self.last = 0
        self.closed = False

    # -- what happens -----------------------------------------------------------------------------------------------
    def add(self, kind: str, what: str, facts: Mapping[str, Any], at: int | None = None, who: str = "") -> int:
        """Something happened; returns its number."""
        return self._add(self.now() if at is None else at, kind, what, who, facts, None)

    def record(self, t: int, src: str, kind: str, facts: Mapping[str, Any]) -> None:
        """A record of the history (see `World`'s tap); those of lines are left to `burst`."""
        if src == "run" and kind == "clock":
            self._add(t, "clock", str(facts["do"]), "", facts, None)
            return
        told = _OF_SOURCE.get(src)
        if told is not None:
            self._add(t, told, kind, str(facts.get("device") or ""), facts, None)

    def burst(self, start: int, line: str, src: str, data: bytes, flaws: int, end: int) -> None:
        """A frame has ended on a line (arguments of a line's burst sink)."""
        frame = Frame(start, line, src, data, flaws, end)
        if frame.is_request:
            self._asked[line] = data
            request = None
        else:
            request = self._asked.get(line)
        self._add(start, "frame", "request" if request is None else "reply", line, frame, request)

    def _add(self, at: int, kind: str, what: str, who: str, facts: Any, request: bytes | None) -> int:
        self.last = seq = self.last + 1
        self._ring[seq % self._keep] = _Event(seq, at, kind, what, who, facts, request)
        for waiting in self._waiting:
            waiting.set()
        return seq

    # -- reading ----------------------------------------------------------------------------------------------------
    @property
    def first(self) -> int:
        """Number of the oldest event that is kept (one more than `last` when there is none)."""
        return max(1, self.last - self._keep + 1)

    def read(self, since: int, most: int = 500, kinds: Collection[str] = (), who: str = "") -> Batch:
        """The events after number `since`.

        Args:
            since: 0..`last`.
            most: most events.
            kinds: only these; empty is all.
            who: only of this device or line; "" is all.
        """
        begin = max(since + 1, self.first)
        lost = begin - since - 1
        found: list[str] = []
        at = begin
        stop = min(self.last + 1, begin + _LOOK)
        while at < stop and len(found) < most:
            event = self._ring[at % self._keep]
            at += 1
            if event is None or (kinds and event.kind not in kinds) or (who and event.who != who):
                continue
            found.append(self._text(event))
        return Batch(since, at - 1, lost, found)

    def latest(self, most: int, kinds: Collection[str] = (), who: str = "") -> list[dict[str, Any]]:
        """The last `most` events of a kind, of a device or line, oldest first; looks back 5000 events at most."""
        found: list[dict[str, Any]] = []
        for seq in range(self.last, max(self.first, self.last - _LOOK) - 1, -1):
            event = self._ring[seq % self._keep]
            if event is None or (kinds and event.kind not in kinds) or (who and event.who != who):
                continue
            found.append(json.loads(self._text(event)))
            if len(found) >= most:
                break
        return found[::-1]

    def ignored_since(self, since: int, who: str) -> str | None:
        """Why a device took no notice of a key after event `since`; None when it did."""
        for seq in range(max(since + 1, self.first), self.last + 1):
            event = self._ring[seq % self._keep]
            if event is not None and event.what == "ignored" and event.who == who:
                return str(event.facts.get("why", ""))
        return None

    def _text(self, event: _Event) -> str:
        if event.text is None:
            told: dict[str, Any] = {
                "seq": event.seq,
                "at": event.at,
                "time": clock_text(event.at, millis=True),
                "kind": event.kind,
                "what": event.what,
            }
            if event.kind == "frame":
                told.update(self._frame(event))
            else:
                if event.who:
                    told["device"] = event.who
                told["facts"] = {name: value for name, value in event.facts.items() if name != "device"}
            event.text = json.dumps(told, default=plain, separators=(",", ":"))
        return event.text

    def _frame(self, event: _Event) -> dict[str, Any]:
        frame: Frame = event.facts
        try:
            text = self.decoder.meaning(frame, event.request) if self.decoder is not None else ""
        except (ValueError, LookupError) as exc:  # hostile characters must not hide what else happens
            text = f"cannot be read: {exc}"
        return {
            "line": frame.line,
            "by": frame.by,
            "hex": frame.data.hex(),
            "flaws": frame.flaws,
            "end": frame.end,
            "text": text,
        }

    @contextmanager
    def news(self) -> Iterator[asyncio.Event]:
        """An event that is set when something has happened; the reader clears it before it reads."""
        waiting = asyncio.Event()
        self._waiting.add(waiting)
        try:
            yield waiting
        finally:
            self._waiting.discard(waiting)

    def close(self) -> None:
        """Nothing happens any more: readers that wait are woken."""
        self.closed = True
        for waiting in self._waiting:
            waiting.set()
