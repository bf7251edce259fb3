"""The master of a line with boards that are written to and seldom answer: one exchange at a time, sans-IO.

What is said to a board, and what an answer means, is its `Talk`'s matter (`bench.controller.alpha_master`,
`bench.controller.ascii_master`, `bench.controller.declared_text`); when, and what happens when nothing comes back, is
decided here: an exchange that missed its answer is repeated, after three the board is down and is asked again after 1,
2, 4 ... 30 s.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, NamedTuple

from bench.controller.conversation import Tell
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS, Alarm, Effect, Flaws, Send, Watch

GO: Final = "go"
LATE: Final = "late"
DOWN_AFTER: Final = 3
"""Exchanges in a row without their answer after which a board is down."""

_BACK_OFF: Final = tuple(min(1 << n, 30) * NS for n in range(6))
_PATIENCE: Final = NS
_NEVER: Final = 1 << 62

Effects = Sequence[Effect]


class Exchange(NamedTuple):
    """What is sent at once, and whether something comes back.

    Args:
        pieces: characters; between two of them is a pause of `gap`.
        gap: ns.
        reply: characters that the answer has at most; 0: nobody answers.
        pause: ns before the next exchange.
        patience: ns for which the first character of the answer is waited for.
    """

    pieces: tuple[bytes, ...]
    gap: int = 0
    reply: int = 0
    pause: int = 0
    patience: int = _PATIENCE


class Talk(ABC):
    """The house's end of one board: rows of text that it is to show.

    Args:
        name: name of the board.
        rows: how many.
        width: characters of a row; texts are cut.
        tell: where notes go.

    Attributes:
        due: instant at which it is looked after when nothing is wished.
        wishing: something is to be said to it now.
        failures: exchanges in a row that missed their answer.
        down: it was given up for the time being.
    """

    def __init__(self, name: str, rows: int, width: int, tell: Tell) -> None:
        self.name = name
        self.rows = rows
        self.width = width
        self.tell = tell
        self.due = 0
        self.failures = 0
        self.down = False
        self.texts = [""] * rows

    @property
    @abstractmethod
    def wishing(self) -> bool:
        """Whether something is to be said to it now."""

    def show(self, now: int, text: str, row: int = 0, *, blink: bool = False) -> None:
        """Wish that a row shows a text; `blink` darkens it first, so that people look up, if the board can."""
        self.texts[row] = "".join(char if " " <= char <= "}" else "?" for char in text[: self.width])

    @abstractmethod
    def turn(self, now: int) -> Exchange | None:
        """The next exchange, now that it may speak."""

    @abstractmethod
    def heard(self, now: int, data: bytes, flaws: Flaws | None) -> bool:
        """Characters came during its exchange; tells whether the answer is complete."""

    @abstractmethod
    def missed(self, now: int) -> None:
        """The answer to its exchange did not come."""

    @abstractmethod
    def back(self, now: int) -> None:
        """It answers again after it was down."""


class BoardMaster:
    """The house's end of a line of boards.

    Args:
        name: what histories call it.
        settings: of the line.
        units: the boards.
        tell: where notes go: `down` and `up` {device}.
    """

    watch: Watch | None = None

    def __init__(self, name: str, settings: LineSettings, units: Sequence[Talk], tell: Tell) -> None:
        self.name = name
        self.units = tuple(units)
        self._settings = settings
        self._tell = tell
        self._unit: Talk | None = None  # whose exchange is under way
        self._free_at = 0  # nothing is sent before
        self._deadline = _NEVER
        self._go_at = _NEVER

    def start(self, now: int) -> Effects:
        """Begin."""
        for unit in self.units:
            unit.due = now
        return self._rest(now)

    def poke(self, now: int, unit: Talk) -> Effects:
        """Something was wished of a board; effects for this line, empty while the master is at work on it."""
        if self._unit is not None or unit.failures:
            return ()
        at = max(now, self._free_at)
        if self._go_at <= at:
            return ()
        self._go_at = at
        return (Alarm(at, GO),)

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Effects:
        """A board speaks; what comes while nobody was asked is passed over."""
        unit = self._unit
        if unit is None or self._deadline == _NEVER or not unit.heard(now, data, flaws):
            return ()
        self._unit, self._deadline = None, _NEVER
        unit.failures = 0
        if unit.down:
            unit.down = False
            self._tell(now, "up", {"device": unit.name})
            unit.back(now)
        self._free_at = max(self._free_at, now)
        return self._rest(now)

    def wake(self, now: int, tag: str) -> Effects:
        """It is somebody's turn, or an answer is overdue."""
        if tag == LATE:
            return self._late(now)
        if now < self._go_at:
            return ()
        self._go_at = _NEVER
        if self._unit is not None and self._deadline == _NEVER:
            self._unit = None  # its exchange had no answer to wait for
        return self._go(now) if self._unit is None else ()

    def _late(self, now: int) -> Effects:
        unit = self._unit
        if unit is None or now < self._deadline:
            return ()
        self._unit, self._deadline = None, _NEVER
        unit.failures += 1
        unit.missed(now)
        if unit.failures >= DOWN_AFTER:
            unit.due = now + _BACK_OFF[min(unit.failures - DOWN_AFTER, len(_BACK_OFF) - 1)]
            if not unit.down:
                unit.down = True
                self._tell(now, "down", {"device": unit.name, "why": "no answer"})
        else:
            unit.due = now
        return self._rest(now)

    def _rest(self, now: int) -> Effects:
        """Nothing is under way: arrange the next turn."""
        at = min((now if unit.wishing and not unit.failures else unit.due for unit in self.units), default=_NEVER)
        at = max(at, self._free_at, now)
        if at >= _NEVER:
            return ()
        self._go_at = at
        return (Alarm(at, GO),)

    def _go(self, now: int) -> Effects:
        wishing = [unit for unit in self.units if unit.wishing and not unit.failures]
        due = [unit for unit in self.units if unit.due <= now]
        for unit in (*wishing, *sorted(due, key=lambda unit: unit.due)):
            exchange = unit.turn(now)
            if exchange is not None:
                return self._send(now, unit, exchange)
        return self._rest(now)

    def _send(self, now: int, unit: Talk, exchange: Exchange) -> Effects:
        effects: list[Effect] = []
        out = 0
        for piece in exchange.pieces:
            out += exchange.gap if effects else 0
            effects.append(Send(piece, out))
            out += self._settings.duration(len(piece))
        self._unit = unit
        self._free_at = now + out + exchange.pause
        if exchange.reply:
            self._deadline = now + out + exchange.patience + self._settings.duration(exchange.reply)
            return (*effects, Alarm(self._deadline, LATE))
        self._go_at = self._free_at
        return (*effects, Alarm(self._go_at, GO))
