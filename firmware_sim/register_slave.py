"""A slave whose registers are a table: which rows there are, how each is read, what may be written into it.

Rows of a map (`protocol.modbus.maps`) become `Group`s: the registers of one row belong together. A write is first
checked group by group and then carried out, so that it is taken whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from firmware_sim.device import Effect
from firmware_sim.modbus_slave import ExceptionCode, ModbusException, Slave, Table
from protocol.modbus.maps import Register, RegisterMap

__all__ = ["Cells", "Group", "RegisterSlave", "between", "refuse", "whole"]

Cells: TypeAlias = tuple[int | None, ...]
"""The words of one group in a write; None where the write does not reach."""


class Group(NamedTuple):
    """Holding registers that belong together, and what may be done with them.

    Args:
        row: where they lie.
        read: instant -> their words; None for a row that cannot be read (exception 0x02).
        check: instant, cells, function code -> None; raises ModbusException when this cannot be written. None for a
            row that cannot be written (exception 0x02).
        apply: instant, checked cells -> effects.
        broadcast: whether a broadcast may write them.
    """

    row: Register
    read: Callable[[int], Sequence[int]] | None = None
    check: Callable[[int, Cells, int], None] | None = None
    apply: Callable[[int, Cells], Iterable[Effect]] | None = None
    broadcast: bool = False


def refuse(why: str, code: int = ExceptionCode.ILLEGAL_DATA_VALUE) -> ModbusException:
    """The exception reply to raise: 0x03 unless told otherwise."""
    return ModbusException(code, why)


def whole(cells: Cells, what: str) -> tuple[int, ...]:
    """The words of a group that is only written whole; exception 0x03 when some are missing."""
    words = tuple(word for word in cells if word is not None)
    if len(words) != len(cells):
        raise refuse(f"{what}: {len(cells)} registers that are written together; only {len(words)} came")
    return words


def between(least: int, most: int, what: str) -> Callable[[int, Cells, int], None]:
    """A check for one register: least..most, else exception 0x03."""

    def check(_now: int, cells: Cells, _function: int) -> None:
        (word,) = whole(cells, what)
        if not least <= word <= most:
            raise refuse(f"{what} is {least}..{most}, not {word}")

    return check


class RegisterSlave(Slave):
    """A slave with a register map; a subclass sets `registers` and fills its holding registers by `use`.

    Attributes:
        registers: the rows that exist; every other address is exception 0x02.
    """

    registers: RegisterMap
    _groups: Mapping[str, Group] = MappingProxyType({})

    def use(self, groups: Iterable[Group]) -> None:
        """Take the table of holding registers: one group for every row of that table.

        Raises:
            ValueError: a row of the map has no group.
        """
        self._groups = MappingProxyType({group.row.name: group for group in groups})
        missing = [row.name for row in self.registers if row.table is Table.HOLDING and row.name not in self._groups]
        if missing:
            raise ValueError(f"{self.name}: no group for {', '.join(missing)} of the map {self.registers.title!r}")

    def holds(self, table: Table, start: int, count: int) -> bool:
        """Whether the map has every one of these addresses."""
        return self.registers.holds(table, start, count)

    def read(self, now: int, table: Table, start: int, count: int) -> Sequence[int]:
        """The holding registers as they stand at this instant.

        Raises:
            ModbusException: 02 for a row that can only be written.
        """
        words: list[int] = []
        for row in self.registers.covering(table, start, count):
            read = self._groups[row.name].read
            if read is None:
                raise refuse(f"{row.name} can only be written", ExceptionCode.ILLEGAL_DATA_ADDRESS)
            words += read(now)[max(start - row.address, 0) : start + count - row.address]
        return words

    def write(
        self, now: int, table: Table, start: int, values: Sequence[int], function: int, broadcast: bool
    ) -> Iterable[Effect]:
        """Take a write whole, or raise and change nothing; a broadcast that is not wanted is ignored."""
        stop = start + len(values)
        parts: list[tuple[Group, Cells]] = []
        for row in self.registers.covering(table, start, len(values)):
            reach = range(row.address, row.end)
            cells = tuple(values[address - start] if start <= address < stop else None for address in reach)
            parts.append((self._groups[row.name], cells))
        if broadcast and not all(group.broadcast for group, _ in parts):
            return ()
        try:
            for group, cells in parts:
                if group.check is None:
                    raise refuse(f"{group.row.name} can only be read", ExceptionCode.ILLEGAL_DATA_ADDRESS)
                group.check(now, cells, function)
        except ModbusException:
            if broadcast:
                return ()
            raise
        return [effect for group, cells in parts if group.apply for effect in group.apply(now, cells)]
