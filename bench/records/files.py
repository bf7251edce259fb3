"""Ratings in text files: CSV with a line of names, JSON Lines with an object for each row.

A last line that was cut off (a collector that was killed while it wrote) is no row, and the source says so. Any other
line that cannot be read is an error that names it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bench.judge.records import Gap, Health, Mapped, RecordsError, Row, Rows, scalar
from bench.records.columns import find_columns
from bench.records.database import missing_file

__all__ = ["KINDS", "LONGEST", "MOST", "read_csv", "read_jsonl"]

LONGEST: Final = 1 << 20
"""Characters of a line."""

MOST: Final = 1 << 28
"""Bytes of a file: a day's ratings are some kilobytes."""

KINDS: Final = ("gap", "health")
"""What an object of JSON Lines may tell besides ratings: its "kind"."""


def _lines(path: Path, what: str) -> tuple[list[str], bool]:
    """The lines of a file, and whether the last one is whole."""
    try:
        size = path.stat().st_size
        if size > MOST:
            raise RecordsError(f"{path}: {size} bytes are no day's ratings; expected a {what} file below {MOST} bytes")
        text = path.read_bytes().decode("utf-8-sig", "backslashreplace")
    except FileNotFoundError as error:
        raise missing_file(path, f"{what} file") from error
    except OSError as error:
        raise RecordsError(f"{path}: cannot be read ({error.strerror}); expected a {what} file") from error
    if "\0" in text:
        raise RecordsError(f"{path}: this is no text ({text[:16]!r}); expected a {what} file")
    lines = text.split("\n")
    whole = lines[-1] == ""
    if whole:
        lines.pop()
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST:
            raise RecordsError(f"{path}: line {number} has {len(line)} characters; the longest may have {LONGEST}")
    return lines, whole


def read_csv(path: Path, mapped: Mapped) -> Rows:
    """Read a CSV file: comma, semicolon or tab between the cells, names of the columns in the first line, UTF-8.

    Raises:
        RecordsError: it cannot be read so.
    """
    lines, whole = _lines(path, "CSV")
    if not lines or not lines[0].strip():
        raise RecordsError(f"{path}: the file is empty: the collector opened it and never wrote a line")
    separator = max(",;\t", key=lines[0].count)
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=separator, strict=True)
    rows: list[Row] = []
    remark = ""
    try:
        names = [name.strip() for name in next(reader)]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise RecordsError(f"{path}: line 1 names the column {twice!r} twice")
        columns = find_columns(mapped, names, f"{path}: its first line")
        places = {name: names.index(column) for name, column in columns.items()}
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(names):
                if reader.line_num == len(lines) and not whole:
                    remark = _cut_off(len(lines))
                    break
                raise RecordsError(
                    f"{path}: line {reader.line_num} has {len(cells)} cells, the first line names {len(names)}: "
                    f"{', '.join(names)}"
                )
            row = {name: cells[place].strip() or None for name, place in places.items()}
            rows.append(Row(len(rows) + 1, **row))
    except csv.Error as error:
        if reader.line_num < len(lines) or whole:
            raise RecordsError(f"{path}: line {reader.line_num} is not CSV ({error})") from error
        remark = _cut_off(len(lines))
    return Rows(rows, source=f"{path}{remark}", fields=columns, order="line")


def _cut_off(number: int) -> str:
    return f" (line {number}, the last, is cut off and left out)"


def _objects(path: Path) -> tuple[list[tuple[int, Mapping[str, Any]]], str]:
    lines, whole = _lines(path, "JSON Lines")
    found: list[tuple[int, Mapping[str, Any]]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == len(lines) and not whole:
                return found, _cut_off(number)
            raise RecordsError(f"{path}: line {number} is not JSON ({error}): {line[:60]!r}") from None
        if not isinstance(value, dict):
            raise RecordsError(f"{path}: line {number} is a {type(value).__name__}; expected an object for each row")
        found.append((number, value))
    return found, ""


def read_jsonl(path: Path, mapped: Mapped, *, received: str | None = None) -> Rows:
    """Read a JSON Lines file; an object may lack fields, an unknown field in all of them is a mistake of the mapping.

    Args:
        path: the file.
        mapped: the names of the fields.
        received: field that the bench added when a row came in: the instant of storing, if the rows have none.

    Raises:
        RecordsError: it cannot be read so.
    """
    objects, remark = _objects(path)
    told: dict[str, list[Mapping[str, Any]]] = {kind: [] for kind in KINDS}
    plain: list[tuple[int, Mapping[str, Any]]] = []
    for number, value in objects:
        kind = value.get("kind")
        if kind in told:
            told[kind].append(value)
        else:
            plain.append((number, value))
    names = list(dict.fromkeys(name for _, value in plain for name in value))
    if plain:
        columns = find_columns(mapped, names, f"{path}: its objects")
    else:
        columns = {name: column for name, column in mapped.columns.items() if column is not None}
    if received in names and "stored_at" not in columns and mapped.columns.get("stored_at") is not None:
        columns["stored_at"] = received
    rows = [
        Row(n, **{name: scalar(value.get(column)) for name, column in columns.items()})
        for n, (_, value) in enumerate(plain, 1)
    ]
    gaps = [Gap(n, *_of(value, Gap, received)) for n, value in enumerate(told["gap"], 1)]
    health = [Health(n, *_of(value, Health, received)) for n, value in enumerate(told["health"], 1)]
    return Rows(
        rows,
        source=f"{path}{remark}",
        fields=columns,
        order="line",
        gaps=gaps or None,
        health=health or None,
    )


def _of(value: Mapping[str, Any], shape: Any, received: str | None) -> Iterator[Any]:
    for name in shape._fields[1:]:
        given = value.get(name)
        yield scalar(value.get(received) if given is None and name == "at" and received else given)
