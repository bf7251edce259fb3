"""The OSDP control panel of the house, with real keypads on a real line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.controller.osdp_master import OsdpMaster
from bench.controller.rows import StoreFailed
from firmware_sim.burst import LineSettings
from firmware_sim.devices.osdp_keypad import OsdpKeypad
from firmware_sim.line import Line
from timers import Loop

MS = 1_000_000
NS = 1_000_000_000


class Bus:
    def __init__(self, *addresses: int) -> None:
        self.loop = Loop()
        self.line = Line("keypads", self.loop, LineSettings())
        self.ratings: list[tuple[str, int]] = []
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self.notes: list[tuple[str, str]] = []
        self.fails = 0
        self.line.on_note(lambda name, _t, note: self.notes.append((name, note.kind)))
        self.keypads = {f"keypad-{a}": OsdpKeypad(f"keypad-{a}", address=a) for a in addresses}
        for keypad in self.keypads.values():
            self.line.attach(keypad)
        units = [(name, keypad.address) for name, keypad in self.keypads.items()]
        self.master = OsdpMaster("house", self.line.settings, units, self.rated, self.tell)
        self.line.attach_master(self.master)
        self.line.apply(self.master, self.master.start(0))

    def rated(self, _now: int, device: str, value: int) -> None:
        if self.fails:
            self.fails -= 1
            raise StoreFailed("the disk is full")
        self.ratings.append((device, value))

    def tell(self, _now: int, kind: str, facts: Mapping[str, Any]) -> None:
        self.told.append((kind, facts))

    def do(self, name: str, action: str, *arguments: Any) -> None:
        keypad = self.keypads[name]
        self.line.apply(keypad, getattr(keypad, action)(self.loop.now, *arguments))

    def wait(self, duration: int) -> None:
        self.loop.run(self.loop.now + duration)


def test_every_key_once_from_every_keypad() -> None:
    """Presses of three keypads, each told once and confirmed."""
    bus = Bus(1, 2, 3)
    for key in (1, 5, 3):
        for name in bus.keypads:
            bus.do(name, "press", key)
        bus.wait(3 * NS)
    assert sorted(bus.ratings) == sorted((name, key) for name in bus.keypads for key in (1, 5, 3))
    assert [kind for _, kind in bus.notes].count("ack") == 9


def test_a_reply_that_is_lost_costs_nothing() -> None:
    """The reply with the key is cut off: the same number is asked again, the key comes once."""
    bus = Bus(1)
    bus.wait(NS)
    bus.do("keypad-1", "press", 4)
    cut = 0
    for _ in range(4000):
        bus.wait(MS)
        station = bus.line._by_device[id(bus.keypads["keypad-1"])]
        if cut < 2 and station.current is not None and len(station.current.data) > 8:
            bus.line._stop(station)
            cut += 1
    assert cut == 2
    assert bus.ratings == [("keypad-1", 4)]


def test_a_key_is_confirmed_after_it_is_stored() -> None:
    """While the store fails the same poll is repeated; then the key is stored once."""
    bus = Bus(1)
    bus.wait(NS)
    bus.fails = 3
    bus.do("keypad-1", "press", 2)
    bus.wait(10 * NS)
    assert bus.ratings == [("keypad-1", 2)]
    assert [kind for kind, _ in bus.told].count("store_failed") == 3


def test_a_keypad_that_goes_and_comes() -> None:
    """Down after three misses, up again by itself; tamper is told."""
    bus = Bus(1, 2)
    bus.wait(NS)
    bus.do("keypad-1", "unplug")
    bus.wait(10 * NS)
    bus.do("keypad-1", "plug_in")
    bus.do("keypad-1", "tamper", True)
    bus.wait(10 * NS)
    bus.do("keypad-1", "press", 1)
    bus.do("keypad-2", "press", 5)
    bus.wait(3 * NS)
    assert [kind for kind, _ in bus.told] == ["down", "up", "tamper"]
    assert sorted(bus.ratings) == [("keypad-1", 1), ("keypad-2", 5)]
