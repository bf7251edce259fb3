"""The Modbus TCP gateway: line time behind it, turns, silence, limits, and pymodbus as its client."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.client import AsyncModbusTcpClient, ModbusTcpClient

from bench.clock.clockwork import Clockwork
from bench.clock.wall import WallDriver, make_loop
from bench.ports.gateway import BROADCAST_PAUSE_NS, CLIENTS, OUTSTANDING, PATIENCE_NS, Client, Gateway, Job, Master
from bench.ports.listener import UNREAD_LIMIT
from firmware_sim.burst import LineSettings
from firmware_sim.device import Send
from firmware_sim.line import Line
from firmware_sim.modbus_line import ModbusLine
from modbus_rig import Bank
from protocol.modbus.mbap import Message, Splitter, encode
from protocol.modbus.rtu import seal, t35
from timers import Ear

READ_10 = b"\x03\x00\x00\x00\x0a"


# -- the RTU side, in simulated time ----------------------------------------------------------------------------------
class Rtu:
    """A master on a line with banks 1 to 3, driven as a gateway does; every answer with its instant."""

    def __init__(self, text: str = "9600 8N1", echo: bool = False) -> None:
        self.clock = Clockwork()
        line_settings = LineSettings.parse(text)
        self.line = Line("bus", self.clock, line_settings, echo=echo)
        self.station = ModbusLine("slaves", line_settings)
        self.line.attach(self.station)
        for unit in (1, 2, 3):
            self.station.attach(Bank(f"bank-{unit}"), unit)
        loop = make_loop(1)
        loop.close()  # nothing here waits for the wall
        self.gateway = Gateway(self.line, WallDriver(self.clock, loop))
        self.gateway._take_line()
        self.master: Master = self.gateway._master
        self.bursts: list[tuple[int, str, bytes, int]] = []
        self.line.on_burst(lambda start, _line, src, data, _flaws, end: self.bursts.append((start, src, data, end)))
        self.answers: list[tuple[int, bytes]] = []

    def ask(self, unit: int, pdu: bytes, wanted: bool = True) -> None:
        self.master.ask(Job(unit, pdu, lambda answer: self.answers.append((self.clock.now, answer)), lambda: wanted))

    def run(self, seconds: float = 10) -> None:
        self.clock.advance_to(self.clock.now + round(seconds * 1e9))


def rtu_with(ear_says):
    """A gateway's master on a line with one ear that answers whatever it hears with `ear_says`."""
    rtu = Rtu()
    rtu.line = Line("bus", rtu.clock)
    ear = rtu.line.attach(Ear())
    ear.answer = lambda _now, _data: ear_says
    rtu.gateway = Gateway(rtu.line, rtu.gateway.driver)
    rtu.gateway._take_line()
    rtu.master = rtu.gateway._master
    return rtu


def test_an_answer_takes_its_line_time():
    """Ten registers at 9600 8N1: request 8 characters, turnaround, reply 25 characters, and not a ns less."""
    rtu = Rtu()
    rtu.ask(1, READ_10)
    rtu.run()
    ((at, pdu),) = rtu.answers
    assert pdu == b"\x03\x14" + bytes(20)
    line = rtu.line.settings
    assert at == line.duration(8) + rtu.station.turnaround + line.duration(25)


def test_requests_keep_t35_between_each_other():
    """However many wait, each begins at least t3.5 after the last character before it."""
    rtu = Rtu()
    for n in range(20):
        rtu.ask(1 + n % 3, READ_10)
    rtu.run()
    assert len(rtu.answers) == 20
    silence = t35(9600, 10)
    for before, after in zip(rtu.bursts, rtu.bursts[1:], strict=False):
        if after[1] == "port":
            assert after[0] - before[3] >= silence


@pytest.mark.parametrize("echo", [False, True])
def test_a_silent_slave_gives_exception_0b(echo):
    """A unit that is not there is waited for as long as patience says, then 0x0B; an echo is no answer."""
    rtu = Rtu(echo=echo)
    rtu.ask(99, READ_10)
    rtu.ask(1, READ_10)
    rtu.run()
    assert [pdu for _, pdu in rtu.answers] == [b"\x83\x0b", b"\x03\x14" + bytes(20)]
    assert rtu.answers[0][0] == rtu.line.settings.duration(8) + PATIENCE_NS
    assert rtu.master.silent == 1


def test_a_broadcast_is_not_answered():
    """Unit 0 goes on the line once, nobody is answered, and the line rests for a moment."""
    rtu = Rtu()
    rtu.ask(0, b"\x06\x00\x01\x00\x07")
    rtu.ask(2, b"\x03\x00\x01\x00\x01")
    rtu.run()
    assert [pdu for _, pdu in rtu.answers] == [b"", b"\x03\x02\x00\x07"]
    assert rtu.bursts[1][0] - rtu.bursts[0][3] >= BROADCAST_PAUSE_NS


@pytest.mark.parametrize("characters", [0, 1, 8, 9, 20, 33])
def test_the_last_client_may_leave_at_any_moment(characters):
    """Whoever comes and goes while a request or its answer is on the line, the gateway hears the answer's end."""
    rtu = Rtu()
    rtu.gateway._collector_came()
    rtu.ask(1, READ_10)
    rtu.clock.advance_to(rtu.line.settings.duration(characters))
    rtu.gateway._collector_left()
    rtu.gateway._collector_came()
    rtu.ask(2, READ_10)
    rtu.run()
    assert [pdu for _, pdu in rtu.answers] == [b"\x03\x14" + bytes(20)] * 2
    assert rtu.master.silent == 0


def test_exceptions_of_a_slave_are_passed_on():
    """What a slave refuses, the client is told in the slave's words."""
    rtu = Rtu()
    rtu.ask(1, b"\x03\xff\x00\x00\x0a")
    rtu.run()
    assert rtu.answers[0][1] == b"\x83\x02"


def test_a_client_that_left_is_not_asked_for():
    """A waiting request whose client has gone never reaches the line."""
    rtu = Rtu()
    rtu.ask(1, READ_10)
    rtu.ask(2, READ_10, wanted=False)
    rtu.ask(3, READ_10)
    rtu.run()
    assert [data[0] for _, src, data, _ in rtu.bursts if src == "port"] == [1, 3]


@pytest.mark.parametrize(
    "said, passed",
    [
        (seal(b"\x09\x03\x02\x00\x01"), False),
        (seal(b"\x01\x04\x02\x00\x01"), False),
        (seal(b"\x01\x03\x02\x00\x01")[:-1] + b"\x00", False),
        (seal(b"\x01\x03\x02\x00\x01"), True),
        (seal(b"\x01\x83\x06"), True),
    ],
    ids=["another unit", "another function", "wrong check", "the answer", "an exception"],
)
def test_only_the_answer_is_an_answer(said, passed):
    """What another unit says, another function, or a damaged frame is not passed on: the client gets 0x0B."""
    rtu = rtu_with([Send(said, 5_000_000)])
    rtu.ask(1, b"\x03\x00\x00\x00\x01")
    rtu.run()
    assert rtu.answers[0][1] == (said[1:-2] if passed else b"\x83\x0b")


def test_a_function_of_unknown_length_ends_by_silence():
    """A private function's answer is taken after t3.5 without a character."""
    rtu = rtu_with([Send(seal(b"\x01\x64hello"))])
    rtu.ask(1, b"\x64\x00")
    rtu.run()
    at, pdu = rtu.answers[0]
    assert pdu == b"\x64hello"
    assert at == rtu.line.settings.duration(5) + rtu.line.settings.duration(9) + t35(9600, 10)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.binary(min_size=1, max_size=40)), min_size=1, max_size=6))
def test_every_request_is_answered_once_and_in_turn(requests):
    """Whatever is asked of whomever, each request gets one answer of its function, in the order of asking."""
    rtu = Rtu("115200 8N1")
    for unit, pdu in requests:
        rtu.ask(unit, pdu)
    rtu.run(20)
    assert [answer[0] & 0x7F for _, answer in rtu.answers] == [pdu[0] & 0x7F for _, pdu in requests]


# -- on a socket ------------------------------------------------------------------------------------------------------
class Hall:
    """A gateway with banks 1 to 3 in a thread of its own."""

    def __init__(self) -> None:
        self.clock = Clockwork()
        self.loop = make_loop(4)
        self.driver = WallDriver(self.clock, self.loop)
        line_settings = LineSettings(115200)
        self.line = Line("bus", self.clock, line_settings)
        station = ModbusLine("slaves", line_settings)
        self.line.attach(station)
        for unit in (1, 2, 3):
            bank = Bank(f"bank-{unit}")
            station.attach(bank, unit)
        self.gateway = Gateway(self.line, self.driver)
        self.thread = threading.Thread(target=self.loop.run_forever)

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def look(self, what):
        async def there():
            return what()

        return self.run(there())

    @property
    def number(self) -> int:
        return int(self.gateway.url.rpartition(":")[2])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.number), timeout=60)


@pytest.fixture
def hall():
    hall = Hall()
    hall.thread.start()
    hall.run(hall.gateway.open())
    hall.loop.call_soon_threadsafe(hall.driver.start)
    yield hall

    async def end():
        hall.driver.stop()
        await hall.gateway.close()
        await asyncio.sleep(0.02)

    hall.run(end())
    hall.loop.call_soon_threadsafe(hall.loop.stop)
    hall.thread.join()
    hall.loop.close()
    assert hall.driver.failure is None


def receive(peer: socket.socket, count: int) -> list[Message]:
    splitter, found = Splitter(), []
    while len(found) < count:
        data = peer.recv(4096)
        assert data, f"closed after {len(found)} of {count} messages"
        found += splitter.push(data)
    return found


def test_pymodbus_reads_and_writes(hall):
    """pymodbus's synchronous client sees the slaves behind the gateway by unit."""
    with ModbusTcpClient("127.0.0.1", port=hall.number, timeout=30) as client:
        for unit in (1, 2, 3):
            assert not client.write_registers(5, [unit, 2, 3], device_id=unit).isError()
        for unit in (1, 2, 3):
            assert client.read_holding_registers(5, count=3, device_id=unit).registers == [unit, 2, 3]
        refused = client.read_holding_registers(5, count=3, device_id=77)
        assert refused.exception_code == 0x0B
        assert client.read_holding_registers(60_000, count=3, device_id=1).exception_code == 2


def test_pymodbus_async_with_many_requests_at_once(hall):
    """Requests that one client sends without waiting are answered, each to its transaction."""

    async def main():
        client = AsyncModbusTcpClient("127.0.0.1", port=hall.number, timeout=30)
        await client.connect()
        await asyncio.gather(*(client.write_register(n, 100 + n, device_id=1) for n in range(10)))
        found = await asyncio.gather(*(client.read_holding_registers(n, device_id=1) for n in range(10)))
        client.close()
        return [reply.registers for reply in found]

    assert asyncio.run(main()) == [[100 + n] for n in range(10)]


def test_several_clients_take_turns(hall):
    """Each client gets the answers to its own requests, with its own transaction numbers."""
    peers = [hall.connect() for _ in range(5)]
    for n, peer in enumerate(peers):
        for turn in range(4):
            peer.sendall(encode(Message(1000 * n + turn, 1 + n % 3, READ_10)))
    for n, peer in enumerate(peers):
        found = receive(peer, 4)
        assert [m.transaction for m in found] == [1000 * n + turn for turn in range(4)]
        assert {m.unit for m in found} == {1 + n % 3}
        peer.close()


def test_too_many_requests_of_one_client(hall):
    """Beyond so many that wait, the client is told that the server is busy; none is lost."""
    count = 3 * OUTSTANDING
    with hall.connect() as peer:
        peer.sendall(b"".join(encode(Message(n, 1, READ_10)) for n in range(count)))
        found = receive(peer, count)
    busy = [m.transaction for m in found if m.pdu == b"\x83\x06"]
    assert sorted(m.transaction for m in found) == list(range(count))
    assert busy
    assert hall.gateway.busy == len(busy)


def test_too_many_clients(hall):
    """One more client than there may be is closed and counted; the others keep working."""
    peers = [hall.connect() for _ in range(CLIENTS)]
    while hall.look(lambda: len(hall.gateway._clients)) < CLIENTS:
        pass
    with hall.connect() as extra, contextlib.suppress(ConnectionError):
        assert extra.recv(1) == b""
    assert hall.gateway.refused == 1
    peers[7].sendall(encode(Message(1, 2, READ_10)))
    assert receive(peers[7], 1)[0].unit == 2
    for peer in peers:
        peer.close()


def test_what_is_not_modbus_ends_the_connection(hall):
    """A client that speaks something else is dropped and counted; the next is served."""
    with hall.connect() as peer, contextlib.suppress(ConnectionError):
        peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert peer.recv(100) == b""
    assert hall.gateway.not_modbus == 1
    with hall.connect() as peer:
        peer.sendall(encode(Message(9, 3, READ_10)))
        assert receive(peer, 1)[0].transaction == 9


def test_a_client_that_vanishes_does_not_hold_the_line(hall):
    """A client that goes in the middle of its request costs the next one nothing but the turn."""
    with hall.connect() as peer:
        peer.sendall(encode(Message(1, 1, READ_10)))
    with hall.connect() as peer:
        peer.sendall(encode(Message(2, 2, READ_10)))
        assert receive(peer, 1) == [Message(2, 2, b"\x03\x14" + bytes(20))]
    assert hall.look(lambda: hall.gateway._master.silent) == 0


def test_unplugged_and_plugged_in_again(hall):
    """Clients are cut off; under the same number the gateway serves again."""
    number = hall.number
    with hall.connect() as peer, contextlib.suppress(ConnectionError):
        while not hall.look(lambda: hall.gateway.is_open):
            pass
        hall.run(hall.gateway.unplug())
        assert peer.recv(1) == b""
    hall.run(hall.gateway.replug())
    assert hall.number == number
    with hall.connect() as peer:
        peer.sendall(encode(Message(3, 1, READ_10)))
        assert receive(peer, 1)[0].transaction == 3
    described = hall.look(hall.gateway.describe)
    assert described["kind"] == "gateway"


def test_what_comes_when_nothing_was_asked_is_no_answer():
    """Characters after the answer are nobody's: the next request is answered by its own answer."""
    answer = seal(b"\x01\x03\x02\x00\x01")
    rtu = rtu_with([Send(answer), Send(seal(b"\x01\x03\x02\xff\xff"), 50_000_000)])
    for _ in range(2):
        rtu.ask(1, b"\x03\x00\x00\x00\x01")
        rtu.run()
    assert [pdu for _, pdu in rtu.answers] == [answer[1:-2]] * 2


def test_a_pause_shorter_than_t35_does_not_end_an_answer():
    """An answer of unknown length in two pieces is one frame as long as no t3.5 lies between them."""
    answer = seal(b"\x01\x64hello")
    rtu = rtu_with([Send(answer[:4]), Send(answer[4:], Line("x", Clockwork()).settings.duration(4) + 3_000_000)])
    rtu.ask(1, b"\x64\x00")
    rtu.run()
    assert rtu.answers[0][1] == answer[1:-2]


def test_a_slave_that_goes_on_and_on_is_no_answer():
    """More characters without a pause than a frame may have are not gathered; the client gets 0x0B."""
    rtu = rtu_with([Send(b"\x64" * 200) for _ in range(5)])
    most = []
    rtu.line.on_burst(lambda *_: most.append(len(rtu.master._frame)))  # when one has ended, and is not heard yet
    rtu.ask(1, b"\x64\x00")
    rtu.run()
    assert [pdu for _, pdu in rtu.answers] == [b"\xe4\x0b"]
    assert 256 < max(most) <= 256 + 200


class Unread(asyncio.Transport):
    """A connection whose other end reads nothing."""

    def __init__(self):
        super().__init__()
        self.waiting = 0
        self.aborted = False

    def get_write_buffer_size(self):
        return self.waiting

    def is_closing(self):
        return self.aborted

    def write(self, data):
        self.waiting += len(data)

    def abort(self):
        self.aborted = True


def test_a_client_that_leaves_its_answers_unread_is_dropped():
    """What waits for a client is bounded; once dropped it is sent nothing, and nothing of it is asked any more."""
    client = Client(Rtu().gateway)
    transport = Unread()
    client.transport = transport
    answer = Message(1, 1, bytes(250))
    while not transport.aborted:
        client.answer(answer)
        assert transport.waiting <= UNREAD_LIMIT + 300
    assert transport.waiting > UNREAD_LIMIT
    assert not client.connected
    client.answer(answer)
    client.transport = None
    client.answer(answer)
    assert transport.waiting <= UNREAD_LIMIT + 300
