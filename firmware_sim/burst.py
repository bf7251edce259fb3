"""Characters sent back to back by one sender, with computed instants.

A transmission is one `Burst`, never one event per character: the instant at which any character is complete follows
from the line's settings by exact integer arithmetic, so a poll of 21 characters costs a handful of events and eight
hours of polling drift by nothing (virtual-time.md sections 1 and 2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from firmware_sim.device import COLLISION, FRAMING, NS, Flaws

PARITIES = "NEOMS"
_SETTINGS = re.compile(r"^\s*(\d+)\s*(?:bit/s|baud)?[ ,]+([5-8])([NEOMS])(1\.5|1|2)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Speed and character format of one end of a line.

    Args:
        baud: bits per second.
        data_bits: 5 to 8.
        parity: one of N, E, O, M, S (pyserial's letters).
        stop_bits: 1, 1.5 or 2. A receiver only ever checks the first one.
    """

    baud: int = 9600
    data_bits: int = 8
    parity: str = "N"
    stop_bits: float = 1
    char_num: int = field(init=False, repr=False, compare=False, default=0)
    char_den: int = field(init=False, repr=False, compare=False, default=1)
    """A character lasts char_num / char_den ns, exactly."""

    def __post_init__(self) -> None:
        if self.baud <= 0 or self.data_bits not in {5, 6, 7, 8} or self.parity not in PARITIES:
            raise ValueError(f"no such line settings: {self.baud} {self.data_bits}{self.parity}{self.stop_bits}")
        if self.stop_bits not in {1, 1.5, 2}:
            raise ValueError(f"stop bits are 1, 1.5 or 2, not {self.stop_bits}")
        object.__setattr__(self, "char_num", self.half_bits * NS)
        object.__setattr__(self, "char_den", 2 * self.baud)

    @classmethod
    def parse(cls, text: str) -> LineSettings:
        """Read "9600 8N1" (also "19200 7E2"); ValueError says what was expected."""
        found = _SETTINGS.match(text)
        if found is None:
            raise ValueError(f"line settings read like '9600 8N1' or '19200 8E1', not {text!r}")
        baud, bits, parity, stop = found.groups()
        return cls(int(baud), int(bits), parity.upper(), 1.5 if stop == "1.5" else int(stop))

    @property
    def half_bits(self) -> int:
        """Length of one character in half bits, start and stop included (1.5 stop bits exist)."""
        return 2 * (1 + self.data_bits + (self.parity != "N")) + round(2 * self.stop_bits)

    @property
    def char_bits(self) -> float:
        """Length of one character in bits: 10 for 8N1, 11 for 8E1."""
        return self.half_bits / 2

    def duration(self, characters: int) -> int:
        """Nanoseconds that many characters take, rounded up once for all of them."""
        return -(-characters * self.char_num // self.char_den)

    def __str__(self) -> str:
        return f"{self.baud} {self.data_bits}{self.parity}{self.stop_bits:g}"


class Burst:
    """Characters back to back on a line: character i is complete at `when(i + 1)`.

    Attributes:
        src: who sends (a device, or the port's end of the line).
        sent: what the sender put on the line.
        data: what a listener with equal settings hears of it (collisions and faults change it).
        start: instant of the first start bit, ns.
        end: instant at which the last character is complete, ns.
        flaws: index in `data` -> flaw bits, or None when clean.
        settings: the sender's settings, which fix the instants.
        heard: listener -> how much of `data` it has heard early; None when nobody listens early.
        late: the port's settings differ, so it hears the burst when that has ended.
    """

    __slots__ = (
        "_began",
        "_den",
        "_lead",
        "_num",
        "data",
        "end",
        "flaws",
        "heard",
        "late",
        "sent",
        "settings",
        "src",
        "start",
    )

    def __init__(self, src: Any, data: bytes, start: int, settings: LineSettings) -> None:
        self.src = src
        self.sent = self.data = data
        self.start = self._began = start
        self._lead = 0  # characters of `sent` before `data`: nobody hears them
        self.settings = settings
        self._num = num = settings.char_num
        self._den = den = settings.char_den
        self.end = start - (-len(data) * num // den)
        self.flaws: dict[int, int] | None = None
        self.heard: dict[Any, int] | None = None
        self.late = False

    def when(self, n: int) -> int:
        """Instant at which `n` characters are complete, ns (n = 0: the start)."""
        return self._began - (-(n + self._lead) * self._num // self._den)

    def arrived(self, now: int) -> int:
        """How many characters are complete at `now`."""
        n = (now - self._began) * self._den // self._num - self._lead
        return 0 if n < 0 else min(n, len(self.data))

    def cut(self, at: int, *, finish: bool) -> bytes:
        """End the burst early and return what was not sent.

        Args:
            at: the instant of the cut, ns.
            finish: True lets the character in progress end (a sender that was told to stop); False breaks it off and
                it is not heard (a sender that lost its power).
        """
        lead = self._lead
        done = max(0, min((at - self._began) * self._den // self._num, len(self.sent)))
        if finish and done < len(self.sent) and at > self.when(done - lead):
            done += 1
        keep = max(0, done - lead)
        rest = self.sent[done:]
        self.sent, self.data = self.sent[:done], self.data[:keep]
        self.end = self.when(done - lead) if done else max(self._began, min(at, self.end))
        self.start = min(self.start, self.end)
        if self.flaws:
            self.flaws = {i: bits for i, bits in self.flaws.items() if i < keep} or None
        return rest

    def swallow(self, characters: int) -> None:
        """Make the first characters not be heard: they are lost in what another sends."""
        self._lead += characters
        self.data = self.data[characters:]
        self.start = self.when(0)

    def damage(self, index: int, value: int, flaw: int) -> None:
        """Make the character at `index` be heard as `value` with the `flaw` bits set."""
        data = bytearray(self.data)
        data[index] = value
        self.data = bytes(data)
        if self.flaws is None:
            self.flaws = {}
        self.flaws[index] = self.flaws.get(index, 0) | flaw

    def flaws_from(self, position: int, until: int) -> Flaws | None:
        """Flaws of the characters from `position` to `until`, counted from `position`."""
        if self.flaws is None:
            return None
        return {i - position: bits for i, bits in self.flaws.items() if position <= i < until} or None

    def __repr__(self) -> str:
        name = getattr(self.src, "name", self.src)
        return f"<Burst {name} {self.data.hex(' ')} {self.start}..{self.end}>"


def collide(first: Burst, second: Burst) -> None:
    """Let `second`, starting while `first` is on the same pair of wires, damage both.

    Two drivers that pull against each other read as the wired AND of what overlaps (conformance.md N23), with framing
    errors. A listener hears one stream: `first` with damaged characters, then what is left of `second` after it.
    """
    i = first.arrived(second.start)
    while i < len(first.data) and first.when(i) < second.end:
        j = min(second.arrived(first.when(i)), len(second.data) - 1)
        other = second.data[j] if second.data else 0xFF
        first.damage(i, first.data[i] & other, COLLISION | FRAMING)
        i += 1
    swallowed = second.arrived(first.end)
    if second.when(swallowed) < first.end:
        swallowed = min(swallowed + 1, len(second.data))
    second.swallow(swallowed)
