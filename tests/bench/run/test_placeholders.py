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
    assert filled("--port={port:wing-2}", "{records}", "{devices},{devices}") == [
        "--port=hall://wing-2",
        "/run/records.sqlite",
        "/run/devices.json,/run/devices.json",
    ]


@given(st.text())
def test_other_text_is_left_alone(text):
    """Braces of the collector's own (JSON, format strings) are not touched."""
    if not any(mark in text for mark in ("{port:", "{records}", "{devices}")):
        assert filled(text) == [text]
    assert filled('{"a": 1}', "{0}", "{}") == ['{"a": 1}', "{0}", "{}"]


@pytest.mark.parametrize("word", ["{port:ticket}", "{port:}", "x{port:Keypads}"])
def test_a_line_that_is_not_the_programs(word):
    """The message names the lines that there are."""
    with pytest.raises(UnknownPlaceholder, match="keypads, wing-2"):
        filled(word)
