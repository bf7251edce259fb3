"""`hallbench check --master -- PROGRAM`: the bus manners of a collector, in simulated time."""

from __future__ import annotations

import shlex
from typing import Any

from bench.cli import console
from bench.cli.console import Failure
from bench.cli.exit_codes import ExitCode
from bench.reports.wording import printable

__all__ = ["check_master"]


def check_master(given: dict[str, Any]) -> ExitCode:
    """Run the program against the presented devices and judge it.

    Raises:
        Failure: no program, one that is not Python, or one that ended badly.
    """
    from bench.cli.check_cmd import OF_VERDICT, as_record, show, write
    from bench.compliance.master.presenter import LASTS, UNITS
    from bench.compliance.master.program import run_program
    from bench.compliance.master.run import SUITE, judge_run
    from bench.compliance.suites import suite_named
    from bench.run.collector import NotPython

    words = [word for word in (given["profile"], *given["program"]) if word]
    if not words:
        raise Failure(
            "--master needs the program: hallbench check --master -- python collector.py {port}",
            ExitCode.USAGE,
            "{port} stands for the line's port, {units} for the addresses of the devices on it",
        )
    command = shlex.join(["hallbench", "check", "--master", "--", *words])
    units = ", ".join(map(str, UNITS))
    console.say(f"25 cases over {LASTS / 1e9:.0f} s of simulated time; reference keypads at units {units}, 9600 8N1")
    try:
        stage, ended, wrote = run_program(words)
    except NotPython as error:
        raise Failure(printable(str(error)), ExitCode.USAGE) from error
    notes = (f"the program {ended.how}, status {ended.status}", *([ended.detail] if ended.detail else ()))
    run = judge_run(stage, "master " + " ".join(words), notes=notes, command=command)
    if given["out"]:
        write(run, given["out"])
    if given["as_json"]:
        console.emit_json(as_record(run))
    else:
        show(run, suite_named(SUITE))
    if not ended.good:
        console.say(f"the program did not run to the end: {printable(ended.how)}\n{printable(wrote, keep=chr(10))}")
        return ExitCode.COLLECTOR_FAILED
    return OF_VERDICT[run.verdict]
