"""Notices when somebody opens or closes a device file (Linux inotify), for all ports of one event loop."""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
import weakref
from collections.abc import Callable
from typing import Any, Final

IN_OPEN: Final = 0x20
IN_CLOSE: Final = 0x08 | 0x10
_FLAGS: Final = os.O_NONBLOCK | os.O_CLOEXEC if hasattr(os, "O_NONBLOCK") else 0
_EVENT: Final = struct.Struct("iIII")
_BUFFER: Final = 1 << 16

Handler = Callable[[int], Any]
"""Called with the mask of each event."""

_BY_LOOP: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Openings] = weakref.WeakKeyDictionary()


class Openings:
    """One inotify descriptor on one loop: a system allows few of them, and a bench may have many ports."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._libc: Any = ctypes.CDLL(None, use_errno=True)
        self._fd: int = self._libc.inotify_init1(_FLAGS)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "inotify")
        self._handlers: dict[int, Handler] = {}
        loop.add_reader(self._fd, self._ready)

    @classmethod
    def watch(cls, loop: asyncio.AbstractEventLoop, path: str, handler: Handler) -> Callable[[], None]:
        """Call `handler` at each opening and closing of `path`; returns what ends that.

        Raises:
            OSError: the system has no watch left (fs.inotify.max_user_watches) or no such file.
        """
        self = _BY_LOOP.get(loop)
        if self is None:
            self = _BY_LOOP[loop] = cls(loop)
        wd = self._libc.inotify_add_watch(self._fd, os.fsencode(path), IN_OPEN | IN_CLOSE)
        if wd < 0:
            error = ctypes.get_errno()
            self._perhaps_end()
            raise OSError(error, os.strerror(error), path)
        self._handlers[wd] = handler
        return lambda: self._forget(wd)

    def _forget(self, wd: int) -> None:
        if self._handlers.pop(wd, None) is not None:
            self._libc.inotify_rm_watch(self._fd, wd)
            self._perhaps_end()

    def _perhaps_end(self) -> None:
        if not self._handlers:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._fd)
            os.close(self._fd)
            _BY_LOOP.pop(self._loop, None)

    def _ready(self) -> None:
        try:
            events = os.read(self._fd, _BUFFER)
        except BlockingIOError:
            return
        at = 0
        while at < len(events):
            wd, mask, _cookie, name = _EVENT.unpack_from(events, at)
            at += _EVENT.size + name
            handler = self._handlers.get(wd)
            if handler is not None:
                handler(mask)
