"""What a slave does for each function it serves: the range check, the slave's own work, the reply.

The request has been read by then (`protocol.modbus.pdu.REQUESTS`), so function and quantity are valid; here come
exception 02 for what is not held, and whatever the slave raises (protocols.md 1.2 [K]).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from struct import Struct, error
from types import MappingProxyType
from typing import Any

from firmware_sim.device import Effect
from firmware_sim.modbus_slave import Slave
from protocol.modbus.pdu import (
    FC,
    MAX_FIFO,
    MAX_READ_REGISTERS,
    ExceptionCode,
    MaskWrite,
    ModbusException,
    Plain,
    Read,
    ReadDeviceId,
    ReadFifo,
    ReadWrite,
    Table,
    Write,
    pack_bits,
)

Answer = tuple[bytes, Iterable[Effect]]
"""The reply's PDU (empty: silence) and what the request made happen."""

MAX_PDU = 253
_READ_REPLY = tuple(Struct(f">BB{n}H") for n in range(MAX_READ_REGISTERS + 1))
_FIFO_REPLY = tuple(Struct(f">BHH{n}H") for n in range(MAX_FIFO + 1))
_RUNNING = b"\xff"

_IDENTITY_HEAD = 7
MAX_TEXT = MAX_PDU - _IDENTITY_HEAD - 2
"""Longest identification object, or server id, that fits one reply."""
_BASIC_OBJECTS = (0, 1, 2)
_ONE_OBJECT = 4
_LAST_OBJECT: Mapping[int, int] = MappingProxyType({1: 0x02, 2: 0x7F, 3: 0xFF})
"""Read code and conformity level -> the last object it covers."""


def _held(slave: Slave, table: Table, start: int, count: int) -> None:
    if start + count > 0x10000 or not slave.holds(table, start, count):
        why = f"{slave.name} does not hold all of {table.value} {start}..{start + count - 1}"
        raise ModbusException(ExceptionCode.ILLEGAL_DATA_ADDRESS, why)


def _registers(slave: Slave, now: int, function: int, table: Table, start: int, count: int) -> bytes:
    values = slave.read(now, table, start, count)
    try:
        return _READ_REPLY[count].pack(function, 2 * count, *values)
    except error as wrong:
        raise ValueError(
            f"{slave.name}: read({table.value}, {start}, {count}) gave {list(values)}; "
            f"it must give {count} values of 0..65535"
        ) from wrong


def _read_registers(slave: Slave, now: int, pdu: bytes, request: Read, broadcast: bool) -> Answer:
    table, start, count = request
    _held(slave, table, start, count)
    return _registers(slave, now, pdu[0], table, start, count), ()


def _read_bits(slave: Slave, now: int, pdu: bytes, request: Read, broadcast: bool) -> Answer:
    table, start, count = request
    _held(slave, table, start, count)
    values = slave.read(now, table, start, count)
    if len(values) != count:
        raise ValueError(f"{slave.name}: read({table.value}, {start}, {count}) gave {len(values)} values")
    data = pack_bits(values)
    return bytes((pdu[0], len(data))) + data, ()


def _write_one(slave: Slave, now: int, pdu: bytes, request: Write, broadcast: bool) -> Answer:
    table, start, values = request
    _held(slave, table, start, 1)
    return pdu, slave.write(now, table, start, values, pdu[0], broadcast)


def _write_many(slave: Slave, now: int, pdu: bytes, request: Write, broadcast: bool) -> Answer:
    table, start, values = request
    _held(slave, table, start, len(values))
    return pdu[:5], slave.write(now, table, start, values, pdu[0], broadcast)


def _mask_write(slave: Slave, now: int, pdu: bytes, request: MaskWrite, broadcast: bool) -> Answer:
    address, and_mask, or_mask = request
    _held(slave, Table.HOLDING, address, 1)
    (value,) = slave.read(now, Table.HOLDING, address, 1)
    masked = value & and_mask | or_mask & ~and_mask
    return pdu, slave.write(now, Table.HOLDING, address, (masked,), pdu[0], broadcast)


def _read_write(slave: Slave, now: int, pdu: bytes, request: ReadWrite, broadcast: bool) -> Answer:
    start, count, write_start, values = request
    _held(slave, Table.HOLDING, start, count)
    _held(slave, Table.HOLDING, write_start, len(values))
    effects = slave.write(now, Table.HOLDING, write_start, values, pdu[0], broadcast)
    return _registers(slave, now, pdu[0], Table.HOLDING, start, count), effects


def _read_fifo(slave: Slave, now: int, pdu: bytes, request: ReadFifo, broadcast: bool) -> Answer:
    values = slave.fifo(now, request.pointer)
    count = len(values)
    if count > MAX_FIFO:
        raise ModbusException(ExceptionCode.ILLEGAL_DATA_VALUE, f"{count} values wait, a reply takes {MAX_FIFO}")
    return _FIFO_REPLY[count].pack(pdu[0], 2 * count + 2, count, *values), ()


def _server_id(slave: Slave, now: int, pdu: bytes, request: Plain, broadcast: bool) -> Answer:
    data = slave.server_id + _RUNNING
    return bytes((pdu[0], len(data))) + data, ()


def _device_id(slave: Slave, now: int, pdu: bytes, request: ReadDeviceId, broadcast: bool) -> Answer:
    identity = slave.identity
    code, first = request
    if code == _ONE_OBJECT:
        if first not in identity:
            why = f"{slave.name} has no identification object {first:02X}"
            raise ModbusException(ExceptionCode.ILLEGAL_DATA_ADDRESS, why)
        chosen = [first]
    else:
        chosen = [number for number in sorted(identity) if number <= _LAST_OBJECT[code]]
        if first in chosen:  # an unknown one means "from the beginning"
            chosen = chosen[chosen.index(first) :]
    body, count = b"", 0
    for number in chosen:
        text = identity[number]
        if _IDENTITY_HEAD + len(body) + 2 + len(text) > MAX_PDU:
            break
        body += bytes((number, len(text))) + text
        count += 1
    more = count < len(chosen)
    level = 0x80 | next(level for level, last in _LAST_OBJECT.items() if max(identity) <= last)
    head = (pdu[0], pdu[1], code, level, 0xFF if more else 0, chosen[count] if more else 0, count)
    return bytes(head) + body, ()


WORK: Mapping[int, Callable[[Slave, int, bytes, Any, bool], Answer]] = MappingProxyType(
    {
        FC.READ_COILS: _read_bits,
        FC.READ_DISCRETES: _read_bits,
        FC.READ_HOLDING: _read_registers,
        FC.READ_INPUTS: _read_registers,
        FC.WRITE_COIL: _write_one,
        FC.WRITE_REGISTER: _write_one,
        FC.WRITE_COILS: _write_many,
        FC.WRITE_REGISTERS: _write_many,
        FC.SERVER_ID: _server_id,
        FC.MASK_WRITE: _mask_write,
        FC.READ_WRITE: _read_write,
        FC.READ_FIFO: _read_fifo,
        FC.DEVICE_ID: _device_id,
    }
)
"""Function -> (slave, now, pdu, request as read, broadcast) -> `Answer`; `ModbusException` is the refusal.

FC 0x08 and 0x0B are missing: they speak of the communication itself (`firmware_sim.modbus_server`).
"""


def check(slave: Slave, functions: Iterable[int]) -> None:
    """Refuse a slave that could not answer what it says it supports; ValueError says what is wrong."""
    unknown = sorted(slave.functions - set(functions))
    if unknown:
        names = ", ".join(f"0x{function:02X}" for function in unknown)
        served = ", ".join(f"0x{function:02X}" for function in sorted(functions))
        raise ValueError(f"{slave.name}: FC {names} cannot be served here; these can: {served}")
    if FC.DEVICE_ID in slave.functions:
        missing = [number for number in _BASIC_OBJECTS if number not in slave.identity]
        if missing:
            raise ValueError(f"{slave.name}: identification needs objects 0, 1 and 2; {missing} missing")
        for number, text in slave.identity.items():
            if not 0 <= number <= 0xFF or len(text) > MAX_TEXT:
                raise ValueError(f"{slave.name}: identification object {number} does not fit one reply: {text!r}")
    if len(slave.server_id) > MAX_TEXT:
        raise ValueError(f"{slave.name}: a server id of {len(slave.server_id)} characters does not fit one reply")
