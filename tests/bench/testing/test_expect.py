"""Expectations: what fits, and how a near miss is told."""

from __future__ import annotations

import pytest

from bench.testing.expect import FrameWanted, NoteWanted, fields_of
from bench.testing.traffic import Frame, Happening
from protocol.modbus.rtu import seal


def frame(text: str, by: str = "port") -> Frame:
    return Frame(0, "keypads", by, seal(bytes.fromhex(text)), 0, 1)


def test_the_fields_of_frames():
    """A request has unit, function, address and count or value; a reply has unit and function; noise has none."""
    assert fields_of(frame("03 04 0100 0008")) == {
        "unit": 3,
        "function": 4,
        "exception": False,
        "address": 256,
        "count": 8,
    }
    assert fields_of(frame("03 06 0011 00C8"))["value"] == 200
    assert fields_of(frame("03 10 0000 0002 04 0001 0007"))["values"] == (1, 7)
    assert fields_of(frame("03 84 02", "slaves")) == {"unit": 3, "function": 4, "exception": True}
    assert fields_of(Frame(0, "keypads", "port", b"\x03\x04\x00", 0, 1)) == {"damaged": True}


def test_only_the_fields_that_are_given_are_compared():
    """An expectation fits every frame that has its fields, from the side it names."""
    wanted = FrameWanted({"unit": 3, "function": 4})

    assert wanted.matches(frame("03 04 0100 0008"))
    assert wanted.matches(frame("03 04 0004 0001"))
    assert not wanted.matches(frame("02 04 0100 0008"))
    assert not wanted.matches(frame("03 04 0100 0008", "house"))
    assert FrameWanted({"values": [1, 7]}).matches(frame("03 10 0000 0002 04 0001 0007"))


def test_differences_name_what_was_found_and_what_was_expected():
    """Each field that differs is told with both values, numbers also in hexadecimal where people use it."""
    wanted = FrameWanted({"unit": 3, "function": 16, "address": 0})

    assert wanted.differences(frame("03 10 0002 0001 02 0001")) == ["address 2 (0x0002), expected address 0 (0x0000)"]
    assert wanted.differences(frame("03 04 0000 0001")) == [
        "function 0x04 (read input registers), expected function 0x10 (write registers)"
    ]


def test_an_unknown_field_is_refused():
    """A misspelt field is told with the fields there are, and does not silently fit everything."""
    with pytest.raises(TypeError, match="'adress' is not a field of a frame; there are: unit, function, address"):
        FrameWanted({"adress": 3})


def test_notes_by_kind_device_and_facts():
    """A note fits by its kind, its device and the facts named; the closest one is told with its differences."""
    shown = Happening("display-1", 0, "shown", {"text": "A001"})
    wanted = NoteWanted("shown", "display-1", {"text": "A002"})

    assert NoteWanted("shown", None, {}).matches(shown)
    assert wanted.differences(shown) == ["text is 'A001', expected 'A002'"]
    assert "display-1 'shown' (text 'A001'): text is 'A001', expected 'A002'" in wanted.closest(
        [Happening("display-1", 0, "power", {"on": True}), shown]
    )
    assert wanted.closest([]) == "no device told anything in that time"
