"""`hallbench verify`: whole bundles are confirmed; each way of harming one has its own message and is never good."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import compliance_runs as made
from bench.cli.exit_codes import ExitCode
from bench.cli.verify_cmd import command
from bench.compliance import selftest, unbundle
from bench.compliance.bundle import SUMS, members, pack, sums_text, write_bundle
from bench.compliance.kill_record import for_run
from bench.compliance.rejudge import laws, misshapen, rejudge
from bench.compliance.results import CaseResult, Frame, Measure, Run, to_ndjson
from bench.compliance.suites import suite_named
from bench.compliance.unbundle import UnreadableBundle, open_bundle
from bench.compliance.verify import verify


@cache
def _run(subject: str = "reference") -> Run:
    """A real run of the suite on a subject of its self-test, in simulated time."""
    found = next(one for group in selftest.subjects() for one in group if one.id == subject)
    return selftest.check_subject(found, suite_named(selftest.SUITE), 7)


@cache
def _members(subject: str = "reference") -> dict[str, bytes]:
    return members(_run(subject))


def _verify(path: Path) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(command, [str(path), "--json"])
    return done.exit_code, json.loads(done.stdout)


def _kinds(told: dict[str, Any]) -> set[str]:
    return {fault["kind"] for fault in told["faults"]}


def _packed(path: Path, inside: dict[str, bytes]) -> Path:
    path.write_bytes(pack(inside))
    return path


def _resealed(inside: dict[str, bytes]) -> dict[str, bytes]:
    """With hashes that are right again, as a careful forger would leave it."""
    rest = {name: data for name, data in inside.items() if name != SUMS}
    return {**rest, SUMS: sums_text(rest).encode()}


# -- whole bundles ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("subject", "code"),
    [
        ("reference", ExitCode.GOOD),
        ("rating_keypad", ExitCode.GOOD),
        ("MB-12", ExitCode.BAD),
        ("ND-2", ExitCode.INCONCLUSIVE),
    ],
)
def test_a_whole_bundle_is_confirmed(tmp_path: Path, subject: str, code: ExitCode) -> None:
    """Judging the recorded frames again gives every verdict; the exit code is that of the verdict."""
    status, told = _verify(write_bundle(_run(subject), tmp_path / "a.zip"))

    assert (status, told["confirmed"], told["faults"]) == (code, True, [])
    assert told["rejudged"]["depth"] == "cases"
    judged = [case for case in _run(subject).cases if case.verdict not in ("NOT RUN", "NOT APPLICABLE")]
    assert told["rejudged"]["cases"] == len(judged)


def test_what_cannot_be_judged_again_is_not_good(tmp_path: Path) -> None:
    """A suite that this version does not have: what the frames alone say is checked, and the exit code is not 0."""
    unknown = replace(_run(), suite="smoke_signals.device")
    status, told = _verify(write_bundle(unknown, tmp_path / "a.zip"))

    assert (status, told["intact"], told["confirmed"]) == (ExitCode.INCONCLUSIVE, True, False)
    assert told["rejudged"]["depth"] == "laws"
    assert "has no suite 'smoke_signals.device'" in told["remarks"][0]


def test_another_version_is_judged_by_its_verdicts(tmp_path: Path) -> None:
    """A bundle of an older hallbench: reports are not compared, cases are judged again."""
    status, told = _verify(write_bundle(replace(_run(), tool="hallbench 0.0.1"), tmp_path / "a.zip"))

    assert (status, told["confirmed"]) == (ExitCode.GOOD, True)
    assert "were not made again" in told["remarks"][0]


def test_the_command_says_it_in_words(tmp_path: Path) -> None:
    """Without --json the first line is the result."""
    good = CliRunner().invoke(command, [str(write_bundle(_run(), tmp_path / "a.zip"))])
    bad = CliRunner().invoke(command, [str(_packed(tmp_path / "b.zip", {**_members(), "wire.txt": b"\x1b[2J"}))])

    assert good.stdout.startswith("CONFIRMED PASS: every hash is right, 91 cases judged again")
    assert bad.stdout.startswith("CONTRADICTED")
    assert "wire.txt was changed" in bad.stdout
    assert CliRunner().invoke(command, [str(tmp_path / "none.zip")]).exit_code == ExitCode.INVALID_FILE


# -- harmed bundles: one member of the table for each way --------------------------------------------------------------
def _entry(data: bytes, change: Callable[[bytearray, int], None], name: bytes) -> bytes:
    """Change the list of members (not the members) of a zip at the entry of a name."""
    raw = bytearray(data)
    at = raw.rindex(name) - 46
    assert raw[at : at + 4] == b"PK\x01\x02"
    change(raw, at)
    return bytes(raw)


def _twice(inside: dict[str, bytes]) -> bytes:
    out = io.BytesIO(pack(inside))
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("results.ndjson", "another")
    return out.getvalue()


def _commented(inside: dict[str, bytes]) -> bytes:
    out = io.BytesIO(pack(inside))
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = b"looked over, all fine"
    return out.getvalue()


def _bomb(inside: dict[str, bytes]) -> bytes:
    return pack({**inside, "wire.txt": bytes(unbundle.MEMBER_MAX + 1)})


def _lying_bomb(inside: dict[str, bytes]) -> bytes:
    """It unpacks to 65 MB and says 10 bytes."""
    return _entry(_bomb(inside), lambda raw, at: struct.pack_into("<I", raw, at + 24, 10), b"wire.txt")


def _named(name: str) -> Callable[[dict[str, bytes]], bytes]:
    return lambda inside: pack({**inside, name: b"x"})


def _without(name: str) -> Callable[[dict[str, bytes]], bytes]:
    return lambda inside: pack({key: data for key, data in inside.items() if key != name})


HARM: dict[str, tuple[Callable[[dict[str, bytes]], bytes], str, str]] = {
    "not a zip": (lambda inside: b"results", "not a bundle", "not a zip file"),
    "empty": (lambda inside: b"", "not a bundle", "not a zip file"),
    "cut": (lambda inside: pack(inside)[:-200], "truncated", "the zip is cut"),
    "cut early": (lambda inside: pack(inside)[:1000], "truncated", "the zip is cut"),
    "no results": (_without("results.ndjson"), "missing", "results.ndjson is missing"),
    "no traffic": (_without("wire.pcapng"), "missing", "wire.pcapng is missing"),
    "no hashes": (_without(SUMS), "missing", "SHA256SUMS is missing"),
    "one more": (_named("setup.exe"), "extra", "'setup.exe', which does not belong"),
    "folder": (_named("sub/wire.txt"), "extra", "'sub/wire.txt'"),
    "upwards": (_named("../../etc/cron.d/x"), "unsafe name", "would lead outside"),
    "absolute": (_named("/etc/passwd"), "unsafe name", "would lead outside"),
    "drive": (_named("C:evil"), "unsafe name", "would lead outside"),
    "hostile name": (_named("\x1b[2J\u202e.html"), "extra", r"\x1b[2J\u202e.html"),
    "twice": (_twice, "duplicate", "results.ndjson stands there 2 times"),
    "bomb": (_bomb, "too large", "would unpack to 67,108,865 bytes"),
    "lying bomb": (_lying_bomb, "damaged", "wire.txt"),
    "before": (lambda inside: b"#!/bin/sh\n" + pack(inside), "extra", "before the zip"),
    "behind": (lambda inside: pack(inside) + b"more", "extra", "behind the zip"),
    "comment": (_commented, "extra", "has a comment"),
    "encrypted": (
        lambda inside: _entry(pack(inside), lambda raw, at: struct.pack_into("<H", raw, at + 8, 1), b"wire.txt"),
        "encrypted",
        "wire.txt is encrypted",
    ),
    "a link": (
        lambda inside: _entry(
            pack(inside), lambda raw, at: struct.pack_into("<I", raw, at + 38, 0o120777 << 16), b"wire.txt"
        ),
        "unsafe name",
        "wire.txt is a link",
    ),
    "other packing": (
        lambda inside: _entry(pack(inside), lambda raw, at: struct.pack_into("<H", raw, at + 10, 14), b"wire.txt"),
        "unreadable",
        "packed by method 14",
    ),
    "results cut": (
        lambda inside: pack(_resealed({**inside, "results.ndjson": inside["results.ndjson"][:-100]})),
        "truncated",
        "results.ndjson:",
    ),
    "no footer": (
        lambda inside: pack(
            _resealed({**inside, "results.ndjson": inside["results.ndjson"].rpartition(b'{"cases"')[0]})
        ),
        "truncated",
        "no footer",
    ),
    "results altered": (
        lambda inside: pack(
            _resealed({**inside, "results.ndjson": inside["results.ndjson"].replace(b"PASS", b"INFO", 1)})
        ),
        "results",
        "changed afterwards",
    ),
    "not text": (
        lambda inside: pack(_resealed({**inside, "results.ndjson": b"\xff\xfe"})),
        "results",
        "results.ndjson",
    ),
}
"""How a bundle is harmed: what is done, the kind of fault, and a part of the message. Exit code 3 each."""


@pytest.mark.parametrize("harm", HARM)
def test_each_harm_has_its_own_message(tmp_path: Path, harm: str) -> None:
    """A file that is no whole bundle is exit 3, with what is wrong with it; nothing of it is judged."""
    change, kind, message = HARM[harm]
    path = tmp_path / "a.zip"
    path.write_bytes(change(_members()))
    status, told = _verify(path)

    assert status == ExitCode.INVALID_FILE
    assert told["whole"] is False
    assert _kinds(told) & set(kind.split("|")), told["faults"]
    assert message in " ".join(fault["text"] for fault in told["faults"])


@pytest.mark.parametrize("name", [name for name in _members() if name not in (SUMS, "results.ndjson")])
def test_a_changed_member_is_found_by_its_hash(tmp_path: Path, name: str) -> None:
    """One character more in any member: exit 1, and the member is named."""
    status, told = _verify(_packed(tmp_path / "a.zip", {**_members(), name: _members()[name] + b" "}))

    assert status == ExitCode.BAD
    assert "changed" in _kinds(told)
    assert any(fault["text"].startswith(f"{name} was changed") for fault in told["faults"])


@pytest.mark.parametrize("name", [name for name in _members() if name not in (SUMS, "results.ndjson")])
def test_a_changed_member_with_a_right_hash_is_found_too(tmp_path: Path, name: str) -> None:
    """Who corrects the hash as well is found, because every member is made again from the results."""
    forged = _resealed({**_members(), name: _members()[name] + b" "})
    status, told = _verify(_packed(tmp_path / "a.zip", forged))

    assert status == ExitCode.BAD
    assert _kinds(told) == {"contradicts"}


def test_hashes_must_be_all_there_and_no_more(tmp_path: Path) -> None:
    """A hash left out, one of a member that is not there, a line that is none: each is told."""
    sums = _members()[SUMS].decode().splitlines()
    forged = "\n".join([*sums[1:], sums[1], f"{'0' * 64}  other.txt", "nonsense"]).encode()
    status, told = _verify(_packed(tmp_path / "a.zip", {**_members(), SUMS: forged}))

    text = " ".join(fault["text"] for fault in told["faults"])
    assert status == ExitCode.BAD
    for part in ("has no hash of results.ndjson", "has a hash of other.txt", "is no hash and name", "twice"):
        assert part in text


# -- forged results: whole bundles, made by hallbench itself from a changed run ----------------------------------------
def _changed(run: Run, id_: str | None = None, **new: Any) -> Run:
    """A run with one case changed (by default the first that failed), and a suite verdict that fits."""
    number = next(n for n, case in enumerate(run.cases) if (case.id == id_ if id_ else case.verdict == "FAIL"))
    cases = (*run.cases[:number], replace(run.cases[number], **new), *run.cases[number + 1 :])
    return replace(run, cases=cases, verdict=made.suite_verdict(cases))


def _moved(run: Run) -> Run:
    """The highlighted characters are others of the same frame."""
    case = next(case for case in run.cases if case.verdict == "FAIL")
    index, first, last = case.contradiction
    return _changed(run, contradiction=(index, 0, last - first if first else last - 1))


FORGED: dict[str, tuple[Callable[[], Run], str]] = {
    "a fail called a pass": (
        lambda: _changed(
            _run("MB-12"),
            verdict="PASS",
            reason="",
            witness="11 83 02 in frame 3",
            contradiction=None,
            attempts=("PASS",),
        ),
        "recorded as PASS, judged again from the frames",
    ),
    "a fail called not applicable": (
        lambda: _changed(
            _run("MB-12"), verdict="NOT APPLICABLE", applies="no such function", frames=(), contradiction=None
        ),
        "the declaration has what the case needs",
    ),
    "a fail taken out": (
        lambda: replace(
            _run("MB-12"),
            cases=(cases := tuple(c for c in _run("MB-12").cases if c.verdict != "FAIL")),
            verdict=made.suite_verdict(cases),
        ),
        "is not in the results",
    ),
    "a better suite verdict": (lambda: replace(_run("MB-12"), verdict="PASS"), "the suite's verdict is PASS"),
    "another reason": (lambda: _changed(_run("MB-12"), reason="The cable was loose."), "reason is not what"),
    "another place": (lambda: _moved(_run("MB-12")), "contradiction is not what"),
    "another requirement": (lambda: _changed(_run("MB-12"), level="SHOULD"), "level is not what"),
    "another seed": (lambda: replace(_run(), seed=8), "recorded as PASS, judged again from the frames ERROR"),
    "a case invented": (
        lambda: replace(_run(), cases=(*_run().cases, made.case(id="rtu.dev.mine"))),
        "is not one of the suite",
    ),
    "a case twice": (lambda: replace(_run(), cases=(*_run().cases, _run().cases[0])), "stands there 2 times"),
    "another declaration": (lambda: replace(_run(), declaration=_run().declaration + "# x\n"), "declaration_sha256"),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_forged_results_do_not_survive_judging_again(tmp_path: Path, forgery: str) -> None:
    """Results changed before they were packed: every hash is right, and judging the frames again contradicts them."""
    forge, message = FORGED[forgery]
    status, told = _verify(write_bundle(forge(), tmp_path / "a.zip"))

    assert status == ExitCode.BAD
    assert told["confirmed"] is False
    assert message in " ".join(fault["text"] for fault in told["faults"])


def test_changed_characters_are_found() -> None:
    """Any one character of a reply changed in the record changes what judging again gives, or was never looked at."""
    run = _run()
    case = next(case for case in run.cases if case.verdict == "PASS" and len(case.frames) > 4)
    number = next(n for n, frame in enumerate(case.frames) if frame.direction == "in")
    reply = case.frames[number]
    for at in range(len(reply.data)):
        data = bytearray(reply.data)
        data[at] ^= 0x10
        frames = (*case.frames[:number], replace(reply, data=bytes(data)), *case.frames[number + 1 :])
        assert rejudge(_changed(run, case.id, frames=frames)).findings


# -- laws of any run --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (made.case(frames=(made.frame(1, "out", b"\x01"),)), "without a single character of the device"),
        (made.case(witness=""), "names no witness"),
        (made.case("FAIL", reason=""), "without a reason"),
        (made.case("FAIL", attempts=("FAIL", "PASS", "FAIL")), "although the attempts were FAIL, PASS, FAIL"),
        (made.case("NOT APPLICABLE", applies=""), "without a word of the declaration"),
        (made.case("NOT RUN", frames=(made.frame(1, "out", b"\x01"),)), "and yet 1 frames"),
        (made.case(measures=(Measure("gap", 4.0, "ms", ">= 4.01", 0.5, False),)), "within the uncertainty"),
        (made.case(measures=(Measure("gap", 3.0, "ms", ">= 4.01", 0.0, True),)), "said to be within, and it is not"),
    ],
)
def test_laws_need_no_suite(broken: CaseResult, message: str) -> None:
    """What must hold of any run is checked from its frames and figures alone."""
    assert message in " ".join(laws(made.run(broken)))


def test_a_right_run_keeps_the_laws() -> None:
    """A run of every verdict breaks none; one that ended early may be INCONCLUSIVE although what ran passed."""
    assert list(laws(made.mixed())) == []
    early = made.run(made.case(), made.case("NOT RUN", id="b"), verdict="INCONCLUSIVE")
    assert list(laws(early)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"contradiction": (9, 0, 1)},
        {"contradiction": (1, 5, 2)},
        {"contradiction": (0, 0, 99)},
        {"rev": "1"},
        {"verdict": "GOOD"},
        {"seconds": float("nan")},
        {"seconds": 10**400},
        {"seconds": -1},
        {"title": 7},
        {"also": (1,)},
        {"frames": (Frame(5, 1, "in", b""),)},
        {"frames": (Frame(-1, 1, "in", b""),)},
        {"frames": (Frame(0, 1, "up", b""),)},
        {"frames": (Frame(0, 1, "in", bytes(70_000)),)},
        {"measures": (Measure("x", float("inf"), "ms"),)},
        {"measures": (Measure("x", True, "ms"),)},
        {"measures": (Measure("x", 10**400, "ms"),)},
        {"measures": (Measure("x", 1, "ms", "", -1.0),)},
    ],
)
def test_a_record_of_the_wrong_kind_is_refused(wrong: dict[str, Any]) -> None:
    """What a file of results may not hold is told before anything is done with it."""
    assert misshapen(made.run(made.case())) == ""
    assert misshapen(replace(made.run(), cases=(made.case(**wrong),)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"uncertainty_ms": 10**400}, "uncertainty_ms is no number"),
        ({"clock": "sundial"}, "neither virtual nor wall"),
        ({"clock": "wall"}, "an instant is missing"),
        ({"started": "2026-11-22T09:00:00+07:00"}, "an instant stands in the header"),
        ({"clock": "wall", "started": "9999-99"}, "the instant in the header"),
        ({"clock": "wall", "started": "9999-12-31T23:59:59-23:59"}, "the instant in the header"),
        ({"line": "x" * 5000}, "line in the header has more than 4,096 letters"),
    ],
)
def test_a_header_that_says_two_things_is_refused(tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    """Clock and instant agree, figures are finite, texts are short: else the bundle is exit 3, and nothing breaks."""
    run = replace(_run(), **wrong)
    assert message in misshapen(run)
    forged = _resealed({**_members(), "results.ndjson": to_ndjson(run).encode()})
    status, told = _verify(_packed(tmp_path / "a.zip", forged))

    assert status == ExitCode.INVALID_FILE
    assert message in told["faults"][0]["text"]


def test_the_suites_own_test_is_the_shipped_one(tmp_path: Path) -> None:
    """A kill matrix with a vendor's words, its report and hashes made to fit, is told from the shipped one."""
    shipped = for_run(_run())
    assert shipped is not None
    assert _verify(write_bundle(_run(), tmp_path / "a.zip", shipped))[0] == ExitCode.GOOD

    first, *rest = shipped["mutants"]
    wordy = {**shipped, "mutants": [{**first, "title": "the best keypad of all"}, *rest]}
    status, told = _verify(write_bundle(_run(), tmp_path / "b.zip", wordy))
    assert (status, told["confirmed"]) == (ExitCode.BAD, False)
    assert "kill_matrix.json is not the suite's own test" in told["faults"][0]["text"]


def test_a_kill_matrix_of_another_state_proves_nothing(tmp_path: Path) -> None:
    """Where this version has no test of the run's suite the matrix is not compared, and the command says so."""
    run = replace(_run(), catalogue_sha256="0" * 64)
    told = _verify(write_bundle(run, tmp_path / "a.zip", for_run(_run())))[1]

    assert "kill_matrix.json was not compared" in " ".join(told["remarks"])


def test_a_misshapen_record_in_a_bundle(tmp_path: Path) -> None:
    """A bundle whose results are JSON of the right form and the wrong kind is exit 3."""
    run = replace(made.run(), cases=(made.case(rev="one"),))
    forged = _resealed({**_members(), "results.ndjson": to_ndjson(run).encode()})
    status, told = _verify(_packed(tmp_path / "a.zip", forged))

    assert status == ExitCode.INVALID_FILE
    assert "of the wrong kind" in told["faults"][0]["text"]


@pytest.mark.parametrize("declaration", ["x = " + "[" * 1_900, "x = [\n" * 2_000, "[" * 1_900])
def test_a_declaration_nested_too_deep_is_no_crash(tmp_path: Path, declaration: str) -> None:
    """A declaration nested deeper than a parser goes: verified without a crash, and not good."""
    nested = made.run(made.case(), declaration=declaration)
    status, told = _verify(write_bundle(nested, tmp_path / "a.zip"))

    assert status in (ExitCode.BAD, ExitCode.INCONCLUSIVE)
    assert told["confirmed"] is False


@pytest.mark.parametrize("declaration", ["a." * 20_000 + "b = 1", "# x\n" * 30_000])
def test_a_declaration_that_would_stop_the_reader_is_refused(tmp_path: Path, declaration: str) -> None:
    """What a parser would need minutes for is not parsed: exit 3."""
    run = made.run(made.case(), declaration=declaration)
    forged = _resealed({**_members(), "results.ndjson": to_ndjson(run).encode()})
    status, told = _verify(_packed(tmp_path / "a.zip", forged))

    assert status == ExitCode.INVALID_FILE
    assert "the declaration has more than" in told["faults"][0]["text"]


def test_an_error_of_the_tester_is_not_good(tmp_path: Path) -> None:
    """A run with an ERROR says nothing about the device: neither good nor bad."""
    status, told = _verify(write_bundle(made.run(made.case("ERROR"), suite="smoke_signals.device"), tmp_path / "a.zip"))

    assert (status, told["intact"]) == (ExitCode.INCONCLUSIVE, True)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_byte_can_be_changed_unnoticed(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any byte of the file changed: never good, and never a crash."""
    raw = bytearray(pack(_members("ND-2")))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("harm") / "a.zip"
    path.write_bytes(bytes(raw))
    try:
        inside = open_bundle(path)
    except UnreadableBundle:
        return
    # A few bytes of a zip (dates, versions, permissions) say nothing about its members.
    assert inside.faults or inside.members == _members("ND-2")


@settings(max_examples=12, deadline=None)
@given(run=made.hostile_runs())
def test_hostile_results_are_judged_without_a_crash(run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever results say, verifying ends with a result; it is confirmed only if nothing is wrong."""
    found = verify(write_bundle(run, tmp_path_factory.mktemp("hostile") / "a.zip"))

    assert not found.is_confirmed or found.rejudged is not None
    json.dumps(found.to_json(), allow_nan=False)


# -- the limits of what is read --------------------------------------------------------------------------------------
def _understated(inside: dict[str, bytes]) -> bytes:
    """The list of members says that wire.txt has five bytes more than it unpacks to."""
    size = len(inside["wire.txt"]) + 5
    return _entry(pack(inside), lambda raw, at: struct.pack_into("<I", raw, at + 24, size), b"wire.txt")


def _with_a_nul(inside: dict[str, bytes]) -> bytes:
    """A member called "wire.txt", NUL, "x": some read one name, some the other."""
    return pack({**inside, "wire.txtAx": b"x"}).replace(b"wire.txtAx", b"wire.txt\0x")


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (_understated, "damaged", "and the zip says"),
        (_with_a_nul, "unsafe name", "can be read in two ways"),
    ],
)
def test_a_list_of_members_that_lies_is_told(
    tmp_path: Path, change: Callable[[dict[str, bytes]], bytes], kind: str, message: str
) -> None:
    """A size that is not the member's, a name with a second end: told, and nothing is judged."""
    path = tmp_path / "a.zip"
    path.write_bytes(change(_members()))
    status, told = _verify(path)
    assert (status, told["whole"]) == (ExitCode.INVALID_FILE, False)
    assert kind in _kinds(told)
    assert message in " ".join(fault["text"] for fault in told["faults"])


@pytest.mark.parametrize(
    ("limit", "message"), [(1000, "a bundle has up to 1,000"), (1_000_000, "the members would unpack to")]
)
def test_a_bundle_has_a_size(tmp_path: Path, limit: int, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is too large is not read; members that are too large together are not unpacked."""
    monkeypatch.setattr(unbundle, "TOTAL_MAX", limit)
    inside = {**_members(), "wire.txt": bytes(1_000_001)}
    status, told = _verify(_packed(tmp_path / "a.zip", inside))
    assert (status, _kinds(told)) == (ExitCode.INVALID_FILE, {"too large"})
    assert message in told["faults"][0]["text"]


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ({"measures": (Measure("t", 1.0, "ms", 5, 0.1, True),)}, "a measure's name, unit or limit is no text"),
        ({"measures": (Measure("t", float("1e300"), "ms", "", 0.1, True),)}, "a measure is no finite number"),
        ({"measures": (Measure("t", 1.0, "ms", "", -0.1, True),)}, "neither within, outside nor undecided"),
        ({"contradiction": (0, 0)}, "not a frame, a first and a last character"),
        ({"contradiction": (0, 0, True)}, "not a frame, a first and a last character"),
        ({"contradiction": (9_999, 0, 0)}, "names characters that are not in the record"),
    ],
)
def test_a_case_of_the_wrong_shape_is_told(new: dict[str, Any], told: str) -> None:
    """What a file says of a case is looked at before anything is done with it."""
    number = next(n for n, case in enumerate(_run("MB-12").cases, 1) if case.verdict == "FAIL")
    assert misshapen(_run("MB-12")) == ""
    assert misshapen(_changed(_run("MB-12"), **new)).startswith(f"case {number}: ")
    assert told in misshapen(_changed(_run("MB-12"), **new))


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ({"seed": "7"}, "a field of the wrong kind"),
        ({"schema_version": "1"}, "a field of the wrong kind"),
        ({"line": 9600}, "a field of the wrong kind"),
        ({"notes": (1,)}, ""),
        ({"verdict": "GOOD"}, ""),
    ],
)
def test_a_header_of_the_wrong_shape_is_told(new: dict[str, Any], told: str) -> None:
    """So is what it says of the run."""
    assert misshapen(replace(_run(), **new)) != ""
    assert told in misshapen(replace(_run(), **new))


def test_the_folder_of_a_bundle_is_taken_for_it(tmp_path: Path) -> None:
    """Law: the folder that a run was written to is as good as the zip in it; a folder without one is no bundle."""
    write_bundle(_run(), tmp_path / "out")
    (tmp_path / "empty").mkdir()
    assert CliRunner().invoke(command, [str(tmp_path / "out")]).output == (
        CliRunner().invoke(command, [str(tmp_path / "out" / "evidence.zip")]).output
    )
    none = CliRunner().invoke(command, [str(tmp_path / "empty")])
    assert none.exit_code == ExitCode.INVALID_FILE
