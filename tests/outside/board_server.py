"""An Alpha board behind a TCP port, for programs that open `socket://host:port`, on a clock that they move themselves.

The board's time passes when the program sleeps (`CLOCK` takes the place of `time.sleep` in it), and when it waits for
an answer that is under way. So pauses are exactly those that the program makes, however busy the machine is.
"""

from __future__ import annotations

import heapq
import select
import socket
import threading
from collections.abc import Iterable
from typing import Any

from firmware_sim.device import NS, Alarm, Note, Send

CLOCK = """
import array, fcntl, socket, sys, termios, time
_connect, _wait, _lines = socket.create_connection, time.sleep, []
_clock = _connect(("127.0.0.1", int(sys.argv.pop())), timeout=100)

def _connected(*args, **kwargs):
    _lines.append(_connect(*args, **kwargs))
    return _lines[-1]

def _under_way(line):
    left = array.array("i", [0])
    fcntl.ioctl(line.fileno(), termios.TIOCOUTQ, left)
    return left[0]

def _sleep(seconds):
    while any(_under_way(line) for line in _lines if line.fileno() >= 0):
        _wait(0.001)
    _clock.sendall(f"{seconds}\\n".encode())
    assert _clock.recv(1) == b"."

socket.create_connection, time.sleep = _connected, _sleep
"""
"""To stand before a program, whose last argument is `BoardServer.clock`; what it wrote arrives before it sleeps."""

_IDLE_S = 0.02
"""So long nothing came: the program waits."""


class BoardServer:
    """Serves one client at a time on a port of its own, until it is closed.

    Args:
        board: a device; its clock begins at 0.
    """

    def __init__(self, board: Any) -> None:
        self.board = board
        self.notes: list[Note] = []
        self._now = 0
        self._lock = threading.Lock()
        self._due: list[tuple[int, int, Any]] = []
        self._count = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._clocks = socket.create_server(("127.0.0.1", 0))
        self._client: socket.socket | None = None
        self._sleeper: socket.socket | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"socket://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def clock(self) -> str:
        """Where the program that moves the clock connects."""
        return str(self._clocks.getsockname()[1])

    def texts(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self.board.texts)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(60)
        for opened in (self._listener, self._clocks, self._client, self._sleeper):
            if opened is not None:
                opened.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            line, clock = self._client or self._listener, self._sleeper or self._clocks
            ready, _, _ = select.select([line, clock], [], [], _IDLE_S)
            with self._lock:
                if line in ready:  # before the clock: what was written before a sleep is heard before it
                    self._heard()
                elif clock in ready:
                    self._slept()
                elif answers := [at for at, _, what in self._due if isinstance(what, bytes)]:
                    self._advance(min(answers))

    def _heard(self) -> None:
        if self._client is None:
            self._client, _ = self._listener.accept()
        elif data := self._client.recv(4096):
            self._carry_out(self.board.hear(self._now, data, self._now, self._now, None))
        else:
            self._client.close()
            self._client = None

    def _slept(self) -> None:
        if self._sleeper is None:
            self._sleeper, _ = self._clocks.accept()
        elif told := self._sleeper.recv(4096):
            self._advance(self._now + sum(round(float(seconds) * NS) for seconds in told.split()))
            self._sleeper.sendall(b".")
        else:
            self._sleeper.close()
            self._sleeper = None

    def _advance(self, until: int) -> None:
        while self._due and self._due[0][0] <= until:
            at, _, what = heapq.heappop(self._due)
            self._now = max(self._now, at)
            if not isinstance(what, bytes):
                self._carry_out(self.board.wake(self._now, what))
            elif self._client is not None:
                self._client.sendall(what)
        self._now = max(self._now, until)

    def _carry_out(self, effects: Iterable[Any]) -> None:
        for effect in effects:
            self._count += 1
            if isinstance(effect, Send):
                heapq.heappush(self._due, (self._now + effect.after, self._count, effect.data))
            elif isinstance(effect, Alarm) and effect.at is not None:
                heapq.heappush(self._due, (effect.at, self._count, effect.tag))
            elif isinstance(effect, Note):
                self.notes.append(effect)
