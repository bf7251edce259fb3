"""Visitors by appointment: who is booked, who comes and when, and what a file may say of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.hall.appointments import agreed_times, comes_to_kiosk
from bench.hall.columns import COMES, MISSED
from bench.hall.day import Day, draw
from bench.planning import ideal_devices
from bench.planning.engine import people
from bench.planning.scenario_day import play
from bench.scenario.load import ScenarioError, load
from bench.scenario.times import MINUTE, NS, parse_time
from planning_halls import BOOKED, CLASSES, PATIENCE, small

PLAIN = (2, [[0, 1], [0, 1]], ["", ""], "until_queue_empty", (6, 5, 2))


def test_walk_ins_are_those_of_the_hall_without_appointments() -> None:
    """Appointments have a stream of their own: who walks in is drawn as ever, and numbered anew."""
    bare, full = draw(small(*PLAIN, CLASSES), 3), draw(small(*PLAIN, CLASSES, booked=BOOKED[1]), 3)
    walk_ins = [replace(visitor, number=0) for visitor in full.visitors if not visitor.agreed]
    assert walk_ins == [replace(visitor, number=0) for visitor in bare.visitors]
    assert [visitor.number for visitor in full.visitors] == list(range(1, len(full.visitors) + 1))
    arrives = [visitor.arrives for visitor in full.visitors]
    assert arrives == sorted(arrives)
    assert Day.from_json(full.to_json()) == full


def test_places_are_booked_missed_and_kept_as_the_shares_say() -> None:
    """Over many days shares and unpunctuality are those of the file, within four standard errors."""
    scenario = small(*PLAIN, booked=BOOKED[1])
    given = scenario.errands[2].appointments
    assert given is not None
    places = agreed_times(given)
    assert places[:4] == [parse_time("08:05")] * 3 + [parse_time("08:15")]
    assert len(places) == 3 * (3 + 3)
    booked = [v for day in range(200) for v in draw(scenario, 1, day).visitors if v.agreed]
    many = 200 * len(places)
    assert abs(len(booked) / many - 0.8) < 4 * (0.8 * 0.2 / many) ** 0.5
    missed = [v for v in booked if v.way == MISSED]
    assert abs(len(missed) / len(booked) - 0.2) < 4 * (0.16 / len(booked)) ** 0.5
    came = [v for v in booked if v.way == COMES and v.agreed > parse_time("08:20")]
    late = [(v.arrives - v.agreed) / MINUTE for v in came]
    assert abs(sum(late) / len(late) + 5) < 4 * 6 / len(late) ** 0.5
    for visitor in booked:
        assert visitor.patience == visitor.second == 0
        beyond = visitor.way == COMES and visitor.arrives - visitor.agreed > 5 * MINUTE
        assert visitor.errand == (1 if beyond else 2)


def test_who_is_early_takes_a_ticket_at_the_agreed_time_and_goes_first() -> None:
    """At device level and in the engine: nobody is called before the agreed time, missed ones not at all."""
    scenario = small(*PLAIN, PATIENCE[0], booked=BOOKED[0])
    day = draw(scenario, 5)
    seen = ideal_devices.replay(scenario, day)
    early = [v for v in day.visitors if v.agreed > v.arrives]
    assert len(early) > 3
    for visitor in early:
        at = comes_to_kiosk(visitor.arrives, visitor.agreed)
        assert visitor.agreed <= at < visitor.agreed + NS
        ticket = seen[visitor.number].ticket
        assert ticket is not None
        assert ticket >= at + scenario.pace.kiosk_s * NS
    assert play(scenario, day, people(scenario)).waits() == ideal_devices.waits(seen)
    waits = dict(ideal_devices.waits(seen))
    kept = [waits[v.number] for v in day.visitors if v.errand == 2]
    others = [waits[v.number] for v in day.visitors if v.errand == 0 and v.number in waits]
    assert sum(kept) / len(kept) < sum(others) / len(others)


@pytest.mark.parametrize(
    ("booked", "told"),
    [
        ("{ spans = ['07:00-07:30'], every_minutes = 5 }", "outside the opening hours"),
        ("{ spans = ['08:00-08:20', '08:10-08:30'], every_minutes = 5 }", "begins before"),
        ("{ spans = ['08:00-08:20'], every_minutes = 5, otherwise = 'lnad' }", 'no errand "lnad"'),
        ("{ spans = ['08:00-08:20'], every_minutes = 5, otherwise = 'by appointment' }", "by appointment itself"),
        ("{ spans = ['08:00-08:20'], every_minutes = 0 }", "every_minutes"),
        ("{ spans = ['08:00-08:20'], every_minutes = 5 }\nshare = 1", "nobody walks in"),
        ("{ spans = ['08:00-08:20'], every_minutes = 5 }\nthen = { errand = 'land' }", "does not go with"),
    ],
)
def test_mistakes_are_told(booked: str, told: str) -> None:
    """What cannot be is refused, in words that name it."""
    with pytest.raises(ScenarioError, match=told):
        small(*PLAIN, booked=booked)


def test_the_shipped_hall_with_appointments() -> None:
    """Almassora: about 64 come by appointment and 47 without; the ratio of the reported visits."""
    scenario = load("almassora")
    days = [draw(scenario, 1, day).visitors for day in range(40)]
    by_appointment = sum(v.agreed > 0 and v.way == COMES for day in days for v in day) / 40
    walk_ins = sum(v.agreed == 0 for day in days for v in day) / 40
    assert 60 < by_appointment < 68
    assert 42 < walk_ins < 52
