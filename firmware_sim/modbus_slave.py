"""What one Modbus slave is, apart from the line: its data, its identity, what it does when written to.

`firmware_sim.modbus_line.ModbusLine` cuts and checks the frames, keeps the order of checks, answers the diagnostic
functions, and calls a `Slave` only for what is the slave's own (protocols.md 1.2 [K]).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from firmware_sim.burst import LineSettings
from firmware_sim.device import Effect
from protocol.modbus.pdu import FC, ExceptionCode, ModbusException, Table

__all__ = ["ExceptionCode", "ModbusException", "Slave", "Table", "can_glance"]


class Slave:
    """A Modbus slave that holds no data: the base of every Modbus device.

    A subclass names itself, says which functions it supports (`functions = Slave.functions | {FC.READ_INPUTS, ...}`)
    and overrides what it needs. The station asks in this order, and only for supported functions: `holds` for every
    range of a request, then `write`, then `read`. Addresses are 0-based as on the wire; coils and discretes are 0
    or 1, registers 0..65535; instants are nanoseconds.

    Attributes:
        name: unique on its line; what histories and people call it.
        functions: supported function codes; any other is answered with exception 01.
        identity: object number -> text for FC 0x2B/0x0E; 0 vendor, 1 product code, 2 revision are mandatory.
        server_id: what FC 0x11 tells, before the run indicator.
        diagnostic_register: what FC 0x08/0x02 tells; FC 0x08/0x0A clears it.
        silent_until: the slave is booting or without supply: it hears nothing that began before this instant.
        unit: its address. Set by `ModbusLine.attach`; a slave told to take another address sets it (in
            `after_reply`) and the station follows.
        settings: the line settings it runs at; None for whatever the line runs at. A slave at other settings
            than the line's hears garbage, and is silent.
    """

    name: str = "slave"
    functions: frozenset[int] = frozenset({FC.DIAGNOSTICS, FC.EVENT_COUNTER, FC.SERVER_ID, FC.DEVICE_ID})
    identity: Mapping[int, bytes] = MappingProxyType({0: b"hallbench", 1: b"SLAVE", 2: b"1.0"})
    server_id: bytes = b"hallbench"
    diagnostic_register: int = 0
    silent_until: int = 0
    unit: int = 0
    settings: LineSettings | None = None

    def holds(self, table: Table, start: int, count: int) -> bool:
        """Whether every address start .. start+count-1 of the table exists; if not the request gets exception 02."""
        return False

    def read(self, now: int, table: Table, start: int, count: int) -> Sequence[int]:
        """The `count` values from `start`, all of them held.

        Raises:
            ModbusException: 04 or 06 when they cannot be read now.
        """
        raise ModbusException(ExceptionCode.ILLEGAL_DATA_ADDRESS, f"{self.name} holds no {table.value}")

    def glance(self, now: int, table: Table, start: int, count: int) -> Sequence[int] | None:
        """What `read` would give at `now`, found out without leaving a trace; None when only reading can tell.

        A bench asks this to know the outcome of a poll that it need not play. It may ask for an instant that is still
        to come, when it knows that nothing happens to the slave before. A class that overrides `read` and not this
        is never asked.
        """
        return None

    def write(
        self, now: int, table: Table, start: int, values: Sequence[int], function: int, broadcast: bool
    ) -> Iterable[Effect]:
        """Take the values, all or none: validate everything, then change.

        Args:
            now: instant at which the request is executed.
            table: COILS or HOLDING.
            start: address of the first value; all addresses are held.
            values: what to write.
            function: the function code it came by (for registers that must be written together).
            broadcast: sent to all: what a slave does not accept by broadcast it ignores, returning ().

        Returns:
            Notes and alarms that follow from it.

        Raises:
            ModbusException: 02 (not writable), 03 (value), 04, 06; nothing was changed then.
        """
        raise ModbusException(ExceptionCode.ILLEGAL_DATA_ADDRESS, f"{self.name} has no writable {table.value}")

    def fifo(self, now: int, pointer: int) -> Sequence[int]:
        """The queue at a FIFO pointer address, oldest first, without clearing it (FC 0x18).

        More than 31 values make the station answer exception 03.

        Raises:
            ModbusException: 02 when there is no queue at this address.
        """
        raise ModbusException(ExceptionCode.ILLEGAL_DATA_ADDRESS, f"{self.name} has no queue at 0x{pointer:04X}")

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        """An alarm of this slave fell due; `tag` is the slave's own."""
        return ()

    def after_reply(self, now: int) -> Iterable[Effect]:
        """The reply to an accepted write is out, or the write was a broadcast: what had to wait for that happens now.

        Settings of the line, a reboot. Called only for slaves that override it.
        """
        return ()


def can_glance(slave: Slave) -> bool:
    """Whether a slave's `glance` speaks of its own `read`: neither its class nor the object reads in a newer way."""
    if "read" in vars(slave):
        return False
    for kind in type(slave).__mro__:
        if "glance" in vars(kind):
            return kind is not Slave
        if "read" in vars(kind):
            return False
    return False
