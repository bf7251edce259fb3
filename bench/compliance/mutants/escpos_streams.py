"""Printers with a defect in what they take, or in when they answer (conformance.md 3.3, EP; EX are further ones)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Final

from bench.compliance.mutants.escpos_base import SMALL, Printer, Recut
from bench.compliance.mutants.escpos_status import Out, mutant, says
from firmware_sim.device import MS, Flaws, Send
from firmware_sim.devices.receive_buffer import ReceiveBuffer
from protocol.escpos.commands import NUL_ENDED
from protocol.escpos.tokenizer import Token, Tokenizer

__all__ = ["MUTANTS"]


def cut(name: str, **fields: Any) -> Callable[[], Printer]:
    """A printer that cuts one command out of the stream in another way."""

    class Cuts(Recut):
        changes: ClassVar = {name: lambda row: row._replace(**fields)}

    class Other(Printer):
        cuts = Cuts

    return Other


def after(name: str, act: Callable[[Any, Token, Out], None], *, instead: bool = False) -> Callable[[], Printer]:
    """A printer that does something more, or else, when it executes a command."""

    class Other(Printer):
        def _execute(self, token: Token, out: Out) -> None:
            if not (instead and token.name == name):
                super()._execute(token, out)
            if token.name == name:
                act(self, token, out)

    return Other


def kept(*path: str) -> Callable[[], Printer]:
    """A printer whose ESC @ leaves something of its composer as it was."""

    class Keeps(Printer):
        def _execute(self, token: Token, out: Out) -> None:
            owner = self._composer.settings if path[0] == "settings" else self._composer
            before = {name: getattr(owner, name) for name in path[1:]}
            super()._execute(token, out)
            if token.name == "ESC @":
                owner = self._composer.settings if path[0] == "settings" else self._composer
                for name, value in before.items():
                    setattr(owner, name, value)

    return Keeps


# -- answers ----------------------------------------------------------------------------------------------------------
def _early(name: str) -> Callable[[], Printer]:
    class Early(Printer):
        def _go_on(self, now: int, out: Out) -> None:
            super()._go_on(now, out)
            tokens = self._buffer.tokens
            while self._on and self.condition.offline and any(t.name == name for t in tokens):
                token = next(t for t in tokens if t.name == name)
                tokens.remove(token)
                tokens.appendleft(token)
                self._execute(self._buffer.next_token(now) or token, out)

    return Early


class LastFirst(Printer):
    """EX-24."""

    def _execute(self, token: Token, out: Out) -> None:
        if token.name == "GS I" and self._buffer.tokens and self._buffer.tokens[0].name == "GS I":
            following = self._buffer.tokens.popleft()
            self._buffer.tokens.appendleft(token)
            token = following
        super()._execute(token, out)


def _at_once(printer: Any, token: Token, out: Out) -> None:
    printer._pending_after, printer._pending_line = 0, False  # noqa: SLF001 - a printer of ours
    printer._confirm(out)  # noqa: SLF001


class ConfirmsAll(Printer):
    """EX-29."""

    def _execute(self, token: Token, out: Out) -> None:
        if token.name == "GS ( H" and self._pending is not None:
            self._say(b"\x37\x22" + self._pending + b"\x00", out)
        super()._execute(token, out)


def _any_id(printer: Any, token: Token, out: Out) -> None:
    if not all(0x20 <= c <= 0x7E for c in token.data[2:]):
        printer._say(b"\x37\x22" + token.data[2:] + b"\x00", out)  # noqa: SLF001 - a printer of ours


def _plainly(query: bytes, change: Callable[[int], int]) -> Callable[[], Printer]:
    class Plainly(Printer):
        def _execute(self, token: Token, out: Out) -> None:
            mine: Out = []
            super()._execute(token, mine)
            same = token.raw == query
            out += [Send(bytes(map(change, e.data))) if same and isinstance(e, Send) else e for e in mine]

    return Plainly


def _quiet(query: bytes) -> Callable[[], Printer]:
    class Quiet(Printer):
        def _execute(self, token: Token, out: Out) -> None:
            if token.raw != query:
                super()._execute(token, out)

    return Quiet


# -- the stream -------------------------------------------------------------------------------------------------------
def _clears(printer: Any, token: Token, out: Out) -> None:
    printer._buffer.clear()  # noqa: SLF001 - a printer of ours


class Drops(ReceiveBuffer):
    """EP-12: never believes to be inside data."""

    __slots__ = ()
    _inside = property(lambda self: False, lambda self, value: None)


class DropsDle(Printer):
    """EP-12."""

    buffers = Drops


class Greedy(Tokenizer):
    """EX-41: an unknown command takes three characters more."""

    def _control(self, buf: bytes, i: int, tokens: list[Token]) -> int:
        end = super()._control(buf, i, tokens)
        return min(len(buf), end + 3) if end > i and tokens[-1].name == "unknown" else end


class Derails(Printer):
    """EX-41."""

    cuts = Greedy


def _impatient(ns: int) -> Callable[[], Printer]:
    class Impatient(Printer):
        heard_at = 0

        def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Any:
            if first - self.heard_at > ns:
                self._buffer.tokenizer.reset()
            self.heard_at = last
            return super().hear(now, data, first, last, flaws)

    return Impatient


class Remembers(Recut):
    """EX-49."""

    def reset(self) -> None:
        """Forgets nothing."""


class KeepsCommand(Printer):
    """EX-49."""

    cuts = Remembers


# -- flow and power ---------------------------------------------------------------------------------------------------
class NoPaperXon(Printer):
    """EP-14."""

    held = False

    def _send_flow(self, out: Out) -> None:
        if self._busy_told or not self.held:
            super()._send_flow(out)
        self.held = self._busy_told and self.condition.paper_end


class NoDrainXon(Printer):
    """EX-45."""

    held = False

    def _send_flow(self, out: Out) -> None:
        if self._busy_told or not self.held:
            super()._send_flow(out)
        self.held = self._busy_told and not self.condition.offline


class Hangs(Printer):
    """EX-47."""

    hung = False

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Any:
        out = list(super().hear(now, data, first, last, flaws))
        self.hung = self._on and (self.hung or any(getattr(e, "kind", "") == "overrun" for e in out))
        return out

    def _execute(self, token: Token, out: Out) -> None:
        if not self.hung:
            super()._execute(token, out)

    def _started(self, now: int, out: Out) -> None:
        self.hung = False
        super()._started(now, out)


class Greets(Printer):
    """EX-48."""

    def _started(self, now: int, out: Out) -> None:
        super()._started(now, out)
        out.append(Send(b"READY\r\n"))


class PrintsTwice(Printer):
    """EP-15."""

    ticket = b""

    def _execute(self, token: Token, out: Out) -> None:
        self.ticket = b"" if token.name in ("GS V", "ESC @") else self.ticket + token.raw
        super()._execute(token, out)

    def _started(self, now: int, out: Out) -> None:
        super()._started(now, out)
        kept, self.ticket = self.ticket, b""
        out += self.hear(now, kept, now, now, None)


def _height(head: bytes) -> int:
    return (head[2] | head[3] << 8) * (head[5] | head[4] << 8) if len(head) == 6 else 0


def _low_height(head: bytes) -> int:
    return (head[2] | head[3] << 8) * head[4] if len(head) == 6 else 0


def _width(head: bytes) -> int:
    return (head[3] | head[2] << 8) * (head[4] | head[5] << 8) if len(head) == 6 else 0


def _counted(head: bytes) -> int:
    return NUL_ENDED


_SIZE_Z: Final[Callable[[bytes], int]] = lambda h: 0 if h[0] == ord("z") else h[1] | h[2] << 8  # noqa: E731


def _first_of(data: bytes) -> bool:
    return data[:1] == b"\x5f"


MUTANTS: Final = (
    mutant(
        "EP-09",
        "ESC @ also clears the receive buffer",
        after("ESC @", _clears),
        "ESC_@-R1",
        "init-clears-line",
        "init-page",
        "init-sizes",
    ),
    mutant("EP-10", "ESC @ keeps the character table", kept("settings", "page"), "ESC_@-R3"),
    mutant(
        "EP-11",
        "GS v 0 takes the width high byte first",
        cut("GS v", size=_width),
        "GS_v_0-R1",
        *("raster-height", "raster-opaque", "raster-dle", "unfinished"),
    ),
    mutant("EP-12", "10 04 n inside a picture is dropped", DropsDle, "GS_v_0-R4", "eot-in-data", "unfinished-status"),
    mutant("EP-13", "XOFF when the buffer is full", partial(Printer, replace(SMALL, xoff_left=0)), "T88III_buffer-R1"),
    mutant("EP-14", "no XON with new paper", NoPaperXon, "T88III_buffer-R3"),
    mutant(
        "EP-15",
        "the ticket is printed again after power-off",
        PrintsTwice,
        "ticket-R1",
        "power-automatic",
        "power-quiet",
        "power-forgets",
    ),
    mutant("EX-17", "GS r 1 always near end", _plainly(b"\x1dr\x01", lambda c: c | 3), "GS_r-R1"),
    mutant("EX-18", "GS I 1 with bit 4", _plainly(b"\x1dI\x01", lambda c: c | 0x10), "GS_I-R1", "id-order"),
    mutant("EX-19", "GS r 1 tells near end as end", _plainly(b"\x1dr\x01", lambda c: c << 2), "GS_r-R2"),
    mutant("EX-20", "GS r 2 is not answered", _quiet(b"\x1dr\x02"), "GS_r-R3"),
    mutant("EX-21", "GS r is answered off line", _early("GS r"), "GS_r-R4"),
    mutant("EX-23", "GS I 2 without the cutter", _plainly(b"\x1dI\x02", lambda c: c & 0xFD), "GS_I-R2"),
    mutant("EX-24", "the last query is answered first", LastFirst, "GS_I-R4"),
    mutant("EX-25", "a name without its closing 00", says(lambda p, d: d[:-1] if _first_of(d) else d), "GS_I-R3"),
    mutant(
        "EX-26",
        "GS I with any n is answered",
        after("GS I", lambda p, t, o: o.append(Send(b"\x3f")) if t.head[0] == 0x7E else None),
        "GS_I-R5",
    ),
    mutant(
        "EX-27",
        "a process id comes back reversed",
        says(lambda p, d: d[:2] + d[5:1:-1] + d[6:] if d[:2] == b"\x37\x22" else d),
        "GS_(H-R1",
    ),
    mutant(
        "EX-28", "a process id is confirmed before the paper", after("GS ( H", _at_once), "GS_(H-R2", "confirm-newest"
    ),
    mutant("EX-29", "every process id is confirmed", ConfirmsAll, "GS_(H-R3"),
    mutant("EX-30", "a process id is confirmed without paper", _early("GS ( H"), "GS_(H-R4"),
    mutant("EX-31", "any process id is confirmed", after("GS ( H", _any_id), "GS_(H-R5"),
    mutant("EX-32", "ESC @ keeps the line begun", kept("composer", "_pieces", "_x"), "ESC_@-R2"),
    mutant("EX-33", "ESC @ keeps the QR module", kept("settings", "qr_module"), "ESC_@-R4"),
    mutant("EX-34", "ESC t is ignored", after("ESC t", lambda p, t, o: None, instead=True), "ESC_t-R1"),
    mutant(
        "EX-35",
        "GS v 0 takes the height high byte first",
        cut("GS v", size=_height),
        "GS_v_0-R2",
        *("raster-width", "raster-opaque", "raster-dle", "unfinished"),
    ),
    mutant(
        "EX-36",
        "what stands in a picture is executed",
        cut("GS v", size=lambda h: 0),
        "GS_v_0-R3",
        "raster-width",
        "raster-height",
        "unfinished",
    ),
    mutant("EX-37", "an unknown GS ( is not skipped", cut("GS (", size=_SIZE_Z), "GS_(-R1", "function-long"),
    mutant("EX-38", "GS ( takes one byte of its length", cut("GS (", size=lambda h: h[1]), "GS_(-R2"),
    mutant("EX-39", "a barcode ends at 00", cut("GS k", size=_counted), "GS_k-R1"),
    mutant("EX-40", "ESC D takes eight positions", cut("ESC D", head=8, size=None), "ESC_D-R1"),
    mutant(
        "EX-41",
        "an unknown command takes what follows",
        Derails,
        "stream-R1",
        wild="protocols.md 4.1: unknown commands derail most emulators",
    ),
    mutant(
        "EX-42",
        "a silence of 10 ms ends a command",
        _impatient(10 * MS),
        "stream-R2",
        "unfinished",
        "unfinished-status",
    ),
    mutant("EX-43", "a silence of a second ends a command", _impatient(1_000 * MS), "stream-R3"),
    mutant(
        "EX-44",
        "XOFF at half the declared buffer",
        partial(Printer, replace(SMALL, xoff_left=512, xon_left=600)),
        "T88III_buffer-R5",
    ),
    mutant("EX-45", "no XON when the buffer has drained", NoDrainXon, "T88III_buffer-R2"),
    mutant("EX-46", "no XOFF off line", partial(Printer, replace(SMALL, busy_offline=False)), "T88III_buffer-R3"),
    mutant("EX-47", "hangs after an overrun", Hangs, "T88III_buffer-R4"),
    mutant("EX-48", "greets after power-on", Greets, "power-R1"),
    mutant("EX-49", "an unfinished command outlives the power", KeepsCommand, "power-R2"),
    mutant("EX-61", "GS v 0 takes one byte of the height", cut("GS v", size=_low_height), "GS_v_0-R2"),
)
