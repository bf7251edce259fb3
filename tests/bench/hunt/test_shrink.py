"""The laws of shrinking: what comes out still fails, nothing of it can be left out, and it is the same every time."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from bench.hunt.shrink import minimal, shrink
from bench.hunt.trial import Act, Trial

DEVICES = ("keypad-1", "keypad-2", "keypad-3")

faults = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["lose", "hole", "reboot", "kill"]), "nth": st.integers(1, 9)}),
    max_size=6,
)
acts = st.lists(
    st.builds(Act, st.integers(0, 16_000), st.sampled_from(DEVICES), st.just("press"), st.integers(1, 5)), max_size=12
)
trials = st.builds(
    lambda faults, acts: Trial("a trial", DEVICES, tuple(sorted(acts)), tuple(faults)), faults=faults, acts=acts
)


@given(st.lists(st.integers(), unique=True, max_size=12), st.data())
def test_a_minimal_part_is_what_is_needed(items: list[int], data: st.DataObject) -> None:
    """When a part fails just if it holds certain elements, exactly these are left, in their order."""
    needed = data.draw(st.sets(st.sampled_from(items)) if items else st.just(set()))
    assert minimal(items, lambda part: needed <= set(part)) == [item for item in items if item in needed]


@given(st.lists(st.integers(0, 50), max_size=10), st.integers(0, 100))
def test_a_minimal_part_is_1_minimal(items: list[int], least: int) -> None:
    """Whatever the test of a failure: the part fails, and without any one of its elements it does not."""

    def fails(part: Sequence[int]) -> bool:
        return sum(part) % 7 > 2 or sum(part) >= least

    if not fails(items):
        return
    kept = minimal(items, fails)
    assert fails(kept)
    assert not kept or not any(fails(kept[:n] + kept[n + 1 :]) for n in range(len(kept)) if len(kept) > 1)


@given(trials, st.integers(0, 3), st.integers(0, 4), st.sets(st.sampled_from(DEVICES), max_size=2))
def test_a_shrunk_trial_fails_and_nothing_can_be_left_out(
    trial: Trial, of_faults: int, of_presses: int, on: set[str]
) -> None:
    """The small trial fails; without one of its faults, presses or devices it does not."""

    def fails(one: Trial) -> bool:
        enough = len(one.faults) >= of_faults and one.presses >= of_presses
        return enough and on <= set(one.devices)

    if not fails(trial):
        return
    small, played = shrink(trial, fails)
    assert fails(small)
    assert played <= 400
    assert len(small.faults) == of_faults
    assert small.presses == of_presses
    for n in range(len(small.devices)):
        kept = small.devices[:n] + small.devices[n + 1 :]
        assert not kept or not fails(small.without_devices(kept))
    assert shrink(trial, fails)[0] == small


def test_shrinking_stops_at_its_limit() -> None:
    """No more trials are played than allowed, and what has been reached still fails."""
    trial = Trial("big", DEVICES, tuple(Act(n * 100, "keypad-1", "press", 1) for n in range(60)))
    asked: list[Trial] = []

    def fails(one: Trial) -> bool:
        asked.append(one)
        return one.presses >= 7

    small, played = shrink(trial, fails, most=12)
    assert played == len(asked) == 12
    assert 7 <= small.presses < 60


def test_a_fault_that_strikes_without_end_strikes_once_if_that_is_enough() -> None:
    """Rates and counts are simplified, and the time is cut to what the presses and faults need."""
    fault = {"name": "lose", "line": "keypads", "after": 3, "before": 20, "rate": 0.5, "count": 0}
    trial = Trial("a trial", DEVICES[:1], (Act(1000, "keypad-1", "press", 1),), (fault,))
    small, _ = shrink(trial, lambda one: bool(one.faults and one.acts))
    assert small.faults == ({**fault, "rate": 1.0, "count": 1},)
    assert small.seconds < trial.seconds


@given(trials)
def test_a_trial_comes_back_from_its_json(trial: Trial) -> None:
    """`from_json` gives the equal trial back."""
    assert Trial.from_json(trial.to_json()) == trial
