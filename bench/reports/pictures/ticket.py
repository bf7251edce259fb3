"""A ticket as a picture: the dots a printer burned, one pixel each, from the bytes it printed.

`draw` is a pure function of the bytes and the printer's profile. Characters come from IBM Plex Mono (SIL Open Font
License, `bench/reports/fonts`), set once in the printer's cell and then enlarged dot by dot, as a printer does it. QR
symbols are drawn by segno, without a quiet zone: a printer prints none.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import segno
from PIL import Image, ImageDraw, ImageFont, ImageOps

from protocol.escpos.composer import print_sheets
from protocol.escpos.paper import Barcode, Bits, Piece, Row, Run, Sheet, Symbol
from protocol.escpos.profiles import TM_T88, PrinterProfile

WHITE, BLACK = 255, 0
GAP = 24
"""Dots between two sheets in one picture, with a dashed line where the knife fell."""

_FACES = {False: "IBMPlexMono-Regular.ttf", True: "IBMPlexMono-Bold.ttf"}
_INK = 110
"""Grey value below which a dot is burned: a little heavier than half, as the head's dots run into each other."""


def draw(data: bytes, profile: PrinterProfile = TM_T88) -> Image.Image:
    """The paper that comes out of a printer for some bytes.

    Args:
        data: as the `printed` note of a ticket printer tells them.
        profile: the printer; its `width_dots` are the picture's width.

    Returns:
        A picture of mode "1", one pixel a dot; several sheets one below the other. Bytes that put nothing on paper
        give a strip one dot high.
    """
    sheets = [draw_sheet(sheet, profile) for sheet in print_sheets(data, profile)]
    if not sheets:
        return Image.new("1", (profile.width_dots, 1), WHITE)
    height = sum(sheet.height for sheet in sheets) + GAP * (len(sheets) - 1)
    picture = Image.new("1", (profile.width_dots, height), WHITE)
    y = 0
    for i, sheet in enumerate(sheets):
        if i:
            pen = ImageDraw.Draw(picture)
            for x in range(0, profile.width_dots, 16):
                pen.line((x, y + GAP // 2, x + 7, y + GAP // 2), fill=BLACK)
            y += GAP
        picture.paste(sheet, (0, y))
        y += sheet.height
    return picture


def draw_sheet(sheet: Sheet, profile: PrinterProfile = TM_T88) -> Image.Image:
    """One sheet, mode "1", from edge to edge; rows that a cut went through are cut in the picture too."""
    picture = Image.new("L", (profile.width_dots, max(1, sheet.height)), WHITE)
    for y, row in sheet.rows:
        _draw_row(picture, y, row, profile)
    return picture.point(lambda grey: WHITE if grey >= 128 else BLACK).convert("1", dither=Image.Dither.NONE)


def _draw_row(picture: Image.Image, y: int, row: Row, profile: PrinterProfile) -> None:
    for piece in row.pieces:
        top = y + row.height - piece.height
        if top < picture.height and top + piece.height > 0:
            picture.paste(_dots(piece, profile), (piece.x, top))


def _dots(piece: Piece, profile: PrinterProfile) -> Image.Image:
    if isinstance(piece, Run):
        return _text(piece, profile)
    if isinstance(piece, Bits):
        return _bits(piece)
    if isinstance(piece, Symbol):
        return _qr(piece)
    return _unread(piece, profile)


def _bits(piece: Bits) -> Image.Image:
    plain = Image.frombytes("1", (piece.stride * 8, piece.rows), bytes(0xFF ^ byte for byte in piece.data))
    return plain.convert("L").resize((piece.width, piece.height), Image.Resampling.NEAREST)


def _qr(piece: Symbol) -> Image.Image:
    content: Any = piece.data if piece.mode == "byte" else piece.data.decode("ascii")
    symbol = segno.make_qr(content, error=piece.level, version=piece.version, mode=piece.mode, boost_error=False)
    size = len(symbol.matrix)
    plain = Image.new("L", (size, size), WHITE)
    plain.putdata([BLACK if module else WHITE for line in symbol.matrix for module in line])
    return plain.resize((piece.width, piece.height), Image.Resampling.NEAREST)


def _unread(piece: Barcode, profile: PrinterProfile) -> Image.Image:
    """The place of a code whose bars are not drawn: a frame with its data."""
    box = Image.new("L", (piece.width, piece.height), WHITE)
    pen = ImageDraw.Draw(box)
    pen.rectangle((0, 0, piece.width - 1, piece.height - 1), outline=BLACK)
    text = "".join(chr(c) if 0x20 <= c < 0x7F else "." for c in piece.data)
    pen.text((6, 6), text, font=_face(profile.fonts["A"], bold=False), fill=BLACK)
    return box


def _text(run: Run, profile: PrinterProfile) -> Image.Image:
    style = run.style
    cell = profile.fonts[style.font]
    width = cell[0] + style.spacing
    plain = Image.new("L", (width * len(run.text), cell[1]), WHITE)
    for i, char in enumerate(run.text):
        if char != " ":
            plain.paste(_glyph(char, cell, bold=style.bold), (i * width, 0))
    if style.underline:
        ImageDraw.Draw(plain).rectangle((0, cell[1] - style.underline, plain.width, cell[1]), fill=BLACK)
    if style.reverse:
        plain = ImageOps.invert(plain)
    if style.upside_down:
        plain = plain.rotate(180)
    if style.width == style.height == 1:
        return plain
    return plain.resize((plain.width * style.width, plain.height * style.height), Image.Resampling.NEAREST)


@functools.lru_cache(maxsize=2048)
def _glyph(char: str, cell: tuple[int, int], *, bold: bool) -> Image.Image:
    """One character in its cell, black or white, standing on the line all characters of the font stand on.

    A capital with two marks is taller than the cell: its marks are then pressed together, and the letter made a dot
    lower, as printers' own fonts draw such letters.
    """
    width, height = cell
    base = _base_line(cell)
    face = _face(cell, bold=bold)
    grey = Image.new("L", (width, 2 * height), WHITE)
    ImageDraw.Draw(grey).text((width / 2, base + height), char, font=face, fill=BLACK, anchor="ms")
    ink = ImageOps.invert(grey).getbbox()
    if ink is not None and ink[1] < height:
        capital = -round(face.getbbox("H", anchor="ms")[1])
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
def _face(cell: tuple[int, int], *, bold: bool) -> ImageFont.FreeTypeFont:
    """The font at the size whose characters are as wide as the cell (they are 0.6 em)."""
    path = resources.files("bench.reports") / "fonts" / _FACES[bold]
    with resources.as_file(path) as file:
        return ImageFont.truetype(str(file), size=cell[0] / 0.6)
