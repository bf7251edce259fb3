"""A program in any language as the master: the same stage on a real port, in wall time.

The stage begins with the program's first request, so a program may take its time to start. What is known of instants:
a reply is handed over when it is complete on the line or later, a request is seen when it is read, never before it was
written. So a silence measured here is never shorter than the program's own, and what it is too long by is bounded by
how late this process wakes: that is measured, and stands in every verdict.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TextIO

from bench.clock.clockwork import Clockwork
from bench.clock.wall import WallDriver, make_loop
from bench.compliance.master.presenter import LASTS, UNITS, Stage
from bench.compliance.master.run import SETTINGS
from bench.ports.wall_port import WallPort
from bench.run.collector import Exit
from bench.run.live import KINDS, PortSpec
from bench.run.outside import OutsideProgram
from bench.run.wall_day import command_words
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS

__all__ = ["FIRST_REQUEST_S", "SERVED", "STALL_S", "Presented", "run_outside"]

SERVED: Final = ("pty", "tcp", "rfc2217")
"""Kinds of port that carry the line's characters as they are; a Modbus TCP gateway would hide frames and checks."""

FIRST_REQUEST_S: Final = 30.0
"""Real seconds that a program may take to its first request."""

STALL_S: Final = 0.05
"""A machine that was once this late or later gives no verdict on instants: then the worst counts, else the 99th
percentile."""

_GRACE_S: Final = 3.0
_WROTE: Final = 2000


@dataclass(frozen=True, slots=True)
class Presented:
    """What came of presenting the devices to a program.

    Args:
        stage: with its record.
        ended: how the program ended.
        wrote: the last of what it wrote.
        uncertainty: of instants, ns.
        opened: it opened the port.
        address: what it was given as the port.
        notes: of the clock, for the report.
    """

    stage: Stage
    ended: Exit
    wrote: str
    uncertainty: int
    opened: bool
    address: str
    notes: tuple[str, ...] = ()


class _Tail(io.StringIO):
    """Keeps the last of what is written to it."""

    def write(self, text: str, /) -> int:
        kept = (self.getvalue() + text)[-_WROTE:]
        self.seek(0)
        self.truncate()
        return super().write(kept)


class _Show:
    """One program before the stage."""

    def __init__(self, words: Sequence[str], kind: str, number: int, settings: LineSettings, folder: Path) -> None:
        self.words = list(words)
        self.clockwork = Clockwork()
        self.stage = Stage(self.clockwork, settings, waits=True)
        self.driver = WallDriver(self.clockwork, asyncio.get_running_loop())
        self.port: WallPort = KINDS[kind](
            self.stage.line, self.driver, PortSpec("bus", kind, number), folder, "127.0.0.1"
        )
        self.over = asyncio.Event()
        self.interrupted = False
        self.tail = _Tail()
        self.settings = settings

    def interrupt(self) -> None:
        """Ctrl-C, or a service manager."""
        self.interrupted = True
        self.over.set()

    async def run(self, shown: TextIO | None, progress: Callable[[float, str], None]) -> Presented:
        """Present the devices until the last phase, or until the program has ended."""
        await self.port.open()
        address = str(self.port.path or self.port.url)
        units = ",".join(map(str, UNITS))
        words = [word.replace("{port}", address).replace("{units}", units) for word in self.words]
        program = OutsideProgram(words, {"HALLBENCH_PORT": address}, self.tail, shown)
        time = asyncio.ensure_future(self.driver.run())
        over = asyncio.ensure_future(self.over.wait())
        life: asyncio.Task[Exit] | None = None
        try:
            self.stage.on_end(self.over.set)
            await program.start()
            life = asyncio.ensure_future(program.wait())
            late = asyncio.get_running_loop().time() + FIRST_REQUEST_S
            while not (life.done() or over.done() or time.done()):
                await asyncio.wait({time, over, life}, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
                if self.stage.waits and asyncio.get_running_loop().time() > late:
                    break
                progress(self.stage.elapsed / LASTS, self.stage.phase)
            if time.done():
                time.result()  # a model failed
            by_itself = life.done()
            if not by_itself:
                await program.stop(_GRACE_S)
            ended = await life
            opened = self.port.opened > 0
        finally:
            over.cancel()
            if life is not None and not life.done():
                program.kill()
                with contextlib.suppress(Exception):
                    await life
            self.driver.stop()
            await self.port.close()
            with contextlib.suppress(Exception):
                await time
        if self.interrupted:
            raise KeyboardInterrupt
        return Presented(
            self._to_the_end(), ended, self.tail.getvalue(), self.uncertainty, opened, address, self._notes()
        )

    def _to_the_end(self) -> Stage:
        """A program that has left asks no more: the phases that are left need no wall."""
        if not self.stage.waits and self.stage.elapsed < LASTS:
            self.clockwork.advance_to(self.clockwork.now + LASTS - self.stage.elapsed)
        return self.stage

    @property
    def uncertainty(self) -> int:
        """How late instants may be, ns: how late frames left and this process woke, and one character."""
        worst = max(self.driver.lateness.max_us, self.driver.pumps.max_us) / 1e6
        usual = max(self.driver.lateness.quantile(0.99), self.driver.pumps.quantile(0.99))
        return round((worst if worst >= STALL_S else usual) * NS) + self.settings.duration(1)

    def _notes(self) -> tuple[str, ...]:
        told = self.driver.lateness.as_dict()
        said = f"replies left {told['p50_ms']} ms late (p50), {told['p99_ms']} ms (p99), {told['max_ms']} ms at most"
        worst = max(self.driver.lateness.max_us, self.driver.pumps.max_us) / 1e6
        if worst >= STALL_S:
            return said, f"this machine was once {worst * 1000:.0f} ms late: what depends on instants is left undecided"
        return (said,)


def run_outside(
    command: Sequence[str],
    kind: str = "pty",
    number: int = 0,
    settings: LineSettings = SETTINGS,
    *,
    shown: TextIO | None = None,
    progress: Callable[[float, str], None] = lambda done, phase: None,
) -> Presented:
    """Let a program run against the stage on a port of its own, through all phases, in wall time.

    Args:
        command: any program; {port} stands for the port's path or URL, {units} for the devices' addresses.
        kind: one of `SERVED`.
        number: TCP port; 0 takes a free one.
        settings: of the line.
        shown: also gets what the program writes.
        progress: told now and then how much is done (0..1), and the phase.

    Raises:
        CannotStart: there is no such program.
        PortUnavailable: the port cannot be offered.
        KeyboardInterrupt: it was interrupted.
    """
    loop = make_loop(1)
    found: list[Any] = []

    async def main(folder: Path) -> None:
        show = _Show(command_words(command), kind, number, settings, folder)
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, show.interrupt)
        try:
            found.append(await show.run(shown, progress))
        finally:
            for each in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(each)

    with TemporaryDirectory(prefix="hallbench-check-") as folder:
        try:
            asyncio.set_event_loop(loop)
            loop.run_until_complete(main(Path(folder)))
        finally:
            asyncio.set_event_loop(None)
            loop.close()
    presented: Presented = found[0]
    return presented
