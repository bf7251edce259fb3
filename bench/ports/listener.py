"""What every port on a TCP socket has in common: how it listens, ends, and keeps a connection.

It listens on loopback unless told otherwise, lets few peers wait, and notices those that vanish.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import os
import socket
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Final

from bench.clock.wall import WallDriver
from bench.ports.address import no_address
from bench.ports.wall_port import PortUnavailable, WallPort
from firmware_sim.line import Line

BACKLOG: Final = 128
"""Connections that may wait to be accepted; a flood beyond that waits in its own kernel."""

UNREAD_LIMIT: Final = 1 << 16
"""Bytes kept for a peer that does not read; beyond, characters are lost (a port) or the peer is dropped (a gateway)."""

_ALIVE: Final = (
    ("SO_KEEPALIVE", socket.SOL_SOCKET, 1),
    ("TCP_KEEPIDLE", socket.IPPROTO_TCP, 10),
    ("TCP_KEEPINTVL", socket.IPPROTO_TCP, 5),
    ("TCP_KEEPCNT", socket.IPPROTO_TCP, 3),
    ("TCP_USER_TIMEOUT", socket.IPPROTO_TCP, 25_000),
    ("TCP_NODELAY", socket.IPPROTO_TCP, 1),
)
"""A peer that vanished without a word is given up after 25 s; characters go out at once."""


_WHY: Final = {
    errno.EADDRINUSE: "another program has it: end that one, or choose another number (0 takes a free one)",
    errno.EADDRNOTAVAIL: "that address is not this machine's",
    errno.EACCES: "numbers below 1024 are the system administrator's: choose a higher one (0 takes a free one)",
    errno.EMFILE: "this process has all the descriptors it may have: fewer ports, or a higher limit (ulimit -n)",
}
"""What to do about it, by the system's error number."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def url_host(host: str) -> str:
    """A host as URLs write it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def tune(transport: asyncio.BaseTransport) -> None:
    """Set a connection up to be prompt and to notice a peer that is gone; what a system does not know is left out."""
    sock = transport.get_extra_info("socket")
    for name, level, value in _ALIVE:
        option = getattr(socket, name, None)
        if option is not None and sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(level, option, value)


async def listen_on(
    loop: asyncio.AbstractEventLoop,
    factory: Callable[[], asyncio.Protocol],
    host: str,
    port: int,
    *,
    what: str,
    listen: bool,
) -> tuple[asyncio.Server, int]:
    """Listen, and return the server and the port number it got (`port` 0: a free one).

    Raises:
        PortUnavailable: the address is not this machine's own loopback and `listen` is not given, or it cannot be had.
    """
    if not listen and not is_loopback(host):
        raise PortUnavailable(
            f"{what}: {host} can be reached from other machines; that is only done when it is asked for (--listen)"
        )
    try:
        server = await loop.create_server(factory, host, port, backlog=BACKLOG)
    except socket.gaierror as exc:
        raise PortUnavailable(f"{what}: {no_address(host)}") from exc
    except OSError as exc:
        why = _WHY.get(exc.errno or 0, "another program has it, or the address is not this machine's")
        reason = os.strerror(exc.errno) if exc.errno and exc.errno > 0 else exc  # asyncio wraps it in more words
        raise PortUnavailable(f"{what}: cannot listen on {host}:{port}: {reason}; {why}") from exc
    got: Any = server.sockets[0].getsockname()
    return server, int(got[1])


class Connection(asyncio.Protocol):
    """One peer's connection to a port.

    Attributes:
        transport: None before it is made and after it is lost.
    """

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer connected."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    @property
    def connected(self) -> bool:
        """It is still there to be written to."""
        return self.transport is not None and not self.transport.is_closing()

    def send(self, data: bytes) -> bool:
        """Send it something; False when it is gone, or has left so much unread that this is not sent."""
        transport = self.transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size() > UNREAD_LIMIT:
            return False
        transport.write(data)
        return True

    def drop(self) -> None:
        """End the connection at once."""
        if self.transport is not None:
            self.transport.abort()


class SocketPort(WallPort):
    """The collector's end of a line on a TCP socket.

    Args:
        line: whose end this is.
        driver: the clock.
        host: address to listen on.
        port: number to listen on; 0 takes a free one, and keeps it over `unplug` and `replug`.
        listen: an address that other machines reach is meant.
        piece: see `WallPort`.
    """

    scheme: ClassVar[str]
    """Of its URL."""

    title: ClassVar[str] = "port"
    """What messages call it."""

    def __init__(
        self, line: Line, driver: WallDriver, host: str, port: int, *, listen: bool, piece: int | None = None
    ) -> None:
        super().__init__(line, driver, piece=piece)
        self._host = host
        self._number = port
        self._listen = listen
        self._server: asyncio.Server | None = None

    @abstractmethod
    def _connection(self) -> Connection:
        """What serves a new connection."""

    @abstractmethod
    def _drop_peers(self) -> None:
        """End every connection at once; `_server` is None already, so that none is taken any more."""

    async def _start(self) -> None:
        self._server, self._number = await listen_on(
            self.driver.loop,
            self._connection,
            self._host,
            self._number,
            what=f"{self.title} of line {self.line.name}",
            listen=self._listen,
        )
        self.url = f"{self.scheme}://{url_host(self._host)}:{self._number}"

    async def _end(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self._drop_peers()
        if server is not None:
            await server.wait_closed()
