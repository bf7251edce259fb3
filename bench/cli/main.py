"""The `hallbench` command: a table of commands, each imported only when it runs.

`main` is the console entry. It turns whatever happens into one of `exit_codes.ExitCode`: an expected error into its
message, an unexpected one into exit 70 with a short message and a file that holds the traceback.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import click

from bench import __version__
from bench.cli.exit_codes import MEANING, ExitCode

PROGRAM: Final = "hallbench"


class Entry(NamedTuple):
    """Where a command lives and what it does, in one line."""

    target: str
    summary: str


COMMAND: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "day": Entry("bench.cli.day:command", "Run one day of a hall, judge it, write its run directory."),
        "up": Entry("bench.cli.up:command", "Put a hall's devices on real ports, for any program."),
        "view": Entry("bench.cli.view_cmd:command", "See and steer the live hall, on a terminal or in a browser."),
        "press": Entry("bench.cli.press_cmd:command", "Press a key in a running bench: the human hands."),
        "fault": Entry("bench.cli.fault_cmd:command", "Let things go wrong in a running bench."),
        "show": Entry("bench.cli.show_cmd:command", "Show a running bench, or one device as people see it."),
        "clock": Entry("bench.cli.clock_cmd:command", "The clock of a running bench: pause, step, speed."),
        "hunt": Entry("bench.cli.hunt_cmd:command", "Search what breaks a collector, and keep it, shrunk."),
        "replay": Entry("bench.cli.replay_cmd:command", "Play a stored failure or a run again: fixed, or the same?"),
        "judge": Entry("bench.cli.judge_cmd:command", "Judge a run again, from its evidence alone."),
        "verify": Entry("bench.cli.verify_cmd:command", "Check a compliance bundle, and judge it again."),
        "compare": Entry("bench.cli.compare_cmd:command", "Compare two compliance bundles."),
        "check": Entry("bench.cli.check_cmd:command", "Test a device against its protocol's requirements."),
        "plan": Entry("bench.cli.plan_cmd:command", "How many counters a hall needs, with confidence intervals."),
        "budget": Entry("bench.cli.budget_cmd:command", "What each line of a hall can carry, by arithmetic."),
        "scenarios": Entry("bench.cli.scenarios:command", "Show the shipped scenarios, or one in detail."),
        "devices": Entry("bench.cli.devices:command", "Show the emulated devices, or one in detail."),
        "decode": Entry("bench.cli.decode:command", "Explain a pasted frame, offline."),
        "capture": Entry("bench.cli.capture_cmd:command", "Traffic of a run or a real line, for Wireshark and others."),
        "explain": Entry("bench.cli.explain_cmd:command", "Explain a fault, an invariant, a requirement or a case."),
        "new": Entry("bench.cli.new_cmd:command", "Write the declaration of a new device to start from."),
        "doctor": Entry("bench.cli.doctor:command", "Check that this machine can run hallbench."),
    }
)
"""Every command, in the order of the help. A command's click object is always called `command`."""


class LazyGroup(click.Group):
    """A group that knows its commands from `COMMAND` and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in the order of the table."""
        return list(COMMAND)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; None when the table does not have it."""
        entry = COMMAND.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.target} is a {type(command).__name__}, not a click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table: `--help` imports no command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMAND.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was asked for, or say which one may have been meant."""
        name = args[0]
        if name not in COMMAND and not name.startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(name.lower(), COMMAND, n=2)
            meant = f"Did you mean {' or '.join(near)}?" if near else f"Commands: {', '.join(COMMAND)}."
            raise click.UsageError(f"there is no command {name!r}. {meant}", ctx)
        return super().resolve_command(ctx, args)


def _print_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(f"{PROGRAM} {__version__}")
        ctx.exit(ExitCode.GOOD)


_EPILOG = "Exit codes: " + " · ".join(f"{code.value} {text}" for code, text in MEANING.items()) + "."


@click.group(
    cls=LazyGroup,
    name=PROGRAM,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and leave.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Emulation workbench for the software of public-service halls.

    Rating keypads, clerk consoles, LED boards and ticket printers as models that speak their real serial protocols,
    in simulated time or on the wall clock.
    """
    if os.environ.get("NO_COLOR"):  # no-color.org: set and not empty
        ctx.color = False


_EXPECTED: Final[tuple[tuple[str, str, ExitCode], ...]] = (
    ("bench.scenario.problems", "ScenarioError", ExitCode.INVALID_FILE),
)
"""Errors that explain themselves: module, class, exit code. Looked up only if that module was imported at all."""


def _expected(error: BaseException) -> ExitCode | None:
    for module, name, code in _EXPECTED:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type) and isinstance(error, kind):
            return code
    return None


def _write_crash(error: BaseException, args: Sequence[str]) -> str:
    """Keep the traceback in a file; returns its path, or why there is none."""
    import platform
    import tempfile
    import traceback

    text = "\n".join(
        (
            f"{PROGRAM} {__version__}, Python {platform.python_version()} on {platform.platform()}",
            f"arguments: {list(args)!r}",
            "",
            "".join(traceback.format_exception(error)),
        )
    )
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", errors="backslashreplace", prefix=f"{PROGRAM}-crash-", suffix=".txt", delete=False
        ) as file:
            file.write(text)
            return file.name
    except OSError as why:
        click.echo(text, err=True)
        return f"nowhere but above ({why})"


def _crashed(error: BaseException, args: Sequence[str]) -> ExitCode:
    last = str(error).strip().splitlines() or ["no message"]
    where = _write_crash(error, args)
    click.echo(
        f"{PROGRAM}: internal error: {type(error).__name__}: {last[0][:300]}\n"
        f"  traceback: {where}\n"
        "  This is a fault of hallbench, not of the program under test. Please report it with that file (look it\n"
        "  over first: it holds the command line) and, if the command used one, the scenario.",
        err=True,
    )
    return ExitCode.INTERNAL


def _invoke(args: Sequence[str]) -> Any:
    """Run a command; what it returns, or the code it exits with.

    Not `cli.main`: that would swallow a closed output and exit 1, which means a bad verdict here.
    """
    instruction = os.environ.get(_COMPLETE)
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, PROGRAM, _COMPLETE, instruction)
    try:
        with cli.make_context(PROGRAM, list(args)) as ctx:
            return cli.invoke(ctx)
    except click.exceptions.Exit as end:
        return end.exit_code
    except SystemExit as end:
        if isinstance(end.code, str):
            click.echo(end.code, err=True)
            return ExitCode.INTERNAL
        return end.code


_COMPLETE: Final = "_HALLBENCH_COMPLETE"
"""Set by the shell to ask for completions, with what it asks (click's protocol)."""


def _while_echoing(error: OSError) -> bool:
    """Whether it was the output that failed: everything that a command prints goes through `click.echo`."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at is not None and at.tb_frame.f_globals.get("__name__") == "click.utils"


def _guarded(args: Sequence[str]) -> int:
    """Run a command and turn however it ends into an exit code, except for trouble with the output itself."""
    try:
        result = _invoke(args)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort as error:  # a question that was not answered
        raise KeyboardInterrupt from error
    except Exception as error:
        if isinstance(error, OSError) and (error.errno == errno.EPIPE or _while_echoing(error)):
            raise
        code = _expected(error)
        if code is None:
            return _crashed(error, args)
        from bench.reports.wording import printable

        click.echo(printable(str(error), keep="\n\t"), err=True)
        return code
    return result if isinstance(result, int) else ExitCode.GOOD


def _run(args: Sequence[str]) -> int:
    try:
        code = _guarded(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        click.echo(f"{PROGRAM}: interrupted", err=True)
        return ExitCode.INTERRUPTED
    except OSError as error:
        # Without this the interpreter would complain a second time when it flushes the output on its way out.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:
            return ExitCode.OUTPUT_CLOSED
        click.echo(f"{PROGRAM}: the results could not be written to the output: {error.strerror or error}", err=True)
        return ExitCode.INTERNAL
    return code


def _open_standard_streams() -> None:
    """Put the null device in place of a stream that was closed by whoever started us (`hallbench day >&-`).

    Else the next file that is opened, perhaps the history, would get its number, and whatever is printed.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number, which is this one
            if getattr(sys, name) is None:
                setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def main(args: Sequence[str] | None = None) -> int:
    """Run `hallbench` and return its exit code.

    Args:
        args: the arguments after the program's name; None takes them from the command line.

    Returns:
        One of `exit_codes.ExitCode`. A command ends with `ctx.exit(code)` or by returning the code.
    """
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):  # a terminal without Vietnamese letters must not stop a report
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    return int(_run(sys.argv[1:] if args is None else args))
