"""`hallbench verify BUNDLE`: a compliance bundle re-hashed, and judged again from its frames without the device."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import click

from bench.cli.console import Failure, emit_json, out, say
from bench.cli.exit_codes import ExitCode
from bench.reports.wording import count, printable

if TYPE_CHECKING:
    from bench.compliance.verify import Verified

_CODE: Final[Mapping[str, ExitCode]] = MappingProxyType(
    {"PASS": ExitCode.GOOD, "NON-STRICT": ExitCode.GOOD, "FAIL": ExitCode.BAD}
)
_SHOWN: Final = 20


@click.command("verify", short_help="Check a compliance bundle, and judge it again.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON object.")
@click.pass_context
def command(ctx: click.Context, bundle: Path, as_json: bool) -> None:
    """Check the BUNDLE that `hallbench check --out` wrote: its evidence.zip, or the folder with it.

    Every member is hashed again; reports and traffic are made again from the results and compared; each case is judged
    again from the frames that were recorded. No device is needed and nothing is written.

    Exit codes: 0 nothing is wrong with it and the verdict is good; 1 something was changed, or judging again gives
    another verdict, or the confirmed verdict is bad; 3 the file is no whole bundle; 5 the verdict is INCONCLUSIVE or
    ERROR, or this version cannot judge these cases again. See docs/evidence.md.
    """
    from bench.compliance.unbundle import bundle_at
    from bench.compliance.verify import verify

    bundle = bundle_at(bundle)
    try:
        found = verify(bundle)
    except OSError as error:
        why = error.strerror or str(error)
        raise Failure(f"{printable(str(bundle))}: cannot be read: {why}", ExitCode.INVALID_FILE) from error
    if as_json:
        emit_json({"bundle": str(bundle), **found.to_json()})
    else:
        _print(bundle, found)
    ctx.exit(exit_code(found))


def exit_code(found: Verified) -> ExitCode:
    """The exit code for what was found; good only when all of it was confirmed."""
    if not found.is_whole or found.run is None:
        return ExitCode.INVALID_FILE
    if found.faults:
        return ExitCode.BAD
    verdict = _CODE.get(found.run.verdict, ExitCode.INCONCLUSIVE)
    return verdict if found.is_confirmed or verdict is ExitCode.BAD else ExitCode.INCONCLUSIVE


def _print(bundle: Path, found: Verified) -> None:
    name = printable(str(bundle))
    run, again = found.run, found.rejudged
    if not found.is_whole or run is None:
        out(f"{_word('NOT A WHOLE BUNDLE', 'red')}: {name}")
    elif found.faults:
        out(f"{_word('CONTRADICTED', 'red')}: {name} does not hold what it says")
    elif found.is_confirmed and again is not None:
        colour = {"PASS": "green", "NON-STRICT": "green", "FAIL": "red", "ERROR": "red"}.get(run.verdict, "yellow")
        cases = count(again.cases, "case")
        word = _word(printable(run.verdict), colour)
        out(f"CONFIRMED {word}: every hash is right, {cases} judged again with the same verdict")
    else:
        verdict = printable(run.verdict)
        out(f"{_word('NOT CONFIRMED', 'yellow')}: every hash is right, {verdict} could not be judged again")
    for fault in found.faults[:_SHOWN]:
        out(f"  {fault.kind}: {printable(fault.text)}")
    if len(found.faults) > _SHOWN:
        out(f"  ... and {len(found.faults) - _SHOWN} more (all of them with --json)")
    if run is not None:
        out(f"  {printable(run.suite)} on {printable(run.target)}, seed {run.seed}, written by {printable(run.tool)}")
    for remark in found.remarks:
        say(f"  {printable(remark)}")


def _word(word: str, colour: str) -> str:
    return click.style(word, fg=colour, bold=True)
