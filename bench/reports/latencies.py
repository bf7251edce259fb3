"""How long each press took to its stored record, by the judge's own matching of presses and rows.

The verdict tells p50, p99 and max of the day; here is the same over the hours. Stored is when the row says so, else
when the house committed it, else when the keypad was told to forget the press: the judge's order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple, cast

from bench.judge.claims import understand
from bench.judge.evidence import read_rows
from bench.judge.history import History, Record
from bench.judge.matching import match
from bench.judge.truth import Truth, gather
from bench.reports.run_dir import RunDir
from bench.reports.sample import MINUTE, Distribution
from firmware_sim.device import NS

SLOTS: Final = tuple(minutes * MINUTE for minutes in (2, 5, 10, 15, 30, 60))
"""Lengths that a slot of the curve may have, ns."""

_MOST_SLOTS: Final = 40
_ANOTHER_CLOCK: Final = 3600 * NS


class Lag(NamedTuple):
    """A press and how long it took: instant and duration, ns; `how` is "stored" or "acknowledged"."""

    t: int
    lag: int
    how: str


@dataclass(frozen=True, slots=True)
class Slot:
    """The presses of one slot: its start (ns), how many, and p50, p99 and max in seconds."""

    start: int
    n: int
    p50: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Latencies over a day.

    Attributes:
        n: presses that are measured.
        stored: those of which an instant of storing is known; of the others it is the acknowledgement.
        step: length of a slot, ns.
        slots: those in which a key was pressed, in order.
        trouble: why nothing could be measured, or "".
    """

    n: int = 0
    stored: int = 0
    step: int = SLOTS[0]
    slots: tuple[Slot, ...] = ()
    trouble: str = ""

    def to_json(self) -> dict[str, Any]:
        """For the data block."""
        return asdict(self)


class _Quiet:
    """A history without its traffic: which row tells which press does not depend on it, and it is most of the file."""

    def __init__(self, history: History) -> None:
        self._history = history
        self.header = history.header

    def records(self, kinds: Collection[tuple[str, str]]) -> Iterator[Record]:
        """The records of these kinds, those of lines left out."""
        return self._history.records(frozenset(kind for kind in kinds if kind[0] != "line"))


def of(run: RunDir) -> Latency:
    """The latencies of a run; what cannot be measured costs nothing but the curve."""
    try:
        truth = gather(cast(History, _Quiet(run.history)))
        rows, _ = read_rows(run.path)
        lags = list(_acknowledged(truth) if rows is None else _matched(truth, rows))
    except Exception as error:  # the page has to come out of any directory
        return Latency(trouble=f"the latencies cannot be made out: {type(error).__name__}: {error}")
    return by_slot(lags)


def _matched(truth: Truth, rows: Any) -> Iterable[Lag]:
    for found in match(truth, understand(rows, truth)).matches:
        event, stored, how = found.event, found.claim.stored_at, "stored"
        if stored is not None and not event.t - 2 * NS <= stored <= truth.end + _ANOTHER_CLOCK:
            stored = None
        if stored is None:
            stored = event.stored
        if stored is None:
            stored, how = event.acked, "acknowledged"
        if stored is not None:
            yield Lag(event.t, max(stored - event.t, 0), how)


def _acknowledged(truth: Truth) -> Iterable[Lag]:
    for event in truth.events:
        if event.acked is not None:
            yield Lag(event.t, max(event.acked - event.t, 0), "acknowledged")


def by_slot(lags: Sequence[Lag]) -> Latency:
    """Gather latencies in slots, the shortest of `SLOTS` of which forty are enough."""
    if not lags:
        return Latency()
    first, last = min(lag.t for lag in lags), max(lag.t for lag in lags)
    step = next((step for step in SLOTS if (last - first) // step < _MOST_SLOTS), SLOTS[-1])
    groups: dict[int, list[int]] = defaultdict(list)
    for lag in lags:
        groups[lag.t // step].append(lag.lag)
    slots = []
    for place in sorted(groups):
        told = Distribution.of(groups[place])
        slots.append(Slot(place * step, told.n, told.p50, told.p99, told.longest))
    return Latency(len(lags), sum(lag.how == "stored" for lag in lags), step, tuple(slots))
