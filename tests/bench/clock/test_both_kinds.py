"""Waiting for ports of the hall and real descriptors at once: what is ready of either ends the wait, and is told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bench.clock.clockwork import Clockwork
from bench.clock.descriptors import LOOK_EVERY, drop_handle, new_handle
from bench.clock.kernel import Kernel
from bench.clock.standins import installed
from firmware_sim.device import NS

Ready = list[tuple[str, str]]
"""(which of the two, how), in order."""


class Burst:
    """A descriptor of the hall that is readable from 5 s on, and never takes anything."""

    def readable_at(self, now: int) -> int:
        return max(now, 5 * NS)

    def writable_at(self, now: int) -> int:
        return 1 << 62

    def watch(self, actor: object) -> None:
        pass

    unwatch = watch


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    kernel = Kernel(Clockwork(), 0, until=1000 * NS)
    with installed(), kernel:
        yield kernel


@pytest.fixture
def port() -> Iterator[int]:
    fd = new_handle(Burst())
    yield fd
    drop_handle(fd)


@pytest.fixture(params=["pipe", "socketpair"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """A real descriptor to wait for, and the one that makes it ready."""
    if request.param == "pipe":
        ends = os.pipe()
        yield ends
        for fd in ends:
            os.close(fd)
    else:
        near, far = socket.socketpair()
        with near, far:
            yield near.fileno(), far.fileno()


def by_select(port: int, real: int, timeout: float | None) -> Ready:
    readers, writers, others = select.select([port, real], [port], [real], timeout)
    assert not writers
    assert not others
    return [("port" if fd == port else "real", "read") for fd in readers]


def by_poll(port: int, real: int, timeout: float | None) -> Ready:
    poll = select.poll()
    poll.register(port, select.POLLIN | select.POLLOUT)
    poll.register(real, select.POLLIN)
    found = poll.poll(None if timeout is None else timeout * 1000)
    assert {events for _, events in found} <= {select.POLLIN}
    return [("port" if fd == port else "real", "read") for fd, _ in found]


def by_selector(port: int, real: int, timeout: float | None) -> Ready:
    with selectors.DefaultSelector() as selector:
        selector.register(port, selectors.EVENT_READ | selectors.EVENT_WRITE, "port")
        selector.register(real, selectors.EVENT_READ, "real")
        found = selector.select(timeout)
    assert {events for _, events in found} <= {selectors.EVENT_READ}
    return [(key.data, "read") for key, _ in found]


def by_loop(port: int, real: int, timeout: float | None) -> Ready:
    found: Ready = []

    async def wait() -> None:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        for fd, name in ((port, "port"), (real, "real")):
            loop.add_reader(fd, lambda name=name: (found.append((name, "read")), done.set()))
        try:
            if timeout == 0:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            else:
                await asyncio.wait_for(done.wait(), timeout)
        except TimeoutError:
            pass
        finally:
            loop.remove_reader(port)
            loop.remove_reader(real)

    asyncio.run(wait())
    return sorted(set(found))


Waits = Callable[[int, int, float | None], Ready]
waits = pytest.mark.parametrize("wait", [by_select, by_poll, by_selector, by_loop])


@waits
def test_a_real_descriptor_that_is_ready_is_told_at_once(
    kernel: Kernel, port: int, pair: tuple[int, int], wait: Waits
) -> None:
    """With any time-out, and without one; the clock does not move."""
    os.write(pair[1], b"x")
    for timeout in (0, 9, None):
        assert wait(port, pair[0], timeout) == [("real", "read")]
        assert kernel.clockwork.now == 0


@waits
def test_both_are_told_when_both_are_ready(kernel: Kernel, port: int, pair: tuple[int, int], wait: Waits) -> None:
    """The hall's first."""
    time.sleep(6)
    os.write(pair[1], b"x")
    for timeout in (0, 9, None):
        assert wait(port, pair[0], timeout) == [("port", "read"), ("real", "read")]
        assert kernel.clockwork.now == 6 * NS


@waits
def test_a_real_one_that_has_nothing_changes_nothing(
    kernel: Kernel, port: int, pair: tuple[int, int], wait: Waits
) -> None:
    """Time-outs end, and the hall's are told, at their exact instants."""
    assert wait(port, pair[0], 0) == []
    assert kernel.clockwork.now == 0
    assert wait(port, pair[0], 0.75) == []
    assert kernel.clockwork.now == 750_000_000
    assert wait(port, pair[0], None) == [("port", "read")]
    assert kernel.clockwork.now == 5 * NS


@waits
def test_the_pipe_by_which_another_thread_wakes_this_one(
    kernel: Kernel, port: int, pair: tuple[int, int], wait: Waits
) -> None:
    """The wait ends at the very instant at which that thread writes, in each of ten rounds; nobody waits for real."""
    seen = []

    def write() -> None:
        for n in range(1, 11):
            time.sleep(0.301 + n / 1000)
            os.write(pair[1], bytes((n,)))

    writer = threading.Thread(target=write)
    writer.start()
    at = 0
    for n in range(1, 11):
        at += 301_000_000 + n * 1_000_000
        assert wait(port, pair[0], None if n % 2 else 4) == [("real", "read")]
        assert os.read(pair[0], 9) == bytes((n,))
        seen.append(kernel.clockwork.now)
        assert kernel.clockwork.now == at
    writer.join()
    assert wait(port, pair[0], None) == [("port", "read")]
    assert kernel.clockwork.now == 5 * NS
    assert "select on real descriptors" not in kernel.noticed
    assert "poll on real descriptors" not in kernel.noticed


@waits
def test_a_thread_that_was_woken_by_a_lock_writes(
    kernel: Kernel, port: int, pair: tuple[int, int], wait: Waits
) -> None:
    """A writer that itself waited for another thread, and begins after the wait did: seen at its instant as well."""
    go = threading.Event()

    def late() -> None:
        go.wait()
        time.sleep(1 / 3)
        os.write(pair[1], b"x")

    def begin() -> None:
        time.sleep(0.7)
        go.set()
        threading.Thread(target=late).start()

    for work in (late, begin):
        threading.Thread(target=work).start()
    assert wait(port, pair[0], 4) == [("real", "read")]
    assert kernel.clockwork.now == 700_000_000 + round(NS / 3)


@waits
def test_what_comes_from_outside_the_program_ends_the_wait(
    kernel: Kernel, port: int, pair: tuple[int, int], wait: Waits
) -> None:
    """It is seen within a tenth of a second of the hall's time after it is there, long before the hall's own."""
    kernel.clockwork.call_at(2 * NS + 1, os.write, pair[1], b"x")  # the bench is no part of the program
    assert wait(port, pair[0], 9) == [("real", "read")]
    assert 2 * NS < kernel.clockwork.now <= 2 * NS + LOOK_EVERY


def test_a_full_pipe_and_urgent_data_are_told(kernel: Kernel, port: int) -> None:
    """Writing, and what select calls exceptional, of real descriptors too."""
    near, far = socket.socketpair()
    with near, far:
        assert select.select([port], [near], [], 1) == ([], [near], [])
        near.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while near.send(bytes(65536)):
                pass
        assert select.select([port], [near], [], 1) == ([], [], [])
        assert kernel.clockwork.now == NS
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        taken, _ = server.accept()
        with taken:
            client.send(b"!", socket.MSG_OOB)
            assert select.select([port], [], [taken], 1) == ([], [], [taken])
    assert kernel.clockwork.now == NS


@waits
def test_one_that_another_thread_closed_is_met_by_the_thread_that_waits(kernel: Kernel, port: int, wait: Waits) -> None:
    """As with the real calls: an error in the waiting thread (poll tells POLLNVAL), never in another one."""
    reads, writes = os.pipe()

    def close() -> None:
        time.sleep(1)
        os.close(reads)

    thread = threading.Thread(target=close)
    thread.start()
    try:
        found = wait(port, reads, 4)
    except (OSError, ValueError, AssertionError):
        found = []
    assert found == []
    thread.join()
    assert not kernel.outside
    os.close(writes)
