"""Databases: a query in the place of a table, gaps and health beside it, and no password in any message."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bench.judge.evidence import read_rows, write_rows
from bench.judge.records import Gap, Health, RecordsError, read
from bench.records.secrets import Unset, cover, expand, hide
from bench.scenario.load import ScenarioError, parse
from bench.scenario.model import Records


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "r.sqlite"
    db = sqlite3.connect(path)
    db.executescript("""
        CREATE TABLE votes (pad, who, n, t, kept);
        INSERT INTO votes VALUES ('keypad-1', 1, 5, '10:00:00', 2), ('keypad-2', 1, 4, 0, 1), ('keypad-1', 1, 3, 0, 3);
        CREATE TABLE gaps (device, at, lost);
        INSERT INTO gaps VALUES ('keypad-1', 12, 3);
        CREATE TABLE health (device, at, up);
        INSERT INTO health VALUES ('keypad-1', 1, 1), ('keypad-1', 9, 0);
    """)
    db.close()
    return path


COLUMNS = {"device": "pad", "clerk": "who", "value": "n", "at": "t"}


def test_a_query_gives_the_rows_in_its_own_order(database: Path) -> None:
    """The query's columns are mapped as a table's, and its order is the order of storing; ':' in it is no parameter."""
    query = "SELECT * FROM votes WHERE n <> 3 AND t <> ':x' ORDER BY kept;"
    rows = read(database, Records(query=query, columns=COLUMNS))
    assert [(row.device, row.value) for row in rows] == [("keypad-2", 4), ("keypad-1", 5)]
    assert rows.order == "query"


def test_gaps_and_health_are_read_and_kept_with_the_evidence(database: Path, tmp_path: Path) -> None:
    """They come with the rows, and again from the run directory; a collector without such tables tells nothing."""
    rows = read(database, {"table": "votes", "columns": COLUMNS})
    assert rows.gaps == (Gap(1, "keypad-1", 12, 3),)
    assert rows.health == (Health(1, "keypad-1", 1, 1), Health(2, "keypad-1", 9, 0))
    write_rows(tmp_path, rows)
    again, _ = read_rows(tmp_path)
    assert again is not None
    assert (list(again), again.gaps, again.health) == (list(rows), rows.gaps, rows.health)
    rows = read(database, {"table": "votes", "columns": COLUMNS, "gaps": "votes", "health": "nothing"})
    assert (rows.gaps, rows.health) == (None, None)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("DELETE FROM votes", "begins with 'delete': expected one SELECT"),
        ("SELECT 1; DROP TABLE votes", "expected one SELECT"),
        ("SELECT pad FROM votes", "the query is not as .* says(.|\n)*columns found: pad"),
        ("SELECT nil FROM votes", "no such column"),
    ],
)
def test_queries_that_cannot_be(database: Path, query: str, told: str) -> None:
    """Anything but one SELECT is refused; columns that it lacks are told as those of a table are."""
    with pytest.raises(RecordsError, match=told):
        read(database, {"query": query, "columns": COLUMNS})
    assert len(read(database, {"table": "votes", "columns": COLUMNS})) == 3


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kind": "database"}, "needs `url`"),
        ({"url": "postgresql://x"}, "`url` is for kind"),
        ({"kind": "csv", "query": "SELECT 1"}, "`query` is for databases"),
        ({"query": "SELECT 1", "table": "ratings"}, "the rows come from one of them"),
    ],
)
def test_records_that_contradict_themselves(given: dict[str, Any], told: str) -> None:
    """What does not go together in [records] is a mistake of the scenario."""
    with pytest.raises(ValidationError, match=told):
        Records(**given)


SECRET = "s3cret@w/rd"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://hall:s3cret@127.0.0.1:1/hall",
        "postgresql+psycopg://hall@127.0.0.1:1/hall?password=s3cret",
        "postgresql+psycopg://hall:s3cret@127.0.0.1:notaport/hall",
        "nonsense://hall:s3cret@host/db",
        "postgresql+psycopg://hall:s3cret@127.0.0.1:1/hall?nonsense=1",
    ],
)
def test_no_error_shows_a_password(url: str) -> None:
    """Neither the message nor the errors behind it hold the password, whatever fails."""
    with pytest.raises(RecordsError) as error:
        read(url)
    text, cause = "", error.value
    while cause is not None:
        text += f"{cause!r} {cause}"
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)  # type: ignore[assignment]
    assert "s3cret" not in text


def test_a_scenario_never_gives_its_password_away() -> None:
    """What is dumped into run.json, the history and the hash has stars; the url itself is whole."""
    records = Records(kind="database", url=f"postgresql://hall:{SECRET}@host/db")
    assert SECRET in str(records.url)
    assert "s3cret" not in f"{records.model_dump()} {records.model_dump_json()}"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql://hall:pw@host/db", "postgresql://hall:***@host/db"),
        ("run --to=mysql+x://:a@b@host 'x'", "run --to=mysql+x://:***@host 'x'"),
        ("host=a password=b c", "host=a password=*** c"),
        ("http://host:80/a b@c", "http://host:80/a b@c"),
        ("sqlite:///a:b.db", "sqlite:///a:b.db"),
    ],
)
def test_passwords_are_hidden(text: str, hidden: str) -> None:
    """Passwords of URLs and of name=value words become stars, and nothing else does."""
    assert hide(text) == hidden
    assert len(cover(text)) == len(text)
    assert re.sub(r"\*+", "***", cover(text)) == hidden


@pytest.mark.parametrize(
    "line",
    [
        'url = ["postgresql://hall:s3cret@h/db"]',
        'urll = "postgresql://hall:s3cret@h/db"',
        'url = "postgresql://hall:s3cret@h/db" x',
        'url = "postgresql://hall:s3cret@h/db"\nquery = "SELECT 1"\ntable = "x"',
    ],
)
def test_a_mistake_of_the_scenario_shows_no_password(line: str) -> None:
    """The line that is shown with a mistake has stars, and its caret stands where it should."""
    text = f'title = "x"\n[records]\nkind = "database"\n{line}\n'
    with pytest.raises(ScenarioError) as error:
        parse(text.encode(), "hall.toml", lambda _beside: b"")
    assert "s3cret" not in str(error.value)
    assert "hall.toml:" in str(error.value)


def test_a_long_hostile_text_is_searched_once() -> None:
    """A million characters without a password, and many beginnings of one, come back as they are."""
    for text in ("x" * 1_000_000, "a://" * 2_000, "://b:" * 500):
        assert hide(text) == cover(text) == text


def test_passwords_from_the_environment() -> None:
    """${NAME} is filled in; one that is not set is named, and nothing of the password is shown."""
    assert expand("a://u:${PW}@h", {"PW": "x$y"}) == "a://u:x$y@h"
    with pytest.raises(Unset, match="variable PW of the environment is not set"):
        expand("a://u:${PW}@h", {})


@pytest.mark.parametrize(
    ("made", "order", "rows"),
    [
        ("CREATE TABLE Ratings (device, value, clerk, at, n INTEGER PRIMARY KEY) WITHOUT ROWID", "n", [2, 1]),
        ("CREATE TABLE ratings (device, value, clerk, at, a, b, PRIMARY KEY (a, b)) WITHOUT ROWID", None, [1, 2]),
        ("CREATE TABLE t (device, value, clerk, at, n); CREATE VIEW ratings AS SELECT * FROM t", None, [1, 2]),
    ],
    ids=["a key of one column", "a key of two columns", "a view"],
)
def test_rows_that_have_no_number_of_their_own(tmp_path: Path, made: str, order: str | None, rows: list[int]) -> None:
    """Without a rowid a key of one column orders the rows, else nothing does; a name in other letters is found."""
    db = sqlite3.connect(tmp_path / "r.sqlite")
    db.executescript(made)
    table = "t" if "VIEW" in made else "ratings"
    more = [(9, 0), (8, 1)] if "(a, b)" not in made else [(1, 0), (2, 1)]
    for (key, second), value in zip(more, (1, 2), strict=True):
        given = ("keypad-1", value, 1, 0, key, second)[: 6 if "(a, b)" in made else 5]
        db.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(given))})", given)
    db.commit()
    db.close()
    found = read(tmp_path / "r.sqlite")
    assert found.order == order
    assert [row.value for row in found] == rows


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite://", "a database in memory ends with its program; the collector has to write a file"),
        ("sqlite:///:memory:", "a database in memory"),
        ("sqlite:///{folder}/none.sqlite", r"there is no such database; the folder has empty\.sqlite, r\.sqlite"),
        ("sqlite:///{folder}/empty.sqlite", "the file is empty: the collector opened it and never made a table"),
    ],
)
def test_sqlite_addresses_that_hold_no_ratings(database: Path, url: str, told: str) -> None:
    """Each is told with what was expected."""
    (database.parent / "empty.sqlite").touch()
    with pytest.raises(RecordsError, match=told):
        read(url.format(folder=database.parent))


def test_an_address_with_the_options_of_sqlite_is_taken_as_it_is(database: Path) -> None:
    """`sqlite:///file:...?uri=true` is SQLite's own way to say how a file is opened."""
    rows = read(f"sqlite:///file:{database}?mode=ro&uri=true", {"table": "votes", "columns": COLUMNS})
    assert [row.value for row in rows] == [5, 4, 3]


def test_which_table_is_meant(tmp_path: Path) -> None:
    """A name in other letters is found where one fits; of two neither is; a database without tables says so."""
    path = tmp_path / "r.sqlite"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE x (n)")
    db.execute("DROP TABLE x")
    with pytest.raises(RecordsError, match="no table at all: the collector opened it and stored nothing"):
        read(path)
    db.execute("CREATE TABLE RATINGS (device, clerk, value, at)")
    assert list(read(path)) == []
    with pytest.raises(RecordsError, match=r"no table 'rating' \(did you mean 'RATINGS'\?\)"):
        read(path, {"table": "rating"})
    db.close()
