"""Programs beside the test: started, asked to end, killed, crashed."""

from __future__ import annotations

import signal
import sqlite3
import sys
import threading
import time

import pytest
import serial

from bench.testing import ProgramFailed, hall
from bench.testing.build import SetupError
from protocol.modbus.rtu import seal


def poll(log: list[str] | None = None) -> None:
    with serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2) as port:
        while True:
            port.write(seal(bytes.fromhex("01 04 0004 0001")))
            reply = port.read(7)
            if log is not None:
                log.append(f"{time.strftime('%H:%M:%S')} {reply[4]}")
            time.sleep(1)


def test_a_program_runs_while_the_test_waits(small):
    """It gets its turn whenever the test waits, at the hall's time, and none while the test computes."""
    h, log = small(), []
    h.start(poll, log)
    assert log == []
    h.run_for(2.5)
    h.keypad(1).press(5)
    h.run_for(1)
    assert log == ["08:10:00 0", "08:10:01 0", "08:10:02 0", "08:10:03 1"]


def test_run_asks_an_endless_program_to_end(small):
    """`run` ends a program that does not end by itself; its `finally` blocks run, and its port is free again."""
    h, done = small(), []

    def program() -> None:
        try:
            poll()
        finally:
            done.append(time.strftime("%H:%M:%S"))

    ended = h.run(program, for_=5)
    assert (ended.how, ended.status) == ("asked to end", 0)
    assert done == ["08:10:05"]
    assert h.run(program, until="08:10:20").how == "asked to end"
    assert done == ["08:10:05", "08:10:20"]


def test_run_returns_when_the_program_does(small):
    """A program that ends by itself takes as long as it takes, and no longer."""
    h = small()
    assert h.run(time.sleep, 7).how == "returned"
    assert h.now.second == 7
    with pytest.raises(ProgramFailed, match="has not ended after 3600 s: say how long it is to run"):
        h.run(poll)


def test_a_script_is_run_as_it_is(small, tmp_path, capfd):
    """A script has its arguments, is `__main__`, and finds the modules beside it; the test's own are as they were."""
    (tmp_path / "helper_of_the_script.py").write_text("WORD = 'helped'\n")
    script = tmp_path / "program.py"
    script.write_text(
        "import signal, sys, time\n"
        "import helper_of_the_script\n"
        "signal.signal(signal.SIGTERM, lambda *_: None)\n"
        "if __name__ == '__main__':\n"
        "    time.sleep(2)\n"
        "    print(helper_of_the_script.WORD, sys.argv[1:], __file__)\n"
    )
    argv, path, handler = sys.argv, sys.path[:], signal.getsignal(signal.SIGTERM)
    h = small()
    assert h.run(script, "a", 7).how == "returned"
    h.close()
    assert capfd.readouterr().out == f"helped ['a', '7'] {script}\n"
    assert (sys.argv, sys.path, signal.getsignal(signal.SIGTERM)) == (argv, path, handler)


def test_a_crash_comes_out_of_the_next_wait(small, tmp_path):
    """A program that crashes ends the test's wait at that instant, with its own traceback's last lines."""
    h = small()
    script = tmp_path / "broken.py"
    script.write_text("import time\n\ndef work():\n    time.sleep(2)\n    return {}['answer']\n\nwork()\n")
    program = h.start(script)
    with pytest.raises(ProgramFailed) as caught:
        h.run_for(60)
    assert "the program broken.py crashed with status 1" in str(caught.value)
    assert "line 5, in work" in str(caught.value)
    assert str(caught.value).endswith("KeyError: 'answer'")
    assert isinstance(caught.value.__cause__, KeyError)
    assert h.now.second == 2
    assert not program.alive


def test_a_bad_exit_status_is_a_failure(small):
    """`sys.exit(3)` is how a program says that it failed; `sys.exit()` is not."""
    h = small()
    assert h.run(sys.exit).status == 0
    with pytest.raises(ProgramFailed, match="the program exit returned with status 3"):
        h.run(sys.exit, 3)
    with pytest.raises(ProgramFailed, match="no configuration"):
        h.run(sys.exit, "no configuration")


def test_a_crash_that_nobody_saw_fails_the_end(tmp_path):
    """A program that crashes after the test's last wait has begun to end is told by the end of the hall."""

    def test() -> None:
        with hall() as h:
            program = h.start(lambda: 1 / 0)
            h.at("07:20:01", h.run_for, 1)  # a second trouble does not hide the first
            h.wait_until(lambda: not program.alive, 5)

    with pytest.raises(ProgramFailed, match="crashed"):
        test()


@pytest.mark.parametrize("what", ["nowhere.py", "README.md"])
def test_a_program_that_is_none_is_refused(small, what, tmp_path):
    """A missing script, or a file that is no script, is told before anything runs."""
    (tmp_path / "README.md").write_text("no program\n")
    with pytest.raises(ProgramFailed, match=r"does not exist|is not a \.py file"):
        small().start(tmp_path / what)


def test_a_killed_program_does_nothing_any_more(small, tmp_path):
    """No `finally`, no commit: what was not committed is gone, the database and the port are free."""
    h, done = small(), []
    path = tmp_path / "r.sqlite"

    def program() -> None:
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE t (x)")
        db.commit()
        try:
            with serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2):
                db.execute("INSERT INTO t VALUES (1)")
                time.sleep(100)
                db.commit()
        finally:
            done.append("finally")

    running = h.start(program)
    h.run_for(5)
    h.kill()
    assert (running.exit.how, running.exit.status) == ("killed", 137)
    h.run_for(200)
    assert done == []
    with sqlite3.connect(path, timeout=0) as db:
        db.execute("INSERT INTO t VALUES (2)")
        assert db.execute("SELECT x FROM t").fetchall() == [(2,)]
    serial.Serial("/dev/ttyUSB0").close()


def test_kill_at_a_time_of_the_day(small):
    """A scheduled kill strikes at its instant, while the test waits for something else."""
    h, log = small(), []
    h.start(poll, log)
    h.at("08:10:03.500", h.kill)
    h.run_for(10)
    assert log[-1].startswith("08:10:03")
    assert len(log) == 4


def test_two_programs_take_turns(small):
    """Programs on different lines run beside each other, always in the same order."""
    h, log = small(ports={"A": "keypads", "B": "hall"}), []

    def program(path: str) -> None:
        with serial.Serial(path, 9600, timeout=0.2) as port:
            for _ in range(3):
                port.write(seal(bytes.fromhex("01 04 0000 0001")))
                log.append((path, port.read(7)[3:5]))
                time.sleep(1)

    first, second = h.start(program, "A"), h.start(program, "B")
    h.run_for(10)
    assert not first.alive
    assert not second.alive
    assert log == [("A", b"RK"), ("B", b"CC")] * 3


def test_threads_of_a_program_live_in_the_hall_too(small):
    """Threads, events and queues of a program wait in the hall's time."""
    h, log = small(), []

    def program() -> None:
        stop = threading.Event()

        def beat() -> None:
            while not stop.wait(2):
                log.append(time.strftime("%H:%M:%S"))

        thread = threading.Thread(target=beat)
        thread.start()
        time.sleep(5)
        stop.set()
        thread.join()
        log.append("joined")

    assert h.run(program).how == "returned"
    assert log == ["08:10:02", "08:10:04", "joined"]


def test_the_clock_of_programs_can_jump(small):
    """A jump moves the calendar, not the steady clock, and not the hall's own instants."""
    h = small()
    wall, steady = time.time(), time.monotonic()
    h.fault("clock_jump", seconds=-3600)
    assert time.time() - wall == pytest.approx(-3600, abs=1)
    assert time.monotonic() - steady < 1
    assert h.now.hour == 8


def test_only_the_test_itself_waits(small):
    """A program that calls the hall's waits is told so; it waits with its own means."""
    h = small()
    with pytest.raises(ProgramFailed, match="only the test itself can wait in the hall"):
        h.run(h.run_for, 1)


def test_a_missing_fault_option_is_told(small):
    """A fault of a clock that lacks its number is refused by name."""
    with pytest.raises(SetupError, match="the fault clock_jump needs `seconds`"):
        small().fault("clock_jump")
