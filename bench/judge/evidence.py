"""The evidence of a run in its directory: enough to judge it again, with no database and no collector.

`history.ndjson` is what happened, `records.ndjson` the rows that were judged, whatever database they came from,
`verdict.json` what came of it. `records.ndjson` has the envelope of a history: a header that describes the source, one
line for each row, a footer with count and SHA-256. `run.json` names the SHA-256 of both (`history_sha256`,
`records_sha256`): files of another run, or ones that were sealed anew, do not fit it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.judge.history import History, HistoryFailed, SealedFile, SealedWriter, read_history
from bench.judge.records import FIELDS, Gap, Health, Row, Rows
from bench.judge.verdict import Verdict, judge
from bench.unseen import printable_json

__all__ = ["EvidenceError", "Kept", "Run", "load_run", "read_rows", "write_rows", "write_verdict"]

HISTORY: Final = "history.ndjson"
RECORDS: Final = "records.ndjson"
VERDICT: Final = "verdict.json"
RUN: Final = "run.json"

_MOST_READ = 1 << 24


class EvidenceError(Exception):
    """A run directory lacks what a verdict needs, or holds something else in its place."""


class Kept(NamedTuple):
    """The rows that a run keeps.

    Args:
        path: the file.
        sha256: over all its bytes before the footer, as the footer has it.
    """

    path: Path
    sha256: str


NO_FAILURE: Final = ("returned", "asked to end", "killed")
"""Ends of a program that are not its failure: by itself (its status is another matter), with the day, by a fault."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run, as its directory tells it.

    Args:
        path: the directory.
        info: run.json; empty if there is none (a run that was killed).
        history: what happened.
        rows: what the collector stored; None if that is not known.
        no_rows: why it is not known.
    """

    path: Path
    info: Mapping[str, Any]
    history: History
    rows: Rows | None
    no_rows: str = ""

    @property
    def mapping(self) -> Mapping[str, Any] | None:
        """Where the scenario expects the ratings, if "records" of run.json or of the history's header tells it.

        The house controller stores its own in the default table, whatever the scenario says of the program under test.
        """
        if self.info.get("program") == "house":
            return None
        for told in (self.info.get("records"), self.history.header.get("records")):
            if isinstance(told, Mapping) and ("table" in told or "columns" in told):
                return told
        return None

    @property
    def failure(self) -> str:
        """How the program under test failed, as run.json tells it ("crashed"); empty if it did not, or is not known."""
        ended = self.info.get("collector")
        if not isinstance(ended, Mapping):
            return ""
        how, status = ended.get("how"), ended.get("status")
        if how == "returned" and status:
            return f"ended with status {status}"
        if how not in NO_FAILURE:
            return str(how)
        return "never opened a port" if self.info.get("opened_a_port") is False else ""

    def judge(self) -> Verdict:
        """Judge the run from its evidence alone."""
        return judge(self.history, self.rows, no_rows=self.no_rows, resources=self.resources)

    @property
    def resources(self) -> list[tuple[int, int | None, int | None]] | None:
        """(instant, descriptors, kilobytes) of the program, as run.json tells them; None if it does not."""
        told = self.info.get("resources")
        if not isinstance(told, list):
            return None
        good = [tuple(item) for item in told if isinstance(item, list) and len(item) == 3 and isinstance(item[0], int)]
        return [item for item in good if all(part is None or isinstance(part, int) for part in item)]

    def judged(self) -> dict[str, Any] | None:
        """The verdict that stands in the directory; None if there is none that can be read."""
        try:
            found = json.loads((self.path / VERDICT).read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


def load_run(run_dir: str | Path) -> Run:
    """Open a run directory.

    Args:
        run_dir: the directory that a run wrote.

    Raises:
        EvidenceError: it is no run directory, or a file in it is not what its name says. A history that is truncated
            or edited is no error: the verdict tells.
    """
    path = Path(run_dir)
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise EvidenceError(f"{path} {what}; expected the directory that a run wrote, with {HISTORY} in it")
    if not (path / HISTORY).is_file():
        raise EvidenceError(f"{path}: there is no {HISTORY} in it; expected the directory that a run wrote")
    try:
        history = read_history(path / HISTORY)
    except HistoryFailed as error:
        raise EvidenceError(str(error)) from error
    if history.header == {} and history.state == "foreign":
        raise EvidenceError(f"{path / HISTORY}: {history.damage}")
    info = _read_info(path / RUN)
    told = info.get("history_sha256")
    history.expected = told if isinstance(told, str) else None
    rows, no_rows = read_rows(path)
    return Run(path, info, history, rows, no_rows)


def write_rows(run_dir: str | Path, rows: Iterable[Row | Mapping[str, Any]] | None, *, no_rows: str = "") -> Kept:
    """Keep the rows that are judged in the run directory.

    Args:
        run_dir: the directory.
        rows: what the collector stored, as for `judge`; None if it could not be read.
        no_rows: why `rows` is None.

    Returns:
        The file that was written, and its SHA-256 for `run.json`.

    Raises:
        HistoryFailed: it cannot be written.
    """
    path = Path(run_dir) / RECORDS
    kept = Rows() if rows is None else Rows.of(rows)
    header: dict[str, Any] = {
        "schema_version": 1,
        "records": rows is not None,
        "source": kept.source,
        "history_sha256": _read_info(Path(run_dir) / RUN).get("history_sha256"),
        "order": kept.order,
        "fields": list(kept.fields),
    }
    for name, told in (("gaps", kept.gaps), ("health", kept.health)):
        if told is not None:
            header[name] = [list(item) for item in told]
    if rows is None:
        header["missing"] = no_rows
    encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
    with SealedWriter(path, header) as writer:
        for row in kept:
            writer.line(encode({"n": row.n, **{name: getattr(row, name) for name in kept.fields}}))
    return Kept(path, writer.close())


def read_rows(run_dir: str | Path) -> tuple[Rows | None, str]:
    """Read the rows that a run directory keeps.

    Returns:
        The rows and "", or None and why there are none that could be judged.

    Raises:
        EvidenceError: the file is not what its name says.
    """
    path = Path(run_dir) / RECORDS
    try:
        file = SealedFile(lambda: path.open("rb"), str(path))
    except FileNotFoundError:
        return None, f"the run kept no records ({RECORDS} is missing)"
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read ({error.strerror})") from error
    info = _read_info(path.with_name(RUN))
    told = info.get("records_sha256")
    file.expected = told if isinstance(told, str) else None
    found: list[Row] = []
    for line in file.lines():
        found.append(_row(line, path, len(found) + 2))
    if not file.complete:
        return None, f"the records that were kept cannot be relied on: {file.damage}"
    header = file.header
    theirs, ours = header.get("history_sha256"), info.get("history_sha256")
    if theirs and ours and theirs != ours:
        return None, f"the records that were kept ({RECORDS}) are those of another run"
    if header.get("records") is False:
        return None, str(header.get("missing") or "there are no records to judge")
    fields = [str(name) for name in header.get("fields") or FIELDS]
    order = header.get("order")
    try:
        gaps = None if header.get("gaps") is None else [Gap(*item) for item in header["gaps"]]
        health = None if header.get("health") is None else [Health(*item) for item in header["health"]]
    except TypeError as error:
        raise EvidenceError(f"{path}: its header does not tell gaps and health as it should ({error})") from error
    source = str(header.get("source", ""))
    return Rows(found, source=source, fields=fields, order=order, gaps=gaps, health=health), ""


def write_verdict(run_dir: str | Path, verdict: Verdict) -> Path:
    """Write verdict.json, whole or not at all.

    Returns:
        The file that was written.

    Raises:
        EvidenceError: it cannot be written.
    """
    path = Path(run_dir) / VERDICT
    beside = path.with_suffix(".json.part")
    try:
        text = printable_json(json.dumps(verdict.to_json(), ensure_ascii=False, indent=2))
        beside.write_text(f"{text}\n", encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise EvidenceError(
            f"{path}: cannot be written ({error.strerror}); free space or check the folder, then judge the run again"
        ) from error
    return path


def _row(line: bytes, path: Path, number: int) -> Row:
    try:
        return Row(**json.loads(line))
    except (ValueError, TypeError, RecursionError) as error:
        raise EvidenceError(f"{path}: line {number} is not a stored row ({error})") from error


def _read_info(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            info = json.loads(file.read(_MOST_READ))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise EvidenceError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(info, dict):
        raise EvidenceError(f"{path}: expected an object, found a {type(info).__name__}")
    return info
