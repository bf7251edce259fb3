"""What of a collector waits in real time: noticed, and refused in strict mode.

A real socket, a subprocess, a prompt at the keyboard: simulated time stands still meanwhile. That is deterministic only
if the other side is, and slow. The interpreter's audit events tell of most of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from bench.clock.kernel import RealBlocking, virtual

WATCHED: Final[dict[str, str]] = {
    "socket.connect": "a real network connection",
    "socket.bind": "a real network server",
    "socket.getaddrinfo": "a look-up of a real host name",
    "socket.gethostbyname": "a look-up of a real host name",
    "subprocess.Popen": "a real subprocess",
    "os.system": "a real subprocess",
    "os.posix_spawn": "a real subprocess",
    "os.fork": "a real fork",
    "builtins.input": "a prompt at the keyboard",
    "signal.pthread_kill": "a real signal",
}
"""Audit event -> what it is."""

_hooked = False
_active = False


def notice(what: str) -> None:
    """The calling actor does something that waits in real time.

    Raises:
        RealBlocking: the kernel is strict.
    """
    kernel = virtual()
    if kernel is None:
        return
    message = f"the collector used {what}: it waits in real time, and simulated time stands still meanwhile"
    if kernel.strict:
        raise RealBlocking(f"{message}; it is refused because the run is strict")
    seen = kernel.noticed.get(what, 0)
    kernel.noticed[what] = seen + 1
    if not seen and sys.stderr is not None:
        with suppress(Exception):  # no warning: a program may have made those errors
            sys.stderr.write(f"hallbench: {message}\n")


def _hook(event: str, _args: tuple[Any, ...]) -> None:
    if _active and event in WATCHED:
        notice(WATCHED[event])


@contextmanager
def installed() -> Iterator[None]:
    """Notice for the block (the hook itself cannot be taken out again; it then does nothing)."""
    global _hooked, _active
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True
    _active = True
    try:
        yield
    finally:
        _active = False
