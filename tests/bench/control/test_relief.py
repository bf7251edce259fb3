"""A stand-in that was relieved is silent: nobody polls a line that the program under test has taken over."""

from __future__ import annotations

import io
from pathlib import Path

from bench.hall.day import draw
from bench.run.world import World
from bench.scenario.load import load
from firmware_sim.device import NS

SMALL = Path(__file__).parents[2] / "support" / "small.toml"


def test_a_relieved_stand_in_is_silent():
    """After `relieve` no burst of the stand-in's goes over the program's line, and the house's own lines go on."""
    scenario = load(str(SMALL))
    heard: list[tuple[int, str, str]] = []
    world = World(scenario, draw(scenario, 1), io.BytesIO(), evidence="hash", store=lambda _rows: ())
    world.stand_in(("keypads",))
    world.rig.listen(lambda start, line, src, _data, _flaws, _end: heard.append((start, line, src)))
    world.begin()
    world.clockwork.advance_to(scenario.start + 30 * NS)
    assert any(line == "keypads" for _, line, _ in heard)
    world.relieve()
    at = world.clockwork.now
    world.clockwork.advance_to(at + 30 * NS)
    later = [(line, src) for start, line, src in heard if start > at]
    assert not [src for line, src in later if line == "keypads"]
    assert any(line == "hall" for line, _ in later)
    world.end("the test is over")
