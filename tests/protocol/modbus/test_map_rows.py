"""Rows of register maps: which are refused, which hold characters, and numbers at the limits of their registers."""

from __future__ import annotations

import pytest

from protocol.modbus.maps import Register, RegisterMap
from protocol.modbus.maps.dm36 import DM36, MOST_DIGITS, number_words
from protocol.modbus.pdu import Table
from protocol.modbus.words import reply_words, request_words

HOLDING = Table.HOLDING


def made(*rows: tuple[str, int, int]) -> RegisterMap:
    return RegisterMap("map", "made up", [Register(name, HOLDING, at, n, "rw", "") for name, at, n in rows], ["a"])


@pytest.mark.parametrize(("at", "n"), [(-1, 1), (0, 0), (0, -1), (0x10000, 1), (0xFFFF, 2), (-1, 0)])
def test_a_row_lies_within_the_addresses(at: int, n: int) -> None:
    """One register at least, from 0 to FFFF; each of these is broken by itself."""
    with pytest.raises(ValueError, match=r"map: 'a' covers .* outside 0\.\.0xFFFF"):
        made(("a", at, n))


@pytest.mark.parametrize(("at", "n"), [(0, 1), (0xFFFF, 1), (0, 0x10000)])
def test_rows_at_the_limits_are_taken(at: int, n: int) -> None:
    """And every address of theirs is held, the next one not."""
    found = made(("a", at, n))
    assert found.holds(HOLDING, at, n)
    assert not found.holds(HOLDING, at, n + 1)
    assert found["a"].end == at + n


def test_rows_share_neither_name_nor_address() -> None:
    """In one table; the mistake names both."""
    with pytest.raises(ValueError, match="two rows are called 'a'"):
        made(("a", 0, 1), ("a", 5, 1))
    with pytest.raises(ValueError, match="'b' and 'a' both cover 0x0001"):
        made(("a", 0, 2), ("b", 1, 1))
    assert len(made(("a", 0, 2), ("b", 2, 1))) == 2


def test_rows_of_characters_stay_with_the_rows() -> None:
    """A model that lacks a row lacks its name there too; DM36's digits are one character each."""
    assert made(("a", 0, 1), ("b", 1, 1)).characters == {"a"}
    assert made(("a", 0, 1), ("b", 1, 1)).without("a").characters == set()
    assert made(("a", 0, 1), ("b", 1, 1)).without("b").characters == {"a"}
    assert DM36.characters == {f"digit_{n}" for n in range(1, MOST_DIGITS + 1)}
    assert all(name in DM36 for name in DM36.characters)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, (0, 0)), (-1, (0x1000, 1)), (1, (0, 1)), (0xFFFFFF, (0xFF, 0xFFFF)), (-0xFFFFFF, (0x10FF, 0xFFFF))],
)
def test_signs_and_sizes_of_a_dm36_number(value: int, words: tuple[int, int]) -> None:
    """The sign is one bit; 24 bits of number either way."""
    assert number_words(value) == words


ROWS = (("a", 0, 4), ("n", 4, 1), ("m", 5, 1), ("k", 6, 1), ("wide", 7, 2))


@pytest.mark.parametrize(
    ("start", "count", "words"),
    [
        (0, 4, "a"),
        (1, 3, "a from register 1"),
        (1, 4, "a from register 1, n"),
        (0, 6, "a, n, m"),
        (0, 7, "a .. k"),
        (2, 5, "a from register 2 .. k"),
        (7, 2, "wide"),
        (8, 1, "0x0008"),
        (8, 2, "0x0008 x 2"),
        (9, 1, "0x0009"),
    ],
)
def test_registers_in_words(start: int, count: int, words: str) -> None:
    """By name, up to three of them; inside a row only where it holds characters; else by address."""
    body = start.to_bytes(2, "big") + count.to_bytes(2, "big")
    assert request_words(made(*ROWS), 3, body) == f"read {words}"


@pytest.mark.parametrize(
    ("start", "data", "words"),
    [
        (0, b"A001\0\0\0\0", "a = 'A001'"),
        (1, b"01", "a from register 1 = '01'"),
        (4, b"\0\x05", "n = 5"),
        (0, b"A001\0\0\0\0\0\x07", "a, n = 16688, 12337, 0, 0, 7"),
    ],
)
def test_contents_in_words(start: int, data: bytes, words: str) -> None:
    """Text where every row that was read holds characters, else numbers."""
    asked = start.to_bytes(2, "big") + (len(data) // 2).to_bytes(2, "big")
    assert reply_words(made(*ROWS), 3, bytes([len(data)]) + data, asked) == words


def test_a_place_inside_a_row_counts_from_its_own_begin() -> None:
    """Wherever the row lies."""
    found = made(("x", 0, 1), ("y", 1, 1), ("a", 2, 4))
    assert request_words(found, 3, b"\0\x03\0\x02") == "read a from register 1"
    assert request_words(found, 3, b"\0\x05\0\x01") == "read a from register 3"


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"\0A\0B\0C", "'ABC'"), (b"\0A\0B\0\0", "'AB'"), (b"\0A\1B\0C", "65, 322, 67")],
)
def test_characters_that_have_a_register_each(data: bytes, words: str) -> None:
    """In the low byte; what stands in a high byte makes them numbers."""
    assert reply_words(DM36, 3, bytes([6]) + data, b"\0\0\0\x03") == f"digit_1, digit_2, digit_3 = {words}"
