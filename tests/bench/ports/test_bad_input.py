"""What goes wrong around a port is told or bounded, and other lines do not notice it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import socket
import stat
import tempfile
import threading
import time
from pathlib import Path

import pytest

from bench.clock.clockwork import Clockwork
from bench.clock.wall import SPIN_FOR, WallDriver, make_loop
from bench.ports import listener
from bench.ports.claim import Claim
from bench.ports.gateway import CLIENTS, Gateway
from bench.ports.pty import PtyPort
from bench.ports.rfc2217 import Rfc2217Port
from bench.ports.tcp import TcpPort
from bench.ports.wall_port import OUTPUT_BUFFER, PortUnavailable
from firmware_sim.burst import LineSettings
from firmware_sim.device import Send
from firmware_sim.line import Line
from port_benches import port_bench
from timers import Ear

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")

MEGABYTE = 1 << 20
NOBODY = 65534
TCP_REPAIR = 19


# -- paths and numbers that cannot be had -----------------------------------------------------------------------------
@pytest.fixture
def a_folder_of_somebody_else():
    """A folder that may be looked into and not written to; also root has no right to it for the while."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_a_folder_without_permission(a_folder_of_somebody_else):
    """Where nothing may be written, the error says so, names the file, and says what to do; so does a folder in it."""
    with pytest.raises(PortUnavailable, match=r"record cannot be written: Permission denied: .*\.bus\.owner; choose"):
        Claim(a_folder_of_somebody_else / "bus", "line bus")
    with pytest.raises(PortUnavailable, match="its folder cannot be made: Permission denied"):
        Claim(a_folder_of_somebody_else / "ports" / "bus", "line bus")
    assert list(a_folder_of_somebody_else.iterdir()) == []


def test_a_record_that_leads_elsewhere_is_not_followed(tmp_path):
    """A link in the place of the owner's record is refused; the file that it points to stays as it is."""
    (tmp_path / "theirs").write_text("precious")
    (tmp_path / ".bus.owner").symlink_to(tmp_path / "theirs")
    with pytest.raises(PortUnavailable, match="record cannot be written"):
        Claim(tmp_path / "bus", "line bus")
    assert (tmp_path / "theirs").read_text() == "precious"
    assert (tmp_path / ".bus.owner").is_symlink()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["a pipe", "a folder"])
def test_a_record_that_is_no_file(tmp_path, make):
    """Something else in the place of the owner's record is refused, not waited for, and stays."""
    make(tmp_path / ".bus.owner")
    with pytest.raises(PortUnavailable, match=r"\.bus\.owner"):
        Claim(tmp_path / "bus", "line bus")
    assert not stat.S_ISREG((tmp_path / ".bus.owner").stat().st_mode)
    assert not (tmp_path / "bus").exists()


def test_two_links_that_point_to_each_other(tmp_path):
    """A link in a circle is somebody else's link: refused and kept."""
    (tmp_path / "bus").symlink_to("bus")
    with pytest.raises(PortUnavailable, match="a link to bus"):
        Claim(tmp_path / "bus", "line bus")
    assert (tmp_path / "bus").is_symlink()


@pytest.mark.parametrize(
    "number, advice",
    [
        (errno.EADDRINUSE, "another program has it: end that one"),
        (errno.EADDRNOTAVAIL, "not this machine's"),
        (errno.EACCES, "choose a higher one"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENOBUFS, "another program has it, or"),
    ],
)
def test_an_address_that_cannot_be_had(monkeypatch, number, advice):
    """Whatever the system's reason, the error has it in words, and what to do."""

    async def refuses(*_args, **_options):
        raise OSError(number, os.strerror(number))

    loop = make_loop(1)
    monkeypatch.setattr(loop, "create_server", refuses)
    try:
        with pytest.raises(PortUnavailable, match=f"127.0.0.1:81: {os.strerror(number)}; .*{advice}"):
            loop.run_until_complete(
                listener.listen_on(loop, asyncio.Protocol, "127.0.0.1", 81, what="port of line bus", listen=False)
            )
    finally:
        loop.close()


# -- one line in trouble, another beside it ---------------------------------------------------------------------------
class Neighbours:
    """Two lines of one bench with an echoing device each: `noisy` on a port of some kind, `quiet` on a pty."""

    def __init__(self, kind: str, folder: Path) -> None:
        clock = Clockwork()
        self.loop = make_loop(2)
        self.driver = WallDriver(clock, self.loop, speed=100)
        self.lines, self.ears = [], []
        for name in ("noisy", "quiet"):
            line, ear = Line(name, clock, LineSettings(115200), "full"), Ear()
            ear.answer = lambda _now, data: [Send(data)]
            line.attach(ear)
            self.lines.append(line)
            self.ears.append(ear)
        other = {"tcp": TcpPort, "rfc2217": Rfc2217Port, "gateway": Gateway}
        noisy, quiet = self.lines
        self.noisy = PtyPort(noisy, self.driver, folder / "noisy") if kind == "pty" else other[kind](noisy, self.driver)
        self.quiet = PtyPort(quiet, self.driver, folder / "quiet")
        self.thread = threading.Thread(target=self.loop.run_forever)

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def look(self, what):
        async def there():
            return self.driver.stimulus(what)

        return self.run(there())

    def connect(self) -> int:
        """Open the noisy port as a file descriptor."""
        if self.noisy.path is not None:
            return os.open(self.noisy.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        peer = socket.create_connection(("127.0.0.1", int(self.noisy.url.rpartition(":")[2])), timeout=60)
        peer.setblocking(False)
        return peer.detach()

    def __enter__(self):
        self.thread.start()
        self.run(self.noisy.open())
        self.run(self.quiet.open())
        self.loop.call_soon_threadsafe(self.driver.start)
        return self

    def __exit__(self, *_exc):
        async def end():
            self.driver.stop()
            await self.noisy.close()
            await self.quiet.close()
            await asyncio.sleep(0.02)

        self.run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        assert self.driver.failure is None


class QuietLine:
    """A collector of the quiet line that asks again and again and wants the very answer."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        self.turns = 0

    def must_answer(self, turns: int = 1) -> None:
        for _ in range(turns):
            self.turns += 1
            asked = b"%08d" % self.turns
            os.write(self.fd, asked)
            got = b""
            while len(got) < len(asked) and select.select([self.fd], [], [], 60)[0]:
                got += os.read(self.fd, 100)
            assert got == asked


@contextlib.contextmanager
def neighbours(kind, folder):
    with Neighbours(kind, folder) as bench:
        quiet = QuietLine(bench.quiet.path)
        try:
            yield bench, quiet
        finally:
            os.close(quiet.fd)


def pour(fd: int, data: bytes, each: int, between, *, reads: bool) -> int:
    """Write all of `data` as fast as it is taken, with `between()` after each piece; returns how much was taken."""
    sent = 0
    while sent < len(data):
        readable, writable, _ = select.select([fd] if reads else [], [fd], [], 0.01)
        try:
            if readable and not os.read(fd, 1 << 16):
                break
            if writable:
                sent += os.write(fd, data[sent : sent + each])
        except BlockingIOError:
            pass
        except OSError:  # it was turned out
            break
        between()
    return sent


@pytest.mark.parametrize("kind", ["pty", "tcp", "rfc2217", "gateway"])
def test_a_megabyte_of_noise(tmp_path, kind):
    """A client pours a megabyte of noise in: what is kept of it is bounded; the line beside it answers each time."""
    noise = bytes((n * n + (n >> 5)) & 0xFF for n in range(4096)) * (MEGABYTE // 4096)
    kept = []
    with neighbours(kind, tmp_path) as (bench, quiet):
        fd = bench.connect()

        def between():
            quiet.must_answer()
            kept.append(bench.look(bench.lines[0].unsent))

        sent = pour(fd, noise, 16_384, between, reads=True)
        os.close(fd)
        quiet.must_answer(20)
        if kind in {"pty", "tcp"}:
            assert sent == MEGABYTE
        else:  # it is no Telnet and no Modbus TCP
            assert bench.noisy.not_modbus if kind == "gateway" else bench.noisy.protocol_errors or sent == MEGABYTE
        assert max(kept) < OUTPUT_BUFFER + 400_000
        assert quiet.turns >= 20


@pytest.mark.parametrize("kind", ["pty", "tcp", "rfc2217"])
def test_a_client_that_never_reads(tmp_path, kind):
    """A client that asks and never reads loses characters, counted; the line beside it answers each time."""
    with neighbours(kind, tmp_path) as (bench, quiet):
        fd = bench.connect()
        sent = pour(fd, bytes(200_000), 4096, quiet.must_answer, reads=False)
        quiet.must_answer(20)
        os.close(fd)
        assert sent == 200_000
        if kind == "pty":
            assert bench.noisy.overruns > 0


def test_a_gateways_client_that_never_reads(tmp_path):
    """A gateway's client that asks on and never reads is dropped, or told to wait; nothing piles up."""
    asks = bytes.fromhex("0001 0000 0006 01 03 0000 000A") * 4000
    with neighbours("gateway", tmp_path) as (bench, quiet):
        fd = bench.connect()
        pour(fd, asks, 1200, quiet.must_answer, reads=False)
        quiet.must_answer(20)
        assert bench.look(lambda: len(bench.noisy._master._queue)) <= 16
        os.close(fd)


@pytest.mark.parametrize("kind", ["pty", "tcp", "rfc2217"])
def test_replies_that_nobody_waits_for(tmp_path, kind):
    """A collector that goes while it is answered leaves nothing behind: later frames are made ready as before."""
    with neighbours(kind, tmp_path) as (bench, quiet):
        bench.look(lambda: bench.driver.set_speed(1))
        for _ in range(2 * SPIN_FOR):
            fd = bench.connect()
            heard = len(bench.ears[0].heard)
            os.write(fd, bytes(50))
            while bench.look(lambda: len(bench.ears[0].heard)) == heard:
                pass
            os.close(fd)
            while bench.look(lambda: bench.noisy.is_open):
                pass
        quiet.must_answer(2)
        patience = time.monotonic() + 60  # the last reply may still be on the line
        while bench.look(lambda: len(bench.driver._frames)) and time.monotonic() < patience:
            time.sleep(0.005)
        assert bench.look(lambda: len(bench.driver._frames)) == 0


# -- crowds -----------------------------------------------------------------------------------------------------------
def test_a_thousand_gateway_connections(tmp_path):
    """1,000 connections to a gateway, 50 at a time: 32 are let in at most, the rest turned away."""
    with neighbours("gateway", tmp_path) as (bench, quiet):
        most = 0
        for _ in range(20):
            crowd = [bench.connect() for _ in range(50)]
            most = max(most, bench.look(lambda: len(bench.noisy._clients)))
            quiet.must_answer()
            for fd in crowd:
                os.close(fd)
        assert most <= CLIENTS
        assert bench.look(lambda: bench.noisy.refused) > 0


def test_a_thousand_openings_of_a_pty(tmp_path):
    """A terminal opened 1,000 times, 200 descriptors at once, still answers; then it is closed."""
    with neighbours("pty", tmp_path) as (bench, quiet):
        for _ in range(5):
            crowd = [bench.connect() for _ in range(200)]
            os.write(crowd[-1], b"x")
            assert select.select([crowd[-1]], [], [], 60)[0]
            assert os.read(crowd[0], 10) == b"x"
            quiet.must_answer()
            for fd in crowd:
                os.close(fd)
        while bench.look(lambda: bench.noisy.is_open):
            quiet.must_answer()
        assert bench.noisy.opened >= 5


# -- a peer that vanishes ---------------------------------------------------------------------------------------------
def vanish(peer: socket.socket) -> None:
    """Let a connection's end vanish as when its machine loses power: nothing is said to the other end."""
    try:
        peer.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    except OSError as exc:
        pytest.skip(f"this system does not let a connection vanish: {exc.strerror}")
    peer.close()


@pytest.mark.parametrize("kind", ["tcp", "rfc2217"])
def test_a_peer_that_vanishes_frees_the_line(tmp_path, monkeypatch, kind):
    """A peer that is gone without a word is found out by the system's own questions, and the line is free again.

    The first question comes after a second here and not after ten.
    """
    hasty = [(name, level, 1 if name.startswith("TCP_KEEP") else value) for name, level, value in listener._ALIVE]
    monkeypatch.setattr(listener, "_ALIVE", hasty)
    with port_bench(kind, tmp_path, "115200 8N1") as bench:
        host, _, number = bench.address.partition("://")[2].partition(":")
        peer = socket.create_connection((host, int(number)), timeout=60)
        bench.opened()
        vanish(peer)
        assert bench.wait(lambda: bench.port.is_open, lambda is_open: not is_open) is False
        with bench.open() as port:
            port.write(b"still here")
            assert bench.heard(10) == b"still here"
