"""The run directory: everything a day leaves behind, under fixed names (architecture.md section 7)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final, TextIO

from bench.records.source import FILES
from bench.unseen import printable_json

HISTORY = "history.ndjson"
RUN = "run.json"
DAY = "day.json"
VERDICT = "verdict.json"
RECORDS = "records.sqlite"
DEVICES = "devices.json"
LOG = "collector.log"
HOUSE_RECORDS = "house.sqlite"
WIRE = "wire.pcapng"

_MOST_READ: Final = 1 << 24
_FILES = (
    HISTORY,
    RUN,
    DAY,
    VERDICT,
    RECORDS,
    HOUSE_RECORDS,
    DEVICES,
    LOG,
    WIRE,
    "records.ndjson",
    "report.html",
    *FILES.values(),
)


class CannotWrite(OSError):
    """The run directory cannot be made or written to."""


class RunLost(CannotWrite):
    """The run directory could be written to when the run began, and cannot be any more."""


def _lost(path: Path, error: OSError) -> RunLost:
    return RunLost(
        f"cannot write {path}: {error.strerror or error}; the run directory must be there and have room "
        "to the end of the run: run again, and look at what the collector does to it"
    )


def write_json(path: Path, value: Mapping[str, Any]) -> Path:
    """Write one JSON file of a run, whole or not at all.

    Raises:
        RunLost: it cannot be written.
    """
    partial = path.with_suffix(".partial")
    try:
        text = printable_json(json.dumps(value, ensure_ascii=False, indent=1)) + "\n"
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as exc:
        raise _lost(path, exc) from exc
    return path


class RunDirectory:
    """One run's directory.

    Args:
        wanted: the directory asked for; None makes `runs/NAME`, or `runs/NAME-2` and so on when that is taken.
        name: for the default.
    """

    def __init__(self, wanted: Path | None, name: str) -> None:
        self.path = (wanted or Path("runs") / name).resolve()
        try:
            str(self.path).encode()
        except UnicodeEncodeError as exc:
            raise CannotWrite(
                f"cannot write a run to {str(self.path)!r}: its name is not UTF-8; choose another directory with --out"
            ) from exc
        try:
            if wanted is None:
                self.path = self._new(self.path)
            self.path.mkdir(parents=True, exist_ok=True)
            if any(self.path.iterdir()):
                self._only_ours()
            probe = self.path / ".probe"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as exc:
            if isinstance(exc, CannotWrite):
                raise
            raise CannotWrite(
                f"cannot write a run to {self.path}: {exc.strerror or exc}; choose another directory with --out"
            ) from exc

    @staticmethod
    def _new(wanted: Path) -> Path:
        """Make the directory, or the first of `-2`, `-3` ... that nobody has made, also not at this very moment."""
        wanted.parent.mkdir(parents=True, exist_ok=True)
        for n in count(1):
            path = wanted if n == 1 else wanted.with_name(f"{wanted.name}-{n}")
            with suppress(FileExistsError):
                path.mkdir()
                return path
        raise AssertionError  # count() does not end

    def _only_ours(self) -> None:
        """A directory that holds an earlier run is used again; one that holds anything else is left alone."""
        if not self._holds_a_run():
            raise CannotWrite(
                f"{self.path} is not empty and holds no earlier run: nothing is written there; "
                "name an empty or a new directory with --out"
            )
        for name in _FILES:
            for path in (self.path / name, *(self.path / f"{name}-{log}" for log in ("wal", "shm", "journal"))):
                path.unlink(missing_ok=True)

    def _holds_a_run(self) -> bool:
        """A `run.json` is there and ours (other programs use the name too), or else the history of a killed run."""
        try:
            with (self.path / RUN).open("rb") as file:
                facts = json.loads(file.read(_MOST_READ))
        except FileNotFoundError:
            with suppress(OSError), (self.path / HISTORY).open("rb") as file:
                begin = file.read(5)
                return begin in (b"", b'{"h":')  # a run that is killed early has written nothing yet
            return False
        except ValueError:
            return False
        return isinstance(facts, dict) and {"schema_version", "hallbench"} <= facts.keys()

    def file(self, name: str) -> Path:
        """Path of one of its files."""
        return self.path / name

    def write_json(self, name: str, value: Mapping[str, Any]) -> Path:
        """Write one JSON file, whole or not at all.

        Raises:
            RunLost: it cannot be written.
        """
        return write_json(self.path / name, value)

    @contextmanager
    def text_file(self, name: str) -> Iterator[TextIO]:
        """Open one of its files for writing text, and close it after the block.

        Raises:
            RunLost: it cannot be made, or the last of it cannot be written.
        """
        path = self.path / name
        try:
            # line by line: a forked copy of this process must have nothing left to write a second time
            file = path.open("w", encoding="utf-8", buffering=1)
        except OSError as exc:
            raise _lost(path, exc) from exc
        try:
            yield file
        except BaseException:
            with suppress(OSError):
                file.close()
            raise
        try:
            file.close()
        except OSError as exc:
            raise _lost(path, exc) from exc

    def shown(self) -> str:
        """The path as a person in the working directory would write it."""
        relative = os.path.relpath(self.path)
        return relative if len(relative) < len(str(self.path)) else str(self.path)
