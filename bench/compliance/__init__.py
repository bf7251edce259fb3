"""Compliance of devices and masters: requirements, cases, players, and the suite's own test.

Cases are generators of steps that know neither clock nor port; a player carries the steps out on an emulated device in
virtual time, on a real port, or on recorded frames. `rejudge_cases` judges a run again from its frames alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.compliance.results import CaseResult, Run

__all__ = ["rejudge_cases"]


def rejudge_cases(run: Run) -> list[CaseResult]:
    """Judge a run again, case by case, from its recorded frames (see `bench.compliance.replayed`)."""
    from bench.compliance.replayed import rejudge_cases as again

    return again(run)
