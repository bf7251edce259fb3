"""What really happened, gathered from a history in one pass: presses and their fate in the devices, tickets, calls.

Only rating keypads whose owner is the program under test count as its presses (header "program"; the house answers
for all of them). Instants are ns since local midnight, as in the history.

Facts of a header that are used here: `program`, `devices`, `clerks`, `timezone`, `epoch_ns`, `must_exercise`, and the
limits `settle_ns` (30 s), `lateness_ns` (60 s), `time_ns` (2 s), `call_ns` (5 s), `gap_ns` (300 s), `down_ns` (30 s),
`up_ns` (90 s), `configure_ns` (60 s), which may be missing. `heal` {at, within_ns} is when all faults end, and how soon
all must be well then.

The life of a press (conformance.md 4.2): PRESSED and QUEUED are one record here, `dev/press`; OFFERED is a reply that
carried it and SEEN-INTACT one that did so undamaged, as the answer to its own request (from the traffic, for devices of
profile RK-1); COMMITTED is its row; ACKED, OVERWRITTEN and FORGOTTEN are what its device noted.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from bench.judge.course import Course
from bench.judge.history import History
from bench.judge.traffic import Traffic
from firmware_sim.device import MS, NS

__all__ = ["Call", "Event", "Issue", "Limits", "Slip", "Station", "Truth", "Utterance", "gather"]

_TX: Final = re.compile(
    rb'\{"i":\d+,"t":-?\d+,"src":"line","k":"tx","line":"([^"\\]*)","by":"([^"\\]*)","hex":"((?:[0-9a-f]{2})*)",'
    rb'"end":(\d+)(?:,"flaws":([1-9]\d*))?\}'
).fullmatch
_CLOCK_SET: Final = 4  # event flag of profile RK-1: the device's clock was set when the key was pressed


class Station(NamedTuple):
    """A device, as the header of a history tells it."""

    name: str
    kind: str = ""
    line: str = ""
    unit: int | None = None
    counter: int | None = None
    owner: str = ""
    protocol: str = ""


class Limits(NamedTuple):
    """How long things may take, ns.

    Args:
        settle: a press this long before the end of the run has to be stored; a younger one may still be open.
        lateness: from a press to its being stored.
        call: from a call to its being shown.
        time: between a press and what its row says of it: a device's clock may have a resolution of one second, and
            the instant may be taken down a second later.
        gap: from a loss that a device shows to its being reported.
        down: for so long a device has to be silent before it must have been reported as down.
        up: from its answering again to its being reported as up.
        configure: from a reboot to the device's being asked and configured again.
        converge: from the end of all faults to all being well.
    """

    settle: int = 30 * NS
    lateness: int = 60 * NS
    call: int = 5 * NS
    time: int = 2 * NS
    gap: int = 300 * NS
    down: int = 30 * NS
    up: int = 90 * NS
    configure: int = 60 * NS
    converge: int = 300 * NS


@dataclass(slots=True)
class Event:
    """One press of a rating key that the device queued, and what became of it there.

    Args:
        n: place among all counted presses, 0 for the first.
        device: name of the keypad.
        t: instant of the press, ns.
        value, clerk, ticket, epoch, seq: as the event carries them.
        clock: instant of the press by the device's own clock, on the same axis; `t` when it told none, or that its
            clock was not set.
        acked: instant at which it was acknowledged; None while it waits.
        dropped: instant at which a full queue dropped it.
        stored: instant at which the house committed its row.
        gone: instant at which its device forgot it otherwise (a memory that was lost, or became an older one).
        seen: instant at which an undamaged reply to its own request carried it for the first time.
        offered: how many replies carried it undamaged, those included that came too late.
        astray: units that were asked when a reply that carried it came too late, or (negative) unasked.
        behind: units that were asked just after a reply that carried it in time.
        ghost: instant at which its device brought it up again although it had been acknowledged.
        twin: an earlier press of the same device had the same epoch and sequence number.
    """

    n: int
    device: str
    t: int
    value: int
    clerk: int
    ticket: int
    epoch: int
    seq: int
    clock: int
    acked: int | None = None
    dropped: int | None = None
    stored: int | None = None
    gone: int | None = None
    seen: int | None = None
    offered: int = 0
    astray: tuple[int, ...] = ()
    behind: tuple[int, ...] = ()
    ghost: int | None = None
    twin: bool = False


class Issue(NamedTuple):
    """A ticket that was given out."""

    t: int
    ticket: str
    printer: str


class Utterance(NamedTuple):
    """What a voice caller said: from `t` to `end`, and whether nothing cut it off."""

    t: int
    end: int
    text: str
    whole: bool


class Slip(NamedTuple):
    """What a printer put out at one cut."""

    t: int
    printer: str
    text: str


class Call(NamedTuple):
    """A ticket called to a counter."""

    t: int
    ticket: str
    counter: int


@dataclass(slots=True)
class Truth:
    """Everything that the invariants are judged by, apart from the rows."""

    program: str
    devices: dict[str, Station]
    counted: frozenset[str]
    clerks: dict[str, int]
    epoch_ns: int
    timezone: str
    limits: Limits
    must_exercise: tuple[str, ...]
    events: list[Event] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    """Ticket with its letter -> its number on the wire, where `ticket_issued` tells it as `number`."""
    confirmed: dict[str, int] = field(default_factory=dict)
    failed: dict[str, tuple[int, str]] = field(default_factory=dict)
    slips: list[Slip] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    shown: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """Display -> what became visible there, and when."""
    voices: dict[str, int] = field(default_factory=dict)
    """Voice caller -> ns within which a call has to be spoken."""
    spoken: list[Utterance] = field(default_factory=list)
    visitors: int = 0
    taken: int = 0
    first: int | None = None
    last: int = 0
    ended: int | None = None
    exited: tuple[int, Any] | None = None
    joined: tuple[int, int, float] | None = None
    """In wall time: an instant of the hall, the Unix ns at which it was, seconds of the hall in one real second."""
    course: Course = field(default_factory=Course)
    """Reboots, faults, and what the house told."""
    traffic: Traffic = field(default_factory=lambda: Traffic((), lambda *_: None))
    """What the program's lines show."""
    faults: list[str] = field(default_factory=list)
    """Records that lack what their kind must have."""

    @property
    def end(self) -> int:
        """Instant up to which the collector was wanted: the end of the run, else its own exit, else the last record."""
        if self.ended is not None:
            return self.ended
        return self.last if self.exited is None else self.exited[0]

    def at_unix(self, unix_ns: int) -> int:
        """Instant of the day at which the hall's own calendar shows so many Unix ns."""
        return unix_ns - self.epoch_ns

    def at_wall(self, unix_ns: int) -> int:
        """Instant of the day at which a program's own clock showed so many Unix ns."""
        if self.joined is None:
            return self.at_unix(unix_ns)
        at, joined, speed = self.joined
        return at + round((unix_ns - joined) * speed)

    def unit_names(self) -> dict[int, list[str]]:
        """Unit number -> counted keypads that have it."""
        units: dict[int, list[str]] = {}
        for name in sorted(self.counted):
            unit = self.devices[name].unit
            if unit is not None:
                units.setdefault(unit, []).append(name)
        return units


def frame(header: Mapping[str, Any]) -> Truth:
    """The part of the truth that the header tells. What is missing or misshapen is left empty, never guessed."""
    program = str(header.get("program", "house"))
    devices: dict[str, Station] = {}
    for raw in header.get("devices") or ():
        if isinstance(raw, Mapping) and isinstance(raw.get("name"), str):
            devices[raw["name"]] = Station(
                raw["name"],
                str(raw.get("kind", "")),
                str(raw.get("line", "")),
                _int(raw.get("unit")),
                _int(raw.get("counter")),
                str(raw.get("owner", "")),
                str(raw.get("protocol", "")),
            )
    counted = frozenset(
        name
        for name, station in devices.items()
        if station.kind == "rating_keypad" and (program == "house" or station.owner == program)
    )
    clerks = header.get("clerks")
    default = Limits()
    told = header.get("heal")
    heal: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    return Truth(
        program=program,
        devices=devices,
        voices=_voices(header.get("devices")),
        counted=counted,
        clerks={str(k): v for k, v in clerks.items() if isinstance(v, int)} if isinstance(clerks, Mapping) else {},
        epoch_ns=_int(header.get("epoch_ns")) or 0,
        timezone=str(header.get("timezone") or "UTC"),
        limits=Limits(
            _limit(header.get("settle_ns"), default.settle),
            _limit(header.get("lateness_ns"), default.lateness),
            _limit(header.get("call_ns"), default.call),
            _limit(header.get("time_ns"), default.time),
            _limit(header.get("gap_ns"), default.gap),
            _limit(header.get("down_ns"), default.down),
            _limit(header.get("up_ns"), default.up),
            _limit(header.get("configure_ns"), default.configure),
            _limit(heal.get("within_ns"), default.converge),
        ),
        must_exercise=tuple(str(name) for name in header.get("must_exercise") or ()),
        first=_int(header.get("start")),
    )


def _voices(rows: Any) -> dict[str, int]:
    """The house's voice callers in a header, and how soon they have to speak: 30 s if it does not say."""
    voices = {}
    for raw in rows or ():
        if not isinstance(raw, Mapping) or raw.get("owner") == "collector":
            continue  # what a program says is its own affair: calls are the house's
        if raw.get("kind") == "voice_caller" and isinstance(raw.get("name"), str):
            within = raw.get("within_s")
            if not isinstance(within, int | float) or isinstance(within, bool) or within < 0:
                within = 30
            voices[raw["name"]] = round(within * NS)
    return voices


def gather(history: History) -> Truth:
    """Read a history once.

    Args:
        history: as read; damaged ones give what can still be read of them.
    """
    return _Gatherer(frame(history.header)).run(history)


class _Gatherer:
    """The pass over the records: one rule for each kind that matters."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.waiting: dict[str, deque[Event]] = {name: deque() for name in truth.counted}
        self.by_key: dict[tuple[str, int, int], Event] = {}
        self.at_unit: dict[tuple[str, int], str] = {}
        truth.traffic = self._traffic()
        self.rules: dict[tuple[str, str], Callable[[int, dict[str, Any]], None]] = {
            ("dev", "press"): self.press,
            ("dev", "ack"): self.ack,
            ("dev", "overflow"): self.overflow,
            ("dev", "buffer_lost"): self.buffer_lost,
            ("dev", "buffer_restored"): self.buffer_restored,
            ("dev", "shown"): self.shown,
            ("dev", "printed"): self.printed,
            ("dev", "spoken"): self.spoken,
            ("house", "row"): self.row,
            ("house", "ticket_issued"): self.issued,
            ("house", "ticket_confirmed"): self.confirmed,
            ("house", "ticket_failed"): self.failed,
            ("house", "call"): self.call,
            ("hall", "arrive"): self.arrive,
            ("hall", "ticket_taken"): self.taken,
            ("run", "handover"): self.handover,
            ("run", "joined"): self.joined,
            ("run", "run_end"): self.run_end,
            ("collector", "exit"): self.exit,
            **truth.course.rules(),
            **truth.traffic.rules(),
            ("dev", "boot"): self.boot,
        }

    def _traffic(self) -> Traffic:
        """The lines on which the program speaks Modbus, and the keypads of profile RK-1 there."""
        truth = self.truth
        lines: dict[str, bool] = {}
        for station in truth.devices.values():
            modbus = station.protocol == "modbus_rtu"
            mine = truth.program == "house" or station.owner == truth.program
            lines[station.line] = lines.get(station.line, True) and modbus and mine
        for name in truth.counted:
            station = truth.devices[name]
            if station.unit is not None:
                self.at_unit[station.line, station.unit] = name
        good = {name for name, speaks in lines.items() if speaks and name}
        return Traffic(good, self.offered, [place for place in self.at_unit if place[0] in good], self.behind)

    def offered(self, line: str, unit: int, epoch: int, seq: int, t: int, asked: int) -> None:
        """An undamaged reply carried an event."""
        event = self.by_key.get((self.at_unit[line, unit], epoch, seq))
        if event is None:
            return
        event.offered += 1
        if asked != unit:
            event.astray = (*event.astray[-3:], asked)
        elif event.seen is None:
            event.seen = t

    def behind(self, line: str, unit: int, epoch: int, seq: int, following: int) -> None:
        """Another unit was asked just after an event was read."""
        event = self.by_key.get((self.at_unit[line, unit], epoch, seq))
        if event is not None and following not in event.behind:
            event.behind = (*event.behind[-3:], following)

    def run(self, history: History) -> Truth:
        truth, rules = self.truth, self.rules
        burst, looked_at = truth.traffic.burst, bool(truth.traffic.lines)
        for record in history.records(rules):
            if looked_at and record.k == "tx" and (found := _TX(record.raw)) is not None:
                line, by, data, end, flaws = found.groups()  # most records are these: three times as fast as JSON
                burst(record.t, line.decode(), by.decode(), data.decode(), int(end), damaged=flaws is not None)
                truth.last = max(truth.last, record.t)
                continue
            try:
                rules[record.src, record.k](record.t, record.facts)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                what = f"record {record.i} ({record.src} {record.k}) lacks or garbles {error}"
                truth.faults.append(what)
            if record.t > truth.last:
                truth.last = record.t
        truth.traffic.close()
        return truth

    def press(self, t: int, facts: dict[str, Any]) -> None:
        device = facts["device"]
        waiting = self.waiting.get(device)
        if waiting is None:
            return
        clock_set = _whole(facts.get("flags", _CLOCK_SET)) & _CLOCK_SET
        at_ms = facts.get("at_ms") if clock_set else None
        events = self.truth.events
        event = Event(
            len(events),
            device,
            t,
            _whole(facts["value"]),
            _whole(facts.get("clerk", 0)),
            _whole(facts.get("ticket", 0)),
            _whole(facts["epoch"]),
            _whole(facts["seq"]),
            t if at_ms is None else _whole(at_ms) * MS - self.truth.epoch_ns,
        )
        events.append(event)
        waiting.append(event)
        key = (device, event.epoch, event.seq)
        event.twin = key in self.by_key
        self.by_key[key] = event

    def ack(self, t: int, facts: dict[str, Any]) -> None:
        waiting = self.waiting.get(facts["device"])
        if not waiting:
            return
        named = self.by_key.get((facts["device"], facts["epoch"], facts["seq"]))
        if named is not None and any(event is named for event in waiting):
            while waiting:
                event = waiting.popleft()
                event.acked = event.acked or t
                if event is named:
                    return
        for _ in range(min(_whole(facts.get("freed", 0)), len(waiting))):
            event = waiting.popleft()
            event.acked = event.acked or t

    def overflow(self, t: int, facts: dict[str, Any]) -> None:
        waiting = self.waiting.get(facts["device"])
        event = self.by_key.get((facts["device"], facts["epoch"], facts["seq"]))
        if waiting is None or event is None:
            return
        event.dropped = t
        if waiting and waiting[0] is event:
            waiting.popleft()
        elif event in waiting:
            waiting.remove(event)

    def boot(self, t: int, facts: dict[str, Any]) -> None:
        truth = self.truth
        truth.course.rules()["dev", "boot"](t, facts)
        station = truth.devices.get(facts["device"])
        if station is not None and station.unit is not None:
            truth.traffic.booted(station.line, station.unit, t)

    def buffer_lost(self, t: int, facts: dict[str, Any]) -> None:
        waiting = self.waiting.get(facts["device"])
        if waiting is None:
            return
        for event in waiting:
            if event.acked is None:
                event.gone = t
        waiting.clear()

    def buffer_restored(self, t: int, facts: dict[str, Any]) -> None:
        """The memory is an older one: what came since is forgotten, what was acknowledged since is there again."""
        device = facts["device"]
        waiting = self.waiting.get(device)
        if waiting is None:
            return
        back = [self.by_key.get((device, _whole(epoch), _whole(seq))) for epoch, seq in facts["events"]]
        there = [event for event in back if event is not None]
        for event in waiting:
            if event.acked is None and not any(event is other for other in there):
                event.gone = t
        for event in there:
            if event.acked is not None:
                event.ghost = t
        waiting.clear()
        waiting.extend(there)
        self.truth.course.restored.setdefault(device, []).append(t)

    def row(self, t: int, facts: dict[str, Any]) -> None:
        event = self.by_key.get((facts["device"], facts["epoch"], facts["seq"]))
        if event is not None and event.stored is None:
            event.stored = t

    def shown(self, t: int, facts: dict[str, Any]) -> None:
        self.truth.shown.setdefault(facts["device"], []).append((t, str(facts["text"])))

    def printed(self, t: int, facts: dict[str, Any]) -> None:
        self.truth.slips.append(Slip(t, facts["device"], "\n".join(map(str, facts["lines"]))))

    def spoken(self, _t: int, facts: dict[str, Any]) -> None:
        said = Utterance(_whole(facts["start"]), _whole(facts["end"]), str(facts["text"]), bool(facts["whole"]))
        self.truth.spoken.append(said)

    def issued(self, t: int, facts: dict[str, Any]) -> None:
        ticket = str(facts["ticket"])
        self.truth.issues.append(Issue(t, ticket, str(facts.get("printer") or "")))
        if isinstance(facts.get("number"), int):
            self.truth.numbers[ticket] = facts["number"]

    def confirmed(self, t: int, facts: dict[str, Any]) -> None:
        self.truth.confirmed[str(facts["ticket"])] = t

    def failed(self, t: int, facts: dict[str, Any]) -> None:
        self.truth.failed[str(facts["ticket"])] = (t, str(facts.get("why", "")))

    def call(self, t: int, facts: dict[str, Any]) -> None:
        self.truth.calls.append(Call(t, str(facts["ticket"]), _whole(facts["counter"])))

    def arrive(self, _t: int, _facts: dict[str, Any]) -> None:
        self.truth.visitors += 1

    def taken(self, _t: int, _facts: dict[str, Any]) -> None:
        self.truth.taken += 1

    def handover(self, _t: int, _facts: dict[str, Any]) -> None:
        """The program under test takes its lines over: what was fetched or lost before is not its business."""
        truth = self.truth
        truth.events = [event for event in truth.events if event.acked is None and event.dropped is None]
        for n, event in enumerate(truth.events):
            event.n = n

    def joined(self, t: int, facts: dict[str, Any]) -> None:
        self.truth.joined = (t, _whole(facts["unix_ns"]), float(facts.get("speed", 1)))

    def run_end(self, t: int, _facts: dict[str, Any]) -> None:
        self.truth.ended = t

    def exit(self, t: int, facts: dict[str, Any]) -> None:
        self.truth.exited = (t, facts.get("status"))


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _whole(value: Any) -> int:
    number = _int(value)
    if number is None:
        raise ValueError(f"{value!r}, which is not a whole number")
    return number


def _limit(value: Any, default: int) -> int:
    limit = _int(value)
    return default if limit is None or limit < 0 else limit
