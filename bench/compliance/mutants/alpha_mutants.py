"""Alpha signs with a defect (conformance.md 3.4, AL; AX are further ones)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from bench.clock.clockwork import Clockwork
from bench.compliance.mutants.base import Build, Hand, Mutant
from firmware_sim.device import MS, Effect, Flaws, Send
from firmware_sim.devices.alpha_board import AlphaBoard
from firmware_sim.devices.alpha_files import Files
from firmware_sim.line import Line
from protocol.alpha import codes
from protocol.alpha.memory import STRING, Entry
from protocol.alpha.packet import Command, Event, Receiver, Started, checksum

__all__ = ["ADDRESS", "MUTANTS", "Board", "on_wire"]

ADDRESS: Final = 5
_OFF: Final = 2_000 * MS
Out = list[Effect]


class Board(AlphaBoard):
    """The shipped board, with places for a defect; without one it is that board."""

    hears: ClassVar[type[Receiver]] = Receiver
    keeps: ClassVar[type[Files]] = Files

    def __init__(self) -> None:
        super().__init__("board", address=ADDRESS)
        self.files = self.keeps()
        self._receiver = self.hears()
        self._writes |= {
            codes.RUN_TIMES: lambda _now, data: self.files.set_times(data),
            codes.SEQUENCE: lambda _now, data: self.files.set_sequence(data),
        }

    def _on(self, now: int, event: Event, out: Out) -> None:
        changed = self.takes(event)
        if changed is not None:
            super()._on(now, changed, out)

    def takes(self, event: Event) -> Event | None:
        """What came; what to take instead, None for nothing."""
        return event

    def _answer(self, out: Out) -> None:
        mine: Out = []
        super()._answer(mine)
        for effect in mine:
            data = self.said(effect.data) if isinstance(effect, Send) else b"."
            if data:
                out.append(Send(data, effect.after) if isinstance(effect, Send) else effect)

    def said(self, data: bytes) -> bytes:
        """What it is about to say; what to say instead."""
        return data


def on_wire(make: Callable[[], AlphaBoard] = Board) -> Build:
    """A build of one board, with a person who can switch it off and on."""

    def build(line: Line, clockwork: Clockwork) -> Mapping[str, Hand]:
        board = make()
        line.attach(board)

        def power_cycle() -> None:
            line.apply(board, board.unplug(clockwork.now))
            clockwork.advance_to(clockwork.now + _OFF)
            line.apply(board, board.plug_in(clockwork.now))

        return {"power_cycle": power_cycle}

    return build


def mutant(id_: str, title: str, make: Callable[[], AlphaBoard], blamed: str, *beside: str, wild: str = "") -> Mutant:
    """A row: the defect, what it breaks, the cases that may fail with it."""
    collateral = frozenset(f"al.dev.{name}" for name in beside)
    return Mutant(
        id_, title, on_wire(make), "alpha", unit=ADDRESS, requirement=f"ALP-{blamed}", collateral=collateral, wild=wild
    )


def takes(change: Callable[[Board, Event], Event | None]) -> Callable[[], Board]:
    """A board that takes events otherwise."""

    class Takes(Board):
        def takes(self, event: Event) -> Event | None:
            return change(self, event)

    return Takes


def says(change: Callable[[Board, bytes], bytes]) -> Callable[[], Board]:
    """A board that says something else."""

    class Says(Board):
        def said(self, data: bytes) -> bytes:
            return change(self, data)

    return Says


def keeps(**methods: Any) -> Callable[[], Board]:
    """A board whose memory does something otherwise."""
    return type("Other", (Board,), {"keeps": type("OtherFiles", (Files,), methods)})


def hears(**methods: Any) -> Callable[[], Board]:
    """A board that cuts packets out of characters otherwise."""
    return type("Other", (Board,), {"hears": type("OtherReceiver", (Receiver,), methods)})


def _checked(change: Callable[[str], str]) -> Callable[[Board, Event], Event]:
    return lambda b, e: e._replace(check=change(e.check)) if isinstance(e, Command) else e  # type: ignore[arg-type]


def _targets(change: Callable[[Any], Any]) -> Callable[[Board, Event], Event]:
    return lambda b, e: e._replace(targets=tuple(map(change, e.targets))) if isinstance(e, Started) else e


def _resum(data: bytes, start: int) -> bytes:
    if b"\x03" not in data:
        return data
    end = data.index(b"\x03") + 1
    return data[:end] + b"%04X" % checksum(data[data.index(bytes((start,))) : end]) + data[end + 4 :]


class FromSoh(Receiver):
    """AL-01."""

    head = 0

    def _header(self, char: int, events: list[Event]) -> None:
        self.head += char
        super()._header(char, events)

    def _open(self) -> None:
        super()._open()
        self._sum += self.head - codes.STX + codes.SOH
        self.head = 0


class SumsFromSoh(Board):
    """AL-01."""

    hears = FromSoh

    def said(self, data: bytes) -> bytes:
        return _resum(data, codes.SOH)


class Hurried(Board):
    """AL-04."""

    number = 0

    def takes(self, event: Event) -> Event | None:
        self.number = self.number + 1 if isinstance(event, Command) else 0
        lost = isinstance(event, Command) and self.number > 1 and event.pause < codes.STX_PAUSE_NS
        return None if lost else event


class FirstOnly(Hurried):
    """AX-11."""

    def takes(self, event: Event) -> Event | None:
        super().takes(event)
        return None if self.number > 1 else event


def _garbage(self: Files, label: int, kind: int) -> int | None:
    absent = kind == STRING and label not in self.table
    return 64 if absent else Files._room(self, label, kind)  # noqa: SLF001 - a memory of ours


class Untold(Board):
    """AX-12."""

    def _fail(self, bit: int, why: str) -> None:
        if not (bit == codes.STATUS_ILLEGAL and "STRING" in why):
            super()._fail(bit, why)


def _priority_in_a(self: Files, label: int, data: bytes) -> bool:
    if label == codes.PRIORITY and data:
        self.texts[codes.DEFAULT_FILE] = data
    return Files.write_text(self, label, data)


def _never_released(self: Files, label: int, data: bytes) -> bool:
    return (label == codes.PRIORITY and not data) or Files.write_text(self, label, data)


def _roomy(self: Files, label: int, data: bytes) -> bool:
    if label == codes.PRIORITY and data:
        self.priority = data
        return True
    return Files.write_text(self, label, data)


def _spills(self: Files, label: int, data: bytes) -> bool:
    room = self._room(label, STRING)
    if room is not None:
        self.strings[label] = data
    return room is not None


def _mixes(self: Files, label: int, data: bytes) -> bool:
    taken = Files.write_string(self, label, data)
    if taken:
        self.strings = dict.fromkeys((ord("B"), ord("C")), data)
    return taken


def _overlays(self: Files, label: int, data: bytes) -> bool:
    old = self.strings.get(label, b"")
    taken = Files.write_string(self, label, data)
    if taken:
        self.strings[label] += old[len(data) :]
    return taken


def _plain(self: Files, label: int, data: bytes) -> bool:
    return Files.write_text(self, label, bytes(c for c in data if c >= 0x20 or c == codes.ESC))


def _rounded(self: Files) -> bytes:
    return b"".join(Entry(e.label, e.kind, e.size & 0xFFF0, e.locked, e.extra).encode() for e in self.table.values())


def _keeps_files(self: Files, data: bytes) -> bool:
    strings = dict(self.strings)
    taken = Files.configure(self, data)
    self.strings = strings
    return taken


class Loses(Board):
    """AX-34."""

    def plug_in(self, now: int) -> Any:
        self.files.strings.clear()
        return super().plug_in(now)


class StillAcks(Board):
    """AX-23."""

    def _set_acknowledge(self, now: int, data: bytes) -> bool:
        return super()._set_acknowledge(now, b"1")


class NeverClears(Board):
    """AX-26."""

    def _clear_errors(self, now: int, data: bytes) -> bool:
        return True


class Patient(Board):
    """AX-28: joins what came seconds apart."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Any:
        self._heard_end = first
        return super().hear(now, data, first, last, flaws)

    def wake(self, now: int, tag: str) -> Any:
        return () if tag == "gap" else super().wake(now, tag)


class Impatient(Board):
    """AX-37."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Any:
        if first - self._heard_end > 300 * MS:
            self._receiver.expire()
        return super().hear(now, data, first, last, flaws)


def _no_restart(self: Receiver, char: int, events: list[Event], pause: int) -> None:
    if char != codes.SOH or not self.inside:
        Receiver._take(self, char, events, pause)  # noqa: SLF001


class NoiseDeaf(Board):
    """AX-30."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Any:
        noisy = not self._receiver.inside and data[:1] not in (b"\x00", b"\x01")
        return () if noisy else super().hear(now, data, first, last, flaws)


class OnlyOne(Board):
    """AX-36: deaf for 50 ms after a packet, as far as a burst goes."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Any:
        end = data.find(b"\x04") + 1
        return super().hear(now, data[:end] if end else data, first, last, flaws)


def _sequence(self: Files, data: bytes) -> bool:
    return Files.set_sequence(self, data[:2] + data[:1:-1])


class WrongClock(Board):
    """AX-32."""

    def _command(self, now: int, command: Command) -> None:
        if command.code == codes.WRITE_SPECIAL and command.data[:1] == b" ":
            command = command._replace(data=b" " + command.data[3:] + command.data[1:3])
        super()._command(now, command)


class Derails(Board):
    """AX-27: an unknown command is not told."""

    def takes(self, event: Event) -> Event | None:
        return None if isinstance(event, Command) and event.code not in codes.COMMANDS else event


class WideTypes(Board):
    """AL-02."""

    def __init__(self) -> None:
        super().__init__()
        self.model = self.model._replace(types=frozenset(range(0x20, 0x7F)))


def _own(b: Board, event: Event) -> Event:
    return _targets(lambda t: t._replace(address=b"%02X" % b.address))(b, event)


def _unmask(target: Any) -> Any:
    return target._replace(address=b"00") if b"?" in target.address else target


def _of_type(data: bytes, type_: bytes) -> bytes:
    return data.replace(b"\x01000", b"\x01" + type_ + b"00", 1)


def _recoded(data: bytes) -> bytes:
    at = data.find(b"\x02") + 1
    return _resum(data[:at] + bytes((data[at] + 1,)) + data[at + 1 :], codes.STX) if at else data


MUTANTS: Final = (
    mutant("AL-01", "the checksum begins at SOH", SumsFromSoh, "3.3-R2", "check-good", "reply-check", "nested"),
    mutant("AL-02", "any type code is taken", WideTypes, "3.1-R2"),
    mutant(
        "AL-03",
        "address 00 is unit 0",
        takes(_targets(lambda t: t._replace(address=b"FE") if t.address == b"00" else t)),
        "3.1-R3",
    ),
    mutant("AL-04", "a hurried second command is lost in silence", Hurried, "3.4-R2"),
    mutant("AL-05", "a write without a file is kept", keeps(_room=_garbage), "6.2-R1", "unallocated-told"),
    mutant("AX-01", "no checksum is right", takes(_checked(lambda c: "bad" if c == "good" else c)), "3.3-R1", "nested"),
    mutant(
        "AX-02",
        "a wrong checksum is taken",
        takes(_checked(lambda c: "good")),
        "3.3-R3",
        "check-span",
        "status-check",
        "nak",
    ),
    mutant("AX-03", "a checksum is demanded", takes(_checked(lambda c: "bad" if c == "none" else c)), "3.3-R4"),
    mutant("AX-04", "a reply's checksum is wrong", says(lambda b, d: _resum(d, codes.SOH)), "6.2.2-R1"),
    mutant("AX-05", "a reply is of type Z", says(lambda b, d: _of_type(d, b"Z")), "6.2.2-R2"),
    mutant("AX-06", "a reply names the read command", says(lambda b, d: _recoded(d)), "6.2.2-R3"),
    mutant(
        "AX-07",
        "three NULs before a reply",
        says(lambda b, d: d.lstrip(b"\x00") if len(d) == 2 else bytes(3) + d.lstrip(b"\x00")),
        "6.2.2-R4",
    ),
    mutant(
        "AX-08",
        "type Z is not taken",
        takes(_targets(lambda t: t._replace(type=0x7E) if t.type == 0x5A else t)),
        "3.1-R1",
    ),
    mutant("AX-09", "any address is taken", takes(_own), "3.1-R4", "address-mask-other"),
    mutant(
        "AX-10",
        "a question mark is no digit",
        takes(
            _targets(lambda t: t._replace(address=t.address.replace(b"?", b"F"))),
        ),
        "3.1-R5",
    ),
    mutant("AX-10b", "a question mark is every address", takes(_targets(_unmask)), "3.1-R5"),
    mutant("AX-11", "only the first command of a packet", FirstOnly, "3.4-R1", "nested-hurried"),
    mutant("AX-12", "a write without a file is not told", Untold, "6.2-R2"),
    mutant("AX-13", "the priority file overwrites file A", keeps(write_text=_priority_in_a), "6.1.3-R1"),
    mutant("AX-14", "the priority file is never released", keeps(write_text=_never_released), "6.1.3-R2"),
    mutant("AX-15", "the priority file takes anything", keeps(write_text=_roomy), "6.1.3-R3"),
    mutant("AX-16", "sizes are rounded", keeps(told_table=_rounded), "6.2-R3"),
    mutant("AX-17", "files outlive a new configuration", keeps(configure=_keeps_files), "6.2-R4"),
    mutant(
        "AX-18",
        "STRING files share a place",
        keeps(write_string=_mixes),
        "6.3-R1",
        "string-room",
        "nested",
        "nested-hurried",
        "back-to-back",
    ),
    mutant("AX-19", "a STRING file takes anything", keeps(write_string=_spills), "6.3-R2"),
    mutant("AX-20", "control codes are taken out of a TEXT", keeps(write_text=_plain), "6.1-R1"),
    mutant("AX-20b", "a shorter STRING leaves the end of the longer", keeps(write_string=_overlays), "6.3-R3"),
    mutant("AX-21", "no ACK", says(lambda b, d: b"" if d[:1] == b"\x06" else d), "6.2-R11"),
    mutant("AX-22", "ACK to everything", says(lambda b, d: b"\x06" + d[1:] if d[:1] == b"\x15" else d), "6.2-R12"),
    mutant("AX-23", "ACK is never off", StillAcks, "6.2-R13"),
    mutant(
        "AX-24",
        "the status register without an error is not 40",
        says(lambda b, d: d.replace(b"*@", b"* ")),
        "6.2-R7",
    ),
    mutant(
        "AX-25",
        "a wrong checksum is not told",
        takes(lambda b, e: None if isinstance(e, Command) and e.check == "bad" else e),
        "6.2-R8",
        "nak",
    ),
    mutant("AX-26", "the status is never cleared", NeverClears, "6.2-R10", "status-form"),
    mutant("AX-27", "an unknown command is not told", Derails, "6.2-R9"),
    mutant("AX-28", "no silence ends a packet", Patient, "3.1-R8"),
    mutant("AX-29", "SOH inside a packet is lost", hears(_take=_no_restart), "3.1-R9"),
    mutant("AX-30", "characters before SOH make it deaf", NoiseDeaf, "3.1-R10", "slow"),
    mutant(
        "AX-31",
        "ten NULs are needed",
        takes(lambda b, e: e._replace(targets=()) if isinstance(e, Started) and e.wake_up < 10 else e),
        "3.1-R11",
        "back-to-back",
    ),
    mutant("AX-32", "the clock takes minutes before hours", WrongClock, "6.2-R6"),
    mutant("AX-33", "the run sequence is turned round", keeps(set_sequence=_sequence), "6.2-R5"),
    mutant("AX-34", "STRING files are lost with the power", Loses, "6.2-R14"),
    mutant("AX-36", "a packet right after another is lost", OnlyOne, "3.1-R6"),
    mutant("AX-37", "a silence of 0.3 s ends a packet", Impatient, "3.1-R7"),
)
