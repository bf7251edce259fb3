"""Profile RK-1, the reference rating keypad, and its relatives the clerk console and the kiosk button: the registers.

This is a reference profile of this project, published because no rating keypad with a public Modbus map was found; it
is not what any vendor's keypad speaks. Source: reference-keypad.md. What that outline left open is settled here:

* Power-up: a unit hears nothing for `BOOT_NS` after power or 0xB007; its events of before are waiting afterwards.
* Non-volatile: queue, epoch, lost-count and the last acknowledgement (memory without a limit on writes), and registers
  0x0030..32 when saved by 0x5AFE, at least `SAVE_LIMIT` times; a save that changes nothing is not counted, and beyond
  the limit 0x5AFE is refused with exception 0x04. All else starts anew at power-up: no clerk, no window, policy 1,
  lamps and buzzer off, clock not set (unless the unit has a battery).
* Lamps: `KEY_COLOURS` for keys 1 to 5, amber for attention. Keypads with a text display are outside RK-1: registers
  0x0040 and up do not exist (exception 0x02).
* Registers that belong together (acknowledge; window; clock) are written together. A write that covers such a group
  whole, alone or as part of a longer one, is taken; one that covers a part of it is exception 0x03 without effect. One
  exception: 0 to the window's ticket alone closes the window. An acknowledgement comes by FC 0x10 only.
* The lost-count acknowledged may not be more than the count that stands (exception 0x03): a master whose reply was lost
  reads 0x0007 again. The count stops at 65535.
* Writing a window with the ticket of the window that is open prolongs that window (a repeated write is not a second
  window); another ticket opens another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from protocol.modbus.maps import Register, RegisterMap
from protocol.modbus.pdu import Table

MARK_RATING: Final = 0x524B
"""Profile mark "RK": rating keypad."""
MARK_CONSOLE: Final = 0x4343
"""Profile mark "CC": clerk console."""
MARK_KIOSK: Final = 0x4B42
"""Profile mark "KB": kiosk button."""
VERSION: Final = 0x0100
"""Profile version 1.0."""

STATUS_TAMPER: Final = 0x01
STATUS_OVERFLOW: Final = 0x02
STATUS_CLOCK_NOT_SET: Final = 0x04
STATUS_SUPPLY_LOW: Final = 0x08
STATUS_WINDOW_OPEN: Final = 0x10

FLAG_UNSOLICITED: Final = 0x01
"""Event flag: pressed outside a rating window."""
FLAG_REPEAT: Final = 0x02
"""Event flag: not the first press in its window."""
FLAG_CLOCK_SET: Final = 0x04
"""Event flag: the clock had been set when it was pressed."""
FLAG_OVERFLOWED: Final = 0x08
"""Event flag: events lost by overflow stood unacknowledged when it was queued (its own overflow included)."""

SAVE: Final = 0x5AFE
REBOOT: Final = 0xB007
ATTENTION: Final = 0x8000
"""Lamp bit 15."""
POLICY_UNSOLICITED: Final = 0x0001
"""Policy bit 0: record presses outside a window."""

QUEUE_DEPTH: Final = 64
"""Default of the declared queue depth."""
DEEPEST_QUEUE: Final = 32768
"""Greatest depth at which the order of waiting sequence numbers is without doubt."""
EVENT_WORDS: Final = 8
MOST_BLOCKS: Final = 15
"""Event blocks that can be read: 15 x 8 = 120 registers, within one FC 0x04."""
FIFO_ADDRESS: Final = 0x0100
MOST_FIFO: Final = 31
NO_EVENT: Final = 0xFFFF
"""What every register of a block without an event reads; and the oldest and newest sequence of an empty queue."""

BOOT_NS: Final = 1_500_000_000
SAVE_LIMIT: Final = 100_000
DEBOUNCE_NS: Final = 30_000_000
TWO_KEYS_NS: Final = 50_000_000
ANSWER_NS: Final = 50_000_000
"""Latest start of the local answer (lamp and sound) to a press."""

# Baud codes are those of `protocol.modbus.maps.led485.BAUD_CODES`.
PARITY_CODES: Final[Mapping[int, str]] = MappingProxyType({0: "N", 1: "O", 2: "E"})
KEY_COLOURS: Final[Mapping[int, str]] = MappingProxyType({1: "red", 2: "orange", 3: "yellow", 4: "lime", 5: "green"})
"""Colour of the lamp at each key of a five-key rating keypad, from worst (1) to best (5)."""

CONSOLE_KEYS: Final[Mapping[int, str]] = MappingProxyType(
    {
        1: "next",
        2: "recall",
        3: "no-show",
        4: "transfer",
        5: "pause",
        6: "resume",
        7: "done",
        8: "log in",
    }
)
"""Key codes of the clerk console; the clerk code of a log-in is in the clerk register and in the event."""
KIOSK_KEYS: Final = 15
"""Most keys of a kiosk button; its value is the errand class chosen."""

_I: Final = Table.INPUTS
_H: Final = Table.HOLDING

REFERENCE_KEYPAD: Final = RegisterMap(
    "RK-1 rating keypad",
    "reference-keypad.md",
    (
        Register("mark", _I, 0x0000, 1, "r", "0x524B rating keypad, 0x4343 clerk console, 0x4B42 kiosk button"),
        Register("version", _I, 0x0001, 1, "r", "profile version, 0x0100"),
        Register("epoch", _I, 0x0002, 1, "r", "boot epoch: one more at each boot, 16 bits"),
        Register("status", _I, 0x0003, 1, "r", "bits: tamper, overflow, clock not set, supply low, window open"),
        Register("waiting", _I, 0x0004, 1, "r", "events waiting"),
        Register("oldest", _I, 0x0005, 1, "r", "oldest sequence waiting, 0xFFFF when none waits"),
        Register("newest", _I, 0x0006, 1, "r", "newest sequence waiting, 0xFFFF when none waits"),
        Register("lost", _I, 0x0007, 1, "r", "events lost by overflow and not acknowledged; stops at 65535"),
        Register("uptime", _I, 0x0008, 2, "r", "seconds since power-up, high word first"),
        Register("depth", _I, 0x000A, 1, "r", "declared queue depth"),
        Register("keys", _I, 0x000B, 1, "r", "number of keys"),
        Register(
            "events", _I, 0x0100, MOST_BLOCKS * EVENT_WORDS, "r", "waiting events, oldest first, 8 registers each"
        ),
        Register("acknowledge", _H, 0x0000, 2, "rw", "epoch, sequence; one FC 0x10; reads the last that freed events"),
        Register("acknowledge_lost", _H, 0x0002, 1, "rw", "that many lost events are known: subtracted from the count"),
        Register("lamps", _H, 0x0010, 1, "rw", "one bit for each key, bit 0 = key 1; bit 15 attention"),
        Register("buzzer", _H, 0x0011, 1, "rw", "milliseconds; reads what remains; by broadcast too"),
        Register("window", _H, 0x0012, 2, "rw", "ticket (0 closes), seconds (reads what remains); by broadcast too"),
        Register("clerk", _H, 0x0014, 1, "rw", "clerk code logged in, 0 = none"),
        Register("policy", _H, 0x0015, 1, "rw", "bit 0: record unsolicited presses, default 1"),
        Register("clock", _H, 0x0020, 3, "rw", "Unix seconds high, low, milliseconds, UTC; by broadcast too"),
        Register("unit", _H, 0x0030, 1, "rw", "unit id, 1..247; takes effect after the reply"),
        Register("baud", _H, 0x0031, 1, "rw", "baud code, 1 = 1200 .. 8 = 115200; takes effect after the reply"),
        Register("parity", _H, 0x0032, 1, "rw", "0 none, 1 odd, 2 even; takes effect after the reply"),
        Register("command", _H, 0x003F, 1, "rw", "0x5AFE saves unit, baud and parity; 0xB007 reboots"),
    ),
)
"""Every register of the rating keypad."""

CLERK_CONSOLE: Final = REFERENCE_KEYPAD.without("window", "policy", title="RK-1 clerk console")
"""The clerk console: as the keypad, without window and policy."""

KIOSK_BUTTON: Final = REFERENCE_KEYPAD.without("window", "policy", "clerk", title="RK-1 kiosk button")
"""The kiosk button: as the console, without a clerk."""


class Event(NamedTuple):
    """One event as it stands in its block of eight registers.

    Args:
        epoch: boot epoch of the press, 16 bits.
        sequence: number of the press within the epoch, 16 bits.
        flags: FLAG_* bits, 8 bits.
        value: the key, 8 bits.
        seconds: the device's own Unix seconds of the press, 32 bits.
        milliseconds: 0..999.
        clerk: clerk code logged in at the press, 0 = none.
        ticket: ticket of the open window, 0 = none.
    """

    epoch: int
    sequence: int
    flags: int
    value: int
    seconds: int
    milliseconds: int
    clerk: int = 0
    ticket: int = 0

    @property
    def at_ms(self) -> int:
        """The device's time of the press, Unix milliseconds."""
        return self.seconds * 1000 + self.milliseconds

    def words(self) -> tuple[int, ...]:
        """The eight registers of the block."""
        return (
            self.epoch,
            self.sequence,
            self.flags << 8 | self.value,
            self.seconds >> 16,
            self.seconds & 0xFFFF,
            self.milliseconds,
            self.clerk,
            self.ticket,
        )

    @classmethod
    def parse(cls, words: Sequence[int]) -> Event | None:
        """The event in eight registers, or None where the block stands empty (all 0xFFFF).

        Raises:
            ValueError: not eight words.
        """
        if len(words) != EVENT_WORDS:
            raise ValueError(f"an event block is {EVENT_WORDS} registers, got {len(words)}")
        if all(word == NO_EVENT for word in words):
            return None
        epoch, sequence, both, high, low, milliseconds, clerk, ticket = words
        return cls(epoch, sequence, both >> 8, both & 0xFF, high << 16 | low, milliseconds, clerk, ticket)


EVENT_LAYOUT: Final[tuple[tuple[str, str], ...]] = (
    ("epoch", "boot epoch of the press"),
    ("sequence", "number of the press within its epoch, from 0"),
    ("value", "low byte: the key; high byte: the flags below"),
    ("seconds high", "Unix seconds of the press by the device's clock, UTC, high word"),
    ("seconds low", "low word"),
    ("milliseconds", "0..999"),
    ("clerk", "clerk code logged in at the press, 0 = none"),
    ("ticket", "ticket of the open window, 0 = none"),
)
"""The registers of an event's block in their order, as `Event.words` gives them: name and meaning, for people."""

EVENT_RULES: Final = (
    "Flags: bit 0 pressed outside a window, 1 not the first press of its window, 2 the clock was set, 3 events had "
    "been lost before it. A block beyond the last waiting event reads 0xFFFF throughout. Reading removes nothing: an "
    "event waits until its epoch and sequence are written to `acknowledge` with one 0x10, which frees it and all older "
    "ones. One acknowledged before is accepted and changes nothing; any other is refused with exception 03."
)
"""What a program must know beside the layout (reference-keypad.md, guarantee 2)."""


def at_or_before(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether (epoch, sequence) `one` is equal to or older than `other`, in 16-bit serial arithmetic.

    Within an epoch `(other - one) mod 65536 < 32768`; across epochs the epochs decide by the same rule.
    """
    if one[0] == other[0]:
        return (other[1] - one[1]) % 0x10000 < 0x8000
    return (other[0] - one[0]) % 0x10000 < 0x8000
