"""The OSDP suite: FM mutants as far as they map to it, and what it grants to devices that are right."""

from __future__ import annotations

import pytest

from bench.compliance.mutants import osdp_device
from bench.compliance.targets import target_named
from tests.bench.compliance.bus_laws import (
    must_be_reproducible,
    must_die_rightly_blamed,
    must_not_fail,
    must_not_pass,
)


@pytest.mark.parametrize("mutant", [m for m in osdp_device.MUTANTS if "FM" in m.id], ids=lambda mutant: mutant.id)
def test_the_planted_defects_of_framed_devices_are_found(mutant: object) -> None:
    """Law: sequence, check, length, resynchronisation, direction and busy defects die, rightly blamed."""
    must_die_rightly_blamed(mutant)  # type: ignore[arg-type]


@pytest.mark.parametrize("subject", osdp_device.VARIANTS, ids=lambda subject: subject.id)
def test_legal_variants_do_not_fail(subject: object) -> None:
    """Law: the mark, slow and quick replies, silence on a bad check, other speeds and addresses: nothing fails."""
    must_not_fail(subject)  # type: ignore[arg-type]


@pytest.mark.parametrize("subject", osdp_device.NULL_DEVICES, ids=lambda subject: subject.id)
def test_null_devices_do_not_pass(subject: object) -> None:
    """Law: echoes, replays, constants and ACK to everything pass nothing."""
    must_not_pass(subject)  # type: ignore[arg-type]


def test_a_run_is_reproducible_and_can_be_judged_again() -> None:
    """Law: same seed, same bytes; the frames alone give the same verdicts."""
    must_be_reproducible(target_named("osdp_keypad"))
