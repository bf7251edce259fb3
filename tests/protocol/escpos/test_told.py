"""ESC/POS in words, both ways, to the letter: each command, each reply, and what of a stream is not understood."""

from __future__ import annotations

import pytest

from protocol.escpos.explain import from_printer, page_after, to_printer
from protocol.escpos.status import Condition, automatic
from protocol.escpos.tokenizer import tokenize


def said(data):
    """The lines for a stream that is understood."""
    lines, problem = to_printer(data)
    assert problem == ""
    return lines


def meaning(data):
    """What is said of the last command."""
    return said(data)[-1][49:]


def test_a_line_has_place_bytes_name_and_meaning():
    """The offset of its first and last byte, the first eight bytes, and how many more there are."""
    assert said(b"\x1b@A001\n\x1dV\x42\x00") == [
        "      0-1  1B 40                       ESC @     settings of power-on",
        "      2-5  41 30 30 31                 text      'A001'",
        "        6  0A                          LF        print and feed one line",
        "     7-10  1D 56 42 00                 GS V      cut; parameters 42 00",
    ]
    assert said(b"12345678")[0] == "      0-7  31 32 33 34 35 36 37 38     text      '12345678'"
    assert said(b"123456789")[0] == "      0-8  31 32 33 34 35 36 37 38 ..  text      '123456789'"
    assert to_printer(b"") == ([], "")


def test_a_long_text_is_cut():
    """After 64 characters, with how many there are."""
    assert meaning(b"x" * 64) == f"'{'x' * 64}'"
    assert meaning(b"x" * 65) == f"'{'x' * 64}' .. (65 characters)"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x1d(k\x04\x001A2\x00", "QR: model; 2 bytes 32 00 '2.'"),
        (b"\x1d(k\x03\x001C\x06", "QR: module size; 1 byte 06 '.'"),
        (b"\x1d(k\x03\x001E0", "QR: error correction; 1 byte 30 '0'"),
        (b"\x1d(k\x07\x001P0A001", "QR: store data; 5 bytes 30 41 30 30 31 '0A001'"),
        (b"\x1d(k\x03\x001Q0", "QR: print; 1 byte 30 '0'"),
        (b"\x1d(k\x03\x001R0", "function 31 52; 1 byte 30 '0'"),
        (b"\x1d(H\x06\x0000A001", "process id: tell when all before it is on paper; 4 bytes 41 30 30 31 'A001'"),
        (b"\x1d(k\x02\x001Q", "QR: print"),
        (b"\x1d(k\x01\x001", "extended function; parameters 01 00; 1 byte 31 '1'"),
        (b"\x1dk\x04A1\x1f ~\x7f\x00", "barcode; parameters 04; 6 bytes 41 31 1F 20 7E 7F 'A1. ~.'"),
        (b"\x1dkE\x09123456789", "barcode; parameters 45 09; 9 bytes 31 32 33 34 35 36 37 38 .. '123456789'"),
        (b"\x1dkE\x28" + b"1" * 40, f"barcode; parameters 45 28; 40 bytes 31 31 31 31 31 31 31 31 .. '{'1' * 32}'"),
        (b"\x1bt\x34", "character table; parameters 34; table cp1258"),
        (b"\x1bt\x06", "character table; parameters 06; table unknown on a TM-T88"),
        (b"\x1ba\x01", "alignment; parameters 01"),
        (b"\x00", "nothing"),
    ],
)
def test_each_command_says_what_it_carries(data, words):
    """Functions of extended commands by name, parameters and data in hexadecimal, data as text beside it."""
    assert meaning(data) == words


def test_data_in_pieces():
    """How much is announced, and how much is still to come."""
    lines = said(b"\x1dv0\x00\x50\x00\x10\x00" + bytes(1280))
    assert lines[0][49:].endswith("; parameters 00 50 00 10 00; 1280 bytes of data follow")
    assert [line[49:] for line in lines[1:]] == [
        *(f"256 bytes of data, {n} to come" for n in (1024, 768, 512, 256)),
        "256 bytes of data",
    ]
    assert lines[1].startswith("    8-263  ")


def test_text_is_shown_in_the_table_in_force():
    """ESC t changes it, ESC @ takes it back; a table that is not known changes nothing."""
    texts = [line[49:] for line in said(b"\x82\x1bt\x10\x82\x1bt\x06\x82\x1bt\x0b\x82\x1b@\x82") if "  text  " in line]
    assert texts == ["'é'", "'‚'", "'‚'", "'‚'", "'é'"]
    (select,), (reset,), (other,) = (tokenize(data) for data in (b"\x1bt\x02", b"\x1b@", b"\n"))
    pages = {0: "cp437", 2: "cp850"}
    assert page_after(select, "cp437", pages) == "cp850"
    assert page_after(select, "cp437", {0: "cp437"}) == "cp437"
    assert page_after(select, "cp437", {0: "cp437", 2: "thai"}) == "cp437"
    assert page_after(reset, "cp850", pages) == "cp437"
    assert page_after(other, "cp850", pages) == "cp850"


def test_what_is_not_understood_is_named_with_its_place():
    """The first five of them; how many more there are is said, too."""
    lines, problem = to_printer(b"A\x1b~\x1bt")
    assert lines[1].endswith("unknown   no known command")
    assert lines[2].endswith("incomplete  a command that ends too soon")
    assert problem == "1B 7E at offset 1 is no known command; 1B 74 at offset 3 is a command that ends too soon"
    assert to_printer(b"\x1b~" * 5)[1].count("no known command") == 5
    assert to_printer(b"\x1b~" * 5)[1].endswith("at offset 8 is no known command")
    assert to_printer(b"\x1b~" * 6)[1].endswith("at offset 8 is no known command; and 1 more")
    assert to_printer(b"\x1b~" * 1505)[1].endswith("; and 1,500 more")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x11", "XON: ready"),
        (b"\x13", "XOFF: busy"),
        (b"\x14\x00\x00\x00", "14 00 00 00  automatic status: ready, paper in, cover closed"),
        (b"\x3c\x00\x03\x00", "3C 00 03 00  automatic status: offline, cover open, near end"),
        (b"\x10\x00\x00\x00", "10 00 00 00  automatic status: drawer high"),
        (b"\x03", "03  answer to GS r or GS I"),
        (b"\x37\x22A001\x00", "confirmed: everything before process id 'A001' is on paper"),
        (b"\x37\x22A\xff01\x00", r"confirmed: everything before process id 'A\\xff01' is on paper"),
        (b"\x37\x25\x00", "the buffers are empty"),
        (b"\x5fEPSON\x00", "5F  block 'EPSON'"),
        (b"\x16", "16  answer to DLE EOT: as n=1: drawer high; n=2: cover open; n=3: recoverable; n=4: -"),
        (b"\x7e", "7E  answer to DLE EOT: "),
    ],
)
def test_each_reply_says_what_it_tells(data, words):
    """Flow, status with what is not as usual, confirmations and blocks."""
    (line,), problem = from_printer(data)
    assert line.startswith(words)
    assert problem == ""


def test_replies_that_are_none():
    """A byte that fits no reply and one that is not complete are told in the lines and as the problem."""
    assert from_printer(b"\x80\x11") == (["80  fits no reply", "XON: ready"], "80 fits no reply")
    lines, problem = from_printer(b"\x37\x22A")
    assert lines == ["37 22 41: a reply that is not complete"]
    assert problem == "the reply 37 22 41 is not complete"
    assert from_printer(b"\x5f1234567")[1] == "the reply 5F 31 32 33 34 35 36 37 is not complete"
    assert from_printer(b"\x5f12345678")[1] == "the reply 5F 31 32 33 34 35 36 37 .. (9 bytes) is not complete"
    assert from_printer(b"") == ([], "")
    assert from_printer(b"\x80" * 7)[1].endswith("80 fits no reply; and 2 more")


def test_every_condition_has_its_words():
    """As the fields are called, with spaces."""
    told = {"offline", "waiting", "feed_button", "feeding", "cover_open", "recoverable", "cutter_error", "paper_end"}
    for name in told:
        (line,), _ = from_printer(automatic(Condition(**{name: True})))
        assert line.endswith(f"automatic status: {name.replace('_', ' ')}")
