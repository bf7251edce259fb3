"""The suite's own test: which mutant each case kills, and that it spares what is right and passes nothing that is not.

A mutant is killed when a case fails (for a SHOULD: is not strict); it is blamed rightly when one of these cases has
the mutant's requirement as its primary one, and no other case fails but those on its list (conformance.md 3.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.compliance.declaration import Declaration, load_declaration, parse
from bench.compliance.engine import Judge, run_suite
from bench.compliance.master.run import judge_run
from bench.compliance.mutants.base import Mutant, Subject
from bench.compliance.mutants.pairs import PairsFound, caught, drawn_pairs, try_pairs
from bench.compliance.protocols import protocol_of
from bench.compliance.results import Run
from bench.compliance.suites import SUITES, Suite, suite_named
from bench.compliance.virtual import VirtualPlayer
from firmware_sim.burst import LineSettings

__all__ = ["KillMatrix", "check_subject", "declaration_of", "self_test", "subjects"]

SUITE: Final = "modbus_rtu.device"
"""The suite with the most cases."""


@dataclass(frozen=True, slots=True)
class KillMatrix:
    """What the self-test found.

    Args:
        rows: mutant id -> killed, blamed, expected, collateral, unexpected, cases, title, wild.
        variants: subject id -> failed (case -> reason), title.
        null_devices: subject id -> passed (cases), title.
        idle: cases that killed nothing.
        twins: groups of cases with the same row of kills, more than one kill each.
        seed: drawn from.
        pairs: what came of two defects at once; None where it was not tried.
    """

    rows: Mapping[str, Mapping[str, Any]]
    variants: Mapping[str, Mapping[str, Any]]
    null_devices: Mapping[str, Mapping[str, Any]]
    idle: tuple[str, ...]
    twins: tuple[tuple[str, ...], ...]
    seed: int
    pairs: PairsFound | None = None

    @property
    def problems(self) -> list[str]:
        """What keeps the suite from being released, a sentence each; empty: every gate holds."""
        found = []
        for name, row in self.rows.items():
            if not row["killed"]:
                found.append(f"{name} ({row['title']}) survives: no case fails")
            elif row["expected"] not in row["blamed"]:
                found.append(f"{name} ({row['title']}): {', '.join(row['blamed'])} blamed, {row['expected']} expected")
            if row["unexpected"]:
                found.append(f"{name} ({row['title']}): these fail too, and are not on its list: {row['unexpected']}")
        for name, row in self.variants.items():
            found += [
                f"{name} ({row['title']}) is right, and {case} says: {why}" for case, why in row["failed"].items()
            ]
        for name, row in self.null_devices.items():
            if row["passed"]:
                found.append(f"{name} ({row['title']}) passes {', '.join(row['passed'])}")
        if self.idle:
            found.append(f"cases that kill no mutant: {', '.join(self.idle)}")
        return found + (self.pairs.problems if self.pairs is not None else [])

    def as_json(self) -> dict[str, Any]:
        """As `hallbench check --self-test --json` prints it, without the seconds."""
        return {
            "mutants": [{"id": name, **row} for name, row in self.rows.items()],
            "variants": [{"id": name, **row} for name, row in self.variants.items()],
            "null_devices": [{"id": name, **row} for name, row in self.null_devices.items()],
            "idle": list(self.idle),
            "same_kills": [list(group) for group in self.twins],
            **({"pairs": self.pairs.as_json()} if self.pairs is not None else {}),
            "problems": self.problems,
        }


def subjects() -> tuple[tuple[Mutant, ...], tuple[Subject, ...], tuple[Subject, ...]]:
    """Mutants, legal variants, null devices."""
    from bench.compliance.mutants import (
        alpha_mutants,
        alpha_others,
        bus_subjects,
        escpos_others,
        escpos_status,
        escpos_streams,
        modbus_frames,
        modbus_pdu,
        others,
    )

    planted = (modbus_frames, modbus_pdu, escpos_status, escpos_streams, alpha_mutants, bus_subjects)
    mutants = sorted((mutant for module in planted for mutant in module.MUTANTS), key=lambda mutant: mutant.id)
    beside = (others, escpos_others, alpha_others, bus_subjects)
    return (
        tuple(mutants),
        tuple(subject for module in beside for subject in module.VARIANTS),
        tuple(subject for module in beside for subject in module.NULL_DEVICES),
    )


def all_masters() -> tuple[Any, ...]:
    """The masters of the self-test: one that is right, and the mutants."""
    from bench.compliance.master.mutants import MASTERS

    return MASTERS


def declaration_of(subject: Subject) -> Declaration:
    """The declaration a subject is tested by, with its changes."""
    text = load_declaration(subject.declaration).text
    for old, new in subject.changes:
        text = text.replace(old, new)
    return parse(text, f"{subject.id}.toml")


def suite_of(subject: Subject) -> Suite:
    """The suite of a subject's protocol."""
    return suite_named(protocol_of(declaration_of(subject).protocol).suite)


def check_subject(subject: Subject, suite: Suite, seed: int, *, only: Iterable[str] = ()) -> Run:
    """Run the suite on a subject, in virtual time."""
    declaration = declaration_of(subject)
    settings = LineSettings.parse(subject.settings) if subject.settings else declaration.settings
    judge = Judge(declaration, suite.requirements(), subject.unit, seed, settings)
    player = VirtualPlayer(subject.build, settings, subject.view)
    wanted = set(only)
    return run_suite(
        Suite(suite.name, suite.catalogues, suite.cases, stops_when_dead=False),
        judge,
        player,
        chosen=lambda case: case.id.startswith(subject.cases) and (not wanted or case.id in wanted),
        target=f"emulated {subject.id}",
    )


def _row(mutant: Any, run: Run) -> dict[str, Any]:
    against = [case for case in run.cases if caught(case)]
    beside = sorted(case.id for case in against if case.requirement != mutant.requirement)
    return {
        "title": mutant.title,
        "wild": getattr(mutant, "wild", ""),
        "killed": bool(against),
        "blamed": sorted({case.requirement for case in against}),
        "expected": mutant.requirement,
        "cases": sorted(case.id for case in against if case.requirement == mutant.requirement),
        "collateral": [case for case in beside if case in mutant.collateral],
        "unexpected": [case for case in beside if case not in mutant.collateral],
    }


def self_test(
    seed: int = 1,
    *,
    chosen: Callable[[Any], bool] = lambda subject: True,
    progress: Callable[[int, int, str], None] = lambda done, of, what: None,
) -> KillMatrix:
    """Run the suite on every chosen subject.

    Args:
        seed: values and nonces are drawn from it.
        chosen: which subjects; cases are called idle only when all mutants were run.
        progress: called before each subject.
    """
    suites = [suite_named(name) for name in SUITES]
    mutants, variants, nulls = ([s for s in group if chosen(s)] for group in subjects())
    everyone: Sequence[Any] = [*mutants, *variants, *nulls]
    runs: dict[str, Run] = {}
    for done, subject in enumerate(everyone):
        progress(done, len(everyone), subject.id)
        runs[subject.id] = check_subject(subject, suite_of(subject), seed)
    masters = [master for master in all_masters() if chosen(master)]
    runs |= {master.id: judge_run(master.play(), f"emulated {master.id}") for master in masters}
    wrong: Sequence[Any] = [*mutants, *(master for master in masters if master.requirement)]
    rows = {mutant.id: _row(mutant, runs[mutant.id]) for mutant in wrong}
    variants = [*variants, *(master for master in masters if not master.requirement)]
    kills: dict[str, list[str]] = {case.id: [] for each in suites for case in each.cases}
    for mutant in wrong:
        for case in runs[mutant.id].cases:
            if caught(case):
                kills[case.id].append(mutant.id)
    whole = len(mutants) == len(subjects()[0]) and len(masters) == len(all_masters())
    groups: dict[tuple[str, ...], list[str]] = {}
    for case_id, killed in kills.items():
        if killed:
            groups.setdefault(tuple(killed), []).append(case_id)
    return KillMatrix(
        rows=rows,
        variants={s.id: {"title": s.title, "failed": _failures(runs[s.id])} for s in variants},
        null_devices={s.id: {"title": s.title, "passed": _passes(runs[s.id])} for s in nulls},
        idle=tuple(case for case, killed in kills.items() if not killed) if whole else (),
        twins=tuple(tuple(group) for group in groups.values() if len(group) > 1) if whole else (),
        seed=seed,
        pairs=_pairs(mutants, rows, seed) if whole else None,
    )


def _pairs(mutants: Sequence[Any], rows: Mapping[str, Mapping[str, Any]], seed: int) -> PairsFound:
    def check(pair: Mutant, cases: Iterable[str]) -> Run:
        return check_subject(pair, suite_of(pair), seed, only=cases)

    return try_pairs(drawn_pairs(mutants, seed=seed), {name: row["cases"] for name, row in rows.items()}, check)


def _failures(run: Run) -> dict[str, str]:
    return {case.id: case.reason for case in run.cases if case.verdict in ("FAIL", "ERROR")}


def _passes(run: Run) -> list[str]:
    return [case.id for case in run.cases if case.verdict in ("PASS", "NON-STRICT")]
