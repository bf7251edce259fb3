"""Where the records of a run are: what a collector is given for {records}, and what is read afterwards.

| kind | a collector is given | read afterwards |
| --- | --- | --- |
| sqlite | a file in the run directory | that file |
| database | the scenario's URL | that URL |
| csv, jsonl | a file in the run directory | that file |
| http | an address on this machine | the file to which the bench wrote what was posted |
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from bench.judge.records import Mapped, RecordsError, Rows
from bench.records.secrets import Unset, expand, hide

__all__ = ["FILES", "RECEIVED", "place_of", "read_from"]

FILES: Final = {
    "sqlite": "records.sqlite",
    "csv": "records.csv",
    "jsonl": "records.jsonl",
    "http": "posted.jsonl",
}
"""Kind -> file in the run directory."""

RECEIVED: Final = "received_at"
"""Field of a posted row: Unix seconds by the hall's clock at which it came in."""

_MAGIC: Final = b"SQLite format 3\x00"
_SUFFIXES: Final = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def place_of(records: Any, folder: Path) -> str | Path:
    """Where the records of a run in `folder` are read from.

    Args:
        records: the scenario's `[records]`; None for the default.
        folder: the run directory.

    Raises:
        RecordsError: the URL asks for a variable of the environment that is not set.
    """
    kind = getattr(records, "kind", "sqlite")
    if kind != "database":
        return folder / FILES[kind]
    try:
        return expand(records.url)
    except Unset as error:
        raise RecordsError(str(error)) from None


def read_from(url_or_path: str | Path, mapped: Mapped) -> Rows:
    """Read records of whatever kind they are: the kind that the scenario names, else by the name of the file.

    Raises:
        RecordsError: they cannot be read.
    """
    if isinstance(url_or_path, str) and "://" in url_or_path:
        if url_or_path.startswith(("http:", "https:")):
            raise RecordsError(
                f"{hide(url_or_path)}: rows that were posted to the bench are read from the file {FILES['http']} of "
                "the run; another server's cannot be asked"
            )
    else:
        path = Path(url_or_path)
        kind = "sqlite" if _is_sqlite(path) else _SUFFIXES.get(path.suffix.lower(), mapped.kind)
        if kind in ("jsonl", "http"):
            from bench.records.files import read_jsonl

            return read_jsonl(path, mapped, received=RECEIVED)
        if kind == "csv":
            from bench.records.files import read_csv

            return read_csv(path, mapped)
    from bench.records.database import read_database

    return read_database(url_or_path, mapped)


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False
