"""When a fault strikes: at which frame, at which point of it, how often, in which time of the day.

`Trigger` is what was asked for, as values; `Frame` is a burst as the trigger sees it. Phases are those of
conformance.md 4.7: idle, request.byte[k], turnaround, reply.byte[k], reply.end, gap, ack.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from protocol.modbus.maps.reference_keypad import REFERENCE_KEYPAD
from protocol.modbus.pdu import FC
from protocol.modbus.rtu import is_sound

__all__ = ["CHOICE", "PHASES", "SIDES", "BadPhase", "Frame", "Phase", "Trigger"]

CHOICE: Final = (
    "line",
    "device",
    "unit",
    "where",
    "phase",
    "function",
    "address",
    "nth",
    "count",
    "rate",
    "at",
    "after",
    "before",
    "for_s",
    "optional",
)
"""What can be said of any fault about when and where it strikes."""

SIDES: Final = ("reply", "request", "any")
PHASES: Final = ("idle", "request.byte[k]", "turnaround", "reply.byte[k]", "reply.end", "gap", "ack")
_PHASE: Final = re.compile(r"^(idle|turnaround|reply\.end|gap|ack|(request|reply)\.byte\[(\d{1,3})\])$")
_ACKNOWLEDGE: Final = REFERENCE_KEYPAD["acknowledge"].address


class BadPhase(ValueError):
    """A phase that does not exist."""


class Phase(NamedTuple):
    """A point of an exchange: its name, the side whose burst tells it, and the character (-1: none)."""

    name: str
    side: str
    byte: int

    @classmethod
    def parse(cls, text: str) -> Phase:
        """Read "reply.byte[3]".

        Raises:
            BadPhase: it is none.
        """
        found = _PHASE.match(text)
        if found is None:
            raise BadPhase(f'there is no phase "{text}"; there are {", ".join(PHASES)}')
        name, side, byte = found.groups()
        if side:
            return cls(f"{side}.byte", side, int(byte))
        sides = {"turnaround": "request", "ack": "request", "reply.end": "reply", "gap": "reply", "idle": ""}
        return cls(name, sides[name], -1)


class Frame(NamedTuple):
    """A burst that begins.

    Args:
        line: name of the line.
        by: "port", the house's master, or the station that sends.
        request: the collector's end sends it.
        data: its characters, as they are sent.
        at: instant of its first edge, ns.
        end: instant of its last.
        asked: the request before it, or itself when it is one.
    """

    line: str
    by: str
    request: bool
    data: bytes
    at: int
    end: int
    asked: bytes


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a fault strikes.

    Attributes:
        line: name of the line; "" when the fault waits for no frame.
        unit: only frames to or from this address; None for all.
        where: "reply", "request", "any"; "" when it waits for no frame.
        phase: the point of an exchange at which it happens; None: as the frame begins.
        function, address: only Modbus frames of this kind.
        nth: it begins with the n-th frame that fits.
        count: how many frames in a row it strikes; None for no end.
        rate: share of the fitting frames that it strikes.
        after, before: in this time, ns since midnight.
        for_ns: how long it lasts, ns; 0 as the fault has it.
    """

    line: str = ""
    unit: int | None = None
    where: str = ""
    phase: Phase | None = None
    function: int | None = None
    address: int | None = None
    nth: int = 1
    count: int | None = 1
    rate: float = 1.0
    after: int | None = None
    before: int | None = None
    for_ns: int = 0

    @property
    def waits(self) -> bool:
        """Whether it waits for a frame."""
        return bool(self.where)

    def fits(self, frame: Frame) -> bool:
        """Whether a frame is one that is meant; how many were before does not matter here."""
        if self.where != "any" and frame.request != (self.where == "request"):
            return False
        if (self.after is not None and frame.at < self.after) or (self.before is not None and frame.at >= self.before):
            return False
        if self.unit is None and self.function is None and self.address is None and self.phase is None:
            return True
        fields = fields_of(frame)
        if self.phase is not None and self.phase.name == "ack" and not _acknowledges(fields):
            return False
        wanted = {"unit": self.unit, "function": self.function, "address": self.address}
        return all(value is None or fields.get(name) == value for name, value in wanted.items())


def _acknowledges(fields: Mapping[str, Any]) -> bool:
    return fields.get("function") == FC.WRITE_REGISTERS and fields.get("address") == _ACKNOWLEDGE


def fields_of(frame: Frame) -> dict[str, int]:
    """Unit, function and address of a Modbus frame; a reply has the address of its request. Empty for other frames."""
    data = frame.data
    if not is_sound(data):
        return {}
    fields = {"unit": data[0], "function": data[1] & 0x7F}
    asked = frame.asked
    if len(asked) >= 8 and asked[1] != FC.DIAGNOSTICS:
        fields["address"] = int.from_bytes(asked[2:4], "big")
    return fields
