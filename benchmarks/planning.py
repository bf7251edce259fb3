"""How fast capacity planning is: both engines against textbook SimPy on a queue and on a hall, and whole studies.

Prints rows as `benchmarks/run.py` writes them (id, value, unit, target, holds). CPU time of one process; what is
compared runs turn by turn and each side's median is taken. Waits are equal in all of them (asserted). Ciw and salabim
are compared where a Python that has them is named in HALLBENCH_PEERS, and left out with a note otherwise.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from statistics import median
from time import process_time

import numpy as np
import simpy

from bench.hall.day import columns
from bench.planning import engine, outcome
from bench.planning.days import Asked
from bench.planning.engine import NO_DELAYS, Desks, Load
from bench.planning.lines import with_devices
from bench.planning.outcome import Hall
from bench.planning.study import Job
from bench.scenario.load import load

CUSTOMERS, SERVERS = 100_000, 42
NS = 1_000_000_000
REPEATS = 5


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


def textbook_hall(hall, day) -> list[int]:  # type: ignore[no-untyped-def]
    """The hall with its errands and skills: a process for each visitor, and a `FilterStore` of idle counters."""
    env = simpy.Environment()
    idle = simpy.FilterStore(env)
    skills = hall.skills
    arrives, errands, services = (column.tolist() for column in day[:3])
    waits = [-1] * len(arrives)

    def opening():  # type: ignore[no-untyped-def]
        yield env.timeout(hall.hours.opens)
        for number in sorted(skills):
            yield idle.put(number)

    def visitor(n: int):  # type: ignore[no-untyped-def]
        errand = errands[n]
        counter = yield idle.get(lambda number: errand in skills[number])
        waits[n] = env.now - arrives[n]
        yield env.timeout(services[n])
        yield idle.put(counter)

    def door():  # type: ignore[no-untyped-def]
        for n, at in enumerate(arrives):
            yield env.timeout(at - env.now)
            env.process(visitor(n))

    env.process(opening())
    env.process(door())
    env.run(until=hall.horizon)
    return waits


def desks() -> Desks:
    return Desks({number: frozenset((0,)) for number in range(1, SERVERS + 1)}, 0, 1 << 60)


def python_queue(arrivals: list[int], services: list[int]) -> list[int]:
    none = [0] * len(arrivals)
    waiting = Load(arrivals, none, services, none, [(0, at, "A", n) for n, at in enumerate(arrivals)])
    waits = [0] * len(arrivals)
    for visit in engine.simulate(waiting, desks()):
        waits[visit.place] = visit.called - arrivals[visit.place]
    return waits


def kernel_queue(arrivals: list[int], services: list[int]) -> list[int]:
    """From lists to lists, as the others: what the arrays cost is in it."""
    joins, holds = np.array(arrivals), np.array(services)
    none = np.zeros(len(joins), np.int64)
    order = np.arange(len(joins))
    found = outcome._run((joins, none, holds, none, order, outcome._NOTHING), outcome._Desks(desks(), NO_DELAYS))
    return (found[1] - joins).tolist()  # type: ignore[no-any-return]


def kernel_queue_arrays(joins: np.ndarray, holds: np.ndarray) -> np.ndarray:
    none, order = np.zeros(len(joins), np.int64), np.arange(len(joins))
    found = outcome._run((joins, none, holds, none, order, outcome._NOTHING), outcome._Desks(desks(), NO_DELAYS))
    return found[1] - joins  # type: ignore[no-any-return]


def side_by_side(*sides: Callable[[], object]) -> list[float]:
    """Median CPU seconds of each, run turn by turn."""
    took: list[list[float]] = [[] for _ in sides]
    for _ in range(REPEATS):
        for place, side in enumerate(sides):
            start = process_time()
            side()
            took[place].append(process_time() - start)
    return [median(found) for found in took]


def waits_of(hall: Hall, day) -> list[int]:  # type: ignore[no-untyped-def]
    """By visitor, -1 for whoever was not called."""
    played = hall.play(day)
    waits = np.full(len(day.arrives), -1)
    waits[played.places] = np.where(played.counters >= 0, played.called - played.joins, -1)
    return waits.tolist()  # type: ignore[no-any-return]


def ten_days(hall, name: str) -> list[object]:  # type: ignore[no-untyped-def]
    """Ten days of a study by an engine."""
    return list(Job(hall, ((hall, with_devices(hall)),), 1, Asked(), name).days(range(10)))


def start_up() -> float:
    """Seconds until a process has the kernel at hand, compiled before (the first time on a machine is longer)."""
    code = (
        "from bench.planning.outcome import Hall; from bench.scenario.load import load; from time import process_time;"
        "from bench.hall.day import columns; from bench.planning.engine import people; s = load('tan_hoi');"
        "d = columns(s, 1); t = process_time(); Hall(s, people(s), 'kernel').play(d); print(process_time() - t)"
    )
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


PEERS = {
    "ciw": "import ciw, sys, json, time\nA, S, C = json.load(sys.stdin)\n"
    "gaps = [b - a for a, b in zip([0.0, *A], A)]\n"
    "net = ciw.create_network(arrival_distributions=[ciw.dists.Sequential([*gaps, float('inf')])],\n"
    " service_distributions=[ciw.dists.Sequential(S)], number_of_servers=[C])\n"
    "t = time.process_time(); sim = ciw.Simulation(net); sim.simulate_until_max_customers(len(A), method='Finish')\n"
    "print(time.process_time() - t)",
    "salabim": "import salabim as sim, sys, json, time\nA, S, C = json.load(sys.stdin)\nsim.yieldless(False)\n"
    "t = time.process_time(); env = sim.Environment(trace=False); desk = sim.Resource('d', capacity=C)\n"
    "class V(sim.Component):\n def process(self, n):\n  yield self.request(desk)\n  yield self.hold(S[n])\n"
    "  self.release()\n"
    "class G(sim.Component):\n def process(self):\n  for n, at in enumerate(A):\n"
    "   yield self.hold(till=at)\n   V(n=n)\n"
    "G(); env.run(); print(time.process_time() - t)",
}
PEER_CUSTOMERS = 5_000


def peers(arrivals: list[int], services: list[int]) -> dict[str, float]:
    """Seconds of other simulators for the first customers, in the Python that has them; a note for what is not."""
    python = os.environ.get("HALLBENCH_PEERS")
    if not python:
        print("Ciw and salabim: left out, HALLBENCH_PEERS names no Python that has them", file=sys.stderr)
        return {}
    given = json.dumps(
        [[a / NS for a in arrivals[:PEER_CUSTOMERS]], [s / NS for s in services[:PEER_CUSTOMERS]], SERVERS]
    )
    found = {}
    for name, code in PEERS.items():
        done = subprocess.run([python, "-c", code], input=given, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{name}: left out, it failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        else:
            found[name] = float(done.stdout)
    return found


def main() -> None:
    random = np.random.default_rng(11)
    arrivals = [round(t * NS) for t in np.cumsum(random.exponential(1 / (0.9 * SERVERS), CUSTOMERS)).tolist()]
    services = [round(t * NS) for t in random.exponential(1.0, CUSTOMERS).tolist()]
    hall = load("ca_mau")
    plain = hall.model_copy(update={"counters": tuple(c.model_copy(update={"breaks": ()}) for c in hall.counters)})
    plain.__dict__.pop("skills", None)
    day = columns(hall, 1)
    visitors = len(day.arrives)
    compiled = find_spec("numba") is not None
    slow_hall, fast_hall = Hall(plain, NO_DELAYS, "python"), Hall(plain, NO_DELAYS, "kernel")
    assert textbook_hall(plain, day) == waits_of(slow_hall, day)
    assert textbook(arrivals, services) == python_queue(arrivals, services)
    drawing = side_by_side(lambda: [columns(hall, 1, n) for n in range(5)])[0] / 5
    studies = {
        name: side_by_side(lambda name=name: ten_days(hall, name))[0]
        for name in (("kernel", "python") if compiled else ("python",))
    }
    book, ours = side_by_side(lambda: textbook(arrivals, services), lambda: python_queue(arrivals, services))
    book_hall, ours_hall = side_by_side(lambda: textbook_hall(plain, day), lambda: slow_hall.play(day))
    values = {
        "plan_engine_vs_textbook_simpy": (book / ours, "x", ">=", 3, "simpy Resource, M/M/42"),
        "plan_engine_vs_textbook_simpy_hall": (book_hall / ours_hall, "x", ">=", 10, "simpy FilterStore, ca_mau"),
        "plan_engine_visitors_per_s": (CUSTOMERS / ours, "visitors/s", ">=", 100_000, None),
        "plan_day_draw_ms_per_4000": (1000 * drawing * 4000 / visitors, "ms", "<=", 3, None),
        "plan_1000_days_python_2_cores_s": (100 * studies["python"] / 2, "s", "<=", 90, None),
    }
    if compiled:
        assert textbook_hall(plain, day) == waits_of(fast_hall, day)
        assert kernel_queue(arrivals, services) == python_queue(arrivals, services)
        joins, holds = np.array(arrivals), np.array(services)
        kernel_queue_arrays(joins, holds)
        book, lists, arrays = side_by_side(
            lambda: textbook(arrivals, services),
            lambda: kernel_queue(arrivals, services),
            lambda: kernel_queue_arrays(joins, holds),
        )
        book_hall, ours_hall = side_by_side(lambda: textbook_hall(plain, day), lambda: fast_hall.play(day))
        values |= {
            "plan_kernel_vs_textbook_simpy": (book / arrays, "x", ">=", 150, "simpy Resource, M/M/42"),
            "plan_kernel_vs_textbook_simpy_lists": (book / lists, "x", ">=", 50, "simpy Resource, M/M/42, from lists"),
            "plan_kernel_vs_textbook_simpy_hall": (book_hall / ours_hall, "x", ">=", 50, "simpy FilterStore, ca_mau"),
            "plan_1000_days_kernel_s": (100 * studies["kernel"], "s", "<=", 60, None),
            "plan_kernel_start_s": (start_up(), "s", "<=", 3, None),
        }
    for name, took in peers(arrivals, services).items():
        share = PEER_CUSTOMERS / CUSTOMERS
        values[f"plan_engine_vs_{name}"] = (took / (ours * share), "x", ">=", 3, f"{name}, M/M/42")
    versions = {"python": platform.python_version(), "simpy": version("simpy"), "numpy": version("numpy")}
    versions |= {"numba": version("numba")} if compiled else {}
    rows = [
        {
            "id": name,
            "value": round(value, 3),
            "unit": unit,
            "target": f"{sense} {target:g}",
            "holds": value >= target if sense == ">=" else value <= target,
            "against": against,
            "versions": versions,
        }
        for name, (value, unit, sense, target, against) in values.items()
    ]
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
