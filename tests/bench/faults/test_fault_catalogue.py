"""The catalogue: all forty, each complete, each with a mechanism, each in the documentation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.faults.acts import ACTS
from bench.faults.catalogue import CATALOGUE, find, nearest
from bench.faults.check import DeviceShape, FaultError, LineShape, Shape, mistakes
from bench.faults.explain import example, explained, table
from bench.faults.line_acts import LINE_ACTS
from bench.scenario.load import ScenarioError, load, parse
from firmware_sim.flaws import FLAWS
from tests.support.faulty_hall import KEYPADS
from tests.support.halls import hall

ROOT = Path(__file__).parents[3]
SHAPE = Shape(
    {
        "keypads": LineShape(True, True, True, frozenset({1, 2})),
        "hall": LineShape(True, True, True, frozenset({1, 41})),
        "ticket": LineShape(False, False, False, frozenset()),
    },
    {
        "keypad-1": DeviceShape("rating_keypad", "keypads", 1),
        "keypad-2": DeviceShape("rating_keypad", "keypads", 2),
        "printer-1": DeviceShape("ticket_printer", "ticket", None),
    },
    0,
    100,
)


def test_all_forty_are_there():
    """N01 to N40, each once, each with a name of its own."""
    ids = [row.id for row in CATALOGUE.values() if row.id.startswith("N")]
    assert ids == [f"N{n:02}" for n in range(1, 41)]


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=list(CATALOGUE))
def test_a_row_is_complete(row):
    """Every fault says what it does and what a port shows, names invariants, and has a mechanism."""
    mechanism, _, what = row.how.partition(":")
    assert what in {"burst": FLAWS, "line": LINE_ACTS, "device": ACTS, "host": ACTS}[mechanism]
    assert len(row.does) > 15
    assert row.port
    assert row.stresses
    for param in row.params:
        assert param.told
        assert param.kind not in ("int", "float") or param.default is None or param.low <= param.default <= param.high


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=list(CATALOGUE))
def test_an_example_of_each_can_be_used(row):
    """The `[[fault]]` table that `explain` shows has no mistake in a hall that has these devices."""
    text = hall(KEYPADS) + "\n" + example(row).replace("10:4", "08:3")
    assert parse(text.encode(), "x.toml", lambda _b: b"").faults[0].name == row.name
    assert row.id in explained(row)


def test_find_and_nearest():
    """By name, by id in any case; a misspelt one is near its own."""
    assert find("n07") is find("N07") is find("crc_collision") is CATALOGUE["crc_collision"]
    assert find("bitflip") is None
    assert nearest("bitflip") == "bit_flip"


@pytest.mark.parametrize(
    ("name", "given", "key", "message", "hint"),
    [
        ("bitflip", {}, "name", 'no fault "bitflip"', 'did you mean "bit_flip"?'),
        ("bit_flip", {"line": "keypads", "byt": 1}, "byt", "has no `byt`", 'did you mean "byte"?'),
        ("bit_flip", {"line": "keypads", "bit": 9}, "bit", "bit 9 is not a whole number 0..7", ""),
        ("bit_flip", {"line": "keypad"}, "line", "no line 'keypad'", 'did you mean "keypads"?'),
        ("bit_flip", {}, "", "needs `line` or `device`", ""),
        ("bit_flip", {"line": "keypads", "unit": 7}, "unit", "no unit 7 on line keypads (there are 1, 2)", ""),
        ("bit_flip", {"line": "ticket", "unit": 1}, "unit", "not Modbus RTU", ""),
        ("bit_flip", {"line": "keypads", "nth": 0}, "nth", "nth is 1 or more", ""),
        ("bit_flip", {"line": "keypads", "rate": 2}, "rate", "a share above 0", ""),
        ("bit_flip", {"line": "keypads", "where": "reply", "phase": "ack"}, "phase", "not in a reply", ""),
        ("bit_flip", {"line": "keypads", "phase": "reply.ende"}, "phase", "no phase", 'did you mean "reply.end"?'),
        (
            "bit_flip",
            {"line": "keypads", "phase": "turnaround"},
            "phase",
            "there is no character",
            "give reply.byte[k], request.byte[k] or ack",
        ),
        ("reboot", {"device": "keypad-1", "at": -1}, "at", "the day has not begun by then", ""),
        ("bit_flip", {"line": "keypads", "after": 5, "before": 5}, "before", "not later than `after`", ""),
        ("bit_flip", {"line": "keypads", "after": 101}, "after", "the day has ended by then", ""),
        ("crc_collision", {"line": "ticket"}, "line", "needs Modbus RTU", ""),
        ("collision", {"device": "printer-1"}, "device", "no RS-485 bus", ""),
        ("reboot", {}, "", "needs `device`", ""),
        ("reboot", {"device": "keypad-3"}, "device", "no device 'keypad-3'", 'did you mean "keypad-2"?'),
        ("reboot", {"device": "keypad-1", "line": "hall"}, "line", "not on line hall but on keypads", ""),
        ("reboot", {"device": "keypad-1", "nth": 2}, "nth", "waits for no frame", ""),
        ("buffer_lost", {"device": "printer-1"}, "device", "cannot happen to printer-1", ""),
        ("address_conflict", {"device": "keypad-1"}, "", "needs `other`", ""),
        ("address_conflict", {"device": "keypad-1", "other": "x"}, "other", "not the name of a device", ""),
        ("device_clock", {"device": "keypad-1", "mode": "jumps"}, "mode", "is not", 'did you mean "jump"?'),
        ("glue", {"line": "keypads", "data": "0x1"}, "data", "characters in hex", ""),
        ("glue", {"line": "keypads", "data": 1}, "data", "characters in hex", ""),
        ("address_conflict", {"device": "keypad-1", "other": 3}, "other", "not the name of a device", ""),
        ("bit_flip", {"line": "keypads", "count": -1}, "count", "1 or more, or 0 for no end, not -1", ""),
        ("bit_flip", {"line": "keypads", "count": True}, "count", "1 or more, or 0 for no end", ""),
        ("bit_flip", {"line": "keypads", "where": "answer"}, "where", "where is 'reply' or 'request' or 'any'", ""),
    ],
)
def test_what_cannot_be_is_told(name, given, key, message, hint):
    """One mistake each, at its key, with what may have been meant."""
    (found,) = mistakes(name, given, SHAPE)
    assert found.key == key
    assert message in found.message
    assert not hint or found.hint == hint
    assert message in str(FaultError([found]))


def test_a_scenario_points_at_the_mistake():
    """File, line and column of a fault that cannot be, all of them at once."""
    text = hall(KEYPADS) + '\n[[fault]]\nname = "bit_flip"\nline = "keypads"\nbite = 3\nunit = 9\n'
    with pytest.raises(ScenarioError) as caught:
        parse(text.encode(), "x.toml", lambda _b: b"")
    first = text[: text.index("bite")].count("\n") + 1
    told = str(caught.value)
    assert f"x.toml:{first}:1: the fault bit_flip has no `bite`" in told
    assert f"x.toml:{first + 1}:8: the fault bit_flip would never strike: no unit 9" in told


def test_no_faults_change_no_hash():
    """A scenario without faults has the hash that it had before there were any."""
    dumped = load("tan_hoi").model_dump(mode="json", by_alias=True)
    assert "fault" not in dumped


def test_the_storm_has_every_fault():
    """The shipped storm has each fault of the catalogue."""
    assert {find(fault.name).name for fault in load("storm").faults} == set(CATALOGUE)  # type: ignore[union-attr]


def test_the_documentation_has_the_catalogue():
    """The table of docs/faults.md is the one that the catalogue gives."""
    assert table() in (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")


def test_explain():
    """`hallbench explain` tells one by id, lists all without a name, and finds what may have been meant."""

    def told(*args: str) -> tuple[int, str]:
        done = subprocess.run([sys.executable, "-m", "bench.cli", "explain", *args], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    code, text = told("n07")
    assert code == 0
    assert "crc_collision" in text
    assert "J5" in text
    everything = told()[1]
    assert all(name in everything for name in CATALOGUE)
    assert told("bitflip") == (2, "Error: there is no fault 'bitflip'\n  did you mean bit_flip?\n")
