"""The kill matrix that the documentation shows: the self-test takes longer than a build may, so its result is stored.

    python docs/generator/matrix.py     # runs the self-test, writes bench/compliance/kill_matrix.json

A gate test runs it and compares. The file names the suites by their hashes: a page that was made from others says so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
STORED: Final = ROOT / "bench/compliance/kill_matrix.json"


def suites() -> dict[str, str]:
    """Suite -> SHA-256 of its requirements and cases."""
    from bench.compliance.suites import SUITES, suite_named

    return {name: suite_named(name).sha256() for name in SUITES}


def run() -> dict[str, Any]:
    """What `hallbench check --self-test --json` prints now, without the seconds that it took.

    Raises:
        RuntimeError: it printed nothing of the kind.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "bench.cli", "check", "--self-test", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    if not ended.stdout.startswith("{"):
        raise RuntimeError(f"hallbench check --self-test ended with {ended.returncode}: {ended.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(ended.stdout)
    told.pop("seconds")
    return {"suites": suites(), **told}


def stored() -> dict[str, Any]:
    """What the file holds."""
    told: dict[str, Any] = json.loads(STORED.read_text(encoding="utf-8"))
    return told


def text(told: dict[str, Any]) -> str:
    """As it is stored: a line for each row, so that a difference can be read."""
    parts = []
    for key, value in told.items():
        if isinstance(value, list) and value:
            rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in value)
            parts.append(f" {json.dumps(key)}: [\n  {rows}\n ]")
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    STORED.write_text(text(run()), encoding="utf-8")
    print(f"written: {STORED.relative_to(ROOT)}")  # noqa: T201 - a tool for the terminal
