"""The hall's hardware on a clock: lines, devices, and the hands that touch them.

A rig is built from a scenario. It knows the device classes (the hall does not), gives each line its devices, and leads
a human action ("press", "take_paper") to the device's method of that name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bench.clock.clockwork import Clockwork
from bench.scenario.model import LineSpec, Scenario
from firmware_sim.burst import LineSettings
from firmware_sim.device import Device
from firmware_sim.devices.alpha_board import MODELS, AlphaBoard
from firmware_sim.devices.ascii_display import AsciiStation
from firmware_sim.devices.clerk_console import ClerkConsole
from firmware_sim.devices.counter_display import CounterDisplay
from firmware_sim.devices.declared_device import DeclaredDevice
from firmware_sim.devices.dm36_display import DM36Display
from firmware_sim.devices.kiosk_button import KioskButton
from firmware_sim.devices.loudspeaker import Clip
from firmware_sim.devices.main_board import MainBoard
from firmware_sim.devices.osdp_keypad import OsdpKeypad
from firmware_sim.devices.rating_keypad import RatingKeypad
from firmware_sim.devices.ticket_printer import PROFILES, TicketPrinter
from firmware_sim.devices.voice_caller import VoiceCaller
from firmware_sim.line import BurstSink, Line, NoteSink
from firmware_sim.modbus_line import ModbusLine
from firmware_sim.modbus_slave import Slave

LEAST_WITHIN_S: Final = 30.0
"""A call has to be spoken so soon where nobody says otherwise, s."""


class NoSuchDevice(LookupError):
    """A name that no device of this hall has."""


class NoSuchAction(LookupError):
    """Something that cannot be done to this device."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One device where it is.

    Attributes:
        name: of the device.
        thing: the device, or the slave on its line's Modbus station.
        line: its line.
        station: the Modbus station for slaves, else None.
    """

    name: str
    thing: Any
    line: Line
    station: ModbusLine | None


def _keypad(spec: Any, scenario: Scenario) -> Slave:
    return RatingKeypad(spec.name, clock_offset=scenario.epoch_ns, clock_battery=True)


def _console(spec: Any, scenario: Scenario) -> Slave:
    return ClerkConsole(spec.name, clock_offset=scenario.epoch_ns, clock_battery=True)


def _kiosk(spec: Any, scenario: Scenario) -> Slave:
    return KioskButton(spec.name, clock_offset=scenario.epoch_ns, clock_battery=True)


def _display(spec: Any, _scenario: Scenario) -> Slave:
    if spec.protocol == "dm36":
        return DM36Display(spec.name, digits=spec.digits)
    if spec.protocol == "embeddedart":
        return MainBoard(spec.name, rows=1)
    return CounterDisplay(spec.name, digits=spec.digits)


def _board(spec: Any, _scenario: Scenario) -> Slave:
    return MainBoard(spec.name, rows=spec.rows)


def _alpha(spec: Any, _scenario: Scenario) -> Device:
    return AlphaBoard(
        spec.name,
        rows=spec.rows,
        width=spec.characters * COLUMNS,
        address=spec.address,
        model=MODELS[spec.profile],
    )


def _printer(spec: Any, _scenario: Scenario) -> Device:
    return TicketPrinter(
        spec.name,
        PROFILES[spec.profile],
        paper_mm=round(spec.paper_m * 1000),
        near_end_mm=round(spec.near_end_m * 1000),
        handshake=spec.handshake,
    )


def _plays(spec: Any, scenario: Scenario, settings: LineSettings) -> Device:
    """A device by declaration; a voice caller with the clips that the scenario gives it."""
    codec = scenario.codec_for(spec)
    assert codec is not None
    profile = getattr(spec, "profile", "")
    if codec.declaration.role == "voice":
        clips = {clip.number: Clip(clip.text, round(clip.seconds * 1000)) for clip in getattr(spec, "clips", ())}
        return VoiceCaller(spec.name, codec, clips=clips or None, unit=spec.unit, profile=profile, settings=settings)
    return DeclaredDevice(
        spec.name,
        codec,
        unit=spec.unit,
        profile=profile,
        settings=settings,
        clock_offset=scenario.epoch_ns,
    )


def _osdp(spec: Any, scenario: Scenario) -> Device:
    return OsdpKeypad(spec.name, address=spec.unit, clock_offset=scenario.epoch_ns)


SLAVES: Mapping[str, Callable[[Any, Scenario], Slave]] = {
    "rating_keypad": _keypad,
    "clerk_console": _console,
    "kiosk_button": _kiosk,
    "counter_display": _display,
    "main_board": _board,
}
"""Kinds that are Modbus slaves, and how one is made."""

STATIONS: Mapping[str, Callable[[Any, Scenario], Device]] = {
    "ticket_printer": _printer,
    "alpha_board": _alpha,
    "osdp_keypad": _osdp,
}
"""Kinds that are stations of their own on a line."""

PROTOCOLS: Mapping[str, str] = {
    **dict.fromkeys(SLAVES, "modbus_rtu"),
    "ticket_printer": "escpos",
    "alpha_board": "alpha",
    "osdp_keypad": "osdp",
    "voice_caller": "dfplayer",
    "declared": "declared",
}
"""Kind -> protocol it speaks, if the scenario does not say otherwise."""

COLUMNS = 6
"""Columns of dots that a character takes on a board of five by seven dots."""


def _protocol(spec: Any) -> str:
    """What one device speaks: a counter display may be written to in ASCII."""
    if spec.kind in ("voice_caller", "declared") or getattr(spec, "protocol", "") == "ff68":
        return str(spec.protocol)
    ascii_display = spec.kind == "counter_display" and spec.protocol == "ascii"
    return "led485_ascii" if ascii_display else PROTOCOLS[spec.kind]


def _other_map(spec: Any) -> dict[str, str]:
    """Which registers a display has that has others than its kind (`bench.run.registers`)."""
    other = spec.kind == "counter_display" and spec.protocol in ("dm36", "embeddedart")
    return {"map": str(spec.protocol)} if other else {}


class Rig:
    """All lines and devices of a hall.

    Args:
        scenario: what to build.
        clockwork: what everything runs on.
    """

    def __init__(self, scenario: Scenario, clockwork: Clockwork) -> None:
        self.scenario = scenario
        self.clockwork = clockwork
        self.lines: dict[str, Line] = {}
        self.devices: dict[str, Placed] = {}
        for spec in scenario.lines:
            self.lines[spec.name] = self._build(spec)

    def _build(self, spec: LineSpec) -> Line:
        settings = LineSettings.parse(spec.settings)
        line = Line(spec.name, self.clockwork, settings, spec.duplex, echo=spec.echo)
        station: ModbusLine | None = None
        listener: AsciiStation | None = None
        for device in spec.devices:
            if self.scenario.codec_for(device) is not None:
                played = _plays(device, self.scenario, settings)
                line.attach(played)
                self.devices[device.name] = Placed(device.name, played, line, None)
                continue
            if device.kind in STATIONS:
                made = STATIONS[device.kind](device, self.scenario)
                line.attach(made)
                self.devices[device.name] = Placed(device.name, made, line, None)
                continue
            if station is None:
                station = ModbusLine("slaves", settings, turnaround=round(spec.turnaround_ms * 1_000_000))
                line.attach(station)
            slave = SLAVES[device.kind](device, self.scenario)
            station.attach(slave, device.unit)  # type: ignore[union-attr,arg-type]
            self.devices[device.name] = Placed(device.name, slave, line, station)
            if isinstance(slave, CounterDisplay) and _protocol(device) == "led485_ascii":
                if listener is None:
                    listener = AsciiStation()
                    line.attach(listener)
                listener.attach(slave)
        return line

    def listen(self, burst: BurstSink | None, *notes: NoteSink) -> None:
        """Let sinks get every burst and every note of every line."""
        for line in self.lines.values():
            if burst is not None:
                line.on_burst(burst)
            for sink in notes:
                line.on_note(sink)

    def power_on(self) -> None:
        """Give every device its supply: what it does first (boot note, XON) happens now."""
        now = self.clockwork.now
        for placed in self.devices.values():
            start = getattr(placed.thing, "power_on", None)
            if start is not None:
                self.carry_out(placed, start(now))

    def act(self, device: str, action: str, *args: Any) -> None:
        """Do what a person does: `act("keypad-3", "press", 5)`.

        Raises:
            NoSuchDevice, NoSuchAction: with what there is.
        """
        placed = self.devices.get(device)
        if placed is None:
            raise NoSuchDevice(f"there is no device {device!r}; there are: {', '.join(self.devices)}")
        possible = getattr(placed.thing, "human", ())
        if action not in possible:
            raise NoSuchAction(f"nobody can {action!r} {device}; what people do with it: {', '.join(possible)}")
        self.carry_out(placed, getattr(placed.thing, action)(self.clockwork.now, *args))

    def carry_out(self, placed: Placed, effects: Iterable[Any]) -> None:
        """Let happen what a device's method returned."""
        if placed.station is None:
            placed.line.apply(placed.thing, effects)
        else:
            placed.line.apply(placed.station, placed.station.relabel(placed.thing, effects))


def inventory(scenario: Scenario) -> list[dict[str, Any]]:
    """Every device of a hall as the history's header and `{devices}` list it."""
    return [
        {
            "name": spec.name,
            "kind": spec.acts_as,
            "protocol": _protocol(spec),
            "line": line.name,
            "unit": getattr(spec, "unit", None),
            "counter": getattr(spec, "counter", None),
            "owner": line.owner,
            **_other_map(spec),
            **({"profile": spec.profile} if hasattr(spec, "profile") else {}),
            **({"within_s": _spoken_within(scenario, spec)} if spec.acts_as == "voice_caller" else {}),
        }
        for line, spec in scenario.placed
    ]


def _spoken_within(scenario: Scenario, spec: Any) -> float:
    """How soon a voice caller has to speak a call, s: as the scenario says, or as the declaration of the device does.

    A call may meet another one that is being spoken: hence twice the time of one.
    """
    if spec.within_s is not None:
        return float(spec.within_s)
    house = scenario.codec(spec.protocol).declaration.house
    lasts_ms = house.announce.lasts_ms if house is not None and house.announce is not None else 0
    return max(LEAST_WITHIN_S, 2 * lasts_ms / 1000)
