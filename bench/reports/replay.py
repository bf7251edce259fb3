"""A replayed ticket log beside what was recorded, and why the two differ.

Compared is what a ticket log knows: the time from taking the ticket to its first call, for the same visitors. That is
up to the call, not up to the visitor's walk; the waits shown elsewhere end when the visitor goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.reports.sample import HALF_HOUR, MINUTE, Distribution, quantile
from bench.reports.wording import count, duration
from firmware_sim.device import NS

NEAR: Final = 5 * MINUTE
"""Two waits of one visitor this close count as equal: a usual distance between readings of a ticket system."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Replayed minus recorded wait of the same visitor, seconds; negative when the replay called earlier."""

    mean: float
    p10: float
    p50: float
    p90: float
    mean_size: float
    near: float


@dataclass(frozen=True, slots=True)
class RecordedHalfHour:
    """Mean waits of those who took their ticket in one half-hour, seconds; `start` is ns since midnight."""

    start: int
    n: int
    recorded_mean: float
    replayed_mean: float


@dataclass(frozen=True, slots=True)
class Replay:
    """What the comparison found. `recorded_ns` and `replayed_ns` are the sorted waits, for the chart."""

    recorded: Distribution
    replayed: Distribution
    difference: Difference
    never_called: int
    never_called_recorded: int
    half_hours: tuple[RecordedHalfHour, ...]
    causes: tuple[str, ...]
    recorded_ns: tuple[int, ...] = field(repr=False)
    replayed_ns: tuple[int, ...] = field(repr=False)


def compare(
    visitors: Sequence[Mapping[str, Any]],
    taken: Mapping[int, int],
    called: Mapping[int, int],
    *,
    kiosk: Distribution,
    call_to_move: Distribution,
    no_shows: int,
    notes: Sequence[str] = (),
) -> Replay | None:
    """Compare a replayed day with its log.

    Args:
        visitors: the visitors of day.json (`number`, `arrives`, `recorded_call` in ns or None).
        taken: visitor -> instant of taking the ticket in the replay.
        called: visitor -> instant of the first call in the replay.
        kiosk: from coming to holding the ticket.
        call_to_move: from the call to the visitor going.
        no_shows: tickets given up in the replay.
        notes: what the scenario says about the log; these causes come first.

    Returns:
        None when no visitor has a recorded call, or none of them was called: there is nothing to compare.
    """
    recorded: list[int] = []
    replayed: list[int] = []
    slots: dict[int, list[tuple[int, int]]] = defaultdict(list)
    logged = [visitor for visitor in visitors if visitor.get("recorded_call") is not None]
    for visitor in logged:
        number = visitor["number"]
        if number in called and number in taken:
            then = visitor["recorded_call"] - visitor["arrives"]
            now = called[number] - taken[number]
            recorded.append(then)
            replayed.append(now)
            slots[visitor["arrives"] // HALF_HOUR].append((then, now))
    if not recorded:
        return None
    gaps = sorted(b - a for a, b in zip(recorded, replayed, strict=True))
    difference = Difference(
        mean=round(sum(gaps) / len(gaps) / NS, 6),
        p10=quantile(gaps, 0.1),
        p50=quantile(gaps, 0.5),
        p90=quantile(gaps, 0.9),
        mean_size=round(sum(map(abs, gaps)) / len(gaps) / NS, 6),
        near=round(sum(abs(gap) <= NEAR for gap in gaps) / len(gaps), 6),
    )
    return Replay(
        recorded=Distribution.of(recorded),
        replayed=Distribution.of(replayed),
        difference=difference,
        never_called=len(logged) - len(recorded),
        never_called_recorded=len(visitors) - len(logged),
        half_hours=tuple(
            RecordedHalfHour(
                slot * HALF_HOUR,
                len(pairs),
                round(sum(a for a, _ in pairs) / len(pairs) / NS, 6),
                round(sum(b for _, b in pairs) / len(pairs) / NS, 6),
            )
            for slot, pairs in sorted(slots.items())
        ),
        causes=(*notes, *_causes(kiosk, call_to_move, no_shows, len(logged) - len(recorded))),
        recorded_ns=tuple(sorted(recorded)),
        replayed_ns=tuple(sorted(replayed)),
    )


_FIT: Final = (
    "The log tells when tickets were called, not how long a service took nor at which counter. Service times are "
    "fitted to the pace of the recorded calls, so that the means agree is in part the fit's doing; what the replay "
    "puts to the test is the order of calls, the hours, and what people and devices add."
)
_READINGS: Final = (
    "Recorded instants are as exact as the readings that the log was made from: a difference smaller than the distance "
    "between two readings says nothing."
)


def _causes(kiosk: Distribution, call_to_move: Distribution, no_shows: int, never_called: int) -> list[str]:
    """What in this run makes a difference, with its size."""
    causes = [_FIT, _READINGS]
    if kiosk.n:
        causes.append(
            "The log's issue instant is the visitor's arrival here; button, printer and paper take "
            f"{duration(kiosk.p50)} (median; p90 {duration(kiosk.p90)}) until the ticket is in hand, and the wait "
            "counts from there."
        )
    if call_to_move.n:
        causes.append(
            f"From each call until the visitor sees it and goes pass {duration(call_to_move.p50)} (median; p90 "
            f"{duration(call_to_move.p90)}): polling, display and board are real traffic on real lines, and the "
            "counter is taken meanwhile. A queue hands that delay on to everybody behind."
        )
    vain = (
        f"{count(no_shows, 'ticket was', 'tickets were')} called in vain" if no_shows else "everybody comes when called"
    )
    causes.append(
        "A log records calls, not visits: somebody who had left was called like the others and freed the counter at "
        f"once. In this replay {vain}."
    )
    if never_called:
        causes.append(
            f"{count(never_called, 'visitor was', 'visitors were')} called according to the log and never in the "
            "replay; they are left out of both columns, which makes the replay look better than it is."
        )
    return causes
