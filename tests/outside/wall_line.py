"""One device on a pty in wall time, for a program of somebody else's in an environment of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from bench.clock.clockwork import Clockwork
from bench.clock.wall import WallDriver, make_loop
from bench.ports.pty import PtyPort
from firmware_sim.burst import LineSettings
from firmware_sim.line import Line

PEERS = Path(__file__).parents[2] / "build" / "peers"


class WallLine:
    """A line with devices on a pty, in a thread of its own.

    Args:
        folder: where the pty's name stands.
        devices: to be put on the line, and powered on.
        duplex: of the line.
    """

    def __init__(self, folder: Path, *devices: Any, duplex: str = "half") -> None:
        self.loop = make_loop(2)
        self.clock = Clockwork()
        self.driver = WallDriver(self.clock, self.loop)
        self.line = Line("line", self.clock, LineSettings(), duplex)
        self.notes: list[tuple[str, dict[str, Any]]] = []
        self.line.on_note(lambda _name, _t, note: self.notes.append((note.kind, dict(note.facts))))
        for device in devices:
            self.line.attach(device)
            self.line.apply(device, device.power_on(0))
        self.port = PtyPort(self.line, self.driver, folder / "port")
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self._run(self.port.open())
        self.loop.call_soon_threadsafe(self.driver.start)

    @property
    def path(self) -> str:
        return str(self.port.path)

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        return [facts for told, facts in self.notes if told == kind]

    def act(self, device: Any, action: str, *arguments: Any, after: float = 0.0) -> None:
        """A person does something, `after` seconds from now."""

        def do() -> None:
            self.line.apply(device, getattr(device, action)(self.clock.now, *arguments))

        self.loop.call_soon_threadsafe(self.loop.call_later, after, self.driver.stimulus, do)

    def stop(self) -> None:
        async def end() -> None:
            self.driver.stop()
            await self.port.close()
            await asyncio.sleep(0.02)

        self._run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        assert self.driver.failure is None, self.driver.failure

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)


def run(peer: str, script: str, *arguments: str) -> Any:
    """Run a script in a peer's environment; its last line is one JSON value."""
    python = PEERS / peer / "bin" / "python"
    if not (PEERS / peer / ".installed").exists():
        told = f"{peer} is not here; `bash tests/outside/setup.d/declared.sh` fetches it"
        if os.environ.get("HALLBENCH_PEERS") == "required":
            pytest.fail(f"{told} (HALLBENCH_PEERS=required)")
        pytest.skip(told)
    done = subprocess.run(
        [str(python), "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])
