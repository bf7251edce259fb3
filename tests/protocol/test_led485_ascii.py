"""The ASCII protocol of LED-485 displays."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.led485_ascii import MOST_TEXT, Frame, Receiver, query, show

TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="$#&"), max_size=MOST_TEXT)


def test_the_published_vectors() -> None:
    """protocols.md 1.4 [C]: the text, and the questions for model and version."""
    assert show(1, "8.8.8.8.") == b"$001,8.8.8.8.#"
    assert (query(1, "02"), query(1, "03")) == (b"$001,02&", b"$001,03&")
    assert Receiver().feed(b"$001,8.8.8.8.#$001,02&") == [Frame(1, "8.8.8.8.", query=False), Frame(1, "02", query=True)]


@given(st.integers(0, 999), TEXTS, st.booleans(), st.integers(0, 60))
def test_any_split_is_the_same(unit: int, text: str, ask: bool, place: int) -> None:
    """A frame comes back as it was written, however it arrives, with noise before it."""
    data = b"\x00#&noise," + (query(unit, text) if ask else show(unit, text))
    receiver = Receiver()
    assert receiver.feed(data[:place]) + receiver.feed(data[place:]) == [Frame(unit, text, ask)]
    assert not receiver.inside


@pytest.mark.parametrize("bad", [b"$01,A#", b"$0001,A#", b"$0x1,A#", b"$001A#", b"$001,\xe9#", b"$#", b"$001#"])
def test_what_is_no_frame_is_passed_over(bad: bytes) -> None:
    """Three digits, a comma, ASCII: else nothing; the next frame is heard."""
    assert Receiver().feed(bad + b"$002,B#") == [Frame(2, "B", query=False)]


def test_a_start_begins_anew() -> None:
    """A frame that was cut off does not swallow the next one; nor does one that is too long."""
    assert Receiver().feed(b"$001,A0$002,B#") == [Frame(2, "B", query=False)]
    assert Receiver().feed(b"$001," + b"A" * 500 + b"#$002,B#") == [Frame(2, "B", query=False)]


def test_a_damaged_character_marks_its_frame() -> None:
    """And not the next one."""
    assert [frame.flawed for frame in Receiver().feed(b"$001,A#$001,B#", {5: 1})] == [True, False]


@pytest.mark.parametrize(("unit", "text"), [(1000, "A"), (1, "A#"), (1, "$"), (1, "é"), (1, "A" * (MOST_TEXT + 1))])
def test_what_cannot_be_written_is_refused(unit: int, text: str) -> None:
    """Rather than sent as something else."""
    with pytest.raises(ValueError, match="units are"):
        show(unit, text)


def must_survive(size: int, seed: int) -> None:
    chance = random.Random(seed)
    receiver = Receiver()
    for _ in range(size // 200):
        data = chance.randbytes(100) + bytes(chance.choice(b"$,#&0123AB") for _ in range(100))
        receiver.feed(data)
        assert len(receiver._data or b"") <= MOST_TEXT + 5
    assert receiver.feed(b"$001,A001#")[-1] == Frame(1, "A001", query=False)


def test_garbage_is_survived() -> None:
    """A hundred thousand characters: no exception, bounded memory, the next frame is heard."""
    must_survive(100_000, 1)


@pytest.mark.gate
def test_much_garbage_is_survived() -> None:
    """Ten million."""
    must_survive(10_000_000, 2)
