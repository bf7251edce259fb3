"""From a run directory to its verdict: read what the collector stored, keep those rows, judge, write verdict.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.judge.evidence import load_run, write_rows, write_verdict
from bench.judge.records import RecordsError, read
from bench.judge.verdict import Verdict
from bench.run.directory import RECORDS


def judge_run(path: Path, mapping: Any) -> Verdict:
    """Judge a run that has just ended.

    Args:
        path: its directory.
        mapping: the scenario's `[records]`: how the ratings are found.

    Returns:
        The verdict, which `hallbench judge` gives again from the directory alone. Records that cannot be read make the
        ratings UNKNOWN and say why.
    """
    try:
        write_rows(path, read(path / RECORDS, mapping))
    except RecordsError as exc:
        write_rows(path, None, no_rows=str(exc))
    verdict = load_run(path).judge()
    write_verdict(path, verdict)
    return verdict
