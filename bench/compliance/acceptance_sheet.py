"""acceptance.html: one sheet of paper for a tender, about one rating keypad of the reference profile RK-1.

Headings are in English and Vietnamese. It says what was observed, what stays to be explained and how anybody can check
it from the evidence; the people who accept a device sign, hallbench does not.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from bench.compliance.page import environment
from bench.compliance.results import Run, counts, to_ndjson
from bench.compliance.tally import Book, Row, matrix, rule_of, statement, tone

__all__ = ["applies", "render"]

_NAME: Final = "rating_keypad"
_WHOLE: Final = "rk1.device"
"""The suite that has the profile's own guarantees as well as Modbus."""
_PROFILE: Final = "RK-1"

_WORD: Final[Mapping[str, tuple[str, str]]] = {
    "PASS": ("no contradiction observed", "không phát hiện sai lệch"),
    "NON-STRICT": ("no contradiction observed, with remarks", "không phát hiện sai lệch, có ghi chú"),
    "FAIL": ("contradicts the requirements", "không đáp ứng yêu cầu"),
    "INCONCLUSIVE": ("not decided", "chưa kết luận được"),
    "ERROR": ("the test did not work", "phép thử bị lỗi"),
}
"""The verdict in words, English and Vietnamese."""

_MOST: Final = 6
_LETTERS: Final = 170
_NAME_LETTERS: Final = 100


def applies(run: Run) -> bool:
    """Whether the run is about a device that declares the profile RK-1."""
    try:
        declared = tomllib.loads(run.declaration)
    except (tomllib.TOMLDecodeError, UnicodeError, RecursionError):
        return False
    named = declared.get("name") == _NAME or _PROFILE in (declared.get("profile"), *str(declared.get("title")).split())
    return named and run.suite.endswith(".device")


def render(run: Run, book: Book) -> str:
    """The sheet as text."""
    rows = matrix(run, book)
    tally = counts(run.cases)
    open_cases = [case for case in run.cases if case.verdict in ("FAIL", "ERROR", "INCONCLUSIVE", "NON-STRICT")]
    order = ("FAIL", "ERROR", "INCONCLUSIVE", "NON-STRICT")
    open_cases.sort(key=lambda case: order.index(case.verdict))
    english, vietnamese = _WORD.get(run.verdict, (run.verdict.lower(), ""))
    in_part = bool(tally["NOT RUN"]) and run.verdict in ("PASS", "NON-STRICT")
    if in_part:  # a sheet of a few chosen cases must not look like one of all
        english, vietnamese = f"{english}, in a part of the suite", f"{vietnamese}, trong một phần phép thử"
    return (
        environment()
        .get_template("acceptance.html")
        .render(
            run=run,
            name=_short(_declared_title(run), _NAME_LETTERS),
            place=_short(f"{run.target}, {run.line}"),
            tone_of_run="open" if in_part else tone(run.verdict),
            english=english,
            vietnamese=vietnamese,
            rule=rule_of(run.verdict),
            statement=statement(run, book, rows),
            groups=_groups(rows),
            tally=[(name, tally[name]) for name in ("PASS", "NON-STRICT", "FAIL", "INCONCLUSIVE", "NOT APPLICABLE")],
            not_run=tally["NOT RUN"] + tally["ERROR"],
            left_out=_left_out(run, tally["NOT RUN"]),
            no_guarantees=run.suite != _WHOLE,
            open_cases=[(case, _short(case.reason)) for case in open_cases[:_MOST]],
            more=max(len(open_cases) - _MOST, 0),
            results_sha256=sha256(to_ndjson(run).encode()).hexdigest(),
        )
    )


def _left_out(run: Run, number: int) -> str:
    """What a buyer must know of the cases that were not run; "" when all were."""
    if not number:
        return ""
    why = next((case.reason for case in run.cases if case.verdict == "NOT RUN" and case.reason), "not selected")
    return f"{number} of {len(run.cases)}: {_short(why)}"


def _declared_title(run: Run) -> str:
    declared = tomllib.loads(run.declaration)
    return str(declared.get("title") or declared.get("name") or _PROFILE)


def _groups(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Requirements by specification and level: how many were kept, contradicted, excluded, left open."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.is_testable:
            found.setdefault((row.known.id.partition("-")[0], row.known.level), []).append(row)
    return [
        {
            "spec": spec,
            "level": level,
            "all": len(group),
            "kept": sum(row.verdict in ("PASS", "NON-STRICT", "INFO") for row in group),
            "broken": sum(row.verdict == "FAIL" for row in group),
            "excluded": sum(row.verdict == "NOT APPLICABLE" for row in group),
            "open": sum(row.verdict in ("INCONCLUSIVE", "ERROR", "NOT RUN", "NO CASE") for row in group),
        }
        for (spec, level), group in found.items()
    ]


def _short(text: str, most: int = _LETTERS) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
