"""The program in the hands of somebody who types wrongly, closes pipes, fills disks and names things oddly."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "support" / "small.toml"
COLLECTOR = ROOT / "examples" / "collector.py"


def test_json_is_one_object_whatever_is_written_to_stdout(hallbench):
    """What a collector writes past Python's streams, itself or through programs it starts, does not reach stdout."""
    script = hallbench.script(
        "loud.py",
        textwrap.dedent(
            """
            import os, serial, subprocess, sys
            port = serial.Serial(sys.argv[1])
            os.write(1, b"past the streams\\n")
            subprocess.run([sys.executable, "-c", "print('from a program of its own')"], check=True)
            os.system("echo from a shell")
            """
        ),
    )
    for options in (("--json",), ()):
        ended = hallbench.day("python", script, "{port:keypads}", options=options)
        for told in ("past the streams", "from a program of its own", "from a shell"):
            assert told in ended.err
            assert told not in ended.out
        if options:
            assert ended.json["schema_version"] == 1
        assert ended.code == 5  # it stored nothing that could be judged


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("python", "-m", "no_such_module"), ["python -m no_such_module", "there is no module no_such_module"]),
        (("python", "-m", "json"), ["json is a package and cannot be run"]),
        (("python", COLLECTOR, "{port}", "{records}"), ["{port} stands for nothing", "did you mean {port:keypads}?"]),
        (("python", COLLECTOR, "{prot:keypads}", "{records}"), ["did you mean {port:keypads}?"]),
        (("python", COLLECTOR, "{port:keypads}", "{record}"), ["did you mean {records}?"]),
    ],
)
def test_a_slip_in_the_command_costs_nothing(hallbench, house_day, command, told):
    """A command that cannot run is told at once, with exit 2, and the earlier run in the directory stays as it was."""
    shutil.copytree(house_day, hallbench.cwd / "run")
    before = {path.name: path.read_bytes() for path in (hallbench.cwd / "run").iterdir()}
    ended = hallbench.day(*command)
    assert ended.code == 2
    assert ended.out == ""
    for words in told:
        assert words in ended.err
    assert {path.name: path.read_bytes() for path in (hallbench.cwd / "run").iterdir()} == before


def test_records_of_a_better_run_with_the_same_history(hallbench):
    """Two collectors with the same traffic, of which one stores nothing: the rows of the other do not fit its run."""
    source = """
        import serial, sqlite3, sys, time
        db = sqlite3.connect(sys.argv[2])
        db.execute("CREATE TABLE ratings (device, clerk, value, at)")
        with db:
            db.execute("INSERT INTO ratings VALUES ('keypad-1', {clerk}, 5, '2025-03-10T08:00:00')")
        port = serial.Serial(sys.argv[1])
    """
    for name, clerk in (("a", 1), ("b", 2)):
        script = hallbench.script(f"{name}.py", textwrap.dedent(source.replace("{clerk}", str(clerk))))
        hallbench.day("python", script, "{port:keypads}", "{records}", out=name)
    ours, theirs = hallbench.cwd / "a", hallbench.cwd / "b"
    assert (ours / "history.ndjson").read_bytes() == (theirs / "history.ndjson").read_bytes()
    assert "run.json names another" not in hallbench("judge", "a").out
    (ours / "records.ndjson").write_bytes((theirs / "records.ndjson").read_bytes())
    judged = hallbench("judge", "a")
    assert judged.code == 5
    assert "run.json names another SHA-256" in judged.out


def test_judging_a_run_whose_collector_crashed(hallbench):
    """`judge` exits as the day did: 6, whatever the verdict."""
    polling = "        while True:\n"
    source = COLLECTOR.read_text()
    assert polling in source
    source = source.replace(polling, f"{polling}            assert len(seen) < 3, 'too many'\n")
    script = hallbench.script("crash.py", source)
    ended = hallbench.day("python", script, "{port:keypads}", "{records}", "--units", "1-2", options=("--json",))
    assert ended.code == 6, ended.err
    judged = hallbench("judge", "run", "--json")
    assert judged.code == 6
    assert judged.json == ended.json
    assert "the collector of this run crashed" in judged.err


@pytest.mark.skipif(os.name != "posix", reason="pipes end differently elsewhere")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_reader_who_left_before_the_verdict(hallbench, options):
    """A day whose output nobody takes any more ends with 141, quietly; its evidence is whole."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "bench.cli", "day", SMALL, "--out", "run", "--no-report", *options]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=hallbench.cwd, env=env, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert done.returncode == 141
    assert done.stderr == b""
    assert hallbench("judge", "run").code == 0


@pytest.mark.skipif(os.name != "posix", reason="pipes end differently elsewhere")
def test_nobody_reads_what_the_collector_prints(hallbench):
    """A collector that prints into a stderr whose reader has left is not made to crash by it."""
    script = hallbench.script(
        "chatty.py", COLLECTOR.read_text().replace("time.sleep(0.5)", "time.sleep(0.5); print(9)")
    )
    reader, writer = os.pipe()
    os.close(reader)
    day = ["day", SMALL, "--out", "run", "--no-report", "--", "python", script, "{port:keypads}", "{records}"]
    command = [sys.executable, "-m", "bench.cli", *day, "--units", "1-2"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=hallbench.cwd, env=env, stdout=subprocess.PIPE, stderr=writer, text=True, check=False
    )
    os.close(writer)
    assert done.stdout.startswith("HOLDS")
    assert json.loads((hallbench.cwd / "run" / "run.json").read_text())["collector"]["how"] == "asked to end"
    assert done.returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_collector_that_forks(hallbench):
    """Children of a collector, forked to work, to return or to wait, have no part in the day: one verdict."""
    forking = """
        import multiprocessing
        multiprocessing.set_start_method("fork")
        def work():
            print("working", flush=True)
        helper = multiprocessing.Process(target=work)
        helper.start()
        helper.join()
        children = [os.fork()]
        if not children[-1]:
            sys.exit(7)  # returns into the bench, as far as it can tell
        children.append(os.fork())
        if not children[-1]:
            while True:
                time.sleep(60)
        statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        print("children ended with", statuses, flush=True)
    """
    source = COLLECTOR.read_text()
    forking = textwrap.indent(textwrap.dedent(forking), "    ")
    source = source.replace("import argparse\n", "import argparse\nimport os\nimport sys\n")
    source = source.replace("def main():\n", f"def main():\n{forking}", 1)
    script = hallbench.script("forks.py", source)
    ended = hallbench.day("python", script, "{port:keypads}", "{records}", "--units", "1-2")
    log = (hallbench.cwd / "run" / "collector.log").read_text()
    assert ended.code == 0, ended.out + ended.err + log
    assert ended.out.count("HOLDS: ") == 1
    assert "children ended with [7, " in log
    assert log.count("working\n") == 1
    assert log.count("collecting from units") == 1


@pytest.mark.skipif(os.name != "posix", reason="descriptors are listed on POSIX only")
def test_a_collector_that_makes_itself_a_daemon(hallbench):
    """A program that closes all descriptors it finds, its standard streams too, does not close ours."""
    source = COLLECTOR.read_text().replace("import argparse\n", "import argparse\nimport os\n")
    source = source.replace("def main():\n", "def main():\n    os.closerange(0, 1024)\n", 1)
    script = hallbench.script("daemon.py", source)
    ended = hallbench.day("python", script, "{port:keypads}", "{records}", "--units", "1-2")
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.startswith("HOLDS: all ")


def test_a_map_without_a_program(hallbench):
    """`--map` without a program under test would do nothing: it is told."""
    ended = hallbench.day(options=("--map", "/dev/ttyUSB0=keypads"))
    assert ended.code == 2
    assert "--map is for a program under test" in ended.err


@pytest.mark.skipif(sys.platform == "win32", reason="names of files are text there")
def test_a_directory_whose_name_is_no_text(hallbench):
    """--out in bytes that are not UTF-8: told, with what to do; run.json could not name it."""
    ended = hallbench.day(out=os.fsdecode(b"\xff\xfe"))
    assert ended.code == 2
    assert "its name is not UTF-8; choose another directory with --out" in ended.err
