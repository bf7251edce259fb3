"""Whole days with devices by declaration, OSDP keypads and voices: judged from their evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.cli.new_cmd import scaffold
from halls import FF68_CONSOLES, FF68_KEYPADS, OSDP_KEYPADS, hall, voice

DAYS = {
    "ff68": hall(FF68_CONSOLES, voice(), consoles=""),
    "ff68_keypads": hall(FF68_KEYPADS, voice("dfplayer", ', profile = "finish_twice"')),
    "osdp": hall(OSDP_KEYPADS, voice("syn6288")),
    "dtr": hall(OSDP_KEYPADS, voice()).replace('"ticket_printer" }', '"ticket_printer", handshake = "dtr" }'),
    "mute": hall(OSDP_KEYPADS, voice("dfplayer", ', profile = "mute"')),
}


def day(text: str, folder: Path) -> tuple[int, dict[str, Any]]:
    (folder / "hall.toml").write_text(text, encoding="utf-8")
    code = main(["day", str(folder / "hall.toml"), "--out", str(folder / "run"), "--no-report"])
    return code, json.loads((folder / "run/verdict.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", DAYS)
def test_the_house_runs_them_all(name: str, tmp_path: Path) -> None:
    """No rating lost, told twice or put down to the wrong clerk; every call shown and spoken."""
    code, verdict = day(DAYS[name], tmp_path)
    assert (code, verdict["verdict"]) == (0, "HOLDS"), verdict["sentence"]
    assert verdict["counts"]["presses"] > 10
    calls = verdict["invariants"]["calls"]["figures"]
    assert calls["spoken"] == verdict["counts"]["calls"] > 10
    assert "shown and spoken in time" in verdict["sentence"]


def test_the_same_seed_gives_the_same_history(tmp_path: Path) -> None:
    """Byte for byte, also with devices that speak unasked."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        day(DAYS["ff68"], tmp_path / name)
    first, second = ((tmp_path / name / "run/history.ndjson").read_bytes() for name in ("a", "b"))
    assert first == second


def test_a_voice_that_is_too_slow_is_found(tmp_path: Path) -> None:
    """A limit that no sentence can keep: every call is a violation, and the stories tell what was said."""
    code, verdict = day(hall(OSDP_KEYPADS, voice("dfplayer", ", within_s = 2")), tmp_path)
    assert (code, verdict["verdict"]) == (1, "VIOLATED")
    calls = verdict["invariants"]["calls"]
    assert calls["figures"]["unspoken"] == verdict["counts"]["calls"]
    assert "NOT SPOKEN" in calls["stories"][0]


SLOW = Path(__file__).parents[2] / "examples/acme_v1.toml"


@pytest.mark.parametrize(("within", "ends"), [("", "HOLDS"), (", within_s = 30", "VIOLATED")])
def test_a_vendors_voice_that_takes_its_time(within: str, ends: str, tmp_path: Path) -> None:
    """Half a minute for a call: it is waited for, and a call has time for another one before it, unless the hall says
    that it has not."""
    declared = SLOW.read_text(encoding="utf-8").replace("ms = 4000", "ms = 29000")
    (tmp_path / "slow.toml").write_text(declared, encoding="utf-8")
    line = voice().replace('"voice_caller", protocol = "dfplayer"', f'"declared", protocol = "slow.toml"{within}')
    _, verdict = day(hall(OSDP_KEYPADS, line), tmp_path)
    assert verdict["invariants"]["calls"]["verdict"] == ends, verdict["sentence"]
    history = [json.loads(text) for text in (tmp_path / "run/history.ndjson").read_text(encoding="utf-8").splitlines()]
    assert all(one["whole"] for one in history if one.get("k") == "spoken")


ACME = Path(__file__).parents[2] / "examples/acme_d6.toml"
LED485 = """
[[line]]
name = "displays"
owner = "house"
devices = [
  { kind = "declared", protocol = "led485_ascii", unit = 1, counter = 1 },
  { kind = "declared", protocol = "led485_ascii", unit = 2, counter = 2 },
]

[[line]]
name = "bar"
owner = "house"
settings = "57600 8N1"
devices = [{ kind = "declared", protocol = "onbon" }]
"""
BOARD = """
[[line]]
name = "boards"
owner = "house"
devices = [{ kind = "declared", protocol = "board.toml", unit = 3 }]
"""
NATIVE = """\
  { kind = "counter_display", unit = 21, counter = 1 },
  { kind = "counter_display", unit = 22, counter = 2 },
"""


@pytest.mark.parametrize("lines", [LED485, BOARD], ids=["displays", "board"])
def test_a_day_with_no_display_but_declared_ones(lines: str, tmp_path: Path) -> None:
    """The house writes each call where visitors read it; nobody goes to a counter otherwise.

    The judge looks at displays of counters: with a board alone the invariant `calls` has nothing to say.
    """
    (tmp_path / "board.toml").write_text(scaffold("board", "board", "board.toml"), encoding="utf-8")
    text = hall(OSDP_KEYPADS, lines)
    assert NATIVE in text
    text = text.replace(NATIVE, "")
    if lines is BOARD:
        text = text.replace('"tickets", "calls"]', '"tickets"]')
    code, verdict = day(text, tmp_path)
    assert (code, verdict["verdict"]) == (0, "HOLDS"), verdict["sentence"]
    counts = verdict["counts"]
    assert counts["calls"] == counts["visitors"] > 10
    history = [json.loads(line) for line in (tmp_path / "run/history.ndjson").read_text(encoding="utf-8").splitlines()]
    assert [one["why"] for one in history if one.get("k") == "leaves"] == ["served"] * counts["visitors"]
    shown = [one["text"] for one in history if one.get("k") == "shown" and one["text"].strip("- ")]
    if lines is LED485:  # the bar has the counter with the ticket, and is told by rows
        bar = {one["text"].split(" ")[0] for one in history if one.get("k") == "shown" and one.get("row") == 1}
        assert bar - {""} == {one["ticket"] for one in history if one.get("k") == "call"}
    called = {one["ticket"] for one in history if one.get("k") == "call"}
    assert {text.split(" ")[0] for text in shown} == called
    if lines is LED485:
        assert verdict["invariants"]["calls"]["verdict"] == "HOLDS"
        assert [one["on"] for one in history if one.get("k") == "screen"] == [True]
