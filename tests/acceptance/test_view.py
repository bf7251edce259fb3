"""The live view on a real bench: on a terminal, started with it, and in a browser."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bench.control.registry import VARIABLE

pytest.importorskip("termios", reason="this system has no pseudo-terminals")

import fcntl
import termios

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "support" / "small.toml"


def environment(cwd: Path) -> dict[str, str]:
    return {
        **os.environ, "PYTHONPATH": str(ROOT), VARIABLE: str(cwd / "run"), "TERM": "xterm-256color", "LANG": "C.UTF-8",
    }  # fmt: skip


@contextlib.contextmanager
def started(cwd: Path, *args: object, **kwargs: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.cli", *map(str, args)], cwd=cwd, env=environment(cwd), **kwargs
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


class Terminal:
    """A program on a terminal of 120 x 40; what it writes is read as bytes."""

    def __init__(self, cwd: Path, *args: object) -> None:
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.cli", *map(str, args)],
            cwd=cwd, env=environment(cwd), stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.seen = b""

    def until(self, wanted: bytes, seconds: float = 200) -> None:
        end = time.monotonic() + seconds
        while wanted not in self.seen:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise AssertionError(f"{wanted!r} did not come: {self.seen[-2000:]!r}")
            try:
                self.seen += os.read(self.master, 65536)
            except OSError as exc:
                raise AssertionError(f"ended before {wanted!r}: {self.seen[-2000:]!r}") from exc

    def keys(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def end(self) -> int:
        """Read on until it has left."""
        with contextlib.suppress(OSError):
            while select.select([self.master], [], [], 100)[0] and os.read(self.master, 65536):
                pass
        return self.process.wait(100)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)


@pytest.mark.parametrize("end", ["q", "SIGHUP"])
def test_view_starts_a_bench_and_ends_it(tmp_path, hallbench, end):
    """Without a bench one is started; a key pressed in the view reaches the keypad; q, or a terminal that is closed,
    ends both and leaves nothing."""
    terminal = Terminal(tmp_path, "view", SMALL)
    try:
        terminal.until(b"keypad-1")
        terminal.until(b"keypad-2")
        terminal.keys(b"5")
        terminal.until(b"waiting 1")
        shown = hallbench("show", "keypad-1", "--json", env={VARIABLE: str(tmp_path / "run")}).json
        assert [event["value"] for event in shown["queue"]["events"]] == [5]
        if end == "q":
            terminal.keys(b"q")
        else:
            terminal.process.send_signal(getattr(signal, end))
        assert terminal.end() == 0
    finally:
        terminal.close()
    assert list((tmp_path / "run").iterdir()) == []


def test_a_view_without_a_terminal_says_what_to_do(hallbench, tmp_path):
    """In a pipe there is no view; the message names two ways that work there."""
    told = hallbench("view", env={VARIABLE: str(tmp_path / "run")})
    assert told.code == 2
    assert "--browser" in told.err


def test_help_imports_no_textual():
    """`hallbench --help` and the help of the view read neither Textual nor aiohttp."""
    code = (
        "import sys; from bench.cli.main import main\n"
        "codes = [main(['--help']), main(['view', '--help'])]\n"
        "print(codes, sorted({name.partition('.')[0] for name in sys.modules} & {'textual', 'aiohttp', 'rich'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[0, 0] []"


@contextlib.contextmanager
def browser_view(cwd: Path) -> Iterator[tuple[str, Any]]:
    """A bench and `view --browser` on it: the address, and what reads the next one."""
    with (
        started(cwd, "up", SMALL, "--json", "--ports", cwd / "p", stdout=subprocess.PIPE) as up,
    ):
        assert up.stdout is not None
        assert up.stdout.readline()
        with started(cwd, "view", "--browser", stdout=subprocess.PIPE) as view:
            assert view.stdout is not None
            line = view.stdout.readline().decode()
            found = re.search(r"http://127\.0\.0\.1:\d+/\?key=\S+", line)
            assert found, line
            yield found[0], up


def test_a_page_of_the_browser_steers_the_bench(tmp_path, hallbench):
    """The key opens a session; what its socket draws is the hall; a key typed there is in the keypad's queue."""

    async def run(address: str) -> None:
        base = address.partition("/?")[0]
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.get(address) as page:
                assert page.status == 200
                assert "key=" not in str(page.url)
            socket = await session.ws_connect(f"{base}/ws?width=120&height=40", headers={"Origin": base})
            drawn = b""
            async with asyncio.timeout(200):
                while b"keypad-2" not in drawn:
                    message = await socket.receive()
                    drawn += message.data if isinstance(message.data, bytes) else b""
                await socket.send_str(json.dumps(["stdin", "5"]))
                while b"waiting 1" not in drawn:
                    message = await socket.receive()
                    drawn += message.data if isinstance(message.data, bytes) else b""
            await socket.close()

    with browser_view(tmp_path) as (address, _):
        asyncio.run(run(address))
        shown = hallbench("show", "keypad-1", "--json", env={VARIABLE: str(tmp_path / "run")}).json
        assert shown["queue"]["waiting"] == 1


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_chromium_shows_the_hall_and_asks_nobody_else(hallbench, tmp_path):
    """A real browser draws the hall, keeps no key in its address, takes keys without a click, and asks nobody else."""

    def waiting() -> int:
        return hallbench("show", "keypad-1", "--json", env={VARIABLE: str(tmp_path / "run")}).json["queue"]["waiting"]

    async def run(address: str) -> None:
        process = await asyncio.create_subprocess_exec(
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1500,900", "--remote-debugging-port=0",
            "about:blank", stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(200):
                await look(process, address)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.communicate()

    async def look(process: Any, address: str) -> None:
        base = address.partition("/?")[0]
        while not (found := re.search(rb"ws://(127\.0\.0\.1:\d+)/", await process.stderr.readline())):
            pass
        asked: list[str] = []
        async with aiohttp.ClientSession(trust_env=False) as session:
            pages = await (await session.get(f"http://{found[1].decode()}/json")).json()
            page = next(one for one in pages if one["type"] == "page")
            socket = await session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0)
            number = 0

            async def call(method: str, **params: Any) -> Any:
                nonlocal number
                number += 1
                await socket.send_json({"id": number, "method": method, "params": params})
                while (told := await socket.receive_json()).get("id") != number:
                    if told.get("method") == "Network.requestWillBeSent":
                        asked.append(told["params"]["request"]["url"])
                    if told.get("method") == "Network.webSocketCreated":
                        asked.append(told["params"]["url"])
                return told["result"]

            await call("Network.enable")
            await call("Page.navigate", url=address)
            where = ""
            while "-first-byte" not in where:
                await asyncio.sleep(0.2)
                found_it = await call("Runtime.evaluate", expression="document.body?.className + ' ' + location.href")
                where = str(found_it["result"].get("value"))
            assert where.endswith(base + "/")
            picture = b""
            # A screen that is drawn has many colours, so its picture does not shrink to next to nothing.
            while len(picture) < 40_000:
                await asyncio.sleep(0.3)
                picture = base64.b64decode((await call("Page.captureScreenshot", format="png"))["data"])
            while not await asyncio.to_thread(waiting):  # a key for the chosen tile, as soon as there is one
                await call("Input.dispatchKeyEvent", type="char", text="5")
                await asyncio.sleep(0.5)
            picture = base64.b64decode((await call("Page.captureScreenshot", format="png"))["data"])
            (tmp_path / "view.png").write_bytes(picture)
            await socket.close()
        host = base.removeprefix("http://")
        assert any(url.startswith(f"ws://{host}/ws") for url in asked)
        assert not [url for url in asked if not url.startswith((base, f"ws://{host}/", "data:"))]

    with browser_view(tmp_path) as (address, _):
        asyncio.run(run(address))
