"""Lines with their load, and the queue with its waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from bench.tui.drawn import Drawn
from bench.tui.labels import Labels
from bench.tui.palette import SIGN, Level
from bench.tui.text import fit, joined, plain, span, spark, width

__all__ = ["LinesPanel", "QueuePanel"]


class LinesPanel(Drawn, can_focus=True):
    """Each line of the hall: settings, load of the last minute, frames, damage, and who holds its port."""

    HELP = "help_lines"

    def tick(self) -> None:
        """The title, then what has changed."""
        self.title(self.look.say("lines"))
        super().tick()

    def lines(self, columns: int, rows: int) -> list[Text]:
        """One line each; in one row all of them, with their loads."""
        scene, colours, _ = self.look
        if rows == 1:
            parts: list[tuple[str, str]] = []
            names = sum(width(plain(name, 16)) + 8 for name in scene.lines)
            each = max(3, min(16, (columns - names) // max(1, len(scene.lines))))
            for name, line in scene.lines.items():
                load = float(line.get("utilisation") or 0)
                parts += [
                    (f"{plain(name, 16)} ", "bold"),
                    (spark(list(line.get("loads") or ()), each, 1.0), colours.busy),
                ]
                parts += [(f" {load:.0%}  ", "")]
            return [joined(parts)]
        out = []
        most = max((width(plain(name, 16)) for name in scene.lines), default=0)
        bars = max(8, min(60, columns - most - 64))
        for name, line in list(scene.lines.items())[:rows]:
            load = float(line.get("utilisation") or 0)
            level = Level.WRONG if load > 0.9 else Level.ATTENTION if load > 0.7 else Level.BUSY
            out.append(
                joined(
                    [
                        (f"{fit(plain(name, 16), most)} ", "bold"),
                        (
                            fit(f"{plain(line.get('settings', ''), 12)} {plain(line.get('duplex', ''), 5)}", 16),
                            colours.dim,
                        ),
                        (spark(list(line.get("loads") or ()), bars, 1.0), colours.of(level)),
                        (f" {load:4.0%} {float(line.get('frames_per_s') or 0):5.1f}/s  ", ""),
                        *self._trouble(line),
                    ]
                )
            )
        return out

    def _trouble(self, line: dict[str, object]) -> list[tuple[str, str]]:
        _, colours, say = self.look
        parts = [
            (f"{SIGN[Level.ATTENTION]} {say(field)} {plain(line[field])}  ", colours.attention)
            for field in ("damaged", "collisions")
            if line.get(field)
        ]
        if line.get("held"):
            parts.append((f"{SIGN[Level.ATTENTION]} {say('held')}  ", colours.attention))
        port = line.get("port")
        if isinstance(port, dict):
            at = plain(port.get("path") or port.get("url") or "", 48)
            if port.get("open"):
                parts.append((f"● {at}", colours.good))
            else:
                parts.append((f"○ {at}", colours.attention))
        else:
            parts.append((say("house"), colours.dim))
        return parts


def _not_here(people: Mapping[str, Any], say: Labels, style: str) -> list[tuple[str, str]]:
    """Who did not come, where there is anybody: at home over the network, or in spite of an appointment."""
    counts = [(name, people.get(name)) for name in ("online", "missed_appointments")]
    return [part for name, count in counts if count for part in ((f"{say(name)} ", style), (f"{plain(count)}  ", ""))]


def _whole(parts: list[list[tuple[str, str]]], columns: int) -> Text:
    """A line of as many parts as fit whole: a number that is cut would be another number."""
    line = Text(no_wrap=True, end="")
    for part in map(joined, parts):
        if line.cell_len + part.cell_len > columns:
            break
        line.append_text(part)
    return line


class QueuePanel(Drawn, can_focus=True):
    """Who waits and how long; open ratings; what devices still hold."""

    HELP = "help_queue"

    def tick(self) -> None:
        """The title, then what has changed."""
        self.title(self.look.say("queue"))
        super().tick()

    def lines(self, columns: int, rows: int) -> list[Text]:
        """The most urgent first, as many as there are rows."""
        scene, colours, say = self.look
        figures = scene.figures
        people, waits = figures.get("visitors") or {}, figures.get("waits_s") or {}
        ratings, held = figures.get("ratings") or {}, figures.get("held") or {}
        minutes = [float(value) for value in people.get("waiting_by_minute") or ()]
        open_now = [
            plain(one.get("device") or one.get("ticket") or one, 32) if isinstance(one, dict) else plain(one, 32)
            for one in ratings.get("open_windows") or ()
        ]
        first = [
            (plain(people.get("waiting", 0)), "bold"),
            (f" {say('waiting')}  ", colours.dim),
            (say("longest") + " ", colours.dim),
            (span(people.get("longest_wait_s")), ""),
            ("  ", ""),
            (spark(minutes, min(30, max(6, columns - 46))), colours.busy),
        ]
        all_of = [
            joined(first),
            _whole(
                [
                    [(f"{say('wait_mean')} ", colours.dim), (span(waits.get("mean")), "")],
                    [(f"  {say('p90')} ", colours.dim), (span(waits.get("p90")), "")],
                    [(f"  {say('served')} ", colours.dim), (plain(people.get("served", 0)), "")],
                    [(f"  {say('tickets')} ", colours.dim), (plain(figures.get("tickets", 0)), "")],
                ],
                columns,
            ),
            joined(
                [
                    *_not_here(people, say, colours.dim),
                    (f"{say('open_ratings')} ", colours.dim),
                    (", ".join(open_now) or say("none"), colours.busy if open_now else ""),
                ]
            ),
            _whole(
                [
                    [
                        (f"{say('held_events')} ", colours.dim),
                        (plain(held.get("events", 0)), f"bold {colours.busy}" if held.get("events") else ""),
                    ],
                    [(f"  {say('oldest')} {span(held.get('oldest_s'))}" if held.get("events") else "", colours.dim)],
                    *(
                        [
                            ("" if number else f"  {say('next')} ", colours.dim),
                            (" " * (number > 0) + plain(one, 12), ""),
                        ]
                        for number, one in enumerate((people.get("next_tickets") or ())[:6])
                    ),
                ],
                columns,
            ),
        ]
        if rows == 1:
            parts = [*first[:4], (f"  {say('held_events')} ", colours.dim), (plain(held.get("events", 0)), "bold")]
            return [joined([(f"{say('queue')} ", colours.dim), *parts, *first[4:]])]
        return all_of[:rows]
