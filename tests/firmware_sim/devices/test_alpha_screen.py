"""What a board shows at an instant: modes, pages, colours, lines; always whole pictures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.devices import dot_font
from firmware_sim.devices.alpha_compose import Contents, Page, mode_name, pages
from firmware_sim.devices.alpha_screen import COME, FLASH, HOLD, TRAVEL, Screen
from protocol.alpha.codes import MODES, SPECIAL_MODES

NS = 1_000_000_000
NOTHING = Contents(lambda _label: b"", lambda _label: (), lambda _code, _form: "12:00")


def one(text: bytes, *, rows: int = 1, width: int = 96, mode: bytes = b"b", position: bytes = b"0") -> list[Page]:
    return pages(b"\x1b" + position + mode + text, NOTHING, rows, width)


def texts(found: list[Page]) -> list[list[str]]:
    return [[line.text for line in page.lines] for page in found]


def lit(dots: tuple[bytes, ...]) -> int:
    return sum(1 for row in dots for dot in row if dot)


# -- setting ----------------------------------------------------------------------------------------------------------
def test_lines_and_pages() -> None:
    """0D begins a line, 0C a page; what does not fit goes on, on a further page; few lines stand in the middle."""
    assert texts(one(b"A\rB\x0cC", rows=2)) == [["A", "B"], ["C", ""]]
    assert texts(one(b"A\rB\rC", rows=2)) == [["A", "B"], ["C", ""]]
    assert texts(one(b"A", rows=3)) == [["", "A", ""]]


def test_a_long_line_is_broken_at_a_space() -> None:
    """Words stay whole where they can; a word that is longer than the display is broken."""
    assert texts(one(b"NUMBER A001 COUNTER 3", rows=2, width=72)) == [["NUMBER A001", "COUNTER 3"]]
    assert texts(one(b"ABCDEFGHIJ", rows=2, width=31)) == [["ABCDE", "FGHIJ"]]


@pytest.mark.parametrize(("position", "first", "rows"), [(b" ", 0, 4), (b'"', 0, 3), (b"&", 3, 1), (b"0", 0, 4)])
def test_positions_are_regions(position: bytes, first: int, rows: int) -> None:
    """Middle and fill take all rows, top all but the last, bottom the last (Table 12)."""
    (page,) = one(b"A", rows=4, position=position)
    assert (page.first, len(page.lines)) == (first, rows)


def test_colours() -> None:
    """1C and a code: the dots have it; the default is red."""
    (page,) = one(b"A\x1c2B\x1c3C")
    colours = [{dot for dot in column.dots if dot} for column in page.lines[0].columns]
    assert [colour for colour in colours if colour] == sorted((c for c in colours if c), key=min)
    assert set().union(*colours) == {1, 2, 3}


def test_a_string_leaves_its_colour() -> None:
    """Formatting that a STRING file set goes on after its call [C, measured]."""
    contents = Contents(lambda _label: b"\x1c2X", lambda _label: (), lambda _code, _form: "")
    (page,) = pages(b"\x1b0bA\x10aB", contents, 1, 96)
    assert page.lines[0].text == "AXB"
    assert max(page.lines[0].columns[-2].dots) == 2


def test_wide_bold_low_and_fixed_letters() -> None:
    """Wide letters have twice the columns, fixed ones all the same, low ones five rows."""
    plain, wide = dot_font.columns("A"), dot_font.columns("A", dot_font.Style(wide=True))
    assert len(wide) == 2 * len(plain)
    narrow = dot_font.columns("i", dot_font.Style(fixed=True))
    assert len(narrow) == len(dot_font.columns("W", dot_font.Style(fixed=True))) == 6
    assert len(dot_font.columns("i")) < 6
    assert all(col & 0b11 == 0 for col in dot_font.columns("A", dot_font.Style(low=True)))
    assert sum(map(int.bit_count, dot_font.columns("A", dot_font.Style(bold=True)))) > sum(map(int.bit_count, plain))


def test_every_character_has_a_letter_of_its_own() -> None:
    """What is lit tells the character: no two of ASCII are drawn alike but the space and what is left of it."""
    drawn = [dot_font.columns(chr(code), dot_font.Style(fixed=True)) for code in range(0x21, 0x7F)]
    assert len(set(drawn)) == len(drawn)
    assert dot_font.columns("\u4e00") == dot_font.columns("?")
    assert dot_font.columns("é") == dot_font.columns("e")


# -- modes in time ----------------------------------------------------------------------------------------------------
def test_a_held_page_is_there_at_once() -> None:
    """Hold: in the middle of the row, from its first instant on, unchanged."""
    screen = Screen(1, 96)
    screen.show(0, one(b"A001")[0], endless=True)
    assert screen.read(0) == ("A001",)
    assert screen.at(0).dots == screen.at(1000 * NS).dots
    assert screen.changes(0) is None
    columns = [x for x in range(96) if any(row[x] for row in screen.at(0).dots)]
    assert abs((columns[0] + columns[-1]) / 2 - 47.5) <= 1


@pytest.mark.parametrize("mode", [m for m in MODES if MODES[m] not in ("rotate", "compressed rotate", "special")])
def test_every_mode_ends_with_the_same_picture(mode: int) -> None:
    """However a page comes, once it is there it is the page; it was not there whole before."""
    held, moved = Screen(1, 96), Screen(1, 96)
    page = one(b"A001")[0]
    held.show(0, page, endless=True)
    moved.show(0, one(b"A001", mode=bytes([mode]))[0], endless=True)
    end = COME[page.speed]
    assert moved.at(end).dots == held.at(0).dots
    assert moved.read(end) == ("A001",)
    half = moved.at(end // 2)
    if half.dots != held.at(0).dots:
        assert half.texts == ("",)
        assert lit(half.dots) <= lit(held.at(0).dots)


def test_rolling_up_shows_the_upper_rows_at_the_bottom() -> None:
    """Half way, the upper half of the new text is in the lower half of the display."""
    screen, whole = Screen(1, 96), Screen(1, 96)
    whole.show(0, one(b"A")[0])
    screen.show(0, one(b"A", mode=b"e")[0])
    n = 3
    when = COME[4] * n // 7 + 1
    assert screen.at(when).dots[7 - n :] == whole.at(0).dots[:n]
    assert not lit(screen.at(when).dots[: 7 - n])


def test_wiping_left_and_right() -> None:
    """The new text appears from the right edge on, or from the left one; nothing moves."""
    whole = Screen(1, 96)
    whole.show(0, one(b"MMMMMMMMMMMMMMMM")[0])
    for mode, part in ((b"k", slice(48, 96)), (b"l", slice(0, 48))):
        screen = Screen(1, 96)
        screen.show(0, one(b"MMMMMMMMMMMMMMMM", mode=mode)[0])
        half = screen.at(COME[4] // 2).dots
        assert [row[part] for row in half] == [row[part] for row in whole.at(0).dots]
        assert lit(half) == lit(tuple(row[part] for row in whole.at(0).dots))


def test_flashing() -> None:
    """A flashing page is dark every other half second; flashing characters are, the others not."""
    screen = Screen(1, 96)
    screen.show(0, one(b"A", mode=b"c")[0], endless=True)
    assert lit(screen.at(0).dots) > 0
    assert lit(screen.at(FLASH).dots) == 0
    assert screen.at(FLASH).texts == ("A",)
    screen.show(10 * NS, one(b"A\x071B\x070C")[0], endless=True)
    assert 0 < lit(screen.at(10 * NS + FLASH).dots) < lit(screen.at(10 * NS).dots)


def test_a_travelling_text_passes_from_right_to_left() -> None:
    """Rotate: it enters at the right, is read when it has entered whole, and leaves at the left."""
    screen = Screen(1, 60)
    page = one(b"A LONG TEXT THAT IS WIDER THAN THE DISPLAY", width=60, mode=b"a")[0]
    screen.show(0, page)
    size = len(page.lines[0].columns)
    assert lit(screen.at(0).dots) == 0
    assert screen.read(size * NS // TRAVEL[4] - 1) == ("",)
    entered = screen.changes(0)
    assert entered == -(-size * NS // TRAVEL[4])
    assert screen.read(entered) == (page.lines[0].text,)
    over = screen.changes(entered)
    assert over is not None
    assert screen.over(over)
    assert lit(screen.at(over).dots) == 0
    at = -(-10 * NS // TRAVEL[4])
    assert [row[-10:] for row in screen.at(at).dots] == [
        bytes(column.dots[y] for column in page.lines[0].columns[:10]) for y in range(7)
    ]


def test_scrolling_pushes_lines_up() -> None:
    """A new line comes at the bottom, what stood there goes up (Table 65: "if 2-line sign")."""
    screen = Screen(2, 96)
    first, second = one(b"ONE\rTWO", rows=2, mode=b"m")
    screen.show(0, first)
    screen.show(5 * NS, second)
    assert screen.read(5 * NS) == ("", "ONE")
    assert screen.read(6 * NS) == ("ONE", "TWO")


def test_speeds() -> None:
    """Speed 1 stands longest, 5 shortest; no hold does not stand at all (Appendix G: 15 to 19, 09)."""
    assert list(HOLD[1:]) == sorted(HOLD[1:], reverse=True)
    for code, speed in ((b"\x15", 1), (b"\x17", 3), (b"\x19", 5), (b"\x09", 0), (b"\x0f2", 2)):
        assert one(code + b"A")[0].speed == speed


def test_special_modes() -> None:
    """Known ones have their name; an unknown specifier is interlock [C, measured]."""
    assert {mode_name(ord("n"), code) for code in SPECIAL_MODES} == set(SPECIAL_MODES.values())
    assert mode_name(ord("n"), ord("Q")) == "interlock"
    assert mode_name(0x7A, 0) == "hold"


@given(st.binary(max_size=120), st.integers(1, 4), st.integers(6, 130), st.lists(st.integers(0, 20 * NS), max_size=5))
def test_every_text_gives_whole_pictures(data: bytes, rows: int, width: int, instants: list[int]) -> None:
    """Any bytes, at any instant: a picture of the right size with known colours, and a text for each row."""
    contents = Contents(lambda label: data[:9], lambda label: (b"012", b"345"), lambda _code, _form: "1:23")
    found = pages(data, contents, rows, width)
    assert found
    screen = Screen(rows, width)
    for page in found[:6]:
        screen.show(0, page)
        for now in sorted(instants):
            shown = screen.at(now)
            assert len(shown.dots) == 8 * rows - 1
            assert all(len(row) == width and max(row) <= 8 for row in shown.dots)
            assert len(shown.texts) == rows
            following = screen.changes(now)
            assert following is None or screen.over(following) or following > now


def test_calls_cannot_blow_up_a_text() -> None:
    """A file full of calls of a long STRING, of letters or of codes alone, is set up to a limit."""
    for called in (b"X" * 125, b"\x15" * 125):
        contents = Contents(lambda _label, called=called: called, lambda _label: (), lambda _code, _form: "")
        found = pages(b"\x1b0b" + b"\x10a" * 15_000, contents, 2, 96)
        assert sum(len(line.columns) for page in found for line in page.lines) < 17_000
