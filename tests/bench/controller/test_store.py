"""The store: all or nothing, each rating once, fast enough to commit each one."""

from __future__ import annotations

import sqlite3
import time

import pytest
from sqlalchemy import select

from bench.controller.rows import StoreFailed, call_row, rating_row, ticket_row, unix
from bench.controller.store import CALLS, RATINGS, TICKETS, Store


def rating(seq, device="keypad-1", value=5, **other):
    table, row = rating_row(device, "C01", "A001", value, 1_741_564_803.125, 1, seq, 1_741_564_803.5)
    return table, {**row, **other}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "records.sqlite"


@pytest.fixture
def store(path):
    opened = Store(f"sqlite:///{path}")
    yield opened
    opened.close()


def contents(path, table):
    with sqlite3.connect(path) as connection:
        return connection.execute(f"select * from {table} order by rowid").fetchall()


def test_what_was_committed_can_be_read_by_another_program_at_once(store, path):
    """A row is in the file when commit returns, under the names that the judge reads by default."""
    assert not store.commit([rating(0), rating(1)])
    with sqlite3.connect(path) as connection:
        found = connection.execute(
            "select device, clerk, ticket, value, at, epoch, seq, stored_at from ratings order by seq"
        ).fetchall()
    assert found[0] == ("keypad-1", "C01", "A001", 5, 1_741_564_803.125, 1, 0, 1_741_564_803.5)
    assert len(found) == 2


def test_a_rating_stored_before_is_left_as_it_was_and_told(store, path):
    """(device, epoch, seq) is stored once; the rest of the same commit is stored."""
    store.commit([rating(0), rating(1)])
    assert list(store.commit([rating(1, value=1), rating(2), rating(0, value=2), rating(0, device="keypad-2")])) == [
        0,
        2,
    ]
    found = [(row[0], row[6], row[3]) for row in contents(path, "ratings")]
    assert found == [("keypad-1", 0, 5), ("keypad-1", 1, 5), ("keypad-1", 2, 5), ("keypad-2", 0, 5)]


def test_a_commit_is_all_or_nothing(store, path):
    """A row that cannot be stored keeps the others of its commit out, and says why."""
    with pytest.raises(StoreFailed, match="NOT NULL constraint failed"):
        store.commit([rating(0), rating(1, value=None)])
    assert contents(path, "ratings") == []
    store.commit([rating(0)])
    assert len(contents(path, "ratings")) == 1


def test_a_locked_file_fails_soon_and_works_again(store, path):
    """N39: another program holds the file: the commit fails, keeps nothing, and the next one works."""
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() <= 100  # ms that SQLite waits
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(StoreFailed, match="locked"):
        store.commit([rating(0)])
    other.execute("rollback")
    other.close()
    store.commit([rating(0)])
    assert len(contents(path, "ratings")) == 1


def test_a_ticket_is_one_row_that_gets_its_confirmation(store, path):
    """Issued, then confirmed: one row; a ticket of the same number on another day is another."""
    store.commit([ticket_row("A001", "copy", "kiosk-1", 100.25, None)])
    store.commit([ticket_row("A001", "copy", "kiosk-1", 100.25, 101.5), call_row("A001", 3, "C01", 102.0)])
    store.commit([ticket_row("A001", "copy", "kiosk-1", 90_000.25, None)])
    assert contents(path, "tickets") == [
        ("A001", "copy", "kiosk-1", 100.25, 101.5),
        ("A001", "copy", "kiosk-1", 90_000.25, None),
    ]
    assert contents(path, "calls") == [("A001", 3, "C01", 102.0)]


def test_a_confirmation_whose_issue_was_never_stored_is_a_whole_row(store, path):
    """Nothing depends on an earlier commit having worked."""
    store.commit([ticket_row("A001", "copy", "kiosk-1", 100.25, 101.5)])
    assert contents(path, "tickets") == [("A001", "copy", "kiosk-1", 100.25, 101.5)]


def test_a_database_that_cannot_be_opened_says_where(tmp_path):
    """The message names the URL and the database's own reason."""
    with pytest.raises(StoreFailed, match=r"records\.sqlite cannot be opened: unable to open database file"):
        Store(f"sqlite:///{tmp_path}/no/such/folder/records.sqlite")


def test_a_store_that_is_opened_again_keeps_what_it_has(path):
    """Records of before are kept, and known as stored."""
    first = Store(f"sqlite:///{path}")
    first.commit([rating(0)])
    first.close()
    again = Store(f"sqlite:///{path}")
    assert list(again([rating(0), rating(1)])) == [0]
    again.close()


def test_equal_rows_make_equal_tables(tmp_path):
    """Deterministic contents: the same commits give the same rows in the same order."""
    found = []
    for name in ("one", "two"):
        opened = Store(f"sqlite:///{tmp_path}/{name}.sqlite")
        for seq in range(20):
            opened.commit([rating(seq), call_row(f"A{seq:03d}", 1, None, seq / 8)])
        with opened._engine.connect() as connection:
            found.append([connection.execute(select(table)).all() for table in (RATINGS, TICKETS, CALLS)])
        opened.close()
    assert found[0] == found[1]


def test_a_commit_costs_well_under_a_millisecond(store):
    """Each rating is committed by itself: the median of many commits stays below one millisecond of the processor."""
    took = []
    for seq in range(300):
        began = time.thread_time()
        store.commit([rating(seq)])
        took.append(time.thread_time() - began)
    assert sorted(took)[150] < 0.001


def test_unix_seconds_keep_their_microseconds():
    """Instants are stored as seconds with six decimals, which a double holds without an error that shows."""
    assert unix(1_741_564_803_123_456_789) == 1_741_564_803.123457
