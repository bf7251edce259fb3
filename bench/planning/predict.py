"""A busy day foretold from ordinary ones: services fitted on days that are known, played on who came on another.

For logs that tell calls and no ends of services, as ticket machines write them, beside the number of counters that was
at work at each queue. While tickets wait, a queue with n counters makes its call k + n when the service of one of the
calls up to k is over; so the time from call k to call k + n, if the ticket of call k + n had been issued by call k,
is an **occupancy**: its mean is that of the services with all that goes around them. Occupancies of ordinary days, as
lognormals by queue, are played with the other day's tickets and counters; nothing else of that day is used.
"""

from __future__ import annotations

import csv
import io
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from statistics import fmean, quantiles
from typing import Final, NamedTuple

import numpy as np

from bench.hall import columns as sampling
from bench.hall.day import stream
from bench.planning.engine import Counters, Load, simulate
from bench.planning.fit import LEAST_SERVICES, Service, lognormal
from bench.planning.statistics import Estimate, estimate
from bench.scenario.ticket_log import LoggedTicket
from bench.scenario.times import DAY, MINUTE, parse_time

Counts = Sequence[tuple[int, int]]
"""(from this instant on in ns, counters at work), ascending."""


class RecordedDay(NamedTuple):
    """A day of a log: its tickets in order of issue, and the counters of each queue."""

    tickets: tuple[LoggedTicket, ...]
    counters: Mapping[str, Counts]


class Foretold(NamedTuple):
    """Waits of a day, minutes: recorded, and foretold as means over replications with 95 % intervals.

    Attributes:
        name: "all", or a queue.
        tickets: that were called, in the log.
        recorded_mean, recorded_p90: of them.
        mean, p90: foretold.
    """

    name: str
    tickets: int
    recorded_mean: float
    recorded_p90: float
    mean: Estimate
    p90: Estimate


TICKETS: Final = "day,queue,issued_min,called_min"
COUNTERS: Final = "day,queue,from_min,counters"
"""The columns of the two files of `read`."""

SERVICES: Final = "services"
SHARED: Final = ("IT", "NW")
"""Queues of the Bielany office with the same counters at every reading: they share them (warsaw_peak/README.md)."""


def warsaw() -> tuple[dict[str, RecordedDay], RecordedDay]:
    """The ordinary days of the Bielany office by date, and its peak day, 30 December 2019, as they are shipped."""
    from scenarios import folder

    place = folder().joinpath("warsaw_peak")
    tickets, counters, ordinary, at_ordinary = (
        place.joinpath(f"{name}.csv").read_text(encoding="utf-8")
        for name in ("tickets", "counters", "ordinary_tickets", "ordinary_counters")
    )
    rows = [f"peak,{line}" for line in tickets.splitlines()[1:]]
    changes = [
        f"peak,{row['queue']},{parse_time(row['time']) / MINUTE},{row['counters']}"
        for row in csv.DictReader(io.StringIO(counters))
    ]
    peak = read("\n".join([TICKETS, *rows]), "\n".join([COUNTERS, *changes]))["peak"]
    return read(ordinary, at_ordinary), peak


def read(tickets: str, counters: str) -> dict[str, RecordedDay]:
    """Days of two CSV texts with the columns `TICKETS` and `COUNTERS`; times in minutes after midnight.

    Raises:
        ValueError: a column is missing or a value is no number.
    """
    found: dict[str, list[LoggedTicket]] = {}
    for row in csv.DictReader(io.StringIO(tickets)):
        called = round(float(row["called_min"]) * MINUTE) if row["called_min"] else None
        ticket = LoggedTicket(row["queue"], round(float(row["issued_min"]) * MINUTE), called)
        found.setdefault(row["day"], []).append(ticket)
    counts: dict[str, dict[str, list[tuple[int, int]]]] = {}
    for row in csv.DictReader(io.StringIO(counters)):
        series = counts.setdefault(row["day"], {}).setdefault(row["queue"], [])
        series.append((round(float(row["from_min"]) * MINUTE), int(row["counters"])))
    return {
        day: RecordedDay(tuple(sorted(rows, key=lambda t: t.issued)), counts.get(day, {}))
        for day, rows in found.items()
    }


def at_work(counts: Counts, at: int) -> int:
    """Counters at work at an instant: those of the last change, or of the first one before it."""
    place = bisect_right(counts, (at, DAY)) - 1
    return counts[max(place, 0)][1] if counts else 0


def occupancies(day: RecordedDay) -> dict[str, list[float]]:
    """Minutes from call k to call k + n of kept-busy counters, by queue."""
    found: dict[str, list[float]] = {}
    for queue in sorted({ticket.queue for ticket in day.tickets}):
        called = sorted((t.called, t.issued) for t in day.tickets if t.queue == queue and t.called is not None)
        for k, (call, _) in enumerate(called):
            n = at_work(day.counters.get(queue, ()), call)
            if n and k + n < len(called):
                then, issued = called[k + n]
                if issued <= call < then and at_work(day.counters[queue], then) == n:
                    found.setdefault(queue, []).append((then - call) / MINUTE)
    return found


def services(days: Sequence[RecordedDay]) -> dict[str, Service]:
    """Lognormal occupancies by queue; a queue with fewer than `LEAST_SERVICES` gets those of all.

    Raises:
        ValueError: fewer than `LEAST_SERVICES` occupancies in all days.
    """
    by_queue: dict[str, list[float]] = {}
    for day in days:
        for queue, times in occupancies(day).items():
            by_queue.setdefault(queue, []).extend(times)
    every = [time for times in by_queue.values() for time in times]
    if len(every) < LEAST_SERVICES:
        raise ValueError(f"these days have {len(every)} occupancies of busy counters; {LEAST_SERVICES} are the least")
    queues = sorted({ticket.queue for day in days for ticket in day.tickets} | by_queue.keys())
    return {
        queue: lognormal(queue, 0.0, len(own), own if len(own) >= LEAST_SERVICES else every, pooled=own is every)
        for queue in queues
        for own in [by_queue.get(queue, [])]
    }


def foretell(
    known: Mapping[str, Service], day: RecordedDay, replications: int, seed: int, together: Sequence[str] = ()
) -> list[Foretold]:
    """Waits of a day of which only the tickets' issue and the counters at work are used.

    Args:
        known: services by queue.
        day: the day; its calls are compared with, never used.
        replications: days played, with other services each.
        seed: of the services.
        together: groups of queues that share their counters, each as its letters ("IT").

    Returns:
        The whole hall first, then each queue with ten calls or more.
    """
    groups = [set(group) for group in together]
    queues = sorted({ticket.queue for ticket in day.tickets})
    pools = [*groups, *({queue} for queue in queues if not any(queue in group for group in groups))]
    sums: dict[str, list[tuple[float, float]]] = {}
    for replication in range(replications):
        waits: dict[str, list[float]] = {}
        for number, pool in enumerate(pools):
            mine = [ticket for ticket in day.tickets if ticket.queue in pool]
            z = stream(seed, replication, SERVICES, number).standard_normal(len(mine))
            for ticket, wait in zip(mine, _played(known, mine, day, z), strict=True):
                if wait is not None and ticket.called is not None:
                    waits.setdefault(ticket.queue, []).append(wait)
        waits["all"] = [wait for found in waits.values() for wait in found]
        for name, found in waits.items():
            sums.setdefault(name, []).append(_figures(found))
    recorded: dict[str, list[float]] = {"all": []}
    for ticket in day.tickets:
        if ticket.called is not None:
            for name in ("all", ticket.queue):
                recorded.setdefault(name, []).append((ticket.called - ticket.issued) / MINUTE)
    told = []
    for name, then in recorded.items():
        mean, p90 = (estimate([pair[i] for pair in sums.get(name, [])]) for i in range(2))
        if len(then) >= 10 and mean is not None and p90 is not None:
            told.append(Foretold(name, len(then), *_figures(then), mean, p90))
    return told


def _figures(waits: Sequence[float]) -> tuple[float, float]:
    tenths = quantiles(waits, n=10, method="inclusive") if len(waits) > 1 else [waits[0]] * 9
    return fmean(waits), tenths[8]


def _played(
    known: Mapping[str, Service], mine: Sequence[LoggedTicket], day: RecordedDay, z: sampling.Real
) -> list[float | None]:
    """Waits in minutes; None for whoever is not called."""
    missing = sorted({ticket.queue for ticket in mine} - known.keys())
    if missing:
        raise ValueError(f"no service times are known for queue {', '.join(missing)}")
    fits = [known[ticket.queue] for ticket in mine]
    medians = np.array([fit.median for fit in fits])
    spreads = np.array([np.log(fit.p90 / fit.median).item() / sampling.Z90 for fit in fits])
    holds = np.maximum(1, sampling.whole(sampling.lognormal(medians, spreads, z) * MINUTE)).tolist()
    joins, none = [ticket.issued for ticket in mine], [0] * len(mine)
    counts = max((day.counters.get(ticket.queue, ()) for ticket in mine), key=len)
    limits = [(0, at_work(counts, 0)), *counts]
    skills = {number: frozenset((0,)) for number in range(1, 1 + max(1, *(count for _, count in limits)))}
    load = Load(joins, none, holds, none, [(0, at, "A", n) for n, at in enumerate(joins)])
    waits: list[float | None] = [None] * len(mine)
    for visit in simulate(load, Counters(skills, 0, DAY, limits=limits)):
        waits[visit.place] = (visit.called - joins[visit.place]) / MINUTE
    return waits
