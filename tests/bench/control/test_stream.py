"""Events as they come: nothing is missed over a reconnect, and a reader that sleeps holds nobody up."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import aiohttp
import pytest

from bench.control.client import Client, ControlError, Watcher
from bench.control.events import KEPT
from tests.bench.control.conftest import Bench


def run(coroutine: Any) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def test_a_reconnect_misses_nothing(bench: Bench):
    """Two connections, the second from where the first ended: the numbers go on without a gap or a repeat."""

    async def numbers(since: int | str, until: int) -> list[int]:
        seen: list[int] = []
        async with Watcher(bench.entry) as watcher:
            async for batch in watcher.events(since=since, kinds="device,act"):
                assert batch.lost == 0
                seen += [event["seq"] for event in batch.events]
                if batch.last >= until:
                    return seen
                await watcher.post("/v1/devices/keypad-1/log_in", {"clerk": 2})
        return seen

    with Client(bench.entry) as client:
        begun = client.get("/v1/hall")["last"]
        client.post("/v1/devices/keypad-1/log_in", {"clerk": 1})
        first = run(numbers(begun, begun + 4))
        client.post("/v1/devices/keypad-2/log_in", {"clerk": 1})
        second = run(numbers(first[-1], first[-1] + 2))
        page = client.get("/v1/events", since=begun, kinds="device,act", limit=2000)
    whole = [event["seq"] for event in page["events"]]
    assert (first + second) == whole[: len(first) + len(second)]
    assert whole == sorted(set(whole))


def test_what_is_lost_is_counted(bench: Bench):
    """After more events than are kept, a reader from the beginning is told how many it will never see."""

    def flood() -> int:
        for _ in range(KEPT):
            bench.control.log.add("run", "flood", {})
        return bench.control.log.last

    last = bench.do(flood)
    with Client(bench.entry) as client:
        told = client.get("/v1/events", since=0, limit=1)
    assert told["lost"] + 1 == told["events"][0]["seq"]
    assert told["lost"] >= last - KEPT


def test_a_reader_that_never_reads_holds_nobody_up(bench: Bench):
    """A WebSocket whose peer does not read fills its socket and waits; acts go on, and memory is the ring's."""
    peer = socket.create_connection(("127.0.0.1", bench.port))
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.sendall(
        f"GET /v1/events?since=0 HTTP/1.1\r\nHost: 127.0.0.1:{bench.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        f"Sec-WebSocket-Protocol: hallbench.v1, bearer.{bench.token}\r\n\r\n".encode()
    )
    assert b" 101 " in peer.recv(100)

    def flood() -> None:
        for _ in range(5000):
            bench.control.log.add("run", "flood", {"text": "x" * 200})

    with Client(bench.entry) as client:
        for _ in range(6):
            bench.do(flood)
            assert client.post("/v1/devices/keypad-1/log_in", {"clerk": 1})["ignored"] is None
    peer.close()


def test_the_end_of_the_bench_ends_the_stream(tmp_path: Any, monkeypatch: pytest.MonkeyPatch):
    """A watcher's iteration ends when the bench does; it does not wait for one that will never come."""
    monkeypatch.setenv("HALLBENCH_RUNTIME_DIR", str(tmp_path / "run"))
    bench = Bench(tmp_path)

    async def watch() -> int:
        batches = 0
        async with Watcher(bench.entry) as watcher:
            async for _ in watcher.events(since=0):
                batches += 1
                if batches == 1:
                    bench.loop.call_soon_threadsafe(bench.ended.set)
        return batches

    assert run(watch()) >= 1
    bench.close()
    assert list((tmp_path / "run").iterdir()) == []


def test_pages_wait_for_news(bench: Bench):
    """`wait` holds a page back until something happens: no polling for clients without WebSockets."""
    with Client(bench.entry) as client, Client(bench.entry) as other:
        begun = time.monotonic()
        empty = client.get("/v1/events", since="now", kinds="fault", wait=1)
        assert empty["events"] == []
        assert time.monotonic() - begun >= 1
        since = client.get("/v1/hall")["last"]
        other.post("/v1/devices/keypad-1/log_in", {"clerk": 1})
        told = client.get("/v1/events", since=since, kinds="act", wait=10)
        assert [event["what"] for event in told["events"]] == ["log_in"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"since": "x"}, "bad_field"),
        ({"since": "-1"}, "bad_field"),
        ({"since": "9" * 15}, "bad_since"),
        ({"limit": "0"}, "bad_field"),
        ({"kinds": "nonsense"}, "bad_field"),
        ({"colour": "red"}, "bad_field"),
        ({"who": "x" * 65}, "bad_field"),
    ],
)
def test_queries_that_cannot_be(bench: Bench, query: dict[str, str], code: str):
    """Each mistake in a query has its code; a number that has not happened yet is another bench's."""
    with Client(bench.entry) as client, pytest.raises(ControlError) as caught:
        client.get("/v1/events", **query)
    assert caught.value.code == code


def test_a_websocket_with_the_token_as_protocol(bench: Bench):
    """Where no header can be set (a browser's or Node's WebSocket), the token goes as a subprotocol."""

    async def talk() -> Any:
        url = f"{bench.control.url}/v1/events?since=0"
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(url, protocols=("hallbench.v1", "bearer.wrong"))
            assert caught.value.status == 401
            async with session.ws_connect(url, protocols=("hallbench.v1", f"bearer.{bench.token}")) as peer:
                assert peer.protocol == "hallbench.v1"
                await peer.send_str("whatever")
                return json.loads((await peer.receive()).data)

    assert run(talk())["events"]
