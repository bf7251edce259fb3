"""DFPlayer: its card, and what it counts (protocols.md 5.1)."""

from __future__ import annotations

from typing import Any

import pytest

from declared import codec
from firmware_sim.device import Note, Send
from firmware_sim.devices.voice_caller import VoiceCaller
from protocol.declared.codec import Decoded

MS = 1_000_000
HEAR_AT = 5_000 * MS


def player(profile: str = "") -> VoiceCaller:
    made = VoiceCaller("voice", codec("dfplayer"), profile=profile)
    list(made.power_on(0))
    return made


def said(effects: Any) -> list[tuple[str, Any]]:
    data = b"".join(effect.data for effect in effects if isinstance(effect, Send))
    found = [item for item in codec("dfplayer").decode("device", data) if isinstance(item, Decoded) and item.message]
    return [(one.message.name, one.values) for one in found if one.message is not None]


def asks(device: VoiceCaller, message: str, **values: Any) -> list[tuple[str, Any]]:
    frame = codec("dfplayer").write(message, {"ack": 0, **values})
    return said(device.hear(HEAR_AT, frame, HEAR_AT, HEAR_AT, None))


@pytest.mark.parametrize(("profile", "counts"), [("", (0, 226, 0, 226)), ("sheet_counts", (226, 0, 0, 226))])
def test_whose_files_are_counted(profile: str, counts: tuple[int, ...]) -> None:
    """The libraries and the data sheet name 47 and 48 the other way round: a switch."""
    device = player(profile)
    told = [asks(device, "files", cmd=cmd, param="00 00") for cmd in (0x47, 0x48, 0x49, 0x4E)]
    assert tuple(values["number"] for ((name, values),) in told if name == "number_is") == counts


def test_the_card_is_taken_out_and_put_in() -> None:
    """It says 3B and 3A; without a card a clip is error 8, and so it is after a loss of power."""
    device = player()
    assert asks(device, "play", cmd=3, clip=1) == []
    effects = list(device.take_card(HEAR_AT))
    assert [name for name, _ in said(effects)] == ["media_out"]
    assert any(isinstance(effect, Note) and effect.kind == "spoken" for effect in effects)  # it was cut off
    assert [(name, values["code"]) for name, values in asks(device, "play", cmd=3, clip=1)] == [("error", 8)]
    assert said(device.take_card(HEAR_AT)) == []
    list(device.unplug(HEAR_AT))
    list(device.plug_in(HEAR_AT))
    assert [(name, values["code"]) for name, values in asks(device, "play", cmd=3, clip=1)] == [("error", 8)]
    assert [name for name, _ in said(device.insert_card(HEAR_AT))] == ["media_in"]
    assert asks(device, "play", cmd=3, clip=1) == []
