"""The proof suite of the planning engine: models with known answers, played by the product's own engine.

Each function draws its inputs, plays them with the compiled kernel where numba is installed and with the engine in
Python otherwise (`PLAY`; equal visits), and returns values by replication, so that a test can hold their mean against a
published or exact number. `benchmarks/proof.py` runs the full sizes and writes docs/proof.md.
References: Erlang C; Pollaczek-Khinchine; Eick, Massey and Whitt 1993; SSJ's CallCenter.res.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import NamedTuple

import numpy as np

from bench.planning import engine, outcome, tables
from bench.planning.engine import Counters, Load

S = 1_000_000_000
FOREVER = 1 << 60
PLAY = {"kernel": tables.simulate, "python": engine.simulate}


def simulate(load: Load, counters: Counters) -> list[engine.Visit]:
    """The visits, by the engine that a study would take here."""
    return PLAY[outcome.engine_named("auto")](load, counters)


class Against(NamedTuple):
    """A mean over replications, its standard error, and the reference with its own standard error (0 = exact)."""

    name: str
    mean: float
    error: float
    reference: float
    reference_error: float = 0.0

    @property
    def sigmas(self) -> float:
        return abs(self.mean - self.reference) / math.hypot(self.error, self.reference_error)


def against(name: str, values: Sequence[float], reference: float, reference_error: float = 0.0) -> Against:
    return Against(name, fmean(values), stdev(values) / math.sqrt(len(values)), reference, reference_error)


def play(arrivals: np.ndarray, services: np.ndarray, counters: int) -> np.ndarray:
    """Waits in seconds of one queue at so many counters that never close; arrivals and services in seconds."""
    joins = [round(a * S) for a in arrivals.tolist()]
    holds = [round(s * S) for s in services.tolist()]
    none = [0] * len(joins)
    load = Load(joins, none, holds, none, [(0, at, "A", n) for n, at in enumerate(joins)])
    skills = {number: frozenset((0,)) for number in range(1, counters + 1)}
    staffed = Counters(skills, 0, FOREVER)
    waits = np.zeros(len(joins))
    for visit in simulate(load, staffed):
        waits[visit.place] = (visit.called - joins[visit.place]) / S
    return waits


def erlang_c(c: int, load: float) -> float:
    """Probability of waiting with c servers and an offered load in erlangs."""
    b = 1.0
    for k in range(1, c + 1):
        b = load * b / (k + load * b)
    return b / (1 - load / c * (1 - b))


def mmc(c: int, arrivals: float, service: float, customers: int, runs: int, seed: int = 1) -> list[Against]:
    """M/M/c with rates per second: P(wait) and mean wait, started empty with the first tenth dropped."""
    share, mean = [], []
    for run in range(runs):
        random = np.random.default_rng([seed, run])
        waits = play(
            np.cumsum(random.exponential(1 / arrivals, customers)), random.exponential(1 / service, customers), c
        )[customers // 10 :]
        share.append(float((waits > 0).mean()))
        mean.append(float(waits.mean()))
    waiting = erlang_c(c, arrivals / service)
    name = f"M/M/{c} rho {arrivals / service / c:.3g}"
    return [
        against(f"{name} P(wait)", share, waiting),
        against(f"{name} Wq", mean, waiting / (c * service - arrivals)),
    ]


def mg1(rho: float, cv: float, customers: int, runs: int) -> Against:
    """M/G/1 with lognormal services of mean 1."""
    s2 = math.log(1 + cv * cv)
    means = []
    for run in range(runs):
        random = np.random.default_rng([2, run])
        arrivals = np.cumsum(random.exponential(1 / rho, customers))
        services = random.lognormal(-s2 / 2, math.sqrt(s2), customers)
        means.append(float(play(arrivals, services, 1)[customers // 10 :].mean()))
    return against(f"M/G/1 rho {rho} cv {cv} Wq", means, rho * (1 + cv * cv) / (2 * (1 - rho)))


HOURLY = np.array([250, 520, 640, 600, 430, 380, 470, 420, 290], float) / 3600


def nhpp(random: np.random.Generator, hourly: np.ndarray) -> np.ndarray:
    """Arrivals of a Poisson process whose rate is constant in each hour, by inversion."""
    upto = np.concatenate(([0.0], np.cumsum(hourly * 3600)))
    reached = np.cumsum(random.exponential(1.0, int(upto[-1] + 9 * math.sqrt(upto[-1]) + 50)))
    found: np.ndarray = np.interp(reached[reached < upto[-1]], upto, np.arange(len(upto)) * 3600.0)
    return found


def infinite_servers(hour: float, runs: int, mean: float = 336.0, cv: float = 0.8) -> Against:
    """M(t)/G/infinity at an hour: people in the hall, played with so many counters that nobody waits."""
    s2 = math.log(1 + cv * cv)
    at, counts = hour * 3600, []
    for run in range(runs):
        random = np.random.default_rng([33, run])
        arrivals = nhpp(random, HOURLY)
        services = random.lognormal(math.log(mean) - s2 / 2, math.sqrt(s2), arrivals.size)
        starts = arrivals + play(arrivals, services, 150)
        counts.append(float(((starts <= at) & (starts + services > at)).sum()))
    u = np.arange(0.5, at, 1.0)
    rate = HOURLY[np.minimum(((at - u) // 3600).astype(int), 8)]
    location, scale = math.log(mean) - s2 / 2, math.sqrt(2 * s2)
    beyond = np.array([math.erfc((math.log(x) - location) / scale) / 2 for x in u.tolist()])
    return against(f"M(t)/G/inf at {hour} h", counts, float((rate * beyond).sum()))


AGENTS = (4, 6, 8, 8, 8, 7, 8, 8, 6, 6, 4, 4, 4)
CALLS = np.array([100, 150, 150, 180, 200, 150, 150, 150, 120, 100, 80, 70, 60], float)


def call_centre(days: int, seed: int = 7, alpha: float = 400.0) -> list[Against]:
    """SSJ's CallCenter: mean wait, calls within 20 s and calls lost, over the 1,660 calls of an average day.

    Published for 10,000 days: W 4.713 with a 90 % interval 4.680 to 4.746, 0.925 (0.924 to 0.925) and 0.020.
    """
    hour = 3600 * S
    most = max(AGENTS)
    total = float(CALLS.sum())

    staff = tuple((hour * h, agents) for h, agents in enumerate(AGENTS))
    skills = {number: frozenset((0,)) for number in range(most)}
    staffed = Counters(skills, 0, FOREVER, limits=staff)
    waits, within, lost = [], [], []
    for day in range(days):
        random = np.random.default_rng([seed, day])
        busy = random.gamma(alpha, 1 / alpha)
        arrivals = nhpp(random, CALLS * busy / 3600)
        joins = [round(a * S) for a in arrivals.tolist()]
        n = len(joins)
        holds = [round(s * S) for s in random.exponential(100.0, n).tolist()]
        patience = np.where(random.random(n) < 0.1, 0.0, random.exponential(1000.0, n))
        patient = [round(p * S) for p in patience.tolist()]
        none = [0] * n
        load = Load(joins, none, holds, none, [(0, at, "A", k) for k, at in enumerate(joins)], patient)
        waited = {visit.place: visit.called - joins[visit.place] for visit in simulate(load, staffed)}
        of_day = [waited.get(k, patient[k]) for k in range(n)]
        waits.append(sum(of_day) / S / total)
        within.append(sum(w < 20 * S for w in of_day) / total)
        lost.append((n - len(waited)) / total)
    sigma = (4.746 - 4.680) / 2 / 1.645
    return [
        against("SSJ call centre W, s", waits, 4.713, sigma),
        against("SSJ call centre within 20 s", within, 0.925, 0.0005),  # published to three digits
        against("SSJ call centre lost", lost, 0.020, 0.0005),
    ]


def full() -> list[Against]:
    """Every row at its full size."""
    return [
        *mmc(42, 42 * 0.9, 1.0, 100_000, 60),
        *mmc(1, 2.0, 3.0, 100_000, 20),
        *mmc(2, 2.0, 3.0, 100_000, 20),
        mg1(0.8, 0.8, 100_000, 30),
        *(infinite_servers(hour, 1000) for hour in (2.5, 3.5, 8.0)),
        *call_centre(10_000),
    ]
