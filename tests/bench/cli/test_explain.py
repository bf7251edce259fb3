"""`hallbench explain`: faults, invariants, requirements and cases by their names, and what was meant by another."""

from __future__ import annotations

import pytest

from bench.cli.main import _guarded as hallbench
from bench.compliance.requirements import load, names
from bench.compliance.suites import SUITES, suite_named


def said(capsys: pytest.CaptureFixture[str], name: str) -> str:
    """What is explained."""
    assert hallbench(["explain", name]) == 0
    return capsys.readouterr().out


def test_every_requirement_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Each id gives its statement, its document and clause; what is excused says why, what applies where says so."""
    for catalogue in map(load, names()):
        for row in list(catalogue.requirements.values())[::7]:
            text = said(capsys, row.id.lower())
            assert text.startswith(f"{row.id}\n")
            assert catalogue.spec_title in text
            assert ("  because" in text) == bool(row.because)
            assert ("(?: the number was not compared" in text) == (not row.checked)


def test_a_requirement_names_the_cases_that_blame_it(capsys: pytest.CaptureFixture[str]) -> None:
    """From a requirement to its cases and back."""
    case = suite_named("modbus_rtu.device").cases[0]
    assert f"    {case.id}\n" in said(capsys, case.primary)
    assert f"  blames     {case.primary}\n" in said(capsys, case.id)


@pytest.mark.parametrize("name", SUITES)
def test_every_case_is_explained(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each case gives its suites, what it blames and touches, and what it costs."""
    for case in suite_named(name).cases[::5]:
        text = said(capsys, case.id.upper())
        assert text.startswith(f"{case.id}  (revision {case.rev})\n")
        assert name in text
        assert all(also in text for also in case.also)
        assert f"about {case.cost[0]} frames" in text


def test_without_a_name_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Faults and invariants, a line each."""
    assert hallbench(["explain"]) == 0
    told = capsys.readouterr().out
    assert "bit_flip" in told
    assert "silent_loss" in told


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("bitflip", "did you mean bit_flip?"),
        ("xyzzy", "no fault, invariant, requirement or case 'xyzzy'"),
        ("rtu.dev.xyzzy", "no fault, invariant, requirement or case 'rtu.dev.xyzzy'"),
        ("MBS-99.9-R1", "`hallbench check --list` list them"),
    ],
)
def test_what_is_not_there_is_told(name: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown name is exit 2, with the nearest one or with where to look."""
    assert hallbench(["explain", name]) == 2
    assert told in capsys.readouterr().err
