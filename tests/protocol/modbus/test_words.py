"""Requests and replies in a few words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.modbus.maps import reference_keypad
from protocol.modbus.words import refusal_words, reply_words, request_words

KEYPAD = reference_keypad.REFERENCE_KEYPAD


def test_registers_are_named_where_they_are_known():
    """One register by its name, of many the first and the last; without a map, or off it, by address."""
    assert request_words(KEYPAD, 4, bytes.fromhex("0000000A")).startswith("read mark .. ")
    assert request_words(None, 4, bytes.fromhex("0000000A")) == "read 0x0000 x 10"
    assert request_words(KEYPAD, 4, bytes.fromhex("F0000001")) == "read 0xF000"


def test_a_reply_is_read_with_its_request():
    """The values stand behind the names that the request asked for; without it they are registers."""
    body = bytes((4, 0, 1, 0, 2))
    assert reply_words(None, 3, body, bytes.fromhex("00100002")) == "0x0010 x 2 = 1, 2"
    assert reply_words(None, 3, body, None) == "registers = 1, 2"


@given(st.integers(0, 255), st.binary(max_size=40), st.none() | st.binary(min_size=4, max_size=4))
def test_whatever_stands_there_is_told(function, body, asked):
    """Any function code and any body give words, and never an error: also an empty one."""
    for known in (None, KEYPAD):
        assert request_words(known, function, body)
        assert reply_words(known, function, body, asked)
    assert refusal_words(body).startswith("exception")
