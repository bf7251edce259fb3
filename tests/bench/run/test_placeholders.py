"""Placeholders in a collector's arguments: what is ours is filled in, everything else stays as it was typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.run.placeholders import UnknownPlaceholder, fill_placeholders

PORTS = {"keypads": "hall://keypads", "wing-2": "hall://wing-2"}


def filled(*words: str) -> list[str]:
    return fill_placeholders(words, PORTS, "/run/records.sqlite", "/run/devices.json")


def test_each_placeholder_has_its_value():
    """Ports, records and devices, also inside a longer word and twice."""
    assert filled("--port={port:wing-2}", "{records}", "{devices},{devices}", "{{port:keypads}") == [
        "--port=hall://wing-2",
        "/run/records.sqlite",
        "/run/devices.json,/run/devices.json",
        "{hall://keypads",
    ]


@given(st.text(alphabet=st.characters(exclude_characters="{")) | st.text(alphabet="{}:\" 0a,'"))
def test_other_text_is_left_alone(text):
    """Text without braces, and braces that hold no word of ours, are not touched."""
    assert filled(text) == [text]


OWN = [
    '{"a": 1}',
    '{"records": 3, "port": "x"}',
    "{'port': 9600}",
    "{0}",
    "{}",
    "{{}}",
    "{{name}}",
    "{name}",
    "{report}",
    "{portal}",
    "{date:%Y-%m-%d}",
    "{value:>5}",
    "${HOME}",
    "{ port }",
    "{a,b}",
    "{1,2,3}",
    "{port",
    "port}",
    '{port:"x"}',
]


@pytest.mark.parametrize("text", OWN)
def test_braces_of_the_collectors_own(text):
    """JSON, format strings, templates and shells use braces too."""
    assert filled(text) == [text]


@pytest.mark.parametrize("word", ["{port:ticket}", "{port:}", "x{port:Keypads}"])
def test_a_line_that_is_not_the_programs(word):
    """The message names the lines that there are."""
    with pytest.raises(UnknownPlaceholder, match="keypads, wing-2"):
        filled(word)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("{port}", "{port:keypads}"),
        ("{prot:wing-2}", "{port:wing-2}"),
        ("--port={Port:keypad}", "{port:keypads}"),
        ("{PORT:KEYPADS}", "{port:keypads}"),
        ("{line:keypads}", "{port:keypads}"),
        ("{keypads}", "{port:keypads}"),
        ("{record}", "{records}"),
        ("{Records}", "{records}"),
        ("{recrods}", "{records}"),
        ("{records:keys}", "{records}"),
        ("{device}", "{devices}"),
    ],
)
def test_a_mistyped_placeholder(word, meant):
    """What looks like a placeholder and is none is not passed on in silence; doubled braces pass it on on purpose."""
    with pytest.raises(UnknownPlaceholder) as told:
        filled("--first", word)
    assert f"did you mean {meant}?" in str(told.value)
    at = word.index("{")
    assert filled(f"{word[:at]}{{{word[at:]}}}") == [word]


def test_a_placeholder_as_it_stands():
    """Doubled braces keep a placeholder of ours from being filled in."""
    assert filled("{{records}} {{port:keypads}} {{devices}}") == ["{records} {port:keypads} {devices}"]


def test_a_program_without_lines():
    """The message does without a line where there is none."""
    with pytest.raises(UnknownPlaceholder, match=r"did you mean \{port:LINE\}\?.*\(none\)"):
        fill_placeholders(["{port}"], {}, "r", "d")
