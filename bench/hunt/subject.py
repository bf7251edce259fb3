"""What is hunted on: the given scenario, cut down to a hall of minutes with a few devices of the program's lines.

The cut is a scenario file of its own, so that a failure can be looked at, changed and played without the one it came
from. The program's lines keep their settings and their devices (of those with keys, the ones that a trial names);
house lines keep what their counters need, and are polled seldom. The doors open as the run begins and close as it ends.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Final

import scenarios
from bench.scenario import extends
from bench.scenario.load import available, load, parse
from bench.scenario.model import Scenario
from bench.scenario.times import time_text
from firmware_sim.device import NS

__all__ = ["CannotHunt", "Subject", "subject_of"]

WITH_KEYS: Final = frozenset({"rating_keypad"})
"""Kinds whose presses are ratings: what a collector is judged by."""

MOST_DEVICES: Final = 3
"""Keypads of a line in a trial: more make runs longer and find nothing that three do not."""

IDLE_POLL_S: Final = 60
_KEPT: Final = ("title", "name", "date", "timezone", "records", "pace", "rating_window_s", "rating_delay_s")


class CannotHunt(ValueError):
    """There is nothing in this scenario to hunt on; says what is missing."""


@dataclass(frozen=True)
class Subject:
    """A scenario to cut trials from; plain data, so that it can be sent to another process.

    Attributes:
        given: as it was named.
        raw: its tables.
        beside: declared devices' files by name.
        names: line -> names of its devices, in the file's order.
        keypads: names of the devices with keys on the program's lines, at most `MOST_DEVICES` of each line.
        opens: instant of the first opening, ns since midnight.
    """

    given: str
    raw: Mapping[str, Any]
    beside: Mapping[str, bytes]
    names: Mapping[str, tuple[str, ...]]
    keypads: tuple[str, ...]
    opens: int

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The program's lines."""
        return tuple(
            name for name, line in zip(self.names, self.raw["line"], strict=True) if line["owner"] == "collector"
        )

    def tables(self, keypads: Collection[str], seconds: int, faults: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The tables of a cut scenario.

        Args:
            keypads: those of `keypads` that are there.
            seconds: how long the run is, seconds of the hall.
            faults: as in a scenario; `at`, `after`, `before` in seconds since the run began.
        """
        begin, end = time_text(self.opens), time_text(self.opens + seconds * NS)
        lines = self._lines(keypads)
        counters = {device["counter"] for line in lines for device in line["devices"] if "counter" in device}
        errands = [dict(errand) for errand in self.raw["errand"]]
        for errand in errands:
            errand.pop("appointments", None)  # agreed times lie outside the few minutes of a trial: they walk in
            errand.setdefault("share", 1)
            errand.setdefault("minutes", {"median": 3, "p90": 6})
        kept = [dict(counter) for counter in self.raw["counter"] if not counters or counter["number"] in counters]
        for counter in kept:
            counter.pop("breaks", None)
        kept[0]["errands"] = [errand["name"] for errand in errands]  # whoever is left serves everybody
        return {
            **{key: self.raw[key] for key in _KEPT if key in self.raw},
            "ratings": "drawn",
            "must_exercise": [],
            "hours": {"open": [f"{begin}-{end}"], "lead_minutes": 0, "horizon_minutes": 0},
            "arrivals": {"visitors": 1, "shape": {begin: 1, end: 1}},
            "errand": errands,
            "counter": kept,
            "line": lines,
            **({"fault": [self._fault(fault) for fault in faults]} if faults else {}),
        }

    def scenario(self, tables: Mapping[str, Any], text: bytes) -> Scenario:
        """The checked scenario of a cut's text.

        Raises:
            ScenarioError: the cut is no scenario.
        """
        return parse(text, f"{tables.get('name') or 'cut'}.toml", self.read_beside)

    def read_beside(self, name: str) -> bytes:
        """A file that the scenario names."""
        try:
            return self.beside[name]
        except KeyError:
            raise FileNotFoundError(name) from None

    def _lines(self, keypads: Collection[str]) -> list[dict[str, Any]]:
        gone = {name for name in self.keypads if name not in keypads}
        counters = {
            device["counter"]
            for line, names in zip(self.raw["line"], self.names.values(), strict=True)
            for name, device in zip(names, line["devices"], strict=True)
            if name in keypads and "counter" in device
        }
        lines = []
        for (line_name, names), line in zip(self.names.items(), self.raw["line"], strict=True):
            devices = []
            for name, device in zip(names, line["devices"], strict=True):
                rated = device["kind"] in WITH_KEYS and line["owner"] == "collector"
                if name in gone or (rated and name not in keypads):
                    continue
                if counters and device.get("counter", next(iter(counters))) not in counters:
                    continue
                devices.append({**device, "name": name})
            if devices:
                idle = {"poll_s": IDLE_POLL_S} if line["owner"] == "house" else {}
                lines.append({**line, "name": line_name, **idle, "devices": devices})
        return lines

    def _fault(self, fault: Mapping[str, Any]) -> dict[str, Any]:
        return {
            key: time_text(self.opens + value * NS) if key in ("at", "after", "before") else value
            for key, value in fault.items()
        }


def subject_of(given: str) -> Subject:
    """The subject of a shipped name or of a scenario file.

    Raises:
        ScenarioError: the file has mistakes.
        CannotHunt: no line of the program's with a device that has rating keys, or records that runs would share.
    """
    scenario = load(given)
    if getattr(scenario.records, "kind", "sqlite") == "database":
        raise CannotHunt(
            f"scenario {scenario.name} has its records in one database, which all runs of a hunt would share: "
            "let it have them in a file for each run ([records] kind sqlite, csv, jsonl or http)"
        )
    data, beside = _bytes(given)
    raw, beside = extends.whole(tomllib.loads(data.decode("utf-8")), beside)
    raw.setdefault("name", scenario.name)
    files: dict[str, bytes] = {}
    for line in raw["line"]:
        for device in line["devices"]:
            named = device.get("protocol", "")
            if isinstance(named, str) and named.endswith(".toml"):
                device["protocol"] = PurePosixPath(named).name
                files[device["protocol"]] = beside(named)
    names = {line.name: tuple(device.name for device in line.devices) for line in scenario.lines}
    keypads: list[str] = []
    for line in scenario.lines:
        if line.owner == "collector":
            keyed = [device.name for device in line.devices if device.kind in WITH_KEYS]
            keypads += keyed[:MOST_DEVICES]
    if not keypads:
        raise CannotHunt(
            f"scenario {scenario.name} has no rating keypad on a line of the program under test: nothing that could be "
            'lost; set owner = "collector" on the keypads\' line'
        )
    latest = 24 * 3600 * NS - 1800 * NS  # a trial must end before midnight
    opens = min(scenario.hours.opens // NS * NS, latest)
    return Subject(given, raw, files, names, tuple(keypads), opens)


def _bytes(given: str) -> tuple[bytes, Any]:
    if given in available() and not given.endswith(".toml") and "/" not in given:
        folder = scenarios.folder()
        return scenarios.resource(given).read_bytes(), lambda name: folder.joinpath(name).read_bytes()
    path = Path(given)
    return path.read_bytes(), lambda name: (path.parent / name).read_bytes()
