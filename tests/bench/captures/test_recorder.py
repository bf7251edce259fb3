"""Recording a real line: frames out of chunks, both files whole, whatever ends the recording."""

from __future__ import annotations

import json
import os
import pty
import queue
import signal
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.captures.frames import CaptureFailed
from bench.captures.framing import MOST, Framer
from bench.captures.pcapng_reader import PcapngReader, line_bytes
from bench.captures.recorder import Recording, TapFailed, _listen, _Sink, record
from bench.captures.replay import read_recording
from bench.cli.main import main
from bench.judge.history import SealedFile
from capture_runs import ASK, IDLE, MS
from firmware_sim.burst import LineSettings
from protocol.modbus.rtu import seal

CHARACTER = LineSettings.parse("9600 8N1").duration(1)


def framer(*, modbus: bool = True, inbound: bool | None = None) -> Framer:
    return Framer(gap=4 * MS, character=CHARACTER, modbus=modbus, inbound=inbound)


@given(st.lists(st.tuples(st.integers(0, 50 * MS), st.binary(min_size=1, max_size=9)), max_size=30), st.booleans())
def test_no_character_is_lost(chunks: list[tuple[int, bytes]], modbus: bool) -> None:
    """All characters of all chunks are in the frames, in their order, each frame ending after it began."""
    cutter, at, frames = framer(modbus=modbus), 10**15, []
    for pause, data in chunks:
        at += pause
        frames += cutter.feed(at, data)
    frames += cutter.flush()
    assert b"".join(frame.data for frame in frames) == b"".join(data for _, data in chunks)
    assert all(frame.at <= frame.end for frame in frames)
    assert cutter.due() is None


def test_silence_ends_a_frame_and_chunks_do_not() -> None:
    """A frame may come in any chunks; a silence longer than the gap ends it."""
    cutter = framer(modbus=False)
    assert not list(cutter.feed(0, b"ab"))
    assert not list(cutter.feed(CHARACTER * 3, b"cde"))
    (frame,) = cutter.feed(200 * MS, b"x")
    assert frame.data == b"abcde"
    assert frame.at == -2 * CHARACTER


def test_request_and_reply_without_a_silence_are_parted() -> None:
    """An adapter that hands request and reply over in one chunk: lengths and CRC part them, and tell which is which."""
    cutter = framer()
    noise = b"\xff\x00"
    list(cutter.feed(10**12, ASK + IDLE + noise + ASK))
    frames = list(cutter.flush())
    assert [(frame.data, frame.inbound) for frame in frames] == [
        (ASK, False),
        (IDLE, True),
        (noise, None),
        (ASK, False),
    ]
    assert frames[1].at - frames[0].at == len(ASK) * CHARACTER
    assert frames[1].end == frames[2].at


def test_echoed_writes_alternate() -> None:
    """A write of one register is answered by its own bytes: the first is the request, the second the reply."""
    cutter, same = framer(), seal(bytes.fromhex("010600140001"))
    found = [frame.inbound for n in range(4) for frame in cutter.feed(n * 50 * MS, same)]
    assert [*found, *(frame.inbound for frame in cutter.flush())] == [False, True, False, True]


def test_a_line_without_silences_is_cut() -> None:
    """A babbling line does not fill the memory."""
    cutter = framer()
    frames = [frame for n in range(MOST) for frame in cutter.feed(n, b"\x55\x55")]
    assert max(len(frame.data) for frame in frames) <= MOST + 2


class Wire:
    """A terminal whose far end a test writes to."""

    def __init__(self) -> None:
        self.far, self.near = pty.openpty()
        tty.setraw(self.near)
        self.path = os.ttyname(self.near)

    def close(self) -> None:
        for number in (self.far, self.near):
            if number >= 0:
                os.close(number)
        self.far = self.near = -1


@pytest.fixture
def wires() -> Iterator[list[Wire]]:
    made = [Wire(), Wire()]
    yield made
    for wire in made:
        wire.close()


def read(path: Path):
    with path.open("rb") as file:
        reader = PcapngReader(file, str(path))
        return [
            (line_bytes(packet, reader.interfaces[packet.interface]), packet.inbound) for packet in reader.packets()
        ]


def until_read(recording: Recording, count: int) -> None:
    """Wait until so many characters have been recorded, and a silence has ended the last frame."""
    deadline, read = time.monotonic() + 60, 0
    while read < count and time.monotonic() < deadline:
        time.sleep(0.02)
        rows = [json.loads(line) for line in recording.raw.read_text("utf-8").splitlines()[1:]]
        read = sum(len(row["hex"]) // 2 for row in rows if "hex" in row)
    time.sleep(0.1)


def recorded(recording: Recording, act, *, ends_itself: bool = False) -> object:
    """Record while `act` writes to the wires, and then until something else ends it, if it does so itself."""
    stop, ready, ended = threading.Event(), threading.Event(), threading.Event()

    def play() -> None:
        try:
            assert ready.wait(60)
            act()
            if ends_itself:
                ended.wait(60)
        finally:
            stop.set()

    player = threading.Thread(target=play)
    player.start()
    try:
        return record(recording, stop, ready.set)
    finally:
        ended.set()
        player.join()


def test_two_taps_tell_the_directions(wires: list[Wire], tmp_path: Path) -> None:
    """With two taps each direction comes from its own; what was read stands in the NDJSON, sealed."""
    recording = Recording([wire.path for wire in wires], LineSettings.parse("9600 8N1"), tmp_path / "x.pcapng")

    def act() -> None:
        os.write(wires[0].far, b"ask")
        until_read(recording, 3)
        os.write(wires[1].far, b"answer")
        until_read(recording, 9)

    told = recorded(recording, act)
    assert (told.characters, told.frames, told.why) == (9, 2, "")
    assert read(recording.out) == [(b"ask", False), (b"answer", True)]
    raw = SealedFile(lambda: recording.raw.open("rb"), "raw")
    rows = [json.loads(line) for line in raw.lines()]
    assert raw.complete
    assert b"".join(bytes.fromhex(row["hex"]) for row in rows if row["tap"] == 1) == b"answer"
    assert [row["t"] for row in rows] == sorted(row["t"] for row in rows)


def test_one_tap_on_a_modbus_bus(wires: list[Wire], tmp_path: Path) -> None:
    """One tap hears both: requests and replies are told apart by their contents; noise is marked."""
    recording = Recording([wires[0].path], LineSettings.parse("9600 8N1"), tmp_path / "x.pcapng", modbus=True)

    def act() -> None:
        sent = 0
        for data in (ASK, IDLE, b"\x01\x02\x03"):
            os.write(wires[0].far, data)
            sent += len(data)
            until_read(recording, sent)

    told = recorded(recording, act)
    assert read(recording.out)[:2] == [(ASK, False), (IDLE, True)]
    assert (told.frames, told.unsound) == (3, 1)
    played = read_recording(recording.out)
    assert [(step.data, step.inbound) for step in played.steps] == [(ASK, False), (IDLE, True)]


def test_one_tap_without_a_protocol_cannot_be_replayed(wires: list[Wire], tmp_path: Path) -> None:
    """Nobody knows which way the characters went: the file says so, and a replay is refused."""
    recording = Recording([wires[0].path], LineSettings.parse("9600 8N1"), tmp_path / "x.pcapng")
    recorded(recording, lambda: (os.write(wires[0].far, ASK), until_read(recording, len(ASK))))
    assert read(recording.out) == [(ASK, None)]
    with pytest.raises(CaptureFailed, match="no packet tells which way"):
        read_recording(recording.out)


def test_a_port_that_vanishes_keeps_what_came(wires: list[Wire], tmp_path: Path) -> None:
    """A tap that is pulled out ends the recording with a reason, and both files are whole."""
    recording = Recording([wires[0].path], LineSettings.parse("9600 8N1"), tmp_path / "x.pcapng")

    def act() -> None:
        os.write(wires[0].far, b"last words")
        until_read(recording, 10)
        wires[0].close()

    told = recorded(recording, act, ends_itself=True)
    assert "is gone" in told.why
    assert read(recording.out) == [(b"last words", None)]


def test_what_was_read_when_it_ended_is_kept(tmp_path: Path) -> None:
    """Characters that a tap had read, and nobody had looked at when the recording was ended, are in both files."""
    recording = Recording(["a", "b"], LineSettings.parse("9600 8N1"), tmp_path / "x.pcapng")
    found: queue.Queue[object] = queue.Queue()
    for item in ((0, 10**15, b"ask"), (1, 10**15 + 50 * MS, b"answer"), (0, 10**15 + 90 * MS, "pulled out")):
        found.put(item)
    stop = threading.Event()
    stop.set()
    framers = [framer(modbus=False, inbound=inbound) for inbound in (False, True)]
    with recording.out.open("wb") as out:
        sink = _Sink(recording, out)
        taps = [SimpleNamespace(url=url) for url in recording.ports]
        _listen(recording, stop, found, framers, sink, taps)
        for one in framers:
            for frame in one.flush():
                sink.frame(frame)
        sink.close()
    assert (sink.told.characters, sink.told.frames, sink.told.why) == (9, 2, "a is gone: pulled out")
    assert read(recording.out) == [(b"ask", False), (b"answer", True)]


def test_a_port_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that cannot be opened is exit 4, before any file is made."""
    recording = Recording(["/dev/nowhere"], LineSettings.parse("9600 8N1"), tmp_path / "x.pcapng")
    with pytest.raises(TapFailed, match="/dev/nowhere"):
        record(recording, threading.Event())
    assert not list(tmp_path.iterdir())
    assert main(["capture", "/dev/nowhere", "--baud", "9600", "--out", str(recording.out)]) == 4
    assert main(["capture", "/dev/nowhere"]) == 2
    assert "--baud and --out" in capsys.readouterr().err
    assert main(["capture", "/dev/nowhere", "--baud", "9600", "--format", "9X1", "--out", str(recording.out)]) == 2


def test_the_file_cannot_be_made(wires: list[Wire]) -> None:
    """A folder that is not there is exit 3, and the port is given back."""
    arguments = ["capture", wires[0].path, "--baud", "9600", "--out", "/nowhere/x.pcapng", "--seconds", "1"]
    assert main(arguments) == 3


def test_ctrl_c_ends_it_well(wires: list[Wire], tmp_path: Path) -> None:
    """An interrupt ends a recording with exit 0 and whole files."""
    out = tmp_path / "x.pcapng"
    command = [sys.executable, "-m", "bench.cli", "capture", wires[0].path, "--baud", "9600", "--out", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert "Recording" in process.stderr.readline()
        os.write(wires[0].far, b"hello")
        until_read(Recording([wires[0].path], LineSettings.parse("9600 8N1"), out), 5)
        process.send_signal(signal.SIGINT)
        printed, complaint = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, complaint
    assert "5 characters, 1 frames" in printed
    assert read(out) == [(b"hello", None)]
