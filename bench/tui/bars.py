"""The first line (is anything wrong?) and the last (which keys do something now)."""

from __future__ import annotations

from rich.text import Text

from bench.tui.drawn import Drawn, view_of
from bench.tui.palette import SIGN, Level
from bench.tui.text import fit, joined, plain, width

__all__ = ["KeyBar", "TopBar"]

_GENERAL = 3
"""The last so many keys always have their room: commands, help, quit."""


class TopBar(Drawn):
    """The hall, its clock, the worst that is wrong, ratings and faults."""

    def lines(self, columns: int, rows: int) -> list[Text]:
        """Title and clock to the left; the state, ratings and faults to the right."""
        scene, colours, say = self.look
        if not scene.hall:
            told = say("connecting") if not scene.gone or scene.gone == "gone" else plain(scene.gone)
            return [joined([(" hallbench ", f"bold {colours.accent}"), (f" {told}", colours.attention)])]
        clock = scene.clock
        running = bool(clock.get("running", True))
        speed = f"{'▶' if running else '⏸'} {float(clock.get('speed') or 1):g}x"
        time = plain(clock.get("time", ""), 12).partition(".")[0]
        day = say.day(plain(clock.get("date", ""), 12))
        ratings = scene.figures.get("ratings") or {}
        faults = scene.figures.get("faults") or {}
        right = [*self._state(columns), ("  ", "")]
        right += [
            (f"{say('ratings')} ", colours.dim),
            (f"{plain(ratings.get('acknowledged', 0))}/{plain(ratings.get('pressed', 0))}", "bold"),
            (f"  {say('faults')} ", colours.dim),
            (plain(faults.get("hits", 0)), "bold" if not faults.get("hits") else f"bold {colours.attention}"),
            (" ", ""),
        ]
        middle = [
            (f"{day if columns >= 140 else ''}  ", colours.dim),
            (f"{time}  ", "bold"),
            (speed, colours.good if running else colours.attention),
            ("" if running else f" {say('paused')}", colours.attention),
            ("  ", ""),
        ]
        if columns < 100:
            right = self._state(columns)
        taken = sum(width(text) for text, _ in [*middle, *right])
        title = plain(scene.hall.get("title") or scene.hall.get("scenario") or "", 80)
        head = " hallbench " if columns >= 100 else " "
        room = columns - taken - width(head)
        left = [(head, f"bold {colours.accent}"), (fit(title, max(0, room - 2)) + "  ", "")]
        return [joined([*left, *middle, *right])]

    def _state(self, columns: int) -> list[tuple[str, str]]:
        scene, colours, say = self.look
        if scene.gone:
            return [(f"{SIGN[Level.WRONG]} {say('gone')} ", f"bold {colours.wrong}")]
        alarms = scene.alarms()
        if not alarms:
            return [(f"● {say('all_well')} ", f"bold {colours.good}")]
        first = alarms[0]
        word = say("wrong" if first.level is Level.WRONG else "attention")
        more = f" +{len(alarms) - 1}" if len(alarms) > 1 else ""
        what = " ".join(part for part in (plain(first.who, 24), say(first.what), plain(first.amount, 12)) if part)
        room = max(12, columns // 3)
        said = f"{SIGN[first.level]} {word}: {what}" if columns >= 100 else f"{SIGN[first.level]} {what}"
        return [(f"{fit(said, min(width(said), room))}{more} ", f"bold {colours.of(first.level)}")]


class KeyBar(Drawn):
    """The keys that do something now."""

    def lines(self, columns: int, rows: int) -> list[Text]:
        """As many as there is room for, the most particular first."""
        _, colours, say = self.look
        parts: list[tuple[str, str]] = [(" ", "")]
        used = 1
        keys = [(key, say(label)) for key, label in view_of(self).keys_now()]
        general = sum(width(key) + width(words) + 4 for key, words in keys[-_GENERAL:])
        for number, (key, words) in enumerate(keys):
            wide = width(key) + width(words) + 4
            if number < len(keys) - _GENERAL and used + wide > columns - general:
                continue
            parts += [(key, f"bold {colours.accent}"), (f" {words}   ", colours.dim)]
            used += wide
        return [joined(parts)]
