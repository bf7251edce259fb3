"""results.sarif of a compliance run: SARIF 2.1.0, for tools that collect findings of many checkers.

A rule is a requirement, a result is a case. `kind` tells pass, fail, notApplicable, review (NON-STRICT), open
(INCONCLUSIVE) and informational; since most hosts ignore it and show every result as a problem, only fail and open go
out unless all are asked for (conformance.md section 5). A result's fingerprint is made of the case, the requirement and
the type of device, so that the same finding of tomorrow's run is known to be the same (SARIF 3.27.16 [A]).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from bench.compliance.results import CaseResult, Run, undecided
from bench.compliance.tally import Book, Row, declared_line, matrix, statement
from bench.reports.wording import printable

__all__ = ["FINGERPRINT", "device_type", "fingerprint", "sarif"]

FINGERPRINT: Final = "hallbenchCase/v1"
"""Name of our fingerprint; the number grows when what it is made of changes."""

_KIND: Final[Mapping[str, tuple[str, str]]] = {
    "PASS": ("pass", "none"),
    "FAIL": ("fail", "error"),
    "NON-STRICT": ("review", "none"),
    "INCONCLUSIVE": ("open", "none"),
    "NOT APPLICABLE": ("notApplicable", "none"),
    "INFO": ("informational", "none"),
}
"""Kind and level; a result of any kind but "fail" has level "none" (SARIF 3.27.10 [A])."""

_DEFAULT: Final = frozenset({"FAIL", "INCONCLUSIVE"})
_LEVEL: Final[Mapping[str, str]] = {"MUST": "error", "VENDOR": "error", "SHOULD": "warning"}


def sarif(run: Run, book: Book, *, everything: bool = False) -> str:
    """The run as a SARIF log.

    Args:
        run: what was found. ERROR and NOT RUN are notifications of the tool, not findings about the device.
        book: its requirements.
        everything: also what passed, what does not apply and what was only measured.

    Returns:
        JSON text.
    """
    rows = [row for row in matrix(run, book) if row.cases]
    number = {row.known.id: index for index, row in enumerate(rows)}
    shown = [case for case in run.cases if case.verdict in _KIND and (everything or case.verdict in _DEFAULT)]
    troubles = [case for case in run.cases if case.verdict in ("ERROR", "NOT RUN")]
    told = [_notification(case) for case in troubles]
    nothing = undecided(run)
    if nothing:  # no result would read as no problem
        told.insert(0, {"level": "error", "message": {"text": printable(nothing)}, "descriptor": {"id": "run"}})
    invocation: dict[str, Any] = {
        "executionSuccessful": not nothing and not any(case.verdict == "ERROR" for case in run.cases),
        "toolExecutionNotifications": told,
    }
    tool, _, version = run.tool.partition(" ")
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": printable(tool) or "hallbench",
                        "version": printable(version) or "unknown",
                        "rules": [_rule(row) for row in rows],
                    }
                },
                "invocations": [invocation],
                "artifacts": [{"location": {"uri": "declaration.toml"}, "hashes": {"sha-256": run.declaration_sha256}}],
                "results": [_result(case, run, number[case.requirement]) for case in shown],
                "columnKind": "unicodeCodePoints",
                "properties": {
                    "verdict": run.verdict,
                    "suite": printable(run.suite),
                    "seed": run.seed,
                    "clock": run.clock,
                    "catalogueSha256": run.catalogue_sha256,
                    "statement": printable(statement(run, book, matrix(run, book))),
                },
            }
        ],
    }
    return json.dumps(log, indent=2, allow_nan=False) + "\n"


def device_type(run: Run) -> str:
    """What kind of device was tested: the name in its declaration, else the suite.

    The port and the unit do not belong to it: the same device on another port has the same findings.
    """
    try:
        told = tomllib.loads(run.declaration)
    except (tomllib.TOMLDecodeError, UnicodeError, RecursionError):
        told = {}
    for table in (told.get("device"), told):
        if isinstance(table, Mapping):
            for key in ("type", "model", "name", "title"):
                if isinstance(table.get(key), str) and table[key]:
                    return f"{run.suite}: {table[key]}"
    return run.suite


def fingerprint(case: CaseResult, run: Run) -> str:
    """What stays the same of a finding from run to run: SHA-256 of case, requirement and type of device."""
    parts = (case.id, case.requirement, device_type(run))
    return sha256("\n".join(map(ascii, parts)).encode()).hexdigest()


def _rule(row: Row) -> dict[str, Any]:
    known = row.known
    text = printable(known.says or f"Requirement {known.id}") or "no text"
    clause = printable(known.clause)
    cited = printable(known.cited if known.clause else known.id)
    return {
        "id": printable(known.id) or "-",
        "shortDescription": {"text": text},
        "help": {
            "text": f"{cited}, level {printable(known.level)}. What was sent and what came: report.html, wire.txt."
        },
        "defaultConfiguration": {"level": _LEVEL.get(known.level, "note")},
        "properties": {"level": printable(known.level), "clause": clause, "clauseChecked": known.checked},
    }


def _result(case: CaseResult, run: Run, rule: int) -> dict[str, Any]:
    kind, level = _KIND[case.verdict]
    text = case.reason or case.witness or case.applies or case.title or case.id
    result: dict[str, Any] = {
        "ruleId": printable(case.requirement) or "-",
        "ruleIndex": rule,
        "kind": kind,
        "level": level,
        "message": {"text": printable(text, keep="\n\t") or "-"},
        # A host that shows findings in files needs a file: the declaration is what the device claims.
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "declaration.toml", "index": 0},
                    "region": {"startLine": _line_of(case, run)},
                },
                "logicalLocations": [{"name": printable(case.id) or "-", "kind": "member"}],
            }
        ],
        "partialFingerprints": {FINGERPRINT: fingerprint(case, run)},
        "properties": {
            "verdict": case.verdict,
            "case": printable(case.id),
            "rev": case.rev,
            "seed": run.seed,
            "reproduce": printable(case.reproduce),
        },
    }
    if case.contradiction is not None:
        index, first, last = case.contradiction
        result["properties"]["contradiction"] = {
            "frame": index,
            "characters": [first, last],
            "data": case.frames[index].data[first:last].hex(),
        }
    return result


def _line_of(case: CaseResult, run: Run) -> int:
    """The line of the declaration that makes the case not apply, from 1; 1 when none is named."""
    found = declared_line(run, case)
    return found[0] if found else 1


def _notification(case: CaseResult) -> dict[str, Any]:
    word = "error" if case.verdict == "ERROR" else "note"
    return {
        "level": word,
        "message": {"text": printable(f"{case.id}: {case.verdict}: {case.reason or case.title}")},
        "descriptor": {"id": printable(case.id) or "-"},
    }
