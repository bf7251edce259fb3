"""Halls whose boards and displays speak other protocols: a day through the command line, with all invariants."""

from __future__ import annotations

from pathlib import Path

import pytest

BOARDS = Path(__file__).parents[1] / "support" / "boards.toml"
DISPLAYS = """\
  { kind = "counter_display", unit = 21, counter = 1, protocol = "dm36", digits = 6 },
  { kind = "counter_display", unit = 22, counter = 2, protocol = "dm36", digits = 4 },
"""
EMBEDDED = """\
  { kind = "counter_display", unit = 21, counter = 1, protocol = "embeddedart", digits = 8 },
  { kind = "counter_display", unit = 22, counter = 2, protocol = "embeddedart", digits = 4 },
"""
ASCII = """
[[line]]
name = "displays"
owner = "house"
devices = [
  { kind = "counter_display", unit = 21, counter = 1, protocol = "ascii", digits = 4 },
  { kind = "counter_display", unit = 22, counter = 2, protocol = "ascii", digits = 6 },
]
"""


def holds(ended) -> None:
    """Whatever could be broken here was exercised, and nothing is."""
    assert ended.code == 0, ended.out + ended.err
    found = {name: one["verdict"] for name, one in ended.json["invariants"].items()}
    assert set(found.values()) <= {"HOLDS", "NOT EXERCISED"}, found
    asked = {"loss", "duplication", "attribution", "phantom", "order", "lateness", "time", "tickets", "calls"}
    assert {name for name, verdict in found.items() if verdict == "HOLDS"} >= asked, found
    assert ended.json["counts"]["calls"] == ended.json["counts"]["visitors"] > 5


def shown(records, device: str) -> list[str]:
    return [record["text"] for record in records if record.get("k") == "shown" and record.get("device") == device]


def test_a_day_with_an_alpha_board_and_dm36_displays(hallbench):
    """Calls stand on the 7-segment displays and on the board, whose rows move up with each call."""
    ended = hallbench("day", BOARDS, "--out", "run", "--no-report", "--json")
    holds(ended)
    records = hallbench.records()
    calls = [record for record in records if record.get("k") == "call"]
    assert len(calls) == ended.json["counts"]["calls"]
    rows = [record for record in records if record.get("k") == "shown" and record.get("device") == "sign-1"]
    top = [record["text"] for record in rows if record["row"] == 1 and record["text"]]
    assert top == [f"{call['ticket']} -> {call['counter']}" for call in calls]
    for call in calls:
        told = next(row for row in rows if row["t"] >= call["t"] and row["text"].startswith(call["ticket"]))
        assert told["t"] - call["t"] < 2_000_000_000, f"{call['ticket']} stood on the board late"
    assert {text for text in shown(records, "display-1") if text.strip("-")} <= {call["ticket"] for call in calls}
    assert not [record for record in records if record.get("k") in ("rejected", "hurried", "board_error", "down")]


@pytest.mark.parametrize(("displays", "lines"), [(EMBEDDED, ""), ("", ASCII)], ids=["embeddedart", "ascii"])
def test_a_day_with_other_displays(hallbench, displays: str, lines: str):
    """Text displays by Modbus, and 7-segment displays by their ASCII protocol on a line of their own."""
    text = BOARDS.read_text(encoding="utf-8")
    assert DISPLAYS in text
    scenario = hallbench.script("hall.toml", text.replace(DISPLAYS, displays) + lines)
    holds(hallbench("day", scenario, "--out", "run", "--no-report", "--json"))
    assert any(shown(hallbench.records(), "display-2"))


@pytest.mark.gate  # tests/acceptance/test_day.py has it for the halls that ship
def test_the_same_seed_gives_the_same_history(hallbench):
    """Two runs, byte for byte; another seed another one."""
    for out, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert hallbench("day", BOARDS, "--out", out, "--no-report", "--seed", seed).code == 0
    first, second, third = ((hallbench.cwd / out / "history.ndjson").read_bytes() for out in "abc")
    assert first == second != third
