"""The bench of a Modbus RTU device case: ask, read a reply strictly, probe that the device lives.

The probe draws a nonce into the scratch register and reads it back, or reads a range of drawn length where nothing may
be written: a device that replays, echoes or repeats itself does not pass it (conformance.md 3.5, ND-3 to ND-7).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TypeAlias

from bench.compliance.case import Bench, Failed, Lost, frames_text
from bench.compliance.steps import Ask, Heard, Step
from firmware_sim.burst import LineSettings
from firmware_sim.device import MS
from protocol.checks import crc16_modbus
from protocol.modbus.pdu import FC, MAX_READ_BITS, MAX_READ_REGISTERS, unpack_bits, unpack_registers
from protocol.modbus.rtu import is_sound, reply_length, seal, t15, t35

__all__ = ["UNASSIGNED", "ModbusBench", "Reply"]

_GLITCH = frozenset(b"\x00\xff")
_READS = {"coils": 1, "discretes": 2, "holding": 3, "inputs": 4}
UNASSIGNED = (0x09, 0x0A, 0x0D, 0x0E, 0x12, 0x13, 0x19, 0x42, 0x63, 0x7D)
"""Functions that no document gives a meaning to."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A sound reply from the right unit to the function asked.

    Args:
        heard: what it was.
        pdu: function and data.
    """

    heard: Heard
    pdu: bytes

    @property
    def exception(self) -> int:
        """Exception code; 0 for a normal reply."""
        return self.pdu[1] if self.pdu[0] & 0x80 and len(self.pdu) == 2 else 0


Talk: TypeAlias = Generator[Step, Heard, Heard]
Answer: TypeAlias = Generator[Step, Heard, Reply]


def complete(data: bytes) -> bool:
    """Whether a sound reply has come, as far as its length can be told."""
    length = reply_length(data)
    return length is not None and len(data) >= length and is_sound(data)


@dataclass
class ModbusBench(Bench):
    """`Bench` with Modbus RTU on a line of `settings`; `neighbours` are addresses of other devices on it."""

    settings: LineSettings = field(default_factory=LineSettings)
    neighbours: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self.t15 = t15(self.settings.baud, self.settings.char_bits)
        self.t35 = t35(self.settings.baud, self.settings.char_bits)
        self.timeout = self.declaration.timeout
        self.tail: int | None = None
        self.quiet = max(2 * self.t35, 10 * MS)

    # -- saying ---------------------------------------------------------------------------------------------------
    def frame(self, *parts: tuple[int, bytes], note: str = "", reply: bool = True) -> Talk:
        """Send raw parts and listen for as long as a reply may take."""
        window = self.timeout if reply else max(self.timeout, 5 * self.t35)
        heard = yield Ask(parts, window, complete if reply else None, note, self.quiet, self.tail)
        return heard

    def raw(self, data: bytes, note: str = "", reply: bool = True) -> Talk:
        """Send characters as they are."""
        heard = yield from self.frame((0, data), note=note, reply=reply)
        return heard

    def say(self, pdu: bytes, unit: int | None = None, note: str = "", reply: bool = True) -> Talk:
        """Send a PDU in a good frame."""
        body = bytes((self.unit if unit is None else unit,)) + pdu
        heard = yield from self.raw(seal(body), note, reply)
        return heard

    def ask(self, pdu: bytes, note: str = "") -> Answer:
        """Send a request and read a sound reply to it; anything else loses the premise."""
        heard = yield from self.say(pdu, note=note)
        return self.reply(heard, pdu)

    def reply(self, heard: Heard, pdu: bytes) -> Reply:
        """What was heard, as reply to a request.

        Raises:
            Lost: silence, a frame that is not sound, another unit, another function.
        """
        data = heard.data
        if not data:
            raise Lost(f"no reply to {pdu.hex(' ').upper()} within {self.timeout / 1e6:g} ms", heard)
        if not is_sound(data) and data[0] in _GLITCH and is_sound(data[1:]):
            data = data[1:]  # a driver that is switched on may make one character
        if not is_sound(data):
            raise Lost(f"the reply to {pdu.hex(' ').upper()} is no sound frame: {frames_text(heard.frames)}", heard)
        if data[0] != self.unit:
            raise Lost(f"the reply names unit {data[0]}, the request was for {self.unit}", heard, (0, 1))
        if data[1] & 0x7F != pdu[0] or (data[1] & 0x80 and len(data) != 5):
            raise Lost(f"no reply to function 0x{pdu[0]:02X}: {frames_text(heard.frames)}", heard, (1, 2))
        return Reply(heard, data[1:-2])

    def wrong_check(self) -> Generator[Step, Heard, Heard | None]:
        """A reply of which nothing but the check is wrong; None when there is none, three times of three.

        What a device says to a function that nobody has is known but for its check, and what it says to a write of one
        register. The collision of two devices, or noise, spoils other characters too.
        """
        free = self.rng.sample([code for code in UNASSIGNED if code not in self.declaration.functions], 3)
        heard = yield from self._three(*(bytes((code,)) + _words(*self.draw(2)) for code in free))
        if heard is None and self.declaration.facts().get("sw06"):
            start, _ = self.declaration.scratch
            first, *writes = (b"\x06" + _words(start, *self.draw()) for _ in range(4))
            yield from self.say(first, note="a device that lost its place at the unknown function is in step again")
            heard = yield from self._three(*writes)
        return heard

    def _three(self, *pdus: bytes) -> Generator[Step, Heard, Heard | None]:
        heard = None
        for pdu in pdus:
            heard = yield from self.say(pdu, note="the reply is known but for its check")
            said, data = heard.data[:-2], heard.data
            refusal = len(said) == 3 and said[1] & 0x7F == pdu[0] and 1 <= said[2] <= 0x0B
            if said[:1] != bytes((self.unit,)) or is_sound(data) or not (refusal or said[1:] == pdu):
                return None
        return heard

    # -- judging --------------------------------------------------------------------------------------------------
    def good(self, pdu: bytes, note: str = "") -> Answer:
        """A request that must be carried out; its normal reply is a witness.

        Raises:
            Lost: no sound reply, or an exception.
        """
        reply = yield from self.ask(pdu, note)
        if reply.exception or reply.pdu[0] != pdu[0]:
            raise Lost(
                f"exception {reply.exception:02X} to a request it should take: {pdu.hex(' ').upper()}", reply.heard
            )
        self.saw(reply.heard)
        return reply

    def refused(self, pdu: bytes, *codes: int, what: str) -> Answer:
        """A request that must draw one of these exceptions.

        Raises:
            Failed: silence, a normal reply, another exception.
        """
        heard = yield from self.say(pdu)
        wanted = " or ".join(f"{code:02X}" for code in codes)
        if not heard.data:  # it answered the probe before the case
            raise Failed(f"{what}: silence, exception {wanted} expected")
        reply = self.reply(heard, pdu)
        self.must_be_formed(reply, pdu)
        if reply.pdu[0] != pdu[0] | 0x80:
            raise Failed(f"{what}: a normal reply {frames_text(heard.frames)}, exception {wanted} expected", heard)
        if reply.exception not in codes:
            raise Failed(f"{what}: exception {reply.exception:02X}, {wanted} expected", heard, (2, 3))
        self.saw(heard)
        return reply

    def must_be_formed(self, reply: Reply, pdu: bytes) -> None:
        """A refusal without the highest bit of its function is another case's business.

        Raises:
            Lost: it is one.
        """
        if len(reply.pdu) == 2 and reply.pdu[0] == pdu[0] and 1 <= reply.pdu[1] <= 0x0B:
            raise Lost(
                f"something like an exception, without its highest bit: {frames_text(reply.heard.frames)}", reply.heard
            )

    def echoed(self, pdu: bytes, size: int, what: str) -> Answer:
        """A write whose reply must repeat the request's first characters.

        Raises:
            Failed: it does not.
        """
        reply = yield from self.good(pdu)
        if reply.pdu != pdu[:size]:
            said, wanted = reply.pdu.hex(" ").upper(), pdu[:size].hex(" ").upper()
            raise Failed(f"{what}: the reply says {said}, {wanted} expected", reply.heard)
        return reply

    # -- registers ------------------------------------------------------------------------------------------------
    def registers(self, start: int, count: int, code: int = FC.READ_HOLDING) -> Generator[Step, Heard, tuple[int, ...]]:
        """Read registers; a reply of another length loses the premise.

        Raises:
            Lost: no sound reply, an exception, or another number of registers.
        """
        reply = yield from self.good(bytes((code,)) + _words(start, count))
        if len(reply.pdu) != 2 + 2 * count or reply.pdu[1] != 2 * count:
            raise Lost(f"{count} registers asked, the reply is {frames_text(reply.heard.frames)}", reply.heard, (2, 3))
        return unpack_registers(reply.pdu[2:])

    def bits(self, start: int, count: int, code: int = FC.READ_COILS) -> Generator[Step, Heard, tuple[int, ...]]:
        """Read bits; a reply of another length loses the premise.

        Raises:
            Lost: no sound reply, an exception, or another number of bits.
        """
        reply = yield from self.good(bytes((code,)) + _words(start, count))
        size = (count + 7) // 8
        if len(reply.pdu) != 2 + size or reply.pdu[1] != size:
            raise Lost(f"{count} bits asked, the reply is {frames_text(reply.heard.frames)}", reply.heard, (2, 3))
        return unpack_bits(reply.pdu[2:], count)

    def put(self, address: int, *values: int) -> Generator[Step, Heard, None]:
        """Write registers by whichever function the device has."""
        functions = self.declaration.functions
        if len(values) == 1 and FC.WRITE_REGISTER in functions:
            yield from self.good(b"\x06" + _words(address, values[0]))
        else:
            yield from self.good(write_many(address, values))

    def holds(self, address: int, wanted: tuple[int, ...], what: str) -> Generator[Step, Heard, None]:
        """The registers must hold these values.

        Raises:
            Failed: they do not.
        """
        reply = yield from self.good(b"\x03" + _words(address, len(wanted)))
        if len(reply.pdu) != 2 + 2 * len(wanted):
            raise Lost(f"{len(wanted)} registers asked, the reply has another length", reply.heard)
        found = unpack_registers(reply.pdu[2:])
        if found != wanted:
            said = " ".join(f"{word:04X}" for word in found)
            raise Failed(
                f"{what}: 0x{address:04X} reads {said}, {' '.join(f'{word:04X}' for word in wanted)} expected",
                reply.heard,
                (3, len(reply.heard.frames[0].data) - 2),
            )

    def draw(self, count: int = 1) -> tuple[int, ...]:
        """Register values that are neither small, nor equal, nor the same backwards."""
        return tuple(self.rng.randrange(1, 0x80) << 8 | self.rng.randrange(0x80, 0x100) for _ in range(count))

    def stranger(self) -> int:
        """A drawn address that nobody on the line has."""
        return self.rng.choice([unit for unit in range(1, 248) if unit != self.unit and unit not in self.neighbours])

    # -- life -----------------------------------------------------------------------------------------------------
    def probe(self) -> Generator[Step, Heard, None]:
        """Ask for something fresh.

        Raises:
            Lost: the device does not answer as one that lives.
        """
        declared = self.declaration
        start, count = declared.scratch
        if count and FC.READ_HOLDING in declared.functions:
            address = start + self.rng.randrange(count)
            (value,) = self.draw()
            yield from self.put(address, value)
            (found,) = yield from self.registers(address, 1)
            if found != value:
                raise Lost(f"the probe wrote {value:04X} to 0x{address:04X} and reads {found:04X}")
            return
        yield from self._probe_by_length()

    def _probe_by_length(self) -> Generator[Step, Heard, None]:
        tables = [(name, run) for name, runs in sorted(self.declaration.map.items()) for run in runs]
        if not tables:
            raise Lost("the declaration names nothing that can be read: whether the device lives cannot be told")
        if FC.DIAGNOSTICS in self.declaration.functions:
            nonce = b"\x08" + _words(0, *self.draw())
            reply = yield from self.good(nonce)
            if reply.pdu != nonce:
                raise Lost("the probe's loopback came back changed", reply.heard)
        for _ in range(3):
            table, (start, count) = self.rng.choice(tables)
            code = _READS[table]
            most = MAX_READ_BITS if code in (1, 2) else MAX_READ_REGISTERS
            first = start + self.rng.randrange(count)
            size = self.rng.randint(1, min(start + count - first, most))
            read = self.bits if code in (1, 2) else self.registers
            yield from read(first, size, code)

    @property
    def hush(self) -> int:
        """Twice the silence that ends a frame, at the least."""
        return max(super().hush, 2 * self.t35)


def _words(*values: int) -> bytes:
    return b"".join((value & 0xFFFF).to_bytes(2, "big") for value in values)


words = _words


def write_many(address: int, values: tuple[int, ...]) -> bytes:
    """PDU of FC 0x10."""
    return b"\x10" + _words(address, len(values)) + bytes((2 * len(values),)) + _words(*values)


def crc_from_zero(body: bytes) -> bytes:
    """A frame whose CRC began at 0 instead of 0xFFFF."""
    return body + crc16_modbus(body, 0).to_bytes(2, "little")
