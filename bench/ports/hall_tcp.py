"""TCP addresses of the hall in simulated time: a Modbus TCP gateway, or a device server that passes characters on.

`modbus://HOST:PORT` is a gateway: MBAP on the socket, RTU with its true line time behind it, and the clients' requests
take turns. `tcp://HOST:PORT` is a device server: characters as they are, for one client at a time. `HOST:PORT` alone is
a gateway on port 502 and a device server on any other. A hop in the network takes `bench.clock.sockets.HOP`.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING, Any, Final

from bench.clock.sockets import ENDPOINTS, Stream
from bench.ports.gateway import OUTSTANDING, Job, Master
from firmware_sim.burst import Burst, LineSettings
from firmware_sim.line import Transmitter
from protocol.modbus.mbap import Message, Splitter, encode
from protocol.modbus.pdu import ExceptionCode

if TYPE_CHECKING:
    from bench.ports.mounts import Mount

MODBUS_PORT: Final = 502
_ADDRESS: Final = re.compile(r"^(?:(?P<scheme>modbus|tcp)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+):(?P<port>\d{1,5})$")


def parse_address(text: str) -> tuple[str, str, int] | None:
    """(scheme, host, port) of an address as above; None when the text is none (a device path, another kind of URL)."""
    found = _ADDRESS.match(text)
    if found is None or not 0 < int(found["port"]) < 1 << 16:
        return None
    port = int(found["port"])
    scheme = found["scheme"] or ("modbus" if port == MODBUS_PORT else "tcp")
    return scheme, found["host"].strip("[]"), port


class _Listener:
    """Something that listens at an address and has the collector's end of a line while anybody is connected."""

    def __init__(self, mount: Mount) -> None:
        self.mount = mount
        self.kernel = mount.kernel
        self.line = mount.line
        self.clockwork = mount.kernel.clockwork
        self.sessions: list[Any] = []
        self._transmitter: Transmitter | None = None
        self.xonxoff_in_force = False
        self.settings: LineSettings = mount.line.settings

    def _take_line(self) -> None:
        if self.mount.gone:
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"line {self.line.name} has no adapter now")
        if self._transmitter is not None:
            return
        if self.mount.holder is not None:
            raise ConnectionRefusedError(
                errno.ECONNREFUSED, f"line {self.line.name} is open in this program as a serial port"
            )
        self.mount.holder = lambda: self
        self.line, self.settings = self.mount.line, self.mount.line.settings  # another's when ports changed places
        self._transmitter = self.line.attach_port(self)

    def left(self, session: Any) -> None:
        """A client is gone."""
        if session in self.sessions:
            self.sessions.remove(session)
        if not self.sessions:
            self.hang_up()

    def hang_up(self) -> None:
        """Leave the line."""
        if self._transmitter is not None:
            if self.line.master is self._transmitter:
                self.line.attach_port(None)
            self._transmitter = None
            self.mount.holder = None

    def vanish(self) -> None:
        """The adapter disappears (a fault): every connection ends, and none is made until it is back."""
        for session in [*self.sessions]:
            session.stream.hang_up()
            session.closed()

    def _send(self, data: bytes) -> None:
        if self._transmitter is not None:
            self.line.transmit(self._transmitter, data)

    # -- firmware_sim.line.PortEnd ----------------------------------------------------------------------------------
    def incoming(self, burst: Burst) -> None:
        """A burst towards us has begun; on a line with echo it may be our own."""
        self.clockwork.call_at(burst.end, self._complete, burst)

    def _complete(self, burst: Burst) -> None:
        if burst.data:  # one that was cut may have none left
            self.heard(burst)

    def heard(self, burst: Burst) -> None:
        """A burst is complete."""
        raise AssertionError("each kind of listener hears in its own way")

    def transmitted(self) -> None:
        """Characters left our transmitter."""


class Gateway(_Listener):
    """A Modbus TCP gateway."""

    def __init__(self, mount: Mount) -> None:
        super().__init__(mount)
        self.master = Master(mount.line, self.clockwork, self._send)

    def accept(self, stream: Stream) -> _Client:
        """A client connects."""
        if not self.sessions:
            self.master = Master(self.mount.line, self.clockwork, self._send)
        self._take_line()
        self.mount.opened += 1
        client = _Client(self, stream)
        self.sessions.append(client)
        return client

    def incoming(self, burst: Burst) -> None:
        """A burst towards us has begun; our own echo is no answer."""
        if burst.src is not self._transmitter:
            self.master.began(burst)
            super().incoming(burst)

    def heard(self, burst: Burst) -> None:
        """A burst is complete."""
        self.master.heard(bytes(burst.data), burst.end)

    def transmitted(self) -> None:
        """A request is on the line."""
        self.master.sent()

    def hang_up(self) -> None:
        """Leave the line; nobody waits any more."""
        self.master.clear()
        super().hang_up()


class _Client:
    """One client of a gateway (a `bench.clock.sockets.Session`)."""

    def __init__(self, gateway: Gateway, stream: Stream) -> None:
        self._gateway = gateway
        self.stream = stream
        self._splitter = Splitter()
        self._outstanding = 0
        self._connected = True

    def received(self, data: bytes) -> None:
        """Requests, or parts of some."""
        for message in self._splitter.push(data):
            self._request(message)
        if self._splitter.broken is not None and self._connected:
            self.stream.hang_up()
            self.closed()

    def _request(self, message: Message) -> None:
        transaction, unit, pdu = message
        if self._outstanding >= OUTSTANDING:
            refusal = bytes((pdu[0] | 0x80, ExceptionCode.SERVER_DEVICE_BUSY))
            self.stream.give(encode(Message(transaction, unit, refusal)))
            return
        self._outstanding += 1

        def reply(answer: bytes) -> None:
            self._outstanding -= 1
            if answer and self._connected:
                self.stream.give(encode(Message(transaction, unit, answer)))

        self._gateway.master.ask(Job(unit, pdu, reply, lambda: self._connected))

    def closed(self) -> None:
        """It is gone; what it asked for is not sent any more."""
        self._connected = False
        self._gateway.left(self)


class DeviceServer(_Listener):
    """A serial device server: one client at a time has the line."""

    def accept(self, stream: Stream) -> _Peer:
        """A client connects; a second one is turned away."""
        if self.sessions:
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"line {self.line.name} has a client already")
        self._take_line()
        self.mount.opened += 1
        peer = _Peer(self, stream)
        self.sessions.append(peer)
        return peer

    def heard(self, burst: Burst) -> None:
        """A burst is complete."""
        for peer in self.sessions:
            peer.stream.give(bytes(burst.data))


class _Peer:
    """The client of a device server."""

    def __init__(self, server: DeviceServer, stream: Stream) -> None:
        self._server = server
        self.stream = stream

    def received(self, data: bytes) -> None:
        """Characters for the line."""
        self._server._send(data)  # noqa: SLF001 - its own server

    def closed(self) -> None:
        """It is gone."""
        self._server.left(self)


KINDS: Final[dict[str, type[Gateway | DeviceServer]]] = {"modbus": Gateway, "tcp": DeviceServer}


def listen(address: str, mount: Mount) -> tuple[str, int] | None:
    """Let something listen at an address; returns under what key, None when the text is no address."""
    parsed = parse_address(address)
    if parsed is None:
        return None
    scheme, host, port = parsed
    ENDPOINTS[host, port] = KINDS[scheme](mount)
    return host, port
