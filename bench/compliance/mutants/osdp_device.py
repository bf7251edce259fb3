"""OSDP keypads with one defect each (conformance.md 3.4, FM, as far as they map to OSDP; OS are further ones)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from random import Random
from typing import Any, Final

from bench.clock.clockwork import Clockwork
from bench.compliance.mutants.base import UNIT, Build, Hand, Mutant, Subject
from bench.compliance.mutants.others import Rule, parrot
from bench.compliance.virtual import View
from firmware_sim.device import MS, Effect, Flaws, Send
from firmware_sim.devices.osdp_keypad import OsdpKeypad
from firmware_sim.line import Line
from protocol import osdp
from protocol.checks import crc16_osdp, lrc8
from protocol.osdp import Answer, Bad, Command, Nak, Packet

__all__ = ["DEVICES", "MUTANTS", "NULL_DEVICES", "VARIANTS", "on_line"]


def on_line(make: Callable[[], OsdpKeypad]) -> Build:
    """A build of one OSDP keypad."""

    def build(line: Line, clockwork: Clockwork) -> Mapping[str, Hand]:
        keypad = make()
        line.attach(keypad)

        def plain(name: str) -> Hand:
            return lambda *args: line.apply(keypad, getattr(keypad, name)(clockwork.now, *args))

        def power_cycle() -> None:
            line.apply(keypad, keypad.unplug(clockwork.now))
            clockwork.advance_to(clockwork.now + 500 * MS)
            line.apply(keypad, keypad.plug_in(clockwork.now))

        return {name: plain(name) for name in keypad.human} | {"power_cycle": power_cycle}

    return build


class Bent(OsdpKeypad):
    """The shipped keypad with places for a defect: what it hears, which items it takes, what it says."""

    said: Callable[[bytes], bytes] = staticmethod(lambda frame: frame)
    late = 0

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        self._polls = {}  # every command goes the one way where the defect is
        return [self._bent(effect) for effect in super().hear(now, data, first, last, flaws)]

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        return [self._bent(effect) for effect in super().wake(now, tag)]

    def _bent(self, effect: Effect) -> Effect:
        if isinstance(effect, Send):
            return Send(type(self).said(effect.data), effect.after + self.late)
        return effect


def _saying(name: str, rule: Callable[[bytes], bytes], **more: Any) -> type[Bent]:
    return type(name, (Bent,), {"said": staticmethod(rule), **more})


def _sealed(body: bytes) -> bytes:
    """A frame's check made anew, of the kind that its control byte tells."""
    crc = body[4] & 4
    return body + (crc16_osdp(body).to_bytes(2, "little") if crc else bytes((lrc8(body),)))


def _cut(frame: bytes) -> bytes:
    return frame[: -2 if frame[4] & 4 else -1]


def _address_zero(frame: bytes) -> bytes:
    return _sealed(frame[:1] + b"\x80" + _cut(frame)[2:])


def _short_length(frame: bytes) -> bytes:
    body = _cut(frame)
    return _sealed(body[:2] + (len(body)).to_bytes(2, "little") + body[4:])


def _crc_swapped(frame: bytes) -> bytes:
    return frame[:-2] + frame[:-3:-1] if frame[4] & 4 else frame


def _no_length_in_sum(frame: bytes) -> bytes:
    return frame if frame[4] & 4 else frame[:-1] + bytes((lrc8(frame[:2] + frame[4:-1]),))


def _xor(frame: bytes) -> bytes:
    if frame[4] & 4:
        return frame
    check = 0
    for char in frame[:-1]:
        check ^= char
    return frame[:-1] + bytes((check,))


def _always_crc(frame: bytes) -> bytes:
    if frame[4] & 4:
        return frame
    body = _cut(frame)
    return _sealed(body[:2] + (len(body) + 2).to_bytes(2, "little") + bytes((body[4] | 4,)) + body[5:])


def _control_bit(frame: bytes) -> bytes:
    body = _cut(frame)
    return _sealed(body[:4] + bytes((body[4] | 0x20,)) + body[5:])


def _next_sequence(frame: bytes) -> bytes:
    body = _cut(frame)
    return _sealed(body[:4] + bytes((body[4] & ~3 | (body[4] & 3) % 3 + 1,)) + body[5:])


def _data_of(code: int, edit: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Edit the data of one kind of reply."""

    def rule(frame: bytes) -> bytes:
        if frame[5] != code:
            return frame
        body = _cut(frame)
        made = body[:6] + edit(body[6:])
        size = len(made) + (2 if frame[4] & 4 else 1)
        return _sealed(made[:2] + size.to_bytes(2, "little") + made[4:])

    return rule


class NoCheck(Bent):
    """OS-07: the check of a command is not looked at."""

    def _take(self, now: int, items: Iterable[Packet | Bad], out: list[Effect]) -> None:
        taken = []
        for item in items:
            good = isinstance(item, Packet)
            taken.append(item if good else Packet(item.address, item.reply, item.sequence, item.crc, Command.LSTAT))
        super()._take(now, taken, out)


class HatesMark(Bent):
    """OS-08: a command with the mark is not understood."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        return super().hear(now, data, first, last, flaws) if data[:2] != b"\xff\x53" else ()


class NewOnRetry(Bent):
    """FM-07: a repetition is answered with a new sequence number."""

    def _command(self, now: int, packet: Packet) -> list[Effect]:
        if packet.sequence and packet.sequence == self._last:
            return self._say(Packet(self.address, True, packet.sequence % 3 + 1, packet.crc, Answer.ACK))
        return super()._command(now, packet)


class Twice(Bent):
    """FM-08: a repeated poll is carried out again."""

    def _command(self, now: int, packet: Packet) -> list[Effect]:
        if packet.code == Command.POLL and packet.sequence and packet.sequence == self._last and self._waiting:
            self._last = (packet.sequence + 1) % 3 + 1  # as if it were the next
        return super()._command(now, packet)


class ZeroRepeats(Bent):
    """FM-09: sequence 0 is taken for a repetition when a dialogue is on."""

    def _command(self, now: int, packet: Packet) -> list[Effect]:
        if packet.sequence == 0 and packet.code != Command.POLL and self._last == 0:
            return [Send(self._reply, 2 * MS)]
        return super()._command(now, packet)


class AnySequence(Bent):
    """OS-13: the sequence is not looked at."""

    def _command(self, now: int, packet: Packet) -> list[Effect]:
        if packet.sequence and packet.sequence != self._last:
            self._last = (packet.sequence + 1) % 3 + 1
        return super()._command(now, packet)


class Sulks(Bent):
    """FM-10: after a wrong sequence it refuses all until its supply was off."""

    sulks = False

    def _say(self, packet: Packet) -> list[Effect]:
        self.sulks = self.sulks or (packet.code == Answer.NAK and packet.data[0] == Nak.SEQUENCE)
        return super()._say(packet)

    def _command(self, now: int, packet: Packet) -> list[Effect]:
        if self.sulks:
            return self._say(self._nak(packet.sequence, packet.crc, Nak.SEQUENCE))
        return super()._command(now, packet)

    def plug_in(self, now: int) -> Iterable[Effect]:
        self.sulks = False
        return super().plug_in(now)


class ZeroAfterThree(Bent):
    """OS-15: after 3 it wants 0."""

    def _expected(self) -> int:
        return -1 if self._last in (None, 3) else super()._expected()


class LosesUnconfirmed(Bent):
    """OS-16: what was not confirmed is not told again."""

    def _accept(self, now: int, sequence: int, out: list[Effect]) -> None:
        self._fetched = None
        super()._accept(now, sequence, out)


class AnswersAll(Bent):
    """OS-17: answers for any address."""

    def _take(self, now: int, items: Iterable[Packet | Bad], out: list[Effect]) -> None:
        mine = [i._replace(address=self.address) if isinstance(i, Packet) and not i.reply else i for i in items]
        super()._take(now, mine, out)


class HearsEcho(Bent):
    """FM-14: a packet with the reply bit is taken for a command."""

    def _take(self, now: int, items: Iterable[Packet | Bad], out: list[Effect]) -> None:
        super()._take(now, [i._replace(reply=False) if isinstance(i, Packet) else i for i in items], out)


class SpeaksUp(Bent):
    """OS-20: tells a press at once."""

    def press(self, now: int, key: int | str) -> Iterable[Effect]:
        return [*super().press(now, key), Send(Packet(self.address, True, 0, True, Answer.KEYPAD, b"\0\1\x31").wire())]


class AcksUnknown(Bent):
    """OS-24: acknowledges whatever it does not know."""

    def _nak(self, sequence: int, crc: bool, why: Nak) -> Packet:
        if why == Nak.UNKNOWN:
            return Packet(self.address, True, sequence, crc, Answer.ACK)
        return super()._nak(sequence, crc, why)


class UnknownForLength(Bent):
    """OS-25: a wrong length draws NAK 9."""

    def _nak(self, sequence: int, crc: bool, why: Nak) -> Packet:
        return super()._nak(sequence, crc, Nak.CANNOT if why == Nak.LENGTH else why)


class UnknownForSecure(Bent):
    """OS-28: a secure channel is refused as an unknown command."""

    def _nak(self, sequence: int, crc: bool, why: Nak) -> Packet:
        return super()._nak(sequence, crc, Nak.UNKNOWN if why == Nak.SECURE_UNSUPPORTED else why)


class ComFromNew(Bent):
    """OS-26: COM comes from the new address already."""

    def _say(self, packet: Packet) -> list[Effect]:
        if packet.code == Answer.COM:
            packet = packet._replace(address=packet.data[0])
        return super()._say(packet)


class NoTimedLamp(Bent):
    """OS-27: a lamp for a time is refused."""

    def _lamps(self, now: int, data: bytes, out: list[Effect]) -> Any:
        return Nak.CANNOT if len(data) == 14 and data[2] == 2 else super()._lamps(now, data, out)


class BusyForEver(Bent):
    """FM-13: after ABORT it is busy until its supply was off."""

    busy = False

    def _command(self, now: int, packet: Packet) -> list[Effect]:
        if self.busy:
            return self._say(Packet(self.address, True, packet.sequence, packet.crc, Answer.BUSY))
        self.busy = packet.code == Command.ABORT
        return super()._command(now, packet)

    def plug_in(self, now: int) -> Iterable[Effect]:
        self.busy = False
        return super().plug_in(now)


class LastFirst(Bent):
    """OS-31: the last press is told first."""

    def _news(self, sequence: int, crc: bool) -> Packet:
        if self._status_told and self._waiting:
            self._waiting.appendleft(self._waiting.pop())
        return super()._news(sequence, crc)


class ForgetsKeys(Bent):
    """OS-32: a command other than a poll empties the keys."""

    def _command(self, now: int, packet: Packet) -> list[Effect]:
        if packet.code not in (Command.POLL, Command.ABORT):
            self._waiting.clear()
        return super()._command(now, packet)


class QuietTamper(Bent):
    """OS-33: an opened case is told only when asked."""

    def tamper(self, now: int, on: bool) -> Iterable[Effect]:
        effects = super().tamper(now, on)
        self._status_told = True
        return effects


class _Deaf(Bent):
    """Hears nothing for a minute after something, or until its supply was off."""

    deaf = -1

    def triggers(self, data: bytes) -> bool:
        """Whether this burst makes it deaf."""
        return False

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        if first < self.deaf:
            return ()
        if self.triggers(data):
            self.deaf = last + 60_000 * MS
            return ()
        return super().hear(now, data, first, last, flaws)

    def plug_in(self, now: int) -> Iterable[Effect]:
        self.deaf = -1
        return super().plug_in(now)


class WaitsForLength(_Deaf):
    """FM-05: the length is not bounded."""

    def triggers(self, data: bytes) -> bool:
        return data[:1] == b"\x53" and len(data) >= 4 and (data[2] | data[3] << 8) > osdp.MOST_BYTES


class WaitsForRest(_Deaf):
    """OS-36: a packet that broke off is waited for, whatever comes."""

    def triggers(self, data: bytes) -> bool:
        return data[:1] == b"\x53" and len(data) > 5 and len(data) < (data[2] | data[3] << 8) <= osdp.MOST_BYTES


class EatsNext(Bent):
    """FM-06: after a bad check the rest of what came is thrown away."""

    def _take(self, now: int, items: Iterable[Packet | Bad], out: list[Effect]) -> None:
        taken = []
        for item in items:
            taken.append(item)
            if isinstance(item, Bad):
                break
        super()._take(now, taken, out)


class Noisy(Bent):
    """OS-38: a packet must begin the burst."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        clean = data.removeprefix(b"\xff")
        return super().hear(now, data, first, last, flaws) if clean[:1] == b"\x53" else ()


def _row(id_: str, requirement: str, title: str, kind: type[OsdpKeypad], *collateral: str, wild: str = "") -> Mutant:
    return Mutant(
        id_,
        title,
        on_line(lambda: kind("keypad", address=UNIT)),
        "osdp_keypad",
        requirement=f"OSDP-{requirement}",
        collateral=frozenset(f"osdp.dev.{case}" for case in collateral),
        wild=wild,
        cases="osdp.",
    )


MUTANTS: Final = (
    _row("OS-01", "packet-R1", "replies as address 0", _saying("A", _address_zero)),
    _row("OS-02", "packet-R2", "the length leaves out the check", _saying("B", _short_length)),
    _row("OS-03", "packet-R3", "CRC bytes sent high first", _saying("C", _crc_swapped)),
    _row("OS-FM-01", "packet-R4", "the checksum omits the length", _saying("D", _no_length_in_sum)),
    _row("OS-FM-02", "packet-R4", "XOR where the sum is specified", _saying("E", _xor)),
    _row("OS-05", "packet-R5", "always replies with a CRC", _saying("F", _always_crc)),
    _row("OS-06", "packet-R8", "sets a reserved control bit", _saying("G", _control_bit)),
    _row("OS-07", "packet-R6", "the check is not looked at", NoCheck),
    _row("OS-08", "packet-R7", "deaf with the mark", HatesMark),
    _row("OS-10", "sequence-R1", "replies with the next sequence", _saying("H", _next_sequence)),
    _row("OS-FM-07", "sequence-R2", "a repetition draws a new sequence", NewOnRetry, wild="libosdp #196 (its mirror)"),
    _row("OS-FM-08", "sequence-R3", "a repeated poll is carried out again", Twice),
    _row("OS-FM-09", "sequence-R4", "0 is taken for a repetition", ZeroRepeats),
    _row("OS-13", "sequence-R5", "the sequence is not looked at", AnySequence),
    _row("OS-FM-10", "sequence-R6", "refuses all after a wrong sequence", Sulks, wild="smartrent/jeff PR #34"),
    _row("OS-15", "sequence-R7", "wants 0 after 3", ZeroAfterThree, "outputs"),
    _row("OS-16", "sequence-R8", "what was not confirmed is lost", LosesUnconfirmed),
    _row("OS-17", "address-R1", "answers for any address", AnswersAll),
    _row("OS-FM-14", "address-R2", "takes replies and echoes for commands", HearsEcho),
    _row("OS-19", "timing-R1", "replies after 300 ms", _saying("I", lambda frame: frame, late=300 * MS)),
    _row("OS-20", "timing-R2", "tells a press unasked", SpeaksUp),
    _row("OS-21", "command-R1", "PDID of 11 bytes", _saying("J", _data_of(Answer.PDID, lambda d: d[:-1]))),
    _row("OS-22", "command-R2", "PDCAP a byte too long", _saying("K", _data_of(Answer.PDCAP, lambda d: d + b"\0"))),
    _row("OS-23", "command-R3", "LSTATR of one byte", _saying("L", _data_of(Answer.LSTATR, lambda d: d[:1]))),
    _row("OS-24", "command-R4", "acknowledges what it does not know", AcksUnknown),
    _row("OS-25", "command-R5", "NAK 9 for a wrong length", UnknownForLength),
    _row("OS-26", "command-R6", "COM comes from the new address", ComFromNew),
    _row("OS-27", "command-R7", "a lamp for a time is refused", NoTimedLamp),
    _row("OS-28", "command-R8", "NAK 3 for a secure channel", UnknownForSecure),
    _row("OS-FM-13", "command-R9", "busy for ever after ABORT", BusyForEver),
    _row("OS-30", "key-R1", "keys as numbers, not characters",
         _saying("M", _data_of(Answer.KEYPAD, lambda d: d[:2] + bytes(c & 0x0F for c in d[2:]))), "retry-once"),
    _row("OS-31", "key-R2", "the last press is told first", LastFirst, "retry-once"),
    _row("OS-32", "key-R3", "other commands empty the keys", ForgetsKeys),
    _row("OS-33", "key-R4", "an opened case is not told", QuietTamper),
    _row("OS-FM-05", "recovery-R1", "the length is not bounded", WaitsForLength),
    _row("OS-36", "recovery-R2", "waits for a rest that does not come", WaitsForRest),
    _row("OS-FM-06", "recovery-R3", "a bad check eats the next packet", EatsNext),
    _row("OS-38", "recovery-R4", "a packet must begin the burst", Noisy),
)  # fmt: skip


def _right(id_: str, title: str, changes: tuple[tuple[str, str], ...] = (), **keypad: Any) -> Subject:
    made = {"address": UNIT} | keypad
    return Subject(
        id_, title, on_line(lambda: OsdpKeypad("keypad", **made)), "osdp_keypad", changes, unit=made["address"]
    )


class SilentOnBad(OsdpKeypad):
    """A bad check draws silence, which is right too."""

    def _take(self, now: int, items: Iterable[Packet | Bad], out: list[Effect]) -> None:
        super()._take(now, [item for item in items if isinstance(item, Packet)], out)


DEVICES: Final = (_right("osdp_keypad", "the shipped OSDP keypad"),)

VARIANTS: Final = (
    *DEVICES,
    _right("LV-OS-1", "sends the mark before each reply", mark=True),
    _right("LV-OS-2", "replies after 190 ms", turnaround=190 * MS),
    _right("LV-OS-3", "replies at once", turnaround=1),
    _right("LV-OS-4", "address 126", address=126),
    Subject("LV-OS-5", "silent on a bad check", on_line(lambda: SilentOnBad("keypad", address=UNIT)), "osdp_keypad"),
    _right(
        "LV-OS-6",
        "declared without text and buzzer",
        (("text = true", "text = false"), ("buzzer = true", "buzzer = false")),
    ),
    replace(_right("LV-OS-7", "seen through packets of 16 characters"), view=View(16, 1 * MS)),
    replace(_right("LV-OS-8", "115200 bit/s", baud=115_200), settings="115200 8N1"),
)


def _null(id_: str, title: str, rule: Rule) -> Subject:
    return Subject(id_, title, parrot(rule, ("press", "tamper")), "osdp_keypad")


def _packet(sequence: int, crc: bool, code: int, data: bytes = b"") -> bytes:
    return Packet(UNIT, True, sequence, crc, code, data).wire()


_GOLDEN: Final = tuple(
    _packet(sequence % 3 + 1 if sequence else 0, bool(sequence % 2), code, data)
    for sequence, (code, data) in enumerate(
        (
            (Answer.ACK, b""),
            (Answer.PDID, bytes(12)),
            (Answer.LSTATR, bytes(2)),
            (Answer.ACK, b""),
            (Answer.PDCAP, bytes(6)),
        )
    )
)

NULL_DEVICES: Final = (
    _null("ND-OS-2", "silence", lambda count, data: b""),
    _null("ND-OS-3", "echoes everything", lambda count, data: data),
    _null(
        "ND-OS-3b",
        "echoes with the reply bit",
        lambda count, data: data[:1] + bytes((data[1] | 0x80,)) + data[2:] if len(data) > 2 else b"",
    ),
    _null("ND-OS-4", "random characters", lambda count, data: Random(count).randbytes(9)),
    _null(
        "ND-OS-5",
        "NAK to everything",
        lambda count, data: _packet(data[4] & 3, bool(data[4] & 4), Answer.NAK, b"\x03") if len(data) > 6 else b"",
    ),
    _null(
        "ND-OS-5b",
        "ACK to everything, in step",
        lambda count, data: _packet(data[4] & 3, bool(data[4] & 4), Answer.ACK) if len(data) > 6 else b"",
    ),
    _null("ND-OS-6", "replays recorded replies", lambda count, data: _GOLDEN[count % len(_GOLDEN)]),
    _null("ND-OS-7", "one constant good reply", lambda count, data: _GOLDEN[0]),
    _null("ND-OS-8", "answers once", lambda count, data: _GOLDEN[0] if not count else b""),
)
