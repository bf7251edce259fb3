"""Rating keypads that are right and unusual, things that are none, and the shipped one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bench.compliance.mutants import others
from bench.compliance.mutants.base import Mutant, Subject
from bench.compliance.mutants.rk1_build import on_keypad
from bench.compliance.mutants.rk1_queue import mutant
from bench.compliance.virtual import View
from firmware_sim.devices.rating_keypad import RatingKeypad

__all__ = ["DEVICES", "MUTANTS", "NULL_DEVICES", "VARIANTS"]

_BATTERY: Final = (("clock_battery = false", "clock_battery = true"),)


def _variant(id_: str, title: str, changes: tuple[tuple[str, str], ...] = (), **keypad: object) -> Subject:
    return Subject(id_, title, on_keypad(lambda: RatingKeypad("keypad", **keypad)), "rk1", changes)  # type: ignore[arg-type]


DEVICES: Final = (_variant("rk1", "the shipped rating keypad, with the profile's guarantees"),)

VARIANTS: Final = (
    *DEVICES,
    _variant("LV-17", "queue depth 1", (("depth = 64", "depth = 1"),), depth=1),
    _variant("LV-17b", "queue depth 200", (("depth = 64", "depth = 200"),), depth=200),
    _variant("LV-18", "in the 40th epoch, 16 bits of sequence past 40000", epoch=40, next_seq=40_000),
    _variant("LV-19", "a clock with a battery, declared", _BATTERY, clock_battery=True),
    _variant("LV-RK-1", "one key, no card", (("keys = 5", "keys = 1"), ("card = 4711", "# no card: ")), keys=1),
    _variant("LV-RK-2", "the epoch wraps", epoch=0xFFFF),
    _variant("LV-RK-3", "starts at once", boot_ns=1),
    replace(_variant("LV-RK-4", "seen through an adapter that hands over every 16 ms"), view=View(0, 16_000_000)),
)

_BATTERY_MUTANT: Final = replace(
    mutant("RX-49", "4-R9", "a declared battery that is not there", RatingKeypad), changes=_BATTERY
)

MUTANTS: Final[tuple[Mutant, ...]] = (_BATTERY_MUTANT,)

NULL_DEVICES: Final = tuple(
    replace(subject, id=subject.id.replace("ND-", "ND-RK-"), declaration="rk1") for subject in others.NULL_DEVICES
)
