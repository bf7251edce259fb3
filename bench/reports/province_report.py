"""What a province's plan leaves behind: report.html, plan.json, the halls as a table (CSV and SQLite)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup
from matplotlib.axes import Axes

from bench.reports import page
from bench.reports.plan_report import _TONE, _WORD, Table, _teller, interval, store
from bench.reports.plots import _WIDE, COLOUR, _svg
from bench.reports.wording import count, minutes, share
from bench.unseen import printable_json


def write(wanted: Path | None, told: Mapping[str, Any]) -> Path:
    """Write the files of a province's plan.

    Args:
        wanted: the directory; None makes `runs/NAME-plan`.
        told: as `bench.planning.province_plan.plan_province` gives it, with the command.

    Returns:
        Path of the page.

    Raises:
        CannotWrite: the directory cannot be written, or holds something that is not a plan.
    """
    plan = printable_json(json.dumps(told, ensure_ascii=False, indent=1)) + "\n"
    texts = {"report.html": render(told), "plan.json": plan}
    return store(wanted, told["province"], texts, {"halls.csv": table(told)})


def table(told: Mapping[str, Any]) -> Table:
    """One row a hall, times in seconds."""
    figures = ("visitors", "wait_mean", "wait_p90", "within", "unserved", "overtime_mean", "utilisation")
    header = ["hall", "scenario", "seed", "counters", "staffed_hours"]
    header += [part for name in figures for part in (name, f"{name}_low", f"{name}_high")]
    header += ["goal", "goal_answer"] if told.get("goal") else []
    rows = []
    for row in told["halls"]:
        cells = [row["name"], row["scenario"], row["seed"], row["counters"], row["staffed_hours"]]
        for name in figures:
            cells += [row[name], *(row[f"{name}_ci"] or (None, None))]
        if told.get("goal"):
            cells += [row["goal"]["mean"], row["goal"]["answer"]]
        rows.append(cells)
    return header, rows


def sentence(told: Mapping[str, Any]) -> str:
    """The answer in a sentence."""
    whole, goal = told["sum"], told.get("goal")
    half, most = minutes(whole["wait_p50"]), minutes(whole["wait_p90"])
    waits = f"half of all visitors wait at most {half} min, nine in ten {most}"
    if goal is None:
        return f"In {count(whole['halls'], 'hall')} {waits} min."
    met, total = goal["halls"]["met"], whole["halls"]
    open_ = f", {goal['halls']['open']} not decided" if goal["halls"]["open"] else ""
    return f"{goal['text']} is met in {met} of {count(total, 'hall')} as they are{open_}; {waits} min."


def render(told: Mapping[str, Any]) -> str:
    """The page as text."""
    goal, whole = told.get("goal"), told["sum"]
    tell = _teller(goal["kind"]) if goal else None
    by_name = {row["name"]: row for row in told["halls"]}
    context = {
        "title": f"{told['title']}: a plan of its halls",
        "word": _WORD[goal["answer"]] if goal else "PLAN",
        "tone": _TONE[goal["answer"]] if goal else "open",
        "sentence": sentence(told),
        "meta": [told["province"], count(whole["halls"], "hall"), f"{count(told['days'], 'day')} each",
                 f"seed {told['seed']}", told["why"]],
        "remarks": [],
        "chart": Markup(_chart(told)),
        "within": f"{told['within_minutes']:g}",
        "goal": goal and goal["text"],
        "worst": [_hall(by_name[name], tell) for name in told["worst"]],
        "halls": [_hall(row, tell) for row in told["halls"]],
        "needed": [
            {
                "name": row["name"],
                "have": row["counters"],
                "needed": row["needed"] if row["needed"] is not None else "none that was tried",
                "why": row["why"],
            }
            for row in (goal["needed"] if goal else ())
        ],
        "facts": [
            ("visitors a day, with a ticket", f"{whole['visitors']:,.0f}"),
            ("staffed counter hours", f"{whole['staffed_hours']:,.0f}"),
            ("p50 of all waits, min", interval(whole, "wait_p50", minutes)),
            ("p90 of all waits, min", interval(whole, "wait_p90", minutes)),
            (f"halls in which one in ten waits more than {told['within_minutes']:g} min", str(told["late"])),
        ],
        "command": told.get("command", ""),
    }  # fmt: skip
    return page.render("province.html", {**context, "contents": page.contents(context, _CONTENTS)}, told)


_CONTENTS: Final = (
    ("halls", "The halls together", None),
    ("needed", "Counters needed", "needed"),
    ("longest", "Where people wait longest", None),
    ("reckoned", "How it was reckoned", None),
)
"""Sections of the page: id, name, and what has to be there for it."""


def _hall(row: Mapping[str, Any], tell: Any) -> dict[str, Any]:
    goal = row.get("goal")
    value = goal["mean"] if goal else None
    return {
        "name": row["name"],
        "counters": row["counters"],
        "visitors": f"{row['visitors'] or 0:.0f}",
        "wait": interval(row, "wait_mean", minutes),
        "p90": interval(row, "wait_p90", minutes),
        "within": interval(row, "within", share),
        "utilisation": interval(row, "utilisation", share),
        "answer": goal["answer"] if goal else "",
        "tone": _TONE[goal["answer"]] if goal else "",
        "value": "-" if value is None or tell is None else tell(value),
    }


def _chart(told: Mapping[str, Any]) -> str:
    waits = sorted(((row["wait_p90"] or 0.0) / 60 for row in told["halls"]), reverse=True)
    goal = told.get("goal")

    def paint(axes: Axes) -> None:
        axes.bar(range(1, len(waits) + 1), waits, 0.9, color=COLOUR["accent-soft"])
        if goal and goal["measure"] == "p90(wait)":
            axes.axhline(goal["limit"] / 60, color=COLOUR["ink"], linewidth=1, linestyle=(0, (4, 2)))
        axes.set_xlabel("halls, by how long people wait there")
        axes.set_ylabel("p90 wait, minutes")

    return _svg("halls", "p90 wait of every hall, longest first", _WIDE, paint)
