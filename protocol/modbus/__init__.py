"""Modbus RTU: framing (`rtu`), messages (`pdu`), the master's side (`requests`), the reader's side (`explain`)."""

from protocol.modbus.pdu import FC, ExceptionCode, ModbusException, Table

__all__ = ["FC", "ExceptionCode", "ModbusException", "Table"]
