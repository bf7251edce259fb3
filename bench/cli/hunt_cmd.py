"""`hallbench hunt`: search what breaks a collector, shrink the first failure, keep it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from bench.cli import console
from bench.cli.console import Failure, out, say
from bench.cli.exit_codes import ExitCode
from bench.cli.numbers import Number
from bench.reports.wording import count, printable


@click.command("hunt", short_help="Search what breaks a collector; shrink and keep the first failure.")
@click.argument("scenario")
@click.argument("collector", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--runs", type=click.IntRange(min=1), metavar="N", help="At most N short runs.")
@click.option("--seconds", type=Number(min=0, min_open=True), metavar="S", help="No run begins later.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of order, presses and faults.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes [default: the processors].")
@click.option(
    "--clock",
    type=click.Choice(["virtual", "wall"]),
    default="virtual",
    show_default=True,
    help="wall: real ports, for any program; each run takes a minute.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Where failures go [default: failures].")
@click.option("--here", is_flag=True, help="The program works in this directory, not in a fresh one for each run.")
@click.option("--restart", is_flag=True, help="A program that crashes is started again, as a service manager does.")
@click.option("--patience", default=10.0, show_default=True, metavar="SECONDS", help="Computing so long is hanging.")
@click.option("--ignore", "ignored", multiple=True, metavar="INVARIANT", help="Do not search for this one.")
@click.option("--only", multiple=True, metavar="INVARIANT", help="Search for this one alone (and others so named).")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON object.")
@click.pass_context
def command(ctx: click.Context, /, scenario: str, collector: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Search for faults, presses and moments that break a collector: hundreds of short runs cut from SCENARIO.

    \b
    hallbench hunt storm -- python my_collector.py {port:keypads} {records}

    First every fault of the catalogue at every point of an exchange, then drawn mixtures of them. The first violation
    is shrunk to a small scenario and stored; the exit code is then 1. `hallbench replay` plays it again. 0 says that
    nothing was found in so many runs, 5 that nothing was tried. docs/hunt.md tells more.
    A failure gets a report.html in its folder; with --out every hunt does.
    """  # noqa: D301  # click wants the character itself
    from bench.hunt.campaign import Campaign, NeverOpened

    console.needs_unix("hallbench hunt", "hallbench day runs here; see docs/reference/not_emulated.md")
    if not given["patience"] > 0:
        raise click.BadParameter("--patience is more than 0 seconds")
    campaign = Campaign(_asked(scenario, collector, given))
    with console.Progress(f"hallbench hunt {scenario}") as progress:
        campaign.tell = lambda done, of, label: progress.update(
            done / of if of else 0.0, f"run {done}{f' of {of}' if of else ''}  {label}"[:100]
        )
        try:
            campaign.run()
        except NeverOpened as exc:
            raise Failure(str(exc), ExitCode.COLLECTOR_FAILED, _hint(given)) from exc
        except OSError as exc:
            raise Failure(f"the failure could not be stored: {exc}", ExitCode.USAGE) from exc
        except KeyboardInterrupt:
            progress.close()
            _tell(campaign, as_json)
            of = f" of {campaign.most}" if campaign.most else ""
            say(f"hallbench: interrupted after {campaign.done}{of} runs; what stands above was seen up to then")
            ctx.exit(ExitCode.INTERRUPTED)
    _tell(campaign, as_json)
    _report(campaign, wanted=given["out"] is not None, quiet=as_json)
    if campaign.found is not None:
        ctx.exit(ExitCode.BAD)
    ctx.exit(ExitCode.GOOD if campaign.exercised else ExitCode.INCONCLUSIVE)


def _report(campaign: Any, *, wanted: bool, quiet: bool) -> None:
    """Write report.html where the failures are: of a violation, and of any hunt that was given a place."""
    if campaign.found is None and not wanted:
        return
    from bench.reports import hunt_report

    told = {**campaign.to_json(), "ignored": list(campaign.asked.ignored)}
    try:
        path = hunt_report.write(campaign.asked.folder, told)
    except OSError as exc:
        say(f"the report could not be written: {exc}")
        return
    if not quiet:
        out(f"  report    {printable(str(path))}")


def _hint(given: dict[str, Any]) -> str:
    if given["here"]:
        return ""
    return "it worked in an empty directory of its own: name its files by paths, or add --here"


def _asked(scenario: str, collector: tuple[str, ...], given: dict[str, Any]) -> Any:
    from bench.hunt.campaign import Asked
    from bench.hunt.crew import at_most
    from bench.hunt.play import Job
    from bench.hunt.subject import CannotHunt, subject_of
    from bench.scenario.load import ScenarioError

    try:
        subject = subject_of(scenario)
    except ScenarioError as exc:
        raise Failure(str(exc), ExitCode.INVALID_FILE) from exc
    except CannotHunt as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    clock = given["clock"]
    check_command(collector, clock, dict.fromkeys(subject.lines, ""))
    job = Job(
        subject, tuple(collector), str(Path.cwd()), clock, given["here"], given["restart"], float(given["patience"])
    )
    workers = given["workers"] or at_most()
    folder = given["out"] or Path("failures")
    ignored = _ignored(given["ignored"], given["only"])
    return Asked(job, tuple(collector), given["seed"], given["runs"], given["seconds"], workers, folder, ignored)


def _ignored(ignored: tuple[str, ...], only: tuple[str, ...]) -> tuple[str, ...]:
    """The invariants that are not searched for; with `only`, all but these."""
    from bench.hunt.trial import RUNNING
    from bench.judge.invariants import INVARIANTS

    known = [RUNNING, *(invariant.name for invariant in INVARIANTS)]
    for option, names in (("--ignore", ignored), ("--only", only)):
        for name in names:
            if name not in known:
                told = f"{option} {name}: there is no such invariant; there are {', '.join(known)}"
                raise click.BadParameter(told)
    return tuple(name for name in known if name in ignored or (only and name not in only))


def check_command(collector: tuple[str, ...], clock: str, ports: dict[str, str]) -> None:
    """Say at once what is wrong with a command, before hundreds of runs do.

    Raises:
        Failure: it has an unknown placeholder, or is no Python program that can be found.
    """
    from bench.run.collector import NotPython, parse_command
    from bench.run.findable import why_not_runnable
    from bench.run.placeholders import UnknownPlaceholder, fill_placeholders

    try:
        fill_placeholders(collector, ports, "", "")
    except UnknownPlaceholder as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    if clock != "virtual":
        return
    try:
        program = parse_command(collector)
    except NotPython as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    if program.kind == "script" and not Path(program.target).is_file():
        raise Failure(f"there is no script {program.target!r}", ExitCode.USAGE)
    why = why_not_runnable(program.target, Path.cwd()) if program.kind == "module" else ""
    if why:
        raise Failure(f"python -m {program.target}: {why}", ExitCode.USAGE)


# -- telling ------------------------------------------------------------------------------------------------------
def _tell(campaign: Any, as_json: bool) -> None:
    if as_json:
        console.emit_json(campaign.to_json())
        return
    if campaign.found is not None:
        _tell_found(campaign)
    elif campaign.exercised:
        out(
            f"{click.style('NOTHING FOUND', fg='green', bold=True)} in {campaign.done} runs, {campaign.presses} presses"
        )
    else:
        word = console.verdict_word("NOT EXERCISED")
        out(f"{word}: {campaign.done} runs, {campaign.presses} presses, and no fault struck")
    out()
    rows = campaign.sometimes()
    shown = rows if campaign.found is None else [row for row in rows if row[2]]
    for line in sometimes_lines(shown) if shown else ():
        out(line)
    unseen = [row[1] for row in rows if not row[2]] if campaign.found is not None else []
    if unseen:
        out(f"  {len(unseen)} faults and branches were not seen before the search ended (all of them with --json)")
    for name, runs in sorted(campaign.undecided.items()):
        out(f"  {name} could not be decided in {count(runs, 'run')}")
    for name, runs in sorted(campaign.excused.items()):
        out(f"  {name}: {count(runs, 'run')} in which no program could have kept it")
    if campaign.unplayed:
        unplayed = count(len(campaign.unplayed), "run")
        out(f"  {unplayed} could not be played; the first: {printable(campaign.unplayed[0])}")


def _tell_found(campaign: Any) -> None:
    found = campaign.found
    small, first = found.small, found.first
    out(f"{console.verdict_word('VIOLATED')}: {found.invariant}, found in run {found.run}: {printable(first.label)}")
    out(
        f"  shrunk from {count(len(first.faults), 'fault')} and {count(first.presses, 'press', 'presses')} to "
        f"{len(small.faults)} and {small.presses}, on {len(small.devices)} of {count(len(first.devices), 'keypad')}, "
        f"in {count(found.shrinking, 'run')}"
    )
    for line in trial_lines(small):
        out(f"  {line}")
    out()
    for line in "\n".join(found.outcome.stories.get(found.invariant, ())[:1]).splitlines():
        out(f"  {printable(line)}")
    out()
    out(f"  hallbench replay {shlex.quote(printable(str(found.path)))}")


def trial_lines(trial: Any) -> list[str]:
    """A small trial in words: its faults and what people do."""
    lines = []
    for fault in trial.faults:
        asked = ", ".join(f"{key} {value}" for key, value in fault.items() if key != "name")
        lines.append(printable(f"fault  {fault['name']}: {asked}"))
    for act in trial.acts[:8]:
        what = f"key {act.value}" if act.action == "press" else f"clerk {act.value} logs in"
        lines.append(printable(f"{act.at_ms / 1000:5.2f} s {act.device}: {what}"))
    if len(trial.acts) > 8:
        lines.append(f"        ... {len(trial.acts) - 8} more")
    for name, first in trial.sequences.items():
        lines.append(printable(f"{name} begins with sequence number 0x{first:04X}"))
    if trial.late_ms:
        lines.append(f"the program starts {trial.late_ms / 1000:g} s after the devices")
    return lines


def sometimes_lines(rows: list[tuple[str, str, int, str]]) -> list[str]:
    """The table of what was seen how often, zeros first and in red on a terminal."""
    laid_out = console.table(
        [(count, kind, name, printable(remark)[:70]) for kind, name, count, remark in rows],
        headers=("times", "", "what", ""),
        right=(0,),
    )
    head, body = laid_out[:2], laid_out[2:]
    coloured = [click.style(line, fg="red") if not row[2] else line for line, row in zip(body, rows, strict=True)]
    return [f"  {line}" for line in (*head, *coloured)]
