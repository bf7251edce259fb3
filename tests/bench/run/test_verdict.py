"""From a run directory to its verdict: whose rows are read, and what run.json says of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.hall.day import draw
from bench.judge.evidence import EvidenceError, load_run
from bench.run.day import DayOptions, run_day
from bench.run.verdict import judge_run
from bench.scenario.load import load

SMALL = Path(__file__).parents[2] / "support" / "small.toml"


def test_the_house_stores_in_its_own_table(tmp_path):
    """Names that the scenario gives for the program under test do not hide what the house controller stored."""
    text = SMALL.read_text(encoding="utf-8")
    mapped = tmp_path / "mapped.toml"
    mapped.write_text(
        text + '\n[records]\ntable = "danh_gia"\ncolumns = { device = "may", at = "luc" }\n', encoding="utf-8"
    )
    scenario = load(mapped)
    run = run_day(DayOptions(scenario, draw(scenario, 3), out=tmp_path / "run")).directory.path
    assert judge_run(run, scenario.records).word == "HOLDS"
    assert load_run(run).mapping is None


def test_run_json_names_the_rows(tmp_path):
    """The rows that were judged are named in run.json by the SHA-256 in their footer; the rest of it stays."""
    scenario = load(SMALL)
    run = run_day(DayOptions(scenario, draw(scenario, 3), out=tmp_path)).directory.path
    before = json.loads((run / "run.json").read_text())
    judge_run(run, scenario.records)
    footer = json.loads((run / "records.ndjson").read_text().splitlines()[-1])
    assert json.loads((run / "run.json").read_text()) == {**before, "records_sha256": footer["sha256"]}
    assert load_run(run).judge().holds


@pytest.mark.parametrize("text", ["", "[]", None])
def test_a_run_json_that_somebody_spoilt(tmp_path, text):
    """A run.json that was changed or removed before the verdict is told, not stumbled over."""
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(EvidenceError, match=r"run\.json: .*run again"):
        judge_run(tmp_path, None)
