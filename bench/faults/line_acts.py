"""Faults of a line that are more than a change of one burst: late replies, echoes, collisions, breaks, babblers.

Those with a side in the catalogue (`where`) are called at each frame that they hit, the others once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from bench.faults.acts import DEAF, CannotStrike, Done
from bench.faults.triggers import Frame
from firmware_sim.burst import Burst
from firmware_sim.device import MS
from firmware_sim.flaws import Cast, Piece, foreign_exchange
from firmware_sim.line import Transmitter
from firmware_sim.modbus_line import ModbusLine

if TYPE_CHECKING:
    from bench.faults.nemesis import Armed, Nemesis

__all__ = ["LINE_ACTS", "mute"]

_REPLY_AFTER: Final = 5 * MS
"""From the end of a foreign master's request to its device's reply, ns."""


# -- at a frame -----------------------------------------------------------------------------------------------------
def _late_reply(nemesis: Nemesis, armed: Armed, station: Transmitter, frame: Frame) -> Done | None:
    """Keep the reply back; let it come after the end of the next request."""
    line = nemesis.world.rig.lines[frame.line]
    clockwork = nemesis.world.clockwork
    disturber = nemesis.disturber(frame.line)

    def release() -> None:
        if station.current is not None or station.queue or station.held:
            station.queue.appendleft(frame.data)
        else:
            line.put(station, Burst(station, frame.data, clockwork.now, line.settings))

    def next_request(sender: Transmitter, cast: Cast, _pieces: Sequence[Piece] | None) -> None:
        if sender is line.master:
            disturber.watchers.remove(next_request)
            end = cast.start + cast.settings.duration(len(cast.data))
            clockwork.call_at(end + round(armed.options["ms"] * MS), release)
            if not armed.live:
                clockwork.call_at(clockwork.now, nemesis.end, armed)

    disturber.watchers.append(next_request)
    pieces = (Piece(frame.data, heard=False),)
    return Done("kept back until after the next request", {"hex": frame.data.hex()}, None, pieces)


def _echo(nemesis: Nemesis, armed: Armed, station: Transmitter, frame: Frame) -> Done | None:
    """Let the collector hear what it sends."""
    skip = armed.options["skip"]
    if skip >= len(frame.data):
        armed.why = "the requests are shorter than what is not heard of them"
        return None
    nemesis.disturber(frame.line).echo(station, frame.data, skip)
    heard = frame.data[skip:]
    return Done(f"the collector heard {len(heard)} of its own characters", {"hex": heard.hex()})


def _collision(nemesis: Nemesis, armed: Armed, _station: Transmitter, frame: Frame) -> Done | None:
    """Let somebody else send over a reply."""
    byte, given = armed.options["byte"], armed.options["data"]
    if byte >= len(frame.data):
        armed.why = "the replies are shorter than the character at which it was to begin"
        return None
    unit = 1 + armed.rng.randrange(0, 247)
    data = foreign_exchange(armed.rng, unit)[1] if given is None else bytes.fromhex(given)
    clockwork = nemesis.world.clockwork
    length = (frame.end - frame.at) // len(frame.data)
    clockwork.call_at(frame.at + byte * length + length // 2, nemesis.disturber(frame.line).speak, data)
    return Done(f"{len(data)} foreign characters over it from character {byte}", {"byte": byte, "hex": data.hex()})


# -- for a while ----------------------------------------------------------------------------------------------------
def mute(nemesis: Nemesis, line: str, which: Callable[[Frame], bool]) -> Callable[[], Any]:
    """Let nobody hear the frames of a line for which `which` says so; returns what ends it."""
    disturber = nemesis.disturber(line)

    def swallow(station: Transmitter, cast: Cast, pieces: Sequence[Piece] | None) -> Sequence[Piece] | None:
        if station is disturber.noise or not which(nemesis.frame(line, station, cast)):
            return None
        return [piece._replace(heard=False) for piece in pieces or (Piece(cast.data),)]

    disturber.watchers.append(swallow)

    def end() -> None:
        if swallow in disturber.watchers:
            disturber.watchers.remove(swallow)
        disturber.leave()

    return end


def _stuck_low(nemesis: Nemesis, armed: Armed) -> Done:
    line = armed.target[0]
    nemesis.disturber(line).break_character()
    return Done(f"line {line} is held low", {"level": 0}, mute(nemesis, line, lambda _frame: True))


def _cut_wire(nemesis: Nemesis, armed: Armed) -> Done:
    name, beyond = armed.target[0], armed.options["beyond"]
    line = nemesis.world.rig.lines[name]
    if beyond == 0:
        return Done(f"line {name} is cut off whole", {"beyond": 0}, mute(nemesis, name, lambda _frame: True))
    slaves = [s for station in line.devices if isinstance(station, ModbusLine) for s in station.slaves]
    cut = [slave for slave in slaves if slave.unit > beyond]
    if not cut:
        raise CannotStrike(f"no unit of line {name} is beyond {beyond}, or they are no Modbus slaves")
    before = [(slave, slave.settings) for slave in cut]
    for slave in cut:
        slave.settings = DEAF

    def mend() -> None:
        for slave, settings in before:
            if slave.settings is DEAF:
                slave.settings = settings

    names = [slave.name for slave in cut]
    return Done(f"the wire is cut before {', '.join(names)}", {"beyond": beyond, "devices": names}, mend)


def _babble(nemesis: Nemesis, armed: Armed) -> Done:
    disturber, clockwork = nemesis.disturber(armed.target[0]), nemesis.world.clockwork
    every = round(armed.options["every_ms"] * MS)
    going = [True]

    def exchange() -> None:
        if not going[0]:
            return
        ask, reply = foreign_exchange(armed.rng, armed.options["foreign"])
        end = disturber.speak(ask)
        clockwork.call_at(end + _REPLY_AFTER, answer, reply)
        clockwork.call_at(clockwork.now + every, exchange)

    def answer(reply: bytes) -> None:
        if going[0]:
            disturber.speak(reply)

    def end() -> None:
        going[0] = False
        disturber.leave()

    exchange()
    return Done(f"a second master on {armed.target[0]}", {"foreign": armed.options["foreign"], "every_ns": every}, end)


LINE_ACTS: Final[Mapping[str, Callable[..., Any]]] = {
    "late_reply": _late_reply,
    "echo": _echo,
    "collision": _collision,
    "stuck_low": _stuck_low,
    "cut_wire": _cut_wire,
    "babble": _babble,
}
"""Name -> what happens."""
