"""Soak in simulated time: a week of a commune hall in one process, watched for what must not grow.

`python benchmarks/soak_week.py [DAYS]` (seven by default) plays day after day with the collector of the examples, each
with a seed of its own, and judges it. After each day resident memory and open descriptors are noted; it fails when
either is higher at the end than after the second day, by more than a small allowance, or when a day does not hold.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from pathlib import Path

from soak import DESCRIPTOR_ALLOWANCE, MEMORY_ALLOWANCE_MB

ROOT = Path(__file__).parents[1]
COLLECTOR = ROOT / "examples" / "collector.py"
SETTLED = 2
"""Days after which memory and descriptors are expected to stand."""


def resident_mb() -> float:
    """Resident memory when the garbage is collected: a day leaves a few cycles, which wait for their turn otherwise."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def one_day(seed: int, folder: Path) -> str:
    """Play and judge one day; returns the verdict in a sentence."""
    from bench.hall.day import draw
    from bench.run.collector import parse_command
    from bench.run.day import run_day
    from bench.run.options import DayOptions
    from bench.run.verdict import judge_run
    from bench.scenario.load import load

    scenario = load("tan_hoi")
    command = ["python", str(COLLECTOR), "{port:keypads}", "{records}", "--units", "1-4"]
    options = DayOptions(
        scenario,
        draw(scenario, seed),
        parse_command(command),
        command=command,
        out=folder / f"day-{seed}",
    )
    return judge_run(run_day(options).directory.path, scenario.records).sentence()


def main() -> int:
    """Play the days; status 1 when something grew or a day did not hold."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    samples, wrong = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, days + 1):
            told = one_day(seed, Path(folder))
            samples.append((resident_mb(), len(list(Path("/proc/self/fd").iterdir()))))
            print(f"day {seed}: {samples[-1][0]:.1f} MB, {samples[-1][1]} descriptors; {told}", flush=True)
            if not told.startswith("HOLDS"):
                wrong.append(f"day {seed} does not hold")
    first, last = samples[min(SETTLED, days) - 1], samples[-1]
    if last[0] > first[0] + MEMORY_ALLOWANCE_MB:
        wrong.append(f"memory grew from {first[0]:.1f} to {last[0]:.1f} MB")
    if last[1] > first[1] + DESCRIPTOR_ALLOWANCE:
        wrong.append(f"open descriptors grew from {first[1]} to {last[1]}")
    print("\n".join(wrong) if wrong else "nothing grew")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
