"""Screens in front of the hall: a question, a choice of faults, a frame, a device on a small terminal, help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from bench.tui.detail import Detail
from bench.tui.drawn import view_of
from bench.tui.text import plain
from bench.tui.wire import worded

__all__ = ["AskScreen", "DetailScreen", "FaultScreen", "FrameScreen", "HelpScreen"]

_CLOSE: Final[list[BindingType]] = [Binding("escape,q", "dismiss_none", "close", show=False, id="screen.close")]


class _Front(ModalScreen[Any]):
    """A screen that Escape closes."""

    BINDINGS = _CLOSE

    def action_dismiss_none(self) -> None:
        """Close it; nothing was chosen."""
        self.dismiss(None)


class AskScreen(_Front):
    """One question; the answer is the text, or None.

    Args:
        question: what is asked.
        given: what stands there first.
    """

    BINDINGS = [Binding("escape", "dismiss_none", "close", show=False, id="ask.close")]  # noqa: RUF012

    def __init__(self, question: str, given: str = "") -> None:
        super().__init__()
        self._question = question
        self._given = given

    def compose(self) -> ComposeResult:
        """The question in the frame of a line of input."""
        box = Input(self._given, id="answer")
        box.cursor_blink = False
        box.border_title = Content(self._question)
        yield box

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter answers."""
        event.stop()
        self.dismiss(event.value)


class FaultScreen(_Front):
    """Choose a fault of the catalogue; the result is (type, settings as typed), or None.

    Args:
        catalogue: rows of /v1/faults/catalogue.
        where: what it will be aimed at, in words.
    """

    BINDINGS = [  # noqa: RUF012
        Binding("escape", "dismiss_none", "close", show=False, id="fault.close"),
        Binding("up", "walk(-1)", "up", show=False, priority=True, id="fault.up"),
        Binding("down", "walk(1)", "down", show=False, priority=True, id="fault.down"),
    ]

    def __init__(self, catalogue: list[Mapping[str, Any]], where: str) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._where = where
        self._shown: list[Mapping[str, Any]] = []

    def compose(self) -> ComposeResult:
        """A line of input above the list."""
        box = Input(id="answer")
        box.cursor_blink = False
        box.border_title = Content(view_of(self).look.say("ask_fault"))
        box.border_subtitle = Content(f"→ {self._where}")
        with Vertical(id="fault"):
            yield box
            yield OptionList(id="choices", markup=False)

    def on_mount(self) -> None:
        """All of them at first."""
        self._offer("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Fewer with each letter."""
        self._offer(event.value)

    def _offer(self, typed: str) -> None:
        word = typed.strip().partition(" ")[0].casefold()
        rows = [row for row in self._catalogue if word in f"{row['id']} {row['type']}".casefold()]
        rows = rows or [row for row in self._catalogue if word in str(row["does"]).casefold()]
        self._shown = rows
        colours = view_of(self).look.colours
        choices = self.query_one("#choices", OptionList)
        choices.clear_options()
        for row in rows:
            line = Text(no_wrap=True)
            line.append(f"{plain(row['id'], 8):4} {plain(row['type'], 24):18} ", f"bold {colours.accent}")
            line.append(plain(row["does"], 120))
            names = ", ".join(plain(attr["name"], 24) for attr in row.get("attrs", ()))
            line.append(f"  {names}" if names else "", colours.dim)
            choices.add_option(Option(line))
        if rows:
            choices.highlighted = 0

    def action_walk(self, rows: int) -> None:
        """Move in the list while the letters go into the input."""
        choices = self.query_one("#choices", OptionList)
        if self._shown:
            choices.highlighted = ((choices.highlighted or 0) + rows) % len(self._shown)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter takes the highlighted one with the settings that were typed."""
        event.stop()
        self._take(self.query_one("#choices", OptionList).highlighted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """So does a click."""
        event.stop()
        self._take(event.option_index)

    def _take(self, index: int | None) -> None:
        if index is not None and index < len(self._shown):
            typed = self.query_one(Input).value.strip().partition(" ")[2]
            self.dismiss((self._shown[index], typed))


class FrameScreen(_Front):
    """A row of the wire in detail: when, where, every byte.

    Args:
        event: of the API.
    """

    def __init__(self, event: Mapping[str, Any]) -> None:
        super().__init__()
        self._event = event

    def compose(self) -> ComposeResult:
        """Words, then bytes in rows of sixteen."""
        look = view_of(self).look
        row, colours, say = worded(self._event), look.colours, look.say
        text = Text()
        text.append(f"{row.time}  {row.where}  ", "bold")
        text.append(f"{row.sign} {say(plain(self._event.get('what', ''), 24))}", colours.accent)
        text.append(f"  {plain(self._event.get('by', ''), 40)}\n", colours.dim)
        raw = str(self._event.get("hex") or "")
        begin, end = int(self._event.get("at") or 0), int(self._event.get("end") or 0)
        if raw:
            text.append(f"{len(raw) // 2} {say('characters')}", colours.dim)
            if end > begin:
                text.append(f" · {(end - begin) / 1e6:.3f} ms", colours.dim)
            flaws = self._event.get("flaws")
            text.append(f" · {plain(flaws)} {say('flaws')}" if flaws else "", colours.wrong)
            text.append("\n")
        text.append(f"\n{plain(self._event.get('text') or row.text)}\n", "bold")
        try:
            data = bytes.fromhex(raw)
        except ValueError:
            data = b""
        for at in range(0, min(len(data), 4096), 16):
            part = data[at : at + 16]
            seen = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in part)
            text.append(f"\n{at:04X}  ", colours.dim)
            text.append(f"{part.hex(' '):47}")
            text.append(f"  {seen}", colours.accent)
        with VerticalScroll(id="front"):
            yield Static(text, markup=False)

    def on_mount(self) -> None:
        """The title."""
        self.query_one("#front").border_title = Content(view_of(self).look.say("frame"))


class DetailScreen(_Front):
    """The chosen device, where the terminal has no room for a panel."""

    def compose(self) -> ComposeResult:
        """The same panel."""
        yield Detail(id="front-detail")

    def on_mount(self) -> None:
        """Draw at once, and with each tick of the view."""
        self.query_one(Detail).tick()
        self.set_interval(0.25, self.query_one(Detail).tick)


class HelpScreen(_Front):
    """What the focused widget is, and every key.

    Args:
        about: text on the widget; "" when none has the focus.
        keys: (key, what it does).
    """

    BINDINGS = [Binding("escape,q,f1", "dismiss_none", "close", show=False, id="help.close")]  # noqa: RUF012

    def __init__(self, about: str, keys: list[tuple[str, str]]) -> None:
        super().__init__()
        self._about = about
        self._keys = keys

    def compose(self) -> ComposeResult:
        """The text, then the keys."""
        look = view_of(self).look
        text = Text()
        if self._about:
            text.append(f"{self._about}\n\n")
        text.append(f"{look.say('help_all')}\n", f"bold {look.colours.accent}")
        for key, what in self._keys:
            text.append(f"  {key:12} ", "bold")
            text.append(f"{what}\n")
        with VerticalScroll(id="front"):
            yield Static(text, markup=False)

    def on_mount(self) -> None:
        """The title."""
        self.query_one("#front").border_title = Content(view_of(self).look.say("key_help"))
