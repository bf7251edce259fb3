"""The receiver of a printer: which characters are stored, which are lost, and what is obeyed before that."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from escpos_streams import STREAMS
from firmware_sim.devices.receive_buffer import CLEAR, ReceiveBuffer
from protocol.escpos.tokenizer import tokenize


def fed(data: bytes, size: int = 4096) -> tuple[ReceiveBuffer, list[bytes]]:
    buffer = ReceiveBuffer(size)
    return buffer, list(buffer.receive(data, 0, len(data)))


def names(buffer: ReceiveBuffer) -> list[str]:
    return [token.name for token in buffer.tokens]


def test_exactly_what_finds_no_room_is_lost():
    """A buffer of 100 that gets 130 characters keeps the first 100 and counts 30."""
    buffer, _ = fed(bytes(0x30 + i % 64 for i in range(130)), size=100)
    assert (buffer.room, buffer.take_lost(), buffer.take_lost()) == (0, 30, 0)
    assert b"".join(t.raw for t in buffer.tokens) == bytes(0x30 + i % 64 for i in range(100))


def test_room_that_printing_made_counts_from_its_instant():
    """20 characters, one a tick, into a full buffer of 10 that frees 4 at tick 7: 7 are lost, 4 kept, 9 lost again."""
    buffer = ReceiveBuffer(10)
    list(buffer.receive(b"\n" * 4 + b"abcdef", -10, 0))
    for _ in range(4):
        buffer.next_token(7)
    list(buffer.receive(b"0123456789ABCDEFGHIJ", 0, 20))
    assert buffer.take_lost() == 16
    assert b"".join(t.raw for t in buffer.tokens) == b"abcdef789A"


def test_real_time_commands_are_taken_out_between_commands():
    """DLE EOT between two letters, and between two commands, is obeyed and not stored."""
    buffer, obeyed = fed(b"A\x10\x04\x01B\n\x1b@\x10\x05\x02\x1bt4")
    assert obeyed == [b"\x10\x04\x01", b"\x10\x05\x02"]
    assert b"".join(t.raw for t in buffer.tokens) == b"AB\n\x1b@\x1bt4"


def test_inside_another_command_they_are_obeyed_and_stay():
    """In image data DLE EOT is obeyed, and the picture keeps its bytes; ESC 3 takes the DLE as its parameter."""
    picture = b"\x1dv0\x00\x04\x00\x01\x00\x10\x04\x01\xff"
    buffer, obeyed = fed(picture + b"\x1b3\x10\x04\x01")
    assert obeyed == [b"\x10\x04\x01", b"\x10\x04\x01"]
    assert b"".join(t.raw for t in buffer.tokens) == picture + b"\x1b3\x10\x04\x01"
    assert buffer.tokens[1].head == b"\x10"


def test_they_are_obeyed_when_the_buffer_is_full():
    """A full buffer loses text, not DLE EOT; and the poll is not counted as lost."""
    buffer, obeyed = fed(b"A" * 10 + b"\x10\x04\x04" + b"B", size=10)
    assert (obeyed, buffer.take_lost()) == ([b"\x10\x04\x04"], 1)


def test_what_only_begins_like_one_is_ordinary_data():
    """DLE with something else after it, and a clear command with a wrong byte, stay in the stream."""
    for stream in (b"\x10A", b"\x10\x14\x09", b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x09Z", b"\x10\x10A"):
        buffer, obeyed = fed(stream + b"\n")
        assert obeyed == []
        assert b"".join(t.raw for t in buffer.tokens) == stream + b"\n"


def test_a_failed_beginning_does_not_hide_the_next():
    """DLE DLE EOT 1: the second DLE begins the command."""
    _, obeyed = fed(b"\x10\x10\x04\x01" + b"\x10\x14\x08\x10\x04\x02")
    assert obeyed == [b"\x10\x04\x01", b"\x10\x04\x02"]


def test_every_length():
    """Each real-time command ends where its own length says: the letter after it is text."""
    for command in ("10 04 01", "10 04 07 01", "10 04 08 01", "10 05 01", "10 14 01 00 01", "10 14 02 01 08"):
        buffer, obeyed = fed(bytes.fromhex(command) + b"Z")
        assert obeyed == [bytes.fromhex(command)]
        assert [t.raw for t in buffer.tokens] == [b"Z"]
    assert fed(CLEAR)[1] == [CLEAR]


def test_clearing_while_receiving():
    """A clear in the middle of what is heard forgets what came before it, and only that."""
    buffer = ReceiveBuffer(64)
    list(buffer.receive(b"x\n", 0, 2))
    buffer.next_token(3)
    for command in buffer.receive(b"old\n" + CLEAR + b"new\n", 2, 20):
        assert command == CLEAR
        buffer.clear()
        assert buffer.room == 64
    assert b"".join(t.raw for t in buffer.tokens) == b"new\n"
    assert buffer.room == 60


@given(STREAMS, st.data())
@settings(max_examples=150, deadline=None)
def test_nothing_is_lost_or_kept_beyond_the_size(stream, data):
    """In any split: stored and lost and obeyed bytes are the stream's, never more stored than the size."""
    size = data.draw(st.sampled_from([16, 45, 400, 1 << 20]))
    buffer = ReceiveBuffer(size)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        list(buffer.receive(stream[start:end], start, end))
        held = sum(len(t.raw) for t in buffer.tokens) + buffer.tokenizer.pending
        assert held == size - buffer.room <= size
    if size == 1 << 20:
        assert buffer.lost == 0
        stored = b"".join(t.raw for t in buffer.tokens)
        whole, _ = fed(stream, size)
        assert stored == b"".join(t.raw for t in whole.tokens)
        assert [t.name for t in tokenize(stored)] == [t.name for t in tokenize(b"".join(t.raw for t in whole.tokens))]
