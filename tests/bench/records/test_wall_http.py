"""In wall time the sink is a socket on this machine, which any program reaches, and nobody outside."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bench.judge.records import read
from bench.records.intake import Intake
from bench.records.wall_http import listening

ROW = {"device": "keypad-1", "clerk": 1, "value": 5, "at": 9}


def post(url: str, value: object) -> int:
    asked = urllib.request.Request(url, json.dumps(value).encode(), {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=100) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_program_posts_rows(tmp_path: Path) -> None:
    """Rows that were answered with 201 are in the file, others are not; afterwards nobody listens."""

    async def session() -> str:
        intake = Intake(tmp_path / "posted.jsonl", lambda: 10**18)
        async with listening(intake) as url:
            assert url.startswith("http://127.0.0.1:")
            for value, status in ((ROW, 201), ([ROW, ROW], 201), ("no row", 422)):
                assert await asyncio.to_thread(post, url, value) == status
            for way in ("ratings", "?from=here"):
                assert await asyncio.to_thread(post, url + way, ROW) == 201
            return url

    url = asyncio.run(session())
    assert len(read(tmp_path / "posted.jsonl")) == 5
    port = urlsplit(url).port
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_who_has_not_the_address_posts_nothing(tmp_path: Path) -> None:
    """The port can be found by anybody on this machine, the path cannot; it is another one in each run."""

    async def session() -> str:
        intake = Intake(tmp_path / "posted.jsonl", lambda: 10**18)
        async with listening(intake) as url:
            home = f"http://{urlsplit(url).netloc}/"
            path = urlsplit(url).path.strip("/")
            for way in ("", "ratings", path[:-1], path + "x", path.swapcase(), "//", f"x/{path}/"):
                assert await asyncio.to_thread(post, home + way, ROW) == 404
            return path

    assert asyncio.run(session()) != asyncio.run(session())
    assert (tmp_path / "posted.jsonl").read_bytes() == b""


def test_a_connection_that_is_dropped_leaves_nothing(tmp_path: Path) -> None:
    """Half a request is no row, and the end of the run does not wait for the rest of it."""

    async def session() -> None:
        intake = Intake(tmp_path / "posted.jsonl", lambda: 10**18)
        async with listening(intake) as url:
            where = urlsplit(url)
            _, writer = await asyncio.open_connection("127.0.0.1", where.port)
            head = f"POST {where.path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{{"
            writer.write(head.encode())
            await writer.drain()
        writer.close()

    asyncio.run(session())
    assert (tmp_path / "posted.jsonl").read_bytes() == b""
