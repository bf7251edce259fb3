"""Intervals, paired differences and the stop rule."""

from __future__ import annotations

import math
import random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.planning.statistics import (
    Precision,
    Running,
    estimate,
    paired,
    percentile,
    t_cdf,
    t_quantile,
)


@pytest.mark.parametrize(
    "p, df, table",
    [
        (0.975, 1, 12.7062),
        (0.975, 4, 2.7764),
        (0.95, 9, 1.8331),
        (0.975, 29, 2.0452),
        (0.995, 99, 2.6264),
        (0.9, 2, 1.8856),
    ],
)
def test_quantiles_of_t_are_those_of_the_tables(p: float, df: int, table: float) -> None:
    """Four decimals of the printed tables."""
    assert t_quantile(p, df) == pytest.approx(table, abs=6e-5)


@given(st.floats(0.5, 0.9999), st.integers(1, 5000))
def test_the_quantile_inverts_the_distribution(p: float, df: int) -> None:
    """cdf(quantile(p)) = p, and the distribution is symmetric."""
    t = t_quantile(p, df)
    assert t_cdf(t, df) == pytest.approx(p, abs=1e-9)
    assert t_cdf(-t, df) == pytest.approx(1 - p, abs=1e-9)


def test_intervals_cover_as_often_as_they_say() -> None:
    """Of 400 intervals at 95 %, 380 cover the mean give or take 4 sigma."""
    source = random.Random(5)
    covered = 0
    for _ in range(400):
        found = estimate([source.gauss(3, 2) for _ in range(12)])
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 3 <= found.high
    assert abs(covered - 380) <= 4 * math.sqrt(400 * 0.95 * 0.05)


def test_missing_days_are_left_out_and_one_day_has_no_interval() -> None:
    """A half-hour in which nobody came says nothing; a single day has a mean and no interval."""
    found = estimate([1.0, None, 3.0])
    assert found is not None
    assert found.mean == 2
    assert found.days == 2
    assert found.half == pytest.approx(12.7062 * math.sqrt(2) / math.sqrt(2), abs=1e-3)
    alone = estimate([4.0])
    assert alone is not None
    assert (alone.low, alone.high, alone.half) == (None, None, None)
    assert estimate([None]) is None


def test_pairing_narrows_the_difference_of_days_that_go_together() -> None:
    """Two designs of the same days: the difference is exact where they differ by a constant, its variance smaller."""
    source = random.Random(1)
    busy = [source.gauss(10, 3) for _ in range(50)]
    second = [day + 1 + source.gauss(0, 0.1) for day in busy]
    found = paired(busy, second)
    assert found is not None
    assert found.difference.half is not None
    assert found.difference.mean == pytest.approx(1, abs=0.1)
    assert found.variance_ratio is not None
    assert found.variance_ratio > 100
    assert paired([1.0, None], [None, 2.0]) is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(0, 100))
def test_a_percentile_lies_between_its_neighbours(values: list[float], p: float) -> None:
    """The 0th is the least, the 100th the greatest, and every other lies between the ranks around it."""
    ordered = sorted(values)
    found = percentile(ordered, p)
    place = (len(ordered) - 1) * p / 100
    assert found is not None
    slack = 1e-9 * max(map(abs, ordered)) if ordered else 0
    assert ordered[math.floor(place)] - slack <= found <= ordered[min(math.ceil(place), len(ordered) - 1)] + slack
    assert percentile(ordered, 0) == ordered[0]
    assert percentile(ordered, 100) == ordered[-1]
    assert percentile([], 50) is None


def test_the_stop_rule_waits_for_the_half_width_and_looks_ahead() -> None:
    """It stops where the half-width has been within the precision for the days of the look-ahead, and not before."""
    source = random.Random(3)
    values = [source.gauss(10, 2) for _ in range(500)]
    rule = Running(Precision(0.05))
    for value in values:
        rule.add(value)

    def within(n: int) -> bool:
        return t_quantile(0.975, n - 1) * stdev(values[:n]) / math.sqrt(n) <= 0.05 * fmean(values[:n])

    assert rule.enough is not None
    assert 15 <= rule.enough < 200
    assert all(within(n) for n in range(rule.enough - 5, rule.enough + 1))
    first = next(n for n in range(10, 500) if all(within(m) for m in range(n, n + 6)))
    assert rule.enough == first + 5


def test_a_mean_of_zero_needs_the_absolute_width() -> None:
    """Where everybody is called at once no relative width is reached by luck: a mean of 0 with no spread is enough."""
    rule = Running(Precision(0.05, absolute=15.0))
    for value in [0.0, 0.1] * 20:
        rule.add(value)
    assert rule.enough == 15
    strict = Running(Precision(0.05))
    for value in [1.0, -1.0] * 100:
        strict.add(value)
    assert strict.enough is None
