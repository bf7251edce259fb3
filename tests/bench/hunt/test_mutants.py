"""Planted mistakes (conformance.md 4.5) are found: a stored list of trials always, whole hunts in the gate."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.hunt.campaign import Asked, Campaign
from bench.hunt.crew import at_most
from bench.hunt.play import Job, play
from bench.hunt.presses import PRESETS
from bench.hunt.subject import subject_of
from bench.hunt.trial import Trial
from tests.bench.hunt.conftest import ROOT

HALL = ROOT / "tests" / "bench" / "judge" / "mutants" / "hall.toml"
WITHIN = 300
ARGS = ("{port:keypads}", "{records}", "--units", "1-3")

_ANOTHER_UNIT = (
    {"name": "wrong_unit", "line": "keypads", "after": 2, "before": 24, "count": 2},
    {"name": "no_reply", "line": "keypads", "after": 18},  # shows how long the program waits when nothing comes
)

SEEDS: Mapping[str, tuple[str, str, tuple[dict[str, Any], ...]]] = {
    "MC-07": ("loss", "presses close together", ()),
    "MC-08": ("unexpected_unit", "presses in turn", _ANOTHER_UNIT),
    "MC-09": ("unexpected_unit", "presses in turn", _ANOTHER_UNIT),
    "MC-10": ("attribution", "clerks that change", ()),
    "MC-13": ("loss", "presses in turn", ({"name": "port_vanish", "line": "keypads", "at": 6, "for_s": 1},)),
    "MC-15": (
        "silent_loss",
        "presses in turn",
        (
            {"name": "queue_overflow", "device": "keypad-1", "presses": 90, "every_ms": 60, "at": 6},
            {"name": "pause", "for_s": 8, "at": 5},
        ),
    ),
    "MC-16": ("loss", "the next sequence number near its wrap", ()),
    "MC-19": ("loss", "presses close together", ({"name": "busy", "device": "keypad-1", "at": 4, "for_s": 3},)),
}
"""Mutant -> what it breaks, with which presses and faults: of what hunts have found."""

FOUND: Mapping[str, tuple[str, ...]] = {
    "MC-01": ("attribution",),
    "MC-02": ("unexpected_unit",),
    "MC-03": ("loss",),
    "MC-04": ("loss",),
    "MC-05": ("duplication",),
    "MC-06": ("loss",),
    "MC-07": ("loss",),
    "MC-08": (
        "unexpected_unit",
        "attribution",
        "late_reply",
    ),
    "MC-09": ("unexpected_unit",),
    "MC-10": ("attribution",),
    "MC-11": ("time",),
    "MC-12": ("fairness",),
    "MC-13": ("loss",),
    "MC-14": ("loss",),
    "MC-15": ("silent_loss",),
    "MC-16": ("loss",),
    "MC-17": ("phantom",),
    "MC-18": ("manners",),
    "MC-19": ("loss",),
    "MC-20": ("loss",),
    "MC-21": ("loss",),
    "MC-22": ("health",),
}
"""Mutant -> what a hunt with seed 1 blames it for."""


def job(*program: str) -> Job:
    return Job(subject_of(str(HALL)), ("python", *program, *ARGS), str(ROOT))


@pytest.mark.parametrize("mutant", SEEDS)
def test_a_stored_trial_tells_a_mutant_from_the_reference(mutant: str) -> None:
    """The trial breaks the invariant for the mutant, and nothing for the collector without the mistake."""
    invariant, preset, faults = SEEDS[mutant]
    keypads = subject_of(str(HALL)).keypads
    made = PRESETS[preset](keypads, random.Random(1)).given()
    trial = Trial(mutant, keypads, faults=faults, **made)
    assert invariant in play(job("-m", "tests.bench.judge.mutants", mutant), trial).violated
    right = play(job(str(ROOT / "examples" / "careful_collector.py")), trial)
    assert not right.broken
    assert set(right.violated) <= ({"loss"} if mutant == "MC-15" else set())  # what a full queue drops
    assert all(right.hits.values())


@pytest.mark.gate
@pytest.mark.parametrize("mutant", FOUND)
def test_each_mutant_is_found_within_300_runs(mutant: str, tmp_path: Path) -> None:
    """Each planted mistake is found, blamed as known, and what is left has three faults and five presses at most."""
    job_ = job("-m", "tests.bench.judge.mutants", mutant)
    campaign = Campaign(Asked(job_, job_.command, runs=WITHIN, workers=at_most(), folder=tmp_path))
    campaign.run()
    what = campaign.found
    assert what is not None
    assert what.invariant in FOUND[mutant]
    assert len(what.small.faults) <= 3
    assert what.small.presses <= 5
    assert (what.path / "failure.json").is_file()
