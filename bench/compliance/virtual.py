"""The player in virtual time: an emulated line under `Clockwork`, instants exact to the nanosecond.

The tester stands on the wire itself: it sees each burst as it is, holes included. `View` makes it see what a USB
adapter would show instead (characters handed over in packets, late), with the uncertainty that follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bench.clock.clockwork import Clockwork
from bench.compliance.results import Frame
from bench.compliance.steps import Ask, Heard, Operator, Step, Wait, begun, wait_mark
from firmware_sim.burst import LineSettings
from firmware_sim.device import MS, Effect
from firmware_sim.line import Line
from protocol.modbus.rtu import t35

__all__ = ["EXACT", "View", "VirtualPlayer"]

_TAIL: Final = 50 * MS
_ENDLESS: Final = 10_000 * MS
Hand = Callable[..., Iterable[Effect]]


@dataclass(frozen=True, slots=True)
class View:
    """How a port shows the line.

    Args:
        packet: most characters in one piece; 0: bursts as they are.
        every: instants at which pieces are handed over are multiples of it, ns; 0: exact.
    """

    packet: int = 0
    every: int = 0


EXACT: Final = View()


class VirtualPlayer:
    """Plays steps on a line.

    Args:
        build: puts devices on the line it is given; returns the hands: action -> function of (now, *args) that returns
            effects, already those of the station it names.
        settings: of the line.
        view: how the tester sees it.
    """

    clock = "virtual"

    def __init__(
        self,
        build: Callable[[Line, Clockwork], Mapping[str, Callable[..., None]]],
        settings: LineSettings,
        view: View = EXACT,
    ) -> None:
        self._clockwork = Clockwork()
        self.line = Line("check", self._clockwork, settings)
        self._hands = build(self.line, self._clockwork)
        self._station = self.line.attach_port(None)
        self.line.on_burst(self._burst)
        self._view = view
        self.uncertainty = view.every
        self.frames: list[Frame] = []
        self._heard: list[Frame] = []
        self._last = 0
        self._settings = settings
        self._tail = max(_TAIL, 4 * t35(settings.baud, settings.char_bits), 2 * view.every)

    @property
    def now(self) -> int:
        """The present instant, ns."""
        return self._clockwork.now

    def begin(self, attempt: int) -> None:
        """A case begins, or is repeated."""
        self.frames = begun(self.frames, self.now, attempt)

    def play(self, step: Step) -> Heard:
        """Carry out a step; simulated time goes on by as much as it takes."""
        self._heard = []
        if isinstance(step, Ask):
            return self._ask(step)
        if isinstance(step, Wait):
            return self._wait(step)
        return self._operate(step)

    def _ask(self, step: Ask) -> Heard:
        clockwork, line = self._clockwork, self.line
        clockwork.advance_to(max(clockwork.now, self._last + step.after))
        sent_end, gaps = clockwork.now, []
        for number, (silence, data) in enumerate(step.parts):
            clockwork.advance_to(max(clockwork.now, sent_end + silence))
            at = clockwork.now
            if number:
                gaps.append(at - sent_end)
            line.transmit(self._station, data)
            sent_end = at + self._settings.duration(len(data))
            note = step.note if not number else "goes on"
            self.frames.append(Frame(at, sent_end, "out", data, note))
            clockwork.advance_to(sent_end)
        self._last = max(self._last, sent_end)
        self._listen(sent_end + step.window, step)
        return self._taken(sent_end, tuple(gaps))

    def _wait(self, step: Wait) -> Heard:
        began = self.now
        self.frames.append(wait_mark(began, step.note))
        self._clockwork.advance_to(began + step.ns)
        while self._speaking() and self.now < began + step.ns + _ENDLESS:
            self._clockwork.step()
        return self._taken(began, ())

    def _operate(self, step: Operator) -> Heard:
        hand = self._hands.get(step.action)
        done = hand is not None and hand(*step.args) is not False  # an eye tells what it sees, a hand tells nothing
        self.frames.append(wait_mark(self.now, f"operator: {step.text}: {'done' if done else 'not done'}"))
        return Heard(sent_end=self.now, first=len(self.frames), done=done)

    def _listen(self, until: int, step: Ask) -> None:
        clockwork = self._clockwork
        end = until + _ENDLESS
        while clockwork.now < end:
            edge = self._edge(step) if self._heard else until
            if self._speaking() or clockwork.peek() <= edge:
                clockwork.step()
            else:
                clockwork.advance_to(max(edge, clockwork.now))
                return

    def _edge(self, step: Ask) -> int:
        whole = (
            step.tail is not None and step.complete is not None and step.complete(b"".join(f.data for f in self._heard))
        )
        return self._heard[-1].end + (step.tail or 0 if whole else self._tail)

    def _speaking(self) -> bool:
        return any(station.current is not None for station in self.line.stations)

    def _burst(self, start: int, line: str, src: str, data: bytes, flaws: int, end: int) -> None:
        self._last = max(self._last, end)
        if src == "port":
            return
        note = f"{flaws} characters damaged" if flaws else ""
        if data:
            self._heard.append(Frame(start, end, "in", data, note))

    def _taken(self, sent_end: int, gaps: tuple[int, ...]) -> Heard:
        seen = tuple(self._seen())
        first = len(self.frames)
        self.frames += seen
        return Heard(seen, sent_end, first, gaps)

    def _seen(self) -> Iterable[Frame]:
        view = self._view
        if view == EXACT:
            yield from self._heard
            return
        for frame in self._heard:
            size = view.packet or len(frame.data)
            step = (frame.end - frame.at) // len(frame.data)
            for start in range(0, len(frame.data), size):
                data = frame.data[start : start + size]
                end = frame.at + step * (start + len(data))
                late = -end % view.every if view.every else 0
                yield Frame(end + late - step * len(data), end + late, "in", data, frame.note)
