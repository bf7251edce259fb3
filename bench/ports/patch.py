"""Lead a collector's `serial.Serial("/dev/ttyUSB0")` to a line of the hall, without touching the collector.

Only `open` is patched: a port object that is asked to open a mapped path becomes one of ours there and then, whatever
way it was made (constructor, `serial_for_url`, a subclass, `port` set later). Outside an actor's thread, and outside
the block, pyserial is as it was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import serial
from serial.serialutil import SerialException

from bench.clock.kernel import current
from bench.ports import mounts
from bench.ports.urls import protocol_hall

HANDLERS = "hallbench_url_handlers"
"""Name under which pyserial finds our URL handlers.

Not `bench.ports.urls`: a collector may have a package called `bench` of its own, and then that one must be imported.
"""


@contextmanager
def redirected() -> Iterator[None]:
    """Keep pyserial led to our lines for the block."""
    native: Any = serial.Serial
    real_open = native.open
    classes: dict[type, type] = {native: protocol_hall.Serial}

    def open_(self: Any) -> None:
        clock = current()
        if clock is None and self._port is not None and mounts.line_name(self._port) is not None:
            raise SerialException(
                f"could not open port {self._port}: it means a line of the hall, and this thread runs in real time; "
                "open and use it in the thread that runs the collector"
            )
        if clock is None or not clock.virtual or self._port is None or isinstance(self, protocol_hall.Serial):
            real_open(self)
            return
        if mounts.line_name(self._port) is None:
            raise SerialException(
                f"could not open port {self._port}: in simulated time only the hall's lines can be opened; "
                f"there are: {mounts.known()}"
            )
        cls = type(self)
        if cls not in classes:
            # A subclass of the collector's own keeps its methods; its super() calls reach ours.
            classes[cls] = type(cls.__name__, (cls, protocol_hall.Serial), {})
        self.__class__ = classes[cls]
        protocol_hall.Serial.open(self)

    package = ModuleType(HANDLERS)
    package.__path__ = []
    sys.modules[HANDLERS] = package
    sys.modules[f"{HANDLERS}.protocol_hall"] = protocol_hall
    serial.protocol_handler_packages.insert(0, HANDLERS)
    native.open = open_
    try:
        yield
    finally:
        native.open = real_open
        serial.protocol_handler_packages.remove(HANDLERS)
        del sys.modules[HANDLERS], sys.modules[f"{HANDLERS}.protocol_hall"]
