"""Days: drawn once, from named streams, the same everywhere."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from statistics import NormalDist, fmean, variance

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.hall import day as day_module
from bench.hall.columns import arrivals, inverse
from bench.hall.day import PURPOSES, Day, Visitor, draw, intensity, stream
from bench.scenario.load import load, parse
from bench.scenario.model import Scenario
from bench.scenario.times import HOUR, MINUTE, NS, parse_time

HALL = """
title = "A fixed hall"
date = 2025-03-10
timezone = "Asia/Ho_Chi_Minh"
ratings = "drawn"
rating_share = 0.5
[hours]
open = ["08:00-11:00", "13:00-16:00"]
[arrivals]
visitors = 60
busyness_cv = 0.2
shape = { "07:00" = 1, "09:00" = 3, "12:00" = 0, "13:00" = 0, "16:00" = 2 }
[[errand]]
name = "copy"
letter = "A"
share = 3
minutes = { median = 5, p90 = 12 }
[[errand]]
name = "land"
letter = "B"
share = 1
minutes = { median = 9, p90 = 20 }
[[counter]]
number = 1
clerk = "C1"
errands = ["copy", "land"]
[[line]]
name = "keypads"
owner = "collector"
devices = [{ kind = "rating_keypad", unit = 1, counter = 1 }]
[[line]]
name = "hall"
owner = "house"
devices = [
  { kind = "clerk_console", unit = 1, counter = 1 },
  { kind = "counter_display", unit = 2, counter = 1 },
  { kind = "kiosk_button", unit = 3, printer = "printer-1" },
]
[[line]]
name = "ticket"
owner = "house"
duplex = "full"
devices = [{ kind = "ticket_printer" }]
"""


def hall(*changes: tuple[str, str]) -> Scenario:
    """The fixed hall with some of its text changed."""
    text = HALL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse(text.encode(), "fixed.toml", lambda _: b"")


def column(day: Day, name: str) -> list[int]:
    """One attribute of all visitors."""
    return [getattr(visitor, name) for visitor in day.visitors]


def test_the_same_seed_is_the_same_day_on_every_machine() -> None:
    """The visitors of a fixed scenario and seed have a known hash: draws depend on nothing but their numbers."""
    day = draw(hall(), 7, 3)
    assert day == draw(hall(), 7, 3)
    content = json.dumps([day.to_json()["visitors"], draw(hall(('"drawn"', '"watermark"')), 7).to_json()["watermarks"]])
    assert hashlib.sha256(content.encode()).hexdigest() == (
        "377750b2fd84688c69195cd705094be666c05b0182a71f5b5fe63cf129ec1b46"
    )


def test_seeds_and_replications_give_other_days() -> None:
    """Another seed or replication gives other arrivals, and a negative one is refused."""
    days = [draw(hall(), seed, replication) for seed in range(3) for replication in range(3)]
    assert len({tuple(column(day, "arrives")) for day in days}) == 9
    for seed, replication in ((-1, 0), (0, -1)):
        with pytest.raises(ValueError, match="must not be negative"):
            draw(hall(), seed, replication)


@pytest.mark.parametrize(
    "old, new, changed",
    [
        ("median = 5, p90 = 12", "median = 6, p90 = 12", {"service"}),
        ("share = 3", "share = 1", {"errand", "service"}),
        ("rating_share = 0.5", "rating_share = 0.9", {"rating", "rating_delay"}),
        ("rating_share = 0.5", "rating_share = 0.5\nrating_values = { 1 = 1 }", {"rating"}),
        ("rating_share = 0.5", "rating_share = 0.5\nrating_window_s = 10", {"rating_delay"}),
        ("rating_share = 0.5", "rating_share = 0.5\nrating_delay_s = { median = 2, p90 = 3 }", {"rating_delay"}),
        ('"09:00" = 3', '"09:00" = 4', {"arrives"}),
        ('"drawn"', '"watermark"', set()),
        ('errands = ["copy", "land"]', 'errands = ["copy", "land"]\nbreaks = ["09:00-10:00"]', set()),
    ],
)
def test_a_purpose_does_not_shift_the_others(old: str, new: str, changed: set[str]) -> None:
    """Changing one thing of a scenario changes only what is drawn for it: all other streams give what they gave."""
    before, after = draw(hall(), 5), draw(hall((old, new)), 5)
    assert len(before.visitors) == len(after.visitors)
    names = {"arrives", "errand", "service", "rating", "rating_delay", "recorded_call"}
    assert {name for name in names if column(before, name) != column(after, name)} == changed


def test_every_purpose_has_a_stream_of_its_own() -> None:
    """No two purposes share a number, and none of them gives the numbers of another."""
    assert len(set(PURPOSES.values())) == len(PURPOSES)
    firsts = {stream(1, 0, purpose).integers(2**62).item() for purpose in PURPOSES}
    assert len(firsts | {stream(1, 1, "arrivals").integers(2**62).item()}) == len(PURPOSES) + 1


def test_more_of_one_stream_does_not_move_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new purpose in the table, and a stream that is used more, leave the day as it was."""
    before = draw(hall(), 5)
    original = day_module.stream

    def greedy(seed: int, replication: int, purpose: str, *which: int):  # type: ignore[no-untyped-def]
        original(seed, replication, "patience").random(1000)
        return original(seed, replication, purpose, *which)

    monkeypatch.setattr(day_module, "PURPOSES", {"patience": 99, **PURPOSES})
    monkeypatch.setattr(day_module, "stream", greedy)
    assert draw(hall(), 5) == before


def test_visitors_come_in_order_and_while_the_hall_is_open() -> None:
    """Numbers count from 1 in order of arrival; all arrivals lie in the opening hours, none where the shape is 0."""
    scenario = hall()
    for replication in range(20):
        day = draw(scenario, 2, replication)
        arrives = column(day, "arrives")
        assert column(day, "number") == list(range(1, len(arrives) + 1))
        assert arrives == sorted(arrives)
        assert all(any(at in span for span in scenario.hours.open) for at in arrives)
        assert all(type(at) is int for at in arrives)


def test_the_number_of_visitors_is_poisson_and_busyness_spreads_it() -> None:
    """Without busyness the count has mean = variance = 60; with cv 0.2 the variance is 60 + (0.2 x 60)^2 (4 sigma)."""
    days = 800
    plain = [len(draw(hall(("busyness_cv = 0.2", "busyness_cv = 0")), 11, r).visitors) for r in range(days)]
    assert abs(fmean(plain) - 60) < 4 * math.sqrt(60 / days)
    assert abs(variance(plain) / 60 - 1) < 4 * math.sqrt(2 / days)
    busy = [len(draw(hall(), 11, r).visitors) for r in range(days)]
    expected = 60 + (0.2 * 60) ** 2
    assert abs(fmean(busy) - 60) < 4 * math.sqrt(expected / days)
    assert abs(variance(busy) / expected - 1) < 4 * math.sqrt(2.5 / days)


def test_arrivals_follow_the_shape() -> None:
    """Each half-hour gets its part of the integral of the shape over the opening hours (4 sigma), exactly inverted.

    The weights between the points of the shape are linear: 2 at 08:00, 3 at 09:00, 1 at 11:00 (closing), 0 at 13:00,
    2 at 16:00. Their integral is 2.5 + 4 in the morning and 3 in the afternoon.
    """
    scenario = hall(("busyness_cv = 0.2", "busyness_cv = 0"), ("visitors = 60", "visitors = 95"))
    arrives = [at for r in range(300) for at in column(draw(scenario, 3, r), "arrives")]

    def weight(hour: float) -> float:
        return hour - 6 if hour <= 9 else 12 - hour if hour <= 12 else (hour - 13) * 2 / 3 if hour >= 13 else 0

    for half in [16, 17, 18, 19, 20, 21, 26, 27, 28, 29, 30, 31]:
        start, end = half / 2, half / 2 + 0.5
        expected = 300 * 95 * (weight(start) + weight(end)) / 2 * 0.5 / 9.5
        count = sum(start * HOUR <= at < end * HOUR for at in arrives)
        assert abs(count - expected) < 4 * math.sqrt(expected), f"{start}: {count}, expected {expected:.0f}"


@given(
    st.floats(0, 1e13),
    st.floats(1e6, 1e13),
    st.one_of(st.just(0.0), st.floats(1e-3, 1e3)),
    st.one_of(st.just(0.0), st.floats(1e-3, 1e3)),
    st.floats(0, 1),
)
def test_the_inverse_of_a_piece_is_exact(start: float, length: float, w0: float, w1: float, part: float) -> None:
    """The weight from the start of a piece to the instant found is the area asked for, also where it is flat or 0."""
    whole = length * (w0 + w1) / 2
    if not whole:
        return
    area = part * whole
    at = float(inverse(*(np.array([value]) for value in (start, start + length, w0, w1, area)))[0])
    assert start <= at <= start + length
    x = at - start
    reached = w0 * x + (w1 - w0) / length * x * x / 2
    assert math.isclose(reached, area, rel_tol=1e-6, abs_tol=whole * 1e-6 + max(w0, w1) * (start + length) * 1e-12)


def test_the_pieces_of_the_shape_end_with_the_opening_hours() -> None:
    """The intensity starts and stops with the hours, with the weight the shape has there."""
    pieces = [(a / HOUR, b / HOUR, w0, w1) for a, b, w0, w1 in intensity(hall())]
    assert pieces == [(8, 9, 2, 3), (9, 11, 3, 1), (13, 16, 0, 2)]


def test_services_are_lognormal_by_median_and_p90() -> None:
    """Half of the services are below the median and nine in ten below p90, for each errand (4 sigma)."""
    visitors = [v for r in range(200) for v in draw(hall(), 4, r).visitors]
    for errand, (middle, high) in enumerate([(5, 12), (9, 20)]):
        times = [v.service for v in visitors if v.errand == errand]
        for quantile, limit in ((0.5, middle), (0.9, high)):
            share = sum(time < limit * MINUTE for time in times) / len(times)
            assert abs(share - quantile) < 4 * math.sqrt(quantile * (1 - quantile) / len(times))
    first = sum(v.errand == 0 for v in visitors) / len(visitors)
    assert abs(first - 0.75) < 4 * math.sqrt(0.75 * 0.25 / len(visitors))


def test_ratings_are_pressed_within_the_window() -> None:
    """The share rates, with the values' weights, and every delay is above 0 and inside the window; others have none."""
    scenario = hall(("rating_share = 0.5", "rating_share = 0.5\nrating_values = { 5 = 8, 1 = 2 }"))
    visitors = [v for r in range(100) for v in draw(scenario, 4, r).visitors]
    raters = [v for v in visitors if v.rating]
    assert abs(len(raters) / len(visitors) - 0.5) < 4 * math.sqrt(0.25 / len(visitors))
    assert {v.rating for v in raters} == {1, 5}
    assert abs(sum(v.rating == 5 for v in raters) / len(raters) - 0.8) < 4 * math.sqrt(0.16 / len(raters))
    assert all(0 < v.rating_delay < 15 * NS for v in raters)
    assert all(v.rating_delay == 0 for v in visitors if not v.rating)
    below = sum(v.rating_delay < 4 * NS for v in raters) / len(raters)
    uncut = NormalDist().cdf(math.log(15 / 4) / (math.log(2) / NormalDist().inv_cdf(0.9)))
    assert abs(below - 0.5 / uncut) < 4 * math.sqrt(0.25 / len(raters)), "cut at the window, else lognormal"


def test_delays_without_spread_and_a_window_near_the_median() -> None:
    """A delay whose p90 is its median is that median, and a narrow window still holds every delay."""
    constant = hall(("rating_share = 0.5", "rating_share = 1\nrating_delay_s = { median = 4, p90 = 4 }"))
    assert set(column(draw(constant, 1), "rating_delay")) == {4 * NS}
    narrow = hall(("rating_share = 0.5", "rating_share = 1\nrating_window_s = 4.1"))
    assert max(column(draw(narrow, 1), "rating_delay")) < 4.1 * NS


def test_watermarks_are_drawn_for_each_counter_and_only_on_request() -> None:
    """In watermark mode each counter has a sequence for all who may rate at it; a further counter moves no other."""
    assert draw(hall(), 1).watermarks == {}
    marked = hall(('"drawn"', '"watermark"'))
    day = draw(marked, 1)
    assert list(day.watermarks) == [1]
    assert len(day.watermarks[1]) == sum(v.rating > 0 for v in day.visitors)
    counter = '[[counter]]\nnumber = 9\nclerk = "C9"\nerrands = ["land"]\n[[line]]\nname = "keypads"'
    devices = (
        '{ kind = "clerk_console", unit = 9, counter = 9 },\n  { kind = "main_board", unit = 8 },\n  { kind = "kiosk'
    )
    more = hall(('"drawn"', '"watermark"'), ('[[line]]\nname = "keypads"', counter), ('{ kind = "kiosk', devices))
    assert draw(more, 1).watermarks[1] == day.watermarks[1]
    assert set(draw(more, 1).watermarks) == {1, 9}


NUMBER = st.integers(0, 2**63)
VISITORS = st.builds(Visitor, NUMBER, NUMBER, NUMBER, NUMBER, st.integers(0, 5), NUMBER, st.none() | NUMBER)
DAYS = st.builds(
    Day,
    st.text(),
    st.text(),
    NUMBER,
    NUMBER,
    st.lists(VISITORS, max_size=5).map(tuple),
    st.dictionaries(st.integers(1, 999), st.lists(st.integers(1, 5), max_size=5).map(tuple), max_size=3),
)


@given(DAYS)
def test_a_day_survives_json_exactly(day: Day) -> None:
    """Whatever is in a day, it is the same after being written as JSON text and read back."""
    assert Day.from_json(json.loads(json.dumps(day.to_json()))) == day


@settings(max_examples=30)
@given(DAYS, st.sampled_from(["scenario", "visitors", "watermarks", "schema_version", "columns", "seed"]))
def test_what_is_not_a_stored_day_is_refused(day: Day, key: str) -> None:
    """A stored day that lacks a part, or has another version, is refused with a reason."""
    stored = day.to_json()
    del stored[key]
    if key != "columns" or day.visitors:
        with pytest.raises(ValueError, match="stored day"):
            Day.from_json(stored)
    with pytest.raises(ValueError, match="stored day"):
        Day.from_json({**day.to_json(), "visitors": [[1]]})


def test_shipped_scenarios_give_days_of_the_promised_size() -> None:
    """Tan Hoi draws about 120 visitors, Ca Mau about 3,800, and each day names the scenario it is of."""
    for name, mean, spread in (("tan_hoi", 120, 0.15), ("ca_mau", 3780, 0.05)):
        scenario = load(name)
        counts = [len(draw(scenario, seed).visitors) for seed in range(8)]
        assert abs(fmean(counts) - mean) < 4 * math.sqrt((mean + (spread * mean) ** 2) / 8)
        day = draw(scenario, 1)
        assert (day.scenario, day.sha256, day.seed, day.replication) == (name, scenario.sha256, 1, 0)
    assert replace(day, seed=2) != day
    assert parse_time("07:30") <= day.visitors[0].arrives


def test_a_first_draw_that_falls_short_is_drawn_on() -> None:
    """Arrivals go on to the end of the day, however few the first handful of gaps reaches (it would be empty else)."""

    class Short:
        """Gaps of a hundredth of what is usual."""

        def standard_exponential(self, number: int) -> np.ndarray:
            return np.full(number, 0.01)

    made = arrivals([(0.0, 1e12, 1.0, 1.0)], 10.0, Short())  # type: ignore[arg-type]
    assert len(made) == pytest.approx(1000, abs=1)
    assert made[0] == pytest.approx(1e9)
    assert 9.9e11 < made[-1] <= 1e12
