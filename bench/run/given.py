"""What the program under test is given (ports, a place for its records, a list of devices); the facts of a run."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import __version__
from bench.daytime import clock_text
from bench.records.secrets import hide
from bench.records.source import place_of
from bench.run.collector import Exit
from bench.run.directory import DEVICES, RunDirectory
from bench.run.options import DayOptions
from bench.run.placeholders import fill_placeholders
from bench.run.registers import register_map
from bench.run.rig import inventory
from bench.run.speech import declarations
from bench.run.world import World
from bench.scenario.model import Scenario
from firmware_sim.device import NS

if TYPE_CHECKING:
    from bench.controller.store import Store


@dataclass(frozen=True, slots=True)
class Given:
    """What a program under test finds (cli.md, "Contract for automation").

    Attributes:
        ports: line -> port, as pyserial takes it.
        records: the file in which its ratings are expected, or the URL of a database or of the bench's HTTP sink.
        devices: JSON file of the devices on its lines.
    """

    ports: Mapping[str, str]
    records: str
    devices: str

    @classmethod
    def write(cls, directory: RunDirectory, scenario: Scenario, ports: Mapping[str, str], sink: str = "") -> Given:
        """Write `devices.json` for these lines into the run directory.

        Args:
            directory: of the run.
            scenario: of the run.
            ports: line -> port.
            sink: URL of the HTTP sink, where the scenario asks for one.

        Raises:
            RecordsError: the URL of the scenario's database asks for a variable that is not set.
        """
        mine = [device for device in inventory(scenario) if device["line"] in ports]
        directory.write_json(DEVICES, {"schema_version": 1, "devices": mine, "registers": register_map(mine)})
        records = sink or str(place_of(scenario.records, directory.path))
        return cls(ports, records, str(directory.file(DEVICES)))

    def fill(self, words: Sequence[str]) -> tuple[str, ...]:
        """A command's arguments with their placeholders filled in.

        Raises:
            UnknownPlaceholder: one means nothing here.
        """
        return tuple(fill_placeholders(words, self.ports, self.records, self.devices))

    @property
    def env(self) -> dict[str, str]:
        """The same values as environment variables."""
        return {
            "HALLBENCH_RECORDS": self.records,
            "HALLBENCH_DEVICES": self.devices,
            # a proxy of this machine's must not stand between the collector and the sink
            **({"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"} if self.records.startswith("http://") else {}),
            **{f"HALLBENCH_PORT_{name.upper().replace('-', '_')}": port for name, port in self.ports.items()},
        }


def store_for(scenario: Scenario, path: Path) -> Store | None:
    """A SQLite store for the rows of the house controller; None when the house runs no line.

    Raises:
        StoreFailed: the file cannot be made.
    """
    if all(line.owner == "collector" for line in scenario.lines):
        return None
    from sqlalchemy import URL  # a third of a second

    from bench.controller.store import Store

    return Store(URL.create("sqlite", database=str(path)))  # in a text, "?" and "#" would end the path


def run_facts(
    options: DayOptions,
    world: World,
    ended: Exit | None,
    *,
    clock: str,
    why: str,
    real: float = 0.0,
    opened: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """The contents of `run.json`."""
    scenario = world.scenario
    now = world.clockwork.now
    return {
        "schema_version": 1,
        "hallbench": __version__,
        "python": platform.python_version(),
        "scenario": scenario.name,
        "scenario_given": options.given or scenario.name,
        "title": scenario.title,
        "notes": list(scenario.notes),
        "scenario_sha256": options.scenario.sha256,
        "seed": options.day.seed,
        "replication": options.day.replication,
        "clock": clock,
        "evidence": options.evidence,
        "command": [hide(word) for word in options.command],
        "program": "house" if options.by_house else "collector",
        "collector": None
        if ended is None
        else {"status": ended.status, "how": ended.how, "detail": hide(ended.detail)},
        "opened_a_port": opened,
        "records": options.scenario.records.model_dump(),
        "ended": why,
        "ended_at": clock_text(now, millis=True),
        "real_seconds": round(real, 3),
        "hall_seconds": max(1, now - scenario.start) / NS,
        "history_sha256": world.history_sha256,
        "lines": world.line_facts(),
        **({"faults": world.nemesis.facts()} if world.nemesis.faults else {}),
        **({"declarations": told} if (told := declarations(scenario)) else {}),
        **more,
    }
