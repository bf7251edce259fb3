"""What an invariant is judged on, and what comes out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.judge.claims import Claims
from bench.judge.course import Gap, Pulse
from bench.judge.matching import Matching
from bench.judge.records import Row
from bench.judge.stories import Story, press_line
from bench.judge.truth import Event, Truth
from firmware_sim.device import NS

__all__ = ["Case", "Finding", "Word", "margin_of", "quantiles", "word"]

Word = Literal["HOLDS", "VIOLATED", "UNKNOWN", "NOT EXERCISED"]


@dataclass(slots=True)
class Finding:
    """What became of one invariant.

    Args:
        verdict: the word.
        violations: how often it is broken.
        checked: how many things it was checked on.
        stories: the first violations.
        reason: why it is not decided, or a remark on how far it reaches; empty for none.
        figures: further numbers, JSON-able.
        margin: ns by which the word was decided, where it rests on a measured time; None where it does not.
    """

    verdict: Word
    violations: int = 0
    checked: int = 0
    stories: list[Story] = field(default_factory=list)
    reason: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    margin: int | None = None


@dataclass(slots=True)
class Case:
    """What the invariants are judged on.

    Args:
        truth: what happened.
        rows: what was stored, by their numbers.
        claims: the rows, understood; None if there are none to judge.
        matching: presses against rows; None without rows.
        most: most stories to keep for an invariant.
        names: clerk code -> clerk.
        gaps: what the program says is missing; None when it has no way to say so.
        health: what it says of the devices, in the order of time; None when it has no way to say so.
        resources: (instant ns, descriptors, kilobytes) of the program, None where that is not known.
    """

    truth: Truth
    rows: Mapping[int, Row]
    claims: Claims | None
    matching: Matching | None
    most: int
    names: dict[int, str] = field(default_factory=dict)
    gaps: list[Gap] | None = None
    health: list[Pulse] | None = None
    resources: list[tuple[int, int | None, int | None]] | None = None

    def press(self, event: Event) -> str:
        """The line of a story that tells a press."""
        return press_line(event, self.names)

    def stories(self, items: Iterable[Any], make: Callable[[Any], Story]) -> list[Story]:
        """The stories of the first violations."""
        return [make(item) for item, _ in zip(items, range(self.most), strict=False)]


def quantiles(lags: Sequence[int]) -> dict[str, float | None]:
    """p50, p99 and max of durations in ns, as seconds to the millisecond; None where there are none."""
    if not lags:
        return {"p50": None, "p99": None, "max": None}
    ordered = sorted(lags)

    def rank(share: float) -> float:
        return round(ordered[math.ceil(share * len(ordered)) - 1] / NS, 3)

    return {"p50": rank(0.5), "p99": rank(0.99), "max": rank(1.0)}


def word(violations: int, checked: int) -> Word:
    """The verdict that these numbers give by themselves."""
    if violations:
        return "VIOLATED"
    return "HOLDS" if checked else "NOT EXERCISED"


def margin_of(measured: Sequence[int], limit: int) -> int | None:
    """By how much times keep a limit, ns: the closest one, or the one that breaks it most; None for no times."""
    if not measured:
        return None
    return abs(max(measured) - limit)
