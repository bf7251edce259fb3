"""Near misses: each way in which collectors go wrong is seen in the traffic and told in a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import serial

from bench.testing.nearmiss import MOST, near_misses
from protocol.modbus.rtu import seal


def told(h) -> list[str]:
    return near_misses(h.tape, h.decoder, program_lines=frozenset(h.plan.outside))


@pytest.fixture
def scene(small) -> Callable[..., list[str]]:
    """Press key 5 of keypad 1, say these things on the line, and hear what is told."""

    def play(*says: str, raw: bytes = b"") -> list[str]:
        h = small()
        h.keypad(1).press(5)
        with serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2) as port:
            for text in says:
                port.write(seal(bytes.fromhex(text)))
                port.read(64)
                time.sleep(0.02)
            if raw:
                port.write(raw)
                port.read(64)
        return told(h)

    return play


def test_nothing_to_tell(small):
    """A hall in which nothing went wrong has no near misses."""
    h = small()
    h.run_for(5)
    assert told(h) == []


def test_a_press_that_nobody_asked_for(scene):
    """A keypad that was not asked since the press."""
    (sentence,) = scene()
    assert sentence.startswith("keypad-1: key 5, pressed at 08:10:00.000 (epoch 1, seq 0), was not read: ")
    assert sentence.endswith("the keypad has not been asked since, nor ever before")


def test_a_press_whose_keypad_was_asked_for_something_else(scene):
    """A keypad that was asked, but not for its events."""
    assert (
        "was not read: the keypad was asked 2 times since and answered 2 times, but nobody read its events"
        in (scene("01 04 0004 0001", "01 04 0000 0002")[0])
    )


def test_read_and_not_acknowledged(scene):
    """A press that was read in an intact reply and never acknowledged."""
    (sentence,) = scene("01 04 0100 0008")
    assert sentence.startswith("keypad-1: key 5, pressed at 08:10:00.000 (epoch 1, seq 0), was read at 08:10:00.0")
    assert sentence.endswith("the reply was intact, and it was not acknowledged")


def test_an_acknowledgement_of_the_wrong_event(scene):
    """An acknowledgement that names another event is refused by the keypad, and told with what it named."""
    first = scene("01 04 0100 0008", "01 10 0000 0002 04 0002 0000")[0]
    assert "the acknowledgement at" in first
    assert "named (epoch, seq) (2, 0), and was refused" in first


def test_a_bad_crc(scene):
    """A request whose CRC is wrong is told with the right one."""
    assert any(
        "has a bad CRC, so no device answers; of these characters it is 70 0B" in sentence
        for sentence in scene(raw=bytes.fromhex("01 04 00 04 00 01 0B 70"))
    )


def test_a_refused_request(scene):
    """An exception is told with the device, the reason and the request."""
    assert any(
        sentence.endswith("(exception 02, illegal data address): keypad-1: read 0x0200")
        for sentence in scene("01 04 0200 0001")
    )


def test_a_unit_that_is_not_there(scene):
    """A request to a unit that no device has is told with those there are, and on which line the unit is."""
    first = scene("15 04 0000 0001")[0]
    assert "unit 21 was asked at 08:10:00.000 (read input registers) and there is none: the units are 1, 2" in first
    assert first.endswith("unit 21 is on line hall")


def test_an_unplugged_device(small):
    """A device that exists and did not answer is told with the reason when that is known."""
    h = small()
    h.device("keypad-2").unplug()
    with serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2) as port:
        port.write(seal(bytes.fromhex("02 04 0004 0001")))
        port.read(7)
    assert told(h) == ["keypad-2 did not answer at 08:10:00.000 (it is unplugged): keypad-2: read waiting"]


def test_a_damaged_reply(small):
    """A press that was in a reply which was damaged on its way."""
    h = small()
    h.keypad(1).press(5)
    h.fault("bit_flip", byte=-1)
    with serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2) as port:
        port.write(seal(bytes.fromhex("01 04 0100 0008")))
        port.read(21)
    assert "was in the reply at 08:10:00.0" in told(h)[0]
    assert told(h)[0].endswith("which was damaged on its way")


def test_keys_that_did_not_count(small):
    """A key that was pressed and did not count is told with the keypad's reason."""
    h = small()
    h.keypad(1).press(5)
    h.run_for(0.04)
    h.keypad(1).press(4)
    assert told(h)[-1] == (
        "keypad-1: key 4 at 08:10:00.040 did not count: another key went down less than 50 ms before"
    )


def test_an_overflow_comes_first(small):
    """A dropped press is the most telling; no more than a few sentences are told."""
    h = small()
    for _ in range(70):
        h.keypad(1).press(5)
        h.run_for(0.1)
    h.expect_loss()
    sentences = told(h)
    assert len(sentences) == MOST
    assert "was dropped by the keypad's full queue" in sentences[0]


def test_an_acknowledgement_of_the_wrong_event_that_nobody_answered(small):
    """Whether the keypad refused it or its answer was lost: what was named is told."""
    h = small()
    h.keypad(1).press(5)
    h.fault("lose", where="reply")
    with serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2) as port:
        port.write(seal(bytes.fromhex("01 10 0000 0002 04 0002 0000")))
        port.read(64)
    assert told(h)[0].startswith("keypad-1: key 5, pressed at 08:10:00.000 (epoch 1, seq 0), waits: the ")
    assert told(h)[0].endswith(" named (2, 0)")


def test_presses_on_lines_of_others_are_no_matter(small):
    """A press that the house has to fetch is not the program's to miss."""
    h = small(house=False)
    h.console(1).press(1)
    h.run_for(1)
    assert [press.device for press in h.tape.waiting()] == ["console-1"]
    assert told(h) == []
