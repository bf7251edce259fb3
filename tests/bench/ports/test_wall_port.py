"""What ports in wall time have in common, with a clock that is moved by hand: no socket, no terminal, no waiting."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from bench.clock.clockwork import Clockwork
from bench.clock.wall import WallDriver, make_loop
from bench.ports.claim import Claim
from bench.ports.gateway import Gateway
from bench.ports.openings import Openings
from bench.ports.pty import PtyPort
from bench.ports.rfc2217 import Rfc2217Port
from bench.ports.tcp import Peer, TcpPort
from bench.ports.wall_port import CLOSING_WAIT, OUTPUT_BUFFER, PortUnavailable, WallPort
from firmware_sim.device import NS, Send
from firmware_sim.line import XOFF, XON, Line
from timers import Ear


class Plug(WallPort):
    """A port whose collector takes all that it is given."""

    kind = "plug"
    obeys = False

    def __init__(self, line: Line, driver: WallDriver) -> None:
        super().__init__(line, driver)
        self.got = bytearray()
        self.holds: list[bool] = []

    async def _start(self) -> None:
        """It is there."""

    async def _end(self) -> None:
        """It needs nothing."""

    @property
    def xonxoff_in_force(self) -> bool:
        return self.obeys

    def _hand_over(self, data: bytes) -> int:
        self.got += data
        return len(data)

    def _hold_reading(self, hold: bool) -> None:
        self.holds.append(hold)


class Hand:
    """A line with an ear, a plug, and a clock that stands until it is moved."""

    def __init__(self) -> None:
        self.clock = Clockwork()
        loop = make_loop(1)
        loop.close()  # nothing here waits for the wall
        self.driver = WallDriver(self.clock, loop)
        self.driver.awake = None
        self.line = Line("bus", self.clock, duplex="full")
        self.ear = Ear()
        self.line.attach(self.ear)
        self.plug = Plug(self.line, self.driver)
        asyncio.run(self.plug.open())

    def says(self, data: bytes) -> None:
        self.line.apply(self.ear, [Send(data)])

    def pass_(self, seconds: float) -> None:
        self.driver.step(round(seconds * NS))


@pytest.fixture
def hand() -> Hand:
    hand = Hand()
    hand.plug._collector_came()
    return hand


def test_input_forgotten_in_the_middle_of_a_burst(hand: Hand) -> None:
    """Characters that are complete are forgotten, also of a burst still on its way; the rest of it comes."""
    data = bytes(range(60))
    hand.says(data)
    hand.pass_(30.5 * 10 / 9600)
    hand.plug._forget_input()
    hand.pass_(1)
    assert bytes(hand.plug.got) == data[30:]


def test_a_long_burst_comes_in_pieces_and_whole(hand: Hand) -> None:
    """A reply of half a second is handed over as it comes, as an adapter does; nothing of it twice."""
    data = bytes(range(256)) * 2
    hand.says(data)
    sizes = []
    for _ in range(60):
        hand.pass_(0.01)
        sizes.append(len(hand.plug.got))
    assert bytes(hand.plug.got) == data
    assert len(set(sizes)) > 5


def test_what_a_port_that_was_pulled_still_says_goes_nowhere(hand: Hand) -> None:
    """Characters read before the plug was pulled do not reach a line that another end has by now."""
    asyncio.run(hand.plug.close())
    hand.plug._from_collector(b"late")
    other = Plug(hand.line, hand.driver)
    asyncio.run(other.open())
    hand.plug._from_collector(b"later")
    other._from_collector(b"mine")
    hand.pass_(1)
    assert hand.ear.bytes == b"mine"
    asyncio.run(hand.plug.close())  # and closing it again takes the line from nobody
    other._from_collector(b" too")
    hand.pass_(1)
    assert hand.ear.bytes == b"mine too"


@pytest.mark.parametrize("comes_back", [False, True])
def test_held_output_of_a_collector_that_has_gone(hand: Hand, comes_back: bool) -> None:
    """What XOFF holds waits half a minute for XON after a close, then is given up; not when somebody has come again."""
    hand.plug.obeys = True
    hand.says(bytes([XOFF]))
    hand.pass_(0.1)
    hand.plug._from_collector(b"held")
    hand.plug._collector_left()
    hand.pass_(1)
    if comes_back:
        hand.plug._collector_came()
    hand.pass_(CLOSING_WAIT / NS)
    hand.says(bytes([XON]))
    hand.pass_(1)
    assert hand.ear.bytes == (b"held" if comes_back else b"")


def test_a_device_that_fails_stops_the_clock_not_the_port(hand: Hand) -> None:
    """An error of a model while a collector's characters are put on the line is the bench's failure, told as such."""

    def fails(*_: object) -> None:
        raise ZeroDivisionError

    hand.line.transmit = fails  # type: ignore[method-assign, assignment]
    hand.plug._from_collector(b"x")
    assert isinstance(hand.driver.failure, ZeroDivisionError)
    other = Hand()
    other.line.attach_port = fails  # type: ignore[method-assign, assignment]
    asyncio.run(other.plug.close())
    assert isinstance(other.driver.failure, ZeroDivisionError)
    with pytest.raises(ValueError, match="the clock stands for good"):
        other.pass_(1)


class Connection(asyncio.Transport):
    """A peer's connection, as far as ports use it."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = True
        self.ended = False
        self.written = bytearray()

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def is_closing(self) -> bool:
        return self.ended

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.ended = True

    abort = close


@pytest.mark.parametrize("kind", [TcpPort, Rfc2217Port])
def test_who_comes_to_a_full_line_waits_as_who_filled_it(hand: Hand, kind: Any) -> None:
    """What one peer left to be sent holds the next one's writing as well; what the first still says is nobody's."""
    port = kind(hand.line, hand.driver)
    port._server = object()
    port._take_line()
    first, second, third = Peer(port), Peer(port), Peer(port)
    for peer in (first, second, third):
        peer.transport = Connection()
    port.peer_came(first)
    port.peer_sent(first, b"a" * 2 * OUTPUT_BUFFER)
    assert not first.transport.reads
    port.peer_left(first)
    port.peer_came(second)
    port.peer_came(third)
    assert not second.transport.reads
    assert third.transport.ended
    port.peer_sent(first, b"late")
    port.peer_left(first)  # told twice
    assert port.is_open
    hand.pass_(60)
    assert second.transport.reads
    port.peer_sent(second, b"b")
    hand.pass_(1)
    assert hand.ear.bytes == b"a" * 2 * OUTPUT_BUFFER + b"b"


# -- what a system may not have ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("bench.ports.pty.os.openpty", "the system has no pseudo-terminal left: No space left on device"),
        ("bench.ports.pty.Openings.watch", "openings cannot be watched: No space left on device"),
    ],
)
def test_a_terminal_that_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, told: str) -> None:
    """The error says what is missing; nothing stays behind, and the name is free for the next attempt."""

    def refuses(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def session() -> None:
        clock = Clockwork()
        port = PtyPort(Line("bus", clock), WallDriver(clock, asyncio.get_running_loop()), tmp_path / "bus")
        with monkeypatch.context() as patch:
            patch.setattr(what, refuses)
            with pytest.raises(PortUnavailable, match=told):
                await port.open()
        assert list(tmp_path.iterdir()) == []
        await port.open()
        assert (tmp_path / "bus").is_symlink()
        await port.close()

    asyncio.run(session())


def test_a_file_that_is_not_there_cannot_be_watched() -> None:
    """The error is the system's, and its one descriptor is given back when nothing else is watched."""

    async def session() -> None:
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the number alone
        with pytest.raises(FileNotFoundError):
            Openings.watch(asyncio.get_running_loop(), "/nowhere/at/all", lambda _mask: None)
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208

    asyncio.run(session())


def test_the_last_one_watched_ends_the_watching(tmp_path: Path) -> None:
    """Ending a watch twice is no mistake; after the last nothing is told any more."""

    async def session() -> None:
        seen: list[int] = []
        file = tmp_path / "x"
        file.touch()
        ends = Openings.watch(asyncio.get_running_loop(), str(file), seen.append)
        for _ in range(2):
            file.read_bytes()
            await asyncio.sleep(0.01)
            ends()
        assert len(seen) == 2  # opened and closed, once

    asyncio.run(session())


@pytest.mark.parametrize("kind", [PtyPort, TcpPort, Rfc2217Port, Gateway])
def test_closing_what_is_closed_does_nothing(tmp_path: Path, kind: Any) -> None:
    """Unplugged twice, plugged in, closed twice, closed without having been open: the line is free after each."""

    async def session() -> None:
        clock = Clockwork()
        line = Line("bus", clock)
        driver = WallDriver(clock, asyncio.get_running_loop())
        port = kind(line, driver, *([tmp_path / "bus"] if kind is PtyPort else []))
        await port.close()
        await port.open()
        held = line.master
        for _ in range(2):
            await port.unplug()
            assert line.master is not held
        await port.replug()
        where = port.path or port.url
        assert where
        for _ in range(2):
            await port.close()
            assert line.master is not held
        assert not port.is_open

    asyncio.run(session())
    assert list(tmp_path.iterdir()) == []


def test_a_name_given_up_twice_stays_with_its_next_owner(tmp_path: Path) -> None:
    """Releasing a claim a second time does not take the name from who has it since."""
    first = Claim(tmp_path / "bus", "line bus")
    first.release()
    second = Claim(tmp_path / "bus", "line bus")
    try:
        first.release()
        with pytest.raises(PortUnavailable, match="is offered by this bench already"):
            Claim(tmp_path / "bus", "line bus")
        assert (tmp_path / ".bus.owner").exists()
    finally:
        second.release()
        second.release()
    assert list(tmp_path.iterdir()) == []


def test_records_that_are_no_records_are_passed_over(tmp_path: Path) -> None:
    """An owner's file of a dead bench with other JSON in it, or with none, is cleaned up like any other."""
    (tmp_path / ".bus.owner").write_text('[1]\n"x"\nnonsense\n{"target": "/dev/pts/none"}\n')
    (tmp_path / "bus").symlink_to("/dev/pts/none")
    claim = Claim(tmp_path / "bus", "line bus")
    assert not (tmp_path / "bus").is_symlink()
    claim.release()


def test_a_place_that_somebody_else_took_meanwhile_is_left_alone(tmp_path: Path) -> None:
    """Between claim and link somebody puts a file there: refused, and kept."""
    claim = Claim(tmp_path / "bus", "line bus")
    (tmp_path / "bus").write_text("mine")
    with pytest.raises(PortUnavailable, match="somebody put something else at that path"):
        claim.point("/dev/pts/0")
    claim.release()
    assert (tmp_path / "bus").read_text() == "mine"
