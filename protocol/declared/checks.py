"""Check values that a declaration can name, and the ways they are written on the wire.

A check is a function of the characters it covers; `crc16` takes its parameters from the declaration (poly, init, refin,
refout, xorout: the Rocksoft model). The encodings are those of the framings in protocols.md section 2 and 7.2: binary,
hexadecimal digits (Alpha: four upper-case ones), and `nibble30` (each half byte added to 0x30).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from protocol.checks import crc16_arc, crc16_modbus, crc16_osdp, lrc8, sum8, xor8

Compute: TypeAlias = Callable[[bytes], int]


def sum16(data: bytes) -> int:
    """Sum of the characters, modulo 65536 (Alpha, protocols.md 2.2)."""
    return sum(data) & 0xFFFF


def negsum16(data: bytes) -> int:
    """Two's complement of the 16-bit sum (DFPlayer, protocols.md 5.1)."""
    return -sum(data) & 0xFFFF


class Named(NamedTuple):
    """A check by name: how it is computed and how many bytes its value has."""

    compute: Compute
    size: int


CHECKS: Final[Mapping[str, Named]] = MappingProxyType(
    {
        "sum8": Named(sum8, 1),
        "negsum8": Named(lrc8, 1),
        "lrc": Named(lrc8, 1),
        "xor8": Named(xor8, 1),
        "sum16": Named(sum16, 2),
        "negsum16": Named(negsum16, 2),
        "crc16_modbus": Named(crc16_modbus, 2),
        "crc16_arc": Named(crc16_arc, 2),
        "crc16_osdp": Named(crc16_osdp, 2),
    }
)
"""Checks without parameters, by the name a declaration gives."""

ENCODINGS: Final = ("bin", "hex_upper", "hex_lower", "nibble30")
"""How a check value goes on the wire."""


class Crc16(NamedTuple):
    """A CRC-16 by its parameters.

    Args:
        poly: polynomial, not reflected (0x8005, 0x1021 ...).
        init: start value.
        refin: the characters go in least significant bit first.
        refout: the result is reflected.
        xorout: the result is exclusive-ored with this.
    """

    poly: int
    init: int = 0
    refin: bool = False
    refout: bool = False
    xorout: int = 0


def reflect(value: int, bits: int) -> int:
    """The lowest `bits` bits of a value in reverse order."""
    return reduce(lambda made, _bit: made << 1 | (value >> _bit & 1), range(bits), 0)


@lru_cache(maxsize=64)
def crc16(parameters: Crc16) -> Compute:
    """The function that computes a CRC-16 with these parameters, one table look-up a character."""
    poly = parameters.poly
    if parameters.refin:
        poly = reflect(poly, 16)
        table = [reduce(lambda c, _: c >> 1 ^ (poly if c & 1 else 0), range(8), n) for n in range(256)]
        start = reflect(parameters.init, 16)
    else:
        table = [
            reduce(lambda c, _: (c << 1 ^ (poly if c & 0x8000 else 0)) & 0xFFFF, range(8), n << 8) for n in range(256)
        ]
        start = parameters.init
    turn = parameters.refin != parameters.refout
    xorout = parameters.xorout

    def reflected(data: bytes) -> int:
        crc = start
        for char in data:
            crc = crc >> 8 ^ table[(crc ^ char) & 0xFF]
        return (reflect(crc, 16) if turn else crc) ^ xorout

    def straight(data: bytes) -> int:
        crc = start
        for char in data:
            crc = (crc << 8 & 0xFF00) ^ table[crc >> 8 ^ char]
        return (reflect(crc, 16) if turn else crc) ^ xorout

    return reflected if parameters.refin else straight


def wire_size(size: int, encoding: str) -> int:
    """Characters that a check of `size` bytes takes on the wire."""
    return size if encoding == "bin" else 2 * size


def written(value: int, size: int, endian: str, encoding: str) -> bytes:
    """A check value as it goes on the wire.

    Args:
        value: the check value.
        size: its bytes.
        endian: "big" or "little"; of a text encoding, which byte's digits come first.
        encoding: one of `ENCODINGS`.
    """
    raw = value.to_bytes(size, "little" if endian == "little" else "big")
    if encoding == "bin":
        return raw
    if encoding == "nibble30":
        return bytes(0x30 + half for char in raw for half in (char >> 4, char & 0x0F))
    text = raw.hex()
    return (text.upper() if encoding == "hex_upper" else text).encode()


__all__ = [
    "CHECKS",
    "ENCODINGS",
    "Compute",
    "Crc16",
    "Named",
    "crc16",
    "negsum16",
    "reflect",
    "sum16",
    "wire_size",
    "written",
]
