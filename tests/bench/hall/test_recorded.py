"""Recorded ticket logs as days: the fit, the choice of counters, and Warsaw."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios
from bench.hall import recorded
from bench.hall.day import draw
from bench.hall.discipline import Waiting, ticket_name
from bench.hall.ideal import ideal_waits, replay
from bench.hall.recorded import SHORTEST, Choice, choose_counters, compare, figures, parse_readings, recorded_waits
from bench.scenario.load import load
from bench.scenario.model import Scenario
from bench.scenario.ticket_log import LoggedTicket
from bench.scenario.times import MINUTE, NS


def always(_counter: int, at: int) -> int:
    """Counters that never close."""
    return at


def opening(_counter: int, at: int) -> int:
    """Counters that open when everybody has come."""
    return max(at, 10 * NS)


def played(
    rows: list[tuple[int, int]], counters: int, may_call: Callable[[int, int], int] = always
) -> tuple[list[Waiting], dict[int, frozenset[int]], list[int]]:
    """A queue of (arrival, occupancy) at some counters: its tickets, the skills, and when each is called."""
    tickets = [Waiting(ticket_name("A", n), 0, at) for n, (at, _) in enumerate(rows, start=1)]
    skills = {counter: frozenset((0,)) for counter in range(1, counters + 1)}
    made = {c.place: c.at for c in replay(tickets, skills, may_call, lambda place, _now: rows[place][1])}
    return tickets, skills, [made[place] for place in range(len(rows))]


ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(20, 400)), min_size=1, max_size=40)


@settings(max_examples=150)
@given(ROWS, st.integers(1, 4), st.integers(0, 10))
def test_a_busy_queue_is_reproduced_to_the_nanosecond(
    rows: list[tuple[int, int]], counters: int, overhead: int
) -> None:
    """A log made by counters that never stood idle fits so that the replay calls at exactly the logged instants.

    The overhead that was taken off is added by the replay; with it, or without, the calls are the same.
    """
    log = sorted((at * NS, occupancy * NS) for at, occupancy in rows)
    tickets, skills, calls = played(log, counters, opening)
    services, made = recorded._fit(tickets, list(calls), skills, opening, overhead * NS)
    assert [made[place] for place in range(len(log))] == calls
    again = replay(tickets, skills, opening, lambda place, _now: services[place] + overhead * NS)
    assert sorted((c.place, c.at) for c in again) == list(enumerate(calls))


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(20, 400)), min_size=1, max_size=40), st.integers(1, 4))
def test_idle_time_is_not_taken_for_service(rows: list[tuple[int, int]], counters: int) -> None:
    """No service is below the shortest, and one that no waiting ticket explains is typical at most."""
    log = sorted((at * NS, occupancy * NS) for at, occupancy in rows)
    tickets, skills, calls = played(log, counters)
    services, made = recorded._fit(tickets, list(calls), skills, always, 0)
    pairs = zip(range(len(log)), range(counters, len(log)), strict=False)
    busy = [calls[b] - calls[a] for a, b in pairs if tickets[b].since <= calls[a] < calls[b]]
    typical = round(median(busy)) if busy else 5 * MINUTE
    assert min(services) >= SHORTEST
    assert all(made[place] >= tickets[place].since for place in made)
    for place, call in enumerate(calls):
        queued = [calls[other] for other, ticket in enumerate(tickets) if ticket.since <= call]
        follower = calls[place + counters] if place + counters < len(log) else None
        if follower is None or follower not in queued:
            assert services[place] <= max(typical, max(queued) - made[place], SHORTEST)


def test_the_rule_by_hand() -> None:
    """One counter: a busy gap is the service, an idle gap is cut to the typical one, the last service is typical."""
    minutes = [(0, 0), (1, 4), (2, 9), (3, 13), (4, 18), (5, 22), (120, 120), (121, 126)]
    tickets = [Waiting(ticket_name("A", n), 0, at * MINUTE) for n, (at, _) in enumerate(minutes)]
    calls = [call * MINUTE for _, call in minutes]
    services, made = recorded._fit(tickets, list(calls), {1: frozenset((0,))}, always, 0)
    # kept busy: the gaps 4 5 4 5 4, whose median is 4; then 98 minutes of idling, and 6 for a ticket that came later
    assert [service // MINUTE for service in services] == [4, 5, 4, 5, 4, 4, 4, 4]
    assert [made[place] // MINUTE for place in range(8)] == [0, 4, 9, 13, 18, 22, 120, 124]
    shorter, again = recorded._fit(tickets, list(calls), {1: frozenset((0,))}, always, 30 * NS)
    assert again == made
    assert [service + 30 * NS for service in shorter] == services


def test_the_typical_pace_is_the_pools_own_where_it_has_enough() -> None:
    """Of two pools, the busy one has its own median pace; the one with few busy calls takes that of the whole hall."""
    busy = [(0, n * 3 * MINUTE) for n in range(8)]
    quiet = [(0, 0), (0, 9 * MINUTE), (0, 18 * MINUTE)]
    tickets = [Waiting(ticket_name("AB"[errand], n), errand, since)
               for errand, pool in enumerate((busy, quiet)) for n, (since, _) in enumerate(pool)]  # fmt: skip
    calls = [call for _, call in busy + quiet]
    services, _ = recorded._fit(tickets, calls, {1: frozenset((0,)), 2: frozenset((1,))}, always, 0)
    assert [service // MINUTE for service in services] == [3] * 8 + [9, 9, 3]
    slower = [(0, n * 8 * MINUTE) for n in range(8)]
    tickets = tickets[:8] + [Waiting(ticket_name("B", n), 1, 0) for n in range(8)]
    services, _ = recorded._fit(
        tickets, [call for _, call in busy + slower], {1: frozenset((0,)), 2: frozenset((1,))}, always, 0
    )
    assert [service // MINUTE for service in services] == [3] * 8 + [8] * 8


def test_tickets_that_were_never_called_come_all_the_same() -> None:
    """An uncalled ticket has the typical pace as its service and takes no part in fitting the others."""
    tickets = [Waiting(ticket_name("A", n), 0, 0) for n in range(7)]
    calls = [n * 5 * MINUTE for n in range(6)]
    services, made = recorded._fit(tickets, [*calls, None], {1: frozenset((0,))}, always, 0)
    assert services == [5 * MINUTE] * 7
    assert [made[n] for n in range(6)] == calls


@pytest.fixture(scope="module")
def warsaw() -> Scenario:
    """The recorded peak day."""
    return load("warsaw_peak")


def shipped(name: str) -> str:
    """A file of the Warsaw folder."""
    return scenarios.folder().joinpath(f"warsaw_peak/{name}").read_text(encoding="utf-8")


def test_warsaw_is_the_recorded_day(warsaw: Scenario) -> None:
    """1,778 tickets in 19 queues, 1,766 called; recorded waits 76.5 / 36.9 / 190.3 minutes (the data's own table)."""
    day = draw(warsaw, 1)
    assert (len(warsaw.log), len(day.visitors), len(recorded_waits(day))) == (1778, 1778, 1766)
    assert len({ticket.queue for ticket in warsaw.log}) == 19
    told = figures([wait for _, wait in recorded_waits(day)])
    assert {key: round(value, 1) for key, value in told.items()} == pytest.approx(
        {"mean": 76.5, "p50": 36.9, "p90": 190.3}, abs=0.051
    )
    assert [v.arrives for v in day.visitors] == [ticket.issued for ticket in warsaw.log]


def test_warsaw_replayed_without_devices_waits_as_recorded(warsaw: Scenario) -> None:
    """The ideal replay's mean is within a minute of the recorded one, p50 and p90 within half a minute."""
    day = draw(warsaw, 1)
    found = compare(recorded_waits(day), ideal_waits(warsaw, day))
    assert (found["n"], found["only_recorded"]) == (1766, 0)
    assert abs(found["difference"]["mean"]) < 1
    assert abs(found["difference"]["p50"]) < 0.5
    assert abs(found["difference"]["p90"]) < 0.5
    assert found["absolute"]["mean"] < 1


def test_warsaw_has_the_counters_that_its_readings_give(warsaw: Scenario) -> None:
    """`choose_counters` on the shipped readings gives the counters written in the scenario, queue by queue."""
    letter = {errand.name: errand.letter for errand in warsaw.errands}
    written: dict[tuple[str, ...], int] = {}
    for counter in warsaw.counters:
        queues = tuple(sorted(letter[name] for name in counter.errands))
        written[queues] = written.get(queues, 0) + 1
    chosen = choose_counters(warsaw.log, parse_readings(shipped("counters.csv")))
    assert {choice.queues: choice.counters for choice in chosen} == written
    assert all(min(choice.errors.values()) <= choice.errors[choice.counters] for choice in chosen)


def test_warsaw_carries_its_licence_and_sources() -> None:
    """The MIT text and the lines that the city asks for travel with the data."""
    assert "Copyright (c) 2019 Hanna Zdulska" in shipped("LICENSE.txt")
    assert "Permission is hereby granted" in shipped("LICENSE.txt")
    for told in ("Otwarte dane po warszawsku", "api.um.warszawa.pl", "kolejkeR", "MIT", "Processing"):
        assert told in shipped("README.md")


def test_a_recorded_day_is_the_same_for_every_seed_but_its_ratings(warsaw: Scenario) -> None:
    """Arrivals, errands and services come from the log; only ratings depend on the seed."""
    one, two = draw(warsaw, 1), draw(warsaw, 2)
    assert [(v.arrives, v.errand, v.service, v.recorded_call) for v in one.visitors] == [
        (v.arrives, v.errand, v.service, v.recorded_call) for v in two.visitors
    ]
    assert [v.rating for v in one.visitors] != [v.rating for v in two.visitors]


def ticket(queue: str, issued: int, called: int) -> LoggedTicket:
    """A ticket, in minutes."""
    return LoggedTicket(queue, issued * MINUTE, called * MINUTE)


def test_counters_follow_the_readings() -> None:
    """Queues with the same moving readings share counters; constant ones do not; the mean bounds the number."""
    log = [ticket(queue, n, 3 * n) for queue in "ABCD" for n in range(12)]
    readings = {"A": [0, 2, 3, 2], "B": [0, 2, 3, 2], "C": [0, 1, 1, 1], "D": [0, 1, 1, 1]}
    chosen = choose_counters(log, readings)
    assert [choice.queues for choice in chosen] == [("A", "B"), ("C",), ("D",)]
    assert [set(choice.errors) for choice in chosen] == [{2, 3}, {1}, {1}]
    assert chosen[0].mean == pytest.approx(7 / 3)
    one = choose_counters([ticket("A", 0, 5)], {"A": [4, 3, 4]})
    assert one == [Choice(("A",), 1, pytest.approx(11 / 3), one[0].errors)]


def test_readings_are_checked() -> None:
    """A missing column, a count that is no number and a missing reading are refused with a reason."""
    assert parse_readings("time,queue,counters\n08:05,B,2\n08:00,B,1\n08:00,A,0\n08:05,A,3\n") == {
        "A": [0, 3],
        "B": [1, 2],
    }
    for text, told in [
        ("time,queue\n08:00,A\n", "need the columns"),
        ("time,queue,counters\n08:00,A,x\n", "invalid literal"),
        ("time,queue,counters\n08:00,A,1\n08:05,A,1\n08:00,B,1\n", "queue B has no reading at 08:05"),
    ]:
        with pytest.raises(ValueError, match=told):
            parse_readings(text)


WAITS = st.dictionaries(st.integers(1, 30), st.integers(0, 10**13), max_size=20)


@given(WAITS, WAITS)
def test_comparing_is_pairing(then: dict[int, int], now: dict[int, int]) -> None:
    """Only visitors in both are compared, the others are counted; a replay beside itself differs by nothing."""
    found = compare(then.items(), now.items())
    both = sorted(set(then) & set(now))
    assert (found["n"], found["only_recorded"], found["only_replayed"]) == (
        len(both),
        len(then) - len(both),
        len(now) - len(both),
    )
    if both:
        assert found["recorded"]["mean"] == pytest.approx(fmean(then[n] for n in both) / MINUTE)
        assert found["absolute"]["max"] == pytest.approx(max(abs(then[n] - now[n]) for n in both) / MINUTE)
    same = compare(then.items(), then.items())
    assert set(same["difference"].values()) <= {0.0}
    assert set(same["absolute"].values()) == {0.0}


def test_figures_by_hand() -> None:
    """Mean, median and the interpolated 90th percentile, in minutes."""
    assert figures([n * MINUTE for n in range(11)]) == {"mean": 5.0, "p50": 5.0, "p90": 9.0}
    assert figures([MINUTE]) == {"mean": 1.0, "p50": 1.0, "p90": 1.0}
    assert figures([]) == {"mean": 0.0, "p50": 0.0, "p90": 0.0}
