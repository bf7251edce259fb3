"""The report's charts: Matplotlib drawings as SVG text to stand inside an HTML page.

The same figures give the same bytes: ids are salted with a constant, no date is written, letters are drawn as paths
(Vietnamese looks the same on every machine). Colours leave here as CSS variables, so one drawing serves the light page,
the dark page and paper; ids carry the chart's name, so several drawings can share a page.
"""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from bench.daytime import clock_text
from bench.reports.figures import Figures
from bench.reports.replay import Replay
from bench.reports.sample import HALF_HOUR, MINUTE
from bench.reports.wording import duration

COLOUR: Final[Mapping[str, str]] = {
    "ink": "#1f2a37",
    "muted": "#667382",
    "rule": "#dfe4ea",
    "accent": "#2f6db3",
    "accent-soft": "#c9dcf0",
    "second": "#c4742b",
    "warn": "#8a5a00",
    "warn-soft": "#fbf0d9",
}
"""Colours by the name of their CSS variable; the values are those of the light page (and of a PNG)."""

_STYLE: Final[Mapping[str, Any]] = {
    "svg.hashsalt": "hallbench",
    "svg.fonttype": "path",
    "font.family": ["DejaVu Sans"],  # part of Matplotlib, has every Vietnamese letter
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": COLOUR["rule"],
    "axes.labelcolor": COLOUR["muted"],
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": COLOUR["rule"],
    "grid.linewidth": 0.8,
    "xtick.color": COLOUR["muted"],
    "ytick.color": COLOUR["muted"],
    "ytick.left": False,
    "text.color": COLOUR["ink"],
    "text.parse_math": False,  # names come from scenarios: a dollar sign is a dollar sign
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}

_WIDE: Final = (9.6, 2.7)
_HALF: Final = (4.7, 2.7)


def _draw(size: tuple[float, float], paint: Callable[[Axes], None], *, png: bool = False) -> bytes:
    return _draw_panels(size, lambda axes: paint(axes[0]), [1.0], png=png)


def _draw_panels(
    size: tuple[float, float],
    paint: Callable[[Sequence[Axes]], None],
    heights: Sequence[float],
    *,
    png: bool = False,
    said: Mapping[str, str] | None = None,
) -> bytes:
    with mpl.rc_context(_STYLE), warnings.catch_warnings():  # type: ignore[arg-type]
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a letter that the font lacks is drawn as a box
        drawing = Drawing(figsize=size, layout="constrained")
        rows = drawing.subplots(len(heights), 1, squeeze=False, height_ratios=list(heights))
        paint([row[0] for row in rows])
        out = io.BytesIO()
        canvas: Any = FigureCanvasAgg(drawing) if png else FigureCanvasSVG(drawing)
        if png:
            drawing.set_facecolor("white")
            canvas.print_png(out, metadata={"Software": None, **(said or {})})
        else:
            canvas.print_svg(out, metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _inline(svg: str, name: str, label: str) -> str:
    """Make a stand-alone SVG fit to stand in a page: no prologue, own ids, CSS colours, a spoken label."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r' (?:width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r'(?<= d=")[^"]*', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path.group()), svg)
    for variable, value in COLOUR.items():
        svg = svg.replace(value, f"var(--{variable})")
    text = html.escape(label)
    return svg.replace("<svg", f'<svg class="chart" role="img" aria-label="{text}"', 1).strip()


def _svg(name: str, label: str, size: tuple[float, float], paint: Callable[[Axes], None]) -> str:
    return _inline(_draw(size, paint).decode("utf-8"), name, label)


def svg_of(
    name: str,
    label: str,
    size: tuple[float, float],
    paint: Callable[[Sequence[Axes]], None],
    heights: Sequence[float],
) -> str:
    """A drawing of several panels, one above the other, as inline SVG.

    Args:
        name: a word that no other drawing of the page has.
        label: what is read out in its place.
        size: width and height, inches.
        paint: draws into the panels, from the top.
        heights: of the panels, in proportion.
    """
    return _inline(_draw_panels(size, paint, heights).decode("utf-8"), name, label)


def png_of(
    size: tuple[float, float],
    paint: Callable[[Sequence[Axes]], None],
    heights: Sequence[float],
    said: Mapping[str, str],
) -> bytes:
    """A drawing of several panels as PNG on white, 100 dots an inch.

    Args:
        size: width and height, inches.
        paint: draws into the panels, from the top.
        heights: of the panels, in proportion.
        said: text chunks of the file, by keyword ("Title", "Source" ...).
    """
    return _draw_panels(size, paint, heights, png=True, said=said)


def time_axis(axes: Axes, start: int, end: int, ticks: int = 12) -> None:
    """An x axis in hours of the hall: ns since midnight, a tick each half hour or so many hours."""
    step = next(s for s in (1, 2, 4, 8, 16, 48) if (end - start) / (s * HALF_HOUR) <= ticks or s == 48)
    axes.xaxis.set_major_locator(MultipleLocator(step * HALF_HOUR))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: clock_text(int(t))))
    axes.set_xlim(start, end)


def _whole_y(axes: Axes, label: str) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=2))
    axes.set_ylim(bottom=0)
    axes.set_ylabel(label)


def paint_queue(axes: Axes, figures: Figures) -> None:
    """Draw the queue's length as a filled step line, with its longest marked."""
    first = figures.start // MINUTE * MINUTE
    times = [first + n * MINUTE for n in range(len(figures.queue) + 1)]
    values = [*figures.queue, *figures.queue[-1:]]
    axes.fill_between(times, values, step="post", color=COLOUR["accent-soft"], linewidth=0)
    axes.step(times, values, where="post", color=COLOUR["accent"], linewidth=1.2)
    time_axis(axes, first, times[-1])
    _whole_y(axes, "visitors waiting")
    if figures.queue_longest:
        late = figures.queue_longest_at > (figures.start + figures.end) // 2
        axes.annotate(
            f"{figures.queue_longest} at {clock_text(figures.queue_longest_at)}",
            (figures.queue_longest_at, figures.queue_longest),
            xytext=(-7 if late else 7, 2),
            textcoords="offset points",
            ha="right" if late else "left",
            va="bottom",
            color=COLOUR["ink"],
        )
        axes.set_ylim(0, figures.queue_longest * 1.15 + 0.3)


def waits_chart(figures: Figures) -> str:
    """How long visitors waited: a histogram."""
    waits = figures.waits
    label = f"Waits of {waits.n} visitors: median {duration(waits.p50)}, nine in ten below {duration(waits.p90)}"
    return _svg("waits", label, _HALF, lambda axes: paint_waits(axes, figures))


def paint_waits(axes: Axes, figures: Figures) -> None:
    """Draw the histogram of waits, with the median and p90 marked."""
    width, counts = figures.histogram.minutes, figures.histogram.counts
    axes.bar([n * width for n in range(len(counts))], counts, width * 0.92, align="edge", color=COLOUR["accent-soft"])
    axes.set_xlabel("minutes from the ticket to going to the counter")
    _whole_y(axes, "visitors")
    top = max(counts, default=1) * 1.22
    axes.set_ylim(0, top)
    right = max(len(counts) * width, width)
    axes.set_xlim(0, right)
    for name, seconds, height, line in (
        ("median", figures.waits.p50, 0.99, "solid"),
        ("p90", figures.waits.p90, 0.89, (0, (4, 2))),
    ):
        at = seconds / 60
        axes.axvline(at, color=COLOUR["accent"], linewidth=1.2, linestyle=line)
        left = at > right * (0.3 if name == "median" else 0.8)
        axes.annotate(
            f"{name} {at:.1f}",
            (at, top * height),
            xytext=(-4 if left else 4, 0),
            textcoords="offset points",
            ha="right" if left else "left",
            va="top",
            color=COLOUR["ink"],
        )


def half_hours_chart(figures: Figures) -> str:
    """Waits by the half-hour in which the ticket was taken."""
    worst = max(figures.half_hours, key=lambda half: half.waits.mean, default=None)
    label = "Mean and p90 wait by half-hour of arrival" + (f", worst from {clock_text(worst.start)}" if worst else "")
    return _svg("halfhours", label, _HALF, lambda axes: paint_half_hours(axes, figures))


def paint_half_hours(axes: Axes, figures: Figures) -> None:
    """Draw the mean wait of each half-hour as a bar and its p90 as a dot."""
    halves = figures.half_hours
    axes.bar(
        [half.start for half in halves],
        [half.waits.mean / 60 for half in halves],
        HALF_HOUR * 0.88,
        align="edge",
        color=COLOUR["accent-soft"],
        label="mean",
    )
    axes.plot(
        [half.start + HALF_HOUR * 0.44 for half in halves],
        [half.waits.p90 / 60 for half in halves],
        "o",
        color=COLOUR["accent"],
        markersize=3.5,
        label="p90",
    )
    _whole_y(axes, "wait, minutes")
    if halves:
        time_axis(axes, halves[0].start, halves[-1].start + HALF_HOUR, ticks=6)
    axes.legend(loc="upper left", ncols=2, fontsize=8, handlelength=1, borderaxespad=0, reverse=True)
    axes.set_ylim(0, max((half.waits.p90 / 60 for half in halves), default=1) * 1.22 + 0.1)


def replay_chart(replay: Replay) -> str:
    """Recorded and replayed waits: which share of the visitors was called within so many minutes."""
    label = (
        f"Share of visitors called within so many minutes: recorded median {duration(replay.recorded.p50)}, "
        f"replayed median {duration(replay.replayed.p50)}"
    )
    return _svg("replay", label, _HALF, lambda axes: paint_replay(axes, replay))


def paint_replay(axes: Axes, replay: Replay) -> None:
    """Draw the two cumulative distributions."""
    for name, values, colour, dashes in (
        ("recorded", replay.recorded_ns, COLOUR["second"], "solid"),
        ("replayed", replay.replayed_ns, COLOUR["accent"], (0, (5, 1.5))),
    ):
        x, y = _cumulative(values)
        axes.step(x, y, where="post", color=colour, linewidth=1.5, linestyle=dashes, label=name)
    axes.set_xlabel("minutes from the ticket to the call")
    axes.set_ylabel("share of visitors")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    axes.set_ylim(0, 1.02)
    axes.set_xlim(left=min(0.0, *(values[0] / MINUTE for values in (replay.recorded_ns, replay.replayed_ns))))
    axes.legend(loc="lower right", fontsize=8)


def _cumulative(values: Sequence[int], points: int = 400) -> tuple[list[float], list[float]]:
    """A cumulative distribution in minutes, thinned to about `points` steps: more than a page shows is weight only."""
    n = len(values)
    stride = max(1, n // points)
    chosen = sorted({*range(0, n, stride), n - 1})
    return [values[k] / MINUTE for k in chosen], [(k + 1) / n for k in chosen]


def replay_half_hours_chart(replay: Replay) -> str:
    """Recorded and replayed mean wait by half-hour."""
    label = "Mean time to the call by half-hour of arrival, recorded and replayed"
    return _svg("replayhalf", label, _HALF, lambda axes: paint_replay_half_hours(axes, replay))


def paint_replay_half_hours(axes: Axes, replay: Replay) -> None:
    """Draw both mean waits over the day."""
    at = [half.start + HALF_HOUR // 2 for half in replay.half_hours]
    axes.plot(
        at,
        [half.recorded_mean / 60 for half in replay.half_hours],
        "o-",
        color=COLOUR["second"],
        markersize=3,
        linewidth=1.3,
        label="recorded",
    )
    axes.plot(
        at,
        [half.replayed_mean / 60 for half in replay.half_hours],
        "s--",
        color=COLOUR["accent"],
        markersize=3,
        linewidth=1.3,
        label="replayed",
    )
    _whole_y(axes, "mean, minutes")
    if at:
        time_axis(axes, replay.half_hours[0].start, replay.half_hours[-1].start + HALF_HOUR, ticks=6)
    axes.legend(loc="upper left", fontsize=8, ncols=2, borderaxespad=0)
    most = max((max(half.recorded_mean, half.replayed_mean) for half in replay.half_hours), default=60)
    axes.set_ylim(0, most / 60 * 1.25 + 0.1)


def of(figures: Figures) -> dict[str, str]:
    """All charts that these figures have something to show for, by name, as inline SVG."""
    charts: dict[str, str] = {}
    if figures.waits.n:
        charts["waits"] = waits_chart(figures)
        charts["half_hours"] = half_hours_chart(figures)
    if figures.replay is not None:
        charts["replay"] = replay_chart(figures.replay)
        charts["replay_half_hours"] = replay_half_hours_chart(figures.replay)
    return charts
