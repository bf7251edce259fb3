"""How fast capacity planning is: the engine against textbook SimPy on one hall, and drawing a large day.

Prints rows as `benchmarks/run.py` writes them (id, value, unit, target, holds). CPU time, median of the repeats.
"""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from statistics import median
from time import process_time

import numpy as np
import simpy

from bench.hall.day import draw
from bench.planning.days import Asked, figures_of
from bench.planning.engine import Desks, Load, people, simulate
from bench.scenario.load import load

CUSTOMERS, SERVERS = 20_000, 42
NS = 1_000_000_000


def textbook(arrivals: list[int], services: list[int]) -> list[int]:
    """A process for each customer and a `Resource`, as in every introduction."""
    env = simpy.Environment()
    servers = simpy.Resource(env, SERVERS)
    waits = [0] * len(arrivals)

    def customer(n: int):  # type: ignore[no-untyped-def]
        with servers.request() as turn:
            yield turn
            waits[n] = env.now - arrivals[n]
            yield env.timeout(services[n])

    def source():  # type: ignore[no-untyped-def]
        for n, at in enumerate(arrivals):
            yield env.timeout(at - env.now)
            env.process(customer(n))

    env.process(source())
    env.run()
    return waits


def fast(arrivals: list[int], services: list[int]) -> list[int]:
    none = [0] * len(arrivals)
    waiting = Load(arrivals, none, services, none, [(0, at, "A", n) for n, at in enumerate(arrivals)])
    skills = {number: frozenset((0,)) for number in range(1, SERVERS + 1)}
    desks = Desks(skills, lambda _c, at: at, lambda _c, _at: None, 0, 1 << 60)
    waits = [0] * len(arrivals)
    for visit in simulate(waiting, desks):
        waits[visit.place] = visit.called - arrivals[visit.place]
    return waits


def timed(what, *args) -> float:  # type: ignore[no-untyped-def]
    found = []
    for _ in range(5):
        start = process_time()
        what(*args)
        found.append(process_time() - start)
    return median(found)


def main() -> None:
    random = np.random.default_rng(11)
    arrivals = [round(t * NS) for t in np.cumsum(random.exponential(1 / (0.9 * SERVERS), CUSTOMERS)).tolist()]
    services = [round(t * NS) for t in random.exponential(1.0, CUSTOMERS).tolist()]
    assert textbook(arrivals, services) == fast(arrivals, services)
    hall = load("ca_mau")
    day = draw(hall, 1)
    ours = timed(fast, arrivals, services)
    values = {
        "plan_engine_vs_textbook_simpy": (timed(textbook, arrivals, services) / ours, "x", ">=", 10),
        "plan_engine_visitors_per_s": (CUSTOMERS / ours, "visitors/s", ">=", 100_000),
        "plan_day_draw_ms_per_4000": (1000 * timed(draw, hall, 1) * 4000 / len(day.visitors), "ms", "<=", 60),
        "plan_large_day_ms": (1000 * timed(figures_of, hall, day, people(hall), Asked()), "ms", "<=", 60),
    }
    versions = {"python": platform.python_version(), "simpy": version("simpy"), "numpy": version("numpy")}
    rows = [
        {
            "id": name,
            "value": round(value, 3),
            "unit": unit,
            "target": f"{sense} {target:g}",
            "holds": value >= target if sense == ">=" else value <= target,
            "against": "simpy Resource" if "textbook" in name else None,
            "versions": versions,
        }
        for name, (value, unit, sense, target) in values.items()
    ]
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
