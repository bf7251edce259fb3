"""Lines on ports: how they are asked for, and that all of them come or none."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from bench.hall.day import draw
from bench.ports.wall_port import PortUnavailable
from bench.run.given import store_for
from bench.run.live import BadPortSpec, LiveHall, PortSpec, parse_serve
from bench.run.process import hall_time_zone, interrupt_is_ours
from bench.run.rig import NoSuchAction, NoSuchDevice
from bench.run.world import World
from bench.scenario.load import load

SMALL = Path(__file__).parents[2] / "support" / "small.toml"
LINES = ("keypads", "hall", "ticket")


@pytest.fixture
def world() -> World:
    """The small hall, not begun."""
    scenario = load(str(SMALL))
    return World(scenario, draw(scenario, 1), io.BytesIO(), clock="wall", evidence="hash", store=lambda _rows: ())


def test_what_serve_takes() -> None:
    """A line, how it is served, and a port where one is named; the last word for a line counts."""
    assert parse_serve(["keypads=tcp", "hall=rfc2217:4001", "keypads=pty"], LINES) == {
        "keypads": PortSpec("keypads", "pty"),
        "hall": PortSpec("hall", "rfc2217", 4001),
    }
    assert parse_serve([], LINES) == {}


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("hallway=tcp", "there is no line 'hallway'; there are: keypads, hall, ticket"),
        ("hall", "a line is served as pty, tcp, rfc2217, modbus-tcp, not as ''"),
        ("hall=usb", "not as 'usb'"),
        ("hall=tcp:none", "'none' is not a TCP port"),
        ("hall=tcp:65536", "'65536' is not a TCP port"),
        ("hall=tcp:-1", "'-1' is not a TCP port"),
        ("hall=tcp:٣", "is not a TCP port"),
    ],
)
def test_what_serve_does_not_take(word: str, told: str) -> None:
    """Each mistake is told with what there is."""
    with pytest.raises(BadPortSpec, match=told) as caught:
        parse_serve([word], LINES)
    assert str(caught.value).startswith(f"--serve {word}: ")


@pytest.mark.parametrize("kind", ["tcp", "rfc2217", "modbus-tcp"])
def test_each_kind_of_tcp_port_has_an_address(kind: str, world: World, tmp_path: Path) -> None:
    """A line that is served on TCP tells its address, and somebody listens there until it is closed."""

    async def main() -> str:
        live = LiveHall(world, asyncio.get_running_loop(), [PortSpec("keypads", kind)], tmp_path)
        await live.open()
        address = live.addresses["keypads"]
        number = int(address.rpartition(":")[2].partition("?")[0])
        _, writer = await asyncio.open_connection("127.0.0.1", number)
        writer.close()
        await live.close()
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", number)
        return address

    assert "127.0.0.1" in asyncio.run(main())


def test_all_ports_come_or_none(world: World, tmp_path: Path) -> None:
    """A port that cannot be had takes away those that were opened before it."""
    pytest.importorskip("termios", reason="this system has no pseudo-terminals")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]

        async def main() -> None:
            specs = [PortSpec("keypads"), PortSpec("hall", "tcp", number)]
            live = LiveHall(world, asyncio.get_running_loop(), specs, tmp_path)
            with pytest.raises(PortUnavailable, match=str(number)):
                await live.open()

        asyncio.run(main())
    assert not os.path.lexists(tmp_path / "keypads")


def test_what_people_cannot_do_is_told(world: World) -> None:
    """A device that is not there, an action that nobody has: each with what there is."""
    with pytest.raises(NoSuchDevice, match="there is no device 'keypad-9'; there are: keypad-1, keypad-2"):
        world.rig.act("keypad-9", "press", 1)
    with pytest.raises(NoSuchAction, match="nobody can 'open_cover' keypad-1; what people do with it: press, tamper"):
        world.rig.act("keypad-1", "open_cover")


def test_a_house_without_lines_stores_nothing(tmp_path: Path) -> None:
    """Where the program has every line, nobody keeps rows beside it."""
    scenario = load(str(SMALL))
    for line in scenario.lines:
        object.__setattr__(line, "owner", "collector")
    assert store_for(scenario, tmp_path / "house.sqlite") is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("before", [None, "Europe/Warsaw"])
def test_the_time_zone_is_put_back(before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside it is the hall's; afterwards it is as it was, also when none was set."""
    monkeypatch.delenv("TZ", raising=False)
    if before is not None:
        monkeypatch.setenv("TZ", before)
    with hall_time_zone("Asia/Ho_Chi_Minh"):
        assert time.strftime("%z", time.localtime(0)) == "+0800"  # until 1975
    assert os.environ.get("TZ") == before
    monkeypatch.undo()
    time.tzset()


def test_an_interrupt_elsewhere_is_nobodys() -> None:
    """In another thread than the main one signals cannot be taken: nothing is done, and nothing breaks."""
    came: list[list[int]] = []

    def there() -> None:
        with interrupt_is_ours() as filled:
            came.append(filled)

    thread = threading.Thread(target=there)
    thread.start()
    thread.join()
    assert came == [[]]
