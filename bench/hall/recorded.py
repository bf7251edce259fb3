"""A recorded ticket log as a day: arrivals as recorded, service times fitted so that the calls follow.

A log tells when each ticket was issued and when it was called; it does not tell when a service ended, nor which counter
called. The fit closes that gap with as little invention as possible:

1.  A *pool* is a set of counters together with the queues (errands) that they serve. A pool has `n` counters and is
    played first come first served by `bench.hall.ideal.replay`, the engine that everything else is compared with.
2.  Counters that work in turn call in turn: whoever made the k-th call of the pool makes the (k+n)-th. So the k-th
    service has to be over when the recorded call k+n is due: its **occupancy** is the time from its call in the replay
    to the recorded instant of call k+n. Taking the replay's own instant means that a service that came out too long or
    too short is made good by the next ones, instead of shifting the rest of the day.
3.  That holds when the counter was **kept busy**: the ticket of call k+n had been issued when call k was made.
    Otherwise the counter may have stood idle in between, and the gap says nothing about the service: then it is cut to
    the **typical pace** of the pool, the median gap of its kept-busy calls (of the whole hall's, where the pool has
    fewer than `ENOUGH` of them). The last `n` calls, which no call follows, take the typical pace too.
4.  Even so the service lasts until the last of those who were waiting at call k has been called: a free counter would
    have called them earlier.
5.  `overhead_s` of the scenario is taken off each occupancy, for in the replay through devices each visit also costs
    the call, the walk, the polls and the rating; what remains, at least `SHORTEST`, is the service time.
6.  A ticket that was never called comes all the same, with the typical pace as its service; whether it is called is
    up to the opening hours and breaks of the scenario.

Everything is arithmetic on the log: no random draw, the same day for every seed.
"""

from __future__ import annotations

import csv
import io
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, median, quantiles
from typing import TYPE_CHECKING, NamedTuple

from bench.hall.discipline import Roster, Waiting
from bench.hall.ideal import replay, tickets_of
from bench.scenario.ticket_log import LoggedTicket
from bench.scenario.times import MINUTE, NS

if TYPE_CHECKING:
    from bench.hall.day import Day
    from bench.scenario.model import Scenario

SHORTEST = NS
"""The shortest service of a fit, ns."""

ENOUGH = 5
"""So many kept-busy gaps make a pace typical."""

SAME = 0.1
"""Errors closer than this, in minutes, do not tell two numbers of counters apart (the log itself is good to 3)."""


class Fitted(NamedTuple):
    """One ticket of the log as a visitor: instants and durations in ns, `errand` as in `Scenario.errands`."""

    arrives: int
    errand: int
    service: int
    recorded_call: int | None


class Choice(NamedTuple):
    """The number of counters chosen for the queues that share them.

    Attributes:
        queues: letters of the queues, in order.
        counters: the number chosen.
        mean: mean number of counters over the readings in which there was one.
        errors: mean absolute error of the wait in minutes, by number of counters tried.
    """

    queues: tuple[str, ...]
    counters: int
    mean: float
    errors: Mapping[int, float]


class _Pool:
    """Counters that share queues: the recorded calls, and how many of them the replay has made."""

    def __init__(self, size: int, called: Sequence[tuple[int, int]]) -> None:
        self.size = size
        self.calls = sorted(call for _, call in called)
        issued = sorted(since for since, _ in called)
        self.before = [bisect_right(issued, call) for call in self.calls]
        self.busy_gaps = [
            after - call
            for k, (call, after) in enumerate(zip(self.calls, self.calls[size:], strict=False))
            if self._kept_busy(k) and after > call
        ]
        self.typical = 0
        self.made = 0

    def _kept_busy(self, k: int) -> bool:
        """Whether the ticket of call k + size had been issued when call k was made."""
        return k + self.size < self.before[k]

    def occupancy(self, now: int) -> int:
        """Occupancy of the next call, made at `now` in the replay (rules 2 to 4 of the module)."""
        k, self.made = self.made, self.made + 1
        if self._kept_busy(k):
            return self.calls[k + self.size] - now
        follower = self.calls[k + self.size] - now if k + self.size < len(self.calls) else self.typical
        queued = self.calls[self.before[k] - 1] - now if self.before[k] else 0
        return max(min(follower, self.typical), queued)


def _components(skills: Mapping[int, frozenset[int]]) -> list[tuple[set[int], set[int]]]:
    """Counters and errands that hang together through skills."""
    parts: list[tuple[set[int], set[int]]] = []
    for counter, errands in skills.items():
        joined = ({counter}, set(errands))
        apart = []
        for part in parts:
            if part[1] & joined[1]:
                joined = (joined[0] | part[0], joined[1] | part[1])
            else:
                apart.append(part)
        parts = [*apart, joined]
    return parts


def _fit(
    tickets: Sequence[Waiting],
    calls: Sequence[int | None],
    skills: Mapping[int, frozenset[int]],
    may_call: Callable[[int, int], int | None],
    overhead: int,
) -> tuple[list[int], dict[int, int]]:
    """Service times by ticket, and the instants of the calls that the replay made by ticket."""
    pool_of: dict[int, _Pool] = {}
    pools: list[_Pool] = []
    for counters, errands in _components(skills):
        called = [(t.since, c) for t, c in zip(tickets, calls, strict=True) if c is not None and t.errand in errands]
        pools.append(_Pool(len(counters), called))
        pool_of |= dict.fromkeys(errands, pools[-1])
    every = [gap for pool in pools for gap in pool.busy_gaps]
    for pool in pools:
        gaps = pool.busy_gaps if len(pool.busy_gaps) >= ENOUGH else every
        pool.typical = round(median(gaps)) if gaps else 5 * MINUTE
    services = [max(SHORTEST, pool_of[ticket.errand].typical - overhead) for ticket in tickets]

    def occupancy(index: int, now: int) -> int:
        if calls[index] is not None:
            services[index] = max(SHORTEST, pool_of[tickets[index].errand].occupancy(now) - overhead)
        return services[index] + overhead

    return services, {call.place: call.at for call in replay(tickets, skills, may_call, occupancy)}


def fit(scenario: Scenario) -> list[Fitted]:
    """The tickets of the scenario's log as visitors, in order of issue; service times by the rule of this module."""
    letters = {errand.letter: index for index, errand in enumerate(scenario.errands)}
    log = scenario.log
    tickets = tickets_of(scenario, [(ticket.issued, letters[ticket.queue]) for ticket in log])
    overhead = round(scenario.arrivals.overhead_s * NS)
    services, _ = _fit(tickets, [t.called for t in log], scenario.skills, Roster(scenario).may_call, overhead)
    return [
        Fitted(logged.issued, ticket.errand, service, logged.called)
        for logged, ticket, service in zip(log, tickets, services, strict=True)
    ]


def parse_readings(text: str) -> dict[str, list[int]]:
    """Counters by queue letter from a CSV with the columns `time`, `queue`, `counters`, in order of time.

    Raises:
        ValueError: a column is missing, a count is not a whole number, or a queue lacks a reading that others have.
    """
    readings: dict[str, dict[str, int]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        if not {"time", "queue", "counters"} <= row.keys():
            raise ValueError(f"the readings need the columns time, queue, counters; found {', '.join(row)}")
        readings.setdefault(row["queue"], {})[row["time"]] = int(row["counters"])
    times = sorted({time for series in readings.values() for time in series})
    for queue, series in readings.items():
        absent = [time for time in times if time not in series]
        if absent:
            raise ValueError(f"queue {queue} has no reading at {absent[0]}")
    return {queue: [series[time] for time in times] for queue, series in sorted(readings.items())}


def choose_counters(tickets: Iterable[LoggedTicket], readings: Mapping[str, Sequence[int]]) -> list[Choice]:
    """How many counters each queue of a recorded day gets, from what the hall's displays showed.

    `readings` has, by queue letter, the number of counters assigned to it at each reading of the day (the same instants
    for all queues); a counter that serves several queues is counted in each of them. So:

    - Queues whose readings are equal all day, and not constant while they are served, share their counters (two queues
      that change together all day are no accident; two that both have one counter all day may be). Any other queue
      has counters of its own.
    - The mean over the readings with a counter at work bounds the choice: its floor and its ceiling are tried, at least
      1 and at most the number of tickets.
    - Each is fitted and replayed first come first served; the smaller mean absolute error of the wait against the log
      wins. (Without the bound one very fast counter would win everywhere: it follows any sequence of calls.) Within
      `SAME` minutes of each other the one nearer to the mean wins, then the smaller.

    Args:
        tickets: the log.
        readings: counters by queue; every queue of the log must be there.
    """
    by_queue: dict[str, list[LoggedTicket]] = {}
    for ticket in sorted(tickets, key=lambda t: t.issued):
        by_queue.setdefault(ticket.queue, []).append(ticket)
    groups: dict[tuple[object, ...], list[str]] = {}
    for queue in sorted(by_queue):
        counts = readings[queue]
        moving = len({count for count in counts if count}) > 1
        groups.setdefault(tuple(counts) if moving else (queue,), []).append(queue)
    choices = []
    for queues in sorted(groups.values()):
        working = [count for count in readings[queues[0]] if count] or [1]
        mean = fmean(working)
        mine = sorted((t for queue in queues for t in by_queue[queue]), key=lambda t: t.issued)
        tried = {max(1, min(len(mine), size)) for size in (int(mean), -int(-mean // 1))}
        errors = {size: _error(mine, size) for size in sorted(tried)}
        close = [size for size, error in errors.items() if error <= min(errors.values()) + SAME]
        best = min(close, key=lambda size: (abs(size - mean), size))
        choices.append(Choice(tuple(queues), best, mean, errors))
    return choices


def _error(log: Sequence[LoggedTicket], size: int) -> float:
    """Mean absolute error of the wait, minutes, when `size` counters serve this log first come first served."""
    tickets = [Waiting(f"{t.queue}{i:05d}", 0, t.issued) for i, t in enumerate(log)]
    calls = [t.called for t in log]
    skills = {counter: frozenset((0,)) for counter in range(1, size + 1)}
    _, made = _fit(tickets, calls, skills, lambda _counter, at: at, 0)
    errors = [abs(made[i] - called) for i, called in enumerate(calls) if called is not None]
    return fmean(errors) / MINUTE if errors else 0.0


def recorded_waits(day: Day) -> list[tuple[int, int]]:
    """(number of the visitor, wait from issue to the recorded call in ns) of everybody whom the log saw called."""
    return [(v.number, v.recorded_call - v.arrives) for v in day.visitors if v.recorded_call is not None]


def figures(waits: Sequence[int]) -> dict[str, float]:
    """Mean, median and 90th percentile (linear between ranks) in minutes of waits in ns; zeros when there are none."""
    if len(waits) < 2:
        return dict.fromkeys(("mean", "p50", "p90"), waits[0] / MINUTE if waits else 0.0)
    tenths = quantiles(waits, n=10, method="inclusive")
    return {"mean": fmean(waits) / MINUTE, "p50": median(waits) / MINUTE, "p90": tenths[8] / MINUTE}


def compare(recorded: Iterable[tuple[int, int]], replayed: Iterable[tuple[int, int]]) -> dict[str, object]:
    """Replayed waits beside the recorded ones, in minutes.

    Args:
        recorded: (number, wait in ns) as `recorded_waits` gives them.
        replayed: the same from a replay; visitors that are not in both are counted and left out.

    Returns:
        `n` pairs; `recorded` and `replayed` with mean, p50, p90; `difference` (replayed minus recorded figure);
        `absolute` with mean, p50, p90, max of the absolute differences visitor by visitor; `only_recorded` and
        `only_replayed`, how many visitors have no partner.
    """
    then, now = dict(recorded), dict(replayed)
    both = sorted(then.keys() & now.keys())
    was, is_ = figures([then[n] for n in both]), figures([now[n] for n in both])
    apart = [abs(now[n] - then[n]) for n in both]
    return {
        "n": len(both),
        "recorded": was,
        "replayed": is_,
        "difference": {key: is_[key] - was[key] for key in was},
        "absolute": {**figures(apart), "max": max(apart, default=0) / MINUTE},
        "only_recorded": len(then) - len(both),
        "only_replayed": len(now) - len(both),
    }
