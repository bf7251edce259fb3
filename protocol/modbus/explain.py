"""A Modbus RTU frame in words: one line per field, with offsets and a verdict on the CRC.

For people: `hallbench decode`, reports, messages of tests. Whatever the characters are, they are explained as far as
they go; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from protocol.modbus.pdu import (
    COIL_OFF,
    COIL_ON,
    DIAGNOSTIC_NAMES,
    FC,
    NAMES,
    REQUESTS,
    ExceptionCode,
    ModbusException,
    unpack_bits,
)
from protocol.modbus.rtu import BROADCAST, LAST_UNIT, MAX_ADU, MIN_ADU, reply_length, request_length, seal

_CHARACTERS_SHOWN = 8
_EVENTS_STATUS = {0x0000: "ready", 0xFFFF: "busy"}
_IDENTIFICATION_CODES = {1: "basic", 2: "regular", 3: "extended", 4: "one object"}
_CONFORMITY = {
    0x01: "basic, by stream only",
    0x02: "regular, by stream only",
    0x03: "extended, by stream only",
    0x81: "basic",
    0x82: "regular",
    0x83: "extended",
}
_OBJECTS = {
    0: "vendor name",
    1: "product code",
    2: "revision",
    3: "vendor URL",
    4: "product name",
    5: "model name",
    6: "user application name",
}


def explain(frame: bytes, *, direction: str | None = None) -> list[str]:
    """Explain a frame field by field.

    Args:
        frame: all its characters, CRC included.
        direction: "request", "reply", or None to judge by what the lengths fit.

    Returns:
        Lines of "offset(s)  hex  meaning", then any findings; the CRC line reads "CRC C4 0B good" or
        "CRC bad: got .., should be ..".
    """
    frame = bytes(frame)
    reader = _Reader(frame)
    if len(frame) < MIN_ADU:
        while reader.left:
            reader.take(1, "")
        reader.lines.append(f"too short: a frame has {MIN_ADU}..{MAX_ADU} characters, this has {len(frame)}")
        return reader.lines
    function = frame[1]
    role = direction or _direction(frame)
    is_request = role.startswith("request")
    reader.end = len(frame) - 2
    reader.take(1, _unit(frame[0]))
    if function & 0x80 and not is_request:
        reader.take(1, f"exception reply to {_function(function & 0x7F)}")
        parts: tuple[_Part, ...] = (_exception,)
    else:
        reader.take(1, f"{_function(function)}, {role}")
        parts = (_REQUESTS if is_request else _REPLIES).get(function, (_rest,))
    for part in parts:
        if not reader.short:
            part(reader)
    surplus = reader.left
    if surplus:
        reader.take(surplus, f"{surplus} characters too many")
    reader.end += 2
    reader.take(2, _crc(frame))
    if len(frame) > MAX_ADU:
        reader.lines.append(f"too long: a frame has {MIN_ADU}..{MAX_ADU} characters, this has {len(frame)}")
    if is_request:
        reader.lines += _refusal(frame)
    return reader.lines


class _Reader:
    """Walks over a frame and writes the lines."""

    def __init__(self, frame: bytes) -> None:
        self.frame = frame
        self.at = 0
        self.end = len(frame)
        self.lines: list[str] = []
        self.seen: dict[str, int] = {}
        self.short = False

    @property
    def left(self) -> int:
        """Characters not explained yet."""
        return self.end - self.at

    def peek(self, size: int) -> int:
        """The number the next `size` characters make."""
        return int.from_bytes(self.frame[self.at : self.at + size], "big")

    def take(self, size: int, meaning: str) -> None:
        """Explain the next `size` characters, or say how many of them are missing."""
        chars = self.frame[self.at : min(self.at + size, self.end)]
        if not chars:
            self.lines.append(f"{self.at:>7}  {'':<25}missing: {meaning.split(':')[0]}")
            self.short = True
            return
        where = f"{self.at}" if len(chars) == 1 else f"{self.at}-{self.at + len(chars) - 1}"
        shown = chars[:_CHARACTERS_SHOWN].hex(" ").upper()
        if len(chars) > _CHARACTERS_SHOWN:
            shown = shown[:-3] + " .."
        if len(chars) < size:
            meaning = f"{meaning.split(':')[0]}: {size - len(chars)} of {size} characters missing"
            self.short = True
        self.lines.append(f"{where:>7}  {shown:<25}{meaning}".rstrip())
        self.at += len(chars)

    def number(self, size: int, name: str, meaning: Callable[[int], str]) -> int:
        """Explain the next characters as one number and remember it by its name."""
        value = self.peek(size)
        self.seen[name] = value
        self.take(size, f"{name}: {meaning(value)}")
        return value


_Part = Callable[[_Reader], None]


def _direction(frame: bytes) -> str:
    if frame[1] & 0x80:
        return "reply"
    fits_request, fits_reply = request_length(frame) == len(frame), reply_length(frame) == len(frame)
    if frame[0] == BROADCAST or not fits_reply:
        return "request"
    if not fits_request or (frame[1] in _ECHOED and _refusal(frame)):
        return "reply"
    return "request, or the echo that is its reply" if frame[1] in _ECHOED else "request"


def _unit(unit: int) -> str:
    if unit == BROADCAST:
        return "unit 0: broadcast"
    return f"unit {unit}" if unit <= LAST_UNIT else f"unit {unit}: reserved"


def _function(function: int) -> str:
    return f"FC 0x{function:02X} {NAMES.get(function, 'not known here')}"


def _crc(frame: bytes) -> str:
    got, good = frame[-2:].hex(" ").upper(), seal(frame[:-2])[-2:].hex(" ").upper()
    return f"CRC {got} good" if got == good else f"CRC bad: got {got}, should be {good}"


def _refusal(frame: bytes) -> list[str]:
    """What a server would say of the request itself; nothing when it is in order or its CRC is not."""
    read = REQUESTS.get(frame[1])
    if read is None or seal(frame[:-2]) != frame:
        return []
    try:
        read(frame[1:-2])
    except ModbusException as refusal:
        return [f"a server refuses this with {refusal}"]
    return []


# -- parts ------------------------------------------------------------------------------------------------------------
def _plain(value: int) -> str:
    return f"{value} (0x{value:04X})"


def _word(name: str) -> _Part:
    def part(reader: _Reader) -> None:
        reader.number(2, name, _plain)

    return part


def _chosen(size: int, name: str, texts: Mapping[int, str], other: str = "not known here") -> _Part:
    """A number that stands for something."""

    def part(reader: _Reader) -> None:
        reader.number(size, name, lambda value: f"{value:0{2 * size}X} {texts.get(value, other)}")

    return part


def _counter(size: int) -> _Part:
    """A byte count, held against what really follows."""

    def part(reader: _Reader) -> None:
        follow = max(reader.left - size, 0)
        reader.number(size, "byte count", lambda n: f"{n}" if n == follow else f"{n}, but {follow} characters follow")

    return part


def _value(reader: _Reader) -> None:
    reader.number(2, "value", _register_text)


def _register_text(value: int) -> str:
    pair = value.to_bytes(2, "big")
    text = f" '{pair.decode('ascii')}'" if all(0x20 <= char < 0x7F for char in pair) else ""
    return f"{value} (0x{value:04X}){text}"


def _registers(reader: _Reader) -> None:
    """Registers up to the end, numbered from the start of the request where it is in the frame."""
    start = reader.seen.get("write start", reader.seen.get("start"))
    index = 0
    while reader.left:
        name = f"value {index}" if start is None else f"register {start + index}"
        reader.take(2, f"{name}: {_register_text(reader.peek(2))}")
        index += 1


def _bits(reader: _Reader) -> None:
    """Coils or inputs up to the end, the first one first."""
    count = min(reader.seen.get("quantity", 8 * reader.left), 8 * reader.left)
    bits = "".join(map(str, unpack_bits(reader.frame[reader.at : reader.end], count)))
    if reader.left:
        reader.take(reader.left, f"bits, the first one first: {bits}")


def _coil(reader: _Reader) -> None:
    texts = {COIL_ON: "on", COIL_OFF: "off"}
    reader.number(2, "value", lambda value: f"{value:04X} {texts.get(value, 'neither FF00 nor 0000')}")


def _exception(reader: _Reader) -> None:
    texts = {int(code): code.name.lower().replace("_", " ") for code in ExceptionCode}
    _chosen(1, "exception", texts)(reader)


def _identification_object(reader: _Reader) -> None:
    reader.number(1, "object", lambda value: f"{value:02X} {_OBJECTS.get(value, 'private')}")


def _identification_objects(reader: _Reader) -> None:
    for _ in range(reader.seen.get("objects", 0)):
        if reader.left < 2:
            return
        _identification_object(reader)
        size = reader.number(1, "length", str)
        if size:
            _text(reader, size)


def _text(reader: _Reader, size: int) -> None:
    text = reader.frame[reader.at : min(reader.at + size, reader.end)]
    reader.take(size, f"text: {text.decode('ascii', 'backslashreplace')!r}")


def _server_id(reader: _Reader) -> None:
    if reader.left > 1:
        _text(reader, reader.left - 1)
    _chosen(1, "run indicator", {0x00: "off", 0xFF: "on"})(reader)


def _rest(reader: _Reader) -> None:
    if reader.left:
        reader.take(reader.left, "data")


def _objects_count(reader: _Reader) -> None:
    reader.number(1, "objects", str)


_RANGE = (_word("start"), _word("quantity"))
_ONE_REGISTER = (_word("address"), _value)
_ONE_COIL = (_word("address"), _coil)
_MASKS = (_word("address"), _word("and mask"), _word("or mask"))
_DIAGNOSIS = (_chosen(2, "sub-function", DIAGNOSTIC_NAMES), _registers)
_IDENTIFICATION = (_chosen(1, "type", {0x0E: "device identification"}), _chosen(1, "code", _IDENTIFICATION_CODES))

_ECHOED = frozenset({FC.WRITE_COIL, FC.WRITE_REGISTER, FC.MASK_WRITE, FC.DIAGNOSTICS})

_REQUESTS: Mapping[int, tuple[_Part, ...]] = MappingProxyType(
    {
        **dict.fromkeys((FC.READ_COILS, FC.READ_DISCRETES, FC.READ_HOLDING, FC.READ_INPUTS), _RANGE),
        FC.WRITE_COIL: _ONE_COIL,
        FC.WRITE_REGISTER: _ONE_REGISTER,
        FC.DIAGNOSTICS: _DIAGNOSIS,
        FC.EVENT_COUNTER: (),
        FC.WRITE_COILS: (*_RANGE, _counter(1), _bits),
        FC.WRITE_REGISTERS: (*_RANGE, _counter(1), _registers),
        FC.SERVER_ID: (),
        FC.MASK_WRITE: _MASKS,
        FC.READ_WRITE: (*_RANGE, _word("write start"), _word("write quantity"), _counter(1), _registers),
        FC.READ_FIFO: (_word("pointer"),),
        FC.DEVICE_ID: (*_IDENTIFICATION, _identification_object),
    }
)
_REPLIES: Mapping[int, tuple[_Part, ...]] = MappingProxyType(
    {
        **dict.fromkeys((FC.READ_COILS, FC.READ_DISCRETES), (_counter(1), _bits)),
        **dict.fromkeys((FC.READ_HOLDING, FC.READ_INPUTS, FC.READ_WRITE), (_counter(1), _registers)),
        FC.WRITE_COIL: _ONE_COIL,
        FC.WRITE_REGISTER: _ONE_REGISTER,
        FC.DIAGNOSTICS: _DIAGNOSIS,
        FC.EVENT_COUNTER: (_chosen(2, "status", _EVENTS_STATUS), _word("events")),
        FC.WRITE_COILS: _RANGE,
        FC.WRITE_REGISTERS: _RANGE,
        FC.SERVER_ID: (_counter(1), _server_id),
        FC.MASK_WRITE: _MASKS,
        FC.READ_FIFO: (_counter(2), _word("waiting"), _registers),
        FC.DEVICE_ID: (
            *_IDENTIFICATION,
            _chosen(1, "conformity", _CONFORMITY),
            _chosen(1, "more follows", {0x00: "no", 0xFF: "yes"}),
            _chosen(1, "next object", {}, ""),
            _objects_count,
            _identification_objects,
        ),
    }
)
