"""What went over the lines lately, kept for the moment at which a test fails.

Bursts are kept as they come, as plain tuples in a ring: nothing is decoded before somebody asks. `Frame` is one of them
for a person or an assertion, `Exchange` a request with what came back for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from bench.run.frames import Frame
from firmware_sim.device import Note

__all__ = ["KEPT", "Exchange", "Frame", "Happening", "Press", "Tape", "exchanges"]

KEPT: Final = 4000
"""Frames, and notes, that are kept; older ones are in the history."""


class Happening(NamedTuple):
    """Something that happened to, in or on a device: what tests wait for by its kind ("press", "ack", "shown" ...).

    Args:
        device: name of the device.
        at: instant, ns since local midnight.
        kind: as the device's documentation lists its notes.
        facts: what is told with it.
    """

    device: str
    at: int
    kind: str
    facts: dict[str, Any]


@dataclass(slots=True)
class Exchange:
    """A request and its reply on one line.

    Attributes:
        request: what the master sent.
        reply: what came back before its next request; None when nothing did.
    """

    request: Frame
    reply: Frame | None = None


@dataclass(slots=True)
class Press:
    """One event of a keypad, console or kiosk that its queue took, and what became of it there.

    Attributes:
        device: name.
        at: instant of the press, ns.
        value: the key.
        epoch: boot epoch it carries.
        seq: sequence number it carries.
        acked: instant at which it was acknowledged; None while it waits.
        dropped: instant at which a full queue dropped it; None otherwise.
    """

    device: str
    at: int
    value: int
    epoch: int
    seq: int
    acked: int | None = None
    dropped: int | None = None


@dataclass(slots=True)
class Tape:
    """The latest frames and notes of a hall, and the fate of every press.

    `burst` and `note` have the arguments of a line's sinks.
    """

    raw: deque[tuple[int, str, str, bytes, int, int]] = field(default_factory=lambda: deque(maxlen=KEPT))
    notes: deque[Happening] = field(default_factory=lambda: deque(maxlen=KEPT))
    presses: list[Press] = field(default_factory=list)
    queues: dict[str, deque[Press]] = field(default_factory=dict)
    """Device -> the presses that wait in it, oldest first."""
    count: int = 0
    """Frames heard so far, also those that are not kept any more."""
    noted: int = 0
    """Notes heard so far."""
    over: bool = False
    """The hall is being closed: what happens now is no part of the test."""

    def burst(self, start: int, line: str, src: str, data: bytes, flaws: int, end: int) -> None:
        """Take a burst that has ended."""
        if self.over:
            return
        self.raw.append((start, line, src, data, flaws, end))
        self.count += 1

    def note(self, device: str, at: int, note: Note) -> None:
        """Take a note of a device."""
        if self.over:
            return
        facts = {name: value for name, value in note.facts.items() if name != "device"}
        happening = Happening(device, at, note.kind, facts)
        self.notes.append(happening)
        self.noted += 1
        follow = _FATES.get(note.kind)
        if follow is not None:
            follow(self, happening)

    def frames(self, line: str | None = None, *, since: int | None = None) -> list[Frame]:
        """The frames that are kept, oldest first.

        Args:
            line: of this line only.
            since: only those that began at or after this instant, ns.
        """
        return [
            Frame(*row) for row in self.raw if (line is None or row[1] == line) and (since is None or row[0] >= since)
        ]

    def since(self, count: int) -> Iterator[Frame]:
        """The frames after the first `count` ever heard, as far as they are kept."""
        new = min(self.count - count, len(self.raw))
        for place in range(len(self.raw) - new, len(self.raw)):
            yield Frame(*self.raw[place])

    def waiting(self, device: str | None = None) -> list[Press]:
        """The presses that are neither acknowledged nor dropped, by device in the order of the presses."""
        return [press for name, queue in self.queues.items() if device is None or name == device for press in queue]

    # -- the fate of presses ----------------------------------------------------------------------------------------
    def _pressed(self, told: Happening) -> None:
        facts = told.facts
        press = Press(told.device, told.at, facts["value"], facts["epoch"], facts["seq"])
        self.presses.append(press)
        self.queues.setdefault(told.device, deque()).append(press)

    def _acked(self, told: Happening) -> None:
        queue = self.queues.get(told.device, deque())
        for _ in range(min(told.facts["freed"], len(queue))):  # the queue frees its oldest
            queue.popleft().acked = told.at

    def _dropped(self, told: Happening) -> None:
        queue = self.queues.get(told.device)
        if queue:
            queue.popleft().dropped = told.at


_FATES: Final[dict[str, Any]] = {
    "press": Tape._pressed,  # noqa: SLF001 - the tape's own table
    "key": Tape._pressed,  # noqa: SLF001
    "ack": Tape._acked,  # noqa: SLF001
    "overflow": Tape._dropped,  # noqa: SLF001
}


def exchanges(frames: Iterable[Frame]) -> list[Exchange]:
    """Requests with their replies, in the order of the requests; what a device sends unasked belongs to none."""
    found: list[Exchange] = []
    open_: dict[str, Exchange] = {}
    for frame in frames:
        if frame.is_request:
            open_[frame.line] = exchange = Exchange(frame)
            found.append(exchange)
        else:
            asked = open_.pop(frame.line, None)
            if asked is not None:
                asked.reply = frame
    return found
