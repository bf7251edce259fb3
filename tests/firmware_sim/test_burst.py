"""Burst arithmetic: instants are exact, never drift, and a cut ends at a character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.burst import Burst, LineSettings, collide
from firmware_sim.device import COLLISION, NS
from line_strategies import SETTINGS

DATA = st.binary(min_size=1, max_size=300)
START = st.integers(0, 86_400 * NS)


def test_character_of_8n1_and_8e1():
    """8N1 is ten bits a character, 8E1 eleven: protocols.md 1.1."""
    assert LineSettings.parse("9600 8N1").char_bits == 10
    assert LineSettings.parse("19200 8E1").char_bits == 11
    assert LineSettings(9600).duration(12) == 12_500_000


@given(SETTINGS)
def test_settings_read_back(settings):
    """What settings print is what they are read from."""
    assert LineSettings.parse(str(settings)) == settings


@pytest.mark.parametrize("text", ["", "9600", "8N1", "9600 9N1", "9600 8X1", "9600 8N3", "fast 8N1", "0 8N1"])
def test_settings_that_cannot_be(text):
    """Anything that is not a line's settings is refused."""
    with pytest.raises(ValueError, match=r"settings|stop"):
        LineSettings.parse(text)


@given(SETTINGS, DATA, START)
def test_instants_are_exact(settings, data, start):
    """Character n is complete after exactly n characters' time, rounded up once: no drift, and arrived() agrees."""
    burst = Burst("x", data, start, settings)
    for n in {0, 1, len(data) // 2, len(data)}:
        exact = n * settings.half_bits * NS
        assert burst.when(n) - start == -(-exact // (2 * settings.baud))
        assert burst.arrived(burst.when(n)) == n
        if n:
            assert burst.arrived(burst.when(n) - 1) == n - 1
    assert burst.end == burst.when(len(data))


@given(SETTINGS, DATA, START, st.floats(-0.5, 1.5), st.booleans())
def test_cut_keeps_what_was_sent_and_returns_the_rest(settings, data, start, where, finish):
    """A cut burst plus what was not sent is the whole; the character in progress ends only when the sender may."""
    burst = Burst("x", data, start, settings)
    at = start + int((burst.end - start) * where)
    complete = burst.arrived(at)
    rest = burst.cut(at, finish=finish)
    lost = len(data) - len(burst.data) - len(rest)
    assert lost == 0
    assert data == burst.data + rest
    assert len(burst.data) - complete in ((0, 1) if finish else (0,))
    assert burst.end >= start
    assert burst.end <= Burst("x", data, start, settings).end


@given(DATA, DATA, st.integers(0, 400 * 1_041_667))
def test_collision_damages_only_the_overlap(first_data, second_data, offset):
    """Of two senders, characters before the collision are clean; in it they are marked; the tail of the later one is
    what is left after the first one's end."""
    settings = LineSettings()
    first = Burst("a", first_data, 0, settings)
    if offset >= first.end:
        offset = first.end - 1
    second = Burst("b", second_data, offset, settings)
    clean = first.arrived(offset)
    original_end = second.end
    collide(first, second)
    assert first.data[:clean] == first_data[:clean]
    assert all(i >= clean and bits & COLLISION for i, bits in (first.flaws or {}).items())
    assert first.flaws
    assert second_data.endswith(second.data)
    if second.data:
        assert second.start >= first.end
        assert abs(second.end - original_end) <= 2
