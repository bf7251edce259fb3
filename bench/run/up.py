"""`hallbench up`: the devices of a hall on ports, in wall or scaled time, until somebody ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench.captures.export import keep_wire
from bench.clock.wall import make_loop
from bench.hall.day import Day
from bench.run.directory import DAY, HISTORY, HOUSE_RECORDS, RUN, RunDirectory
from bench.run.given import Given, run_facts, store_for
from bench.run.live import LiveHall, PortSpec
from bench.run.options import DayOptions
from bench.run.process import ended_by
from bench.run.world import World, given_away, outside_lines
from bench.scenario.model import Scenario
from firmware_sim.device import NS

if TYPE_CHECKING:
    from bench.control.api import Control

STEP = 60 * NS

T = TypeVar("T")


class NothingToServe(ValueError):
    """No line of the hall would be on a port."""


@dataclass(slots=True)
class UpOptions:
    """What is to be up.

    Attributes:
        scenario: the hall.
        day: the drawn day.
        folder: where ptys get their names.
        lines: lines on ports; the house controller runs the others. Empty: those of the program under test.
        ports: how lines are offered, where not as a pty.
        speed: seconds of the hall in one real second.
        at: instant at which the wall joins, ns; None is the day's start.
        people: visitors and clerks are there.
        listen: address that TCP ports listen on.
        out: run directory for the evidence; None keeps none.
        given: the scenario as it was named.
        control: offer the control API.
        name: of this bench, for whoever looks for it; "" takes the scenario's.
        control_port: TCP port of the control API; 0 takes a free one.
    """

    scenario: Scenario
    day: Day
    folder: Path
    lines: Collection[str] = ()
    ports: Sequence[PortSpec] = ()
    speed: float = 1.0
    at: int | None = None
    people: bool = True
    listen: str = "127.0.0.1"
    out: Path | None = None
    given: str = ""
    control: bool = True
    name: str = ""
    control_port: int = 0

    @property
    def clock(self) -> str:
        """As the command line names it."""
        return "wall" if self.speed == 1 else f"{self.speed:g}x"


def run_up(options: UpOptions, ready: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Serve until SIGINT or SIGTERM; then no symlink, socket or process is left.

    Args:
        options: what.
        ready: called once, when every port can be opened, with the object of `up --json`.

    Returns:
        What there is to say at the end: lateness and what went through the ports.

    Raises:
        NothingToServe: the scenario gives no line away and none was named, or a port is for a line of the house.
        PortUnavailable: a port cannot be offered.
        CannotWrite, HistoryFailed: the run directory cannot be written.
        StoreFailed: the house's database cannot be made.
        ControlUnavailable: the control API cannot be offered.
    """
    lines = _lines(options)
    return _in_loop(len(lines), lambda loop: _Up(options, lines, loop, asyncio.Event()).run(ready))


def run_province_up(
    halls: Sequence[tuple[str, UpOptions]], ready: Callable[[list[dict[str, Any]]], None]
) -> list[dict[str, Any]]:
    """Serve several halls at once, in one process, until SIGINT or SIGTERM; one that cannot be served ends them all.

    Args:
        halls: the name of each, and what it serves.
        ready: called once, when all ports of all halls can be opened, with what `run_up` would tell of each.

    Returns:
        What there is to say of each hall at the end.

    Raises:
        What `run_up` raises, of the first hall that cannot be served.
    """
    lines = [_lines(options) for _, options in halls]

    async def together(loop: asyncio.AbstractEventLoop) -> list[dict[str, Any]]:
        ended, up = asyncio.Event(), {}

        def one_is_ready(name: str, facts: dict[str, Any]) -> None:
            up[name] = {"hall": name, **facts}
            if len(up) == len(halls):
                ready([up[name] for name, _ in halls])

        async def one(name: str, options: UpOptions, served: Sequence[str]) -> dict[str, Any]:
            try:
                told = await _Up(options, served, loop, ended).run(lambda facts: one_is_ready(name, facts))
            finally:
                ended.set()
            return {"hall": name, **told}

        running = [one(name, options, served) for (name, options), served in zip(halls, lines, strict=True)]
        ends = await asyncio.gather(*running, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        return [end for end in ends if isinstance(end, dict)]

    return _in_loop(sum(map(len, lines)), together)


def _lines(options: UpOptions) -> tuple[str, ...]:
    lines = tuple(options.lines) or outside_lines(options.scenario)
    if not lines:
        raise NothingToServe(
            f"scenario {options.scenario.name} gives no line away: name one with --only LINE "
            f"({', '.join(line.name for line in options.scenario.lines)})"
        )
    for spec in options.ports:
        if spec.line not in lines:
            raise NothingToServe(
                f"line {spec.line} is run by the house controller: give it away with --only {spec.line}"
            )
    return lines


def _in_loop(ports: int, serve: Callable[[asyncio.AbstractEventLoop], Coroutine[Any, Any, T]]) -> T:
    loop = make_loop(ports)
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(serve(loop))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _control(options: UpOptions) -> Control | None:
    if not options.control:
        return None
    from bench.control.api import Control  # brings aiohttp

    return Control(options.name, options.listen, options.control_port)


class _Up:
    def __init__(
        self, options: UpOptions, lines: Sequence[str], loop: asyncio.AbstractEventLoop, ended: asyncio.Event
    ) -> None:
        self.options = options
        self.loop = loop
        self.ended = ended
        self.tasks: set[asyncio.Task[None]] = set()
        scenario = given_away(options.scenario, lines)
        self.directory: RunDirectory | None = None
        self.sink: Any = None
        if options.out is not None:
            self.directory = RunDirectory(options.out, scenario.name)
            self.directory.write_json(DAY, options.day.to_json())
            self.store: Any = store_for(scenario, self.directory.file(HOUSE_RECORDS))
        else:
            self.sink = open(os.devnull, "wb")  # noqa: SIM115, PTH123 - closed at the end of run
            self.store = None
        self.control = _control(options)
        self.world = World(
            scenario,
            options.day,
            self.sink if self.directory is None else self.directory.file(HISTORY),
            clock=options.clock,
            evidence="hash" if self.directory is None else "folded",
            sha256=options.scenario.sha256,
            store=self.store or (lambda _rows: ()),
            people=options.people,
            tap=None if self.control is None else self.control.tap,
        )
        given = {spec.line: spec for spec in options.ports}
        self.live = LiveHall(
            self.world,
            loop,
            [given.get(name, PortSpec(name)) for name in lines],
            options.folder,
            speed=options.speed,
            listen=options.listen,
        )

    async def run(self, ready: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        try:
            with ended_by(self.loop, self.ended.set):
                await self._begin()
                if not self.ended.is_set():
                    await self._serve(ready)
                return self._close()
        finally:
            if self.sink is not None:
                self.sink.close()
            if self.store is not None:
                self.store.close()

    async def _begin(self) -> None:
        world, at = self.world, self.options.at
        if self.control is not None:
            self.control.watch(world)
        if at is not None:
            world.stand_in(tuple(self.live.ports))
        world.begin()
        while at is not None and world.clockwork.now < at and not self.ended.is_set():
            world.clockwork.advance_to(min(at, world.clockwork.now + STEP))
            await asyncio.sleep(0)
        world.relieve()
        if at is not None:
            world.recorder("run")("handover", {"lines": list(self.live.ports)})

    async def _serve(self, ready: Callable[[dict[str, Any]], None]) -> None:
        live = self.live
        await live.open()
        try:
            running = live.join()
            if self.control is not None:
                await self.control.open(self.world, live, clock=self.options.clock)
            self._lend_hands()
            over = asyncio.ensure_future(self.ended.wait())
            if self.directory is not None:
                Given.write(self.directory, self.options.scenario, live.addresses)
            ready(self.describe())
            await asyncio.wait((running, over), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()  # a model failed
            live.driver.stop()
            over.cancel()
        finally:
            if self.control is not None:
                await self.control.close()
            await live.close()

    def _lend_hands(self) -> None:
        """What faults can do on real ports without a program of ours: a port vanishes and comes back."""

        def vanish(line: str, gone: bool) -> None:
            port = self.live.ports[line]
            task = self.loop.create_task(port.unplug() if gone else port.replug())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

        self.world.nemesis.hands.vanish = vanish

    def describe(self) -> dict[str, Any]:
        """The object of `up --json` (cli.md, "Contract for automation")."""
        return {
            "scenario": self.world.scenario.name,
            "clock": self.options.clock,
            "control": self.control.url if self.control is not None else None,
            "token_file": self.control.token_file if self.control is not None else None,
            "ports": self.live.describe_ports(),
        }

    def _close(self) -> dict[str, Any]:
        world, options = self.world, self.options
        world.end("ended by hand")
        told = {
            "timing": self.live.driver.describe(),
            "ports": [port.describe() for port in self.live.ports.values()],
        }
        if self.directory is not None:
            day = DayOptions(
                options.scenario, options.day, given=options.given, command=("(any program on the ports)",)
            )
            facts = run_facts(day, world, None, clock=options.clock, why="ended by hand", opened=self.live.opened)
            with contextlib.suppress(KeyError):
                facts["timing"] = told["timing"]
            self.directory.write_json(RUN, facts)
            keep_wire(self.directory.path)
        return told
