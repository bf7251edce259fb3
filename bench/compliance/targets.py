"""What can be tested in virtual time: the shipped Modbus devices, and every subject of the self-test by its id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from bench.compliance.mutants import alpha_others, bus_subjects, escpos_others
from bench.compliance.mutants.base import Subject, on_station
from bench.compliance.reference import ReferenceSlave
from bench.compliance.selftest import subjects
from firmware_sim.devices.clerk_console import ClerkConsole
from firmware_sim.devices.counter_display import CounterDisplay
from firmware_sim.devices.dm36_display import DM36Display
from firmware_sim.devices.kiosk_button import KioskButton
from firmware_sim.devices.main_board import MainBoard
from firmware_sim.devices.rating_keypad import RatingKeypad
from firmware_sim.modbus_line import ModbusLine
from firmware_sim.modbus_slave import Slave

__all__ = ["DEVICES", "NoSuchTarget", "target_named"]

DEVICES: Final[Mapping[str, tuple[str, Callable[[], Slave]]]] = MappingProxyType(
    {
        "rating_keypad": ("rating_keypad", lambda: RatingKeypad("keypad")),
        "clerk_console": ("clerk_console", lambda: ClerkConsole("console")),
        "kiosk_button": ("kiosk_button", lambda: KioskButton("kiosk")),
        "counter_display": ("led485", lambda: CounterDisplay("display", keys=True)),
        "dm36_display": ("dm36", lambda: DM36Display("display")),
        "main_board": ("embeddedart", lambda: MainBoard("board")),
        "reference": ("reference", ReferenceSlave),
    }
)
"""Name -> (declaration, how it is made)."""


SUBJECTS: Final[tuple[Subject, ...]] = (*bus_subjects.DEVICES, *escpos_others.DEVICES, *alpha_others.DEVICES)
"""Devices of other protocols."""


class NoSuchTarget(LookupError):
    """Nothing that is emulated has this name."""


def target_named(name: str) -> Subject:
    """A device by its name, or a subject of the self-test by its id ("MB-09").

    Raises:
        NoSuchTarget: with what there is.
    """
    if name in DEVICES:
        declaration, make = DEVICES[name]
        return Subject(name, f"emulated {name}", on_station(ModbusLine, make), declaration)
    for device in SUBJECTS:
        if device.id == name:
            return device
    for group in subjects():
        for subject in group:
            if subject.id.lower() == name.lower():
                return subject
    if name.endswith(".toml"):
        return _by_declaration(name)
    names = (*DEVICES, *(subject.id for subject in SUBJECTS))
    raise NoSuchTarget(
        f"nothing emulated is called {name!r}; there are {', '.join(names)}, "
        "and the mutants and variants that --self-test lists, such as MB-09"
    )


def _by_declaration(path: str) -> Subject:
    """The device that a protocol declaration describes."""
    from bench.compliance.vendor import CannotBeTested, subject_of

    try:
        return subject_of(path)
    except CannotBeTested as error:
        raise NoSuchTarget(str(error)) from error
