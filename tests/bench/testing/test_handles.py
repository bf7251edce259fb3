"""What a test can do to a device by its handle, and what it sees of it."""

from __future__ import annotations

import time

import pytest
import serial

from bench.run.rig import NoSuchDevice
from bench.testing import NotSeen
from protocol.modbus.rtu import seal


def kinds(device) -> list[str]:
    """Kinds of the notes of a device."""
    return [told.kind for told in device.notes()]


def test_a_device_is_found_by_its_name_too(small):
    """In place of a counter stands a name; one that no such device has is told with those there are."""
    h = small()
    keypad = h.keypad("keypad-2")
    assert (repr(keypad), keypad.name) == ("<rating_keypad keypad-2>", h.keypad(2).name)
    assert (repr(keypad.line), keypad.line.port) == ("<line keypads>", h.ports["keypads"])
    with pytest.raises(NoSuchDevice, match="there is no rating_keypad 'console-1'; there are: keypad-1, keypad-2"):
        h.keypad("console-1")


def test_every_action_of_the_model_is_a_method(small):
    """What people can do to a device needs no method of ours; a name of Python's own is no action."""
    h = small()
    keypad = h.keypad(1)
    keypad.tamper(True)
    assert keypad.notes("tamper")[0].facts == {"on": True}
    assert not hasattr(keypad, "_tamper")


def test_a_clerk_comes_to_a_keypad_and_goes(small):
    """Card on, card off: the keypad says who is there."""
    h = small()
    h.keypad(1).log_in(7)
    h.run_for(1)
    h.keypad(1).log_out()
    assert [told.facts["clerk"] for told in h.keypad(1).notes("login")] == [7, 0]


def test_the_lamps_that_are_lit(small):
    """What the program writes to the lamps is seen on the keypad, and so is the lamp that answers a press."""
    h = small()
    assert h.keypad(1).lamps == 0
    with serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2) as port:
        port.write(seal(bytes.fromhex("01 06 0010 8001")))
        port.read(8)
    h.keypad(1).press(3)
    h.run_for(0.06)
    assert h.keypad(1).lamps == 0x8005
    h.run_for(2)
    assert h.keypad(1).lamps == 0x8001


def test_the_keys_of_a_console_by_their_names(small):
    """Call, call again, not there, served: the house serves them, and the main board shows who is called."""
    h = small()
    h.kiosk().press(1)
    h.wait_for("printed", timeout=10)
    h.run_for(5)
    h.kiosk().press(1)
    h.wait_for("printed", timeout=10)
    console = h.console(1)
    console.log_in(1)
    h.run_for(5)
    console.next()
    h.run_for(5)
    assert h.board().texts == ("A001 -> 1", "")
    for step in (console.recall, console.no_show, console.next):
        step()
        h.run_for(5)
    assert h.board().text.startswith("A002 -> 1")
    console.done()
    h.run_for(5)
    assert [told.facts["value"] for told in console.notes("key")] == [8, 1, 2, 3, 1, 7]
    assert [row["ticket"] for row in h.rows.calls] == ["A001", "A002"]


def test_what_a_person_does_to_a_printer(small):
    """Cover up and down, a new roll of so many metres, tickets taken: the printer tells each."""
    h = small()
    h.run_for(1)
    printer = h.printer()
    printer.open_cover()
    h.run_for(1)
    printer.close_cover()
    printer.load_paper(30)
    h.kiosk().press(1)
    h.wait_for("printed", timeout=20)
    h.run_for(1)
    printer.take_paper()
    assert [told.facts["open"] for told in printer.notes("cover")] == [True, False]
    assert 29_000 < printer.left_mm < 30_000
    assert printer.notes("taken")[0].facts == {"tickets": 1}


def test_a_frame_of_somebody_else_is_told_as_such(small):
    """A frame with the right fields from the wrong side is no hit: the error says whose it was; silence is told."""
    h = small()
    h.run_for(3)
    with pytest.raises(NotSeen, match=r"closest of \d+ frames.*it came from house/hall"):
        h.line("hall").expect(unit=41, function=4, address=2, within=2)
    with pytest.raises(NotSeen, match="no frame went over the line in that time"):
        h.line("keypads").expect(unit=1, within=2)


def test_a_frame_that_is_damaged_has_no_fields(small):
    """A request with a bad CRC is never the one that is expected; where no field is asked for, it is a frame."""
    h = small()

    def broken() -> None:
        with serial.Serial("/dev/ttyUSB0", 9600) as port:
            for _ in range(2):
                time.sleep(1)
                port.write(bytes.fromhex("01 04 00 04 00 01 0B 70"))

    h.start(broken)
    with pytest.raises(NotSeen, match="it is damaged"):
        h.line("keypads").expect(unit=1, within=1.5)
    assert h.line("keypads").expect(within=2).data.endswith(b"\x0b\x70")
