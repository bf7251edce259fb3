"""`hallbench check`: compliance of a device on a port, of an emulated one, and the suite's own test."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bench.cli import console
from bench.cli.check_shown import as_record, show, write
from bench.cli.console import Failure
from bench.cli.exit_codes import ExitCode
from bench.reports.wording import printable

if TYPE_CHECKING:
    from bench.compliance.case import Case
    from bench.compliance.declaration import Declaration
    from bench.compliance.engine import Judge
    from bench.compliance.preflight import Look
    from bench.compliance.results import Run
    from bench.compliance.suites import Suite

_SETTINGS: Final = ("N", "E", "O")
OF_VERDICT: Final = {
    "PASS": ExitCode.GOOD,
    "NON-STRICT": ExitCode.GOOD,
    "FAIL": ExitCode.BAD,
    "INCONCLUSIVE": ExitCode.INCONCLUSIVE,
    "ERROR": ExitCode.INTERNAL,
}

_EXAMPLES: Final = """\b
Examples:
  hallbench check rating_keypad --emulated rating_keypad
  hallbench check rk1 --emulated rk1               # the keypad's own guarantees (docs/compliance_keypads.md)
  hallbench check rating_keypad --port /dev/ttyUSB0 --unit 5 --out keypad-5
  hallbench check my_device.toml --port socket://10.0.0.7:4001 --baud 19200 --parity E
  hallbench check reference --emulated MB-09 --case 'rtu.dev.bcast-*'
  hallbench check --master -- python collector.py {port}
  hallbench check --master --clock wall -- ./my_collector {port}   # any language, on a pseudo-terminal
  hallbench check --self-test --json
"""


@click.command("check", epilog=_EXAMPLES, short_help="Test a device against its protocol's requirements.")
@click.argument("profile", required=False)
@click.argument("program", nargs=-1, type=click.UNPROCESSED)
@click.option("--port", help="The device's port: a path or any URL of pyserial.")
@click.option("--emulated", metavar="NAME", help="An emulated device, or a subject of the self-test, in virtual time.")
@click.option("--unit", type=click.IntRange(0, 247), help="Address of the device; by default the declared one.")
@click.option("--baud", type=click.IntRange(min=1), help="Speed; by default the declared one.")
@click.option(
    "--parity", type=click.Choice(_SETTINGS, case_sensitive=False), help="Parity; by default the declared one."
)
@click.option(
    "--neighbours", metavar="UNITS", default="", help="Addresses of other devices on the line, such as 1,2,4."
)
@click.option("--echo", is_flag=True, help="The port hears its own characters.")
@click.option(
    "--declaration", "declared", metavar="FILE", help="Declaration to test against, instead of the profile's."
)
@click.option("--case", "cases", metavar="GLOB", multiple=True, help="Only cases whose id matches.")
@click.option("--clause", "clauses", metavar="C", multiple=True, help="Only this clause, such as MBS:2.1.")
@click.option("--level", type=click.Choice(["MUST", "SHOULD", "MAY", "VENDOR", "FIELD"]), help="Only this level.")
@click.option("--kills", metavar="MUTANT", help="Only the cases that kill this mutant, such as MB-09.")
@click.option("--seed", type=int, default=1, show_default=True, help="Values and nonces are drawn from it.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the evidence bundle.")
@click.option("--self-test", is_flag=True, help="Test the suite itself: mutants, legal variants, null devices.")
@click.option("--list", "listed", is_flag=True, help="Show the cases (of PROFILE, or all) and leave.")
@click.option("--master", is_flag=True, help="Judge a master: PROGRAM polls devices that are presented to it.")
@click.option(
    "--clock",
    type=click.Choice(["virtual", "wall"]),
    help="With --master: simulated time (Python programs; the default for them) or a real port (any program).",
)
@click.option("--serve", metavar="KIND", help="With --master in wall time: pty (default), tcp[:N] or rfc2217[:N].")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Test a device against the requirements of its protocol.

    PROFILE is a shipped declaration (rating_keypad, clerk_console, kiosk_button, led485, dm36, embeddedart,
    reference) or the path of one, or of a vendor's protocol declaration: what the device is declared to do decides
    which cases apply.

    Ticket printers (tm_t88, kiosk_80, clone_58) and Alpha signs (alpha) have
    suites of their own: docs/compliance_printers_and_boards.md.
    So have the reference keypad (rk1), OSDP keypads (osdp_keypad) and declared
    protocols (ff68_evaluator ...): docs/compliance_keypads.md.

    A PASS always cites a reply of the device and a probe that it answers afterwards; clause numbers with a "?" were
    not checked against the document. Exits 1 on a FAIL, 5 when nothing can be said, 4 without a port.
    """
    if given["master"]:
        ctx.exit(_master(given))
    if given["clock"] or given["serve"]:
        raise Failure("--clock and --serve belong to --master; a device takes --port or --emulated", ExitCode.USAGE)
    if given["self_test"]:
        ctx.exit(_self_test(given["seed"], given["as_json"]))
    if given["listed"]:
        ctx.exit(_list(given))
    ctx.exit(_check(given))


def _check(given: dict[str, Any]) -> ExitCode:
    from bench.compliance.engine import forecast, run_suite
    from bench.compliance.protocols import protocol_of
    from bench.compliance.steps import PortLost
    from bench.compliance.suites import suite_named

    if bool(given["port"]) == bool(given["emulated"]):
        raise Failure("give either --port or --emulated", ExitCode.USAGE, "hallbench check --help shows examples")
    subject, declaration = _declared(given)
    suite = suite_named(protocol_of(declaration.protocol).suite)
    chosen = _selection(suite, given)
    judge = _judge(given, suite, subject, declaration)
    selected = [case for case in suite.cases if chosen(case)]
    frames, seconds = forecast(selected, judge)
    applying = sum(declaration.allows(case.applies) for case in selected)
    clock = "on a real port" if given["port"] else "in virtual time"
    console.say(
        f"{applying} of {len(selected)} cases apply, about {frames} frames and {seconds:.0f} s {clock}"
        + ("" if given["port"] else ", a fraction of a second here")
    )
    try:
        player, target = _player(given, subject, judge)
    except PortLost as lost:
        raise Failure(
            printable(str(lost)), ExitCode.NO_PORT, "is it plugged in, and free? --port takes a path or URL"
        ) from lost
    look = _preflight(judge, player)
    started = datetime.now(UTC).isoformat(timespec="seconds") if given["port"] else ""
    with console.Progress("check") as bar:
        run = run_suite(
            suite,
            judge,
            player,
            chosen=chosen,
            target=target,
            started=started,
            notes=[*_notes(declaration), *filter(None, [look.note])],
            ending=look.ending,
            progress=lambda done, of, case: bar.update(done / of, case),
        )
    if given["port"]:
        player.close()
    if given["out"]:
        write(run, given["out"])
    if given["as_json"]:
        console.emit_json(as_record(run))
    else:
        show(run, suite)
    return _exit_code(run)


def _preflight(judge: Judge, player: Any) -> Look:
    from bench.compliance.preflight import preflight
    from bench.compliance.steps import PortLost

    try:
        return preflight(judge, player)
    except PortLost as lost:
        raise Failure(printable(str(lost)), ExitCode.NO_PORT) from lost


def _exit_code(run: Run) -> ExitCode:
    if any(case.verdict == "ERROR" and "port" in case.reason and "lost" in case.reason for case in run.cases):
        return ExitCode.NO_PORT
    return OF_VERDICT[run.verdict]


# -- what is asked for ------------------------------------------------------------------------------------------------
def _selection(suite: Suite, given: dict[str, Any]) -> Callable[[Case], bool]:
    requirements = suite.requirements()
    killers = _killers(given["kills"], given["seed"]) if given["kills"] else None

    def chosen(case: Case) -> bool:
        requirement = requirements[case.primary]
        clause = f"{requirement.spec}:{requirement.clause}"
        return (
            (not given["cases"] or any(fnmatchcase(case.id, glob) for glob in given["cases"]))
            and (not given["clauses"] or any(clause == c or clause.startswith(c + ".") for c in given["clauses"]))
            and (given["level"] is None or requirement.level == given["level"])
            and (killers is None or case.id in killers)
        )

    if not any(map(chosen, suite.cases)):
        raise Failure(
            f"the selection matches none of the {len(suite.cases)} cases, so nothing was tested",
            ExitCode.INCONCLUSIVE,
            "hallbench check --list shows their ids, clauses and levels",
        )
    return chosen


def _killers(mutant: str, seed: int) -> set[str]:
    from bench.compliance.selftest import self_test, subjects

    known = {subject.id.lower(): subject.id for subject in subjects()[0]}
    wanted = known.get(mutant.lower())
    if wanted is None:
        raise Failure(
            f"there is no mutant {printable(mutant)!r}", ExitCode.USAGE, f"there are {', '.join(known.values())}"
        )
    row = self_test(seed, chosen=lambda subject: subject.id == wanted).rows[wanted]
    return {*row["cases"], *row["collateral"], *row["unexpected"]}


def _declared(given: dict[str, Any]) -> tuple[Any, Declaration]:
    from bench.compliance.declaration import InvalidDeclaration, load_declaration
    from bench.compliance.selftest import declaration_of
    from bench.compliance.targets import NoSuchTarget, target_named

    try:
        subject = target_named(given["emulated"]) if given["emulated"] else None
    except NoSuchTarget as error:
        code = ExitCode.INVALID_FILE if given["emulated"].endswith(".toml") else ExitCode.USAGE
        raise Failure(printable(str(error), keep="\n"), code) from error
    name = given["declared"] or given["profile"]
    try:
        if subject is not None and name in (None, subject.declaration):
            return subject, declaration_of(subject)
        if name is None:
            raise Failure("PROFILE is missing: what the device is declared to do", ExitCode.USAGE)
        return subject, load_declaration(name)
    except InvalidDeclaration as error:
        raise Failure(printable(str(error), keep="\n"), ExitCode.INVALID_FILE) from error


def _judge(given: dict[str, Any], suite: Suite, subject: Any, declaration: Declaration) -> Judge:
    from dataclasses import replace

    from bench.compliance.engine import Judge
    from firmware_sim.burst import LineSettings

    settings = (
        LineSettings.parse(subject.settings) if subject is not None and subject.settings else declaration.settings
    )
    if given["baud"]:
        settings = replace(settings, baud=given["baud"])
    if given["parity"]:
        settings = replace(settings, parity=given["parity"].upper())
    unit = given["unit"]
    if unit is None:
        unit = subject.unit if subject is not None else declaration.unit
    elif declaration.protocol == "osdp" and unit > 126:
        raise Failure("--unit of an OSDP device is 0..126; 127 is everybody", ExitCode.USAGE)
    elif declaration.protocol != "osdp" and not unit:
        raise Failure("--unit is 1..247; 0 is everybody (OSDP devices alone have it)", ExitCode.USAGE)
    neighbours = _neighbours(given["neighbours"])
    words = ["hallbench", "check", given["declared"] or given["profile"] or declaration.name]
    words += ["--port", given["port"]] if given["port"] else ["--emulated", given["emulated"]]
    for key in ("unit", "baud", "parity", "neighbours"):
        if given[key] not in (None, ""):
            words += [f"--{key}", str(given[key])]
    line = shlex.join(words).replace("{", "{{").replace("}", "}}")
    command = line + " --case {case} --seed {seed}"
    return Judge(declaration, suite.requirements(), unit, given["seed"], settings, neighbours, command)


def _neighbours(text: str) -> frozenset[int]:
    try:
        units = frozenset(int(part) for part in text.replace(",", " ").split())
    except ValueError:
        units = frozenset({0})
    if not units <= frozenset(range(1, 248)) or len(units) > 200:
        raise Failure(f"--neighbours takes addresses 1..247 such as 1,2,4, not {printable(text)!r}", ExitCode.USAGE)
    return units


def _notes(declaration: Declaration) -> Sequence[str]:
    from bench.compliance.declaration import review

    return [f"declaration: {finding}" for finding in review(declaration)]


def _player(given: dict[str, Any], subject: Any, judge: Judge) -> tuple[Any, str]:
    if subject is not None:
        from bench.compliance.virtual import VirtualPlayer

        return VirtualPlayer(subject.build, judge.settings, subject.view), f"emulated {subject.id}"
    from bench.compliance.preflight import has_address
    from bench.compliance.wall_player import WallPlayer

    player = WallPlayer(given["port"], judge.settings, _operator(), echo=given["echo"])
    return player, f"{given['port']} unit {judge.unit}" if has_address(judge) else given["port"]


def _operator() -> Callable[[str], bool] | None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(text: str) -> bool:
        return click.confirm(f"Please {text}. Done?", default=True, err=True)

    return ask


# -- the other ways to be called ---------------------------------------------------------------------------------------
def _list(given: dict[str, Any]) -> ExitCode:
    """The cases of the suite that tests what was named, or of all."""
    from bench.compliance.protocols import protocol_of
    from bench.compliance.suites import SUITES, suite_named

    named = given["declared"] or given["profile"] or given["emulated"]
    rows = []
    for name in (protocol_of(_declared(given)[1].protocol).suite,) if named else SUITES:
        suite = suite_named(name)
        requirements = suite.requirements()
        rows += [
            {
                "suite": name,
                "id": case.id,
                "rev": case.rev,
                "requirement": case.primary,
                "clause": requirements[case.primary].cited,
                "level": requirements[case.primary].level,
                "title": case.title,
                "applies": case.applies,
            }
            for case in suite.cases
        ]
    if given["as_json"]:
        console.emit_json({"cases": rows})
    else:
        shown = [(row["id"], row["clause"], row["level"], row["title"]) for row in rows]
        for line in console.table(shown, headers=("case", "clause", "level", "what must be seen")):
            console.out(line)
    return ExitCode.GOOD


def _self_test(seed: int, as_json: bool) -> ExitCode:
    from bench.compliance.selftest import self_test

    began = time.perf_counter()
    with console.Progress("self-test") as bar:
        matrix = self_test(seed, progress=lambda done, of, what: bar.update(done / of, what))
    seconds = round(time.perf_counter() - began, 2)
    if as_json:
        console.emit_json({**matrix.as_json(), "seconds": seconds})
        return ExitCode.BAD if matrix.problems else ExitCode.GOOD
    rows = [
        (
            name,
            "killed" if row["killed"] else "SURVIVES",
            ", ".join(row["blamed"]),
            row["title"],
            ", ".join(row["cases"]),
        )
        for name, row in matrix.rows.items()
    ]
    for line in console.table(rows, headers=("mutant", "", "blamed", "planted defect", "killed by")):
        console.out(line)
    failed = sum(len(row["failed"]) for row in matrix.variants.values())
    passed = sum(len(row["passed"]) for row in matrix.null_devices.values())
    killed = sum(row["killed"] for row in matrix.rows.values())
    console.out()
    console.out(f"{killed} of {len(matrix.rows)} mutants killed and {len(matrix.problems)} problems")
    console.out(f"{failed} FAIL on {len(matrix.variants)} devices that are right")
    console.out(f"{passed} PASS on {len(matrix.null_devices)} null devices")
    if (pairs := matrix.pairs) is not None:
        console.out(
            f"two defects at once: both blamed in {pairs.both} of {pairs.tried} devices; in {len(pairs.undecided)} one "
            f"leaves the other undecided; {len(pairs.hidden)} hidden behind a PASS"
        )
    for problem in matrix.problems:
        console.out(f"problem: {problem}")
    console.say(f"{seconds} s")
    return ExitCode.BAD if matrix.problems else ExitCode.GOOD


def _master(given: dict[str, Any]) -> ExitCode:
    from bench.cli.check_master import check_master

    return check_master(given)
