"""A ticket printer's receiver: the buffer that can overrun, and commands that are obeyed before they are stored.

Characters are stored while there is room; those that find none are lost, which is decided at the instant each one is
complete (the room that printing made in the meantime is told by `release`). Real-time commands (DLE EOT, DLE ENQ,
DLE DC4) are found in every character that comes, stored or lost, also inside image data (protocols.md 4.1). Between two
commands they are taken out of the stream; inside another command's parameters or data their characters stay there too,
as Epson's notes say: `ESC 3` + `10 04 01` sets the spacing to 10.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from protocol.escpos.tokenizer import Token, Tokenizer

DLE = 0x10

CLEAR = bytes.fromhex("10 14 08 01 03 14 01 06 02 08")
POWER_OFF = bytes.fromhex("10 14 02 01 08")
_LENGTHS = {
    (0x04, 7): 4,
    (0x04, 8): 4,
    (0x04, 18): 4,
    (0x14, 1): 5,
    (0x14, 2): 5,
    (0x14, 7): 4,
    (0x14, 8): len(CLEAR),
}
_FIXED = frozenset((CLEAR, POWER_OFF))
"""Commands every byte of which is given: with another one they are ordinary data."""


def _real_time_length(command: bytes) -> int:
    """Length of the real-time command that begins like this; 0 when none does; one more than there is when unsure."""
    if len(command) < 2:
        return 2
    if command[1] not in (0x04, 0x05, 0x14):
        return 0
    if len(command) < 3:
        return 3
    length = _LENGTHS.get((command[1], command[2]), 3 if command[1] != 0x14 else 0)
    for fixed in _FIXED:
        if command[:3] == fixed[:3] and command != fixed[: len(command)]:
            return 0
    return length


class ReceiveBuffer:
    """Bytes between the line and the print head, held as tokens.

    Args:
        size: bytes it holds.

    Attributes:
        lost: characters that found it full, since last asked (`take_lost`).
    """

    __slots__ = (
        "_candidate",
        "_freed",
        "_inside",
        "_owed",
        "_released",
        "_stored",
        "lost",
        "size",
        "tokenizer",
        "tokens",
    )

    def __init__(self, size: int) -> None:
        self.size = size
        self.tokenizer = Tokenizer(size)
        self.tokens: deque[Token] = deque()
        self.lost = 0
        self._stored = 0
        self._candidate = b""
        self._inside = False
        self._released: deque[tuple[int, int]] = deque()
        self._freed = 0  # the sum of what stands in it
        self._owed = 0

    @property
    def room(self) -> int:
        """Free bytes now."""
        return self.size - self._stored + self._owed + self._freed

    @property
    def listening(self) -> bool:
        """In the middle of what may become a real-time command."""
        return bool(self._candidate)

    @property
    def empty(self) -> bool:
        """Nothing is stored, not even part of a command."""
        return self.room >= self.size

    def clear(self) -> None:
        """Forget all that is stored."""
        self.tokenizer.reset()
        self.tokens.clear()
        self._stored = 0
        self._candidate = b""
        self._inside = False
        self._released.clear()
        self._freed = self._owed = 0

    def take_lost(self) -> int:
        """How many characters were lost since last asked."""
        lost, self.lost = self.lost, 0
        return lost

    def next_token(self, now: int) -> Token | None:
        """The oldest token; its bytes are free from `now` on."""
        if not self.tokens:
            return None
        token = self.tokens.popleft()
        released = self._released
        if released and released[-1][0] == now:
            released[-1] = (now, released[-1][1] + len(token.raw))
        else:
            released.append((now, len(token.raw)))
        self._freed += len(token.raw)
        return token

    def receive(self, data: bytes, first: int, last: int) -> Iterable[bytes]:
        """Take in characters that are complete between `first` (start of the first) and `last`.

        Yields:
            Each real-time command, when its last character came; the buffer is then as it was at that character.
        """
        start, n, span = 0, len(data), last - first
        while self._released:
            instant, freed = self._released.popleft()
            # A character complete at the very instant of the release still found the old room.
            count = n if span <= 0 or instant >= last else max(0, (instant - first) * n // span)
            self._freed -= freed
            self._owed = freed
            if count > start:
                yield from self._take(data[start:count])
                start = count
            self._stored -= self._owed
            self._owed = 0
        yield from self._take(data[start:])
        self.tokens.extend(self.tokenizer.flush())

    def _take(self, data: bytes) -> Iterable[bytes]:
        i = 0
        while i < len(data):
            if not self._candidate:
                found = data.find(DLE, i)
                if found < 0:
                    self._store(data[i:])
                    return
                self._store(data[i:found])
                self._inside = not self.tokenizer.idle
                self._candidate = data[found : found + 1]
                if self._inside:
                    self._store(self._candidate)
                i = found + 1
                continue
            grown = self._candidate + data[i : i + 1]
            length = _real_time_length(grown)
            if not length:
                # Not one after all: what was held back is ordinary data, and this character may begin another.
                held, self._candidate = self._candidate, b""
                if not self._inside:
                    self._store(held)
                continue
            self._candidate = grown
            if self._inside:
                self._store(data[i : i + 1])
            i += 1
            if len(grown) == length:
                self._candidate = b""
                yield grown

    def _store(self, data: bytes) -> None:
        room = self.size - self._stored
        if len(data) > room:
            self.lost += len(data) - room
            data = data[:room]
        if data:
            self._stored += len(data)
            self.tokens.extend(self.tokenizer.feed(data))
