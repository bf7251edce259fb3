"""A requirement or a case in words: for `hallbench explain MBS-2.1-R2`, and for the reference pages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from bench.compliance.case import Case
from bench.compliance.requirements import Requirement, load, names
from bench.compliance.suites import SUITES, suite_named
from bench.reports.wording import wrapped

__all__ = ["explained", "find"]

_TESTABLE: Mapping[str, str] = {
    "wire": "on the wire",
    "wire+operator": "on the wire, with somebody who presses or pulls",
    "virtual-time-only": "in simulated time only",
    "not-black-box": "not from outside",
}
_TIMING: Mapping[str, str] = {
    "coarse": "10 ms and more",
    "fine": "judged only beyond the port's uncertainty",
    "virtual": "decided in simulated time only",
}


@cache
def _requirements() -> Mapping[str, tuple[Requirement, str]]:
    """Id in small letters -> the statement, and the title of its document."""
    return {
        row.id.casefold(): (row, f"{catalogue.spec_title}, {catalogue.edition}")
        for catalogue in map(load, names())
        for row in catalogue.requirements.values()
    }


@cache
def _cases() -> Mapping[str, tuple[Case, tuple[str, ...]]]:
    """Id in small letters -> the case, and the suites that it is in."""
    found: dict[str, tuple[Case, tuple[str, ...]]] = {}
    for name in SUITES:
        for case in suite_named(name).cases:
            found[case.id.casefold()] = (case, (*found.get(case.id.casefold(), (case, ()))[1], name))
    return found


def find(name: str) -> Requirement | Case | None:
    """The requirement or the case of an id, in any case; None when there is none."""
    wanted = name.casefold()
    found = _requirements().get(wanted) or _cases().get(wanted)
    return found[0] if found else None


def explained(row: Requirement | Case) -> str:
    """Everything that is known of one requirement, or of one case."""
    return _requirement(row) if isinstance(row, Requirement) else _case(row)


def _requirement(row: Requirement) -> str:
    document = _requirements()[row.id.casefold()][1]
    checked = "" if row.checked else "  (?: the number was not compared with the document)"
    lines = [row.id, "", *wrapped(row.says), "", f"  document   {document}", f"  clause     {row.clause}{checked}"]
    lines += [f"  level      {row.level}", f"  of         {row.role}", f"  tested     {_TESTABLE[row.testable]}"]
    if row.applies:
        lines.append(f"  applies    where declared: {row.applies}")
    if row.because:
        lines += ["  because", *wrapped(row.because, "    ")]
    cases = [case.id for case, _ in _cases().values() if case.primary == row.id]
    beside = [case.id for case, _ in _cases().values() if row.id in case.also]
    for title, ids in (("  cases that blame it", cases), ("  cases that touch it", beside)):
        if ids:
            lines += [title, *(f"    {name}" for name in ids)]
    return "\n".join(lines)


def _case(row: Case) -> str:
    lines = [f"{row.id}  (revision {row.rev})", "", *wrapped(f"{row.title}."), ""]
    lines.append(f"  suite      {', '.join(_cases()[row.id.casefold()][1])}")
    lines.append(f"  blames     {row.primary}")
    if row.primary.casefold() in _requirements():
        blamed = _requirements()[row.primary.casefold()][0]
        lines += wrapped(f"{blamed.says} ({blamed.cited}, {blamed.level})", "             ")
    if row.also:
        lines.append(f"  touches    {', '.join(row.also)}")
    if row.applies:
        lines.append(f"  applies    where declared: {row.applies}")
    if row.needs:
        lines.append(f"  needs      {row.needs}")
    if row.timing_class in _TIMING:
        lines.append(f"  timing     {_TIMING[row.timing_class]}")
    lines.append(f"  costs      about {row.cost[0]} frames, {row.cost[1]} silences")
    if row.wild:
        lines += ["  seen in the wild", *(f"    {told}" for told in row.wild)]
    return "\n".join(lines)
