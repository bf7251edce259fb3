"""The ESC/POS suite: its own test, its evidence, and what it may not say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.compliance import rejudge_cases
from bench.compliance.declaration import load_declaration, parse, review
from bench.compliance.escpos_bench import filler, raster, unasked_out
from bench.compliance.mutants import escpos_others, escpos_status, escpos_streams
from bench.compliance.requirements import load
from bench.compliance.results import from_ndjson, to_ndjson
from bench.compliance.selftest import check_subject, self_test, suite_of
from bench.compliance.suites import suite_named

MUTANTS = {mutant.id: mutant for mutant in (*escpos_status.MUTANTS, *escpos_streams.MUTANTS)}
VARIANTS = {subject.id: subject for subject in escpos_others.VARIANTS}
NAMED = {f"EP-{n:02}" for n in range(1, 16)}


@pytest.mark.parametrize("id_", sorted(NAMED))
def test_each_named_mutant_is_killed_and_rightly_blamed(id_: str) -> None:
    """Law: EP-01 to EP-15 each fail a case of their requirement, and no other but those on their list."""
    row = self_test(3, chosen=lambda subject: subject.id == id_).rows[id_]
    assert row["expected"] in row["blamed"]
    assert row["unexpected"] == []


@pytest.mark.parametrize("name", ["ticket_printer", "ticket_printer_58", "ticket_printer_80"])
def test_the_shipped_printers_pass(name: str) -> None:
    """Law: nothing fails on a shipped printer, and what applies by its declaration passes."""
    run = check_subject(VARIANTS[name], suite_of(VARIANTS[name]), 5)
    assert {case.verdict for case in run.cases} <= {"PASS", "NOT APPLICABLE"}
    assert sum(case.verdict == "PASS" for case in run.cases) >= 40
    assert all(case.witness for case in run.cases if case.verdict == "PASS")


def test_a_run_is_judged_again_from_its_frames() -> None:
    """Law: through NDJSON and back, each case has the same verdict, reason and witness, without the printer."""
    subject = MUTANTS["EP-05"]
    run = from_ndjson(to_ndjson(check_subject(subject, suite_of(subject), 1)))
    assert rejudge_cases(run) == list(run.cases)
    assert run.verdict == "FAIL"


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    """Law: values are drawn from the seed and from nothing else."""
    subject = VARIANTS["ticket_printer"]
    first, again, other = (to_ndjson(check_subject(subject, suite_of(subject), seed)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_without_an_operator_nothing_that_needs_one_passes_or_fails() -> None:
    """Law: a case that needs a person is INCONCLUSIVE where nobody is."""
    shipped = VARIANTS["ticket_printer"]

    def nobody(line, clockwork):  # type: ignore[no-untyped-def]
        shipped.build(line, clockwork)
        return {}

    run = check_subject(replace(shipped, build=nobody), suite_named("escpos.device"), 1)
    needing = {case.id for case in suite_named("escpos.device").cases if case.needs == "operator"}
    assert len(needing) > 20
    assert {case.verdict for case in run.cases if case.id in needing} == {"INCONCLUSIVE"}
    assert {case.verdict for case in run.cases if case.id not in needing} == {"PASS"}


def test_only_a_persons_word_makes_a_fail_of_what_is_on_paper() -> None:
    """Law: when nobody confirms that a line is wrong, the case is INCONCLUSIVE."""
    subject = MUTANTS["EP-10"]

    def shy(line, clockwork):  # type: ignore[no-untyped-def]
        hands = subject.build(line, clockwork)
        return {name: hand for name, hand in hands.items() if not name.startswith("not_")}

    (case,) = (
        case
        for case in check_subject(replace(subject, build=shy), suite_of(subject), 1, only=["esc.dev.init-page"]).cases
        if case.verdict != "NOT RUN"
    )
    assert (case.verdict, case.recovery) == ("INCONCLUSIVE", "answers")
    assert "nobody told" in case.reason


def test_what_is_not_declared_does_not_apply_and_says_why() -> None:
    """Law: NOT APPLICABLE comes from the declaration, with its line."""
    run = check_subject(VARIANTS["LV-12"], suite_of(VARIANTS["LV-12"]), 1)
    (case,) = (case for case in run.cases if case.id == "esc.dev.asb-off")
    assert case.verdict == "NOT APPLICABLE"
    assert "asb = 0" in case.applies


def test_a_declaration_that_contradicts_itself_is_told() -> None:
    """Law: the static review finds a capability without its ground."""
    text = load_declaration("tm_t88").text
    assert review(load_declaration("tm_t88")) == []
    assert any(
        "asb_at_power_on needs asb" in told
        for told in review(
            parse(
                text.replace("asb = true  ", "asb = false ").replace(
                    "asb_at_power_on = false", "asb_at_power_on = true"
                ),
                "x.toml",
            )
        )
    )
    assert any(
        "in step" in told
        for told in review(
            parse(text.replace("gs_r = true", "gs_r = false").replace("gs_i = true", "gs_i = false"), "x.toml")
        )
    )


def test_levels_follow_what_is_known() -> None:
    """Law: what was read in the document is checked; what is inferred is not, and FIELD and SHOULD never FAIL."""
    requirements = load("escpos").requirements
    assert sum(r.level == "MUST" for r in requirements.values()) >= 40
    for id_, mutant in MUTANTS.items():
        assert mutant.requirement in requirements, id_
    assert not any(r.checked for r in requirements.values() if r.level in ("FIELD", "SHOULD"))
    assert all(r.checked for r in requirements.values() if r.clause.startswith("DLE_EOT") and r.level == "MUST")


def test_status_blocks_and_flow_control_are_taken_out_whole() -> None:
    """Law: XON, XOFF and blocks of four go; a lone character that looks like a block's beginning stays."""
    assert unasked_out(bytes.fromhex("13 14 00 00 00 16 11")) == b"\x16"
    assert unasked_out(bytes.fromhex("10 00 00")) == bytes.fromhex("10 00 00")
    assert unasked_out(bytes.fromhex("5f 41 00 1c 00 0f 00")) == bytes.fromhex("5f 41 00")
    assert (len(filler(29)), len(filler(30))) == (29, 30)
    assert raster(bytes(258), 1)[:8] == bytes.fromhex("1d 76 30 00 01 00 02 01")
