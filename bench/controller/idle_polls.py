"""Polls that are known beforehand to come out as always, booked instead of played.

A hall is polled all day, and nearly every poll gets the reply that the last one got. Playing one costs half a dozen
events; knowing it costs a look at the slave. When a master's turn is such a poll, and nothing else happens in the whole
bench before its reply is over, everything that would come of it is entered at once: what the line counts and tells its
sinks, what the station and the slave count, the master's time-out and its next turn. The next turn is then looked at in
the same way, of this line or of another, until something else is due.

What makes it exact, so that a history is the same byte for byte with `enabled` and without:

* The alarms of the masters that take part are kept here and not in the clockwork's queue, where only the earliest of
  them stands. What else stands there is the *horizon*: nothing is booked that is not over before it. Polls of several
  lines that overlap are booked together or not at all.
* The slave is asked for the very instant at which it would carry out the request, and must give the same words; the
  station, the line and the master must be at rest and undisturbed, and the sinks must be able to take the pair without
  writing anything. In every other case the poll is played.
* Calls for one instant run in the order in which they were scheduled. The order of what booked polls schedule is that
  of the events that would have scheduled it: `Order` goes back from event to event, until two differ.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

from bench.controller.conversation import Ask, Conversation
from firmware_sim.line import Line, Transmitter
from firmware_sim.modbus_line import ModbusLine, Repeat

if TYPE_CHECKING:
    from bench.controller.modbus_master import ModbusMaster

__all__ = ["GO", "TIMEOUT", "IdlePolls"]

GO: Final = "go"
TIMEOUT: Final = "time-out"
"""Tags of a master's alarms: its turn, and the end of its patience."""

Order: TypeAlias = tuple[int, Any]
"""When and by what an alarm is set: (instant of the event that sets it, the `Order` of that event).

For the alarm with which a booked turn begins it ends in (_LONG_AGO, that alarm's number in the clockwork's count).
"""

_LONG_AGO: Final = -1

_Alarm: TypeAlias = "tuple[int, int, _Member, str]"
"""(instant, number in the clockwork's count, whose, tag); ascending is the order in which alarms fall due."""


class Pair(Protocol):
    """A sink's account of one request and its reply, see `bench.judge.folding.Pair`."""

    def free(self, t: int) -> bool:
        """Whether it can be taken without anything being written."""
        ...

    def add(self, t: int, heard: int, begun: int, end: int) -> None:
        """Take it."""
        ...


class Clock(Protocol):
    """What the lines run on, see `bench.clock.clockwork.Clockwork`."""

    @property
    def now(self) -> int:
        """The present instant, ns."""
        ...

    def number(self) -> int:
        """The next number of the count that keeps calls of one instant in order."""
        ...

    def call_as(self, number: int, at: int, fn: Callable[..., Any], *args: Any) -> None:
        """`call_at` with a number drawn before."""
        ...

    def horizon(self, ignored: Callable[..., Any]) -> int:
        """The instant before which nothing happens, calls of `ignored` apart."""
        ...


class _Usual(NamedTuple):
    """A unit's poll and the reply that it gets, and what the line's `sinks` made of them."""

    ask: Ask
    reply: bytes
    sinks: tuple[Any, ...]
    repeat: Repeat
    pairs: tuple[Pair, ...]


_Turn: TypeAlias = "tuple[int, Conversation | None, _Usual | None]"
"""A turn that can be booked: (instant at which it is over, who is polled, how); nobody is, for a chore without work."""

_VOID: Final[_Turn] = (0, None, None)
"""What comes of an alarm that was set anew or taken back, or of a time-out while nothing is asked."""


class _Member:
    """One line with its master and its station."""

    def __init__(self, line: Line, master: ModbusMaster, station: ModbusLine) -> None:
        self.line = line
        self.sender: Transmitter = line.master
        self.master = master
        self.station = station
        self.settings = line.settings
        self._usual: dict[Conversation, _Usual] = {}

    def ready(self) -> bool:
        """Whether the line is at rest and undisturbed, and the master has nothing to say but what falls due."""
        line = self.line
        return line.master is self.sender and line.settings is self.settings and line.plain and self.master.rests()

    def turn(self, at: int, horizon: int) -> _Turn | None:
        """The turn at `at`, of a line that is ready, if it can be booked and is over before the horizon."""
        master = self.master
        foreseen, unit = master.foreseen(at)
        if unit is None:
            return (at, None, None) if foreseen and master.watched != at else None
        usual = self._usual.get(unit)
        if (
            usual is None
            or usual.reply is not unit.usual
            or usual.ask is not unit.poll
            or usual.sinks is not self.line.burst_sinks
        ):
            usual = self._learn(unit)
            if usual is None:
                return None
        repeat = usual.repeat
        end = at + repeat.ended
        if end >= horizon or at <= master.watched <= end or not self.station.would_repeat(repeat, at):
            return None
        for pair in usual.pairs:
            if not pair.free(at):
                return None
        return (end, unit, usual)

    def _learn(self, unit: Conversation) -> _Usual | None:
        self._usual.pop(unit, None)
        ask, reply, sinks = unit.poll, unit.usual, self.line.burst_sinks
        if ask is None or reply is None:
            return None
        repeat = self.station.repeat(ask.request, reply)
        if repeat is None:
            return None
        pairs: list[Pair] = []
        for sink in sinks:
            make = getattr(getattr(sink, "__self__", None), "pair", None)
            pair = make and make(self.line.name, self.master.name, ask.request, self.station.name, reply)
            if pair is None:
                return None
            pairs.append(pair)
        made = self._usual[unit] = _Usual(ask, reply, sinks, repeat, tuple(pairs))
        return made

    def book(self, turn: _Turn, at: int, horizon: int) -> tuple[int, int]:
        """Enter all that comes of a turn at `at` but its alarms: (of the time-out, of the next turn); 0: none."""
        end, unit, usual = turn
        if usual is None:
            return self.master.booked(None, at, at, at, horizon)
        line, repeat = self.line, usual.repeat
        heard = at + repeat.heard
        line.busy_ns += repeat.busy
        line.bursts += 2
        self.station.repeated(repeat, at)
        for pair in usual.pairs:
            pair.add(at, heard, at + repeat.begun, end)
        return self.master.booked(unit, at, heard, end, horizon)


class IdlePolls:
    """Keeps the alarms of the masters that share it, and books their polls; the `Timers` of their transmitters.

    Attributes:
        enabled: False plays every poll.
        booked: how many were booked.
    """

    def __init__(self) -> None:
        self.enabled = True
        self.booked = 0
        self._clock: Clock | None = None
        self._members: dict[int, _Member] = {}
        self._alarms: list[_Alarm] = []
        self._ready: set[_Member] = set()  # known to be ready, while turns are booked
        self._posted: set[int] = set()  # numbers of the alarms that stand in the clockwork's queue
        self._falls_due = self._run  # one object: the clockwork knows it by identity

    def join(self, line: Line, master: ModbusMaster) -> None:
        """Take a line's master in, if the line's clock can tell its horizon and its one device is a Modbus station."""
        clock: Any = line.timers
        stations = [station.device for station in line.stations]
        if not hasattr(clock, "horizon") or self._clock not in (None, clock):
            return
        if len(stations) == 1 and isinstance(stations[0], ModbusLine) and stations[0].settings == line.settings:
            self._clock = clock
            self._members[id(line.master)] = _Member(line, master, stations[0])
            line.master.timers = self

    # -- timers of the masters --------------------------------------------------------------------------------------
    @property
    def now(self) -> int:
        """The present instant, ns."""
        assert self._clock is not None
        return self._clock.now

    def call_at(self, at: int, _ring: Callable[..., Any], sender: Transmitter, tag: str, _at: int) -> None:
        """Keep an alarm of a master."""
        assert self._clock is not None
        number = self._clock.number()
        alarms = self._alarms
        heappush(alarms, (at, number, self._members[id(sender)], tag))
        if alarms[0][1] == number:
            self._post()

    def _post(self) -> None:
        """See to it that the earliest alarm stands in the clockwork's queue, in its place."""
        assert self._clock is not None
        at, number, _, _ = self._alarms[0]
        if number not in self._posted:
            self._posted.add(number)
            self._clock.call_as(number, at, self._falls_due, number)

    def _run(self, number: int) -> None:
        """The alarm of that number falls due, unless it is past already."""
        self._posted.discard(number)
        alarms = self._alarms
        if not alarms or alarms[0][1] != number:
            return
        if not (self.enabled and alarms[0][3] == GO and self._book()):
            at, _, member, tag = heappop(alarms)
            member.line.ring(member.sender, tag, at)
        if alarms:
            self._post()

    # -- booking ----------------------------------------------------------------------------------------------------
    def _book(self) -> bool:
        """Book turn after turn, the earliest first; tells whether there was any."""
        assert self._clock is not None
        alarms = self._alarms
        horizon = self._clock.horizon(self._falls_due)
        self._ready.clear()
        found = False
        while alarms:
            alarm = alarms[0]
            turn = self._turn(alarm, horizon)
            if turn is None:
                break
            others = alarms[1:3]  # one of these two is the next in a heap
            if others and turn[0] >= min(others)[0]:
                if not self._book_together(turn, horizon):
                    break
            else:
                heappop(alarms)
                at, _, member, tag = alarm
                if turn is _VOID:
                    member.line.ring(member.sender, tag, at)
                else:
                    deadline, go = member.book(turn, at, horizon)
                    self.booked += turn[1] is not None
                    if deadline:
                        self._set(member, TIMEOUT, deadline)
                    self._set(member, GO, go)
            found = True
        return found

    def _set(self, member: _Member, tag: str, at: int) -> None:
        """Set an alarm of a turn that was booked: not before all that was set before it."""
        assert self._clock is not None
        sender = member.sender
        if at:
            sender.alarms[tag] = sender.due[tag] = at
            heappush(self._alarms, (at, self._clock.number(), member, tag))
        else:
            del sender.alarms[tag], sender.due[tag]

    def _book_together(self, turn: _Turn, horizon: int) -> bool:
        """Book the next turn, and those that begin before it is over, and so on: all, or none if one must be played."""
        alarms = self._alarms
        alarm = heappop(alarms)
        last = turn[0]
        together = [(alarm, turn)]
        members = [alarm[2]]
        while alarms and alarms[0][0] <= last:
            alarm = alarms[0]
            found = self._turn(alarm, horizon)
            if found is None:
                break
            if found is not _VOID:
                if alarm[2] in members:  # an alarm that was set twice is void after its first time
                    break
                members.append(alarm[2])
                if found[0] > last:
                    last = found[0]
            together.append((alarm, found))
            heappop(alarms)
        else:
            for (at, _, member, _), found in together:
                # Nobody's next turn may come before the last of these is over.
                end, unit, usual = found
                sooner = found is not _VOID and (usual is None or end + member.master.gap <= last)
                if sooner and member.master.again(unit, at, end) <= last:
                    break
            else:
                self._enter(together, horizon)
                return True
        for alarm, _ in together:
            heappush(alarms, alarm)
        return False

    def _enter(self, together: list[tuple[_Alarm, _Turn]], horizon: int) -> None:
        """Book turns that overlap, and set their alarms in the order in which they would have been set."""
        news: list[tuple[Order, _Member, str, int]] = []
        for (at, number, member, tag), turn in together:
            if turn is _VOID:
                member.line.ring(member.sender, tag, at)
                continue
            deadline, go = member.book(turn, at, horizon)
            self.booked += turn[1] is not None
            end, _, usual = turn
            came: Order = (at, (_LONG_AGO, number))
            if deadline:
                news.append((came, member, TIMEOUT, deadline))
            if usual is not None:
                # What is sent has an end; that makes the station wait out t3.5 and then speak.
                repeat = usual.repeat
                taken: Order = (at + repeat.taken, (at + repeat.heard, came))
                came = (end, taken if repeat.begun == repeat.taken else (at + repeat.begun, taken))
            news.append((came, member, GO, go))
        news.sort(key=itemgetter(0))
        for _, member, tag, at in news:
            self._set(member, tag, at)

    def _turn(self, alarm: _Alarm, horizon: int) -> _Turn | None:
        """What comes of an alarm: a turn that can be booked, `_VOID` for nothing, None when it must be played."""
        at, _, member, tag = alarm
        if at >= horizon:
            return None
        sender = member.sender
        wanted = sender.alarms.get(tag)
        if sender.due.get(tag) != at or wanted is None:
            return _VOID  # it was set anew, or taken back
        if wanted != at:
            return None
        if tag != GO:
            return None if member.master.asking else _VOID
        if member not in self._ready:
            if not member.ready():
                return None
            self._ready.add(member)
        return member.turn(at, horizon)
