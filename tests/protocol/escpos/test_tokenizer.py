"""The tokenizer: every row of the table, any split, nothing derails it, bounded memory."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escpos_streams import FORMS, STREAMS
from protocol.escpos import write
from protocol.escpos.commands import ROWS, TABLE
from protocol.escpos.tokenizer import CHUNK, WHOLE, Token, Tokenizer, tokenize


def names(stream: str | bytes) -> list[str]:
    data = bytes.fromhex(stream) if isinstance(stream, str) else stream
    return [token.name for token in tokenize(data)]


# What common clients send (protocols.md 4.2), and how it must be cut.
CLIENTS = {
    "1B 74 00 41 30 30 31 0A": ["ESC t", "text", "LF"],
    "1B 64 06 1D 56 00": ["ESC d", "GS V"],
    "1D 28 6B 04 00 31 41 32 00 1D 28 6B 03 00 31 43 06 1D 28 6B 03 00 31 45 30"
    "1D 28 6B 07 00 31 50 30 41 30 30 31 1D 28 6B 03 00 31 51 30": ["GS ( k"] * 5,
    "1B 61 01 1D 68 40 1D 77 03 1D 66 00 1D 48 02 1D 6B 49 06 7B 42 41 30 30 31": [
        *("ESC a", "GS h", "GS w", "GS f", "GS H", "GS k"),
    ],
    "1D 76 30 00 02 00 02 00 FF FF FF FF": ["GS v 0"],
    "1D 28 4C 0E 00 30 70 30 01 01 31 10 00 02 00 FF FF FF FF 1D 28 4C 02 00 30 32": ["GS ( L", "GS ( L"],
}


@pytest.mark.parametrize("stream", CLIENTS)
def test_what_common_clients_send(stream):
    """The measured streams of python-escpos are cut into the commands they were made of, and nothing else."""
    assert names(stream) == CLIENTS[stream]


@pytest.mark.parametrize(("stream", "name"), FORMS)
def test_each_command_is_exactly_as_long_as_it_is(stream, name):
    """Between two letters, each command of the table takes its own bytes and not one more."""
    tokens = tokenize(b"A" + bytes.fromhex(stream) + b"Z")
    assert [t.name for t in tokens] == ["text", name, "text"]
    assert tokens[1].raw == bytes.fromhex(stream)
    assert tokens[2].data == b"Z"


def test_parameters_and_data_are_told_apart():
    """A token carries the fixed parameters, the counted data without a closing NUL, and all raw bytes."""
    assert tokenize(bytes.fromhex("1D 28 6B 03 00 31 43 06")) == [
        Token("GS ( k", bytes.fromhex("1D 28 6B 03 00 31 43 06"), b"\x03\x00", b"\x31\x43\x06")
    ]
    assert tokenize(b"\x1dk\x04A001\0")[0][2:4] == (b"\x04", b"A001")
    assert tokenize(b"\x1bD\x08\x10\0")[0][2:4] == (b"", b"\x08\x10")
    assert tokenize(b"\x1dv0\x00\x02\x00\x01\x00\xaa\x55")[0][2:4] == (b"\x00\x02\x00\x01\x00", b"\xaa\x55")


def test_unknown_function_of_a_family_is_skipped_by_its_length():
    """GS ( with a letter nobody knows takes its counted bytes, commands inside them are data."""
    assert names(b"\x1d(~\x05\x00\x1b@\x1dV\x00A\n") == ["GS ( ~", "text", "LF"]


def test_unknown_commands_are_reported_and_do_not_derail():
    """A lead byte with an unknown letter is one token of two bytes; before a control character, of one."""
    tokens = tokenize(b"\x1b~A\x1b\x1b@\x10A\x1d\x01\x1bt\x34B\x07")
    assert [(t.name, t.raw) for t in tokens] == [
        *(("unknown", b"\x1b~"), ("text", b"A"), ("unknown", b"\x1b"), ("ESC @", b"\x1b@")),
        *(("unknown", b"\x10"), ("text", b"A"), ("unknown", b"\x1d"), ("unknown", b"\x01")),
        *(("ESC t", b"\x1bt\x34"), ("text", b"B"), ("unknown", b"\x07")),
    ]


def test_tables_hopped_in_the_middle_of_a_word():
    """python-escpos hops code pages inside a word: letters stay letters, table numbers stay parameters (4.5)."""
    stream = bytes.fromhex("53 1B 74 1E E8 1B 74 12 D1 1B 74 00 85")
    assert [(t.name, t.data or t.head) for t in tokenize(stream)] == [
        *(("text", b"S"), ("ESC t", b"\x1e"), ("text", b"\xe8"), ("ESC t", b"\x12")),
        *(("text", b"\xd1"), ("ESC t", b"\x00"), ("text", b"\x85")),
    ]


def test_logo_and_character_definitions_are_skipped_by_their_records():
    """FS q takes n pictures of x*y*8 bytes, ESC & one x*y block per character: what follows is text again."""
    logo = b"\x1cq\x02" + b"\x01\x00\x01\x00" + b"\x1b" * 8 + b"\x02\x00\x01\x00" + b"\x1d" * 16
    assert names(logo + b"A") == ["FS q", "FS q image", "FS q image", "text"]
    letters = b"\x1b&\x03AB" + b"\x02" + b"\n" * 6 + b"\x00"
    assert names(letters + b"Z") == ["ESC &", "ESC & character", "ESC & character", "text"]


def test_long_data_comes_in_chunks():
    """Data beyond WHOLE bytes follows its head in tokens of CHUNK bytes that count down to 0."""
    picture = bytes(range(256)) * 5
    tokens = tokenize(b"\x1dv0\x00\x50\x00\x10\x00" + picture + b"A")
    assert len(picture) > WHOLE
    assert tokens[0] == Token("GS v 0", b"\x1dv0\x00\x50\x00\x10\x00", b"\x00\x50\x00\x10\x00", b"", 1280)
    assert [t.follows for t in tokens[1:-1]] == [1024, 768, 512, 256, 0]
    assert b"".join(t.data for t in tokens[1:-1]) == picture
    assert {len(t.data) for t in tokens[1:-1]} == {CHUNK}
    assert tokens[-1].data == b"A"


def test_a_monstrous_header_allocates_nothing():
    """A raster of 65535 x 65535 bytes is announced in 8 bytes; holding it must not cost memory, however it goes on."""
    tokenizer = Tokenizer()
    tracemalloc.start()
    tokenizer.feed(b"\x1dv0\x00\xff\xff\xff\xff")
    for _ in range(2000):
        tokenizer.feed(b"\x55" * 1000)
        assert tokenizer.pending < CHUNK
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000
    assert not tokenizer.idle


def test_idle_means_between_two_commands():
    """Idle while text waits or nothing does; not inside parameters, data or records."""
    for stream, idle in (
        *((b"", True), (b"A", True), (b"A\n", True), (b"\x1b", False), (b"\x1bt", False), (b"\x1bt4", True)),
        *((b"\x1dv0\x00\x01\x00\x01\x00", False), (b"\x1dv0\x00\x01\x00\x01\x00A", True)),
        *((b"\x1cq\x01", False), (b"\x1cq\x01\x01\x00\x01\x00" + b"A" * 8, True), (b"\x1dk\x04A00", False)),
    ):
        tokenizer = Tokenizer()
        tokenizer.feed(stream)
        assert tokenizer.idle is idle, stream


def test_a_stream_cut_short_is_told():
    """What ends inside a command comes as an `incomplete` token, not as silence."""
    assert tokenize(b"A\x1d(k\x07\x00\x31")[-1] == Token("incomplete", b"\x1d(k\x07\x00\x31")


def test_prefixes_are_unique_and_reachable():
    """No row hides another: prefixes differ, and none begins with a shorter one."""
    assert len(TABLE) == len(ROWS)
    for row in ROWS:
        assert not [p for p in TABLE if p != row.prefix and row.prefix.startswith(p)]


@given(STREAMS, st.data())
@settings(max_examples=300, deadline=None)
def test_any_split_gives_the_same_tokens(stream, data):
    """However the stream is cut into reads, the tokens are those of the whole, and their bytes are the stream."""
    whole = Tokenizer()
    expected = whole.feed(stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    split = Tokenizer()
    tokens = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        tokens += split.feed(stream[start:end])
    assert tokens == expected
    assert split.pending == whole.pending
    assert split.idle == whole.idle
    assert b"".join(t.raw for t in tokens) == stream[: len(stream) - split.pending]


@given(STREAMS)
@settings(max_examples=25, deadline=None)
def test_byte_by_byte_is_a_split_like_any_other(stream):
    """One byte a read, the slowest line there is, gives the same tokens too."""
    slow = Tokenizer()
    tokens = [token for i in range(len(stream)) for token in slow.feed(stream[i : i + 1])]
    assert tokens == Tokenizer().feed(stream)


@given(STREAMS, st.data())
@settings(max_examples=100, deadline=None)
def test_flushing_divides_text_and_changes_nothing_else(stream, data):
    """Flushing at any moment gives the same commands and the same characters between them."""

    def joined(tokens):
        out = []
        for token in tokens:
            if token.name == "text" and out and out[-1][0] == "text":
                out[-1] = ("text", out[-1][1] + token.data)
            else:
                out.append((token.name, token.raw if token.name != "text" else token.data))
        return out

    cut = data.draw(st.integers(0, len(stream)))
    flushed = Tokenizer()
    tokens = flushed.feed(stream[:cut]) + flushed.flush() + flushed.feed(stream[cut:]) + flushed.flush()
    whole = Tokenizer()
    assert joined(tokens) == joined(whole.feed(stream) + whole.flush())


@given(st.binary(max_size=2000))
@settings(max_examples=200, deadline=None)
def test_nothing_raises_and_little_is_held(stream):
    """Any bytes at all: no exception, and never more held back than one whole command."""
    tokenizer = Tokenizer()
    for i in range(0, len(stream), 7):
        tokenizer.feed(stream[i : i + 7])
        assert tokenizer.pending <= WHOLE + 16


def test_builders_are_read_back():
    """Each builder makes exactly one command of the name it documents."""
    for built, name in (
        *((write.init(), "ESC @"), (write.code_page(52), "ESC t"), (write.align("right"), "ESC a")),
        *((write.size(8, 1), "GS !"), (write.bold(), "ESC E"), (write.feed(3), "ESC d"), (write.cut(), "GS V")),
        *((write.process_id(b"A001"), "GS ( H"), (write.auto_status(14), "GS a"), (write.status(4), "DLE EOT")),
        *((write.recover(), "DLE ENQ"), (write.clear(), "DLE DC4"), (write.raster(2, [b"ab"]), "GS v 0")),
        *((write.identity(67), "GS I"), (write.sensor_status(), "GS r"), (write.feed_dots(9), "ESC J")),
    ):
        assert names(built) == [name]
