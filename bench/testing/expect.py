"""What a test expects to see, and how near the thing came that it did see.

An expectation that was not met says which frame (or note) of the time came closest and in which points it differs, so
that a wrong register address does not look like silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bench.daytime import clock_text
from bench.testing.decode import Decoder
from bench.testing.traffic import Frame, Happening
from protocol.modbus.pdu import FC, NAMES
from protocol.modbus.rtu import is_sound

__all__ = ["FrameWanted", "NotSeen", "NoteWanted", "fields_of"]

_ADDRESSED: Final = frozenset({0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0F, 0x10, 0x16, 0x17})
_COUNTED: Final = _ADDRESSED - {0x05, 0x06, 0x16}


class NotSeen(AssertionError):
    """What was waited for did not come in time; the message says what came closest."""


def fields_of(frame: Frame) -> dict[str, Any]:
    """What can be compared of a Modbus frame: unit, function, and of a request address, count and value.

    A frame that is no sound Modbus frame has the field `damaged` only.
    """
    data = frame.data
    if not is_sound(data):
        return {"damaged": True}
    fields: dict[str, Any] = {"unit": data[0], "function": data[1] & 0x7F, "exception": bool(data[1] & 0x80)}
    if frame.is_request and data[1] in _ADDRESSED and len(data) >= 8:
        fields["address"] = int.from_bytes(data[2:4], "big")
        fields["count" if data[1] in _COUNTED else "value"] = int.from_bytes(data[4:6], "big")
        if data[1] == FC.WRITE_REGISTERS:
            fields["values"] = tuple(int.from_bytes(data[at : at + 2], "big") for at in range(7, len(data) - 3, 2))
    return fields


_SHOWN: Final[Mapping[str, Callable[[Any], str]]] = {
    "unit": lambda value: f"unit {value}",
    "function": lambda value: f"function 0x{value:02X} ({NAMES.get(value, 'not known here')})",
    "address": lambda value: f"address {value} (0x{value:04X})",
    "count": lambda value: f"count {value}",
    "value": lambda value: f"value {value}",
    "values": lambda value: f"values {', '.join(map(str, value))}",
    "exception": lambda value: "a refusal" if value else "no refusal",
}
_WEIGHT: Final[Mapping[str, int]] = {"unit": 4, "function": 3, "exception": 2}


@dataclass(frozen=True, slots=True)
class FrameWanted:
    """A frame by its Modbus fields; only the fields that are given are compared.

    Attributes:
        fields: of unit, function, address, count, value, values, exception.
        by: "program", "house" or "device"; None for anybody.
    """

    fields: Mapping[str, Any]
    by: str | None = "program"

    def __post_init__(self) -> None:
        unknown = set(self.fields) - set(_SHOWN)
        if unknown:
            raise TypeError(f"{unknown.pop()!r} is not a field of a frame; there are: {', '.join(_SHOWN)}")

    def __str__(self) -> str:
        told = ", ".join(_SHOWN[name](value) for name, value in self.fields.items()) or "any frame"
        return f"{told} from the {self.by}" if self.by else told

    def is_from(self, frame: Frame) -> bool:
        """Whether the right side sent it."""
        sides = {"program": frame.from_program, "house": frame.by.startswith("house"), "device": not frame.is_request}
        return self.by is None or sides[self.by]

    def matches(self, frame: Frame) -> bool:
        """Whether this is it."""
        return self.is_from(frame) and not self.differences(frame)

    def differences(self, frame: Frame) -> list[str]:
        """Where a frame differs, a phrase each; empty for the frame that is wanted."""
        found = fields_of(frame)
        if "damaged" in found:
            return ["it is damaged"] if self.fields else []
        told = []
        for name, wanted in self.fields.items():
            wanted = tuple(wanted) if name == "values" else wanted
            if found.get(name) != wanted:
                is_there = _SHOWN[name](found[name]) if name in found else f"no {name}"
                told.append(f"{is_there}, expected {_SHOWN[name](wanted)}")
        return told

    def nearness(self, frame: Frame) -> int:
        """How much of it fits."""
        found = fields_of(frame)
        score = 1 if self.is_from(frame) else 0
        for name, wanted in self.fields.items():
            score += _WEIGHT.get(name, 1) * (found.get(name) == wanted)
        return score

    def closest(self, frames: Iterable[Frame], decoder: Decoder) -> str:
        """The frame that came closest and where it differs, as one sentence."""
        seen = list(frames)
        if not seen:
            return "no frame went over the line in that time"
        best = max(reversed(seen), key=self.nearness)
        words = self.differences(best)
        if not self.is_from(best):
            words.append(f"it came from {best.by}")
        return (
            f"the closest of {len(seen)} frames is {clock_text(best.at, millis=True)} "
            f"[{best.data.hex(' ').upper()}] {decoder.meaning(best)}: {'; '.join(words)}"
        )


@dataclass(frozen=True, slots=True)
class NoteWanted:
    """A note of a device by its kind and facts ("ack", "shown" ...).

    Attributes:
        kind: of the note.
        device: name of the device; None for any.
        facts: that it has to have; others do not matter.
    """

    kind: str
    device: str | None
    facts: Mapping[str, Any]

    def __str__(self) -> str:
        facts = "".join(f" {name}={value!r}" for name, value in self.facts.items())
        return f"{self.kind!r}{facts} of {self.device or 'any device'}"

    def matches(self, told: Happening) -> bool:
        """Whether this is it."""
        return not self.differences(told)

    def differences(self, told: Happening) -> list[str]:
        """Where it differs, a phrase each."""
        words = [] if told.kind == self.kind else [f"it is {told.kind!r}"]
        if self.device not in (None, told.device):
            words.append(f"it is of {told.device}")
        words += [
            f"{name} is {told.facts.get(name)!r}, expected {value!r}"
            for name, value in self.facts.items()
            if told.kind == self.kind and told.facts.get(name) != value
        ]
        return words

    def closest(self, notes: Iterable[Happening]) -> str:
        """The note that came closest, as one sentence."""
        seen = list(notes)
        if not seen:
            return "no device told anything in that time"
        best = min(reversed(seen), key=lambda told: (told.kind != self.kind, len(self.differences(told))))
        facts = ", ".join(f"{name} {value!r}" for name, value in best.facts.items())
        return (
            f"the closest of {len(seen)} notes is {clock_text(best.at, millis=True)} {best.device} "
            f"{best.kind!r} ({facts}): {'; '.join(self.differences(best))}"
        )
