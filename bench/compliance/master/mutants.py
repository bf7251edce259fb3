"""Small masters on the line's own clock: one that is well behaved, and fourteen with one bad manner each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from bench.compliance.master.presenter import UNITS
from bench.compliance.master.run import play_master
from bench.compliance.modbus_bench import crc_from_zero, words
from firmware_sim.device import MS, Alarm, Effect, Flaws, Send, Watch
from protocol.modbus.rtu import is_sound, seal

__all__ = ["MASTERS", "MasterMutant", "SmallMaster"]

BETWEEN: Final = 30 * MS


class SmallMaster:
    """Polls status and events of the reference keypads, and acknowledges what it read.

    Methods without underscore are places for a bad manner.
    """

    name = "port"
    watch: Watch | None = None
    timeout: int = 250 * MS
    last: int = 0
    pause: int = BETWEEN

    def __init__(self) -> None:
        self._turn = 0
        self._asked = b""
        self._queue: list[bytes] = []

    def next(self) -> bytes:
        """The next request, without its check."""
        if self._queue:
            return self._queue.pop(0)
        unit = UNITS[self._turn // 2 % len(UNITS)]
        self._turn += 1
        block = self._turn % 2 == 0
        return bytes((unit, 4)) + (words(0x0100, 16) if block else words(2, 6))

    def sealed(self, body: bytes) -> bytes:
        """The request with its check."""
        return seal(body)

    def sends(self, frame: bytes) -> Iterable[Effect]:
        """The request as it is sent."""
        return (Send(frame),)

    def takes(self, data: bytes) -> bool:
        """Whether this is the reply."""
        return is_sound(data) and data[:2] == self._asked[:2]

    def ends(self, data: bytes) -> bool:
        """Whether this ends the waiting without being the reply."""
        return is_sound(data) and data[:1] == self._asked[:1]

    def read(self, data: bytes) -> None:
        """Use a reply."""
        if self._asked[1:4] == b"\x04\x01\x00" and len(data) > 8 and data[3:7] != b"\xff\xff\xff\xff":
            self.last = int.from_bytes(data[5:7], "big")
            self._queue.append(bytes((self._asked[0], 16)) + words(0, 2) + b"\x04" + data[3:7])

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        """Take a reply, or go on waiting."""
        if not self._asked:
            return ()
        if self.takes(data):
            self.read(data)
        elif not self.ends(data):
            return ()
        self._asked = b""
        return (Alarm(last + self.pause, "next"),)

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        """Ask; when nothing came in time, ask the next."""
        self._asked = self.next()
        return [*self.sends(self.sealed(self._asked)), *self.waits(now)]

    def waits(self, now: int) -> Iterable[Effect]:
        """How long for."""
        return () if self._asked[:1] == b"\x00" else (Alarm(now + self.timeout, "next"),)


class HighFirst(SmallMaster):
    """MM-01."""

    def sealed(self, body: bytes) -> bytes:
        frame = seal(body)
        return frame[:-2] + frame[:-3:-1]


class FromZero(SmallMaster):
    """MM-02."""

    def sealed(self, body: bytes) -> bytes:
        return crc_from_zero(body)


class Hurries(SmallMaster):
    """MM-03."""

    pause = 1 * MS


class Holes(SmallMaster):
    """MM-04."""

    def sends(self, frame: bytes) -> Iterable[Effect]:
        return Send(frame[:4]), Send(frame[4:], 7 * MS)


def _sometimes(body: bytes, wait: int) -> type[SmallMaster]:
    """A master that says this every tenth time, and waits so long after it."""

    class Sometimes(SmallMaster):
        count = 0

        def next(self) -> bytes:
            self.count += 1
            return body if self.count % 10 == 0 else super().next()

        def waits(self, now: int) -> Iterable[Effect]:
            return (Alarm(now + (wait if self._asked == body else self.timeout), "next"),)

    return Sometimes


class TakesAnyUnit(SmallMaster):
    """MM-09."""

    def takes(self, data: bytes) -> bool:
        return is_sound(data) and data[1:2] == self._asked[1:2]


class GivesUpWaiting(SmallMaster):
    """MM-10: another unit's reply ends its waiting with an error."""

    def ends(self, data: bytes) -> bool:
        return is_sound(data)


class TakesBadCheck(SmallMaster):
    """MM-11."""

    def takes(self, data: bytes) -> bool:
        return data[:2] == self._asked[:2]


class WaitsForEver(SmallMaster):
    """MM-12."""

    def waits(self, now: int) -> Iterable[Effect]:
        return ()


class AsksOnAndOn(SmallMaster):
    """MM-13: asks every 25 ms, whether a reply came or not."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        super().hear(now, data, first, last, flaws)
        return ()

    def waits(self, now: int) -> Iterable[Effect]:
        return (Alarm(now + 25 * MS, "next"),)


class ExceptionIsData(SmallMaster):
    """MM-14: an exception to a read is taken for the event after the last one."""

    def ends(self, data: bytes) -> bool:
        if super().ends(data) and data[1] == 0x84 and self._asked[2:4] == b"\x01\x00":
            self._queue.append(bytes((self._asked[0], 16)) + words(0, 2) + b"\x04" + words(1, self.last + 40))
        return super().ends(data)


@dataclass(frozen=True, slots=True)
class MasterMutant:
    """A master of the self-test.

    Args:
        id, title: what it is.
        make: how it is made.
        requirement: what must be blamed; "" for a master that is right.
        collateral: cases that may fail too.
    """

    id: str
    title: str
    make: Callable[[], Any]
    requirement: str = ""
    collateral: frozenset[str] = frozenset()

    def play(self) -> Any:
        """Run it through all phases."""

        def attach(stage: Any, clockwork: Any) -> None:
            master = stage.line.attach_master(self.make())
            clockwork.call_at(1, stage.line.apply, master, [Alarm(100 * MS, "next")])

        return play_master(attach)


def _mutant(id_: str, title: str, make: Callable[[], Any], requirement: str = "", *collateral: str) -> MasterMutant:
    return MasterMutant(id_, title, make, requirement, frozenset(f"rtu.mas.{name}" for name in collateral))


_GOES_ON: Final = tuple(
    f"goes-on-{phase}"
    for phase in ("silent", "late", "bad-check", "truncated", "exception", "noise", "twice", "other-unit")
)

MASTERS: Final = (
    _mutant("master", "a small master that behaves", SmallMaster),
    _mutant("MM-01", "check sent high byte first", HighFirst, "MBS-2.5.1.2-R1", *_GOES_ON, "recovers"),
    _mutant("MM-02", "check begins at 0000", FromZero, "MBS-2.5.1.2-R2", *_GOES_ON, "recovers"),
    _mutant("MM-03", "asks 1 ms after a reply", Hurries, "MBS-2.5.1.1-R6"),
    _mutant("MM-04", "a hole in each request", Holes, "MBS-2.5.1.1-R7", *_GOES_ON, "recovers"),
    _mutant("MM-05", "reads 126 registers", _sometimes(b"\x01\x04\x00\x00\x00\x7e", 300 * MS), "MBA-4.1-R2"),
    _mutant("MM-06", "asks unit 250", _sometimes(b"\xfa\x04\x00\x00\x00\x01", 100 * MS), "MBS-2.2-R4"),
    _mutant("MM-07", "reads by broadcast", _sometimes(b"\x00\x04\x00\x00\x00\x01", 200 * MS), "MBS-2.1-R4"),
    _mutant("MM-08", "asks right after a broadcast", _sometimes(b"\x00\x06\x00\x11\x00\x00", 14 * MS), "MBS-2.4.1-R3"),
    _mutant("MM-09", "takes any unit's reply", TakesAnyUnit, "MBS-2.4.1-R1"),
    _mutant("MM-10", "gives up waiting on another unit's reply", GivesUpWaiting, "MBS-2.4.1-R1"),
    _mutant("MM-11", "takes replies with a wrong check", TakesBadCheck, "MBS-2.4.1-R5"),
    _mutant("MM-12", "waits for ever", WaitsForEver, "MBS-2.4.1-R4"),
    _mutant("MM-13", "asks without waiting", AsksOnAndOn, "MBS-2.4.1-R2", "silence-before", "waits-on"),
    _mutant("MM-14", "takes an exception for data", ExceptionIsData, "MBA-7-R5"),
    _mutant(
        "MM-15",
        "writes more than 256 characters",
        _sometimes(b"\x01\x10" + words(0, 150) + bytes(255), 400 * MS),
        "MBA-4.1-R1",
    ),
)
"""A right master, and the mutants."""
