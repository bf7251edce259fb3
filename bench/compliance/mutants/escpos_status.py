"""Printers with a defect in what they say of themselves (conformance.md 3.3, EP; EX are further ones)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bench.compliance.mutants.base import Mutant
from bench.compliance.mutants.escpos_base import Printer, on_link
from firmware_sim.device import MS, Effect, Send
from firmware_sim.devices.ticket_printer import TicketPrinter
from protocol.escpos import status
from protocol.escpos.tokenizer import Token

__all__ = ["MUTANTS", "mutant"]

SMALL_DECLARED: Final = (("buffer = 4096", "buffer = 1024"),)
Out = list[Effect]


def mutant(id_: str, title: str, make: Callable[[], Printer], blamed: str, *beside: str, wild: str = "") -> Mutant:
    """A row: the defect, what it breaks, the cases that may fail with it."""
    collateral = frozenset(f"esc.dev.{name}" for name in beside)
    return Mutant(
        id_,
        title,
        on_link(make),
        "tm_t88",
        SMALL_DECLARED,
        unit=1,
        requirement=f"EPS-{blamed}",
        collateral=collateral,
        wild=wild,
    )


def says(change: Callable[[Printer, bytes], bytes]) -> Callable[[], Printer]:
    """A printer that says something else than it should."""

    class Says(Printer):
        def said(self, data: bytes) -> bytes:
            return change(self, data)

    return Says


def real_time(n: int, change: Callable[[int, Printer], int]) -> Callable[[], Printer]:
    """A printer with another answer to DLE EOT n."""
    return says(lambda p, data: bytes((change(data[0], p),)) if p.asked == n else data)


def block(change: Callable[[bytearray, Printer], Any]) -> Callable[[], Printer]:
    """A printer with another automatic status."""

    def said(printer: Printer, data: bytes) -> bytes:
        if len(data) != 4 or data[0] & 0x93 != 0x10:
            return data
        four = bytearray(data)
        change(four, printer)
        return bytes(four)

    return says(said)


def _set(four: bytearray, place: int, keep: int, bits: int) -> None:
    four[place] = four[place] & keep | bits


# -- real time --------------------------------------------------------------------------------------------------------
class Drains(Printer):
    """EP-01."""

    waiting: tuple[bytes, ...] = ()

    def _real_time(self, now: int, command: bytes, out: Out) -> None:
        if self._current is not None and command[1] == 0x04 and not self.condition.offline:
            self.waiting = (*self.waiting, command)
        else:
            super()._real_time(now, command, out)

    def wake(self, now: int, tag: str) -> Any:
        out = list(super().wake(now, tag))
        if self._current is None and not self._work:
            waiting, self.waiting = self.waiting, ()
            for command in waiting:
                super()._real_time(now, command, out)
        return out


class Mute(Printer):
    """EP-04: silent off line."""

    def _real_time(self, now: int, command: bytes, out: Out) -> None:
        if not self.condition.offline:
            super()._real_time(now, command, out)


class Hasty(Printer):
    """EX-01."""

    heard_at = -1

    def _real_time(self, now: int, command: bytes, out: Out) -> None:
        if now != self.heard_at and now - self.heard_at > 5 * MS:
            self.heard_at = now
            super()._real_time(now, command, out)


class Silent(Printer):
    """EX-58."""

    def _real_time(self, now: int, command: bytes, out: Out) -> None:
        if command[1] != 0x04:
            super()._real_time(now, command, out)


class FullMute(Printer):
    """EX-09."""

    def _real_time(self, now: int, command: bytes, out: Out) -> None:
        if self.room > 8:
            super()._real_time(now, command, out)


class AnyN(Printer):
    """EX-10."""

    def _real_time(self, now: int, command: bytes, out: Out) -> None:
        if command[1] == 0x04 and command[2] > 4:
            self._say(b"\x12", out)
        super()._real_time(now, command, out)


class Forgetful(Printer):
    """EX-11."""

    def _real_time(self, now: int, command: bytes, out: Out) -> None:
        super()._real_time(now, command, out)
        if command[1] == 0x04 and self._buffer.tokenizer.idle:
            self._buffer.clear()
            self._never_confirm()


class DropsLine(Printer):
    """EX-12."""

    def _real_time(self, now: int, command: bytes, out: Out) -> None:
        self._go_on(now, out)
        super()._real_time(now, command, out)
        self._buffer.tokens.extend(self._buffer.tokenizer.flush())
        self._run(now, out)
        self._composer.clear_line()


class DeafInData(Printer):
    """EX-13."""

    def _real_time(self, now: int, command: bytes, out: Out) -> None:
        if self._buffer.tokenizer.idle:
            super()._real_time(now, command, out)


class Recovers(Printer):
    """EX-14."""

    def _recover(self, out: Out) -> bool:
        super()._recover(out)
        return True


class ConfirmsCleared(Printer):
    """EX-16."""

    def _clear(self) -> None:
        waiting = [token.data[2:] for token in self._buffer.tokens if token.name == "GS ( H"]
        super()._clear()
        self._pending, self._pending_after = waiting[0] if waiting else None, 1


# -- automatic status -------------------------------------------------------------------------------------------------
class Once(Printer):
    """EP-05."""

    def _tell_changes(self, out: Out) -> None:
        mask, self._mask = self._mask, 0
        super()._tell_changes(out)
        self._mask = mask


def _with(name: str, act: Callable[[Any, Token, Out], None]) -> Callable[[], Printer]:
    class Other(Printer):
        COMMANDS = {**TicketPrinter.COMMANDS, name: act}  # noqa: RUF012 - as its base

    return Other


def _never_off(printer: Any, token: Token, out: Out) -> None:
    if token.head[0]:
        TicketPrinter.COMMANDS["GS a"](printer, token, out)


def _told_off(printer: Any, token: Token, out: Out) -> None:
    TicketPrinter.COMMANDS["GS a"](printer, token, out)
    if not token.head[0]:
        printer._say(status.automatic(printer.condition), out)  # noqa: SLF001 - a printer of ours


class Split(Printer):
    """EP-08."""

    def _say(self, data: bytes, out: Out) -> None:
        if len(data) == 4 and data[0] & 0x93 == 0x10:
            out += [Send(data[:2]), Send(data[2:], 6 * MS)]
        else:
            super()._say(data, out)


class Everything(Printer):
    """EX-55."""

    def _tell_changes(self, out: Out) -> None:
        mask, self._mask = self._mask, 0x4F if self._mask else 0
        super()._tell_changes(out)
        self._mask = mask


class KeepsMask(Printer):
    """EX-50."""

    def _started(self, now: int, out: Out) -> None:
        mask = self._mask
        super()._started(now, out)
        self._mask = mask


_BLOCKS: Final = ("asb-whole", "asb-each-change")

MUTANTS: Final = (
    mutant("EP-01", "DLE EOT is answered when the buffer has drained", Drains, "DLE_EOT-R7", "eot-between-commands"),
    mutant(
        "EP-02",
        "DLE EOT without its fixed bit 1",
        says(lambda p, d: bytes((d[0] & 0xFD,)) if p.asked else d),
        "DLE_EOT-R1",
        *(
            "eot-one-each",
            "eot-while-printing",
            "eot-between-commands",
            "eot-in-data",
            "eot-off-line",
            "eot-full",
            "asb-whole",
        ),
    ),
    mutant(
        "EP-03",
        "DLE EOT 4 tells near end in the bits of paper end",
        real_time(4, lambda v, p: 0x72 if v & 0x0C else v),
        "DLE_EOT-R6",
    ),
    mutant("EP-04", "no answer to DLE EOT off line", Mute, "DLE_EOT-R8", "eot-full"),
    mutant("EP-05", "automatic status only once", Once, "GS_a-R3"),
    mutant("EP-06", "GS a 0 does not end the automatic status", _with("GS a", _never_off), "GS_a-R4"),
    mutant(
        "EP-07",
        "a block of three characters",
        says(lambda p, d: d[:3] if len(d) == 4 and not p.asked else d),
        "GS_a-R1",
        *_BLOCKS,
    ),
    mutant("EP-08", "a block with a DLE EOT answer inside", Split, "GS_a-R7"),
    mutant(
        "EX-01", "a second DLE EOT right after the first is not answered", Hasty, "DLE_EOT-R2", "eot-between-commands"
    ),
    mutant("EX-02", "DLE EOT 1 always waits for recovery", real_time(1, lambda v, p: v | 0x20), "DLE_EOT-R3"),
    mutant("EX-03", "DLE EOT 2 always tells an error", real_time(2, lambda v, p: v | 0x40), "DLE_EOT-R4"),
    mutant("EX-04", "DLE EOT 3 always tells an error", real_time(3, lambda v, p: v | 0x40), "DLE_EOT-R5"),
    mutant(
        "EX-05",
        "DLE EOT 4 tells paper where there is none",
        real_time(4, lambda v, p: v ^ 0x60),
        "DLE_EOT-R6",
        "asb-agrees",
    ),
    mutant("EX-06", "DLE EOT 1 never off line", real_time(1, lambda v, p: v & 0xF7), "DLE_EOT-R3", "eot-2-stopped"),
    mutant(
        "EX-07", "DLE EOT 2 tells the cover in bit 3", real_time(2, lambda v, p: v & 0xFB | (v & 4) << 1), "DLE_EOT-R4"
    ),
    mutant(
        "EX-08", "DLE EOT 2 never tells that the paper stopped it", real_time(2, lambda v, p: v & 0xDF), "DLE_EOT-R4"
    ),
    mutant("EX-09", "no answer to DLE EOT with a full buffer", FullMute, "DLE_EOT-R9"),
    mutant("EX-10", "DLE EOT with any n is answered", AnyN, "DLE_EOT-R10"),
    mutant("EX-11", "DLE EOT forgets what was received before", Forgetful, "DLE_EOT-R11", "text"),
    mutant("EX-12", "DLE EOT forgets the line begun", DropsLine, "DLE_EOT-R11"),
    mutant("EX-13", "DLE EOT inside data is not executed", DeafInData, "DLE_EOT-R12"),
    mutant("EX-14", "DLE ENQ 2 clears without an error", Recovers, "DLE_ENQ-R1"),
    mutant(
        "EX-15", "clearing the buffers is not told", says(lambda p, d: b"" if d == b"\x37\x25\x00" else d), "DLE_DC4-R1"
    ),
    mutant("EX-16", "a cleared process id is confirmed", ConfirmsCleared, "DLE_DC4-R2"),
    mutant("EX-50", "automatic status stays on over power-off", KeepsMask, "power-R3"),
    mutant(
        "EX-51",
        "second character of the block with bit 4",
        block(lambda f, p: _set(f, 1, 0xFF, 0x10)),
        "GS_a-R2",
        *_BLOCKS,
    ),
    mutant("EX-52", "the block always says off line", block(lambda f, p: _set(f, 0, 0xFF, 0x08)), "GS_a-R6"),
    mutant(
        "EX-53",
        "the block tells near end in bits 2 and 3",
        block(lambda f, p: _set(f, 2, 0xF0, (f[2] & 3) << 2 | f[2] & 12)),
        "GS_a-R6",
    ),
    mutant("EX-54", "the block never tells paper end", block(lambda f, p: _set(f, 2, 0xF3, 0)), "GS_a-R6"),
    mutant("EX-55", "every change is told, whatever was enabled", Everything, "GS_a-R5"),
    mutant("EX-56", "GS a 0 is answered by a block", _with("GS a", _told_off), "GS_a-R8"),
    mutant("EX-57", "the block never tells the cover", block(lambda f, p: _set(f, 0, 0xDF, 0)), "GS_a-R6"),
    mutant(
        "EX-58",
        "DLE EOT is never answered",
        Silent,
        "DLE_EOT-R2",
        *("eot-between-commands", "eot-in-data", "eot-off-line", "eot-full", "asb-whole", "unfinished-status"),
        wild="gilbertfl/escpos-netprinter#1",
    ),
    mutant(
        "EX-59",
        "DLE EOT 4 tells near end by one bit",
        real_time(4, lambda v, p: v & 0xF7),
        "DLE_EOT-R6",
        wild="Citizen PPU-231, protocols.md 4.3",
    ),
    mutant("EX-60", "DLE EOT 4 tells paper end by one bit", real_time(4, lambda v, p: v & 0xBF), "DLE_EOT-R6"),
)
