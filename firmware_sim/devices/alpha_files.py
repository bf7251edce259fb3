"""The files in an Alpha sign's memory, and which of them run at an instant.

Source: form 9708-8061 rev. F, sections 6.1 to 6.4 and Table 15 [S], as quoted by published clients [C]. Measured on a
BetaBrite and published with the measurement [C]: a STRING written past its size is emptied, not cut; a call of a file
that is not there draws nothing; an empty run sequence goes back to kind T.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from protocol.alpha.codes import DEFAULT_FILE, LABELS, PRIORITY, SHORT_FILE
from protocol.alpha.memory import (
    ALWAYS,
    DOTS,
    OVERHEAD,
    STRING,
    TEXT,
    BadTableError,
    Entry,
    entries,
    pool_of,
    runs_at,
    runs_on,
    times,
)

POOL: Final = 0x7800
"""Bytes of the memory pool (assumed: 30 KB; it differs per sign)."""

_SEQUENCE_MOST: Final = 128
_KINDS: Final = b"TSD"
_TIME_ENTRY, _DAY_ENTRY = 5, 3
_DAYS: Final = b"0123456789AB"
_DOTS_HEAD: Final = 4
_PIXELS: Final = b"012345678"


class Files:
    """What a sign keeps without supply: memory configuration, files, run sequence, run times and days.

    Args:
        pool: bytes of memory.

    Attributes:
        table: label -> entry of the memory configuration; empty while none was written.
        texts, strings, pictures: label -> contents of files that were written.
        priority: contents of the priority file while it runs, else None. It may be empty: a blank display.
        kind: of the run sequence: T, S or D.
        order: labels of the run sequence.
    """

    def __init__(self, pool: int = POOL) -> None:
        self.pool = pool
        self.table: dict[int, Entry] = {}
        self.texts: dict[int, bytes] = {}
        self.strings: dict[int, bytes] = {}
        self.pictures: dict[int, tuple[bytes, ...]] = {}
        self.priority: bytes | None = None
        self.kind = ord("T")
        self.order: tuple[int, ...] = (DEFAULT_FILE,)
        self._times: dict[int, tuple[int, int]] = {}
        self._days: dict[int, tuple[int, int]] = {}

    def clear(self) -> None:
        """Clear the memory: only file A and the priority file exist. The priority file keeps running [C]."""
        self.table.clear()
        self.texts.clear()
        self.strings.clear()
        self.pictures.clear()
        self._times.clear()
        self._days.clear()
        self.kind, self.order = ord("T"), (DEFAULT_FILE,)

    # -- the host writes; each tells whether it was taken -----------------------------------------------------------
    def configure(self, data: bytes) -> bool:
        """A memory configuration: all files are lost, also when it is the same one. Too large: nothing happens."""
        try:
            table = entries(data)
        except BadTableError:
            return False
        if pool_of(table) > self.pool:
            return False
        self.clear()
        self.table = {entry.label: entry for entry in table}
        self._times = {entry.label: times(entry.extra) for entry in table if entry.kind == TEXT}
        self.order = tuple(entry.label for entry in table if entry.kind == TEXT)
        return True

    def write_text(self, label: int, data: bytes) -> bool:
        """A TEXT file; what does not fit is cut off (assumed). The priority file without anything stops running."""
        if label == PRIORITY:
            self.priority = data[:SHORT_FILE] if data else None
            return True
        room = self._room(label, TEXT)
        if room is None:
            return False
        self.texts[label] = data[:room]
        return True

    def write_string(self, label: int, data: bytes) -> bool:
        """A STRING file; one that is too long empties it."""
        room = self._room(label, STRING)
        if room is None:
            return False
        self.strings[label] = data if len(data) <= room else b""
        return True

    def write_picture(self, label: int, data: bytes) -> bool:
        """A SMALL DOTS PICTURE: height and width as two hexadecimal digits each, then its rows, each ended by CR.

        A row that is too long or short, or a picture larger than its file, is not taken (assumed: a BetaBrite draws
        such a picture damaged).
        """
        entry = self.table.get(label)
        if entry is None or entry.kind != DOTS or len(data) < _DOTS_HEAD:
            return False
        try:
            height, width = int(data[:2], 16), int(data[2:4], 16)
        except ValueError:
            return False
        rows = tuple(data[_DOTS_HEAD:].removesuffix(b"\r").split(b"\r"))
        if height > entry.size >> 8 or width > entry.size & 0xFF or len(rows) != height:
            return False
        if any(len(row) != width or row.strip(_PIXELS) for row in rows):
            return False
        self.pictures[label] = rows
        return True

    def set_sequence(self, data: bytes) -> bool:
        """A run sequence: kind, lock, labels."""
        if len(data) < 2 or data[0] not in _KINDS or data[1] not in b"UL":
            return False
        labels = data[2:]
        if len(labels) > _SEQUENCE_MOST or any(label not in LABELS for label in labels):
            return False
        self.order = tuple(labels)
        self.kind = data[0] if labels else ord("T")
        return True

    def set_times(self, data: bytes) -> bool:
        """A run time table: label, start, stop, for each file. A priority file stops running (section 6.1.3)."""
        if not data or len(data) % _TIME_ENTRY:
            return False
        try:
            table = {data[at]: times(data[at + 1 : at + _TIME_ENTRY]) for at in range(0, len(data), _TIME_ENTRY)}
        except BadTableError:
            return False
        if any(self._kind(label) != TEXT for label in table):
            return False
        self._times |= table
        self.priority = None
        return True

    def set_days(self, data: bytes) -> bool:
        """A run day table: label, start day, stop day, for each file. A priority file stops running."""
        if not data or len(data) % _DAY_ENTRY:
            return False
        table = {data[at]: (data[at + 1], data[at + 2]) for at in range(0, len(data), _DAY_ENTRY)}
        if any(self._kind(label) != TEXT or start not in _DAYS for label, (start, _) in table.items()):
            return False
        self._days |= table
        self.priority = None
        return True

    # -- the host reads ---------------------------------------------------------------------------------------------
    @property
    def used(self) -> int:
        """Bytes of the pool that are taken."""
        return pool_of(self.table.values()) if self.table else self.pool

    def told_table(self) -> bytes:
        """The memory configuration; without one, the entry of file A, which has all the memory."""
        table = list(self.table.values()) or [Entry(DEFAULT_FILE, TEXT, self.pool - OVERHEAD)]
        return b"".join(entry.encode() for entry in table)

    def told_sequence(self) -> bytes:
        """The run sequence."""
        return bytes([self.kind]) + b"U" + bytes(self.order)

    def told_times(self) -> bytes:
        """The run time table, with the priority file in it: always while it runs, never otherwise (assumed)."""
        rows = [b"0FFFF" if self.priority is not None else b"0FEFE"]
        rows += [b"%c%02X%02X" % (label, *self._times.get(label, (ALWAYS, ALWAYS))) for label in self._text_labels()]
        return b"".join(rows)

    def told_days(self) -> bytes:
        """The run day table."""
        return b"".join(bytes([label, *self._days.get(label, (ord("A"), ord("0")))]) for label in self._text_labels())

    def told_picture(self, label: int) -> bytes:
        """A picture as it was written; nothing when it was not [C]."""
        rows = self.pictures.get(label)
        return b"" if not rows else b"%02X%02X" % (len(rows), len(rows[0])) + b"".join(row + b"\r" for row in rows)

    # -- what runs --------------------------------------------------------------------------------------------------
    def running(self, minute: int, weekday: int) -> list[int]:
        """Labels of the TEXT files that run, in order; the priority file alone while there is one.

        Args:
            minute: of the day, by the sign's clock.
            weekday: 1 = Sunday .. 7, by the sign's clock.
        """
        if self.priority is not None:
            return [PRIORITY]
        return [label for label in self.order if label in self.texts and self._runs(label, minute, weekday)]

    def forget_finished(self, minute: int) -> None:
        """Kind D: a file whose stop time has come is deleted."""
        if self.kind != ord("D"):
            return
        for label in list(self.texts):
            start, stop = self._times.get(label, (ALWAYS, ALWAYS))
            if start < ALWAYS - 2 and not runs_at(start, stop, minute):
                del self.texts[label]

    @property
    def scheduled(self) -> bool:
        """Whether any file's turn depends on the clock."""
        return any(start < ALWAYS - 2 for start, _ in self._times.values()) or bool(self._days)

    def text(self, label: int) -> bytes:
        """Contents of a TEXT file, the priority file included."""
        return (self.priority or b"") if label == PRIORITY else self.texts.get(label, b"")

    def _runs(self, label: int, minute: int, weekday: int) -> bool:
        days = self._days.get(label)
        if days is not None and not runs_on(*days, weekday):
            return False
        return self.kind == ord("S") or runs_at(*self._times.get(label, (ALWAYS, ALWAYS)), minute)

    def _text_labels(self) -> Iterator[int]:
        if not self.table:
            yield DEFAULT_FILE
        yield from (entry.label for entry in self.table.values() if entry.kind == TEXT)

    def _kind(self, label: int) -> int:
        entry = self.table.get(label)
        if entry is not None:
            return entry.kind
        return TEXT if label == DEFAULT_FILE and not self.table else 0

    def _room(self, label: int, kind: int) -> int | None:
        if self._kind(label) != kind:
            return None
        entry = self.table.get(label)
        return entry.size if entry is not None else self.pool - OVERHEAD
