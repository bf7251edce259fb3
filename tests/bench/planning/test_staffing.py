"""Staff by the half-hour: what the search promises, and the load that it starts from."""

from __future__ import annotations

import pytest

from bench.hall.day import columns
from bench.planning.days import Asked, figures_of
from bench.planning.designs import with_counters, work_hours
from bench.planning.engine import people
from bench.planning.goal import parse
from bench.planning.outcome import Hall
from bench.planning.staffing import STEP, by_half_hour, offered_load
from bench.planning.statistics import estimate
from bench.scenario.load import load
from bench.scenario.times import HOUR
from planning_halls import BOOKED, small

PLAIN = (3, [[0, 1], [0, 1], [0]], ["", "", ""], "until_queue_empty", (6, 5, 2))


def test_the_goal_is_met_and_no_half_hour_can_do_with_less() -> None:
    """Played again by the other engine: the staffing meets the goal, each with one counter less does not."""
    hall, goal = small(*PLAIN, booked=BOOKED[0]), parse("p90(wait) <= 12 min")
    whole = with_counters(hall, 4).scenario
    told = by_half_hour(hall, whole, people(hall), goal, days=12)
    assert told["answer"] == "met"
    starts = [half["start"] for half in told["half_hours"]]
    staff = [half["staff"] for half in told["half_hours"]]
    days = [columns(hall, 1, number) for number in range(12)]

    def answer(tried: list[int], engine: str) -> str:
        played = Hall(whole, people(hall), engine, tuple(zip(starts, tried, strict=True)))
        return goal.answer(estimate([goal.measure(figures_of(played, day, Asked((90,), ()))) for day in days]))

    assert answer(staff, "kernel" if _numba() else "python") == "met"
    for slot, number in enumerate(staff):
        if number > 1:
            assert answer([*staff[:slot], number - 1, *staff[slot + 1 :]], "python") != "met"
    assert told["staffed_hours"] < told["all_staffed_hours"] == pytest.approx(4 * 70 / 60)
    assert told["fresh"]["mean"] != told["figure"]["mean"]


def _numba() -> bool:
    from importlib.util import find_spec

    return find_spec("numba") is not None


def test_a_goal_that_all_counters_cannot_meet_is_told() -> None:
    """Nothing is taken away then, and the reason is said."""
    hall = small(*PLAIN)
    told = by_half_hour(hall, hall, people(hall), parse("p90(wait) <= 1 s"), days=10)
    assert told["answer"] == "not met"
    assert "more counters are needed" in told["why"]
    assert {half["staff"] for half in told["half_hours"]} == {3}


@pytest.mark.parametrize("name", ["tan_hoi", "almassora"])
def test_the_load_adds_up_to_the_work_of_the_day(name: str) -> None:
    """The integral of m(t) over the day is the work that comes, less what lasts beyond closing: within a tenth."""
    scenario = load(name)
    whole = sum(many for _, many in offered_load(scenario)) * STEP / HOUR
    assert 0.9 < whole / sum(work_hours(scenario).values()) < 1.1
