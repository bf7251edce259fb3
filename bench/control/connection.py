"""One connection of the control API, where it is no HTTP yet or no HTTP at all.

What cannot be read as HTTP never reaches the guard. It is refused in the same JSON as everything else, and it is not
worth a line in the terminal of the bench: anybody on this machine can send it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from bench.control.errors import Refusal
from bench.control.guard import CONNECTIONS, refuse_with

__all__ = ["SILENT", "Busy", "Connection"]

SILENT: Final = logging.getLogger("hallbench.control")
"""Where aiohttp tells of requests that it could not read: nowhere, unless a program adds a handler."""
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False


class Connection(RequestHandler):
    """A connection whose every refusal is one of `bench.control.errors`."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what aiohttp could not read, or failed at.

        Args:
            request: as far as it is known.
            status: that aiohttp would answer with.
            exc: what went wrong.
            message: what aiohttp says of it.

        Raises:
            ConnectionError: a part of an answer has gone already.
        """
        self.log_debug("Error handling request from %s", request.remote, exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already: none can be sent for the error")
        if status < 500:
            first = ascii((message or "").partition("\n")[0].rstrip(":. "))[1:-1][:120]
            refusal = Refusal("bad_request", f"this cannot be read as HTTP: {first}", "send HTTP/1.1, with one Host")
        else:
            refusal = Refusal("bench_failed", f"{type(exc).__name__}: {ascii(str(exc))[:200]}", "please report this")
        response = refuse_with(refusal)
        response.force_close()
        return response


class Busy(asyncio.Protocol):
    """What a connection gets when there are too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say so and hang up."""
        assert isinstance(transport, asyncio.Transport)
        refusal = Refusal(
            "too_many_connections", f"{CONNECTIONS} connections are open", "close some, or keep one and use it again"
        )
        body = json.dumps(refusal.body()).encode()
        head = (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        transport.write(head.encode() + body)
        transport.close()
