"""A ticket printer on a full-duplex line with a host end that writes down what comes back, and when."""

from __future__ import annotations

from typing import Any

from firmware_sim.burst import LineSettings
from firmware_sim.device import Note
from firmware_sim.devices.ticket_printer import TM_T88, PrinterProfile, TicketPrinter
from firmware_sim.line import Line
from timers import Loop

MS = 1_000_000


class Host:
    """The port's end of the line."""

    def __init__(self, settings: LineSettings, *, obeys: bool) -> None:
        self.settings = settings
        self.xonxoff_in_force = obeys
        self.bursts: list[Any] = []

    def incoming(self, burst: Any) -> None:
        self.bursts.append(burst)

    def transmitted(self) -> None:
        pass

    @property
    def bytes(self) -> bytes:
        return b"".join(burst.data for burst in self.bursts)


class PrinterBench:
    """One printer; `send` and `at` schedule what happens, `run` lets it happen.

    Args:
        obeys: the host stops at XOFF.
        settings: of the line and of both ends.
    """

    def __init__(
        self,
        profile: PrinterProfile = TM_T88,
        *,
        obeys: bool = True,
        settings: str = "9600 8N1",
        **printer: Any,
    ) -> None:
        self.loop = Loop()
        self.line = Line("rs232", self.loop, LineSettings.parse(settings), "full")
        self.printer = TicketPrinter("printer-1", profile, **printer)
        self.line.attach(self.printer)
        self.host = Host(self.line.settings, obeys=obeys)
        self.line.attach_port(self.host)
        self.notes: list[tuple[int, Note]] = []
        self.line.on_note(lambda _name, at, note: self.notes.append((at, note)))

    def send(self, data: bytes, at: int | None = None) -> None:
        """Have the host write at an instant (ns, default now)."""
        self.loop.call_at(self.loop.now if at is None else at, lambda: self.line.transmit(self.line.master, data))

    def hand(self, name: str, *args: Any, at: int | None = None) -> None:
        """Have a person do something at an instant (ns, default now)."""

        def do() -> None:
            effects = getattr(self.printer, name)(self.loop.now, *args)
            self.line.apply(self.printer, effects)

        self.loop.call_at(self.loop.now if at is None else at, do)

    def run(self, until: int | None = None) -> PrinterBench:
        """Let time pass, to an instant or until nothing is left to happen."""
        self.loop.run(until)
        return self

    def facts(self, kind: str) -> list[dict[str, Any]]:
        """What the notes of a kind tell."""
        return [dict(note.facts) for _, note in self.notes if note.kind == kind]

    def when(self, kind: str) -> list[int]:
        """Instants of the notes of a kind."""
        return [at for at, note in self.notes if note.kind == kind]

    @property
    def replies(self) -> bytes:
        """All that the printer has sent."""
        return self.host.bytes

    @property
    def replied(self) -> list[tuple[int, bytes]]:
        """When each of its bursts began, and what it was."""
        return [(burst.start, burst.data) for burst in self.host.bursts]

    @property
    def lines(self) -> list[list[str]]:
        """Lines of each ticket that came out."""
        return [facts["lines"] for facts in self.facts("printed")]
