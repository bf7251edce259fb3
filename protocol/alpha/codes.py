"""The numbers of the Alpha protocol as tables: framing, commands, sign types, positions, modes, colours, labels.

Tables and pages are those of form 9708-8061 rev. F [S], by way of the sources in `protocol.alpha`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

NUL, SOH, STX, ETX, EOT = 0x00, 0x01, 0x02, 0x03, 0x04
ACK, NAK = 0x06, 0x15
ESC: Final = 0x1B
"""Begins a mode field: ESC, position, mode, and a specifier when the mode is "special" (Table 12)."""

WAKE_UP: Final = 5
"""NULs before SOH by which a sign finds the baud rate. Any character does, and a sign that has found it needs fewer
(protocols.md 2.2 [R])."""

REPLY_WAKE_UP: Final = 20
"""NULs before a sign's reply (section 6.2.2, worked example)."""

GAP_NS: Final = 1_000_000_000
"""A longer silence inside a packet ends it: the time-out of the standard packet [S]."""

STX_PAUSE_NS: Final = 100_000_000
"""A host waits so long after each STX of a packet with several commands, and after the width of a DOTS picture [S]."""

BROADCAST: Final = b"00"
PRIORITY: Final = ord("0")
"""Label of the priority TEXT file, which always exists (section 6.1.3)."""
DEFAULT_FILE: Final = ord("A")
"""Label of the TEXT file that exists while no memory is configured."""
SHORT_FILE: Final = 125
"""Bytes of the priority file, and the most of a STRING file (sections 6.1.3, 6.3)."""
LABELS: Final = range(0x20, 0x7F)
"""What a file label may be (Appendix A). STRING files cannot be "0" or "?"."""

# Commands (Table 6)
WRITE_TEXT, READ_TEXT = ord("A"), ord("B")
WRITE_SPECIAL, READ_SPECIAL = ord("E"), ord("F")
WRITE_STRING, READ_STRING = ord("G"), ord("H")
WRITE_DOTS, READ_DOTS = ord("I"), ord("J")

COMMANDS: Final[Mapping[int, str]] = MappingProxyType(
    {
        ord("A"): "write TEXT",
        ord("B"): "read TEXT",
        ord("E"): "write SPECIAL FUNCTION",
        ord("F"): "read SPECIAL FUNCTION",
        ord("G"): "write STRING",
        ord("H"): "read STRING",
        ord("I"): "write SMALL DOTS PICTURE",
        ord("J"): "read SMALL DOTS PICTURE",
        ord("K"): "write RGB DOTS PICTURE",
        ord("L"): "read RGB DOTS PICTURE",
        ord("M"): "write LARGE DOTS PICTURE",
        ord("N"): "read LARGE DOTS PICTURE",
        ord("O"): "write ALPHAVISION BULLETIN",
    }
)
"""Command code -> name."""

# Special functions (Tables 15 and 16)
TIME, SPEAKER, INFORMATION, POOL, MEMORY = 0x20, 0x21, 0x22, 0x23, 0x24
WEEKDAY, TIME_FORMAT, TONE, RUN_TIMES, ERROR_STATUS = 0x26, 0x27, 0x28, 0x29, 0x2A
SOFT_RESET, SEQUENCE, RUN_DAYS, CLEAR_ERRORS = 0x2C, 0x2E, 0x32, 0x34
ADDRESS, DATE, ACKNOWLEDGE = 0x37, 0x3B, 0x73

FUNCTIONS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0x20: "time of day, HHMM",
        0x21: "speaker, 00 = on, FF = off",
        0x22: "general information (read)",
        0x23: "size of the memory pool (read)",
        0x24: "memory configuration; nothing after it clears the memory",
        0x25: "memory dump (read)",
        0x26: "day of the week, 1 = Sunday .. 7",
        0x27: "time format, S = 12 hours, M = 24 hours",
        0x28: "speaker tone",
        0x29: "run time table",
        0x2A: "serial error status (read)",
        0x2B: "text at a position",
        0x2C: "soft reset",
        0x2D: "network query (read)",
        0x2E: "run sequence",
        0x2F: "dimming register",
        0x30: "dimming times",
        0x32: "run day table",
        0x34: "clear the serial error status",
        0x35: "counters",
        0x37: "serial address, two hexadecimal digits",
        0x38: "LARGE DOTS memory configuration",
        0x39: "append to the LARGE DOTS memory configuration",
        0x3A: "run file times",
        0x3B: "date, MMDDYY",
        0x73: "ACK and NAK, 1 = on",
    }
)
"""Label of a special function -> what it is."""

# The serial error status register (protocols.md 2.2)
STATUS_ALWAYS, STATUS_ILLEGAL, STATUS_CHECKSUM, STATUS_OVERFLOW = 0x40, 0x20, 0x10, 0x08
STATUS_TIMEOUT, STATUS_FRAMING, STATUS_PARITY = 0x04, 0x02, 0x01

STATUS_BITS: Final[Mapping[int, str]] = MappingProxyType(
    {
        STATUS_ILLEGAL: "illegal command or label",
        STATUS_CHECKSUM: "checksum",
        STATUS_OVERFLOW: "buffer overflow",
        STATUS_TIMEOUT: "time-out",
        STATUS_FRAMING: "framing",
        STATUS_PARITY: "parity",
    }
)
"""Bit of the register -> what it tells."""

RESPONSE: Final = ord("0")
"""Type code of a packet that a sign sends."""

ALL_TYPES: Final = frozenset(b"Z?z!")
"""Type codes that every sign takes. "?" and "!" also make a sign tell on its display whether it understood; that is
not done here. Published clients disagree on "!" (one calls it a serial clock, which is 0x22 in another)."""

TYPES: Final[Mapping[int, str]] = MappingProxyType(
    {
        ord("Z"): "all signs",
        ord("?"): "all signs, with verification",
        ord("!"): "all signs, with visual verification",
        ord("z"): "all signs, configuration",
        ord('"'): "serial clock",
        RESPONSE: "response",
        ord("1"): "one-line signs",
        ord("2"): "two-line signs",
        ord("^"): "BetaBrite",
        ord("a"): "4120C",
        ord("b"): "4160C",
        ord("c"): "4200C",
        ord("d"): "4240C",
        ord("e"): "215",
        ord("f"): "215C",
        ord("g"): "4120R",
        ord("h"): "4160R",
        ord("i"): "4200R",
        ord("j"): "4240R",
        ord("k"): "300 series",
        ord("l"): "7000 series",
        ord("t"): "4080C",
        ord("u"): "210C and 220C",
    }
)
"""Type code -> signs (Table 5)."""

MIDDLE, TOP, BOTTOM, FILL, LEFT, RIGHT = 0x20, 0x22, 0x26, 0x30, 0x31, 0x32
POSITIONS: Final[Mapping[int, str]] = MappingProxyType(
    {MIDDLE: "middle", TOP: "top", BOTTOM: "bottom", FILL: "fill", LEFT: "left", RIGHT: "right"}
)
"""Display position -> name by the document (Table 12). Clients disagree on the names (protocols.md 2.2), so it is the
byte that counts."""

SPECIAL_MODE: Final = ord("n")
MODES: Final[Mapping[int, str]] = MappingProxyType(
    dict(
        zip(
            b"abcdefghijklmnopqrstuv",
            (
                *("rotate", "hold", "flash", "reserved", "roll up", "roll down", "roll left", "roll right"),
                *("wipe up", "wipe down", "wipe left", "wipe right", "scroll", "special", "auto", "roll in"),
                *("roll out", "wipe in", "wipe out", "compressed rotate", "explode", "clock"),
            ),
            strict=True,
        )
    )
)
"""Mode -> name (Table 65). "explode" and "clock" are of Alpha 3.0."""

SPECIAL_MODES: Final[Mapping[int, str]] = MappingProxyType(
    dict(
        zip(
            b"0123456789ABCSUVWXYZ",
            (
                *("twinkle", "sparkle", "snow", "interlock", "switch", "slide", "spray", "starburst", "welcome"),
                *("slot machine", "news flash", "trumpet", "cycle colours", "thank you", "no smoking"),
                *("don't drink and drive", "running animal", "fireworks", "turbo car", "cherry bomb"),
            ),
            strict=True,
        )
    )
)
"""Specifier of a special mode -> name (Tables 66 and 67; the characters are taken where the document's hexadecimal
codes contradict them)."""

COLOURS: Final = b"123456789ABC"
"""Codes after 0x1C: red, green, amber, dim red, dim green, brown, orange, yellow, rainbow 1 and 2, mix, automatic."""


class Control(NamedTuple):
    """A control code inside a text: its name, and how many characters follow it (Appendix G)."""

    name: str
    parameters: int = 0


CONTROLS: Final[Mapping[int, Control]] = MappingProxyType(
    {
        0x05: Control("double height", 1),
        0x06: Control("true descenders", 1),
        0x07: Control("flash", 1),
        0x08: Control("extended character", 1),
        0x09: Control("no hold"),
        0x0A: Control("nothing"),
        0x0B: Control("date", 1),
        0x0C: Control("new page"),
        0x0D: Control("new line"),
        0x0E: Control("nothing"),
        0x0F: Control("speed control", 1),
        0x10: Control("STRING", 1),
        0x11: Control("wide off"),
        0x12: Control("wide on"),
        0x13: Control("time"),
        0x14: Control("DOTS PICTURE", 1),
        0x15: Control("speed 1"),
        0x16: Control("speed 2"),
        0x17: Control("speed 3"),
        0x18: Control("speed 4"),
        0x19: Control("speed 5"),
        0x1A: Control("character set", 1),
        0x1C: Control("colour", 1),
        0x1D: Control("attribute", 2),
        0x1E: Control("spacing", 1),
        0x1F: Control("animation", 14),
    }
)
"""Control code -> what it is. ESC (0x1B), which begins a mode field, is taken apart by `protocol.alpha.text`."""

EXTENDED: Final = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿°¡\u200aθΘćĆčČđĐšžŽβŠβÁÀÃãÊÍÕõ"
"""The characters 0x80 to 0xC1, also written as 0x08 and 0x20 to 0x61. To 0xA8 they are those of code page 437; of
0xB0 to 0xBD only the letter is certain, not its mark [C]."""
