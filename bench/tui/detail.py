"""All of one device: its face, what hands can do to it, state, registers and its last events."""

from __future__ import annotations

from typing import Any, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from bench.tui.drawn import Drawn, view_of
from bench.tui.faces import face, height_of
from bench.tui.hands import Hand, hands
from bench.tui.palette import SIGN, Level
from bench.tui.text import fit, joined, plain, width

__all__ = ["Detail", "DetailText", "HandList"]

_MOST_REGISTERS: Final = 64


class HandList(OptionList):
    """What can be done to the device now; Enter or a click does it."""

    HELP = "help_tile"

    class Done(Message):
        """An act was chosen."""

        def __init__(self, device: str, hand: Hand) -> None:
            super().__init__()
            self.device = device
            self.hand = hand

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(markup=False, **kwargs)
        self._hands: list[Hand] = []
        self._device = ""
        self._language = ""

    def tick(self) -> None:
        """Offer what makes sense now."""
        look, device = view_of(self).look, view_of(self).chosen
        state = look.scene.devices.get(device)
        wanted = hands(state) if state and not look.scene.gone else []
        if (wanted, device, look.say.language) == (self._hands, self._device, self._language):
            return
        at = self.highlighted if device == self._device else None
        self._hands, self._device, self._language = wanted, device, look.say.language
        self.clear_options()
        self.add_options(Option(Text(f"{look.say(hand.label)} {hand.tail}".rstrip())) for hand in wanted)
        if at is not None and wanted:
            self.highlighted = min(at, len(wanted) - 1)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Do it."""
        event.stop()
        if event.option_index < len(self._hands):
            self.post_message(self.Done(self._device, self._hands[event.option_index]))


class DetailText(Drawn):
    """The words of the detail; as high as they are."""

    def tick(self) -> None:
        """Take the height of the content."""
        columns = self.size.width or (self.parent.size.width if isinstance(self.parent, VerticalScroll) else 0)
        wanted = max(1, len(self.lines(columns, 0)))
        if self.styles.height is None or self.styles.height.value != wanted:
            self.styles.height = wanted
        super().tick()

    def lines(self, columns: int, rows: int) -> list[Text]:
        """Face, identity, state, events and registers."""
        look, view = self.look, view_of(self)
        state = look.scene.devices.get(view.chosen)
        if state is None or columns < 8:
            return []
        more = view.detail if view.detail.get("name") == view.chosen else {}
        colours, say = look.colours, look.say
        unit = f" · unit {plain(state['unit'])}" if state.get("unit") is not None else ""
        owner = state.get("owner", "")
        out = [
            *face(state, columns, height_of(state, large=columns >= 40), look),
            Text(""),
            joined(
                [(fit(f"{plain(state.get('kind', ''))} · {plain(state.get('protocol', ''))}", columns), colours.dim)]
            ),
            joined([(fit(f"{plain(state.get('line', ''))}{unit} · {plain(owner)}", columns), colours.dim)]),
        ]
        queue = state.get("queue")
        if queue:
            words = f"queue {queue.get('waiting')}/{queue.get('depth')} · lost {queue.get('lost')}"
            words += f" · epoch {queue.get('epoch')}"
            out.append(joined([(fit(plain(words), columns), "")]))
            for event in list(queue.get("events", ()))[:6]:
                told = f"  {event.get('epoch')}:{event.get('seq', 0):04X} = {event.get('value')} · {event.get('clerk')}"
                out.append(joined([(fit(plain(told), columns), colours.busy)]))
        for fault in look.scene.faults:
            if (
                fault.get("live")
                and fault.get("device") in (None, view.chosen)
                and fault.get("line")
                in (
                    None,
                    state.get("line"),
                )
            ):
                told = f"{SIGN[Level.ATTENTION]} {fault.get('id')}: {fault.get('does')} ({fault.get('hits')})"
                out.append(joined([(fit(plain(told), columns), colours.attention)]))
        out += self._section(
            say("state"), [(str(n), plain(v, 60)) for n, v in (state.get("state") or {}).items()], columns
        )
        events = [
            (plain(event.get("time", ""), 12)[:12], plain(f"{event.get('what', '')} {_facts(event)}", 160))
            for event in reversed(more.get("events") or ())
        ]
        out += self._section(say("events"), events, columns)
        registers = [
            (plain(row.get("name", ""), 24), _words(row.get("value")))
            for row in (more.get("registers") or ())[:_MOST_REGISTERS]
        ]
        return out + self._section(say("registers"), registers, columns)

    def _section(self, title: str, rows: list[tuple[str, str]], columns: int) -> list[Text]:
        if not rows:
            return []
        colours = self.look.colours
        first = min(18, max(width(name) for name, _ in rows))
        return [
            Text(""),
            joined([(title, f"bold {colours.accent}")]),
            *(
                joined(
                    [(fit(plain(name, 40), first) + " ", colours.dim), (fit(value, max(0, columns - first - 1)), "")]
                )
                for name, value in rows
            ),
        ]


def _facts(event: dict[str, Any]) -> str:
    facts = event.get("facts") or event.get("args") or {}
    return " ".join(f"{name}={value}" for name, value in facts.items() if name != "data")


def _words(value: Any) -> str:
    if not isinstance(value, list):
        return "-" if value is None else plain(value, 60)
    return " ".join(plain(word, 12) for word in value[:8]) + (" …" if len(value) > 8 else "")


class Detail(Vertical):
    """The panel of the chosen device."""

    def compose(self) -> ComposeResult:
        """Words above, hands below."""
        with VerticalScroll(can_focus=False):
            yield DetailText()
        yield HandList()

    def tick(self) -> None:
        """Title, words, hands."""
        chosen = view_of(self).chosen
        self.border_title = Content(plain(chosen, 40) or view_of(self).look.say("detail"))
        self.query_one(HandList).border_title = Content(view_of(self).look.say("hands"))
        self.query_one(DetailText).tick()
        self.query_one(HandList).tick()
