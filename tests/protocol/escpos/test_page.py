"""Page mode: what stands where on a page, and what moves the paper (TM-T88III specification, 3.12)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.escpos import page as page_module
from protocol.escpos import write
from protocol.escpos.composer import Composer, compose, print_sheets
from protocol.escpos.page import Area, PageBuffer, fit_area
from protocol.escpos.paper import Advance, Barcode, Page, Run, Style
from protocol.escpos.profiles import TM_T88
from protocol.escpos.tokenizer import tokenize


def actions(data):
    return compose(tokenize(data))[0]


def warnings(data):
    return compose(tokenize(data))[1]


def panels(data):
    """The areas of the only page printed."""
    (advance,) = (a for a in actions(data) if isinstance(a, Advance) and a.row is not None)
    (found,) = advance.row.pieces
    assert isinstance(found, Page)
    return found.panels


def spots(data):
    return [(spot.x, spot.y, spot.piece) for panel in panels(data) for spot in panel.spots]


def test_nothing_moves_until_the_page_is_printed():
    """Lines, feeds and codes go into the page; FF prints them in one action as high as the area."""
    job = write.area(0, 0, 576, 300) + b"one\n\x1bJ\x20two\n"
    assert actions(b"\x1bL" + job) == []
    (advance,) = actions(b"\x1bL" + job + b"\x0c")
    assert (advance.dots, advance.row.height) == (300, 300)


def test_the_first_line_touches_the_upper_edge():
    """The base line of a normal character's line begins one character's height down; each LF moves it on."""
    assert [(x, y) for x, y, _ in spots(write.page(b"one\ntwo\n\x1bJ\x20three\n"))] == [(0, 0), (0, 30), (0, 92)]


def test_what_is_higher_stands_on_the_same_base_line():
    """A character of double height in the first line begins above the area: that part is not printed."""
    ((_, y, run),) = spots(write.page(b"\x1d!\x01A\n"))
    assert (y, run.height) == (-24, 48)


def test_a_full_line_goes_on_below():
    """The area's width is the line's; the 21st character of a 240 dot area begins the next line."""
    found = spots(write.page(write.area(0, 0, 240, 200), b"x" * 21))
    assert [(y, len(run.text)) for _, y, run in found] == [(0, 20), (30, 1)]


def test_turned_areas_measure_the_other_way():
    """Upwards and downwards the line is as long as the area is high."""
    for runs in ("up", "down"):
        found = spots(write.page(write.area(0, 0, 100, 240, runs), b"x" * 21))
        assert [len(run.text) for _, _, run in found] == [20, 1]


def test_positions():
    """ESC $ and ESC backslash across, GS $ and GS backslash down, from the area's beginning; outside is ignored."""
    job = b"\x1b$\x30\x00A" + b"\x1b\\\x0c\x00B" + b"\x1d$\x64\x00C" + b"\x1d\\\xf6\xffD" + b"\x1d$\xff\xffE"
    assert [(x, y) for x, y, _ in spots(write.page(write.area(0, 0, 576, 300), job))] == [
        *((48, 0), (72, 0), (84, 100), (96, 90)),
    ]


def test_codes_and_pictures_stand_on_the_base_line():
    """A barcode's foot is on the base line, its text under it, and the print position goes to its right edge."""
    job = b"\x1d$\x64\x00" + write.barcode("CODE39", "A", height=64, module=2, font="A") + b"x"
    (x, y, bars), (_, below, text), (right, _, run) = spots(write.page(job))
    assert isinstance(bars, Barcode)
    assert (x, y + bars.height) == (0, 124)
    assert (below, text.text) == (124, "*A*")
    assert (right, run.text) == (bars.width, "x")


def test_areas_add_up():
    """Each ESC W begins at its own beginning; the paper moves to the lowest edge of those that hold something."""
    job = write.page(
        write.area(0, 0, 576, 60) + b"head\n",
        write.area(0, 100, 100, 300, "up") + b"side",
        write.area(0, 500, 576, 500),
    )
    assert [(p.x, p.y, p.dx, p.dy, p.turn) for p in panels(job)] == [(0, 0, 576, 60, 0), (0, 100, 100, 300, 1)]
    assert actions(job)[0].dots == 400


def test_can_forgets_the_present_area_alone():
    """CAN takes back what is in the area, whatever its direction, and nothing else."""
    job = write.page(write.area(0, 0, 576, 60) + b"kept", write.area(0, 60, 576, 60) + b"gone\x18new")
    assert [run.text for _, _, run in spots(job)] == ["kept", "new"]


def test_esc_ff_keeps_the_page():
    """ESC FF prints and keeps, so the page can be printed twice; FF ends it."""
    first, second = (a.row for a in actions(b"\x1bL" + b"copy\n" + b"\x1b\x0c" + b"\x0c"))
    assert first == second


def test_esc_s_forgets_it():
    """Back in standard mode without printing, the page is gone and lines are lines again."""
    assert [a.row.text for a in actions(b"\x1bLgone\n\x1bSline\n")] == ["line"]


def test_esc_at_and_clearing_end_it():
    """ESC @ and a cleared buffer leave page mode."""
    for end in (b"\x1b@", None):
        composer = Composer()
        for token in tokenize(b"\x1bLpage"):
            composer.apply(token)
        assert composer.line_open
        if end is None:
            composer.clear_line()
        else:
            composer.apply(tokenize(end)[0])
        assert not composer.page_mode
        assert not composer.line_open


def test_settings_of_its_own():
    """ESC SP and ESC 3 are kept for each mode; the area is the whole page again after FF, the direction stays."""
    job = b"\x1bL" + b"\x1b3\x50\x1b \x05" + write.area(10, 0, 100, 100, "up") + b"x\x0c" + b"AB\n" + b"\x1bLy\x0c"
    page1, line, page2 = (a for a in actions(job) if a.row)
    assert (line.dots, line.row.pieces[0].cell) == (30, 12)
    (first,), (second,) = page1.row.pieces[0].panels, page2.row.pieces[0].panels
    assert (first.dx, second.dx, first.turn, second.turn) == (100, 576, 1, 1)
    assert second.spots[0].piece.cell == 17


def test_an_area_set_before_is_the_next_pages():
    """ESC W in standard mode is for the page that comes; it is told again in the preamble of the next ticket."""
    composer = Composer()
    for token in tokenize(write.area(0, 0, 100, 50) + b"\x1bL\x1b3\x50\x1bS" + write.area(0, 0, 120, 60, "left")):
        composer.apply(token)
    continued = [a for token in tokenize(b"\x1bLA\nB\x0c") for a in composer.apply(token)]
    fresh = Composer()
    for token in tokenize(write.area(0, 0, 100, 50) + b"\x1bL\x1b3\x50\x1bS" + write.area(0, 0, 120, 60, "left")):
        fresh.apply(token)
    assert actions(fresh.preamble() + b"\x1bLA\nB\x0c") == continued
    assert continued[0].row.pieces[0].panels[0].dx == 120


def test_not_available_in_page_mode():
    """GS v 0, logos and the knife are passed over within a page, with a sentence."""
    job = b"\x1bL" + write.raster(1, [b"\xff"]) + b"\x1cp\x01\x00" + write.cut() + b"A\x0c"
    assert len(warnings(job)) == 3
    assert len(spots(job)) == 1


def test_print_modes_in_a_page():
    """Upside down and quarter turns are kept for later and not executed; alignment neither."""
    (x, _, run), *_ = spots(b"\x1b{\x01\x1bV\x01\x1ba\x02" + write.page(b"A"))
    assert (x, run.style) == (0, Style())


def test_lines_are_read():
    """A sheet's text has the page's lines too, in reading order, whichever way they run."""
    job = write.page(write.area(0, 0, 576, 100) + b"one\ntwo\n", write.area(0, 100, 90, 200, "down") + b"three\nfour")
    (sheet,) = print_sheets(job + b"after\n" + write.cut())
    assert sheet.lines == ["one", "two", "three", "four", "after"]


def test_a_cut_through_a_page():
    """Lines of a page are on the sheet that has their greater part."""
    job = write.page(write.area(0, 0, 576, 240) + b"one\ntwo\n\n\n\n\nthree\n") + write.cut_here() + write.cut()
    first, second = print_sheets(job)
    assert (first.lines, second.lines) == (["one", "two"], ["three"])


def test_an_empty_page_moves_nothing():
    """FF on an empty page only ends page mode; in standard mode it does nothing."""
    assert actions(b"\x1bL\x0cA\n")[0].row.text == "A"
    assert actions(b"\x0cA\n")[0].row.text == "A"


def test_esc_l_within_a_line():
    """ESC L is executed only at the beginning of a line."""
    assert [a.row.text for a in actions(b"A\x1bLB\n")] == ["AB"]


@pytest.mark.parametrize(
    ("words", "fitted"),
    [
        ((0, 0, 576, 1662), Area(0, 0, 576, 1662)),
        ((500, 0, 400, 10), Area(500, 0, 76, 10)),
        ((0, 1600, 10, 65535), Area(0, 1600, 10, 62)),
        ((576, 0, 10, 10), None),
        ((0, 1662, 10, 10), None),
        ((0, 0, 0, 10), None),
        ((0, 0, 10, 0), None),
    ],
)
def test_areas_are_cut_to_the_paper(words, fitted):
    """What leaves the printable page is not part of the area; an area all outside changes nothing."""
    assert fit_area(words, 576, 1662) == fitted


def test_a_page_holds_no_more_than_it_can(monkeypatch):
    """Pieces beyond the limit are not printed and said so; memory does not grow with the stream."""
    monkeypatch.setattr(page_module, "MOST_SPOTS", 5)
    job = b"\x1bL" + b"\x1b$\x00\x00A\n" * 50 + b"\x0c"
    assert len(spots(job)) == 5
    assert "more than can be kept" in warnings(job)[0]


def test_what_lies_outside_is_not_kept():
    """Lines below the area cost nothing."""
    buffer = PageBuffer(Area(0, 0, 100, 50), 0, 24, 576)
    assert buffer.put(Run(0, "A", Style(), 12, 24), 0, 5000)
    assert buffer.printed() == []


PARTS = st.lists(
    st.sampled_from(
        [
            *(b"\x1bL", b"\x1bS", b"\x0c", b"\x18", b"\x1b\x0c", b"text\n", b"\x1d!\x33", b"\x1d$\x40\x00", b"\x1b@"),
            *(b"\x1d\\\x90\xff", b"\x1b\\\x10\x00", b"\x1bT\x01", b"\x1bT2", b"\x1bT\x07", b"\x1bW" + b"\xff" * 8),
            *(write.area(0, 0, 30, 30), write.area(5, 5, 500, 900, "left"), write.qr("A001", 3), b"\x1b3\x00"),
            *(b"\x1b*\x21\x02\x00abcdef", write.barcode("CODE39", "A"), b"\x1bt4S\xf4\xec", b"\x1bJ\xff"),
            write.cut(),
        ]
    ),
    max_size=30,
).map(b"".join)


@given(PARTS)
@settings(max_examples=200, deadline=None)
def test_any_mixture(job):
    """No exception, no page higher than the printer's, every spot begins inside its area."""
    for action in actions(job):
        if isinstance(action, Advance) and action.row is not None:
            for piece in action.row.pieces:
                if isinstance(piece, Page):
                    assert piece.height <= TM_T88.page_dots
                    for panel in piece.panels:
                        assert panel.x + panel.dx <= 576
                        assert all(0 <= s.x < panel.across and s.y < panel.down for s in panel.spots)
    print_sheets(job)
