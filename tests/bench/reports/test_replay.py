"""A replayed log is compared visitor by visitor with what was recorded, and nothing is left out silently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reports import figures
from bench.reports.replay import compare
from bench.reports.sample import Distribution

NS = 1_000_000_000
MINUTE = 60 * NS


def _compare(visitors: list[dict[str, Any]], called: dict[int, int], **more: Any) -> Any:
    taken = {visitor["number"]: visitor["arrives"] for visitor in visitors}
    known: dict[str, Any] = {"kiosk": Distribution(), "call_to_move": Distribution(), "no_shows": 0, **more}
    return compare(visitors, taken, called, **known)


def test_a_drawn_day_has_nothing_to_compare(make_run: Callable[..., Any]) -> None:
    """Without recorded calls there is no comparison."""
    assert figures.of(make_run(20)[0]).replay is None
    assert figures.of(make_run(20, replay=True)[0]).replay is not None


@given(
    st.lists(
        st.tuples(st.integers(0, 600), st.integers(0, 120), st.integers(0, 120)).map(lambda t: [x * MINUTE for x in t]),
        min_size=1,
        max_size=40,
    )
)
def test_the_difference_is_replayed_minus_recorded(rows: list[list[int]]) -> None:
    """Means of both columns differ by the mean of the pairs' differences, and half-hours hold every pair once."""
    visitors = [{"number": n, "arrives": a, "recorded_call": a + then} for n, (a, then, _) in enumerate(rows)]
    told = _compare(visitors, {n: a + now for n, (a, _, now) in enumerate(rows)})
    assert told.replayed.mean - told.recorded.mean == pytest.approx(told.difference.mean, abs=1e-5)
    assert sum(half.n for half in told.half_hours) == len(rows)
    near = sum(abs(now - then) <= 5 * MINUTE for _, then, now in rows) / len(rows)
    assert told.difference.near == pytest.approx(near, abs=1e-6)


def test_who_was_never_called_is_told() -> None:
    """A visitor called in the log and not in the replay is in no column, is counted, and is named among the causes."""
    visitors = [{"number": n, "arrives": n * MINUTE, "recorded_call": (n + 10) * MINUTE} for n in range(3)]
    visitors.append({"number": 3, "arrives": 0, "recorded_call": None})
    told = _compare(visitors, {0: 9 * MINUTE, 1: 20 * MINUTE, 3: MINUTE})
    assert (told.recorded.n, told.never_called, told.never_called_recorded) == (2, 1, 1)
    assert any("1 visitor was called according to the log and never in the replay" in cause for cause in told.causes)


def test_causes_have_sizes_and_the_scenario_speaks_first() -> None:
    """Notes of the scenario come first; what this run's devices cost is told with its median."""
    visitors = [{"number": 0, "arrives": 0, "recorded_call": MINUTE}]
    kiosk, move = Distribution.of([21 * NS]), Distribution.of([3 * NS])
    told = _compare(visitors, {0: MINUTE}, kiosk=kiosk, call_to_move=move, no_shows=4, notes=("read every 5 minutes",))
    assert told.causes[0] == "read every 5 minutes"
    assert any("21 s" in cause for cause in told.causes)
    assert any("3.00 s" in cause for cause in told.causes)
    assert any("4 tickets were called in vain" in cause for cause in told.causes)
