"""What the tests of the keypads' suites share: subjects of one declaration, and the laws that hold for each."""

from __future__ import annotations

from bench.compliance import rejudge_cases
from bench.compliance.mutants.base import Mutant, Subject
from bench.compliance.results import Run, to_ndjson
from bench.compliance.selftest import check_subject, declaration_of, suite_of


def run_of(subject: Subject, seed: int = 1) -> Run:
    """The suite of a subject on it."""
    return check_subject(subject, suite_of(subject), seed)


def must_die_rightly_blamed(mutant: Mutant) -> None:
    """The requirement's case fails, and no other but those on the mutant's list."""
    caught = {
        case.id: case.requirement
        for case in run_of(mutant).cases
        if case.verdict == "FAIL" or (case.verdict == "NON-STRICT" and case.level in ("SHOULD", "FIELD"))
    }
    assert mutant.requirement in caught.values()
    assert {id_ for id_, blamed in caught.items() if blamed != mutant.requirement} <= mutant.collateral


def must_not_fail(subject: Subject) -> None:
    """No FAIL and no ERROR; NOT APPLICABLE only by the declaration; every PASS cites a reply and sees life after it."""
    run = run_of(subject)
    declaration = declaration_of(subject)
    applies = {case.id: case.applies for case in suite_of(subject).cases}
    for case in run.cases:
        assert case.verdict not in ("FAIL", "ERROR"), (case.id, case.reason)
        assert (case.verdict == "NOT APPLICABLE") == (not declaration.allows(applies[case.id])), case.id
        assert case.verdict != "PASS" or ("in frame" in case.witness and case.recovery == "answers"), case.id
    assert run.verdict in ("PASS", "NON-STRICT", "INCONCLUSIVE")


def must_not_pass(subject: Subject) -> None:
    """Nothing passes on what is no device."""
    assert [case.id for case in run_of(subject).cases if case.verdict in ("PASS", "NON-STRICT")] == []


def must_be_reproducible(subject: Subject) -> None:
    """Same seed, same bytes; and judged again from its frames every case has the verdict that it had."""
    run = run_of(subject)
    assert to_ndjson(run) == to_ndjson(run_of(subject))
    assert to_ndjson(run) != to_ndjson(run_of(subject, 2))
    again = rejudge_cases(run)
    assert [(case.id, case.verdict) for case in again] == [(case.id, case.verdict) for case in run.cases]
