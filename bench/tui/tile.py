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
_SETTLES: Final = 4
"""So many looks after a change of layout the places of tiles are asked for anew: they come with the next frame."""


class Tile(Drawn, can_focus=True):
    """One device as people see it.

    Args:
        device: its name.
    """

    HELP = "help_tile"

    class Pressed(Message):
        """A key of the device was clicked."""

        def __init__(self, device: str, key: int | str) -> None:
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
        self._drawn_of: tuple[Any, ...] = ()
        self._wanted = 0
        self._level = ""

    def lines(self, columns: int, rows: int) -> list[Text]:
        """The face of the device; the one before, when nothing is different that it is drawn from."""
        look = self.look
        scene = look.scene
        state = scene.devices.get(self.device)
        if not state:
            return []
        runs = bool(self._drawn_of and self._drawn_of[-1])
        made_of = (columns, rows, look.colours, look.say.language, scene.last_key.get(self.device))
        if self._drawn_of == (state, made_of, scene.now if runs else 0, runs):
            return self._shown
        scene.ran = False
        drawn = face(state, columns, rows, look)
        self._drawn_of = (state, made_of, scene.now if scene.ran else 0, scene.ran)
        return drawn

    def settle(self) -> bool:
        """Take the height that the device wants, and its level; True when the tile has another height now."""
        view = view_of(self)
        state = view.scene.devices.get(self.device)
        if state is None:
            return False
        level = view.scene.level(self.device).name.lower()
        if level != self._level:
            self._level = level
            self.remove_class("-idle", "-busy", "-attention", "-wrong")
            self.add_class(f"-{level}")
        wanted = 1 if view.folded else height_of(state, large=view.large)
        if wanted == self._wanted:
            return False
        self._wanted = wanted
        self.styles.height = wanted
        return True

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
        if state and place and ("lamps" in state or "key_names" in state) and self.size.height > 1:
            key = key_at(state, self.size.width, place.y, place.x, self.size.height)
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
        self._grids: list[ItemGrid] = []
        self._groups: list[Group] = []
        self._tiles: list[Tile] = []
        self._seen: tuple[Tile, ...] = ()
        self._seen_at: tuple[Any, ...] = ()
        self._unsettled = 0

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
        self._grids, self._groups, self._tiles = (
            list(self.query(ItemGrid)),
            list(self.query(Group)),
            list(self.query(Tile)),
        )
        self._unsettled = _SETTLES

    def _columns(self) -> None:
        """On a small terminal two columns of lines, else as many counters side by side as fit."""
        wanted = _FOLDED_COLUMN if view_of(self).folded else _COLUMN
        for grid in self._grids:
            if grid.min_column_width != wanted:
                grid.min_column_width = wanted

    def _visible(self) -> tuple[Tile, ...]:
        """The tiles of which something can be seen; all of them until they have their places."""
        at = (self.scroll_offset, self.size, self.virtual_size)
        if self._unsettled or at != self._seen_at:
            self._unsettled = max(0, self._unsettled - 1)
            self._seen_at = at
            window = self.region
            regions = ((tile, tile.region) for tile in self._tiles)
            self._seen = tuple(tile for tile, region in regions if not region.area or region.overlaps(window))
        return self._seen

    def tick(self) -> None:
        """Draw what has changed; tiles that are scrolled away are drawn when they come back."""
        self._columns()
        for group in self._groups:
            group.tick()
        if sum(tile.settle() for tile in self._tiles):
            self._unsettled = _SETTLES
        for tile in self._visible():
            tile.tick()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other tiles can be seen now."""
        super().watch_scroll_y(old_value, new_value)
        self.call_after_refresh(self.tick)
