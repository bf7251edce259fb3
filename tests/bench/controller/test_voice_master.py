"""Calls spoken by real voice callers: clip by clip, one after the other, through every clone's ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bench.controller.voice_master import MOST_WAITING, VoiceMaster, sentence, words
from declared import codec
from firmware_sim.burst import LineSettings
from firmware_sim.devices.loudspeaker import CLIPS, Clip
from firmware_sim.devices.voice_caller import VoiceCaller
from firmware_sim.line import Line
from timers import Loop

MS = 1_000_000
NS = 1_000_000_000


class Speaker:
    """A voice caller, its line, and the house's master."""

    def __init__(self, protocol: str = "dfplayer", profile: str = "", clips: Mapping[int, Clip] = CLIPS) -> None:
        self.loop = Loop()
        self.line = Line("voice", self.loop, LineSettings(), "full")
        self.device = VoiceCaller("voice-1", codec(protocol), profile=profile, clips=clips)
        self.line.attach(self.device)
        self.notes: list[tuple[int, str, Mapping[str, Any]]] = []
        self.told: list[tuple[int, str, Mapping[str, Any]]] = []
        self.line.on_note(lambda _name, t, note: self.notes.append((t, note.kind, note.facts)))
        known = {clip.text: (number, clip.ms) for number, clip in clips.items()} if protocol == "dfplayer" else {}
        self.master = VoiceMaster(
            "house/voice", "voice-1", codec(protocol), self.line.settings, known, lambda *told: self.told.append(told)
        )
        self.line.attach_master(self.master)
        self.line.apply(self.device, self.device.power_on(0))
        self.line.apply(self.master, self.master.start(0))
        self.loop.run(3 * NS)

    def announce(self, ticket: str, counter: int, *, again: bool = False) -> None:
        self.line.apply(self.master, self.master.announce(self.loop.now, ticket, counter, again=again))

    def wait(self, duration: int) -> None:
        self.loop.run(self.loop.now + duration)

    @property
    def spoken(self) -> list[str]:
        return [str(facts["text"]) for _, kind, facts in self.notes if kind == "spoken"]

    def kinds(self) -> list[str]:
        return [kind for _, kind, _ in self.told]


@pytest.mark.parametrize("profile", ["", *codec("dfplayer").declaration.profiles])
def test_a_call_is_spoken_whole_by_every_clone(profile: str) -> None:
    """The sentence of a call, whatever the clone says or does not say about it."""
    speaker = Speaker(profile=profile)
    speaker.announce("A001", 3)
    speaker.wait(20 * NS)
    assert speaker.spoken == ["(chuông) mời số A001 đến quầy 3"]
    assert all(facts["whole"] for _, kind, facts in speaker.notes if kind == "spoken")


@pytest.mark.parametrize("protocol", ["syn6288", "xfs5152"])
def test_a_chip_is_told_the_text(protocol: str) -> None:
    """Two calls at once: the second waits for 4F, so that neither is cut off."""
    speaker = Speaker(protocol)
    speaker.announce("A001", 3)
    speaker.announce("B012", 11)
    speaker.wait(30 * NS)
    assert speaker.spoken == ["请A001号到3号窗口", "请B012号到11号窗口"]


def test_calls_wait_for_each_other() -> None:
    """Three calls at one instant: three whole utterances, in order, with a pause between."""
    speaker = Speaker()
    for number in (1, 2, 3):
        speaker.announce(f"A00{number}", number)
    speaker.wait(60 * NS)
    assert speaker.spoken == [f"(chuông) mời số A00{n} đến quầy {n}" for n in (1, 2, 3)]
    assert [facts["ticket"] for _, kind, facts in speaker.told if kind == "spoke"] == ["A001", "A002", "A003"]


def test_a_recall_says_so() -> None:
    """A repeated call begins with other words."""
    speaker = Speaker()
    speaker.announce("A001", 3, again=True)
    speaker.wait(20 * NS)
    assert speaker.spoken == ["xin nhắc lại mời số A001 đến quầy 3"]


def test_a_module_that_is_gone_does_not_stop_the_day() -> None:
    """Without power nothing is heard; the calls go by, and the ones after its return are spoken."""
    speaker = Speaker()
    speaker.line.apply(speaker.device, speaker.device.unplug(speaker.loop.now))
    speaker.announce("A001", 1)
    speaker.wait(20 * NS)
    assert "silent" in speaker.kinds()
    speaker.line.apply(speaker.device, speaker.device.plug_in(speaker.loop.now))
    speaker.announce("A002", 2)
    speaker.wait(20 * NS)
    assert speaker.spoken == ["(chuông) mời số A002 đến quầy 2"]


def test_too_many_calls_are_given_up() -> None:
    """What nobody could listen to is not spoken, and told."""
    speaker = Speaker()
    for number in range(MOST_WAITING + 5):
        speaker.announce(f"A{number:03d}", 1)
    assert speaker.kinds().count("unspoken") == 4
    assert speaker.master.waiting == MOST_WAITING + 1


def test_a_letter_that_the_card_lacks() -> None:
    """The rest of the call is spoken, and what is missing is told."""
    clips = {number: clip for number, clip in CLIPS.items() if clip.text != "B"}
    speaker = Speaker(clips=clips)
    speaker.announce("B001", 3)
    speaker.wait(20 * NS)
    assert speaker.spoken == ["(chuông) mời số 001 đến quầy 3"]
    assert "unspoken" in speaker.kinds()


def test_words_and_sentence() -> None:
    """How a call is put."""
    from bench.controller.voice_master import Calling

    assert words(Calling("A001", 12)) == ["(chuông)", "mời số", "A", "0", "0", "1", "đến quầy", "1", "2"]
    assert sentence(Calling("A001", 12)) == "请A001号到12号窗口"
