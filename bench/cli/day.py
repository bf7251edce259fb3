"""`hallbench day`: one day of a hall, its verdict, its evidence."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from bench.cli import console
from bench.cli.console import Failure
from bench.cli.exit_codes import ExitCode, of_verdict


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
@click.option("--clock", default="virtual", show_default=True, metavar="virtual|wall|60x", help="How time passes.")
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
    scenario: str,
    collector: tuple[str, ...],
    seed: int,
    clock: str,
    out: Path | None,
    evidence: str,
    maps: tuple[str, ...],
    patience: float,
    report: bool,
    as_json: bool,
) -> None:
    """Run one day of SCENARIO (a shipped name or a file) and judge it.

    Without COLLECTOR the house controller runs every line. With `-- python my_collector.py ARGS` that program runs the
    lines the scenario gives it, unmodified, in simulated time. In ARGS, {port:LINE}, {records} and {devices} are filled
    in.
    """
    from bench.run.collector import NotPython, parse_command

    scenario, collector = _split(scenario, collector)
    if clock != "virtual":
        raise Failure(
            f"--clock {clock}: this version runs days in virtual time only",
            ExitCode.USAGE,
            "leave --clock out; a Python collector runs unmodified in virtual time",
        )
    if seed < 0 or not patience > 0:
        raise click.BadParameter("--seed is 0 or more, --patience more than 0 seconds")
    try:
        program = parse_command(collector) if collector else None
    except NotPython as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    if program is not None and program.kind == "script" and not Path(program.target).is_file():
        raise Failure(f"there is no script {program.target}", ExitCode.USAGE)
    result, verdict = _run(scenario, collector, program, seed, out, evidence, _path_map(maps), patience, as_json)
    if report:
        report = _report(result)
    ctx.exit(_tell(result, verdict, program is not None, as_json, report))


def _split(scenario: str, collector: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """`day -- python x.py` has no scenario: click hands "python" over as one."""
    words = sys.argv[1:]
    if "--" in words and collector is not None:
        after = words[words.index("--") + 1 :]
        if (scenario, *collector) == tuple(after):
            return "tan_hoi", tuple(after)
    return scenario, collector


def _run(
    scenario: str,
    collector: tuple[str, ...],
    program: Any,
    seed: int,
    out: Path | None,
    evidence: str,
    paths: dict[str, str],
    patience: float,
    as_json: bool,
) -> Any:
    from bench.clock.kernel import BenchFailure, VirtualDeadlock
    from bench.controller.rows import StoreFailed
    from bench.hall.day import draw
    from bench.judge.evidence import EvidenceError
    from bench.judge.history import HistoryFailed
    from bench.run.day import DayOptions, NothingToTest, run_day
    from bench.run.directory import CannotWrite, RunLost
    from bench.run.placeholders import UnknownPlaceholder
    from bench.run.verdict import judge_run
    from bench.scenario.load import ScenarioError, load

    try:
        loaded = load(scenario)
    except ScenarioError as exc:
        raise Failure(str(exc), ExitCode.INVALID_FILE) from exc
    for path, line in paths.items():
        if line not in {spec.name for spec in loaded.lines if spec.owner == "collector"}:
            raise click.BadParameter(f"--map {path}={line}: the program under test has no line {line!r}")
    with console.Progress(f"hallbench day {loaded.name}") as progress:
        options = DayOptions(
            scenario=loaded,
            day=draw(loaded, seed),
            program=program,
            given=scenario,
            command=collector,
            out=out,
            evidence=evidence,
            patience=patience,
            paths=paths,
            shown=None if as_json else sys.stderr,
            progress=progress.update,
        )
        try:
            result = run_day(options)
            progress.update(1.0, "judging")
            return result, judge_run(result.directory.path, loaded.records)
        except RunLost as exc:
            raise Failure(str(exc), ExitCode.INCONCLUSIVE) from exc
        except (NothingToTest, UnknownPlaceholder, CannotWrite) as exc:
            raise Failure(str(exc), ExitCode.USAGE) from exc
        except (HistoryFailed, StoreFailed, EvidenceError) as exc:
            raise Failure(str(exc), ExitCode.INCONCLUSIVE) from exc
        except VirtualDeadlock as exc:
            raise Failure(str(exc), ExitCode.COLLECTOR_FAILED) from exc
        except BenchFailure as exc:
            raise (exc.__cause__ or exc) from exc


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
    failed = tested and (not ended.good or not result.opened)
    code = ExitCode.COLLECTOR_FAILED if failed else of_verdict(verdict.word)
    if as_json:
        console.emit_json(verdict.to_json())
        return code
    told = verdict.to_json()
    print_verdict(told, figures=summary.lines(figures.of(result.directory.path)))
    if tested:
        console.out(_about_collector(result))
    where = result.directory.shown()
    console.out(f"\n  evidence  {where}" + (f"\n  report    {where}/report.html" if report else ""))
    return code


def _about_collector(result: Any) -> str:
    ended = result.exit
    if not result.opened:
        return f"\n  The collector never opened a port of the hall; it {_ended(ended)}."
    return f"\n  The collector {_ended(ended)}."


def _ended(ended: Any) -> str:
    words = {
        "asked to end": "ran to the end of the day",
        "returned": f"ended by itself with status {ended.status}",
        "crashed": "crashed",
        "hung": "hung",
    }
    text = words[ended.how]
    return f"{text}:\n    " + ended.detail.replace("\n", "\n    ") if ended.detail else text
