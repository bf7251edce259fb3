"""What `hallbench check` shows of a run: what did not pass, worst first, with the characters that contradict."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bench.cli import console
from bench.reports.wording import count, printable

if TYPE_CHECKING:
    from bench.compliance.results import CaseResult, Run
    from bench.compliance.suites import Suite

__all__ = ["as_record", "contradicting", "show", "write"]

_COLOURS: Final = {"PASS": "green", "FAIL": "red", "ERROR": "red", "INCONCLUSIVE": "yellow", "NON-STRICT": "yellow"}
_ORDER: Final = ("ERROR", "FAIL", "NON-STRICT", "INFO", "INCONCLUSIVE")
_FEW: Final = 3
"""So many cases that the device's answers keep from being run are still shown one by one."""
_NAMED: Final = 6
_MOST: Final = 48


def as_record(run: Run) -> dict[str, Any]:
    """A run as `--json` prints it."""
    from bench.compliance.results import counts

    return {
        "verdict": run.verdict,
        "suite": run.suite,
        "target": run.target,
        "line": run.line,
        "seed": run.seed,
        "clock": run.clock,
        "cases": [
            {
                "id": case.id,
                "rev": case.rev,
                "verdict": case.verdict,
                "requirement": case.requirement,
                "level": case.level,
                "reason": case.reason or case.applies,
                "contradicting": contradicting(case),
                "witness": case.witness,
                "seconds": case.seconds,
            }
            for case in run.cases
        ],
        "counts": counts(run.cases),
        "notes": list(run.notes),
    }


def contradicting(case: CaseResult) -> str:
    """The frame that contradicts, in hexadecimal, its wrong characters in brackets; "" when no frame does."""
    if case.contradiction is None:
        return ""
    index, first, last = case.contradiction
    data = case.frames[index].data
    if not data:
        return ""
    parts = [data[:first], data[first:last], data[last:]]
    before, wrong, after = (part.hex(" ").upper() for part in parts)
    whole = not before and not after
    return " ".join(filter(None, (before, wrong if whole or not wrong else f"[{wrong}]", after)))


def show(run: Run, suite: Suite) -> None:
    """Print what did not pass, worst first, and the tally."""
    from bench.compliance.results import counts

    for note in run.notes:
        if not note.startswith("unit "):
            console.out(printable(note, keep="\n"))
    shown = [case for case in run.cases if case.verdict in _ORDER]
    kept = [case for case in shown if case.verdict == "INCONCLUSIVE" and case.recovery == "silent"]
    if len(kept) > _FEW:
        shown = [case for case in shown if case not in kept]
    _each(shown, suite)
    if len(kept) > _FEW:
        _together(kept)
    tally = ", ".join(f"{number} {name}" for name, number in counts(run.cases).items() if number)
    console.out(f"{_word(run.verdict, bold=True)}: {printable(run.target)}, {run.line}: {tally}")
    if _only_timing(run, suite):
        console.out(
            "    what is open are times finer than this port shows; no other case is undecided, and none failed"
        )


def _only_timing(run: Run, suite: Suite) -> bool:
    """Whether nothing but cases about fine times are undecided, on a real port."""
    fine = {case.id for case in suite.cases if case.timing_class in ("fine", "virtual")}
    undecided = [case for case in run.cases if case.verdict == "INCONCLUSIVE"]
    told = all(case.id in fine and case.recovery == "answers" for case in undecided)
    ran = not any(case.verdict == "NOT RUN" for case in run.cases)
    return run.clock == "wall" and run.verdict == "INCONCLUSIVE" and ran and bool(undecided) and told


def _word(verdict: str, *, bold: bool = False) -> str:
    return click.style(verdict, fg=_COLOURS.get(verdict), bold=bold)


def _each(shown: list[CaseResult], suite: Suite) -> None:
    requirements = suite.requirements()
    shown = sorted(shown, key=lambda case: _ORDER.index(case.verdict))
    alike = Counter((case.verdict, case.reason, case.reproduce) for case in shown)
    for case in shown:
        others = alike.pop((case.verdict, case.reason, case.reproduce), 0) - 1
        if others < 0:
            continue  # said with the first: a program that asked nothing says the same to every case
        cited = requirements[case.requirement].cited
        console.out(f"{_word(case.verdict)}  {case.id}  ({cited}, {case.level})")
        console.out(f"    {printable(case.reason)}")
        seen = contradicting(case)
        if seen and case.verdict == "FAIL" and seen.replace("[", "").replace("]", "") not in case.reason:
            console.out(f"    heard: {seen if len(seen) <= 3 * _MOST else seen[: 3 * _MOST] + '..'}")
        if others:
            console.out(f"    {count(others, 'further case')}: the same")
        console.out(f"    again: {printable(case.reproduce)}")


def _together(kept: list[CaseResult]) -> None:
    """Cases that the device's answers to the probe kept from being judged: one defect, said once."""
    console.out(f"{_word('INCONCLUSIVE')}  {len(kept)} cases, since the device does not answer the probe as declared")
    console.out(f"    such as {kept[0].id}: {printable(kept[0].reason)}")
    others = ", ".join(case.id for case in kept[1 : 1 + _NAMED])
    more = f" and {len(kept) - 1 - _NAMED} more, which --json and the report name" if len(kept) > 1 + _NAMED else ""
    console.out(f"    and {others}{more}")
    console.out(f"    again: {printable(kept[0].reproduce)}")


def write(run: Run, out: Path) -> None:
    """Write the evidence, and say where."""
    from bench.compliance.bundle import write_bundle
    from bench.compliance.kill_record import for_run

    console.say(f"evidence: {write_bundle(run, out, for_run(run))}")
