"""The memory configuration, and when files run."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.alpha.memory import (
    DOTS,
    OVERHEAD,
    STRING,
    TEXT,
    BadTableError,
    Entry,
    entries,
    pool_of,
    runs_at,
    runs_on,
    string_file,
    text_file,
    times,
)

LABELS = st.characters(min_codepoint=0x41, max_codepoint=0x7A)


def test_an_entry_is_eleven_characters() -> None:
    """FTPSIZEQQQQ (Table 15): TEXT A of 256 bytes always, STRING a of 32."""
    assert text_file("A", 256).encode() == b"AAU0100FFFF"
    assert string_file("a", 32).encode() == b"aBL00200000"
    assert Entry(ord("P"), DOTS, 7 << 8 | 16, extra=b"4000").encode() == b"PDU07104000"


@given(st.lists(st.tuples(LABELS, st.integers(1, 125), st.booleans()), unique_by=lambda row: row[0], max_size=20))
def test_tables_come_back(rows: list[tuple[str, int, bool]]) -> None:
    """What is encoded is what is taken apart; the pool is the sizes and eleven bytes a file."""
    table = tuple(string_file(label, size) if short else text_file(label, size) for label, size, short in rows)
    assert entries(b"".join(entry.encode() for entry in table)) == table
    assert pool_of(table) == sum(size + OVERHEAD for _, size, _ in rows)


@pytest.mark.parametrize(
    "bad",
    [
        b"AAU0100FFF",
        b"AAU0100FFFFAAU0100FFFF",
        b"AAU01G0FFFF",
        b"AAU +10FFFF",
        b"AAU0_10FFFF",
        b"AAX0100FFFF",
        b"ACU0100FFFF",
        b"0AU0100FFFF",
        b"aBU00200000",
        b"?BL00200000",
        b"aBL007E0000",
        b"aBL00000000",
        b"PDU00104000",
        b"PDU07004000",
        b"PDU20104000",
        b"PDU07103000",
        b"AAU0100FF",
        b"AAU0100ZZZZ",
        b"AAU010090FF",
        b"\x07AU0100FFFF",
    ],
)
def test_bad_tables_are_refused(bad: bytes) -> None:
    """Wrong length, twice the same label, sizes, locks, kinds, labels, colours and times that there are not."""
    with pytest.raises(BadTableError):
        entries(bad)


def test_a_picture_takes_half_a_byte_a_dot() -> None:
    """Measured on a BetaBrite [C]; an odd dot takes a whole byte."""
    assert Entry(0x50, DOTS, 7 << 8 | 16, extra=b"4000").room == 56
    assert Entry(0x50, DOTS, 1 << 8 | 1, extra=b"4000").room == 1
    assert (Entry(0x41, TEXT, 300).room, Entry(0x41, STRING, 30).room) == (300, 30)


def test_pictures_of_every_size_are_taken() -> None:
    """1 to 31 rows, 1 to 255 columns, three depths of colour (Table 15)."""
    for size in (0x0101, 0x0210, 0x08FF, 0x1FFF):
        for depth in (b"1000", b"2000", b"4000"):
            assert entries(b"PDU%04X" % size + depth) == (Entry(0x50, DOTS, size, extra=depth),)


@pytest.mark.parametrize(
    ("code", "pair"),
    [(b"8F30", (0x8F, 0x30)), (b"308F", (0x30, 0x8F)), (b"FDFE", (0xFD, 0xFE)), (b"ff00", (0xFF, 0))],
)
def test_time_codes_are_hexadecimal(code: bytes, pair: tuple[int, int]) -> None:
    """Start and stop as two digits each (Appendix B)."""
    assert times(code) == pair


@pytest.mark.parametrize(
    ("start", "stop", "minute", "runs"),
    [
        (0xFF, 0x00, 5, True),
        (0xFD, 0xFE, 5, True),
        (0xFE, 0xFF, 5, False),
        (0x30, 0x36, 479, False),
        (0x30, 0x36, 480, True),
        (0x30, 0x36, 539, True),
        (0x30, 0x36, 540, False),
        (0x8A, 0x06, 1390, True),
        (0x8A, 0x06, 59, True),
        (0x8A, 0x06, 60, False),
        (0x30, 0xFF, 0, True),
        (0x30, 0xFE, 500, False),
    ],
)
def test_times_of_day(start: int, stop: int, minute: int, runs: bool) -> None:
    """Ten-minute steps, over midnight too; always, all day and never (Appendix B)."""
    assert runs_at(start, stop, minute) is runs


@pytest.mark.parametrize(
    ("start", "stop", "days"),
    [
        ("0", "0", {1, 2, 3, 4, 5, 6, 7}),
        ("8", "0", {2, 3, 4, 5, 6}),
        ("9", "0", {1, 7}),
        ("2", "4", {2, 3, 4}),
        ("6", "2", {6, 7, 1, 2}),
        ("5", "0", {5}),
        ("A", "0", {1, 2, 3, 4, 5, 6, 7}),
        ("B", "0", set()),
    ],
)
def test_days_of_the_week(start: str, stop: str, days: set[int]) -> None:
    """Daily, Monday to Friday, weekend, from a day to a day, always, never (Table 15)."""
    assert {day for day in range(1, 8) if runs_on(ord(start), ord(stop), day)} == days


@given(st.binary(max_size=60))
def test_no_bytes_are_another_exception(data: bytes) -> None:
    """A table is read or refused."""
    with contextlib.suppress(BadTableError):
        assert pool_of(entries(data)) >= 0
    with contextlib.suppress(BadTableError):
        assert all(0 <= code <= 0xFF for code in times(data[:4]))
