"""Two phases of a run: `[heal]` in a scenario, and what the judge makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.judge.evidence import load_run
from bench.run.day import run_day
from bench.run.options import DayOptions
from bench.run.verdict import judge_run
from bench.scenario.load import ScenarioError, parse

SMALL = (Path(__file__).parents[2] / "support" / "small.toml").read_text(encoding="utf-8")
FAULT = '\n[[fault]]\nname = "cut_wire"\nline = "keypads"\nat = "08:10"\nfor_s = 9000\nbeyond = 0\n'


def scenario(text: str) -> Any:
    return parse(text.encode(), "small.toml", lambda _: b"")


@pytest.mark.parametrize(
    ("heal", "told"),
    [
        ('at = "23:00"', "so nothing ends at 23:00"),
        ('at = "09:00"\nconverge_within_s = 36000', "leaves no 36000 s to converge"),
        ('at = "08:05"', "this fault begins at 08:10"),
        ('at = "08:40"\nwithin = 3', "within"),
        ('at = "25:61"', "25:61"),
    ],
)
def test_a_heal_that_cannot_be(heal: str, told: str) -> None:
    """Faults that would begin after their end, or an end outside the day, are told with their place."""
    with pytest.raises(ScenarioError, match=told):
        scenario(f"{SMALL}{FAULT}\n[heal]\n{heal}\n")


def test_convergence_needs_a_heal() -> None:
    """Who asks for convergence has to say when the faults end."""
    text = SMALL.replace('must_exercise = ["loss",', 'must_exercise = ["convergence", "loss",')
    with pytest.raises(ScenarioError, match=r"no \[heal\]"):
        scenario(text)


def test_the_house_converges(tmp_path: Path) -> None:
    """All faults end at the time given, also one that would go on; the house controller is well again in time."""
    from bench.hall.day import draw

    made = scenario(f'{SMALL}{FAULT}\n[heal]\nat = "08:20"\nconverge_within_s = 120\n')
    day = draw(made, 1)
    done = run_day(DayOptions(scenario=made, day=day, out=tmp_path / "run"))
    verdict = judge_run(done.directory.path, made.records)
    found = verdict.findings["convergence"]
    assert found.verdict == "HOLDS", found
    assert found.checked > 1
    assert verdict.findings["health"].verdict == "HOLDS", verdict.findings["health"]
    assert verdict.word == "HOLDS", verdict.sentence()
    run = load_run(done.directory.path)
    assert run.history.header["heal"] == {"at": 30_000 * 10**9, "within_ns": 120 * 10**9}
    assert run.judge().to_json() == verdict.to_json()
