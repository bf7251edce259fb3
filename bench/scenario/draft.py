"""The raw data of a scenario file, looked at with tolerance: what the cross-checks work on.

A file can have a mistake in one field and another between two tables; both must be told at once. So the checks between
fields do not wait for a valid model: they read the raw data through this view, which leaves out whatever has the wrong
type (the model reports that one).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, NamedTuple

from bench.scenario.fill import default_names, tables
from bench.scenario.locate import Path
from bench.scenario.times import MINUTE, Span, parse_span
from protocol.declared.model import Screen

_MOST_MINUTES = 1440
_AROUND = (("lead_minutes", 10.0), ("horizon_minutes", 120.0))  # the model's defaults


class Finding(NamedTuple):
    """A mistake at a path of the raw data; `at_key` points at the key instead of the value."""

    path: Path
    message: str
    hint: str = ""
    at_key: bool = False


class DraftDevice(NamedTuple):
    """A device of the raw data: its path, table, kind and name ("" when unknown), and the table of its line."""

    path: Path
    table: Mapping[str, Any]
    kind: str
    name: str
    line: Mapping[str, Any]

    @property
    def shown(self) -> str:
        """How messages call it."""
        return f'device "{self.name}"' if self.name else f"this {self.kind or 'device'}"


class DraftSpan(NamedTuple):
    """A readable span of the raw data, with its path."""

    path: Path
    span: Span


class Draft:
    """A tolerant view of the raw data of a scenario.

    Whether a reference leads nowhere can be said only when all names are readable (`all_errands_named`,
    `all_counters_numbered`): an unreadable one may be the one that is meant.
    """

    def __init__(
        self,
        data: Mapping[str, Any],
        queues: frozenset[str] | None = None,
        screens: Mapping[str, Screen] = MappingProxyType({}),
    ) -> None:
        """View of `data`.

        Args:
            data: the raw data.
            queues: the letters in the recorded ticket log, when one was read.
            screens: protocol of a declared device -> its display, of those on which the house can show a ticket.
        """
        self.data = data
        self.queues = queues
        self.screens = screens
        self.errands = tables(data, "errand")
        self.counters = tables(data, "counter")
        self.lines = tables(data, "line")
        by_index = dict(self.lines)
        self.devices = [
            DraftDevice(("line", at, "devices", index), device, text(device, "kind"), name, by_index[at])
            for at, index, device, name in default_names(data)
        ]
        self.errand_names = [name for _, errand in self.errands if (name := text(errand, "name"))]
        self.counter_numbers = [n for _, c in self.counters if (n := whole(c, "number")) is not None]
        self.all_errands_named = len(self.errand_names) == len(self.errands) > 0
        self.all_counters_numbered = len(self.counter_numbers) == len(self.counters) > 0
        self.open = spans(self.table("hours"), "open", ("hours", "open"))

    def table(self, key: str) -> Mapping[str, Any]:
        """The table `key` of the root, empty when there is none."""
        found = self.data.get(key)
        return found if isinstance(found, Mapping) else {}

    @property
    def running(self) -> tuple[int, int] | None:
        """From power-on to the end at the latest, ns since midnight; None when the hours cannot be read."""
        lead, horizon = (number({key: default, **self.table("hours")}, key) for key, default in _AROUND)
        if not self.open or lead is None or horizon is None:
            return None
        if not (0 <= lead <= _MOST_MINUTES and 0 <= horizon <= _MOST_MINUTES):
            return None  # the model reports it
        return max(0, self.open[0].span.start - round(lead * MINUTE)), self.open[-1].span.end + round(horizon * MINUTE)

    def of_kind(self, *kinds: str) -> list[DraftDevice]:
        """All devices of these kinds, in the file's order."""
        return [device for device in self.devices if device.kind in kinds]


def text(table: Mapping[str, Any], key: str) -> str:
    """The string `table[key]`, "" when absent or something else."""
    value = table.get(key)
    return value if isinstance(value, str) else ""


def whole(table: Mapping[str, Any], key: str) -> int | None:
    """The integer `table[key]`, None when absent or something else."""
    value = table.get(key)
    return value if type(value) is int else None


def number(table: Mapping[str, Any], key: str) -> float | None:
    """The number `table[key]`, None when absent or something else; what no float holds is infinite."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def texts(table: Mapping[str, Any], key: str) -> list[tuple[int, str]]:
    """The strings of the array `table[key]` with their index."""
    values = table.get(key)
    return [(i, v) for i, v in enumerate(values) if isinstance(v, str)] if isinstance(values, list) else []


def spans(table: Mapping[str, Any], key: str, path: Path) -> list[DraftSpan]:
    """The readable spans of the array `table[key]`, which stands at `path`."""
    found = []
    for index, value in texts(table, key):
        try:
            found.append(DraftSpan((*path, index), parse_span(value)))
        except ValueError:
            continue
    return found


def did_you_mean(word: str, choices: list[str]) -> str:
    """A hint with the nearest of the choices; else all of them when they are few; else nothing."""
    near = get_close_matches(word, choices, n=1, cutoff=0.6)
    lowered = {choice.lower(): choice for choice in reversed(choices)}
    if not near:
        near = [lowered[m] for m in get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.6)]
    if near:
        return f'did you mean "{near[0]}"?'
    return "there is " + ", ".join(f'"{choice}"' for choice in choices) if 0 < len(choices) <= 8 else ""
