"""What the view knows of a bench: the last answers of the API, and what in them wants to be looked at.

No terminal and no network here: `Scene` is told answers and asked for facts, so that it can be tested with stored ones.
The shapes are those of docs/control.md; a field that is missing (another version of the API) is read as nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from bench.tui.palette import Level

__all__ = ["Alarm", "Scene"]

State = dict[str, Any]

_PRINTER: Final[tuple[tuple[str, Level, str], ...]] = (
    ("cover_open", Level.WRONG, "cover_open"),
    ("cutter_error", Level.WRONG, "cutter_error"),
    ("head_hot", Level.WRONG, "head_hot"),
)
_HAND: Final[tuple[tuple[str, Level, str], ...]] = (
    ("case_open", Level.ATTENTION, "case_open"),
    ("supply_low", Level.ATTENTION, "supply_low"),
    ("feed_held", Level.ATTENTION, "feed_held"),
)
_PAPER: Final[tuple[tuple[str, Level, str], ...]] = (
    ("jam", Level.WRONG, "paper_jam"),
    ("end", Level.WRONG, "paper_end"),
    ("near_end", Level.ATTENTION, "paper_near_end"),
)
_NEARLY_FULL: Final = 0.8
_HELD_LONG_S: Final = 60.0


class Alarm(NamedTuple):
    """Something that wants to be looked at.

    Attributes:
        level: how much.
        who: a device or line, as the bench calls it; "" for the hall.
        what: key of `labels`.
        amount: a number that belongs to it, else "".
    """

    level: Level
    who: str
    what: str
    amount: str = ""


class Scene:
    """The last that is known of a bench.

    Attributes:
        hall: answer of /v1/hall; empty before the first.
        clock: its clock.
        devices: name -> state, in the order of the hall.
        lines: name -> state.
        figures: answer of /v1/figures.
        faults: those of /v1/faults.
        gone: why there is no bench now; "" while there is one.
        last_key: device -> the key that was pressed last.
        ran: somebody has asked how far running text has run, since this was last set to False.
    """

    def __init__(self) -> None:
        self.hall: State = {}
        self.clock: State = {}
        self.devices: dict[str, State] = {}
        self.lines: dict[str, State] = {}
        self.figures: State = {}
        self.faults: list[State] = []
        self.gone = ""
        self.last_key: dict[str, str] = {}
        self.ran = False

    # -- what is told --------------------------------------------------------------------------------------------------

    def attach(self, hall: State) -> None:
        """A bench was found: forget the one before."""
        self.__init__()  # type: ignore[misc]
        self.hall = hall
        self.clock = dict(hall.get("clock") or {})
        self.lines = {str(line["name"]): line for line in hall.get("lines", ())}

    def take_devices(self, answer: State) -> None:
        """An answer of /v1/devices."""
        self.devices = {str(one["name"]): one for one in answer.get("devices", ())}

    def take_lines(self, answer: State) -> None:
        """An answer of /v1/lines."""
        self.lines = {str(line["name"]): line for line in answer.get("lines", ())}

    def take_event(self, event: Mapping[str, Any]) -> None:
        """One event: keys that were pressed are remembered, for nothing else tells which was the last."""
        if event.get("kind") == "device" and event.get("what") in _KEYS:
            facts = event.get("facts") or {}
            value = facts.get("value", facts.get("key"))
            if value is not None:
                self.last_key[str(event.get("device"))] = f"{value} {str(event.get('time', ''))[:8]}"

    # -- what is asked -------------------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """Hall time, ns since local midnight."""
        return int(self.clock.get("now") or 0)

    @property
    def steps(self) -> int:
        """How far running text has run: a column in a quarter of a hall second, so it stands when the hall does."""
        self.ran = True
        return self.now // 250_000_000

    def counters(self) -> list[State]:
        """The counters: number, clerk, state and ticket."""
        return list(self.figures.get("counters") or self.hall.get("counters") or ())

    def counter(self, number: int) -> State:
        """One counter; empty when there is none of that number."""
        return next((one for one in self.counters() if one.get("number") == number), {})

    def by_counter(self) -> dict[int | None, list[str]]:
        """Names of the devices of each counter; None: those of the whole hall. What the public sees comes first."""
        found: dict[int | None, list[str]] = {}
        for one in sorted(self.hall.get("devices", ()), key=lambda one: _order(str(one["name"]), self.devices)):
            found.setdefault(one.get("counter"), []).append(str(one["name"]))
        return found

    def alarms(self) -> list[Alarm]:
        """All that wants to be looked at, the worst first."""
        found = [*self._hall_alarms()]
        for name, state in self.devices.items():
            found += device_alarms(name, state)
        for name, line in self.lines.items():
            found += _line_alarms(name, line)
        return sorted(found, key=lambda alarm: -alarm.level)

    def level(self, name: str) -> Level:
        """How much one device wants to be looked at."""
        state = self.devices.get(name)
        if state is None:
            return Level.IDLE
        worst = max((alarm.level for alarm in device_alarms(name, state)), default=Level.IDLE)
        if worst is Level.IDLE and _busy(state):
            return Level.BUSY
        return worst

    def _hall_alarms(self) -> Iterator[Alarm]:
        live = sum(1 for fault in self.faults if fault.get("live"))
        if live:
            yield Alarm(Level.ATTENTION, "", "faults_live", str(live))
        overflowed = int((self.figures.get("ratings") or {}).get("overflowed") or 0)
        if overflowed:
            yield Alarm(Level.WRONG, "", "ratings_overflowed", str(overflowed))
        held = self.figures.get("held") or {}
        if held.get("events") and float(held.get("oldest_s") or 0) >= _HELD_LONG_S:
            yield Alarm(Level.ATTENTION, "", "events_held", str(held["events"]))


def _order(name: str, devices: Mapping[str, State]) -> int:
    state = devices.get(name, {})
    kind = str(state.get("kind", ""))
    if "shows" in state:
        return 0
    return 1 if "voice" in state else 2 if "paper" in state else 4 if kind == "clerk_console" else 3


_KEYS: Final = frozenset({"press", "key", "ignored"})


def device_alarms(name: str, state: Mapping[str, Any]) -> list[Alarm]:
    """What is wrong with one device, or may soon be."""
    if not state.get("powered", True):
        return [Alarm(Level.WRONG, name, "no_power")]
    found = [Alarm(level, name, what) for field, level, what in (*_PRINTER, *_HAND) if state.get(field)]
    paper = state.get("paper") or {}
    found += [Alarm(level, name, what) for field, level, what in _PAPER if paper.get(field)]
    if any(alarm.what == "paper_end" for alarm in found):
        found = [alarm for alarm in found if alarm.what != "paper_near_end"]
    queue = state.get("queue") or {}
    if queue.get("lost"):
        found.append(Alarm(Level.WRONG, name, "events_lost", str(queue["lost"])))
    elif queue.get("depth") and queue.get("waiting", 0) >= _NEARLY_FULL * queue["depth"]:
        found.append(Alarm(Level.ATTENTION, name, "queue_nearly_full", str(queue["waiting"])))
    if state.get("up") is False:
        found.append(Alarm(Level.ATTENTION, name, "starting"))
    return found


def _line_alarms(name: str, line: Mapping[str, Any]) -> Iterator[Alarm]:
    port = line.get("port")
    if port and not port.get("open"):
        yield Alarm(Level.ATTENTION, name, "port_closed" if port.get("opened") else "port_never_opened")
    if line.get("held"):
        yield Alarm(Level.ATTENTION, name, "held")


def _busy(state: Mapping[str, Any]) -> bool:
    voice = state.get("voice") or {}
    return bool(
        state.get("window")
        or state.get("printing")
        or (state.get("queue") or state).get("waiting")
        or any(state.get("lamps") or ())
        or voice.get("text")
    )
