"""A hall for peers that we did not write, and where those peers are."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.ports.gateway import Gateway
from bench.ports.pty import PtyPort
from bench.ports.rfc2217 import Rfc2217Port
from bench.ports.tcp import TcpPort
from firmware_sim.burst import LineSettings
from firmware_sim.line import Line
from firmware_sim.modbus_line import ModbusLine
from modbus_rig import Bank
from wall_thread import WallThread

PEERS = Path(__file__).parents[2] / "build" / "peers"
REQUIRED = os.environ.get("HALLBENCH_PEERS") == "required"


def _or_skip(there: bool, what: str, command: list[str]) -> list[str]:
    if there:
        return command
    text = f"{what} is not here; `bash tests/outside/setup.sh` fetches it"
    if REQUIRED:
        pytest.fail(f"{text} (HALLBENCH_PEERS=required)")
    pytest.skip(text)


@pytest.fixture
def mbpoll() -> list[str]:
    """The mbpoll command."""
    found = shutil.which("mbpoll")
    return _or_skip(found is not None, "mbpoll", [str(found)])


@pytest.fixture
def libmodbus() -> list[str]:
    """Our C program on libmodbus."""
    program = PEERS / "libmodbus_master"
    return _or_skip(program.exists(), "the C peer on libmodbus", [str(program)])


@pytest.fixture
def minimalmodbus() -> list[str]:
    """Our script on minimalmodbus, in an environment of its own."""
    python = PEERS / "venv" / "bin" / "python"
    there = (PEERS / "venv" / "requirements.txt").exists()
    return _or_skip(there, "minimalmodbus", [str(python), str(Path(__file__).with_name("minimalmodbus_master.py"))])


@pytest.fixture
def node() -> list[str]:
    """Our script on modbus-serial, run by Node."""
    found = shutil.which("node")
    there = found is not None and (PEERS / "node" / "installed.json").exists()
    return _or_skip(there, "modbus-serial", [str(found), str(PEERS / "node" / "master.js")])


class Served:
    """A line with three banks (units 1 to 3) on a port, in a thread of its own."""

    def __init__(self, kind: str, settings: str, folder: Path) -> None:
        self.settings = LineSettings.parse(settings)
        self._wall = WallThread(2)
        self.line = Line("bus", self._wall.clock, self.settings)
        station = ModbusLine("slaves", self.settings)
        self.line.attach(station)
        self.banks = {unit: Bank(f"bank-{unit}") for unit in (1, 2, 3)}
        for unit, bank in self.banks.items():
            station.attach(bank, unit)
        self.port: Any
        if kind == "pty":
            self.port = PtyPort(self.line, self._wall.driver, folder / "bus")
        else:
            self.port = {"tcp": TcpPort, "rfc2217": Rfc2217Port, "gateway": Gateway}[kind](self.line, self._wall.driver)

    def start(self) -> None:
        self._wall.begin(self.port)

    def stop(self) -> None:
        self._wall.end(self.port)

    @property
    def path(self) -> str:
        return str(self.port.path)

    @property
    def number(self) -> str:
        return str(self.port.url.rpartition(":")[2])


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Put a line on a port: `serve("pty", "9600 8N1")`."""
    running: list[Served] = []

    def make(kind: str, settings: str = "38400 8N1") -> Served:
        served = Served(kind, settings, tmp_path / "ports")
        served.start()
        running.append(served)
        return served

    yield make
    for served in running:
        served.stop()


@pytest.fixture
def run() -> Callable[..., str]:
    """Run a peer to its end and return what it printed; it must succeed."""

    def go(command: list[str], *arguments: str, status: int = 0) -> str:
        ended = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=250, check=False)
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended.stdout

    return go
