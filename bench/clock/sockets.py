"""TCP in simulated time: a socket that connects to an address of the hall becomes one of the hall's, there and then.

It stays a `socket.socket` with its own descriptor, which never touches the network: `select`, `selectors` and asyncio
find by it what is behind it. Any other address is connected to for real, and noticed.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

from bench.clock.actors import NEVER, Actor
from bench.clock.clockwork import Clockwork
from bench.clock.descriptors import FDS
from bench.clock.kernel import Kernel, virtual
from bench.clock.locks import deadline_of

HOP: Final = 300_000
"""ns that data is under way between two machines of an office network, one way."""

PORT_OF_OURS: Final = 49_152
"""The port that a connection seems to come from."""


class Session(Protocol):
    """The far side of one connection."""

    def received(self, data: bytes) -> None:
        """The collector's data arrived."""
        ...

    def closed(self) -> None:
        """The collector has closed its end."""
        ...


class Endpoint(Protocol):
    """Something that listens at an address of the hall."""

    kernel: Kernel

    def accept(self, stream: Stream) -> Session:
        """A collector connects.

        Raises:
            OSError: it is refused.
        """
        ...


ENDPOINTS: dict[tuple[str, int], Endpoint] = {}
"""(host, port) as a collector names them -> who listens there."""


class Stream:
    """The collector's end of a connection: what has arrived, and what it sends.

    Args:
        endpoint: the far end.
        address: of it.
    """

    def __init__(self, endpoint: Endpoint, address: tuple[str, int]) -> None:
        self.kernel = endpoint.kernel
        self.clockwork: Clockwork = endpoint.kernel.clockwork
        self.address = address
        self.arrived = bytearray()
        self.ended = False
        self.closed = False
        self._watchers: dict[Actor, None] = {}
        self._session = endpoint.accept(self)

    # -- the far side -----------------------------------------------------------------------------------------------
    def give(self, data: bytes) -> None:
        """Send data to the collector; it arrives a hop later."""
        self.clockwork.call_at(self.clockwork.now + HOP, self._arrive, data)

    def hang_up(self) -> None:
        """End the connection from the far side, a hop later."""
        self.clockwork.call_at(self.clockwork.now + HOP, self._arrive, None)

    def _arrive(self, data: bytes | None) -> None:
        if data is None:
            self.ended = True
        else:
            self.arrived += data
        for actor in self._watchers:
            self.kernel.wake(actor)

    # -- the collector's side ---------------------------------------------------------------------------------------
    def send(self, data: bytes) -> int:
        """Take data for the far side."""
        if self.ended or self.closed:
            raise BrokenPipeError(errno.EPIPE, "the far end has closed the connection")
        self.clockwork.call_at(self.clockwork.now + HOP, self._session.received, bytes(data))
        return len(data)

    def close(self) -> None:
        """End the connection from this side."""
        if not self.closed:
            self.closed = True
            self.clockwork.call_at(self.clockwork.now + HOP, self._session.closed)

    def wait(self, deadline: int) -> bool:
        """Wait until there is something to receive; False at the deadline."""
        kernel = self.kernel
        while not (self.arrived or self.ended or self.closed):
            if self.clockwork.now >= deadline:
                return False
            me = kernel.actor
            self.watch(me)
            try:
                kernel.park(deadline, f"data from {self.address[0]}:{self.address[1]}")
            finally:
                self.unwatch(me)
        return True

    # -- descriptors.Pollable ---------------------------------------------------------------------------------------
    def readable_at(self, now: int) -> int:
        """As `Pollable`."""
        return now if self.arrived or self.ended else NEVER

    def writable_at(self, now: int) -> int:
        """As `Pollable`."""
        return now

    def watch(self, actor: Actor) -> None:
        """As `Pollable`."""
        self._watchers[actor] = None

    def unwatch(self, actor: Actor) -> None:
        """As `Pollable`."""
        self._watchers.pop(actor, None)


class HallSocket(socket.socket):
    """A socket that is connected within the hall."""

    __slots__ = ()

    def _stream(self) -> Stream:
        stream = FDS.get(self.fileno())
        if not isinstance(stream, Stream):
            raise OSError(errno.EBADF, "this socket of the hall is closed")
        if virtual() is not stream.kernel:
            raise OSError(errno.ENOTSUP, "a socket of the hall, used from a thread that does not wait in its time")
        return stream

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As `socket.recv`."""
        stream = self._stream()
        timeout = self.gettimeout()
        if timeout == 0 or flags & getattr(socket, "MSG_DONTWAIT", 0):
            if not stream.arrived and not stream.ended:
                stream.kernel.spin()
                raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        elif not stream.wait(deadline_of(stream.kernel, timeout)):
            raise TimeoutError("timed out")
        data = bytes(stream.arrived[:bufsize])
        if not flags & socket.MSG_PEEK:
            del stream.arrived[:bufsize]
        if data:
            stream.kernel.busy()
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0, /) -> int:
        """As `socket.recv_into`."""
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def recvfrom(self, bufsize: int, flags: int = 0, /) -> tuple[bytes, Any]:
        """As `socket.recvfrom`."""
        return self.recv(bufsize, flags), self._stream().address

    def send(self, data: Any, flags: int = 0, /) -> int:
        """As `socket.send`: takes all of it."""
        stream = self._stream()
        stream.kernel.busy()
        return stream.send(bytes(data))

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """As `socket.sendall`."""
        self.send(data)

    def sendmsg(self, buffers: Any, *_: Any) -> int:
        """As `socket.sendmsg`."""
        return self.send(b"".join(bytes(part) for part in buffers))

    def getpeername(self) -> Any:
        """As `socket.getpeername`."""
        return self._stream().address

    def getsockname(self) -> Any:
        """As `socket.getsockname`."""
        return ("127.0.0.1", PORT_OF_OURS)

    def shutdown(self, how: int, /) -> None:
        """As `socket.shutdown`; closing one direction closes the connection once what is under way has come."""
        if how in {socket.SHUT_WR, socket.SHUT_RDWR}:
            self._stream().close()

    def connect(self, address: Any, /) -> None:
        """It is connected."""
        raise OSError(errno.EISCONN, "this socket is connected")

    def detach(self) -> int:
        """Not possible: there is no real connection to hand on."""
        raise OSError(errno.ENOTSUP, "a socket of the hall cannot be detached")

    def _real_close(self, *args: Any) -> None:
        stream = FDS.pop(self.fileno(), None)  # (the number may soon be another's)
        if isinstance(stream, Stream):
            stream.close()
        socket.socket._real_close(self)  # type: ignore[attr-defined]  # noqa: SLF001


_REAL_CONNECT: Final[Callable[..., None]] = socket.socket.connect
_REAL_ADDRESSES: Final = socket.getaddrinfo
_classes: dict[type, type] = {socket.socket: HallSocket}


def endpoint_at(address: Any) -> Endpoint | None:
    """Who listens at an address, for the calling actor."""
    kernel = virtual()
    if kernel is None or not ENDPOINTS or not isinstance(address, tuple) or len(address) < 2:
        return None
    endpoint = ENDPOINTS.get((str(address[0]), address[1]))
    return endpoint if endpoint is not None and endpoint.kernel is kernel else None


def join_hall(sock: socket.socket, endpoint: Endpoint, address: tuple[str, int]) -> None:
    """Make a socket one of the hall's, connected."""
    kernel = endpoint.kernel
    if sock.gettimeout() != 0:
        kernel.park(kernel.clockwork.now + 2 * HOP, f"a connection to {address[0]}:{address[1]}")
    stream = Stream(endpoint, address)
    cls = type(sock)
    if cls not in _classes:
        _classes[cls] = type(cls.__name__, (cls, HallSocket), {"__slots__": ()})
    sock.__class__ = _classes[cls]
    FDS[sock.fileno()] = stream


def addresses(host: Any, port: Any, kind: int = 0) -> list[Any] | None:
    """What `getaddrinfo` says of an address of the hall; None when it is none."""
    with_port = int(port) if isinstance(port, (int, str)) and str(port).isdigit() else port
    if endpoint_at((host, with_port)) is None:
        return None
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, with_port))]


@contextmanager
def installed() -> Iterator[None]:
    """Keep `socket.socket.connect` and `getaddrinfo` replaced for the block."""

    def connect(self: socket.socket, address: Any) -> None:
        endpoint = endpoint_at(address)
        if endpoint is None:
            _REAL_CONNECT(self, address)
        else:
            join_hall(self, endpoint, (str(address[0]), int(address[1])))

    def connect_ex(self: socket.socket, address: Any) -> int:
        endpoint = endpoint_at(address)
        if endpoint is None:
            return int(super(socket.socket, self).connect_ex(address))
        try:
            join_hall(self, endpoint, (str(address[0]), int(address[1])))
        except OSError as exc:
            return exc.errno or errno.ECONNREFUSED
        return 0

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        found = addresses(host, port)
        return found if found is not None else _REAL_ADDRESSES(host, port, *args, **kwargs)

    cls: Any = socket.socket
    cls.connect, cls.connect_ex = connect, connect_ex
    socket.getaddrinfo = getaddrinfo
    try:
        yield
    finally:
        del cls.connect, cls.connect_ex
        socket.getaddrinfo = _REAL_ADDRESSES
