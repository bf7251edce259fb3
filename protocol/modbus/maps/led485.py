"""The armfly LED-485-xxx family of 7-segment displays, 3 to 6 digits: registers, codes and the shapes of digits.

Source: protocols.md 1.4 [C]: a set-up tool that drives a real LED-485-046, a production test script of the vendor, a
driver header. Factory settings: unit 1, 9600 8N1. What those sources leave open is marked "assumed" here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from protocol.modbus.maps import Register, RegisterMap
from protocol.modbus.pdu import FC, Table

BAUD_CODES: Final[Mapping[int, int]] = MappingProxyType(
    {1: 1200, 2: 2400, 3: 4800, 4: 9600, 5: 19200, 6: 38400, 7: 57600, 8: 115200}
)
"""Baud code as written -> bit/s."""

_H: Final = Table.HOLDING

LED485: Final = RegisterMap(
    "LED-485-xxx 7-segment display",
    "protocols.md 1.4 [C]",
    (
        Register("number", _H, 0x0000, 1, "w", "signed 16-bit number to show"),
        Register("unit", _H, 0x0002, 1, "w", "new unit id, 1..255"),
        Register("baud", _H, 0x0003, 1, "w", "new baud code, 1 = 1200 .. 8 = 115200"),
        Register("point", _H, 0x0004, 1, "w", "digits after the decimal point of a number, 0..3; lost without supply"),
        Register("key_count", _H, 0x001D, 1, "r", "models with keys: INC adds one, DEC takes one, CLR clears"),
        Register("text", _H, 0x0070, 16, "w", "text, two characters in each register, 0x20..0x7E, NUL fills"),
        Register("segments", _H, 0x0080, 8, "w", "segments, two digits in each register, bit 0 = a .. bit 6 = g"),
        Register("number_alt", _H, 0x0088, 1, "w", "number, as the vendor's own test writes it (3 and 4 digits)"),
        Register("float", _H, 0x0090, 2, "w", "float32, high word first; reported not working on real units"),
    ),
    characters=("text",),
)
"""The map. The lengths of `text` and `segments` are assumed: up to the next documented row."""

WRITTEN_BY: Final[Mapping[str, frozenset[int]]] = MappingProxyType(
    {
        "number": frozenset({FC.WRITE_REGISTER}),
        "unit": frozenset({FC.WRITE_REGISTER}),
        "baud": frozenset({FC.WRITE_REGISTER}),
        "point": frozenset({FC.WRITE_REGISTER}),
        "text": frozenset({FC.WRITE_REGISTERS}),
        "segments": frozenset({FC.WRITE_REGISTERS}),
        "number_alt": frozenset({FC.WRITE_REGISTER, FC.WRITE_REGISTERS}),
        "float": frozenset({FC.WRITE_REGISTERS}),
    }
)
"""Which functions the sources show for each row. For 0x0088 they do not tell, so both are taken."""

SHAPES: Final[Mapping[str, int]] = MappingProxyType(
    {
        " ": 0x00,
        "0": 0x3F,
        "1": 0x06,
        "2": 0x5B,
        "3": 0x4F,
        "4": 0x66,
        "5": 0x6D,
        "6": 0x7D,
        "7": 0x07,
        "8": 0x7F,
        "9": 0x6F,
        "A": 0x77,
        "B": 0x7C,
        "C": 0x39,
        "D": 0x5E,
        "E": 0x79,
        "F": 0x71,
        "G": 0x3D,
        "H": 0x76,
        "I": 0x30,
        "J": 0x1E,
        "K": 0x75,
        "L": 0x38,
        "M": 0x37,
        "N": 0x54,
        "O": 0x5C,
        "P": 0x73,
        "Q": 0x67,
        "R": 0x50,
        "S": 0x6C,
        "T": 0x78,
        "U": 0x3E,
        "V": 0x1C,
        "W": 0x7E,
        "X": 0x36,
        "Y": 0x6E,
        "Z": 0x1B,
        "-": 0x40,
        "_": 0x08,
        "=": 0x48,
        "'": 0x20,
        '"': 0x22,
        "?": 0x53,
        "]": 0x0F,
    }
)
"""Character -> segments a..g in bits 0..6. Digits are given by the source; the letters are assumed, each with a shape
of its own, so that what is lit can be read back without doubt. Small letters share the shapes of capitals; a character
without a shape leaves its digit dark."""

_OTHER_SHAPES: Final = {0x10: "I", 0x0E: "J", 0x7A: "K", 0x55: "M", 0x64: "S", 0x62: "V", 0x6A: "W"}
# How the set-up tool of protocols.md 1.4 [C] draws these letters with raw segments, where it differs from `SHAPES`
# (but its Z, three bars, which nobody would read).

READINGS: Final[Mapping[int, str]] = MappingProxyType(_OTHER_SHAPES | {mask: char for char, mask in SHAPES.items()})
"""Segments -> the character a person reads."""
