"""`hallbench decode`: any way of writing bytes is read, wrong ones are pointed at, damage is exit 1."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cli.hexadecimal import NotHexError, parse
from bench.cli.main import main
from protocol.escpos import explain as explain_escpos
from protocol.escpos import write
from protocol.escpos.status import Condition, automatic

GOOD = "01 04 00 00 00 08 F1 CC"


@given(
    st.binary(max_size=40),
    st.sampled_from([" ", ":", ",", ", ", "-", "\n", " 0x", ",0X", "\\x", ""]),
    st.booleans(),
)
def test_every_way_of_writing_bytes_is_read(data: bytes, between: str, upper: bool) -> None:
    """Spaces, colons, commas, 0x, backslash-x, nothing at all, either case: the same bytes."""
    pieces = [f"{byte:02X}" if upper else f"{byte:02x}" for byte in data]
    lead = between.strip(" ,") if between.strip(" ,") in ("0x", "0X", "\\x") else ""
    assert parse((lead if data else "") + between.join(pieces)) == data


@given(st.binary(max_size=20))
def test_glued_prefixes_are_read(data: bytes) -> None:
    """Bytes glued with their prefixes, 0x010x04, are read too."""
    assert parse("".join(f"0x{byte:02x}" for byte in data)) == data


def test_single_digits_between_separators_are_bytes() -> None:
    """A digit alone is a byte: 0x1, 4 F."""
    assert parse("0x1, 4 F") == b"\x01\x04\x0f"


@pytest.mark.parametrize(("text", "position"), [("01 0g", 5), ("xyz", 1), ("01 041", 6), ("0x", 2), ("01 0x 02", 6)])
def test_what_is_not_hexadecimal_is_pointed_at(text: str, position: int) -> None:
    """The place of the first character that does not fit is told, with a caret under it."""
    with pytest.raises(NotHexError) as error:
        parse(text)
    assert error.value.position == position
    shown, caret = error.value.shown().splitlines()
    assert shown[caret.index("^")] == text[position - 1]


@given(st.text(max_size=300))
def test_any_text_is_bytes_or_a_place(text: str) -> None:
    """No text breaks the reader: it gives bytes, or a place inside the text."""
    place = None
    try:
        parse(text)
    except NotHexError as error:
        place = error.position
        error.shown()
    assert place is None or 1 <= place <= len(text)


def test_a_good_frame(capsys: pytest.CaptureFixture[str]) -> None:
    """A sound frame is explained field by field and exits 0, however it is pasted."""
    assert main(["decode", "modbus_rtu", *GOOD.split()]) == 0
    first = capsys.readouterr().out
    assert "read input registers" in first
    assert "CRC F1 CC good" in first
    assert main(["decode", "modbus_rtu", GOOD.replace(" ", ":")]) == 0
    assert capsys.readouterr().out == first


def test_a_bad_crc_is_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    """A frame with a wrong CRC is explained all the same; the right CRC is named; exit 1."""
    assert main(["decode", "modbus_rtu", GOOD.replace("CC", "CD")]) == 1
    told = capsys.readouterr()
    assert "should be F1 CC" in told.out
    assert "the CRC does not match" in told.err


def test_too_few_bytes_are_no_frame(capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be a frame by its length is told so and exits 1."""
    assert main(["decode", "modbus_rtu", "01 04"]) == 1
    assert "4 to 256 bytes" in capsys.readouterr().err


def test_bad_input_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    """Text that is no hexadecimal, or no byte at all, is wrong usage."""
    assert main(["decode", "modbus_rtu", "01", "0g"]) == 2
    assert "character 5: 'g' is not a hexadecimal digit\n  01 0g\n      ^" in capsys.readouterr().err
    assert main(["decode", "escpos", " "]) == 2
    assert main(["decode", "morse", "01"]) == 2


def test_a_dash_reads_from_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`-` reads the bytes from stdin."""
    monkeypatch.setattr("sys.stdin", io.StringIO(GOOD + "\n"))
    assert main(["decode", "modbus_rtu", "-"]) == 0
    assert "CRC F1 CC good" in capsys.readouterr().out


def test_json_is_one_object_with_the_same_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` prints one object with the bytes, the lines and whether all is well, the exit code the same."""
    assert main(["decode", "modbus_rtu", "--json", GOOD.replace("CC", "CD")]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["schema_version"], told["good"], told["bytes"]) == (1, False, 8)
    assert told["hex"] == GOOD.replace("CC", "CD")
    assert told["problem"]


def test_a_ticket_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """A whole ticket: text in the table that the stream chose, each command with its meaning, exit 0."""
    data = write.init() + write.code_page(52) + write.line("SỐ A001") + write.qr("A001") + write.cut()
    data += write.process_id(b"A001")
    assert main(["decode", "escpos", data.hex()]) == 0
    told = capsys.readouterr().out
    for words in ("'SỐ A001'", "QR: store data", "cut", "process id", "table cp1258"):
        assert words in told


@given(st.binary(min_size=1, max_size=200))
def test_every_byte_of_a_stream_is_explained_once(data: bytes) -> None:
    """The offsets of the lines cover any stream without hole or overlap, and nothing breaks the explainer."""
    at = 0
    for line in explain_escpos.to_printer(data).lines:
        first, _, last = line.split()[0].partition("-")
        assert int(first) == at
        at = int(last or first) + 1
    assert at == len(data)


def test_what_is_not_known_is_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown or unfinished command is named with its offset and exits 1."""
    assert main(["decode", "escpos", "41 0A 01"]) == 1
    assert "01 at offset 2 is no known command" in capsys.readouterr().err
    assert main(["decode", "escpos", "1D 28"]) == 1
    assert "1D 28 at offset 0 is a command that ends too soon" in capsys.readouterr().err


@given(st.binary(max_size=120))
def test_any_reply_of_a_printer_is_explained(data: bytes) -> None:
    """Bytes from a printer never break the explainer; bytes that fit nothing make it a problem."""
    told = explain_escpos.from_printer(data)
    assert bool(told.lines) == bool(data)


def test_the_printers_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """Automatic status, flow control and the process id's confirmation are told in words."""
    reply = automatic(Condition(cover_open=True, offline=True)) + b"\x13" + b"\x37\x22A001\x00"
    assert main(["decode", "escpos", "--as", "reply", reply.hex()]) == 0
    told = capsys.readouterr().out
    assert "cover open" in told
    assert "XOFF: busy" in told
    assert "process id 'A001' is on paper" in told
    assert main(["decode", "escpos", "--as", "reply", "FF"]) == 1


@pytest.mark.parametrize("data", [b"\x80" * 1000, bytes(range(256)) * 4, b"\x01" * 1000, b"\x5f" + b"A" * 1000])
def test_what_is_no_escpos_at_all_is_told_in_short(data: bytes) -> None:
    """However long the garbage, no line of what is told is longer than a screen is wide; the rest is counted."""
    for explain in (explain_escpos.to_printer, explain_escpos.from_printer):
        told = explain(data)
        assert max(map(len, told.lines)) <= 240
        assert len(told.problem) <= 300
    unknown = explain_escpos.to_printer(b"\x01" * 1000)
    assert unknown.problem.endswith("01 at offset 4 is no known command; and 995 more")
    assert "'ÇÇÇ" in explain_escpos.to_printer(b"\x80" * 100).lines[0]
    assert explain_escpos.to_printer(b"\x80" * 100).lines[0].endswith("Ç' .. (100 characters)")
