"""`hallbench clock`: what time it is in the running bench, and how it passes."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from bench.cli import console
from bench.cli.bench_option import ask, bench_option
from bench.reports.wording import printable

_UNITS: Final = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


@click.command
@click.argument("order", required=False, type=click.Choice(["pause", "resume", "step", "speed"]))
@click.argument("value", required=False)
@bench_option
@click.option("--json", "as_json", is_flag=True, help="Print the clock as JSON.")
def command(order: str | None, value: str | None, which: str, as_json: bool) -> None:
    """Show the clock of the running bench, or steer it.

    \b
        hallbench clock
        hallbench clock pause
        hallbench clock step 10s      while it stands
        hallbench clock speed 60      seconds of the hall in a real one
        hallbench clock resume
    """  # noqa: D301  # click wants the character itself
    body: dict[str, Any] = {"do": order}
    if order in ("step", "speed"):
        if value is None:
            raise click.UsageError(f"how much? hallbench clock {order} {'10s' if order == 'step' else '60'}")
        body["seconds" if order == "step" else "factor"] = _number(value, order)
    elif value is not None:
        raise click.UsageError(f"{order} takes no value")
    with ask(which) as client:
        told = client.post("/v1/clock", body) if order else client.get("/v1/clock")
    if as_json:
        console.emit_json(told)
        return
    how = f"at {told['speed']:g}x" if told["running"] else "stands"
    console.out(printable(f"{told['date']} {told['time']}  {how}"))
    if told["distortion"] and order == "speed":
        console.say(printable(told["distortion"]))


def _number(text: str, order: str) -> float:
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*(ms|s|min|m|h|x)?", text.strip())
    unit = (found[2] or "") if found else "?"
    if found is None or (unit == "x") != (order == "speed" and unit != ""):
        example = "10s, 5min, 500ms" if order == "step" else "60 or 60x"
        raise click.BadParameter(f"{printable(text)!r} is none; write {example}")
    return float(found[1]) * (1.0 if order == "speed" else _UNITS[unit])
