"""`hallbench up`: the devices of a hall on real ports, for programs in any language."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from bench.cli import console
from bench.cli.clock_options import CLOCK, at_option, instant, speed_of
from bench.cli.console import Failure
from bench.cli.exit_codes import ExitCode


@click.command
@click.argument("scenario", default="tan_hoi")
@click.option("--clock", type=CLOCK, default="wall", show_default=True, help="Wall time, or so many times faster.")
@click.option(
    "--ports",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("ports"),
    show_default=True,
    help="Folder in which each line gets a device file of its name.",
)
@click.option("--only", multiple=True, metavar="LINE", help="Put this line on a port, and no other (repeatable).")
@click.option("--all", "everything", is_flag=True, help="Put every line on a port: the house controller runs none.")
@click.option(
    "--serve",
    multiple=True,
    metavar="LINE=KIND[:NUMBER]",
    help="Serve a line as pty, tcp (raw), rfc2217 or modbus-tcp, on this TCP port.",
)
@click.option("--listen", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where TCP ports listen.")
@at_option("Start in the middle of the day: up to then it runs in simulated time.")
@click.option("--people/--no-people", default=True, help="Visitors and clerks use the devices.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0), help="Which day is drawn.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Keep the evidence in this directory.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON when every port is ready.")
def command(
    scenario: str,
    clock: str,
    folder: Path,
    only: tuple[str, ...],
    everything: bool,
    serve: tuple[str, ...],
    listen: str,
    at: str | None,
    people: bool,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Put the devices of SCENARIO on real ports until interrupted.

    The lines that the scenario gives to the program under test appear as device files in a folder; the house controller
    runs the others, so the hall lives. Open a port with any program in any language, at 9600 8N1 or whatever the table
    says.
    """
    from bench.controller.rows import StoreFailed
    from bench.hall.day import draw
    from bench.judge.history import HistoryFailed
    from bench.ports.wall_port import PortUnavailable
    from bench.run.directory import CannotWrite
    from bench.run.live import BadPortSpec, parse_serve
    from bench.run.up import NothingToServe, UpOptions, run_up
    from bench.scenario.load import load

    loaded = load(scenario)
    names = [line.name for line in loaded.lines]
    for line in only:
        if line not in names:
            raise click.BadParameter(f"--only {line}: there is no such line; there are: {', '.join(names)}")
    try:
        specs = parse_serve(serve, names)
        lines = tuple(names) if everything else only
        options = UpOptions(
            loaded,
            draw(loaded, seed),
            folder,
            lines=lines,
            ports=tuple(specs.values()),
            speed=speed_of(clock),
            at=None if at is None else instant(at, loaded.start, loaded.horizon),
            people=people,
            listen=listen,
            out=out,
            given=scenario,
        )
        told = run_up(options, lambda facts: _ready(facts, as_json))
    except (NothingToServe, BadPortSpec) as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    except CannotWrite as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    except (HistoryFailed, StoreFailed) as exc:
        raise Failure(str(exc), ExitCode.INCONCLUSIVE) from exc
    except PortUnavailable as exc:
        raise Failure(str(exc), ExitCode.NO_PORT) from exc
    if not as_json:
        _ended(told)


def _ready(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        console.emit_json(facts, one_line=True)
        sys.stdout.flush()
        return
    rows = [
        (port["line"], port["path"] or port["url"], f"{port['baud']} {port['format']}", _devices(port["devices"]))
        for port in facts["ports"]
    ]
    for line in console.table(rows, headers=("line", "port", "settings", "devices")):
        console.out(line)
    from bench.clock.wall import distortion

    if facts["clock"] != "wall":
        console.out("\n" + distortion(speed_of(facts["clock"])))
    console.out("\nReady. Ctrl-C ends it.")
    sys.stdout.flush()


def _devices(devices: list[dict[str, Any]]) -> str:
    texts = [f"{d['name']}" + (f" (unit {d['unit']})" if d["unit"] is not None else "") for d in devices]
    shown = texts if len(texts) <= 4 else [*texts[:3], f"and {len(texts) - 3} more"]
    return ", ".join(shown)


def _ended(told: dict[str, Any]) -> None:
    frames = told["timing"]["frames"]
    console.out("")
    for port in told["ports"]:
        console.out(
            f"  {port['line']}: opened {port['opened']} times, {port['received']} characters in, "
            f"{port['delivered']} out, {port['overruns']} lost"
        )
    if frames.get("count"):
        console.out(
            f"  lateness of {frames['count']} frames: p50 {frames['p50_ms']} ms, p99 {frames['p99_ms']} ms, "
            f"max {frames['max_ms']} ms"
        )
