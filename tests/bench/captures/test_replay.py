"""A recording plays as a device: the same answers after the same times, and where a master deviates."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import serial
from hypothesis import given
from hypothesis import strategies as st

from bench.captures.export import write_wire
from bench.captures.frames import CaptureFailed
from bench.captures.pcapng import PcapngWriter
from bench.captures.replay import _stage, read_recording
from bench.captures.replayed_device import RecordedDevice, steps_of
from bench.cli.main import main
from bench.clock.clockwork import Clockwork
from capture_runs import ASK, IDLE, MS, NEWS, SETTINGS, polls, run_dir
from firmware_sim.device import Note, Send
from firmware_sim.line import Line
from protocol.modbus.rtu import seal

WRITE = seal(bytes.fromhex("010600140007"))
OTHER = seal(bytes.fromhex("010400000001"))


class Master:
    """A collector's end that sends what a test says and keeps what it hears."""

    name = "port"
    watch = None

    def __init__(self) -> None:
        self.heard: list[tuple[int, bytes]] = []

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Any) -> tuple[()]:
        self.heard.append((first, data))
        return ()

    def wake(self, now: int, tag: str) -> tuple[()]:
        return ()


class Bench:
    """A line with a recording on it, in simulated time."""

    def __init__(self, folder: Path, model: str | None = None) -> None:
        self.clock = Clockwork(0)
        self.line: Line
        self.line, self.device, self.gate = _stage(read_recording(folder), model, self.clock)
        self.notes: list[dict[str, Any]] = []
        self.line.on_note(
            lambda _name, _at, note: self.notes.append(dict(note.facts)) if note.kind == "deviated" else None
        )
        self.master = Master()
        self.line.attach_master(self.master)
        self.line.apply(self.device, self.device.start(0))
        self.clock.advance_to(2000 * MS)

    def ask(self, data: bytes, wait: int = 300) -> list[bytes]:
        self.master.heard.clear()
        self.asked = self.clock.now + SETTINGS.duration(len(data))
        self.line.transmit(self.line.master, data)
        self.clock.advance_to(self.clock.now + wait * MS)
        return [heard for _, heard in self.master.heard]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bursts = [
        *polls(2),
        (200, "house/keypads", WRITE),
        (240, "slaves", WRITE),
        *polls(1, reply=NEWS, start=300),
    ]
    return run_dir(tmp_path / "run", bursts, evidence="full")


def test_same_requests_same_answers_same_times(folder: Path) -> None:
    """A master that does as the recorded one gets the same answers, each as long after its request as then."""
    bench = Bench(folder)
    for request, answer, start in ((ASK, IDLE, 20), (ASK, IDLE, 20), (WRITE, WRITE, 40), (ASK, NEWS, 20)):
        assert bench.ask(request) == [answer]
        first = bench.master.heard[0][0]
        assert first - bench.asked == start * MS - SETTINGS.duration(len(request))
    assert (bench.device.answered, bench.device.deviations, bench.notes) == (4, 0, [])


def test_deviation_says_where(folder: Path) -> None:
    """What was expected, its frame number and what came are told; a request nobody recorded is not answered."""
    bench = Bench(folder)
    assert bench.ask(ASK) == [IDLE]
    assert bench.ask(OTHER) == []
    assert bench.notes == [
        {"frame": 3, "expected": ASK.hex(), "came": OTHER.hex(), "as": None, "stays": True},
    ]
    assert bench.ask(ASK) == [IDLE], "the script stays where it was"


def test_other_order_is_answered_too(folder: Path) -> None:
    """A request left out moves the script on; one repeated is answered as before and the script stays."""
    bench = Bench(folder)
    assert bench.ask(WRITE) == [WRITE]
    assert [(note["frame"], note["as"], note["stays"]) for note in bench.notes] == [(1, 5, False)]
    assert bench.ask(WRITE) == [WRITE]
    assert [(note["frame"], note["as"], note["stays"]) for note in bench.notes[1:]] == [(7, 5, True)]
    assert bench.ask(ASK) == [NEWS]
    assert bench.ask(ASK) == [NEWS], "after the end: as it was last"
    assert bench.notes[-1]["frame"] is None


def test_request_in_pieces_and_its_rest_missing(folder: Path) -> None:
    """A request may come in pieces; the half of one is a deviation when its rest does not come."""
    bench = Bench(folder)
    assert bench.ask(ASK[:3], wait=5) == []
    assert bench.ask(ASK[3:]) == [IDLE]
    assert bench.ask(ASK[:3]) == []
    assert [note["came"] for note in bench.notes] == [ASK[:3].hex()]
    assert bench.ask(ASK) == [IDLE]


def test_model_answers_what_is_not_recorded(folder: Path) -> None:
    """With a model its devices answer the requests that nobody recorded, and only those."""
    bench = Bench(folder, "tan_hoi")
    assert bench.ask(ASK) == [IDLE]
    assert bench.ask(OTHER) == [seal(bytes.fromhex("010402524b"))]
    assert bench.ask(ASK) == [IDLE]
    assert bench.gate.answers == 1
    assert len(bench.notes) == 1


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=8), st.booleans()), max_size=12),
    st.lists(st.binary(min_size=1, max_size=8), max_size=12),
)
def test_any_recording_and_any_master(script: list[tuple[bytes, bool]], sent: list[bytes]) -> None:
    """Whatever was recorded and whatever comes, the device answers or notes: it never fails, and counts right."""
    steps = steps_of((n, n * MS, n * MS, data, inbound) for n, (data, inbound) in enumerate(script, 1))
    device = RecordedDevice("recording", steps)
    noted = 0
    now = 0
    for data in sent:
        now += 1000 * MS
        effects = [*device.wake(now, "rest of the request"), *device.hear(now, data, now, now, None)]
        noted += sum(isinstance(effect, Note) for effect in effects)
        assert all(effect.after >= 0 for effect in effects if isinstance(effect, Send))
    assert noted == device.deviations


def test_a_capture_file_plays_as_its_run_does(folder: Path) -> None:
    """A pcapng plays as its run does."""
    path = write_wire(folder)
    assert path is not None
    assert read_recording(path).steps == read_recording(folder).steps
    assert read_recording(path, settings="19200 8N1").settings.baud == 19200


def test_recordings_that_cannot_play(tmp_path: Path, folder: Path) -> None:
    """No such line, several lines, no settings, no direction, no file: each is told."""
    path = tmp_path / "x.pcapng"
    with path.open("wb") as file:
        writer = PcapngWriter(file, tool="t")
        a, b = writer.add_interface("a"), writer.add_interface("../b")
        writer.packet(a, 1, b"x", inbound=True)
        writer.packet(b, 2, b"y", inbound=True)
    for given_, told in (
        ({"line": "c"}, "no frame of line c; there are: a, ../b"),
        ({}, "several lines"),
        ({"line": "a"}, "--settings"),
        ({"line": "a", "settings": "fast"}, "9600 8N1"),
    ):
        with pytest.raises(CaptureFailed, match=told):
            read_recording(path, **given_)
    with pytest.raises(CaptureFailed, match="cannot be read"):
        read_recording(tmp_path / "none.pcapng")
    with pytest.raises(CaptureFailed, match="choose one of its lines"):
        read_recording(folder, line="nowhere")
    assert read_recording(path, line="../b", settings="9600 8N1").line == "../b"
    assert main(["capture", "--replay", str(path)]) == 3
    assert main(["capture", "--replay", str(path), "runs"]) == 2
    assert main(["capture"]) == 2


def test_a_recording_from_elsewhere_is_told_in_print(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A file that somebody sent: its line's name names no other folder, and no escape of it reaches the terminal."""
    path = tmp_path / "sent.pcapng"
    name = "\x1b]0;pwn\x07\x1b[2J\u202e../../x"
    with path.open("wb") as file:
        writer = PcapngWriter(file, tool="t")
        line = writer.add_interface(name)
        writer.packet(line, 1, ASK, inbound=False)
        writer.packet(line, 9_000_000, IDLE, inbound=True)
    ports = tmp_path / "a" / "ports"
    given_ = ["--settings", "9600 8N1", "--ports", str(ports), "--seconds", "0.1"]
    assert main(["capture", "--replay", str(path), *given_]) == 0
    told = "".join(capfd.readouterr())
    assert "2 frames of line \\x1b]0;pwn\\x07\\x1b[2J\\u202e../../x" in told
    assert all(char.isprintable() or char == "\n" for char in told)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "sent.pcapng"]


def test_a_replay_stands_on_a_port_and_takes_it_away(folder: Path, tmp_path: Path) -> None:
    """`hallbench capture --replay` puts it on a device file that any program opens; the file goes with it."""
    command = [
        sys.executable,
        "-m",
        "bench.cli",
        "capture",
        "--replay",
        str(folder),
        "--ports",
        str(tmp_path / "ports"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        path = tmp_path / "ports" / "keypads"
        assert str(path) in line
        with serial.Serial(str(path), 9600, parity="E", timeout=60) as port:
            port.write(ASK)
            assert port.read(len(IDLE)) == IDLE
            port.timeout = 0.3
            port.write(OTHER)
            assert port.read(1) == b""
        assert process.stderr is not None
        complaint = process.stderr.readline()  # told when it was heard
        process.terminate()
        printed, more = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, complaint + more
    assert "1 requests answered as recorded, 1 deviations" in printed
    assert f"expected frame 3 ({ASK.hex().upper()}), came {OTHER.hex().upper()}" in complaint
    assert not os.path.lexists(path)
