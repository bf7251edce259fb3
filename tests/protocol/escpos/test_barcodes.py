"""One-dimensional codes: their bars are read by another program, and what a printer refuses is refused."""

from __future__ import annotations

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from protocol.escpos import barcodes, write
from protocol.escpos.barcodes import CODE128, CODE128_AUTO, Refused, encode
from protocol.escpos.composer import compose, print_sheets
from protocol.escpos.paper import Advance, Barcode
from protocol.escpos.tokenizer import tokenize

FORMATS = {
    barcodes.UPC_A: zxingcpp.BarcodeFormat.EAN13,
    barcodes.UPC_E: zxingcpp.BarcodeFormat.UPCE,
    barcodes.EAN13: zxingcpp.BarcodeFormat.EAN13,
    barcodes.EAN8: zxingcpp.BarcodeFormat.EAN8,
    barcodes.CODE39: zxingcpp.BarcodeFormat.Code39,
    barcodes.ITF: zxingcpp.BarcodeFormat.ITF,
    barcodes.CODABAR: zxingcpp.BarcodeFormat.Codabar,
    barcodes.CODE93: zxingcpp.BarcodeFormat.Code93,
    CODE128: zxingcpp.BarcodeFormat.Code128,
    CODE128_AUTO: zxingcpp.BarcodeFormat.Code128,
}


def scanned(system: int, data: bytes, module: int = 2) -> bytes:
    """What a scanner makes of the bars on white paper."""
    bars = encode(system, data, module)
    picture = Image.new("L", (bars.width + 40 * module, 60), 255)
    for first, end in barcodes.edges(bars.widths):
        picture.paste(0, (20 * module + first, 10, 20 * module + end, 50))
    (found,) = zxingcpp.read_barcodes(picture, formats=FORMATS[system])
    assert found.format == FORMATS[system]
    return found.bytes


@pytest.mark.parametrize(
    ("system", "data", "read", "text"),
    [
        (barcodes.UPC_A, b"03600029145", b"0036000291452", "036000291452"),
        (barcodes.UPC_A, b"036000291459", b"0036000291452", "036000291452"),
        (barcodes.UPC_E, b"04210000526", b"0042100005264", "04252614"),
        (barcodes.UPC_E, b"425261", b"0042100005264", "04252614"),
        (barcodes.UPC_E, b"0425261", b"0042100005264", "04252614"),
        (barcodes.UPC_E, b"01234500006", b"0012345000065", "01234565"),
        (barcodes.UPC_E, b"01230000045", b"0012300000451", "01234531"),
        (barcodes.UPC_E, b"01234000005", b"0012340000053", "01234543"),
        (barcodes.EAN13, b"893123456789", b"8931234567897", "8931234567897"),
        (barcodes.EAN13, b"4006381333931", b"4006381333931", "4006381333931"),
        (barcodes.EAN8, b"9638507", b"96385074", "96385074"),
        (barcodes.CODE39, b"A001-$/+%. Z", b"A001-$/+%. Z", "*A001-$/+%. Z*"),
        (barcodes.CODE39, b"*A001*", b"A001", "*A001*"),
        (barcodes.ITF, b"0123456789", b"0123456789", "0123456789"),
        (barcodes.ITF, b"1234567", b"123456", "123456"),
        (barcodes.CODABAR, b"A123-$:/.+B", b"A123-$:/.+B", "A123-$:/.+B"),
        (barcodes.CODABAR, b"c40d", b"C40D", "C40D"),
        (barcodes.CODE93, b"A001 %", b"A001 %", "□A001 %□"),
        (CODE128, b"{BA001", b"A001", "A001"),
        (CODE128, b"{C\x01\x17\x2d{BAB{AX\x01", b"012345ABX\x01", "012345ABX "),
        (CODE128, b"{B{{x{S\x01y", b"{x\x01y", "{x y"),
        (CODE128_AUTO, b"A0012345678\x01abc12", b"A0012345678\x01abc12", "A0012345678 abc12"),
        (CODE128_AUTO, b"12345", b"12345", "12345"),
    ],
)
def test_read_back(system, data, read, text):
    """A scanner reads what was sent (with the printer's check digit), and the text below says it."""
    assert scanned(system, data) == read
    assert encode(system, data, 2).text == text


@pytest.mark.parametrize("first", [0, 64])
def test_every_character_of_code93(first):
    """All 128 ASCII characters, control characters by their shifts."""
    data = bytes(range(first, first + 64))
    assert scanned(barcodes.CODE93, data) == data


def test_every_character_of_code128():
    """All characters of the code sets A and B, all pairs of C."""
    assert scanned(CODE128, b"{A" + bytes(range(0x60))) == bytes(range(0x60))
    lower = bytes(c for c in range(0x20, 0x80) if c != 0x7B)
    assert scanned(CODE128, b"{B" + lower) == lower
    assert scanned(CODE128, b"{C" + bytes(range(100))) == "".join(f"{n:02}" for n in range(100)).encode()


DIGITS = st.text("0123456789", min_size=1, max_size=20).map(str.encode)


@given(st.sampled_from([barcodes.EAN13, barcodes.EAN8, barcodes.UPC_A]), st.data())
@settings(max_examples=30, deadline=None)
def test_any_article_number(system, data):
    """Every number gets its check digit, and a scanner agrees with it."""
    size = {barcodes.EAN13: 12, barcodes.EAN8: 7, barcodes.UPC_A: 11}[system]
    digits = "".join(data.draw(st.sampled_from("0123456789")) for _ in range(size)).encode()
    assert scanned(system, digits, 3).endswith(digits + barcodes.check_digit(digits.decode()).encode())


@given(st.binary(min_size=1, max_size=24).map(lambda b: bytes(c & 0x7F for c in b)))
@settings(max_examples=60, deadline=None)
def test_any_text_in_code128(data):
    """Whatever ASCII it is: with the code sets chosen by the printer it reads back byte for byte."""
    assert scanned(CODE128_AUTO, data) == data


@given(st.sampled_from(list(barcodes.NAMES)), st.binary(max_size=40), st.integers(1, 6))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_bars_or_refused(system, data, module):
    """No other exception; bars begin and end with a bar, every width positive."""
    try:
        bars = encode(system, data, module)
    except Refused:
        return
    assert len(bars.widths) % 2 == 1
    assert min(bars.widths) >= module
    assert barcodes.edges(bars.widths)[-1][1] == bars.width


@pytest.mark.parametrize(
    ("system", "data", "at"),
    [
        (barcodes.EAN13, b"12345", None),
        (barcodes.EAN13, b"12345678901A", 11),
        (barcodes.UPC_E, b"12345678901", 0),
        (barcodes.UPC_E, b"01234567890", None),
        (barcodes.CODE39, b"AB\xffC", 2),
        (barcodes.CODE39, b"a", 0),
        (barcodes.CODABAR, b"123", None),
        (barcodes.ITF, b"1", None),
        (barcodes.CODE93, b"A\x80", 1),
        (CODE128, b"A001", 0),
        (CODE128, b"{B", 0),
        (CODE128, b"{B\x01", 2),
        (CODE128, b"{BA{Z", 3),
        (CODE128, b"{C\x64", 2),
        (CODE128_AUTO, b"", None),
    ],
)
def test_refused(system, data, at):
    """What a printer makes no bars of is refused, with the place of the first wrong byte."""
    with pytest.raises(Refused) as refused:
        encode(system, data, 2)
    assert refused.value.at == at


def test_a_system_that_is_not_drawn():
    """GS1 DataBar is not drawn, and asking for it is told apart from wrong data."""
    with pytest.raises(LookupError, match="drawn are 65"):
        encode(75, b"1234567890123", 2)


@pytest.mark.parametrize(("n", "narrow", "wide"), [(2, 2, 5), (3, 3, 8), (4, 4, 10), (5, 5, 13), (6, 6, 16)])
def test_element_widths(n, narrow, wide):
    """GS w: the two widths of CODE39 are those of Epson's table."""
    assert set(encode(barcodes.CODE39, b"A", n).widths) == {narrow, wide}


# -- on paper ---------------------------------------------------------------------------------------------------------
def pieces(job):
    actions, warnings = compose(tokenize(job))
    rows = [a.row for a in actions if isinstance(a, Advance) and a.row is not None]
    return actions, [p for row in rows for p in row.pieces], warnings


def test_both_forms_print_the_same():
    """`GS k 4 ... NUL` and `GS k 69 n ...` put the same bars on paper."""
    _, first, _ = pieces(b"\x1dk\x04A001\0")
    _, second, _ = pieces(b"\x1dk\x45\x04A001")
    assert first == second
    assert first[0].data == b"A001"


def test_text_above_and_below():
    """GS H 3: text, bars, text, each row as high as what stands in it, the text in the font of GS f."""
    actions, (above, bars, below), _ = pieces(b"\x1dh\x40\x1dw\x02\x1dH\x03\x1df\x01\x1dkI\x06{BA001")
    assert [a.dots for a in actions] == [17, 64, 17]
    assert (above.text, below.text, above.style.font) == ("A001", "A001", "B")
    assert isinstance(bars, Barcode)


def test_too_wide_only_feeds():
    """A code wider than the area is not printed; the paper moves by its height (TM-T88III, GS k)."""
    actions, found, warnings = pieces(b"\x1dh\x40\x1dw\x06\x1dkH\x14ABCDEFGHIJKLMNOPQRST")
    assert (actions, found) == ([Advance(64)], [])
    assert "dots wide, the area 576" in warnings[0]


def test_wrong_data_is_printed_as_text():
    """After a byte it does not take, the printer feeds and treats the rest as normal data."""
    actions, found, warnings = pieces(b"\x1dkE\x05AB\xffCD\n")
    assert actions[0] == Advance(162)
    assert [p.text for p in found] == ["CD"]
    assert "is not among its characters" in warnings[0]


def test_in_the_middle_of_a_line_its_data_is_text():
    """GS k is taken only at the beginning of a line; else what follows m is printed."""
    _, found, _ = pieces(b"No \x1dkE\x24" + b"A" * 36 + b"\n")
    assert [p.text for p in found] == ["No $" + "A" * 36]


def test_more_digits_than_the_code_has():
    """The first form prints EAN13 after 13 digits; what comes before NUL is text."""
    _, found, _ = pieces(b"\x1dk\x024006381333931AB\0\n")
    assert isinstance(found[0], Barcode)
    assert found[1].text == "AB"


def test_module_width_out_of_range():
    """GS w 1 is a clone's; a TM-T88 keeps the width in force and says so."""
    _, found, warnings = pieces(b"\x1dw\x01\x1dk\x04A\0")
    assert found[0].bars == encode(barcodes.CODE39, b"A", 3).widths
    assert "2 to 6 dots, not 1" in warnings[0]


@pytest.mark.parametrize("name", sorted(write.SYSTEMS))
def test_the_builder(name):
    """`write.barcode` builds what prints as that system, its data readable from the sheet."""
    data = {"EAN13": "893123456789", "EAN8": "9638507", "UPC-A": "03600029145", "UPC-E": "425261", "ITF": "1234"}
    data |= {"CODABAR": "A12B"}
    (sheet,) = print_sheets(write.barcode(name, data.get(name, "A001"), module=2) + write.cut())
    ((system, held),) = sheet.barcodes
    assert barcodes.NAMES[system] == name
    assert held.endswith(data.get(name, "A001").encode())


def test_the_builder_refuses():
    """Unknown systems, places and data are a mistake of the caller's, told at once."""
    for kwargs, says in (
        ({"system": "CODE11", "data": "1"}, "one-dimensional codes are"),
        ({"system": "CODE39", "data": "A", "text": "left"}, "none, above, below, both"),
        ({"system": "EAN8", "data": "12"}, "7 or 8 digits"),
        ({"system": "CODE128", "data": "x" * 254}, "at most 255"),
    ):
        with pytest.raises(ValueError, match=says):
            write.barcode(**kwargs)
