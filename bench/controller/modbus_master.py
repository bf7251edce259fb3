"""The master of one Modbus RTU line, sans-IO: one request at a time, and what to do when the answer is not good.

It keeps the manners of MODBUS over Serial Line V1.02 as collected in protocols.md 1.1 [K], and what conformance.md
section 4.4 asks of a correct collector:

* one outstanding request; t3.5 of silence and one character before each (J15);
* a reply counts only when all of it comes after the request's end and before the time-out, with a right CRC, from the
  unit that was asked, with the function and length that were asked for (J5, J11);
* a sound frame from another unit, or an answer to something else, is passed over and the wait goes on (J12);
* after a time-out the line is listened to until it is quiet, so that a late reply is not taken for the next one (J11);
* a request that failed is repeated as it was, at most twice, behind whatever is due on healthy units; then the unit
  is down, and is asked again after 1, 2, 4 ... 30 s (J10, J13).

Costs matter here: a day of a large hall is some million polls. A poll whose reply is byte for byte the usual one is not
taken apart, and one alarm watches over many time-outs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final

from bench.controller.conversation import Ask, Conversation, Tell
from bench.controller.idle_polls import GO, TIMEOUT, IdlePolls
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS, Alarm, Effect, Flaws, Send, Stop, Watch
from firmware_sim.line import Line
from protocol.modbus.requests import BadReply, Reply, parse_reply
from protocol.modbus.rtu import MAX_ADU, is_sound, t35

SILENCE: Final = "silence"

DOWN_AFTER: Final = 3
"""Attempts without a good reply after which a unit is down: the request and two repetitions."""

_NEVER: Final = 1 << 62
_PATIENCE: Final = 100_000_000
_MORE_PATIENCE: Final = 700_000_000
_TURNAROUND: Final = 100_000_000
"""Pause after a broadcast, which nobody answers (protocols.md 1.1: 100 to 200 ms)."""
_BACK_OFF: Final = tuple(min(1 << n, 30) * NS for n in range(6))
_LONGEST_WAIT: Final = 2 * NS
"""A line that is never quiet is spoken on after so long all the same: otherwise its units would never be found down."""
_LATELY: Final = 3
"""Poll periods within which a unit that answered is taken to be well."""
_EACH_CHARACTER: Final = Watch(after=1)
_EXCEPTION_REPLY: Final = 5
_GLITCH: Final = 2
"""Characters that a driver switching on or off may add to a reply without a gap (conformance.md N05)."""

_UNFORESEEN: Final = (False, None)
_due: Final = attrgetter("due")

Effects = Sequence[Effect]
Broadcast = Callable[[int], bytes]
"""Makes a broadcast frame, given the instant at which the units will have it."""


class ModbusMaster:
    """The house's end of one RS-485 line.

    Args:
        name: what histories call it.
        settings: of the line.
        units: a conversation for each unit, in the order in which they are asked.
        tell: where notes go: `down` and `up` {device}.
        turnaround: what the devices need before a reply, ns.
        broadcast: makes a frame to all units, sent at the start and each `broadcast_period`.
        broadcast_period: ns.
        chore: called at most once a second, when the master is at work anyway.
        idle_chore: tells whether the chore, called now, would do nothing.
        idle_polls: books polls that come out as always instead of playing them; None plays all.
    """

    def __init__(
        self,
        name: str,
        settings: LineSettings,
        units: Sequence[Conversation],
        tell: Tell,
        *,
        turnaround: int = 2_000_000,
        broadcast: Broadcast | None = None,
        broadcast_period: int = 3600 * NS,
        chore: Callable[[int], None] | None = None,
        idle_chore: Callable[[], bool] | None = None,
        idle_polls: IdlePolls | None = None,
    ) -> None:
        self.name = name
        self.watch: Watch | None = None
        self.units = tuple(units)
        self.strays = 0
        self._tell = tell
        self._chars = tuple(settings.duration(n) for n in range(MAX_ADU + 1))
        self._t35 = t35(settings.baud, settings.char_bits)
        self._gap = self._t35 + self._chars[1]
        self._patience = turnaround + _PATIENCE + 4 * self._t35
        self._broadcast = broadcast
        self._broadcast_period = broadcast_period
        self._broadcast_at = _NEVER
        self._chore = chore
        self._idle_chore = idle_chore
        self._chore_at = _NEVER
        self._extra_at = _NEVER
        self._idle_polls = idle_polls

        self._unit: Conversation | None = None
        self._ask: Ask | None = None
        self._sent = 0  # end of the request
        self._deadline = 0
        self._watch_at = _NEVER  # instant of the pending time-out alarm; it may be that of an earlier request
        self._heard = bytearray()
        self._heard_end = 0
        self._damaged = False

        self._quiet = 0  # nothing is sent before
        self._deferred = -1  # since when a line that is not quiet keeps us waiting
        self._go_at = 0  # instant of the pending "go"
        self._inside = False
        self._follow: tuple[Conversation, Ask] | None = None
        self._urgent: list[Conversation] = []
        self._next: Conversation | None = None
        self._owed = 0  # visits that healthy units have before the next one that may fail

    # -- driven from outside ----------------------------------------------------------------------------------------
    def attached(self, line: Line) -> None:
        """The line it was put on; called by that line."""
        if self._idle_polls is not None:
            self._idle_polls.join(line, self)

    def start(self, now: int) -> Effects:
        """Begin: the first polls are spread over one period, after the first broadcast."""
        for place, unit in enumerate(self.units):
            unit.due = now + unit.period * place // len(self.units)
        self._urgent = [unit for unit in self.units if unit.pending]
        self._broadcast_at = now if self._broadcast is not None else _NEVER
        self._chore_at = now + NS if self._chore is not None else _NEVER
        self._extra_at = min(self._broadcast_at, self._chore_at)
        self._quiet = now + self._gap
        return self._rest(now)

    def poke(self, now: int, unit: Conversation) -> Effects:
        """A wish was made to a unit: it has its turn before the polls.

        Returns effects for this master's own line; empty while the master is at work on it.
        """
        if not unit.shy and unit not in self._urgent:
            self._urgent.append(unit)
        at = max(now, self._quiet)
        if self._inside or self._ask is not None or self._go_at <= at:
            return ()
        self._go_at = at
        return (Alarm(at, GO),)

    # -- the line speaks --------------------------------------------------------------------------------------------
    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Effects:
        """Characters went by: of the units, or our own where the adapter echoes them."""
        ask = self._ask
        if ask is None:
            # Nobody was asked: noise, or a reply that comes after its time-out.
            self.strays += 1
            self._quiet = max(self._quiet, now + self._chars[1] + self._gap if self.watch else last + self._gap)
            return ()
        unit = self._unit
        assert unit is not None
        if data == unit.usual and ask is unit.poll and flaws is None and not self._heard and first >= self._sent:
            self._ask = None
            self._quiet = last + self._gap
            unit.answered = now
            unit.busy = 0
            due = unit.due + unit.period
            unit.due = due if due > now else now  # noqa: FURB136  three times the speed of max()
            return self._rest(now)
        return self._listen(now, data, first, last, flaws)

    def _listen(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Effects:
        ask, heard = self._ask, self._heard
        assert ask is not None
        if first < self._sent:
            self.strays += 1  # it began while we spoke: an echo of ours, or an answer to something else
            return ()
        if heard and first - self._heard_end > self._t35:
            heard.clear()
            self._damaged = False
        heard += data[: MAX_ADU + 1]
        self._heard_end = last
        self._damaged = self._damaged or bool(flaws)
        whole = len(heard) == ask.reply or (len(heard) == _EXCEPTION_REPLY and heard[1] & 0x80)
        if whole and not self._damaged:
            raw = bytes(heard)
            reply = _parsed(ask, raw)
            if reply is not None:
                return self._accept(now, first, reply, raw)
        return (Alarm(last + self._t35, SILENCE),)

    def _silence(self, now: int) -> Effects:
        """A frame has ended that was not the answer."""
        ask, heard = self._ask, self._heard
        if ask is None or not heard or now < self._heard_end + self._t35:
            return ()
        frame, damaged = bytes(heard), self._damaged
        heard.clear()
        self._damaged = False
        if not damaged and is_sound(frame):
            self.strays += 1  # another unit, or another request's answer: the wait goes on
            return ()
        if len(frame) < _EXCEPTION_REPLY:
            self.strays += 1  # a glitch; the answer may still come
            return ()
        if not damaged and 0 < len(frame) - ask.reply <= _GLITCH:
            for at in range(len(frame) - ask.reply + 1):
                reply = _parsed(ask, frame[at : at + ask.reply])
                if reply is not None:
                    return self._accept(now, self._heard_end, reply, b"")
        return self._failed(now, "the reply was damaged", self._heard_end + self._gap)

    def _accept(self, now: int, first: int, reply: Reply, raw: bytes) -> Effects:
        unit, ask = self._unit, self._ask
        assert unit is not None
        assert ask is not None
        self._heard.clear()
        self._ask = None
        self._quiet = self._heard_end + self._gap
        unit.answered = now
        if unit.failures:
            # It may be the answer to the attempt before, with the answer to this one still to come: hear that out.
            longest = self._patience + _MORE_PATIENCE
            latency = first - unit.asked if first - unit.asked <= longest else first - self._sent
            unit.patience = min(max(self._patience, latency + latency // 4), longest)
            self._quiet = max(self._quiet, self._sent + latency + self._chars[ask.reply] + self._gap)
            self._recovered(unit, now)
        elif 2 * (first - self._sent) < self._patience:
            unit.patience = 0
        self._inside = True
        follow = None
        if ask is unit.poll:
            unit.due = max(unit.due + unit.period, now)
        if reply.exception is not None:
            unit.refused(now, ask, reply.exception)
        else:
            follow = unit.answer(now, ask, reply.values)
            if ask is unit.poll:
                unit.usual = raw if raw and unit.idle and follow is None else None
        self._inside = False
        if follow is not None:
            self._follow = (unit, follow)
        elif unit.pending and not unit.shy and unit not in self._urgent:
            self._urgent.append(unit)
        return self._rest(now)

    def _recovered(self, unit: Conversation, now: int) -> None:
        unit.failures = 0
        unit.retry = None
        if unit.down:
            unit.down = False
            self._tell(now, "up", {"device": unit.name})
            unit.back(now)

    # -- alarms -----------------------------------------------------------------------------------------------------
    def wake(self, now: int, tag: str) -> Effects:
        """One of the master's alarms fell due."""
        if tag == GO:
            return self._go(now)
        if tag == SILENCE:
            return self._silence(now)
        self._watch_at = _NEVER
        if self._ask is None:
            return ()
        if now < self._deadline:
            self._watch_at = self._deadline
            return (Alarm(self._deadline, TIMEOUT),)
        self.watch = _EACH_CHARACTER
        why = "the reply was damaged" if self._heard or self._damaged else "no reply"
        # What has begun by now has ended so long after; what begins then is heard at its first character.
        # A request that flow control has held back so far must not go out with the next one.
        return (Stop(), *self._failed(now, why, now + self._chars[min(self._ask.reply, MAX_ADU)] + self._gap))

    def _failed(self, now: int, why: str, quiet: int) -> Effects:
        unit, ask = self._unit, self._ask
        assert unit is not None
        assert ask is not None
        self._ask = None
        self._heard.clear()
        self._damaged = False
        self._quiet = max(self._quiet, quiet, now)
        unit.failures += 1
        unit.asked = self._sent
        unit.usual = None
        unit.retry = None if ask.once or ask.want is not None else ask
        unit.due = now
        self._owed = sum(1 for other in self.units if not other.failures)
        if unit.failures >= DOWN_AFTER:
            unit.retry = None
            unit.patience = 0
            unit.due = now + _BACK_OFF[min(unit.failures - DOWN_AFTER, len(_BACK_OFF) - 1)]
            if not unit.down:
                unit.down = True
                self._tell(now, "down", {"device": unit.name, "why": why})
        return self._rest(now)

    # -- whose turn it is -------------------------------------------------------------------------------------------
    def _rest(self, now: int) -> Effects:
        """Nothing is outstanding: arrange the next turn."""
        if self._follow is None and not self._urgent:
            at = self._turn_after(now)
            if not at:
                return ()
        else:
            at = max(self._quiet, now)
        self._go_at = at
        return (Alarm(at, GO),)

    def _turn_after(self, now: int) -> int:
        """The next turn when nothing is to be said before somebody is due, 0 for none; `_next` is whose it is."""
        unit: Conversation | None = min(self.units, key=_due, default=None)
        if unit is None or (unit.poll is None and not unit.pending):  # there is one that is never asked anything
            unit = self._earliest()
        self._next = unit
        at = self._extra_at
        if unit is not None and unit.due < at:
            at = unit.due
        if at < self._quiet:
            at = self._quiet
        if at >= _NEVER:
            return 0
        return at if at > now else now  # noqa: FURB136  three times the speed of max()

    def _earliest(self) -> Conversation | None:
        found, due = None, _NEVER
        for unit in self.units:
            if unit.due < due and (unit.poll is not None or unit.pending):
                found, due = unit, unit.due
        return found

    def _go(self, now: int) -> Effects:
        if self._ask is not None:
            return ()
        if now < self._quiet:
            if self._deferred < 0:
                self._deferred = now
            if now - self._deferred < _LONGEST_WAIT:
                self._go_at = self._quiet
                return (Alarm(self._quiet, GO),)
        self._deferred = -1
        self.watch = None
        self._go_at = _NEVER
        if now >= self._extra_at:
            effects = self._extra(now)
            if effects:
                return effects
        if self._follow is not None:
            unit, ask = self._follow
            self._follow = None
            return self._send(now, unit, ask)
        chosen = self._choose(now)
        if chosen is None:
            return self._rest(now)
        made = chosen.turn(now)
        if made is None:
            chosen.due = now + chosen.period
            return self._rest(now)
        return self._send(now, chosen, made)

    def _choose(self, now: int) -> Conversation | None:
        while self._urgent:
            unit = self._urgent.pop(0)
            if unit.pending and not unit.shy:
                return unit
        if self._owed:
            healthy = self._healthy(now)
            if healthy is not None:
                self._owed -= 1
                return healthy
            self._owed = 0
        unit_or_none = self._next
        self._next = None
        if unit_or_none is None or unit_or_none.due > now:
            unit_or_none = self._earliest()
        return unit_or_none if unit_or_none is not None and unit_or_none.due <= now else None

    def _healthy(self, now: int) -> Conversation | None:
        """The due unit that has waited longest among those that answered lately: it will not fail, as far as we know.

        Of units on a wire that has just been cut none has answered lately; were they asked one after the other, each
        would cost a time-out, and the healthy ones would wait for the sum of them.
        """
        due = [
            unit
            for unit in self.units
            if unit.due <= now and not unit.failures and now - unit.answered <= _LATELY * unit.period
        ]
        return min(due, key=lambda unit: unit.due, default=None)

    def _extra(self, now: int) -> Effects:
        """What is not for one unit: the chore, and the broadcast."""
        if now >= self._chore_at and self._chore is not None:
            self._chore_at = now + NS
            self._inside = True
            self._chore(now)
            self._inside = False
        frame = b""
        if now >= self._broadcast_at and self._broadcast is not None:
            self._broadcast_at = now + self._broadcast_period
            # It is taken when the silence after it tells its end.
            size = len(self._broadcast(now))
            frame = self._broadcast(now + self._chars[size] + self._t35)
            self._sent = now + self._chars[size]
            self._quiet = self._sent + _TURNAROUND
        self._extra_at = min(self._broadcast_at, self._chore_at)
        return (Send(frame), *self._rest(now)) if frame else ()

    def _send(self, now: int, unit: Conversation, ask: Ask) -> Effects:
        request = ask.request
        self._unit = unit
        self._ask = ask
        self._sent = sent = now + self._chars[len(request)]
        patience = unit.patience or self._patience
        if unit.failures:
            patience += _MORE_PATIENCE * min(unit.failures, 2) // 2 if not unit.down or unit.failures & 1 else 0
        self._deadline = deadline = sent + patience + self._chars[ask.reply]
        if self._watch_at <= deadline:
            return (Send(request),)
        self._watch_at = deadline
        return (Send(request), Alarm(deadline, TIMEOUT))

    # -- polls that are booked (`IdlePolls`) -------------------------------------------------------------------------
    @property
    def gap(self) -> int:
        """From the end of a reply to the soonest start of what is asked next, ns."""
        return self._gap

    @property
    def asking(self) -> bool:
        """Whether a request is outstanding."""
        return self._ask is not None

    @property
    def watched(self) -> int:
        """Instant of the pending time-out alarm."""
        return self._watch_at

    def rests(self) -> bool:
        """Whether nothing is outstanding, and nothing is to be said but what falls due."""
        return (
            self._ask is None
            and self._follow is None
            and not self._urgent
            and not self._owed
            and not self._heard
            and self._deferred < 0
            and self.watch is None
        )

    def foreseen(self, at: int) -> tuple[bool, Conversation | None]:
        """What a turn at `at` brings, of a master that rests until then.

        Returns:
            (True, the unit that is polled with its usual reply to be expected); (True, None) when nobody is due;
            (False, None) for everything else.
        """
        if at < self._quiet or (at >= self._extra_at and self._has_work(at)):
            return _UNFORESEEN
        unit = self._next
        if unit is None or unit.due > at:
            unit = self._earliest()
            if unit is None or unit.due > at:
                return (True, None)
        if unit.usual is None or unit.pending or unit.failures or unit.retry is not None:
            return _UNFORESEEN
        return (True, unit)

    def _has_work(self, at: int) -> bool:
        """Whether there is something for no single unit: a broadcast, or a chore that is not idle."""
        return at >= self._broadcast_at or self._idle_chore is None or not self._idle_chore()

    def again(self, unit: Conversation | None, at: int, end: int) -> int:
        """A turn at `at` is foreseen that ends at `end`: the instant of the turn after it, or one before that."""
        extra = min(self._broadcast_at, at + NS) if at >= self._extra_at else self._extra_at
        due = min((other.due for other in self.units if other is not unit), default=extra)
        if unit is None:
            return max(self._quiet, min(extra, due))
        return max(end + self._gap, min(extra, due, unit.due + unit.period))

    def booked(self, unit: Conversation | None, at: int, sent: int, end: int, horizon: int) -> tuple[int, int]:
        """Be as after a turn at `at` that was `foreseen`.

        Args:
            unit: the one that was polled; None when nobody was due.
            at: start of the request.
            sent: end of the request.
            end: end of the reply; the same as `at` when nobody was due.
            horizon: nothing happens before this instant.

        Returns:
            (instant for which the time-out alarm is set, 0 for none; instant of the next turn, 0 for none). A time-out
            that falls due while nothing is outstanding needs no alarm.
        """
        if at >= self._extra_at:  # only a chore that had nothing to do
            self._chore_at = at + NS
            self._extra_at = min(self._broadcast_at, self._chore_at)
        deadline = 0
        if unit is not None:
            ask = unit.poll
            assert ask is not None
            self._unit = unit
            self._sent = sent
            self._deadline = deadline = sent + (unit.patience or self._patience) + self._chars[ask.reply]
            if self._watch_at > deadline:
                self._watch_at = deadline
            else:
                deadline = 0
            self._quiet = end + self._gap  # from here on as `hear` and `_rest` do it, written out: half a million times
            unit.answered = end
            unit.busy = 0
            due = unit.due + unit.period
            unit.due = due if due > end else end  # noqa: FURB136
        self._go_at = go = self._turn_after(end)
        if not go:
            self._go_at = _NEVER
        if deadline and deadline < horizon and not 0 < go <= deadline:
            self._watch_at = _NEVER
            deadline = 0
        return deadline, go


def _parsed(ask: Ask, frame: bytes) -> Reply | None:
    try:
        return parse_reply(ask.request, frame)
    except BadReply:
        return None
