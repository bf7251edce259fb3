"""The event loop's rounds: quicker than asyncio's own, and in nothing else different."""

from __future__ import annotations

import asyncio
from asyncio.base_events import BaseEventLoop

import pytest
import serial
from hypothesis import given
from hypothesis import strategies as st

from bench.clock.clockwork import Clockwork
from bench.clock.kernel import Kernel
from bench.clock.loop import VirtualLoop
from bench.clock.standins import installed
from bench.ports.mounts import mounted
from bench.ports.patch import redirected
from firmware_sim.device import MS, NS, Send
from firmware_sim.line import Line
from timers import Ear

PORTS = ("left", "right")


@pytest.fixture(autouse=True, scope="module")
def stand_ins():
    """In place once for all tests here."""
    with installed(), redirected():
        yield


class World:
    """Two lines with an ear each, and a program with a task for each script beside two ports."""

    def __init__(self, says):
        self.clock = Clockwork()
        self.kernel = Kernel(self.clock, epoch_ns=0, until=3600 * NS)
        self.lines = {name: Line(name, self.clock) for name in PORTS}
        for name in PORTS:
            ear = self.lines[name].attach(Ear())
            for place, at, data in says:
                if PORTS[place] == name:
                    self.clock.call_at(at, self.lines[name].apply, ear, [Send(data)])
        self.seen = []
        self.waiting = [b"", b""]

    def saw(self, *what):
        self.seen.append((self.clock.now, *what))

    def can_read(self, place):
        self.saw("read", place, self.ports[place].read(1024))
        self.heard[place].set()

    def can_write(self, place):
        sent = self.ports[place].write(self.waiting[place])
        self.waiting[place] = self.waiting[place][sent:]
        self.saw("wrote", place, sent)
        if not self.waiting[place]:
            self.loop.remove_writer(self.ports[place].fileno())

    async def follow(self, name, script):
        timers = []
        for what, place, ms in script:
            self.saw(name, what, place, ms)
            match what:
                case "soon":
                    self.loop.call_soon(self.saw, name, "was soon")
                case "later":
                    timers.append(self.loop.call_later(ms / 1000, self.saw, name, "was later", ms))
                case "cancel" if timers:
                    timers.pop().cancel()
                case "sleep":
                    await asyncio.sleep(ms / 1000)
                case "wait":
                    await self.wait(name, place, ms)
                case _:
                    self.change(what, place, ms)
        self.saw(name, "ends")

    def change(self, what, place, ms):
        port = self.ports[place].fileno()
        if what == "write":
            self.waiting[place] += b"x" * (1 + 700 * ms)
            self.loop.add_writer(port, self.can_write, place)
        elif what == "deaf":
            self.loop.remove_reader(port)
        elif what == "listen":
            self.loop.add_reader(port, self.can_read, place)

    async def wait(self, name, place, ms):
        self.heard[place].clear()
        try:
            await asyncio.wait_for(self.heard[place].wait(), ms / 1000)
        except TimeoutError:
            self.saw(name, "heard nothing")

    async def program(self, scripts):
        self.loop = asyncio.get_running_loop()
        self.ports = [serial.serial_for_url(f"hall://{name}", timeout=0, write_timeout=0) for name in PORTS]
        self.heard = [asyncio.Event() for _ in PORTS]
        self.change("listen", 0, 0)  # a loop that waits for one port has a way of its own
        await asyncio.gather(*(self.follow(*one) for one in enumerate(scripts)))
        await asyncio.sleep(1)
        for port in self.ports:
            self.loop.remove_reader(port.fileno())
            self.loop.remove_writer(port.fileno())
            port.close()


def play(scripts, says, *, own_rounds):
    """What happened, in order, each with its instant; with the loop's own rounds, or with asyncio's."""
    world = World(says)
    with mounted(world.lines, world.kernel, {}), world.kernel, pytest.MonkeyPatch.context() as patch:
        if not own_rounds:
            patch.setattr(VirtualLoop, "_run_once", BaseEventLoop._run_once)
        asyncio.run(world.program(scripts))
    return world.seen


actions = st.tuples(
    st.sampled_from(("write", "write", "write", "soon", "later", "cancel", "sleep", "wait", "deaf", "listen")),
    st.integers(0, 1),
    st.sampled_from((0, 0, 1, 2, 7, 30)),
)
scripts = st.lists(st.lists(actions, max_size=12), min_size=1, max_size=3)
sayings = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 60 * MS) | st.sampled_from((0, MS, 30 * MS)), st.binary(min_size=1)),
    max_size=4,
)


@given(scripts, sayings)
def test_the_same_calls_at_the_same_instants_as_asyncio(scripts, says):
    """Readers, writers, timers and tasks are called in the order and at the instants of asyncio's own rounds."""
    assert play(scripts, says, own_rounds=True) == play(scripts, says, own_rounds=False)


def test_a_timer_that_is_due_comes_before_a_port_that_can_be_written():
    """What was due at once when a writer was added runs in its round, as asyncio does it, not a round later."""
    script = [[("later", 0, 0), ("write", 0, 0), ("sleep", 0, 1)]]
    seen = [what[1:] for what in play(script, [], own_rounds=True)]
    assert seen == [what[1:] for what in play(script, [], own_rounds=False)]
    assert ("wrote", 0, 1) in seen
    assert (0, "was later", 0) in seen
