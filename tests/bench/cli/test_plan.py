"""`hallbench plan` and `hallbench budget`, as a person calls them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from bench.cli.main import _guarded as hallbench
from halls import OSDP_KEYPADS, hall


def test_a_plan_answers_with_intervals_and_leaves_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Text with intervals on stdout; the page, the plan as JSON and tables beside it; the same twice."""
    words = ["plan", "tan_hoi", "--counters", "4..5", "--days", "12", "--out"]
    assert hallbench([*words, str(tmp_path / "a")]) == 0
    out = capsys.readouterr().out
    assert "95 % intervals" in out
    assert "report" in out
    assert hallbench([*words, str(tmp_path / "b")]) == 0
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["designs.csv", "errands.csv", "half_hours.csv", "plan.json", "queue.csv", "report.html"]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    table = (tmp_path / "a" / "designs.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(table.splitlines()))
    assert [row["counters"] for row in rows] == ["4", "5"]
    assert float(rows[0]["wait_mean_low"]) < float(rows[0]["wait_mean"]) < float(rows[0]["wait_mean_high"])
    page = (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 4
    assert "http" not in page.replace("http://www.w3.org", "")
    assert json.loads(page.split('id="data">')[1].split("</script>")[0])["designs"][0]["counters"] == 4


def test_the_goal_decides_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 met, 1 not met; `--json` prints the contract of cli.md."""
    base = ["plan", "tan_hoi", "--days", "12", "--out", str(tmp_path), "--json", "--counters"]
    assert hallbench([*base, "6", "--goal", "p90(wait) <= 30 min"]) == 0
    told = json.loads(capsys.readouterr().out)
    row = told["designs"][0]
    wanted = {"counters", "wait_mean", "wait_mean_ci", "wait_p90", "wait_p90_ci", "within", "overtime_mean"}
    assert wanted | {"utilisation", "days"} <= row.keys()
    assert told["goal"]["answer"] == "met"
    assert hallbench([*base, "2", "--goal", "p90(wait) <= 5 min"]) == 1
    assert json.loads(capsys.readouterr().out)["goal"]["counters"] is None


@pytest.mark.parametrize(
    "words, told",
    [
        (["--counters", "12..4"], "backwards"),
        (["--counters", "0..3"], "1 to"),
        (["--counters", "some"], "4..12"),
        (["--days", "1"], "2 to"),
        (["--days", "soon"], "auto"),
        (["--goal", "p90(wait) <= 15"], "unit"),
    ],
)
def test_bad_options_are_told(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a sentence that says what to write."""
    assert hallbench(["plan", "tan_hoi", *words]) == 2
    assert told in capsys.readouterr().err


def test_a_directory_with_other_things_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A plan does not write between somebody's files."""
    (tmp_path / "mine.txt").write_text("mine")
    assert hallbench(["plan", "tan_hoi", "--days", "2", "--out", str(tmp_path)]) == 2
    assert "mine.txt" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_hall_without_working_time_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Breaks that fill the day leave nobody to plan with: exit code 3."""
    text = hall(OSDP_KEYPADS).replace('clerk = "C01"', 'clerk = "C01"\nbreaks = ["07:00-10:00"]')
    text = text.replace('clerk = "C02"', 'clerk = "C02"\nbreaks = ["07:00-10:00"]')
    (tmp_path / "closed.toml").write_text(text, encoding="utf-8")
    assert hallbench(["plan", str(tmp_path / "closed.toml"), "--days", "2"]) == 3
    assert "breaks" in capsys.readouterr().err


def test_a_budget_tells_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line of the hall with its cycle, as text and as JSON."""
    assert hallbench(["budget", "tan_hoi"]) == 0
    assert "keypads" in capsys.readouterr().out
    assert hallbench(["budget", "ca_mau", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["lines"]
    assert {line["name"] for line in lines} >= {"keypads-1", "hall-1", "kiosks", "ticket-1"}
    assert all(line["cycle_s"] >= line["sweep_s"] for line in lines if line["polled"])
