"""`hallbench replay`: a stored failure or a run directory once more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli import console
from bench.cli.console import Failure, out
from bench.cli.exit_codes import ExitCode
from bench.reports.wording import printable

_CODES = {"FIXED": ExitCode.GOOD, "STILL FAILS": ExitCode.BAD, "UNDECIDED": ExitCode.INCONCLUSIVE}
_COLOUR = {"FIXED": "green", "STILL FAILS": "red", "UNDECIDED": "yellow"}


@click.command("replay", short_help="Play a stored failure or a run again: fixed, or the same?")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.argument("collector", nargs=-1, type=click.UNPROCESSED)
@click.option("--all", "folder", type=click.Path(path_type=Path), help="Play every failure stored in this folder.")
@click.option("--patience", default=10.0, show_default=True, metavar="SECONDS", help="Computing so long is hanging.")
@click.option("--json", "as_json", is_flag=True, help="Print what came out as one JSON object.")
@click.pass_context
def command(
    ctx: click.Context,
    path: Path | None,
    collector: tuple[str, ...],
    folder: Path | None,
    patience: float,
    as_json: bool,
) -> None:
    """Play PATH again: a failure that `hallbench hunt` stored, or the run directory of a day.

    A failure is FIXED (exit code 0) or STILL FAILS (1); with `-- COLLECTOR ...` another program is tried with it. A run
    is identical (0), or differs at a record (1), which is then shown as it was and as it is.
    """
    if not patience > 0:
        raise click.BadParameter("--patience is more than 0 seconds")
    if folder is not None:
        words = (*((str(path),) if path is not None else ()), *collector)
        ctx.exit(_all(folder, words, patience, as_json))
    if path is None:
        raise click.UsageError("name a failure or a run directory, or --all FOLDER")
    if (path / "failure.json").is_file():
        told = _failure(path, collector, patience)
        if as_json:
            console.emit_json(told)
        else:
            _print_failure(told)
        ctx.exit(_CODES[told["result"]])
    if collector:
        raise Failure(f"{path} is no stored failure: only that can be tried with another program", ExitCode.USAGE)
    ctx.exit(_run(path, as_json))


def _failure(path: Path, collector: tuple[str, ...], patience: float) -> dict[str, Any]:
    from bench.cli.hunt_cmd import check_command
    from bench.hunt.again import play_failure
    from bench.hunt.failure import BadFailure, load_failure
    from bench.hunt.subject import CannotHunt
    from bench.scenario.load import ScenarioError

    console.needs_unix("replaying a stored failure", "a run directory can be replayed here")
    try:
        failure = load_failure(path)
        from bench.hunt.failure import job_of

        words = collector or failure.command
        job = job_of(failure, words, str(Path.cwd()), patience)
        check_command(words, job.clock, dict.fromkeys(job.subject.lines, ""))
        played = play_failure(failure, words, str(Path.cwd()), patience)
    except (BadFailure, CannotHunt, ScenarioError) as exc:
        raise Failure(str(exc), ExitCode.INVALID_FILE) from exc
    return {
        "path": str(path),
        "result": played.word,
        "invariant": failure.invariant,
        "why": played.why,
        "story": list(played.outcome.stories.get(failure.invariant, ())),
        "same_history": played.outcome.sha256 == failure.facts.get("history_sha256"),
    }


def _print_failure(told: dict[str, Any]) -> None:
    word = click.style(told["result"], fg=_COLOUR[told["result"]], bold=True)
    out(f"{word}: {told['invariant']}: {printable(told['why'], keep=' ')}")
    for line in "\n".join(told["story"][:1]).splitlines():
        out(f"  {printable(line)}")


def _all(folder: Path, collector: tuple[str, ...], patience: float, as_json: bool) -> ExitCode:
    paths = sorted(path.parent for path in folder.glob("*/failure.json")) if folder.is_dir() else []
    if not paths:
        raise Failure(f"{folder}: no failure is stored there", ExitCode.INCONCLUSIVE)
    results = []
    for path in paths:
        told = _failure(path, collector, patience)
        results.append(told)
        if not as_json:
            word = click.style(told["result"], fg=_COLOUR[told["result"]], bold=True)
            out(f"{word}  {printable(str(path))}: {told['invariant']}")
    codes = {_CODES[told["result"]] for told in results}
    if as_json:
        console.emit_json({"failures": results})
    else:
        still = sum(told["result"] == "STILL FAILS" for told in results)
        out(f"{len(results)} failures played, {still} still fail")
    return next((code for code in (ExitCode.BAD, ExitCode.INCONCLUSIVE) if code in codes), ExitCode.GOOD)


def _run(path: Path, as_json: bool) -> ExitCode:
    from bench.clock.kernel import BenchFailure
    from bench.hunt.again import CannotReplay, rerun
    from bench.run.options import NothingToTest
    from bench.run.placeholders import UnknownPlaceholder
    from bench.scenario.load import ScenarioError

    try:
        with console.Progress(f"hallbench replay {path.name}") as progress, console.results_apart():
            done = rerun(path, progress.update)
    except (CannotReplay, ScenarioError) as exc:
        raise Failure(str(exc), ExitCode.INVALID_FILE) from exc
    except (NothingToTest, UnknownPlaceholder) as exc:
        raise Failure(str(exc), ExitCode.USAGE) from exc
    except BenchFailure as exc:
        raise (exc.__cause__ or exc) from exc
    found = done.difference
    if as_json:
        console.emit_json(
            {
                "path": str(path),
                "result": "identical" if found is None else "differs",
                "records": done.records,
                "sentence": done.sentence,
                "difference": None if found is None else found._asdict(),
            }
        )
    elif found is None:
        out(f"{click.style('identical', fg='green', bold=True)}: all {done.records} records are the same")
    else:
        out(f"{click.style('differs', fg='red', bold=True)} at record {found.number} of {found.file}")
        out(f"  before  {printable(found.before) or '(there was none)'}")
        out(f"  now     {printable(found.now) or '(there is none)'}")
    return ExitCode.GOOD if found is None else ExitCode.BAD
