"""Drawings for the compliance page, as SVG text: what went to and fro, and how a figure lies to its limit.

A ladder has the tester on the left and the device on the right; each frame is an arrow with its characters in
hexadecimal, its instant and the gap since the frame before. Characters that contradict a requirement stand in a box.
Colours are CSS variables, so one drawing serves light, dark and paper; text has a fixed length, so that the box fits
whatever font the reader's machine has.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Final

from bench.compliance.junit import xml_text
from bench.compliance.results import CaseResult, Frame, Measure

__all__ = ["bounds", "figure_text", "ladder", "timing_bar"]

_CHAR: Final = 7.4  # px of a character of hexadecimal text
_ROW: Final = 17
_PER_ROW: Final = 24  # characters of the line in a row
_MOST_ROWS: Final = 4
_LEFT, _RIGHT, _WIDTH = 132.0, 702.0, 900.0
_NOTE: Final = 27  # letters of a note that fit on the right

_LIMIT: Final = re.compile(r"(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)\Z")
_BETWEEN: Final = re.compile(r"(-?\d+(?:\.\d+)?)\s*\.\.\s*(-?\d+(?:\.\d+)?)\Z")


def ladder(case: CaseResult, most: int = 24) -> str:
    """The frames of a case as a ladder.

    Args:
        case: its contradiction, if it has one, is kept in view and boxed.
        most: frames drawn; those left out are counted above and below.

    Returns:
        An `<svg>` element, or "" when there is nothing to draw.
    """
    if not case.frames:
        return ""
    spot = case.contradiction
    first = 0
    most = min(most, _one_attempt(case))
    if len(case.frames) > most and spot is not None:
        first = min(max(spot[0] - most // 2, 0), len(case.frames) - most)
    shown = case.frames[first : first + most]
    parts: list[str] = []
    y = 34.0
    if first:
        y = _remark(parts, y, f"{first} earlier frames in wire.txt")
    for number, frame in enumerate(shown, first):
        before = case.frames[number - 1] if number else None
        marked = (spot[1], spot[2]) if spot is not None and spot[0] == number else None
        y = _frame(parts, y, frame, before, marked)
    left = len(case.frames) - first - len(shown)
    if left:
        y = _remark(parts, y, f"{left} more frames in wire.txt")
    height = y + 6
    lanes = "".join(f'<line class="lane" x1="{x}" x2="{x}" y1="24" y2="{height - 4:.0f}"/>' for x in (_LEFT, _RIGHT))
    heads = f'<text class="head" x="{_LEFT}" y="15">tester</text><text class="head" x="{_RIGHT}" y="15">device</text>'
    label = html.escape(xml_text(f"{len(case.frames)} frames of {case.id}"))
    return (
        f'<svg class="ladder" viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img" aria-label="{label}">'
        f"{lanes}{heads}{''.join(parts)}</svg>"
    )


def _one_attempt(case: CaseResult) -> int:
    """How many frames belong to the first attempt: repetitions look alike, and stand in wire.txt."""
    ends = (n for n, frame in enumerate(case.frames) if n and not frame.data and frame.note.startswith("attempt"))
    end = next(ends, len(case.frames))
    return end if case.contradiction is None or case.contradiction[0] < end else len(case.frames)


def _remark(parts: list[str], y: float, text: str) -> float:
    parts.append(f'<text class="when" x="{(_LEFT + _RIGHT) / 2}" y="{y + 8:.0f}" text-anchor="middle">{text}</text>')
    return y + 22


def _pause(parts: list[str], y: float, frame: Frame) -> float:
    """Draw a step that sends nothing: the tester listens, waits for a person, or begins again."""
    text = html.escape(xml_text(frame.note or "the tester only listens")[:80])
    parts.append(
        f'<line class="pause" x1="{_LEFT}" x2="{_RIGHT}" y1="{y + 14:.0f}" y2="{y + 14:.0f}"/>'
        f'<text class="when" x="{_LEFT + 14:.0f}" y="{y + 9:.0f}">{text}</text>'
        f'<text class="when" x="{_LEFT - 10}" y="{y + 17:.0f}" text-anchor="end">{frame.at / 1e6:,.3f} ms</text>'
    )
    return y + 26


def _frame(parts: list[str], y: float, frame: Frame, before: Frame | None, marked: tuple[int, int] | None) -> float:
    """Draw one frame from `y` down; returns where the next begins."""
    if not frame.data:
        return _pause(parts, y, frame)
    inward = frame.direction == "in"
    rows, left_out = _rows(frame.data, marked[0] if marked else 0)
    x = _LEFT + 14
    for start, row in rows:
        if marked:
            low, high = max(marked[0], start), min(marked[1], start + len(row))
            if low < high:
                parts.append(
                    f'<rect class="hit" x="{x + (low - start) * 3 * _CHAR - 3:.1f}" y="{y - 1:.0f}" rx="3" '
                    f'width="{((high - low) * 3 - 1) * _CHAR + 6:.1f}" height="{_ROW - 1}"/>'
                )
        text = row.hex(" ").upper()
        parts.append(
            f'<text class="hex" x="{x:.0f}" y="{y + 12:.0f}" textLength="{len(text) * _CHAR:.1f}">{text}</text>'
        )
        y += _ROW
    if left_out:
        parts.append(f'<text class="when" x="{x:.0f}" y="{y + 12:.0f}">{left_out} more characters in wire.txt</text>')
        y += _ROW
    y += 4
    tip, back = (_LEFT, _LEFT + 9) if inward else (_RIGHT, _RIGHT - 9)
    kind = "in" if inward else "out"
    parts.append(
        f'<line class="arrow {kind}" x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.0f}" y2="{y:.0f}"/>'
        f'<path class="tip {kind}" d="M{tip} {y:.0f} L{back} {y - 4:.0f} L{back} {y + 4:.0f} Z"/>'
        f'<text class="when" x="{_LEFT - 10}" y="{y - 6:.0f}" text-anchor="end">{frame.at / 1e6:,.3f} ms</text>'
    )
    if before is not None:
        gap = (frame.at - before.end) / 1e6
        parts.append(f'<text class="gap" x="{_LEFT - 10}" y="{y + 7:.0f}" text-anchor="end">gap {gap:,.3f} ms</text>')
    if frame.note:
        note = xml_text(frame.note, keep="")
        short = note if len(note) <= _NOTE else f"{note[: _NOTE - 1]}…"
        parts.append(
            f'<text class="note" x="{_RIGHT + 12}" y="{y + 4:.0f}">{html.escape(short)}'
            f"<title>{html.escape(note)}</title></text>"
        )
    return y + 15


def _rows(data: bytes, keep: int) -> tuple[list[tuple[int, bytes]], int]:
    """Rows of a frame that are drawn, each with the index of its first character; and how many are left out."""
    whole = [(start, data[start : start + _PER_ROW]) for start in range(0, len(data), _PER_ROW)]
    if len(whole) <= _MOST_ROWS:
        return whole, 0
    at = min(keep // _PER_ROW, len(whole) - 1)
    picked = sorted({0, *range(max(at - 1, 1), min(at + _MOST_ROWS - 2, len(whole)))})[:_MOST_ROWS]
    rows = [whole[number] for number in picked]
    return rows, len(data) - sum(len(row) for _, row in rows)


def bounds(limit: str) -> tuple[float | None, float | None]:
    """What a limit allows, lowest and highest: ">= 4.01" -> (4.01, None), "1..2" -> (1.0, 2.0); (None, None) else."""
    one = _LIMIT.match(limit.strip())
    if one:
        value = float(one[2])
        return (value, None) if one[1].startswith(">") else (None, value)
    two = _BETWEEN.match(limit.strip())
    return (float(two[1]), float(two[2])) if two else (None, None)


def timing_bar(measure: Measure) -> str:
    """A figure on a scale with what is allowed, its limit and its uncertainty; "" when there is no limit to draw."""
    low, high = bounds(measure.limit)
    ends = [end for end in (low, high) if end is not None]
    if not ends:
        return ""
    spread = [measure.value - measure.uncertainty, measure.value + measure.uncertainty, *ends]
    reach = (max(spread) - min(spread)) or abs(spread[0]) or 1.0
    start, stop = min(spread) - reach * 0.35, max(spread) + reach * 0.35
    width, height = 240.0, 30.0

    def x(value: float) -> float:
        return 4 + (value - start) / (stop - start) * (width - 8)

    left, right = x(low) if low is not None else 4.0, x(high) if high is not None else width - 4
    tone = {True: "good", False: "bad", None: "open"}[measure.ok]
    marks = "".join(f'<line class="limit" x1="{x(end):.1f}" x2="{x(end):.1f}" y1="3" y2="27"/>' for end in ends)
    about = x(measure.value - measure.uncertainty), x(measure.value + measure.uncertainty)
    label = html.escape(xml_text(f"{measure.name}: {figure_text(measure)}, limit {measure.limit}"))
    return (
        f'<svg class="timing" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{label}">'
        f'<line class="axis" x1="4" x2="{width - 4}" y1="15" y2="15"/>'
        f'<rect class="allowed" x="{left:.1f}" y="9" width="{max(right - left, 0):.1f}" height="12"/>{marks}'
        f'<g class="{tone}"><line class="spread" x1="{about[0]:.1f}" x2="{about[1]:.1f}" y1="15" y2="15"/>'
        f'<circle class="dot" cx="{x(measure.value):.1f}" cy="15" r="4.5"/></g></svg>'
    )


def figure_text(measure: Measure) -> str:
    """A figure for people: "4.4 ms ± 0.2"."""
    about = f" ± {measure.uncertainty:.3g}" if measure.uncertainty else ""
    return f"{measure.value:.4g} {measure.unit}{about}".strip()


def quantile(values: Sequence[float], share: float) -> float:
    """The value below or at which a share of the values lies (nearest rank); values need not be sorted."""
    ordered = sorted(values)
    return ordered[min(max(-(-round(share * len(ordered) * 1000) // 1000) - 1, 0), len(ordered) - 1)]
