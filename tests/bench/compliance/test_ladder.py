"""Ladders and timing bars: what contradicts is in view and boxed, whatever the length of the record."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import compliance_runs as made
from bench.compliance.ladder import bounds, figure_text, ladder, quantile, timing_bar
from bench.compliance.results import CaseResult, Measure


def _boxes(svg: str) -> list[tuple[float, float]]:
    return [(float(x), float(width)) for x, width in re.findall(r'class="hit" x="([\d.]+)".*?width="([\d.]+)"', svg)]


def test_a_ladder_shows_both_ways() -> None:
    """What was sent points right, what came points left; characters, instants and gaps are there."""
    svg = ladder(made.case())

    assert svg.count('class="arrow out"') == svg.count('class="arrow in"') == 1
    for part in ("05 03 00 00 00 02 C5 8F", "10.000 ms", "gap 6.667 ms", "tester", "device"):
        assert part in svg
    assert ladder(made.case(frames=())) == ""


def test_the_box_lies_on_its_characters() -> None:
    """The box of characters 2..3 begins two characters after the text and is as wide as they are."""
    (x, width), (x_all, width_all) = (
        _boxes(ladder(made.case("FAIL", contradiction=spot)))[0] for spot in ((1, 2, 3), (1, 0, 9))
    )

    assert x - x_all == pytest.approx(2 * 3 * 7.4)
    assert width_all - width == pytest.approx(8 * 3 * 7.4)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_what_contradicts_is_always_in_view(data: st.DataObject) -> None:
    """However many frames and characters there are, the first contradicting character is drawn in a box."""
    sizes = data.draw(st.lists(st.integers(1, 300), min_size=1, max_size=60))
    index = data.draw(st.integers(0, len(sizes) - 1))
    first = data.draw(st.integers(0, sizes[index] - 1))
    frames = tuple(made.frame(n * 400, "in", bytes(size)) for n, size in enumerate(sizes))
    case = made.case("FAIL", frames=frames, contradiction=(index, first, first + 1))

    assert len(_boxes(ladder(case, most=10))) == 1


def test_what_is_left_out_is_counted() -> None:
    """Frames above and below those drawn are counted, so that nobody takes a part for the whole."""
    frames = tuple(made.frame(n * 10, "in", b"\x01") for n in range(50))
    svg = ladder(made.case("FAIL", frames=frames, contradiction=(25, 0, 1)), most=10)

    assert "20 earlier frames in wire.txt" in svg
    assert "20 more frames in wire.txt" in svg


def test_repetitions_are_left_to_the_text() -> None:
    """Of a case that was repeated the first attempt is drawn, and the rest is counted."""
    again = (made.frame(100, "out", b"", "attempt 2"), *(made.frame(110 + n, "in", b"\x01") for n in range(4)))
    svg = ladder(made.case("FAIL", frames=(*made.case().frames, *again), contradiction=(1, 2, 3)))

    assert svg.count('class="arrow') == 2
    assert "5 more frames in wire.txt" in svg


def test_a_pause_is_drawn_as_one() -> None:
    """A step that sends nothing is a dashed line with its note, not an arrow."""
    svg = ladder(made.case(frames=(made.frame(5, "out", b"", "operator: press key 3 once: done"),)))

    assert 'class="pause"' in svg
    assert 'class="arrow' not in svg
    assert "operator: press key 3 once: done" in svg


@settings(max_examples=30, deadline=None)
@given(case=made.cases())
def test_drawings_are_well_formed(case: CaseResult) -> None:
    """Whatever a device says, both drawings are XML."""
    for svg in (ladder(case), *map(timing_bar, case.measures)):
        if svg:
            assert ET.fromstring(svg).tag == "svg"


@pytest.mark.parametrize(
    ("limit", "allowed"),
    [
        (">= 4.01", (4.01, None)),
        ("<= 1.5", (None, 1.5)),
        ("> 0", (0.0, None)),
        ("1..2.5", (1.0, 2.5)),
        ("", (None, None)),
        ("about 4", (None, None)),
        (">= 4.01 ms or so", (None, None)),
    ],
)
def test_limits_are_read(limit: str, allowed: tuple[float | None, float | None]) -> None:
    """Comparisons and ranges are understood; anything else draws nothing."""
    assert bounds(limit) == allowed
    assert bool(timing_bar(Measure("gap", 4.0, "ms", limit))) == (allowed != (None, None))


def test_a_bar_shows_which_side_the_figure_lies_on() -> None:
    """The dot lies right of a lower limit when the figure is above it; the tone tells whether it was judged."""

    def dot_and_limit(value: float, ok: bool | None) -> tuple[float, float, str]:
        svg = timing_bar(replace(Measure("gap", 4.0, "ms", ">= 4.01", 0.2, ok), value=value))
        dot, limit = re.search(r'cx="([\d.]+)"', svg), re.search(r'class="limit" x1="([\d.]+)"', svg)
        return float(dot[1]), float(limit[1]), re.search(r'<g class="(\w+)"', svg)[1]

    dot, limit, tone = dot_and_limit(5.0, True)
    assert (dot > limit, tone) == (True, "good")
    dot, limit, tone = dot_and_limit(3.0, False)
    assert (dot < limit, tone) == (True, "bad")
    assert dot_and_limit(4.0, None)[2] == "open"


def test_figures_and_quantiles() -> None:
    """Figures read as people write them; quantiles are values that were measured."""
    assert figure_text(Measure("gap", 4.4, "ms", "", 0.2)) == "4.4 ms ± 0.2"
    assert figure_text(Measure("count", 3, "")) == "3"
    assert [quantile(range(1, 101), share) for share in (0.5, 0.99, 1.0)] == [50, 99, 100]
    assert quantile([7.0], 0.5) == quantile([7.0], 0.99) == 7.0
