"""A board on a line of its own, with a host's port at the other end and a heap for a clock."""

from __future__ import annotations

from typing import Any

from firmware_sim.burst import LineSettings
from firmware_sim.device import Note
from firmware_sim.line import Line
from protocol.alpha.packet import Command, Receiver, packet, pieces
from timers import Loop, PortStub

NS = 1_000_000_000
MS = 1_000_000


class Bench:
    """What a test does to a board and sees of it.

    Args:
        board: an Alpha board, or any station.
        settings: of the line.
        duplex: "full" or "half".
    """

    def __init__(self, board: Any, settings: str = "9600 7E1", duplex: str = "full") -> None:
        self.board = board
        self.loop = Loop()
        self.line = Line("line", self.loop, LineSettings.parse(settings), duplex)
        self.line.attach(board)
        self.port = PortStub(self.line.settings)
        self.line.attach_port(self.port)
        self.notes: list[tuple[int, str, Note]] = []
        self.line.on_note(lambda device, at, note: self.notes.append((at, device, note)))

    @property
    def now(self) -> int:
        return self.loop.now

    def run(self, seconds: float) -> None:
        self.loop.run(self.loop.now + round(seconds * NS))

    def send(self, data: bytes, seconds: float = 1.0) -> bytes:
        """Send characters, let time pass, and return what came back."""
        before = len(self.port.bursts)
        self.line.transmit(self.line.master, data)
        self.run(seconds)
        return b"".join(burst.data for burst in self.port.bursts[before:])

    def say(self, *commands: tuple[int, bytes], seconds: float = 1.0, **how: Any) -> bytes:
        """Send a packet, with the pauses that one of several commands needs."""
        before = len(self.port.bursts)
        for piece in pieces(packet(*commands, **how)):
            self.line.transmit(self.line.master, piece)
            self.run(self.line.settings.duration(len(piece)) / NS + 0.101)
        self.run(seconds)
        return b"".join(burst.data for burst in self.port.bursts[before:])

    def ask(self, command: tuple[int, bytes], **how: Any) -> bytes:
        """What a read is answered, label included; b"" when nothing comes."""
        events = Receiver(host=True).feed(self.say(command, **how))
        found = [event for event in events if isinstance(event, Command)]
        assert len(found) <= 1
        assert not found or found[0].check == "good"
        return found[0].data if found else b""

    def human(self, action: str, *args: Any) -> None:
        self.line.apply(self.board, getattr(self.board, action)(self.now, *args))

    def facts(self, kind: str) -> list[dict[str, Any]]:
        return [dict(note.facts) for _, _, note in self.notes if note.kind == kind]

    def when(self, kind: str, **facts: Any) -> list[int]:
        return [at for at, _, note in self.notes if note.kind == kind and facts.items() <= dict(note.facts).items()]
