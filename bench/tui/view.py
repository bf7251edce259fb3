"""`HallView`: the live hall on a terminal. It puts the widgets together and turns keys into requests to the bench.

Nothing is known here of the bench but what its control API tells (docs/control.md), through a `link.Source`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Static

from bench.control.client import ControlError, device_path
from bench.tui.asked import picture
from bench.tui.bars import KeyBar, TopBar
from bench.tui.commands import Commands
from bench.tui.detail import Detail, HandList
from bench.tui.faces import Look
from bench.tui.hands import Hand, key_of_digit
from bench.tui.labels import LANGUAGES, Labels
from bench.tui.link import Link, Source
from bench.tui.palette import THEMES, colours
from bench.tui.panels import LinesPanel, QueuePanel
from bench.tui.scene import Scene
from bench.tui.screens import DetailScreen, FrameScreen, HelpScreen
from bench.tui.served import end_with_server, nobody_listens
from bench.tui.steering import Steering
from bench.tui.text import plain
from bench.tui.tile import Floor, Tile
from bench.tui.wire import Wire
from bench.tui.wire_panel import WireLog

__all__ = ["HallView"]

DRAIN_S: Final = 1 / 20
"""Real seconds between two looks into the queue of events."""

DRAIN_WEB_S: Final = 1 / 5
"""The same on a page of a browser, where each redraw costs two processes and the browser."""

_FOLDED: Final = 100
"""Columns below which each device is one line."""

_KEYS: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("p", "p", "press", "key_press"),
    ("f", "f", "fault", "key_fault"),
    ("F", "F", "clear", "key_clear"),
    ("space", "space", "pause", "key_pause"),
    ("full_stop", ".", "step(1)", "key_step"),
    ("plus", "+", "speed(2.0)", "do_faster"),
    ("minus", "-", "speed(0.5)", "do_slower"),
    ("o", "o", "cover", "act_open_cover"),
    ("t", "t", "take", "act_take_paper"),
    ("l", "l", "load", "act_load_paper"),
    ("u", "u", "plug", "act_unplug"),
    ("a", "a", "next_alarm", "key_next"),
    ("d", "d", "detail", "key_detail"),
    ("slash", "/", "filter", "key_filter"),
    ("w", "w", "hold", "key_hold"),
    ("g", "g", "go_to", "key_goto"),
    ("L", "L", "language", "key_language"),
    ("T", "T", "shade", "key_theme"),
    ("ctrl+p", "^p", "command_palette", "key_commands"),
    ("f1,question_mark", "F1", "about", "key_help"),
    ("f8", "F8", "picture", "key_screenshot"),
    ("q,ctrl+c", "q", "quit", "key_quit"),
)
"""Keys of the view: as Textual calls them, as they are shown, action, label."""


class HallView(Steering):
    """The live hall.

    Args:
        source: finds the bench.
        language: "en" or "vi".
        rest: waits so many real seconds; tests give another.
        folder: where pictures of the screen are saved.
    """

    CSS_PATH = "view.tcss"
    COMMANDS: ClassVar = {Commands}
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  # as Textual wants it
        (0, "-folded"),
        (_FOLDED, "-normal"),
        (150, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, action, label.removeprefix("key_"), show=False, id=f"view.{action.partition('(')[0]}.{key}")
            for key, _, action, label in _KEYS
        ),
        *(
            Binding(str(key % 10), f"key({key})", f"key {key}", show=False, id=f"view.key.{key}")
            for key in range(1, 11)
        ),
        Binding("left,h", "walk(-1,0)", "left", show=False, id="view.left"),
        Binding("right", "walk(1,0)", "right", show=False, id="view.right"),
        Binding("up,k", "walk(0,-1)", "up", show=False, id="view.up"),
        Binding("down,j", "walk(0,1)", "down", show=False, id="view.down"),
    ]

    def __init__(
        self,
        source: Source,
        language: str = "en",
        rest: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        folder: Path | None = None,
    ) -> None:
        super().__init__()
        self.title = "hallbench"
        self.scene = Scene()
        self.wire = Wire()
        self.link = Link(source, self.scene, self.changed, rest)
        self.chosen = ""
        self.detail: dict[str, Any] = {}
        self._say = Labels(language)
        self._look = Look(self.scene, colours(dark=True), self._say)
        self._look_of: tuple[Any, ...] = ()
        self._folder = folder or Path()
        self._times = 0
        self._catalogue: list[dict[str, Any]] = []

    # -- what widgets ask ----------------------------------------------------------------------------------------------

    @property
    def look(self) -> Look:
        """What faces are drawn with."""
        made_of = (self.theme, self._say)
        if made_of != self._look_of:
            self._look_of, self._look = made_of, Look(self.scene, colours(self.current_theme.dark), self._say)
        return self._look

    @property
    def folded(self) -> bool:
        """Whether each device is one line."""
        return self.size.width < _FOLDED or self.size.height < 30

    @property
    def large(self) -> bool:
        """Whether there is room for large digits and whole tickets."""
        return self.size.width >= 150 and self.size.height >= 50

    def keys_now(self) -> list[tuple[str, str]]:
        """Keys that do something now, with the labels of what they do."""
        scene, state = self.scene, self.scene.devices.get(self.chosen, {})
        told: list[tuple[str, str]] = []
        if scene.hall and not scene.gone:
            has = state.get("actions", ())
            count = sum(key_of_digit(state, digit) is not None for digit in range(1, 10))
            if "press" in has and state.get("powered", True):
                told.append((f"1-{count}" if count else "p", "key_press"))
            if "open_cover" in has:
                told.append(("o", "act_close_cover" if state.get("cover_open") else "act_open_cover"))
            if state.get("ticket_out"):
                told.append(("t", "act_take_paper"))
            if "unplug" in has:
                told.append(("u", "act_unplug" if state.get("powered", True) else "act_plug_in"))
            told.append(("f", "key_fault"))
            if any(fault.get("live") for fault in scene.faults):
                told.append(("F", "key_clear"))
            if scene.clock.get("steerable"):
                told.append(("space", "key_pause" if scene.clock.get("running") else "key_resume"))
                if not scene.clock.get("running"):
                    told.append((".", "key_step"))
                told.append(("+/-", "key_speed"))
            if scene.alarms():
                told.append(("a", "key_next"))
            if "tamper" in has and "open_cover" not in has:  # seldom wanted: it gives way to all the others
                told.append(("o", "key_case"))
        told += [("/", "key_filter"), ("w", "key_hold" if self.wire.following else "key_follow")]
        return [*told, ("^p", "key_commands"), ("F1", "key_help"), ("q", "key_quit")]

    # -- life ----------------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """From what matters most to what the reader chose."""
        yield TopBar(id="top")
        yield Static(id="ended", markup=False)
        with Horizontal(id="main"):
            with Vertical(id="left"):
                yield Floor(id="floor")
                with Horizontal(id="middle"):
                    yield LinesPanel(id="lines")
                    yield QueuePanel(id="queue")
                yield WireLog(self.wire, id="wire")
            yield Detail(id="detail")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Start to watch."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name
        self.animation_level = "none"
        self.set_interval(DRAIN_WEB_S if self.is_web else DRAIN_S, self.drain)
        self.set_interval(1.0, self.look_closer)
        self.run_worker(self.link.run(), name="link", exit_on_error=True)
        if self.is_web:
            end_with_server()
            self.set_interval(1.0, lambda: self.exit() if nobody_listens() else None)
        if not self.is_headless and not self.is_web:
            for name in ("SIGTERM", "SIGHUP"):  # the terminal is put in order, and a bench of our own is ended
                with contextlib.suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
                    asyncio.get_running_loop().add_signal_handler(getattr(signal, name), self.exit)

    async def changed_hall(self) -> None:
        """Another bench, or the same one again: lay the tiles anew."""
        self._times = self.link.times
        self.wire.forget()
        self._catalogue = []
        await self.query_one(Floor).lay()
        if self.chosen not in self.scene.devices:
            self.chosen = next(iter(self.scene.devices), "")
        self.focus_tile(self.chosen)

    def changed(self) -> None:
        """There are new answers: draw what differs."""
        if not self.is_running:
            return
        if self.link.times != self._times:
            self.run_worker(self._anew(), group="lay", exclusive=True)
        else:
            self.draw()

    async def _anew(self) -> None:
        await self.changed_hall()
        self.draw()
        await self.look_closer()

    def draw(self) -> None:
        """Let each widget see whether its content has changed."""
        if self.is_running and self.screen_stack:
            with contextlib.suppress(NoMatches):  # when the view is just closing its widgets go one by one
                self._draw(self.screen_stack[0])

    def _draw(self, base: Screen[Any]) -> None:
        ended = base.query_one("#ended", Static)
        gone = bool(self.scene.gone)
        ended.display = gone
        if gone:
            what = self._say("gone") if self.scene.hall else plain(self.scene.gone)
            ended.update(Content(f"{what}. {self._say('waiting_for_it')}" if self.scene.hall else what))
        with self.batch_update():
            middle = base.query_one("#middle")
            rows = len(self.scene.lines)
            wanted = 2 if self.folded else max(4, min(rows, 8)) + 2
            if middle.styles.height is None or middle.styles.height.value != wanted:
                middle.styles.height = wanted
            base.query_one(TopBar).tick()
            base.query_one(Floor).tick()
            base.query_one(LinesPanel).tick()
            base.query_one(QueuePanel).tick()
            base.query_one(WireLog).tick()
            detail = base.query_one("#detail", Detail)
            if detail.display:
                detail.tick()
            base.query_one(KeyBar).tick()

    def drain(self) -> None:
        """Take the events that have come; one redraw for all of them."""
        if not self.link.batches and not self.link.dropped:
            return
        self.wire.missed += self.link.dropped
        self.link.dropped = 0
        while self.link.batches:
            batch = self.link.batches.popleft()
            self.wire.add(batch.events, batch.lost)
            for event in batch.events:
                if event.get("kind") == "device":
                    self.scene.take_event(event)
        if self.screen_stack:
            with contextlib.suppress(NoMatches):
                self.screen_stack[0].query_one(WireLog).tick()

    async def look_closer(self) -> None:
        """Registers and events of the chosen device, while somebody looks at them."""
        peer = self.link.peer
        if peer is None or not self.chosen or not self.screen_stack:
            return
        panels = self.screen_stack[0].query("#detail")  # none any more when the view is just closing
        if not any(panel.display for panel in panels) and not isinstance(self.screen, DetailScreen):
            return
        try:
            self.detail = await peer.get(device_path(self.chosen))
        except ControlError:
            return
        self.draw()

    def on_resize(self) -> None:
        """Another size may fold the tiles."""
        self.call_after_refresh(self.draw)

    # -- choosing ------------------------------------------------------------------------------------------------------

    def choose(self, device: str) -> None:
        """Make a device the chosen one."""
        self.chosen = device
        self.focus_tile(device)
        self.run_worker(self.look_closer(), group="closer", exclusive=True)
        self.draw()

    def focus_tile(self, device: str) -> None:
        """Give the focus to the tile of a device."""
        for tile in self.screen_stack[0].query(Tile):
            if tile.device == device:
                tile.focus(scroll_visible=True)

    def on_tile_chosen(self, message: Tile.Chosen) -> None:
        """A tile was given the focus."""
        if message.device != self.chosen:
            self.chosen = message.device
            self.run_worker(self.look_closer(), group="closer", exclusive=True)
        self.draw()

    def on_tile_opened(self, message: Tile.Opened) -> None:
        """A tile is to be seen in full."""
        self.chosen = message.device
        self.action_detail()

    def on_tile_pressed(self, message: Tile.Pressed) -> None:
        """A key was clicked."""
        self.send_act(message.device, Hand("press", "act_press", {"key": message.key}))

    def on_hand_list_done(self, message: HandList.Done) -> None:
        """A hand was chosen in the detail."""
        self.do(message.device, message.hand)

    def on_wire_log_opened(self, message: WireLog.Opened) -> None:
        """A row is wanted in detail."""
        self.push_screen(FrameScreen(message.event))

    def action_walk(self, across: int, down: int) -> None:
        """The nearest tile in a direction."""
        tiles = [tile for tile in self.screen_stack[0].query(Tile) if tile.region.area]
        here = next((tile for tile in tiles if tile.device == self.chosen), None)
        if here is None:
            return
        x, y = here.region.center
        best: tuple[float, Tile] | None = None
        for tile in tiles:
            right, below = tile.region.center[0] - x, tile.region.center[1] - y
            ahead, aside = (right * across, abs(below) * 3) if across else (below * down * 3, abs(right))
            if ahead > 0 and (best is None or ahead + aside * 2 < best[0]):
                best = (ahead + aside * 2, tile)
        if best is not None:
            self.choose(best[1].device)

    # -- the view itself -----------------------------------------------------------------------------------------------

    def action_next_alarm(self) -> None:
        """The next device that wants to be looked at."""
        names = [
            name for name in dict.fromkeys(alarm.who for alarm in self.scene.alarms()) if name in self.scene.devices
        ]
        if names:
            at = names.index(self.chosen) + 1 if self.chosen in names else 0
            self.choose(names[at % len(names)])

    def action_detail(self) -> None:
        """All of the chosen device."""
        if not self.chosen or isinstance(self.screen, DetailScreen):
            return
        if self.screen_stack[0].query_one("#detail").display:
            self.screen_stack[0].query_one("#detail").query_one(HandList).focus()
        else:
            self.push_screen(DetailScreen())
            self.run_worker(self.look_closer(), group="closer", exclusive=True)

    def action_command_palette(self) -> None:
        """What can be done now, to be searched for."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder=self._say("search_commands"), id="--command-palette"))

    def action_language(self) -> None:
        """The other language."""
        self._say = Labels(LANGUAGES[(LANGUAGES.index(self._say.language) + 1) % len(LANGUAGES)])
        self.draw()

    def action_shade(self) -> None:
        """Light or dark."""
        self.theme = THEMES[1].name if self.theme == THEMES[0].name else THEMES[0].name
        self.draw()

    def action_about(self) -> None:
        """Help on the focused widget."""
        widget: Any = self.focused
        while widget is not None and getattr(widget, "HELP", "") not in _ABOUT:
            widget = widget.parent
        about = self._say(widget.HELP) if widget is not None else ""
        self.push_screen(HelpScreen(about, [(shown, self._say(label)) for _, shown, _, label in _KEYS]))

    def action_picture(self) -> None:
        """Save a picture of the screen."""
        number = 1
        while (path := self._folder / f"hallbench-view-{number}.svg").exists():
            number += 1
        try:
            path.write_text(picture(self), encoding="utf-8")
        except OSError as exc:
            self.tell(f"{self._say('cannot_save')}: {exc}", wrong=True)
        else:
            self.tell(f"{self._say('saved')}: {path}")


_ABOUT: Final = frozenset({"help_tile", "help_wire", "help_lines", "help_queue"})
