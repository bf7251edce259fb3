"""What boards and displays showed: distinct frames over the day, drawn, with the instant at which each appeared.

A frame is what one device shows in all its rows. Frames that stood for less than a second are left out: a board whose
rows are written one after the other passes through them. Boards that show the same frame within a second share one
picture. Drawn is the text that each device itself noted as shown; colours and blinking are in no note, and lit is red.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.daytime import clock_text
from bench.reports.run_dir import Record
from firmware_sim.device import NS

KINDS: Final = frozenset({("dev", "shown")})

STOOD: Final = NS
"""Shortest time for which a frame has to stand, ns."""

MOST: Final[Mapping[str, int]] = {"alpha_board": 9, "main_board": 9, "counter_display": 12}
"""Pictures of each kind of device; of any other 6."""

MOST_BYTES: Final = 450_000
"""Pictures beyond this many bytes of PNG are left out: the page is to stay below 2 MB."""

NAMES: Final[Mapping[str, str]] = {
    "alpha_board": "Alpha boards",
    "main_board": "Main boards",
    "counter_display": "Counter displays",
}
_ROWS: Final = 8
_CHARACTERS: Final = 32
_TICKET: Final = re.compile(r"(?<![A-Z0-9])[A-Z]{1,2}\d{3,5}(?![A-Z0-9])")


@dataclass(slots=True)
class Frame:
    """One distinct frame of one kind of device.

    Attributes:
        texts: what stands in each row, from the top.
        t: instant at which it first appeared, ns.
        devices: who showed it then.
        times: how often it appeared, on all of them.
    """

    texts: tuple[str, ...]
    t: int
    devices: list[str]
    times: int = 1


@dataclass(slots=True)
class _Screen:
    kind: str
    rows: dict[int, str] = field(default_factory=dict)
    since: int = 0
    changed: bool = False


class Boards:
    """Collects distinct frames from a history, and draws some of them.

    Args:
        stories: all stories of the verdict; frames with a ticket that they name are preferred.
        devices: the devices of the history's header.
    """

    def __init__(self, stories: str, devices: Sequence[Mapping[str, Any]]) -> None:
        self._told = set(_TICKET.findall(stories))
        self._kinds = {str(device.get("name")): str(device.get("kind", "")) for device in devices}
        self._screens: dict[str, _Screen] = {}
        self._found: dict[str, dict[tuple[str, ...], Frame]] = {}
        self._height: dict[str, int] = {}
        self._width: dict[str, int] = {}

    def see(self, record: Record) -> None:
        """Take a record of the history; all but what is shown is ignored."""
        if record["k"] != "shown" or record["src"] != "dev":
            return
        name, row, shown = str(record.get("device")), record.get("row", 1), record.get("text")
        if not isinstance(shown, str):
            return
        row = row if isinstance(row, int) and 1 <= row <= _ROWS else 1
        screen = self._screens.get(name)
        if screen is None:
            screen = self._screens[name] = _Screen(self._kinds.get(name, ""))
        self._settle(name, screen, record["t"])
        text = shown[:_CHARACTERS]
        screen.rows[row] = text
        screen.since, screen.changed = record["t"], True
        self._height[screen.kind] = max(row, self._height.get(screen.kind, 1))
        self._width[screen.kind] = max(len(text), self._width.get(screen.kind, 1))

    def _settle(self, name: str, screen: _Screen, now: int) -> None:
        """Keep what stood on a screen up to now, if it stood for long enough."""
        if not screen.changed or now - screen.since < STOOD:
            return
        screen.changed = False
        texts = tuple(screen.rows.get(row, "") for row in range(1, max(screen.rows) + 1))
        if not any(text.strip() for text in texts):
            return
        frames = self._found.setdefault(screen.kind, {})
        frame = frames.get(texts)
        if frame is None:
            frames[texts] = Frame(texts, screen.since, [name])
            return
        frame.times += 1
        if abs(screen.since - frame.t) <= STOOD and name not in frame.devices:
            frame.devices.append(name)

    def galleries(self) -> list[dict[str, Any]]:
        """The chosen frames of each kind of device, drawn.

        Returns:
            For each kind `title`, `sentence` and `frames`: `png` (base64; empty when it cannot be drawn), `width` in
            pixels, `alt` and `caption`.
        """
        for name, screen in self._screens.items():
            self._settle(name, screen, screen.since + STOOD)  # what was shown last stands to the end
        size = 0
        galleries = []
        order = list(MOST)
        for kind in sorted(self._found, key=lambda kind: (order.index(kind) if kind in order else len(order), kind)):
            frames = sorted(self._found[kind].values(), key=lambda frame: (frame.t, frame.texts))
            drawn = []
            for frame in self._chosen(frames, MOST.get(kind, 6)):
                png, width, trouble = self._draw(kind, frame)
                size += len(png)
                if size > MOST_BYTES:
                    break
                drawn.append(
                    {
                        "png": base64.b64encode(png).decode("ascii"),
                        "width": width,
                        "alt": trouble or _spoken(frame.texts),
                        "caption": self._caption(frame),
                    }
                )
            title = NAMES.get(kind, kind.replace("_", " ").capitalize() or "Other displays")
            galleries.append({"title": title, "sentence": _sentence(len(drawn), len(frames)), "frames": drawn})
        return [gallery for gallery in galleries if gallery["frames"]]

    def _chosen(self, frames: Sequence[Frame], most: int) -> list[Frame]:
        """Up to `most` frames in order of time: some of which a story speaks, the others evenly over the day."""
        if len(frames) <= most:
            return list(frames)
        told = [n for n, frame in enumerate(frames) if not self._told.isdisjoint(_tickets(frame))][: most // 3]
        chosen = set(told)
        free = most - len(chosen)
        chosen.update(round(n * (len(frames) - 1) / max(free - 1, 1)) for n in range(free))
        return [frames[n] for n in sorted(chosen)]

    def _caption(self, frame: Frame) -> str:
        devices = ", ".join(frame.devices[:3])
        if len(frame.devices) > 3:
            devices += f" and {len(frame.devices) - 3} more"
        parts = [clock_text(frame.t, seconds=True), devices]
        if not self._told.isdisjoint(_tickets(frame)):
            parts.append("in a story")
        return " · ".join(parts)

    def _draw(self, kind: str, frame: Frame) -> tuple[bytes, int, str]:
        """A frame as PNG and its width, or no bytes and what went wrong."""
        from PIL import Image

        from bench.reports.pictures import board, panel

        try:
            if kind == "counter_display" and len(frame.texts) == 1:
                wide = max(4, min(self._width[kind], 12))
                picture = board.draw(panel.from_text(frame.texts[0], wide))
            else:
                texts = [*frame.texts, *[""] * (self._height[kind] - len(frame.texts))]
                picture = board.draw(panel.from_texts(texts, max(96, 6 * min(self._width[kind], _CHARACTERS))))
            picture = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
            out = io.BytesIO()
            picture.quantize(64, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        except Exception as error:  # a frame that cannot be drawn must not cost the report
            return b"", 0, f"This frame cannot be drawn: {type(error).__name__}: {error}"
        return out.getvalue(), picture.width, ""


def _tickets(frame: Frame) -> set[str]:
    return set(_TICKET.findall("\n".join(frame.texts)))


def _spoken(texts: Iterable[str]) -> str:
    """The picture in words."""
    return "shows " + " / ".join(text.strip() or "a dark row" for text in texts)


def _sentence(shown: int, found: int) -> str:
    if shown == found:
        return "The only frame of the day." if found == 1 else f"All {found} distinct frames of the day."
    return (
        f"{shown} of {found:,} distinct frames, taken evenly over the day, and first of all those with a ticket "
        "that a story speaks of."
    )
