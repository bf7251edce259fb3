"""The fast engine against the replays that it has to equal, to the nanosecond."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.hall.day import Day, Visitor, draw
from bench.hall.ideal import ideal_waits
from bench.planning import ideal_devices
from bench.planning.engine import NO_DELAYS, Counters, Load, heard, people, simulate
from bench.planning.scenario_day import play
from bench.scenario.load import load, parse
from bench.scenario.model import Scenario
from bench.scenario.times import MINUTE, NS, parse_time
from halls import OSDP_KEYPADS, hall
from planning_halls import halls


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(halls(), st.integers(0, 10_000))
def test_waits_equal_the_replay_with_real_people_the_real_office_and_ideal_devices(hall_: Scenario, seed: int) -> None:
    """On random small halls the fast engine calls the same visitors after the same waits: difference exactly 0 ns."""
    day = draw(hall_, seed)
    seen = ideal_devices.replay(hall_, day)
    played = play(hall_, day, people(hall_))
    assert played.waits() == ideal_devices.waits(seen)
    first = {played.numbers[v.place]: v.starts for v in played.visits if v.place < len(played.load.joins)}
    second = {played.numbers[v.place]: v.starts for v in played.visits if v.place >= len(played.load.joins)}
    # Whoever still walks or waits for the clerk when the horizon ends the replay has no start there.
    for starts, seen_ in ((first, lambda s: s.starts), (second, lambda s: s.begins)):
        told = {number: seen_(marks) for number, marks in seen.items() if seen_(marks) is not None}
        assert told == {number: at for number, at in starts.items() if at < hall_.horizon}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(halls(shifts=False), st.integers(0, 10_000))
def test_without_any_delay_waits_equal_the_ideal_replay(hall_: Scenario, seed: int) -> None:
    """With nothing but arrivals and services the waits are those of `bench.hall.ideal`: difference exactly 0 ns."""
    hall_.__dict__["kiosk_keys"] = {}  # the ideal replay has no kiosks
    day = draw(hall_, seed)
    assert play(hall_, day, NO_DELAYS).waits() == ideal_waits(hall_, day)


@pytest.mark.parametrize("name, days", [("tan_hoi", 8), ("warsaw_peak", 1)])
def test_shipped_halls_are_played_alike(name: str, days: int) -> None:
    """Drawn days of a shipped hall and a recorded one: waits equal to those of both replays."""
    scenario = load(name)
    for replication in range(days):
        day = draw(scenario, 1, replication)
        assert play(scenario, day, people(scenario)).waits() == ideal_devices.waits(ideal_devices.replay(scenario, day))
        assert play(scenario, day, NO_DELAYS).waits() == ideal_waits(scenario, day)


@pytest.mark.gate
def test_a_large_overloaded_hall_is_played_alike() -> None:
    """Several days of 42 counters with breaks that end together: waits equal, difference exactly 0 ns."""
    scenario = load("ca_mau")
    for replication in range(10):
        day = draw(scenario, 1, replication)
        assert play(scenario, day, people(scenario)).waits() == ideal_devices.waits(ideal_devices.replay(scenario, day))


@given(
    st.tuples(st.integers(0, 50), st.integers(1, 20), st.integers(0, 9)),
    st.lists(st.integers(0, 300), min_size=1, max_size=20),
)
def test_skipping_ahead_knows_a_key_when_polling_does(poll: tuple[int, int, int], presses: list[int]) -> None:
    """Asked poll by poll, a key is known at the same instant: whole nanoseconds, difference 0."""
    first, period, latency = poll
    for at in presses:
        asked = first
        while asked < at:
            asked += period
        assert heard(poll, at) == asked + latency


def test_a_visit_by_hand() -> None:
    """Ticket, call, walk, service, rating and the next call of one counter, worked out on paper."""
    scenario = parse(hall(OSDP_KEYPADS).encode(), "hall.toml", lambda _: b"")
    scenario = scenario.model_copy(update={"counters": scenario.counters[:1]})
    scenario.__dict__.pop("skills", None)
    at = parse_time("08:10")
    visitors = (Visitor(1, at, 0, 2 * MINUTE, 5, 3 * NS), Visitor(2, at + NS, 0, MINUTE, 0, 0))
    played = play(scenario, Day("hall", "", 0, 0, visitors), people(scenario))
    first, second = played.visits
    assert played.load.joins == [at + 6 * NS, at + 12 * NS]  # one kiosk, six seconds each
    assert (first.called, first.starts) == (at + 6 * NS, at + 11 * NS)
    assert first.leaves == at + 11 * NS + 2 * MINUTE + 600_000_000 + 3 * NS  # done, then the rating
    assert second.called == first.leaves + 2 * NS + 600_000_000  # the clerk turns, and presses


def test_patience_ends_a_wait_and_a_limit_keeps_counters_from_work() -> None:
    """A visitor out of patience is passed over; with a limit of one at work the second counter waits for more."""
    n = 3
    load_ = Load([0, 1, 2], [0] * n, [100] * n, [0] * n, [(0, k, "A", k) for k in range(n)], [50, 10, 1000])
    counters = Counters(
        {1: frozenset((0,)), 2: frozenset((0,))},
        0,
        1 << 60,
        limits=((0, 1), (60, 2)),
    )
    assert [(v.place, v.called) for v in simulate(load_, counters)] == [(0, 0), (2, 60)]
    free = replace(counters, limits=())
    assert [(v.place, v.called) for v in simulate(load_, free)] == [(0, 0), (1, 1), (2, 100)]
