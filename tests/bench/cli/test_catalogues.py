"""`devices` and `scenarios` show what is really there, from where it really is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

import scenarios as shipped
from bench.cli import devices
from bench.cli.main import main
from bench.run.rig import PROTOCOLS
from bench.scenario import load, model
from bench.scenario.devices import DeviceSpec
from protocol.escpos.commands import ROWS
from protocol.modbus.maps.led485 import LED485
from protocol.modbus.maps.reference_keypad import EVENT_WORDS, Event


def test_every_kind_of_a_scenario_is_in_the_catalogue() -> None:
    """The catalogue has exactly the kinds that a scenario can place, with the protocols they really speak."""
    union = get_args(DeviceSpec)[0]
    kinds = {get_args(spec.model_fields["kind"].annotation)[0] for spec in get_args(union)}
    assert set(devices.KIND) == kinds
    assert {kind: entry.protocol for kind, entry in devices.KIND.items()} == dict(PROTOCOLS)


@pytest.mark.parametrize("kind", devices.KIND)
def test_a_kind_is_described_by_its_own_module(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind tells what it is, what people do to it, its source and grade, and what it leaves out."""
    assert main(["devices", kind, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema_version"] == 1
    assert told["title"]
    assert told["human_side"]
    assert all(hand["does"] for hand in told["human_side"])
    assert told["not_emulated"]
    assert told["source"]["document"]
    assert told["source"]["meaning"]
    assert main(["devices", kind]) == 0
    assert told["title"] in capsys.readouterr().out


def test_registers_and_commands_are_the_tables_themselves() -> None:
    """Every row of the map and of the command table is shown, as it stands there."""
    rows = devices.describe("counter_display")["registers"]
    assert [(row["name"], row["address"]) for row in rows] == [(row.name, f"0x{row.address:04X}") for row in LED485]
    assert [row["name"] for row in devices.describe("ticket_printer")["commands"]] == [row.name for row in ROWS]


@pytest.mark.parametrize("kind", ["rating_keypad", "clerk_console", "kiosk_button"])
def test_the_block_of_an_event_is_told_register_by_register(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever writes a collector reads from `devices` what stands in each register of an event, and what frees it."""
    told = devices.describe(kind)["event"]
    assert [row["register"] for row in told["registers"]] == list(range(EVENT_WORDS))
    event = Event(epoch=1, sequence=2, flags=3, value=4, seconds=5 << 16 | 6, milliseconds=7, clerk=8, ticket=9)
    names = [row["name"] for row in told["registers"]]
    assert dict(zip(names, event.words(), strict=True)) == {
        "epoch": 1, "sequence": 2, "value": 3 << 8 | 4, "seconds high": 5, "seconds low": 6, "milliseconds": 7,
        "clerk": 8, "ticket": 9,
    }  # fmt: skip
    assert main(["devices", kind]) == 0
    shown = capsys.readouterr().out
    assert "seconds high" in shown
    assert "frees it and all older ones" in " ".join(shown.split())


def test_other_devices_have_no_events() -> None:
    """A display has a register map and no block of events."""
    assert "event" not in devices.describe("counter_display")


def test_a_printer_can_be_handled() -> None:
    """The human side of a printer is its methods that take the time, without the line's callbacks."""
    hands = {hand["name"] for hand in devices.describe("ticket_printer")["human_side"]}
    assert {"open_cover", "load_paper", "take_paper", "unplug"} <= hands
    assert not hands & {"hear", "wake"}


def test_an_unknown_kind_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """A kind that is not there exits 2 and the kinds are named."""
    assert main(["devices", "toaster"]) == 2
    assert "rating_keypad" in capsys.readouterr().err


def test_all_devices_in_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a name every kind has a row; --json holds the same."""
    assert main(["devices"]) == 0
    told = capsys.readouterr().out
    assert all(kind in told for kind in devices.KIND)
    assert main(["devices", "--json"]) == 0
    assert [row["kind"] for row in json.loads(capsys.readouterr().out)["devices"]] == list(devices.KIND)


def test_all_shipped_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every shipped scenario has its row, and the list exits 0 as long as all are valid."""
    assert main(["scenarios", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in told["scenarios"]] == shipped.available()
    assert told["broken"] == []
    assert main(["scenarios"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in shipped.available())


@pytest.mark.parametrize("name", shipped.available())
def test_a_scenario_in_detail(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The detail has every line with its settings and every device with its unit, as the scenario has them."""
    scenario = load.load(name)
    assert main(["scenarios", name, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    found = [(line["name"], line["settings"], line["owner"]) for line in told["line"]]
    assert found == [(line.name, line.settings, line.owner) for line in scenario.lines]
    units = {device["name"]: device.get("unit") for line in told["line"] for device in line["devices"]}
    assert units == {device.name: getattr(device, "unit", None) for _, device in scenario.placed}
    assert told["sha256"] == scenario.sha256
    assert main(["scenarios", name]) == 0
    text = capsys.readouterr().out
    assert all(device.name in text for _, device in scenario.placed)


def test_a_file_of_ones_own_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path is read as a scenario too."""
    path = tmp_path / "mine.toml"
    path.write_bytes(shipped.resource("tan_hoi").read_bytes())
    assert main(["scenarios", str(path)]) == 0
    assert "mine: " in capsys.readouterr().out


def test_a_broken_scenario_exits_3_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Mistakes are told with file, line and column on stderr, stdout stays empty, exit 3."""
    path = tmp_path / "mine.toml"
    path.write_text('title = "x"\ndate = "not a date"\n', encoding="utf-8")
    assert main(["scenarios", str(path)]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert "mine.toml:2:" in told.err


def test_an_unknown_name_exits_3(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that does not ship is told with those that do."""
    assert main(["scenarios", "tan_hoy"]) == 3
    assert "tan_hoi" in capsys.readouterr().err


def test_a_broken_shipped_scenario_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If one of the shipped files is wrong, the others are listed, it is named, and the exit code is 3."""
    real = load.load

    def some(name: str) -> model.Scenario:
        if name == "tan_hoi":
            raise load.ScenarioError([load.Problem("tan_hoi.toml", 1, 1, "spoiled", "x")])
        return real(name)

    monkeypatch.setattr(load, "load", some)
    assert main(["scenarios", "--json"]) == 3
    told = capsys.readouterr()
    assert json.loads(told.out)["broken"] == ["tan_hoi"]
    assert "tan_hoi.toml:1:1: spoiled" in told.err
