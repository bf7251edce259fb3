"""The HTTP sink in simulated time: an address of the hall, so that posting a row takes the hall's time and no other.

A collector in this process reaches it with `urllib`, `http.client`, `requests` or anything else on Python's sockets.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.clock.kernel import Kernel
from bench.clock.sockets import ENDPOINTS, Session, Stream
from bench.records.intake import Conversation, Intake

__all__ = ["ADDRESS", "URL", "listening"]

ADDRESS: Final = ("127.0.0.1", 8068)
"""Nobody else can be meant: the address is the hall's inside simulated time, and not listened on outside."""

URL: Final = f"http://{ADDRESS[0]}:{ADDRESS[1]}/"


class _Session:
    """One connection (a `bench.clock.sockets.Session`)."""

    def __init__(self, intake: Intake, stream: Stream) -> None:
        self._conversation = Conversation(intake)
        self._stream = stream

    def received(self, data: bytes) -> None:
        """Part of a request."""
        reply = self._conversation.feed(data)
        if reply:
            self._stream.give(reply)
        if self._conversation.over:
            self._stream.hang_up()

    def closed(self) -> None:
        """The collector has closed its end: what has come whole is kept, and nothing else."""
        self._conversation.over = True


class _Endpoint:
    """Who listens (a `bench.clock.sockets.Endpoint`)."""

    def __init__(self, kernel: Kernel, intake: Intake) -> None:
        self.kernel = kernel
        self._intake = intake

    def accept(self, stream: Stream) -> Session:
        """A collector connects."""
        return _Session(self._intake, stream)


@contextmanager
def listening(kernel: Kernel, intake: Intake) -> Iterator[str]:
    """Listen for the length of a block; gives the URL."""
    endpoint = _Endpoint(kernel, intake)
    ENDPOINTS[ADDRESS] = endpoint
    try:
        yield URL
    finally:
        if ENDPOINTS.get(ADDRESS) is endpoint:
            del ENDPOINTS[ADDRESS]
        intake.close()
