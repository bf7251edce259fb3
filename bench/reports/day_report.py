"""report.html of a day: one page, made from the run directory alone, that opens without a network and without scripts.

The same directory gives the same bytes. Everything that came from a device, a scenario or a database is escaped: markup
by Jinja2's autoescape, control characters by `printable`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from bench.daytime import clock_text
from bench.judge.evidence import NO_FAILURE
from bench.judge.invariants import INVARIANTS
from bench.reports import figures as numbers
from bench.reports import latencies, page, plots, timeline
from bench.reports.board_frames import Boards
from bench.reports.clerks import ratings_context
from bench.reports.figures import NOT_HERE, Figures
from bench.reports.frame_words import spoken_in, told
from bench.reports.gallery import Gallery
from bench.reports.incidents import Incidents
from bench.reports.incidents import rows as fault_table
from bench.reports.incidents import sentence as fault_sentence
from bench.reports.latencies import Latency
from bench.reports.run_dir import Record, RunDir, open_run
from bench.reports.sample import MINUTE
from bench.reports.wording import count, duration, minutes, share, verdict_sentence

FILE: Final = "report.html"

_MOST_STORIES: Final = 20
"""Stories of one invariant that the page shows; all of them stand in verdict.json."""

_OPEN_STORIES: Final = 3
"""Of these so many are open, the others folded."""

_WRONG: Final = frozenset({"lost", "duplicated", "misattributed", "phantom", "dropped by full queues"})
"""Counts that are marked unless they are zero."""

_PEOPLE: Final = ("visitors", *NOT_HERE, "tickets", "calls", "served", "no-shows", "left unserved")
_RATED: Final = ("presses", "recorded", "lost", "duplicated", "misattributed", "phantom", "dropped by full queues")

_FACTS: Final[Mapping[str, str]] = {
    "hallbench": "hallbench",
    "python": "Python",
    "scenario_sha256": "scenario, SHA-256",
    "replication": "replication",
    "clock": "clock",
    "evidence": "evidence kept",
    "program": "lines of the collector run by",
    "ended": "why the day ended",
    "ended_at": "ended at, hall time",
    "real_seconds": "real time, seconds",
    "history_sha256": "history, SHA-256",
    "wire_sha256": "wire, SHA-256",
}
"""Keys of run.json that the page shows, and what they are called there."""


def write(run_dir: Path) -> Path:
    """Make `report.html` of a run.

    Args:
        run_dir: the run directory; needs history.ndjson, takes verdict.json, run.json, day.json and records.ndjson.

    Returns:
        Path of the page.

    Raises:
        NotARunError: there is no history that could be read.
        OSError: the page cannot be written.
    """
    return page.store(run_dir / FILE, render(open_run(run_dir)))


def render(run: RunDir) -> str:
    """The page as text."""
    gallery = Gallery(run.verdict, run.header.get("devices") or ())
    boards = Boards(_all_stories(run.verdict), run.header.get("devices") or ())
    faults = Incidents()

    takers = {"fault": faults.see, "heal": faults.see, "fault_unused": faults.see}
    takers |= {"shown": boards.see, "printed": gallery.see}

    def see(record: Record) -> None:
        taker = takers.get(record["k"])
        if taker is not None:
            taker(record)

    figures = numbers.of(run, see)
    latency = latencies.of(run)
    data = {
        "verdict": run.verdict,
        "figures": figures.to_json(),
        "latency": latency.to_json(),
        "faults": faults.to_json(),
        "run": run.run,
    }
    return page.render("day.html", _context(run, figures, gallery, boards, faults, latency), data)


def _all_stories(verdict: Mapping[str, Any]) -> str:
    return json.dumps([result.get("stories") or () for result in _results(verdict).values()], ensure_ascii=False)


def _results(verdict: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = verdict.get("invariants")
    if not isinstance(found, Mapping):
        return {}
    return {str(name): result for name, result in found.items() if isinstance(result, Mapping)}


def _context(
    run: RunDir, figures: Figures, gallery: Gallery, boards: Boards, faults: Incidents, latency: Latency
) -> dict[str, Any]:
    word = str(run.verdict.get("verdict") or "UNKNOWN")
    sentence = verdict_sentence(run.verdict) if run.verdict else "there is no verdict in this directory."
    seed = figures.seed
    meta = [figures.scenario, figures.date, f"{clock_text(figures.start)} to {clock_text(figures.end)}"]
    if seed is not None:
        meta.append(f"seed {seed}")
    program = str(run.run.get("program") or run.header.get("program") or "")
    if program:
        meta.append("the house controller runs every line" if program == "house" else "with a program under test")
    tickets, tickets_sentence = gallery.pictures()
    incidents = faults.all()
    fault_rows = fault_table(incidents, clock_text)
    stretches = faults.stretches()
    charts = {
        **plots.of(figures),
        "timeline": timeline.chart(figures, latency, stretches),
        "lines": timeline.lines_chart(figures),
    }
    checked = _invariants(run)
    context = {
        "title": str(run.run.get("title") or figures.scenario or "a day"),
        "word": word,
        "tone": page.TONE.get(word, "open"),
        "sentence": sentence[:1].upper() + sentence[1:],
        "meta": [part for part in meta if part],
        "remarks": _remarks(run, figures, latency),
        "people": _tiles(figures, _PEOPLE),
        "rated": _tiles(figures, _RATED),
        "times": _times(figures),
        "wrong": [row for row in checked if row["open"] or row["verdict"] == "VIOLATED"],
        "invariants": [row for row in checked if row["verdict"] != "NOT EXERCISED"],
        "idle": [row for row in checked if row["verdict"] == "NOT EXERCISED"],
        "charts": {name: Markup(svg) for name, svg in charts.items()},
        "timeline_caption": _timeline_caption(figures, latency, bool(stretches)),
        "latency": _latency(latency),
        "faults": fault_rows,
        "faults_idle": [row for row in fault_rows if not row["struck"]],
        "faults_struck": [row for row in fault_rows if row["struck"]],
        "faults_sentence": fault_sentence(incidents),
        "boards": boards.galleries(),
        "counters": _counters(figures),
        "half_hours": _half_hours(figures),
        "replay": _replay(figures),
        **ratings_context(figures),
        "lines": _lines(figures),
        "lines_caption": _lines_caption(figures),
        "tickets": tickets,
        "tickets_sentence": tickets_sentence,
        "command": _command(run, figures),
        "facts": _facts(run),
    }
    return {**context, "contents": page.contents(context, _CONTENTS)}


_CONTENTS: Final = (
    ("figures", "Figures", None),
    ("wrong", "What went wrong", "wrong"),
    ("timeline", "Hour by hour", "charts.timeline"),
    ("checked", "What was checked", "invariants"),
    ("faults", "Faults", "faults"),
    ("hall", "The hall", "charts.waits"),
    ("replay", "Replayed beside recorded", "replay"),
    ("ratings", "Ratings", "ratings"),
    ("lines", "Lines", "lines"),
    ("boards", "Boards", "boards"),
    ("tickets", "Tickets", "tickets"),
    ("repeat", "Repeat", None),
)
"""Sections of the page: id, name, and what has to be there for it."""


def _timeline_caption(figures: Figures, latency: Latency, shaded: bool) -> str:
    parts = ["visitors holding a ticket and not yet on their way to a counter, the most in each minute"]
    if figures.waits.n:
        parts.append("waits by the half-hour of the ticket")
    if latency.slots:
        parts.append(f"time from a press to its record, by {latency.step // MINUTE} minutes")
    text = "; ".join(parts)
    shades = ". Shaded: a fault was at work; its id stands below, its story in the table" if shaded else ""
    return f"{text[:1].upper()}{text[1:]}{shades}."


def _latency(latency: Latency) -> dict[str, Any]:
    acknowledged = latency.n - latency.stored
    sentence = f"{count(latency.n, 'press', 'presses')} whose record was found."
    if acknowledged:
        sentence += f" For {acknowledged:,} of them the instant of storing is not known; theirs is the acknowledgement."
    return {
        "sentence": sentence,
        "rows": [
            {
                "start": clock_text(slot.start),
                "n": f"{slot.n:,}",
                "p50": duration(slot.p50),
                "p99": duration(slot.p99),
                "longest": duration(slot.longest),
            }
            for slot in latency.slots
        ],
    }


def _lines_caption(figures: Figures) -> str:
    left_out = len(figures.lines) - len(timeline.shown_lines(figures))
    text = "Share of the time in which each line carried characters, by ten minutes, all on one scale"
    return f"{text}; {count(left_out, 'line')} without traffic or less busy left out." if left_out else f"{text}."


def _remarks(run: RunDir, figures: Figures, latency: Latency) -> list[tuple[str, str]]:
    """Sentences to be read first, each with the lines that belong to it (a traceback) or ""."""
    remarks = []
    if figures.damage:
        remarks.append(f"The history is not whole: {figures.damage}. The figures cover what could be read.")
    if figures.not_understood:
        remarks.append(f"{count(figures.not_understood, 'record')} of the history lack what their kind must have.")
    problems = run.verdict.get("data_problems") or {}
    if problems.get("count"):
        first = (problems.get("first") or ["see verdict.json"])[0]
        remarks.append(f"{count(int(problems['count']), 'stored value')} cannot be what was meant, e.g. {first}")
    if latency.trouble:
        remarks.append(f"There is no curve of latencies: {latency.trouble}.")
    said = [(remark, "") for remark in (*remarks, *(f"{remark}." for remark in run.remarks))]
    return [*_collector_remarks(run.run), *said]


def _collector_remarks(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What went wrong with the program under test itself, as run.json tells it."""
    collector = facts.get("collector")
    if not isinstance(collector, Mapping):
        return []
    remarks = []
    how, status, detail = collector.get("how"), collector.get("status"), str(collector.get("detail") or "")
    if how == "returned" and status:
        remarks.append((f"The program under test ended by itself with status {status}.", detail))
    elif how is not None and how not in NO_FAILURE:
        remarks.append((f"The program under test {how}{':' if detail else '; see collector.log.'}", detail))
    if facts.get("opened_a_port") is False:
        remarks.append(("The program under test never opened a port of the hall.", ""))
    return remarks


def _tiles(figures: Figures, names: Sequence[str]) -> list[tuple[str, str, bool]]:
    """Counts in their order; those that the judge did not give are left out, and so are rare ones that are zero."""
    rare = {"no-shows", "left unserved", "dropped by full queues"}
    return [
        (name, f"{value:,}", name in _WRONG and value > 0)
        for name in names
        if (value := figures.counts.get(name)) is not None and (value or name not in rare)
    ]


def _times(figures: Figures) -> list[tuple[str, str, str]]:
    waits, latency = figures.waits, figures.latency
    rows = [
        ("wait, mean", duration(waits.mean), ""),
        ("wait, p50", duration(waits.p50), ""),
        ("wait, p90", duration(waits.p90), ""),
        ("longest wait", duration(waits.longest), ""),
    ]
    if not waits.n:
        rows = [("wait", "-", "nobody was called")]
    if any(value is not None for value in latency.values()):
        rows += [(f"press to record, {name}", duration(latency[name]), "") for name in ("p50", "p99", "max")]
    if figures.queue_longest:
        rows.append(("longest queue", str(figures.queue_longest), f"at {clock_text(figures.queue_longest_at)}"))
    return rows


def _invariants(run: RunDir) -> list[dict[str, Any]]:
    """One row for each invariant of the verdict, with its stories: the first ones open, the others folded."""
    verdict = run.verdict
    must = verdict.get("must_exercise") or run.header.get("must_exercise") or ()
    known = {invariant.name: invariant for invariant in INVARIANTS}
    texts = {
        name: [story_text(story) for story in result.get("stories") or ()] for name, result in _results(verdict).items()
    }
    shown_texts = [text for stories in texts.values() for text in stories[:_MOST_STORIES]]
    spoken = spoken_in(run.header, run.run, run.history, shown_texts)
    rows = []
    for name, result in _results(verdict).items():
        word = str(result.get("verdict", "UNKNOWN"))
        stories = [told(text, spoken) for text in texts[name]]
        violations = int(result.get("violations") or 0)
        shown = stories[:_MOST_STORIES]
        rows.append(
            {
                "name": name,
                "letter": known[name].letter if name in known else "",
                "verdict": word,
                "tone": page.TONE.get(word, "open"),
                "violations": f"{violations:,}",
                "checked": f"{int(result['checked']):,}" if result.get("checked") is not None else "",
                "claim": known[name].claim if name in known else "",
                "remark": str(result.get("reason") or ""),
                "must": name in must,
                "open": shown[:_OPEN_STORIES],
                "folded": shown[_OPEN_STORIES:],
                "more": max(violations, len(stories)) - len(shown),
            }
        )
    return rows


def story_text(story: object) -> str:
    """A story of the judge as lines of text, whether it is a text, a list of lines, or an object."""
    if isinstance(story, str):
        return story
    if isinstance(story, Sequence):
        return "\n".join(map(str, story))
    if isinstance(story, Mapping):
        return "\n".join(
            f"{key}: {value if isinstance(value, str) else json.dumps(value)}" for key, value in story.items()
        )
    return str(story)


def _counters(figures: Figures) -> list[dict[str, Any]]:
    span = max(figures.end - figures.start, 1) / 1e9
    return [
        {
            "number": load.number,
            "clerk": load.clerk,
            "served": load.served,
            "mean": duration(load.mean_service_s) if load.served else "-",
            "busy": share(load.busy_s / span),
            "part": load.busy_s / span,
        }
        for load in figures.counters
    ]


def _half_hours(figures: Figures) -> list[dict[str, Any]]:
    return [
        {
            "start": clock_text(half.start),
            "n": half.waits.n,
            "mean": minutes(half.waits.mean),
            "p50": minutes(half.waits.p50),
            "p90": minutes(half.waits.p90),
            "longest": minutes(half.waits.longest),
        }
        for half in figures.half_hours
    ]


def _replay(figures: Figures) -> dict[str, Any] | None:
    replay = figures.replay
    if replay is None:
        return None
    columns = ("mean", "p50", "p90", "longest")
    then = [getattr(replay.recorded, name) for name in columns]
    now = [getattr(replay.replayed, name) for name in columns]
    gap = replay.difference
    uncalled, verb = (
        count(replay.never_called_recorded, "visitor"),
        "is" if replay.never_called_recorded == 1 else "are",
    )
    return {
        "n": f"{replay.recorded.n:,}",
        "rows": [
            {"name": "recorded", "cells": [minutes(value) for value in then]},
            {"name": "replayed", "cells": [minutes(value) for value in now]},
            {"name": "difference", "cells": [minutes(b - a, signed=True) for a, b in zip(then, now, strict=True)]},
        ],
        "pairs": (
            f"Visitor by visitor, the replay calls {duration(abs(gap.mean))} {'later' if gap.mean >= 0 else 'earlier'} "
            f"on average (p10 {minutes(gap.p10, signed=True)}, median {minutes(gap.p50, signed=True)}, p90 "
            f"{minutes(gap.p90, signed=True)} min), {minutes(gap.mean_size)} min away in one direction or the other; "
            f"{share(gap.near)} lie within 5 minutes of their recorded wait."
            + (f" {uncalled} without a recorded call {verb} left out." if replay.never_called_recorded else "")
        ),
        "causes": replay.causes,
    }


def _lines(figures: Figures) -> list[dict[str, Any]]:
    return [
        {
            "name": line.name,
            "settings": line.settings,
            "owner": {"house": "house controller", "collector": "program under test"}.get(line.owner, line.owner),
            "devices": line.devices,
            "characters": f"{line.characters:,}",
            "share": share(line.share),
            "part": line.share,
            "peak": share(line.peak_share),
            "peak_at": clock_text(line.peak_at) if line.peak_share else "-",
            "collisions": "-" if line.collisions is None else line.collisions,
        }
        for line in figures.lines
    ]


def _command(run: RunDir, figures: Figures) -> str:
    """The command line that runs the same day again."""
    words = ["hallbench", "day", str(run.run.get("scenario_given") or figures.scenario)]
    if figures.seed is not None:
        words += ["--seed", str(figures.seed)]
    if run.run.get("evidence") not in (None, "folded"):
        words += ["--evidence", str(run.run["evidence"])]
    command = run.run.get("command")
    if isinstance(command, Sequence) and not isinstance(command, str) and command:
        words += ["--", *map(str, command)]
    return shlex.join(words)


def _facts(run: RunDir) -> list[tuple[str, str]]:
    rows = [(label, str(run.run[key])) for key, label in _FACTS.items() if run.run.get(key) not in (None, "")]
    collector = run.run.get("collector")
    if isinstance(collector, Mapping):
        rows.append(("collector ended", f"{collector.get('how')}, status {collector.get('status')}"))
    return rows
