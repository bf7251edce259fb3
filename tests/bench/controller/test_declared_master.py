"""The master of declared devices, with real FF68 devices on a real line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bench.controller.declared_master import DeclaredMaster, DeclaredUnit
from bench.controller.rows import StoreFailed
from declared import codec
from firmware_sim.burst import LineSettings
from firmware_sim.devices.declared_device import DeclaredDevice
from firmware_sim.line import Line
from timers import Loop

MS = 1_000_000
NS = 1_000_000_000


class Windows:
    """Two windows: a console and an evaluator at each, under one address."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.line = Line("windows", self.loop, LineSettings())
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self.ratings: list[tuple[str, int]] = []
        self.keys: list[tuple[str, int]] = []
        self.fails = 0
        self.notes: list[tuple[str, str]] = []
        self.devices: dict[str, DeclaredDevice] = {}
        units = []
        for number in (1, 2):
            for kind in ("console", "evaluator"):
                name = f"{kind}-{number}"
                self.devices[name] = DeclaredDevice(name, codec(f"ff68_{kind}"), unit=number)
                self.line.attach(self.devices[name])
                units.append(DeclaredUnit(name, number, codec(f"ff68_{kind}")))
        self.line.on_note(lambda device, _t, note: self.notes.append((device, note.kind)))
        self.master = DeclaredMaster("house", self.line.settings, units, self.rated, self.pressed, self.tell)
        self.line.attach_master(self.master)
        self.line.apply(self.master, self.master.start(0))

    def rated(self, _now: int, device: str, value: int) -> None:
        if self.fails:
            self.fails -= 1
            raise StoreFailed("the disk is full")
        self.ratings.append((device, value))

    def pressed(self, _now: int, device: str, key: int) -> None:
        self.keys.append((device, key))

    def tell(self, _now: int, kind: str, facts: Mapping[str, Any]) -> None:
        self.told.append((kind, facts))

    def press(self, device: str, key: int) -> None:
        self.line.apply(self.devices[device], self.devices[device].press(self.loop.now, key))

    def wait(self, duration: int) -> None:
        self.loop.run(self.loop.now + duration)


def test_ratings_and_keys_arrive_once() -> None:
    """Each press is taken once, answered, and not repeated."""
    hall = Windows()
    for device, key in (("evaluator-1", 4), ("evaluator-2", 1), ("console-1", 1), ("console-2", 3), ("console-2", 7)):
        hall.press(device, key)
        hall.wait(NS)
    assert hall.ratings == [("evaluator-1", 4), ("evaluator-2", 1)]
    assert hall.keys == [("console-1", 1), ("console-2", 3), ("console-2", 7)]
    assert [kind for _, kind in hall.notes].count("ack") == 5
    assert hall.told == []


def test_two_at_once_collide_and_both_arrive() -> None:
    """A collision costs a repetition, not a press: patience differs by address."""
    hall = Windows()
    hall.press("evaluator-1", 1)
    hall.press("evaluator-2", 2)
    hall.wait(5 * NS)
    assert hall.line.collisions
    assert sorted(hall.ratings) == [("evaluator-1", 1), ("evaluator-2", 2)]


def test_a_lost_answer_is_a_repetition_not_a_second_rating() -> None:
    """The same frame after the time of a repetition is answered again and not counted; a later press counts."""
    hall = Windows()
    rating = codec("ff68_evaluator").write("rate", {"addr": 1, "key": 2})
    hall.press("evaluator-1", 3)
    hall.wait(12 * MS)  # the frame has arrived; what answers it is lost
    hall.line._stop(hall.line.master)
    hall.wait(3 * NS)
    assert hall.ratings == [("evaluator-1", 3)]
    assert ("repeated", {"device": "evaluator-1"}) in hall.told
    hall.press("evaluator-1", 3)
    hall.wait(NS)
    assert hall.ratings == [("evaluator-1", 3)] * 2
    assert rating


def test_nothing_is_answered_that_is_not_stored() -> None:
    """While the store fails there is no answer; the repetition is stored then."""
    hall = Windows()
    hall.fails = 2
    hall.press("evaluator-1", 2)
    hall.wait(5 * NS)
    assert hall.ratings == [("evaluator-1", 2)]
    assert [kind for kind, _ in hall.told] == ["store_failed", "store_failed"]
    assert [kind for _, kind in hall.notes].count("ack") == 1


def test_what_the_house_says() -> None:
    """A window opens at the evaluator, a ticket stands on the console's panel."""
    hall = Windows()
    hall.line.apply(hall.master, hall.master.window(0, "evaluator-1"))
    hall.line.apply(hall.master, hall.master.show(0, "console-2", "042"))
    hall.wait(NS)
    assert ("evaluator-1", "evaluation") in hall.notes
    assert ("evaluator-2", "evaluation") not in hall.notes
    assert hall.devices["console-2"].state["number"] == "042"
    assert hall.devices["console-1"].state["number"] == "   "


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_no_press(seed: int) -> None:
    """Random bytes on the line raise nothing, and the next press arrives."""
    import random

    hall = Windows()
    rng = random.Random(seed)
    now = NS
    for _ in range(50):
        now += 40 * MS
        hall.master.hear(now, rng.randbytes(rng.randrange(1, 40)), now - MS, now, None)
    hall.loop.run(now + NS)
    hall.ratings.clear()
    hall.press("evaluator-2", 4)
    hall.wait(NS)
    assert hall.ratings == [("evaluator-2", 4)]
