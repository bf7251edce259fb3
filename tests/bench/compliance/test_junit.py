"""junit.xml: valid whatever a device says, with each verdict where a build server looks for it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
import xmlschema
from hypothesis import given, settings

import compliance_runs as made
from bench.compliance.junit import THE_RUN, junit, xml_text
from bench.compliance.results import CaseResult, Run, undecided
from bench.compliance.tally import book_of

SCHEMA = xmlschema.XMLSchema(Path(made.__file__).with_name("junit.xsd"))


def _junit(run: Run, **given: str) -> ET.Element:
    text = junit(run, book_of(run), **given)
    SCHEMA.validate(text)
    return ET.fromstring(text)


def _kind(root: ET.Element, case: str) -> ET.Element | None:
    found = next(one for one in root.iter("testcase") if one.get("name") == case)
    return next((child for child in found if child.tag != "system-out"), None)


def test_each_verdict_has_its_element() -> None:
    """FAIL fails, ERROR and INCONCLUSIVE are errors, NOT APPLICABLE and NOT RUN are skipped, the rest passes."""
    root = _junit(made.mixed())

    told = {case: _kind(root, f"rtu.dev.{case}") for case in ("byte-count", "crash", "gap", "broadcast", "parity")}
    assert {case: found is not None and found.tag for case, found in told.items()} == {
        "byte-count": "failure",
        "crash": "error",
        "gap": "error",
        "broadcast": "skipped",
        "parity": "skipped",
    }
    assert told["gap"].get("type") == "inconclusive"
    assert told["byte-count"].get("type") == "MBA-6.3-R2"
    assert told["broadcast"].get("message") == "not applicable by the declaration: broadcast = false"
    assert all(_kind(root, f"rtu.dev.{case}") is None for case in ("read-two", "hole", "reply-time"))


def test_counts_are_those_of_the_elements() -> None:
    """What the suite counts is what stands in it; the root counts nothing, since the schemas differ about it."""
    root = _junit(made.mixed())

    assert root.attrib == {}
    assert {name: root[0].get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": str(len(root.findall(".//testcase"))),
        "failures": str(len(root.findall(".//failure"))),
        "errors": str(len(root.findall(".//error"))),
        "skipped": str(len(root.findall(".//skipped"))),
    }


def test_inconclusive_can_be_skipped() -> None:
    """On request an undecided case is skipped, with its reason; any other word is refused."""
    found = _kind(_junit(made.mixed(), inconclusive="skipped"), "rtu.dev.gap")

    assert found.tag == "skipped"
    assert "within the uncertainty" in found.get("message")
    with pytest.raises(ValueError, match="not 'passed'"):
        junit(made.mixed(), book_of(made.mixed()), inconclusive="passed")


@pytest.mark.parametrize(
    ("cases", "why"),
    [
        ((made.case("NOT RUN", reason="no device: unit 5 did not answer"),), "no device: unit 5 did not answer"),
        ((made.case("NON-STRICT"), made.case("NOT APPLICABLE", id="b")), "no case passed"),
        ((), "no case passed"),
    ],
)
def test_a_run_without_a_verdict_is_not_green(cases: tuple[CaseResult, ...], why: str) -> None:
    """With no device on the port every case is skipped; the run itself is then an error, so that no build is green."""
    run = made.run(*cases)
    root = _junit(run)
    found = _kind(root, THE_RUN)

    assert (found.tag, found.get("type"), found.get("message")) == (
        "error",
        "inconclusive",
        f"nothing was decided: {why}",
    )
    assert (root[0].get("errors"), root[0].get("tests")) == ("1", str(len(cases) + 1))
    assert _kind(_junit(run, inconclusive="skipped"), THE_RUN).tag == "skipped"


def test_a_run_that_ended_early_says_so() -> None:
    """A device that died after its first case: what passed is not called nothing, and the build is red."""
    left = made.case("NOT RUN", id="b", reason="the device is silent")
    found = _kind(_junit(made.run(made.case(), left, verdict="INCONCLUSIVE")), THE_RUN)

    assert found.get("message") == "the run ended early: the device is silent"


def test_a_verdict_needs_no_case_of_its_own() -> None:
    """Where a case says what is wrong, or one passed, the file has the suite's cases and no other."""
    for run in (made.mixed(), made.run(made.case()), made.run(made.case("FAIL"))):
        assert len(_junit(run).findall(".//testcase")) == len(run.cases)


def _said(root: ET.Element, case: str) -> dict[str, str]:
    found = next(one for one in root.iter("testcase") if one.get("name") == case)
    return dict(line.split(": ", 1) for line in (found.findtext("system-out") or "").split("\n"))


def test_a_case_tells_how_to_run_it_again() -> None:
    """Clause, revision, seed and the reproduce line stand in the output of every case; why it is NON-STRICT too."""
    told = _said(_junit(made.mixed()), "rtu.dev.hole")

    assert told["verdict"] == "NON-STRICT"
    assert told["requirement"] == "MBS-2.5-R4"
    assert (told["rev"], told["seed"]) == ("1", "7")
    assert told["reproduce"].startswith("hallbench check")
    assert told["reason"] == "A frame with a hole was answered."


def test_no_value_can_begin_a_line() -> None:
    """A line end that a device put into a value is spelled out: a line of the output is never the device's alone."""
    sly = made.case("NON-STRICT", reason="late\nverdict: PASS\r\nrev: 9")
    told = _said(_junit(made.run(sly)), sly.id)

    assert told["verdict"] == "NON-STRICT"
    assert told["reason"] == r"late\nverdict: PASS\r\nrev: 9"


def test_what_the_run_noted_is_the_output_of_the_suite() -> None:
    """Why nothing was run, for example, is seen on a build server; values are one line each here too."""
    root = _junit(made.run(notes=("The line babbles: 55 55\n55", "unit 5")))

    assert root[0].findtext("system-out") == "note: The line babbles: 55 55\\n55\nnote: unit 5"


def test_the_contradicting_frame_is_in_the_failure() -> None:
    """A failure carries the frames, so that a build log alone shows what was sent and what came."""
    found = _kind(_junit(made.mixed()), "rtu.dev.byte-count")

    assert "05 03 04 12 34 00 00" in found.text


def test_a_real_instant_is_told_without_its_zone() -> None:
    """The common schema knows no time zone in `timestamp`; in simulated time there is none at all."""
    assert _junit(made.mixed(started="2026-11-22T09:00:00+07:00"))[0].get("timestamp") == "2026-11-22T09:00:00"
    assert _junit(made.mixed())[0].get("timestamp") is None


@settings(deadline=None, max_examples=30)
@given(made.hostile_runs())
def test_no_device_can_break_the_file(run: Run) -> None:
    """Whatever a device, a target or a note says, the file is well formed, valid and has every case."""
    root = _junit(run)

    assert len(root.findall(".//testcase")) == len(run.cases) + bool(undecided(run))


@settings(deadline=None, max_examples=30)
@given(made.texts)
def test_what_xml_cannot_hold_is_spelled_out(text: str) -> None:
    """The text that comes out survives a parser unchanged."""
    safe = xml_text(text, keep="")

    assert ET.fromstring(f"<a>{escape(safe)}</a>").text in (safe, None)
