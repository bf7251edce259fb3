"""Where sockets may listen: what can be an address, and what is said of all else."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.cli import clock_options
from bench.cli.exit_codes import ExitCode
from bench.cli.main import main
from bench.control.api import Control
from bench.ports.address import NoAddress, listening_address, no_address
from bench.ports.listener import listen_on
from bench.ports.wall_port import PortUnavailable

NONE = ["nonsense", "", " ", "127.0.0.1:8000", "[::1]", "1.2.3.4.5", "0.0.0.0/0", "a" * 70, "x..y", "a\0b", "::g"]


@pytest.fixture(autouse=True)
def no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name server is asked: this machine knows `hall-pc`, and what it always knows."""
    real = socket.getaddrinfo

    known = {"hall-pc": "127.0.0.1", "localhost": "127.0.0.1"}

    def look_up(host: Any, port: Any, *args: int, **named: int) -> Any:
        found = known.get(host, host)
        try:
            ipaddress.ip_address(found)
        except ValueError:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
        return real(found, port, *args, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1%lo", "192.0.2.7", "localhost", "hall-pc"]
)
def test_an_address_is_taken_as_it_is(text: str) -> None:
    """Numbers, whosever they are, and names that stand for some."""
    assert listening_address(f" {text} ") == text


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_address_is_refused_with_what_may_stand_there(text: str) -> None:
    """One message, with the text as it was given."""
    with pytest.raises(NoAddress) as refused:
        listening_address(text)
    assert str(refused.value) == no_address(text)
    assert repr(text) in no_address(text)
    assert "127.0.0.1" in no_address(text)


@pytest.mark.parametrize("command", ["day", "up"])
@pytest.mark.parametrize("text", NONE[:4])
def test_every_command_that_takes_it_refuses_it(command: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Also a day in simulated time, in which nothing would listen: a mistake of use, told before anything starts."""
    assert main([command, "tan_hoi", "--listen", text]) == ExitCode.USAGE
    told = capsys.readouterr()
    assert not told.out
    assert "--listen" in told.err
    assert no_address(text) in " ".join(told.err.split())


def test_no_command_takes_it_otherwise() -> None:
    """The option is written in one place, with its type; commands take it from there."""
    written = [
        path.name for path in Path(clock_options.__file__).parent.glob("*.py") if '"--listen"' in path.read_text()
    ]
    assert written == ["clock_options.py"]


def test_a_port_and_the_control_api_say_the_same() -> None:
    """Programs that make them without the command line are told in the same words."""

    async def make_both() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(PortUnavailable) as refused:
            await listen_on(loop, asyncio.Protocol, "nonsense", 0, what="port of line keypads", listen=True)
        assert str(refused.value) == f"port of line keypads: {no_address('nonsense')}"
        control: Any = Control("t", listen="nonsense")
        control._files = SimpleNamespace(token="x")
        with pytest.raises(OSError, match="there is no address 'nonsense'"):
            await control._listen()
        await control._runner.cleanup()

    asyncio.run(make_both())
