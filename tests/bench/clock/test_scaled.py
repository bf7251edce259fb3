"""The scaled clock: clocks run faster by the factor, waits are shorter by it, in every thread of the collector's."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import select
import threading
import time

import pytest

from bench.clock.scaled import ScaledKernel
from bench.clock.standins import REAL, installed

EPOCH = 1_741_539_600 * 10**9


@pytest.fixture
def scaled():
    origin = REAL["monotonic_ns"]()
    kernel = ScaledKernel(lambda: (REAL["monotonic_ns"]() - origin) * 600, EPOCH, 600)
    with installed(), kernel:
        yield kernel


@pytest.mark.parametrize(
    "wait",
    [
        lambda: time.sleep(60),
        lambda: threading.Event().wait(60),
        lambda: select.select([], [], [], 60),
        lambda: asyncio.run(asyncio.sleep(60)),
        lambda: queue.SimpleQueue().get(timeout=60),
        lambda: _joined(threading.Timer(60, lambda: None)),
    ],
    ids=["sleep", "event", "select", "asyncio", "simple queue", "timer"],
)
def test_a_minute_of_the_hall_takes_a_tenth_of_a_second(scaled, wait):
    """All that waits does so for a 600th of its time, and no less than what was asked for passes on the clock."""
    before, real = time.monotonic(), REAL["monotonic"]()
    with contextlib.suppress(queue.Empty):
        wait()
    passed = time.monotonic() - before
    assert passed >= 59.9
    assert REAL["monotonic"]() - real < 30


def _joined(thread):
    thread.start()
    thread.join()


def test_threads_inherit_it_and_others_do_not(scaled):
    """A thread that the collector starts reads the hall's calendar; one outside does not."""
    seen = {}
    thread = threading.Thread(target=lambda: seen.update(inside=time.time()))
    thread.start()
    thread.join()
    assert EPOCH / 1e9 <= seen["inside"] < EPOCH / 1e9 + 86_400


def test_a_speed_is_positive():
    """Zero, negative and infinite speeds are refused."""
    for speed in (0, -1, float("inf")):
        with pytest.raises(ValueError, match="positive"):
            ScaledKernel(lambda: 0, 0, speed)
