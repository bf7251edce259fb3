"""What a compliance run found, as data: frames, measures, cases, the run; and its text, one JSON record a line.

The text has a header, one record a case and a footer with the count and the SHA-256 of all that stands before it, so
that a truncated or altered file is told from a whole one (conformance.md 1.7, Bowtie; no results are lost silently).
JSON is canonical (sorted keys, no spaces), characters are hexadecimal: the same run gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias, cast, get_args

__all__ = [
    "SCHEMA_VERSION",
    "VERDICTS",
    "WORST_FIRST",
    "CaseResult",
    "DamagedResults",
    "Frame",
    "Measure",
    "Run",
    "TruncatedResults",
    "Verdict",
    "counts",
    "from_ndjson",
    "suite_verdict",
    "to_ndjson",
    "undecided",
]

SCHEMA_VERSION: Final = 1

Verdict: TypeAlias = Literal["PASS", "NON-STRICT", "INFO", "FAIL", "INCONCLUSIVE", "NOT APPLICABLE", "NOT RUN", "ERROR"]
VERDICTS: Final[tuple[str, ...]] = get_args(Verdict)
WORST_FIRST: Final[tuple[Verdict, ...]] = ("ERROR", "FAIL", "INCONCLUSIVE", "NON-STRICT", "PASS")
"""How a suite's verdict is found; INFO, NOT APPLICABLE and NOT RUN never worsen it (conformance.md 2.3)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One burst on the wire, as the tester saw it.

    Args:
        at: start of the first character, ns from the run's beginning.
        end: end of the last character, ns.
        direction: "out" from the tester, "in" from the device.
        data: its characters.
        note: for people: "bad CRC", "not sent by the case".
    """

    at: int
    end: int
    direction: str
    data: bytes
    note: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure that a case took.

    Args:
        name, value, unit: what it is.
        limit: such as ">= 4.01"; "" when it is only measured.
        uncertainty: of the value, in the same unit.
        ok: None when there is nothing to judge, or the margin is below the uncertainty.
    """

    name: str
    value: float
    unit: str
    limit: str = ""
    uncertainty: float = 0.0
    ok: bool | None = None


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of one case.

    Args:
        id, rev, title: the case.
        verdict: one of `VERDICTS`.
        requirement: id of its primary requirement; `also` the others it touches.
        level: MUST, SHOULD, MAY, VENDOR or FIELD.
        reason: one or two sentences with the contradicting characters; "" for PASS.
        witness: what was seen of the device; never "" on PASS.
        recovery: "answers", "silent" or "not asked": the device after the stimulus.
        applies: for NOT APPLICABLE, the line of the declaration that says so.
        contradiction: (index into frames, first character, last character + 1).
        frames: what went over the wire, all attempts.
        measures: figures.
        attempts: verdict of each repetition.
        seconds: on the run's own clock.
        reproduce: a command line.
    """

    id: str
    rev: int
    title: str
    verdict: Verdict
    requirement: str
    also: tuple[str, ...]
    level: str
    reason: str
    witness: str
    recovery: str
    applies: str
    contradiction: tuple[int, int, int] | None
    frames: tuple[Frame, ...]
    measures: tuple[Measure, ...]
    attempts: tuple[str, ...]
    seconds: float
    reproduce: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a suite on one target.

    Args:
        schema_version: of this structure.
        tool: name and version.
        suite: "modbus_rtu.device" ...
        catalogue_sha256, declaration_sha256: of the texts used.
        declaration: the declaration's text.
        seed: what values and nonces were drawn from.
        clock: "virtual" or "wall".
        target: what was tested, in words.
        line: settings, "9600 8N1".
        uncertainty_ms: of instants on this port; None in virtual time.
        started: ISO 8601; "" in virtual time.
        verdict: of the suite.
        cases: every case of the suite, those not run too.
        notes: findings of the static review, how the run ended.
    """

    schema_version: int
    tool: str
    suite: str
    catalogue_sha256: str
    declaration_sha256: str
    declaration: str
    seed: int
    clock: str
    target: str
    line: str
    uncertainty_ms: float | None
    started: str
    verdict: Verdict
    cases: tuple[CaseResult, ...]
    notes: tuple[str, ...]


class DamagedResults(ValueError):
    """A file of results that cannot be what was written; the message says where."""


class TruncatedResults(DamagedResults):
    """A file of results whose end is missing."""


def suite_verdict(cases: Iterable[CaseResult]) -> Verdict:
    """The worst verdict of the cases; INCONCLUSIVE when nothing passed."""
    found = {case.verdict for case in cases}
    worst = next((verdict for verdict in WORST_FIRST if verdict in found), "INCONCLUSIVE")
    if worst == "NON-STRICT" and "PASS" not in found:
        return "INCONCLUSIVE"
    return cast(Verdict, worst)


def undecided(run: Run) -> str:
    """Why a run decided nothing, or not enough, where no case says so; "" where one does, or all is decided.

    Formats that list cases alone show such a run (no device on the port, say) as one in which nothing is wrong. They
    tell this sentence as an item of its own.
    """
    if run.verdict not in ("INCONCLUSIVE", "ERROR"):
        return ""
    if any(case.verdict in ("FAIL", "INCONCLUSIVE", "ERROR") for case in run.cases):
        return ""
    left_out = next((case.reason for case in run.cases if case.verdict == "NOT RUN" and case.reason), "")
    passed = any(case.verdict == "PASS" for case in run.cases)
    what = "the run ended early" if passed else "nothing was decided"
    return f"{what}: {left_out or ('some cases were not run' if passed else 'no case passed')}"


def counts(cases: Iterable[CaseResult]) -> dict[str, int]:
    """How many cases ended in each verdict, all verdicts named."""
    tally = dict.fromkeys(VERDICTS, 0)
    for case in cases:
        tally[case.verdict] += 1
    return tally


# -- text -------------------------------------------------------------------------------------------------------------
def to_ndjson(run: Run) -> str:
    """The run as text: header, one record a case, footer."""
    head: dict[str, Any] = {"record": "run"}
    head |= {field.name: getattr(run, field.name) for field in fields(run) if field.name != "cases"}
    lines = [_line(head)]
    lines += [_line({"record": "case", **_of_case(case)}) for case in run.cases]
    body = "".join(lines)
    return body + _line({"record": "end", "cases": len(run.cases), "sha256": sha256(body.encode()).hexdigest()})


def from_ndjson(text: str) -> Run:
    """Read a run back.

    Raises:
        TruncatedResults: the footer is missing, or fewer cases came than it counts.
        DamagedResults: something else is not as it was written.
    """
    lines = text.splitlines(keepends=True)
    if not lines:
        raise TruncatedResults("the results are empty: header, cases and footer are missing")
    foot = _parsed(lines[-1], len(lines))
    if foot.get("record") != "end":
        raise TruncatedResults(
            f"the results have {len(lines)} lines and no footer: the run was interrupted, or the file cut; "
            "run the check again"
        )
    body = "".join(lines[:-1])
    records = [_parsed(line, number) for number, line in enumerate(lines[:-1], 1)]
    if foot.get("cases") != len(records) - 1:
        raise TruncatedResults(f"the footer counts {foot.get('cases')} cases, {len(records) - 1} are there")
    if foot.get("sha256") != sha256(body.encode()).hexdigest():
        raise DamagedResults("the SHA-256 in the footer is not that of the records: they were changed afterwards")
    head = records[0]
    if head.pop("record", None) != "run" or head.get("schema_version") != SCHEMA_VERSION:
        raise DamagedResults(f"line 1 is no header of results with schema_version {SCHEMA_VERSION}")
    try:
        cases = tuple(_case(record) for record in records[1:])
        return Run(**{**head, "notes": tuple(head["notes"])}, cases=cases)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedResults(f"a record does not have the fields of results: {error}") from error


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"


def _parsed(line: str, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        kind = TruncatedResults if not line.endswith("\n") else DamagedResults
        raise kind(f"line {number} of the results is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise DamagedResults(f"line {number} of the results is not a record")
    return record


def _of_case(case: CaseResult) -> dict[str, Any]:
    record: dict[str, Any] = {field.name: getattr(case, field.name) for field in fields(case)}
    record["frames"] = [[f.at, f.end, f.direction, f.data.hex(), f.note] for f in case.frames]
    record["measures"] = [[m.name, m.value, m.unit, m.limit, m.uncertainty, m.ok] for m in case.measures]
    return record


def _case(record: dict[str, Any]) -> CaseResult:
    if record.pop("record", None) != "case":
        raise ValueError("a line between header and footer is no case")
    frames = tuple(Frame(at, end, way, bytes.fromhex(data), note) for at, end, way, data, note in record["frames"])
    spot = record["contradiction"]
    return CaseResult(
        **{
            **record,
            "also": tuple(record["also"]),
            "contradiction": None if spot is None else (spot[0], spot[1], spot[2]),
            "frames": frames,
            "measures": tuple(Measure(*measure) for measure in record["measures"]),
            "attempts": tuple(record["attempts"]),
        }
    )
