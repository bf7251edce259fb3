"""Frames of a story in words: what is whole is decoded, all else stays as it is, and no line is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reports.frame_words import told
from protocol.modbus import requests
from protocol.modbus.rtu import seal


def _line(by: str, data: bytes, tail: str = "") -> str:
    return f"  08:20:07.707 {by}: {data.hex(' ').upper()}{tail}"


@pytest.mark.parametrize(
    ("by", "data", "tail", "words"),
    [
        ("port", requests.read_registers(2, 4, 4, 1), "", "unit 2: read waiting"),
        ("port", requests.read_registers(2, 4, 0x300, 5), "", "unit 2: read 0x0300 x 5"),
        ("house/keypads", requests.write_registers(2, 0, [1, 7]), "", "unit 2: write acknowledge = 1, 7"),
        ("port", requests.write_register(2, 0x15, 0), "", "unit 2: write policy = 0"),
        ("slaves", requests.write_registers(2, 0, [1, 7])[:6], "", None),
        ("slaves", seal(bytes.fromhex("02 10 00 00 00 02")), "", "unit 2: written"),
        ("slaves", seal(bytes.fromhex("02 04 02 00 03")), "", "unit 2: registers = 3"),
        ("noise", seal(bytes.fromhex("C8 03 00 38 00 01")), "", "unit 200: read 0x0038"),
        ("noise", seal(bytes.fromhex("C8 03 02 E7 E5")), "", "unit 200: registers = 59365"),
        ("slaves", seal(bytes.fromhex("02 84 06")), "", "unit 2: exception 06, server device busy"),
        (
            "slaves",
            bytes.fromhex("02 04 10 00 01 00 00 05 04 67 CE 3E 47 01 A4 00 02 00 00 03 01"),
            " <- this press",
            "unit 2: events = key 4 (epoch 1, seq 0)",
        ),
    ],
)
def test_frames_in_words(by: str, data: bytes, tail: str, words: str | None) -> None:
    """Requests and replies of the keypads' own profile read as what they mean."""
    (_, wire) = told("first\n" + _line(by, data, tail))
    assert wire.text == _line(by, data, tail)
    assert wire.words == (words or "")
    assert wire.kind == "wire"


def test_damaged_frames_stay_hexadecimal() -> None:
    """A frame whose CRC is wrong says nothing."""
    data = bytearray(requests.read_registers(2, 4, 4, 1))
    data[3] ^= 1
    assert told(_line("port", bytes(data)))[0].words == ""


def test_the_lines_have_their_kinds() -> None:
    """First, wire, fault and last can be told apart by a page."""
    story = (
        "08:20:07.420 keypad-1: key 4\n  08:20:07.500 fault N01 bit_flip: bit 1\n  an aside\n08:20:09.000 LOST: no row"
    )
    assert [line.kind for line in told(story)] == ["first", "fault", "", "last"]


@given(
    st.text(), st.binary(min_size=1, max_size=64), st.sampled_from(["port", "slaves", "house/x", "k-1"]), st.booleans()
)
def test_nothing_breaks_it(text: str, data: bytes, by: str, sound: bool) -> None:
    """Any text and any frame: no error, every line there in its order, unchanged."""
    story = "\n".join((text, _line(by, seal(data) if sound else data, " <- this press"), text))
    assert [line.text for line in told(story)] == (story.splitlines() or [""])
