"""The wire log's memory: a bounded ring of events, a filter, and where the reader looks. No terminal here.

Events are kept as they came and worded only when their row is drawn: a line may tell more in a second than anybody can
read, and rows that are never looked at must cost next to nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from bench.tui.text import plain

__all__ = ["KEPT", "Wire", "Worded", "worded"]

KEPT: Final = 20_000
"""Rows that are kept; the bench itself keeps as many (docs/control.md)."""

_SLACK: Final = 4096
"""Rows that pile up before the oldest are cut, so that cutting is rare."""

_SHOWN: Final = frozenset({"frame", "fault", "act", "clock", "run", "collector"})
"""Kinds of events that belong into the log; what devices and people do stands in the tiles."""


class Worded(NamedTuple):
    """A row in words.

    Attributes:
        time: "09:42:17.031".
        where: line or device.
        sign: "→" to the devices, "←" from them, "!" for what is no frame.
        text: what it says.
        mark: "" or what is wrong with it.
        kind: of the event.
    """

    time: str
    where: str
    sign: str
    text: str
    mark: str
    kind: str


def worded(event: Mapping[str, Any]) -> Worded:
    """Words of one event; everything in them is printable."""
    kind, what = str(event.get("kind", "")), str(event.get("what", ""))
    time = plain(event.get("time", ""), 16)
    if kind == "frame":
        flaws = event.get("flaws") or 0
        sign = "→" if what == "request" else "←"
        text = event.get("text") or event.get("hex", "")
        return Worded(
            time, plain(event.get("line", ""), 64), sign, plain(text, 512), f"✖{flaws}" if flaws else "", kind
        )
    facts = event.get("facts") or event.get("args") or {}
    where = event.get("device") or event.get("line") or facts.get("device") or facts.get("line") or kind
    if kind == "fault" and facts.get("told"):
        return Worded(time, plain(where, 64), "!", plain(f"{facts.get('name')}: {facts['told']}", 512), "✖", kind)
    if kind == "act" and isinstance(facts.get("args"), list):
        words = " ".join(str(one) for one in (what, *facts["args"]))
        return Worded(time, plain(where, 64), "!", plain(words, 512), "", kind)
    told = " ".join(f"{name}={value}" for name, value in facts.items() if name not in ("device", "line"))
    mark = "✖" if kind == "fault" and what == "fault" else ""
    return Worded(time, plain(where, 64), "!", plain(f"{what} {told}".strip(), 512), mark, kind)


class Wire:
    """The latest rows, those of them that pass the filter, and the place of the reader.

    Attributes:
        following: the newest row is shown, and the log runs.
        cursor: number of the chosen row of those that pass, from the first ever; only when it is held.
        seen: how many rows ever came.
        missed: how many the bench could not keep for us.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._rows: list[Mapping[str, Any]] = []
        self._passed: list[Mapping[str, Any]] = self._rows
        self._cut = 0  # rows that passed and are gone
        self._wanted: tuple[str, ...] = ()
        self._unwanted: tuple[str, ...] = ()
        self.following = True
        self.cursor = 0
        self.seen = 0
        self.missed = 0

    # -- rows ----------------------------------------------------------------------------------------------------------

    def add(self, events: Iterable[Mapping[str, Any]], lost: int = 0) -> None:
        """Newer events, and how many before them are lost."""
        new = [event for event in events if event.get("kind") in _SHOWN]
        self.missed += lost
        self.seen += len(new)
        passed = self._passed if self._passed is not self._rows else None
        if passed is not None:
            passed += [event for event in new[-self._kept :] if self._passes(event)]
        self._rows += new
        if len(self._rows) > self._kept + _SLACK:
            gone = len(self._rows) - self._kept
            if passed is None:
                self._cut += gone
            del self._rows[:gone]
        if passed is not None and len(passed) > self._kept:
            over = len(passed) - self._kept
            self._cut += over
            del passed[:over]
        if not self.following:
            self.cursor = max(self.cursor, self._cut)

    def __len__(self) -> int:
        return len(self._passed)

    def row(self, index: int) -> Mapping[str, Any]:
        """A row that passes, 0 the oldest that is kept."""
        return self._passed[index]

    @property
    def chosen(self) -> int:
        """Index of the chosen row: the newest while it follows; -1 when there is none."""
        if self.following:
            return len(self._passed) - 1
        return min(max(self.cursor - self._cut, 0), len(self._passed) - 1)

    @property
    def kept(self) -> int:
        """How many rows are in memory, whether they pass or not."""
        return len(self._rows)

    def forget(self) -> None:
        """Another bench: start anew, the filter stays."""
        self._rows = []
        self._cut = self.seen = self.missed = 0
        self.cursor, self.following = 0, True
        self.filter(self.filtered)

    # -- the filter ----------------------------------------------------------------------------------------------------

    @property
    def filtered(self) -> str:
        """The filter as it was typed, in its normal form."""
        return " ".join((*self._wanted, *(f"-{word}" for word in self._unwanted)))

    def filter(self, words: str) -> None:
        """Show only rows that hold each of these words, and none that is written with "-" before it."""
        parts = words.casefold().split()
        self._wanted = tuple(part for part in parts if not part.startswith("-"))
        self._unwanted = tuple(part[1:] for part in parts if part.startswith("-") and len(part) > 1)
        at = int(self.row(self.chosen)["at"]) if len(self) and not self.following else None
        none = not (self._wanted or self._unwanted)
        self._passed = self._rows if none else [event for event in self._rows if self._passes(event)]
        self._cut = 0
        if at is not None:
            self._hold_at(at)

    def _passes(self, event: Mapping[str, Any]) -> bool:
        if event["kind"] == "frame":
            # Not `worded`: this runs for every frame that comes.
            text = f"{event.get('line')} {event.get('what')} {event.get('text')} {event.get('hex')}".casefold()
            if event.get("flaws"):
                text += " flaws"
        else:
            row = worded(event)
            text = f"{row.kind} {row.where} {row.text}".casefold()
        return all(word in text for word in self._wanted) and not any(word in text for word in self._unwanted)

    # -- the reader ----------------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Show the newest again."""
        self.following = True

    def hold(self) -> None:
        """Stand still at what is shown now; newer rows still come in below."""
        if self.following:
            self.cursor = self._cut + max(0, len(self._passed) - 1)
            self.following = False

    def move(self, rows: int) -> None:
        """Choose a row further up (negative) or down; moving holds."""
        self.hold()
        index = min(max(self.chosen + rows, 0), max(0, len(self._passed) - 1))
        self.cursor = self._cut + index

    def choose(self, index: int) -> None:
        """Choose a row that passes; holds."""
        self.hold()
        self.cursor = self._cut + min(max(index, 0), max(0, len(self._passed) - 1))

    def go_to(self, at: int) -> bool:
        """Hold at the first row at or after an instant (ns since midnight); False when none is kept."""
        if not len(self):
            return False
        self.hold()
        return self._hold_at(at)

    def _hold_at(self, at: int) -> bool:
        index = bisect_left(self._passed, at, key=lambda event: int(event["at"]))
        self.cursor = self._cut + min(index, max(0, len(self._passed) - 1))
        return index < len(self._passed)
