"""One declared device on a line with a port that talks to it."""

from __future__ import annotations

from typing import Any

from declared import codec
from firmware_sim.burst import LineSettings
from firmware_sim.devices.declared_device import DeclaredDevice
from firmware_sim.devices.loudspeaker import Loudspeaker
from firmware_sim.line import Line
from timers import Loop, PortStub

MS = 1_000_000
NS = 1_000_000_000


class Desk:
    """A device by declaration, the line it is on, and whoever sits at the port.

    Args:
        name: declaration of the catalogue, or a codec.
        kept: arguments of the device.
    """

    def __init__(self, name: Any, **kept: Any) -> None:
        made = codec(name) if isinstance(name, str) else name
        self.codec = made
        self.loop = Loop()
        facts = made.declaration.line
        self.line = Line(
            "line", self.loop, LineSettings(facts.baud, facts.bytesize, facts.parity, facts.stopbits), facts.duplex
        )
        self._read = 0
        self.port = PortStub(self.line.settings)
        self.line.attach_port(self.port)
        self.notes: list[tuple[int, str, dict[str, Any]]] = []
        self.line.on_note(lambda _name, t, note: self.notes.append((t, note.kind, dict(note.facts))))
        speaker = Loudspeaker() if made.declaration.role == "voice" else None
        self.device = DeclaredDevice("device", made, loudspeaker=speaker, **kept)
        self.line.attach(self.device)
        self.line.apply(self.device, self.device.power_on(0))

    def send(self, data: bytes | str, wait: int = 60 * MS) -> bytes:
        """Send characters, and hear what comes within a time."""
        self._read = len(self.port.bursts)
        self.line.transmit(self.line.master, bytes.fromhex(data) if isinstance(data, str) else data)
        self.wait(wait)
        return self._new()

    def _new(self) -> bytes:
        start, self._read = self._read, len(self.port.bursts)
        return b"".join(burst.data for burst in self.port.bursts[start:])

    def wait(self, duration: int) -> None:
        self.loop.run(self.loop.now + duration)

    def hear(self, wait: int) -> bytes:
        """What the device said by itself since the last call, up to the end of a time."""
        self.wait(wait)
        return self._new()

    def do(self, action: str, *arguments: Any) -> None:
        """A person does something."""
        self.line.apply(self.device, getattr(self.device, action)(self.loop.now, *arguments))

    def kinds(self) -> list[str]:
        return [kind for _, kind, _ in self.notes]

    def facts(self, kind: str) -> list[dict[str, Any]]:
        return [facts for _, told, facts in self.notes if told == kind]
