"""The suite's own test: every mutant killed and rightly blamed, no legal variant failed, no null device passed."""

from __future__ import annotations

import pytest

from bench.compliance import selftest
from bench.compliance.mutants.pairs import drawn_pairs
from bench.compliance.selftest import self_test, subjects


@pytest.mark.gate
def test_every_gate_holds() -> None:
    """Law: all mutants die, rightly blamed and within their lists; every case kills; nothing else fails."""
    matrix = self_test(1)
    assert matrix.problems == []
    assert len(matrix.rows) >= 26
    assert len(matrix.null_devices) >= 10
    assert all(row["killed"] and row["expected"] in row["blamed"] for row in matrix.rows.values())


def test_a_gate_that_does_not_hold_is_told() -> None:
    """Law: a defect on the wrong requirement, and a survivor, are problems."""
    matrix = self_test(1, chosen=lambda subject: subject.id in {"MB-09", "LV-8", "ND-5"})
    row = dict(matrix.rows["MB-09"])
    worse = type(matrix)(
        {"A": {**row, "expected": "MBS-2.2-R1"}, "B": {**row, "killed": False}, "C": {**row, "unexpected": ["x"]}},
        {"V": {"title": "v", "failed": {"case": "why"}}},
        {"N": {"title": "n", "passed": ["case"]}},
        ("idle",),
        (),
        1,
    )
    assert len(worse.problems) == 6
    assert matrix.problems == []


def test_ids_are_unique_and_the_named_mutants_are_there() -> None:
    """Law: MB-01 to MB-26 exist, and no two subjects share an id."""
    everyone = [subject.id for group in subjects() for subject in group]
    assert len(set(everyone)) == len(everyone)
    assert {f"MB-{n:02}" for n in range(1, 27)} <= set(everyone)


@pytest.mark.gate
@pytest.mark.parametrize("seed", range(2, 12))
def test_every_gate_holds_for_other_seeds(seed: int) -> None:
    """Law: what is drawn does not decide whether a defect is found."""
    assert self_test(seed).problems == []


@pytest.mark.gate
def test_no_two_defects_hide_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: of every two defects that can be in one device, not only of those that are drawn, one at least is blamed."""
    monkeypatch.setattr(selftest, "drawn_pairs", lambda mutants, seed: drawn_pairs(mutants, 1_000_000, seed))
    matrix = self_test(13)
    assert matrix.pairs is not None
    assert matrix.pairs.tried > 2_000
    assert matrix.problems == []
