"""A board or display as a picture: segments with their slant, dots with their glow, in the colours that were sent.

`draw` is a pure function of what is shown (`bench.reports.pictures.panel`). Dark segments and dots are drawn too, as
one sees them on a real board, so that a dark display and no display are not the same picture.
"""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from bench.reports.pictures.panel import Matrix, Panel, Segments
from firmware_sim.devices.segments import Digit

CASE: Final = (18, 18, 20)
FACE: Final = (30, 12, 12)
LIT: Final = (255, 48, 32)
UNLIT: Final = (52, 22, 22)

COLOURS: Final = (
    (40, 38, 40),
    (255, 40, 30),
    (60, 235, 60),
    (255, 176, 32),
    (140, 30, 24),
    (36, 130, 36),
    (150, 100, 30),
    (255, 120, 24),
    (255, 226, 70),
)
"""Colour of a dot, 0 dark .. 8 yellow -> red, green, blue."""

DOT: Final = 8
"""Pixels from one dot to the next."""

_SMOOTH: Final = 4
"""Drawn so many times as large, and then made smaller."""

_DIGIT_WIDTH, _DIGIT_HEIGHT, _STROKE, _MARGIN = 44, 76, 10, 18
_SLANT: Final = 0.10


def draw(panel: Panel) -> Image.Image:
    """What is shown, as a picture of mode "RGB"."""
    return _segments(panel) if isinstance(panel, Segments) else _matrix(panel)


# -- seven segments ---------------------------------------------------------------------------------------------------
def _segments(panel: Segments) -> Image.Image:
    step = _DIGIT_WIDTH + 20
    width, height = 2 * _MARGIN + step * len(panel.digits), 2 * _MARGIN + _DIGIT_HEIGHT
    large = Image.new("RGB", (width * _SMOOTH, height * _SMOOTH), FACE)
    glow = Image.new("RGB", large.size, (0, 0, 0))
    for place, digit in enumerate(panel.digits):
        for pen, dark in ((ImageDraw.Draw(large), True), (ImageDraw.Draw(glow), False)):
            _digit(pen, digit, _MARGIN + place * step, dark=dark)
    light = glow.filter(ImageFilter.GaussianBlur(3 * _SMOOTH))
    lit = Image.composite(Image.blend(large, light, 0.35), large, light.convert("L").point(lambda grey: min(grey, 120)))
    return _framed(Image.composite(large, lit, glow.convert("L").point(lambda grey: 255 if grey else 0)))


def _digit(pen: ImageDraw.ImageDraw, digit: Digit, x: float, *, dark: bool) -> None:
    """The segments of a digit whose upper left corner is at `x` and the margin; with the dark ones, or without."""
    for bit, shape in enumerate(_SHAPES):
        on = bool(digit.mask >> bit & 1)
        if on or dark:
            pen.polygon([_at(x, point) for point in shape], fill=LIT if on else UNLIT)
    if digit.point or dark:
        cx, cy = _at(x, (_DIGIT_WIDTH + 7, _DIGIT_HEIGHT - _STROKE / 2))
        radius = _STROKE * 0.55 * _SMOOTH
        pen.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=LIT if digit.point else UNLIT)


def _at(x: float, point: tuple[float, float]) -> tuple[float, float]:
    """A point of a digit as a point of the enlarged picture, slanted."""
    px, py = point
    return (x + px + (_DIGIT_HEIGHT - py) * _SLANT) * _SMOOTH, (_MARGIN + py) * _SMOOTH


def _bar(x: float, y: float, length: float, *, upright: bool) -> list[tuple[float, float]]:
    """A segment with pointed ends: from (x, y) to the right, or down."""
    half, gap = _STROKE / 2, 1.5
    along = [(gap, 0.0), (gap + half, -half), (length - gap - half, -half)]
    along += [(length - gap, 0.0), (length - gap - half, half), (gap + half, half)]
    return [(x + b, y + a) if upright else (x + a, y + b) for a, b in along]


_L, _R, _M = _STROKE / 2, _DIGIT_WIDTH - _STROKE / 2, _DIGIT_HEIGHT / 2
_T, _B = _STROKE / 2, _DIGIT_HEIGHT - _STROKE / 2
_SHAPES: Final = (
    _bar(_L, _T, _R - _L, upright=False),
    _bar(_R, _T, _M - _T, upright=True),
    _bar(_R, _M, _B - _M, upright=True),
    _bar(_L, _B, _R - _L, upright=False),
    _bar(_L, _M, _B - _M, upright=True),
    _bar(_L, _T, _M - _T, upright=True),
    _bar(_L, _M, _R - _L, upright=False),
)
"""Segments a to g."""


# -- dots -------------------------------------------------------------------------------------------------------------
def _matrix(panel: Matrix) -> Image.Image:
    width, height = max(map(len, panel.dots), default=1), max(len(panel.dots), 1)
    dots = [min(dot, len(COLOURS) - 1) for row in panel.dots for dot in row.ljust(width, b"\0")] or [0]
    plain = Image.new("RGB", (width, height))
    plain.putdata([COLOURS[dot] for dot in dots])
    large = plain.resize((width * DOT, height * DOT), Image.Resampling.NEAREST)
    mask = _dot_mask().resize((DOT, DOT), Image.Resampling.LANCZOS)
    holes = Image.new("L", large.size, 0)
    for y in range(height):
        for x in range(width):
            holes.paste(mask, (x * DOT, y * DOT))
    face = Image.composite(large, Image.new("RGB", large.size, (14, 14, 15)), holes)
    bright = Image.new("RGB", (width, height))
    bright.putdata([COLOURS[dot] if dot else (0, 0, 0) for dot in dots])
    light = bright.resize(large.size, Image.Resampling.NEAREST).filter(ImageFilter.GaussianBlur(DOT * 0.45))
    glow = Image.composite(light, Image.new("RGB", large.size), Image.new("L", large.size, 90))
    return _framed(ImageChops.add(face, glow), smooth=1)


def _dot_mask() -> Image.Image:
    size = DOT * _SMOOTH
    mask = Image.new("L", (size, size), 0)
    ImageDraw.Draw(mask).ellipse((size * 0.1, size * 0.1, size * 0.9, size * 0.9), fill=255)
    return mask


def _framed(face: Image.Image, smooth: int = _SMOOTH) -> Image.Image:
    """The face of a board in its case."""
    small = face.resize((face.width // smooth, face.height // smooth), Image.Resampling.LANCZOS)
    case = Image.new("RGB", (small.width + 16, small.height + 16), CASE)
    case.paste(small, (8, 8))
    return case
