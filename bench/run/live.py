"""A world on real ports: the lines of the program under test as pty, TCP or RFC 2217, the clock in step with the wall.

`LiveHall` is what `hallbench up` and a day in wall time share: it opens the ports, all or none of them, runs the clock,
and takes everything away again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.clock.wall import WallDriver
from bench.ports.wall_port import PortUnavailable, WallPort
from bench.run.rig import inventory
from bench.run.world import World
from firmware_sim.line import Line

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class PortSpec:
    """How one line is offered.

    Attributes:
        line: its name.
        kind: "pty", "tcp", "rfc2217" or "modbus-tcp".
        number: TCP port; 0 takes a free one.
    """

    line: str
    kind: str = "pty"
    number: int = 0


class BadPortSpec(ValueError):
    """A `--serve` that means nothing; the message says what it may be."""


def _pty(line: Line, driver: WallDriver, _spec: PortSpec, folder: Path, _host: str) -> WallPort:
    try:
        from bench.ports.pty import PtyPort
    except ImportError as exc:
        raise PortUnavailable(
            f"line {line.name}: this system has no pseudo-terminals ({exc}); serve the line on TCP: "
            f"--serve {line.name}=rfc2217"
        ) from exc
    return PtyPort(line, driver, folder / line.name)


def _tcp(line: Line, driver: WallDriver, spec: PortSpec, _folder: Path, host: str) -> WallPort:
    from bench.ports.tcp import TcpPort

    return TcpPort(line, driver, host, spec.number, listen=host != LOOPBACK)


def _rfc2217(line: Line, driver: WallDriver, spec: PortSpec, _folder: Path, host: str) -> WallPort:
    from bench.ports.rfc2217 import Rfc2217Port

    return Rfc2217Port(line, driver, host, spec.number, listen=host != LOOPBACK)


def _gateway(line: Line, driver: WallDriver, spec: PortSpec, _folder: Path, host: str) -> WallPort:
    from bench.ports.gateway import Gateway

    return Gateway(line, driver, host, spec.number, listen=host != LOOPBACK)


KINDS: Final[Mapping[str, Callable[[Line, WallDriver, PortSpec, Path, str], WallPort]]] = {
    "pty": _pty,
    "tcp": _tcp,
    "rfc2217": _rfc2217,
    "modbus-tcp": _gateway,
}
"""Kind of port -> how one is made."""


def parse_serve(words: Iterable[str], lines: Iterable[str]) -> dict[str, PortSpec]:
    """`LINE=KIND` or `LINE=KIND:NUMBER`, as `--serve` takes them.

    Raises:
        BadPortSpec: with what there is.
    """
    known = list(lines)
    specs = {}
    for word in words:
        line, _, rest = word.partition("=")
        kind, _, number = rest.partition(":")
        if line not in known:
            raise BadPortSpec(f"--serve {word}: there is no line {line!r}; there are: {', '.join(known)}")
        if kind not in KINDS:
            raise BadPortSpec(f"--serve {word}: a line is served as {', '.join(KINDS)}, not as {kind!r}")
        if number and not (number.isascii() and number.isdigit() and int(number) <= 65535):
            raise BadPortSpec(f"--serve {word}: {number!r} is not a TCP port (0..65535)")
        specs[line] = PortSpec(line, kind, int(number or 0))
    return specs


class LiveHall:
    """A world whose clock is the wall's.

    Args:
        world: not begun yet, or standing at the instant at which the wall joins.
        loop: everything happens in its thread.
        specs: the lines to offer; each must be the program's, not the house's.
        folder: for ptys.
        speed: seconds of the hall in one real second.
        listen: address that TCP ports listen on.
    """

    def __init__(
        self,
        world: World,
        loop: asyncio.AbstractEventLoop,
        specs: Iterable[PortSpec],
        folder: Path,
        *,
        speed: float = 1.0,
        listen: str = LOOPBACK,
    ) -> None:
        self.world = world
        self.driver = WallDriver(world.clockwork, loop, speed=speed)
        self.ports: dict[str, WallPort] = {
            spec.line: KINDS[spec.kind](world.rig.lines[spec.line], self.driver, spec, folder, listen) for spec in specs
        }

    async def open(self) -> None:
        """Offer all ports.

        Raises:
            PortUnavailable: one cannot be had; those before it are gone again.
        """
        opened: list[WallPort] = []
        try:
            for port in self.ports.values():
                await port.open()
                opened.append(port)
        except BaseException:
            for port in opened:
                with contextlib.suppress(Exception):
                    await port.close()
            raise

    def join(self, *, scaled: bool = False) -> asyncio.Future[int]:
        """Let the wall's time run; the future ends with the clock, or with what failed in the hall.

        The history is told how the wall's clock and the hall's belong together, so that what a program noted by its
        own clock can be placed in the day.

        Args:
            scaled: the program's calendar is the hall's, and runs at its speed.
        """
        present = self.world.scenario.epoch_ns + self.world.clockwork.now
        joined = (
            {"unix_ns": present, "speed": 1.0} if scaled else {"unix_ns": time.time_ns(), "speed": self.driver.speed}
        )
        self.world.recorder("run")("joined", joined)
        return asyncio.ensure_future(self.driver.run())

    async def close(self) -> None:
        """Take all ports away; one that fails does not keep the others."""
        for port in self.ports.values():
            with contextlib.suppress(OSError):
                await port.close()

    @property
    def addresses(self) -> dict[str, str]:
        """Line -> what a collector opens: a path or a URL."""
        return {name: str(port.path or port.url) for name, port in self.ports.items()}

    @property
    def opened(self) -> bool:
        """Whether a collector ever opened a port."""
        return any(port.opened for port in self.ports.values())

    def describe_ports(self) -> list[dict[str, Any]]:
        """The ports as `hallbench up --json` lists them (cli.md, "Contract for automation")."""
        devices = inventory(self.world.scenario)
        rows = []
        for name, port in self.ports.items():
            settings = port.line.settings
            rows.append(
                {
                    "line": name,
                    "path": None if port.path is None else str(port.path),
                    "url": port.url,
                    "baud": settings.baud,
                    "format": str(settings).partition(" ")[2],
                    "kind": port.kind,
                    "devices": [
                        {key: value for key, value in device.items() if key not in {"line", "owner"}}
                        for device in devices
                        if device["line"] == name
                    ],
                }
            )
        return rows
