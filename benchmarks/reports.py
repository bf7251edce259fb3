"""How long the page of a large day takes and how much it weighs: the 42 counters of `ca_mau`, 3,641 visitors.

The day is played first (a minute or two); `python benchmarks/reports.py RUN_DIR` measures a run that is there.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SCENARIO = "ca_mau"
TARGET_S = 15.0
TARGET_BYTES = 2_000_000

_CODE = (
    "import sys; from pathlib import Path; from bench.reports import day_report; day_report.write(Path(sys.argv[1]))"
)


def measure(run_dir: Path) -> tuple[float, int]:
    """(seconds of processor time of a fresh process, bytes of the page)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", _CODE, str(run_dir)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, (run_dir / "report.html").stat().st_size


def rows(run_dir: Path | None = None) -> list[dict[str, Any]]:
    """The rows for `benchmarks/everything.py`."""
    with tempfile.TemporaryDirectory() as where:
        path = run_dir or Path(where) / "run"
        if run_dir is None:
            command = [sys.executable, "-m", "bench.cli", "day", SCENARIO, "--no-report", "--out", str(path)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        took, size = measure(path)
    return [
        {
            "id": f"report_{SCENARIO}_cpu_s",
            "value": round(took, 2),
            "unit": "s",
            "target": f"< {TARGET_S:g}",
            "holds": took < TARGET_S,
        },
        {
            "id": f"report_{SCENARIO}_kb",
            "value": round(size / 1000, 1),
            "unit": "kB",
            "target": f"< {TARGET_BYTES // 1000}",
            "holds": size < TARGET_BYTES,
        },
    ]


if __name__ == "__main__":
    print(json.dumps(rows(Path(sys.argv[1]) if len(sys.argv) > 1 else None)))
