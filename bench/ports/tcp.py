"""A line's port on a TCP socket, as a plain serial device server gives it: the characters and nothing else.

`serial.serial_for_url("socket://HOST:PORT")`, `nc`, or any language's sockets open it. One peer at a time has the line,
as one program has a serial port; a second one is turned away by closing its connection without a word, because any
word would be characters of the line. Settings are the line's own: those of a device server are made
by hand, not by its client.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from bench.clock.wall import WallDriver
from bench.ports.listener import Connection, SocketPort, tune
from firmware_sim.line import Line


class Peer(Connection):
    """One connection to a port."""

    def __init__(self, port: TcpPort) -> None:
        super().__init__()
        self._port = port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer connected."""
        super().connection_made(transport)
        self._port.peer_came(self)

    def data_received(self, data: bytes) -> None:
        """It sent something."""
        self._port.peer_sent(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """It closed, vanished, or was turned away."""
        self._port.peer_left(self)


class TcpPort(SocketPort):
    """The collector's end of a line on a TCP socket.

    Args:
        line: whose end this is.
        driver: the clock.
        host: address to listen on.
        port: number to listen on; 0 takes a free one, and keeps it over `unplug` and `replug`.
        listen: an address that other machines reach is meant.
        xonxoff: the device server holds its output at XOFF from the device.
        piece: see `WallPort`.
    """

    kind: ClassVar[str] = "tcp"
    scheme: ClassVar[str] = "socket"

    def __init__(
        self,
        line: Line,
        driver: WallDriver,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        listen: bool = False,
        xonxoff: bool = False,
        piece: int | None = None,
    ) -> None:
        super().__init__(line, driver, host, port, listen=listen, piece=piece)
        self._xonxoff = xonxoff
        self._peer: Peer | None = None

    @property
    def xonxoff_in_force(self) -> bool:
        """As the port was made."""
        return self._xonxoff

    def _connection(self) -> Peer:
        return Peer(self)

    def _drop_peers(self) -> None:
        peer, self._peer = self._peer, None
        if peer is not None:
            peer.drop()

    # -- the peer ---------------------------------------------------------------------------------------------------
    def peer_came(self, peer: Peer) -> None:
        """A peer connected: the first has the line, others are turned away."""
        assert peer.transport is not None
        if self._peer is not None or self._server is None:
            self.refused += 1
            peer.transport.close()
            return
        tune(peer.transport)
        self._peer = peer
        self._collector_came()
        if self._waits_for_room:
            self._hold_reading(True)

    def peer_sent(self, peer: Peer, data: bytes) -> None:
        """Characters for the line."""
        if peer is self._peer:
            self._from_collector(data)

    def peer_left(self, peer: Peer) -> None:
        """The connection is gone."""
        if peer is self._peer:
            self._peer = None
            self._collector_left()

    def _hold_reading(self, hold: bool) -> None:
        transport = self._peer.transport if self._peer is not None else None
        if transport is not None and not transport.is_closing():
            if hold:
                transport.pause_reading()
            else:
                transport.resume_reading()

    def _hand_over(self, data: bytes) -> int:
        return len(data) if self._write(data) else 0

    def _write(self, data: bytes) -> bool:
        """Send to the peer; False when it has left so much unread that this is lost, as on a UART that overruns."""
        return self._peer is not None and self._peer.send(data)
