"""Text that is drawn: safe whatever it is, and exactly as wide as it is said to be."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from bench.tui.text import bar, centred, fit, plain, scrolled, span, spark, width

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(st.text(max_size=200))
def test_nothing_that_moves_a_cursor_is_left(text):
    """No control, no bidirectional mark, no lone surrogate passes, whatever comes."""
    assert not {unicodedata.category(letter) for letter in plain(text)} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_escapes_are_spelled_out():
    """An escape sequence and a right-to-left override can be read, and do nothing."""
    assert plain("\x1b[2J\u202edir\n") == "\\x1b[2J\\u202edir\\n"


def test_long_text_is_cut():
    """A device cannot make the view word a megabyte."""
    assert plain("x" * 10**6, 10) == "x" * 10 + "…"


@given(WORDS, st.integers(1, 60), st.integers(0, 10**6))
def test_widths_are_kept(text, columns, steps):
    """Cut, centred or running text is exactly as wide as its place."""
    shown = plain(text)
    assert width(fit(shown, columns)) == columns
    assert width(centred(shown, columns)) == columns
    assert width(scrolled(shown, columns, steps)) == columns


@given(st.lists(st.floats(0, 100), max_size=80), st.integers(0, 70))
def test_sparks_and_bars_keep_their_columns(values, columns):
    """A column for each value, no more than there is room for; a bar fills its place."""
    assert len(spark(values, columns)) == min(len(values), columns)
    assert len(bar((values or [0.5])[0] / 100, columns)) == columns


def test_spans_read_as_clocks():
    """Durations are digits, so they are the same in each language."""
    assert [span(0), span(67.9), span(3600 * 2 + 180), span(None)] == ["0:00", "1:07", "2:03:00", "-"]
