"""The compiled kernel against the engine in Python: the same calls at the same counters, difference exactly 0."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.hall.counters import NO_SHOW_AFTER
from bench.hall.day import columns, draw
from bench.planning import engine, outcome, plain_day, tables
from bench.planning.days import Asked, figures_of
from bench.planning.engine import NEVER, NO_DELAYS, Counters, Delays, Leaving, Load, people
from bench.planning.lines import with_devices
from bench.planning.outcome import EngineError, Hall, engine_named
from bench.planning.scenario_day import play
from bench.scenario.load import available, load
from bench.scenario.model import Scenario
from bench.scenario.times import HOUR
from planning_halls import halls

pytest.importorskip("numba", reason="the extra `fast` is not installed")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(halls(), st.integers(0, 10_000), st.sampled_from(["people", "none", "devices", "polls"]))
def test_a_day_is_the_same_in_every_column(hall: Scenario, seed: int, costs: str) -> None:
    """On random halls with skills, priorities, breaks and either closing: tickets, calls, counters, ends are equal."""
    delays = NO_DELAYS if costs == "none" else people(hall)
    if costs == "devices":
        delays = delays._replace(call=700_000_001, show=120_000_000)
    if costs == "polls":
        delays = with_devices(hall)
        assert set(delays.polls.counters) == set(hall.skills)
        assert len(delays.polls.kiosks) == 1
    day = columns(hall, seed)
    fast, slow = (Hall(hall, delays, name).play(day) for name in ("kernel", "python"))
    for name, ours, theirs in zip(fast._fields, fast, slow, strict=True):
        assert ours.tolist() == theirs.tolist(), name
    played = play(hall, draw(hall, seed), delays)
    told = sorted((played.numbers[v.place] - 1, v.counter, v.called, v.starts, v.leaves) for v in played.visits)
    served = fast.counters >= 0
    rows = (fast.places, fast.counters, fast.called, fast.starts, fast.leaves)
    assert sorted(zip(*(row[served].tolist() for row in rows), strict=True)) == told


TIMES = st.lists(st.integers(0, 60), min_size=1, max_size=40).map(sorted)
SKILLS = st.lists(st.frozensets(st.integers(0, 2), min_size=1), min_size=1, max_size=5)
SPANS = st.lists(st.tuples(st.integers(0, 80), st.integers(1, 20)), max_size=2)


@st.composite
def plays(pick: st.DrawFn) -> tuple[Load, Counters, Delays]:
    """Any load, with ties at every turn, and any counters: pauses, patience, limits, or all alike."""
    joins = pick(TIMES)
    n = len(joins)

    def column(low: int, high: int) -> list[int]:
        return pick(st.lists(st.integers(low, high), min_size=n, max_size=n))

    errands = column(0, 2)
    keys = [(priority, at, "A", place) for place, (priority, at) in enumerate(zip(column(0, 1), joins, strict=True))]
    alike = pick(st.booleans())
    skills = dict(enumerate(pick(SKILLS), start=3))
    if alike:
        skills = dict.fromkeys(skills, frozenset((0, 1, 2)))
        keys = [(0, *key[1:]) for key in keys]
    spans = {} if alike else {c: sorted((a, a + b) for a, b in pick(SPANS)) for c in skills}
    levels = [] if alike else pick(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 4)), max_size=3))
    patience = None if alike or pick(st.booleans()) else column(0, 30)
    load_ = Load(joins, errands, column(0, 25), column(0, 5), keys, patience)
    rated = frozenset(c for c in skills if c % 2)
    until = pick(st.integers(20, 200))
    limits = sorted(dict(levels).items())
    polled = {} if alike else {c: (c, 1 + c, 1) for c in skills if pick(st.booleans())}
    counters = Counters(
        skills, pick(st.integers(0, 30)), until, spans, pick(st.integers(20, 200)), rated, limits, polled
    )
    key = pick(st.integers(0, 2))
    delays = Delays(0, key, *(pick(st.integers(0, 3)) for _ in range(5)), rated=True, log_in=key)
    return load_, counters, delays


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(plays())
def test_any_play_is_the_same_visits_in_the_same_order(given_: tuple[Load, Counters, Delays]) -> None:
    """Small integers make instants collide: whoever goes first at one instant is the same in both."""
    assert tables.simulate(*given_) == engine.simulate(*given_)


@pytest.mark.parametrize("number", [1, 2, 31, 64, 300, tables.MOST_ALIKE, tables.MOST_ALIKE + 1])
def test_any_number_of_counters_that_are_alike(number: int) -> None:
    """The tournament of counters, whatever its depth, and the heap beyond its largest: the calls of the engine."""
    random = Random(number)
    joins = sorted(random.randrange(400) for _ in range(3 * number + 20))
    holds = [random.randrange(150) for _ in joins]
    load_ = Load(joins, [0] * len(joins), holds, [0] * len(joins), range(len(joins)))
    counters = Counters({n: frozenset((0,)) for n in range(1, number + 1)}, 100, 700, end=650)
    assert tables.Tables(counters, NO_DELAYS).alike == (number <= tables.MOST_ALIKE)
    for delays in (NO_DELAYS, Delays(key=1, call=2, show=1, walk=3, done=1, clerk=2, log_in=1)):
        assert tables.simulate(load_, counters, delays) == engine.simulate(load_, counters, delays)


@st.composite
def courses(pick: st.DrawFn) -> tuple[Load, Counters, Delays]:
    """Any play in which visitors leave, balk or go on, some of them at the instant at which something else happens."""
    load_, counters, delays = pick(plays())
    n, levels = len(load_.joins), pick(st.integers(1, 2))

    def column(values: st.SearchStrategy[int]) -> list[int]:
        return pick(st.lists(values, min_size=n, max_size=n))

    waits = column(st.sampled_from([-1, -1, 0, 1, 5, 20, 60]))
    goes = [NEVER if wait < 0 else at + wait for at, wait in zip(load_.joins, waits, strict=True)]
    again = [(priority, *key[1:]) for priority, key in zip(column(st.integers(0, 1)), load_.keys, strict=True)]
    leaving = Leaving(
        goes,
        column(st.integers(-1, 3)),
        column(st.sampled_from([-1, -1, 0, 1, 2, 5])),
        column(st.integers(0, 25)),
        column(st.integers(0, 5)),
        again,
        pick(TIMES),
    )
    closes = pick(st.sampled_from([NEVER, 0, 40, 90]))
    no_show = pick(st.sampled_from([0, 1, 9, 2 * (NO_SHOW_AFTER + delays.key)]))
    pushed = replace(counters, closes=closes, until=pick(st.sampled_from([counters.until, 1 << 40])))
    return replace(load_, levels=levels, leaving=leaving), pushed, delays._replace(no_show=no_show)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(courses())
def test_any_course_is_the_same(given_: tuple[Load, Counters, Delays]) -> None:
    """Who is called when and where, who balks, when each leaves unserved, who joins a second queue at which instant."""
    assert tables.course(*given_) == engine.course(*given_)
    assert tables.simulate(*given_) == engine.simulate(*given_)


def test_a_course_needs_somebody_who_leaves() -> None:
    """A load without `Leaving` has no course: that is told, and nothing is made up."""
    with pytest.raises(ValueError, match="has no course"):
        tables.course(Load([0], [0], [1], [0], [(0, 0, "A", 1)]), Counters({1: frozenset((0,))}, 0, 100))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(plays())
def test_plain_days_are_those_of_the_engine(given_: tuple[Load, Counters, Delays]) -> None:
    """The same visits in the same order, whichever of the two plays a day that both can play."""
    load_, counters, delays = replace(given_[0], patience=None), replace(given_[1], limits=()), given_[2]
    assert plain_day.fits(load_, counters)
    assert plain_day.visits_of(load_, counters, delays) == engine._Play(load_, counters, delays).run()


@pytest.mark.parametrize("name", available())
def test_figures_of_shipped_halls_do_not_depend_on_the_engine(name: str) -> None:
    """A day's figures, floats and all, are equal: of every hall that ships."""
    scenario = load(name)
    for replication in range(2):
        day = columns(scenario, 1, replication)
        for delays in (people(scenario), with_devices(scenario)):
            fast, slow = (figures_of(Hall(scenario, delays, e), day, Asked()) for e in ("kernel", "python"))
            assert fast == slow


def test_staff_by_the_hour_and_people_who_leave_go_together() -> None:
    """With limits of how many counters may be at work too, each column is that of the engine in Python."""
    scenario = load("duc_hoa")
    opens = scenario.hours.opens
    limits = ((opens, 2), (opens + HOUR, 4), (opens + 3 * HOUR, 1), (opens + 6 * HOUR, 3))
    for replication in range(5):
        day = columns(scenario, 2, replication)
        fast, slow = (Hall(scenario, people(scenario), e, limits).play(day) for e in ("kernel", "python"))
        assert [column.tolist() for column in fast] == [column.tolist() for column in slow]


def test_engines_are_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Auto is the kernel where numba is; without it auto is Python, and asking for the kernel says what to install."""
    assert (engine_named("auto"), engine_named("python")) == ("kernel", "python")
    monkeypatch.setattr(outcome, "find_spec", lambda _name: None)
    assert engine_named("auto") == "python"
    with pytest.raises(EngineError, match=r"hallbench\[fast\]"):
        engine_named("kernel")
    with pytest.raises(EngineError, match="there is no engine"):
        engine_named("abacus")
