"""The invariants: what must hold of a run, as a table.

A further invariant of conformance.md 4.4 is a further row here and a function of its own. Each function returns a
`Finding`: HOLDS, VIOLATED, UNKNOWN when the evidence does not decide, NOT EXERCISED when nothing in the run could have
broken it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from bench.judge import desk, ratings
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
    """Judge one invariant; without the rows that it needs it is UNKNOWN."""
    if invariant.of_rows and case.matching is None:
        return Finding("UNKNOWN", reason=NO_ROWS)
    return invariant.judge(case, case.matching or Matching())


INVARIANTS: Final = (
    Invariant("loss", "J1", "every press of a rating key has a row", ratings.loss),
    Invariant("duplication", "J3", "no press has two rows", ratings.duplication),
    Invariant("attribution", "J4", "every row names its press's device, clerk, ticket and value", ratings.attribution),
    Invariant("phantom", "J5", "every row has a press", ratings.phantom),
    Invariant("order", "J6", "a keypad's rows are stored in the order of its presses", ratings.order),
    Invariant("lateness", "J7", "every press is stored within the time allowed", ratings.lateness),
    Invariant("time", "J9", "every row's instant is that of its press", ratings.time),
    Invariant("tickets", "", "every ticket issued is printed exactly once", desk.tickets, of_rows=False),
    Invariant("calls", "", "every call is shown at its counter, and spoken, in time", desk.calls, of_rows=False),
)
"""All invariants, in the order in which they are reported."""
