"""Locks, queues and threads in simulated time: exact, fair, shared with threads outside, and put back afterwards."""

from __future__ import annotations

import _thread
import queue
import signal
import sys
import threading
import time
from types import ModuleType

import pytest

from bench.clock import standins
from bench.clock.actors import NATIVE_LOCK
from bench.clock.clockwork import Clockwork
from bench.clock.kernel import DayOver, Kernel, VirtualDeadlock, adopt
from bench.clock.locks import Lock, SimpleQueue, Wrapped
from bench.clock.standins import REAL, installed
from firmware_sim.device import NS


@pytest.fixture
def kernel():
    kernel = Kernel(Clockwork(), 0, until=10_000 * NS)
    with installed(), kernel:
        yield kernel


def in_thread(fn, *args):
    thread = threading.Thread(target=fn, args=args)
    thread.start()
    return thread


def test_what_a_lock_refuses(kernel):
    """Arguments and states that the real lock refuses are refused with its errors."""
    lock = threading.Lock()
    assert isinstance(lock, Lock)
    with pytest.raises(RuntimeError):
        lock.release()
    with lock:
        with pytest.raises(ValueError, match="timeout"):
            lock.acquire(blocking=False, timeout=1)
        with pytest.raises(ValueError, match="timeout"):
            lock.acquire(timeout=-2)
        assert lock.acquire(blocking=False) is False
        assert lock.acquire(timeout=0) is False
        assert lock.acquire(timeout=2.5) is False
    assert kernel.clockwork.now == 2_500_000_000
    assert not lock.locked()


def test_a_lock_given_at_the_time_out_is_taken(kernel):
    """At the very instant of the time-out, who was given the lock has it, and nobody else."""
    lock, got = threading.Lock(), []
    lock.acquire()
    thread = in_thread(lambda: got.append(lock.acquire(timeout=5)))
    time.sleep(5)
    lock.release()
    thread.join()
    assert got == [True] or (got == [False] and not lock.locked())
    assert lock.locked() is got[0]


def test_the_end_of_the_day_in_a_lock_loses_no_lock(kernel):
    """A wait that is broken off leaves the queue of the lock; others still get it."""
    lock = threading.Lock()
    lock.acquire()
    ended = []

    def work():
        with pytest.raises(DayOver):
            lock.acquire()
        ended.append(kernel.clockwork.now)

    in_thread(work)
    kernel.sleep(1)
    kernel.dismiss()
    assert ended == [NS]
    lock.release()
    assert lock.acquire(blocking=False)


def test_a_lock_is_shared_with_a_thread_outside(kernel):
    """A real thread may hold it: it is free for the actor when that lets go."""
    lock, release, held = threading.Lock(), NATIVE_LOCK(), NATIVE_LOCK()
    release.acquire()
    held.acquire()

    def outside():
        with lock:
            held.release()
            release.acquire()

    inside = adopt(None)
    thread = threading.Thread(target=outside)
    thread.start()
    adopt(inside)
    held.acquire()
    assert not lock.acquire(timeout=1)
    release.release()
    inside = adopt(None)
    thread.join()
    adopt(inside)
    assert lock.acquire(timeout=1)


def test_a_simple_queue_has_its_order(kernel):
    """Getters are served in the order in which they came; empty raises; a time-out is exact."""
    fifo, got = queue.SimpleQueue(), []
    assert isinstance(fifo, SimpleQueue)
    threads = [in_thread(lambda n=n: got.append((n, fifo.get()))) for n in range(3)]
    kernel.sleep(1)
    for item in "abc":
        fifo.put(item)
    for thread in threads:
        thread.join()
    assert got == [(0, "a"), (1, "b"), (2, "c")]
    with pytest.raises(queue.Empty):
        fifo.get_nowait()
    start = kernel.clockwork.now
    with pytest.raises(queue.Empty):
        fifo.get(timeout=3)
    assert kernel.clockwork.now - start == 3 * NS
    with pytest.raises(ValueError, match="non-negative"):
        fifo.get(timeout=-1)


def test_locks_of_modules_that_were_there_are_found():
    """A native lock that a module or a class keeps under a name becomes one that waits in simulated time, shares its
    state with the native one, and is put back."""
    module = ModuleType("imported_before_the_world")
    sys.modules[module.__name__] = module
    source = "import threading\nL = threading.Lock()\nR = threading.RLock()\nclass C:\n    guard = L\n"
    exec(source, module.__dict__)
    native = module.L
    kernel = Kernel(Clockwork(), 0)
    try:
        with installed(), kernel:
            assert isinstance(module.L, Wrapped)
            assert module.C.guard is module.L
            module.L.acquire()
            assert native.locked()
            thread = in_thread(lambda: (module.L.acquire(), module.L.release()))
            with module.R, module.R:
                other = in_thread(lambda: module.R.acquire(timeout=2))
                time.sleep(5)
            module.L.release()
            thread.join()
            other.join()
            assert kernel.clockwork.now == 5 * NS
        assert module.L is native
        assert not native.locked()
    finally:
        del sys.modules[module.__name__]


def test_two_threads_import_one_module(kernel, tmp_path, monkeypatch):
    """A module whose import takes time is imported once; the second thread waits for it in simulated time."""
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(4)\nREADY = time.monotonic()\n")
    monkeypatch.syspath_prepend(tmp_path)
    seen = []

    def work():
        import slow_to_import

        seen.append((slow_to_import.READY, time.monotonic()))

    threads = [in_thread(work) for _ in range(2)]
    for thread in threads:
        thread.join()
    del sys.modules["slow_to_import"]
    assert seen == [(4.0, 4.0)] * 2


def test_raw_threads_are_actors_too(kernel):
    """_thread.start_new_thread: its thread waits in simulated time."""
    seen = []
    _thread.start_new_thread(lambda n: (time.sleep(n), seen.append(time.monotonic())), (7,))
    time.sleep(10)
    assert seen == [7.0]


def test_thread_methods_refuse_what_they_refuse(kernel):
    """join of oneself, of a thread not started, starting twice: RuntimeError, as ever."""
    thread = threading.Thread(target=lambda: None)
    with pytest.raises(RuntimeError):
        thread.join()
    thread.start()
    thread.join()
    with pytest.raises(RuntimeError):
        thread.start()
    with pytest.raises(RuntimeError):
        threading.current_thread().join()
    assert thread not in threading.enumerate()


def test_threads_keep_their_flags(kernel):
    """A thread's daemon flag is what the program made it; its children inherit that."""
    seen = []
    in_thread(lambda: seen.append((threading.current_thread().daemon, threading.Thread().daemon))).join()
    daemon = threading.Thread(target=lambda: seen.append(threading.Thread().daemon), daemon=True)
    daemon.start()
    daemon.join()
    assert seen == [(False, False), True]


def test_deadlines_of_one_instant_end_in_the_order_of_their_waits(kernel):
    """Equal deadlines: the longest waiter first; what the hall does at that instant comes before all of them."""
    seen = []

    def work(name, *sleeps):
        for seconds in sleeps:
            time.sleep(seconds)
        seen.append(name)

    kernel.clockwork.call_at(10 * NS, seen.append, "hall")
    threads = [in_thread(work, *args) for args in (("split", 4, 6), ("late", 0.5, 9.5), ("whole", 10))]
    for thread in threads:
        thread.join()
    assert seen == ["hall", "whole", "late", "split"]


def test_nobody_can_ever_go_on(kernel):
    """With nothing scheduled and no end of the day every thread is named, and the main one is told."""
    kernel.until = 1 << 62
    event = threading.Event()
    thread = threading.Thread(target=event.wait, name="hopeful", daemon=True)
    thread.start()
    with pytest.raises(
        VirtualDeadlock, match=r"hopeful waits for a lock.*MainThread waits for the end of thread hopeful"
    ):
        thread.join()
    event.set()


def test_entering_again_looks_through_no_module(monkeypatch):
    """With stand-ins in place a further `installed()` does not scan the process again."""
    with installed():
        monkeypatch.setattr(standins, "_swap", lambda *_: pytest.fail("scanned again"))
        with installed(), Kernel(Clockwork(), 0):
            time.sleep(1)
        monkeypatch.undo()


def test_all_of_it_is_put_back():
    """After the block threading, queue, select and os are the library's."""
    import os
    import select

    def names():
        things = (threading.Lock, threading.RLock, threading.Thread.join, queue.SimpleQueue, select.select)
        return [*things, _thread.allocate_lock, _thread.start_new_thread, os.cpu_count, select.poll]

    before = names()
    with installed():
        assert all(a is not b for a, b in zip(before, names(), strict=True))
    assert names() == before


def test_a_signal_interrupts_a_thread_that_waits_for_its_turn(kernel):
    """Ctrl-C while another thread runs comes out of the main thread's wait, not out of the other's."""

    def busy():
        time.sleep(1)
        while not kernel.main.pending:
            # A signal between Python's last look and the system call that waits interrupts nothing: it is sent again.
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            for _ in range(2000):
                if kernel.main.pending:
                    break
                REAL["sleep"](0.001)
        time.sleep(5)
        done.append(time.monotonic())

    done = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        thread = in_thread(busy)
        with pytest.raises(KeyboardInterrupt):
            time.sleep(100)
        thread.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert done == [6.0]
