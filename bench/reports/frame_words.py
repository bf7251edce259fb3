"""A line of a story with its frame in words: what was asked, what came, which press it carries.

Only frames that are whole (a good CRC) are put into words; everything else stays the hexadecimal that it is. A reply
carries no address, so its registers are named only where the story itself says that the frame is about this press.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from protocol.modbus.explain import explain
from protocol.modbus.rtu import is_sound, request_length

_WIRE: Final = re.compile(r"^ {2}(\d\d:\d\d:\d\d\.\d{3}) ([^:]{1,80}): ((?:[0-9A-F]{2} ?){4,})(.*)$")
_THIS_PRESS: Final = "<- this press"
_MASTERS: Final = frozenset({"port", "collector", "master", "house"})
_EVENT_WORDS: Final = 8
_ACKNOWLEDGE: Final = 0
_FC: Final[Mapping[int, str]] = {
    0x01: "coils",
    0x02: "discrete inputs",
    0x03: "holding registers",
    0x04: "input registers",
}
_NAMES: Final[Mapping[tuple[int, int], str]] = {
    (0x04, 0x0004): "how many events wait",
    (0x04, 0x0100): "the waiting events",
    (0x04, 0x0000): "profile and status",
}
"""What a read from so far asks of a device of profile RK-1 (protocol.modbus.maps.reference_keypad [K])."""


class Line(NamedTuple):
    """A line of a story: its text, the same frame in words ("" for none), and its kind."""

    text: str
    words: str
    kind: str


def told(story: str) -> list[Line]:
    """A story with its frames in words.

    Returns:
        Its lines; `kind` is "first", "wire", "fault", "last" or "" for styling only.
    """
    lines = []
    texts = story.splitlines() or [""]
    for n, text in enumerate(texts):
        wire = _WIRE.match(text)
        if wire is not None:
            lines.append(Line(text, _words(wire.group(2), wire.group(3), _THIS_PRESS in wire.group(4)), "wire"))
        elif text.startswith("  ") and " fault " in text[:24]:
            lines.append(Line(text, "", "fault"))
        else:
            kind = "first" if n == 0 else "last" if n == len(texts) - 1 else ""
            lines.append(Line(text, "", kind))
    return lines


def _words(by: str, hexadecimal: str, this_press: bool) -> str:
    data = bytes.fromhex(hexadecimal)
    if not is_sound(data):
        return ""
    is_reply = _is_reply(by, data)
    try:
        return _reply(data, this_press) if is_reply else _request(data)
    except (IndexError, ValueError):
        return ""


def _is_reply(by: str, data: bytes) -> bool:
    """Whether a frame goes to the master: by who sent it, and for noise by which of the two its length fits."""
    if by in _MASTERS or by.startswith("house/"):
        return False
    return by != "noise" or request_length(data) != len(data)


def _request(data: bytes) -> str:
    unit, fc = data[0], data[1]
    start, amount = _word(data, 2), _word(data, 4)
    if fc in _FC:
        return f"unit {unit}: read {_NAMES.get((fc, start), f'{amount} {_FC[fc]} from 0x{start:04X}')}"
    if fc == 0x10 and start == _ACKNOWLEDGE and amount == 2:
        return f"unit {unit}: acknowledge epoch {_word(data, 7)}, seq {_word(data, 9)}"
    if fc == 0x10:
        return f"unit {unit}: write {amount} registers from 0x{start:04X}"
    if fc in (0x05, 0x06):
        return f"unit {unit}: write {amount} to 0x{start:04X}"
    return _first(data, "request")


def _reply(data: bytes, this_press: bool) -> str:
    unit, fc = data[0], data[1]
    if fc & 0x80:
        return f"unit {unit}: {_line(data, 'reply', 'exception: ')}"
    if fc in (0x03, 0x04):
        words = [_word(data, at) for at in range(3, 3 + data[2], 2)]
        if fc == 0x04 and this_press and words and not len(words) % _EVENT_WORDS:
            return f"unit {unit}: " + "; ".join(
                _event(words[at : at + _EVENT_WORDS]) for at in range(0, len(words), _EVENT_WORDS)
            )
        return f"unit {unit}: " + (str(words[0]) if len(words) == 1 else f"{len(words)} registers")
    if fc in (0x05, 0x06, 0x0F, 0x10):
        return f"unit {unit}: written"
    return _first(data, "reply")


def _event(words: Sequence[int]) -> str:
    if words[0] == 0xFFFF:
        return "no event"
    epoch, seq, flagged = words[:3]
    ticket = f", ticket {words[7]}" if words[7] else ""
    return f"event epoch {epoch}, seq {seq}: key {flagged & 0xFF}, clerk code {words[6]}{ticket}"


def _first(data: bytes, direction: str) -> str:
    return f"unit {data[0]}: {_line(data, direction, 'FC')}"


def _line(data: bytes, direction: str, mark: str) -> str:
    """The line of the long explanation that begins with a word."""
    for line in explain(data, direction=direction):
        at = line.find(mark)
        if at >= 0:
            return line[at:].strip()
    return ""


def _word(data: bytes, at: int) -> int:
    if at + 2 > len(data) - 2:
        raise IndexError(at)
    return int.from_bytes(data[at : at + 2], "big")
