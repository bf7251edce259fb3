"""`hallbench judge RUN_DIR`: the verdict again, from the evidence alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bench.cli.console import Failure, emit_json, out, say, verdict_word
from bench.cli.exit_codes import ExitCode, of_run
from bench.reports.wording import printable

_SHOWN = 3
_LINE_END = "\n"


@click.command("judge", short_help="Judge a run again, from its evidence alone.")
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.option(
    "--records",
    metavar="URL",
    help="Judge the rows of this database (SQLite file or SQLAlchemy URL) instead of those that the run kept.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as one JSON object.")
@click.pass_context
def command(ctx: click.Context, run_dir: Path, records: str | None, as_json: bool) -> None:
    """Judge the run in RUN_DIR again, from its history and the rows that were kept with it.

    Nothing is written. The exit code is that of `hallbench day`: 0 the verdict holds, 1 it is violated, 5 the evidence
    does not decide or nothing was exercised, 6 the collector of the run failed, whatever the verdict; 3 a file is not
    what it should be. A history that is not whole is 5 in any case.
    """
    from bench.judge.evidence import EvidenceError, load_run
    from bench.judge.records import RecordsError, read
    from bench.judge.verdict import judge

    try:
        run = load_run(run_dir)
    except EvidenceError as error:
        raise Failure(str(error), ExitCode.INVALID_FILE) from error
    if records is None:
        verdict = run.judge()
    else:
        try:
            rows = read(records, run.mapping)
        except RecordsError as error:
            raise Failure(str(error), ExitCode.INVALID_FILE) from error
        verdict = judge(run.history, rows)
    told = verdict.to_json()
    if as_json:
        emit_json(told)
    else:
        print_verdict(told)
    failed = run.failure if run.history.complete else ""
    if failed:
        code = int(ExitCode.COLLECTOR_FAILED)
        say(f"the collector of this run {printable(failed)}: exit code {code}, whatever the verdict")
    before = run.judged()
    if records is None and before is not None and before != told:
        say(
            f"this differs from the {run_dir / 'verdict.json'} of the run ({before.get('verdict')}): the evidence was "
            "changed, or another version of hallbench judged it"
        )
    ctx.exit(of_run(verdict.word, collector_failed=bool(failed)))


def print_verdict(told: dict[str, Any], figures: Sequence[str] = ()) -> None:
    """The sentence, the figures, a line for each invariant, the first stories of those that are violated."""
    word, _, rest = str(told["sentence"]).partition(": ")
    out(f"{verdict_word(word)}: {printable(rest, keep=_LINE_END)}")
    out()
    for line in figures:
        out(f"  {line}")
    if figures:
        out()
    width = max(map(len, told["invariants"]), default=0)
    for name, finding in told["invariants"].items():
        counted = f"{finding['violations']} of {finding['checked']}" if finding["violations"] else ""
        counted = counted or (f"{finding['checked']} checked" if finding["checked"] else "")
        remark = " ".join(printable("; ".join(filter(None, (counted, finding["reason"]))), keep=_LINE_END).split())
        out(f"  {name:{width}}  {verdict_word(finding['verdict'])}{'  ' + remark if remark else ''}")
    for name, finding in told["invariants"].items():
        for number, story in enumerate(finding["stories"][:_SHOWN], 1):
            out()
            out(f"{name} {number} of {finding['violations']}")
            for line in story.splitlines():
                out(f"  {printable(line)}")
    problems = told["data_problems"]
    if problems["count"]:
        out()
        out(f"what is wrong with the records themselves ({problems['count']}):")
        for line in problems["first"][:10]:
            out(f"  {printable(line)}")
        if problems["count"] > 10:
            out("  ... (all of the first hundred with --json)")
