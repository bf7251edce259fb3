"""The manners of a master, judged from recorded frames alone: 25 cases, each over one phase.

"in" are the master's bursts, "out" the devices'. A case is a function of the frames and of the line's settings; it
tells a verdict, a reason and a witness. What only hardware time-stamps could decide is inconclusive on a real port.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from bench.compliance.case import Case
from bench.compliance.master.presenter import BESIDE_NS, OFFERED, UNITS, events_of
from bench.compliance.modbus_bench import crc_from_zero
from bench.compliance.results import Frame, Verdict
from firmware_sim.burst import LineSettings
from firmware_sim.device import MS
from protocol.modbus.pdu import BROADCASTABLE, REQUESTS, ModbusException
from protocol.modbus.rtu import MAX_ADU, is_sound, t15, t35

__all__ = ["CASES", "Found", "Seen", "phase_of"]

_TURNAROUND: Final = 20 * MS
_FLOOD: Final = 20 * MS
_STALLED: Final = 50 * MS


@dataclass(frozen=True, slots=True)
class Found:
    """What a case says.

    Args:
        verdict, reason, witness: as in `CaseResult`.
        spot: index of the frame that contradicts.
    """

    verdict: Verdict
    reason: str = ""
    witness: str = ""
    spot: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """The frames of one phase.

    Args:
        frames: in order of their end.
        settings: of the line.
        uncertainty: of instants, ns.
        before: (unit, epoch, sequence) of events that sound replies told before the phase.
    """

    frames: Sequence[Frame]
    settings: LineSettings
    uncertainty: int
    before: frozenset[tuple[int, int, int]] = frozenset()

    @classmethod
    def of_record(cls, frames: Sequence[Frame], settings: LineSettings, uncertainty: int) -> Seen:
        """From a phase's record, which ends with a mark of what was offered before it."""
        if not frames or not frames[-1].note.startswith(OFFERED):
            return cls(frames, settings, uncertainty)
        told = (word.split(":") for word in frames[-1].note.removeprefix(OFFERED).split())
        before = frozenset((int(unit), int(epoch), int(sequence)) for unit, epoch, sequence in told)
        return cls(frames[:-1], settings, uncertainty, before)

    @property
    def t35(self) -> int:
        """Silence between frames, ns."""
        return t35(self.settings.baud, self.settings.char_bits)

    @property
    def t15(self) -> int:
        """Silence within a frame, ns."""
        return t15(self.settings.baud, self.settings.char_bits)

    def requests(self) -> Iterator[tuple[int, Frame]]:
        """The master's bursts with their indices."""
        return ((n, frame) for n, frame in enumerate(self.frames) if frame.direction == "in")

    def sound(self) -> Iterator[tuple[int, Frame]]:
        """The master's sound frames."""
        return ((n, frame) for n, frame in self.requests() if is_sound(frame.data))


Manner = Callable[[Seen], Found]


def _hex(data: bytes) -> str:
    return data[:16].hex(" ").upper() + (" .." if len(data) > 16 else "")


def _each(check: Callable[[Seen, Frame], str], *, sound: bool = True) -> Manner:
    """Every request must pass a check that tells "" or what is wrong."""

    def manner(seen: Seen) -> Found:
        last = ""
        for number, frame in seen.sound() if sound else seen.requests():
            wrong = check(seen, frame)
            if wrong:
                return Found("FAIL", f"{wrong}: {_hex(frame.data)}", spot=number)
            last = f"{_hex(frame.data)} in frame {number}" if is_sound(frame.data) else last
        return Found("PASS", witness=last) if last else Found("INCONCLUSIVE", "no sound request was seen")

    return manner


def _order(seen: Seen, frame: Frame) -> str:
    data = frame.data
    swapped = data[:-2] + data[:-3:-1]
    return "the check is sent high byte first" if not is_sound(data) and is_sound(swapped) else ""


def _value(seen: Seen, frame: Frame) -> str:
    wrong = len(frame.data) >= 4 and not is_sound(frame.data) and crc_from_zero(frame.data[:-2]) == frame.data
    return "the check begins at 0000" if wrong else ""


def _address(seen: Seen, frame: Frame) -> str:
    return f"address {frame.data[0]} is reserved" if frame.data[0] > 247 else ""


def _broadcast(seen: Seen, frame: Frame) -> str:
    wrong = frame.data[0] == 0 and frame.data[1] not in BROADCASTABLE
    return f"function 0x{frame.data[1]:02X} is no write, and sent to all" if wrong else ""


def _length(seen: Seen, frame: Frame) -> str:
    return f"{len(frame.data)} characters" if len(frame.data) > MAX_ADU else ""


def _limits(seen: Seen, frame: Frame) -> str:
    reader = REQUESTS.get(frame.data[1])
    if reader is None:
        return ""
    try:
        reader(frame.data[1:-2])
    except ModbusException as refusal:
        return refusal.why or str(refusal)
    return ""


def _silence(seen: Seen) -> Found:
    """t3.5 before every request."""
    least, where = None, None
    for (_, before), (number, frame) in pairwise(enumerate(seen.frames)):
        if frame.direction == "in" and not (before.direction == "in" and frame.at - before.end < seen.t15):
            gap = frame.at - before.end
            if before.direction == "out" and gap >= 0 and (least is None or gap < least):
                least, where = gap, number
    if least is None:
        return Found("INCONCLUSIVE", "no request after a reply was seen")
    margin = least - seen.t35
    said = f"a request {least / 1e6:.3f} ms after a reply, t3.5 is {seen.t35 / 1e6:.3f} ms"
    if abs(margin) < seen.uncertainty:
        return Found("INCONCLUSIVE", f"{said}; the margin is below this port's uncertainty")
    return Found("PASS", witness=f"{said}, frame {where}") if margin >= 0 else Found("FAIL", said, spot=where)


def _whole(seen: Seen) -> Found:
    """No request comes in pieces."""
    for (_, before), (number, frame) in pairwise(seen.requests()):
        gap = frame.at - before.end
        least = seen.t15 + seen.uncertainty if seen.uncertainty else 0
        if least <= gap < seen.t35 and not is_sound(before.data) and is_sound(before.data + frame.data):
            return Found(
                "FAIL", f"a hole of {gap / 1e6:.3f} ms in a request, t1.5 is {seen.t15 / 1e6:.3f} ms", spot=number
            )
    if seen.uncertainty:
        return Found("INCONCLUSIVE", "holes in a request cannot be seen on this port")
    return _each(lambda seen, frame: "")(seen)


def _unless_late(seen: Seen, said: str, spot: int) -> Found:
    """FAIL, unless the machine was so late that a time-out of the master's may have been its doing."""
    if seen.uncertainty > _STALLED:
        return Found("INCONCLUSIVE", f"{said}; instants are known to {seen.uncertainty / 1e6:.0f} ms only")
    return Found("FAIL", said, spot=spot)


def _one_at_a_time(seen: Seen) -> Found:
    """A request never begins while a device replies, nor right after another request."""
    last = ""
    for (_, before), (number, frame) in pairwise(enumerate(seen.frames)):
        left = "damaged" in before.note and frame.at < before.end + seen.settings.duration(
            1
        )  # what a collision left of it
        over = frame.at < before.end or left
        if over and frame.direction != before.direction:
            return _unless_late(seen, f"a request and a reply overlap: {_hex(before.data)}", number)
        if frame.direction != "in":
            continue
        awaited = before.direction == "in" and before.data[:1] != b"\x00"
        if awaited and is_sound(before.data) and is_sound(frame.data) and frame.at - before.end < _FLOOD:
            gap = (frame.at - before.end) / 1e6
            return _unless_late(seen, f"a request {gap:.1f} ms after the last one, no time for a reply", number)
        last = f"{_hex(frame.data)} in frame {number}"
    return Found("PASS", witness=last) if last else Found("INCONCLUSIVE", "not two requests were seen")


def _turnaround(seen: Seen) -> Found:
    """After a broadcast nothing is asked at once."""
    witness = ""
    requests = [(n, f) for n, f in seen.sound()]
    for (_, before), (number, frame) in pairwise(requests):
        if before.data[0] == 0:
            gap = frame.at - before.end
            if abs(gap - _TURNAROUND) < seen.uncertainty:
                said = f"{gap / 1e6:.1f} ms after a broadcast the next request follows"
                return Found("INCONCLUSIVE", f"{said}; the margin is below this port's uncertainty", spot=number)
            if gap < _TURNAROUND:
                return Found("FAIL", f"{gap / 1e6:.1f} ms after a broadcast the next request follows", spot=number)
            witness = f"{gap / 1e6:.1f} ms after a broadcast, frame {number}"
    return Found("PASS", witness=witness) if witness else Found("INFO", "it sent no broadcast: nothing to judge")


def _goes_on(seen: Seen) -> Found:
    """Requests go on until the end of the phase."""
    if not seen.frames:
        return Found("FAIL", "no request came in this phase: the master has stopped asking")
    requests = [frame for _, frame in seen.sound()]
    if not requests and any(seen.requests()):
        return Found("FAIL", "what came in this phase is no sound request")
    if len(requests) < 2:
        return Found("FAIL", f"{len(requests)} request came in this phase of 6 s: the master has stopped asking")
    span = (requests[-1].at - requests[0].at) / 1e9
    if span < 2:
        return Found("FAIL", f"requests came for {span:.1f} s of a phase of 6 s only: the master has stopped asking")
    return Found("PASS", witness=f"{len(requests)} requests over {span:.1f} s")


def _all_units(seen: Seen) -> Found:
    """At the end every device is asked again."""
    asked = {frame.data[0] for _, frame in seen.sound()}
    missing = sorted(set(UNITS) - asked)
    if not asked:
        return Found("FAIL", "nothing is asked any more after the faults")
    if missing:
        return Found("INFO", f"units {missing} are not asked: they may not be its business")
    return Found("PASS", witness=f"units {sorted(asked)} are asked after all faults are over")


def _takes_sound_only(seen: Seen) -> Found:
    """What is acknowledged was offered in a sound reply of the unit, in this phase or before it."""
    offered: dict[int, set[tuple[int, int]]] = {}
    for unit, epoch, sequence in seen.before:
        offered.setdefault(unit, set()).add((epoch, sequence))
    asked: Frame | None = None
    witness = ""
    for number, frame in enumerate(seen.frames):
        data = frame.data
        if frame.direction == "out":
            if asked is not None and asked.data[1:4] == b"\x04\x01\x00" and len(data) > 4:
                if is_sound(data) and data[:2] == asked.data[:2]:
                    offered.setdefault(asked.data[0], set()).update(events_of(data))
                witness = witness or f"a block of events went out in frame {number}"
            continue
        if is_sound(data):
            asked = frame
            if data[1:7] == b"\x10\x00\x00\x00\x02\x04":
                event = int.from_bytes(data[7:9], "big"), int.from_bytes(data[9:11], "big")
                unit = data[0]
                if event not in offered.get(unit, ()):
                    said = f"event {event[0]}:{event[1]} of unit {unit} is acknowledged"
                    return Found(
                        "FAIL", f"{said}, and no sound reply of that unit ever told it: {_hex(data)}", spot=number
                    )
    return Found("PASS", witness=witness) if witness else Found("INFO", "it read no block of events: nothing to judge")


def _keeps_waiting(seen: Seen) -> Found:
    """A reply from another unit ends no waiting: the right one comes 120 ms after it."""
    tried = 0
    for number, frame in enumerate(seen.frames):
        if frame.direction == "out" and frame.data[:1] == b"\x63":
            tried += 1
            until = frame.at + BESIDE_NS
            early = next(
                (n for n, f in enumerate(seen.frames) if f.direction == "in" and frame.end < f.at < until), None
            )
            if early is not None:
                gap = (seen.frames[early].at - frame.end) / 1e6
                return Found(
                    "FAIL", f"{gap:.1f} ms after a reply of unit 99, which was not asked, it asks on", spot=early
                )
            over = min((f.end for f in seen.frames if f.direction == "out" and f.at >= until), default=until)
            if any(f.direction == "in" and until <= f.at < min(over, until + seen.uncertainty) for f in seen.frames):
                return Found("INCONCLUSIVE", "it asks on when the right reply begins; which was first is not known")
            witness = f"waits on after the reply of unit 99 in frame {number}"
    return Found("PASS", witness=witness) if tried else Found("INCONCLUSIVE", "it asked nothing in this phase")


def phase_of(case: Case) -> str:
    """The phase a case judges."""
    return case.applies


def _case(topic: str, primary: str, title: str, manner: Any, phase: str = "normal") -> Case:
    return Case(f"rtu.mas.{topic}", 1, primary, title, manner, applies=phase)


_BAD: Final = {
    "silent": "no reply comes",
    "late": "replies come 400 ms late",
    "bad-check": "replies have a wrong check",
    "truncated": "replies break off",
    "exception": "everything draws an exception",
    "noise": "noise comes before each reply",
    "twice": "every reply comes twice",
    "other-unit": "another unit replies first",
}

CASES: Final = (
    _case("crc-order", "MBS-2.5.1.2-R1", "The check of a request is sent low byte first", _each(_order, sound=False)),
    _case("crc-value", "MBS-2.5.1.2-R2", "The check of a request begins at 0xFFFF", _each(_value, sound=False)),
    _case("address", "MBS-2.2-R4", "Requests go to addresses 0 to 247", _each(_address)),
    _case("broadcast-writes", "MBS-2.1-R4", "Only writes are sent to all", _each(_broadcast)),
    _case("length", "MBA-4.1-R1", "No request is longer than 256 characters", _each(_length, sound=False)),
    _case("limits", "MBA-4.1-R2", "Quantities and lengths of requests are valid", _each(_limits)),
    _case("silence-before", "MBS-2.5.1.1-R6", "t3.5 of silence stands before a request", _silence),
    _case("whole", "MBS-2.5.1.1-R7", "A request has no hole", _whole),
    _case("one-at-a-time", "MBS-2.4.1-R2", "No request is sent while a reply is awaited", _one_at_a_time),
    _case("turnaround", "MBS-2.4.1-R3", "A delay follows a broadcast", _turnaround),
    *(
        _case(f"goes-on-{name}", "MBS-2.4.1-R4", f"It goes on when {what}", _goes_on, name)
        for name, what in _BAD.items()
    ),
    _case(
        "waits-on", "MBS-2.4.1-R1", "A reply of a unit that was not asked ends no waiting", _keeps_waiting, "other-unit"
    ),
    _case(
        "other-unit-not-taken",
        "MBS-2.4.1-R1",
        "What another unit replies is not acknowledged",
        _takes_sound_only,
        "other-unit",
    ),
    _case(
        "bad-check-not-taken",
        "MBS-2.4.1-R5",
        "What has a wrong check is not acknowledged",
        _takes_sound_only,
        "bad-check",
    ),
    _case("truncated-not-taken", "MBS-2.4.1-R5", "What broke off is not acknowledged", _takes_sound_only, "truncated"),
    _case("exception-not-taken", "MBA-7-R5", "An exception is not taken for data", _takes_sound_only, "exception"),
    _case("noise-not-doubled", "MBS-2.4.1-R2", "Noise makes it send no request into a reply", _one_at_a_time, "noise"),
    _case("recovers", "MBS-2.4.1-R4", "After all faults every device is asked again", _all_units, "again"),
)
"""The cases of a master; `applies` names the phase."""
