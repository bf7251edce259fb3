"""Boards and displays in a scenario: which there are, and what may share a line."""

from __future__ import annotations

import pytest

BOARD = '{ kind = "main_board", unit = 31 },'


def must_tell_only(problems, *words: str) -> None:
    """There is one problem, and it says all of this."""
    assert len(problems) == 1, [str(problem) for problem in problems]
    for word in words:
        assert word in problems[0].message + problems[0].hint, str(problems[0])


@pytest.mark.parametrize(
    ("protocol", "digits"),
    [("led485", 3), ("led485", 7), ("dm36", 5), ("dm36", 8), ("ascii", 8), ("led485", 2)],
)
def test_displays_that_there_are_not(small, problems_of, protocol: str, digits: int) -> None:
    """Each protocol has its models; the mistake is at the digits."""
    text = small.replace(
        "unit = 21, counter = 1", f'unit = 21, counter = 1, protocol = "{protocol}", digits = {digits}'
    )
    found = problems_of(text)
    told = [problem for problem in found if "display has" in problem.message]
    assert bool(told) is not (protocol == "led485" and digits == 3)


def test_protocols_that_there_are_not(small, problems_of) -> None:
    """A protocol nobody knows is told with those that there are."""
    text = small.replace("unit = 21, counter = 1", 'unit = 21, counter = 1, protocol = "dm63"')
    must_tell_only(problems_of(text), "dm63")


def test_a_line_speaks_one_language(small, problems_of) -> None:
    """Alpha boards and ASCII displays share no line with Modbus devices."""
    board = '{ kind = "alpha_board", address = 5 },'
    found = problems_of(small.replace(BOARD, board))
    assert any("speaks Alpha" in problem.message for problem in found)
    found = problems_of(small.replace("unit = 21, counter = 1", 'unit = 21, counter = 1, protocol = "ascii"'))
    assert any("speaks ASCII" in problem.message or "speaks Modbus" in problem.message for problem in found)


ALPHA_LINE = """
[[line]]
name = "signs"
owner = "house"
settings = "9600 7E1"
devices = [
  { kind = "alpha_board", address = 1 },
  { kind = "alpha_board", address = 2, rows = 4, characters = 20, profile = "betabrite" },
]
"""


def test_alpha_boards_have_names_and_seven_bits(small, load_text) -> None:
    """A line of their own, at 7E1, on which Modbus would be refused; named by their order; the address is the unit."""
    scenario = load_text(small.replace(BOARD, "") + ALPHA_LINE)
    boards = [device for _, device in scenario.placed if device.kind == "alpha_board"]
    assert [(board.name, board.unit, board.rows) for board in boards] == [("sign-1", 1, 2), ("sign-2", 2, 4)]


def test_an_address_is_taken_once(small, problems_of) -> None:
    """Two boards at one address on one line; addresses are 1 to 255."""
    must_tell_only(problems_of(small + ALPHA_LINE.replace("address = 2", "address = 1")), "address 1 is already taken")
    must_tell_only(problems_of(small + ALPHA_LINE.replace("address = 2", "address = 256")), "256", "1..255")


def test_an_alpha_board_is_a_board(small, load_text) -> None:
    """Counters need no displays when a board of either kind hangs in the hall."""
    without = small.replace('  { kind = "counter_display", unit = 21, counter = 1 },\n', "").replace(
        '  { kind = "counter_display", unit = 22, counter = 2 },\n', ""
    )
    assert load_text(without.replace(BOARD, "") + ALPHA_LINE)


def test_the_default_protocol_is_not_part_of_the_hash(small, load_text) -> None:
    """A scenario that names none has the hash it always had; one that names another has another."""
    plain = load_text(small)
    named = load_text(small.replace("unit = 21, counter = 1", 'unit = 21, counter = 1, protocol = "led485"'))
    other = load_text(small.replace("unit = 21, counter = 1", 'unit = 21, counter = 1, protocol = "dm36"'))
    assert plain.sha256 == named.sha256 != other.sha256
