"""`hallbench up`: the devices of a hall on real ports, for programs in any language."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from bench.cli import console
from bench.cli.clock_options import CLOCK, at_option, instant, listen_option, speed_of
from bench.cli.console import Failure
from bench.cli.exit_codes import ExitCode
from bench.reports.wording import count, printable

if TYPE_CHECKING:
    from bench.run.up import UpOptions
    from bench.scenario.model import Scenario


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
@listen_option
@at_option("Start in the middle of the day: up to then it runs in simulated time.")
@click.option("--people/--no-people", default=True, help="Visitors and clerks use the devices.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0), help="Which day is drawn.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Keep the evidence in this directory.")
@click.option("--name", default="", metavar="NAME", help="Name for this bench; the scenario's when not given.")
@click.option("--control/--no-control", default=True, help="Offer the control API (docs/control.md).")
@click.option(
    "--control-port", default=0, type=click.IntRange(0, 65535), help="TCP port of the control API; 0: a free one."
)
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
    name: str,
    control: bool,
    control_port: int,
    as_json: bool,
) -> None:
    """Put the devices of SCENARIO, or of all halls of a province, on real ports until interrupted.

    The lines that the scenario gives to the program under test appear as device files in a folder; the house controller
    runs the others, so the hall lives. Open a port with any program in any language, at 9600 8N1 or whatever the table
    says.
    """
    from bench.control.errors import ControlUnavailable
    from bench.controller.rows import StoreFailed
    from bench.judge.history import HistoryFailed
    from bench.ports.wall_port import PortUnavailable
    from bench.run.directory import CannotWrite
    from bench.run.live import BadPortSpec
    from bench.run.up import NothingToServe, run_province_up, run_up
    from bench.scenario.load import load
    from bench.scenario.province import is_province, load_province

    asked = SimpleNamespace(
        clock=clock, only=only, everything=everything, serve=serve, listen=listen, at=at, people=people, control=control
    )
    try:
        if is_province(scenario):
            if control_port:
                raise click.BadParameter("--control-port is for one hall: those of a province take free ports")
            if name:
                raise click.BadParameter("--name is for one hall: those of a province have names of their own")
            province = load_province(scenario)
            halls = [
                (
                    hall.name,
                    _options(hall.scenario, seed_of, hall.given, asked, folder / hall.name, _below(out, hall.name)),
                )
                for hall, seed_of in province.seeds(seed)
            ]
            for hall_name, options in halls:
                options.name = hall_name
            for told in run_province_up(halls, lambda facts: _halls_ready(province.name, facts, as_json)):
                if not as_json:
                    _ended(told)
            return
        options = _options(load(scenario), seed, scenario, asked, folder, out)
        options.name, options.control_port = printable(name)[:64], control_port
        told = run_up(options, lambda facts: _ready(facts, as_json))
    except ControlUnavailable as exc:
        raise Failure(str(exc), ExitCode.NO_PORT, "--no-control serves the ports without it") from exc
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


def _below(out: Path | None, name: str) -> Path | None:
    return None if out is None else out / name


def _options(
    scenario: Scenario, seed: int, given: str, asked: SimpleNamespace, folder: Path, out: Path | None
) -> UpOptions:
    """What one hall serves."""
    from bench.hall.day import draw
    from bench.run.live import parse_serve
    from bench.run.up import UpOptions

    names = [line.name for line in scenario.lines]
    for line in asked.only:
        if line not in names:
            raise click.BadParameter(f"--only {line}: there is no such line; there are: {', '.join(names)}")
    return UpOptions(
        scenario,
        draw(scenario, seed),
        folder,
        lines=tuple(names) if asked.everything else asked.only,
        ports=tuple(parse_serve(asked.serve, names).values()),
        speed=speed_of(asked.clock),
        at=None if asked.at is None else instant(asked.at, scenario.start, scenario.horizon),
        people=asked.people,
        listen=asked.listen,
        out=out,
        given=given,
        control=asked.control,
    )


def _halls_ready(name: str, halls: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        console.emit_json({"province": name, "clock": halls[0]["clock"], "halls": halls}, one_line=True)
        sys.stdout.flush()
        return
    rows = [
        (hall["hall"], port["line"], port["path"] or port["url"], f"{port['baud']} {port['format']}")
        for hall in halls
        for port in hall["ports"]
    ]
    for line in console.table(rows, headers=("hall", "line", "port", "settings")):
        console.out(line)
    if halls[0]["control"]:
        first = halls[0]["hall"]
        console.out(f"\nControl of each: hallbench view --bench {first}  (press, fault, show, clock take it too)")
    console.out("\nReady. Ctrl-C ends it.")
    sys.stdout.flush()


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
    if facts["control"]:
        console.out(f"\nControl: {facts['control']}  (hallbench view, press, fault, show, clock)")
    console.out("\nReady. Ctrl-C ends it.")
    sys.stdout.flush()


def _devices(devices: list[dict[str, Any]]) -> str:
    texts = [f"{d['name']}" + (f" (unit {d['unit']})" if d["unit"] is not None else "") for d in devices]
    shown = texts if len(texts) <= 4 else [*texts[:3], f"and {len(texts) - 3} more"]
    return ", ".join(shown)


def _ended(told: dict[str, Any]) -> None:
    frames = told["timing"]["frames"]
    console.out(f"\n{told['hall']}" if "hall" in told else "")
    for port in told["ports"]:
        console.out(
            f"  {port['line']}: opened {count(port['opened'], 'time')}, {port['received']} characters in, "
            f"{port['delivered']} out, {port['overruns']} lost"
        )
    if frames.get("count"):
        console.out(
            f"  lateness of {frames['count']} frames: p50 {frames['p50_ms']} ms, p99 {frames['p99_ms']} ms, "
            f"max {frames['max_ms']} ms"
        )
