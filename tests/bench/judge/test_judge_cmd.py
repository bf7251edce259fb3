"""`hallbench judge`: exit codes, one JSON object, a readable verdict, nothing written."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bench.cli.judge_cmd import command
from bench.judge.evidence import load_run, write_rows, write_verdict


@pytest.fixture
def make(kit: Any, tmp_path: Path) -> Any:
    """Makes run directories: with all rows, without some, without any press."""

    def made(*, dropped: int = 0, presses: int = 6, **header: Any) -> Path:
        pressed = [kit.press(30_000 + 60 * k, k, 1 + k % 5) for k in range(presses)]
        acks = [kit.ack(press[0] + 1, press[3]["seq"]) for press in pressed]
        path = tmp_path / "run"
        path.mkdir()
        (path / "history.ndjson").write_bytes(kit.data([*pressed, *acks, kit.end()], kit.header(**header)))
        write_rows(path, kit.rows(pressed[dropped:]))
        write_verdict(path, load_run(path).judge())
        return path

    return made


def judge(*args: Any) -> Result:
    return CliRunner().invoke(command, [str(arg) for arg in args])


def test_a_good_run(make: Any) -> None:
    """A verdict that holds exits 0, tells the sentence first, then a line for each invariant."""
    result = judge(make())
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("HOLDS: all 6 ratings of 2 keypads arrived once, at the right clerk")
    assert any(line.split() == ["loss", "HOLDS", "6", "checked"] for line in lines)
    assert result.stderr == ""


def test_a_bad_run(make: Any) -> None:
    """A violated verdict exits 1 and shows stories; --json prints verdict.json as one object."""
    path = make(dropped=2)
    result = judge(path)
    assert result.exit_code == 1
    assert "loss 1 of 2" in result.stdout
    assert "keypad-1: key 1 pressed" in result.stdout
    result = judge(path, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == json.loads((path / "verdict.json").read_text())


def test_nothing_exercised_and_unknown(make: Any) -> None:
    """Where nothing was exercised, or the history is cut, the exit code is 5."""
    path = make(presses=0)
    assert judge(path).exit_code == 5
    history = path / "history.ndjson"
    history.write_bytes(history.read_bytes()[:-5])
    result = judge(path)
    assert result.exit_code == 5
    assert result.stdout.startswith("UNKNOWN: the history cannot be relied on")
    assert "this differs from" in result.stderr


@pytest.mark.parametrize(
    ("collector", "opened", "code", "told"),
    [
        (
            {"how": "crashed", "status": 1, "detail": "KeyError"},
            True,
            6,
            "the collector of this run crashed: exit code 6",
        ),
        ({"how": "hung", "status": 1, "detail": ""}, True, 6, "hung"),
        ({"how": "returned", "status": 3, "detail": ""}, True, 6, "ended with status 3"),
        ({"how": "asked to end", "status": 0, "detail": ""}, False, 6, "never opened a port"),
        ({"how": "returned", "status": 0, "detail": ""}, True, 0, ""),
        ({"how": "asked to end", "status": 0, "detail": ""}, True, 0, ""),
        (None, False, 0, ""),
    ],
)
def test_a_run_whose_collector_failed(make: Any, collector: Any, opened: bool, code: int, told: str) -> None:
    """A run whose collector failed exits 6, as its day did, also where the verdict holds; never 0."""
    path = make()
    (path / "run.json").write_text(json.dumps({"collector": collector, "opened_a_port": opened}))
    for args in ([path], [path, "--json"]):
        result = judge(*args)
        assert result.exit_code == code
        assert told in result.stderr
    if code:
        history = path / "history.ndjson"
        history.write_bytes(history.read_bytes()[:-5])
        assert judge(path).exit_code == 5


def test_why_there_are_no_rows_is_told_once(make: Any) -> None:
    """A reason of several lines stands once, with its lines, and not at each invariant."""
    path = make()
    reason = "r.sqlite: there is no table 'ratings'\n  tables found: danh_gia\n  name the right one"
    write_rows(path, None, no_rows=reason)
    result = judge(path)
    assert result.exit_code == 5
    first = "UNKNOWN: the records cannot be judged (loss, duplication, attribution): "
    assert result.stdout.startswith(first + reason + "\n\n")
    assert result.stdout.count("danh_gia") == 1
    assert "\\n" not in result.stdout
    assert any(
        line.split() == ["loss", "UNKNOWN", "the", "records", "cannot", "be", "judged"]
        for line in result.stdout.splitlines()
    )


def test_files_that_are_invalid(tmp_path: Path, make: Any) -> None:
    """No run directory, or records that cannot be read, exit 3 with the reason and nothing on stdout."""
    for args in ([tmp_path / "nowhere"], [make(), "--records", tmp_path / "none.sqlite"]):
        result = judge(*args)
        assert result.exit_code == 3
        assert result.stdout == ""
        assert "expected" in result.stderr.lower()


def test_other_records(tmp_path: Path, make: Any, kit: Any) -> None:
    """--records judges another database by the mapping that the run tells, and leaves the directory as it is."""
    path = make(dropped=1)
    (path / "run.json").write_text(json.dumps({"records": {"table": "stars", "columns": {"value": "n"}}}))
    base = tmp_path / "r.sqlite"
    connection = sqlite3.connect(base)
    with connection:
        connection.execute("CREATE TABLE stars (device, clerk, n, at, epoch, seq)")
        rows = [("keypad-1", "C01", 1 + k % 5, kit.EPOCH_S + 30_000 + 60 * k, 1, k) for k in range(6)]
        connection.executemany("INSERT INTO stars VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    result = judge(path, "--records", base)
    assert result.exit_code == 0, result.output
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before


def test_nothing_from_a_database_moves_the_cursor(make: Any, kit: Any) -> None:
    """Escape sequences in a stored value are spelled out on the terminal."""
    path = make()
    write_rows(path, [kit.row(kit.press(30_000, 0), 1, device="\x1b[2Jkeypad")])
    result = judge(path)
    assert "\x1b" not in result.stdout
    assert r"\x1b[2Jkeypad" in result.stdout
