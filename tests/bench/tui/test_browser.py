"""The view in a browser: who gets in, and that its page asks nobody else for anything."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bench.cli import view_cmd
from bench.cli.main import main
from bench.tui import browser
from bench.tui.browser import COOKIE, BenchServer, take_port


def served(steps, command=None):
    """Run steps(session, server, addresses) against a server on a free port."""

    async def run():
        told: list[str] = []
        server = BenchServer(command or [sys.executable, "-c", "pass"], take_port(0), told.append)
        runner = web.AppRunner(await server.application())
        await runner.setup()
        await web.SockSite(runner, server.listening).start()
        server.new_key()
        try:
            jar = aiohttp.CookieJar(unsafe=True)
            async with aiohttp.ClientSession(cookie_jar=jar, trust_env=False) as session:
                await steps(session, server, told)
        finally:
            await runner.cleanup()

    asyncio.run(run())


def test_a_key_opens_one_browser_and_leaves_the_address():
    """The printed address sets a cookie and leads to one without a key; a second browser needs the new key."""

    async def steps(session, server, told):
        async with session.get(told[0], allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/")
            assert "HttpOnly" in answer.headers["Set-Cookie"]
            assert "SameSite=Strict" in answer.headers["Set-Cookie"]
        async with session.get(server.public_url) as answer:
            assert answer.status == 200
            assert "key=" not in str(answer.url)
        assert len(told) == 2
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as other:
            assert (await other.get(told[0])).status == 401
            assert (await other.get(server.public_url)).status == 401
            assert (await other.get(told[1])).status == 200

    served(steps)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 401),
        ({"Cookie": f"{COOKIE}=guess"}, 401),
    ],
)
def test_others_are_turned_away(headers, status):
    """Another host name, another site, no cookie or a wrong one: nothing is served, pages and sockets alike."""

    async def steps(session, server, told):
        for path in ("/", "/ws", "/static/js/textual.js", "/download/x"):
            async with session.get(server.public_url + path, headers=headers) as answer:
                assert answer.status == status, path

    served(steps)


def test_a_page_of_another_site_gets_no_socket_even_with_the_cookie():
    """The cookie alone does not open the WebSocket: the page must be ours, and must say so."""

    async def steps(session, server, told):
        await session.get(told[0])
        for headers in ({"Origin": "http://evil.example"}, {}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(server.public_url + "/ws", headers=headers)
            assert refused.value.status == 403

    served(steps)


def test_the_page_asks_nobody_else():
    """Page, style sheet and script name no address to load from elsewhere, and the policy forbids it."""

    async def steps(session, server, told):
        async with session.get(told[0]) as answer:
            page = await answer.text()
            policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert not re.findall(r"https?://(?!127\.0\.0\.1)", policy + page)
        for url in re.findall(r'(?:src|href)="(http[^"]+)"', page):
            assert url.startswith(server.public_url)
            async with session.get(url) as answer:
                assert answer.status == 200
                body = await answer.text()
            assert not re.findall(r"url\([\"']?(?:https?:)?//", body)
            assert "@import" not in body

    served(steps)


def test_the_command_holds_no_secret(monkeypatch):
    """What each page runs names the bench by its process number; the token stays in its file."""
    seen = {}

    async def run(server):
        seen["command"] = server.command

    monkeypatch.setattr(browser, "_run", run)
    browser.serve("4711", "vi", take_port(0), lambda line: None)
    assert seen["command"].endswith("view --bench 4711 --lang vi")
    assert "token" not in seen["command"]


def test_the_template_is_shipped():
    """The page of the package, not textual-serve's, which loads a font from elsewhere."""
    page = (Path(browser.__file__).parent / "templates" / "app_index.html").read_text(encoding="utf-8")
    assert "http" not in page


def test_a_port_is_had_for_good_or_told(monkeypatch, capsys):
    """A free port is nobody else's from when it was found; one that another has is exit 4 with the reason."""
    monkeypatch.setattr(view_cmd, "_bench", lambda *_: contextlib.nullcontext("4711"))
    with take_port(0) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            take_port(number)
        assert main(["view", "--browser", "--port", str(number)]) == 4
    assert f"127.0.0.1:{number}: Address already in use" in capsys.readouterr().err
