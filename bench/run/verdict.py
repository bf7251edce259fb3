"""From a run directory to its verdict: read what the collector stored, keep those rows, judge, write verdict.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.judge.evidence import EvidenceError, load_run, write_rows, write_verdict
from bench.judge.records import RecordsError, read
from bench.judge.verdict import Verdict
from bench.records.source import place_of
from bench.run.directory import RUN, write_json


def judge_run(path: Path, mapping: Any) -> Verdict:
    """Judge a run that has just ended.

    Args:
        path: its directory.
        mapping: the scenario's `[records]`: how the ratings of the program under test are found. The house controller
            has its own, the default.

    Returns:
        The verdict, which `hallbench judge` gives again from the directory alone. Records that cannot be read make the
        ratings UNKNOWN and say why.

    Raises:
        HistoryFailed, EvidenceError, RunLost: the directory cannot be written or read any more.
    """
    facts = _facts(path / RUN)
    if facts.get("program") == "house":
        mapping = None
    try:
        kept = write_rows(path, read(place_of(mapping, path), mapping))
    except RecordsError as exc:
        kept = write_rows(path, None, no_rows=str(exc))
    # named there, another run's records beside the same history do not fit
    write_json(path / RUN, {**facts, "records_sha256": kept.sha256})
    verdict = load_run(path).judge()
    write_verdict(path, verdict)
    return verdict


def _facts(run: Path) -> dict[str, Any]:
    try:
        facts = json.loads(run.read_bytes())
    except (OSError, ValueError) as exc:
        raise EvidenceError(f"{run}: cannot be read again ({exc}); run again") from exc
    if not isinstance(facts, dict):
        raise EvidenceError(f"{run}: is not what was written there; look at what the collector does to it, run again")
    return facts
