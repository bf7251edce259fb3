"""Frames in words, one line each."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.clock.clockwork import Clockwork
from bench.run.rig import Rig
from bench.scenario.load import load
from bench.testing.decode import Decoder
from bench.testing.traffic import Frame
from protocol.modbus.rtu import seal

NS = 1_000_000_000
SMALL = Path(__file__).parents[2] / "support" / "small.toml"


@pytest.fixture(scope="module")
def decoder():
    return Decoder(Rig(load(SMALL), Clockwork(0)))


def frame(by: str, text: str, line: str = "keypads", at: int = 0, flaws: int = 0) -> Frame:
    return Frame(at, line, by, seal(bytes.fromhex(text)), flaws, at + 1)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("01 04 0004 0001", "keypad-1: read waiting"),
        ("01 04 0100 0008", "keypad-1: read events"),
        ("01 04 0000 0002", "keypad-1: read mark, version"),
        ("02 04 0000 000C", "keypad-2: read mark .. keys"),
        ("02 03 0030 0001", "keypad-2: read unit"),
        ("02 04 00F0 0002", "keypad-2: read 0x00F0 x 2"),
        ("02 06 0011 00C8", "keypad-2: write buzzer = 200"),
        ("01 10 0000 0002 04 0001 0007", "keypad-1: write acknowledge = 1, 7"),
        ("07 04 0004 0001", "unit 7: read 0x0004"),
        ("00 06 0011 00C8", "everybody: write buzzer = 200"),
        ("01 18 0100", "keypad-1: read FIFO queue"),
    ],
)
def test_requests_are_read_by_the_names_of_registers(decoder, text, meaning):
    """A request says who is asked what; registers that the device's map has are named, others are addresses."""
    assert decoder.meaning(frame("port", text)) == meaning


@pytest.mark.parametrize(
    ("request_", "reply", "meaning"),
    [
        ("01 04 0004 0001", "01 04 02 0003", "keypad-1: waiting = 3"),
        (
            "01 04 0100 0008",
            "01 04 10 0001 0002 0505 67CE 5F10 0000 0007 0009",
            "keypad-1: events = key 5 (epoch 1, seq 2)",
        ),
        ("01 04 0100 0008", "01 04 10" + "FFFF" * 8, "keypad-1: events = none"),
        ("01 10 0000 0002 04 0001 0007", "01 10 0000 0002", "keypad-1: written"),
        ("01 04 0200 0001", "01 84 02", "keypad-1 refuses to read input registers: exception 02, illegal data address"),
        (None, "01 04 02 0003", "keypad-1: registers = 3"),
    ],
)
def test_replies_are_read_with_their_requests(decoder, request_, reply, meaning):
    """A reply names the registers that were asked for; without its request it tells the bare values."""
    asked = None if request_ is None else seal(bytes.fromhex(request_))
    assert decoder.meaning(frame("slaves", reply), asked) == meaning


def test_a_bad_crc_is_told_with_the_good_one(decoder):
    """A damaged frame says what its CRC should have been, and is not read any further."""
    damaged = Frame(0, "keypads", "port", bytes.fromhex("01 04 00 04 00 01 70 0C"), 1, 1)
    meaning = decoder.meaning(damaged)

    assert meaning.startswith("keypad-1? bad CRC 70 0C")
    assert "70 0B" in meaning
    assert meaning.endswith("[1 damaged]")


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x01\x04\x00", bytes(300)])
def test_anything_can_be_read(decoder, data):
    """Whatever the characters are, there is a line for them and nothing raises."""
    for line in ("keypads", "ticket", "unheard of"):
        assert isinstance(decoder.meaning(Frame(0, line, "port", data, 0, 1)), str)


def test_a_printer_is_read_by_its_commands(decoder):
    """What goes to a ticket printer is told as its commands and its text."""
    sent = Frame(0, "ticket", "house", b"\x1b@Hello\n\x1dVA\x00", 0, 1)
    assert decoder.meaning(sent).startswith("ESC @, 'Hello', LF")


def test_repeated_polls_are_told_once(decoder):
    """A poll that gets the same answer again is counted, not shown; whatever differs is shown."""
    frames = []
    for n in range(10):
        frames.append(frame("port", "01 04 0004 0001", at=2 * n * NS))
        frames.append(frame("slaves", "01 04 02 0000" if n < 9 else "01 04 02 0001", at=(2 * n + 1) * NS))
    lines = decoder.lines(frames)

    assert len(lines) == 5
    assert lines[0].startswith("00:00:00.000  keypads  > 01 04 00 04 00 01 70 0B")
    assert lines[2].strip() == "... 16 frames as before"
    assert lines[4].endswith("keypad-1: waiting = 1")


def test_no_more_lines_than_asked_for(decoder):
    """The last lines are those that are shown."""
    frames = [frame("port", f"01 04 {n:04X} 0001", at=n) for n in range(1000, 1100)]
    lines = decoder.lines(frames, 40)

    assert len(lines) == 40
    assert lines[-1].endswith(f"read 0x{1099:04X}")
