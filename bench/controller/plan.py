"""What the house controller has to know of a hall: a plain value, derived from a scenario.

The controller itself imports no scenario model: it runs from a `ControllerPlan`, which a test, a configuration file or
a scenario can make. Only the lines that the house owns are in it. Durations are integer nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firmware_sim.burst import LineSettings
from firmware_sim.device import NS

if TYPE_CHECKING:
    from bench.scenario.model import DeviceSpec, LineSpec, Scenario

EVENT_KINDS = frozenset({"rating_keypad", "clerk_console", "kiosk_button"})
"""Kinds with the event queue of profile RK-1: polled and acknowledged (reference-keypad.md)."""

TEXT_KINDS = frozenset({"counter_display", "main_board"})
"""Kinds that are only written to."""


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """One Modbus device of the house.

    Args:
        name: as the scenario calls it.
        kind: rating_keypad, clerk_console, kiosk_button, counter_display or main_board.
        unit: bus address, 1..247.
        counter: number of the counter it stands at, 0 for a device of the hall.
        digits: characters of a counter display.
        rows: rows of a main board.
    """

    name: str
    kind: str
    unit: int
    counter: int = 0
    digits: int = 4
    rows: int = 2


@dataclass(frozen=True, slots=True)
class PrinterPlan:
    """The ticket printer at the end of a line, and its profile (the number of a code page differs by model)."""

    name: str
    profile: str = "tm-t88"


@dataclass(frozen=True, slots=True)
class LinePlan:
    """One line of the house: either a Modbus bus with units, or a link to one printer.

    Args:
        name: as the scenario calls it.
        settings: speed and character format.
        units: the devices on the bus, in the scenario's order.
        printer: the printer on the link; then `units` is empty.
        poll: period at which each event device is polled, ns.
        turnaround: time a device needs before it replies, ns; the time-out allows for it.
        xonxoff: the line holds back what the master sends after an XOFF. Not for a printer: its master heeds XOFF
            itself, sends one ticket at a time, which fits any buffer, and must get DLE EOT and DLE ENQ through to a
            printer that is off line; a character that noise made an XOFF would stop it for ever otherwise.
    """

    name: str
    settings: LineSettings = field(default_factory=LineSettings)
    units: tuple[UnitPlan, ...] = ()
    printer: PrinterPlan | None = None
    poll: int = NS
    turnaround: int = 2_000_000
    xonxoff: bool = False


@dataclass(frozen=True, slots=True)
class ErrandPlan:
    """One procedure: its name on the ticket, the letter of its tickets, and its priority (higher is called first)."""

    name: str
    letter: str
    priority: int = 0


@dataclass(frozen=True, slots=True)
class CounterPlan:
    """One service window.

    Args:
        number: as shown in the hall.
        clerk: name of the clerk who is expected there.
        clerk_code: the clerk's number in a register.
        errands: indexes of the errands served.
        keypad, display: names of the house's devices there, None where the house has none.
    """

    number: int
    clerk: str
    clerk_code: int
    errands: frozenset[int]
    keypad: str | None = None
    display: str | None = None


@dataclass(frozen=True, slots=True)
class KioskPlan:
    """A ticket kiosk: key k chooses `errands[k-1]`; None as printer means that no line of the house prints for it."""

    name: str
    printer: str | None
    errands: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ControllerPlan:
    """All that the house controller works from.

    Args:
        name: short name of the hall, also in the code printed on tickets.
        title: the hall's title, printed on tickets.
        date: the day in ISO form, printed on tickets.
        lines: the house's lines.
        errands, counters, kiosks: the hall.
        rating_window: how long a keypad accepts a rating after "done", ns.
    """

    name: str
    title: str
    date: str
    lines: tuple[LinePlan, ...]
    errands: tuple[ErrandPlan, ...]
    counters: tuple[CounterPlan, ...]
    kiosks: tuple[KioskPlan, ...] = ()
    rating_window: int = 15 * NS

    def units(self) -> Iterable[UnitPlan]:
        """Every Modbus device of the house, in order."""
        return (unit for line in self.lines for unit in line.units)

    def clerks(self) -> Mapping[int, str]:
        """Clerk code -> name."""
        return {counter.clerk_code: counter.clerk for counter in self.counters}


def from_scenario(scenario: Scenario) -> ControllerPlan:
    """The plan for the lines that the house owns in a scenario.

    Raises:
        ValueError: a line of the house has a printer and other devices, or two printers.
    """
    lines = tuple(_line(spec) for spec in scenario.lines if spec.owner == "house")
    units = {(unit.kind, unit.counter): unit.name for line in lines for unit in line.units}
    printers = {line.printer.name for line in lines if line.printer is not None}
    owned = {unit.name for line in lines for unit in line.units}
    return ControllerPlan(
        name=scenario.name,
        title=scenario.title,
        date=scenario.date.isoformat(),
        lines=lines,
        errands=tuple(ErrandPlan(e.name, e.letter, e.priority) for e in scenario.errands),
        counters=tuple(
            CounterPlan(
                number=counter.number,
                clerk=counter.clerk,
                clerk_code=counter.clerk_code,
                errands=scenario.skills[counter.number],
                keypad=units.get(("rating_keypad", counter.number)),
                display=units.get(("counter_display", counter.number)),
            )
            for counter in scenario.counters
        ),
        kiosks=tuple(
            KioskPlan(
                name=device.name,
                printer=device.printer if device.printer in printers else None,
                errands=scenario.kiosk_keys[device.name],
            )
            for _, device in scenario.placed
            if device.kind == "kiosk_button" and device.name in owned
        ),
        rating_window=scenario.rating_window,
    )


def _line(spec: LineSpec) -> LinePlan:
    printers = [PrinterPlan(d.name, d.profile) for d in spec.devices if d.kind == "ticket_printer"]
    if printers and len(spec.devices) > 1:
        names = ", ".join(device.name for device in spec.devices)
        raise ValueError(f"line {spec.name}: a ticket printer is alone on its line, here are {names}")
    return LinePlan(
        name=spec.name,
        settings=LineSettings.parse(spec.settings),
        units=tuple(_unit(device) for device in spec.devices if device.kind != "ticket_printer"),
        printer=printers[0] if printers else None,
        poll=round(spec.poll_s * NS),
        turnaround=round(spec.turnaround_ms * 1_000_000),
        xonxoff=spec.xonxoff and not printers,
    )


def _unit(device: DeviceSpec) -> UnitPlan:
    """A device of the model as a unit; fields its kind lacks keep their defaults."""
    given = {name: getattr(device, name) for name in ("counter", "digits", "rows") if hasattr(device, name)}
    return UnitPlan(name=device.name, kind=device.kind, unit=device.unit, **given)  # type: ignore[union-attr]
