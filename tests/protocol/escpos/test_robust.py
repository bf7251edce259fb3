"""Whatever comes: no exception, bounded memory and work, and the next good command works."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from escpos_fuzz import EVIL, VECTORS, must_be_understood, stream
from protocol.escpos import write
from protocol.escpos.composer import MOST_IN_LINE, MOST_WARNINGS, Composer, compose, print_sheets
from protocol.escpos.paper import Advance
from protocol.escpos.tokenizer import WHOLE, Tokenizer, tokenize


def applied(data: bytes) -> Composer:
    composer = Composer()
    for token in tokenize(data):
        composer.apply(token)
    return composer


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v[:4].hex())
def test_every_split_of_every_vector(vector):
    """Cut in two at every place, every vector gives the same tokens."""
    whole = tokenize(vector)
    for at in range(0, len(vector) + 1, 1 if len(vector) < 400 else 37):
        tokenizer = Tokenizer()
        tokens = tokenizer.feed(vector[:at]) + tokenizer.feed(vector[at:]) + tokenizer.flush()
        assert tokens == [token for token in whole if token.name != "incomplete"]


@given(st.binary(max_size=2000), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
@example(b"\x1dk\x49\xff" + b"\x1dk\x49\xfb" * 63, 0)
def test_random_bytes(data, seed):
    """Bytes from nowhere, in any pieces."""
    must_be_understood(data, seed)


@pytest.mark.parametrize("seed", range(40))
def test_mutated_vectors(seed):
    """A hundred thousand bytes of broken commands among good ones."""
    must_be_understood(stream(seed, 2_500), seed)


@pytest.mark.gate
def test_ten_million_bytes():
    """The same for ten million, from fresh seeds."""
    for seed in range(1000, 5000):
        must_be_understood(stream(seed, 2_500), seed)


@pytest.mark.parametrize("head", EVIL, ids=lambda v: v[:4].hex())
def test_a_monstrous_header_costs_nothing(head):
    """A picture of 65,535 x 65,535, graphics of 4 GB: the header is held, not room for what it announces."""
    tracemalloc.start()
    tokenizer, composer = Tokenizer(), Composer()
    for token in tokenizer.feed(head * 3):
        composer.apply(token)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000
    assert tokenizer.pending <= WHOLE + 64


def test_work_does_not_grow_with_what_is_announced():
    """Tokens are at most as many as the bytes, whatever the bytes are; data comes in large pieces."""
    for seed in range(20):
        data = stream(seed, 20_000)
        assert len(tokenize(data)) <= len(data)
    picture = b"\x1dv0\x00\xff\xff\xff\xff" + bytes(1_000_000)
    assert len(tokenize(picture)) <= 1 + -(-1_000_000 // 256) + 1


def test_a_line_printed_over_itself():
    """A host that goes back to the line's beginning for ever: the line stays bounded, and says so."""
    composer = applied(b"\x1b$\x00\x00A" * 10_000)
    (advance,) = composer.feed_line()
    assert isinstance(advance, Advance)
    assert len(advance.row.pieces) == MOST_IN_LINE
    assert "printed over each other" in composer.warnings[0]


def test_barcodes_within_barcodes():
    """Refused data that is itself commands with refused data is worked through once, not for ever."""
    nested = b""
    for _ in range(60):
        nested = b"\x1dk\x45" + bytes([min(255, len(nested) + 1)]) + b"\xff" + nested
    actions, warnings = compose(tokenize(nested + b"\nA\n"))
    assert len(actions) < 200
    assert warnings
    assert actions[-1].row.text == "A"


def test_warnings_do_not_pile_up():
    """Different faults for ever leave a bounded number of sentences."""
    job = b"".join(b"\x1b" + bytes([c]) for c in range(0x7F, 0x100)) * 3
    assert len(applied(job).warnings) == MOST_WARNINGS


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_after_garbage_the_next_good_command_works(garbage):
    """With the buffers cleared (as DLE DC4 8, DLE ENQ 2 and the power do), the next job prints as if nothing was."""
    tokenizer, composer = Tokenizer(), Composer()
    for token in tokenizer.feed(garbage):
        composer.apply(token)
    tokenizer.reset()
    composer.clear_line()
    job = write.init() + write.code_page(52) + write.line("Số thứ tự") + write.qr("A001") + write.cut()
    actions = [action for token in tokenizer.feed(job) + tokenizer.flush() for action in composer.apply(token)]
    assert actions == compose(tokenize(job))[0]


@given(st.binary(max_size=300).map(lambda b: bytes(c for c in b if c not in b"\x10\x1b\x1c\x1d")))
@settings(deadline=None)
def test_noise_that_opens_no_command_needs_no_clearing(noise):
    """Without a lead byte in it, noise is text and single characters: ESC @ and a line print at once after it."""
    lines = [line for sheet in print_sheets(noise + b"\x1b@A001\n" + write.cut()) for line in sheet.lines]
    assert lines[-1] == "A001"
