"""`hallbench plan`: how many counters a hall needs, from days by the hundred, with intervals."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click

from bench.cli import console
from bench.cli.console import Failure
from bench.cli.exit_codes import ExitCode
from bench.cli.numbers import Number
from bench.reports.wording import count, minutes, printable, share

_MOST_DAYS = 100_000
ENGINES = ("auto", "kernel", "python")


def _range(_ctx: click.Context, _param: click.Parameter, text: str | None) -> tuple[int, ...]:
    """`4`, `4..12` or `4,6,8`."""
    if text is None:
        return ()
    from bench.planning.designs import MOST_COUNTERS

    numbers: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})\s*(?:\.\.\s*(\d{1,6})\s*)?", part)
        if match is None:
            raise click.BadParameter(f"{text!r}: write a number, a range or a list, e.g. 6, 4..12 or 4,6,8")
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last:
            raise click.BadParameter(f"{text!r}: the range runs backwards; write {last}..{first}")
        if first < 1 or last > MOST_COUNTERS:
            raise click.BadParameter(f"{text!r}: a hall has 1 to {MOST_COUNTERS} counters")
        numbers.update(range(first, last + 1))
    return tuple(sorted(numbers))


def _days(_ctx: click.Context, _param: click.Parameter, text: str) -> int | None:
    if text == "auto":
        return None
    if not re.fullmatch(r"\d{1,6}", text) or not 2 <= int(text) <= _MOST_DAYS:
        raise click.BadParameter(f"{text!r}: write auto, or a number of days from 2 to {_MOST_DAYS:,}")
    return int(text)


def _goal(_ctx: click.Context, _param: click.Parameter, text: str | None) -> Any:
    if text is None:
        return None
    from bench.planning.goal import GoalError, parse

    try:
        return parse(text)
    except GoalError as exc:
        raise click.BadParameter(str(exc)) from exc


@click.command()
@click.argument("scenario", required=False)
@click.option(
    "--from",
    "log",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="TICKETS.CSV",
    help="Plan the hall of a ticket log: fits it, shows the fit and what is wrong with the log.",
)
@click.option(
    "--columns",
    metavar="MEANING=COLUMN,...",
    default="",
    help="With --from: which column is issued, called, done, class, counter, left, day.",
)
@click.option("--replay", is_flag=True, help="With --from: also play the log itself again, beside what it recorded.")
@click.option("--counters", callback=_range, metavar="4..12", help="Numbers of counters to try [default: as it is].")
@click.option(
    "--days", callback=_days, default="auto", show_default=True, metavar="auto|N", help="Days of each design."
)
@click.option(
    "--precision",
    type=Number(0.001, 1.0),
    default=0.05,
    show_default=True,
    help="With auto days: relative half-width of the 95 % interval.",
)
@click.option(
    "--goal",
    callback=_goal,
    metavar="GOAL",
    help='What has to hold, e.g. "p90(wait) <= 15 min"; without --counters the least number of them is searched.',
)
@click.option("--by-half-hour", is_flag=True, help="With --goal: also the least staff of each half-hour that meets it.")
@click.option("--within", type=Number(0.1, 600), default=15.0, show_default=True, help="Minutes to be called within.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Which days are drawn.")
@click.option(
    "--most-days", type=click.IntRange(10, _MOST_DAYS), default=1000, show_default=True, help="Limit of auto."
)
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes.")
@click.option("--cluster", metavar="ADDRESS", help="Days by the workers of a dask scheduler, e.g. tcp://10.0.0.5:8786.")
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    help="auto: the compiled kernel where numba is installed; both give the same days.",
)
@click.option("--ideal-devices", is_flag=True, help="Devices take no time; people still do.")
@click.option(
    "--with-devices",
    type=click.IntRange(1, 100),
    metavar="DAYS",
    help="So many days also through the devices, paired with the plan: what devices cost, and by what.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Where to [default: runs/NAME-plan].")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, /, scenario: str | None, **given: Any) -> None:
    """How many counters a hall needs: waits, overtime and utilisation with confidence intervals.

    Every number of counters sees the same drawn days. Writes report.html, plan.json and tables (CSV). Exit code 1 says
    that the goal is not met by anything tried, 5 that the days do not decide it.

    A province (lang_son) is planned hall by hall, as its halls are: their sum, and where people wait longest.
    """
    if given["log"] is None and (given["replay"] or given["columns"]):
        raise click.UsageError("--replay and --columns go with --from TICKETS.CSV")
    if given["with_devices"] and (given["log"] is not None or given["ideal_devices"]):
        raise click.UsageError("--with-devices needs a scenario with its devices: neither --from nor --ideal-devices")
    if given["by_half_hour"] and given["goal"] is None:
        raise click.UsageError('--by-half-hour needs what has to hold, e.g. --goal "p90(wait) <= 15 min"')
    if given["log"] is not None and scenario is not None:
        raise click.UsageError("give either a scenario or --from TICKETS.CSV: the log is the hall")
    if scenario is not None and _is_province(scenario):
        from bench.cli import plan_province

        ctx.exit(plan_province.run(scenario, given))
    ctx.exit(_run(scenario or "tan_hoi", given))


def _is_province(name: str) -> bool:
    from bench.scenario.province import is_province

    return is_province(name)


def _run(name: str, given: dict[str, Any]) -> ExitCode:
    from bench.cli import plan_from
    from bench.planning import answer, device_days
    from bench.planning.cluster import ClusterError
    from bench.planning.days import paid_spans
    from bench.planning.outcome import EngineError, engine_named
    from bench.reports import plan_report
    from bench.run.directory import CannotWrite
    from bench.scenario.load import load

    log = plan_from.read(given) if given["log"] is not None else None
    scenario = load(name) if log is None else log.scenario
    idle = [str(c.number) for c in scenario.counters if not paid_spans(scenario, c.breaks)]
    if len(idle) == len(scenario.counters):
        raise Failure(
            f"scenario {scenario.name}: the breaks leave no counter any working time",
            ExitCode.INVALID_FILE,
            "shorten the breaks, or lengthen the opening hours",
        )
    try:
        plan_report.check(given["out"])
    except CannotWrite as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    question = answer.Question(
        scenario,
        given["counters"] if log is None else log.tried,
        given["goal"],
        given["seed"],
        given["days"],
        given["precision"],
        given["within"],
        given["workers"],
        given["ideal_devices"],
        given["most_days"],
        given["engine"],
        given["cluster"],
        log is not None,
        given["by_half_hour"],
    )
    try:
        engine_named(given["engine"])
        with console.Progress(f"hallbench plan {scenario.name}") as progress:
            told = answer.plan(question, progress.update)
            if given["with_devices"] and told["why"] != "interrupted":
                told["with_devices"] = device_days.compare(
                    scenario, given["seed"], given["with_devices"], engine_named(given["engine"]), progress.update
                )
                told["remarks"].append(device_days.remark(told["with_devices"]))
    except (EngineError, ClusterError) as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    told["command"] = _again(name, given)
    if log is not None:
        told |= {"fit": log.fit, "fitted": log.text}
        told["remarks"] = [*log.remarks, *told["remarks"]]
    if idle:
        told["remarks"].insert(0, f"counter {', '.join(idle)} has a break all day")
    if not told["designs"] or told["days"] < 2:
        console.say("hallbench: interrupted before two days were done: nothing to tell")
        return ExitCode.INTERRUPTED
    try:
        where = plan_report.write(given["out"], told)
    except CannotWrite as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    if given["as_json"]:
        console.emit_json(told)
    else:
        if log is not None:
            plan_from.tell(log)
        _print(told)
        console.out(f"\n  report  {printable(str(where))}")
    return _code(told)


def _code(told: dict[str, Any]) -> ExitCode:
    if told["why"] == "interrupted":
        return ExitCode.INTERRUPTED
    goal = told["goal"]
    return {"met": ExitCode.GOOD, "not met": ExitCode.BAD, "open": ExitCode.INCONCLUSIVE}[
        goal["answer"] if goal else "met"
    ]


def _again(name: str, given: dict[str, Any]) -> str:
    """The command that gives the same answer."""
    words = ["hallbench", "plan", *([name] if given["log"] is None else ["--from", str(given["log"])])]
    for option in ("columns", "cluster"):
        if given[option]:
            words += [f"--{option}", given[option]]
    if given["replay"]:
        words.append("--replay")
    if given["counters"]:
        words += ["--counters", _spelled(given["counters"])]
    if given["goal"] is not None:
        words += ["--goal", given["goal"].text]
    for option, default in (
        ("days", None),
        ("precision", 0.05),
        ("within", 15.0),
        ("seed", 1),
        ("most_days", 1000),
        ("with_devices", None),
    ):
        if given[option] != default:
            words += [f"--{option.replace('_', '-')}", f"{given[option]:g}"]
    for flag in ("ideal_devices", "by_half_hour"):
        if given[flag]:
            words.append(f"--{flag.replace('_', '-')}")
    return shlex.join(words)


def _spelled(numbers: tuple[int, ...]) -> str:
    whole = numbers == tuple(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 1
    return f"{numbers[0]}..{numbers[-1]}" if whole else ",".join(map(str, numbers))


def _print(told: dict[str, Any]) -> None:
    from bench.reports import plan_report

    console.out(printable(plan_report.sentence(told)))
    console.out()
    level = "wait_p90"
    rows = [
        (
            f"{row['counters']}{' *' if row['as_it_is'] else ''}",
            _with(row, "wait_mean", minutes),
            _with(row, level, minutes),
            _with(row, "within", share),
            _with(row, "overtime_mean", minutes),
            _with(row, "utilisation", share),
            _with(row, "unserved", _number),
            f"{row['days']:,}",
        )
        for row in told["designs"]
    ]
    within = f"within {told['designs'][0]['within_minutes']:g} min"
    headers = (
        "counters",
        "mean wait, min",
        "p90 wait, min",
        within,
        "overtime, min",
        "utilisation",
        "unserved",
        "days",
    )
    for line in console.table(rows, headers=headers, right=(7,)):
        console.out(f"  {line}")
    console.out()
    console.out("  means over days with 95 % intervals; * the hall as it is")
    ratios = [row["variance_ratio"] for row in told["differences"] if row["variance_ratio"]]
    if ratios:
        saved = f"{min(ratios):.1f} to {max(ratios):.1f} times less variance"
        console.out(f"  all designs see the same days: their differences have {saved}")
    console.out(f"  {count(told['days'], 'day')}, seed {told['seed']}: {told['why']}; devices: {told['devices']}")
    for row in told["designs"]:
        _print_people(row)
    if "staffing" in told:
        for line in plan_report.staffing_lines(told["staffing"]):
            console.out(f"  {line}")
    for remark in told["remarks"]:
        console.out(f"  note: {printable(remark)}")


def _print_people(row: dict[str, Any]) -> None:
    """Who left and how classes waited, of one design."""
    at = f"{row['counters']} counters"
    if row["left"]:
        parts = [
            f"{printable(left['why'])} {share(left['share'])}" for left in row["left"] if left["share"] is not None
        ]
        console.out(f"  {at}: {', '.join(parts)} of all who wanted something")
    kept = row["appointments"]
    if kept is not None:
        told = f"{kept['booked']:.1f} booked a day, {kept['missed']:.1f} missed, {kept['late']:.1f} lost by coming late"
        console.out(f"  {at}: appointments: {told}; those kept wait {_with(kept, 'wait_mean', minutes)} min on average")
    for found in row["classes"]:
        if found["wait_mean"] is not None:
            mean, high = minutes(found["wait_mean"]), minutes(found["wait_p90"])
            told = f"mean wait {mean} min, p90 {high} min, {found['left']:.1f} a day left unserved"
            console.out(f"  {at}, {printable(found['name'])}: {told}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _with(row: dict[str, Any], name: str, tell: Any) -> str:
    from bench.reports.plan_report import interval

    return interval(row, name, tell).replace(" %,", ",")
