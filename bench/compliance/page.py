"""report.html of a compliance run: one page by clauses, made from the results alone, offline, the same bytes each time.

Order: the verdict with the rule that made it; the sentence that may be quoted; the clause matrix (vendors think in
clauses, not in cases); what failed or stayed open, with its frames; what the declaration excludes; figures; how the
suite itself was tested. Whatever comes from a device, a declaration or a target is escaped by the template engine, and
control and bidirectional characters are spelled out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import Any, Final

import jinja2
from markupsafe import Markup

from bench.compliance.ladder import figure_text, ladder, quantile, timing_bar
from bench.compliance.results import VERDICTS, CaseResult, Measure, Run, counts
from bench.compliance.tally import NO_CASE, Book, Row, declared_line, matrix, rule_of, score, statement, tone
from bench.reports import page
from bench.reports.wording import count

__all__ = ["ORDER", "environment", "render"]

ORDER: Final = ("FAIL", "ERROR", "INCONCLUSIVE", "NON-STRICT", "PASS", "INFO")
"""Order of the cases on the page; within a verdict the suite's own order stands."""

_UNIT: Final = re.compile(r"unit \d+")
_OPEN: Final = frozenset(ORDER[:4])
_FRAMES: Final[Mapping[bool, int]] = {True: 24, False: 8}

_TITLE: Final[Mapping[str, str]] = {"device": "of a device", "master": "of a master"}


@cache
def environment() -> jinja2.Environment:
    """The templates of all reports, with what pages of cases ask: `tone_of` a verdict, `anchor` of a case."""
    made = page.environment().overlay()
    made.globals = {**made.globals, "tone_of": tone, "anchor": anchor}
    return made


def render(run: Run, book: Book, kill_matrix: Mapping[str, Any] | None = None) -> str:
    """The page as text.

    Args:
        run: what was found.
        book: its requirements.
        kill_matrix: what `hallbench check --self-test --json` prints, or None when the suite's own test did not run.
    """
    context = _context(run, book, kill_matrix)
    shown = {**context, "contents": page.contents(context, _CONTENTS)}
    return environment().get_template("compliance.html").render(shown)


_CONTENTS: Final = (
    ("statement", "The statement", None),
    ("contradicted", "Contradicted", "failed"),
    ("clauses", "Clause by clause", None),
    ("undecided", "Not decided", "undecided"),
    ("cases", "Case by case", None),
    ("excluded", "Not applicable", "excluded"),
    ("not-run", "Not run", "not_run"),
    ("measures", "Figures", "measures"),
    ("self-test", "The suite's own test", None),
    ("origin", "Origin", None),
)
"""Sections of the page: id, name, and what has to be there for it."""


def _context(run: Run, book: Book, kill_matrix: Mapping[str, Any] | None) -> dict[str, Any]:
    rows = matrix(run, book)
    protocol, _, role = run.suite.rpartition(".")
    tally, rule = counts(run.cases), rule_of(run.verdict)
    meta = [run.target, run.line, f"{run.clock} time", f"seed {run.seed}", run.started]
    return {
        "title": f"Compliance {_TITLE.get(role, '')}: {protocol or run.suite}".replace(" :", ":"),
        "meta": [part for part in dict.fromkeys(meta) if part],
        "word": run.verdict,
        "tone": tone(run.verdict),
        "sentence": f"{rule[:1].upper()}{rule[1:]}.",
        "statement": statement(run, book, rows),
        "remarks": [(note, "") for note in run.notes if not _UNIT.fullmatch(note)],
        "failed": [case for case in run.cases if case.verdict == "FAIL"],
        "tiles": [(name, tally[name], name in ("FAIL", "ERROR") and tally[name] > 0) for name in VERDICTS],
        "score": score(rows),
        "matrix": [_row(row) for row in rows],
        "unchecked": sum(not row.known.checked for row in rows),
        "cases": [_case(case, book) for verdict in ORDER for case in run.cases if case.verdict == verdict],
        "excluded": [(case, declared_line(run, case)) for case in run.cases if case.verdict == "NOT APPLICABLE"],
        "not_run": [case for case in run.cases if case.verdict == "NOT RUN"],
        "undecided": [case for case in run.cases if case.verdict in ("INCONCLUSIVE", "ERROR")],
        "untested": [_row(row) for row in rows if row.verdict == NO_CASE],
        "measures": _measures(run.cases),
        "self_test": self_test(kill_matrix),
        "facts": _facts(run),
        "declaration": run.declaration,
    }


def _row(row: Row) -> dict[str, Any]:
    known = row.known
    return {
        "id": known.id,
        "clause": known.clause,
        "checked": known.checked,
        "level": known.level,
        "says": known.says,
        "verdict": row.verdict,
        "why": known.because or ("no case of this suite looks at it" if row.verdict == NO_CASE else ""),
        "cases": [(case.id, case.verdict, anchor(case)) for case in row.cases],
        "also": [case.id for case in row.also],
    }


def anchor(case: CaseResult) -> str:
    """Name of the case's place on the page, made of letters that need no escape."""
    return "case-" + sha256(case.id.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _case(case: CaseResult, book: Book) -> dict[str, Any]:
    known = book.requirements.get(case.requirement)
    is_open = case.verdict in _OPEN
    spot = case.contradiction
    return {
        "case": case,
        "anchor": anchor(case),
        "open": is_open,
        "says": known.says if known else "",
        "clause": known.clause if known else "",
        "checked": known.checked if known else False,
        "ladder": Markup(ladder(case, _FRAMES[is_open])),
        "sent": sum(frame.direction == "out" and bool(frame.data) for frame in case.frames),
        "came": sum(frame.direction == "in" and bool(frame.data) for frame in case.frames),
        "spot": case.frames[spot[0]].data[spot[1] : spot[2]].hex(" ").upper() if spot else "",
        "spot_frame": spot[0] if spot else 0,
        "attempts": ", ".join(case.attempts),
        "measures": [(m, figure_text(m), Markup(timing_bar(m))) for m in case.measures],
    }


def _measures(cases: Iterable[CaseResult]) -> list[dict[str, Any]]:
    """Figures of one name and unit over all cases."""
    groups: dict[tuple[str, str], list[Measure]] = {}
    for case in cases:
        for measure in case.measures:
            groups.setdefault((measure.name, measure.unit), []).append(measure)
    rows = []
    for (name, unit), found in sorted(groups.items()):
        values = [measure.value for measure in found if math.isfinite(measure.value)]
        if not values:
            continue
        cells = [min(values), quantile(values, 0.5), quantile(values, 0.99), max(values)]
        limits = list(dict.fromkeys(measure.limit for measure in found if measure.limit))
        rows.append(
            {
                "name": name,
                "unit": unit,
                "n": len(values),
                "cells": [f"{cell:.4g}" for cell in cells],
                "limits": ", ".join(limits[:3]) + (" ..." if len(limits) > 3 else ""),
                "broken": sum(measure.ok is False for measure in found),
            }
        )
    return rows


def self_test(kill_matrix: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The suite's own test as the page shows it: a list of lines for mutants, variants and null devices each."""
    if kill_matrix is None:
        return None
    mutants = [_line(key, told, "killed") for key, told in _entries(kill_matrix.get("mutants"))]
    variants = [_line(key, told, "spared") for key, told in _entries(kill_matrix.get("variants"))]
    nulls = [_line(key, told, "refused") for key, told in _entries(kill_matrix.get("null_devices"))]
    killed = sum(line["good"] for line in mutants)
    return {
        "sentence": (
            f"{killed} of {count(len(mutants), 'planted defect')} found and blamed on the right requirement; "
            f"{sum(not line['good'] for line in variants)} of {count(len(variants), 'legal variant')} failed; "
            f"{sum(not line['good'] for line in nulls)} of {count(len(nulls), 'null device')} passed a case."
        ),
        "mutants": mutants,
        "variants": variants,
        "nulls": nulls,
    }


def _entries(told: object) -> list[tuple[str, Mapping[str, Any]]]:
    """Lines of a part of the kill matrix, whether it is a list of objects with an id or an object by id."""
    if isinstance(told, Mapping):
        return [(str(key), value if isinstance(value, Mapping) else {}) for key, value in told.items()]
    if isinstance(told, Sequence) and not isinstance(told, str):
        return [(str(one.get("id", "-")), one) for one in told if isinstance(one, Mapping)]
    return []


def _line(key: str, told: Mapping[str, Any], word: str) -> dict[str, Any]:
    blamed, expected, collateral = (_words(told.get(name)) for name in ("blamed", "expected", "collateral"))
    if word == "killed":
        right = not expected or expected[0] in blamed
        good = bool(told.get("killed")) and right and not _words(told.get("unexpected"))
    elif word == "spared":
        good = not _words(told.get("fails", told.get("failed", told.get("blamed"))))
    else:
        good = not _words(told.get("passes", told.get("passed")))
    return {
        "id": key,
        "title": str(told.get("title") or ""),
        "wild": str(told.get("wild") or ""),
        "good": good,
        "expected": ", ".join(expected),
        "blamed": ", ".join(blamed),
        "collateral": ", ".join(collateral),
        "verdict": str(told.get("verdict") or ""),
    }


def _words(told: object) -> list[str]:
    if told is None or isinstance(told, bool | int | float):
        return ["yes"] if told else []
    if isinstance(told, str):
        return [told] if told else []
    return [str(one) for one in told] if isinstance(told, Iterable) else [str(told)]


def _facts(run: Run) -> list[tuple[str, str]]:
    facts = [
        ("tool", run.tool),
        ("suite", run.suite),
        ("target", run.target),
        ("line", run.line),
        ("unit", next((note[5:] for note in run.notes if _UNIT.fullmatch(note)), "")),
        ("clock", run.clock),
        ("started", run.started or "simulated time has no date"),
        ("seed", str(run.seed)),
        ("uncertainty of instants", "none: exact" if run.uncertainty_ms is None else f"{run.uncertainty_ms:.3g} ms"),
        ("catalogue, SHA-256", run.catalogue_sha256),
        ("declaration, SHA-256", run.declaration_sha256),
    ]
    return [(name, value) for name, value in facts if value]
