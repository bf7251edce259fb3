"""A collector's clock that is set ahead in the middle of a run: the hall's clock dates the acknowledgements.

Instants of storing then seem to be late, all by the same time, although each row was stored before its press was
acknowledged. A program that really stores late, by a timer for instance, does so from its first row on.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from bench.judge.matching import Matching
from firmware_sim.device import NS

__all__ = ["Ahead", "set_ahead"]

_FEWEST: Final = 3
_SPREAD: Final = 2 * NS


class Ahead(NamedTuple):
    """From which row on the instants of storing are by a clock that was set.

    Args:
        row: the first of them.
        by: how far it is ahead, ns.
    """

    row: int
    by: int

    @property
    def told(self) -> str:
        """For people."""
        return (
            f"from row {self.row} on every instant of storing is {self.by / NS:.0f} s after its acknowledgement, and "
            "before that row none is: the collector's clock seems to have been set; when rows were stored is not known"
        )


def set_ahead(matching: Matching, limit: int) -> Ahead | None:
    """Where the collector's clock was set ahead by more than `limit` ns; None when nothing shows that."""
    leads = sorted(
        (match.claim.n, match.claim.stored_at - match.event.acked)
        for match in matching.matches
        if match.claim.stored_at is not None and match.event.acked is not None
    )
    first = next((place for place, (_, lead) in enumerate(leads) if lead > limit), len(leads))
    before, after = leads[:first], [lead for _, lead in leads[first:]]
    if len(before) < _FEWEST or len(after) < _FEWEST or any(lead > 0 for _, lead in before):
        return None
    if min(after) <= limit or max(after) - min(after) > _SPREAD:
        return None
    return Ahead(leads[first][0], min(after))
