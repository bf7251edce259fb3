"""Two runs beside each other: what fails now, what was mended, what changed, and what makes them hard to compare.

Differences of suite, catalogue, declaration, line and version come first, because a verdict may have changed for their
sake and not for the device's. A margin counts as changed when it moved by more than both uncertainties together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from bench.compliance.ladder import bounds
from bench.compliance.page import environment
from bench.compliance.results import CaseResult, Measure, Run
from bench.compliance.tally import tone

__all__ = ["Change", "Comparison", "Margin", "compare", "render"]

_BAD: Final = frozenset({"FAIL", "ERROR"})
_GOOD: Final = frozenset({"PASS", "NON-STRICT", "INFO"})

_PREMISE: Final[Mapping[str, tuple[str, bool]]] = {
    "suite": ("suite", True),
    "catalogue_sha256": ("catalogue of requirements and cases", True),
    "declaration_sha256": ("declaration", True),
    "tool": ("tool", False),
    "clock": ("clock", False),
    "line": ("line settings", False),
    "target": ("target", False),
    "uncertainty_ms": ("uncertainty of instants, ms", False),
    "seed": ("seed", False),
}
"""Field of a run -> its name for people, and whether verdicts can differ for its sake alone."""


class Change(NamedTuple):
    """A case whose verdict is another one; "" stands for a case that the run does not have.

    Args:
        kind: "new fail", "fixed", "changed", "added" or "removed".
        id, title, requirement: the case.
        before, after: verdicts.
        reason: of the later one.
        remark: "revision 2 -> 3" when the case itself changed.
    """

    kind: str
    id: str
    title: str
    requirement: str
    before: str
    after: str
    reason: str
    remark: str


class Margin(NamedTuple):
    """How far a figure lies within its limit, in both runs; negative is outside."""

    case: str
    name: str
    unit: str
    limit: str
    before: float
    after: float


class Premise(NamedTuple):
    """What differs before any case: its name, both values, and whether verdicts may differ for its sake alone."""

    name: str
    before: str
    after: str
    weighty: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from one run to another."""

    before: Run
    after: Run
    premises: tuple[Premise, ...]
    changes: tuple[Change, ...]
    margins: tuple[Margin, ...]
    common: int

    def of(self, kind: str) -> list[Change]:
        """Changes of one kind."""
        return [change for change in self.changes if change.kind == kind]

    def sentence(self) -> str:
        """The comparison in one sentence."""
        if not self.common:
            return "the runs have no case in common, so nothing can be compared"
        parts = [f"{len(self.of('new fail'))} new fail", f"{len(self.of('fixed'))} fixed"]
        others = len(self.changes) - len(self.of("new fail")) - len(self.of("fixed"))
        parts += [f"{others} otherwise changed", f"{len(self.margins)} with another margin"]
        suite = f"suite verdict {self.before.verdict} -> {self.after.verdict}"
        return f"{', '.join(parts)}, of {self.common} common cases; {suite}"

    def to_json(self) -> dict[str, Any]:
        """As `hallbench compare --json` prints it."""
        return {
            "sentence": self.sentence(),
            "verdicts": [self.before.verdict, self.after.verdict],
            "premises": [premise._asdict() for premise in self.premises],
            "common": self.common,
            "changes": [change._asdict() for change in self.changes],
            "margins": [margin._asdict() for margin in self.margins],
        }


def compare(before: Run, after: Run) -> Comparison:
    """Compare two runs, the earlier one first."""
    old = {case.id: case for case in before.cases}
    new = {case.id: case for case in after.cases}
    changes = [change for id_ in {**old, **new} if (change := _change(old.get(id_), new.get(id_)))]
    order = ("new fail", "fixed", "changed", "added", "removed")
    changes.sort(key=lambda change: order.index(change.kind))
    margins = [margin for id_ in old if id_ in new for margin in _margins(old[id_], new[id_])]
    common = len(old.keys() & new.keys())
    return Comparison(before, after, tuple(_premises(before, after)), tuple(changes), tuple(margins), common)


def _premises(before: Run, after: Run) -> Iterator[Premise]:
    for field, (name, weighty) in _PREMISE.items():
        left, right = getattr(before, field), getattr(after, field)
        if left != right:
            yield Premise(name, str(left), str(right), weighty)


def _change(old: CaseResult | None, new: CaseResult | None) -> Change | None:
    shown = new or old
    if shown is None or (old and new and old.verdict == new.verdict):
        return None
    before, after = old.verdict if old else "", new.verdict if new else ""
    if after in _BAD:
        kind = "new fail" if before not in _BAD else "changed"
    elif before in _BAD and after in _GOOD:
        kind = "fixed"
    else:
        kind = "added" if not old else "removed" if not new else "changed"
    remark = f"revision {old.rev} -> {new.rev}" if old and new and old.rev != new.rev else ""
    return Change(kind, shown.id, shown.title, shown.requirement, before, after, new.reason if new else "", remark)


def _margins(old: CaseResult, new: CaseResult) -> Iterator[Margin]:
    """Figures of one name: the worst margin of each case counts."""
    left, right = _worst(old), _worst(new)
    for name in left.keys() & right.keys():
        (before, first), (after, second) = left[name], right[name]
        if first.limit == second.limit and abs(after - before) > first.uncertainty + second.uncertainty + 1e-9:
            yield Margin(new.id, name, second.unit, second.limit, round(before, 6), round(after, 6))


def _worst(case: CaseResult) -> dict[str, tuple[float, Measure]]:
    found: dict[str, tuple[float, Measure]] = {}
    for measure in case.measures:
        low, high = bounds(measure.limit)
        margins = [measure.value - low] if low is not None else []
        margins += [high - measure.value] if high is not None else []
        if margins and (measure.name not in found or min(margins) < found[measure.name][0]):
            found[measure.name] = (min(margins), measure)
    return dict(sorted(found.items()))


def render(comparison: Comparison) -> str:
    """The comparison as one page, in the style of the reports."""
    new = len(comparison.of("new fail"))
    return (
        environment()
        .get_template("compare.html")
        .render(
            comparison=comparison,
            tone_of_run="bad" if new else "open" if not comparison.common else "good",
            word=f"{new} NEW" if new else "NO NEW FAIL" if comparison.common else "NOT COMPARABLE",
            sentence=comparison.sentence(),
            titles={
                "new fail": "Fails now",
                "fixed": "Fixed",
                "changed": "Otherwise changed",
                "added": "Only in the second",
                "removed": "Only in the first",
            },
            groups=[(kind, comparison.of(kind)) for kind in ("new fail", "fixed", "changed", "added", "removed")],
            tone=tone,
        )
    )
