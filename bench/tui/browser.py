"""The view in a browser of this machine, through textual-serve; nothing is loaded from elsewhere.

Each page runs a view of its own, all attached to the one bench. Whoever opens a page can steer the bench, so a page
needs a key: the printed address holds one that opens one browser and is then used up; the browser keeps a cookie
instead, and its address bar shows no secret. The bench's own token never leaves this process and its children. Pages of
other sites get nowhere: `Host` and `Origin` are checked, and the policy of the page forbids it every other address.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from textual_serve.server import Server

__all__ = ["BenchServer", "serve", "take_port"]

_FOCUS: Final = """new MutationObserver((_, watch) => {
  const keys = document.querySelector(".xterm-helper-textarea");
  if (keys) { watch.disconnect(); keys.focus(); }
}).observe(document.documentElement, {childList: true, subtree: true});
"""

COOKIE: Final = "hallbench_view"
MOST_PAGES: Final = 8
"""Pages at once: each is a process."""

_TEMPLATES: Final = Path(__file__).parent / "templates"
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BenchServer(Server):
    """Serves one command to browsers that have shown the key.

    Args:
        command: what each page runs, as a list of arguments.
        listening: the socket of this machine's own that it serves.
        told: is given each address that opens a browser.
    """

    def __init__(self, command: list[str], listening: socket.socket, told: Callable[[str], None]) -> None:
        port = int(listening.getsockname()[1])
        self.listening = listening
        super().__init__(
            shlex.join(command), host="127.0.0.1", port=port, title="hallbench view", templates_path=str(_TEMPLATES)
        )
        self.public_url = f"http://127.0.0.1:{port}"
        self._told = told
        self._key = ""
        self._cookies: set[str] = set()
        self._pages = 0

    def initialize_logging(self) -> None:
        """What went wrong is told by the page; nothing is written over the terminal."""

    async def on_startup(self, app: web.Application) -> None:
        """Nothing is told before it listens."""

    def new_key(self) -> str:
        """Make a key that opens one browser, and tell its address."""
        self._key = secrets.token_urlsafe(18)
        address = f"{self.public_url}/?key={self._key}"
        self._told(address)
        return address

    async def application(self) -> web.Application:
        """The web application, with the guard before everything."""
        app = await self._make_app()
        app.middlewares.append(self._guard)
        app.router.add_get("/focus.js", _focus)
        app.on_response_prepare.append(_headers(self.port))
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        allowed = f"127.0.0.1:{self.port}"
        if request.host != allowed:
            raise web.HTTPMisdirectedRequest(text="this address is not served here\n")
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"http://{allowed}":
            raise web.HTTPForbidden(text="pages of other sites are not served\n")
        if request.path == "/" and "key" in request.query:
            return self._open(request.query["key"])
        if not any(hmac.compare_digest(request.cookies.get(COOKIE, ""), known) for known in self._cookies):
            raise web.HTTPUnauthorized(text="open the address that hallbench view has printed last\n")
        if request.path == "/ws":
            if origin is None:
                raise web.HTTPForbidden(text="a page must say where it is from\n")
            if self._pages >= MOST_PAGES:
                raise web.HTTPServiceUnavailable(text=f"{MOST_PAGES} pages are open; close one\n")
            self._pages += 1
            try:
                return await handler(request)
            finally:
                self._pages -= 1
        return await handler(request)

    def _open(self, key: str) -> web.Response:
        """The key is used up; the browser gets a cookie and an address without it."""
        if not hmac.compare_digest(key.encode(), self._key.encode()):
            raise web.HTTPUnauthorized(text="this key is used up; the newest address stands on the terminal\n")
        cookie = secrets.token_urlsafe(24)
        self._cookies.add(cookie)
        self.new_key()
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="Strict", path="/")
        return response


async def _focus(_request: web.Request) -> web.Response:
    """Keys go to the terminal of the page from the first moment, not from the first click."""
    return web.Response(text=_FOCUS, content_type="text/javascript")


def _headers(port: int) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
        f"img-src 'self' data:; connect-src 'self' ws://127.0.0.1:{port}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )

    async def add(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Content-Security-Policy"] = policy
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"

    return add


def take_port(port: int) -> socket.socket:
    """Have a TCP port of 127.0.0.1, and nobody else from then on; 0: a free one.

    Raises:
        OSError: another program has it.
    """
    return socket.create_server(("127.0.0.1", port))


def serve(bench: str, language: str, listening: socket.socket, say: Callable[[str], Any]) -> None:
    """Serve the view of one bench until interrupted.

    Args:
        bench: its process number.
        language: of the labels.
        listening: where, from `take_port`; closed afterwards.
        say: prints a line.
    """
    command = [sys.executable, "-m", "bench.cli", "view", "--bench", bench, "--lang", language]

    def told(address: str) -> None:
        say(f"Open {address}  (opens one browser; Ctrl-C ends)")
        sys.stdout.flush()

    with listening, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(BenchServer(command, listening, told)))


async def _run(server: BenchServer) -> None:
    runner = web.AppRunner(await server.application(), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.SockSite(runner, server.listening).start()
        server.new_key()
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(number, over.set)
        await over.wait()
    finally:
        await runner.cleanup()
