"""The least staff by the half-hour that still meets a goal, for a hall whose counters are enough when all are staffed.

The start is square-root staffing: the mean number of counters that would be busy if nobody ever waited, m(t) of
Mt/G/infinity, and beta times its root more (Eick, Massey and Whitt 1993; Feldman et al. 2008 [K]). The least beta of a
grid that meets the goal is taken, and then one counter after the other is taken away, half-hour by half-hour, as long
as the goal is met. Every staffing sees the same drawn days. What is guaranteed: on these days the whole interval of
the goal's figure lies on its side, and in no half-hour would one counter fewer be enough, the others being as they are.
As the days were used to choose, the staffing is played once more on as many days that were not, and that is told too.

Staff means counters that may be at work at once; whoever is at work when fewer may be finishes the visit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from bench.hall.appointments import agreed_times
from bench.hall.day import columns, intensity
from bench.planning.days import HALF_HOUR, Asked, figures_of
from bench.planning.outcome import Hall
from bench.planning.statistics import Estimate, estimate
from bench.scenario.times import HOUR, MINUTE

if TYPE_CHECKING:
    from bench.planning.engine import Delays
    from bench.planning.goal import Goal
    from bench.scenario.model import Scenario
    from bench.scenario.people import Lognormal

STEP: Final = 5 * MINUTE
DAYS: Final = 40
"""Days of each staffing where the number is not given."""

BETAS: Final = tuple(step / 4 for step in range(-6, 25))


def offered_load(scenario: Scenario) -> list[tuple[int, float]]:
    """(instant, mean number of counters busy if nobody waited) every five minutes of an average drawn day."""
    hours, pace = scenario.hours, scenario.pace
    around = (pace.walk_s + pace.clerk_s + 1.2) / 60
    total = sum(errand.share or 0.0 for errand in scenario.errands)
    slower = 1 + sum(found.share * (found.service_factor - 1) for found in scenario.visitor_classes)
    comers = (scenario.arrivals.visitors or 0.0) * (1 - scenario.arrivals.online_share)
    comers *= 1 - (scenario.greeter.share if scenario.greeter else 0.0)
    grid = range(hours.opens, hours.closes + 1, STEP)
    walk_ins = _arrivals(scenario, grid)
    load = [0.0] * len(grid)
    for errand in scenario.errands:
        if errand.minutes is None:
            continue
        booked = errand.appointments
        coming = [comers * (errand.share or 0.0) / total * part for part in walk_ins] if booked is None else []
        if booked is not None:
            coming = [0.0] * len(grid)
            for at in agreed_times(booked):
                coming[(at - hours.opens) // STEP] += booked.booked * (1 - booked.missed)
        factor = slower if booked is None else 1.0
        # who came in a step came in its middle, on average
        stays = [_longer(errand.minutes, factor, (age - 0.5) * STEP / MINUTE - around) for age in range(len(grid))]
        for now in range(len(grid)):
            load[now] += sum(many * stays[now - then] for then, many in enumerate(coming[:now]))
    return list(zip(grid, load, strict=True))


def _arrivals(scenario: Scenario, grid: Sequence[int]) -> list[float]:
    """Share of the day's arrivals in each step of the grid."""
    pieces = list(intensity(scenario))
    whole = sum((end - start) * (w0 + w1) / 2 for start, end, w0, w1 in pieces)
    found = []
    for at in grid:
        part = 0.0
        for start, end, w0, w1 in pieces:
            a, b = max(start, at), min(end, at + STEP)
            if a < b:
                part += (b - a) * (w0 + (w1 - w0) * ((a + b) / 2 - start) / (end - start))
        found.append(part / whole)
    return found


def _longer(time: Lognormal, factor: float, minutes: float) -> float:
    """Share of the services that are longer than so many minutes."""
    if minutes <= 0:
        return 1.0
    sigma = math.log(time.p90 / time.median) / 1.2815515655446004
    z = math.log(minutes / (time.median * factor))
    return 0.5 * math.erfc(z / sigma / math.sqrt(2)) if sigma else float(z < 0)


class _Trial:
    """Staffings over the same days, each played once."""

    def __init__(self, hall: tuple[Scenario, Delays, str], base: Scenario, goal: Goal, days: tuple[int, int]) -> None:
        self.scenario, self.delays, self.engine = hall
        self.base, self.goal = base, goal
        self.seed, self.count = days
        self.starts: tuple[int, ...] = ()
        self.least: list[int] = []  # counters of each half-hour that are always staffed: one while the hall is open
        self.asked = Asked((goal.level,) if goal.level is not None else (),
                           (goal.within_minutes,) if goal.within_minutes is not None else ())  # fmt: skip
        self.drawn = [columns(base, self.seed, number) for number in range(self.count)]
        self.known: dict[tuple[int, ...], Estimate | None] = {}

    def figure(self, staff: tuple[int, ...]) -> Estimate | None:
        """The goal's figure with this staff by half-hour."""
        if staff not in self.known:
            self.known[staff] = self._played(staff, self.drawn)
        return self.known[staff]

    def fresh(self, staff: tuple[int, ...]) -> Estimate | None:
        """The same on days that have not been looked at."""
        return self._played(staff, [columns(self.base, self.seed, self.count + n) for n in range(self.count)])

    def _played(self, staff: tuple[int, ...], days: Sequence[Any]) -> Estimate | None:
        hall = Hall(self.scenario, self.delays, self.engine, tuple(zip(self.starts, staff, strict=True)))
        return estimate([self.goal.measure(figures_of(hall, day, self.asked)) for day in days])

    def meets(self, staff: tuple[int, ...]) -> bool:
        """Whether the goal is met."""
        return self.goal.answer(self.figure(staff)) == "met"


def by_half_hour(
    base: Scenario,
    scenario: Scenario,
    delays: Delays,
    goal: Goal,
    *,
    seed: int = 1,
    days: int | None = None,
    engine: str = "python",
    progress: Callable[[float, str], None] = lambda _f, _t: None,
) -> dict[str, Any]:
    """Find the least staff of each half-hour.

    Args:
        base: the scenario from which days are drawn.
        scenario: the hall, with all the counters that it may use.
        delays: of its devices.
        goal: what has to hold.
        seed: of the days.
        days: how many; None for `DAYS`.
        engine: "kernel" or "python".
        progress: told (fraction, text) now and then.

    Returns:
        `half_hours` (start, load, start_staff, staff), `staffed_hours` against `all_staffed_hours`, the goal's figure
        on the days of the search and on fresh ones, and `answer`: "met", or "not met" when all counters all day do not
        meet it. Interrupted, it is what was reached.
    """
    trial = _Trial((scenario, delays, engine), base, goal, (seed, days or DAYS))
    hours, most = scenario.hours, len(scenario.counters)
    first = hours.opens // HALF_HOUR * HALF_HOUR
    trial.starts = tuple(range(first, hours.closes, HALF_HOUR))
    trial.least = [
        int(any(span.start < at + HALF_HOUR and at < span.end for span in hours.open)) for at in trial.starts
    ]
    loads = _by_slot(scenario, trial.starts)
    whole = (most,) * len(trial.starts)
    staff = begun = whole
    why = "no half-hour can do with one counter less"
    answer = "met" if trial.meets(whole) else "not met"
    try:
        if answer == "met" and not scenario.log:
            staff = begun = _square_root(trial, loads, most, progress)
        if answer == "met":
            staff = _fewer(trial, staff, progress)
    except KeyboardInterrupt:
        why = "interrupted"
        met = [found for found in trial.known if trial.meets(found)]
        staff = min(met, key=lambda found: (sum(found), found), default=whole)
    if answer != "met":
        why = f"all {most} counters all day do not meet it: more counters are needed"
    return {
        "goal": goal.text,
        "kind": goal.kind,
        "measure": goal.name,
        "answer": answer,
        "why": why,
        "days": trial.count,
        "seed": seed,
        "counters": most,
        "tried": len(trial.known),
        "half_hours": [
            {"start": at, "load": load, "start_staff": begins, "staff": ends}
            for at, load, begins, ends in zip(trial.starts, loads, begun, staff, strict=True)
        ],
        "staffed_hours": _hours(scenario, trial.starts, staff),
        "all_staffed_hours": _hours(scenario, trial.starts, [most * least for least in trial.least]),
        "figure": _told(trial.figure(staff)),
        "fresh": _told(trial.fresh(staff)) if why != "interrupted" else None,
    }


def _hours(scenario: Scenario, starts: Sequence[int], staff: Sequence[int]) -> float:
    """Counter hours of a staffing: of each half-hour what lies within the opening hours, or all where nothing does."""
    total = 0
    for start, number in zip(starts, staff, strict=True):
        parts = [min(span.end, start + HALF_HOUR) - max(span.start, start) for span in scenario.hours.open]
        total += number * (sum(part for part in parts if part > 0) or HALF_HOUR)
    return total / HOUR


def _told(found: Estimate | None) -> dict[str, Any] | None:
    return None if found is None else {"mean": found.mean, "ci": [found.low, found.high]}


def _by_slot(scenario: Scenario, starts: Sequence[int]) -> list[float]:
    """The largest load of each half-hour; zeros for a recorded day, which has no intensity."""
    found = [0.0] * len(starts)
    for at, load in offered_load(scenario) if not scenario.log else ():
        slot = min(len(starts) - 1, (at - starts[0]) // HALF_HOUR)
        found[slot] = max(found[slot], load)
    return found


def _square_root(
    trial: _Trial, loads: Sequence[float], most: int, progress: Callable[[float, str], None]
) -> tuple[int, ...]:
    """Square-root staffing with the least beta that meets the goal; all counters where none does."""
    for place, beta in enumerate(BETAS):
        progress(place / len(BETAS) / 2, f"square-root staffing, beta {beta:g}")
        wanted = [math.ceil(load + beta * math.sqrt(load)) for load in loads]
        staff = tuple(min(most, max(one, least)) for one, least in zip(wanted, trial.least, strict=True))
        if trial.meets(staff):
            return staff
    return (most,) * len(loads)


def _fewer(trial: _Trial, staff: tuple[int, ...], progress: Callable[[float, str], None]) -> tuple[int, ...]:
    """One counter less wherever the goal is met without it, the most staffed and latest half-hours first."""
    changed = True
    while changed:
        changed = False
        for done, slot in enumerate(sorted(range(len(staff)), key=lambda slot: (-staff[slot], -slot))):
            progress(0.5 + done / len(staff) / 2, f"by half-hour, {len(trial.known)} staffings tried")
            less = (*staff[:slot], staff[slot] - 1, *staff[slot + 1 :])
            if staff[slot] > trial.least[slot] and trial.meets(less):
                staff, changed = less, True
    return staff
