"""A line of a story with its frame in words: what was asked, what came, which press it carries.

A story names the device that it is about, and with it the line and what is spoken there (`bench.run.speech`). A frame
that is not whole, or that nobody understands, stays the hexadecimal that it is. Of a long frame a story shows the
beginning; the rest is looked up in the history.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from bench.daytime import clock_text
from bench.judge.history import History
from bench.run.speech import Heard, Speech, Station, speeches_of, words
from protocol.modbus.maps.reference_keypad import FIFO_ADDRESS, REFERENCE_KEYPAD
from protocol.modbus.rtu import MIN_ADU, is_sound, request_length

__all__ = ["Line", "Spoken", "spoken_in", "told"]

_WIRE: Final = re.compile(
    r"^ {2}(\d\d:\d\d:\d\d\.\d{3}) ([^:]{1,80}): ((?:[0-9A-F]{2} )*[0-9A-F]{2})"
    r"( \.\.\. \d+ bytes)?( \[\d+ damaged\])?( <- this press)?$"
)
_MASTERS: Final = frozenset({"port", "collector", "master", "house"})
_NAME: Final = re.compile(r"[\w.-]+")
_FEWEST: Final = 4
"""Characters of a frame that is read as Modbus without knowing its line."""


class Line(NamedTuple):
    """A line of a story: its text, the same frame in words ("" for none), and its kind."""

    text: str
    words: str
    kind: str


class Spoken(NamedTuple):
    """What is known of a run for the words of its stories.

    Args:
        speeches: line -> what is spoken there.
        places: name of a device or line -> its line.
        whole: (time of day, sender) -> frames of which a story shows the beginning alone.
    """

    speeches: Mapping[str, Speech] = {}
    places: Mapping[str, str] = {}
    whole: Mapping[tuple[str, str], tuple[bytes, ...]] = {}


def spoken_in(
    header: Mapping[str, Any], run: Mapping[str, Any], history: History | None = None, stories: Iterable[str] = ()
) -> Spoken:
    """What is spoken in a run.

    Args:
        header: of its history.
        run: its `run.json`.
        history: looked through only when a story shows a frame that is longer than what is shown.
        stories: those that are to be told.
    """
    speeches = speeches_of(header, run)
    rows = header.get("devices")
    places = {line: line for line in speeches}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping):
            places[str(row.get("name"))] = str(row.get("line"))
    cut = {
        (wire.group(1), wire.group(2))
        for story in stories
        for text in story.splitlines()
        if (wire := _WIRE.match(text)) is not None and wire.group(4)
    }
    whole: dict[tuple[str, str], tuple[bytes, ...]] = {}
    for record in history.records([("line", "tx")]) if history is not None and cut else ():
        at = clock_text(record.t, millis=True)
        with suppress(ValueError, TypeError, KeyError, RecursionError):
            key = (at, str(json.loads(record.raw)["by"])) if any(at == time for time, _ in cut) else ("", "")
            if key in cut:
                whole[key] = (*whole.get(key, ()), bytes.fromhex(json.loads(record.raw)["hex"]))
    return Spoken(speeches, places, whole)


def told(story: str, spoken: Spoken | None = None) -> list[Line]:
    """A story with its frames in words.

    Args:
        story: as the judge tells it.
        spoken: of its run; without it only frames of Modbus are read, as those of the reference keypad.

    Returns:
        Its lines; `kind` is "first", "wire", "fault", "last" or "" for styling only.
    """
    known = spoken or Spoken()
    lines: list[Line] = []
    texts = story.splitlines() or [""]
    speech = known.speeches.get(_line_of(texts, known.places))
    asked = b""
    for n, text in enumerate(texts):
        wire = _WIRE.match(text)
        if wire is not None:
            data = _data(wire, known)
            lines.append(Line(text, _words(speech, wire, data, asked), "wire"))
            asked = b"" if _is_reply(wire.group(2), data) else data
        elif text.startswith("  ") and " fault " in text[:24]:
            lines.append(Line(text, "", "fault"))
        else:
            kind = "first" if n == 0 else "last" if n == len(texts) - 1 else ""
            lines.append(Line(text, "", kind))
    return lines


def _line_of(texts: Iterable[str], places: Mapping[str, str]) -> str:
    """The line of the first device or line that a story names; "" when it names none."""
    for text in sorted(texts, key=lambda text: _WIRE.match(text) is not None):
        head = text.partition(": ")[0] if _WIRE.match(text) else text
        for name in _NAME.findall(head.replace("house/", "")):
            if name.rstrip(".") in places:
                return places[name.rstrip(".")]
    return ""


def _data(wire: re.Match[str], known: Spoken) -> bytes:
    shown = bytes.fromhex(wire.group(3))
    if wire.group(4):
        frames = known.whole.get((wire.group(1), wire.group(2)), ())
        return next((data for data in frames if data.startswith(shown)), shown)
    return shown


def _words(speech: Speech | None, wire: re.Match[str], data: bytes, asked: bytes) -> str:
    modbus = speech is None or "modbus_rtu" in speech.protocols
    inbound = _is_reply(wire.group(2), data)
    if modbus and (len(data) < _FEWEST or not is_sound(data)) and (speech is None or len(speech.protocols) == 1):
        return ""
    if speech is None:
        speech = Speech(("modbus_rtu",), {data[0]: Station(f"unit {data[0]}", REFERENCE_KEYPAD)})
    request = None
    if modbus and inbound and len(data) >= MIN_ADU:
        request = _asked(data, asked, carries=bool(wire.group(6)))
    with suppress(ValueError, LookupError, ArithmeticError, TypeError):  # characters that a reader does not expect
        return words(speech, Heard(wire.group(2), data, inbound, request))
    return ""


def _asked(data: bytes, asked: bytes, *, carries: bool) -> bytes | None:
    """What a reply of Modbus was asked for: it has no address itself.

    The line of the story just before may be it, if it fits. Else the story says whether the reply carries the press,
    and events stand at one address.
    """
    if asked[:2] == data[:2] and len(asked) == 8 and data[2] == 2 * int.from_bytes(asked[4:6], "big") & 0xFF:
        return asked
    if not carries:
        return None
    return data[:2] + FIFO_ADDRESS.to_bytes(2, "big") + (data[2] // 2).to_bytes(2, "big") + bytes(2)


def _is_reply(by: str, data: bytes) -> bool:
    """Whether a frame goes to the master: by who sent it, and for noise by which of the two its length fits."""
    if by in _MASTERS or by.startswith("house/"):
        return False
    return by != "noise" or request_length(data) != len(data)
