"""Frames out of characters that were overheard on a real line: by silence, and by sound Modbus frames.

An operating system hands characters over in chunks that have nothing to do with frames. A silence longer than the gap
ends a frame; a USB adapter swallows short silences, so on a Modbus line what stands between two gaps is cut again where
the lengths and the CRC say that whole frames stand one behind the other. What cannot be cut so stays in one piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from protocol.modbus.rtu import MAX_ADU, MIN_ADU, is_sound, reply_length, request_length

__all__ = ["Framer", "Overheard"]

MOST: Final = 4096
"""Characters that are gathered at most: a line without silences is cut here."""


class Overheard(NamedTuple):
    """A frame that was overheard.

    Args:
        at: instant of its first edge, reckoned back from the instant at which its first chunk was read, ns.
        end: instant at which its last chunk was read, ns.
        data: its characters.
        inbound: towards the collector; None when nobody can tell.
    """

    at: int
    end: int
    data: bytes
    inbound: bool | None


class Framer:
    """Makes frames of the chunks of one tap.

    Args:
        gap: silence that ends a frame, ns.
        character: how long a character takes, ns.
        modbus: cut by Modbus frames, and tell requests from replies.
        inbound: what this tap hears, when it hears one direction alone.
    """

    def __init__(self, *, gap: int, character: int, modbus: bool, inbound: bool | None) -> None:
        self._gap = gap
        self._character = character
        self._modbus = modbus
        self._inbound = inbound
        self._chunks: list[tuple[int, bytes]] = []
        self._size = 0
        self._asked: bytes | None = None

    def feed(self, at: int, data: bytes) -> Iterator[Overheard]:
        """Take a chunk that was read at `at`; gives the frames that are complete now."""
        # A chunk of n characters began n characters before it was read, if none was waiting in the adapter.
        begun = at - len(data) * self._character
        if self._chunks and begun - self._chunks[-1][0] > self._gap:
            yield from self.flush()
        self._chunks.append((at, data))
        self._size += len(data)
        if self._size >= MOST:
            yield from self.flush()

    def due(self) -> int | None:
        """The instant after which silence has ended what is gathered; None when nothing is."""
        return self._chunks[-1][0] + self._gap if self._chunks else None

    def flush(self) -> Iterator[Overheard]:
        """What is gathered, as frames; the tap has been silent, or there is no more."""
        if not self._chunks:
            return
        chunks, self._chunks, self._size = self._chunks, [], 0
        data = b"".join(chunk for _, chunk in chunks)
        for start, end in self._cuts(data):
            yield Overheard(*self._instants(chunks, start, end), data[start:end], self._direction(data[start:end]))

    def _cuts(self, data: bytes) -> Iterator[tuple[int, int]]:
        if not self._modbus or is_sound(data):
            yield 0, len(data)
            return
        start = at = 0
        while at + MIN_ADU <= len(data):
            length = _sound_length(data, at)
            if length is None:
                at += 1
                continue
            if start < at:
                yield start, at
            yield at, at + length
            start = at = at + length
        if start < len(data):
            yield start, len(data)

    def _instants(self, chunks: list[tuple[int, bytes]], start: int, end: int) -> tuple[int, int]:
        place = 0
        first = last = chunks[-1][0]
        found = False
        for at, chunk in chunks:
            if not found and place + len(chunk) > start:
                first = at - (place + len(chunk) - start) * self._character
                found = True
            if place + len(chunk) >= end:
                last = at - (place + len(chunk) - end) * self._character
                break
            place += len(chunk)
        return first, max(first, last)

    def _direction(self, data: bytes) -> bool | None:
        if self._inbound is not None or not self._modbus:
            return self._inbound
        if not is_sound(data):
            self._asked = None
            return None
        asked = self._asked
        answers = asked is not None and asked[0] == data[0] and asked[1] == data[1] & 0x7F
        if answers and reply_length(data) == len(data):
            self._asked = None
            return True
        if request_length(data) == len(data):
            self._asked = data
            return False
        return True if reply_length(data) == len(data) else None


def _sound_length(data: bytes, at: int) -> int | None:
    """Length of the sound frame that begins at a place, by what requests and replies of its function are long."""
    piece = data[at : at + MAX_ADU]
    for reckon in (request_length, reply_length):
        length = reckon(piece)
        if length is not None and MIN_ADU <= length <= len(piece) and is_sound(piece[:length]):
            return length
    return None
