"""One line of text for each frame: to be read, searched with grep, and compared with diff.

`2025-03-10 13:20:00.004166667  keypads  >  house/keypads  0104000000087 1CC  | keypad-1: read mark .. depth  # fault`

Columns stand two spaces apart: date and time (local), line, direction (`>` from the collector, `<` towards it), sender,
the characters in hexadecimal, after `|` what they say, after `#` what was wrong with them. Text from a device is
escaped, so that a line stays a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final, TextIO

from bench.captures.frames import Frame, LineFacts
from bench.reports.wording import printable
from bench.run.speech import Heard, Speech, raw_words, words
from bench.scenario.declared import available, codec_of
from firmware_sim.device import NS

__all__ = ["Reader", "write_text"]

_LONGEST: Final = 240
_MOST_READ: Final = 1 << 16
"""Characters of a frame that are read for its words: a line of them shows the first few anyway."""
_DAY: Final = 86_400 * NS


class Reader:
    """Says what frames mean, in the order in which they come: a reply is read with its request.

    Args:
        lines: what is known of the lines.
    """

    def __init__(self, lines: Mapping[str, LineFacts]) -> None:
        self._lines = lines
        self._speeches = {name: _speech(facts) for name, facts in lines.items()}
        self._asked: dict[str, bytes] = {}

    def meaning(self, frame: Frame) -> str:
        """What a frame says, in one line; its characters when nobody knows."""
        heard = self._heard(frame)
        text = " ".join(printable(self._words(heard, frame.line) or raw_words(heard)).split())
        return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."

    def words(self, frame: Frame) -> str:
        """The same; "" when nobody knows."""
        return self._words(self._heard(frame), frame.line)

    def _words(self, heard: Heard, line: str) -> str:
        try:
            return words(self._speeches.get(line, Speech()), heard)
        except (ValueError, LookupError, ArithmeticError, TypeError):  # characters that a reader does not expect
            return ""

    def _heard(self, frame: Frame) -> Heard:
        if not frame.inbound:
            self._asked[frame.line] = frame.data
        request = self._asked.get(frame.line) if frame.inbound else None
        return Heard(frame.by, frame.data[:_MOST_READ], frame.inbound, request)


def _speech(facts: LineFacts) -> Speech:
    """How a line's frames are read; one of which only the protocols are told has neither names nor declarations."""
    known = facts.speech
    if known.protocols or not facts.protocols:
        return known
    shipped = available()
    codecs = tuple((name, codec_of(name)) for name in facts.protocols if name in shipped)
    return Speech(facts.protocols, {}, codecs)


def stamp(at: int, day: date) -> str:
    """An instant as date and local time to the nanosecond."""
    days, rest = divmod(at, _DAY)
    seconds, fraction = divmod(rest, NS)
    on = day + timedelta(days=days)
    return f"{on} {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:09}"


def write_text(out: TextIO, frames: Iterable[Frame], lines: Mapping[str, LineFacts], day: date) -> int:
    """Write frames as text.

    Args:
        out: text file to write.
        frames: in the order in which they are to stand.
        lines: what is known of the lines.
        day: whose local midnight instants count from.

    Returns:
        How many lines were written.
    """
    reader = Reader(lines)
    count = 0
    for frame in frames:
        meaning = reader.meaning(frame)
        wrong = f"  # {printable(frame.comment)}" if frame.comment else ""
        arrow = "<" if frame.inbound else ">"
        columns = (printable(frame.line), arrow, printable(frame.by), frame.data.hex().upper() or "-")
        out.write(f"{stamp(frame.at, day)}  {'  '.join(columns)}{'  | ' + meaning if meaning else ''}{wrong}\n")
        count += 1
    return count
