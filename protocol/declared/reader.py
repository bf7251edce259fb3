"""From a stream of characters to frames: finding where one begins, and going on after what was none.

The rules of protocols.md 7.2 after a broken frame: `rescan_inside` looks for a begin from its second character on,
`skip_to_start` behind it where its length is known, `gap` not before the line was silent. Memory is bounded by the
longest frame, time by characters x longest frame; nothing that comes in raises an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from protocol.declared.frames import CAUSES, START, FrameCodec

RESYNC = ("rescan_inside", "skip_to_start", "gap")
"""What can be done after a broken frame."""


class Frame(NamedTuple):
    """A sound frame.

    Args:
        codec: the form it has.
        raw: its characters, the preamble not counted.
    """

    codec: FrameCodec
    raw: bytes


class Broken(NamedTuple):
    """Something that began like a frame and is none.

    Args:
        cause: "value", "length", "escape" or "check".
        raw: its characters as far as they are known to be its own.
    """

    cause: str
    raw: bytes


class Reader:
    """Cuts one direction of a line into frames.

    Args:
        codecs: the frames of that direction; where several could begin at one place the shortest that is sound counts.
        resync: one of `RESYNC`.

    Attributes:
        noise: characters that belonged to no frame.
    """

    __slots__ = ("_any", "_buf", "_codecs", "_dead", "_first", "_most", "_only", "_runs", "noise", "resync")

    def __init__(self, codecs: Sequence[FrameCodec], resync: str = "rescan_inside") -> None:
        self._codecs = tuple(codecs)
        self.resync = resync
        self.noise = 0
        self._buf = b""
        self._dead = False
        starts = {c for codec in codecs for c in ([codec.run.byte] if codec.run else codec.first)}
        self._any = len(starts) == 256
        self._first = bytes(sorted(starts))
        self._only = self._first if len(starts) == 1 else b""
        self._runs = any(codec.run is not None for codec in codecs)
        self._most = max((codec.spec.most for codec in codecs), default=0)

    @property
    def pending(self) -> bool:
        """Whether an incomplete frame waits for more characters, or for silence."""
        return bool(self._buf) or self._dead

    def feed(self, data: bytes) -> list[Frame | Broken]:
        """Take characters; give what is complete now."""
        if self._dead:
            self.noise += len(data)
            return []
        return self._cut(self._buf + data if self._buf else data, closing=False)

    def gap(self) -> list[Frame | Broken]:
        """The line is silent: what waits will not be completed."""
        self._dead = False
        if not self._buf:
            return []
        return self._cut(self._buf, closing=True)

    def reset(self) -> None:
        """Forget what waits (power loss)."""
        self._buf = b""
        self._dead = False

    def _cut(self, buf: bytes, *, closing: bool) -> list[Frame | Broken]:
        made: list[Frame | Broken] = []
        at, end = 0, len(buf)
        while at < end:
            begin = self._begin(buf, at)
            if begin != at:
                self.noise += begin - at
                at = begin
                if at >= end:
                    break
            size, codec, skip = self._try(buf, at, end, closing)
            if size > 0:
                assert codec is not None
                made.append(Frame(codec, buf[at + skip : at + skip + size]))
                at += skip + size
                continue
            if size == 0:
                if self._runs:
                    at = self._shorten(buf, at, end)
                break
            cause, length = -size & 7, -size >> 3
            if cause != START:
                made.append(Broken(CAUSES[cause], buf[at : at + skip + (length or 1)]))
            if cause != START and self.resync == "gap":
                self.noise += end - at
                at = end
                self._dead = not closing
                break
            step = max(skip, 1)
            if length and self.resync == "skip_to_start" and cause != START:
                step = skip + length
            self.noise += step
            at += step
        self._buf = buf[at:end]
        return made

    def _begin(self, buf: bytes, at: int) -> int:
        """The next place at which a frame can begin."""
        if self._any:
            return at
        if self._only:
            found = buf.find(self._only, at)
            return len(buf) if found < 0 else found
        first = self._first
        while at < len(buf) and buf[at] not in first:
            at += 1
        return at

    def _try(self, buf: bytes, at: int, end: int, closing: bool) -> tuple[int, FrameCodec | None, int]:
        """(length or 0 or negative cause, the frame, characters of preamble before it)."""
        best = worst = skipped = 0
        found: FrameCodec | None = None
        more = False
        for codec in self._codecs:
            skip = 0
            run = codec.run
            if run is not None:
                here = at
                while here < end and buf[here] == run.byte:
                    here += 1
                skip = here - at
                if here == end:
                    if skip and not closing:
                        more = True
                    continue
                if skip < run.least:
                    continue
            size = codec.measure(buf, at + skip, end, closing)
            if size > 0:
                if not best or skip + size < best + skipped:
                    best, found, skipped = size, codec, skip
            elif size == 0:
                more = True
            elif not found and (-size & 7) > (-worst & 7):
                worst, skipped = size, skip
        if best:
            return best, found, skipped
        if more:
            return 0, None, 0
        return worst or -START, None, skipped

    def _shorten(self, buf: bytes, at: int, end: int) -> int:
        """Of an endless preamble only as much is kept as one can have."""
        for codec in self._codecs:
            run = codec.run
            if run is not None and end - at > run.most and buf[at:end].count(run.byte) == end - at:
                self.noise += end - at - run.most
                return end - run.most
        return at
