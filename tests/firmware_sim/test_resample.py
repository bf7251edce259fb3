"""A receiver with other settings makes garbage, and one with equal settings none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.burst import LineSettings
from firmware_sim.device import FRAMING, PARITY
from firmware_sim.resample import resample
from line_strategies import SETTINGS


@given(SETTINGS, st.binary(max_size=60))
def test_equal_settings_hear_what_was_sent(settings, data):
    """The identity: no flaw, every character (its data bits)."""
    mask = (1 << settings.data_bits) - 1
    assert resample(data, settings, settings) == (bytes(char & mask for char in data), {})


@given(SETTINGS, SETTINGS, st.binary(max_size=60))
def test_any_mismatch_is_bounded(sender, receiver, data):
    """Whatever the mismatch: no exception, and never more characters than the line had time for."""
    out, flaws = resample(data, sender, receiver)
    time_on_line = len(data) * sender.half_bits * receiver.baud / sender.baud
    shortest = 2 * (1 + receiver.data_bits)
    assert len(out) <= time_on_line / shortest + 2
    assert all(0 <= i < len(out) for i in flaws)


def test_half_the_speed_garbles():
    """At 4800 a receiver does not read what was sent at 9600."""
    out, _ = resample(b"\x01\x03\x00\x00\x00\x02\xc4\x0b", LineSettings(9600), LineSettings(4800))
    assert 0 < len(out) < 6


@pytest.mark.parametrize(("char", "flawed"), [(0x01, True), (0x03, False)])
def test_missing_parity_is_a_framing_or_parity_matter(char, flawed):
    """An 8N1 sender at an 8E1 receiver: its stop bit (1) is read as parity, right only for characters whose even
    parity is 1."""
    _, flaws = resample(bytes([char]), LineSettings(9600), LineSettings(9600, 8, "E"))
    wrong = bool(flaws.get(0, 0) & PARITY)
    assert wrong is (char.bit_count() % 2 == 0)
    assert wrong is not flawed


def test_break_like_level_is_framing():
    """An all-zero character read too slowly has no stop bit: framing error."""
    _, flaws = resample(b"\x00", LineSettings(4800), LineSettings(9600))
    assert flaws[0] & FRAMING
