"""Visitors by appointment: agreed times, who keeps them, and how punctually.

An errand with `appointments` is a service of its own: its visitors are booked, not drawn from the arrivals' shape.
Each place of each agreed time is booked or not, and whoever booked misses it, or comes some minutes before or after it.
Who is early sits down and takes a ticket at the agreed time, from which on the service's priority counts; who is later
than the grace takes a ticket of another errand, where one is named. Everything is drawn for every place, booked or not,
so that days with more bookings have the same people at the same times, and more of them.

Unpunctuality is normal. Published means lie on the early side with a standard deviation of a quarter of an hour or so
(Cayirli and Veral 2003, a review of outpatient scheduling [K]); the figures are the scenario's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.hall import columns as sampling
from bench.hall.columns import COMES, MISSED, Columns, People, Whole
from bench.scenario.times import MINUTE, NS

if TYPE_CHECKING:
    from bench.scenario.model import Scenario
    from bench.scenario.people import Appointments

    Stream = Callable[[int], np.random.Generator]


def agreed_times(appointments: Appointments) -> list[int]:
    """The agreed times of a day, one entry a place, ns since midnight, ascending."""
    step = round(appointments.every_minutes * MINUTE)
    found = [at for span in appointments.spans for at in range(span.start, span.end, step)]
    return sorted(at for at in found for _ in range(appointments.places))


def comes_to_kiosk(arrives: int, agreed: int) -> int:
    """When a visitor goes to the kiosk, ns: on arrival, and not before the agreed time.

    Who has sat down gets up within a second of it, so that no two do so at one instant (after the fraction of a second
    by which they were early: no two are alike).
    """
    return arrives if arrives >= agreed else agreed + (agreed - arrives) % NS


def instants_at_kiosk(arrives: Whole, agreed: Whole) -> Whole:
    """`comes_to_kiosk` of whole columns."""
    found: Whole = np.where(arrives >= agreed, arrives, agreed + (agreed - arrives) % NS)
    return found


def with_appointments(scenario: Scenario, walk_ins: Columns, stream: Stream) -> Columns:
    """The day of the walk-ins with those who have an appointment among them, in order of arrival.

    Args:
        scenario: a loaded scenario; without appointments the day is as it was.
        walk_ins: who comes without one.
        stream: the random stream of an errand's appointments, by its place.
    """
    parts = [walk_ins] if walk_ins.people else [walk_ins._replace(people=_plain(len(walk_ins.arrives)))]
    for place, errand in enumerate(scenario.errands):
        if errand.appointments is not None:
            parts.append(_booked(scenario, place, errand.appointments, stream(place)))
    if len(parts) == 1:
        return walk_ins
    arrives = np.concatenate([part.arrives for part in parts])
    order = np.argsort(arrives, kind="stable")
    plain = [np.concatenate(column)[order] for column in zip(*(part.plain() for part in parts), strict=True)]
    people = zip(*(part.people for part in parts if part.people), strict=True)
    return _columns(plain, People(*(np.concatenate(column)[order] for column in people)))


def _columns(plain: Sequence[Whole], people: People) -> Columns:
    arrives, errands, services, ratings, delays = plain
    return Columns(arrives, errands, services, ratings, delays, people=people)


def _plain(many: int) -> People:
    """People of whom the scenario says nothing."""
    none, zero = np.full(many, -1, np.int64), np.zeros(many, np.int64)
    return People(none, zero, zero, none, zero, zero)


def _booked(scenario: Scenario, place: int, given: Appointments, random: np.random.Generator) -> Columns:
    """Who has an appointment for one errand."""
    minutes = scenario.errands[place].minutes
    if minutes is None:
        raise ValueError(f'errand "{scenario.errands[place].name}" has no service time; load() would have said so')
    agreed = np.array(agreed_times(given), np.int64)
    many = len(agreed)
    books, misses, rates, waits, fractions = random.random((5, many))
    unpunctual, z = random.standard_normal((2, many))
    values = sampling.pick(scenario.rating_values, many, random)
    medians, spreads = np.full(many, minutes.median), np.full(many, sampling.spread(minutes))
    services = np.maximum(1, sampling.whole(sampling.lognormal(medians, spreads, z) * MINUTE))
    # Nobody is punctual to the nanosecond, and who would be there before the door opens comes in the first minute.
    late = sampling.whole((given.spread_minutes * unpunctual - given.early_minutes) * MINUTE + fractions * NS)
    missed = misses < given.missed
    ways = np.where(missed, MISSED, COMES).astype(np.int64)
    opens, last = scenario.hours.opens, scenario.hours.closes - 1
    comes = np.where(agreed + late < opens, opens + sampling.whole(fractions * MINUTE), agreed + late)
    arrives = np.where(missed, agreed, np.minimum(comes, last))
    errands = np.full(many, place, np.int64)
    if given.otherwise is not None:
        grace = round(given.grace_minutes * MINUTE)
        errands[~missed & (arrives - agreed > grace)] = scenario.errand_index[given.otherwise]
    presses = ~missed & (rates < scenario.rating_share)
    delays = np.zeros(many, np.int64)
    delays[presses] = sampling.delays(scenario.rating_delay_s, scenario.rating_window_s, waits[presses])
    people = _plain(many)._replace(ways=ways, agreed=agreed)
    kept: Whole = np.flatnonzero(books < given.booked)
    plain = (arrives, errands, services, np.where(presses, values, 0), delays)
    return _columns([column[kept] for column in plain], People(*(column[kept] for column in people)))
