"""`sink_failure` where the program's own records are: SQLite, text files in this process, text files of another."""

from __future__ import annotations

import errno
import io
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.faults.acts import Busy, CannotStrike
from bench.faults.full_disk import FullDisk
from bench.faults.records_lock import RecordsLock
from bench.judge.verdict import Verdict
from tests.bench.records.test_days import STORES, run

FAULT = '[[fault]]\nname = "sink_failure"\nat = "08:10"\nfor_s = 1200\n'

CAREFUL = {
    "csv, opened for each rating": (
        "csv",
        """
import csv
with open(sys.argv[2], "w", newline="") as file:
    csv.DictWriter(file, NAMES).writeheader()
def store(found):
    try:
        with open(sys.argv[2], "a", newline="") as file:
            csv.DictWriter(file, NAMES).writerows(found)
    except OSError as error:
        print("not stored:", error)
        return False
    return True
""",
    ),
    "jsonl, held open without a buffer": (
        "jsonl",
        """
import atexit, json, pathlib
file = pathlib.Path(sys.argv[2]).open("ab", buffering=0)
atexit.register(file.close)
def store(found):
    try:
        file.write(b"".join(json.dumps(row).encode() + b"\\n" for row in found))
    except OSError as error:
        print("not stored:", error)
        return False
    return True
""",
    ),
    "sqlite": (
        "sqlite",
        """
import atexit, sqlite3
db = sqlite3.connect(sys.argv[2])
atexit.register(db.close)
db.execute("CREATE TABLE ratings (device, clerk, ticket, value, at, epoch, seq, UNIQUE (device, epoch, seq))")
def store(found):
    try:
        with db:
            for row in found:
                db.execute("INSERT INTO ratings VALUES (?, ?, ?, ?, ?, ?, ?)", [row[name] for name in NAMES])
    except sqlite3.OperationalError as error:
        print("not stored:", error)
        return False
    return True
""",
    ),
}
CARELESS = {what: (kind, store.replace("return False", "return True")) for what, (kind, store) in CAREFUL.items()}
SAID = {"csv": "No space left on device", "jsonl": "No space left on device", "sqlite": "database is locked"}


def day(folder: Path, kind: str, store: str) -> tuple[Verdict, dict[str, Any], str]:
    verdict, facts = run(folder, store, kind, FAULT)
    return verdict, facts, (folder / "run" / "collector.log").read_text()


@pytest.mark.parametrize("what", CAREFUL)
def test_who_acknowledges_only_what_is_stored_loses_nothing(what: str, tmp_path: Path) -> None:
    """The program's records fail for twenty minutes, as it sees; what it did not acknowledge is stored later."""
    kind, store = CAREFUL[what]
    verdict, facts, log = day(tmp_path, kind, store)
    assert [fault["hits"] for fault in facts["faults"]] == [1]
    assert SAID[kind] in log
    for name in ("loss", "duplication", "attribution", "phantom"):
        assert verdict.findings[name].verdict == "HOLDS", verdict.sentence()


@pytest.mark.parametrize("what", CARELESS)
def test_who_acknowledges_all_the_same_is_found(what: str, tmp_path: Path) -> None:
    """The same program without care for the error loses ratings, and the loss is its own."""
    verdict, _, log = day(tmp_path, *CARELESS[what])
    assert SAID[CARELESS[what][0]] in log
    assert verdict.findings["loss"].verdict == "VIOLATED"


def test_without_the_fault_nothing_fails(tmp_path: Path) -> None:
    """What stands in for `open` is no other file for who writes while there is room."""
    for n, (kind, store) in enumerate((CARELESS["csv, opened for each rating"], ("csv", STORES["csv"]))):
        folder = tmp_path / str(n)
        folder.mkdir()
        verdict, _ = run(folder, store, kind)
        verdict.must_hold()


PIECES = st.lists(st.binary(max_size=9000), max_size=5)


@settings(deadline=None, max_examples=40)
@given(pieces=PIECES, mode=st.sampled_from(["w", "a", "x", "w+", "a+"]), buffering=st.sampled_from([-1, 0, 100]))
def test_a_file_is_as_ever_while_there_is_room(
    pieces: list[bytes], mode: str, buffering: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same writes leave the same characters, and the same mistakes are refused, binary and text."""
    folder = tmp_path_factory.mktemp("files")
    disk = FullDisk()

    def written(path: Path, text: bool) -> Any:
        try:
            options: dict[str, Any] = {"encoding": "latin-1", "newline": ""} if text else {}
            with path.open(mode if text else f"{mode}b", buffering, **options) as file:
                for piece in pieces:
                    file.write(piece.decode("latin-1") if text else piece)
                return file.mode, type(file).__name__.replace("_RawFile", "FileIO")
        except ValueError as error:
            return str(error)

    for text in (True, False):
        mine, plain = folder / f"mine{text}", folder / f"plain{text}"
        with disk.installed(mine):
            got = written(mine, text)
        assert got == written(plain, text)
        assert not plain.exists() or mine.read_bytes() == plain.read_bytes()


def test_a_full_disk_shows_where_it_really_would(tmp_path: Path) -> None:
    """Buffered characters fail at the flush and go out with a later one; reading goes on; other files are no matter."""
    disk, path = FullDisk(), tmp_path / "r.csv"
    real = open
    with disk.installed(path):
        file = io.open(path, "w+")  # noqa: SIM115, UP020
        disk.full = True
        assert file.write("kept\n") == 5
        with pytest.raises(OSError, match="No space left") as caught:
            file.flush()
        assert caught.value.errno == errno.ENOSPC
        (tmp_path / "other").write_text("other")
        assert path.read_text() == ""
        disk.empty()
        file.close()
        assert path.read_text() == "kept\n"
    assert open is real


def test_sqlite_is_locked_for_other_processes_and_let_go(tmp_path: Path) -> None:
    """Another process finds the database locked; at the end of the block it is free, and unchanged."""
    path = tmp_path / "r.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE ratings (n)")
    db.close()
    words = [sys.executable, "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN')"]
    words[2] = words[2].replace("'BEGIN'", "'INSERT INTO ratings VALUES (1)'")
    before = path.read_bytes()
    lock = RecordsLock(lambda: path)
    with lock.installed():
        lock(True)
        assert "database is locked" in subprocess.run([*words, path], capture_output=True, text=True).stderr
    assert subprocess.run([*words, path], capture_output=True, text=True).returncode == 0
    assert path.read_bytes() == before


def test_a_database_that_is_being_written_is_locked_a_little_later(tmp_path: Path) -> None:
    """While somebody is within a transaction that writes, the fault cannot come; the nemesis tries again."""
    path = tmp_path / "r.sqlite"
    lock = RecordsLock(lambda: path)
    with pytest.raises(CannotStrike, match="no SQLite file"):
        lock(True)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("CREATE TABLE ratings (n)")
    db.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy):
        lock(True)
    db.execute("COMMIT")
    lock(True)
    lock(False)
    db.execute("INSERT INTO ratings VALUES (1)")
    db.close()


def test_a_text_file_of_another_process(tmp_path: Path) -> None:
    """Opened anew it fails with EISDIR, and is there again afterwards; of one that is held open the reason is told."""
    path = tmp_path / "records.csv"
    path.write_text("device,clerk\n")
    lock = RecordsLock(lambda: path, {"kind": "csv"})
    lock(True)
    with pytest.raises(IsADirectoryError), path.open("a"):
        pass
    lock(False)
    assert path.read_text() == "device,clerk\n"
    if not os.path.isdir("/proc/self/fd"):  # noqa: PTH112
        pytest.skip("this system does not tell who holds a file open")
    with path.open("a"), pytest.raises(CannotStrike, match=r"holds records\.csv open"):
        lock(True)
    assert path.read_text() == "device,clerk\n"


def test_what_cannot_be_locked_says_why() -> None:
    """A database that cannot be reached, one of another kind, a query: each is told, without a password."""
    for url, mapped, told in (
        ("postgresql+psycopg://hall:s3cret@127.0.0.1:1/hall", {}, "cannot be reached"),
        ("mysql+nothing://hall:s3cret@127.0.0.1/hall", {}, "cannot be reached"),
        ("postgresql+psycopg://h@127.0.0.1:1/hall", {"query": "SELECT 1"}, "has a query"),
    ):
        with pytest.raises(CannotStrike, match=told) as caught:
            RecordsLock(lambda url=url: url, {"kind": "database", **mapped})(True)
        assert "s3cret" not in str(caught.value)
