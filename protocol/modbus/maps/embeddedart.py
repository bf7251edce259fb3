"""The EmbeddedArt LED display control card, a text board of 1 or 2 lines: registers and codes.

Source: protocols.md 1.4 [S], the vendor's page on the card. Settings are single registers written by FC 0x06, text is
written by FC 0x10. The page gives no length for a line and no order of characters; "assumed" marks what was decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from protocol.modbus.maps import Register, RegisterMap
from protocol.modbus.pdu import Table

ROW_STEP: Final = 1000
"""Line n starts at register n x 1000. The vendor's card has lines 1 and 2; further lines are an extension."""

ROW_WORDS: Final = 64
"""Registers in one line: 128 characters, two in each register, the first in the high byte (assumed)."""

MOST_ROWS: Final = 9
"""Lines of the extended scheme."""

VENDOR_ROWS: Final = 2
"""Lines of the card that the vendor describes."""

BAUD_CODES: Final[Mapping[int, int]] = MappingProxyType(
    {
        0: 300,
        1: 600,
        2: 1200,
        3: 2400,
        4: 4800,
        5: 9600,
        6: 14400,
        7: 19200,
        8: 28800,
        9: 38400,
        10: 56000,
        11: 57600,
        12: 115200,
        13: 128000,
        14: 256000,
    }
)
"""Baud code -> bit/s. Any other code means 9600."""

_H: Final = Table.HOLDING

SETTINGS: Final = (
    Register("modules", _H, 29, 1, "rw", "LED modules in the panel, 1..9; saved at once"),
    Register("x_offset", _H, 30, 1, "rw", "must be 0"),
    Register("protocol", _H, 31, 1, "rw", "0 = the vendor's own, 1 = Modbus; saved at once"),
    Register("firmware", _H, 32, 1, "r", "firmware version"),
    Register("restart", _H, 33, 1, "rw", "any write restarts the card"),
    Register("font", _H, 35, 1, "rw", "0 = regular, single line; 1 = big, dual line"),
    Register("brightness", _H, 36, 1, "rw", "not described by the vendor; kept as written"),
    Register("baud", _H, 37, 1, "rw", "baud code, 0 = 300 .. 5 = 9600 .. 14 = 256000, other = 9600"),
    Register("data_bits", _H, 38, 1, "rw", "7, 8 or 9"),
    Register("parity", _H, 39, 1, "rw", "0 = none, 1 = odd, 2 = even"),
    Register("stop_bits", _H, 40, 1, "rw", "1 or 2"),
    Register("unit", _H, 41, 1, "rw", "unit id, 1..247; saved at once"),
    Register("save", _H, 42, 1, "rw", "1 saves the settings"),
    Register("reset_switch", _H, 43, 1, "r", "0 = the reset switch is pressed"),
    Register("response_time", _H, 44, 1, "rw", "must be 0"),
)
"""The settings, 29 to 44. Address 34 is not in the vendor's list, which warns against writing any other."""


def board_map(rows: int) -> RegisterMap:
    """The map of a board with this many lines.

    Args:
        rows: 1 or 2 as the vendor says, up to 9 as an extension of the same scheme.

    Raises:
        ValueError: fewer than 1 or more than 9 lines.
    """
    if not 1 <= rows <= MOST_ROWS:
        raise ValueError(f"a board has 1 to {MOST_ROWS} rows, not {rows}")
    lines = (
        Register(f"row_{row}", _H, row * ROW_STEP, ROW_WORDS, "w", f"text of line {row}") for row in range(1, rows + 1)
    )
    texts = [f"row_{row}" for row in range(1, rows + 1)]
    return RegisterMap("EmbeddedArt LED control card", "protocols.md 1.4 [S]", (*SETTINGS, *lines), texts)


EMBEDDEDART: Final = board_map(VENDOR_ROWS)
"""The card as its vendor describes it."""
