"""Devices that do not bear their line: OSDP keypads and a Modbus keypad with one defect each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from bench.compliance.mutants.base import UNIT, Mutant
from bench.compliance.mutants.osdp_device import AnswersAll, on_line
from firmware_sim.burst import LineSettings
from firmware_sim.device import MS, Effect, Flaws, Send
from firmware_sim.devices.osdp_keypad import OsdpKeypad
from firmware_sim.resample import resample
from protocol.osdp import Answer, Command, Packet

__all__ = ["MUTANTS"]

_NAK: Final = Packet(UNIT, True, 0, True, Answer.NAK, b"\x01").wire()


class _Ears(OsdpKeypad):
    """A place for a defect: what it does with a burst."""

    heard_until = 0
    count = 0

    def bends(self, now: int, data: bytes, first: int, last: int) -> Iterable[Effect] | None:
        """None: hears as it should; effects: does this instead."""
        return None

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        bent = self.bends(now, data, first, last)
        self.heard_until = last
        return super().hear(now, data, first, last, flaws) if bent is None else bent


def _noise(data: bytes) -> bool:
    return len(data) == 5 and set(data) <= set(b"\x31\x3c\x47\x4a\x5c\x61\x6e\x71")


class InPieces(OsdpKeypad):
    """LL-02: 15 ms of silence in the middle of a reply."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        self._polls = {}
        for effect in super().hear(now, data, first, last, flaws):
            if isinstance(effect, Send):
                yield Send(effect.data[:4], effect.after)
                yield Send(effect.data[4:], effect.after + 20 * MS)
            else:
                yield effect


class SaysTwice(OsdpKeypad):
    """LL-03: the capabilities again after 600 ms."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        for effect in super().hear(now, data, first, last, flaws):
            yield effect
            if isinstance(effect, Send) and data == _ASKED:
                yield Send(effect.data, effect.after + 600 * MS)


class NaksNoise(_Ears):
    """LL-04: NAK to characters that begin no packet."""

    def bends(self, now: int, data: bytes, first: int, last: int) -> Iterable[Effect] | None:
        return [Send(_NAK, 2 * MS)] if _noise(data) else None


def _deaf(title: str, when: Callable[[bytes], bool], ms: int = 300) -> type[_Ears]:
    """A class that hears nothing for some time after bursts of a kind."""

    class Deaf(_Ears):
        until = 0

        def bends(self, now: int, data: bytes, first: int, last: int) -> Iterable[Effect] | None:
            if first < self.until:
                return ()
            if when(data):
                self.until = last + ms * MS
                return ()
            return None

    Deaf.__doc__ = title
    return Deaf


class NaksGarbled(_Ears):
    """LL-08, LL-09: what another speed sounds like is told as a bad check."""

    def __init__(self, *args: Any, garbled: bytes, **more: Any) -> None:
        super().__init__(*args, **more)
        self._garbled = garbled

    def bends(self, now: int, data: bytes, first: int, last: int) -> Iterable[Effect] | None:
        return [Send(_NAK, 2 * MS)] if data == self._garbled else None


class SlowEars(_Ears):
    """LL-12: needs 40 ms after its own reply."""

    busy = 0

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        if first < self.busy:
            return ()
        effects = list(super().hear(now, data, first, last, flaws))
        for effect in effects:
            if isinstance(effect, Send):
                self.busy = last + effect.after + (len(effect.data) * 1_041_667) + 38 * MS
        return effects


class LosesTwentieth(_Ears):
    """LL-13: of twenty requests hard upon each other the last is lost."""

    def bends(self, now: int, data: bytes, first: int, last: int) -> Iterable[Effect] | None:
        if data == _ASKED:
            self.count = self.count + 1 if first - self.heard_until < 120 * MS else 0
        if self.count == 20:
            self.count = 0
            return ()
        return None


class FallsAsleep(_Ears):
    """LL-14: after 20 s of silence the first request only wakes it."""

    def bends(self, now: int, data: bytes, first: int, last: int) -> Iterable[Effect] | None:
        return () if self.heard_until and first - self.heard_until > 20_000 * MS else None


class NoGaps(_Ears):
    """LL-15: a request must come in one burst."""

    def bends(self, now: int, data: bytes, first: int, last: int) -> Iterable[Effect] | None:
        return () if data[:1] == b"\x53" and len(data) < 7 else None


class AnswersEcho(_Ears):
    """LL-16: its own reply draws a reply."""

    def bends(self, now: int, data: bytes, first: int, last: int) -> Iterable[Effect] | None:
        return [Send(_NAK, 2 * MS)] if data[:2] == bytes((0x53, UNIT | 0x80)) else None


def _row(
    id_: str, requirement: str, title: str, kind: Callable[..., OsdpKeypad], *collateral: str, **more: Any
) -> Mutant:
    return Mutant(
        id_,
        title,
        on_line(lambda: kind("keypad", address=UNIT, **more)),
        "osdp_keypad",
        requirement=f"LINE-{requirement}",
        collateral=frozenset(f"line.dev.{case}" for case in collateral),
        cases="line.",
    )


def _zeros(data: bytes) -> bool:
    return data[:8] == bytes(8)


_ASKED: Final = Packet(UNIT, False, 0, True, Command.CAP, b"\x00").wire()
"""The request of the line's cases."""


def _garbled(**sender: Any) -> bytes:
    """The request as other settings make it sound."""
    settings = LineSettings.parse("9600 8N1")
    data, flaws = resample(_ASKED, replace(settings, **sender), settings)
    return bytes(char for at, char in enumerate(data) if at not in flaws)


_HALF: Final = _garbled(baud=4800)
_DOUBLE: Final = _garbled(baud=19200)
_SEVEN: Final = _garbled(data_bits=7, parity="E")

MUTANTS: Final = (
    _row("LL-01", "reply-R1", "replies at once", OsdpKeypad, turnaround=1),
    _row("LL-02", "reply-R2", "a hole in each reply", InPieces),
    _row("LL-03", "reply-R3", "tells its capabilities twice", SaysTwice, "echo", "many"),
    _row("LL-04", "noise-R1", "NAK to noise", NaksNoise, "after-noise"),
    _row("LL-05", "noise-R2", "deaf after noise", _deaf("Deaf.", _noise)),
    _row("LL-06", "noise-R3", "its buffer runs over", _deaf("Deaf.", lambda data: len(data) > 300)),
    _row("LL-07", "noise-R4", "zeros make it deaf", _deaf("Deaf.", _zeros)),
    _row("LL-08", "speed-R1", "NAK to half the speed", NaksGarbled, "after-other-speed", garbled=_HALF),
    _row("LL-09", "speed-R1", "NAK to double the speed", NaksGarbled, garbled=_DOUBLE),
    _row("LL-10", "speed-R2", "deaf after another speed", _deaf("Deaf.", lambda data: data == _HALF)),
    _row("LL-11", "parity-R1", "deaf after another parity", _deaf("Deaf.", lambda data: data == _SEVEN)),
    _row("LL-18", "others-R2", "answers for other stations", AnswersAll),
    _row("LL-12", "pace-R1", "needs 40 ms after a reply", SlowEars),
    _row("LL-13", "pace-R2", "loses the twentieth request in a row", LosesTwentieth),
    _row("LL-14", "pace-R3", "falls asleep after 20 s", FallsAsleep),
    _row("LL-15", "pace-R4", "a request must come in one burst", NoGaps),
    _row("LL-16", "others-R1", "replies to its own echo", AnswersEcho),
)  # fmt: skip
