"""What a study says: figures of each design with their intervals, the answer to the goal, and why.

`plan` is the whole of `hallbench plan` without its output: it chooses the designs, runs them and puts the result into
one JSON-able object, from which the command's text, the page and the tables are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from bench.hall.columns import DIVERTED, MISSED, ONLINE, WAYS
from bench.planning import staffing
from bench.planning.days import GRID, LEVELS, Asked, DayFigures
from bench.planning.designs import Design, least_counters, staffed_hours, with_counters, work_hours
from bench.planning.engine import LONGEST_WALK, NO_DELAYS, Delays, people
from bench.planning.goal import Answer, Goal
from bench.planning.lines import with_devices
from bench.planning.outcome import engine_named
from bench.planning.pooled import percentiles
from bench.planning.statistics import LEAST_DAYS, Estimate, Precision, estimate, paired, percentile
from bench.planning.study import MOST_DAYS, Study, run

if TYPE_CHECKING:
    from bench.scenario.model import Scenario

FLOOR: Final = {"time": 15.0, "share": 0.005, "number": 0.5}
"""A half-width that is narrow enough whatever the mean, by kind of measure: 15 s, half a percentage point."""

NO_BETTER: Final = 0.01
"""Two counters more that move the figure by less than this share of it: more would not help."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a plan.

    Attributes:
        scenario: the hall as it is.
        counters: numbers of counters to try; empty: those the goal needs, or the hall as it is.
        goal: what has to hold.
        seed: of the days.
        days: exactly so many; None until the precision is reached.
        precision: relative half-width of the goal's figure, or of the mean wait.
        within_minutes: the time within which people should be called.
        workers: processes.
        ideal_devices: devices that take no time.
        most: the most days where the precision decides.
        engine: "auto", "kernel" or "python".
        bare: nothing but arrivals and services takes time (a fitted log: all else is in its services).
        by_half_hour: also search the least staff of each half-hour, with the counters that meet the goal.
        cluster: address of a dask scheduler whose workers make the days; None: this machine.
    """

    scenario: Scenario
    counters: tuple[int, ...] = ()
    goal: Goal | None = None
    seed: int = 1
    days: int | None = None
    precision: float = 0.05
    within_minutes: float = 15.0
    workers: int = 1
    ideal_devices: bool = False
    most: int = MOST_DAYS
    engine: str = "auto"
    cluster: str | None = None
    bare: bool = False
    by_half_hour: bool = False


def plan(question: Question, progress: Callable[[float, str], None] = lambda _f, _t: None) -> dict[str, Any]:
    """Run the study that answers a question.

    Returns:
        The object of `plan --json`: `designs` in order of counters, `goal` with its answer, `differences`, and how it
        was done.
    """
    goal, scenario = question.goal, question.scenario
    remarks = _remarks(scenario)
    if question.counters or goal is None:
        numbers = question.counters or (len(scenario.counters),)
        studies = [_study(question, [with_counters(scenario, number) for number in numbers], progress)]
        note = ""
    else:
        studies, note = _search(question, goal, progress)
    designs, rows = [], []
    for study in studies:
        for design, days in zip(study.designs, study.days, strict=True):
            if days:
                designs.append((design, days))
                rows.append(_row(scenario, design, days, goal, question))
    order = sorted(range(len(rows)), key=lambda place: rows[place]["counters"])
    designs, rows = [designs[i] for i in order], [rows[i] for i in order]
    whys = [study.why for study in studies]
    told: dict[str, Any] = {
        "scenario": scenario.name,
        "title": scenario.title,
        "sha256": scenario.sha256,
        "seed": question.seed,
        "delays": _told(_delays(question)(scenario)),
        "devices": _devices(question),
        "precision": question.precision,
        "measure": goal.name if goal else "mean(wait)",
        "why": next((why for why in whys if why == "interrupted"), whys[-1] if whys else "interrupted"),
        "days": max((row["days"] for row in rows), default=0),
        "staffed_hours": staffed_hours(scenario),
        "work_hours": work_hours(scenario),
        "remarks": remarks + _precision_remarks(rows, studies) + _how_far(question, studies),
        "designs": rows,
        "differences": _differences(designs),
        "goal": None if goal is None else _answer(goal, rows, note, interrupted="interrupted" in whys),
    }
    if question.by_half_hour and goal is not None and told["goal"]["counters"] and told["why"] != "interrupted":
        told["staffing"] = staffing.by_half_hour(
            scenario,
            with_counters(scenario, told["goal"]["counters"]).scenario,
            _delays(question)(scenario),
            goal,
            seed=question.seed,
            days=question.days,
            engine=engine_named(question.engine),
            progress=progress,
        )
    return told


def _told(delays: Delays) -> dict[str, Any]:
    """Delays as numbers, ns: the polls as the longest period and latency of the consoles and kiosks."""
    told = delays._asdict()
    polls = told.pop("polls")
    found = [*polls.counters.values(), *polls.kiosks.values()]
    told["poll_period"] = max((period for _, period, _ in found), default=0)
    told["poll_latency"] = max((latency for *_, latency in found), default=0)
    return told


def _devices(question: Question) -> str:
    if question.bare:
        return "none: in the services of the log"
    return "ideal" if question.ideal_devices else "by the polls of their lines"


def _delays(question: Question) -> Callable[[Scenario], Delays]:
    if question.bare:
        return _Same(NO_DELAYS)
    if question.ideal_devices:
        return people
    found = with_devices(question.scenario)  # of the hall as it is: a design's further counters have no lines
    return _Same(found)


class _Same:
    """The same delays for every design; a class, so that it can be sent to another process."""

    def __init__(self, delays: Delays) -> None:
        self.delays = delays

    def __call__(self, _scenario: Scenario) -> Delays:
        return self.delays


def _study(question: Question, designs: Sequence[Design], progress: Callable[[float, str], None]) -> Study:
    goal = question.goal
    levels = tuple(sorted({*LEVELS, *((goal.level,) if goal and goal.level is not None else ())}))
    times = {question.within_minutes, *((goal.within_minutes,) if goal and goal.within_minutes is not None else ())}
    return run(
        question.scenario,
        designs,
        _delays(question),
        seed=question.seed,
        asked=Asked(levels, tuple(sorted(times))),
        measure=goal.measure if goal else _mean_wait,
        precision=Precision(question.precision, FLOOR[goal.kind if goal else "time"]),
        days=question.days,
        most=question.most,
        workers=question.workers,
        engine=question.engine,
        source=_source(question),
        progress=progress,
    )


def _source(question: Question) -> Any:
    """Who makes the days: None for this machine."""
    if question.cluster is None:
        return None
    from bench.planning.cluster import days_by

    return days_by(question.cluster)


def _mean_wait(figures: DayFigures) -> float | None:
    return figures.wait_mean


def _search(question: Question, goal: Goal, progress: Callable[[float, str], None]) -> tuple[list[Study], str]:
    """Designs from the least that could do to the first that meets the goal, or to where more counters do not help."""
    scenario = question.scenario
    have = len(scenario.counters)
    least = min(least_counters(scenario), have)
    most = max(3 * have, least + 8)
    studies: list[Study] = []
    means: list[float] = []
    for number in range(max(1, least - 1), most + 1):
        study = _study(question, [with_counters(scenario, number)], _named(progress, number))
        studies.append(study)
        found = estimate([goal.measure(day) for day in study.days[0]])
        if study.why == "interrupted":
            return studies, "interrupted before an answer"
        if goal.answer(found) == "met":
            if number == max(1, least - 1) and number > 1:
                return _downwards(question, goal, number, studies, progress)
            return studies, ""
        means.append(found.mean if found else float("nan"))
        if number > have and len(means) > 2 and abs(means[-1] - means[-3]) <= NO_BETTER * abs(means[-3]) + 1e-9:
            return studies, (
                f"two counters more move {goal.name} by less than {NO_BETTER:.0%}: what is left does not come from "
                "too few counters (breaks, opening, kiosks, walking, devices)"
            )
    return studies, f"nothing up to {most} counters meets it"


def _named(progress: Callable[[float, str], None], number: int) -> Callable[[float, str], None]:
    """Progress of one design of a search."""
    return lambda fraction, text: progress(fraction, f"{number} counters, {text}")


def _downwards(
    question: Question, goal: Goal, number: int, studies: list[Study], progress: Callable[[float, str], None]
) -> tuple[list[Study], str]:
    """The first that was tried meets the goal already: try fewer until one does not."""
    while number > 1:
        number -= 1
        study = _study(question, [with_counters(question.scenario, number)], _named(progress, number))
        studies.append(study)
        if study.why == "interrupted" or goal.answer(estimate([goal.measure(d) for d in study.days[0]])) != "met":
            break
    return studies, ""


def _ci(found: Estimate | None) -> list[float | None] | None:
    return None if found is None else [found.low, found.high]


def _row(
    base: Scenario, design: Design, days: list[DayFigures], goal: Goal | None, question: Question
) -> dict[str, Any]:
    """One design as JSON: means over days with 95 % intervals, times in seconds."""
    scenario = design.scenario
    row: dict[str, Any] = {
        "counters": design.counters,
        "changes": list(design.changes),
        "as_it_is": design.counters == len(base.counters) and not design.changes,
        "days": len(days),
        "staffed_hours": staffed_hours(scenario),
    }

    def put(name: str, values: Sequence[float | None]) -> None:
        found = estimate(values)
        row[name] = None if found is None else found.mean
        row[f"{name}_ci"] = _ci(found)

    put("wait_mean", [day.wait_mean for day in days])
    for level in days[0].percentiles:
        put(f"wait_p{level:g}", [day.percentiles[level] for day in days])
    for level, told in percentiles([day.bins for day in days], tuple(days[0].percentiles), question.seed).items():
        row[f"wait_p{level:g}_pooled"] = told and told.mean
        row[f"wait_p{level:g}_pooled_ci"] = _ci(told)
    put("within", [day.within[question.within_minutes] for day in days])
    row["within_minutes"] = question.within_minutes
    put("overtime_mean", [day.overtime for day in days])
    row["overtime_p90"] = percentile(sorted(day.overtime for day in days), 90)
    row["overtime_over_15_min"] = sum(day.overtime > 900 for day in days) / len(days)
    put("utilisation", [day.utilisation for day in days])
    put("visitors", [float(day.visitors) for day in days])
    put("unserved", [float(day.unserved) for day in days])
    put("longest_queue", [float(day.longest) for day in days])
    row["by_counter"] = {
        str(number): _mean([day.by_counter.get(number) for day in days]) for number in sorted(scenario.skills)
    }
    starts = sorted({start for day in days for start in day.half_hours})
    row["half_hours"] = []
    for start in starts:
        found = estimate([day.half_hours[start][1] if start in day.half_hours else None for day in days])
        visitors = sum(day.half_hours.get(start, (0, 0.0))[0] for day in days) / len(days)
        row["half_hours"].append(
            {"start": start, "visitors": visitors, "wait_mean": found and found.mean, "wait_mean_ci": _ci(found)}
        )
    row["errands"] = []
    for place, errand in enumerate(scenario.errands):
        seen = [day.errands[place] for day in days if place in day.errands]
        mean, high = estimate([t[1] for t in seen]), estimate([t[2] for t in seen])
        row["errands"].append(
            {
                "name": errand.name,
                "visitors": sum(t[0] for t in seen) / len(days),
                "wait_mean": mean and mean.mean,
                "wait_mean_ci": _ci(mean),
                "wait_p90": high and high.mean,
                "wait_p90_ci": _ci(high),
            }
        )
    row["left"] = _left(days)
    row["classes"] = _classes(scenario, days)
    row["appointments"] = _appointments(days)
    columns = list(zip(*(day.queue for day in days), strict=True))
    row["queue"] = {
        "start": scenario.hours.opens,
        "step": GRID,
        "mean": [sum(column) / len(column) for column in columns],
        "p5": [percentile(sorted(column), 5) for column in columns],
        "p95": [percentile(sorted(column), 95) for column in columns],
    }
    if goal is not None:
        found = estimate([goal.measure(day) for day in days])
        row["goal"] = {"mean": found and found.mean, "ci": _ci(found), "answer": goal.answer(found)}
    return row


def _left(days: list[DayFigures]) -> list[dict[str, Any]]:
    """Who left unserved or did not come, by why: mean a day, and share of all who wanted something that day."""
    rows = []
    for why in sorted({why for day in days for why in day.left}):
        away = [sum(day.left.get(name, 0) for name in (WAYS[ONLINE], WAYS[DIVERTED], WAYS[MISSED])) for day in days]
        wanted = [day.visitors + gone for day, gone in zip(days, away, strict=True)]
        counts = [float(day.left.get(why, 0)) for day in days]
        found = estimate(counts)
        share = estimate([count / all_ if all_ else None for count, all_ in zip(counts, wanted, strict=True)])
        rows.append({"why": why, "mean": found and found.mean, "share": share and share.mean, "share_ci": _ci(share)})
    return rows


def _appointments(days: list[DayFigures]) -> dict[str, Any] | None:
    """Appointments a day: booked, missed, lost by coming late, and the waits of those kept; None in a hall without."""
    seen = [day.booked for day in days if day.booked is not None]
    if not seen:
        return None
    mean, high = estimate([day.wait_mean for day in seen]), estimate([day.wait_p90 for day in seen])
    return {
        **{name: sum(getattr(day, name) for day in seen) / len(seen) for name in ("booked", "missed", "late")},
        "wait_mean": mean and mean.mean,
        "wait_mean_ci": _ci(mean),
        "wait_p90": high and high.mean,
        "wait_p90_ci": _ci(high),
    }


def _classes(scenario: Scenario, days: list[DayFigures]) -> list[dict[str, Any]]:
    """Waits and losses by class of visitor; the last row is whoever is in none."""
    rows = []
    for place in (*range(len(scenario.visitor_classes)), -1) if scenario.visitor_classes else ():
        seen = [day.classes[place] for day in days if place in day.classes]
        mean, high = estimate([t[1] for t in seen]), estimate([t[2] for t in seen])
        rows.append(
            {
                "name": scenario.visitor_classes[place].name if place >= 0 else "others",
                "visitors": sum(t[0] for t in seen) / len(days),
                "wait_mean": mean and mean.mean,
                "wait_mean_ci": _ci(mean),
                "wait_p90": high and high.mean,
                "left": sum(t[3] for t in seen) / len(days),
            }
        )
    return rows


def _mean(values: Sequence[float | None]) -> float | None:
    found = estimate(values)
    return None if found is None else found.mean


def _differences(designs: list[tuple[Design, list[DayFigures]]]) -> list[dict[str, Any]]:
    """Each design against the one before it, paired by day."""
    rows = []
    for (a, first), (b, second) in pairwise(designs):
        found = paired([day.wait_mean for day in first], [day.wait_mean for day in second])
        if found is not None:
            rows.append(
                {
                    "from": a.counters,
                    "to": b.counters,
                    "wait_mean": found.difference.mean,
                    "wait_mean_ci": _ci(found.difference),
                    "days": found.difference.days,
                    "variance_ratio": found.variance_ratio,
                }
            )
    return rows


def _answer(goal: Goal, rows: list[dict[str, Any]], note: str, *, interrupted: bool) -> dict[str, Any]:
    """The least design that meets the goal and has no smaller one between it and another that does; else the best."""
    met = [row for row in rows if row["goal"]["answer"] == "met"]
    known = [row for row in rows if row["goal"]["mean"] is not None]
    best = min(known, key=lambda row: row["goal"]["mean"] * (1 if goal.at_most else -1), default=None)
    word: Answer = "met" if met else "not met"
    why = note
    if not met and any(row["goal"]["answer"] == "open" for row in rows):
        word = "open"
        why = why or "the interval contains the limit: more days, or a wider limit, would decide it"
    if not met and interrupted:
        word = "open"
    if met and any(row["goal"]["answer"] == "open" for row in rows if row["counters"] < met[0]["counters"]):
        why = "with fewer counters some intervals contain the limit: more days may show that fewer are enough"
    if not met and not why:
        why = "none of the designs tried reaches it"
    chosen = met[0] if met else best
    return {
        "text": goal.text,
        "measure": goal.name,
        "kind": goal.kind,
        "at_most": goal.at_most,
        "limit": goal.limit,
        "answer": word,
        "counters": met[0]["counters"] if met else None,
        "best": None
        if chosen is None
        else {"counters": chosen["counters"], "mean": chosen["goal"]["mean"], "ci": chosen["goal"]["ci"]},
        "why": why,
    }


def _remarks(scenario: Scenario) -> list[str]:
    """What a planner has to know of this hall before believing a figure."""
    remarks = []
    work, staffed = sum(work_hours(scenario).values()), staffed_hours(scenario)
    if work > staffed:
        remarks.append(
            f"an average day brings {work:.1f} hours of work to {staffed:.1f} staffed counter hours: the queue grows "
            "all day, and waits depend on when the hall gives up"
        )
    if scenario.log:
        remarks.append(
            "the day is a recorded one: every replication is the same day but for its ratings, so the intervals say "
            "nothing about other days"
        )
    if scenario.pace.walk_s * 1_000_000_000 >= LONGEST_WALK:
        remarks.append("the walk to the counter is longer than a clerk waits: recalls and no-shows are not in the plan")
    if not scenario.log and scenario.arrivals.busyness_cv == 0:
        remarks.append(
            "all days are equally busy (busyness_cv = 0): real ones are not, and these intervals are too narrow"
        )
    return remarks


def _how_far(question: Question, studies: Sequence[Study]) -> list[str]:
    """Of an interrupted plan, the days that there are, of those that were to come."""
    asked = f"{question.days:,}" if question.days is not None else f"at most {max(question.most, LEAST_DAYS):,}"
    remarks = []
    for study in studies:
        if study.why == "interrupted":
            numbers = sorted(design.counters for design in study.designs)
            of = f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}"
            remarks.append(f"interrupted after {study.count:,} of {asked} days of {of} counters")
    return remarks


def _precision_remarks(rows: list[dict[str, Any]], studies: list[Study]) -> list[str]:
    if any(study.why == "budget used up" for study in studies):
        return ["the precision was not reached within the most days for every design; the intervals say how far it is"]
    return []
