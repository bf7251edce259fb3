"""Frames in words, one line each: who is asked what by its register's name, and what came back.

`protocol.modbus.explain` takes one frame apart character by character; this is for forty of them at a glance, so that a
failed test, and whoever watches a running hall, sees what was said on the line. A reply is read with its request, which
alone knows the registers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from bench.daytime import clock_text
from bench.run.rig import Rig, inventory
from bench.run.speech import Heard, Speech, Station, raw_words, speeches, words

__all__ = ["Decoder", "Frame", "Station"]

PROGRAM: Final = "port"
"""Sender's name of the collector's end of a line when a program has it open."""

_MASTERS: Final = (PROGRAM, "house")

MOST_BYTES: Final = 16
"""Characters of a frame that are shown in hexadecimal; longer ones are cut."""

_TOLD: Final = 96


class Frame(NamedTuple):
    """Characters that one sender put on a line back to back.

    Args:
        at: instant of the first edge, ns since local midnight.
        line: name of the line.
        by: "port" (the program under test), the house controller's master, or the station that sent.
        data: the characters as they were heard.
        flaws: how many of them were damaged.
        end: instant of the last edge, ns.
    """

    at: int
    line: str
    by: str
    data: bytes
    flaws: int
    end: int

    @property
    def from_program(self) -> bool:
        """The program under test sent it."""
        return self.by == PROGRAM

    @property
    def is_request(self) -> bool:
        """The master's end of the line sent it: the program under test, or the house controller."""
        return self.by.startswith(_MASTERS)


class Decoder:
    """Reads the frames of one hall.

    Args:
        rig: its devices and lines.
    """

    def __init__(self, rig: Rig) -> None:
        own = {name: placed.thing for name, placed in rig.devices.items()}
        self.speeches: dict[str, Speech] = speeches(inventory(rig.scenario), rig.scenario.codec, own)
        self.units: dict[str, Mapping[int, Station]] = {
            line: speech.units for line, speech in self.speeches.items() if speech.units
        }
        self.protocols: dict[str, str] = {line: speech.protocols[0] for line, speech in self.speeches.items()}

    def station(self, line: str, unit: int) -> Station:
        """Who has a unit number on a line; a station without kind when nobody has."""
        return self.speeches.get(line, Speech()).station(unit)

    def meaning(self, frame: Frame, request: bytes | None = None) -> str:
        """What a frame says.

        Args:
            frame: any frame.
            request: what it answers, when that is known.
        """
        damaged = f" [{frame.flaws} damaged]" if frame.flaws else ""
        heard = Heard(frame.by, frame.data, not frame.is_request, request)
        return _cut(self.words(frame, request) or raw_words(heard)) + damaged

    def words(self, frame: Frame, request: bytes | None = None) -> str:
        """The same, whole; "" when nobody knows."""
        heard = Heard(frame.by, frame.data, not frame.is_request, request)
        return words(self.speeches.get(frame.line, Speech()), heard)

    def lines(self, frames: Iterable[Frame], most: int = 40) -> list[str]:
        """The last frames as lines for people; polls that repeat are told once, with their number.

        Args:
            frames: oldest first.
            most: most lines.
        """
        told: list[str] = []
        last: dict[str, bytes] = {}  # line -> the request that is open
        known: dict[tuple[str, bytes], tuple[str, bytes]] = {}  # request -> the reply of the last time
        repeats = 0
        for first, reply in _paired(frames):
            pair = (first,) if reply is None else (first, reply)
            if first.is_request:
                last[first.line] = first.data
                answer = ("", b"") if reply is None else (reply.by, reply.data)
                clean = not any(frame.flaws for frame in pair)
                if clean and known.get((first.line, first.data)) == answer:
                    repeats += len(pair)
                    continue
                known[first.line, first.data] = answer
            if repeats:
                told.append(f"{'':13} ... {repeats} frames as before")
                repeats = 0
            told += [self._line(frame, last.get(frame.line)) for frame in pair]
        if repeats:
            told.append(f"{'':13} ... {repeats} frames as before")
        return told[-most:]

    def _line(self, frame: Frame, request: bytes | None) -> str:
        arrow = ">" if frame.is_request else "<"
        shown = frame.data[:MOST_BYTES].hex(" ").upper() + (" .." if len(frame.data) > MOST_BYTES else "")
        asked = None if frame.is_request else request
        at = clock_text(frame.at, millis=True)
        return f"{at}  {frame.line:8} {arrow} {shown or '(nothing)':26}  {self.meaning(frame, asked)}"


def _paired(frames: Iterable[Frame]) -> list[tuple[Frame, Frame | None]]:
    """Requests with their replies; a frame that is neither stands alone."""
    pairs: list[tuple[Frame, Frame | None]] = []
    open_: dict[str, int] = {}
    for frame in frames:
        if frame.is_request:
            open_[frame.line] = len(pairs)
            pairs.append((frame, None))
            continue
        place = open_.pop(frame.line, None)
        if place is None:
            pairs.append((frame, None))
        else:
            pairs[place] = (pairs[place][0], frame)
    return pairs


def _cut(text: str) -> str:
    return text if len(text) <= _TOLD else text[: _TOLD - 3] + "..."
