"""What the house controller has to know of a hall: a plain value, derived from a scenario.

The controller itself imports no scenario model: it runs from a `ControllerPlan`, which a test, a configuration file or
a scenario can make. Only the lines that the house owns are in it. Durations are integer nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.scenario.declared import codec_of
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS
from firmware_sim.devices.loudspeaker import CLIPS
from protocol.declared.codec import Codec

if TYPE_CHECKING:
    from bench.scenario.devices import DeviceSpec
    from bench.scenario.model import LineSpec, Scenario

EVENT_KINDS = frozenset({"rating_keypad", "clerk_console", "kiosk_button"})
"""Kinds with the event queue of profile RK-1: polled and acknowledged (reference-keypad.md)."""

TEXT_KINDS = frozenset({"counter_display", "main_board", "alpha_board"})
"""Kinds that are only written to."""


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """One device of the house on a bus.

    Args:
        name: as the scenario calls it.
        kind: rating_keypad, clerk_console, kiosk_button, counter_display, main_board, alpha_board, or declared (a
            display or board by declaration has the kind that it is to the hall).
        unit: bus address, 1..247; of an Alpha board 1..255.
        counter: number of the counter it stands at, 0 for a device of the hall.
        digits: characters of a counter display.
        rows: rows of a board.
        characters: characters of a row of an Alpha board.
        protocol: what a counter display speaks: led485, dm36, embeddedart or ascii.
        codec: of a device by declaration, FF68 included.
    """

    name: str
    kind: str
    unit: int
    counter: int = 0
    digits: int = 4
    rows: int = 2
    characters: int = 16
    protocol: str = "led485"
    codec: Codec | None = None


@dataclass(frozen=True, slots=True)
class PrinterPlan:
    """The ticket printer at the end of a line, and its profile (the number of a code page differs by model)."""

    name: str
    profile: str = "tm-t88"


@dataclass(frozen=True, slots=True)
class VoicePlan:
    """The voice caller at the end of a line.

    Args:
        name: as the scenario calls it.
        codec: its declaration; one with `[house] announce` is told calls as that says.
        clips: of a clip player that ships, by their text: (number, ms).
        unit: its address, where its protocol has one.
    """

    name: str
    codec: Codec
    clips: Mapping[str, tuple[int, int]]
    unit: int = 0


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
        language: what is spoken on a bus: "modbus", "alpha", "ascii" (LED-485 displays), "declared" (keypads
            and consoles), "declared_text" (displays and boards) or "osdp".
        voice: the voice caller on the link; then `units` is empty.
    """

    name: str
    settings: LineSettings = field(default_factory=LineSettings)
    units: tuple[UnitPlan, ...] = ()
    printer: PrinterPlan | None = None
    poll: int = NS
    turnaround: int = 2_000_000
    xonxoff: bool = False
    language: str = "modbus"
    voice: VoicePlan | None = None


@dataclass(frozen=True, slots=True)
class ErrandPlan:
    """One procedure: its name on the ticket, the letter of its tickets, its priority (higher is called first).

    `then` is the index of the errand to which the key "transfer" passes its tickets on, None where there is none.
    """

    name: str
    letter: str
    priority: int = 0
    then: int | None = None


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
        lifts: what the keys of a kiosk behind those of its errands add to the priority of the next ticket.
    """

    name: str
    title: str
    date: str
    lines: tuple[LinePlan, ...]
    errands: tuple[ErrandPlan, ...]
    counters: tuple[CounterPlan, ...]
    kiosks: tuple[KioskPlan, ...] = ()
    rating_window: int = 15 * NS
    lifts: tuple[int, ...] = ()

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
    driven = [spec for spec in scenario.lines if spec.owner == "house" and _is_driven(spec, scenario)]
    lines = tuple(_line(spec, scenario) for spec in driven)
    acts_as = {device.name: device.acts_as for _, device in scenario.placed}
    units = {(acts_as[unit.name], unit.counter): unit.name for line in lines for unit in line.units}
    printers = {line.printer.name for line in lines if line.printer is not None}
    owned = {unit.name for line in lines for unit in line.units}
    return ControllerPlan(
        name=scenario.name,
        title=scenario.title,
        date=scenario.date.isoformat(),
        lines=lines,
        errands=tuple(
            ErrandPlan(e.name, e.letter, e.priority, scenario.next_errand.get(i))
            for i, e in enumerate(scenario.errands)
        ),
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
        lifts=scenario.lifts,
    )


def _is_driven(spec: LineSpec, scenario: Scenario) -> bool:
    """Whether the house knows how to speak with a line's devices: a declaration without `[house]` does not say."""
    declared = [device for device in spec.devices if device.kind == "declared"]
    return not declared or any(scenario.codec(device.protocol).declaration.house is not None for device in declared)


def _line(spec: LineSpec, scenario: Scenario) -> LinePlan:
    printers = [PrinterPlan(d.name, d.profile) for d in spec.devices if d.kind == "ticket_printer"]
    if printers and len(spec.devices) > 1:
        names = ", ".join(device.name for device in spec.devices)
        raise ValueError(f"line {spec.name}: a ticket printer is alone on its line, here are {names}")
    return LinePlan(
        name=spec.name,
        settings=LineSettings.parse(spec.settings),
        units=tuple(
            _unit(device, scenario)
            for device in spec.devices
            if device.kind != "ticket_printer" and device.acts_as != "voice_caller"
        ),
        printer=printers[0] if printers else None,
        poll=round(spec.poll_s * NS),
        turnaround=round(spec.turnaround_ms * 1_000_000),
        xonxoff=spec.xonxoff and not printers,
        language=_language(spec),
        voice=next((_voice(d, scenario) for d in spec.devices if d.acts_as == "voice_caller"), None),
    )


def _voice(device: DeviceSpec, scenario: Scenario) -> VoicePlan:
    """A voice caller; a chip that speaks text has no clips, nor has a vendor's own."""
    if device.kind == "declared":
        codec = scenario.codec(device.protocol)
        address = codec.declaration.address
        unit = device.unit if device.unit is not None or address is None else address.default
        return VoicePlan(device.name, codec, {}, unit or 0)
    assert device.kind == "voice_caller"
    codec = codec_of(device.protocol)
    if device.protocol != "dfplayer":
        return VoicePlan(device.name, codec, {})
    if device.clips:
        return VoicePlan(device.name, codec, {c.text: (c.number, round(c.seconds * 1000)) for c in device.clips})
    return VoicePlan(device.name, codec, {clip.text: (number, clip.ms) for number, clip in CLIPS.items()})


def _language(spec: LineSpec) -> str:
    """What is spoken on a line; its devices all speak the same (the scenario's checks see to it)."""
    if any(device.kind == "osdp_keypad" for device in spec.devices):
        return "osdp"
    if any(device.kind == "declared" and device.acts_as in TEXT_KINDS for device in spec.devices):
        return "declared_text"
    if any(device.kind == "declared" or getattr(device, "protocol", "") == "ff68" for device in spec.devices):
        return "declared"
    if any(device.kind == "alpha_board" for device in spec.devices):
        return "alpha"
    if any(device.kind == "counter_display" and device.protocol == "ascii" for device in spec.devices):
        return "ascii"
    return "modbus"


def _unit(device: DeviceSpec, scenario: Scenario) -> UnitPlan:
    """A device of the model as a unit; fields its kind lacks keep their defaults."""
    names = ("counter", "digits", "rows", "characters", *(("protocol",) if device.kind == "counter_display" else ()))
    given = {name: getattr(device, name) for name in names if hasattr(device, name)}
    unit, codec = getattr(device, "unit", None), scenario.codec_for(device)
    if codec is not None:
        address = codec.declaration.address
        unit = unit if unit is not None or address is None else address.default
        given["counter"] = given["counter"] or 0
    kind = device.acts_as if device.kind == "declared" and device.acts_as in TEXT_KINDS else device.kind
    return UnitPlan(name=device.name, kind=kind, unit=unit or 0, codec=codec, **given)
