"""One line of text for each frame: to be read, searched with grep, and compared with diff.

`2025-03-10 13:20:00.004166667  keypads  >  house/keypads  0104000000087 1CC  | keypad-1: read mark .. depth  # fault`

Columns stand two spaces apart: date and time (local), line, direction (`>` from the collector, `<` towards it), sender,
the characters in hexadecimal, after `|` what they say, after `#` what was wrong with them. Text from a device is
escaped, so that a line stays a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Final, TextIO

from bench.captures.frames import Frame, LineFacts
from bench.reports.wording import printable
from bench.run.registers import MAPS
from firmware_sim.device import NS
from protocol.modbus.pdu import NAMES
from protocol.modbus.rtu import BROADCAST, is_sound
from protocol.modbus.words import refusal_words, reply_words, request_words

__all__ = ["Reader", "write_text"]

_LONGEST: Final = 240
_DAY: Final = 86_400 * NS


class Reader:
    """Says what frames mean, in the order in which they come: a reply is read with its request.

    Args:
        lines: what is known of the lines.
    """

    def __init__(self, lines: Mapping[str, LineFacts]) -> None:
        self._lines = lines
        self._asked: dict[str, bytes] = {}

    def meaning(self, frame: Frame) -> str:
        """What a frame says, in one line; "" when nobody knows."""
        facts = self._lines.get(frame.line) or LineFacts(frame.line, None)
        if not frame.inbound:
            self._asked[frame.line] = frame.data
        if facts.is_modbus and (is_sound(frame.data) or len(facts.protocols) == 1):
            text = self._modbus(frame, facts)
        else:
            text = self._other(frame, [name for name in facts.protocols if name != "modbus_rtu"])
        text = " ".join(printable(text).split())
        return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."

    # -- Modbus -----------------------------------------------------------------------------------------------------
    def _modbus(self, frame: Frame, facts: LineFacts) -> str:
        data = frame.data
        if not is_sound(data):
            return f"{len(data)} characters that are no sound frame"
        unit, function, body = data[0], data[1], data[2:-2]
        name, kind = facts.units.get(unit, (f"unit {unit}", ""))
        who = "everybody" if unit == BROADCAST else name
        if not frame.inbound:
            return f"{who}: {request_words(MAPS.get(kind), function, body)}"
        if function & 0x80:
            return f"{who} refuses to {NAMES.get(function & 0x7F, 'do that')}: {refusal_words(body)}"
        asked = self._asked.get(frame.line, b"")
        fits = len(asked) == 8 and asked[:2] == data[:2]
        return f"{who}: {reply_words(MAPS.get(kind), function, body, asked[2:6] if fits else None)}"

    # -- others -----------------------------------------------------------------------------------------------------
    def _other(self, frame: Frame, protocols: list[str]) -> str:
        for protocol in protocols:
            explain = _EXPLAINERS.get(protocol, _declared)
            try:
                lines, problem = explain(protocol, frame)
            except Exception as error:  # a stretch of bytes that an explainer does not expect stays bytes
                lines, problem = [], type(error).__name__
            if lines and (not problem or protocol == protocols[-1]):
                return "; ".join(" ".join(line.split()) for line in lines)
        return "".join(chr(char) if 0x20 <= char < 0x7F else "." for char in frame.data[:_LONGEST])


def _escpos(_protocol: str, frame: Frame) -> tuple[list[str], str]:
    if frame.inbound:
        return [f"{frame.by} answers {frame.data.hex(' ').upper()}"], ""
    from protocol.escpos.tokenizer import tokenize

    names = [
        repr(token.raw.decode("ascii", "replace")) if token.name == "text" else token.name
        for token in tokenize(frame.data)
    ]
    return [", ".join(dict.fromkeys(names))], ""


def _alpha(_protocol: str, frame: Frame) -> tuple[list[str], str]:
    from protocol.alpha.explain import explain

    lines, problem = explain(frame.data)
    return lines, problem


def _osdp(_protocol: str, frame: Frame) -> tuple[list[str], str]:
    from protocol.osdp_explain import explain

    return explain(frame.data)


def _declared(protocol: str, frame: Frame) -> tuple[list[str], str]:
    from bench.scenario.declared import available, codec_of
    from protocol.declared.explain import explain

    if protocol not in available():
        return [], "its declaration is not here"
    lines, problem = explain(codec_of(protocol), frame.data, "device" if frame.inbound else "host")
    return lines[:1] if not problem else lines, problem


_EXPLAINERS: Final[Mapping[str, Callable[[str, Frame], tuple[list[str], str]]]] = {
    "escpos": _escpos,
    "alpha": _alpha,
    "osdp": _osdp,
}


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
