"""The files for build servers are valid, and what they run does what it says: green, red, and the evidence kept."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from shown_commands import ROOT

FOLDER = ROOT / "examples/ci"
_STEP = {"name", "uses", "with", "run", "if", "env"}
_JOB = {"image", "timeout", "variables", "before_script", "script", "artifacts"}


def read(name: str) -> dict[Any, Any]:
    told = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    assert isinstance(told, dict)
    return told


def github() -> tuple[dict[str, str], list[str]]:
    """Environment and commands of the job, in order."""
    job = read("github-actions.yml")["jobs"]["hall"]
    return job["env"], [step["run"] for step in job["steps"] if "run" in step]


def gitlab() -> tuple[dict[str, str], list[str]]:
    job = read("gitlab-ci.yml")["hall"]
    return job["variables"], [*job["before_script"], *job["script"]]


def short(command: str) -> str:
    """The same command, with a hunt of twenty runs instead of two minutes."""
    return re.sub(r"--seconds \d+", "--runs 20", command)


def built(commands: list[str], variables: dict[str, str], desk: Path) -> tuple[int, str]:
    """Run the commands one after the other as a build server does, each by a shell that stops at the first failure.

    Returns:
        The exit code of the one that ended the build (0: none did), and what was printed.
    """
    bin_ = Path(sys.executable).parent
    env = {**os.environ, **variables, "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    told = ""
    for command in commands:
        ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
            cwd=desk,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        told += ended.stdout + ended.stderr
        if ended.returncode:
            return ended.returncode, told
    return 0, told


def test_the_github_file_is_a_workflow() -> None:
    """Triggers, one job with a machine and steps; each step uses an action of a fixed version or runs a command."""
    told = read("github-actions.yml")
    assert set(told) == {"name", True, "jobs"}, "YAML 1.1 reads the key `on` as true, and so does the host"
    assert told[True] == ["push", "pull_request"]
    job = told["jobs"]["hall"]
    assert set(job) == {"runs-on", "timeout-minutes", "env", "steps"}
    for step in job["steps"]:
        assert set(step) <= _STEP
        assert ("uses" in step) != ("run" in step)
        assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "a/b@v1"))
    kept = job["steps"][-1]
    assert (kept["if"], kept["with"]["path"]) == ("always()", "hall/")


def test_the_gitlab_file_is_a_job() -> None:
    """One job whose keys the host knows; commands are text, and the evidence is kept of red builds too."""
    told = read("gitlab-ci.yml")
    assert set(told) == {"hall"}
    job = told["hall"]
    assert set(job) == _JOB
    assert all(isinstance(line, str) for line in (*job["before_script"], *job["script"]))
    assert (job["artifacts"]["when"], job["artifacts"]["paths"]) == ("always", ["hall/"])


def test_both_hosts_run_the_same() -> None:
    """The same commands with the same variables, in the same order."""
    assert github() == gitlab()
    _, commands = github()
    assert [line.split()[:2] for line in commands] == [
        ["pip", "install"],
        ["pip", "install"],
        ["hallbench", "day"],
        ["hallbench", "hunt"],
    ]


@pytest.mark.gate
@pytest.mark.timeout(900)
def test_a_right_collector_is_green_and_leaves_its_evidence(tmp_path: Path) -> None:
    """Day and hunt as written (the hunt shorter), on a program that loses nothing."""
    variables, commands = github()
    shutil.copy(ROOT / "examples/careful_collector.py", tmp_path / variables["COLLECTOR"])
    code, told = built([short(line) for line in commands if line.startswith("hallbench")], variables, tmp_path)
    assert code == 0, told
    assert (tmp_path / "hall/day/report.html").is_file()
    assert (tmp_path / "hall/failures/report.html").is_file()


@pytest.mark.gate
@pytest.mark.timeout(900)
def test_a_wrong_collector_is_red_and_leaves_its_evidence(tmp_path: Path) -> None:
    """The day ends the build with 1; what the host then keeps has the report and the verdict."""
    variables, commands = gitlab()
    shutil.copy(ROOT / "examples/collector_with_a_mistake.py", tmp_path / variables["COLLECTOR"])
    code, told = built([short(line) for line in commands if line.startswith("hallbench")], variables, tmp_path)
    assert code == 1, told
    assert "VIOLATED" in told
    assert (tmp_path / "hall/day/report.html").is_file()
    assert not (tmp_path / "hall/failures").exists()
