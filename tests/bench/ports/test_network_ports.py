"""TCP and RFC 2217 ports: who may have the line, peers that misbehave, where they listen."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
import serial

from bench.clock.clockwork import Clockwork
from bench.clock.wall import WallDriver, make_loop
from bench.ports import listener
from bench.ports.gateway import Gateway
from bench.ports.listener import UNREAD_LIMIT, is_loopback
from bench.ports.rfc2217 import LONGEST_COMMAND, Rfc2217Port
from bench.ports.tcp import TcpPort
from bench.ports.wall_port import PortUnavailable
from firmware_sim.device import Send
from firmware_sim.line import Line
from port_benches import PATIENCE_S, port_bench

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")

IAC, SB, SE, WILL, COM_PORT = 255, 250, 240, 251, 44


@pytest.fixture(params=["tcp", "rfc2217"])
def bench(request, tmp_path):
    with port_bench(request.param, tmp_path, "115200 8N1") as bench:
        yield bench


@pytest.fixture
def rfc2217(tmp_path):
    with port_bench("rfc2217", tmp_path, "115200 8N1") as bench:
        yield bench


def connect(bench) -> socket.socket:
    host, _, number = bench.address.partition("://")[2].partition(":")
    return socket.create_connection((host, int(number)), timeout=PATIENCE_S)


def closed(peer: socket.socket) -> bool:
    """Whether the other side ends the connection (what it says before does not matter)."""
    with contextlib.suppress(ConnectionError):
        while peer.recv(4096):
            pass
    return True


def flood(peer: socket.socket) -> None:
    for _ in range(2000):
        peer.sendall(bytes(65536))


def test_a_second_peer_is_turned_away_and_counted(bench):
    """The first peer keeps the line; a second is closed, and counted as refused."""
    with connect(bench) as first:
        bench.opened()
        with connect(bench) as second:
            assert closed(second)
        first.sendall(b"abc")
        assert bench.heard(3) == b"abc"
        assert bench.port.refused == 1
        assert bench.port.opened == 1


def test_the_line_is_free_again_when_its_peer_goes(bench):
    """A peer that closes, or dies with a reset, leaves the line to the next one."""
    for how in ("close", "reset", "close"):
        with connect(bench) as peer:
            bench.opened()
            if how == "reset":
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        assert bench.wait(lambda: bench.port.is_open, lambda is_open: not is_open) is False
    assert bench.port.opened == 3
    assert bench.port.refused == 0


def test_a_thousand_connections_cost_nothing(bench):
    """1,000 peers, 50 at a time, while the first has the line: each is turned away, and the first keeps working."""
    with connect(bench) as first:
        bench.opened()
        for so_far in range(0, 1000, 50):
            crowd = [connect(bench) for _ in range(50)]
            for peer in crowd:
                assert closed(peer)
                peer.close()
            bench.wait(lambda: bench.port.refused, lambda refused, due=so_far + 50: refused == due)
        assert bench.port.refused == 1000
        first.sendall(b"abc")
        assert bench.heard(3) == b"abc"


def test_vanished_peers_are_looked_for(bench):
    """The system watches a connection for a peer that is gone without a word."""
    with connect(bench):
        bench.opened()
        sock = bench.do(lambda: bench.port._peer.transport.get_extra_info("socket"))
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_a_peer_that_does_not_read(bench, monkeypatch):
    """What a peer leaves unread is bounded: beyond it characters are lost, and counted.

    Linux gives up who reads nothing for the time of TCP_USER_TIMEOUT as well; here that may take longer.
    """
    patient = [option for option in listener._ALIVE if option[0] != "TCP_USER_TIMEOUT"]
    monkeypatch.setattr(listener, "_ALIVE", patient)
    bench.do(bench.driver.set_speed, 1000)
    with connect(bench) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        bench.opened()
        for _ in range(200):
            bench.says(bytes(60_000))
            bench.wait(lambda: bench.line.unsent() + len(bench.port._pending), lambda waiting: waiting == 0)
            if bench.port.overruns:
                break
        size = bench.do(lambda: bench.port._peer.transport.get_write_buffer_size())
        assert bench.port.overruns > 0
        assert size <= UNREAD_LIMIT + 60_000


def test_a_peer_that_floods(bench):
    """However much a peer sends, a transmitter full of it is taken: the rest waits in the kernels."""
    with connect(bench) as peer:
        peer.settimeout(0.2)
        with pytest.raises(TimeoutError):
            flood(peer)
        assert bench.do(bench.line.unsent) < 400_000


def test_port_zero_keeps_its_number(bench):
    """The number that a port got is kept over unplugging, so that a collector finds it again."""
    before = bench.address
    bench.run(bench.port.unplug())
    with pytest.raises(OSError):
        connect(bench)
    bench.run(bench.port.replug())
    assert bench.address == before
    with connect(bench) as peer:
        peer.sendall(b"x")
        assert bench.heard(1) == b"x"


# -- RFC 2217 ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "junk",
    [
        bytes((IAC, SE)),
        bytes((IAC, SB, COM_PORT, 1, 0, IAC, SE)),
        bytes((IAC, SB, COM_PORT, 3, 99, IAC, SE)),
        bytes((IAC, SB)) + bytes(LONGEST_COMMAND + 10),
    ],
    ids=["end without beginning", "baud rate cut short", "no such parity", "a command without end"],
)
def test_a_client_that_speaks_something_else_is_dropped(rfc2217, junk):
    """Bytes that are no Telnet command end the connection; the port goes on for the next client."""
    with connect(rfc2217) as peer:
        peer.sendall(junk)
        assert closed(peer)
    rfc2217.wait(lambda: rfc2217.port.is_open, lambda is_open: not is_open)
    assert rfc2217.port.protocol_errors == 1
    with rfc2217.open() as port:
        port.write(b"fine")
        assert rfc2217.heard(4) == b"fine"


def test_a_command_takes_effect_where_it_stands(tmp_path):
    """Characters before a change of the baud rate go at the old one, those after it at the new one."""
    with port_bench("rfc2217", tmp_path, "9600 8N1") as bench, connect(bench) as peer:
        bench.opened()
        baud = bytes((IAC, SB, COM_PORT, 1)) + (19200).to_bytes(4, "big") + bytes((IAC, SE))
        peer.sendall(b"good" + baud)
        assert bench.heard(4) == b"good"
        assert bench.wait(lambda: bench.port.settings.baud, lambda baud: baud == 19200) == 19200


def test_rts_and_dtr_reach_the_line(rfc2217):
    """What the client drives stands on the line."""
    with rfc2217.open() as port:
        port.rts = False
        assert rfc2217.wait(lambda: rfc2217.line.rts, lambda rts: not rts) is False
        assert rfc2217.line.dtr
        port.dtr = False
        assert rfc2217.wait(lambda: rfc2217.line.dtr, lambda dtr: not dtr) is False


def test_pyserials_own_polling_of_the_settings(rfc2217):
    """A client that asks for what is in force is told."""
    with rfc2217.open(baudrate=38400, bytesize=7, parity="E", stopbits=2, xonxoff=True) as port:
        seen = rfc2217.seen_settings
        assert str(seen) == "38400 7E2"
        assert rfc2217.do(lambda: rfc2217.port.xonxoff_in_force)
        port.xonxoff = False
        assert not rfc2217.wait(lambda: rfc2217.port.xonxoff_in_force, lambda on: not on)


# -- where they listen ------------------------------------------------------------------------------------------------
def offer(cls, **options):
    loop = make_loop(1)
    clock = Clockwork()
    port = cls(Line("bus", clock), WallDriver(clock, loop), **options)

    async def run():
        await port.open()
        url = port.url
        await port.close()
        return url

    try:
        return loop.run_until_complete(run())
    finally:
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


@pytest.mark.parametrize("cls", [TcpPort, Rfc2217Port, Gateway])
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.invalid"])
def test_elsewhere_than_loopback_is_refused(cls, host):
    """No port can be reached from other machines unless that is asked for."""
    with pytest.raises(PortUnavailable, match="can be reached from other machines"):
        offer(cls, host=host)


@pytest.mark.parametrize("cls, scheme", [(TcpPort, "socket"), (Rfc2217Port, "rfc2217"), (Gateway, "modbus-tcp")])
def test_listening_elsewhere_when_it_is_asked_for(cls, scheme):
    """With `listen` any address of this machine will do."""
    assert offer(cls, host="0.0.0.0", listen=True).startswith(f"{scheme}://0.0.0.0:")


def test_a_number_that_is_taken():
    """A TCP port that another program has is refused with its number."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        with pytest.raises(PortUnavailable, match=f"cannot listen on 127.0.0.1:{number}"):
            offer(TcpPort, port=number)


@pytest.mark.parametrize(
    "host, here",
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("", False)],
)
def test_what_loopback_is(host, here):
    """Loopback is 127/8, ::1 and localhost."""
    assert is_loopback(host) is here


def test_an_unread_reply_does_not_meet_the_next_client(tmp_path):
    """A reply that was on the line when its client left is not given to the next one."""
    with port_bench("tcp", tmp_path, "1200 8N1") as bench:
        bench.ear.answer = lambda _now, data: [Send(bytes(30))]
        with connect(bench) as peer:
            peer.sendall(b"?")
            bench.heard(1)
        bench.wait(lambda: bench.port.is_open, lambda is_open: not is_open)
        with serial.serial_for_url(bench.address, timeout=0.6) as port:
            assert port.read(30) == b""
