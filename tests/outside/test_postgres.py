"""Ratings in a real PostgreSQL: read by table and by query, judged after a day, explained when the mapping is wrong.

The server is Debian's, started by the test on a unix socket in a folder of its own, as a user who is not root.
`tests/outside/setup.d/postgres.sh` installs it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bench.hall.day import draw
from bench.judge.evidence import load_run
from bench.judge.records import Gap, Health, RecordsError, Row, read
from bench.judge.verdict import Verdict
from bench.run.collector import parse_command
from bench.run.day import DayOptions, run_day
from bench.run.verdict import judge_run
from bench.scenario.load import parse
from bench.scenario.model import Records
from tests.support.halls import hall

PASSWORD = "tr0ub4dor&3"
EXAMPLES = Path(__file__).parents[2] / "examples"


def missing(what: str) -> None:
    """Skip, or fail where the peers are required."""
    said = f"{what} is not here: run tests/outside/setup.d/postgres.sh"
    if os.environ.get("HALLBENCH_PEERS") == "required":
        pytest.fail(said)
    pytest.skip(said)


class Server:
    """A running server.

    Attributes:
        folder: of its socket.
        user: who may do everything in it.
    """

    def __init__(self, tools: Path, folder: Path) -> None:
        self.folder = folder
        self.user = "bench"
        self._tools = tools
        self._as: list[str] = []
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            other = "postgres" if "postgres" in names else "nobody"
            shutil.chown(folder, other)
            self._as = ["runuser", "-u", other, "--"]

    def start(self) -> None:
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        data = str(self.folder / "data")
        self._run(
            "initdb", "-D", data, "-U", self.user, "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "-N"
        )
        options = (
            f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off -c shared_buffers=4MB"
        )
        self._run("pg_ctl", "-D", data, "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")

    def _run(self, tool: str, *arguments: str) -> None:
        command = [*self._as, str(self._tools / tool), *arguments]
        # pg_ctl leaves its server with whatever it inherited: a pipe would never end
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=250, check=False, cwd="/"
            )
            said.seek(0)
            assert done.returncode == 0, said.read().decode("utf-8", "replace")

    def url(self, password: str = PASSWORD, database: str = "postgres") -> str:
        """SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://{self.user}:{quote(password, safe='')}@/{database}?host={quote(str(self.folder))}"

    def connect(self) -> Any:
        import psycopg

        return psycopg.connect(host=str(self.folder), user=self.user, password=PASSWORD, dbname="postgres")

    def empty(self) -> None:
        """Drop every table."""
        with self.connect() as db:
            db.execute("DROP SCHEMA public CASCADE")
            db.execute("CREATE SCHEMA public")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server for the length of this module."""
    pytest.importorskip("psycopg")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        missing("PostgreSQL")
    # below /tmp: the path of a unix socket may have 107 characters, and every folder above must be open to the server
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        made = Server(found[-1].parent, Path(folder))
        made.start()
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture
def tables(server: Server) -> Server:
    """The server with tables of another shape than the default."""
    server.empty()
    with server.connect() as db:
        db.execute(
            "CREATE TABLE votes (id BIGSERIAL PRIMARY KEY, dev TEXT, clerk INT, val SMALLINT, pressed TIMESTAMPTZ, "
            "boot NUMERIC(5), seq INT, stored TIMESTAMP DEFAULT now())"
        )
        db.execute(
            "INSERT INTO votes (id, dev, clerk, val, pressed, boot, seq, stored) VALUES "
            "(2, 'keypad-2', 1, 4, '2025-03-10 09:30:00+07', 1, 7, NULL), "
            "(1, '1', 2, 5, '2025-03-10 09:29:00.25+07', 1, 3, NULL)"
        )
        db.execute("CREATE TABLE gaps (device TEXT, at DOUBLE PRECISION, lost INT)")
        db.execute("INSERT INTO gaps VALUES ('keypad-1', 12.5, 3)")
        db.execute("CREATE TABLE health (device TEXT, at DOUBLE PRECISION, up BOOLEAN)")
        db.execute("INSERT INTO health VALUES ('keypad-1', 12.5, false)")
    return server


MAPPED = {"device": "dev", "value": "val", "at": "pressed", "epoch": "boot", "stored_at": "stored"}


def test_rows_of_a_table(tables: Server) -> None:
    """Rows come by the primary key, values as JSON can say them, gaps and health beside them; no password in sight."""
    rows = read(tables.url(), {"kind": "database", "table": "votes", "columns": MAPPED})
    assert [row.device for row in rows] == ["1", "keypad-2"]
    assert isinstance(rows[1].at, str)
    assert rows[1].at.startswith("2025-03-10T")
    assert (rows[1].epoch, rows[1].seq, rows[1].clerk, rows[1].value) == (1, 7, 1, 4)
    assert rows.order == "id"
    assert rows.gaps == (Gap(1, "keypad-1", 12.5, 3),)
    assert rows.health == (Health(1, "keypad-1", 12.5, 0),)
    assert PASSWORD not in rows.source


def test_rows_of_a_query(tables: Server) -> None:
    """A query of the scenario's is run in a transaction that cannot write."""
    query = (
        "SELECT dev AS device, clerk, val AS value, extract(epoch FROM pressed)::float8 AS at FROM votes ORDER BY seq"
    )
    rows = read(tables.url(), Records(kind="database", url=tables.url(), query=query))
    assert rows == [
        Row(1, "1", 2, None, 5, 1741573740.25),
        Row(2, "keypad-2", 1, None, 4, 1741573800.0),
    ]
    sneaky = (
        "WITH gone AS (DELETE FROM votes RETURNING *) SELECT dev AS device, val AS value, 1 AS clerk, 1 AS at FROM gone"
    )
    with pytest.raises(RecordsError, match="read-only transaction"):
        read(tables.url(), Records(kind="database", url=tables.url(), query=sneaky))


def test_a_wrong_mapping_a_wrong_table_a_wrong_password(tables: Server) -> None:
    """Each is told with what there is instead, and without the password."""
    for url, mapping, told in (
        (tables.url(), {"table": "votes"}, "no column 'at' for the instant of the press"),
        (tables.url(), {"table": "vote"}, "did you mean 'votes'"),
        (tables.url("wrong-pass"), {}, "password authentication failed"),
        (tables.url(database="nowhere"), {}, 'database "nowhere" does not exist'),
    ):
        with pytest.raises(RecordsError) as error:
            read(url, {"kind": "database", **mapping})
        text = str(error.value)
        assert told in text
        assert PASSWORD not in text
        assert quote(PASSWORD, safe="") not in text
        assert "wrong-pass" not in text


COLLECTOR = """
import struct, sys, time
import psycopg, serial
sys.path.insert(0, EXAMPLES)
from collector import ask

db = psycopg.connect(sys.argv[2].replace("postgresql+psycopg", "postgresql"), autocommit=True)
db.execute("CREATE TABLE ratings (id BIGSERIAL PRIMARY KEY, device INT, clerk INT, ticket INT, value INT, "
           "at DOUBLE PRECISION, epoch INT, seq INT, UNIQUE (device, epoch, seq))")
with serial.Serial(sys.argv[1], 9600, timeout=0.2) as port:
    while True:
        for unit in (1, 2):
            waiting = ask(port, unit, struct.pack(">BHH", 4, 4, 1), 4)
            count = min(15, struct.unpack(">H", waiting[2:])[0]) if waiting else 0
            blocks = ask(port, unit, struct.pack(">BHH", 4, 0x100, 8 * count), 2 + 16 * count) if count else None
            for i in range(count if blocks else 0):
                epoch, seq, flags, hi, lo, ms, clerk, ticket = struct.unpack_from(">8H", blocks, 2 + 16 * i)
                db.execute(
                    "INSERT INTO ratings (device, clerk, ticket, value, at, epoch, seq) VALUES (%s,%s,%s,%s,%s,%s,%s) "
                    "ON CONFLICT DO NOTHING",
                    (unit, clerk, ticket, flags & 255, (hi << 16 | lo) + ms / 1000, epoch, seq),
                )
                ask(port, unit, struct.pack(">BHHBHH", 16, 0, 2, 4, epoch, seq), 5)
        time.sleep(1)
"""

KEYPADS = """
[[line]]
name = "keypads"
owner = "collector"
path = "/dev/ttyUSB0"
devices = [
  { kind = "rating_keypad", unit = 1, counter = 1 },
  { kind = "rating_keypad", unit = 2, counter = 2 },
]

[records]
kind = "database"
"""


def judged(folder: Path, program: str, records: str) -> tuple[Path, Verdict]:
    """The run directory and the verdict of a day in which a program stores in the server, and ends well.

    Args:
        folder: for program and run.
        program: its text.
        records: what the scenario says behind `[records] kind`.
    """
    file, out = folder / "collector.py", folder / "run"
    file.write_text(f"EXAMPLES = {str(EXAMPLES)!r}\n{program}")
    scenario = parse((hall(KEYPADS) + records).encode(), "hall.toml", lambda _beside: b"")
    command = [sys.executable, str(file), "{port:keypads}", "{records}"]
    result = run_day(DayOptions(scenario, draw(scenario, 3), program=parse_command(command), command=command, out=out))
    assert result.exit is not None
    assert result.exit.good, result.exit
    return out, judge_run(out, scenario.records)


def test_a_day_whose_collector_stores_in_postgresql(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Devices by unit, the password from the environment: the day HOLDS, and no file of the run holds the password."""
    server.empty()
    monkeypatch.setenv("HALL_PASSWORD", quote(PASSWORD, safe=""))
    url = server.url().replace(quote(PASSWORD, safe=""), "${HALL_PASSWORD}")
    out, verdict = judged(tmp_path, COLLECTOR, f'url = "{url}"\n')
    verdict.must_hold()
    assert verdict.counts["recorded"] > 5
    assert load_run(out).judge().to_json() == verdict.to_json()
    for path in out.iterdir():
        data = path.read_bytes()
        assert PASSWORD.encode() not in data, path
        assert quote(PASSWORD, safe="").encode() not in data, path


FAULT = '[[fault]]\nname = "sink_failure"\nat = "08:10"\nfor_s = 600\n'


@pytest.mark.parametrize(("careful", "word"), [(True, "HOLDS"), (False, "VIOLATED")])
def test_a_table_that_is_locked_for_a_while(server: Server, tmp_path: Path, careful: bool, word: str) -> None:
    """Inserts fail with 55P03 in simulated time; who stops there loses nothing, who acknowledges all the same does."""
    server.empty()
    begin, insert, rest = COLLECTOR.partition("                db.execute(\n")
    kept, acknowledge, rest = rest.partition('                ask(port, unit, struct.pack(">BHHBHH')
    guarded = "".join(f"    {line}\n" for line in (insert + kept).splitlines())
    after = "break" if careful else "pass"
    told = f"{20 * ' '}print(error)\n{20 * ' '}{after}\n"
    guard = f"                except psycopg.errors.LockNotAvailable as error:\n{told}"
    text = f"{begin}                try:\n{guarded}{guard}{acknowledge}{rest}"
    out, verdict = judged(tmp_path, text, f'url = "{server.url()}"\n{FAULT}')
    assert "lock timeout" in (out / "collector.log").read_text()
    assert "PGOPTIONS" not in os.environ
    assert verdict.findings["loss"].verdict == word
