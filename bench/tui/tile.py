"""Tiles of devices, one widget a device, grouped by counter."""

from __future__ import annotations

from typing import Any, Final

from rich.text import Text
from textual import events
from textual.containers import ItemGrid, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message

from bench.tui.drawn import Drawn, view_of
from bench.tui.faces import face, height_of, key_at
from bench.tui.palette import SIGN
from bench.tui.text import plain, span, width

__all__ = ["Floor", "Group", "Tile"]

_COLUMN: Final = 26
_FOLDED_COLUMN: Final = 38


class Tile(Drawn, can_focus=True):
    """One device as people see it.

    Args:
        device: its name.
    """

    HELP = "help_tile"

    class Pressed(Message):
        """A key of the device was clicked."""

        def __init__(self, device: str, key: int) -> None:
            super().__init__()
            self.device = device
            self.key = key

    class Opened(Message):
        """All of the device is wanted."""

        def __init__(self, device: str) -> None:
            super().__init__()
            self.device = device

    class Chosen(Message):
        """The device is the chosen one now."""

        def __init__(self, device: str) -> None:
            super().__init__()
            self.device = device

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = device

    def lines(self, columns: int, rows: int) -> list[Text]:
        """The face of the device."""
        state = self.look.scene.devices.get(self.device)
        return face(state, columns, rows, self.look) if state else []

    def tick(self) -> None:
        """Take the height that the device wants, then draw."""
        state = self.look.scene.devices.get(self.device)
        if state is not None:
            wanted = 1 if view_of(self).folded else height_of(state, large=view_of(self).large)
            height = self.styles.height
            if height is None or height.value != wanted:
                self.styles.height = wanted
            level = self.look.scene.level(self.device).name.lower()
            if not self.has_class(f"-{level}"):
                self.remove_class("-idle", "-busy", "-attention", "-wrong")
                self.add_class(f"-{level}")
        super().tick()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """What a grid with rows of their own height asks."""
        state = self.look.scene.devices.get(self.device)
        if state is None or view_of(self).folded:
            return 1
        return height_of(state, large=view_of(self).large)

    def on_focus(self) -> None:
        """The tile that has the focus is the chosen device."""
        self.post_message(self.Chosen(self.device))

    def on_click(self, event: events.Click) -> None:
        """A click on a key presses it; two clicks elsewhere open the device."""
        state = self.look.scene.devices.get(self.device)
        place = event.get_content_offset(self)
        if state and place and "lamps" in state and self.size.height > 1:
            key = key_at(state, self.size.width, place.y, place.x)
            if key is not None:
                self.post_message(self.Pressed(self.device, key))
                return
        if event.chain == 2:
            self.post_message(self.Opened(self.device))

    def key_enter(self) -> None:
        """Show all of the device."""
        self.post_message(self.Opened(self.device))


class Group(Vertical):
    """The devices of a counter, or those of the whole hall.

    Args:
        number: of the counter; None: the hall.
        devices: their names.
    """

    def __init__(self, number: int | None, devices: list[str]) -> None:
        super().__init__(classes="-hall" if number is None else "-counter")
        self.number = number
        self._devices = devices
        self._titled = ""

    def compose(self) -> Any:
        """A tile for each device; those of the hall stand side by side."""
        tiles = [Tile(device) for device in self._devices]
        if self.number is None:
            yield ItemGrid(*tiles, min_column_width=_COLUMN, stretch_height=False)
        else:
            yield from tiles

    def tick(self) -> None:
        """The counter's state stands in the frame."""
        look = view_of(self).look
        if self.number is None:
            text = look.say("hall")
        else:
            told = look.scene.counter(self.number)
            name = f"{look.say('counter')} {self.number}"
            clerk, ticket = plain(told.get("clerk") or "", 24), plain(told.get("ticket") or "", 12)
            state, seconds = str(told.get("state") or ""), told.get("for_s")
            does = f"{look.say(state)} {span(seconds)}" if state and seconds is not None else look.say(state)
            room = self.size.width - 8
            # What does not fit is left out whole: the ticket stands on the display anyway.
            for parts in ((name, clerk, does, ticket), (name, clerk, does), (name, does), (name, look.say(state))):
                text = " · ".join(part for part in parts if part)
                if width(text) <= room:
                    break
        level = max((look.scene.level(device) for device in self._devices), default=None)
        text = f"{SIGN[level]} {text}" if level else text
        if text != self._titled:
            self._titled = text
            self.border_title = Content(text)
        for name in ("busy", "attention", "wrong"):
            self.set_class(level is not None and level.name.lower() == name, f"-{name}")


class Floor(VerticalScroll, can_focus=False):
    """All the tiles; they are laid out anew when another bench is attached."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._laid: dict[int | None, list[str]] = {}

    async def lay(self) -> None:
        """Make tiles for the devices of the hall, if they are others than before."""
        wanted = view_of(self).look.scene.by_counter()
        if wanted == self._laid:
            return
        self._laid = wanted
        await self.remove_children()
        groups = []
        if None in wanted:
            groups.append(Group(None, wanted[None]))
        numbers = sorted(number for number in wanted if number is not None)
        counters = [Group(number, wanted[number]) for number in numbers]
        grid = ItemGrid(*counters, min_column_width=_COLUMN, stretch_height=True, id="counters")
        await self.mount_all([*groups, grid] if counters else groups)

    def _columns(self) -> None:
        """On a small terminal two columns of lines, else as many counters side by side as fit."""
        wanted = _FOLDED_COLUMN if view_of(self).folded else _COLUMN
        for grid in self.query(ItemGrid):
            if grid.min_column_width != wanted:
                grid.min_column_width = wanted

    def tick(self) -> None:
        """Draw what has changed."""
        self._columns()
        for group in self.query(Group):
            group.tick()
        for tile in self.query(Tile):
            tile.tick()
