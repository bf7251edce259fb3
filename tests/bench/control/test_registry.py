"""Who runs, found by files: theirs alone, and gone with them."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bench.control import registry
from bench.control.client import NoBench, find
from bench.control.registry import VARIABLE, NoRuntimeDirectory, Registered, register, running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "run"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def entry_of(pid: int, name: str = "x", started: str = "") -> str:
    facts = {"name": name, "pid": pid, "started": started, "control": "http://127.0.0.1:1", "token_file": "t"}
    return json.dumps(facts)


def test_only_the_user_can_read(folder: Path):
    """Directory 0700, token and entry 0600, and a token of 256 bits that is new each time."""
    made = Registered.new()
    register("hall", "http://127.0.0.1:1", made)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(made.token) >= 43
    made.remove()
    again = Registered.new()
    assert again.token != made.token
    again.remove()
    assert list(folder.iterdir()) == []


def test_several_benches_of_one_process(folder: Path):
    """The halls of a province: each has token and entry of its own, is found by its name, and removes only its own."""
    made = [Registered.new() for _ in range(3)]
    for number, files in enumerate(made):
        register(f"hall-{number}", f"http://127.0.0.1:{number + 1}", files)
    assert [entry.name for entry in running()] == ["hall-0", "hall-1", "hall-2"]
    for number, files in enumerate(made):
        found = find(f"hall-{number}")
        assert (found.control, found.pid) == (f"http://127.0.0.1:{number + 1}", os.getpid())
        assert registry.read_token(found.token_file) == files.token
    assert find(f"{os.getpid()}-2").name == "hall-1"
    with pytest.raises(NoBench, match=rf"hall-2 \(process {os.getpid()}-3\)"):
        find()
    made[1].remove()
    assert [entry.name for entry in running()] == ["hall-0", "hall-2"]
    made[0].remove()
    made[2].remove()
    assert list(folder.iterdir()) == []


def test_what_dead_processes_left_is_removed(folder: Path):
    """A killed bench's token and entry go when somebody looks; so do entries that are no entries."""
    folder.mkdir(mode=0o700)
    pid = dead_process()
    for name, text in (
        (f"{pid}.json", entry_of(pid)),
        (f"{pid}.token", "secret"),
        ("1.json", "{"),
        ("2.json", "[" * 5000),
        ("3.json", entry_of(os.getpid())),
        (f"{os.getppid()}.json", entry_of(os.getppid(), started="1")),
    ):
        (folder / name).write_text(text)
    assert running() == []
    assert list(folder.iterdir()) == []


def test_a_number_given_again_is_another_process(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """An entry of a process with the same number that began at another time is a leftover."""
    made = Registered.new()
    register("hall", "http://127.0.0.1:1", made)
    assert [entry.name for entry in running()] == ["hall"]
    monkeypatch.setattr(registry, "_started", lambda _pid: "12345")
    assert running() == []


def test_a_directory_that_others_can_read_is_refused(folder: Path):
    """A directory made by somebody else beforehand does not get our token."""
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(NoRuntimeDirectory, match="chmod 700"):
        running()
    with pytest.raises(NoBench, match="chmod 700"):
        find()


def test_a_link_in_place_of_the_token_is_not_followed(folder: Path, tmp_path: Path):
    """A symlink under the token's name is replaced, and what it points at is not written."""
    folder.mkdir(mode=0o700)
    target = tmp_path / "target"
    target.write_text("mine")
    (folder / f"{os.getpid()}.token").symlink_to(target)
    made = Registered.new()
    assert target.read_text() == "mine"
    assert not made.token_file.is_symlink()
    made.remove()


def test_two_benches_are_told_apart(folder: Path):
    """By name or by process number; without either, the message lists both."""
    made = Registered.new()
    register("one", "http://127.0.0.1:1", made)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        (folder / f"{child.pid}.json").write_text(entry_of(child.pid, "two"))
        assert find("one").pid == os.getpid()
        assert find("two").pid == child.pid
        assert find(str(child.pid)).name == "two"
        with pytest.raises(NoBench, match=r"several benches run.*two"):
            find()
        with pytest.raises(NoBench, match="no bench 'three'"):
            find("three")
    finally:
        child.communicate(b"\n")
    assert find().name == "one"
    made.remove()
    with pytest.raises(NoBench, match="hallbench up"):
        find()
