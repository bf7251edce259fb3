"""All benchmarks, one after the other: `make speed` runs this and writes benchmarks/results.json.

Each script is a process of its own and can be run alone; what it found is gathered from its file or its output. A
script that fails is told, and the others still run. `python benchmarks/everything.py run ports` runs these two.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

SCRIPTS: dict[str, str] = {
    "run": "results.json",
    "collectors": "collectors.json",
    "testing": "testing.json",
    "devices_escpos": "devices_escpos.json",
    "devices_declared": "rows",
    "planning": "rows of main",
    "ports": "rows",
    "captures": "rows",
    "control": "rows",
    "judging": "rows",
    "hunt": "rows",
    "reports": "rows",
    "view": "rows",
    "compliance": "rows",
}
"""Script -> where its rows are: a file that it writes, or what its `rows()` gives, or the JSON that it prints."""


def rows_of(name: str, where: str) -> list[dict[str, Any]]:
    """Run one script; SystemExit with its complaint when it fails."""
    code = f"import json, sys; sys.path.insert(0, {str(HERE)!r}); import {name}; print(json.dumps({name}.rows()))"
    command = [sys.executable, "-c", code] if where == "rows" else [sys.executable, str(HERE / f"{name}.py")]
    done = subprocess.run(command, stdout=None if where.endswith(".json") else subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"benchmarks/{name}.py failed with {done.returncode}")
    if where.endswith(".json"):
        found: list[dict[str, Any]] = json.loads((HERE / where).read_text(encoding="utf-8"))
        return found
    printed = done.stdout
    gathered: list[dict[str, Any]] = json.loads(printed if where != "rows" else printed.splitlines()[-1])
    for row in gathered:
        print(f"{row['id']:36} {row['value']:12} {row['unit']:16} target {row['target']}  holds: {row['holds']}")
    return gathered


def main() -> None:
    """Run those that are named, or all."""
    results: list[dict[str, Any]] = []
    failed = []
    for name in sys.argv[1:] or SCRIPTS:
        print(f"-- {name}", flush=True)
        try:
            results += rows_of(name, SCRIPTS[name])
        except (SystemExit, OSError, ValueError) as exc:
            failed.append(name)
            print(exc, file=sys.stderr)
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"{len(results)} rows written to results.json")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
