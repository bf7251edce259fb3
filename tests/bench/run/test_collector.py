"""The runner: a collector gets its own process face, leaves no trace, and every ending has its name."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import textwrap
import threading
import time
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

import bench as our_bench
from bench.clock.clockwork import Clockwork
from bench.clock.kernel import BenchFailure, Kernel
from bench.clock.standins import installed
from bench.run.collector import NotPython, Program, parse_command, run_collector
from bench.run.watchdog import CollectorHung, Watchdog
from firmware_sim.device import NS
from late_watch import Lively


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("python my.py a b", Program("script", "my.py", ("a", "b"))),
        ("python3.12 -u -X dev my.py", Program("script", "my.py", ())),
        ("/usr/bin/python -m pkg.mod --x", Program("module", "pkg.mod", ("--x",))),
        ("./my.py -v", Program("script", "./my.py", ("-v",))),
        ("python -c pass", Program("code", "pass", ())),
    ],
)
def test_commands_that_run_python(command, program):
    """Interpreter, its switches, script, module or code."""
    assert parse_command(command.split()) == program


@pytest.mark.parametrize(
    "command", ["./collector", "node x.js", "python", "python -m", "python --bogus x.py", "java -jar x"]
)
def test_commands_that_do_not(command):
    """Anything else is refused with advice."""
    with pytest.raises(NotPython, match=r"--clock wall|interpreter|argument|option"):
        parse_command(command.split())


def test_a_console_entry_is_a_python_program(tmp_path, monkeypatch):
    """A command on the path that is a Python script under another name is run as that; a shell script is not."""
    for name, first in (("my-collector", "#!/opt/venv/bin/python3.12"), ("other", "#!/bin/sh")):
        (tmp_path / name).write_text(f"{first}\nprint('x')\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert parse_command(["my-collector", "-v", "x"]) == Program("script", str(tmp_path / "my-collector"), ("-v", "x"))
    with pytest.raises(NotPython):
        parse_command(["other"])


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kernel = Kernel(Clockwork(), epoch_ns=0, until=1000 * NS)

    def run(source: str, *args: str, name: str = "my_collector.py", **env: str):
        (tmp_path / name).write_text(textwrap.dedent(source))
        log = io.StringIO()
        with installed():
            ended = run_collector(Program("script", str(tmp_path / name), args), kernel, env=env, log=log, shown=None)
        return ended, log.getvalue()

    run.kernel = kernel
    return run


def test_arguments_environment_output(world):
    """A collector sees its own argv, __name__, environment and folder; its output is kept."""
    Path("helper_of_mine.py").write_text("WORD = 'beside'")
    ended, log = world(
        """
        import sys, os, helper_of_mine
        print(__name__, sys.argv[1:], os.environ["HALLBENCH_RECORDS"], helper_of_mine.WORD)
        print("to stderr", file=sys.stderr)
        """,
        "a",
        "b",
        HALLBENCH_RECORDS="r.sqlite",
    )
    assert (ended.status, ended.how, ended.good) == (0, "returned", True)
    assert log == "__main__ ['a', 'b'] r.sqlite beside\nto stderr\n"
    assert "HALLBENCH_RECORDS" not in os.environ


@pytest.mark.parametrize(
    ("source", "status", "how"),
    [
        ("import sys; sys.exit(3)", 3, "returned"),
        ("import sys; sys.exit('no port')", 1, "returned"),
        ("raise SystemExit", 0, "returned"),
        ("1 / 0", 1, "crashed"),
        ("def f(:", 1, "crashed"),
        ("import time; time.sleep(5000)", 0, "asked to end"),
    ],
)
def test_every_ending_has_its_name(world, source, status, how):
    """Exit status as a shell would see it, and why."""
    ended, _ = world(source)
    assert (ended.status, ended.how) == (status, how)


def test_a_crash_is_told_with_its_own_lines(world):
    """The traceback kept is the collector's: its file and line, none of ours."""
    ended, log = world("def poll():\n    return {}['epoch']\npoll()\n")
    assert "KeyError: 'epoch'" in ended.detail
    assert 'my_collector.py", line 2' in ended.detail
    assert "bench/run" not in ended.detail
    assert ended.detail in log


def test_missing_script(world):
    """A script that is not there is the command's fault, told as such."""
    log = io.StringIO()
    ended = run_collector(Program("script", "nowhere.py", ()), world.kernel, env={}, log=log, shown=None)
    assert ended.status == 2
    assert "no script nowhere.py" in ended.detail


def test_a_collector_may_have_our_names(world, tmp_path):
    """Packages called bench, protocol, firmware_sim and scenarios of the collector's own are imported, not ours, and
    ours are back afterwards."""
    for name in ("bench", "protocol", "firmware_sim", "scenarios"):
        (tmp_path / f"{name}.py").write_text(f"MINE = '{name} of the collector'\n")
    ended, log = world(
        """
        import time, bench, protocol, firmware_sim, scenarios
        time.sleep(1)
        print(bench.MINE, protocol.MINE, firmware_sim.MINE, scenarios.MINE, sep="; ")
        """
    )
    assert ended.how == "returned", ended.detail
    assert log.startswith("bench of the collector; protocol of the collector; firmware_sim of")
    assert sys.modules["bench"] is our_bench


def test_the_process_is_put_back(world):
    """argv, path, environment, streams and signal handlers are as before."""
    before = sys.argv[:], sys.path[:], sys.stdout, signal.getsignal(signal.SIGTERM), sys.modules["__main__"]
    world(
        """
        import os, signal, sys
        sys.path.append("/x"); os.environ["LEFT"] = "1"; signal.signal(signal.SIGTERM, lambda *a: None)
        sys.stdout = None
        """
    )
    assert (sys.argv, sys.path, sys.stdout, signal.getsignal(signal.SIGTERM), sys.modules["__main__"]) == before
    assert "LEFT" not in os.environ


def test_finally_runs_at_the_end_of_the_day(world):
    """The end of the day lets a collector clean up, and `except Exception` does not swallow it."""
    ended, log = world(
        """
        import time
        try:
            while True:
                try:
                    time.sleep(10)
                except Exception:
                    print("swallowed")
        finally:
            print("closed at", time.monotonic())
        """
    )
    assert ended.how == "asked to end"
    assert log == "closed at 1000.0\n"


def test_a_failure_of_the_bench_is_not_the_collectors(world):
    """A device model that fails raises through any handler of the collector, as our failure."""
    world.kernel.clockwork.call_at(5 * NS, lambda: 1 / 0)
    with pytest.raises(BenchFailure):
        world(
            """
            import time
            try:
                time.sleep(10)
            except BaseException:
                pass
            raise RuntimeError("something else")
            """
        )


def test_a_loop_that_calls_nothing_is_interrupted(world, begun):
    """The watchdog names the line where a collector hangs, and the run goes on."""
    gave_up = []
    with Watchdog(Lively(world.kernel, begun), 1.0, gave_up.append) as dog:
        ended, _ = world(
            """
            import sys
            def hang():
                n = 0
                sys.begun_for_test.append(True)
                while True:
                    n += 1
            hang()
            """
        )
    assert ended.how == "hung"
    assert not gave_up
    assert "my_collector.py" in dog.found
    assert "in hang\n" in dog.found


def test_a_loop_that_swallows_everything_is_given_up(world, begun):
    """When even the interruption is swallowed, the watchdog gives the process up (after trying again)."""
    released, seen = [], []

    def give_up(found):
        seen.append(found)
        released.append(True)

    sys.flag_for_test = released
    try:
        with Watchdog(Lively(world.kernel, begun), 0.1, give_up):
            world(
                """
                import sys
                flag = sys.flag_for_test
                while not flag:
                    try:
                        sys.begun_for_test.append(True)
                        while not flag:
                            pass
                    except BaseException:
                        pass
                """
            )
    finally:
        del sys.flag_for_test
    assert seen
    assert "neither waited nor read a clock" in seen[0]
    assert issubclass(CollectorHung, BaseException)


def test_a_watchdog_counts_only_what_it_has_raised():
    """However long a program was not there yet, it is told that it hangs before the process is given up."""

    class Slow:
        beats_asked = 0
        clockwork = SimpleNamespace(now=0)
        actors: ClassVar = []

        @property
        def beats(self):
            self.beats_asked += 1
            return 0

    order, kernel, over = [], Slow(), threading.Event()
    dog = Watchdog(kernel, 0.02, lambda found: (order.append(found), over.set()))
    dog._where = lambda: "here"
    dog._raise_in_collector = lambda: order.append("raised")
    with dog:
        while kernel.beats_asked < 80:
            time.sleep(0.001)
        kernel.actors = [1]
        assert over.wait(60)
    assert order == ["raised"] * 8 + ["here"]


# -- a collector that believes the process is its own ------------------------------------------------------------------
def test_it_may_do_what_it_likes_to_its_streams(world):
    """Bytes to stdout.buffer, reconfigure, fileno, close and replacement work as in a process of its own."""
    ended, log = world(
        """
        import sys
        sys.stdout.reconfigure(line_buffering=True)
        sys.stdout.buffer.write("mười\\n".encode())
        sys.stdout.write("\\udc80 odd\\n")
        sys.stdout = open("mine.txt", "w")
        print("elsewhere")
        sys.stderr.close()
        sys.stdout.close()
        sys.exit("said after closing")
        """
    )
    assert (ended.status, ended.how) == (1, "returned")
    assert log == "mười\n\\udc80 odd\nsaid after closing\n"
    assert Path("mine.txt").read_text() == "elsewhere\n"


def test_it_may_change_everything_and_nothing_stays(world, tmp_path):
    """Working directory, environment, handlers, timers, warnings, logging, hooks, limits: put back afterwards."""
    (tmp_path / "away").mkdir()

    def face():
        return {
            "folder": Path.cwd(),
            "environment": dict(os.environ),
            "handlers": [signal.getsignal(n) for n in (signal.SIGALRM, signal.SIGHUP, signal.SIGUSR1)],
            "timer": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
            "filters": warnings.filters[:],
            "logging": (logging.root.handlers[:], logging.root.level, logging.root.manager.disable),
            "hooks": (sys.excepthook, threading.excepthook, sys.stdout, sys.getrecursionlimit()),
            "main": sys.modules["__main__"],
        }

    had_timer = signal.setitimer(signal.ITIMER_REAL, 0)  # pytest's own, if any
    try:
        before = face()
        ended, _ = world(
            """
            import logging, os, signal, sys, threading, warnings
            os.chdir("away")
            os.environ.clear()
            for number in (signal.SIGALRM, signal.SIGHUP, signal.SIGUSR1):
                signal.signal(number, lambda *_: print("mine"))
            signal.setitimer(signal.ITIMER_REAL, 3600)
            warnings.simplefilter("error")
            logging.basicConfig(level=logging.DEBUG)
            logging.disable(logging.CRITICAL)
            sys.excepthook = threading.excepthook = lambda *_: None
            sys.setrecursionlimit(5000)
            """
        )
        assert ended.how == "returned", ended.detail
        assert face() == before
    finally:
        signal.setitimer(signal.ITIMER_REAL, *had_timer)


def test_what_it_registered_for_its_exit_is_done_at_its_exit(world):
    """atexit functions run when the collector ends, last first, in simulated time, whatever one of them raises; not
    when this process does."""
    ended, log = world(
        """
        import atexit, time
        atexit.register(print, "first registered, at", flush=True)

        @atexit.register
        def broken():
            1 / 0

        @atexit.register
        def late():
            time.sleep(5)
            print("saved at", time.monotonic())

        def never(): print("never")
        atexit.register(never)
        atexit.unregister(never)
        time.sleep(7)
        """
    )
    assert ended.how == "returned"
    assert log.index("saved at 12.0") < log.index("ZeroDivisionError") < log.index("first registered")
    assert "never" not in log


def test_exit_functions_also_run_at_the_end_of_the_day(world):
    """A collector that is asked to end flushes in its atexit functions; there is no time left to wait in them."""
    ended, log = world(
        """
        import atexit, time
        atexit.register(print, "flushed")
        atexit.register(time.sleep, 60)
        time.sleep(1e6)
        """
    )
    assert ended.how == "asked to end"
    assert log == "flushed\n"


def test_the_second_collector_has_modules_of_its_own(world, tmp_path, monkeypatch):
    """A helper module that an earlier collector imported from its folder is forgotten."""
    said = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        Path("helper_module.py").write_text(f"WORD = {folder!r}")
        Path("helper_package").mkdir()
        Path("helper_package/__init__.py").write_text(f"WORD = {folder!r}")
        said.append(
            world(
                "import json, helper_module, helper_package\nprint(helper_module.WORD, helper_package.WORD)",
                name=f"{folder}/main.py",
            )[1]
        )
    assert said == ["one one\n", "two two\n"]
    assert "helper_module" not in sys.modules
    assert "json" in sys.modules


@pytest.mark.parametrize(
    ("code", "status"), [("256 + 3", 3), ("-1", 255), ("True", 1), ("[]", 1), ("2.5", 1), ("''", 1)]
)
def test_odd_exit_codes(world, code, status):
    """Whatever is given to sys.exit has a status as a shell would see it."""
    assert world(f"import sys; sys.exit({code})")[0].status == status


def test_an_exit_code_that_cannot_be_printed(world):
    """An object whose text raises is an exit with status 1, not an error of ours."""
    ended, _ = world("class Odd:\n    def __str__(self): raise ValueError\nraise SystemExit(Odd())")
    assert (ended.status, ended.how) == (1, "returned")


def test_endless_recursion_is_a_crash_like_another(world):
    """RecursionError is told in its last lines."""
    ended, _ = world("def f(): f()\nf()")
    assert ended.how == "crashed"
    assert "RecursionError" in ended.detail


def test_its_own_excepthook_is_called(world):
    """A collector that writes its crash down itself gets the chance."""
    ended, log = world("import sys\nsys.excepthook = lambda k, v, tb: print('noted', k.__name__)\n1 / 0")
    assert ended.how == "crashed"
    assert "noted ZeroDivisionError" in log


def test_code_has_a_main_module(world):
    """`-c CODE` runs in a module __main__ of its own, as the interpreter does it."""
    log = io.StringIO()
    code = "import sys\nx = 5\nprint(sys.modules['__main__'].x, __name__)"
    before = sys.modules["__main__"]
    ended = run_collector(Program("code", code, ()), world.kernel, env={}, log=log, shown=None)
    assert (ended.how, log.getvalue()) == ("returned", "5 __main__\n")
    assert sys.modules["__main__"] is before


@pytest.mark.parametrize("ending", ["pass", "import sys; sys.exit(0)"])
def test_a_failure_of_the_bench_cannot_be_hidden(world, ending):
    """A collector that swallows our failure and ends well does not make the run good."""
    world.kernel.clockwork.call_at(5 * NS, lambda: 1 / 0)
    with pytest.raises(BenchFailure, match="ZeroDivisionError"):
        world(f"import time\ntry:\n    time.sleep(10)\nexcept BaseException:\n    pass\n{ending}\n")


def test_ctrl_c_in_a_step_cannot_be_hidden(world):
    """A collector that catches KeyboardInterrupt and returns does not go on with a broken-off step."""

    def interrupted():
        raise KeyboardInterrupt

    world.kernel.clockwork.call_at(5 * NS, interrupted)
    with pytest.raises(KeyboardInterrupt):
        world("import time\ntry:\n    time.sleep(10)\nexcept KeyboardInterrupt:\n    pass\n")


def test_a_bare_except_does_not_keep_the_day_from_ending(world):
    """`while True: try: poll() except: pass` swallows every end; it is taken out of its loop, and later code of ours is
    not traced."""
    before = sys.gettrace()
    ended, _ = world(
        """
        import time
        def poll():
            time.sleep(10)
        while True:
            try:
                poll()
            except:
                pass
        """
    )
    assert ended.how == "hung"
    assert "swallowed the end of the day" in ended.detail
    assert sys.gettrace() is before


def test_a_tracer_that_looks_away_does_not_keep_the_day_from_ending(world):
    """A debugger, or what measures coverage, turns off the lines of frames that it does not follow: all the same."""

    def looks_away(frame, _event, _arg):
        frame.f_trace_lines = False

    before = sys.gettrace()
    sys.settrace(looks_away)
    try:
        ended, _ = world("import time\nwhile True:\n    try:\n        time.sleep(10)\n    except:\n        pass\n")
        assert sys.gettrace() is looks_away
    finally:
        sys.settrace(before)
    assert ended.how == "hung"


def test_a_bare_except_around_a_broken_bench(world):
    """The same loop around a failure of ours ends with our failure."""
    world.kernel.clockwork.call_at(5 * NS, lambda: 1 / 0)
    with pytest.raises(BenchFailure):
        world("import time\nwhile True:\n    try:\n        time.sleep(1)\n    except:\n        pass\n")


def test_our_modules_imported_lazily_are_its_own(world, tmp_path):
    """A package of the collector's with our name is also found when it is imported late, and its parts with it."""
    package = tmp_path / "bench"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "clock.py").write_text("MINE = 'clock of the collector'\n")
    ended, log = world(
        """
        import time
        time.sleep(3)
        def late():
            from bench.clock import MINE
            return MINE
        print(late())
        """
    )
    assert (ended.how, log) == ("returned", "clock of the collector\n")
    assert sys.modules["bench"] is our_bench
    assert "bench.clock.kernel" in sys.modules
