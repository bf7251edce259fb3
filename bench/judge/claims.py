"""What stored rows mean: each value read as the kind of thing its column holds, and every value that cannot be, told.

A row that names a device by its unit number, a clerk by name, a ticket with its letter, an instant as text or as Unix
seconds becomes one `Claim` in the judge's own terms. What cannot be understood becomes a `Problem` and stays in the
claim as something that fits no press: a wrong value is the collector's finding, never an error of the judge.
"""

from __future__ import annotations

import datetime as dt
import difflib
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from bench.judge.records import FIELDS, Row, Rows, Scalar
from bench.judge.truth import Truth
from firmware_sim.device import NS

__all__ = ["UNKNOWN", "Claim", "Claims", "Problem", "instants", "no_instant", "number", "understand"]

UNKNOWN: Final = -1
"""A clerk, ticket or value that cannot be: it equals none of any press."""

_OLDEST, _YOUNGEST = 946_684_800, 4_102_444_800  # the years 2000 to 2100, Unix seconds
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LETTERED = re.compile(r"[^\W\d_]{1,3}[-. ]?\d{1,9}")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


class Problem(NamedTuple):
    """Something that is wrong with the data themselves.

    Args:
        row: place of the row, 1 for the first; 0 for all of them.
        column: field of the row.
        value: what stands there.
        what: what is wrong, and what was expected.
    """

    row: int
    column: str
    value: Scalar
    what: str

    def __str__(self) -> str:
        where = f"row {self.row}" if self.row else "all rows"
        return f"{where}: {self.column}: {self.what}"


class Claim(NamedTuple):
    """One row, understood.

    Args:
        n: place of the row, 1 for the first.
        device: name of a keypad that the program answers for; None if the row names none of them.
        value: key pressed; `UNKNOWN` if it cannot be.
        clerk: clerk code; None if the rows tell no clerk.
        ticket: number of the ticket on the wire, 0 for none; None if it is not told, or has a letter and the history
            does not tell which number that is.
        at: instant of the press as stored, ns since local midnight; None if unknown.
        key: (epoch, seq); None if the row does not have both.
        stored_at: instant of storing, ns since local midnight; None if unknown.
    """

    n: int
    device: str | None
    value: int
    clerk: int | None
    ticket: int | None
    at: int | None
    key: tuple[int, int] | None
    stored_at: int | None


class Claims(NamedTuple):
    """All rows, understood.

    Args:
        claims: one for each row, in the order of storing.
        fields: the columns that say something.
        problems: what is wrong with the data; the first `KEPT`.
        wrong: how many problems there are.
        ordered: whether the order of the rows is the order of storing.
        lettered: how many tickets could not be compared, because only the letter and number for people are told.
    """

    claims: list[Claim]
    fields: frozenset[str]
    problems: list[Problem]
    wrong: int
    ordered: bool
    lettered: int


KEPT: Final = 100

_BACK: Final = 2 * NS  # an instant in whole seconds, taken down before its row was stored, may lie so far back


class _Reader:
    """Reads the columns of all rows; keeps the first problems and counts the others."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.problems: list[Problem] = []
        self.wrong = 0
        self.lettered = 0
        self.units = truth.unit_names()
        self.codes = frozenset(truth.clerks.values())
        try:
            self.zone = ZoneInfo(truth.timezone)
        except (KeyError, ValueError, OSError):
            self.zone = ZoneInfo("UTC")

    def complain(self, row: int, column: str, value: Scalar, what: str) -> None:
        self.wrong += 1
        if len(self.problems) < KEPT:
            self.problems.append(Problem(row, column, value, what))

    def device(self, n: int, value: Scalar) -> str | None:
        counted = self.truth.counted
        if isinstance(value, str) and value in counted:
            return value
        if value is None or value == "":
            self.complain(n, "device", value, "NULL: a rating without a device belongs to nobody")
            return None
        if isinstance(value, str) and value in self.truth.devices:
            kind = self.truth.devices[value]
            what = f"{value!r} is a {kind.kind} of the {kind.owner or 'house'}, not a rating keypad of the program"
            self.complain(n, "device", value, what)
            return None
        unit = _whole(value)
        named = self.units.get(unit, []) if unit is not None else []
        if len(named) == 1:
            return named[0]
        if named:
            what = f"unit {unit} is {' and '.join(named)}: on several lines only a device's name is unambiguous"
        else:
            near = difflib.get_close_matches(str(value), counted, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            what = f"{value!r} is no rating keypad of the program, by name or unit{hint}"
        self.complain(n, "device", value, what)
        return None

    def value(self, n: int, value: Scalar) -> int:
        number = _whole(value)
        if number is not None and 1 <= number <= 5:
            return number
        self.complain(n, "value", value, "NULL: no key" if value is None else f"{value!r} is not a key, 1..5")
        return UNKNOWN

    def clerk(self, n: int, value: Scalar) -> int:
        if value is None or value == "":
            return 0
        if isinstance(value, str) and value in self.truth.clerks:
            return self.truth.clerks[value]
        number = _whole(value)
        if number is not None and (number == 0 or number in self.codes or not self.codes):
            return number
        self.complain(n, "clerk", value, f"{value!r} is no clerk of this hall, by name or code")
        return UNKNOWN if number is None else number

    def ticket(self, n: int, value: Scalar) -> int | None:
        if value is None or value == "":
            return 0
        if isinstance(value, str) and value in self.truth.numbers:
            return self.truth.numbers[value]
        number = _whole(value)
        if number is not None and number >= 0:
            return number
        if isinstance(value, str) and _LETTERED.fullmatch(value):
            self.lettered += 1  # the letter is the controller's; on the wire there is a number
            return None
        self.complain(n, "ticket", value, f"{value!r} is not a ticket: expected a number or a letter and a number")
        return UNKNOWN

    def key(self, n: int, epoch: Scalar, seq: Scalar) -> tuple[int, int] | None:
        numbers = []
        for column, value in (("epoch", epoch), ("seq", seq)):
            number = _whole(value)
            if number is None or not 0 <= number <= 0xFFFF:
                what = "NULL where other rows have one" if value is None else f"{value!r} is not a number 0..65535"
                self.complain(n, column, value, f"{what}; the row is matched by its contents")
                return None
            numbers.append(number)
        return numbers[0], numbers[1]

    def instants(self, rows: Sequence[Row], column: str, get: Callable[[Row], Scalar]) -> list[int | None]:
        """Instants of a column as ns since local midnight; text without a zone is the hall's time, or plainly UTC."""
        exact: list[int | None] = []
        naive: list[tuple[int, int]] = []  # place, Unix ns if the text were UTC
        for place, row in enumerate(rows):
            value = get(row)
            ns, has_zone, what = _instant(value)
            if what and not (value is None and column == "stored_at"):
                self.complain(row.n, column, value, what)
            elif ns is not None and not has_zone:
                naive.append((place, ns))
            exact.append(ns if ns is not None and has_zone else None)
        # What a program notes by its own clock is wall time; `at` is the device's, whose clock is the hall's.
        place_of = self.truth.at_wall if column == "stored_at" else self.truth.at_unix
        result = [None if ns is None else place_of(ns) for ns in exact]
        if naive:
            local = [place_of(self._local(ns)) for _, ns in naive]
            utc = [place_of(ns) for _, ns in naive]
            if self._inside(utc) > self._inside(local):
                what = f"no zone is given; read as UTC, because as time in {self.truth.timezone} it misses the day"
                self.complain(0, column, None, what)
                local = utc
            for (place, _), ns in zip(naive, local, strict=True):
                result[place] = ns
        known = [ns for ns in result if ns is not None]
        strange = len(known) - self._inside(known)
        if strange:
            what = f"{strange} of {len(known)} instants lie outside the run: is the collector's clock the hall's?"
            self.complain(0, column, None, what)
        return result

    def _local(self, ns: int) -> int:
        """Unix ns of a text without a zone that is the hall's own time, given as what it would be in UTC."""
        moment = _EPOCH + dt.timedelta(microseconds=ns // 1000)
        offset = moment.replace(tzinfo=self.zone).utcoffset() or dt.timedelta()
        return ns - int(offset.total_seconds()) * NS

    def _inside(self, instants: Iterable[int]) -> int:
        events = self.truth.events
        first = min(event.t for event in events) if events else (self.truth.first or 0)
        begin, end = first - 60 * NS, self.truth.last + 3600 * NS
        return sum(begin <= t <= end for t in instants)


def understand(rows: Rows, truth: Truth) -> Claims:
    """Read rows in the terms of a hall.

    Args:
        rows: the rows as stored. A column that no row fills says nothing, except the clerk's: a collector that keeps a
            clerk and never knows one is wrong.
        truth: devices, clerks, day and time zone.
    """
    reader = _Reader(truth)
    columns = set(rows.fields)
    for place, name in enumerate(FIELDS, 1):
        if name not in ("device", "value", "clerk") and all(row[place] is None for row in rows):
            columns.discard(name)
    has = columns.__contains__
    keyed = has("epoch") and has("seq")
    nothing: list[int | None] = [None] * len(rows)
    at = reader.instants(rows, "at", lambda row: row.at) if has("at") else nothing
    stored = reader.instants(rows, "stored_at", lambda row: row.stored_at) if has("stored_at") else nothing
    claims = []
    for row, row_at, row_stored in zip(rows, at, stored, strict=True):
        claims.append(
            Claim(
                row.n,
                reader.device(row.n, row.device),
                reader.value(row.n, row.value),
                reader.clerk(row.n, row.clerk) if has("clerk") else None,
                reader.ticket(row.n, row.ticket) if has("ticket") else None,
                row_at,
                reader.key(row.n, row.epoch, row.seq) if keyed else None,
                row_stored,
            )
        )
    _find_twins(claims, reader)
    if rows.order is not None and has("stored_at"):
        _find_jumps(claims, reader)
    return Claims(claims, frozenset(columns), reader.problems, reader.wrong, rows.order is not None, reader.lettered)


def _find_jumps(claims: Iterable[Claim], reader: _Reader) -> None:
    """Instants of storing that go back from one row to the next: somebody set the collector's clock."""
    before: Claim | None = None
    for claim in claims:
        if claim.stored_at is None:
            continue
        if before is not None and before.stored_at is not None and before.stored_at - claim.stored_at > _BACK:
            by = (before.stored_at - claim.stored_at) / NS
            what = f"{by:.3f} s before that of row {before.n}, which was stored earlier: was the collector's clock set?"
            reader.complain(claim.n, "stored_at", None, what)
        before = claim


def _find_twins(claims: Iterable[Claim], reader: _Reader) -> None:
    seen: dict[tuple[str, tuple[int, int]], int] = {}
    for claim in claims:
        if claim.device is None or claim.key is None:
            continue
        first = seen.setdefault((claim.device, claim.key), claim.n)
        if first != claim.n:
            epoch, seq = claim.key
            what = f"the key of row {first} again ({claim.device}, epoch {epoch}, seq {seq})"
            reader.complain(claim.n, "seq", seq, what)


def _whole(value: Any) -> int | None:
    """A whole number as a database may hold it: 4, 4.0, "4"; None for anything else."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        text = value.strip()
        digits = text.removeprefix("-")
        return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None
    return None


def number(value: Scalar) -> int | None:
    """A whole number as it may be stored: 4, 4.0, "4"; None for anything else."""
    return _whole(value)


def instants(values: Sequence[Scalar], truth: Truth) -> list[int | None]:
    """Instants that a program noted by its own clock, as ns since local midnight; None for what is none."""
    rows = [Row(n, stored_at=value) for n, value in enumerate(values, 1)]
    return _Reader(truth).instants(rows, "stored_at", lambda row: row.stored_at)


def no_instant(value: Scalar) -> str:
    """Why a stored value is no instant; empty if it is one."""
    return _instant(value)[2]


def _instant(value: Scalar) -> tuple[int | None, bool, str]:
    """Unix ns, whether the zone is known, and what is wrong with it."""
    if value is None or value == "":
        return None, True, "NULL: no instant"
    seconds: int | float | str = value
    if isinstance(value, str):
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            return _calendar(text)
        seconds = float(text) if not text.lstrip("+-").isdigit() else int(text[:25])
    number = float(seconds)
    if not math.isfinite(number):
        return None, True, f"{value!r} is not an instant"
    if not _OLDEST <= number <= _YOUNGEST:
        unit = "milliseconds" if _OLDEST <= number / 1e3 <= _YOUNGEST else ""
        unit = unit or ("microseconds" if _OLDEST <= number / 1e6 <= _YOUNGEST else "")
        hint = f"it looks like {unit}; " if unit else ""
        return None, True, f"{value!r} is not an instant of this century: {hint}expected Unix seconds or ISO 8601"
    whole = int(seconds)
    return whole * NS + round((number - whole) * 1e6) * 1000, True, ""


def _calendar(text: str) -> tuple[int | None, bool, str]:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None, True, f"{text!r} is not an instant: expected ISO 8601 or Unix seconds"
    if len(text) <= 10:
        return None, True, f"{text!r} has no time of day"
    has_zone = moment.tzinfo is not None
    since = (moment if has_zone else moment.replace(tzinfo=dt.UTC)) - _EPOCH
    ns = (since.days * 86_400 + since.seconds) * NS + since.microseconds * 1000
    if not _OLDEST <= ns // NS <= _YOUNGEST:
        return None, True, f"{text!r} is not an instant of this century"
    return ns, has_zone, ""
