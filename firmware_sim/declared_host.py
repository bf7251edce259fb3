"""The host's end of a declaration: frames of what `[house]` says, and what comes back from a device.

A program that speaks with a declared device needs nothing but its declaration: `HostSide.frame` makes the characters
of an `Ask`, `HostSide.answers` reads a device's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from firmware_sim.declared_rules import Read, Rules
from protocol.declared.codec import Codec, Decoded
from protocol.declared.model import Ask, Expr, Screen

_ROOM: Final = 16
"""Characters that an answer may be longer than the longest that is known."""

NOTHING: Final[Mapping[str, Any]] = MappingProxyType(
    {"text": "", "label": "", "ticket": "   ", "number": 0, "counter": 0, "row": 1, "waiting": 0}
)
"""Values of "@name" (`protocol.declared.model.WISHES`) when there is nothing to be shown."""


def wishes(screen: Screen, text: str, ticket: str, counter: int, row: int) -> Mapping[str, Any]:
    """Values of "@name" for one row of a display.

    Args:
        screen: the display.
        text: as it is to be read.
        ticket: as it is printed, "" for none.
        counter: where it is called.
        row: from 1.
    """
    # A ticket that is too long loses its letters: a display that cuts it behind would show another one's.
    cut = text[: screen.width] if ticket and text != ticket else text[-screen.width :]
    digits = "".join(char for char in ticket if char in "0123456789")
    return {
        **NOTHING,
        "text": cut.ljust(screen.width) if screen.fill else cut,
        "label": ticket,
        "ticket": digits[-3:].rjust(3),
        "number": int(digits) if digits else 0,
        "counter": counter if ticket else 0,
        "row": row,
    }


def spoken(ticket: str, counter: int, *, again: bool = False) -> Mapping[str, Any]:
    """Values of "@name" for a call that is to be spoken.

    Args:
        ticket: as it is printed.
        counter: where it is called.
        again: the call is a repeated one.
    """
    text = f"{'xin nhắc lại ' if again else ''}mời số {ticket} đến quầy {counter}"
    return {**wishes(Screen(len(text)), text, ticket, counter, 1)}


class HostSide:
    """What a program says to one unit.

    Args:
        codec: the declaration.
        unit: the unit's address.
    """

    def __init__(self, codec: Codec, unit: int) -> None:
        self.codec = codec
        self.unit = unit
        self.state: dict[str, Any] = {**codec.declaration.state, "unit": unit}
        self._rules = Rules(self)  # type: ignore[arg-type]  # expressions alone: no effect is played here
        self._made: dict[int, tuple[Ask, dict[str, Read]]] = {}
        self._own = self._address()

    def _address(self) -> int | str:
        """The unit as it stands in a frame."""
        address = self.codec.declaration.address
        for frame in self.codec.declaration.frames.values():
            part = frame.part(address.part) if address is not None else None
            if part is not None and part.item.kind == "text" and isinstance(part.item.size, int):
                return f"{self.unit:0{part.item.size}X}"
        return self.unit

    def read(self, expr: Expr) -> Read:
        """The function that evaluates an expression of `[house]`."""
        return self._rules.read(expr)

    def frame(self, ask: Ask, wishes: Mapping[str, Any]) -> bytes:
        """The characters of what is to be said.

        Args:
            ask: of `[house]`.
            wishes: values for "@name" (`protocol.declared.model.WISHES`).

        Raises:
            BadValue: a value is missing, or does not fit its field.
        """
        values = {name: read(wishes) for name, read in self._reads(ask).items()}
        address = self.codec.declaration.address
        if address is not None and address.part not in self.codec.messages[ask.message].defaults:
            values.setdefault(address.part, self._own)
        return self.codec.write(ask.message, values)

    def _reads(self, ask: Ask) -> Mapping[str, Read]:
        """What evaluates the values of an `Ask`; made once for those that have any."""
        if not ask.values:
            return {}
        found = self._made.get(id(ask))
        if found is None:
            found = self._made[id(ask)] = ask, {name: self.read(expr) for name, expr in ask.values.items()}
        return found[1]

    def answers(self, data: bytes) -> list[str]:
        """Names of the messages in what came from the line, of those that this unit can have sent."""
        decoded = (item for item in self.codec.decode("device", data) if isinstance(item, Decoded))
        return [one.message.name for one in decoded if one.message is not None and self._is_mine(one)]

    def _is_mine(self, decoded: Decoded) -> bool:
        """Whether the sender's address is this unit's, or is not in the frame."""
        address = self.codec.declaration.address
        message = decoded.message
        if address is None or message is None or address.part not in decoded.values:
            return True
        if address.part in message.values or address.part in message.match:
            return True  # the part says something else than who sends it
        sender = decoded.values[address.part]
        if isinstance(sender, int) and address.reply_mask:
            sender &= ~address.reply_mask
        return bool(sender == self._own)

    def longest(self, message: str) -> int:
        """Characters that a message has at most, by the frames of it that are known."""
        known = [len(vector.data) for vector in self.codec.declaration.vectors if vector.of == message]
        frame = self.codec.declaration.frames[self.codec.messages[message].message.frame]
        return min(max(known) + _ROOM, frame.most) if known else frame.most


__all__ = ["NOTHING", "HostSide", "spoken", "wishes"]
