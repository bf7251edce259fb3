"""results.sarif: valid, with a rule for each requirement and findings that keep their identity from run to run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
from hypothesis import given, settings

import compliance_runs as made
from bench.compliance.results import Run, undecided
from bench.compliance.sarif import FINGERPRINT, device_type, fingerprint, sarif
from bench.compliance.tally import book_of

SCHEMA = json.loads(Path(made.__file__).with_name("sarif-2.1.0-subset.json").read_text("utf-8"))


def _sarif(run: Run, **given: bool) -> dict[str, Any]:
    log = json.loads(sarif(run, book_of(run), **given))
    jsonschema.Draft7Validator(SCHEMA).validate(log)
    return log["runs"][0]


def test_only_what_failed_or_is_open_goes_out() -> None:
    """Hosts show every result as a problem, so a default export has only fail and open."""
    assert [one["kind"] for one in _sarif(made.mixed())["results"]] == ["fail", "open"]


def test_everything_has_its_kind() -> None:
    """On request every case goes out, with the kind of its verdict; ERROR and NOT RUN are told by the tool."""
    log = _sarif(made.mixed(), everything=True)

    assert [one["kind"] for one in log["results"]] == [
        "pass",
        "fail",
        "open",
        "review",
        "informational",
        "notApplicable",
    ]
    assert log["invocations"][0]["executionSuccessful"] is False
    assert [one["descriptor"]["id"] for one in log["invocations"][0]["toolExecutionNotifications"]] == [
        "rtu.dev.parity",
        "rtu.dev.crash",
    ]


def test_a_run_without_a_verdict_is_no_success() -> None:
    """With no device on the port there is no result; that nothing was decided is told by the tool, as an error."""
    log = _sarif(made.run(made.case("NOT RUN", reason="no device: unit 5 did not answer")))

    assert log["results"] == []
    assert log["invocations"][0]["executionSuccessful"] is False
    assert log["invocations"][0]["toolExecutionNotifications"][0] == {
        "level": "error",
        "message": {"text": "nothing was decided: no device: unit 5 did not answer"},
        "descriptor": {"id": "run"},
    }


def test_a_result_names_its_rule() -> None:
    """`ruleIndex` points at the rule whose id is `ruleId`."""
    log = _sarif(made.mixed(), everything=True)
    rules = log["tool"]["driver"]["rules"]

    assert log["results"]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in log["results"])


def test_a_finding_keeps_its_fingerprint() -> None:
    """Seed, reason, frames, port and instant may change: the finding is the same. Another device type has another."""
    run = made.mixed()
    later = replace(run, seed=8, started="2026-11-22T09:00:00+07:00", target="/dev/ttyUSB3 unit 9")
    other = replace(run, declaration=made.DECLARATION.replace("KP-200", "KP-300"))

    prints = [one["partialFingerprints"][FINGERPRINT] for one in _sarif(run, everything=True)["results"]]
    assert prints == [one["partialFingerprints"][FINGERPRINT] for one in _sarif(later, everything=True)["results"]]
    assert len(set(prints)) == len(prints)
    assert fingerprint(run.cases[1], run) != fingerprint(run.cases[1], other)
    assert device_type(replace(run, declaration="not [ toml")) == "modbus_rtu.device"


def test_the_declaration_is_the_place() -> None:
    """A case that the declaration excludes points at the declaration's line."""
    result = _sarif(made.mixed(), everything=True)["results"][-1]

    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 6


def test_the_contradicting_characters_are_data() -> None:
    """A tool can read which characters contradict the requirement."""
    failed = _sarif(made.mixed())["results"][0]

    assert failed["properties"]["contradiction"] == {"frame": 1, "characters": [2, 3], "data": "04"}


@settings(deadline=None, max_examples=25)
@given(made.hostile_runs())
def test_no_device_can_break_the_log(run: Run) -> None:
    """Whatever a device says the log is valid."""
    log = _sarif(run, everything=True)

    told = len(log["invocations"][0]["toolExecutionNotifications"])
    assert len(log["results"]) + told == len(run.cases) + bool(undecided(run))
