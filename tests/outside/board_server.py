"""An Alpha board in wall time behind a TCP port, for programs that open `socket://host:port`."""

from __future__ import annotations

import heapq
import select
import socket
import threading
import time
from collections.abc import Iterable
from typing import Any

from firmware_sim.device import Alarm, Note, Send


class BoardServer:
    """Serves one client at a time on a port of its own, until it is closed.

    Args:
        board: a device; its instants are wall-clock nanoseconds.
    """

    def __init__(self, board: Any) -> None:
        self.board = board
        self.notes: list[Note] = []
        self._lock = threading.Lock()
        self._due: list[tuple[int, int, Any]] = []
        self._count = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self._client: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"socket://127.0.0.1:{self._listener.getsockname()[1]}"

    def texts(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self.board.texts)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)
        self._listener.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            watched = [self._client or self._listener]
            ready, _, _ = select.select(watched, [], [], 0.005)
            now = time.monotonic_ns()
            with self._lock:
                self._wake(now)
                if ready and self._client is None:
                    self._client, _ = self._listener.accept()
                elif ready:
                    data = self._client.recv(4096)
                    if data:
                        self._carry_out(now, self.board.hear(now, data, now, now, None))
                    else:
                        self._client.close()
                        self._client = None
        if self._client is not None:
            self._client.close()

    def _wake(self, now: int) -> None:
        while self._due and self._due[0][0] <= now:
            _, _, what = heapq.heappop(self._due)
            if isinstance(what, bytes):
                if self._client is not None:
                    self._client.sendall(what)
            else:
                self._carry_out(now, self.board.wake(now, what))

    def _carry_out(self, now: int, effects: Iterable[Any]) -> None:
        for effect in effects:
            self._count += 1
            if isinstance(effect, Send):
                heapq.heappush(self._due, (now + effect.after, self._count, effect.data))
            elif isinstance(effect, Alarm) and effect.at is not None:
                heapq.heappush(self._due, (effect.at, self._count, effect.tag))
            elif isinstance(effect, Note):
                self.notes.append(effect)
