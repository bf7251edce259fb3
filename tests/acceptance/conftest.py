"""The whole program, as its user starts it: `hallbench ...` in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ready_starts import Ready

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "support" / "small.toml"


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Hallbench:
    """Runs commands in one folder: as copies of a Python that has read the libraries, or each with a true start."""

    def __init__(self, cwd: Path, ready: Ready | None = None) -> None:
        self.cwd = cwd
        self.ready = ready

    def __call__(self, *args: object, timeout: float = 250, env: dict[str, str] | None = None) -> Ended:
        if self.ready is not None and env is None:
            same = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
            copied = self.ready.run([*map(str, args)], cwd=self.cwd, env=same, timeout=timeout)
            return Ended(copied.returncode, copied.stdout, copied.stderr)
        done = subprocess.run(
            [sys.executable, "-m", "bench.cli", *map(str, args)],
            cwd=self.cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg", **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def day(self, *collector: object, out: str = "run", options: tuple[object, ...] = (), **kwargs: Any) -> Ended:
        """A day of the small hall, without a report unless asked for."""
        command = ["--", *collector] if collector else []
        return self("day", SMALL, "--out", out, "--no-report", *options, *command, **kwargs)

    def records(self, out: str = "run") -> list[dict[str, Any]]:
        lines = (self.cwd / out / "history.ndjson").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def script(self, name: str, source: str) -> Path:
        path = self.cwd / name
        path.write_text(source, encoding="utf-8")
        return path


@pytest.fixture(scope="session")
def ready() -> Iterator[Ready | None]:
    """A Python that has read the libraries, one for each worker; None where only true starts can be had."""
    starts = Ready() if Ready.usable() else None
    yield starts
    if starts is not None:
        starts.end()


@pytest.fixture
def hallbench(tmp_path: Path, ready: Ready | None) -> Hallbench:
    return Hallbench(tmp_path, ready)


@pytest.fixture(scope="session")
def house_day(tmp_path_factory: pytest.TempPathFactory, ready: Ready | None) -> Path:
    """The run directory of a day of the house that holds, for tests that need one to be there: not to be changed."""
    hall = Hallbench(tmp_path_factory.mktemp("house"), ready)
    ended = hall.day()
    assert ended.code == 0, ended.err
    return hall.cwd / "run"


@pytest.fixture
def true_hallbench(tmp_path: Path) -> Hallbench:
    """Each command with a start of its own, as its user has it."""
    return Hallbench(tmp_path)
