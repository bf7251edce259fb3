"""A ticket as a picture: the dots a printer burned, one pixel each, from the bytes it printed.

`draw` is a pure function of the bytes and the printer's profile. QR symbols are drawn by segno, one-dimensional codes
from the widths that `protocol.escpos.barcodes` gives, both without a quiet zone: a printer prints none.
"""

from __future__ import annotations

from PIL import Image, ImageDraw

from bench.reports.pictures.ticket_pieces import burn, dots
from bench.reports.pictures.typeface import BLACK, WHITE
from protocol.escpos.composer import print_sheets
from protocol.escpos.paper import Row, Sheet
from protocol.escpos.profiles import TM_T88, PrinterProfile

GAP = 24
"""Dots between two sheets in one picture, with a dashed line where the knife fell."""

MOST_DOTS = 32_000
"""Highest picture, four metres of paper; what is longer is cut off, with a dashed line at its end."""


def draw(data: bytes, profile: PrinterProfile = TM_T88) -> Image.Image:
    """The paper that comes out of a printer for some bytes.

    Args:
        data: as the `printed` note of a ticket printer tells them.
        profile: the printer; its `width_dots` are the picture's width.

    Returns:
        A picture of mode "1", one pixel a dot; several sheets one below the other. Bytes that put nothing on paper
        give a strip one dot high. It is never higher than `MOST_DOTS`.
    """
    sheets = print_sheets(data, profile)
    if not sheets:
        return Image.new("1", (profile.width_dots, 1), WHITE)
    whole = sum(max(1, sheet.height) for sheet in sheets) + GAP * (len(sheets) - 1)
    picture = Image.new("L", (profile.width_dots, min(whole, MOST_DOTS)), WHITE)
    y = 0
    for i, sheet in enumerate(sheets):
        if i:
            _dash(picture, y + GAP // 2)
            y += GAP
        if y >= picture.height:
            break
        _draw_rows(picture, sheet, y, profile)
        y += max(1, sheet.height)
    if whole > MOST_DOTS:
        _dash(picture, picture.height - 1)
    return picture.convert("1", dither=Image.Dither.NONE)


def _draw_rows(picture: Image.Image, sheet: Sheet, top: int, profile: PrinterProfile) -> None:
    edge = min(max(1, sheet.height), picture.height - top)
    for y, row in sheet.rows:
        if y >= 0 and y + row.height <= edge:
            _draw_row(picture, top + y, row, profile)
        elif y < edge and y + row.height > 0:  # the knife went through it
            strip = Image.new("L", (picture.width, row.height), WHITE)
            _draw_row(strip, 0, row, profile)
            above, below = max(0, -y), min(row.height, edge - y)
            burn(picture, strip.crop((0, above, strip.width, below)), 0, top + y + above)


def _draw_row(picture: Image.Image, y: int, row: Row, profile: PrinterProfile) -> None:
    for piece in row.pieces:
        burn(picture, dots(piece, profile), piece.x, y + row.height - piece.height)


def _dash(picture: Image.Image, y: int) -> None:
    pen = ImageDraw.Draw(picture)
    for x in range(0, picture.width, 16):
        pen.line((x, y, x + 7, y), fill=BLACK)
