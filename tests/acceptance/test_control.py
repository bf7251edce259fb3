"""A running bench, steered from outside as its users do: commands, a program in Node, two benches, and how they end."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import live_up
from bench.control.registry import VARIABLE

pytest.importorskip("termios", reason="this system has no pseudo-terminals")

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "support" / "small.toml"


def up(cwd: Path, *args: object, end: int = signal.SIGTERM) -> AbstractContextManager[Any]:
    """`hallbench up` of the small hall, registered in a folder of its own."""
    return live_up.up(cwd, SMALL, "--ports", cwd / "p", *args, env={VARIABLE: str(cwd / "run")}, end=end)


def test_commands_steer_the_bench_that_runs(tmp_path, hallbench):
    """press, show, fault and clock find the bench by the registry and do what they say; exit codes tell refusals."""
    env = {VARIABLE: str(tmp_path / "run")}
    assert hallbench("show", env=env).code == 4
    with up(tmp_path) as (process, told):
        assert told["control"].startswith("http://127.0.0.1:")
        assert stat.S_IMODE(Path(told["token_file"]).stat().st_mode) == 0o600
        assert hallbench("press", "keypad-1", 5, env=env).code == 0
        assert hallbench("press", "keypad-1", 9, env=env).code == 2
        shown = hallbench("show", "keypad-1", "--json", env=env).json
        assert [event["value"] for event in shown["queue"]["events"]] == [5]
        assert "queue 1 of 64" in hallbench("show", "keypad-1", env=env).out
        whole = hallbench("show", env=env)
        assert f"process {process.pid}" in whole.out
        assert "keypad-2" in whole.out
        assert hallbench("fault", "add", "bit_flip", "line=keypads", "count=0", env=env).code == 0
        assert "bit_flip-1  live" in hallbench("fault", "list", env=env).out
        assert "1 faults ended" in hallbench("fault", "clear", env=env).out
        assert hallbench("clock", "step", "10s", env=env).code == 2
        assert "stands" in hallbench("clock", "pause", env=env).out
        before = hallbench("clock", "--json", env=env).json["now"]
        assert hallbench("clock", "step", "90s", "--json", env=env).json["now"] == before + 90 * 10**9
    assert process.returncode == 0
    assert list((tmp_path / "run").iterdir()) == []


def test_what_a_killed_bench_leaves_is_cleaned_by_the_next(tmp_path):
    """kill -9 leaves token and entry; the next start removes both, and SIGTERM removes its own."""
    with up(tmp_path, end=signal.SIGKILL) as (first, _):
        first.kill()
        first.wait()
    assert {path.name for path in (tmp_path / "run").iterdir()} == {f"{first.pid}.json", f"{first.pid}.token"}
    with up(tmp_path) as (second, _):
        left = {path.name for path in (tmp_path / "run").iterdir()}
        assert left == {f"{second.pid}.json", f"{second.pid}.token"}
    assert list((tmp_path / "run").iterdir()) == []


def test_two_benches_at_once(tmp_path, hallbench):
    """Two benches of a scenario are told apart by --name; a command that does not say which is told both."""
    env = {VARIABLE: str(tmp_path / "run")}
    (tmp_path / "other").mkdir()
    with up(tmp_path, "--name", "left"), up(tmp_path, "--name", "right", "--ports", tmp_path / "other"):
        assert hallbench("press", "keypad-1", 5, "--bench", "left", env=env).code == 0
        assert hallbench("show", "keypad-1", "--bench", "left", "--json", env=env).json["queue"]["waiting"] == 1
        assert hallbench("show", "keypad-1", "--bench", "right", "--json", env=env).json["queue"]["waiting"] == 0
        unsaid = hallbench("clock", env=env)
        assert unsaid.code == 4
        assert "left" in unsaid.err
        assert "right" in unsaid.err


def test_listening_elsewhere_still_needs_the_token(tmp_path):
    """--listen is the one way to another address; the token and the Host check stay."""
    with up(tmp_path, "--listen", "0.0.0.0") as (_, told):
        port = told["control"].rpartition(":")[2]
        token = Path(told["token_file"]).read_text().strip()

        def ask(host: str, token: str) -> int:
            headers = {"Host": host, "Authorization": f"Bearer {token}"}
            request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/clock", headers=headers)
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    return int(response.status)
            except urllib.error.HTTPError as error:
                return error.code

        assert ask(f"192.168.7.7:{port}", token) == 200
        assert ask(f"192.168.7.7:{port}", "wrong") == 401
        assert ask(f"evil.example:{port}", token) == 421


def test_without_control_there_is_none(tmp_path):
    """--no-control serves the ports alone: no token, no entry."""
    with up(tmp_path, "--no-control") as (_, told):
        assert (told["control"], told["token_file"]) == (None, None)
        assert not (tmp_path / "run").exists()


def test_a_directory_of_somebody_else_is_refused(tmp_path, hallbench):
    """A runtime directory that others can read gets no token: up ends with 4 and says what to do."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o777)
    ended = hallbench("up", SMALL, "--json", "--ports", tmp_path / "p", env={VARIABLE: str(tmp_path / "run")})
    assert ended.code == 4
    assert "chmod 700" in ended.err
    assert "--no-control" in ended.err
    assert not list((tmp_path / "p").iterdir())


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here")
def test_a_node_program_tests_a_collector(tmp_path):
    """examples/node: a test suite in another language starts a bench, presses, breaks the line, and sees its collector
    fetch every rating."""
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").partition(".")[0]) < 18:
        pytest.skip(f"Node {version.strip()} has no fetch")
    ended = subprocess.run(
        ["node", "--test", str(ROOT / "examples" / "node" / "collector.test.mjs")],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHON": sys.executable,
            "SCENARIO": str(SMALL),
            VARIABLE: str(tmp_path / "run"),
        },
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "# pass 3" in ended.stdout or "pass 3" in ended.stdout
