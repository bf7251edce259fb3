"""Events: a page of them by HTTP, or all of them as they come by WebSocket, both from any number on."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from aiohttp import WSMsgType, web

from bench.control.desk import Desk
from bench.control.errors import Refusal
from bench.control.events import KINDS, Batch
from bench.control.guard import answer
from bench.control.routes import Asked, Param, Route, line_arg

__all__ = ["ROUTES"]

MOST: Final = 2000
"""Events of one page or message."""

TOGETHER_S: Final = 0.02
"""Events that come within this time go in one message."""

HEARTBEAT_S: Final = 20.0
_LONGEST_WAIT_S: Final = 30

_PARAMS: Final = (
    Param(
        "since",
        {"type": "string", "pattern": "^(now|[0-9]{1,15})$"},
        'Number of the last event that is known; "now" for none of the past. All that are kept when not given.',
    ),
    Param("limit", {"type": "integer", "minimum": 1, "maximum": MOST}, "Most events of a page; 500."),
    Param("kinds", {"type": "string", "pattern": f"^({'|'.join(KINDS)})(,({'|'.join(KINDS)}))*$"}, "Only these."),
    Param("who", {"type": "string", "maxLength": 64}, "Only of this device or line."),
    Param("wait", {"type": "integer", "minimum": 0, "maximum": _LONGEST_WAIT_S}, "Seconds to wait for an event."),
)


class _Reader:
    """Where one reader stands."""

    def __init__(self, desk: Desk, query: dict[str, str]) -> None:
        self.log = desk.log
        kinds = tuple(filter(None, query.get("kinds", "").split(",")))
        unknown = sorted(set(kinds) - set(KINDS))
        if unknown or query.get("kinds") == "":
            raise Refusal("bad_field", f"there is no kind {', '.join(unknown)[:80]!r}", f"kinds: {', '.join(KINDS)}")
        self.kinds = kinds
        self.who = query.get("who", "")
        if len(self.who) > 64:
            raise Refusal("bad_field", "who is longer than any name", "GET /v1/devices lists the names")
        self.most = line_arg(query.get("limit", "500"), 1, MOST, "limit")
        self.wait = line_arg(query.get("wait", "0"), 0, _LONGEST_WAIT_S, "wait")
        since = query.get("since")
        if since is None:
            self.since = self.log.first - 1
        elif since == "now":
            self.since = self.log.last
        else:
            self.since = line_arg(since, 0, 10**15, "since")
        if self.since > self.log.last:
            raise Refusal(
                "bad_since",
                f"event {self.since} has not happened; the last is {self.log.last}",
                "this is another bench than before: begin again with since=0",
            )

    def read(self) -> Batch:
        """The next events; what was asked for is behind this reader then."""
        batch = self.log.read(self.since, self.most, self.kinds, self.who)
        self.since = batch.last
        return batch


async def events(asked: Asked) -> web.StreamResponse:
    """One page, or a WebSocket when the request asks for one."""
    reader = _Reader(asked.desk, asked.query(_PARAMS))
    upgrade = asked.request.headers.get("Upgrade", "").lower()
    if upgrade == "websocket":
        return await _stream(asked, reader)
    if not reader.wait:
        return _page(reader.read())
    asked_from, lost = reader.since, 0
    loop = asyncio.get_running_loop()
    end = loop.time() + reader.wait
    with reader.log.news() as news:
        while True:
            news.clear()
            batch = reader.read()
            lost += batch.lost
            left = end - loop.time()
            caught_up = batch.last >= reader.log.last
            if batch.events or reader.log.closed or (caught_up and left <= 0):
                return _page(batch._replace(since=asked_from, lost=lost))
            if caught_up:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), left)
            else:
                await asyncio.sleep(0)


def _page(batch: Batch) -> web.Response:
    response = answer({})
    response.text = batch.text()
    return response


async def _stream(asked: Asked, reader: _Reader) -> web.StreamResponse:
    socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, max_msg_size=4096, protocols=("hallbench.v1",), compress=False, timeout=1.0
    )
    if not socket.can_prepare(asked.request).ok:
        raise Refusal("bad_request", "this is no WebSocket handshake", "see RFC 6455, or ask without Upgrade")
    await socket.prepare(asked.request)
    pump = asyncio.ensure_future(_pump(socket, reader))
    ears = asyncio.ensure_future(_ears(socket))
    try:
        await asyncio.wait((pump, ears), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (pump, ears):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError, RuntimeError):
                await task
        with contextlib.suppress(ConnectionError, RuntimeError):
            await socket.close(code=1001 if reader.log.closed else 1000)
    return socket


async def _pump(socket: web.WebSocketResponse, reader: _Reader) -> None:
    """Send what happens; this waits for a slow reader, and nobody waits for this."""
    with reader.log.news() as news:
        while True:
            news.clear()
            batch = reader.read()
            if batch.events or batch.lost:
                await socket.send_str(batch.text())
            if batch.last < reader.log.last:
                await asyncio.sleep(0)
                continue
            if reader.log.closed:
                return
            await news.wait()
            if not reader.log.closed:
                await asyncio.sleep(TOGETHER_S)


async def _ears(socket: web.WebSocketResponse) -> None:
    """Hear the peer's close; whatever else it says is not for us."""
    async for message in socket:
        if message.type in (WSMsgType.ERROR, WSMsgType.CLOSE):
            return


ROUTES: Final = (
    Route(
        "GET",
        "/v1/events",
        "What happened after event `since`; by WebSocket also what happens.",
        events,
        "Events",
        params=_PARAMS,
        errors=("bad_field", "bad_since", "bad_request"),
    ),
)
