"""Pictures of boards and displays: they show what the bytes said, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.reports.pictures import board, board_text
from bench.reports.pictures.panel import Matrix, Segments, from_text, from_texts, panel_of
from firmware_sim.devices.alpha_board import AlphaBoard
from firmware_sim.devices.counter_display import CounterDisplay
from firmware_sim.devices.dm36_display import BLINK, DM36Display
from firmware_sim.devices.main_board import MainBoard
from firmware_sim.devices.segments import Digit, lit
from protocol.alpha import write
from protocol.alpha.packet import packet
from protocol.modbus.maps.led485 import SHAPES

DIGITS = st.lists(st.builds(Digit, st.integers(0, 127), st.booleans()), min_size=1, max_size=8).map(tuple)
CASE = 8
"""Pixels of the case around the face."""


def dot(picture, x: int, y: int) -> tuple[int, int, int]:
    """The colour in the middle of a dot."""
    half = board.DOT // 2
    return picture.getpixel((CASE + x * board.DOT + half, CASE + y * board.DOT + half))


def test_digits_as_text_for_a_terminal() -> None:
    """Segments as lines, points behind their digits."""
    assert board_text.render(from_text("12.8", 4), frame=False).splitlines() == [
        "     _   _",
        "  |  _| |_|",
        "  | |_ .|_|",
    ]


def test_every_shape_is_another_text() -> None:
    """What is lit can be read from the text again: no two characters look alike."""
    drawn = {char: board_text.render(Segments((Digit(mask),))) for char, mask in SHAPES.items()}
    assert len(set(drawn.values())) == len(SHAPES)


def test_dots_as_text_for_a_terminal() -> None:
    """Two rows of dots in a line, as half blocks; a frame as wide as the board."""
    matrix = Matrix((b"\1\0\1", b"\0\2\1", b"\1\1\0"))
    assert board_text.render(matrix, frame=False).splitlines() == ["▀▄█", "▀▀"]
    assert board_text.render(matrix).splitlines() == ["┌───┐", "│▀▄█│", "│▀▀ │", "└───┘"]


def test_colours_of_a_terminal() -> None:
    """Each colour has its escape sequence; two in one cell are foreground and background; no other sequences."""
    text = board_text.render(Matrix((b"\1\2\7\0", b"\1\3\0\0")), colour=True, frame=False)
    assert text == "\x1b[91m█\x1b[0m\x1b[92;103m▀\x1b[0m\x1b[38;5;208m▀\x1b[0m "


@given(DIGITS)
@settings(max_examples=25, deadline=None)
def test_a_lit_segment_is_brighter_than_a_dark_one(digits: tuple[Digit, ...]) -> None:
    """In the middle of each segment: lit red when its bit is set, dark otherwise."""
    picture = board.draw(Segments(digits))
    for place, digit in enumerate(digits):
        for bit, shape in enumerate(board._SHAPES):
            x = sum(point[0] for point in shape) / len(shape)
            y = sum(point[1] for point in shape) / len(shape)
            left = board._MARGIN + place * (board._DIGIT_WIDTH + 20)
            px = left + x + (board._DIGIT_HEIGHT - y) * board._SLANT
            red = picture.getpixel((round(CASE + px), round(CASE + board._MARGIN + y)))[0]
            assert (red > 180) is bool(digit.mask >> bit & 1), f"digit {place}, segment {bit}: red {red}"


def test_dots_have_the_colours_that_were_sent() -> None:
    """Each of the eight colours, and dark, as its own."""
    picture = board.draw(Matrix((bytes(range(9)), bytes(9))))
    for x, colour in enumerate(board.COLOURS):
        seen = dot(picture, x, 0)
        assert max(abs(a - b) for a, b in zip(seen, colour, strict=True)) < 120
        assert (max(seen) > 100) is (x > 0)
    assert max(dot(picture, 1, 1)) < 100


@given(st.lists(st.binary(min_size=4, max_size=4), min_size=1, max_size=6))
@settings(max_examples=20, deadline=None)
def test_any_matrix_is_a_picture(rows: list[bytes]) -> None:
    """Also of colours that there are not; the same matrix gives the same picture."""
    first, second = board.draw(Matrix(tuple(rows))), board.draw(Matrix(tuple(rows)))
    assert first.tobytes() == second.tobytes()
    assert first.size == (4 * board.DOT + 2 * CASE, len(rows) * board.DOT + 2 * CASE)
    board_text.render(Matrix(tuple(bytes(min(dot, 8) for dot in row) for row in rows)), colour=True)


def test_a_board_that_shows_nothing() -> None:
    """No rows, no digits: still a picture, and a text."""
    assert board.draw(Matrix(())).size[0] > 0
    assert board.draw(Segments(())).size[0] > 0
    assert board_text.render(Matrix(()), frame=False) == ""


def test_each_device_is_a_panel() -> None:
    """Counter displays by their segments, the text board by its texts, an Alpha board by its dots at the instant."""
    plain = CounterDisplay("display", digits=4)
    plain.say("A001")
    assert panel_of(plain, 0) == Segments(tuple(lit("A001")))
    blinking = DM36Display("display", digits=4)
    blinking.lit = tuple(lit("A001"))
    blinking._values["blink"] = 0b1111
    assert panel_of(blinking, BLINK) == Segments((Digit(),) * 4)
    text_board = MainBoard("board", rows=2)
    text_board._values["font"] = 1
    text_board._written_text = ["A001 -> 3", ""]
    assert panel_of(text_board, 0) == from_texts(["A001 -> 3", ""])
    sign = AlphaBoard("sign", rows=1)
    list(sign.hear(0, packet(write.text("A", b"\x1c2A001")), 0, 0, None))
    list(sign.wake(10**9, "screen"))
    found = panel_of(sign, 10**9)
    assert isinstance(found, Matrix)
    assert set().union(*found.dots) == {0, 2}
    with pytest.raises(TypeError, match="nothing to draw"):
        panel_of("a chair", 0)


def test_texts_on_a_matrix_are_cut() -> None:
    """Seven rows for each text and a dark one between; what is too long ends at the edge."""
    found = from_texts(["X" * 40, "A"], columns=60)
    assert (len(found.dots), {len(row) for row in found.dots}) == (15, {60})
    assert not any(found.dots[7])
