"""Charts: valid SVG that can share a page, in the page's colours, the same bytes every time."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest

from bench.reports import figures, plots, timeline
from bench.reports.latencies import Latency

Make = Callable[..., Any]
NS = 1_000_000_000


def test_charts_are_valid_and_can_share_a_page(make_run: Make) -> None:
    """Each chart is one well-formed SVG element with a spoken label; no id is used by two of them."""
    charts = plots.of(figures.of(make_run(80, replay=True)[0]))
    assert set(charts) == {"waits", "half_hours", "replay", "replay_half_hours"}
    seen: set[str] = set()
    for svg in charts.values():
        root = ET.fromstring(svg)
        assert root.tag.endswith("svg")
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert root.get("viewBox")
        assert root.get("width") is None, "the page decides how wide a chart is"
        ids = {node.get("id") for node in root.iter() if node.get("id")}
        assert not ids & seen
        seen |= ids
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= ids


def test_colours_are_the_pages(make_run: Make) -> None:
    """No colour is fixed in a drawing: all are CSS variables, so dark pages and paper work."""
    for svg in plots.of(figures.of(make_run(80, replay=True)[0])).values():
        assert "var(--accent" in svg
        assert not re.findall(r"#[0-9a-f]{6}\b", svg)


def test_drawing_twice_gives_the_same_bytes(make_run: Make) -> None:
    """The same figures give the same drawing."""
    told = figures.of(make_run(50, replay=True)[0])
    assert plots.of(told) == plots.of(told)


@pytest.mark.parametrize("visitors", [0, 1, 2])
def test_small_days_can_be_drawn(make_run: Make, visitors: int) -> None:
    """Nobody, one visitor, two visitors: every chart that has something to show is drawn."""
    charts = plots.of(figures.of(make_run(visitors, replay=True)[0]))
    assert bool(charts) == bool(visitors)


def test_a_label_cannot_break_out() -> None:
    """A label with quotes and markup stays an attribute."""
    svg = plots._inline('<?xml version="1.0"?><svg width="1pt" height="2pt"><g id="a"/></svg>', "n", '"><b>&')
    assert ET.fromstring(svg).get("aria-label") == '"><b>&'
    assert 'id="n-a"' in svg


def test_a_day_past_midnight_has_its_hours(make_run: Make) -> None:
    """Instants after midnight count on: the axis goes to 24:00 and beyond instead of starting anew."""

    def late(made: Any) -> None:
        made.add(25 * 3600 * NS, "hall", "arrive", {"visitor": 900, "errand": 0})
        made.add(25 * 3600 * NS, "hall", "ticket_taken", {"visitor": 900, "ticket": "Z900"})

    told = figures.of(make_run(20, spoil=late)[0])
    assert told.end == 25 * 3600 * NS
    ET.fromstring(timeline.chart(told, Latency(), ()))
