"""Classes, greeter, online share, patience, second desks: drawn once, kept in the day, and stated in the file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.hall.columns import COMES, DIVERTED, NO_SHOW, ONLINE
from bench.hall.day import Day, Visitor, draw
from bench.hall.discipline import Roster, at_speed, away
from bench.planning import ideal_devices
from bench.scenario.load import ScenarioError, load, parse
from bench.scenario.times import Span, parse_time
from planning_halls import CLASSES, GREETER, PATIENCE, THEN, small

PLAIN = (2, [[0, 1], [0, 1]], ["", ""], "until_queue_empty", (6, 5, 2))


def test_what_a_scenario_says_of_its_people_moves_nothing_else() -> None:
    """Arrivals, errands, ratings of a day are those of the hall without it: each purpose has a stream of its own."""
    bare, full = small(*PLAIN), small(*PLAIN, CLASSES + GREETER + PATIENCE[2], THEN[1])
    first, second = draw(bare, 3), draw(full, 3)
    plain = {"service": 0, "visitor_class": -1, "way": COMES, "patience": 0, "limit": -1, "second": 0}
    assert [replace(v, **plain) for v in first.visitors] == [replace(v, **plain) for v in second.visitors]
    assert {v.way for v in second.visitors} == {COMES, DIVERTED, NO_SHOW}
    assert {v.visitor_class for v in second.visitors} == {-1, 0, 1}
    slowed = [
        b.service / a.service for a, b in zip(first.visitors, second.visitors, strict=True) if b.visitor_class == 0
    ]
    assert slowed == pytest.approx([1.5] * len(slowed))
    assert all((v.second > 0) <= (v.errand == 0) for v in second.visitors)


def test_a_day_with_people_survives_writing_and_one_without_is_written_as_ever() -> None:
    """A stored day reads back equal; columns in which nobody differs are not written."""
    day = draw(small(*PLAIN, CLASSES + PATIENCE[0], THEN[0]), 1)
    assert Day.from_json(day.to_json()) == day
    assert draw(small(*PLAIN), 1).to_json()["columns"][-1] == "recorded_call"


def test_everybody_of_a_day_is_accounted_for() -> None:
    """At device level each visitor stays at home, or leaves once, for the reason that was drawn or lived through."""
    hall = small(*PLAIN, GREETER + PATIENCE[3], THEN[0])
    hall = hall.model_copy(update={"arrivals": hall.arrivals.model_copy(update={"online_share": 0.2})})
    day = draw(hall, 2)
    seen = ideal_devices.replay(hall, day)
    whys: dict[str, list[Visitor]] = {
        "online": [],
        "diverted": [],
        "no show": [],
        "balked": [],
        "lost patience": [],
        "served": [],
    }
    for visitor in day.visitors:
        mark = seen[visitor.number]
        whys[mark.why or "online"].append(visitor)
        if mark.why == "served" and visitor.second:
            assert mark.on is not None
            assert mark.second is not None
            assert mark.on <= mark.second
    assert {v.way for v in whys["online"]} == {ONLINE}
    assert {v.way for v in whys["diverted"]} == {DIVERTED}
    assert {v.way for v in whys["no show"]} == {NO_SHOW}
    assert whys["balked"] or whys["lost patience"]
    assert all(v.limit >= 0 for v in whys["balked"])
    assert all(v.patience for v in whys["lost patience"])


def test_shifts_and_speed() -> None:
    """A clerk calls in the shifts only; one whose shift lasts to the closing stays while somebody waits."""
    assert away([Span(2, 5)], 0, 20) == [Span(0, 2), Span(5, 19)]
    assert (at_speed(100, 1.0), at_speed(100, 2.0), at_speed(1, 10.0)) == (100, 50, 1)
    shifts = ('shifts = ["08:00-08:20"]', 'shifts = ["09:10-09:30"]')
    roster, at = Roster(small(*PLAIN, "", "", shifts)), parse_time
    assert roster.may_call(1, at("08:10")) == at("08:10")
    assert roster.next_pause(1, at("08:10")) == at("08:20")
    assert roster.may_call(2, at("08:10")) == at("09:10")
    assert roster.may_call(2, at("09:50")) == at("09:50")


@pytest.mark.parametrize(
    ("people", "then", "told"),
    [
        (CLASSES.replace("0.3", "0.95"), "", "1 at most"),
        (CLASSES.replace("disabled", "elderly"), "", 'two classes "elderly"'),
        ("", 'then = { errand = "certified copy" }', "follows itself"),
        ("", 'then = { errand = "landd" }', 'no errand "landd"'),
        ("[patience]\nminutes = { median = 5, p90 = 9 }\nobserved = [3]", "", "one of them"),
    ],
)
def test_mistakes_are_told(people: str, then: str, told: str) -> None:
    """What cannot be is refused, in words that name it."""
    with pytest.raises(ScenarioError, match=told):
        small(*PLAIN, people, then)


def test_a_recorded_day_has_no_people_of_its_own() -> None:
    """Patience on a recorded log is refused, not ignored."""
    text = 'extends = "warsaw_peak"\ntitle = "x"\n[patience]\nno_show = 0.1\n'
    with pytest.raises(ScenarioError, match="drawn days"):
        parse(text.encode(), "x.toml", lambda _: b"")


@pytest.mark.parametrize("name", ["duc_hoa", "birth_certificate", "ca_mau_pilots"])
def test_shipped_halls_load(name: str) -> None:
    """The shipped scenarios are what they are named for."""
    scenario = load(name)
    kinds = {
        "duc_hoa": bool(scenario.visitor_classes and scenario.patience),
        "birth_certificate": scenario.next_errand == {1: 3},
        "ca_mau_pilots": sum(line.owner == "collector" for line in scenario.lines) == 4,
    }
    assert kinds[name]
