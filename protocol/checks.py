"""Check values of the protocols spoken here: one table of named checks.

Each is defined by published parameters and by its value over the nine characters "123456789", which the tests hold
against an independent bit-by-bit computation (protocols.md sections 1.1, 2.1 and 3; parameters [K]).
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import xor
from struct import Struct
from types import MappingProxyType
from typing import Literal


def _sixteen_shifts(word: int) -> int:
    for _ in range(16):
        word = (word >> 1) ^ 0xA001 if word & 1 else word >> 1
    return word


def _table_of_words() -> list[int]:
    # A CRC is linear: the table of n+1 bits is the table of n bits, and the same again xor the value of the new bit.
    table = [0]
    for bit in range(16):
        value = _sixteen_shifts(1 << bit)
        table += [value ^ entry for entry in table]
    return table


# Two characters a step: half the steps of the usual table of 256 for every frame of every poll, at 2 MB.
_WORD_CRC = _table_of_words()
_WORDS = tuple(Struct(f"<{n}H") for n in range(129))


def crc16_modbus(data: bytes | bytearray, crc: int = 0xFFFF) -> int:
    """CRC-16 of Modbus RTU: polynomial 0x8005 reflected (0xA001), no final xor; the low byte goes on the wire first.

    Args:
        data: the characters to check. With the two check characters included the result is 0.
        crc: the value to go on from; 0 makes it CRC-16/ARC.
    """
    table = _WORD_CRC
    words = len(data) >> 1
    for word in (_WORDS[words] if words < 129 else Struct(f"<{words}H")).unpack_from(data):
        crc = table[crc ^ word]
    if len(data) & 1:
        crc = crc >> 8 ^ table[((crc ^ data[-1]) & 0xFF) << 8]
    return crc


def crc16_arc(data: bytes | bytearray) -> int:
    """CRC-16/ARC, as Onbon boards use it: the polynomial of Modbus, starting at 0 (protocols.md 2.1)."""
    return crc16_modbus(data, 0)


def crc16_osdp(data: bytes | bytearray) -> int:
    """CRC-16 of OSDP: polynomial 0x1021, not reflected, starting at 0x1D0F (protocols.md 3.2)."""
    return crc_hqx(data, 0x1D0F)


def sum8(data: bytes | bytearray) -> int:
    """Sum of the characters, modulo 256 (FT1.2 frames, protocols.md 3.1)."""
    return sum(data) & 0xFF


def xor8(data: bytes | bytearray) -> int:
    """Exclusive or of the characters (SYN6288)."""
    return reduce(xor, data, 0)


def lrc8(data: bytes | bytearray) -> int:
    """Two's complement of the sum (Modbus ASCII, OSDP's short check): sum and check add up to 0 modulo 256."""
    return -sum(data) & 0xFF


@dataclass(frozen=True, slots=True)
class Check:
    """A named check and how it goes on the wire.

    Args:
        name: its key in `CHECKS`.
        compute: characters -> check value.
        size: characters it takes on the wire.
        order: which of its characters comes first.
    """

    name: str
    compute: Callable[[bytes], int]
    size: int
    order: Literal["little", "big"] = "little"

    def seal(self, body: bytes) -> bytes:
        """The body with its check appended."""
        return body + self.compute(body).to_bytes(self.size, self.order)

    def is_sound(self, sealed: bytes) -> bool:
        """Whether the last `size` characters are the check of those before them."""
        return len(sealed) >= self.size and self.seal(sealed[: -self.size]) == sealed


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        check.name: check
        for check in (
            Check("crc16_modbus", crc16_modbus, 2),
            Check("crc16_arc", crc16_arc, 2),
            Check("crc16_osdp", crc16_osdp, 2),
            Check("sum8", sum8, 1),
            Check("xor8", xor8, 1),
            Check("lrc8", lrc8, 1),
        )
    }
)
"""Every check by its name; `declared` protocols name theirs by these keys."""
