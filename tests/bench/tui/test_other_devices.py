"""The view on a recorded bench of OSDP keypads, a vendor's keypads and displays, an Alpha board and an LED card.

`record.py` tells how `other_devices.json` was recorded: nothing in it is made up, the escape sequence in the text of
the keypads went over their line.
"""

from __future__ import annotations

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

import pytest

from bench.tui.faces import key_at
from bench.tui.hands import hands, key_of_digit, keys_of
from bench.tui.tile import Tile

RECORDED = json.loads((Path(__file__).parent / "other_devices.json").read_text(encoding="utf-8"))
STATES = {one["name"]: one for one in RECORDED["devices"]["devices"]}


@pytest.fixture
def stored() -> dict[str, Any]:
    return copy.deepcopy(RECORDED)


def on(stage: Any, steps: Any, **kwargs: Any) -> None:
    async def run() -> None:
        async with stage.on(**kwargs):
            await steps()

    asyncio.run(run())


def tile(stage: Any, name: str, columns: int = 60) -> str:
    found = next(one for one in stage.view.query(Tile) if one.device == name)
    return "\n".join(line.plain.rstrip() for line in found.lines(columns, max(found.size.height, 4)))


def test_every_device_shows_what_people_see(stage):
    """Text, lamp and last key of OSDP keypads; a vendor's keypad and display; rows of the card, dots of the board."""

    async def steps():
        keypad = tile(stage, "osdp-1")
        assert "[ b ] D a n h   g i a \\ x 1 b [ 0" in keypad
        assert "● green" in keypad
        assert "last 5 08:20:11" in keypad
        assert "● red" in tile(stage, "osdp-2")
        assert "last 1 08:20:14" in tile(stage, "osdp-2")
        vendor = tile(stage, "keypad-1")
        assert "waiting 1" in vendor
        assert "clerk 1" in vendor
        assert "last 5 08:20:14" in vendor
        assert "A 0 0 8" in tile(stage, "display-1")
        card = tile(stage, "card-1")
        assert "A 0 0 9   - >   2" in card
        assert "A 0 0 8   - >   1" in card
        assert any("⠀" < letter <= "⣿" or letter in "▀▄█" for letter in tile(stage, "sign-1", 110))

    on(stage, steps, size=(200, 60))


def test_frames_are_in_words(stage):
    """Polls, keys, a damaged reply and what was sent to the board are told, not their bytes."""

    async def steps():
        told = "\n".join(str(row.get("text")) for row in stage.view.wire._rows)
        for part in (
            "osdp-1: POLL",
            "osdp-1: KEYPAD, keys 5 of reader 0",
            "osdp-2: KEYPAD, keys # of reader 0",
            "osdp-1? its check does not fit",
            "write STRING 'd': A006 -> 2",
            "keypad-2: pressed key=4",
        ):
            assert part in told, part

    on(stage, steps)


def test_digits_press_keys_of_such_keypads(stage):
    """0 is the key 0 of an OSDP keypad and no key of a vendor's; what a keypad has not is not sent."""

    async def steps():
        stage.view.choose("osdp-1")
        assert ("1-9", "key_press") in stage.view.keys_now()
        await stage.press("5", "0")
        stage.view.choose("keypad-1")
        assert ("1-5", "key_press") in stage.view.keys_now()
        await stage.press("5", "6", "0")
        assert [(path.split("/")[3], body) for _, path, body in stage.peer.asked] == [
            ("osdp-1", {"key": 5}),
            ("osdp-1", {"key": 0}),
            ("keypad-1", {"key": 5}),
        ]

    on(stage, steps)


def test_a_small_terminal_shows_them_too(stage):
    """One line each: text and lamp, last key of a vendor's keypad, rows of boards; no escape sequence gets through."""

    async def steps():
        text = stage.text()
        assert "\x1b" not in text
        for part in ("osdp-1", "● green", "● red", "last 4 08:20:11", "A009 -> 2", "sign-1", "card-1"):
            assert part in text, part

    on(stage, steps, size=(80, 24))


def test_without_power_they_are_dark(stage, stored):
    """No lamp, no rows; told as wrong, and only the plug is offered."""
    for one in stored["devices"]["devices"]:
        one["powered"] = False

    async def steps():
        assert "green" not in tile(stage, "osdp-1")
        assert "A 0 0 9" not in tile(stage, "card-1")
        assert "no power" in tile(stage, "sign-1")
        offered = {hand.action for hand in hands(stage.view.scene.devices["osdp-1"])}
        assert "plug_in" in offered
        assert not {"press", "unplug", "log_in"} & offered

    on(stage, steps)


def test_keys_that_can_be_pressed_are_offered_one_by_one():
    """All twelve of an OSDP keypad, five of the vendor's; none where the bench does not tell."""
    pressed = [hand.body["key"] for hand in hands(STATES["osdp-1"]) if hand.label == "act_press"]
    assert pressed == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, "*", "#"]
    assert keys_of(STATES["keypad-1"]) == [1, 2, 3, 4, 5]
    assert keys_of(STATES["sign-1"]) == []
    assert key_of_digit({"keys": 15}, 10) == 10
    assert key_of_digit({"keys": 5}, 6) is None


def test_who_did_not_come_stands_in_the_queue(stage, stored):
    """Online visitors and missed appointments are told where there are any."""
    stored["figures"]["visitors"].update(online=3, missed_appointments=2)

    async def steps():
        text = stage.text()
        assert "online 3" in text
        assert "missed appointments 2" in text

    on(stage, steps, size=(200, 60))


def test_keys_without_lamps_can_be_clicked(stage):
    """An OSDP keypad and a vendor's have a row of keys at their bottom; a click on one presses it."""

    async def steps():
        found = {one.device: one for one in stage.view.query(Tile)}
        for name, wanted in (("osdp-1", [*range(1, 10), 0, "*", "#"]), ("keypad-1", [1, 2, 3, 4, 5])):
            tile = found[name]
            columns, height = tile.size
            hit = [key_at(STATES[name], columns, y, x, height) for y in range(height) for x in range(columns)]
            assert [key for key in dict.fromkeys(hit) if key is not None] == wanted
            drawn = tile.lines(columns, height)
            for y in range(height):
                for x in range(columns):
                    key = key_at(STATES[name], columns, y, x, height)
                    assert key is None or drawn[y].plain[x] == str(key)
        tile = found["osdp-1"]
        columns, height = tile.size
        places = [(x, y) for y in range(height) for x in range(columns)]
        at = next((x, y) for x, y in places if key_at(STATES["osdp-1"], columns, y, x, height) == "#")
        tile.scroll_visible(animate=False)
        await stage.settle()
        await stage.pilot.click(tile, offset=at)
        await stage.settle()
        assert ("POST", "/v1/devices/osdp-1/press", {"key": "#"}) in stage.peer.asked

    on(stage, steps, size=(200, 60))


@pytest.mark.parametrize(("opened", "body"), [(False, True), (True, False)])
def test_o_opens_the_case_of_a_keypad(stage, stored, opened, body):
    """The key of covers is that of a keypad's case too; only what makes sense is offered, and an open case is told."""
    for one in stored["devices"]["devices"]:
        if one["name"] == "osdp-1":
            one["case_open"] = opened

    async def steps():
        stage.view.choose("osdp-1")
        assert ("o", "key_case") in stage.view.keys_now()
        offered = [hand.body for hand in hands(stored_state(stage)) if hand.action == "tamper"]
        assert offered == [{"on": body}]
        assert ("case open" in tile(stage, "osdp-1")) is opened
        await stage.press("o")
        assert ("POST", "/v1/devices/osdp-1/tamper", {"on": body}) in stage.peer.asked

    on(stage, steps, size=(200, 60))


def stored_state(stage: Any) -> dict[str, Any]:
    return stage.view.scene.devices["osdp-1"]
