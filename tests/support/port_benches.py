"""Every kind of port a collector can open, each with the same line behind it, for one suite that holds for all.

`SHOWS` says what each kind shows of a serial port, `HIDES` why it does not show the rest: tests ask for kinds by what
they need, and docs/ports.md is checked against these tables.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
import serial

from bench.clock.clockwork import Clockwork
from bench.ports.pty import PtyPort
from bench.ports.rfc2217 import Rfc2217Port
from bench.ports.tcp import TcpPort
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS, Effect, Send
from firmware_sim.line import Line
from timers import Ear
from wall_thread import WallThread

PATIENCE_S = 60.0
"""How long is waited for what must come, s: a busy machine may leave a thread or a process standing for a while."""

FEATURES = {
    "characters": "characters both ways, at line speed",
    "baud": "baud rate of the collector, garbled when wrong",
    "stop bits": "stop bits of the collector",
    "odd parity": "odd parity of the collector, garbled when wrong",
    "parity": "every parity and character size, garbled when wrong",
    "break": "break",
    "modem lines": "CTS and DSR",
    "XON/XOFF": "output held by the device's XOFF",
    "forget output": "reset_output_buffer",
    "flush": "flush waits for the line",
    "write time-out": "write time-out while the line is slow",
    "one at a time": "a second opening is refused",
    "unplug": "unplugging, and the same name afterwards",
}

_SETTINGS_BY_HAND = "a raw socket carries characters only: the settings are the line's own"
HIDES: dict[str, dict[str, str]] = {
    "hall": {"unplug": "the port lives in the collector's own process"},
    "pty": {
        "parity": "the kernel strips even parity and 7 bits from a pseudo-terminal's settings",
        "break": "the kernel accepts a break on a pseudo-terminal and passes nothing on",
        "modem lines": "a pseudo-terminal has none (ENOTTY)",
        "flush": "a pseudo-terminal has no transmitter: flush returns at once",
        "one at a time": "the kernel lets several programs open a terminal, as with a real one",
    },
    "tcp": {
        **dict.fromkeys(("baud", "stop bits", "odd parity", "parity", "break", "modem lines"), _SETTINGS_BY_HAND),
        "XON/XOFF": "it is the server's setting, not its client's: to the client they are characters",
        "forget output": "a raw socket has no word for it",
        "flush": "a socket's flush ends when its own kernel has the characters",
        "write time-out": "two kernels buffer megabytes",
    },
    "rfc2217": {
        "flush": "a socket's flush ends when its own kernel has the characters",
        "write time-out": "two kernels buffer megabytes, and pyserial's client has no write time-out",
    },
}
KINDS = tuple(HIDES)


def over(*needs: str) -> Any:
    """Run a test over every kind of port that shows all of what it needs."""
    for need in needs:
        assert need in FEATURES, need
    kinds = [kind for kind in KINDS if not any(need in HIDES[kind] for need in needs)]
    return pytest.mark.parametrize("kind", kinds)


class PortBench:
    """A line with one device (an `Ear`), and a port that a collector opens with pyserial.

    Attributes:
        address: what the collector opens.
        line: the line.
        ear: the device.
    """

    address: str
    query = ""
    """What the collector says behind the address."""

    def __init__(self, settings: LineSettings, duplex: str, clock: Clockwork) -> None:
        self.clock = clock
        self.line = Line("bus", clock, settings, duplex)
        self.ear = Ear()
        self.line.attach(self.ear)

    def open(self, **options: Any) -> serial.Serial:
        """Open the port as a collector does; at the line's settings unless told otherwise."""
        mine = self.line.settings
        defaults = {
            "baudrate": mine.baud,
            "bytesize": mine.data_bits,
            "parity": mine.parity,
            "stopbits": mine.stop_bits,
            "timeout": PATIENCE_S,
        }
        port = serial.serial_for_url(self.address + self.query, **(defaults | options))
        self.opened()
        return port

    def opened(self) -> None:
        """Let the news of an opening arrive at the bench: a kernel accepts for a program that has not seen it yet."""

    def do(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Do something in the hall, at its present instant."""
        raise NotImplementedError

    def apply(self, effects: Iterable[Effect]) -> None:
        """Let the device do something now."""
        self.do(self.line.apply, self.ear, list(effects))

    def says(self, data: bytes) -> None:
        """Let the device send."""
        self.apply([Send(data)])

    def there(self, port: serial.Serial) -> None:
        """Wait until all that the device said last can be read at once, if anything of it comes."""

    def hurry(self) -> None:
        """Let the rest go on faster, where it takes real time."""

    def heard(self, at_least: int) -> bytes:
        """What the device has heard, once that is at least so many characters (or patience is over)."""
        return self.wait(lambda: self.ear.bytes, lambda data: len(data) >= at_least)

    def wait(self, look: Callable[[], Any], good: Callable[[Any], bool], patience: float = PATIENCE_S) -> Any:
        """Look in the hall again and again until it is good, and return what was seen last."""
        end = time.monotonic() + patience
        while True:
            seen = self.do(look)
            if good(seen) or time.monotonic() > end:
                return seen
            time.sleep(0.002)


class HallBench(PortBench):
    """`hall://` in simulated time."""

    address = "hall://bus"

    def do(self, fn: Callable[..., Any], *args: Any) -> Any:
        return fn(*args)

    @property
    def seen_settings(self) -> LineSettings:
        """Settings of the collector's end, as the line has them."""
        port = self.line.master.port
        assert port is not None
        return port.settings


class WallBench(PortBench):
    """A port in wall time; its loop runs in a thread of its own, as its bench would in a process of its own."""

    def __init__(self, kind: str, folder: Path, settings: LineSettings, duplex: str) -> None:
        self._wall = WallThread(name=f"bench of {kind}")
        self._before = 0
        self.loop, self.driver, self.run = self._wall.loop, self._wall.driver, self._wall.run
        super().__init__(settings, duplex, self._wall.clock)
        self.port: Any = (
            PtyPort(self.line, self.driver, folder / "bus")
            if kind == "pty"
            else {"tcp": TcpPort, "rfc2217": Rfc2217Port}[kind](self.line, self.driver)
        )
        if kind == "rfc2217":  # pyserial's client gives each answer three seconds
            self.query = f"?timeout={PATIENCE_S:g}"

    def do(self, fn: Callable[..., Any], *args: Any) -> Any:
        async def there() -> Any:
            return self.driver.stimulus(fn, *args)

        return self.run(there())

    def says(self, data: bytes) -> None:
        self._before = self.do(lambda: self.port.delivered)
        super().says(data)

    def there(self, port: serial.Serial) -> None:
        def quiet() -> bool:
            stations = [*self.line._stations, self.line.master]
            return not self.port._pending and not any(one.current or one.queue for one in stations)

        self.wait(quiet, bool)
        come = self.do(lambda: self.port.delivered) - self._before
        if self.port.kind == "tcp":  # a socket tells that there is something, and not how much
            come = min(come, 1)
        self.wait(lambda: port.in_waiting, lambda waiting: waiting >= come)

    def hurry(self) -> None:
        self.do(self.driver.set_speed, 1000)

    @property
    def seen_settings(self) -> LineSettings:
        seen: LineSettings = self.do(lambda: self.port.settings)
        return seen

    @property
    def address(self) -> str:  # type: ignore[override]
        return str(self.port.path or self.port.url)

    def opened(self) -> None:
        self.wait(lambda: self.port.is_open, bool)

    def __enter__(self) -> Self:
        self._wall.begin(self.port)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._wall.end(self.port)


@contextlib.contextmanager
def port_bench(
    kind: str, folder: Path, settings: str | LineSettings = "9600 8N1", duplex: str = "half"
) -> Iterator[Any]:
    """A bench with a port of that kind, for the block."""
    if isinstance(settings, str):
        settings = LineSettings.parse(settings)
    if kind == "hall":
        from bench.clock.kernel import Kernel
        from bench.clock.standins import installed
        from bench.ports.mounts import mounted
        from bench.ports.patch import redirected

        bench = HallBench(settings, duplex, Clockwork())
        kernel = Kernel(bench.clock, epoch_ns=0, until=36_000 * NS)
        with installed(), redirected(), mounted({"bus": bench.line}, kernel, {}), kernel:
            yield bench
        return
    with WallBench(kind, folder, settings, duplex) as wall:
        yield wall
