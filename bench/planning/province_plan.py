"""A province planned in one sweep: days of every hall, their sum, and the halls in which people wait longest.

Each hall has days of its own (its seed), and all are played as they are. Halls share nothing: a province is a sum over
halls, which are worked through one after the other, on this machine or by a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Final

from bench.planning.answer import Question, plan
from bench.planning.days import Asked, DayFigures
from bench.planning.designs import Design, staffed_hours
from bench.planning.lines import with_devices
from bench.planning.pooled import percentiles
from bench.planning.statistics import Precision, estimate
from bench.planning.study import Job, run

if TYPE_CHECKING:
    from bench.planning.goal import Goal
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
    goal: Goal | None = None,
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
        goal: what has to hold in every hall.
        progress: told (fraction, text) now and then.

    Returns:
        `halls` (name, scenario, visitors, counters, wait_mean, wait_p90 with intervals, within, unserved, overtime; s),
        `worst` of them by p90, and `sum`: visitors a day, staffed hours, pooled percentiles of all waits. With a goal,
        each hall has its figure and answer in `goal`, and `goal` tells how many meet it, the answer for all, and for
        the halls farthest from it how many counters would.
    """
    rows: list[dict[str, Any]] = []
    bins: list[dict[int, int]] = [{} for _ in range(days)]
    visitors = [0.0] * days
    why = "as many days as asked"
    for place, (hall, its_seed) in enumerate(province.seeds(seed)):
        progress(place / len(province.halls), hall.name)
        scenario = hall.scenario
        design = Design(len(scenario.counters), scenario)
        levels = sorted({50.0, 90.0, *((goal.level,) if goal and goal.level is not None else ())})
        times = {within_minutes, *((goal.within_minutes,) if goal and goal.within_minutes is not None else ())}
        asked = Asked(tuple(levels), tuple(sorted(times)))
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
        rows[-1]["counters"] = len(scenario.counters)
        if goal is not None:
            value = estimate([goal.measure(day) for day in found])
            interval = value and [value.low, value.high]
            rows[-1]["goal"] = {"mean": value and value.mean, "ci": interval, "answer": goal.answer(value)}
    whole = percentiles(bins, (50, 90), seed) if rows else {}
    total = estimate(visitors)
    more = {} if goal is None else {"goal": _goal(province, goal, rows, why, (seed, days, engine), progress)}
    if more and more["goal"]["why"] == "interrupted":
        why = "interrupted"
    return {
        **more,
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


def _goal(
    province: Province,
    goal: Goal,
    rows: list[dict[str, Any]],
    why: str,
    study: tuple[int, int, str],
    progress: Callable[[float, str], None],
) -> dict[str, Any]:
    """What of a goal holds: in every hall as it is, and with how many counters in the worst of the others."""
    seed, days, engine = study
    answers = [row["goal"]["answer"] for row in rows]
    counts = {answer: answers.count(answer) for answer in ("met", "not met", "open")}
    word = "not met" if counts["not met"] else "open" if counts["open"] or why == "interrupted" else "met"
    failing = [row for row in rows if row["goal"]["answer"] == "not met"]
    failing.sort(key=lambda row: row["goal"]["mean"] or 0.0, reverse=goal.at_most)
    scenarios = {hall.name: (hall.scenario, its) for hall, its in province.seeds(seed)}
    needed: list[dict[str, Any]] = []
    for place, row in enumerate(failing[:WORST] if why != "interrupted" else ()):
        progress(place / min(WORST, len(failing)), f"{row['name']}: how many counters")
        scenario, its_seed = scenarios[row["name"]]
        told = plan(Question(scenario, goal=goal, seed=its_seed, days=days, engine=engine))
        if told["why"] == "interrupted":
            why = "interrupted"
            break
        needed.append(
            {
                "name": row["name"],
                "counters": row["counters"],
                "needed": told["goal"]["counters"],
                "best": told["goal"]["best"],
                "why": told["goal"]["why"],
            }
        )
    return {"text": goal.text, "measure": goal.name, "kind": goal.kind, "limit": goal.limit, "answer": word,
            "halls": counts, "needed": needed, "why": why}  # fmt: skip


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
