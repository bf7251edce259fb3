"""`hallbench compare A B`: what changed between two compliance bundles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.console import Failure, emit_json, out, say
from bench.cli.exit_codes import ExitCode
from bench.reports.wording import printable

if TYPE_CHECKING:
    from bench.compliance.compare import Comparison
    from bench.compliance.results import Run


@click.command("compare", short_help="Compare two compliance bundles.")
@click.argument("before", type=click.Path(path_type=Path), metavar="A")
@click.argument("after", type=click.Path(path_type=Path), metavar="B")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as one JSON object.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="F", help="Also write it as a page.")
@click.pass_context
def command(ctx: click.Context, before: Path, after: Path, as_json: bool, html: Path | None) -> None:
    """Tell what changed from bundle A to bundle B: new fails, what was fixed, other verdicts, margins.

    A and B are files evidence.zip, or the folders that `hallbench check --out` made.
    A difference of suite, catalogue, declaration, line or version is told first: verdicts may differ for its sake.

    Exit codes: 0 no new fail; 1 a case fails in B that did not in A; 3 a file is no whole bundle, or was changed;
    5 the bundles have no case in common, or a case that passed in A is not decided or missing in B.
    """
    from bench.compliance.compare import compare, render

    found = compare(_read(before), _read(after))
    if html is not None:
        try:
            html.write_text(render(found), encoding="utf-8", errors="backslashreplace", newline="\n")
        except OSError as error:
            raise Failure(f"{printable(str(html))}: cannot be written: {error.strerror}", ExitCode.USAGE) from error
        say(f"page  {printable(str(html))}")
    if as_json:
        emit_json(found.to_json())
    else:
        _print(found)
    ctx.exit(exit_code(found))


def _read(path: Path) -> Run:
    from bench.compliance.unbundle import UnreadableBundle, bundle_at
    from bench.compliance.verify import read_run

    path = bundle_at(path)
    try:
        return read_run(path)
    except UnreadableBundle as error:
        lines = "\n".join(f"  {fault.kind}: {printable(fault.text)}" for fault in error.faults[:10])
        hint = f"hallbench verify {printable(str(path))} tells more"
        raise Failure(
            f"{printable(str(path))} is not a bundle as it was written:\n{lines}", ExitCode.INVALID_FILE, hint
        ) from error
    except OSError as error:
        why = error.strerror or str(error)
        raise Failure(f"{printable(str(path))}: cannot be read: {why}", ExitCode.INVALID_FILE) from error


def exit_code(found: Comparison) -> ExitCode:
    """1 for a new fail; 5 when nothing could be compared or a pass was lost without a fail; else 0."""
    if found.of("new fail"):
        return ExitCode.BAD
    lost = [
        change
        for change in found.changes
        if change.before in ("PASS", "NON-STRICT") and change.after in ("INCONCLUSIVE", "NOT RUN", "NOT APPLICABLE", "")
    ]
    return ExitCode.INCONCLUSIVE if lost or not found.common else ExitCode.GOOD


def _print(found: Comparison) -> None:
    for premise in found.premises:
        weight = "  (verdicts may differ for its sake alone)" if premise.weighty else ""
        left, right = (printable(text)[:40] for text in (premise.before, premise.after))
        out(f"DIFFERENT {premise.name}: {left} -> {right}{weight}")
    if found.premises:
        out()
    out(printable(found.sentence()))
    for change in found.changes:
        because = f"  {printable(change.reason)}" if change.reason else ""
        remark = f"  ({change.remark})" if change.remark else ""
        verdicts = f"{change.before or '-'} -> {change.after or '-'}"
        out(f"  {change.kind:9} {printable(change.id)}  {printable(change.requirement)}  {verdicts}{remark}{because}")
    for margin in found.margins:
        moved = f"{margin.before:.4g} -> {margin.after:.4g} {printable(margin.unit)}"
        out(f"  margin    {printable(margin.case)}  {printable(margin.name)}, limit {printable(margin.limit)}: {moved}")
