"""One day of a hall on real ports, in wall or scaled time, for a program in any language.

The same world as in simulated time; the difference is who moves the clock. With a window the day runs virtually up to
it, with a stand-in for the program under test, and in wall time inside it; the verdict is of what the program answered
for. A program that ends by itself needs no wall any more: the rest of the day is then run virtually.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from bench.captures.export import keep_wire
from bench.clock.wall import WallDriver, make_loop
from bench.control.errors import ControlUnavailable
from bench.daytime import clock_text
from bench.faults.records_lock import lock_of
from bench.records import wall_http
from bench.records.intake import Intake
from bench.records.source import FILES
from bench.run.collector import Exit
from bench.run.directory import DAY, HISTORY, HOUSE_RECORDS, LOG, RECORDS, RUN, RunDirectory
from bench.run.given import Given, run_facts, store_for
from bench.run.live import LiveHall, PortSpec
from bench.run.options import DayOptions, DayResult, NothingToTest
from bench.run.outside import OutsideProgram
from bench.run.process import ended_by, fewer_looks_for_garbage
from bench.run.samples import Sample, sample, thinned
from bench.run.scaled_program import can_be_scaled, scaled_words
from bench.run.world import RESTART, SETTLE, World, given_away, outside_lines
from firmware_sim.device import NS

if TYPE_CHECKING:
    from bench.control.api import Control

LOOK = 2.0
"""Real seconds between two looks at what the program holds of the machine."""

STEP = 60 * NS
"""How far the hall is moved at once before a window: between two steps the program can be interrupted."""


class BadWindow(ValueError):
    """A window that is not inside the day."""


@dataclass(frozen=True, slots=True)
class Wall:
    """How a day runs in wall time.

    Attributes:
        speed: seconds of the hall in one real second.
        window: (first, last instant) in wall time, or None for the whole day.
        ports: how lines are offered; lines not named are ptys in the run directory.
        listen: address that TCP ports listen on.
        control: offer the control API; the clock of a day that is judged can be looked at, not steered.
    """

    speed: float = 1.0
    window: tuple[int, int] | None = None
    ports: Sequence[PortSpec] = ()
    listen: str = "127.0.0.1"
    control: bool = True

    @property
    def clock(self) -> str:
        """As the command line names it."""
        return "wall" if self.speed == 1 else f"{self.speed:g}x"


def _control(options: DayOptions, wall: Wall) -> Control | None:
    if not wall.control:
        return None
    from bench.control.api import Control  # brings aiohttp

    why = "this day is judged: the program under test waits by its own clock, which cannot be stopped with the hall's"
    return Control(options.scenario.name, wall.listen, fixed=why)


def command_words(command: Sequence[str]) -> list[str]:
    """The command as the system runs it: `python` is this interpreter, with its packages; a path names another."""
    words = list(command)
    if words[0] in {"python", "python3"}:
        return [sys.executable, *words[1:]]
    if words[0].endswith(".py") and shutil.which(words[0]) is None:
        return [sys.executable, *words]
    return words


class _WallDay:
    """One day in wall time."""

    def __init__(self, options: DayOptions, wall: Wall, directory: RunDirectory) -> None:
        self.options = options
        self.wall = wall
        self.directory = directory
        self.why = "horizon"
        self.owned = () if options.by_house else outside_lines(options.scenario)
        self.scenario = given_away(options.scenario, self.owned)
        _check_window(wall, self.scenario.start, self.scenario.horizon)
        self.store = store_for(self.scenario, directory.file(RECORDS if options.by_house else HOUSE_RECORDS))
        self.control = _control(options, wall)
        self.world = World(
            self.scenario,
            options.day,
            directory.file(HISTORY),
            clock=wall.clock,
            evidence=options.evidence,
            program="house" if options.by_house else "collector",
            sha256=options.scenario.sha256,
            store=self.store,
            facts={} if wall.window is None else {"window": list(wall.window)},
            on_empty=self._everybody_has_left,
            progress=lambda done, at: options.progress(done, clock_text(at)),
            tap=None if self.control is None else self.control.tap,
        )
        if self.control is not None:
            self.control.watch(self.world)
        self.clockwork = self.world.clockwork
        self.end = wall.window[1] if wall.window is not None else self.scenario.horizon
        self.over = asyncio.Event()
        self.interrupted = False
        self.live: LiveHall | None = None
        self.program: OutsideProgram | None = None
        self.ending = False
        self.tasks: set[asyncio.Task[None]] = set()
        self.samples: list[Sample] = []
        self.sink = ""
        self.scaled = wall.speed != 1 and can_be_scaled(command_words(options.command) if options.command else ())

    def _everybody_has_left(self) -> None:
        if self.wall.window is None:
            self.why = "everybody has left"
            self.end = min(self.end, self.clockwork.now + SETTLE)
            self.clockwork.call_at(self.end, self.over.set)

    def interrupt(self) -> None:
        """Ctrl-C, or a service manager."""
        self.interrupted = True
        self.over.set()

    async def run(self, log: TextIO) -> tuple[Exit | None, bool]:
        """The day; returns how the program ended and whether it opened a port."""
        world = self.world
        given = {spec.line: spec for spec in self.wall.ports}
        specs = [given.get(name, PortSpec(name)) for name in self.owned]
        live = self.live = LiveHall(
            world,
            asyncio.get_running_loop(),
            specs,
            self.directory.file("ports"),
            speed=self.wall.speed,
            listen=self.wall.listen,
        )
        if self.wall.window is not None:
            self.why = "the window has ended"
            await self._up_to(self.wall.window[0])
        else:
            world.begin()
            self.options.prepare(world)
        self.clockwork.call_at(self.end, self.over.set)
        self._check_interrupted()
        await live.open()
        try:
            async with contextlib.AsyncExitStack() as stack:
                if self.options.command and self.options.scenario.records.kind == "http":
                    intake = Intake(self.directory.file(FILES["http"]), self._unix_now)
                    world.nemesis.hands.lock_records = intake.lock
                    self.sink = await stack.enter_async_context(wall_http.listening(intake))
                lock = lock_of(self.options.scenario.records, self.directory.path, inside=False)
                if self.options.command and lock is not None:
                    world.nemesis.hands.lock_records = lock
                    stack.enter_context(lock.installed())
                return await self._in_wall_time(live, log)
        finally:
            await live.close()

    def _unix_now(self) -> int:
        # as the program's own clock shows it, like any instant of storing in wall time
        if self.scaled and self.live is not None:
            return self.scenario.epoch_ns + self.live.driver.now_ns()
        return time.time_ns()

    async def _up_to(self, first: int) -> None:
        world = self.world
        world.stand_in(self.owned)
        world.begin()
        while self.clockwork.now < first:
            self.clockwork.advance_to(min(first, self.clockwork.now + STEP))
            await asyncio.sleep(0)  # signals are seen here
            self._check_interrupted()
        world.relieve()
        world.recorder("run")("handover", {"lines": list(self.owned)})

    def _check_interrupted(self) -> None:
        if self.interrupted:
            raise KeyboardInterrupt

    async def _in_wall_time(self, live: LiveHall, log: TextIO) -> tuple[Exit | None, bool]:
        driver = live.driver
        running = live.join(scaled=self.scaled)
        if self.control is not None:
            with contextlib.suppress(ControlUnavailable):  # the day is judged as well without it
                await self.control.open(self.world, live, clock=self.wall.clock)
        over = asyncio.ensure_future(self.over.wait())
        life: asyncio.Task[Exit] | None = None
        looking: asyncio.Task[None] | None = None
        ended: Exit | None = None
        try:
            if self.options.command:
                given = Given.write(self.directory, self.options.scenario, live.addresses, self.sink)
                words = list(given.fill(command_words(self.options.command)))
                self.program = OutsideProgram(self._with_clocks(driver, words), given.env, log, self.options.shown)
                self._lend_hands(live)
                await self._start(driver)
                life = asyncio.ensure_future(self._lives(driver))
                looking = looks = asyncio.ensure_future(self._look_at(driver))
                life.add_done_callback(lambda _done: looks.cancel())
            waits: list[asyncio.Future[Any]] = [running, over, *([life] if life is not None else [])]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()  # a model failed: the clock ends by itself for no other reason
            if life is not None and self.program is not None:
                # The hall's time goes on while the program finishes what it is at.
                self.ending = True
                ended = await life if life.done() else await self.program.stop()
                self._check_interrupted()
                facts = {"status": ended.status, "how": ended.how}
                driver.stimulus(self.world.recorder("collector"), "exit", facts)
            self._check_interrupted()
            return ended, live.opened
        finally:
            self.ending = True
            if self.control is not None:
                await self.control.close()
            if self.program is not None and self.program.running:
                await self.program.stop(grace=1.0)
            driver.stop()
            await asyncio.gather(*self.tasks, return_exceptions=True)  # ports that are just pulled, or put back
            waiting = [wait for wait in (running, over, life, looking) if wait is not None]
            for wait in waiting:
                wait.cancel()
                with contextlib.suppress(BaseException):
                    await wait

    def _with_clocks(self, driver: WallDriver, words: list[str]) -> list[str]:
        if not self.scaled:
            return words
        driver.start()  # its anchor is known from then on
        return scaled_words(words, driver.anchor, self.scenario.epoch_ns, driver.speed)

    async def _start(self, driver: WallDriver) -> None:
        assert self.program is not None
        await self.program.start()
        driver.stimulus(self.world.recorder("collector"), "start", {})

    async def _look_at(self, driver: WallDriver) -> None:
        """Look at what the program holds of the machine, now and then."""
        while True:
            pid = self.program.pid if self.program is not None else None
            if pid is not None:
                self.samples.append(sample(driver.now_ns(), pid))
            await asyncio.sleep(LOOK)

    async def _lives(self, driver: WallDriver) -> Exit:
        """Wait for the program's end; when a fault has killed it, start it again, as a service manager does."""
        assert self.program is not None
        while True:
            ended = await self.program.wait()
            if ended.how != "killed" or self.ending:
                return ended
            driver.stimulus(self.world.recorder("collector"), "killed", {"status": ended.status})
            await asyncio.sleep(RESTART / NS / driver.speed)
            if self.ending:
                return ended
            await self._start(driver)

    def _lend_hands(self, live: LiveHall) -> None:
        """What faults can do to a program on real ports."""
        loop = asyncio.get_running_loop()
        program, hands = self.program, self.world.nemesis.hands
        assert program is not None

        def vanish(line: str, gone: bool) -> None:
            if self.ending:  # all ports are taken away, and the loop may have stopped
                return
            port = live.ports[line]
            task = loop.create_task(port.unplug() if gone else port.replug())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

        def pause(ns: int) -> None:
            program.pause()
            loop.call_later(ns / NS / live.driver.speed, program.go_on)

        hands.vanish, hands.pause, hands.kill = vanish, pause, program.kill

    def finish(self) -> None:
        """What is left of the day when the program has gone."""
        if self.live is not None:
            driver = self.live.driver
            p99 = round(driver.lateness.quantile(0.99) * driver.speed * NS)
            self.world.recorder("run")("timing", {"p99_ns": p99})
        while self.clockwork.now < self.end:
            self.clockwork.advance_to(min(self.end, self.clockwork.now + STEP))
        self.world.end(self.why)


def _check_window(wall: Wall, start: int, horizon: int) -> None:
    if wall.window is not None and not start <= wall.window[0] < wall.window[1] <= horizon:
        first, last = (clock_text(at) for at in wall.window)
        raise BadWindow(
            f"the window {first}-{last} is not inside the day, {clock_text(start)} to {clock_text(horizon)}"
        )


def run_wall_day(options: DayOptions, wall: Wall) -> DayResult:
    """Run one day in wall or scaled time; leaves the same run directory as a day in virtual time.

    Raises:
        NothingToTest: there is a program but the scenario has no line for it.
        BadWindow: the window is not inside the day.
        UnknownPlaceholder: the command names a line that is not the program's.
        CannotStart: the program cannot be started.
        PortUnavailable: a port cannot be offered.
        CannotWrite, HistoryFailed: the run directory cannot be written.
        KeyboardInterrupt: it was interrupted; the history so far is kept.
    """
    if options.command and not outside_lines(options.scenario):
        raise NothingToTest(
            f"scenario {options.scenario.name} gives the program under test no line: "
            'set owner = "collector" on the line that it is to run'
        )
    directory = RunDirectory(options.out, f"{options.scenario.name}-seed{options.day.seed}")
    directory.write_json(DAY, options.day.to_json())
    loop = make_loop(len(options.scenario.lines))
    started = loop.time()
    run = _WallDay(options, wall, directory)

    def facts(ended: Exit | None, why: str, *, opened: bool = False) -> dict[str, Any]:
        more: dict[str, Any] = {}
        if run.live:
            ports = [{**row, "opened": run.live.ports[row["line"]].opened} for row in run.live.describe_ports()]
            more = {"timing": run.live.driver.describe(), "ports": ports}
        if run.samples:
            more["resources"] = thinned(run.samples)
        window = {"window": [clock_text(at, millis=True) for at in wall.window]} if wall.window else {}
        real = loop.time() - started
        return run_facts(
            options, run.world, ended, clock=wall.clock, why=why, real=real, opened=opened, **window, **more
        )

    try:
        with fewer_looks_for_garbage(), directory.text_file(LOG) as log:
            with ended_by(loop, run.interrupt):
                asyncio.set_event_loop(loop)
                ended, opened = loop.run_until_complete(run.run(log))
            run.finish()
    except BaseException as exc:
        why = "interrupted" if isinstance(exc, KeyboardInterrupt) else f"{type(exc).__name__}: {exc}"
        with contextlib.suppress(Exception):
            run.world.break_off(why)
        with contextlib.suppress(Exception):
            directory.write_json(RUN, facts(None, why))
        raise
    finally:
        if run.store is not None:
            run.store.close()
        asyncio.set_event_loop(None)
        loop.close()
    told = facts(ended, run.why, opened=opened)
    directory.write_json(RUN, told)
    keep_wire(directory.path)
    return DayResult(directory, run.why, ended, opened, told["real_seconds"], told["lines"])
