"""An event loop whose clock stands until it waits: what falls due does so in its order, on the busiest machine too."""

from __future__ import annotations

import asyncio
import selectors


class FakeSelector(selectors.SelectSelector):
    """Waits by moving the loop's clock; `late` seconds too long each time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.late = 0.0

    def select(self, timeout=None):
        if timeout is None:
            raise AssertionError("the loop would wait for ever: nothing is due")
        if timeout > 0:
            self.now += timeout + self.late
        return super().select(0)


class FakeLoop(asyncio.SelectorEventLoop):
    """A loop on that selector; each look at its clock takes a microsecond, so that waiting on the processor ends."""

    def __init__(self) -> None:
        self.fake = FakeSelector()
        super().__init__(self.fake)

    def time(self) -> float:
        self.fake.now += 1e-6
        return self.fake.now
