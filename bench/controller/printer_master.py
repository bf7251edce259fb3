"""The master of one ticket printer, sans-IO: each ticket on paper exactly once, as far as a printer lets one know.

One ticket is with the printer at a time, followed by a process id (GS ( H): its echo means that all before it is on
paper (protocols.md 4.3), and only then is the ticket confirmed. Until then:

* off line (paper, cover): wait. The printer keeps the rest of the ticket and goes on by itself (conformance.md N37).
* it was switched off: what it had is gone, the ticket is printed again. A printer that comes up says XON unasked.
* nothing is heard at all: DLE EOT asks each second whether it is there. If it was away without having been switched
  off (a cable), the ticket is printed again only when its arrival had not been seen.
* on line, but no echo comes: a second process id is sent; when that one comes back the ticket is on paper, and the
  first echo was lost on the way. If the ticket had not been seen to arrive, it is sent again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bench.controller.conversation import Tell
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS, Alarm, Effect, Flaws, Send, Stop, Watch
from protocol.escpos import write
from protocol.escpos.status import AutoStatus, Condition, Confirmed, Flow, RealTime, parse_replies

TICK: Final = "tick"

HEARTBEAT: Final = 10 * NS
"""How often an idle printer is asked whether it is there."""

_BUSY_HEARTBEAT: Final = NS
_ANSWER_WITHIN: Final = NS // 5
_PAUSE: Final = 4
"""Characters of silence that do not occur within a reply."""

_GONE_AFTER: Final = 3
"""Unanswered questions after which a printer is not there."""

_CONFIRM_WITHIN: Final = 8 * NS
_SETTLE: Final = NS // 2
"""A printer that goes off line or on line says so within this time of its XOFF or XON."""

_MOST_PRINTS: Final = 5
_MASK: Final = 0x0E
"""Automatic status on changes of on/off line, errors and paper."""

_ASK: Final = write.status(1)
_BEHIND: Final = 3 * _ASK
"""Questions behind a ticket: an answer to any of them shows that it arrived. Three, because answers get lost too."""
_OFFLINE_BIT: Final = 0x08
_SET_UP: Final = write.init() + write.auto_status(_MASK)

Effects = Sequence[Effect]


@dataclass(slots=True)
class Job:
    """A ticket to be printed: `data` up to and including the cut; `printed` counts how often it was sent."""

    ticket: str
    data: bytes
    printed: int = 0


class PrinterMaster:
    """The house's end of a printer's line.

    Args:
        name: what histories call it.
        printer: name of the printer.
        settings: of the line.
        confirmed: called with (now, ticket) when a ticket is on paper.
        failed: called with (now, ticket, why) when it is given up.
        xonxoff: the line holds what we send after an XOFF. Without, only tickets wait, and DLE EOT and DLE ENQ reach a
            printer that is off line, which some errors call for.
        room: characters that an idle printer takes without saying that it is busy.
        tell: where notes go: `down` and `up` {device}, `printer` {device, state}, `reprint` {device, ticket, why}.
    """

    watch: Watch | None = None

    def __init__(
        self,
        name: str,
        printer: str,
        settings: LineSettings,
        confirmed: Callable[[int, str], None],
        failed: Callable[[int, str, str], None],
        tell: Tell,
        *,
        xonxoff: bool = False,
        room: int = 3968,
    ) -> None:
        self.name = name
        self.printer = printer
        self._settings = settings
        self._confirmed = confirmed
        self._failed = failed
        self._tell = tell
        self._rest = b""
        self._heard_end = 0
        self._pause = settings.duration(_PAUSE)
        self._jobs: deque[Job] = deque()
        self._job: Job | None = None
        self._ids: set[bytes] = set()  # process ids whose echo means that the job is on paper
        self._number = 0
        self._overdue = 0  # when an echo should have come
        self._arrived = False  # the printer answered a question that was sent behind the job
        self._xonxoff = xonxoff
        self._room = room
        self._fits = True  # the job cannot have filled the printer's buffer
        self._condition = Condition()
        self._held = False
        self._settle_at = 0  # by then a status explains the last XON or XOFF; 0: nothing is open
        self._seen = False  # it has answered since it was last gone
        self._down = False
        self._asked = False  # a question was not answered yet
        self._job_out = 0  # when the job is on the line, but for the questions behind it
        self._misses = 0
        self._tick_at = 0
        self._out_until = 0  # when all we sent is on the line, if nothing holds it up
        self._held_back = 0  # ns of sending that the last XOFF held up
        self._came_up = False  # it was switched on, and is not ready yet

    @property
    def waiting(self) -> int:
        """Tickets that are not confirmed."""
        return len(self._jobs) + (self._job is not None)

    # -- driven from outside ----------------------------------------------------------------------------------------
    def start(self, now: int) -> Effects:
        """Set the printer up, and ask whether it is there."""
        self._asked = True
        return (self._send(now, _SET_UP + _ASK), self._tick(now + _BUSY_HEARTBEAT))

    def submit(self, now: int, ticket: str, data: bytes) -> Effects:
        """Print a ticket as soon as the ones before are on paper."""
        self._jobs.append(Job(ticket, data))
        return self._go_on(now)

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Effects:
        """The printer says something; characters that are damaged are left out."""
        if flaws:
            data = bytes(char for i, char in enumerate(data) if i not in flaws)
        if first - self._heard_end > self._pause:
            self._rest = b""  # the end of that reply was lost: what follows is not its end
        self._heard_end = last
        said, self._rest = parse_replies(self._rest + data)
        effects: list[Effect] = []
        for event in said:
            match event:
                case Flow():
                    effects += self._flow(now, event.ready)
                case RealTime():
                    effects += self._answered(now, first, bool(event.value & _OFFLINE_BIT))
                case AutoStatus():
                    effects += self._state(now, event.condition)
                case Confirmed() if event.id in self._ids:
                    self._done(now)
        return (*effects, *self._go_on(now))

    def wake(self, now: int, tag: str) -> Effects:
        """Time to look after the printer."""
        if now < self._tick_at:
            return ()
        effects: list[Effect] = []
        if self._settle_at and now >= self._settle_at:
            self._settle_at = 0
            if self._held != self._condition.offline:
                effects += self._switched_on(now)
        effects += self._look_after(now)
        effects += self._go_on(now)
        quiet = self._job is None and self._seen and not self._misses
        return (*effects, self._tick(now + (HEARTBEAT if quiet else _BUSY_HEARTBEAT)))

    def _send(self, now: int, data: bytes) -> Send:
        self._out_until = max(now, self._out_until) + self._settings.duration(len(data))
        return Send(data)

    def _tick(self, at: int) -> Alarm:
        self._tick_at = at
        return Alarm(at, TICK)

    # -- what the printer says --------------------------------------------------------------------------------------
    def _flow(self, now: int, ready: bool) -> Effects:
        """XON and XOFF hold and release what we send; here they tell whether the printer has just come up.

        It says one of them at power-on. Otherwise an XOFF is explained by a full buffer or by an automatic status
        that says "off line", and an XON by an XOFF before it and a status that says "on line" again.
        """
        held, self._held = self._held, not ready
        if not ready:
            if held:
                return self._switched_on(now)  # nobody who is busy says so again, but who comes up
            self._held_back = max(0, self._out_until - now) if self._xonxoff else 0
            explained = self._condition.offline or not self._fits
        else:
            if self._came_up:
                self._condition = Condition()
                return self._set_up_again(now)
            half = held and self._held_back
            if half:
                self._job_out += now + self._held_back - self._out_until
                self._out_until = now + self._held_back
            explained = held and not self._condition.offline
            if not explained and (half or not self._condition.offline):
                return self._switched_on(now)  # at once: the rest of a ticket must not go to a printer without its head
        if explained:
            return ()
        self._settle_at = now + _SETTLE
        return (self._tick(self._settle_at),)

    def _answered(self, now: int, first: int, offline: bool) -> Effects:
        self._asked = False
        if self._job_out <= first <= self._job_out + _ANSWER_WITHIN:
            self._arrived = True  # DLE EOT is answered at once: this one was sent behind the job
        if offline != self._condition.offline:
            self._condition = self._condition._replace(offline=offline)
        if self._held and not offline and self._fits:
            self._held = False  # it is on line, and its buffer cannot be full: that was no XOFF
            self._settle_at = 0
            if self._came_up:
                return self._set_up_again(now)
        return self._there(now)

    def _state(self, now: int, condition: Condition) -> Effects:
        before, self._condition = self._condition, condition
        if condition.offline == self._held:
            self._settle_at = 0
        if _word(before) != _word(condition):
            self._tell(now, "printer", {"device": self.printer, "state": _word(condition)})
        return self._there(now)

    def _there(self, now: int) -> Effects:
        self._misses = 0
        if self._seen:
            return ()
        self._seen = True
        if self._down:
            self._down = False
            self._tell(now, "up", {"device": self.printer})
        else:
            return ()
        # Away, and back without having been switched off. Not ESC @: that would throw away what it has still to print.
        if self._job is not None and not self._arrived:
            return self._once_more(now)
        return (self._send(now, write.auto_status(_MASK)),)

    def _once_more(self, now: int) -> Effects:
        """It shows no sign that the ticket arrived: throw away what did arrive of it, and send it again."""
        return (self._send(now, write.clear()), *self._again(now, "nothing showed that it had arrived"))

    def _switched_on(self, now: int) -> Effects:
        """It has come up from a power loss: what it had is gone. Until it is ready nothing is sent."""
        self._condition = Condition(offline=self._held)
        self._settle_at = 0
        self._asked, self._misses = False, 0
        self._came_up = True
        self._out_until = now
        return (Stop(),) if self._held else (Stop(), *self._set_up_again(now))

    def _set_up_again(self, now: int) -> Effects:
        """After it has come up: its settings, and the ticket it lost.

        Its buffers are cleared first, in case it was not what it seemed and still has some of the ticket.
        """
        self._came_up = False
        self._seen = True
        if self._down:
            self._down = False
            self._tell(now, "up", {"device": self.printer})
        self._asked = True
        sent = self._send(now, write.clear() + _SET_UP + _ASK)
        return (sent, *self._again(now, "the printer was switched off")) if self._job is not None else (sent,)

    # -- jobs -------------------------------------------------------------------------------------------------------
    def _go_on(self, now: int) -> Effects:
        """Give the printer the next ticket, if it is there and on line."""
        if self._job is not None or not self._jobs or not self._seen or self._held or self._condition.offline:
            return ()
        self._job = self._jobs.popleft()
        return (*self._print(now), self._tick(min(self._tick_at, now + _BUSY_HEARTBEAT)))

    def _print(self, now: int) -> Effects:
        job = self._job
        assert job is not None
        job.printed += 1
        # Process ids of an earlier attempt no longer count: what they confirmed is gone.
        self._ids.clear()
        data = _SET_UP + job.data + self._process_id() + _BEHIND
        self._fits = len(data) <= self._room
        self._asked = True
        self._arrived = False
        sent = self._send(now, data)
        self._job_out = self._out_until - self._settings.duration(len(_BEHIND))
        self._overdue = self._out_until + _CONFIRM_WITHIN
        return (sent,)

    def _again(self, now: int, why: str) -> Effects:
        job = self._job
        assert job is not None
        if job.printed >= _MOST_PRINTS:
            self._job = None
            self._failed(now, job.ticket, f"sent {job.printed} times and never confirmed; last: {why}")
            return ()
        self._tell(now, "reprint", {"device": self.printer, "ticket": job.ticket, "why": why})
        return self._print(now)

    def _done(self, now: int) -> None:
        job = self._job
        assert job is not None
        self._job = None
        self._ids.clear()
        self._confirmed(now, job.ticket)

    def _process_id(self) -> bytes:
        self._number = (self._number + 1) % 10_000
        name = b"%04d" % self._number
        self._ids.add(name)
        return write.process_id(name)

    # -- time -------------------------------------------------------------------------------------------------------
    def _look_after(self, now: int) -> Effects:
        if self._held and self._xonxoff:
            # Nothing passes; the printer speaks when it can go on.
            self._overdue = max(self._overdue, now + _CONFIRM_WITHIN)
            return ()
        if now < self._out_until + _ANSWER_WITHIN:
            return ()
        effects: list[Effect] = []
        if self._asked:
            self._misses += 1
            if self._misses >= _GONE_AFTER:
                self._seen = False
                self._asked = False
                self._out_until = now
                effects.append(Stop())  # what it was not sent yet would be half a ticket to it
                if not self._down:
                    self._down = True
                    self._tell(now, "down", {"device": self.printer, "why": "no answer to DLE EOT"})
        elif self._condition.offline:
            self._overdue = now + _CONFIRM_WITHIN
            if self._condition.cutter_error or self._condition.recoverable:
                effects.append(self._send(now, write.recover()))
        elif self._job is not None and now >= self._overdue:
            self._overdue = now + _CONFIRM_WITHIN
            effects += (self._send(now, self._process_id()),) if self._arrived else self._once_more(now)
        self._asked = True
        effects.append(self._send(now, _ASK))
        return effects


def _word(condition: Condition) -> str:
    """What matters of a condition, in one word."""
    for name in ("cover_open", "paper_end", "cutter_error", "recoverable", "unrecoverable", "auto_recoverable"):
        if getattr(condition, name):
            return name
    if condition.offline:
        return "offline"
    return "near_end" if condition.near_end else "ok"
