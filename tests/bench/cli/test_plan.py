"""`hallbench plan` and `hallbench budget`, as a person calls them."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
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
    assert files == [
        "designs.csv", "errands.csv", "half_hours.csv", "plan.json", "plan.sqlite", "queue.csv", "report.html",
    ]  # fmt: skip
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    table = (tmp_path / "a" / "designs.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(table.splitlines()))
    assert [row["counters"] for row in rows] == ["4", "5"]
    assert float(rows[0]["wait_mean_low"]) < float(rows[0]["wait_mean"]) < float(rows[0]["wait_mean_high"])
    with closing(sqlite3.connect(tmp_path / "a" / "plan.sqlite")) as base:
        stored = base.execute("SELECT counters, wait_mean FROM designs").fetchall()
    assert [(str(n), str(wait)) for n, wait in stored] == [(row["counters"], row["wait_mean"]) for row in rows]
    page = (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 4
    assert "http" not in page.replace("http://www.w3.org", "")
    assert json.loads(page.split('id="data">')[1].split("</script>")[0])["designs"][0]["counters"] == 4


def test_the_page_tells_of_who_left_of_classes_and_of_appointments(tmp_path: Path) -> None:
    """Reneging and classes of one hall, missed and kept appointments of another, with their figures."""
    assert hallbench(["plan", "duc_hoa", "--days", "3", "--out", str(tmp_path / "a")]) == 0
    page = (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
    assert "Who left unserved" in page
    assert "<td>lost patience</td>" in page
    assert "<td>elderly</td>" in page
    assert "<summary>Appointments" not in page
    assert hallbench(["plan", "almassora", "--days", "3", "--out", str(tmp_path / "b")]) == 0
    page = (tmp_path / "b" / "report.html").read_text(encoding="utf-8")
    row = json.loads(page.split('id="data">')[1].split("</script>")[0])["designs"][0]["appointments"]
    assert row["booked"] > row["missed"] > 0
    assert f'<td class="n">{row["booked"]:.1f}</td>' in page.split("<summary>Appointments")[1]


def test_a_province_has_a_page_and_a_goal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 when a hall does not meet the goal, the counters that it needs, and the halls as a table."""
    (tmp_path / "two.toml").write_text(
        'title = "Two <halls>"\nhall = [{ name = "hall", scenario = "tan_hoi", count = 2 }]'
    )
    base = ["plan", str(tmp_path / "two.toml"), "--days", "10", "--out", str(tmp_path / "plan"), "--json"]
    assert hallbench([*base, "--goal", "p90(wait) <= 1 min"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["goal"]["answer"] == "not met"
    assert {row["goal"]["answer"] for row in told["halls"]} == {"not met"}
    assert [row["name"] for row in told["goal"]["needed"]]
    assert all(row["needed"] is None or row["needed"] > row["counters"] for row in told["goal"]["needed"])
    page = (tmp_path / "plan" / "report.html").read_text(encoding="utf-8")
    assert "Two &lt;halls&gt;" in page
    assert "Counters that the goal needs" in page
    rows = list(csv.DictReader((tmp_path / "plan" / "halls.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["hall"] for row in rows] == ["hall-001", "hall-002"]
    assert hallbench([*base, "--goal", "p90(wait) <= 300 min"]) == 0
    assert json.loads(capsys.readouterr().out)["goal"]["halls"]["met"] == 2


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
        (["--replay"], "--replay and --columns go with --from"),
        (["--columns", "ticket=no"], "--replay and --columns go with --from"),
        (["--with-devices", "3", "--ideal-devices"], "--with-devices needs a scenario with its devices"),
        (["--from", __file__], "give either a scenario or --from"),
        (["--engine", "steam"], "steam"),
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


def test_the_most_keypads_of_a_line_by_its_own_arithmetic(capsys: pytest.CaptureFixture[str]) -> None:
    """With so many keypads a sweep, a poll and a fetch fit into the time, and with one more they do not."""
    assert hallbench(["budget", "tan_hoi", "--reach", "2", "--json"]) == 0
    lines = {line["name"]: line for line in json.loads(capsys.readouterr().out)["lines"]}
    line = lines["keypads"]
    most = line["most_keypads"]
    assert most * line["poll_s"] + line["poll_s"] + line["fetch_s"] <= 2
    assert (most + 1) * line["poll_s"] + line["poll_s"] + line["fetch_s"] > 2
    assert lines["ticket"]["most_keypads"] is None
    assert hallbench(["budget", "tan_hoi", "--reach", "0.001"]) == 0
    assert "at most 0 keypads" in capsys.readouterr().out


def test_by_half_hour_needs_a_goal_and_tells_the_staff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a goal it is a mistake of usage; with one the staff stands in the text, on the page and in a table."""
    assert hallbench(["plan", "tan_hoi", "--by-half-hour"]) == 2
    assert "--goal" in capsys.readouterr().err
    words = ["plan", "tan_hoi", "--goal", "p90(wait) <= 60 min", "--counters", "5", "--by-half-hour", "--days", "10"]
    assert hallbench([*words, "--out", str(tmp_path)]) == 0
    assert "staff by half-hour: " in capsys.readouterr().out
    assert "<h2>Staff by half-hour</h2>" in (tmp_path / "report.html").read_text(encoding="utf-8")
    rows = list(csv.DictReader((tmp_path / "staffing.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0]["from"] == "07:30"
    assert 1 <= int(rows[0]["staff"]) <= 5


def test_a_budget_tells_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line of the hall with its cycle, as text and as JSON."""
    assert hallbench(["budget", "tan_hoi"]) == 0
    assert "keypads" in capsys.readouterr().out
    assert hallbench(["budget", "ca_mau", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["lines"]
    assert {line["name"] for line in lines} >= {"keypads-1", "hall-1", "kiosks", "ticket-1"}
    assert all(line["cycle_s"] >= line["sweep_s"] for line in lines if line["polled"])
