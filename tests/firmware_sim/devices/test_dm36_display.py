"""A counter display with the DM36B06 / DM56A04 map."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.device import Note
from firmware_sim.devices.dm36_display import BLINK, DM36Display
from modbus_rig import Rig
from protocol.modbus.maps.dm36 import DM36, number_words
from slave_host import Host


def display(digits: int = 6) -> Host:
    slave = DM36Display("display", digits=digits)
    slave.unit = 1
    return Host(slave)


def test_the_published_frame_on_a_line() -> None:
    """protocols.md 1.4: "A001  " in one write of six registers is answered, and shown."""
    slave = DM36Display("display")
    rig = Rig((slave, 1))
    reply = rig.ask(bytes.fromhex("01 10 00 00 00 06 0C 00 41 00 30 00 30 00 31 00 20 00 20 42 3E"))
    assert reply[:6] == bytes.fromhex("01 10 00 00 00 06")
    assert slave.text == "A001"
    assert [note for _, note in rig.notes] == [Note("shown", {"text": "A001", "device": "display"})]


def test_digits_one_by_one() -> None:
    """Each register is one character, a point too, on a digit of its own; reading gives the codes back."""
    host = display()
    for place, char in enumerate("B12.3-"):
        host.write(place, ord(char))
    assert host.slave.text == "B12 .3-"
    assert host.holding(0, 6) == tuple(map(ord, "B12.3-"))


def test_the_small_model_has_four_digits() -> None:
    """DM56A04: the codes of digits 5 and 6 are taken and have no place."""
    host = display(4)
    host.write(0, *map(ord, "A00123"))
    assert host.slave.text == "A001"
    assert len(host.slave.lit) == 4


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(125, 1, "12.5"), (-7, 0, "-7"), (-5, 2, "-0.05"), (999999, 0, "999999"), (1 << 23, 0, "-" * 6), (0, 0, "0")],
)
def test_numbers(value: int, decimals: int, text: str) -> None:
    """Registers 6 and 7 in one write: sign, decimals, 24 bits, at the right; dashes when it does not fit."""
    host = display()
    host.write(6, *number_words(value, decimals))
    assert host.slave.text == text


def test_the_number_alone_is_unsigned() -> None:
    """Register 7 alone shows 0 to 65535, whatever the format was before."""
    host = display()
    host.write(6, *number_words(-5, 1))
    host.write(7, 0xFFFF)
    assert host.slave.text == "65535"


def test_the_format_alone_is_refused() -> None:
    """Register 6 "cannot be used alone" [R]; neither by FC 0x06 nor by FC 0x10 of one register."""
    host = display()
    assert host.refused(6, 0x0100) == 3
    assert host.refused(6, 0x0100, function=0x10) == 3
    assert host.refused(6, 0x2000, 5) == 3
    assert host.refused(6, 0x0600, 5) == 3
    assert host.slave.text == ""


def test_digits_replace_a_number() -> None:
    """A character written after a number: the number is gone."""
    host = display()
    host.write(7, 123)
    host.write(0, ord("A"))
    assert host.slave.text == "A"


def test_blinking() -> None:
    """The mask's bit 0 is the last digit [C]; a blinking digit is dark every other half second, and still read."""
    host = display(4)
    host.write(0, *map(ord, "A001"))
    host.write(8, 0b1001)
    assert [digit.mask != 0 for digit in host.slave.lit_at(0)] == [True] * 4
    assert [digit.mask != 0 for digit in host.slave.lit_at(BLINK)] == [False, True, True, False]
    assert host.slave.text == "A001"
    assert host.holding(8) == (0b1001,)


def test_unit_baud_and_parity_after_the_reply() -> None:
    """253, 254 and 255 [C]: from the next request on, kept without supply; 251 restores the factory's."""
    host = display()
    assert host.holding(253) == (1,)
    host.write(253, 9)
    host.write(254, 4)
    host.write(255, 1)
    assert (host.slave.unit, host.slave.settings.baud, host.slave.settings.parity) == (9, 19200, "E")
    host.human("unplug")
    host.human("plug_in")
    assert host.holding(253, 3) == (9, 4, 1)
    host.write(251, 0)
    assert (host.slave.unit, host.slave.settings.baud, host.slave.settings.parity) == (1, 9600, "N")


@pytest.mark.parametrize(("register", "value"), [(253, 0), (253, 248), (254, 8), (255, 3), (9, 0), (9, 9), (0, 0x80)])
def test_values_that_there_are_not(register: int, value: int) -> None:
    """Exception 03, and nothing changes."""
    host = display()
    assert host.refused(register, value) == 3


def test_registers_that_there_are_not() -> None:
    """Exception 02; the factory reset cannot be read."""
    host = display()
    assert host.refused(10, 1) == 2
    with pytest.raises(Exception, match="only be written"):
        host.holding(251)


def test_power() -> None:
    """Dark and silent without supply; dark after it until something is written; brightness is kept."""
    host = display()
    host.write(0, *map(ord, "A001"))
    host.write(9, 3)
    host.human("unplug")
    assert host.facts("shown")[-1] == {"text": ""}
    assert host.slave.silent_until > 1 << 60
    host.human("plug_in")
    assert host.slave.text == ""
    assert host.holding(9) == (3,)
    assert [fact["on"] for fact in host.facts("power")] == [False, True]


def test_models_that_there_are_not() -> None:
    """Six digits or four."""
    with pytest.raises(ValueError, match="6 or 4"):
        DM36Display("display", digits=5)


@given(st.lists(st.tuples(st.integers(0, 12), st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=10)), max_size=12))
def test_writes_are_taken_whole_or_not_at_all(writes: list[tuple[int, list[int]]]) -> None:
    """Any write is carried out or refused; a refused one leaves everything as it was."""
    host = display()
    for start, values in writes:
        before = (host.slave.lit, dict(host.slave._values), dict(host.slave._kept))
        if host.refused(start, *values, function=0x10):
            assert (host.slave.lit, dict(host.slave._values), dict(host.slave._kept)) == before
        assert len(host.slave.lit) == 6
        assert all(row.name in host.slave._values for row in DM36)
