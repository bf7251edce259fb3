"""Programs with threads, event loops and databases: everything waits in the hall's time, and an exit is a process's."""

from __future__ import annotations

import io
import sqlite3
import sys
import textwrap
import threading

import pytest

from bench.clock.actors import NATIVE_LOCK
from bench.clock.clockwork import Clockwork
from bench.clock.kernel import Kernel
from bench.clock.standins import installed
from bench.ports.mounts import mounted
from bench.ports.patch import redirected
from bench.run.collector import Program, run_collector
from bench.run.watchdog import Watchdog
from firmware_sim.device import NS
from firmware_sim.line import Line
from late_watch import Lively


class World:
    """A folder, a kernel, and programs that run in it."""

    def __init__(self, folder, until=1000 * NS, **options):
        self.folder = folder
        self.clockwork = Clockwork()
        self.kernel = Kernel(self.clockwork, epoch_ns=0, until=until, **options)
        self.log = ""

    def __call__(self, source, *args, expendable=False, name="my_collector.py"):
        path = self.folder / name
        path.write_text(textwrap.dedent(source))
        log = io.StringIO()
        program = Program("script", str(path), tuple(map(str, args)))
        try:
            with installed():
                return run_collector(program, self.kernel, env={}, log=log, shown=None, expendable=expendable)
        finally:
            self.log = log.getvalue()


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return World(tmp_path)


POLLERS = """
    import threading, time
    def poll(name, every):
        while True:
            time.sleep(every)
            print(name, time.monotonic())
"""


# -- ending as a process does ----------------------------------------------------------------------------------------
def test_threads_that_are_no_daemons_go_on_after_the_main_one(world):
    """A program whose main thread falls off its end lives until its last thread has ended."""
    ended = world(
        """
        import atexit, threading, time
        atexit.register(lambda: print("exit functions at", time.monotonic()))
        def work():
            time.sleep(30)
            print("worked until", time.monotonic())
        threading.Thread(target=work).start()
        print("main ends at", time.monotonic())
        """
    )
    assert (ended.status, ended.how) == (0, "returned")
    assert world.log == "main ends at 0.0\nworked until 30.0\nexit functions at 30.0\n"


def test_daemon_threads_are_left_where_they_are(world):
    """None of a daemon's code runs after the exit, not even `finally`."""
    ended = world(
        POLLERS
        + """
    def patient():
        try:
            poll("daemon", 4)
        finally:
            print("must not be")
    threading.Thread(target=patient, daemon=True).start()
    time.sleep(10)
    """
    )
    assert (ended.how, world.log) == ("returned", "daemon 4.0\ndaemon 8.0\n")
    assert world.clockwork.now == 10 * NS


def test_the_day_ends_for_every_thread(world):
    """Without a handler all threads are asked to end, at one instant; their `finally` blocks run."""
    ended = world(
        """
        import threading, time
        def work(n):
            try:
                while True:
                    time.sleep(100 + n)
            finally:
                print("closed", n, time.monotonic())
        threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """
    )
    assert (ended.status, ended.how) == (0, "asked to end")
    assert sorted(world.log.splitlines()) == [f"closed {n} 1000.0" for n in range(3)]


def test_a_sigterm_handler_stops_the_threads(world):
    """The handler runs in the main thread, also when another thread waited last; the threads then end in order."""
    ended = world(
        """
        import signal, sys, threading, time
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: (print("signal at", time.monotonic()), stop.set()))
        def work():
            while not stop.wait(7):
                pass
            time.sleep(2)
            print("in order at", time.monotonic())
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        sys.exit(3)
        """
    )
    assert (ended.status, ended.how) == (3, "asked to end")
    assert world.log == "signal at 1000.0\nin order at 1002.0\n"


def test_a_thread_that_swallows_its_end_is_left_behind(world):
    """One stubborn thread does not keep the program from ending."""
    ended = world(
        """
        import threading, time
        def stubborn():
            while True:
                try:
                    time.sleep(50)
                except BaseException:
                    pass
        threading.Thread(target=stubborn).start()
        time.sleep(2000)
        """
    )
    assert ended.how == "asked to end"


def test_a_hard_exit_in_a_thread_ends_the_program(world):
    """os._exit in a thread: nothing more of the program runs, its status is the program's."""
    ended = world(
        """
        import os, threading, time
        def leave():
            time.sleep(5)
            os._exit(9)
        threading.Thread(target=leave).start()
        try:
            time.sleep(100)
        except Exception:
            print("must not be")
        """
    )
    assert (ended.status, ended.how) == (9, "returned")
    assert world.clockwork.now == 5 * NS


def test_a_crash_in_a_thread_is_in_the_log(world):
    """As Python does it: the traceback is printed, the other threads go on."""
    ended = world(
        """
        import threading, time
        threading.Thread(target=lambda: 1 / 0, name="poller").start()
        time.sleep(1)
        print("main went on")
        """
    )
    assert ended.how == "returned"
    assert "ZeroDivisionError" in world.log
    assert world.log.endswith("main went on\n")


def test_a_failure_of_the_bench_comes_out_of_the_main_thread(world):
    """Whatever thread drives the step that fails: the run ends with our failure."""
    from bench.clock.kernel import BenchFailure

    world.clockwork.call_at(5 * NS, lambda: 1 / 0)
    with pytest.raises(BenchFailure, match="ZeroDivisionError"):
        world(POLLERS + "    threading.Thread(target=poll, args=('a', 1)).start()\n    time.sleep(100)\n")


# -- what of threading there is --------------------------------------------------------------------------------------
def test_everything_of_threading_takes_simulated_time(world):
    """Condition, Semaphore, Barrier, Timer, queues, pools, to_thread, RLock: exact instants, no real time."""
    ended = world(
        """
        import asyncio, queue, threading, time
        from concurrent.futures import ThreadPoolExecutor, as_completed, wait
        now = time.monotonic
        barrier = threading.Barrier(3)
        met = []
        def meet(n):
            time.sleep(n)
            barrier.wait()
            met.append(now())
        threads = [threading.Thread(target=meet, args=(n,)) for n in (1, 2, 3)]
        for t in threads: t.start()
        for t in threads: t.join()
        assert met == [3.0] * 3, met
        timer = threading.Timer(2.5, met.append, args=("rang",)); timer.start(); timer.join()
        assert (met[-1], now()) == ("rang", 5.5)
        condition, ready = threading.Condition(), []
        def produce():
            time.sleep(4)
            with condition:
                ready.append(1)
                condition.notify_all()
        threading.Thread(target=produce).start()
        with condition:
            assert condition.wait_for(lambda: ready, timeout=10)
        assert now() == 9.5
        assert not threading.Semaphore(0).acquire(timeout=0.5)
        simple, bounded = queue.SimpleQueue(), queue.Queue(1)
        threading.Thread(target=lambda: (time.sleep(1), simple.put("x"))).start()
        assert simple.get(timeout=3) == "x" and now() == 11.0
        try:
            simple.get(timeout=2); raise SystemError
        except queue.Empty:
            assert now() == 13.0
        bounded.put(1)
        threading.Thread(target=lambda: (time.sleep(2), bounded.get())).start()
        bounded.put(2)
        assert now() == 15.0
        with ThreadPoolExecutor() as pool:
            assert pool._max_workers == 8  # the same on every machine
            jobs = [pool.submit(time.sleep, s) for s in (3, 1, 2)]
            assert [jobs.index(job) for job in as_completed(jobs)] == [1, 2, 0]
        assert now() == 18.0
        async def both():
            await asyncio.gather(asyncio.to_thread(time.sleep, 2), asyncio.sleep(1), asyncio.to_thread(time.sleep, 2))
        asyncio.run(both())
        assert now() == 20.0
        lock = threading.RLock()
        with lock, lock:
            assert not ThreadPoolExecutor(1).submit(lock.acquire, timeout=3).result()
        assert now() == 23.0
        print(threading.current_thread().name, threading.Thread().name)
        """
    )
    assert ended.how == "returned", ended.detail
    assert world.log.startswith("MainThread Thread-")


def test_a_lock_goes_to_who_waited_longest(world):
    """A thread that takes a lock again at once does not keep it from the others."""
    world(
        """
        import threading, time
        lock, order = threading.Lock(), []
        def work(n):
            for _ in range(3):
                with lock:
                    time.sleep(1)
                    order.append(n)
        threads = [threading.Thread(target=work, args=(n,)) for n in "abc"]
        for t in threads: t.start()
        for t in threads: t.join()
        print("".join(order))
        """
    )
    assert world.log == "abcabcabc\n"


def test_a_deadlock_names_who_waits_for_what(world):
    """With nothing scheduled a deadlock is an error that names every thread; in a day it is told at its end."""
    source = """
        import threading, time
        one, two = threading.Lock(), threading.Lock()
        def work(first, second):
            with first:
                time.sleep(1)
                with second:
                    pass
        threads = [threading.Thread(target=work, args=pair, name=name)
                   for name, pair in (("left", (one, two)), ("right", (two, one)))]
        for t in threads: t.start()
        for t in threads: t.join()
    """
    ended = world(source)
    assert ended.how == "asked to end"
    for part in ("since 00:00:01.000", "MainThread waits for the end of thread left", "right waits for a lock"):
        assert part in ended.detail
        assert part in world.log
    endless = World(world.folder, until=1 << 62)
    ended = endless(source)
    assert ended.how == "crashed"
    assert "VirtualDeadlock: all threads of the collector wait" in ended.detail
    assert "left waits for a lock" in ended.detail


# -- watchdog --------------------------------------------------------------------------------------------------------
def test_a_thread_that_hangs_ends_the_program(world, begun):
    """A loop that calls nothing in a worker thread: the watchdog names that thread and its line, and the run ends."""
    gave_up = []
    with Watchdog(Lively(world.kernel, begun), 1.0, gave_up.append) as dog:
        ended = world(
            """
            import sys, threading, time
            def spin_for_ever():
                time.sleep(1)
                n = 0
                sys.begun_for_test.append(True)
                while True:
                    n += 1
            threading.Thread(target=spin_for_ever, name="spinner").start()
            time.sleep(100)
            """
        )
    assert ended.how == "hung"
    assert not gave_up
    assert "thread spinner" in dog.found
    assert "spin_for_ever" in dog.found
    assert "MainThread waits for the end of a sleep" in dog.found


@pytest.fixture(params=["plain", "traced", "profiled"])
def watched(request):
    """All threads run as they are, or as under coverage or a debugger, or under a profiler."""

    def look(_frame, _event, _arg):
        return look

    name = {"plain": "", "traced": "trace", "profiled": "profile"}[request.param]
    if not name:
        yield
        return
    before = getattr(sys, f"get{name}")(), getattr(threading, f"get{name}")()
    for module in (threading, sys):
        getattr(module, f"set{name}")(look)
    try:
        yield
    finally:
        for module, was in zip((sys, threading), before, strict=True):
            getattr(module, f"set{name}")(was)


@pytest.mark.usefixtures("watched")
def test_a_real_lock_held_across_a_wait_is_named_with_both_stacks(world, begun, monkeypatch):
    """A lock from before the world, held by a thread that waits in simulated time, blocks another for real: the
    watchdog shows both, and ends the run, whatever else looks at what the threads do."""
    native = NATIVE_LOCK()
    monkeypatch.setattr("sys.native_locks_for_test", [native], raising=False)
    seen = []

    def give_up(found):
        seen.append(found)
        if native.locked():
            native.release()

    with Watchdog(Lively(world.kernel, begun), 0.5, give_up):
        world(
            """
            import sys, threading, time
            def holder():
                sys.native_locks_for_test[0].acquire()
                time.sleep(60)
            def taker():
                sys.begun_for_test.append(True)
                sys.native_locks_for_test[0].acquire()
            for work in (holder, taker):
                threading.Thread(target=work, name=work.__name__, daemon=True).start()
            time.sleep(100)
            """
        )
    assert "thread taker" in seen[0]
    assert "in taker\n    sys.native_locks_for_test[0].acquire()" in seen[0]
    assert "holder waits for the end of a sleep" in seen[0]
    assert "time.sleep(60)" in seen[0]


# -- SQLite ----------------------------------------------------------------------------------------------------------
WRITERS = """
    import sqlite3, sys, threading, time
    path, hold = sys.argv[1], float(sys.argv[2])
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE IF NOT EXISTS t (who, at)")
    def write(who):
        db = sqlite3.connect(path)
        for _ in range(3):
            db.execute("INSERT INTO t VALUES (?, ?)", (who, time.monotonic()))
            time.sleep(hold)
            db.commit()
        db.close()
    threads = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for t in threads: t.start()
    for t in threads: t.join()
"""


def test_threads_share_a_database(world):
    """A writer that finds the database locked waits in simulated time, as the busy handler would, and gets its turn."""
    ended = world(WRITERS + "    print(time.monotonic())\n", world.folder / "t.sqlite", 0.3)
    assert ended.how == "returned", ended.detail
    rows = sqlite3.connect(world.folder / "t.sqlite").execute("SELECT who, COUNT(*) FROM t GROUP BY who").fetchall()
    assert rows == [(0, 3), (1, 3), (2, 3)]
    assert 2.7 <= float(world.log) < 3


def test_a_database_locked_for_longer_than_the_time_out_is_an_error(world):
    """The time-out is real SQLite's, in simulated time: 5 s by default, what connect or the pragma says else."""
    ended = world(
        """
        import sqlite3, sys, threading, time
        a = sqlite3.connect(sys.argv[1])
        a.execute("CREATE TABLE t (x)"); a.commit()
        a.execute("INSERT INTO t VALUES (1)")
        def other(**options):
            db = sqlite3.connect(sys.argv[1], **{k: v for k, v in options.items() if k != "pragma"})
            if "pragma" in options:
                db.execute(f"PRAGMA busy_timeout = {options['pragma']}")
            start = time.monotonic()
            try:
                db.execute("INSERT INTO t VALUES (2)")
            except sqlite3.OperationalError as exc:
                print(exc, round(time.monotonic() - start, 3))
        for options in ({}, {"timeout": 30}, {"pragma": 1500}, {"timeout": 0}):
            thread = threading.Thread(target=other, kwargs=options); thread.start(); thread.join()
        """,
        world.folder / "t.sqlite",
    )
    assert ended.how == "returned", ended.detail
    assert world.log == "".join(f"database is locked {s}\n" for s in ("5.0", "30.0", "1.5", "0.0"))


def test_an_upgrade_that_can_never_succeed_fails_at_once(world):
    """Two transactions that both read and now want to write: SQLite tells the second at once, and so it is here."""
    world(
        """
        import sqlite3, sys, threading, time
        path = sys.argv[1]
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("CREATE TABLE t (x)"); db.execute("INSERT INTO t VALUES (0)")
        def work(n):
            db = sqlite3.connect(path, isolation_level=None)
            db.execute("BEGIN")
            db.execute("SELECT * FROM t").fetchall()
            time.sleep(1 + n)
            try:
                db.execute("INSERT INTO t VALUES (1)")
                time.sleep(3)
            except sqlite3.OperationalError as exc:
                print(n, exc, time.monotonic())
            db.execute("ROLLBACK")
        threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
        for t in threads: t.start()
        for t in threads: t.join()
        """,
        world.folder / "t.sqlite",
    )
    assert world.log == "1 database is locked 2.0\n"


def test_the_day_may_end_while_a_database_is_waited_for(world):
    """The end of the day comes out of the statement, not an error that the program does not have."""
    ended = world(
        """
        import sqlite3, sys, time
        a, b = (sqlite3.connect(sys.argv[1], timeout=1e6) for _ in range(2))
        a.execute("CREATE TABLE t (x)"); a.commit(); a.execute("INSERT INTO t VALUES (1)")
        b.execute("INSERT INTO t VALUES (2)")
        """,
        world.folder / "t.sqlite",
    )
    assert (ended.status, ended.how) == (0, "asked to end"), ended.detail


# -- death -----------------------------------------------------------------------------------------------------------
DYING = """
    import atexit, sqlite3, sys, threading, time
    atexit.register(print, "must not be")
    db = sqlite3.connect(sys.argv[1])
    db.execute("CREATE TABLE IF NOT EXISTS t (who, at)"); db.commit()
    log = open("buffered.txt", "w")
    def work():
        mine = sqlite3.connect(sys.argv[1])
        try:
            time.sleep(9.5)
            mine.execute("INSERT INTO t VALUES ('never', 1)")
            time.sleep(1000)
        finally:
            print("must not be")
    threading.Thread(target=work).start()
    print("starts at", time.monotonic(), [row[0] for row in db.execute("SELECT who FROM t")])
    try:
        db.execute("INSERT INTO t VALUES ('kept', 1)"); db.commit()
        while True:
            time.sleep(3)
            log.write("x")
    finally:
        print("must not be")
        log.flush()
"""


def test_a_killed_program_never_runs_again(world):
    """Nothing of it runs after the instant: no finally, no exit function, no commit, no flush; then it can be started
    afresh, and finds the database free and without what was not committed."""
    world.clockwork.call_at(10 * NS, world.kernel.kill)
    database = world.folder / "t.sqlite"
    ended = world(DYING, database, expendable=True)
    assert (ended.status, ended.how) == (137, "killed")
    assert world.log == "starts at 0.0 []\n"
    assert world.clockwork.now == 10 * NS
    world.kernel.drive(15 * NS)
    world.clockwork.call_at(30 * NS, world.kernel.kill)
    assert world(DYING, database, expendable=True).how == "killed"
    assert world.log == "starts at 15.0 ['kept']\n"
    assert (world.folder / "buffered.txt").read_text() == ""
    rows = sqlite3.connect(database).execute("SELECT who FROM t").fetchall()
    assert rows == [("kept",), ("kept",)]


def test_a_program_killed_in_a_databases_queue(world):
    """A thread that waits inside SQLite when it dies leaves no lock behind."""
    world.clockwork.call_at(3 * NS, world.kernel.kill)
    database = world.folder / "t.sqlite"
    ended = world(WRITERS, database, 2.0, expendable=True)
    assert ended.how == "killed"
    with sqlite3.connect(database, timeout=0) as db:
        db.execute("INSERT INTO t VALUES (9, 9)")


def test_an_expendable_program_is_like_another(world):
    """Handlers, main thread, exit status, end of the day: as in the process's own main thread."""
    ended = world(
        """
        import signal, sys, threading, time
        assert threading.current_thread() is threading.main_thread()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        threading.Thread(target=time.sleep, args=(1001,)).start()
        stop.wait()
        print("stopped at", time.monotonic())
        sys.exit(4)
        """,
        expendable=True,
    )
    assert (ended.status, ended.how) == (4, "asked to end"), ended.detail
    assert world.log == "stopped at 1000.0\n"


def test_only_what_can_be_killed_is(world):
    """A program in its caller's thread cannot be killed: that is told, not half done."""
    from bench.clock.kernel import BenchFailure

    world.clockwork.call_at(10 * NS, world.kernel.kill)
    with pytest.raises(BenchFailure, match="expendable=True"):
        world("import time; time.sleep(100)")


def test_a_killed_programs_port_is_free(world):
    """The line of a killed program can be opened again."""
    line = Line("bus", world.clockwork)
    source = "import serial, sys\nport = serial.Serial('/dev/ttyUSB0', timeout=None)\nport.read(1)\n"
    with redirected(), mounted({"bus": line}, world.kernel, {"/dev/ttyUSB0": "bus"}):
        for at in (10, 20):
            world.clockwork.call_at(at * NS, world.kernel.kill)
            assert world(source, expendable=True).how == "killed"


# -- isolation -------------------------------------------------------------------------------------------------------
def test_two_programs_in_one_process_are_as_two_processes(world):
    """The second finds no trace of the first: names of threads, pools and tasks, loggers, dice, module state."""
    source = """
        import asyncio, logging, random, threading
        from concurrent.futures import ThreadPoolExecutor
        import minimalmodbus
        async def main():
            await asyncio.create_task(asyncio.sleep(1))
            return asyncio.create_task(asyncio.sleep(0)).get_name()
        print(threading.Thread().name, ThreadPoolExecutor(1)._thread_name_prefix, asyncio.run(main()))
        print(random.random(), logging.getLogger("mine").level, logging.getLogger("mine").handlers)
        print(dict(minimalmodbus._latest_read_times))
        logging.getLogger("mine").setLevel(5); logging.getLogger("mine").addHandler(logging.NullHandler())
        minimalmodbus._latest_read_times["x"] = 5
    """
    said = []
    for _ in range(2):
        world(source)
        said.append(world.log)
    assert said[0] == said[1]
    assert "Thread-1" in said[0]


@pytest.mark.parametrize("strict", [False, True])
def test_waiting_in_real_time_is_noticed(tmp_path, monkeypatch, strict):
    """A subprocess or a real connection: told once, or refused in a strict run."""
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path, strict=strict)
    source = "import subprocess, sys\nfor _ in range(2):\n    subprocess.run([sys.executable, '-c', 'print(7)'])\n"
    ended = world(source)
    if strict:
        assert (ended.how, "RealBlocking" in ended.detail) == ("crashed", True)
    else:
        assert ended.how == "returned", ended.detail
        assert world.log.count("it waits in real time") == 1
        assert world.kernel.noticed == {"a real subprocess": 2} or world.kernel.noticed["a real subprocess"] >= 2


def test_uvloop_is_told_to_be_absent(world):
    """uvloop cannot be virtual: its import fails with the reason, so that a program that can do without it does."""
    ended = world(
        """
        import asyncio, time
        try:
            import uvloop
            uvloop.install()
        except ImportError as exc:
            print("no uvloop:", exc)
        async def main():
            await asyncio.sleep(5)
            return time.monotonic()
        print(asyncio.run(main()))
        """
    )
    assert ended.how == "returned", ended.detail
    assert "real clock" in world.log
    assert world.log.endswith("5.0\n")


def test_asyncio_hears_sigterm(world):
    """loop.add_signal_handler: the end of the day reaches a coroutine, which has time to finish."""
    ended = world(
        """
        import asyncio, signal, time
        async def main():
            stop = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
            await stop.wait()
            await asyncio.sleep(3)
            print("finished at", time.monotonic())
        asyncio.run(main())
        """
    )
    assert (ended.status, ended.how, world.log) == (0, "asked to end", "finished at 1003.0\n") or (
        ended.how == "returned"
    ), ended.detail
    assert world.log == "finished at 1003.0\n"


def test_asyncio_without_a_handler_cleans_up(world):
    """At the end of the day tasks are cancelled as Ctrl-C does it, and the program ends."""
    ended = world(
        """
        import asyncio
        async def work():
            try:
                await asyncio.sleep(5000)
            finally:
                print("cancelled")
        asyncio.run(work())
        """
    )
    assert (ended.status, ended.how, world.log) == (0, "asked to end", "cancelled\n")


def test_real_threads_beside_the_world_keep_real_time(world):
    """A thread of this process that is no actor reads and waits in real time, with the stand-ins in place."""
    import time

    done = threading.Event()
    seen = []

    def outside():
        while not done.wait(0.01):
            seen.append(time.time())

    thread = threading.Thread(target=outside)
    thread.start()
    world(POLLERS + "    threading.Thread(target=poll, args=('a', 1), daemon=True).start()\n    time.sleep(500)\n")
    done.set()
    thread.join()
    assert not seen or min(seen) > 1_000_000
