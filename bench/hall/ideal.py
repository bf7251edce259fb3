"""The hall without devices: an exact replay in which calling, walking and printing take no time.

It is the yardstick for the device-level replay (the difference is what the devices cost), the engine of the fit of
recorded days (`bench.hall.recorded`), and small enough to be checked by hand: a heap of instants, the discipline, and
integers of nanoseconds.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bench.hall.discipline import Idle, Roster, Waiting, choose, ticket_name
from bench.scenario.times import NS

if TYPE_CHECKING:
    from bench.hall.day import Day
    from bench.scenario.model import Scenario

_ARRIVAL, _FREE = 0, 1


class Call(NamedTuple):
    """One call of the replay: the place of the ticket in the list given, its counter, and the instant."""

    place: int
    counter: int
    at: int


def replay(
    tickets: Sequence[Waiting],
    skills: Mapping[int, frozenset[int]],
    may_call: Callable[[int, int], int | None],
    occupancy: Callable[[int, int], int],
) -> Iterator[Call]:
    """The calls in order of time, first come first served by `discipline.choose`.

    At one instant, arrivals come first, then counters that become free, then calls; of several idle counters the one
    that has been idle longest calls first (ties by number).

    Args:
        tickets: whoever comes, each at its `since`; names must differ.
        skills: number of a counter -> the errands it serves.
        may_call: `Roster.may_call`.
        occupancy: asked at each call with the ticket's index and the instant: ns until the counter is free again.
    """
    index_of = {waiting.ticket: index for index, waiting in enumerate(tickets)}
    queues: dict[int, list[Waiting]] = {waiting.errand: [] for waiting in tickets}
    events = [(waiting.since, _ARRIVAL, index) for index, waiting in enumerate(tickets)]
    events += [(0, _FREE, counter) for counter in skills]
    heapq.heapify(events)
    idle: list[Idle] = []
    while events:
        now = events[0][0]
        while events and events[0][0] == now:
            _, kind, which = heapq.heappop(events)
            if kind == _ARRIVAL:
                queues[tickets[which].errand].append(tickets[which])
            else:
                idle.append(Idle(which, now))
        for free in sorted(idle, key=lambda c: (c.since, c.counter)):
            able = may_call(free.counter, now)
            if able != now:
                idle.remove(free)
                if able is not None:
                    heapq.heappush(events, (able, _FREE, free.counter))
                continue
            waiting = choose(queues, skills[free.counter])
            if waiting is None:
                continue
            idle.remove(free)
            queues[waiting.errand].remove(waiting)
            index = index_of[waiting.ticket]
            heapq.heappush(events, (now + occupancy(index, now), _FREE, free.counter))
            yield Call(index, free.counter, now)


def tickets_of(scenario: Scenario, comers: Sequence[tuple[int, int]]) -> list[Waiting]:
    """Tickets for visitors given as (arrival, errand) in order of arrival, numbered by errand as a machine does."""
    count = [0] * len(scenario.errands)
    tickets = []
    for arrives, errand in comers:
        count[errand] += 1
        kind = scenario.errands[errand]
        tickets.append(Waiting(ticket_name(kind.letter, count[errand]), errand, arrives, kind.priority))
    return tickets


def ideal_waits(scenario: Scenario, day: Day) -> list[tuple[int, int]]:
    """(number of the visitor, wait from arrival to call in ns) of everybody who is called, by number.

    A visitor occupies the counter for the service time of the day, plus `arrivals.overhead_s` where the day was fitted
    to a recorded log (the fit took it off). Whoever is not called before the hall ends is left out.
    """
    tickets = tickets_of(scenario, [(visitor.arrives, visitor.errand) for visitor in day.visitors])
    overhead = round(scenario.arrivals.overhead_s * NS) if scenario.log else 0
    services = [visitor.service + overhead for visitor in day.visitors]
    calls = replay(tickets, scenario.skills, Roster(scenario).may_call, lambda index, _now: services[index])
    return sorted((day.visitors[call.place].number, call.at - tickets[call.place].since) for call in calls)
