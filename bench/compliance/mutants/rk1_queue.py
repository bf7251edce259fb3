"""Rating keypads with a defect in their queue (conformance.md 3.2, KP; RX are further ones)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from bench.compliance.mutants.base import Mutant
from bench.compliance.mutants.rk1_build import on_keypad, waiting_changed
from firmware_sim.device import Effect
from firmware_sim.devices.rating_keypad import RatingKeypad
from firmware_sim.event_queue import EventQueue, Queued, Refused
from firmware_sim.modbus_slave import Table
from firmware_sim.register_slave import Cells, refuse
from protocol.modbus.maps.reference_keypad import FLAG_OVERFLOWED, Event

__all__ = ["MUTANTS", "mutant"]


class Keypad(RatingKeypad):
    """A keypad with a queue of another class."""

    queue_class: type[EventQueue] = EventQueue

    def __init__(self, name: str = "keypad", **more: Any) -> None:
        super().__init__(name, **more)
        self.queue = self.queue_class(self.queue.depth, self.queue.epoch, 0)


def with_queue(kind: type[EventQueue]) -> type[Keypad]:
    """The keypad class with this queue."""
    return type(kind.__name__, (Keypad,), {"queue_class": kind})


def mutant(
    id_: str, requirement: str, title: str, kind: Any, collateral: tuple[str, ...] = (), wild: str = ""
) -> Mutant:
    """A row of the table: a class of keypads or of queues."""
    made = with_queue(kind) if isinstance(kind, type) and issubclass(kind, EventQueue) else kind
    return Mutant(
        id_,
        title,
        on_keypad(lambda: made("keypad")),
        "rk1",
        requirement=f"RK1-{requirement}",
        collateral=frozenset(f"rk1.dev.{case}" for case in collateral),
        wild=wild,
        cases="rk1.",
    )


# -- queues -----------------------------------------------------------------------------------------------------------
class DropsNewest(EventQueue):
    """KP-01."""

    def put(self, value: int, **facts: Any) -> Queued:
        if len(self) < self.depth:
            return super().put(value, **facts)
        self._lost += 1
        event = Event(self._epoch, self._next, 0, value, 0, 0)
        self._next = (self._next + 1) & 0xFFFF
        self._sum_up()
        return Queued(event, event)


class ByteSequence(EventQueue):
    """KP-03: after 255 comes 1."""

    def put(self, value: int, **facts: Any) -> Queued:
        queued = super().put(value, **facts)
        if self._next == 256:
            self._next = 1
        return queued


class FreesOneMore(EventQueue):
    """KP-05."""

    def acknowledge(self, epoch: int, sequence: int) -> int:
        count = super().acknowledge(epoch, sequence)
        if count and self._waiting:
            self._waiting.popleft()
            self._words = None
            self._sum_up()
        return count


class SameEpoch(EventQueue):
    """KP-06."""

    def boot(self) -> int:
        self._next = 0
        return self._epoch


class SkipsNumbers(EventQueue):
    """RX-01: every third press takes two numbers."""

    def put(self, value: int, **facts: Any) -> Queued:
        queued = super().put(value, **facts)
        if self._next % 3 == 0:
            self._next = (self._next + 1) & 0xFFFF
        return queued


class CountsTooFew(EventQueue):
    """RX-06: counts every second loss."""

    seen = 0

    def put(self, value: int, **facts: Any) -> Queued:
        before = self._lost
        queued = super().put(value, **facts)
        if self._lost > before:
            self.seen += 1
            if self.seen % 2 == 0:
                self._lost -= 1
                self._sum_up()
        return queued


class AckClearsLosses(EventQueue):
    """RX-07."""

    def acknowledge(self, epoch: int, sequence: int) -> int:
        self._lost = 0
        return super().acknowledge(epoch, sequence)


class LossesAllCleared(EventQueue):
    """RX-08: any acknowledgement of losses clears the count."""

    def acknowledge_lost(self, count: int) -> None:
        self._lost = 0
        self._sum_up()


class Forgets(EventQueue):
    """RX-10: the events are in volatile memory."""

    def boot(self) -> int:
        self.lose()
        return super().boot()


class ForgetsLosses(EventQueue):
    """RX-11."""

    def boot(self) -> int:
        self._lost = 0
        return super().boot()


class ForgetsAck(EventQueue):
    """RX-12."""

    def boot(self) -> int:
        self.acknowledged = None
        return super().boot()


class NeverFlagged(EventQueue):
    """RX-13: events after a loss do not say so."""

    def put(self, value: int, **facts: Any) -> Queued:
        queued = super().put(value, **facts)
        event = self._waiting.pop()
        self._waiting.append(event._replace(flags=event.flags & ~FLAG_OVERFLOWED))
        self._words = None
        return queued


class FifoPops(EventQueue):
    """RX-22: reading the FIFO view takes the oldest away."""

    def fifo(self) -> tuple[int, ...]:
        words = super().fifo()
        if self._waiting:
            self._waiting.popleft()
            self._words = None
            self._sum_up()
        return words


class RefusesRepeat(EventQueue):
    """RX-24: the last acknowledgement, repeated, is refused."""

    def check(self, epoch: int, sequence: int) -> int:
        if (epoch, sequence) == self.acknowledged:
            raise Refused("given already")
        return super().check(epoch, sequence)


class RefusesOlder(EventQueue):
    """RX-25: an older acknowledgement is refused."""

    def check(self, epoch: int, sequence: int) -> int:
        count = super().check(epoch, sequence)
        if not count and (epoch, sequence) != self.acknowledged:
            raise Refused("older than the last")
        return count


class RepeatFrees(EventQueue):
    """RX-26: a repeated acknowledgement frees the next event."""

    def acknowledge(self, epoch: int, sequence: int) -> int:
        if (epoch, sequence) == self.acknowledged and self._waiting:
            self._waiting.popleft()
            self._words = None
            self._sum_up()
            return 1
        return super().acknowledge(epoch, sequence)


class TakesAny(EventQueue):
    """RX-27: an acknowledgement of what never was frees everything."""

    def check(self, epoch: int, sequence: int) -> int:
        try:
            return super().check(epoch, sequence)
        except Refused:
            if epoch != self._epoch:
                raise
            return len(self)

    def acknowledge(self, epoch: int, sequence: int) -> int:
        count = self.check(epoch, sequence)
        for _ in range(count):
            self._waiting.popleft()
        if count:
            self.acknowledged = (epoch, sequence)
        self._words = None
        self._sum_up()
        return count


class AnyEpoch(EventQueue):
    """RX-28: only the sequence of an acknowledgement counts."""

    def check(self, epoch: int, sequence: int) -> int:
        for count, event in enumerate(self._waiting, 1):
            if event.sequence == sequence:
                return count
        return super().check(epoch, sequence)


class OwnEpochOnly(EventQueue):
    """RX-30: events of an earlier epoch cannot be acknowledged alone."""

    def check(self, epoch: int, sequence: int) -> int:
        last = self._waiting[-1].epoch if self._waiting else epoch
        if epoch != last:
            raise Refused("not of this epoch")
        return super().check(epoch, sequence)


class PlainOrder(EventQueue):
    """RX-32: the smaller number is the older one, wrap or not."""

    def check(self, epoch: int, sequence: int) -> int:
        waits = [event for event in self._waiting if event.epoch == epoch and event.sequence <= sequence]
        count = super().check(epoch, sequence)
        return max(count, len(waits)) if count else 0


class FifteenBits(EventQueue):
    """RX-33: the sequence ends at 32767, or at 65534 where it is brought beyond."""

    def put(self, value: int, **facts: Any) -> Queued:
        queued = super().put(value, **facts)
        if self._next in (0x8000, 0xFFFF):
            self._next = 0
        return queued


class GoesOnAfterBoot(EventQueue):
    """RX-34: the sequence does not start at 0 with a boot."""

    def boot(self) -> int:
        number = self._next
        epoch = super().boot()
        self._next = number
        return epoch


class Renumbers(EventQueue):
    """RX-36: waiting events take the new epoch."""

    def boot(self) -> int:
        epoch = super().boot()
        moved = [event._replace(epoch=epoch) for event in self._waiting]
        self._waiting.clear()
        self._waiting.extend(moved)
        self._words = None
        return epoch


class NewestFirst(EventQueue):
    """RX-35."""

    def words(self) -> tuple[int, ...]:
        shown = [event.words() for event in reversed(tuple(self._waiting)[:15])]
        words = [word for event in shown for word in event]
        return tuple(words + [0xFFFF] * (120 - len(words)))


# -- keypads ----------------------------------------------------------------------------------------------------------
class NoFlag(RatingKeypad):
    """KP-02."""

    def status(self, now: int) -> int:
        return super().status(now) & ~2


class NextOnRetry(RatingKeypad):
    """KP-04: the blocks read again, nothing acknowledged, begin with the next event."""

    reads = 0

    def read(self, now: int, table: Table, start: int, count: int) -> Sequence[int]:
        words = super().read(now, table, start, count)
        if table is Table.INPUTS and start == 0x0100 and len(self.queue) > 1:
            self.reads += 1
            if self.reads > 1:
                return [*self.queue.words()[8:], *[0xFFFF] * 8][:count]
        return words

    def _acknowledge(self, now: int, cells: Cells) -> Iterable[Effect]:
        self.reads = 0
        return super()._acknowledge(now, cells)

    def take(self, now: int, key: int) -> Iterable[Effect]:
        self.reads = 0
        return super().take(now, key)


class MissesSecond(RatingKeypad):
    """RX-02: the third press in a row is written over."""

    def take(self, now: int, key: int) -> Iterable[Effect]:
        effects = list(super().take(now, key))
        if len(self.queue) == 3 and not self.queue.lost:
            self.queue = waiting_changed(self.queue, lambda waiting: waiting[:-1])
        return effects


class Shallow(RatingKeypad):
    """RX-03: one event less deep than declared."""

    def __init__(self, name: str) -> None:
        super().__init__(name, depth=63)

    def _header(self, now: int) -> tuple[int, ...]:
        words = list(super()._header(now))
        words[10] = 64
        return tuple(words)


class LostAnyCount(RatingKeypad):
    """RX-09: more losses than stand can be acknowledged."""

    def _check_lost(self, now: int, cells: Cells, function: int) -> None:
        return None

    def _acknowledge_lost(self, now: int, cells: Cells) -> Iterable[Effect]:
        return super()._acknowledge_lost(now, (min(cells[0] or 0, self.queue.lost),))


class SingleAck(RatingKeypad):
    """RX-29: FC 0x06 on the sequence acknowledges in the present epoch."""

    def _check_acknowledge(self, now: int, cells: Cells, function: int) -> None:
        if None not in cells:
            super()._check_acknowledge(now, cells, function)
        elif cells[1] is None:
            raise refuse("epoch alone")

    def _acknowledge(self, now: int, cells: Cells) -> Iterable[Effect]:
        return super()._acknowledge(now, (self.queue.epoch if cells[0] is None else cells[0], cells[1]))


class ReadsZero(RatingKeypad):
    """RX-31: the acknowledgement reads back as 0, 0."""

    def _read_acknowledge(self, now: int) -> Sequence[int]:
        return (0, 0)


_NUMBERS: Final = ("overflow-drops-oldest", "seq-16-bit", "seq-wrap")
_ORDER: Final = (
    *("ack-across-wrap", "ack-exact", "clerk-at-press", "fifo-view", "fifteen-blocks", "press-numbered", "repeat-flag"),
    *("seq-16-bit", "seq-wrap", "sequences", "ticket-at-press", "unsolicited-flag"),
)
"""Whoever compares two events sees that they are exchanged."""

MUTANTS: Final = (
    mutant("KP-01", "1-R4", "drops the newest when full", DropsNewest, ("event-after-loss",)),
    mutant("KP-02", "1-R5", "no overflow flag after a loss", NoFlag),
    mutant("KP-03", "3-R2", "after number 255 comes 1", ByteSequence),
    mutant("KP-04", "2-R1", "a retried read gives the next event", NextOnRetry, ("power-keeps-queue",)),
    mutant(
        "KP-05", "2-R3", "an acknowledgement frees one event more", FreesOneMore, ("ack-across-wrap", "ack-older-epoch")
    ),
    mutant("KP-06", "3-R4", "a boot is no new epoch", SameEpoch, ("reboot-command",)),
    mutant("RX-01", "1-R1", "every third press takes two numbers", SkipsNumbers, _NUMBERS),
    mutant("RX-02", "1-R2", "the third press in a row is written over", MissesSecond, ("depth-held",)),
    mutant("RX-03", "1-R3", "holds one event less than declared", Shallow),
    mutant("RX-06", "1-R6", "counts every second loss", CountsTooFew),
    mutant("RX-07", "1-R7", "acknowledging an event clears the losses", AckClearsLosses),
    mutant("RX-08", "1-R8", "acknowledging one loss clears them all", LossesAllCleared),
    mutant("RX-09", "1-R9", "more losses than stand are acknowledged", LostAnyCount),
    mutant("RX-10", "1-R10", "events are in volatile memory", Forgets),
    mutant("RX-11", "1-R11", "the lost-count is in volatile memory", ForgetsLosses),
    mutant("RX-12", "1-R12", "the last acknowledgement is in volatile memory", ForgetsAck),
    mutant("RX-13", "1-R13", "events after a loss do not say so", NeverFlagged),
    mutant("RX-22", "2-R2", "reading the FIFO view removes the oldest", FifoPops),
    mutant("RX-24", "2-R4", "a repeated acknowledgement is refused", RefusesRepeat, ("power-keeps-ack",)),
    mutant("RX-25", "2-R5", "an older acknowledgement is refused", RefusesOlder, ("ack-across-wrap",)),
    mutant("RX-26", "2-R4", "a repeated acknowledgement frees the next event", RepeatFrees),
    mutant("RX-27", "2-R6", "acknowledging what never was frees everything", TakesAny),
    mutant("RX-28", "2-R7", "the epoch of an acknowledgement is not looked at", AnyEpoch),
    mutant("RX-29", "2-R8", "FC 0x06 on the sequence acknowledges", SingleAck),
    mutant("RX-30", "2-R9", "events of an earlier epoch cannot be acknowledged", OwnEpochOnly),
    mutant("RX-31", "2-R10", "the acknowledgement reads back as 0", ReadsZero),
    mutant("RX-32", "2-R11", "the smaller number is the older one", PlainOrder),
    mutant("RX-33", "3-R1", "the sequence ends before 65535", FifteenBits),
    mutant("RX-34", "3-R3", "the sequence goes on after a boot", GoesOnAfterBoot),
    mutant("RX-35", "3-R5", "blocks stand newest first", NewestFirst, _ORDER),
    mutant("RX-36", "3-R6", "waiting events take the epoch of the boot", Renumbers),
)
