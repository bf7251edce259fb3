"""The master of a line with declared devices: keypads and consoles that speak unasked, or are polled, sans-IO.

What it says and understands is the declaration's `[house]`: which message is a rating and which a key of a console,
how they are answered, what is sent when a visitor is to rate or a ticket is called. FF68 halls (protocols.md 3.1 [C])
run on it, and so does any device that somebody declares.

A device that gets no answer repeats its frame, and such protocols have no numbers: a frame that comes again exactly
when a repetition would is taken for one. It is answered, and not counted again. A rating is answered when it is stored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from bench.controller.conversation import Tell
from bench.controller.rows import StoreFailed
from firmware_sim.burst import LineSettings
from firmware_sim.declared_host import HostSide
from firmware_sim.declared_rules import Read
from firmware_sim.device import MS, Alarm, Effect, Flaws, Send, Watch
from protocol.declared.codec import Codec
from protocol.declared.items import BadValue
from protocol.declared.model import Ask
from protocol.declared.reader import Frame, Reader

GO: Final = "go"
SILENCE: Final = "silence"
_ANSWER_AFTER: Final = 5 * MS
"""A host's time from hearing a frame to answering it."""

_PAUSE: Final = 10 * MS
"""Silence between two things that the master says."""

_TOLERANCE: Final = 30 * MS
_NEVER: Final = 1 << 62

Effects = Sequence[Effect]
Took = Callable[[int, str, int], None]
"""(instant, device, value): a rating or a key."""


class DeclaredUnit(NamedTuple):
    """One device on the line: its name, address and declaration."""

    name: str
    unit: int
    codec: Codec


class _Known:
    """What the master knows of one device."""

    __slots__ = ("due", "host", "key", "last", "last_at", "rating", "unit")

    def __init__(self, unit: DeclaredUnit) -> None:
        self.unit = unit
        self.last = b""
        self.last_at = -_NEVER
        self.due = 0
        house = unit.codec.declaration.house
        self.host = host = HostSide(unit.codec, unit.unit)
        self.rating: tuple[str, Read] | None = None
        self.key: tuple[str, Read] | None = None
        if house is not None and house.rating is not None:
            self.rating = house.rating.message, host.read(house.rating.value)
        if house is not None and house.key is not None:
            self.key = house.key.message, host.read(house.key.value)


class DeclaredMaster:
    """The house's end of a line of declared devices.

    Args:
        name: what histories call it.
        settings: of the line.
        units: the devices.
        rated: called with (now, device, value) for a rating; raises StoreFailed when it is not safe.
        pressed: called with (now, device, key) for a key of a console.
        tell: where notes go: `repeated` {device}, `store_failed` {device, why}.
    """

    watch: Watch | None = None

    def __init__(
        self, name: str, settings: LineSettings, units: Sequence[DeclaredUnit], rated: Took, pressed: Took, tell: Tell
    ) -> None:
        self.name = name
        self._settings = settings
        self._rated = rated
        self._pressed = pressed
        self._tell = tell
        self._known = {unit.name: _Known(unit) for unit in units}
        codecs = list({id(unit.codec): unit.codec for unit in units}.values())
        self._readers: list[tuple[Codec, Reader]] = [(codec, codec.reader("device")) for codec in codecs]
        self._gap = max((codec.declaration.line.inter_byte_ms for codec in codecs), default=20) * MS
        self._heard = 0
        self._waiting: deque[bytes] = deque()
        self._free_at = 0
        self._go_at = _NEVER

    # -- driven from outside ------------------------------------------------------------------------------------------
    def start(self, now: int) -> Effects:
        """Begin to poll, where a declaration says so."""
        for place, known in enumerate(self._known.values()):
            known.due = now + place * _PAUSE if self._poll(known) is not None else _NEVER
        return self._rest(now)

    def window(self, now: int, device: str) -> Effects:
        """A visitor is to rate."""
        house = self._known[device].unit.codec.declaration.house
        return self._say(now, device, house.window if house is not None else None, {})

    def show(self, now: int, device: str, ticket: str) -> Effects:
        """A counter's ticket changed; "" when there is none."""
        house = self._known[device].unit.codec.declaration.house
        return self._say(now, device, house.show if house is not None else None, {"ticket": ticket})

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Effects:
        """A device says something; characters that are damaged are left out."""
        if flaws:
            data = bytes(char for index, char in enumerate(data) if index not in flaws)
        effects: list[Effect] = []
        pending = False
        for codec, reader in self._readers:
            if reader.pending and first - self._heard >= self._gap:
                reader.gap()
            for item in reader.feed(data):
                if isinstance(item, Frame):
                    effects += self._frame(now, codec, item)
            pending = pending or reader.pending
        self._heard = last
        self._free_at = max(self._free_at, last + _PAUSE)
        if pending:
            effects.append(Alarm(last + self._gap, SILENCE))
        return effects

    def wake(self, now: int, tag: str) -> Effects:
        """Time to speak, or the line was silent."""
        if tag == SILENCE:
            if now < self._heard + self._gap:
                return ()
            effects: list[Effect] = []
            for codec, reader in self._readers:
                effects += [e for i in reader.gap() if isinstance(i, Frame) for e in self._frame(now, codec, i)]
            return effects
        if now < self._go_at:
            return ()
        self._go_at = _NEVER
        if now < self._free_at:
            return self._rest(now)
        if self._waiting:
            return (self._send(now, self._waiting.popleft()), *self._rest(now))
        known = min(self._known.values(), key=lambda one: one.due, default=None)
        if known is not None and known.due <= now:
            ask = self._poll(known)
            assert ask is not None
            known.due = max(known.due + ask.every_ms * MS, now)
            frame = self._frame_of(known, ask, {})
            return (self._send(now, frame), *self._rest(now)) if frame else self._rest(now)
        return self._rest(now)

    # -- what is said -------------------------------------------------------------------------------------------------
    @staticmethod
    def _poll(known: _Known) -> Ask | None:
        house = known.unit.codec.declaration.house
        return house.poll if house is not None else None

    @staticmethod
    def _frame_of(known: _Known, ask: Ask, wishes: Mapping[str, Any]) -> bytes:
        try:
            return known.host.frame(ask, wishes)
        except BadValue:
            return b""

    def _say(self, now: int, device: str, ask: Ask | None, wishes: Mapping[str, Any]) -> Effects:
        if ask is None:
            return ()
        frame = self._frame_of(self._known[device], ask, wishes)
        if not frame:
            return ()
        self._waiting.append(frame)
        return self._rest(now)

    def _send(self, now: int, frame: bytes, after: int = 0) -> Send:
        self._free_at = now + after + self._settings.duration(len(frame)) + _PAUSE
        return Send(frame, after)

    def _rest(self, now: int) -> Effects:
        due = now if self._waiting else min((known.due for known in self._known.values()), default=_NEVER)
        at = max(now, self._free_at, due)
        if at >= _NEVER:
            return ()
        self._go_at = at
        return (Alarm(at, GO),)

    # -- what is understood -------------------------------------------------------------------------------------------
    def _frame(self, now: int, codec: Codec, frame: Frame) -> Effects:
        decoded = codec.read("device", frame)
        if decoded.message is None:
            return ()
        address = codec.declaration.address
        unit = None
        if address is not None:
            unit = decoded.values.get(address.part)
            if isinstance(unit, int) and address.reply_mask:
                unit &= ~address.reply_mask
        name = decoded.message.name
        for known in self._known.values():
            mine = known.unit.codec is codec and (address is None or known.unit.unit == unit)
            if not mine:
                continue
            if known.rating is not None and known.rating[0] == name:
                return self._told(now, known, frame, decoded.values, known.rating[1], self._rated)
            if known.key is not None and known.key[0] == name:
                return self._told(now, known, frame, decoded.values, known.key[1], self._pressed)
        return ()

    def _told(
        self, now: int, known: _Known, frame: Frame, values: Mapping[str, Any], read: Read, take: Took
    ) -> Effects:
        message = known.unit.codec.read("device", frame).message
        assert message is not None
        if self._is_repetition(now, known, frame.raw, message.name):
            self._tell(now, "repeated", {"device": known.unit.name})
        else:
            value = read(values)
            if isinstance(value, int):
                try:
                    take(now, known.unit.name, value)
                except StoreFailed as failure:
                    self._tell(now, "store_failed", {"device": known.unit.name, "why": str(failure)})
                    return ()
        known.last, known.last_at = frame.raw, now
        return self._answer(now, known, frame, values, message.name)

    def _is_repetition(self, now: int, known: _Known, raw: bytes, message: str) -> bool:
        expect = known.unit.codec.messages[message].message.expect
        if raw != known.last or expect is None or not expect.retries:
            return False
        period = (expect.within + expect.stagger * known.unit.unit) * MS + self._settings.duration(len(raw))
        return abs(now - known.last_at - period) <= _TOLERANCE

    def _answer(self, now: int, known: _Known, frame: Frame, values: Mapping[str, Any], message: str) -> Effects:
        codec = known.unit.codec
        expect = codec.messages[message].message.expect
        house = codec.declaration.house
        data = b""
        if expect is not None and expect.echo_with is not None:
            data = codec.messages[message].alternatives[0].build({**values, **expect.echo_with})
        elif house is not None and house.answer is not None:
            data = self._frame_of(known, house.answer, values)
        elif expect is not None and expect.message:
            data = self._frame_of(known, Ask(expect.message, {}), values)
        if not data:
            return ()
        return (self._send(now, data, _ANSWER_AFTER), *self._rest(now))


__all__ = ["DeclaredMaster", "DeclaredUnit"]
