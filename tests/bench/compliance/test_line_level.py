"""Cases of the line itself: the same for Modbus, OSDP and declared protocols."""

from __future__ import annotations

import pytest

from bench.compliance.mutants import line_level
from bench.compliance.suites import suite_named
from tests.bench.compliance.bus_laws import must_die_rightly_blamed


@pytest.mark.parametrize("mutant", line_level.MUTANTS, ids=lambda mutant: mutant.id)
def test_devices_that_do_not_bear_their_line_are_found(mutant: object) -> None:
    """Law: turnaround, pieces, noise, other speeds, pace and echoes: each defect dies, rightly blamed."""
    must_die_rightly_blamed(mutant)  # type: ignore[arg-type]


def test_the_cases_are_the_same_in_every_suite() -> None:
    """Law: three suites have the line's cases, and each case has a mutant's requirement."""
    suites = [
        [case.id for case in suite_named(name).cases if case.id.startswith("line.")]
        for name in ("rk1.device", "osdp.device", "declared.device")
    ]
    assert suites[0] == suites[1] == suites[2]
    assert len(suites[0]) >= 15
    blamed = {mutant.requirement for mutant in line_level.MUTANTS}
    assert {case.primary for case in suite_named("osdp.device").cases if case.id.startswith("line.")} == blamed
