"""Two defects in one device: each must still be found, and blamed on its own requirement.

A pair is a station that inherits from both stations, with a slave that inherits from both slaves. Defects that
take each other's place are no pair: where both change the same step, only one of them would be in the device. So a pair
is taken only when no step is changed by both.

Both are blamed, as a rule. One may take the tester's means from the other: in a device that sends every check wrong no
register can be read, so its wrong byte order is not seen before the check is mended. Then the other's cases must be
INCONCLUSIVE. What is never allowed is that a defect hides another behind a PASS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Any, Final

from bench.compliance.mutants.base import MADE_OF, Mutant, Parts, Station, on_station
from bench.compliance.reference import ReferenceSlave
from bench.compliance.results import CaseResult, Run

__all__ = ["PAIRS", "PairsFound", "caught", "drawn_pairs", "pair_of", "pairable", "try_pairs"]

PAIRS: Final = 200
"""So many are drawn (conformance.md 3.1)."""

_UNDONE: Final = frozenset(
    frozenset(pair)
    for pair in (
        ("MB-13", "MX-15"),  # what is refused at 100 registers, the other lets through
        ("MB-13", "MX-16"),
        ("MB-22", "MX-11"),  # a reply is not too early and too late
        ("MB-01", "MX-08"),  # a frame that fits no check, and another behind it: noise, to whoever listens
        ("MX-08", "MX-51"),
    )
)
"""Pairs of which one takes back what the other does, or leaves nothing that can be read: never both are blamed."""

_CHAINED: Final = frozenset({"said"})
"""A step whose changes add up, where one of the two defects hands on what the other gives (`chains`)."""


def caught(case: CaseResult) -> bool:
    """Whether a case holds something against the device."""
    return case.verdict == "FAIL" or (case.verdict == "NON-STRICT" and case.level in ("SHOULD", "FIELD"))


def _places(kind: type) -> frozenset[str]:
    """Steps of the station that a class changes."""
    own = {name for each in kind.__mro__ if issubclass(each, Station) and each is not Station for name in vars(each)}
    return frozenset(name for name in own if not name.startswith("__") and callable(getattr(Station, name, None)))


def _parts(mutant: Mutant) -> Parts | None:
    return MADE_OF.get(mutant.build)


def pairable(a: Mutant, b: Mutant) -> bool:
    """Whether both defects can be in one device, unchanged."""
    first, second = _parts(a), _parts(b)
    if first is None or second is None or a.requirement == b.requirement or {a.id, b.id} in _UNDONE:
        return False
    if a.changes != b.changes or a.settings != b.settings or a.declaration != b.declaration:
        return False
    if first.turnaround and second.turnaround:
        return False
    both = _places(first.station) & _places(second.station)
    chained = getattr(first.station, "chains", False) or getattr(second.station, "chains", False)
    if both and not (chained and both <= _CHAINED):
        return False
    slaves = [parts.slave for parts in (first, second) if parts.slave is not ReferenceSlave]
    return len(slaves) < 2


def pair_of(a: Mutant, b: Mutant) -> Mutant:
    """A device with both defects; it has no requirement of its own."""
    first, second = _parts(a), _parts(b)
    assert first is not None
    assert second is not None
    stations = [p.station for p in (first, second) if p.station is not Station]
    stations.sort(key=lambda station: not getattr(station, "chains", False))
    station: Any = type("Pair", tuple(stations), {}) if len(stations) > 1 else (stations or [Station])[0]
    slave: Any = next((p.slave for p in (first, second) if p.slave is not ReferenceSlave), ReferenceSlave)
    build = on_station(station, slave, a.unit, first.turnaround or second.turnaround)
    return Mutant(
        f"{a.id}+{b.id}",
        f"{a.title}; {b.title}",
        build,
        a.declaration,
        a.changes,
        a.unit,
        a.settings,
        collateral=a.collateral | b.collateral,
    )


@dataclass(frozen=True, slots=True)
class PairsFound:
    """What came of trying pairs.

    Args:
        tried: how many.
        both: in how many both requirements were blamed.
        undecided: "pair: defect" of those where one defect left the other's cases INCONCLUSIVE.
        hidden: "pair: defect: case" where a case that kills a defect alone passes on the pair.
        unblamed: pairs for which neither requirement was blamed.
    """

    tried: int
    both: int
    undecided: tuple[str, ...]
    hidden: tuple[str, ...]
    unblamed: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        """A sentence for each pair on which the suite is not to be trusted."""
        found = [f"two defects at once, {each}, passes" for each in self.hidden]
        return found + [f"two defects at once, {each}: neither is blamed" for each in self.unblamed]

    def as_json(self) -> dict[str, Any]:
        """As the self-test prints it."""
        return {
            "tried": self.tried,
            "both": self.both,
            "undecided": list(self.undecided),
            "hidden": list(self.hidden),
            "unblamed": list(self.unblamed),
        }


def try_pairs(
    pairs: Iterable[tuple[Mutant, Mutant]],
    kills: Mapping[str, Iterable[str]],
    check: Callable[[Mutant, Iterable[str]], Run],
) -> PairsFound:
    """Run the cases that kill each of two defects on a device with both.

    Args:
        pairs: of mutants.
        kills: id of a mutant -> the cases that blame its requirement when it is alone.
        check: runs cases on a device.
    """
    tried = both = 0
    undecided, hidden, unblamed = [], [], []
    for a, b in pairs:
        tried += 1
        pair = pair_of(a, b)
        run = check(pair, [*kills[a.id], *kills[b.id]])
        found = {case.id: case for case in run.cases}
        blamed = {case.requirement for case in run.cases if caught(case)}
        missed = [mutant for mutant in (a, b) if mutant.requirement not in blamed]
        both += not missed
        for mutant in missed:
            passes = [case for case in kills[mutant.id] if found[case].verdict in ("PASS", "INFO", "ERROR")]
            hidden += [f"{pair.id}: {mutant.id}: {case} is {found[case].verdict}" for case in passes]
            if not passes:
                undecided.append(f"{pair.id}: {mutant.id}")
        if len(missed) == 2:
            unblamed.append(pair.id)
    return PairsFound(tried, both, tuple(undecided), tuple(hidden), tuple(unblamed))


def drawn_pairs(mutants: Sequence[Mutant], count: int = PAIRS, seed: int = 1) -> list[tuple[Mutant, Mutant]]:
    """So many pairs of all that are possible, drawn."""
    possible = [(a, b) for a, b in combinations(mutants, 2) if pairable(a, b)]
    return Random(seed).sample(possible, min(count, len(possible)))
