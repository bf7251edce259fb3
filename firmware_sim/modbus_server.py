"""One slave's communication: supported or not, listening only or not, and counters that tell the truth.

What the counters of FC 0x08 count follows MODBUS over Serial Line V1.02, appendix A, and the Application Protocol 6.8
[K]; exceptions are counted when they are sent (protocols.md 1.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from firmware_sim.modbus_slave import Slave, can_glance
from firmware_sim.modbus_work import WORK, Answer, check
from protocol.modbus.pdu import (
    BROADCASTABLE,
    FC,
    REQUESTS,
    SUB_CLEAR,
    SUB_CLEAR_OVERRUN,
    SUB_LISTEN_ONLY,
    SUB_LOOPBACK,
    SUB_REGISTER,
    SUB_RESTART,
    Diagnose,
    ExceptionCode,
    ModbusException,
)

SILENT: Answer = (b"", ())


class Heard:
    """What every listener of a line hears alike: sound messages, and frames that are none. Totals that only grow."""

    __slots__ = ("errors", "messages")

    def __init__(self) -> None:
        self.messages = 0
        self.errors = 0


class Server:
    """A slave with the state of its communication.

    Bus messages and communication errors are counted once for the line, in `heard`; each server remembers where they
    stood when its own count began, and how many of the messages were its own replies, which it cannot hear.

    Args:
        slave: what the server serves.
        place: its number on the line.
        heard: the line's totals.

    Attributes:
        unit: the address it is filed under.
        boots: the slave's `silent_until` as last seen.
        waits_for_reply: the slave does something after the reply to a write.
        listen_only: FC 0x08/0x04 came; only 0x08/0x01 ends it.
        replies: messages of its own.
        events: FC 0x0B: requests completed without exception.
        addressed: messages to it or to all that it processed.
        unanswered: of the messages to it or to all, those it left without any reply.
        exceptions: exceptions it sent; `negative` and `busy` of them with code 07 and 06.
        overruns: messages to it lost by a character overrun.
        refuses: exception code that everything is answered with, before anything is carried out; 0 for none (a fault).
    """

    __slots__ = (
        "_errors_before",
        "_messages_before",
        "addressed",
        "boots",
        "busy",
        "events",
        "exceptions",
        "heard",
        "listen_only",
        "negative",
        "overruns",
        "place",
        "refuses",
        "replies",
        "slave",
        "unanswered",
        "unit",
        "waits_for_reply",
    )

    def __init__(self, slave: Slave, place: int, heard: Heard) -> None:
        check(slave, FUNCTIONS)
        self.slave = slave
        self.unit = slave.unit
        self.place = place
        self.heard = heard
        self.boots = 0
        self.refuses = 0
        self.waits_for_reply = type(slave).after_reply is not Slave.after_reply
        self.power_up()

    def power_up(self) -> None:
        """The slave listens from now on: counters at zero, not in listen-only mode."""
        self.clear()
        self.listen_only = False

    def clear(self) -> None:
        """Set every counter to zero."""
        self._messages_before = self.heard.messages
        self._errors_before = self.heard.errors
        self.replies = self.events = self.addressed = self.unanswered = 0
        self.exceptions = self.negative = self.busy = self.overruns = 0

    @property
    def glances(self) -> bool:
        """Whether the slave can tell beforehand what a read will give."""
        return can_glance(self.slave)

    @property
    def bus_messages(self) -> int:
        """Sound messages heard, whoever they were for; not its own replies."""
        return self.heard.messages - self._messages_before - self.replies

    @property
    def bus_errors(self) -> int:
        """Frames heard that were none: CRC, damaged characters, holes, too short, too long."""
        return self.heard.errors - self._errors_before

    def answer(self, now: int, pdu: bytes, broadcast: bool) -> Answer:
        """Carry out a request that reached this server.

        Args:
            now: instant, ns.
            pdu: function and data of a sound frame, at least one character.
            broadcast: it was for all: no reply whatever happens, exceptions included.
        """
        function = pdu[0]
        if self.listen_only:
            self._monitor(pdu)
            return SILENT
        if function & 0x80 or (broadcast and function not in BROADCASTABLE):
            self.unanswered += 1  # the exception reply of a twin, or a broadcast of what needs an answer
            return SILENT
        self.addressed += 1
        if self.refuses:
            return self._refuse(function, self.refuses, broadcast)
        try:
            answer = self._work(function, now, pdu, broadcast)
        except ModbusException as refusal:
            return self._refuse(function, refusal.code, broadcast)
        if function != FC.EVENT_COUNTER:
            self.events += 1
        if broadcast:
            answer = b"", answer[1]
        if answer[0]:
            self.replies += 1
        else:
            self.unanswered += 1
        return answer

    def _work(self, function: int, now: int, pdu: bytes, broadcast: bool) -> Answer:
        if function not in self.slave.functions:
            raise ModbusException(ExceptionCode.ILLEGAL_FUNCTION, f"{self.slave.name} has no FC 0x{function:02X}")
        request = REQUESTS[function](pdu)
        work = WORK.get(function)
        if work is not None:
            return work(self.slave, now, pdu, request, broadcast)
        if isinstance(request, Diagnose):
            data = _DIAGNOSES[request.sub](self, request.data)
            return SILENT if data is None else (pdu[:3] + data, ())
        # FC 0x0B: the status word is 0000, there are no program commands that could still be at work
        return bytes((function, 0, 0)) + _word(self.events), ()

    def _refuse(self, function: int, code: int, broadcast: bool) -> Answer:
        if broadcast:
            self.unanswered += 1
            return SILENT
        self.exceptions += 1
        self.negative += code == ExceptionCode.NEGATIVE_ACKNOWLEDGE
        self.busy += code == ExceptionCode.SERVER_DEVICE_BUSY
        self.replies += 1
        return bytes((function | 0x80, code)), ()

    def _monitor(self, pdu: bytes) -> None:
        """In listen-only mode one request has an effect, FC 0x08/0x01, and none has a reply."""
        self.unanswered += 1
        if pdu[0] == FC.DIAGNOSTICS and pdu[1:] in _RESTARTS:
            self.power_up()


def _word(value: int) -> bytes:
    return (value & 0xFFFF).to_bytes(2, "big")


def _restart(server: Server, data: bytes) -> bytes:
    server.clear()
    server.events = -1  # this message is counted when it is complete: the count goes on from 0
    return data


def _clear(server: Server, data: bytes) -> bytes:
    server.slave.diagnostic_register = 0
    return _restart(server, data)


def _listen_only(server: Server, data: bytes) -> None:
    server.listen_only = True


def _clear_overruns(server: Server, data: bytes) -> bytes:
    server.overruns = 0
    return data


_RESTARTS = frozenset({b"\x00\x01\x00\x00", b"\x00\x01\xff\x00"})
_DIAGNOSES: Mapping[int, Callable[[Server, bytes], bytes | None]] = MappingProxyType(
    {
        SUB_LOOPBACK: lambda server, data: data,
        SUB_RESTART: _restart,
        SUB_REGISTER: lambda server, data: _word(server.slave.diagnostic_register),
        SUB_LISTEN_ONLY: _listen_only,
        SUB_CLEAR: _clear,
        0x0B: lambda server, data: _word(server.bus_messages),
        0x0C: lambda server, data: _word(server.bus_errors),
        0x0D: lambda server, data: _word(server.exceptions),
        0x0E: lambda server, data: _word(server.addressed),
        0x0F: lambda server, data: _word(server.unanswered),
        0x10: lambda server, data: _word(server.negative),
        0x11: lambda server, data: _word(server.busy),
        0x12: lambda server, data: _word(server.overruns),
        SUB_CLEAR_OVERRUN: _clear_overruns,
    }
)
"""FC 0x08 sub-function -> what it does, and the data of its reply (None: silence)."""

FUNCTIONS: frozenset[int] = frozenset(WORK) | {FC.DIAGNOSTICS, FC.EVENT_COUNTER}
"""Every function a slave may say it supports."""
