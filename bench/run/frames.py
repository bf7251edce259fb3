"""Frames in words, one line each: who is asked what by its register's name, and what came back.

`protocol.modbus.explain` takes one frame apart character by character; this is for forty of them at a glance, so that a
failed test, and whoever watches a running hall, sees what was said on the line. A reply is read with its request, which
alone knows the registers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from bench.clock.clockwork import clock_text
from bench.run.rig import Rig, inventory
from protocol.escpos.tokenizer import tokenize
from protocol.modbus.maps import RegisterMap
from protocol.modbus.maps.reference_keypad import EVENT_WORDS, Event
from protocol.modbus.pdu import FC, NAMES, TABLES, ExceptionCode, Table
from protocol.modbus.rtu import BROADCAST, MIN_ADU, is_sound, request_length, seal

__all__ = ["Decoder", "Frame", "Station"]

PROGRAM: Final = "port"
"""Sender's name of the collector's end of a line when a program has it open."""

_MASTERS: Final = (PROGRAM, "house")

MOST_BYTES: Final = 16
"""Characters of a frame that are shown in hexadecimal; longer ones are cut."""

_MOST_VALUES: Final = 8
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
        for row in inventory(rig.scenario):
            self.protocols.setdefault(row["line"], row["protocol"])
            if row["unit"] is not None:
                registers = getattr(rig.devices[row["name"]].thing, "registers", None)
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
        read = _READERS.get(self.protocols.get(frame.line, ""), Decoder._raw)
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
            return f"{name}: {_request(station, function, body)}"
        if function & 0x80:
            return f"{name} refuses to {NAMES.get(function & 0x7F, 'do that')}: {_refusal(body)}"
        return f"{name}: {_reply(station, function, body, request)}"

    # -- other protocols --------------------------------------------------------------------------------------------
    def _escpos(self, frame: Frame, _request: bytes | None) -> str:
        if not frame.is_request:
            return f"{frame.by} answers"
        names = (_token(token.name, token.raw) for token in tokenize(frame.data))
        return ", ".join(dict.fromkeys(names))

    def _raw(self, frame: Frame, _request: bytes | None) -> str:
        text = "".join(chr(char) if 0x20 <= char < 0x7F else "." for char in frame.data)
        return f"{frame.by}: {text}"


_READERS: Final[Mapping[str, Callable[[Decoder, Frame, bytes | None], str]]] = {
    "modbus_rtu": Decoder._modbus,  # noqa: SLF001 - the decoder's own table
    "escpos": Decoder._escpos,  # noqa: SLF001
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


def _request(station: Station, function: int, body: bytes) -> str:
    if function in TABLES and len(body) == 4:
        return f"read {_registers(station, TABLES[FC(function)], _word(body, 0), _word(body, 2))}"
    if function == FC.WRITE_REGISTER and len(body) == 4:
        return f"write {_registers(station, Table.HOLDING, _word(body, 0), 1)} = {_word(body, 2)}"
    if function == FC.WRITE_REGISTERS and len(body) >= 5:
        where = _registers(station, Table.HOLDING, _word(body, 0), _word(body, 2))
        return f"write {where} = {_values(body[5:])}"
    return NAMES.get(function, f"function 0x{function:02X}")


def _reply(station: Station, function: int, body: bytes, request: bytes | None) -> str:
    if function in (FC.WRITE_REGISTER, FC.WRITE_REGISTERS):
        return "written"
    if function not in (FC.READ_HOLDING, FC.READ_INPUTS) or len(body) != body[0] + 1:
        return f"answers to {NAMES.get(function, f'function 0x{function:02X}')}"
    what = "registers"
    if request is not None and len(request) == request_length(request) and request[1] == function:
        table, start = TABLES[FC(function)], _word(request, 2)
        what = _registers(station, table, start, _word(request, 4))
        if what == "events":
            return f"events = {_events(body[1:])}"
    return f"{what} = {_values(body[1:])}"


def _registers(station: Station, table: Table, start: int, count: int) -> str:
    """Registers by name where the device's map has one for all of them, else by address."""
    known = station.registers
    if known is not None:
        rows = known.covering(table, start, count)
        if rows and rows[0].address == start and known.holds(table, start, count):
            return ", ".join(row.name for row in rows) if len(rows) < 4 else f"{rows[0].name} .. {rows[-1].name}"
    return f"0x{start:04X}" + (f" x {count}" if count != 1 else "")


def _events(body: bytes) -> str:
    words = [_word(body, at) for at in range(0, len(body) - 1, 2)]
    blocks = (words[at : at + EVENT_WORDS] for at in range(0, len(words), EVENT_WORDS))
    events = (Event.parse(block) for block in blocks if len(block) == EVENT_WORDS)
    told = [f"key {event.value} (epoch {event.epoch}, seq {event.sequence})" for event in events if event is not None]
    return ", ".join(told) or "none"


def _values(body: bytes) -> str:
    words = [_word(body, at) for at in range(0, len(body) - 1, 2)]
    more = f" .. {len(words)} registers" if len(words) > _MOST_VALUES else ""
    return ", ".join(map(str, words[:_MOST_VALUES])) + more


def _refusal(body: bytes) -> str:
    try:
        return f"exception {body[0]:02X}, {ExceptionCode(body[0]).name.lower().replace('_', ' ')}"
    except (ValueError, IndexError):
        return f"exception {body.hex().upper()}"


def _token(name: str, raw: bytes) -> str:
    return repr(raw.decode("ascii", "replace")) if name == "text" else name


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _cut(text: str) -> str:
    return text if len(text) <= _TOLD else text[: _TOLD - 3] + "..."
