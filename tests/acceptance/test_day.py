"""`hallbench day`: the main job, end to end, through the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COLLECTOR = ROOT / "examples" / "collector.py"
MISTAKEN = ROOT / "examples" / "collector_with_a_mistake.py"


def test_the_house_loses_nothing(hallbench):
    """Without a collector the house controller runs every line, and the verdict is good."""
    ended = hallbench.day(options=("--json",))
    assert ended.code == 0, ended.err
    verdict = ended.json
    assert verdict["schema_version"] == 1
    assert verdict["verdict"] == "HOLDS"
    assert verdict["counts"]["presses"] == verdict["counts"]["recorded"] > 5
    assert verdict["counts"]["tickets"] == verdict["counts"]["calls"] == verdict["counts"]["visitors"]
    words = {name: found["verdict"] for name, found in verdict["invariants"].items()}
    held = {"loss", "duplication", "attribution", "phantom", "order", "lateness", "time", "tickets", "calls", "manners"}
    assert {name for name, word in words.items() if word == "HOLDS"} == held | {"acknowledge"}
    assert set(words.values()) == {"HOLDS", "NOT EXERCISED"}
    for name in ("run.json", "history.ndjson", "records.ndjson", "records.sqlite", "day.json", "verdict.json"):
        assert (hallbench.cwd / "run" / name).is_file(), name


def test_a_correct_collector_holds(hallbench):
    """The example collector, unmodified, on its /dev path, with its placeholders filled."""
    ended = hallbench.day("python", COLLECTOR, "{port:keypads}", "{records}", "--units", "1-2")
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.startswith("HOLDS: all ")
    assert "ran to the end of the day" in ended.out
    assert "collecting from units 1-2 on hall://keypads" in (hallbench.cwd / "run" / "collector.log").read_text()


def test_a_device_path_is_mapped(hallbench):
    """The collector may open the path that the scenario names, or one given with --map."""
    first = hallbench.day("python", COLLECTOR, "/dev/ttyUSB0", "{records}", "--units", "1-2", out="a")
    options = ("--map", "/dev/ttyS9=keypads")
    second = hallbench.day("python", COLLECTOR, "/dev/ttyS9", "{records}", "--units", "1-2", out="b", options=options)
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert hallbench.records("a")[1:] == hallbench.records("b")[1:]


def test_the_mistake_is_caught(hallbench):
    """The same collector with one mistake: the verdict names what was lost, where and when."""
    ended = hallbench.day("python", MISTAKEN, "{port:keypads}", "{records}", "--units", "1-2", options=("--json",))
    assert ended.code == 1
    loss = ended.json["invariants"]["loss"]
    assert loss["verdict"] == "VIOLATED"
    assert loss["violations"] == ended.json["counts"]["lost"] > 0
    assert re.search(r"keypad-[12]", loss["stories"][0])
    assert re.search(r"\d\d:\d\d:\d\d", loss["stories"][0])
    others = {name for name, found in ended.json["invariants"].items() if found["verdict"] == "VIOLATED"}
    assert others == {"loss"}


def test_same_seed_same_bytes(hallbench):
    """The same seed gives a byte-identical history, whatever the hash seed and the folder; another seed does not."""
    runs = {}
    for out, seed, hashing in (("a", 5, "0"), ("b", 5, "4711"), ("c", 6, "0")):
        ended = hallbench.day(
            "python",
            COLLECTOR,
            "{port:keypads}",
            "{records}",
            "--units",
            "1-2",
            out=out,
            options=("--seed", seed),
            env={"PYTHONHASHSEED": hashing},
        )
        assert ended.code == 0, ended.out + ended.err
        runs[out] = (hallbench.cwd / out / "history.ndjson").read_bytes()
    assert runs["a"] == runs["b"]
    assert runs["a"] != runs["c"]


@pytest.mark.gate
@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_same_bytes_on_other_pythons(hallbench, version, tmp_path):
    """Python 3.12 and 3.13 write the same history, byte for byte (where they are present)."""
    python = _other_python(version)
    if python is None:
        pytest.skip(f"Python {version} is not on this machine")
    venv = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", venv], check=True)
    pip = [venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", ROOT / "requirements.txt"], check=True)
    assert hallbench.day(out="here").code == 0
    done = subprocess.run(
        [
            venv / "bin" / "python",
            "-m",
            "bench.cli",
            "day",
            ROOT / "tests/support/small.toml",
            "--out",
            "there",
            "--no-report",
        ],
        cwd=hallbench.cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0
    assert (hallbench.cwd / "here/history.ndjson").read_bytes() == (hallbench.cwd / "there/history.ndjson").read_bytes()


def _other_python(version: str) -> str | None:
    found = shutil.which(f"python{version}")
    if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
        return found
    for candidate in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")):
        return str(candidate)
    return None


def test_the_verdict_can_be_had_again(hallbench):
    """`hallbench judge` gives the same verdict.json from the directory alone, also after the database is gone."""
    first = hallbench.day("python", MISTAKEN, "{port:keypads}", "{records}", "--units", "1-2", options=("--json",))
    (hallbench.cwd / "run" / "records.sqlite").unlink()
    again = hallbench("judge", "run", "--json")
    assert again.code == first.code == 1
    assert again.json == first.json


def test_a_killed_run_is_never_good(hallbench):
    """SIGKILL in mid-run leaves a history that the judge calls truncated: UNKNOWN, exit 5."""
    # a program that lets two hours pass and then computes for ever: the day does not end before it is killed
    script = hallbench.script(
        "stays.py",
        "import serial, sys, time\nport = serial.Serial(sys.argv[1])\ntime.sleep(7200)\nwhile True:\n    pass\n",
    )
    command = [sys.executable, "-m", "bench.cli", "day", "tan_hoi", "--out", "run", "--evidence", "full"]
    command += ["--patience", "3600", "--", "python", str(script), "{port:keypads}"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(
        command, cwd=hallbench.cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    history = hallbench.cwd / "run" / "history.ndjson"
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and not (history.exists() and history.stat().st_size > 300_000):
        time.sleep(0.05)
    assert running.poll() is None
    running.send_signal(signal.SIGKILL)
    running.wait()
    judged = hallbench("judge", "run")
    assert judged.code == 5
    assert "UNKNOWN" in judged.out
    assert "truncated" in judged.out or "footer" in judged.out


def test_an_empty_history_is_never_good(hallbench, house_day):
    """Nothing recorded is no evidence of anything."""
    shutil.copytree(house_day, hallbench.cwd / "run")
    (hallbench.cwd / "run" / "history.ndjson").write_bytes(b"")
    judged = hallbench("judge", "run")
    assert judged.code == 5
    assert "HOLDS" not in judged.out


def test_an_edited_history_is_never_good(hallbench, house_day):
    """One changed digit, and the history cannot be relied on."""
    shutil.copytree(house_day, hallbench.cwd / "run")
    path = hallbench.cwd / "run" / "history.ndjson"
    data = path.read_bytes()
    at = data.index(b'"k":"press"')
    path.write_bytes(data[:at] + data[at:].replace(b'"clerk":1', b'"clerk":2', 1))
    judged = hallbench("judge", "run")
    assert judged.code == 5


def test_evidence_of_two_runs_is_not_mixed(hallbench):
    """Records or a history taken from a better run do not make this one good."""
    command = ("{port:keypads}", "{records}", "--units", "1-2")
    assert hallbench.day("python", COLLECTOR, *command, out="good", options=("--seed", 2)).code == 0
    assert hallbench.day("python", MISTAKEN, *command, out="bad").code == 1
    for name in ("records.ndjson", "history.ndjson"):
        kept = (hallbench.cwd / "bad" / name).read_bytes()
        (hallbench.cwd / "bad" / name).write_bytes((hallbench.cwd / "good" / name).read_bytes())
        judged = hallbench("judge", "bad")
        assert judged.code == 5, judged.out
        assert judged.out.startswith("UNKNOWN")
        (hallbench.cwd / "bad" / name).write_bytes(kept)
    assert hallbench("judge", "bad").code == 1


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        (
            "crash",
            "import serial, sys\nserial.Serial(sys.argv[1])\nraise KeyError('unit')\n",
            ["crashed", "KeyError: 'unit'", "line 3"],
        ),
        ("no_port", "print('I never open anything')\n", ["never opened a port"]),
        ("wrong_port", "import serial\nserial.Serial('/dev/ttyUSB7')\n", ["/dev/ttyUSB7", "hall://keypads"]),
        ("hang", "import serial, sys\nserial.Serial(sys.argv[1])\nwhile True: pass\n", ["hung", "line 3"]),
        ("syntax", "def f(:\n", ["SyntaxError"]),
        ("hard", "import os, serial, sys\nserial.Serial(sys.argv[1])\nos._exit(7)\n", ["status 7"]),
        ("other", "import os, serial, sys\nserial.Serial(sys.argv[1])\nos.execv('/bin/true', ['true'])\n", ["execv"]),
        ("deadlock", "import serial, sys\nserial.Serial(sys.argv[1]).read(1)\nraise SystemExit(3)\n", ["status 0"]),
    ],
)
def test_collectors_that_fail(hallbench, name, source, words):
    """A collector that crashes, hangs or never opens its port: exit 6, what happened and where, a day that ends and
    evidence that stays."""
    script = hallbench.script(f"{name}.py", source)
    options = ("--patience", "2") if name == "hang" else ()
    ended = hallbench.day("python", script, "{port:keypads}", options=options)
    if name == "deadlock":  # waits for ever on a silent line: the end of the day takes it out
        assert ended.code in {1, 5}
        assert "ran to the end of the day" in ended.out
        return
    assert ended.code == 6, ended.out + ended.err
    for word in words:
        assert word in ended.out, ended.out
    assert ended.out.splitlines()[2].startswith("  program   ")  # right below the verdict that it explains
    assert hallbench.records()[-1]["end"] == 1
    run = json.loads((hallbench.cwd / "run" / "run.json").read_text())
    assert run["collector"]["how"] in {"crashed", "hung", "returned"}
    assert run["ended"] == "everybody has left"


def test_a_loop_that_swallows_everything_is_ended_by_force(hallbench):
    """Even a bare `except` around an endless loop does not keep the day from ending; the history so far stays."""
    script = hallbench.script(
        "stubborn.py",
        textwrap.dedent(
            """
            import serial, sys
            port = serial.Serial(sys.argv[1])
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    pass
            """
        ),
    )
    ended = hallbench.day("python", script, "{port:keypads}", options=("--patience", "1.5"))
    assert ended.code == 6
    assert "ended by force" in ended.err
    judged = hallbench("judge", "run")
    assert judged.code == 5


def test_exit_status_and_output_are_kept(hallbench):
    """What the collector printed and how it ended stand in the run directory."""
    script = hallbench.script(
        "early.py", "import serial, sys\nserial.Serial(sys.argv[1])\nprint('Xin chào')\nsys.exit(3)\n"
    )
    ended = hallbench.day("python", script, "{port:keypads}")
    assert ended.code == 6
    assert "ended by itself with status 3" in ended.out
    assert (hallbench.cwd / "run" / "collector.log").read_text(encoding="utf-8") == "Xin chào\n"
    assert json.loads((hallbench.cwd / "run" / "run.json").read_text())["collector"]["status"] == 3


def test_json_is_one_object_whatever_the_collector_prints(hallbench):
    """stdout carries the verdict only; the collector's own output does not mix with it."""
    script = hallbench.script("chatty.py", "import serial, sys\nserial.Serial(sys.argv[1])\nprint('{}')\n")
    ended = hallbench.day("python", script, "{port:keypads}", options=("--json",))
    assert ended.json["schema_version"] == 1


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("day", "tan_hoy"), 3, ["tan_hoi"]),
        (("day", "--", "node", "x.js"), 2, ["--clock wall"]),
        (("day", "--clock", "fast"), 2, ["virtual|wall|60x"]),
        (("day", "--", "python", COLLECTOR, "{port:hall}"), 2, ["hall", "keypads"]),
        (("day", "--", "python", "nowhere.py"), 2, ["nowhere.py"]),
        (("day", "--map", "nonsense", "--", "python", COLLECTOR), 2, ["PATH=LINE"]),
        (("day", "--seed", "-1"), 2, ["--seed"]),
        (("daj",), 2, ["day"]),
    ],
)
def test_usage_mistakes(hallbench, args, code, words):
    """Each mistake has its exit code and says what would be right."""
    ended = hallbench(*args)
    assert ended.code == code
    for word in words:
        assert word in ended.err, ended.err


def test_a_directory_that_is_not_ours_is_left_alone(hallbench):
    """A run is never written over somebody's files."""
    (hallbench.cwd / "run").mkdir()
    (hallbench.cwd / "run" / "thesis.txt").write_text("all I have")
    ended = hallbench.day()
    assert ended.code == 2
    assert "--out" in ended.err
    assert [path.name for path in (hallbench.cwd / "run").iterdir()] == ["thesis.txt"]


def test_a_file_in_place_of_the_directory(hallbench):
    """--out that names a file: told, with what to do."""
    (hallbench.cwd / "run").write_text("")
    ended = hallbench.day()
    assert ended.code == 2
    assert "run" in ended.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk(hallbench, monkeypatch):
    """A history that cannot be written is an inconclusive run with a clear message, never a verdict or a traceback."""
    (hallbench.cwd / "run").mkdir()
    (hallbench.cwd / "run" / "run.json").write_text('{"schema_version": 1, "hallbench": "0.1.0"}')
    script = hallbench.script(
        "full.py",
        textwrap.dedent(
            """
            import sys
            import bench.judge.history as history
            real = history.SealedWriter._write
            def full(self, data, _left=[3]):
                _left[0] -= 1
                if _left[0] < 0:
                    self._file = open("/dev/full", "wb", buffering=0)
                real(self, data)
            history.SealedWriter._write = full
            from bench.cli.main import main
            sys.argv = ["hallbench", "day", sys.argv[1], "--out", "run", "--no-report", "--evidence", "full"]
            sys.exit(main())
            """
        ),
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    small = ROOT / "tests" / "support" / "small.toml"
    done = subprocess.run(
        [sys.executable, script, small], cwd=hallbench.cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 5, done.stderr
    assert "Traceback" not in done.stderr
    assert "space" in done.stderr.lower()
    kept = (hallbench.cwd / "run" / "history.ndjson").read_bytes()
    assert kept.startswith(b'{"h":1')
    assert hallbench("judge", "run").code == 5


def test_the_report_stands_alone(hallbench):
    """report.html: one file, no address in it, the verdict first, the tickets as pictures."""
    ended = hallbench("day", ROOT / "tests/support/small.toml", "--out", "run")
    assert ended.code == 0, ended.err
    page = (hallbench.cwd / "run" / "report.html").read_text(encoding="utf-8")
    assert "HOLDS" in page
    assert "data:image/png;base64," in page
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)
    assert len(page) < 2_000_000
