"""What a run directory holds, read back: the evidence that a report is made of (architecture.md section 7).

Only `history.ndjson` must be there. Whatever else is missing or damaged becomes a remark, and the report says it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from bench.judge.history import History, HistoryFailed, object_of, read_history

Record: TypeAlias = Mapping[str, Any]
"""One line of an NDJSON file, parsed."""


class NotARunError(Exception):
    """The directory holds no run that could be read; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class RunDir:
    """The small files of a run directory, each empty when it is missing.

    Attributes:
        path: the directory.
        history: history.ndjson, opened.
        verdict: verdict.json (cli.md).
        run: run.json: command, versions, seed, clock, exit.
        day: day.json: the drawn day.
        rows: records.ndjson: the rows that were judged, uninterpreted; None when what was stored is not known.
        remarks: what is missing or cannot be read, one sentence each.
    """

    path: Path
    history: History
    verdict: Mapping[str, Any]
    run: Mapping[str, Any]
    day: Mapping[str, Any]
    rows: Sequence[Record] | None
    remarks: tuple[str, ...]

    @property
    def header(self) -> Mapping[str, Any]:
        """Header of the history; empty when the file is."""
        return self.history.header

    @property
    def notes(self) -> tuple[str, ...]:
        """What the scenario says about itself, as run.json carries it under `notes`."""
        notes = self.run.get("notes") or ()
        return (notes,) if isinstance(notes, str) else tuple(map(str, notes))


def open_run(path: Path) -> RunDir:
    """Read the small files of a run directory.

    Raises:
        NotARunError: there is no history in it.
    """
    if not (path / "history.ndjson").is_file():
        raise NotARunError(
            f"{path}: no history.ndjson in it, so this is not the directory of a run; "
            "`hallbench day --out DIR` writes one"
        )
    try:
        history = read_history(path / "history.ndjson")
    except (HistoryFailed, OSError) as error:
        raise NotARunError(str(error)) from error
    remarks: list[str] = []
    return RunDir(
        path=path,
        history=history,
        verdict=_object(path / "verdict.json", remarks),
        run=_object(path / "run.json", remarks),
        day=_object(path / "day.json", remarks),
        rows=_rows(path / "records.ndjson", remarks),
        remarks=tuple(remarks),
    )


def _object(path: Path, remarks: list[str]) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        remarks.append(f"{path.name} is missing")
    except (OSError, ValueError, RecursionError) as error:
        remarks.append(f"{path.name} cannot be read: {error}")
    else:
        if isinstance(value, dict):
            return value
        remarks.append(f"{path.name} holds no JSON object")
    return {}


def _rows(path: Path, remarks: list[str]) -> list[Record] | None:
    """The rows between header and footer; a line that is none is counted, not fatal. None when nothing is known."""
    rows: list[Record] = []
    bad = 0
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                row = object_of(line)
                if row is None:
                    bad += 1
                elif "h" in row:
                    if row.get("records") is False:
                        missing = str(row.get("missing") or "none could be read").splitlines()
                        remarks.append(f"no rows were judged: {missing[0]}")
                        return None
                elif "end" not in row:
                    rows.append(row)
    except FileNotFoundError:
        remarks.append(f"{path.name} is missing: what was stored is not known here")
        return None
    except (OSError, ValueError) as error:
        remarks.append(f"{path.name} cannot be read: {error}")
        return None
    if bad:
        remarks.append(f"{path.name}: {bad} of its lines are no rows")
    return rows
