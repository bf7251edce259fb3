"""The devices that a master is judged by: reference keypads that answer well, and in phases badly.

Keypads are pressed all the time, so that there is something to read and to acknowledge. Every burst is recorded with
the phase it began in and with what was wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from bench.clock.clockwork import Clockwork
from bench.compliance.mutants.base import Station
from bench.compliance.results import Frame
from firmware_sim.burst import LineSettings
from firmware_sim.device import MS, NS, Effect, Send
from firmware_sim.devices.rating_keypad import RatingKeypad
from firmware_sim.line import Line
from protocol.modbus.rtu import is_sound, seal

__all__ = ["LASTS", "OFFERED", "PHASES", "UNITS", "Stage", "events_of"]

UNITS: Final = (1, 2)
PRESS_EVERY: Final = 600 * MS
PHASE_NS: Final = 6 * NS
PAUSE_NS: Final = 3 * NS
"""Between two bad phases all is well for so long."""
LATE_NS: Final = 400 * MS
BESIDE_NS: Final = 120 * MS
"""How long after another unit's reply the right one comes."""

OFFERED: Final = "offered before: "
_TOLD: Final = 80

Answer = Callable[["Presenter", bytes, int], Iterable[Effect]]


def _normal(station: Presenter, frame: bytes, after: int) -> Iterable[Effect]:
    return (Send(frame, after),)


def _silent(station: Presenter, frame: bytes, after: int) -> Iterable[Effect]:
    return ()


def _late(station: Presenter, frame: bytes, after: int) -> Iterable[Effect]:
    return (Send(frame, after + LATE_NS),)


def _bad_check(station: Presenter, frame: bytes, after: int) -> Iterable[Effect]:
    return (Send(frame[:-1] + bytes((frame[-1] ^ 0x5A,)), after),)


def _truncated(station: Presenter, frame: bytes, after: int) -> Iterable[Effect]:
    return (Send(frame[: len(frame) // 2], after),)


def _exception(station: Presenter, frame: bytes, after: int) -> Iterable[Effect]:
    return (Send(seal(bytes((frame[0], frame[1] | 0x80, 4))), after),)


def _noise(station: Presenter, frame: bytes, after: int) -> Iterable[Effect]:
    return Send(b"\x00\xf7", after), Send(frame, after + 12 * MS)


def _twice(station: Presenter, frame: bytes, after: int) -> Iterable[Effect]:
    return Send(frame, after), Send(frame, after + station.settings.duration(len(frame)) + 6 * MS)


def _other_unit(station: Presenter, frame: bytes, after: int) -> Iterable[Effect]:
    return Send(seal(b"\x63" + frame[1:-2]), after), Send(frame, after + BESIDE_NS)


PHASES: Final[Mapping[str, Answer]] = MappingProxyType(
    {
        "normal": _normal,
        "silent": _silent,
        "late": _late,
        "bad-check": _bad_check,
        "truncated": _truncated,
        "exception": _exception,
        "noise": _noise,
        "twice": _twice,
        "other-unit": _other_unit,
        "again": _normal,
    }
)
"""Phase -> how a reply is sent in it; "again" is normal, after everything."""

LASTS: Final = len(PHASES) * (PHASE_NS + PAUSE_NS)


class Presenter(Station):
    """The station of the keypads."""

    phase = "normal"
    blocks_only = False
    _request = b""

    def said(self, request: bytes, reply: bytes) -> bytes:
        """The reply as it is; the request is remembered."""
        self._request = request
        return reply

    def sends(self, data: bytes, after: int) -> Iterable[Effect]:
        """As the phase wants; in its second half only blocks of events are spoilt, so that a master gets to them."""
        if self.blocks_only and self._request[:3] != b"\x04\x01\x00":
            return (Send(data, after),)
        return PHASES[self.phase](self, data, after)


def events_of(reply: bytes) -> list[tuple[int, int]]:
    """Epoch and sequence of the events in a reply with blocks of eight registers."""
    words = [int.from_bytes(reply[at : at + 2], "big") for at in range(3, len(reply) - 3, 2)]
    pairs = [(words[at], words[at + 1]) for at in range(0, len(words) - 1, 8)]
    return [pair for pair in pairs if pair != (0xFFFF, 0xFFFF)]


class Stage:
    """Keypads on a line, their presses and phases on a clock, and the record.

    Args:
        clockwork: the clock.
        settings: of the line.
        waits: the phases begin with the master's first request, not now.

    Attributes:
        line: where the master is put.
        record: phase -> its frames: "in" from the master, "out" from the devices.
        waits: nothing was asked yet, and the phases have not begun.
    """

    def __init__(self, clockwork: Clockwork, settings: LineSettings, *, waits: bool = False) -> None:
        self.line = Line("bus", clockwork, settings)
        self.record: dict[str, list[Frame]] = {name: [] for name in PHASES}
        self._clockwork = clockwork
        self._began = clockwork.now
        self._station = Presenter("slaves", settings)
        self._phase: str | None = None
        self._asked = b""
        self._offered: dict[tuple[int, int, int], None] = {}
        self._before = ""
        self._ends: Callable[[], object] = lambda: None
        self.waits = waits
        self.line.attach(self._station)
        self._keypads = [RatingKeypad(f"keypad-{unit}", clock_offset=NS) for unit in UNITS]
        for keypad, unit in zip(self._keypads, UNITS, strict=True):
            self._station.attach(keypad, unit)
        self.line.on_burst(self._burst)
        clockwork.call_at(clockwork.now + PRESS_EVERY, self._press, 0)
        if not waits:
            self._begin(clockwork.now)

    @property
    def elapsed(self) -> int:
        """Time since the first phase began, ns; 0 before it."""
        return 0 if self.waits else self._clockwork.now - self._began

    @property
    def phase(self) -> str:
        """The phase, in a word or two."""
        return "waiting for the first request" if self.waits else self._phase or "all is well"

    def on_end(self, then: Callable[[], object]) -> None:
        """Call this at the end of the last phase."""
        self._ends = then

    def _begin(self, at: int) -> None:
        clockwork = self._clockwork
        self.waits = False
        self._began = at
        clockwork.call_at(at + LASTS, lambda: self._ends())
        for number, name in enumerate(PHASES):
            if at < clockwork.now and not number:
                self._enter(name)
            else:
                clockwork.call_at(at, self._enter, name)
            clockwork.call_at(at + PHASE_NS // 2, self._to_blocks)
            clockwork.call_at(at + PHASE_NS, self._leave)
            at += PHASE_NS + PAUSE_NS

    def _enter(self, name: str) -> None:
        self._station.blocks_only = False
        self._phase = self._station.phase = name
        told = list(self._offered)[-_TOLD:]
        self._before = OFFERED + " ".join(f"{unit}:{epoch}:{sequence}" for unit, epoch, sequence in told)

    def _to_blocks(self) -> None:
        self._station.blocks_only = True

    def _leave(self) -> None:
        if self._phase is not None and self.record[self._phase]:
            at = self._clockwork.now - self._began
            self.record[self._phase].append(Frame(at, at, "out", b"", self._before))
        self._phase = None
        self._station.phase = "normal"

    def _press(self, count: int) -> None:
        keypad = self._keypads[count % len(self._keypads)]
        now = self._clockwork.now
        self.line.apply(self._station, self._station.relabel(keypad, keypad.press(now, count % 5 + 1)))
        self._clockwork.call_at(now + PRESS_EVERY, self._press, count + 1)

    def _burst(self, start: int, line: str, src: str, data: bytes, flaws: int, end: int) -> None:
        way = "out" if src == self._station.name else "in"
        if self.waits:
            if way == "out":
                return
            self._begin(start)
        if way == "in":
            self._asked = data
        elif self._asked[1:4] == b"\x04\x01\x00" and is_sound(data) and data[:2] == self._asked[:2]:
            self._offered |= dict.fromkeys((data[0], *event) for event in events_of(data))
        if self._phase is None:
            return
        note = f"{flaws} characters damaged" if flaws else ""
        if way == "out" and not flaws and not is_sound(data):
            note = "not sound, as this phase wants it"
        self.record[self._phase].append(Frame(start - self._began, end - self._began, way, data, note))
