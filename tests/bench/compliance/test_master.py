"""A master's bus manners, judged from what it said."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.compliance import rejudge_cases
from bench.compliance.master.judging import CASES
from bench.compliance.master.mutants import MASTERS, MasterMutant
from bench.compliance.master.program import run_program
from bench.compliance.master.run import judge_run, play_master
from bench.compliance.results import Run, from_ndjson, to_ndjson
from bench.run.collector import NotPython

EXAMPLES = Path(__file__).parents[3] / "examples"
MUTANTS = [master for master in MASTERS if master.requirement]


def judged(master: MasterMutant) -> Run:
    return judge_run(master.play(), master.id)


def test_there_are_25_cases_and_a_right_master_passes_them() -> None:
    """Law: nothing is held against a master that behaves; every pass cites something."""
    run = judged(MASTERS[0])
    assert len(CASES) == 25
    assert run.verdict == "PASS"
    assert all(case.witness for case in run.cases if case.verdict == "PASS")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_each_bad_manner_is_found_and_blamed(mutant: MasterMutant) -> None:
    """Law: its own requirement is blamed, and nothing outside its list fails."""
    failed = {case.id: case.requirement for case in judged(mutant).cases if case.verdict == "FAIL"}
    assert mutant.requirement in failed.values()
    assert {id_ for id_, requirement in failed.items() if requirement != mutant.requirement} <= mutant.collateral


def test_a_master_is_judged_again_from_its_frames() -> None:
    """Law: the text of a run gives the same run, and its frames the same verdicts."""
    run = judged(MUTANTS[8])
    assert from_ndjson(to_ndjson(run)) == run
    assert rejudge_cases(run) == list(run.cases)
    forged = replace(run, cases=tuple(replace(case, frames=()) for case in run.cases))
    assert [case.verdict for case in rejudge_cases(forged)] != [case.verdict for case in run.cases]


def test_a_master_that_says_nothing_passes_nothing() -> None:
    """Law: no request, no pass."""
    run = judge_run(play_master(lambda stage, clockwork: None), "nobody")
    assert {case.verdict for case in run.cases} == {"INCONCLUSIVE"}


def test_an_unmodified_program_is_judged(tmp_path: Path) -> None:
    """Law: the careful example runs in simulated time and has good manners."""
    words = [
        sys.executable,
        str(EXAMPLES / "careful_collector.py"),
        "{port}",
        str(tmp_path / "x.sqlite"),
        "--units",
        "1-2",
    ]
    stage, ended, _ = run_program(words)
    run = judge_run(stage, "careful")
    assert ended.good
    assert run.verdict == "PASS"


def test_what_is_no_python_is_told() -> None:
    """Law: simulated time takes Python programs only, and says so."""
    with pytest.raises(NotPython):
        run_program(["/bin/true"])
