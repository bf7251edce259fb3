"""A sign's memory: the table of files that a host writes, and when a TEXT file runs.

An entry of the memory configuration is eleven characters, `label type lock size(4) qqqq` (Table 15): type A TEXT,
B STRING, D SMALL DOTS PICTURE; lock U or L, a STRING always L; the size in bytes, of a picture its rows and columns;
qqqq start and stop time of a TEXT file, 0000 for a STRING, the colours of a picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from protocol.alpha.codes import LABELS, PRIORITY, SHORT_FILE

TEXT, STRING, DOTS = ord("A"), ord("B"), ord("D")

ENTRY: Final = 11
OVERHEAD: Final = 11
"""Bytes of the pool that a file takes besides its size (Table 15, note 1 [S]; 13 were measured on a BetaBrite)."""

ALL_DAY, NEVER, ALWAYS = 0xFD, 0xFE, 0xFF
"""Time codes of Appendix B besides the ten-minute steps 0x00 = 0:00 .. 0x8F = 23:50."""

_STEPS: Final = 144
_STEP_MINUTES: Final = 10
_NO_STRING: Final = b"0?"
_MOST_ROWS: Final = 31
_DEPTHS: Final = (b"1000", b"2000", b"4000")


class BadTableError(ValueError):
    """A memory configuration that cannot be taken; says why."""


class Entry(NamedTuple):
    """One file of the memory configuration.

    Args:
        label: the file's label.
        kind: TEXT, STRING or DOTS.
        size: bytes; of a picture rows * 256 + columns.
        locked: an infrared keyboard may not edit it.
        extra: the four characters at its end.
    """

    label: int
    kind: int
    size: int
    locked: bool = False
    extra: bytes = b"FFFF"

    def encode(self) -> bytes:
        """The eleven characters."""
        lock = b"L" if self.locked else b"U"
        return bytes([self.label, self.kind]) + lock + b"%04X" % self.size + self.extra

    @property
    def room(self) -> int:
        """Bytes of data that it holds; of a picture, half a byte a pixel [C, measured]."""
        if self.kind != DOTS:
            return self.size
        return ((self.size >> 8) * (self.size & 0xFF) + 1) // 2


def text_file(label: str, size: int, start: int = ALWAYS, stop: int = ALWAYS) -> Entry:
    """A TEXT file that runs between two time codes."""
    return Entry(ord(label), TEXT, size, extra=b"%02X%02X" % (start, stop))


def string_file(label: str, size: int) -> Entry:
    """A STRING file of at most 125 bytes."""
    return Entry(ord(label), STRING, size, locked=True, extra=b"0000")


def entries(data: bytes) -> tuple[Entry, ...]:
    """A memory configuration taken apart.

    Raises:
        BadTableError: it is no multiple of eleven characters, or an entry is none, or a label comes twice.
    """
    if len(data) % ENTRY:
        raise BadTableError(f"entries are {ENTRY} characters each; {len(data)} came")
    found = tuple(_entry(data[at : at + ENTRY]) for at in range(0, len(data), ENTRY))
    labels = [entry.label for entry in found]
    if len(set(labels)) != len(labels):
        raise BadTableError("two entries have the same label")
    return found


def _entry(raw: bytes) -> Entry:
    label, kind, lock = raw[0], raw[1], raw[2]
    extra = raw[7:]
    try:
        size = int(raw[3:7], 16)
    except ValueError:
        raise BadTableError(f"{raw[3:7]!r} is no size: four hexadecimal digits") from None
    if raw[3:7].strip() != raw[3:7] or b"_" in raw[3:7] or raw[3:4] in b"+-":
        raise BadTableError(f"{raw[3:7]!r} is no size: four hexadecimal digits")
    entry = Entry(label, kind, size, lock == ord("L"), bytes(extra))
    if label not in LABELS or label == PRIORITY:
        raise BadTableError(f"label 0x{label:02X} is not one of a file that is configured")
    if lock not in b"UL":
        raise BadTableError(f"lock is U or L, not {chr(lock)!r}")
    if kind == STRING and (not entry.locked or label in _NO_STRING or not 0 < size <= SHORT_FILE):
        raise BadTableError(f"a STRING file is locked, has 1 to {SHORT_FILE} bytes, and is not 0 or ?")
    if kind == DOTS and (not 0 < size >> 8 <= _MOST_ROWS or not size & 0xFF or extra not in _DEPTHS):
        raise BadTableError("a picture has 1 to 31 rows, 1 to 255 columns, and 1000, 2000 or 4000 colours")
    if kind == TEXT:
        times(extra)
    if kind not in (TEXT, STRING, DOTS):
        raise BadTableError(f"file type is A, B or D, not {chr(kind)!r}")
    return entry


def pool_of(table: Iterable[Entry]) -> int:
    """Bytes of the memory pool that a configuration takes."""
    return sum(entry.room + OVERHEAD for entry in table)


def times(code: bytes) -> tuple[int, int]:
    """Start and stop time code of four hexadecimal digits.

    Raises:
        BadTableError: they are none.
    """
    digits = b"0123456789ABCDEF"
    if len(code) != 4 or any(char not in digits for char in code.upper()):
        raise BadTableError(f"{code!r} is no pair of times: four hexadecimal digits")
    first, second = code[:2], code[2:]
    pair = int(first, 16), int(second, 16)
    if any(_STEPS <= part < ALL_DAY for part in pair):
        raise BadTableError(f"{code!r}: times are 00 to 8F, FD, FE and FF")
    return pair


def runs_at(start: int, stop: int, minute: int) -> bool:
    """Whether a file with these time codes runs at a minute of the day.

    "Stop Time is ignored when Start Time is set to Always" (Appendix B [S]); a stop before the start runs over
    midnight (assumed).
    """
    if start in (ALWAYS, ALL_DAY):
        return True
    if start == NEVER:
        return False
    if stop >= _STEPS:
        return stop != NEVER
    begin, end = start * _STEP_MINUTES, stop * _STEP_MINUTES
    return begin <= minute < end if begin <= end else minute >= begin or minute < end


def runs_on(start: int, stop: int, weekday: int) -> bool:
    """Whether a file with these day codes runs on a day, 1 = Sunday .. 7.

    Codes are characters (Table 15, Set Run Day Table): 0 daily, 1 to 7 from that day to the stop day, 8 Monday to
    Friday, 9 weekend, A always, B never.
    """
    if start in b"0A":
        return True
    if start == ord("8"):
        return 2 <= weekday <= 6  # Monday to Friday
    if start == ord("9"):
        return weekday in (1, 7)
    if start not in b"1234567":
        return False
    first = start - ord("0")
    last = stop - ord("0") if stop in b"1234567" else first
    return first <= weekday <= last if first <= last else weekday >= first or weekday <= last
