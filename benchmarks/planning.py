"""How fast capacity planning is: both engines against textbook SimPy on a queue and on a hall, and whole studies.

Prints rows as `benchmarks/run.py` writes them (id, value, unit, target, holds). CPU time of one process; what is
compared runs turn by turn and each side's median is taken. Waits are equal in all of them (asserted; of other
simulators the mean wait). Ciw and salabim are compared in an environment of their own, which
`bash benchmarks/peers/setup.sh` makes; without it they are left out with a note.
"""

from __future__ import annotations

import json
import math
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
import simpy

import scenarios
from bench.hall.counters import KEY
from bench.hall.day import columns
from bench.planning import engine, plain_day, tables
from bench.planning.days import Asked
from bench.planning.engine import NO_DELAYS, Counters, Load, people
from bench.planning.lines import with_devices
from bench.planning.outcome import Hall
from bench.planning.study import Job
from bench.scenario.load import load, parse

CUSTOMERS, SERVERS = 100_000, 42
NS = 1_000_000_000
REPEATS = 5
PLAYS = 10
"""Days that an engine plays in a turn in which the textbook plays one: both sides take long enough to be told apart."""


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


def textbook_day(hall, day) -> list[int]:  # type: ignore[no-untyped-def]
    """The hall with its people: kiosks, tickets, counters with skills, the walk, keys and ratings, a process a visitor.

    Every wait of a person is a `timeout`, kiosks are `Resource`s, idle counters a `FilterStore`: as it is taught.
    """
    env = simpy.Environment()
    idle = simpy.FilterStore(env)
    kiosks = [(simpy.Resource(env), frozenset(keys)) for keys in hall.kiosk_keys.values()]
    skills = hall.skills
    takes, walk, clerk = (round(s * NS) for s in (hall.pace.kiosk_s, hall.pace.walk_s, hall.pace.clerk_s))
    with_keypad = {device.counter for _, device in hall.placed if device.acts_as == "rating_keypad"}
    arrives, errands, services, ratings, delays = (column.tolist() for column in day.plain())
    waits = [-1] * len(arrives)

    def opening():  # type: ignore[no-untyped-def]
        yield env.timeout(hall.hours.opens + 2 * KEY)
        for number in sorted(skills):
            yield idle.put(number)

    def visitor(n: int):  # type: ignore[no-untyped-def]
        errand = errands[n]
        kiosk = min((k for k, keys in kiosks if errand in keys), key=lambda k: k.count + len(k.queue))
        with kiosk.request() as turn:
            yield turn
            yield env.timeout(takes)
        ticket = env.now
        counter = yield idle.get(lambda number: errand in skills[number])
        waits[n] = env.now - ticket
        yield env.timeout(walk)
        yield env.timeout(services[n])
        yield env.timeout(KEY)
        if ratings[n] and counter in with_keypad:
            yield env.timeout(delays[n])
        yield env.timeout(clerk)
        yield env.timeout(KEY)
        yield idle.put(counter)

    def door():  # type: ignore[no-untyped-def]
        for n, at in enumerate(arrives):
            yield env.timeout(at - env.now)
            env.process(visitor(n))

    env.process(opening())
    env.process(door())
    env.run(until=hall.horizon)
    return waits


KEYPADS, POLL, OPEN = 32, 27_000_000, 9 * 3600 * NS


def presses() -> list[tuple[int, int]]:
    """(instant, keypad) of 2,800 presses in nine hours."""
    random = np.random.default_rng(5)
    return sorted(zip(random.integers(0, OPEN, 2800).tolist(), random.integers(0, KEYPADS, 2800).tolist(), strict=True))


def poll_by_poll(given: list[tuple[int, int]]) -> list[int]:
    """A bus as it is taught: a process that asks one keypad after the other; when each press is known."""
    env = simpy.Environment()
    held: list[list[int]] = [[] for _ in range(KEYPADS)]
    known = [0] * len(given)

    def people():  # type: ignore[no-untyped-def]
        for n, (at, keypad) in enumerate(given):
            yield env.timeout(at - env.now)
            held[keypad].append(n)

    def bus():  # type: ignore[no-untyped-def]
        while env.now < OPEN + KEYPADS * POLL:
            for keypad in held:
                asked = env.now
                yield env.timeout(POLL)
                while keypad and given[keypad[0]][0] <= asked:
                    known[keypad.pop(0)] = env.now

    env.process(people())
    env.process(bus())
    env.run()
    return known


def skip_ahead(given: list[tuple[int, int]]) -> list[int]:
    polls = [(keypad * POLL, KEYPADS * POLL, POLL) for keypad in range(KEYPADS)]
    return [engine.heard(polls[keypad], at) for at, keypad in given]


def counters() -> Counters:
    return Counters({number: frozenset((0,)) for number in range(1, SERVERS + 1)}, 0, 1 << 60)


def python_queue(arrivals: list[int], services: list[int]) -> list[int]:
    none = [0] * len(arrivals)
    waiting = Load(arrivals, none, services, none, range(len(arrivals)))
    waits = [0] * len(arrivals)
    told = plain_day.play(waiting, counters(), NO_DELAYS)  # as a study takes them: numbers
    for place, called in zip(told[:: plain_day.NUMBERS], told[2 :: plain_day.NUMBERS], strict=True):
        waits[place] = called - arrivals[place]
    return waits


def kernel_queue(arrivals: list[int], services: list[int]) -> list[int]:
    """From lists to lists, as the others: what the arrays cost is in it."""
    joins, holds = np.array(arrivals), np.array(services)
    none = np.zeros(len(joins), np.int64)
    order = np.arange(len(joins))
    found = tables.run((joins, none, holds, none, (order,), tables.NOTHING), tables.Tables(counters(), NO_DELAYS))
    return (found[1] - joins).tolist()  # type: ignore[no-any-return]


def kernel_queue_arrays(joins: np.ndarray, holds: np.ndarray) -> np.ndarray:
    none, order = np.zeros(len(joins), np.int64), np.arange(len(joins))
    found = tables.run((joins, none, holds, none, (order,), tables.NOTHING), tables.Tables(counters(), NO_DELAYS))
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


def days_of(hall: Hall, day) -> list[object]:  # type: ignore[no-untyped-def]
    """The same day, `PLAYS` times."""
    return [hall.play(day) for _ in range(PLAYS)]


def ten_days(hall, name: str) -> list[object]:  # type: ignore[no-untyped-def]
    """Ten days of a study by an engine."""
    return list(Job(hall, ((hall, with_devices(hall)),), 1, Asked(), name).days(range(10)))


LEAVING = b"""
[patience]
minutes = { median = 25, p90 = 70 }
queue = { median = 60, p90 = 140 }
no_show = 0.03
[greeter]
share = 0.05
seconds = 60
"""


def impatient():  # type: ignore[no-untyped-def]
    """The hall `ca_mau` with a greeter, and with people who balk, lose patience or leave with the ticket."""
    text = scenarios.resource("ca_mau").read_bytes()
    return parse(text + LEAVING, "ca_mau.toml", lambda name: scenarios.folder().joinpath(name).read_bytes())


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
    "t = time.process_time() - t; print(t, sum(r.waiting_time for r in sim.get_all_records()) / len(A))",
    "salabim": "import salabim as sim, sys, json, time\nA, S, C = json.load(sys.stdin)\nsim.yieldless(False)\n"
    "t = time.process_time(); env = sim.Environment(trace=False); desk = sim.Resource('d', capacity=C)\nwaits = []\n"
    "class V(sim.Component):\n def process(self, n):\n  yield self.request(desk)\n  waits.append(env.now() - A[n])\n"
    "  yield self.hold(S[n])\n  self.release()\n"
    "class G(sim.Component):\n def process(self):\n  for n, at in enumerate(A):\n"
    "   yield self.hold(till=at)\n   V(n=n)\n"
    "G(); env.run(); print(time.process_time() - t, sum(waits) / len(A))",
}
PEER_CUSTOMERS = 10_000
PEER_PYTHON = Path(__file__).parents[1] / "build/peers/planning/bin/python"


def peers(arrivals: list[int], services: list[int]) -> dict[str, float]:
    """How many times the CPU time of ours others need for the first customers; a note for what is not at hand."""
    if not PEER_PYTHON.exists():
        print("Ciw and salabim: left out; bash benchmarks/peers/setup.sh fetches them", file=sys.stderr)
        return {}
    first, last = arrivals[:PEER_CUSTOMERS], services[:PEER_CUSTOMERS]
    given = json.dumps([[a / NS for a in first], [s / NS for s in last], SERVERS])
    mean = sum(python_queue(first, last)) / NS / PEER_CUSTOMERS
    found = {}
    for name, code in PEERS.items():
        ratios = []
        for _ in range(3):
            ours = side_by_side(lambda: python_queue(first, last))[0]
            done = subprocess.run([PEER_PYTHON, "-c", code], input=given, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{name}: left out, it failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
                break
            took, wait = map(float, done.stdout.split())
            assert math.isclose(wait, mean, rel_tol=1e-9), (name, wait, mean)
            ratios.append(took / ours)
        if ratios:
            found[name] = median(ratios)
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
    whole_hall = Hall(plain, people(plain), "python")
    assert textbook_day(plain, day) == waits_of(whole_hall, day)
    drawing = side_by_side(lambda: [columns(hall, 1, n) for n in range(5)])[0] / 5
    studies = {
        name: side_by_side(lambda name=name: ten_days(hall, name))[0]
        for name in (("kernel", "python") if compiled else ("python",))
    }
    book, ours = side_by_side(lambda: textbook(arrivals, services), lambda: python_queue(arrivals, services))
    book_hall, ours_hall = side_by_side(lambda: textbook_hall(plain, day), lambda: days_of(slow_hall, day))
    pressed = presses()
    assert poll_by_poll(pressed) == skip_ahead(pressed)
    polled, skipped = side_by_side(lambda: poll_by_poll(pressed), lambda: [skip_ahead(pressed) for _ in range(20)])
    book_day, ours_day = side_by_side(lambda: textbook_day(plain, day), lambda: days_of(whole_hall, day))
    in_hall, in_day = PLAYS * book_hall / ours_hall, PLAYS * book_day / ours_day
    values = {
        "plan_engine_vs_textbook_simpy_day": (in_day, "x", ">=", 10, "simpy, ca_mau with its people"),
        "plan_engine_vs_textbook_simpy": (book / ours, "x", ">=", 3, "simpy Resource, M/M/42"),
        "plan_engine_vs_textbook_simpy_hall": (in_hall, "x", ">=", 10, "simpy FilterStore, ca_mau"),
        "plan_skip_ahead_vs_per_poll": (20 * polled / skipped, "x", ">=", 200, "simpy, 32 keypads, 9 h"),
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
        leaving = impatient()
        some_leave = columns(leaving, 1)
        fast_course, slow_course = (Hall(leaving, people(leaving), name) for name in ("kernel", "python"))
        assert waits_of(fast_course, some_leave) == waits_of(slow_course, some_leave)
        course, slow = side_by_side(lambda: fast_course.play(some_leave), lambda: slow_course.play(some_leave))
        values |= {
            "plan_course_kernel_vs_python": (slow / course, "x", ">=", 5, "the Python engine, ca_mau, people leave"),
            "plan_kernel_vs_textbook_simpy": (book / arrays, "x", ">=", 150, "simpy Resource, M/M/42"),
            "plan_kernel_vs_textbook_simpy_lists": (book / lists, "x", ">=", 50, "simpy Resource, M/M/42, from lists"),
            "plan_kernel_vs_textbook_simpy_hall": (book_hall / ours_hall, "x", ">=", 50, "simpy FilterStore, ca_mau"),
            "plan_1000_days_kernel_s": (100 * studies["kernel"], "s", "<=", 60, None),
            "plan_kernel_start_s": (start_up(), "s", "<=", 3, None),
        }
    for name, ratio in peers(arrivals, services).items():
        values[f"plan_engine_vs_{name}"] = (ratio, "x", ">=", 5, f"{name}, M/M/42")
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
