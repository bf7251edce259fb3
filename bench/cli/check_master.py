"""`hallbench check --master -- PROGRAM`: the bus manners of a collector, in simulated time or on a real port."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.cli import console
from bench.cli.console import Failure
from bench.cli.exit_codes import ExitCode
from bench.reports.wording import printable

if TYPE_CHECKING:
    from bench.compliance.results import Run
    from bench.run.collector import Exit

__all__ = ["check_master"]


def check_master(given: dict[str, Any]) -> ExitCode:
    """Run the program against the presented devices and judge it.

    Raises:
        Failure: no program, one that cannot be started, or one that ended badly.
    """
    from bench.cli.check_cmd import OF_VERDICT
    from bench.cli.check_shown import as_record, show, write
    from bench.compliance.master.run import SUITE
    from bench.compliance.suites import suite_named

    words = [word for word in (given["profile"], *given["program"]) if word]
    if not words:
        raise Failure(
            "--master needs the program: hallbench check --master -- python collector.py {port}",
            ExitCode.USAGE,
            "{port} stands for the line's port, {units} for the addresses of the devices on it",
        )
    run, ended, wrote, why = (_in_wall_time if _needs_wall(given, words) else _in_simulated_time)(given, words)
    if given["out"]:
        write(run, given["out"])
    if given["as_json"]:
        console.emit_json(as_record(run))
    else:
        show(run, suite_named(SUITE))
    if why or not ended.good:
        said = f"\n{printable(wrote, keep=chr(10))}" if wrote else ""
        console.say(f"the program did not run to the end: {printable(why or ended.how)}{said}")
        return ExitCode.COLLECTOR_FAILED
    return OF_VERDICT[run.verdict]


def _needs_wall(given: dict[str, Any], words: list[str]) -> bool:
    """Whether the program is judged on a real port: asked for, or it is none that simulated time can run."""
    from bench.run.collector import NotPython, parse_command

    if given["clock"] == "wall":
        return True
    if given["serve"]:
        if given["clock"] == "virtual":
            raise Failure("--serve is for --clock wall: in simulated time {port} is hall://bus", ExitCode.USAGE)
        return True
    try:
        parse_command(words)
    except NotPython as error:
        if given["clock"] == "virtual":
            raise Failure(printable(str(error)), ExitCode.USAGE) from error
        return True
    return False


def _command(given: dict[str, Any], words: list[str]) -> str:
    wall = ["--clock", given["clock"]] if given["clock"] else []
    serve = ["--serve", given["serve"]] if given["serve"] else []
    return shlex.join(["hallbench", "check", "--master", *wall, *serve, "--", *words])


def _notes(ended: Exit) -> tuple[str, ...]:
    return (f"the program {ended.how}, status {ended.status}", *([ended.detail] if ended.detail else ()))


def _in_simulated_time(given: dict[str, Any], words: list[str]) -> tuple[Run, Exit, str, str]:
    from bench.compliance.master.presenter import LASTS, UNITS
    from bench.compliance.master.program import run_program
    from bench.compliance.master.run import judge_run
    from bench.run.collector import NotPython

    units = ", ".join(map(str, UNITS))
    console.say(f"25 cases over {LASTS / 1e9:.0f} s of simulated time; reference keypads at units {units}, 9600 8N1")
    try:
        stage, ended, wrote = run_program(words)
    except NotPython as error:
        raise Failure(printable(str(error)), ExitCode.USAGE) from error
    target = "master " + " ".join(words)
    return judge_run(stage, target, notes=_notes(ended), command=_command(given, words)), ended, wrote, ""


def _in_wall_time(given: dict[str, Any], words: list[str]) -> tuple[Run, Exit, str, str]:
    from bench.compliance.master.presenter import LASTS, UNITS
    from bench.compliance.master.run import judge_run
    from bench.compliance.master.wall import FIRST_REQUEST_S, run_outside
    from bench.ports.wall_port import PortUnavailable
    from bench.run.outside import CannotStart

    kind, number = _served(given["serve"] or "pty")
    units = ", ".join(map(str, UNITS))
    console.say(
        f"25 cases on a {kind} port over {LASTS / 1e9:.0f} s of wall time, from the program's first request; "
        f"reference keypads at units {units}, 9600 8N1"
    )
    started = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        with console.Progress("check") as bar:
            seen = run_outside(words, kind, number, progress=bar.update)
    except CannotStart as error:
        raise Failure(printable(str(error)), ExitCode.USAGE) from error
    except PortUnavailable as error:
        raise Failure(printable(str(error)), ExitCode.NO_PORT) from error
    run = judge_run(
        seen.stage,
        f"master {' '.join(words)} on {kind}",
        notes=(*_notes(seen.ended), *seen.notes),
        command=_command(given, words),
        uncertainty=seen.uncertainty,
        started=started,
    )
    waited = "" if seen.ended.how in ("returned", "crashed") else f" within {FIRST_REQUEST_S:.0f} s"
    why = "" if seen.opened else f"it never opened its port{waited}; it was given {seen.address}"
    return run, seen.ended, seen.wrote, why


def _served(text: str) -> tuple[str, int]:
    """`tcp` or `tcp:5020`.

    Raises:
        Failure: no such kind.
    """
    from bench.compliance.master.wall import SERVED

    kind, _, number = text.removeprefix("bus=").partition(":")
    whole = not number or (number.isascii() and number.isdigit() and int(number) <= 65535)
    if kind not in SERVED or not whole:
        raise Failure(
            f"--serve takes {', '.join(SERVED)}, with a number behind a colon for TCP, not {printable(text)!r}",
            ExitCode.USAGE,
        )
    return kind, int(number or 0)
