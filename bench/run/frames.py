"""Frames in words, one line each: who is asked what by its register's name, and what came back.

`protocol.modbus.explain` takes one frame apart character by character; this is for forty of them at a glance, so that a
failed test, and whoever watches a running hall, sees what was said on the line. A reply is read with its request, which
alone knows the registers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from bench.daytime import clock_text
from bench.run.frame_words import alpha_words, declared_words, osdp_words
from bench.run.rig import Rig, inventory
from firmware_sim.devices.declared_device import DeclaredDevice
from protocol.declared.codec import Codec
from protocol.escpos.tokenizer import tokenize
from protocol.modbus.maps import RegisterMap
from protocol.modbus.pdu import NAMES
from protocol.modbus.rtu import BROADCAST, MIN_ADU, is_sound, request_length, seal
from protocol.modbus.words import refusal_words, reply_words, request_words

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


class Station(NamedTuple):
    """What a unit number means on one line.

    Args:
        name: of the device, "unit N" for an address that no device has.
        registers: its map, if it has one.
    """

    name: str
    registers: RegisterMap | None = None


class Decoder:
    """Reads the frames of one hall.

    Args:
        rig: its devices and lines.
    """

    def __init__(self, rig: Rig) -> None:
        self.units: dict[str, dict[int, Station]] = {}
        self.protocols: dict[str, str] = {}
        self.codecs: dict[str, Codec] = {}
        for row in inventory(rig.scenario):
            self.protocols.setdefault(row["line"], row["protocol"])
            thing = rig.devices[row["name"]].thing
            if isinstance(thing, DeclaredDevice):
                self.codecs.setdefault(row["line"], thing.codec)
            if row["unit"] is not None:
                registers = getattr(thing, "registers", None)
                known = registers if isinstance(registers, RegisterMap) else None
                self.units.setdefault(row["line"], {})[row["unit"]] = Station(row["name"], known)

    def station(self, line: str, unit: int) -> Station:
        """Who has a unit number on a line; a station without kind when nobody has."""
        found = self.units.get(line, {}).get(unit)
        return found if found is not None else Station(f"unit {unit}")

    def meaning(self, frame: Frame, request: bytes | None = None) -> str:
        """What a frame says.

        Args:
            frame: any frame.
            request: what it answers, when that is known.
        """
        other = Decoder._declared if frame.line in self.codecs else Decoder._raw
        read = _READERS.get(self.protocols.get(frame.line, ""), other)
        damaged = f" [{frame.flaws} damaged]" if frame.flaws else ""
        return _cut(read(self, frame, request)) + damaged

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

    # -- Modbus -----------------------------------------------------------------------------------------------------
    def _modbus(self, frame: Frame, request: bytes | None) -> str:
        data = frame.data
        if not data:
            return "nothing of it was heard"
        if len(data) < MIN_ADU:
            return f"{len(data)} characters: too short for a frame"
        station = self.station(frame.line, data[0])
        name = "everybody" if data[0] == BROADCAST else station.name
        if not is_sound(data):
            good = seal(data[:-2])[-2:].hex(" ").upper()
            return f"{name}? bad CRC {data[-2:].hex(' ').upper()}, of these characters it is {good}"
        function, body = data[1], data[2:-2]
        if frame.is_request:
            return f"{name}: {request_words(station.registers, function, body)}"
        if function & 0x80:
            return f"{name} refuses to {NAMES.get(function & 0x7F, 'do that')}: {refusal_words(body)}"
        fits = request is not None and len(request) == request_length(request) and request[1] == function
        asked = request[2:6] if request is not None and fits else None
        return f"{name}: {reply_words(station.registers, function, body, asked)}"

    # -- other protocols --------------------------------------------------------------------------------------------
    def _escpos(self, frame: Frame, _request: bytes | None) -> str:
        if not frame.is_request:
            return f"{frame.by} answers"
        names = (_token(token.name, token.raw) for token in tokenize(frame.data))
        return ", ".join(dict.fromkeys(names))

    def _osdp(self, frame: Frame, request: bytes | None) -> str:
        told = osdp_words(frame.data, lambda unit: self.station(frame.line, unit).name)
        return told or self._raw(frame, request)

    def _alpha(self, frame: Frame, request: bytes | None) -> str:
        told = alpha_words(frame.data)
        return f"{frame.by}: {told}" if told else self._raw(frame, request)

    def _declared(self, frame: Frame, request: bytes | None) -> str:
        told = declared_words(self.codecs[frame.line], "host" if frame.is_request else "device", frame.data)
        return f"{frame.by}: {told}" if told else self._raw(frame, request)

    def _raw(self, frame: Frame, _request: bytes | None) -> str:
        text = "".join(chr(char) if 0x20 <= char < 0x7F else "." for char in frame.data)
        return f"{frame.by}: {text}"


_READERS: Final[Mapping[str, Callable[[Decoder, Frame, bytes | None], str]]] = {
    "modbus_rtu": Decoder._modbus,  # noqa: SLF001 - the decoder's own table
    "escpos": Decoder._escpos,  # noqa: SLF001
    "osdp": Decoder._osdp,  # noqa: SLF001
    "alpha": Decoder._alpha,  # noqa: SLF001
}


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


def _token(name: str, raw: bytes) -> str:
    return repr(raw.decode("ascii", "replace")) if name == "text" else name


def _cut(text: str) -> str:
    return text if len(text) <= _TOLD else text[: _TOLD - 3] + "..."
