"""Codes on paper: QR symbols and one-dimensional codes (protocols.md 4.1; TM-T88III specification, GS k [S]).

A code that does not fit, or whose data its system does not take, is not printed: the paper only feeds, and what was not
taken is printed as text, as on the real printer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from protocol.escpos import barcodes, qr
from protocol.escpos.paper import Action, Advance, Barcode, Run, Style, Symbol
from protocol.escpos.tokenizer import Token

if TYPE_CHECKING:
    from protocol.escpos.composer import Composer

QR_LEVELS = {0x30: "L", 0x31: "M", 0x32: "Q", 0x33: "H"}


def _two_dimensional(composer: Composer, token: Token) -> list[Action]:
    """GS ( k: functions of QR symbols (cn = 31)."""
    kind, function, *rest = (*token.data[:3], 0, 0)
    settings = composer.settings
    if kind != 0x31:
        composer.warn(f"two-dimensional code {kind:02X} is not printed; only QR (31) is")
    elif function == 0x41 and rest[0] != 0x32:
        composer.warn("only QR model 2 is printed")
    elif function == 0x43 and 1 <= rest[0] <= 16:
        settings.qr_module = rest[0]
    elif function == 0x45 and rest[0] in QR_LEVELS:
        settings.qr_level = QR_LEVELS[rest[0]]
    elif function == 0x50:
        composer.symbol = token.data[3:]
        composer.symbol_told = True
    elif function == 0x51 and composer.at_line_start("GS ( k (QR symbol)"):
        return _stored_qr(composer, token)
    return []


def _stored_qr(composer: Composer, token: Token) -> list[Action]:
    if not composer.symbol_told and composer.symbol:
        body = b"\x31\x50\x30" + composer.symbol
        composer.told = b"\x1d(k" + len(body).to_bytes(2, "little") + body + token.raw
        composer.symbol_told = True
    return _qr(composer, composer.symbol, composer.settings.qr_level, composer.settings.qr_module)


def _qr(composer: Composer, data: bytes, level: str, module: int) -> list[Action]:
    fit = qr.fit(data, level)
    if fit is None:
        composer.warn(f"no QR symbol holds the {len(data)} bytes stored; nothing is printed")
        return []
    symbol = Symbol(0, data, fit.version, fit.mode, level, fit.modules, module)
    if symbol.width > composer.width:
        composer.warn(f"the QR symbol is {symbol.width} dots wide, the area {composer.width}; nothing is printed")
        return []
    return composer.block(symbol)


def _clone_qr(composer: Composer, token: Token) -> list[Action]:
    """ESC Z m n k dL dH d...: version (0 chooses), error correction, module size; on 58 mm mechanisms [R]."""
    if not composer.profile.clone_qr:
        composer.warn("ESC Z is a command of other printers; it was passed over")
        return []
    level, module = token.head[1], token.head[2]
    name = chr(level) if chr(level) in "LMQH" else "LMQH"[level & 3]
    if not composer.at_line_start("ESC Z (QR symbol)"):
        return []
    return _qr(composer, token.data, name, min(16, max(1, module)))


def _barcode(composer: Composer, token: Token) -> list[Action]:
    """GS k, both forms."""
    m = token.head[0]
    system = barcodes.system_of(m)
    counted = len(token.head) == 2
    if system not in barcodes.NAMES:
        composer.warn(f"one-dimensional code {m} is not drawn; nothing is printed for it")
        return []
    if not composer.at_line_start("GS k (barcode)"):
        return composer.as_normal_data(token.raw[3:])
    used = token.data if counted else token.data[: barcodes.most_used(system)]
    rest = token.data[len(used) :]
    settings = composer.settings
    try:
        bars = barcodes.encode(system, used, settings.bar_module)
    except barcodes.Refused as refused:
        composer.warn(f"{barcodes.NAMES[system]} {used!r} is not printed: {refused}")
        return _only_feeds(composer, used[refused.at + 1 :] + rest if refused.at is not None else rest)
    if bars.width > composer.width:
        name = barcodes.NAMES[system]
        composer.warn(f"{name} {used!r} is {bars.width} dots wide, the area {composer.width}; the paper only feeds")
        return _only_feeds(composer, rest)
    piece = Barcode(0, system, used, bars.width, settings.bar_height, bars.widths)
    text = _readable(composer, bars.text)
    above, under = (text if settings.bar_text & bit else None for bit in (1, 2))
    return [*composer.block(piece, under, above), *composer.as_normal_data(rest)]


def _only_feeds(composer: Composer, rest: bytes) -> list[Action]:
    feed: list[Action] = [] if composer.page_mode else [Advance(composer.settings.bar_height)]
    return feed + composer.as_normal_data(rest)


def _readable(composer: Composer, text: str) -> Run:
    """The text of a code (HRI): its own font, no other print mode."""
    font = composer.settings.bar_font
    cell, height = composer.profile.fonts[font]
    fits = max(1, composer.width // cell)
    return Run(0, text[:fits], Style(font=font), cell, height)


COMMANDS: dict[str, Callable[[Composer, Token], list[Action]]] = {
    "GS ( k": _two_dimensional,
    "ESC Z": _clone_qr,
    "GS k": _barcode,
}
