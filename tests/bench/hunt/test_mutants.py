"""Planted mistakes (conformance.md 4.5) are found: a few of them always, all of them in the gate."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.hunt.campaign import Asked, Campaign
from bench.hunt.crew import at_most
from bench.hunt.play import Job
from bench.hunt.subject import subject_of
from tests.bench.hunt.conftest import ROOT

HALL = ROOT / "tests" / "bench" / "judge" / "mutants" / "hall.toml"
WITHIN = 300

QUICK = {"MC-07": 3, "MC-10": 4, "MC-16": 2}
"""Mutant -> runs within which it is found with seed 1, of the patterns of presses alone."""


def found(mutant: str, folder: Path, runs: int):
    command = ("python", "-m", "tests.bench.judge.mutants", mutant, "{port:keypads}", "{records}", "--units", "1-3")
    job = Job(subject_of(str(HALL)), command, str(ROOT))
    campaign = Campaign(Asked(job, command, runs=runs, workers=at_most(), folder=folder))
    campaign.run()
    return campaign.found


@pytest.mark.parametrize("mutant", QUICK)
def test_a_quick_mutant_is_found(mutant: str, tmp_path: Path) -> None:
    """A mistake that shows without any fault is found in the first runs, and shrunk to a few presses."""
    what = found(mutant, tmp_path, QUICK[mutant])
    assert what is not None
    assert not what.small.faults
    assert what.small.presses <= 5
    assert (what.path / "failure.json").is_file()


@pytest.mark.gate
@pytest.mark.parametrize("number", range(1, 23))
def test_each_mutant_is_found_within_300_runs(number: int, tmp_path: Path) -> None:
    """Each planted mistake is found, and what is left of it has three faults at most."""
    what = found(f"MC-{number:02}", tmp_path, WITHIN)
    assert what is not None
    assert len(what.small.faults) <= 3
