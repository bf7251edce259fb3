"""Reading a device with an event queue (profile RK-1): status, events, store, acknowledge, in this order.

The cheap poll is the status block 0x0002..0x0007: the same request each time, and the same reply as long as nobody
presses a key. Events are read when some wait, handed over, and acknowledged only after that (J14). What was handed
over is remembered by (epoch, sequence): a block that is read again because the reply or the acknowledgement was lost
adds nothing (J3). A boot epoch that changed means a reboot: the device is configured again (J17). The lost-count is
told as a `gap`, then acknowledged (J2). Letters: conformance.md section 4.4; registers: reference-keypad.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from bench.controller.conversation import Ask, Conversation, Tell
from bench.controller.rows import StoreFailed
from firmware_sim.device import NS
from protocol.modbus.maps import RegisterMap
from protocol.modbus.maps.reference_keypad import (
    EVENT_WORDS,
    MARK_CONSOLE,
    MARK_KIOSK,
    MARK_RATING,
    MOST_BLOCKS,
    POLICY_UNSOLICITED,
    REFERENCE_KEYPAD,
    STATUS_CLOCK_NOT_SET,
    STATUS_SUPPLY_LOW,
    STATUS_TAMPER,
    Event,
    at_or_before,
)
from protocol.modbus.pdu import FC
from protocol.modbus.requests import read_registers, write_register, write_registers

MARKS: Final = {"rating_keypad": MARK_RATING, "clerk_console": MARK_CONSOLE, "kiosk_button": MARK_KIOSK}
"""Kind of device -> the profile mark it must carry."""

REMEMBERED: Final = 256
"""Events remembered as handed over: more than any queue that was declared holds."""

_STORE_AGAIN: Final = NS
_WRITE_REPLY: Final = 8
_TOLD_STATES: Final = ((STATUS_TAMPER, "tamper"), (STATUS_SUPPLY_LOW, "supply_low"))
_STATUS_WORDS: Final = 6

Deliver: TypeAlias = Callable[[int, "EventConversation", Sequence[Event]], None]
"""Takes new events, oldest first; returns when they are safe, raises StoreFailed when they are not."""


def _reply(words: int) -> int:
    return 5 + 2 * words


def _at(name: str) -> int:
    return REFERENCE_KEYPAD[name].address


class EventConversation(Conversation):
    """One rating keypad, clerk console or kiosk button.

    Args:
        name: name of the device.
        unit: its address.
        kind: rating_keypad, clerk_console or kiosk_button.
        period: poll period, ns.
        registers: the device's map.
        deliver: where new events go.
        tell: where notes go: `reboot` {device, epoch}, `gap` {device, epoch, lost}, `missing` {device, epoch, first,
            last}, `conflict` {device, epoch, seq}, `store_failed` {device, why}, `store_works` {device},
            `wrong_device` {device, mark, expected}, `tamper` and `supply_low` {device, on}.
        clock_offset: ns to add to an instant to have Unix ns.
        clock_lead: ns from sending the clock to the instant at which the device takes it.

    Attributes:
        clerk: code of the clerk to whom presses count, as far as known; a device that has none is given it.
        epoch: boot epoch; None before the first reply.
        foreign: what answers at this address is of another profile; its events are left alone.
    """

    __slots__ = (
        "_clock_lead",
        "_gap_told",
        "_hold_until",
        "_last",
        "_left",
        "_lost",
        "_reads",
        "_registers",
        "_seen",
        "_status",
        "clerk",
        "clock_offset",
        "deliver",
        "epoch",
        "foreign",
        "kind",
    )

    def __init__(
        self,
        name: str,
        unit: int,
        kind: str,
        period: int,
        registers: RegisterMap,
        deliver: Deliver,
        tell: Tell,
        clock_offset: int,
        clock_lead: int = 0,
    ) -> None:
        super().__init__(name, unit, period, tell)
        self.kind = kind
        self.deliver = deliver
        self.clock_offset = clock_offset
        self.clerk = 0
        self.epoch: int | None = None
        self.foreign = False
        self._registers = registers
        self._status = 0
        self._seen: dict[tuple[int, int], Event] = {}
        self._last: tuple[int, int] | None = None
        self._left = 0  # events waiting that were not read yet
        self._lost = 0
        self._gap_told = 0
        self._clock_lead = clock_lead
        self._hold_until = 0
        self._reads: dict[int, Ask] = {}
        frame = read_registers(unit, FC.READ_INPUTS, _at("epoch"), _STATUS_WORDS)
        self.poll = Ask(frame, _reply(_STATUS_WORDS), "status")

    # -- wishes -----------------------------------------------------------------------------------------------------
    def configure(self) -> None:
        """Wish all that a device needs after it was found, or booted."""
        self.want("identity", lambda _now: self._read(FC.READ_INPUTS, "mark", 1, "identity"), keep=False)
        if "policy" in self._registers:
            self.want("policy", lambda _now: self._write("policy", POLICY_UNSOLICITED))
        if "clerk" in self._registers:
            self.want("clerk", lambda _now: self._read(FC.READ_HOLDING, "clerk", 1, "clerk"), keep=False)

    def log_in(self, clerk: int) -> None:
        """Wish that this clerk is the one to whom presses count."""
        self.clerk = clerk
        self.want("clerk", lambda _now: self._write("clerk", clerk), keep=False)

    def open_window(self, ticket: int, until: int) -> None:
        """Wish a rating window for a ticket up to an instant; sent late or again, it gets the seconds that remain."""

        def build(now: int) -> Ask | None:
            seconds = -((now - until) // NS)
            if seconds <= 0:
                return None
            frame = write_registers(self.unit, _at("window"), (ticket, min(seconds, 0xFFFF)))
            return Ask(frame, _WRITE_REPLY, "window")

        self.want("window", build)

    def _set_clock(self, now: int) -> Ask:
        words = clock_words(now + self._clock_lead + self.clock_offset)
        return Ask(write_registers(self.unit, _at("clock"), words), _WRITE_REPLY, "clock")

    def _read(self, function: FC, name: str, words: int, kind: str) -> Ask:
        return Ask(read_registers(self.unit, function, _at(name), words), _reply(words), kind)

    def _write(self, name: str, value: int) -> Ask:
        return Ask(write_register(self.unit, _at(name), value), _WRITE_REPLY, name)

    # -- answers ----------------------------------------------------------------------------------------------------
    def told(self, now: int, ask: Ask, values: Sequence[int]) -> Ask | None:
        """What an answer means, and what is asked next because of it."""
        match ask.kind:
            case "status":
                return self._told_status(now, values)
            case "events":
                return self._told_events(now, values)
            case "acknowledge":
                if self._left:
                    self.due = now
                return self._acknowledge_lost()
            case "acknowledge_lost":
                self._lost = self._gap_told = 0
            case "identity":
                self._told_identity(now, values[0])
            case "clerk" if ask.request[1] == FC.READ_HOLDING:
                if not values[0] and self.clerk:
                    self.log_in(self.clerk)
        return None

    def _told_status(self, now: int, values: Sequence[int]) -> Ask | None:
        epoch, status, waiting, _oldest, _newest, lost = values
        self.idle = not waiting and not lost
        if epoch != self.epoch:
            self._epoch_is(now, epoch)
        if status & STATUS_CLOCK_NOT_SET:
            self.want("clock", self._set_clock, keep=False)
            self.idle = False
        if status != self._status:
            self._status_is(now, status)
        if lost or self._gap_told:
            self._lost_is(now, epoch, lost)
        if waiting and not self.foreign and now >= self._hold_until:
            count = min(waiting, MOST_BLOCKS)
            self._left = waiting - count
            return self._read_events(count)
        return self._acknowledge_lost()

    def _epoch_is(self, now: int, epoch: int) -> None:
        if self.epoch is not None:
            self.tell(now, "reboot", {"device": self.name, "epoch": epoch})
            self.back(now)
        self.epoch = epoch
        self.configure()

    def _status_is(self, now: int, status: int) -> None:
        for bit, word in _TOLD_STATES:
            if (status ^ self._status) & bit:
                self.tell(now, word, {"device": self.name, "on": bool(status & bit)})
        self._status = status

    def _lost_is(self, now: int, epoch: int, lost: int) -> None:
        # A count told before still stands when its acknowledgement did not arrive; a smaller count is a new one.
        more = lost - self._gap_told if lost >= self._gap_told else lost
        if more:
            self.tell(now, "gap", {"device": self.name, "epoch": epoch, "lost": more})
        self._lost = self._gap_told = lost

    def _acknowledge_lost(self) -> Ask | None:
        """Never repeated as it is: the device subtracts what is written, so the count is read again first."""
        if not self._lost:
            return None
        frame = write_register(self.unit, _at("acknowledge_lost"), self._lost)
        self._lost = 0
        return Ask(frame, _WRITE_REPLY, "acknowledge_lost", once=True)

    def _told_identity(self, now: int, mark: int) -> None:
        expected = MARKS[self.kind]
        self.foreign = mark != expected
        if self.foreign:
            facts = {"device": self.name, "mark": f"0x{mark:04X}", "expected": f"0x{expected:04X}"}
            self.tell(now, "wrong_device", facts)

    # -- events -----------------------------------------------------------------------------------------------------
    def _read_events(self, count: int) -> Ask:
        ask = self._reads.get(count)
        if ask is None:
            words = count * EVENT_WORDS
            frame = read_registers(self.unit, FC.READ_INPUTS, _at("events"), words)
            ask = self._reads[count] = Ask(frame, _reply(words), "events")
        return ask

    def _told_events(self, now: int, values: Sequence[int]) -> Ask | None:
        events = list(_events(values))
        if not events:
            return None
        new = self._new(now, events)
        try:
            if new:
                self.deliver(now, self, new)
        except StoreFailed as failure:
            if not self._hold_until:
                self.tell(now, "store_failed", {"device": self.name, "why": str(failure)})
            self._hold_until = now + _STORE_AGAIN
            return None
        if self._hold_until:
            self._hold_until = 0
            self.tell(now, "store_works", {"device": self.name})
        self._remember(now, new)
        return Ask(write_registers(self.unit, _at("acknowledge"), events[-1][:2]), _WRITE_REPLY, "acknowledge")

    def _new(self, now: int, events: Iterable[Event]) -> list[Event]:
        """Those that were not handed over before."""
        new: list[Event] = []
        for event in events:
            known = self._seen.get(event[:2])
            if known is None:
                new.append(event)
            elif known != event:
                facts = {"device": self.name, "epoch": event.epoch, "seq": event.sequence}
                self.tell(now, "conflict", {**facts, "stored": known.value, "refused": event.value})
        return new

    def _remember(self, now: int, events: Iterable[Event]) -> None:
        for event in events:
            key = event[:2]
            self._seen[key] = event
            last = self._last
            if last is not None and at_or_before(key, last):
                continue  # an old one that the device brings up again
            first = 0 if last is None or last[0] != key[0] else (last[1] + 1) % 0x10000
            if last is not None and first != key[1]:
                facts = {"device": self.name, "epoch": key[0], "first": first, "last": (key[1] - 1) % 0x10000}
                self.tell(now, "missing", facts)
            self._last = key
        while len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def older_than_known(self, event: Event) -> bool:
        """Whether an event is not newer than one that was handed over before (a queue restored from old memory)."""
        return self._last is not None and at_or_before(event[:2], self._last)


def _events(values: Sequence[int]) -> Iterable[Event]:
    for at in range(0, len(values), EVENT_WORDS):
        event = Event.parse(values[at : at + EVENT_WORDS])
        if event is None:
            return
        yield event


def clock_words(unix_ns: int) -> tuple[int, int, int]:
    """The clock registers for Unix nanoseconds: seconds high, low, milliseconds (the nearest)."""
    seconds, rest = divmod(unix_ns + 500_000, NS)
    return (seconds >> 16 & 0xFFFF, seconds & 0xFFFF, rest // 1_000_000)
