"""`Nemesis`: lets things go wrong in a running hall on purpose, and keeps a record of all that it hit.

    nemesis = Nemesis(world, seed)
    nemesis.inject("bit_flip", line="keypads", where="reply", nth=3)
    ...
    nemesis.heal()
    nemesis.hits()

Each fault draws from a stream of its own, made from the seed, the fault's name and its number among those of that name:
one more fault shifts nothing in the others. What it hits stands in the history, {"src": "fault", "k": "fault", "id",
"name", "hit"}; its end as {"k": "heal"}; and one that has hit nothing when the day ends as {"k": "fault_unused"}: a
fault that touched nothing is no evidence (conformance.md 4.2).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bench.controller.rows import Commit, Row, StoreFailed
from bench.faults.acts import ACTS, Busy, CannotStrike, Done, Hands
from bench.faults.catalogue import Row as Kind
from bench.faults.catalogue import find
from bench.faults.check import DeviceShape, FaultError, LineShape, Shape, mistakes
from bench.faults.line_acts import LINE_ACTS
from bench.faults.triggers import Frame, Phase, Trigger
from bench.scenario.model import Scenario
from bench.scenario.times import parse_time
from firmware_sim.device import NS
from firmware_sim.disturbed import Disturber
from firmware_sim.flaws import FLAWS, Cast, Piece, strike
from firmware_sim.line import Transmitter
from firmware_sim.modbus_line import ModbusLine

if TYPE_CHECKING:
    from bench.run.world import World

__all__ = ["Armed", "Hit", "Nemesis", "shape_of"]

IN_FULL: Final = 2 * NS
"""How long after a hit everything on its line is kept in full."""

LOOK_AGAIN: Final = 1_000_000
"""How long a fault that waits for an idle line waits before it looks again, ns."""

TRIES, TRY_AGAIN = 500, 10_000_000
"""How often a fault that comes at a busy moment is tried again, and after how long, ns."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One time at which a fault did something.

    Attributes:
        at: instant, ns since local midnight.
        told: what it did, for people.
        facts: the same, for the history.
        frame: the burst it hit, as it was sent; None when it hit none.
    """

    at: int
    told: str
    facts: Mapping[str, Any]
    frame: Frame | None = None


@dataclass(slots=True, eq=False)
class Armed:
    """A fault that was injected.

    Attributes:
        kind: its row of the catalogue.
        trigger: when it strikes.
        options: its parameters.
        target: line and device it is about ("" for none).
        rng: its own random stream.
        hits: what it has hit.
        optional: that it hits nothing is no mistake.
        live: it may still strike.
        why: what kept it from striking, if something did.
    """

    kind: Kind
    trigger: Trigger
    options: dict[str, Any]
    target: tuple[str, str]
    rng: random.Random
    told: str
    on_hit: Callable[[Armed, Hit], Any] | None = None
    optional: bool = False
    live: bool = True
    over: bool = False
    why: str = ""
    seen: int = 0
    struck: int = 0
    tried: int = 0
    until: int | None = None
    hits: list[Hit] = field(default_factory=list)
    undo: list[Callable[[], Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The fault's name."""
        return self.kind.name


def shape_of(scenario: Scenario) -> Shape:
    """What `bench.faults.check` must know of a hall."""
    from bench.run.rig import SLAVES

    def speaks_modbus(spec: Any) -> bool:
        return spec.kind in SLAVES and getattr(spec, "protocol", "") not in ("ff68", "ascii")

    lines = {
        line.name: LineShape(
            all(map(speaks_modbus, line.devices)),
            line.duplex == "half",
            line.owner == "collector",
            frozenset(unit for spec in line.devices if (unit := getattr(spec, "unit", None)) is not None),
        )
        for line in scenario.lines
    }
    devices = {
        spec.name: DeviceShape(spec.kind, line.name, getattr(spec, "unit", None)) for line, spec in scenario.placed
    }
    return Shape(lines, devices, scenario.start, scenario.horizon)


class Nemesis:
    """The faults of one world.

    Args:
        world: the hall.
        seed: of what faults draw.

    Attributes:
        faults: all that were injected, in order.
        hands: what only the driver of this world can do (kill the program, take its port away ...), set by the driver.
    """

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.seed = seed
        self.shape = shape_of(world.scenario)
        self.faults: list[Armed] = []
        self.hands = Hands()
        self.sink_down = 0
        self._named: dict[str, int] = {}
        self._disturbers: dict[str, Disturber] = {}
        self._asked: dict[str, bytes] = {}

    # -- asking for faults ------------------------------------------------------------------------------------------
    def inject(self, name: str, *, on_hit: Callable[[Armed, Hit], Any] | None = None, **given: Any) -> Armed:
        """Let something go wrong.

        Args:
            name: of the catalogue, or an id.
            on_hit: called with (fault, hit) at each hit.
            given: parameters of the fault, and when it strikes: see `Trigger`; `line` or `device`, `at`, `after` and
                `before` as "10:41" or ns, `for_s` in seconds, `count=0` or None for no end, `optional`.

        Raises:
            FaultError: it cannot be; says all that is wrong.
        """
        given = {key: value for key, value in given.items() if value is not None or key == "count"}
        for key in ("at", "after", "before"):
            if isinstance(given.get(key), str):
                given[key] = parse_time(given[key])
        wrong = mistakes(name, given, self.shape)
        if wrong:
            raise FaultError(wrong)
        kind = find(name)
        assert kind is not None
        armed = self._armed(kind, given, on_hit)
        self.faults.append(armed)
        begin = given.get("at", given.get("after"))
        now = self.world.clockwork.now
        if begin is not None and begin > now:
            self._prepare(armed, begin)
            self.world.clockwork.call_at(begin, self._start, armed)
        else:
            self._start(armed)
        return armed

    def _armed(self, kind: Kind, given: Mapping[str, Any], on_hit: Any) -> Armed:
        number = self._named.get(kind.name, 0)
        self._named[kind.name] = number + 1
        device = given.get("device", "")
        placed = self.shape.devices.get(device)
        line = given.get("line") or (placed.line if placed is not None else "")
        phase = Phase.parse(given["phase"]) if "phase" in given else None
        where = given.get("where") or (phase.side if phase is not None else "") or kind.where
        if (phase is not None and phase.name == "idle") or not line:
            where = ""  # it waits for no frame
        unit = given.get("unit")
        if unit is None and placed is not None and where and line in self.shape.lines and self.shape.lines[line].modbus:
            unit = placed.unit
        lasts = given.get("for_s", kind.for_s)
        count = given.get("count", 1) or None
        trigger = Trigger(
            line,
            unit,
            where,
            phase,
            given.get("function"),
            given.get("address"),
            given.get("nth", 1),
            None if kind.how.startswith("burst") and lasts else count,
            given.get("rate", 1.0),
            given.get("after"),
            given.get("before"),
            round(lasts * NS),
        )
        options = {**kind.defaults, **{key: given[key] for key in kind.defaults if key in given}}
        if phase is not None and phase.byte >= 0 and "byte" in options and "byte" not in given:
            options["byte"] = phase.byte
        told = ", ".join(f"{key} {value}" for key, value in given.items())
        rng = random.Random(f"{self.seed}/{kind.name}/{number}")
        return Armed(kind, trigger, options, (line, device), rng, told, on_hit, bool(given.get("optional", False)))

    def heal(self, name: str = "all") -> int:
        """End faults: one by its name or id, or all; tells how many were still at work.

        Raises:
            FaultError: no such fault.
        """
        kind = None if name == "all" else find(name)
        if name != "all" and kind is None:
            raise FaultError(mistakes(name, {}, self.shape))
        ended = 0
        for armed in self.faults:
            if (kind is None or armed.kind is kind) and (armed.live or armed.undo):
                self.end(armed)
                ended += 1
        if name == "all":
            self._record("heal", {"id": "all", "n": ended})
        return ended

    def end(self, armed: Armed) -> None:
        """End one fault: it strikes no more, and what it holds up goes on."""
        was = armed.live or bool(armed.undo)
        armed.live, armed.over = False, True
        while armed.undo:
            armed.undo.pop()()
        if was and armed.hits:
            self._record("heal", {"id": armed.kind.id, "name": armed.name, "n": len(armed.hits)})

    def hits(self) -> list[tuple[Armed, Hit]]:
        """All hits so far, in order of time."""
        return sorted(((armed, hit) for armed in self.faults for hit in armed.hits), key=lambda pair: pair[1].at)

    def unused(self) -> list[Armed]:
        """The faults that have hit nothing."""
        return [armed for armed in self.faults if not armed.hits]

    def facts(self) -> list[dict[str, Any]]:
        """What became of each fault, for `run.json`."""
        return [
            {
                "id": armed.kind.id,
                "name": armed.name,
                "asked": armed.told,
                "hits": len(armed.hits),
                "optional": armed.optional,
                "why": armed.why if not armed.hits else "",
            }
            for armed in self.faults
        ]

    def close(self) -> None:
        """The day ends: tell which faults hit nothing."""
        for armed in self.unused():
            facts = {"id": armed.kind.id, "name": armed.name, "asked": armed.told}
            self._record("fault_unused", {**facts, **({"why": armed.why} if armed.why else {})})

    # -- striking ---------------------------------------------------------------------------------------------------
    def _start(self, armed: Armed) -> None:
        """From now on it may strike; one that waits for nothing strikes now."""
        if not armed.live:
            return
        before = armed.trigger.before
        if before is not None:
            self.world.clockwork.call_at(max(before, self.world.clockwork.now), self.end, armed)
        self._prepare(armed, self.world.clockwork.now)
        if armed.trigger.waits:
            self.watch(armed, partial(self._look, armed))
        elif armed.trigger.phase is not None:
            self._when_idle(armed)
        else:
            self._act(armed, None)

    def _prepare(self, armed: Armed, at: int) -> None:
        """Let a fault look at its device beforehand (the old memory that will be restored)."""
        if armed.kind.name == "buffer_restored" and "state" not in armed.options:
            when = max(self.world.clockwork.now, at - round(armed.options["age_s"] * NS))
            device = self.world.rig.devices[armed.target[1]].thing

            def look() -> None:
                armed.options["state"] = device.queue.state

            if when <= self.world.clockwork.now:
                look()
            else:
                armed.options["state"] = None
                self.world.clockwork.call_at(when, look)

    def watch(self, armed: Armed, watcher: Callable[[Transmitter, Cast, Sequence[Piece] | None], Any]) -> None:
        """Show each burst of the fault's line to `watcher` until the fault ends."""
        disturber = self.disturber(armed.target[0])
        disturber.watchers.append(watcher)

        def remove() -> None:
            if watcher in disturber.watchers:
                disturber.watchers.remove(watcher)
            disturber.leave()

        armed.undo.append(remove)

    def disturber(self, line: str) -> Disturber:
        """What carries out the faults of a line; it is on the line while one is at work."""
        found = self._disturbers.get(line)
        if found is None:
            found = self._disturbers[line] = Disturber(self.world.rig.lines[line])
        found.line.faults = found
        return found

    def frame(self, line: str, station: Transmitter, cast: Cast) -> Frame:
        """A burst as triggers see it."""
        request = station is self.world.rig.lines[line].master
        if request:
            self._asked[line] = cast.data
        end = cast.start + cast.settings.duration(len(cast.data))
        return Frame(line, station.name, request, cast.data, cast.start, end, self._asked.get(line, b""))

    def _look(
        self, armed: Armed, station: Transmitter, cast: Cast, pieces: Sequence[Piece] | None
    ) -> Sequence[Piece] | None:
        """A burst begins on a fault's line: does it strike?"""
        if not armed.live or station.name == "noise":
            return None
        trigger = armed.trigger
        frame = self.frame(trigger.line, station, cast)
        if armed.until is not None and frame.at >= armed.until:
            self._finish(armed)
            return None
        if not trigger.fits(frame):
            return None
        armed.seen += 1
        if armed.seen < trigger.nth or (trigger.rate < 1 and armed.rng.random() >= trigger.rate):
            return None
        made = self._strike(armed, station, cast, pieces, frame)
        if trigger.count is not None and armed.struck >= trigger.count:
            self._finish(armed)
        return made

    def _finish(self, armed: Armed) -> None:
        """It has struck as often as it was to: what it still holds up (a pause, a cut wire) ends in its own time."""
        armed.live = False
        if armed.kind.how.startswith("burst") or armed.kind.name in ("echo", "collision"):
            self.world.clockwork.call_at(self.world.clockwork.now, self.end, armed)

    def _strike(
        self, armed: Armed, station: Transmitter, cast: Cast, pieces: Sequence[Piece] | None, frame: Frame
    ) -> Sequence[Piece] | None:
        trigger, (mechanism, _, what) = armed.trigger, armed.kind.how.partition(":")
        if mechanism == "burst":
            made = strike(FLAWS[what], cast, pieces, {**armed.options, "hits": len(armed.hits)}, armed.rng)
            if made is None:
                armed.why = "no frame that came could be hit in this way"
                return None
            if trigger.for_ns and armed.until is None:
                armed.until = frame.at + trigger.for_ns
            self.hit(armed, made.told, made.hit, frame)
            return made.pieces
        if mechanism == "line" and what in LINE_ACTS and armed.kind.where:
            done: Done | None = LINE_ACTS[what](self, armed, station, frame)
            if done is None:
                return None
            self.hit(armed, done.told, done.facts, frame)
            return done.pieces
        armed.struck += 1
        if trigger.count is not None and armed.struck >= trigger.count:
            self._finish(armed)
        at = self._instant(trigger.phase, frame, cast)
        if at <= frame.at:
            done = self._act(armed, frame)
            return done.pieces if done is not None else None
        self.world.clockwork.call_at(at, self._act, armed, frame)
        return None

    def _instant(self, phase: Phase | None, frame: Frame, cast: Cast) -> int:
        """The instant of a phase, for an exchange whose burst begins."""
        if phase is None:
            return frame.at
        character = cast.settings.duration(1)
        if phase.name == "turnaround":
            stations = [d for d in self.world.rig.lines[frame.line].devices if isinstance(d, ModbusLine)]
            return frame.end + ((stations[0].t35 + stations[0].turnaround) // 2 if stations else character)
        if phase.name in ("reply.end", "ack"):
            return frame.end
        if phase.name == "gap":
            return frame.end + character
        return cast.start + cast.settings.duration(min(phase.byte, len(cast.data)))

    def _when_idle(self, armed: Armed) -> None:
        """Strike as soon as nobody sends on its line."""
        if not armed.live:
            return
        line = self.world.rig.lines[armed.target[0]]
        if line.master.current is not None or any(station.current is not None for station in line.stations):
            clockwork = self.world.clockwork
            clockwork.call_at(clockwork.now + LOOK_AGAIN, self._when_idle, armed)
        else:
            self._act(armed, None)

    def _act(self, armed: Armed, frame: Frame | None) -> Done | None:
        """Carry out a fault that is no change of a burst."""
        if armed.over:
            return None
        mechanism, _, what = armed.kind.how.partition(":")
        try:
            acts: Mapping[str, Any] = LINE_ACTS if mechanism == "line" else ACTS
            done: Done = acts[what](self, armed)
        except CannotStrike as exc:
            armed.why = str(exc)
            if isinstance(exc, Busy) and armed.tried < TRIES:
                armed.tried += 1
                clockwork = self.world.clockwork
                clockwork.call_at(clockwork.now + TRY_AGAIN, self._act, armed, frame)
            return None
        self.hit(armed, done.told, done.facts, frame)
        if not armed.trigger.waits:
            armed.live = False
        if done.undo is not None:
            armed.undo.append(done.undo)
            if armed.trigger.for_ns:
                clockwork = self.world.clockwork
                clockwork.call_at(clockwork.now + armed.trigger.for_ns, self._expire, armed, done.undo)
        elif not armed.live:
            self.world.clockwork.call_at(self.world.clockwork.now, self.end, armed)
        if done.then is not None:
            done.then()
        return done

    def _expire(self, armed: Armed, undo: Callable[[], Any]) -> None:
        """The time of one strike is over."""
        if undo in armed.undo:
            armed.undo.remove(undo)
            undo()
            if not armed.live:
                armed.undo.append(lambda: None)  # it was at work until now: its end is recorded
                self.end(armed)

    def hit(self, armed: Armed, told: str, facts: Mapping[str, Any], frame: Frame | None = None) -> None:
        """A fault did something: it stands in the history, and what follows on its line is kept in full."""
        if armed.kind.how.startswith("burst") or (armed.kind.where and armed.kind.how.startswith("line")):
            armed.struck += 1
        now = self.world.clockwork.now
        hit = Hit(now, told, facts, frame)
        armed.hits.append(hit)
        line, device = armed.target
        if line:
            self.world.wire.expand(line, now + IN_FULL)
        where = {key: value for key, value in (("line", line), ("device", device)) if value}
        by = {"by": frame.by} if frame is not None else {}
        self._record(
            "fault", {"id": armed.kind.id, "name": armed.name, **where, **by, "hit": dict(facts), "told": told}
        )
        if armed.on_hit is not None:
            armed.on_hit(armed, hit)

    def _record(self, kind: str, facts: Mapping[str, Any]) -> None:
        self.world.history.record(self.world.clockwork.now, "fault", kind, facts)

    # -- what the rest of the bench asks ----------------------------------------------------------------------------
    def guarded(self, store: Commit) -> Commit:
        """A store that fails while a fault says so."""

        def commit(rows: Sequence[Row]) -> Any:
            if self.sink_down:
                raise StoreFailed(f"{len(rows)} rows were not stored: the records fail on purpose (N39)")
            return store(rows)

        return commit
