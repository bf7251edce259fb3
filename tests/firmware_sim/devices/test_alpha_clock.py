"""A sign's clock: time, day and date, each set by itself."""

from __future__ import annotations

import pytest

from firmware_sim.devices.alpha_clock import AlphaClock

MINUTE = 60 * 1_000_000_000
DAY = 24 * 60 * MINUTE


def test_it_starts_at_midnight_and_goes_on() -> None:
    """0:00 on a Sunday, and the day after is a Monday."""
    clock = AlphaClock()
    assert (clock.told_time(0), clock.told_weekday(0), clock.told_date(0)) == (b"0000", b"1", b"010100")
    assert (clock.told_time(DAY + 61 * MINUTE), clock.told_weekday(DAY)) == (b"0101", b"2")


def test_what_is_set_goes_on_from_there() -> None:
    """Set at 12:34 to 23:59 on a Saturday, 28 February 2096: two minutes later it is Sunday, the 29th."""
    clock = AlphaClock()
    now = 754 * MINUTE
    assert clock.set_time(now, b"2359")
    assert clock.set_weekday(now, b"7")
    assert clock.set_date(now, b"022896")
    assert (clock.told_time(now), clock.told_weekday(now), clock.told_date(now)) == (b"2359", b"7", b"022896")
    later = now + 2 * MINUTE
    assert (clock.told_time(later), clock.told_weekday(later), clock.told_date(later)) == (b"0001", b"1", b"022996")
    assert clock.next_minute(later + 5) == later + MINUTE


def test_years_have_a_window() -> None:
    """97 to 99 are 1997 to 1999, the rest 2000 on (footnote 15)."""
    clock = AlphaClock()
    clock.set_date(0, b"123199")
    assert clock.text(0, 0x0B, b"8") == "DEC.31, 1999"
    assert clock.text(DAY, 0x0B, b"8") == "JAN.01, 2000"


@pytest.mark.parametrize(
    ("form", "text"),
    [(b"0", "03/10/25"), (b"1", "10/03/25"), (b"5", "10.03.25"), (b"8", "MAR.10, 2025"), (b"9", "MON"), (b"x", "")],
)
def test_dates_in_texts(form: bytes, text: str) -> None:
    """Control code 0B and its forms (Appendix G)."""
    clock = AlphaClock()
    clock.set_date(0, b"031025")
    clock.set_weekday(0, b"2")
    assert clock.text(0, 0x0B, form) == text


def test_times_in_texts() -> None:
    """Twelve or twenty-four hours."""
    clock = AlphaClock()
    assert clock.text(0, 0x13, b"") == "12:00 AM"
    clock.set_time(0, b"1305")
    assert clock.text(0, 0x13, b"") == "1:05 PM"
    assert clock.set_format(b"M")
    assert clock.text(0, 0x13, b"") == "13:05"


@pytest.mark.parametrize("bad", [b"", b"24", b"2400", b"0060", b"12:0", b"123", b"+1+1"])
def test_wrong_times_are_refused(bad: bytes) -> None:
    """Four digits of a day."""
    assert not AlphaClock().set_time(0, bad)


def test_wrong_days_and_dates_are_refused() -> None:
    """1 to 7; months and days that there are; S or M."""
    clock = AlphaClock()
    assert not any(clock.set_weekday(0, bad) for bad in (b"0", b"8", b"", b"12"))
    assert not any(clock.set_date(0, bad) for bad in (b"130125", b"000125", b"010025", b"013225", b"0101"))
    assert not clock.set_format(b"X")
