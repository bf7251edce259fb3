"""Executes tokens: what a printer's head and knife then do, line by line (protocols.md 4.1).

`Composer.apply` is pure bookkeeping: it turns each token into `paper.Action`s and knows no time; whoever has a
mechanism (the emulated printer) carries them out in time, whoever only reads (`print_sheets`) at once.

Not modelled, and said in `warnings` when met: page mode, NV and downloaded logos, macros, quarter-turn rotation,
Kanji, the bars of one-dimensional codes (their place is kept).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from typing import ClassVar

from protocol.escpos import codepages, qr
from protocol.escpos.images import MOST_STORED, Columns, RasterRows, stored_picture
from protocol.escpos.paper import (
    Action,
    Advance,
    Barcode,
    Bits,
    Cut,
    Piece,
    Row,
    Run,
    Sheet,
    Style,
    Symbol,
    sheets,
)
from protocol.escpos.profiles import TM_T88, PrinterProfile
from protocol.escpos.settings import AT_LINE_START, SETTERS, Settings, restoring
from protocol.escpos.tokenizer import Token, tokenize

QR_LEVELS = {0x30: "L", 0x31: "M", 0x32: "Q", 0x33: "H"}
MOST_GATHERED = {"GS ( k": 7200, "GS ( L": 1 << 16, "GS 8 L": MOST_STORED}
"""Commands whose data is put together before it is executed, and how much of it a printer can store."""

MOST_WARNINGS = 32
NOT_MODELLED = {
    "ESC L": "page mode is not modelled; what follows is printed as it comes",
    "ESC V": "quarter-turn rotation is not drawn",
    "FS p": "no logo is stored; nothing is printed for it",
    "GS /": "no image was downloaded; nothing is printed for it",
    "GS ^": "macros are not modelled",
    "FS &": "Kanji characters are not modelled",
    "ESC %": "user-defined characters are not modelled",
    "incomplete": "the stream ends inside a command",
}


class Composer:
    """One printer's interpreter.

    Args:
        profile: width, fonts, code pages.

    Attributes:
        warnings: what was met that is not printed as the real printer would, each once.
    """

    def __init__(self, profile: PrinterProfile = TM_T88) -> None:
        self.profile = profile
        self.warnings: list[str] = []
        self._settings = Settings(spacing=profile.line_spacing)
        self._pieces: list[Piece] = []
        self._x = 0
        self._symbol = b""
        self._stored: Bits | None = None
        self._sink: Callable[[Token], list[Action]] | None = None

    # -- for whoever drives it --------------------------------------------------------------------------------------
    @property
    def line_open(self) -> bool:
        """Something stands in the print buffer that is not on paper yet."""
        return bool(self._pieces)

    @property
    def symbol_size(self) -> int:
        """Edge of the stored QR symbol in dots (GS ( k function 52 asks); 0 when it cannot be printed."""
        fit = qr.fit(self._symbol, self._settings.qr_level)
        return fit.modules * self._settings.qr_module if fit else 0

    def clear_line(self) -> None:
        """Forget the print buffer and any data half received; settings stay."""
        self._pieces = []
        self._x = 0
        self._sink = None

    def reset(self) -> None:
        """ESC @, power-on: default settings, empty print buffer."""
        self.clear_line()
        self._settings = Settings(spacing=self.profile.line_spacing)
        self._symbol = b""
        self._stored = None

    def preamble(self) -> bytes:
        """Commands that bring a printer from power-on to the settings in force (QR data and pictures apart)."""
        return restoring(self._settings, self.profile)

    def apply(self, token: Token) -> list[Action]:
        """Execute one token.

        Returns:
            What the mechanism has to do, in order; often nothing yet (text waits in the print buffer).
        """
        if token.name == "data":
            return self._data(token)
        self._sink = None
        if token.name == "text":
            return self._text(token.data)
        if token.follows and token.name not in _STREAMED:
            return self._gather(token)
        setter = SETTERS.get(token.name)
        if setter is not None:
            if token.name not in AT_LINE_START or self._at_line_start(token.name):
                self._warn(setter(self._settings, token, self.profile))
            return []
        execute = self.COMMANDS.get(token.name)
        if execute is not None:
            return execute(self, token)
        if token.name == "unknown" and len(token.raw) > 1:
            self._warn(f"unknown command {token.raw.hex(' ').upper()} was passed over")
        elif token.name in NOT_MODELLED:
            self._warn(NOT_MODELLED[token.name])
        return []

    def _warn(self, text: str | None) -> None:
        if text is not None and text not in self.warnings and len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(text)

    # -- data that comes in pieces ----------------------------------------------------------------------------------
    def _data(self, token: Token) -> list[Action]:
        sink = self._sink
        if sink is None:
            return []
        actions = sink(token)
        if not token.follows:
            self._sink = None
        return actions

    def _gather(self, head: Token) -> list[Action]:
        limit = MOST_GATHERED.get(head.name)
        if limit is None:
            return []  # a download nothing here uses
        if head.follows > limit:
            self._warn(f"{head.name} with {head.follows} bytes is more than the printer stores; it is passed over")
            return []
        gathered = bytearray()

        def take(token: Token) -> list[Action]:
            gathered.extend(token.data)
            if token.follows:
                return []
            return self.apply(Token(head.name, head.raw, head.head, bytes(gathered)))

        self._sink = take
        return []

    # -- text -------------------------------------------------------------------------------------------------------
    @property
    def _width(self) -> int:
        """Dots across the printing area."""
        return max(1, min(self._settings.area, self.profile.width_dots - self._settings.left))

    def _text(self, data: bytes) -> list[Action]:
        settings = self._settings
        table = codepages.table(self.profile.code_pages.get(settings.page, "cp437"))
        style = settings.style
        cell, height = self._cell(style)
        actions: list[Action] = []
        for code in data:
            char = table[code]
            if settings.international and code < 0x80:
                char = _international(settings.international, char)
            if unicodedata.combining(char):
                self._combine(char)
                continue
            if self._x + cell > self._width and self._pieces:
                actions += self._feed_line()
            last = self._pieces[-1] if self._pieces else None
            if isinstance(last, Run) and last.style == style and last.x + last.width == self._x:
                self._pieces[-1] = last._replace(text=last.text + char)
            else:
                self._pieces.append(Run(self._x, char, style, cell, height))
            self._x += cell
        if table[0xFE] == codepages.UNKNOWN and any(c >= 0x80 for c in data):
            name = self.profile.code_pages[settings.page]
            if not codepages.is_supported(name):
                self._warn(f"character table {settings.page} ({name}) is not known: its letters cannot be read")
        return actions

    def _combine(self, mark: str) -> None:
        """Put a combining mark on the letter before it, as the head overprints it."""
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, Run):
            composed = unicodedata.normalize("NFC", last.text[-1] + mark)
            if len(composed) == 1:
                self._pieces[-1] = last._replace(text=last.text[:-1] + composed)
                return
        self._warn("a tone mark without a letter that can carry it was not printed")

    def _cell(self, style: Style) -> tuple[int, int]:
        width, height = self.profile.fonts[style.font]
        return (width + style.spacing) * style.width, height * style.height

    # -- lines ------------------------------------------------------------------------------------------------------
    def _take_line(self) -> Row | None:
        """The print buffer as a row, aligned; it is empty afterwards."""
        pieces, self._pieces = self._pieces, []
        used, self._x = self._x, 0
        if not pieces:
            return None
        shift = self._settings.left + max(0, self._width - used) * self._settings.align // 2
        return Row(max(p.height for p in pieces), tuple(p._replace(x=p.x + shift) for p in pieces))

    def _feed_line(self, dots: int | None = None) -> list[Action]:
        row = self._take_line()
        move = max(self._settings.spacing if dots is None else dots, row.height if row else 0)
        return [Advance(move, row)] if move else []

    def _block(self, piece: Bits | Symbol | Barcode) -> list[Action]:
        """A piece on a row of its own, aligned, the paper moving by its height."""
        shift = self._settings.left + max(0, self._width - piece.width) * self._settings.align // 2
        return [Advance(piece.height, Row(piece.height, (piece._replace(x=shift),)))]

    def _at_line_start(self, what: str) -> bool:
        if self._pieces:
            self._warn(f"{what} is executed only at the beginning of a line; it was passed over")
        return not self._pieces

    def _initialize(self, _: Token) -> list[Action]:
        self.reset()
        return []

    def _line_feed(self, _: Token) -> list[Action]:
        return self._feed_line()

    def _feed_dots(self, token: Token) -> list[Action]:
        return self._feed_line(self._settings.y_dots(token.head[0], self.profile))

    def _feed_lines(self, token: Token) -> list[Action]:
        return self._feed_line(token.head[0] * self._settings.spacing)

    # -- commands: position -----------------------------------------------------------------------------------------
    def _move_to(self, x: int) -> list[Action]:
        if 0 <= x <= self._width:
            self._x = x
        return []

    def _tab(self, _: Token) -> list[Action]:
        cell = self._cell(self._settings.style)[0]
        for column in self._settings.tabs:
            if column * cell > self._x:
                return self._move_to(column * cell)
        return []

    def _absolute(self, token: Token) -> list[Action]:
        return self._move_to(self._settings.x_dots(int.from_bytes(token.head, "little"), self.profile))

    def _relative(self, token: Token) -> list[Action]:
        n = int.from_bytes(token.head, "little", signed=True)
        return self._move_to(self._x + self._settings.x_dots(n, self.profile))

    # -- commands: pictures and codes -------------------------------------------------------------------------------
    def _raster(self, token: Token) -> list[Action]:
        mode = token.head[0] & 0x0F
        stride = int.from_bytes(token.head[1:3], "little")
        if not stride or mode > 3 or not self._at_line_start("GS v 0 (raster image)"):
            return []
        rows = RasterRows(stride, -(-self._width // 8), 2 if mode & 1 else 1, 2 if mode & 2 else 1)

        def take(part: Token) -> list[Action]:
            bits = rows.take(part.data)
            return self._block(bits) if bits is not None else []

        if token.follows:
            self._sink = take
            return []
        return take(token)

    def _bit_image(self, token: Token) -> list[Action]:
        if len(token.head) < 3:
            self._warn(f"ESC * has no mode {token.head[0]}")
            return []
        columns = Columns(token.head[0], self._width - self._x)

        def take(part: Token) -> list[Action]:
            columns.take(part.data)
            if not part.follows and (found := columns.bits(self._x)) is not None:
                bits, width = found
                self._pieces.append(bits)
                self._x += width
            return []

        if token.follows:
            self._sink = take
            return []
        return take(token)

    def _two_dimensional(self, token: Token) -> list[Action]:
        kind, function, *rest = (*token.data[:3], 0, 0)
        settings = self._settings
        if kind != 0x31:
            self._warn(f"two-dimensional code {kind:02X} is not printed; only QR (31) is")
        elif function == 0x41 and rest[0] != 0x32:
            self._warn("only QR model 2 is printed")
        elif function == 0x43 and 1 <= rest[0] <= 16:
            settings.qr_module = rest[0]
        elif function == 0x45 and rest[0] in QR_LEVELS:
            settings.qr_level = QR_LEVELS[rest[0]]
        elif function == 0x50:
            self._symbol = token.data[3:]
        elif function == 0x51 and self._at_line_start("GS ( k (QR symbol)"):
            return self._qr()
        return []

    def _qr(self) -> list[Action]:
        settings = self._settings
        fit = qr.fit(self._symbol, settings.qr_level)
        if fit is None:
            self._warn(f"no QR symbol holds the {len(self._symbol)} bytes stored; nothing is printed")
            return []
        symbol = Symbol(0, self._symbol, fit.version, fit.mode, settings.qr_level, fit.modules, settings.qr_module)
        if symbol.width > self._width:
            self._warn(f"the QR symbol is {symbol.width} dots wide, the area {self._width}; nothing is printed")
            return []
        return self._block(symbol)

    def _graphics(self, token: Token) -> list[Action]:
        function = token.data[1:2]
        if function == b"\x70":
            self._stored = stored_picture(token.data, -(-self._width // 8))
            if self._stored is None:
                self._warn("GS ( L (graphics): a picture of another kind, or shorter than announced; not stored")
        elif function in (b"\x02", b"\x32") and self._stored is not None and self._at_line_start("GS ( L (graphics)"):
            stored, self._stored = self._stored, None
            return self._block(stored)
        return []

    def _barcode(self, token: Token) -> list[Action]:
        if not token.data or not self._at_line_start("GS k (barcode)"):
            return []
        self._warn("the bars of one-dimensional codes are not drawn")
        settings = self._settings
        width = min(self._width, (11 * len(token.data) + 35) * settings.bar_module)
        actions = self._block(Barcode(0, token.head[0], token.data, width, settings.bar_height))
        if settings.bar_text & 3:
            text = token.data[2:] if token.head[0] == 73 and token.data[:1] == b"{" else token.data
            self._text(bytes(c for c in text if 0x20 <= c < 0x7F))
            actions += self._feed_line(0)
        return actions

    # -- commands: cutting ------------------------------------------------------------------------------------------
    def _cut(self, token: Token) -> list[Action]:
        mode = token.head[0]
        if not self._at_line_start("GS V (cut)"):
            return []
        if mode in (0, 1, 0x30, 0x31):
            return [Cut(partial=mode in (1, 0x31))]
        if mode in (65, 66, 97, 98, 103, 104):
            move = self.profile.cutter_dots + self._settings.y_dots(token.head[1], self.profile)
            return [Advance(move), Cut(partial=mode in (66, 98, 104))]
        return []

    def _old_cut(self, token: Token) -> list[Action]:
        return [Cut(partial=True)] if self._at_line_start(f"{token.name} (cut)") else []

    COMMANDS: ClassVar[dict[str, Callable[[Composer, Token], list[Action]]]] = {
        "LF": _line_feed,
        "HT": _tab,
        "ESC @": _initialize,
        "ESC J": _feed_dots,
        "ESC d": _feed_lines,
        "ESC $": _absolute,
        "ESC \\": _relative,
        "GS v 0": _raster,
        "ESC *": _bit_image,
        "GS ( k": _two_dimensional,
        "GS ( L": _graphics,
        "GS 8 L": _graphics,
        "GS k": _barcode,
        "GS V": _cut,
        "ESC i": _old_cut,
        "ESC m": _old_cut,
    }
    """What each command that moves, prints or cuts does; the others are in `settings.SETTERS`."""


def _international(row: int, char: str) -> str:
    place = codepages.INTERNATIONAL_PLACES.find(char)
    return codepages.INTERNATIONAL[row][place] if place >= 0 else char


_STREAMED = frozenset(("GS v 0", "ESC *"))


def compose(tokens: Iterable[Token], profile: PrinterProfile = TM_T88) -> tuple[list[Action], list[str]]:
    """What the mechanism does for some tokens, and what could not be printed as on the real printer."""
    composer = Composer(profile)
    actions = [action for token in tokens for action in composer.apply(token)]
    return actions, composer.warnings


def print_sheets(data: bytes, profile: PrinterProfile = TM_T88) -> list[Sheet]:
    """The sheets that a printer just switched on makes of some bytes."""
    return sheets(compose(tokenize(data), profile)[0], profile)
