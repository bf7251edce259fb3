"""junit.xml: valid whatever a device says, with each verdict where a build server looks for it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
import xmlschema
from hypothesis import given, settings

import compliance_runs as made
from bench.compliance.junit import junit, xml_text
from bench.compliance.results import Run
from bench.compliance.tally import book_of

SCHEMA = xmlschema.XMLSchema(Path(made.__file__).with_name("junit.xsd"))


def _junit(run: Run, **given: str) -> ET.Element:
    text = junit(run, book_of(run), **given)
    SCHEMA.validate(text)
    return ET.fromstring(text)


def _kind(root: ET.Element, case: str) -> ET.Element | None:
    found = next(one for one in root.iter("testcase") if one.get("name") == case)
    return next((child for child in found if child.tag != "properties"), None)


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
    """What the suite counts is what stands in it; both levels agree."""
    root = _junit(made.mixed())

    for level in (root, root[0]):
        assert {name: level.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
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


def test_a_case_tells_how_to_run_it_again() -> None:
    """Clause, revision, seed and the reproduce line are properties of every case; NON-STRICT is one too."""
    root = _junit(made.mixed())
    case = next(one for one in root.iter("testcase") if one.get("name") == "rtu.dev.hole")
    told = {one.get("name"): one.get("value") for one in case.iter("property")}

    assert told["verdict"] == "NON-STRICT"
    assert told["requirement"] == "MBS-2.5-R4"
    assert (told["rev"], told["seed"]) == ("1", "7")
    assert told["reproduce"].startswith("hallbench check")
    assert told["reason"] == "A frame with a hole was answered."


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

    assert len(root.findall(".//testcase")) == len(run.cases)


@settings(deadline=None, max_examples=30)
@given(made.texts)
def test_what_xml_cannot_hold_is_spelled_out(text: str) -> None:
    """The text that comes out survives a parser unchanged."""
    safe = xml_text(text, keep="")

    assert ET.fromstring(f"<a>{escape(safe)}</a>").text in (safe, None)
