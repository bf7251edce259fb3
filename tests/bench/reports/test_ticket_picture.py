"""Pictures of tickets: dot for dot what the printer burned, readable by a scanner and by people."""

from __future__ import annotations

from importlib import resources

import pytest
import zxingcpp
from PIL import Image, ImageChops, ImageOps

from bench.reports.pictures import ticket, typeface
from protocol.escpos import write
from protocol.escpos.composer import print_sheets
from protocol.escpos.profiles import KIOSK_58, KIOSK_80, TM_T88

LOWER = "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđ"
LETTERS = LOWER + LOWER.upper() + "0123456789 .,:-|"
TOP = TM_T88.cutter_dots


def ink(picture: Image.Image) -> tuple[int, int, int, int] | None:
    """The box that holds all black dots."""
    return ImageOps.invert(picture.convert("L")).getbbox()


def black(picture: Image.Image) -> int:
    """How many dots are black."""
    return picture.convert("L").histogram()[0]


def drawn(job: bytes, height: int = 24) -> Image.Image:
    """The first row of a job, cut out of its picture."""
    return ticket.draw(job).crop((0, TOP, 576, TOP + height))


@pytest.mark.parametrize("profile", [TM_T88, KIOSK_58])
def test_one_pixel_a_dot(profile):
    """The picture is as wide as the head and as high as the sheet, pure black and white."""
    job = write.line("A001") + write.cut()
    picture = ticket.draw(job, profile)
    (sheet,) = print_sheets(job, profile)
    assert (picture.mode, picture.size) == ("1", (profile.width_dots, sheet.height))


def test_nothing_printed():
    """Bytes that put nothing on paper give a strip without a black dot."""
    picture = ticket.draw(b"")
    assert picture.size == (576, 1)
    assert ink(picture) is None


@pytest.mark.parametrize(
    ("data", "module", "level", "align"),
    [
        ("A001", 3, "L", "left"),
        ("A001", 6, "M", "center"),
        ("012345678901234", 4, "Q", "right"),
        ("https://hall.example/t/A001?q=Số", 6, "H", "center"),
        ("tan_hoi|2025-03-10|B117", 10, "M", "center"),
        ("x" * 700, 4, "L", "center"),
    ],
)
def test_qr_is_read_back(data, module, level, align):
    """An independent scanner reads from the picture what the host put into the symbol."""
    job = write.align(align) + write.qr(data, module, level) + write.feed(1) + write.cut()
    (found,) = zxingcpp.read_barcodes(ticket.draw(job).convert("L"))
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    assert found.bytes == data.encode()


def test_qr_is_where_and_as_large_as_the_paper_model_says():
    """Black dots fill exactly the square of the symbol."""
    job = write.align("right") + write.qr("A001", 6)
    assert ink(ticket.draw(job)) == (576 - 126, TOP, 576, TOP + 126)


def test_a_ticket_is_read_back_whole():
    """Among the text of a real ticket the code is found, and it is the only one."""
    job = (
        write.init()
        + write.code_page(52)
        + write.align("center")
        + write.line("ỦY BAN NHÂN DÂN XÃ TÂN HỘI")
        + write.size(5, 5)
        + write.line("A001")
        + write.size(1, 1)
        + write.feed(1)
        + write.qr("A001")
        + write.feed(1)
        + write.line("Đà Nẵng, số thứ tự")
        + write.cut()
    )
    assert [found.text for found in zxingcpp.read_barcodes(ticket.draw(job).convert("L"))] == ["A001"]


@pytest.mark.parametrize("file", ["IBMPlexMono-Regular.ttf", "IBMPlexMono-Bold.ttf"])
def test_fonts_have_every_vietnamese_letter(file):
    """No letter is drawn as the font's "missing" box."""
    face = typeface.face((12, 24), bold="Bold" in file)
    missing = bytes(face.getmask("\U0010fffd"))
    assert [c for c in LETTERS if c != " " and bytes(face.getmask(c)) == missing] == []
    assert (resources.files("bench.reports") / "fonts" / file).is_file()


def test_the_licence_of_the_fonts_is_there():
    """The Open Font License asks that its text goes with the fonts."""
    text = (resources.files("bench.reports") / "fonts" / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in text
    assert "IBM Corp." in text


@pytest.mark.parametrize("bold", [False, True])
def test_every_letter_looks_different(bold):
    """In the 12 x 24 cell all Vietnamese letters can be told apart: no tone mark is cut off or runs together."""
    looks: dict[bytes, str] = {}
    for letter in LETTERS:
        dots = typeface.glyph(letter, (12, 24), bold=bold).tobytes() if letter != " " else b""
        assert dots not in looks, f"{letter} looks like {looks[dots]}"
        looks[dots] = letter


def test_letters_stay_in_their_cells():
    """A tall capital touches neither the line above nor the cell beside it: its ink is inside its own cell."""
    picture = drawn(write.code_page(52) + write.line(" Ế Ặ g "), 30)
    for i in (0, 2, 4, 6):
        assert ink(picture.crop((12 * i, 0, 12 * i + 12, 30))) is None
    for i in (1, 3, 5):
        box = ink(picture.crop((12 * i, 0, 12 * i + 12, 30)))
        assert box is not None
        assert box[3] <= 24


def test_letters_stand_on_one_line():
    """Letters without a descender end on the same dot row, in both weights and with a pressed capital among them."""
    for bold in (False, True):
        ends = {ink(typeface.glyph(letter, (12, 24), bold=bold))[3] for letter in "AEHLMTxzẾĂ1"}
        assert len(ends) == 1


def test_enlarging_doubles_dots():
    """GS ! makes blocks of the dots of the small character, as a printer does."""
    small = drawn(b"A\n").crop((0, 0, 12, 24)).convert("L")
    large = drawn(b"\x1d!\x12A\n", 72).crop((0, 0, 24, 72)).convert("L")
    assert ImageChops.difference(large, small.resize((24, 72), Image.Resampling.NEAREST)).getbbox() is None


def test_small_and_large_share_a_base_line():
    """Characters of different heights on one row stand on the same line: the small one is at the bottom."""
    picture = drawn(b"\x1d!\x11A\x1d!\x00A\n", 48)
    large, small = ink(picture.crop((0, 0, 24, 48))), ink(picture.crop((24, 0, 36, 48)))
    assert large is not None
    assert small is not None
    assert abs((48 - large[3]) - 2 * (48 - small[3])) <= 2


def test_each_style_of_print_burns_its_dots():
    """Bold burns more dots than plain, reverse all the others, underline the cell's last rows, upside down turns it."""
    plain, bold = drawn(b"A\n"), drawn(write.bold() + b"A\n")
    assert black(bold) > black(plain) > 0
    reverse = drawn(write.reverse() + b"A\n").crop((0, 0, 12, 24))
    assert black(reverse) == 12 * 24 - black(plain)
    line = drawn(write.underline(2) + b"A\n")
    assert black(line.crop((0, 22, 12, 24))) == 24
    turned = drawn(b"\x1b{\x01A\n").crop((564, 0, 576, 24))
    assert (
        ImageChops.difference(turned.convert("L"), plain.crop((0, 0, 12, 24)).rotate(180).convert("L")).getbbox()
        is None
    )


def test_alignment_is_seen():
    """The same word left, centred and right: its ink moves by the dots it should."""
    boxes = [ink(drawn(write.align(where) + b"ABCD\n")) for where in ("left", "center", "right")]
    lefts = [box[0] for box in boxes if box is not None]
    assert [left - lefts[0] for left in lefts] == [0, 264, 528]


def test_raster_dot_for_dot():
    """Each bit of a raster picture is one black dot at its place; mode 3 doubles it both ways."""
    rows = [bytes([0b10110000, 0b00000001]), bytes([0, 0xFF])]
    picture = drawn(write.raster(2, rows), 2)
    got = [[picture.getpixel((x, y)) == 0 for x in range(16)] for y in range(2)]
    assert got == [[bool(row[x // 8] >> (7 - x % 8) & 1) for x in range(16)] for row in rows]
    assert black(drawn(write.raster(2, rows, mode=3), 4)) == 4 * black(picture)


def test_bit_images_join_into_a_picture():
    """Strips of ESC * at a line spacing of 24 dots leave no gap and no overlap."""
    strip = b"\x1b*\x21\x08\x00" + b"\xff" * 24 + b"\n"
    picture = drawn(b"\x1b3\x18" + strip * 3, 72)
    assert ink(picture) == (0, 0, 8, 72)
    assert black(picture) == 8 * 72


def test_a_cut_through_a_line_is_seen():
    """A cut without a feed: the picture of the first ticket ends within the text, the next begins with the rest."""
    picture = ticket.draw(b"H\n" * 5 + b"\x1bJ\x0c" + write.cut_here() + write.cut())
    cut = picture.crop((0, 0, picture.width, 162))
    rest = picture.crop((0, 162 + ticket.GAP, picture.width, picture.height))
    whole = black(drawn(b"H\n"))
    assert whole < black(cut) < 2 * whole
    assert black(cut) + black(rest) == 5 * whole


def test_several_tickets():
    """Two tickets in one picture stand one below the other, a dashed line between them."""
    one = write.line("A001") + write.cut()
    single, double = ticket.draw(one), ticket.draw(one + one)
    assert double.height == 2 * single.height + ticket.GAP
    for y in (0, single.height + ticket.GAP):
        part = double.crop((0, y, 576, y + single.height))
        assert ImageChops.difference(part.convert("L"), single.convert("L")).getbbox() is None
    assert black(double.crop((0, single.height, 576, single.height + ticket.GAP))) == 576 // 2


def test_the_same_bytes_give_the_same_picture():
    """Drawing is a pure function: twice the same, whatever was drawn between."""
    job = write.code_page(52) + write.line("Số thứ tự") + write.qr("A001") + write.cut()
    before = ticket.draw(job).tobytes()
    ticket.draw(write.bold() + write.line("khac", "cp437"))
    assert ticket.draw(job).tobytes() == before


# -- codes, pages, turned characters ----------------------------------------------------------------------------------
BARCODES = {
    "CODE128": ("A001", "A001"),
    "CODE39": ("A001", "A001"),
    "CODE93": ("A001", "A001"),
    "ITF": ("20250310", "20250310"),
    "CODABAR": ("A2025B", "A2025B"),
    "EAN13": ("893123456789", "8931234567897"),
    "EAN8": ("9638507", "96385074"),
    "UPC-A": ("03600029145", "0036000291452"),
    "UPC-E": ("425261", "0042100005264"),
}


@pytest.mark.parametrize("profile", [TM_T88, KIOSK_58], ids=["576", "384"])
@pytest.mark.parametrize("name", BARCODES)
def test_barcodes_are_read_back(name, profile):
    """Each system, with its text below, between lines of a ticket: a scanner finds it and reads it right."""
    sent, read = BARCODES[name]
    job = (
        write.align("center")
        + write.line("Phieu so thu tu")
        + write.feed(1)
        + write.barcode(name, sent, height=80, module=2)
        + write.feed(1)
        + write.line("Xin cam on")
        + write.cut()
    )
    (found,) = zxingcpp.read_barcodes(ticket.draw(job, profile).convert("L"))
    assert found.text == read


def test_bars_are_dots_of_the_head():
    """The bars fill exactly their height and width, each a whole number of dots."""
    job = b"\x1dh\x40\x1dw\x03\x1dkI\x06{BA001"
    box = ink(ticket.draw(job))
    assert box == (0, TOP, 79 * 3, TOP + 64)
    line = [ticket.draw(job).getpixel((x, TOP + 5)) == 0 for x in range(79 * 3)]
    assert all(line[i] == line[i + 1] == line[i + 2] for i in range(0, 79 * 3, 3))


@pytest.mark.parametrize("runs", write.DIRECTIONS)
def test_a_page_in_every_direction(runs):
    """A number, a QR symbol and a barcode in an area: turned back, the picture is that of the plain direction."""
    parts = (
        write.size(3, 3)
        + b"\x1d$\x30\x00A001\n"
        + write.size(1, 1)
        + b"\x1d$\xf0\x00"
        + write.qr("A001", 5)
        + b"\x1b$\xb4\x00"
        + write.barcode("CODE128", "B117")
    )
    turned = {"right": None, "up": Image.Transpose.ROTATE_270, "left": Image.Transpose.ROTATE_180}
    turned |= {"down": Image.Transpose.ROTATE_90}
    picture = (
        ticket.draw(write.page(write.area(0, 0, 400, 400, runs), parts)).convert("L").crop((0, TOP, 400, TOP + 400))
    )
    upright = picture if turned[runs] is None else picture.transpose(turned[runs])
    plain = ticket.draw(write.page(write.area(0, 0, 400, 400), parts)).convert("L").crop((0, TOP, 400, TOP + 400))
    assert ImageChops.difference(upright, plain).getbbox() is None
    assert {found.text for found in zxingcpp.read_barcodes(picture)} == {"A001", "B117"}


def test_a_page_is_cut_at_its_areas_edge():
    """What is higher than the area, or leaves it to the right, is not on the paper."""
    job = write.page(write.area(100, 50, 60, 100), b"\x1d!\x33AB\n")
    box = ink(ticket.draw(job))
    assert box is not None
    assert box[0] >= 100
    assert box[2] <= 160
    assert box[1] >= TOP + 50


def test_turned_characters():
    """ESC V: each character lies on its side, a quarter turn clockwise, in a cell as wide as it was high."""
    plain = drawn(b"R\n").crop((0, 0, 12, 24)).convert("L")
    turned = drawn(b"\x1bV\x01R\n").crop((0, 0, 24, 12)).convert("L")
    assert ImageChops.difference(turned, plain.transpose(Image.Transpose.ROTATE_270)).getbbox() is None
    large = drawn(b"\x1bV\x01\x1d!\x01R\n").crop((0, 0, 48, 12)).convert("L")
    high = drawn(b"\x1d!\x01R\n", 48).crop((0, 0, 12, 48)).convert("L")
    assert ImageChops.difference(large, high.transpose(Image.Transpose.ROTATE_270)).getbbox() is None


def test_an_upside_down_line_is_the_line_turned():
    """ESC {: the whole line, its blank end too, is turned half a turn, so that the turned ticket reads as usual."""
    job = write.bold() + b"So " + write.bold(False) + write.size(2, 1) + b"A001" + write.size(1, 1) + b" x\n"
    plain = drawn(job).convert("L")
    turned = drawn(b"\x1b{\x01" + job).convert("L")
    assert ImageChops.difference(turned.transpose(Image.Transpose.ROTATE_180), plain).getbbox() is None
    (sheet,) = print_sheets(b"\x1b{\x01" + job + write.cut())
    assert sheet.lines == ["So A001 x"]


def test_dots_only_add():
    """Printing over the same place burns both: no character wipes out the other."""
    one, other, both = (drawn(job) for job in (b"|\n", b"-\n", b"|\x1b$\x00\x00-\n"))
    union = ImageChops.logical_and(one, other)  # black is 0
    assert ImageChops.difference(both.convert("L"), union.convert("L")).getbbox() is None


@pytest.mark.parametrize("profile", [TM_T88, KIOSK_58, KIOSK_80], ids=lambda p: p.name)
def test_a_logo_is_read_back(profile):
    """A QR symbol stored as an NV logo and printed with FS p is read from the ticket."""
    from segno import make_qr

    matrix = make_qr("logo|A001", error="M").matrix
    size = len(matrix) * 4
    columns = bytearray()
    stride = -(-size // 8)
    for x in range(stride * 8):
        column = "".join("1" if x < size and y < size and matrix[y // 4][x // 4] else "0" for y in range(stride * 8))
        columns += int(column, 2).to_bytes(stride, "big")
    words = stride.to_bytes(2, "little") * 2
    job = b"\x1cq\x01" + words + bytes(columns) + write.align("center") + b"\x1cp\x01\x00" + write.feed(1) + write.cut()
    (found,) = zxingcpp.read_barcodes(ticket.draw(job, profile).convert("L"))
    assert found.text == "logo|A001"


def test_a_picture_has_an_end():
    """Hours of feeding give a picture of four metres, cut off with a dashed line, not a gigabyte."""
    picture = ticket.draw(b"\x1bJ\xff" * 100_000 + write.cut())
    assert picture.height == ticket.MOST_DOTS
    assert black(picture.crop((0, picture.height - 1, 576, picture.height))) == 288


@pytest.mark.parametrize("char", "□♥Ωż—…₫€")
def test_other_signs_are_drawn(char):
    """Signs that codes and tables bring beyond letters have a shape or the font's box, and never an error."""
    assert black(typeface.glyph(char, (12, 24), bold=False)) > 0
