"""Faults that happen to devices and to the host: what is done to them, and how it is undone.

An act takes the nemesis and the armed fault and returns a `Done`. Devices are changed through their own methods, so
that they note it; what only the driver of a run can do (kill the program, take its port away) it has put into `Hands`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from firmware_sim.burst import LineSettings
from firmware_sim.device import NS
from firmware_sim.flaws import Piece

if TYPE_CHECKING:
    from bench.faults.nemesis import Armed, Nemesis

__all__ = ["ACTS", "Busy", "CannotStrike", "Done", "Hands"]

DEAF: Final = LineSettings(1)
"""Settings that no line has: a slave that runs at them hears nothing and says nothing."""

_FULL_ROLL_MM: Final = 80_000


class CannotStrike(Exception):
    """The fault cannot happen here and now; says why."""


class Busy(CannotStrike):
    """It cannot happen at this very moment, and can a little later; says why."""


class Done(NamedTuple):
    """What a fault did.

    Args:
        told: for people.
        facts: for the history.
        undo: ends it; None when it is over at once, or ends by itself.
        pieces: what goes on the line instead of the burst that set it off; None lets that pass.
        then: done last of all, when everything is recorded: it may not return (the program is killed in the act).
    """

    told: str
    facts: Mapping[str, Any]
    undo: Callable[[], Any] | None = None
    pieces: Sequence[Piece] | None = None
    then: Callable[[], Any] | None = None


@dataclass(slots=True)
class Hands:
    """What the driver of a run can do to the program under test; None: not in this run.

    Attributes:
        kill: nothing of the program runs any more.
        vanish: (line, gone): its port disappears, or is there again.
        swap: (line, line): their ports change places.
        pause: the program does not run for so many ns, while everything else goes on.
        shift_clock: its calendar clock jumps by so many ns.
        lock_records: (locked): nobody can write where it stores its records.
    """

    kill: Callable[[], Any] | None = None
    vanish: Callable[[str, bool], Any] | None = None
    swap: Callable[[str, str], Any] | None = None
    pause: Callable[[int], Any] | None = None
    shift_clock: Callable[[int], Any] | None = None
    lock_records: Callable[[bool], Any] | None = None


Act = Callable[["Nemesis", "Armed"], Done]


# -- devices --------------------------------------------------------------------------------------------------------
def _placed(nemesis: Nemesis, armed: Armed) -> Any:
    return nemesis.world.rig.devices[armed.target[1]]


def _do(nemesis: Nemesis, armed: Armed, method: str, *args: Any) -> None:
    """Call a method of the device and carry out what follows from it."""
    placed = _placed(nemesis, armed)
    nemesis.world.rig.carry_out(placed, getattr(placed.thing, method)(nemesis.world.clockwork.now, *args))


def _has(nemesis: Nemesis, armed: Armed, method: str) -> bool:
    return hasattr(_placed(nemesis, armed).thing, method)


def _must_have(nemesis: Nemesis, armed: Armed, method: str) -> None:
    if not _has(nemesis, armed, method):
        raise CannotStrike(f"{armed.target[1]} is a device to which that cannot happen")


def _reboot(nemesis: Nemesis, armed: Armed) -> Done:
    if _has(nemesis, armed, "reboot"):
        _do(nemesis, armed, "reboot")
        return Done(f"{armed.target[1]} started anew", {"how": "reset"})
    _must_have(nemesis, armed, "unplug")
    off = round(armed.options["off_s"] * NS)
    _do(nemesis, armed, "unplug")
    clockwork = nemesis.world.clockwork
    clockwork.call_at(clockwork.now + off, _do, nemesis, armed, "plug_in")
    return Done(f"{armed.target[1]} without supply for {armed.options['off_s']:g} s", {"how": "supply", "ns": off})


def _buffer_lost(nemesis: Nemesis, armed: Armed) -> Done:
    _must_have(nemesis, armed, "lose_buffer")
    gone = [[event.epoch, event.sequence] for event in _placed(nemesis, armed).thing.queue.waiting]
    _do(nemesis, armed, "lose_buffer")
    return Done(f"{armed.target[1]} lost {len(gone)} events that waited", {"events": gone})


def _buffer_restored(nemesis: Nemesis, armed: Armed) -> Done:
    _must_have(nemesis, armed, "restore_buffer")
    state = armed.options["state"]
    ghosts = [[event.epoch, event.sequence] for event in state.waiting]
    _do(nemesis, armed, "restore_buffer", state)
    return Done(f"{armed.target[1]} has the memory of before, with {len(ghosts)} events", {"events": ghosts})


def _sequence_reset(nemesis: Nemesis, armed: Armed) -> Done:
    _must_have(nemesis, armed, "restart_sequence")
    _do(nemesis, armed, "restart_sequence")
    return Done(f"the sequence of {armed.target[1]} starts at 0", {"sequence": 0})


def _device_clock(nemesis: Nemesis, armed: Armed) -> Done:
    _must_have(nemesis, armed, "shift_clock")
    mode = armed.options["mode"]
    if mode == "reset":
        _do(nemesis, armed, "reset_clock")
        return Done(f"the clock of {armed.target[1]} is not set", {"mode": mode})
    if mode == "jump":
        seconds = armed.options["seconds"]
        _do(nemesis, armed, "shift_clock", round(seconds * NS))
        return Done(f"the clock of {armed.target[1]} jumped by {seconds:g} s", {"mode": mode, "seconds": seconds})
    ppm, clockwork = armed.options["ppm"], nemesis.world.clockwork
    going = [True]

    def drift() -> None:
        if going[0]:
            _placed(nemesis, armed).thing.shift_clock(clockwork.now, round(ppm * 1000))
            clockwork.call_at(clockwork.now + NS, drift)

    drift()
    stop = partial(going.__setitem__, 0, False)
    return Done(f"the clock of {armed.target[1]} drifts by {ppm:g} ppm", {"mode": mode, "ppm": ppm}, stop)


def _queue_overflow(nemesis: Nemesis, armed: Armed) -> Done:
    rig, clockwork, device = nemesis.world.rig, nemesis.world.clockwork, armed.target[1]
    presses, key = armed.options["presses"], armed.options["key"]
    if key > getattr(_placed(nemesis, armed).thing, "keys", 0):
        raise CannotStrike(f"{device} has no key {key}")
    left = [presses]

    def press() -> None:
        if left[0] > 0:
            left[0] -= 1
            rig.act(device, "press", key)
            clockwork.call_at(clockwork.now + round(armed.options["every_ms"] * 1_000_000), press)

    press()
    told = f"{presses} presses of key {key} on {device}"
    return Done(told, {"presses": presses, "key": key}, partial(left.__setitem__, 0, 0))


def _busy(nemesis: Nemesis, armed: Armed) -> Done:
    placed, code = _placed(nemesis, armed), armed.options["code"]
    if placed.station is None:
        raise CannotStrike(f"{armed.target[1]} is no Modbus slave")
    placed.station.refuse(placed.thing, code)
    undo = partial(placed.station.refuse, placed.thing, 0)
    return Done(f"{armed.target[1]} answers with exception {code:02X}", {"code": code}, undo)


def _address_conflict(nemesis: Nemesis, armed: Armed) -> Done:
    mine, other = _placed(nemesis, armed), nemesis.world.rig.devices[armed.options["other"]]
    station = mine.station
    if mine is other or station is not other.station or station is None:
        raise CannotStrike(f"{armed.target[1]} and {other.name} are not two Modbus slaves of one line")
    was, now = mine.thing.unit, other.thing.unit
    station.move(mine.thing, now)
    told = f"{armed.target[1]} answers to address {now}, as {other.name} does"
    return Done(told, {"from": was, "to": now}, partial(station.move, mine.thing, was))


def _by_hand(do: str, undo: str, told: str, *again: Any) -> Act:
    """An act that is one movement of a hand, and the movement that undoes it ("" for none)."""

    def act(nemesis: Nemesis, armed: Armed) -> Done:
        _must_have(nemesis, armed, do)
        _do(nemesis, armed, do)
        back = partial(_do, nemesis, armed, undo, *again) if undo and armed.trigger.for_ns else None
        return Done(told.format(armed.target[1]), {"did": do}, back)

    return act


def _paper_out(nemesis: Nemesis, armed: Armed) -> Done:
    left = round(armed.options["left_mm"])
    _do(nemesis, armed, "load_paper", left)
    back = partial(_do, nemesis, armed, "load_paper", _FULL_ROLL_MM) if armed.trigger.for_ns else None
    return Done(f"{armed.target[1]} has {left} mm of paper left", {"left_mm": left}, back)


# -- the host -------------------------------------------------------------------------------------------------------
def _hand(nemesis: Nemesis, name: str, what: str) -> Callable[..., Any]:
    hand: Callable[..., Any] | None = getattr(nemesis.hands, name)
    if hand is None:
        raise CannotStrike(f"nobody here can {what}: there is no program under test, or it cannot be done in this run")
    return hand


def _kill(nemesis: Nemesis, armed: Armed) -> Done:
    kill = _hand(nemesis, "kill", "kill the collector")
    return Done("the program was killed as it sent this", {"signal": 9}, None, (), kill)


def _port_vanish(nemesis: Nemesis, armed: Armed) -> Done:
    line = armed.target[0]
    if nemesis.hands.vanish is not None and nemesis.shape.lines[line].outside:
        nemesis.hands.vanish(line, True)
        return Done(f"the port of {line} is gone", {"gone": True}, partial(nemesis.hands.vanish, line, False))
    from bench.faults.line_acts import mute

    return Done(f"the port of {line} is gone for the house", {"gone": True}, mute(nemesis, line, lambda _frame: True))


def _ports_swapped(nemesis: Nemesis, armed: Armed) -> Done:
    swap = _hand(nemesis, "swap", "swap the ports of a program")
    one, other = armed.target[0], armed.options["with_line"]
    if not (nemesis.shape.lines[one].outside and nemesis.shape.lines[other].outside):
        raise CannotStrike(f"{one} and {other} are not both lines of the program under test")
    swap(one, other)
    return Done(f"the ports of {one} and {other} changed places", {"with": other}, partial(swap, one, other))


def _output_held(nemesis: Nemesis, armed: Armed) -> Done:
    line = nemesis.world.rig.lines[armed.target[0]]
    line.hold()
    return Done(f"nothing leaves the collector on {line.name}", {"unsent": line.unsent()}, line.release)


def _sink_failure(nemesis: Nemesis, armed: Armed) -> Done:
    lock = nemesis.hands.lock_records
    house = nemesis.world.house is not None
    if lock is None and not house:
        _hand(nemesis, "lock_records", "lock the records of the program")
    if lock is not None:
        lock(True)
    nemesis.sink_down += house

    def undo() -> None:
        nemesis.sink_down -= house
        if lock is not None:
            lock(False)

    whose = ["house"] * house + ["program"] * (lock is not None)
    return Done(f"the records of {' and '.join(whose)} cannot be written", {"whose": whose}, undo)


def _pause(nemesis: Nemesis, armed: Armed) -> Done:
    pause = _hand(nemesis, "pause", "pause the collector")
    clockwork, lasts = nemesis.world.clockwork, armed.trigger.for_ns
    clockwork.call_at(clockwork.now, pause, lasts)
    return Done(f"the program does not run for {lasts / NS:g} s", {"ns": lasts})


def _clock_jump(nemesis: Nemesis, armed: Armed) -> Done:
    seconds = armed.options["seconds"]
    _hand(nemesis, "shift_clock", "set the collector's clock")(round(seconds * NS))
    return Done(f"the program's calendar clock jumped by {seconds:g} s", {"seconds": seconds})


ACTS: Final[Mapping[str, Act]] = {
    "reboot": _reboot,
    "buffer_lost": _buffer_lost,
    "buffer_restored": _buffer_restored,
    "sequence_reset": _sequence_reset,
    "device_clock": _device_clock,
    "queue_overflow": _queue_overflow,
    "busy": _busy,
    "address_conflict": _address_conflict,
    "paper_out": _paper_out,
    "unplug": _by_hand("unplug", "plug_in", "{} unplugged"),
    "open_cover": _by_hand("open_cover", "close_cover", "cover of {} opened"),
    "jam_cutter": _by_hand("jam_cutter", "free_cutter", "cutter of {} jammed"),
    "kill": _kill,
    "port_vanish": _port_vanish,
    "ports_swapped": _ports_swapped,
    "output_held": _output_held,
    "sink_failure": _sink_failure,
    "pause": _pause,
    "clock_jump": _clock_jump,
}
"""Name -> what is done."""
