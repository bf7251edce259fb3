"""Modbus RTU framing: check, silence, and how long a frame is going to be.

ADU = unit(1) PDU(1..253) CRC low, CRC high; at most 256 characters. Source: MODBUS over Serial Line V1.02 [K], as
collected in protocols.md 1.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from protocol.checks import crc16_modbus
from protocol.modbus.pdu import FC

MIN_ADU, MAX_ADU = 4, 256
BROADCAST = 0
LAST_UNIT = 247
"""Units 1..247 are slaves; the document reserves 248..255."""

DEVICE_ID_MEI = 0x0E


def seal(body: bytes) -> bytes:
    """The frame of unit + PDU: CRC appended, low byte first."""
    return body + crc16_modbus(body).to_bytes(2, "little")


def is_sound(frame: bytes) -> bool:
    """Whether this is a whole frame: 4 to 256 characters, and the CRC is right."""
    return MIN_ADU <= len(frame) <= MAX_ADU and not crc16_modbus(frame)


def t15(baud: int, char_bits: float) -> int:
    """Longest silence allowed inside a frame, ns: 1.5 characters, or 750 us above 19200 bit/s."""
    return 750_000 if baud > 19200 else _characters(15, baud, char_bits)


def t35(baud: int, char_bits: float) -> int:
    """Shortest silence between frames, ns: 3.5 characters, or 1750 us above 19200 bit/s."""
    return 1_750_000 if baud > 19200 else _characters(35, baud, char_bits)


def _characters(tenths: int, baud: int, char_bits: float) -> int:
    half_bits = round(2 * char_bits)  # an integer also with 1.5 stop bits: no rounding of a float comes in
    return -(-tenths * half_bits * 10**8 // (2 * baud))


# Length of the whole frame where the function alone fixes it.
_REQUEST_FIXED: Mapping[int, int] = MappingProxyType(
    {
        **dict.fromkeys((0x01, 0x02, 0x03, 0x04, 0x05, 0x06, FC.DIAGNOSTICS), 8),
        **dict.fromkeys((0x07, FC.EVENT_COUNTER, 0x0C, FC.SERVER_ID), 4),
        FC.MASK_WRITE: 10,
        FC.READ_FIFO: 6,
        FC.DEVICE_ID: 7,
    }
)
_REPLY_FIXED: Mapping[int, int] = MappingProxyType(
    {
        **dict.fromkeys((0x05, 0x06, FC.DIAGNOSTICS, FC.EVENT_COUNTER, FC.WRITE_COILS, FC.WRITE_REGISTERS), 8),
        0x07: 5,
        FC.MASK_WRITE: 10,
    }
)
# Offset of the byte count where there is one; it is followed by that many characters and the CRC.
_REQUEST_COUNT: Mapping[int, int] = MappingProxyType(
    {FC.WRITE_COILS: 6, FC.WRITE_REGISTERS: 6, FC.READ_WRITE: 10, 0x14: 2, 0x15: 2}
)
_REPLY_COUNT: Mapping[int, int] = MappingProxyType(
    dict.fromkeys((0x01, 0x02, 0x03, 0x04, 0x0C, FC.SERVER_ID, 0x14, 0x15, FC.READ_WRITE), 2)
)


def request_length(buf: bytes | bytearray) -> int | None:
    """How many characters the request that begins with `buf` has, CRC included.

    Returns:
        The length; None while `buf` is too short to tell, and for functions whose requests have no known length.
        FC 0x08 is taken to carry two characters of data, as all its sub-functions but 00 do.
    """
    if len(buf) < 2:
        return None
    return _REQUEST_FIXED.get(buf[1]) or _counted(buf, _REQUEST_COUNT)


def reply_length(buf: bytes | bytearray) -> int | None:
    """How many characters the reply that begins with `buf` has, CRC included; None as in `request_length`."""
    if len(buf) < 2:
        return None
    function = buf[1]
    if function & 0x80:
        return 5
    if function == FC.READ_FIFO:
        return 6 + int.from_bytes(buf[2:4], "big") if len(buf) >= 4 else None
    if function == FC.DEVICE_ID:
        return _device_id_length(buf)
    return _REPLY_FIXED.get(function) or _counted(buf, _REPLY_COUNT)


def _counted(buf: bytes | bytearray, offsets: Mapping[int, int]) -> int | None:
    at = offsets.get(buf[1])
    if at is None or len(buf) <= at:
        return None
    return at + 1 + buf[at] + 2


def _device_id_length(buf: bytes | bytearray) -> int | None:
    """Reply of FC 0x2B/0x0E: eight characters, then objects of number, length, text; the eighth is their count."""
    if len(buf) < 8 or buf[2] != DEVICE_ID_MEI:
        return None
    end = 8
    for _ in range(buf[7]):
        if len(buf) < end + 2:
            return None
        end += 2 + buf[end + 1]
    return end + 2
