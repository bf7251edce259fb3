"""One day of a hall in simulated time, from a scenario to its evidence.

`run_day` builds the world, gives the lines to the program under test (and the rest to the house controller) and lets
the program's own waiting drive the clock to the end of the day. Everything that happens goes into the run directory,
and `bench.run.verdict` judges it from there.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from bench.captures.export import keep_wire
from bench.clock.kernel import BenchFailure, Kernel
from bench.clock.standins import REAL, installed
from bench.daytime import clock_text
from bench.faults.records_lock import lock_of
from bench.faults.virtual_hands import lend_virtual
from bench.hall.day import Day
from bench.judge.history import HistoryFailed
from bench.ports.mounts import Mount, mounted
from bench.ports.patch import redirected
from bench.records.hall_http import URL as SINK_URL
from bench.records.hall_http import listening
from bench.records.intake import Intake
from bench.records.source import FILES
from bench.run.collector import Exit, Program, run_collector
from bench.run.descriptors import descriptors_kept
from bench.run.directory import DAY, HISTORY, HOUSE_RECORDS, LOG, RECORDS, RUN, RunDirectory
from bench.run.forked import only_here
from bench.run.given import Given, run_facts, store_for
from bench.run.options import DayOptions, DayResult, NothingToTest
from bench.run.process import fewer_looks_for_garbage, hall_time_zone, interrupt_is_ours
from bench.run.samples import Sample, sample, thinned
from bench.run.watchdog import Watchdog
from bench.run.world import RESTART, SETTLE, World, given_away, outside_lines

__all__ = ["DayOptions", "DayResult", "NothingToTest", "load_day", "run_day"]

EXIT_HUNG_BY_FORCE = 6


class _VirtualDay:
    """One day in simulated time: a world, and the kernel that drives it."""

    def __init__(self, options: DayOptions, directory: RunDirectory) -> None:
        self.options = options
        self.directory = directory
        self.why = "horizon"
        self.samples: list[Sample] = []
        house = options.program is None
        self.scenario = given_away(options.scenario, () if house else outside_lines(options.scenario))
        self.store = store_for(self.scenario, directory.file(RECORDS if house else HOUSE_RECORDS))
        self.world = World(
            self.scenario,
            options.day,
            directory.file(HISTORY),
            evidence=options.evidence,
            program="house" if house else "collector",
            sha256=options.scenario.sha256,
            store=self.store,
            on_empty=self._everybody_has_left,
            progress=self._progress,
        )
        self.clockwork = self.world.clockwork
        self.kernel = Kernel(self.clockwork, self.scenario.epoch_ns, until=self.scenario.horizon)

    # -- running ----------------------------------------------------------------------------------------------------
    def run(
        self, program: Program | None, env: Mapping[str, str], ports: Mapping[str, str]
    ) -> tuple[Exit | None, bool]:
        """The day, from power-on to its end; returns how the collector ended and whether it opened a port."""
        self.world.begin()
        self.options.prepare(self.world)
        ended: Exit | None = None
        opened = False
        if program is not None:
            ended, opened = self._with_collector(program, env, ports)
        self.kernel.drive()
        self.world.end(self.why)
        return ended, opened

    def _with_collector(self, program: Program, env: Mapping[str, str], ports: Mapping[str, str]) -> tuple[Exit, bool]:
        lines = {name: self.world.rig.lines[name] for name in ports}
        paths = {line.path: line.name for line in self.scenario.lines if line.path and line.name in ports}
        paths.update(self.options.paths)
        record = self.world.recorder("collector")
        record("start", {})
        mounts: dict[str, Mount] = {}
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(self.directory.text_file(LOG))
            stack.enter_context(descriptors_kept())
            stack.enter_context(hall_time_zone(self.scenario.timezone))
            stack.enter_context(installed())
            stack.enter_context(redirected())
            mounts = stack.enter_context(mounted(lines, self.kernel, paths))
            watchdog = Watchdog(self.kernel, self.options.patience, self._give_up)
            stack.enter_context(watchdog)
            interrupted = stack.enter_context(interrupt_is_ours())
            shown = self.options.shown
            hands = self.world.nemesis.hands
            lend_virtual(hands, self.kernel, mounts)
            mortal = any(fault.is_("kill") for fault in self.scenario.faults)
            hands.kill = self.kernel.kill if mortal else None
            if self.scenario.records.kind == "http":
                intake = Intake(self.directory.file(FILES["http"]), self._unix_now)
                hands.lock_records = intake.lock
                stack.enter_context(listening(self.kernel, intake))
            lock = lock_of(self.scenario.records, self.directory.path, inside=True)
            if lock is not None:
                hands.lock_records, env = lock, {**env, **lock.env}
                stack.enter_context(lock.installed())
            run = partial(run_collector, program, self.kernel, env=env, log=log, shown=shown, expendable=mortal)
            ended = only_here(lambda: self._lives(run))
            if ended.how == "hung" and watchdog.found:
                ended = Exit(ended.status, "hung", watchdog.found)
                with contextlib.suppress(OSError):
                    log.write(f"hallbench: {watchdog.found}\n")
            if interrupted:
                raise KeyboardInterrupt
        record("exit", {"status": ended.status, "how": ended.how})
        return ended, any(mount.opened for mount in mounts.values())

    def _unix_now(self) -> int:
        return self.kernel.epoch_ns + self.clockwork.now

    def _lives(self, run: Callable[[], Exit]) -> Exit:
        """Run the program; when a fault has killed it, start it again, as a service manager does."""
        record = self.world.recorder("collector")
        while True:
            ended = run()
            if ended.how != "killed" and not (ended.how == "crashed" and self.options.restart):
                return ended
            record("killed", {"status": ended.status})
            self.kernel.drive(min(self.clockwork.now + RESTART, self.kernel.until))
            if self.clockwork.now >= self.kernel.until:
                return ended
            record("start", {})

    def _progress(self, done: float, at: int) -> None:
        if self.options.program is not None:
            self.samples.append(sample(at))
        self.options.progress(done, clock_text(at))

    def _everybody_has_left(self) -> None:
        self.why = "everybody has left"
        self.kernel.end_at(min(self.kernel.until, self.clockwork.now + SETTLE))

    def _give_up(self, found: str) -> None:
        """The collector cannot be reached at all: keep what there is and end the process (watchdog's thread)."""
        world = self.world
        with contextlib.suppress(Exception):
            world.history.record(self.clockwork.now, "collector", "exit", {"status": 1, "how": "hung"})
            world.wire.close()
            world.history.flush()
        with contextlib.suppress(Exception):
            ended = Exit(1, "hung", found)
            facts = run_facts(self.options, world, ended, clock="virtual", why="the collector hung", opened=True)
            self.directory.write_json(RUN, facts)
        sys.__stderr__.write(  # type: ignore[union-attr]
            f"hallbench: {found}\nIt did not react to being interrupted, so the run was ended by force; the history so "
            f"far is in {self.directory.shown()}.\n"
        )
        sys.__stderr__.flush()  # type: ignore[union-attr]
        os._exit(EXIT_HUNG_BY_FORCE)


def run_day(options: DayOptions) -> DayResult:
    """Run one day in virtual time; leaves history, day, run facts and the collector's records in the run directory.

    Raises:
        NothingToTest: there is a program but the scenario has no line for it.
        UnknownPlaceholder: the command names a line that is not the program's.
        CannotWrite, HistoryFailed: the run directory cannot be written.
        BenchFailure: the bench itself failed.
    """
    scenario, program = options.scenario, options.program
    owned = outside_lines(scenario)
    if program is not None and not owned:
        raise NothingToTest(
            f"scenario {scenario.name} gives the program under test no line: "
            'set owner = "collector" on the line that it is to run'
        )
    started = REAL["monotonic"]()
    directory = RunDirectory(options.out, f"{scenario.name}-seed{options.day.seed}")
    directory.write_json(DAY, options.day.to_json())
    run = _VirtualDay(options, directory)
    ports: dict[str, str] = {}
    env: dict[str, str] = {}
    if program is not None:
        ports = {name: f"hall://{name}" for name in owned}
        given = Given.write(directory, scenario, ports, SINK_URL if scenario.records.kind == "http" else "")
        program = Program(program.kind, program.target, given.fill(program.args))
        env = given.env
    try:
        with fewer_looks_for_garbage():
            ended, opened = run.run(program, env, ports)
    except BaseException as exc:
        _keep_what_there_is(run, exc, REAL["monotonic"]() - started)
        cause = exc.__cause__
        if isinstance(exc, BenchFailure) and isinstance(cause, HistoryFailed):
            raise cause from exc
        raise
    finally:
        if run.store is not None:
            run.store.close()
    real = REAL["monotonic"]() - started
    held = {"resources": thinned(run.samples)} if run.samples else {}
    facts = run_facts(options, run.world, ended, clock="virtual", why=run.why, real=real, opened=opened, **held)
    directory.write_json(RUN, facts)
    keep_wire(directory.path)
    return DayResult(directory, run.why, ended, opened, real, facts["lines"])


def _keep_what_there_is(run: _VirtualDay, exc: BaseException, real: float) -> None:
    """After a failure: the history so far, without a footer, and run.json."""
    why = "interrupted" if isinstance(exc, KeyboardInterrupt) else f"{type(exc).__name__}: {exc}"
    with contextlib.suppress(Exception):
        run.world.break_off(why)
    with contextlib.suppress(Exception):
        run.directory.write_json(RUN, run_facts(run.options, run.world, None, clock="virtual", why=why, real=real))


def load_day(path: Path) -> Day:
    """A day from the `day.json` of a run directory."""
    return Day.from_json(json.loads(path.read_text(encoding="utf-8")))
