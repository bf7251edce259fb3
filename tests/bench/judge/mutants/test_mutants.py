"""The judge's own test: each planted mistake is found and blamed, and the collector without it is never accused."""

from __future__ import annotations

import inspect
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench.faults.catalogue import CATALOGUE
from bench.hall.day import draw
from bench.judge.invariants import INVARIANTS
from bench.judge.verdict import Verdict
from bench.run.collector import parse_command
from bench.run.day import DayOptions, run_day
from bench.run.verdict import judge_run
from bench.scenario.load import load
from tests.bench.judge.mutants import reference
from tests.bench.judge.mutants.cases import CASES, HALL, SURVIVED, UNSURVIVABLE, Case, run
from tests.bench.judge.mutants.planted import MUTANTS
from tests.bench.judge.mutants.reference import Collector


def violated(verdict: Verdict) -> set[str]:
    return {name for name, finding in verdict.findings.items() if finding.verdict == "VIOLATED"}


def told(verdict: Verdict) -> str:
    stories = [story.text() for finding in verdict.findings.values() for story in finding.stories[:1]]
    return "\n\n".join([verdict.sentence(), *stories])


def test_the_tables_are_whole() -> None:
    """There are 22 mistakes, each with its case; all names are invariants; each mistake is one of a few lines."""
    names = {invariant.name for invariant in INVARIANTS}
    assert list(MUTANTS) == list(CASES) == [f"MC-{n:02}" for n in range(1, 23)]
    for ident, case in CASES.items():
        assert {case.expected, *case.collateral} <= names, ident
        assert case.expected not in case.collateral, ident
        lines = [line for line in inspect.getsource(MUTANTS[ident]).splitlines() if line.strip()]
        assert len(lines) <= 25, ident
    assert {row.name for row in CATALOGUE.values()} == {*SURVIVED, *UNSURVIVABLE}


@pytest.mark.parametrize("ident", CASES)
def test_a_mistake_is_found_and_blamed(ident: str, tmp_path: Path) -> None:
    """What the case does breaks the expected invariant, and none outside the collateral list."""
    case = CASES[ident]
    verdict = run(MUTANTS[ident], tmp_path / "records.sqlite", case)
    broken = violated(verdict)
    assert case.expected in broken, told(verdict)
    assert broken <= {case.expected, *case.collateral}, told(verdict)


@pytest.mark.parametrize("ident", CASES)
def test_the_reference_is_not_accused(ident: str, tmp_path: Path) -> None:
    """The same hall, the same faults, the collector without the mistake: it HOLDS, and the point was exercised."""
    case = CASES[ident]
    verdict = run(Collector, tmp_path / "records.sqlite", case)
    assert verdict.word == "HOLDS", told(verdict)
    assert verdict.findings[case.expected].verdict == "HOLDS", verdict.findings[case.expected].reason


@pytest.mark.parametrize("ident", CASES)
def test_without_faults_a_mistake_does_not_show(ident: str, tmp_path: Path) -> None:
    """It is the faults that expose it, not the load: in a quiet hall each of them HOLDS."""
    verdict = run(MUTANTS[ident], tmp_path / "records.sqlite", CASES[ident]._replace(heal=0, minutes=2), faults=False)
    assert verdict.word == "HOLDS", told(verdict)


@pytest.mark.parametrize("name", SURVIVED)
def test_the_reference_lives_through_every_fault(name: str, tmp_path: Path) -> None:
    """Every fault of the catalogue that a collector can live through: it HOLDS, and the fault has struck."""
    case = Case("loss", lambda h: SURVIVED[name](h, name), minutes=2)
    verdict = run(Collector, tmp_path / "records.sqlite", case)
    assert verdict.word == "HOLDS", told(verdict)


@cache
def _day(out: Path, *words: str) -> tuple[Verdict, dict[str, Any]]:
    scenario = load(HALL.parent / "day.toml")
    made = DayOptions(scenario, draw(scenario, 2), program=parse_command(words), command=words, out=out)
    result = run_day(made)
    assert result.exit is not None
    assert result.exit.good, result.exit
    return judge_run(out, scenario.records), json.loads((out / "run.json").read_bytes())


def test_a_mutant_is_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m tests.bench.judge.mutants MC-17 PORT DATABASE` runs like any collector, in a day with people."""
    monkeypatch.chdir(Path(__file__).parents[4])
    words = (
        sys.executable,
        "-m",
        "tests.bench.judge.mutants",
        "MC-17",
        "{port:keypads}",
        "{records}",
        "--units",
        "1-3",
    )
    verdict, _ = _day(tmp_path / "mutant", *words)
    assert violated(verdict) == {"phantom"}, told(verdict)
    words = (sys.executable, str(reference.PATH), "{port:keypads}", "{records}", "--units", "1-3")
    verdict, facts = _day(tmp_path / "reference", *words)
    assert verdict.word == "HOLDS", told(verdict)
    assert verdict.counts["recorded"] > 5
    assert all(fault["hits"] for fault in facts["faults"])
