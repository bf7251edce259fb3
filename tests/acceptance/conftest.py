"""The whole program, as its user starts it: `hallbench ...` in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

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
    """Runs commands in one folder."""

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd

    def __call__(self, *args: object, timeout: float = 100, env: dict[str, str] | None = None) -> Ended:
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


@pytest.fixture
def hallbench(tmp_path: Path) -> Hallbench:
    return Hallbench(tmp_path)
