"""Polls that are booked instead of played: the same history byte for byte, the same counters, the same everything."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.clock.clockwork import Clockwork
from bench.clock.kernel import Kernel
from bench.controller.house import HouseController
from bench.controller.plan import ControllerPlan, CounterPlan, ErrandPlan, KioskPlan, LinePlan, UnitPlan
from bench.controller.rows import Row
from bench.judge.folding import WireLog
from bench.judge.history import HistoryWriter
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS, Note, Send
from firmware_sim.devices.clerk_console import ClerkConsole
from firmware_sim.devices.counter_display import CounterDisplay
from firmware_sim.devices.kiosk_button import KioskButton
from firmware_sim.devices.main_board import MainBoard
from firmware_sim.devices.rating_keypad import RatingKeypad
from firmware_sim.line import Line
from firmware_sim.modbus_line import ModbusLine
from firmware_sim.modbus_slave import Slave, can_glance
from protocol.modbus.requests import diagnostics, event_counter

START = 7 * 3600 * NS
MS = NS // 1000
DIAGNOSES = (0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12)


class World:
    """A hall on a clockwork; `skipping` True books polls, False plays them, None keeps the booking out altogether."""

    def __init__(self, plan: ControllerPlan, skipping: bool | None, evidence: str = "folded") -> None:
        self.clock = Clockwork(START)
        self.file = io.BytesIO()
        self.history = HistoryWriter(self.file, {"test": True})
        self.wire = WireLog(self.history, evidence)
        self.rows: list[Row] = []
        self.house = HouseController(plan, self._commit, 0, self._house_note)
        if skipping is None:
            self.house.idle_polls.join = lambda line, master: None  # type: ignore[method-assign]
        self.house.idle_polls.enabled = bool(skipping)
        self.lines: dict[str, Line] = {}
        self.stations: dict[str, ModbusLine] = {}
        self.devices: dict[str, tuple[Any, str]] = {}
        for spec in plan.lines:
            self._add(spec)
        for name, master in self.house.masters.items():
            self.lines[name].apply(master, master.start(START))

    def _add(self, spec: LinePlan) -> None:
        line = self.lines[spec.name] = Line(spec.name, self.clock, spec.settings)
        station = self.stations[spec.name] = ModbusLine("slaves", spec.settings, spec.turnaround)
        line.attach(station)
        for unit in spec.units:
            self.devices[unit.name] = station.attach(_device(unit), unit.unit), spec.name
        line.on_burst(self.wire.burst)
        line.on_note(self._note)
        master = self.house.masters[spec.name]
        line.attach_master(master)
        self.house.connect(spec.name, partial(line.apply, master))

    def _commit(self, rows: Sequence[Row]) -> None:
        self.rows += rows

    def _note(self, device: str, at: int, note: Note) -> None:
        self.history.record(at, "dev", note.kind, {"device": device, **note.facts})

    def _house_note(self, at: int, note: Note) -> None:
        self.history.record(at, "house", note.kind, note.facts)

    def do(self, device: str, action: str, *args: Any) -> None:
        """A person does something to a device."""
        thing, line = self.devices[device]
        effects = getattr(thing, action)(self.clock.now, *args)
        self.lines[line].apply(self.stations[line], self.stations[line].relabel(thing, effects))

    def noise(self, line: str, data: bytes) -> None:
        """The station drives the line unasked: what else is on it then is garbled."""
        self.lines[line].apply(self.stations[line], [Send(data)])

    def ask(self, line: str, frame: bytes) -> bytes:
        """A request put to the station directly; the reply's characters."""
        station, now = self.stations[line], self.clock.now + NS
        station.hear(now, frame, now - MS, now, None)
        return b"".join(effect.data for effect in station.wake(now + station.t35, "") if isinstance(effect, Send))

    def outcome(self) -> dict[str, Any]:
        """All that anybody could ever see of the run, and what it would go on from."""
        self.wire.close()
        self.history.close()
        found: dict[str, Any] = {"history": self.file.getvalue(), "rows": self.rows}
        for name, line in self.lines.items():
            master: Any = self.house.masters[name]
            found[name, "line"] = line.busy_ns, line.bursts, line.collisions
            found[name, "alarms"] = dict(line.master.alarms)
            found[name, "strays"] = master.strays
            for unit in master.units:
                state = unit.due, unit.answered, unit.usual, unit.failures, unit.busy, unit.down, sorted(unit.pending)
                found[name, unit.name] = state
        for thing, name in self.devices.values():
            found[name, thing.unit, "events"] = self.ask(name, event_counter(thing.unit))
            for sub in DIAGNOSES:
                found[name, thing.unit, sub] = self.ask(name, diagnostics(thing.unit, sub))
        return found


def _device(unit: UnitPlan) -> Slave:
    match unit.kind:
        case "rating_keypad":
            return RatingKeypad(unit.name, clock_battery=True, boot_ns=300 * MS)
        case "clerk_console":
            return ClerkConsole(unit.name, clock_battery=True, boot_ns=300 * MS)
        case "kiosk_button":
            return KioskButton(unit.name, boot_ns=300 * MS)
        case "counter_display":
            return CounterDisplay(unit.name, digits=4)
        case _:
            return MainBoard(unit.name, rows=2)


@dataclass(frozen=True)
class Case:
    """A hall, and what befalls it."""

    plan: ControllerPlan
    acts: list[tuple[int, str, tuple[Any, ...]]]
    seconds: int
    evidence: str
    steps: list[int] = field(default_factory=list)


def hall(rng: Random) -> ControllerPlan:
    """Two counters and a kiosk, spread over one to four lines, some of which are polled in step."""
    units = [UnitPlan("kiosk-1", "kiosk_button", 1), UnitPlan("board-1", "main_board", 2)]
    for n in (1, 2):
        units += [
            UnitPlan(f"console-{n}", "clerk_console", 10 + n, n),
            UnitPlan(f"display-{n}", "counter_display", 20 + n, n),
            UnitPlan(f"keypad-{n}", "rating_keypad", 30 + n, n),
        ]
    lines = []
    count = rng.randint(1, 4)
    in_step = rng.random() < 0.6
    baud, poll, turnaround = 9600, rng.choice([500, 1000, 1500]), rng.choice([2, 5])
    for place in range(count):
        if not in_step:
            baud, poll = rng.choice([4800, 9600, 19200, 115200]), rng.choice([250, 500, 1000, 700, 2001])
            turnaround = rng.choice([1, 2, 5, 9])
        mine = tuple(units[place::count])
        lines.append(LinePlan(f"line-{place}", LineSettings(baud), mine, poll=poll * MS, turnaround=turnaround * MS))
    return ControllerPlan(
        name="small",
        title="A small hall",
        date="2025-03-10",
        lines=tuple(lines),
        errands=(ErrandPlan("copy", "A"), ErrandPlan("birth", "B")),
        counters=(
            CounterPlan(1, "C01", 1, frozenset({0, 1}), keypad="keypad-1", display="display-1"),
            CounterPlan(2, "C02", 2, frozenset({0}), keypad="keypad-2", display="display-2"),
        ),
        kiosks=(KioskPlan("kiosk-1", None, (0, 1)),),
    )


def _acts(rng: Random, plan: ControllerPlan, until: int) -> list[tuple[int, str, tuple[Any, ...]]]:
    """What people and mishaps do, each (instant, what, with what); devices go and come in pairs."""
    names = [unit.name for unit in plan.units()]
    acts: list[tuple[int, str, tuple[Any, ...]]] = []

    def at() -> int:
        if rng.random() < 0.3:
            return START + rng.randrange(2 * (until // NS)) * NS // 2  # on the grid of the polls
        return START + rng.randrange(until)

    for _ in range(rng.randint(0, 14)):
        what = rng.choice(["press", "press", "press", "kiosk", "tamper", "noise", "unplug"])
        n = rng.randint(1, 2)
        if what == "press":
            acts.append((at(), "do", (f"console-{n}", "press", rng.randint(1, 7))))
            acts.append((at(), "do", (f"keypad-{n}", "press", rng.randint(1, 5))))
        elif what == "kiosk":
            acts.append((at(), "do", ("kiosk-1", "press", n)))
        elif what == "tamper":
            acts.append((at(), "do", (f"console-{n}", "tamper", rng.random() < 0.5)))
        elif what == "noise":
            line = rng.choice(plan.lines).name
            acts.append((at(), "noise", (line, bytes(rng.randrange(256) for _ in range(rng.randint(1, 9))))))
        else:
            name, off = rng.choice(names), at()
            acts.append((off, "do", (name, "unplug")))
            acts.append((off + rng.choice([1, 40 * MS, 3 * NS]) + rng.randrange(NS), "do", (name, "plug_in")))
    return acts


def play(case: Case, skipping: bool | None) -> World:
    """Run a case to its end."""
    world = World(case.plan, skipping, case.evidence)
    for at, what, args in case.acts:
        world.clock.call_at(at, getattr(world, what), *args)
    if case.steps:
        for step in case.steps:
            world.clock.advance_to(world.clock.now + step)
    else:
        kernel = Kernel(world.clock, 0, until=START + case.seconds * NS)
        kernel.drive()
    return world


def must_be_the_same(case: Case) -> int:
    """Booked and played come to the same; tells how many polls were booked."""
    booked = play(case, skipping=True)
    count = booked.house.idle_polls.booked
    outcome = booked.outcome()
    for skipping in (False, None):
        played = play(case, skipping)
        assert played.house.idle_polls.booked == 0
        other = played.outcome()
        for key, value in other.items():
            assert outcome[key] == value, f"{key} differs (skipping={skipping})"
    return count


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(["folded", "folded", "hash", "full"]))
def test_a_hall_with_booked_polls_is_the_same_hall(rng: Random, evidence: str) -> None:
    """History, rows, statistics, counters and schedules do not depend on whether polls are booked or played."""
    seconds = rng.randint(5, 40)
    plan = hall(rng)
    steps = [rng.randrange(1, 3 * NS) for _ in range(rng.randint(3, 20))] if rng.random() < 0.4 else []
    must_be_the_same(Case(plan, _acts(rng, plan, seconds * NS), seconds, evidence, steps))


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False))
def test_what_happens_at_the_very_instants_of_a_poll(rng: Random) -> None:
    """Presses and power cuts at the edges of bursts, and where t3.5 has passed, find the same hall."""
    plan = hall(rng)
    still = play(Case(plan, [], 20, "full"), skipping=None)
    edges: list[int] = []
    for line in still.lines.values():
        line.on_burst(lambda t, _line, _src, _data, _flaws, end: edges.extend((t, end)))
    still.clock.advance_to(still.clock.now + 20 * NS)
    t35s = [station.t35 for station in still.stations.values()]
    acts: list[tuple[int, str, tuple[Any, ...]]] = []
    for _ in range(rng.randint(1, 8)):
        at = rng.choice(edges) + rng.choice([0, 0, *t35s, -1, 1])
        device = rng.choice(["console-1", "console-2", "kiosk-1"])
        if rng.random() < 0.7:
            acts.append((at, "do", (device, "press", 1)))
        else:
            acts += [(at, "do", (device, "unplug")), (at + 2 * NS, "do", (device, "plug_in"))]
    must_be_the_same(Case(plan, acts, 45, "folded"))


@pytest.mark.parametrize("count", [1, 3])
def test_nearly_all_polls_of_a_quiet_hall_are_booked(count: int) -> None:
    """With nobody there, what is played are the first polls, and one each ten minutes in which a fold is written."""
    units = [UnitPlan(f"console-{n}", "clerk_console", n, n) for n in range(1, 7)]
    lines = tuple(LinePlan(f"line-{n}", units=tuple(units[n::count]), poll=NS) for n in range(count))
    plan = ControllerPlan("x", "x", "2025-03-10", lines, (ErrandPlan("copy", "A"),), ())
    seconds = 1500
    booked = must_be_the_same(Case(plan, [], seconds, "folded"))
    assert 6 * seconds * 0.99 < booked < 6 * seconds


def test_nothing_is_booked_ahead_of_a_driver_that_does_not_say_how_far_it_goes() -> None:
    """Somebody who steps the clockwork may act after any step, so every poll is played."""
    plan = hall(Random(3))
    world = World(plan, skipping=True)
    while world.clock.now < START + 20 * NS:
        world.clock.step()
    assert world.house.idle_polls.booked == 0
    assert all(line.bursts for line in world.lines.values())


def test_a_line_with_another_ear_on_it_is_played() -> None:
    """A sink that cannot take pairs gets every burst when it ends."""
    world = World(hall(Random(3)), skipping=True)
    heard: list[tuple[int, int]] = []
    for line in world.lines.values():
        line.on_burst(lambda _t, _line, _src, _data, _flaws, end: heard.append((end, world.clock.now)))
    world.clock.advance_to(START + 20 * NS)
    assert world.house.idle_polls.booked == 0
    assert heard
    assert all(end == now for end, now in heard)


def test_a_slave_that_reads_in_its_own_way_is_asked() -> None:
    """`glance` speaks for the `read` of its own class, not for one that was put over it."""

    class Moody(ClerkConsole):
        def read(self, now: int, table: Any, start: int, count: int) -> Sequence[int]:
            return super().read(now, table, start, count)

    usual, patched = ClerkConsole("a"), ClerkConsole("b")
    patched.read = usual.read  # type: ignore[method-assign]
    assert can_glance(usual)
    assert not can_glance(Moody("c"))
    assert not can_glance(patched)
    assert not can_glance(MainBoard("d"))
