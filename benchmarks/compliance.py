"""Benchmarks of the compliance suites. `python benchmarks/compliance.py` tells; nothing here is a test.

CPU time of one run of the RTU device suite on an emulated device, of the master suite on a small master, and of the
whole self-test; and how many cases, mutants, variants and null devices there are, with what went wrong among them.
"""

from __future__ import annotations

import json
from time import perf_counter, process_time
from typing import Any

from bench.compliance.master.judging import CASES
from bench.compliance.master.mutants import MASTERS
from bench.compliance.master.run import judge_run
from bench.compliance.selftest import check_subject, self_test
from bench.compliance.suites import suite_named
from bench.compliance.targets import target_named

REPEATS = 5


def _row(id_: str, value: float, unit: str, target: str, holds: bool) -> dict[str, Any]:
    return {
        "id": id_,
        "value": round(value, 3),
        "unit": unit,
        "target": target,
        "holds": holds,
        "against": "",
        "versions": {},
    }


def _best(run: Any) -> float:
    best = float("inf")
    for _ in range(REPEATS):
        start = process_time()
        run()
        best = min(best, process_time() - start)
    return best


def rows() -> list[dict[str, Any]]:
    """All figures."""
    suite = suite_named("modbus_rtu.device")
    reference = target_named("reference")
    device = _best(lambda: check_subject(reference, suite, 1))
    master = _best(lambda: judge_run(MASTERS[0].play(), "master"))
    start = perf_counter()
    matrix = self_test(1)
    whole = perf_counter() - start
    killed = sum(row["killed"] and row["expected"] in row["blamed"] for row in matrix.rows.values())
    failed = sum(len(row["failed"]) for row in matrix.variants.values())
    passed = sum(len(row["passed"]) for row in matrix.null_devices.values())
    return [
        _row("compliance_device_cases", len(suite.cases), "cases", ">= 60", len(suite.cases) >= 60),
        _row("compliance_master_cases", len(CASES), "cases", ">= 25", len(CASES) >= 25),
        _row("compliance_device_run_s", device, "s CPU", "< 2", device < 2),
        _row("compliance_master_run_s", master, "s CPU", "< 2", master < 2),
        _row("compliance_self_test_s", whole, "s", "< 60", whole < 60),
        _row("compliance_mutants_blamed", killed, f"of {len(matrix.rows)}", "all", killed == len(matrix.rows)),
        _row("compliance_false_fails", failed, f"on {len(matrix.variants)} right devices", "0", failed == 0),
        _row("compliance_false_passes", passed, f"on {len(matrix.null_devices)} null devices", "0", passed == 0),
        _row("compliance_problems", len(matrix.problems), "problems", "0", not matrix.problems),
    ]


if __name__ == "__main__":
    print(json.dumps(rows(), indent=2))
