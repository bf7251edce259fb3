"""Why a verdict is what it is, as short stories: the press, the transactions around it, the row or its absence.

A story has at most twelve lines. What went over the line is read from the history in a second pass, made only when
there is something to tell; transactions that carry the event's epoch and sequence number come first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from bench.daytime import clock_text
from bench.judge.history import History
from bench.judge.records import FIELDS, Row
from bench.judge.truth import Event, Truth
from firmware_sim.device import NS

__all__ = ["MOST_LINES", "Story", "Window", "around", "clock", "press_line", "row_line", "seconds", "tell", "where"]

MOST_LINES: Final = 12
"""Lines of a story."""

_MOST_WIRE: Final = 6
_MOST_BYTES: Final = 24
_AFTER_PRESS: Final = 20 * NS
_BEFORE_END: Final = 2 * NS
_UNIT_FIRST: Final = ("", "modbus_rtu")
"""Protocols whose frames begin with the unit; of another the whole line is told. "" is that of histories without it."""


class Window(NamedTuple):
    """The part of a line's traffic that belongs to a story.

    Args:
        line: name of the line.
        spans: (begin, end) of each stretch of time, ns.
        unit: address of the device, None if it has none.
        mark: hexadecimal that a transaction about this very event contains; empty for none.
    """

    line: str
    spans: tuple[tuple[int, int], ...]
    unit: int | None = None
    mark: str = ""


@dataclass(slots=True)
class Story:
    """One violation.

    Args:
        title: where and when, in a few words: "keypad-2 at 10:41:07".
        before: what happened, at most 3 lines.
        after: what came of it, at most 3 lines.
        window: traffic that belongs to it, None for none.
    """

    title: str
    before: Sequence[str]
    after: Sequence[str]
    window: Window | None = None
    marked: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)

    def heard(self, line: str, *, marked: bool) -> None:
        """Take a transaction: the first ones and the last ones stay."""
        kept, first, most = (self.marked, 3, _MOST_WIRE) if marked else (self.plain, 1, 3)
        if len(kept) >= most:
            del kept[first]
        kept.append(line)

    def text(self) -> str:
        """All of it, lines joined by line ends."""
        wire = sorted(self.marked + self.plain[: max(_MOST_WIRE - len(self.marked), 0)])
        room = MOST_LINES - len(self.before) - len(self.after)
        return "\n".join([*self.before, *(f"  {line}" for line in wire[:room]), *self.after][:MOST_LINES])


def clock(t: int) -> str:
    """Time of the hall's day: ns since local midnight -> "10:41:07.412" (past midnight "24:05:00.000")."""
    return clock_text(t, millis=True)


def where(name: str, t: int) -> str:
    """A title: "keypad-2 at 10:41:07"."""
    return f"{name} at {clock(t)[:-4]}"


def seconds(ns: int) -> str:
    """A duration in seconds with a sensible number of digits: "0.412 s", "75 s"."""
    return f"{ns / NS:.3f} s" if abs(ns) < 10 * NS else f"{ns / NS:.0f} s"


def press_line(event: Event, names: Mapping[int, str]) -> str:
    """The press that a story is about."""
    clerk = names.get(event.clerk, str(event.clerk)) if event.clerk else "nobody logged in"
    ticket = f", ticket {event.ticket}" if event.ticket else ""
    return (
        f"{clock(event.t)} {event.device}: key {event.value} pressed (clerk {clerk}{ticket}; "
        f"epoch {event.epoch}, seq {event.seq})"
    )


def row_line(row: Row) -> str:
    """A row as it is stored."""
    told = [f"{name} {value!r}" for name in FIELDS if (value := getattr(row, name)) is not None]
    return f"row {row.n}: {', '.join(told)}"


def around(event: Event, truth: Truth, end: int) -> Window | None:
    """The traffic about a press, on the line of its keypad: at the press, and when its fate was sealed."""
    station = truth.devices.get(event.device)
    if station is None or not station.line:
        return None
    begin = event.t - NS // 20
    spans = [(begin, min(end, begin + _AFTER_PRESS))]
    if end > spans[0][1]:
        spans.append((max(end - _BEFORE_END, spans[0][1]), end))
    unit = station.unit if station.protocol in _UNIT_FIRST else None
    return Window(station.line, tuple(spans), unit, f"{event.epoch:04x}{event.seq:04x}")


def tell(history: History, stories: Iterable[Story]) -> None:
    """Add to each story the traffic of its window, in one pass over the history; no pass if none has a window.

    Args:
        history: the one from which the stories come.
        stories: those to be told.
    """
    windows = [(story.window, story) for story in stories if story.window is not None]
    spans = _merged(span for window, _ in windows for span in window.spans)
    if not spans:
        return
    begins = [begin for begin, _ in spans]
    for record in history.records({("line", "tx"), ("line", "fold"), ("fault", "fault")}):
        if record.k != "fold":
            at = bisect_right(begins, record.t) - 1
            if at < 0 or record.t > spans[at][1]:
                continue  # most of the traffic is not asked for: do not even parse it
        elif record.t < begins[0]:
            continue
        with suppress(KeyError, TypeError, ValueError):  # what cannot be read belongs to no story
            facts = record.facts
            for window, story in windows:
                if window.line == facts.get("line", window.line):
                    _hear(story, window, record.k, record.t, facts)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that do not touch each other, in order, and cover the same time."""
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _hear(story: Story, window: Window, kind: str, t: int, facts: Mapping[str, Any]) -> None:
    if kind == "fold":
        if any(facts["from"] < end and facts["to"] > begin for begin, end in window.spans):
            line = (
                f"{clock(facts['from'])} line {window.line}: {facts['n']} bursts as before, up to {clock(facts['to'])}"
            )
            story.heard(line, marked=False)
        return
    if not any(begin <= t <= end for begin, end in window.spans):
        return
    if kind == "fault":
        told = str(facts.get("told") or facts.get("name", ""))[:80]
        story.heard(f"{clock(t)} fault {facts['id']} {facts.get('name', '')}: {told}", marked=False)
        return
    data: str = facts["hex"]
    marked = bool(window.mark) and window.mark in data
    if not marked and window.unit is not None and data[:2] != f"{window.unit:02x}":
        return
    shown = " ".join(data[at : at + 2] for at in range(0, min(len(data), 2 * _MOST_BYTES), 2)).upper()
    more = f" ... {len(data) // 2} bytes" if len(data) > 2 * _MOST_BYTES else ""
    flaws = f" [{facts['flaws']} damaged]" if facts.get("flaws") else ""
    carries = " <- this press" if marked else ""
    story.heard(f"{clock(t)} {facts['by']}: {shown}{more}{flaws}{carries}", marked=marked)
