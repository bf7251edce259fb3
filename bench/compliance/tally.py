"""What a run says about each requirement, and the one sentence that may be said about the device.

A requirement is judged by the cases that name it as their primary one. The sentence counts MUST requirements that the
catalogue holds to be testable; those that the declaration excludes are told beside it, never inside it
(conformance.md 2.3, 5): "observed conformant to N of M testable MUST requirements of <spec>, declaration <hash>, on
<date>, <line>". hallbench gives no seal of approval, and no text of a report may read as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from bench.compliance.requirements import Catalogue, InvalidCatalogue, Requirement, load, names
from bench.compliance.results import CaseResult, Run

__all__ = [
    "NO_CASE",
    "Book",
    "InvalidBook",
    "Row",
    "Score",
    "book_of",
    "declared_line",
    "matrix",
    "rule_of",
    "score",
    "shipped_book",
    "statement",
    "tone",
]

NO_CASE: Final = "NO CASE"
"""What a requirement's row says when the suite has no case for it; its `because` may say why."""

_WORST_ROW: Final = ("ERROR", "FAIL", "INCONCLUSIVE", "NOT RUN", "NON-STRICT", "PASS", "INFO", "NOT APPLICABLE")
"""Of a requirement: a case that was not run outweighs one that passed, because it could have found the mistake."""

_TONE: Final[Mapping[str, str]] = {"PASS": "good", "NON-STRICT": "good", "FAIL": "bad", "ERROR": "bad"}

_RULE: Final[Mapping[str, str]] = {
    "ERROR": "the tester itself failed in a case, so nothing can be said: ERROR outweighs every other verdict",
    "FAIL": "a requirement of level MUST was contradicted three times out of three: FAIL outweighs what passed",
    "INCONCLUSIVE": "no case failed, but a case could not be decided, or nothing passed: that must be explained",
    "NON-STRICT": "no MUST was contradicted; a recommendation was not met or a tolerated alternative was taken",
    "PASS": "every case that was run and could be judged passed, each with characters of the device as its witness",
}


@dataclass(frozen=True, slots=True)
class Book:
    """The requirements that a run is measured against.

    Args:
        title: specification and edition, for people.
        requirements: by id, in the order of the document.
        whole: False when only the requirements named by the run's cases are known.
    """

    title: str
    requirements: Mapping[str, Requirement]
    whole: bool


class Row(NamedTuple):
    """One requirement in the clause matrix.

    Args:
        known: the requirement.
        verdict: a verdict, or `NO_CASE`.
        cases: those whose primary requirement it is.
        also: cases that touch it without being its primary judge.
    """

    known: Requirement
    verdict: str
    cases: tuple[CaseResult, ...]
    also: tuple[CaseResult, ...]

    @property
    def is_testable(self) -> bool:
        """Whether anything outside the device could see it kept or broken."""
        return self.known.testable != "not-black-box"


class Score(NamedTuple):
    """Counts over testable MUST requirements."""

    conformant: int
    testable: int
    contradicted: int
    not_applicable: int
    open: int


def book_of(run: Run, catalogues: Iterable[Catalogue] = ()) -> Book:
    """The requirements for a run.

    Args:
        run: its cases name requirements.
        catalogues: as `bench.compliance.requirements.load` gives them; those that no case of the run names are left
            out, and so are requirements of the other role.
    """
    named = {case.requirement: case.level for case in run.cases}
    role = run.suite.rpartition(".")[2]
    found: dict[str, Requirement] = {}
    titles: list[str] = []
    for catalogue in catalogues:
        if not named.keys() & catalogue.requirements.keys():
            continue
        edition = str(catalogue.edition)
        titles.append(f"{catalogue.spec_title}{', ' + edition if edition else ''}")
        found |= {
            key: known
            for key, known in catalogue.requirements.items()
            if key in named or known.role in (role, "both") or role not in ("device", "master")
        }
    whole = bool(found) and named.keys() <= found.keys()
    for key, level in named.items():
        found.setdefault(key, Requirement(key, key.partition("-")[0], "", False, level, "both", ""))
    return Book(" and ".join(titles) or run.suite, found, whole)


class InvalidBook(Exception):
    """The catalogues that come with hallbench cannot be read; the message says which and why."""


def shipped_book(run: Run) -> Book:
    """The requirements for a run, out of the catalogues that come with hallbench.

    Raises:
        InvalidBook: one of them cannot be read.
    """
    try:
        return book_of(run, [load(name) for name in names()])
    except InvalidCatalogue as error:
        raise InvalidBook(str(error)) from error


_FACT: Final = re.compile(r"\b([a-z_][a-z_0-9]*) (?:=|>=|<) ")
_CODE: Final = re.compile(r"(fc|bc)[0-9a-f]{2}\Z")
_SET_BY: Final[Mapping[str, str]] = {"fc": "functions", "bc": "broadcast"}


def declared_line(run: Run, case: CaseResult) -> tuple[int, str] | None:
    """The line of the declaration by which a case does not apply: its number from 1, and its text.

    None when the declaration has no such line: what it does not name, it does not claim.
    """
    wanted = {_SET_BY[code[1]] if (code := _CODE.match(name)) else name for name in _FACT.findall(case.applies + " ")}
    for number, line in enumerate(run.declaration.splitlines(), 1):
        key = line.partition("=")[0].strip().removesuffix("_run")
        if "=" in line and key in {name.removesuffix("_run") for name in wanted}:
            return number, line.strip()
    return None


def matrix(run: Run, book: Book) -> list[Row]:
    """A row for each requirement of the book, in its order."""
    primary: dict[str, list[CaseResult]] = {}
    touched: dict[str, list[CaseResult]] = {}
    for case in run.cases:
        primary.setdefault(case.requirement, []).append(case)
        for key in case.also:
            touched.setdefault(key, []).append(case)
    rows = []
    for key, known in book.requirements.items():
        cases, also = tuple(primary.get(key, ())), tuple(touched.get(key, ()))
        rows.append(Row(known, _row_verdict(cases, also), cases, also))
    return rows


def _row_verdict(cases: Sequence[CaseResult], also: Sequence[CaseResult]) -> str:
    found = {case.verdict for case in cases}
    if found:
        return next(verdict for verdict in _WORST_ROW if verdict in found)
    if not also:
        return NO_CASE
    # A case that only touches a requirement can support it, but blames its own: a failure there decides nothing here.
    found = {case.verdict for case in also}
    if found <= {"NOT APPLICABLE", "NOT RUN", "INFO"}:
        return next(verdict for verdict in _WORST_ROW if verdict in found)
    return "INCONCLUSIVE" if found & {"ERROR", "FAIL", "INCONCLUSIVE", "NOT RUN"} else "PASS"


def score(rows: Iterable[Row]) -> Score:
    """Count the testable MUST requirements by what became of them."""
    must = [row for row in rows if row.known.level == "MUST" and row.is_testable]
    kept = sum(row.verdict in ("PASS", "NON-STRICT") for row in must)
    broken = sum(row.verdict == "FAIL" for row in must)
    excluded = sum(row.verdict == "NOT APPLICABLE" for row in must)
    return Score(kept, len(must), broken, excluded, len(must) - kept - broken - excluded)


def statement(run: Run, book: Book, rows: Sequence[Row]) -> str:
    """The sentence that a vendor may quote, whole."""
    got = score(rows)
    when = f"on {run.started[:10]}" if run.started else "in simulated time"
    of = "testable" if book.whole else "tested"
    line = f"{run.target}, {run.line}" if run.line and run.line not in run.target else run.target
    tail = [
        f"{got.contradicted} contradicted" if got.contradicted else "",
        f"{got.not_applicable} not applicable by the declaration" if got.not_applicable else "",
        f"{got.open} not observed or not decided" if got.open else "",
    ]
    rest = ", ".join(filter(None, tail))
    return (
        f"observed conformant to {got.conformant} of {got.testable} {of} MUST requirements of {book.title}, "
        f"declaration {run.declaration_sha256[:12]}, {when}, {line}{f' ({rest})' if rest else ''}"
    )


def rule_of(verdict: str) -> str:
    """Which rule made the suite's verdict what it is, in words."""
    return _RULE.get(verdict, "this word is not a verdict of a suite")


def tone(verdict: str) -> str:
    """Colour class of a verdict: "good", "bad", "open" (to be explained) or "calm"."""
    return _TONE.get(verdict, "open" if verdict in ("INCONCLUSIVE", "NOT RUN") else "calm")
