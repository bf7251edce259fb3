"""Modbus devices with a defect in frames, addresses, broadcasts or silences (conformance.md 3.2; MX: further ones)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bench.compliance.modbus_bench import crc_from_zero
from bench.compliance.mutants.base import Mutant, Station, on_station, reseal, sound
from firmware_sim.device import MS, Alarm, Effect, Flaws, Send
from protocol.modbus.rtu import seal

__all__ = ["MUTANTS"]


class CrcHighFirst(Station):
    """MB-01."""

    def sealed(self, frame: bytes) -> bytes:
        return frame[:-2] + frame[:-3:-1]


class CrcFromZero(Station):
    """MB-02."""

    def cut(self, frame: bytes) -> bytes:
        return seal(frame[:-2]) if crc_from_zero(frame[:-2]) == frame else b"\x00" * 4

    def sealed(self, frame: bytes) -> bytes:
        return crc_from_zero(frame[:-2])


class CrcInverted(Station):
    """MX-51: as CRC-16/USB does it."""

    def sealed(self, frame: bytes) -> bytes:
        return frame[:-2] + bytes(char ^ 0xFF for char in frame[-2:])


class CrcUnchecked(Station):
    """MB-03."""

    def cut(self, frame: bytes) -> bytes:
        return reseal(frame)


class BadAnswered(Station):
    """MB-04."""

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        frame = self._frame
        effects = list(super().wake(now, tag))
        if not tag and len(frame) == 8 and self.mine(frame) and not sound(frame):
            effects.append(Send(seal(bytes((frame[0], frame[1] | 0x80, 4)))))
        return effects


class AnyUnit(Station):
    """MB-05, and with limits the reserved addresses only."""

    least = 1
    asked = 0

    def cut(self, frame: bytes) -> bytes:
        self.asked = self.slave.unit
        if sound(frame) and frame[0] >= self.least:
            self.asked = frame[0]
            return seal(bytes((self.slave.unit,)) + frame[1:-2])
        return frame

    def sealed(self, frame: bytes) -> bytes:
        return seal(bytes((self.asked,)) + frame[1:-2])


class Reserved(AnyUnit):
    """MX-13."""

    least = 248


class OthersWritten(Station):
    """MX-14: carries out writes for others, silently."""

    muted = False

    def cut(self, frame: bytes) -> bytes:
        self.muted = bool(
            sound(frame)
            and frame[0]
            and frame[0] != self.slave.unit
            and frame[1] in (6, 16)
            and len(frame) > 8 - (frame[1] == 6)
        )
        return seal(bytes((self.slave.unit,)) + frame[1:-2]) if self.muted else frame

    def said(self, request: bytes, reply: bytes) -> bytes:
        return b"" if self.muted else reply


class FactoryUnit(Station):
    """MB-06."""

    def sealed(self, frame: bytes) -> bytes:
        return seal(b"\x01" + frame[1:-2])


class Swallows(Station):
    """MB-07: takes the header of another unit's reply for a request, and waits for the rest of it."""

    waits = False

    def begins(self, frame: bytes) -> bool:
        return sound(frame) and len(frame) == 8 and frame[1] == 0x10 and not self.mine(frame)

    def cut(self, frame: bytes) -> bytes:
        if self.waits:
            self.waits = False
            return b""
        self.waits = self.begins(frame)
        return frame


class SwallowsUnknown(Swallows):
    """MX-04."""

    def begins(self, frame: bytes) -> bool:
        return sound(frame) and self.mine(frame) and frame[1] not in self.slave.functions

    def said(self, request: bytes, reply: bytes) -> bytes:
        return b"" if request[0] not in self.slave.functions else reply


class SwallowsAfterNoise(Swallows):
    """MX-03."""

    def begins(self, frame: bytes) -> bool:
        return not sound(frame) and self.mine(frame) and frame[1:2] == b"\x10"


class Sticks(Station):
    """MX-02: silence ends no frame, what came too short stands before the next one."""

    rest = b""

    def cut(self, frame: bytes) -> bytes:
        frame, self.rest = self.rest + frame, b""
        if len(frame) < 6:
            self.rest = frame
        return frame


class BroadcastAnswered(Station):
    """MB-08."""

    def _execute_all(self, now: int, pdu: bytes) -> Iterable[Effect]:
        known = pdu[0] in (5, 6, 15, 16) and len(pdu) >= 5
        reply = [Send(seal(bytes((self.slave.unit,)) + pdu[:5]))] if known else []
        return [*super()._execute_all(now, pdu), *reply]


class BroadcastRefused(Station):
    """MB-09."""

    def _execute_all(self, now: int, pdu: bytes) -> Iterable[Effect]:
        effects = list(super()._execute_all(now, pdu))
        reply, _ = self._servers[0].answer(now, pdu, False)
        if reply[:1] and reply[0] & 0x80:
            effects.append(Send(seal(bytes((self.slave.unit,)) + reply)))
        return effects


class BroadcastIgnored(Station):
    """MB-10."""

    def _execute_all(self, now: int, pdu: bytes) -> Iterable[Effect]:
        return ()


class BroadcastRead(Station):
    """MX-01."""

    def _execute_all(self, now: int, pdu: bytes) -> Iterable[Effect]:
        if pdu[0] > 4:
            return super()._execute_all(now, pdu)
        reply, _ = self._servers[0].answer(now, pdu, False)
        return [Send(seal(bytes((self.slave.unit,)) + reply))]


class TooSoon(Station):
    """MB-22: replies as soon as the check fits."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        effects = super().hear(now, data, first, last, flaws)
        if not (sound(self._frame) and self.mine(self._frame)) or self._spoilt:
            return effects
        effects = list(self.wake(now, ""))
        sooner = min((e.after for e in effects if isinstance(e, Send)), default=0) - self.t35 // 3
        early = [Send(e.data, e.after - sooner) if isinstance(e, Send) else e for e in effects]
        return [*early, Alarm(None)]


class Holed(Station):
    """MB-23."""

    def sends(self, data: bytes, after: int) -> Iterable[Effect]:
        rest = after + self.settings.duration(4) + 2 * self.t15
        return Send(data[:4], after), Send(data[4:], rest)


class HoleTaken(Station):
    """MB-24."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        effects = super().hear(now, data, first, last, flaws)
        self._spoilt = bool(flaws)
        return effects


class GapRefused(Station):
    """MX-12."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        gap = bool(self._frame) and first - self._last > self.t15 // 3
        effects = super().hear(now, data, first, last, flaws)
        self._spoilt = self._spoilt or gap
        return effects


class Stuck(Station):
    """MB-25."""

    dead = False

    def cut(self, frame: bytes) -> bytes:
        self.dead = self.dead or len(frame) > 256
        return b"" if self.dead else frame

    def reset(self) -> None:
        self.dead = False


class ClearsOnBad(Station):
    """MB-26."""

    def cut(self, frame: bytes) -> bytes:
        if not sound(frame) and self.mine(frame) and frame[1:4] == b"\x04\x00\xc8":
            self.slave.event = 0
        return frame


class DeafAfterReply(Station):
    """MX-05."""

    until = 0

    def sends(self, data: bytes, after: int) -> Iterable[Effect]:
        self.until = self._last + self.t35 + after + self.settings.duration(len(data)) + 5 * MS
        return super().sends(data, after)

    def cut(self, frame: bytes) -> bytes:
        return b"" if self._first < self.until else frame


class SmallBuffer(Station):
    """MX-06."""

    def cut(self, frame: bytes) -> bytes:
        return b"" if len(frame) > 128 else frame


class Trails(Station):
    """MX-07."""

    def sealed(self, frame: bytes) -> bytes:
        return frame + b"\x00"


class Twice(Station):
    """MX-08."""

    def sends(self, data: bytes, after: int) -> Iterable[Effect]:
        return Send(data, after), Send(data, after + self.settings.duration(len(data)) + 20 * MS)


class Chatters(Station):
    """MX-09: says something when nobody spoke for 1.5 s."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        return [*super().hear(now, data, first, last, flaws), Alarm(last + 1500 * MS, "idle")]

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        if tag == "idle":
            return [Send(seal(bytes((self.slave.unit, 7, 0))))]
        return super().wake(now, tag)


class Reports(Station):
    """MX-10: sends a press by itself."""

    def relabel(self, slave: object, effects: Iterable[Effect]) -> list[Effect]:
        return [*super().relabel(slave, effects), Send(seal(bytes((self.slave.unit, 4, 2, 0, 3))), 5 * MS)]  # type: ignore[arg-type]


_NOISE: Final = frozenset({"half-frame", "noise-byte", "noise-burst", "short-frame", "oversize"})


def _mutant(
    id_: str,
    title: str,
    requirement: str,
    station: type[Station],
    *collateral: str,
    wild: str = "",
    turnaround: int = 0,
) -> Mutant:
    names = frozenset(f"rtu.dev.{name}" for name in collateral)
    build = on_station(station, turnaround=turnaround)
    return Mutant(id_, title, build, requirement=requirement, collateral=names, wild=wild)


MUTANTS: Final = (
    _mutant("MB-01", "check sent high byte first", "MBS-2.5.1.2-R1", CrcHighFirst),
    _mutant("MB-02", "check begins at 0000", "MBS-2.5.1.2-R2", CrcFromZero),
    _mutant(
        "MB-03",
        "check of a request not checked",
        "MBS-2.4.2-R2",
        CrcUnchecked,
        "bad-crc-silent",
        "bit-flip-silent",
        "fc08-crc-errors",
        *_NOISE,
    ),
    _mutant("MB-04", "exception to a request with a wrong check", "MBS-2.4.2-R1", BadAnswered),
    _mutant("MB-05", "answers any unit", "MBS-2.2-R1", AnyUnit, "reserved-silent", "foreign-reply"),
    _mutant("MB-06", "its factory address in the reply", "MBS-2.2-R2", FactoryUnit),
    _mutant("MB-07", "another unit's reply taken for a request", "MBS-2.4.2-R3", Swallows, wild="libmodbus #83"),
    _mutant(
        "MB-08",
        "replies to a broadcast write",
        "MBS-2.1-R1",
        BroadcastAnswered,
        "bcast-exception-silent",
        wild="libmodbus #153",
    ),
    _mutant("MB-09", "exception to a bad broadcast", "MBS-2.1-R2", BroadcastRefused, wild="nanoMODBUS #101"),
    _mutant("MB-10", "ignores broadcasts", "MBS-2.1-R3", BroadcastIgnored),
    _mutant("MB-22", "replies before t3.5 has passed", "MBS-2.5.1.1-R1", TooSoon),
    _mutant("MB-23", "a hole in its reply", "MBS-2.5.1.1-R2", Holed),
    _mutant("MB-24", "takes a request with a hole", "MBS-2.5.1.1-R3", HoleTaken),
    _mutant("MB-25", "deaf after a frame of more than 256 characters", "MBS-2.5.1-R1", Stuck),
    _mutant("MB-26", "a bad read clears the event", "MBS-2.4.2-R2", ClearsOnBad),
    _mutant("MX-01", "answers a broadcast read", "MBS-2.1-R1", BroadcastRead),
    _mutant("MX-02", "silence ends no frame", "MBS-2.5.1.1-R5", Sticks, "fc08-exceptions", "foreign-reply"),
    _mutant("MX-03", "loses a request after noise", "MBS-2.5.1.1-R5", SwallowsAfterNoise, "oversize"),
    _mutant(
        "MX-04",
        "unknown function: silence, and the next request lost",
        "MBS-2.5.1.1-R5",
        SwallowsUnknown,
        "unsupported",
        "fc08-exceptions",
        wild="pymodbus 3.16.1",
    ),
    _mutant("MX-05", "deaf for 5 ms after its reply", "MBS-2.5.1.1-R5", DeafAfterReply),
    _mutant("MX-06", "a buffer of 128 characters", "MBS-2.5.1-R2", SmallBuffer, "fc10-quantity"),
    _mutant("MX-07", "a character after the reply", "MBS-2.4.2-R4", Trails),
    _mutant("MX-08", "replies twice", "MBS-2.4.2-R4", Twice),
    _mutant("MX-09", "speaks when nobody asks", "MBS-2.4.2-R4", Chatters),
    _mutant("MX-10", "reports a press by itself", "MBS-2.4.2-R4", Reports),
    _mutant("MX-11", "replies after 300 ms, 200 are declared", "MBS-2.4.2-R5", Station, turnaround=300 * MS),
    _mutant("MX-12", "refuses requests with small gaps", "MBS-2.5.1.1-R4", GapRefused),
    _mutant("MX-13", "answers to reserved addresses", "MBS-2.2-R3", Reserved),
    _mutant("MX-51", "the check of replies is inverted", "MBS-2.5.1.2-R2", CrcInverted),
    _mutant("MX-14", "carries out writes for other units", "MBS-2.2-R1", OthersWritten),
)
"""Every mutant of the line."""
