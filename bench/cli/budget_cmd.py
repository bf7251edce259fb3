"""`hallbench budget`: what each line of a hall can carry, by arithmetic."""

from __future__ import annotations

from typing import Any

import click

from bench.cli import console
from bench.cli.exit_codes import ExitCode
from bench.cli.numbers import Number
from bench.reports.wording import duration, printable, share


@click.command()
@click.argument("scenario", default="tan_hoi")
@click.option(
    "--reach",
    type=Number(0.001, 3600),
    metavar="SECONDS",
    help="The most keypads a line takes when each rating has to be read within so long.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, scenario: str, reach: float | None, as_json: bool) -> None:
    """Poll cycle, time to reach a rating, queue depth against the peak and loss risk of each line."""
    from bench.daytime import clock_text
    from bench.planning.designs import busiest
    from bench.planning.lines import budget, most_keypads
    from bench.scenario.load import load

    hall = load(scenario)
    lines = budget(hall)
    most = {line.name: most_keypads(line, reach) for line in lines} if reach is not None else {}
    start, arrivals = busiest(hall)
    if as_json:
        console.emit_json(
            {
                "scenario": hall.name,
                "sha256": hall.sha256,
                "peak": {"start": start, "arrivals_per_half_hour": arrivals},
                "lines": [
                    line.to_json() | ({"most_keypads": most[line.name]} if reach is not None else {}) for line in lines
                ],
            }
        )
        ctx.exit(ExitCode.GOOD)
    console.out(f"{hall.name}: {printable(hall.title)}")
    console.out(
        f"busiest half-hour from {clock_text(start)}: {arrivals:.1f} arrivals, {hall.rating_share:.0%} of them rate\n"
    )
    rows = [
        (
            line.name,
            line.settings,
            line.polled or "-",
            duration(line.poll_s),
            duration(line.sweep_s),
            duration(line.cycle_s),
            share(line.load),
        )
        for line in lines
    ]
    headers = ("line", "settings", "polled", "a poll", "all of them", "cycle", "in use")
    for text in console.table(rows, headers=headers, right=(2,)):
        console.out(f"  {text}")
    for line in lines:
        for text in _told(line):
            console.out(text)
        if most.get(line.name) is not None:
            console.out(
                f"    read within {duration(reach)} at worst, polled back to back: at most {most[line.name]} keypads; "
                f"it has {line.keypads}"
            )
    ctx.exit(ExitCode.GOOD)


def _told(line: Any) -> list[str]:
    """The sentences under the table for one line."""
    told = []
    if line.keypads and line.reach_mean_s is not None:
        told.append(
            f"a rating is read {duration(line.reach_mean_s)} after the press on average, "
            f"{duration(line.reach_worst_s)} at worst"
        )
    if line.keypads and line.depth:
        told.append(
            f"at the peak {line.peak_per_hour:.1f} ratings an hour at each of {line.keypads} keypads; a keypad keeps "
            f"{line.depth}"
            + (f": full after {duration(line.fills_h * 3600)} without a poll" if line.fills_h is not None else "")
        )
    if line.loss_risk is not None:
        risk = f"{line.loss_risk:.0e}" if line.loss_risk >= 1e-15 else "below 1e-15"
        told.append(f"risk that a queue overflows within one cycle: {risk}")
    if line.sweep_s is not None and line.load >= 1:
        told.append("the line is saturated: devices are asked less often than the scenario wants")
    if line.remark:
        told.append(line.remark)
    return [f"\n  {line.name}", *(f"    {text}" for text in told)] if told else []
