"""What a plan leaves behind: report.html, plan.json, and tables for a spreadsheet (CSV).

The page is of the family of the day's report: one file, no network, no scripts, charts as inline SVG, every table under
its chart, the data as JSON inside. The same plan gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
import platform
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup
from matplotlib.axes import Axes

from bench import __version__
from bench.daytime import clock_text
from bench.reports import page
from bench.reports.plots import _HALF, _WIDE, COLOUR, _svg, _whole_y, time_axis
from bench.reports.wording import count, minutes, printable, share
from bench.run.directory import CannotWrite
from bench.unseen import printable_json

FILES: Final = (
    "report.html", "plan.json", "plan.sqlite", "designs.csv", "half_hours.csv", "errands.csv", "queue.csv", "halls.csv",
    "staffing.csv",     "fit.json", "fitted.toml",
)  # fmt: skip
Table = tuple[list[str], list[list[Any]]]
_TONE: Final[Mapping[str, str]] = {"met": "good", "not met": "bad", "open": "open"}
_WORD: Final[Mapping[str, str]] = {"met": "MET", "not met": "NOT MET", "open": "OPEN"}


def write(wanted: Path | None, told: Mapping[str, Any]) -> Path:
    """Write a plan's files.

    Args:
        wanted: the directory; None makes `runs/NAME-plan`, or `-2` and so on when that is taken.
        told: as `bench.planning.answer.plan` gives it.

    Returns:
        Path of the page.

    Raises:
        CannotWrite: the directory cannot be written, or holds something that is not a plan.
    """
    plan = printable_json(json.dumps(told, ensure_ascii=False, indent=1)) + "\n"
    texts = {"report.html": render(told), "plan.json": plan}
    if "fit" in told:
        texts["fit.json"] = printable_json(json.dumps(told["fit"], ensure_ascii=False, indent=1)) + "\n"
        texts["fitted.toml"] = told["fitted"]
    return store(wanted, told["scenario"], texts, tables(told))


def store(wanted: Path | None, name: str, texts: Mapping[str, str], found: Mapping[str, Table]) -> Path:
    """Write texts, and tables as CSV and in one SQLite file; see `write`.

    Args:
        wanted: the directory, or None.
        name: of the scenario or province.
        texts: by name of the file.
        found: tables by name of their CSV file.
    """
    where = wanted or _new(Path("runs") / f"{name}-plan")
    files = {file: text.encode() for file, text in texts.items()}
    files |= {file: _csv(header, rows).encode() for file, (header, rows) in found.items()}
    files["plan.sqlite"] = _sqlite(found)
    try:
        where.mkdir(parents=True, exist_ok=True)
        _only_ours(where)
        for file, content in files.items():
            partial = where / f"{file}.partial"
            partial.write_bytes(content)
            partial.replace(where / file)
    except CannotWrite:
        raise
    except OSError as exc:
        raise CannotWrite(f"cannot write a plan to {where}: {exc.strerror or exc}; choose another with --out") from exc
    return where / "report.html"


def check(wanted: Path | None) -> None:
    """Find out before a study whether its files can go there.

    Raises:
        CannotWrite: the directory holds something that is no part of a plan, or is no directory.
    """
    if wanted is not None and wanted.exists():
        try:
            _only_ours(wanted)
        except NotADirectoryError as exc:
            raise CannotWrite(f"{wanted} is not a directory; choose another with --out") from exc


def _only_ours(where: Path) -> None:
    """A plan replaces an earlier plan, and nothing else."""
    others = sorted(path.name for path in where.iterdir() if path.name not in FILES)
    if others:
        raise CannotWrite(f"{where} holds {others[0]}, which is no part of a plan; choose another with --out")


def _new(path: Path) -> Path:
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def sentence(told: Mapping[str, Any]) -> str:
    """The answer in a sentence."""
    goal = told["goal"]
    if goal is None:
        row = next((row for row in told["designs"] if row["as_it_is"]), told["designs"][0])
        wait, within = interval(row, "wait_mean", minutes), interval(row, "within", share)
        return (
            f"With {count(row['counters'], 'counter')} visitors wait {wait} min on average, and {within} of them "
            f"are called within {row['within_minutes']:g} min (95 % intervals)."
        )
    best = goal["best"]
    if goal["answer"] == "met":
        return f"{count(goal['counters'], 'counter')} meet {goal['text']}: {_value(goal, best['mean'], best['ci'])}."
    verb = "is not decided" if goal["answer"] == "open" else "is not met by anything that was tried"
    reached = f"; the best is {count(best['counters'], 'counter')} with {_value(goal, best['mean'], best['ci'])}"
    return f"{goal['text']} {verb}{reached if best else ''}. {goal['why'][:1].upper()}{goal['why'][1:]}."


def _teller(kind: str) -> Any:
    return {"time": lambda s: f"{minutes(s)} min", "share": share}.get(kind, lambda n: f"{n:.1f}")


def _value(goal: Mapping[str, Any], mean: float, ci: Sequence[float | None] | None) -> str:
    tell = _teller(goal["kind"])
    if ci is None or ci[0] is None:
        return f"{goal['measure']} = {tell(mean)}"
    return f"{goal['measure']} = {tell(mean)}, 95 % interval {' to '.join(_ends(ci, tell))}"


def _ends(ci: Sequence[float | None], tell: Callable[[float | None], str]) -> list[str]:
    """Both ends of an interval; no wait is below nothing, and no share above all."""
    low, high = ci
    assert low is not None
    assert high is not None
    return [tell(max(0.0, low)), tell(min(1.0, high) if tell is share else high)]


def interval(row: Mapping[str, Any], name: str, tell: Callable[[float | None], str]) -> str:
    """A figure of a plan with its interval: "4.2 [3.1, 5.3]"; "-" when there is none.

    Args:
        row: has the figure under its name, and its interval under `NAME_ci`.
        name: of the figure.
        tell: how it reads: `minutes`, `share` ...
    """
    ci = row.get(f"{name}_ci")
    if row.get(name) is None:
        return "-"
    if ci is None or ci[0] is None:
        return str(tell(row[name]))
    return f"{tell(row[name])} [{', '.join(_ends(ci, tell))}]"


# -- tables -----------------------------------------------------------------------------------------------------------
def tables(told: Mapping[str, Any]) -> dict[str, Table]:
    """The CSV files: name -> (header, rows). Times in seconds, instants as hall time."""
    names = [
        name.removesuffix("_ci") for name in told["designs"][0] if name.endswith("_ci")
    ]  # every figure with an interval, in the order of the plan
    header = ["counters", "days", "staffed_hours", *(part for n in names for part in (n, f"{n}_low", f"{n}_high"))]
    designs = []
    for row in told["designs"]:
        cells = [row["counters"], row["days"], row["staffed_hours"]]
        for name in names:
            cells += [row[name], *(row[f"{name}_ci"] or (None, None))]
        designs.append(cells)
    more: dict[str, Table] = {}
    if told.get("staffing"):
        names = ["start", "load", "start_staff", "staff"]
        rows = [
            [clock_text(half["start"]), *(half[name] for name in names[1:])] for half in told["staffing"]["half_hours"]
        ]
        more["staffing.csv"] = ["from", *names[1:]], rows
    return more | {
        "designs.csv": (header, designs),
        "half_hours.csv": (
            ["counters", "from", "visitors", "wait_mean", "wait_mean_low", "wait_mean_high"],
            [
                [
                    row["counters"],
                    clock_text(h["start"]),
                    h["visitors"],
                    h["wait_mean"],
                    *(h["wait_mean_ci"] or (None, None)),
                ]
                for row in told["designs"]
                for h in row["half_hours"]
            ],
        ),
        "errands.csv": (
            ["counters", "errand", "visitors", "wait_mean", "wait_mean_low", "wait_mean_high", "wait_p90"],
            [
                [
                    row["counters"],
                    e["name"],
                    e["visitors"],
                    e["wait_mean"],
                    *(e["wait_mean_ci"] or (None, None)),
                    e["wait_p90"],
                ]
                for row in told["designs"]
                for e in row["errands"]
            ],
        ),
        "queue.csv": (
            ["counters", "at", "mean", "p5", "p95"],
            [
                [row["counters"], clock_text(row["queue"]["start"] + n * row["queue"]["step"]), mean, low, high]
                for row in told["designs"]
                for n, (mean, low, high) in enumerate(
                    zip(row["queue"]["mean"], row["queue"]["p5"], row["queue"]["p95"], strict=True)
                )
            ],
        ),
    }


def _csv(header: list[str], rows: list[list[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()


def _cell(text: str) -> str:
    """A text in print; a spreadsheet would run one that begins like a formula."""
    return printable(f"'{text}" if text.startswith(("=", "+", "-", "@")) else text)


def staffing_lines(found: Mapping[str, Any]) -> list[str]:
    """The staff by half-hour in words: runs of equal numbers, hours, and the figure on other days."""
    if found["answer"] != "met":
        return [f"by half-hour: {found['why']}"]
    runs: list[tuple[int, int]] = []
    for half in found["half_hours"]:
        if not runs or runs[-1][1] != half["staff"]:
            runs.append((half["start"], half["staff"]))
    told = ", ".join(f"{staff} from {clock_text(start)}" for start, staff in runs)
    hours = f"{found['staffed_hours']:g} counter hours in place of {found['all_staffed_hours']:.1f}"
    lines = [f"staff by half-hour: {told}: {hours}; {found['why']}"]
    fresh = found["fresh"]
    if fresh is not None:
        lines.append(f"on {found['days']} other days: {_value(found, fresh['mean'], fresh['ci'])}")
    return lines


def _sqlite(found: Mapping[str, Table]) -> bytes:
    """The same tables as a SQLite file, each under the name of its CSV file."""
    with closing(sqlite3.connect(":memory:")) as base:
        for file, (header, rows) in found.items():
            names = ", ".join('"' + name.replace('"', '""') + '"' for name in header)
            table = file.removesuffix(".csv")
            base.execute(f"CREATE TABLE {table} ({names})")
            places = ", ".join("?" * len(header))
            base.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
        base.commit()
        return base.serialize()


# -- page -------------------------------------------------------------------------------------------------------------
def render(told: Mapping[str, Any]) -> str:
    """The page as text."""
    goal = told["goal"]
    shown = _shown(told)
    context = {
        "title": f"{told['title']}: how many counters",
        "word": _WORD[goal["answer"]] if goal else "PLAN",
        "tone": _TONE[goal["answer"]] if goal else "open",
        "sentence": sentence(told),
        "meta": [told["scenario"], f"{count(told['days'], 'day')} a design", f"seed {told['seed']}", told["why"]],
        "remarks": [(remark, "") for remark in told["remarks"]],
        "charts": {name: Markup(svg) for name, svg in charts(told, shown).items()},
        "shown": shown["counters"],
        "designs": [_design(row) for row in told["designs"]],
        "within": f"{shown['within_minutes']:g}",
        "differences": [_difference(row) for row in told["differences"]],
        "half_hours": [
            {"start": clock_text(h["start"]), "n": f"{h['visitors']:.1f}", "wait": interval(h, "wait_mean", minutes)}
            for h in shown["half_hours"]
        ],
        "errands": [
            {
                "name": e["name"],
                "n": f"{e['visitors']:.1f}",
                "wait": interval(e, "wait_mean", minutes),
                "p90": interval(e, "wait_p90", minutes),
            }
            for e in shown["errands"]
        ],
        "left": [
            {"why": row["why"], "n": f"{row['mean']:.1f}", "share": interval(row, "share", share)}
            for row in shown["left"]
        ],
        "classes": [
            {
                "name": row["name"],
                "n": f"{row['visitors']:.1f}",
                "wait": interval(row, "wait_mean", minutes),
                "p90": minutes(row["wait_p90"]),
                "left": f"{row['left']:.1f}",
            }
            for row in shown["classes"]
        ],
        "appointments": _appointments(shown["appointments"]),
        "counters": [(number, share(part), part or 0.0) for number, part in shown["by_counter"].items()],
        "staffing": told.get("staffing") and _staffing(told["staffing"]),
        "command": told.get("command", ""),
        "facts": _facts(told),
    }
    return page.render("plan.html", {**context, "contents": page.contents(context, _CONTENTS)}, told)


_CONTENTS: Final = (
    ("designs", "Designs", None),
    ("staff", "Staff by half-hour", "staffing"),
    ("hall", "The day", None),
    ("reckoned", "How it was reckoned", None),
)
"""Sections of the page: id, name, and what has to be there for it."""


def _shown(told: Mapping[str, Any]) -> dict[str, Any]:
    """The design of which the page shows the day: the answer's, or the hall as it is."""
    goal = told["goal"]
    wanted = goal["best"]["counters"] if goal and goal["best"] else None
    rows: list[dict[str, Any]] = told["designs"]
    return next(
        (row for row in rows if row["counters"] == wanted), next((row for row in rows if row["as_it_is"]), rows[0])
    )


def _design(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "counters": row["counters"],
        "as_it_is": row["as_it_is"],
        "changes": "; ".join(row["changes"]),
        "wait": interval(row, "wait_mean", minutes),
        "p50": interval(row, "wait_p50", minutes),
        "p90": interval(row, "wait_p90", minutes),
        "p95": interval(row, "wait_p95", minutes),
        "within": interval(row, "within", share),
        "overtime": interval(row, "overtime_mean", minutes),
        "over": share(row["overtime_over_15_min"]),
        "utilisation": interval(row, "utilisation", share),
        "unserved": f"{row['unserved']:.1f}",
        "longest": f"{row['longest_queue']:.1f}",
        "hours": f"{row['staffed_hours']:.1f}",
        "days": f"{row['days']:,}",
        "answer": row.get("goal", {}).get("answer", ""),
        "tone": _TONE.get(row.get("goal", {}).get("answer", ""), ""),
    }


def _staffing(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "lines": staffing_lines(found),
        "rows": [
            {
                "start": clock_text(half["start"]),
                "load": f"{half['load']:.1f}",
                "begun": half["start_staff"],
                "staff": half["staff"],
            }
            for half in found["half_hours"]
        ],
    }


def _appointments(found: Mapping[str, Any] | None) -> dict[str, str] | None:
    if found is None:
        return None
    counts = {name: f"{found[name]:.1f}" for name in ("booked", "missed", "late")}
    return {**counts, "wait": interval(found, "wait_mean", minutes), "p90": interval(found, "wait_p90", minutes)}


def _difference(row: Mapping[str, Any]) -> dict[str, str]:
    low, high = row["wait_mean_ci"] or (None, None)
    ratio = row["variance_ratio"]
    return {
        "step": f"{row['from']} to {row['to']}",
        "wait": minutes(row["wait_mean"], signed=True),
        "interval": f"{minutes(low, signed=True)} to {minutes(high, signed=True)}",
        "ratio": "-" if ratio is None else f"{ratio:.1f}",
    }


def _facts(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    delays = ", ".join(
        f"{name} {value / 1e9:.3g} s" for name, value in told["delays"].items() if value and name != "rated"
    )
    rows = [
        ("hallbench", __version__),
        ("Python", platform.python_version()),
        ("scenario, SHA-256", str(told["sha256"])),
        ("seed", str(told["seed"])),
        (
            "stop rule",
            f"{told['measure']}: relative half-width {told['precision']:g}, 95 %, at least 10 days, look-ahead 5",
        ),
        ("why it stopped", str(told["why"])),
        ("devices", str(told["devices"])),
        ("beside the service", delays),
        ("staffed counter hours", f"{told['staffed_hours']:.1f}"),
        ("hours of work on an average day", f"{sum(told['work_hours'].values()):.1f}"),
    ]
    for name in ("numpy", "simpy"):
        try:
            rows.insert(2, (name, version(name)))
        except PackageNotFoundError:
            continue
    return [row for row in rows if row[1]]


# -- charts -----------------------------------------------------------------------------------------------------------
def charts(told: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, str]:
    """Inline SVG by name."""
    found = {}
    if len(told["designs"]) > 1:
        label = "Mean and p90 wait by number of counters, with 95 % intervals"
        found["designs"] = _svg("designs", label, _WIDE, lambda axes: _paint_designs(axes, told))
    if told.get("staffing"):
        label = "Counters that must be staffed in each half-hour, and those busy if nobody ever waited"
        found["staffing"] = _svg("staffing", label, _WIDE, lambda axes: _paint_staffing(axes, told["staffing"]))
    label = f"Visitors waiting over the day with {shown['counters']} counters: mean, and 5 to 95 % of the days"
    found["queue"] = _svg("queue", label, _WIDE, lambda axes: _paint_queue(axes, shown))
    if shown["half_hours"]:
        label = "Mean wait by half-hour of the ticket, with 95 % intervals"
        found["half_hours"] = _svg("halfhours", label, _HALF, lambda axes: _paint_half_hours(axes, shown))
        label = "Utilisation of each counter"
        found["counters"] = _svg("counters", label, _HALF, lambda axes: _paint_counters(axes, shown))
    return found


def _paint_designs(axes: Axes, told: Mapping[str, Any]) -> None:
    rows = told["designs"]
    x = [row["counters"] for row in rows]
    for name, label, colour, marker, shift in (
        ("wait_p90", "p90 (mean over days)", COLOUR["second"], "s", 0.06),
        ("wait_mean", "mean", COLOUR["accent"], "o", -0.06),
    ):
        y = [(row[name] or 0.0) / 60 for row in rows]
        bars: list[list[float]] = [[], []]
        for row, at in zip(rows, y, strict=True):
            low, high = row[f"{name}_ci"] or (None, None)
            bars[0].append(0.0 if low is None else at - low / 60)
            bars[1].append(0.0 if high is None else high / 60 - at)
        axes.errorbar(
            [c + shift for c in x],
            y,
            bars,
            fmt=f"{marker}-",
            color=colour,
            markersize=4,
            linewidth=1,
            capsize=3,
            label=label,
        )
    goal = told["goal"]
    if goal and goal["kind"] == "time" and "wait" in goal["measure"]:
        axes.axhline(goal["limit"] / 60, color=COLOUR["ink"], linewidth=1, linestyle=(0, (4, 2)))
        axes.annotate(
            goal["text"],
            (x[-1], goal["limit"] / 60),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            color=COLOUR["ink"],
        )
    axes.set_xlabel("counters")
    axes.set_ylabel("wait, minutes")
    axes.set_xticks(x if len(x) <= 20 else x[:: len(x) // 20 + 1])
    highest = max((row["wait_p90"] or 0.0) / 60 for row in rows)
    lowest = min((row["wait_mean"] or 0.0) / 60 for row in rows)
    if highest > 40 * max(lowest, 0.05):
        axes.set_yscale("symlog", linthresh=1)
        axes.set_ylabel("wait, minutes (logarithmic above 1)")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_ylim(bottom=0)
    _legend(axes)


def _legend(axes: Axes) -> None:
    """Above the drawing: inside it would lie over a busy afternoon."""
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=8, borderaxespad=0.2)


def _paint_staffing(axes: Axes, found: Mapping[str, Any]) -> None:
    half = 30 * 60 * 1_000_000_000
    rows = found["half_hours"]
    starts = [row["start"] for row in rows]
    staff = [row["staff"] for row in rows]
    axes.bar(starts, staff, half * 0.94, align="edge", color=COLOUR["accent-soft"], label="staffed")
    middles = [start + half / 2 for start in starts]
    axes.plot(
        middles, [row["load"] for row in rows], color=COLOUR["accent"], linewidth=1.4, label="busy, if none waited"
    )
    time_axis(axes, starts[0], starts[-1] + half)
    _whole_y(axes, "counters")
    _legend(axes)


def _paint_queue(axes: Axes, shown: Mapping[str, Any]) -> None:
    queue = shown["queue"]
    last = max((n for n, high in enumerate(queue["p95"]) if high), default=len(queue["mean"]) - 1)
    end = min(last + 3, len(queue["mean"]))
    times = [queue["start"] + n * queue["step"] for n in range(end)]
    axes.fill_between(
        times,
        queue["p5"][:end],
        queue["p95"][:end],
        color=COLOUR["accent-soft"],
        linewidth=0,
        label="5 to 95 % of the days",
    )
    axes.plot(times, queue["mean"][:end], color=COLOUR["accent"], linewidth=1.4, label="mean")
    if len(times) > 1:
        time_axis(axes, times[0], times[-1])
    _whole_y(axes, "visitors waiting")
    _legend(axes)


def _paint_half_hours(axes: Axes, shown: Mapping[str, Any]) -> None:
    halves = [half for half in shown["half_hours"] if half["wait_mean"] is not None]
    half = 30 * 60 * 1_000_000_000
    y = [h["wait_mean"] / 60 for h in halves]
    bars: list[list[float]] = [[], []]
    for h, at in zip(halves, y, strict=True):
        low, high = h["wait_mean_ci"] or (None, None)
        bars[0].append(0.0 if low is None else at - max(0.0, low / 60))
        bars[1].append(0.0 if high is None else high / 60 - at)
    axes.bar([h["start"] for h in halves], y, half * 0.88, align="edge", color=COLOUR["accent-soft"])
    axes.errorbar(
        [h["start"] + half * 0.44 for h in halves],
        y,
        bars,
        fmt="none",
        ecolor=COLOUR["accent"],
        elinewidth=1.1,
        capsize=2,
    )
    if halves:
        time_axis(axes, halves[0]["start"], halves[-1]["start"] + half, ticks=6)
    _whole_y(axes, "mean wait, minutes")


def _paint_counters(axes: Axes, shown: Mapping[str, Any]) -> None:
    numbers = list(shown["by_counter"])
    axes.bar(
        range(len(numbers)),
        [(part or 0.0) * 100 for part in shown["by_counter"].values()],
        0.7,
        color=COLOUR["accent-soft"],
    )
    step = len(numbers) // 14 + 1
    axes.set_xticks(range(0, len(numbers), step), numbers[::step])
    axes.set_xlabel("counter")
    axes.set_ylabel("busy, % of paid time")
    axes.set_ylim(0, 100)
