"""The DM36B06 (6 digits) and DM56A04 (4 digits) 7-segment displays: registers and codes.

Sources: protocols.md 1.4 [R] (lamaplc.com, display:dm36-dm56) for registers 0 to 7. For the rest, two programs that
drive real displays [C]: the handler of a growing-house controller (pozsarzs/mm8d-sw, dm36b06.py) and a tutorial with
its test results (DM56A04 on an ESP32): blink mask 8, brightness 9, factory reset 251, unit 253, baud 254, parity 255.
Functions 0x03, 0x06 and 0x10 only; factory settings unit 1, 9600 8N1. The registers of the power-on label, which the
page mentions, are in no source and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from protocol.modbus.maps import Register, RegisterMap
from protocol.modbus.pdu import Table

MOST_DIGITS: Final = 6
MODELS: Final[Mapping[int, str]] = MappingProxyType({6: "DM36B06", 4: "DM56A04"})
"""Digits -> model."""

BAUD_CODES: Final[Mapping[int, int]] = MappingProxyType(
    {0: 1200, 1: 2400, 2: 4800, 3: 9600, 4: 19200, 5: 38400, 6: 57600, 7: 115200}
)
"""Baud code -> bit/s [C]."""

PARITIES: Final = "NEO"
"""Parity code -> parity: none, even, odd [C]."""

_H: Final = Table.HOLDING

DM36: Final = RegisterMap(
    "DM36B06 / DM56A04 7-segment display",
    "protocols.md 1.4 [R]",
    (
        *(
            Register(f"digit_{place + 1}", _H, place, 1, "rw", f"ASCII code of digit {place + 1} from the left")
            for place in range(MOST_DIGITS)
        ),
        Register("format", _H, 6, 1, "rw", "sign (bits 12-15), decimals 0..5 (8-11), value bits 16-23; with 7 only"),
        Register("number", _H, 7, 1, "rw", "value bits 0-15; alone it shows 0..65535"),
        Register("blink", _H, 8, 1, "rw", "digits that blink; bit 0 is the last digit"),
        Register("brightness", _H, 9, 1, "rw", "1 dim .. 8 bright"),
        Register("factory_reset", _H, 251, 1, "w", "any write restores factory settings"),
        Register("unit", _H, 253, 1, "rw", "unit id, 1..247"),
        Register("baud", _H, 254, 1, "rw", "baud code, 0 = 1200 .. 3 = 9600 .. 7 = 115200"),
        Register("parity", _H, 255, 1, "rw", "0 = none, 1 = even, 2 = odd"),
    ),
    characters=[f"digit_{place + 1}" for place in range(MOST_DIGITS)],
)
"""The map. Whether the last eight can be read is assumed."""


def number_words(value: int, decimals: int = 0) -> tuple[int, int]:
    """Registers 6 and 7 for a number.

    Args:
        value: without its point: 12.5 is (125, 1); at most 24 bits.
        decimals: 0 to 5.

    Raises:
        ValueError: it does not fit.
    """
    if not 0 <= decimals <= 5 or abs(value) >> 24:
        raise ValueError(f"a number has 24 bits and 0 to 5 decimals, not {value} with {decimals}")
    size = abs(value)
    return (value < 0) << 12 | decimals << 8 | size >> 16, size & 0xFFFF
