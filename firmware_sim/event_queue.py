"""The event queue of profile RK-1: what makes a press impossible to lose silently.

One queue stands behind the rating keypad, the clerk console and the kiosk button. Reading never removes an event; only
an acknowledgement of (epoch, sequence) does, so a lost reply costs nothing. When the queue is full the oldest event
goes and is counted. All of it is non-volatile: `state` is the whole memory as data, and a queue made `from_state` goes
on where that one stood (reference-keypad.md, guarantees 1 to 3).
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple

from protocol.modbus.maps.reference_keypad import (
    DEEPEST_QUEUE,
    EVENT_WORDS,
    FLAG_OVERFLOWED,
    MOST_BLOCKS,
    MOST_FIFO,
    NO_EVENT,
    QUEUE_DEPTH,
    Event,
    at_or_before,
)

__all__ = ["EventQueue", "QueueState", "Queued", "Refused"]

_READABLE = MOST_BLOCKS * EVENT_WORDS
_MOST_LOST = 0xFFFF


class Refused(ValueError):
    """An acknowledgement that names nothing this queue can let go of; nothing was changed."""


class Queued(NamedTuple):
    """What became of a press: the event it is, and the one it pushed out (None while there is room)."""

    event: Event
    dropped: Event | None


class QueueState(NamedTuple):
    """The non-volatile memory of a queue.

    Args:
        depth: most events that wait.
        epoch: boot epoch, 16 bits.
        next_sequence: number the next event gets, 16 bits.
        waiting: unacknowledged events, oldest first.
        lost: events dropped and not acknowledged, at most 65535.
        acknowledged: (epoch, sequence) of the last acknowledgement that freed events, None before the first.
    """

    depth: int = QUEUE_DEPTH
    epoch: int = 1
    next_sequence: int = 0
    waiting: tuple[Event, ...] = ()
    lost: int = 0
    acknowledged: tuple[int, int] | None = None


class EventQueue:
    """Events that wait for their acknowledgement, oldest first.

    Args:
        depth: most events that wait, 1..32768 (beyond that the order of sequence numbers would be in doubt).
        epoch: boot epoch to start in, 0..65535.
        next_sequence: number of the first event, 0..65535 (a real unit starts at 0; another start shows the wrap).

    Raises:
        ValueError: a number outside its range.
    """

    __slots__ = ("_depth", "_epoch", "_lost", "_next", "_waiting", "_words", "acknowledged", "summary")

    def __init__(self, depth: int = QUEUE_DEPTH, epoch: int = 1, next_sequence: int = 0) -> None:
        if not 1 <= depth <= DEEPEST_QUEUE:
            raise ValueError(f"a queue is 1 to {DEEPEST_QUEUE} events deep, not {depth}")
        if not 0 <= epoch <= 0xFFFF or not 0 <= next_sequence <= 0xFFFF:
            raise ValueError(f"epoch and sequence have 16 bits, got {epoch} and {next_sequence}")
        self._depth = depth
        self._epoch = epoch
        self._next = next_sequence
        self._waiting: deque[Event] = deque()
        self._lost = 0
        self._words: tuple[int, ...] | None = None
        self.acknowledged: tuple[int, int] | None = None
        self.summary: tuple[int, int, int, int, int]
        """What a poll is told: epoch, events that wait, oldest and newest sequence (0xFFFF: none), events lost."""
        self._sum_up()

    @classmethod
    def from_state(cls, state: QueueState) -> EventQueue:
        """A queue that goes on from a memory (of its own, or an old one: a fault that devices have).

        Raises:
            ValueError: more events wait than the queue holds.
        """
        if len(state.waiting) > state.depth:
            raise ValueError(f"{len(state.waiting)} events cannot wait in a queue of depth {state.depth}")
        queue = cls(state.depth, state.epoch, state.next_sequence)
        queue._waiting.extend(state.waiting)
        queue._lost = state.lost
        queue.acknowledged = state.acknowledged
        queue._sum_up()
        return queue

    @property
    def state(self) -> QueueState:
        """The whole memory as data."""
        return QueueState(self._depth, self._epoch, self._next, tuple(self._waiting), self._lost, self.acknowledged)

    @property
    def depth(self) -> int:
        """Most events that wait."""
        return self._depth

    @property
    def epoch(self) -> int:
        """The boot epoch."""
        return self._epoch

    @property
    def lost(self) -> int:
        """Events dropped and not acknowledged; not 0 is the overflow flag."""
        return self._lost

    @property
    def waiting(self) -> tuple[Event, ...]:
        """Unacknowledged events, oldest first."""
        return tuple(self._waiting)

    @property
    def oldest(self) -> Event | None:
        """The event that has waited longest."""
        return self._waiting[0] if self._waiting else None

    @property
    def newest(self) -> Event | None:
        """The event queued last."""
        return self._waiting[-1] if self._waiting else None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(
        self, value: int, *, flags: int, seconds: int, milliseconds: int, clerk: int = 0, ticket: int = 0
    ) -> Queued:
        """Queue a press under the next sequence number.

        Args:
            value: the key.
            flags: FLAG_* bits but FLAG_OVERFLOWED, which the queue sets itself.
            seconds: the device's Unix seconds of the press.
            milliseconds: 0..999.
            clerk: clerk code logged in at the press.
            ticket: ticket of the open window.
        """
        dropped = None
        if len(self._waiting) == self._depth:
            dropped = self._waiting.popleft()
            self._lost = min(self._lost + 1, _MOST_LOST)
        if self._lost:
            flags |= FLAG_OVERFLOWED
        event = Event(self._epoch, self._next, flags, value, seconds & 0xFFFFFFFF, milliseconds, clerk, ticket)
        self._next = (self._next + 1) & 0xFFFF
        self._waiting.append(event)
        self._words = None
        self._sum_up()
        return Queued(event, dropped)

    def check(self, epoch: int, sequence: int) -> int:
        """How many events an acknowledgement would free; nothing changes.

        A waiting event, of any epoch, is freed with all older ones. One equal to or older than the last that freed
        something (a repeat: its reply was lost) frees none.

        Raises:
            Refused: it names neither.
        """
        for count, event in enumerate(self._waiting, 1):
            if event.sequence == sequence and event.epoch == epoch:
                return count
        if self.acknowledged is not None and at_or_before((epoch, sequence), self.acknowledged):
            return 0
        last = "none yet" if self.acknowledged is None else f"{self.acknowledged[0]}:{self.acknowledged[1]:04X}"
        raise Refused(f"event {epoch}:{sequence:04X} neither waits nor was acknowledged (last acknowledged: {last})")

    def acknowledge(self, epoch: int, sequence: int) -> int:
        """Free what an acknowledgement names and all older events; tell how many that were.

        Raises:
            Refused: see `check`; nothing was changed.
        """
        count = self.check(epoch, sequence)
        for _ in range(count):
            self._waiting.popleft()
        if count:
            self.acknowledged = (epoch, sequence)
            self._words = None
            self._sum_up()
        return count

    def acknowledge_lost(self, count: int) -> None:
        """Take note that `count` losses are known; later losses stand.

        Raises:
            Refused: more than were lost; nothing was changed.
        """
        if count > self._lost:
            raise Refused(f"{count} losses acknowledged, only {self._lost} stand; read the count again")
        self._lost -= count
        self._sum_up()

    def boot(self) -> int:
        """A new epoch, sequence from 0; events, losses and the last acknowledgement stay. Tells the epoch."""
        self._epoch = (self._epoch + 1) & 0xFFFF
        self._next = 0
        self._sum_up()
        return self._epoch

    def lose(self) -> tuple[Event, ...]:
        """A memory that is not as non-volatile as it says: what waits is gone, uncounted. Tells what that was."""
        gone = tuple(self._waiting)
        self._waiting.clear()
        self._words = None
        self._sum_up()
        return gone

    def restart_sequence(self) -> None:
        """The next event gets number 0, in the same epoch: what no device may do, and some do."""
        self._next = 0

    def words(self) -> tuple[int, ...]:
        """The 120 registers of the 15 readable blocks, 0xFFFF beyond the last waiting event."""
        if self._words is None:
            words: list[int] = []
            for event in islice(self._waiting, MOST_BLOCKS):
                words += event.words()
            words += [NO_EVENT] * (_READABLE - len(words))
            self._words = tuple(words)
        return self._words

    def _sum_up(self) -> None:
        waiting = self._waiting
        oldest, newest = (waiting[0].sequence, waiting[-1].sequence) if waiting else (NO_EVENT, NO_EVENT)
        self.summary = (self._epoch, len(waiting), oldest, newest, self._lost)

    def fifo(self) -> tuple[int, ...]:
        """The view of FC 0x18: at most 31 words, low 12 bits of the sequence x 16 + value, oldest first."""
        shown = islice(self._waiting, MOST_FIFO)
        return tuple((event.sequence & 0x0FFF) << 4 | event.value & 0x0F for event in shown)
