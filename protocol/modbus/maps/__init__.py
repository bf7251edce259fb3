"""Register maps as tables: what each register of a device is called, where it lies, and what may be done with it.

A map is rows of `Register`. Devices answer from it (an address that no row covers is exception 0x02), masters take
addresses from it by name, and `hallbench decode` names what went by. Addresses are 0-based, as on the wire.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias

from protocol.modbus.pdu import Table

__all__ = ["Access", "Register", "RegisterMap", "text_of", "words_of"]

Access: TypeAlias = Literal["r", "w", "rw"]
"""What the device's document allows on a register: read, write, or both."""


class Register(NamedTuple):
    """One row of a map: `words` registers that belong together, from `address` on.

    Args:
        name: unique in its map, lower case, stable: programs use it.
        table: HOLDING or INPUTS (COILS and DISCRETES for maps that have them).
        address: first address, 0-based.
        words: how many registers of 16 bits.
        access: "r", "w" or "rw".
        meaning: one line for people: content, unit, limits.
    """

    name: str
    table: Table
    address: int
    words: int
    access: Access
    meaning: str

    @property
    def end(self) -> int:
        """First address after the row."""
        return self.address + self.words


class RegisterMap:
    """The rows of one device type, with look-up by name and by address.

    Args:
        title: what the device is called in its document.
        source: where the rows come from, with their grade (protocols.md).
        rows: the registers; names unique, ranges of one table disjoint.
        characters: names of the rows that hold text: two characters in each register of a row of several, the first
            in the high byte, else one.

    Raises:
        ValueError: two rows share a name or an address, or a row lies outside 0..0xFFFF.
    """

    def __init__(self, title: str, source: str, rows: Iterable[Register], characters: Iterable[str] = ()) -> None:
        self.title = title
        self.characters = frozenset(characters)
        self.source = source
        self.rows = tuple(rows)
        self._by_name: dict[str, Register] = {}
        self._by_address: dict[Table, dict[int, Register]] = {table: {} for table in Table}
        for row in self.rows:
            if row.name in self._by_name:
                raise ValueError(f"{title}: two rows are called {row.name!r}; give one of them another name")
            if row.words < 1 or row.address < 0 or row.end > 0x10000:
                raise ValueError(f"{title}: {row.name!r} covers 0x{row.address:04X} x {row.words}, outside 0..0xFFFF")
            self._by_name[row.name] = row
            for address in range(row.address, row.end):
                other = self._by_address[row.table].setdefault(address, row)
                if other is not row:
                    raise ValueError(f"{title}: {row.name!r} and {other.name!r} both cover 0x{address:04X}")
        # address -> first address after it that no row covers: a poll's range is checked in one look-up
        self._hole_after: dict[Table, dict[int, int]] = {}
        for table, covered in self._by_address.items():
            holes = self._hole_after[table] = {}
            for address in sorted(covered, reverse=True):
                holes[address] = holes.get(address + 1, address + 1)

    def __getitem__(self, name: str) -> Register:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Register]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, table: Table, address: int) -> Register | None:
        """The row that covers an address, or None."""
        return self._by_address[table].get(address)

    def covering(self, table: Table, start: int, count: int) -> tuple[Register, ...]:
        """The rows that a range touches, in order of address; holes are skipped."""
        found = (self.at(table, address) for address in range(start, start + count))
        return tuple(dict.fromkeys(row for row in found if row is not None))

    def holds(self, table: Table, start: int, count: int) -> bool:
        """Whether every one of `count` addresses from `start` exists."""
        hole = self._hole_after[table].get(start)
        return hole is not None and 0 < count <= hole - start

    def without(self, *names: str, title: str | None = None) -> RegisterMap:
        """The same map with rows left out, for models of a family that lack them; KeyError for a row it has not."""
        for name in names:
            self[name]
        rows = (row for row in self.rows if row.name not in names)
        return RegisterMap(title or self.title, self.source, rows, self.characters.difference(names))


def words_of(text: bytes) -> tuple[int, ...]:
    """Characters as registers, two in each, the first in the high byte; an odd one is followed by NUL."""
    even = text + b"\0" * (len(text) % 2)
    return tuple(high << 8 | low for high, low in zip(even[::2], even[1::2], strict=True))


def text_of(words: Iterable[int]) -> bytes:
    """Registers as characters, two from each, high byte first: the inverse of `words_of` up to a NUL at the end."""
    return b"".join((word & 0xFFFF).to_bytes(2, "big") for word in words)
