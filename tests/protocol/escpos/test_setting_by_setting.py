"""Each setting command with the last value it takes and the first it does not; codes and lines at their limits."""

from __future__ import annotations

import pytest

from protocol.escpos import composer as composer_module
from protocol.escpos import write
from protocol.escpos.composer import Composer, compose, print_sheets
from protocol.escpos.paper import Advance, Barcode, Bits, Cut, Run, Symbol
from protocol.escpos.profiles import KIOSK_58, TM_T88
from protocol.escpos.tokenizer import tokenize


def after(data, profile=TM_T88):
    """The composer after some bytes."""
    made = Composer(profile)
    for token in tokenize(data):
        made.apply(token)
    return made


STYLES = [
    # command, field, what it has for each parameter (None: as before)
    (b"\x1bM", "font", {0: "A", 1: "B", 0x30: "A", 0x31: "B", 2: None, 0x32: None, 0x2F: None}),
    (b"\x1b-", "underline", {0: 0, 1: 1, 2: 2, 0x30: 0, 0x32: 2, 3: None, 0x33: None}),
    (b"\x1bE", "bold", {0: False, 1: True, 2: False, 3: True, 0xFF: True}),
    (b"\x1bG", "bold", {0: False, 1: True, 0xFE: False}),
    (b"\x1dB", "reverse", {0: False, 1: True, 2: False}),
    (b"\x1b{", "upside_down", {0: False, 1: True, 2: False}),
    (b"\x1bV", "turned", {0: False, 1: True, 2: True, 0x30: False, 0x31: True, 0x32: True, 3: None, 0x33: None}),
    (b"\x1b ", "spacing", {0: 0, 1: 1, 255: 255}),
]
OTHERS = [
    (b"\x1ba", "align", {0: 0, 1: 1, 2: 2, 0x30: 0, 0x31: 1, 0x32: 2, 3: None, 0x33: None}),
    (b"\x1bt", "page", {0: 0, 52: 52, 255: 255, 6: None, 54: None}),
    (b"\x1bR", "international", {0: 0, 16: 16, 17: None}),
    (b"\x1b3", "spacing", {0: 0, 24: 24, 255: 255}),
    (b"\x1dh", "bar_height", {1: 1, 255: 255, 0: None}),
    (b"\x1dw", "bar_module", {2: 2, 6: 6, 1: None, 7: None}),
    (b"\x1dH", "bar_text", {0: 0, 3: 3, 0x33: 3, 4: None, 0x34: None}),
    (b"\x1df", "bar_font", {0: "A", 1: "B", 0x31: "B", 2: None}),
    (b"\x1bT", "turn", {0: 0, 3: 3, 0x30: 0, 0x33: 3, 4: None, 0x34: None}),
]


@pytest.mark.parametrize(
    ("command", "field", "n", "value"),
    [(command, field, n, value) for command, field, values in STYLES for n, value in values.items()],
)
def test_styles(command, field, n, value):
    """A number or its digit; what does not exist changes nothing."""
    before = "B" if field == "font" else None
    lead = b"\x1bM\x01" if before else b""
    made = after(lead + command + bytes([n])).settings.style
    plain = after(lead).settings.style
    assert getattr(made, field) == (getattr(plain, field) if value is None else value)
    assert made._replace(**{field: getattr(plain, field)}) == plain


@pytest.mark.parametrize(
    ("command", "field", "n", "value"),
    [(command, field, n, value) for command, field, values in OTHERS for n, value in values.items()],
)
def test_settings(command, field, n, value):
    """A number or its digit; what does not exist changes nothing."""
    made, plain = after(command + bytes([n])).settings, after(b"").settings
    assert getattr(made, field) == (getattr(plain, field) if value is None else value)


def test_emphasis_and_double_strike_are_both_bold():
    """Each is taken back by itself; ESC ! sets and clears emphasis, not double strike."""
    for data, bold in (
        (b"\x1bE\x01\x1bG\x01\x1bE\x00", True),
        (b"\x1bE\x01\x1bG\x01\x1bG\x00", True),
        (b"\x1bE\x01\x1bE\x00", False),
        (b"\x1b!\x08", True),
        (b"\x1bG\x01\x1b!\x00", True),
        (b"\x1bE\x01\x1b!\x00", False),
    ):
        assert after(data).settings.style.bold is bold


@pytest.mark.parametrize(
    ("n", "style"),
    [
        (0x00, ("A", 1, 1, False, 0)),
        (0x01, ("B", 1, 1, False, 0)),
        (0x02, ("A", 1, 1, False, 0)),
        (0x08, ("A", 1, 1, True, 0)),
        (0x10, ("A", 1, 2, False, 0)),
        (0x20, ("A", 2, 1, False, 0)),
        (0x40, ("A", 1, 1, False, 0)),
        (0x80, ("A", 1, 1, False, 1)),
        (0xFF, ("B", 2, 2, True, 1)),
    ],
)
def test_print_modes(n, style):
    """ESC !: font, bold, double height, double width, underline, each by its bit."""
    assert after(b"\x1b!" + bytes([n])).settings.style[:5] == style


@pytest.mark.parametrize(
    ("n", "size"), [(0x00, (1, 1)), (0x07, (1, 8)), (0x70, (8, 1)), (0x77, (8, 8)), (0x08, None), (0x80, None)]
)
def test_character_size(n, size):
    """GS !: 1 to 8 each way; beyond it nothing changes."""
    style = after(b"\x1d!\x11\x1d!" + bytes([n])).settings.style
    assert (style.width, style.height) == (size or (2, 2))


def test_lengths_and_motion_units():
    """In dots until GS P says otherwise, then in so many parts of an inch; never more than the command can hold."""
    assert after(b"\x1dL\x10\x01").settings.left == 272
    assert after(b"\x1dL\x3f\x02").settings.left == 575
    assert after(b"\x1dL\x40\x02").settings.left == 575
    assert after(b"\x1dW\x00\x01").settings.area == 256
    assert after(b"\x1dW\x00\x00").settings.area == 1
    assert after(b"\x1dP\x01\x00\x1dW\xff\xff").settings.area == 0xFFFF
    units = after(b"\x1dP\x14\x28\x1b \x02\x1b3\x04\x1dL\x02\x00\x1dW\x03\x00").settings
    assert (units.unit_x, units.unit_y) == (20, 40)
    assert (units.style.spacing, units.spacing, units.left, units.area) == (20, 20, 20, 30)
    assert after(b"\x1dP\x01\x00\x1b \x02").settings.style.spacing == 255
    assert after(b"\x1b3\x05\x1b2").settings.spacing == 30


def test_tabs_rise():
    """Columns up to the first that is not further right; none clears them."""
    assert after(b"\x1bD\x04\x08\x10\x00").settings.tabs == (4, 8, 16)
    assert after(b"\x1bD\x04\x08\x08\x10\x00").settings.tabs == (4, 8)
    assert after(b"\x1bD\x04\x08\x05\x10\x00").settings.tabs == (4, 8)
    assert after(b"\x1bD\x00").settings.tabs == ()


@pytest.mark.parametrize("dots", [0, 30, 255, 256, 300, 508, 1000, 98 * 203, 255 * 203])
def test_the_preamble_restores_any_line_spacing(dots):
    """More than 255 dots come about by a motion unit, which is taken back at once."""
    made = after(b"")
    made.settings.spacing = dots
    again = after(made.preamble()).settings
    assert (again.unit_x, again.unit_y) == (0, 0)
    assert again.spacing == dots


@pytest.mark.parametrize(
    "data",
    [
        b"\x1bM\x01",
        b"\x1d!\x21",
        b"\x1d!\x12",
        b"\x1bE\x01",
        b"\x1bG\x01",
        b"\x1b-\x02",
        b"\x1dB\x01",
        b"\x1b{\x01",
        b"\x1bV\x01",
        b"\x1b \x05",
        b"\x1ba\x02",
        b"\x1bt\x34",
        b"\x1bR\x10",
        b"\x1b3\x50",
        b"\x1dL\x10\x01",
        b"\x1dW\x10\x01",
        b"\x1dP\x14\x28",
        b"\x1bD\x04\x09\x00",
        b"\x1d(k\x03\x001C\x07",
        b"\x1d(k\x03\x001E3",
        b"\x1dh\x10",
        b"\x1dw\x05",
        b"\x1dH\x03",
        b"\x1df\x01",
        b"\x1bT\x03",
        b"\x1bW" + bytes((1, 0, 2, 0, 3, 1, 4, 1)),
        b"\x1bL\x1b3\x20\x1b \x07\x1bS",
    ],
)
def test_the_preamble_restores_each_setting(data):
    """On a printer just switched on it gives the very settings, and says no more than it must."""
    made = after(data)
    assert after(made.preamble()).settings == made.settings
    assert made.settings != after(b"").settings
    assert after(b"").preamble() == b""


# -- codes ------------------------------------------------------------------------------------------------------------
def printed(data, profile=TM_T88):
    """Pieces on paper and warnings."""
    actions, warnings = compose(tokenize(data), profile)
    return [piece for a in actions if isinstance(a, Advance) and a.row for piece in a.row.pieces], warnings


def qr_function(*body):
    return b"\x1d(k" + len(body).to_bytes(2, "little") + bytes(body)


@pytest.mark.parametrize(("n", "module"), [(0, 3), (1, 1), (16, 16), (17, 3)])
def test_modules_of_a_qr_symbol(n, module):
    """Function 43 takes 1 to 16 dots."""
    assert after(qr_function(0x31, 0x43, n)).settings.qr_module == module


@pytest.mark.parametrize(
    ("n", "level"), [(0x30, "L"), (0x31, "M"), (0x32, "Q"), (0x33, "H"), (0x34, "L"), (0, "L"), (0x2F, "L")]
)
def test_levels_of_a_qr_symbol(n, level):
    """Function 45 takes the digits 0 to 3."""
    assert after(qr_function(0x31, 0x45, n)).settings.qr_level == level


@pytest.mark.parametrize("function", [0x42, 0x44, 0x46, 0x4F])
def test_other_functions_of_a_qr_symbol_set_nothing(function):
    """Only 43 and 45 (hexadecimal) do, whatever their parameter."""
    for n in (1, 0x31, 0x33):
        assert after(qr_function(0x31, function, n)).settings == after(b"").settings


def test_upside_down_lines_are_turned_about_the_area():
    """ESC {: what was at its left edge ends at its right edge, margin and alignment included."""
    for area, align, x in ((100, 0, 10 + 100 - 12), (100, 2, 10), (100, 1, 10 + 44)):
        (run,), _ = printed(b"\x1dL\x0a\x00\x1dW" + bytes([area, 0]) + b"\x1ba" + bytes([align]) + b"\x1b{\x01A\n")
        assert run.x == x


def test_other_two_dimensional_codes_are_told():
    """PDF417 is not printed, nor are other models of QR; model 2 is."""
    assert "code 30 is not printed" in printed(qr_function(0x30, 0x51, 0x30))[1][0]
    assert printed(qr_function(0x31, 0x41, 0x31, 0))[1] == ["only QR model 2 is printed"]
    assert printed(qr_function(0x31, 0x41, 0x32, 0))[1] == []
    assert printed(qr_function(0x31))[1] == []


@pytest.mark.parametrize(("area", "fits"), [(63, True), (62, False)])
def test_a_symbol_as_wide_as_the_area_is_printed(area, fits):
    """21 modules of 3 dots need 63."""
    data = b"\x1dW" + bytes([area, 0]) + qr_function(0x31, 0x50, 0x30, *b"A001") + qr_function(0x31, 0x51, 0x30)
    pieces, warnings = printed(data)
    assert [type(piece) for piece in pieces] == ([Symbol] if fits else [])
    assert bool(warnings) is not fits
    made = after(data)
    assert made.symbol_size == 63
    assert after(b"").symbol_size == 0


@pytest.mark.parametrize(
    ("level", "name"),
    [(b"L", "L"), (b"M", "M"), (b"Q", "Q"), (b"H", "H"), (b"\x01", "M"), (b"\x03", "H"), (b"\x06", "Q")],
)
def test_the_qr_command_of_clones(level, name):
    """ESC Z on 58 mm mechanisms: version, level as a letter or a number, module 1 to 16, length, data."""
    (symbol,), warnings = printed(b"\x1bZ\x00" + level + b"\x04\x04\x00A001", KIOSK_58)
    assert (symbol.data, symbol.level, symbol.module, warnings) == (b"A001", name, 4, [])
    for n, module in ((0, 1), (1, 1), (16, 16), (17, 16)):
        (symbol,), _ = printed(b"\x1bZ\x00L" + bytes([n]) + b"\x04\x00A001", KIOSK_58)
        assert symbol.module == module
    assert printed(b"\x1bZ\x00L\x04\x04\x00A001")[1] == ["ESC Z is a command of other printers; it was passed over"]


@pytest.mark.parametrize(("area", "fits"), [(47, True), (46, False)])
def test_a_barcode_as_wide_as_the_area_is_printed(area, fits):
    """Three characters of CODE39 at 1 dot take 3 x (6 + 3 x 3) + 2 dots."""
    data = b"\x1dw\x01\x1dW" + bytes([area, 0]) + b"\x1dk\x04A\x00"
    pieces, _ = printed(data, KIOSK_58)
    assert [type(piece) for piece in pieces] == ([Barcode] if fits else [])


def test_readable_text_of_a_code():
    """Above, below or both, in its own font, centred on the bars; as much as fits the area."""
    for n, names in ((0, ["bars"]), (1, ["A", "bars"]), (2, ["bars", "A"]), (3, ["A", "bars", "A"])):
        pieces, _ = printed(b"\x1dH" + bytes([n]) + b"\x1dk\x04A\x00")
        assert [piece.text[1] if isinstance(piece, Run) else "bars" for piece in pieces] == names
    (bars, text), _ = printed(b"\x1dH\x02\x1dk\x04A\x00")
    assert (text.text, text.style.font, text.cell, text.height) == ("*A*", "A", 12, 24)
    assert abs((text.x + text.x + text.width) - (bars.x + bars.x + bars.width)) <= 1
    (_, text), _ = printed(b"\x1dH\x02\x1df\x01\x1dk\x04A\x00")
    assert (text.style.font, text.cell, text.height) == ("B", 9, 17)
    (bars, text), _ = printed(b"\x1dw\x01\x1dW\x2f\x00\x1dH\x02\x1dk\x04A\x00", KIOSK_58)
    assert len(text.text) == 3
    assert bars.width == 47


def test_what_a_code_does_not_take_is_text():
    """Behind the first wrong byte, in either form; when their number is wrong, what the form had not used."""
    pieces, warnings = printed(b"\x1dk\x04A\xffBC\x00\n")
    assert [piece.text for piece in pieces] == ["BC"]
    assert len(warnings) == 1
    pieces, _ = printed(b"\x1dk\x03123456789\x00\n")
    assert [piece.text for piece in pieces if isinstance(piece, Run)] == ["9"]
    assert printed(b"\x1dk\x07A\n")[1] == ["one-dimensional code 7 is not drawn; nothing is printed for it"]


# -- lines ------------------------------------------------------------------------------------------------------------
def test_a_position_at_the_edge():
    """ESC $ takes every dot of the area and the one behind it; further nothing changes; back no further than 0."""
    for n, x in ((576, 576), (577, 24), (0, 0), (575, 575)):
        assert after(b"AB\x1b$" + n.to_bytes(2, "little")).x == x
    for n, x in ((-24, 0), (-25, 24), (552, 576), (553, 24)):
        assert after(b"AB\x1b\\" + n.to_bytes(2, "little", signed=True)).x == x


def test_a_tab_goes_right_only():
    """To the next column beyond the print position, in characters of the style in force; never off the line."""
    assert after(b"\t").x == 8 * 12
    assert after(b"A" * 8 + b"\t").x == 16 * 12
    assert after(b"\x1d!\x10A\t").x == 8 * 24
    assert after(b"\x1bD\x04\x00AAAA\t").x == 48
    assert after(b"\x1bD\x30\x00\t").x == 576
    assert after(b"\x1bD\x31\x00\t").x == 0


@pytest.mark.parametrize(("align", "x"), [(0, 0), (1, 282), (2, 564)])
def test_alignment_of_one_character(align, x):
    """Left, centred, right in 576 dots."""
    (run,), _ = printed(b"\x1ba" + bytes([align]) + b"A\n")
    assert run.x == x


def test_a_line_moves_by_its_highest_piece():
    """By the line spacing at least; an empty line of no spacing moves nothing at all."""
    assert compose(tokenize(b"\x1b3\x00\n"))[0] == []
    for data, dots in (
        (b"A\n", 30),
        (b"\x1b3\x18A\n", 24),
        (b"\x1b3\x17A\n", 24),
        (b"\x1b3\x00A\n", 24),
        (b"\x1bd\x03", 90),
    ):
        (action,) = compose(tokenize(data))[0]
        assert action.dots == dots


def test_what_one_line_holds():
    """256 pieces printed over each other; the next is told and not printed."""
    many = b"".join(b"\x1b$\x00\x00\x1bE" + bytes([n & 1]) + b"A" for n in range(257))
    for n, told in ((256, 0), (257, 1)):
        pieces, warnings = printed(many[: n * 8] + b"\n")
        assert (len(pieces), len(warnings)) == (256, told)


def test_few_warnings_are_kept():
    """Each once, 32 in all."""
    commands = b"".join(b"\x1b" + bytes([n]) for n in range(0x21, 0x7F) if bytes([0x1B, n]) not in composer_prefixes())
    made = after(commands * 2)
    assert len(set(made.warnings)) == len(made.warnings) == min(32, len(commands) // 2)
    codes = after(b"".join(b"\x1bt" + bytes([n]) for n in range(60, 120)))
    assert len(codes.warnings) == composer_module.MOST_WARNINGS == 32


def composer_prefixes():
    from protocol.escpos.commands import ROWS

    return {row.prefix for row in ROWS}


@pytest.mark.parametrize(
    ("command", "size", "taken"),
    [
        (b"\x1d(k", 7200, True),
        (b"\x1d(k", 7201, False),
        (b"\x1bZ\x00L\x01", 7200, True),
        (b"\x1bZ\x00L\x01", 7201, False),
    ],
)
def test_how_much_data_a_printer_stores(command, size, taken):
    """7200 bytes of a two-dimensional code; what announces more is passed over whole, and told."""
    data = command + size.to_bytes(2, "little") + b"\x31\x50\x30" + b"1" * (size - 3) + b"A\n"
    made = after(data, KIOSK_58)
    passed = [told for told in made.warnings if "is more than the printer stores" in told]
    assert bool(passed) is not taken
    (line,) = [sheet.lines for sheet in print_sheets(data, KIOSK_58)]
    assert line[-1] == "A"


def test_bit_images_beyond_the_edge_are_cut():
    """The columns that fit are printed, the print position goes on by them."""
    for room, columns in ((16, 16), (15, 8), (1, 0)):
        lead = b"\x1b$" + (576 - room).to_bytes(2, "little")
        sent = lead + b"\x1b*\x00\x10\x00" + b"\xff" * 16 + b"\n"
        pieces, _ = printed(sent)
        assert [p.width for p in pieces if isinstance(p, Bits)] == ([-(-columns // 2 // 8) * 16] if columns else [])


def test_old_cuts_are_partial():
    """ESC i and ESC m leave a point; within a line neither is executed."""
    for command in (b"\x1bi", b"\x1bm"):
        assert compose(tokenize(command))[0] == [Cut(partial=True)]
        assert compose(tokenize(b"A" + command))[0] == []


def test_the_paper_between_head_and_knife():
    """GS V 66: 120 dots and n more; on the kiosk with its longer way 160."""
    assert compose(tokenize(b"\x1dVB\x05"))[0] == [Advance(125), Cut(partial=True)]
    assert compose(tokenize(b"\x1dVA\x00"))[0] == [Advance(120), Cut()]
    (sheet,) = print_sheets(write.line("A") + write.cut())
    assert (sheet.height, sheet.mm, sheet.lines) == (150, 19, ["A"])
