"""Figures of a plan as they read: with their interval, and never beyond what can be."""

from __future__ import annotations

from typing import Any

import pytest

from bench.reports.plan_report import interval, sentence
from bench.reports.wording import minutes, share


@pytest.mark.parametrize(
    ("mean", "ci", "tell", "text"),
    [
        (402.0, (306.0, 498.0), minutes, "6.7 [5.1, 8.3]"),
        (60.0, (-30.0, 150.0), minutes, "1.0 [0.0, 2.5]"),
        (0.92, (0.84, 1.01), share, "92 % [84 %, 100 %]"),
        (0.01, (-0.01, 0.03), share, "1.0 % [0 %, 3.0 %]"),
        (60.0, None, minutes, "1.0"),
        (60.0, (None, None), minutes, "1.0"),
        (None, None, minutes, "-"),
    ],
)
def test_an_interval_stays_within_what_can_be(mean: Any, ci: Any, tell: Any, text: str) -> None:
    """No wait below nothing, no share below none or above all; without an interval the figure alone."""
    assert interval({"x": mean, "x_ci": ci}, "x", tell) == text


def test_the_sentence_of_a_goal_stays_within_it_too() -> None:
    """A share as a goal: its interval ends at 100 %."""
    best = {"counters": 4, "mean": 0.97, "ci": (0.91, 1.03)}
    goal = {"kind": "share", "measure": "within(15 min)", "text": "within(15 min) >= 90 %", "why": ""}
    told = sentence({"goal": {**goal, "answer": "met", "counters": 4, "best": best}, "designs": []})
    assert told == "4 counters meet within(15 min) >= 90 %: within(15 min) = 97 %, 95 % interval 91 % to 100 %."
