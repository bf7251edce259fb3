"""Words for people: no text from outside moves a cursor, times read the same everywhere."""

from __future__ import annotations

import json
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.daytime import clock_text
from bench.reports.wording import count, duration, minutes, printable, share, verdict_sentence, wrapped
from bench.unseen import printable_json


@given(st.text(alphabet=st.characters(), max_size=60))
def test_printable_text_holds_nothing_that_acts(text: str) -> None:
    """Controls, bidirectional marks, surrogates and line separators are spelled out; a second pass changes nothing."""
    safe = printable(text)
    assert not {unicodedata.category(char) for char in safe} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert printable(safe) == safe
    safe.encode("utf-8")


def test_printable_keeps_letters_and_asked_for_controls() -> None:
    """Vietnamese stays (composed); an escape sequence is spelled out; line ends stay when asked for."""
    assert printable("Tâ\u0323n Hội") == "Tậ\u006e Hội"
    assert printable("\x1b[2J\n", keep="\n") == "\\x1b[2J\n"


DURATIONS = {
    None: "-",
    0: "0.00 s",
    0.0123: "12.3 ms",
    0.42: "0.42 s",
    9.999: "10 s",
    38.2: "38 s",
    59.6: "1 min 00 s",
    245: "4 min 05 s",
    3599.7: "1 h 00 min",
    7380: "2 h 03 min",
    -90: "-1 min 30 s",
}


@pytest.mark.parametrize(("seconds", "text"), DURATIONS.items())
def test_durations_read_naturally(seconds: float | None, text: str) -> None:
    """A duration has the unit a person would use, and never sixty seconds or minutes."""
    assert duration(seconds) == text


def test_times_shares_and_nouns_read_well() -> None:
    """Clock times go past midnight; shares keep a digit when small; nouns agree with their number."""
    assert clock_text(86_700 * 1_000_000_000) == "24:05"
    assert clock_text(38_527 * 1_000_000_000, seconds=True) == "10:42:07"
    assert (share(0.123), share(0.0123), share(0), share(None)) == ("12 %", "1.2 %", "0 %", "-")
    assert (count(1, "press", "presses"), count(1778, "ticket")) == ("1 press", "1,778 tickets")
    assert (minutes(90), minutes(-90, signed=True), minutes(None)) == ("1.5", "-1.5", "-")
    assert (minutes(-1), minutes(-1, signed=True)) == ("0.0", "+0.0")


def test_the_judges_sentence_wins() -> None:
    """The verdict's own sentence is used, without its word; without one the results speak; nothing is not good."""
    assert verdict_sentence({"verdict": "HOLDS", "sentence": "HOLDS: all 3 arrived"}) == "all 3 arrived."
    assert verdict_sentence({"verdict": "UNKNOWN", "reason": "no rows"}) == "no rows."
    results = {"loss": {"verdict": "VIOLATED"}, "order": {"verdict": "HOLDS"}}
    assert verdict_sentence({"verdict": "VIOLATED", "invariants": results}) == "loss is violated."
    assert verdict_sentence({}) == "nothing was judged."


def test_text_is_wrapped_at_its_width() -> None:
    """A line is as long as it may be and no longer; no word is lost or divided."""
    words = ["a" * n for n in range(1, 14)] * 3
    lines = wrapped(" ".join(words), "  ", 30)
    assert " ".join(line.strip() for line in lines).split() == words
    assert all(line.startswith("  ") and len(line) <= 30 for line in lines)
    for line, following in pairwise(lines):
        assert len(line) + 1 + len(following.split()[0]) > 30
    assert wrapped("a" * 48 + " " + "b" * 49) == ["  " + "a" * 48 + " " + "b" * 49]
    assert len(wrapped("a" * 48 + " " + "b" * 50)) == 2
    assert wrapped("a" * 40 + " b", "  ", 30) == ["  " + "a" * 40, "  b"]


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
@example("\x7f\x9b31m\u202e\U000e0001\u2028\ud800 Tân Hội")
def test_json_in_print_says_the_same(value):
    """Nothing in it moves a cursor or reorders a line, letters stay letters, and it is the same JSON."""
    text = printable_json(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(text) == value
    assert not [char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert printable_json('"Tân Hội"') == '"Tân Hội"'
