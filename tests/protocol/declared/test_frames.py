"""Frames of every family measured at their limits: lengths, terminators, silence, escapes, values that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from declared import codec
from protocol.declared.build import Refused, build
from protocol.declared.codec import Codec, Decoded
from protocol.declared.items import BadValue
from protocol.declared.reader import Broken, Frame


def device(parts: list[dict[str, Any]], most: int = 12, fields: Sequence[dict[str, Any]] = (), **frame: Any) -> Codec:
    """A device of one frame, sent by the host."""
    table = {
        "device": {"name": "d", "title": "d", "source": "made up", "grade": "A"},
        "frame": {"max_bytes": most, "part": parts, **frame},
        "message": [{"name": "m", "from": "host", "fields": list(fields)}],
        "vector": [{"of": "m", "hex": "00", "source": "made up", "grade": "A"}],
    }
    return Codec(build(table, vectors=False))


def read(made: Codec, data: bytes, *, gap: bool = True) -> list[bytes | str]:
    """Frames as bytes, broken ones by their cause."""
    reader = made.reader("host")
    found = [*reader.feed(data), *(reader.gap() if gap else ())]
    return [item.raw if isinstance(item, Frame) else item.cause for item in found]


START = {"name": "start", "const": "02"}
DATA = {"name": "data", "bytes": "rest"}
SUM = {"name": "sum", "check": "sum8", "over": "start..data"}


def test_silence_ends_a_frame_that_has_no_other_end() -> None:
    """Between the least and the most bytes it is one; shorter or longer it is broken; before silence it is nothing."""
    made = device([START, {"name": "a", "uint": 2}, DATA], most=6)
    assert read(made, b"\x02ab", gap=False) == []
    assert read(made, b"\x02ab") == [b"\x02ab"]
    assert read(made, b"\x02abcde") == [b"\x02abcde"]
    assert read(made, b"\x02a") == ["length"]
    assert read(made, b"\x02abcdef")[0] == "length"


def test_a_terminator_ends_a_frame_at_its_first_place() -> None:
    """What stands between it and the variable part is fixed; beyond the most bytes there is no end."""
    end = {"name": "end", "const": "0D0A"}
    made = device([START, DATA, {"name": "n", "uint": 1}, end], most=8)
    assert read(made, b"\x02abc5\r\n\x025\r\n") == [b"\x02abc5\r\n", b"\x025\r\n"]
    assert read(made, b"\x02abcd5\r\n") == [b"\x02abcd5\r\n"]
    assert read(made, b"\x02abcde5\r\n") == ["length"]
    assert read(made, b"\x02abc", gap=False) == []
    assert read(made, b"\x02abc") == ["length"]
    (decoded,) = made.decode("host", b"\x02abc5\r\n")
    assert isinstance(decoded, Decoded)
    assert decoded.values == {"n": ord("5"), "data": b"abc"}


@pytest.mark.parametrize("endian", ["big", "little"])
def test_a_length_of_two_bytes_counts_its_parts(endian: str) -> None:
    """In its order of bytes, with what is added to it; the sum of all lengths has to be within the frame's."""
    length = {"name": "len", "uint": 2, "endian": endian, "counts": "data..sum", "plus": 256}
    made = device([START, length, DATA, SUM], most=8)
    whole = made.write("m", {"data": b"abc"})
    assert whole[1:3] == (256 + 4).to_bytes(2, endian)  # type: ignore[arg-type]
    assert read(made, whole + whole) == [whole, whole]
    assert read(made, whole[:-1], gap=False) == []
    assert read(made, whole[:-1]) == ["length"]
    assert read(made, b"\x02" + (256 + 6).to_bytes(2, endian) + b"abcdef")[0] == "length"  # type: ignore[arg-type]
    assert read(made, b"\x02" + (256).to_bytes(2, endian) + b"abc")[0] == "length"  # type: ignore[arg-type]
    assert read(made, b"\x02" + (256 + 5).to_bytes(2, endian) + b"abcd\x00")[0] == "check"  # type: ignore[arg-type]


def test_a_repeated_length_has_to_be_the_same_each_time() -> None:
    """FT1.2 sends it twice (protocols.md 3.1)."""
    made = device([START, {"name": "len", "uint": 1, "counts": "data..data", "repeat": 2}, DATA, SUM])
    whole = made.write("m", {"data": b"ab"})
    assert whole[:3] == b"\x02\x02\x02"
    assert read(made, whole) == [whole]
    assert read(made, b"\x02\x02\x03ab\x00")[0] == "length"


def test_a_fixed_frame_with_a_length_has_that_length() -> None:
    """Any other is broken."""
    parts = [START, {"name": "len", "uint": 1, "counts": "a..a"}, {"name": "a", "uint": 2}]
    made = device(parts)
    assert read(made, b"\x02\x02ab") == [b"\x02\x02ab"]
    assert read(made, b"\x02\x01ab")[0] == "length"
    assert read(made, b"\x02\x03abc")[0] == "length"


def test_a_frame_may_be_as_long_as_said_and_no_longer() -> None:
    """Neither read nor built."""
    made = device([START, {"name": "len", "uint": 1, "counts": "data..data"}, DATA], most=5)
    assert read(made, b"\x02\x03abc") == [b"\x02\x03abc"]
    assert made.write("m", {"data": b"abc"}) == b"\x02\x03abc"
    with pytest.raises(BadValue, match="has 6 bytes, at most 5 are allowed"):
        made.write("m", {"data": b"abcd"})
    assert read(made, b"\x02\x04abcd")[0] == "length"


@pytest.mark.parametrize(
    ("part", "good", "bad"),
    [
        ({"hex": 2}, b"0F", b"0G"),
        ({"decimal": 2}, b"09", b"0A"),
        ({"digits": 2}, b"\x00\x09", b"\x00\x0a"),
        ({"bcd": 2}, b"\x00\x99", b"\x00\x9a"),
        ({"uint": 2, "range": [1, 300]}, b"\x01\x2c", b"\x01\x2d"),
        ({"uint": 2, "range": [1, 300]}, b"\x00\x01", b"\x00\x00"),
        ({"uint": 2, "values": {"a": 258}}, b"\x01\x02", b"\x01\x03"),
    ],
)
def test_a_part_that_cannot_have_its_value_makes_no_frame(part: dict[str, Any], good: bytes, bad: bytes) -> None:
    """It is told as broken, by its value; nothing of it is decoded."""
    made = device([START, {"name": "n", **part}, {"name": "end", "const": "03"}])
    assert read(made, b"\x02" + good + b"\x03") == [b"\x02" + good + b"\x03"]
    assert read(made, b"\x02" + bad + b"\x03")[0] == "value"


def test_without_a_constant_first_a_wrong_value_is_noise() -> None:
    """A frame that begins with a command begins only with one that there is; others are passed over in silence."""
    command = {"name": "cmd", "uint": 1, "values": {"a": 0x41, "b": 0x42}}
    made = device([command, {"name": "n", "uint": 1, "range": [0, 9]}, {"name": "end", "const": "03"}])
    reader = made.reader("host")
    found = [*reader.feed(b"xyA\x05\x03zB\x01\x03"), *reader.gap()]
    assert [item.raw for item in found] == [b"A\x05\x03", b"B\x01\x03"]
    assert reader.noise == 3
    assert read(made, b"A\x0a\x03") == ["value"]
    assert made.forms("host")[0].first == b"AB"


ESCAPED = [
    {"name": "start", "const": "AA55"},
    {"name": "a", "uint": 1},
    DATA,
    {"name": "sum", "check": "xor8", "over": "a..data"},
    {"name": "end", "const": "0D"},
    {"name": "tail", "const": "99"},
]
ESCAPES = {"escape": {"0D": "1B 01", "1B": "1B 02"}, "escape_over": "a..sum"}


def test_escaped_bytes_stand_for_one() -> None:
    """Written and read: the length of what they stand for does not matter, their order on the wire does."""
    made = device(ESCAPED, most=20, **ESCAPES)
    whole = made.write("m", {"a": 0x0D, "data": b"\x1bx"})
    assert whole == bytes.fromhex("AA55 1B01 1B02 78 6E 0D99")
    (decoded,) = made.decode("host", whole)
    assert isinstance(decoded, Decoded)
    assert (decoded.values["a"], decoded.values["data"]) == (0x0D, b"\x1bx")
    for place in range(len(whole) + 1):
        reader = made.reader("host")
        cut = [*reader.feed(whole[:place]), *reader.feed(whole[place:])]
        assert [item.raw for item in cut] == [whole], place


def test_an_escape_that_stands_for_nothing_breaks_the_frame() -> None:
    """Nor may a byte that has to be escaped stand as it is; a wrong check is a wrong check."""
    made = device(ESCAPED, most=20, **ESCAPES)
    assert read(made, bytes.fromhex("AA55 1B03 78 0D99")) == ["escape"]
    assert read(made, bytes.fromhex("AA55 78 1B 0D99")) == ["escape"]
    assert read(made, bytes.fromhex("AA55 61 78 18 0D99")) == ["check"]
    assert read(made, bytes.fromhex("AA55 61 78 19 0D99")) == [bytes.fromhex("AA55 61 78 19 0D99")]
    assert read(made, bytes.fromhex("AA55 61 0D99")) == ["length"]


def test_what_only_begins_like_the_lead_is_noise() -> None:
    """AA alone waits for more; AA with something else behind it is no begin, so nothing is told as broken."""
    made = device(ESCAPED, most=20, **ESCAPES)
    reader = made.reader("host")
    assert reader.feed(b"x") == []
    assert not reader.pending
    assert reader.noise == 1
    assert read(made, b"\xaa", gap=False) == []
    assert read(made, b"\xaa") == ["length"]
    assert read(made, b"\xaa\x66\x55") == []
    assert read(made, b"\xaa\x55abc") == ["length"]
    assert read(made, b"\xaa\x55" + b"a" * 17, gap=False) == []
    assert read(made, b"\xaa\x55" + b"a" * 18, gap=False) == ["length"]


def test_the_constant_behind_the_escaped_span_is_named_when_it_is_not_escaped() -> None:
    """Of several the first: that is the one that ends the span."""
    with pytest.raises(Refused, match="0D ends the frame but is not escaped within it"):
        device(ESCAPED, escape={"1B": "1B 02"}, escape_over="a..sum")
    with pytest.raises(Refused, match="must be followed by a constant that tells its end"):
        device(ESCAPED[:4], **ESCAPES)
    with pytest.raises(Refused, match='part "a" is outside `escape_over`'):
        device(ESCAPED, escape=ESCAPES["escape"], escape_over="data..sum")


def test_which_part_carries_the_parameters() -> None:
    """The variable one; else the last block of bytes; else none."""
    blocks = [START, {"name": "one", "bytes": 2}, {"name": "two", "bytes": 2}]
    assert device(blocks).declaration.frames["frame"].body == "two"
    assert device([*blocks, DATA]).declaration.frames["frame"].body == "data"
    assert device([START, DATA, {"name": "last", "bytes": 2}]).declaration.frames["frame"].body == "data"
    assert device([START, {"name": "n", "uint": 2}]).declaration.frames["frame"].body == ""


def test_blocks_of_bytes_have_their_sizes() -> None:
    """A block that is not said, not bytes, or of another size is refused; the variable one may be empty."""
    made = device([START, {"name": "a", "bytes": 2}, DATA])
    assert made.write("m", {"a": "0102"}) == b"\x02\x01\x02"
    for value, why in ((b"x", "has 1 bytes, the part has 2"), ("zz", "a: "), (5, "a: "), (None, "has no value")):
        with pytest.raises(BadValue, match=why):
            made.write("m", {"a": value})


def test_a_group_holds_tables() -> None:
    """Anything else in the array is refused by name."""
    made = device([START, DATA], fields=[{"name": "g", "group": [{"name": "v", "uint": 1}]}])
    assert made.write("m", {"g": [{"v": 1}, {"v": 2}]}) == b"\x02\x01\x02"
    with pytest.raises(BadValue, match="g: 5 is no table of values"):
        made.write("m", {"g": [{"v": 1}, 5]})


def test_a_text_whose_character_set_nobody_knows_is_told() -> None:
    """A frame may be sound and yet not be read: then it says why, and is no message."""
    made = device(
        [
            START,
            {"name": "kind", "uint": 1},
            {"name": "t", "text": 2, "encoding_by": "kind", "encodings": {"1": "gbk"}},
        ]
    )
    good, bad = made.decode("host", b"\x02\x01ab\x02\x07ab")
    assert isinstance(good, Decoded)
    assert good.values["t"] == "ab"
    assert isinstance(bad, Decoded)
    assert (bad.message, bad.why) == (None, "t: kind 7 names no character set")


def test_the_form_with_the_check_is_sent_unless_asked_otherwise() -> None:
    """DFPlayer takes both (protocols.md 5.1)."""
    made = codec("dfplayer")
    name = made.declaration.vectors[0].of
    values = dict(made.decode("host", made.declaration.vectors[0].data)[0].values)  # type: ignore[union-attr]
    assert made.write(name, values) == made.write(name, values, 0)
    assert len(made.write(name, values)) == len(made.write(name, values, 1)) + 2


def test_what_a_vector_says_is_compared_by_value() -> None:
    """Bytes as hexadecimal text, names as numbers, groups entry by entry; what is no value of that kind differs."""
    made = codec("ff68_console")
    message = made.declaration.messages[0]
    assert made.same(message, "x", "01 02", b"\x01\x02")
    assert not made.same(message, "x", "01 03", b"\x01\x02")
    assert not made.same(message, "x", "no bytes", b"\x01\x02")
    assert not made.same(message, "x", 5, b"\x05")
    assert made.same(message, "x", [{"v": 1}], [{"v": 1, "w": 2}])
    assert made.same(message, "x", 5, 5)
    for given, found in ((4, 5), (6, 5), ("5", 5), ([1], 5), (5, [{"v": 5}])):
        assert not made.same(message, "x", given, found)
    for other in ([{"v": 0}], [{"v": 2}], [], [{"v": 1}, {"v": 1}], [5]):
        assert not made.same(message, "x", other, [{"v": 1, "w": 2}])


@pytest.mark.parametrize(
    ("resync", "expected"),
    [
        ("rescan_inside", ["check", b"\x02\x01a\x64"]),
        ("skip_to_start", ["check", b"\x02\x01a\x64"]),
        ("gap", ["check"]),
    ],
)
def test_what_is_done_after_a_broken_frame(resync: str, expected: list[bytes | str]) -> None:
    """protocols.md 7.2: look inside it, behind it, or wait for silence."""
    parts = [START, {"name": "len", "uint": 1, "counts": "data..data"}, DATA, SUM]
    made = device(parts, resync=resync)
    assert read(made, b"\x02\x01b\x00" + b"\x02\x01a\x64") == expected
    inside = b"\x02\x05" + b"\x02\x01a\x64" + b"\x00\x00"
    found = read(made, inside)
    assert (b"\x02\x01a\x64" in found) == (resync == "rescan_inside")


def test_noise_is_counted_character_by_character() -> None:
    """All that belonged to no frame, and nothing of what did."""
    made = device([START, {"name": "len", "uint": 1, "counts": "data..data"}, DATA, SUM])
    reader = made.reader("host")
    assert reader.feed(b"xyz") == []
    assert reader.noise == 3
    assert not reader.pending
    assert len(reader.feed(b"\x02\x01a\x64uv")) == 1
    assert reader.noise == 5
    reader.feed(b"\x02\x01")
    assert reader.pending
    reader.reset()
    assert not reader.pending
    assert [type(item) for item in reader.feed(b"a\x64\x02\x01a\x64")] == [Frame]
    assert reader.noise == 7
    assert reader.feed(b"\x02\x01a\x00") == [Broken("check", b"\x02\x01a\x00")]
    assert reader.noise == 11


def test_a_preamble_has_its_least_number() -> None:
    """Fewer are noise, more do no harm; alone it is nothing yet, and after silence nothing at all."""
    made = device(
        [{"name": "run", "preamble": {"byte": 0xA5, "min": 2, "max": 4, "send": 3}}, START, DATA, SUM], most=6
    )
    frame = made.write("m", {"data": b"a"})
    assert frame == b"\xa5\xa5\xa5\x02a\x63"
    assert read(made, frame) == [b"\x02a\x63"]
    assert read(made, frame[1:]) == [b"\x02a\x63"]
    assert read(made, frame[2:]) == []
    assert read(made, b"\xa5" * 9 + frame) == [b"\x02a\x63"]
    reader = made.reader("host")
    assert reader.feed(b"\xa5" * 9) == []
    assert reader.pending
    assert reader.noise == 5
    assert reader.gap() == []
    assert not reader.pending
    assert reader.noise == 9


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_forms_the_most_telling_cause_is_told(order: int) -> None:
    """Whichever is tried first: a check that does not fit says more than a length, a length more than a value."""
    end = {"name": "end", "const": "03"}
    checked = [START, {"name": "a", "uint": 1}, {"name": "sum", "check": "sum8", "over": "start..a"}]
    valued = [START, {"name": "a", "uint": 1, "range": [0, 9]}, {"name": "b", "uint": 1}]
    ended = [START, {"name": "a", "uint": 1}, end]
    other = [{"name": "start", "const": "07"}, {"name": "a", "uint": 1}, end]
    for forms, cause in (([checked, valued, ended], "check"), ([valued, ended], "length"), ([valued, other], "value")):
        frames = [{"name": f"f{n}", "part": parts} for n, parts in enumerate(forms[::order])]
        table = {
            "device": {"name": "d", "title": "d", "source": "made up", "grade": "A"},
            "frame": frames,
            "message": [{"name": row["name"], "from": "host", "frame": row["name"]} for row in frames],
            "vector": [{"of": "f0", "hex": "00", "source": "made up", "grade": "A"}],
        }
        assert read(Codec(build(table, vectors=False)), b"\x02\x0a\x0a") == [cause]
