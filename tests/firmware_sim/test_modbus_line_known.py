"""Polls that get again what they got before: the station answers them from memory, and nobody can tell."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.burst import LineSettings
from firmware_sim.device import MS, Send
from firmware_sim.devices.rating_keypad import RatingKeypad
from firmware_sim.modbus_line import ModbusLine
from firmware_sim.modbus_slave import Table
from protocol.modbus.requests import read_registers, write_registers
from protocol.modbus.rtu import seal

SETTINGS = LineSettings(9600, 8, "E", 1)
UNITS = (1, 2, 3)
POLLS = [read_registers(unit, 0x04, 4, 4) for unit in UNITS]
POLL = POLLS[0]
STATE = read_registers(1, 0x04, 2, 6)


class Forgetful(ModbusLine):
    """The station without its memory."""

    def _remember(self, *_):
        """Nothing."""


class Keypad(RatingKeypad):
    """A keypad that counts how often it is read."""

    reads = 0

    def read(self, now, table, start, count):
        self.reads += 1
        return super().read(now, table, start, count)

    def glance(self, now, table, start, count):
        return RatingKeypad.read(self, now, table, start, count) if table is Table.INPUTS else None


class Hall:
    """A station with three keypads, driven by hand: what it does is kept."""

    def __init__(self, kind=ModbusLine, device=RatingKeypad):
        self.station = kind("slaves", SETTINGS, 10 * MS)
        self.keypads = [device(f"keypad-{unit}") for unit in UNITS]
        for keypad, unit in zip(self.keypads, UNITS, strict=True):
            self.station.attach(keypad, unit)
        self.now = 0
        self.done = []

    def ask(self, frame, late=0):
        first, last = self.now, self.now + SETTINGS.duration(len(frame))
        self.done += self.station.hear(last, frame, first, last, None)
        self.now = last + self.station.t35 + late
        effects = list(self.station.wake(self.now, ""))
        self.done += effects
        self.now += 50 * MS
        return b"".join(effect.data for effect in effects if isinstance(effect, Send))

    def act(self, place, name, *args):
        keypad = self.keypads[place]
        self.done += self.station.relabel(keypad, getattr(keypad, name)(self.now, *args))

    def state(self):
        return [
            (s.addressed, s.events, s.replies, s.unanswered, s.exceptions, s.bus_messages, s.bus_errors, s.listen_only)
            for s in self.station._servers
        ]


places = st.integers(0, 2)
units = st.sampled_from((1, 2, 3, 9))
steps = st.one_of(
    st.tuples(st.just("late"), st.integers(1, 2 * MS)),
    st.tuples(st.just("ask"), st.builds(read_registers, units, st.just(4), st.integers(0, 20), st.integers(1, 9))),
    st.tuples(
        st.just("ask"),
        st.builds(lambda unit, n: write_registers(unit, 0, [1, n]), st.integers(0, 3), st.integers(0, 3)),
    ),
    st.tuples(
        st.just("ask"), st.sampled_from([seal(bytes((u, 8, 0, s, 0, 0))) for u in UNITS for s in (1, 4, 11, 14)])
    ),
    st.tuples(st.just("ask"), st.builds(lambda unit: seal(bytes((unit, 0x0B))), units)),
    st.tuples(st.just("press"), places, st.integers(1, 4)),
    st.tuples(st.just("reboot"), places),
    st.tuples(st.just("was_off"), places),
    st.tuples(st.just("refuse"), places, st.sampled_from((0, 6))),
    st.tuples(st.just("move"), places, st.sampled_from(UNITS)),
    st.tuples(st.just("set"), places, st.sampled_from((None, SETTINGS, LineSettings(19200)))),
    st.tuples(st.just("functions"), places, st.booleans()),
)


def play(hall, step):
    what, *args = step
    match what:
        case "ask":
            hall.ask(args[0])
        case "late":
            hall.ask(POLL, args[0])
        case "press" | "reboot":
            hall.act(args[0], what, *args[1:])
        case "was_off":
            hall.keypads[args[0]].silent_until = hall.now - MS
        case "refuse" | "move":
            getattr(hall.station, what)(hall.keypads[args[0]], args[1])
        case "set":
            hall.keypads[args[0]].settings = args[1]
        case "functions":
            hall.keypads[args[0]].functions = RatingKeypad.functions - ({4} if args[1] else set())


@given(st.lists(steps, max_size=10))
def test_no_difference_to_a_station_without_memory(course):
    """Whatever is asked and happens in between, effects and counters are those of a station that always asks."""
    halls = Hall(), Hall(Forgetful)
    for step in course:
        for hall in halls:
            play(hall, step)
            for frame in POLLS:
                hall.ask(frame)
        assert halls[0].done == halls[1].done
        assert halls[0].state() == halls[1].state()


def test_the_same_poll_is_read_once():
    """A poll that gets the same reply is not read again; what changes the reply is told at once."""
    hall = Hall(device=Keypad)
    keypad = hall.keypads[0]
    first = hall.ask(POLL)
    assert [hall.ask(POLL) for _ in range(5)] == [first] * 5
    assert keypad.reads == 1
    hall.act(0, "press", 1)
    changed = hall.ask(POLL)
    assert changed != first
    assert hall.ask(POLL) == changed
    assert keypad.reads == 2


def test_what_cannot_be_glanced_at_is_read_each_time():
    """A keypad with a `read` newer than its `glance` is asked always."""

    class Newer(RatingKeypad):
        reads = 0

        def read(self, now, table, start, count):
            self.reads += 1
            return super().read(now, table, start, count)

    hall = Hall(device=Newer)
    assert len({hall.ask(STATE) for _ in range(4)}) == 1
    assert hall.keypads[0].reads == 4


def test_memory_is_bounded(monkeypatch):
    """More kinds of polls than are kept: the oldest go, and every one is answered."""
    monkeypatch.setattr("firmware_sim.modbus_line._MOST_KNOWN", 3)
    hall = Hall()
    asked = [read_registers(1, 0x04, 0, n) for n in range(1, 9)]
    replies = [hall.ask(frame) for frame in asked]
    assert len(hall.station._known) <= 3
    assert [len(reply) for reply in replies] == [5 + 2 * n for n in range(1, 9)]
    assert hall.ask(asked[3]) == replies[3]
