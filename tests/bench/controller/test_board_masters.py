"""The house's ends of Alpha boards and ASCII displays, with real boards on real lines, and trouble on the way."""

from __future__ import annotations

import random
from typing import Any

import pytest

from bench.controller.alpha_master import REFRESH, AlphaSign
from bench.controller.ascii_master import AsciiDisplay
from bench.controller.board_master import BoardMaster
from board_bench import NS
from firmware_sim.burst import LineSettings
from firmware_sim.devices.alpha_board import BETABRITE, AlphaBoard
from firmware_sim.devices.ascii_display import AsciiStation
from firmware_sim.devices.counter_display import CounterDisplay
from firmware_sim.line import Line
from firmware_sim.modbus_line import ModbusLine
from protocol.alpha import write
from protocol.alpha.packet import packet
from timers import Loop


class Wire:
    """A station, and what is done to the characters that it hears."""

    def __init__(self, station: Any) -> None:
        self.station = station
        self.name = station.name
        self.mangle: Any = lambda data: data

    @property
    def watch(self) -> Any:
        return self.station.watch

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Any) -> Any:
        changed = self.mangle(data)
        return self.station.hear(now, changed, first, last, flaws) if changed else ()

    def wake(self, now: int, tag: str) -> Any:
        return self.station.wake(now, tag)


class House:
    """A master and its boards on one line."""

    def __init__(self, talks: list[Any], stations: list[Any], settings: str = "9600 7E1") -> None:
        self.loop = Loop()
        self.line = Line("boards", self.loop, LineSettings.parse(settings))
        self.wires = [Wire(station) for station in stations]
        for wire in self.wires:
            self.line.attach(wire)
        self.told: list[tuple[int, str, dict[str, Any]]] = []
        self.sent = 0
        self.line.on_burst(self._burst)
        self.talks = talks
        for talk in talks:
            talk.tell = self.tell
        self.master = BoardMaster("house/boards", self.line.settings, talks, self.tell)
        self.line.attach_master(self.master)
        self.line.apply(self.master, self.master.start(0))

    def _burst(self, _at: int, _line: str, src: str, _data: bytes, _flaws: int, _end: int) -> None:
        self.sent += src == self.master.name

    def tell(self, now: int, kind: str, facts: Any) -> None:
        self.told.append((now, kind, dict(facts)))

    def kinds(self) -> list[str]:
        return [kind for _, kind, _ in self.told]

    def run(self, seconds: float) -> None:
        self.loop.run(self.loop.now + round(seconds * NS))

    def show(self, *texts: str, talk: int = 0, **how: Any) -> None:
        for row, text in enumerate(texts):
            self.talks[talk].show(self.loop.now, text, row, **how)
        self.line.apply(self.master, self.master.poke(self.loop.now, self.talks[talk]))

    def do(self, index: int, action: str) -> None:
        wire = self.wires[index]
        self.line.apply(wire, getattr(wire.station, action)(self.loop.now))


def alpha(*boards: AlphaBoard) -> House:
    talks = [AlphaSign(board.name, board.address, board.rows, 16, lambda *_: None) for board in boards]
    return House(talks, list(boards))


@pytest.mark.parametrize("how", [{}, {"model": BETABRITE}])
def test_a_new_board_is_set_up_and_shows_texts(how: dict[str, Any]) -> None:
    """Cleared, configured, written; texts wished meanwhile are shown as soon as it is done, of any version."""
    board = AlphaBoard("sign", rows=3, **how)
    house = alpha(board)
    house.show("A001 -> 1", "B002 -> 2")
    house.run(15)
    assert board.texts == ("A001 -> 1", "B002 -> 2", "")
    assert house.kinds() == ["configured"]
    assert sorted(board.files.table) == [ord(label) for label in "Aabc"]


def test_a_call_is_shown_soon() -> None:
    """Four rows change at once: one packet, within a second; nothing else is touched."""
    board = AlphaBoard("sign", rows=4)
    house = alpha(board)
    house.run(20)
    house.show("A004 -> 1", "A003 -> 2", "A002 -> 1", "A001 -> 2")
    house.run(1)
    assert board.texts == ("A004 -> 1", "A003 -> 2", "A002 -> 1", "A001 -> 2")


def test_a_board_that_is_set_up_is_left_alone() -> None:
    """A house that starts again finds its configuration and erases nothing; old texts are written over."""
    board = AlphaBoard("sign", rows=2)
    alpha(board).run(20)
    before = board.files.texts
    house = alpha(board)
    house.run(10)
    house.show("NEW", "")
    house.run(2)
    assert "configured" not in house.kinds()
    assert board.files.texts is before
    assert board.texts == ("NEW", "")


def test_a_foreign_configuration_is_replaced() -> None:
    """Somebody else wrote the board: it is set up anew."""
    board = AlphaBoard("sign", rows=2)
    board.hear(0, packet(write.text("A", b"ADVERTISEMENT")), 0, 1, None)
    house = alpha(board)
    house.show("A001", "")
    house.run(20)
    assert board.texts == ("A001", "")


def test_a_damaged_write_is_repeated() -> None:
    """Every tenth packet loses a bit: the status tells, errors are cleared, and the right text is shown in the end."""
    chance = random.Random(3)
    board = AlphaBoard("sign", rows=2)
    house = alpha(board)
    house.run(20)

    def mangle(data: bytes) -> bytes:
        changed = bytearray(data)
        if chance.random() < 0.1:
            place = chance.randrange(6, len(changed))
            changed[place] ^= 1 << chance.randrange(7)
        return bytes(changed)

    house.wires[0].mangle = mangle
    for number in range(60):
        house.show(f"A{number:03d} -> 1", f"A{number:03d} -> 2")
        house.run(20)
    house.wires[0].mangle = lambda data: data
    house.run(2 * REFRESH / NS)
    assert board.texts == ("A059 -> 1", "A059 -> 2")
    assert "board_error" in house.kinds()


def test_a_board_that_loses_its_supply() -> None:
    """Down after three exchanges, up when it answers; what changed meanwhile is shown; its memory was kept."""
    board = AlphaBoard("sign", rows=2)
    house = alpha(board)
    house.show("ONE", "TWO")
    house.run(20)
    house.do(0, "unplug")
    house.run(60)
    house.show("THREE", "FOUR")
    house.run(60)
    assert house.kinds() == ["configured", "down"]
    house.do(0, "plug_in")
    house.run(40)
    assert house.kinds() == ["configured", "down", "up"]
    assert board.texts == ("THREE", "FOUR")


def test_a_board_that_was_never_there() -> None:
    """It is asked less and less often; the line stays usable for the other board."""
    board = AlphaBoard("there", rows=1, address=2)
    ghost = AlphaSign("ghost", 1, 1, 16, lambda *_: None)
    house = House([ghost, AlphaSign("there", 2, 1, 16, lambda *_: None)], [board])
    house.run(60)
    house.sent = 0
    house.show("A001", talk=1)
    house.run(1)
    assert board.texts == ("A001",)
    house.run(600)
    assert [facts["device"] for _, kind, facts in house.told if kind == "down"] == ["ghost"]
    assert house.sent < 200


def test_two_boards_on_one_line() -> None:
    """Each gets its own texts, at its own address."""
    boards = AlphaBoard("one", rows=1, address=1), AlphaBoard("two", rows=2, address=2)
    house = alpha(*boards)
    house.run(30)
    house.show("FIRST", talk=0)
    house.show("SECOND", "THIRD", talk=1)
    house.run(3)
    assert (boards[0].texts, boards[1].texts) == (("FIRST",), ("SECOND", "THIRD"))


def test_a_text_is_cut_and_made_plain() -> None:
    """A row has so many characters; what a board cannot draw is a question mark."""
    board = AlphaBoard("sign", rows=1)
    house = alpha(board)
    house.show("Số 12345678901234567890 \x04")
    house.run(20)
    assert board.texts == ("S? 1234567890123",)


def test_the_refresh_repairs_what_somebody_changed() -> None:
    """A row is written again each half minute, whatever is thought to be there."""
    board = AlphaBoard("sign", rows=1)
    house = alpha(board)
    house.show("A001")
    house.run(20)
    board.files.strings[ord("a")] = b"WRONG"
    house.run(REFRESH / NS + 5)
    assert board.texts == ("A001",)


def test_noise_on_the_line_is_no_answer() -> None:
    """Characters from nowhere: the master goes on."""
    board = AlphaBoard("sign", rows=1)
    house = alpha(board)
    chance = random.Random(1)
    for _ in range(200):
        house.line.apply(
            house.master,
            house.master.hear(house.loop.now, chance.randbytes(20), house.loop.now, house.loop.now, None),
        )
        house.run(0.3)
    house.show("A001")
    house.run(40)
    assert board.texts == ("A001",)


# -- ASCII ------------------------------------------------------------------------------------------------------------
class Displays:
    """Two LED-485 displays and the master that writes to them in ASCII."""

    def __init__(self) -> None:
        station, ears = ModbusLine("slaves", LineSettings()), AsciiStation()
        self.displays = [CounterDisplay(f"display-{unit}", digits=4) for unit in (1, 2)]
        for unit, display in enumerate(self.displays, 1):
            station.attach(display, unit)
            ears.attach(display)
        talks = [AsciiDisplay(f"display-{unit}", unit, 4, lambda *_: None) for unit in (1, 2)]
        self.house = House(talks, [station, ears], "9600 8N1")


def test_ascii_displays_show_what_is_wished() -> None:
    """A text is there within a tenth of a second; the other display keeps its own."""
    made = Displays()
    made.house.run(2)
    made.house.show("A001", talk=0)
    made.house.show("B002", talk=1)
    made.house.run(0.2)
    assert [display.text for display in made.displays] == ["A001", "B002"]
    assert made.house.kinds() == []


def test_a_recall_blinks() -> None:
    """Dark for half a second, then the text again."""
    made = Displays()
    made.house.run(2)
    made.house.show("A001")
    made.house.run(1)
    seen: list[str] = []
    made.house.line.on_note(lambda _device, _at, note: seen.append(note.facts.get("text", "")))
    made.house.show("A001", blink=True)
    made.house.run(2)
    assert seen == ["", "A001"]


def test_a_display_that_loses_its_supply_is_right_again() -> None:
    """Down after three questions, up when it answers, and its text is written."""
    made = Displays()
    made.house.run(2)
    made.house.show("A001")
    made.house.run(2)
    made.displays[0].unplug(made.house.loop.now)
    made.house.run(70)
    assert made.house.kinds() == ["down"]
    made.displays[0].plug_in(made.house.loop.now)
    made.house.run(40)
    assert made.house.kinds() == ["down", "up"]
    assert made.displays[0].text == "A001"


def test_a_short_loss_of_supply_is_repaired() -> None:
    """Dark between two questions: the text is back within the refresh."""
    made = Displays()
    made.house.show("A001")
    made.house.run(5)
    made.displays[0].unplug(made.house.loop.now)
    made.displays[0].plug_in(made.house.loop.now)
    assert made.displays[0].text == ""
    made.house.run(35)
    assert made.displays[0].text == "A001"


def test_quiet_lines_are_quiet() -> None:
    """Ten minutes without a change: a question and a text for each display each half minute, no more."""
    made = Displays()
    made.house.run(5)
    made.house.sent = 0
    made.house.run(600)
    assert made.house.sent <= 2 * 2 * 21
