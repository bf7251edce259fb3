"""How fast a hunt is: the systematic runs of a keypad line on two workers, and how small a failure becomes.

python benchmarks/hunt.py
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RUNS = 400


def hunt(program: str, *options: str) -> tuple[dict[str, Any], float]:
    """One hunt in a folder of its own: what it tells, and seconds."""
    args = ["{port:keypads}", "{records}", "--units", "1-3"]
    command = [sys.executable, "-m", "bench.cli", "hunt", "tan_hoi", "--json", "--workers", "2", *options]
    command += ["--", "python", str(ROOT / "examples" / program), *args]
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(f"hallbench hunt ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout), time.perf_counter() - begun


def rows() -> list[dict[str, Any]]:
    """The rows of results.json."""
    versions = {"python": platform.python_version(), "processors": os.cpu_count()}
    only = [word for name in ("running", "duplication") for word in ("--only", name)]  # nothing ends the sweep
    swept, seconds = hunt("careful_collector.py", "--runs", str(RUNS), *only)
    found, to_find = hunt("collector_with_a_mistake.py")
    failure = found["failure"]
    small = len(failure["faults"]) <= 3 and failure["presses"] <= 5
    return [
        {
            "id": "hunt_400_runs",
            "value": round(seconds * RUNS / max(1, swept["runs"]), 1),
            "unit": f"s ({swept['runs']} runs)",
            "target": "< 120 s on two processors",
            "holds": seconds * RUNS / max(1, swept["runs"]) < 120,
            "against": "docs/hunt.md",
            "versions": versions,
        },
        {
            "id": "hunt_found_and_shrunk",
            "value": round(to_find, 1),
            "unit": f"s ({len(failure['faults'])} faults, {failure['presses']} presses)",
            "target": "at most 3 faults and 5 presses",
            "holds": small,
            "against": "docs/hunt.md",
            "versions": versions,
        },
    ]


if __name__ == "__main__":
    print(json.dumps(rows(), indent=1))
