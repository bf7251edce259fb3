"""LED-485 displays that are written to by their ASCII protocol, `$001,A001#`: the second language of the same display.

Source: protocols.md 1.4 [C], `protocol.led485_ascii`. The vendor's own test changes between Modbus and ASCII on one
line without any setting, so a display on such a line is a slave of its Modbus station and is known here too: both
write to the same digits. Assumed: a query is answered after 5 ms, a frame with a damaged character is passed over, and
a silence of 100 ms ends a frame that was begun.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from firmware_sim.device import Effect, Flaws, Note, Send, Watch
from firmware_sim.devices.counter_display import CounterDisplay
from protocol.led485_ascii import HELLO, MODEL, VERSION, Frame, Receiver

_TURNAROUND: Final = 5_000_000
_GAP: Final = 100_000_000
FIRMWARE: Final = "V1.10"
"""What is answered to 03 (the form of a version is assumed)."""


class AsciiStation:
    """The LED-485 displays of one line, as they hear ASCII.

    Args:
        name: what histories call it.

    Attributes:
        displays: the displays on the line.
    """

    watch: Watch | None = None

    def __init__(self, name: str = "ascii") -> None:
        self.name = name
        self.displays: list[CounterDisplay] = []
        self._receiver = Receiver()
        self._heard_end = 0

    def attach(self, display: CounterDisplay) -> CounterDisplay:
        """Let a display hear this line."""
        self.displays.append(display)
        return display

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        """Characters went by."""
        if first - self._heard_end > _GAP:
            self._receiver.expire()
        self._heard_end = last
        if not self._receiver.inside and b"$" not in data:
            return ()
        out: list[Effect] = []
        for frame in self._receiver.feed(data, flaws):
            if not frame.flawed:
                for display in self.displays:
                    if display.unit == frame.unit and first >= display.silent_until:
                        out += self._obey(display, frame)
        return out

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        """Nothing waits here."""
        return ()

    @staticmethod
    def _obey(display: CounterDisplay, frame: Frame) -> Iterable[Effect]:
        if not frame.query:
            return _named(display, display.say(frame.text))
        if frame.text == HELLO:
            return _named(display, display.say("YES"))
        answer = {MODEL: f"LED-485-{display.model}", VERSION: FIRMWARE}.get(frame.text)
        return () if answer is None else (Send(answer.encode("ascii"), _TURNAROUND),)


def _named(display: CounterDisplay, effects: Iterable[Effect]) -> list[Effect]:
    """Notes of a display under its own name."""
    return [
        Note(effect.kind, {"device": display.name, **effect.facts}) if isinstance(effect, Note) else effect
        for effect in effects
    ]
