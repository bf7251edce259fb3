"""The stored self-test in reports: shown for the suite that it was made with, and for no other."""

from __future__ import annotations

from dataclasses import replace

from bench.compliance import kill_record
from bench.compliance.suites import suite_named
from compliance_runs import case as a_case
from compliance_runs import run as a_run

STORED = {
    "schema_version": 1,
    "suites": {"modbus_rtu.device": suite_named("modbus_rtu.device").sha256()},
    "mutants": [
        {"id": "MB-01", "cases": ["rtu.dev.crc-order"], "collateral": []},
        {"id": "AL-01", "cases": ["al.dev.check-span"], "collateral": []},
    ],
    "variants": [{"id": "reference", "failed": {}}],
    "null_devices": [{"id": "ND-1", "passed": []}],
}


def run_of(catalogue: str):
    return replace(a_run(a_case(id="rtu.dev.crc-order")), suite="modbus_rtu.device", catalogue_sha256=catalogue)


def test_a_report_shows_the_defects_that_its_cases_find():
    """Mutants of other protocols are left out; what is right or no device at all stays."""
    told = kill_record.for_run(run_of(STORED["suites"]["modbus_rtu.device"]), STORED)
    assert [row["id"] for row in told["mutants"]] == ["MB-01"]
    assert told["variants"] == STORED["variants"]
    assert told["null_devices"] == STORED["null_devices"]


def test_of_another_state_of_the_suite_nothing_is_said():
    """A record made before the cases changed says nothing about them."""
    assert kill_record.for_run(run_of("0" * 64), STORED) is None


def test_the_shipped_record_can_be_read():
    """It names suites that there are; which state it was made with is the long check's business (tests/docs)."""
    run = run_of("0" * 64)
    assert kill_record.for_run(run) is None
