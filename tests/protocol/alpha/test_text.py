"""Mode fields, characters and control codes of TEXT and STRING files."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.alpha.codes import EXTENDED, POSITIONS
from protocol.alpha.explain import explain
from protocol.alpha.packet import packet
from protocol.alpha.text import BLOCK, HALF_SPACE, Part, Piece, character, parts, pieces_of, plain


def test_a_mode_field_is_a_position_and_a_mode() -> None:
    """ESC, position, mode; a special mode has a specifier (Table 12). The byte is kept, whatever a client calls it."""
    assert parts(b"\x1b&aHI") == (Part(0x26, ord("a"), 0, (Piece(0, "H"), Piece(0, "I"))),)
    assert parts(b"\x1b n3X") == (Part(0x20, ord("n"), ord("3"), (Piece(0, "X"),)),)
    assert [part.position for part in parts(b'\x1b"bUP\x1b&aDOWN')] == [0x22, 0x26]
    assert POSITIONS[0x26] == "bottom"
    assert POSITIONS[0x30] == "fill"


def test_text_without_a_mode_field_is_automatic() -> None:
    """A client may leave it out."""
    (part,) = parts(b"HI")
    assert (part.mode, part.position) == (ord("o"), 0x30)
    assert parts(b"") == ()


def test_an_empty_text_with_a_mode_field_is_a_part() -> None:
    """It blanks the display, and is not the same as nothing at all (protocols.md 2.2 [C, measured])."""
    assert parts(b"\x1b b") == (Part(0x20, ord("b"), 0, ()),)


def test_control_codes_have_their_parameters() -> None:
    """Colour 1, STRING a, attribute wide on, new line, time."""
    said = pieces_of(b"\x1c1A\x10a\x1d01\r\x13")
    assert said == (
        Piece(0x1C, data=b"1"),
        Piece(0, "A"),
        Piece(0x10, data=b"a"),
        Piece(0x1D, data=b"01"),
        Piece(0x0D),
        Piece(0x13),
    )


def test_a_colour_of_alpha_3_has_six_more_digits() -> None:
    """1C Z RRGGBB."""
    assert pieces_of(b"\x1cZFF8000X") == (Piece(0x1C, data=b"ZFF8000"), Piece(0, "X"))


def test_a_code_that_ends_too_soon_says_nothing() -> None:
    """Nothing is drawn of it, and nothing is raised."""
    assert pieces_of(b"A\x1c") == (Piece(0, "A"),)
    assert parts(b"A\x1b") == (Part(0x30, ord("o"), 0, (Piece(0, "A"),)), Part(0x30, ord("o"), 0, ()))


def test_characters_beyond_ascii() -> None:
    """0x80 to 0xC1 by one byte, or by 08 and 0x20 to 0x61; code page 437 up to 0xA8 [C]."""
    assert [character(code) for code in (0x7E, 0x7F, 0xA9, 0xC2)] == [HALF_SPACE, BLOCK, "°", "?"]
    for place, char in enumerate(EXTENDED):
        assert pieces_of(bytes([0x80 + place])) == pieces_of(bytes([0x08, 0x20 + place])) == (Piece(0, char),)
    assert "".join(map(character, range(0x80, 0xA9))) == bytes(range(0x80, 0xA9)).decode("cp437")


def test_plain_text() -> None:
    """Characters alone; a new line or page is a line feed."""
    assert plain(b"\x1b0b\x1c1A001\rB\x0cC") == "A001\nB\nC"


@given(st.binary(max_size=200))
def test_no_bytes_are_an_exception(data: bytes) -> None:
    """Every byte string is a text, and can be explained."""
    found = parts(data)
    assert sum(len(part.pieces) for part in found) <= len(data)
    assert len(plain(data)) <= len(data)
    explain(data)
    explain(packet((0x41, b"A" + data)))
    explain(packet((0x45, data)))


def test_a_packet_in_words() -> None:
    """`hallbench decode alpha`: to whom, what, checksum."""
    told = explain(packet((0x41, b"A\x1b&aA001")))
    assert told.problem == ""
    assert told.lines == [
        "5 characters of wake-up, SOH, to all signs, address all",
        "STX write TEXT 'A' (checksum right)",
        "  rotate, position bottom: A001",
        "EOT",
    ]
    assert "01FB" in explain(b"\x01Z00\x02AAHELLO\x0301FC\x04").problem
    assert "EOT is missing" in explain(b"\x01Z00\x02AAHELLO").problem
    assert "SOH" in explain(b"HELLO").problem
    assert explain(b"\x06\x50").lines == ["ACK, error status 50: checksum"]
