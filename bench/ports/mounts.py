"""Which line is behind which port name, for ports that live in this process."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.clock.kernel import Kernel
from firmware_sim.line import Line


@dataclass(slots=True)
class Mount:
    """One line that a collector in this process may open.

    Attributes:
        line: the line.
        kernel: who waits when a read waits.
        opened: how often the port was opened.
        holder: weak reference to the port object that has it open, or None.
    """

    line: Line
    kernel: Kernel
    opened: int = 0
    holder: weakref.ref[Any] | None = None


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


@contextmanager
def mounted(lines: Mapping[str, Line], kernel: Kernel, paths: Mapping[str, str]) -> Iterator[dict[str, Mount]]:
    """Offer `lines` (name -> line) as hall://NAME and under `paths` (path -> name) for the block."""
    before = dict(MOUNTS), dict(PATHS)
    mounts = {name: Mount(line, kernel) for name, line in lines.items()}
    MOUNTS.update(mounts)
    PATHS.update(paths)
    try:
        yield mounts
    finally:
        for mount in mounts.values():
            port = mount.holder() if mount.holder is not None else None
            if port is not None:
                port.hang_up()
        MOUNTS.clear()
        MOUNTS.update(before[0])
        PATHS.clear()
        PATHS.update(before[1])
