"""Designs, goals and studies."""

from __future__ import annotations

import pytest

from bench.hall.day import columns, draw
from bench.planning import answer
from bench.planning.days import Asked, DayFigures, figures_of, paid_spans
from bench.planning.designs import busiest, least_counters, with_counters, work_hours
from bench.planning.engine import heard, people
from bench.planning.goal import GoalError, parse
from bench.planning.lines import budget, more_than, with_devices
from bench.planning.outcome import Hall
from bench.planning.scenario_day import play
from bench.planning.statistics import Estimate, Precision
from bench.planning.study import run
from bench.scenario.load import load
from bench.scenario.times import NS, Span, parse_time


def study(workers: int, days: int | None = 23, designs: tuple[int, ...] = (3, 5)) -> list[list[DayFigures]]:
    scenario = load("tan_hoi")
    return run(
        scenario,
        [with_counters(scenario, number) for number in designs],
        people,
        seed=4,
        asked=Asked(),
        measure=lambda day: day.wait_mean,
        precision=Precision(0.3),
        days=days,
        workers=workers,
    ).days


def test_the_result_does_not_depend_on_the_number_of_workers() -> None:
    """One process and two give the same figures of the same days, and stop at the same day."""
    assert study(1) == study(2)
    assert study(1, days=None) == study(2, days=None)


def test_a_design_sees_the_same_days_whatever_else_is_tried() -> None:
    """Common random numbers: the figures of five counters are the same beside three counters and alone."""
    assert study(1)[1] == study(1, designs=(5,))[0]


def test_an_interrupted_study_keeps_what_is_done() -> None:
    """Ctrl-C on the seventh day leaves seven whole days of every design."""
    scenario = load("tan_hoi")
    told: list[str] = []

    def interrupt(_fraction: float, text: str) -> None:
        told.append(text)
        if len(told) == 7:
            raise KeyboardInterrupt

    found = run(
        scenario, [with_counters(scenario, n) for n in (4, 5)], people, seed=1, asked=Asked(),
        measure=lambda day: day.wait_mean, precision=Precision(), days=50, progress=interrupt,
    )  # fmt: skip
    assert found.why == "interrupted"
    assert [len(days) for days in found.days] == [7, 7]


def test_an_interrupted_plan_says_how_far_it_is() -> None:
    """Ctrl-C on the third day: three days stand there, and of how many, in a remark that text, page and JSON have."""
    days: list[str] = []

    def interrupt(_fraction: float, text: str) -> None:
        days.append(text)
        if len(days) == 3:
            raise KeyboardInterrupt

    told = answer.plan(answer.Question(load("tan_hoi"), (4, 5), days=50, engine="python"), interrupt)
    assert (told["why"], told["days"], len(told["designs"])) == ("interrupted", 3, 2)
    assert "interrupted after 3 of 50 days of 4 to 5 counters" in told["remarks"]


def test_figures_of_a_day_add_up() -> None:
    """Half-hours and errands hold every visitor; the mean wait is theirs; shares and utilisation are shares."""
    scenario = load("tan_hoi")
    played = play(scenario, draw(scenario, 2), people(scenario))
    day = figures_of(Hall(scenario, people(scenario)), columns(scenario, 2), Asked())
    assert day.unserved == 0
    for parts in (day.half_hours.values(), day.errands.values()):
        assert sum(part[0] for part in parts) == day.visitors
        assert sum(part[0] * part[1] for part in parts) / day.visitors == pytest.approx(day.wait_mean)
    area = sum(wait for _, wait in played.waits()) / NS
    assert area / day.visitors == pytest.approx(day.wait_mean)
    assert day.utilisation is not None
    assert 0 < day.utilisation <= 1
    assert max(day.queue) <= day.longest


def test_whoever_is_not_called_counts_with_the_wait_so_far() -> None:
    """One counter for the whole of tan_hoi leaves people unserved, and they make the waits long, not short."""
    scenario = load("tan_hoi")
    one = with_counters(scenario, 1).scenario
    played = play(one, draw(scenario, 2), people(one))
    day = figures_of(Hall(one, people(one)), columns(one, 2), Asked())
    served = [wait / NS for _, wait in played.waits()]
    assert day.unserved > 0
    assert day.wait_mean is not None
    assert day.wait_mean > sum(served) / len(served)


def test_designs_serve_every_errand_and_n_counters_are_always_the_same() -> None:
    """From 1 to 12 counters each errand has a counter; the scenario itself stays as it was."""
    scenario = load("tan_hoi")
    for number in range(1, 13):
        design = with_counters(scenario, number)
        assert len(design.scenario.counters) == len(design.scenario.skills) == number
        assert frozenset().union(*design.scenario.skills.values()) == frozenset(range(4))
        assert design.changes == with_counters(scenario, number).changes
    assert with_counters(scenario, 4).scenario is scenario
    assert set(scenario.skills) == {1, 2, 3, 4}
    with pytest.raises(ValueError, match="1 to"):
        with_counters(scenario, 0)


def test_paid_time_is_the_opening_hours_without_breaks() -> None:
    """Breaks that cut, touch and miss the hours."""
    scenario = load("tan_hoi")
    at = parse_time
    breaks = [Span(at("09:00"), at("09:30")), Span(at("11:00"), at("12:00")), Span(at("12:10"), at("12:20"))]
    assert [str(span) for span in paid_spans(scenario, breaks)] == ["07:30-09:00", "09:30-11:00", "13:30-17:00"]
    assert paid_spans(scenario, [Span(0, at("24:00"))]) == []


def test_work_and_peak_are_those_of_the_scenario() -> None:
    """Hours of work are visitors times mean times; the busiest half-hour holds the most of the arrivals drawn."""
    scenario = load("tan_hoi")
    days = [draw(scenario, 1, r) for r in range(200)]
    around = (8 + 3 + 1.2) * NS
    drawn = sum(visitor.service + around for day in days for visitor in day.visitors) / 200 / NS / 3600
    assert sum(work_hours(scenario).values()) == pytest.approx(drawn, rel=0.06)
    start, expected = busiest(scenario)
    half = 1800 * NS
    found = sum(start <= visitor.arrives < start + half for day in days for visitor in day.visitors) / 200
    assert found == pytest.approx(expected, rel=0.12)
    assert 1 <= least_counters(scenario) <= 4


@pytest.mark.parametrize(
    "text, name, limit",
    [
        ("p90(wait) <= 15 min", "p90(wait)", 900),
        ("mean(wait)<=480s", "mean(wait)", 480),
        ("within(10 min) >= 90 %", "within(10 min)", 0.9),
        ("MEAN(overtime) <= 0.5 h", "mean(overtime)", 1800),
        ("mean(utilisation) ≤ 0.85", "mean(utilisation)", 0.85),
    ],
)
def test_goals_are_read(text: str, name: str, limit: float) -> None:
    """Figures, limits and units."""
    goal = parse(text)
    assert (goal.name, goal.limit) == (name, pytest.approx(limit))


@pytest.mark.parametrize(
    "text, why",
    [
        ("fast", "write it as"),
        ("p90(wait) <= 15", "needs its unit"),
        ("p90(wait) >= 15 min", "doing worse"),
        ("within(10 min) <= 90 %", "doing worse"),
        ("within(10 min) >= 120 %", "share above 1"),
        ("within(soon) >= 90 %", "needs a time"),
        ("p90(joy) <= 3 min", "not known"),
    ],
)
def test_goals_that_make_no_sense_are_told(text: str, why: str) -> None:
    """What is wrong, and how goals are written."""
    with pytest.raises(GoalError, match=why):
        parse(text)


def test_a_goal_is_met_by_the_whole_interval_only() -> None:
    """Below, above and around the limit, for limits from above and from below."""
    wait, share = parse("mean(wait) <= 10 s"), parse("within(5 min) >= 90 %")
    assert [wait.answer(Estimate(9, low, high, 9)) for low, high in ((8, 10), (8, 11), (10.5, 12))] == [
        "met", "open", "not met",
    ]  # fmt: skip
    assert [share.answer(Estimate(0.9, low, high, 9)) for low, high in ((0.91, 1), (0.8, 0.95), (0.7, 0.8))] == [
        "met", "open", "not met",
    ]  # fmt: skip
    assert wait.answer(None) == "open"


def test_the_least_number_of_counters_is_found_and_the_impossible_told() -> None:
    """The answer meets the goal and one counter fewer does not; a wait of nothing is told with the best reachable."""
    scenario = load("tan_hoi")
    told = answer.plan(answer.Question(scenario, goal=parse("p90(wait) <= 15 min"), days=30, ideal_devices=True))
    found = {row["counters"]: row["goal"]["answer"] for row in told["designs"]}
    assert found[told["goal"]["counters"]] == "met"
    assert found[told["goal"]["counters"] - 1] != "met"
    told = answer.plan(answer.Question(scenario, goal=parse("mean(overtime) <= 1 s"), days=60))
    assert told["goal"]["answer"] == "not met"
    assert told["goal"]["counters"] is None
    assert "too few counters" in told["goal"]["why"]
    assert told["goal"]["best"]["mean"] > 1


def test_the_tail_of_a_poisson_count() -> None:
    """1 - sum of the probabilities up to the depth, also where that difference would be rounded to 0."""
    from math import exp, factorial

    for depth, mean in ((0, 0.5), (3, 2.0), (10, 12.0)):
        direct = 1 - sum(exp(-mean) * mean**n / factorial(n) for n in range(depth + 1))
        assert more_than(depth, mean) == pytest.approx(direct, rel=1e-9)
    assert 0 < more_than(64, 0.01) < 1e-200
    assert more_than(5, 0.0) == 0


def test_a_bus_s_cycle_is_its_characters() -> None:
    """tan_hoi's keypads at 9600 8N1: 8 + 17 characters, twice 3.5 and 1 of silence, 2 ms of turnaround; 8 s period."""
    line = budget(load("tan_hoi"))[0]
    character = 10 / 9600
    assert line.poll_s == pytest.approx((8 + 17 + 3.5 + 3.5 + 1) * character + 0.002, abs=1e-6)
    assert line.sweep_s == pytest.approx(4 * line.poll_s)
    assert (line.cycle_s, line.polled, line.keypads) == (8.0, 4, 4)
    assert line.reach_worst_s is not None
    assert line.reach_worst_s > 8


def test_devices_delay_calls_and_tickets() -> None:
    """Keys are noticed at their poll, a ticket takes its time on paper, a call one write; the rest is the people's."""
    scenario = load("tan_hoi")
    without, with_ = people(scenario), with_devices(scenario)
    assert set(with_.polls.counters) == set(scenario.skills)
    assert {period for _, period, _ in with_.polls.counters.values()} == {4 * NS}
    assert len({first for first, *_ in with_.polls.counters.values()}) == 4  # one after the other
    assert with_.paper > NS // 2  # feed and cut, and the characters
    assert with_._replace(call=0, show=0, paper=0, polls=without.polls) == without


def test_a_key_is_known_at_the_next_poll() -> None:
    """Skip-ahead by hand: at the poll's instant, between two polls, before the first, and with no polling at all."""
    poll = (100, 40, 7)
    assert [heard(poll, at) for at in (0, 100, 101, 140, 141)] == [107, 107, 147, 147, 187]
    assert heard(None, 5) == 5
    assert all(heard(poll, at) - at >= 7 for at in range(400))
