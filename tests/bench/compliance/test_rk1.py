"""The rating keypad's own suite: mutants KP-01 to KP-10 and further ones, legal variants, null devices."""

from __future__ import annotations

import pytest

from bench.compliance.acceptance_sheet import applies, render
from bench.compliance.mutants import rk1_device, rk1_others, rk1_queue
from bench.compliance.requirements import load
from bench.compliance.suites import suite_named
from bench.compliance.tally import shipped_book
from bench.compliance.targets import target_named
from tests.bench.compliance.bus_laws import (
    must_be_reproducible,
    must_die_rightly_blamed,
    must_not_fail,
    must_not_pass,
    run_of,
)

MUTANTS = {mutant.id: mutant for module in (rk1_queue, rk1_device, rk1_others) for mutant in module.MUTANTS}
VARIANTS = {subject.id: subject for subject in rk1_others.VARIANTS}


@pytest.mark.parametrize("name", [f"KP-{number:02}" for number in range(1, 11)])
def test_the_planted_defects_of_keypads_are_found(name: str) -> None:
    """Law: each of KP-01 to KP-10 dies, and the requirement that it breaks is blamed."""
    must_die_rightly_blamed(MUTANTS[name])


@pytest.mark.parametrize("name", VARIANTS)
def test_legal_variants_do_not_fail(name: str) -> None:
    """Law: depth 1 and 200, 16-bit numbers, a battery, one key, a wrapping epoch: nothing fails."""
    must_not_fail(VARIANTS[name])


@pytest.mark.parametrize("subject", rk1_others.NULL_DEVICES[1:4], ids=lambda subject: subject.id)
def test_null_devices_do_not_pass(subject: object) -> None:
    """Law: silence, echoes and random characters pass nothing."""
    must_not_pass(subject)  # type: ignore[arg-type]


def test_a_run_is_reproducible_and_can_be_judged_again() -> None:
    """Law: same seed, same bytes; the frames alone give the same verdicts."""
    must_be_reproducible(target_named("rk1"))


def test_every_guarantee_has_a_case_of_its_own() -> None:
    """Law: each statement of RK-1 that can be seen on the wire is the primary one of a case."""
    wanted = {r.id for r in load("reference_keypad").requirements.values() if not r.because}
    assert {case.primary for case in suite_named("rk1.device").cases if case.id.startswith("rk1.")} == wanted


def test_the_acceptance_sheet_names_the_guarantees() -> None:
    """Law: the sheet of a run on RK-1 counts RK-1's own statements."""
    run = run_of(target_named("rk1"))
    assert applies(run)
    assert "RK1" in render(run, shipped_book(run))
