"""Threads and conditions of a collector: what of `threading` can be had in simulated time with one actor.

Only the thread that runs the collector waits in simulated time. As long as it has started no other, nobody but a signal
handler can end its wait on an `Event`, a `Condition` or a `Queue` before the time-out, so such a wait passes in
simulated time (`while not stop.wait(5): poll()`). A thread that it starts runs in real time beside the day, and from
then on these waits are real too.
"""

from __future__ import annotations

import _thread
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.clock.kernel import Kernel, current
from firmware_sim.device import NS


@contextmanager
def installed() -> Iterator[None]:
    """Keep `Thread.start` and `Condition.wait` replaced for the block."""
    real_start, real_wait = threading.Thread.start, threading.Condition.wait
    alone = True

    def start(self: threading.Thread) -> None:
        nonlocal alone
        if current() is not None:
            alone = False
            warnings.warn(
                f"the collector started a thread ({self.name}): it runs in real time, beside the simulated day; "
                "only the thread that runs the collector waits in simulated time",
                RuntimeWarning,
                stacklevel=2,
            )
            self.daemon = True  # a thread that does not end would keep this process from ending
        real_start(self)

    def wait(self: threading.Condition, timeout: float | None = None) -> bool:
        kernel = current()
        if kernel is None or timeout is None or timeout <= 0 or not alone:
            return real_wait(self, timeout)
        return _wait(self, kernel, timeout)

    threading.Thread.start = start  # type: ignore[method-assign]
    threading.Condition.wait = wait  # type: ignore[method-assign]
    try:
        yield
    finally:
        threading.Thread.start = real_start  # type: ignore[method-assign]
        threading.Condition.wait = real_wait  # type: ignore[method-assign]


def _wait(condition: Any, kernel: Kernel, timeout: float) -> bool:
    """`Condition.wait` as the library does it, with a simulated wait in its middle."""
    if not condition._is_owned():  # noqa: SLF001
        raise RuntimeError("cannot wait on un-acquired lock")
    waiter = _thread.allocate_lock()
    waiter.acquire()
    condition._waiters.append(waiter)  # noqa: SLF001
    deadline = kernel.clockwork.now + max(1, round(timeout * NS))
    notified = False
    saved = condition._release_save()  # noqa: SLF001
    try:
        while not (notified := waiter.acquire(blocking=False)) and kernel.clockwork.now < deadline:
            kernel.park(deadline, "a condition")
    finally:
        condition._acquire_restore(saved)  # noqa: SLF001
        if not notified:
            condition._waiters.remove(waiter)  # noqa: SLF001
    return notified
