"""What really happened, gathered from a history in one pass: presses and their fate in the devices, tickets, calls.

Only rating keypads whose owner is the program under test count as its presses (header "program"; the house answers
for all of them). Instants are ns since local midnight, as in the history.

Facts of a header that are used here: `program`, `devices`, `clerks`, `timezone`, `epoch_ns`, `must_exercise`, and the
limits `settle_ns` (30 s), `lateness_ns` (60 s), `time_ns` (2 s), `call_ns` (5 s), which may be missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from bench.judge.history import History

__all__ = ["Call", "Event", "Issue", "Limits", "Slip", "Station", "Truth", "Utterance", "gather"]

NS: Final = 1_000_000_000
_MS: Final = 1_000_000
_CLOCK_SET: Final = 4  # event flag of profile RK-1: the device's clock was set when the key was pressed


class Station(NamedTuple):
    """A device, as the header of a history tells it."""

    name: str
    kind: str = ""
    line: str = ""
    unit: int | None = None
    counter: int | None = None
    owner: str = ""


class Limits(NamedTuple):
    """How long things may take, ns.

    Args:
        settle: a press this long before the end of the run has to be stored; a younger one may still be open.
        lateness: from a press to its being stored.
        call: from a call to its being shown.
        time: between a press and what its row says of it: a device's clock may have a resolution of one second, and
            the instant may be taken down a second later.
    """

    settle: int = 30 * NS
    lateness: int = 60 * NS
    call: int = 5 * NS
    time: int = 2 * NS


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
            )
    counted = frozenset(
        name
        for name, station in devices.items()
        if station.kind == "rating_keypad" and (program == "house" or station.owner == program)
    )
    clerks = header.get("clerks")
    default = Limits()
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
        ),
        must_exercise=tuple(str(name) for name in header.get("must_exercise") or ()),
        first=_int(header.get("start")),
    )


def _voices(rows: Any) -> dict[str, int]:
    """The voice callers among the devices of a header, and how soon they have to speak: 30 s if it does not say."""
    voices = {}
    for raw in rows or ():
        if isinstance(raw, Mapping) and raw.get("kind") == "voice_caller" and isinstance(raw.get("name"), str):
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
        self.rules: dict[tuple[str, str], Callable[[int, dict[str, Any]], None]] = {
            ("dev", "press"): self.press,
            ("dev", "ack"): self.ack,
            ("dev", "overflow"): self.overflow,
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
        }

    def run(self, history: History) -> Truth:
        truth, rules = self.truth, self.rules
        for record in history.records(rules):
            try:
                rules[record.src, record.k](record.t, record.facts)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                what = f"record {record.i} ({record.src} {record.k}) lacks or garbles {error}"
                truth.faults.append(what)
            if record.t > truth.last:
                truth.last = record.t
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
            t if at_ms is None else _whole(at_ms) * _MS - self.truth.epoch_ns,
        )
        events.append(event)
        waiting.append(event)
        self.by_key[device, event.epoch, event.seq] = event

    def ack(self, t: int, facts: dict[str, Any]) -> None:
        waiting = self.waiting.get(facts["device"])
        if not waiting:
            return
        named = self.by_key.get((facts["device"], facts["epoch"], facts["seq"]))
        if named is not None and named.acked is None and named.dropped is None:
            while waiting:
                event = waiting.popleft()
                event.acked = t
                if event is named:
                    return
        for _ in range(min(_whole(facts.get("freed", 0)), len(waiting))):
            waiting.popleft().acked = t

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
