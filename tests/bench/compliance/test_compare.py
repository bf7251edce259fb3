"""`hallbench compare`: what fails now, what was mended, what moved; first of all whether the runs can be compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import compliance_runs as made
from bench.cli.compare_cmd import command
from bench.cli.exit_codes import ExitCode
from bench.compliance.bundle import write_bundle
from bench.compliance.compare import compare
from bench.compliance.results import CaseResult, Measure, Run


def _compare(tmp_path: Path, before: Run, after: Run, *options: str) -> Result:
    paths = [str(write_bundle(run, tmp_path / name)) for run, name in ((before, "a.zip"), (after, "b.zip"))]
    return CliRunner().invoke(command, [*paths, *options])


def _verdicts(*verdicts: str) -> Run:
    return made.run(*(made.case(verdict, id=f"case-{n}") for n, verdict in enumerate(verdicts)))


@pytest.mark.parametrize(
    ("before", "after", "kind", "code"),
    [
        ("PASS", "FAIL", "new fail", ExitCode.BAD),
        ("INCONCLUSIVE", "FAIL", "new fail", ExitCode.BAD),
        ("NOT RUN", "ERROR", "new fail", ExitCode.BAD),
        ("FAIL", "PASS", "fixed", ExitCode.GOOD),
        ("FAIL", "NON-STRICT", "fixed", ExitCode.GOOD),
        ("FAIL", "INCONCLUSIVE", "changed", ExitCode.GOOD),
        ("FAIL", "ERROR", "changed", ExitCode.GOOD),
        ("PASS", "INCONCLUSIVE", "changed", ExitCode.INCONCLUSIVE),
        ("PASS", "NOT APPLICABLE", "changed", ExitCode.INCONCLUSIVE),
        ("PASS", "NOT RUN", "changed", ExitCode.INCONCLUSIVE),
        ("PASS", "PASS", None, ExitCode.GOOD),
    ],
)
def test_each_change_has_its_kind(tmp_path: Path, before: str, after: str, kind: str | None, code: ExitCode) -> None:
    """A fail that is not fixed for certain is not called fixed; a pass that went away without a fail is not good."""
    done = _compare(tmp_path, _verdicts("PASS", before), _verdicts("PASS", after), "--json")

    assert done.exit_code == code
    assert [change["kind"] for change in json.loads(done.stdout)["changes"]] == ([kind] if kind else [])


def test_the_same_run_has_no_change(tmp_path: Path) -> None:
    """A run compared with itself: nothing changed, nothing differs."""
    done = _compare(tmp_path, made.mixed(), made.mixed(), "--json")
    told = json.loads(done.stdout)

    assert (done.exit_code, told["changes"], told["margins"], told["premises"]) == (ExitCode.GOOD, [], [], [])
    assert told["common"] == len(made.mixed().cases)


def test_cases_that_only_one_run_has() -> None:
    """A case added or removed is told; one that is added and fails is a new fail."""
    both = made.case(id="both")
    found = compare(
        made.run(both, made.case(id="old")), made.run(both, made.case(id="new"), made.case("FAIL", id="bad"))
    )

    assert [(change.kind, change.id) for change in found.changes] == [
        ("new fail", "bad"),
        ("added", "new"),
        ("removed", "old"),
    ]
    assert found.common == 1


def test_a_margin_counts_when_it_moved_beyond_the_uncertainty() -> None:
    """The worst margin of a case is compared; a move within both uncertainties is noise."""

    def with_gap(*values: float) -> CaseResult:
        return made.case(measures=tuple(Measure("gap", value, "ms", ">= 4.01", 0.1, True) for value in values))

    before = made.run(with_gap(4.5, 4.9))
    assert compare(before, made.run(with_gap(4.4, 4.9))).margins == ()
    (moved,) = compare(before, made.run(with_gap(9.0, 4.2))).margins
    assert (moved.before, moved.after) == (pytest.approx(0.49), pytest.approx(0.19))
    other = made.case(measures=(Measure("gap", 9.0, "ms", ">= 2.0", 0.1, True),))
    assert compare(before, made.run(other)).margins == ()


def test_what_differs_before_any_case_comes_first(tmp_path: Path) -> None:
    """Another catalogue or declaration is told first, and marked as a reason of its own."""
    other = made.mixed(catalogue_sha256="d" * 64, declaration=made.DECLARATION + "# v2\n", seed=9)
    done = _compare(tmp_path, made.mixed(), other)
    lines = done.stdout.splitlines()

    assert lines[0].startswith("DIFFERENT catalogue of requirements and cases: cccc")
    assert lines[1].startswith("DIFFERENT declaration")
    assert all("for its sake alone" in line for line in lines[:2])
    assert lines[2] == "DIFFERENT seed: 7 -> 9"


def test_a_case_whose_revision_changed_says_so() -> None:
    """Another revision may ask for something else: it stands beside the change."""
    found = compare(made.run(made.case()), made.run(made.case("FAIL", rev=2)))

    assert found.changes[0].remark == "revision 1 -> 2"


def test_nothing_in_common_is_inconclusive(tmp_path: Path) -> None:
    """Two suites without a common case: exit 5, and it says so."""
    done = _compare(tmp_path, made.run(made.case(id="a")), made.run(made.case(id="b"), suite="escpos.device"))

    assert done.exit_code == ExitCode.INCONCLUSIVE
    assert "no case in common" in done.stdout


def test_the_page_tells_the_same(tmp_path: Path) -> None:
    """--html writes a page with every change, beside the text."""
    page = tmp_path / "c.html"
    done = _compare(tmp_path, _verdicts("PASS", "FAIL"), _verdicts("FAIL", "PASS"), "--html", str(page))
    text = page.read_text("utf-8")

    assert done.exit_code == ExitCode.BAD
    assert "1 NEW" in text
    assert "Fails now (1)" in text
    assert "Fixed (1)" in text
    assert _compare(tmp_path, made.mixed(), made.mixed(), "--html", str(tmp_path)).exit_code == ExitCode.USAGE


def test_a_changed_bundle_is_not_compared(tmp_path: Path) -> None:
    """A comparison with something that is not as it was written would say nothing: exit 3, with the reason."""
    good = write_bundle(made.mixed(), tmp_path / "a.zip")
    bad = tmp_path / "b.zip"
    bad.write_bytes(good.read_bytes()[:-40])
    done = CliRunner().invoke(command, [str(good), str(bad)])

    assert done.exit_code == ExitCode.INVALID_FILE
    assert "the zip is cut" in done.stderr
    assert CliRunner().invoke(command, [str(good), str(tmp_path / "none.zip")]).exit_code == ExitCode.INVALID_FILE


def test_devices_cannot_write_on_the_terminal(tmp_path: Path) -> None:
    """Hostile text in ids, reasons and targets is spelled out."""
    hostile = replace(made.case("FAIL", id=made.HOSTILE, reason=made.HOSTILE), title=made.HOSTILE)
    done = _compare(tmp_path, made.run(made.case()), made.run(hostile, target=made.HOSTILE))

    assert not {"\x1b", "\x00", "\u202e"} & set(done.stdout)
    assert r"\x1b[2J" in done.stdout
