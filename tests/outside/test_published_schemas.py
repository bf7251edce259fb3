"""junit.xml and results.sarif of real runs against the schemas as they were published, and Microsoft's own validator.

The runs are those that a vendor makes, one `hallbench check ... --out` each: for every suite a device that is right,
one with a planted defect, and something that is no device; and hostile text in every field. The schemas are not in
this repository: `tests/outside/setup.d/schemas.sh` takes them out of packages that carry them.
"""

from __future__ import annotations

import functools
import io
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings

import compliance_runs as made
from bench.cli.main import main
from bench.compliance.bundle import members
from bench.compliance.junit import junit
from bench.compliance.results import Run
from bench.compliance.sarif import sarif
from bench.compliance.suites import SUITES
from bench.compliance.tally import book_of
from bench.compliance.verify import read_run

PEERS = Path(__file__).parents[2] / "build" / "peers"
COLLECTORS = Path(__file__).parents[2] / "examples"

# suite: words of `check`, the device that is right, one with a defect, and what is no device
SUBJECTS = {
    "modbus_rtu.device": ("reference", "reference", "MB-09", "ND-1"),
    "rk1.device": ("rk1", "rk1", "KP-01", "ND-RK-1"),
    "escpos.device": ("tm_t88", "ticket_printer", "EP-01", "ND-1-escpos"),
    "alpha.device": ("alpha", "alpha_board", "AL-01", "ND-1-alpha"),
    "declared.device": ("ff68_evaluator", "ff68_evaluator", "DM-06", "ND-D2-ff68_evaluator"),
    "osdp.device": ("osdp_keypad", "osdp_keypad", "OS-20", "ND-OS-2"),
}
RUNS = [
    *((suite, ("check", words[0], "--emulated", name)) for suite, words in SUBJECTS.items() for name in words[1:]),
    ("modbus_rtu.master", ("check", "--master", "--", sys.executable, str(COLLECTORS / "collector.py"), "{port}")),
]


def published(name: str) -> Path:
    """A published schema or the validator; skips, or fails where peers are required, when it is not here."""
    path = PEERS / name
    if not path.exists():
        said = f"{name} is not here: run tests/outside/setup.d/schemas.sh"
        if os.environ.get("HALLBENCH_PEERS") == "required":
            pytest.fail(said)
        pytest.skip(said)
    return path


@functools.cache
def _schema(name: str) -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(published(f"schemas/{name}"))


@functools.cache
def _sarif_schema() -> Any:
    schema = json.loads(published("schemas/sarif-2.1.0.json").read_text("utf-8"))
    assert schema["id"].endswith("/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json")
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)


def must_be_valid(junit_text: str, sarif_text: str) -> None:
    """Both files are valid, whole, against the published schemas."""
    _schema("junit-10.xsd").validate(junit_text)
    _sarif_schema().validate(json.loads(sarif_text))


@functools.cache
def _bundle(arguments: tuple[str, ...], folder: Path) -> Path:
    """The folder into which one `hallbench check` wrote."""
    out = folder / f"run-{len(list(folder.iterdir()))}"
    words = [*arguments[:1], "--out", str(out), *arguments[1:]]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        main(words)
    return out


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[str, ...]], Path]:
    """The folder of a run, made once."""
    return functools.partial(_bundle, folder=tmp_path_factory.mktemp("bundles"))


def test_every_suite_is_tried() -> None:
    """No suite is left out below."""
    assert {suite for suite, _ in RUNS} == set(SUITES)


@pytest.mark.parametrize(("suite", "arguments"), RUNS, ids=lambda value: value[-1] if isinstance(value, tuple) else "")
def test_the_files_of_a_run_are_valid(
    suite: str, arguments: tuple[str, ...], bundle: Callable[[tuple[str, ...]], Path]
) -> None:
    """Each run's junit.xml is valid against junit-10.xsd and its results.sarif against errata 01 of the standard."""
    folder = bundle(arguments)
    run = read_run(folder / "evidence.zip")

    assert run.suite == suite
    must_be_valid((folder / "junit.xml").read_text("utf-8"), (folder / "results.sarif").read_text("utf-8"))
    must_be_valid(junit(run, book_of(run), inconclusive="skipped"), sarif(run, book_of(run), everything=True))


def test_the_runs_have_every_colour(bundle: Callable[[tuple[str, ...]], Path]) -> None:
    """A device that is right passes, a planted defect fails, what is no device is undecided: no valid file is empty."""
    for suite, (_, *names) in SUBJECTS.items():
        found = [read_run(bundle(arguments) / "evidence.zip").verdict for _suite, arguments in RUNS if _suite == suite]
        assert found == ["PASS", "FAIL", "INCONCLUSIVE"], names


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(made.hostile_runs())
def test_no_device_can_break_the_files(run: Run) -> None:
    """Whatever a device, a target, a note or a declaration says, both files are valid."""
    must_be_valid(junit(run, book_of(run)), sarif(run, book_of(run), everything=True))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<testsuites>", '<testsuites skipped="0">'),
        ("      <system-out>", "      <properties/>\n      <system-out>"),
        (' time="', ' time="1.2345" size="'),
        ("<system-err></system-err>", "<system-err><b/></system-err>"),
    ],
)
def test_the_published_schema_refuses(old: str, new: str) -> None:
    """What junit.xml once had, and other things that junit-10.xsd does not know, are found: the check can fail."""
    text = junit(made.mixed(), book_of(made.mixed()))
    assert old in text
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        _schema("junit-10.xsd").validate(text.replace(old, new, 1))


def _as_ant_has_it(text: str, timestamp: str) -> str:
    """The file without what docs/evidence.md says Ant's schema has no place for."""
    root = ET.fromstring(text)
    for suite in root:
        del suite.attrib["skipped"]
        suite.attrib.setdefault("timestamp", timestamp)
        for case in suite.findall("testcase"):
            for child in list(case):
                if child.tag in ("system-out", "skipped"):
                    case.remove(child)
    return ET.tostring(root, "unicode")


@pytest.mark.parametrize("started", ["", "2026-11-22T09:00:00+07:00"])
def test_what_ants_schema_lacks_is_as_told(started: str) -> None:
    """But for `system-out` and `skipped` of a case, the count of these, and an instant in simulated time, Ant's is met.

    The copy that npm carries is the one before `skipped` was added to it.
    """
    run = made.mixed(started=started)
    text = junit(run, book_of(run))

    assert not _schema("JUnit.xsd").is_valid(text)
    _schema("JUnit.xsd").validate(_as_ant_has_it(text, "2026-11-22T09:00:00"))


def _complaints(folder: Path) -> dict[str, set[tuple[str, str]]]:
    """What Microsoft's validator says of the SARIF files in a folder: file -> (level, rule)."""
    tool = published("sarif-multitool/Sarif.Multitool")
    files = sorted(folder.glob("*.sarif"))
    out = folder / "complaints.json"
    done = subprocess.run(
        [str(tool), "validate", *map(str, files), "--output", str(out), "--log", "ForceOverwrite"],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
    )
    assert out.exists(), done.stdout + done.stderr
    (run,) = json.loads(out.read_text("utf-8-sig"))["runs"]
    assert all(one.get("executionSuccessful") for one in run["invocations"]), done.stdout
    said: dict[str, set[tuple[str, str]]] = {file.name: set() for file in files}
    for one in run.get("results", []):
        place = one["locations"][0]["physicalLocation"]["artifactLocation"]
        uri = place.get("uri") or run["artifacts"][place["index"]]["location"]["uri"]
        said[uri.rpartition("/")[2]].add((one.get("level", "warning"), one["ruleId"]))
    return said


def test_the_editors_validator_finds_nothing_wrong(tmp_path: Path) -> None:
    """sarif-multitool, of the standard's editors, finds no error; one advice remains: hallbench has no web address."""
    hostile = made.case("FAIL", title=made.HOSTILE, reason=made.HOSTILE, reproduce=made.HOSTILE)
    for name, run in (("mixed", made.mixed()), ("hostile", made.run(hostile, notes=(made.HOSTILE,)))):
        (tmp_path / f"{name}.sarif").write_text(sarif(run, book_of(run), everything=True), "utf-8")
    text = (tmp_path / "mixed.sarif").read_text("utf-8")
    (tmp_path / "broken.sarif").write_text(text.replace('"ruleIndex": 0', '"ruleIndex": 900'), "utf-8")
    said = _complaints(tmp_path)

    assert said["mixed.sarif"] == said["hostile.sarif"] == {("warning", "SARIF2005")}
    assert "error" in {level for level, _ in said["broken.sarif"]}


def test_a_wall_time_run_is_valid_too() -> None:
    """With an instant and an uncertainty in its header, as a real port gives them, both files stay valid."""
    run = replace(made.mixed(), clock="wall", uncertainty_ms=1.5, started="2026-11-22T09:00:00+07:00")
    inside = members(run)

    must_be_valid(inside["junit.xml"].decode(), inside["results.sarif"].decode())
