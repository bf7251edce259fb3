"""The collector's end of a line in simulated time: what a UART and its driver keep for a port.

The line knows this and not the port object, so a port that a program just drops is closed by that, as a descriptor is.
"""

from __future__ import annotations

from typing import Any

from bench.clock.actors import NEVER, Actor
from bench.clock.kernel import Kernel
from firmware_sim.burst import Burst, LineSettings
from firmware_sim.line import XOFF, XON

CHUNK = 62
"""Characters that a common USB adapter hands over at once."""


class Uart:
    """Receive buffer and settings of one open port (a `firmware_sim.line.PortEnd`).

    Attributes:
        settings: of the port.
        xonxoff_in_force: XON and XOFF from the device are obeyed, and are not data.
        readers: actor -> how many characters its waiting read wants (0: it waits for what `select` calls readable).
        draining: actors that wait for room in the transmitter, or for its end.
        cancelled: how often waiting reads were told to end.
        chunk: characters after which a long burst is readable for `select` before its end (as a USB adapter or a FIFO
            hands them over); a shorter one is when it has ended.
    """

    __slots__ = ("_kernel", "_segments", "cancelled", "chunk", "draining", "readers", "settings", "xonxoff_in_force")

    def __init__(self, kernel: Kernel, settings: LineSettings, chunk: int = CHUNK) -> None:
        self._kernel = kernel
        self._segments: list[list[Any]] = []  # [burst, next index, end index or -1 for "to its end"]
        self.settings = settings
        self.xonxoff_in_force = False
        self.readers: dict[Actor, int] = {}
        self.draining: dict[Actor, None] = {}
        self.cancelled = 0
        self.chunk = chunk

    # -- called by the line -----------------------------------------------------------------------------------------
    def incoming(self, burst: Burst) -> None:
        """A burst towards us has begun."""
        if self.xonxoff_in_force and (XON in burst.data or XOFF in burst.data):
            lo = 0
            for i, char in enumerate(burst.data):
                if char in (XON, XOFF):
                    if i > lo:
                        self._segments.append([burst, lo, i])
                    lo = i + 1
            if lo < len(burst.data):
                self._segments.append([burst, lo, -1])
        else:
            self._segments.append([burst, 0, -1])
        for actor, wanted in self.readers.items():
            self._kernel.shorten(self.when(wanted) if wanted else self.readable_at(burst.start), actor)

    def transmitted(self) -> None:
        """Characters left our transmitter."""
        for actor in self.draining:
            self._kernel.wake(actor)

    # -- what has arrived -------------------------------------------------------------------------------------------
    def have(self, now: int) -> int:
        """How many characters are here and unread."""
        count = 0
        for burst, lo, hi in self._segments:
            upto = burst.arrived(now)
            if hi >= 0:
                upto = min(upto, hi)
            if upto > lo:
                count += upto - lo
        return count

    def when(self, n: int) -> int:
        """Instant at which `n` unread characters are here, as far as is known."""
        for burst, lo, hi in self._segments:
            length = (len(burst.data) if hi < 0 else min(hi, len(burst.data))) - lo
            if n <= length:
                return int(burst.when(lo + n))
            n -= max(length, 0)
        return NEVER

    def next_change(self, now: int) -> int:
        """Instant at which one more character is here than now, as far as is known."""
        return self.when(self.have(now) + 1)

    def readable_at(self, now: int) -> int:
        """Instant at which `select` calls the port readable: when a burst has ended, or a chunk of it is here."""
        segments = self._segments
        if not segments:
            return NEVER
        burst, lo, hi = segments[0]
        end = len(burst.data)
        if 0 <= hi < end:
            end = hi
        if end <= lo:  # it was cut before its first character
            del segments[0]
            return self.readable_at(now)
        at: int = burst.when(end if end < lo + self.chunk else lo + self.chunk)  # noqa: FURB136 - see Kernel.park
        return at if at > now else now  # noqa: FURB136

    def cancel(self) -> None:
        """End the reads that wait, with what is here."""
        self.cancelled += 1
        for actor in self.readers:
            self._kernel.wake(actor)

    def take(self, n: int) -> bytes:
        """Read `n` characters that are here."""
        segments = self._segments
        first = segments[0] if segments else None
        if first is not None and first[1] == 0 and first[2] < 0 and n == len(first[0].data):
            del segments[0]  # the usual case: one whole reply
            return bytes(first[0].data)
        out = bytearray()
        while n > 0 and segments:
            burst, lo, hi = segments[0]
            end = len(burst.data) if hi < 0 else min(hi, len(burst.data))
            part = burst.data[lo : min(lo + n, end)]
            out += part
            n -= len(part)
            if lo + len(part) >= end:
                del segments[0]
            else:
                segments[0][1] = lo + len(part)
        return bytes(out)

    def whole(self, now: int, most: int) -> bytes:
        """Read a burst that has come whole and alone, of at most so many characters; nothing if there is no such."""
        segments = self._segments
        if len(segments) != 1:
            return b""
        burst, lo, hi = segments[0]
        data = bytes(burst.data)
        size = len(data)
        if lo or hi >= 0 or not 0 < size <= most or burst.when(size) > now:
            return b""
        segments.clear()
        return data

    def clear(self) -> None:
        """Forget all of it, also what is on the wire."""
        self._segments.clear()
