"""What commands set and ESC @ resets: a table of setters, each a few lines (protocols.md 4.1).

A setter gets the settings, the command's parameters and the printer's profile; it changes the settings or says in one
line why it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from protocol.escpos import codepages
from protocol.escpos.paper import Style
from protocol.escpos.profiles import PrinterProfile
from protocol.escpos.tokenizer import Token

DEFAULT_TABS = tuple(range(8, 256, 8))


@dataclass(slots=True)
class Settings:
    """The settings of one printer; lengths in dots.

    Attributes:
        style: font, size and looks of the next characters.
        emphasis: ESC E.
        double_strike: ESC G; either makes `style.bold`.
        align: 0 left, 1 centre, 2 right.
        page: character table (ESC t).
        international: national characters (ESC R).
        spacing: what a line feed moves.
        left: left margin.
        area: width of the printing area, cut to what the paper leaves.
        unit_x: motion units an inch across, 0 the default (one dot).
        unit_y: motion units an inch down, 0 the default (one dot).
        tabs: columns.
        qr_module: dots of a QR module.
        qr_level: error correction of QR symbols.
        bar_height: dots of a barcode.
        bar_module: dots of its narrowest bar.
        bar_text: where its text stands, 0 nowhere, 1 above, 2 below, 3 both.
        bar_font: font of that text.
        turn: direction of page mode, n of ESC T.
        page_area: x, y, dx, dy that the next page begins with (ESC W in standard mode), None for the whole page.
        other: line spacing and character spacing of the mode not in force (page mode has its own).
    """

    style: Style = field(default_factory=Style)
    emphasis: bool = False
    double_strike: bool = False
    align: int = 0
    page: int = 0
    international: int = 0
    spacing: int = 30
    left: int = 0
    area: int = 0xFFFF
    unit_x: int = 0
    unit_y: int = 0
    tabs: tuple[int, ...] = DEFAULT_TABS
    qr_module: int = 3
    qr_level: str = "L"
    bar_height: int = 162
    bar_module: int = 3
    bar_text: int = 0
    bar_font: str = "A"
    turn: int = 0
    page_area: tuple[int, int, int, int] | None = None
    other: tuple[int, int] = (30, 0)

    def change_mode(self) -> None:
        """Take the spacings of the other mode (ESC L, ESC S, FF)."""
        mine = (self.spacing, self.style.spacing)
        self.spacing, spacing = self.other
        self.style = self.style._replace(spacing=spacing)
        self.other = mine

    def x_dots(self, n: int, profile: PrinterProfile) -> int:
        """Motion units across, as dots."""
        return n if not self.unit_x else round(n * profile.dpi / self.unit_x)

    def y_dots(self, n: int, profile: PrinterProfile) -> int:
        """Motion units down, as dots."""
        return n if not self.unit_y else round(n * profile.dpi / self.unit_y)


Setter: TypeAlias = Callable[[Settings, Token, PrinterProfile], str | None]


def _little(token: Token) -> int:
    return int.from_bytes(token.head[:2], "little")


def _choice(n: int, most: int) -> int | None:
    """A parameter given as a number or as its digit; None when out of range (then nothing changes)."""
    n = n - 0x30 if n >= 0x30 else n
    return n if n <= most else None


def _bold(settings: Settings) -> None:
    settings.style = settings.style._replace(bold=settings.emphasis or settings.double_strike)


def _print_mode(settings: Settings, token: Token, _: PrinterProfile) -> None:
    n = token.head[0]
    settings.emphasis = bool(n & 0x08)
    settings.style = settings.style._replace(
        font="B" if n & 1 else "A",
        height=2 if n & 0x10 else 1,
        width=2 if n & 0x20 else 1,
        underline=1 if n & 0x80 else 0,
    )
    _bold(settings)


def _size(settings: Settings, token: Token, _: PrinterProfile) -> None:
    width, height = (token.head[0] >> 4) + 1, (token.head[0] & 0x0F) + 1
    if max(width, height) <= 8:
        settings.style = settings.style._replace(width=width, height=height)


def _emphasis(settings: Settings, token: Token, _: PrinterProfile) -> None:
    settings.emphasis = bool(token.head[0] & 1)
    _bold(settings)


def _double_strike(settings: Settings, token: Token, _: PrinterProfile) -> None:
    settings.double_strike = bool(token.head[0] & 1)
    _bold(settings)


def _font(settings: Settings, token: Token, _: PrinterProfile) -> str | None:
    n = _choice(token.head[0], 1)
    if n is None:
        return f"font {token.head[0]} does not exist; the one in force stays"
    settings.style = settings.style._replace(font="AB"[n])
    return None


def _underline(settings: Settings, token: Token, _: PrinterProfile) -> None:
    n = _choice(token.head[0], 2)
    if n is not None:
        settings.style = settings.style._replace(underline=n)


def _reverse(settings: Settings, token: Token, _: PrinterProfile) -> None:
    settings.style = settings.style._replace(reverse=bool(token.head[0] & 1))


def _upside_down(settings: Settings, token: Token, _: PrinterProfile) -> None:
    settings.style = settings.style._replace(upside_down=bool(token.head[0] & 1))


def _quarter_turn(settings: Settings, token: Token, _: PrinterProfile) -> None:
    n = _choice(token.head[0], 2)
    if n is not None:
        settings.style = settings.style._replace(turned=n > 0)


def _right_space(settings: Settings, token: Token, profile: PrinterProfile) -> None:
    settings.style = settings.style._replace(spacing=min(255, settings.x_dots(token.head[0], profile)))


def _align(settings: Settings, token: Token, _: PrinterProfile) -> None:
    n = _choice(token.head[0], 2)
    if n is not None:
        settings.align = n


def _code_page(settings: Settings, token: Token, profile: PrinterProfile) -> str | None:
    if token.head[0] not in profile.code_pages:
        return f"the printer has no character table {token.head[0]}; the one in force stays"
    settings.page = token.head[0]
    return None


def _national(settings: Settings, token: Token, _: PrinterProfile) -> str | None:
    if token.head[0] >= len(codepages.INTERNATIONAL):
        return f"international character set {token.head[0]} is not known; the one in force stays"
    settings.international = token.head[0]
    return None


def _default_spacing(settings: Settings, _: Token, profile: PrinterProfile) -> None:
    settings.spacing = profile.line_spacing


def _spacing(settings: Settings, token: Token, profile: PrinterProfile) -> None:
    settings.spacing = settings.y_dots(token.head[0], profile)


def _units(settings: Settings, token: Token, _: PrinterProfile) -> None:
    settings.unit_x, settings.unit_y = token.head


def _margin(settings: Settings, token: Token, profile: PrinterProfile) -> None:
    settings.left = min(settings.x_dots(_little(token), profile), profile.width_dots - 1)


def _area(settings: Settings, token: Token, profile: PrinterProfile) -> None:
    settings.area = min(0xFFFF, max(1, settings.x_dots(_little(token), profile)))


def _tabs(settings: Settings, token: Token, _: PrinterProfile) -> None:
    rising: list[int] = []
    for column in token.data:
        if rising and column <= rising[-1]:
            break
        rising.append(column)
    settings.tabs = tuple(rising)


def _bar_height(settings: Settings, token: Token, _: PrinterProfile) -> None:
    if token.head[0]:
        settings.bar_height = token.head[0]


def _bar_module(settings: Settings, token: Token, profile: PrinterProfile) -> str | None:
    n = token.head[0]
    if not profile.least_module <= n <= 6:
        return f"barcode module width is {profile.least_module} to 6 dots, not {n}; the one in force stays"
    settings.bar_module = n
    return None


def _bar_text(settings: Settings, token: Token, _: PrinterProfile) -> None:
    n = _choice(token.head[0], 3)
    if n is not None:
        settings.bar_text = n


def _bar_font(settings: Settings, token: Token, _: PrinterProfile) -> None:
    n = _choice(token.head[0], 1)
    if n is not None:
        settings.bar_font = "AB"[n]


SETTERS: dict[str, Setter] = {
    "ESC !": _print_mode,
    "GS !": _size,
    "ESC M": _font,
    "ESC -": _underline,
    "ESC E": _emphasis,
    "ESC G": _double_strike,
    "GS B": _reverse,
    "ESC {": _upside_down,
    "ESC SP": _right_space,
    "ESC a": _align,
    "ESC t": _code_page,
    "ESC R": _national,
    "ESC 2": _default_spacing,
    "ESC 3": _spacing,
    "ESC D": _tabs,
    "GS L": _margin,
    "GS W": _area,
    "GS P": _units,
    "GS h": _bar_height,
    "GS w": _bar_module,
    "GS H": _bar_text,
    "GS f": _bar_font,
    "ESC V": _quarter_turn,
}
"""What each setting command does."""

AT_LINE_START = frozenset(("ESC a", "ESC {", "GS L", "GS W"))
"""Settings that are executed only at the beginning of a line."""


def power_on(profile: PrinterProfile) -> Settings:
    """The settings of power-on and ESC @."""
    return Settings(spacing=profile.line_spacing, other=(profile.line_spacing, 0))


def _spacing_command(dots: int, dpi: int) -> bytes:
    """ESC 3 for a spacing in dots; more than 255 of them need a motion unit, which is taken back at once."""
    if dots <= 0xFF:
        return b"\x1b3" + bytes([dots])
    for unit in range(1, 256):
        n = round(dots * unit / dpi)
        if n <= 0xFF and round(n * dpi / unit) == dots:
            return b"\x1dP\x00" + bytes([unit]) + b"\x1b3" + bytes([n]) + b"\x1dP\x00\x00"
    return b"\x1b3\xff"


def restoring(now: Settings, profile: PrinterProfile) -> bytes:
    """Commands that bring a printer from power-on to these settings."""
    default = power_on(profile)
    style, plain = now.style, default.style
    page = _spacing_command(now.other[0], profile.dpi) + b"\x1b " + bytes([now.other[1]])
    area = b"".join(n.to_bytes(2, "little") for n in now.page_area or ())
    rows: tuple[tuple[object, object, bytes], ...] = (
        # Lengths are kept in dots, so they are told before any motion unit is.
        (now.other, default.other, b"\x1bL" + page + b"\x1bS"),
        (now.page_area, default.page_area, b"\x1bW" + area),
        (style.spacing, plain.spacing, b"\x1b " + bytes([style.spacing])),
        (now.spacing, default.spacing, _spacing_command(now.spacing, profile.dpi)),
        (now.left, default.left, b"\x1dL" + now.left.to_bytes(2, "little")),
        (now.area, default.area, b"\x1dW" + now.area.to_bytes(2, "little")),
        ((now.unit_x, now.unit_y), (0, 0), b"\x1dP" + bytes([now.unit_x, now.unit_y])),
        (now.page, default.page, b"\x1bt" + bytes([now.page])),
        (now.international, default.international, b"\x1bR" + bytes([now.international])),
        (style.font, plain.font, b"\x1bM\x01"),
        (style[1:3], plain[1:3], b"\x1d!" + bytes([(style.width - 1) << 4 | (style.height - 1)])),
        (now.emphasis, default.emphasis, b"\x1bE\x01"),
        (now.double_strike, default.double_strike, b"\x1bG\x01"),
        (style.underline, plain.underline, b"\x1b-" + bytes([style.underline])),
        (style.reverse, plain.reverse, b"\x1dB\x01"),
        (style.upside_down, plain.upside_down, b"\x1b{\x01"),
        (now.align, default.align, b"\x1ba" + bytes([now.align])),
        (now.tabs, default.tabs, b"\x1bD" + bytes(now.tabs) + b"\0"),
        (now.qr_module, default.qr_module, b"\x1d(k\x03\x00\x31\x43" + bytes([now.qr_module])),
        (now.qr_level, default.qr_level, b"\x1d(k\x03\x00\x31\x45" + bytes([0x30 + "LMQH".index(now.qr_level)])),
        (now.bar_height, default.bar_height, b"\x1dh" + bytes([now.bar_height])),
        (now.bar_module, default.bar_module, b"\x1dw" + bytes([now.bar_module])),
        (now.bar_text, default.bar_text, b"\x1dH" + bytes([now.bar_text])),
        (now.bar_font, default.bar_font, b"\x1df\x01"),
        (style.turned, plain.turned, b"\x1bV\x01"),
        (now.turn, default.turn, b"\x1bT" + bytes([now.turn])),
    )
    return b"".join(command for value, usual, command in rows if value != usual)
