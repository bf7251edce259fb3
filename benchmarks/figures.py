"""Figures as rows of benchmarks/results.json."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

Target = tuple[str, str, float | None]
"""Unit, "<=" or ">=", and the bound; None where a figure is only stated."""

Measurement = tuple[Callable[[], Mapping[str, float]], int]
"""What measures some figures, and how often it is done."""


def rows_of(found: Mapping[str, float], targets: Mapping[str, Target], *packages: str) -> list[dict[str, Any]]:
    """One row a figure, with whether it holds.

    Args:
        found: figure -> value.
        targets: figure -> what it is measured against.
        packages: distributions whose versions stand beside Python's.
    """
    versions = {"python": platform.python_version(), **{name: version(name) for name in packages}}
    made = []
    for key, value in found.items():
        unit, sign, bound = targets[key]
        holds = None if bound is None else value <= bound if sign == "<=" else value >= bound
        target = "" if bound is None else f"{sign} {bound:g}"
        made.append(
            {
                "id": key,
                "value": value,
                "unit": unit,
                "target": target,
                "holds": holds,
                "against": "",
                "versions": versions,
            }
        )
    return made


def measured(
    script: str, measurements: Mapping[str, Measurement], better: Callable[[str, float, float], float]
) -> dict[str, float]:
    """Each measurement in processes of its own, as often as it says; `better(figure, before, now)` is kept."""
    best: dict[str, float] = {}
    for name, (_, repeats) in measurements.items():
        for _ in range(repeats):
            out = subprocess.run([sys.executable, script, name], capture_output=True, text=True, check=False)
            if out.returncode:
                sys.exit(f"{name} failed:\n{out.stderr[-3000:]}")
            for key, value in json.loads(out.stdout.splitlines()[-1]).items():
                best[key] = better(key, best[key], value) if key in best else value
    return best


def in_processes(
    script: str, measurements: Mapping[str, Measurement], targets: Mapping[str, Target], packages: tuple[str, ...]
) -> None:
    """The main program of a script: each measurement in processes of its own, the best of its repeats, as rows in JSON.

    With the name of a measurement as its argument the script does that one, once, and prints its figures.

    Args:
        script: its `__file__`; the rows go to a file beside it.
        measurements: by name.
        targets: figure -> what it is measured against, each with a bound.
        packages: distributions whose versions stand beside Python's.
    """
    if len(sys.argv) > 1:
        print(json.dumps(measurements[sys.argv[1]][0]()))
        return
    best = measured(
        script, measurements, lambda key, before, now: (max if targets[key][1] == ">=" else min)(before, now)
    )
    rows = rows_of({key: round(value, 3) for key, value in best.items()}, targets, *packages)
    for row in rows:
        told = "holds" if row["holds"] else "MISSED"
        print(f"{row['id']:32} {row['value']:10.1f} {row['unit']:12} target {row['target']}  {told}")
    stem = Path(script).stem
    target = Path(script).with_name("results.json" if stem == "run" else f"{stem}.json")
    target.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(f"written to {target.name}")
