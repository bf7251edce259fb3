"""`hallbench press`: a key of a device of the running bench goes down; `--do` is for all that hands can do besides."""

from __future__ import annotations

from typing import Any

import click

from bench.cli import console
from bench.cli.bench_option import ask, bench_option
from bench.cli.console import Failure
from bench.cli.exit_codes import ExitCode
from bench.cli.numbers import Number
from bench.control.client import device_path
from bench.reports.wording import printable


def _number(word: str | None) -> int | str | None:
    return int(word) if word and word.isascii() and word.isdigit() and len(word) < 9 else word


@click.command
@click.argument("device")
@click.argument("key", required=False)
@click.option("--held", type=Number(0, 600), default=0.0, help="Hold the key for so many seconds.")
@click.option(
    "--do", "action", default="press", metavar="ACTION", help="Another action: unplug, plug_in, open_cover ..."
)
@click.option("--clerk", type=click.IntRange(0, 65535), help="For --do log_in: the clerk's code.")
@click.option("--metres", type=Number(0, 1000), help="For --do load_paper: length of the roll.")
@click.option("--on/--off", default=None, help="For --do tamper (case open) and --do supply (low).")
@click.option(
    "--arg", "args", multiple=True, metavar="VALUE", help="For --do of a declared device: an argument of its action."
)
@bench_option
@click.option("--json", "as_json", is_flag=True, help="Print what happened as JSON.")
def command(
    device: str,
    key: str | None,
    held: float,
    action: str,
    clerk: int | None,
    metres: float | None,
    on: bool | None,
    args: tuple[str, ...],
    which: str,
    as_json: bool,
) -> None:
    """Press KEY on DEVICE of the running bench, as a person does.

    \b
        hallbench press keypad-3 5
        hallbench press keypad-3 --do log_in --clerk 3
        hallbench press printer-1 --do open_cover
        hallbench press osdp-1 --do tamper --on
        hallbench press k5-1 --do set_clerk --arg 3

    `hallbench show DEVICE --json` lists under `actions` what can be done to it.
    """  # noqa: D301  # click wants the character itself
    if action == "press" and key is None:
        raise click.UsageError("which KEY? hallbench press keypad-1 5")
    body: dict[str, Any] = {
        "key": _number(key),
        "held_s": held or None,
        "clerk": clerk,
        "metres": metres,
        "on": on,
        "args": [_number(value) for value in args] or None,
    }
    with ask(which) as client:
        path = device_path(device, action)
        told = client.post(path, {name: value for name, value in body.items() if value is not None})
    if as_json:
        console.emit_json(told)
    else:
        console.out(printable(f"{told['time']}  {told['device']}: {told['action']}{f' {key}' if key else ''}"))
    if told["ignored"] is not None:
        raise Failure(f"{printable(device)} took no notice: {printable(told['ignored'])}", ExitCode.INCONCLUSIVE)
