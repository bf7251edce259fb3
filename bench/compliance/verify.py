"""What a bundle is worth: its hashes, whether its members agree with each other, and the verdict judged once more.

A person who changes a member and its hash too is found out twice: every other member is made again from the results and
compared, and the results are judged again from the frames they record. What cannot be found is a record forged frame by
frame as the device would have answered; see docs/evidence.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench import __version__
from bench.compliance.bundle import derived
from bench.compliance.kill_record import for_run
from bench.compliance.rejudge import Rejudged, misshapen, rejudge
from bench.compliance.results import DamagedResults, Run, TruncatedResults, counts, from_ndjson, to_ndjson
from bench.compliance.tally import InvalidBook, shipped_book
from bench.compliance.unbundle import Fault, Opened, UnreadableBundle, open_bundle

__all__ = ["Verified", "read_run", "verify"]

_SAME_VERSION: Final = f"hallbench {__version__}"


@dataclass(frozen=True, slots=True)
class Verified:
    """What verifying a bundle gave.

    Args:
        run: what the bundle holds; None when it could not be read.
        faults: everything that is not as it must be.
        rejudged: what judging again gave; None when it could not be tried.
        remarks: what was not checked, and why.
    """

    run: Run | None
    faults: tuple[Fault, ...]
    rejudged: Rejudged | None
    remarks: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """The bundle could be read, whatever it holds."""
        return self.run is not None and all(fault.whole for fault in self.faults)

    @property
    def is_confirmed(self) -> bool:
        """Nothing is wrong with it, and every judged case was judged again with the same verdict."""
        return not self.faults and self.rejudged is not None and self.rejudged.by_cases

    def to_json(self) -> dict[str, Any]:
        """As `hallbench verify --json` prints it."""
        told: dict[str, Any] = {
            "whole": self.is_whole,
            "intact": self.is_whole and not self.faults,
            "confirmed": self.is_confirmed,
            "verdict": self.run.verdict if self.run else None,
            "suite": self.run.suite if self.run else None,
            "tool": self.run.tool if self.run else None,
            "counts": counts(self.run.cases) if self.run else {},
            "rejudged": None,
            "faults": [{"kind": fault.kind, "text": fault.text} for fault in self.faults],
            "remarks": list(self.remarks),
        }
        if self.rejudged is not None:
            told["rejudged"] = {
                "depth": "cases" if self.rejudged.by_cases else "laws",
                "cases": self.rejudged.cases,
                "why_not": self.rejudged.why_not,
            }
        return told


def verify(path: Path) -> Verified:
    """Check a bundle.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        opened = open_bundle(path)
    except UnreadableBundle as error:
        return Verified(None, tuple(error.faults), None, ())
    faults = list(opened.faults)
    run, why = _results(opened)
    if run is None:
        return Verified(None, (*faults, why), None, ())
    remarks: list[str] = []
    matrix, fault = _kill_matrix(opened)
    faults += fault or _not_the_shipped(matrix, run, remarks)
    faults += _disagreements(opened, run, matrix, remarks)
    again = rejudge(run)
    faults += [Fault("judged again", finding, whole=True) for finding in again.findings]
    if not again.by_cases:
        remarks.append(f"{again.why_not}: only what holds of every run was checked, no case was judged again")
    return Verified(run, tuple(faults), again, tuple(remarks))


def read_run(path: Path) -> Run:
    """The run in a bundle whose hashes are right; for those who want the results and no new judgement.

    Raises:
        UnreadableBundle: it is not whole, or a member was changed.
        OSError: the file cannot be read.
    """
    opened = open_bundle(path)
    run, why = _results(opened)
    if opened.faults or run is None:
        raise UnreadableBundle([*opened.faults, *([] if run else [why])])
    return run


def _results(opened: Opened) -> tuple[Run | None, Fault]:
    """The run; or None, and why."""
    try:
        run = from_ndjson(opened.members["results.ndjson"].decode("utf-8"))
    except TruncatedResults as error:
        return None, Fault("truncated", f"results.ndjson: {error}")
    except (DamagedResults, UnicodeDecodeError, RecursionError) as error:
        return None, Fault("results", f"results.ndjson: {error}")
    except (TypeError, ValueError, AttributeError, LookupError) as error:  # a header or case of another shape
        return None, Fault("results", f"results.ndjson is not of the form of results: {error}")
    wrong = misshapen(run)
    return (None, Fault("results", f"results.ndjson: {wrong}")) if wrong else (run, Fault("", ""))


def _kill_matrix(opened: Opened) -> tuple[Mapping[str, Any] | None, list[Fault]]:
    data = opened.members.get("kill_matrix.json")
    if data is None:
        return None, []
    try:
        matrix = json.loads(data)
    except (ValueError, RecursionError):
        matrix = None
    if isinstance(matrix, dict):
        return matrix, []
    return None, [Fault("kill matrix", "kill_matrix.json is no JSON object", whole=True)]


def _not_the_shipped(matrix: Mapping[str, Any] | None, run: Run, remarks: list[str]) -> list[Fault]:
    """Whether the suite's own test is the one that comes with this version.

    It says nothing of the device, so no frame in the bundle could contradict what somebody wrote into it.
    """
    if matrix is None or run.tool != _SAME_VERSION:
        return []
    due = for_run(run)
    if due is None:
        remarks.append("kill_matrix.json was not compared: this version has no test of that state of the suite")
        return []
    if matrix == due:
        return []
    return [Fault("contradicts", "kill_matrix.json is not the suite's own test as it comes with hallbench", whole=True)]


def _disagreements(opened: Opened, run: Run, matrix: Mapping[str, Any] | None, remarks: list[str]) -> list[Fault]:
    """Members that are not what the results make of them."""
    inside = opened.members
    if run.tool != _SAME_VERSION:
        remarks.append(
            f"the bundle was written by {run.tool}, this is {_SAME_VERSION}: reports and traffic were not made again"
        )
        due = {"declaration.toml": run.declaration.encode("utf-8", "backslashreplace")}
    else:
        try:
            book = shipped_book(run)
        except InvalidBook as error:
            remarks.append(f"the requirements cannot be read ({error}): reports were not made again")
            return []
        due = {**derived(run, matrix, book), "results.ndjson": to_ndjson(run).encode()}
    faults = [
        Fault("contradicts", f"{name} is not what follows from results.ndjson: one of the two was changed", whole=True)
        for name, data in due.items()
        if name in inside and inside[name] != data and not _is_of_other_catalogue(name, run, remarks)
    ]
    if "acceptance.html" in inside and "acceptance.html" not in due and run.tool == _SAME_VERSION:
        faults.append(
            Fault("extra", "there is an acceptance sheet, and the device declares no profile RK-1", whole=True)
        )
    return faults


_FROM_CATALOGUE: Final = frozenset({"report.html", "junit.xml", "results.sarif", "acceptance.html"})


def _is_of_other_catalogue(name: str, run: Run, remarks: list[str]) -> bool:
    """Whether a report differs because the requirements' texts were others then, which proves nothing."""
    if name not in _FROM_CATALOGUE:
        return False
    from bench.compliance.suites import suite_named

    try:
        same = suite_named(run.suite).sha256() == run.catalogue_sha256
    except (KeyError, ImportError, ValueError):
        same = False
    if not same:
        remarks.append(f"{name} differs from what this version makes; the requirements' texts were others then")
    return not same
