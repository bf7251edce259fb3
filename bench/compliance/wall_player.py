"""The player on a real port: any pyserial port or URL.

A port shows when characters were handed over, not when they were on the wire. The uncertainty that follows is
estimated when the port is opened (how late this process wakes, what the adapter holds back, one character), and every
timing verdict carries it (conformance.md 2.4). Holes within a frame cannot be seen here.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bench.compliance.results import Frame
from bench.compliance.steps import Ask, Heard, Operator, PortLost, Step, Wait, begun, joined, wait_mark
from firmware_sim.burst import LineSettings
from firmware_sim.device import MS

__all__ = ["WallPlayer", "adapter_latency"]

_TROUBLE: tuple[type[Exception], ...] = (OSError, ValueError)
with contextlib.suppress(ImportError):  # POSIX only
    import termios

    _TROUBLE = (*_TROUBLE, termios.error)

_SPLIT: Final = 15 * MS
"""Characters that come further apart than this are shown as two frames."""
_TAIL_WHOLE: Final = 6 * MS
_TAIL: Final = 40 * MS
_NAP: Final = 0.002
_NETWORK: Final = 20 * MS
_ENDLESS: Final = 4096
"""So many characters in one step are babble: listening ends."""


def adapter_latency(port: str) -> int:
    """How long an adapter may hold characters back, ns: what the driver says, else by the kind of port."""
    if "://" in port:
        return 0 if port.startswith("loop://") else _NETWORK
    said = Path("/sys/bus/usb-serial/devices") / Path(port).resolve().name / "latency_timer"
    try:
        return int(said.read_text(encoding="ascii")) * MS
    except (OSError, ValueError):
        return 1 * MS


class WallPlayer:
    """Plays steps on a port.

    Args:
        port: path or URL.
        settings: of the line.
        operator: asks a person, tells whether it was done; None: nobody is there.
        echo: the port hears its own characters, and they are taken off.
        latency: ns that the adapter may hold back; None: estimated.

    Raises:
        PortLost: it cannot be opened.
    """

    clock = "wall"

    def __init__(
        self,
        port: str,
        settings: LineSettings,
        operator: Callable[[str], bool] | None = None,
        *,
        echo: bool = False,
        latency: int | None = None,
    ) -> None:
        import serial

        self.port = port
        self._settings = settings
        self._operator = operator
        self._echo = echo
        try:
            self._serial: Any = serial.serial_for_url(port, **self._words(settings), timeout=_NAP, write_timeout=5)
        except _TROUBLE as error:
            raise PortLost(f"{port} cannot be opened: {error}") from error
        self._began = time.monotonic_ns()
        self._last = 0
        self.frames: list[Frame] = []
        held = adapter_latency(port) if latency is None else latency
        self.uncertainty = self._wakes_late() + held + settings.duration(1)

    @property
    def now(self) -> int:
        """Time since the port was opened, ns."""
        return time.monotonic_ns() - self._began

    def close(self) -> None:
        """Give the port back."""
        self._serial.close()

    def retune(self, settings: LineSettings) -> None:
        """Go on at other settings.

        Raises:
            PortLost: the port does not take them.
        """
        try:
            self._serial.apply_settings(self._words(settings))
        except _TROUBLE as error:
            raise PortLost(f"{self.port} does not take {settings}: {error}") from error
        self._settings = settings

    def _words(self, settings: LineSettings) -> dict[str, Any]:
        """Settings as pyserial calls them.

        A pseudo-terminal has eight bits and no parity, whatever is asked; asked for more, the system answers with an
        error when nothing else is to change.
        """
        plain = Path(self.port).resolve().parent == Path("/dev/pts")
        return {
            "baudrate": settings.baud,
            "bytesize": 8 if plain else settings.data_bits,
            "parity": "N" if plain else settings.parity,
            "stopbits": settings.stop_bits,
        }

    def begin(self, attempt: int) -> None:
        """A case begins, or is repeated."""
        self.frames = begun(self.frames, self.now, attempt)

    def play(self, step: Step) -> Heard:
        """Carry out a step.

        Raises:
            PortLost: the port went away.
        """
        try:
            if isinstance(step, Ask):
                return self._ask(step)
            if isinstance(step, Wait):
                return self._wait(step)
        except _TROUBLE as error:
            raise PortLost(f"the port {self.port} was lost: {error}") from error
        return self._operate(step)

    def _ask(self, step: Ask) -> Heard:
        self._sleep_until(self._last + step.after)
        heard: list[tuple[int, bytes]] = []
        early = self._serial.read(self._serial.in_waiting or 0)
        if early:
            heard.append((self.now, early))
        end, gaps = self.now, []
        for number, (silence, data) in enumerate(step.parts):
            self._sleep_until(end + silence)
            at = self.now
            if number:
                gaps.append(at - end)
            self._serial.write(data)
            self._serial.flush()
            end = at + self._settings.duration(len(data))
            self.frames.append(Frame(at, end, "out", data, step.note if not number else "goes on"))
        self._listen(heard, end + step.window, step, joined(step.parts) if self._echo else b"")
        return self._taken(heard, end, tuple(gaps))

    def _wait(self, step: Wait) -> Heard:
        began = self.now
        self.frames.append(wait_mark(began, step.note))
        heard: list[tuple[int, bytes]] = []
        looked = began
        while looked < began + step.ns and sum(len(data) for _, data in heard) < _ENDLESS:
            looked = self.now
            self._take(heard)
        return self._taken(heard, began, ())

    def _operate(self, step: Operator) -> Heard:
        done = self._operator is not None and self._operator(step.text)
        self.frames.append(wait_mark(self.now, f"operator: {step.text}: {'done' if done else 'not done'}"))
        return Heard(sent_end=self.now, first=len(self.frames), done=done)

    def _take(self, heard: list[tuple[int, bytes]]) -> None:
        data = self._serial.read(self._serial.in_waiting or 1)
        if data:
            self._last = self.now
            heard.append((self._last, data))

    def _listen(self, heard: list[tuple[int, bytes]], until: int, step: Ask, echo: bytes) -> None:
        while True:
            looked = self.now  # before the look: what came while this process stood still is there to be taken
            self._take(heard)
            data = b"".join(part for _, part in heard)
            if echo and data.startswith(echo):
                heard[:] = [(heard[-1][0], data[len(echo) :])] if len(data) > len(echo) else []
                data, echo = data[len(echo) :], b""
            if not data or (echo and len(data) < len(echo)):
                if looked > until:
                    return
                continue
            whole = step.complete is not None and step.complete(data)
            if looked > heard[-1][0] + (_TAIL_WHOLE if whole else _TAIL) or len(data) > _ENDLESS:
                return

    def _taken(self, heard: list[tuple[int, bytes]], end: int, gaps: tuple[int, ...]) -> Heard:
        frames: list[Frame] = []
        for at, data in heard:
            start = at - self._settings.duration(len(data))
            if frames and start - frames[-1].end < _SPLIT:
                last = frames[-1]
                frames[-1] = Frame(last.at, at, "in", last.data + data)
            else:
                frames.append(Frame(start, at, "in", data))
        self._last = max(self._last, end)
        first = len(self.frames)
        self.frames += frames
        return Heard(tuple(frames), end, first, gaps)

    def _sleep_until(self, at: int) -> None:
        while (left := at - self.now) > 0:
            if left > MS:
                time.sleep((left - MS) / 1e9)

    def _wakes_late(self) -> int:
        worst = 0
        for _ in range(10):
            began = time.monotonic_ns()
            time.sleep(_NAP)
            worst = max(worst, time.monotonic_ns() - began - round(_NAP * 1e9))
        return worst
