"""The proof suite of capacity planning at full size: runs every row and writes docs/proof.md.

`python benchmarks/proof.py` takes some minutes. The rows and their models are in tests/support/planning_proofs.py; the
gate test `pytest -m gate tests/bench/planning` runs the same and fails at 4 sigma.
"""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "support"))
PAGE = HERE.parent / "docs" / "proof.md"

TEXT = """# Planning: what its engine is proved against

Models with known answers, played by hallbench's own engine (docs/planning.md). A row holds when the mean lies within 4
sigma of the reference, sigma being the standard error of this run and of the reference together. The seeds are fixed, so
a run gives these very numbers; `python benchmarks/proof.py` writes this page again.

| check | size | reference | obtained, 95 % | sigma |
| --- | --- | --- | --- | --- |
{rows}

{verdict} Run in {took:.0f} s by the {engine} engine, {versions}.

- **Erlang C** for M/M/c: 42 counters at a load of 37.8, and the County Hospital of Hillier and Lieberman (2 arrivals, 3
  services an hour, one and two servers); started empty, the first tenth of the customers dropped.
- **Pollaczek and Khinchine** for M/G/1 with lognormal services (coefficient of variation 0.8).
- **Eick, Massey and Whitt 1993** for M(t)/G/infinity: people in a hall in which nobody waits, arrivals by the hour, at
  three instants; at 8.0 h the rate has just dropped, where Erlang C hour by hour would say 27.1.
- **SSJ's call centre** (`CallCenter.res`, 10,000 days): arrivals by the hour with a gamma busyness (alpha 400), agents by
  the hour, patience, 20 s of service level; published 4.713 s with a 90 % interval of 4.680 to 4.746, 0.925, and 0.020.

## Exact equalities, held by tests on every run

| what | against | difference |
| --- | --- | --- |
| the compiled kernel: every call, counter, start and end | the engine in Python, on random halls with skills, priorities, appointments, breaks, polled consoles, patience, balking, no-shows, greeter, second desks and staff by the hour | 0 ns |
| the loop for plain days | the engine in Python, on the same | 0 ns |
| the engine with people's seconds | the hall's real people and queue office with devices that take no time | 0 ns |
| the engine without any | the ideal replay | 0 ns |
| a study by 2 processes, or by a cluster with a worker killed | the same in one process | none |

With devices the plan is not exact but near: docs/planning.md says how near, and `hallbench plan --with-devices` measures.
"""  # noqa: E501 - rows of a table


def main() -> None:
    import planning_proofs as proofs
    from bench.planning.outcome import engine_named

    start = perf_counter()
    rows = proofs.full()
    took = perf_counter() - start
    table = [
        f"| {row.name} | {size} | {row.reference:.6g} | {row.mean:.6g} ± {1.96 * row.error:.2g} | {row.sigmas:.1f} |"
        for row, size in zip(rows, SIZES, strict=True)
    ]
    good = sum(row.sigmas < 4 for row in rows)
    engine = engine_named("auto")
    names = ("numpy", "numba") if engine == "kernel" else ("numpy",)
    versions = ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in names)])
    verdict = f"{good} of {len(rows)} rows hold."
    PAGE.write_text(
        TEXT.format(rows="\n".join(table), verdict=verdict, took=took, engine=engine, versions=versions),
        encoding="utf-8",
    )
    print(f"{verdict} {PAGE.relative_to(HERE.parent)} written in {took:.0f} s")
    if good < len(rows):
        sys.exit(1)


SIZES = [
    *["60 x 100,000 customers"] * 2,
    *["20 x 100,000 customers"] * 4,
    "30 x 100,000 customers",
    *["1,000 days"] * 3,
    *["10,000 days"] * 3,
]
"""In the order of `planning_proofs.full`."""


if __name__ == "__main__":
    main()
