"""From a trial that fails to a small one that fails in the same way: fewer faults, then devices, presses, and time.

Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002): halves first, then
smaller parts, until no single element can be left out. The rounds are repeated until a whole one changes nothing, so
that the result is 1-minimal in all of its parts at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from bench.hunt.trial import Trial

__all__ = ["MOST_RUNS", "minimal", "shrink"]

Item = TypeVar("Item")

MOST_RUNS: Final = 400
"""Trials that shrinking may cost: then what has been reached is taken as it is."""

_QUIET_S: Final = 36
"""Seconds after the last press or fault that stay: what a press leaves open in them is no loss yet (World's settle)."""

_LEAST_S: Final = 40


def minimal(items: Sequence[Item], fails: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """A part of `items`, in their order, that still fails and no element of which can be left out.

    Args:
        items: for which `fails` is true.
        fails: of a part of them.
    """
    kept = list(items)
    parts = 2
    if kept and fails([]):
        return []
    while len(kept) >= 2:
        size = -(-len(kept) // parts)
        for at in range(0, len(kept), size):
            rest = kept[:at] + kept[at + size :]
            if rest and fails(rest):
                kept, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(len(kept), 2 * parts)
    return kept


def shrink(trial: Trial, fails: Callable[[Trial], bool], most: int = MOST_RUNS) -> tuple[Trial, int]:
    """The small trial, and how many were played on the way.

    Args:
        trial: one that fails.
        fails: plays a trial; True when the same invariant is violated. Asked once for each trial.
        most: plays at most so many.
    """
    known: dict[str, bool] = {trial.key: True}
    played = 0

    def still(candidate: Trial) -> bool:
        nonlocal played
        key = candidate.key
        if key not in known:
            if played >= most:
                return False
            played += 1
            known[key] = fails(candidate)
        return known[key]

    while True:
        before = trial.key
        for step in _STEPS:
            trial = step(trial, still)
        if trial.key == before:
            return trial, played


Still = Callable[[Trial], bool]


def _faults(trial: Trial, still: Still) -> Trial:
    return replace(trial, faults=tuple(minimal(trial.faults, lambda part: still(replace(trial, faults=tuple(part))))))


def _devices(trial: Trial, still: Still) -> Trial:
    if len(trial.devices) < 2:
        return trial
    kept = minimal(trial.devices, lambda part: bool(part) and still(trial.without_devices(part)))
    return trial.without_devices(kept) if len(kept) < len(trial.devices) else trial


def _acts(trial: Trial, still: Still) -> Trial:
    return replace(trial, acts=tuple(minimal(trial.acts, lambda part: still(replace(trial, acts=tuple(part))))))


def _strikes(trial: Trial, still: Still) -> Trial:
    """A fault that strikes at a rate, or without end, strikes once if that is enough."""
    for number, fault in enumerate(trial.faults):
        for change in ({"rate": 1.0, "count": 1}, {"count": 1}, {"count": 2}):
            if not change.keys() <= fault.keys() or all(fault[key] == value for key, value in change.items()):
                continue
            simpler = {**fault, **change}
            faults = (*trial.faults[:number], simpler, *trial.faults[number + 1 :])
            candidate = replace(trial, faults=faults)
            if _cost(simpler) < _cost(fault) and still(candidate):
                trial = candidate
                break
    return trial


def _cost(fault: object) -> int:
    count = fault.get("count", 1) if isinstance(fault, dict) else 1
    rate = fault.get("rate", 1.0) if isinstance(fault, dict) else 1.0
    return (1000 if count == 0 else count) + (rate < 1)


def _settings(trial: Trial, still: Still) -> Trial:
    """Sequence numbers begin at 0 and the program at once, if that is enough."""
    for candidate in (replace(trial, sequences={}), replace(trial, late_ms=0)):
        if candidate.key != trial.key and still(candidate):
            trial = candidate
    return trial


def _time(trial: Trial, still: Still) -> Trial:
    """Nothing comes after the last of it, for no longer than a collector needs to come to rest."""
    for seconds in _lengths(trial):
        candidate = replace(trial, seconds=seconds)
        if still(candidate):
            return candidate
    return trial


def _lengths(trial: Trial) -> Iterator[int]:
    last = max((act.at_ms // 1000 + 1 for act in trial.acts), default=0)
    for fault in trial.faults:
        last = max(last, int(fault.get("at", 0)) + 1, int(fault.get("after", 0)) + 1)
    least = max(_LEAST_S, last + _QUIET_S)
    for seconds in (least, (least + trial.seconds) // 2):
        if seconds < trial.seconds:
            yield seconds


_STEPS: Final[tuple[Callable[[Trial, Still], Trial], ...]] = (_faults, _devices, _acts, _strikes, _settings, _time)
