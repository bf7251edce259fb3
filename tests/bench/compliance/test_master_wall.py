"""`check --master` on real ports: any program, in wall time, with the wall's uncertainty in every verdict."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.compliance import rejudge_cases
from bench.compliance.master.judging import CASES, Seen
from bench.compliance.master.mutants import MASTERS
from bench.compliance.master.run import SETTINGS, judge_run
from bench.compliance.master.wall import Presented, run_outside
from bench.compliance.results import Frame, from_ndjson, to_ndjson
from bench.run.outside import CannotStart
from protocol.modbus.rtu import seal

MS = 1_000_000
ASK = seal(b"\x01\x04\x00\x02\x00\x06")
REPLY = seal(b"\x01\x04\x02\x00\x00")
CASE = {case.id.removeprefix("rtu.mas."): case for case in CASES}

# A collector without any library: it polls unit 1 a few times and goes.
SHORT = """
import os, sys, termios, time, tty
port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
tty.setraw(port)
for _ in range(8):
    os.write(port, bytes.fromhex(sys.argv[2]))
    time.sleep(0.15)
    termios.tcflush(port, termios.TCIFLUSH)
"""


def seen(uncertainty: int, *frames: tuple[int, int, str, bytes]) -> Seen:
    """A phase with these frames (ms), known to so many ms."""
    return Seen(tuple(Frame(a * MS, b * MS, way, data) for a, b, way, data in frames), SETTINGS, uncertainty * MS)


def short(tmp_path: Path, frame: bytes) -> Presented:
    """The short collector on a pty, which says `frame`."""
    program = tmp_path / "short.py"
    program.write_text(SHORT, encoding="utf-8")
    return run_outside([sys.executable, str(program), "{port}", frame.hex()])


@pytest.mark.parametrize(
    ("pause", "uncertainty", "verdict"),
    [(20, 2, "PASS"), (5, 2, "INCONCLUSIVE"), (2, 2, "INCONCLUSIVE"), (1, 0, "FAIL"), (1, 2, "FAIL"), (5, 0, "PASS")],
)
def test_a_margin_below_the_uncertainty_decides_nothing(pause: int, uncertainty: int, verdict: str) -> None:
    """Law: t3.5 is 3.646 ms at 9600 8N1; nearer to it than instants are known, nothing is said."""
    frames = ((0, 8, "in", ASK), (12, 20, "out", REPLY), (20 + pause, 28 + pause, "in", ASK))
    assert CASE["silence-before"].run(seen(uncertainty, *frames)).verdict == verdict


def test_a_late_machine_blames_nobody_for_an_overlap() -> None:
    """Law: where instants are known to 60 ms only, a request into a reply may be the machine's doing."""
    frames = ((0, 8, "in", ASK), (12, 20, "out", REPLY), (15, 23, "in", ASK))
    assert CASE["one-at-a-time"].run(seen(2, *frames)).verdict == "FAIL"
    assert CASE["one-at-a-time"].run(seen(60, *frames)).verdict == "INCONCLUSIVE"


def test_waiting_for_the_right_reply() -> None:
    """Law: asking on before the right reply begins is a FAIL however late it is seen; about then, nobody knows."""
    beside = seal(b"\x63\x04\x02\x00\x00")
    early = ((0, 8, "in", ASK), (12, 20, "out", beside), (60, 68, "in", ASK), (132, 140, "out", REPLY))
    about = ((0, 8, "in", ASK), (12, 20, "out", beside), (132, 140, "out", REPLY), (134, 142, "in", ASK))
    good = ((0, 8, "in", ASK), (12, 20, "out", beside), (132, 140, "out", REPLY), (190, 198, "in", ASK))
    assert CASE["waits-on"].run(seen(10, *early)).verdict == "FAIL"
    assert CASE["waits-on"].run(seen(10, *about)).verdict == "INCONCLUSIVE"
    assert CASE["waits-on"].run(seen(10, *good)).verdict == "PASS"


def test_a_hole_is_told_only_where_it_can_be_seen() -> None:
    """Law: two halves that follow at once are no hole of the master's; with an uncertainty nothing passes."""
    half = ((0, 4, "in", ASK[:4]), (4, 8, "in", ASK[4:]))
    assert CASE["whole"].run(seen(2, *half)).verdict == "INCONCLUSIVE"
    assert CASE["whole"].run(seen(2, (0, 8, "in", ASK))).verdict == "INCONCLUSIVE"


def test_a_witness_is_a_sound_request() -> None:
    """Law: what is no frame at all passes nothing, not even the cases about checks and lengths."""
    rubbish = (0, 12, "in", bytes.fromhex("000100000006010400040001"))
    for name in ("crc-order", "crc-value", "length"):
        assert CASE[name].run(seen(0, rubbish)).verdict == "INCONCLUSIVE"


def test_a_program_on_a_pty_is_judged_and_judged_again(tmp_path: Path) -> None:
    """Law: the stage begins with the first request; the record has the wall's uncertainty, and gives the same again."""
    shown = short(tmp_path, ASK)
    run = judge_run(shown.stage, "short", uncertainty=shown.uncertainty, started="2026-01-02T03:04:05+00:00")
    verdicts = {case.id.removeprefix("rtu.mas."): case.verdict for case in run.cases}
    assert shown.opened
    assert shown.ended.good
    assert shown.uncertainty > 1 * MS
    assert (run.clock, run.uncertainty_ms) == ("wall", shown.uncertainty / 1e6)
    assert verdicts["crc-order"] == verdicts["address"] == "PASS"
    assert verdicts["goes-on-silent"] == "FAIL"  # it has left long before that
    assert run.cases[0].frames[0].at == 0
    assert from_ndjson(to_ndjson(run)) == run
    assert [(case.verdict, case.reason) for case in rejudge_cases(run)] == [(c.verdict, c.reason) for c in run.cases]


def test_another_protocol_is_told(tmp_path: Path) -> None:
    """Law: a program that speaks no Modbus RTU is neither right nor wrong; the first characters are shown."""
    run = judge_run(short(tmp_path, bytes.fromhex("000100000006010400040001")).stage, "short")
    assert {case.verdict for case in run.cases} == {"INCONCLUSIVE"}
    assert "00 01 00 00 00 06" in run.cases[0].reason
    assert [case.reason for case in rejudge_cases(run)] == [case.reason for case in run.cases]


def test_a_wrong_check_is_no_other_protocol() -> None:
    """Law: a master whose every check is wrong, or whose every request has a hole, is blamed for that."""
    for name, blamed in (("MM-01", "crc-order"), ("MM-02", "crc-value"), ("MM-04", "whole")):
        master = next(each for each in MASTERS if each.id == name)
        failed = {case.id for case in judge_run(master.play(), name).cases if case.verdict == "FAIL"}
        assert f"rtu.mas.{blamed}" in failed


def test_a_program_that_is_not_there() -> None:
    """Law: no program, no port left behind."""
    with pytest.raises(CannotStart, match="no such program"):
        run_outside(["/no/such/program", "{port}"])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--clock", "wall", "--serve", "smoke", "--", "true"], 2, "pty, tcp, rfc2217"),
        (["--clock", "virtual", "--serve", "tcp", "--", "python", "x.py"], 2, "--clock wall"),
        (["--clock", "virtual", "--", "true"], 2, "not a Python program"),
        (["--", "/no/such/program"], 2, "no such program"),
        (["--", "true"], 6, "never opened its port"),
        (["--", "sh", "-c", "exit 3"], 6, "never opened its port"),
    ],
)
def test_endings_of_the_command(words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Law: each way to judge nothing has its exit code and its sentence; a program that is no Python gets a port."""
    assert main(["check", "--master", *words]) == code
    assert said in capsys.readouterr().err


def test_a_device_takes_no_clock(capsys: pytest.CaptureFixture[str]) -> None:
    """Law: --clock and --serve without --master are wrong usage, not silently left out."""
    assert main(["check", "reference", "--emulated", "reference", "--clock", "wall"]) == 2
    assert "--master" in capsys.readouterr().err


def test_being_interrupted_ends_the_program_too(tmp_path: Path) -> None:
    """Law: Ctrl-C is exit 130, and nothing of the program is left."""
    mark = tmp_path / "pid"
    program = f'echo $$ > {mark}; exec 3<>"$0"; sleep 60'
    words = [sys.executable, "-m", "bench.cli", "check", "--master", "--", "sh", "-c", program, "{port}"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as bench:
        for _ in range(2000):
            if mark.exists() and mark.read_text().strip():
                break
            time.sleep(0.05)
        pid = int(mark.read_text())
        bench.send_signal(signal.SIGINT)
        assert bench.wait(100) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.gate
@pytest.mark.skipif(
    shutil.which("gcc") is None or not Path("/usr/include/modbus/modbus.h").exists(), reason="no gcc or no libmodbus"
)
def test_the_collector_in_c(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Law: the example in C is judged on a pty; what libmodbus is known for is found, the rest of it is not blamed."""
    program = tmp_path / "collector"
    build = ["gcc", "-std=c11", "-O1", "-o", str(program), "examples/c/collector.c", "-lmodbus"]
    subprocess.run(build, check=True)
    words = [str(program), "{port}", str(tmp_path / "records.csv"), "1-2"]
    code = main(["check", "--master", "--json", "--out", str(tmp_path / "out"), "--", *words])
    found = json.loads(capsys.readouterr().out)
    failed = {case["id"] for case in found["cases"] if case["verdict"] == "FAIL"}
    assert code == 1
    assert "rtu.mas.waits-on" in failed  # libmodbus #861
    assert failed <= {"rtu.mas.waits-on", "rtu.mas.noise-not-doubled"}
    assert found["clock"] == "wall"
    assert main(["verify", str(tmp_path / "out" / "evidence.zip")]) == 1
