"""The figures of a day in a few lines of text, for a terminal or a pull request."""

from __future__ import annotations

from bench.daytime import clock_text
from bench.reports.figures import NOT_HERE, Figures
from bench.reports.wording import count, duration, printable, share


def lines(figures: Figures) -> list[str]:
    """The figures, a subject a line, names aligned in a column; nothing is said of what the run did not have."""
    rows = [
        ("people", _people(figures)),
        ("ratings", _ratings(figures)),
        ("waits", _waits(figures)),
        ("queue", _queue(figures)),
        ("latency", _latency(figures)),
        ("lines", _lines(figures)),
        ("recorded", _recorded(figures)),
    ]
    return [f"{name:<9} {text}" for name, text in rows if text]


def _people(figures: Figures) -> str:
    counts = figures.counts
    parts = [
        count(counts["visitors"], "visitor"),
        *(f"{counts[name]:,} {name}" for name in NOT_HERE if name in counts),
        count(counts["tickets"], "ticket"),
        count(counts["calls"], "call"),
        f"{counts['served']:,} served",
    ]
    if counts["no-shows"]:
        parts.append(count(counts["no-shows"], "no-show"))
    parts += [f"{number:,} left: {printable(why)}" for why, number in figures.left.items() if why != "served"]
    return ", ".join(parts)


def _ratings(figures: Figures) -> str:
    names = ("recorded", "lost", "duplicated", "misattributed", "phantom")
    judged = [f"{figures.counts[name]:,} {name}" for name in names if name in figures.counts]
    dropped = figures.counts["dropped by full queues"]
    tail = [f"{dropped:,} dropped by full queues"] if dropped else []
    return ", ".join([count(figures.counts["presses"], "press", "presses"), *judged, *tail])


def _waits(figures: Figures) -> str:
    waits = figures.waits
    if not waits.n:
        return ""
    return (
        f"mean {duration(waits.mean)}, p50 {duration(waits.p50)}, p90 {duration(waits.p90)}, "
        f"longest {duration(waits.longest)}"
    )


def _queue(figures: Figures) -> str:
    if not figures.queue_longest:
        return ""
    return f"at most {figures.queue_longest:,} waiting, at {clock_text(figures.queue_longest_at)}"


def _latency(figures: Figures) -> str:
    told = [f"{name} {duration(value)}" for name, value in figures.latency.items() if value is not None]
    return f"{', '.join(told)} from press to record" if told else ""


def _lines(figures: Figures) -> str:
    return ", ".join(
        f"{printable(line.name)} {share(line.share)} busy"
        + (f" ({share(line.peak_share)} from {clock_text(line.peak_at)})" if line.peak_share else "")
        for line in figures.lines
    )


def _recorded(figures: Figures) -> str:
    """A replayed log against the recorded waits."""
    replay = figures.replay
    if replay is None:
        return ""
    return "; ".join(
        f"{name} {duration(getattr(replay.recorded, name))}, replayed {duration(getattr(replay.replayed, name))}"
        for name in ("mean", "p50", "p90")
    )
