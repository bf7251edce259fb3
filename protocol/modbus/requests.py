"""The master's side of Modbus RTU: requests as sealed frames, and what a reply to one of them says.

A reply carries no address of data: only the request it answers tells what its values are, and a frame is a reply only
if unit, function and lengths all fit that request (protocols.md 1.2; reference-keypad.md, "a late status reply").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from types import MappingProxyType
from typing import NamedTuple

from protocol.modbus.pdu import (
    BROADCASTABLE,
    COIL_OFF,
    COIL_ON,
    FC,
    MAX_FIFO,
    MAX_READ_BITS,
    MAX_READ_REGISTERS,
    MAX_READ_WRITE_REGISTERS,
    MAX_WRITE_BITS,
    MAX_WRITE_REGISTERS,
    REGISTERS,
    SUB_CLEAR,
    SUB_CLEAR_OVERRUN,
    SUB_LOOPBACK,
    SUB_RESTART,
    pack_bits,
    unpack_bits,
    unpack_registers,
)
from protocol.modbus.rtu import BROADCAST, DEVICE_ID_MEI, LAST_UNIT, MAX_ADU, MIN_ADU, is_sound, seal

_TWO = Struct(">BBHH")
_THREE = Struct(">BBHHH")
_WRITE = Struct(">BBHHB")
_READ_WRITE = Struct(">BBHHHHB")
_ECHOED = frozenset({SUB_LOOPBACK, SUB_RESTART, SUB_CLEAR, SUB_CLEAR_OVERRUN})


# -- requests ---------------------------------------------------------------------------------------------------------
def read_bits(unit: int, fc: int, start: int, count: int) -> bytes:
    """FC 0x01 coils or 0x02 discrete inputs: `count` 1..2000 bits from `start`."""
    if fc not in {FC.READ_COILS, FC.READ_DISCRETES}:
        raise ValueError(f"bits are read by FC 0x01 or 0x02, not 0x{fc:02X}")
    _range("bits", start, count, MAX_READ_BITS)
    return seal(_TWO.pack(_slave(unit), fc, start, count))


def read_registers(unit: int, fc: int, start: int, count: int) -> bytes:
    """FC 0x03 holding or 0x04 input registers: `count` 1..125 from `start`."""
    if fc not in {FC.READ_HOLDING, FC.READ_INPUTS}:
        raise ValueError(f"registers are read by FC 0x03 or 0x04, not 0x{fc:02X}")
    _range("registers", start, count, MAX_READ_REGISTERS)
    return seal(_TWO.pack(_slave(unit), fc, start, count))


def write_bit(unit: int, addr: int, on: bool) -> bytes:
    """FC 0x05: one coil; unit 0 is broadcast."""
    return seal(_TWO.pack(_any(unit), FC.WRITE_COIL, _word("address", addr), COIL_ON if on else COIL_OFF))


def write_register(unit: int, addr: int, value: int) -> bytes:
    """FC 0x06: one register; unit 0 is broadcast."""
    return seal(_TWO.pack(_any(unit), FC.WRITE_REGISTER, _word("address", addr), _word("value", value)))


def write_bits(unit: int, start: int, values: Sequence[int | bool]) -> bytes:
    """FC 0x0F: 1..1968 coils from `start`; unit 0 is broadcast."""
    _range("bits", start, len(values), MAX_WRITE_BITS)
    data = pack_bits(values)
    return seal(_WRITE.pack(_any(unit), FC.WRITE_COILS, start, len(values), len(data)) + data)


def write_registers(unit: int, start: int, values: Sequence[int]) -> bytes:
    """FC 0x10: 1..123 registers from `start`; unit 0 is broadcast."""
    _range("registers", start, len(values), MAX_WRITE_REGISTERS)
    head = _WRITE.pack(_any(unit), FC.WRITE_REGISTERS, start, len(values), 2 * len(values))
    return seal(head + _registers(values))


def mask_write(unit: int, addr: int, and_mask: int, or_mask: int) -> bytes:
    """FC 0x16: register = (register AND and_mask) OR (or_mask AND NOT and_mask); unit 0 is broadcast."""
    masks = _word("and mask", and_mask), _word("or mask", or_mask)
    return seal(_THREE.pack(_any(unit), FC.MASK_WRITE, _word("address", addr), *masks))


def read_write(unit: int, start: int, count: int, write_start: int, values: Sequence[int]) -> bytes:
    """FC 0x17: write 1..121 registers from `write_start`, then read `count` 1..125 from `start`."""
    _range("registers", start, count, MAX_READ_REGISTERS)
    _range("registers", write_start, len(values), MAX_READ_WRITE_REGISTERS)
    n = len(values)
    head = _READ_WRITE.pack(_slave(unit), FC.READ_WRITE, start, count, write_start, n, 2 * n)
    return seal(head + _registers(values))


def read_fifo(unit: int, pointer: int) -> bytes:
    """FC 0x18: the queue at this pointer address; reading does not clear it."""
    return seal(bytes((_slave(unit), FC.READ_FIFO)) + _word("pointer", pointer).to_bytes(2, "big"))


def diagnostics(unit: int, sub: int, data: int | bytes = 0) -> bytes:
    """FC 0x08: `data` is one 16-bit word, or the characters of a loopback (an even number, up to 250)."""
    raw = data if isinstance(data, bytes) else _word("data", data).to_bytes(2, "big")
    if not raw or len(raw) % 2 or len(raw) > MAX_ADU - 6:
        raise ValueError(f"diagnostics carry 2..250 characters, an even number, not {len(raw)}")
    return seal(bytes((_slave(unit), FC.DIAGNOSTICS)) + _word("sub-function", sub).to_bytes(2, "big") + raw)


def event_counter(unit: int) -> bytes:
    """FC 0x0B: status word and event counter."""
    return seal(bytes((_slave(unit), FC.EVENT_COUNTER)))


def server_id(unit: int) -> bytes:
    """FC 0x11: identifier and run indicator."""
    return seal(bytes((_slave(unit), FC.SERVER_ID)))


def device_id(unit: int, code: int = 1, obj: int = 0) -> bytes:
    """FC 0x2B/0x0E: code 1 basic, 2 regular, 3 extended, 4 the one object `obj`; `obj` is where to begin else."""
    if not 1 <= code <= 4 or not 0 <= obj <= 0xFF:
        raise ValueError(f"a device identification is read by code 1..4 from object 0..255, not {code}, {obj}")
    return seal(bytes((_slave(unit), FC.DEVICE_ID, DEVICE_ID_MEI, code, obj)))


def _slave(unit: int) -> int:
    if not 1 <= unit <= LAST_UNIT:
        raise ValueError(f"a reading request goes to a unit 1..{LAST_UNIT}, not {unit}")
    return unit


def _any(unit: int) -> int:
    if not BROADCAST <= unit <= LAST_UNIT:
        raise ValueError(f"a write goes to a unit 1..{LAST_UNIT}, or 0 for all, not {unit}")
    return unit


def _word(what: str, value: int) -> int:
    if not 0 <= value <= 0xFFFF:
        raise ValueError(f"{what} is 0..65535, not {value}")
    return value


def _range(what: str, start: int, count: int, limit: int) -> None:
    if not 1 <= count <= limit:
        raise ValueError(f"one request takes 1..{limit} {what}, not {count}")
    if start < 0 or start + count > 0x10000:
        raise ValueError(f"{what} {start}..{start + count - 1} are not within 0..65535")


def _registers(values: Sequence[int]) -> bytes:
    for value in values:
        _word("value", value)
    return REGISTERS[len(values)].pack(*values)


# -- replies ----------------------------------------------------------------------------------------------------------
class BadReply(Exception):
    """A frame that is not a sound reply to the request.

    Args:
        why: what was expected and what came.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Reply:
    """What a slave said.

    Attributes:
        unit: who said it.
        function: the request's function code, also in an exception.
        values: bits (0x01, 0x02), registers (0x03, 0x04, 0x17, 0x18), data words (0x08), status and count (0x0B); for
            writes nothing: their echo was compared.
        exception: the exception code, None for a normal reply.
        data: all after the function, raw (server id; `device_objects` reads a device identification).
    """

    unit: int
    function: int
    values: tuple[int, ...] = ()
    exception: int | None = None
    data: bytes = b""


class DeviceObjects(NamedTuple):
    """One reply to FC 0x2B/0x0E: when `more`, ask again from object `next_object`."""

    code: int
    conformity: int
    more: bool
    next_object: int
    objects: Mapping[int, bytes]


def parse_reply(request: bytes, reply: bytes) -> Reply:
    """Read a reply in the light of the request it answers.

    Args:
        request: the sealed frame that was sent.
        reply: the whole frame that came.

    Raises:
        BadReply: on CRC, unit, function, length or echo; the message says which.
    """
    if not is_sound(reply):
        raise BadReply(_unsound(reply))
    unit, function = request[0], request[1]
    if unit == BROADCAST:
        raise BadReply("a reply came to a broadcast, which nobody answers")
    if reply[0] != unit:
        raise BadReply(f"unit {reply[0]} replied, unit {unit} was asked")
    if reply[1] == function | 0x80:
        if len(reply) != 5:
            raise BadReply(f"an exception reply is 5 characters long, not {len(reply)}")
        return Reply(unit, function, (), reply[2], reply[2:3])
    if reply[1] != function:
        raise BadReply(f"the reply has FC 0x{reply[1]:02X}, FC 0x{function:02X} was asked")
    reader = _READERS.get(function)
    if reader is None:
        raise BadReply(f"replies to FC 0x{function:02X} are not known here")
    data = reply[2:-2]
    return Reply(unit, function, reader(request, data), None, data)


def device_objects(reply: Reply) -> DeviceObjects:
    """Read the objects of a reply to `device_id`; BadReply when they do not fill it exactly."""
    data = reply.data
    if len(data) < 6 or data[0] != DEVICE_ID_MEI:
        raise BadReply(f"no device identification: {data.hex(' ').upper()}")
    objects, at = {}, 6
    for _ in range(data[5]):
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            raise BadReply(f"the identification ends inside its object at offset {at}")
        objects[data[at]] = data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    if at != len(data):
        raise BadReply(f"{len(data) - at} characters follow the last of {data[5]} objects")
    return DeviceObjects(data[1], data[2], data[3] == 0xFF, data[4], objects)


def _unsound(reply: bytes) -> str:
    if not MIN_ADU <= len(reply) <= MAX_ADU:
        return f"a frame has {MIN_ADU}..{MAX_ADU} characters, not {len(reply)}"
    good = seal(reply[:-2])[-2:]
    return f"the CRC is {reply[-2:].hex(' ').upper()}, it should be {good.hex(' ').upper()}"


def _length(data: bytes, wanted: int) -> None:
    if len(data) != wanted:
        raise BadReply(f"{wanted} characters should follow the function, {len(data)} do")


def _counted(data: bytes, wanted: int) -> bytes:
    if not data or data[0] != wanted:
        raise BadReply(f"the byte count should be {wanted}, it is {data[0] if data else 'missing'}")
    _length(data, wanted + 1)
    return data[1:]


def _bits(request: bytes, data: bytes) -> tuple[int, ...]:
    count = int.from_bytes(request[4:6], "big")
    return unpack_bits(_counted(data, (count + 7) // 8), count)


def _read(request: bytes, data: bytes) -> tuple[int, ...]:
    return unpack_registers(_counted(data, 2 * int.from_bytes(request[4:6], "big")))


def _echo(request: bytes, data: bytes) -> tuple[int, ...]:
    wanted = request[2:-2]
    if data != wanted:
        raise BadReply(f"the echo is {data.hex(' ').upper()}, {wanted.hex(' ').upper()} was written")
    return ()


def _range_echo(request: bytes, data: bytes) -> tuple[int, ...]:
    wanted = request[2:6]
    if data != wanted:
        raise BadReply(f"start and quantity are {data.hex(' ').upper()}, {wanted.hex(' ').upper()} was written")
    return ()


def _fifo(_request: bytes, data: bytes) -> tuple[int, ...]:
    if len(data) < 4:
        raise BadReply(f"a queue takes at least 4 characters after the function, {len(data)} came")
    byte_count, count = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
    if count > MAX_FIFO or byte_count != 2 * count + 2 or len(data) != byte_count + 2:
        raise BadReply(f"a queue of {count} does not fit byte count {byte_count} and {len(data)} characters")
    return unpack_registers(data[4:])


def _diagnosis(request: bytes, data: bytes) -> tuple[int, ...]:
    if data[:2] != request[2:4]:
        raise BadReply(f"sub-function {data[:2].hex().upper()} replied, {request[2:4].hex().upper()} was asked")
    _length(data, len(request) - 4)
    if data[1] in _ECHOED and data[2:] != request[4:-2]:
        raise BadReply(f"the data came back as {data[2:].hex(' ').upper()}, {request[4:-2].hex(' ').upper()} was sent")
    return unpack_registers(data[2:])


def _two_words(_request: bytes, data: bytes) -> tuple[int, ...]:
    _length(data, 4)
    return unpack_registers(data)


def _server_id(_request: bytes, data: bytes) -> tuple[int, ...]:
    if not data:
        raise BadReply("the byte count is missing")
    _counted(data, data[0])
    return ()


def _device_id(request: bytes, data: bytes) -> tuple[int, ...]:
    if data[:2] != request[2:4]:
        raise BadReply(f"identification {data[:2].hex(' ').upper()} came, {request[2:4].hex(' ').upper()} was asked")
    device_objects(Reply(request[0], FC.DEVICE_ID, data=data))
    return ()


_READERS: Mapping[int, Callable[[bytes, bytes], tuple[int, ...]]] = MappingProxyType(
    {
        FC.READ_COILS: _bits,
        FC.READ_DISCRETES: _bits,
        FC.READ_HOLDING: _read,
        FC.READ_INPUTS: _read,
        FC.DIAGNOSTICS: _diagnosis,
        FC.EVENT_COUNTER: _two_words,
        FC.WRITE_COILS: _range_echo,
        FC.WRITE_REGISTERS: _range_echo,
        FC.SERVER_ID: _server_id,
        FC.READ_WRITE: _read,
        FC.READ_FIFO: _fifo,
        FC.DEVICE_ID: _device_id,
        **dict.fromkeys(BROADCASTABLE - {FC.WRITE_COILS, FC.WRITE_REGISTERS}, _echo),
    }
)
