"""Who moves the clock of a test's hall, and where its programs run: in simulated time, the test's own waiting does.

A `Drive` is what a hall needs of its clock mode: do something now, wait, and run programs beside the test.
`bench.testing.wall` has the one for real ports.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol, TypeVar

from bench.clock.kernel import Clock, Kernel, adopt, current
from bench.clock.loop import VirtualLoop
from bench.clock.standins import installed
from bench.faults.virtual_hands import lend_virtual
from bench.ports.mounts import Mount, mounted
from bench.ports.patch import redirected
from bench.run.process import hall_time_zone
from bench.run.world import World
from bench.testing.build import Plan, keep_stand_ins
from bench.testing.programs import Process, Program, Running, Started

__all__ = ["Drive", "NotInside", "VirtualDrive"]

T = TypeVar("T")

LOOK_EVERY: Final = 10_000_000
"""How often a condition is looked at while programs run beside the test, ns: they change what no device tells."""


class NotInside(RuntimeError):
    """The hall was asked to wait by somebody who cannot: another thread, a device, a scheduled action."""


class Drive(Protocol):
    """What a hall needs of its clock mode."""

    @property
    def ports(self) -> Mapping[str, str]:
        """Line -> what a program opens."""
        ...

    @property
    def programs(self) -> Sequence[Started]:
        """All that were started, in order."""
        ...

    def now_ns(self) -> int:
        """The present instant, ns."""
        ...

    def open(self) -> None:
        """Power on; from here on the hall lives, and the calling thread in it."""

    def close(self) -> None:
        """End the programs, stop everything and put back what was changed."""

    def enter(self) -> None:
        """The calling thread lives in the hall's time (again)."""

    def leave(self) -> None:
        """The calling thread lives in real time for a while."""

    def outside(self) -> AbstractContextManager[None]:
        """The calling thread lives in real time for a block, if it did not anyway."""
        ...

    def do(self, action: Callable[[], T]) -> T:
        """Do something to the hall, now."""
        ...

    def wait(self, at: int, seen: Callable[[], bool] | None) -> bool:
        """Wait until the instant `at`, or until `seen()`, which is asked whenever something happened."""
        ...

    async def wait_async(self, at: int, seen: Callable[[], bool] | None) -> bool:
        """`wait` in a coroutine."""
        ...

    def stir(self) -> None:
        """Something happened on a line or in a device (called for each note and frame)."""

    def interrupt(self) -> None:
        """Let the wait in progress end at once."""

    def start(self, program: Program, args: Sequence[Any]) -> Started:
        """Run a program beside the test."""
        ...

    def stop(self) -> None:
        """Ask all programs to end."""

    def kill(self) -> None:
        """Kill all programs at this instant, wherever they are."""

    def kill_sender(self) -> bool:
        """Kill all programs when one of them is in the act of sending just now; False when none is."""
        ...


class VirtualDrive:
    """Simulated time: the thread that opened it is the main actor, programs are others.

    Args:
        world: the hall.
        plan: what the test asked for.
        crashed: called with a program that ended badly.
    """

    def __init__(self, world: World, plan: Plan, crashed: Callable[[Started], None]) -> None:
        self.world = world
        self.plan = plan
        self.kernel = Kernel(world.clockwork, world.scenario.epoch_ns, until=world.scenario.horizon)
        self.ports: Mapping[str, str] = {name: f"hall://{name}" for name in plan.outside}
        self.programs: list[Running] = []
        self.now_ns: Callable[[], int] = lambda: world.clockwork.now
        self._crashed = crashed
        self._stack = contextlib.ExitStack()
        self._outside: Clock | None = None
        self._inside = False
        self._mounts: dict[str, Mount] = {}
        self._watching = False
        self._interrupted = False
        self._kill = False

    # -- being in it ------------------------------------------------------------------------------------------------
    def open(self) -> None:
        """As `Drive`; what fails leaves nothing changed."""
        keep_stand_ins()
        world = self.world
        with contextlib.ExitStack() as stack:
            stack.enter_context(installed())  # they are there already: forgets what the last hall left elsewhere
            stack.enter_context(hall_time_zone(world.scenario.timezone))
            stack.enter_context(redirected())
            lines = {name: world.rig.lines[name] for name in self.plan.outside}
            self._mounts = stack.enter_context(mounted(lines, self.kernel, self.plan.paths))
            process = Process()
            process.open()
            stack.callback(process.close)
            lend_virtual(world.nemesis.hands, self.kernel, self._mounts)
            world.begin()
            self._outside = current()
            stack.enter_context(self.kernel)
            self._stack = stack.pop_all()
        self._inside = True

    def close(self) -> None:
        """As `Drive`."""
        self.enter()
        self._inside = False
        self._stack.close()
        adopt(self._outside)

    def enter(self) -> None:
        """As `Drive`."""
        if not self._inside:
            self._inside = True
            self._outside = adopt(self.kernel)

    def leave(self) -> None:
        """As `Drive`."""
        if self._inside:
            self._inside = False
            adopt(self._outside)

    @contextlib.contextmanager
    def outside(self) -> Iterator[None]:
        """As `Drive`."""
        was_inside = self._inside
        self.leave()
        try:
            yield
        finally:
            if was_inside:
                self.enter()

    # -- doing and waiting ------------------------------------------------------------------------------------------
    def do(self, action: Callable[[], T]) -> T:
        """As `Drive`: whoever calls runs alone."""
        return action()

    def wait(self, at: int, seen: Callable[[], bool] | None) -> bool:
        """As `Drive`.

        Raises:
            NotInside: the caller is not the test.
        """
        kernel, clockwork = self.kernel, self.world.clockwork
        self._must_be_the_test()
        if at > kernel.until:
            kernel.until = at
        self._watching = seen is not None
        try:
            while seen is None or not seen():
                if clockwork.now >= at or self._interrupted:
                    return False
                look = at if seen is None or len(kernel.actors) < 2 else min(at, clockwork.now + LOOK_EVERY)
                kernel.park(look, "what the test waits for")
                if self._kill:
                    self._kill_now()
            return True
        finally:
            self._watching = self._interrupted = False

    def _must_be_the_test(self) -> None:
        kernel = self.kernel
        if kernel.stepping or current() is not kernel or kernel.actor is not kernel.main:
            raise NotInside(
                "only the test itself can wait in the hall: not a device, a scheduled action, a program or another "
                "thread (an asyncio test: await hall.arun_for, hall.arun_until)"
            )

    def stir(self) -> None:
        """As `Drive`."""
        if self._watching:
            self.kernel.wake()

    def interrupt(self) -> None:
        """As `Drive`."""
        self._interrupted = True
        self.kernel.wake()

    # -- programs ---------------------------------------------------------------------------------------------------
    def start(self, program: Program, args: Sequence[Any]) -> Running:
        """As `Drive`."""
        self._must_be_the_test()
        running = Running(self.kernel, program, args, self._ended)
        self.programs.append(running)
        return running

    def _ended(self, running: Running) -> None:
        if running.exit is not None and not running.exit.good:
            self._crashed(running)

    def stop(self) -> None:
        """As `Drive`."""
        self._must_be_the_test()
        self.kernel.dismiss()
        self.kernel.over = False

    def kill(self) -> None:
        """As `Drive`."""
        kernel = self.kernel
        if not kernel.stepping and kernel.actor is kernel.main:
            self._kill_now()
        else:
            self._kill = True
            kernel.wake()

    def kill_sender(self) -> bool:
        """As `Drive`. A program that sends goes no further; the test buries it."""
        kernel = self.kernel
        if kernel.stepping or kernel.actor is kernel.main:
            return False
        self._kill = True
        kernel.wake()
        while True:
            kernel.park(on="its end: it was killed")

    def _kill_now(self) -> None:
        self._kill = False
        for running in self.programs:
            running.killed()
        self.kernel.abandon()
        for mount in self._mounts.values():  # the system closes what the dead had open
            port = mount.holder() if mount.holder is not None else None
            if port is not None:
                port.hang_up()

    # -- asyncio ----------------------------------------------------------------------------------------------------
    async def wait_async(self, at: int, seen: Callable[[], bool] | None) -> bool:
        """`wait` for a coroutine: the loop goes on meanwhile, which has to live in simulated time."""
        clockwork = self.world.clockwork
        if current() is not self.kernel or not isinstance(asyncio.get_running_loop(), VirtualLoop):
            raise NotInside(
                "this event loop runs in real time: it was made before the hall (a loop wider than the test?), so "
                "nothing in it can wait for the hall; let each test have its own loop"
            )
        while seen is None or not seen():
            left = at - clockwork.now
            if left <= 0 or self._interrupted:
                self._interrupted = False
                return False
            await asyncio.sleep((left if seen is None else min(left, LOOK_EVERY)) / 1e9)
        return True
