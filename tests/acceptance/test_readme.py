"""The README tells the truth: every command in it is run, and prints what stands there."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200", "MPLBACKEND": "agg"}
NOT_HERE = ("make", ".")
"""What sets the machine up, and is running already when a test runs."""
GOES_ON = "hallbench up"


def sessions() -> Iterator[tuple[str, list[str]]]:
    """Each command of the README with the lines that it is said to print."""
    for block in re.findall(r"^```console\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        command: str | None = None
        shown: list[str] = []
        for line in block.splitlines():
            if line.startswith("$ "):
                if command is not None:
                    yield command, shown
                command, shown = line[2:].partition("  #")[0].strip(), []
            else:
                shown.append(line)
        if command is not None:
            yield command, shown


COMMANDS = [(command, shown) for command, shown in sessions() if not command.startswith(NOT_HERE)]


def must_print(printed: str, shown: list[str]) -> None:
    """What is shown stands in the output in this order; `...` stands for any text, also for whole lines."""
    wanted = [re.escape(part.strip()) for part in re.split(r"\.\.\.|\n", "\n".join(shown)) if part.strip()]
    at = 0
    for part in wanted:
        found = re.compile(part).search(printed, at)
        assert found, f"not printed: {part}\n\nprinted:\n{printed}"
        at = found.end()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As in a checkout: the examples stand beside."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


def words_of(command: str) -> list[str]:
    return [sys.executable, "-m", "bench.cli", *shlex.split(command)[1:]]


def test_there_are_commands():
    """The README has the commands of its three users."""
    first = {shlex.split(command)[1] for command, _ in COMMANDS}
    assert {"day", "up", "hunt", "check", "plan"} <= first


def whole_day_that_holds(command):
    """A whole day that shows no more than the one with the mistake, and takes as long."""
    return "examples/collector.py" in command


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        pytest.param(*c, marks=[pytest.mark.gate] if whole_day_that_holds(c[0]) else [])
        for c in COMMANDS
        if not c[0].startswith(GOES_ON)
    ],
)
def test_a_command_prints_what_stands_there(folder, command, shown):
    """Run in a folder beside the examples, each command prints the lines shown under it."""
    done = subprocess.run(
        words_of(command), cwd=folder, env=ENV, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    must_print(done.stderr + done.stdout if "cases apply" in "".join(shown) else done.stdout, shown)


@pytest.mark.parametrize(("command", "shown"), [c for c in COMMANDS if c[0].startswith(GOES_ON)])
def test_a_command_that_goes_on_prints_what_stands_there(folder, command, shown):
    """`up` prints its table and stays until it is interrupted."""
    process = subprocess.Popen(
        words_of(command), cwd=folder, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if line.startswith("Ready"):
                break
        must_print(printed, shown)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=100)


def test_a_day_prints_what_make_day_is_said_to_print(folder):
    """`make day` runs `hallbench day`."""
    (shown,) = re.findall(r"`make day` prints\n\n```\n(.*?)```", TEXT, re.DOTALL)
    done = subprocess.run(
        words_of("hallbench day"), cwd=folder, env=ENV, capture_output=True, text=True, timeout=250, check=False
    )
    must_print(done.stdout, shown.splitlines())
    assert done.returncode == 0


@pytest.mark.parametrize("name", sorted(set(re.findall(r"^\| `hallbench ([a-z]+)", TEXT, re.MULTILINE))))
def test_commands_in_the_table_exist(name):
    """Every command that the README names is one."""
    from bench.cli.main import COMMAND

    assert name in COMMAND


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#h][^)]*)\)", TEXT))))
def test_links_lead_somewhere(link):
    """Every file that the README links is there."""
    assert (ROOT / link).exists()
