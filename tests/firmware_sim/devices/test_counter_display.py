"""The LED-485 counter display: what is lit follows from the bytes written, and from nothing else."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.device import Stop
from firmware_sim.devices.counter_display import CounterDisplay
from firmware_sim.modbus_slave import ModbusException
from protocol.modbus.maps import words_of
from protocol.modbus.maps.led485 import SHAPES
from slave_host import MS, Host

TEXT, SEGMENTS, FLOAT = 0x0070, 0x0080, 0x0090
ZERO, ONE, A, DASH = 0x3F, 0x06, 0x77, 0x40


def display(**kwargs) -> Host:
    host = Host(CounterDisplay("display-1", **kwargs))
    host.slave.unit = 1
    return host


def show(host: Host, text: bytes) -> None:
    host.write(TEXT, *words_of(text), function=0x10)


def number(host: Host, value: int, point: int = 0) -> None:
    host.write(0x0004, point)
    host.write(0x0000, value & 0xFFFF)


# -- text -------------------------------------------------------------------------------------------------------------
def test_a_ticket_is_shown():
    """The published frame's "A001" at 0x0070 lights A, 0, 0, 1 (protocols.md 1.3)."""
    host = display()
    host.write(TEXT, 0x4130, 0x3031)
    assert host.slave.segments == [A, ZERO, ZERO, ONE]
    assert host.slave.points == [False] * 4
    assert host.slave.text == "A001"
    assert host.facts("shown") == [{"text": "A001"}]


def test_what_is_shown_is_noted_only_when_it_changes():
    """The same text again is no news; another is; dark is the empty text."""
    host = display()
    show(host, b"A001")
    show(host, b"A001")
    show(host, b"a001")
    show(host, b"A002")
    show(host, b"    ")
    show(host, b"\0\0")
    assert [fact["text"] for fact in host.facts("shown")] == ["A001", "A002", ""]


@pytest.mark.parametrize(
    ("digits", "written", "text", "lit"),
    [
        (4, b"8.8.8.8.\0\0\0\0", "8.8.8.8.", [0x7F] * 4),
        (4, b"1.5", "1.5", [ONE, 0x6D, 0, 0]),
        (3, b".5", ".5", [0, 0x6D, 0]),
        (4, b"1..2", "1. .2", [ONE, 0, 0x5B, 0]),
        (4, b"A0012", "A001", [A, ZERO, ZERO, ONE]),
        (6, b"A001", "A001", [A, ZERO, ZERO, ONE, 0, 0]),
        (4, b"A\0B1", "A", [A, 0, 0, 0]),
        (4, b" 7", "7", [0, 0x07, 0, 0]),
        (3, b"#", "", [0, 0, 0]),
    ],
)
def test_how_text_becomes_digits(digits, written, text, lit):
    """A point folds into its digit, NUL ends the text, what does not fit is cut, what has no shape is dark."""
    host = display(digits=digits)
    show(host, written)
    assert host.slave.text == text
    assert host.slave.segments == lit


def test_a_text_replaces_the_whole_display():
    """A shorter text leaves nothing of the longer one before it."""
    host = display(digits=6)
    show(host, b"888888")
    show(host, b"A1")
    assert host.slave.text == "A1"


@pytest.mark.parametrize("char", [0x01, 0x1F, 0x7F, 0x80, 0xFF])
def test_characters_that_are_no_text_are_refused(char: int):
    """Exception 03, and the display stays as it was (nothing partial)."""
    host = display()
    show(host, b"A001")
    assert host.refused(TEXT, 0x4200 | 0x32, 0x3200 | char, function=0x10) == 0x03
    assert host.slave.text == "A001"
    assert len(host.facts("shown")) == 1


@given(text=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", min_size=3, max_size=6))
def test_letters_and_digits_are_read_back_as_written(text: str):
    """Every capital, digit and dash has a shape of its own, so that S012 is not read as 5012."""
    host = display(digits=len(text))
    show(host, text.encode())
    assert host.slave.text == text
    assert len(set(SHAPES.values())) == len(SHAPES)


# -- segments ---------------------------------------------------------------------------------------------------------
def test_raw_segments_are_lit_as_written():
    """Two digits in each register, the left one in the high byte; 0x3F is 0, 0x06 is 1."""
    host = display(digits=4)
    host.write(SEGMENTS, 0x3F06, 0x7740, function=0x10)
    assert host.slave.segments == [ZERO, ONE, A, DASH]
    assert host.slave.text == "01A-"
    host.write(SEGMENTS, 0x4900, function=0x10)
    assert host.slave.text == "?", "lit, but no character"
    assert [fact["text"] for fact in host.facts("shown")] == ["01A-", "?"]


@given(masks=st.lists(st.integers(0, 0x7F), min_size=2, max_size=16).filter(lambda masks: len(masks) % 2 == 0))
def test_any_segments_are_lit_and_nothing_else(masks: list[int]):
    """What is lit is what the bytes say, cut to the digits there are, the rest dark."""
    host = display(digits=6)
    show(host, b"888888")
    host.write(SEGMENTS, *words_of(bytes(masks)), function=0x10)
    assert host.slave.segments == (masks + [0] * 6)[:6]
    assert not any(host.slave.points)


def test_a_digit_has_seven_segments():
    """Bit 7 of either byte is exception 03 without effect."""
    host = display()
    assert host.refused(SEGMENTS, 0x3F86, function=0x10) == 0x03
    assert host.refused(SEGMENTS, 0x863F, function=0x10) == 0x03
    assert host.slave.text == ""


# -- numbers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("digits", "value", "point", "text"),
    [
        (4, 0, 0, "0"),
        (4, 123, 0, "123"),
        (6, 12345, 3, "12.345"),
        (4, 5, 2, "0.05"),
        (4, -5, 2, "-0.05"),
        (3, -5, 2, "---"),
        (6, -32768, 0, "-32768"),
        (4, 12345, 0, "----"),
        (3, -12, 0, "-12"),
        (4, 1234, 3, "1.234"),
    ],
)
def test_how_numbers_are_shown(digits, value, point, text):
    """Right-aligned, signed, with the decimal point of 0x0004; dashes for what does not fit."""
    host = display(digits=digits)
    number(host, value, point)
    assert host.slave.text == text


def test_numbers_stand_right():
    """The digits on the left stay dark."""
    host = display()
    number(host, 17)
    assert host.slave.segments == [0, 0, ONE, 0x07]


def test_the_decimal_point_moves_a_shown_number_and_no_text():
    """0x0004 is a setting of numbers: a text stays."""
    host = display()
    number(host, 1234)
    host.write(0x0004, 2)
    assert host.slave.text == "12.34"
    show(host, b"A001")
    host.write(0x0004, 1)
    assert host.slave.text == "A001"
    host.write(0x0000, 77)
    assert host.slave.text == "7.7"
    assert host.refused(0x0004, 4) == 0x03


def test_the_vendors_own_test_writes_numbers_to_0x0088():
    """Both FC 0x06 and FC 0x10 are taken there: the source does not tell which."""
    host = display()
    host.write(0x0088, 1234)
    assert host.slave.text == "1234"
    host.write(0x0088, 123, function=0x10)
    assert host.slave.text == "123"


def test_float_is_documented_but_does_not_show_unless_told():
    """On real units the write is answered and nothing is seen; the switch makes it as documented."""
    words = struct.unpack(">2H", struct.pack(">f", -1.25))
    host = display()
    show(host, b"A001")
    host.write(FLOAT, *words)
    assert host.slave.text == "A001"
    host = display(float_works=True)
    host.write(FLOAT, *words)
    assert host.slave.text == "-1.25"
    host.write(FLOAT, *struct.unpack(">2H", struct.pack(">f", 12345.0)))
    assert host.slave.text == "----"
    for bad in (float("inf"), float("nan")):
        assert host.refused(FLOAT, *struct.unpack(">2H", struct.pack(">f", bad))) == 0x03
    assert host.refused(FLOAT, 0, function=0x10) == 0x03, "half a float"


# -- settings, functions, addresses -----------------------------------------------------------------------------------
def test_unit_and_baud_take_effect_after_the_reply():
    """The reply goes out under the old ones; both are kept without supply."""
    host = display()
    table = host.slave.registers["unit"].table
    host.slave.write(0, table, 0x0002, (255,), 0x06, False)
    assert host.slave.unit == 1
    host.take(host.slave.after_reply(0))
    assert host.slave.unit == 255
    host.write(0x0003, 8)
    assert str(host.slave.settings) == "115200 8N1"
    host.human("unplug")
    host.human("plug_in")
    assert (host.slave.unit, str(host.slave.settings)) == (255, "115200 8N1")
    for start, value in ((0x0002, 0), (0x0002, 256), (0x0003, 0), (0x0003, 9)):
        assert host.refused(start, value) == 0x03


@pytest.mark.parametrize(
    ("start", "values", "function"),
    [
        (0x0000, (1,), 0x10),
        (0x0004, (1,), 0x10),
        (0x0070, (0x4141,), 0x06),
        (0x0080, (0x3F3F,), 0x06),
        (0x0090, (0,), 0x06),
        (0x0071, (0x4141,), 0x10),
        (0x0001, (1,), 0x06),
        (0x0005, (1,), 0x06),
        (0x006F, (1, 1), 0x10),
        (0x0092, (1,), 0x10),
        (0x001D, (1,), 0x06),
    ],
)
def test_only_documented_functions_and_addresses_are_served(start, values, function):
    """Anything else is exception 02, and shows nothing."""
    host = display(keys=True)
    assert host.refused(start, *values, function=function) == 0x02
    assert host.slave.text == ""


def test_only_the_key_count_can_be_read():
    """The map has one row for FC 0x03; models without keys have none."""
    host = display(keys=True)
    for start in (0x0000, 0x0070, 0x0004):
        with pytest.raises(ModbusException) as refusal:
            host.holding(start)
        assert refusal.value.code == 0x02
    assert host.holding(0x001D) == (0,)
    with pytest.raises(ModbusException):
        display().holding(0x001D)
    assert host.slave.functions == {0x03, 0x06, 0x10}


def test_keys_count_as_in_the_vendors_production_test():
    """Three INC make 3, two DEC make 1, CLR makes 0; a model without keys has none to press."""
    host = display(keys=True)
    for _ in range(3):
        host.human("press", "inc")
    assert host.holding(0x001D) == (3,)
    for _ in range(2):
        host.human("press", "dec")
    assert host.holding(0x001D) == (1,)
    host.human("press", "clr")
    assert host.holding(0x001D) == (0,)
    for lacking, key in ((display(), "inc"), (host, "up")):
        with pytest.raises(ValueError, match="no key"):
            lacking.human("press", key)


def test_without_supply_it_is_dark():
    """Unplugged: dark and silent, the point of numbers forgotten; plugged in: dark until written to."""
    host = display()
    number(host, 12, 1)
    effects = host.human("unplug")
    assert Stop() in effects
    assert (host.slave.text, host.slave.segments) == ("", [0] * 4)
    assert host.slave.silent_until > 10**18
    host.wait(MS)
    host.human("plug_in")
    assert host.slave.silent_until == host.now + 500 * MS
    host.wait(500 * MS)
    host.write(0x0000, 12)
    assert [fact["text"] for fact in host.facts("shown")] == ["1.2", "", "12"]
    assert host.facts("power") == [{"on": False}, {"on": True}]
    assert host.human("plug_in") == []


def test_a_broadcast_is_shown_by_all():
    """Broadcast writes are executed; a bad one is silence without effect."""
    host = display()
    host.write(TEXT, 0x4130, 0x3031, broadcast=True)
    assert host.slave.text == "A001"
    assert host.write(TEXT, 0x0101, function=0x10, broadcast=True) == []
    assert host.slave.text == "A001"


@pytest.mark.parametrize("digits", [2, 7])
def test_the_family_has_3_to_6_digits(digits: int):
    """Other sizes do not exist."""
    with pytest.raises(ValueError, match="3 to 6 digits"):
        display(digits=digits)
