"""Writing to displays and boards by declaration: what is said, and when, is the declaration's `[house]`.

What a row shows is a state that is kept up, as with displays that have a kind of their own: it is said when it changes,
again each `every_ms`, and again when the display answers after a time in which it did not. A message with an `answer`
is repeated until that comes; without one, and without a `poll` that is answered, nobody can tell whether the display
is there, and the repetition alone brings it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bench.controller.board_master import Exchange, Talk
from bench.controller.conversation import Tell
from bench.controller.texts import BLINK
from firmware_sim.declared_host import NOTHING, HostSide, wishes
from firmware_sim.device import MS, Flaws
from protocol.declared.codec import Codec
from protocol.declared.items import BadValue
from protocol.declared.model import Ask, House

_PAUSE: Final = 10 * MS
"""Silence before the next frame; more when the declaration ends frames by silence."""

_NEVER: Final = 1 << 62
_MOST_HEARD: Final = 4096


class _Row:
    """One row: what it is to show, what was said last, and when it is said again."""

    __slots__ = ("again", "dark_first", "light_at", "said", "wishes")

    def __init__(self, wishes: Mapping[str, Any]) -> None:
        self.wishes = wishes
        self.said: Mapping[str, Any] | None = None
        self.again = 0
        self.dark_first = False
        self.light_at = 0


class DeclaredText(Talk):
    """One display or board.

    Args:
        name: its name.
        unit: its address.
        codec: its declaration, which has a `[house]`.
        tell: where notes go: `not_shown` {device, text, why} when a text cannot be put into a frame.
        counter: number of the counter over which it hangs; 0 for a board.

    Raises:
        ValueError: the declaration does not say how a program speaks with the device.
    """

    def __init__(self, name: str, unit: int, codec: Codec, tell: Tell, counter: int = 0) -> None:
        house = codec.declaration.house
        if house is None:
            raise ValueError(f"{name}: {codec.declaration.name} has no [house]: it does not say how to speak with it")
        screen = house.screen
        super().__init__(name, screen.rows if house.show is not None else 0, screen.width, tell)
        self._house: House = house
        self._host = HostSide(codec, unit)
        self._counter = counter
        self._rows = [_Row(wishes(screen, "", "", 0, number + 1)) for number in range(self.rows)]
        self._begun = 0
        self._poll_at = 0
        self._answer = ""
        self._taken: Callable[[], None] | None = None
        self._heard = b""
        self._pause = max(_PAUSE, codec.declaration.line.inter_byte_ms * MS + MS)

    @property
    def wishing(self) -> bool:
        """Whether something is to be said to it now."""
        return self._begun < len(self._house.start) or any(map(_changed, self._rows))

    def show(self, now: int, text: str, row: int = 0, *, blink: bool = False) -> None:
        """Wish that a row shows a text that is a ticket, a mark such as "----", or nothing."""
        self.wish(row, text, ticket=text if any(map(str.isalnum, text)) else "", counter=self._counter, blink=blink)

    def wish(self, row: int, text: str, *, ticket: str, counter: int, blink: bool = False) -> None:
        """Wish that a row shows a call.

        Args:
            row: from 0; a row that it does not have is left out.
            text: as it is to be read.
            ticket: as it is printed, "" for none.
            counter: where it is called.
            blink: dark first, so that people look up.
        """
        if not 0 <= row < len(self._rows):
            return
        place = self._rows[row]
        place.wishes = wishes(self._house.screen, text, ticket, counter, row + 1)
        place.dark_first = blink
        self.texts[row] = place.wishes["text"]

    def turn(self, now: int) -> Exchange | None:
        """What is to be said first: the beginning, what changed, what is said again, the question."""
        poll = self._house.poll
        if self.failures and poll is not None and poll.answer:
            return self._say(now, poll, NOTHING, self._polled(now, poll))
        for attempt in self._jobs(now):
            exchange = attempt()
            if exchange is not None:
                return exchange
        self.due = self._next()
        return None

    def heard(self, now: int, data: bytes, flaws: Flaws | None) -> bool:
        """Characters of its answer; those that are damaged are left out."""
        if flaws:
            data = bytes(char for index, char in enumerate(data) if index not in flaws)
        self._heard = (self._heard + data)[-_MOST_HEARD:]
        if self._answer not in self._host.answers(self._heard):
            return False
        taken, self._taken = self._taken, None
        if taken is not None:
            taken()
        self.due = self._next()
        return True

    def missed(self, now: int) -> None:
        """It is not known whether it took what was said: that is said again."""
        self._taken = None

    def back(self, now: int) -> None:
        """It may have lost its supply: all is said from the beginning."""
        self._begun = 0
        for row in self._rows:
            row.said = None
        self.due = now

    # -- what is due --------------------------------------------------------------------------------------------------
    def _jobs(self, now: int) -> list[Callable[[], Exchange | None]]:
        jobs: list[Callable[[], Exchange | None]] = []
        if self._begun < len(self._house.start):
            return [lambda: self._say(now, self._house.start[self._begun], NOTHING, self._begin)]
        jobs += [self._job(now, row, self._darken) for row in self._rows if row.dark_first]
        jobs += [self._job(now, row, self._light) for row in self._rows if _due(row, now)]
        poll = self._house.poll
        if poll is not None and now >= self._poll_at:
            jobs.append(lambda: self._say(now, poll, NOTHING, self._polled(now, poll)))
        return jobs

    @staticmethod
    def _job(now: int, row: _Row, act: Callable[[int, _Row], Exchange | None]) -> Callable[[], Exchange | None]:
        return lambda: act(now, row)

    def _begin(self) -> None:
        self._begun += 1

    def _polled(self, now: int, poll: Ask) -> Callable[[], None]:
        def done() -> None:
            self._poll_at = now + poll.every_ms * MS

        return done

    def _darken(self, now: int, row: _Row) -> Exchange | None:
        def done() -> None:
            row.dark_first = False
            row.said = dark
            row.light_at = now + BLINK

        dark = wishes(self._house.screen, "", "", 0, row.wishes["row"])
        return self._row(now, row, dark, done)

    def _light(self, now: int, row: _Row) -> Exchange | None:
        show, wished = self._house.show, row.wishes
        assert show is not None

        def done() -> None:
            row.said = wished
            row.light_at = 0
            row.again = now + show.every_ms * MS

        return self._row(now, row, wished, done)

    def _row(self, now: int, row: _Row, wished: Mapping[str, Any], done: Callable[[], None]) -> Exchange | None:
        empty = not str(wished["text"]).strip()
        ask = self._house.dark if empty and self._house.dark is not None else self._house.show
        assert ask is not None
        return self._say(now, ask, wished, done)

    def _next(self) -> int:
        """Instant at which something is due when nothing is wished."""
        times = [row.light_at or row.again for row in self._rows if row.said is not None]
        if self._house.poll is not None:
            times.append(self._poll_at)
        return min(times, default=_NEVER)

    def _say(self, now: int, ask: Ask, wished: Mapping[str, Any], taken: Callable[[], None]) -> Exchange | None:
        try:
            frame = self._host.frame(ask, wished)
        except BadValue as error:
            taken()  # a text that fits no frame is not tried again for ever
            self.tell(now, "not_shown", {"device": self.name, "text": wished["text"], "why": str(error)})
            return None
        self._answer, self._heard = ask.answer, b""
        if not ask.answer:
            taken()
            self.due = self._next()
            return Exchange((frame,), pause=self._pause)
        self._taken = taken
        return Exchange((frame,), 0, self._host.longest(ask.answer), self._pause, ask.within_ms * MS)


def _changed(row: _Row) -> bool:
    """Whether what it shows is to be changed, and nothing is waited for."""
    return row.dark_first or (row.wishes != row.said and not row.light_at)


def _due(row: _Row, now: int) -> bool:
    """Whether it is to be written now: it changed, its time of darkness is over, or it is said again."""
    if row.light_at:
        return now >= row.light_at
    return row.wishes != row.said or now >= row.again


__all__ = ["DeclaredText"]
