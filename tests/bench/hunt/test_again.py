"""What is kept can be played again: a stored failure, and a whole run; what cannot be is told, with the reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.hall.day import draw
from bench.hunt.again import CannotReplay, compare, play_failure, rerun
from bench.hunt.campaign import Asked, Campaign, NeverOpened
from bench.hunt.failure import BadFailure, load_failure
from bench.hunt.play import Job
from bench.run.collector import parse_command
from bench.run.day import run_day
from bench.run.options import DayOptions
from bench.run.verdict import judge_run
from bench.scenario.load import load
from bench.scenario.problems import ScenarioError
from tests.bench.hunt.conftest import GOOD, MISTAKE, SMALL

ARGS = ("{port:keypads}", "{records}", "--units", "1-2")


@pytest.fixture(scope="module")
def failure(subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored failure of the program with a mistake."""
    folder = tmp_path_factory.mktemp("failures")
    told: list[str] = []
    job = Job(subject, ("python", str(MISTAKE), *ARGS), str(folder))
    campaign = Campaign(
        Asked(job, ("python", str(MISTAKE), *ARGS), runs=20, folder=folder),
        lambda _done, _of, label: told.append(label),
    )
    campaign.run()
    assert campaign.found is not None
    assert campaign.found.invariant == "loss"
    assert campaign.found.small.presses <= campaign.found.first.presses
    assert any(label.startswith("shrinking: ") for label in told)
    return campaign.found.path


@pytest.fixture
def changed(failure: Path, tmp_path: Path) -> Any:
    """A copy of the failure with other facts, or without a file."""

    def make(without: str = "", text: str | None = None, **facts: Any) -> Path:
        path = Path(shutil.copytree(failure, tmp_path / f"copy{len(list(tmp_path.iterdir()))}"))
        file = path / "failure.json"
        file.write_text(json.dumps({**json.loads(file.read_bytes()), **facts}) if text is None else text, "utf-8")
        if without:
            (path / without).unlink()
        return path

    return make


def again(path: Path, *command: str) -> tuple[str, str]:
    """A failure played again with a program, its own by default."""
    played = play_failure(load_failure(path), command, str(path))
    return played.word, played.why


def test_a_failure_comes_again_until_it_is_mended(failure: Path) -> None:
    """Its own program violates it as before; one without the mistake does not."""
    assert again(failure)[0] == "STILL FAILS"
    assert again(failure, "python", str(GOOD), *ARGS)[0] == "FIXED"
    assert load_failure(failure).story


def test_what_decides_nothing_is_undecided(changed, tmp_path: Path) -> None:
    """A program that opens no port, and a trial that cannot be played: neither is mended by that."""
    idle = tmp_path / "idle.py"
    idle.write_text("import time\nwhile True: time.sleep(1)\n", encoding="utf-8")
    path = changed()
    assert again(path, "python", str(idle)) == ("UNDECIDED", "the program never opened its port")
    (scenario,) = path.glob("*.toml")
    scenario.write_text(
        scenario.read_text("utf-8") + '\n[[fault]]\nname = "bit_flip"\nline = "keypads"\nwhere = "sideways"\n', "utf-8"
    )
    word, why = _word_or_error(path)
    assert word in ("UNDECIDED", "refused")
    assert "sideways" in why


def _word_or_error(path: Path) -> tuple[str, str]:
    try:
        return again(path)
    except ScenarioError as error:
        return "refused", str(error)


def test_another_violation_is_no_cure(changed) -> None:
    """A program that breaks something else now is told with what it breaks."""
    word, why = again(changed(invariant="fairness"))
    assert word == "STILL FAILS"
    assert why == "fairness holds now, and loss is violated instead"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"text": "{"}, "cannot be read"),
        ({"text": "[]"}, "is no stored failure of a version"),
        ({"schema_version": 2}, "is no stored failure of a version"),
        ({"trial": {}}, "failure.json: "),
        ({"without": "failure.json"}, "there is no failure.json in it"),
    ],
)
def test_what_is_no_failure_is_told(given: dict[str, Any], told: str, changed) -> None:
    """A file that is cut, of another version, or not there: each with its own message."""
    with pytest.raises(BadFailure, match=told):
        load_failure(changed(**given))


def test_a_failure_without_its_scenario_is_told(changed) -> None:
    """The scenario stands beside it; without, there is nothing to play."""
    path = changed()
    for file in path.glob("*.toml"):
        file.unlink()
    with pytest.raises(BadFailure, match=r"there is no \w+\.toml in it"):
        again(path)


def test_a_program_that_never_opens_a_port_is_not_hunted(job, tmp_path: Path) -> None:
    """The first run tells how it ended."""
    ends = job("raise SystemExit('no configuration')\n")
    with pytest.raises(NeverOpened, match="never opened a port of the hall; it ended by itself"):
        Campaign(Asked(ends, ends.command, runs=3, folder=tmp_path)).run()


# -- whole runs -------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day of the small hall with a collector, as it was kept."""
    folder = tmp_path_factory.mktemp("run")
    scenario = load(str(SMALL))
    command = ("python", str(GOOD), *ARGS)
    options = DayOptions(
        scenario,
        draw(scenario, 1),
        program=parse_command(command),
        given=str(SMALL),
        command=command,
        out=folder / "run",
    )
    path = run_day(options).directory.path
    judge_run(path, scenario.records)
    return path


@pytest.fixture
def other(run: Path, tmp_path: Path) -> Any:
    """A copy of the run with other facts."""

    def make(text: str | None = None, **facts: Any) -> Path:
        path = Path(shutil.copytree(run, tmp_path / f"copy{len(list(tmp_path.iterdir()))}"))
        file = path / "run.json"
        file.write_text(json.dumps({**json.loads(file.read_bytes()), **facts}) if text is None else text, "utf-8")
        return path

    return make


def test_a_run_comes_again_to_the_byte(run: Path) -> None:
    """The same day with the same program: no record differs."""
    found = rerun(run)
    assert found.difference is None
    assert found.records > 100
    assert found.sentence.startswith("HOLDS")


def test_the_first_record_that_differs_is_told(other) -> None:
    """A record that was changed is found by its number, with both texts; so is one that is missing at the end."""
    path = other()
    file = path / "history.ndjson"
    lines = file.read_text("utf-8").splitlines(keepends=True)
    file.write_text("".join([*lines[:7], lines[7].replace('"t":', '"t":1'), *lines[8:]]), "utf-8")
    found = rerun(path).difference
    assert found is not None
    assert (found.file, found.number) == ("history.ndjson", 7)
    assert found.before != found.now
    cut = path / "cut.ndjson"
    cut.write_text("".join(lines[:-1]), "utf-8")
    difference, count = compare(cut, file)
    assert count == len(lines) - 1
    assert difference is not None
    assert compare(path / "none.ndjson", path / "neither.ndjson") == (None, 0)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"text": "{"}, "cannot be read"),
        ({"text": "[]"}, "is not what a run writes there"),
        ({"clock": "wall"}, "real time does not repeat"),
        ({"scenario_sha256": "0" * 64}, "is not what it was at that run"),
        ({"command": ["java", "-jar", "x.jar"]}, "java"),
    ],
)
def test_what_cannot_be_repeated_is_told(given: dict[str, Any], told: str, other) -> None:
    """A run that is none, of real time, of another scenario, of a program that is not Python: each with its reason."""
    with pytest.raises(CannotReplay, match=told):
        rerun(other(**given))


def test_a_folder_without_a_run_is_told(tmp_path: Path, other) -> None:
    """Neither a failure nor a run; and a run whose day is gone."""
    with pytest.raises(CannotReplay, match="neither a stored failure"):
        rerun(tmp_path)
    path = other()
    for file in path.glob("day.*"):
        file.unlink()
    with pytest.raises(CannotReplay, match="cannot be read"):
        rerun(path)
