"""A fitted hall as a scenario file, and the log itself played again.

The scenario has the fitted arrivals and services, a counter for each of the log (with the classes it served; without
such a column, counters that serve everything), and the least house that a scenario needs, so that it can be edited, run
through devices and planned again. The log's service runs from the call to the end, so people's own seconds (walking,
keys) are in it already and are 0 here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import fmean, quantiles
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bench.hall.columns import Columns
from bench.planning.engine import NO_DELAYS
from bench.planning.fit import Fit, half_width
from bench.planning.outcome import Hall
from bench.planning.ticket_table import Row, Table, TableError
from bench.scenario.times import MINUTE, NS, time_text
from bench.scenario.toml_out import quoted

if TYPE_CHECKING:
    from bench.scenario.model import Scenario

ON_A_LINE: Final = 24
"""Devices of a kind on one line of the fitted scenario."""

MOST: Final = 200
"""Counters of a fitted scenario: unit numbers end at 247."""


def letters(kinds: Sequence[str]) -> dict[str, str]:
    """A ticket letter for each class: its own where it is one or two capitals, else the next that is free."""
    own = {kind: kind for kind in kinds if re.fullmatch(r"[A-Z]{1,2}", kind)}
    alphabet = [chr(65 + i) for i in range(26)]
    free = (one for one in [*alphabet, *(a + b for a in alphabet for b in alphabet)] if one not in own)
    return {kind: own.get(kind) or next(free) for kind in kinds}


def counters_of(table: Table, kinds: Sequence[str], number: int | None) -> dict[int, list[str]]:
    """Number of a counter -> the classes it serves, in the order of `kinds`.

    Raises:
        TableError: the log names no counters and no number was given, or there are too many.
    """
    names = sorted({row.counter for row in table.rows if row.counter}, key=_natural)
    if not names:
        if number is None:
            raise TableError(
                "the log does not say which counter served whom: say how many there were with --counters N, or which "
                "column it is with --columns counter=COLUMN"
            )
        return {place: list(kinds) for place in range(1, number + 1)}
    if len(names) > MOST:
        raise TableError(f"the log names {len(names)} counters; a fitted scenario has {MOST} at most")
    served: dict[str, set[str]] = {name: set() for name in names}
    for row in table.rows:
        if row.counter:
            served[row.counter].add(row.kind)
    nobody = [kind for kind in kinds if not any(kind in found for found in served.values())]
    return {
        place: [kind for kind in kinds if kind in served[name] or kind in nobody]
        for place, name in enumerate(names, start=1)
    }


def _natural(name: str) -> tuple[int, str]:
    digits = re.search(r"\d+", name)
    return (int(digits.group()) if digits else 0, name)


def scenario_text(found: Fit, counters: dict[int, list[str]], title: str) -> str:
    """The fitted hall as the text of a scenario file."""
    kinds = [service.kind for service in found.services]
    letter = letters(kinds)
    shape = ", ".join(f'"{time_text(at)}" = {weight:.6g}' for at, weight in found.shape.items())
    lines = [
        "# Fitted to a ticket log by `hallbench plan --from`. Arrivals, services and who serves what are from the log;",
        "# lines and devices are the least that a scenario needs, to be replaced by those of the hall.",
        f"title = {_quoted(title)}",
        'date = 2025-03-10\ntimezone = "UTC"\nrating_share = 0\nmust_exercise = []',
        f"\n[hours]\nopen = [{', '.join(_quoted(str(span)) for span in found.open)}]",
        f"\n[arrivals]\nvisitors = {found.visitors:.6g}\nbusyness_cv = {min(found.busyness_cv, 3):.4g}",
        f"shape = {{ {shape} }}",
        "\n[pace]  # in the log's services\nkiosk_s = 0\nwalk_s = 0\nclerk_s = 0",
    ]
    for service in found.services:
        median, p90 = max(service.median, 1e-4), min(max(service.p90, service.median), 100 * service.median)
        lines += [
            f'\n[[errand]]\nname = {_quoted(service.kind)}\nletter = "{letter[service.kind]}"',
            f"share = {max(service.share, 1e-6):.6g}\nminutes = {{ median = {median:.6g}, p90 = {p90:.6g} }}",
        ]
    for number, served in counters.items():
        names = ", ".join(map(_quoted, served))
        lines.append(f'\n[[counter]]\nnumber = {number}\nclerk = "C{number:02}"\nerrands = [{names}]')
    numbers = list(counters)
    for place, start in enumerate(range(0, len(numbers), ON_A_LINE), start=1):
        mine = numbers[start : start + ON_A_LINE]
        for name, owner, kind in (("keypads", "collector", "rating_keypad"), ("hall", "house", "clerk_console")):
            rows = [f'  {{ kind = "{kind}", unit = {unit}, counter = {n} }},' for unit, n in enumerate(mine, start=1)]
            if name == "hall" and place == 1:
                rows.append('  { kind = "main_board", unit = 240, rows = 4 },')
                rows.append('  { kind = "kiosk_button", unit = 241, printer = "printer-1" },')
            lines += [f'\n[[line]]\nname = "{name}-{place}"\nowner = "{owner}"\ndevices = [', *rows, "]"]
    lines.append('\n[[line]]\nname = "ticket"\nowner = "house"\nduplex = "full"\n'
                 'devices = [{ kind = "ticket_printer", name = "printer-1" }]')  # fmt: skip
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML string of at most 120 characters of what the log says."""
    return quoted(text[:120])


def replay(table: Table, scenario: Scenario, engine: str) -> dict[str, Any]:
    """The log's own arrivals and services at the scenario's counters, against the waits that were recorded.

    A ticket without a service of its own gets the fitted median of its class.

    Returns:
        By figure (mean, p50, p90 of a day, minutes): recorded and replayed means over days; the mean absolute
        difference ticket by ticket; how many tickets were compared, and on how many days.

    Raises:
        TableError: no ticket was called on a day with others.
    """
    place_of = {errand.name: place for place, errand in enumerate(scenario.errands)}
    typical = [round(errand.minutes.median * MINUTE) if errand.minutes else MINUTE for errand in scenario.errands]
    hall = Hall(scenario, NO_DELAYS, engine)
    then: dict[str, list[float]] = {"mean": [], "p50": [], "p90": []}
    now: dict[str, list[float]] = {name: [] for name in then}
    apart: list[float] = []
    for day in table.days:
        rows = table.of(day)
        played = hall.play(_columns(rows, place_of, typical))
        waits = dict(zip(played.places.tolist(), (played.called - played.joins).tolist(), strict=True))
        served = set(played.places[played.counters >= 0].tolist())
        pairs = [
            ((row.called - row.issued) / MINUTE, waits[place] / MINUTE)
            for place, row in enumerate(rows)
            if row.called is not None and row.called >= row.issued and place in served
        ]
        if len(pairs) < 2:
            continue
        apart += [abs(a - b) for a, b in pairs]
        for side, values in ((then, [a for a, _ in pairs]), (now, [b for _, b in pairs])):
            tenths = quantiles(values, n=10, method="inclusive")
            for name, value in (("mean", fmean(values)), ("p50", tenths[4]), ("p90", tenths[8])):
                side[name].append(value)
    if not apart:
        raise TableError("no ticket of the log was called on a day with others: there is nothing to replay")
    return {
        "days": len(then["mean"]),
        "tickets": len(apart),
        "recorded": {name: fmean(values) for name, values in then.items()},
        "replayed": {name: fmean(values) for name, values in now.items()},
        "difference_half_width": half_width([b - a for a, b in zip(then["mean"], now["mean"], strict=True)]),
        "absolute": fmean(apart),
    }


def _columns(rows: Sequence[Row], place_of: dict[str, int], typical: Sequence[int]) -> Columns:
    errands = [place_of[row.kind] for row in rows]
    times = [
        max(NS, row.done - row.called) if row.done is not None and row.called is not None else typical[errand]
        for row, errand in zip(rows, errands, strict=True)
    ]
    none = np.zeros(len(rows), np.int64)
    return Columns(np.array([row.issued for row in rows]), np.array(errands), np.array(times), none, none)
