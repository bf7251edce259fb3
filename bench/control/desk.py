"""What the resources work on: one running hall, its event log and figures, and the way in for acts."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bench.control.acts import ACTS
from bench.control.errors import Refusal
from bench.control.events import EventLog
from bench.control.models import Act
from bench.control.tally import Tally
from bench.daytime import clock_text
from bench.faults.nemesis import Armed
from bench.run.live import LiveHall
from bench.run.rig import Placed, inventory
from bench.run.world import World
from firmware_sim.device import NS
from firmware_sim.devices.counter_display import CounterDisplay
from firmware_sim.devices.declared_device import DeclaredDevice
from firmware_sim.devices.osdp_keypad import OsdpKeypad
from firmware_sim.line import Line

__all__ = ["Desk"]

ROLL_M: Final = 80.0
"""A new roll, metres."""


@dataclass(slots=True)
class Desk:
    """One bench, as the API sees it.

    Attributes:
        name: of the bench.
        world: the hall.
        live: its ports and clock.
        log: what happens.
        tally: the figures.
        fixed: why the clock is not to be steered; "" when it is.
        faults: id -> fault, those of the scenario too.
        ending: the bench is about to end.
    """

    name: str
    world: World
    live: LiveHall
    log: EventLog
    tally: Tally
    fixed: str = ""
    faults: dict[str, Armed] = field(default_factory=dict)
    ending: bool = False
    stepping: bool = False
    _rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rows = {row["name"]: row for row in inventory(self.world.scenario)}

    @property
    def now(self) -> int:
        """The hall's present instant, ns."""
        return self.live.driver.now_ns()

    @property
    def rows(self) -> Mapping[str, dict[str, Any]]:
        """Device -> its row of the inventory."""
        return self._rows

    def placed(self, name: str) -> Placed:
        """A device by its name.

        Raises:
            Refusal: no_such_device.
        """
        found = self.world.rig.devices.get(name)
        if found is None:
            raise Refusal("no_such_device", f"there is no device {name[:80]!r}", "GET /v1/devices lists them")
        return found

    def line(self, name: str) -> Line:
        """A line by its name.

        Raises:
            Refusal: no_such_line.
        """
        found = self.world.rig.lines.get(name)
        if found is None:
            raise Refusal("no_such_line", f"there is no line {name[:80]!r}", "GET /v1/lines lists them")
        return found

    def catch_up(self) -> None:
        """Bring the hall to the present, so that what is looked at is what is there.

        Raises:
            Refusal: the hall has failed.
        """
        self.live.driver.stimulus(lambda: None)
        failure = self.live.driver.failure
        if failure is not None:
            raise Refusal("bench_failed", f"the hall has failed: {failure}", "end this bench; its history tells more")

    def clock(self) -> dict[str, Any]:
        """The clock as data."""
        driver = self.live.driver
        now = self.now
        return {
            "now": now,
            "time": clock_text(now, millis=True),
            "date": self.world.scenario.date.isoformat(),
            "timezone": self.world.scenario.timezone,
            "running": driver.running,
            "speed": driver.speed,
            "steerable": not self.fixed,
            "why_not": self.fixed,
            "distortion": driver.distortion,
        }

    def identity(self) -> dict[str, Any]:
        """Which bench this is."""
        scenario = self.world.scenario
        return {"name": self.name, "pid": os.getpid(), "scenario": scenario.name, "title": scenario.title}

    def sheets(self, printer: str) -> list[dict[str, Any]]:
        """The last tickets that a printer cut off, as far as their events are kept."""
        return self.tally.sheets.get(printer, [])

    # -- the human hands --------------------------------------------------------------------------------------------
    def act(self, name: str, action: str, given: Act) -> dict[str, Any]:
        """Do what a person does, at the present instant.

        Returns:
            {"device", "action", "at", "time", "ignored"}: `ignored` is why the device took no notice of a key, or None.

        Raises:
            Refusal: no_such_device, no_such_action, bad_argument or over.
        """
        if self.ending:
            raise Refusal("over", "the bench is ending", "start another with hallbench up")
        placed = self.placed(name)
        possible = tuple(getattr(placed.thing, "human", ()))
        if action not in possible:
            raise Refusal(
                "no_such_action",
                f"nobody can {action[:40]!r} {name}",
                f"what people do with it: {', '.join(possible)}",
            )
        arguments = _arguments(placed, action, given)
        before = self.log.last
        driver = self.live.driver
        try:
            inspect.signature(getattr(placed.thing, action)).bind(0, *arguments)
            driver.stimulus(self._do, name, action, arguments)
        except (ValueError, TypeError) as exc:
            raise Refusal("bad_argument", str(exc), f"GET /v1/devices/{name} tells its keys and actions") from exc
        return {
            "device": name,
            "action": action,
            "at": self.now,
            "time": clock_text(self.now, millis=True),
            "ignored": self.log.ignored_since(before, name),
        }

    def _do(self, name: str, action: str, arguments: list[Any]) -> None:
        self.world.rig.act(name, action, *arguments)  # what cannot be done is told to who asked, and to nobody else
        self.log.add("act", action, {"args": arguments, "by": "control"}, self.world.clockwork.now, name)


def _arguments(placed: Placed, action: str, given: Act) -> list[Any]:
    """The arguments of a device's method, from the fields of a body.

    Raises:
        Refusal: bad_argument.
    """
    thing = placed.thing
    told = given.model_fields_set - {"device", "action"}
    if isinstance(thing, DeclaredDevice) and action in thing.declaration.actions:
        _only(told, ("key", "args"), action)
        return [*([given.key] if given.key is not None else []), *given.args]
    _only(told, ACTS[action].fields if action in ACTS else (), action)
    if action == "press":
        return _press(thing, given)
    if action == "log_in":
        if given.clerk is None:
            raise Refusal("bad_argument", "log_in needs the clerk's code", 'send {"clerk": 3}')
        return [given.clerk]
    if action in ("tamper", "supply"):
        return [True if given.on is None else given.on]
    if action == "load_paper":
        return [round((ROLL_M if given.metres is None else given.metres) * 1000)]
    return []


def _only(told: set[str], allowed: tuple[str, ...], action: str) -> None:
    extra = sorted(told - set(allowed))
    if extra:
        takes = ", ".join(allowed) or "no fields"
        raise Refusal("bad_argument", f"{action} does not take {', '.join(extra)}", f"it takes {takes}")


def _press(thing: Any, given: Act) -> list[Any]:
    key = given.key
    if key is None:
        raise Refusal("bad_argument", "press needs a key", 'send {"key": 5}')
    if isinstance(thing, CounterDisplay):
        return [str(key)]
    if not isinstance(thing, OsdpKeypad) and isinstance(key, str):
        if not (key.isascii() and key.isdigit() and len(key) < 4):
            raise Refusal("bad_argument", f"the keys of {thing.name} are numbers, not {key[:20]!r}", 'send {"key": 5}')
        key = int(key)
    return [key, round(given.held_s * NS)] if given.held_s else [key]
