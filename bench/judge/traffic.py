"""What the lines show of the program under test: who was asked, who answered, and how it behaved between.

One pass over the bursts of the program's Modbus lines, in the pass in which the truth is gathered. Nothing of the
traffic itself is kept: of each line the open exchange, of each unit a few instants, and what is out of order, counted
and with the first instances. A burst from the collector's end opens an exchange; a sound frame from the unit that was
asked, with the function that was asked for, answers it. A `fold` record is a stretch in which everything came as
before, so what was known of each unit stays true; its polls are not known one by one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from firmware_sim.device import MS, NS
from protocol.modbus.maps.reference_keypad import EVENT_WORDS, REFERENCE_KEYPAD
from protocol.modbus.rtu import is_sound

__all__ = ["AFTER_BOOT", "Boot", "Instance", "Line", "Tally", "Traffic", "Unit"]

KEPT: Final = 20
"""Instances kept of anything that is out of order."""

MOST_REPEATS: Final = 5
"""One request may be sent again so often before another unit has its turn (J15)."""

TOO_SOON: Final = 20 * MS
"""A request this soon after one that nobody has answered yet is a second outstanding one, ns (J15)."""

AFTER_BOOT: Final = 45 * NS
"""After a reboot the traffic is kept burst by burst for so long, ns (`bench.run.world`)."""

_LATE: Final = 60 * NS
"""A reply that comes so long after its request is nobody's any more."""

_REMEMBERED: Final = 4
"""Requests without an answer, of a line, whose reply is still recognised when it comes after further ones."""

_FAST_T35: Final = 1_750_000
_FAST_CHARACTER: Final = 516_000  # shorter characters are those of more than 19200 bit/s
_SHARE: Final = 19, 20
"""Of t3.5: what is shorter is too short (the edges of a burst are known to a bit)."""

_EVENTS: Final = REFERENCE_KEYPAD["events"].address
_ONCE: Final = REFERENCE_KEYPAD["acknowledge_lost"].address
_FC_READ_INPUTS: Final = 4
_FC_WRITE: Final = 6
_FC_WRITES: Final = frozenset({6, 16})
_MOST_SOUND: Final = 4096
_ROUNDS: Final = 2
"""So many visits to each unit, at least, tell how often it is usually asked."""

_STOPPED: Final = 10
"""Who asks nothing for so many times the usual time has stopped asking: that is no part of what is usual."""

_MASTERS: Final = ("port", "house")


class Instance(NamedTuple):
    """One thing out of order.

    Args:
        t: instant, ns.
        line: where.
        unit: the unit that was asked.
        told: what it is, in words.
    """

    t: int
    line: str
    unit: int
    told: str


@dataclass(slots=True)
class Tally:
    """How often something is out of order, and the first instances."""

    n: int = 0
    first: list[Instance] = field(default_factory=list)

    def add(self, instance: Instance) -> None:
        """Count one."""
        self.n += 1
        if len(self.first) < KEPT:
            self.first.append(instance)


@dataclass(slots=True)
class Unit:
    """One address of a line.

    Attributes:
        asked: instant of the last request to it; None while that is not known (after a fold).
        ever: it was asked at all.
        failed: how many requests in a row were not answered.
        changes: (instant, answers) at each change; the first is its first exchange.
        written: register -> instants at which it was written and answered: the first and the last.
        last: its last request, hexadecimal, and whether it was answered.
    """

    asked: int | None = None
    ever: bool = False
    failed: int = 0
    changes: list[tuple[int, bool]] = field(default_factory=list)
    written: dict[int, list[int]] = field(default_factory=dict)
    last: str = ""
    last_answered: bool = False

    def state(self, t: int) -> bool | None:
        """Whether it answered at an instant; None if it had not been asked by then."""
        found = None
        for at, answers in self.changes:
            if at > t:
                break
            found = answers
        return found

    def silences(self, end: int) -> list[tuple[int, int]]:
        """(begin, end) of each stretch in which it was asked and did not answer."""
        spans = []
        begin: int | None = None
        for at, answers in self.changes:
            if answers and begin is not None:
                spans.append((begin, at))
                begin = None
            elif not answers and begin is None:
                begin = at
        if begin is not None:
            spans.append((begin, end))
        return spans


@dataclass(slots=True)
class Boot:
    """A device of the line started anew.

    Attributes:
        t: instant.
        unit: which.
        folded: part of what followed is not known burst by burst.
    """

    t: int
    unit: int
    folded: bool = False


class _Exchange:
    """A request and what has come since."""

    __slots__ = ("answered", "end", "foreign", "function", "heard", "hexa", "spoilt", "t", "unit")

    def __init__(self, t: int, end: int, hexa: str, unit: int, function: int) -> None:
        self.t, self.end, self.hexa, self.unit, self.function = t, end, hexa, unit, function
        self.heard = 0  # bursts since
        self.answered = False
        self.spoilt = False  # something damaged came, after which nobody needs to wait on
        self.foreign = 0  # end of a sound frame of another unit, 0 for none


@dataclass(slots=True)
class Line:
    """One line of the program.

    Attributes:
        requests: how many were seen one by one.
        waits: shortest and longest time from a request that got no character in reply to the next one, ns; None: none.
        foreign: (instant, wait from there to the next request, unit asked) of replies of other units.
        late: (instant, unit asked at that time) of replies that came after the next request.
        calm: time in which no unit was silent, ns, and the visits in it: requests to one unit in a row are one.
        held: longest time between two requests to a unit that answers, while another did not: (ns, instant, unit).
    """

    name: str
    units: dict[int, Unit] = field(default_factory=dict)
    requests: int = 0
    waits: tuple[int, int] | None = None
    foreign: list[tuple[int, int, int]] = field(default_factory=list)
    foreign_count: int = 0
    late: list[tuple[int, int]] = field(default_factory=list)
    late_count: int = 0
    calm: int = 0
    visits: int = 0
    visited: int = 0
    calm_from: int | None = None
    held: tuple[int, int, int] | None = None
    held_checked: int = 0
    last_request: int = 0
    folded_to: int = 0
    character: int = 0
    open: _Exchange | None = None
    earlier: deque[_Exchange] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    busy_until: int = 0
    repeats: int = 0
    read: list[tuple[int, int, int]] = field(default_factory=list)
    """Events (unit, epoch, seq) that the last exchange carried as the answer to its own request."""
    boots: list[Boot] = field(default_factory=list)
    cut: list[Unit] = field(default_factory=list)
    """Units that were cut off with the whole line, and have not been heard since."""
    silent: set[int] = field(default_factory=set)
    """Units that did not answer two requests or more."""

    @property
    def usual(self) -> int | None:
        """Mean time between two visits to a unit while none was silent, ns; None when that was hardly seen.

        The mean and not a median of what is seen one by one: of a line on which all is well most polls are folded, and
        what is seen then are the requests of one visit, which follow each other at once.
        """
        units = sum(1 for number, unit in self.units.items() if number and unit.ever)
        return self.calm * units // self.visits if self.visits >= _ROUNDS * units > 0 else None

    def went_on(self, begin: int, end: int, visits: int) -> None:
        """So many visits from one instant to another. It is calm if no unit is silent, and nobody stopped asking."""
        before, self.calm_from = self.calm_from, None if self.silent else end
        if self.silent:
            return
        usual = self.usual
        if before is None or (usual is not None and begin - before > _STOPPED * usual):
            before, visits = begin, visits - 1
        self.calm += end - before
        self.visits += visits

    @property
    def t35(self) -> int:
        """Silence before a frame, ns, from the length of the collector's own characters."""
        return _FAST_T35 if self.character < _FAST_CHARACTER else self.character * 7 // 2

    def asked_since(self, t: int) -> bool:
        """Whether anything was asked on it after an instant."""
        return self.last_request > t or self.folded_to > t


class Traffic:
    """The pass over the bursts.

    Args:
        lines: names of the program's Modbus lines.
        offer: called with (line, unit, epoch, seq, instant, asked) for each event that a reply carries undamaged;
            `asked` is the unit that was asked at that time, which is another one when the reply came late, and negative
            when it came from nowhere.
        keypads: units of a line that speak profile RK-1.
        behind: called with (line, unit, epoch, seq, next unit) when another unit is asked just after an event was read:
            who is one reply behind credits it to that one.

    Attributes:
        lines: what became of each line.
        short, doubled, hammered, repeated: silences that were too short, a second request too soon, one request again
            and again, a write again that must not be.
    """

    def __init__(
        self,
        lines: Collection[str],
        offer: Callable[[str, int, int, int, int, int], None],
        keypads: Collection[tuple[str, int]] = (),
        behind: Callable[[str, int, int, int, int], None] = lambda *_told: None,
    ) -> None:
        self.lines = {name: Line(name) for name in lines}
        self.short, self.doubled, self.hammered, self.repeated = Tally(), Tally(), Tally(), Tally()
        self._offer = offer
        self._behind = behind
        self._keypads = frozenset(keypads)
        self._sound: dict[str, bool] = {}
        self._asked: dict[str, tuple[int, int, int]] = {}

    def rules(self) -> Mapping[tuple[str, str], Callable[[int, dict[str, Any]], None]]:
        """(src, kind) -> what takes such a record; nothing when there is no line to look at."""
        return {("line", "tx"): self.tx, ("line", "fold"): self.fold} if self.lines else {}

    # -- records ----------------------------------------------------------------------------------------------------
    def fold(self, _t: int, facts: dict[str, Any]) -> None:
        """A stretch in which everything came as before."""
        line = self.lines.get(facts["line"])
        if line is None:
            return
        begin, end, n = facts["from"], facts["to"], facts["n"]
        line.went_on(begin, end, n // 2)
        line.visited = 0
        self._close(line, None)
        line.open = None
        line.earlier.clear()
        line.read.clear()
        line.repeats = 0
        line.folded_to = max(line.folded_to, end)
        if facts.get("chars") and line.cut:  # characters came as before the line was cut off: it is through again
            for unit in line.cut:
                if not unit.changes[-1][1]:
                    unit.changes.append((begin, True))
            line.cut.clear()
        for boot in line.boots[-16:]:
            if begin < boot.t + AFTER_BOOT and end > boot.t:
                boot.folded = True
        line.busy_until = max(line.busy_until, end)
        for unit in line.units.values():
            unit.asked = None

    def booted(self, line: str, unit: int, t: int) -> None:
        """A device started anew."""
        if line in self.lines:
            self.lines[line].boots.append(Boot(t, unit))

    def tx(self, t: int, facts: dict[str, Any]) -> None:
        """A burst."""
        self.burst(t, facts["line"], facts["by"], facts["hex"], int(facts["end"]), damaged=bool(facts.get("flaws")))

    def burst(self, t: int, name: str, by: str, hexa: str, end: int, *, damaged: bool) -> None:
        """A burst from `t` to `end` on a line; its characters in hexadecimal, as they were heard."""
        line = self.lines.get(name)
        if line is None:
            return
        end = max(end, t)
        if by.startswith(_MASTERS):
            self._request(line, t, end, hexa, damaged=damaged)
        else:
            self._reply(line, t, end, hexa, damaged=damaged)
        if end > line.busy_until:
            line.busy_until = end

    def close(self) -> None:
        """The history has ended."""
        for line in self.lines.values():
            self._close(line, None)

    # -- requests ---------------------------------------------------------------------------------------------------
    def _request(self, line: Line, t: int, end: int, hexa: str, *, damaged: bool) -> None:
        self._close(line, t)
        line.requests += 1
        line.last_request = t
        length = len(hexa) // 2
        asked = self._asked.get(hexa)
        if asked is None:
            asked = self._read(hexa)
        unit, function, whole = asked
        if damaged or unit < 0:  # nobody can tell whom it was for
            line.open = None
            line.earlier.clear()
            line.read.clear()
            line.repeats = 0
            if not hexa:  # nothing of it went through: the line is cut off, and so is every unit
                for other in line.units.values():
                    if other.changes and other.changes[-1][1]:
                        other.changes.append((t, False))
                        line.cut.append(other)
            return
        character = (end - t) // length
        if character and (not line.character or character < line.character):
            line.character = character
        self._manners(line, t, hexa, unit, function, whole)
        known = line.units.get(unit)
        if known is None:
            known = line.units[unit] = Unit()
        if unit:
            self._interval(line, known, unit, t)
            if unit != line.visited:
                line.went_on(t, t, 1)
                line.visited = unit
        known.ever = True
        known.last = hexa
        known.last_answered = False
        if line.open is not None and line.open.unit and not line.open.answered:
            line.earlier.append(line.open)
        line.open = _Exchange(t, end, hexa, unit, function)
        for read in line.read:
            if read[0] != unit:
                self._behind(line.name, *read, unit)
        line.read.clear()

    def _manners(self, line: Line, t: int, hexa: str, unit: int, function: int, whole: int) -> None:
        open_, gap = line.open, t - line.busy_until
        if line.busy_until and line.character and gap < line.t35 * _SHARE[0] // _SHARE[1]:
            told = f"{gap / MS:.2f} ms after what went before, t3.5 is {line.t35 / MS:.2f} ms"
            self.short.add(Instance(t, line.name, unit, told))
        if 0 < whole < len(hexa) and self._is_sound(hexa[whole:]):
            self.doubled.add(Instance(t, line.name, unit, "two requests in one burst"))
        if open_ is None:
            line.repeats = 0
            return
        if open_.unit and not open_.answered and not open_.heard and t - open_.end < TOO_SOON:
            told = f"{(t - open_.end) / MS:.2f} ms after a request to unit {open_.unit} that nobody had answered yet"
            self.doubled.add(Instance(t, line.name, unit, told))
        again = open_.hexa == hexa and not open_.answered
        line.repeats = line.repeats + 1 if again else 0
        if line.repeats == MOST_REPEATS + 1 and len(line.units) > 1:
            told = f"sent {line.repeats + 1} times in a row without an answer, before any other unit was asked"
            self.hammered.add(Instance(t, line.name, unit, told))
        known = line.units.get(unit)
        once = function == _FC_WRITE and hexa[4:8] == f"{_ONCE:04x}" and (line.name, unit) in self._keypads
        if once and known is not None and known.last == hexa and not known.last_answered:
            told = "the acknowledgement of losses again as it was: what it is subtracted from may have changed"
            self.repeated.add(Instance(t, line.name, unit, told))

    def _interval(self, line: Line, known: Unit, unit: int, t: int) -> None:
        """The time since this unit was asked last, while another is silent or while none is."""
        before, known.asked = known.asked, t
        if before is None or before == t:
            return
        if known.failed or not line.silent:
            return
        line.held_checked += 1
        if line.held is None or t - before > line.held[0]:
            line.held = (t - before, before, unit)

    def _close(self, line: Line, t: int | None) -> None:
        """The exchange is over: the next request comes, or nothing is known of it any more."""
        done = line.open
        if done is None:
            return
        if t is not None:
            wait = t - done.end
            if not done.answered and not done.heard and done.unit:
                least, most = line.waits or (wait, wait)
                line.waits = (min(least, wait), max(most, wait))
            if done.foreign:
                line.foreign_count += 1
                if len(line.foreign) < 10_000 and not done.answered and not done.spoilt:
                    line.foreign.append((done.foreign, t - done.end, done.unit))
        unit = line.units[done.unit]
        if done.answered or not done.unit:
            return
        unit.failed += 1
        if unit.failed == 2:
            line.silent.add(done.unit)
        if not unit.changes or unit.changes[-1][1]:
            unit.changes.append((done.t, False))

    # -- replies ----------------------------------------------------------------------------------------------------
    def _reply(self, line: Line, t: int, end: int, hexa: str, *, damaged: bool) -> None:
        open_ = line.open
        sound = not damaged and self._is_sound(hexa)
        if open_ is None or not hexa:  # of a reply that a fault swallowed whole nothing was heard
            return
        open_.heard += 1
        if not sound:
            open_.spoilt = True
            return
        unit, function = int(hexa[:2], 16), int(hexa[2:4], 16) & 0x7F
        mine = unit == open_.unit and function == open_.function and t >= open_.end and not open_.answered
        if mine and not _fits(open_.hexa, hexa):
            mine = False
        late = self._late(line, unit, function, hexa, t)
        if mine and late is not None and 2 * (t - open_.end) < line.t35:
            mine = False  # no unit answers before the silence that ends a request: this answers the earlier one
        if mine:
            open_.answered = True
            self._answered(line, open_, end)
            self._offered(line, unit, hexa, open_, end, open_.unit)
            return
        if late is not None:
            line.earlier.remove(late)
            line.late_count += 1
            if len(line.late) < 10_000:
                line.late.append((t, open_.unit))
            self._offered(line, unit, hexa, late, end, open_.unit)
        elif unit != open_.unit:
            open_.foreign = open_.foreign or end
            self._offered(line, unit, hexa, open_, end, -open_.unit)

    @staticmethod
    def _late(line: Line, unit: int, function: int, hexa: str, t: int) -> _Exchange | None:
        """The latest request without an answer, before the present one, that this reply answers."""
        for done in reversed(line.earlier):
            if done.unit == unit and done.function == function and t - done.end < _LATE and _fits(done.hexa, hexa):
                return done
        return None

    def _answered(self, line: Line, done: _Exchange, end: int) -> None:
        unit = line.units[done.unit]
        if unit.failed:
            unit.failed = 0
            line.silent.discard(done.unit)
        unit.last_answered = True
        if not unit.changes or not unit.changes[-1][1]:
            unit.changes.append((end, True))
        if done.function in _FC_WRITES:
            address = int(done.hexa[4:8], 16)
            unit.written.setdefault(address, [done.t, done.t])[1] = done.t

    def _offered(self, line: Line, unit: int, hexa: str, of: _Exchange, end: int, asked: int) -> None:
        if of.function != _FC_READ_INPUTS or (line.name, unit) not in self._keypads:
            return
        if int(of.hexa[4:8], 16) != _EVENTS or hexa[2:4] != "04":
            return
        for at in range(6, len(hexa) - 4 - 4 * EVENT_WORDS + 1, 4 * EVENT_WORDS):
            epoch, seq = hexa[at : at + 4], hexa[at + 4 : at + 8]
            if epoch == seq == "ffff":
                break
            self._offer(line.name, unit, int(epoch, 16), int(seq, 16), end, asked)
            if asked == unit:
                line.read.append((unit, int(epoch, 16), int(seq, 16)))

    def _read(self, hexa: str) -> tuple[int, int, int]:
        """Unit (-1 when it is no sound request), function and length in hexadecimal of a request; remembered."""
        try:
            unit, function = int(hexa[:2] or "0", 16), int(hexa[2:4] or "0", 16)
        except ValueError:
            unit, function = -1, 0
        whole = _request_length(hexa, function)
        if not self._is_sound(hexa[:whole] if 0 < whole < len(hexa) else hexa):
            unit = -1
        if len(self._asked) >= _MOST_SOUND:
            self._asked.clear()
        self._asked[hexa] = unit, function, whole
        return unit, function, whole

    def _is_sound(self, hexa: str) -> bool:
        found = self._sound.get(hexa)
        if found is None:
            try:
                found = is_sound(bytes.fromhex(hexa))
            except ValueError:
                found = False
            if len(self._sound) >= _MOST_SOUND:
                self._sound.clear()
            self._sound[hexa] = found
        return found


def _request_length(hexa: str, function: int) -> int:
    """Characters of hexadecimal of a whole request; 0 if that is not known."""
    if 1 <= function <= 6:
        return 16
    if function in (15, 16) and len(hexa) >= 14:
        return 2 * (9 + int(hexa[12:14], 16))
    return 0


def _fits(request: str, reply: str) -> bool:
    """Whether a sound reply of the right unit and function can be the answer: its length, or the echo of a write."""
    if int(reply[2:4], 16) & 0x80:
        return len(reply) == 10
    function = int(request[2:4], 16)
    if function in (3, 4):
        return len(reply) == 2 * (5 + 2 * int(request[8:12], 16))
    if function in (5, 6, 15, 16):
        return len(reply) == 16 and reply[4:8] == request[4:8]
    return True
