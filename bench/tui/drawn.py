"""Widgets that are drawn line by line from `rich.text.Text`, and redrawn only when the lines have changed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from bench.tui.faces import Look
    from bench.tui.view import HallView

__all__ = ["Drawn", "strip_of", "view_of"]


def view_of(widget: Any) -> HallView:
    """The application that a widget or screen belongs to."""
    return cast("HallView", widget.app)


def strip_of(line: Text, columns: int, base: Style, widget: Widget) -> Strip:
    """A line of text on the ground of its widget, exactly so many columns wide."""
    if line.style:
        base = _on(line.style, base)
    text, at = line.plain, 0
    segments: list[Segment] = []
    for start, end, style in line.spans:
        if start < at:  # styles that lie over each other: Rich knows how
            return Strip(Segment.apply_style(line.render(widget.app.console, end=""), base)).adjust_cell_length(
                columns, base
            )
        if start > at:
            segments.append(Segment(text[at:start], base))
        if end > start:
            segments.append(Segment(text[start:end], _on(style, base)))
        at = end
    if at < len(text):
        segments.append(Segment(text[at:], base))
    return Strip(segments).adjust_cell_length(columns, base)


@lru_cache(maxsize=2048)
def _on(style: str | Style, base: Style) -> Style:
    """A style on a ground; there are few of both, and each is asked for many times a second."""
    return base + (Style.parse(style) if isinstance(style, str) else style)


class Drawn(Widget):
    """A widget whose content is `lines()`, empty unless a kind of widget says otherwise; `tick` looks for changes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._shown: list[Text] = []
        self._titled = ""
        self._ground: Style | None = None

    @property
    def look(self) -> Look:
        """What to draw with."""
        return view_of(self).look

    def lines(self, columns: int, rows: int) -> list[Text]:
        """The content, for so many columns and rows."""
        return []

    def tick(self) -> None:
        """Draw again the lines that have changed."""
        columns, rows = self.size
        lines = self.lines(columns, rows) if columns and rows else []
        before = self._shown
        if lines is before:
            return
        self._shown = lines
        if len(lines) != len(before):
            self.refresh()
            return
        changed = [y for y, line in enumerate(lines) if line != before[y] or line.style != before[y].style]
        if changed:
            self.refresh(*(Region(0, y, columns, 1) for y in changed))

    def title(self, text: str) -> None:
        """Put a text into the frame; it is not read as markup."""
        if text != self._titled:
            self._titled = text
            self.border_title = Content(text)

    def on_resize(self) -> None:
        """Another size is another content."""
        self.tick()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines of the screen; their ground is looked up once for all of them."""
        self._ground = self.rich_style
        try:
            return super().render_lines(crop)
        finally:
            self._ground = None

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        base = self._ground or self.rich_style
        if y >= len(self._shown):
            return Strip.blank(self.size.width, base)
        return strip_of(self._shown[y], self.size.width, base, self)
