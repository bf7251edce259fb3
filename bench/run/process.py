"""What a day changes about the process it runs in, and puts back afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def interrupt_is_ours() -> Iterator[list[int]]:
    """Ctrl-C ends the run, also when the collector catches KeyboardInterrupt; yields a list that is filled by it."""
    came: list[int] = []

    def interrupt(number: int, _frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def hall_time_zone(zone: str) -> Iterator[None]:
    """The collector lives in the hall's time zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    with contextlib.suppress(AttributeError):  # Windows has no tzset
        time.tzset()
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("TZ", None)
        else:
            os.environ["TZ"] = before
        with contextlib.suppress(AttributeError):
            time.tzset()


@contextlib.contextmanager
def fewer_looks_for_garbage() -> Iterator[None]:
    """A day makes millions of short-lived tuples and hardly a cycle: looking for cycles less often saves a tenth."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextlib.contextmanager
def ended_by(loop: asyncio.AbstractEventLoop, end: Callable[[], object]) -> Iterator[None]:
    """Ctrl-C and SIGTERM call `end` in the loop, for the block; on Windows they end the program as any other."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, end)
    try:
        yield
    finally:
        for number in numbers:
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
