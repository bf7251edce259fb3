"""The house speaks calls on a vendor's own voice caller, as its declaration says, with real devices on a real line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.controller.declared_voice import DeclaredVoice
from bench.scenario.declared import parse
from bench.scenario.problems import ScenarioError
from firmware_sim.burst import LineSettings
from firmware_sim.devices.voice_caller import VoiceCaller
from firmware_sim.line import Line
from protocol.declared.codec import Codec
from timers import Loop

NS = 1_000_000_000
ACME = (Path(__file__).parents[3] / "examples/acme_v1.toml").read_text(encoding="utf-8")
ANNOUNCE = 'answer = "taken", over = "over"'
assert ANNOUNCE in ACME


class Desk:
    """A voice caller of one declaration on its line, and the house's master."""

    def __init__(self, text: str = ACME) -> None:
        codec = Codec(parse(text.encode(), "made.toml"))
        self.loop = Loop()
        self.line = Line("voice", self.loop, LineSettings(), "full")
        self.device = VoiceCaller("v", codec)
        self.line.attach(self.device)
        self.spoken: list[tuple[str, bool]] = []
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self.heard: list[bytes] = []
        self.line.on_note(self.note)
        self.line.on_burst(lambda _t, _line, src, data, _bad, _end: self.heard.append(data) if src != "v" else None)
        self.sent: list[tuple[int, bytes]] = []
        self.line.on_burst(lambda t, _line, src, data, *_: self.sent.append((t, data)) if src != "v" else None)
        self.master = DeclaredVoice("house/voice", "v", 0, codec, self.line.settings, self.tell)
        self.line.attach_master(self.master)
        self.line.apply(self.device, self.device.power_on(0))
        self.line.apply(self.master, self.master.start(0))
        self.wait(3)

    def note(self, _name: str, _t: int, note: Any) -> None:
        if note.kind == "spoken":
            self.spoken.append((note.facts["text"], note.facts["whole"]))

    def tell(self, _now: int, kind: str, facts: Mapping[str, Any]) -> None:
        self.told.append((kind, facts))

    def announce(self, ticket: str, counter: int, *, again: bool = False) -> None:
        self.line.apply(self.master, self.master.announce(self.loop.now, ticket, counter, again=again))

    def hands(self, action: str) -> None:
        self.line.apply(self.device, getattr(self.device, action)(self.loop.now))

    def wait(self, seconds: float) -> None:
        self.loop.run(self.loop.now + round(seconds * NS))


@pytest.mark.parametrize(
    "ends",
    [ANNOUNCE, 'over = "over"', 'answer = "taken", lasts_ms = 4500', "lasts_ms = 4500"],
    ids=["answer and over", "over", "answer", "neither"],
)
def test_calls_are_spoken_whole_and_in_turn(ends: str) -> None:
    """Three calls at one instant: each is the frame of the protocol sheet, once, and none cuts another off."""
    desk = Desk(ACME.replace(ANNOUNCE, ends))
    for number in (17, 18, 19):
        desk.announce(f"A0{number}", 2)
    desk.wait(30)
    assert desk.spoken == [("A017,2", True), ("A018,2", True), ("A019,2", True)]
    assert desk.heard[0] == b"!SA017,2*8A\r"
    assert len(desk.heard) == 3
    assert [kind for kind, _ in desk.told] == ["spoke"] * 3


def test_without_an_answer_it_is_said_three_times_and_given_up() -> None:
    """A device without supply: the call is told as unspoken, and the next one after its return is heard."""
    desk = Desk()
    desk.hands("unplug")
    desk.announce("A017", 2)
    desk.wait(10)
    assert desk.heard == [b"!SA017,2*8A\r"] * 3
    assert [kind for kind, _ in desk.told] == ["unspoken"]
    assert "does not answer" in desk.told[0][1]["why"]
    desk.hands("plug_in")
    desk.wait(1)
    desk.announce("A018", 2)
    desk.wait(10)
    assert desk.spoken == [("A018,2", True)]


def test_an_end_that_is_not_told_holds_nothing_up() -> None:
    """A device that never says that it is over: the next call comes after `lasts_ms`, and the silence is told once."""
    mute = ACME.replace('finished = { send = "over" }', "").replace("[voice]\n", "")
    desk = Desk(mute.replace(ANNOUNCE, f"{ANNOUNCE}, lasts_ms = 6000"))
    desk.announce("A017", 2)
    desk.announce("A018", 3)
    desk.wait(20)
    assert desk.spoken == [("A017,2", True), ("A018,3", True)]
    assert [kind for kind, _ in desk.told] == ["silent", "spoke", "spoke"]


@pytest.mark.parametrize("seconds", [12, 20, 110])
def test_a_long_announcement_is_waited_for(seconds: int) -> None:
    """Longer than the usual 15 s, and told when it is over: no number is needed for the next call to wait for it."""
    desk = Desk(ACME.replace("ms = 4000", f"ms = {seconds}000"))
    desk.announce("A017", 2)
    desk.announce("A018", 3)
    desk.wait(2 * seconds + 5)
    assert desk.spoken == [("A017,2", True), ("A018,3", True)]
    assert [kind for kind, _ in desk.told] == ["spoke", "spoke"]


def test_a_long_announcement_whose_end_is_not_told_has_its_time() -> None:
    """Without `over`, `lasts_ms` is the time; with it, that of the message's own speech and a second for the end."""
    mute = ACME.replace('finished = { send = "over" }', "").replace("[voice]\n", "").replace("4000", "20000")
    for ends, second in ((f"{ANNOUNCE}", 21.0), ('answer = "taken", lasts_ms = 25000', 25.0)):
        desk = Desk(mute.replace(ANNOUNCE, ends))
        began = desk.loop.now
        desk.announce("A017", 2)
        desk.announce("A018", 3)
        desk.wait(60)
        assert desk.spoken == [("A017,2", True), ("A018,3", True)]
        sent = [t for t, data in desk.sent if data.startswith(b"!SA018")]
        assert 0 < sent[0] - began - round(second * NS) < 2 * NS


def test_what_is_sent_first() -> None:
    """`start` goes out before the first call, and again when the device has not answered."""
    opened = ACME.replace("[house]", '[house]\nstart = [{ message = "say", values = { text = "hello" } }]')
    desk = Desk(opened)
    assert desk.heard == [b"!Shello*67\r"]
    desk.hands("unplug")
    desk.announce("A017", 2)
    desk.announce("A018", 2)
    desk.wait(10)
    assert [data[:6] for data in desk.heard[1:8]] == [b"!SA017"] * 3 + [b"!Shell"] + [b"!SA018"] * 3


def test_a_call_that_fits_no_frame_is_told() -> None:
    """A ticket too long for its field is unspoken, with the reason, and is not tried for ever."""
    fixed = (
        ACME.replace(
            '{ name = "text", text = "rest" }', '{ name = "ticket", text = 4 }, { name = "to", text = "rest" }'
        )
        .replace('value = "@text"', 'value = { join = ["@ticket", "@to"] }')
        .replace(
            'text = { join = ["@label", ",", "@counter"] }', 'ticket = "@label", to = { join = [",", "@counter"] }'
        )
        .replace('text = "A017,2"', 'ticket = "A017", to = ",2"')
    )
    desk = Desk(fixed)
    desk.announce("AB017", 2)
    desk.announce("A018", 2)
    desk.wait(10)
    assert [kind for kind, _ in desk.told] == ["unspoken", "spoke"]
    assert desk.spoken == [("A018,2", True)]


@pytest.mark.parametrize(
    ("announce", "says"),
    [
        (f'announce = {{ message = "say", values = {{ text = "@text" }}, {ANNOUNCE} }}', "join"),
        ('announce = { message = "say", answer = "taken" }', "lasts_ms"),
        ('announce = { message = "say", over = "over", lasts_ms = 3999 }', "is heard for 4000 ms, and is given 3999"),
        ('announce = { message = "say", lasts_ms = 120001 }', "lasts_ms 120001 is not 100..120000"),
        ('announce = { message = "say", over = "ovr" }', 'did you mean "over"'),
        ('announce = { message = "say", over = "over", every_ms = 100 }', "every_ms"),
        ('show = { message = "say", over = "over" }', "over"),
        ('announce = { message = "say", values = { text = { join = ["@labl"] } }, over = "over" }', '"label"'),
        ('announce = { message = "say", values = { text = { join = "@label" } }, over = "over" }', "an array"),
    ],
)
def test_mistakes_are_told(announce: str, says: str) -> None:
    """What cannot be said, or not be ended, is refused with its place when the file is read."""
    house = next(line for line in ACME.splitlines() if line.startswith("announce"))
    ascii_only = ACME.replace('text = "rest"', 'text = "rest", encoding = "ascii"')
    with pytest.raises(ScenarioError) as refused:
        parse(ascii_only.replace(house, announce).encode(), "made.toml")
    assert says in str(refused.value)
    assert "made.toml:" in str(refused.value)


def test_one_message_that_is_heard_for_longer_than_any_call() -> None:
    """What no `lasts_ms` could allow is refused at the announcement, with the bounds."""
    with pytest.raises(ScenarioError) as refused:
        parse(ACME.replace("ms = 4000", "ms = 130000").encode(), "made.toml")
    assert "is heard for 130000 ms, and is given 120000" in str(refused.value)
    assert "at most 120000" in str(refused.value)
