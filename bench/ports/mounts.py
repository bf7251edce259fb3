"""Which line is behind which port name, for ports that live in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.clock import sockets
from bench.clock.kernel import Kernel
from bench.ports.uart import CHUNK
from firmware_sim.line import Line


@dataclass(slots=True)
class Mount:
    """One line that a collector in this process may open.

    Attributes:
        line: the line.
        kernel: who waits when a read waits.
        opened: how often the port was opened.
        holder: gives the port object that has it open (a weak reference to it); None when none has.
        chunk: characters of a long burst after which `select` calls the port readable.
        gone: the port is not there now (a fault: its adapter was pulled).
    """

    line: Line
    kernel: Kernel
    opened: int = 0
    holder: Callable[[], Any] | None = None
    chunk: int = CHUNK
    gone: bool = False

    def vanish(self, gone: bool) -> None:
        """Let the port disappear, which whoever has it open finds out at once, or be there again."""
        self.gone = gone
        port = self.holder() if gone and self.holder is not None else None
        if port is not None:
            port.vanish()


MOUNTS: dict[str, Mount] = {}
"""Line name -> mount: `hall://NAME`."""

PATHS: dict[str, str] = {}
"""Device path (/dev/ttyUSB0) or URL -> line name."""


def line_name(port: str) -> str | None:
    """The line a port string means (hall://NAME, or a mapped path); None when it is none of ours."""
    if port.lower().startswith("hall://"):
        return port[len("hall://") :].strip("/")
    return PATHS.get(port)


def known() -> str:
    """The ports that exist, for messages."""
    paths = [f"{path} (hall://{name})" for path, name in PATHS.items()]
    urls = [f"hall://{name}" for name in MOUNTS if name not in PATHS.values()]
    return ", ".join(paths + urls) or "none"


def hang_up(kernel: Kernel) -> None:
    """Close every port of a kernel's that is open, at once, as the end of a process does."""
    for mount in MOUNTS.values():
        port = mount.holder() if mount.holder is not None and mount.kernel is kernel else None
        if port is not None:
            port.hang_up()


@contextmanager
def mounted(lines: Mapping[str, Line], kernel: Kernel, paths: Mapping[str, str]) -> Iterator[dict[str, Mount]]:
    """Offer `lines` (name -> line) as hall://NAME and under `paths` (path -> name) for the block.

    A path is a device's (/dev/ttyUSB0), or a TCP address: `modbus://HOST:PORT` is a Modbus TCP gateway in front of the
    line, `tcp://HOST:PORT` a device server (see `bench.ports.hall_tcp`).
    """
    before = dict(MOUNTS), dict(PATHS), dict(sockets.ENDPOINTS)
    mounts = {name: Mount(line, kernel) for name, line in lines.items()}
    MOUNTS.update(mounts)
    PATHS.update(paths)
    for path, name in paths.items():
        if not path.startswith("/") and ":" in path and name in MOUNTS:
            from bench.ports.hall_tcp import listen  # brings asyncio with it

            listen(path, MOUNTS[name])
    try:
        yield mounts
    finally:
        hang_up(kernel)
        sockets.ENDPOINTS.clear()
        sockets.ENDPOINTS.update(before[2])
        MOUNTS.clear()
        MOUNTS.update(before[0])
        PATHS.clear()
        PATHS.update(before[1])
