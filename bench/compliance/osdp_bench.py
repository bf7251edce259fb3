"""The bench of an OSDP device's case: packets, the sequence number, a probe of drawn commands.

The probe begins anew with sequence 0 and asks a drawn row of questions with drawn kinds of check. Each reply must be of
the kind asked, with the sequence, the check and the address of its command: no echo, recording or constant reply is.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from bench.compliance.case import Bench, Failed, Lost, frames_text
from bench.compliance.steps import Ask, Heard, Step, Wait
from firmware_sim.burst import LineSettings
from firmware_sim.device import MS
from protocol import osdp
from protocol.osdp import Answer, Bad, Command, Packet, Reader

__all__ = ["OsdpBench", "packets"]

_QUIET: Final = 30 * MS
"""Longer than the pause that breaks a packet off."""

_KINDS: Final = {
    Command.ID: frozenset({Answer.PDID}),
    Command.CAP: frozenset({Answer.PDCAP}),
    Command.LSTAT: frozenset({Answer.LSTATR}),
    Command.POLL: frozenset({Answer.ACK, Answer.KEYPAD, Answer.LSTATR}),
}
_MOST: Final = 64

Talk: TypeAlias = Generator[Step, Heard, Heard]
Doing: TypeAlias = Generator[Step, Heard, None]
Answered: TypeAlias = Generator[Step, Heard, Packet]


def packets(data: bytes) -> list[Packet | Bad]:
    """What characters make, the line silent after them."""
    reader = Reader()
    return [*reader.feed(data), *reader.gap()]


def _whole(data: bytes) -> bool:
    return any(isinstance(item, Packet) for item in Reader().feed(data))


@dataclass
class OsdpBench(Bench):
    """`Bench` with OSDP on a line of `settings`; `neighbours` are addresses of others on it.

    Attributes:
        next: sequence number of the next command.
        heard: what the last command drew.
    """

    settings: LineSettings = field(default_factory=LineSettings)
    neighbours: frozenset[int] = frozenset()
    next: int = 0
    heard: Heard = field(default_factory=Heard)

    def __post_init__(self) -> None:
        self.timeout = self.declaration.timeout

    # -- saying -------------------------------------------------------------------------------------------------------
    def raw(self, data: bytes, note: str = "", reply: bool = True, window: int = 0) -> Talk:
        """Send characters as they are."""
        complete = _whole if reply else None
        heard = yield Ask(((0, data),), window or 2 * self.timeout, complete, note, _QUIET)
        self.heard = heard
        return heard

    def packet(self, code: int, data: bytes = b"", crc: bool = True) -> Packet:
        """The next command."""
        return Packet(self.unit, False, self.next, crc, code, data)

    def say(self, packet: Packet, mark: bool = False) -> Answered:
        """Send a command and read its reply; the sequence goes on.

        Raises:
            Lost: no sound reply to it.
        """
        heard = yield from self.raw(packet.wire(mark=mark))
        reply = self.reply(heard, packet)
        self.next = packet.sequence % 3 + 1
        return reply

    def ask(self, code: int, data: bytes = b"", crc: bool = True) -> Answered:
        """A command, and its reply."""
        reply = yield from self.say(self.packet(code, data, crc))
        return reply

    def good(self, code: int, *wanted: int, data: bytes = b"", crc: bool = True) -> Answered:
        """A command that must draw one of these replies; it is a witness.

        Raises:
            Lost: it draws another.
        """
        reply = yield from self.ask(code, data, crc)
        if reply.code not in (wanted or _KINDS[Command(code)]):
            raise Lost(f"command {code:02X} draws {reply.code:02X}: {frames_text(self.heard.frames)}", self.heard)
        self.saw(self.heard)
        return reply

    def reply(self, heard: Heard, sent: Packet) -> Packet:
        """What was heard, as reply to a command.

        Raises:
            Lost: silence, no sound packet, another's address, sequence or check.
        """
        found = packets(heard.data)
        if not heard.data:
            raise Lost(f"no reply to command {sent.code:02X} within {2 * self.timeout / MS:g} ms", heard)
        if len(found) != 1 or not isinstance(found[0], Packet):
            raise Lost(f"the reply to {sent.code:02X} is no sound packet: {frames_text(heard.frames)}", heard)
        reply = found[0]
        if not reply.reply or reply.address != sent.address:
            raise Lost(f"the reply is not from address {sent.address}: {frames_text(heard.frames)}", heard)
        if (reply.sequence, reply.crc) != (sent.sequence, sent.crc):
            raise Lost(f"the reply is not of this command's sequence and check: {frames_text(heard.frames)}", heard)
        return reply

    def refused(self, packet: Packet, *reasons: int, what: str) -> Answered:
        """A command that must draw a NAK of one of these reasons.

        Raises:
            Failed: it draws something else, or nothing.
        """
        heard = yield from self.raw(packet.wire())
        wanted = " or ".join(str(int(reason)) for reason in reasons)
        if not heard.data:
            raise Failed(f"{what}: silence, NAK {wanted} expected")
        reply = self.reply(heard, packet)
        if reply.code != Answer.NAK:
            raise Failed(f"{what}: reply {reply.code:02X}, NAK {wanted} expected", heard)
        if not reply.data or reply.data[0] not in reasons:
            raise Failed(f"{what}: NAK {reply.data[:1].hex() or 'without a reason'}, {wanted} expected", heard)
        self.saw(heard)
        return reply

    # -- dialogue -----------------------------------------------------------------------------------------------------
    def begin(self) -> Doing:
        """Sequence 0, and nothing that waits to be told.

        Raises:
            Lost: a poll draws no good reply, or there is no end to the news.
        """
        self.next = 0
        for _ in range(_MOST):
            reply = yield from self.good(Command.POLL)
            if reply.code == Answer.ACK:
                return
        raise Lost(f"{_MOST} polls, and there is still news")

    def keys(self) -> Generator[Step, Heard, bytes]:
        """The keys that polls tell, until there are no more.

        Raises:
            Lost: a poll draws no good reply, or there is no end to the keys.
        """
        told = b""
        for _ in range(_MOST):
            reply = yield from self.good(Command.POLL)
            if reply.code == Answer.ACK:
                return told
            if reply.code == Answer.KEYPAD:
                told += reply.data[2:]
        raise Lost(f"{_MOST} polls, and there are still keys")

    def press(self, key: str) -> Doing:
        """A key is pressed once."""
        yield from self.operator("press", key, text=f"press key {key} once")
        heard = yield Wait(150 * MS, "the key is up again")
        self.heard = heard

    def stranger(self) -> int:
        """A drawn address that nobody on the line has."""
        return self.rng.choice([n for n in range(osdp.BROADCAST) if n != self.unit and n not in self.neighbours])

    def key(self) -> str:
        """A drawn digit."""
        return str(self.rng.randint(0, 9))

    # -- life ---------------------------------------------------------------------------------------------------------
    def checks(self) -> list[bool]:
        """Kinds of check that it has: True for the CRC."""
        facts = self.declaration.facts()
        return [crc for crc, name in ((True, "crc"), (False, "checksum")) if facts.get(name)] or [True]

    def probe(self) -> Doing:
        """Drawn questions, each with the kind of reply that it must have.

        Raises:
            Lost: the device does not answer as one that lives.
        """
        self.next = 0
        for _ in range(4):  # 0, 1, 2, 3: what comes after 3 is a case's business
            yield from self.good(self.rng.choice(tuple(_KINDS)), crc=self.rng.choice(self.checks()))
