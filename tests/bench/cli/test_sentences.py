"""What `scenarios`, `judge` and `budget` say in words, each kind of sentence once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import scenarios
from bench.cli.judge_cmd import print_verdict
from bench.cli.main import _guarded as hallbench
from halls import hall

EVERYBODY = {
    "visitor_class": [{"name": "elderly", "share": 0.2, "service_factor": 1.5, "priority": 2}],
    "appointments": [
        {"errand": "passport", "places": 2, "every_minutes": 15, "spans": ["08:00-10:00"], "booked": 0.8, "missed": 0.1}
    ],
    "online_share": 0.25,
    "greeter": {"share": 0.1},
    "patience": {
        "share": 0.3,
        "minutes": {"median": 20},
        "observed": [5, 10, 20],
        "queue": {"median": 12},
        "no_show": 0.05,
    },
}


def test_people_are_told_in_sentences() -> None:
    """Each thing that a scenario can say of its people is a row; what it does not say is none."""
    assert scenarios._sentences(EVERYBODY) == [
        ("class", "20% elderly, service times 1.5, priority +2"),
        ("appointments", "passport: 2 every 15 min in 08:00-10:00, 80% booked, 10% of them missed"),
        ("online", "25% of the visitors stay at home"),
        ("greeter", "diverts 10% before they take a ticket"),
        (
            "patience",
            (
                "30% give up, half of them after 20 min; 30% give up, as in 3 observed times; "
                "half leave when more than 12 wait before; 5% do not come when called"
            ),
        ),
    ]
    assert scenarios._sentences({}) == []
    few = {"patience": {"share": 0, "minutes": None, "observed": None, "queue": None, "no_show": 0.05}}
    assert scenarios._sentences(few) == [("patience", "5% do not come when called")]


def test_a_counters_times_are_told() -> None:
    """Breaks, shifts and a speed of its own; nothing where a counter is as all are."""
    assert scenarios._times({"breaks": [], "shifts": [], "speed": 1}) == ""
    row = {"breaks": ["09:00-09:15"], "shifts": ["08:00-12:00"], "speed": 0.8}
    assert scenarios._times(row) == "09:00-09:15, only 08:00-12:00, speed 0.8"


def test_a_verdict_tells_figures_and_what_is_wrong_with_the_records(capsys: pytest.CaptureFixture[str]) -> None:
    """Figures stand under the sentence; of many problems with records ten are shown, with where the rest is."""
    finding = {"verdict": "VIOLATED", "violations": 2, "checked": 9, "reason": "", "stories": ["a press\nwas lost"] * 5}
    told = {
        "sentence": "VIOLATED: 2 of 9 ratings were lost",
        "invariants": {"loss": finding},
        "data_problems": {"count": 12, "first": [f"row {n} has no device" for n in range(12)]},
    }
    print_verdict(told, figures=["9 presses"])
    text = capsys.readouterr().out
    assert text.startswith("VIOLATED: 2 of 9 ratings were lost\n\n  9 presses\n\n  loss  VIOLATED  2 of 9\n")
    assert "loss 1 of 2\n  a press\n  was lost\n" in text
    assert "what is wrong with the records themselves (12):\n  row 0 has no device\n" in text
    assert "row 9 has" in text
    assert "row 10 has" not in text
    assert text.endswith("  ... (all of the first hundred with --json)\n")


def test_a_line_that_cannot_keep_up_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line whose devices are asked more often than it can is told as saturated."""
    path = tmp_path / "hall.toml"
    path.write_text(
        hall().replace('"loss", "duplication", "attribution", ', "").replace("poll_s = 2.0", "poll_s = 0.05"), "utf-8"
    )
    assert hallbench(["budget", str(path)]) == 0
    assert "the line is saturated: devices are asked less often than the scenario wants" in capsys.readouterr().out
