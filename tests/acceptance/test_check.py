"""`hallbench check` as a person and a script use it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(["check", *args])
    found = capsys.readouterr()
    return code, found.out, found.err


def as_json(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = run(capsys, *args, "--json")
    return code, json.loads(out)


def test_a_good_device_passes(capsys: pytest.CaptureFixture[str]) -> None:
    """Law: exit 0, one JSON object, every case in it, each PASS with its witness, a forecast on stderr first."""
    code, out, err = run(capsys, "rating_keypad", "--emulated", "rating_keypad", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["schema_version"] == 1
    assert found["verdict"] == "PASS"
    assert found["counts"]["PASS"] >= 55
    assert sum(found["counts"].values()) == len(found["cases"])
    assert all(case["witness"] for case in found["cases"] if case["verdict"] == "PASS")
    assert "frames" in err.splitlines()[0]


def test_a_mutant_fails_and_the_line_to_see_it_again_does(capsys: pytest.CaptureFixture[str]) -> None:
    """Law: exit 1, and the printed command shows the same FAIL alone."""
    code, out, _ = run(capsys, "reference", "--emulated", "MB-09")
    assert code == 1
    assert "MBS 2.1?" in out
    again = next(line for line in out.splitlines() if "again: " in line).split()[3:]
    code, found = as_json(capsys, *again)
    assert code == 1
    assert found["counts"] == {**dict.fromkeys(found["counts"], 0), "FAIL": 1, "NOT RUN": len(found["cases"]) - 1}


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["--emulated", "reference", "--case", "nothing.*"], 5, "matches none"),
        (["--emulated", "reference", "--clause", "MBS:9"], 5, "matches none"),
        (["reference", "--port", "/dev/nothing-there"], 4, "/dev/nothing-there"),
        (["--emulated", "nobody"], 2, "rating_keypad"),
        (["reference"], 2, "--port or --emulated"),
        (["no_such_profile", "--port", "loop://"], 3, "there is no declaration"),
        (["--emulated", "reference", "--kills", "MB-99"], 2, "MB-01"),
        (["--emulated", "ND-2"], 5, ""),
    ],
)
def test_no_ending_is_a_silent_pass(capsys: pytest.CaptureFixture[str], args: list[str], code: int, said: str) -> None:
    """Law: each way to test nothing has its exit code and its sentence."""
    found = run(capsys, *args)
    assert found[0] == code
    assert said in found[2]


def test_a_declaration_of_ones_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Law: what the file declares decides what applies; a broken one is exit 3."""
    text = (Path("bench/compliance/declarations") / "rating_keypad.toml").read_text(encoding="utf-8")
    mine = tmp_path / "mine.toml"
    mine.write_text(text.replace("0x18, ", ""), encoding="utf-8")
    code, found = as_json(capsys, str(mine), "--emulated", "rating_keypad")
    failed = [case for case in found["cases"] if case["verdict"] == "FAIL"]
    assert code == 1  # it serves FC 0x18 all the same: the declaration is wrong
    assert [case["id"] for case in failed] == ["rtu.dev.undeclared-refused"]
    mine.write_text("nonsense", encoding="utf-8")
    assert run(capsys, str(mine), "--emulated", "rating_keypad")[0] == 3


def test_selections_narrow_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Law: by clause, by level, by mutant; the others are NOT RUN."""
    for args in (["--clause", "MBS:2.1"], ["--level", "SHOULD"], ["--kills", "MB-25"]):
        code, found = as_json(capsys, "--emulated", "reference", *args)
        assert code == 0
        assert 0 < found["counts"]["PASS"] < 10


def test_the_list_has_every_case(capsys: pytest.CaptureFixture[str]) -> None:
    """Law: --list names each case with its clause and level."""
    code, out, _ = run(capsys, "--list", "--json")
    cases = json.loads(out)["cases"]
    assert code == 0
    assert len([case for case in cases if case["suite"] == "modbus_rtu.device"]) >= 60


def test_evidence_is_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Law: --out leaves the bundle."""
    code, _, err = run(capsys, "--emulated", "reference", "--case", "rtu.dev.fc0*", "--out", str(tmp_path / "out"))
    assert code == 0
    assert "evidence.zip" in err
    assert (tmp_path / "out" / "evidence.zip").is_file()


@pytest.mark.parametrize(("example", "code"), [("careful_collector.py", 0), ("collector.py", 0)])
def test_a_collector_is_judged(capsys: pytest.CaptureFixture[str], tmp_path: Path, example: str, code: int) -> None:
    """Law: both examples have good manners on the line."""
    words = ["python", f"examples/{example}", "{port}", str(tmp_path / "x.sqlite"), "--units", "1-2"]
    assert main(["check", "--master", "--json", "--", *words]) == code
    found = json.loads(capsys.readouterr().out)
    assert found["suite"] == "modbus_rtu.master"
    assert found["counts"]["FAIL"] == code
    assert {case["id"] for case in found["cases"] if case["verdict"] == "FAIL"} <= {"rtu.mas.waits-on"}


def test_a_master_that_is_missing_or_crashes_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Law: no program is wrong usage; one that crashes is exit 6, whatever it did before."""
    assert main(["check", "--master"]) == 2
    assert "{port}" in capsys.readouterr().err
    assert main(["check", "--master", "--", "python", "-c", "raise SystemExit(3)"]) == 6
    told = capsys.readouterr().out
    assert told.count("the master asked nothing at all") == 1  # what all cases say alike is said once
    assert "24 further cases: the same" in told


@pytest.mark.gate
def test_an_emulated_keypad_on_a_pseudo_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Law: on a real port the shipped keypad fails nothing; what the port cannot show is inconclusive."""
    words = [sys.executable, "-m", "bench.cli", "up", "tan_hoi", "--ports", str(tmp_path), "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as bench:
        try:
            assert bench.stdout is not None
            port = json.loads(bench.stdout.readline())["ports"][0]["path"]
            beside = ("--unit", "3", "--neighbours", "1,2,4")
            code, found = as_json(capsys, "rating_keypad", "--port", port, *beside)
        finally:
            bench.terminate()
    assert code in (0, 5)
    assert found["counts"]["FAIL"] == 0
    assert found["counts"]["PASS"] >= 55


@pytest.mark.gate
def test_the_self_test_prints_its_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    """Law: exit 0, mutants, variants and null devices, and how long it took."""
    code, found = as_json(capsys, "--self-test")
    assert code == 0
    assert found["problems"] == []
    assert len(found["mutants"]) >= 26
    assert found["seconds"] < 600
