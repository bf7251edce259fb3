"""A test's hall on real ports, in wall time: for programs that are not Python, or to see a test hold in real time.

The hall lives in a thread of its own, with its event loop; the test's thread stays in real time, and so do programs. A
script is a process of its own; a function runs in a thread. Lines are pseudo-terminals in a folder that goes away with
the hall: programs open `hall.line("keypads").port`, not the path that simulated time gives them.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from bench.clock.wall import make_loop
from bench.faults.acts import Hands
from bench.ports.wall_port import PortUnavailable
from bench.run.collector import Exit
from bench.run.live import LiveHall, PortSpec
from bench.run.world import World
from bench.testing.build import Plan, SetupError
from bench.testing.programs import Program, ProgramFailed, Started, script_at

__all__ = ["WallDrive"]

T = TypeVar("T")

LOOK_EVERY: Final = 0.02
"""How often a condition is looked at when nothing happens on lines and devices, s."""

GRACE: Final = 5.0
"""Seconds between asking a process to end and killing it."""

OVER: Final = 60.0
"""Seconds within which a process that was killed, or the hall's own thread, is gone also on a busy machine."""

_LAST: Final = 14


class _Script(Started):
    """A Python script as a process of its own."""

    def __init__(self, program: Program, args: Sequence[Any], ended: Callable[[Started], None]) -> None:
        super().__init__(program)
        path = Path(str(program))
        script_at(path)
        self._asked = False
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process has ended
        command = [sys.executable, "-u", str(path), *map(str, args)]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self._watcher = threading.Thread(target=self._watch, args=(ended,), daemon=True)
        self._watcher.start()

    def _watch(self, ended: Callable[[Started], None]) -> None:
        status = self._process.wait()
        self._log.seek(0)
        last = self._log.read().decode("utf-8", "replace").splitlines()[-_LAST:]
        self._log.close()
        if status == -9:
            self.exit = Exit(137, "killed")
        elif self._asked:
            self.exit = Exit(0, "asked to end")
        else:
            self.exit = Exit(status & 0xFF, "crashed" if status else "returned", "\n".join(last) if status else "")
        ended(self)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when that is not taken."""
        self._asked = True
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self.kill()

    def kill(self) -> None:
        """SIGKILL, and wait until it is known."""
        self._process.kill()
        self._watcher.join(OVER)


class _Function(Started):
    """A function in a thread of its own, in real time: nobody can end it but itself."""

    def __init__(self, program: Callable[..., Any], args: Sequence[Any], ended: Callable[[Started], None]) -> None:
        super().__init__(program)

        def body() -> None:
            try:
                program(*args)
                self.exit = Exit(0, "returned")
            except BaseException as exc:
                self.fault = exc
                self.exit = Exit(1, "crashed", f"{type(exc).__name__}: {exc}")
            ended(self)

        threading.Thread(target=body, name=self.name, daemon=True).start()

    def stop(self) -> None:
        """Raise `ProgramFailed` while it runs."""
        if self.alive:
            raise ProgramFailed(f"the function {self.name} cannot be ended from outside in wall time: start a script")

    kill = stop


class WallDrive:
    """Wall time: the hall lives in a thread of its own.

    Args:
        world: the hall.
        plan: what the test asked for.
        crashed: called with a program that ended badly, in some thread.
    """

    def __init__(self, world: World, plan: Plan, crashed: Callable[[Started], None]) -> None:
        self.world = world
        self.plan = plan
        self.programs: list[Started] = []
        self.ports: Mapping[str, str] = {}
        self._crashed = crashed
        self._happened = threading.Condition()
        self._interrupted = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._stack = contextlib.ExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._live: LiveHall | None = None

    def now_ns(self) -> int:
        """As `Drive`."""
        return self.world.clockwork.now if self._live is None else self._live.driver.now_ns()

    # -- beginning and end ------------------------------------------------------------------------------------------
    def open(self) -> None:
        """As `Drive`.

        Raises:
            SetupError: a port cannot be had; says why.
        """
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="hall-")))
        loop = self._loop = make_loop(len(self.plan.outside))
        self._live = LiveHall(self.world, loop, [PortSpec(name) for name in self.plan.outside], folder)
        self._thread = threading.Thread(target=loop.run_forever, name="hall", daemon=True)
        self._thread.start()
        try:
            self._in_loop(self._open(self._live))
        except PortUnavailable as exc:
            self._end_loop()
            raise SetupError(str(exc)) from exc

    async def _open(self, live: LiveHall) -> None:
        self.lend_hands(self.world.nemesis.hands)
        self.world.begin()
        await live.open()
        self.ports = live.addresses
        live.join().add_done_callback(self._clock_ended)

    def _clock_ended(self, ended: asyncio.Future[int]) -> None:
        if not ended.cancelled():
            ended.exception()  # looked at in `wait`
        self.interrupt()

    def close(self) -> None:
        """As `Drive`."""
        live = self._live
        if live is None:
            return
        for program in self.programs:
            if program.alive and isinstance(program, _Script):
                program.stop()

        async def end() -> None:
            live.driver.stop()
            await live.close()

        with contextlib.suppress(RuntimeError):
            self._in_loop(end())
        self._end_loop()

    def _end_loop(self) -> None:
        loop, thread = self._loop, self._thread
        self._live = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(OVER)
            loop.close()
        self._stack.close()

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def enter(self) -> None:
        """As `Drive`: the test's thread stays in real time."""

    def leave(self) -> None:
        """As `Drive`: the test's thread stays in real time."""

    def outside(self) -> contextlib.nullcontext[None]:
        """As `Drive`: the test's thread is."""
        return contextlib.nullcontext()

    # -- doing and waiting ------------------------------------------------------------------------------------------
    def do(self, action: Callable[[], T]) -> T:
        """As `Drive`: in the hall's thread, at the present instant."""
        live = self._live
        if live is None:
            return action()
        if threading.current_thread() is self._thread:
            return live.driver.stimulus(action)

        async def now() -> T:
            return live.driver.stimulus(action)

        return self._in_loop(now())

    def wait(self, at: int, seen: Callable[[], bool] | None) -> bool:
        """As `Drive`, in real seconds."""
        with self._happened:
            while True:
                left = (at - self.now_ns()) / 1e9
                if seen is not None and seen():  # looked at after the clock: at the end of the time too
                    return True
                if left <= 0 or self._interrupted:
                    self._interrupted = False
                    self._must_live()
                    return False
                self._happened.wait(left if seen is None else min(left, LOOK_EVERY))

    def _must_live(self) -> None:
        failure = None if self._live is None else self._live.driver.failure
        if failure is not None:
            raise RuntimeError(f"the bench itself failed: {type(failure).__name__}: {failure}") from failure

    async def wait_async(self, at: int, seen: Callable[[], bool] | None) -> bool:
        """As `Drive`: the loop goes on meanwhile."""
        return await asyncio.to_thread(self.wait, at, seen)

    def stir(self) -> None:
        """As `Drive`; never waits, as the hall's thread must not."""
        if self._happened.acquire(blocking=False):
            self._happened.notify_all()
            self._happened.release()

    def interrupt(self) -> None:
        """As `Drive`."""
        self._interrupted = True
        self.stir()

    # -- programs ---------------------------------------------------------------------------------------------------
    def start(self, program: Program, args: Sequence[Any]) -> Started:
        """As `Drive`."""
        started: Started = (
            _Function(program, args, self._ended) if callable(program) else _Script(program, args, self._ended)
        )
        self.programs.append(started)
        return started

    def _ended(self, started: Started) -> None:
        if started.exit is not None and not started.exit.good:
            self._crashed(started)
        self.stir()

    def stop(self) -> None:
        """As `Drive`."""
        for program in self.programs:
            if program.alive and isinstance(program, _Script | _Function):
                program.stop()

    def kill(self) -> None:
        """As `Drive`."""
        for program in self.programs:
            if program.alive and isinstance(program, _Script | _Function):
                program.kill()

    def kill_sender(self) -> bool:
        """As `Drive`: what a process sends is seen when it has gone on."""
        return False

    def vanish(self, line: str, gone: bool) -> None:
        """The port of a line disappears, or is there again under its name."""
        assert self._live is not None
        assert self._loop is not None
        port = self._live.ports[line]
        task = self._loop.create_task(port.unplug() if gone else port.replug())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def lend_hands(self, hands: Hands) -> None:
        """As `Drive`: ports come and go; the clock of a real process is not ours."""
        hands.vanish = self.vanish
