"""A stream of ESC/POS cut into tokens, incrementally, by the table in `commands`.

Any split of a stream gives the same tokens. Nothing derails it: a command that is not in the table is one `unknown`
token, a function that is not known is skipped by its length. Memory is bounded whatever a header announces: data of
more than `WHOLE` bytes comes as a head token (`follows` says how much is to come) and `data` tokens of `CHUNK` bytes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from protocol.escpos.commands import LEADS, NUL_ENDED, TABLE, Row

CHUNK = 256
"""Longest text token, and the length of the data tokens (the last one is shorter), bytes."""

WHOLE = 1024
"""Data up to this length comes in the command's own token."""

_CONTROL = re.compile(rb"[\x00-\x1f]")


class Token(NamedTuple):
    """One piece of the stream; the `raw` of all tokens, in order, is the stream.

    Attributes:
        name: "text", "data", "unknown", or the command as the manual calls it: "ESC @", "GS ( k", "GS v 0".
        raw: the bytes it covers.
        head: fixed parameters (lengths of what follows included).
        data: counted data, without a closing NUL.
        follows: bytes of data that come after this token as `data` tokens.
    """

    name: str
    raw: bytes
    head: bytes = b""
    data: bytes = b""
    follows: int = 0


class Tokenizer:
    """Takes bytes as they come, gives tokens as they are complete.

    Args:
        room: bytes that may wait in it, for a printer whose whole buffer is smaller than the commands it gets; data
            then comes in smaller pieces, and NUL-ended data ends where the room does.
    """

    __slots__ = ("_chunk_size", "_follows", "_held", "_record", "_records", "_room", "_whole")

    def __init__(self, room: int = 4096) -> None:
        self._room = room
        self._whole = min(WHOLE, max(16, room // 2))
        self._chunk_size = min(CHUNK, max(16, room // 2))
        self._held = b""
        self._follows = 0
        self._records = 0
        self._record: Row | None = None

    @property
    def pending(self) -> int:
        """Bytes taken in and not given out as tokens yet; at most `WHOLE` and a head."""
        return len(self._held)

    @property
    def idle(self) -> bool:
        """Between two commands: the next byte is no parameter or data of one."""
        return not self._follows and not self._records and (not self._held or self._held[0] >= 0x20)

    def reset(self) -> None:
        """Forget everything, as at power-on."""
        self._held = b""
        self._follows = self._records = 0
        self._record = None

    def feed(self, data: bytes) -> list[Token]:
        """Tokens that these bytes complete."""
        buf = self._held + data if self._held else data
        tokens: list[Token] = []
        i, n = 0, len(buf)
        while i < n:
            if self._follows:
                end = self._chunk(buf, i, tokens)
            elif self._records:
                assert self._record is not None
                end = self._command(buf, i, self._record, tokens)
                self._records -= end > i
            elif buf[i] >= 0x20:
                end = self._text(buf, i, tokens)
            else:
                end = self._control(buf, i, tokens)
            if end == i:
                break
            i = end
        self._held = buf[i:]
        return tokens

    def flush(self) -> list[Token]:
        """Give out text that still waits for its end: where text is divided changes, what it says does not."""
        if not self._held or not self.idle:
            return []
        text, self._held = self._held, b""
        return [Token("text", text, data=text)]

    def _text(self, buf: bytes, i: int, tokens: list[Token]) -> int:
        control = _CONTROL.search(buf, i)
        end = control.start() if control else len(buf)
        while i < end:
            stop = min(i + CHUNK, end)
            if stop - i < CHUNK and control is None:
                break  # it may go on
            text = buf[i:stop]
            tokens.append(Token("text", text, data=text))
            i = stop
        return i

    def _chunk(self, buf: bytes, i: int, tokens: list[Token]) -> int:
        chunk = self._chunk_size
        size = min(chunk, self._follows)
        while size and len(buf) - i >= size:
            data = buf[i : i + size]
            self._follows -= size
            tokens.append(Token("data", data, data=data, follows=self._follows))
            i += size
            size = min(chunk, self._follows)
        return i

    def _control(self, buf: bytes, i: int, tokens: list[Token]) -> int:
        first = buf[i]
        if first not in LEADS:
            row = TABLE.get(buf[i : i + 1])
            tokens.append(Token(row.name if row else "unknown", buf[i : i + 1]))
            return i + 1
        if i + 1 >= len(buf):
            return i
        row = TABLE.get(buf[i : i + 2])
        if row is not None:
            return self._command(buf, i, row, tokens)
        # A control character never belongs to an unknown command: it may begin a known one.
        end = i + 1 if buf[i + 1] < 0x20 or first == 0x10 else i + 2
        tokens.append(Token("unknown", buf[i:end]))
        return end

    def _command(self, buf: bytes, i: int, row: Row, tokens: list[Token]) -> int:
        """The command that begins at `i`; returns where it ends, or `i` while it is not complete."""
        start = i + len(row.prefix)
        length = row.head
        head = buf[start : start + length]
        if len(head) < length:
            return i
        if row.grow is not None:
            length = row.grow(head)
            head = buf[start : start + length]
            if len(head) < length:
                return i
        end = start + length
        size = row.size(head) if row.size is not None else 0
        if size == NUL_ENDED:
            return self._nul_ended(buf, i, end, row, tokens)
        if row.records is not None:
            self._records, self._record = row.records(head)
        name = row.name
        if row.family:
            name = f"{name} {chr(head[0]) if 0x20 < head[0] < 0x7F else format(head[0], '02X')}"
            head = head[1:]
        if size > self._whole:
            self._follows = size
            tokens.append(Token(name, buf[i:end], head, follows=size))
            return end
        if len(buf) - end < size:
            return i
        tokens.append(Token(name, buf[i : end + size], head, buf[end : end + size]))
        return end + size

    def _nul_ended(self, buf: bytes, i: int, start: int, row: Row, tokens: list[Token]) -> int:
        limit = min(row.limit, self._room - 8)
        nul = buf.find(b"\0", start, start + limit + 1)
        if nul < 0 and len(buf) - start <= limit:
            return i
        stop = nul if nul >= 0 else start + limit
        end = stop + 1 if nul >= 0 else stop
        tokens.append(Token(row.name, buf[i:end], buf[i + len(row.prefix) : start], buf[start:stop]))
        return end


def tokenize(data: bytes) -> list[Token]:
    """All tokens of a finished stream; a command that was cut short is an `incomplete` token at the end."""
    tokenizer = Tokenizer()
    tokens = tokenizer.feed(data) + tokenizer.flush()
    rest = data[len(data) - tokenizer.pending :] if tokenizer.pending else b""
    return [*tokens, Token("incomplete", rest)] if rest else tokens
