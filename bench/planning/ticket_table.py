"""Any ticket log as columns: which column is what, what its times mean, and what is wrong with it.

A log is a CSV with one ticket a row: comma, semicolon or tab between the cells, whichever the header has most of. Of
interest are `issued` and `called`, and where the log has them `done` (end of the service), `class` (errand), `counter`,
`left` (gave up waiting) and `day`. A time is ISO 8601 (`2025-03-10T08:12:30`, `2025-03-10 08:12`), a date with the day
first and a time (`10/03/2025 08:12`, as spreadsheets write it in Viet Nam and most of Europe), a time of day (`08:12`,
`08:12:30`) or minutes after midnight (`492.5`).

Nothing is repaired. A row that cannot be read is left out and told with its line; a duration that is negative, or that
lies far out, stays in the log and is told; only a negative one is kept from the fit of that duration.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from itertools import pairwise
from statistics import quantiles
from typing import Any, Final, NamedTuple

from bench.scenario.times import HOUR, MINUTE, NS

WANTED: Final[Mapping[str, str]] = {
    "issued": "when the ticket was taken",
    "called": "when it was called",
    "done": "when its service ended",
    "class": "what the visitor came for",
    "counter": "number of the counter",
    "left": "when the visitor gave up waiting",
    "day": "the date, where the times have none",
}
"""Meanings of columns; the first two are needed."""

NEEDED: Final = ("issued", "called")
_ALSO: Final[Mapping[str, tuple[str, ...]]] = {
    "issued": ("issue", "ticket_time", "arrival", "issued_min", "issued_at", "created"),
    "called": ("call", "call_time", "called_min", "called_at"),
    "done": ("end", "finished", "ended", "served", "done_min", "done_at", "completed"),
    "class": ("queue", "errand", "service", "category"),
    "counter": ("desk", "window"),
    "left": ("abandoned", "reneged"),
    "day": ("date",),
}
GAP: Final = HOUR
"""So long without a ticket between two of a day is told."""

FAR: Final = 3.0
"""Quartile ranges beyond the upper quartile of the logarithm from which a duration counts as far out (Tukey)."""

_SHOWN: Final = 80
"""Characters of a line that an error shows."""

_EXPECTED: Final = "a header and below it one line for each ticket"
_EXPORT: Final = "Export the log again, for a day on which the hall was open"

_SEPARATORS: Final = ",;\t"

_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:[ ,T]\s*(.+))?", re.ASCII)
_WRITTEN: Final = "Times are ISO 8601, DD/MM/YYYY HH:MM[:SS] (the day first), HH:MM[:SS] or minutes after midnight"


class TableError(ValueError):
    """The log cannot be used; the message says what was found and how to say which column is what."""


class Row(NamedTuple):
    """One ticket: its line in the file, day, class and counter as written, and instants in ns since midnight."""

    line: int
    day: str
    kind: str
    counter: str
    issued: int
    called: int | None
    done: int | None
    left: int | None


class Finding(NamedTuple):
    """A quality problem: how often, on which lines of the file (the first few), and what was done about it."""

    what: str
    number: int
    lines: tuple[int, ...]
    told: str


@dataclass(frozen=True, slots=True)
class Table:
    """A log as read.

    Attributes:
        columns: meaning -> name of the column.
        rows: in order of day and issue.
        findings: what is wrong with it.
    """

    columns: Mapping[str, str]
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]

    @property
    def days(self) -> list[str]:
        """The days, in order."""
        return sorted({row.day for row in self.rows})

    def of(self, day: str) -> list[Row]:
        """The rows of a day."""
        return [row for row in self.rows if row.day == day]


def mapping(text: str) -> dict[str, str]:
    """What `--columns issued=time,called=...` says.

    Raises:
        TableError: with how it is written, and the meanings there are.
    """
    found: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        meaning, equals, name = (piece.strip() for piece in part.partition("="))
        if not equals or not name or meaning not in WANTED:
            near = get_close_matches(meaning, WANTED, 1)
            hint = f"; did you mean {near[0]}?" if near and meaning not in WANTED else ""
            raise TableError(
                f"--columns {part!r} is not understood{hint}. Write MEANING=COLUMN, with the meanings "
                + ", ".join(f"{key} ({what})" for key, what in WANTED.items())
            )
        found[meaning] = name
    return found


def _columns(header: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    found = dict(given)
    for meaning in WANTED:
        known = [name for name in (meaning, *_ALSO[meaning]) if name in {h.lower() for h in header}]
        if meaning not in found and known:
            found[meaning] = next(h for h in header if h.lower() == known[0])
    wrong = [f"{meaning}={name}" for meaning, name in given.items() if name not in header]
    lacking = [meaning for meaning in NEEDED if meaning not in found]
    if wrong or lacking:
        told = f"has no column {', '.join(wrong)}" if wrong else f"has no column that is known as {', '.join(lacking)}"
        raise TableError(
            f"the log {told}; it has: {', '.join(header)}. Say which is which, e.g. "
            f"--columns issued=TAKEN,called=CALLED,done=FINISHED,class=SERVICE "
            f"({', '.join(f'{key}: {WANTED[key]}' for key in (*NEEDED, 'done', 'class'))})"
        )
    return found


def _day_first(match: re.Match[str]) -> str | None:
    """The date of a `_DAY_FIRST` as ISO 8601 has it; None where the calendar has no such day."""
    try:
        return date(int(match[4]), int(match[3]), int(match[1])).isoformat()
    except ValueError:
        return None


def _of_day(text: str) -> int | None:
    """The ns since midnight of HH:MM[:SS], up to 47:59 for after midnight; None when it is no such time."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds = int(match[1]), int(match[2]), float(match[3] or 0)
    if hours > 47 or minutes > 59 or seconds >= 60:
        return None
    return hours * HOUR + minutes * MINUTE + round(seconds * NS)


def _instant(text: str) -> tuple[str, int] | None:
    """(date or "", ns since midnight); None when it is no time."""
    dated = _DAY_FIRST.fullmatch(text)
    if dated:
        day, at = _day_first(dated), _of_day(dated[5] or "")
        return (day, at) if day is not None and at is not None and at < 24 * HOUR else None
    clock = _of_day(text)
    if clock is not None:
        return "", clock
    try:
        number = float(text)
    except ValueError:
        pass
    else:
        return ("", round(number * MINUTE)) if math.isfinite(number) and 0 <= number <= 2880 else None
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        return None
    since = stamp.replace(tzinfo=None) - datetime(stamp.year, stamp.month, stamp.day)  # noqa: DTZ001 - wall clock
    return stamp.date().isoformat(), (since.seconds * 1_000_000 + since.microseconds) * 1000


def read(text: str, given: Mapping[str, str] | None = None) -> Table:
    """Read a log.

    Args:
        text: the CSV.
        given: meaning -> column, for columns that are called otherwise.

    Raises:
        TableError: no CSV, a column is missing, or no row can be read.
    """
    text = text.removeprefix("\ufeff")
    separator = max(_SEPARATORS, key=text.lstrip("\r\n").partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=separator)
    try:
        lines = [(reader.line_num, row) for row in reader if row]
    except csv.Error as exc:
        raise TableError(f"line {reader.line_num} is not CSV: {exc}") from exc
    if not lines:
        raise TableError(f"the log is empty: expected {_EXPECTED}. {_EXPORT}")
    header = [name.strip() for name in lines[0][1]]
    columns = _columns(header, given or {})
    if len(lines) == 1:
        raise TableError(
            f"the log has a header (line {lines[0][0]}: {', '.join(header)[:_SHOWN]}) and no tickets: expected "
            f"{_EXPECTED}. {_EXPORT}"
        )
    places = {meaning: header.index(name) for meaning, name in columns.items()}
    rows: list[Row] = []
    bad: list[int] = []
    for line, cells in lines[1:]:
        row = _row(line, cells, places)
        if row is None:
            bad.append(line)
        else:
            rows.append(row)
    if not rows:
        line, cells = lines[1]
        raise TableError(
            f"no row of the log can be read; line {line} is {separator.join(cells)[:_SHOWN]!r}. "
            f"Columns taken: {', '.join(f'{m}={n}' for m, n in columns.items())}. {_WRITTEN}"
        )
    rows.sort(key=lambda row: (row.day, row.issued, row.line))
    return Table(columns, tuple(rows), tuple(_findings(rows, bad)))


def _row(line: int, cells: Sequence[str], places: Mapping[str, int]) -> Row | None:
    values = {m: cells[place].strip() if place < len(cells) else "" for m, place in places.items()}
    written = values.get("day", "")
    dated = _DAY_FIRST.fullmatch(written)
    day = _day_first(dated) if dated else written
    if day is None:
        return None
    times: dict[str, int | None] = {}
    for name in ("issued", "called", "done", "left"):
        if not values.get(name):
            times[name] = None
            continue
        found = _instant(values[name])
        if found is None:
            return None
        times[name] = found[1]
        if found[0] and name == "issued":
            day = day or found[0]
        elif found[0] and found[0] != day:  # after midnight
            return None
    issued = times["issued"]
    if issued is None:
        return None
    kind, counter = values.get("class", "") or "all", values.get("counter", "")
    return Row(line, day, kind, counter, issued, times["called"], times["done"], times["left"])


def _findings(rows: Sequence[Row], bad: Sequence[int]) -> list[Finding]:
    found: list[Finding] = []

    def tell(what: str, lines: Sequence[int], told: str) -> None:
        if lines:
            found.append(Finding(what, len(lines), tuple(sorted(lines)[:5]), told))

    tell("unreadable rows", bad, "left out")
    tell(
        "called before issued",
        [r.line for r in rows if r.called is not None and r.called < r.issued],
        "kept as arrivals; their waits are not compared",
    )
    tell(
        "done before called",
        [r.line for r in rows if r.done is not None and r.called is not None and r.done < r.called],
        "their service is not fitted",
    )
    tell(
        "service of no time",
        [r.line for r in rows if r.done is not None and r.done == r.called],
        "kept from the lognormal, which has no 0",
    )
    if any(r.done is not None for r in rows):
        tell(
            "called and without an end",
            [r.line for r in rows if r.called is not None and r.done is None],
            "kept as arrivals; their service is not fitted",
        )
    tell("never called", [r.line for r in rows if r.called is None], "kept as arrivals")
    seen: dict[tuple[Any, ...], int] = {}
    twice = []
    for row in rows:
        if row[1:] in seen:
            twice.append(row.line)
        seen.setdefault(row[1:], row.line)
    tell("the same row again", twice, "kept: two people may come at one instant; remove them if they are copies")
    gaps = [
        after.line for before, after in pairwise(rows) if after.day == before.day and after.issued - before.issued > GAP
    ]
    tell("an hour or more without a ticket", gaps, "kept: a closed hall, or a log that stood still")
    tell("services far out", _far(rows), "kept in the fit: see whether somebody forgot to press the key")
    return found


def _far(rows: Sequence[Row]) -> list[int]:
    logs = {r.line: math.log(r.done - r.called) for r in rows if r.done and r.called and r.done > r.called}
    if len(logs) < 20:
        return []
    low, _, high = quantiles(logs.values(), n=4)
    return [line for line, value in logs.items() if value > high + FAR * (high - low)]
