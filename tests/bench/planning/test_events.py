"""Planning's events on SimPy's environment: what is relied on of it, and how much of it a day needs."""

from __future__ import annotations

from collections import Counter
from heapq import heappush
from typing import Any

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from bench.hall.day import columns
from bench.planning import engine, plain_day
from bench.planning.engine import NO_DELAYS, Counters, Load, people
from bench.planning.events import SECOND, TICKET, Reusable, agenda
from bench.planning.outcome import Hall
from bench.scenario.load import load


@given(st.integers(0, 1 << 60), st.lists(st.integers(0, 1 << 60), min_size=1, max_size=20))
def test_what_is_put_on_the_agenda_is_what_schedule_puts_there(start: int, delays: list[int]) -> None:
    """Of the installed SimPy: the same heap of (instant, priority, number, event), in whole nanoseconds."""
    ours, theirs = simpy.Environment(start), simpy.Environment(start)
    due, number = agenda(ours)
    for place, delay in enumerate(delays):
        heappush(due, (start + delay, (place,), number(), ours.event()))
        theirs.schedule(theirs.event(), (place,), delay)  # type: ignore[arg-type]
    found, _ = agenda(theirs)
    assert [entry[:3] for entry in due] == [entry[:3] for entry in found]
    assert all(type(entry[0]) is int for entry in found)
    assert ours.peek() == theirs.peek()
    assert ours._now == ours.now == start
    assert number() == len(delays)


def test_an_event_is_used_again_and_priorities_put_one_instant_in_order() -> None:
    """One event comes up three times; at an instant first tickets, then second queues, then counters as they stand."""
    env = simpy.Environment(0)
    put: Any = env.schedule
    seen: list[tuple[Any, str]] = []

    def again(event: Reusable) -> None:
        seen.append((env.now, "counter 7"))
        if env.now < 30:
            event.callbacks = event.does
            put(event, (0, 0, 7), 10)

    one = Reusable(env, again)
    assert one.processed
    one.callbacks = one.does
    put(one, (0, 0, 7), 10)
    for name, order in (("early", (5, 0, 0)), ("counter 3", (0, 0, 3)), ("second", SECOND), ("ticket", TICKET)):
        event = Reusable(env, lambda _, name=name: seen.append((env.now, name)))  # type: ignore[misc]
        event.callbacks = event.does
        put(event, order, 20)
    env.run()
    at_20 = [(20, name) for name in ("ticket", "second", "counter 3", "counter 7", "early")]
    assert seen == [(10, "counter 7"), *at_20, (30, "counter 7")]
    assert one.ok


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Counter[type]:
    """How many events each kind of environment has run."""
    found: Counter[type] = Counter()
    real = simpy.Environment.step

    def step(env: simpy.Environment) -> None:
        found[type(env)] += 1
        real(env)

    monkeypatch.setattr(simpy.Environment, "step", step)
    return found


@pytest.mark.parametrize("name, of_each_visit", [("tan_hoi", 2), ("ca_mau", 1.4)])
def test_a_day_is_run_by_simpy_in_at_most_two_events_a_visit(
    name: str, of_each_visit: float, steps: Counter[type]
) -> None:
    """Both engines: the environment is SimPy's own, and a visit is one event, its ticket at most another.

    Beside them stand a counter's breaks: a key before and one after each. Where all counters are at work tickets are no
    events: there a visit is hardly more than one.
    """
    scenario = load(name)
    day = columns(scenario, 1)
    hall = Hall(scenario, people(scenario), "python")
    visits = int((hall.play(day).counters >= 0).sum())
    breaks = 4 * len(scenario.counters)
    assert set(steps) == {simpy.Environment}
    assert visits < steps[simpy.Environment] <= of_each_visit * visits + breaks


def test_the_engine_for_other_days_is_run_by_simpy_too(steps: Counter[type]) -> None:
    """People who leave, balk and go on: the same environment, and no more events than visits and tickets there are."""
    scenario = load("duc_hoa")
    hall = Hall(scenario, people(scenario), "python")
    played = hall.play(columns(scenario, 1))
    assert set(steps) == {simpy.Environment}
    assert (played.counters >= 0).sum() < steps[simpy.Environment] < 4 * len(played.joins)


@pytest.mark.parametrize("until", [0, 5, 10, 11, 20, 21])
def test_nothing_happens_at_the_end_of_the_day_or_later(until: int) -> None:
    """One counter, a ticket each 5 ns, services of 10: calls before the end only, of tickets that join before it."""
    load_ = Load([0, 5, 10, 15, 20], [0] * 5, [10] * 5, [0] * 5, range(5))
    counters = Counters({1: frozenset((0,))}, 0, until)
    called = [at for at in (0, 10, 20) if at < until]
    for visits in (plain_day.visits_of(load_, counters, NO_DELAYS), engine._Play(load_, counters, NO_DELAYS).run()):
        assert [visit.called for visit in visits] == called
