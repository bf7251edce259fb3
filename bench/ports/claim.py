"""Who owns a port's name in the file system: one bench at a time, and nothing of anybody else's is ever removed.

A port is a symbolic link to a pseudo-terminal. Beside the link NAME stands a file `.NAME.owner`, locked for as long as
its bench lives (the kernel lets go of the lock when a process dies, also by SIGKILL), which says who that is and where
the link may point. What a dead bench left behind is therefore known to be ours and is cleaned by the next start;
anything else at that path is refused and left as it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
import time
from pathlib import Path
from typing import Any

from bench.ports.wall_port import PortUnavailable

_HELD_HERE: set[Path] = set()
"""Names claimed by this process: a POSIX lock does not keep a process from itself."""

_AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""A record that is a link would lead to somebody else's file, and a pipe in its place would never open."""


class Claim:
    """The right to a name, and the link under it.

    Args:
        link: path of the link.
        what: what the port is for, for whoever meets the claim ("line keypads").

    Raises:
        PortUnavailable: another bench holds the name, or something is there that no bench made.
    """

    def __init__(self, link: Path, what: str) -> None:
        self.link = Path(os.path.abspath(link))  # noqa: PTH100 - resolve() would follow the link itself
        self._owner = self.link.with_name(f".{self.link.name}.owner")
        self._new = self.link.with_name(f".{self.link.name}.new")
        self._target: str | None = None
        try:
            self.link.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise PortUnavailable(f"port {link}: its folder cannot be made: {exc.strerror}: {exc.filename}") from exc
        if self.link in _HELD_HERE:
            raise PortUnavailable(f"port {link} is offered by this bench already: give each line a name of its own")
        self._fd = self._lock()
        try:
            self._clean_up()
            os.truncate(self._fd, 0)
            self._note(
                {
                    "pid": os.getpid(),
                    "started": _start_time(os.getpid()),
                    "since": time.strftime("%Y-%m-%d %H:%M:%S"),
                    "what": what,
                    "command": " ".join(sys.argv)[:200],
                }
            )
        except BaseException:
            self._owner.unlink(missing_ok=True)
            os.close(self._fd)
            raise
        _HELD_HERE.add(self.link)

    # -- taking it --------------------------------------------------------------------------------------------------
    def _lock(self) -> int:
        while True:
            try:
                fd = os.open(self._owner, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | _AS_IT_IS, 0o644)
            except OSError as exc:
                raise PortUnavailable(
                    f"port {self.link}: its record cannot be written: {exc.strerror}: {exc.filename}; "
                    "choose another folder with --ports"
                ) from exc
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                os.close(fd)
                raise PortUnavailable(
                    f"port {self.link}: {self._owner} is no file that a bench made; it was not touched: "
                    "remove it yourself, or choose another folder with --ports"
                )
            try:
                os.lockf(fd, os.F_TLOCK, 0)
            except OSError:
                holder = _read(fd)
                os.close(fd)
                raise PortUnavailable(self._held_by(holder)) from None
            with contextlib.suppress(FileNotFoundError):
                if self._owner.stat().st_ino == os.fstat(fd).st_ino:
                    return fd
            os.close(fd)  # its owner removed it between our open and our lock

    def _held_by(self, records: list[dict[str, Any]]) -> str:
        who = records[0] if records else {}
        return (
            f"port {self.link} is held by process {who.get('pid', '?')} since {who.get('since', '?')} "
            f"({who.get('what', '?')}; {who.get('command', '?')}): end that one, or choose another folder with --ports"
        )

    def _clean_up(self) -> None:
        """Remove what a dead bench left, and nothing else."""
        ours = {record["target"] for record in _read(self._fd) if "target" in record}
        with contextlib.suppress(FileNotFoundError):
            self._new.unlink()
        there = self._there()
        if there is None:
            return
        if there in ours:
            self.link.unlink()
            return
        what = f"a link to {there}" if there else "no link of ours"
        raise PortUnavailable(
            f"port {self.link}: there is something at that path already ({what}) which no bench left behind; "
            "it was not touched: remove it yourself, or choose another folder with --ports"
        )

    def _there(self) -> str | None:
        """Where the link points; "" when something else is there, None when nothing is."""
        try:
            return str(self.link.readlink())
        except FileNotFoundError:
            return None
        except OSError:
            return ""

    def _note(self, record: dict[str, Any]) -> None:
        os.lseek(self._fd, 0, os.SEEK_END)
        os.write(self._fd, json.dumps(record).encode() + b"\n")

    # -- using it ---------------------------------------------------------------------------------------------------
    def point(self, target: str) -> None:
        """Make the link, or move it, in one step: nobody ever finds a half-made one.

        Raises:
            PortUnavailable: somebody put something else at the path meanwhile.
        """
        there = self._there()
        if there is not None and there != self._target:
            raise PortUnavailable(f"port {self.link}: somebody put something else at that path; it was not touched")
        self._note({"target": target})  # first: were we killed in between, the next start must know the link as ours
        try:
            self._new.symlink_to(target)
            self._new.replace(self.link)
        except OSError as exc:
            raise PortUnavailable(f"port {self.link}: the link cannot be made: {exc.strerror}") from exc
        self._target = target

    def withdraw(self) -> None:
        """Remove the link, if it is still ours."""
        if self._target is not None and self._there() == self._target:
            self.link.unlink(missing_ok=True)
        self._target = None

    def release(self) -> None:
        """Give the name up."""
        self.withdraw()
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            _HELD_HERE.discard(self.link)
            self._owner.unlink(missing_ok=True)
            os.close(fd)


def _read(fd: int) -> list[dict[str, Any]]:
    """The records of an owner file; a line that a kill cut short is skipped."""
    os.lseek(fd, 0, os.SEEK_SET)
    records = []
    for line in os.read(fd, 1 << 20).decode("utf-8", "replace").splitlines():
        with contextlib.suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict):
                records.append(record)
    return records


def _start_time(pid: int) -> int | None:
    """Start of a process in clock ticks since boot: with its number, it names a process for good (Linux)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])
