"""The suite's own test as it was last run: shipped beside the suite, so that each report can show what finds what.

`python docs/generator/matrix.py` writes it; it names the suites that it was made with by their hashes, and says nothing
about any other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from bench.compliance.results import Run

__all__ = ["FILE", "for_run"]

FILE = "kill_matrix.json"


def for_run(run: Run, stored: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """What the stored self-test says of the suite of a run.

    Args:
        run: its suite and the hash of its catalogue count.
        stored: another record than the shipped one.

    Returns:
        Planted defects that cases of this suite find, in the form of `check --self-test --json`, with the devices that
        are odd but right and those that are none; None when the record was made with another state of the suite.
    """
    if stored is None:
        stored = json.loads(files("bench.compliance").joinpath(FILE).read_text(encoding="utf-8"))
    if stored["suites"].get(run.suite) != run.catalogue_sha256:
        return None
    ours = {case.id for case in run.cases}
    mutants = [row for row in stored["mutants"] if ours & {*row["cases"], *row["collateral"]}]
    return {
        "schema_version": stored["schema_version"],
        "suite": run.suite,
        "mutants": mutants,
        "variants": stored["variants"],
        "null_devices": stored["null_devices"],
    }
