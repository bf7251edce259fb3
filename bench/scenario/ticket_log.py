"""The CSV of a recorded day: one ticket a row, when it was issued and when it was called.

Columns `queue` (the ticket letter), `issued_min` and `called_min` (minutes after local midnight, decimals allowed;
`called_min` empty when the ticket was never called). Other columns are ignored.
"""

from __future__ import annotations

import csv
import io
from typing import NamedTuple

NS_PER_MINUTE = 60_000_000_000
COLUMNS = ("queue", "issued_min", "called_min")


class LoggedTicket(NamedTuple):
    """One recorded ticket; instants are ns since local midnight, `called` is None when it never was."""

    queue: str
    issued: int
    called: int | None


class LogProblem(NamedTuple):
    """A mistake in the CSV: its line and column (of characters, both from 1) and what is wrong."""

    line: int
    column: int
    message: str


def parse(text: str) -> tuple[list[LoggedTicket], list[LogProblem]]:
    """Tickets and mistakes of the CSV `text`; tickets come in order of issue, ties in the file's order."""
    tickets: list[LoggedTicket] = []
    problems: list[LogProblem] = []
    reader = csv.reader(io.StringIO(text, newline=None))
    rows: list[tuple[int, list[str]]] = []
    try:
        rows.extend((reader.line_num, row) for row in reader)
    except csv.Error as error:
        return [], [LogProblem(max(1, reader.line_num), 1, f"not CSV: {error}")]
    header = rows[0][1] if rows else []
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        told = f"the ticket log has no column {', '.join(missing)}; found: {', '.join(header) or 'nothing'}"
        return [], [LogProblem(1, 1, told)]
    places = [header.index(name) for name in COLUMNS]
    for number, row in rows[1:]:
        if not row:
            continue
        ticket = _ticket(number, row, places, len(header), problems)
        if ticket is not None:
            tickets.append(ticket)
    if not tickets and not problems:
        problems.append(LogProblem(1, 1, "the ticket log has a header but no tickets"))
    return sorted(tickets, key=lambda t: t.issued), problems


def _ticket(
    number: int, row: list[str], places: list[int], width: int, problems: list[LogProblem]
) -> LoggedTicket | None:
    if len(row) != width:
        problems.append(LogProblem(number, 1, f"{len(row)} values, but the header has {width} columns"))
        return None
    values: list[int | None] = []
    for place, name in zip(places[1:], COLUMNS[1:], strict=True):
        column = sum(len(cell) + 1 for cell in row[:place]) + 1
        text = row[place].strip()
        if not text and name == "called_min":
            values.append(None)
            continue
        try:
            minutes = float(text)
        except ValueError:
            minutes = -1.0
        if not 0 <= minutes <= 2880:
            problems.append(LogProblem(number, column, f'{name} "{text}" is not a minute of the day (0 to 1440)'))
            return None
        values.append(round(minutes * NS_PER_MINUTE))
    issued, called = values
    queue = row[places[0]].strip()
    if issued is None:
        return None
    if not queue:
        problems.append(LogProblem(number, 1, "the ticket has no queue letter"))
        return None
    if called is not None and called < issued:
        told = f"{queue} is called before it is issued"
        problems.append(LogProblem(number, sum(len(cell) + 1 for cell in row[: places[2]]) + 1, told))
        return None
    return LoggedTicket(queue, issued, called)
