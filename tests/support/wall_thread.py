"""A clock in step with the wall whose loop runs in a thread of its own, as a bench would in a process of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from bench.clock.clockwork import Clockwork
from bench.clock.wall import WallDriver, make_loop

T = TypeVar("T")


class WallThread:
    """The clock and its thread; a line is built on `clock`, a port on `driver`.

    Args:
        ports: how many ports the loop is to serve.
        name: of the thread.

    Attributes:
        loop, clock, driver: the loop, and what moves time on it.
    """

    def __init__(self, ports: int = 1, name: str = "bench") -> None:
        self.loop = make_loop(ports)
        self.clock = Clockwork()
        self.driver = WallDriver(self.clock, self.loop)
        self._thread = threading.Thread(target=self.loop.run_forever, name=name)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Let the loop run a coroutine, and wait for what it returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def begin(self, port: Any) -> None:
        """Offer a port, then let time pass."""
        self._thread.start()
        self.run(port.open())
        self.loop.call_soon_threadsafe(self.driver.start)

    def end(self, port: Any) -> None:
        """Stop the clock, take the port away, end the thread; a model that failed is told."""

        async def close() -> None:
            self.driver.stop()
            await port.close()
            await asyncio.sleep(0.02)  # aborted connections tell their ends

        self.run(close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(60)
        self.loop.close()
        assert self.driver.failure is None, self.driver.failure
