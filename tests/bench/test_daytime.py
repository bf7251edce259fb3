"""Instants of the day in words."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from bench.daytime import clock_text
from bench.scenario.times import parse_time
from firmware_sim.device import MS, NS


def test_an_instant_is_told_as_finely_as_asked() -> None:
    """Minutes, seconds or milliseconds; what is finer is cut off, not rounded."""
    at = (10 * 3600 + 41 * 60 + 7) * NS + 250 * MS + 999_999
    assert clock_text(at) == "10:41"
    assert clock_text(at, seconds=True) == "10:41:07"
    assert clock_text(at, millis=True) == clock_text(at, seconds=True, millis=True) == "10:41:07.250"


def test_an_instant_outside_the_day_is_told_on_the_same_axis() -> None:
    """Past midnight the hours go on; before it the distance has a sign."""
    assert clock_text((24 * 3600 + 300) * NS) == "24:05"
    assert clock_text(-1500 * MS, millis=True) == "-00:00:01.500"


@given(st.integers(min_value=0, max_value=86_400 * NS - 1))
def test_what_is_told_leads_back_to_the_instant(at: int) -> None:
    """The text of an instant of the day is that instant, to the millisecond."""
    text = clock_text(at, millis=True)
    found = re.fullmatch(r"(\d\d:\d\d:\d\d)\.(\d\d\d)", text)
    assert found is not None
    assert parse_time(found[1]) + int(found[2]) * MS == at // MS * MS
