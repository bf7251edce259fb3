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


def test_what_is_missing_and_not_needed_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With warnings alone it is ready: exit 0, the advice under its line, and how many things are missing."""
    monkeypatch.setattr(doctor, "CHECKS", (lambda: [doctor.Check("thing", "warn", "none", "get one")], doctor._python))
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "      get one\n" in told
    assert "Ready, with 1 thing missing (see above)." in told


def test_needs_that_cannot_be_found_out_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the project's own list nothing is taken for complete."""
    monkeypatch.setattr(doctor, "requirements", list)
    (found,) = doctor._dependencies()
    assert (found.status, found.advice) == ("fail", "install hallbench with pip")


def test_a_source_tree_has_its_needs_in_its_project_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not installed as a distribution is asked of pyproject.toml: the same needs."""
    from importlib import metadata

    def none(_: str) -> list[str]:
        raise metadata.PackageNotFoundError

    installed = doctor.requirements()
    monkeypatch.setattr(metadata, "requires", none)
    assert doctor.requirements() == installed


def test_a_system_without_pseudo_terminals_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other systems have none at all: ports are TCP there."""
    monkeypatch.delattr(doctor.os, "openpty")
    (found,) = doctor._pseudo_terminals()
    assert (found.status, "TCP" in found.advice) == ("warn", True)


@pytest.mark.parametrize(("mode", "told"), [(None, None), (0o600, "is kept awake"), (0o400, "may not be written")])
def test_wake_ups_are_told_where_there_are_any(
    mode: int | None, told: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the device nothing is said; it is never a failure."""
    from bench.clock import awake

    device = tmp_path / "cpu_dma_latency"
    monkeypatch.setattr(awake, "DEVICE", device)
    if mode is not None:
        device.touch()
        monkeypatch.setattr(doctor.os, "access", lambda *_: mode == 0o600)
    found = list(doctor._wake_ups())
    assert [check.status for check in found] == ([] if told is None else ["ok"])
    assert told is None or told in found[0].found


def test_a_shipped_scenario_that_is_broken_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario that cannot be loaded is named with its first mistake; so is a program without any."""
    from bench.scenario import load

    mistake = load.ScenarioError([load.Problem("storm.toml", 3, 1, "nonsense", "", "")])

    def broken(name: str) -> None:
        raise mistake

    monkeypatch.setattr(load, "available", lambda: ["storm"])
    monkeypatch.setattr(load, "load", broken)
    (found,) = doctor._scenarios()
    assert (found.name, found.status) == ("scenario storm", "fail")
    assert "nonsense" in found.found
    monkeypatch.setattr(load, "available", list)
    (found,) = doctor._scenarios()
    assert (found.status, found.found) == ("fail", "none is there")


def test_fonts_that_cannot_be_used_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged font of the tickets is a failure by its name, a missing one of charts a warning."""
    from matplotlib import font_manager
    from PIL import ImageFont

    def damaged(*_: object) -> None:
        raise OSError("unknown file format")

    def missing(*_: object, **__: object) -> None:
        raise ValueError("no such font")

    monkeypatch.setattr(ImageFont, "truetype", damaged)
    monkeypatch.setattr(font_manager, "findfont", missing)
    tickets, charts = doctor._fonts()
    assert (tickets.status, "unknown file format" in tickets.found) == ("fail", True)
    assert (charts.status, "DejaVu Sans is missing" in charts.found) == ("warn", True)


class _Screen:
    """A terminal of an encoding."""

    def __init__(self, encoding: str, *, tty: bool = True) -> None:
        self.encoding, self._tty = encoding, tty

    def isatty(self) -> bool:
        return self._tty


@pytest.mark.parametrize(
    ("screen", "columns", "status", "told"),
    [
        (_Screen("ascii"), 80, "warn", "its encoding is ascii"),
        (_Screen("utf-8", tty=False), 80, "ok", "output is no terminal"),
        (_Screen("UTF-8"), 60, "warn", "60 columns"),
        (_Screen("UTF-8"), 132, "ok", "132 columns, UTF-8, with colours"),
        (_Screen("UTF-8"), None, "ok", "80 columns, UTF-8, with colours"),
    ],
)
def test_the_terminal_is_looked_at(
    screen: _Screen, columns: int | None, status: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Letters, colours and width: what is too little is a warning, never a failure."""

    def size() -> os.terminal_size:
        if columns is None:
            raise OSError
        return os.terminal_size((columns, 24))

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(doctor.sys, "stdout", screen)
    monkeypatch.setattr(doctor.os, "get_terminal_size", size)
    (found,) = doctor._terminal()
    assert (found.status, told in found.found) == (status, True)
    monkeypatch.setenv("NO_COLOR", "1")
    (found,) = doctor._terminal()
    assert "with colours" not in found.found
