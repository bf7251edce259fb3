"""A line's port as a Modbus TCP gateway: MBAP on a socket, RTU with its true line time behind it.

Many clients may be connected; their requests take turns on the line, as on any RS-485 bus, so each waits for those
before it. A slave that does not answer in time gives exception 0x0B, a request that finds the queue full exception
0x06. `pymodbus.client.ModbusTcpClient(HOST, port=PORT)` is such a client.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple

from bench.clock.wall import WallDriver
from bench.ports.listener import Connection, SocketPort, tune
from firmware_sim.burst import Burst
from firmware_sim.line import Line
from protocol.modbus.mbap import Message, Splitter, encode
from protocol.modbus.pdu import ExceptionCode
from protocol.modbus.rtu import BROADCAST, MAX_ADU, is_sound, reply_length, seal, t35

CLIENTS: Final = 32
"""Clients at once; further ones are turned away."""
OUTSTANDING: Final = 16
"""Requests of one client that may wait; further ones are answered with exception 0x06."""
PATIENCE_NS: Final = 1_000_000_000
"""How long a slave may take to answer, from the end of the request on the line."""
BROADCAST_PAUSE_NS: Final = 100_000_000
"""Time that slaves get to act on a broadcast, which nobody answers (MODBUS over Serial Line V1.02, 2.4.1 [K])."""

Reply = Callable[[bytes], Any]
"""Takes the PDU of an answer; empty when a broadcast is done, which has none."""


class Job(NamedTuple):
    """One request on its way to the line."""

    unit: int
    pdu: bytes
    reply: Reply
    wanted: Callable[[], bool]


class Master:
    """The gateway's RTU side: one request at a time on the line, in line time, whatever moves the clock.

    Args:
        line: the line.
        clockwork: its timers.
        send: puts characters on the line.
        patience: ns a slave may take.
    """

    def __init__(self, line: Line, clockwork: Any, send: Callable[[bytes], Any], patience: int = PATIENCE_NS) -> None:
        self._line = line
        self._clockwork = clockwork
        self._send = send
        self._patience = patience
        self._queue: deque[Job] = deque()
        self._job: Job | None = None
        self._turn = 0  # numbers what is waited for: a timer of an earlier wait does nothing
        self._sending = False
        self._frame = bytearray()
        self._last = -(1 << 62)
        self._burst: Burst | None = None  # the latest towards us; its end is earlier when it is cut
        self.silent = 0

    def ask(self, job: Job) -> None:
        """Put a request behind those that wait."""
        self._queue.append(job)
        if self._job is None:
            self._next()

    def clear(self) -> None:
        """Forget everything: nobody waits any more."""
        self._queue.clear()
        self._job = None
        self._sending = False
        self._turn += 1

    def _next(self) -> None:
        self._turn += 1
        self._job = None
        while self._queue:
            job = self._queue.popleft()
            if job.wanted():
                self._job = job
                break
        if self._job is not None:
            now = self._clockwork.now
            self._at(max(now, self._last + self._silence), self._begin)

    @property
    def _silence(self) -> int:
        settings = self._line.settings
        return t35(settings.baud, settings.char_bits)

    def _at(self, at: int, fn: Callable[[], Any]) -> None:
        self._clockwork.call_at(at, self._due, self._turn, fn)

    def _due(self, turn: int, fn: Callable[[], Any]) -> None:
        if turn == self._turn:
            fn()

    def _begin(self) -> None:
        assert self._job is not None
        self._frame.clear()
        self._sending = True
        self._send(seal(bytes((self._job.unit,)) + self._job.pdu))

    def sent(self) -> None:
        """The request is on the line to its last character."""
        if not self._sending:
            return
        self._sending = False
        assert self._job is not None
        now = self._last = self._clockwork.now
        if self._job.unit == BROADCAST:
            self._at(now + BROADCAST_PAUSE_NS, self._broadcast_done)
        else:
            self._at(now + self._patience, self._gave_up)

    def began(self, burst: Burst) -> None:
        """Characters begin to come: they belong to the frame before them, unless t3.5 lies between."""
        before = self._last if self._burst is None else max(self._last, self._burst.end)
        if burst.start - before >= self._silence:
            self._frame.clear()
        self._burst = burst

    def heard(self, data: bytes, ended: int) -> None:
        """The characters that began to come are complete now."""
        self._last = ended
        if self._job is None or self._sending or self._job.unit == BROADCAST:
            return
        if len(self._frame) <= MAX_ADU:
            self._frame += data
        length = reply_length(self._frame)
        if length is None:  # a function whose replies have no known length: its end is a silence
            self._clockwork.call_at(ended + self._silence, self._after_silence, self._turn, ended)
        elif len(self._frame) >= length:
            self._complete()

    def _after_silence(self, turn: int, ended: int) -> None:
        if turn == self._turn and self._burst is not None and self._burst.end <= ended:  # nothing began meanwhile
            self._complete()

    def _complete(self) -> None:
        job, frame = self._job, bytes(self._frame)
        self._frame.clear()
        assert job is not None
        if is_sound(frame) and frame[0] == job.unit and frame[1] & 0x7F == job.pdu[0]:
            self._finish(frame[1:-2])

    def _broadcast_done(self) -> None:
        self._finish(b"")

    def _gave_up(self) -> None:
        assert self._job is not None
        self.silent += 1
        self._finish(bytes((self._job.pdu[0] | 0x80, ExceptionCode.GATEWAY_TARGET_SILENT)))

    def _finish(self, pdu: bytes) -> None:
        assert self._job is not None
        self._job.reply(pdu)
        self._next()


class Client(Connection):
    """One Modbus TCP connection."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        self._gateway = gateway
        self._splitter = Splitter()
        self.outstanding = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        super().connection_made(transport)
        tune(transport)
        self._gateway.client_came(self)

    def data_received(self, data: bytes) -> None:
        """It sent something."""
        for message in self._splitter.push(data):
            self._gateway.request(self, message)
        if self._splitter.broken is not None:
            self._gateway.not_modbus += 1
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone; what it asked for is not sent any more."""
        self.transport = None
        self._gateway.client_left(self)

    def answer(self, message: Message) -> None:
        """Send it an answer, unless it is gone; drop it when it has left too much unread."""
        if not self.send(encode(message)) and self.connected:
            self.drop()


class Gateway(SocketPort):
    """The collector's end of a line as a Modbus TCP server; arguments as `bench.ports.tcp.TcpPort`.

    Args:
        line: whose end this is.
        driver: the clock.
        host: address to listen on.
        port: number to listen on; 0 takes a free one, and keeps it.
        listen: an address that other machines reach is meant.
        patience: ns a slave may take to answer before exception 0x0B.

    Attributes:
        busy: requests answered with exception 0x06 because too many waited.
        not_modbus: clients dropped because what they sent is not Modbus TCP.
    """

    kind: ClassVar[str] = "gateway"
    scheme: ClassVar[str] = "modbus-tcp"
    title: ClassVar[str] = "gateway"

    def __init__(
        self,
        line: Line,
        driver: WallDriver,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        listen: bool = False,
        patience: int = PATIENCE_NS,
    ) -> None:
        super().__init__(line, driver, host, port, listen=listen, piece=0)
        self._clients: set[Client] = set()
        self._master = Master(line, driver.clockwork, self._put_on_line, patience)
        self.busy = 0
        self.not_modbus = 0

    def _connection(self) -> Client:
        return Client(self)

    def _drop_peers(self) -> None:
        for client in [*self._clients]:
            client.drop()
        self._clients.clear()
        self._master.clear()

    # -- clients ----------------------------------------------------------------------------------------------------
    def client_came(self, client: Client) -> None:
        """A client connected; one too many is turned away."""
        if self._server is None or len(self._clients) >= CLIENTS:
            self.refused += 1
            client.drop()
            return
        self._clients.add(client)
        if self.is_open:
            self.opened += 1
        else:
            self._collector_came()

    def client_left(self, client: Client) -> None:
        """A client is gone."""
        if client in self._clients:
            self._clients.discard(client)
            if not self._clients:
                self._collector_left()

    def request(self, client: Client, message: Message) -> None:
        """Let a client's request take its turn on the line."""
        transaction, unit, pdu = message
        self.received += len(pdu)
        if client.outstanding >= OUTSTANDING:
            self.busy += 1
            client.answer(Message(transaction, unit, bytes((pdu[0] | 0x80, ExceptionCode.SERVER_DEVICE_BUSY))))
            return
        client.outstanding += 1

        def reply(answer: bytes) -> None:
            client.outstanding -= 1
            if answer:
                self.delivered += len(answer)
                client.answer(Message(transaction, unit, answer))

        self._safely(self._master.ask, Job(unit, pdu, reply, lambda: client.connected))

    # -- the line ---------------------------------------------------------------------------------------------------
    def _put_on_line(self, data: bytes) -> None:
        if self._transmitter is not None and self.line.master is self._transmitter:
            self.line.transmit(self._transmitter, data)

    def incoming(self, burst: Burst) -> None:
        """A burst towards us has begun: heard whoever is connected; our own echo is not."""
        if burst.src is not self._transmitter:
            self._master.began(burst)
            self._expect(burst)

    def _forget_unread(self) -> None:
        """Nothing: an answer on its way is the gateway's own, and tells it when the line is free."""

    def transmitted(self) -> None:
        """A request is on the line."""
        self._master.sent()

    def _give(self, burst: Burst, data: bytes, due: int) -> None:
        self.driver.until_due()
        self._master.heard(data, due)
        self.driver.frame_left(due)

    def _hand_over(self, data: bytes) -> int:
        return len(data)

    def _hold_reading(self, hold: bool) -> None:
        """What clients ask for is bounded by request, not by character."""

    def describe(self) -> dict[str, Any]:
        """As any port; with the clients now connected and what was refused."""
        return super().describe() | {
            "clients": len(self._clients),
            "busy": self.busy,
            "silent": self._master.silent,
            "not_modbus": self.not_modbus,
        }
