"""A line of a story with its frame in words: what was asked, what came, which press it carries.

Only frames that are whole (a good CRC) are put into words; everything else stays the hexadecimal that it is. A reply
carries no address, so its registers are named only where the story itself says that the frame is about this press.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from protocol.modbus.maps.reference_keypad import FIFO_ADDRESS, REFERENCE_KEYPAD
from protocol.modbus.rtu import is_sound, request_length
from protocol.modbus.words import refusal_words, reply_words, request_words

_WIRE: Final = re.compile(r"^ {2}(\d\d:\d\d:\d\d\.\d{3}) ([^:]{1,80}): ((?:[0-9A-F]{2} ?){4,})(.*)$")
_THIS_PRESS: Final = "<- this press"
_MASTERS: Final = frozenset({"port", "collector", "master", "house"})


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
    function, body = data[1], data[2:-2]
    if not _is_reply(by, data):
        told = request_words(REFERENCE_KEYPAD, function, body)
    elif function & 0x80:
        told = refusal_words(body)
    else:
        told = reply_words(REFERENCE_KEYPAD, function, body, _asked(body) if this_press else None)
    return f"unit {data[0]}: {told}"


def _asked(body: bytes) -> bytes:
    """What the reply with a press was asked for: it has no address itself, but the story says that events are in it."""
    return FIFO_ADDRESS.to_bytes(2, "big") + (body[0] // 2 if body else 0).to_bytes(2, "big")


def _is_reply(by: str, data: bytes) -> bool:
    """Whether a frame goes to the master: by who sent it, and for noise by which of the two its length fits."""
    if by in _MASTERS or by.startswith("house/"):
        return False
    return by != "noise" or request_length(data) != len(data)
