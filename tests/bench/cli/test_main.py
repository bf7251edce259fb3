"""The command line: quick, lazy, and every way of ending has its exit code."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import click
import pytest

from bench import __version__
from bench.cli import main as entry
from bench.cli.console import Failure
from bench.cli.exit_codes import MEANING, ExitCode, of_verdict

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("matplotlib", "PIL", "numpy", "simpy", "pydantic", "sqlalchemy", "textual", "serial", "segno", "jinja2")
HELP_BUDGET = 0.150
"""Seconds of CPU that `hallbench --help` may take (architecture.md section 3)."""

PROBE = """
import json, resource, sys
sys.argv[0] = "hallbench"
from bench.cli.main import main
try:
    code = main(sys.argv[1:])
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {"modules": sorted(sys.modules), "cpu": used.ru_utime + used.ru_stime}
    print(json.dumps(told), file=sys.stderr)
sys.exit(code)
"""


def _probe(*args: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *args], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stderr.strip().splitlines()[-1])
    return {**found, "out": done.stdout}


def _loaded(found: dict[str, Any], names: tuple[str, ...]) -> set[str]:
    return {name for name in names if name in found["modules"]}


def test_help_names_every_command_and_imports_none() -> None:
    """`--help` shows each command with its line from the table, and imports neither a command nor anything heavy."""
    found = _probe("--help")
    for name, command in entry.COMMAND.items():
        assert name in found["out"]
        assert command.summary in found["out"]
        assert command.target.partition(":")[0] not in found["modules"]
    assert _loaded(found, HEAVY) == set()


def test_help_is_quick() -> None:
    """`--help` takes less than 150 ms of CPU, at the best of five: the machine may be busy, the program may not."""
    assert min(_probe("--help")["cpu"] for _ in range(5)) < HELP_BUDGET


@pytest.mark.parametrize("name", entry.COMMAND)
def test_a_commands_help_imports_nothing_heavy(name: str) -> None:
    """The help of one command imports that command's module and nothing that only its work needs."""
    found = _probe(name, "--help")
    assert "Usage: hallbench " + name in found["out"]
    assert _loaded(found, HEAVY) == set()


@pytest.mark.parametrize(
    ("args", "needed"),
    [
        (("decode", "modbus_rtu", "01040000", "0008F1CC"), ()),
        (("decode", "escpos", "1B40"), ()),
        (("devices",), ()),
        (("devices", "ticket_printer", "--json"), ()),
        (("scenarios", "tan_hoi"), ("pydantic",)),
    ],
    ids=lambda value: " ".join(value) if value else "",
)
def test_a_command_imports_only_what_it_needs(args: tuple[str, ...], needed: tuple[str, ...]) -> None:
    """Decoding a frame does not load a plotting library, showing a scenario no database."""
    assert _loaded(_probe(*args), HEAVY) <= set(needed)


@pytest.mark.parametrize("name", entry.COMMAND)
def test_every_command_of_the_table_is_there(name: str) -> None:
    """Each entry of the table leads to a click command with help of its own."""
    with click.Context(entry.cli) as ctx:
        command = entry.cli.get_command(ctx, name)
    assert command is not None
    assert command.help
    assert r"\b" not in command.help  # click's mark for lines that are not to be filled up, as two characters


def test_exit_codes_are_those_of_the_contract() -> None:
    """The numbers stand in cli.md and never change; each has a meaning; help shows them."""
    numbers = {name: code.value for name, code in ExitCode.__members__.items()}
    assert numbers == {
        "GOOD": 0,
        "BAD": 1,
        "USAGE": 2,
        "INVALID_FILE": 3,
        "NO_PORT": 4,
        "INCONCLUSIVE": 5,
        "COLLECTOR_FAILED": 6,
        "INTERNAL": 70,
        "INTERRUPTED": 130,
        "OUTPUT_CLOSED": 141,
    }
    assert set(MEANING) == set(ExitCode)


def test_only_holds_is_good() -> None:
    """A verdict gives 0 only when it holds; a word nobody knows is an error, not a success."""
    codes = {word: of_verdict(word) for word in ("HOLDS", "VIOLATED", "UNKNOWN", "NOT EXERCISED")}
    assert codes == {"HOLDS": 0, "VIOLATED": 1, "UNKNOWN": 5, "NOT EXERCISED": 5}
    with pytest.raises(ValueError, match="'holds' is not one of"):
        of_verdict("holds")


def test_version_is_printed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints the version and nothing else, on stdout."""
    assert entry.main(["--version"]) == 0
    assert capsys.readouterr().out == f"hallbench {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "meant"), [("dya", "Did you mean day"), ("Decode", "Did you mean decode"), ("xyzzy", "Commands: day")]
)
def test_an_unknown_command_is_met_with_a_guess(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped command exits 2 and names the nearest ones, or all of them when none is near."""
    assert entry.main([typed]) == ExitCode.USAGE
    assert meant in capsys.readouterr().err


def _install(monkeypatch: pytest.MonkeyPatch, body: Any) -> None:
    """Put a command `probe` in the table that does what `body` does."""
    module = types.ModuleType("probe_command")
    module.command = click.command()(body)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "probe_command", module)
    monkeypatch.setattr(entry, "COMMAND", {"probe": entry.Entry("probe_command:command", "Fails on purpose.")})


def test_a_crash_is_not_a_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """An unexpected exception exits 70 with one short message; its traceback is in the file that the message names."""

    def command() -> None:
        raise LookupError("a very special thing\nwith a second line")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _install(monkeypatch, command)
    assert entry.main(["probe"]) == ExitCode.INTERNAL
    told = capsys.readouterr()
    assert told.out == ""
    assert "internal error: LookupError: a very special thing" in told.err
    assert "Traceback" not in told.err
    (file,) = tmp_path.iterdir()
    assert str(file) in told.err
    text = file.read_text("utf-8")
    assert "LookupError: a very special thing" in text
    assert "arguments: ['probe']" in text


def test_a_crash_without_a_place_for_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """When no file can be written the traceback goes to stderr: it is not lost."""

    def command() -> None:
        raise LookupError("thing")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    _install(monkeypatch, command)
    assert entry.main(["probe"]) == ExitCode.INTERNAL
    assert "Traceback" in capsys.readouterr().err


ENDS = {
    "interrupted": (KeyboardInterrupt(), ExitCode.INTERRUPTED, "interrupted"),
    "end of file": (EOFError("no more"), ExitCode.INTERNAL, "EOFError"),
    "failure": (Failure("no such port", ExitCode.NO_PORT, "plug it in"), ExitCode.NO_PORT, "plug it in"),
    "own exit": (SystemExit(5), 5, ""),
    "last words": (SystemExit("cannot go on"), ExitCode.INTERNAL, "cannot go on"),
    "no answer": (click.Abort(), ExitCode.INTERRUPTED, "interrupted"),
    "usage": (click.UsageError("not so"), ExitCode.USAGE, "not so"),
    "disk full": (OSError(errno.ENOSPC, "No space left on device"), ExitCode.INTERNAL, "No space left"),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_end_has_its_code(end: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """However a command ends, the exit code says which kind of end it was."""
    error, code, words = ENDS[end]

    def command() -> None:
        raise error

    _install(monkeypatch, command)
    assert entry.main(["probe"]) == code
    assert words in capsys.readouterr().err


def test_an_invalid_scenario_exits_3_from_anywhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A ScenarioError that a command lets through is told as it is and exits 3."""
    from bench.scenario.load import Problem, ScenarioError

    def command() -> None:
        raise ScenarioError([Problem("hall.toml", 3, 1, "unit 300 is not a bus address", "unit = 300")])

    _install(monkeypatch, command)
    assert entry.main(["probe"]) == ExitCode.INVALID_FILE
    assert "hall.toml:3:1: unit 300" in capsys.readouterr().err


@pytest.mark.parametrize(("value", "code"), [(None, 0), (5, 5), (ExitCode.BAD, 1)])
def test_a_command_may_return_its_code(value: int | None, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command returns is its exit code; nothing is 0."""
    _install(monkeypatch, lambda: value)
    assert entry.main(["probe"]) == code


def _run(*args: str, **how: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.cli", *args]
    return subprocess.run(command, cwd=ROOT, text=True, timeout=60, check=False, **how)


@pytest.mark.skipif(os.name != "posix", reason="pipes end differently elsewhere")
def test_a_reader_who_left_is_no_error() -> None:
    """A closed pipe ends the command with the shell's code for it, without a traceback."""
    reader, writer = os.pipe()
    os.close(reader)
    done = _run("devices", "rating_keypad", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == ExitCode.OUTPUT_CLOSED
    assert done.stderr == ""


@pytest.mark.skipif(os.name != "posix", reason="needs a shell that closes streams")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_streams_that_were_closed_beforehand(closed: str) -> None:
    """Without stdin, stdout or stderr a command runs all the same and keeps its exit code."""
    script = f'exec "$@" {closed}'
    for args, code in ((("scenarios", "tan_hoi"), ExitCode.GOOD), (("scenarios", "nowhere"), ExitCode.INVALID_FILE)):
        command = ["sh", "-c", script, "sh", sys.executable, "-m", "bench.cli", *args]
        done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=60, check=False)
        assert done.returncode == code
        assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_takes_nothing_is_told() -> None:
    """Results that cannot be written are not a success."""
    with Path("/dev/full").open("w") as full:
        done = _run("devices", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == ExitCode.INTERNAL
    assert "could not be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_letters_the_terminal_lacks_are_spelled_out() -> None:
    """In a terminal without all Vietnamese letters a title is spelled out instead of stopping the command."""
    env = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    done = _run("scenarios", capture_output=True, encoding="latin-1", env=env)
    assert done.returncode == 0, done.stderr
    assert "Tân H\\u1ed9i" in done.stdout


def test_shells_can_complete_commands() -> None:
    """The shell gets the names of the commands when it asks for completions."""
    env = {**os.environ, "_HALLBENCH_COMPLETE": "bash_complete", "COMP_WORDS": "hallbench d", "COMP_CWORD": "1"}
    done = _run(capture_output=True, env=env)
    assert {line.partition(",")[2] for line in done.stdout.split()} == {"day", "devices", "decode", "doctor"}


def test_a_command_is_in_the_table_or_is_none() -> None:
    """The group knows the table's commands and no others, and takes nothing for a command that is none."""
    context = click.Context(entry.cli)
    assert entry.cli.get_command(context, "nothing") is None
    found = entry.cli.get_command(context, "doctor")
    assert found is not None
    assert found.name == "doctor" or found.callback is not None


def test_a_row_of_the_table_that_names_no_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that names something else is our mistake, and said as such."""
    row = entry.COMMAND["doctor"]._replace(target="bench.cli.doctor:examine")
    monkeypatch.setattr(entry, "COMMAND", {"doctor": row})
    with pytest.raises(TypeError, match=r"bench\.cli\.doctor:examine is a function, not a click command"):
        entry.cli.get_command(click.Context(entry.cli), "doctor")


def test_no_color_turns_colours_off_for_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR set, and not empty, counts for the help as well."""
    context = click.Context(entry.cli)
    for value, colour in (("1", False), ("", None)):
        monkeypatch.setenv("NO_COLOR", value)
        context.color = None
        with context:
            assert entry.cli.callback is not None
            entry.cli.callback()
        assert context.color is colour
