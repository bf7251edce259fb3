"""A printer with a small buffer: data come in pieces, and no command is longer than its limit."""

from __future__ import annotations

import pytest

from protocol.escpos.tokenizer import CHUNK, WHOLE, Token, Tokenizer


def counted(size: int) -> bytes:
    """A raster of one column and so many rows."""
    return b"\x1dv0\x00\x01\x00" + size.to_bytes(2, "little") + b"\x55" * size


@pytest.mark.parametrize(
    ("room", "whole", "chunk"),
    [(1, 16, 16), (16, 16, 16), (33, 16, 16), (34, 17, 17), (200, 100, 100), (600, 300, CHUNK), (4096, WHOLE, CHUNK)],
)
def test_data_come_in_pieces_of_half_the_room(room: int, whole: int, chunk: int) -> None:
    """Up to half the room data stand in the command's token, else in pieces of it; 16 bytes at least."""
    (token,) = Tokenizer(room).feed(counted(whole))
    assert (len(token.data), token.follows) == (whole, 0)
    head, *pieces = Tokenizer(room).feed(counted(whole + 1))
    assert (head.data, head.follows) == (b"", whole + 1)
    sizes = [len(piece.data) for piece in pieces]
    assert sum(sizes) == whole + 1
    assert set(sizes[:-1]) == {chunk}
    assert [piece.follows for piece in pieces] == [whole + 1 - sum(sizes[: n + 1]) for n in range(len(sizes))]


TABS = b"\x1bD"
CODE = b"\x1dk\x04"


@pytest.mark.parametrize(("prefix", "limit", "room"), [(TABS, 32, 4096), (CODE, 255, 4096), (CODE, 92, 100)])
def test_data_up_to_a_nul_end_at_their_limit(prefix: bytes, limit: int, room: int) -> None:
    """A NUL within the limit, or just behind it, ends the command; one that comes later belongs to what follows."""
    name = Tokenizer().feed(prefix + b"\0")[0].name
    for size in (limit - 1, limit):
        (token,) = Tokenizer(room).feed(prefix + b"7" * size + b"\0")
        assert (token.name, token.data, token.raw[-1:]) == (name, b"7" * size, b"\0")
    tokens = Tokenizer(room).feed(prefix + b"7" * (limit + 1) + b"\0")
    assert tokens == [
        Token(name, prefix + b"7" * limit, prefix[2:], b"7" * limit),
        Token("text", b"7", data=b"7"),
        Token("NUL", b"\0"),
    ]
    waiting = Tokenizer(room)
    assert waiting.feed(prefix + b"7" * limit) == []
    assert waiting.pending == len(prefix) + limit
    assert len(waiting.feed(b"7")) == 1


def test_text_is_divided_at_256_characters() -> None:
    """A token of text has 256 at most; what may still go on waits, and flushing gives it out."""
    tokenizer = Tokenizer()
    assert [len(token.data) for token in tokenizer.feed(b"a" * (2 * CHUNK + 1))] == [CHUNK, CHUNK]
    assert tokenizer.pending == 1
    assert tokenizer.flush() == [Token("text", b"a", data=b"a")]
    assert (tokenizer.pending, tokenizer.flush()) == (0, [])
    assert [len(token.raw) for token in tokenizer.feed(b"a" * (CHUNK + 1) + b"\n")] == [CHUNK, 1, 1]


def test_power_on_forgets_everything() -> None:
    """Half a command, data that were announced, records that were to come: what follows is text again."""
    for begun in (b"\x1b", counted(2000)[:50], b"\x1cq\x03\x01\x00\x01\x00"):
        tokenizer = Tokenizer()
        tokenizer.feed(begun)
        assert not tokenizer.idle
        tokenizer.reset()
        assert (tokenizer.idle, tokenizer.pending) == (True, 0)
        assert tokenizer.feed(b"A\n") == [Token("text", b"A", data=b"A"), Token("LF", b"\n")]
