"""The characters of a printer's fonts, as dots: IBM Plex Mono (SIL Open Font License, `bench/reports/fonts`) in cells.

A printer's own typeface is its maker's; this one has every Vietnamese letter, is of one width as theirs are, and is set
once in the printer's cell, so that enlarging it doubles dots as a printer does.
"""

from __future__ import annotations

import functools
from importlib import resources

from PIL import Image, ImageDraw, ImageFont, ImageOps

WHITE, BLACK = 255, 0

FACES = {False: "IBMPlexMono-Regular.ttf", True: "IBMPlexMono-Bold.ttf"}
_INK = 110
"""Grey value below which a dot is burned: a little heavier than half, as the head's dots run into each other."""


@functools.lru_cache(maxsize=2048)
def glyph(char: str, cell: tuple[int, int], *, bold: bool) -> Image.Image:
    """One character in its cell, black or white, standing on the line all characters of the font stand on.

    A capital with two marks is taller than the cell: its marks are then pressed together, and the letter made a dot
    lower, as printers' own fonts draw such letters.
    """
    width, height = cell
    base = _base_line(cell)
    font = face(cell, bold=bold)
    grey = Image.new("L", (width, 2 * height), WHITE)
    ImageDraw.Draw(grey).text((width / 2, base + height), char, font=font, fill=BLACK, anchor="ms")
    ink = ImageOps.invert(grey).getbbox()
    if ink is not None and ink[1] < height:
        capital = -round(font.getbbox("H", anchor="ms")[1])
        waist = base + height - capital
        marks = grey.crop((0, ink[1], width, waist)).resize((width, base - capital + 1), Image.Resampling.LANCZOS)
        letter = grey.crop((0, waist, width, base + height)).resize((width, capital - 1), Image.Resampling.LANCZOS)
        grey.paste(marks, (0, height))
        grey.paste(letter, (0, height + marks.height))
    return grey.crop((0, height, width, 2 * height)).point(lambda value: BLACK if value < WHITE - _INK else WHITE)


def _base_line(cell: tuple[int, int]) -> int:
    """Dots from the cell's top to the base line: just room below for g and for the dot under a tone letter."""
    return round(cell[1] * 0.82)


@functools.lru_cache(maxsize=8)
def face(cell: tuple[int, int], *, bold: bool) -> ImageFont.FreeTypeFont:
    """The font at the size whose characters are as wide as the cell (they are 0.6 em)."""
    path = resources.files("bench.reports") / "fonts" / FACES[bold]
    with resources.as_file(path) as file:
        return ImageFont.truetype(str(file), size=cell[0] / 0.6)
