"""`hallbench up` as a process of its own, for the length of a block."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@contextmanager
def up(
    cwd: Path, *args: object, env: Mapping[str, str] | None = None, end: int = signal.SIGTERM
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A bench that runs: its process, and its line of JSON.

    Args:
        cwd: where it runs.
        args: words behind `hallbench up --json`.
        env: variables beside those of this process.
        end: the signal that ends it.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.cli", "up", "--json", *map(str, args)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield process, json.loads(line)
    finally:
        if process.poll() is None:
            process.send_signal(end)
        process.communicate(timeout=100)
