"""Execution: what stands where on the paper after which commands."""

from __future__ import annotations

import tracemalloc
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escpos_streams import STREAMS
from protocol.escpos import write
from protocol.escpos.composer import Composer, compose, print_sheets
from protocol.escpos.paper import Advance, Barcode, Bits, Cut, Roll, Row, Run, Style, Symbol, sheets
from protocol.escpos.profiles import KIOSK_58, TM_T88
from protocol.escpos.tokenizer import Tokenizer, tokenize


def actions(data, profile=TM_T88):
    return compose(tokenize(data), profile)[0]


def rows(data, profile=TM_T88):
    return [a.row for a in actions(data, profile) if isinstance(a, Advance) and a.row is not None]


def runs(data, profile=TM_T88):
    return [p for row in rows(data, profile) for p in row.pieces if isinstance(p, Run)]


def lines(data, profile=TM_T88):
    return [row.text for row in rows(data, profile)]


def dots(data, profile=TM_T88):
    return [a.dots for a in actions(data, profile) if isinstance(a, Advance)]


def warnings(data):
    return compose(tokenize(data))[1]


# -- text -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["Số thứ tự", "Đà Nẵng", "Tân Hội", "ỦY BAN NHÂN DÂN"])
def test_vietnamese_reads_back_from_the_sheet(text):
    """What write.text encodes in CP1258 is read from the paper exactly, composed, marks taking no room."""
    (run,) = runs(write.code_page(52) + write.line(text))
    assert run.text == text == unicodedata.normalize("NFC", text)
    assert run.width == 12 * len(text)


def test_vietnamese_in_the_58_mm_kiosk():
    """The same table has another number there, and the same text comes out."""
    job = write.code_page(KIOSK_58.page_of("cp1258")) + write.line("Số thứ tự")
    assert lines(job, KIOSK_58) == ["Số thứ tự"]


def test_tables_hopped_inside_a_word():
    """What python-escpos sends for a Vietnamese word, table by table, reads as the word (protocols.md 4.5)."""
    assert lines(bytes.fromhex("53 1B 74 1E E8 0A")) == ["Số"]
    assert lines(bytes.fromhex("1B 74 12 D1 1B 74 00 85 0A")) == ["Đà"]


def test_a_mark_that_comes_alone():
    """The mark of a letter sent in another token lands on that letter; one without a letter is told."""
    assert lines(b"\x1bt4S\xf4\x1bE\x01\xec\n") == ["Số"]
    assert warnings(b"\x1bt4\xec") == ["a tone mark without a letter that can carry it was not printed"]


def test_default_table_and_unknown_tables():
    """Power-on is PC437; a number the printer lacks changes nothing; a table not known says so."""
    assert lines(b"\x82\n") == ["é"]
    assert lines(b"\x1bt\xc8\x82\n") == ["é"]
    assert warnings(b"\x1bt\xc8") == ["the printer has no character table 200; the one in force stays"]
    assert lines(b"\x1bt\x0b\x82A\n") == ["\ufffdA"]
    assert warnings(b"\x1bt\x0b\x82") == ["character table 11 (cp851) is not known: its letters cannot be read"]


def test_national_characters():
    """ESC R 2 is German: the brackets become umlauts, the digits stay."""
    assert lines(b"\x1bR\x02[1]{}\n") == ["Ä1Üäü"]


@pytest.mark.parametrize(
    ("command", "style"),
    [
        (b"\x1bE\x01", Style(bold=True)),
        (b"\x1bG\x01", Style(bold=True)),
        (b"\x1bE\x01\x1bG\x01\x1bE\x00", Style(bold=True)),
        (b"\x1b-\x02", Style(underline=2)),
        (b"\x1b-1", Style(underline=1)),
        (b"\x1dB\x01", Style(reverse=True)),
        (b"\x1b{\x01", Style(upside_down=True)),
        (b"\x1bM\x01", Style(font="B")),
        (b"\x1bM1", Style(font="B")),
        (b"\x1d!\x12", Style(width=2, height=3)),
        (b"\x1d!\x77", Style(width=8, height=8)),
        (b"\x1d!\x88", Style()),
        (b"\x1b!\xb9", Style(font="B", bold=True, width=2, height=2, underline=1)),
        (b"\x1b!\x38\x1b!\x00", Style()),
        (b"\x1b \x04", Style(spacing=4)),
        (b"\x1b!\xff\x1b@", Style()),
    ],
)
def test_styles(command, style):
    """Each command sets what it names; ESC ! sets all it covers; ESC @ takes all back."""
    (run,) = runs(command + b"A\n")
    assert run.style == style


def test_cells():
    """Font A is 12 x 24 dots, B 9 x 17, enlarged dot by dot, the right space enlarged with the width."""
    for command, cell, height in (
        *((b"", 12, 24), (b"\x1bM\x01", 9, 17), (b"\x1d!\x31", 48, 48), (b"\x1b \x04\x1d!\x10", 32, 24)),
    ):
        (run,) = runs(command + b"AB\n")
        assert (run.cell, run.height, run.width) == (cell, height, 2 * cell)


# -- lines ------------------------------------------------------------------------------------------------------------
def test_a_full_line_prints_itself():
    """48 columns on 80 mm paper, 32 on 58 mm: the 49th character begins the next line."""
    for profile, columns in ((TM_T88, 48), (KIOSK_58, 32)):
        text = bytes(0x41 + i % 26 for i in range(100))
        got = lines(text + b"\n", profile)
        assert [len(line) for line in got] == [columns] * (100 // columns) + [100 % columns]
        assert "".join(got).encode() == text


def test_how_far_the_paper_moves():
    """LF moves 30 dots or the highest character; ESC 3 sets it, ESC 2 takes it back; ESC J and d have their own."""
    assert dots(b"A\n") == [30]
    assert dots(b"\x1d!\x03A\n") == [96]
    assert dots(b"\n") == [30]
    assert dots(b"\x1b3\x40A\n\x1b2A\n") == [64, 30]
    assert dots(b"\x1b3\x00A\n\n") == [24]
    assert dots(b"A\x1bJ\x64") == [100]
    assert dots(b"A\x1bJ\x00") == [24]
    assert dots(b"A\x1bd\x03") == [90]
    assert dots(b"\x1bd\x00") == []


def test_motion_units():
    """GS P 0 180: a unit is 1/180 inch, so 180 of them are 203 dots; GS P 0 0 is one dot a unit again."""
    assert dots(b"\x1dP\x00\xb4\x1bJ\xb4") == [203]
    assert dots(b"\x1dP\x00\xb4\x1dP\x00\x00\x1bJ\xb4") == [180]


def test_alignment():
    """Left, centre and right within the printing area; only at the beginning of a line."""
    assert [runs(b"\x1ba" + n + b"ABCD\n")[0].x for n in (b"\x00", b"1", b"\x02")] == [0, 264, 528]
    assert runs(b"A\x1ba\x02\nB\n")[1].x == 0
    assert warnings(b"A\x1ba\x02") == ["ESC a is executed only at the beginning of a line; it was passed over"]


def test_margin_and_area():
    """GS L moves the line, GS W narrows it; lines fill the area and align in it."""
    job = b"\x1dL\x64\x00\x1dW\x78\x00"
    assert [(r.x, r.text) for r in runs(job + b"ABCDEFGHIJKL\n")] == [(100, "ABCDEFGHIJ"), (100, "KL")]
    assert runs(job + b"\x1ba\x02AB\n")[0].x == 100 + 120 - 24


def test_positions_and_tabs():
    """ESC $ is from the margin, ESC \\ from here (also back), HT to the next column; a gap reads as spaces."""
    assert [r.x for r in runs(b"A\x1b$\x64\x00B\x1b\\\x0a\x00C\x1b\\\xe0\xffD\n")] == [0, 100, 122, 102]
    assert lines(b"A\tB\t\tC\n") == ["A       B               C"]
    assert lines(b"\x1bD\x03\x06\x00A\tB\tC\tD\n") == ["A  B  CD"]
    assert lines(b"\x1bD\x06\x03\x00A\tB\n") == ["A     B"]
    assert runs(b"A\x1b$\xff\xffB\n")[0].text == "AB"


def test_carriage_return_does_nothing():
    """On a serial printer CR LF is one line feed (automatic line feed is off)."""
    assert dots(b"A\r\nB\r\n") == [30, 30]
    assert lines(b"AB\rC\n") == ["ABC"]


# -- pictures and codes -----------------------------------------------------------------------------------------------
def test_raster():
    """GS v 0: rows of bytes as they are, enlarged by the mode, aligned, the paper moving by their height."""
    job = write.align("center") + write.raster(2, [b"\x80\x01", b"\xff\xff"], mode=3)
    (row,) = rows(job)
    assert row.pieces == (Bits((576 - 32) // 2, 2, 2, b"\x80\x01\xff\xff", 2, 2),)
    assert dots(job) == [4]


def test_raster_that_is_too_wide_is_cut():
    """A row of 100 bytes prints its first 72: what lies beyond the paper is lost, what follows is in step."""
    job = write.raster(100, [bytes([i]) * 100 for i in range(30)]) + write.line("A")
    pieces = [p for row in rows(job) for p in row.pieces if isinstance(p, Bits)]
    assert sum(p.rows for p in pieces) == 30
    assert b"".join(p.data for p in pieces) == b"".join(bytes([i]) * 72 for i in range(30))
    assert lines(job)[-1] == "A"


def test_bit_image_columns_become_rows():
    """ESC *: byte after byte is a column, top dot first; 8-dot modes are three dots high, single density two wide."""
    (row,) = rows(b"\x1b*\x01\x02\x00\x80\x01\n")
    assert row.pieces == (Bits(0, 1, 8, b"\x80\0\0\0\0\0\0\x40", 1, 3),)
    (row,) = rows(b"\x1b*\x20\x01\x00\x80\x00\x01\n")
    assert row.pieces == (Bits(0, 1, 24, b"\x80" + bytes(22) + b"\x80", 2, 1),)


def test_bit_image_stands_in_the_line():
    """Text before and after a bit image are on the same row, the image between them."""
    (row,) = rows(b"A\x1b*\x21\x0a\x00" + b"\xff" * 30 + b"B\n")
    assert [(p.x, type(p).__name__) for p in row.pieces] == [(0, "Run"), (12, "Bits"), (22, "Run")]


def test_graphics():
    """GS ( L: what was stored is printed once, at its enlargement."""
    stream = bytes.fromhex("1D 28 4C 0E 00 30 70 30 01 01 31 10 00 02 00 FF FF FF FF 1D 28 4C 02 00 30 32")
    (row,) = rows(stream)
    assert row.pieces == (Bits(0, 2, 2, b"\xff" * 4),)
    assert len(rows(stream + b"\x1d(L\x02\x00\x30\x32")) == 1


def test_qr():
    """The symbol is as large as its modules say, aligned, and feeds its own height."""
    job = write.align("right") + write.qr("A001", module=6)
    (row,) = rows(job)
    assert row.pieces == (Symbol(576 - 126, b"A001", 1, "alphanumeric", "M", 21, 6),)
    assert dots(job) == [126]


def test_qr_that_cannot_be_printed():
    """Too wide for the paper, or nothing stored: nothing is printed, and it is told."""
    wide = write.qr(b"x" * 1000, module=16)
    assert rows(wide) == []
    assert "dots wide, the area 576" in warnings(wide)[0]
    assert "no QR symbol holds the 0 bytes" in warnings(b"\x1d(k\x03\x00\x31\x51\x30")[0]


def test_a_long_qr_comes_in_pieces():
    """More than a receive buffer's worth of QR data is gathered and printed whole."""
    data = bytes(range(256)) * 8
    (row,) = rows(write.qr(data, module=3, level="L"))
    (symbol,) = row.pieces
    assert isinstance(symbol, Symbol)
    assert symbol.data == data


def test_barcode_keeps_its_place():
    """A barcode moves the paper by its height, and its text is read below it, centred."""
    job = bytes.fromhex("1D 68 40 1D 77 03 1D 48 02 1D 6B 49 06 7B 42 41 30 30 31")
    first, second = rows(job)
    assert isinstance(first.pieces[0], Barcode)
    assert (first.height, second.text) == (64, "A001")
    assert dots(job) == [64, 24]
    assert (first.pieces[0].width, second.pieces[0].x) == (79 * 3, (79 * 3 - 48) // 2)
    assert warnings(job) == []


def test_what_is_not_modelled_is_told():
    """Macros, logos that are not there, unknown commands: passed over with one sentence each, not printed as text."""
    job = b"\x1d:\x1cp\x01\x00\x1b~A\n"
    assert lines(job) == ["A"]
    assert len(warnings(job)) == 3
    assert "unknown command 1B 7E" in warnings(job)[2]


# -- cuts -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (b"\x1dV\x00", [Cut(False)]),
        (b"\x1dV0", [Cut(False)]),
        (b"\x1dV\x01", [Cut(True)]),
        (b"\x1dV1", [Cut(True)]),
        (b"\x1dVA\x00", [Advance(120), Cut(False)]),
        (b"\x1dVB\x0a", [Advance(130), Cut(True)]),
        (b"\x1dVa\x00", [Advance(120), Cut(False)]),
        (b"\x1dVb\x00", [Advance(120), Cut(True)]),
        (b"\x1dVg\x00", [Advance(120), Cut(False)]),
        (b"\x1dVh\x05", [Advance(125), Cut(True)]),
        (b"\x1bi", [Cut(True)]),
        (b"\x1bm", [Cut(True)]),
        (b"\x1dV\x05", []),
    ],
)
def test_every_form_of_the_cut(command, expected):
    """Plain forms cut where the paper is; 65 and above first feed to the knife and n further."""
    assert actions(command) == expected


def test_no_cut_within_a_line():
    """GS V is executed only at the beginning of a line."""
    assert actions(b"A\x1dV\x00") == []
    assert "beginning of a line" in warnings(b"A\x1dV\x00")[0]


def test_a_cut_after_a_feed_frees_the_whole_ticket():
    """GS V 66: the sheet has everything printed on it, below 15 mm of blank paper."""
    (sheet,) = print_sheets(b"one\ntwo\n" + write.cut())
    assert (sheet.lines, sheet.cut, sheet.height, sheet.mm) == (["one", "two"], "partial", 180, 22)
    assert [y for y, _ in sheet.rows] == [120, 150]


def test_a_cut_without_a_feed_leaves_the_end_inside():
    """GS V 0 right after the text cuts 15 mm above the head: the last lines are on the next visitor's ticket."""
    first, second = print_sheets(b"1\n2\n3\n4\n5\n6\n" + write.cut_here() + b"next\n" + write.cut())
    assert first.lines == ["1", "2"]
    assert second.lines == ["3", "4", "5", "6", "next"]
    assert second.rows[0].y == 0


def test_a_cut_through_a_line():
    """A line the knife went through is on both sheets, and read on the one that has its greater part."""
    first, second = print_sheets(b"1\n2\n3\n4\n5\n" + b"\x1bJ\x0a" + write.cut_here() + write.cut())
    assert (first.height, second.rows[0].y) == (160, -10)
    assert first.lines == ["1"]
    assert second.lines == ["2", "3", "4", "5"]


def test_paper_that_was_not_cut():
    """Without a cut the paper hangs in the printer, with what is on it; nothing printed gives no sheet."""
    (sheet,) = print_sheets(b"A\nB")
    assert (sheet.lines, sheet.cut) == (["A"], "")
    assert print_sheets(b"B") == print_sheets(b"") == []


def test_the_golden_cut_of_python_escpos():
    """ESC d 6 moves further than the knife is from the head, so its ticket comes out whole."""
    (sheet,) = print_sheets(b"A001\n" + write.feed(6) + write.cut_here())
    assert sheet.lines == ["A001"]


def test_a_roll_keeps_no_more_than_it_is_told():
    """Rows beyond the limit are counted, not kept; pictures are not kept when only text is asked for."""
    roll = Roll(text_only=True, most_pieces=2)
    for piece in (Bits(0, 1, 1, b"\xff"), *(Run(0, c, Style(), 12, 24) for c in "ABC")):
        roll.add(Advance(30, Row(piece.height, (piece,))))
    assert (roll.hanging().lines, roll.dropped) == (["A", "B"], 1)


# -- state ------------------------------------------------------------------------------------------------------------
def test_initialize_clears_the_line_not_what_is_printed():
    """ESC @ forgets text that was not printed yet and all settings."""
    assert lines(b"one\ntwo\x1b@three\n") == ["one", "three"]


def test_clearing_forgets_half_received_data():
    """After `clear_line` the rest of a picture is no picture: nothing of it is printed."""
    composer = Composer()
    (head,) = Tokenizer().feed(b"\x1dv0\x00\x10\x00\xff\x00")
    composer.apply(head)
    composer.clear_line()
    assert composer.apply(head._replace(name="data", raw=b"\xff" * 16, data=b"\xff" * 16)) == []


SETTINGS = st.lists(
    st.sampled_from(
        [
            *(b"\x1bt4", b"\x1bR\x02", b"\x1bM\x01", b"\x1d!\x12", b"\x1bE\x01", b"\x1bG\x01", b"\x1b-\x02"),
            *(b"\x1dB\x01", b"\x1b{\x01", b"\x1ba\x01", b"\x1b \x05", b"\x1b3\x40", b"\x1dL\x20\x00", b"\x1b@"),
            *(b"\x1dW\x00\x01", b"\x1bD\x04\x08\x00", b"\x1d(k\x03\x00\x31\x43\x05", b"\x1d(k\x03\x00\x31\x45\x32"),
            *(b"\x1dP\xb4\xb4", b"\x1b!\x39", b"\x1dh\x20", b"\x1dw\x02", b"\x1dH\x02", b"\x1df\x01", b"\x1bV\x01"),
            *(b"\x1dP\x01\x02", b"\x1b3\xff", b"\x1b \xff", b"\x1dL\xff\xff", b"\x1dW\xff\xff"),
            *(
                b"\x1bW" + b"\x10\x00" * 4,
                b"\x1bW\x00\x00\x00\x00\xff\xff\xff\xff",
                b"\x1bT\x01",
                b"\x1bL\x1b3\x20\x1bS",
            ),
        ]
    ),
    max_size=12,
).map(b"".join)


@given(SETTINGS)
@settings(deadline=None)
def test_the_preamble_restores_the_settings(commands):
    """A job printed after some settings looks the same on a fresh printer that gets the preamble first."""
    job = (
        b"S\xf4\xec [x]\tA\n\x1bJ\x10\x1d(k\x07\x00\x31\x50\x30A001\x1d(k\x03\x00\x31\x51\x30\x1dk\x04A1\0\x1bLA\nB\x0c"
    )
    composer = Composer()
    for token in tokenize(commands):
        composer.apply(token)
    continued = [action for token in tokenize(job) for action in composer.apply(token)]
    fresh = Composer()
    for token in tokenize(commands):
        fresh.apply(token)
    assert actions(fresh.preamble() + job) == continued


@given(STREAMS, st.data())
@settings(max_examples=200, deadline=None)
def test_any_bytes_in_any_split_give_the_same_paper(stream, data):
    """Whatever comes: no exception, and the sheets do not depend on how the stream was divided."""
    tokenizer, composer = Tokenizer(), Composer()
    cut = data.draw(st.integers(0, len(stream)))
    got = []
    for part in (stream[:cut], stream[cut:]):
        for token in tokenizer.feed(part) + tokenizer.flush():
            got += composer.apply(token)
    assert sheets(got) == print_sheets(stream)


def test_a_monstrous_picture_costs_no_memory():
    """Two megabytes of a raster row that never ends are printed nowhere and kept nowhere."""
    tokenizer, composer = Tokenizer(), Composer()
    tracemalloc.start()
    for part in [b"\x1dv0\x00\xff\xff\xff\xff", *[b"\x55" * 4000] * 500]:
        for token in tokenizer.feed(part):
            composer.apply(token)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 400_000
