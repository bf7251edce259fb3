"""Writing to LED-485 displays by their ASCII protocol: texts that nobody answers, and a question now and then.

A text is written again each half minute, and the model is asked for: a display that lost its supply is right again
within that time, and one that does not answer is found down.
"""

from __future__ import annotations

from typing import Final

from bench.controller.board_master import Exchange, Talk
from bench.controller.conversation import Tell
from bench.controller.texts import BLINK, REFRESH
from firmware_sim.device import Flaws
from protocol.led485_ascii import MODEL, query, show

_PAUSE: Final = 20_000_000
_REPLY: Final = 16
_ANSWER: Final = b"LED-485-"


class AsciiDisplay(Talk):
    """One display.

    Args:
        name: name of the display.
        unit: its number, 1 to 247.
        width: digits.
        tell: where notes go.
    """

    def __init__(self, name: str, unit: int, width: int, tell: Tell) -> None:
        super().__init__(name, 1, width, tell)
        self._unit = unit
        self._sent: str | None = None
        self._dark_first = False
        self._light_at = 0  # until then it is dark, so that people look up
        self._ask_at = 0
        self._heard = b""

    @property
    def wishing(self) -> bool:
        """Whether something is to be said to it now."""
        return self._dark_first or (self.texts[0] != self._sent and not self._light_at)

    def show(self, now: int, text: str, row: int = 0, *, blink: bool = False) -> None:
        """Wish that it shows a text; `blink` darkens it first."""
        super().show(now, "".join("?" if char in "$#&" else char for char in text), row)
        self._dark_first = blink

    def turn(self, now: int) -> Exchange | None:
        """The text, if it has changed or it is time; now and then the question whether it is there."""
        if self.failures:
            return self._question(now)
        if self._dark_first:
            self._dark_first, self._sent = False, ""
            self._light_at = self.due = now + BLINK
            return self._say("")
        if now < self._light_at or (self.texts[0] == self._sent and now < self.due):
            return None
        if self.texts[0] == self._sent and now >= self._ask_at:
            return self._question(now)
        self._light_at = 0
        self._sent = self.texts[0]
        self.due = max(now, self._ask_at)
        return self._say(self.texts[0])

    def heard(self, now: int, data: bytes, flaws: Flaws | None) -> bool:
        """Its model; it is there if it says one."""
        self._heard += b"" if flaws else data
        return _ANSWER in self._heard[-64:]

    def missed(self, now: int) -> None:
        """It did not say its model."""

    def back(self, now: int) -> None:
        """It answers again: write the text."""
        self._sent = None
        self.due = now

    def _question(self, now: int) -> Exchange:
        self._heard = b""
        self._ask_at = now + REFRESH
        self._sent = None  # the text is written again behind it
        return Exchange((query(self._unit, MODEL),), 0, _REPLY, _PAUSE)

    def _say(self, text: str) -> Exchange:
        return Exchange((show(self._unit, text.ljust(self.width)),), 0, 0, _PAUSE)
