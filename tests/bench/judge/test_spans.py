"""What lies within a span of time and what does not: folded traffic of a story, quarters of a run."""

from __future__ import annotations

from typing import Any

import pytest

from bench.judge.case import Case
from bench.judge.durable import resources
from bench.judge.matching import Matching
from bench.judge.stories import Story, Window, _hear
from bench.judge.truth import frame

NS = 1_000_000_000


@pytest.mark.parametrize(
    ("begin", "end", "told"),
    [
        (0, 10, False),
        (0, 11, True),
        (12, 15, True),
        (19, 30, True),
        (20, 30, False),
        (5, 40, True),
        (25, 35, False),
        (41, 44, True),
        (50, 60, False),
    ],
)
def test_which_folded_traffic_a_story_tells(begin: int, end: int, told: bool) -> None:
    """What overlaps one of its spans; what only touches one, or lies between or outside them, does not."""
    story = Story("", [], [])
    window = Window("keypads", ((10 * NS, 20 * NS), (40 * NS, 50 * NS)))
    _hear(story, window, "fold", end * NS, {"from": begin * NS, "to": end * NS, "n": 7})
    assert bool(story.plain) is told
    if told:
        assert "7 bursts as before, up to 00:00:" in story.plain[0]


@pytest.mark.parametrize("n", [8, 11, 12, 16])
def test_growth_is_from_the_second_quarter_to_the_last(n: int) -> None:
    """A quarter is a fourth of the looks, rounded down; the first and the third quarter are nobody's."""
    quarter = n // 4
    values = [1] * quarter + [20] * quarter + [99] * (n - 3 * quarter) + [30] * quarter
    case = Case(frame({}), {}, None, None, most=9, resources=[(t, value, None) for t, value in enumerate(values)])
    finding = resources(case, Matching())
    assert (finding.figures["descriptors_early"], finding.figures["descriptors_late"]) == (20, 30)
    assert (finding.verdict, finding.checked) == ("VIOLATED", 1)


def test_figures_of_instants(kit: Any) -> None:
    """J9 tells how far off the instants were, how many cannot be read, and the limit, in seconds."""
    press = kit.press(30_000, 1)
    figures = kit.judge([press], [kit.row(press, 1, at=kit.EPOCH_S + 30_001)], time_ns=3 * NS).findings["time"].figures
    assert (figures["max"], figures["unreadable"], figures["limit"]) == (1.0, 0, 3.0)
