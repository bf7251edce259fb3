"""The invariants: what must hold of a run, as a table.

A further invariant of conformance.md 4.4 is a further row here and a function of its own. Each function returns a
`Finding`: HOLDS, VIOLATED, UNKNOWN when the evidence does not decide, NOT EXERCISED when nothing in the run could have
broken it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from bench.faults.catalogue import find
from bench.judge import bus, desk, durable, ratings, reboots, reported
from bench.judge.case import Case, Finding
from bench.judge.matching import Matching

__all__ = ["INVARIANTS", "NO_ROWS", "Invariant", "judge_one"]

NO_ROWS: Final = "the records cannot be judged"
"""Reason of an invariant that needs rows where there are none; the verdict's reason says why, once for all of them."""


class Invariant(NamedTuple):
    """One row of the table.

    Args:
        name: in verdict.json and in a scenario's `must_exercise`.
        letter: its place in conformance.md 4.4; empty if it is not there.
        claim: what it says.
        judge: finds out.
        of_rows: it cannot be judged without rows.
    """

    name: str
    letter: str
    claim: str
    judge: Callable[[Case, Matching], Finding]
    of_rows: bool = True


def judge_one(invariant: Invariant, case: Case) -> Finding:
    """Judge one invariant.

    Without the rows that it needs it is UNKNOWN, and so it is when its judging fails, or when what decided it is
    smaller than what the hall itself was late by in wall time. What holds without a single hit of the faults that were
    meant for it is NOT EXERCISED.
    """
    if invariant.of_rows and case.matching is None:
        return Finding("UNKNOWN", reason=NO_ROWS)
    try:
        finding = invariant.judge(case, case.matching or Matching())
    except Exception as error:  # a judge that fails must not pass for a good verdict
        return Finding(
            "UNKNOWN", reason=f"its judging failed ({type(error).__name__}: {error}); report this, with the run"
        )
    jitter = case.truth.course.jitter
    if finding.verdict in ("HOLDS", "VIOLATED") and finding.margin is not None and finding.margin < jitter:
        told = (
            f"decided by {finding.margin / 1e6:.1f} ms, but the hall itself was up to {jitter / 1e6:.1f} ms late (p99)"
        )
        finding.verdict, finding.reason = "UNKNOWN", told
    missed = _missed(invariant.letter, case) if finding.verdict == "HOLDS" else ""
    if missed:
        finding.verdict, finding.reason = "NOT EXERCISED", f"the faults meant for it hit nothing: {missed}"
    return finding


def _missed(letter: str, case: Case) -> str:
    """The faults of the run that were to stress an invariant, when none of them hit anything; empty otherwise."""
    course = case.truth.course

    def stresses(name: str) -> bool:
        row = find(name)
        return row is not None and letter in row.stresses

    if not letter or any(stresses(span.name) for span in course.spans):
        return ""
    return ", ".join(f"{ident} {name}" for ident, name in sorted(course.unused.items()) if stresses(name))


INVARIANTS: Final = (
    Invariant("loss", "J1", "every press of a rating key that could be had has a row", ratings.loss),
    Invariant("silent_loss", "J2", "every loss that a device shows is reported in time", reported.silent_loss),
    Invariant("duplication", "J3", "no press has two rows", ratings.duplication),
    Invariant("attribution", "J4", "every row names its press's device, clerk, ticket and value", ratings.attribution),
    Invariant("phantom", "J5", "every row has a press", ratings.phantom),
    Invariant("order", "J6", "a keypad's rows are stored in the order of its presses", ratings.order),
    Invariant("lateness", "J7", "every press is stored within the time allowed", ratings.lateness),
    Invariant("ghosts", "J8", "after a reboot nothing old is told again and nothing new is dropped", reboots.ghosts),
    Invariant("time", "J9", "every row's instant is that of its press", ratings.time),
    Invariant("health", "J10", "a device is told to be down when it is, and only then", reported.health, of_rows=False),
    Invariant("late_reply", "J11", "no reply is credited to a later request", bus.late_reply),
    Invariant("unexpected_unit", "J12", "a reply of another unit ends no waiting", bus.unexpected_unit),
    Invariant("fairness", "J13", "a dead or slow unit does not hold up the others", bus.fairness, of_rows=False),
    Invariant("acknowledge", "J14", "a press is acknowledged only after it is stored", durable.acknowledge),
    Invariant("manners", "J15", "one request at a time, silences kept, retries that end", bus.manners, of_rows=False),
    Invariant("convergence", "J16", "after the faults all is well again in time", durable.convergence, of_rows=False),
    Invariant(
        "reconfiguration", "J17", "a device that started anew is set up anew", reboots.reconfiguration, of_rows=False
    ),
    Invariant("resources", "J18", "descriptors and memory do not grow", durable.resources, of_rows=False),
    Invariant("tickets", "", "every ticket issued is printed exactly once", desk.tickets, of_rows=False),
    Invariant("calls", "", "every call is shown at its counter, and spoken, in time", desk.calls, of_rows=False),
)
"""All invariants, in the order in which they are reported."""
