"""`hallbench doctor` is honest: what is missing fails, what fails is told with what to do, and only then exit 1."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cli import doctor
from bench.cli.main import main


def test_this_machine_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the tests run everything is there: exit 0, no check fails, and every dependency was looked at."""
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"]
    names = " ".join(check["name"] for check in told["checks"])
    for name in ("Python", "pyserial", "matplotlib", "working directory", "time zones", "fonts", "terminal"):
        assert name in names
    assert main(["doctor"]) == 0
    assert "Ready" in capsys.readouterr().out


def test_needs_are_those_of_the_project() -> None:
    """What is checked is what the project itself declares, extras left out."""
    import tomllib

    root = Path(__file__).resolve().parents[3]
    declared = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    assert [name for name, _ in doctor.requirements()] == [line.split(">=")[0].lower() for line in declared]


@pytest.mark.parametrize(
    ("need", "found"), [(("hallbench-has-no-such-need", "1"), "not installed"), (("click", "999"), "8.")]
)
def test_a_missing_or_old_dependency_fails(
    need: tuple[str, str], found: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dependency that is missing or too old fails with the command that mends it, and exits 1."""
    monkeypatch.setattr(doctor, "requirements", lambda: [need])
    assert main(["doctor", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["ok"]
    (bad,) = [check for check in told["checks"] if check["status"] == "fail"]
    assert found in bad["found"]
    assert bad["advice"] == f"pip install '{need[0]}>={need[1]}'"
    assert main(["doctor"]) == 1
    assert "1 check failed" in capsys.readouterr().out


def test_a_dependency_that_breaks_is_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is there and raises on import fails, with its error."""

    def broken(name: str) -> None:
        raise RuntimeError(f"{name} is built for another machine")

    monkeypatch.setattr(doctor.importlib, "import_module", broken)
    found = doctor._dependency("numpy", "2")
    assert found.status == "fail"
    assert "built for another machine" in found.found


def test_a_directory_that_takes_no_files_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without write access to the working directory no run can be kept: fail, with a way out."""

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    (found,) = doctor._working_directory()
    assert found.status == "fail"
    assert "--out" in found.advice


@pytest.mark.skipif(os.name != "posix", reason="there are none elsewhere")
def test_no_pseudo_terminals_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Days in virtual time run without them, so it is a warning and not a failure."""

    def refuse() -> None:
        raise OSError(2, "out of pty devices")

    monkeypatch.setattr(doctor.os, "openpty", refuse)
    (found,) = doctor._pseudo_terminals()
    assert found.status == "warn"
    assert "TCP" in found.advice


def test_missing_time_zone_data_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shipped scenario whose time zone has no data cannot be played: fail, naming the zone."""
    import zoneinfo

    def none(name: str) -> None:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    from bench.scenario import load

    read = {name: load.load(name) for name in load.available()}
    monkeypatch.setattr(load, "load", read.__getitem__)
    monkeypatch.setattr(zoneinfo, "ZoneInfo", none)
    found = list(doctor._scenarios())
    assert found[0].status == "fail"
    assert "Asia/Ho_Chi_Minh" in found[0].found


def test_a_check_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in one check does not stop the others and is not taken for health."""

    def _odd_thing() -> list[doctor.Check]:
        raise LookupError("?")

    monkeypatch.setattr(doctor, "CHECKS", (_odd_thing, doctor._python))
    first, second = doctor.examine()
    assert (first.name, first.status) == ("odd thing", "fail")
    assert second.status == "ok"


def test_an_old_python_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python older than the oldest supported one fails."""
    monkeypatch.setattr(doctor, "PYTHON", (99, 0))
    (found,) = doctor._python()
    assert found.status == "fail"
    assert "99.0" in found.advice


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=4), st.lists(st.integers(0, 3000), min_size=1, max_size=4))
def test_versions_are_ordered_as_numbers(a: list[int], b: list[int]) -> None:
    """2.10 is newer than 2.9, 2.0 equals 2, and what follows the numbers does not count."""

    def text(parts: list[int]) -> str:
        return ".".join(map(str, parts))

    size = max(len(a), len(b))
    padded = [tuple(parts + [0] * (size - len(parts))) for parts in (a, b)]
    assert (doctor.numbers(text(a) + "rc1") < doctor.numbers(text(b))) == (padded[0] < padded[1])
    assert doctor.numbers("") == ()
