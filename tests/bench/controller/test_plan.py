"""The controller's plan of a hall, from a scenario."""

from __future__ import annotations

import pytest

from bench.controller.plan import EVENT_KINDS, TEXT_KINDS, LinePlan, PrinterPlan, UnitPlan, from_scenario
from bench.controller.tickets import profile_of, ticket_text
from bench.scenario.load import available, load
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS

HALL = """
title = "A test hall"
date = 2025-03-10
timezone = "Asia/Ho_Chi_Minh"
rating_window_s = 20

[hours]
open = ["07:30-11:30"]

[arrivals]
visitors = 10
shape = { "07:30" = 1, "11:30" = 1 }

[[errand]]
name = "copy"
letter = "A"
share = 1
minutes = { median = 5, p90 = 9 }

[[errand]]
name = "birth"
letter = "B"
share = 1
priority = 2
minutes = { median = 5, p90 = 9 }

[[counter]]
number = 1
clerk = "C07"
errands = ["birth", "copy"]

[[line]]
name = "keypads"
owner = "collector"
devices = [{ kind = "rating_keypad", unit = 1, counter = 1 }]

[[line]]
name = "hall"
owner = "house"
settings = "19200 8E1"
poll_s = 0.25
turnaround_ms = 5
devices = [
  { kind = "clerk_console", unit = 11, counter = 1 },
  { kind = "counter_display", unit = 12, counter = 1, digits = 5 },
  { kind = "main_board", unit = 13, rows = 3 },
  { kind = "kiosk_button", unit = 14, printer = "printer-1", errands = ["birth", "copy"] },
]

[[line]]
name = "ticket"
owner = "house"
settings = "38400 8N1"
duplex = "full"
devices = [{ kind = "ticket_printer", profile = "kiosk-58" }]
"""


@pytest.fixture
def scenario(tmp_path):
    file = tmp_path / "hall.toml"
    file.write_text(HALL, encoding="utf-8")
    return load(str(file))


@pytest.fixture
def plan(scenario):
    return from_scenario(scenario)


def owned_by(scenario, owner, *names):
    """The scenario with the owner of some lines (all: none named) changed."""
    lines = tuple(
        line.model_copy(update={"owner": owner}) if not names or line.name in names else line for line in scenario.lines
    )
    return scenario.model_copy(update={"lines": lines})


def test_only_the_lines_of_the_house_are_in_the_plan(plan):
    """The collector's line is nobody else's business; the house's lines are there with all that drives them."""
    assert [line.name for line in plan.lines] == ["hall", "ticket"]
    hall, ticket = plan.lines
    assert hall == LinePlan(
        "hall",
        LineSettings(19200, 8, "E", 1),
        (
            UnitPlan("console-1", "clerk_console", 11, 1),
            UnitPlan("display-1", "counter_display", 12, 1, digits=5),
            UnitPlan("board-1", "main_board", 13, rows=3),
            UnitPlan("kiosk-1", "kiosk_button", 14),
        ),
        poll=NS // 4,
        turnaround=5_000_000,
    )
    assert ticket.printer == PrinterPlan("printer-1", "kiosk-58")
    assert ticket.units == ()


def test_counters_know_their_devices_and_errands(plan):
    """A keypad on the collector's line is not the house's: its counter has none here."""
    (counter,) = plan.counters
    assert (counter.number, counter.clerk, counter.clerk_code) == (1, "C07", 7)
    assert counter.errands == {0, 1}
    assert (counter.keypad, counter.display) == (None, "display-1")
    assert plan.clerks() == {7: "C07"}


def test_kiosks_know_their_errands_and_printer(plan):
    """Key 1 of this kiosk is the hall's second errand, key 2 its first."""
    (kiosk,) = plan.kiosks
    assert (kiosk.name, kiosk.printer, kiosk.errands) == ("kiosk-1", "printer-1", (1, 0))
    assert [(errand.letter, errand.priority) for errand in plan.errands] == [("A", 0), ("B", 2)]
    assert plan.rating_window == 20 * NS


def test_a_kiosk_whose_printer_is_not_the_houses_prints_nothing(scenario):
    """The plan says so, and the office lets its tickets wait at once."""
    plan = from_scenario(owned_by(scenario, "collector", "ticket"))
    assert [line.name for line in plan.lines] == ["hall"]
    assert plan.kiosks[0].printer is None


def test_a_printer_shares_its_line_with_nobody(scenario):
    """A scenario that would put two masters' protocols on one line is refused with the names."""
    hall, ticket = (line for line in scenario.lines if line.owner == "house")
    mixed = ticket.model_copy(update={"devices": (*ticket.devices, *hall.devices[:1])})
    with pytest.raises(
        ValueError, match="line ticket: a ticket printer is alone on its line, here are printer-1, console-1"
    ):
        from_scenario(scenario.model_copy(update={"lines": (mixed,)}))


@pytest.mark.parametrize("name", available())
def test_every_shipped_scenario_has_a_plan(name):
    """Whatever ships can be run by the house: a console for each counter, printers that know Vietnamese."""
    scenario = load(name)
    plan = from_scenario(owned_by(scenario, "house"))
    kinds = [unit.kind for unit in plan.units()]
    assert kinds.count("clerk_console") == len(plan.counters)
    assert set(kinds) <= EVENT_KINDS | TEXT_KINDS
    for line in plan.lines:
        if line.printer is not None:
            profile = profile_of(line.printer.profile)
            assert ticket_text(plan, profile, "A001", 0, 27_000 * NS, 3)


def test_a_profile_that_does_not_exist_is_told_with_those_that_do():
    """The message names the profiles there are."""
    with pytest.raises(LookupError, match=r"no printer profile 'tm-x'; there are kiosk-58, kiosk-80, tm-t88"):
        profile_of("tm-x")


def test_a_title_with_a_control_character_prints(plan):
    """What would be a command to the printer is a space on the ticket."""
    from dataclasses import replace

    text = ticket_text(replace(plan, title="A\tB\x1bC"), profile_of("tm-t88"), "A001", 0, 0, 0)
    assert b"A B C\n" in text
