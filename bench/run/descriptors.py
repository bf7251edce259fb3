"""File descriptors of the bench, while a program runs in the same process that believes all of them to be its own.

A program that becomes a daemon closes every descriptor there is; among them would be the history, the house's database
and the real stdout. To the program those are not there: closing one fails as closing any unused number does.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

_TABLES = ("/proc/self/fd", "/dev/fd")


def _open_now() -> frozenset[int]:
    """The descriptors that are open, apart from the three standard streams."""
    for table in _TABLES:
        with contextlib.suppress(OSError):
            found = [int(entry.name) for entry in Path(table).iterdir() if entry.name.isdecimal()]
            return frozenset(number for number in found if number > 2 and _is_open(number))
    return frozenset()


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def descriptors_kept() -> Iterator[None]:
    """Keep what is open at the beginning of the block from `os.close` and `os.closerange`; restore streams 0 to 2.

    A forked child has the real functions: what it closes is its own copy.
    """
    me = os.getpid()
    kept = {number: os.dup(number) for number in (0, 1, 2) if _is_open(number)}
    ours = _open_now()
    real_close, real_closerange = os.close, os.closerange

    def close(fd: int) -> None:
        if fd in ours and os.getpid() == me:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        real_close(fd)

    def closerange(fd_low: int, fd_high: int) -> None:
        low = fd_low
        for number in sorted(ours) if os.getpid() == me else ():
            if low <= number < fd_high:
                real_closerange(low, number)
                low = number + 1
        real_closerange(low, fd_high)

    os.close, os.closerange = close, closerange
    try:
        yield
    finally:
        os.close, os.closerange = real_close, real_closerange
        for number, copy in kept.items():
            with contextlib.suppress(OSError):
                os.dup2(copy, number)
                real_close(copy)
