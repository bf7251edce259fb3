"""LED-485 displays written to in ASCII, beside Modbus on the same line."""

from __future__ import annotations

import pytest

from board_bench import NS, Bench
from firmware_sim.burst import LineSettings
from firmware_sim.devices.ascii_display import FIRMWARE, AsciiStation
from firmware_sim.devices.counter_display import CounterDisplay
from firmware_sim.modbus_line import ModbusLine
from protocol.led485_ascii import query, show
from protocol.modbus.maps import words_of
from protocol.modbus.requests import write_registers


def bench(units: tuple[int, ...] = (1, 2)) -> tuple[Bench, dict[int, CounterDisplay]]:
    station = ModbusLine("slaves", LineSettings())
    made = Bench(station, "9600 8N1", "half")
    ears = AsciiStation()
    made.line.attach(ears)
    displays = {unit: CounterDisplay(f"display-{unit}", digits=4) for unit in units}
    for unit, display in displays.items():
        station.attach(display, unit)
        ears.attach(display)
    return made, displays


def test_a_text_is_shown_on_its_unit() -> None:
    """`$001,8.8.8.8.#` (protocols.md 1.4 [C]); nobody answers, the other display stays dark."""
    made, displays = bench()
    assert made.send(show(1, "8.8.8.8.")) == b""
    assert (displays[1].text, displays[2].text) == ("8.8.8.8.", "")
    assert [(device, note.facts["text"]) for _, device, note in made.notes] == [("display-1", "8.8.8.8.")]


def test_model_and_version() -> None:
    """`02&` and `03&` are answered by bare characters; 01 shows YES; other codes are not answered."""
    made, displays = bench()
    assert made.send(query(2, "02")) == b"LED-485-054"
    assert made.send(query(2, "03")) == FIRMWARE.encode()
    assert made.send(query(2, "77")) == b""
    assert made.send(query(9, "02")) == b""
    assert made.send(query(1, "01")) == b""
    assert displays[1].text == "YES"


def test_both_languages_on_one_line() -> None:
    """As the vendor's own test uses them: ASCII, then Modbus, then ASCII, each is shown."""
    made, displays = bench()
    made.send(show(1, "A001"))
    assert displays[1].text == "A001"
    made.send(write_registers(1, 0x70, words_of(b"B002")))
    assert displays[1].text == "B002"
    made.send(show(1, "C003"))
    assert displays[1].text == "C003"


def test_a_frame_in_pieces_and_one_that_stops() -> None:
    """Pieces within 100 ms are one frame; after a longer silence the rest is nothing."""
    made, displays = bench()
    made.send(b"$001,A0", 0.05)
    made.send(b"01#")
    assert displays[1].text == "A001"
    made.send(b"$001,B0", 0.5)
    made.send(b"02#")
    assert displays[1].text == "A001"
    made.send(show(1, "C003"))
    assert displays[1].text == "C003"


def test_a_damaged_frame_is_passed_over() -> None:
    """A framing error in it: nothing is shown."""
    made, displays = bench()
    ears = made.line.devices[1]
    assert list(ears.hear(made.now, show(1, "A001"), 0, NS, {6: 2})) == []
    assert displays[1].text == ""


def test_without_supply_nothing_is_heard() -> None:
    """Neither shown nor answered; after power-up it is."""
    made, displays = bench()
    made.line.apply(made.board, made.board.relabel(displays[1], displays[1].unplug(made.now)))
    assert made.send(show(1, "A001")) == made.send(query(1, "02")) == b""
    made.line.apply(made.board, made.board.relabel(displays[1], displays[1].plug_in(made.now)))
    made.run(1)
    made.send(show(1, "A001"))
    assert displays[1].text == "A001"


@pytest.mark.parametrize("noise", [b"$", b"$001", b"\x00\xff$001,", b"#&#&", b"$001,ABCDEFGHIJKLMNOPQRSTUVWXYZ" * 3])
def test_noise_and_then_a_text(noise: bytes) -> None:
    """After anything at all the next text is shown."""
    made, displays = bench()
    made.send(noise, 0.01)
    made.send(show(1, "A001"))
    assert displays[1].text == "A001"
