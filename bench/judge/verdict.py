"""The judge: a pure function of a history and the collector's rows.

It reads no clock, no port and no file of its own; the same history and the same rows give the same verdict, down to the
byte of its JSON. A history that is empty, truncated or edited never gives HOLDS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.judge.case import Case, Finding, Word, quantiles
from bench.judge.claims import Problem, understand
from bench.judge.heard import gaps_of, health_of
from bench.judge.history import History
from bench.judge.invariants import INVARIANTS, NO_ROWS, judge_one
from bench.judge.matching import match
from bench.judge.records import Row, Rows
from bench.judge.stories import tell
from bench.judge.truth import Truth, gather

__all__ = ["SCHEMA_VERSION", "Verdict", "judge"]

SCHEMA_VERSION: Final = 1
"""Version of verdict.json (cli.md)."""

STORIES: Final = 20
"""Stories kept for each invariant; all violations are counted."""

_RANK: Final[Mapping[str, int]] = {"HOLDS": 0, "NOT EXERCISED": 1, "UNKNOWN": 2, "VIOLATED": 3}


@dataclass(slots=True)
class Verdict:
    """What the judge says of a run.

    Args:
        word: HOLDS, VIOLATED, UNKNOWN or NOT EXERCISED.
        reason: why it is not decided; empty for HOLDS and VIOLATED.
        findings: what became of each invariant.
        counts: visitors, tickets, calls, presses, recorded, lost, duplicated, misattributed, phantom.
        latency: p50, p99 and max from press to being stored, seconds; None where nothing was measured.
        must_exercise: the invariants on which the word rests, besides those that are violated.
        keypads: how many rating keypads the program answers for.
        problems: what is wrong with the data of the rows; the first hundred.
        problem_count: how many there are.
        history: state, number of records and damage of the history.
        rows: number of rows, and how many of them were matched by key.
    """

    word: Word
    reason: str
    findings: dict[str, Finding]
    counts: dict[str, int]
    latency: dict[str, float | None]
    must_exercise: tuple[str, ...]
    keypads: int
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    history: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, int | None] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether it is HOLDS."""
        return self.word == "HOLDS"

    def must_hold(self) -> None:
        """Do nothing if the verdict is HOLDS.

        Raises:
            AssertionError: it is anything else; the message is the sentence and the first stories.
        """
        __tracebackhide__ = True  # pytest shows the test's own line
        if not self.holds:
            stories = [story.text() for finding in self.findings.values() for story in finding.stories[:2]]
            raise AssertionError("\n\n".join([self.sentence(), *stories]))

    def to_json(self) -> dict[str, Any]:
        """The object of verdict.json, as cli.md has it, with `sentence`, `reason` and figures besides."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.word,
            "sentence": self.sentence(),
            "reason": self.reason,
            "must_exercise": list(self.must_exercise),
            "invariants": {
                name: {
                    "verdict": finding.verdict,
                    "violations": finding.violations,
                    "checked": finding.checked,
                    "reason": finding.reason,
                    "figures": finding.figures,
                    "stories": [story.text() for story in finding.stories],
                }
                for name, finding in self.findings.items()
            },
            "counts": dict(self.counts),
            "latency_s": dict(self.latency),
            "data_problems": {"count": self.problem_count, "first": [str(problem) for problem in self.problems]},
            "history": dict(self.history),
            "rows": dict(self.rows),
        }

    def sentence(self) -> str:
        """The verdict in one plain sentence."""
        if self.word == "HOLDS":
            return f"HOLDS: {'; '.join(self._held()) or 'nothing is broken'}"
        if self.word == "VIOLATED":
            broken = [
                _broken(name, finding, self.counts)
                for name, finding in self.findings.items()
                if finding.verdict == "VIOLATED"
            ]
            return f"VIOLATED: {'; '.join(broken)}"
        return f"{self.word}: {self.reason or 'the evidence does not decide'}"

    def _held(self) -> list[str]:
        held = {name: finding for name, finding in self.findings.items() if finding.verdict == "HOLDS"}
        parts = []
        if "loss" in held:
            once = " once" if "duplication" in held else ""
            right = "attribution" in held and "clerk" in held["attribution"].figures
            clerk = ", at the right clerk" if right else ""
            ratings = _count(held["loss"].checked, "rating")
            parts.append(f"all {ratings} of {_count(self.keypads, 'keypad')} arrived{once}{clerk}")
            still_open = held["loss"].figures.get("open")
            excused = held["loss"].figures.get("excused")
            if excused:
                parts.append(f"{excused} more were lost by keypads or lines, and could not be had")
            if still_open:
                parts.append(f"{still_open} more are open, pressed just before the end")
        if "lateness" in held and self.latency["p99"] is not None:
            parts.append(f"stored within {self.latency['p99']:g} s (p99)")
        if "tickets" in held:
            parts.append(f"{_count(held['tickets'].checked, 'ticket')} printed once")
        if "calls" in held:
            told = "shown and spoken" if held["calls"].figures.get("spoken") else "shown"
            parts.append(f"{_count(held['calls'].checked, 'call')} {told} in time")
        return parts or [f"{name} holds" for name in held]


_BROKEN: Final[Mapping[str, str]] = {
    "loss": "{n} of {presses} {rating} lost",
    "silent_loss": "{n} {rating} lost by keypads that showed it, and nobody was told",
    "duplication": "{n} {row} told a rating again",
    "attribution": "{n} of {recorded} recorded ratings credited wrongly",
    "phantom": "{n} {row} told a rating that nobody pressed",
    "order": "{n} {row} out of order",
    "lateness": "{n} of {checked} ratings stored late",
    "time": "{n} of {checked} ratings stored with a wrong time",
    "ghosts": "{n} {rating} told again or dropped after a reboot",
    "health": "{n} times a device was told to be up or down wrongly",
    "late_reply": "{n} {row} taken from a reply to an earlier request",
    "unexpected_unit": "{n} times a reply of another unit ended the waiting or was stored",
    "fairness": "{n} lines held up by a dead or slow unit",
    "acknowledge": "{n} {rating} acknowledged before being stored",
    "manners": "{n} times the manners of the bus were broken",
    "convergence": "{n} things not well again in time after the faults",
    "reconfiguration": "{n} devices not set up again after a reboot",
    "resources": "{n} resources of the program grow",
    "tickets": "{n} of {checked} tickets not printed exactly once",
    "calls": "{n} of {checked} calls not shown or spoken in time",
}


def _broken(name: str, finding: Finding, counts: Mapping[str, int]) -> str:
    n = finding.violations
    text = _BROKEN.get(name, "{n} violations of " + name).format(
        n=n,
        checked=finding.checked,
        rating="ratings were" if counts["presses"] != 1 else "rating was",
        row="row" if n == 1 else "rows",
        **counts,
    )
    examples = [story.title for story in finding.stories[:2]]
    more = ", ..." if n > len(examples) else ""
    return f"{text} ({', '.join(examples)}{more})" if examples else text


def judge(
    history: History,
    rows: Iterable[Row | Mapping[str, Any]] | None,
    *,
    stories: int = STORIES,
    no_rows: str = "",
    resources: Sequence[tuple[int, int | None, int | None]] | None = None,
) -> Verdict:
    """Judge a run.

    Args:
        history: what happened; read twice at most.
        rows: what the collector stored (as `records.read` gives it, or `Row`s or mappings with their fields), in the
            order of storing; None if that could not be read, which makes every
            invariant of the ratings UNKNOWN. No rows at all is an empty list: then everything is lost.
        stories: most stories to keep for each invariant.
        no_rows: why `rows` is None.
        resources: (instant ns, descriptors, kilobytes) of the program, in order; None when nobody measured.

    Returns:
        The verdict: the worst among the invariants in the history's `must_exercise` and those that are violated.
    """
    truth = gather(history)
    kept = None if rows is None else Rows.of(rows)
    claims = None if kept is None else understand(kept, truth)
    matching = None if claims is None else match(truth, claims)
    names = {code: name for name, code in truth.clerks.items()}
    case = Case(truth, {row.n: row for row in kept or ()}, claims, matching, stories, names)
    case.gaps, case.health = gaps_of(kept, truth), health_of(kept, truth)
    case.resources = None if resources is None else list(resources)
    findings = {invariant.name: judge_one(invariant, case) for invariant in INVARIANTS}
    counts = {
        "visitors": truth.visitors,
        "tickets": len({issue.ticket for issue in truth.issues}) or truth.taken,
        "calls": len(truth.calls),
        "presses": len(truth.events),
        "recorded": len(matching.matches) if matching else 0,
        "lost": findings["loss"].violations + findings["silent_loss"].violations,
        "duplicated": findings["duplication"].violations,
        "misattributed": findings["attribution"].violations,
        "phantom": findings["phantom"].violations,
    }
    latency: dict[str, float | None] = {name: findings["lateness"].figures.get(name) for name in quantiles(())}
    damage = _damage(history, truth)
    if damage:
        findings = {name: Finding("UNKNOWN", checked=0, reason=_UNRELIABLE) for name in findings}
        counts.update(dict.fromkeys(("lost", "duplicated", "misattributed", "phantom"), 0))
        latency = dict.fromkeys(latency)
    else:
        tell(history, [story for finding in findings.values() for story in finding.stories])
    word = _overall(findings, truth.must_exercise)
    return Verdict(
        word,
        damage or _reason(word, findings, truth.must_exercise, no_rows),
        findings,
        counts,
        latency,
        truth.must_exercise,
        len(truth.counted),
        claims.problems if claims else [],
        claims.wrong if claims else 0,
        {"state": history.state, "records": history.read, "damage": history.damage},
        {"count": None if kept is None else len(kept), "by_key": matching.by_key if matching else None},
    )


def _damage(history: History, truth: Truth) -> str:
    """Why the history cannot be the ground of a verdict; empty if it can."""
    if not history.complete:
        return f"{_UNRELIABLE}: {history.damage}"
    if truth.faults:
        more = f", and {len(truth.faults) - 1} more" if len(truth.faults) > 1 else ""
        return f"{_UNRELIABLE}: {truth.faults[0]}{more}"
    return ""


_UNRELIABLE: Final = "the history cannot be relied on"


def _relevant(findings: Mapping[str, Finding], must: Sequence[str]) -> dict[str, str]:
    """The words that count: of what must be exercised (all that was, if nothing must), and of what is violated."""
    relevant: dict[str, str] = {}
    for name in must or [name for name, finding in findings.items() if finding.verdict != "NOT EXERCISED"]:
        relevant[name] = findings[name].verdict if name in findings else "UNKNOWN"
    relevant.update({name: "VIOLATED" for name, finding in findings.items() if finding.verdict == "VIOLATED"})
    return relevant


def _overall(findings: Mapping[str, Finding], must: Sequence[str]) -> Word:
    words = _relevant(findings, must).values()
    worst = max(words, key=lambda word: _RANK[word], default="NOT EXERCISED")
    return next(word for word in ("HOLDS", "VIOLATED", "UNKNOWN", "NOT EXERCISED") if word == worst)


def _reason(word: str, findings: Mapping[str, Finding], must: Sequence[str], no_rows: str) -> str:
    if word in ("HOLDS", "VIOLATED"):
        return ""
    told: dict[str, list[str]] = {}
    for name, verdict in _relevant(findings, must).items():
        if verdict == word:
            why = findings[name].reason if name in findings else "this judge does not know that invariant"
            told.setdefault(why, []).append(name)
    if not told:
        return "nothing happened in this run that could have broken an invariant"
    whole = {NO_ROWS: f": {no_rows or 'there are none'}"}  # it may have several lines, so it stands last
    told = dict(sorted(told.items(), key=lambda item: item[0] in whole))
    return "; ".join(f"{why} ({', '.join(names)}){whole.get(why, '')}" for why, names in told.items())


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
