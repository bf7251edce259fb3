"""The run directory: a new one for each run, an old one emptied of all that its run left, and nothing else touched."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.hall.day import draw
from bench.run.collector import Program
from bench.run.day import DayOptions, run_day
from bench.run.directory import HISTORY, HOUSE_RECORDS, RUN, CannotWrite, RunDirectory
from bench.scenario.load import load

SMALL = Path(__file__).parents[2] / "support" / "small.toml"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_each_run_has_a_directory_of_its_own():
    """Runs of one name, begun at the same moment too, never share a directory."""
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: RunDirectory(None, "day").path, range(24)))
    assert len(set(paths)) == 24
    assert {path.parent for path in paths} == {Path("runs").resolve()}


def test_an_earlier_run_leaves_nothing(tmp_path):
    """A directory used again has no file of the earlier run: its database would be taken for new."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (RUN, HISTORY, HOUSE_RECORDS, f"{HOUSE_RECORDS}-wal", "records.sqlite"):
        (folder / name).write_text("old")
    (folder / "my notes.txt").write_text("mine")
    RunDirectory(folder, "")
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == ["my notes.txt"]


def test_somebody_elses_directory_is_left_alone(tmp_path):
    """A directory that is not empty and holds no run is refused, and so is a file."""
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(CannotWrite, match="not empty"):
        RunDirectory(tmp_path, "")
    with pytest.raises(CannotWrite, match="another directory"):
        RunDirectory(tmp_path / "thesis.txt", "")
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_the_same_run_twice_into_one_directory_is_the_same(tmp_path):
    """The house controller begins with no records of an earlier run, and a collector that goes elsewhere, with a
    relative directory given, changes nothing."""
    scenario = load(SMALL)
    program = Program("code", "import os, time; os.chdir('/'); time.sleep(1e6)", ())
    histories = []
    for _ in range(2):
        result = run_day(DayOptions(scenario, draw(scenario, 3), program=program, out=Path("again")))
        assert result.exit.how == "asked to end"
        histories.append((tmp_path / "again" / HISTORY).read_bytes())
    assert histories[0] == histories[1]
    assert Path.cwd() == tmp_path
