"""Declarations with mistakes: every one is told, at its place, with a way out; good ones become what they say."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from declared import MINIMAL, NAMES, codec, raw
from protocol.declared.build import Refused, build
from protocol.declared.codec import Codec


def minimal(**changed: str) -> dict[str, Any]:
    text = MINIMAL
    for old, new in changed.items():
        text = text.replace(old, new)
    return tomllib.loads(text)


def mistakes(table: dict[str, Any]) -> list[str]:
    with pytest.raises(Refused) as refused:
        build(table)
    return [f"{'.'.join(map(str, p.path))}: {p.message} {p.hint}".strip() for p in refused.value.problems]


def changed(old: str, new: str) -> dict[str, Any]:
    assert old in MINIMAL, old
    return tomllib.loads(MINIMAL.replace(old, new))


@pytest.mark.parametrize("name", NAMES)
def test_the_catalogue_is_right(name: str) -> None:
    """Every declaration that ships is accepted with its vectors, tells its source, and both directions are shown."""
    declaration = codec(name).declaration
    assert declaration.name == name
    assert declaration.title
    assert declaration.source_text
    assert declaration.not_emulated
    assert {codec(name).messages[v.of].message.source for v in declaration.vectors} == {"host", "device"}


def test_the_minimal_one_is_right() -> None:
    """The declaration that the others are broken copies of."""
    assert Codec(build(minimal())).decode("host", bytes.fromhex("02010506"))[0].values["level"] == 5  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('title = "a lamp"', "", "device: `title` is missing"),
        ('grade = "A"\n\n[frame]', 'grade = "Q"\n\n[frame]', 'grade "Q" is none of "M"'),
        ('name = "lamp"', 'name = "The Lamp"', "is not a name of lower-case letters"),
        (
            'uint = 1, counts = "data..data"',
            'uint = 1, counts = "data..dat"',
            'there is no part "dat" did you mean "data"?',
        ),
        ('counts = "data..data"', 'counts = "start..len"', "is not in it"),
        ('check = "xor8"', 'check = "xor"', 'there is no check "xor" did you mean "xor8"?'),
        (', over = "start..data"', "", "does not say which parts it is `over`"),
        ('const = "02"', 'const = "2"', "must be bytes in hexadecimal"),
        ('bytes = "rest"', 'bytes = "length"', "bytes must be a number of bytes"),
        (
            '{ name = "data", bytes = "rest" },',
            '{ name = "data", bytes = "rest" }, { name = "b", bytes = "rest" },',
            "both have no fixed length",
        ),
        ("match = { data_len = 1 }", "match = { date_len = 1 }", 'did you mean "data_len"?'),
        ("match = { data_len = 1 }", "match = { cmd = 1 }", 'frame "frame" has no value "cmd"'),
        ('set = "on"', 'set = "one"', 'there is no state variable "one" did you mean "on"?'),
        ("to = true", 'to = "@levels"', 'no value "levels" comes with this did you mean "level"?'),
        ('set = "on", to = true', 'sett = "on", to = true', "does not say what happens"),
        ('set = "on", to = true', 'send = "ok"', 'there is no message "ok" from the device'),
        ('set = "on", to = true', 'start = "t", ms = 5', 'there is no timer "t"'),
        ('set = "on", to = true', 'voice = "play"', 'only a device with role = "voice" has a loudspeaker'),
        ('from = "host"', 'from = "hosts"', 'from "hosts" is none of "host", "device"'),
        ("range = [0, 100]", "range = [5, 0]", "range must be two whole numbers in order"),
        ("uint = 1, range", "uint = 9, range", "uint has 1 to 8 bytes, not 9"),
        ('hex = "02 01 05 06"', 'hex = "02 01 05 07"', "it is no sound frame: check (over 02 01 05 it would be 06)"),
        ('hex = "02 01 05 06"', 'hex = "02 01 66 65"', "outside 0..100"),
        ("values = { level = 5 }", "values = { level = 6 }", "level should be 6, it decodes to 5"),
        ("values = { level = 5 }", "values = { levels = 5 }", "it has no value 'levels'"),
        ('of = "switch"', 'of = "swich"', 'there is no message "swich" did you mean "switch"?'),
        ("[state]\non = false", "[state]\non = 1.5", "must start as a whole number"),
        ("[state]", "[stat]", "there is no key `stat` here did you mean"),
    ],
)
def test_a_mistake_is_told(old: str, new: str, told: str) -> None:
    """One mistake of each sort: the message says what was found and what was expected."""
    assert any(told in line for line in mistakes(changed(old, new))), mistakes(changed(old, new))


def test_all_mistakes_at_once() -> None:
    """Several mistakes in different tables are all told, not the first only."""
    table = changed("range = [0, 100]", "range = [5, 0]")
    del table["device"]["title"]
    table["message"][0]["effects"][0]["set"] = "of"
    table["messages"] = []
    assert len(mistakes(table)) >= 4


def test_a_vector_is_mandatory() -> None:
    """Nothing is accepted on its word: without a known frame there is no declaration, nor with one direction only."""
    table = minimal()
    del table["vector"]
    assert any("`vector` is missing" in line for line in mistakes(table))
    table = minimal()
    table["message"].append({"name": "done", "from": "device", "match": {"data_len": 2}})
    assert any("no vector shows what the device sends" in line for line in mistakes(table))


def test_a_check_that_covers_too_little_is_found() -> None:
    """A sum over the wrong span would accept what it should not: the vector does not fit it."""
    table = raw("ff68_console")
    table["frame"]["part"][6]["over"] = "cmd..data"
    assert any("it is no sound frame: check" in line for line in mistakes(table))


def test_an_escape_that_does_not_protect_the_end_is_refused() -> None:
    """A byte that ends a frame must be escaped within it."""
    table = raw("onbon")
    del table["frame"]["escape"]["5A"]
    assert any("5A ends the frame but is not escaped" in line for line in mistakes(table))


def test_two_messages_and_two_parts_of_one_name() -> None:
    """Names are unique."""
    table = minimal()
    table["message"].append(dict(table["message"][0]))
    table["frame"]["part"].append({"name": "start", "const": "03"})
    told = mistakes(table)
    assert any("two parts" in line for line in told)


def test_anything_may_be_in_the_file() -> None:
    """Tables of the wrong shape are mistakes, never exceptions of another kind."""
    for broken in (
        {},
        {"device": 5, "frame": 5, "message": 5, "vector": 5},
        {"device": {}, "frame": [5], "message": [5], "vector": [5]},
        {
            "device": {"name": 1},
            "frame": {"part": [{"name": 5}, {"name": "a", "uint": "x"}]},
            "message": [{}],
            "vector": [{}],
        },
        {**minimal(), "action": [{"name": "hear", "effects": 5, "args": [{"name": 3, "range": 4}]}], "timer": {"x": 5}},
        {**minimal(), "address": {"range": 5}, "profile": {"a": 5}, "on_error": {"x": 1}, "power_on": {"effects": [5]}},
    ):
        with pytest.raises(Refused) as refused:
            build(broken)
        assert refused.value.problems
