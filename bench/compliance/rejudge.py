"""Judges a recorded run again, and checks what its frames alone must satisfy.

Two depths. With the cases of the run's suite at hand every case is played again against the recorded frames
(`bench.compliance.rejudge_cases`), and each field of each result is compared. Without them (an unknown suite, another
revision) the laws remain that hold for any run: a PASS has a witness that stands in the record, a highlighted character
exists, attempts fit the verdict, a figure within its uncertainty of the limit decides nothing, the suite's verdict
follows from the cases. Which depth was reached is always said.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha256
from typing import Final

from bench import __version__
from bench.compliance.declaration import too_long
from bench.compliance.ladder import bounds
from bench.compliance.results import VERDICTS, CaseResult, Measure, Run, suite_verdict

__all__ = ["Rejudged", "laws", "misshapen", "rejudge"]

_JUDGED: Final = ("PASS", "NON-STRICT", "INFO", "FAIL", "INCONCLUSIVE", "ERROR")
_TEXTS: Final = ("id", "title", "requirement", "level", "reason", "witness", "recovery", "applies", "reproduce")
_HEAD: Final = (
    "tool",
    "suite",
    "catalogue_sha256",
    "declaration_sha256",
    "declaration",
    "clock",
    "target",
    "line",
    "started",
)
_LONGEST: Final = 1 << 16
_MOST: Final = 1e15
_HEAD_LETTERS: Final = 4096
_YEARS: Final = range(1971, 2261)  # what ns from 1970 in 64 bits can say, as pcapng has it


@dataclass(frozen=True, slots=True)
class Rejudged:
    """What judging again gave.

    Args:
        by_cases: every judged case was played again against its frames.
        why_not: for `by_cases` False, why only the laws could be checked.
        cases: how many were judged again.
        findings: each difference and each broken law, as a sentence.
    """

    by_cases: bool
    why_not: str
    cases: int
    findings: tuple[str, ...]


def rejudge(run: Run) -> Rejudged:
    """Judge a run again; it must not be `misshapen`."""
    broken = list(laws(run))
    try:
        suite_cases, current = _suite(run)
    except _Unknown as unknown:
        return Rejudged(False, str(unknown), 0, tuple(broken))
    broken += _not_of_the_suite(run, suite_cases) if current else []
    try:
        from bench.compliance import rejudge_cases

        again = list(zip(run.cases, rejudge_cases(run), strict=True))
    except Exception as error:  # whatever a forged record makes a case do, it must not pass for a verdict
        why = f"the cases could not be played against these frames: {type(error).__name__}: {error}"
        return Rejudged(False, why, 0, tuple(broken))
    exact = current and run.tool == f"hallbench {__version__}"
    for old, new in again:
        broken += _differences(old, new, exact=exact)
    judged = sum(case.verdict in _JUDGED for case in run.cases)
    return Rejudged(True, "", judged, tuple(broken))


class _Unknown(Exception):
    """This version cannot play the run's cases; the message says why."""


def _suite(run: Run) -> tuple[dict[str, str], bool]:
    """Ids of the suite's cases with what they need of a declaration; and whether the catalogue is that of the run."""
    from bench.compliance.suites import suite_named

    try:
        suite = suite_named(run.suite)
        return {case.id: case.applies for case in suite.cases}, suite.sha256() == run.catalogue_sha256
    except (KeyError, ImportError, ValueError) as error:
        raise _Unknown(f"this version of hallbench ({__version__}) has no suite {run.suite!r}") from error


def _not_of_the_suite(run: Run, suite_cases: dict[str, str]) -> list[str]:
    """Cases taken out, put in, or said not to apply although the declaration has what they need."""
    from bench.compliance.declaration import InvalidDeclaration, parse

    have = {case.id for case in run.cases}
    told = [f"case {id_} of the suite is not in the results" for id_ in suite_cases if id_ not in have]
    told += [f"case {case.id} is not one of the suite" for case in run.cases if case.id not in suite_cases]
    try:
        declaration = parse(run.declaration, "declaration.toml")
    except (InvalidDeclaration, RecursionError) as error:
        return [*told, f"the declaration in the results cannot be read: {error}"]
    for case in run.cases:
        needs = suite_cases.get(case.id)
        if case.verdict == "NOT APPLICABLE" and needs is not None and declaration.allows(needs):
            told.append(
                f"{case.id}: NOT APPLICABLE, and the declaration has what the case needs ({needs or 'nothing'})"
            )
    return told


def _differences(old: CaseResult, new: CaseResult, *, exact: bool) -> Iterator[str]:
    if old.verdict != new.verdict:
        because = f": {new.reason}" if new.reason else ""
        yield f"{old.id}: recorded as {old.verdict}, judged again from the frames {new.verdict}{because}"
        return
    if not exact:
        return
    for field in fields(CaseResult):
        if getattr(old, field.name) != getattr(new, field.name):
            yield f"{old.id}: {field.name} is not what judging the frames again gives"


def laws(run: Run) -> Iterator[str]:
    """What must hold of any run, whatever its suite; each broken law as a sentence."""
    if sha256(run.declaration.encode("utf-8", "surrogatepass")).hexdigest() != run.declaration_sha256:
        yield "declaration_sha256 is not the hash of the declaration in the results"
    due = suite_verdict(run.cases)
    ended_early = run.verdict == "INCONCLUSIVE" and due in ("PASS", "NON-STRICT") and _is_partial(run)
    if run.verdict != due and not ended_early:
        yield f"the suite's verdict is {run.verdict}; from its cases follows {due}"
    for id_, times in Counter(case.id for case in run.cases).items():
        if times > 1:
            yield f"{id_}: the case stands there {times} times"
    for case in run.cases:
        yield from (f"{case.id}: {told}" for told in _case_laws(case))


def _is_partial(run: Run) -> bool:
    return any(case.verdict == "NOT RUN" for case in run.cases)


def _case_laws(case: CaseResult) -> Iterator[str]:
    came = [frame for frame in case.frames if frame.direction == "in" and frame.data]
    if case.verdict == "PASS":
        if not came:
            yield "a PASS without a single character of the device in the record"
        if not case.witness:
            yield "a PASS that names no witness"
    if case.verdict == "FAIL" and not case.reason:
        yield "a FAIL without a reason"
    if case.verdict == "FAIL" and any(attempt != "FAIL" for attempt in case.attempts):
        yield f"a FAIL although the attempts were {', '.join(case.attempts)}"
    if case.verdict == "NOT APPLICABLE" and not case.applies:
        yield "NOT APPLICABLE without a word of the declaration"
    if case.verdict in ("NOT RUN", "NOT APPLICABLE") and case.frames:
        yield f"{case.verdict}, and yet {len(case.frames)} frames were recorded"
    for measure in case.measures:
        yield from _measure_laws(measure)


def _measure_laws(measure: Measure) -> Iterator[str]:
    low, high = bounds(measure.limit)
    if (low is None and high is None) or measure.ok is None:
        return
    margin = min(
        measure.value - low if low is not None else math.inf, high - measure.value if high is not None else math.inf
    )
    told = f"{measure.name} {measure.value} {measure.unit}, limit {measure.limit}"
    if abs(margin) < measure.uncertainty:
        yield f"{told}: judged although the margin is within the uncertainty of {measure.uncertainty}"
    elif measure.ok != (margin >= 0) and abs(margin) > 5e-4:  # limits are written with three decimals
        yield f"{told}: said to be {'within' if measure.ok else 'outside'}, and it is not"


def misshapen(run: Run) -> str:
    """What in a run read from a file is not of the kind it must be, or ""; nothing else may be done with it then."""
    texts = all(isinstance(getattr(run, name), str) for name in _HEAD)
    if not texts or not _is_int(run.seed) or not isinstance(run.schema_version, int):
        return "the header has a field of the wrong kind"
    long = [name for name in _HEAD if name != "declaration" and len(getattr(run, name)) > _HEAD_LETTERS]
    if long:
        return f"{long[0]} in the header has more than {_HEAD_LETTERS:,} letters"
    wrong = _misdated(run)
    if wrong:
        return wrong
    if run.uncertainty_ms is not None and not _is_number(run.uncertainty_ms):
        return "uncertainty_ms is no number"
    if run.verdict not in VERDICTS or not all(isinstance(note, str) for note in run.notes):
        return "the header has no verdict, or a note that is no text"
    verbose = too_long(run.declaration)
    if verbose:
        return verbose
    for number, case in enumerate(run.cases, 1):
        wrong = _misshapen_case(case)
        if wrong:
            return f"case {number}: {wrong}"
    return ""


def _misdated(run: Run) -> str:
    """What in the header contradicts itself about time: in simulated time there is no instant, in wall time one."""
    if run.clock not in ("virtual", "wall"):
        return "the clock is neither virtual nor wall"
    if bool(run.started) != (run.clock == "wall"):
        return f"the clock is {run.clock}, and an instant {'stands' if run.started else 'is missing'} in the header"
    try:
        year = datetime.fromisoformat(run.started).year if run.started else _YEARS[0]
    except ValueError:
        year = 0
    return "" if year in _YEARS else "the instant in the header is none that a run can have begun at"


def _misshapen_case(case: CaseResult) -> str:
    if not all(isinstance(getattr(case, name), str) for name in _TEXTS) or not _is_int(case.rev):
        return "a field is of the wrong kind"
    if case.verdict not in VERDICTS or not all(isinstance(word, str) for word in (*case.also, *case.attempts)):
        return "the verdict is none of those known"
    if not _is_number(case.seconds) or case.seconds < 0:
        return "seconds is no length of time"
    for frame in case.frames:
        if not _is_int(frame.at) or not _is_int(frame.end) or not 0 <= frame.at <= frame.end < 1 << 62:
            return "a frame ends before it begins, or is not in time"
        if frame.direction not in ("in", "out") or not isinstance(frame.note, str) or len(frame.data) > _LONGEST:
            return "a frame has no direction, no note or too many characters"
    for measure in case.measures:
        if not all(isinstance(text, str) for text in (measure.name, measure.unit, measure.limit)):
            return "a measure's name, unit or limit is no text"
        if not _is_number(measure.value) or not _is_number(measure.uncertainty):
            return "a measure is no finite number"
        if measure.ok not in (None, True, False) or measure.uncertainty < 0:
            return "a measure is neither within, outside nor undecided"
    if case.contradiction is not None:
        if len(case.contradiction) != 3 or not all(_is_int(part) for part in case.contradiction):
            return "the contradiction is not a frame, a first and a last character"
        index, first, last = case.contradiction
        if not 0 <= index < len(case.frames) or not 0 <= first <= last <= len(case.frames[index].data):
            return "the contradiction names characters that are not in the record"
    return ""


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    """Finite, and small enough that arithmetic with it stays finite: JSON also holds integers of 400 digits."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST  # false for NaN too
