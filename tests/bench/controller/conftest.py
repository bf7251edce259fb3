"""A hall in a test: the house controller, real devices on real lines, a heap for a clock, and hands on the wires."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import pytest

from bench.controller.house import HouseController
from bench.controller.plan import ControllerPlan, CounterPlan, ErrandPlan, KioskPlan, LinePlan, PrinterPlan, UnitPlan
from bench.controller.rows import Row, StoreFailed
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS, Note
from firmware_sim.devices.clerk_console import ClerkConsole
from firmware_sim.devices.counter_display import CounterDisplay
from firmware_sim.devices.kiosk_button import KioskButton
from firmware_sim.devices.main_board import MainBoard
from firmware_sim.devices.rating_keypad import RatingKeypad
from firmware_sim.devices.ticket_printer import TicketPrinter
from firmware_sim.line import Line
from firmware_sim.modbus_line import ModbusLine

EPOCH = 1_741_539_600 * NS
"""Unix ns of t = 0 in these halls."""

START = 7 * 3600 * NS


class Timers:
    """The smallest clock that a line runs on."""

    def __init__(self, now: int = START) -> None:
        self.now = now
        self._heap: list[tuple[int, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._count = 0

    def call_at(self, at: int, fn: Callable[..., Any], *args: Any) -> None:
        assert at >= self.now, f"call_at({at}) in the past of {self.now}"
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, fn, args))

    def run_until(self, at: int) -> None:
        while self._heap and self._heap[0][0] <= at:
            self.now, _, fn, args = heapq.heappop(self._heap)
            fn(*args)
        self.now = max(self.now, at)


class Wire:
    """Stands before a station and may change, drop or delay what it hears: `mangle(now, data)` -> [(delay, data)]."""

    def __init__(self, station: Any, timers: Timers) -> None:
        self.station = station
        self.timers = timers
        self.name = station.name
        self.line: Line | None = None
        self.mangle: Callable[[int, bytes], Iterable[tuple[int, bytes]]] | None = None

    @property
    def watch(self) -> Any:
        return self.station.watch

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Any) -> Any:
        if self.mangle is None:
            return self.station.hear(now, data, first, last, flaws)
        effects: list[Any] = []
        for delay, changed in self.mangle(now, data):
            if delay:
                self.timers.call_at(now + delay, self._late, changed, last - first)
            elif changed:
                effects += self.station.hear(now, changed, first, last, flaws)
        return effects

    def _late(self, data: bytes, took: int) -> None:
        now = self.timers.now
        self.line.apply(self, self.station.hear(now, data, now - took, now, None))

    def wake(self, now: int, tag: str) -> Any:
        return self.station.wake(now, tag)


class Records:
    """A store in a list, that can fail; (device, epoch, seq) is unique in it."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.failing = False
        self.commits = 0
        self.refused = 0
        self._keys: set[tuple[Any, ...]] = set()

    def __call__(self, rows: Sequence[Row]) -> list[int]:
        if self.failing:
            self.refused += 1
            raise StoreFailed("the disk is full")
        self.commits += 1
        known = []
        for place, (table, row) in enumerate(rows):
            key = (row["device"], row["epoch"], row["seq"]) if table == "ratings" else None
            if key in self._keys:
                known.append(place)
                continue
            if key:
                self._keys.add(key)
            self.rows.append((table, row))
        return known

    def of(self, table: str) -> list[Any]:
        return [row for name, row in self.rows if name == table]


class Rig:
    """A hall at work."""

    def __init__(
        self,
        plan: ControllerPlan,
        *,
        store: Any = None,
        clock_set: bool = True,
        keypad: dict[str, Any] | None = None,
        printer: dict[str, Any] | None = None,
    ) -> None:
        self.plan = plan
        self.timers = Timers()
        self.records = store if store is not None else Records()
        self.notes: list[tuple[str, int, str, Any]] = []
        self.bursts: list[tuple[int, str, str, bytes]] = []
        self.house = HouseController(plan, self.records, EPOCH, self._house_note)
        self.lines: dict[str, Line] = {}
        self.devices: dict[str, Any] = {}
        self.stations: dict[str, Wire] = {}
        self.masters: dict[str, Wire] = {}
        self._line_of: dict[str, str] = {}
        self._events: dict[str, Any] = {"clock_offset": EPOCH, "clock_set": clock_set, "clock_battery": clock_set}
        self._keypad = keypad or {}
        self._printer = printer or {}
        for spec in plan.lines:
            self._add(spec)
        for name, wire in self.masters.items():
            self.lines[name].apply(wire, wire.station.start(self.timers.now))

    def _add(self, spec: LinePlan) -> None:
        line = Line(
            spec.name,
            self.timers,
            spec.settings,
            "full" if spec.printer is not None else "half",
        )
        line.on_note(lambda device, at, note: self.notes.append((device, at, note.kind, note.facts)))
        line.on_burst(lambda at, name, src, data, _flaws, _end: self.bursts.append((at, name, src, data)))
        self.lines[spec.name] = line
        if spec.printer is not None:
            station: Any = TicketPrinter(spec.printer.name, **{"paper_mm": 50_000, **self._printer})
            self.devices[spec.printer.name] = station
            self._line_of[spec.printer.name] = spec.name
        else:
            station = ModbusLine(spec.name, spec.settings, spec.turnaround)
            for unit in spec.units:
                self.devices[unit.name] = station.attach(self._device(unit), unit.unit)
                self._line_of[unit.name] = spec.name
        wire = self.stations[spec.name] = Wire(station, self.timers)
        wire.line = line
        line.attach(wire)
        wire = self.masters[spec.name] = Wire(self.house.masters[spec.name], self.timers)
        wire.line = line
        line.attach_master(wire, xonxoff=spec.xonxoff)
        self.house.connect(spec.name, partial(line.apply, wire))

    def _device(self, unit: UnitPlan) -> Any:
        match unit.kind:
            case "rating_keypad":
                return RatingKeypad(unit.name, **{**self._events, **self._keypad})
            case "clerk_console":
                return ClerkConsole(unit.name, **self._events)
            case "kiosk_button":
                return KioskButton(unit.name, **self._events)
            case "counter_display":
                return CounterDisplay(unit.name, digits=unit.digits)
            case _:
                return MainBoard(unit.name, rows=unit.rows)

    def _house_note(self, now: int, note: Note) -> None:
        self.notes.append(("house", now, note.kind, note.facts))

    # -- what a test does -------------------------------------------------------------------------------------------
    @property
    def now(self) -> int:
        return self.timers.now

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.timers.run_until(self.timers.now + round(seconds * NS))

    def do(self, device: str, action: str, *args: Any) -> None:
        """A person does something to a device."""
        unit = self.devices[device]
        wire = self.stations[self._line_of[device]]
        effects = getattr(unit, action)(self.now, *args)
        if isinstance(wire.station, ModbusLine):
            effects = wire.station.relabel(unit, effects)
        wire.line.apply(wire, effects)

    def at(self, seconds: float, device: str, action: str, *args: Any) -> None:
        """The same, so many seconds from now."""
        self.timers.call_at(self.now + round(seconds * NS), self.do, device, action, *args)

    # -- what a test sees -------------------------------------------------------------------------------------------
    def of(self, kind: str, device: str | None = None) -> list[Any]:
        """Facts of the notes of a kind."""
        return [facts for name, _, what, facts in self.notes if what == kind and device in (None, name)]

    def kinds(self, source: str = "house") -> list[str]:
        return [what for name, _, what, _ in self.notes if name == source]

    def times(self, kind: str, source: str = "house") -> list[int]:
        return [at for name, at, what, _ in self.notes if name == source and what == kind]

    def presses(self) -> list[tuple[Any, ...]]:
        """True presses, in order for each device: (device, clerk, value, epoch, seq)."""
        return sorted(
            (
                (name, facts["clerk"], facts["value"], facts["epoch"], facts["seq"], place)
                for place, (name, _, what, facts) in enumerate(self.notes)
                if what == "press"
            ),
            key=lambda row: (row[0], row[-1]),
        )

    def stored(self) -> list[tuple[Any, ...]]:
        """Stored ratings, in order for each device."""
        rows = [
            (row["device"], int((row["clerk"] or "0").lstrip("C")), row["value"], row["epoch"], row["seq"])
            for row in self.records.of("ratings")
        ]
        return [row for _, row in sorted(enumerate(rows), key=lambda pair: (pair[1][0], pair[0]))]

    def requests(self, line: str) -> list[tuple[int, bytes]]:
        return [(at, data) for at, name, src, data in self.bursts if name == line and src == f"house/{line}"]

    def replies(self, line: str) -> list[tuple[int, bytes]]:
        return [(at, data) for at, name, src, data in self.bursts if name == line and src != f"house/{line}"]

    def must_account_for_every_press(self) -> None:
        """The law of the whole controller: what was pressed is what is stored, once, in order, with its clerk."""
        assert [row[:-1] for row in self.presses()] == self.stored()


def keypads(count: int = 3, **line: Any) -> ControllerPlan:
    """A bus of rating keypads and nothing else."""
    units = tuple(UnitPlan(f"keypad-{n}", "rating_keypad", n, n) for n in range(1, count + 1))
    return ControllerPlan(
        name="small",
        title="A small hall",
        date="2025-03-10",
        lines=(LinePlan("bus", units=units, **line),),
        errands=(ErrandPlan("copy", "A"),),
        counters=tuple(
            CounterPlan(n, f"C{n:02d}", n, frozenset({0}), keypad=f"keypad-{n}") for n in range(1, count + 1)
        ),
    )


def office(*, printers: bool = False, xonxoff: bool = True) -> ControllerPlan:
    """Two counters with everything, a kiosk with a printer, a board of two rows."""
    counters = (1, 2)
    units = [UnitPlan("kiosk-1", "kiosk_button", 1), UnitPlan("board-1", "main_board", 2, rows=2)]
    for n in counters:
        units += [
            UnitPlan(f"console-{n}", "clerk_console", 10 + n, n),
            UnitPlan(f"display-{n}", "counter_display", 20 + n, n),
            UnitPlan(f"keypad-{n}", "rating_keypad", 30 + n, n),
        ]
    lines = [LinePlan("hall", units=tuple(units), poll=NS // 2)]
    if printers:
        settings = LineSettings.parse("19200 8N1")
        lines.append(LinePlan("ticket", settings, printer=PrinterPlan("printer-1"), xonxoff=xonxoff))
    return ControllerPlan(
        name="tan_hoi",
        title="Bộ phận một cửa xã Tân Hội",
        date="2025-03-10",
        lines=tuple(lines),
        errands=(ErrandPlan("Chứng thực bản sao", "A"), ErrandPlan("Khai sinh", "B")),
        counters=(
            CounterPlan(1, "C01", 1, frozenset({0, 1}), keypad="keypad-1", display="display-1"),
            CounterPlan(2, "C02", 2, frozenset({0}), keypad="keypad-2", display="display-2"),
        ),
        kiosks=(KioskPlan("kiosk-1", "printer-1" if printers else None, (0, 1)),),
    )


@pytest.fixture
def hall() -> Callable[..., Rig]:
    """Makes a hall at work from a plan."""
    return Rig


@pytest.fixture
def plans() -> dict[str, Callable[..., ControllerPlan]]:
    """Makers of plans."""
    return {"keypads": keypads, "office": office}
