"""Which benches run: one small file each in the user's runtime directory, beside the token that opens its control.

    $XDG_RUNTIME_DIR/hallbench/PID.json     who it is and where it listens, mode 0600
    $XDG_RUNTIME_DIR/hallbench/PID.token    its token, mode 0600

A process with several benches (the halls of a province) has PID-2, PID-3 ... for the others.

A process that was killed leaves its files; whoever looks next removes them. That a process of that number still lives
is not enough: numbers are given again, so the entry holds the instant at which its process started.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

__all__ = ["Entry", "NoRuntimeDirectory", "Registered", "read_token", "register", "running", "runtime_directory"]

VARIABLE: Final = "HALLBENCH_RUNTIME_DIR"
"""Environment variable that names another directory, for tests and for services."""

_LONGEST: Final = 1 << 20
_NAME: Final = re.compile(r"([1-9][0-9]{0,8})(-[1-9][0-9]{0,3})?", re.ASCII)


class NoRuntimeDirectory(OSError):
    """There is no directory in which only this user can read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One running bench.

    Attributes:
        name: as `--name` gave it, or the scenario's name.
        pid: of its process.
        started: when that process started, as the system counts; "" where it does not tell.
        control: URL of the API.
        token_file: path of the token.
        scenario: its name.
        clock: "wall" or "60x".
        ports: line -> path or URL.
        key: its process number, with "-2", "-3" ... for further benches of that process.
    """

    name: str
    pid: int
    started: str
    control: str
    token_file: str
    scenario: str = ""
    clock: str = "wall"
    ports: Mapping[str, str] = field(default_factory=dict)
    key: str = ""


_OURS: Final[set[Path]] = set()
"""Token files of the benches of this process."""


def runtime_directory() -> Path:
    """The directory of entries and tokens, made if need be: of this user, mode 0700.

    Raises:
        NoRuntimeDirectory: it cannot be made, or somebody else could read or change it.
    """
    given = os.environ.get(VARIABLE)
    base = os.environ.get("XDG_RUNTIME_DIR")
    if given:
        path = Path(given)
    elif base and Path(base).is_dir():
        path = Path(base) / "hallbench"
    else:
        path = Path(tempfile.gettempdir()) / f"hallbench-{_user()}"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = path.lstat()
    except OSError as exc:
        raise NoRuntimeDirectory(f"{path}: {exc.strerror or exc}; name a directory of your own in {VARIABLE}") from exc
    if not stat.S_ISDIR(facts.st_mode):
        raise NoRuntimeDirectory(f"{path} is no directory; name another in {VARIABLE}")
    if hasattr(os, "getuid") and (facts.st_uid != os.getuid() or facts.st_mode & 0o077):
        raise NoRuntimeDirectory(
            f"{path} can be read or changed by other users (mode {stat.S_IMODE(facts.st_mode):04o}); "
            f"make it yours alone (chmod 700), or name another in {VARIABLE}"
        )
    return path


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


def _started(pid: int) -> str:
    """When a process started (field 22 of Linux's /proc/PID/stat); "" where that cannot be told."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


def _lives(entry: Entry) -> bool:
    if entry.pid <= 0:
        return False
    try:
        os.kill(entry.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    now = _started(entry.pid)
    return not entry.started or not now or now == entry.started


def _write(path: Path, text: str) -> None:
    """A new file that only this user can read; what stood there before (of a dead process) goes."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _read(path: Path) -> Entry | None:
    try:
        if path.stat().st_size > _LONGEST:
            return None
        told: Any = json.loads(path.read_text(encoding="utf-8"))
        return Entry(
            str(told["name"]),
            int(told["pid"]),
            str(told["started"]),
            str(told["control"]),
            str(told["token_file"]),
            str(told.get("scenario", "")),
            str(told.get("clock", "")),
            {str(line): str(port) for line, port in dict(told.get("ports", {})).items()},
            str(told.get("key") or told["pid"]),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def running() -> list[Entry]:
    """The benches of this user that run, oldest process number first; leftovers of dead ones are removed.

    Raises:
        NoRuntimeDirectory: see `runtime_directory`.
    """
    folder = runtime_directory()
    found = []
    for path in sorted(folder.glob("*.json")):
        entry = _read(path)
        if entry is not None and path.stem == entry.key and _process(path) == entry.pid and _lives(entry):
            found.append(entry)
            continue
        for left in (path, path.with_suffix(".token")):
            with contextlib.suppress(OSError):
                left.unlink()
    alive = {entry.key for entry in found}
    for path in folder.glob("*.token"):
        if path.stem not in alive and not _lives(Entry("", _process(path), "", "", "")):
            with contextlib.suppress(OSError):
                path.unlink()
    return sorted(found, key=lambda entry: (entry.pid, len(entry.key), entry.key))


def _process(path: Path) -> int:
    """The process that a file's name tells; 0 when it tells none."""
    named = _NAME.fullmatch(path.stem)
    return int(named[1]) if named else 0


def read_token(path: str | Path) -> str:
    """The token of a bench.

    Raises:
        OSError: it cannot be read.
    """
    return Path(path).read_text(encoding="ascii").strip()


@dataclass(slots=True)
class Registered:
    """The files of this process; `remove` takes them away.

    Attributes:
        token: 256 random bits, as text.
        token_file: where it stands.
    """

    token: str
    token_file: Path
    _entry_file: Path

    @classmethod
    def new(cls) -> Registered:
        """Make the token, after cleaning up what dead processes have left.

        Raises:
            NoRuntimeDirectory: see `runtime_directory`.
        """
        running()
        folder = runtime_directory()
        pid = os.getpid()
        keys = itertools.chain((f"{pid}",), (f"{pid}-{number}" for number in itertools.count(2)))
        key = next(key for key in keys if folder / f"{key}.token" not in _OURS)
        made = cls(secrets.token_urlsafe(32), folder / f"{key}.token", folder / f"{key}.json")
        _write(made.token_file, made.token + "\n")
        _OURS.add(made.token_file)
        return made

    def announce(self, entry: Entry) -> None:
        """Let others find this bench: the entry appears whole or not at all."""
        new = self._entry_file.with_suffix(".new")
        _write(new, json.dumps(asdict(entry)))
        new.replace(self._entry_file)

    def remove(self) -> None:
        """Take the token and the entry away."""
        for path in (self._entry_file, self.token_file):
            with contextlib.suppress(OSError):
                path.unlink()
        _OURS.discard(self.token_file)


def register(name: str, control: str, made: Registered, **facts: Any) -> Entry:
    """Announce a bench of this process; returns its entry."""
    key = made.token_file.stem
    entry = Entry(name, os.getpid(), _started(os.getpid()), control, str(made.token_file), key=key, **facts)
    made.announce(entry)
    return entry
