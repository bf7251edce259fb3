"""The bundle: the same bytes for the same run, hashes that any tool checks, traffic that Wireshark reads."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

import compliance_runs as made
from bench.captures import pcapng
from bench.compliance import acceptance_sheet
from bench.compliance.bundle import ALWAYS, FILE, SUMS, members, pack, wire_text, write_bundle
from bench.compliance.results import Run, from_ndjson

RK1 = 'name = "rating_keypad"\ntitle = "Reference rating keypad RK-1"\n'


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    """Twice the same run: the same zip, whatever the day and the umask; another seed gives another."""
    first = write_bundle(made.mixed(), tmp_path / "a.zip").read_bytes()

    assert first == write_bundle(made.mixed(), tmp_path / "b.zip").read_bytes()
    assert first != write_bundle(made.mixed(seed=8), tmp_path / "c.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_members_stand_in_their_order(tmp_path: Path) -> None:
    """Every bundle has the same members in the same order, hashes last."""
    path = write_bundle(made.mixed(), tmp_path / "a.zip", {"mutants": []})
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [*ALWAYS, "kill_matrix.json", SUMS]
        assert archive.testzip() is None


def test_hashes_are_those_of_the_members() -> None:
    """SHA256SUMS has the hash of every other member, in the form of `sha256sum -c`."""
    inside = members(made.mixed())
    sums = inside.pop(SUMS).decode()

    assert sums == "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in inside.items())


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs coreutils")
def test_sha256sum_agrees(tmp_path: Path) -> None:
    """An independent program checks the hashes of the unpacked bundle."""
    write_bundle(made.mixed(), tmp_path)

    done = subprocess.run(
        ["sha256sum", "--strict", "-c", SUMS], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.count(": OK") == len(ALWAYS)


def test_a_directory_gets_the_members_too(tmp_path: Path) -> None:
    """For a directory the zip and its members are written, so that a build server finds junit.xml."""
    path = write_bundle(made.mixed(), tmp_path / "new" / "out")

    assert path == tmp_path / "new" / "out" / FILE
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            assert archive.read(name) == (path.parent / name).read_bytes()
    assert {entry.name for entry in path.parent.iterdir()} == {*ALWAYS, SUMS, FILE}


def test_the_results_come_back() -> None:
    """The run in the bundle is the run that was written."""
    run = made.mixed()

    assert from_ndjson(members(run)["results.ndjson"].decode()) == run


def test_wire_text_has_one_frame_a_line() -> None:
    """Each frame is a line that grep finds by case, direction or characters."""
    lines = wire_text(made.mixed()).splitlines()

    assert lines[1] == "rtu.dev.read-two 0 10.000000 18.333336 out 05 03 00 00 00 02 C5 8F"
    assert len(lines) == 1 + sum(len(case.frames) for case in made.mixed().cases)


@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")
def test_wireshark_reads_the_traffic(tmp_path: Path) -> None:
    """tshark dissects every frame as Modbus RTU, finds the CRC right, and knows which way it went and when."""
    path = tmp_path / "wire.pcapng"
    path.write_bytes(members(made.run(made.case(), started="2026-11-22T09:00:00+07:00"))["wire.pcapng"])
    fields = ["mbrtu.unit_id", "modbus.func_code", "frame.packet_flags_direction", "frame.time_epoch", "frame.comment"]
    command = ["tshark", "-r", str(path), "-o", "mbrtu.crc_verification:TRUE", "-T", "fields"]
    for name in fields:
        command += ["-e", name]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()

    first, second = (line.split("\t") for line in told)
    assert first[:2] == second[:2] == ["5", "3"]
    assert [int(row[2], 16) & 3 for row in (first, second)] == [2, 1]
    assert float(first[3]) == pytest.approx(1795312800.010, abs=1e-6)
    assert first[4] == "rtu.dev.read-two"


@pytest.mark.parametrize(("suite", "dissector"), [("rk1.device", b"mbrtu"), ("escpos.device", b"escpos")])
def test_traffic_over_modbus_is_told_to_wireshark(suite: str, dissector: bytes) -> None:
    """The keypad's own suite speaks Modbus too; other protocols are named, for Wireshark has no dissector of them."""
    data = members(made.run(made.case(), suite=suite))["wire.pcapng"]

    assert dissector in data
    assert (b"mbrtu" in data) == (suite == "rk1.device")


def test_steps_that_only_listen_are_no_packets() -> None:
    """A mark of waiting has no characters: it stands in the text and not among the packets."""
    case = made.case()
    waits = replace(case, frames=(*case.frames, made.frame(50, "out", b"", "silence")))

    assert members(made.run(waits))["wire.pcapng"] == members(made.run(case))["wire.pcapng"]
    assert "out -  # silence" in wire_text(made.run(waits))
    assert pcapng.UPPER_PDU == 252


def test_only_the_reference_keypad_gets_a_sheet() -> None:
    """The sheet for tenders is about profile RK-1 alone."""
    assert "acceptance.html" not in members(made.mixed())
    assert "acceptance.html" in members(made.mixed(declaration=RK1))
    assert not acceptance_sheet.applies(made.mixed(declaration=RK1, suite="modbus_rtu.master"))
    assert not acceptance_sheet.applies(made.mixed(declaration="not [ toml"))


@settings(max_examples=12, deadline=None)
@given(made.hostile_runs())
def test_whatever_a_device_says_can_be_packed(run: Run) -> None:
    """Hostile text changes no member's name, breaks no member, and comes back from the results as it was."""
    inside = members(run, {"mutants": [{"id": made.HOSTILE, "killed": True}]})

    assert pack(inside) == pack(members(run, {"mutants": [{"id": made.HOSTILE, "killed": True}]}))
    assert from_ndjson(inside["results.ndjson"].decode("utf-8")) == run
    assert json.loads(inside["results.sarif"])["version"] == "2.1.0"
