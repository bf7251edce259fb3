"""One hall, whole: hardware, people, house controller and evidence, on a clock that somebody else drives.

A `World` knows no clock mode. In simulated time a kernel drives its clockwork (`bench.run.day`), on real ports a wall
driver does (`bench.run.wall_day`, `bench.run.up`), in a test the test itself does (`bench.testing`). Whoever drives it
calls `begin`, moves the clockwork, and calls `end` once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from bench.clock.clockwork import Clockwork
from bench.controller.house import HouseController
from bench.controller.plan import from_scenario
from bench.controller.rows import Commit
from bench.faults.nemesis import Nemesis
from bench.hall.day import Day
from bench.hall.hall import Hall
from bench.judge.folding import WireLog
from bench.judge.history import HistoryWriter
from bench.judge.traffic import AFTER_BOOT
from bench.run.rig import Rig, inventory
from bench.scenario.model import Heal, Scenario
from firmware_sim.device import NS, Note

SETTLE = 60 * NS
"""How long a day goes on after the last visitor has left, so that what was pressed last can be fetched."""

RESTART = NS
"""How long after a fault killed it the program under test is started again, as a service manager does."""

TICK = 300 * NS
"""How often progress is told, in the hall's time."""


def given_away(scenario: Scenario, outside: Collection[str]) -> Scenario:
    """The same hall in which the program under test runs just the lines named, and the house all others."""
    lines = tuple(
        line.model_copy(update={"owner": "collector" if line.name in outside else "house"}) for line in scenario.lines
    )
    copy = scenario.model_copy(update={"lines": lines})
    copy.__dict__.pop("placed", None)  # cached from the lines before
    return copy


def outside_lines(scenario: Scenario) -> tuple[str, ...]:
    """The lines that the scenario gives to the program under test."""
    return tuple(line.name for line in scenario.lines if line.owner == "collector")


def _tapped(record: Callable[..., int], tap: Callable[[int, str, str, Mapping[str, Any]], None]) -> Callable[..., int]:
    """A history's `record` that tells somebody else too."""

    def both(t: int, src: str, kind: str, facts: Mapping[str, Any]) -> int:
        number = record(t, src, kind, facts)
        tap(t, src, kind, facts)
        return number

    return both


def _heal_facts(heal: Heal) -> dict[str, int]:
    """When all faults end, and how soon all must be well then, as the history's header tells it."""
    return {"at": heal.at, "within_ns": round(heal.converge_within_s * NS)}


class World:
    """Everything of one hall while it runs.

    Args:
        scenario: the hall; lines with owner "house" are run by the house controller.
        day: what was drawn for the visitors.
        target: the history's file (a path, or a binary file that stays the caller's).
        clock: "virtual", "wall" or "scaled", for the record.
        evidence: how much of the wire is kept: "folded", "full" or "hash".
        program: who is judged, "house" or "collector".
        sha256: of the scenario as it was given; None takes `scenario.sha256`.
        store: takes the house's rows; None when the house runs no line.
        facts: further facts of the history's header.
        people: the hall is open; without people only the devices are there.
        on_empty: called once, when the last visitor has left after closing.
        progress: called with (fraction of the day, instant ns).
        tap: is told (instant ns, source, kind, facts) of every record of the history, after it stands there.
    """

    def __init__(
        self,
        scenario: Scenario,
        day: Day,
        target: Path | BinaryIO,
        *,
        clock: str = "virtual",
        evidence: str = "folded",
        program: str = "collector",
        sha256: str | None = None,
        store: Commit | None = None,
        facts: Mapping[str, Any] | None = None,
        people: bool = True,
        on_empty: Callable[[], None] = lambda: None,
        progress: Callable[[float, int], None] | None = None,
        tap: Callable[[int, str, str, Mapping[str, Any]], None] | None = None,
    ) -> None:
        self.scenario = scenario
        self.day = day
        self.clockwork = Clockwork(scenario.start)
        self.rig = Rig(scenario, self.clockwork)
        self.history = HistoryWriter(
            target,
            {
                "schema_version": 1,
                "scenario": scenario.name,
                "scenario_sha256": sha256 or scenario.sha256,
                "seed": day.seed,
                "replication": day.replication,
                "clock": clock,
                "evidence": evidence,
                "date": scenario.date.isoformat(),
                "timezone": scenario.timezone,
                "epoch_ns": scenario.epoch_ns,
                "start": scenario.start,
                "horizon": scenario.horizon,
                "settle_ns": SETTLE // 2,
                "must_exercise": list(scenario.must_exercise),
                "devices": inventory(scenario),
                "clerks": {c.clerk: c.clerk_code for c in scenario.counters},
                "program": program,
                **({} if scenario.heal is None else {"heal": _heal_facts(scenario.heal)}),
                **(facts or {}),
            },
        )
        if tap is not None:
            self.history.record = _tapped(self.history.record, tap)  # type: ignore[method-assign]
        self.wire = WireLog(self.history, evidence)
        self.history_sha256: str | None = None
        """Of the finished history; None before `end`."""
        self._progress = progress
        self._people = people
        self.hall = Hall(self.clockwork, scenario, day, self.rig.act, self.recorder("hall"), on_empty)
        self._line_of = {spec.name: line.name for line, spec in scenario.placed}
        self.rig.listen(self.wire.burst, self._on_note, self.hall.on_note)
        self.nemesis = Nemesis(self, day.seed)
        self.house: HouseController | None = None
        if store is not None:
            self.house = self._house(scenario, self.nemesis.guarded(store), self._on_house_note)
        self._relief: HouseController | None = None

    # -- what stands in the history ---------------------------------------------------------------------------------
    def recorder(self, src: str) -> Callable[[str, Mapping[str, Any]], None]:
        """A function (kind, facts) that records what `src` did, at the present instant."""
        record, clockwork = self.history.record, self.clockwork

        def write(kind: str, facts: Mapping[str, Any]) -> None:
            record(clockwork.now, src, kind, facts)

        return write

    def _on_note(self, device: str, at: int, note: Note) -> None:
        self.history.record(at, "dev", note.kind, {"device": device, **note.facts})
        if note.kind == "boot" and at > self.scenario.start and device in self._line_of:
            self.wire.expand(self._line_of[device], at + AFTER_BOOT)  # is it set up again? (J17)

    def _on_house_note(self, at: int, note: Note) -> None:
        self.history.record(at, "house", note.kind, note.facts)

    # -- the house controller ---------------------------------------------------------------------------------------
    def _house(self, scenario: Scenario, store: Commit, tell: Callable[[int, Note], Any]) -> HouseController | None:
        plan = from_scenario(scenario)
        if not plan.lines:
            return None
        house = HouseController(plan, store, scenario.epoch_ns, tell)
        for line_plan in plan.lines:
            line = self.rig.lines[line_plan.name]
            master = house.masters[line_plan.name]
            line.attach_master(master, xonxoff=line_plan.xonxoff)
            house.connect(line_plan.name, partial(line.apply, master))
        return house

    def _start_masters(self, house: HouseController) -> None:
        for name, master in house.masters.items():
            self.rig.lines[name].apply(master, master.start(self.clockwork.now))

    def stand_in(self, lines: Collection[str]) -> None:
        """Let a second house controller run the program's lines until `relieve`: it fetches, and keeps nothing.

        Call before `begin`.
        """
        everything_else = {line.name for line in self.scenario.lines} - set(lines)
        self._relief = self._house(
            given_away(self.scenario, everything_else), lambda _rows: (), lambda _at, _note: None
        )

    def relieve(self) -> None:
        """The stand-in leaves: the program under test takes its lines over."""
        if self._relief is None:
            return
        for name in self._relief.masters:
            self.rig.lines[name].attach_port(None)
        self._relief = None

    # -- a run ------------------------------------------------------------------------------------------------------
    def begin(self) -> None:
        """Power on, masters to work, doors open: all that happens at the first instant."""
        self.recorder("run")("run_start", {})
        self.rig.power_on()
        for house in (self.house, self._relief):
            if house is not None:
                self._start_masters(house)
        for fault in self.scenario.faults:
            self.nemesis.inject(fault.name, **fault.given())
        if self.scenario.heal is not None:
            self.clockwork.call_at(self.scenario.heal.at, self.nemesis.heal)
        if self._people:
            self.hall.open()
        if self._progress is not None:
            self.clockwork.call_at(self.clockwork.now, self._tick)

    def _tick(self) -> None:
        scenario, now = self.scenario, self.clockwork.now
        assert self._progress is not None
        self._progress(min(1.0, (now - scenario.start) / (scenario.hours.closes - scenario.start)), now)
        self.clockwork.call_at(now + TICK, self._tick)

    def end(self, why: str) -> str:
        """Close the evidence; returns the history's SHA-256.

        Args:
            why: the run ended, for the record.

        Raises:
            HistoryFailed: the history could not be finished.
        """
        if self.house is not None:
            self.house.close(self.clockwork.now)
        self.nemesis.close()
        self.recorder("run")("run_end", {"why": why})
        self.wire.close()
        self.history_sha256 = self.history.close()
        return self.history_sha256

    def break_off(self, why: str) -> None:
        """Keep the history so far, without a footer, so that it is never taken for whole."""
        self.history.record(self.clockwork.now, "run", "broken_off", {"why": why})
        self.history.abandon()

    def line_facts(self) -> list[dict[str, Any]]:
        """Per line: settings, bursts, share of the time it was busy, collisions."""
        elapsed = max(1, self.clockwork.now - self.scenario.start)
        return [
            {
                "line": line.name,
                "settings": str(line.settings),
                "bursts": line.bursts,
                "busy": round(line.busy_ns / elapsed, 6),
                "collisions": line.collisions,
            }
            for line in self.rig.lines.values()
        ]
