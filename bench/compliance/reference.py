"""The reference slave of the self-test: every function, every table, all of it free to be written.

It is what mutants are made from. The shipped devices are tested too; none of them has all four tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from firmware_sim.device import Effect
from firmware_sim.modbus_server import FUNCTIONS
from firmware_sim.modbus_slave import ExceptionCode, ModbusException, Slave, Table

__all__ = ["ReferenceSlave"]

PICKY, MOST, EVENT, QUEUE, CONSTANT = 124, 1000, 200, 0x0200, 0x1234
_SIZES: Final = {Table.COILS: 40, Table.DISCRETES: 24, Table.HOLDING: 128, Table.INPUTS: 126}


class ReferenceSlave(Slave):
    """Coils 0..39, discretes 0..23, holding 0..127, inputs 0..125 and 200, a queue at 0x0200.

    Holding 0 is constant, 124 takes 0..1000, the rest anything. Input 200 is the last key pressed, cleared when read.
    The human side: `press(now, key)`.
    """

    name = "reference"
    functions = FUNCTIONS
    human = ("press",)

    def __init__(self) -> None:
        self.tables = {table: [0] * size for table, size in _SIZES.items()}
        self.tables[Table.HOLDING][0] = CONSTANT
        self.tables[Table.DISCRETES][:] = [n % 3 == 0 for n in range(24)]
        self.tables[Table.INPUTS][:] = [0x0102 * n & 0xFFFF for n in range(126)]
        self.event = 0
        self.queue: list[int] = []

    def press(self, now: int, key: int) -> Iterable[Effect]:
        """A key is pressed."""
        self.event = key
        self.queue = [*self.queue, key][-31:]
        return ()

    def holds(self, table: Table, start: int, count: int) -> bool:
        """Whether all of these exist."""
        return start + count <= _SIZES[table] or (table, start, count) == (Table.INPUTS, EVENT, 1)

    def read(self, now: int, table: Table, start: int, count: int) -> Sequence[int]:
        """The values; the event register is cleared by it."""
        if table is Table.INPUTS and start == EVENT:
            event, self.event = self.event, 0
            return (event,)
        return [int(value) for value in self.tables[table][start : start + count]]

    def write(
        self, now: int, table: Table, start: int, values: Sequence[int], function: int, broadcast: bool
    ) -> Iterable[Effect]:
        """Take all or nothing."""
        for address, value in enumerate(values, start):
            self.check(table, address, value)
        self.tables[table][start : start + len(values)] = values
        return ()

    def check(self, table: Table, address: int, value: int) -> None:
        """Refuse what an address does not take.

        Raises:
            ModbusException: 02 for the constant, 03 for a value too great.
        """
        if table is Table.HOLDING and address == 0:
            raise ModbusException(ExceptionCode.ILLEGAL_DATA_ADDRESS, "it is constant")
        if table is Table.HOLDING and address == PICKY and value > MOST:
            raise ModbusException(ExceptionCode.ILLEGAL_DATA_VALUE, f"0..{MOST} here")

    def fifo(self, now: int, pointer: int) -> Sequence[int]:
        """The queue of keys pressed."""
        if pointer != QUEUE:
            raise ModbusException(ExceptionCode.ILLEGAL_DATA_ADDRESS, "no queue")
        return self.queue
