"""Widgets that are drawn line by line from `rich.text.Text`, and redrawn only when the lines have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.content import Content
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
    console = widget.app.console
    segments = line.render(console, end="")
    if line.style:
        base = base + console.get_style(line.style)
    return Strip(Segment.apply_style(segments, base)).adjust_cell_length(columns, base)


class Drawn(Widget):
    """A widget whose content is `lines()`, empty unless a kind of widget says otherwise; `tick` looks for changes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._shown: list[Text] = []
        self._titled = ""

    @property
    def look(self) -> Look:
        """What to draw with."""
        return view_of(self).look

    def lines(self, columns: int, rows: int) -> list[Text]:
        """The content, for so many columns and rows."""
        return []

    def tick(self) -> None:
        """Draw again if anything has changed."""
        columns, rows = self.size
        lines = self.lines(columns, rows) if columns and rows else []
        if lines != self._shown:
            self._shown = lines
            self.refresh()

    def title(self, text: str) -> None:
        """Put a text into the frame; it is not read as markup."""
        if text != self._titled:
            self._titled = text
            self.border_title = Content(text)

    def on_resize(self) -> None:
        """Another size is another content."""
        self.tick()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        base = self.rich_style
        if y >= len(self._shown):
            return Strip.blank(self.size.width, base)
        return strip_of(self._shown[y], self.size.width, base, self)
