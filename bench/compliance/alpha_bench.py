"""The bench of an Alpha sign's case: write, read back, take a reply apart, probe that the sign lives.

The probe writes a drawn text to TEXT file A and reads it back: a reply has the type code of a response, so an echo is
none, and a recording has another text (protocols.md 2.2 [S]). Packets go without checksums unless a case is about them.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from bench.compliance.case import Failed, Lost, frames_text
from bench.compliance.steps import Ask, Heard, Step, Wait
from bench.compliance.stream_bench import Doing, StreamBench
from firmware_sim.device import MS
from protocol.alpha import codes, write
from protocol.alpha.memory import Entry, string_file, text_file
from protocol.alpha.packet import Answer, Command, Event, Receiver, Started, packet

__all__ = ["NULS", "PAUSE", "AlphaBench", "Got"]

NULS: Final = 10
"""Before each packet; five are the least."""
PAUSE: Final = 120 * MS
_LETTERS: Final = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class Got:
    """What came back.

    Args:
        heard: the bursts.
        events: taken apart as a host does.
    """

    heard: Heard
    events: tuple[Event, ...]

    @property
    def command(self) -> Command | None:
        """The command of a reply packet."""
        return next((event for event in self.events if isinstance(event, Command)), None)

    @property
    def answer(self) -> Answer | None:
        """ACK or NAK."""
        return next((event for event in self.events if isinstance(event, Answer)), None)

    @property
    def started(self) -> Started | None:
        """Header of a reply packet."""
        return next((event for event in self.events if isinstance(event, Started)), None)

    @property
    def text(self) -> str:
        """The characters for a sentence."""
        return frames_text(self.heard.frames)


Talked: TypeAlias = Generator[Step, Heard, Got]


def taken(heard: Heard) -> Got:
    """What was heard, taken apart."""
    return Got(heard, tuple(Receiver(host=True).feed(heard.data)))


def complete(data: bytes) -> bool:
    """Whether a reply has ended."""
    return data.endswith(b"\x04") or (len(data) == 2 and data[0] in (codes.ACK, codes.NAK))


@dataclass
class AlphaBench(StreamBench):
    """`StreamBench` with the Alpha protocol.

    Attributes:
        got, found: what one part of a case leaves for the next.
    """

    got: Any = None
    found: tuple[bool, bool] = (False, False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.type = ord(str(self.declaration.extra.get("type", "Z")))
        self.address = b"%02X" % self.unit

    # -- saying -----------------------------------------------------------------------------------------------------
    def packet(
        self,
        *commands: tuple[int, bytes],
        check: bool = False,
        type_code: int | None = None,
        address: bytes | None = None,
        nuls: int = NULS,
    ) -> bytes:
        """A packet to the sign, unless told otherwise."""
        return packet(
            *commands,
            type_code=self.type if type_code is None else type_code,
            address=self.address if address is None else address,
            check=check,
            wake_up=nuls,
        )

    def raw(self, *parts: tuple[int, bytes], note: str = "", window: int = 0) -> Talked:
        """Send characters with silences between, and take what comes."""
        heard = yield Ask(parts, window or self.timeout, complete, note, 30 * MS)
        return taken(heard)

    def send(self, data: bytes, note: str = "") -> Talked:
        """Send a packet."""
        got = yield from self.raw((0, data), note=note)
        return got

    def do(self, *commands: tuple[int, bytes], check: bool = False, note: str = "") -> Talked:
        """Have commands carried out, one packet each; returns what the last drew."""
        got = Got(Heard(), ())
        for each in commands:
            got = yield from self.send(self.packet(each, check=check), note)
        return got

    def ask(self, command: tuple[int, bytes], *, check: bool = False, note: str = "reads") -> Talked:
        """Send a read; its reply is a response with the write code and the same label.

        Raises:
            Lost: it is not.
        """
        got = yield from self.send(self.packet(command, check=check), note)
        code, data = command
        reply, started = got.command, got.started
        wanted = code - 1
        if reply is None or started is None:
            raise Lost(f"no reply to read {chr(code)} {data!r}: {got.text}", got.heard)
        if not started.targets or started.targets[0].type != codes.RESPONSE:
            raise Lost(f"what came is no response: {got.text}", got.heard)
        if reply.code != wanted or reply.data[:1] != data[:1]:
            raise Lost(f"what came answers another read: {got.text}", got.heard)
        self.saw(got.heard)
        return got

    def body(self, command: tuple[int, bytes], *, check: bool = False) -> Generator[Step, Heard, bytes]:
        """What a file holds: a reply's data after the label."""
        got = yield from self.ask(command, check=check)
        assert got.command is not None
        return got.command.data[1:]

    def text(self, label: str = "A", *, check: bool = False) -> Generator[Step, Heard, bytes]:
        """What stands in a TEXT file."""
        data = yield from self.body(write.read_text(label), check=check)
        return data

    def string(self, label: str) -> Generator[Step, Heard, bytes]:
        """What stands in a STRING file."""
        data = yield from self.body(write.read_string(label))
        return data

    def status(self) -> Generator[Step, Heard, int]:
        """The serial error status.

        Raises:
            Lost: the reply does not hold one character.
        """
        got = yield from self.ask(write.read_errors())
        assert got.command is not None
        if len(got.command.data) != 2:
            raise Lost(f"the error status is one character: {got.text}", got.heard)
        return got.command.data[1]

    # -- judging ----------------------------------------------------------------------------------------------------
    def word(self, length: int = 8) -> bytes:
        """A drawn text."""
        return bytes(self.rng.choice(_LETTERS) for _ in range(length))

    def written(self, data: bytes, what: str, *parts: tuple[int, bytes], holds: bool, check: bool = False) -> Doing:
        """Send parts that write `data` (as after the label) to TEXT A, and look whether they did.

        Raises:
            Failed: it holds what it should not, or the other way round.
        """
        old = codes_of(self.word())
        yield from self.do((codes.WRITE_TEXT, b"A" + old), check=check)
        before = yield from self.text(check=check)
        if before != old:
            raise Lost(f"TEXT file A reads {before!r} after {old!r} was written")
        yield from self.raw(*parts, note=what)
        found = yield from self.text(check=check)
        if holds and found != data:
            raise Failed(f"{what}: TEXT file A reads {found!r}, {data!r} was written")
        if not holds and found != old:
            raise Failed(f"{what}: TEXT file A reads {found!r}, it is to be left at {old!r}")

    def table(self, *more: Entry, size: int = 0x40, room: int = 0x20) -> Doing:
        """A memory configuration: TEXT A, STRING B and C; all files are lost."""
        rows = (text_file("A", size), string_file("B", room), string_file("C", room), *more)
        yield from self.do(write.memory(rows), note="memory configuration")

    def put(self, label: str, data: bytes) -> Doing:
        """Write a STRING file."""
        yield from self.do(write.string(label, data))

    # -- the sandwich -----------------------------------------------------------------------------------------------
    @property
    def hush(self) -> int:
        """What was begun is over after a silence of more than a second."""
        return 1_200 * MS

    def quiet_line(self) -> Doing:
        """Nobody may be speaking, and the sign is up.

        Raises:
            Lost: somebody is.
        """
        yield from super().quiet_line()
        got = yield from self.send(self.packet(write.read_text("A")), "is it up?")
        if not got.heard.frames:
            yield Wait(round(float(self.declaration.capabilities.get("busy_ms", 8000)) * MS), "until it is up")

    def probe(self) -> Doing:
        """Undo what the case left, then write a drawn text and read it back.

        Raises:
            Lost: it does not come back.
        """
        yield from self.restore()
        data = codes_of(self.word())
        yield from self.do((codes.WRITE_TEXT, b"A" + data), note="probe")
        found = yield from self.text()
        if found != data:
            raise Lost(f"the probe wrote {data!r} and reads {found!r}")


def codes_of(word: bytes) -> bytes:
    """A TEXT file's contents: one mode field, hold, and a word."""
    return b"\x1b\x30b" + word
