"""The text of results loses nothing, and says when something was lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.compliance.results import (
    VERDICTS,
    CaseResult,
    DamagedResults,
    Frame,
    Measure,
    Run,
    TruncatedResults,
    from_ndjson,
    suite_verdict,
    to_ndjson,
)

CASE = CaseResult(
    "a.case", 1, "title", "PASS", "MBS-2.1-R1", ("X",), "MUST", "", "01 in frame 1", "answers", "", None,
    (Frame(0, 5, "out", b"\x01\xff"), Frame(6, 9, "in", b"\x02", "n")), (Measure("t", 1.5, "ms", ">= 1", 0.1, True),),
    ("PASS",), 0.25, "hallbench check",
)  # fmt: skip
RUN = Run(1, "hallbench 0", "s", "a", "b", "text\n", 7, "virtual", "t", "9600 8N1", None, "", "PASS", (CASE,), ("n",))

SPOTS = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(
    texts,
    st.binary(max_size=30),
    st.sampled_from(VERDICTS),
    SPOTS,
)
def test_a_run_comes_back_from_its_text(text: str, data: bytes, verdict: str, spot: tuple[int, int, int]) -> None:
    """Law: from_ndjson(to_ndjson(run)) == run, whatever stands in it."""
    case = replace(CASE, reason=text, verdict=verdict, contradiction=spot, frames=(Frame(1, 2, "in", data, text),))
    run = replace(RUN, cases=(case, CASE), declaration=text)
    assert from_ndjson(to_ndjson(run)) == run


def test_each_cut_is_noticed() -> None:
    """Law: no proper prefix of the lines of a run is taken for a run."""
    lines = to_ndjson(replace(RUN, cases=(CASE, CASE))).splitlines(keepends=True)
    for count in range(len(lines)):
        with pytest.raises(TruncatedResults):
            from_ndjson("".join(lines[:count]))


def test_a_changed_record_is_noticed() -> None:
    """Law: a verdict that was edited makes the footer's hash wrong."""
    text = to_ndjson(replace(RUN, cases=(replace(CASE, verdict="FAIL"),)))
    with pytest.raises(DamagedResults, match="SHA-256"):
        from_ndjson(text.replace('"verdict":"FAIL"', '"verdict":"PASS"', 1))


def test_a_missing_case_is_noticed() -> None:
    """Law: the footer's count must be that of the records."""
    lines = to_ndjson(replace(RUN, cases=(CASE, CASE))).splitlines(keepends=True)
    with pytest.raises(TruncatedResults, match="counts 2"):
        from_ndjson("".join([lines[0], lines[1], lines[3]]))


@pytest.mark.parametrize(
    ("verdicts", "suite"),
    [
        (["PASS", "INFO", "NOT APPLICABLE", "NOT RUN"], "PASS"),
        (["PASS", "NON-STRICT"], "NON-STRICT"),
        (["PASS", "NON-STRICT", "INCONCLUSIVE"], "INCONCLUSIVE"),
        (["PASS", "INCONCLUSIVE", "FAIL"], "FAIL"),
        (["FAIL", "ERROR"], "ERROR"),
        (["NON-STRICT"], "INCONCLUSIVE"),
        (["INFO", "NOT RUN"], "INCONCLUSIVE"),
        ([], "INCONCLUSIVE"),
    ],
)
def test_the_suite_is_as_good_as_its_worst_case(verdicts: list[str], suite: str) -> None:
    """Law: the worst verdict counts, and without a pass there is none."""
    assert suite_verdict(replace(CASE, verdict=verdict) for verdict in verdicts) == suite


def sealed(*records: str) -> str:
    """Records with a footer that fits them."""
    body = "".join(f"{record}\n" for record in records)
    foot = {"record": "end", "cases": len(records) - 1, "sha256": sha256(body.encode()).hexdigest()}
    return f"{body}{json.dumps(foot)}\n"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: [lines[1], lines[1]], "line 1 is no header of results with schema_version 1"),
        (lambda lines: [lines[0].replace('"schema_version":1', '"schema_version":2'), lines[1]], "schema_version 1"),
        (lambda lines: [lines[0], lines[0]], "a line between header and footer is no case"),
        (lambda lines: [lines[0], "[1, 2]"], "line 2 of the results is not a record"),
        (lambda lines: [lines[0], '{"record": "case"}'], "a record does not have the fields of results"),
    ],
)
def test_records_that_are_none_are_told(change: Callable[[list[str]], list[str]], told: str) -> None:
    """Law: under a right hash too, what is no header or no case is refused with its line."""
    lines = to_ndjson(RUN).splitlines()
    assert from_ndjson(sealed(*lines[:2])) == RUN
    with pytest.raises(DamagedResults, match=told):
        from_ndjson(sealed(*change(lines)))
