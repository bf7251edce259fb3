"""Frames of declared protocols in words, and mistakes of declarations in words: to the letter."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest

from declared import MINIMAL, codec
from protocol.declared import model
from protocol.declared.build import Refused, build
from protocol.declared.checks import CHECKS, Crc16
from protocol.declared.codec import Codec
from protocol.declared.explain import explain
from protocol.declared.items import Item
from protocol.declared.reading import Problem, Reading, did_you_mean, shown

KEY = bytes.fromhex("FF6803036803010C1016")
PARTS = """  sync         FF 68
  len          03 03                    3 bytes of addr..data, 2 times
  mark         68
  addr         03                       3, the address
"""


def told(name: str, data: str, source: str | None = None) -> tuple[str, str]:
    lines, problem = explain(codec(name), bytes.fromhex(data), source)
    return "\n".join(lines), problem


def test_a_frame_is_told_part_by_part() -> None:
    """Each part with its bytes, what it counts, covers or is; then what the message says."""
    said, problem = told("ff68_console", KEY.hex())
    first, rest = said.split("\n", 1)
    assert first.startswith("FF 68 03 03 68 03 01 0C 10 16  from the device, key: keys: 0C next")
    assert rest == (
        f"{PARTS}  cmd          01                       1\n  data         0C\n"
        "  cs           10                       sum8 over addr..data\n  end          16\n    keys = 0C"
    )
    assert problem == ""


def test_what_is_no_message_is_told_as_such() -> None:
    """The parts stand all the same; the problem names the end that would have sent it."""
    said, problem = told("ff68_console", "FF680303680377AA2416")
    assert said.startswith(f"FF 68 03 03 68 03 77 AA 24 16  from the host, unknown message\n{PARTS}")
    assert said.endswith("  end          16\n  no message of the declaration matches")
    assert problem == "no message of the host matches"
    assert told("ff68_console", "FF680303680377AA2416", "device")[1] == "no message of the device matches"


def test_a_broken_frame_is_told_with_its_cause() -> None:
    """In the lines and as the problem; noise beside it is no further one."""
    why = "its check does not fit"
    said, problem = told("ff68_console", "FF6803036803010C1116")
    assert said == f"FF 68 03 03 68 03 01 0C 11 16  broken: {why}"
    assert problem == f"FF 68 03 03 68 03 01 0C 11 16 is no sound frame: {why}"


def test_bytes_that_belong_to_no_frame_are_counted() -> None:
    """Beside a good frame and alone; without any byte there is no frame."""
    assert told("ff68_console", "0102" + KEY.hex())[1] == "2 of 12 bytes belong to no frame"
    assert told("ff68_console", "0102") == ("", "2 of 2 bytes belong to no frame")
    assert told("ff68_console", "") == ("", "no frame is complete in it")


def test_the_end_that_makes_more_sense_of_it_is_told() -> None:
    """A frame of both directions is the message that is known; the fewest bytes without a meaning decide."""
    for vector in codec("ff68_console").declaration.vectors:
        said, problem = told("ff68_console", vector.data.hex())
        assert problem == ""
        assert vector.of == said.split(", ", 1)[1].split("\n", 1)[0].split(":", 1)[0]
    known, unknown = KEY.hex(), "FF680303680377AA2416"
    assert "from the device, key" in told("ff68_console", known + unknown)[0]


def test_names_and_bits_are_told() -> None:
    """A number with its name, on the part and in the message; parts of a number by themselves."""
    said, _ = told("dfplayer", "7EFF060301000 1FEF6EF".replace(" ", ""))
    assert "  ack          01                       1 yes\n" in said
    assert "  sum          FE F6                    negsum16 over ver..param\n" in said
    assert said.endswith("    clip = 1")
    said, _ = told("onbon", codec("onbon").declaration.vectors[1].data.hex())
    lines = said.splitlines()
    assert lines[0].startswith("01 00 00 80 00 00 00 00 00 00 FE 02 05 00 A2 00 ... (22 bytes)  from the host, ping")
    assert lines[1] == "  without escapes: 01 00 00 80 00 00 00 00 00 00 FE 02 05 00 A2 00 ... (21 bytes)"
    assert "  len          05 00                    5 bytes of group..params" in lines
    assert lines[-2:] == ["    reply = 1 (yes)", "    size = 0"]
    speech = next(v for v in codec("syn6288").declaration.vectors if codec("syn6288").messages[v.of].message.fields)
    said, _ = told("syn6288", speech.data.hex())
    charset, music = speech.data[4] & 7, speech.data[4] >> 3
    assert f"    charset = {charset}\n    music = {music}\n" in said


class TestReading:
    """Words of mistakes."""

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (True, "true"),
            (False, "false"),
            ({"a": 1}, "a table"),
            ([1], "an array"),
            ("x", '"x"'),
            (5, "5"),
            (1.5, "1.5"),
        ],
    )
    def test_a_value_is_shown_as_the_file_has_it(self, value: Any, words: str) -> None:
        """Tables and arrays by their kind."""
        assert shown(value) == words

    def test_a_hint_names_the_nearest(self) -> None:
        """In any case; else all when they are few; else nothing."""
        assert did_you_mean("dat", ["data", "cmd"]) == 'did you mean "data"?'
        assert did_you_mean("DATA", ["data", "cmd"]) == 'did you mean "data"?'
        assert did_you_mean("qqq", ["data", "cmd"]) == 'there is "data", "cmd"'
        many = [f"word-{n}" for n in range(13)]
        assert did_you_mean("qqq", many[:12]).startswith('there is "word-0"')
        assert did_you_mean("qqq", many) == ""
        assert did_you_mean("qqq", []) == ""

    def test_a_mistake_is_of_the_value_unless_said_otherwise(self) -> None:
        """Its subject stands before it."""
        reading = Reading()
        reading.wrong(("a",), "is wrong")
        reading.subject = "this"
        reading.wrong(("b",), "too", "try c", at_key=True)
        assert reading.problems == [Problem(("a",), "is wrong"), Problem(("b",), "this: too", "try c", at_key=True)]
        assert not reading.problems[0].at_key

    @pytest.mark.parametrize(
        ("kind", "good", "bad", "words"),
        [
            ("text", "x", 1, "text in quotes"),
            ("whole", 1, 1.5, "a whole number"),
            ("whole", 0, True, "a whole number"),
            ("number", 1.5, "1", "a number"),
            ("number", 1, False, "a number"),
            ("flag", True, 1, "true or false"),
            ("table", {}, [], "a table"),
            ("list", [], {}, "an array [ ... ]"),
        ],
    )
    def test_a_value_is_of_its_kind(self, kind: str, good: Any, bad: Any, words: str) -> None:
        """The default stands for one that is missing or of another kind; the latter is noted."""
        reading = Reading()
        assert reading.value((), {"k": good}, "k", kind, "other") == good
        assert reading.value((), {}, "k", kind, "other") == "other"
        assert reading.problems == []
        assert reading.value(("t",), {"k": bad}, "k", kind, "other") == "other"
        assert reading.problems == [Problem(("t", "k"), f"k must be {words}, not {shown(bad)}")]

    def test_a_choice_is_one_of_its_words(self) -> None:
        """The nearest is offered; when none is near the words are listed once."""
        reading = Reading()
        assert reading.choice((), {"k": "half"}, "k", ("half", "full")) == "half"
        assert reading.choice((), {"k": "hal"}, "k", ("half", "full"), "full") == "full"
        assert reading.choice((), {"k": "zzz"}, "k", ("half", "full"), "full") == "full"
        listed = 'is none of "half", "full"'
        assert reading.problems == [
            Problem(("k",), f'k "hal" {listed}', 'did you mean "half"?'),
            Problem(("k",), f'k "zzz" {listed}'),
        ]

    def test_rows_that_are_no_tables_are_told_by_their_number(self) -> None:
        """From 1, as people count; the others stay."""
        reading = Reading()
        assert reading.tables((), {"row": [{"a": 1}, 5]}, "row") == [(("row", 0), {"a": 1})]
        assert reading.problems == [Problem(("row", 1), "row[2] must be a table, not 5")]


def vector_told(**changes: Any) -> list[str]:
    """What the minimal declaration says of its vector when that is changed."""
    table = tomllib.loads(MINIMAL)
    table["vector"][0].update(changes)
    with pytest.raises(Refused) as refused:
        build(table)
    return [problem.message for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("02 01 05 07", "it is no sound frame: check (over 02 01 05 it would be 06)"),
        ("02 01 05 06 02 01 05 06", "it is 2 frames, not one"),
        ("55", "no frame begins in it"),
        ("02 01", "it is no sound frame: length"),
        ("02 02 05 05 00", "it should be the message 'switch', but: no message matches it"),
        ("02 01 66 65", "it should be the message 'switch', but: level: 102 is outside 0..100"),
        ("55 02 01 05 06", "encoded again it is 02 01 05 06"),
    ],
)
def test_what_is_wrong_with_a_vector(data: str, said: str) -> None:
    """A sentence for each way in which a known frame does not fit the declaration."""
    assert f'vector of "switch": {said}' in vector_told(hex=data)


def test_a_vector_of_another_message_is_told_which_it_is() -> None:
    """By the name of the message that it decodes to."""
    table = tomllib.loads(MINIMAL)
    table["message"].append({"name": "other", "from": "host", "match": {"data_len": 2}})
    table["vector"].append({**table["vector"][0], "hex": "02 02 05 06 03", "values": {}})
    with pytest.raises(Refused, match="it should be the message 'switch', but: other"):
        build(table)


def test_values_of_a_vector_that_differ() -> None:
    """Both are shown; what is no value at all lists those that there are."""
    assert vector_told(values={"level": 6}) == ['vector of "switch": level should be 6, it decodes to 5']
    assert vector_told(values={"data": "06"}) == ["vector of \"switch\": data should be '06', it decodes to 05"]
    assert vector_told(values={"data": 5}) == ['vector of "switch": data should be 5, it decodes to 05']
    assert vector_told(values={"lev": 6}) == ["vector of \"switch\": it has no value 'lev'; it has data, level"]


def test_a_second_frame_that_hides_damage_is_found() -> None:
    """A form without check beside the form with one would take every spoilt frame: told at the first such byte."""
    part = {"uint": 1}
    checked = [
        {"name": "start", "const": "02"},
        {"name": "a", **part},
        {"name": "sum", "check": "xor8", "over": "a..a"},
        {"name": "end", "const": "03"},
    ]
    loose = copy.deepcopy(checked)
    loose[2] = {"name": "b", **part}
    table = {
        **tomllib.loads(MINIMAL),
        "frame": [{"name": "checked", "part": checked}, {"name": "loose", "part": loose}],
        "message": [{"name": "m", "from": "host", "frame": "checked"}, {"name": "n", "from": "host", "frame": "loose"}],
        "vector": [{"of": "m", "hex": "02 05 05 03", "source": "made up", "grade": "A"}],
    }
    with pytest.raises(Refused, match="with bit 0 of byte 2 flipped it is still taken for a frame"):
        build(table)


def test_a_value_made_by_hand_means_what_a_declaration_means_that_does_not_say_it() -> None:
    """Defaults of the model are those of the file."""
    made = build(tomllib.loads(MINIMAL))
    assert made.line == model.LineFacts()
    assert made.messages[0].broadcast is model.Message("m", "host", "frame").broadcast is True
    assert model.Action("press").quiet == 0
    assert model.Test(model.Const(1)).negated is False
    table = tomllib.loads(MINIMAL)
    table["frame"]["part"].insert(1, {"name": "addr", "uint": 1, "role": "address"})
    assert build(table, vectors=False).address == model.Address("addr")
    assert model.Address("addr") == model.Address("addr", None, 0, 1, 0, 255, "")
    assert Item("n", "uint").size == 1
    assert model.Screen() == model.Screen(8, 1, fill=False)
    assert model.Ask("m", {}).within_ms == 500
    assert model.Made(model.Const(1))[1:] == (0, None, None, 1, None, None)
    assert model.Expect(None, "m", 500, 0).stagger == 0
    assert Crc16(0x8005) == Crc16(0x8005, 0, refin=False, refout=False, xorout=0)


def test_a_message_by_its_name() -> None:
    """Each is found; another is a KeyError."""
    made = codec("ff68_console").declaration
    assert [made.message(message.name) for message in made.messages] == list(made.messages)
    with pytest.raises(KeyError, match="nobody"):
        made.message("nobody")


def test_named_checks() -> None:
    """What each gives over the nine characters, and how many bytes it has."""
    assert {name: (check.compute(b"123456789"), check.size) for name, check in CHECKS.items()} == {
        "sum8": (0xDD, 1),
        "negsum8": (0x23, 1),
        "lrc": (0x23, 1),
        "xor8": (0x31, 1),
        "sum16": (0x01DD, 2),
        "negsum16": (0xFE23, 2),
        "crc16_modbus": (0x4B37, 2),
        "crc16_arc": (0xBB3D, 2),
        "crc16_osdp": (0xE5CC, 2),
    }


def test_a_little_endian_length_is_told_as_a_number() -> None:
    """And what it counts."""
    table = tomllib.loads(MINIMAL)
    table["frame"]["part"][1] = {"name": "len", "uint": 2, "endian": "little", "counts": "data..sum"}
    table["vector"][0]["hex"] = "02 02 00 05 05"
    lines, problem = explain(Codec(build(table)), bytes.fromhex("0202000505"))
    assert problem == ""
    assert lines[2] == "  len          02 00                    2 bytes of data..sum"
    assert lines[3:] == [
        "  data         05",
        "  sum          05                       xor8 over start..data",
        "    level = 5",
    ]
