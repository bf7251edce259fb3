"""A peak day foretold from ordinary ones: the method on logs that are known, and Warsaw with its error stated."""

from __future__ import annotations

import numpy as np
import pytest

from bench.planning.engine import Counters, Load, simulate
from bench.planning.predict import SHARED, RecordedDay, at_work, foretell, occupancies, services, warsaw
from bench.scenario.ticket_log import LoggedTicket
from bench.scenario.times import HOUR, MINUTE


def made(seed: int, counters: int, visitors: int, median: float = 5.0) -> RecordedDay:
    """A morning at some counters with lognormal services (median in minutes, p90 twice that), as a machine logs it."""
    random = np.random.default_rng(seed)
    joins = np.sort(random.uniform(8 * HOUR, 12 * HOUR, visitors)).astype(np.int64).tolist()
    times = random.lognormal(np.log(median), np.log(2) / 1.2816, visitors)
    holds = (times * MINUTE).astype(np.int64).tolist()
    none = [0] * visitors
    alike = Counters({n: frozenset((0,)) for n in range(counters)}, 0, 1 << 60)
    called = {v.place: v.called for v in simulate(Load(joins, none, holds, none, [(0, at) for at in joins]), alike)}
    tickets = tuple(LoggedTicket("A", at, called[place]) for place, at in enumerate(joins))
    return RecordedDay(tickets, {"A": [(8 * HOUR, counters)]})


def test_services_are_found_from_calls_alone() -> None:
    """Of a hall that made the log, the mean service time is found from the calls of busy counters."""
    found = services([made(seed, 4, 200) for seed in range(6)])["A"]
    truth = 5.0 * np.exp((np.log(2) / 1.2816) ** 2 / 2)
    assert found.mean == pytest.approx(truth, rel=0.05)
    assert not found.pooled


def test_a_busy_day_of_the_same_hall_is_foretold() -> None:
    """From quiet days to one with a third more people: the mean wait is foretold within a quarter."""
    known = services([made(seed, 4, 180) for seed in range(6)])
    whole = foretell(known, made(99, 4, 240), 20, 1)[0]
    assert whole.recorded_mean > 15
    assert whole.mean.mean == pytest.approx(whole.recorded_mean, rel=0.25)


def test_idle_counters_say_nothing() -> None:
    """A call that waited for its ticket gives no occupancy; without enough of them there is no fit."""
    day = RecordedDay(
        tuple(LoggedTicket("A", n * HOUR, n * HOUR + MINUTE) for n in range(8, 12)), {"A": [(8 * HOUR, 1)]}
    )
    assert occupancies(day) == {}
    with pytest.raises(ValueError, match="are the least"):
        services([day])
    assert [at_work([(5, 2), (9, 0)], at) for at in (0, 5, 8, 9)] == [2, 2, 2, 0]


def test_what_is_not_known_of_a_queue_is_told() -> None:
    """A queue that the ordinary days had not cannot be foretold, and is named."""
    known = services([made(1, 2, 200)])
    other = RecordedDay((LoggedTicket("Q", HOUR, 2 * HOUR),), {"Q": [(0, 1)]})
    with pytest.raises(ValueError, match="queue Q"):
        foretell(known, other, 2, 1)


def test_the_peak_day_of_warsaw_is_foretold_within_the_stated_error() -> None:
    """docs/planning.md: the mean of the whole hall is a sixth too short, its p90 a tenth too long; queues are worse."""
    ordinary, peak = warsaw()
    assert (len(ordinary), sum(len(day.tickets) for day in ordinary.values()), len(peak.tickets)) == (4, 3963, 1778)
    told = {row.name: row for row in foretell(services(list(ordinary.values())), peak, 10, 1, SHARED)}
    whole = told["all"]
    assert (whole.tickets, round(whole.recorded_mean, 1), round(whole.recorded_p90, 1)) == (1766, 76.5, 190.3)
    assert whole.mean.mean == pytest.approx(whole.recorded_mean, rel=0.25)
    assert whole.p90.mean == pytest.approx(whole.recorded_p90, rel=0.2)
    ordinary_waits = [
        foretell(services([o for n, o in ordinary.items() if n != name]), day, 5, 1, SHARED)[0]
        for name, day in ordinary.items()
    ]
    assert all(row.mean.mean < whole.mean.mean / 2 for row in ordinary_waits)  # the peak is seen to be one
