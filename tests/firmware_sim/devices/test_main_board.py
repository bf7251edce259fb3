"""The EmbeddedArt text board: rows of text, settings that are saved or not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.burst import LineSettings
from firmware_sim.device import Stop
from firmware_sim.devices.main_board import MainBoard
from firmware_sim.modbus_slave import ModbusException
from protocol.modbus.maps import words_of
from slave_host import SECOND, Host


def board(**kwargs) -> Host:
    host = Host(MainBoard("board-1", **kwargs))
    host.slave.unit = 3
    return host


def show(host: Host, row: int, text: bytes) -> None:
    host.write(row * 1000, *words_of(text), function=0x10)


def test_each_line_has_its_own_registers():
    """Line 1 from register 1000, line 2 from 2000, two characters in each, the first in the high byte."""
    host = board()
    host.write(1000, 0x4130, 0x3031)
    host.write(2000, 0x4233, function=0x10)
    assert host.slave.texts == ("A001", "B3")
    assert host.facts("shown") == [{"text": "A001", "row": 1}, {"text": "B3", "row": 2}]


def test_a_row_is_noted_only_when_its_visible_text_changes():
    """Blanks around, a NUL and what follows it are not seen."""
    host = board()
    show(host, 1, b"A001 > 3")
    show(host, 1, b"A001 > 3        ")
    show(host, 1, b"A001 > 3\0\0XX")
    show(host, 1, b"A002 > 1")
    show(host, 1, b"\0\0")
    assert [fact["text"] for fact in host.facts("shown")] == ["A001 > 3", "A002 > 1", ""]


@given(
    writes=st.lists(
        st.tuples(st.integers(1, 4), st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=128))
    )
)
def test_each_row_shows_the_last_text_written_to_it(writes: list[tuple[int, str]]):
    """A text replaces its row whole, and no other row."""
    host = board(rows=4)
    expected = [""] * 4
    for row, text in writes:
        if text:
            show(host, row, text.encode())
            expected[row - 1] = text.strip()
    assert list(host.slave.texts) == expected


@pytest.mark.parametrize("char", [0x01, 0x1F, 0x7F, 0xC3])
def test_characters_that_are_no_text_are_refused(char: int):
    """Exception 03 without effect."""
    host = board()
    show(host, 1, b"A001")
    assert host.refused(1000, 0x4242, 0x4200 | char, function=0x10) == 0x03
    assert host.slave.texts[0] == "A001"


def test_rows_beyond_the_vendors_two_are_an_extension_of_the_same_scheme():
    """Row n at n x 1000, told by `extended`; rows the board lacks do not exist."""
    assert not board().slave.extended
    host = board(rows=5)
    assert host.slave.extended
    show(host, 5, b"E005")
    assert host.slave.texts[4] == "E005"
    assert host.refused(6000, 0x4141, function=0x10) == 0x02
    assert board(rows=1).refused(2000, 0x4141, function=0x10) == 0x02
    for rows in (0, 10):
        with pytest.raises(ValueError, match="1 to 9 rows"):
            board(rows=rows)


@pytest.mark.parametrize(
    ("start", "values", "function", "code"),
    [
        (1000, (0x4141,), 0x06, 0x02),
        (1001, (0x4141,), 0x10, 0x02),
        (1064, (0x4141,), 0x10, 0x02),
        (1063, (0x4141, 0x4141), 0x10, 0x02),
        (36, (5,), 0x10, 0x02),
        (28, (1,), 0x06, 0x02),
        (34, (0,), 0x06, 0x02),
        (45, (0,), 0x06, 0x02),
        (32, (2,), 0x06, 0x02),
        (43, (0,), 0x06, 0x02),
        (29, (0,), 0x06, 0x03),
        (29, (10,), 0x06, 0x03),
        (30, (1,), 0x06, 0x03),
        (31, (2,), 0x06, 0x03),
        (35, (2,), 0x06, 0x03),
        (38, (6,), 0x06, 0x03),
        (38, (10,), 0x06, 0x03),
        (39, (3,), 0x06, 0x03),
        (40, (0,), 0x06, 0x03),
        (41, (0,), 0x06, 0x03),
        (41, (248,), 0x06, 0x03),
        (42, (0,), 0x06, 0x03),
        (44, (1,), 0x06, 0x03),
    ],
)
def test_what_the_vendor_does_not_describe_is_refused(start, values, function, code):
    """Other functions and addresses are exception 02, other values 03; nothing changes."""
    host = board()
    before = [host.holding(address) for address in (*range(29, 34), *range(35, 45))]
    assert host.refused(start, *values, function=function) == code
    assert [host.holding(address) for address in (*range(29, 34), *range(35, 45))] == before
    assert host.slave.texts == ("", "")


def test_settings_read_as_a_new_card_has_them():
    """29..33 and 35..44: Modbus, 9600 8N1, its unit, switch not pressed; text cannot be read."""
    host = board()
    assert host.holding(29, 5) == (4, 0, 1, 1, 0)
    assert host.holding(35, 10) == (1, 0, 5, 8, 0, 1, 3, 0, 1, 0)
    with pytest.raises(ModbusException) as refusal:
        host.holding(1000)
    assert refusal.value.code == 0x02


def test_the_font_decides_how_many_lines_are_lit():
    """0 is the single line, 1 the dual line: row 2 goes dark and comes back."""
    host = board()
    show(host, 1, b"ONE")
    show(host, 2, b"TWO")
    host.write(35, 0)
    assert host.slave.texts == ("ONE", "")
    host.write(35, 1)
    assert host.slave.texts == ("ONE", "TWO")
    assert [fact["row"] for fact in host.facts("shown")] == [1, 2, 2, 2]


@pytest.mark.parametrize("save", [False, True])
def test_settings_of_the_line_need_saving_and_a_restart(save: bool):
    """37..40 take effect at the next start if 42 saved them; without it they are forgotten."""
    host = board()
    for address, value in ((37, 12), (39, 2), (40, 1), (36, 9)):
        host.write(address, value)
    if save:
        host.write(42, 1)
    assert host.slave.settings is None
    show(host, 1, b"OLD")
    host.write(33, 1)
    assert host.slave.silent_until == host.now + 2 * SECOND
    host.wait(2 * SECOND)
    assert (str(host.slave.settings) if host.slave.settings else "") == ("115200 8E1" if save else "")
    assert host.holding(36, 2) == ((9, 12) if save else (0, 5))
    assert host.slave.texts == ("", ""), "text does not outlast a restart"
    assert host.facts("shown")[-1] == {"text": "", "row": 1}


@pytest.mark.parametrize(
    ("values", "settings"),
    [
        ({37: 5, 38: 9, 39: 1}, "9600 8O1"),
        ({37: 7, 38: 9, 39: 0}, "19200 8S1"),
        ({37: 99, 38: 7, 39: 2, 40: 2}, "9600 7E2"),
    ],
)
def test_what_the_codes_mean(values, settings):
    """Nine data bits count the parity bit; a baud code that is none means 9600."""
    host = board()
    for address, value in {**values, 42: 1, 33: 1}.items():
        host.write(address, value)
    assert str(host.slave.settings) == settings


def test_settings_it_was_made_with_are_what_it_says():
    """A board on a faster line reads as one, and keeps it over a restart."""
    host = board(settings=LineSettings(19200, 8, "E", 1))
    assert host.holding(37, 4) == (7, 8, 2, 1)
    host.human("unplug")
    host.human("plug_in")
    assert str(host.slave.settings) == "19200 8E1"


def test_the_unit_changes_after_the_reply_and_is_saved_at_once():
    """41 needs no save; a restart keeps it."""
    host = board()
    host.slave.write(0, host.slave.registers["unit"].table, 41, (9,), 0x06, False)
    assert host.slave.unit == 3
    host.take(host.slave.after_reply(0))
    assert host.slave.unit == 9
    host.human("unplug")
    host.human("plug_in")
    assert (host.slave.unit, host.holding(41)) == (9, (9,))


def test_another_protocol_makes_it_deaf_until_the_reset_switch():
    """31 = 0 is the vendor's own protocol: no Modbus after the reply, nor after power-up; the switch restores it."""
    host = board()
    host.write(31, 0)
    assert host.slave.silent_until > 10**18
    host.human("unplug")
    host.human("plug_in")
    assert host.slave.silent_until > 10**18
    host.human("reset_switch")
    assert host.slave.silent_until == host.now + 2 * SECOND
    assert (host.slave.unit, host.holding(31)) == (1, (1,))


def test_without_supply_it_is_dark():
    """Unplugged: dark and silent; the switch does nothing then."""
    host = board()
    show(host, 2, b"TWO")
    effects = host.human("unplug")
    assert Stop() in effects
    assert host.slave.texts == ("", "")
    assert host.facts("shown")[-1] == {"text": "", "row": 2}
    assert host.human("reset_switch") == []
    assert host.human("unplug") == []
    host.human("plug_in")
    assert host.human("plug_in") == []
    assert host.facts("power") == [{"on": False}, {"on": True}]


def test_a_broadcast_is_shown():
    """Broadcast writes are executed; a bad one is silence without effect."""
    host = board()
    host.write(1000, 0x4141, function=0x10, broadcast=True)
    assert host.write(1000, 0x0101, function=0x10, broadcast=True) == []
    assert host.slave.texts[0] == "AA"
