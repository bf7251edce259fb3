"""What a subject of the self-test is: a device on a line, and for a mutant which requirement is to be blamed.

`Station` is the shipped Modbus station with four places to plant a defect in: the frame as it was cut, the reply's PDU,
the reply's frame, and when it is sent. Power can be switched off and on by the hand `power_cycle`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.clock.clockwork import Clockwork
from bench.compliance.reference import ReferenceSlave
from bench.compliance.virtual import EXACT, View
from firmware_sim.device import Effect, Send
from firmware_sim.line import Line
from firmware_sim.modbus_line import ModbusLine
from firmware_sim.modbus_server import Server
from firmware_sim.modbus_slave import Slave
from protocol.modbus.rtu import is_sound, seal

__all__ = ["MADE_OF", "UNIT", "Build", "Mutant", "Parts", "Station", "Subject", "on_station"]

UNIT = 17
"""Address of every subject."""

Hand = Callable[..., None]
Build = Callable[[Line, Clockwork], Mapping[str, Hand]]


@dataclass(frozen=True, slots=True)
class Subject:
    """A device that the suite is tested on.

    Args:
        id, title: what it is.
        build: puts it on a line.
        declaration: name of the declaration it is tested by.
        changes: text replacements in that declaration.
        unit: its address.
        settings: of the line; "" for those declared.
        view: how the port shows the line.
        cases: only cases whose id begins so are run on it; "" for all of its suite.
    """

    id: str
    title: str
    build: Build
    declaration: str = "reference"
    changes: tuple[tuple[str, str], ...] = ()
    unit: int = UNIT
    settings: str = ""
    view: View = EXACT
    cases: str = ""


@dataclass(frozen=True, slots=True)
class Mutant(Subject):
    """A device with one defect.

    Args:
        requirement: what must be blamed.
        collateral: cases that may fail too, each for a reason that follows from the defect.
        wild: where such a device was seen.
    """

    requirement: str = ""
    collateral: frozenset[str] = field(default_factory=frozenset)
    wild: str = ""


class Station(ModbusLine):
    """The shipped station, with places for a defect; without one it is that station."""

    def reset(self) -> None:
        """Power was switched off and on."""

    def cut(self, frame: bytes) -> bytes:
        """The frame as it was cut, before it is checked; what is returned is checked instead."""
        return frame

    def said(self, request: bytes, reply: bytes) -> bytes:
        """PDUs of a request and of its reply: what to reply instead; empty: nothing."""
        return reply

    def sealed(self, frame: bytes) -> bytes:
        """The reply's frame: what to send instead."""
        return frame

    def sends(self, data: bytes, after: int) -> Iterable[Effect]:
        """The reply as it is sent."""
        return (Send(data, after),)

    @property
    def slave(self) -> Any:
        """The one slave."""
        return self.slaves[0]

    def mine(self, frame: bytes) -> bool:
        """Whether a frame begins with the slave's address."""
        return frame[:1] == bytes((self.slave.unit,))

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        """As the station does, with the frame that `cut` gives."""
        if not tag and self._frame:
            self._frame = self.cut(self._frame)
        return super().wake(now, tag)

    def _execute(self, now: int, servers: list[Server], frame: bytes) -> Iterable[Effect]:
        effects: list[Effect] = []
        for effect in super()._execute(now, servers, frame):
            if isinstance(effect, Send):
                pdu = self.said(frame[1:-2], effect.data[1:-2])
                if pdu:
                    effects += self.sends(self.sealed(seal(effect.data[:1] + pdu)), effect.after)
            else:
                effects.append(effect)
        return effects


@dataclass(frozen=True, slots=True)
class Parts:
    """What a build on a station is made of, so that two defects can be put into one device (`pairs`).

    Args:
        station: class of the station.
        slave: makes the slave.
        turnaround: ns; 0: the station's own.
    """

    station: type[ModbusLine]
    slave: Callable[[], Slave]
    turnaround: int


MADE_OF: dict[Build, Parts] = {}
"""Builds of `on_station`, and what each is made of."""


def on_station(
    station: type[ModbusLine] = Station,
    slave: Callable[[], Slave] = ReferenceSlave,
    unit: int = UNIT,
    turnaround: int = 0,
) -> Build:
    """A build of one slave on a station of this class."""

    def build(line: Line, clockwork: Clockwork) -> Mapping[str, Hand]:
        made = station("slaves", line.settings, **({"turnaround": turnaround} if turnaround else {}))
        line.attach(made)
        device = made.attach(slave(), unit)

        def hand(name: str) -> Hand:
            def act(*args: Any) -> None:
                line.apply(made, made.relabel(device, getattr(device, name)(clockwork.now, *args)))

            return act

        hands = {name: hand(name) for name in getattr(device, "human", ())}
        reset = getattr(made, "reset", None)
        if reset is not None:
            hands["power_cycle"] = lambda: reset()
        return hands

    MADE_OF[build] = Parts(station, slave, turnaround)
    return build


def reseal(frame: bytes) -> bytes:
    """A frame with a right check, whatever it had."""
    return seal(frame[:-2]) if len(frame) >= 4 else frame


sound = is_sound
