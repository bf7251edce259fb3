"""The bench of the rating keypad's own cases (profile RK-1): state, event blocks, acknowledgements, fingers.

What a case does not judge itself it takes for granted: a count that is not as it should be loses the premise of every
case but the one that is about counting, so that a defect is blamed on one requirement.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from bench.compliance.case import Failed, Lost
from bench.compliance.modbus_bench import Answer, ModbusBench, write_many
from bench.compliance.steps import Heard, Step, Wait
from firmware_sim.device import MS
from protocol.modbus.maps.reference_keypad import EVENT_WORDS, MOST_BLOCKS, Event

__all__ = ["SECOND", "Rk1Bench", "State", "ack"]

SECOND: Final = 1_000 * MS
_PAUSE: Final = 200 * MS
_ROUNDS: Final = 60
_BLOCKS: Final = 0x0100

Doing = Generator[Step, Heard, None]
Reading = Generator[Step, Heard, Any]


class State(NamedTuple):
    """Input registers 0x0002 to 0x0007."""

    epoch: int
    status: int
    waiting: int
    oldest: int
    newest: int
    lost: int


def ack(epoch: int, sequence: int) -> bytes:
    """PDU of an acknowledgement."""
    return write_many(0, (epoch & 0xFFFF, sequence & 0xFFFF))


@dataclass
class Rk1Bench(ModbusBench):
    """`ModbusBench` with the registers and the human side of RK-1."""

    @property
    def keys(self) -> int:
        """Number of keys, as declared."""
        return int(self.declaration.capabilities["keys"])

    @property
    def depth(self) -> int:
        """Queue depth, as declared."""
        return int(self.declaration.capabilities["depth"])

    def key(self) -> int:
        """A drawn key."""
        return self.rng.randint(1, self.keys)

    # -- reading ------------------------------------------------------------------------------------------------------
    def state(self) -> Generator[Step, Heard, State]:
        """Epoch, status, counts."""
        words = yield from self.registers(2, 6, 4)
        return State(*words)

    def blocks(self, count: int) -> Generator[Step, Heard, list[Event | None]]:
        """The first event blocks; None for one that stands empty."""
        words = yield from self.registers(_BLOCKS, EVENT_WORDS * count, 4)
        return [Event.parse(words[at : at + EVENT_WORDS]) for at in range(0, len(words), EVENT_WORDS)]

    def fetch(self, count: int) -> Generator[Step, Heard, list[Event]]:
        """The events of so many presses just made.

        Raises:
            Lost: not so many wait.
        """
        state = yield from self.state()
        blocks = yield from self.blocks(min(max(count, 1), MOST_BLOCKS))
        events = [event for event in blocks if event is not None]
        if state.waiting != count or len(events) < min(count, MOST_BLOCKS):
            raise Lost(f"{count} events should wait; {state.waiting} are told, {len(events)} can be read")
        return events

    def one(self) -> Generator[Step, Heard, Event]:
        """The one event that waits."""
        (event,) = yield from self.fetch(1)
        return event

    def clock(self) -> Generator[Step, Heard, int]:
        """The device's time, Unix ms."""
        high, low, milliseconds = yield from self.registers(0x0020, 3)
        return (high << 16 | low) * 1000 + milliseconds

    # -- writing ------------------------------------------------------------------------------------------------------
    def acknowledge(self, event: Event) -> Doing:
        """Acknowledge an event that waits."""
        yield from self.good(ack(event.epoch, event.sequence))

    def accepted(self, pdu: bytes, what: str) -> Answer:
        """A request that must be taken.

        Raises:
            Failed: it draws an exception.
        """
        reply = yield from self.ask(pdu)
        if reply.exception:
            raise Failed(f"{what} draws exception {reply.exception:02X}, it is to be accepted", reply.heard, (2, 3))
        self.saw(reply.heard)
        return reply

    def drain(self) -> Doing:
        """Empty the queue and the lost-count.

        Raises:
            Lost: it cannot be emptied.
        """
        for _ in range(_ROUNDS):
            state = yield from self.state()
            if not state.waiting:
                break
            events = [event for event in (yield from self.blocks(min(state.waiting, MOST_BLOCKS))) if event]
            if not events:
                raise Lost("events wait, and their blocks read empty")
            yield from self.acknowledge(events[-1])
        else:
            raise Lost(f"the queue could not be emptied in {_ROUNDS} rounds")
        if state.lost:
            yield from self.good(b"\x06\x00\x02" + state.lost.to_bytes(2, "big"))

    def fresh(self) -> Doing:
        """An empty queue, no window, presses outside a window recorded."""
        yield from self.put(0x0012, 0)
        yield from self.put(0x0015, 1)
        yield from self.drain()

    def window(self, ticket: int, seconds: int) -> Doing:
        """Open a rating window."""
        yield from self.good(write_many(0x0012, (ticket, seconds)))

    def set_clock(self, seconds: int) -> Doing:
        """Set the clock to Unix seconds."""
        yield from self.good(write_many(0x0020, (seconds >> 16, seconds & 0xFFFF, 0)))

    def time(self) -> int:
        """Drawn Unix seconds of the years 2024 to 2032."""
        return self.rng.randrange(1_704_067_200, 1_956_528_000)

    # -- fingers ------------------------------------------------------------------------------------------------------
    def press(self, key: int, held: int = 0) -> Doing:
        """A key is pressed once, and held for so many ns."""
        long = f" and hold it for {held / SECOND:g} s" if held else " once"
        yield from self.operator("press", key, held, text=f"press key {key}{long}")
        yield Wait(_PAUSE + held, "the key is up again")

    def presses(self, *keys: int) -> Doing:
        """Several keys, one after the other."""
        for key in keys:
            yield from self.press(key)

    def press_many(self, count: int) -> Doing:
        """Keys 1, 2 ... in turn; the value of press n (from 0) is n mod keys + 1."""
        text = f"press the keys 1 to {self.keys} in turn, from left to right and again, {count} presses in all"
        yield from self.operator("press_many", count, self.keys, text=text)
        yield Wait(_PAUSE, "the key is up again")

    def sequence_near(self, number: int) -> Doing:
        """The next event is to have this number; the queue is empty."""
        text = f"bring the sequence number to {number} by the vendor's test command"
        yield from self.operator("sequence_near", number, text=text)

    def power_cycle(self) -> Doing:
        """Off, on, and as long as the device may take to start."""
        yield from self.operator("power_cycle", text="switch the device off and on")
        yield from self.starts()

    def starts(self) -> Doing:
        """As long as it may take to start."""
        yield Wait(int(self.declaration.capabilities.get("boot_ms", 2000)) * MS, "it starts")
