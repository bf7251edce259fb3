"""Modbus TCP framing: the MBAP header in front of a PDU, cut out of a stream however that comes in pieces.

Header = transaction(2) protocol(2, always 0) length(2) unit(1), big-endian; length counts the unit and the PDU, so 2 to
254; there is no CRC. Source: MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3 [K]; protocols.md 1.1.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

HEADER = 7
MAX_PDU = 253
MIN_LENGTH, MAX_LENGTH = 2, 1 + MAX_PDU
"""Of the header's length field: the unit and at least a function code, at most a whole PDU."""

_HEADER = Struct(">HHHB")


class Message(NamedTuple):
    """One request or reply.

    Attributes:
        transaction: 0..65535, which the server gives back unchanged.
        unit: the slave behind a gateway, 0..255.
        pdu: function and data, 1..253 bytes.
    """

    transaction: int
    unit: int
    pdu: bytes


def encode(message: Message) -> bytes:
    """The message as it goes on the stream.

    Raises:
        ValueError: a field is outside its range.
    """
    transaction, unit, pdu = message
    if not (0 <= transaction <= 0xFFFF and 0 <= unit <= 0xFF and 1 <= len(pdu) <= MAX_PDU):
        raise ValueError(
            f"an MBAP message has a transaction of 0..65535, a unit of 0..255 and a PDU of 1..{MAX_PDU} bytes, "
            f"not {transaction}, {unit} and {len(pdu)} bytes"
        )
    return _HEADER.pack(transaction, 0, len(pdu) + 1, unit) + pdu


class Splitter:
    """Cuts messages out of a stream.

    Nothing in the stream marks a beginning, so after one wrong header it cannot be followed any more: `broken` says
    why, what comes then is ignored, and the connection is to be closed. At most one message is ever kept.
    """

    __slots__ = ("_buffer", "broken")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.broken: str | None = None

    def push(self, data: bytes) -> list[Message]:
        """Take in what came, and return the messages that are now whole, in order."""
        found: list[Message] = []
        if self.broken is not None:
            return found
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= HEADER:
            transaction, protocol, length, unit = _HEADER.unpack_from(buffer, at)
            if protocol != 0:
                self.broken = f"protocol identifier {protocol}: Modbus has 0"
            elif not MIN_LENGTH <= length <= MAX_LENGTH:
                self.broken = f"length {length}: a message has {MIN_LENGTH}..{MAX_LENGTH}"
            if self.broken is not None:
                buffer.clear()
                return found
            end = at + HEADER - 1 + length
            if len(buffer) < end:
                break
            found.append(Message(transaction, unit, bytes(buffer[at + HEADER : end])))
            at = end
        del buffer[:at]
        return found

    @property
    def pending(self) -> int:
        """Bytes of a message that is not whole yet."""
        return len(self._buffer)
