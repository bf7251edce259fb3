"""The reference is made from the tables in the code, and says the same as the commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import explain_cmd
from bench.cli.exit_codes import MEANING
from bench.cli.main import COMMAND
from bench.compliance.suites import SUITES, suite_named
from bench.control.api import ROUTES
from bench.faults.catalogue import CATALOGUE
from bench.judge.invariants import INVARIANTS
from shown_commands import ROOT

sys.path.insert(0, str(ROOT / "docs"))

from generator import compliance, matrix
from generator.pages import PAGES, write
from generator.text import code, flat


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """Every page."""
    return {name: make() for name, make in PAGES.items()}


def test_pages_are_whole(made: dict[str, str]) -> None:
    """Each has one title, links that lead to anchors of made pages, and nothing that came out as a Python object."""
    anchors = {anchor for text in made.values() for anchor in re.findall(r"^\(([\w.-]+)\)=$", text, re.MULTILINE)}
    for name, text in made.items():
        assert text.startswith("# "), name
        assert " object at 0x" not in text, name
        for target in re.findall(r"\]\((?:\w+\.md)?#([\w.-]+)\)", text):
            assert target in anchors, (name, target)


def test_making_them_twice_gives_the_same(made: dict[str, str]) -> None:
    """No order of a set, no address, no clock in a page."""
    assert {name: make() for name, make in PAGES.items()} == made


def test_explain_prints_what_stands_in_the_reference(made: dict[str, str]) -> None:
    """Every fault, invariant, requirement and case: the command's text is in the page, word for word."""
    runner = CliRunner()
    tested = [ident for name in SUITES for ident in (*suite_named(name).requirements(), *_cases(name))]
    for page, ids in (
        ("faults", [row.id for row in CATALOGUE.values()]),
        ("invariants", [row.name for row in INVARIANTS]),
        ("explanations", tested),
    ):
        for which in ids:
            told = runner.invoke(explain_cmd.command, [which])
            assert told.exit_code == 0
            assert told.output.rstrip() in made[page], which


def _cases(suite: str) -> list[str]:
    return [case.id for case in suite_named(suite).cases]


def test_explain_says_what_it_does_not_know() -> None:
    """A name that nobody has ends with exit code 2 and where to look."""
    told = CliRunner().invoke(explain_cmd.command, ["rtu.dev.nothing"])
    assert told.exit_code == 2
    assert "there is no fault, invariant, requirement or case 'rtu.dev.nothing'" in told.output


def test_everything_is_there(made: dict[str, str]) -> None:
    """Commands, exit codes, requirements, cases, routes: no row of a table is left out."""
    for name in COMMAND:
        assert f"(cli-{name})=" in made["cli"]
    for number, told in MEANING.items():
        assert f"| {code(int(number))} | {code(number.name)} | {flat(told)} |" in made["exit_codes"]
    for name in SUITES:
        suite = suite_named(name)
        for wanted in [*suite.requirements(), *_cases(name)]:
            assert code(wanted) in made["compliance"]
    for route in ROUTES:
        assert code(f"{route.method} {route.path}") in made["control_api"]


def test_a_survivor_is_shouted() -> None:
    """A mutant that no case kills stands out in the matrix, and in its sum."""
    row = {"id": "X-1", "title": "a | b", "wild": "", "killed": False, "blamed": [], "expected": "R", "cases": []}
    told = {"mutants": [{**row, "collateral": []}], "variants": [], "null_devices": [], "idle": [], "same_kills": []}
    told |= {"suites": {"a": "1"}, "problems": ["X-1 survives"]}
    page = compliance.kill_matrix(told, {"a": "1"})
    assert "**X-1 SURVIVES**" in page
    assert "0 of 1 mutants killed" in page
    assert r"a \| b" in page
    assert "Not released: 1 problems" in page
    assert "The suites have changed" not in page


def test_a_matrix_of_other_suites_says_so() -> None:
    """The page of a stored run is not passed off as one of this version's suites."""
    told = {**matrix.stored(), "suites": {}}
    assert "The suites have changed since this was stored" in compliance.kill_matrix(told, matrix.suites())


@pytest.mark.gate
@pytest.mark.timeout(900)
def test_the_stored_kill_matrix_is_that_of_this_version() -> None:
    """The self-test, run now, gives what is stored; `python docs/generator/matrix.py` stores it anew."""
    assert matrix.text(matrix.run()) == matrix.STORED.read_text(encoding="utf-8")


def test_words_of_others_stay_words() -> None:
    """What is Markdown by accident comes out as it stands."""
    assert flat("a *b* <c> [d] `e|f` g_h") == r"a \*b\* \<c\> \[d\] `e\|f` g\_h"


def test_pages_that_are_no_longer_made_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing removes what nobody makes, and leaves untouched what has not changed."""
    monkeypatch.setattr("generator.pages.PAGES", {"exit_codes": PAGES["exit_codes"]})
    (tmp_path / "old.md").write_text("# Old\n")
    write(tmp_path)
    before = (tmp_path / "exit_codes.md").stat().st_mtime_ns
    write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["exit_codes.md"]
    assert (tmp_path / "exit_codes.md").stat().st_mtime_ns == before


@pytest.mark.gate
@pytest.mark.timeout(600)
def test_the_site_is_built_without_a_warning_and_fetches_nothing(tmp_path: Path) -> None:
    """`make docs`: warnings are errors; no page loads a script, style, font or picture from a network."""
    ended = subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", ROOT / "docs", tmp_path / "html"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    pages = list((tmp_path / "html").rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r'<(?:script|img|link|iframe|source)[^>]*(?:src|href)="(?:https?:)?//', text), page
    for style in (tmp_path / "html").rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import\s+)[\"']?(?:https?:)?//", style.read_text(encoding="utf-8")), style
