"""Declarations are read strictly, reviewed before anything is sent, and alone decide what applies."""

from __future__ import annotations

import pytest

from bench.compliance.declaration import InvalidDeclaration, available, load_declaration, parse, review

GOOD = load_declaration("reference").text


@pytest.mark.parametrize("name", available())
def test_shipped_declarations_do_not_contradict_themselves(name: str) -> None:
    """Law: the static review of a shipped declaration finds at most that something optional is missing."""
    assert all("is missing" in finding for finding in review(load_declaration(name)))


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ('name = "reference"', 'name = ["x"', "not TOML"),
        ("[line]", "[lines]", "'line' is missing"),
        ("9600 8E1", "fast", "line settings read like"),
        ("coils = [[0, 40]]", "coils = [[0, 400000]]", "map.coils"),
        ("coils = [[0, 40]]", "coil = [[0, 40]]", "the tables are"),
        ("functions = [0x01,", "functions = [0x81,", "0x01..0x7F"),
        ("reply_ms = 200", "reply_sm = 200", "nobody knows reply_sm"),
        ("picky = [124, 5, 9999]", "picky = [124]", "list of 3"),
    ],
)
def test_a_bad_declaration_says_what_is_wrong(old: str, new: str, wanted: str) -> None:
    """Law: each mistake is named with the file."""
    assert old in GOOD
    with pytest.raises(InvalidDeclaration, match="my_device.toml.*" + wanted.replace("(", r"\(")):
        parse(GOOD.replace(old, new), "my_device.toml")


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("coils = [[0, 40]]\n", "", "map.coils names nothing"),
        ("functions = [0x01, ", "functions = [", "functions lacks 0x01"),
        ("broadcast = [0x05,", "broadcast = [0x03, 0x05,", "needs a reply"),
        ("unit = 17", "unit = 300", "units are 1..247"),
    ],
)
def test_contradictions_are_found_before_anything_is_sent(old: str, new: str, wanted: str) -> None:
    """Law: the static review names each contradiction."""
    assert any(wanted in finding for finding in review(parse(GOOD.replace(old, new), "x.toml")))


def test_expressions_speak_of_the_declaration_only() -> None:
    """Law: names, numbers, and/or/not and two comparisons; anything else is refused."""
    declared = load_declaration("rating_keypad")
    assert declared.allows("fc03 and not fc05")
    assert declared.allows("scratch >= 1")
    assert not declared.allows("scratch >= 2 or fc01")
    assert "fc05 = 0" in declared.because("fc05")
    with pytest.raises(InvalidDeclaration):
        declared.allows("__import__('os')")
