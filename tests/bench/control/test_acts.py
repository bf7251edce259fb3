"""Every act of every kind of device can be done over the API, is in its document, and is seen in the state."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.control.acts import ACTS
from bench.control.api import ROUTES
from bench.control.client import Client
from bench.control.faces import look
from bench.control.openapi import document
from bench.hall.day import draw
from bench.run.rig import Rig
from bench.run.world import World
from bench.scenario.load import load
from bench.tui.hands import hands
from firmware_sim.devices.declared_device import DeclaredDevice

HALL = Path(__file__).parents[2] / "support" / "every_device.toml"
DOCS = Path(__file__).parents[3] / "docs" / "control.md"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: Any) -> Rig:
    scenario = load(str(HALL))
    with (tmp_path_factory.mktemp("acts") / "sink").open("wb") as sink:
        world = World(scenario, draw(scenario, 1), sink, clock="virtual", evidence="hash", store=lambda _rows: ())
        yield world.rig


def test_every_hand_of_every_device_is_in_the_table(rig: Rig) -> None:
    """What a device's `human` has is in the table or in its declaration; the table has nothing that no device has."""
    known: set[str] = set()
    for name, placed in rig.devices.items():
        declared = set(placed.thing.declaration.actions) if isinstance(placed.thing, DeclaredDevice) else set()
        assert set(placed.thing.human) <= set(ACTS) | declared, name
        known |= set(placed.thing.human)
    assert set(ACTS) <= known


def test_what_hands_did_is_seen(rig: Rig) -> None:
    """A field of the state tells what each act changed, so that the view offers the direction that makes sense."""
    for name, placed in rig.devices.items():
        seen = {"tickets": [], **look(placed.thing, 0)}
        for action in set(placed.thing.human) & set(ACTS):
            row = ACTS[action]
            assert not row.state or row.state in {**seen.get("state", {}), **seen}, (name, action)


def test_every_act_is_offered_by_the_view_in_some_state(rig: Rig) -> None:
    """Whatever a device can be done to, the view offers in its present state or in the opposite one."""
    switches = ("case_open", "supply_low", "feed_held", "cover_open", "cutter_error", "head_hot", "ticket_out")
    for name, placed in rig.devices.items():
        state = {"name": name, **look(placed.thing, 0)}
        other = {**state, **{field: not state[field] for field in switches if field in state}}
        jammed = {**state, "paper": {**state.get("paper", {}), "jam": True}}
        offered = {hand.action for one in (state, other, jammed, {**state, "powered": False}) for hand in hands(one)}
        assert offered == set(placed.thing.human), name


def test_the_document_lists_them() -> None:
    """OpenAPI names each action as an example of the path's part, and docs/control.md has each."""
    operation = document(ROUTES)["paths"]["/v1/devices/{name}/{action}"]["post"]
    (part,) = (one for one in operation["parameters"] if one["name"] == "action")
    assert set(part["examples"]) == set(ACTS)
    text = DOCS.read_text("utf-8")
    assert set(ACTS) <= set(re.findall(r"`(\w+)`", text))


def test_tamper_over_the_api_and_the_commands(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    """A case that is opened is in the state, in `hallbench show`, and closed again; fields of others are refused."""
    assert main(["press", "keypad-1", "--do", "tamper", "--on"]) == 0
    assert client.get("/v1/devices/keypad-1")["case_open"] is True
    capsys.readouterr()
    assert main(["show", "keypad-1"]) == 0
    assert "case open" in capsys.readouterr().out
    assert main(["press", "keypad-1", "--do", "tamper", "--off"]) == 0
    assert client.get("/v1/devices/keypad-1")["case_open"] is False
    assert main(["press", "printer-1", "--do", "hold_feed"]) == 0
    assert client.get("/v1/devices/printer-1")["feed_held"] is True
    assert main(["press", "printer-1", "--do", "release_feed"]) == 0
    assert client.get("/v1/devices/printer-1")["feed_held"] is False
    assert main(["press", "keypad-1", "--do", "unplug", "--arg", "1"]) != 0
