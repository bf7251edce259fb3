"""A full disk as a program in this process sees it: what it writes to one file fails with ENOSPC.

`open` (which `io.open` and `pathlib` are as well) gives for that file, when it is opened for writing, a file whose raw
end may refuse to write; its buffers are Python's own. So it fails where it really would: a flush, a close, or a write
once the buffer is full; what stays in the buffer goes out with the next flush that the disk has room for. Reading, and
all other files, are as ever. What is opened by `os.open`, or by a library in C, is not seen.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

__all__ = ["FullDisk"]

_OPEN: Final[Any] = builtins.open


class _RawFile(io.FileIO):
    """The raw end of a file on a disk that may be full."""

    disk: FullDisk

    def write(self, data: Any, /) -> int:
        """As `io.FileIO.write`.

        Raises:
            OSError: ENOSPC, while the disk is full.
        """
        if self.disk.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


class FullDisk:
    """Keeps one file from being written.

    Attributes:
        full: nothing can be written just now.
    """

    def __init__(self) -> None:
        self.full = False
        self._path = ""

    def empty(self) -> None:
        """There is room again."""
        self.full = False

    @contextlib.contextmanager
    def installed(self, path: Path) -> Iterator[None]:
        """Keep watch on one file for the length of a block."""
        self._path = os.path.realpath(path)
        builtins.open = io.open = self.open
        try:
            yield
        finally:
            builtins.open = io.open = _OPEN

    def open(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        """As `open`."""
        if not isinstance(mode, str) or not set("wax+") & set(mode) or not self._mine(file):
            return _OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
        binary = "b" in mode
        mistaken = (encoding, errors, newline) != (None, None, None) if binary else buffering == 0
        if mistaken:  # the message is Python's own
            return _OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = _RawFile(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        raw.disk = self
        if buffering == 0 and binary:
            return raw
        size = buffering if buffering > 1 else os.fstat(raw.fileno()).st_blksize
        buffer = io.BufferedRandom(raw, size) if "+" in mode else io.BufferedWriter(raw, size)
        if binary:
            return buffer
        text = io.TextIOWrapper(buffer, encoding, errors, newline, line_buffering=buffering == 1)
        text.mode = mode  # type: ignore[misc]
        return text

    def _mine(self, file: Any) -> bool:
        if not isinstance(file, (str, bytes, os.PathLike)):
            return False
        return os.path.realpath(os.fsdecode(file)) == self._path
