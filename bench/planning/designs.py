"""The same hall with more or fewer counters.

A counter more is a copy of the one that has the most to do (its errands, without breaks' clashes: the same breaks); a
counter fewer is the one with the least. An errand that would be left without a counter goes to the counter with the
least to do. How much each has to do is reckoned from shares and mean service times, an errand's work spread evenly over
the counters that serve it. The steps are fixed by the scenario alone, so n counters are always the same n counters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from bench.hall.appointments import agreed_times
from bench.planning.days import paid_of
from bench.scenario.times import HOUR, MINUTE

if TYPE_CHECKING:
    from bench.scenario.model import Counter, Scenario
    from bench.scenario.people import Lognormal

MOST_COUNTERS = 500


class Design(NamedTuple):
    """A hall to be tried.

    Attributes:
        counters: how many it has.
        scenario: the hall.
        changes: what was changed, a sentence each.
    """

    counters: int
    scenario: Scenario
    changes: tuple[str, ...] = ()


def work_hours(scenario: Scenario) -> dict[str, float]:
    """Hours of service that an average day brings, by errand: counter time with the people's seconds around it."""
    pace = scenario.pace
    around = pace.walk_s + pace.clerk_s + 1.2
    if scenario.log:
        return _recorded_work(scenario, around)
    total = sum(errand.share or 0.0 for errand in scenario.errands)
    hours = dict.fromkeys((errand.name for errand in scenario.errands), 0.0)
    slower = 1 + sum(found.share * (found.service_factor - 1) for found in scenario.visitor_classes)
    comers = (scenario.arrivals.visitors or 0.0) * (1 - scenario.arrivals.online_share)
    if scenario.greeter is not None:
        comers *= 1 - scenario.greeter.share
    for errand in scenario.errands:
        booked = errand.appointments
        if errand.minutes is not None and booked is not None:
            many = len(agreed_times(booked)) * booked.booked * (1 - booked.missed)
            hours[errand.name] += many * (_mean(errand.minutes) + around / 60) / 60
            continue
        if errand.minutes is None or not total:
            continue
        many = comers * (errand.share or 0.0) / total
        hours[errand.name] += many * (_mean(errand.minutes) * slower + around / 60) / 60
        then = errand.then
        if then is not None:
            minutes = then.minutes or scenario.errands[scenario.errand_index[then.errand]].minutes
            each = _mean(minutes) * slower if minutes else 0.0
            hours[then.errand] += many * then.share * (each + around / 60) / 60
    return hours


def _mean(time: Lognormal) -> float:
    """The mean of a lognormal, in the unit of its median."""
    sigma = math.log(time.p90 / time.median) / NormalDist().inv_cdf(0.9)
    return time.median * math.exp(sigma * sigma / 2)


def _recorded_work(scenario: Scenario, around: float) -> dict[str, float]:
    from bench.hall.recorded import fit

    hours = dict.fromkeys((errand.name for errand in scenario.errands), 0.0)
    for ticket in fit(scenario):
        hours[scenario.errands[ticket.errand].name] += ticket.service / HOUR + around / 3600
    return hours


def staffed_hours(scenario: Scenario) -> float:
    """Counter hours within the opening hours, breaks taken off."""
    return sum((span.end - span.start) / HOUR for counter in scenario.counters for span in paid_of(scenario, counter))


def with_counters(scenario: Scenario, wanted: int) -> Design:
    """The hall with that many counters.

    Raises:
        ValueError: fewer than one or more than MOST_COUNTERS.
    """
    if not 1 <= wanted <= MOST_COUNTERS:
        raise ValueError(f"a hall has 1 to {MOST_COUNTERS} counters, not {wanted}")
    work = work_hours(scenario)
    counters = list(scenario.counters)
    changes: list[str] = []
    while len(counters) > wanted:
        loads = _loads(counters, work)
        gone = min(counters, key=lambda c: (loads[c.number], -c.number))
        counters.remove(gone)
        served = {name for counter in counters for name in counter.errands}
        orphans = [name for name in gone.errands if name not in served]
        told = f"without counter {gone.number}"
        for name in orphans:
            loads = _loads(counters, work)
            heir = min(counters, key=lambda c: (loads[c.number], c.number))
            counters[counters.index(heir)] = heir.model_copy(update={"errands": (*heir.errands, name)})
            told += f", {name} at counter {heir.number}"
        changes.append(told)
    while len(counters) < wanted:
        loads = _loads(counters, work)
        model = max(counters, key=lambda c: (loads[c.number], -c.number))
        number = max(c.number for c in counters) + 1
        counters.append(model.model_copy(update={"number": number, "clerk": f"P{number}"}))
        changes.append(f"counter {number} like counter {model.number}")
    if not changes:
        return Design(wanted, scenario)
    changed = scenario.model_copy(update={"counters": tuple(counters)})
    changed.__dict__.pop("speeds", None)
    changed.__dict__.pop("skills", None)  # model_copy takes what was worked out from the old counters along
    return Design(wanted, changed, tuple(changes))


def _loads(counters: list[Counter], work: Mapping[str, float]) -> dict[int, float]:
    servers = {name: sum(name in counter.errands for counter in counters) for name in work}
    return {c.number: sum(work[name] / servers[name] for name in c.errands if servers[name]) for c in counters}


def least_counters(scenario: Scenario) -> int:
    """Counters below which the day's work does not fit into the staffed hours, on average."""
    each = staffed_hours(scenario) / len(scenario.counters)
    return max(1, math.ceil(sum(work_hours(scenario).values()) / each)) if each else 1


def busiest(scenario: Scenario) -> tuple[int, float]:
    """(start of the half-hour with the most arrivals in ns, expected arrivals in it) of an average day."""
    from bench.hall.day import intensity

    half = 30 * MINUTE
    counts: dict[int, float] = {}  # by start of the half-hour
    if scenario.log:
        for ticket in scenario.log:
            slot = ticket.issued // half
            counts[slot * half] = counts.get(slot * half, 0.0) + 1
    else:
        pieces = list(intensity(scenario))
        whole = sum((end - start) * (w0 + w1) / 2 for start, end, w0, w1 in pieces)
        for start, end, w0, w1 in pieces:
            for slot in range(int(start // half), math.ceil(end / half)):
                a, b = max(start, slot * half), min(end, (slot + 1) * half)
                middle = w0 + (w1 - w0) * ((a + b) / 2 - start) / (end - start)
                count = (scenario.arrivals.visitors or 0.0) * middle * (b - a) / whole
                counts[slot * half] = counts.get(slot * half, 0.0) + count
        for errand in scenario.errands:
            for at in agreed_times(errand.appointments) if errand.appointments else ():
                comes = errand.appointments.booked * (1 - errand.appointments.missed) if errand.appointments else 0.0
                counts[at // half * half] = counts.get(at // half * half, 0.0) + comes
    return max(counts.items(), key=lambda item: (item[1], -item[0]), default=(scenario.hours.opens, 0.0))
