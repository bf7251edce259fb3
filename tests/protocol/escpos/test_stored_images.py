"""Pictures a printer keeps: logos, downloads, graphics; and that a ticket's bytes have them inside."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escpos_fuzz import stream
from protocol.escpos import write
from protocol.escpos.composer import Composer, compose, print_sheets
from protocol.escpos.images import turned_columns
from protocol.escpos.paper import Advance, Bits, sheets
from protocol.escpos.stored_images import Memory, Picture
from protocol.escpos.tokenizer import Tokenizer, tokenize

COLUMN = b"\xf0" + b"\x0f" * 7  # 8 columns of 8 dots: the first stands in the upper half, the others in the lower
ROWS = bytes([0x80] * 4 + [0x7F] * 4)
LOGO = b"\x1cq\x01\x01\x00\x01\x00" + COLUMN


def gs_l(body: bytes, *, long: bool = False) -> bytes:
    if long:
        return b"\x1d8L" + len(body).to_bytes(4, "little") + body
    return b"\x1d(L" + len(body).to_bytes(2, "little") + body


def raster_key(key: bytes, function: int, rows: bytes = ROWS) -> bytes:
    return gs_l(bytes((0x30, function, 0x30)) + key + b"\x01\x08\x00\x08\x00\x31" + rows)


def printed(job, composer=None):
    composer = composer or Composer()
    actions = [a for token in tokenize(job) for a in composer.apply(token)]
    return [p for a in actions if isinstance(a, Advance) and a.row for p in a.row.pieces]


@given(st.binary(min_size=1, max_size=300), st.integers(1, 4))
@settings(deadline=None)
def test_columns_turned_dot_by_dot(data, depth):
    """The fast turning is the slow one: dot (column, row) stays dot (column, row)."""
    columns = len(data) // depth
    stride = -(-columns // 8)
    rows = turned_columns(data[: columns * depth], depth)
    assert len(rows) == stride * depth * 8
    for column in range(columns):
        for row in range(depth * 8):
            want = data[column * depth + row // 8] >> (7 - row % 8) & 1
            assert rows[row * stride + column // 8] >> (7 - column % 8) & 1 == want


def test_a_numbered_logo():
    """FS q defines, FS p prints, m doubles."""
    assert printed(LOGO + b"\x1cp\x01\x00") == [Bits(0, 1, 8, ROWS)]
    assert printed(LOGO + b"\x1cp\x01\x33") == [Bits(0, 1, 8, ROWS, 2, 2)]


def test_logos_are_defined_all_together():
    """FS q with two logos numbers them; the next FS q forgets both."""
    two = b"\x1cq\x02" + LOGO[3:] + b"\x01\x00\x01\x00" + b"\xff" * 8
    assert printed(two + b"\x1cp\x02\x00") == [Bits(0, 1, 8, b"\xff" * 8)]
    assert printed(two + LOGO + b"\x1cp\x02\x00") == []


def test_logos_survive_what_downloads_do_not():
    """ESC @ forgets the downloaded image, not the logo."""
    download = b"\x1d*\x01\x01" + COLUMN
    assert len(printed(LOGO + download + b"\x1cp\x01\x00\x1d/\x00")) == 2
    assert printed(LOGO + download + b"\x1b@" + b"\x1cp\x01\x00\x1d/\x00") == [Bits(0, 1, 8, ROWS)]


@pytest.mark.parametrize(("define", "show", "delete"), [(67, 69, 66), (83, 85, 82)])
def test_pictures_by_key(define, show, delete):
    """GS ( L: define, print, delete, in the logos' memory and in the downloads'."""
    job = raster_key(b"G1", define)
    printing = gs_l(bytes((0x30, show)) + b"G1\x01\x02")
    assert printed(job + printing) == [Bits(0, 1, 8, ROWS, 1, 2)]
    assert printed(job + gs_l(bytes((0x30, delete)) + b"G1") + printing) == []
    assert printed(job + gs_l(bytes((0x30, define - 2)) + b"CLR") + printing) == []


def test_the_column_form_is_the_same_picture():
    """Functions 67 and 68, 112 and 113 say the same dots in rows and in columns."""
    head = b"G1\x01\x08\x00\x08\x00\x31"
    show = gs_l(b"\x30\x45G1\x01\x01")
    assert printed(gs_l(b"\x30\x44\x30" + head + COLUMN) + show) == printed(raster_key(b"G1", 67) + show)
    head = b"\x30\x01\x01\x31\x08\x00\x08\x00"
    one, other = (
        printed(gs_l(b"\x30" + f + head + data) + gs_l(b"\x30\x32")) for f, data in ((b"\x70", ROWS), (b"\x71", COLUMN))
    )
    assert one == other == [Bits(0, 1, 8, ROWS)]


def test_a_picture_longer_than_a_short_command_holds():
    """GS 8 L takes what GS ( L cannot, in pieces, and prints the same."""
    rows = bytes(i * 7 % 256 for i in range(72 * 1000))
    body = b"\x30\x70\x30\x01\x01\x31\x40\x02\xe8\x03" + rows
    (bits,) = printed(gs_l(body, long=True) + gs_l(b"\x30\x32"))
    assert (bits.stride, bits.rows, bits.data) == (72, 1000, rows)


@pytest.mark.parametrize(
    "body",
    [
        b"\x30",
        b"\x31\x70",
        b"\x30\x43\x31G1\x01\x08\x00\x08\x00\x31" + ROWS,  # multi-tone
        b"\x30\x43\x30G1\x01\x08\x00\x09\x00\x31" + ROWS,  # shorter than it says
        b"\x30\x43\x30G1\x00\x08\x00\x08\x00\x31" + ROWS,  # no colour
        b"\x30\x43\x30G1\x01\x00\x00\x08\x00\x31",
        b"\x30\x71\x30\x03\x01\x31\x08\x00\x08\x00" + COLUMN,
        b"\x30\x71",
        b"\x30\x45G1",
        b"\x30\x45G1\x03\x01",
        b"\x30\x41XYZ",
    ],
)
def test_malformed_is_not_stored(body):
    """What is not well formed stores and prints nothing, and the stream goes on."""
    assert printed(gs_l(body) + gs_l(b"\x30\x32") + gs_l(b"\x30\x45G1\x01\x01") + b"A\n")[0].text == "A"


def test_memory_is_bounded():
    """A full memory keeps what it has and refuses what is too much; replacing frees the old picture's room."""
    memory = Memory(100)
    assert memory.put(b"A1", Picture(1, 60, bytes(60)))
    assert not memory.put(b"B1", Picture(1, 60, bytes(60)))
    assert not memory.put(b"A1", Picture(1, 101, bytes(101)))
    assert memory.put(b"A1", Picture(1, 100, bytes(100)))
    assert (memory.keys, memory.room) == ([b"A1"], 0)
    memory.delete(b"A1")
    assert memory.room == 100
    many = b"".join(raster_key(b"%02d" % i, 83, bytes(8)) for i in range(10))
    assert len(printed(many + b"".join(gs_l(b"\x30\x55%02d\x01\x01" % i) for i in range(10)))) == 10


def told(job):
    """The bytes a printer would report for a job."""
    composer = Composer()
    out = b""
    for token in tokenize(job):
        composer.apply(token)
        out += composer.told
    return out


@pytest.mark.parametrize(
    ("before", "ticket"),
    [
        (LOGO, b"\x1ba\x01\x1cp\x01\x03A\n"),
        (b"\x1d*\x01\x01" + COLUMN, b"\x1d/\x01A\n"),
        (raster_key(b"G1", 67), gs_l(b"\x30\x45G1\x02\x01") + b"A\n"),
        (gs_l(b"\x30\x70\x30\x02\x02\x31\x08\x00\x08\x00" + ROWS), gs_l(b"\x30\x32") + b"A\n"),
        (write.qr("A001")[:-8], b"\x1d(k\x03\x00\x31\x51\x30A\n"),
    ],
)
def test_a_ticket_is_told_with_its_pictures_inside(before, ticket):
    """What prints a picture kept from earlier is told so that a printer just switched on prints the same."""
    composer = Composer()
    for token in tokenize(before):
        composer.apply(token)
    told_preamble = composer.preamble()
    actions, said = [], b""
    for token in tokenize(ticket):
        actions += composer.apply(token)
        said += composer.told
    assert any(isinstance(p, Bits) or hasattr(p, "module") for a in actions for p in a.row.pieces)
    fresh, warnings = compose(tokenize(told_preamble + said))
    assert [a for a in fresh if isinstance(a, Advance)] == actions
    assert warnings == []


def test_definitions_are_not_told():
    """A logo's own bytes are not part of a ticket, however they come; a whole ticket's other bytes are."""
    assert told(LOGO) == b""
    big = b"\x1cq\x01\x20\x00\x20\x00" + bytes(32 * 32 * 8)
    assert told(big + b"A\n") == b"A\n"
    assert told(gs_l(b"\x30\x43\x30G1\x01\x00\x08\x10\x00\x31" + bytes(256 * 16), long=True)) == b""
    assert told(b"\x1d(~\x10\x27" + bytes(10_000)) == b""
    job = write.init() + write.line("A001") + write.qr("A001") + write.raster(2, [b"\xff\xff"] * 900) + write.cut()
    assert told(job) == job


@pytest.mark.parametrize("seed", range(50))
def test_what_is_told_prints_the_same(seed):
    """Of a stream of broken commands and definitions, what is told puts the same on paper as the stream did."""
    composer, tokenizer = Composer(), Tokenizer()
    actions, said = [], b""
    for token in tokenizer.feed(stream(seed, 1500)):
        actions += composer.apply(token)
        said += composer.told
    paper = [(sheet.lines, sheet.height) for sheet in sheets(actions)]
    assert [(sheet.lines, sheet.height) for sheet in print_sheets(said)] == paper
