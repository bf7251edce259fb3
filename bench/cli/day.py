"""`hallbench day`: one day of a hall, its verdict, its evidence."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, TextIO, cast

import click

from bench.cli import console
from bench.cli.clock_options import ANY_CLOCK, listen_option, speed_of, window
from bench.cli.console import Failure
from bench.cli.exit_codes import ExitCode, of_run
from bench.reports.wording import printable


def _path_map(values: tuple[str, ...]) -> dict[str, str]:
    table = {}
    for value in values:
        path, _, line = value.rpartition("=")
        if not path or not line:
            raise click.BadParameter(f"{value!r}: write PATH=LINE, for example /dev/ttyUSB0=keypads")
        table[path] = line
    return table


@click.command(context_settings={"ignore_unknown_options": False})
@click.argument("scenario", default="tan_hoi")
@click.argument("collector", nargs=-1, type=click.UNPROCESSED)
@click.option("--seed", default=1, show_default=True, help="Which day is drawn.")
@click.option("--clock", type=ANY_CLOCK, default="virtual", show_default=True, help="How time passes.")
@click.option(
    "--window",
    "between",
    metavar="FROM-TO",
    help="With --clock wall: simulated time up to FROM, wall time until TO, for example 10:30-10:50.",
)
@click.option(
    "--serve",
    multiple=True,
    metavar="LINE=KIND[:NUMBER]",
    help="In wall time: serve a line as tcp, rfc2217 or modbus-tcp instead of a pty.",
)
@listen_option
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Run directory [default: runs/NAME].")
@click.option(
    "--evidence",
    type=click.Choice(["folded", "full", "hash"]),
    default="folded",
    show_default=True,
    help="How much of the wire is kept; identical idle polls are folded by default.",
)
@click.option("--map", "maps", multiple=True, metavar="PATH=LINE", help="A device path that means a line of the hall.")
@click.option(
    "--patience",
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="Real seconds a collector may compute without waiting before it counts as hung.",
)
@click.option("--report/--no-report", default=True, help="Write report.html.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as one JSON object.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    scenario: str,
    collector: tuple[str, ...],
    report: bool,
    **given: Any,
) -> None:
    """Run one day of SCENARIO (a shipped name or a file) and judge it.

    Without COLLECTOR the house controller runs every line. With `-- python my_collector.py ARGS` that program runs the
    lines the scenario gives it, unmodified, in simulated time. Any other program needs `--clock wall`: then the lines
    are real ports, and `python` is a process like any other. In ARGS, {port:LINE}, {records} and {devices} are filled
    in.
    """
    asked = SimpleNamespace(**given)
    asked.scenario, asked.collector = _split(scenario, collector)
    asked.program = None
    if asked.seed < 0 or not asked.patience > 0:
        raise click.BadParameter("--seed is 0 or more, --patience more than 0 seconds")
    if asked.clock == "virtual":
        for name in ("between", "serve"):
            if getattr(asked, name):
                option = "--window" if name == "between" else "--serve"
                raise Failure(f"{option} is for wall time", ExitCode.USAGE, "add --clock wall")
        asked.program = _python_program(asked.collector)
    elif asked.collector:
        console.needs_unix("a program on real ports", "leave --clock out, or start it yourself beside hallbench up")
    result, verdict = _run(asked)
    if report:
        report = _report(result)
    ctx.exit(_tell(result, verdict, bool(asked.collector), asked.as_json, report))


def _python_program(collector: tuple[str, ...]) -> Any:
    """The program that runs inside this process; None without one."""
    from bench.run.collector import NotPython, parse_command

    try:
        program = parse_command(collector) if collector else None
    except NotPython as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    if program is not None and program.kind == "script" and not Path(program.target).is_file():
        raise Failure(f"there is no script {program.target!r}", ExitCode.USAGE)
    if program is not None and program.kind == "module":
        from bench.run.findable import why_not_runnable

        why = why_not_runnable(program.target, Path.cwd())
        if why:
            raise Failure(f"python -m {program.target}: {why}", ExitCode.USAGE)
    return program


def _split(scenario: str, collector: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """`day -- python x.py` has no scenario: click hands "python" over as one."""
    words = sys.argv[1:]
    if "--" in words and collector is not None:
        after = words[words.index("--") + 1 :]
        if (scenario, *collector) == tuple(after):
            return "tan_hoi", tuple(after)
    return scenario, collector


def _run(asked: SimpleNamespace) -> Any:
    from bench.clock.kernel import BenchFailure, VirtualDeadlock
    from bench.controller.rows import StoreFailed
    from bench.hall.day import draw
    from bench.judge.evidence import EvidenceError
    from bench.judge.history import HistoryFailed
    from bench.judge.records import RecordsError
    from bench.run.directory import CannotWrite, RunLost
    from bench.run.options import DayOptions, NothingToTest
    from bench.run.placeholders import UnknownPlaceholder, fill_placeholders
    from bench.run.verdict import judge_run
    from bench.scenario.load import ScenarioError, load

    try:
        loaded = load(asked.scenario)
    except ScenarioError as exc:
        raise Failure(str(exc), ExitCode.INVALID_FILE) from exc
    paths = _path_map(asked.maps)
    if paths and not asked.collector:
        raise click.BadParameter("--map is for a program under test, and none is given: add -- python COLLECTOR ...")
    lines = [spec.name for spec in loaded.lines if spec.owner == "collector"]
    for path, line in paths.items():
        if line not in lines:
            raise click.BadParameter(f"--map {path}={line}: the program under test has no line {line!r}")
    if lines:
        try:  # a slip in the command must not cost the earlier run in this directory
            fill_placeholders(asked.collector, dict.fromkeys(lines, ""), "", "")
        except UnknownPlaceholder as exc:
            raise Failure(str(exc), ExitCode.USAGE) from exc
    with console.Progress(f"hallbench day {loaded.name}") as progress:
        options = DayOptions(
            scenario=loaded,
            day=draw(loaded, asked.seed),
            program=asked.program,
            given=asked.scenario,
            command=asked.collector,
            out=asked.out,
            evidence=asked.evidence,
            patience=asked.patience,
            paths=paths,
            shown=None if asked.as_json else cast(TextIO, console.ProgramSpeech()),
            progress=progress.update,
        )
        try:
            result = _in_virtual_time(options) if asked.clock == "virtual" else _in_wall_time(options, asked)
            progress.update(1.0, "judging")
            return result, judge_run(result.directory.path, loaded.records)
        except RunLost as exc:
            raise Failure(str(exc), ExitCode.INCONCLUSIVE) from exc
        except (NothingToTest, UnknownPlaceholder, CannotWrite, RecordsError) as exc:
            raise Failure(str(exc), ExitCode.USAGE) from exc
        except (HistoryFailed, StoreFailed, EvidenceError) as exc:
            raise Failure(str(exc), ExitCode.INCONCLUSIVE) from exc
        except VirtualDeadlock as exc:
            raise Failure(str(exc), ExitCode.COLLECTOR_FAILED) from exc
        except BenchFailure as exc:
            raise (exc.__cause__ or exc) from exc


def _in_virtual_time(options: Any) -> Any:
    from bench.run.day import run_day

    with nullcontext() if options.by_house else console.results_apart():
        return run_day(options)


def _in_wall_time(options: Any, asked: SimpleNamespace) -> Any:
    from bench.ports.wall_port import PortUnavailable
    from bench.run.live import BadPortSpec, parse_serve
    from bench.run.outside import CannotStart
    from bench.run.wall_day import BadWindow, Wall, run_wall_day

    scenario = options.scenario
    try:
        ports = parse_serve(asked.serve, [line.name for line in scenario.lines if line.owner == "collector"])
        between = None if asked.between is None else window(asked.between, scenario.start, scenario.horizon)
        wall = Wall(speed_of(asked.clock), between, tuple(ports.values()), asked.listen)
        if wall.speed != 1:
            from bench.clock.wall import distortion
            from bench.run.scaled_program import can_be_scaled
            from bench.run.wall_day import command_words

            scaled = bool(options.command) and can_be_scaled(command_words(options.command))
            console.say(distortion(wall.speed, scaled_program=scaled))
        return run_wall_day(options, wall)
    except (BadPortSpec, BadWindow) as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    except CannotStart as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    except PortUnavailable as exc:
        raise Failure(str(exc), ExitCode.NO_PORT) from exc


def _report(result: Any) -> bool:
    """Write the report; a verdict that was reached is told also when there is no room for one."""
    from bench.reports import day_report

    try:
        day_report.write(result.directory.path)
    except OSError as exc:
        console.say(f"the report could not be written: {exc}")
        return False
    return True


def _tell(result: Any, verdict: Any, tested: bool, as_json: bool, report: bool) -> ExitCode:
    from bench.cli.judge_cmd import print_verdict
    from bench.reports import figures, summary

    ended = result.exit
    failed = tested and (ended.failed or not result.opened)
    code = of_run(verdict.word, collector_failed=failed)
    if as_json:
        console.emit_json(verdict.to_json())
        return code
    told = verdict.to_json()
    rows = summary.lines(figures.of(result.directory.path))
    print_verdict(told, figures=[_failure(result), *rows] if failed else rows)
    if tested:
        console.out(_about_collector(result))
    for line in _about_faults(result.directory.path):
        console.out(line)
    where = printable(result.directory.shown())
    console.out(f"\n  evidence  {where}" + (f"\n  report    {where}/report.html" if report else ""))
    return code


def _about_faults(path: Path) -> list[str]:
    """What became of the day's faults; one that hit nothing is no evidence of anything."""
    import json

    faults = json.loads((path / "run.json").read_text(encoding="utf-8")).get("faults", [])
    if not faults:
        return []
    hit = [fault for fault in faults if fault["hits"]]
    lines = [f"\n  faults    {len(hit)} of {len(faults)} struck, {sum(fault['hits'] for fault in faults)} hits in all"]
    for fault in faults:
        if not fault["hits"]:
            why = f": {fault['why']}" if fault["why"] else ""
            word = "did not strike" if fault["optional"] else "NEVER STRUCK"
            lines.append(f"            {fault['id']} {fault['name']} {word}{why}")
    return lines


def _failure(result: Any) -> str:
    """What became of a program that failed, in the row before all figures: it explains the verdict above it."""
    ended = result.exit
    said = ended.detail.strip().splitlines()
    told = [_end_of(ended)]
    if not result.opened:
        told.append("never opened a port of the hall")
    return f"program   {', '.join(told)}" + (f": {printable(said[-1].strip())}" if said else "")


def _about_collector(result: Any) -> str:
    ended = result.exit
    if not result.opened:
        return f"\n  The collector never opened a port of the hall; it {_ended(ended)}"
    return f"\n  The collector {_ended(ended)}"


_ENDS: Final = {
    "asked to end": "ran to the end of the day",
    "crashed": "crashed",
    "hung": "hung",
    "killed": "was killed by a fault, and the day was over before it was started again",
}


def _end_of(ended: Any) -> str:
    return f"ended by itself with status {ended.status}" if ended.how == "returned" else _ENDS[ended.how]


def _ended(ended: Any) -> str:
    text = _end_of(ended)
    lines = [printable(line) for line in ended.detail.splitlines()]
    return "\n    ".join((f"{text}:", *lines)) if lines else f"{text}."
