"""Rating keypads with a defect in fingers, attribution, registers, boots (conformance.md 3.2, KP; RX further)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from bench.compliance.mutants.rk1_build import waiting_changed
from bench.compliance.mutants.rk1_queue import mutant
from firmware_sim.device import MS, NS, Effect
from firmware_sim.devices.rating_keypad import RatingKeypad
from firmware_sim.modbus_slave import Table
from firmware_sim.register_slave import Cells
from protocol.modbus.maps import reference_keypad as rk

__all__ = ["MUTANTS"]


class Repeats(RatingKeypad):
    """KP-07: a key held makes an event every 500 ms."""

    def press(self, now: int, key: int, held: int = 0) -> Iterable[Effect]:
        yield from super().press(now, key, held)
        for _ in range(held // (500 * MS)):
            yield from self.take(now, key)


class Ored(RatingKeypad):
    """KP-08: two keys within 50 ms make a third code."""

    def press(self, now: int, key: int, held: int = 0) -> Iterable[Effect]:
        why = self.contact(now, key, held)
        if why == "two keys" and self.queue.newest is not None:
            self.queue = waiting_changed(
                self.queue, lambda waiting: (*waiting[:-1], waiting[-1]._replace(value=waiting[-1].value | key))
            )
            return []
        return [self.ignored(key, why)] if why else self.take(now, key)


class ClerkAtBoot(RatingKeypad):
    """KP-09: the first clerk after a boot is every event's."""

    first = 0

    def sign(self, now: int, clerk: int) -> Iterable[Effect]:
        self.first = self.first or clerk
        return super().sign(now, clerk)

    def enqueue(self, now: int, value: int, flags: int = 0, ticket: int = 0) -> list[Effect]:
        clerk, self._clerk = self._clerk, self.first
        effects = super().enqueue(now, value, flags, ticket)
        self._clerk = clerk
        return effects

    def forget(self) -> None:
        super().forget()
        self.first = 0


class _Edits(RatingKeypad):
    """Edits event blocks as they are read."""

    def read(self, now: int, table: Table, start: int, count: int) -> Sequence[int]:
        words = list(super().read(now, table, start, count))
        if table is Table.INPUTS and start >= rk.FIFO_ADDRESS:
            for index in range(count):
                block, at = divmod(start + index - rk.FIFO_ADDRESS, rk.EVENT_WORDS)
                if block < len(self.queue):
                    words[index] = self.word(now, block, at, words[index], count)
        return words

    def word(self, now: int, block: int, at: int, word: int, count: int) -> int:
        """What is read instead of one word of an event."""
        return word


class TimeAtPoll(_Edits):
    """KP-10: the time of the reading stands in the event."""

    def word(self, now: int, block: int, at: int, word: int, count: int) -> int:
        seconds, milliseconds = self.device_time(now)
        return {3: seconds >> 16, 4: seconds & 0xFFFF, 5: milliseconds}.get(at, word)


class TicketAtPoll(_Edits):
    """RX-43: the ticket of the window that is open at the reading."""

    def word(self, now: int, block: int, at: int, word: int, count: int) -> int:
        return self._read_window(now)[0] if at == 7 else word


class ShiftsWithClock(_Edits):
    """RX-48: waiting events move with the clock when it is set."""

    moved = 0

    def word(self, now: int, block: int, at: int, word: int, count: int) -> int:
        return word ^ self.moved if at == 4 else word

    def take(self, now: int, key: int) -> Iterable[Effect]:
        self.moved = 0
        return super().take(now, key)

    def _set_clock(self, now: int, cells: Cells) -> Iterable[Effect]:
        self.moved = 1
        return super()._set_clock(now, cells)


class HalfBlocks(_Edits):
    """RX-71: a register read alone is that of the oldest event."""

    def word(self, now: int, block: int, at: int, word: int, count: int) -> int:
        return self.queue.words()[at] if count == 1 else word


class TenBlocks(RatingKeypad):
    """RX-72: only ten events can be read at once."""

    def read(self, now: int, table: Table, start: int, count: int) -> Sequence[int]:
        words = list(super().read(now, table, start, count))
        if table is Table.INPUTS and start == rk.FIFO_ADDRESS and count > 80:
            words[80:] = [rk.NO_EVENT] * (count - 80)
        return words


class StaleBlocks(RatingKeypad):
    """RX-73: blocks beyond the last event read 0."""

    def read(self, now: int, table: Table, start: int, count: int) -> Sequence[int]:
        words = list(super().read(now, table, start, count))
        if table is Table.INPUTS and start >= rk.FIFO_ADDRESS:
            beyond = max(0, len(self.queue) * rk.EVENT_WORDS - (start - rk.FIFO_ADDRESS))
            words[beyond:] = [0] * len(words[beyond:])
        return words


class CardIgnored(RatingKeypad):
    """RX-42."""

    def log_in(self, now: int, clerk_code: int) -> Iterable[Effect]:
        return []


class KeepsTicket(RatingKeypad):
    """RX-44: the last window's ticket stands in later events."""

    kept = 0

    def take(self, now: int, key: int) -> Iterable[Effect]:
        if not self._is_open(now) and self._policy:
            return self.enqueue(now, key, rk.FLAG_UNSOLICITED, self.kept)
        return super().take(now, key)

    def _set_window(self, now: int, cells: Cells) -> Iterable[Effect]:
        self.kept = cells[0] or self.kept
        return super()._set_window(now, cells)

    def forget(self) -> None:
        super().forget()
        self.kept = 0


class _Flags(RatingKeypad):
    """Edits the flags of an event as it is queued."""

    clear = 0

    def enqueue(self, now: int, value: int, flags: int = 0, ticket: int = 0) -> list[Effect]:
        effects = super().enqueue(now, value, flags, ticket)
        self.queue = waiting_changed(
            self.queue, lambda waiting: (*waiting[:-1], waiting[-1]._replace(flags=waiting[-1].flags & ~self.clear))
        )
        return effects


class NoClockFlag(_Flags):
    """RX-46."""

    clear = rk.FLAG_CLOCK_SET


class NoRepeat(_Flags):
    """RX-54."""

    clear = rk.FLAG_REPEAT


class NoUnsolicited(RatingKeypad):
    """RX-55: the flag stands in every event."""

    def enqueue(self, now: int, value: int, flags: int = 0, ticket: int = 0) -> list[Effect]:
        return super().enqueue(now, value, flags | rk.FLAG_UNSOLICITED, ticket)


class ClaimsClock(RatingKeypad):
    """RX-47: after a boot the clock counts as set."""

    def _boot(self, now: int) -> list[Effect]:
        effects = super()._boot(now)
        self._clock_set = True
        return effects


class KeyFromZero(RatingKeypad):
    """RX-51: keys are counted from 0 beyond the third."""

    def enqueue(self, now: int, value: int, flags: int = 0, ticket: int = 0) -> list[Effect]:
        return super().enqueue(now, value - 1 if value > 3 else value, flags, ticket)


class IgnoresPolicy(RatingKeypad):
    """RX-56."""

    def take(self, now: int, key: int) -> Iterable[Effect]:
        kept, self._policy = self._policy, rk.POLICY_UNSOLICITED
        effects = list(super().take(now, key))
        self._policy = kept
        return effects


class NoDebounce(RatingKeypad):
    """RX-57: every edge of a contact is a press."""

    def press(self, now: int, key: int, held: int = 0) -> Iterable[Effect]:
        why = self.contact(now, key, held)
        return [self.ignored(key, why)] if why == "two keys" else self.take(now, key)


class OpenForEver(RatingKeypad):
    """RX-58: a window never closes by itself."""

    def _set_window(self, now: int, cells: Cells) -> Iterable[Effect]:
        effects = list(super()._set_window(now, cells))
        self.told = self._closes_at
        self._closes_at += 10_000 * NS if self._ticket else 0
        return effects

    told = 0

    def _read_window(self, now: int) -> Sequence[int]:
        if not self._is_open(now):
            return (0, 0)
        return (self._ticket, max(0, -(-(self.told - now) // NS)))


class RepeatForEver(RatingKeypad):
    """RX-59: the flag repeat outlives its window."""

    def _set_window(self, now: int, cells: Cells) -> Iterable[Effect]:
        rated = self._rated
        effects = list(super()._set_window(now, cells))
        self._rated = rated if cells[0] else False
        return effects


class LampsReadZero(RatingKeypad):
    """RX-62: the attention lamp cannot be read."""

    def read(self, now: int, table: Table, start: int, count: int) -> Sequence[int]:
        words = list(super().read(now, table, start, count))
        if table is Table.HOLDING and start <= 0x0010 < start + count:
            words[0x0010 - start] &= 0x7FFF
        return words


class BuzzerStands(RatingKeypad):
    """RX-63: the buzzer reads what was written."""

    def _read_buzzer(self, now: int) -> Sequence[int]:
        return (self._written.get("buzzer", 0),)

    def _set_buzzer(self, now: int, cells: Cells) -> Iterable[Effect]:
        self._written["buzzer"] = cells[0] or 0
        return super()._set_buzzer(now, cells)


class WindowStands(RatingKeypad):
    """RX-64: the window's seconds read as written."""

    wrote = 0

    def _set_window(self, now: int, cells: Cells) -> Iterable[Effect]:
        self.wrote = cells[1] or 0
        return super()._set_window(now, cells)

    def _read_window(self, now: int) -> Sequence[int]:
        return (self._ticket, self.wrote) if self._is_open(now) else (0, 0)


class _Header(RatingKeypad):
    """Edits the first twelve input registers."""

    edits: Mapping[int, int] = MappingProxyType({})

    def _header(self, now: int) -> tuple[int, ...]:
        words = list(super()._header(now))
        for at, value in self.edits.items():
            words[at] = value
        return tuple(words)


class OldVersion(_Header):
    """RX-81."""

    edits = MappingProxyType({1: 0x0001})


class WrongKeys(_Header):
    """RX-82."""

    edits = MappingProxyType({11: 4})


class FastUptime(RatingKeypad):
    """RX-83: the uptime counts tenths of seconds."""

    def _header(self, now: int) -> tuple[int, ...]:
        words = list(super()._header(now))
        tenths = 10 * (now - self._started) // NS
        words[8:10] = [tenths >> 16 & 0xFFFF, tenths & 0xFFFF]
        return tuple(words)


class NewestIsNext(RatingKeypad):
    """RX-84: newest tells the number that the next event will have."""

    def _state(self, now: int) -> tuple[int, int, int, int, int, int]:
        epoch, status, waiting, oldest, newest, lost = super()._state(now)
        return epoch, status, waiting, oldest, newest + 1 & 0xFFFF if waiting else newest, lost


class _Status(RatingKeypad):
    """Clears bits of the status."""

    clear = 0

    def status(self, now: int) -> int:
        return super().status(now) & ~self.clear


class NoWindowBit(_Status):
    """RX-85."""

    clear = rk.STATUS_WINDOW_OPEN


class NoTamperBit(_Status):
    """RX-86."""

    clear = rk.STATUS_TAMPER


class FifoSwapped(RatingKeypad):
    """RX-87: the FIFO view has the value in the high bits."""

    def fifo(self, now: int, pointer: int) -> Sequence[int]:
        return [(word & 0x0F) << 12 | word >> 4 for word in super().fifo(now, pointer)]


class SlowClock(RatingKeypad):
    """RX-88: the clock stands after it was set."""

    stood = -1

    def _set_clock(self, now: int, cells: Cells) -> Iterable[Effect]:
        effects = super()._set_clock(now, cells)
        self.stood = now
        return effects

    def device_time(self, now: int) -> tuple[int, int]:
        if self.stood >= 0:
            now = self.stood + (now - self.stood) // 2
        return super().device_time(now)

    def _boot(self, now: int) -> list[Effect]:
        self.stood = -1
        return super()._boot(now)


def _broadcast(ignored: range) -> type[RatingKeypad]:
    class Ignores(RatingKeypad):
        """A broadcast to these registers is ignored."""

        def write(
            self, now: int, table: Table, start: int, values: Sequence[int], function: int, broadcast: bool
        ) -> Iterable[Effect]:
            if broadcast and start in ignored:
                return ()
            return super().write(now, table, start, values, function, broadcast)

    return Ignores


class BroadcastAcks(RatingKeypad):
    """RX-93: a broadcast acknowledgement is carried out."""

    def write(
        self, now: int, table: Table, start: int, values: Sequence[int], function: int, broadcast: bool
    ) -> Iterable[Effect]:
        return super().write(now, table, start, values, function, broadcast and start != 0)


class UnitLate(RatingKeypad):
    """RX-101: a new address takes effect only with the next boot."""

    def after_reply(self, now: int) -> Iterable[Effect]:
        if "unit" in self._pending and not self._rebooting:
            return []
        return super().after_reply(now)


class SavesAlways(RatingKeypad):
    """RX-102: settings are kept without being saved."""

    def _boot(self, now: int) -> list[Effect]:
        self._saved = None
        return super()._boot(now)


class NeverSaves(RatingKeypad):
    """RX-103: the save command does nothing."""

    def _command(self, now: int, cells: Cells) -> Iterable[Effect]:
        return () if cells[0] == rk.SAVE else super()._command(now, cells)


class NeverReboots(RatingKeypad):
    """RX-104: the reboot command does nothing."""

    def _command(self, now: int, cells: Cells) -> Iterable[Effect]:
        return () if cells[0] == rk.REBOOT else super()._command(now, cells)


class AnyCommand(RatingKeypad):
    """RX-105: unknown commands are accepted."""

    def _check_command(self, now: int, cells: Cells, function: int) -> None:
        return None


class KeepsPolicy(RatingKeypad):
    """RX-106: clerk and policy outlive a boot."""

    def forget(self) -> None:
        kept = getattr(self, "_clerk", 0), getattr(self, "_policy", 1)
        super().forget()
        self._clerk, self._policy = kept


def _row(id_: str, requirement: str, title: str, kind: Any, *collateral: str) -> Any:
    return mutant(id_, requirement, title, kind, collateral)


MUTANTS: Final = (
    _row("KP-07", "5-R2", "a key held makes an event every 500 ms", Repeats),
    _row("KP-08", "5-R3", "two keys within 50 ms make a third code", Ored),
    _row("KP-09", "4-R1", "the first clerk after a boot is every event's", ClerkAtBoot, "clerk-card"),
    _row(
        "KP-10",
        "4-R5",
        "the time of the reading stands in the event",
        TimeAtPoll,
        "read-keeps",
        "event-frozen",
        "block-whole",
    ),
    _row("RX-42", "4-R2", "a card does not log in", CardIgnored),
    _row("RX-43", "4-R3", "the ticket is that of the reading", TicketAtPoll, "event-frozen"),
    _row("RX-44", "4-R4", "the last window's ticket stands in later events", KeepsTicket, "window-expires"),
    _row("RX-46", "4-R6", "events never say that the clock was set", NoClockFlag),
    _row("RX-47", "4-R7", "after a boot the clock counts as set", ClaimsClock),
    _row("RX-48", "4-R8", "waiting events move when the clock is set", ShiftsWithClock),
    _row("RX-51", "5-R1", "keys beyond the third are counted from 0", KeyFromZero),
    _row("RX-54", "5-R4", "the flag repeat never stands", NoRepeat),
    _row("RX-55", "5-R5", "the flag unsolicited always stands", NoUnsolicited),
    _row("RX-56", "5-R6", "the policy is not looked at", IgnoresPolicy),
    _row("RX-57", "5-R7", "every edge of a contact is a press", NoDebounce),
    _row("RX-58", "5-R8", "a window never closes by itself", OpenForEver),
    _row("RX-59", "5-R9", "the flag repeat outlives its window", RepeatForEver),
    _row("RX-62", "6-R2", "the attention lamp reads as off", LampsReadZero),
    _row("RX-63", "6-R3", "the buzzer reads what was written", BuzzerStands),
    _row("RX-64", "6-R4", "the window's seconds read as written", WindowStands),
    _row("RX-71", "7-R1", "a register read alone is the oldest event's", HalfBlocks),
    _row("RX-72", "7-R2", "ten events at once, not fifteen", TenBlocks),
    _row("RX-73", "7-R3", "blocks without an event read 0", StaleBlocks),
    _row("RX-81", "8-R1", "another profile version", OldVersion),
    _row("RX-82", "8-R2", "tells four keys, five declared", WrongKeys),
    _row("RX-83", "8-R3", "the uptime counts tenths of seconds", FastUptime),
    _row("RX-84", "8-R4", "newest tells the next number", NewestIsNext, "fifteen-blocks"),
    _row("RX-85", "8-R5", "the status does not tell an open window", NoWindowBit),
    _row("RX-86", "8-R6", "the status does not tell an open case", NoTamperBit),
    _row("RX-87", "8-R7", "the FIFO view has the value in its high bits", FifoSwapped),
    _row("RX-88", "8-R8", "the clock runs at half speed", SlowClock),
    _row("RX-91", "9-R1", "a broadcast time is ignored", _broadcast(range(0x20, 0x23))),
    _row("RX-92", "9-R2", "a broadcast window is ignored", _broadcast(range(0x12, 0x14))),
    _row("RX-93", "9-R3", "a broadcast acknowledgement is carried out", BroadcastAcks),
    _row("RX-101", "10-R1", "a new address counts only after a boot", UnitLate),
    _row("RX-102", "10-R2", "settings are kept without being saved", SavesAlways),
    _row("RX-103", "10-R3", "the save command does nothing", NeverSaves),
    _row("RX-104", "10-R4", "the reboot command does nothing", NeverReboots, "unsaved-gone"),
    _row("RX-105", "10-R5", "unknown commands are accepted", AnyCommand),
    _row("RX-106", "10-R6", "clerk and policy outlive a boot", KeepsPolicy),
)
