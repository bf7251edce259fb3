"""What the house says to one Modbus unit: a poll, and settings it wants the unit to have.

A `Conversation` decides *what* is asked and what an answer means; `bench.controller.modbus_master.ModbusMaster` decides
*when*, and does everything about time-outs and retries. The settings are wishes with a key (`Want`): a newer wish of
the same key replaces an older one, a wish stays until the unit took it, and all wishes that are to be kept are sent
again when the unit comes back from a power loss. So what a display shows is a state to be reached, not a message that
can be missed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from firmware_sim.device import NS

Tell: TypeAlias = Callable[[int, str, Mapping[str, Any]], None]
"""(instant ns, kind of note, facts): where the controller's notes go."""

BUSY = frozenset({0x05, 0x06})
"""Exceptions that say "later": acknowledge (long job) and server busy (protocols.md 1.2 [K])."""

_FAILURE = 0x04
_LATER, _LATEST = NS // 4, 4 * NS


class Ask(NamedTuple):
    """One request.

    Args:
        request: the sealed frame.
        reply: characters that the reply has when it is no exception; 0 for a broadcast.
        kind: the conversation's own word for it.
        once: never repeated by the master (a write that would count twice).
        want: the wish it carries out.
    """

    request: bytes
    reply: int
    kind: str
    once: bool = False
    want: Want | None = None


Build: TypeAlias = Callable[[int], Ask | None]
"""Makes the request of a wish at the instant it is sent; None when nothing is left to be done."""


class Want:
    """A wish: `build` makes its request when its turn comes; `keep` sends it again after a power loss."""

    __slots__ = ("build", "keep", "key")

    def __init__(self, key: str, build: Build, *, keep: bool = True) -> None:
        self.key = key
        self.build = build
        self.keep = keep


class Conversation:
    """The base: polls with one fixed request, sends wishes.

    Args:
        name: name of the device.
        unit: its address.
        period: time between polls, ns.
        tell: where notes go.

    Attributes:
        due: instant of the next visit, set by the master.
        poll: what is asked when nothing else is to be said; None: nothing ever.
        usual: the last reply to `poll`, byte for byte, when it said nothing that calls for work. The same bytes again
            need not be looked at.
        idle: whether the last reply to `poll` called for no work.
        failures: attempts without a good reply since the last good one; the master's.
        down: the master has given it up for the time being.
        answered: instant of the last good reply.
        asked: end of the last request that had no good reply.
        patience: how long the master waits for the first character of a reply; 0 = as for all.
        retry: a request to be repeated as it was.
        busy: replies in a row that said "later".
    """

    __slots__ = (
        "_last_refusal",
        "answered",
        "asked",
        "busy",
        "down",
        "due",
        "failures",
        "idle",
        "kept",
        "name",
        "patience",
        "pending",
        "period",
        "poll",
        "retry",
        "tell",
        "unit",
        "usual",
    )

    def __init__(self, name: str, unit: int, period: int, tell: Tell) -> None:
        self.name = name
        self.unit = unit
        self.period = period
        self.tell = tell
        self.due = 0
        self.poll: Ask | None = None
        self.usual: bytes | None = None
        self.idle = False
        self.failures = 0
        self.down = False
        self.answered = -1
        self.asked = 0
        self.patience = 0
        self.retry: Ask | None = None
        self.busy = 0
        self.pending: dict[str, Want] = {}
        self.kept: dict[str, Want] = {}
        self._last_refusal = b""

    @property
    def shy(self) -> bool:
        """Whether it is visited only when due: it does not answer, or said "later"."""
        return self.failures > 0 or self.busy > 0

    def want(self, key: str, build: Build, *, keep: bool = True) -> None:
        """Wish something; it replaces a wish of the same key that was not sent yet."""
        wish = Want(key, build, keep=keep)
        self.pending[key] = wish
        if keep:
            self.kept[key] = wish

    def drop(self, key: str) -> None:
        """Wish it no longer."""
        self.pending.pop(key, None)
        self.kept.pop(key, None)

    def turn(self, now: int) -> Ask | None:
        """The next request, now that it may speak: the one to repeat, else a wish, else the poll."""
        if self.retry is not None:
            ask, self.retry = self.retry, None
            return ask
        while self.pending:
            wish = next(iter(self.pending.values()))
            made = wish.build(now)
            if made is not None:
                return made._replace(want=wish)
            self.drop(wish.key)
        return self.poll

    def answer(self, now: int, ask: Ask, values: Sequence[int]) -> Ask | None:
        """A good reply; returns what is to be asked of the same unit next, if anything."""
        self.busy = 0
        wish = ask.want
        if wish is not None and self.pending.get(wish.key) is wish:
            del self.pending[wish.key]
        return self.told(now, ask, values)

    def told(self, now: int, ask: Ask, values: Sequence[int]) -> Ask | None:
        """What a good reply means to this kind of device."""
        self.idle = True
        return None

    def refused(self, now: int, ask: Ask, code: int) -> None:
        """An exception reply: "later" is obeyed with growing pauses, a real refusal is told once and not repeated."""
        if code in BUSY or (code == _FAILURE and self.busy < 3):
            self.due = now + min(_LATER << self.busy, _LATEST)
            self.busy = min(self.busy + 1, 8)
            if ask.want is None and ask is not self.poll and not ask.once:
                self.retry = ask
            return
        self.busy = 0
        if ask.want is not None and self.pending.get(ask.want.key) is ask.want:
            self.drop(ask.want.key)
        if ask.request != self._last_refusal:
            self._last_refusal = ask.request
            self.tell(now, "refused", {"device": self.name, "exception": code, "request": ask.request.hex(" ")})

    def back(self, now: int) -> None:
        """It came back, from a power loss perhaps: everything that is to be kept is sent again."""
        self.usual = None
        for key, wish in self.kept.items():
            self.pending.setdefault(key, wish)
