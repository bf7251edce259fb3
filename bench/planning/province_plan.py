"""A province planned in one sweep: days of every hall, their sum, and the halls in which people wait longest.

Each hall has days of its own (its seed), and all are played as they are. Halls share nothing: a province is a sum over
halls, which are worked through one after the other, on this machine or by a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Final

from bench.planning.days import Asked, DayFigures
from bench.planning.designs import Design, staffed_hours
from bench.planning.lines import with_devices
from bench.planning.pooled import percentiles
from bench.planning.statistics import Precision, estimate
from bench.planning.study import Job, run

if TYPE_CHECKING:
    from bench.scenario.province import Province

DAYS: Final = 20
"""Days of each hall when the number is not given."""

WORST: Final = 10
"""Halls that are told of by name."""

Source = Callable[[Job], Generator[list[DayFigures], None, None]]


def plan_province(
    province: Province,
    *,
    seed: int = 1,
    days: int = DAYS,
    within_minutes: float = 15.0,
    engine: str = "auto",
    source: Source | None = None,
    progress: Callable[[float, str], None] = lambda _f, _t: None,
) -> dict[str, Any]:
    """Play days of every hall.

    Args:
        province: the halls.
        seed: of the province; a hall without a seed has this plus its place.
        days: of each hall.
        within_minutes: the time within which people should be called.
        engine: "auto", "kernel" or "python".
        source: as `study.run` takes it.
        progress: told (fraction, text) now and then.

    Returns:
        `halls` (name, scenario, visitors, counters, wait_mean, wait_p90 with intervals, within, unserved, overtime; s),
        `worst` of them by p90, and `sum`: visitors a day, staffed hours, pooled percentiles of all waits.
    """
    rows: list[dict[str, Any]] = []
    bins: list[dict[int, int]] = [{} for _ in range(days)]
    visitors = [0.0] * days
    why = "as many days as asked"
    for place, (hall, its_seed) in enumerate(province.seeds(seed)):
        progress(place / len(province.halls), hall.name)
        scenario = hall.scenario
        design = Design(len(scenario.counters), scenario)
        asked = Asked((50, 90), (within_minutes,))
        study = run(scenario, [design], with_devices, seed=its_seed, asked=asked, measure=lambda day: day.wait_mean,
                    precision=Precision(), days=days, engine=engine, source=source)  # fmt: skip
        if study.why == "interrupted":
            why = study.why
            break
        found = study.days[0]
        for number, day in enumerate(found):
            visitors[number] += day.visitors
            for key, count in day.bins.items():
                bins[number][key] = bins[number].get(key, 0) + count
        rows.append(_row(hall.name, hall.given, found, within_minutes, staffed_hours(scenario), its_seed))
    whole = percentiles(bins, (50, 90), seed) if rows else {}
    total = estimate(visitors)
    return {
        "province": province.name,
        "title": province.title,
        "seed": seed,
        "days": days,
        "why": why,
        "within_minutes": within_minutes,
        "halls": rows,
        "worst": [row["name"] for row in sorted(rows, key=lambda row: -(row["wait_p90"] or 0.0))[:WORST]],
        "late": sum((row["wait_p90"] or 0.0) > within_minutes * 60 for row in rows),
        "sum": {
            "halls": len(rows),
            "visitors": total and total.mean,
            "staffed_hours": sum(row["staffed_hours"] for row in rows),
            **{f"wait_p{level:g}": told and told.mean for level, told in whole.items()},
            **{f"wait_p{level:g}_ci": told and [told.low, told.high] for level, told in whole.items()},
        },
    }


def _row(name: str, given: str, days: list[DayFigures], within: float, staffed: float, seed: int) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "scenario": given, "seed": seed, "staffed_hours": staffed}
    columns: dict[str, list[float | None]] = {
        "visitors": [float(day.visitors) for day in days],
        "wait_mean": [day.wait_mean for day in days],
        "wait_p90": [day.percentiles[90] for day in days],
        "within": [day.within[within] for day in days],
        "unserved": [float(day.unserved) for day in days],
        "overtime_mean": [day.overtime for day in days],
        "utilisation": [day.utilisation for day in days],
    }
    for key, values in columns.items():
        found = estimate(values)
        row[key] = found and found.mean
        row[f"{key}_ci"] = found and [found.low, found.high]
    return row
