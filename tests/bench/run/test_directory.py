"""The run directory: never over somebody's files, always whole files, a name of its own."""

from __future__ import annotations

import json

import pytest

from bench.run.directory import HISTORY, RUN, VERDICT, CannotWrite, RunDirectory


def test_default_names_count_up(tmp_path, monkeypatch):
    """Runs of one scenario and seed stand beside each other."""
    monkeypatch.chdir(tmp_path)
    names = [RunDirectory(None, "tan_hoi-seed1").path.name for _ in range(3)]
    assert names == ["tan_hoi-seed1", "tan_hoi-seed1-2", "tan_hoi-seed1-3"]
    assert RunDirectory(None, "x").shown() == "runs/x"


def test_an_earlier_run_is_replaced_whole(tmp_path):
    """Nothing of the earlier run is left to be mistaken for this one; other files in it stay."""
    first = RunDirectory(tmp_path / "run", "x")
    first.write_json(RUN, {})
    for name in (HISTORY, VERDICT, "records.sqlite", "records.sqlite-wal", "my_notes.txt"):
        first.file(name).write_text("old")
    second = RunDirectory(tmp_path / "run", "x")
    assert [path.name for path in second.path.iterdir()] == ["my_notes.txt"]


def test_a_folder_with_other_things_is_refused(tmp_path):
    """A folder that holds something else is left as it was."""
    (tmp_path / "thesis.tex").write_text("all")
    with pytest.raises(CannotWrite, match="--out"):
        RunDirectory(tmp_path, "x")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("where", ["file", "file/below"])
def test_a_file_in_the_way(tmp_path, where):
    """A file where the folder should be: told with its path and what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match=r"file.*--out"):
        RunDirectory(tmp_path / where, "x")


def test_json_is_written_whole(tmp_path):
    """A file is replaced by a complete one; Vietnamese stays readable in it."""
    run = RunDirectory(tmp_path / "run", "x")
    run.write_json(RUN, {"title": "Tân Hội"})
    assert json.loads(run.file(RUN).read_text(encoding="utf-8")) == {"title": "Tân Hội"}
    assert "Tân Hội" in run.file(RUN).read_text(encoding="utf-8")
    assert [path.name for path in run.path.iterdir()] == [RUN]
