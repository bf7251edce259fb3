"""What became of presses without a row: who could have saved them, and whether their loss can be seen.

Obligation, not wishful exactly-once (conformance.md 4.3): a loss is the program's when the press was SEEN-INTACT, when
it removed the press from its device, or when asking in time would have returned it. Any other loss is the device's or
the line's; if the device shows it (an overflow flag, a hole in the numbers) the program has to report it (J2), and if
not, it is the protocol's, which no program can make up for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from bench.judge.truth import Event, Truth
from firmware_sim.device import NS

__all__ = ["CLASSES", "Fate", "fates", "identifiability", "reachable", "said"]

CLASSES: Final = ("overflow", "acknowledged", "waiting", "erased", "twin")
"""How a press can be without a row."""

_NUMBERED: Final = "modbus_rtu"
"""Protocol of profile RK-1: epoch, sequence, explicit acknowledgement, lost-count."""

_SAID: Final = {
    "overflow": "LOST: the keypad's queue overflowed at {}{}; no row tells it",
    "acknowledged": "LOST: the collector acknowledged it at {}, which removed it from the keypad; no row tells it",
    "waiting": "LOST: it still waits in the keypad at the end of the run, {}{}; no row tells it",
    "erased": "LOST: the keypad's memory of it was gone at {}{}; no row tells it",
    "twin": "LOST: an earlier press had the same number, so nobody could tell it ({})",
}


class Fate(NamedTuple):
    """What became of a press without a row.

    Args:
        event: the press.
        kind: one of `CLASSES`.
        at: instant at which it was settled, ns.
        avoidable: the program could have had it.
        visible: the device shows that something is missing.
    """

    event: Event
    kind: str
    at: int
    avoidable: bool
    visible: bool


def identifiability(protocol: str) -> str:
    """What a protocol lets be proved (conformance.md 4.3): I3 by number, I1 by value and order."""
    return "I3" if protocol == _NUMBERED else "I1"


def fates(lost: Iterable[Event], truth: Truth) -> list[Fate]:
    """What became of each of these presses, in their order."""
    later: dict[tuple[str, int], int] = {}
    for event in truth.events:
        if event.gone is None:
            later[event.device, event.epoch] = event.n
    return [_fate(event, truth, later) for event in lost]


def _fate(event: Event, truth: Truth, later: dict[tuple[str, int], int]) -> Fate:
    numbered = truth.devices[event.device].protocol in (_NUMBERED, "")
    if event.acked is not None:
        if event.twin:
            return Fate(event, "twin", event.acked, avoidable=False, visible=False)
        # a reply that clears was spoilt: what it carried is gone, and nothing shows it
        line = truth.devices[event.device].line
        spoilt = not numbered and event.seen is None and bool(truth.course.near(event.acked, line, after=NS // 2))
        return Fate(event, "acknowledged", event.acked, avoidable=not spoilt, visible=False)
    kind, at = "waiting", truth.end
    if event.dropped is not None:
        kind, at = "overflow", event.dropped
    elif event.gone is not None:
        kind, at = "erased", event.gone
    chance = event.seen is not None or reachable(truth, event.device, event.t, at) >= truth.limits.settle
    shows = numbered and (
        kind == "overflow" or (kind == "erased" and later.get((event.device, event.epoch), -1) > event.n)
    )
    return Fate(event, kind, at, chance, shows)


def reachable(truth: Truth, device: str, begin: int, end: int) -> int:
    """For how long of a stretch a device could be asked, ns: the stretch without the times in which it was cut off.

    Cut off is a device that did not answer while a fault was at work on it or on its line, or that had no supply or
    started anew. One that is silent for no such reason was not asked as it should be.
    """
    station = truth.devices[device]
    line = truth.traffic.lines.get(station.line)
    unit = None if line is None or station.unit is None else line.units.get(station.unit)
    left = max(end - begin, 0)
    for since, until in () if unit is None else unit.silences(max(truth.end, truth.last)):
        if truth.course.cause(device, station.line, since, until):
            left -= max(min(until, end) - max(since, begin), 0)
    return max(left, 0)


def said(fate: Fate, at: str) -> str:
    """The last line of its story; `at` is the instant as text."""
    why = ""
    if fate.event.seen is not None:
        why = ", after the collector had received it undamaged"
    elif fate.avoidable and fate.kind != "waiting":
        why = ", and it could have been fetched before"
    return _SAID[fate.kind].format(at, why)
