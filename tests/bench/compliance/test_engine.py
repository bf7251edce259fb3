"""How a verdict comes about: witnesses, repetitions, worsening, the ways a run ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.compliance import rejudge_cases
from bench.compliance.case import Case, Failed, Lost
from bench.compliance.declaration import load_declaration
from bench.compliance.engine import Judge, judge_case, run_suite
from bench.compliance.modbus_bench import ModbusBench
from bench.compliance.mutants.base import UNIT, on_station
from bench.compliance.preflight import preflight
from bench.compliance.results import Run, to_ndjson
from bench.compliance.selftest import check_subject
from bench.compliance.steps import Play
from bench.compliance.suites import suite_named
from bench.compliance.targets import DEVICES, target_named
from bench.compliance.virtual import VirtualPlayer

SUITE = suite_named("modbus_rtu.device")
DECLARED = load_declaration("reference")
JUDGE = Judge(DECLARED, SUITE.requirements(), UNIT, 1, DECLARED.settings)


def player() -> VirtualPlayer:
    return VirtualPlayer(on_station(), DECLARED.settings)


def case(run: object, **changes: object) -> Case:
    return replace(Case("rtu.dev.x", 1, "MBS-2.1-R1", "x", run), **changes)  # type: ignore[arg-type]


def of(name: str, seed: int = 1) -> Run:
    return check_subject(target_named(name), SUITE, seed)


def nothing(b: ModbusBench) -> Play:
    yield from ()


def test_the_reference_passes_every_case_with_a_witness() -> None:
    """Law: every case applies to the reference, passes, cites a frame, and sees it answer afterwards."""
    run = of("reference")
    assert {case.verdict for case in run.cases} == {"PASS"}
    assert all("in frame" in case.witness and case.recovery == "answers" for case in run.cases)
    assert len(run.cases) >= 60


@pytest.mark.parametrize("name", DEVICES)
def test_shipped_devices_conform_to_their_declarations(name: str) -> None:
    """Law: no shipped Modbus device fails, or leaves anything open."""
    assert of(name).verdict == "PASS"


def test_two_runs_are_byte_identical_and_another_seed_is_not() -> None:
    """Law: same seed, same bytes; values and nonces come from the seed."""
    assert to_ndjson(of("MB-09")) == to_ndjson(of("MB-09"))
    assert to_ndjson(of("MB-09")) != to_ndjson(of("MB-09", seed=2))


@pytest.mark.parametrize("name", ["reference", "MB-03", "MB-15", "MB-24", "MB-25", "ND-4", "LV-3", "LV-8"])
def test_judging_again_from_the_frames_gives_the_same(name: str) -> None:
    """Law: verdict, reason, witness and highlighted characters follow from the recorded frames alone."""
    run = of(name)
    assert rejudge_cases(run) == list(run.cases)


def test_judging_again_sees_a_forged_reply() -> None:
    """Law: with one character of a recorded reply changed, the case does not pass again."""
    run = of("reference")
    old = next(case for case in run.cases if case.id == "rtu.dev.fc06-written")
    at = next(n for n, frame in enumerate(old.frames) if frame.direction == "in")
    data = old.frames[at].data
    forged = replace(old.frames[at], data=data[:-1] + bytes((data[-1] ^ 1,)))
    case = replace(old, frames=(*old.frames[:at], forged, *old.frames[at + 1 :]))
    again = rejudge_cases(replace(run, cases=(case,)))
    assert again[0].verdict != "PASS"


def test_a_case_without_a_device_passes_nothing() -> None:
    """Law: a case that contradicts nothing is no pass when nobody answers."""
    empty = VirtualPlayer(lambda line, clockwork: {}, DECLARED.settings)
    assert judge_case(case(nothing, bare=True), JUDGE, empty).verdict == "INCONCLUSIVE"


def test_a_fail_is_repeated_and_an_unstable_one_is_none() -> None:
    """Law: 3 of 3 stay FAIL; 1 of 2 is INCONCLUSIVE, with what was seen."""
    seen: list[int] = []

    def always(b: ModbusBench) -> Play:
        yield from b.probe()
        raise Failed("always")

    def once(b: ModbusBench) -> Play:
        yield from b.probe()
        seen.append(1)
        if len(seen) == 1:
            raise Failed("once")

    assert judge_case(case(always), JUDGE, player()).attempts == ("FAIL", "FAIL", "FAIL")
    unstable = judge_case(case(once), JUDGE, player())
    assert unstable.verdict == "INCONCLUSIVE"
    assert unstable.attempts == ("FAIL", "PASS")
    assert unstable.reason == "unstable, 1 of 2 FAIL: once"


def test_a_case_that_breaks_is_an_error() -> None:
    """Law: a fault of the tester is never a pass nor a FAIL of the device."""

    def breaks(b: ModbusBench) -> Play:
        yield from b.probe()
        raise KeyError("x")

    result = judge_case(case(breaks), JUDGE, player())
    assert result.verdict == "ERROR"
    assert "KeyError" in result.reason


def test_should_and_field_never_fail() -> None:
    """Law: what contradicts a SHOULD is NON-STRICT."""

    def fails(b: ModbusBench) -> Play:
        yield from b.probe()
        raise Failed("not strict")

    assert judge_case(case(fails, primary="MBS-2.2-R3"), JUDGE, player()).verdict == "NON-STRICT"


def test_worsening_goes_one_way() -> None:
    """Law: a later, milder finding changes neither verdict nor reason."""
    bench = JUDGE.bench(case(nothing), 0, player())
    bench.worsen("FAIL", "first")
    bench.worsen("INCONCLUSIVE", "second")
    bench.worsen("FAIL", "third")
    assert (bench.verdict, bench.reason) == ("FAIL", "first")


def test_a_margin_below_the_uncertainty_decides_nothing() -> None:
    """Law: |margin| < U is inconclusive on either side, beyond it the verdict is clear."""
    from bench.compliance.steps import Heard

    bench = replace(JUDGE.bench(case(nothing), 0, player()), uncertainty=1_000_000)
    bench.at_least("t", 6_000_000, 4_000_000, Heard(), "too soon")
    for ns in (3_500_000, 4_500_000):
        with pytest.raises(Lost, match="uncertainty"):
            bench.at_least("t", ns, 4_000_000, Heard(), "too soon")
    with pytest.raises(Failed, match="too soon"):
        bench.at_least("t", 2_000_000, 4_000_000, Heard(), "too soon")
    assert [m.ok for m in bench.measures] == [True, None, None, False]


def test_not_applicable_cites_the_declaration() -> None:
    """Law: a case is left out by a line of the declaration, which the result shows."""
    run = of("rating_keypad")
    skipped = [case for case in run.cases if case.verdict == "NOT APPLICABLE"]
    assert skipped
    assert all("declaration rating_keypad" in case.applies and not case.frames for case in skipped)


def test_a_device_that_dies_ends_the_run() -> None:
    """Law: after three cases without life the rest is NOT RUN, and the run says where it died."""
    subject = target_named("ND-8")
    run = run_suite(SUITE, JUDGE, VirtualPlayer(subject.build, DECLARED.settings), target="t")
    assert run.verdict == "INCONCLUSIVE"
    assert any("stopped answering" in note for note in run.notes)
    assert {case.verdict for case in run.cases} == {"INCONCLUSIVE", "NOT RUN"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ND-1", "no device"),
        ("ND-2", "no device"),
        ("ND-3", "own characters"),
        ("ND-9", "two devices"),
        ("ND-10", "babbles"),
    ],
)
def test_each_bad_line_has_its_own_sentence(name: str, said: str) -> None:
    """Law: the suite is not begun on a line that is not fit, and the reason names what is wrong."""
    assert said in preflight(JUDGE, VirtualPlayer(target_named(name).build, DECLARED.settings)).ending


def test_a_fit_line_may_be_tested() -> None:
    """Law: nothing is said of a line with one good device."""
    assert preflight(JUDGE, player()) == ("", "")
