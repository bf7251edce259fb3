"""What programs seldom do with loops, locks and descriptors: in the hall's time, and refused as Python refuses it."""

from __future__ import annotations

import _thread
import asyncio
import os
import queue
import select
import selectors
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bench.clock.actors import NATIVE_LOCK
from bench.clock.clockwork import Clockwork
from bench.clock.descriptors import VirtualPoll, drop_handle, new_handle
from bench.clock.kernel import Kernel
from bench.clock.lateness import Lateness
from bench.clock.locks import Wrapped
from bench.clock.loop import MANY, VirtualLoop
from bench.clock.standins import installed
from firmware_sim.device import NS


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    kernel = Kernel(Clockwork(), 0, until=1_000_000 * NS)
    with installed(), kernel:
        yield kernel


class Ready:
    """A descriptor of the hall that is readable from an instant on, and can always be written to."""

    def __init__(self, at: int) -> None:
        self.at = at

    def readable_at(self, now: int) -> int:
        return max(self.at, now)

    def writable_at(self, now: int) -> int:
        return now

    def watch(self, actor: object) -> None:
        """Nothing changes but by the clock."""

    def unwatch(self, actor: object) -> None:
        """As `watch`."""


@pytest.fixture
def handle() -> Iterator[int]:
    """A descriptor of the hall that is readable after 5 s."""
    fd = new_handle(Ready(5 * NS))
    yield fd
    drop_handle(fd)


# -- worlds -----------------------------------------------------------------------------------------------------------
def test_a_world_is_entered_once_at_a_time(kernel: Kernel) -> None:
    """Entering a kernel again while its program runs is refused; the program goes on as it was."""
    with pytest.raises(RuntimeError, match="entered already: a world has one program at a time"):
        kernel.__enter__()
    time.sleep(1)
    assert kernel.clockwork.now == NS


def test_a_loop_of_a_world_needs_one() -> None:
    """Outside simulated time there is no loop in simulated time."""
    with pytest.raises(RuntimeError, match="made by an actor of a kernel: enter one first"):
        VirtualLoop()


@pytest.mark.parametrize("q", [-0.1, 1.1])
def test_a_quantile_is_a_share(q: float) -> None:
    """Between 0 and 1, both included."""
    with pytest.raises(ValueError, match=f"between 0 and 1, not {q}"):
        Lateness().quantile(q)


# -- loops ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("debug", [False, True])
def test_a_loop_in_debug_mode_keeps_the_same_time(kernel: Kernel, handle: int, debug: bool) -> None:
    """asyncio's own rounds, which debug mode takes, call the same things at the same instants and in the same order."""
    seen: list[tuple[str, float]] = []

    async def program() -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()

        def note(what: str, undo: Callable[[int], bool] | None = None) -> None:
            seen.append((what, loop.time() - start))
            if undo is not None:
                undo(handle)

        loop.add_reader(handle, note, "readable", loop.remove_reader)
        loop.add_writer(handle, note, "writable", loop.remove_writer)
        loop.call_at(start + 2, note, "at")
        never = loop.call_later(3, note, "never")
        loop.call_soon(note, "soon").cancel()
        loop.call_soon(note, "now")
        loop.call_later(1, never.cancel)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 4)
        note("timed out")
        await asyncio.sleep(2)

    asyncio.run(program(), debug=debug)
    assert sorted(seen[:2]) == [("now", 0), ("writable", 0)]
    assert seen[2:] == [("at", 2), ("timed out", 4), ("readable", 5)]
    assert kernel.clockwork.now == 6 * NS


def test_timers_that_were_cancelled_do_not_pile_up(kernel: Kernel) -> None:
    """A time-out around each of many requests leaves no more timers than asyncio's own loop would keep."""

    async def program() -> int:
        loop = asyncio.get_running_loop()
        most = 0
        loop.call_later(900, print)  # one that is due before them, so that they do not come to the front
        for _ in range(10 * MANY):
            loop.call_later(1000, print).cancel()
            await asyncio.sleep(0.001)
            most = max(most, len(loop._scheduled))  # type: ignore[attr-defined]
        return most

    assert asyncio.run(program()) < 3 * MANY


def test_a_sleep_longer_than_a_loop_may_wait(kernel: Kernel) -> None:
    """A loop looks about once a day at least, as asyncio's does; a sleep of a week is a week all the same."""
    asyncio.run(asyncio.sleep(7 * 86_400))
    assert kernel.clockwork.now == 7 * 86_400 * NS


def test_a_closed_loop_takes_nothing(kernel: Kernel, handle: int) -> None:
    """Each way of asking something of a closed loop raises as asyncio's does."""
    loop = asyncio.new_event_loop()
    loop.close()
    for ask in (
        lambda: loop.call_soon(print),
        lambda: loop.call_later(1, print),
        lambda: loop.call_at(1, print),
        lambda: loop.add_reader(handle, print),
        lambda: loop.add_writer(handle, print),
    ):
        with pytest.raises(RuntimeError, match="closed"):
            ask()
    assert not loop.remove_reader(handle)
    assert not loop.remove_writer(handle)
    other = asyncio.new_event_loop()
    with pytest.raises(TypeError, match="None"):
        other.call_later(None, print)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="None"):
        other.call_at(None, print)  # type: ignore[arg-type]
    other.close()


# -- threads and locks ------------------------------------------------------------------------------------------------
def test_a_thread_cannot_join_itself(kernel: Kernel) -> None:
    """It would wait for ever: RuntimeError, as ever."""
    told: list[str] = []

    def work() -> None:
        try:
            threading.current_thread().join()
        except RuntimeError as error:
            told.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert told == ["cannot join current thread"]


def test_a_condition_on_an_older_lock_waits_in_the_halls_time(kernel: Kernel) -> None:
    """A condition made before the world gives its lock back while it waits, and retakes it as often as it was held."""
    lock = Wrapped(_thread.RLock())
    condition = threading.Condition(lock)  # type: ignore[arg-type]
    seen: list[float] = []

    def other() -> None:
        with condition:
            seen.append(time.monotonic())
            time.sleep(1)
            condition.notify()

    with condition, condition:
        thread = threading.Thread(target=other)
        thread.start()
        time.sleep(2)
        assert condition.wait(timeout=10)
        assert not condition.wait(timeout=3)
        assert lock._is_owned()
    assert seen == [2.0]
    assert kernel.clockwork.now == 6 * NS
    thread.join()
    with pytest.raises(RuntimeError):
        condition.notify()  # it was given back as often as it was taken


def test_locks_and_queues_tell_what_real_ones_tell(kernel: Kernel) -> None:
    """What a program prints of them, and how much is in a queue."""
    lock = threading.Lock()
    assert repr(lock).startswith("<unlocked lock at 0x")
    with lock:
        assert repr(lock).startswith("<locked lock at 0x")
    fifo: queue.SimpleQueue[int] = queue.SimpleQueue()
    assert (fifo.empty(), fifo.qsize()) == (True, 0)
    fifo.put(1)
    assert (fifo.empty(), fifo.qsize()) == (False, 1)
    assert "made before the world" in str(Wrapped(NATIVE_LOCK()))


# -- select and poll --------------------------------------------------------------------------------------------------
def test_a_wait_for_nothing_takes_its_time(kernel: Kernel) -> None:
    """select without descriptors is a sleep, in every way of asking for one; one without length is over at once."""
    assert select.select([], [], [], 2) == ([], [], [])
    assert select.poll().poll(3000) == []
    with selectors.DefaultSelector() as selector:
        assert selector.select(4) == []
        assert selector.select(0) == []
    assert select.poll().poll(0) == []
    assert 9 * NS <= kernel.clockwork.now < 9.01 * NS


def test_poll_counts_a_real_descriptor_once(kernel: Kernel, handle: int) -> None:
    """However often one is changed: when it is taken out again, waiting is the hall's alone."""
    poll = select.poll()
    assert isinstance(poll, VirtualPoll)
    reads, writes = os.pipe()
    try:
        poll.register(reads, select.POLLIN)
        poll.modify(reads, select.POLLIN)
        os.write(writes, b"x")
        assert poll.poll(0) == [(reads, select.POLLIN)]
        poll.unregister(reads)
        assert poll.poll(1000) == []
        assert kernel.clockwork.now == NS
        assert list(kernel.noticed) == ["poll on real descriptors"]
        with pytest.raises(KeyError):
            poll.unregister(reads)
        poll.register(handle, select.POLLIN)
        assert poll.poll(9000) == [(handle, select.POLLIN)]
        assert kernel.clockwork.now == 5 * NS
        poll.unregister(handle)
    finally:
        os.close(reads)
        os.close(writes)


def test_a_selector_with_descriptors_of_both_kinds(kernel: Kernel, handle: int) -> None:
    """What is ready of either kind ends the wait and is told; changes of both kinds are kept."""
    reads, writes = os.pipe()
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(reads, selectors.EVENT_READ, "real")
            assert selector.select(0) == []
            assert list(kernel.noticed) == ["select on real descriptors"]
            selector.register(handle, selectors.EVENT_WRITE, "ours")
            os.write(writes, b"x")
            assert {(key.data, got) for key, got in selector.select(1)} == {("real", 1), ("ours", 2)}
            selector.modify(handle, selectors.EVENT_READ, "ours")
            selector.modify(reads, selectors.EVENT_READ, "also real")
            assert {(key.data, got) for key, got in selector.select(9)} == {("also real", 1)}
            assert kernel.clockwork.now == 0
            os.read(reads, 1)
            assert {(key.data, got) for key, got in selector.select(9)} == {("ours", 1)}
            assert kernel.clockwork.now == 5 * NS
            os.write(writes, b"x")
            assert {(key.data, got) for key, got in selector.select(9)} == {("also real", 1), ("ours", 1)}
            selector.unregister(reads)
            assert [key.data for key, _ in selector.select(1)] == ["ours"]
    finally:
        os.close(reads)
        os.close(writes)


def test_select_for_reading_and_writing(kernel: Kernel, handle: int) -> None:
    """What can be written to now is told now; a real descriptor beside the hall's that has nothing changes nothing."""
    reads, writes = os.pipe()
    try:
        assert select.select([handle, reads], [handle], [], 9) == ([], [handle], [])
        assert kernel.clockwork.now == 0
        assert select.select([handle, reads], [], [], 0) == ([], [], [])
        assert select.select([handle, reads], [], [], 9) == ([handle], [], [])
        assert kernel.clockwork.now == 5 * NS
    finally:
        os.close(reads)
        os.close(writes)
