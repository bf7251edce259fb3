"""The runner: a collector gets its own process face, leaves no trace, and every ending has its name."""

from __future__ import annotations

import io
import os
import signal
import sys
import textwrap
from pathlib import Path

import pytest

import bench as our_bench
from bench.clock.clockwork import Clockwork
from bench.clock.kernel import BenchFailure, Kernel
from bench.clock.standins import installed
from bench.run.collector import NotPython, Program, parse_command, run_collector
from bench.run.watchdog import CollectorHung, Watchdog
from firmware_sim.device import NS


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


def test_a_loop_that_calls_nothing_is_interrupted(world):
    """The watchdog names the line where a collector hangs, and the run goes on."""
    dog = Watchdog(world.kernel, 0.3, give_up=lambda found: pytest.fail(f"gave up: {found}"))
    with dog:
        ended, _ = world("n = 0\nwhile True:\n    n += 1\n")
    assert ended.how == "hung"
    assert "my_collector.py" in dog.found
    assert "n += 1" in dog.found or "while True" in dog.found


def test_a_loop_that_swallows_everything_is_given_up(world):
    """When even the interruption is swallowed, the watchdog gives the process up (after trying again)."""
    released, seen = [], []

    def give_up(found):
        seen.append(found)
        released.append(True)

    sys.flag_for_test = released
    try:
        with Watchdog(world.kernel, 0.1, give_up):
            world(
                """
                import sys
                flag = sys.flag_for_test
                while not flag:
                    try:
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
