"""The control API of one bench: started beside its ports, in the same event loop, and gone with them.

    control = Control(name="tan_hoi")
    world = World(..., tap=control.tap)
    ...
    await control.open(world, live)      # when the ports are there
    print(control.url, control.token_file)
    ...
    await control.close()

Every act happens in the loop's thread at the clockwork's present instant (`WallDriver.stimulus`); nothing here has a
thread of its own, and nothing waits for a client.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web

from bench.clock.wall import WallDriver
from bench.control.connection import SILENT, Busy, Connection
from bench.control.desk import Desk
from bench.control.errors import ControlUnavailable, Refusal
from bench.control.events import EventLog
from bench.control.guard import BODY_BYTES, CONNECTIONS, STRANGER_S, Guard, answer, expects, read_body, refuse_with
from bench.control.openapi import document
from bench.control.registry import Registered, register
from bench.control.routes import Asked, Route, clock, devices, faults, hall, stream
from bench.control.tally import LineTally, Tally
from bench.ports.address import no_address
from bench.run.frames import Decoder
from bench.run.live import LiveHall
from bench.run.rig import inventory
from bench.run.world import World

__all__ = ["ROUTES", "Control"]


async def _document(asked: Asked) -> web.StreamResponse:
    return answer(document(ROUTES, str(asked.request.url.origin())))


ROUTES: Final[tuple[Route, ...]] = (
    *hall.ROUTES,
    *devices.ROUTES,
    *faults.ROUTES,
    *clock.ROUTES,
    *stream.ROUTES,
    Route("GET", "/v1/openapi.json", "This document.", _document, "Document"),
)
"""Every resource."""

COMING_S: Final = 0.5
"""How long a connection that was accepted counts before it is made."""

_BACKLOG: Final = 128
"""Connections that wait to be accepted, and as many are accepted at once."""


class Control:
    """The API, before, while and after it is open.

    Args:
        name: of the bench; "" takes the scenario's.
        listen: address to listen on.
        port: TCP port; 0 takes a free one.
        fixed: why the clock is not to be steered; "" when it is.

    Attributes:
        url: where it listens; "" before `open`.
        token_file: path of the token; "" before `open`.
        desk: what the resources work on; None before `open`.
    """

    def __init__(self, name: str = "", listen: str = "127.0.0.1", port: int = 0, fixed: str = "") -> None:
        self.name = name
        self.listen = listen
        self.port = port
        self.fixed = fixed
        self.url = ""
        self.token_file = ""
        self.desk: Desk | None = None
        self.log = EventLog(None, lambda: 0)
        self._tally: Tally | None = None
        self._files: Registered | None = None
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._guard: Guard | None = None
        self._coming: set[int] = set()

    def tap(self, t: int, src: str, kind: str, facts: Mapping[str, Any]) -> None:
        """A record of the history, as `World` tells it."""
        self.log.record(t, src, kind, facts)
        if self._tally is not None:
            self._tally.record(t, src, kind, facts)

    def watch(self, world: World) -> None:
        """Count what happens in this hall from now on; call before `world.begin`."""
        scenario = world.scenario
        rows = inventory(scenario)
        self._tally = Tally(
            frozenset(row["name"] for row in rows if row["kind"] == "rating_keypad"),
            {row["name"]: row["counter"] for row in rows if row["kind"] == "clerk_console" and row["counter"]},
            {name: LineTally() for name in world.rig.lines},
        )

    async def open(self, world: World, live: LiveHall, **facts: Any) -> None:
        """Serve; the bench is found by others when this returns.

        Args:
            world: the hall.
            live: its ports and clock.
            facts: further facts of the registry's entry.

        Raises:
            ControlUnavailable: no directory for the token, or no such address.
        """
        if self._tally is None:
            self.watch(world)
        assert self._tally is not None
        driver: WallDriver = live.driver
        self.log.decoder = Decoder(world.rig)
        self.log.now = driver.now_ns
        world.rig.listen(self.log.burst)
        world.rig.listen(self._tally.burst)
        self.name = self.name or world.scenario.name
        self.desk = Desk(self.name, world, live, self.log, self._tally, self.fixed)
        try:
            self._files = Registered.new()
            await self._listen()
            entry = register(
                self.name, self.url, self._files, scenario=world.scenario.name, ports=live.addresses, **facts
            )
        except OSError as exc:
            await self.close()
            raise ControlUnavailable(f"the control API cannot be offered: {exc}") from exc
        self.token_file = entry.token_file

    async def _listen(self) -> None:
        assert self._files is not None
        guard = self._guard = Guard(self._files.token, self.listen)
        app = web.Application(middlewares=[guard.middleware], client_max_size=BODY_BYTES)
        for route in ROUTES:
            app.router.add_route(route.method, route.path, self._handler(route, guard), expect_handler=expects)
        self._runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.5)
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._connection, self.listen, self.port, backlog=_BACKLOG)
        except socket.gaierror as exc:
            raise OSError(errno.EADDRNOTAVAIL, no_address(self.listen)) from exc
        except OSError as exc:
            raise OSError(exc.errno, f"{self.listen}:{self.port}: {exc.strerror or exc}") from exc
        guard.port = self._server.sockets[0].getsockname()[1]
        host = f"[{self.listen}]" if ":" in self.listen else self.listen
        self.url = f"http://{host}:{guard.port}"

    def _connection(self) -> asyncio.Protocol:
        """What serves a new connection: a handler, or a few words and the end."""
        assert self._runner is not None
        assert self._guard is not None
        server = self._runner.server
        strangers = self._guard.strangers
        if server is None:
            return Busy()
        there = {id(handler) for handler in server.connections}
        if len(there | self._coming) >= CONNECTIONS:
            return Busy()
        loop = asyncio.get_running_loop()
        handler = Connection(
            server, loop=loop, access_log=SILENT, keepalive_timeout=30, logger=SILENT, auto_decompress=False
        )
        self._coming.add(id(handler))  # it is among the connections some turns of the loop later
        loop.call_later(COMING_S, self._coming.discard, id(handler))
        strangers[id(handler)] = handler

        def look_again() -> None:
            if strangers.get(id(handler)) is handler:
                del strangers[id(handler)]
                if handler.transport is not None:
                    handler.transport.abort()

        loop.call_later(STRANGER_S, look_again)
        return handler

    def _handler(self, route: Route, guard: Guard) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            assert self.desk is not None
            body = await read_body(request, route.body) if route.body is not None else None
            asked = Asked(self.desk, request, body, guard.spend)
            if not route.params:
                asked.query(())
            try:
                return await route.handler(asked)
            except (Refusal, web.HTTPException, asyncio.CancelledError, ConnectionError):
                raise
            except Exception as exc:  # the one answer for what nobody foresaw; the bench goes on
                self.log.add("run", "control_failed", {"path": route.path, "why": f"{type(exc).__name__}: {exc}"})
                return refuse_with(
                    Refusal("bench_failed", f"{type(exc).__name__}: {str(exc)[:200]}", "please report this")
                )

        return serve

    async def close(self) -> None:
        """Stop serving: token and entry are gone, readers of events are told that it is over."""
        if self._files is not None:
            self._files.remove()
            self._files = None
        if self.desk is not None:
            self.desk.ending = True
        self.log.close()
        if self._server is not None:
            self._server.close()
            self._server = None
            await asyncio.sleep(0)
        if self._runner is not None:
            with contextlib.suppress(OSError, RuntimeError):
                await self._runner.cleanup()
            self._runner = None
            await asyncio.sleep(0)  # handlers of connections that went just now end
