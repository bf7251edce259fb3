"""One day of a hall, from a scenario to a verdict.

`run_day` builds the hardware, lets the people in, gives the lines to the program under test (and the rest to the house
controller) and runs to the end. Everything that happens goes into the run directory, and `bench.run.verdict` judges it
from there.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from bench import __version__
from bench.clock.clockwork import Clockwork, clock_text
from bench.clock.kernel import BenchFailure, Kernel
from bench.clock.standins import REAL, installed
from bench.controller.house import HouseController
from bench.controller.plan import from_scenario
from bench.controller.store import Store
from bench.hall.day import Day
from bench.hall.hall import Hall
from bench.judge.folding import WireLog
from bench.judge.history import HistoryFailed, HistoryWriter
from bench.ports.mounts import Mount, mounted
from bench.ports.patch import redirected
from bench.run.collector import Exit, Program, run_collector
from bench.run.directory import DAY, DEVICES, HISTORY, LOG, RECORDS, RUN, RunDirectory
from bench.run.placeholders import fill_placeholders
from bench.run.process import fewer_looks_for_garbage, hall_time_zone, interrupt_is_ours
from bench.run.registers import register_map
from bench.run.rig import Rig
from bench.run.watchdog import Watchdog
from bench.scenario.model import Scenario
from firmware_sim.device import NS, Note

SETTLE = 60 * NS
"""How long the day goes on after the last visitor has left, so that what was pressed last can be fetched."""

TICK = 300 * NS
"""How often progress is told, in the hall's time."""

EXIT_HUNG_BY_FORCE = 6


class NothingToTest(ValueError):
    """The scenario gives the program under test no line."""


@dataclass(slots=True)
class DayOptions:
    """What a day is to be.

    Attributes:
        scenario: the hall and its day.
        day: the drawn day.
        program: the program under test; None lets the house controller run everything.
        given: the scenario as it was named on the command line.
        command: the program as it was given, for the record.
        out: run directory, or None for a new one under runs/.
        evidence: "folded", "full" or "hash".
        patience: real seconds a collector may compute without a sign of life.
        paths: further device paths -> line names.
        shown: where the collector's output is shown besides its log, or None.
        progress: called with (fraction of the day, instant as text).
    """

    scenario: Scenario
    day: Day
    program: Program | None = None
    given: str = ""
    command: Sequence[str] = ()
    out: Path | None = None
    evidence: str = "folded"
    patience: float = 20.0
    paths: Mapping[str, str] = field(default_factory=dict)
    shown: TextIO | None = None
    progress: Callable[[float, str], None] = lambda _fraction, _text: None


@dataclass(slots=True)
class DayResult:
    """What became of a day: where its evidence is, how the collector ended, and why the day did."""

    directory: RunDirectory
    why: str
    exit: Exit | None
    opened: bool
    real_seconds: float
    lines: list[dict[str, Any]]


def all_to_the_house(scenario: Scenario) -> Scenario:
    """The same hall with every line run by the house controller."""
    lines = tuple(line.model_copy(update={"owner": "house"}) for line in scenario.lines)
    copy = scenario.model_copy(update={"lines": lines})
    copy.__dict__.pop("placed", None)  # cached from the lines before
    return copy


class _World:
    """Everything of one day while it runs."""

    def __init__(self, options: DayOptions, directory: RunDirectory) -> None:
        self.options = options
        self.directory = directory
        scenario = options.scenario if options.program is not None else all_to_the_house(options.scenario)
        self.scenario = scenario
        self.clockwork = Clockwork(scenario.start)
        self.kernel = Kernel(self.clockwork, scenario.epoch_ns, until=scenario.horizon)
        self.rig = Rig(scenario, self.clockwork)
        self.history = HistoryWriter(directory.file(HISTORY), self._header())
        self.wire = WireLog(self.history, options.evidence)
        self.history_sha256: str | None = None
        self.why = "horizon"
        self.hall = Hall(
            self.clockwork, scenario, options.day, self.rig.act, self._record_of("hall"), self._hall_is_empty
        )
        self.rig.listen(self.wire.burst, self._note_of("dev"), self.hall.on_note)
        self.store: Store | None = None
        self._wire_up_house()

    def _header(self) -> dict[str, Any]:
        scenario, day = self.scenario, self.options.day
        return {
            "schema_version": 1,
            "scenario": scenario.name,
            "scenario_sha256": self.options.scenario.sha256,
            "seed": day.seed,
            "replication": day.replication,
            "clock": "virtual",
            "evidence": self.options.evidence,
            "date": scenario.date.isoformat(),
            "timezone": scenario.timezone,
            "epoch_ns": scenario.epoch_ns,
            "start": scenario.start,
            "horizon": scenario.horizon,
            "settle_ns": SETTLE // 2,
            "must_exercise": list(scenario.must_exercise),
            "devices": self.rig.inventory(),
            "clerks": {c.clerk: c.clerk_code for c in scenario.counters},
            "program": "house" if self.options.program is None else "collector",
        }

    def _record_of(self, src: str) -> Callable[[str, Mapping[str, Any]], Any]:
        record, clockwork = self.history.record, self.clockwork

        def write(kind: str, facts: Mapping[str, Any]) -> None:
            record(clockwork.now, src, kind, facts)

        return write

    def _note_of(self, src: str) -> Callable[[str, int, Note], None]:
        record = self.history.record

        def write(device: str, at: int, note: Note) -> None:
            record(at, src, note.kind, {"device": device, **note.facts})

        return write

    def _house_note(self, at: int, note: Note) -> None:
        self.history.record(at, "house", note.kind, note.facts)

    def _wire_up_house(self) -> None:
        plan = from_scenario(self.scenario)
        if not plan.lines:
            return
        url = self.directory.file(RECORDS if self.options.program is None else "house.sqlite")
        self.store = Store(f"sqlite:///{url}")
        self.house = HouseController(plan, self.store, self.scenario.epoch_ns, self._house_note)
        for line_plan in plan.lines:
            line = self.rig.lines[line_plan.name]
            master = self.house.masters[line_plan.name]
            line.attach_master(master, xonxoff=line_plan.xonxoff)
            self.house.connect(line_plan.name, partial(line.apply, master))

    # -- running ----------------------------------------------------------------------------------------------------
    def run(
        self, program: Program | None, env: Mapping[str, str], ports: Mapping[str, str]
    ) -> tuple[Exit | None, bool]:
        """The day, from power-on to its end; returns how the collector ended and whether it opened a port."""
        run_record = self._record_of("run")
        run_record("run_start", {})
        self.rig.power_on()
        if self.store is not None:
            for name, master in self.house.masters.items():
                self.rig.lines[name].apply(master, master.start(self.clockwork.now))
        self.hall.open()
        self.clockwork.call_at(self.clockwork.now, self._tick)
        ended: Exit | None = None
        opened = False
        if program is not None:
            ended, opened = self._with_collector(program, env, ports)
        self.kernel.drive()
        if self.store is not None:
            self.house.close(self.clockwork.now)
        run_record("run_end", {"why": self.why})
        self.wire.close()
        self.history_sha256 = self.history.close()
        return ended, opened

    def _with_collector(self, program: Program, env: Mapping[str, str], ports: Mapping[str, str]) -> tuple[Exit, bool]:
        lines = {name: self.rig.lines[name] for name in ports}
        paths = {line.path: line.name for line in self.scenario.lines if line.path and line.name in ports}
        paths.update(self.options.paths)
        record = self._record_of("collector")
        record("start", {})
        mounts: dict[str, Mount] = {}
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(self.directory.file(LOG).open("w", encoding="utf-8"))
            stack.enter_context(hall_time_zone(self.scenario.timezone))
            stack.enter_context(installed())
            stack.enter_context(redirected())
            mounts = stack.enter_context(mounted(lines, self.kernel, paths))
            watchdog = Watchdog(self.kernel, self.options.patience, self._give_up)
            stack.enter_context(watchdog)
            interrupted = stack.enter_context(interrupt_is_ours())
            ended = run_collector(program, self.kernel, env=env, log=log, shown=self.options.shown)
            if ended.how == "hung" and watchdog.found:
                ended = Exit(ended.status, "hung", watchdog.found)
                log.write(f"hallbench: {watchdog.found}\n")
            if interrupted:
                raise KeyboardInterrupt
        record("exit", {"status": ended.status, "how": ended.how})
        return ended, any(mount.opened for mount in mounts.values())

    def _tick(self) -> None:
        scenario, now = self.scenario, self.clockwork.now
        self.options.progress(
            min(1.0, (now - scenario.start) / (scenario.hours.closes - scenario.start)), clock_text(now)
        )
        self.clockwork.call_at(now + TICK, self._tick)

    def _hall_is_empty(self) -> None:
        self.why = "everybody has left"
        self.kernel.end_at(min(self.kernel.until, self.clockwork.now + SETTLE))

    def _give_up(self, found: str) -> None:
        """The collector cannot be reached at all: keep what there is and end the process (watchdog's thread)."""
        with contextlib.suppress(Exception):
            self.history.record(self.clockwork.now, "collector", "exit", {"status": 1, "how": "hung"})
            self.wire.close()
            self.history.flush()
        with contextlib.suppress(Exception):
            ended = Exit(1, "hung", found)
            self.directory.write_json(RUN, _run_facts(self, ended, opened=True, real=0.0, why="the collector hung"))
        sys.__stderr__.write(  # type: ignore[union-attr]
            f"hallbench: {found}\nIt did not react to being interrupted, so the run was ended by force; the history so "
            f"far is in {self.directory.shown()}.\n"
        )
        sys.__stderr__.flush()  # type: ignore[union-attr]
        os._exit(EXIT_HUNG_BY_FORCE)


def _run_facts(world: _World, ended: Exit | None, *, opened: bool, real: float, why: str) -> dict[str, Any]:
    options = world.options
    elapsed = max(1, world.clockwork.now - world.scenario.start)
    return {
        "schema_version": 1,
        "hallbench": __version__,
        "python": platform.python_version(),
        "scenario": world.scenario.name,
        "scenario_given": options.given or world.scenario.name,
        "title": world.scenario.title,
        "notes": list(world.scenario.notes),
        "scenario_sha256": options.scenario.sha256,
        "seed": options.day.seed,
        "replication": options.day.replication,
        "clock": "virtual",
        "evidence": options.evidence,
        "command": list(options.command),
        "program": "house" if options.program is None else "collector",
        "collector": None if ended is None else {"status": ended.status, "how": ended.how, "detail": ended.detail},
        "opened_a_port": opened,
        "records": options.scenario.records.model_dump(),
        "ended": why,
        "ended_at": clock_text(world.clockwork.now, millis=True),
        "real_seconds": round(real, 3),
        "hall_seconds": elapsed / NS,
        "history_sha256": world.history_sha256,
        "lines": [
            {
                "line": line.name,
                "settings": str(line.settings),
                "bursts": line.bursts,
                "busy": round(line.busy_ns / elapsed, 6),
                "collisions": line.collisions,
            }
            for line in world.rig.lines.values()
        ],
    }


def run_day(options: DayOptions) -> DayResult:
    """Run one day in virtual time; leaves history, day, run facts and the collector's records in the run directory.

    Raises:
        NothingToTest: there is a program but the scenario has no line for it.
        UnknownPlaceholder: the command names a line that is not the program's.
        CannotWrite, HistoryFailed: the run directory cannot be written.
        BenchFailure: the bench itself failed.
    """
    scenario = options.scenario
    owned = [line.name for line in scenario.lines if line.owner == "collector"]
    if options.program is not None and not owned:
        raise NothingToTest(
            f"scenario {scenario.name} gives the program under test no line: "
            'set owner = "collector" on the line that it is to run'
        )
    started = REAL["monotonic"]()
    directory = RunDirectory(options.out, f"{scenario.name}-seed{options.day.seed}")
    directory.write_json(DAY, options.day.to_json())
    world = _World(options, directory)
    ports = {name: f"hall://{name}" for name in owned}
    records, devices = str(directory.file(RECORDS)), str(directory.file(DEVICES))
    program = options.program
    env: dict[str, str] = {}
    if program is not None:
        mine = [device for device in world.rig.inventory() if device["owner"] == "collector"]
        directory.write_json(DEVICES, {"schema_version": 1, "devices": mine, "registers": register_map(mine)})
        program = Program(program.kind, program.target, tuple(fill_placeholders(program.args, ports, records, devices)))
        env = {"HALLBENCH_RECORDS": records, "HALLBENCH_DEVICES": devices}
        env |= {f"HALLBENCH_PORT_{name.upper().replace('-', '_')}": port for name, port in ports.items()}
    try:
        with fewer_looks_for_garbage():
            ended, opened = world.run(program, env, ports)
    except BaseException as exc:
        _keep_what_there_is(world, exc, REAL["monotonic"]() - started)
        cause = exc.__cause__
        if isinstance(exc, BenchFailure) and isinstance(cause, HistoryFailed):
            raise cause from exc
        raise
    finally:
        if world.store is not None:
            world.store.close()
    real = REAL["monotonic"]() - started
    facts = _run_facts(world, ended, opened=opened, real=real, why=world.why)
    directory.write_json(RUN, facts)
    return DayResult(directory, world.why, ended, opened, real, facts["lines"])


def _keep_what_there_is(world: _World, exc: BaseException, real: float) -> None:
    """After a failure: the history so far, without a footer (so that it is never taken for whole), and run.json."""
    why = "interrupted" if isinstance(exc, KeyboardInterrupt) else f"{type(exc).__name__}: {exc}"
    with contextlib.suppress(Exception):
        world.history.record(world.clockwork.now, "run", "broken_off", {"why": why})
        world.history.abandon()
    with contextlib.suppress(Exception):
        world.directory.write_json(RUN, _run_facts(world, None, opened=False, real=real, why=why))


def load_day(path: Path) -> Day:
    """A day from the `day.json` of a run directory."""
    return Day.from_json(json.loads(path.read_text(encoding="utf-8")))
