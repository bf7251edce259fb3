"""The pytest plugin, as a project meets it: through its entry point, in a process of its own, under xdist."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.testing.build import keep_stand_ins

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[3]
COLLECTOR = ROOT / "examples" / "collector.py"
MISTAKEN = ROOT / "examples" / "collector_with_a_mistake.py"


@pytest.fixture(scope="module", autouse=True)
def _ours_first():
    """What pytester's session brings, modules and import hooks, it takes away again: ours must be there before."""
    keep_stand_ins()
    importlib.import_module("bench.judge.verdict")


@pytest.fixture
def project(pytester, monkeypatch, with_few_plugins):
    """A project with the two collectors in it."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    for path in (COLLECTOR, MISTAKEN):
        shutil.copy(path, pytester.path / path.name)
    return pytester


DAY = """
    import pytest

    pytestmark = pytest.mark.hall("tan_hoi", seed=7, ports={"/dev/ttyUSB0": "keypads"}, start="10:39")

    @pytest.mark.parametrize("program", ["collector.py", "collector_with_a_mistake.py"])
    def test_two_ratings(hall, tmp_path, program):
        hall.start(program, "/dev/ttyUSB0", tmp_path / "r.sqlite")
        hall.run_until("10:40")
        hall.keypad(2).press(4)
        hall.keypad(3).press(5)
        hall.run_for(10)
        hall.verdict(records=tmp_path / "r.sqlite").must_hold()
"""


def test_a_project_of_its_own(project):
    """In a fresh process, through the entry point: one collector holds, the other fails with its whole story."""
    project.makepyfile(DAY)
    result = project.runpytest_subprocess("-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E * AssertionError: VIOLATED: 1 of 2 ratings were lost (keypad-3 at 10:40:00)",
            "E * LOST: the collector acknowledged it at 10:40:00.537*",
            "*- hall: the last 40 frames on keypads -*",
            "10:40:00.493  keypads  < 03 04 10 * keypad-3: events = key 5 (epoch 1, seq 0)",
            "10:40:00.520  keypads  > 03 10 00 * keypad-3: write acknowledge = 1, 0",
            "*- hall: again -*",
            "python -m pytest 'test_a_project_of_its_own.py::test_two_ratings*mistake.py[]]' --hall-seed 7",
            "(tan_hoi, seed 7, virtual time, 10:39 to 10:40:10.000)",
        ]
    )


def test_nothing_of_ours_is_imported_without_a_hall(project):
    """A session that uses no hall imports no package of ours, and sees the fixtures."""
    project.makepyfile(
        """
        import sys

        def test_clean():
            assert {"bench", "protocol", "firmware_sim", "scenarios"}.isdisjoint(sys.modules)
            assert "simpy" not in sys.modules and "numpy" not in sys.modules
        """
    )
    result = project.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)
    listed = project.runpytest_subprocess("--fixtures")
    listed.stdout.fnmatch_lines(["make_hall -- *", "hall -- *"])
    project.runpytest_subprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.hall(scenario, *"])


def test_a_project_with_packages_of_the_same_names(project):
    """A project that has its own `bench` and `protocol` runs as ever; a hall in it is refused with the reason."""
    project.mkpydir("bench")
    project.makepyfile(
        protocol="WORD = 'ours'",
        test_theirs="""
        def test_it():
            import bench
            import protocol
            assert protocol.WORD == "ours"
            assert bench.__file__.startswith(__file__.rpartition("/")[0])

        def test_hall(hall):
            pass
        """,
    )
    result = project.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*this project has a package or module called 'bench' (*hides hallbench's own*"])


def test_the_marker_wins_over_the_fixtures(project):
    """Configuration fixtures give the hall of a folder or a module, the closest marker that of a test."""
    project.makepyfile(
        """
        import pytest

        @pytest.fixture
        def hall_seed():
            return 11

        @pytest.fixture
        def hall_start():
            return "09:00"

        def test_fixtures(hall):
            assert (hall.scenario.name, hall.seed, hall.now.hour) == ("tan_hoi", 11, 9)

        @pytest.mark.hall("ca_mau", seed=3)
        class TestMarked:
            def test_outer(self, hall):
                assert (hall.scenario.name, hall.seed, hall.now.hour) == ("ca_mau", 3, 9)

            @pytest.mark.hall(seed=4, start="10:00")
            def test_inner(self, hall):
                assert (hall.scenario.name, hall.seed, hall.now.hour) == ("ca_mau", 4, 10)

        @pytest.mark.hall(sede=4)
        def test_wrong(hall):
            pass
        """
    )
    result = project.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*the marker `hall` has no 'sede'; it is hall(scenario, ?, seed, ports*"])


def test_the_seed_of_the_command_line_wins(project):
    """--hall-seed is every hall's seed, so that the line under a failure repeats it."""
    project.makepyfile(
        """
        import pytest

        @pytest.mark.hall(seed=4)
        def test_it(hall, make_hall):
            assert hall.seed == 99
            hall.close()
            assert make_hall("tan_hoi", seed=5).seed == 99
        """
    )
    project.runpytest_inprocess("-p", "no:cacheprovider", "--hall-seed", "99").assert_outcomes(passed=1)


def test_a_scenario_beside_the_test(project):
    """A path in the marker is meant from the test's file."""
    folder = project.mkdir("deep")
    shutil.copy(ROOT / "tests" / "support" / "small.toml", folder / "small.toml")
    (folder / "test_it.py").write_text(
        "import pytest\n@pytest.mark.hall('./small.toml')\ndef test_it(hall): assert hall.scenario.name == 'small'\n"
    )
    project.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_loss_fails_the_teardown(project):
    """A test that passes and loses fails at its teardown, by itself, with the report."""
    project.makepyfile(
        """
        import pytest

        @pytest.fixture
        def hall_records(tmp_path):
            return tmp_path / "r.sqlite"

        @pytest.mark.hall(start="10:39")
        def test_it(hall, hall_records):
            hall.start("collector_with_a_mistake.py", "/dev/ttyUSB0", hall_records)
            hall.run_until("10:40")
            hall.keypad(2).press(4)
            hall.keypad(3).press(5)
            hall.run_for(60)

        @pytest.mark.hall(start="10:39")
        def test_meant(hall, hall_records):
            test_it(hall, hall_records)
            hall.expect_loss()

        def test_a_fault_that_did_not_happen(hall):
            hall.fault("lose")
        """
    )
    result = project.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_it*",
            "VIOLATED: 1 of 2 ratings were lost*",
            "*- hall: the last 40 frames on keypads -*",
            "*ERROR at teardown of test_a_fault_that_did_not_happen*",
            "the fault lose (line keypads) never hit anything*",
        ]
    )
    result.stdout.no_fnmatch_line("*hallbench_pytest.py*")


def test_a_test_that_failed_is_not_judged_again(project):
    """After a failure the teardown does not look for losses: the failure is what counts."""
    project.makepyfile(
        """
        def test_it(hall):
            hall.fault("lose")
            assert False
        """
    )
    project.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(failed=1)


def test_pytests_own_time_is_real(project):
    """Durations are real seconds although hours passed in the hall; so are clocks in other fixtures and tests."""
    project.makepyfile(
        """
        import time
        import pytest

        @pytest.fixture
        def before():
            yield time.time()

        @pytest.fixture
        def after(hall):
            yield time.strftime("%Y")
            assert time.strftime("%Y-%m-%d") == "2025-03-10"

        def test_it(before, hall, after):
            hall.run_until("09:30")
            assert (time.strftime("%Y"), after) == ("2025", "2025")
            assert time.gmtime(before).tm_year > 2025

        def test_later():
            assert time.gmtime().tm_year > 2025
        """
    )
    result = project.runpytest_inprocess("-p", "no:cacheprovider", "--durations=0", "-vv")
    result.assert_outcomes(passed=2)
    seconds = [float(line.split("s ")[0]) for line in result.outlines if "s call " in line or "s setup " in line]
    assert seconds
    assert all(0 <= value < 300 for value in seconds)


def test_a_test_that_waits_for_ever_fails(project):
    """A read that nothing ends is a failure that says so, not a SystemExit."""
    project.makepyfile(
        """
        import pytest
        import serial

        @pytest.mark.hall(start="18:00")
        def test_it(hall):
            serial.Serial("/dev/ttyUSB0").read()
        """
    )
    result = project.runpytest_inprocess("-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *HallOver: the test waited until *something in it waits for ever*"])


def test_a_coroutine_lives_in_the_halls_time(project):
    """An async test runs in a loop of the hall's time, with or without a plugin for asyncio."""
    project.makepyfile(
        """
        import asyncio
        import time

        async def test_it(hall):
            begun = time.monotonic()
            told = []

            async def later():
                await asyncio.sleep(2)
                hall.keypad(1).press(5)

            task = asyncio.create_task(later())
            press = await hall.await_for("press", timeout=5)
            assert press.device == "keypad-1"
            await hall.arun_for(10)
            await hall.arun_until("07:21")
            assert time.monotonic() - begun == 60
            await task
        """
    )
    project.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


@pytest.mark.skipif(importlib.util.find_spec("pytest_asyncio") is None, reason="pytest-asyncio is not installed")
@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_with_pytest_asyncio(project, with_few_plugins, mode):
    """Under pytest-asyncio a function's loop is the hall's, whatever the order of the fixtures."""
    with_few_plugins(asyncio=True)
    project.makepyfile(
        """
        import asyncio
        import time
        import pytest
        import pytest_asyncio

        @pytest_asyncio.fixture
        async def waited():
            await asyncio.sleep(0)
            return 1

        @pytest.mark.asyncio
        @pytest.mark.parametrize("n", [1, 2])
        async def test_it(waited, hall, n):
            begun = time.monotonic()
            await asyncio.sleep(600)
            await hall.arun_for(600)
            assert time.monotonic() - begun == 1200
        """
    )
    project.runpytest_subprocess("-p", "no:cacheprovider", "-o", f"asyncio_mode={mode}").assert_outcomes(passed=2)


def test_under_xdist(project):
    """Workers have halls of their own."""
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", range(8))
        def test_it(hall, tmp_path, n):
            hall.start("collector.py", "/dev/ttyUSB0", tmp_path / "r.sqlite")
            hall.keypad(1 + n % 4).press(5)
            hall.run_for(20)
            hall.verdict(records=tmp_path / "r.sqlite").must_hold()
        """
    )
    project.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2").assert_outcomes(passed=8)


def test_the_stand_ins_can_come_early(project):
    """With `hall = true` locks that a program makes at import are the hall's: a wait for one passes in its time."""
    project.makeini("[pytest]\nhall = true\n")
    project.makepyfile(
        early="""
        import threading
        LOCK = threading.Lock()
        """,
        test_early="""
        import early
        import threading
        import time

        def test_it(hall):
            def holds():
                with early.LOCK:
                    time.sleep(30)

            thread = threading.Thread(target=holds)
            thread.start()
            time.sleep(1)
            with early.LOCK:
                assert hall.now.strftime("%H:%M:%S") == "07:20:30"
            thread.join()
        """,
    )
    project.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_evidence_of_failures_is_kept(project):
    """--hall-keep leaves a directory from which `hallbench judge` gives the verdict again."""
    project.makepyfile(
        """
        def test_it(hall):
            hall.records = []
            hall.keypad(1).press(5)
            hall.run_for(60)
        """
    )
    result = project.runpytest_subprocess("-p", "no:cacheprovider", "--hall-keep", "kept")
    result.assert_outcomes(passed=1, errors=1)
    judged = subprocess.run(
        [sys.executable, "-m", "bench.cli", "judge", "kept/test-it"],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 1, judged.stderr
    assert "VIOLATED: 1 of 1 rating" in judged.stdout
