"""The printer on which the ESC/POS suite is tested: the shipped one, with hands for what its cases ask a person to do.

`Printer` has places to plant a defect in: what it says, a real-time command as it comes, a command in turn, how a
command is cut out of the stream, the receive buffer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Final

from bench.clock.clockwork import Clockwork
from bench.compliance.mutants.base import Build, Hand
from firmware_sim.device import MS, Effect
from firmware_sim.devices.receive_buffer import ReceiveBuffer
from firmware_sim.devices.ticket_printer import TicketPrinter
from firmware_sim.line import Line
from protocol.escpos.commands import Row
from protocol.escpos.profiles import TM_T88, PrinterProfile
from protocol.escpos.tokenizer import Token, Tokenizer

__all__ = ["SMALL", "Printer", "Recut", "on_link"]

SMALL: Final = replace(TM_T88, buffer_size=1024)
"""A small receive buffer, so that filling it takes little time."""
_OFF: Final = 2_000 * MS


class Printer(TicketPrinter):
    """The shipped printer; without a defect it is that printer.

    Attributes:
        cuts: how commands are cut out of the stream.
        buffers: its receive buffer.
        asked: n of the DLE EOT that is being answered, else 0.
    """

    cuts: ClassVar[type[Tokenizer]] = Tokenizer
    buffers: ClassVar[type[ReceiveBuffer]] = ReceiveBuffer

    def __init__(self, profile: PrinterProfile = SMALL) -> None:
        self.asked = 0
        super().__init__("printer", profile)
        self._buffer = self.buffers(profile.buffer_size)
        self._buffer.tokenizer = self.cuts(profile.buffer_size)
        self.watch = None
        self._set_watch()

    def _say(self, data: bytes, out: list[Effect]) -> None:
        said = self.said(data)
        if said:
            super()._say(said, out)

    def _real_time(self, now: int, command: bytes, out: list[Effect]) -> None:
        self.asked = command[2] if command[1] == 0x04 else 0
        super()._real_time(now, command, out)
        self.asked = 0

    def said(self, data: bytes) -> bytes:
        """What it is about to say; what to say instead, empty for nothing."""
        return data

    # -- hands and eyes ---------------------------------------------------------------------------------------------
    def load_old_roll(self, now: int) -> Iterable[Effect]:
        """A roll is put in that the near-end sensor sees."""
        return self.load_paper(now, 3_000)

    def remove_paper(self, now: int) -> Iterable[Effect]:
        """The roll is taken out."""
        self._left = 0
        return self._after_hand(now, [])

    def ready(self) -> bool:
        """Whether something is the matter (a case asks this of a person first)."""
        told = self.condition
        return told.offline or told.near_end or told.error

    @property
    def _seen(self) -> list[str]:
        return [line.strip() for line in self.hanging]

    def reads(self, text: str) -> bool:
        """Whether a line reads so."""
        return text in self._seen

    def lacks(self, text: str) -> bool:
        """Whether no line has this."""
        return not any(text in line for line in self._seen)

    def once(self, text: str) -> bool:
        """Whether exactly one line has this."""
        return sum(text in line for line in self._seen) == 1


class Recut(Tokenizer):
    """A tokenizer with some rows of the table changed: name -> how."""

    changes: ClassVar[Mapping[str, Callable[[Row], Row]]] = {}

    def _command(self, buf: bytes, i: int, row: Row, tokens: list[Token]) -> int:
        change = self.changes.get(row.name)
        return super()._command(buf, i, change(row) if change else row, tokens)


_HANDS: Final = ("open_cover", "close_cover", "load_paper", "load_old_roll", "remove_paper")
_EYES: Final = ("ready", "reads", "lacks", "once")


def on_link(make: Callable[[], Printer] = Printer) -> Build:
    """A build of one printer on a full-duplex line, with its hands and a person's eyes."""

    def build(line: Line, clockwork: Clockwork) -> Mapping[str, Hand]:
        line.half = False
        printer = make()
        line.attach(printer)

        def hand(name: str, *args: Any) -> None:
            line.apply(printer, getattr(printer, name)(clockwork.now, *args))

        def power_cycle() -> None:
            hand("unplug")
            clockwork.advance_to(clockwork.now + _OFF)
            hand("plug_in")

        hands: dict[str, Any] = {name: partial(hand, name) for name in _HANDS}
        hands["power_cycle"] = power_cycle
        for eye in _EYES:
            look = getattr(printer, eye)
            hands[eye] = look
            hands[f"not_{eye}"] = lambda *args, look=look: not look(*args)
        return hands

    return build
