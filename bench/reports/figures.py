"""All numbers of a day, from its run directory, in one streaming pass over the history.

What is kept grows with visitors, never with records: a visitor's two instants, a count for each minute, a few sums for
each line. Instants are integer nanoseconds since local midnight, as in the history; durations in a `Figures`
are seconds.

Words used here:

* wait: from taking the ticket to going to the counter because the hall showed the call (`ticket_taken` -> `goes`);
* called after: from taking the ticket to the first `call`: what a recorded ticket log knows, so a replayed log is
  compared on it;
* no-show: a ticket that the house controller gave up because nobody came.
"""

from __future__ import annotations

import re
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from bench.judge.history import Record as HistoryRecord
from bench.judge.truth import frame
from bench.reports import board_frames, incidents
from bench.reports.replay import Replay, compare
from bench.reports.run_dir import NotARunError, Record, RunDir, open_run
from bench.reports.sample import HALF_HOUR, MINUTE, Distribution, Histogram
from firmware_sim.device import NS

LOAD_SLOT: Final = 10 * MINUTE
"""A line's busiest stretch is looked for in slots of this length."""


@dataclass(frozen=True, slots=True)
class HalfHour:
    """Waits of the visitors who took their ticket in one half-hour."""

    start: int
    waits: Distribution


@dataclass(frozen=True, slots=True)
class CounterLoad:
    """What one counter did."""

    number: int
    clerk: str
    served: int
    busy_s: float
    mean_service_s: float


@dataclass(frozen=True, slots=True)
class ClerkRatings:
    """Ratings of one clerk: what was pressed, and what was stored (None: not known); index 0 is value 1.

    `other_pressed` and `other_stored` count values that are no 1..5, so that the totals are those of presses and rows.
    """

    clerk: str
    pressed: tuple[int, ...]
    stored: tuple[int, ...] | None
    other_pressed: int = 0
    other_stored: int = 0

    @property
    def agrees(self) -> bool:
        """Whether the stored totals, as far as they are known, equal the truth."""
        return self.stored is None or (self.pressed == self.stored and self.other_pressed == self.other_stored)


@dataclass(frozen=True, slots=True)
class LineLoad:
    """How much of the time characters were on a line; `peak_*` is its busiest slot of ten minutes.

    `slots` are the shares of each `LOAD_SLOT`, from the one in which the day starts to the one in which it ends.
    """

    name: str
    settings: str
    owner: str
    devices: int
    characters: int
    share: float
    peak_share: float
    peak_at: int
    collisions: int | None
    slots: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one day.

    Attributes:
        counts: whole numbers by name, in the order in which they are shown; the judge's are missing without a verdict.
        left: how many left, by why ("served", "closed" ...).
        waits, services, kiosk, call_to_move: durations of people, see the words above.
        latency: seconds from a press to its stored record, by "p50", "p99", "max"; None where the judge gave none.
        queue: largest number waiting in each minute from `start` on.
        damage: why the history is not whole, or None.
        not_understood: records that lack what their kind must have; an undamaged history has none.
    """

    scenario: str
    date: str
    seed: int | None
    start: int
    end: int
    counts: Mapping[str, int]
    left: Mapping[str, int]
    waits: Distribution
    services: Distribution
    kiosk: Distribution
    call_to_move: Distribution
    latency: Mapping[str, float | None]
    queue: tuple[int, ...]
    queue_longest: int
    queue_longest_at: int
    half_hours: tuple[HalfHour, ...]
    histogram: Histogram
    counters: tuple[CounterLoad, ...]
    ratings: tuple[ClerkRatings, ...]
    lines: tuple[LineLoad, ...]
    replay: Replay | None
    damage: str | None = None
    not_understood: int = 0

    def to_json(self) -> dict[str, Any]:
        """The figures as one JSON-able object; the raw waits of a replay are left out."""
        whole = asdict(self)
        if self.replay is not None:
            for bulky in ("recorded_ns", "replayed_ns"):
                del whole["replay"][bulky]
        return whole


NOT_HERE: Final = ("online", "missed appointments")
"""Counts of people who did not come, left out where there are none."""

COUNTED_BY_JUDGE: Final = ("presses", "recorded", "lost", "duplicated", "misattributed", "phantom")
"""Counts that only the judge can give; the others are counted here."""


class _Lines:
    """Time that characters take on each line, from `tx` and `fold` records."""

    def __init__(self) -> None:
        self.busy: dict[str, int] = defaultdict(int)
        self.characters: dict[str, int] = defaultdict(int)
        self.slots: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))

    def sent(self, record: Record) -> None:
        name, t = record["line"], record["t"]
        busy = max(record["end"] - t, 0)
        self.busy[name] += busy
        self.characters[name] += len(record.get("hex", "")) // 2
        self.slots[name][t // LOAD_SLOT] += busy

    def folded(self, record: Record) -> None:
        """Repeated polls between two instants: their time is spread evenly over them."""
        name, busy = record["line"], record.get("busy", 0)
        self.busy[name] += busy
        self.characters[name] += record.get("chars", 0)
        begin, end = record["from"], max(record["to"], record["from"] + 1)
        for slot in range(begin // LOAD_SLOT, (end - 1) // LOAD_SLOT + 1):
            inside = min(end, (slot + 1) * LOAD_SLOT) - max(begin, slot * LOAD_SLOT)
            self.slots[name][slot] += busy * inside // (end - begin)

    def loads(
        self, devices: Iterable[Mapping[str, Any]], told: Iterable[Mapping[str, Any]], start: int, end: int
    ) -> tuple[LineLoad, ...]:
        """One row for each line of the header, and for any other on which something was sent.

        A history that keeps only hashes of the wire has no characters: then the share is what run.json tells.
        """
        facts = {str(line.get("line")): line for line in told}
        span = end - start
        places = range(start // LOAD_SLOT, max(end - 1, start) // LOAD_SLOT + 1)
        on: dict[str, list[Mapping[str, Any]]] = {name: [] for name in facts}
        for device in devices:
            on.setdefault(str(device.get("line")), []).append(device)
        rows = []
        for name in dict.fromkeys((*on, *self.busy)):
            slot, most = max(self.slots[name].items(), key=lambda item: (item[1], -item[0]), default=(0, 0))
            fact = facts.get(name, {})
            busy = self.busy[name] / span if self.busy[name] and span > 0 else float(fact.get("busy") or 0)
            rows.append(
                LineLoad(
                    name=name,
                    settings=str(fact.get("settings", "")),
                    owner=next((str(device.get("owner", "")) for device in on.get(name, ())), ""),
                    devices=len(on.get(name, ())),
                    characters=self.characters[name],
                    share=round(busy, 6),
                    peak_share=round(most / LOAD_SLOT, 6),
                    peak_at=slot * LOAD_SLOT,
                    collisions=fact.get("collisions"),
                    slots=tuple(round(self.slots[name].get(place, 0) / LOAD_SLOT, 4) for place in places)
                    if self.slots[name]
                    else (),
                )
            )
        return tuple(rows)


class _Day:
    """One pass over the records of a day.

    Args:
        clerk_names: code on the wire -> name.
        counted: the keypads that the program answers for; empty for all.
    """

    def __init__(self, clerk_names: Mapping[int, str], counted: Collection[str] = ()) -> None:
        self.clerk_names = clerk_names
        self.counted = counted
        self.fetched: set[tuple[Any, ...]] = set()
        self.before: dict[tuple[Any, ...], tuple[str, int]] = {}
        self.last = 0
        self.not_understood = 0
        self.count: Tally[str] = Tally()
        self.left: Tally[str] = Tally()
        self.arrived: dict[int, int] = {}
        self.taken: dict[int, int] = {}
        self.visitor_of: dict[str, int] = {}
        self.called: dict[int, int] = {}
        self.waits: dict[int, int] = {}
        self.moves: list[int] = []
        self.waiting: set[int] = set()
        self.queue: dict[int, tuple[int, int]] = {}
        self.longest = (0, 0)
        self.began: dict[int, int] = {}
        self.services: dict[int, list[int]] = defaultdict(list)
        self.clerk_at: dict[int, str] = {}
        self.pressed: dict[str, list[int]] = defaultdict(lambda: [0] * 6)
        self.lines = _Lines()
        self.rules: dict[tuple[str, str], Callable[[Record], None]] = {
            ("hall", "arrive"): self._arrive,
            ("hall", "to_kiosk"): self._arrive,
            ("hall", "online"): self._tallied("online"),
            ("hall", "missed"): self._tallied("missed appointments"),
            ("hall", "ticket_taken"): self._ticket_taken,
            ("hall", "goes"): self._goes,
            ("hall", "start"): self._start,
            ("hall", "end"): self._end,
            ("hall", "leaves"): self._leaves,
            ("hall", "clerk_comes"): self._clerk_comes,
            ("house", "call"): self._call,
            ("house", "no_show"): self._tallied("no-shows"),
            ("dev", "press"): self._press,
            ("dev", "printed"): self._printed,
            ("dev", "overflow"): self._overflow,
            ("dev", "ack"): self._ack,
            ("run", "handover"): self._handover,
            ("line", "tx"): self.lines.sent,
            ("line", "fold"): self.lines.folded,
        }

    def take(self, record: Record) -> None:
        self.last = max(self.last, record["t"])
        rule = self.rules.get((record["src"], record["k"]))
        if rule is None:
            return
        try:
            rule(record)
        except (KeyError, TypeError, AttributeError):
            self.not_understood += 1  # an edited history still gets its report, which says so

    def _tallied(self, name: str) -> Callable[[Record], None]:
        def one(_record: Record) -> None:
            self.count[name] += 1

        return one

    def _arrive(self, record: Record) -> None:
        self.arrived[record["visitor"]] = record["t"]

    def _ticket_taken(self, record: Record) -> None:
        visitor = record["visitor"]
        self.taken[visitor] = record["t"]
        self.visitor_of[record["ticket"]] = visitor
        self.waiting.add(visitor)
        self._queue_changed(len(self.waiting) - 1, record["t"])

    def _goes(self, record: Record) -> None:
        visitor, t = record["visitor"], record["t"]
        taken = self.taken.get(visitor)
        if taken is not None:
            self.waits.setdefault(visitor, t - taken)
        if visitor in self.called:
            self.moves.append(t - self.called[visitor])
        self._no_longer_waits(visitor, t)

    def _leaves(self, record: Record) -> None:
        self.left[str(record.get("why", "?"))] += 1
        self._no_longer_waits(record["visitor"], record["t"])

    def _no_longer_waits(self, visitor: int, t: int) -> None:
        if visitor in self.waiting:
            self.waiting.remove(visitor)
            self._queue_changed(len(self.waiting) + 1, t)

    def _queue_changed(self, before: int, t: int) -> None:
        """Keep for each minute with a change the largest queue in it, and the one it leaves behind."""
        length, minute = len(self.waiting), t // MINUTE
        largest, _ = self.queue.get(minute, (before, before))
        self.queue[minute] = (max(largest, length), length)
        if length > self.longest[0]:
            self.longest = (length, t)

    def _call(self, record: Record) -> None:
        self.count["calls"] += 1
        visitor = self.visitor_of.get(record["ticket"])
        if visitor is not None:
            self.called.setdefault(visitor, record["t"])

    def _clerk_comes(self, record: Record) -> None:
        self.clerk_at[record["counter"]] = self.clerk(record["clerk"])

    def _start(self, record: Record) -> None:
        self.began[record["counter"]] = record["t"]

    def _end(self, record: Record) -> None:
        began = self.began.pop(record["counter"], None)
        if began is not None:
            self.services[record["counter"]].append(record["t"] - began)

    def _press(self, record: Record) -> None:
        value, device = record["value"], record["device"]
        if self.counted and device not in self.counted:
            return
        self.count["presses"] += 1
        clerk, place = self.clerk(record.get("clerk")), value - 1 if 1 <= value <= 5 else 5
        self.pressed[clerk][place] += 1
        self.before[_key(record)] = (clerk, place)

    def _ack(self, record: Record) -> None:
        self.fetched.add(_key(record))

    def _overflow(self, record: Record) -> None:
        self.count["dropped by full queues"] += 1
        self.fetched.add(_key(record))

    def _handover(self, _record: Record) -> None:
        """The program under test takes over: what was fetched or dropped before is not its business (as the judge)."""
        for key in self.fetched & self.before.keys():
            clerk, place = self.before[key]
            self.pressed[clerk][place] -= 1
            self.count["presses"] -= 1
        self.pressed = defaultdict(lambda: [0] * 6, {name: by for name, by in self.pressed.items() if any(by)})
        self.fetched.clear()

    def _printed(self, record: Record) -> None:
        self.count["printed"] += 1
        self.count["paper mm"] += record.get("mm", 0)

    def clerk(self, given: object) -> str:
        """A clerk's name, from the name or the code on the wire."""
        if isinstance(given, int) or (isinstance(given, str) and given.isdigit()):
            return self.clerk_names.get(int(given), "nobody" if int(given) == 0 else f"code {given}")
        return str(given) if given else "nobody"

    def queue_by_minute(self, start: int, end: int) -> tuple[int, ...]:
        """Largest number waiting in each minute from `start` to `end`."""
        series, level = [], 0
        for minute in range(start // MINUTE, end // MINUTE + 1):
            largest, after = self.queue.get(minute, (level, level))
            series.append(largest)
            level = after
        return tuple(series)

    def half_hours(self) -> tuple[HalfHour, ...]:
        """Waits by the half-hour in which the ticket was taken; half-hours in which nobody came are left out."""
        groups: dict[int, list[int]] = defaultdict(list)
        for visitor, wait in self.waits.items():
            groups[self.taken[visitor] // HALF_HOUR].append(wait)
        return tuple(HalfHour(slot * HALF_HOUR, Distribution.of(groups[slot])) for slot in sorted(groups))

    def counters(self) -> tuple[CounterLoad, ...]:
        """What each counter did, in the order of the numbers."""
        rows = []
        for number in sorted(self.clerk_at.keys() | self.services.keys()):
            times = self.services.get(number, [])
            busy = sum(times) / NS
            mean = round(busy / len(times), 6) if times else 0.0
            rows.append(CounterLoad(number, self.clerk_at.get(number, ""), len(times), round(busy, 6), mean))
        return tuple(rows)

    def ratings(self, rows: Iterable[Record] | None) -> tuple[ClerkRatings, ...]:
        """Truth and stored totals of each clerk: all counted presses, and all rows."""
        stored: dict[str, list[int]] = defaultdict(lambda: [0] * 6)
        for row in rows or ():
            value = str(row.get("value"))
            stored[self.clerk(row.get("clerk"))][int(value) - 1 if value in _VALUES else 5] += 1
        nothing = [0] * 6
        told = []
        for clerk in sorted(self.pressed.keys() | stored.keys()):
            here, there = self.pressed.get(clerk, nothing), stored.get(clerk, nothing)
            kept = None if rows is None else tuple(there[:5])
            told.append(ClerkRatings(clerk, tuple(here[:5]), kept, here[5], there[5]))
        return tuple(told)


_VALUES: Final = frozenset("12345")


def _key(record: Record) -> tuple[Any, ...]:
    return record["device"], record.get("epoch"), record.get("seq")


WANTED: Final = frozenset({*_Day({}).rules, ("house", "ticket_issued"), *incidents.KINDS, *board_frames.KINDS})
"""Kinds of records that figures and reports are made of; all others stay unparsed."""


def of(run: Path | RunDir, observe: Callable[[Record], None] | None = None) -> Figures:
    """All numbers of a run, from its directory alone.

    Args:
        run: the directory, or what `open_run` read of it.
        observe: is shown every record of a kind in `WANTED`.

    Raises:
        NotARunError: there is no history that could be read. A damaged one gives figures, and `damage` says why.
    """
    opened = open_run(run) if isinstance(run, Path) else run
    history = opened.history
    try:
        figures = compute(
            history.header,
            _readable(history.records(WANTED)),
            verdict=opened.verdict,
            visitors=_visitors(opened.day),
            rows=opened.rows,
            lines=opened.run.get("lines") or (),
            notes=opened.notes,
            observe=observe,
        )
    except OSError as error:
        raise NotARunError(f"{history.name}: cannot be read to its end: {error}") from error
    return replace(figures, damage=history.damage)


def _readable(records: Iterable[HistoryRecord]) -> Iterator[Record]:
    """The facts of those records that can be read: in an edited history some may be no JSON, and `damage` says so."""
    for record in records:
        burst = _BURST.match(record.raw) if record.k == "tx" else None
        if burst is not None:  # most records are these: several times as fast as JSON
            line, data, end = burst.groups()
            yield {"src": "line", "k": "tx", "t": record.t, "line": line.decode(), "hex": data, "end": int(end)}
            continue
        with suppress(ValueError):
            yield record.facts


_BURST: Final = re.compile(
    rb'\{"i":\d+,"t":-?\d+,"src":"line","k":"tx","line":"([^"\\]*)","by":"[^"\\]*","hex":"([0-9a-f]*)","end":(\d+)[,}]'
)
"""A burst as a run writes it."""


def _visitors(day: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The visitors of day.json, whose rows stand under the names in `columns`."""
    columns, rows = day.get("columns"), day.get("visitors")
    if not isinstance(columns, list) or not isinstance(rows, list):
        return []
    return [dict(zip(columns, row, strict=True)) for row in rows if isinstance(row, list) and len(row) == len(columns)]


def compute(
    header: Record,
    records: Iterable[Record],
    *,
    verdict: Mapping[str, Any] | None = None,
    visitors: Sequence[Mapping[str, Any]] = (),
    rows: Iterable[Record] | None = None,
    lines: Iterable[Mapping[str, Any]] = (),
    notes: Sequence[str] = (),
    observe: Callable[[Record], None] | None = None,
) -> Figures:
    """All numbers of one day.

    Args:
        header: the history's header.
        records: its records in order; read once.
        verdict: the object of verdict.json, for what only the judge can count.
        visitors: the visitors of day.json; those with a `recorded_call` make it a replayed log.
        rows: what was stored, rows with at least `clerk` and `value`; None when that is not known.
        lines: the lines of run.json (`line`, `settings`, `busy`, `collisions`), for what no record tells.
        notes: what the scenario says about a recorded log; put before the computed causes of a difference.
        observe: is shown every record too (so that a report needs no second pass).

    Returns:
        The figures. `damage` is None: whoever reads the file knows it (see `of`).
    """
    codes = {int(code): str(name) for name, code in (header.get("clerks") or {}).items()}
    day = _Day(codes, frame(header).counted)
    for record in records:
        day.take(record)
        if observe is not None:
            observe(record)
    verdict = verdict or {}
    judged: Mapping[str, Any] = verdict.get("counts") or {}
    latency: Mapping[str, Any] = verdict.get("latency_s") or {}
    start = int(header.get("start", 0))
    end = max(day.last, start)
    served = sum(len(times) for times in day.services.values())
    counts = {
        "visitors": len(day.arrived),
        **{name: day.count[name] for name in NOT_HERE if day.count[name]},
        "tickets": len(day.taken),
        "calls": day.count["calls"],
        "served": served,
        "no-shows": day.count["no-shows"],
        "left unserved": sum(n for why, n in day.left.items() if why != "served"),
        "presses": day.count["presses"],
        **{name: int(judged[name]) for name in COUNTED_BY_JUDGE if judged.get(name) is not None},
        "dropped by full queues": day.count["dropped by full queues"],
        "printed": day.count["printed"],
        "paper mm": day.count["paper mm"],
    }
    kiosk = Distribution.of(day.taken[v] - day.arrived[v] for v in day.taken if v in day.arrived)
    call_to_move = Distribution.of(day.moves)
    seed = header.get("seed")
    return Figures(
        scenario=str(header.get("scenario", "")),
        date=str(header.get("date", "")),
        seed=None if seed is None else int(seed),
        start=start,
        end=end,
        counts=counts,
        left=dict(sorted(day.left.items())),
        waits=Distribution.of(day.waits.values()),
        services=Distribution.of(t for times in day.services.values() for t in times),
        kiosk=kiosk,
        call_to_move=call_to_move,
        latency={name: latency.get(name) for name in ("p50", "p99", "max")},
        queue=day.queue_by_minute(start, end),
        queue_longest=day.longest[0],
        queue_longest_at=day.longest[1],
        half_hours=day.half_hours(),
        histogram=Histogram.of(day.waits.values()),
        counters=day.counters(),
        ratings=day.ratings(rows),
        lines=day.lines.loads(header.get("devices") or (), lines, start, end),
        replay=compare(
            visitors,
            day.taken,
            day.called,
            kiosk=kiosk,
            call_to_move=call_to_move,
            no_shows=day.count["no-shows"],
            notes=notes,
        ),
        not_understood=day.not_understood,
    )
