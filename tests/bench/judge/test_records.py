"""The collector's database is read as it stands; every mistake of the mapping is explained with what was found."""

from __future__ import annotations

import datetime as dt
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from bench.judge.records import FIELDS, Mapped, RecordsError, Row, Rows, read

USUAL = "CREATE TABLE ratings (device TEXT, clerk TEXT, ticket TEXT, value INT, at, epoch INT, seq INT, stored_at)"


def database(path: Path, *statements: str) -> Path:
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return path


def test_default_table_is_read_in_the_order_of_storing(tmp_path: Path) -> None:
    """Rows come in the order in which they were stored, values as they stand, numbered from 1."""
    path = database(
        tmp_path / "r.sqlite",
        USUAL,
        "INSERT INTO ratings VALUES ('keypad-2', 'C01', 'A001', 5, 1741573800.5, 1, 7, NULL)",
        "INSERT INTO ratings VALUES ('keypad-1', 2, NULL, '4', '2025-03-10T09:30:00+07:00', 1, 3, 12)",
    )
    rows = read(path)
    assert rows == [
        Row(1, "keypad-2", "C01", "A001", 5, 1741573800.5, 1, 7, None),
        Row(2, "keypad-1", "2", None, 4, "2025-03-10T09:30:00+07:00", 1, 3, 12),
    ]
    assert rows.fields == FIELDS
    assert rows.order == "rowid"
    assert "r.sqlite" in rows.source
    assert rows == read(f"sqlite:///{path}")


def test_reading_changes_nothing(tmp_path: Path) -> None:
    """Reading neither makes a database where there is none nor touches the one that is there."""
    path = database(tmp_path / "r.sqlite", USUAL)
    before = path.read_bytes(), sorted(tmp_path.iterdir())
    assert read(path) == []
    assert (path.read_bytes(), sorted(tmp_path.iterdir())) == before
    with pytest.raises(RecordsError):
        read(tmp_path / "other.sqlite")
    assert sorted(tmp_path.iterdir()) == before[1]


def test_columns_that_may_be_missing(tmp_path: Path) -> None:
    """Without ticket, epoch, seq and stored_at the rows are read, and `fields` says what there is."""
    path = database(
        tmp_path / "r.sqlite",
        "CREATE TABLE ratings (device, clerk, value, at)",
        "INSERT INTO ratings VALUES (1, 1, 3, 5)",
    )
    rows = read(path)
    assert rows == [Row(1, 1, 1, None, 3, 5)]
    assert rows.fields == ("device", "clerk", "value", "at")


def test_mapped_names_whatever_their_case(tmp_path: Path) -> None:
    """A mapping names table and columns; SQL does not mind the case, so neither does the reader."""
    path = database(
        tmp_path / "r.sqlite",
        'CREATE TABLE Danh_Gia (Thiet_Bi, Can_Bo, Diem, "order")',
        "INSERT INTO Danh_Gia VALUES ('keypad-1', 'C01', 5, '2025-03-10 09:00:00')",
    )
    columns = {"device": "thiet_bi", "clerk": "can_bo", "value": "diem", "at": "ORDER"}
    rows = read(path, {"table": "danh_gia", "columns": columns})
    assert rows == [Row(1, "keypad-1", "C01", None, 5, "2025-03-10 09:00:00")]


def test_a_column_that_is_not_kept(tmp_path: Path) -> None:
    """A mapping may say that the collector keeps no clerk and no instant."""
    path = database(tmp_path / "r.sqlite", "CREATE TABLE ratings (device, value)", "INSERT INTO ratings VALUES (1, 5)")
    assert read(path, {"columns": {"clerk": None, "at": None}}) == [Row(1, 1, None, None, 5)]


def test_every_missing_column_is_told_at_once(tmp_path: Path) -> None:
    """All wrong columns are named together, each with its meaning and a guess, and the columns that were found."""
    path = database(tmp_path / "r.sqlite", "CREATE TABLE ratings (keypad, clerk_id, val, at, epoc)")
    with pytest.raises(RecordsError) as error:
        read(path, {"columns": {"epoch": "epoche"}})
    text = str(error.value)
    assert "no column 'device' for the device" in text
    assert "no column 'clerk' for the clerk (name or code) (did you mean 'clerk_id'?)" in text
    assert "no column 'value' for the value (1..5) (did you mean 'val'?)" in text
    assert "no column 'epoche' for the boot epoch (did you mean 'epoc'?)" in text
    assert "columns found: keypad, clerk_id, val, at, epoc" in text
    assert "ticket" not in text.split("columns found")[0]


def test_missing_table(tmp_path: Path) -> None:
    """A table that is not there is told with those that are, and the likely one."""
    path = database(tmp_path / "r.sqlite", "CREATE TABLE rating (x)", "CREATE TABLE users (x)")
    with pytest.raises(
        RecordsError, match=r"no table 'ratings' \(did you mean 'rating'\?\)\n  tables found: rating, us"
    ):
        read(path)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (None, r"no such database; its folder is empty or missing\. Expected .* HALLBENCH_RECORDS"),
        (b"", "the file is empty: the collector opened it and never made a table"),
        (b"device,value\nkeypad-1,5\n", "not a SQLite database .it begins with b'device,value"),
    ],
)
def test_files_that_are_no_database(tmp_path: Path, make: bytes | None, told: str) -> None:
    """A missing file, an empty one and one of another kind are each told for what they are."""
    path = tmp_path / "r.sqlite"
    if make is not None:
        path.write_bytes(make)
    with pytest.raises(RecordsError, match=told):
        read(path)


def test_a_database_without_tables_or_damaged(tmp_path: Path) -> None:
    """No table at all, and a damaged file, are told without a traceback of the driver."""
    path = database(tmp_path / "r.sqlite", "CREATE TABLE t (x)", "DROP TABLE t")
    with pytest.raises(RecordsError, match="no table at all"):
        read(path)
    path = database(tmp_path / "s.sqlite", USUAL, *["INSERT INTO ratings (device) VALUES ('x')"] * 500)
    data = bytearray(path.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(RecordsError, match="refuses to be read"):
        read(path)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense://x", "there is no driver"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("://", "not a database"),
    ],
)
def test_urls_that_cannot_be_opened(url: str, told: str) -> None:
    """A URL of an unknown kind, one of a database in memory and one that is none are explained."""
    with pytest.raises(RecordsError, match=told):
        read(url)


def test_a_collector_that_was_killed_with_a_log_beside(tmp_path: Path) -> None:
    """Rows that are committed in SQLite's write-ahead log, which nobody merged, are read too."""
    path = tmp_path / "r.sqlite"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute(USUAL)
    writer.execute("INSERT INTO ratings (device, value) VALUES ('keypad-1', 5)")
    copy = tmp_path / "copy.sqlite"
    for suffix in ("", "-wal"):
        Path(f"{copy}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    writer.close()
    assert [row.device for row in read(copy)] == ["keypad-1"]


def test_values_of_any_kind_become_what_json_can_say(tmp_path: Path) -> None:
    """Blobs, text that is not UTF-8 and numbers of any kind are kept recognisably; none stops the reading."""
    path = database(
        tmp_path / "r.sqlite",
        USUAL,
        "INSERT INTO ratings (device, value, at) VALUES (x'00FF', 4.0, 1e999)",
        "INSERT INTO ratings (device, value) VALUES (CAST(x'FF41' AS TEXT), 5)",
    )
    rows = read(path)
    assert (rows[0].device, rows[0].value, rows[0].at) == ("0x00ff", 4, "inf")
    assert rows[1].device == "\\xffA"


def test_a_password_is_never_shown() -> None:
    """Messages name the database without its password."""
    with pytest.raises(RecordsError) as error:
        read("nonsense://user:secret@host/db")
    assert "secret" not in str(error.value)


def test_a_table_without_rowid_is_ordered_by_its_key(tmp_path: Path) -> None:
    """Where SQLite has no rowid a single key tells the order, and a key of several columns does not."""
    path = database(
        tmp_path / "r.sqlite",
        "CREATE TABLE ratings (device, clerk, value, at, id INTEGER PRIMARY KEY) WITHOUT ROWID",
        "INSERT INTO ratings VALUES ('b', 1, 5, 0, 2), ('a', 1, 5, 0, 1)",
        "CREATE TABLE two (device, clerk, value, at, PRIMARY KEY (device, at)) WITHOUT ROWID",
    )
    rows = read(path)
    assert [row.device for row in rows] == ["a", "b"]
    assert rows.order == "id"
    assert read(path, {"table": "two"}).order is None


def test_a_view_can_be_read(tmp_path: Path) -> None:
    """A view is as good as a table."""
    path = database(
        tmp_path / "r.sqlite",
        "CREATE TABLE raw (d, c, v, t)",
        "INSERT INTO raw VALUES (1, 1, 5, 0)",
        "CREATE VIEW ratings AS SELECT d AS device, c AS clerk, v AS value, t AS at FROM raw",
    )
    assert read(path) == [Row(1, 1, 1, None, 5, 0)]


def test_a_mapping_from_a_scenario(tmp_path: Path) -> None:
    """What a scenario sets is named and must exist; what it leaves alone may be missing where cli.md says so."""
    from bench.scenario.model import Columns, Records

    path = database(tmp_path / "r.sqlite", "CREATE TABLE ratings (device, clerk, value, at)")
    assert read(path, Records()) == []
    with pytest.raises(RecordsError, match="no column 'ticket'"):
        read(path, Records(columns=Columns(ticket="ticket")))


def test_a_mapping_with_an_unknown_field() -> None:
    """A field that no record has is told with a guess and all the fields."""
    with pytest.raises(RecordsError, match=r"'tickets' is not a field of a record \(did you mean 'ticket'\?\)"):
        Mapped.of({"columns": {"tickets": "t"}})


def test_rows_from_memory() -> None:
    """Mappings and rows from a program are numbered, reduced to what JSON can say, and refused if misspelt."""
    moment = dt.datetime(2025, 3, 10, 9, tzinfo=dt.UTC)
    rows = Rows.of([{"device": "k", "value": Decimal(5), "at": moment}, Row(9, "k", value=4, seq=2)])
    assert rows == [Row(1, "k", value=5, at="2025-03-10T09:00:00+00:00"), Row(2, "k", value=4, seq=2)]
    assert rows.fields == ("device", "value", "at", "seq")
    assert Rows.of(rows) is rows
    with pytest.raises(RecordsError, match=r"record 1: 'valeu' is not a field of a record \(did you mean 'value'\?\)"):
        Rows.of([{"valeu": 5}])
