"""The Alpha suite: its own test, its evidence, and what it may not say."""

from __future__ import annotations

import pytest

from bench.compliance import rejudge_cases
from bench.compliance.declaration import load_declaration, parse, review
from bench.compliance.mutants import alpha_mutants, alpha_others
from bench.compliance.requirements import load
from bench.compliance.results import from_ndjson, to_ndjson
from bench.compliance.selftest import check_subject, suite_of

MUTANTS = {mutant.id: mutant for mutant in alpha_mutants.MUTANTS}
EVERYONE = [*alpha_others.VARIANTS, *alpha_others.NULL_DEVICES]
BOARD = alpha_others.DEVICES[0]


@pytest.mark.parametrize("id_", [f"AL-{n:02}" for n in range(1, 6)])
def test_each_named_mutant_is_killed_and_rightly_blamed(id_: str) -> None:
    """Law: each planted defect fails a case of its requirement, and no other but those on its list."""
    mutant = MUTANTS[id_]
    run = check_subject(mutant, suite_of(mutant), 3)
    soft = ("SHOULD", "FIELD")
    caught = [c for c in run.cases if c.verdict == "FAIL" or (c.verdict == "NON-STRICT" and c.level in soft)]
    assert any(case.requirement == mutant.requirement for case in caught)
    assert {case.id for case in caught if case.requirement != mutant.requirement} <= mutant.collateral
    assert "ERROR" not in {case.verdict for case in run.cases}


@pytest.mark.parametrize("subject", EVERYONE, ids=lambda subject: subject.id)
def test_what_is_right_never_fails_and_what_is_no_sign_never_passes(subject) -> None:  # type: ignore[no-untyped-def]
    """Law: no FAIL on a legal variant, no PASS on a null device."""
    verdicts = [case.verdict for case in check_subject(subject, suite_of(subject), 3).cases]
    if subject in alpha_others.VARIANTS:
        assert set(verdicts) <= {"PASS", "NOT APPLICABLE"}
        assert verdicts.count("PASS") >= 38
    else:
        assert not {"PASS", "NON-STRICT"} & set(verdicts)


def test_a_run_is_judged_again_from_its_frames_and_repeats_itself() -> None:
    """Law: the record alone gives the same results; the same seed the same bytes."""
    mutant = MUTANTS["AL-04"]
    text = to_ndjson(check_subject(mutant, suite_of(mutant), 1))
    run = from_ndjson(text)
    assert rejudge_cases(run) == list(run.cases)
    assert to_ndjson(check_subject(mutant, suite_of(mutant), 1)) == text
    assert run.verdict == "NON-STRICT"


def test_what_third_parties_tell_is_no_must() -> None:
    """Law: graded [R] in protocols.md, a statement is a SHOULD; no clause is said to be checked."""
    requirements = load("alpha").requirements
    assert {requirements[id_].level for id_ in ("ALP-3.1-R8", "ALP-3.4-R2")} == {"SHOULD"}
    assert not any(r.checked for r in requirements.values())


def test_a_declaration_that_contradicts_itself_is_told() -> None:
    """Law: the static review finds a capability without its ground, and an address that is none."""
    text = load_declaration("alpha").text
    assert review(parse(text, "x.toml")) == []
    assert any(
        "strings needs" in told
        for told in review(parse(text.replace("reconfigure = true", "reconfigure = false"), "x"))
    )
    assert any("1..255" in told for told in review(parse(text.replace("unit = 5", "unit = 300"), "x.toml")))
    assert BOARD.declaration == "alpha"
