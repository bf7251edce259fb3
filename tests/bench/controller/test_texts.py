"""Texts for displays and boards: what goes on the wire, and how it is kept up."""

from __future__ import annotations

import pytest

from bench.controller.texts import BLINK, REFRESH, TextConversation
from protocol.modbus.requests import write_registers


def tell(*_):
    raise AssertionError("nothing is to be told")


def frames(unit, now=0):
    """The requests that a unit makes when it may, up to its poll."""
    out = []
    while unit.pending:
        ask = unit.turn(now)
        out.append(ask.request)
        unit.answer(now, ask, ())
    return out


def test_a_display_gets_two_characters_in_each_register():
    """LED-485: text at 0x0070, first character in the high byte, filled with spaces (protocols.md 1.4 [C])."""
    display = TextConversation.display("d", 5, 4, tell)
    display.show(0, "A01")
    assert frames(display) == [write_registers(5, 0x70, (0x4130, 0x3120))]


def test_an_odd_display_gets_no_character_too_many():
    """Five digits are three registers; the last character of the third is NUL, which is dark."""
    display = TextConversation.display("d", 5, 5, tell)
    display.show(0, "A1000")
    assert frames(display) == [write_registers(5, 0x70, (0x4131, 0x3030, 0x3000))]


def test_rows_of_a_board_are_written_where_they_are():
    """EmbeddedArt: row n at n x 1000 (protocols.md 1.4 [S]); sixteen characters each."""
    board = TextConversation.board("b", 7, 2, tell)
    board.show(0, "A001 -> 3", 0)
    board.show(0, "B002 -> 1", 1)
    one, two = frames(board)
    assert one[2:6] == (1000).to_bytes(2, "big") + b"\x00\x08"
    assert two[2:6] == (2000).to_bytes(2, "big") + b"\x00\x08"
    assert one[7:-2] == b"A001 -> 3       "


def test_a_newer_text_replaces_one_that_was_not_sent():
    """Only the latest wish of a row is sent."""
    display = TextConversation.display("d", 5, 4, tell)
    display.show(0, "A001")
    display.show(0, "A002")
    assert [frame[7:-2] for frame in frames(display)] == [b"A002"]


def test_the_same_text_again_is_not_sent_again():
    """A board whose second row did not change is written one row."""
    display = TextConversation.display("d", 5, 4, tell)
    display.show(0, "A001")
    frames(display)
    display.show(1, "A001")
    assert not display.pending


def test_a_text_that_changed_while_it_was_on_the_way_is_sent_again():
    """The answer to an old wish does not settle a newer one."""
    display = TextConversation.display("d", 5, 4, tell)
    display.show(0, "A001")
    ask = display.turn(0)
    display.show(0, "A002")
    display.answer(0, ask, ())
    assert [frame[7:-2] for frame in frames(display)] == [b"A002"]


def test_refreshing_goes_round_the_rows():
    """Each row is written again once in the refresh period, also while nothing changes."""
    board = TextConversation.board("b", 7, 3, tell)
    for row, text in enumerate(("x", "y", "z")):
        board.show(0, text, row)
    frames(board)
    assert board.period == REFRESH // 3
    shown = []
    for _ in range(6):
        ask = board.turn(0)
        shown.append(ask.request[7:8])
        board.answer(0, ask, ())
    assert shown == [b"x", b"y", b"z"] * 2


def test_blinking_darkens_now_and_shows_soon():
    """A recalled number goes dark at once and is due again after the blink."""
    display = TextConversation.display("d", 5, 4, tell)
    display.show(0, "A001")
    frames(display)
    display.show(1000, "A001", blink=True)
    assert [frame[7:-2] for frame in frames(display)] == [b"    "]
    assert display.due == 1000 + BLINK
    assert display.turn(display.due).request[7:-2] == b"A001"


def test_a_unit_that_comes_back_is_told_all_again():
    """After a power loss every row is wished again; a passing blink is not."""
    board = TextConversation.board("b", 7, 2, tell)
    board.show(0, "x", 0)
    board.show(0, "y", 1)
    board.show(0, "y", 1, blink=True)
    frames(board)
    board.back(0)
    assert [frame[7:8] for frame in frames(board)] == [b"x", b"y"]


@pytest.mark.parametrize("text", ["Ấ001", "A\t01"])
def test_what_a_display_cannot_show_is_replaced(text):
    """Only characters 0x20..0x7E go to a display: others would be refused, and nothing shown at all."""
    display = TextConversation.display("d", 5, 4, tell)
    display.show(0, text)
    (frame,) = frames(display)
    assert all(0x20 <= char <= 0x7E for char in frame[7:-2])
