"""The run directory: a new one for each run, an old one emptied of all that its run left, and nothing else touched."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.hall.day import draw
from bench.run.collector import Program
from bench.run.day import DayOptions, run_day
from bench.run.directory import HISTORY, HOUSE_RECORDS, LOG, RUN, CannotWrite, RunDirectory, RunLost
from bench.run.verdict import judge_run
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
    (folder / RUN).write_text('{"schema_version": 1, "hallbench": "0.1.0"}')
    for name in (HISTORY, HOUSE_RECORDS, f"{HOUSE_RECORDS}-wal", "records.sqlite", "records.sqlite-journal"):
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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (RUN, '{"epochs": 90, "accuracy": 0.93}'),
        (RUN, "[1, 2]"),
        (RUN, "not JSON"),
        (HISTORY, '{"ts": 1, "event": "commit"}'),
    ],
)
def test_a_namesake_is_no_run(tmp_path, name, text):
    """A `run.json` or `history.ndjson` of another program does not make its directory ours: nothing is touched."""
    (tmp_path / name).write_text(text)
    (tmp_path / "report.html").write_text("a year's work")
    with pytest.raises(CannotWrite, match="holds no earlier run"):
        RunDirectory(tmp_path, "")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {name: text, "report.html": "a year's work"}


@pytest.mark.parametrize("begun", ["", '{"h":1,"scenario":"x"}\n{"i":1'])
def test_a_killed_run_may_be_written_over(tmp_path, begun):
    """A run that was killed has left a history without `run.json`: its directory is used again."""
    (tmp_path / HISTORY).write_text(begun)
    RunDirectory(tmp_path, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_on_a_full_disk(tmp_path):
    """What a text file of the run could not keep is told when it is closed, as any other file of the run."""
    directory = RunDirectory(tmp_path / "run", "")
    (directory.path / "collector.log").symlink_to("/dev/full")

    def keep(name: str, error: type[Exception] | None = None) -> None:
        with directory.text_file(name) as log:
            log.write("said, and not kept")
            if error is not None:
                raise error

    with pytest.raises(RunLost, match=r"cannot write .*collector\.log: No space left"):
        keep(LOG)
    with pytest.raises(KeyError):
        keep(LOG, KeyError)
    (directory.path / "folder").mkdir()
    with pytest.raises(RunLost, match="Is a directory"):
        keep("folder")


@pytest.mark.parametrize(
    "name", ["what?", "a#b", "50%", "100%25", "two words", "a?mode=ro&uri=true", "Tân Hội", "x;y=z"]
)
def test_a_directory_of_any_name(tmp_path, name):
    """Whatever the directory is called, the house's database is in it, and the judge reads it there."""
    scenario = load(SMALL)
    result = run_day(DayOptions(scenario, draw(scenario, 3), out=tmp_path / name / "run"))
    verdict = judge_run(result.directory.path, scenario.records)
    assert verdict.word == "HOLDS"
    assert (tmp_path / name / "run" / "records.sqlite").is_file()
    assert {p.name for p in tmp_path.iterdir()} == {name}
    assert {p.name for p in (tmp_path / name).iterdir()} == {"run"}


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
