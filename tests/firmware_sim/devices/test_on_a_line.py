"""The devices on a Modbus line: real frames, real instants, the checks of the station before theirs."""

from __future__ import annotations

from typing import Any

import pytest

from firmware_sim.burst import LineSettings
from firmware_sim.devices.clerk_console import ClerkConsole
from firmware_sim.devices.counter_display import CounterDisplay
from firmware_sim.devices.kiosk_button import KioskButton
from firmware_sim.devices.main_board import MainBoard
from firmware_sim.devices.rating_keypad import RatingKeypad
from firmware_sim.line import Line
from firmware_sim.modbus_line import ModbusLine
from protocol.modbus import requests
from protocol.modbus.maps import words_of
from protocol.modbus.maps.reference_keypad import Event
from protocol.modbus.rtu import seal
from slave_host import MS, SECOND
from timers import Loop, PortStub

UNITS = {"keypad": 5, "console": 6, "kiosk": 7, "display": 8, "board": 9}


class Bus:
    """A line with one device of each kind, and a port that asks."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.line = Line("bus", self.loop, LineSettings())
        self.station = ModbusLine("slaves", self.line.settings)
        self.line.attach(self.station)
        self.port = PortStub(self.line.settings)
        self.line.attach_port(self.port)
        self.notes: list[tuple[str, str, dict[str, Any]]] = []
        self.line.on_note(lambda name, _t, note: self.notes.append((name, note.kind, dict(note.facts))))
        self.devices: dict[str, Any] = {
            "keypad": RatingKeypad("keypad"),
            "console": ClerkConsole("console"),
            "kiosk": KioskButton("kiosk"),
            "display": CounterDisplay("display"),
            "board": MainBoard("board"),
        }
        for name, device in self.devices.items():
            self.station.attach(device, UNITS[name])

    def send(self, frame: bytes, wait: int = 200 * MS) -> bytes:
        """Send a frame and hear what comes within a time."""
        before = len(self.port.bursts)
        self.line.transmit(self.line.master, frame)
        self.loop.run(self.loop.now + wait)
        return b"".join(burst.data for burst in self.port.bursts[before:])

    def ask(self, frame: bytes) -> requests.Reply:
        return requests.parse_reply(frame, self.send(frame))

    def human(self, name: str, action: str, *args: Any) -> None:
        device = self.devices[name]
        effects = getattr(device, action)(self.loop.now, *args)
        self.line.apply(self.station, self.station.relabel(device, effects))

    def wait(self, duration: int) -> None:
        self.loop.run(self.loop.now + duration)

    def kinds(self, name: str) -> list[str]:
        return [kind for device, kind, _ in self.notes if device == name]


@pytest.fixture
def bus() -> Bus:
    return Bus()


def test_a_rating_is_read_stored_and_acknowledged(bus: Bus):
    """Press, status, block, acknowledge: as a collector does it, in real frames."""
    bus.human("keypad", "press", 5)
    assert bus.ask(requests.read_registers(5, 0x04, 0x0004, 1)).values == (1,)
    reply = bus.ask(requests.read_registers(5, 0x04, 0x0100, 8))
    event = Event.parse(reply.values)
    assert event is not None
    assert (event.epoch, event.sequence, event.value) == (1, 0, 5)
    assert bus.ask(requests.read_fifo(5, 0x0100)).values == (0x0005,)
    assert bus.ask(requests.write_registers(5, 0x0000, (1, 0))).exception is None
    assert bus.ask(requests.read_registers(5, 0x04, 0x0004, 1)).values == (0,)
    assert bus.ask(requests.read_fifo(5, 0x0100)).values == ()
    assert bus.kinds("keypad") == ["press", "ack"]


def test_a_lost_reply_costs_nothing(bus: Bus):
    """The same read and the same acknowledgement again give the same (KP-04: never the next event)."""
    for key in (1, 2):
        bus.human("keypad", "press", key)
        bus.wait(SECOND)
    read = requests.read_registers(5, 0x04, 0x0100, 16)
    assert bus.send(read) == bus.send(read)
    acknowledge = requests.write_registers(5, 0x0000, (1, 0))
    assert bus.send(acknowledge) == bus.send(acknowledge)
    assert [Event.parse(bus.ask(requests.read_registers(5, 0x04, 0x0100, 8)).values)[1]] == [1]


def test_a_spoilt_acknowledgement_frees_nothing(bus: Bus):
    """A frame with a bad CRC has no effect on the queue (mutants MB-03, MB-26)."""
    bus.human("keypad", "press", 3)
    good = requests.write_registers(5, 0x0000, (1, 0))
    assert bus.send(good[:-1] + bytes([good[-1] ^ 1])) == b""
    assert bus.ask(requests.read_registers(5, 0x04, 0x0004, 1)).values == (1,)


@pytest.mark.parametrize(
    ("frame", "exception"),
    [
        (requests.read_bits(5, 0x01, 0, 1), 0x01),
        (requests.mask_write(5, 0x0010, 0xFFFF, 0), 0x01),
        (requests.server_id(5), 0x01),
        (requests.read_registers(5, 0x04, 0x000C, 1), 0x02),
        (requests.read_registers(5, 0x03, 0x0002, 2), 0x02),
        (requests.read_fifo(5, 0x0000), 0x02),
        (requests.write_register(5, 0x0040, 0), 0x02),
        (requests.write_register(5, 0x0000, 1), 0x03),
        (requests.write_registers(5, 0x0000, (1, 9)), 0x03),
        (seal(bytes((5, 0x04, 0x01, 0x00, 0x00, 0x7E))), 0x03),
        (requests.read_registers(8, 0x04, 0, 1), 0x01),
        (requests.read_registers(8, 0x03, 0x0070, 1), 0x02),
        (requests.write_registers(8, 0x0070, (0x0101,)), 0x03),
        (requests.write_registers(9, 3000, (0x4141,)), 0x02),
        (requests.write_register(6, 0x0015, 1), 0x02),
        (requests.write_register(7, 0x0014, 1), 0x02),
    ],
)
def test_everything_else_answers_the_right_exception(bus: Bus, frame: bytes, exception: int):
    """Function 01, value 03, address 02, in the document's order."""
    assert bus.ask(frame).exception == exception


def test_identification_is_basic_and_each_device_has_its_own(bus: Bus):
    """FC 0x2B/0x0E on keypad, console and kiosk: vendor, product code, revision."""
    for name, product in (("keypad", b"RK-1"), ("console", b"RK-1 CC"), ("kiosk", b"RK-1 KB")):
        objects = requests.device_objects(bus.ask(requests.device_id(UNITS[name]))).objects
        assert objects == {0: b"hallbench", 1: product, 2: b"1.0"}


def test_a_reboot_answers_first_and_is_silent_then(bus: Bus):
    """The reply to 0xB007 goes out; for 1.5 s nobody answers; then the next epoch does."""
    assert bus.ask(requests.write_register(5, 0x003F, 0xB007)).exception is None
    assert bus.kinds("keypad") == ["boot"]
    read = requests.read_registers(5, 0x04, 0x0002, 1)
    assert bus.send(read) == b""
    bus.wait(1500 * MS)
    assert bus.ask(read).values == (2,)


def test_a_new_unit_answers_the_old_request_and_then_its_own(bus: Bus):
    """0x0030 takes effect after the reply; unsaved it is gone with the next power-up, whoever caused that."""
    assert bus.ask(requests.write_register(5, 0x0030, 50)).exception is None
    assert bus.send(requests.read_registers(5, 0x04, 0x0002, 1)) == b""
    assert bus.ask(requests.read_registers(50, 0x04, 0x0002, 1)).values == (1,)
    bus.human("keypad", "unplug")
    bus.human("keypad", "plug_in")
    bus.wait(2 * SECOND)
    assert bus.send(requests.read_registers(50, 0x04, 0x0002, 1)) == b""
    assert bus.ask(requests.read_registers(5, 0x04, 0x0002, 1)).values == (2,)


def test_another_baud_makes_it_deaf_on_this_line(bus: Bus):
    """After the reply it runs at 19200 and hears only noise at 9600; a boot brings the saved settings back."""
    assert bus.ask(requests.write_register(5, 0x0031, 5)).exception is None
    assert bus.send(requests.read_registers(5, 0x04, 0x0002, 1)) == b""
    bus.human("keypad", "unplug")
    bus.human("keypad", "plug_in")
    bus.wait(2 * SECOND)
    assert bus.ask(requests.read_registers(5, 0x04, 0x0002, 1)).values == (2,)


def test_unplugging_cuts_its_own_reply_and_nobody_elses(bus: Bus):
    """A reply stops where the supply went; the console's reply is not the keypad's to stop."""
    read = requests.read_registers(5, 0x04, 0x0100, 40)
    bus.line.transmit(bus.line.master, read)
    bus.wait(40 * MS)
    bus.human("keypad", "unplug")
    bus.wait(SECOND)
    assert 0 < len(bus.port.bytes) < 85
    whole = bus.send(requests.read_registers(6, 0x04, 0x0000, 12))
    bus.line.transmit(bus.line.master, requests.read_registers(6, 0x04, 0x0000, 12))
    bus.wait(20 * MS)
    bus.human("keypad", "plug_in")
    bus.human("keypad", "unplug")
    bus.wait(SECOND)
    assert len(bus.port.bursts[-1].data) == len(whole) == 29


def test_a_window_closes_by_its_own_alarm(bus: Bus):
    """The history is told at the instant; the alarm is the keypad's although the station holds it."""
    bus.ask(requests.write_registers(5, 0x0012, (77, 2)))
    bus.wait(3 * SECOND)
    windows = [facts for _, kind, facts in bus.notes if kind == "window"]
    assert windows == [
        {"device": "keypad", "ticket": 77, "seconds": 2},
        {"device": "keypad", "ticket": 0, "seconds": 0},
    ]


def test_a_broadcast_sets_every_clock_without_an_answer(bus: Bus):
    """0x0020..22 to unit 0: keypad, console and kiosk take it, displays have no such registers; nobody answers."""
    assert bus.send(requests.write_registers(0, 0x0020, (0x1234, 0x5678, 0))) == b""
    for unit in (5, 6, 7):
        assert bus.ask(requests.read_registers(unit, 0x03, 0x0020, 1)).values == (0x1234,)


def test_a_broadcast_acknowledgement_is_ignored_by_all(bus: Bus):
    """No queue is emptied by a frame to everybody."""
    for name in ("keypad", "console", "kiosk"):
        bus.human(name, "press", 1)
    assert bus.send(requests.write_registers(0, 0x0000, (1, 0))) == b""
    for unit in (5, 6, 7):
        assert bus.ask(requests.read_registers(unit, 0x04, 0x0004, 1)).values == (1,)


def test_display_and_board_show_what_the_frames_said(bus: Bus):
    """The published frame, sealed for unit 8, and a row of the board; noted under the device's own name."""
    assert bus.ask(requests.write_registers(8, 0x0070, (0x4130, 0x3031))).exception is None
    assert bus.ask(requests.write_registers(9, 2000, words_of(b"A001 > 3"))).exception is None
    assert bus.devices["display"].text == "A001"
    assert bus.devices["board"].texts == ("", "A001 > 3")
    assert bus.notes == [
        ("display", "shown", {"device": "display", "text": "A001"}),
        ("board", "shown", {"device": "board", "text": "A001 > 3", "row": 2}),
    ]


def test_the_published_frame_shows_a001():
    """protocols.md 1.3 [M]: the frame and its reply, byte for byte, on a display at unit 1."""
    bus = Bus()
    bus.station.attach(CounterDisplay("first"), 1)
    assert bus.send(bytes.fromhex("01 10 00 70 00 02 04 41 30 30 31 35 6C")).hex(" ") == "01 10 00 70 00 02 40 13"
    assert bus.notes == [("first", "shown", {"device": "first", "text": "A001"})]
