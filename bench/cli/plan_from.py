"""`hallbench plan --from tickets.csv`: the hall of a log, what was fitted and what is wrong with the log, as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.cli import console
from bench.cli.console import Failure
from bench.cli.exit_codes import ExitCode
from bench.reports.wording import count, printable

if TYPE_CHECKING:
    from bench.scenario.model import Scenario

BIGGEST = 400_000_000
"""Bytes of a log: more than any hall writes in years."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log that has become a hall.

    Attributes:
        scenario: the fitted hall.
        text: its scenario file.
        fit: what was fitted, and the log's problems (JSON-able); `replay` beside it when asked for.
        tried: numbers of counters to try.
        remarks: what a reader of the plan should know of the log.
    """

    scenario: Scenario
    text: str
    fit: dict[str, Any]
    tried: tuple[int, ...]
    remarks: tuple[str, ...]


def read(given: dict[str, Any]) -> Log:
    """Read and fit the log that the options name.

    Raises:
        Failure: it cannot be read (exit code 3), or the options do not fit it (2).
    """
    from bench.planning import fit, fitted_hall, ticket_table
    from bench.planning.outcome import EngineError, engine_named
    from bench.scenario.load import parse
    from bench.scenario.problems import ScenarioError

    path = given["log"]
    try:
        mapping = ticket_table.mapping(given["columns"])
    except ticket_table.TableError as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    try:
        if path.stat().st_size > BIGGEST:
            raise Failure(f"{path} is larger than {BIGGEST:,} bytes: plan from some of its days", ExitCode.INVALID_FILE)
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise Failure(f"{path} is not UTF-8 (byte {exc.start}); save it as CSV UTF-8", ExitCode.INVALID_FILE) from exc
    except OSError as exc:
        raise Failure(f"cannot read {path}: {exc.strerror or exc}", ExitCode.INVALID_FILE) from exc
    try:
        table = ticket_table.read(text, mapping)
        found = fit.fit(table)
        kinds = [service.kind for service in found.services]
        named = any(row.counter for row in table.rows)
        number = given["counters"][0] if given["counters"] else None
        counters = fitted_hall.counters_of(table, kinds, number)
        written = fitted_hall.scenario_text(found, counters, f"fitted to {path.name}")
        scenario = parse(written.encode(), f"{path.stem}.toml", lambda _: b"")
        told = fit.to_json(found, table)
        if given["replay"]:
            told["replay"] = fitted_hall.replay(table, scenario, engine_named(given["engine"]))
    except ticket_table.TableError as exc:
        raise Failure(f"{path}: {exc}", ExitCode.INVALID_FILE) from exc
    except EngineError as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    except ScenarioError as exc:
        raise Failure(f"{path}: the fitted hall is no valid scenario: {exc}", ExitCode.INVALID_FILE) from exc
    if named:
        told["counters"] = "from the log"
    return Log(scenario, written, told, given["counters"], tuple(_remarks(told, named=named)))


def _remarks(told: dict[str, Any], *, named: bool) -> list[str]:
    remarks = [
        f"the log: {count(problem['number'], 'ticket')}: {problem['what']} "
        f"(line {', '.join(map(str, problem['lines']))}{' ...' if problem['number'] > len(problem['lines']) else ''}); "
        f"{problem['told']}"
        for problem in told["problems"]
    ]
    if told["days"] < 5:
        remarks.append(
            f"the log has {count(told['days'], 'day')}: how days differ is hardly known from so few, and the intervals "
            "speak of days like these"
        )
    if told["dispersion"] is not None and told["dispersion"] > 1.5:
        remarks.append(
            f"arrivals within half-hours vary {told['dispersion']:.1f} times as much as Poisson's: people come in "
            "groups, or days differ in shape; waits of a plan are too short"
        )
    badly = [s["kind"] for s in told["services"] if s["distance"] > 0.1 and s["fitted"] >= 50]
    if badly:
        remarks.append(f"the services of {', '.join(badly[:5])} are not lognormal (distance above 0.1)")
    pooled = [s["kind"] for s in told["services"] if s["pooled"]]
    if pooled:
        remarks.append(f"too few services of {', '.join(pooled[:8])}: those of all classes stand for theirs")
    if told["patience"]:
        wait, share = told["patience"][-1]
        remarks.append(
            f"visitors left: after {wait:.0f} min {share:.0%} would still wait (Kaplan-Meier); the plan plays "
            "everybody as patient"
        )
    if not named:
        remarks.append("the log names no counters: all of them serve everything here")
    return [*remarks, "breaks and lunch hours of counters are not in a log: the fitted counters call all day"]


def tell(log: Log) -> None:
    """Print what was fitted."""
    told = log.fit
    console.out(
        f"fitted to {count(told['tickets'], 'ticket')} of {count(told['days'], 'day')}: {told['visitors']:.0f} "
        f"visitors a day; the days' busyness varies by {told['busyness_cv']:.0%} beside chance"
    )
    console.out(f"  columns  {printable(', '.join(f'{m}={n}' for m, n in told['columns'].items()))}\n")
    rows = [
        (
            printable(service["kind"]),
            f"{service['share']:.1%}",
            f"{service['fitted']:,}",
            f"{service['median']:.1f}",
            f"{service['p90']:.1f}",
            f"{service['mean']:.1f}",
            f"{service['fitted_mean']:.1f}",
            f"{service['distance']:.3f}",
        )
        for service in told["services"]
    ]
    headers = ("class", "share", "services", "median, min", "p90, min", "mean, min", "fitted mean", "distance")
    for line in console.table(rows, headers=headers, right=(1, 2, 3, 4, 5, 6, 7)):
        console.out(f"  {line}")
    apart = max((abs(slot["fitted"] - slot["observed"]) for slot in told["half_hours"]), default=0.0)
    console.out(f"\n  arrivals by half-hour: fitted within {apart:.2f} tickets of the mean day")
    if "replay" in told:
        replay = told["replay"]
        pairs = (f"{n} {replay['recorded'][n]:.1f} / {replay['replayed'][n]:.1f}" for n in ("mean", "p50", "p90"))
        console.out(
            f"  the log replayed: {replay['tickets']:,} waits on {count(replay['days'], 'day')}, minutes recorded and "
            f"replayed: {', '.join(pairs)}; ticket by ticket {replay['absolute']:.1f} apart"
        )
    console.out()
