"""The fast engine against the replays that it has to equal, to the nanosecond."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.hall.day import Day, Visitor, draw
from bench.hall.ideal import ideal_waits
from bench.planning import ideal_devices
from bench.planning.engine import NO_DELAYS, Desks, Load, people, play, simulate
from bench.scenario.load import load, parse
from bench.scenario.model import Scenario
from bench.scenario.times import MINUTE, NS, parse_time
from halls import OSDP_KEYPADS, hall


def small(
    counters: int, skills: list[list[int]], breaks: list[str], after: str, pace: tuple[int, int, int]
) -> Scenario:
    """A hall with two errands and one morning."""
    errands = ["certified copy", "land"]
    blocks = []
    for number in range(1, counters + 1):
        names = ", ".join(f'"{errands[e]}"' for e in skills[number - 1])
        pause = f'breaks = ["{breaks[number - 1]}"]' if breaks[number - 1] else ""
        blocks.append(f'[[counter]]\nnumber = {number}\nclerk = "C{number:02}"\nerrands = [{names}]\n{pause}\n')
    consoles = "".join(f"  {{ kind = 'clerk_console', unit = {n}, counter = {n} }},\n" for n in range(1, counters + 1))
    shows = "".join(
        f"  {{ kind = 'counter_display', unit = {20 + n}, counter = {n} }},\n" for n in range(1, counters + 1)
    )
    keypads = "".join(f"  {{ kind = 'rating_keypad', unit = {n}, counter = {n} }},\n" for n in range(1, counters))
    text = f"""
title = "a small hall"
date = 2025-03-10
timezone = "Asia/Ho_Chi_Minh"
rating_share = 0.6
[hours]
open = ["08:00-08:40", "09:00-09:30"]
after_closing = "{after}"
[arrivals]
visitors = 40
shape = {{ "08:00" = 3, "09:30" = 1 }}
[pace]
kiosk_s = {pace[0]}
walk_s = {pace[1]}
clerk_s = {pace[2]}
[[errand]]
name = "certified copy"
letter = "A"
share = 2
minutes = {{ median = 3, p90 = 7 }}
[[errand]]
name = "land"
letter = "B"
share = 1
priority = 1
minutes = {{ median = 4, p90 = 6 }}
{"".join(blocks)}
[[line]]
name = "keypads"
owner = "collector"
devices = [
{keypads or "  { kind = 'rating_keypad', unit = 1, counter = 1 },"}
]
[[line]]
name = "hall"
owner = "house"
devices = [
{consoles}{shows}  {{ kind = "kiosk_button", unit = 41, printer = "printer-1" }},
]
[[line]]
name = "ticket"
owner = "house"
duplex = "full"
devices = [{{ kind = "ticket_printer" }}]
"""
    return parse(text.encode(), "small.toml", lambda _: b"")


@st.composite
def halls(draw_: st.DrawFn) -> Scenario:
    """Small halls with skills, priorities, breaks, either closing, and any pace; every errand is served."""
    counters = draw_(st.integers(1, 4))
    skills = draw_(
        st.lists(st.sampled_from([[0], [1], [0, 1]]), min_size=counters, max_size=counters).filter(
            lambda found: {e for one in found for e in one} == {0, 1}
        )
    )
    breaks = draw_(st.lists(st.sampled_from(["", "08:10-08:15", "08:20-08:31"]), min_size=counters, max_size=counters))
    after = draw_(st.sampled_from(["until_queue_empty", "send_home"]))
    pace = draw_(st.tuples(st.integers(1, 25), st.integers(0, 20), st.integers(0, 5)))
    return small(counters, skills, breaks, after, pace)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(halls(), st.integers(0, 10_000))
def test_waits_equal_the_replay_with_real_people_the_real_office_and_ideal_devices(hall_: Scenario, seed: int) -> None:
    """On random small halls the fast engine calls the same visitors after the same waits: difference exactly 0 ns."""
    day = draw(hall_, seed)
    seen = ideal_devices.replay(hall_, day)
    played = play(hall_, day, people(hall_))
    assert played.waits() == ideal_devices.waits(seen)
    starts = {played.numbers[visit.place]: visit.starts for visit in played.visits}
    # Whoever still walks or waits for the clerk when the horizon ends the replay has no start there.
    assert {n: s.starts for n, s in seen.items() if s.starts is not None} == {
        n: at for n, at in starts.items() if at < hall_.horizon
    }


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(halls(), st.integers(0, 10_000))
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
    desks = Desks(
        {1: frozenset((0,)), 2: frozenset((0,))},
        lambda _c, at: at,
        lambda _c, _a: None,
        0,
        1 << 60,
        limit=lambda at: 1 if at < 60 else 2,
        grows=(60,),
    )
    assert [(v.place, v.called) for v in simulate(load_, desks)] == [(0, 0), (2, 60)]
    free = replace(desks, limit=None, grows=())
    assert [(v.place, v.called) for v in simulate(load_, free)] == [(0, 0), (1, 1), (2, 100)]
