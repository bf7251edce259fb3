"""What no collector can be blamed for: invariants that a fault breaks whatever the program does (conformance.md 4.3).

The judge tells what became of each rating; whether anybody could have kept it is a matter of the fault. A hunt that
stopped at the first of these would find nothing else, so they are counted and told, and the search goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from bench.hunt.trial import RUNNING, Outcome, Trial

__all__ = ["EXCUSED", "excused_in"]

EXCUSED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        name: frozenset(invariants.split())
        for name, invariants in {
            "crc_collision": "*",  # a sound frame lies
            "buffer_lost": "loss silent_loss ghosts",  # the events are gone, uncounted
            "buffer_restored": "loss duplication order ghosts silent_loss",  # so are those since the old memory
            "sequence_reset": "loss silent_loss ghosts",  # a new event has an old one's number
            "address_conflict": "*",  # two answer at once, or one in the other's place
            "queue_overflow": "loss lateness",  # what was pushed out, if nobody was quick enough
            "device_clock": "time order lateness",  # the event tells the device's own time
            "clock_jump": "time lateness",  # and a row the machine's
        }.items()
    }
)
"""Fault -> invariants that it may break in any program; "*" stands for all of them, but not for a crash."""


def excused_in(trial: Trial, outcome: Outcome, ignored: Collection[str] = ()) -> tuple[str, ...]:
    """The invariants among those violated that a fault of the trial excuses, if it struck, or that are ignored."""
    struck = [fault["name"] for fault in trial.faults if outcome.hits.get(fault["name"], 0)]
    allowed = frozenset(ignored).union(*(EXCUSED.get(name, frozenset()) for name in struck))
    return tuple(name for name in outcome.violated if name in allowed or ("*" in allowed and name != RUNNING))
