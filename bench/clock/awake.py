"""Keeping a machine's processors awake while a program talks to the bench in wall time.

A processor without work falls asleep, and to be woken takes some tenths of a millisecond, twice for every poll: when
the request comes and when the reply does. On a line at 9600 that was most of what the bench added to the line's time.
Linux lets a program that may (root, or whoever may write the device) ask for latencies of so many microseconds, for as
long as it keeps `/dev/cpu_dma_latency` open (kernel documentation, "PM Quality of Service Interface"); cyclictest asks
for 0 so. It costs power: idle processors then spin. So this is asked for only from a program's first characters until
it has been silent for a while, and `HALLBENCH_AWAKE=no` in the environment keeps it off.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Final

DEVICE: Final = Path("/dev/cpu_dma_latency")
AT_ONCE: Final = bytes(4)
"""The longest wake-up that is agreed to: 0 us, an int32."""

SWITCH: Final = "HALLBENCH_AWAKE"


class Awake:
    """Holds a request for processors that do not sleep, while there is a reason.

    Args:
        loop: whose timer looks whether there still is one.
        device: what is held open.
        linger: seconds of silence after which (up to twice as many) the reason is gone.

    Attributes:
        refused: why it is not asked for: the system's words, or the switch; empty while nothing speaks against it.
        spells: how often it was asked for.
    """

    __slots__ = ("_device", "_fd", "_linger", "_loop", "_stirred", "_timer", "refused", "spells")

    def __init__(self, loop: asyncio.AbstractEventLoop, device: Path = DEVICE, *, linger: float = 1.0) -> None:
        self._loop = loop
        self._device = device
        self._linger = linger
        self._fd = -1
        self._stirred = False
        self._timer: asyncio.TimerHandle | None = None
        self.refused = f"{SWITCH}=no" if os.environ.get(SWITCH) == "no" else ""
        self.spells = 0

    @property
    def held(self) -> bool:
        """Whether the processors are kept awake now."""
        return self._fd >= 0

    def stir(self) -> None:
        """There is a reason: a program has said something."""
        self._stirred = True
        if self._fd < 0 and not self.refused:
            self._ask()

    def release(self) -> None:
        """Let the machine sleep, as after a silence."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _ask(self) -> None:
        fd = -1
        try:
            fd = os.open(self._device, os.O_WRONLY | os.O_CLOEXEC)
            os.write(fd, AT_ONCE)
        except OSError as exc:
            self.refused = f"{self._device}: {exc.strerror}"
            if fd >= 0:
                with contextlib.suppress(OSError):
                    os.close(fd)
            return
        self._fd = fd
        self.spells += 1
        self._wait()

    def _wait(self) -> None:
        self._stirred = False
        self._timer = self._loop.call_later(self._linger, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._stirred:
            self._wait()
        else:
            self.release()
