"""A bench with its control API, in a thread of the test's own process, and raw sockets to annoy it with."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.clock.wall import make_loop
from bench.control.api import Control
from bench.control.client import Client, find
from bench.control.registry import VARIABLE, Entry
from bench.hall.day import draw
from bench.run.live import LiveHall
from bench.run.world import World
from bench.scenario.load import load

SMALL = Path(__file__).parents[2] / "support" / "small.toml"


class Bench:
    """A running hall without ports; `do` runs something in its loop's thread."""

    def __init__(self, folder: Path, *, fixed: str = "", name: str = "") -> None:
        self.folder = folder
        self.loop = make_loop(1)
        self.ready = threading.Event()
        self.ended: asyncio.Event
        self.control = Control(name, fixed=fixed)
        self.world: World
        self.live: LiveHall
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.ready.wait(60)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._main())
        self.loop.close()

    async def _main(self) -> None:
        self.ended = asyncio.Event()
        scenario = load(str(SMALL))
        with (self.folder / "sink").open("wb") as sink:
            day = draw(scenario, 1)
            self.world = World(
                scenario, day, sink, clock="wall", evidence="hash", store=lambda _rows: (), tap=self.control.tap
            )
            self.control.watch(self.world)
            self.live = LiveHall(self.world, self.loop, [], self.folder)
            self.world.begin()
            self.world.clockwork.advance_to(scenario.start + 3600 * 10**9)
            running = self.live.join()
            await self.control.open(self.world, self.live, clock="wall")
            self.ready.set()
            await self.ended.wait()
            await self.control.close()
            self.live.driver.stop()
            await running
            self.world.end("the test is over")

    def do(self, fn: Callable[..., Any], *args: Any) -> Any:
        async def call() -> Any:
            return fn(*args)

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(60)

    def close(self) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join(60)
        assert not self.thread.is_alive()

    @property
    def entry(self) -> Entry:
        return find(self.control.name)

    @property
    def token(self) -> str:
        return Path(self.control.token_file).read_text().strip()

    @property
    def port(self) -> int:
        return int(self.control.url.rpartition(":")[2])

    def raw(self, text: str | bytes, *, timeout: float = 60) -> tuple[int, dict[str, Any]]:
        """Send these very bytes; returns status and body (0 and {} when the bench hung up)."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as peer:
            peer.sendall(text.encode() if isinstance(text, str) else text)
            got = b""
            while b"\r\n\r\n" not in got:
                more = peer.recv(65536)
                if not more:
                    return 0, {}
                got += more
            head, _, body = got.partition(b"\r\n\r\n")
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                ),
                0,
            )
            while len(body) < length:
                body += peer.recv(65536)
            try:
                return int(head.split()[1]), json.loads(body)
            except ValueError:
                return int(head.split()[1]), {}

    def request(
        self,
        method: str = "GET",
        path: str = "/v1/clock",
        *,
        body: bytes = b"",
        host: str | None = "",
        token: str | None = "",
        **headers: str,
    ) -> tuple[int, dict[str, Any]]:
        """One request, with any part of it wrong."""
        lines = [f"{method} {path} HTTP/1.1", f"Content-Length: {len(body)}", "Connection: close"]
        if host is not None:
            lines.append(f"Host: {host or f'127.0.0.1:{self.port}'}")
        if token is not None:
            lines.append(f"Authorization: Bearer {token or self.token}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return self.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A runtime directory of this module's own."""
    folder = tmp_path_factory.mktemp("runtime")
    folder.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(folder))
        yield folder


@pytest.fixture(scope="module")
def bench(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("bench"))
    yield made
    made.close()


@pytest.fixture
def client(bench: Bench) -> Iterator[Client]:
    with Client(bench.entry) as made:
        yield made
        made.post("/v1/faults/reset")
        made.post("/v1/clock", {"do": "speed", "factor": 1})
        made.post("/v1/clock", {"do": "resume"})
