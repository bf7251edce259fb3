"""A few days through the devices, beside the same days as planned: what the devices cost, and by what.

Each day is run at device level (every line, every character) and played by the planning engine with more and more of
what devices do: nothing but people's seconds, then the ticket's way onto paper, then the display's write, then the
polls by which keys are noticed. Waits are compared visitor by visitor. What is left between the last step and the
devices is what the plan does not reckon: exchanges that wait for one another, recalls, faults of the scenario.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from bench.hall.columns import Columns
from bench.hall.day import columns, draw
from bench.planning.engine import Delays, people
from bench.planning.lines import with_devices
from bench.planning.outcome import Hall
from bench.planning.statistics import estimate
from bench.scenario.times import NS

if TYPE_CHECKING:
    from bench.scenario.model import Scenario

STEPS: Final = ("people", "paper", "display", "polls")
"""What each step adds, in order; the devices come last."""


def steps(scenario: Scenario) -> dict[str, Delays]:
    """The delays of each step."""
    whole, bare = with_devices(scenario), people(scenario)
    paper = bare._replace(paper=whole.paper)
    display = paper._replace(call=whole.call, show=whole.show)
    return dict(zip(STEPS, (bare, paper, display, display._replace(polls=whole.polls)), strict=True))


def planned(scenario: Scenario, day: Columns, delays: Delays, engine: str) -> dict[int, float]:
    """Number of a visitor -> seconds from the ticket to the call."""
    played = Hall(scenario, delays, engine).play(day)
    served = (played.counters >= 0) & (played.second == 0)
    waits = (played.called - played.joins)[served] / NS
    return dict(zip((played.places[served] + 1).tolist(), waits.tolist(), strict=True))


def through_devices(scenario: Scenario, seed: int, number: int) -> dict[int, float]:
    """The same of a day at device level, by the house's own controller."""
    from bench.run.day import DayOptions, run_day
    from bench.run.directory import HISTORY

    with tempfile.TemporaryDirectory(prefix="hallbench-plan-") as folder:
        where = Path(folder) / "day"
        run_day(DayOptions(scenario, draw(scenario, seed, number), out=where, evidence="hash"))
        marks = dict(_marks(where / HISTORY))
    return {
        visitor: (found["goes"] - found["ticket_taken"]) / NS
        for visitor, found in sorted(marks.items())
        if {"goes", "ticket_taken"} <= found.keys()
    }


def _marks(history: Path) -> Iterator[tuple[int, dict[str, int]]]:
    seen: dict[int, dict[str, int]] = {}
    with history.open(encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            if entry.get("k") in ("ticket_taken", "goes") and entry.get("src") == "hall":
                seen.setdefault(entry["visitor"], {}).setdefault(entry["k"], entry["t"])  # the first visit
    yield from seen.items()


def compare(
    scenario: Scenario, seed: int, days: int, engine: str, progress: Callable[[float, str], None]
) -> dict[str, Any]:
    """Days 0, 1, ... of a scenario as it is, planned and through its devices, visitor by visitor.

    Returns:
        `steps`: for each step and the devices, the mean wait (s) over days and what it adds to the step before, with
        its 95 % interval over days; `left`: mean, and largest absolute difference of a visitor, between devices and
        plan; `visitors` that were compared; `only_planned` and `only_devices` that were called in one of them alone.
    """
    ladder = steps(scenario)
    waits: dict[str, list[float]] = {name: [] for name in (*STEPS, "devices")}
    apart: list[float] = []
    alone = [0, 0]
    for number in range(days):
        progress(number / days, f"day {number + 1} of {days} through the devices")
        real = through_devices(scenario, seed, number)
        day = columns(scenario, seed, number)
        found = {name: planned(scenario, day, delays, engine) for name, delays in ladder.items()}
        both = sorted(set.intersection(set(real), *map(set, found.values())))
        alone[0] += len(found["polls"].keys() - real.keys())
        alone[1] += len(real.keys() - found["polls"].keys())
        if not both:
            continue
        found["devices"] = real
        for name, series in waits.items():
            series.append(fmean(found[name][visitor] for visitor in both))
        apart += [real[visitor] - found["polls"][visitor] for visitor in both]
    rows = []
    for place, (name, series) in enumerate(waits.items()):
        before = list(waits.values())[place - 1] if place else None
        added = estimate([now - then for now, then in zip(series, before, strict=True)]) if before else None
        rows.append(
            {
                "step": name,
                "wait_mean": fmean(series) if series else None,
                "adds": added and added.mean,
                "adds_ci": added and [added.low, added.high],
            }
        )
    return {
        "days": days,
        "visitors": len(apart),
        "steps": rows,
        "left": {"mean": fmean(apart) if apart else None, "largest": max(map(abs, apart), default=None)},
        "only_planned": alone[0],
        "only_devices": alone[1],
    }


def remark(told: dict[str, Any]) -> str:
    """The comparison as a sentence."""
    if not told["visitors"]:
        return "nobody was called on the days through the devices: nothing to compare"
    added = ", ".join(f"{row['step']} {row['adds']:+.1f} s" for row in told["steps"][1:])
    return (
        f"{told['days']} days through the devices, paired by visitor: people alone wait "
        f"{told['steps'][0]['wait_mean']:.0f} s on average, and the devices add {added} (the last is what the plan "
        f"does not reckon; a single visitor differs by {told['left']['largest']:.0f} s at most)"
    )
