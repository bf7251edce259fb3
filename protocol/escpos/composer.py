"""Executes tokens: what a printer's head and knife then do, line by line (protocols.md 4.1).

`Composer.apply` is pure bookkeeping: it turns each token into `paper.Action`s and knows no time; whoever has a
mechanism (the emulated printer) carries them out in time, whoever only reads (`print_sheets`) at once. Text, lines,
positions and page mode are here; the commands that ask for them are in `do_lines`, codes in `do_codes`, pictures in
`do_pictures`.

Rules are those of the TM-T88III specification's command pages [S] unless a comment says otherwise. Not modelled, and
said in `warnings` when met: macros, user-defined characters, Kanji, two-dimensional codes other than QR.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import TypeAlias

from protocol.escpos import codepages, do_codes, do_lines, do_pictures, qr
from protocol.escpos.page import Area, PageBuffer, fit_area
from protocol.escpos.paper import Action, Advance, Barcode, Bits, Row, Run, Sheet, Style, Symbol, sheets
from protocol.escpos.profiles import TM_T88, PrinterProfile
from protocol.escpos.settings import AT_LINE_START, SETTERS, power_on, restoring
from protocol.escpos.stored_images import NV_SIZE, StoredImages
from protocol.escpos.tokenizer import Token, tokenize

MOST_GATHERED = {
    "GS ( k": 7200,
    "GS ( L": 1 << 16,
    "GS 8 L": NV_SIZE + 16,
    "FS q image": NV_SIZE,
    "GS *": 1 << 17,
    "ESC Z": 7200,
    "GS k": 255,
}
"""Commands whose data is put together before it is executed, and how much of it a printer can store."""

MOST_IN_LINE = 256
"""Pieces kept of one line; a real line holds dots, so that characters printed over each other need no room."""

MOST_WARNINGS = 32
UNTOLD = frozenset(("unknown", "ESC &", "ESC & character", "FS 2"))
"""What nothing here prints: a ticket is told without it, lest it swallow what follows when something is left out."""

NOT_MODELLED = {
    "GS :": "macros are not modelled",
    "GS ^": "macros are not modelled",
    "FS &": "Kanji characters are not modelled",
    "ESC %": "user-defined characters are not modelled",
    "incomplete": "the stream ends inside a command",
}

_MARK = re.compile("[\u0300-\u036f]")
Line: TypeAlias = Run | Bits | Symbol | Barcode


class Composer:
    """One printer's interpreter.

    Args:
        profile: width, fonts, code pages.

    Attributes:
        warnings: what was met that is not printed as the real printer would, each once.
        settings: in force now.
        images: pictures it keeps.
        symbol: data of the QR symbol that GS ( k has stored.
        told: of the token applied last, the bytes that have the same effect on paper on a printer that keeps no
            pictures: definitions are left out, and what prints a kept picture has it inside.
        sink: takes the data tokens that follow.
    """

    def __init__(self, profile: PrinterProfile = TM_T88) -> None:
        self.profile = profile
        self.warnings: list[str] = []
        self.settings = power_on(profile)
        self.images = StoredImages()
        self.symbol = b""
        self.symbol_told = False
        self.told = b""
        self.sink: Callable[[Token], list[Action]] | None = None
        self._pieces: list[Line] = []
        self._x = 0
        self._page: PageBuffer | None = None
        self._again = 0

    # -- for whoever drives it --------------------------------------------------------------------------------------
    @property
    def line_open(self) -> bool:
        """Something stands in the print buffer that is not on paper yet."""
        return bool(self._pieces) or self._page is not None

    @property
    def symbol_size(self) -> int:
        """Edge of the stored QR symbol in dots (GS ( k function 82 asks); 0 when it cannot be printed."""
        fit = qr.fit(self.symbol, self.settings.qr_level)
        return fit.modules * self.settings.qr_module if fit else 0

    @property
    def page_mode(self) -> bool:
        """A page is being put together."""
        return self._page is not None

    def clear_line(self) -> None:
        """Forget the print buffer, a page with it, and any data half received; settings stay."""
        self._pieces = []
        self._x = 0
        self.sink = None
        if self._page is not None:
            self._leave_page()

    def reset(self) -> None:
        """ESC @: default settings, empty print buffer, downloaded images forgotten."""
        self.clear_line()
        self.settings = power_on(self.profile)
        self.symbol = b""
        self.images.forget_volatile()

    def preamble(self) -> bytes:
        """Commands that bring a printer from power-on to the settings in force (see `told` for the rest)."""
        self.symbol_told = False
        return restoring(self.settings, self.profile)

    def apply(self, token: Token) -> list[Action]:
        """Execute one token.

        Returns:
            What the mechanism has to do, in order; often nothing yet (text waits in the print buffer).
        """
        name = token.name
        self.told = token.raw
        if name == "data":
            return self._data(token)
        self.sink = None
        if name == "text":
            return self.text(token.data)
        if token.follows and name not in do_pictures.STREAMED:
            return self._gather(token)
        setter = SETTERS.get(name)
        if setter is not None:
            if name not in AT_LINE_START or self._page is not None or self.at_line_start(name):
                self.warn(setter(self.settings, token, self.profile))
            return []
        execute = COMMANDS.get(name)
        if execute is not None:
            return execute(self, token)
        if name in UNTOLD:
            self.told = b""
        if name == "unknown" and len(token.raw) > 1:
            self.warn(f"unknown command {token.raw.hex(' ').upper()} was passed over")
        elif name in NOT_MODELLED:
            self.warn(NOT_MODELLED[name])
        return []

    def warn(self, text: str | None) -> None:
        """Keep a warning, once."""
        if text is not None and text not in self.warnings and len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(text)

    # -- data that comes in pieces ----------------------------------------------------------------------------------
    def _data(self, token: Token) -> list[Action]:
        sink = self.sink
        if sink is None:
            self.told = b""
            return []
        actions = sink(token)
        if not token.follows:
            self.sink = None
        return actions

    def _gather(self, head: Token) -> list[Action]:
        self.told = b""
        limit = MOST_GATHERED.get(head.name)
        if limit is None:
            return []  # a download nothing here uses
        if head.follows > limit:
            self.warn(f"{head.name} with {head.follows} bytes is more than the printer stores; it is passed over")
            return []
        gathered = bytearray()

        def take(token: Token) -> list[Action]:
            gathered.extend(token.data)
            self.told = b""
            if token.follows:
                return []
            return self.apply(Token(head.name, head.raw + gathered, head.head, bytes(gathered)))

        self.sink = take
        return []

    def as_normal_data(self, data: bytes) -> list[Action]:
        """What a command did not take is text and commands like everything else."""
        if self._again >= 8:
            return []
        told = self.told
        self._again += 1
        actions = [action for token in tokenize(data) for action in self.apply(token)]
        self._again -= 1
        self.told = told
        return actions

    # -- text -------------------------------------------------------------------------------------------------------
    @property
    def width(self) -> int:
        """Dots across the printing area, in the direction of the text."""
        if self._page is not None:
            return self._page.across
        return max(1, min(self.settings.area, self.profile.width_dots - self.settings.left))

    @property
    def x(self) -> int:
        """Print position, dots from the printing area's left edge."""
        return self._x

    def text(self, data: bytes) -> list[Action]:
        """Put characters into the print buffer; a full line prints itself."""
        settings = self.settings
        name = self.profile.code_pages.get(settings.page, "cp437")
        table = codepages.table(name)
        style = settings.style
        if self._page is not None and (style.upside_down or style.turned):
            style = style._replace(upside_down=False, turned=False)
        actions: list[Action] = []
        text = codepages.read(data, table, settings.international)
        if codepages.marks(name) and _MARK.search(text):
            text = unicodedata.normalize("NFC", text)
        start = 0
        for lonely in _MARK.finditer(text):  # its letter came before, or takes no such mark
            self._put(text[start : lonely.start()], style, actions)
            self._combine(lonely.group())
            start = lonely.end()
        self._put(text[start:] if start else text, style, actions)
        if not codepages.is_supported(name) and any(c >= 0x80 for c in data):
            self.warn(f"character table {settings.page} ({name}) is not known: its letters cannot be read")
        return actions

    def _put(self, text: str, style: Style, actions: list[Action]) -> None:
        cell, height = self._cell(style)
        while text:
            room = (self.width - self._x) // cell
            if room <= 0:
                if self._pieces:
                    actions += self.feed_line()
                    continue
                room = 1
            part, text = text[:room], text[room:]
            last = self._pieces[-1] if self._pieces else None
            if isinstance(last, Run) and last.style == style and last.x + last.width == self._x:
                self._pieces[-1] = last._replace(text=last.text + part)
            else:
                self._add(Run(self._x, part, style, cell, height))
            self._x += len(part) * cell

    def _add(self, piece: Line) -> None:
        if len(self._pieces) < MOST_IN_LINE:
            self._pieces.append(piece)
        else:
            self.warn("more is printed over each other in one line than can be kept; the rest is not printed")

    def _combine(self, mark: str) -> None:
        """Put a combining mark on the letter before it, as the head overprints it."""
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, Run):
            composed = unicodedata.normalize("NFC", last.text[-1] + mark)
            if len(composed) == 1:
                self._pieces[-1] = last._replace(text=last.text[:-1] + composed)
                return
        self.warn("a tone mark without a letter that can carry it was not printed")

    def _cell(self, style: Style) -> tuple[int, int]:
        """Dots across and down of one character; a turned one lies on its side, enlarged in its own directions."""
        width, height = self.profile.fonts[style.font]
        if style.turned:
            return height * style.height + style.spacing, width * style.width
        return (width + style.spacing) * style.width, height * style.height

    # -- lines ------------------------------------------------------------------------------------------------------
    def _take_line(self) -> Row | None:
        """The print buffer as a row, aligned; it is empty afterwards."""
        pieces, self._pieces = self._pieces, []
        used, self._x = self._x, 0
        if not pieces:
            return None
        settings = self.settings
        shift = settings.left + max(0, self.width - used) * settings.align // 2
        height = max(p.height for p in pieces)
        if settings.style.upside_down:
            # The whole line is turned, so what was at its left is at its right (ESC {).
            ends = 2 * settings.left + self.width - shift
            return Row(height, tuple(p._replace(x=max(0, ends - p.x - p.width)) for p in pieces))
        return Row(height, tuple(p._replace(x=p.x + shift) for p in pieces))

    def feed_line(self, dots: int | None = None) -> list[Action]:
        """Print the line and feed: the line spacing, or some dots; in page mode the base line moves."""
        move = self.settings.spacing if dots is None else dots
        if self._page is not None:
            self._flush()
            self._x = 0
            self._page.y += move
            return []
        row = self._take_line()
        move = max(move, row.height if row else 0)
        return [Advance(move, row)] if move else []

    def _flush(self) -> None:
        """Put the line into the page; the print position stays."""
        page, pieces = self._page, self._pieces
        assert page is not None
        self._pieces = []
        for piece in pieces:
            self._put_on_page(page, piece, piece.x, page.y)

    def _put_on_page(self, page: PageBuffer, piece: Line, x: int, end: int) -> None:
        if not page.put(piece, x, end):
            self.warn("the page holds more than can be kept; the rest is not printed")

    def block(self, piece: Bits | Symbol | Barcode, under: Run | None = None, above: Run | None = None) -> list[Action]:
        """A piece on a row of its own, aligned, with text above and under it; in page mode at the print position."""
        if self._page is not None:
            return self._block_in_page(piece, under, above)
        shift = self.settings.left + max(0, self.width - piece.width) * self.settings.align // 2
        actions: list[Action] = []
        for part in (above, piece, under):
            if part is not None:
                middle = shift if part is piece else shift + (piece.width - part.width) // 2
                limit = max(0, self.profile.width_dots - part.width)
                row = Row(part.height, (part._replace(x=min(max(0, middle), limit)),))
                actions.append(Advance(part.height, row))
        return actions

    def _block_in_page(self, piece: Bits | Symbol | Barcode, under: Run | None, above: Run | None) -> list[Action]:
        page = self._page
        assert page is not None
        self._flush()
        self._put_on_page(page, piece, self._x, page.y)
        for text, end in ((above, page.y - piece.height), (under, page.y + (under.height if under else 0))):
            if text is not None:
                self._put_on_page(page, text, max(0, self._x + (piece.width - text.width) // 2), end)
        self._x += piece.width
        return []

    def append(self, piece: Bits, width: int) -> None:
        """A picture among the characters of a line (ESC *)."""
        self._add(piece)
        self._x += width

    def at_line_start(self, what: str) -> bool:
        """Whether a command that only works at the beginning of a line can be executed; says so if not."""
        if self._pieces and self._page is None:
            self.warn(f"{what} is executed only at the beginning of a line; it was passed over")
            return False
        return True

    # -- page mode --------------------------------------------------------------------------------------------------
    def enter_page(self) -> None:
        """ESC L."""
        settings = self.settings
        whole = (0, 0, self.profile.width_dots, self.profile.page_dots)
        area = self._area(settings.page_area or whole) or Area(*whole)
        self._page = PageBuffer(area, settings.turn, self.profile.fonts["A"][1], self.profile.width_dots)
        settings.change_mode()
        self._x = 0

    def _leave_page(self) -> None:
        self._page = None
        self._pieces = []
        self._x = 0
        self.settings.page_area = None
        self.settings.change_mode()

    def _area(self, words: tuple[int, int, int, int]) -> Area | None:
        return fit_area(words, self.profile.width_dots, self.profile.page_dots)

    def print_page(self, *, keep: bool) -> list[Action]:
        """FF (and back to standard mode) or ESC FF (`keep`); nothing in standard mode."""
        page = self._page
        if page is None:
            return []
        self._flush()
        actions: list[Action] = [*page.printed()]
        if not keep:
            self._leave_page()
        return actions

    def change_page(self, *, turn: int | None = None, area: tuple[int, int, int, int] | None = None) -> None:
        """ESC T and ESC W: now, or for the next page."""
        settings = self.settings
        if turn is not None:
            settings.turn = turn
        fitted = self._area(area) if area is not None else None
        if self._page is None:
            settings.page_area = fitted or settings.page_area
        else:
            self._flush()
            fitted = fitted if area is not None else self._page.area
            if fitted is not None:
                self._page.begin(fitted, settings.turn)
                self._x = 0

    def forget_area(self) -> None:
        """CAN."""
        if self._page is not None:
            self._pieces = []
            self._x = 0
            self._page.forget_area()

    def leave_page(self) -> None:
        """ESC S: back to standard mode; what the page had is gone."""
        if self._page is not None:
            self._leave_page()

    def move_down_to(self, y: int, *, relative: bool) -> None:
        r"""GS $ and GS \: the base line, within the area; nothing in standard mode."""
        page = self._page
        if page is None:
            return
        line = self.profile.fonts["A"][1]
        to = page.y + y if relative else line + y
        if 0 <= to <= page.down + line:
            self._flush()
            page.y = to

    # -- position ---------------------------------------------------------------------------------------------------
    def move_to(self, x: int) -> None:
        """Set the print position; one outside the printing area is ignored."""
        if 0 <= x <= self.width:
            self._x = x

    def tab(self) -> None:
        """HT: to the next tab, if there is one."""
        cell = self._cell(self.settings.style)[0]
        ahead = next((column * cell for column in self.settings.tabs if column * cell > self._x), None)
        if ahead is not None:
            self.move_to(ahead)


COMMANDS: dict[str, Callable[[Composer, Token], list[Action]]] = {
    **do_lines.COMMANDS,
    **do_codes.COMMANDS,
    **do_pictures.COMMANDS,
}
"""What each command that moves, prints or cuts does; the others are in `settings.SETTERS`."""


def compose(tokens: Iterable[Token], profile: PrinterProfile = TM_T88) -> tuple[list[Action], list[str]]:
    """What the mechanism does for some tokens, and what could not be printed as on the real printer."""
    composer = Composer(profile)
    actions = [action for token in tokens for action in composer.apply(token)]
    return actions, composer.warnings


def print_sheets(data: bytes, profile: PrinterProfile = TM_T88) -> list[Sheet]:
    """The sheets that a printer just switched on makes of some bytes."""
    return sheets(compose(tokenize(data), profile)[0], profile)
