"""Streams cut into frames: every split, every spoilt frame, any noise."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declared import NAMES, codec
from protocol.declared.reader import Broken, Frame

HOST = [(name, v) for name in NAMES for v in codec(name).declaration.vectors]


def source_of(name: str, of: str) -> str:
    return codec(name).messages[of].message.source


def frames(items: list[Frame | Broken]) -> list[bytes]:
    return [item.raw for item in items if isinstance(item, Frame)]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@given(st.data())
@settings(max_examples=200)
def test_how_a_stream_is_cut_does_not_matter(data: st.DataObject) -> None:
    """Any bytes mixed with known frames give the same frames however they are cut into pieces."""
    name = data.draw(st.sampled_from(NAMES))
    known = [v.data for v in codec(name).declaration.vectors]
    stream = b"".join(data.draw(st.lists(st.one_of(st.sampled_from(known), st.binary(max_size=12)), max_size=8)))
    for source in ("host", "device"):
        whole = codec(name).reader(source)
        expected = [*whole.feed(stream), *whole.gap()]
        reader = codec(name).reader(source)
        cut = pieces(stream, data.draw(st.lists(st.integers(0, max(len(stream), 1)), max_size=6)))
        made = [item for piece in cut for item in reader.feed(piece)]
        assert frames([*made, *reader.gap()]) == frames(expected)


@given(st.data())
@settings(max_examples=150)
def test_after_noise_and_silence_the_next_frame_is_read(data: st.DataObject) -> None:
    """Whatever came before: when the line was silent, a good frame is read whole."""
    name, vector = data.draw(st.sampled_from(HOST))
    reader = codec(name).reader(source_of(name, vector.of))
    reader.feed(data.draw(st.binary(max_size=300)))
    reader.gap()
    found = frames([*reader.feed(vector.data), *reader.gap()])
    assert found
    assert vector.data.endswith(found[-1])


@given(st.data())
@settings(max_examples=150)
def test_what_waits_is_bounded(data: st.DataObject) -> None:
    """However much comes, no more than a frame and its preamble is kept."""
    name = data.draw(st.sampled_from(NAMES))
    reader = codec(name).reader("host")
    most = max(form.spec.most for form in codec(name).forms("host")) + 300
    for _ in range(data.draw(st.integers(1, 4))):
        reader.feed(
            data.draw(st.one_of(st.binary(max_size=200), st.just(b"\xa5" * 400), st.just(b"\xfd\xff\xff" * 99)))
        )
        assert len(reader._buf) <= most


def test_of_two_forms_the_shortest_sound_one_counts() -> None:
    """DFPlayer's frame with and without its check, one after the other (protocols.md 5.1)."""
    reader = codec("dfplayer").reader("host")
    short, long = bytes.fromhex("7EFF0603000001EF"), bytes.fromhex("7EFF0603010001FEF6EF")
    assert frames(reader.feed(short + long + short)) == [short, long, short]


def test_a_frame_inside_a_broken_one_is_found() -> None:
    """FF68: a length that swallows the next frame does not cost that frame, once the line is silent."""
    reader = codec("ff68_console").reader("host")
    good = bytes.fromhex("FF6802026803030616")
    found = reader.feed(bytes.fromhex("FF681010 68".replace(" ", "")) + good) + reader.gap()
    assert frames(found) == [good]


def test_skip_and_gap() -> None:
    """`skip_to_start` goes on behind a frame with a bad check, `gap` not before silence."""
    from protocol.declared.reader import Reader

    forms = codec("ff68_console").forms("host")
    good = bytes.fromhex("FF6802026803030616")
    bad = bytes.fromhex("FF68040468FF68AABBCD16")
    assert [type(i) for i in Reader(forms, "skip_to_start").feed(bad + good)] == [Broken, Frame]
    waiting = Reader(forms, "gap")
    assert [type(i) for i in waiting.feed(bad + good)] == [Broken]
    assert waiting.feed(good) == []
    waiting.gap()
    assert frames(waiting.feed(good)) == [good]


def test_a_long_preamble_is_not_kept() -> None:
    """Any number of A5 may come before an Onbon frame (protocols.md 2.1)."""
    reader = codec("onbon").reader("host")
    frame = codec("onbon").declaration.vectors[1].data
    for _ in range(50):
        assert reader.feed(b"\xa5" * 100) == []
    assert len(reader._buf) <= 16
    assert len(frames(reader.feed(frame))) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_hundred_thousand_bytes(name: str) -> None:
    """Noise, starts of frames and spoilt frames: no exception, and the frame behind them is read."""
    import random

    rng = random.Random(7)
    vector = codec(name).declaration.vectors[0]
    source = source_of(name, vector.of)
    reader = codec(name).reader(source)
    spoilt = [
        vector.data[: rng.randrange(1, len(vector.data) + 1)] + rng.randbytes(rng.randrange(6)) for _ in range(3000)
    ]
    stream = rng.randbytes(60_000) + b"".join(spoilt)
    for at in range(0, len(stream), 997):
        reader.feed(stream[at : at + 997])
    reader.gap()
    assert frames([*reader.feed(vector.data), *reader.gap()])[-1:] == [
        vector.data.lstrip(b"\xa5") if name == "onbon" else vector.data
    ]


@pytest.mark.gate
@pytest.mark.parametrize("name", NAMES)
def test_ten_million_bytes(name: str) -> None:
    """The same at a hundred times the length, one byte or many at a time."""
    import random

    rng = random.Random(11)
    reader = codec(name).reader("host")
    most = max(form.spec.most for form in codec(name).forms("host")) + 300
    sent = 0
    vector = next(v for v in codec(name).declaration.vectors if source_of(name, v.of) == "host")
    while sent < 10_000_000:
        piece = rng.choice(
            (rng.randbytes(rng.choice((1, 7, 4096))), vector.data[: rng.randrange(len(vector.data) + 1)])
        )
        reader.feed(piece)
        sent += len(piece)
        assert len(reader._buf) <= most
    reader.gap()
    assert frames([*reader.feed(vector.data), *reader.gap()])
