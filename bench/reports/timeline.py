"""The day as one drawing: queue, waits and latency over the same hours, with the faults shaded; and the lines' load.

Faults are shaded behind all three curves, and named in lanes below them, so that colour alone tells nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from bench.daytime import clock_text
from bench.reports.figures import LOAD_SLOT, Figures, LineLoad
from bench.reports.incidents import Stretch
from bench.reports.latencies import Latency
from bench.reports.plots import COLOUR, paint_queue, svg_of, time_axis
from bench.reports.sample import HALF_HOUR, MINUTE
from bench.reports.wording import count, duration, printable, share

_WIDTH: Final = 9.6
_LABEL: Final = 0.026
"""Share of the width that a fault's id takes in its lane."""

_MOST_LANES: Final = 8
MOST_LINES: Final = 16
"""Lines that are drawn, the busiest ones; all stand in the table."""


def chart(figures: Figures, latency: Latency, stretches: Sequence[Stretch]) -> str:
    """Queue, waits, latency and faults over the day, as inline SVG; "" when nothing of it happened."""
    lanes = packed(stretches, figures.start, figures.end)
    panels: list[tuple[float, str]] = []
    if any(figures.queue):
        panels.append((2.2, "queue"))
    if figures.waits.n:
        panels.append((1.5, "waits"))
    if latency.slots:
        panels.append((1.9, "latency"))
    if not panels:
        return ""
    if lanes:
        panels.append((0.25 + 0.2 * len(lanes), "faults"))
    height = sum(part for part, _ in panels) + 0.25

    def paint(all_axes: Sequence[Axes]) -> None:
        first = figures.start // MINUTE * MINUTE
        last = max(first + MINUTE * max(len(figures.queue), 1), figures.end)
        for axes, (_, name) in zip(all_axes, panels, strict=True):
            if name != "faults":
                for begin, end in merged(stretches):
                    axes.axvspan(
                        begin, max(end, begin + (last - first) // 500), color=COLOUR["warn-soft"], linewidth=0, zorder=0
                    )
            if name == "queue":
                paint_queue(axes, figures)
            elif name == "waits":
                _paint_waits(axes, figures)
            elif name == "latency":
                _paint_latency(axes, latency)
            else:
                _paint_faults(axes, lanes, first, last)
            time_axis(axes, first, last)
            if axes is not all_axes[-1]:
                axes.tick_params(labelbottom=False)

    return svg_of(
        "timeline", _label(figures, latency, stretches), (_WIDTH, height), paint, [part for part, _ in panels]
    )


def _label(figures: Figures, latency: Latency, stretches: Sequence[Stretch]) -> str:
    parts = [f"the queue, at most {figures.queue_longest} at {clock_text(figures.queue_longest_at)}"]
    if figures.waits.n:
        parts.append(f"waits, median {duration(figures.waits.p50)}, nine in ten below {duration(figures.waits.p90)}")
    if latency.slots:
        worst = max(latency.slots, key=lambda slot: slot.p99)
        parts.append(f"time from press to record, worst p99 {duration(worst.p99)} from {clock_text(worst.start)}")
    if stretches:
        parts.append(f"{count(len({stretch.id for stretch in stretches}), 'fault')} shaded")
    return "Over the day: " + "; ".join(parts)


def _paint_waits(axes: Axes, figures: Figures) -> None:
    """Draw median and p90 of each half-hour as steps."""
    halves = figures.half_hours
    for name, colour, dashes in (("p50", COLOUR["accent"], "solid"), ("p90", COLOUR["second"], (0, (4, 1.5)))):
        times: list[float] = []
        values: list[float] = []
        for half in halves:
            times += [half.start, half.start + HALF_HOUR, half.start + HALF_HOUR]
            values += [getattr(half.waits, name) / 60] * 2 + [float("nan")]
        axes.plot(times, values, color=colour, linewidth=1.5, linestyle=dashes, label=name)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, min_n_ticks=2))
    axes.set_ylabel("wait, min")
    axes.set_ylim(0, max((half.waits.p90 / 60 for half in halves), default=1) * 1.35 + 0.1)
    axes.legend(loc="upper left", ncols=2, fontsize=8, borderaxespad=0.1)


def _paint_latency(axes: Axes, latency: Latency) -> None:
    """Draw p50, p99 and the longest of each slot, logarithmic."""
    at = [slot.start + latency.step // 2 for slot in latency.slots]
    floor = 0.001
    for name, colour, mark, dashes, label in (
        ("p50", COLOUR["accent"], "o", "solid", "p50"),
        ("p99", COLOUR["second"], "s", (0, (4, 1.5)), "p99"),
        ("longest", COLOUR["muted"], "_", "none", "longest"),
    ):
        values = [max(getattr(slot, name), floor) for slot in latency.slots]
        axes.plot(at, values, mark, color=colour, linestyle=dashes, markersize=3.5, linewidth=1.3, label=label)
    axes.set_yscale("log")
    low = min(max(slot.p50, floor) for slot in latency.slots)
    high = max(max(slot.longest, floor) for slot in latency.slots)
    axes.set_ylim(low / 1.6, high * 4)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda seconds, _: _short(seconds)))
    if high / low < 30:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.set_yscale("linear")
        axes.set_ylim(0, high * 1.4)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda seconds, _: _short(seconds)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("press to record")
    axes.legend(loc="upper left", ncols=3, fontsize=8, borderaxespad=0.1)


def _short(seconds: float) -> str:
    if seconds <= 0:
        return "0"
    if seconds < 1:
        return f"{seconds * 1000:g} ms"
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:g} min"


def _paint_faults(axes: Axes, lanes: Sequence[Sequence[Stretch]], first: int, last: int) -> None:
    """Draw each stretch as a bar in its lane, with the fault's id beside it."""
    thin = (last - first) // 400
    for row, lane in enumerate(lanes):
        axes.broken_barh(
            [(stretch.begin, max(stretch.end - stretch.begin, thin)) for stretch in lane],
            (row - 0.36, 0.72),
            facecolor=COLOUR["warn-soft"],
            edgecolor=COLOUR["warn"],
            linewidth=0.7,
        )
        for stretch in lane:
            axes.annotate(
                printable(stretch.id)[:4],
                (stretch.begin, row),
                xytext=(2, 0),
                textcoords="offset points",
                va="center",
                fontsize=6.5,
                color=COLOUR["warn"],
            )
    axes.set_ylim(len(lanes) - 0.4, -0.6)
    axes.set_yticks([])
    axes.set_ylabel("faults")
    axes.grid(visible=False)


def packed(stretches: Sequence[Stretch], start: int, end: int) -> list[list[Stretch]]:
    """Stretches in as few lanes as hold them and their ids side by side; stretches of one fault that touch are joined.

    Beyond `_MOST_LANES` lanes they share the last one.
    """
    room = max(end - start, 1) * _LABEL
    lanes: list[list[Stretch]] = []
    free: list[float] = []
    gap = int(room)
    for stretch in sorted(_joined(stretches, gap)):
        at = next((n for n, time in enumerate(free) if time <= stretch.begin), None)
        if at is None and len(lanes) < _MOST_LANES:
            lanes.append([])
            free.append(0.0)
            at = len(lanes) - 1
        if at is None:
            at = len(lanes) - 1
        lanes[at].append(stretch)
        free[at] = max(stretch.end, stretch.begin + room)
    return lanes


def _joined(stretches: Sequence[Stretch], gap: int) -> list[Stretch]:
    by_id: dict[str, list[Stretch]] = defaultdict(list)
    for stretch in sorted(stretches):
        mine = by_id[stretch.id]
        if mine and stretch.begin - mine[-1].end <= gap:
            mine[-1] = mine[-1]._replace(end=max(stretch.end, mine[-1].end))
        else:
            mine.append(stretch)
    return [stretch for mine in by_id.values() for stretch in mine]


def merged(stretches: Sequence[Stretch]) -> list[tuple[int, int]]:
    """The time in which any fault was at work, as spans that do not touch."""
    spans: list[tuple[int, int]] = []
    for stretch in sorted(stretches):
        if spans and stretch.begin <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], stretch.end))
        else:
            spans.append((stretch.begin, stretch.end))
    return spans


# -- lines ------------------------------------------------------------------------------------------------------------
def lines_chart(figures: Figures) -> str:
    """How busy each line was over the day, as inline SVG; "" when nothing is known of it."""
    drawn = shown_lines(figures)
    if not drawn:
        return ""
    busiest = max(drawn, key=lambda line: line.peak_share)
    label = (
        f"Share of the time in which each of {count(len(drawn), 'line')} carried characters, by ten minutes; the "
        f"busiest was {printable(busiest.name)} with {share(busiest.peak_share)} from {clock_text(busiest.peak_at)}"
    )
    height = 0.45 + 0.42 * len(drawn)
    return svg_of("lines", label, (_WIDTH, height), lambda axes: _paint_lines(axes[0], figures, drawn), [1.0])


def shown_lines(figures: Figures) -> list[LineLoad]:
    """The lines that are drawn, in the order of the table."""
    known = [line for line in figures.lines if any(line.slots)]
    chosen = sorted(known, key=lambda line: -line.share)[:MOST_LINES]
    return [line for line in known if line in chosen]


def _paint_lines(axes: Axes, figures: Figures, lines: Sequence[LineLoad]) -> None:
    """Draw the lines one above the other on a common scale."""
    first = figures.start // LOAD_SLOT * LOAD_SLOT
    top = max(max(line.slots) for line in lines)
    last = first + LOAD_SLOT * max(len(line.slots) for line in lines)
    for row, line in enumerate(lines):
        base = len(lines) - 1 - row
        times = [first + n * LOAD_SLOT for n in range(len(line.slots) + 1)]
        values = [base + 0.82 * value / top for value in (*line.slots, line.slots[-1])]
        axes.fill_between(times, [base] * len(times), values, step="post", color=COLOUR["accent-soft"], linewidth=0)
        axes.step(times, values, where="post", color=COLOUR["accent"], linewidth=1.0)
        axes.annotate(
            f"at most {share(max(line.slots))}",
            (1.0, base),
            xycoords=("axes fraction", "data"),
            xytext=(4, 3),
            textcoords="offset points",
            fontsize=8,
            color=COLOUR["muted"],
        )
    axes.set_yticks([n + 0.3 for n in range(len(lines))], [printable(line.name)[:24] for line in reversed(lines)])
    axes.set_ylim(0, len(lines))
    axes.grid(visible=False)
    for base in range(len(lines)):
        axes.axhline(base, color=COLOUR["rule"], linewidth=0.8)
    time_axis(axes, first, last)
