"""TCP in simulated time: sockets, select, selectors and asyncio streams at addresses of the hall."""

from __future__ import annotations

import asyncio
import select
import selectors
import socket
import threading
import time

import pytest

from bench.clock.clockwork import Clockwork
from bench.clock.kernel import Kernel
from bench.clock.sockets import HOP
from bench.clock.standins import installed
from bench.ports import mounts
from bench.ports.hall_tcp import parse_address
from bench.ports.mounts import mounted
from bench.ports.patch import redirected
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS, Send, Stop
from firmware_sim.devices.rating_keypad import RatingKeypad
from firmware_sim.line import Line
from firmware_sim.modbus_line import ModbusLine
from protocol.modbus.mbap import Message, Splitter, encode
from timers import Ear

GATEWAY, SERVER = ("10.1.2.3", 502), ("serial.local", 4001)
ASK = b"\x04\x00\x04\x00\x02"


class Hall:
    """A Modbus line behind a gateway, and a line with one ear behind a device server."""

    def __init__(self):
        self.clock = Clockwork()
        self.kernel = Kernel(self.clock, 0, until=3600 * NS)
        settings = LineSettings()
        modbus = Line("modbus", self.clock, settings)
        station = ModbusLine("slaves", settings)
        modbus.attach(station)
        for unit in (1, 2):
            station.attach(RatingKeypad(f"keypad-{unit}"), unit)
        self.plain = Line("plain", self.clock, settings)
        self.ear = self.plain.attach(Ear())
        self.lines = {"modbus": modbus, "plain": self.plain}

    def says(self, data, at_ms):
        self.clock.call_at(round(at_ms * 1e6), self.plain.apply, self.ear, [Send(data)])


@pytest.fixture
def hall():
    hall = Hall()
    paths = {"modbus://10.1.2.3:502": "modbus", "tcp://serial.local:4001": "plain"}
    with installed(), redirected(), mounted(hall.lines, hall.kernel, paths), hall.kernel:
        yield hall


def one_answer(sock):
    splitter, messages = Splitter(), []
    while not messages:
        messages = splitter.push(sock.recv(4096))
    return messages[0]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("modbus://h:1502", ("modbus", "h", 1502)),
        ("tcp://10.0.0.1:502", ("tcp", "10.0.0.1", 502)),
        ("gw-1.example:502", ("modbus", "gw-1.example", 502)),
        ("gw:4001", ("tcp", "gw", 4001)),
        ("[fe80::1]:502", ("modbus", "fe80::1", 502)),
        ("/dev/ttyUSB0", None),
        ("hall://keypads", None),
        ("h:0", None),
        ("h:65536", None),
    ],
)
def test_addresses(text, parsed):
    """A scheme says what listens; without one port 502 is Modbus; device paths and URLs of other kinds are none."""
    assert parse_address(text) == parsed


def test_a_gateway_answers_with_true_line_time(hall):
    """Connect, request, reply: two hops in the network each way, and the frames' time on the line between."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(2)
    sock.connect(GATEWAY)
    assert hall.clock.now == 2 * HOP
    assert sock.getpeername() == GATEWAY
    sock.sendall(encode(Message(7, 1, ASK)))
    answer = one_answer(sock)
    assert (answer.transaction, answer.unit, len(answer.pdu)) == (7, 1, 6)
    frames = LineSettings().duration(8) + LineSettings().duration(9)
    assert frames < hall.clock.now - 4 * HOP < frames + 10_000_000
    sock.close()
    assert sock.fileno() == -1


def test_a_silent_slave_is_reported_by_the_gateway(hall):
    """A unit that is not there: exception 0x0B after the gateway's patience."""
    with socket.create_connection(GATEWAY, timeout=5) as sock:
        sock.sendall(encode(Message(1, 9, ASK)))
        assert one_answer(sock).pdu == b"\x84\x0b"
    assert NS < hall.clock.now < 1.1 * NS


def test_clients_take_turns_on_the_line(hall):
    """Two clients in two threads: each gets its own answers, one request at a time is on the line."""
    got = []

    def client(unit):
        with socket.create_connection(GATEWAY, timeout=5) as sock:
            for transaction in range(20):
                sock.sendall(encode(Message(transaction, unit, ASK)))
                answer = one_answer(sock)
                got.append((answer.transaction == transaction, answer.unit == unit, len(answer.pdu) == 6))

    threads = [threading.Thread(target=client, args=(unit,)) for unit in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [(True, True, True)] * 40
    assert hall.lines["modbus"].collisions == 0


def test_what_is_no_modbus_ends_the_connection(hall):
    """A gateway hangs up on a client that sends something else."""
    with socket.create_connection(GATEWAY, timeout=5) as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert sock.recv(100) == b""
        with pytest.raises(BrokenPipeError):
            sock.send(b"x")


def test_a_device_server_passes_characters(hall):
    """Characters both ways; time-outs, peeking, non-blocking reads and select as on any socket."""
    sock = socket.create_connection(SERVER, timeout=0.5)
    start = hall.clock.now
    with pytest.raises(TimeoutError):
        sock.recv(10)
    assert hall.clock.now - start == 500_000_000
    sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        sock.recv(10)
    sock.send(b"abc")
    hall.says(b"reply", hall.clock.now / 1e6 + 20)
    assert select.select([sock], [sock], [], 1) == ([], [sock], [])
    assert select.select([sock], [], [], 1) == ([sock], [], [])
    assert sock.recv(3, socket.MSG_PEEK) == b"rep"
    buffer = bytearray(10)
    assert (sock.recv_into(buffer), buffer[:5]) == (5, b"reply")
    assert hall.ear.bytes == b"abc"
    with pytest.raises(ConnectionRefusedError, match="has a client already"):
        socket.create_connection(SERVER, timeout=1)
    sock.close()
    hall.kernel.sleep(0.01)
    socket.create_connection(SERVER, timeout=1).close()


def test_a_line_is_had_by_one_kind_of_port_at_a_time(hall):
    """What a TCP client has open cannot be opened as a serial port, and the other way round."""
    import serial

    sock = socket.create_connection(SERVER, timeout=1)
    with pytest.raises(serial.SerialException, match="open already"):
        serial.serial_for_url("hall://plain")
    sock.close()
    hall.kernel.sleep(0.01)
    with serial.serial_for_url("hall://plain"), pytest.raises(ConnectionRefusedError, match="serial port"):
        socket.create_connection(SERVER, timeout=1)


def test_pyserials_own_socket_url(hall):
    """serial_for_url("socket://...") reads and times out in simulated time."""
    import serial

    with serial.serial_for_url("socket://serial.local:4001", timeout=0.3) as port:
        hall.says(b"hello", 100)
        assert port.read(5) == b"hello"
        start = time.monotonic()
        assert port.read(1) == b""
        assert time.monotonic() - start == pytest.approx(0.3, abs=0.001)


def test_selectors_and_makefile(hall):
    """A selector built by hand, and a file over a socket."""
    sock = socket.create_connection(SERVER, timeout=5)
    hall.says(b"one\ntwo\n", 50)
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        assert [key.fileobj for key, _ in selector.select(1)] == [sock]
    with sock.makefile("r") as lines:
        assert lines.readline() == "one\n"
        assert lines.readline() == "two\n"
    sock.close()


def test_asyncio_streams(hall):
    """asyncio.open_connection by name and number, readers and writers, time-outs, closing."""

    async def talk():
        reader, writer = await asyncio.open_connection(*SERVER)
        writer.write(b"hi")
        await writer.drain()
        hall.says(b"there", 40)
        assert await reader.readexactly(5) == b"there"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 2.5)
        writer.close()
        await writer.wait_closed()
        return asyncio.get_running_loop().time()

    assert asyncio.run(talk()) == pytest.approx(2.545, abs=0.003)
    assert hall.ear.bytes == b"hi"


def test_an_address_that_nobody_has_is_real(hall):
    """Any other address goes to the network: here it is refused, as it really is, and that is noticed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]  # kept, and not listened on: nobody else can have it
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", number), timeout=60)
    assert "a real network connection" in hall.kernel.noticed


def test_after_the_world_sockets_are_sockets(hall):
    """Outside, the class has no method of ours left."""
    assert "connect" in vars(socket.socket)


def test_outside_nothing_is_patched():
    """Without stand-ins `socket.socket` is the library's."""
    assert "connect" not in vars(socket.socket)


@pytest.mark.parametrize(("line", "address"), [("modbus", GATEWAY), ("plain", SERVER)])
def test_an_adapter_that_is_pulled_ends_its_connections(hall, line, address):
    """The fault port_vanish at a TCP address: the connection ends, none is made meanwhile, then all is as before."""
    mount = mounts.MOUNTS[line]
    with socket.create_connection(address, timeout=2) as sock:
        mount.vanish(True)
        assert sock.recv(100) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=2)
        with pytest.raises(BrokenPipeError):
            sock.send(b"x")
        mount.vanish(False)
    with socket.create_connection(address, timeout=2) as sock:
        if line == "modbus":
            sock.sendall(encode(Message(7, 1, ASK)))
            assert len(one_answer(sock).pdu) == 6
        else:
            hall.says(b"here", hall.clock.now / 1e6 + 5)
            assert sock.recv(100) == b"here"
    assert mount.opened == 2


def test_an_answer_to_a_client_that_has_gone_is_nobodys(hall):
    """A client closes while its request is on the line: nobody is given the answer, the next client gets its own."""
    with socket.create_connection(GATEWAY, timeout=2) as kept, socket.create_connection(GATEWAY, timeout=2) as sock:
        sock.sendall(encode(Message(1, 1, ASK)))
        time.sleep(0.005)
        sock.close()
        kept.sendall(encode(Message(2, 2, ASK)))
        assert one_answer(kept).transaction == 2


def test_more_requests_at_once_than_a_gateway_takes(hall):
    """Of 20 requests of one client in one piece 16 wait for their turn, 4 are told that the gateway is busy (0x06)."""
    with socket.create_connection(GATEWAY, timeout=30) as sock:
        sock.sendall(b"".join(encode(Message(n, 1, ASK)) for n in range(20)))
        splitter, answers = Splitter(), []
        while len(answers) < 20:
            answers += splitter.push(sock.recv(4096))
        busy = [answer.transaction for answer in answers if answer.pdu == b"\x84\x06"]
        assert busy == [16, 17, 18, 19]
        assert sorted(answer.transaction for answer in answers) == list(range(20))
        sock.sendall(encode(Message(99, 1, ASK)))
        assert len(one_answer(sock).pdu) == 6


def test_a_socket_of_the_hall_is_an_ordinary_one(hall):
    """What a program may do with a connected socket: send in pieces, ask who is there; not connect it again."""
    with socket.create_connection(SERVER, timeout=2) as sock:
        assert sock.sendmsg([b"a", bytearray(b"b"), b"c"]) == 3
        hall.says(b"xyz", 50)
        assert sock.recvfrom(2) == (b"xy", SERVER)
        assert sock.recv(9) == b"z"
        assert hall.ear.bytes == b"abc"
        with pytest.raises(OSError, match="this socket is connected"):
            sock.connect(GATEWAY)
        with pytest.raises(OSError, match="cannot be detached"):
            sock.detach()
        sock.shutdown(socket.SHUT_RD)
        assert sock.send(b"d") == 1
        sock.shutdown(socket.SHUT_WR)
    with pytest.raises(OSError, match=r"Bad file descriptor|is closed"):
        sock.recv(1)
    other = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    assert other.connect_ex(("127.0.0.9", 1)) != 0  # an address of nobody's: the system's own answer
    assert other.connect_ex(SERVER) == 0
    other.close()


def test_a_device_server_gives_what_was_really_sent(hall):
    """A burst that is cut arrives as far as it was sent; one cut before its first character does not arrive at all."""
    with socket.create_connection(SERVER, timeout=0.5) as sock:
        for after_ms, heard in ((3.5 * 1000 * 10 / 9600, b"abc"), (0, b"")):
            start = hall.clock.now + 10_000_000
            hall.clock.call_at(start, hall.plain.apply, hall.ear, [Send(b"abcdef")])
            hall.clock.call_at(start + round(after_ms * 1e6), hall.plain.apply, hall.ear, [Stop()])
            try:
                got = sock.recv(100)
            except TimeoutError:
                got = b""
            assert got == heard


def test_a_path_that_is_no_address_listens_nowhere(hall):
    """A name with a colon may be a port of another system's: it is mounted, and nothing listens."""
    with mounted(hall.lines, hall.kernel, {"COM3:": "plain"}):
        assert mounts.line_name("COM3:") == "plain"
        with pytest.raises(OSError, match=r"refused|reach|known|resolution"):
            socket.create_connection(("COM3", 1), timeout=0.5)


@pytest.mark.parametrize("echo", [False, True])
def test_a_line_with_echo_gives_a_client_its_own_characters(hall, echo):
    """As in wall time: a device server passes the echo on, a gateway does not take it for an answer."""
    for line in hall.lines.values():
        line.echo = echo
    with socket.create_connection(SERVER, timeout=1) as sock:
        sock.send(b"ping")
        if echo:
            assert sock.recv(100) == b"ping"
        else:
            with pytest.raises(TimeoutError):
                sock.recv(100)
    with socket.create_connection(GATEWAY, timeout=5) as sock:
        sock.sendall(encode(Message(7, 1, ASK)))
        assert len(one_answer(sock).pdu) == 6


def test_what_was_under_way_to_a_pulled_adapter_does_not_arrive(hall):
    """Characters sent a moment before the adapter is gone reach neither its line nor a later client's."""
    with socket.create_connection(SERVER, timeout=1) as sock:
        sock.send(b"lost")
        mounts.MOUNTS["plain"].vanish(True)
        time.sleep(1)
    mounts.MOUNTS["plain"].vanish(False)
    with socket.create_connection(SERVER, timeout=1) as sock:
        sock.send(b"kept")
        time.sleep(1)
    assert hall.ear.bytes == b"kept"
