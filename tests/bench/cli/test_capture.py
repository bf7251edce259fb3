"""`hallbench capture` of a run: where it writes by itself, what it says of half a history, what is usage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli.main import main
from capture_runs import polls, run_dir

MAGIC = b"\x0a\x0d\x0d\x0a"
"""The first bytes of a pcapng file."""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of twenty polls with every frame kept."""
    return run_dir(tmp_path / "run", polls(20), evidence="full")


def test_a_part_does_not_take_the_place_of_the_whole(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --out it lies in the run: wire.pcapng, a line's own file, and wire-part for a part of the day."""
    for words, name in (
        ([], "wire.pcapng"),
        (["--from", "08:00:01"], "wire-part.pcapng"),
        (["--to", "08:00:01"], "wire-part.pcapng"),
        (["--line", "keypads", "--from", "08:00:01"], "wire-keypads.pcapng"),
        (["--to", "vcd"], "wire.vcd"),
    ):
        assert main(["capture", str(run), "--json", *words]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["file"] == str(run / name)
        assert Path(told["file"]).stat().st_size > 0
    assert main(["capture", str(run), "--from", "08:00:01"]) == 0
    assert f"frames written to {run / 'wire-part.pcapng'}" in capsys.readouterr().out


def test_a_capture_can_go_to_stdout(run: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """--out - is the file itself and nothing else; text goes there without being asked."""
    assert main(["capture", str(run), "--out", "-"]) == 0
    told = capfdbinary.readouterr()
    assert told.out.startswith(MAGIC)
    assert told.err == b""
    assert main(["capture", str(run), "--to", "text", "--json"]) == 0
    assert b"keypad-1" in capfdbinary.readouterr().out


def test_a_history_that_is_not_whole_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is in it is written, and a note says that it is not all."""
    run = run_dir(tmp_path / "run", polls(5), footer=False, evidence="full")
    assert main(["capture", str(run)]) == 0
    told = capsys.readouterr()
    assert "10 frames written" in told.out
    assert "note: the history is not whole (" in told.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["/dev/ttyUSB0", "--to", "vcd"], "is no run directory: --to, --from and --line are for runs"),
        (["/dev/ttyUSB0", "--line", "keypads"], "is no run directory"),
        (["a", "b", "c", "--baud", "9600"], "one port, or two"),
        (["RUN", "--to", "wav"], "--to takes one of pcapng, vcd, text"),
        (["RUN", "--to", "vcd", "--to", "text"], "--to takes one of"),
        (["RUN", "--line", "nowhere"], "there is no such line in this run; there are: keypads"),
        (["RUN", "--settings", "fast", "--to", "vcd"], "--settings"),
    ],
)
def test_what_is_usage(words: list[str], told: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 with what to write instead."""
    assert main(["capture", *(str(run) if word == "RUN" else word for word in words)]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_a_file_that_cannot_be_written_is_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 3: which file, why, and what to do."""
    assert main(["capture", str(run), "--out", "/nowhere/x.pcapng"]) == 3
    assert "/nowhere/x.pcapng: cannot be written" in capsys.readouterr().err
