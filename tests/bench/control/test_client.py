"""The clients: one connection for several requests, refusals as errors, silence told as such."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.control.client import Client, ControlError, Watcher, device_path, find
from tests.bench.control.conftest import Bench

ROOT = Path(__file__).parents[3]


def test_a_client_keeps_its_connection(bench: Bench):
    """Many requests go over one connection; a bench that closed it meanwhile is asked again."""
    with Client(find()) as client:
        for _ in range(20):
            assert client.get("/v1/clock")["now"]
        assert client._http.sock is not None
        client._http.sock.shutdown(2)
        assert client.get("/v1/clock")["now"]


def test_silence_is_told(bench: Bench):
    """Nobody there, and a token that is gone: errors with codes, no traceback of a socket."""
    with Client(replace(bench.entry, control="http://127.0.0.1:9")) as nobody:
        with pytest.raises(ControlError) as caught:
            nobody.get("/v1/clock")
        assert caught.value.code == "unreachable"
    with pytest.raises(ControlError) as caught:
        Client(replace(bench.entry, token_file="/nowhere"))
    assert caught.value.code == "no_token"


def test_the_watcher_asks_too(bench: Bench):
    """Requests of the asynchronous client are those of the other; a refused stream says why."""

    async def talk() -> None:
        async with Watcher(bench.entry) as watcher:
            assert (await watcher.get("/v1/clock"))["now"]
            assert (await watcher.post(device_path("keypad-1", "log_in"), {"clerk": 3}))["ignored"] is None
            with pytest.raises(ControlError) as caught:
                await watcher.delete("/v1/faults/none")
            assert caught.value.code == "no_such_fault"
            with pytest.raises(ControlError) as caught:
                async for _ in watcher.events(kinds="nonsense"):
                    pass
            assert caught.value.code == "bad_field"

    asyncio.run(asyncio.wait_for(talk(), 60))


def test_names_go_into_paths_whole():
    """Whatever a name holds, it stays one part of the path."""
    assert device_path("a/b c?d#e", "press") == "/v1/devices/a%2Fb%20c%3Fd%23e/press"


def test_a_command_imports_no_bench():
    """A thin client starts fast: no aiohttp, no pydantic, no SimPy, no device of ours."""
    code = (
        "import sys; import bench.cli.press_cmd, bench.cli.fault_cmd, bench.cli.show_cmd, bench.cli.clock_cmd; "
        "print([m for m in ('aiohttp', 'pydantic', 'simpy', 'firmware_sim.devices', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
