"""What a device is: bytes and integer nanoseconds in, effects out.

A device is told the time, it never asks; it is handed its random source, it never makes one. Everything it wants to
happen it returns as effects, and whoever drives it (a line on a clock, a test, a fuzzer) carries them out. Nothing here
knows a clock, a thread, a socket, a file or SimPy (architecture.md sections 3 and 4).

Instants (`now`, `first`, `last`, `at`) are integer nanoseconds on one axis; durations (`after`) are nanoseconds from
`now`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

NS = 1_000_000_000
"""Nanoseconds in a second."""

MS = 1_000_000
"""Nanoseconds in a millisecond."""

PARITY, FRAMING, OVERRUN, BREAK, COLLISION = 1, 2, 4, 8, 16
"""Bits of a character's flaw: what a UART (or the line itself) would report of it."""

Flaws: TypeAlias = Mapping[int, int]
"""Index of a damaged character within the heard data -> flaw bits. None or absent: clean."""


class Send(NamedTuple):
    """Put characters on the line, `after` ns from now, back to back."""

    data: bytes
    after: int = 0


class Alarm(NamedTuple):
    """Wake me at instant `at` (None: never). Replaces the pending alarm of the same tag."""

    at: int | None
    tag: str = ""


class Note(NamedTuple):
    """Ground truth for the history: something happened to, in or on the device."""

    kind: str
    facts: Mapping[str, Any]


class Stop(NamedTuple):
    """Cut what I am sending, at this character, and forget what waits (reboot, unplug)."""


class Modem(NamedTuple):
    """Levels of the full-duplex RS-232 lines towards the collector; None leaves a line as it is."""

    cts: bool | None = None
    dsr: bool | None = None


Effect: TypeAlias = Send | Alarm | Note | Stop | Modem


class Watch(NamedTuple):
    """What a device must hear before a burst ends.

    Args:
        chars: hear at once when one of these characters is complete (XOFF, DLE ...).
        after: hear at the latest when this many more characters are complete; 0 means "at the end of the burst".
    """

    chars: bytes = b""
    after: int = 0


@runtime_checkable
class Device(Protocol):
    """One station on a line.

    `hear` gets each stretch of characters exactly once, in order: `data` complete between `first` (start of its first
    bit) and `last` (end of its last character), with `now >= last`. A device may change `watch` at any time; the line
    reads it again after each call. The human side (press a key, open the cover) is further methods
    `name(now, *args) -> Iterable[Effect]` that each device defines.
    """

    name: str
    watch: Watch | None

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        """Characters went by on the line; the device's own are never heard."""
        ...

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        """An alarm fell due."""
        ...
