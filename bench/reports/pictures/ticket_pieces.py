"""The pieces that stand on a ticket, each as its own small picture: characters, pictures, codes, pages.

Every picture is of mode "L", pure black and white, one pixel a dot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import segno
from PIL import Image, ImageDraw, ImageOps

from bench.reports.pictures.typeface import BLACK, WHITE, glyph
from protocol.escpos.barcodes import edges
from protocol.escpos.paper import Barcode, Bits, Page, Panel, Piece, Run, Symbol
from protocol.escpos.profiles import PrinterProfile

_QUARTER_TURN = Image.Transpose.ROTATE_270
"""Pillow counts turns against the clock."""

_TURNS = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
"""Direction of a page's area (ESC T) -> how what was set in it is turned on the paper."""


def dots(piece: Piece, profile: PrinterProfile) -> Image.Image:
    """The dots of one piece."""
    return _DRAW[type(piece)](piece, profile)


def burn(picture: Image.Image, part: Image.Image, x: int, y: int) -> None:
    """Put a piece on paper: dots add to what is there, white takes nothing away."""
    picture.paste(BLACK, (x, y), ImageOps.invert(part))


def _bits(piece: Bits, _: PrinterProfile) -> Image.Image:
    plain = Image.frombytes("1", (piece.stride * 8, piece.rows), piece.data, "raw", "1;I").convert("L")
    if piece.scale_x == piece.scale_y == 1:
        return plain
    return plain.resize((piece.width, piece.height), Image.Resampling.NEAREST)


def _symbol(piece: Symbol, _: PrinterProfile) -> Image.Image:
    content: Any = piece.data if piece.mode == "byte" else piece.data.decode("ascii")
    symbol = segno.make_qr(content, error=piece.level, version=piece.version, mode=piece.mode, boost_error=False)
    size = len(symbol.matrix)
    modules = bytes(BLACK if module else WHITE for line in symbol.matrix for module in line)
    plain = Image.frombytes("L", (size, size), modules)
    return plain.resize((piece.width, piece.height), Image.Resampling.NEAREST)


def _barcode(piece: Barcode, _: PrinterProfile) -> Image.Image:
    line = Image.new("L", (piece.width, 1), WHITE)
    for first, end in edges(piece.bars):
        line.paste(BLACK, (first, 0, end, 1))
    return line.resize((piece.width, piece.height), Image.Resampling.NEAREST)


def _run(run: Run, profile: PrinterProfile) -> Image.Image:
    style = run.style
    cell = profile.fonts[style.font]
    if style.turned:
        return _turned(run, cell)
    width = cell[0] + style.spacing
    plain = Image.new("L", (width * len(run.text), cell[1]), WHITE)
    for i, char in enumerate(run.text):
        if char != " ":
            plain.paste(glyph(char, cell, bold=style.bold), (i * width, 0))
    if style.underline:
        ImageDraw.Draw(plain).rectangle((0, cell[1] - style.underline, plain.width, cell[1]), fill=BLACK)
    if style.reverse:
        plain = ImageOps.invert(plain)
    if style.upside_down:
        plain = plain.transpose(Image.Transpose.ROTATE_180)
    if style.width == style.height == 1:
        return plain
    return plain.resize((plain.width * style.width, plain.height * style.height), Image.Resampling.NEAREST)


def _turned(run: Run, cell: tuple[int, int]) -> Image.Image:
    """Characters that lie on their side, one beside the other; underlining does not apply to them (ESC -)."""
    style = run.style
    plain = Image.new("L", (run.width, run.height), BLACK if style.reverse else WHITE)
    for i, char in enumerate(run.text):
        one = glyph(char, cell, bold=style.bold)
        one = one.resize((cell[0] * style.width, cell[1] * style.height), Image.Resampling.NEAREST)
        one = one.transpose(_QUARTER_TURN)
        plain.paste(ImageOps.invert(one) if style.reverse else one, (i * run.cell, 0))
    return plain.transpose(Image.Transpose.ROTATE_180) if style.upside_down else plain


def _page(page: Page, profile: PrinterProfile) -> Image.Image:
    picture = Image.new("L", (page.width, page.height), WHITE)
    for panel in page.panels:
        burn(picture, _panel(panel, profile), panel.x, panel.y)
    return picture


def _panel(panel: Panel, profile: PrinterProfile) -> Image.Image:
    """One area; what leaves it is not on it."""
    picture = Image.new("L", (panel.across, panel.down), WHITE)
    for spot in panel.spots:
        if spot.y < picture.height and spot.y + spot.piece.height > 0:
            burn(picture, dots(spot.piece, profile), spot.x, spot.y)
    turn = _TURNS.get(panel.turn)
    return picture if turn is None else picture.transpose(turn)


_DRAW: dict[type, Callable[[Any, PrinterProfile], Image.Image]] = {
    Run: _run,
    Bits: _bits,
    Symbol: _symbol,
    Barcode: _barcode,
    Page: _page,
}
