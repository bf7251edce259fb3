"""What an LED matrix shows at an instant: a page, how it came, and what was there before. A pure function of time.

The document names the modes and says in words how each moves (Tables 65 to 67); it gives no seconds in the parts that
are known here. Speeds, the time a page takes to come, and the flash are therefore assumed: `HOLD`, `COME`, `TRAVEL`,
`FLASH`. Special modes other than interlock and slide bring their page at once: their pictures are not drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from firmware_sim.device import MS, NS
from firmware_sim.devices.alpha_compose import MOVING, PITCH, Column, Line, Page
from firmware_sim.devices.dot_font import HEIGHT

HOLD: Final = (0, 8000 * MS, 6000 * MS, 4500 * MS, 3000 * MS, 1500 * MS)
"""Speed 1 slow .. 5 fast -> how long a page stands, ns; 0 is "no hold" (assumed)."""

COME: Final = (400 * MS, 1600 * MS, 1200 * MS, 800 * MS, 400 * MS, 200 * MS)
"""Speed -> how long a page takes to come, ns (assumed)."""

TRAVEL: Final = (60, 20, 30, 45, 60, 90)
"""Speed -> columns of dots a second of a travelling text (assumed)."""

FLASH: Final = 500 * MS
"""How long flashing dots are lit, and then dark (assumed)."""


Dots = tuple[bytes, ...]
"""Rows of dots from the top; each dot a colour, 0 dark, 1 red, 2 green, 3 amber, 4 dim red, 5 dim green, 6 brown,
7 orange, 8 yellow."""


class Shown(NamedTuple):
    """What a person sees.

    Args:
        dots: the matrix.
        texts: what can be read in each row, from the top: the last text that stood, or passed, there whole.
    """

    dots: Dots
    texts: tuple[str, ...]


class Screen:
    """A matrix of LEDs.

    Args:
        rows: lines of text.
        width: columns of dots.

    Attributes:
        height: rows of dots: eight for each line, but the last dark one.
        texts: what can be read in each row once the page has come.
    """

    def __init__(self, rows: int, width: int) -> None:
        self.rows = rows
        self.width = width
        self.height = rows * PITCH - 1
        self.clear(0)

    def clear(self, now: int) -> None:
        """Make it dark."""
        self._page: Page | None = None
        self._before: Dots = (bytes(self.width),) * self.height
        self._since = now
        self._come = 0
        self._lasts: int | None = None
        self._way = ""
        self.texts = ("",) * self.rows
        self._read_before = self.texts

    def show(self, now: int, page: Page, way: str = "", *, endless: bool = False) -> None:
        """Bring a page.

        Args:
            now: when it begins to come, ns.
            page: what is to be shown.
            way: how it comes; by default as its mode says.
            endless: it stands until something else is brought.
        """
        self._before = self._dots(now, dark=False)
        self._read_before = self.read(now)
        self._since = now
        self._way = way or page.mode
        if page.mode in MOVING:
            rate = TRAVEL[page.speed]
            self._come = -(-len(page.lines[0].columns) * NS // rate)
            self._lasts = self._come + -(-self.width * NS // rate)
        else:
            self._come = COME[page.speed] if self._way in _WAYS else 0
            self._lasts = None if endless else max(self._come + HOLD[page.speed], COME[-1])
        self._place(page)

    def replace(self, page: Page) -> None:
        """Change what stands, without moving it: a STRING file that the page calls, or the clock, has changed."""
        if page.mode not in MOVING:
            self._place(page)

    def _place(self, page: Page) -> None:
        self._page = page
        texts = list(self._read_before)
        if page.mode == "scroll":
            texts = [*texts[1:], page.lines[0].text]
        else:
            for row, line in enumerate(page.lines, page.first):
                texts[row] = line.text
        self.texts = tuple(texts)

    def limit(self, now: int) -> None:
        """Let a page that stood for good stand for its time from now on: others have come that want their turn."""
        if self._page is not None and self._lasts is None:
            self._lasts = now - self._since + HOLD[self._page.speed]

    def changes(self, now: int) -> int | None:
        """The next instant at which something must be done: the page has come, or is over; None when it stays."""
        if self._page is None:
            return None
        if now < self._since + self._come:
            return self._since + self._come
        return None if self._lasts is None else self._since + self._lasts

    def over(self, now: int) -> bool:
        """Whether the page's time is over."""
        return self._page is None or (self._lasts is not None and now >= self._since + self._lasts)

    @property
    def page(self) -> Page | None:
        """The page that is shown."""
        return self._page

    def read(self, now: int) -> tuple[str, ...]:
        """What can be read in each row at an instant."""
        return self.texts if now >= self._since + self._come else self._read_before

    def at(self, now: int) -> Shown:
        """What is seen at an instant."""
        dark = now >= self._since and (now - self._since) // FLASH % 2 == 1
        return Shown(self._dots(now, dark=dark), self.read(now))

    def _dots(self, now: int, *, dark: bool) -> Dots:
        """The dots at an instant; dark: those that flash are."""
        page = self._page
        if page is None:
            return self._before
        if page.mode in MOVING:
            return self._travelling(page, now, dark=dark)
        top = page.first * PITCH
        after = self._matrix(page, dark=dark)
        if page.mode == "scroll" and self.rows > 1:
            after = (*self._before[PITCH:], bytes(self.width), *after)
        if page.mode == "flash" and dark:
            after = (bytes(self.width),) * len(after)
        below = top + len(after)
        spent = now - self._since
        if spent < self._come:
            after = _WAYS[self._way](self._before[top:below], after, max(spent, 0), self._come)
        return (*self._before[:top], *after, *self._before[below:])

    def _matrix(self, page: Page, *, dark: bool) -> Dots:
        """The lines of a page as rows of dots."""
        found: list[bytes] = []
        for place, line in enumerate(page.lines):
            if place:
                found.append(bytes(self.width))
            found += self._set(line, left=page.left, dark=dark)
        return tuple(found)

    def _set(self, line: Line, *, left: bool, dark: bool) -> list[bytes]:
        columns = line.columns[: self.width]
        margin = 0 if left else (self.width - max(len(columns) - 1, 0)) // 2
        pad = (bytes(margin), bytes(max(self.width - margin - len(columns), 0)))
        return [(pad[0] + _row(columns, y, dark=dark) + pad[1])[: self.width] for y in range(HEIGHT)]

    def _travelling(self, page: Page, now: int, *, dark: bool) -> Dots:
        """A text that enters at the right and leaves at the left, pushing out what stood there."""
        offset = max(now - self._since, 0) * TRAVEL[page.speed] // NS
        top = page.first * PITCH
        rows = list(self._before)
        columns = page.lines[0].columns
        for y in range(HEIGHT):
            strip = self._before[top + y] + _row(columns, y, dark=dark) + bytes(self.width)
            rows[top + y] = strip[offset : offset + self.width].ljust(self.width, b"\0")
        return tuple(rows)


def _row(columns: Sequence[Column], y: int, *, dark: bool) -> bytes:
    return bytes(0 if dark and column.flash else column.dots[y] for column in columns)


# -- how one picture gives way to another: old, new, time spent, time it takes ----------------------------------------
_Way = Callable[[Dots, Dots, int, int], Dots]


def _across(way: Callable[[bytes, bytes, int], bytes]) -> _Way:
    """Row by row: old row, new row, columns done -> row."""

    def mixed(old: Dots, new: Dots, spent: int, takes: int) -> Dots:
        done = len(new[0]) * spent // takes
        return tuple(way(a, b, done) for a, b in zip(old, new, strict=True))

    return mixed


def _down(way: Callable[[Dots, Dots, int], Dots]) -> _Way:
    """All rows: old, new, rows done -> rows."""

    def mixed(old: Dots, new: Dots, spent: int, takes: int) -> Dots:
        return way(old, new, len(new) * spent // takes)

    return mixed


def _roll_in(old: bytes, new: bytes, done: int) -> bytes:
    half, edge = len(new) // 2, done // 2
    return new[half - edge : half] + old[edge : len(old) - edge] + new[half : half + edge]


def _roll_out(old: bytes, new: bytes, done: int) -> bytes:
    half, edge = len(new) // 2, done // 2
    return old[: half - edge] + new[:edge] + new[len(new) - edge :] + old[half + edge :]


def _wipe_in(old: bytes, new: bytes, done: int) -> bytes:
    edge = done // 2
    return new[:edge] + old[edge : len(old) - edge] + new[len(new) - edge :]


def _wipe_out(old: bytes, new: bytes, done: int) -> bytes:
    half, edge = len(new) // 2, done // 2
    return old[: half - edge] + new[half - edge : half + edge] + old[half + edge :]


def _roll_left(old: bytes, new: bytes, done: int) -> bytes:
    return (old + new)[done : done + len(new)]


def _roll_right(old: bytes, new: bytes, done: int) -> bytes:
    return (new + old)[len(new) - done :][: len(new)]


def _interlock(old: Dots, new: Dots, spent: int, takes: int) -> Dots:
    """Every other row comes from the right, the rest from the left."""
    done = len(new[0]) * spent // takes
    ways = (_roll_left, _roll_right)
    return tuple(ways[y % 2](a, b, done) for y, (a, b) in enumerate(zip(old, new, strict=True)))


_WAYS: Final[dict[str, _Way]] = {
    "roll up": _down(lambda old, new, n: (old + new)[n : n + len(new)]),
    "roll down": _down(lambda old, new, n: (new + old)[len(new) - n :][: len(new)]),
    "roll left": _across(_roll_left),
    "roll right": _across(_roll_right),
    "wipe up": _down(lambda old, new, n: old[: len(old) - n] + new[len(new) - n :]),
    "wipe down": _down(lambda old, new, n: new[:n] + old[n:]),
    "wipe left": _across(lambda old, new, n: old[: len(old) - n] + new[len(new) - n :]),
    "wipe right": _across(lambda old, new, n: new[:n] + old[n:]),
    "roll in": _across(_roll_in),
    "roll out": _across(_roll_out),
    "wipe in": _across(_wipe_in),
    "wipe out": _across(_wipe_out),
    "scroll": _down(lambda old, new, n: (old + new)[n : n + len(new)]),
    "slide": _across(_roll_left),
    "interlock": _interlock,
}

AUTO: Final = ("roll up", "wipe right", "roll in", "roll left", "wipe down", "interlock", "wipe out", "roll down")
"""The ways that mode "auto" takes in turn; a real sign chooses as it likes."""
