"""Devices of declared protocols: the shipped ones, and mutants made by changing a declaration or what plays it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from bench.clock.clockwork import Clockwork
from bench.compliance.declared_bench import spec_text
from bench.compliance.mutants.base import UNIT, Build, Hand, Mutant, Subject
from bench.compliance.mutants.others import Rule, parrot
from firmware_sim.device import MS, Alarm, Effect, Flaws, Send
from firmware_sim.devices.declared_device import DeclaredDevice
from firmware_sim.line import Line
from protocol.declared.build import build as built
from protocol.declared.codec import Codec
from protocol.declared.reader import Frame

__all__ = ["DEVICES", "MUTANTS", "NULL_DEVICES", "VARIANTS"]

Change = tuple[str, str]


def _codec(name: str, changes: tuple[Change, ...] = ()) -> Codec:
    """A shipped declaration, texts in it replaced; its vectors are those of the original and are not checked."""
    text = spec_text(name)
    for old, new in changes:
        if old not in text:
            raise ValueError(f"{name}.toml has no {old!r}")
        text = text.replace(old, new)
    return Codec(built(tomllib.loads(text), vectors=False))


def on_line(make: Callable[[], DeclaredDevice]) -> Build:
    """A build of one declared device."""

    def build(line: Line, clockwork: Clockwork) -> Mapping[str, Hand]:
        device = make()
        line.attach(device)

        def plain(name: str) -> Hand:
            return lambda *args: line.apply(device, getattr(device, name)(clockwork.now, *args))

        def power_cycle() -> None:
            plain("unplug")()
            clockwork.advance_to(clockwork.now + 500 * MS)
            plain("plug_in")()

        return {name: plain(name) for name in device.human} | {"power_cycle": power_cycle}

    return build


def _unit(codec: Codec) -> int | None:
    return UNIT if codec.declaration.address is not None else None


def _device(name: str, changes: tuple[Change, ...] = (), kind: type[DeclaredDevice] = DeclaredDevice) -> Build:
    codec = _codec(name, changes)
    return on_line(lambda: kind("device", codec, unit=_unit(codec)))


# -- defects that no declaration can have -----------------------------------------------------------------------------
class Reseals(DeclaredDevice):
    """Does not look at the check: takes a frame of which one bit of the last three characters would have to differ."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        return super().hear(now, data if self._whole(data) else self._fitting(data), first, last, flaws)

    def _whole(self, data: bytes) -> bool:
        reader = self.codec.reader("host")
        found = [*reader.feed(data), *reader.gap()]
        return len(found) == 1 and isinstance(found[0], Frame) and data.endswith(found[0].raw)

    def _fitting(self, data: bytes) -> bytes:
        for at in range(len(data) - 1, max(0, len(data) - 4), -1):
            for bit in range(8):
                tried = data[:at] + bytes((data[at] ^ 1 << bit,)) + data[at + 1 :]
                if self._whole(tried):
                    return tried
        return data


class AnyAddress(DeclaredDevice):
    """Hears what is for any address."""

    def _frame(self, now: int, frame: Any, out: Any) -> None:
        own = self._own
        self._own = frame.codec.values(frame.raw).get(self._address, own)
        super()._frame(now, frame, out)
        self._own = own


class _Deaf(DeclaredDevice):
    """Deaf for eight seconds after something, or until its supply was off."""

    until = 0

    def triggers(self, data: bytes, now: int) -> bool:
        """Whether this burst makes it deaf."""
        return False

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        if now >= self.until and self.triggers(data, now):
            self.until = now + 8_000 * MS
        return () if now < self.until else super().hear(now, data, first, last, flaws)

    def plug_in(self, now: int) -> Iterable[Effect]:
        self.until = 0
        return super().plug_in(now)


class StopsAtHalf(_Deaf):
    """Waits for the rest of half a frame for ever."""

    longest = 0

    def triggers(self, data: bytes, now: int) -> bool:
        self.longest = max(self.longest, len(data))
        reader = self.codec.reader("host")
        return 1 < len(data) < 0.7 * self.longest and not reader.feed(data) and reader.pending


class StopsAtFirst(_Deaf):
    """Waits for the rest of a lone first character for ever."""

    def triggers(self, data: bytes, now: int) -> bool:
        return len(data) == 1


class StopsAtMuch(_Deaf):
    """Its receive buffer runs over."""

    def triggers(self, data: bytes, now: int) -> bool:
        return len(data) > 40


class MustBegin(DeclaredDevice):
    """A frame must begin the burst."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        reader = self.codec.reader("host")
        found = [*reader.feed(data), *reader.gap()]
        raw = getattr(found[0], "raw", b"") if found else b""
        return (
            () if raw and not data.startswith(raw) and data[0] < 0x7F else super().hear(now, data, first, last, flaws)
        )


class EatsNext(DeclaredDevice):
    """After a bad check the rest of what came is thrown away."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        reader = self.codec.reader("host")
        found = [*reader.feed(data), *reader.gap()]
        broken = any(not hasattr(item, "raw") or getattr(item, "cause", "") for item in found[:1])
        return () if broken and len(found) > 1 else super().hear(now, data, first, last, flaws)


class Chatters(DeclaredDevice):
    """Says hello two seconds after it was last spoken to."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        return [*super().hear(now, data, first, last, flaws), Alarm(now + 2_000 * MS, "chat")]

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        if tag == "chat":
            return [Send(b"hello")]
        return super().wake(now, tag)


class Late(DeclaredDevice):
    """Answers half a second late."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        said = super().hear(now, data, first, last, flaws)
        return [Send(e.data, e.after + 500 * MS) if isinstance(e, Send) else e for e in said]


class BareEnd(DeclaredDevice):
    """FM-03: a character of data that equals ETX goes out as it is."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        said = super().hear(now, data, first, last, flaws)
        return [Send(e.data.replace(b"\x10\x43", b"\x03"), e.after) if isinstance(e, Send) else e for e in said]


class EscapeIsData(DeclaredDevice):
    """FM-04: an escape that comes is kept as two characters of data; length and check no longer fit."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        taken = b"".join(b"\x10\x50" if char == 0x10 else bytes((char,)) for char in data)
        return super().hear(now, taken, first, last, flaws)


class HoldsTheLine(DeclaredDevice):
    """FM-15: its driver stays on for 3 ms after its last character, and what begins meanwhile is lost."""

    held = 0

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        each = max(1, (last - first) // max(1, len(data)))
        lost = min(len(data), max(0, -(-(self.held - first) // each)))
        said = list(super().hear(now, data[lost:], first, last, flaws)) if lost < len(data) else []
        for effect in said:
            if isinstance(effect, Send):
                self.held = now + effect.after + self._settings.duration(len(effect.data)) + 3 * MS
        return said


class NewOnRepeat(DeclaredDevice):
    """Its repetitions tell the next key."""

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        said = super().wake(now, tag)
        return [Send(e.data[:-1] + bytes((e.data[-1] ^ 1,)), e.after) if isinstance(e, Send) else e for e in said]


def _row(id_: str, requirement: str, title: str, name: str, build: Build, *collateral: str) -> Mutant:
    return Mutant(
        id_,
        title,
        build,
        name,
        requirement=f"DECL-{requirement}",
        collateral=frozenset(f"declared.dev.{case}" for case in collateral),
        cases="declared.",
    )


_EVALUATOR: Final = "ff68_evaluator"
_HEARING: Final = ("truncated", "start-again", "noise", "overlong", "behind-bad")

MUTANTS: Final = (
    _row("DM-01", "frame-R1", "XOR where the sum is declared", _EVALUATOR,
         _device(_EVALUATOR, (('check = "sum8"', 'check = "xor8"'),))),
    _row("DM-02", "frame-R1", "another end byte", _EVALUATOR, _device(_EVALUATOR, (('const = "16"', 'const = "17"'),))),
    _row("DM-03", "frame-R1", "the sum leaves out the data", _EVALUATOR,
         _device(_EVALUATOR, (('over = "addr..data"', 'over = "addr..cmd"'),))),
    _row("DM-04", "frame-R1", "the length counts the check too", _EVALUATOR,
         _device(_EVALUATOR, (('counts = "addr..data"', 'counts = "addr..cs"'),))),
    _row("DM-05", "message-R2", "two keys are exchanged", _EVALUATOR,
         _device(_EVALUATOR, (("plus = -1", 'map = { "1" = 0, "2" = 2, "3" = 1, "4" = 3 }'),))),
    _row("DM-06", "message-R3", "a beep is answered with a press", _EVALUATOR,
         _device(_EVALUATOR, (('{ note = "beep" }', '{ note = "beep" }, { send = "rate", values = { key = 0 } }'),)),
         "unasked"),
    _row("DM-07", "expect-R1", "never repeats", _EVALUATOR, _device(_EVALUATOR, (("retries = 3", "retries = 0"),)),
         "bad-check", "other-address"),
    _row("DM-08", "expect-R2", "waits for another command", _EVALUATOR,
         _device(_EVALUATOR, (("echo_with = { cmd = 0x01 }", "echo_with = { cmd = 0x21 }"),)), *_HEARING),
    _row("DM-09", "expect-R1", "repetitions differ", _EVALUATOR, _device(_EVALUATOR, kind=NewOnRepeat)),
    _row("DM-10", "address-R1", "tells address 1", _EVALUATOR,
         on_line(lambda: DeclaredDevice("device", _codec(_EVALUATOR), unit=1))),
    _row("DM-11", "address-R2", "answers any address", "led485_ascii", _device("led485_ascii", kind=AnyAddress)),
    _row("DM-12", "frame-R2", "the check is not looked at", _EVALUATOR, _device(_EVALUATOR, kind=Reseals)),
    _row("DM-13", "frame-R2", "the check is not looked at", "onbon", _device("onbon", kind=Reseals)),
    _row("DM-14", "recovery-R1", "half a frame stops it", "onbon", _device("onbon", kind=StopsAtHalf)),
    _row("DM-15", "recovery-R2", "a lone first character stops it", "onbon", _device("onbon", kind=StopsAtFirst)),
    _row("DM-16", "recovery-R3", "a frame must begin the burst", "onbon", _device("onbon", kind=MustBegin)),
    _row("DM-17", "recovery-R4", "its buffer runs over", _EVALUATOR, _device(_EVALUATOR, kind=StopsAtMuch)),
    _row("DM-18", "recovery-R5", "a bad check eats the next frame", "onbon", _device("onbon", kind=EatsNext)),
    _row("DM-19", "silence-R1", "chatters once spoken to", "led485_ascii", _device("led485_ascii", kind=Chatters)),
    _row("DM-20", "message-R4", "answers late", "led485_ascii", _device("led485_ascii", kind=Late), "answers"),
    _row("DM-21", "message-R1", "does not know its version", "led485_ascii",
         _device("led485_ascii", (('match = { code = 3 }', 'match = { code = 99 }'),))),
    _row("FM-03", "escape-R1", "data equal to ETX is not escaped", "framed", _device("framed", kind=BareEnd)),
    _row("FM-04", "escape-R2", "an escape is not undone on receive", "framed", _device("framed", kind=EscapeIsData)),
    _row("FM-15", "turnaround-R1", "holds the driver on for 3 ms", "framed", _device("framed", kind=HoldsTheLine)),
)  # fmt: skip

_NAMES: Final = ("ff68_evaluator", "ff68_console", "led485_ascii", "onbon", "syn6288", "xfs5152", "dfplayer")

DEVICES: Final = (
    *(Subject(name, f"the shipped declaration {name}", _device(name), name) for name in _NAMES),
    Subject("framed", "the suite's own framed protocol", _device("framed"), "framed"),
)
VARIANTS: Final = DEVICES


def _null(id_: str, title: str, declaration: str, rule: Rule) -> Subject:
    return Subject(id_, title, parrot(rule), declaration)


NULL_DEVICES: Final = tuple(
    _null(f"ND-D{number}-{name}", title, name, rule)
    for name in ("ff68_evaluator", "led485_ascii", "syn6288", "onbon", "framed")
    for number, title, rule in (
        (2, "silence", lambda count, data: b""),
        (3, "echoes everything", lambda count, data: data),
        (4, "random characters", lambda count, data: bytes((count * 37 % 251, 7, count % 5))),
        (7, "one constant reply", lambda count, data: b"\x4f"),
    )
)
