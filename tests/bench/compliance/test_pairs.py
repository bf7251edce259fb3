"""Two planted defects in one device: both are blamed, or one is left undecided; none hides behind a PASS."""

from __future__ import annotations

from dataclasses import replace

from bench.compliance.mutants import modbus_frames, modbus_pdu
from bench.compliance.mutants.pairs import PAIRS, drawn_pairs, pair_of, pairable, try_pairs
from bench.compliance.results import Run
from bench.compliance.selftest import check_subject, suite_of
from tests.bench.compliance.bus_laws import must_die_rightly_blamed

MUTANTS = {mutant.id: mutant for mutant in (*modbus_frames.MUTANTS, *modbus_pdu.MUTANTS)}


def check(pair, cases) -> Run:
    return check_subject(pair, suite_of(pair), 1, only=cases)


def kills() -> dict[str, list[str]]:
    """Case that kills each mutant, by the requirement."""
    suite = suite_of(MUTANTS["MB-01"])
    return {
        mutant.id: [case.id for case in suite.cases if case.primary == mutant.requirement]
        for mutant in MUTANTS.values()
    }


def test_two_hundred_pairs() -> None:
    """Law: of 200 drawn pairs at least one is always blamed, mostly both, and no case that kills passes."""
    pairs = drawn_pairs(tuple(MUTANTS.values()))
    alone: dict[str, list[str]] = {}
    for mutant in {each.id: each for pair in pairs for each in pair}.values():
        run = check(mutant, kills()[mutant.id])
        alone[mutant.id] = [case.id for case in run.cases if case.verdict in ("FAIL", "NON-STRICT")]
    found = try_pairs(pairs, alone, check)
    assert found.tried == PAIRS == 200
    assert found.problems == []
    assert found.both >= 140
    assert found.both + len({each.split(":")[0] for each in found.undecided}) == found.tried


def test_a_pair_has_both_defects() -> None:
    """Law: defects at different steps are both in the device: unknown functions draw silence, broadcasts a reply."""
    pair = pair_of(MUTANTS["MB-11"], MUTANTS["MB-08"])
    for each in ("MB-11", "MB-08"):
        must_die_rightly_blamed(replace(pair, requirement=MUTANTS[each].requirement, collateral=_all(pair)))


def _all(pair) -> frozenset[str]:
    return frozenset(case.id for case in suite_of(pair).cases)


def test_defects_at_the_same_step_are_no_pair() -> None:
    """Law: the check sent high first and begun at 0000 take each other's place; so do two of one requirement."""
    assert not pairable(MUTANTS["MB-01"], MUTANTS["MB-02"])
    assert not pairable(MUTANTS["MB-01"], MUTANTS["MB-01"])
    assert pairable(MUTANTS["MB-01"], MUTANTS["MB-10"])


def test_what_is_hidden_is_a_problem() -> None:
    """Law: a killer that passes on the pair is told, with the pair and the case."""
    a, b = MUTANTS["MB-06"], MUTANTS["MB-10"]
    found = try_pairs([(a, b)], {a.id: ["rtu.dev.crc-order"], b.id: ["rtu.dev.crc-order"]}, check)
    assert found.both == 0
    assert any("MB-06+MB-10" in problem for problem in found.problems)
