"""A verdict can be had again from the run directory alone, and nothing else in it can pass for evidence."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.judge.evidence import EvidenceError, load_run, read_rows, write_rows, write_verdict
from bench.judge.records import Row, Rows, read
from bench.judge.verdict import judge


def run_dir(kit: Any, path: Path, rows: Any, **header: Any) -> Path:
    """A run directory with its history, rows and verdict."""
    presses = [kit.press(30_000 + 60 * k, k, 1 + k % 5) for k in range(6)]
    acks = [kit.ack(press[0] + 1, press[3]["seq"]) for press in presses]
    path.mkdir()
    (path / "history.ndjson").write_bytes(kit.data([*presses, *acks, kit.end()], kit.header(**header)))
    (path / "run.json").write_text(json.dumps({"schema_version": 1, "seed": 7}))
    told = rows(presses) if callable(rows) else rows
    write_rows(path, told, no_rows="no such database")
    write_verdict(path, judge(load_run(path).history, told, no_rows="no such database"))
    return path


@pytest.mark.parametrize(
    "rows",
    [
        lambda kit: lambda presses: kit.rows(presses),
        lambda kit: lambda presses: kit.rows([*presses[:4], presses[0]], at="at ten", clerk="C77"),
        lambda kit: lambda presses: [],
        lambda kit: None,
        lambda kit: lambda presses: Rows(kit.rows(presses), fields=("device", "value", "at"), order=None),
    ],
    ids=["good", "bad", "none stored", "not known", "poor"],
)
def test_the_verdict_again_from_the_directory_alone(kit: Any, tmp_path: Path, rows: Any) -> None:
    """Judging the directory, also after it was moved, gives the verdict.json that stands in it, byte for byte."""
    path = run_dir(kit, tmp_path / "run", rows(kit))
    first = (path / "verdict.json").read_bytes()
    moved = path.rename(tmp_path / "elsewhere")
    run = load_run(moved)
    assert run.judged() == run.judge().to_json()
    write_verdict(moved, run.judge())
    assert (moved / "verdict.json").read_bytes() == first
    assert run.info["seed"] == 7


SCALARS = (
    st.none() | st.text(max_size=6) | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
)


@given(st.lists(st.tuples(*[SCALARS] * 8), max_size=5), st.text(max_size=9))
@settings(max_examples=60, deadline=None)
def test_rows_survive_being_kept(tmp_path_factory: pytest.TempPathFactory, values: Any, source: str) -> None:
    """Rows are read back as they were judged, with their source, fields and order."""
    path = tmp_path_factory.mktemp("run")
    rows = Rows((Row(n, *row) for n, row in enumerate(values, 1)), source=source, order="rowid")
    write_rows(path, rows)
    back, why = read_rows(path)
    assert back == rows
    assert (back.source, back.fields, back.order, why) == (source, rows.fields, "rowid", "")


def test_rows_of_a_database_are_kept(tmp_path: Path) -> None:
    """What was read from a database can be judged when the database is gone."""
    base = tmp_path / "r.sqlite"
    connection = sqlite3.connect(base)
    with connection:
        connection.execute("CREATE TABLE ratings (device, clerk, value, at)")
        connection.execute("INSERT INTO ratings VALUES ('keypad-1', 'C01', 5, '2025-03-10 10:00')")
    connection.close()
    rows = read(base)
    write_rows(tmp_path, rows)
    base.unlink()
    back, _ = read_rows(tmp_path)
    assert back == rows
    assert back.source.endswith("r.sqlite table ratings")
    header = json.loads((tmp_path / "records.ndjson").read_text().splitlines()[0])
    assert header["order"] == "rowid"


def test_records_that_were_cut_or_edited(kit: Any, tmp_path: Path) -> None:
    """Damaged records make the ratings UNKNOWN, with the reason; so do records that are missing."""
    path = run_dir(kit, tmp_path / "run", kit.rows)
    file = path / "records.ndjson"
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])
    verdict = load_run(path).judge()
    assert verdict.word == "UNKNOWN"
    assert "the records that were kept cannot be relied on: it has no footer" in verdict.reason
    file.write_bytes(whole.replace(b'"value":3', b'"value":4'))
    assert "do not match the SHA-256" in load_run(path).judge().reason
    file.unlink()
    assert "records.ndjson is missing" in load_run(path).judge().reason


def test_records_of_another_run_beside_the_same_history(kit: Any, tmp_path: Path) -> None:
    """run.json names the rows that were judged: other rows do not fit it, however alike the two histories are."""
    good, bad = run_dir(kit, tmp_path / "good", kit.rows), run_dir(kit, tmp_path / "bad", lambda _: [])
    assert (good / "history.ndjson").read_bytes() == (bad / "history.ndjson").read_bytes()
    for path in (good, bad):
        told = {"schema_version": 1, "records_sha256": write_rows(path, read_rows(path)[0]).sha256}
        (path / "run.json").write_text(json.dumps(told))
    assert (load_run(good).judge().word, load_run(bad).judge().word) == ("HOLDS", "VIOLATED")
    (bad / "records.ndjson").write_bytes((good / "records.ndjson").read_bytes())
    verdict = load_run(bad).judge()
    assert verdict.word == "UNKNOWN"
    assert "it is not the file that this run wrote: run.json names another SHA-256" in verdict.reason


def test_a_history_that_was_sealed_anew(kit: Any, tmp_path: Path) -> None:
    """An edited history with a footer computed anew is whole in itself, and does not fit run.json."""
    path = run_dir(kit, tmp_path / "run", kit.rows)
    history = path / "history.ndjson"
    seal = json.loads(history.read_text().splitlines()[-1])["sha256"]
    (path / "run.json").write_text(json.dumps({"history_sha256": seal}))
    assert load_run(path).judge().word == "HOLDS"
    presses = [kit.press(30_000 + 60 * k, k, 1 + k % 5) for k in range(5)]
    history.write_bytes(kit.data([*presses, kit.end()]))
    assert load_run(path).history.state == "edited"
    assert "run.json names another SHA-256" in load_run(path).judge().reason


def test_a_run_that_was_killed(kit: Any, tmp_path: Path) -> None:
    """A history without footer and no run.json is still a run: UNKNOWN, never an error."""
    path = run_dir(kit, tmp_path / "run", kit.rows)
    (path / "run.json").unlink()
    history = path / "history.ndjson"
    history.write_bytes(history.read_bytes()[:-30])
    run = load_run(path)
    assert run.info == {}
    assert run.judge().word == "UNKNOWN"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: (path / "history.ndjson").unlink(), r"there is no history\.ndjson in it"),
        (lambda path: (path / "history.ndjson").write_text("hello\n"), "it is not a history"),
        (lambda path: (path / "run.json").write_text("{"), "cannot be read as JSON"),
        (lambda path: (path / "run.json").write_text("[]"), "expected an object, found a list"),
        (lambda path: (path / "records.ndjson").write_text('{"h":1}\n{"x":1}\n'), "line 2 is not a stored row"),
    ],
)
def test_what_is_no_run_directory(kit: Any, tmp_path: Path, spoil: Any, told: str) -> None:
    """A directory without a history, or with files that are not what their names say, is refused with the reason."""
    path = run_dir(kit, tmp_path / "run", kit.rows)
    spoil(path)
    with pytest.raises(EvidenceError, match=told):
        load_run(path)


def test_no_directory_at_all(tmp_path: Path) -> None:
    """A path that does not exist, or is a file, is told with what was expected."""
    with pytest.raises(EvidenceError, match="does not exist; expected the directory that a run wrote"):
        load_run(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(EvidenceError, match="is a file; expected the directory"):
        load_run(tmp_path / "file")


def test_a_verdict_that_cannot_be_written(kit: Any, tmp_path: Path) -> None:
    """A verdict is written whole or not at all, and a folder that is gone is told."""
    verdict = judge(kit.history([]), [])
    with pytest.raises(EvidenceError, match="cannot be written"):
        write_verdict(tmp_path / "gone", verdict)
    write_verdict(tmp_path, verdict)
    assert [file.name for file in tmp_path.iterdir()] == ["verdict.json"]


def test_json_that_is_nested_without_end(kit: Any, tmp_path: Path) -> None:
    """A file that would exhaust the reader of JSON is damage like any other, not a fault of the judge."""
    deep = "[" * 100_000 + "]" * 100_000
    path = run_dir(kit, tmp_path / "run", kit.rows)
    (path / "verdict.json").write_text(deep)
    assert load_run(path).judged() is None
    history = path / "history.ndjson"
    history.write_text(history.read_text().replace('"value":3', f'"value":{deep}', 1))
    verdict = load_run(path).judge()
    assert verdict.word == "UNKNOWN"
    assert "the history cannot be relied on" in verdict.reason
    for name in ("records.ndjson", "run.json"):
        (path / name).write_text(f'{{"h":1}}\n{deep}\n' if name == "records.ndjson" else deep)
        with pytest.raises(EvidenceError, match=name):
            load_run(path)


@pytest.mark.parametrize(("size", "read_"), [(1 << 24, True), ((1 << 24) + 1, False)])
def test_facts_of_a_run_are_read_up_to_16_mib(kit: Any, tmp_path: Path, size: int, read_: bool) -> None:
    """A longer `run.json` is damaged, or meant to fill the memory: it is told, not read."""
    path = run_dir(kit, tmp_path / "run", lambda presses: kit.rows(presses))
    (path / "run.json").write_bytes(b"{" + b" " * (size - 2) + b"}")
    if read_:
        assert load_run(path).info == {}
    else:
        with pytest.raises(EvidenceError, match=r"run\.json: cannot be read as JSON"):
            load_run(path)
