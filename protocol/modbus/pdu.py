"""What a Modbus message says: functions, exceptions, limits, and the requests a server understands.

A PDU is function(1) data(0..252), multi-byte values big-endian. The rules and their order are protocols.md 1.2 [K],
taken from the MODBUS Application Protocol Specification V1.1b3: function supported (exception 0x01), then quantity,
value and byte count (0x03), then the range of addresses (0x02), then the work itself (0x04, 0x06). `decode` covers
the second step; the first and the last two belong to whoever knows the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum, IntEnum
from struct import Struct
from types import MappingProxyType
from typing import NamedTuple, TypeAlias


class FC(IntEnum):
    """The function codes spoken here."""

    READ_COILS = 0x01
    READ_DISCRETES = 0x02
    READ_HOLDING = 0x03
    READ_INPUTS = 0x04
    WRITE_COIL = 0x05
    WRITE_REGISTER = 0x06
    DIAGNOSTICS = 0x08
    EVENT_COUNTER = 0x0B
    WRITE_COILS = 0x0F
    WRITE_REGISTERS = 0x10
    SERVER_ID = 0x11
    MASK_WRITE = 0x16
    READ_WRITE = 0x17
    READ_FIFO = 0x18
    DEVICE_ID = 0x2B


class ExceptionCode(IntEnum):
    """Why a server refuses; the second byte of an exception reply."""

    ILLEGAL_FUNCTION = 0x01
    ILLEGAL_DATA_ADDRESS = 0x02
    ILLEGAL_DATA_VALUE = 0x03
    SERVER_DEVICE_FAILURE = 0x04
    ACKNOWLEDGE = 0x05
    SERVER_DEVICE_BUSY = 0x06
    NEGATIVE_ACKNOWLEDGE = 0x07
    MEMORY_PARITY_ERROR = 0x08
    GATEWAY_PATH_UNAVAILABLE = 0x0A
    GATEWAY_TARGET_SILENT = 0x0B


class ModbusException(Exception):
    """A server's refusal of a request.

    Args:
        code: the exception code that goes on the wire, see `ExceptionCode`.
        why: one sentence for the person who reads a trace; not on the wire.
    """

    def __init__(self, code: int, why: str = "") -> None:
        super().__init__(f"exception {code:02X}: {why}" if why else f"exception {code:02X}")
        self.code = code
        self.why = why


class Table(Enum):
    """The four tables of a server's data."""

    COILS = "coils"
    DISCRETES = "discretes"
    HOLDING = "holding"
    INPUTS = "inputs"


NAMES: Mapping[int, str] = MappingProxyType(
    {
        FC.READ_COILS: "read coils",
        FC.READ_DISCRETES: "read discrete inputs",
        FC.READ_HOLDING: "read holding registers",
        FC.READ_INPUTS: "read input registers",
        FC.WRITE_COIL: "write one coil",
        FC.WRITE_REGISTER: "write one register",
        FC.DIAGNOSTICS: "diagnostics",
        FC.EVENT_COUNTER: "read event counter",
        FC.WRITE_COILS: "write coils",
        FC.WRITE_REGISTERS: "write registers",
        FC.SERVER_ID: "read server id",
        FC.MASK_WRITE: "mask write register",
        FC.READ_WRITE: "write and read registers",
        FC.READ_FIFO: "read FIFO queue",
        FC.DEVICE_ID: "read device identification",
    }
)
"""What people call the functions."""

TABLES: Mapping[int, Table] = MappingProxyType(
    {
        FC.READ_COILS: Table.COILS,
        FC.READ_DISCRETES: Table.DISCRETES,
        FC.READ_HOLDING: Table.HOLDING,
        FC.READ_INPUTS: Table.INPUTS,
    }
)
"""Which table a read function reads."""

BROADCASTABLE = frozenset({FC.WRITE_COIL, FC.WRITE_REGISTER, FC.WRITE_COILS, FC.WRITE_REGISTERS, FC.MASK_WRITE})
"""Functions that make sense without a reply: the pure writes."""

MAX_READ_BITS, MAX_READ_REGISTERS = 2000, 125
MAX_WRITE_BITS, MAX_WRITE_REGISTERS = 1968, 123
MAX_READ_WRITE_REGISTERS = 121
MAX_FIFO = 31

COIL_ON, COIL_OFF = 0xFF00, 0x0000

SUB_LOOPBACK, SUB_RESTART, SUB_REGISTER, SUB_LISTEN_ONLY, SUB_CLEAR = 0x00, 0x01, 0x02, 0x04, 0x0A
SUB_CLEAR_OVERRUN = 0x14

DIAGNOSTIC_NAMES: Mapping[int, str] = MappingProxyType(
    {
        SUB_LOOPBACK: "return query data",
        SUB_RESTART: "restart communications",
        SUB_REGISTER: "return diagnostic register",
        SUB_LISTEN_ONLY: "force listen only",
        SUB_CLEAR: "clear counters",
        0x0B: "bus messages",
        0x0C: "bus communication errors",
        0x0D: "exceptions sent",
        0x0E: "messages addressed to this server",
        0x0F: "messages left without a reply",
        0x10: "negative acknowledgements sent",
        0x11: "busy exceptions sent",
        0x12: "messages lost by character overrun",
        SUB_CLEAR_OVERRUN: "clear overrun counter",
    }
)
"""The sub-functions of FC 0x08 spoken here."""

_RESTART_DATA = frozenset({b"\x00\x00", b"\xff\x00"})
_NO_DATA = frozenset({b"\x00\x00"})


class Read(NamedTuple):
    """FC 0x01..0x04."""

    table: Table
    start: int
    quantity: int


class Write(NamedTuple):
    """FC 0x05, 0x06, 0x0F, 0x10; coils are 0 or 1."""

    table: Table
    start: int
    values: tuple[int, ...]


class MaskWrite(NamedTuple):
    """FC 0x16: register = (register AND and_mask) OR (or_mask AND NOT and_mask)."""

    address: int
    and_mask: int
    or_mask: int


class ReadWrite(NamedTuple):
    """FC 0x17: the write comes first."""

    start: int
    quantity: int
    write_start: int
    values: tuple[int, ...]


class ReadFifo(NamedTuple):
    """FC 0x18."""

    pointer: int


class Diagnose(NamedTuple):
    """FC 0x08; `data` is two characters, or any even number for the loopback."""

    sub: int
    data: bytes


class ReadDeviceId(NamedTuple):
    """FC 0x2B/0x0E: code 1 basic, 2 regular, 3 extended, 4 one object."""

    code: int
    object_id: int


class Plain(NamedTuple):
    """FC 0x0B, 0x11: the function is all there is."""


Request: TypeAlias = Read | Write | MaskWrite | ReadWrite | ReadFifo | Diagnose | ReadDeviceId | Plain

_TWO = Struct(">BHH")
_THREE = Struct(">BHHH")
_WRITE = Struct(">BHHB")
_READ_WRITE = Struct(">BHHHHB")
REGISTERS = tuple(Struct(f">{n}H") for n in range(MAX_READ_REGISTERS + 1))
"""REGISTERS[n] packs n registers."""


def pack_bits(values: Iterable[int]) -> bytes:
    """Coils as they go on the wire: eight to a character, the first in the least significant bit."""
    packed, count = 0, 0
    for count, value in enumerate(values, 1):
        if value:
            packed |= 1 << (count - 1)
    return packed.to_bytes((count + 7) // 8, "little")


def unpack_bits(data: bytes, count: int) -> tuple[int, ...]:
    """The first `count` bits of the characters, each 0 or 1."""
    packed = int.from_bytes(data, "little")
    return tuple(packed >> i & 1 for i in range(count))


def unpack_registers(data: bytes) -> tuple[int, ...]:
    """Registers of an even number of characters, at most 250."""
    return REGISTERS[len(data) // 2].unpack(data)


def _bad(why: str) -> ModbusException:
    return ModbusException(ExceptionCode.ILLEGAL_DATA_VALUE, why)


def _expect(pdu: bytes, length: int) -> None:
    if len(pdu) != length:
        raise _bad(f"FC 0x{pdu[0]:02X} is {length} characters long, not {len(pdu)}")


def _count(pdu: bytes, count: int, limit: int) -> None:
    if not 1 <= count <= limit:
        raise _bad(f"FC 0x{pdu[0]:02X} takes a quantity of 1..{limit}, not {count}")


def _read_bits(pdu: bytes) -> Read:
    _expect(pdu, 5)
    function, start, count = _TWO.unpack(pdu)
    _count(pdu, count, MAX_READ_BITS)
    return Read(TABLES[function], start, count)


def _read_registers(pdu: bytes) -> Read:
    if len(pdu) == 5:
        function, start, count = _TWO.unpack(pdu)
        if 1 <= count <= MAX_READ_REGISTERS:
            return Read(TABLES[function], start, count)
        _count(pdu, count, MAX_READ_REGISTERS)
    raise _bad(f"FC 0x{pdu[0]:02X} is 5 characters long, not {len(pdu)}")


def _write_coil(pdu: bytes) -> Write:
    _expect(pdu, 5)
    _, address, value = _TWO.unpack(pdu)
    if value not in {COIL_ON, COIL_OFF}:
        raise _bad(f"a coil is written as FF00 or 0000, not {value:04X}")
    return Write(Table.COILS, address, (value >> 8 & 1,))


def _write_register(pdu: bytes) -> Write:
    _expect(pdu, 5)
    _, address, value = _TWO.unpack(pdu)
    return Write(Table.HOLDING, address, (value,))


def _counted(pdu: bytes, head: Struct, wanted: int, byte_count: int) -> bytes:
    if byte_count != wanted:
        raise _bad(f"the quantity needs a byte count of {wanted}, not {byte_count}")
    _expect(pdu, head.size + byte_count)
    return pdu[head.size :]


def _write_coils(pdu: bytes) -> Write:
    _at_least(pdu, _WRITE.size)
    _, start, count, byte_count = _WRITE.unpack_from(pdu)
    _count(pdu, count, MAX_WRITE_BITS)
    data = _counted(pdu, _WRITE, (count + 7) // 8, byte_count)
    return Write(Table.COILS, start, unpack_bits(data, count))


def _write_registers(pdu: bytes) -> Write:
    _at_least(pdu, _WRITE.size)
    _, start, count, byte_count = _WRITE.unpack_from(pdu)
    _count(pdu, count, MAX_WRITE_REGISTERS)
    data = _counted(pdu, _WRITE, 2 * count, byte_count)
    return Write(Table.HOLDING, start, unpack_registers(data))


def _mask_write(pdu: bytes) -> MaskWrite:
    _expect(pdu, 7)
    _, address, and_mask, or_mask = _THREE.unpack(pdu)
    return MaskWrite(address, and_mask, or_mask)


def _read_write(pdu: bytes) -> ReadWrite:
    _at_least(pdu, _READ_WRITE.size)
    _, start, count, write_start, write_count, byte_count = _READ_WRITE.unpack_from(pdu)
    _count(pdu, count, MAX_READ_REGISTERS)
    _count(pdu, write_count, MAX_READ_WRITE_REGISTERS)
    data = _counted(pdu, _READ_WRITE, 2 * write_count, byte_count)
    return ReadWrite(start, count, write_start, unpack_registers(data))


def _read_fifo(pdu: bytes) -> ReadFifo:
    _expect(pdu, 3)
    return ReadFifo(int.from_bytes(pdu[1:], "big"))


def _diagnose(pdu: bytes) -> Diagnose:
    _at_least(pdu, 3)
    sub, data = int.from_bytes(pdu[1:3], "big"), pdu[3:]
    if sub not in DIAGNOSTIC_NAMES:
        raise ModbusException(ExceptionCode.ILLEGAL_FUNCTION, f"FC 0x08 has no sub-function {sub:04X} here")
    if sub == SUB_LOOPBACK:
        if not data or len(data) % 2:
            raise _bad(f"a loopback carries an even number of characters, not {len(data)}")
    elif data not in (_RESTART_DATA if sub == SUB_RESTART else _NO_DATA):
        raise _bad(f"FC 0x08 sub-function {sub:04X} does not take the data {data.hex(' ').upper() or '(none)'}")
    return Diagnose(sub, data)


def _device_id(pdu: bytes) -> ReadDeviceId:
    if len(pdu) > 1 and pdu[1] != 0x0E:
        raise ModbusException(ExceptionCode.ILLEGAL_FUNCTION, f"FC 0x2B is spoken with type 0E, not {pdu[1]:02X}")
    _expect(pdu, 4)
    if not 1 <= pdu[2] <= 4:
        raise _bad(f"a device identification is read by code 01..04, not {pdu[2]:02X}")
    return ReadDeviceId(pdu[2], pdu[3])


def _plain(pdu: bytes) -> Plain:
    _expect(pdu, 1)
    return Plain()


def _at_least(pdu: bytes, length: int) -> None:
    if len(pdu) < length:
        raise _bad(f"FC 0x{pdu[0]:02X} is at least {length} characters long, not {len(pdu)}")


REQUESTS: Mapping[int, Callable[[bytes], Request]] = MappingProxyType(
    {
        FC.READ_COILS: _read_bits,
        FC.READ_DISCRETES: _read_bits,
        FC.READ_HOLDING: _read_registers,
        FC.READ_INPUTS: _read_registers,
        FC.WRITE_COIL: _write_coil,
        FC.WRITE_REGISTER: _write_register,
        FC.DIAGNOSTICS: _diagnose,
        FC.EVENT_COUNTER: _plain,
        FC.WRITE_COILS: _write_coils,
        FC.WRITE_REGISTERS: _write_registers,
        FC.SERVER_ID: _plain,
        FC.MASK_WRITE: _mask_write,
        FC.READ_WRITE: _read_write,
        FC.READ_FIFO: _read_fifo,
        FC.DEVICE_ID: _device_id,
    }
)
"""How the request of each function is read: function(1) + data -> `Request`, or `ModbusException` 01 or 03."""


def decode(pdu: bytes) -> Request:
    """Read a request: step two of the order of checks.

    Args:
        pdu: function and data, without unit and CRC; at least one character.

    Raises:
        ModbusException: 01 for a function (or sub-function) that is not spoken here; 03 for a quantity, value, byte
            count or length that is not valid.
    """
    reader = REQUESTS.get(pdu[0])
    if reader is None:
        raise ModbusException(ExceptionCode.ILLEGAL_FUNCTION, f"FC 0x{pdu[0]:02X} is not spoken here")
    return reader(pdu)
