"""What is told of the invariants: every one of them, by name and letter, and the table of docs/judge.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner

from bench.cli.explain_cmd import command
from bench.faults.catalogue import CATALOGUE
from bench.judge.explain import explained, find, table
from bench.judge.invariants import INVARIANTS, Invariant
from bench.scenario import model


@pytest.mark.parametrize("row", INVARIANTS, ids=lambda row: row.name)
def test_every_invariant_is_explained(row: Invariant) -> None:
    """Each is found by its name and its letter, and its text fits a terminal."""
    assert find(row.name) is row
    assert not row.letter or find(row.letter.lower()) is row
    text = explained(row)
    assert row.name in text
    assert max(map(len, text.splitlines())) <= 120


def test_the_eighteen_are_there_and_a_scenario_may_ask_for_each() -> None:
    """J1 to J18 stand in the table once each, and the scenario model knows the same names."""
    assert [row.letter for row in INVARIANTS if row.letter] == [f"J{n}" for n in range(1, 19)]
    assert [row.name for row in INVARIANTS] == list(get_args(model.Invariant))


@pytest.mark.parametrize("row", INVARIANTS, ids=lambda row: row.name)
def test_what_stresses_an_invariant_is_told_with_it(row: Invariant) -> None:
    """The faults of the catalogue that name its letter, and no others; one without a letter has none."""
    told = explained(row).partition("  stressed by")[2]
    expected = {fault.id for fault in CATALOGUE.values() if row.letter in fault.stresses} if row.letter else set()
    assert set(re.findall(r"\b[NX]\d+", told)) == expected
    assert f"  needs rows    {'yes' if row.of_rows else 'no'}" in explained(row)
    assert explained(row).splitlines()[0] == f"{row.letter or '-'}  {row.name}"


def test_nothing_has_no_name() -> None:
    """An empty word names none of the invariants without a letter."""
    assert find("") is None
    assert find("J99") is None


def test_the_command_explains_them() -> None:
    """`hallbench explain J8` and `hallbench explain ghosts` say the same; without a name it is in the list."""
    runner = CliRunner()
    by_letter, by_name = runner.invoke(command, ["J8"]), runner.invoke(command, ["ghosts"])
    assert by_letter.exit_code == 0
    assert by_letter.output == by_name.output
    assert "N28 buffer_restored" in by_letter.output
    assert "  J8   ghosts" in runner.invoke(command, []).output


def test_the_documentation_has_the_table() -> None:
    """The table of docs/judge.md is the one that the code makes."""
    page = Path(__file__).parents[3] / "docs" / "judge.md"
    assert table() in page.read_text(encoding="utf-8")
