"""The hall without devices: an exact replay in which calling, walking and printing take no time.

It is the yardstick for the device-level replay (the difference is what the devices cost), the engine of the fit of
recorded days (`bench.hall.recorded`), and small enough to be checked by hand: a heap of instants, the discipline, and
integers of nanoseconds.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from bench.hall.appointments import comes_to_kiosk
from bench.hall.columns import COMES, NO_SHOW
from bench.hall.discipline import Idle, Roster, Waiting, at_speed, choose, ticket_name
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


class Leaving(NamedTuple):
    """Who leaves unserved, and who goes on to a second desk; by index of the ticket.

    Attributes:
        gone: whether the visitor of a ticket has left at an instant.
        joined: told a ticket that joins and how many wait before it for the same errand.
        onward: the ticket's second visit when the first ends at an instant; None: there is none.
    """

    gone: Callable[[int, int], bool]
    joined: Callable[[int, int], None]
    onward: Callable[[int, int], Waiting | None]


STAY: Leaving = Leaving(lambda _i, _at: False, lambda _i, _n: None, lambda _i, _at: None)
"""Everybody stays and has one errand."""


def replay(
    tickets: Sequence[Waiting],
    skills: Mapping[int, frozenset[int]],
    may_call: Callable[[int, int], int | None],
    occupancy: Callable[[int, int], int],
    speeds: Mapping[int, float] = MappingProxyType({}),
    leaving: Leaving = STAY,
) -> Iterator[Call]:
    """The calls in order of time, first come first served by `discipline.choose`.

    At one instant, arrivals come first, then counters that become free, then calls; of several idle counters the one
    that has been idle longest calls first (ties by number).

    Args:
        tickets: whoever comes, each at its `since`; names must differ.
        skills: number of a counter -> the errands it serves.
        may_call: `Roster.may_call`.
        occupancy: asked at each call with the ticket's index and the instant: ns until the counter is free again.
        speeds: number of a counter -> its speed, of those that are not 1.
        leaving: who leaves unserved (a call of a ticket whose visitor has left takes no time here), and who goes on: a
            second visit has an index behind all tickets given, and is played like them.
    """
    tickets = list(tickets)
    index_of = {(waiting.ticket, waiting.errand): index for index, waiting in enumerate(tickets)}
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
                queue = queues.setdefault(tickets[which].errand, [])
                leaving.joined(which, len(queue))
                queue.append(tickets[which])
            else:
                idle.append(Idle(which, now))
        for free in sorted(idle, key=lambda c: (c.since, c.counter)):
            able = may_call(free.counter, now)
            if able != now:
                idle.remove(free)
                if able is not None:
                    heapq.heappush(events, (able, _FREE, free.counter))
                continue
            waiting, dropped = choose(queues, skills[free.counter]), False
            while waiting is not None and leaving.gone(index_of[waiting.ticket, waiting.errand], now):
                queues[waiting.errand].remove(waiting)
                waiting, dropped = choose(queues, skills[free.counter]), True
            if waiting is None:
                if dropped:  # it has called in vain, and is idle from now on
                    idle[idle.index(free)] = Idle(free.counter, now)
                continue
            idle.remove(free)
            queues[waiting.errand].remove(waiting)
            index = index_of[waiting.ticket, waiting.errand]
            ends = now + at_speed(occupancy(index, now), speeds.get(free.counter, 1))
            following = leaving.onward(index, ends)
            if following is not None:
                index_of[following.ticket, following.errand] = len(tickets)
                heapq.heappush(events, (ends, _ARRIVAL, len(tickets)))
                tickets.append(following)
            heapq.heappush(events, (ends, _FREE, free.counter))
            yield Call(index, free.counter, now)


def tickets_of(
    scenario: Scenario, comers: Sequence[tuple[int, int]], lifts: Sequence[int] | None = None
) -> list[Waiting]:
    """Tickets for visitors given as (arrival, errand) in order of arrival, numbered by errand as a machine does.

    `lifts` is what is added to the priority of the errand, by visitor.
    """
    count = [0] * len(scenario.errands)
    tickets = []
    for place, (arrives, errand) in enumerate(comers):
        count[errand] += 1
        kind = scenario.errands[errand]
        priority = kind.priority + (lifts[place] if lifts else 0)
        tickets.append(Waiting(ticket_name(kind.letter, count[errand]), errand, arrives, priority))
    return tickets


def ideal_waits(scenario: Scenario, day: Day) -> list[tuple[int, int]]:
    """(number of the visitor, wait from joining to call in ns) of each call, by number; a chained errand has two.

    A visitor occupies the counter for the service time of the day, plus `arrivals.overhead_s` where the day was fitted
    to a recorded log (the fit took it off). Whoever is not called before the hall ends is left out.
    """
    comers = [visitor for visitor in day.visitors if visitor.way in (COMES, NO_SHOW)]
    comers.sort(key=lambda visitor: comes_to_kiosk(visitor.arrives, visitor.agreed))
    classes = scenario.visitor_classes
    lifts = [classes[v.visitor_class].priority if v.visitor_class >= 0 else 0 for v in comers]
    comes = [(comes_to_kiosk(visitor.arrives, visitor.agreed), visitor.errand) for visitor in comers]
    tickets = tickets_of(scenario, comes, lifts)
    overhead = round(scenario.arrivals.overhead_s * NS) if scenario.log else 0
    services = [visitor.service + overhead for visitor in comers]
    balked: set[int] = set()

    def gone(place: int, now: int) -> bool:
        if place >= len(comers):
            return False
        visitor = comers[place]
        late = 0 < visitor.patience <= now - visitor.arrives
        return visitor.way == NO_SHOW or place in balked or late

    def joined(place: int, ahead: int) -> None:
        if place < len(comers) and 0 <= comers[place].limit < ahead:
            balked.add(place)

    seconds: list[int] = []  # of the visitors, by order of their second visits

    def onward(place: int, ends: int) -> Waiting | None:
        errand = scenario.next_errand.get(comers[place].errand) if place < len(comers) else None
        if errand is None or not comers[place].second:
            return None
        seconds.append(place)
        services.append(comers[place].second)
        joins.append(ends)
        return Waiting(tickets[place].ticket, errand, ends, scenario.errands[errand].priority + lifts[place])

    joins = [ticket.since for ticket in tickets]
    calls = replay(
        tickets,
        scenario.skills,
        Roster(scenario).may_call,
        lambda index, _now: services[index],
        scenario.speeds,
        Leaving(gone, joined, onward),
    )
    waits = []
    for call in calls:
        whose = call.place if call.place < len(comers) else seconds[call.place - len(comers)]
        waits.append((comers[whose].number, call.at - joins[call.place]))
    return sorted(waits)
