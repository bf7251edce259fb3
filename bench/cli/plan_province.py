"""`hallbench plan PROVINCE`: every hall as it is, their sum, and the halls in which people wait longest."""

from __future__ import annotations

import shlex
from typing import Any

import click

from bench.cli import console
from bench.cli.console import Failure
from bench.cli.exit_codes import ExitCode
from bench.reports.wording import count, minutes, printable, share

_FOR_HALLS = ("counters", "by_half_hour", "with_devices", "ideal_devices", "replay")


def run(name: str, given: dict[str, Any]) -> ExitCode:
    """Plan a province with the options of `hallbench plan`; those that are for one hall are refused."""
    from bench.planning.cluster import ClusterError, days_by
    from bench.planning.outcome import EngineError, engine_named
    from bench.planning.province_plan import DAYS, plan_province
    from bench.reports import plan_report, province_report
    from bench.run.directory import CannotWrite
    from bench.scenario.province import load_province

    for option in _FOR_HALLS:
        if given[option]:
            raise click.UsageError(f"--{option.replace('_', '-')} is for one hall, and {name} is a province")
    if given["workers"] > 1:
        raise click.UsageError("a province is planned hall by hall in one process; --cluster makes its days by several")
    province = load_province(name)
    days = given["days"] or DAYS
    try:
        plan_report.check(given["out"])
    except CannotWrite as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    try:
        engine_named(given["engine"])
        with console.Progress(f"hallbench plan {province.name}") as progress:
            told = plan_province(
                province,
                seed=given["seed"],
                days=days,
                within_minutes=given["within"],
                engine=given["engine"],
                source=days_by(given["cluster"]) if given["cluster"] else None,
                goal=given["goal"],
                progress=progress.update,
            )
    except (EngineError, ClusterError) as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    told["command"] = _again(name, given, days)
    if not told["halls"]:
        console.say("hallbench: interrupted before one hall was done: nothing to tell")
        return ExitCode.INTERRUPTED
    try:
        where = province_report.write(given["out"], told)
    except CannotWrite as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    if given["as_json"]:
        console.emit_json(told)
    else:
        _print(told)
        console.out(f"\n  report  {printable(str(where))}")
    if told["why"] == "interrupted":
        return ExitCode.INTERRUPTED
    answer = told["goal"]["answer"] if given["goal"] is not None else "met"
    return {"met": ExitCode.GOOD, "not met": ExitCode.BAD, "open": ExitCode.INCONCLUSIVE}[answer]


def _again(name: str, given: dict[str, Any], days: int) -> str:
    """The command that gives the same answer."""
    words = ["hallbench", "plan", name, "--days", str(days)]
    if given["goal"] is not None:
        words += ["--goal", given["goal"].text]
    for option, default in (("within", 15.0), ("seed", 1), ("cluster", None)):
        if given[option] != default:
            words += [f"--{option}", str(given[option])]
    return shlex.join(words)


def _print(told: dict[str, Any]) -> None:
    whole = told["sum"]
    console.out(printable(told["title"]))
    console.out(
        f"\n  {count(whole['halls'], 'hall')}, {told['days']} days each: "
        f"{whole['visitors']:,.0f} visitors a day with a ticket, {whole['staffed_hours']:,.0f} staffed counter hours"
    )
    for level in (50, 90):
        low, high = whole[f"wait_p{level}_ci"]
        told_as = minutes(whole[f"wait_p{level}"])
        console.out(f"  p{level} of all waits {told_as} min [{minutes(low)}, {minutes(high)}]")
    within = told["within_minutes"]
    console.out(
        f"  in {count(told['late'], 'hall')} one in ten waits more than {within:g} min; where people wait longest:\n"
    )
    by_name = {row["name"]: row for row in told["halls"]}
    rows = [
        (
            row["name"],
            f"{row['visitors']:.0f}",
            minutes(row["wait_mean"]),
            minutes(row["wait_p90"]),
            share(row["within"]),
        )
        for row in (by_name[name] for name in told["worst"])
        if row["wait_mean"] is not None
    ]
    headers = ("hall", "visitors", "mean wait, min", "p90 wait, min", f"within {within:g} min")
    for line in console.table(rows, headers=headers, right=(1, 2, 3, 4)):
        console.out(f"  {line}")
    goal = told.get("goal")
    if goal is not None:
        halls = goal["halls"]
        console.out(
            f"\n  {printable(goal['text'])}: {goal['answer'].upper()}: met in {count(halls['met'], 'hall')}, not in "
            f"{halls['not met']}, not decided in {halls['open']}"
        )
        for row in goal["needed"]:
            needed = f"{row['needed']} would meet it" if row["needed"] else f"not met: {printable(row['why'])}"
            console.out(f"  {printable(row['name'])}: {row['counters']} counters, {needed}")
    console.out("\n  means over days; every hall as it is, with days of its own")
