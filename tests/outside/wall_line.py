"""One device on a pty in wall time, for a program of somebody else's in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest

from bench.ports.pty import PtyPort
from firmware_sim.burst import LineSettings
from firmware_sim.line import Line
from wall_thread import WallThread

PEERS = Path(__file__).parents[2] / "build" / "peers"


class WallLine:
    """A line with devices on a pty, in a thread of its own.

    Args:
        folder: where the pty's name stands.
        devices: to be put on the line, and powered on.
        duplex: of the line.
    """

    def __init__(self, folder: Path, *devices: Any, duplex: str = "half") -> None:
        self._folder = folder
        self._wall = WallThread(2)
        self.line = Line("line", self._wall.clock, LineSettings(), duplex)
        self.notes: list[tuple[str, dict[str, Any]]] = []
        self.line.on_note(lambda _name, _t, note: self.notes.append((note.kind, dict(note.facts))))
        for device in devices:
            self.line.attach(device)
            self.line.apply(device, device.power_on(0))
        self.port = PtyPort(self.line, self._wall.driver, folder / "port")
        self._wall.begin(self.port)

    @property
    def path(self) -> str:
        return str(self.port.path)

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        return [facts for told, facts in self.notes if told == kind]

    def mark(self, kind: str) -> str:
        """A file that is there as soon as a device noted such a thing: the last that a program asks for."""
        mark = self._folder / f"noted-{kind}"
        self.line.on_note(lambda _name, _t, note: mark.touch() if note.kind == kind else None)
        return str(mark)

    def act(self, device: Any, action: str, *arguments: Any, after: float = 0.0) -> None:
        """A person does something, `after` seconds from now."""

        def do() -> None:
            self.line.apply(device, getattr(device, action)(self._wall.clock.now, *arguments))

        loop = self._wall.loop
        loop.call_soon_threadsafe(loop.call_later, after, self._wall.driver.stimulus, do)

    def stop(self) -> None:
        self._wall.end(self.port)


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
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])
