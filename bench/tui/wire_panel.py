"""The wire log as a widget: only the rows that can be seen are worded and drawn, however many come."""

from __future__ import annotations

from typing import Any, Final

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from bench.tui.drawn import strip_of, view_of
from bench.tui.text import centred, fit, joined
from bench.tui.wire import Wire, worded

__all__ = ["WireLog"]

_LINE_COLUMNS: Final = 12


class WireLog(ScrollView, can_focus=True):
    """The latest rows of the wire.

    Args:
        wire: the memory that is shown.
    """

    HELP = "help_wire"
    BINDINGS = [  # noqa: RUF012  # as Textual wants it
        Binding("up,k", "move(-1)", "row up", show=False, id="wire.up"),
        Binding("down,j", "move(1)", "row down", show=False, id="wire.down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="wire.pageup"),
        Binding("pagedown", "page(1)", "page down", show=False, id="wire.pagedown"),
        Binding("home", "first", "oldest", show=False, id="wire.first"),
        Binding("end", "follow", "follow", show=False, id="wire.follow"),
        Binding("enter", "open", "the frame in detail", show=False, id="wire.open"),
    ]

    class Opened(Message):
        """A row is wanted in detail."""

        def __init__(self, event: Any) -> None:
            super().__init__()
            self.event = event

    def __init__(self, wire: Wire, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wire = wire
        self._drawn: tuple[Any, ...] = ()
        self._held = False
        self._titled = ""

    # -- drawing -------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Follow the wire: one redraw for all that came since the last one."""
        wire, say = self.wire, view_of(self).look.say
        state = (wire.seen, wire.following, wire.cursor, wire.filtered, wire.missed, self.size, say.language)
        if state == self._drawn:
            return
        self._drawn = state
        parts = [say("wire")]
        if wire.filtered:
            parts.append(f"{say('filter')}: {wire.filtered}")
        parts.append(say("following") if wire.following else f"⏸ {say('holding')}")
        parts.append(f"{wire.seen:,} {say('rows')}")
        if wire.missed:
            parts.append(f"▲ {wire.missed:,} {say('missed')}")
        title = " · ".join(parts)
        if title != self._titled:
            self._titled = title
            self.border_title = Content(title)
        self._place()
        self.refresh()

    @property
    def _top(self) -> int:
        """Index of the row that is drawn first."""
        last = max(0, len(self.wire) - max(1, self.size.height))
        return last if self.wire.following else min(self.scroll_offset.y, last)

    def _place(self) -> None:
        """Tell the scroll bar where the reader is.

        A new virtual size or place of scrolling lays out the whole screen anew, which costs more than all else that a
        new row does. So while the log follows, the bar stays at its end, and rows are drawn from `_top`; the size is
        told again when it is a tenth off, or when the reader is somewhere else.
        """
        wire, height = self.wire, max(1, self.size.height)
        held, top = not wire.following, self._top
        if held and not self._held:
            top = max(0, len(wire) - height)
        if held and not top <= wire.chosen < top + height:
            top = min(max(0, wire.chosen - height // 2), max(0, len(wire) - height))
        size, told = Size(self.size.width, max(len(wire), 1)), self.virtual_size
        near = 10 * size.height <= 11 * told.height and 10 * told.height <= 11 * size.height
        near = near and size.width == told.width and (size.height > height) == (told.height > height)
        moved = held and (not self._held or top != self.scroll_offset.y)
        if size != told and (moved or not near):
            self.virtual_size = size
        self._held = held
        y = top if held else self.max_scroll_y
        if self.scroll_offset.y != y:
            self.scroll_to(y=y, animate=False, immediate=True, force=True)

    def on_resize(self) -> None:
        """Another height shows other rows."""
        self.tick()

    def render_line(self, y: int) -> Strip:
        """One row."""
        wire, base, columns = self.wire, self.rich_style, self.size.width
        look = view_of(self).look
        index = self._top + y
        if not len(wire):
            text = look.say("no_match" if wire.filtered and wire.kept else "no_rows") if y == 0 else ""
            return strip_of(Text(centred(text, columns), style=look.colours.dim, end=""), columns, base, self)
        if index >= len(wire):
            return Strip.blank(columns, base)
        event = wire.row(index)
        row, colours = worded(event), look.colours
        wide = columns >= 70
        kind = {"→": colours.text, "←": colours.accent}.get(row.sign, colours.attention)
        if row.mark:
            kind = colours.wrong
        where = _LINE_COLUMNS if columns >= 100 else 8
        room = columns - (14 if wide else 9) - where - 3 - len(row.mark) - 1
        line = joined(
            [
                (f"{row.time}  " if wide else f"{row.time[:8]} ", colours.dim),
                (fit(row.where, where) + " ", colours.dim),
                (f"{row.sign} ", f"bold {kind}"),
                (fit(row.text, max(0, room)), kind),
                (f" {row.mark}" if row.mark else "", f"bold {colours.wrong}"),
            ]
        )
        if not wire.following and index == wire.chosen:
            base = base + Style(reverse=True)
        return strip_of(line, columns, base, self)

    # -- the reader ----------------------------------------------------------------------------------------------------

    def action_move(self, rows: int) -> None:
        """Choose another row."""
        self.wire.move(rows)
        self.tick()

    def action_page(self, pages: int) -> None:
        """A page further."""
        self.action_move(pages * max(1, self.size.height - 1))

    def action_first(self) -> None:
        """The oldest row that is kept."""
        self.wire.choose(0)
        self.tick()

    def action_follow(self) -> None:
        """Run with the newest again."""
        self.wire.follow()
        self.tick()

    def action_open(self) -> None:
        """Show the chosen row in detail."""
        if self.wire.chosen >= 0:
            self.post_message(self.Opened(self.wire.row(self.wire.chosen)))

    def on_click(self, event: events.Click) -> None:
        """A click chooses a row, two show it in detail."""
        place = event.get_content_offset(self)
        if place is None or not len(self.wire):
            return
        self.wire.choose(self._top + place.y)
        self.tick()
        if event.chain == 2:
            self.action_open()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel upwards holds the log."""
        event.stop()
        event.prevent_default()
        self.action_move(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Beyond the newest row it follows again."""
        event.stop()
        event.prevent_default()
        if self.wire.following:
            return
        if self.wire.chosen + 3 >= len(self.wire) - 1:
            self.action_follow()
        else:
            self.action_move(3)
