"""What a planner asks for: `p90(wait) <= 15 min`, `within(10 min) >= 90 %`, `mean(overtime) <= 20 min`.

A goal names a figure of a day, and holds of a design when the confidence interval of that figure's mean over days lies
on the right side of the limit, wholly; when the interval contains the limit it is open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from bench.planning.days import DayFigures
from bench.planning.statistics import Estimate

Answer: TypeAlias = Literal["met", "not met", "open"]
Measure: TypeAlias = Callable[[DayFigures], float | None]

_UNITS: Final[Mapping[str, float]] = {"s": 1, "sec": 1, "min": 60, "h": 3600}
_GOAL: Final = re.compile(
    r"\s*(?P<of>[a-z]+\d*(?:\.\d+)?)\s*\(\s*(?P<what>[^()]*?)\s*\)\s*(?P<sense><=|>=)\s*"
    r"(?P<limit>\d+(?:\.\d+)?)\s*(?P<unit>%|[a-z]*)\s*"
)
_TIME: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|min|h)")
EXAMPLES: Final = (
    "p90(wait) <= 15 min",
    "mean(wait) <= 8 min",
    "within(10 min) >= 90 %",
    "mean(overtime) <= 20 min",
    "mean(utilisation) <= 85 %",
    "mean(unserved) <= 1",
)


class GoalError(ValueError):
    """A goal that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit on a figure of the day.

    Attributes:
        text: as it was written.
        name: of the figure, e.g. "p90(wait)".
        kind: "time" (limit in seconds), "share" (0..1) or "number".
        at_most: whether the figure has to stay below the limit (else above).
        limit: in the unit of `kind`.
        level: the percentile asked for, if one is.
        within_minutes: the time asked for, if one is.
    """

    text: str
    name: str
    kind: Literal["time", "share", "number"]
    at_most: bool
    limit: float
    level: float | None = None
    within_minutes: float | None = None

    def measure(self, figures: DayFigures) -> float | None:
        """The figure of one day, in the goal's unit."""
        if self.level is not None:
            return figures.percentiles[self.level]
        if self.within_minutes is not None:
            return figures.within[self.within_minutes]
        value: float | None = getattr(figures, _FIGURES[self.name][0])
        return value

    def answer(self, found: Estimate | None) -> Answer:
        """Whether a design with this mean over days meets the goal."""
        if found is None or found.low is None or found.high is None:
            return "open"
        low, high = (found.low, found.high) if self.at_most else (-found.high, -found.low)
        limit = self.limit if self.at_most else -self.limit
        return "met" if high <= limit else "not met" if low > limit else "open"

    def better(self, a: float, b: float) -> bool:
        """Whether the figure `a` is nearer to the goal's side than `b`."""
        return a < b if self.at_most else a > b


_FIGURES: Final[Mapping[str, tuple[str, Literal["time", "share", "number"]]]] = {
    "mean(wait)": ("wait_mean", "time"),
    "mean(overtime)": ("overtime", "time"),
    "mean(utilisation)": ("utilisation", "share"),
    "mean(unserved)": ("unserved", "number"),
    "mean(queue)": ("longest", "number"),
}
"""Figures by the name they have in a goal: (field of `DayFigures`, kind). mean(queue) is that of the longest queue."""


def parse(text: str) -> Goal:
    """The goal that a text asks for.

    Raises:
        GoalError: with what is wrong, and how goals are written.
    """
    match = _GOAL.fullmatch(text.lower().replace("≤", "<=").replace("≥", ">="))
    if match is None:
        raise GoalError(f"the goal {text!r} is not understood; write it as {_examples()}")
    of, what, at_most = match["of"], " ".join(match["what"].split()), match["sense"] == "<="
    limit, unit = float(match["limit"]), match["unit"]
    if of == "within":
        time = _TIME.fullmatch(what)
        if time is None:
            raise GoalError(f'within(...) needs a time, e.g. "within(10 min) >= 90 %"; in {text!r} stands {what!r}')
        minutes = float(time[1]) * _UNITS[time[2]] / 60
        share = _share(text, limit, unit)
        return Goal(text, f"within({what})", "share", _sense(text, at_most, False), share, within_minutes=minutes)
    level = re.fullmatch(r"p(\d{1,2}(?:\.\d+)?)", of)
    if level is not None and what == "wait":
        seconds = _time(text, limit, unit)
        return Goal(text, f"{of}(wait)", "time", _sense(text, at_most, True), seconds, level=float(level[1]))
    name = f"{of}({what})"
    if name not in _FIGURES:
        raise GoalError(f"the goal {text!r} asks for {name}, which is not known; goals are like {_examples()}")
    kind = _FIGURES[name][1]
    limit = _time(text, limit, unit) if kind == "time" else _share(text, limit, unit) if kind == "share" else limit
    return Goal(text, name, kind, _sense(text, at_most, True), limit)


def _examples() -> str:
    return ", ".join(f'"{example}"' for example in EXAMPLES[:4])


def _time(text: str, limit: float, unit: str) -> float:
    if unit not in _UNITS:
        raise GoalError(f"the limit in {text!r} is a time and needs its unit: s, min or h")
    return limit * _UNITS[unit]


def _share(text: str, limit: float, unit: str) -> float:
    if unit not in ("", "%"):
        raise GoalError(f'the limit in {text!r} is a share: write "90 %" or "0.9"')
    share = limit / 100 if unit == "%" else limit
    if share > 1:
        raise GoalError(f'the limit in {text!r} is a share above 1: write "90 %" or "0.9"')
    return share


def _sense(text: str, at_most: bool, wanted: bool) -> bool:
    if at_most is not wanted:
        raise GoalError(f"the goal {text!r} would be met by doing worse; write {'<=' if wanted else '>='}")
    return at_most
