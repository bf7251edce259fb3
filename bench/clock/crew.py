"""The actors of a world: who runs, who can, who waits; how they come, and how they go.

`Kernel` is a `Crew` that also moves the clock. Everything here happens under the baton: by the actor that runs, or by
the one that is leaving or dying.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, ClassVar, NoReturn, Protocol

from bench.clock.actors import NATIVE_LOCK, NEVER, Actor, Buried, one_core
from bench.clock.clockwork import Clockwork
from bench.clock.endings import STUBBORN, KillRefused

_tls = threading.local()


class Clock(Protocol):
    """What the stand-ins ask of whatever gives a thread its time: a `Kernel`, or a `ScaledKernel`."""

    virtual: ClassVar[bool]

    def now_ns(self) -> int:
        """The steady clocks, ns."""
        ...

    def unix_ns(self) -> int:
        """The calendar clock, ns since 1970."""
        ...

    def sleep(self, seconds: float) -> None:
        """`time.sleep`."""
        ...


def current() -> Any:
    """The `Kernel` (or `ScaledKernel`) that gives the calling thread its time; None in every other thread."""
    return getattr(_tls, "kernel", None)


def adopt(clock: Any) -> Any:
    """Let `clock` give the calling thread its time from now on; returns what did before."""
    before = getattr(_tls, "kernel", None)
    _tls.kernel = clock
    return before


class Crew(ABC):
    """The actors of a kernel.

    Attributes:
        actor: who runs now, or drives.
        main: the actor that entered the kernel.
        actors: all that live, main first.
        switches: how often the baton went from one thread to another.
        killed: `kill` was called in this life of the program.
        expendable: tells the host that the program was killed; None when the program cannot be
            (`bench.run.expendable`).
        outside: what tells whether a wait of an actor is over because of something that is not of the world (a pipe):
            it is asked when those who could have done it have had their turn, before the clock moves.
    """

    clockwork: Clockwork
    until: int
    over: bool
    stepping: bool
    beats: int

    def __init__(self) -> None:
        self.main = self.actor = Actor("MainThread")
        self.actors: list[Actor] = []
        self.switches = 0
        self.killed = False
        self.expendable: Callable[[], Any] | None = None
        self.outside: dict[Actor, Callable[[], bool]] = {}
        self._waiting: dict[Actor, None] = {}
        self._runnable: deque[Actor] = deque()
        self._others = 0
        self._woken = False
        self._lost = False
        self._pinned = ExitStack()
        self._is_pinned = False
        self._graves: list[Actor] = []

    @abstractmethod
    def park(self, deadline: int = NEVER, on: object = None) -> bool:
        """Wait."""

    @abstractmethod
    def _drive(self) -> None:
        """Run the environment until an actor is runnable."""

    def _muster(self) -> None:
        """The calling thread is the main actor, and the only one."""
        self.main = self.actor = Actor(threading.current_thread().name, ident=threading.get_ident())
        self.actors = [self.main]
        self.killed = False

    def _disband(self) -> None:
        self.actors = []
        self._waiting.clear()
        self._runnable.clear()
        self.outside.clear()
        self._others = 0
        self._is_pinned = False
        self._pinned.close()

    # -- coming and going -------------------------------------------------------------------------------------------
    def new_actor(self, name: str, *, daemon: bool) -> Actor:
        """An actor for a thread that is about to be started; it is runnable."""
        if not self._is_pinned:
            self._is_pinned = True
            self._pinned.enter_context(one_core())
        actor = Actor(name, daemon=daemon)
        self.actors.append(actor)
        self._others += 1
        actor.ready = True
        self._runnable.append(actor)
        return actor

    def enter_thread(self, actor: Actor) -> None:
        """Called first in the new thread: wait for the baton."""
        actor.ident = threading.get_ident()
        adopt(self)
        actor.baton.acquire()
        if actor.buried:
            self._bury_me(actor)

    def leave_thread(self, actor: Actor) -> None:
        """Called last in the thread: hand the baton on."""
        self._off_the_list(actor)
        self._hand_over(None)
        adopt(None)

    def _off_the_list(self, actor: Actor) -> None:
        actor.done = True
        self.beats += 1
        for other in actor.joiners:
            self.wake(other)
        if actor in self.actors:
            self.actors.remove(actor)
            self._others -= 1

    def wake(self, actor: Actor | None = None) -> None:
        """Make an actor runnable (None: the main one); the step in progress ends first."""
        self._woken = True
        if self._others:
            self._make_ready(self.main if actor is None else actor)

    def _make_ready(self, actor: Actor) -> None:
        if not actor.ready and not actor.buried and actor in self._waiting:
            actor.ready = True
            actor.timed_out = False
            del self._waiting[actor]
            self._runnable.append(actor)

    def _look_outside(self) -> None:
        """Make those runnable whose wait something outside the world has ended."""
        for actor, is_over in list(self.outside.items()):
            if actor in self._waiting and is_over():
                self._make_ready(actor)

    # -- the baton --------------------------------------------------------------------------------------------------
    def _hand_over(self, me: Actor | None) -> None:
        """Run the environment until an actor can go on, give it the baton, and (unless leaving) wait for one's own."""
        runnable = self._runnable
        if not runnable:
            self._drive()
        if self.killed:
            self._die(me)
            return
        if not runnable:
            return  # the last one has left, or was buried
        actor = runnable.popleft()
        self.actor = actor
        if actor is me:
            return
        self.switches += 1
        actor.baton.release()
        if me is not None:
            self._await_baton(me)

    def _await_baton(self, me: Actor) -> None:
        while True:
            try:
                me.baton.acquire()
                return
            except BaseException as exc:  # Ctrl-C comes to the process's main thread, also while another one runs
                me.pending = exc
                if self.actor is me:
                    me.baton.acquire(blocking=False)
                    return
                self.wake(me)

    def _raise_pending(self, me: Actor) -> NoReturn:
        pending, me.pending = me.pending, None
        assert pending is not None
        raise pending

    # -- the end of the others --------------------------------------------------------------------------------------
    def outlive(self) -> None:
        """Wait (the main actor) until every thread that is no daemon has ended, as an interpreter does at its exit."""
        while living := [actor for actor in self.actors[1:] if not actor.daemon]:
            first = living[0]
            first.joiners.append(self.main)
            try:
                self.park(NEVER, end_of(first.name))
            finally:
                first.joiners.remove(self.main)

    def dismiss(self) -> None:
        """Ask all other actors to end, now (`finally` blocks run); who does not is left behind."""
        self.over = True
        until, self.until = self.until, self.clockwork.now
        try:
            for _ in range(STUBBORN):
                if not self._others or self._lost or self.killed:
                    break
                for actor in list(self._waiting):
                    actor.ending = True
                    self._make_ready(actor)
                self.actor = self.main
                self.main.ready = True
                self._runnable.append(self.main)
                self._hand_over(self.main)
                if self.main.pending is not None:
                    self._raise_pending(self.main)
            self.abandon()
        finally:
            self.until = until

    def abandon(self) -> None:
        """Leave all other actors where they are, as an exit does with daemon threads.

        None of their code runs again; their databases are closed without a commit.
        """
        self._abandon(self.actors[1:])

    def _abandon(self, actors: list[Actor]) -> None:
        for actor in actors:
            self.actors.remove(actor)
            self._bury(actor)
        self._others = 0
        self._waiting.clear()
        self._runnable.clear()

    def end_program(self, exc: BaseException) -> None:
        """End the whole program with an exception that comes out of its main actor (`os._exit` in any thread)."""
        me = self.actor
        if me is self.main:
            raise exc
        self.main.pending = exc
        self.wake(self.main)
        self._give_up(me)

    def _give_up(self, me: Actor) -> NoReturn:
        """The calling thread runs nothing of the collector's any more, and the others go on without it."""
        me.buried = True
        self._off_the_list(me)
        _close_up(me)
        self._hand_over(None)
        me.rest()

    # -- the end of the program -------------------------------------------------------------------------------------
    def kill(self) -> None:
        """End the program as SIGKILL does: nothing of it runs any more, no `finally`, no commit.

        May be called from an event of the clockwork, or by an actor. `bench.run.collector.run_collector` with
        `expendable=True` then returns, and the program can be started afresh.

        Raises:
            KillRefused: the program runs in a thread that is not its own (`with kernel:` in the caller's thread).
        """
        if not self.actors:
            return  # it has ended already
        if self.expendable is None:
            raise KillRefused(
                "this program cannot be killed: it runs in its caller's thread, which must go on afterwards; "
                "start it with run_collector(..., expendable=True)"
            )
        self.killed = self._woken = self._lost = True
        if not self.stepping and current() is self:
            self._die(self.actor)

    def _die(self, me: Actor | None) -> None:
        """Tell the host that the program was killed; the calling thread goes no further (unless it is ending)."""
        assert self.expendable is not None
        self.expendable()
        if me is not None:
            me.baton.acquire()
            self._bury_me(me)

    def forget_killed(self) -> None:
        """Called by the host of a program that was killed: bury all of it; the kernel can be entered again."""
        self._abandon(self.actors[:])
        self._disband()
        self._lost = self.killed = False

    def _bury(self, actor: Actor) -> None:
        """Let a waiting actor never run again; what must be closed in its own thread is closed there first."""
        actor.done = actor.buried = True
        self._graves.append(actor)
        closed = NATIVE_LOCK()
        closed.acquire()
        actor.at_burial.append(closed.release)
        actor.baton.release()
        closed.acquire(timeout=5)

    def _bury_me(self, me: Actor) -> NoReturn:
        if me.unwinds:
            raise Buried
        _close_up(me)
        me.rest()

    def rest_in_peace(self) -> NoReturn:
        """Called by who caught `Buried`: the thread goes no further."""
        ident = threading.get_ident()
        me = next(actor for actor in self._graves if actor.ident == ident)
        _close_up(me)
        me.rest()


class _EndOf:
    """What somebody waits for who joins a thread."""

    inner_wait = True

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return f"the end of thread {self._name}"


def end_of(name: str) -> object:
    """The end of a thread, as what somebody waits for."""
    return _EndOf(name)


def _close_up(actor: Actor) -> None:
    """What an actor's own thread does when it is buried; none of it may keep the bench waiting or fail it."""
    for close in actor.at_burial:
        try:
            close()
        except Exception:
            continue
