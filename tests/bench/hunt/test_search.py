"""What a hunt tries: enough, all of it valid, the same for the same seed."""

from __future__ import annotations

import tomllib
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.faults.catalogue import CATALOGUE
from bench.faults.nemesis import shape_of
from bench.hunt.excuses import EXCUSED, excused_in
from bench.hunt.presses import NEAR_SIGN, NEAR_WRAP, PRESETS
from bench.hunt.search import VARIANTS, applicable, baselines, swarm, systematic
from bench.hunt.subject import CannotHunt, Subject, subject_of
from bench.hunt.trial import RUNNING, Outcome, Trial
from bench.scenario.load import available
from bench.scenario.toml_out import toml

SMALL = Path(__file__).parents[2] / "support" / "small.toml"
EXCHANGES = [(4, 4, 300, 7, 8, 0), (4, 256, 10, 21, 8, 16), (16, 0, 10, 8, 13, 0)]


@pytest.fixture(scope="module")
def subject() -> Subject:
    return subject_of("storm")


def scenario_of(subject: Subject, trial: Trial):
    tables = subject.tables(trial.devices, trial.seconds, trial.faults)
    return subject.scenario(tables, toml(tables).encode())


def test_a_keypad_line_has_400_systematic_runs_or_more(subject: Subject) -> None:
    """Every fault that can happen on the line is in the list, each early, none twice in the same way."""
    shape = shape_of(scenario_of(subject, baselines(subject, 1)[0]))
    trials = systematic(subject, shape, EXCHANGES, 1)
    assert len(trials) >= 400
    names = Counter(trial.faults[0]["name"] for trial in trials)
    assert set(names) == {row.name for row in applicable(subject, shape)}
    assert len(names) >= 40
    assert {trial.faults[0]["name"] for trial in trials[: len(names)]} == set(names)
    assert {fault.get("count") for trial in trials for fault in trial.faults} >= {1, 2}
    points = {str(fault.get("phase")).partition("[")[0] for trial in trials for fault in trial.faults}
    assert points >= {"idle", "request.byte", "turnaround", "reply.byte", "reply.end", "gap", "ack"}


def test_every_systematic_trial_is_a_valid_scenario(subject: Subject) -> None:
    """No fault of the list is refused: its names, parameters and trigger fit the cut hall."""
    shape = shape_of(scenario_of(subject, baselines(subject, 1)[0]))
    for trial in systematic(subject, shape, EXCHANGES, 1)[::9]:
        assert len(scenario_of(subject, trial).faults) == len(trial.faults)


def test_the_swarm_draws_valid_trials(subject: Subject) -> None:
    """A swarm's trial is a valid scenario, the same for the same number, another for the next."""
    shape = shape_of(scenario_of(subject, baselines(subject, 1)[0]))
    drawn = [swarm(subject, shape, 1, number) for number in range(25)]
    for trial in drawn:
        assert len(scenario_of(subject, trial).faults) == len(trial.faults)
    assert drawn == [swarm(subject, shape, 1, number) for number in range(25)]
    assert len({trial.key for trial in drawn}) == 25


def test_one_seed_gives_one_list(subject: Subject) -> None:
    """The systematic part is the same for the same seed, and in another order for another."""
    shape = shape_of(scenario_of(subject, baselines(subject, 1)[0]))
    assert systematic(subject, shape, EXCHANGES, 5) == systematic(subject, shape, EXCHANGES, 5)
    assert systematic(subject, shape, EXCHANGES, 5) != systematic(subject, shape, EXCHANGES, 6)


def test_presets_press_near_the_wrap_and_fill_the_queue(subject: Subject) -> None:
    """Each pattern of presses is among the first runs: a wrap, a queue nearly full before the program starts."""
    first = {trial.label: trial for trial in baselines(subject, 1)}
    assert len(first) == len(PRESETS)
    wraps = first["no fault, the next sequence number near its wrap"].sequences
    assert set(wraps) == set(subject.keypads)
    assert set(wraps.values()) == {NEAR_WRAP, NEAR_SIGN}
    full = first["no fault, a queue nearly full"]
    assert sum(act.at_ms < full.late_ms for act in full.acts) == 62
    assert all(act.at_ms < 24_000 for trial in first.values() for act in trial.acts)


@pytest.mark.parametrize("name", available())
def test_shipped_scenarios_can_be_cut_or_say_why_not(name: str) -> None:
    """Each shipped scenario gives a valid small hall, for all its keypads and for one, or says what it lacks."""
    try:
        subject = subject_of(name)
    except CannotHunt as exc:
        told = str(exc)
        subject = None
    if subject is None:
        assert "keypad" in told
        return
    for keypads in (subject.keypads, subject.keypads[:1], subject.keypads[-1:]):
        scenario = scenario_of(subject, Trial("", keypads, (), seconds=45))
        rated = [spec.name for line, spec in scenario.placed if line.owner == "collector"]
        assert set(keypads) <= set(rated)
        assert scenario.horizon - scenario.start == 45 * 10**9


def test_variants_and_excuses_name_faults_that_exist() -> None:
    """The tables of the hunt name faults of the catalogue."""
    names = {row.name for row in CATALOGUE.values()}
    assert set(VARIANTS) <= names
    assert set(EXCUSED) <= names


def test_a_fault_excuses_what_it_struck_and_never_a_crash() -> None:
    """An excuse needs a strike; a crash has none."""
    trial = Trial("", ("keypad-1",), (), ({"name": "crc_collision"},))
    broken = {"phantom": 1, RUNNING: 1}
    assert excused_in(trial, Outcome(violated=broken, hits={"crc_collision": 1})) == ("phantom",)
    assert excused_in(trial, Outcome(violated=broken, hits={"crc_collision": 0})) == ()
    assert excused_in(trial, Outcome(violated={"order": 1}), ["order"]) == ("order",)


scalars = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.integers(-(2**62), 2**62),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(min_value=date(1000, 1, 1)),
)
inline = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
)


@given(st.dictionaries(st.text(max_size=6), inline, max_size=4))
def test_toml_comes_back(tables: dict[str, object]) -> None:
    """What is written as TOML is read back equal."""
    assert tomllib.loads(toml(tables)) == tables
