"""The house writes to displays and boards by declaration, with real devices on a real line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.cli.new_cmd import scaffold
from bench.controller.board_master import BoardMaster
from bench.controller.declared_text import DeclaredText
from bench.scenario.declared import codec_of, parse
from firmware_sim.burst import LineSettings
from firmware_sim.devices.declared_device import DeclaredDevice
from firmware_sim.line import Line
from protocol.declared.codec import Codec
from timers import Loop

NS = 1_000_000_000
ACME = Path(__file__).parents[3] / "examples/acme_d6.toml"
MUTE = re.sub(r'(values = \{ text = "@text" \}), answer = "done", within_ms = 200', r"\1", ACME.read_text())


def made(text: str) -> Codec:
    return Codec(parse(text.encode(), "made.toml"))


class Wall:
    """A line with displays of one declaration, and the house's master."""

    def __init__(self, codec: Codec, units: tuple[int, ...] = (1,)) -> None:
        line = codec.declaration.line
        self.loop = Loop()
        self.line = Line("wall", self.loop, LineSettings(line.baud, line.bytesize, line.parity, line.stopbits))
        self.notes: list[tuple[str, int, str, Mapping[str, Any]]] = []
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        addressed = codec.declaration.address is not None
        self.devices = [DeclaredDevice(f"d{unit}", codec, unit=unit if addressed else None) for unit in units]
        for device in self.devices:
            self.line.attach(device)
            self.line.apply(device, device.power_on(0))
        self.line.on_note(lambda device, t, note: self.notes.append((device, t, note.kind, note.facts)))
        self.talks = [DeclaredText(f"d{unit}", unit, codec, self.tell, counter=unit) for unit in units]
        self.master = BoardMaster("house", self.line.settings, self.talks, self.tell)
        self.line.attach_master(self.master)
        self.line.apply(self.master, self.master.start(0))

    def tell(self, _now: int, kind: str, facts: Mapping[str, Any]) -> None:
        self.told.append((kind, facts))

    def show(self, unit: int, text: str, *, blink: bool = False) -> None:
        talk = self.talks[unit - 1]
        talk.show(self.loop.now, text, blink=blink)
        self.line.apply(self.master, self.master.poke(self.loop.now, talk))

    def wait(self, seconds: float) -> None:
        self.loop.run(self.loop.now + round(seconds * NS))

    def shown(self, unit: int = 1) -> list[str]:
        return [facts["text"] for device, _, kind, facts in self.notes if kind == "shown" and device == f"d{unit}"]

    def hands(self, unit: int, action: str) -> None:
        device = self.devices[unit - 1]
        self.line.apply(device, getattr(device, action)(self.loop.now))


@pytest.mark.parametrize("text", [ACME.read_text(), MUTE], ids=["answers", "mute"])
def test_what_is_wished_is_shown_soon(text: str) -> None:
    """Each display shows its own text within a tenth of a second, and only that."""
    wall = Wall(made(text), (1, 2))
    wall.wait(1)
    wall.show(1, "A001")
    wall.show(2, "B017")
    wall.wait(0.2)
    assert wall.shown(1) == ["A001"]
    assert wall.shown(2) == ["B017"]
    assert wall.told == []


def test_a_recall_is_dark_first() -> None:
    """The same ticket again: dark for half a second, so that people look up."""
    wall = Wall(made(ACME.read_text()))
    wall.show(1, "A001")
    wall.wait(1)
    wall.show(1, "A001", blink=True)
    wall.wait(2)
    times = [(facts["text"], t) for _, t, kind, facts in wall.notes if kind == "shown"]
    assert [text for text, _ in times] == ["A001", "", "A001"]
    assert 0.4 * NS < times[2][1] - times[1][1] < 0.7 * NS


def test_a_display_that_does_not_answer_is_down_and_comes_back_right() -> None:
    """Three misses: down, told once; with its supply it is found and written anew."""
    wall = Wall(made(ACME.read_text()), (1, 2))
    wall.show(1, "A001")
    wall.wait(1)
    wall.hands(1, "unplug")
    assert wall.shown(1) == ["A001", ""]
    wall.show(1, "A002")
    wall.wait(20)
    assert [kind for kind, _ in wall.told] == ["down"]
    wall.show(2, "B001")
    wall.wait(0.5)
    assert wall.shown(2) == ["B001"]  # the others go on
    wall.hands(1, "plug_in")
    wall.wait(40)
    assert [kind for kind, _ in wall.told] == ["down", "up"]
    assert wall.shown(1)[-1] == "A002"


def test_a_display_that_nobody_can_ask_is_right_again_by_repetition() -> None:
    """Without any answer the text is written each half minute: dark for no longer."""
    wall = Wall(made(MUTE))
    wall.show(1, "A001")
    wall.wait(1)
    wall.hands(1, "unplug")
    wall.wait(3)
    wall.hands(1, "plug_in")
    wall.wait(31)
    assert wall.shown(1) == ["A001", "", "A001"]
    assert wall.told == []


def test_a_lost_text_is_said_again() -> None:
    """A frame that noise broke is not answered, and is repeated."""
    wall = Wall(made(ACME.read_text()))
    wall.wait(1)
    device = wall.devices[0]
    hear, lost = device.hear, []

    def deaf(now: int, data: bytes, first: int, last: int, flaws: Any) -> Any:
        if not lost:
            lost.append(data)
            return ()
        return hear(now, data, first, last, flaws)

    device.hear = deaf  # type: ignore[method-assign]
    wall.show(1, "A001")
    wall.wait(1)
    assert lost
    assert wall.shown(1) == ["A001"]
    assert wall.told == []


def test_the_shipped_ascii_display() -> None:
    """LED-485: texts that nobody answers, and a question that tells that it went."""
    wall = Wall(codec_of("led485_ascii"))
    wall.show(1, "A001")
    wall.wait(1)
    wall.hands(1, "unplug")
    wall.wait(40)
    wall.hands(1, "plug_in")
    wall.wait(60)
    assert wall.shown(1) == ["A001", "", "A001"]
    assert [kind for kind, _ in wall.told] == ["down", "up"]


def test_an_onbon_card_is_put_on_written_to_and_asked() -> None:
    """The screen is put on and each row is an area; all of it again when the card was away."""
    wall = Wall(codec_of("onbon"))
    wall.wait(5)
    wall.show(1, "A001")
    wall.wait(1)
    assert wall.devices[0].rows == ["A001", ""]
    wall.hands(1, "unplug")
    wall.wait(60)
    wall.hands(1, "plug_in")
    wall.wait(60)
    assert [kind for _, _, kind, _ in wall.notes if kind == "screen"] == ["screen", "screen"]
    assert [kind for kind, _ in wall.told] == ["down", "up"]
    assert wall.shown() == ["A001", "", "A001"]


def test_rows_of_a_board() -> None:
    """Each row has its own text; a row that is not there is left out."""
    wall = Wall(made(scaffold("acme", "board", "acme.toml")))
    talk = wall.talks[0]
    for row, (ticket, counter) in enumerate([("A003", 2), ("A002", 1), ("A001", 12), ("B001", 3), ("B002", 4)]):
        talk.wish(row, f"{ticket} -> {counter}", ticket=ticket, counter=counter)
    wall.line.apply(wall.master, wall.master.poke(0, talk))
    wall.wait(1)
    assert wall.devices[0].rows == ["A003 -> 2", "A002 -> 1", "A001 -> 12", "B001 -> 3"]


def test_a_message_of_its_own_for_nothing() -> None:
    """`dark` is sent when nothing is to be shown; ticket, number and counter go in fields of their own."""
    text = (
        ACME.read_text()
        .replace('fields = [{ name = "text", text = 6, pad = " " }]', 'fields = [{ name = "letter", text = 1 }, '
                 '{ name = "number", decimal = 3 }, { name = "counter", decimal = 2 }]')
        .replace('{ set = "text", to = "@text" },', "")
        .replace('{ text = "@text" } },', '{ text = "@letter" } },')
        .replace('show = { message = "write", values = { text = "@text" }',
                 'dark = { message = "write", values = { letter = ".", number = 0, counter = 0 }, answer = "done" }\n'
                 'show = { message = "write", values = { letter = "A", number = "@number", counter = "@counter" }')
        .replace('values = { unit = 4, text = "A017" }', "values = { unit = 4, number = 17, counter = 20 }")
        .replace("37 20 20 2A 44 34", "37 32 30 2A 46 36")
    )  # fmt: skip
    wall = Wall(made(text))
    wall.wait(1)
    wall.show(1, "A001")
    wall.wait(1)
    wall.show(1, "")
    wall.wait(1)
    assert wall.shown() == [".", "A", "."]


def test_a_declaration_without_a_word_for_the_house() -> None:
    """It cannot be driven, and that is said."""
    text = ACME.read_text()
    with pytest.raises(ValueError, match=r"no \[house\]"):
        DeclaredText("d", 1, made(text[: text.index("[house]")] + text[text.index("[[vector]]") :]), print)
